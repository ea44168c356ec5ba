"""Grades of laboratory results: limits of detection, bad input, shifts; all literal."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clinical.lab_rows import SUBJECTS, alt, anc, grades, row
from tilseq.clinical.lab_grades import lab_grades
from tilseq.clinical.lab_worsening import lab_shifts, lab_worsening
from tilseq.errors import AnalysisError, StudyError, TableError
from tilseq.tables.inputs import LABS
from tilseq.tables.lab_grades import LAB_GRADES, LAB_SHIFTS


def test_a_grade_stands_with_its_baseline_period_and_version():
    found = lab_grades(LABS.frame([anc("4.0", -8), anc("0.3")]), version=5, subjects=SUBJECTS)
    assert found.rows(named=True)[1] == {
        "subject": "S1", "day": 5, "test": "ANC", "term": "Neutrophil count decreased", "direction": "low",
        "value": 0.3, "value_text": "0.3", "unit": "10^9/L", "version": "5", "grade": 4, "grade_at_least": 4,
        "grade_at_most": 4, "baseline_grade": 0, "baseline_at_least": 0, "baseline_at_most": 0,
        "baseline_day": -8, "period": "follow_up_30", "reason": None,
    }  # fmt: skip
    assert list(found.columns) == LAB_GRADES.names


@pytest.mark.parametrize("version", [None, "", "4", 7, "five"])
def test_a_version_is_asked_for(version):
    with pytest.raises(AnalysisError, match=r"grades need a version of the CTCAE.*expected 5 or 6"):
        lab_grades(LABS.frame([anc("0.3")]), version=version)


def test_the_version_decides():
    assert [grades(anc("0.3"), version=version) for version in (5, "5", "v5.0", 6)] == [[4], [4], [4], [3]]


def test_an_unknown_policy_is_refused():
    with pytest.raises(AnalysisError, match="no such policy on symptoms; found 'maybe'"):
        lab_grades(LABS.frame([anc("1")]), version=5, symptoms="maybe")


# Both sides: what is graded low and high at once.
def test_a_result_takes_a_row_for_each_of_its_terms():
    found = lab_grades(LABS.frame([row("potassium", "2.9", unit="mmol/L", lower=3.5, upper=5.1)]), version=5)
    assert found.select("term", "direction", "grade").rows() == [("Hypokalemia", "low", 3), ("Hyperkalemia", "high", 0)]


# 3 x 1.1 is 3.3000000000000003 in binary, 0.1 x 3 is 0.30000000000000004.
def test_numbers_are_compared_to_15_significant_digits():
    bili = {"unit": "mg/dL", "lower": 0.1}
    assert grades(row("bilirubin", "3.3", upper=1.1, **bili), term="Blood bilirubin increased") == [2]
    assert grades(row("bilirubin", "3.3000000000001", upper=1.1, **bili), term="Blood bilirubin increased") == [3]
    assert grades(row("ALT", "0.30", upper=0.1)) == [1]


# What was never on anticoagulation does not become worse by a rise within its limits.
def test_anticoagulation_is_a_policy_of_its_own():
    rows = [row("INR", text, day, unit=None, lower=0.8, upper=1.2) for text, day in (("0.95", -8), ("0.98", 5))]
    assert grades(*rows, subjects=SUBJECTS) == [0, 0]
    assert grades(*rows, subjects=SUBJECTS, anticoagulation=True) == [0, 1]
    assert grades(*rows, subjects=SUBJECTS, anticoagulation=True, column="reason")[1] == "taken as on anticoagulation"


# Missing limits: null, not 0, unless an absolute cut fires.
def test_without_limits_there_is_no_grade_unless_an_absolute_cut_fires():
    rows = [anc(text, lower_limit=None) for text in ("0.4", "1.2", "1.6")]
    assert grades(*rows) == [4, 2, None]
    assert grades(*rows, column="reason") == [None, None, "no lower limit"]
    assert grades(alt("400", upper_limit=None)) == [None]
    assert grades(alt("400", upper_limit=None), column="reason") == ["no upper limit"]
    assert grades(alt("100", -8), alt("400", upper_limit=None), subjects=SUBJECTS) == [0, None]
    assert grades(anc("1.6", lower_limit=None), version=6) == [0]


@pytest.mark.parametrize(
    ("lower", "upper", "why"),
    [
        (8.0, 2.0, "limits not used: the lower is above the upper"),
        (0.0, 0.0, "limits not used: the upper is not above 0"),
    ],
)
def test_limits_that_cannot_be_count_as_missing(lower, upper, why):
    limits = {"lower_limit": lower, "upper_limit": upper}
    assert grades(anc("0.3", **limits), anc("1.6", **limits), alt("900", **limits)) == [4, None, None]
    assert grades(anc("0.3", **limits), column="reason") == [why]
    assert grades(anc("1.6", **limits), column="reason") == [f"no lower limit; {why}"]


# Limits of detection: a grade only where all that the result can be has the same.
@pytest.mark.parametrize(
    ("rows", "version", "grade", "at_least", "reason"),
    [
        ([anc("<0.5")], 5, 4, 4, None),
        ([anc("<=0.5")], 5, None, 3, "can be grade 3 to 4"),
        ([anc("<0.5")], 6, None, 3, "can be grade 3 to 4"),
        ([anc("<0.1")], 6, 4, 4, None),
        ([anc("<2")], 5, None, None, "can be grade 0 to 4"),
        ([anc(">10")], 5, 0, 0, None),
        ([anc(">1000")], 5, 0, 0, ">1000 10^9/L is hardly a value of ANC: check the unit"),
        ([alt("<5")], 5, 0, 0, None),
        ([alt(">1000")], 5, 4, 4, "no baseline: taken as not above its limit"),
        ([alt(">800")], 5, 4, 4, "no baseline: taken as not above its limit"),
        ([alt(">=800")], 5, None, 3, "can be grade 3 to 4; no baseline: taken as not above its limit"),
        ([row("bilirubin", "<3", unit="umol/L", lower=2, upper=21)], 5, 0, 0, None),
        ([alt("<5", upper_limit=None)], 5, None, None, "no upper limit"),
    ],
)
def test_below_and_above_limits_of_detection(rows, version, grade, at_least, reason):
    found = lab_grades(LABS.frame(rows), version=version).row(0, named=True)
    assert (found["grade"], found["grade_at_least"], found["reason"]) == (grade, at_least, reason)


# Bad input, each with its rule; the rest goes on.
@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (anc("0.3", unit="furlong"), "ANC has no unit 'furlong', it may be 10^9/L, 10^3/uL, /uL or 10^6/L"),
        (anc("0.3", unit="mmol/L"), "ANC has no unit 'mmol/L', it may be 10^9/L, 10^3/uL, /uL or 10^6/L"),
        (anc("0.3", unit=None), "ANC without a unit"),
        (anc("0,3"), "the comma of '0,3' may be a decimal or a thousands mark"),
        (anc("clotted"), "'clotted' is no number"),
        (anc(None), "no value"),
        (anc("-0.3"), "'-0.3' is below 0"),
    ],
)
def test_a_result_that_cannot_be_read_has_no_grade_and_the_rest_goes_on(bad, why):
    assert grades(bad, anc("0.3")) == [None, 4]
    assert grades(bad, anc("0.3"), column="reason") == [why, None]
    assert grades(bad, anc("0.3"), column="value_text")[0] == bad["value_text"]


def test_two_results_of_one_day_are_both_graded_and_the_worst_counts():
    found = lab_grades(LABS.frame([anc("4", -8), anc("0.4"), anc("1.2"), anc("0.4")]), version=5, subjects=SUBJECTS)
    assert found["grade"].to_list() == [0, 4, 2, 4]
    shifts = lab_shifts(found)
    assert shifts.filter(pl.col("period") == "follow_up_30")["worst_grade"].to_list() == [4]


@pytest.mark.parametrize(
    ("bad", "version", "at_least", "at_most"),
    [
        (anc("0.3"), 5, 4, 4), (anc("<0.2"), 6, 3, 4), (anc("<2"), 5, None, 4),
        (anc("0.3", unit="furlong"), 5, None, 4),
        (anc("clotted"), 6, None, 4), (anc(None), 5, None, None), (anc(" "), 5, None, None),
        (anc("1.6", lower_limit=None), 5, None, 1), (alt("400", upper_limit=None), 5, None, 4),
        (row("CrCl", "8", unit="mL/min"), 6, 3, 3),
    ],
)  # fmt: skip
def test_what_a_result_can_be(bad, version, at_least, at_most):
    found = lab_grades(LABS.frame([bad]), version=version).row(0, named=True)
    assert (found["grade_at_least"], found["grade_at_most"]) == (at_least, at_most)


def test_an_unknown_test_is_told_and_not_graded():
    labs = LABS.frame([anc("0.3"), row("Neutrofils", "0.3"), row("CRP", "5"), row("CRP", "6"), row("glucose", "5")])
    assert lab_grades(labs, version=5)["test"].to_list() == ["ANC", "glucose"]


def test_no_results_give_empty_tables():
    empty = lab_grades(LABS.frame([]), version=5)
    assert empty.height == 0
    assert empty.columns == LAB_GRADES.names
    assert lab_shifts(empty).columns == LAB_SHIFTS.names


def test_a_subject_that_is_not_listed_is_refused():
    with pytest.raises(StudyError, match="no such subject; found 'S9'"):
        lab_grades(LABS.frame([anc("1", subject="S9")]), version=5, subjects=SUBJECTS)


def test_a_table_that_breaks_its_registry_is_refused():
    with pytest.raises(TableError, match="labs lacks a column"):
        lab_grades(pl.DataFrame({"subject": ["S1"]}), version=5)


def test_pandas_is_taken_as_well():
    frame = LABS.frame([anc("0.3"), alt("400")])
    assert lab_grades(frame.to_pandas(), version=5).equals(lab_grades(frame, version=5))


def test_grades_that_rest_on_symptoms_say_so():
    low = row("potassium", "3.2", unit="mmol/L", lower=3.5, upper=5.1)
    assert grades(low, term="Hypokalemia", column="reason") == ["taken as symptomatic"]
    assert grades(low, term="Hypokalemia", symptoms="not_assumed", column="reason") == [None]
    assert grades(low, term="Hypokalemia", symptoms="not_assumed") == [1]


def test_creatinine_clearance_below_10_is_another_term():
    low = row("CrCl", "8", unit="mL/min")
    assert grades(low, version=6) == [None]
    assert grades(low, version=6, column="reason")[0].startswith("below 10 mL/min NCI has kidney injury")


# Shifts.
def test_shifts_count_each_subject_once_a_period():
    labs = LABS.frame(
        [
            anc("4", -8), anc("0.4", -2), anc("0.3", 2), anc("1.2", 9), anc("4", 60),
            anc("1.7", -8, subject="S2"), anc("1.2", 3, subject="S2"), anc("<0.8", 4, subject="S2"),
        ]
    )  # fmt: skip
    shifts = lab_shifts(lab_grades(labs, version=5, subjects=SUBJECTS, infusions=None))
    assert shifts.select("period", "baseline_grade", "worst_grade", "subjects").rows() == [
        ("any", 0, 4, 1),
        ("any", 1, None, 1),
        ("follow_up_30", 0, 4, 1),
        ("follow_up_30", 1, None, 1),  # 1.2 is grade 2, but <0.8 is 3 or 4
        ("later", 0, 0, 1),
        ("lymphodepletion", 0, 4, 1),
    ]


def test_a_result_that_may_be_no_worse_than_another_does_not_hide_it():
    labs = LABS.frame([anc("<0.8", 3), anc("0.2", 4)])  # 3 or 4, and 4
    assert lab_shifts(lab_grades(labs, version=5))["worst_grade"].to_list() == [4, 4]


# tern 0.9.11.9000, tests/testthat/test-abnormal_lab_worsen_by_baseline.R (Apache-2.0): 100 subjects, each pair of a
# worst and a baseline grade from -4 to 4 and missing; its printed counts of worsening, low and high.
@pytest.mark.parametrize("direction", ["low", "high"])
def test_worsening_counts_as_tern_prints(direction):
    sign = -1 if direction == "low" else 1
    each = [None, *range(-4, 5)]
    rows = []
    for worst in each:
        for base in each:
            first = None if base is None else max(sign * base, 0)
            low, high = (0, 4) if worst is None else (max(sign * worst, 0),) * 2
            rows.append(
                {"subject": str(len(rows)), "test": "T", "term": "T", "direction": direction, "period": "any"}
                | {"baseline_at_least": first, "baseline_at_most": first, "worst_at_least": low, "worst_at_most": high}
            )
    found = lab_worsening(pl.DataFrame(rows)).filter(~pl.col("qualifier").str.ends_with("3-4"))
    assert found.select("numerator", "denominator").rows() == [(6, 54), (7, 63), (8, 72), (9, 81), (30, 81)]
    assert found["qualifier"][0] == f"direction={direction};period=any;term=T;test=T;worst_grade=1"
    # Clopper-Pearson of 6 of 54, by R's binom.test.
    assert (found["lower"][0], found["upper"][0]) == (pytest.approx(0.0418837636), pytest.approx(0.2263131626))


VALUES = st.decimals("0.01", "3000", places=2).map(str)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["ALT", "ANC", "creatinine"]), st.integers(-9, 40), VALUES), max_size=8),
    st.randoms(),
)
def test_the_order_of_rows_does_not_matter(drawn, random):
    units, uppers = (
        {"ALT": "U/L", "ANC": "10^9/L", "creatinine": "umol/L"},
        {"ALT": 50.0, "ANC": 8.0, "creatinine": 50.0},
    )
    rows = [row(test, text, day, unit=units[test], lower=2.0, upper=uppers[test]) for test, day, text in drawn]
    mixed = random.sample(rows, len(rows))
    key = ["test", "day", "value_text"]
    columns = [*key, "grade", "baseline_grade", "baseline_day", "reason"]
    first, second = (lab_grades(LABS.frame(some), version=5).sort(key).select(columns) for some in (rows, mixed))
    assert first.equals(second)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.decimals("0.01", "3000", places=2), min_size=2, max_size=12), st.sampled_from([5, 6]))
def test_a_worse_value_never_has_a_lower_grade(values, version):
    ordered = sorted(values)
    for test, unit, side in (("ANC", "10^9/L", "low"), ("ALT", "U/L", "high"), ("bilirubin", "umol/L", "high")):
        rows = [row(test, str(value), unit=unit, lower=2.0, upper=8.0) for value in ordered]
        found = lab_grades(LABS.frame(rows), version=version)["grade"].to_list()
        assert found == sorted(found, reverse=side == "low")
