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


def _joined(counting: tuple[float, float], own: int, ends: tuple[float, float] = (0.0, 0.0)) -> tuple[float, float]:
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


def test_where_dead_cells_are_told_up_to_all_that_lie_beside_a_cut_took_the_stain_poorly(gating: Gating) -> None:
    """6 cells on the last tenth stand for 60: 30 to 50, or 30 to 60 of the living."""
    found, _ = _with_dim_ones(gating, 6)
    own = gating.populations["DN T"].events
    for dead, gained, either_way in (({}, 40, 10), ({"DN T": np.zeros(len(found.values["CD4"]), dtype=bool)}, 45, 15)):
        (lower, _), _ = _limits(replace(found, dead=dead))
        down, _ = _joined(scalar(jeffreys(own - gained, TOTAL)), own - gained)
        spread = math.hypot(0.95 * either_way, 1.959964 * math.sqrt(54), 1.959964 * 9 * math.sqrt(6)) / TOTAL
        expected = (own - gained) / TOTAL - math.hypot(down, spread, 1.959964 * 1.7e-4)
        assert lower == pytest.approx(expected, abs=1e-8)


def test_dead_cells_beside_a_cut_tell_nothing(gating: Gating) -> None:
    found, some = _with_dim_ones(gating, 6)
    living, _ = _with_dim_ones(gating, 0)
    own = gating.populations["DN T"].events
    (lower, _), _ = _limits(replace(found, dead={"DN T": some}))
    down, _ = _joined(scalar(jeffreys(own - 6, TOTAL)), own - 6)
    assert lower == pytest.approx((own - 6) / TOTAL - math.hypot(down, 1.959964 * 1.7e-4), abs=1e-8)
    assert below_cuts(living, "DN T", "CD3+") == below_cuts(gating, "DN T", "CD3+")


def test_what_others_tell_is_told_again_with_a_cut_at_its_end(gating: Gating) -> None:
    """6 cells beside the cut of CD4 stand for 60, 40 of them gained. All lie below the upper end of the cut of CD3.

    With that cut there they are gone, and so are the 40: of the others none is gained.
    """
    found, some = _with_dim_ones(gating, 6)
    cut, own = gating.cuts["CD3", "lymphocytes"], gating.populations["DN T"].events
    values = {**found.values, "CD3": np.where(some, 1.05 * cut.threshold, np.maximum(found.values["CD3"], 0))}
    rest = gating.populations["CD3+"].mask & ~some
    values["CD3"] = np.where(rest, np.maximum(values["CD3"], 2 * cut.threshold), values["CD3"]).astype(np.float32)
    cuts = {**found.cuts, ("CD3", "lymphocytes"): cut._replace(upper=1.1 * cut.threshold)}
    (_, upper), _ = _limits(all_moved_again(replace(found, values=values, cuts=cuts)))
    left, whole = own - 6, TOTAL - 6
    end = math.log((left + 0.5) / (whole - left + 0.5)) - math.log((own - 40 + 0.5) / (TOTAL - own + 40 + 0.5))
    _, up = _joined(scalar(jeffreys(own - 40, TOTAL)), own - 40, (0.0, end))
    spread = math.hypot(0.95 * 10, 1.959964 * math.sqrt(54), 1.959964 * 9 * math.sqrt(6)) / TOTAL
    assert upper == pytest.approx((own - 40) / TOTAL + math.hypot(up, spread, 1.959964 * 1.7e-4), abs=1e-8)
