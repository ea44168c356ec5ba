"""What bounds the reads of a best response: the data cut, the planned first scan, what was ignored and is listed."""

import polars as pl
import pytest

from tests.clinical.one_subject import subjects
from tests.clinical.reads import recorded
from tilseq.clinical import (
    BestResponsePolicy,
    best_response,
    clinical_records,
    ignored_reads,
    response,
    response_rates,
    time_to_event,
)
from tilseq.tables.outputs import RESPONSE


def one(reads, confirmation="required", policy=None, **tables):
    table = recorded([("S1", day, word) for day, word in reads])
    found = best_response(table, policy=policy or BestResponsePolicy(), **tables)
    return found.filter(confirmation=confirmation).row(0, named=True)


def cut(day):
    return pl.DataFrame({"subject": ["S1"], "last_alive_day": [500], "data_cut_day": [day]})


@pytest.mark.parametrize(
    ("day", "word", "response_day", "confirmed", "reason"),
    [
        (126, "CR", 42, 126, None),
        # The CR of day 84 is not confirmed by day 125, but it confirms the PR of day 42.
        (125, "PR", 42, 84,
         "CR of day 84 not confirmed: no later read; ignored after the data cut of day 125: day 126"),
        (83, "SD", None, None,
         "PR of day 42 not confirmed: no later read; ignored after the data cut of day 83: days 84, 126"),
        (41, "not_assessed", None, None, "ignored after the data cut of day 41: days 42, 84, 126"),
    ],
)  # fmt: skip
def test_reads_after_the_data_cut_do_not_count(day, word, response_day, confirmed, reason):
    row = one([(42, "PR"), (84, "CR"), (126, "CR")], followup=cut(day))
    assert (row["best_response"], row["response_day"], row["confirmation_day"]) == (word, response_day, confirmed)
    assert row["reason"] == reason


def test_what_is_recorded_after_the_cut_does_not_decide_whose_responses_count():
    """By day 100 the lesions alone told of a response; that the reader recorded day 126 was not known."""
    both = recorded([("S1", 126, "SD")]).with_columns(response=pl.lit("SD"))
    common = {"subject": "S1", "baseline": False, "targets": 1, "targets_measured": 1}
    rows = [common | {"day": day, "response": "PR"} for day in (42, 84)]
    derived = RESPONSE.frame([common | {"day": -10, "baseline": True}, *rows])
    best = best_response(pl.concat([derived, both]), followup=cut(100)).filter(confirmation="required")
    told = "no response is recorded: derived from the lesions"
    assert best.select("source", "best_response", "response_day").row(0) == ("derived", "PR", 42)
    assert best["reason"].to_list() == [f"{told}; ignored after the data cut of day 100: day 126"]
    times = {
        row["parameter"]: row["days"]
        for row in time_to_event(
            clinical_records(pl.concat([derived, both]), cut(100), subjects(), best_response=best)
        ).iter_rows(named=True)
    }
    assert (times["PFS"], times["DOR"]) == (85, 43)  # last seen without progression on day 84


def test_a_subject_without_a_cut_keeps_every_read():
    assert one([(42, "PR"), (84, "PR")], followup=cut(None))["best_response"] == "PR"
    other = pl.DataFrame({"subject": ["S2"], "data_cut_day": [0]})
    assert one([(42, "PR"), (84, "PR")], followup=other)["best_response"] == "PR"


def schedule(*visits):
    return pl.DataFrame(visits, schema=["visit", "day", "window"], orient="row")


SIX_WEEKS = schedule(("D84", 84, 7), ("baseline", -14, 14), ("D42", 42, 4))


