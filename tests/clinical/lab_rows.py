"""Rows of laboratory results, and their grades in short."""

import polars as pl

from tilseq.clinical.lab_grades import lab_grades
from tilseq.tables.inputs import LABS

SUBJECTS = pl.DataFrame(
    {"subject": ["S1", "S2"], "lymphodepletion_day": [-7, -7], "first_dose_day": [-7, -7]},
)


def row(test, text, day=5, subject="S1", unit="U/L", lower=None, upper=None, **cells):
    limits = {"lower_limit": lower, "upper_limit": upper}
    return {"subject": subject, "day": day, "test": test, "value_text": text, "unit": unit} | limits | cells


def alt(text, day=5, **cells):
    return row("ALT", text, day, lower=5.0, upper=40.0) | cells


def anc(text, day=5, **cells):
    return row("ANC", text, day, unit="10^9/L", lower=1.8, upper=7.5) | cells


def grades(*rows, version=5, column="grade", term=None, **options):
    found = lab_grades(LABS.frame(list(rows)), version=version, **options)
    return (found if term is None else found.filter(pl.col("term") == term))[column].to_list()
