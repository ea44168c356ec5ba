"""Periods, denominators, rates and times of adverse events; numbers by hand, medians and limits by R's survfit."""

import polars as pl
import pytest

from tests.clinical.test_safety import FOLLOWUP, INFUSIONS, SUBJECTS, event, found, listed, summary
from tilseq.clinical import safety


def periods(tables):
    texts = tables.summaries["qualifier"].str.extract("period=([^;]*)").drop_nulls()
    return set(texts)


def test_a_period_before_the_first_dose_has_no_row_unless_every_event_counts():
    rows = [event("A2", "a", 3, -20), event("A3", "b", 3, 1)]
    assert "screening" not in periods(found(rows))
    everything = found(rows, emergence="all")
    assert summary(everything, "ae_any", "grade=any;period=screening") == (1, 6)
    assert summary(everything, "ae_serious", "grade=any;period=screening") == (0, 6)
    words = everything.summaries.filter(qualifier="grade=any;period=screening")["denominator_text"]
    assert not words.str.contains("followed").any()


def test_by_period_systems_and_terms_are_of_any_event_alone():
    rows = found([event("A2", "a", 3, 1, serious=True)]).summaries
    within = rows.filter(pl.col("qualifier").str.contains("period="), pl.col("qualifier").str.contains("term="))
    assert within["parameter"].unique().to_list() == ["ae_any"]


def test_an_event_of_two_causes_is_one_related_event():
    tables = found([event("A2", "a", 3, 1, related="TIL; IL-2")])
    rates = dict(tables.rates.filter(parameter="ae_related").select("qualifier", "events").rows())
    assert rates == {
        f"{cause}grade={grade}": 1
        for cause in ("", "attribution=IL-2;", "attribution=TIL;")
        for grade in ("any", "3-5")
    }


def test_the_first_dose_is_the_earlier_of_the_two_days():
    people = pl.DataFrame(
        {"subject": ["A", "B"], "tumor_type": "other", "first_dose_day": [0, 0], "lymphodepletion_day": [-7, -7]}
    )
    tables = found([event("A", "a", 4, -3)], subjects=people, infusions=None, followup=None)
    row = tables.summaries.filter(parameter="ae_any", qualifier="grade=any;period=lymphodepletion")
    assert row.select("numerator", "denominator").rows() == [(1, 2)]
    assert listed(tables, "a")["onset_days"] == 5


def test_before_the_infusion_only_those_with_a_day_of_lymphodepletion_have_a_period():
    people = SUBJECTS.with_columns(
        lymphodepletion_day=pl.when(subject="A1").then(None).otherwise("lymphodepletion_day"),
        first_dose_day=pl.when(subject="A1").then(None).otherwise("first_dose_day"),
    )
    rows = found([event("A2", "a", 1, -3)], subjects=people).summaries
    row = rows.filter(parameter="ae_any", qualifier="grade=any;period=lymphodepletion").row(0, named=True)
    assert (row["numerator"], row["denominator"]) == (1, 5)
    assert row["denominator_text"].endswith(
        "; of these, with a day of lymphodepletion and followed on the first day of the period"
    )


def test_with_every_event_counted_too_one_without_that_day_has_no_period_before():
    people = SUBJECTS.with_columns(
        lymphodepletion_day=pl.when(pl.col("subject") != "A1").then("lymphodepletion_day"),
        first_dose_day=pl.when(pl.col("subject") != "A1").then("first_dose_day"),
    )
    tables = found([event("A2", "a", 1, -3)], subjects=people, emergence="all")
    assert summary(tables, "ae_any", "grade=any;period=lymphodepletion") == (1, 5)
    assert summary(tables, "ae_any", "grade=any;period=screening") == (0, 5)


@pytest.mark.parametrize(("last", "reached"), [(-8, 5), (-7, 6)])
def test_lymphodepletion_is_reached_on_its_first_day(last, reached):
    seen = FOLLOWUP.with_columns(last_alive_day=pl.when(subject="A1").then(last).otherwise("last_alive_day"))
    tables = found([event("A2", "a", 1, -3)], followup=seen)
    assert summary(tables, "ae_any", "grade=any;period=lymphodepletion") == (1, reached)


