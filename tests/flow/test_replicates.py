from typing import Any

import numpy as np
import polars as pl
import pytest

from tilseq.flow.counts import count
from tilseq.flow.gating import gate
from tilseq.flow.replicates import compare_replicates
from tilseq.intervals import clopper_pearson
from tilseq.simulate.cytometry.panels import TBNK
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.files import as_read
from tilseq.tables.outputs import COUNTS

PARENTS = {"CD3+": "lymphocytes", "CD4+ T": "CD3+", "CD8+ T": "CD3+"}


def counts(*rows: tuple[str, int, int], **cells: tuple[float, float, float]) -> pl.DataFrame:
    """Return a table of populations with their events and those of the parent, limits of counting alone."""
    made = []
    for name, events, parent in rows:
        row: dict[str, Any] = {"sample": "s", "population": name, "parent": PARENTS[name], "events": events}
        row |= {"parent_events": parent}
        if parent:
            lower, upper = (100 * float(end) for end in clopper_pearson(events, parent))
            row |= {"percent_of_parent": 100 * events / parent, "lower": lower, "upper": upper}
        keys = ("cells_per_ul", "cells_per_ul_lower", "cells_per_ul_upper")
        made.append(row | dict(zip(keys, cells.get(name[:3], (None,) * 3), strict=True)))
    return COUNTS.frame(made)


def verdicts(**tables: pl.DataFrame) -> dict[str, tuple[str, float | None]]:
    """Return the verdict and value of what is compared."""
    rows = compared(tables)
    found = {row["check"]: (row["verdict"], row["value"]) for row in rows}
    assert len(rows) == len(tables) * len(found)
    return found


def compared(tables: dict[str, pl.DataFrame]) -> list[dict[str, Any]]:
    return [row for row in compare_replicates(tables) if not row["reason"].startswith("not compared: ")]


@pytest.mark.parametrize(
    ("first", "second", "verdict", "points"),
    [
        ((600, 1000), (600, 1000), "pass", 0.0),
        # within 3 points whatever the number of cells
        ((60_000, 100_000), (62_900, 100_000), "pass", 2.9),
        ((60_000, 100_000), (63_100, 100_000), "warn", 3.1),
        # 60 against 67 %: z is 7 / sqrt(60 x 40 / 1000 + 67 x 33 / 1000) = 3.26, beyond 2.58
        ((600, 1000), (670, 1000), "warn", 7.0),
        # 60 against 65 %: z is 2.31
        ((600, 1000), (650, 1000), "pass", 5.0),
        # few cells allow much
        ((6, 10), (9, 10), "pass", 30.0),
        ((0, 100), (30, 100), "warn", 30.0),
        ((0, 20), (2, 20), "pass", 10.0),
        # a fifth of the smaller share, 0.2 of 1 %, and half of it: z is 0.5 / sqrt(1 + 1.5) / 0.0315 = 10
        ((1_000, 100_000), (1_200, 100_000), "pass", 0.2),
        ((1_000, 100_000), (1_500, 100_000), "warn", 0.5),
        # by counting alone: 1 against 1.5 % of 1,000 is z 1.0
        ((10, 1_000), (15, 1_000), "pass", 0.5),
    ],
)
def test_replicates_agree_within_three_points_or_what_counting_allows(
    first: tuple[int, int], second: tuple[int, int], verdict: str, points: float
) -> None:
    found = verdicts(a=counts(("CD3+", *first)), b=counts(("CD3+", *second)))
    assert found == {"replicates: CD3+ of lymphocytes": (verdict, pytest.approx(points))}


