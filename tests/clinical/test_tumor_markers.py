"""Courses of tumour markers; expected numbers are worked by hand, the line of the doubling time is R's lm."""

import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilseq.clinical import markers
from tilseq.clinical.marker_exclusions import marker_exclusions
from tilseq.errors import StudyError, TableError
from tilseq.tables.tumor_marker_course import MARKER_COURSES

SUBJECTS = pl.DataFrame(
    {
        "subject": ["M", "O", "H", "N"],
        "tumor_type": ["melanoma", "ovarian", "head_and_neck", "melanoma"],
        "lymphodepletion_day": [-7, -7, -7, None],
        "first_dose_day": [-7, None, None, None],
    }
)


def record(day, text, test="CEA", upper=5.0, unit="ng/mL", subject="M", lower=None):
    return {
        "subject": subject, "day": day, "test": test, "value_text": text, "unit": unit, "upper_limit": upper,
        "lower_limit": lower,
    }  # fmt: skip


def course(*records, **settings):
    return markers(pl.DataFrame(list(records), infer_schema_length=None), subjects=SUBJECTS, **settings)


def column(frame, name):
    return frame[name].to_list()


RISE = [record(d, t) for d, t in ((-20, "10"), (-8, "8"), (14, "4"), (28, "2"), (56, "3"), (70, "6"), (84, "12"))]


def test_the_baseline_is_the_last_before_lymphodepletion():
    frame = course(*RISE)
    assert column(frame, "baseline_day") == [None, -8, -8, -8, -8, -8, -8]
    assert column(frame, "baseline_value") == [None, 8, 8, 8, 8, 8, 8]


def test_a_sample_of_the_first_day_of_lymphodepletion_is_no_baseline():
    frame = course(record(-8, "8"), record(-7, "7"), record(10, "4"))
    assert column(frame, "baseline_day") == [-8, -8, -8]


def test_without_a_first_dose_what_comes_before_day_0_is_a_baseline():
    frame = course(record(-1, "8", subject="N"), record(0, "4", subject="N"))
    assert column(frame, "change") == [None, -4]


def test_a_ca125_of_1_200_may_be_one_of_1200():
    rows = [record(day, text, "CA125", 35.0, "U/mL", "O") for day, text in ((-10, "200"), (28, "1.200"), (56, "80"))]
    frame = course(*rows)
    assert column(frame, "value") == [200, None, 80]
    assert frame["reason"][1] == "not used: the point of '1.200' may be a thousands mark"


def test_change_percent_multiples_of_the_limit_and_logarithm():
    frame = course(*RISE)
    assert column(frame, "change") == [None, None, -4, -6, -5, -2, 4]
    assert column(frame, "change_pct") == [None, None, -50, -75, -62.5, -25, 50]
    assert column(frame, "times_uln") == [2, 1.6, 0.8, 0.4, 0.6, 1.2, 2.4]
    assert column(frame, "log2_ratio")[2:4] == [-1, -2]


def test_nadir_normalisation_and_doubling_time():
    frame = course(*RISE)
    assert column(frame, "nadir") == [None, 8, 4, 2, 2, 2, 2]
    assert column(frame, "nadir_day") == [None, -8, 14, 28, 28, 28, 28]
    assert column(frame, "normalised") == [None, None, True, True, True, False, False]
    doubling = column(frame, "doubling_days")
    assert doubling[:5] == [None] * 5
    # R: log(2) / coef(lm(log(c(2, 3, 6)) ~ c(28, 56, 70)))[2]
    assert doubling[5] == pytest.approx(28.30402, abs=1e-5)
    assert doubling[6] == pytest.approx(14)


def test_the_percentage_is_withheld_for_a_baseline_below_its_limit():
    frame = course(record(-8, "2"), record(10, "4"))
    assert column(frame, "change") == [None, 2]
    assert column(frame, "change_pct") == [None, None]
    assert column(frame, "normalised") == [None, None]
    assert frame["reason"][1] == "% withheld: baseline below its upper limit"
    assert column(course(record(-8, "5"), record(10, "4")), "change_pct") == [None, -20]


