"""Two gatings of one tube."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import dice

from tilseq.errors import AnalysisError
from tilseq.flow.compare import compare
from tilseq.tables.outputs import COMPARISON

FIRST = {"CD4+ T": [1, 1, 1, 1, 0, 0, 0, 0], "CD8+ T": [0, 0, 0, 0, 1, 1, 0, 0], "B": [0] * 8}
SECOND = {"CD4+ T": [0, 0, 1, 1, 1, 0, 0, 0], "CD8+ T": [0, 0, 0, 0, 0, 1, 0, 0], "NK": [0, 0, 0, 0, 0, 0, 1, 1]}


def test_by_hand() -> None:
    rows = {row["population"]: row for row in compare(FIRST, SECOND, sample="s1").iter_rows(named=True)}
    names = ("events_a", "events_b", "events_both", "precision", "recall", "f1", "difference_pct")
    assert [rows["CD4+ T"][name] for name in names] == [4, 3, 2, 0.5, 2 / 3, pytest.approx(4 / 7), 100 / 3]
    assert [rows["CD8+ T"][name] for name in names] == [2, 1, 1, 0.5, 1.0, pytest.approx(2 / 3), 100.0]
    assert [rows["B"][name] for name in names] == [0, None, None, None, None, None, None]
    assert [rows["NK"][name] for name in names] == [None, 2, None, None, None, None, None]
    ratio = rows["CD4+ T / CD8+ T"]
    assert [ratio[name] for name in ("ratio_a", "ratio_b", "events_a", "f1")] == [2.0, 3.0, None, None]
    assert ratio["difference_pct"] == pytest.approx(-100 / 3)
    assert {row["sample"] for row in rows.values()} == {"s1"}


def test_a_label_that_pandas_has_as_nan_is_none() -> None:
    first, second = ["A", None, "B"], ["A", float("nan"), "A"]
    assert compare(first, second).select("population", "events_a", "events_b").rows() == [("A", 1, 2), ("B", 1, None)]


def test_labels_are_masks_of_their_events() -> None:
    first, second = ["T", "B", None, "T"], np.array(["T", "", "B", "B"])
    frame = compare(first, second)
    assert frame.schema == COMPARISON.schema
    found = {row["population"]: (row["events_a"], row["events_b"], row["events_both"]) for row in frame.to_dicts()}
    assert found == {"B": (1, 2, 0), "T": (2, 1, 1)}


def test_shares_of_nothing_are_null() -> None:
    empty = {"CD4+ T": [0, 0], "CD8+ T": [0, 0]}
    rows = compare(empty, empty).to_dicts()
    assert [row["population"] for row in rows] == ["CD4+ T", "CD4+ T / CD8+ T", "CD8+ T"]
    for row in rows:
        assert all(row[name] is None for name in ("precision", "recall", "f1", "difference_pct", "ratio_a", "ratio_b"))


def test_gatings_of_different_tubes_are_refused() -> None:
    with pytest.raises(AnalysisError, match="not of the same events; found 'masks of 2 and 3 events'"):
        compare({"T": [True, False]}, {"T": [True, False, True]})


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1))
def test_changing_sides_changes_precision_and_recall_only(pairs: list[tuple[bool, bool]]) -> None:
    here, there = (list(side) for side in zip(*pairs, strict=True))
    one, other = (compare({"T": a}, {"T": b}).row(0, named=True) for a, b in ((here, there), (there, here)))
    assert (one["precision"], one["recall"], one["f1"]) == (other["recall"], other["precision"], other["f1"])
    if one["f1"] is not None and None not in (one["precision"], one["recall"]):
        low, high = sorted((one["precision"], one["recall"]))
        assert low - 1e-12 <= one["f1"] <= high + 1e-12


def test_f1_agrees_with_scipy_on_an_experts_labels(shared_data: Path) -> None:
    lines = (shared_data / "flow" / "flowsom_68983" / "manual_labels.csv").read_text().splitlines()
    labels = np.array([line.strip('"') for line in lines])
    shifted = np.roll(labels, 1)
    frame = compare(shifted.tolist(), labels.tolist())
    assert frame.height > 5
    for row in frame.iter_rows(named=True):
        # F1 of two sets is Dice's coefficient.
        expected = 1 - dice(shifted == row["population"], labels == row["population"])
        assert row["f1"] == pytest.approx(expected)
