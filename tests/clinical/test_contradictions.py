"""Records that contradict one another: each is told with its table, row and column, and the others go on."""

import polars as pl
import pytest

from tests.clinical.one_subject import best, followup, reads, subjects
from tilseq.clinical import clinical_records, contradictions, time_to_event_rules
from tilseq.tables.inputs import FOLLOWUP, INFUSIONS, THERAPIES

ALIVE = followup(last_alive_day=100)
SEEN = reads((42, "PR"), (84, "PR"))


def listed(*tables, rules=None, **more):
    return contradictions(clinical_records(*tables, **more), rules)


def found(responses=SEEN, follow=ALIVE, people=None, **options):
    """Return (table, row, column, what) of each contradiction."""
    told = listed(responses, follow, subjects() if people is None else people, **options)
    return [(one.table, one.error.row, one.error.column, one.error.what.removeprefix("subject S1: ")) for one in told]


def test_sound_records_have_none():
    assert found(best_response=best(42)) == []


@pytest.mark.parametrize(
    ("cells", "column", "what"),
    [
        ({"death_day": -1}, "death_day", "the death is before the first infusion (day 0): a time of 0 days"),
        ({"death_day": -9}, "death_day", "the death is before the first infusion (day 0): a time of -8 days"),
        (
            {"last_alive_day": -1},
            "last_alive_day",
            "the last day alive is before the first infusion (day 0): a time of 0 days",
        ),
        ({"death_day": 99, "last_alive_day": 100}, "last_alive_day", "alive after the death"),
        ({"death_cause": "tumor"}, "death_cause", "a cause of death without its day"),
        ({"stop_day": 5}, "stop_day", "a stop needs both its day and its reason"),
        ({"stop_reason": "toxicity"}, "stop_day", "a stop needs both its day and its reason"),
    ],
)
def test_a_row_of_followup(cells, column, what):
    assert found(reads(), followup(**cells)) == [("followup", 2, column, what)]


@pytest.mark.parametrize("cells", [{"death_day": 0}, {"last_alive_day": 0}, {"death_day": 99, "last_alive_day": 99}])
def test_the_same_row_a_day_later_is_sound(cells):
    assert found(reads(), followup(**cells)) == []


def test_a_death_before_any_origin_that_the_rules_count_from():
    rules = time_to_event_rules("lm103", first_dose="lymphodepletion")
    late = subjects(enrollment_day=-5, lymphodepletion_day=-2)
    told = found(reads(), followup(death_day=-4), late, rules=rules)
    assert told == [("followup", 2, "death_day", "the death is before the first infusion (day 0): a time of -3 days")]
    none = INFUSIONS.frame([{"subject": "S1", "infusion": 1, "day": 0}]).clear()
    told = found(reads(), followup(death_day=-4), late, rules=rules, infusions=none)
    what = "the death is before the first day of lymphodepletion (day -2): a time of -1 days"
    assert told == [("followup", 2, "death_day", what)]


def test_a_death_before_the_last_infusion():
    two = INFUSIONS.frame([{"subject": "S1", "infusion": i, "day": day} for i, day in ((1, 0), (2, 14))])
    assert found(reads(), followup(death_day=13), infusions=two) == [
        ("followup", 2, "death_day", "the death is before the last infusion")
    ]
    assert found(reads(), followup(death_day=14), infusions=two) == []


def test_what_comes_after_the_death():
    therapies = THERAPIES.frame([{"subject": "S1", "therapy": "x", "start_day": 84}])
    assert found(SEEN, followup(death_day=83), therapies=therapies) == [
        ("responses", 3, "day", "an assessment after the death"),
        ("therapies", 2, "start_day", "a therapy after the death"),
    ]
    assert found(SEEN, followup(death_day=84), therapies=therapies) == []


def test_a_subject_without_follow_up_and_one_that_subjects_does_not_hold():
    other = FOLLOWUP.frame([{"subject": "S2", "last_alive_day": 9}])
    assert [(one.subject, one.table, one.error.row, one.error.what) for one in listed(SEEN, other, subjects())] == [
        ("S1", "subjects", 2, "subject S1: no row in followup"),
        ("S2", "followup", 2, "subject S2: not in subjects"),
    ]


