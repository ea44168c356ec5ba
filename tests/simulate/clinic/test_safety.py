from dataclasses import replace

import numpy as np
import pytest

from tilseq.simulate.clinic.followup import Fate
from tilseq.simulate.clinic.labs import draw_course, draw_tolerance
from tilseq.simulate.clinic.lesions import FIRST_DAY
from tilseq.simulate.clinic.safety import (
    EVENTS,
    LAB_EVENTS,
    PEAK_SPREAD,
    TYPICAL_PEAK_PER_UL,
    draw_safety,
    grades,
    period,
)
from tilseq.simulate.design import Design
from tilseq.simulate.streams import stream
from tilseq.simulate.subjects import draw_subject
from tilseq.tables.inputs import ADVERSE_EVENTS

ALIVE = Fate(None, None, False, 390, 400, None)
LATE = 400
LAB = {event.test: event for event in LAB_EVENTS}


def lymphocytes(day):
    return 1300.0 if day < -6 else 40.0 + 9 * max(day, 0)


def monocytes(day):
    return 450.0 if day < -6 else 20.0


def draw(number, fate=ALIVE, tumor_type="melanoma"):
    name = f"S{number}"
    tolerance = draw_tolerance(stream(4, name, "tolerance"))
    tumor = np.full(LATE + 1 - FIRST_DAY, 20.0)
    course = draw_course(stream(4, name, "labs"), tolerance, lymphocytes, monocytes, tumor, sex="male")
    cells = np.full(LATE + 1, TYPICAL_PEAK_PER_UL * stream(4, name, "cells").lognormal(0, PEAK_SPREAD))
    events = draw_safety(stream(4, name, "safety"), name, course, tolerance, fate, cells, tumor_type=tumor_type)
    return course, events


@pytest.fixture(scope="module")
def cohort():
    return [draw(number) for number in range(600)]


def worst(events):
    found = {}
    for row in events.true_events:
        found[row["term"]] = max(found.get(row["term"], 0), row["grade"])
    return found


@pytest.mark.parametrize(
    ("test", "limits", "baseline", "values", "expected"),
    [
        # CTCAE 5: ANC <LLN-1.5, <1.5-1.0, <1.0-0.5, <0.5
        ("ANC", (1.8, 7.5), 4.0, [1.8, 1.79, 1.5, 1.49, 1.0, 0.99, 0.5, 0.49], [0, 1, 1, 2, 2, 3, 3, 4]),
        ("platelets", (150, 400), 250.0, [150, 149, 75, 74, 50, 49, 25, 24], [0, 1, 1, 2, 2, 3, 3, 4]),
        ("lymphocytes", (1, 4), 1.5, [1.0, 0.8, 0.79, 0.49, 0.2, 0.19], [0, 1, 2, 3, 3, 4]),
        ("WBC", (4, 10), 6.0, [4.0, 3.0, 2.9, 1.9, 1.0, 0.9], [0, 1, 2, 3, 3, 4]),
        ("haemoglobin", (130, 170), 140.0, [130, 100, 99, 80, 79, 30], [0, 1, 2, 2, 3, 3]),  # 4 is clinical
        ("albumin", (35, 50), 40.0, [35, 34, 30, 29, 20, 19], [0, 1, 1, 2, 2, 3]),
        ("ALT", (5, 40), 20.0, [40, 41, 120, 121, 200, 201, 800, 801], [0, 1, 1, 2, 2, 3, 3, 4]),
        ("ALT", (5, 40), 50.0, [74, 76, 150, 151, 251, 1001], [0, 1, 1, 2, 3, 4]),  # abnormal before: multiples of it
        ("bilirubin", (2, 21), 9.0, [21, 22, 31.5, 32, 63, 64, 211], [0, 1, 1, 2, 2, 3, 4]),
        ("bilirubin", (2, 21), 30.0, [30, 31, 46, 91, 301], [0, 1, 2, 3, 4]),
        ("creatinine", (60, 100), 80.0, [100, 101, 121, 241, 301, 601], [0, 1, 2, 3, 3, 4]),
        ("creatinine", (60, 100), 60.0, [90, 91, 181], [0, 2, 3]),  # 1.5 and 3 times the value before
    ],
)
def test_grades_by_the_criteria(test, limits, baseline, values, expected):
    assert grades(LAB[test], np.array(values, dtype=float), limits, baseline).tolist() == expected


def test_laboratory_events_are_the_true_values(cohort):
    for course, events in cohort[:100]:
        found = {row["term"]: row for row in events.true_events}
        nadir = course.values["ANC"][-7 - FIRST_DAY :].min()
        assert found["neutropenia"]["grade"] == (4 if nadir < 0.5 else 3 if nadir < 1 else 2)
        assert course.at("ANC", found["neutropenia"]["start_day"]) < 1.8 <= course.at("ANC", -8)
        low = course.values["platelets"][-7 - FIRST_DAY :].min()
        assert found["thrombocytopenia"]["grade"] == (4 if low < 25 else 3 if low < 50 else 2 if low < 75 else 1)


def test_febrile_neutropenia_begins_with_low_neutrophils(cohort):
    days = [
        course.at("ANC", row["start_day"])
        for course, events in cohort
        for row in events.true_events
        if row["term"] == "febrile neutropenia"
    ]
    assert len(days) > 150
    assert max(days) < 0.5


