"""Limits of cells that are left over by several markers: dead ones, and what lies beside their cuts at other ends."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tilseq.flow import gate
from tilseq.flow.gated import Gating
from tilseq.flow.left_over import below_cuts, of_left_over
from tilseq.flow.uncertainty import all_moved_again
from tilseq.intervals import jeffreys, scalar

FLOOR = 1.959964 * 0.002  # of the logit
TOTAL = 4688  # T cells, 148 of them DN T


@pytest.fixture(scope="module")
def gating(simulate: Callable[..., Any]) -> Gating:
    """Return a tube whose cuts and region have ends where they are, so that none takes anything along."""
    found = gate(simulate(), sample="s")
    assert found.region is not None and found.populations["CD3+"].events == TOTAL
    cuts = {key: cut._replace(lower=cut.threshold, upper=cut.threshold, close=None) for key, cut in found.cuts.items()}
    region = replace(found.region, lower=found.region.radius, upper=found.region.radius)
    return all_moved_again(replace(found, cuts=cuts, region=region))


def _limits(gating: Gating) -> tuple[tuple[float, float], tuple[float, float]]:
    return of_left_over(gating, gating.populations["DN T"])


def _joined(counting: tuple[float, float], own: float, ends: tuple[float, float] = (0.0, 0.0)) -> tuple[float, float]:
    """Return how far below and above a share counting, the floor and ends, on the logit scale, reach."""
    share, middle = own / TOTAL, math.log((own + 0.5) / (TOTAL - own + 0.5))
    away = [abs(math.log(limit / (1 - limit)) - middle) for limit in counting]
    down, up = (math.hypot(counted, FLOOR, end) for counted, end in zip(away, ends, strict=True))
    lower, upper = (1 / (1 + math.exp(-end)) for end in (middle - down, middle + up))
    return share - lower, upper - share


def test_dead_cells_that_are_told_are_taken_off(gating: Gating) -> None:
    """Of the DN T found all but 120 are dead: R: qbeta(c(0.025, 0.975), 120.5, 4568.5)."""
    cells = gating.populations["DN T"]
    dead = cells.mask & (np.cumsum(cells.mask) > 120)
    assert np.count_nonzero(dead) == cells.events - 120 > 20
    (lower, upper), _ = _limits(replace(gating, dead={"DN T": dead}))
    down, _ = _joined((0.0213646178128, 0.0304152868969), 120)
    assert lower == pytest.approx(120 / TOTAL - math.hypot(down, 1.959964 * 1.7e-4), abs=1e-8)
    assert upper == max(cells.events / TOTAL, upper)


def test_limits_are_exact_where_none_are_found(gating: Gating) -> None:
    """R: binom.test(0, 4688)."""
    none = replace(gating.populations["DN T"], mask=np.zeros_like(gating.populations["DN T"].mask))
    found = all_moved_again(replace(gating, populations={**gating.populations, "DN T": none}))
    (lower, upper), _ = _limits(found)
    middle = math.log(0.5 / (TOTAL + 0.5))
    up = math.hypot(math.log(0.000786567510129 / (1 - 0.000786567510129)) - middle, FLOOR)
    assert lower == 0
    assert upper == pytest.approx(math.hypot(1 / (1 + math.exp(-middle - up)), 1.959964 * 1.7e-4), rel=1e-6)


def _with_dim_ones(gating: Gating, number: int) -> tuple[Gating, np.ndarray]:
    """Return a tube of which some DN T lie on the last tenth of the way up to the cut of CD4, and which."""
    cut, mask = gating.cuts["CD4", "CD3+"], gating.populations["DN T"].mask
    some = mask & (np.cumsum(mask) <= number)
    values = {**gating.values, "CD4": np.where(some, 0.95 * cut.threshold, gating.values["CD4"]).astype(np.float32)}
    cuts = {**gating.cuts, ("CD4", "CD3+"): cut._replace(lower=0.9 * cut.threshold)}
    return all_moved_again(replace(gating, values=values, cuts=cuts)), some


# 6 cells on the last tenth stand for 60, of which 30 to 57 are gained, 7.25 by each. Of 3,043 that bear CD4 18.258 were
# beforehand: 18.258 / (18.258 + 10 / 3) = 0.845617 of 6.25, 5.285107, lie further down for each of 6 1/3, or of 1/3.
GAINED, EITHER_WAY, BY_CHANCE = 39.472346, 0.95 * 13.5 * 0.845617, math.sqrt(33.472346 * 6.285107)
BY_NONE, BY_CHANCE_OF_NONE = 1.761702, math.sqrt(1.761702 * 6.285107)


def _lowest(own: float, gained: float, *spread: float) -> float:
    """Return the lower limit of what is left of some when others are taken off."""
    left = own - gained
    down, _ = _joined(scalar(jeffreys(left, TOTAL)), left)
    return left / TOTAL - math.hypot(down, *(one / TOTAL for one in spread), 1.959964 * 1.7e-4)


def test_what_lies_beside_a_cut_tells_what_is_gained(gating: Gating) -> None:
    found, _ = _with_dim_ones(gating, 6)
    own = gating.populations["DN T"].events
    (lower, _), _ = _limits(found)
    assert lower == pytest.approx(_lowest(own, GAINED, EITHER_WAY, 1.959964 * BY_CHANCE), abs=1e-8)


def test_dead_cells_beside_a_cut_tell_no_more_than_none_would(gating: Gating) -> None:
    found, some = _with_dim_ones(gating, 6)
    own = gating.populations["DN T"].events
    (lower, _), _ = _limits(replace(found, dead={"DN T": some}))
    assert lower == pytest.approx(_lowest(own - 6, BY_NONE, 1.959964 * BY_CHANCE_OF_NONE), abs=1e-8)
    none, _ = _with_dim_ones(gating, 0)
    told = below_cuts(none, "DN T", "CD3+")
    assert told is not None
    assert told["CD4 of CD3+"] == pytest.approx((BY_NONE / TOTAL, BY_CHANCE_OF_NONE / TOTAL))


def test_few_that_bear_the_marker_leave_few_below_its_cut(gating: Gating) -> None:
    """120 bear CD8, all others are dark: 0.72 / (0.72 + 10 / 3) of 6.25 by a third of a cell."""
    cut, whole = gating.cuts["CD8", "CD3+"], gating.populations["CD3+"].mask
    bright = whole & (np.cumsum(whole & ~gating.populations["DN T"].mask) <= 120) & ~gating.populations["DN T"].mask
    values = {**gating.values, "CD8": np.where(bright, 2 * cut.threshold, 0.0).astype(np.float32)}
    cuts = {**gating.cuts, ("CD8", "CD3+"): cut._replace(lower=0.9 * cut.threshold)}
    told = below_cuts(all_moved_again(replace(gating, values=values, cuts=cuts)), "DN T", "CD3+")
    assert told is not None
    assert told["CD8 of CD3+"] == pytest.approx((0.370066 / TOTAL, math.sqrt(0.370066 * 2.110197) / TOTAL))


def test_what_others_tell_is_told_again_with_a_cut_at_its_end(gating: Gating) -> None:
    """6 cells beside the cut of CD4 tell what is gained. All lie below the upper end of the cut of CD3.

    With that cut there they are gone, and what they tell: of the others as much is gained as by none.
    """
    found, some = _with_dim_ones(gating, 6)
    cut, own = gating.cuts["CD3", "lymphocytes"], gating.populations["DN T"].events
    values = {**found.values, "CD3": np.where(some, 1.05 * cut.threshold, np.maximum(found.values["CD3"], 0))}
    rest = gating.populations["CD3+"].mask & ~some
    values["CD3"] = np.where(rest, np.maximum(values["CD3"], 2 * cut.threshold), values["CD3"]).astype(np.float32)
    cuts = {**found.cuts, ("CD3", "lymphocytes"): cut._replace(upper=1.1 * cut.threshold)}
    (_, upper), _ = _limits(all_moved_again(replace(found, values=values, cuts=cuts)))
    left, there, whole = own - GAINED, own - 6 - BY_NONE, TOTAL - 6
    end = math.log((there + 0.5) / (whole - there + 0.5)) - math.log((left + 0.5) / (TOTAL - left + 0.5))
    _, up = _joined(scalar(jeffreys(left, TOTAL)), left, (0.0, end))
    spread = math.hypot(EITHER_WAY, 1.959964 * BY_CHANCE) / TOTAL
    assert upper == pytest.approx(left / TOTAL + math.hypot(up, spread, 1.959964 * 1.7e-4), abs=1e-8)
