"""Adverse events: tern's printed tables of its `ex_adae`, and whether intervals hold planted incidences.

`TILSEQ_TERN=FOLDER python -m benchmarks safety`: a clone of insightsengineering/tern (Apache-2.0), whose data R reads;
without it the first table is left out. Preset seeds.
"""

from __future__ import annotations

import io
import os
import subprocess
import time
from pathlib import Path

import numpy as np
import polars as pl

from tilseq.clinical import safety
from tilseq.simulate.clinic.followup import Fate
from tilseq.simulate.clinic.labs import draw_course, draw_tolerance
from tilseq.simulate.clinic.lesions import FIRST_DAY
from tilseq.simulate.clinic.safety import EVENTS, PEAK_SPREAD, TYPICAL_PEAK_PER_UL, draw_safety
from tilseq.simulate.streams import stream
from tilseq.tables.inputs import ADVERSE_EVENTS
from tilseq.tables.qualifiers import qualifier_text

COHORTS, SIZES, SEED, LAST_DAY = 60, (12, 30), 20_26, 400
TRIALS, HAZARDS = 400, (0.0005, 0.003, 0.02)  # a day
ARMS = ("A: Drug X", "B: Placebo", "C: Combination")
# What tern prints of ex_adae (tests/testthat/_snaps, commit eab2bd7), by arm.
PRINTED = {
    ("subjects", "grade=any"): (59, 57, 48),
    ("events", "grade=any"): (202, 177, 162),
    # count_occurrences_by_grade: severity is grade 1, 2 and 3, 4 and 5
    ("worst", "1"): (6, 4, 2), ("worst", "23"): (19, 15, 14), ("worst", "45"): (34, 38, 32),
    # summarize_num_patients, by system
    ("subjects", "grade=any;soc=cl A"): (31, 24, 27), ("events", "grade=any;soc=cl A"): (39, 33, 35),
    ("subjects", "grade=any;soc=cl B"): (39, 36, 31), ("events", "grade=any;soc=cl B"): (59, 57, 51),
    ("subjects", "grade=any;soc=cl C"): (31, 23, 25), ("events", "grade=any;soc=cl C"): (38, 30, 33),
    ("subjects", "grade=any;soc=cl D"): (40, 40, 29), ("events", "grade=any;soc=cl D"): (66, 57, 43),
    # count_occurrences, by term
    ("subjects", "dcd A.1.1.1.1"): (17, 17, 14), ("subjects", "dcd A.1.1.1.2"): (17, 14, 17),
    ("subjects", "dcd B.1.1.1.1"): (15, 19, 15), ("subjects", "dcd B.2.1.2.1"): (17, 16, 13),
    ("subjects", "dcd B.2.2.3.1"): (17, 15, 16), ("subjects", "dcd C.1.1.1.3"): (15, 13, 18),
    ("subjects", "dcd C.2.1.2.1"): (20, 14, 10), ("subjects", "dcd D.1.1.1.1"): (17, 18, 7),
    ("subjects", "dcd D.1.1.4.2"): (16, 13, 16), ("subjects", "dcd D.2.1.5.3"): (21, 20, 12),
}  # fmt: skip
# s_count_patients_with_flags, of all subjects: serious, related, grade 3 to 5, grade 4 and 5
FLAGS = {"ae_serious": 128, "ae_related": 137, "345": 134, "45": 104}
READ = """
load(commandArgs(TRUE)[1]); d <- as.data.frame(tern_ex_adae)
names <- c("USUBJID", "ARM", "AESOC", "AEDECOD", "AETOXGR", "AESER", "AEREL")
write.csv(d[names], row.names = FALSE)
"""


# Subjects by arm, term and worst grade, counted by R itself: tern prints no such table of its data.
WORST = """
load(commandArgs(TRUE)[1]); d <- as.data.frame(tern_ex_adae); d$grade <- as.integer(d$AETOXGR)
worst <- aggregate(grade ~ USUBJID + ARM + AEDECOD, d, max)
write.csv(as.data.frame(table(ARM = worst$ARM, AEDECOD = worst$AEDECOD, grade = worst$grade)), row.names = FALSE)
"""


def main() -> None:
    """Print both tables."""
    folder = os.environ.get("TILSEQ_TERN")
    if folder is None:
        print("ex_adae left out: TILSEQ_TERN names no clone of tern\n")
    else:
        _tern(Path(folder))
    _coverage()
    _rate_coverage()


def _tern(folder: Path) -> None:
    data = next(iter(sorted(folder.rglob("tern_ex_adae.rda"))))
    text = subprocess.check_output(["Rscript", "-e", READ, str(data)], text=True)
    rows = pl.read_csv(io.StringIO(text), infer_schema=False)
    events = rows.select(
        subject="USUBJID",
        term="AEDECOD",
        soc="AESOC",
        grade=pl.col("AETOXGR").cast(pl.Int64),
        serious=pl.col("AESER") == "Y",
        related=pl.when(pl.col("AEREL") == "Y").then(pl.lit("yes")).otherwise(pl.lit("no")),
        start_day=pl.int_range(pl.len()),
    )
    people = rows.select(subject="USUBJID", arm="ARM", tumor_type=pl.lit("other")).unique()
    begun = time.perf_counter()
    found = safety(events, subjects=people)
    seconds = time.perf_counter() - begun
    cells = [(key, arm, value) for key, values in PRINTED.items() for arm, value in zip(ARMS, values, strict=True)]
    right = sum(_found(found, *key, group=f"arm={arm}", soc_of=_soc) == value for key, arm, value in cells)
    whole = {
        name: _found(found, "worst", name) if name.isdigit() else _subjects(found, "all", name, "grade=any")
        for name in FLAGS
    }
    print(f"| tern's printed cells of ex_adae ({rows.height} events, {people.height} subjects) | equal | seconds |")
    print("|-|-|-|")
    print(f"| by arm: any, worst grade, system, term, events | {right} of {len(cells)} | {seconds:.2f} |")
    flags = sum(whole[name] == FLAGS[name] for name in FLAGS)
    print(f"| serious, related, grade 3-5, grade 4-5 | {flags} of {len(FLAGS)} | |")
    text = subprocess.check_output(["Rscript", "-e", WORST, str(data)], text=True)
    counted = pl.read_csv(io.StringIO(text), infer_schema=False).to_dicts()
    same = 0
    for row in counted:
        what = qualifier_text({"grade": row["grade"], "soc": _soc(row["AEDECOD"]), "term": row["AEDECOD"]})
        same += _subjects(found, f"arm={row['ARM']}", "ae_any", what or "") == int(row["Freq"])
    print(f"| R's own count by arm, term and worst grade | {same} of {len(counted)} | |\n")


