"""GCIG's CA-125 criteria (Rustin and others 2011): each rule once met and once missed by one day or one unit.

The categories at the end are those of pharmaversesdtm's `rs_onco_ca125` (Apache-2.0), which holds no values: values
were chosen that fit what its `supprs_onco_ca125` says of each subject.
"""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilseq.clinical import gcig, markers
from tilseq.errors import AnalysisError

ULN = 35.0


def subject(name="O", tumor_type="ovarian", harvest_day=None):
    return {"subject": name, "tumor_type": tumor_type, "harvest_day": harvest_day, "lymphodepletion_day": -7}


def ca125(values, name="O", upper=ULN):
    return [
        {"subject": name, "day": day, "test": "CA-125", "value_text": str(text), "unit": "U/mL", "upper_limit": upper}
        for day, text in values
    ]


def evaluate(values, *, person=None, upper=ULN, extra=(), **settings):
    people = pl.DataFrame([person or subject()], infer_schema_length=None)
    courses = markers(pl.DataFrame([*ca125(values, upper=upper), *extra]), subjects=people)
    return gcig(courses, subjects=people, **settings).row(0, named=True)


def response(values, **settings):
    row = evaluate(values, **settings)
    return row["response"], row["response_day"]


def progression(values, **settings):
    row = evaluate(values, **settings)
    return row["progression"], row["progression_day"]


# Treatment starts on day -7.
def test_a_fall_to_half_that_holds_for_28_days_is_a_response():
    assert response([(-8, 400), (20, 200), (48, 200)]) == ("PR", 20)


def test_who_was_never_treated_has_no_response_and_who_was_lymphodepleted_alone_has():
    fall, nobody = [(-8, 400), (20, 200), (48, 200)], pl.DataFrame({"subject": ["P"], "day": [0]})
    row = evaluate(fall, person=subject() | {"lymphodepletion_day": None}, infusions=nobody)
    assert (row["response"], row["category"]) == (None, "NE")
    assert row["reason"] == "response not evaluable: never treated; progression not evaluable: never treated"
    assert response(fall, infusions=nobody) == ("PR", 20)


def test_a_response_to_samples_as_of_another_unit_says_so():
    row = evaluate([(-8, 650), (20, 0.6), (48, 0.5)])
    assert (row["response"], row["reason"]) == ("CR", "sample of day 20: check the unit")


def test_a_fall_by_one_unit_less_is_none():
    assert response([(-8, 400), (20, 201), (48, 201)]) == ("none", None)


def test_a_confirmation_after_27_days_is_none():
    assert response([(-8, 400), (20, 200), (47, 200)]) == ("none", None)


@pytest.mark.parametrize(
    ("start", "response", "told"),
    [
        (47, ("none", None), "samples after the new therapy of day 47 not used: 1"),
        (48, ("PR", 20), None),
        (-30, ("PR", 20), None),  # one before the infusion is no new one
    ],
)
def test_samples_after_a_new_therapy_take_no_part(start, response, told):
    therapies = pl.DataFrame({"subject": ["O"], "therapy": ["carboplatin"], "start_day": [start]})
    row = evaluate([(-8, 400), (20, 200), (48, 200)], therapies=therapies)
    assert (row["response"], row["response_day"]) == response
    assert ("new therapy" in (row["reason"] or "")) == bool(told)
    assert told is None or told in row["reason"]


def test_a_confirming_sample_above_half_is_none():
    assert response([(-8, 400), (20, 200), (48, 201)]) == ("none", None)


def test_an_intervening_sample_may_be_a_tenth_above_the_one_before():
    assert response([(-8, 400), (20, 150), (30, 165), (48, 165)]) == ("PR", 20)
    assert response([(-8, 400), (20, 150), (30, 166), (48, 166)]) == ("none", None)


def test_the_tolerance_is_a_tenth_and_no_more():
    assert response([(-8, 4000), (20, 1000), (30, 1100), (48, 1100)]) == ("PR", 20)
    assert response([(-8, 4000), (20, 1000), (30, 1101), (48, 1100)]) == ("none", None)