def test_a_subject_written_otherwise_than_in_subjects_is_told_which_it_may_be():
    other = FOLLOWUP.frame([{"subject": "s1", "last_alive_day": 9}])
    stranger = listed(SEEN, other, subjects())[1].error
    assert (stranger.what, stranger.mend) == ("subject s1: not in subjects", "did you mean 'S1'?")


def test_a_responder_without_the_day_of_the_response_or_before_the_treatment():
    assert found(best_response=best(None)) == [
        ("best_response", 2, "response_day", "PR without the day of the response")
    ]
    what = "a response that is not after the treatment began"
    assert found(best_response=best(0)) == [("best_response", 2, "response_day", what)]
    assert found(best_response=best(1)) == []
    assert found(best_response=best(None, "SD")) == []


def test_a_responder_by_assessments_that_are_not_there_or_do_not_count():
    what = "a response without any assessment of that reader"
    assert found(best_response=best(42, reader="central")) == [("best_response", 2, "reader", what)]
    assert found(best_response=best(None, "SD", reader="central")) == []
    what = "no best response by the recorded responses, which are those that count"
    assert found(best_response=best(42, source="derived")) == [("best_response", 2, "source", what)]
    assert found(best_response=pl.concat([best(42), best(None, source="derived")])) == []
    what = "a response after the progression of day 84"
    seen = reads((42, "PR"), (84, "PD"), (126, "PR"))
    late = followup(last_alive_day=200)
    assert found(seen, late, best_response=best(126)) == [("best_response", 2, "response_day", what)]
    assert found(seen, late, best_response=best(42)) == []
    before = reads((-20, "PD"), (42, "PR"), (84, "PR"))  # while the product was made
    assert found(before, best_response=best(42)) == []


@pytest.mark.parametrize("early", ["not_counted", "event"])
def test_a_progression_before_the_treatment_contradicts_no_response_to_it(early):
    protocol = time_to_event_rules("lm103", first_dose="infusion", early_progression=early)
    for day in (-20, -7):
        seen = reads((-40, "SD"), (day, "PD"), (42, "PR"), (84, "PR"))
        assert found(seen, best_response=best(42), rules=protocol) == []
        assert found(seen, best_response=best(42)) == []
    seen = reads((-40, "SD"), (-6, "PD"), (42, "PR"), (84, "PR"))
    what = "a response after the progression of day -6"
    assert found(seen, best_response=best(42), rules=protocol) == [("best_response", 2, "response_day", what)]


def test_a_response_or_confirmation_after_the_data_cut():
    cut = followup(last_alive_day=80, data_cut_day=83)
    what = "the response or its confirmation is after the data cut (day 83)"
    told = found(follow=cut, best_response=best(42, confirmation_day=84))
    assert told == [("best_response", 2, "confirmation_day", what)]
    assert found(follow=cut, best_response=best(84)) == [("best_response", 2, "response_day", what)]
    assert found(follow=cut, best_response=best(42, confirmation_day=83)) == []


def test_a_responder_whose_responses_that_count_are_not_there():
    rules = time_to_event_rules(source="derived")
    what = "a response without any assessment of that reader"
    assert found(best_response=best(42, source="derived"), rules=rules) == [("best_response", 2, "reader", what)]


@pytest.mark.parametrize("name", ["enrollment_day", "randomization_day", "lymphodepletion_day", "first_dose_day"])
def test_what_comes_before_the_infusion_may_not_come_after_it(name):
    assert found(people=subjects(**{name: 1})) == [("subjects", 2, name, "this is after the first infusion")]
    assert found(people=subjects(**{name: 0})) == []


def test_assessments_with_and_without_a_reader_are_not_mixed():
    mixed = pl.concat([SEEN, reads((126, "SD"), (168, "SD"), reader=None)])
    what = "no reader, where other assessments name one"
    assert found(mixed, followup(last_alive_day=200)) == [("responses", 4, "reader", what)]
    assert found(reads((42, "SD"), reader=None)) == []


def test_rows_keep_the_number_that_they_have_in_the_file():
    follow = FOLLOWUP.frame([{"subject": "S1", "last_alive_day": 9}, {"subject": "S2", "death_day": -3}])[::-1]
    people = pl.concat([subjects(), subjects(subject="S2")])
    told = listed(reads(), follow, people)
    assert [(one.subject, one.error.row) for one in told] == [("S2", 2)]
    assert listed(reads(), follow, people, refused={"S2": "why"}) == []
