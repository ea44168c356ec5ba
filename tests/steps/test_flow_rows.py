import pytest

from tilseq.flow.absolute import AbsoluteCount
from tilseq.flow.counts import Ratio
from tilseq.steps.flow_rows import COUNTING_ONLY, WITH_GATES, endpoints
from tilseq.tables.outputs import COUNTS

SAMPLE = {"sample": "a", "subject": "S1", "visit": "D28", "day": 28, "specimen": "blood", "assay": "flow"}
ROWS = [
    {"population": "all events", "events": 1000},
    {"population": "CD3+", "parent": "lymphocytes", "events": 60, "parent_events": 100, "percent_of_parent": 60.0,
     "lower": 50.0, "upper": 70.0, "status": "quantified"},
    {"population": "DP T", "parent": "CD3+", "events": 0, "parent_events": 60, "percent_of_parent": 0.0,
     "lower": 0.0, "upper": 5.963, "status": "not_detected"},
    {"population": "NK", "parent": "CD3-", "events": 0, "parent_events": 0, "status": "not_evaluable"},
]  # fmt: skip


def rows(ratio=None, absolute=None, **more):
    counts = COUNTS.frame([{"sample": "a", **row} for row in ROWS])
    found = endpoints(SAMPLE, counts, ratio, absolute or {}, intervals=more.pop("intervals", WITH_GATES), **more)
    return {(row["parameter"], row["qualifier"]): row for row in found}


def test_each_population_with_a_parent_has_its_share():
    found = rows()
    assert list(found) == [
        ("percent_of_parent", "parent=lymphocytes;population=CD3+"),
        ("percent_of_parent", "parent=CD3+;population=DP T"),
        ("percent_of_parent", "parent=CD3-;population=NK"),
    ]
    share, none, empty = found.values()
    assert [share[name] for name in ("value", "lower", "upper", "n", "unit", "status", "value_text", "scope")] == [
        60.0, 50.0, 70.0, 100, "%", "quantified", None, "sample",
    ]  # fmt: skip
    assert share["interval_method"] == "Clopper-Pearson, joined with the placing of gates"
    assert (none["value"], none["status"], none["value_text"]) == (0.0, "not_detected", "< 5.96 %")
    assert (empty["value"], empty["status"], empty["interval_method"]) == (None, "not_evaluable", None)


def test_cells_per_microlitre_say_how_they_were_counted():
    seen = AbsoluteCount(120.0, 100.0, 145.0, "counting beads", {}, "quantified", None)
    none = AbsoluteCount(0.0, 0.0, 2.345, "counting beads", {}, "not_detected", "60 beads counted, fewer than 1000")
    lost = AbsoluteCount(None, None, None, "counting beads", {}, "not_evaluable", "no bead was counted")
    found = rows(absolute={"CD3+": seen, "DP T": none, "NK": lost})
    told = [found["cells_per_ul", f"population={name}"] for name in ("CD3+", "DP T", "NK")]
    assert [(row["value"], row["lower"], row["upper"], row["n"]) for row in told] == [
        (120.0, 100.0, 145.0, 60), (0.0, 0.0, 2.345, 0), (None, None, None, 0),
    ]  # fmt: skip
    assert [row["value_text"] for row in told] == [None, "< 2.35 cells/µL", None]
    assert [row["method"] for row in told] == [
        "counting beads",
        "counting beads: 60 beads counted, fewer than 1000",
        "counting beads: no bead was counted",
    ]


def test_cells_per_microlitre_are_no_more_certain_than_the_share_beside_a_blank():
    """60 events of which a blank shows as many: 12 cells/µL are not detected, whatever their number."""
    counts = COUNTS.frame([
        {"sample": "a", "population": "DP T", "parent": "CD3+", "events": 60, "parent_events": 9000,
         "percent_of_parent": 0.667, "lower": 0.5, "upper": 0.86, "status": "not_detected"},
        {"sample": "a", "population": "NK", "parent": "CD3-", "events": 60, "parent_events": 900,
         "percent_of_parent": 6.67, "lower": 5.1, "upper": 8.5, "status": "detected_below_loq"},
    ])  # fmt: skip
    seen = AbsoluteCount(12.0, 9.0, 15.4, "counting beads", {}, "quantified", None)
    found = endpoints(SAMPLE, counts, None, {"DP T": seen, "NK": seen}, intervals=WITH_GATES)
    cells = [row for row in found if row["parameter"] == "cells_per_ul"]
    assert [(row["status"], row["value_text"]) for row in cells] == [
        ("not_detected", "< 15.4 cells/µL"), ("detected_below_loq", None),
    ]  # fmt: skip


def test_the_ratio_is_no_more_certain_than_its_shares_beside_a_blank():
    counts = COUNTS.frame([
        {"sample": "a", "population": "CD4+ T", "parent": "CD3+", "events": 60, "parent_events": 9000,
         "percent_of_parent": 0.667, "lower": 0.5, "upper": 0.86, "status": "detected_below_loq"},
        {"sample": "a", "population": "CD8+ T", "parent": "CD3+", "events": 8000, "parent_events": 9000,
         "percent_of_parent": 88.9, "lower": 88.0, "upper": 89.6, "status": "quantified"},
    ])  # fmt: skip
    ratio = Ratio(0.0075, 0.0057, 0.0097, 0.0057, 0.0097, 8060, "quantified")
    found = endpoints(SAMPLE, counts, ratio, {}, intervals=WITH_GATES)
    assert [row["status"] for row in found if row["parameter"] == "cd4_cd8_ratio"] == ["detected_below_loq"]


@pytest.mark.parametrize(("scope", "told"), [(None, "sample"), ("cohort", "cohort")])
def test_the_ratio_has_its_limits_and_the_scope_of_lent_cuts(scope, told):
    ratio = Ratio(1.5, 1.2, 1.9, 1.25, 1.8, 250, "quantified")
    row = rows(ratio, intervals=COUNTING_ONLY, scope=scope)["cd4_cd8_ratio", None]
    assert (row["value"], row["lower"], row["upper"], row["n"], row["scope"]) == (1.5, 1.2, 1.9, 250, told)
    assert row["interval_method"] == "binomial, counting only"
    assert row["method"] == "both of 50 events or more quantified, fewer detected only (ICCS)"


def test_without_a_ratio_there_is_no_row_of_one():
    assert ("cd4_cd8_ratio", None) not in rows()


def test_what_the_reader_must_know_of_a_population_stands_beside_each_of_its_numbers():
    counted = AbsoluteCount(2.0, 1.0, 3.0, "counting beads", {}, "quantified", None)
    found = rows(absolute={"DP T": counted, "CD3+": counted}, notes={"DP T": "an upper bound"})
    methods = {key: row["method"] for key, row in found.items()}
    by_events = "population of 50 events or more quantified, fewer detected only (ICCS)"
    assert methods["percent_of_parent", "parent=CD3+;population=DP T"] == f"{by_events}; an upper bound"
    assert methods["percent_of_parent", "parent=lymphocytes;population=CD3+"] == by_events
    assert methods["cells_per_ul", "population=DP T"] == "counting beads; an upper bound"
    assert methods["cells_per_ul", "population=CD3+"] == "counting beads"