def test_chance_is_shared_by_the_numbers_compared() -> None:
    """A z of 2.69 (p 0.0072, a little more by exact limits) is rarer than 0.01, not than 0.01 / 3."""
    alone = verdicts(a=counts(("CD4+ T", 600, 1000)), b=counts(("CD4+ T", 658, 1000)))
    assert alone["replicates: CD4+ T of CD3+"][0] == "warn"
    rest = (("CD3+", 1000, 2000), ("CD8+ T", 300, 1000))
    among = verdicts(a=counts(("CD4+ T", 600, 1000), *rest), b=counts(("CD4+ T", 658, 1000), *rest))
    assert {verdict for verdict, _ in among.values()} == {"pass"}
    (row, _) = compared({"a": counts(("CD4+ T", 600, 1000)), "b": counts(("CD4+ T", 658, 1000))})
    assert row["limit"] == "at most 3 points and a fifth of the smaller share apart, or p at least 0.01"
    assert row["reason"].startswith("a 60, b 65.8; p 0.00")
    assert row["reason"].endswith(": further apart than their limits allow: another specimen, stain or gate")


def test_three_replicates_are_compared_at_once() -> None:
    tables = {name: counts(("CD3+", events, 1000)) for name, events in (("a", 600), ("b", 610), ("c", 690))}
    rows = compared(tables)
    assert [(row["sample"], row["verdict"]) for row in rows] == [("a", "warn"), ("b", "warn"), ("c", "warn")]
    assert rows[0]["value"] == pytest.approx(9)


@pytest.mark.parametrize(
    ("second", "verdict", "percent"),
    [
        ((109.0, 104.0, 114.0), "pass", 9.0),
        # log(1.3) = 0.262 over sqrt(2) x 0.05 is z 3.7
        ((130.0, 130 / 1.103, 130 * 1.103), "warn", 30.0),
        ((130.0, 100.0, 169.0), "pass", 30.0),
    ],
)
def test_cells_per_microlitre_agree_within_a_tenth_or_what_their_limits_allow(
    second: tuple[float, float, float], verdict: str, percent: float
) -> None:
    row = ("CD3+", 600, 1000)
    first = (100.0, 100 / 1.103, 100 * 1.103)  # a standard deviation of 5 %
    found = verdicts(a=counts(row, CD3=first), b=counts(row, CD3=second))
    assert found["replicates: CD3+ per µL"] == (verdict, pytest.approx(percent))
    assert found["replicates: CD3+ of lymphocytes"][0] == "pass"


def test_a_population_that_is_not_compared_is_told_of_each_tube() -> None:
    one, other = counts(("CD3+", 600, 1000), ("CD4+ T", 300, 600)), counts(("CD3+", 600, 1000))
    rows = [row for row in compare_replicates({"a": one, "b": other}) if row not in compared({"a": one, "b": other})]
    assert [(row["sample"], row["check"]) for row in rows] == [
        ("a", "replicates: CD4+ T"),
        ("b", "replicates: CD4+ T"),
        ("a", "replicates: CD8+ T"),
        ("b", "replicates: CD8+ T"),
    ]
    assert {(row["verdict"], row["value"]) for row in rows} == {("pass", None)}


def not_compared(**tables: pl.DataFrame) -> dict[tuple[str, str], str]:
    """Return why a number of CD3+ of a tube is not compared."""
    rows = [row for row in compare_replicates(tables) if row["check"].startswith("replicates: CD3+")]
    return {(row["sample"], row["check"]): row["reason"] for row in rows if row not in compared(tables)}


def test_two_tubes_are_compared_though_a_third_has_no_number() -> None:
    row, cells = ("CD3+", 600, 1000), (100.0, 90.0, 110.0)
    tables = {"a": counts(row, CD3=cells), "b": counts(row, CD3=cells), "c": counts(row)}
    per_ul = [one for one in compared(tables) if one["check"] == "replicates: CD3+ per µL"]
    assert [(one["sample"], one["verdict"]) for one in per_ul] == [("a", "pass"), ("b", "pass")]
    told = {("c", "replicates: CD3+ per µL"): "not compared: this tube has no number with limits"}
    assert not_compared(**tables) == told
    del tables["b"]
    alone = {("a", "replicates: CD3+ per µL"): "not compared: no other tube has CD3+ per µL"}
    assert not_compared(**tables) == alone | told


