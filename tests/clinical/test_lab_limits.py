"""Results by their own limits, and the investigator's flag."""

import polars as pl
import pytest

from tilseq.clinical import results_by_limits, significant_results, significant_shares
from tilseq.tables.inputs import LABS

SUBJECTS = pl.DataFrame({"subject": ["S1", "S2"], "lymphodepletion_day": [-7, -7], "first_dose_day": [None, None]})


def vital(text, day=1, test="heart rate", subject="S1", lower=60.0, upper=100.0, **cells):
    own = {"subject": subject, "day": day, "test": test, "value_text": text, "unit": "/min"}
    return own | {"lower_limit": lower, "upper_limit": upper} | cells


def positions(*rows, column="position"):
    return results_by_limits(LABS.frame(list(rows)), subjects=SUBJECTS)[column].to_list()


@pytest.mark.parametrize(
    ("text", "limits", "position", "reason"),
    [
        ("59", {}, "low", None),
        ("60", {}, "normal", None),
        ("100", {}, "normal", None),
        ("101", {}, "high", None),
        ("59", {"upper": None}, "low", None),
        ("80", {"upper": None}, None, "no upper limit"),
        ("101", {"lower": None}, "high", None),
        ("80", {"lower": None}, None, "no lower limit"),
        ("80", {"lower": None, "upper": None}, None, "no limits"),
        ("<60", {}, "low", None),
        ("<61", {}, None, "what the result can be spans a limit"),
        (">100", {}, "high", None),
        ("fast", {}, None, "'fast' is no number"),
        (None, {}, None, "no value"),
        ("80", {"lower": 100.0, "upper": 60.0}, None, "limits not used: the lower is above the upper"),
    ],
)
def test_positions_against_the_limits_of_the_record(text, limits, position, reason):
    assert positions(vital(text, **limits)) == [position]
    assert positions(vital(text, **limits), column="reason") == [reason]


@pytest.mark.parametrize("pandas", [False, True])
def test_a_limit_of_single_precision_is_that_which_was_written(pandas):
    """5.1 of single precision is 5.099999904632568, above which 5.1 was high."""
    frame = LABS.frame([vital("5.1", lower=3.5, upper=5.1)]).with_columns(pl.col("upper_limit").cast(pl.Float32))
    found = results_by_limits(frame.to_pandas() if pandas else frame, subjects=SUBJECTS)
    assert found.select("position", "upper_limit").rows() == [("normal", 5.1)]


def test_an_axis_may_be_negative():
    axis = {"test": "QRS axis", "lower": -30.0, "upper": 90.0, "unit": "deg"}
    assert positions(vital("-31", **axis), vital("-30", **axis), vital("<-30", **axis)) == ["low", "normal", "low"]
    assert positions(vital("<0", **axis), vital("-1", test="ANC", lower=1.8, upper=7.5)) == [None, None]


def test_each_record_has_its_own_limits():
    assert positions(vital("105"), vital("105", upper=110.0)) == ["high", "normal"]


def test_the_unit_is_that_of_the_record_whatever_it_is():
    assert positions(vital("0.2", test="ANC", lower=1.8, upper=7.5, unit="furlong")) == ["low"]


def test_the_baseline_is_the_last_before_lymphodepletion():
    rows = [vital("50", -20), vital("120", -8), vital("80", -8), vital("80", -7), vital("80", 3)]
    assert positions(*rows, column="baseline_position") == ["high"] * 5


def test_calcium_stands_as_it_was_measured():
    calcium = vital("2.0", test="calcium", lower=2.15, upper=2.55, unit="mmol/L")
    albumin = vital("20", test="albumin", lower=35.0, upper=50.0, unit="g/L")
    assert positions(calcium, albumin) == ["low", "low"]
    assert positions(calcium, albumin, column="value") == [2.0, 20.0]


def test_flags_are_counted_by_subject_and_period_and_never_inferred():
    rows = [
        vital("140", -10, clinically_significant=False),
        vital("140", 2, clinically_significant=True),
        vital("145", 3, clinically_significant=True),
        vital("180", 3),
        vital("3.1", 3, test="QTcF", clinically_significant=True),
        vital("80", 1, subject="S2", clinically_significant=False),
    ]
    found = significant_results(results_by_limits(LABS.frame(rows), subjects=SUBJECTS))
    assert found.rows() == [
        ("S1", "follow_up_30", 4, 3, 3, "QTcF; heart rate"),
        ("S1", "screening", 1, 1, 0, None),
        ("S2", "follow_up_30", 1, 1, 0, None),
    ]


def test_a_row_that_repeats_another_is_judged_once():
    rows = [vital("140", 2, clinically_significant=True)] * 2 + [vital("141", 2, clinically_significant=True)]
    found = significant_results(results_by_limits(LABS.frame(rows), subjects=SUBJECTS))
    assert found.select("results", "judged", "significant").rows() == [(2, 2, 2)]


def test_the_share_of_subjects_with_a_significant_result():
    rows = [
        vital("140", 2, clinically_significant=True),
        vital("140", 3, clinically_significant=True),
        vital("80", 1, subject="S2", clinically_significant=False),
        vital("80", 40, subject="S2"),
        vital("150", -10, subject="S2", clinically_significant=True),
    ]
    people = SUBJECTS.with_columns(arm=pl.col("subject"))
    found = significant_shares(results_by_limits(LABS.frame(rows), subjects=SUBJECTS), subjects=people)
    told = found.filter(group="all").select("parameter", "qualifier", "numerator", "denominator", "denominator_text")
    who = "subjects of whom the investigator judged a result of the period"
    assert told.rows() == [
        ("lab_clinically_significant", "period=any", 1, 2, who),
        ("lab_clinically_significant", "period=follow_up_30", 1, 2, who),
        ("lab_clinically_significant", "period=later", 0, 0, f"{who}; with results that nobody judged: 1"),
        ("lab_clinically_significant", "period=screening", 1, 1, who),
    ]
    # 1 of 2 by R's binom.test; nobody judged has no share.
    limits = found.filter(group="all").select("estimate", "lower", "upper").rows()
    assert limits[1] == (0.5, pytest.approx(0.01257912), pytest.approx(0.98742088))
    assert limits[2] == (None, None, None)
    by_arm = found.filter(group="arm=S2", qualifier="period=any").select("numerator", "denominator")
    assert by_arm.rows() == [(0, 1)]
    assert significant_shares(results_by_limits(LABS.frame([]))).is_empty()
