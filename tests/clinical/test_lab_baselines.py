"""Grades that rest on the baseline, and the periods of results; all literal."""

import polars as pl
import pytest

from tests.clinical.lab_rows import SUBJECTS, alt, anc, grades, row
from tilseq.clinical.lab_grades import lab_grades
from tilseq.errors import TableError
from tilseq.tables.inputs import LABS


# Baseline: before lymphodepletion, ANC being near 0 on day 0.
def test_the_baseline_is_the_last_result_before_lymphodepletion():
    rows = [alt("60", -20), alt("100", -8), alt("20", -7), alt("30", -1), alt("250")]
    assert grades(*rows, column="baseline_day", subjects=SUBJECTS)[-1] == -8
    assert grades(*rows, subjects=SUBJECTS)[-1] == 1  # 2.5 x 100, against 6.25 x ULN
    assert grades(*rows, column="baseline_day")[-1] == -1
    assert grades(*rows)[-1] == 3


def test_subjects_with_a_date_of_lymphodepletion_are_refused():
    """The baseline was the last before the infusion, within lymphodepletion."""
    people = pl.DataFrame({"subject": ["S1"], "lymphodepletion_date": ["2024-01-01"]})
    with pytest.raises(TableError, match="column lymphodepletion_date: dates where days are wanted"):
        grades(alt("100", -10), alt("30", -2), alt("100"), subjects=people)


def test_a_result_of_the_first_day_of_lymphodepletion_is_no_baseline():
    assert grades(alt("20", -7), alt("250"), column="baseline_day", subjects=SUBJECTS) == [None, None]


def test_a_baseline_has_a_number_in_a_known_unit():
    rows = [alt("100", -20), alt("haemolysed", -8), alt("30", -9, unit="furlong"), alt(None, -10), alt("250")]
    assert grades(*rows, column="baseline_day", subjects=SUBJECTS)[-1] == -20


def test_periods_follow_infusions_and_il2():
    infusions = pl.DataFrame({"subject": ["S1", "S1"], "day": [0, 2]})
    rows = [anc("1", day) for day in (-8, -7, 2, 5, 6, 32, 33)]
    periods = grades(*rows, column="period", subjects=SUBJECTS, infusions=infusions, il2_end={"S1": 5})
    assert periods == ["screening", "lymphodepletion", "infusion", "infusion", *["follow_up_30"] * 2, "later"]


def test_results_of_the_day_of_baseline_count_by_their_mean():
    rows = [alt("90", -8), alt("110", -8), alt("299"), alt("301")]  # 3 x the mean of 100 is 300
    assert grades(*rows, subjects=SUBJECTS)[2:] == [1, 2]
    in_units = [row("bilirubin", "2", -8, unit="mg/dL", upper=1.2), row("bilirubin", "38", -8, unit="umol/L", upper=21)]
    assert grades(*in_units, column="baseline_day", subjects=SUBJECTS) == [-8, -8]


def test_a_baseline_in_another_unit_is_converted():
    base = row("bilirubin", "2", -8, unit="mg/dL", lower=0.1, upper=1.2)  # 34.2 umol/L, above its ULN
    values = [row("bilirubin", text, unit="umol/L", lower=2, upper=21) for text in ("51.2", "51.4")]  # 1.5 x 34.208
    assert grades(base, *values, subjects=SUBJECTS)[1:] == [1, 2]


def test_without_a_baseline_it_counts_as_normal_and_the_reason_says_so():
    assert grades(alt("250")) == [3]
    assert grades(alt("250"), column="reason") == ["no baseline: taken as not above its limit"]
    assert grades(alt("40"), column="reason") == [None]


def test_creatinine_without_a_baseline_is_not_0():
    def creatinine(text, day=5):
        return row("creatinine", text, day, unit="umol/L", lower=60, upper=105)

    assert grades(creatinine("90")) == [None]
    assert grades(creatinine("90"), column="reason") == ["no baseline"]
    assert grades(creatinine("400")) == [3]
    assert grades(creatinine("400"), column="reason") == [None]
    assert grades(creatinine("120"), column="reason") == ["no baseline: a higher grade cannot be told"]
    assert grades(creatinine("50", -9), creatinine("90"), subjects=SUBJECTS) == [0, 2]