@pytest.mark.parametrize(
    ("planned", "policy", "least"),
    [
        (SIX_WEEKS, {}, 38),
        (SIX_WEEKS, {"sd_min_days": 42}, 42),
        (SIX_WEEKS, {"sd_min_days": 20}, 20),
        (schedule(("D56", 56, None)), {}, 56),
        (schedule(("baseline", -14, 14)), {}, 42),
        (None, {}, 42),
    ],
)
def test_the_minimum_of_sd_is_the_first_planned_scan_less_its_window(planned, policy, least):
    at, before = (
        one([(day, "SD")], policy=BestResponsePolicy(**policy), schedule=planned) for day in (least, least - 1)
    )
    assert (at["best_response"], at["sd_min_days"], at["early_day"]) == ("SD", least, None)
    assert (before["best_response"], before["early_day"]) == ("NE", least - 1)


def test_a_schedule_gives_no_minimum_from_another_day_than_the_infusion():
    subjects = pl.DataFrame({"subject": ["S1"], "enrollment_day": [-30]})
    policy = BestResponsePolicy(reference="enrollment")
    assert one([(12, "SD")], policy=policy, subjects=subjects, schedule=SIX_WEEKS)["best_response"] == "SD"
    assert one([(11, "SD")], policy=policy, subjects=subjects, schedule=SIX_WEEKS)["best_response"] == "NE"


def test_the_denominator_tells_the_minimum_and_who_fell_short_of_it():
    reads = recorded([("A", 41, "SD"), ("B", 41, "PR"), ("B", 83, "PD"), ("C", 42, "SD"), ("D", 41, "NE")])

    def text(**tables):
        rates = response_rates(best_response(reads, **tables)).filter(parameter="DCR")
        required = rates.filter(qualifier="confirmation=required").row(0, named=True)
        return required["numerator"], required["denominator_text"].split("; ")[1]

    assert text() == (1, "SD counts from 42 days on, 2 fell short of it")
    assert text(schedule=SIX_WEEKS) == (3, "SD counts from 38 days on, none fell short of it")


def test_every_read_that_does_not_count_is_listed_with_its_rule():
    reads = [("S1", -8, "SD"), ("S1", 0, "SD"), ("S1", 42, "PR"), ("S1", 84, "PD"), ("S1", 126, "PR")]
    reads += [("S2", 42, "SD"), ("S2", 84, "PR"), ("S2", 126, "PR")]
    therapies = pl.DataFrame({"subject": ["S2"], "therapy": ["A"], "start_day": [50]})
    followup = pl.DataFrame({"subject": ["S2"], "data_cut_day": [100]})
    listed = ignored_reads(recorded(reads), therapies, followup=followup)
    assert listed.select("subject", "day", "source", "rule").rows() == [
        ("S1", -8, "recorded", "by the start of treatment"),
        ("S1", 0, "recorded", "by the start of treatment"),
        ("S1", 126, "recorded", "after the first progression"),
        ("S2", 84, "recorded", "after a new therapy"),
        ("S2", 126, "recorded", "after the data cut"),
    ]


def test_a_subject_that_could_not_be_derived_has_a_row_that_says_so():
    found = best_response(recorded([("S1", 42, "SD")]), underived=["S2"]).filter(confirmation="required")
    assert found.select("subject", "best_response", "rule", "reason").rows() == [
        ("S1", "SD", "sd_minimum_met", None),
        ("S2", "not_assessed", "no_read", "its responses could not be derived"),
    ]


def test_the_depth_is_of_complete_sums_of_targets_up_to_progression():
    rows = [("T1", -5, 40.0), ("T2", -5, 10.0), ("T1", 42, 20.0), ("T2", 42, None), ("T1", 84, 30.0), ("T2", 84, 10.0)]
    rows += [("T1", 126, 60.0), ("T2", 126, 10.0), ("T1", 168, 1.0), ("T2", 168, 1.0)]
    lesions = pl.DataFrame(
        [
            {"subject": "S1", "day": day, "lesion": name, "role": "target", "diameter_mm": size}
            for name, day, size in rows
        ]
    )
    row = best_response(response(lesions)).row(0, named=True)
    # Day 42 has one of two targets; day 168 lies after the PD of day 126.
    assert (row["depth_pct"], row["depth_day"]) == (-20.0, 84)