def test_incidences_are_those_planted(cohort):
    for event in EVENTS:
        found = [worst(events).get(event.term, 0) for _, events in cohort]
        for least, share in enumerate(event.shares, start=1):
            # A share of 600 subjects within four standard errors.
            assert np.mean([grade >= least for grade in found]) == pytest.approx(
                share, abs=4 * (share * (1 - share) / 600) ** 0.5 + 1e-12
            )


@pytest.mark.slow
def test_the_cells_that_immune_events_lean_on_are_those_of_subjects():
    design = Design(memory_clones=200, seed=34)
    peaks = [np.log(draw_subject(number, design).reactive_per_ul.max()) for number in range(1, 201)]
    # Within four standard errors of 200 subjects.
    assert np.mean(peaks) == pytest.approx(np.log(TYPICAL_PEAK_PER_UL), abs=4 * PEAK_SPREAD / 200**0.5)
    assert np.std(peaks) == pytest.approx(PEAK_SPREAD, rel=4 / 400**0.5)


def test_events_of_one_cause_come_together(cohort):
    chills, pressure, cough = (
        np.array([term in worst(events) for _, events in cohort]) for term in ("chills", "hypotension", "cough")
    )
    assert np.corrcoef(chills, pressure)[0, 1] > 0.15
    assert abs(np.corrcoef(chills, cough)[0, 1]) < 0.15


def test_rows_are_those_of_the_table(cohort):
    rows = [row for _, events in cohort[:50] for row in events.adverse_events]
    assert ADVERSE_EVENTS.frame(rows).height == len(rows)
    assert {row["related"] for row in rows} == {"lymphodepletion", "TIL", "IL-2", "no"}
    assert {row["period"] for row in rows} == {"screening", "lymphodepletion", "infusion", "IL-2", "follow-up"}
    for row in rows:
        assert row["period"] == period(row["start_day"])
        assert row["end_day"] is None or row["start_day"] <= row["end_day"] <= 390
        assert all(isinstance(row[name], bool) for name in ("serious", "immune_related"))
        assert row["grade"] < 4 or row["serious"] or row["term"] in {event.term for event in LAB_EVENTS}


def test_periods():
    days = (-8, -7, -1, 0, 1, 5, 6)
    expected = ["screening", "lymphodepletion", "lymphodepletion", "infusion", "IL-2", "IL-2", "follow-up"]
    assert [period(day) for day in days] == expected


def test_nothing_is_reported_after_the_subject_was_last_seen():
    for number in range(40):
        lost = replace(ALIVE, last_alive_day=20)
        _, early = draw(number, lost)
        _, late = draw(number)
        assert all(row["start_day"] <= 20 and (row["end_day"] or 0) <= 20 for row in early.adverse_events)
        assert [row | {"reported": None} for row in early.true_events] == [
            row | {"reported": None} for row in late.true_events
        ]
        assert len(early.adverse_events) == sum(row["reported"] for row in early.true_events)


def test_a_death_from_the_treatment_is_of_grade_5_and_no_other_is():
    died = Fate(18, "treatment", True, 15, 400, "other")
    unknown = replace(died, known_death=False, recorded_cause=None)
    for number in range(20):
        _, events = draw(number, died)
        fatal = [row for row in events.adverse_events if row["grade"] == 5]
        assert [(row["end_day"], row["serious"]) for row in fatal] == [(18, True)]
        assert 0 <= fatal[0]["start_day"] <= 15
        assert all(row["start_day"] <= 18 and row["end_day"] <= 18 for row in events.true_events)
        _, untold = draw(number, unknown)
        assert max(row["grade"] for row in untold.adverse_events) < 5
        assert [row["reported"] for row in untold.true_events if row["grade"] == 5] == [False]
        _, tumor = draw(number, replace(died, death_cause="tumor", recorded_cause="tumor"))
        assert max(row["grade"] for row in tumor.true_events) < 5


def test_a_grade_is_of_the_days_of_life_and_a_reported_one_of_those_seen():
    worst_later = 0
    for number in range(40):
        # Platelets fall from day 1 on.
        course, events = draw(number, Fate(2, "tumor", True, 0, 400, "tumor"))
        for rows, last_day in ((events.true_events, 2), (events.adverse_events, 0)):
            for row in rows:
                event = next((event for event in LAB_EVENTS if event.term == row["term"]), None)
                if event is not None:
                    values = course.values[event.test][-8 - FIRST_DAY : last_day + 1 - FIRST_DAY]
                    found = grades(event, values, course.limits[event.test], values[0])
                    assert row["grade"] == max(found), (number, row["term"])
                    later = course.values[event.test][-8 - FIRST_DAY :]
                    worst_later += max(grades(event, later, course.limits[event.test], later[0])) > row["grade"]
    assert worst_later > 40


def test_no_infusion_reaction_comes_without_an_infusion(cohort):
    reactions = [row for _, events in cohort for row in events.true_events if row["term"] == "infusion reaction"]
    assert len(reactions) > 90
    assert {row["start_day"] for row in reactions} == {0}


def test_vitiligo_is_of_melanoma_and_changes_no_other_event():
    for number in range(40):
        others = [row for row in draw(number)[1].true_events if row["term"] != "vitiligo"]
        assert draw(number, tumor_type="nsclc")[1].true_events == others
