"""Clones that a paper says contracted, or expanded, as `change` calls them in either replicate.

`python -m benchmarks.published_change`, TILSEQ_SHARED_DATA is the folder with tcr/minervina_Table_S*.tsv: Minervina et
al., eLife 2021;10:e63502 (github.com/pogorely/Minervina_COVID, MIT). Two donors after mild COVID-19; clones were chosen
by edgeR from both replicates, S3 as contracting from day 15 on, S5 as expanding from day 15 to day 37. Counts are the
published frequencies times the UMIs of Table S1. As all clones were chosen, this tells of power and not of error.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl

from tilseq.multiplicity import benjamini_hochberg
from tilseq.repertoire import change, effective_number
from tilseq.repertoire.counting_tests import FEWEST, overdispersion_of

CELLS = 1_000_000  # half of the "~2mln" PBMC of Table S1 taken for T cells; their share is not published
REPLICATES = ("F1", "F2")
LEARNT_ON = 30  # the day whose replicates tell the over-dispersion; it chose no clone
COMPARISONS = (("S3", 15, 85, "contracted"), ("S3", 15, 45, "contracted"), ("S5", 15, 37, "expanded"))
WHOLE_FAMILY = 50_000  # tests, as if the rest of a repertoire had been tested too and had not changed


class Libraries:
    """The clones of one table and donor, and the libraries that hold them."""

    def __init__(self, folder: Path, table: str, donor: str, cells: float = CELLS) -> None:
        path = folder / "tcr" / f"minervina_Table_{table}.tsv"
        self.rows = pl.read_csv(path, separator="\t", null_values="NA", infer_schema_length=None).filter(donor=donor)
        depth = pl.read_csv(folder / "tcr" / "minervina_Table_S1.tsv", separator="\t").filter(Chain="TCRbeta")
        self.umis = {
            (int(day), name[-2:]): umis
            for sample, day, name, umis in depth.select("Donor", "Day", "Sample id", "UMIs").rows()
            if sample == donor and name[-2:] in REPLICATES
        }
        self.worth = {library: effective_number(umis, "umis", cells) for library, umis in self.umis.items()}

    def share(self, day: int, replicate: str) -> np.ndarray:
        """Return the published frequencies."""
        return self.rows[f"freq_d_{day}_{replicate}"].to_numpy()

    def clonotypes(self, day: int, replicate: str) -> pl.DataFrame:
        """Return the counts of the clones, and of all others as one clone `rest`."""
        umis = self.umis[day, replicate]
        counts = np.rint(self.share(day, replicate) * umis).astype(int)
        table = {"junction": self.rows["CDR3.nucleotide.sequence"].to_list(), "duplicate_count": counts.tolist()}
        table = {"junction": [*table["junction"], "rest"], "duplicate_count": [*counts.tolist(), umis - counts.sum()]}
        return pl.DataFrame(table).filter(pl.col("duplicate_count") > 0).with_columns(locus=pl.lit("TRB"))

    def overdispersion(self) -> float:
        """Return the over-dispersion of the replicates of a day that chose no clone."""
        cells = [self.share(LEARNT_ON, replicate) * self.worth[LEARNT_ON, replicate] for replicate in REPLICATES]
        return overdispersion_of(*cells, *(self.worth[LEARNT_ON, replicate] for replicate in REPLICATES))

    def calls(self, first: int, last: int, replicates: tuple[str, ...], overdispersion: float) -> pl.DataFrame:
        """Return the rows of `change` of the clones, in their order; those seen on neither day have nulls.

        Several replicates are summed, and so are their effective cells.
        """
        found = change(
            *(pl.concat([self.clonotypes(day, replicate) for replicate in replicates]) for day in (first, last)),
            samples=(str(first), str(last)),
            n_effective=tuple(sum(self.worth[day, name] for name in replicates) for day in (first, last)),
            overdispersion=overdispersion,
        )
        clones = self.rows.select(junction="CDR3.nucleotide.sequence")
        found = clones.join(found, on="junction", how="left", maintain_order="left")
        return found.with_columns(pl.col("call").fill_null("cannot_tell"))


def reasons(one: pl.DataFrame, two: pl.DataFrame, call: str) -> dict[str, int]:
    """Return why only one replicate calls a clone: what the other shows of it."""
    sign = 1 if call == "expanded" else -1
    told: dict[str, int] = dict.fromkeys(
        ("too few cells", "same way, not significant", "other way, limits overlap", "limits apart"), 0
    )
    for a, b in zip(one.iter_rows(named=True), two.iter_rows(named=True), strict=True):
        if (a["call"] == call) == (b["call"] == call):
            continue
        other = b if a["call"] == call else a
        (low, high), (below, above) = (_limits(row) for row in (a, b))
        ratio = sign * ((other["cells_after"] or 0) - (other["cells_before"] or 0))
        if low > above or below > high:
            told["limits apart"] += 1
        elif (other["cells_before"] or 0) + (other["cells_after"] or 0) < FEWEST:
            told["too few cells"] += 1
        else:
            told["same way, not significant" if ratio > 0 else "other way, limits overlap"] += 1
    return told


def _limits(row: dict[str, float | None]) -> tuple[float, float]:
    return (
        -np.inf if row["lower"] is None else float(row["lower"]),
        np.inf if row["upper"] is None else float(row["upper"]),
    )


def main() -> None:
    """Print the table."""
    if "TILSEQ_SHARED_DATA" not in os.environ:
        print("left out: TILSEQ_SHARED_DATA does not name the folder of the tables")
        return
    folder = Path(os.environ["TILSEQ_SHARED_DATA"])
    columns: list[str] = []
    for table, first, last, call in COMPARISONS:
        for donor in "MW":
            libraries = Libraries(folder, table, donor)
            rho = libraries.overdispersion()
            one, two, both = (libraries.calls(first, last, names, rho) for names in (("F1",), ("F2",), REPLICATES))
            called = [(found["call"] == call).to_numpy() for found in (one, two, both)]
            opposite = {"expanded", "contracted"} - {call}
            padded = [
                np.append(found["p"].fill_null(1), np.ones(WHOLE_FAMILY - len(found))) for found in (one, two, both)
            ]
            row = {
                "clones": f"{table}, {donor}, day {first} to {last}: {call}",
                "number": len(one),
                "over-dispersion": f"{rho:.3f}",
                "F1, %": f"{100 * called[0].mean():.1f}",
                "F2, %": f"{100 * called[1].mean():.1f}",
                "F1 + F2, %": f"{100 * called[2].mean():.1f}",
                "both agree, %": f"{100 * (called[0] == called[1]).mean():.1f}",
                "opposite call": sum(int(found["call"].is_in(opposite).sum()) for found in (one, two)),
                f"F1, F2, F1 + F2 among {WHOLE_FAMILY:,} tests, %": ", ".join(
                    f"{100 * (benjamini_hochberg(p)[: len(one)] <= 0.05).mean():.0f}" for p in padded
                ),
                **reasons(one, two, call),
            }
            if not columns:
                columns = list(row)
                print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
            print("| " + " | ".join(str(row[name]) for name in columns) + " |")


if __name__ == "__main__":
    main()
