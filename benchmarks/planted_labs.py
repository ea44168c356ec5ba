"""Do planted laboratory toxicities and recoveries come back? Simulated subjects with a known truth, preset seeds.

`python -m benchmarks planted_labs`. Each subject's true values run day by day; what the laboratory writes varies about
them and is drawn on the days of a trial. Written results graded by the simulator's own rules of CTCAE 5 must have the
same grades; worst grades and days of recovery are held against the truth.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl

from tilseq.clinical import lab_grades, lab_worsening, recoveries, recovery_estimates
from tilseq.simulate.clinic.labs import HOSPITAL_DAYS, draw_course, draw_tolerance, lab_rows, recovery_rows
from tilseq.simulate.clinic.lesions import FIRST_DAY
from tilseq.simulate.clinic.safety import LAB_EVENTS, grades
from tilseq.simulate.streams import stream
from tilseq.tables.inputs import LABS
from tilseq.tables.lab_grades import RECOVERIES

SUBJECTS, LAST_DAY, SEED = 300, 180, 2_026
DAYS = (-10, -8, *HOSPITAL_DAYS, 21, 28, 42, 56, 84, 126, 168)
TERMS = {
    "neutropenia": "Neutrophil count decreased", "lymphopenia": "Lymphocyte count decreased",
    "leukopenia": "White blood cell decreased", "thrombocytopenia": "Platelet count decreased", "anaemia": "Anemia",
    "ALT increased": "Alanine aminotransferase increased", "AST increased": "Aspartate aminotransferase increased",
    "bilirubin increased": "Blood bilirubin increased", "hypoalbuminaemia": "Hypoalbuminemia",
    "creatinine increased": "Creatinine increased",
}  # fmt: skip


def main() -> None:
    """Print the table of this benchmark."""
    courses = {
        f"S{number}": draw_course(
            stream(SEED, f"S{number}", "labs"),
            draw_tolerance(stream(SEED, f"S{number}", "tolerance")),
            lambda day: 1300.0 if day < -6 else 40.0 + 9 * max(day, 0),
            lambda day: 450.0 if day < -6 else 20.0,
            np.full(LAST_DAY + 1 - FIRST_DAY, 20.0),
            sex="female" if number % 2 else "male",
        )
        for number in range(SUBJECTS)
    }
    labs = LABS.frame([row for name, course in courses.items() for row in lab_rows(name, course, DAYS)])
    subjects = pl.DataFrame({"subject": list(courses), "lymphodepletion_day": HOSPITAL_DAYS[0]})
    found = lab_grades(labs, version=5, subjects=subjects)
    print("| term | results | same by the simulator's rules | worst grade: the truth's | one more | one less | else |")
    print("|-|-|-|-|-|-|-|")
    for event in LAB_EVENTS:
        own = found.filter(pl.col("term") == TERMS[event.term])
        apart, same, results = Counter[int](), 0, 0
        for (name,), part in own.partition_by("subject", as_dict=True).items():
            course = courses[str(name)]
            before = part.filter(pl.col("day") == pl.col("baseline_day"))["value"]
            after = part.filter(pl.col("day") >= HOSPITAL_DAYS[0], pl.col("value_text").str.contains("<").not_())
            limits = course.limits[event.test]
            by_rule = grades(event, after["value"].to_numpy(), limits, before.item() if before.len() else limits[1])
            same += int(np.sum(by_rule == after["grade"].to_numpy()))
            results += after.height
            days = np.array([day for day in DAYS if day >= HOSPITAL_DAYS[0]]) - FIRST_DAY
            true = course.values[event.test]
            worst = int(grades(event, true[days], limits, true[-8 - FIRST_DAY]).max())
            highest = part.filter(pl.col("day") >= HOSPITAL_DAYS[0])["grade"].max()
            apart[int(str(highest)) - worst] += 1
        other = sum(count for by, count in apart.items() if abs(by) > 1)
        print(f"| {event.term} | {results} | {same} | {apart[0]} | {apart[1]} | {apart[-1]} | {other} |")
    _recoveries(labs, subjects, {name: recovery_rows(name, course) for name, course in courses.items()})
    print("\n| subjects | share worse held, % | median recovery held, % | without upper limit, % |\n|-|-|-|-|")
    for number in (6, 12, 24):
        coverage(number)


def coverage(subjects: int, trials: int = 1_000) -> None:
    """Print how often intervals hold what is true: of the share that became worse, and of the median recovery.

    Days of recovery are exponential from day 5 on with a mean of 12, whole days as of daily draws; follow-up ends
    uniformly between days 10 and 60. The share that becomes worse is 0.3.
    """
    generator = np.random.default_rng(SEED)
    worse, held, no_upper = 0, 0, 0
    names = [f"S{number}" for number in range(subjects)]
    median = int(np.floor(5 + 12 * np.log(2)))  # the day on which half are back, in whole days
    for _ in range(trials):
        hit = generator.random(subjects) < 0.3
        rows = pl.DataFrame(
            {
                "subject": names, "test": "ANC", "term": "T", "direction": "low", "period": "any",
                "baseline_at_least": 0, "baseline_at_most": 0, "worst_at_least": hit.astype(int),
                "worst_at_most": hit.astype(int),
            }
        )  # fmt: skip
        share = lab_worsening(rows).filter(pl.col("qualifier").str.ends_with("=any")).row(0, named=True)
        worse += share["lower"] <= 0.3 <= share["upper"]
        back = np.floor(5 + generator.exponential(12, subjects)).astype(int)
        end = generator.integers(10, 61, subjects)
        times = RECOVERIES.frame(
            [
                {
                    "subject": name, "parameter": "recovery: ANC >= 0.5", "origin": "infusion", "start_day": 0,
                    "end_day": min(day, last), "days": min(day, last) + 1, "event": day <= last,
                    "rule": "recovered" if day <= last else "not_recovered",
                }
                for name, day, last in zip(names, back.tolist(), end.tolist(), strict=True)
            ]
        )  # fmt: skip
        row = recovery_estimates(times).filter(quantity="median").row(0, named=True)
        no_upper += row["upper"] is None
        held += (row["lower"] or 0) <= median + 1 <= (row["upper"] or np.inf)
    print(f"| {subjects} | {100 * worse / trials:.1f} | {100 * held / trials:.1f} | {100 * no_upper / trials:.1f} |")


def _recoveries(labs: pl.DataFrame, subjects: pl.DataFrame, truth: dict[str, list[dict[str, object]]]) -> None:
    """Print how far days of recovery lie from the truth."""
    found = recoveries(labs, subjects=subjects)
    days = {
        (subject, parameter): (rule, end)
        for subject, parameter, rule, end in found.select("subject", "parameter", "rule", "end_day").iter_rows()
    }
    print("\n| recovery | fell | seen to fall | same day | a day off | up to the next draw | else |\n|-|-|-|-|-|-|-|")
    planted = [row for rows in truth.values() for row in rows if row["recovered_day"] is not None]
    by_name: dict[str, list[tuple[int, int | None]]] = {}
    for row in planted:
        name = f"recovery: {row['test']} >= {row['threshold']:g}"
        rule, end = days[str(row["subject"]), name]
        by_name.setdefault(name, []).append((int(str(row["recovered_day"])), end if rule == "recovered" else None))
    for name, pairs in by_name.items():
        seen = [(true, end) for true, end in pairs if end is not None]
        same = sum(end == true for true, end in seen)
        near = sum(abs(end - true) == 1 for true, end in seen)
        gap = sum(abs(end - true) > 1 and end == min(day for day in DAYS if day >= true) for true, end in seen)
        print(f"| {name} | {len(pairs)} | {len(seen)} | {same} | {near} | {gap} | {len(seen) - same - near - gap} |")


if __name__ == "__main__":
    main()