def test_after_a_rise_that_breaks_it_a_later_fall_may_begin_anew():
    assert response([(-8, 400), (20, 150), (30, 166), (40, 150), (68, 150)]) == ("PR", 30)


def test_changes_within_the_reference_range_break_nothing():
    assert response([(-8, 400), (20, 10), (30, 35), (48, 20)]) == ("CR", 20)
    assert response([(-8, 400), (20, 10), (30, 36), (48, 20)]) == ("none", None)


def test_a_response_is_complete_once_a_sample_is_within_the_reference_range():
    assert response([(-8, 400), (20, 200), (48, 36)]) == ("PR", 20)
    assert response([(-8, 400), (20, 200), (48, 35)]) == ("CR", 20)


def test_the_pretreatment_sample_is_at_least_twice_the_limit():
    assert response([(-8, 70), (20, 30), (48, 30)]) == ("CR", 20)
    row = evaluate([(-8, 69), (20, 30), (48, 30)])
    assert (row["evaluable_response"], row["response"], row["category"]) == (False, None, "NE")
    assert row["reason"] == "response not evaluable: pretreatment sample 69 is below twice the upper limit 35"


def test_the_pretreatment_sample_is_of_the_14_days_before_the_start():
    assert response([(-21, 400), (20, 200), (48, 200)]) == ("PR", 20)
    row = evaluate([(-22, 400), (20, 200), (48, 200)])
    assert row["evaluable_response"] is False
    assert row["reason"] == (
        "response not evaluable: no usable sample in the 14 days before day -7; the last is of day -22"
    )
    assert row["evaluable_progression"] is True


def test_a_sample_of_the_day_of_the_start_is_neither_before_nor_after_it():
    row = evaluate([(-7, 400), (20, 200), (48, 200)])
    assert row["evaluable_response"] is False
    assert "sample of day -7 not used: neither before nor after the start" in row["reason"]


def test_the_last_sample_before_the_start_counts():
    assert response([(-20, 800), (-8, 400), (20, 201), (48, 201)]) == ("none", None)


def test_a_sample_of_the_day_of_surgery_takes_no_part():
    assert response([(-8, 400), (20, 200), (48, 200)], interference_days={"O": [48]}) == ("none", None)
    assert response([(-8, 400), (20, 200), (48, 200)], interference_days={"O": [49]}) == ("PR", 20)


def test_a_sample_of_the_day_of_the_start_confirms_nothing():
    values = [(-8, 400), (20, 200), (48, 200)]
    assert progression([*values, (-7, 30)]) == progression(values) == ("none", None)
    assert progression([(-8, 400), (-7, 30), (20, 80), (27, 80)]) == ("none", None)  # A and B, were day -7 one of them


# A baseline above a limit is 400 or more: half of it is 200 or more, and what that is nobody knows.
def test_a_pretreatment_sample_above_a_limit():
    assert response([(-8, ">400"), (20, 200), (48, 200)]) == ("PR", 20)
    row = evaluate([(-8, ">400"), (20, 201), (48, 201)])
    assert (row["response"], row["category"]) == (None, "NE")
    assert row["reason"] == "response cannot be told: half of >400 is not known"


def test_halves_and_doubles_are_met_in_decimals():
    assert response([(-8, 0.7), (20, 0.35), (48, 0.35)], upper=0.35) == ("CR", 20)
    assert progression([(-8, 0.8), (20, 0.15), (30, 0.3), (37, 0.3)], upper=0.1) == ("B", 30)
    assert response([(-8, 400), (20, 11), (30, 12.1), (48, 12.1)], upper=5) == ("PR", 20)  # 1.1 x 11


# A sample without limits is held against those of its assay.
def test_a_missing_limit_does_not_end_a_progression():
    values = [(-8, 30), (20, 80), (41, 95)]
    rows = [*ca125(values), *ca125([(30, 90)], upper=None)]
    people = pl.DataFrame([subject()], infer_schema_length=None)
    found = gcig(markers(pl.DataFrame(rows, infer_schema_length=None), subjects=people), subjects=people)
    assert found.select("progression", "progression_day").row(0) == ("C", 20)


