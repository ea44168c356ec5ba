"""Every edge of every grade: values at, just below and just above it, typed from the criteria of the NCI.

CTCAE v5.0 (27 November 2017) and v6.0 (2025), National Cancer Institute, public domain. "<LLN - 1.5" is 1.5 <= x < LLN,
">ULN - 3.0 x ULN" is ULN < x <= 3 x ULN.
"""

from functools import cache

import polars as pl
import pytest

from tilseq.clinical.ctcae import criteria
from tilseq.clinical.lab_grades import lab_grades
from tilseq.tables.inputs import LABS

# Versions, term, test, unit, LLN, ULN, baseline, and values with the grade each must have.
ALWAYS = [
    ("56", "Anemia", "haemoglobin", "g/L", 120, 160, 130, "160:0 120:0 119.9:1 100:1 99.9:2 80:2 79.9:3 10:3"),
    ("56", "Anemia", "Hgb", "g/dL", 12, 16, 13, "12:0 11.99:1 10:1 9.99:2 8:2 7.99:3"),
    ("56", "Anemia", "Hb", "mmol/L", 7.5, 10, 8, "7.5:0 7.49:1 6.2:1 6.19:2 4.9:2 4.89:3"),
    ("56", "Leukocytosis", "WBC", "10^9/L", 4, 10, 6, "10:0 100:0 100.1:3"),
    ("56", "Leukocytosis", "WBC", "/mm3", 4000, 10000, 6000, "100000:0 100001:3"),
    ("6", "Thrombocytopenia", "platelets", "10^9/L", 150, 400, 200,
     "150:0 149:1 75:1 74.9:2 50:2 49.9:3 10:3 9.9:4 0:4"),
    ("56", "Activated partial thromboplastin time prolonged", "aPTT", "s", 25, 40, 30,
     "40:0 40.1:1 60:1 60.1:2 100:2 100.1:3 500:3"),
    ("5", "Alkaline phosphatase increased", "ALP", "U/L", 40, 100, 80,
     "100:0 100.1:1 250:1 250.1:2 500:2 500.1:3 2000:3 2000.1:4"),
    ("5", "Alkaline phosphatase increased", "ALP", "U/L", 40, 100, 200,
     "100.1:0 399.9:0 400:1 500:1 500.1:2 1000:2 1000.1:3 4000:3 4000.1:4"),
    ("6", "Alkaline phosphatase increased", "ALP", "U/L", 40, 100, 80, "80:0 100:0 100.1:1 5000:1"),
    ("6", "Alkaline phosphatase increased", "ALP", "U/L", 40, 100, 200, "100.1:0 200:0 200.1:1 9000:1"),
    ("5", "Blood bilirubin increased", "bilirubin", "umol/L", 2, 20, 10,
     "20:0 20.1:1 30:1 30.1:2 60:2 60.1:3 200:3 200.1:4"),
    ("5", "Blood bilirubin increased", "bilirubin", "umol/L", 2, 20, 40,
     "20.1:0 40:0 40.1:1 60:1 60.1:2 120:2 120.1:3 400:3 400.1:4"),
    ("6", "Blood bilirubin increased", "bilirubin", "umol/L", 2, 20, 10,
     "20:0 20.1:1 30:1 30.1:2 60:2 60.1:3 200:3 200.1:4"),
    ("6", "Blood bilirubin increased", "bilirubin", "umol/L", 2, 20, 40,
     "20.1:0 39.9:0 40:1 60:1 60.1:2 100:2 100.1:3 400:3 400.1:4"),
    ("5", "Blood bilirubin increased", "bilirubin", "mg/dL", 0.1, 1.2, 0.5,
     "1.2:0 1.21:1 1.8:1 1.81:2 3.6:2 3.61:3 12:3 12.1:4"),
    ("56", "Blood lactate dehydrogenase increased", "LDH", "U/L", 120, 250, 200, "250:0 250.1:1 5000:1"),
    ("56", "CD4 lymphocytes decreased", "CD4", "10^9/L", 0.6, 1.6, 0.8,
     "0.6:0 0.59:1 0.5:1 0.49:2 0.2:2 0.199:3 0.05:3 0.049:4"),
    ("56", "CD4 lymphocytes decreased", "CD4", "/mm3", 600, 1600, 800, "600:0 599:1 500:1 499:2 200:2 199:3 50:3 49:4"),
    ("56", "Cholesterol high", "cholesterol", "mmol/L", 3, 5.2, 4,
     "5.2:0 5.21:1 7.75:1 7.76:2 10.34:2 10.35:3 12.92:3 12.93:4"),
    ("56", "Cholesterol high", "cholesterol", "mg/dL", 116, 200, 150,
     "200:0 201:1 300:1 301:2 400:2 401:3 500:3 501:4"),
    ("5", "CPK increased", "CK", "U/L", 30, 200, 100, "200:0 201:1 500:1 501:2 1000:2 1001:3 2000:3 2001:4"),
    ("6", "Creatinine clearance decreased", "creatinine clearance", "mL/min", 90, 140, 100,
     "50:0 49.1:0 49:2 26:2 25.1:2 25:3 10:3 9.9:null"),
    ("5", "Creatinine increased", "creatinine", "umol/L", 60, 100, 90,
     "100:0 100.1:1 135:1 135.1:2 270:2 270.1:3 600:3 600.1:4"),  # 1.5 and 3 x baseline come before those of ULN
    ("5", "Creatinine increased", "creatinine", "umol/L", 60, 100, 150,
     "100:0 100.1:1 150:1 150.1:2 300:2 300.1:3 600:3 600.1:4"),  # and here those of ULN
    ("5", "Creatinine increased", "creatinine", "umol/L", 60, 100, 50, "75:0 75.1:2 100:2 150:2 150.1:3 600:3 601:4"),
    ("6", "Creatinine increased", "creatinine", "umol/L", 60, 100, 90,
     "100:0 100.1:1 150:1 150.1:2 300:2 300.1:3 600:3 600.1:4"),
    ("6", "Creatinine increased", "creatinine", "umol/L", 60, 100, 50,
     "75:0 75.1:2 100.1:2 150:2 150.1:3 600:3 600.1:4"),
    ("56", "Fibrinogen decreased", "fibrinogen", "g/L", 4, 8, None,
     "4:0 3.99:1 3:1 2.99:2 2:2 1.99:3 1:3 0.99:4 0.49:4"),
    ("56", "Fibrinogen decreased", "fibrinogen", "g/L", 1.8, 4, 1.6,
     "1.8:0 1.79:1 1.35:1 1.34:2 1.2:2 0.9:2 0.89:3 0.8:3 0.5:3 0.49:4"),
    # Of the baseline of 3.2: 2.4 is 25 % less, 1.6 half, 0.8 is 75 % less.
    ("56", "Fibrinogen decreased", "fibrinogen", "g/L", 2.5, 4, 3.2,
     "2.5:0 2.45:1 2.41:1 2.4:2 1.61:2 1.6:3 0.81:3 0.8:4 0.62:4"),
    ("56", "Fibrinogen decreased", "fibrinogen", "mg/dL", 150, 400, None, "50:3 49:4"),
    ("5", "GGT increased", "GGT", "U/L", 10, 60, 30, "60:0 60.1:1 150:1 150.1:2 300:2 300.1:3 1200:3 1200.1:4"),
    ("5", "GGT increased", "GGT", "U/L", 10, 60, 100,
     "60.1:0 199.9:0 200:1 250:1 250.1:2 500:2 500.1:3 2000:3 2000.1:4"),
    ("6", "GGT increased", "GGT", "U/L", 10, 60, 30, "60:0 60.1:1 150:1 150.1:2 300:2 300.1:3 1200:3 1200.1:4"),
    ("6", "GGT increased", "GGT", "U/L", 10, 60, 100, "99.9:0 100:1 150:1 150.1:2 300:2 300.1:3 1000:3 1000.1:4"),
    ("56", "Haptoglobin decreased", "haptoglobin", "g/L", 0.3, 2, 1, "0.3:0 0.299:1 0.01:1"),
    ("6", "HDL decreased", "HDL", "mmol/L", 1, 2.5, 1.5, "1:0 0.99:1 0.1:1"),
    ("56", "Hemoglobin increased", "haemoglobin", "g/L", 120, 160, 130, "160:0 160.1:1 180:1 180.1:2 200:2 200.1:3"),
    ("56", "Hemoglobin increased", "haemoglobin", "g/dL", 12, 16, 13, "16:0 16.1:1 18:1 18.1:2 20:2 20.1:3"),
    ("6", "LDL increased", "LDL", "mmol/L", 1, 3, 2, "3:0 3.01:1 20:1"),
    ("5", "Lymphocyte count decreased", "lymphocytes", "10^9/L", 1, 4, 1.5,
     "1:0 0.99:1 0.8:1 0.79:2 0.5:2 0.49:3 0.2:3 0.19:4 0:4"),
    ("5", "Lymphocyte count decreased", "ALC", "/uL", 1000, 4000, 1500,
     "1000:0 999:1 800:1 799:2 500:2 499:3 200:3 199:4"),
    ("56", "Lymphocyte count increased", "lymphocytes", "10^9/L", 1, 3.5, 1.5, "3.6:0 4:0 4.01:2 20:2 20.1:3"),
    ("5", "Neutrophil count decreased", "ANC", "10^9/L", 1.8, 7.5, 4,
     "1.8:0 1.79:1 1.5:1 1.49:2 1:2 0.99:3 0.5:3 0.49:4 0:4"),
    ("6", "Neutrophil count decreased", "ANC", "10^9/L", 1.8, 7.5, 4,
     "1.79:0 1.5:0 1.49:1 1:1 0.99:2 0.5:2 0.49:3 0.1:3 0.09:4 0:4"),
    ("6", "Neutrophil count decreased", "neutrophils", "cells/mm3", 1800, 7500, 4000,
     "1500:0 1499:1 1000:1 999:2 500:2 499:3 100:3 99:4"),
    ("5", "Platelet count decreased", "platelets", "10^9/L", 150, 400, 200,
     "150:0 149:1 75:1 74.9:2 50:2 49.9:3 25:3 24.9:4"),
    ("56", "White blood cell decreased", "WBC", "10^9/L", 4, 10, 6, "4:0 3.99:1 3:1 2.99:2 2:2 1.99:3 1:3 0.99:4"),
    ("56", "Acidosis", "blood pH", None, 7.35, 7.45, 7.4, "7.35:0 7.34:1 7.3:1 7.29:3"),
    ("56", "Alkalosis", "blood pH", "pH", 7.35, 7.45, 7.4, "7.45:0 7.46:1 7.5:1 7.51:3"),
    ("56", "Hypercalcemia", "corrected calcium", "mmol/L", 2.15, 2.55, 2.3,
     "2.55:0 2.56:1 2.9:1 2.91:2 3.1:2 3.11:3 3.4:3 3.41:4"),
    ("56", "Hypercalcemia", "corrected calcium", "mg/dL", 8.6, 10.2, 9.2,
     "10.2:0 10.3:1 11.5:1 11.6:2 12.5:2 12.6:3 13.5:3 13.6:4"),
    ("56", "Hypercalcemia", "ionized calcium", "mmol/L", 1.12, 1.32, 1.2,
     "1.32:0 1.33:1 1.5:1 1.51:2 1.6:2 1.61:3 1.8:3 1.81:4"),
    ("56", "Hypocalcemia", "corrected calcium", "mmol/L", 2.15, 2.55, 2.3,
     "2.15:0 2.14:1 2:1 1.99:2 1.75:2 1.74:3 1.5:3 1.49:4"),
    ("56", "Hypocalcemia", "corrected calcium", "mg/dL", 8.6, 10.2, 9.2,
     "8.6:0 8.5:1 8:1 7.9:2 7:2 6.9:3 6:3 5.9:4"),
    ("56", "Hypocalcemia", "ionized calcium", "mmol/L", 1.12, 1.32, 1.2,
     "1.12:0 1.11:1 1:1 0.99:2 0.9:2 0.89:3 0.8:3 0.79:4"),
    ("6", "Hyperglycemia", "glucose", "mmol/L", 3.9, 5.6, 5, "5.7:0 13.9:0 14:3 27.8:3 27.9:4"),
    ("6", "Hyperglycemia", "glucose", "mg/dL", 70, 100, 90, "250:0 251:3 500:3 501:4"),
    ("6", "Hyperglycemia", "fasting glucose", "mmol/L", 3.9, 5.6, 5,
     "5.6:0 5.7:1 8.9:1 9:2 13.9:2 14:3 27.8:3 27.9:4"),
    ("6", "Hyperglycemia", "fasting glucose", "mg/dL", 70, 100, 90,
     "100:0 101:1 160:1 161:2 250:2 251:3 500:3 501:4"),
    ("56", "Hypoglycemia", "glucose", "mmol/L", 3.9, 5.6, 5, "3.9:0 3.89:1 3:1 2.99:2 2.2:2 2.19:3 1.7:3 1.69:4"),
    ("56", "Hypoglycemia", "glucose", "mg/dL", 70, 100, 90, "70:0 69.9:1 55:1 54.9:2 40:2 39.9:3 30:3 29.9:4"),
    ("56", "Hypoglycemia", "fasting glucose", "mmol/L", 3.9, 5.6, 5,
     "3.9:0 3.89:1 3:1 2.99:2 2.2:2 2.19:3 1.7:3 1.69:4"),
    ("56", "Hypoglycemia", "fasting glucose", "mg/dL", 70, 100, 90, "70:0 69.9:1 55:1 54.9:2 40:2 39.9:3 30:3 29.9:4"),
    ("56", "Hyperkalemia", "potassium", "mmol/L", 3.5, 5.1, 4, "5.1:0 5.11:1 5.5:1 5.51:2 6:2 6.01:3 7:3 7.01:4"),
    ("56", "Hypermagnesemia", "magnesium", "mmol/L", 0.7, 1.05, 0.9, "1.05:0 1.06:1 1.23:1 1.24:3 3.3:3 3.31:4"),
    ("56", "Hypermagnesemia", "magnesium", "mg/dL", 1.7, 2.6, 2, "2.6:0 2.61:1 3:1 3.01:3 8:3 8.01:4"),
    ("56", "Hypernatremia", "sodium", "mmol/L", 135, 145, 140,
     "145:0 145.1:1 150:1 150.1:2 155:2 155.1:3 160:3 160.1:4"),
    ("56", "Hypertriglyceridemia", "triglycerides", "mmol/L", 0.5, 1.7, 1,
     "1.70:0 1.71:1 3.42:1 3.43:2 5.7:2 5.71:3 11.4:3 11.41:4"),
    ("56", "Hypertriglyceridemia", "triglycerides", "mg/dL", 44, 150, 90,
     "149:0 150:1 300:1 301:2 500:2 501:3 1000:3 1001:4"),
    ("56", "Hypoalbuminemia", "albumin", "g/L", 35, 50, 40, "35:0 34.9:1 30:1 29.9:2 20:2 19.9:3"),
    ("56", "Hypoalbuminemia", "albumin", "g/dL", 3.5, 5, 4, "3.5:0 3.49:1 3:1 2.99:2 2:2 1.99:3"),
    ("56", "Hypomagnesemia", "magnesium", "mmol/L", 0.7, 1.05, 0.9,
     "0.7:0 0.699:1 0.5:1 0.499:2 0.4:2 0.399:3 0.3:3 0.299:4"),
    ("56", "Hypomagnesemia", "magnesium", "mg/dL", 1.7, 2.6, 2, "1.7:0 1.69:1 1.2:1 1.19:2 0.9:2 0.89:3 0.7:3 0.69:4"),
]  # fmt: skip
for _test, _term in (("ALT", "Alanine aminotransferase increased"), ("AST", "Aspartate aminotransferase increased")):
    ALWAYS += [
        ("56", _term, _test, "U/L", 5, 40, 20, "40:0 40.1:1 120:1 120.1:2 200:2 200.1:3 800:3 800.1:4"),
        ("5", _term, _test, "U/L", 5, 40, 100,
         "40.1:0 149.9:0 150:1 300:1 300.1:2 500:2 500.1:3 2000:3 2000.1:4"),
        ("6", _term, _test, "U/L", 5, 40, 100, "40.1:0 99.9:0 100:1 150:1 150.1:2 200:2 200.1:3 400:3 400.1:4"),
    ]  # fmt: skip

