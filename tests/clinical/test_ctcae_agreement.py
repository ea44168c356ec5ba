"""Grades beside machine-readable criteria of the same versions (admiral, Apache-2.0), read as criteria over a grid.

Their conditions are R; a reader of our own evaluates them, so that nothing of our tables is in what is compared with.
"""

import itertools
import json
import re
from collections import Counter

import polars as pl
import pytest

from tilseq.clinical.lab_grades import lab_grades
from tilseq.tables.inputs import LABS

# Their term → our test, unit, limits of normal; a scale for the grid. Their split terms are one of the NCI's.
TERMS = {
    "Anemia": ("haemoglobin", "g/L", 120.0, 160.0),
    "Leukocytosis": ("WBC", "10^9/L", 4.0, 10.0),
    "Thrombocytopenia": ("platelets", "10^9/L", 150.0, 400.0),
    "Activated partial thromboplastin time prolonged": ("aPTT", "s", 25.0, 40.0),
    "Alanine aminotransferase increased": ("ALT", "U/L", 5.0, 40.0),
    "Alkaline phosphatase increased": ("ALP", "U/L", 40.0, 100.0),
    "Aspartate aminotransferase increased": ("AST", "U/L", 5.0, 40.0),
    "Blood bilirubin increased": ("bilirubin", "umol/L", 2.0, 20.0),
    "Blood lactate dehydrogenase increased": ("LDH", "U/L", 120.0, 250.0),
    "CD4 lymphocytes decreased": ("CD4", "10^9/L", 0.6, 1.6),
    "Cholesterol high": ("cholesterol", "mmol/L", 3.0, 5.2),
    "CPK increased": ("CK", "U/L", 30.0, 200.0),
    "Creatinine clearance decreased": ("creatinine clearance", "mL/min", 90.0, 140.0),
    "Creatinine increased": ("creatinine", "umol/L", 60.0, 100.0),
    "Fibrinogen decreased": ("fibrinogen", "g/L", 1.8, 4.0),
    "GGT increased": ("GGT", "U/L", 10.0, 60.0),
    "Haptoglobin decreased": ("haptoglobin", "g/L", 0.3, 2.0),
    "HDL decreased": ("HDL", "mmol/L", 1.0, 2.5),
    "Hemoglobin increased": ("haemoglobin", "g/L", 120.0, 160.0),
    "INR increased": ("INR", "1", 0.9, 1.1),
    "LDL increased": ("LDL", "mmol/L", 1.0, 3.0),
    "Lipase increased": ("lipase", "U/L", 10.0, 60.0),
    "Lymphocyte count decreased": ("lymphocytes", "10^9/L", 1.0, 4.0),
    "Lymphocyte count increased": ("lymphocytes", "10^9/L", 1.0, 4.0),
    "Neutrophil count decreased": ("ANC", "10^9/L", 1.8, 7.5),
    "Platelet count decreased": ("platelets", "10^9/L", 150.0, 400.0),
    "Serum amylase increased": ("amylase", "U/L", 10.0, 60.0),
    "White blood cell decreased": ("WBC", "10^9/L", 4.0, 10.0),
    "Acidosis": ("blood pH", "1", 7.35, 7.45),
    "Alkalosis": ("blood pH", "1", 7.35, 7.45),
    "Hypercalcemia": ("corrected calcium", "mmol/L", 2.15, 2.55),
    "Hypercalcemia (Ionized)": ("ionized calcium", "mmol/L", 1.12, 1.32),
    "Hyperglycemia": ("glucose", "mmol/L", 3.9, 5.6),
    "Hyperglycemia (Fasting)": ("fasting glucose", "mmol/L", 3.9, 5.6),
    "Hyperkalemia": ("potassium", "mmol/L", 3.5, 5.1),
    "Hypermagnesemia": ("magnesium", "mmol/L", 0.7, 1.05),
    "Hypernatremia": ("sodium", "mmol/L", 135.0, 145.0),
    "Hypertriglyceridemia": ("triglycerides", "mmol/L", 0.5, 1.7),
    "Hyperuricemia": ("urate", "umol/L", 150.0, 400.0),
    "Hypoalbuminemia": ("albumin", "g/L", 35.0, 50.0),
    "Hypocalcemia": ("corrected calcium", "mmol/L", 2.15, 2.55),
    "Hypocalcemia (Ionized)": ("ionized calcium", "mmol/L", 1.12, 1.32),
    "Hypoglycemia": ("glucose", "mmol/L", 3.9, 5.6),
    "Hypokalemia": ("potassium", "mmol/L", 3.5, 5.1),
    "Hypomagnesemia": ("magnesium", "mmol/L", 0.7, 1.05),
    "Hyponatremia": ("sodium", "mmol/L", 135.0, 145.0),
}
# Where they and we differ, and why. Nothing else may differ.
WHY = {
    "2 x baseline": "the NCI's 2.0 - 2.5 x baseline includes 2.0, as theirs does for ALP; their GGT is > 2.0",
    "150 mg/dL": "the NCI's grade 1 of triglycerides, 1.71 - 3.42, includes 1.71; theirs is > 1.71",
    "no baseline": "creatinine with no baseline: up to ULN theirs is 0, ours none, as 1.5 x baseline may be below it",
    "no upper limit": "creatinine with no upper limit: theirs by the baseline is ours at least, for want of 6 x ULN",
}