# The upper limit stands on the baseline alone.
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([(-8, 20), (20, 100), (40, 120)], ("PD", "C", 20)),
        ([(-8, 200), (20, 10), (40, 21), (60, 22)], ("CR", "none", None)),
        ([(-8, 200), (20, 10), (50, 10)], ("CR", "none", None)),
        ([(-8, 200), (20, 10), (30, 14), (50, 10)], ("CR", "none", None)),
    ],
)
def test_a_limit_that_stands_on_the_baseline_alone_is_that_of_all(values, expected):
    rows = [*ca125(values[:1]), *ca125(values[1:], upper=None)]
    people = pl.DataFrame([subject()], infer_schema_length=None)
    found = gcig(markers(pl.DataFrame(rows, infer_schema_length=None), subjects=people), subjects=people)
    assert found.select("category", "progression", "progression_day").row(0) == expected


def test_samples_of_a_day_that_differ_are_told():
    row = evaluate([(-8, 400), (20, 150), (20, 180), (48, 150), (76, 150)])
    assert (row["response"], row["response_day"]) == ("PR", 48)
    assert row["reason"] == "samples of day 20 not used: results of one day differ"


def test_what_was_not_confirmed_is_told():
    row = evaluate([(-8, 180), (30, 200), (75, 420)])
    assert (row["category"], row["progression"]) == ("SD", "none")
    assert row["reason"] == (
        "rule B not confirmed: day 75 is at least twice the nadir, no sample 7 days later or more is so too"
    )


def test_when_a_response_became_complete_is_told():
    row = evaluate([(-8, 400), (28, 200), (56, 30)])
    assert (row["response"], row["response_day"]) == ("CR", 28)
    assert row["reason"] == "half of it or less from day 28 on, within the reference range on day 56"
    assert evaluate([(-8, 400), (28, 30), (56, 30)])["reason"] is None


def test_surgery_within_28_days_takes_the_sample_out():
    assert response([(-8, 400), (20, 200), (48, 200)], person=subject(harvest_day=-37)) == ("PR", 20)
    row = evaluate([(-8, 400), (20, 200), (48, 200)], person=subject(harvest_day=-36))
    assert (row["evaluable_response"], row["evaluable_progression"]) == (False, False)
    assert "sample of day -8 not used: surgery or drainage on day -36 is within 28 days before it" in row["reason"]
    ignored = response([(-8, 400), (20, 200), (48, 200)], person=subject(harvest_day=-36), harvest="ignored")
    assert ignored == ("PR", 20)


def test_a_drained_effusion_takes_out_the_samples_after_it():
    values = [(-8, 400), (20, 200), (48, 200)]
    assert response(values, interference_days={"O": [19]}) == ("none", None)
    # 29 days after, the sample of day 48 counts again, but nothing confirms it.
    assert evaluate(values, interference_days={"O": [19]})["evaluable_response"] is True


def test_mouse_antibodies_make_a_subject_not_evaluable():
    row = evaluate([(-8, 400), (20, 200), (48, 200)], mouse_antibodies=["O"])
    assert (row["category"], row["response"], row["progression"]) == ("NE", None, None)
    assert "given mouse antibodies" in row["reason"]


def test_subjects_that_are_numbers_are_those_of_the_table():
    person, values = subject() | {"subject": 7}, [(-8, 400), (20, 200), (48, 200)]
    courses = ca125(values)
    people = pl.DataFrame([person])
    found = markers(pl.DataFrame(courses).with_columns(subject=pl.lit(7)), subjects=people)
    (row,) = gcig(found, subjects=people, mouse_antibodies=[7]).rows(named=True)
    assert row["category"] == "NE"
    (row,) = gcig(found, subjects=people, interference_days={7: [48]}).rows(named=True)
    assert row["response"] == "none"
    (row,) = gcig(found, subjects=people, mouse_antibodies="17").rows(named=True)  # one subject, of whom 7 is no part
    assert row["response"] == "PR"


