"""Units of laboratory results, converted or refused, and corrected calcium; all literal."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clinical.lab_rows import anc, grades, row
from tilseq.clinical.lab_exclusions import lab_exclusions
from tilseq.clinical.lab_grades import lab_grades
from tilseq.clinical.lab_values import lab_values
from tilseq.lab_tests import lab_test
from tilseq.tables.inputs import LABS


def test_units_mixed_within_a_test_are_converted():
    rows = [
        anc("0.3"),
        anc("300", unit="/uL", lower_limit=1800, upper_limit=7500),
        anc("0.3", unit="x10E9/L"),
        anc("0.3", unit="K/µL"),
    ]
    assert grades(*rows) == [4, 4, 4, 4]
    assert grades(*rows, column="value") == [0.3, pytest.approx(0.3), 0.3, 0.3]
    assert set(grades(*rows, column="unit")) == {"10^9/L"}


def test_haemoglobin_in_three_units():
    rows = [
        row("Hb", text, unit=unit, lower=lower, upper=None, subject=unit)
        for text, unit, lower in (("79", "g/L", 120), ("7.9", "g/dL", 12), ("4.89", "mmol/L", 7.5))
    ]
    found = lab_grades(LABS.frame(rows), version=5).filter(pl.col("term") == "Anemia")
    assert found["grade"].to_list() == [3, 3, 3]
    assert found["unit"].to_list() == ["g/L", "g/L", "mmol/L"]
    # Printed by the NCI as 6.2: converted, 6.2 mmol/L would be 99.9 g/L and grade 2.
    at_edge = row("Hb", "6.2", unit="mmol/L", lower=7.5)
    assert grades(at_edge, term="Anemia") == [1]


def test_an_albumin_below_a_limit_corrects_nothing():
    calcium = row("calcium", "1.90", unit="mmol/L", lower=2.15, upper=2.55)
    found = grades(row("albumin", "<20", unit="g/L", lower=35, upper=50), calcium, term="Hypocalcemia", column="reason")
    assert found == ["not corrected: no albumin of the day"]


# Total calcium: + 0.02 mmol/L for each g/L of albumin below 40.
def test_total_calcium_is_corrected_by_the_albumin_of_the_day():
    calcium = {"unit": "mmol/L", "lower": 2.15, "upper": 2.55}
    albumin = row("albumin", "25", unit="g/L", lower=35, upper=50)
    low = row("calcium", "1.90", **calcium)  # corrected 2.20
    assert grades(albumin, low, term="Hypocalcemia") == [0]
    assert grades(albumin, low, term="Hypocalcemia", column="value") == [pytest.approx(2.2)]
    assert grades(albumin, low, term="Hypocalcemia", column="reason") == ["corrected by albumin of 25.0 g/L"]
    assert grades(low, term="Hypocalcemia") == [2]
    assert grades(low, term="Hypocalcemia", column="reason") == ["not corrected: no albumin of the day"]
    in_mg = row("calcium", "7.6", unit="mg/dL", lower=8.6, upper=10.2)  # + 0.8 x 1.5 g/dL is 8.8
    assert grades(albumin, in_mg, term="Hypocalcemia", column="value") == [pytest.approx(8.8, abs=1e-12)]
    assert grades(row("corrected calcium", "1.90", **calcium), albumin, term="Hypocalcemia") == [2]


# By 0.8 mg/dL a g/dL these lie on edges of the NCI, which stand in mg/dL.
@pytest.mark.parametrize(
    ("text", "albumin", "term", "grade"),
    [
        ("10.7", "3.0", "Hypercalcemia", 1), ("10.8", "3.0", "Hypercalcemia", 2), ("8.4", "4.5", "Hypocalcemia", 1),
        ("6.4", "4.5", "Hypocalcemia", 3), ("6.3", "4.5", "Hypocalcemia", 4),
    ],
)  # fmt: skip
def test_calcium_in_mg_is_corrected_in_mg(text, albumin, term, grade):
    rows = (
        row("albumin", albumin, unit="g/dL", lower=3.5, upper=5.0),
        row("calcium", text, unit="mg/dL", lower=8.6, upper=10.2),
    )
    assert grades(*rows, term=term) == [grade]


# Limits that belong to another unit than the one that is named.
@pytest.mark.parametrize(
    ("test", "text", "unit", "lower", "upper"),
    [
        ("Hb", "79", "g/dL", 120, 160), ("Hb", "12.0", "g/dL", 120, 160), ("glucose", "5.0", "mg/dL", 3.9, 6.1),
        ("calcium", "2.2", "mg/dL", 2.1, 2.6), ("platelets", "150", "/uL", 100, 400),
        ("ANC", "300", "10^9/L", 1800, 7500),
        ("creatinine", "0.9", "umol/L", 0.6, 1.2), ("bilirubin", "15", "mg/dL", 3, 21),
    ],
)  # fmt: skip
def test_a_unit_that_the_limits_deny_is_refused(test, text, unit, lower, upper):
    found = lab_grades(LABS.frame([row(test, text, unit=unit, lower=lower, upper=upper)]), version=5)
    assert found["grade"].null_count() == found["value"].null_count() == found.height > 0
    assert found["value_text"].to_list() == [text] * found.height
    assert found["reason"].str.contains("check the unit").all()


# Without limits, or with those of the right unit, nothing but the value tells that 450 stands per microlitre.
@pytest.mark.parametrize(
    ("test", "text", "unit", "lower", "upper", "told"),
    [
        ("ANC", "450", "10^9/L", 1.8, 7.5, True), ("ANC", "151", "10^9/L", None, None, True),
        ("ANC", "150", "10^9/L", None, None, False), ("LYM", "1500", "10^9/L", None, None, True),
        ("PLT", "45000", "K/uL", None, None, True), ("PLT", "45000", "/uL", None, None, False),
        ("WBC", "120", "10^9/L", 4, 10, False), ("ALT", "9000", "U/L", 1, 40, False),
        ("PLT", ">45000", "K/uL", None, None, True), ("PLT", "<45000", "K/uL", None, None, False),
        ("Hb", "<5", "g/L", 120, 160, True), ("Hb", ">5", "g/L", 120, 160, False),
        ("Hb", "8.5", "g/L", 120, 160, True), ("Hb", "17", "g/L", 120, 160, False),
        ("Hb", "8.5", "g/dL", 12, 16, False),
        ("albumin", "3.9", "g/L", None, None, True), ("albumin", "12", "g/L", 35, 50, False),
        ("potassium", "39", "mmol/L", None, None, True), ("potassium", "9.5", "mmol/L", 3.5, 5.1, False),
        ("creatinine", "9.0", "umol/L", 53, 106, True), ("creatinine", "80", "mg/dL", 0.6, 1.2, True),
        ("creatinine", "25", "mg/dL", 0.6, 1.2, False), ("creatinine", "18", "umol/L", 53, 106, False),
        ("glucose", "90", "mmol/L", None, None, True), ("glucose", "5.0", "mg/dL", None, None, True),
        ("glucose", "900", "mg/dL", 70, 110, False), ("bilirubin", "0.8", "umol/L", 2, 21, True),
        ("bilirubin", "0.2", "mg/dL", 0.1, 1.2, False), ("urate", "6.0", "umol/L", None, None, True),
        ("cholesterol", "200", "mmol/L", None, None, True), ("triglycerides", "150", "mmol/L", None, None, True),
        ("WBC", "5.09", "/uL", None, None, True), ("WBC", "150", "/uL", None, None, False),
        ("ANC", "0.1", "10^9/L", None, None, False), ("ANC", "45.5", "/uL", None, None, False),
    ],
)  # fmt: skip
def test_a_value_that_nobody_lives_with_is_graded_and_told(test, text, unit, lower, upper, told):
    found = lab_grades(LABS.frame([row(test, text, unit=unit, lower=lower, upper=upper)]), version=5)
    reason = f"{text} {unit} is hardly a value of {lab_test(test).name}: check the unit"
    assert found["reason"].fill_null("").str.contains(reason, literal=True).to_list() == [told] * found.height


SERIES = "all 5 results of the subject lie far below their limits: check the unit"


@pytest.mark.parametrize(
    ("test", "texts", "unit", "lower", "upper", "told"),
    [
        ("PLT", "0.35 0.2 0.02 0.15 0.3", "10^9/L", 150, 400, True),  # as of 10^12/L
        ("PLT", "0.35 0.2 0.02 0.15 <15", "10^9/L", 150, 400, True),
        ("PLT", "345 20 2 15 30", "10^9/L", 150, 400, False),
        ("PLT", "0.35 0.2 0.02 0.15", "10^9/L", 150, 400, False),  # four are too few
        ("PLT", "0.35 0.2 0.02 0.15 15", "10^9/L", 150, 400, False),
        ("ANC", "0.004 0.003 0.00278 0.001 0.003", "10^9/L", 1.8, 7.5, True),
        ("ALT", "0.3 0.4 1.2 0.5 0.7", "U/L", 1, 40, True),  # as of ukat/L
        ("ALT", "0.3 0.4 1.2 0.5 0.7", "U/L", None, 40, True),
        ("ALT", "0.3 0.4 1.2 0.5 0.7", "ukat/L", None, 0.7, False),
        ("LDH", "3.0 3.4 3.1 2.9 11.9", "U/L", 120, 250, True),
        ("LDH", "3.0 3.4 3.1 2.9 12", "U/L", 120, 250, False),
        ("ALT", "0.3 0.4 1.2 0.5 0.7", "U/L", None, None, False),
        ("ALT", "0.3 0.4 1.2 0.5 none", "U/L", None, 40, False),
    ],
)
def test_a_series_far_below_its_limits_is_told(test, texts, unit, lower, upper, told):
    """Below 15 of 150 to 400, or 2 of up to 40; a single count as low may be of a nadir."""
    rows = [row(test, text, unit=unit, lower=lower, upper=upper, day=day) for day, text in enumerate(texts.split())]
    values = lab_values(LABS.frame([*rows, row("WBC", "5", unit="10^9/L", lower=4, upper=10)]))
    assert values["note"].to_list() == ([SERIES] * 5 if told else [None] * len(rows)) + [None]


@pytest.mark.parametrize(
    ("test", "text", "unit", "told"),
    [
        ("ANC", "7.7", "10^9/L", None),  # 1.5 times 5.1 and 0.1 more: of another draw of the day
        ("ANC", "7.76", "10^9/L", "above the WBC of the day, of which it is a part: check both"),
        ("LYM", "25", "10^9/L", "above the WBC of the day, of which it is a part: check both"),  # percent
        ("LYM", "2500", "/uL", None),
        ("LYM", "<25", "10^9/L", None),
        ("CD4", "3", "10^9/L", None),
        ("PLT", "250", "10^9/L", None),
    ],
)
def test_a_part_of_the_leucocytes_above_them_is_told(test, text, unit, told):
    other = row("ANC", "30", unit="10^9/L", day=6)
    rows = [row("WBC", "5.1", unit="10^9/L"), row("WBC", "4000", unit="/uL"), row(test, text, unit=unit), other]
    assert lab_values(LABS.frame(rows))["note"].to_list() == [None, None, told, None]


def test_a_series_is_of_one_subject_and_test():
    other = [row("PLT", "200", unit="10^9/L", lower=150, upper=400, subject="S2")]
    low = [row("PLT", "0.2", unit="10^9/L", lower=150, upper=400, day=day) for day in range(5)]
    assert lab_values(LABS.frame([*low, *other]))["note"].to_list() == [SERIES] * 5 + [None]
    assert lab_exclusions(LABS.frame(low)).rows() == [("limits", "PLT", SERIES, 5, 0)]


def test_limits_within_three_times_of_the_usual_are_taken():
    for upper, grade in ((479.0, 0), (511.0, None)):
        assert grades(row("Hb", "125", unit="g/L", lower=120, upper=upper), term="Anemia") == [
            0 if grade == 0 else None
        ]
    assert grades(row("Hb", "125", unit="g/L", lower=20, upper=56), term="Anemia") == [None]
    assert grades(row("ALT", "5000", unit="U/L", lower=1, upper=400)) == [3]  # methods of enzymes differ


def test_a_limit_of_0_is_no_result():
    assert grades(anc("<0"), column="reason") == ["'<0' is below 0"]


@settings(max_examples=25, deadline=None)
@given(st.decimals("1", "900", places=0), st.sampled_from([5, 6]))
def test_a_count_has_the_same_grade_in_every_unit(count, version):
    whole = {"lower": 1800, "upper": 7500}
    rows = [
        row("ANC", str(count), unit="/uL", **whole),
        row("ANC", str(count / 1000), unit="10^9/L", lower=1.8, upper=7.5),
    ]
    assert len(set(grades(*rows, version=version))) == 1