# Where a grade needs what no laboratory knows: the worse is taken, here with the policy on anticoagulation …
ASSUMED = [
    ("56", "INR increased", "INR", None, 0.9, 1.1, 1.1, "1.1:0 1.11:1 1.5:1 1.51:2 2.5:2 2.51:3 2.8:3"),
    ("56", "INR increased", "INR", "1", 0.9, 1.1, 0.8, "0.8:0 0.81:1 1.2:1 1.21:2 2:2 2.01:3"),  # by the baseline
    ("5", "Lipase increased", "lipase", "U/L", 10, 60, 30, "60:0 60.1:1 90:1 90.1:2 120:2 120.1:3 300:3 300.1:4"),
    ("6", "Lipase increased", "lipase", "U/L", 10, 60, 30, "60:0 60.1:1 90:1 90.1:2 180:2 180.1:3 300:3 300.1:4"),
    ("56", "Serum amylase increased", "amylase", "U/L", 10, 60, 30,
     "60:0 60.1:1 90:1 90.1:2 120:2 120.1:3 300:3 300.1:4"),
    ("56", "Hyperuricemia", "urate", "umol/L", 150, 400, 300, "400:0 400.1:3 2000:3"),
    ("56", "Hypokalemia", "potassium", "mmol/L", 3.5, 5.1, 4, "3.5:0 3.49:2 3:2 2.99:3 2.5:3 2.49:4"),
    ("5", "Hyponatremia", "sodium", "mmol/L", 135, 145, 140,
     "135:0 134.9:1 130:1 129:3 125:3 124:3 120:3 119.9:4"),
    ("6", "Hyponatremia", "sodium", "mmol/L", 135, 145, 140, "135:0 134.9:1 130:1 129.9:3 125:3 124.9:3 120:3 119.9:4"),
]  # fmt: skip
# … or the better.
NOT_ASSUMED = [
    ("56", "INR increased", "INR", "1", 0.9, 1.1, 0.8, "1.2:0 1.21:1 1.5:1 1.51:2 2.5:2 2.51:3"),
    ("5", "Lipase increased", "lipase", "U/L", 10, 60, 30, "60:0 60.1:1 90:1 90.1:2 300:2 300.1:3 900:3"),
    ("6", "Lipase increased", "lipase", "U/L", 10, 60, 30, "60:0 60.1:1 90:1 90.1:2 300:2 300.1:3 900:3"),
    ("56", "Serum amylase increased", "amylase", "U/L", 10, 60, 30, "60:0 60.1:1 90:1 90.1:2 300:2 300.1:3"),
    ("56", "Hyperuricemia", "urate", "umol/L", 150, 400, 300, "400:0 400.1:1 2000:1"),
    ("56", "Hypokalemia", "potassium", "mmol/L", 3.5, 5.1, 4, "3.5:0 3.49:1 3:1 2.99:3 2.5:3 2.49:4"),
    ("5", "Hyponatremia", "sodium", "mmol/L", 135, 145, 140, "135:0 134.9:1 130:1 129:2 125:2 124:3 120:3 119.9:4"),
    ("6", "Hyponatremia", "sodium", "mmol/L", 135, 145, 140, "135:0 134.9:1 130:1 129.9:2 125:2 124.9:3 120:3 119.9:4"),
]  # fmt: skip
POLICIES = {"assumed": ALWAYS + ASSUMED, "not_assumed": ALWAYS + NOT_ASSUMED}
CASES = [
    (policy, version, number, case)
    for policy, cases in POLICIES.items()
    for number, case in enumerate(cases)
    for version in case[0]
]