@pytest.mark.parametrize("told", [{"mouse_antibodies": ["o"]}, {"interference_days": {" O": [48]}}])
def test_a_subject_that_is_misspelt_is_refused(told):
    with pytest.raises(AnalysisError, match="the table has no such subject.*did you mean 'O'"):
        response([(-8, 400), (20, 200), (48, 200)], **told)


def test_samples_of_another_assay_take_no_part():
    other = ca125([(48, 180)], upper=30.0)
    row = evaluate([(-8, 400), (20, 200)], extra=other)
    assert row["response"] == "none"
    assert "samples of another assay not used: 1" in row["reason"]


def test_a_result_that_is_a_limit_counts_where_it_decides():
    assert response([(-8, 400), (20, "<200"), (48, "<35")]) == ("CR", 20)
    assert response([(-8, 400), (20, "<201"), (48, "<201")]) == ("none", None)
    assert progression([(-8, 30), (20, ">70"), (27, ">5000")]) == ("C", 20)


# Progression, rule A: elevated before treatment, normalised.
def test_rule_a_twice_the_limit_twice_a_week_apart():
    fall = [(-8, 100), (14, 35)]
    assert progression([*fall, (30, 70), (37, 70)]) == ("A", 30)
    assert progression([*fall, (30, 70), (36, 70)]) == ("none", None)
    assert progression([*fall, (30, 69), (37, 69)]) == ("none", None)
    assert progression([*fall, (30, 70), (37, 69)]) == ("none", None)


# Rule B: elevated, never normal since.
def test_rule_b_twice_the_nadir_twice_a_week_apart():
    fall = [(-8, 100), (14, 36)]
    assert progression([*fall, (30, 72), (37, 72)]) == ("B", 30)
    assert progression([*fall, (30, 72), (36, 72)]) == ("none", None)
    assert progression([*fall, (30, 71), (37, 71)]) == ("none", None)
    # One unit lower and rule A holds, of which 71 is enough.
    assert progression([(-8, 100), (14, 35), (30, 71), (37, 71)]) == ("A", 30)


def test_rule_b_takes_the_pretreatment_sample_for_a_nadir():
    assert progression([(-8, 100), (14, 200), (21, 200)]) == ("B", 14)
    assert progression([(-8, 100), (14, 199), (21, 199)]) == ("none", None)


def test_rule_b_takes_the_lowest_sample_not_the_last():
    assert progression([(-8, 100), (10, 40), (20, 60), (30, 80), (37, 80)]) == ("B", 30)


def test_a_nadir_that_is_a_limit_asks_twice_the_limit():
    assert progression([(-8, 100), (10, "<40"), (30, 60), (37, 60)]) == ("none", None)
    assert progression([(-8, 100), (10, "<40"), (30, 80), (37, 80)]) == ("B", 30)


def test_who_normalises_later_is_of_rule_a():
    assert progression([(-8, 100), (10, 50), (20, 30), (30, 70), (37, 70)]) == ("A", 30)


# Rule C: normal before treatment.
def test_rule_c_twice_the_limit_twice_a_week_apart():
    assert progression([(-8, 35), (30, 70), (37, 70)]) == ("C", 30)
    assert progression([(-8, 35), (30, 70), (36, 70)]) == ("none", None)
    assert progression([(-8, 35), (30, 69), (37, 69)]) == ("none", None)
    # One unit more before treatment, and twice the nadir is asked.
    assert progression([(-8, 36), (30, 70), (37, 70)]) == ("none", None)


def test_a_sample_between_that_fails_takes_the_first_out():
    assert progression([(-8, 35), (30, 70), (33, 60), (40, 75), (47, 75)]) == ("C", 40)


def test_who_is_not_evaluable_for_response_may_progress():
    row = evaluate([(-8, 30), (30, 70), (37, 70)])
    assert (row["evaluable_response"], row["progression"], row["category"]) == (False, "C", "PD")


def test_the_category_is_what_came_first():
    assert evaluate([(-8, 400), (14, 100), (42, 100), (60, 200), (67, 200)])["category"] == "PR"
    assert evaluate([(-8, 100), (14, 200), (21, 200), (60, 40), (88, 40)])["category"] == "PD"
    assert evaluate([(-8, 400), (14, 300), (42, 300)])["category"] == "SD"