def test_a_value_below_a_limit_stays_a_limit():
    frame = course(record(-8, "8"), record(10, "<0.5"), record(20, "1"))
    assert frame.row(1, named=True) | {"reason": None} == {
        "subject": "M", "day": 10, "test": "CEA", "in_panel": True, "value": None, "operator": "<", "limit_value": 0.5,
        "value_text": "<0.5", "unit": "ng/mL", "upper_limit": 5.0, "times_uln": None, "assay": 1, "used": True,
        "baseline_value": 8.0, "baseline_day": -8, "change": None, "change_pct": None, "log2_ratio": None,
        "nadir": None, "nadir_day": 10, "normalised": True, "doubling_days": None, "reason": None,
    }  # fmt: skip
    # The lowest is still below 0.5: no number of it is given after either.
    assert (frame["nadir"][2], frame["nadir_day"][2], frame["reason"][2]) == (None, 10, "nadir is a limit, of day 10")


def test_a_limit_above_the_lowest_number_is_no_nadir():
    frame = course(record(-8, "8"), record(10, "1"), record(20, "<2"))
    assert column(frame, "nadir") == [8, 1, 1]


def test_a_limit_at_the_lowest_number_lies_below_it():
    frame = course(record(-8, "8"), record(10, "0.5"), record(20, "<0.5"))
    assert (frame["nadir"][2], frame["nadir_day"][2]) == (None, 20)


def test_a_marker_at_its_limit_is_normal():
    assert column(course(record(-8, "8"), record(10, "5")), "normalised") == [None, True]
    assert column(course(record(-8, "5"), record(10, "4")), "normalised") == [None, None]


def test_without_two_rises_in_a_row_there_is_no_doubling_time():
    frame = course(record(-8, "1"), record(28, "2"), record(56, "1"), record(70, "3"))
    assert column(frame, "doubling_days") == [None] * 4


def test_a_value_above_a_limit_stays_a_limit_too():
    frame = course(record(-8, "8"), record(10, ">1500"))
    assert (frame["operator"][1], frame["limit_value"][1], frame["value"][1]) == (">", 1500, None)
    assert frame["normalised"][1] is False


def test_a_baseline_that_is_a_limit_gives_no_change():
    frame = course(record(-8, "<0.5"), record(10, "4"))
    assert (frame["baseline_value"][1], frame["baseline_day"][1], frame["change"][1]) == (None, -8, None)
    assert frame["reason"][1] == "nadir is a limit, of day -8; baseline is a limit: <0.5"


def test_another_unit_breaks_the_series():
    frame = course(record(-8, "8"), record(10, "4"), record(20, "0.4", unit="nmol/L", upper=0.5), record(30, "2"))
    assert column(frame, "assay") == [1, 1, 2, 1]
    assert column(frame, "change") == [None, -4, None, -6]
    assert frame["baseline_value"][2] is None
    assert frame["nadir"][2] == 0.4
    assert "another assay than before" in frame["reason"][2]
    assert "no baseline of this assay" in frame["reason"][2]
    assert "unit nmol/L, usually ng/mL" in frame["reason"][2]


def test_other_limits_break_the_series_and_missing_ones_do_not():
    frame = course(record(-8, "8"), record(10, "4", upper=None), record(20, "4", upper=4.6))
    assert column(frame, "assay") == [1, 1, 2]
    assert column(frame, "times_uln") == [1.6, 0.8, pytest.approx(4 / 4.6)]  # 4 of the 5 of its assay
    assert column(frame, "upper_limit") == [5.0, None, 4.6]
    assert "no upper limit: 5 of its assay taken" in column(frame, "reason")[1]
    assert column(frame, "normalised") == [None, True, None]
    back = course(record(-8, "8"), record(10, "4", upper=4.6), record(20, "3", upper=None))
    assert column(back, "assay") == [1, 2, 2]  # that of the record before it
    assert column(course(record(-8, "8", upper=None), record(10, "4", upper=0.0)), "times_uln") == [None, None]
    first_bare = course(record(-8, "8", upper=None), record(10, "4"), record(20, "4", lower=0.0))
    assert column(first_bare, "assay") == [1, 1, 1]
    assert column(first_bare, "change_pct") == [None, -50.0, -50.0]  # the baseline is above the 5 of its assay
    never = course(record(-8, "8", upper=None), record(10, "4", upper=None))
    assert column(never, "change_pct") == [None, None]
    assert never["reason"][1] == "no upper limit; % withheld: no upper limit at baseline"


