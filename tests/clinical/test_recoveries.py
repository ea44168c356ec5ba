"""Recovery of blood counts: literal courses, literal days."""

import polars as pl
import pytest

from tilseq.clinical import RecoveryRule, recoveries
from tilseq.errors import AnalysisError, TableError
from tilseq.tables.inputs import LABS

SUBJECTS = pl.DataFrame({"subject": ["S1"], "lymphodepletion_day": [-7], "first_dose_day": [-7]})


def course(values, test="ANC", unit="10^9/L"):
    return LABS.frame(
        [{"subject": "S1", "day": day, "test": test, "value_text": text, "unit": unit} for day, text in values.items()]
    )


def recovered(values, threshold=0.5, test="ANC", subjects=SUBJECTS, unit="10^9/L", **rule):
    rule = RecoveryRule(thresholds=((test, threshold),), **rule)
    return recoveries(course(values, test, unit), subjects=subjects, rule=rule).row(0, named=True)


FALL = {-9: "4.0", -3: "0.4", 0: "0.1", 4: "<0.1", 7: "0.3", 9: "0.5", 10: "0.7", 11: "0.9", 14: "2.1"}


def test_a_recovery_is_dated_by_the_first_of_three_days_in_a_row():
    assert recovered(FALL) == {
        "subject": "S1", "parameter": "recovery: ANC >= 0.5", "reader": None, "origin": "infusion", "start_day": 0,
        "end_day": 9, "days": 10, "event": True, "description": "first of 3 days with results at or above",
        "rule": "recovered", "source_table": "labs", "source_row_day": 9,
        "reason": "nadir <0.1 on day 4; between day 7 and 9",
    }  # fmt: skip


def test_the_edge_is_at_the_threshold():
    assert recovered(FALL | {9: "0.49"})["end_day"] == 10
    assert recovered(FALL | {9: "0.49", 10: "0.5", 11: "0.5", 14: "0.5"})["end_day"] == 10


def test_from_the_nadir():
    found = recovered(FALL, origin="nadir")
    assert (found["origin"], found["start_day"], found["end_day"], found["days"]) == ("nadir", 4, 9, 6)


def test_the_lowest_value_of_several_days_is_the_nadir_of_the_last_of_them():
    assert recovered({-3: "0.1", 1: "0.1", 4: "0.6"}, sustained=1, origin="nadir")["start_day"] == 1


def test_below_a_limit_of_detection_is_lower_than_the_limit_itself():
    """<0.1 on day 2 is the nadir, not 0.1 on day 30, which is another episode."""
    found = recovered({2: "<0.1", 8: "0.6", 9: "0.8", 12: "1.1", 30: "0.1", 33: "0.9"})
    assert (found["end_day"], found["event"]) == (8, True)
    assert found["reason"] == "nadir <0.1 on day 2; between day 2 and 8; below again on day 30"


# Center for International Blood and Marrow Transplant Research, Forms Instruction Manual, "Initial platelet recovery":
# platelets of days 0 to 10, of which the manual reports day 7.
def test_the_worked_example_of_the_transplantation_registry():
    counts = (10, 35, 30, 25, 10, 15, 19, 23, 25, 40, 50)
    assert recovered({day: str(n) for day, n in enumerate(counts)}, 20.0, "platelets")["end_day"] == 7


def test_counts_that_differ_by_rounding_alone_are_equal():
    rows = [
        *course({1: "700", 5: "500"}, unit="/uL").rows(), *course({2: "0.5", 10: "1.1", 11: "1.2", 12: "1.8"}).rows(),
        *course({25: "0.7", 32: "1.1"}).rows(),
    ]  # fmt: skip
    labs = pl.DataFrame(rows, schema=course(FALL).schema, orient="row")
    rule = RecoveryRule(thresholds=(("ANC", 1.0),), origin="nadir")
    assert recoveries(labs, subjects=SUBJECTS, rule=rule).row(0, named=True)["start_day"] == 5