def _soc(term: str) -> str:
    return f"cl {term.split()[1][0]}"


def _found(found, kind, what, *, group="all", soc_of=None):
    if kind == "worst":
        return sum(_subjects(found, group, "ae_any", f"grade={grade}") for grade in what)
    if what.startswith("dcd"):
        what = qualifier_text({"grade": "any", "soc": soc_of(what), "term": what})
    if kind == "subjects":
        return _subjects(found, group, "ae_any", what)
    return found.rates.filter(group=group, parameter="ae_any", qualifier=what)["events"].item()


def _subjects(found, group: str, parameter: str, qualifier: str) -> int:
    return int(found.summaries.filter(group=group, parameter=parameter, qualifier=qualifier)["numerator"].item())


def _coverage() -> None:
    """Count how often exact intervals hold the planted share of a term and grade."""
    print(f"| subjects | intervals, {COHORTS} cohorts | hold the planted share | least of a grade |")
    print("|-|-|-|-|")
    for size in SIZES:
        held: dict[str, list[bool]] = {"2": [], "3": [], "4": [], "3-4": []}
        for number in range(COHORTS):
            names = [f"{size}-{number}-{i}" for i in range(size)]
            rows = [row for name in names for row in _draw(name)]
            people = pl.DataFrame({"subject": names, "tumor_type": "melanoma", "first_dose_day": -7})
            found = safety(ADVERSE_EVENTS.frame(rows), subjects=people, emergence="all")
            told = {row["qualifier"]: row for row in found.summaries.filter(parameter="ae_any").to_dicts()}
            for event in EVENTS:
                _, second, third, fourth = event.shares
                for grade, share in (("2", second - third), ("3", third - fourth), ("4", fourth), ("3-4", third)):
                    row = told.get(qualifier_text({"grade": grade, "soc": event.soc, "term": event.term}) or "")
                    low, high = (0.0, 1 - 0.025 ** (1 / size)) if row is None else (row["lower"], row["upper"])
                    held[grade].append(low <= share + 1e-12 and share - 1e-12 <= high)
        every = [hit for hits in held.values() for hit in hits]
        least = min(100 * np.mean(hits) for hits in held.values())
        print(f"| {size} | {len(every):,} | {100 * np.mean(every):.1f} % | {least:.1f} % |")


def _rate_coverage() -> None:
    """Count how often the interval of a rate holds a constant hazard, of 12 subjects seen for 30 to 300 days."""
    print("\n| events per 100 person-months | trials | rates that hold it |")
    print("|-|-|-|")
    for number, hazard in enumerate(HAZARDS):
        random, held = stream(SEED, "rates", str(number)), []
        for _ in range(TRIALS):
            seen = random.integers(30, 301, 12)
            begins = np.ceil(random.exponential(1 / hazard, 12)).astype(int) - 1
            names = [str(i) for i in range(12)]
            people = pl.DataFrame({"subject": names, "tumor_type": "other", "first_dose_day": 0})
            followup = pl.DataFrame({"subject": names, "last_alive_day": seen})
            rows = [
                {"subject": name, "term": "x", "grade": 1, "start_day": int(begin)}
                for name, begin, last in zip(names, begins, seen, strict=True)
                if begin <= last
            ]
            rates = safety(ADVERSE_EVENTS.frame(rows), subjects=people, followup=followup).rates
            row = rates.filter(parameter="ae_any", qualifier="grade=any").row(0, named=True)
            held.append(row["lower"] <= 100 * 30.4375 * hazard <= row["upper"])
        print(f"| {100 * 30.4375 * hazard:.1f} | {TRIALS} | {100 * np.mean(held):.1f} % |")


def _draw(name: str) -> list[dict[str, object]]:
    """Return the adverse events of a subject that lives on; see tests/simulate/clinic/test_safety.py."""
    tolerance = draw_tolerance(stream(SEED, name, "tolerance"))
    tumor = np.full(LAST_DAY + 1 - FIRST_DAY, 20.0)

    def lymphocytes(day: float) -> float:
        return 1300.0 if day < -6 else 40.0 + 9 * max(day, 0)

    def monocytes(day: float) -> float:
        return 450.0 if day < -6 else 20.0

    course = draw_course(stream(SEED, name, "labs"), tolerance, lymphocytes, monocytes, tumor, sex="male")
    cells = np.full(LAST_DAY + 1, TYPICAL_PEAK_PER_UL * stream(SEED, name, "cells").lognormal(0, PEAK_SPREAD))
    fate = Fate(None, None, False, 390, LAST_DAY, None)
    random = stream(SEED, name, "safety")
    return draw_safety(random, name, course, tolerance, fate, cells, tumor_type="melanoma").adverse_events