def test_two_ways_to_write_a_unit_are_one():
    frame = course(record(-8, "8"), record(10, "4", unit="µg/L"), record(20, "2", unit="ug/l"))
    assert column(frame, "assay") == [1, 1, 1]
    ca = [record(-8, "80", "CA-125", 35.0, "U/mL", "O"), record(9, "40", "CA125", 35.0, "kU/L", "O")]
    assert column(course(*ca), "change_pct") == [None, -50]


def test_two_differing_results_of_a_day_take_no_part_and_a_repeat_counts_once():
    frame = course(record(-8, "8"), record(10, "4"), record(10, "3"), record(20, "2"), record(20, "2"))
    assert column(frame, "used") == [True, False, False, True, False]
    assert column(frame, "change") == [None, None, None, -6, None]
    assert frame["reason"][1] == "not used: results of one day differ"
    assert frame["reason"][4] == "not used: repeats another record"


@pytest.mark.parametrize("text", ["-3", "abc", "4,2", "", None, "<0", "NaN"])
def test_what_is_no_result_takes_no_part_and_the_rest_goes_on(text):
    frame = course(record(-8, "8"), record(5, text), record(10, "4"))
    assert column(frame, "used") == [True, False, True]
    assert column(frame, "value") == [8, None, 4]
    assert column(frame, "change") == [None, None, -4]
    assert frame["reason"][1].startswith("not used: ")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("CA19-9", "CA199"), ("CA 199", "CA199"), ("ca 19-9", "CA199"), ("CA-125", "CA125"), ("SCCA", "SCC"),
        ("SCC-Ag", "SCC"), ("Cyfra", "CYFRA21-1"), ("CYFRA 21-1", "CYFRA21-1"), ("Cyfra211", "CYFRA21-1"),
        ("Carcinoembryonic antigen", "CEA"), ("CA 50", "CA50"), ("Thyroglobulin", "TG"), ("糖类抗原125", "CA125"),
    ],
)  # fmt: skip
def test_names_that_laboratories_give(written, name):
    assert column(course(record(5, "4", test=written)), "test") == [name]


def test_an_unknown_name_stays_apart_and_is_told():
    frame = course(record(5, "4", test="CA12S"), record(5, "4", test="AFP"), record(5, "4"))
    told = {row["test"]: (row["in_panel"], row["reason"]) for row in frame.iter_rows(named=True)}
    assert told["CA12S"] == (False, "no marker of the panel; did you mean 'CA125'?; no baseline")
    assert told["AFP"] == (False, "no marker of the panel; no baseline")
    assert told["CEA"] == (True, "no baseline")


def test_a_marker_of_another_panel_is_followed_and_told():
    frame = course(record(5, "40", test="CA125", unit="U/mL", upper=35.0))
    assert (frame["in_panel"][0], frame["times_uln"][0]) == (False, pytest.approx(40 / 35))
    assert frame["reason"][0].startswith("not in the panel of melanoma")


def test_an_upper_limit_far_from_the_usual_is_told():
    assert "check the unit" in course(record(5, "4", upper=500.0))["reason"][0]
    assert "check the unit" in course(record(5, "4", upper=15.1))["reason"][0]  # more than three times 5
    assert "check the unit" not in course(record(5, "4", upper=15.0))["reason"][0]
    assert "check the unit" not in course(record(5, "4", upper=4.7))["reason"][0]


CA125 = {"test": "CA125", "upper": 35.0, "unit": "U/mL", "subject": "O"}


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ("0.34 0.4 <0.1", ["0.34 U/mL is hardly a value of CA125: check the unit", None, None]),
        ("35000 35001", [None, "35001 U/mL is hardly a value of CA125: check the unit"]),
        ("650 2.17 700", [None, None, "2.17 before, 700 now: check the unit"]),  # 299.5 times, 322.6 times
        ("650 0.6", [None, "650 before, 0.6 now: check the unit"]),  # as of kU/mL
        ("18 <10 21000", [None, None, "18 before, 21000 now: check the unit"]),  # as of U/L
        ("10 0 9", [None, "0 U/mL is hardly a value of CA125: check the unit", None]),
    ],
)
def test_a_value_as_of_another_unit_is_told_and_counts(texts, told):
    frame = course(*(record(10 * place, text, **CA125) for place, text in enumerate(texts.split())))
    found = [[part for part in reason.split("; ") if part.endswith("check the unit")] for reason in frame["reason"]]
    assert found == [[] if one is None else [one] for one in told]
    assert frame["used"].all()