def test_a_recovery_between_two_draws_is_told_with_both():
    found = recovered({-9: "4", 1: "0.1", 14: "0.3", 29: "0.9", 30: "1", 31: "2"})
    assert (found["end_day"], found["reason"]) == (29, "nadir 0.1 on day 1; between day 14 and 29")


def test_a_relapse_breaks_the_row():
    values = FALL | {10: "0.4", 12: "0.6", 13: "0.6"}
    assert recovered(values, sustained=1)["end_day"] == 9
    assert recovered(values)["end_day"] == 11
    assert recovered(values, sustained=5)["event"] is False


def test_without_recovery_the_time_is_censored_on_the_last_day():
    found = recovered({-9: "4", 1: "0.1", 20: "0.4"})
    assert (found["event"], found["end_day"], found["rule"], found["days"]) == (False, 20, "not_recovered", 21)
    found = recovered({-9: "4", 1: "0.1", 20: "0.6"})
    assert found["event"] is False
    assert found["reason"] == "nadir 0.1 on day 1; at or above on the last day, but not on 3 in a row"


def test_a_count_that_never_fell_has_no_time():
    found = recovered({-9: "4", 1: "0.5", 20: "4"})
    assert (found["event"], found["days"], found["rule"], found["reason"]) == (
        None, None, "never_below", "lowest 0.5 on day 1",
    )  # fmt: skip


def test_what_was_low_before_lymphodepletion_only_never_fell():
    assert recovered({-9: "0.3", 1: "0.9"})["rule"] == "never_below"
    assert recovered({-9: "0.3", 1: "0.9"}, subjects=None)["rule"] == "never_below"


def test_nothing_before_the_infusion_is_a_recovery():
    values = {-6: "0.3", -4: "0.8", -3: "0.8", -2: "0.8", 1: "0.9", 2: "0.9", 3: "0.9"}
    assert recovered(values)["end_day"] == 1


def test_results_that_end_before_the_infusion_tell_nothing():
    assert recovered({-6: "0.3", -4: "0.4"})["rule"] == "not_evaluable"


def test_the_lowest_of_a_day_counts_and_what_cannot_be_read_is_left_out():
    rows = [*course(FALL).rows(named=True), *course({9: "0.4", 10: "clotted", 11: "0,2"}).rows(named=True)]
    found = recoveries(LABS.frame(rows), subjects=SUBJECTS, rule=RecoveryRule(thresholds=(("ANC", 0.5),), sustained=2))
    assert found["end_day"].to_list() == [10]


def test_a_result_that_may_be_below_breaks_the_row():
    values = {1: "0.1", 5: ">0.4", 6: ">0.5", 7: "0.6"}
    assert recovered(values, sustained=2)["end_day"] == 6


def test_units_are_converted():
    assert recovered({1: "100", 6: "500"}, unit="/uL", sustained=1)["end_day"] == 6


def test_transfusions_are_spoken_of_for_platelets():
    found = recovered({1: "10", 6: "25"}, 20.0, "platelets", sustained=1)
    assert found["reason"].startswith("platelet transfusions are not known and may hold the count up; nadir 10")


def test_the_usual_thresholds():
    rows = [*course(FALL).rows(), *course({1: "10", 9: "60"}, "platelets").rows(), *course({1: "0.1"}, "ALC").rows()]
    found = recoveries(pl.DataFrame(rows, schema=course(FALL).schema, orient="row"), subjects=SUBJECTS)
    assert found["parameter"].to_list() == [
        "recovery: ANC >= 0.5", "recovery: ANC >= 1", "recovery: lymphocytes >= 0.5",
        "recovery: platelets >= 20", "recovery: platelets >= 50",
    ]  # fmt: skip


# An episode ends with its recovery; new chemotherapy months later is another.
LATER = FALL | {200: "0.05", 207: "0.8", 208: "0.9", 209: "1.5"}


