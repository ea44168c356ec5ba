"""Lymphocytes per µL of blood against what blood holds and the blood count of the day; literals by hand."""

import pytest

from tilseq.flow.absolute import AbsoluteCount
from tilseq.flow.lymphocyte_count import hold_against_blood


def of(value, lower, upper):
    return AbsoluteCount(value, lower, upper, "counting beads", {}, "quantified", None)


NONE = AbsoluteCount(None, None, None, "counting beads", {}, "not_evaluable", "no bead was counted")


@pytest.mark.parametrize(
    ("limits", "blood_count", "verdict", "words"),
    [
        ((1_500, 1_300, 1_700), 1_330, "pass", "lymphocytes are 1,500/µL by counting beads, lymphocytes 1,330/µL"),
        ((4_600, 3_900, 5_400), 1_330, "pass", "of the day"),  # 3,900 is 2.93 times 1,330
        ((4_800, 4_000, 5_700), 1_330, "warn", ", 3.01 times as many at least: check beads_per_tube, sample_volume_"),
        ((400, 300, 440), 1_330, "warn", ", 3.02 times as few at least: check beads_per_tube"),
        ((15_000, 13_300, 17_000), 1_330, "fail", ", 10 times as many at least"),
        ((1.5, 1.3, 1.7), 1_330, "warn", ", 6.65 times as few at least"),  # all below 200/µL is 200/µL
        ((1.5, 1.3, 1.7), 3_000, "fail", ", 15 times as few at least"),
        ((150, 130, 170), 10, "pass", "of the day"),
        ((1.5, 1.3, 1.7), 599, "pass", "of the day"),
        ((0.0, 0.0, 3.7), 1_330, "warn", ", 6.65 times as few at least"),
    ],
)
def test_lymphocytes_against_the_blood_count(limits, blood_count, verdict, words):
    counted = {"lymphocytes": of(*limits), "CD3+": of(1, 1, 1)}
    kept, (row,) = hold_against_blood("a", counted, blood_count)
    assert kept == counted
    assert (row["sample"], row["check"], row["value"], row["verdict"]) == (
        "a",
        "lymphocytes per µL",
        limits[0],
        verdict,
    )
    assert words in row["reason"]


def test_no_number_stands_where_blood_cannot_hold_the_cells():
    """1,500 lymphocytes/µL times a thousand; 82,000 with limits that reach below 80,000 may be of a leukaemia."""
    counted = {"lymphocytes": of(1.5e6, 1.3e6, 1.7e6), "CD3+": of(1.0e6, 0.9e6, 1.1e6), "B": NONE}
    kept, (row,) = hold_against_blood("a", counted, None)
    assert {one.status for one in kept.values()} == {"not_evaluable"}
    assert {number for one in kept.values() for number in one[:3]} == {None}
    assert kept["CD3+"].reason.startswith("more lymphocytes than blood holds: check beads_per_tube")
    assert row["verdict"] == "fail" and "more lymphocytes than blood holds" in row["reason"]
    many = {"lymphocytes": of(82_000.0, 79_000.0, 85_000.0)}
    assert hold_against_blood("a", many, None) == (many, [])


def test_t_cells_stand_for_lymphocytes_where_these_have_no_number():
    """More T cells than lymphocytes cannot be; fewer may be of a blood of other lymphocytes."""
    kept, (row,) = hold_against_blood("a", {"lymphocytes": NONE, "CD3+": of(4_800, 4_000, 5_700)}, 1_330)
    assert row["verdict"] == "warn" and row["reason"].startswith("CD3+ are 4,800/µL by counting beads, lymphocytes")
    _, (row,) = hold_against_blood("a", {"CD3+": of(100, 90, 110)}, 1_330)
    assert row["verdict"] == "pass"
    assert hold_against_blood("a", {"CD4+ T": of(9_000, 8_000, 9_900)}, 1_330)[1] == []