# Points of the grid on which both give the same, and the others by their reason.
COUNTS = {
    "5": (30224, {"no baseline": 34, "no upper limit": 132, "2 x baseline": 2, "150 mg/dL": 16}),
    "6": (32412, {"no upper limit": 68, "150 mg/dL": 16}),
}


def signif(x):
    """Return x to 15 significant digits, as their conditions compare."""
    return float(f"{x:.14e}")


def python(condition):
    """Return a condition of theirs as Python."""
    text = condition.replace("signif_dig", "15").replace("is.na(", "isna(")
    text = re.sub(r"signif\(([^()]*(?:\([^()]*\))?[^()]*), *15\)", r"signif(\1)", text)
    text = re.sub(r"BNRIND %in% (high|low)_indicator", r"BNRIND == '\1'", text)
    text = re.sub(r"!\(([^)]*)\)", r"(not (\1))", text)
    text = re.sub(r"!isna", "not isna", text)
    return text.replace("&", " and ").replace("|", " or ").strip()


def parsed(row):
    """Return their conditions in the order in which they are looked at, each with its grade (None is NA)."""
    found = []
    for code in ("GRADE_NA_CODE", *(f"GRADE_{grade}_CODE" for grade in (4, 3, 2, 1))):
        for condition, grade in re.findall(r"(.*?)~\s*(\"\d\"|NA_character_)\s*,?", row.get(code) or ""):
            found.append((compile(python(condition), code, "eval"), None if "NA" in grade else int(grade.strip('"'))))
    return found


def theirs(conditions, names):
    """Return the grade of the first condition that holds; one that needs what is missing does not hold."""
    for condition, grade in conditions:
        try:
            if eval(condition, {"isna": lambda x: x is None, "signif": signif}, names):
                return grade
        except TypeError:
            continue
    return 0


def grid(row, lower, upper):
    """Values at, just below and just above every number that can be an edge, with limits and baselines there or not."""
    text = " ".join(row.get(f"GRADE_{grade}_CODE") or "" for grade in (1, 2, 3, 4, "NA"))
    numbers = {float(x) for x in re.findall(r"(?<![\w.])\d+(?:\.\d+)?", re.sub(r"signif_dig|\"\d\"", "", text))}
    for base, low, high in itertools.product(
        (None, lower * 0.5, (lower + upper) / 2, upper * 2.0), (None, lower), (None, upper)
    ):
        scales = [one for one in (lower, upper, base) if one is not None]
        edges = {*numbers, *scales, *(x * one for x in numbers for one in scales), *(x + upper for x in numbers)}
        edges |= {base * (1 - x / 100) for x in numbers if base is not None and x < 100}
        for edge in sorted(edges):
            for value in (edge, edge * 0.999, edge * 1.001):
                if value > 0:
                    yield base, low, high, float(f"{value:.12g}")


def written(value):
    """Return a number with four decimals or more, as the point of 1.998 U/L may part thousands."""
    whole, _, part = repr(float(value)).partition(".")
    return f"{whole}.{part:0<4}"


def compare(version, row):
    """Return the grades of both, one a point of the grid."""
    test, unit, lower, upper = TERMS[row["TERM"]]
    conditions = parsed(row)
    points = list(grid(row, lower, upper))
    rows, expected = [], []
    for number, (base, low, high, value) in enumerate(points):
        own = {"subject": str(number), "test": test, "unit": unit}
        if base is not None:
            rows.append(own | {"day": -9, "value_text": written(base), "lower_limit": lower, "upper_limit": upper})
        rows.append(own | {"day": 1, "value_text": written(value), "lower_limit": low, "upper_limit": high})
        indicator = None if base is None else "high" if base > upper else "low" if base < lower else "normal"
        change = None if base is None else 100 * (value - base) / base
        names = {"AVAL": value, "ANRLO": low, "ANRHI": high, "BASE": base, "BNRIND": indicator, "PCHG": change}
        expected.append(theirs(conditions, names))
    term, side = row["TERM"].partition(" (")[0], {"L": "low", "H": "high"}[row["DIRECTION"]]
    found = lab_grades(LABS.frame(rows), version=version, anticoagulation=True).filter(
        pl.col("day") == 1, pl.col("term") == term, pl.col("direction") == side
    )
    return points, expected, found["grade"].to_list()


def explained(term, point, their, our):
    base, _, high, value = point
    if term == "GGT increased" and base is not None and value == 2 * base:
        return (their, our) == (0, 1) and "2 x baseline"
    if term == "Hypertriglyceridemia" and value == 1.71:
        return (their, our) == (0, 1) and "150 mg/dL"
    if term == "Creatinine increased" and base is None:
        return (their, our) == (0, None) and "no baseline"
    if term == "Creatinine increased" and high is None:
        return their in (2, 3) and our is None and "no upper limit"
    return False


@pytest.mark.parametrize(("version", "terms"), [("5", 40), ("6", 43)])
def test_grades_agree_with_machine_readable_criteria_but_for_what_is_explained(shared_data, version, terms):
    criteria = json.loads((shared_data / "clinical" / "ctcae" / f"ncictcaev{version}.json").read_text())
    assert len(criteria) == terms
    agree, why = 0, Counter()
    for row in criteria:
        points, expected, found = compare(version, row)
        assert len(points) == len(expected) == len(found) > 0, row["TERM"]
        for point, their, our in zip(points, expected, found, strict=True):
            if their == our:
                agree += 1
                continue
            reason = explained(row["TERM"], point, their, our)
            assert reason in WHY, (row["TERM"], point, their, our)
            why[reason] += 1
    assert (agree, dict(why)) == COUNTS[version]
