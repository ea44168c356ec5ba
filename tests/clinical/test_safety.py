"""Adverse events of a small trial, counted by hand; intervals are R's, see tests/oracles/safety.R."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilseq.clinical import safety
from tilseq.clinical.adverse_events import uncounted_events
from tilseq.clinical.safety import fatal_without_death
from tilseq.errors import TableError
from tilseq.intervals import clopper_pearson, poisson
from tilseq.tables.safety import ADVERSE_EVENT_ROWS

# Six treated subjects: A1 has no event; S was screened and never treated.
SUBJECTS = pl.DataFrame(
    [
        {"subject": name, "tumor_type": "melanoma", "first_dose_day": None if name == "S" else -7}
        for name in ("A1", "A2", "A3", "A4", "A5", "A6", "S")
    ]
).with_columns(lymphodepletion_day="first_dose_day")
INFUSIONS = pl.DataFrame({"subject": ["A1", "A2", "A3", "A4", "A5"], "infusion": [1] * 5, "day": [0] * 5})
FOLLOWUP = pl.DataFrame(
    {
        "subject": ["A1", "A2", "A3", "A4", "A5", "A6"],
        "last_alive_day": [100, 200, 50, 10, 300, 20],
        "death_day": [None, None, 60, None, None, None],
    }
)


def event(subject, term, grade, start=None, end=None, **cells):
    row = {
        "subject": subject, "term": term, "soc": "gut", "grade": grade, "serious": False, "immune_related": False,
        "related": "no", "start_day": start, "end_day": end,
    }  # fmt: skip
    return row | cells


EVENTS = [
    event("A2", "nausea", 1, -6, -4, related="lymphodepletion"),
    event("A2", "nausea", 3, -3, 2, related="lymphodepletion", serious=True),
    event("A2", "vomiting", 2, -3, -3, related="lymphodepletion; IL-2"),
    event("A3", "sepsis", 5, 55, 60, soc="infection", serious=True, related="lymphodepletion"),
    event("A3", "nausea", 2, 3, 4),
    event("A4", "rash", 2, 5, None, soc="skin", immune_related=True, related="TIL"),
    event("A5", "rash", 4, 40, 60, soc="skin", immune_related=True, serious=True, related="TIL"),
    event("A6", "headache", 1, -20, -10, soc="nerves"),
]


def found(rows=EVENTS, **settings):
    frames = {"subjects": SUBJECTS, "infusions": INFUSIONS, "followup": FOLLOWUP} | settings
    return safety(pl.DataFrame(rows, infer_schema_length=None), **frames)


def summary(tables, parameter, qualifier, group="all"):
    row = tables.summaries.filter(
        pl.col("group") == group, pl.col("parameter") == parameter, pl.col("qualifier") == qualifier
    ).row(0, named=True)
    return row["numerator"], row["denominator"]


def listed(tables, term):
    return tables.rows.filter(pl.col("term") == term).row(0, named=True)


@pytest.fixture(scope="module")
def tables():
    return found()


@pytest.mark.parametrize(
    ("parameter", "qualifier", "subjects"),
    [
        ("ae_any", "grade=any", 4), ("ae_any", "grade=1", 0), ("ae_any", "grade=2", 1), ("ae_any", "grade=3", 1),
        ("ae_any", "grade=4", 1), ("ae_any", "grade=5", 1), ("ae_any", "grade=3-4", 2),
        ("ae_any", "grade=any;soc=gut", 2), ("ae_any", "grade=3;soc=gut;term=nausea", 1),
        ("ae_any", "grade=2;soc=gut;term=nausea", 1), ("ae_any", "grade=1;soc=gut;term=nausea", 0),
        ("ae_serious", "grade=any", 3), ("ae_serious", "grade=5", 1),
        ("ae_immune_related", "grade=any", 2), ("ae_immune_related", "grade=3-4", 1),
        ("ae_related", "grade=any", 4), ("ae_related", "attribution=TIL;grade=any", 2),
        ("ae_related", "attribution=IL-2;grade=any", 1), ("ae_related", "attribution=IL-2;grade=2", 1),
        ("ae_related", "attribution=lymphodepletion;grade=any", 2),
        ("ae_related", "attribution=lymphodepletion;grade=3-4", 1),
    ],
)  # fmt: skip
def test_subjects_are_counted_with_their_worst_grade(tables, parameter, qualifier, subjects):
    assert summary(tables, parameter, qualifier) == (subjects, 6)


def test_each_share_has_its_exact_interval(tables):
    rows = {row["qualifier"]: row for row in tables.summaries.filter(pl.col("parameter") == "ae_any").to_dicts()}
    for qualifier, limits in {
        "grade=1": (0, 0.4592581264),
        "grade=2": (0.004210744514, 0.641234579),
        "grade=3-4": (0.04327186829, 0.7772219045),
    }.items():
        assert (rows[qualifier]["lower"], rows[qualifier]["upper"]) == pytest.approx(limits, abs=1e-8)


def test_an_event_is_of_the_period_it_begins_in_and_a_period_has_who_reached_it(tables):
    assert summary(tables, "ae_any", "grade=any;period=lymphodepletion") == (1, 6)
    # A6 was not infused.
    assert summary(tables, "ae_any", "grade=any;period=infusion") == (0, 5)
    assert summary(tables, "ae_any", "grade=any;period=follow_up_30") == (2, 5)
    # A4 was not followed beyond day 30.
    assert summary(tables, "ae_any", "grade=any;period=later") == (2, 4)
    assert summary(tables, "ae_any", "grade=5;period=later;soc=infection;term=sepsis") == (1, 4)


def test_the_period_of_the_infusion_lasts_to_the_end_of_il2():
    tables = found(il2_end={"A3": 4})
    assert summary(tables, "ae_any", "grade=any;period=infusion") == (1, 5)
    assert summary(tables, "ae_any", "grade=any;period=follow_up_30") == (1, 5)


@pytest.mark.parametrize(("last", "reached"), [(30, 4), (31, 5)])
def test_a_period_is_reached_on_its_first_day(last, reached):
    seen = FOLLOWUP.with_columns(last_alive_day=pl.when(subject="A4").then(last).otherwise("last_alive_day"))
    assert summary(found(followup=seen), "ae_any", "grade=any;period=later") == (2, reached)


def test_an_event_after_the_end_of_follow_up_widens_its_period():
    assert summary(found([*EVENTS, event("A4", "a", 1, 40)]), "ae_any", "grade=any;period=later") == (3, 5)


def test_the_denominator_is_in_words(tables):
    texts = tables.summaries["denominator_text"].unique().to_list()
    treated = "subjects treated: infused, or with a day of the first dose or of lymphodepletion"
    followed = "followed on the first day of the period"
    assert sorted(texts) == [
        treated,
        f"{treated}; of these, {followed}",
        f"{treated}; of these, infused and {followed}",
    ]


def test_without_infusions_and_first_doses_every_subject_counts_and_that_is_said():
    tables = found(subjects=SUBJECTS.select("subject", "tumor_type"), infusions=None)
    # Without a first dose what begins before day 0 is not emergent: that of A2 is not.
    assert summary(tables, "ae_any", "grade=any") == (3, 7)
    assert tables.summaries["denominator_text"][0].startswith("all subjects: neither infusions nor days of the first")


def test_infused_subjects_are_treated_without_a_first_dose():
    people = SUBJECTS.select("subject", "tumor_type")
    assert summary(found(subjects=people), "ae_any", "grade=any") == (3, 5)


def test_more_than_one_arm_gives_rows_of_each():
    arms = SUBJECTS.with_columns(arm=pl.Series(["x", "x", "x", "y", "y", "y", "y"]))
    tables = found(subjects=arms)
    assert summary(tables, "ae_any", "grade=any", "arm=x") == (2, 3)
    assert summary(tables, "ae_any", "grade=any", "arm=y") == (2, 3)
    assert summary(tables, "ae_any", "grade=any") == (4, 6)


def test_what_began_before_the_first_dose_is_not_counted_unless_set(tables):
    assert listed(tables, "headache") | {"arm": None} == {
        "subject": "A6", "arm": None, "soc": "nerves", "term": "headache", "grade": 1, "serious": False,
        "immune_related": False, "related": "no", "attribution": "none", "start_day": -20, "end_day": -10,
        "period": "screening", "onset_days": -12, "duration_days": 11, "ongoing": False, "emergent": False,
        "counted": False, "reason": "not counted: began before the first dose", "row": 9,
        "counted_soc": "nerves", "counted_term": "headache",
    }  # fmt: skip
    everything = found(emergence="all")
    assert summary(everything, "ae_any", "grade=any") == (5, 6)
    assert listed(everything, "headache")["counted"] is True


def test_emergence_begins_with_the_day_of_the_first_dose():
    tables = found([event("A2", "a", 1, -7), event("A2", "b", 1, -8)])
    assert tables.rows["emergent"].to_list() == [False, True]


def test_an_event_without_a_first_day_is_emergent_and_that_is_said():
    tables = found([event("A2", "a", 1), event("A2", "b", 1, None, -8), event("A2", "c", 1, None, -7)])
    assert tables.rows["emergent"].to_list() == [True, False, True]
    assert listed(tables, "a")["reason"] == "no first day: taken to be emergent"
    assert listed(tables, "b")["reason"] == "not counted: began before the first dose; no first day"
    assert summary(tables, "ae_any", "grade=any;period=unknown") == (1, 6)


def test_onset_duration_and_what_goes_on(tables):
    rash = listed(tables, "rash")
    assert (rash["onset_days"], rash["duration_days"], rash["ongoing"]) == (13, None, True)
    vomiting = listed(tables, "vomiting")
    assert (vomiting["duration_days"], vomiting["ongoing"]) == (1, False)


def test_times_are_ready_for_kaplan_and_meier(tables):
    rows = tables.times.filter(pl.col("parameter") == "ae_onset_immune_related")
    told = [(row["subject"], row["start_day"], row["end_day"], row["days"], row["event"]) for row in rows.to_dicts()]
    assert told == [
        ("A1", -7, 100, 108, False), ("A2", -7, 200, 208, False), ("A3", -7, 60, 68, False), ("A4", -7, 5, 13, True),
        ("A5", -7, 40, 48, True), ("A6", -7, 20, 28, False),
    ]  # fmt: skip
    durations = tables.times.filter(pl.col("parameter") == "ae_duration_immune_related")
    assert [(row["subject"], row["days"], row["event"]) for row in durations.to_dicts()] == [
        ("A4", 6, False),
        ("A5", 21, True),
    ]
    assert durations["rule"].to_list() == ["censored_at_end_of_follow_up", "event"]


def test_what_goes_on_at_a_follow_up_that_ends_on_day_0_lasted_until_then():
    """From day -3 to day 0, both ends counted, are 4 days."""
    seen = FOLLOWUP.with_columns(last_alive_day=pl.when(subject="A4").then(0).otherwise("last_alive_day"))
    times = found([event("A4", "a", 2, -3)], followup=seen).times.filter(parameter="ae_duration")
    assert times.select("subject", "end_day", "days", "event").rows() == [("A4", 0, 4, False)]


def test_a_death_ends_no_event(tables):
    fatal = tables.times.filter(pl.col("parameter") == "ae_duration_serious", pl.col("subject") == "A3")
    assert (fatal["days"][0], fatal["event"][0], fatal["description"][0]) == (6, False, "sepsis led to death")


def test_the_first_event_is_one_without_a_first_day_else_the_worst_of_the_day():
    rows = [event("A2", "a", 1, 3), event("A2", "b", 3, 3), event("A4", "c", 1, 2), event("A4", "d", 1)]
    tables = found(rows)
    times = tables.times.filter(pl.col("subject").is_in(["A2", "A4"]), parameter="ae_onset")
    told = [(row["description"], row["days"], row["event"], row["reason"]) for row in times.to_dicts()]
    # An onset nobody knows is no day: it is left out of the median, and its subject is counted as left out.
    assert told == [("b", 11, True, None), ("d", None, None, "no first day recorded")]
    median = tables.estimates.filter(parameter="ae_onset", quantity="median").row(0, named=True)
    assert (median["subjects"], median["events"], median["left_out"]) == (5, 1, 1)
    # At risk it counts from the first dose: 1 day of A4.
    rate = tables.rates.filter(parameter="ae_any", qualifier="grade=any").row(0, named=True)
    assert (rate["first_events"], rate["person_months"]) == (2, pytest.approx((108 + 11 + 68 + 1 + 308 + 28) / 30.4375))


def test_without_follow_up_there_are_no_rates_and_no_times():
    tables = found(followup=None)
    assert tables.times.is_empty()
    assert tables.rates["rate_per_100_person_months"].null_count() == tables.rates.height
    assert tables.rates.filter(parameter="ae_any", qualifier="grade=any")["events"].to_list() == [7]
    assert listed(tables, "sepsis")["reason"] == "grade 5: no follow-up to hold it against"


def test_rates_per_100_person_months():
    # tern's test of s_incidence_rate: times 10.1, 20.4, 15.3 with an event in the first, and 20.8, 18.7, 23.4 with one
    # each; here ten days for one. Its rates per 100 are 2.18 and 4.77, that is by 30.4375 days 6.646 and 14.517.
    days = {"1": 101, "2": 204, "3": 153, "4": 208, "5": 187, "6": 234}
    people = pl.DataFrame({"subject": list(days), "tumor_type": "other", "first_dose_day": 0, "arm": list("AAABBB")})
    seen = pl.DataFrame({"subject": list(days), "last_alive_day": [day - 1 for day in days.values()]})
    rows = pl.DataFrame([event(name, "x", 1, days[name] - 1) for name in "1456"], infer_schema_length=None)
    tables = safety(rows, subjects=people, followup=seen)
    rates = tables.rates.filter(parameter="ae_any", qualifier="grade=any")
    told = {row["group"]: row for row in rates.to_dicts()}
    names = ("rate_per_100_person_months", "lower", "upper")
    assert [told["arm=A"][name] for name in names] == pytest.approx([6.645742358, 0.1682556289, 37.02770649])
    assert [told["arm=B"][name] for name in names] == pytest.approx([14.51709062, 2.993773091, 42.42509921])
    assert (told["arm=A"]["subjects_at_risk"], told["arm=A"]["person_months"]) == (3, pytest.approx(458 / 30.4375))


def test_rates_count_events_from_a_least_grade_on(tables):
    events = {row["qualifier"]: row["events"] for row in tables.rates.filter(parameter="ae_any").to_dicts()}
    assert (events["grade=any"], events["grade=3-5"]) == (7, 3)


def test_the_exact_interval_of_a_rate_is_terns():
    # h_incidence_rate_exact(200, 2, 0.1)
    lower, upper = poisson(2, level=0.9)
    assert (lower / 200, upper / 200) == pytest.approx((0.001776808, 0.031478968), abs=1e-9)


@pytest.mark.parametrize(
    ("followup", "reason"),
    [
        ({"death_day": [60]}, None),
        ({"death_day": [None]}, "grade 5, but the follow-up has no death"),
        ({"death_day": [54]}, "grade 5 begins on day 55, after the death on day 54"),
        ({"death_day": [61]}, "grade 5 ends on day 60, the death is on day 61"),
    ],
)
def test_grade_5_is_held_against_the_death(followup, reason):
    seen = pl.DataFrame({"subject": ["A3"], "last_alive_day": [50], **followup}, schema_overrides={"death_day": int})
    tables = found(followup=seen)
    assert listed(tables, "sepsis")["reason"] == reason
    assert fatal_without_death(tables.rows).height == (reason is not None)


def test_grade_5_on_the_day_of_death_is_borne_out():
    assert listed(found([event("A3", "sepsis", 5, 60, 60, serious=True)]), "sepsis")["reason"] is None


def test_a_grade_5_that_is_not_serious_is_told():
    assert listed(found([event("A3", "sepsis", 5, 60, 60)]), "sepsis")["reason"] == "grade 5, but not serious"
    unknown = found([event("A3", "sepsis", 5, 60, 60, serious=None)])
    assert listed(unknown, "sepsis")["reason"] == "not recorded: serious"


def test_an_event_after_the_death_is_told_and_lengthens_no_time_at_risk():
    tables = found([event("A3", "a", 2, 90)])
    assert listed(tables, "a")["reason"] == "it begins on day 90, after the death on day 60"
    rate = tables.rates.filter(parameter="ae_any", qualifier="grade=any").row(0, named=True)
    assert rate["person_months"] == pytest.approx((108 + 208 + 68 + 18 + 308 + 28) / 30.4375)
    onset = tables.times.filter(parameter="ae_onset", subject="A3").row(0, named=True)
    assert (onset["end_day"], onset["event"]) == (60, True)


def test_the_same_event_twice_counts_once():
    tables = found([event("A2", "a", 3, 1, 2), event("A2", "a", 3, 1, 2), event("A2", "a", 3, 5, 6)])
    assert tables.rows["counted"].to_list() == [True, False, True]
    assert tables.rows["reason"].to_list() == [None, "not counted: repeats row 2", None]
    assert tables.rates.filter(parameter="ae_any", qualifier="grade=any")["events"].to_list() == [2]


def test_an_event_of_a_subject_not_treated_is_listed_and_not_counted():
    tables = found([event("S", "a", 3, 1)])
    assert listed(tables, "a")["reason"] == "not counted: the subject was not treated"
    assert summary(tables, "ae_any", "grade=any") == (0, 6)


@pytest.mark.parametrize("grade", [0, 6])
def test_a_grade_that_is_none_is_refused(grade):
    with pytest.raises(TableError):
        found([event("A2", "a", grade, 1)])


def test_coded_columns_and_the_recorded_period_pass_through():
    tables = found([event("A2", "a", 3, 1, pt_code=10028813, period="IL-2")])
    assert tables.rows.columns == [*ADVERSE_EVENT_ROWS.names, "period_recorded", "pt_code"]
    row = listed(tables, "a")
    assert (row["pt_code"], row["period_recorded"], row["period"]) == ("10028813", "IL-2", "follow_up_30")


def test_nobody_treated_is_refused():
    with pytest.raises(TableError, match="no subject was treated"):
        found(subjects=SUBJECTS.filter(pl.col("subject") == "S"), infusions=INFUSIONS, rows=[event("S", "a", 1, 1)])


@pytest.mark.parametrize("table", ["subjects", "followup"])
def test_a_subject_that_stands_twice_is_refused(table):
    frame = {"subjects": SUBJECTS, "followup": FOLLOWUP}[table]
    with pytest.raises(TableError, match="holds a key twice"):
        found(**{table: pl.concat([frame, frame.head(1)])})


def test_no_event_at_all_gives_shares_of_0():
    tables = safety(pl.DataFrame(schema={"subject": str, "term": str, "grade": int}), subjects=SUBJECTS)
    assert summary(tables, "ae_any", "grade=any") == (0, 6)
    assert tables.rows.is_empty()


def test_exact_intervals_cover_by_enumeration():
    """At every share the interval covers in at least 95 % of what a binomial of its size gives."""
    import numpy as np
    from scipy.special import gammaln

    shares = np.linspace(0.01, 0.99, 99)
    for size in (3, 10, 25, 60):
        counts = np.arange(size + 1)
        lower, upper = clopper_pearson(counts, np.full(size + 1, size))
        logs = gammaln(size + 1) - gammaln(counts + 1) - gammaln(size - counts + 1)
        chance = np.exp(logs + counts * np.log(shares)[:, None] + (size - counts) * np.log1p(-shares)[:, None])
        inside = (lower <= shares[:, None]) & (shares[:, None] <= upper)
        covered = (chance * inside).sum(axis=1)
        assert covered.min() >= 0.95


days = st.one_of(st.none(), st.integers(-30, 250))
drawn = st.builds(
    lambda name, term, grade, start, length, serious: event(
        name, term, grade, start, None if start is None or length is None else start + length, serious=serious
    ),
    st.sampled_from(["A1", "A2", "A3", "S", "nobody", None]),
    st.sampled_from(["x", "X ", "y", None]),
    st.one_of(st.none(), st.integers(1, 5)),
    days,
    st.one_of(st.none(), st.integers(-3, 40)),
    st.sampled_from([True, False, None]),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(drawn, min_size=1, max_size=8), st.sampled_from(["from_first_dose", "all"]))
def test_whatever_is_recorded_the_counts_add_up(rows, emergence):
    tables = found(rows, emergence=emergence)
    assert sorted(tables.rows["row"]) == list(range(2, len(rows) + 2))
    assert tables.rows["counted"].sum() + len(uncounted_events(tables.rows)) == len(rows)
    shares = tables.summaries.drop_nulls("numerator")
    assert (shares["numerator"] <= shares["denominator"]).all()
    whole = {row["qualifier"]: row["numerator"] for row in shares.filter(parameter="ae_any").to_dicts()}
    assert whole["grade=any"] == sum(whole[f"grade={grade}"] for grade in range(1, 6))
    assert whole["grade=3-4"] == whole["grade=3"] + whole["grade=4"]
    assert whole["grade=3-5"] == whole["grade=3-4"] + whole["grade=5"]
    first = tables.table.row(0, named=True)
    assert [first[name] for name in ("n_any", "n_3_5", "n_5")] == [
        whole[f"grade={grade}"] for grade in ("any", "3-5", "5")
    ]
    assert (tables.times["days"].drop_nulls() >= 1).all()
    known = shares.drop_nulls("estimate")
    assert ((known["lower"] <= known["estimate"]) & (known["estimate"] <= known["upper"])).all()
