"""Responses of 1,000 subjects of 20 visits: `response`, `best_response`, `response_rates`, `irecist`.

`python -m benchmarks responses`. Four targets and a non-target a subject, 100,000 rows of lesions. The limit is polars'
reading of the same rows as CSV, in the same process, all in turn.

A second table: 1,000 subjects of the simulator (lesions, scans, missed visits, what the reader wrote); trials of 40 are
drawn from them, and the exact limits of each trial are held against the rate of all.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from tilseq.clinical import BestResponsePolicy, best_response, irecist, response, response_rates
from tilseq.intervals import clopper_pearson
from tilseq.io.clinical import read_lesions
from tilseq.simulate.clinic.lesions import draw_lesions, follow
from tilseq.simulate.clinic.scans import read_scans
from tilseq.simulate.streams import stream
from tilseq.tables.inputs import LESIONS, RESPONSE_READS

SUBJECTS, VISITS, REPEATS = 1000, 20, 5
SIMULATED, TRIALS, TRIAL_SIZE = 1000, 2000, 40
TYPES = ("melanoma", "cervical", "ovarian", "nsclc", "head_and_neck", "other")
PLAN = {"baseline": (-10, 4), "D42": (42, 4), "D84": (84, 7), "D126": (126, 7), "D168": (168, 7), "D252": (252, 14)}


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


def simulated(subjects: int = SIMULATED) -> pl.DataFrame:
    """Return the best responses of simulated subjects, as recorded and as derived from the lesions."""
    seen, read = [], []
    days = np.arange(401)
    for number in range(subjects):
        random = stream(11, str(number), "cells")
        peak, half_life = 200 * random.lognormal(0, 1.2), 20 * 15 ** random.random()
        cells = peak * np.where(days < 12, (days / 12) ** 2, 0.5 ** ((days - 12) / half_life))
        disease = follow(draw_lesions(stream(11, str(number), "lesions"), TYPES[number % 6]), cells)
        name = f"S{number:04}"
        found = read_scans(name, disease, PLAN, lambda visit, name=name: stream(11, name, visit), last_day=400)
        seen += found.lesions
        read += found.responses
    table = response(LESIONS.frame(seen), RESPONSE_READS.frame(read))
    everyone = pl.DataFrame({"subject": [f"S{number:04}" for number in range(subjects)]})
    sources = ("recorded", "derived")
    best = [best_response(table, None, everyone, BestResponsePolicy(source=source)) for source in sources]
    return pl.concat([one.with_columns(source=pl.lit(source)) for one, source in zip(best, sources, strict=True)])


def coverage(best: pl.DataFrame) -> None:
    """Print how many trials hold the rate of all subjects in their limits."""
    random = np.random.default_rng(2)
    draws = [random.choice(SIMULATED, TRIAL_SIZE, replace=False) for _ in range(TRIALS)]
    print(f"| {TRIALS:,} trials of {TRIAL_SIZE} | rate of all, % | limits hold it, % |\n|-|-|-|")
    for (source, confirmation), part in best.group_by("source", "confirmation", maintain_order=True):
        words = part.sort("subject")["best_response"]
        for parameter, counted in (("ORR", ["CR", "PR"]), ("DCR", ["CR", "PR", "SD"])):
            hits = words.is_in(counted).to_numpy()
            counts = np.array([hits[draw].sum() for draw in draws])
            lower, upper = clopper_pearson(counts, np.full(TRIALS, TRIAL_SIZE))
            held = (lower <= hits.mean()) & (hits.mean() <= upper)
            name = f"{parameter}, {source}, confirmation {confirmation.replace('_', ' ')}"
            print(f"| {name} | {100 * hits.mean():.1f} | {100 * held.mean():.1f} |")


def main() -> None:
    """Print both tables."""
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
            "irecist": lambda: irecist(table, derived),
        }
        times: dict[str, list[float]] = {name: [] for name in work}
        for _ in range(REPEATS):
            for name, call in work.items():
                start = time.process_time()
                call()
                times[name].append(time.process_time() - start)
    limit = statistics.median(times["polars reads the rows"])
    what = f"{SUBJECTS:,} subjects x {VISITS} visits, {table.height:,} rows"
    print(f"| {what} | seconds of the processors | x polars' reading |\n|-|-|-|")
    for name, taken in times.items():
        middle = statistics.median(taken)
        print(f"| {name} | {middle:.2f} | {middle / limit:.0f} |")
    print()
    coverage(simulated())


if __name__ == "__main__":
    main()