def test_two_tubes_are_compared_though_a_third_has_another_parent() -> None:
    row = ("CD3+", 600, 1000)
    other = counts(row).with_columns(parent=pl.lit("live"))
    tables = {"a": counts(row), "b": other, "c": counts(row)}
    assert [(one["sample"], one["check"]) for one in compared(tables)] == [
        ("a", "replicates: CD3+ of lymphocytes"),
        ("c", "replicates: CD3+ of lymphocytes"),
    ]
    assert not_compared(**tables) == {("b", "replicates: CD3+"): "not compared: no other tube has CD3+ of live"}


@pytest.mark.parametrize(
    ("second", "verdict", "value"),
    [
        # None in 10 µL: half a cell is 0.05, its error log(7.38) / 1.96 = 1.02; log(200 / 0.05) = 8.3 is z 8
        ((200.0, 180.0, 220.0), "warn", None),
        # one cell of the same tube: log(0.1 / 0.05) = 0.69 is z 0.5
        ((0.1, 0.0025, 0.557), "pass", None),
        ((0.0, 0.0, 0.37), "pass", None),
    ],
)
def test_no_cells_are_held_against_others_by_their_upper_limit(
    second: tuple[float, float, float], verdict: str, value: float | None
) -> None:
    row = ("CD3+", 600, 1000)
    found = verdicts(a=counts(row, CD3=(0.0, 0.0, 0.37)), b=counts(row, CD3=second))
    assert found["replicates: CD3+ per µL"] == (verdict, value)


@pytest.mark.parametrize("cells", [(100.0, 100.0, 100.0), (np.inf, 90.0, np.inf), (100.0, 90.0, np.inf)])
def test_limits_without_width_or_end_are_not_available(cells: tuple[float, float, float]) -> None:
    row = ("CD3+", 600, 1000)
    tables = {"a": counts(row, CD3=cells), "b": counts(row, CD3=(100.0, 90.0, 110.0))}
    assert not_compared(**tables) == {
        ("a", "replicates: CD3+ per µL"): "not compared: this tube has no number with limits",
        ("b", "replicates: CD3+ per µL"): "not compared: no other tube has CD3+ per µL",
    }


@pytest.mark.parametrize(("lower", "upper"), [(60.0, 60.0), (50.0, np.inf), (60.0, 50.0)])
def test_a_share_whose_limits_have_no_width_is_not_compared(lower: float, upper: float) -> None:
    one = counts(("CD3+", 600, 1000))
    other = one.with_columns(lower=pl.lit(lower), upper=pl.lit(upper))
    rows = compare_replicates({"a": one, "b": other})
    assert [row["check"] for row in rows] == ["replicates", "replicates"]


def test_what_cannot_be_compared_is_told() -> None:
    for tables in ({"a": counts(("CD3+", 600, 1000), CD3=(9.0, 8.0, 10.0))}, {"a": counts(), "b": counts()},
                   {"a": counts(("CD3+", 0, 0)), "b": counts(("CD3+", 600, 1000))}):  # fmt: skip
        rows = compare_replicates(tables)
        assert [(row["check"], row["verdict"]) for row in rows] == [("replicates", "pass")] * len(tables)
        assert rows[0]["reason"].startswith("not available")
    assert compare_replicates({}) == []


def simulated(seed: int, cd4: float, cd8: float) -> pl.DataFrame:
    cells = {"CD4+ T": cd4, "CD8+ T": cd8, "DN T": 30.0, "B": 150.0, "NK": 200.0, "monocyte": 300.0}
    tube = as_read(acquire(np.random.default_rng(seed), TBNK, cells, 10_000))
    return count(gate(tube, sample=str(seed)))


def test_two_tubes_of_one_blood_agree_and_those_of_two_subjects_do_not() -> None:
    one, other = simulated(1, 600.0, 300.0), simulated(2, 600.0, 300.0)
    assert {verdict for verdict, _ in verdicts(a=one, b=other).values()} == {"pass"}
    found = verdicts(a=one, b=simulated(3, 300.0, 500.0))
    assert found["replicates: CD4+ T of CD3+"][0] == found["replicates: CD8+ T of CD3+"][0] == "warn"