@pytest.mark.parametrize(
    ("text", "version", "told"),
    [
        ("200", 5, (None, 2, 4)),  # 2 x the baseline; grade 3 above 3 x ULN, 4 above 6 x ULN
        ("310", 5, (None, 3, 4)),  # 3.1 x the baseline
        ("140", 5, (None, None, 4)),
        ("310", 6, (None, None, 4)),  # of a baseline that is not low only multiples of ULN count
    ],
)
def test_creatinine_without_its_upper_limit_may_have_a_higher_grade_than_by_its_baseline(text, version, told):
    """346.5 umol/L without a limit was grade 2 by its baseline, and with one of 105 is grade 3."""
    base = row("creatinine", "100", -8, unit="umol/L", lower=60, upper=105)
    rows = [base, row("creatinine", text, unit="umol/L", lower=60, upper=None)]
    names = ("grade", "grade_at_least", "grade_at_most")
    found = {name: grades(*rows, column=name, version=version, subjects=SUBJECTS)[1] for name in names}
    assert tuple(found.values()) == told


# 130 is 3.25 x 40 but 2.6 x 50; a baseline of 45 is above 40 and below 50.
def test_a_baseline_is_held_against_its_own_limit():
    within, above = ((alt("45", -8, upper_limit=limit), alt("130", upper_limit=40.0)) for limit in (50.0, 40.0))
    assert grades(*within, subjects=SUBJECTS)[1] == 2  # of a normal baseline by ULN
    assert grades(*above, subjects=SUBJECTS)[1] == 1  # of an abnormal one by its multiples: 2.9
    swapped = alt("45", -8, upper_limit=40.0), alt("130", upper_limit=50.0)
    assert grades(*swapped, subjects=SUBJECTS)[1] == 1
    unsure = alt("<50", -8), alt("250")  # may be above its limit, and is not surely
    assert grades(*unsure, subjects=SUBJECTS)[1] == 3


def test_a_baseline_without_its_limit_is_held_against_that_of_the_result():
    rows = alt("200", -8, upper_limit=None), alt("250")  # 5 x ULN, 1.25 x the baseline
    assert grades(*rows, subjects=SUBJECTS) == [None, 0]
    told = "no upper limit of the baseline: held against that of the result"
    assert grades(*rows, subjects=SUBJECTS, column="reason")[1] == told
    assert grades(alt("30", -8, upper_limit=None), alt("250"), subjects=SUBJECTS) == [None, 3]
    low = {"unit": "umol/L", "lower": None, "upper": 105}
    creatinine = row("creatinine", "50", -8, **low), row("creatinine", "170", **(low | {"lower": 60}))
    assert grades(*creatinine, version=6, subjects=SUBJECTS)[1] == 3  # 3.4 x a baseline below LLN, 1.6 x ULN


def test_a_baseline_at_its_lower_limit_is_not_low():
    rows = [row("creatinine", text, day, unit="umol/L", lower=60, upper=105) for text, day in (("60", -8), ("100", 5))]
    assert grades(*rows, version=6, subjects=SUBJECTS)[1] == 0  # 1.7 x the baseline, which counts below LLN alone


def test_a_baseline_day_of_two_units_has_a_grade():
    rows = alt("22", -8), alt("22", -8, unit="IU/L"), alt("60")
    assert grades(*rows, subjects=SUBJECTS, column="baseline_grade") == [0, 0, 0]
    mixed = anc("1.2", -8), anc("1000", -8, unit="/uL"), anc("0.3")
    assert grades(*mixed, subjects=SUBJECTS, column="baseline_grade") == [2, 2, 2]  # by their mean, 1.1


def test_a_baseline_below_a_limit_of_detection():
    creatinine = [row("creatinine", text, day, unit="umol/L", lower=60, upper=105) for text, day in (("<40", -9),)]
    after = row("creatinine", "90", unit="umol/L", lower=60, upper=105)
    # 90 is 2.25 x 40 at least, but may be more than 3 x a baseline below 30.
    found = lab_grades(LABS.frame([*creatinine, after]), version=5, subjects=SUBJECTS).row(1, named=True)
    assert (found["grade"], found["grade_at_least"], found["reason"]) == (None, 2, "can be grade 2 to 3")


def test_infusions_and_il2_count_without_subjects_too():
    infusions = pl.DataFrame({"subject": ["S1", "S1"], "day": [0, 5]})
    assert grades(anc("1", 3), column="period", infusions=infusions) == ["infusion"]
    assert grades(anc("1", 3), column="period", il2_end={"S1": 4}) == ["infusion"]
    assert grades(anc("1", 3), column="period") == ["follow_up_30"]


def test_a_baseline_that_may_lie_within_lymphodepletion_is_told():
    people = pl.DataFrame({"subject": ["S1"], "lymphodepletion_day": [None], "first_dose_day": [None]})
    told = "day of lymphodepletion not known: the baseline of day -1 may lie within it"
    assert grades(anc("3", -10), anc("0.1", -1), anc("0.2", 3), column="reason", subjects=people)[2] == told
    assert grades(anc("3", -15), anc("0.2", 3), column="reason", subjects=people) == [None, None]
    assert grades(anc("3", -10), anc("0.2", 3), column="reason", subjects=SUBJECTS) == [None, None]
