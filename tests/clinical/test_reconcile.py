"""The list of responses that differ, which a person reads."""

import polars as pl

from tests.clinical.lesion_rows import lesion
from tilseq.clinical import response, response_differences


def test_every_difference_is_listed_with_its_derivation():
    rows = [
        lesion(-5, "T1", 50.0),
        lesion(-5, "N1", role="nontarget", state="present"),
        *(lesion(day, "T1", size) for day, size in ((42, 35.0), (84, 30.0), (126, 36.0), (210, 20.0))),
        *(lesion(day, "N1", role="nontarget", state="present") for day in (42, 84, 126, 210)),
        lesion(84, "X", role="new"),
    ]
    recorded = pl.DataFrame(
        {
            "subject": ["S1"] * 4,
            "day": [42, 84, 126, 168],
            "response": ["PR", "PR", "SD", "PD"],
        }
    )
    table = response(pl.DataFrame(rows, infer_schema_length=None), recorded)
    found = response_differences(table)
    assert found.select("day", "kind", "recorded", "derived").rows() == [
        (84, "differs", "PR", "PD"),
        (126, "differs", "SD", "PD"),
        (168, "recorded_only", "PD", None),
        (210, "derived_only", None, "PR"),
    ]
    assert found["derivation"].to_list() == [
        "targets PR: sum 30 mm, -40.0 % from baseline (PR from -30), -14.3 % and -5 mm from the nadir (PD from 20 "
        "and 5); non-targets NON-CR/NON-PD; new lesion X",
        "targets PD: sum 36 mm, -28.0 % from baseline (PR from -30), +20.0 % and +6 mm from the nadir (PD from 20 "
        "and 5); non-targets NON-CR/NON-PD; new lesion X not reported",
        "no lesion was assessed",
        "targets PR: sum 20 mm, -60.0 % from baseline (PR from -30), -33.3 % and -10 mm from the nadir (PD from 20 "
        "and 5); non-targets NON-CR/NON-PD; new lesion X not reported",
    ]


def test_a_derived_response_is_no_difference_where_nobody_recorded_any():
    table = response(pl.DataFrame([lesion(-5, "T1", 50.0), lesion(42, "T1", 35.0)]))
    assert response_differences(table).height == 0


def test_a_response_recorded_at_the_baseline_is_listed():
    recorded = pl.DataFrame({"subject": ["S1"], "day": [-5], "response": ["SD"]})
    table = response(pl.DataFrame([lesion(-5, "T1", 50.0), lesion(42, "T1", 35.0)]), recorded)
    found = response_differences(table)
    assert found.select("day", "kind").rows() == [(-5, "recorded_only"), (42, "derived_only")]
    assert found["derivation"][0] == "the baseline has no response; the SD recorded at the baseline does not count"


def laid(recorded, *rows):
    """Return day, derived, recorded, agrees and reason of each row, from (visit, day, word) recorded."""
    visits, days, words = zip(*recorded, strict=True)
    reads = pl.DataFrame({"subject": ["S1"] * len(days), "visit": visits, "day": days, "response": words})
    table = response(pl.DataFrame(list(rows), infer_schema_length=None), reads)
    return table.select("day", "response", "recorded", "agrees", "reason").rows()


BASE = lesion(-8, "T1", 50.0, visit="BL")


def test_a_response_of_a_visit_whose_scans_are_far_away_has_a_row_of_its_own():
    scans = [BASE, lesion(42, "T1", 50.0, visit="D42"), lesion(60, "T1", 50.0, visit="UNS")]
    found = laid([("D42", 42, "SD"), ("UNS", 200, "PD")], *scans)
    why = "no lesion was assessed; recorded for UNS on day 200, whose scans are of day 60"
    assert found[1:] == [
        (42, "SD", "SD", True, None),
        (60, "SD", None, None, None),
        (200, None, "PD", None, why),
    ]
    # Read within two weeks of its scans it is theirs; a day later it is not.
    assert laid([("UNS", 74, "SD")], *scans)[2] == (60, "SD", "SD", True, None)
    assert [row[0] for row in laid([("UNS", 75, "SD")], *scans)] == [-8, 42, 60, 75]
    # Unscheduled visits may share a name.
    both = laid([("UNS", 60, "SD"), ("UNS", 200, "PD")], *scans)
    assert [(row[0], row[2]) for row in both] == [(-8, None), (42, None), (60, "SD"), (200, "PD")]


def test_a_mistyped_day_agrees_with_nothing():
    found = laid([("D84", 840, "SD")], BASE, lesion(84, "T1", 50.0, visit="D84"))
    assert [row[:4] for row in found[1:]] == [(84, "SD", None, None), (840, None, "SD", None)]


def test_a_response_of_another_visits_day_is_laid_there_and_told():
    scans = [BASE, lesion(42, "T1", 50.0, visit="D42"), lesion(84, "T1", 50.0, visit="D84")]
    why = "recorded for D42 on day 84, whose scans are of day 42"
    assert laid([("D42", 84, "SD")], *scans)[2] == (84, "SD", "SD", True, why)


def test_a_response_by_the_name_of_the_baseline_after_treatment_started_is_none_of_it():
    scans = [BASE, lesion(42, "T1", 50.0, visit="D42")]
    far = laid([("D42", 42, "SD"), ("BL", 200, "PD")], *scans)
    assert [(row[0], row[2]) for row in far] == [(-8, None), (42, "SD"), (200, "PD")]
    near = laid([("BL", 5, "PD")], *scans)
    assert near[1] == (5, None, "PD", None, "no lesion was assessed; named BL as the baseline of day -8")
    assert laid([("BL", -3, "NE")], *scans)[0][4] == "the NE recorded at the baseline does not count"
    # Scans of its own day it is of, as docs have it: else by subject, reader and day.
    early = laid([("BL", 5, "SD")], BASE, lesion(5, "T1", 50.0, visit="D5"))
    assert early[1] == (5, "SD", "SD", True, "named BL as the baseline of day -8")
