"""The data cut: what is of a later day counts nowhere. Subjects, days and counts are worked out by hand."""

import polars as pl
import pytest

from tests.clinical.one_subject import followup
from tests.clinical.test_irecist import lesion
from tests.clinical.test_response_rates import INFUSED, count, rates
from tests.clinical.test_safety import event, listed, summary
from tilseq.clinical import irecist, irecist_best_response, response, safety, up_to_data_cut
from tilseq.clinical.adverse_events import uncounted_events
from tilseq.clinical.data_cut import cut_exclusions, data_cuts

# Cut on day 100; C4 and C5 were enrolled by their cut, C4 had begun lymphodepletion, neither was infused.
FOLLOWUP = pl.DataFrame(
    {
        "subject": ["C1", "C2", "C3", "C4", "C5"],
        "last_alive_day": [200, 119, 60, -1, -2],
        "death_day": [None, 120, None, None, None],
        "data_cut_day": [100, 100, 100, -1, -1],
    }
)
SUBJECTS = pl.DataFrame(
    {
        "subject": ["C1", "C2", "C3", "C4", "C5"],
        "tumor_type": ["melanoma"] * 5,
        "lymphodepletion_day": [-7, -7, -7, -7, None],
    }
)
INFUSIONS = pl.DataFrame({"subject": ["C1", "C2", "C3", "C4", "C5"], "infusion": [1] * 5, "day": [0] * 5})
EVENTS = [
    event("C1", "nausea", 1, 10, 12),
    event("C1", "colitis", 2, 90, 110),  # was going on when the data were cut
    event("C1", "rash", 4, 101, 105),  # the day after
    event("C2", "fever", 3, 100, 100),  # the very day
    event("C2", "sepsis", 5, 99, 120, serious=True),  # the death is after the cut
    event("C5", "chills", 3, 1, 2),
]


@pytest.fixture(scope="module")
def found():
    return safety(pl.DataFrame(EVENTS), subjects=SUBJECTS, infusions=INFUSIONS, followup=FOLLOWUP)


def test_adverse_events_after_the_cut_are_listed_and_not_counted(found):
    assert uncounted_events(found.rows) == [
        {"row": 4, "rule": "not counted: after the data cut (day 100)", "rows": 1},
        {
            "row": 7,
            "rule": "not counted: the subject was not treated; not counted: after the data cut (day -1)",
            "rows": 1,
        },
    ]
    # Of the four treated by their cut C1 has worst grade 2 and C2 5; the rash of grade 4 is of nobody.
    assert summary(found, "ae_any", "grade=any") == (2, 4)
    assert [summary(found, "ae_any", f"grade={grade}")[0] for grade in range(1, 6)] == [0, 1, 0, 0, 1]
    # From day 0 on only who was infused by the cut is at risk: C1, C2, C3; in the period after day 30 they all are.
    assert summary(found, "ae_any", "grade=any;period=later") == (2, 3)
    assert listed(found, "sepsis")["reason"] == (
        "grade 5 as recorded: the death on day 120 is after the data cut (day 100); "
        "ends on day 120, after the data cut (day 100): going on by then"
    )


def test_an_event_that_ends_after_the_cut_goes_on(found):
    colitis = listed(found, "colitis")
    assert (colitis["counted"], colitis["end_day"], colitis["ongoing"]) == (True, None, True)
    assert colitis["reason"] == "ends on day 110, after the data cut (day 100): going on by then"


def test_an_event_without_a_first_day_is_taken_to_be_by_the_cut_and_says_so():
    """Whether it began by day 50 nobody knows; one that ended by then did."""
    rows = [event("C1", "rash", 2, None), event("C1", "fever", 2, None, 90), event("C2", "chills", 1, None, 101)]
    listing = safety(pl.DataFrame(rows), subjects=SUBJECTS, infusions=INFUSIONS, followup=FOLLOWUP).rows
    told = "no first day: taken to be emergent"
    assert {row["term"]: row["reason"].split("; ")[0] for row in listing.iter_rows(named=True)} == {
        "rash": f"{told} and not after the data cut (day 100)",
        "fever": told,
        "chills": f"{told} and not after the data cut (day 100)",
    }
    assert listing["counted"].all()


