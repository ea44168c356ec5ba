"""A 96-well plate of 13 analytes and 5,000 events a well: from events to the beads and from those to concentrations."""

import time

import numpy as np
import polars as pl

from tilseq.cytokines import find_beads, quantify
from tilseq.io.kits import read_kits
from tilseq.tables.inputs import PLATES

WELLS, EVENTS, SEED = 96, 5_000, 1
KIT = "two_size_13plex"
SIZES = {"small": 280_000, "large": 500_000}
CLASSIFIER = {
    "small": (7_000, 12_500, 23_000, 41_000, 56_000, 72_000),
    "large": (1_250, 3_800, 8_800, 21_000, 40_000, 71_000, 158_000),
}
LEVELS = 7


def plate() -> tuple[pl.DataFrame, dict[tuple[str, str], np.ndarray]]:
    """Return a plate's sheet, and the events of each well by plate and well."""
    rng = np.random.default_rng(SEED)
    populations = [(SIZES[size], level) for size, levels in CLASSIFIER.items() for level in levels]
    rows, events = [], {}
    for number in range(WELLS):
        name = f"{'ABCDEFGH'[number % 8]}{number // 8 + 1:02d}"
        level = number // 2
        standard = level <= LEVELS
        pg = (10_000 / 4.0**level if level < LEVELS else 0.0) if standard else float(rng.lognormal(5, 1.5))
        role = "sample" if not standard else "standard" if level < LEVELS else "blank"
        rows.append(
            {"plate": "P", "well": name, "path": name, "role": role, "kit": KIT}
            | {"sample": None if standard else f"S{level}", "level": f"C{LEVELS - level}" if standard else None}
            | {"nominal_pg_per_ml": pg if standard else None, "dilution": None if standard else 2.0}
        )
        codes = rng.integers(0, len(populations), EVENTS)
        middle = np.log([(size, 1.4 * size, level) for size, level in populations])
        bead = np.exp(middle[codes] + rng.standard_normal((EVENTS, 3)) * [0.08, 0.13, 0.055])
        light = (90 + 60_000 / (1 + (2_000 / max(pg, 1e-9)) ** 1.1)) * rng.lognormal(0, 0.3, EVENTS)
        events["P", name] = np.column_stack([bead, light])
    return PLATES.frame(rows), events


def main() -> None:
    """Print the table of this benchmark."""
    kits = read_kits()
    sheet, events = plate()
    stages = {}
    begun = time.process_time(), time.perf_counter()
    beads = find_beads(sheet, events, kits)
    stages["events to beads"] = time.process_time() - begun[0], time.perf_counter() - begun[1]
    begun = time.process_time(), time.perf_counter()
    quantify(sheet, beads.wells, kits)
    stages["beads to concentrations"] = time.process_time() - begun[0], time.perf_counter() - begun[1]
    print("| 96 wells, 13 analytes, 5,000 events a well | processors' s | clock s |\n|---|---|---|")
    for name, (processor, clock) in stages.items():
        print(f"| {name} | {processor:.1f} | {clock:.1f} |")


if __name__ == "__main__":
    main()