def test_a_later_fall_does_not_undo_a_recovery():
    found = recovered(LATER)
    assert (found["rule"], found["end_day"], found["days"]) == ("recovered", 9, 10)
    assert found["reason"] == "nadir <0.1 on day 4; between day 7 and 9; below again on day 200"


def test_a_fall_within_30_days_of_the_infusion_is_of_the_treatment_and_one_later_is_not():
    values = {-9: "4.0", 1: "0.6", 33: "0.7", 34: "0.8", 35: "0.9"}
    assert recovered(values | {30: "0.4"})["end_day"] == 33
    found = recovered(values | {31: "0.4"})
    assert (found["rule"], found["event"], found["days"]) == ("never_below", None, None)
    assert found["reason"] == "below on day 31, after day 30; lowest 0.6 on day 1"
    twice = pl.DataFrame({"subject": ["S1", "S1"], "day": [0, 1]})
    rule = RecoveryRule(thresholds=(("ANC", 0.5),))
    assert recoveries(course(values | {31: "0.4"}), subjects=SUBJECTS, infusions=twice, rule=rule)["end_day"][0] == 33


def therapy(day, what="pembrolizumab"):
    return pl.DataFrame({"subject": ["S1"], "therapy": [what], "start_day": [day], "end_day": [None]})


@pytest.mark.parametrize(
    ("therapies", "infusions", "end_day", "reason"),
    [
        (therapy(60), [0], 50, "nadir 0.1 on day 2; pembrolizumab from day 60 on"),
        (therapy(50), [0], 40, "nadir 0.1 on day 2; pembrolizumab from day 50 on"),
        (therapy(-5), [0], 62, "nadir 0.1 on day 2"),  # before the infusion: lymphodepletion's own
        (None, [0, 31], 30, "nadir 0.1 on day 2; another infusion from day 31 on"),
        (None, [0, 30], 62, "nadir 0.1 on day 2"),
    ],
)
def test_another_therapy_ends_the_time(therapies, infusions, end_day, reason):
    values = {-9: "4", 2: "0.1", 30: "0.2", 40: "0.2", 50: "0.3", 60: "0.9", 61: "0.9", 62: "0.9"}
    given = pl.DataFrame({"subject": ["S1"] * len(infusions), "day": infusions})
    rule = RecoveryRule(thresholds=(("ANC", 0.5),), sustained=4)
    found = recoveries(course(values), subjects=SUBJECTS, infusions=given, therapies=therapies, rule=rule)
    (row,) = found.iter_rows(named=True)
    assert (row["event"], row["end_day"]) == (False, end_day)
    assert row["reason"].startswith(reason)


def test_who_was_not_infused_has_no_time_from_the_infusion():
    infusions = pl.DataFrame({"subject": ["S1", "S2"], "day": [0, 0], "cells": [0.0, 1e9]})
    (row,) = recoveries(
        course(FALL), subjects=SUBJECTS, infusions=infusions, rule=RecoveryRule(thresholds=(("ANC", 0.5),))
    ).iter_rows(named=True)
    told = ("start_day", "end_day", "days", "event", "rule", "description", "reason")
    assert [row[name] for name in told] == [None, None, None, None, "not_evaluable", "not infused", None]


def test_a_result_that_could_not_be_read_may_have_been_the_low_one():
    rows = [*course({-9: "4", 1: "0.6", 20: "4"}).rows(), *course({3: "0.1"}, unit="furlong").rows()]
    labs = pl.DataFrame(rows, schema=course(FALL).schema, orient="row")
    rule = RecoveryRule(thresholds=(("ANC", 0.5),))
    (found,) = recoveries(labs, subjects=SUBJECTS, rule=rule).iter_rows(named=True)
    assert (found["rule"], found["event"], found["days"]) == ("not_evaluable", None, None)
    assert found["reason"] == "lowest 0.6 on day 1; results that could not be read may have been below: 1"
    assert recovered({1: "clotted"})["rule"] == "not_evaluable"
    assert recovered({1: "0.6", 3: None})["rule"] == "never_below"  # not done is no result