def test_time_at_risk_ends_with_the_cut(found):
    # First dose on day -7. Of any grade C1 to day 10: 18 days, C2 to 99: 107, C3 to 60: 68, C4 to -1: 7. Of grade 3 to
    # 5 C1 to the cut: 108.
    rates = {row["qualifier"]: row for row in found.rates.filter(parameter="ae_any").to_dicts()}
    assert rates["grade=any"]["person_months"] == pytest.approx((18 + 107 + 68 + 7) / 30.4375)
    assert rates["grade=3-5"]["person_months"] == pytest.approx((108 + 107 + 68 + 7) / 30.4375)
    times = {(row["subject"], row["parameter"]): row for row in found.times.to_dicts()}
    onset = times["C1", "ae_onset_grade_3_5"]
    assert (onset["end_day"], onset["days"], onset["event"]) == (100, 108, False)
    # The sepsis from day 99 was seen for two days.
    duration = times["C2", "ae_duration_serious"]
    assert (duration["end_day"], duration["days"], duration["event"]) == (100, 2, False)
    assert duration["description"] == "sepsis goes on at end of follow-up"


def test_rows_of_a_table_up_to_the_cut():
    days = [("C1", 100), ("C1", 101), ("C2", 150), ("C3", None), ("C9", 500), ("C1", 102)]
    rows = pl.DataFrame(days, ["subject", "day"], orient="row")
    assert up_to_data_cut(rows, FOLLOWUP).rows() == [("C1", 100), ("C3", None), ("C9", 500)]
    assert up_to_data_cut(rows, None).rows() == days
    assert list(cut_exclusions(rows, data_cuts(FOLLOWUP), "a result")) == [
        {"row": None, "rule": "a result after the data cut of C1 (day 100), first in row 3", "rows": 2},
        {"row": 4, "rule": "a result after the data cut of C2 (day 100)", "rows": 1},
    ]


# A lesion that is equivocal on day 42 and sure on day 84.
SEEN = pl.DataFrame(
    [
        *(lesion(day, "T1", 50.0) for day in (-8, 42, 84)),
        *(lesion(day, "X", role="new", state=word) for day, word in ((42, "equivocal"), (84, "present"))),
    ]
)


@pytest.mark.parametrize(
    ("day", "words"), [(84, ["PD", "PD"]), (83, ["SD", "PD"]), (42, ["SD", "PD"]), (41, ["PD", "PD"])]
)
def test_what_a_scan_after_the_cut_confirms_was_not_known_by_then(day, words):
    cut = followup(data_cut_day=day)
    table = response(SEEN, followup=cut)
    assert table["response"].to_list()[1:] == words
    immune = irecist(SEEN, table, followup=cut)
    assert immune["response"].to_list() == [{"PD": "iUPD", "SD": "iSD"}[words[0]], "iUPD"]
    best = irecist_best_response(immune, cut)
    known = {84: [("iUPD", 42, 42)], 83: [("iSD", 42, None)], 42: [("iSD", 42, None)], 41: []}[day]
    assert best.select("best_response", "day", "progression_day").rows() == known


def test_who_was_infused_after_the_cut_is_not_among_the_infused():
    cut = pl.DataFrame({"subject": ["B"], "data_cut_day": [-1]})
    table = rates(infusions=INFUSED, followup=cut)
    assert count(table, "ORR") == (1, 4)
    assert count(table, "ORR", population="enrolled") == (1, 5)
    words = table.filter(population="infused", group="all")["denominator_text"][0]
    assert words.endswith("infused after the data cut, so not infused: B")
