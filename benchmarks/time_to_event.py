"""Time to event: a trial of 1,000 subjects x 20 visits beside a plain loop; and simulated trials beside their truth.

`python -m benchmarks time_to_event`. The plain loop takes the same frames and finds OS and PFS by the first PD or
death, without a rule of censoring; under EMA-type censoring both must come to the same. The third row is what it takes
to have polars hand over the rows. The simulated trial is the clinic of `tilseq simulate` without its blood; its truth
is the death, and the day on which a perfect daily scan would show progression.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
import polars as pl

from tilseq.clinical import clinical_records, response, time_to_event, time_to_event_rules
from tilseq.simulate.clinic.followup import draw_fate, followup_row, schedule_rows, therapy_rows, true_fate_row
from tilseq.simulate.clinic.lesions import draw_lesions, follow
from tilseq.simulate.clinic.scans import read_scans
from tilseq.simulate.streams import stream
from tilseq.tables.inputs import FOLLOWUP, RESPONSE_READS, SCHEDULE, SUBJECTS, THERAPIES, TUMOR_TYPES

SUBJECTS_TIMED, VISITS, REPEATS = 1000, 20, 5
SIMULATED, SEED, CUT = 150, 7, 400
PLAN = {"baseline": (-10, 4), "D42": (42, 4), "D84": (84, 7), "D126": (126, 7), "D168": (168, 7), "D252": (252, 14)}
PLAN |= {"D336": (336, 14)}
WORDS, SHARES = ("CR", "PR", "SD", "NE", "PD"), (0.05, 0.2, 0.6, 0.05, 0.1)


def trial() -> dict[str, pl.DataFrame]:
    """Return a trial with random responses at every visit, deaths and therapies."""
    random = np.random.default_rng(1)
    names = [f"S{i:04}" for i in range(SUBJECTS_TIMED)]
    reads, follow, therapies, best = [], [], [], []
    for name in names:
        words = random.choice(WORDS, VISITS, p=SHARES).tolist()
        reads += [{"subject": name, "day": 42 * (i + 1), "visit": f"V{i}", "response": w} for i, w in enumerate(words)]
        last = 42 * VISITS + int(random.integers(1, 200))
        dead = bool(random.random() < 0.5)
        follow.append({"subject": name, "death_day" if dead else "last_alive_day": last})
        if random.random() < 0.3:
            therapies.append({"subject": name, "therapy": "x", "start_day": int(random.integers(1, last))})
        if random.random() < 0.4:
            best.append({"subject": name, "response_day": 42})
    common = {"reader": pl.lit(None, pl.String), "source": pl.lit("recorded"), "confirmation": pl.lit("required")}
    return {
        "responses": RESPONSE_READS.frame(reads),
        "followup": FOLLOWUP.frame(follow),
        "subjects": SUBJECTS.frame([{"subject": name, "tumor_type": "other"} for name in names]),
        "therapies": THERAPIES.frame(therapies),
        "schedule": SCHEDULE.frame([{"visit": f"V{i}", "day": 42 * (i + 1), "window": 7} for i in range(VISITS)]),
        "best_response": pl.DataFrame(best).with_columns(**common, best_response=pl.lit("PR")),
    }


def plain_loop(responses: pl.DataFrame, followup: pl.DataFrame) -> dict[tuple[str, str], tuple[int, bool]]:
    """Return days and event of OS and PFS by endpoint and subject: first PD or death, else the last day."""
    progressed: dict[str, int] = {}
    assessed: dict[str, int] = {}
    for row in responses.sort("subject", "day").rows(named=True):
        if row["day"] > 0 and row["subject"] not in progressed and row["response"] != "NE":
            (progressed if row["response"] == "PD" else assessed)[row["subject"]] = row["day"]
    found = {}
    for row in followup.rows(named=True):
        name, death = row["subject"], row["death_day"]
        found["OS", name] = ((row["last_alive_day"] if death is None else death) + 1, death is not None)
        event = progressed.get(name, death)
        found["PFS", name] = (assessed.get(name, 0) + 1, False) if event is None else (event + 1, True)
    return found


def check(derived: pl.DataFrame, plain: dict[tuple[str, str], tuple[int, bool]]) -> int:
    """Return how many times are compared; all must be the same."""
    ours = {
        (p, s): (days, event) for p, s, days, event in derived.select("parameter", "subject", "days", "event").rows()
    }
    assert {key: ours[key] for key in plain} == plain
    return len(plain)


def seconds(work: Callable[[], object]) -> float:
    """Return the median processor time of several runs: the machine may be shared."""
    taken = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def simulated() -> tuple[dict[str, pl.DataFrame], dict[str, dict[str, int | None]]]:
    """Return the tables of a simulated trial, and its truth by subject."""
    lesions, reads, follow_up, therapies, truth, subjects = [], [], [], [], {}, []
    day = np.arange(CUT + 221)
    for i in range(SIMULATED):
        name, kind = f"S{i:03}", TUMOR_TYPES[i % len(TUMOR_TYPES)]
        random = stream(SEED, name, "cells")
        peak, top, half_life = 200 * random.lognormal(0, 1.2), random.uniform(10, 14), 20 * 15 ** random.random()
        cells = peak * np.where(day < top, (day / top) ** 2, 0.5 ** ((day - top) / half_life))
        disease = follow(draw_lesions(stream(SEED, name, "lesions"), kind), cells)
        fate = draw_fate(stream(SEED, name, "fate"), disease, CUT)
        seen = read_scans(name, disease, PLAN, lambda v, n=name: stream(SEED, n, v), last_day=fate.last_alive_day)
        progressed = next((row["day"] for row in seen.responses if row["response"] == "PD"), None)
        lesions += seen.lesions
        reads += seen.responses
        follow_up.append(followup_row(name, fate))
        therapies += therapy_rows(stream(SEED, name, "therapy"), name, progressed, fate)
        truth[name] = true_fate_row(name, fate, disease)
        subjects.append({"subject": name, "tumor_type": kind, "harvest_day": -45})
    tables = {
        "followup": FOLLOWUP.frame(follow_up),
        "subjects": SUBJECTS.frame(subjects),
        "therapies": THERAPIES.frame(therapies),
        "schedule": SCHEDULE.frame(schedule_rows(PLAN)),
        "lesions": pl.DataFrame(lesions, infer_schema_length=None),
    }
    recorded = RESPONSE_READS.frame(reads)
    derived = response(tables["lesions"], recorded, subjects=tables["subjects"])
    return tables | {"responses": derived, "recorded": recorded}, truth


def beside_truth(derived: pl.DataFrame, truth: dict[str, dict[str, int | None]]) -> Counter[tuple[str, str]]:
    """Return how many subjects of each endpoint are how near to the truth."""
    counted: Counter[tuple[str, str]] = Counter()
    for row in derived.filter(pl.col("parameter").is_in(["OS", "PFS"])).iter_rows(named=True):
        true = truth[row["subject"]]
        days = [true["death_day"]] if row["parameter"] == "OS" else [true["death_day"], true["progression_day"]]
        event = min((day for day in days if day is not None), default=None)
        gap = None if event is None else row["end_day"] - event
        if row["event"]:
            places = (
                (-1, "event before"),
                (0, "event on"),
                (42, "event 1 to 42 days after"),
                (98, "43 to 98 days after"),
            )
            word = "event without" if gap is None else next((w for most, w in places if gap <= most), "later still")
        else:
            word = "censored, none" if gap is None else "censored before" if gap < 0 else "censored on or after"
        counted[row["parameter"], word] += 1
    return counted


def main() -> None:
    """Print the table of this benchmark."""
    tables = trial()
    ema = time_to_event_rules(censoring="ema")
    reads, followup = tables["responses"], tables["followup"]
    same = check(time_to_event(clinical_records(**tables), ema), plain_loop(reads, followup))
    runs = {
        "tilseq, all six endpoints": lambda: time_to_event(clinical_records(**tables)),
        "plain loop, OS and PFS without rules": lambda: plain_loop(reads, followup),
        "rows handed over by polars": lambda: [frame.rows(named=True) for frame in tables.values()],
    }
    taken = {name: seconds(run) for name, run in runs.items()}
    base = next(iter(taken.values()))
    print(f"| {SUBJECTS_TIMED:,} subjects x {VISITS} visits | processor seconds | tilseq takes x |\n|-|-|-|")
    for name, one in taken.items():
        print(f"| {name} | {one:.3f} | {base / one:.1f} |")
    print(f"\n{same} of {same} times are those of the plain loop under EMA-type censoring.\n")

    tables, truth = simulated()
    recorded = tables.pop("recorded")
    check(time_to_event(clinical_records(**tables), ema), plain_loop(recorded, tables["followup"]))
    print(f"{SIMULATED} simulated subjects: {2 * SIMULATED} of {2 * SIMULATED} times are those of the plain loop.\n")
    print("| endpoint | time derived (FDA-type), beside the true event | subjects |\n|-|-|-|")
    for (parameter, word), number in sorted(beside_truth(time_to_event(clinical_records(**tables)), truth).items()):
        print(f"| {parameter} | {word} | {number} |")


if __name__ == "__main__":
    main()