@cache
def graded(policy, version):
    """All cases of a policy at once, each as a subject: number of the case → value → grades by term."""
    rows = []
    for number, (versions, _, test, unit, lower, upper, baseline, values) in enumerate(POLICIES[policy]):
        if version not in versions:
            continue
        own = {"subject": str(number), "test": test, "unit": unit, "lower_limit": lower, "upper_limit": upper}
        if baseline is not None:
            rows.append(own | {"day": -10, "value_text": str(baseline)})
        rows += [own | {"day": 5, "value_text": pair.split(":")[0]} for pair in values.split()]
    options = {"symptoms": policy, "anticoagulation": policy == "assumed"}
    found = lab_grades(LABS.frame(rows), version=version, **options).filter(pl.col("day") == 5)
    return {(row["subject"], row["value_text"], row["term"]): row["grade"] for row in found.iter_rows(named=True)}


@pytest.mark.parametrize(
    ("policy", "version", "number", "case"), CASES, ids=[f"{c[3][1]} {c[3][2]} {c[3][6]} v{c[1]} {c[0]}" for c in CASES]
)
def test_grades_at_just_below_and_just_above_every_edge(policy, version, number, case):
    expected = dict(pair.split(":") for pair in case[-1].split())
    found = graded(policy, version)
    assert {
        value: "null" if (grade := found[str(number), value, case[1]]) is None else str(grade) for value in expected
    } == expected


@pytest.mark.parametrize("version", ["5", "6"])
def test_every_term_and_every_grade_of_it_stands_above(version):
    tested = {
        (case[1], pair.split(":")[1])
        for cases in POLICIES.values() for case in cases if version in case[0] for pair in case[-1].split()
    }  # fmt: skip
    written = {(row.term, "null" if row.grade is None else str(row.grade)) for row in criteria(version)}
    assert written <= tested