def test_only_ovarian_cancer_is_evaluated_and_all_of_it():
    people = pl.DataFrame([subject("C", "cervical"), subject("O"), subject("P")])
    values = [(-8, 400), (20, 200), (48, 200)]
    courses = markers(pl.DataFrame([*ca125(values, "C"), *ca125(values, "O")]), subjects=people)
    found = gcig(courses, subjects=people)
    assert found["subject"].to_list() == ["O", "P"]
    assert found["category"].to_list() == ["PR", "NE"]
    assert found["reason"][1].startswith("response not evaluable: no usable sample in the 14 days before day -7")


@pytest.mark.parametrize(("upper", "why"), [(None, "no upper limit"), (0.0, "no upper limit")])
def test_without_an_upper_limit_nothing_is_evaluable(upper, why):
    row = evaluate([(-8, 400), (20, 200), (48, 200)], upper=upper)
    assert (row["evaluable_response"], row["evaluable_progression"]) == (False, False)
    assert why in row["reason"]


# rs_onco_ca125: visits of the subject as days from the first, its categories, what supprs_onco_ca125 tells of it, and
# values that fit. Its categories stand at each visit, without confirmation; ours is one a subject, confirmed.
PHARMAVERSE = [
    # 01-701-1034: CR, CR; CA50RED at both.
    ([(-8, 200), (14, 30), (43, 30)], "CR"),
    # 01-701-1115: PR, PR, CR; CA50RED at each.
    ([(-8, 200), (14, 100), (35, 90), (56, 30)], "CR"),
    # 01-701-1130: SD, PD, PD; elevated before, CNOTNORM: twice the nadir, not normalised.
    ([(-8, 100), (14, 90), (35, 180), (56, 200)], "PD"),
    # 01-701-1028: PD, PD, PD; not evaluable for response, not elevated before, CANORM2X: twice the limit.
    ([(-8, 30), (14, 70), (35, 80), (66, 90)], "PD"),
    # 01-701-1097: SD at the only visit.
    ([(-8, 100), (14, 90)], "SD"),
    # 01-701-1118: SD, CR, NE, CR; CA50RED at the two CR, 42 days apart.
    ([(-8, 100), (14, 90), (35, 30), (77, 30)], "CR"),
    # 01-701-1015: SD, NE, PR at the last visit: PR there, unconfirmed, so that ours is SD.
    ([(-8, 200), (14, 150), (56, 100)], "SD"),
    # 01-701-1133: PR, PD, PD 21 days apart: theirs a PR once, ours never confirmed.
    ([(-8, 100), (14, 50), (35, 110), (56, 120)], "PD"),
]


@pytest.mark.parametrize(("values", "category"), PHARMAVERSE)
def test_categories_of_pharmaverse(values, category):
    assert evaluate(values)["category"] == category


values = st.lists(st.tuples(st.integers(-30, 200), st.integers(1, 500)), max_size=9, unique_by=lambda pair: pair[0])


@settings(max_examples=40)
@given(values)
def test_whatever_the_values_the_days_are_of_samples_and_the_rules_hold(pairs):
    row = evaluate(pairs) if pairs else {"response_day": None, "progression_day": None}
    told = dict(pairs)
    if row["response_day"] is not None:
        before = told[max(day for day in told if day < -7)]
        assert before >= 70
        assert 2 * told[row["response_day"]] <= before
        assert max(told) >= row["response_day"] + 28
    if row["progression_day"] is not None:
        assert told[row["progression_day"]] >= 2 * min(35, min(told.values()))
        assert max(told) >= row["progression_day"] + 7


@settings(max_examples=40)
@given(values, st.integers(1, 9))
def test_another_unit_of_all_values_changes_nothing(pairs, factor):
    if pairs:
        scaled = evaluate([(day, value * factor) for day, value in pairs], upper=ULN * factor)
        for name in ("category", "response_day", "progression", "progression_day"):
            assert scaled[name] == evaluate(pairs)[name]