def test_lymphodepletion_of_one_day_is_a_period():
    people = pl.DataFrame({"subject": ["A", "B"], "tumor_type": "other", "lymphodepletion_day": [-1, -1]})
    tables = found([event("A", "a", 1, -1)], subjects=people, infusions=None, followup=None)
    assert summary(tables, "ae_any", "grade=any;period=lymphodepletion") == (1, 2)


def test_every_class_and_cause_has_a_row_of_every_period():
    tables = found([event("A2", "a", 3, 1, related="TIL"), event("A2", "b", 1, 40)])
    assert summary(tables, "ae_related", "attribution=TIL;grade=any;period=later") == (0, 4)
    assert summary(tables, "ae_immune_related", "grade=any;period=later") == (0, 4)


def test_a_period_nobody_reached_has_no_share():
    seen = FOLLOWUP.with_columns(last_alive_day=pl.lit(5), death_day=pl.lit(None, pl.Int64))
    row = found([event("A2", "a", 3, 1)], followup=seen).summaries
    later = row.filter(parameter="ae_any", qualifier="grade=any;period=later").row(0, named=True)
    assert [later[name] for name in ("numerator", "denominator", "estimate", "lower", "upper")] == [
        0,
        0,
        None,
        None,
        None,
    ]


def test_one_whose_follow_up_is_not_known_stays_in_a_period_and_the_others_do_not():
    seen = FOLLOWUP.filter(pl.col("subject") != "A1").with_columns(
        last_alive_day=pl.when(subject="A2").then(5).otherwise("last_alive_day")
    )
    # A1 unknown, A3 and A5 followed to day 31 and beyond, A2 and A4 not; A6 not infused.
    assert summary(found([event("A3", "a", 3, 1)], followup=seen), "ae_any", "grade=any;period=later") == (0, 3)


def test_30_days_after_the_infusion_begin_the_day_behind_it():
    seen = FOLLOWUP.with_columns(
        last_alive_day=pl.when(subject="A4").then(0).otherwise("last_alive_day"), death_day=pl.lit(None, pl.Int64)
    )
    tables = found([event("A2", "a", 3, 1)], followup=seen)
    assert summary(tables, "ae_any", "grade=any;period=infusion") == (0, 5)
    assert summary(tables, "ae_any", "grade=any;period=follow_up_30") == (1, 4)


def test_subjects_of_rates_are_counted_once():
    tables = found([event("A2", "a", 3, 1), event("A2", "b", 1, 5), event("A2", "c", 1, 9), event("A4", "a", 1, 1)])
    rate = tables.rates.filter(parameter="ae_any", qualifier="grade=any").row(0, named=True)
    assert (rate["events"], rate["subjects"], rate["first_events"]) == (4, 2, 2)


def test_who_has_no_follow_up_is_at_risk_with_an_event_as_little_as_without():
    """A with an event and B without, both of unknown follow-up, C followed for 30 days: 0 events in 30 days of C."""
    people = pl.DataFrame({"subject": ["A", "B", "C"], "tumor_type": "other", "first_dose_day": 0})
    seen = pl.DataFrame({"subject": ["C"], "last_alive_day": [29]})
    tables = safety(pl.DataFrame([event("A", "a", 3, 18, 20)]), subjects=people, followup=seen)
    rate = tables.rates.filter(parameter="ae_any", qualifier="grade=any").row(0, named=True)
    assert (rate["subjects"], rate["subjects_at_risk"], rate["first_events"]) == (1, 1, 0)
    assert (rate["person_months"], rate["rate_per_100_person_months"]) == (pytest.approx(30 / 30.4375), 0)
    assert rate["denominator_text"].endswith("; of these, 1 of 3 with a known follow-up")
    assert tables.times.select("subject", "parameter").unique().filter(pl.col("subject") != "C").is_empty()


