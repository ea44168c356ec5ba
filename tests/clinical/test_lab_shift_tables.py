"""Worsening by baseline as tern prints it.

insightsengineering/tern 0.9.11.9000 (Apache-2.0), tests/testthat/_snaps/abnormal_lab_worsen_by_baseline.md. What goes
in is its example data `tern_ex_adlb`, on treatment, counted by R's table() as tests/oracles/tern_lab_shifts.R does:
subjects by grade at baseline (rows, 0 to 4) and worst grade (columns, 0 to 4).
"""

import polars as pl
import pytest

from tilseq.clinical import lab_worsening, worst_lab_grades
from tilseq.tables.lab_grades import LAB_GRADES

TABLES = {
    ("IGA", "high", "ARM A"): "38 6 7 6 6 / 0 0 1 0 0 / 1 0 0 1 0 / 1 1 0 0 0 / 1 0 0 0 0",
    ("IGA", "high", "ARM B"): "48 6 4 5 1 / 1 1 1 0 0 / 1 0 0 0 0 / 3 0 0 0 1 / 0 0 1 0 0",
    ("IGA", "high", "ARM C"): "28 4 7 8 3 / 2 0 1 0 0 / 1 2 0 1 0 / 1 0 0 0 0 / 0 0 0 0 0",
    ("ALT", "high", "ARM A"): "39 7 12 4 1 / 0 0 0 0 0 / 2 0 0 0 0 / 1 0 1 0 0 / 1 0 0 0 1",
    ("ALT", "high", "ARM B"): "37 6 3 9 7 / 2 1 1 0 1 / 2 0 0 2 0 / 0 0 0 0 0 / 1 0 1 0 0",
    ("ALT", "high", "ARM C"): "27 2 10 6 3 / 0 0 1 0 1 / 2 3 0 1 0 / 1 0 0 0 0 / 1 0 0 0 0",
    ("ALT", "low", "ARM A"): "34 12 8 6 7 / 0 0 1 0 0 / 1 0 0 0 0 / 0 0 0 0 0 / 0 0 0 0 0",
    ("ALT", "low", "ARM B"): "39 4 12 4 7 / 3 0 0 0 0 / 1 0 1 0 0 / 1 1 0 0 0 / 0 0 0 0 0",
    ("ALT", "low", "ARM C"): "29 7 6 4 6 / 2 1 0 0 0 / 0 0 0 1 0 / 1 0 0 1 0 / 0 0 0 0 0",
    ("CRP", "low", "ARM A"): "37 11 8 3 7 / 0 0 0 0 0 / 1 0 0 1 0 / 1 0 0 0 0 / 0 0 0 0 0",
    ("CRP", "low", "ARM B"): "41 10 1 9 6 / 2 1 0 0 0 / 0 0 0 0 0 / 1 1 0 0 0 / 0 0 1 0 0",
    ("CRP", "low", "ARM C"): "29 4 6 5 3 / 1 2 0 0 0 / 1 1 0 0 1 / 2 0 0 0 0 / 2 0 0 1 0",
}
PRINTED = {
    ("IGA", "high", "ARM A"): "6/63 8/64 7/66 6/68 27/68",
    ("IGA", "high", "ARM B"): "6/64 5/67 5/68 2/72 18/72",
    ("IGA", "high", "ARM C"): "4/50 8/53 9/57 3/58 24/58",
    ("ALT", "high", "ARM A"): "7/63 12/63 4/65 1/67 24/67",
    ("ALT", "high", "ARM B"): "6/62 4/67 11/71 8/71 29/71",
    ("ALT", "high", "ARM C"): "2/48 11/50 7/56 4/57 24/57",
    ("ALT", "low", "ARM A"): "12/67 9/68 6/69 7/69 34/69",
    ("ALT", "low", "ARM B"): "4/66 12/69 4/71 7/73 27/73",
    ("ALT", "low", "ARM C"): "7/52 6/55 5/56 6/58 24/58",
    ("CRP", "low", "ARM A"): "11/66 8/66 4/68 7/69 30/69",
    ("CRP", "low", "ARM B"): "10/67 1/70 9/70 6/72 26/72",
    ("CRP", "low", "ARM C"): "4/47 6/50 5/53 4/55 19/55",
}


def grades(table, test, direction):
    """Grades of as many subjects as a table counts: one result of the worst grade, and a milder one before it."""
    own = {"test": test, "term": test, "direction": direction, "version": "4", "period": "infusion"}
    rows = []
    for base, line in enumerate(table.split("/")):
        for worst, count in enumerate(line.split()):
            for _ in range(int(count)):
                before = {f"baseline_{name}": base for name in ("grade", "at_least", "at_most")}
                subject = own | before | {"subject": str(len(rows))}
                rows += [
                    subject
                    | {
                        "day": day,
                        "value_text": f"{day}",
                        "grade": grade,
                        "grade_at_least": grade,
                        "grade_at_most": grade,
                    }
                    for day, grade in ((1, 0), (2, worst))
                ]
    return LAB_GRADES.frame([{name: row.get(name) for name in LAB_GRADES.names} for row in rows])


@pytest.mark.parametrize("key", TABLES, ids=" ".join)
def test_worsening_by_baseline_is_as_printed(key):
    worst = worst_lab_grades(grades(TABLES[key], *key[:2])).filter(period="any")
    found = (
        lab_worsening(worst).filter(~pl.col("qualifier").str.ends_with("3-4")).select("numerator", "denominator").rows()
    )
    assert " ".join(f"{numerator}/{denominator}" for numerator, denominator in found) == PRINTED[key]