def test_markers_that_some_make_none_of_may_be_low():
    few = (("CA19-9", 37.0, "U/mL", "O"), ("CA50", 25.0, "U/mL", "M"), ("TG", 78.0, "ng/mL", "H"))
    frame = course(*(record(5, "0.1", test, upper, unit, subject) for test, upper, unit, subject in few))
    assert column(frame, "reason") == ["no baseline"] * 3


def test_values_as_of_another_unit_are_rows_of_exclusions():
    frame = course(record(-9, "650", **CA125), record(20, "0.6", **CA125), record(30, "0.5", **CA125))
    assert marker_exclusions(frame) == {"CA125: 650 before, 0.6 now: check the unit": 1}


def test_tg_is_thyroglobulin_unless_set_or_its_unit_is_of_triglycerides():
    tg = record(5, "60", test="TG", upper=78.0, subject="H")
    assert column(course(tg), "used") == [True]
    set_to = course(tg, tg="triglycerides")
    assert (set_to["used"][0], set_to["reason"][0]) == (False, "not used: TG is set to be triglycerides")
    fat = course(record(5, "1.4", test="TG", upper=1.7, unit="mmol/L", subject="H"))
    assert fat["used"][0] is False
    assert fat["reason"][0].startswith("not used: TG in a unit of triglycerides")


def test_a_subject_without_any_ca199_may_be_lewis_negative():
    ca = [record(day, "<0.6", test="CA19-9", unit="U/mL", upper=37.0) for day in (-8, 10)]
    assert all("Lewis-negative" in reason for reason in course(*ca)["reason"])
    assert "Lewis" not in str(course(ca[0])["reason"][0])  # one record tells nothing
    normal = [record(day, "<37", test="CA19-9", unit="U/mL", upper=37.0) for day in (-8, 10)]
    assert "Lewis" not in str(course(*normal)["reason"][0])  # a limit at the upper limit tells nothing either
    assert "Lewis" in str(course(*[one | {"value_text": "<3.7"} for one in normal])["reason"][0])
    assert "Lewis" not in str(course(*[one | {"value_text": "<3.8"} for one in normal])["reason"][0])
    assert "Lewis" in str(course(*[one | {"upper_limit": None} for one in ca])["reason"][0])
    assert "Lewis" not in (course(*ca, record(20, "3", test="CA199", unit="U/mL", upper=37.0))["reason"][1] or "")


def test_an_unknown_subject_is_an_error_with_its_row():
    with pytest.raises(StudyError) as caught:
        course(record(5, "4"), record(5, "4", subject="Z"))
    assert [(p.row, p.column, p.found) for p in caught.value.problems] == [(3, "subject", "'Z'")]


def test_a_missing_day_is_refused():
    with pytest.raises(TableError):
        course(record(None, "4"))


texts = st.one_of(st.floats(0, 1e5).map(lambda x: f"{x:.2f}"), st.sampled_from(["<0.5", ">100", "-1", "x", "", "0"]))
rows = st.builds(
    record,
    st.integers(-30, 200),
    texts,
    st.sampled_from(["CEA", "CA19-9", "XY"]),
    st.sampled_from([5.0, 4.0, None, 0.0]),
    st.sampled_from(["ng/mL", "U/mL", None]),
)


@settings(max_examples=40)
@given(st.lists(rows, min_size=1, max_size=12))
def test_whatever_is_given_every_record_stays_and_limits_are_no_numbers(records):
    frame = course(*records)
    assert frame.height == len(records)
    assert frame.columns == MARKER_COURSES.names
    for row in frame.iter_rows(named=True):
        assert row["used"] or row["reason"].startswith("not used: ")
        assert row["operator"] is None or row["value"] is row["change"] is row["times_uln"] is None
        assert row["change"] is None or row["change"] == row["value"] - row["baseline_value"]
        assert (
            row["nadir"] is None
            or row["value"] is None
            or not row["used"]
            or row["nadir"] <= row["value"]
            or (row["baseline_day"] is not None and row["day"] < row["baseline_day"])
        )
        assert row["doubling_days"] is None or (row["doubling_days"] > 0 and math.isfinite(row["doubling_days"]))
