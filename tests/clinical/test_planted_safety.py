"""What a simulated trial plants comes back: toxicities by term and worst grade, and what happens to markers."""

from collections import Counter
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tests.simulate.clinic.test_safety import ALIVE, draw
from tilseq.clinical import markers, safety
from tilseq.simulate.clinic.lesions import FIRST_DAY
from tilseq.simulate.clinic.markers import draw_markers, marker_rows
from tilseq.simulate.streams import stream
from tilseq.tables.inputs import ADVERSE_EVENTS, TUMOR_MARKERS
from tilseq.tables.qualifiers import qualifier_pairs
from tilseq.tables.tumor_marker_course import LEWIS_NEGATIVE

SUBJECTS = 40
DIED = replace(ALIVE, death_day=60, death_cause="treatment", known_death=True, last_alive_day=58)


@pytest.fixture(scope="module")
def trial():
    drawn = [draw(number, DIED if number % 8 == 0 else ALIVE)[1] for number in range(SUBJECTS)]
    names = [f"S{number}" for number in range(SUBJECTS)]
    people = pl.DataFrame({"subject": names, "tumor_type": "melanoma", "first_dose_day": -7})
    seen = pl.DataFrame(
        {
            "subject": names,
            "last_alive_day": [58 if i % 8 == 0 else 390 for i in range(SUBJECTS)],
            "death_day": [60 if i % 8 == 0 else None for i in range(SUBJECTS)],
        }
    )
    rows = ADVERSE_EVENTS.frame([row for events in drawn for row in events.adverse_events])
    true = [row for events in drawn for row in events.true_events if row["reported"]]
    return safety(rows, subjects=people, followup=seen, emergence="all"), true


def test_every_planted_toxicity_comes_back_with_its_worst_grade(trial):
    found, true = trial
    worst: dict[tuple[str, str], int] = {}
    for row in true:
        key = row["subject"], row["term"]
        worst[key] = max(worst.get(key, 0), row["grade"])
    planted = Counter((term, str(grade)) for (_, term), grade in worst.items())
    counted = {}
    for row in found.summaries.filter(parameter="ae_any", group="all").iter_rows(named=True):
        pairs = qualifier_pairs(row["qualifier"])
        if "term" in pairs and "period" not in pairs and pairs["grade"] in "12345" and row["numerator"]:
            counted[pairs["term"], pairs["grade"]] = row["numerator"]
            assert row["denominator"] == SUBJECTS
    assert counted == dict(planted)
    assert len({term for term, _ in planted}) > 25


def test_every_planted_death_from_treatment_is_borne_out(trial):
    found, true = trial
    fatal = found.rows.filter(pl.col("grade") == 5)
    assert fatal.height == sum(row["grade"] == 5 for row in true) == SUBJECTS // 8
    assert fatal["reason"].null_count() == fatal.height


def test_planted_durations_come_back(trial):
    found, true = trial
    planted = sorted((r["subject"], r["term"], r["start_day"], r["end_day"] - r["start_day"] + 1)
                     for r in true if r["end_day"] is not None and r["end_day"] <= 58)  # fmt: skip
    rows = found.rows.filter(pl.col("end_day") <= 58).select("subject", "term", "start_day", "duration_days").rows()
    assert sorted(rows) == planted


def test_a_new_assay_and_lewis_negative_subjects_come_back():
    days = [-10, -8, 28, 56, 84, 120, 160, 200, 240]
    changed = told = 0
    for number in range(60):
        tumor = np.full(401 - FIRST_DAY, 20.0)
        panel = draw_markers(stream(8, str(number)), "ovarian", tumor)
        people = pl.DataFrame({"subject": ["S"], "tumor_type": "ovarian", "lymphodepletion_day": -7})
        course = markers(TUMOR_MARKERS.frame(marker_rows("S", panel, days)), subjects=people)
        for marker in panel:
            own = course.filter(test=marker.test)
            new = [marker.new_assay_day is not None and day >= marker.new_assay_day for day in own["day"]]
            assert own["assay"].to_list() == [2 if is_new else 1 for is_new in new]
            assert own.filter(pl.Series(new))["change"].null_count() == sum(new)
            lewis = [LEWIS_NEGATIVE in (reason or "") for reason in own["reason"]]
            assert set(lewis) == {marker.lewis_negative and marker.test == "CA199"}
            changed, told = changed + any(new), told + any(lewis)
    assert changed >= 5
    assert told >= 1
