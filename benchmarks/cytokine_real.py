"""The LEGENDplex plate of beadplexr (18 wells, 13 analytes) and its raw CytoFLEX well: beads, recoveries, CV of S1.

The files are not ours to ship: they lie in `cytokine` of the folder of TILSEQ_SHARED_DATA.
"""

import os
from pathlib import Path

import numpy as np
import polars as pl

from tilseq.cytokines import find_beads, quantify
from tilseq.io.kits import read_kits
from tilseq.io.plates import read_wells
from tilseq.tables.inputs import PLATES

KIT, NEAR = "two_size_13plex", 20.0


def sheet(folder: Path) -> pl.DataFrame:
    """Return the sheet of both plates; concentrations are the kit's."""
    rows = []
    for path in sorted((folder / "legendplex").glob("*.csv.gz")):
        _, content, replicate = path.name.removesuffix(".csv.gz").split("-")
        role = {"C0": "blank", "S1": "sample"}.get(content, "standard")
        sample = {"sample": content, "dilution": 1.0} if role == "sample" else {"level": content}
        own = {"plate": "K3", "well": f"{content}-{replicate}", "path": str(path), "scale": "asinh(1+x)"}
        rows.append(own | {"role": role, "kit": KIT} | sample)
    raw = {"plate": "K2", "well": "A7", "path": str(folder / "K2-C07-A7_raw.fcs"), "role": "control", "kit": KIT}
    return PLATES.frame([*rows, raw])


def main() -> None:
    """Print the table of this benchmark. Without real data it says so."""
    folder = Path(os.environ.get("TILSEQ_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        print(f"not measured: no real data at {folder}")
        return
    kits, names = read_kits(), sheet(folder / "cytokine")
    read = read_wells(names, "/", kits)
    wells = find_beads(names, read.events, kits, read.lost).wells
    for plate, own in wells.group_by("plate", maintain_order=True):
        verdicts = dict(own["verdict"].value_counts().iter_rows())
        print(f"{plate[0]}: {own['beads'].min()} to {own['beads'].max()} beads, {verdicts}")
    told = quantify(names.filter(plate="K3"), wells.filter(plate="K3"), kits)
    heads = ("level", "analytes within 20 %", "without shared errors", "and CV of wells", "stands at, %", "found, %")
    print(f"| {' | '.join(heads)} |")
    print("|---|---|---|---|---|---|")
    for row in told.dilution.iter_rows(named=True):
        own = told.recovery.filter(level=row["level"])
        near = [int(((own[name] - 100).abs() <= NEAR).sum()) for name in ("recovery_pct", "recovery_nominal_pct")]
        cells = [*near, int(own["within"].sum()), f"{100 * own['offset_factor'][0]:.0f}"]
        cells.append(f"{100 * row['factor']:.0f} ({100 * row['lower']:.0f} to {100 * row['upper']:.0f})")
        print(f"| {row['level']} | {' | '.join(map(str, cells))} |")
    both = wells.filter(sample="S1").group_by("analyte").agg(cv=100 * pl.col("signal").std() / pl.col("signal").mean())
    low, middle, high = np.percentile(both["cv"], [0, 50, 100])
    print(f"S1's two wells: CV of the signal {low:.0f} to {high:.0f} %, median {middle:.0f} %.")


if __name__ == "__main__":
    main()
