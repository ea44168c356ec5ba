"""Responses of 1,000 subjects of 20 visits: `response`, `best_response`, `response_rates`, `irecist`.

`python -m benchmarks responses`. Four targets and a non-target a subject, 100,000 rows of lesions. The limit is polars'
reading of the same rows as CSV, in the same process, the two in turn.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from tilseq.clinical import best_response, irecist, response, response_rates
from tilseq.io.clinical import read_lesions
from tilseq.tables.inputs import LESIONS

SUBJECTS, VISITS, REPEATS = 1000, 20, 5


def lesions(subjects: int = SUBJECTS, visits: int = VISITS) -> pl.DataFrame:
    """Return the lesions: targets that shrink to a nadir and grow again, at a rate of each subject's own."""
    random = np.random.default_rng(1)
    rows = []
    for subject in range(subjects):
        sizes, nadir, depth = random.uniform(15, 60, 4), random.uniform(2, 18), random.uniform(0, 0.9)
        for visit in range(visits):
            share = 1 - depth * max(0, 1 - abs(visit - nadir) / nadir) if visit else 1
            row = {"subject": f"S{subject:04}", "day": 42 * visit - 8, "visit": f"v{visit}", "reader": "investigator"}
            rows += [
                row | {"lesion": f"T{i}", "role": "target", "node": i == 3, "diameter_mm": round(share * size, 1)}
                for i, size in enumerate(sizes)
            ]
            rows.append(row | {"lesion": "N1", "role": "nontarget", "state": "present"})
    return LESIONS.frame(rows)


def main() -> None:
    """Print the table."""
    table = lesions()
    derived = response(table)
    best = best_response(derived)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lesions.csv"
        table.write_csv(path)
        work: dict[str, Callable[[], object]] = {
            "polars reads the rows": lambda: pl.read_csv(path, infer_schema_length=None),
            "read_lesions": lambda: read_lesions(path),
            "response": lambda: response(table),
            "best_response": lambda: best_response(derived),
            "response_rates": lambda: response_rates(best),
            "irecist (with response)": lambda: irecist(table),
        }
        times: dict[str, list[float]] = {name: [] for name in work}
        for _ in range(REPEATS):
            for name, call in work.items():
                start = time.perf_counter()
                call()
                times[name].append(time.perf_counter() - start)
    limit = statistics.median(times["polars reads the rows"])
    print(f"| {SUBJECTS:,} subjects x {VISITS} visits, {table.height:,} rows | seconds | x polars' reading |\n|-|-|-|")
    for name, taken in times.items():
        middle = statistics.median(taken)
        print(f"| {name} | {middle:.2f} | {middle / limit:.0f} |")


if __name__ == "__main__":
    main()
