"""Cells per microlitre by a blood count, and of parts by what holds them; literals by hand and from R."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from tilseq.errors import AnalysisError
from tilseq.flow.absolute import AbsoluteCount, by_blood_count, part_of
from tilseq.study.settings import Flow


def blood_of(cells: int, of: int, count: float | None = 2.0, unit: str = "10^9/L", cv=0.0, denominator="lymphocytes"):
    return by_blood_count(cells, of, denominator=denominator, blood_count=count, unit=unit, analytic_cv=cv)


def numbers(count: AbsoluteCount) -> tuple[float | None, float | None, float | None]:
    return count[:3]


def test_a_share_of_a_blood_count_and_its_exact_limits() -> None:
    # 7 of 10: 34.75471 to 93.32605 % (R: binom.test(7, 10)); 2.0 × 10^9/L are 2,000 per µL.
    found = blood_of(7, 10)
    assert numbers(found) == pytest.approx((1_400, 695.0942, 1_866.521), rel=1e-6)
    assert found.method == "dual platform: share of lymphocytes × blood count of lymphocytes"
    assert found.status == "detected_below_loq"


def test_the_analytic_error_of_a_blood_count() -> None:
    # var(log) = 1/20,000 - 1/40,000 + 0.05²; 1.96 × 0.05025 = 0.09849.
    found = blood_of(20_000, 40_000, cv=0.05)
    assert numbers(found) == pytest.approx((1_000, 1_000 * math.exp(-0.09849), 1_000 * math.exp(0.09849)), rel=2e-4)
    assert found.budget == pytest.approx({"cells": 0.005, "blood count": 0.05})


def test_limits_of_a_share_that_are_given_take_the_place_of_counting():
    """200 of 400, 45 to 55 %, of 2,000 lymphocytes/µL ± 5 %: on logarithms 0.1054 and 0.0980 below, 0.0953 above."""
    found = by_blood_count(
        200,
        400,
        denominator="lymphocytes",
        blood_count=2.0,
        unit="10^9/L",
        analytic_cv=0.05,
        gate_sd=0.3,
        share=(0.45, 0.55),
    )
    assert found.value == 1_000
    assert found.lower == pytest.approx(865.98, abs=0.01)
    assert found.upper == pytest.approx(1_146.49, abs=0.01)
    assert found.budget["gates"] == 0.3


def test_a_part_has_the_limits_of_its_whole_and_its_share():
    """100 of 1,000 (900 to 1,100), 9 to 12 %: 0.1054 twice below, 0.1823 and 0.0953 above."""
    own, whole = (
        AbsoluteCount(value, value, value, "counting beads", {}, "quantified", None) for value in (100.0, 1_000.0)
    )
    part = part_of(own, whole._replace(lower=900.0, upper=1_100.0), (0.09, 0.12))
    assert part.value == 100
    assert part.lower == pytest.approx(86.157, abs=0.001)
    assert part.upper == pytest.approx(122.843, abs=0.001)


def test_a_part_of_which_none_is_seen_keeps_its_own_limits():
    none = AbsoluteCount(0.0, 0.0, 3.7, "counting beads", {}, "not_detected", None)
    whole = AbsoluteCount(1_000.0, 900.0, 1_100.0, "counting beads", {}, "quantified", None)
    assert part_of(none, whole, (0.0, 0.01)) is none


@pytest.mark.parametrize(("cells", "of"), [(0, 10_000), (5, 1_000), (50, 1_000), (600, 2_000)])
def test_limits_by_blood_count_leave_out_as_much_as_a_share_averaged_over_the_error(cells, of) -> None:
    found = blood_of(cells, of, 1.0, cv=0.05)
    nodes, weights = np.polynomial.hermite_e.hermegauss(41)
    factors, whole = np.exp(0.05 * nodes) / 1_000, weights / weights.sum()
    assert whole @ binom.cdf(cells, of, found.upper * factors) == pytest.approx(0.025, abs=1e-3)
    if cells:
        assert whole @ binom.sf(cells - 1, of, found.lower * factors) == pytest.approx(0.025, abs=1e-3)


@pytest.mark.parametrize(
    ("count", "unit"),
    [(1.5, "10^9/L"), (1.5, "10*9/L"), (1.5, "G/L"), (1.5, "10^3/\u00b5L"), (1_500, "cells/\u03bcL"), (1_500, "/uL")],
)
def test_units_of_a_blood_count(count, unit) -> None:
    assert blood_of(300, 1_000, count, unit).value == pytest.approx(450)


@pytest.mark.parametrize(
    ("cells", "of", "count", "reason"),
    [
        (5, 10, None, "blood count of leucocytes: none is given"),
        (5, 10, 0.0, "blood count of leucocytes: it is 0, which has no upper limit"),
        (0, 0, 2.0, "no leucocytes to divide by"),
    ],
)
def test_without_a_blood_count_or_a_share_there_is_no_number(cells, of, count, reason) -> None:
    found = blood_of(cells, of, count, denominator="leucocytes")
    assert (*numbers(found), found.status, found.reason) == (None, None, None, "not_evaluable", reason)


def test_no_cells_of_a_blood_count_have_an_upper_limit() -> None:
    # R: binom.test(0, 100000): upper limit 3.68881141579e-05.
    found = blood_of(0, 100_000)
    assert numbers(found) == pytest.approx((0, 0, 0.0737762283), rel=1e-6)
    assert found.status == "not_detected"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"unit": "%"}, "a blood count has no such unit; found '%'"),
        ({"unit": "g/L"}, "a blood count has no such unit"),
        ({"denominator": "lymphocyte"}, "no such denominator; .*did you mean 'lymphocytes'"),
        ({"cells": 11}, "more cells than lymphocytes; found '11 of 10'"),
        ({"count": -1.0}, "column blood_count: a count cannot be below 0"),
        ({"cv": 5}, "the CV of blood count must be a fraction"),
    ],
)
def test_a_blood_count_that_cannot_be_is_refused(wrong, told) -> None:
    with pytest.raises(AnalysisError, match=told):
        blood_of(**{"cells": 5, "of": 10, **wrong})


def test_a_blood_count_beyond_all_numbers_is_refused() -> None:
    with pytest.raises(AnalysisError, match="no number of cells per µL; found 'inf"):
        blood_of(5, 10, 1e306)


def test_limits_hold_where_the_count_is_of_another_counter_and_another_hour() -> None:
    """Counters differ by 12.4 % (Simson and Groner 1995), lymphocytes by 10.3 % within a day (Statland 1978)."""
    cv = Flow().blood_count_cv
    assert cv == pytest.approx(math.hypot(0.124, 0.103), abs=0.005)
    rng, held = np.random.default_rng(95), 0
    for counter, hour in zip(rng.normal(1, 0.124, 2_000), rng.normal(1, 0.103, 2_000), strict=True):
        cells = int(rng.binomial(5_000, 0.6))
        found = by_blood_count(
            cells,
            5_000,
            denominator="lymphocytes",
            blood_count=1.5 * counter * hour,
            unit="10^9/L",
            analytic_cv=cv,
        )
        assert found.lower is not None and found.upper is not None
        held += found.lower <= 0.6 * 1_500 <= found.upper
    assert 0.93 <= held / 2_000 <= 0.97
