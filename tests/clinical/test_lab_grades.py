"""Grades of laboratory results: baselines, units, limits of detection, bad input, shifts; all literal."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilseq.clinical.lab_grades import lab_grades
from tilseq.clinical.lab_worsening import lab_shifts, lab_worsening, worst_lab_grades
from tilseq.errors import AnalysisError, StudyError, TableError
from tilseq.tables.inputs import LABS
from tilseq.tables.lab_grades import LAB_GRADES, LAB_SHIFTS

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


def test_a_grade_stands_with_its_baseline_period_and_version():
    found = lab_grades(LABS.frame([anc("4.0", -8), anc("0.3")]), version=5, subjects=SUBJECTS)
    assert found.rows(named=True)[1] == {
        "subject": "S1", "day": 5, "test": "ANC", "term": "Neutrophil count decreased", "direction": "low",
        "value": 0.3, "value_text": "0.3", "unit": "10^9/L", "version": "5", "grade": 4, "grade_at_least": 4,
        "grade_at_most": 4, "baseline_grade": 0, "baseline_at_least": 0, "baseline_at_most": 0, "baseline_day": -8, "period": "follow_up_30", "reason": None,
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


# Baseline: before lymphodepletion, ANC being near 0 on day 0.
def test_the_baseline_is_the_last_result_before_lymphodepletion():
    rows = [alt("60", -20), alt("100", -8), alt("20", -7), alt("30", -1), alt("250")]
    assert grades(*rows, column="baseline_day", subjects=SUBJECTS)[-1] == -8
    assert grades(*rows, subjects=SUBJECTS)[-1] == 1  # 2.5 x 100, against 6.25 x ULN
    assert grades(*rows, column="baseline_day")[-1] == -1
    assert grades(*rows)[-1] == 3


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
        ([anc(">1000")], 5, 0, 0, None),
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


def test_a_baseline_below_a_limit_of_detection():
    creatinine = [row("creatinine", text, day, unit="umol/L", lower=60, upper=105) for text, day in (("<40", -9),)]
    after = row("creatinine", "90", unit="umol/L", lower=60, upper=105)
    # 90 is 2.25 x 40 at least, but may be more than 3 x a baseline below 30.
    found = lab_grades(LABS.frame([*creatinine, after]), version=5, subjects=SUBJECTS).row(1, named=True)
    assert (found["grade"], found["grade_at_least"], found["reason"]) == (None, 2, "can be grade 2 to 3")


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


def test_units_mixed_within_a_test_are_converted():
    rows = [anc("0.3"), anc("300", unit="/uL", lower_limit=1800, upper_limit=7500), anc("0.3", unit="x10E9/L"), anc("0.3", unit="K/µL")]
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


def test_two_results_of_one_day_are_both_graded_and_the_worst_counts():
    found = lab_grades(LABS.frame([anc("4", -8), anc("0.4"), anc("1.2"), anc("0.4")]), version=5, subjects=SUBJECTS)
    assert found["grade"].to_list() == [0, 4, 2, 4]
    shifts = lab_shifts(found)
    assert shifts.filter(pl.col("period") == "follow_up_30")["worst_grade"].to_list() == [4]


@pytest.mark.parametrize(
    ("bad", "version", "at_least", "at_most"),
    [
        (anc("0.3"), 5, 4, 4), (anc("<0.2"), 6, 3, 4), (anc("<2"), 5, None, 4), (anc("0.3", unit="furlong"), 5, None, 4),
        (anc("clotted"), 6, None, 4), (anc(None), 5, None, None), (anc(" "), 5, None, None),
        (anc("1.6", lower_limit=None), 5, None, 1), (alt("400", upper_limit=None), 5, None, 4),
        (row("CrCl", "8", unit="mL/min"), 6, 3, 3),
    ],
)  # fmt: skip
def test_what_a_result_can_be(bad, version, at_least, at_most):
    found = lab_grades(LABS.frame([bad]), version=version).row(0, named=True)
    assert (found["grade_at_least"], found["grade_at_most"]) == (at_least, at_most)


def test_an_albumin_below_a_limit_corrects_nothing():
    calcium = row("calcium", "1.90", unit="mmol/L", lower=2.15, upper=2.55)
    found = grades(row("albumin", "<20", unit="g/L", lower=35, upper=50), calcium, term="Hypocalcemia", column="reason")
    assert found == ["not corrected: no albumin of the day"]


def test_an_unknown_test_is_told_and_not_graded():
    labs = LABS.frame([anc("0.3"), row("Neutrofils", "0.3"), row("CRP", "5"), row("CRP", "6"), row("glucose", "5")])
    assert lab_grades(labs, version=5)["test"].to_list() == ["ANC", "glucose"]


def test_no_results_give_empty_tables():
    empty = lab_grades(LABS.frame([]), version=5)
    assert empty.height == 0
    assert empty.columns == LAB_GRADES.names
    assert lab_shifts(empty).columns == LAB_SHIFTS.names


def test_a_subject_that_is_not_listed_is_refused():
    with pytest.raises(StudyError, match="a subject of the results is not among the subjects; found 'S9'"):
        lab_grades(LABS.frame([anc("1", subject="S9")]), version=5, subjects=SUBJECTS)


def test_a_table_that_breaks_its_registry_is_refused():
    with pytest.raises(TableError, match="labs lacks a column"):
        lab_grades(pl.DataFrame({"subject": ["S1"]}), version=5)


def test_pandas_is_taken_as_well():
    frame = LABS.frame([anc("0.3"), alt("400")])
    assert lab_grades(frame.to_pandas(), version=5).equals(lab_grades(frame, version=5))


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
    rows = row("albumin", albumin, unit="g/dL", lower=3.5, upper=5.0), row("calcium", text, unit="mg/dL", lower=8.6, upper=10.2)
    assert grades(*rows, term=term) == [grade]


# Limits that belong to another unit than the one that is named.
@pytest.mark.parametrize(
    ("test", "text", "unit", "lower", "upper"),
    [
        ("Hb", "79", "g/dL", 120, 160), ("Hb", "12.0", "g/dL", 120, 160), ("glucose", "5.0", "mg/dL", 3.9, 6.1),
        ("calcium", "2.2", "mg/dL", 2.1, 2.6), ("platelets", "150", "/uL", 100, 400), ("ANC", "300", "10^9/L", 1800, 7500),
        ("creatinine", "0.9", "umol/L", 0.6, 1.2), ("bilirubin", "15", "mg/dL", 3, 21),
    ],
)  # fmt: skip
def test_a_unit_that_the_limits_deny_is_refused(test, text, unit, lower, upper):
    found = lab_grades(LABS.frame([row(test, text, unit=unit, lower=lower, upper=upper)]), version=5)
    assert found["grade"].null_count() == found.height > 0
    assert found["reason"].str.contains("check the unit").all()


def test_limits_within_three_times_of_the_usual_are_taken():
    for upper, grade in ((479.0, 0), (511.0, None)):
        assert grades(row("Hb", "125", unit="g/L", lower=120, upper=upper), term="Anemia") == [0 if grade == 0 else None]
    assert grades(row("Hb", "125", unit="g/L", lower=20, upper=56), term="Anemia") == [None]
    assert grades(row("ALT", "5000", unit="U/L", lower=1, upper=400)) == [3]  # methods of enzymes differ


def test_a_limit_of_0_is_no_result():
    assert grades(anc("<0"), column="reason") == ["'<0' is below 0"]


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
    units, uppers = {"ALT": "U/L", "ANC": "10^9/L", "creatinine": "umol/L"}, {"ALT": 50.0, "ANC": 8.0, "creatinine": 50.0}
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


@settings(max_examples=25, deadline=None)
@given(st.decimals("1", "900", places=0), st.sampled_from([5, 6]))
def test_a_count_has_the_same_grade_in_every_unit(count, version):
    whole = {"lower": 1800, "upper": 7500}
    rows = [
        row("ANC", str(count), unit="/uL", **whole),
        row("ANC", str(count / 1000), unit="10^9/L", lower=1.8, upper=7.5),
    ]
    assert len(set(grades(*rows, version=version))) == 1