@pytest.mark.parametrize(
    ("values", "rule", "reason"),
    [
        ({1: "3.0", 3: "<1.0", 5: "2.0"}, "not_evaluable", "lowest <1 on day 3; may have been below on day 3"),
        ({1: "3.0", 3: ">0.3", 5: "2.0"}, "not_evaluable", "lowest 2 on day 5; may have been below on day 3"),
        ({1: "3.0", 3: ">0.5", 5: "2.0"}, "never_below", "lowest 2 on day 5"),
        ({1: "3.0", 3: "<=0.5", 5: "2.0"}, "not_evaluable", "lowest <0.5 on day 3; may have been below on day 3"),
        ({1: "3.0", 3: "<0.5"}, "not_recovered", "nadir <0.5 on day 3"),
        ({1: "3.0", 5: "2.0", 40: "<1.0"}, "never_below", "lowest 2 on day 5"),
    ],
)  # fmt: skip
def test_a_result_on_both_sides_of_the_threshold_may_have_been_the_low_one(values, rule, reason):
    found = recovered(values)
    assert (found["rule"], found["reason"]) == (rule, reason)


def test_a_result_of_the_first_day_of_lymphodepletion_counts():
    assert recovered({-7: "0.4", 1: "0.9", 2: "0.9", 3: "0.9"})["end_day"] == 1
    assert recovered({-8: "0.4", 1: "0.9", 2: "0.9", 3: "0.9"})["rule"] == "never_below"


def test_the_lowest_of_a_day_is_its_nadir():
    rows = [*course({2: "0.2", 4: "2"}).rows(), *course({2: "0.1"}).rows()]
    labs = pl.DataFrame(rows, schema=course(FALL).schema, orient="row")
    found = recoveries(labs, subjects=SUBJECTS, rule=RecoveryRule(thresholds=(("ANC", 0.5),), sustained=1))
    assert found["reason"].to_list() == ["nadir 0.1 on day 2; between day 2 and 4"]


def test_a_result_of_the_day_of_origin_is_a_time_of_one_day():
    found = recovered({-3: "0.1", 0: "0.3"})
    assert (found["event"], found["days"]) == (False, 1)


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"thresholds": (("ALT", 40.0),)}, "no such recovery; found 'ALT 40'"),
        ({"thresholds": (("ANC", 0.0),)}, "no such recovery"),
        ({"thresholds": (("ANC", float("inf")),)}, "no such recovery"),
        ({"thresholds": (("ANC", float("nan")),)}, "no such recovery"),
        ({"thresholds": (("Neutrofils", 0.5),)}, "no such recovery"),
        ({"origin": "harvest"}, "no such origin of recovery; found 'harvest'"),
        ({"sustained": 0}, "recovery needs a day with a result"),
    ],
)
def test_rules_that_cannot_be_are_refused(rule, why):
    with pytest.raises(AnalysisError, match=why):
        RecoveryRule(**rule)


def test_tables_of_pandas_whose_days_are_numbers_with_a_point_are_read():
    labs, people = (
        course({1: "0.3", 9: "0.9", 20: "2"}).to_pandas(),
        SUBJECTS.to_pandas().astype({"first_dose_day": float}),
    )
    infusions = pl.DataFrame({"subject": ["S1", "S1"], "infusion": [1, 2], "day": [0.0, 1.0]}).to_pandas()
    therapies = pl.DataFrame({"subject": ["S1", "S1"], "start_day": [9.0, 15.0], "therapy": "x"}).to_pandas()
    rule = RecoveryRule(thresholds=(("ANC", 0.5),), sustained=1)
    (found,) = recoveries(labs, subjects=people, infusions=infusions, therapies=therapies, rule=rule).rows(named=True)
    assert (found["rule"], found["end_day"], found["days"]) == ("not_recovered", 1, 2)
    with pytest.raises(TableError, match="start_day"):
        recoveries(
            labs, subjects=people, therapies=pl.DataFrame({"subject": ["S1"], "start_day": [None], "therapy": "x"})
        )