def test_medians_of_onset_and_duration_are_those_of_kaplan_and_meier():
    """Six subjects from day 0: onset on days 5, 9, 9, 20, none to day 40 and 60; durations 3, 10, 4+, 8.

    R: survfit(Surv(c(5, 9, 9, 20, 40, 60), c(1, 1, 1, 1, 0, 0)) ~ 1, conf.type = "log-log") gives 14.5 (5-NA);
    survfit(Surv(c(3, 10, 4, 8), c(1, 1, 0, 1)) ~ 1, conf.type = "log-log") gives 8 (3-NA). By beta product the first
    day is a lower limit of six subjects, as 0.5 ** 6 < 0.025, but not of four, whose limit is 0.
    """
    people = pl.DataFrame({"subject": list("ABCDEF"), "tumor_type": "other", "first_dose_day": 0})
    seen = pl.DataFrame({"subject": list("ABCDEF"), "last_alive_day": [50, 50, 11, 50, 39, 59]})
    rows = [event("A", "x", 3, 4, 6), event("B", "x", 3, 8, 17), event("C", "x", 3, 8), event("D", "x", 3, 19, 26)]
    tables = safety(pl.DataFrame(rows, infer_schema_length=None), subjects=people, followup=seen)
    medians = {row["parameter"]: row for row in tables.estimates.filter(quantity="median").to_dicts()}
    onset, duration = medians["ae_onset"], medians["ae_duration"]
    assert (onset["estimate"], onset["lower"], onset["upper_text"]) == (14.5, 5, "not reached")
    assert (duration["estimate"], duration["lower"], duration["upper"]) == (8, 0, None)
    assert (onset["subjects"], onset["events"], duration["subjects"], duration["events"]) == (6, 4, 4, 3)


def test_the_end_of_il2_is_that_of_the_subject_where_it_has_one():
    people = SUBJECTS.with_columns(il2_end_day=pl.when(subject="A3").then(6))
    rows = [event("A3", "a", 1, 5), event("A4", "b", 1, 5), event("A5", "c", 1, 2)]
    tables = found(rows, subjects=people, il2_end=dict.fromkeys(["A3", "A4", "A5"], 3))
    assert [listed(tables, term)["period"] for term in "abc"] == ["infusion", "follow_up_30", "infusion"]
    assert INFUSIONS["day"].max() == 0


def test_the_wide_table_has_a_column_a_grade():
    rows = [
        event("A2", "nausea", 1, 1), event("A2", "nausea", 3, 2), event("A3", "vomiting", 2, 1),
        event("A4", "rash", 5, 50, soc="skin"), event("A5", "nausea", 2, 1), event("A5", "ache", 4, 1, soc=None),
    ]  # fmt: skip
    table = found(rows).table
    whole = table.filter(period="any")
    columns = ("soc", "term", "n_any", "n_1", "n_2", "n_3", "n_4", "n_5", "n_3_5")
    assert whole.select(columns).rows() == [
        (None, None, 4, 0, 1, 1, 1, 1, 3),
        ("gut", None, 3, 0, 2, 1, 0, 0, 1),
        ("gut", "nausea", 2, 0, 1, 1, 0, 0, 1),
        ("gut", "vomiting", 1, 0, 1, 0, 0, 0, 0),
        ("skin", None, 1, 0, 0, 0, 0, 1, 1),
        ("skin", "rash", 1, 0, 0, 0, 0, 1, 1),
        (None, "ache", 1, 0, 0, 0, 1, 0, 1),
    ]
    assert whole["subjects"].unique().to_list() == [6]
    assert whole["pct_any"][0] == pytest.approx(100 * 4 / 6)
    later = table.filter(period="later").row(0, named=True)
    assert (later["n_any"], later["n_5"], later["subjects"]) == (1, 1, 5)  # A4's own event shows that it was followed


def test_of_equally_common_terms_the_more_severe_comes_first():
    table = found([event("A2", "a", 1, 1), event("A3", "b", 4, 1)]).table.filter(period="any")
    assert table["term"].to_list() == [None, None, "b", "a"]


def test_medians_are_of_each_arm_where_there_are_several():
    rows = [event("A2", "a", 1, 1), event("A4", "b", 4, 2)]
    arms = SUBJECTS.with_columns(arm=pl.Series(["x", "x", "x", "y", "y", "y", "y"]))
    one = SUBJECTS.with_columns(arm=pl.lit("x"))
    groups = [set(found(rows, subjects=people).estimates["group"]) for people in (arms, one, SUBJECTS)]
    assert groups == [{"all", "arm=x", "arm=y"}, {"all"}, {"all"}]
