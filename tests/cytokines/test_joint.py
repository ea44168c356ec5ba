"""Derivatives of the joint fit against differences."""

import numpy as np
import pytest

from tests.cytokines.curves import CURVES, signal
from tilseq.cytokines.curve import parts_of
from tilseq.cytokines.joint import VAGUE, Points, fit_curves, joint

NOMINAL = np.log([10_000 / 4**k for k in range(7)] + [0.5])
FREE = np.ones((4, 5), bool)


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(3)
    conc = np.array([*NOMINAL, -np.inf])
    logs = np.concatenate([np.log(signal(name, np.exp(conc))) for name in CURVES]) + 0.02 * rng.standard_normal(36)
    well = np.array([*range(8), -1])
    return Points(np.tile(conc, 4), logs, np.full(36, 0.02), np.repeat(np.arange(4), 9), np.tile(well, 4), 8)


def least(points, offsets, sd):
    """Half of the least sum of squares over all curves, and those curves."""
    start = points.usual()
    theta = fit_curves(points, start, FREE, offsets, sd)
    for _ in range(3):
        theta = fit_curves(points, theta, FREE, offsets, sd)
    value = parts_of(theta[points.analyte], points.at(offsets))[0]
    return (
        np.sum(((value - points.log_signal) / sd) ** 2) + np.sum(((theta - points.usual()) / VAGUE) ** 2)
    ) / 2, theta


def test_score_is_the_slope_of_the_least_sum_of_squares(points):
    sd, at, step = np.full(36, 0.05), np.linspace(-0.1, 0.1, 8), 1e-3
    told = joint(points, least(points, at, sd)[1], FREE, at, sd)
    for well in range(8):
        up, down = (least(points, at + sign * step * np.eye(8)[well], sd)[0] for sign in (1, -1))
        assert (told.information @ at - told.score)[well] == pytest.approx((up - down) / (2 * step), abs=0.05)


def test_cross_is_how_curves_move_with_offsets(points):
    sd, at, step = np.full(36, 0.05), np.zeros(8), 0.01
    told = joint(points, least(points, at, sd)[1], FREE, at, sd)
    for well in (0, 4):
        up, down = (least(points, at + sign * step * np.eye(8)[well], sd)[1] for sign in (1, -1))
        moved = (parts_of(theta[points.analyte], points.log_conc)[0] for theta in (up, down))
        slope = np.subtract(*moved) / (2 * step)
        foretold = np.einsum("np,np->n", told.gradient, told.cross[points.analyte, :, well])
        assert foretold == pytest.approx(slope, abs=0.02)


def test_what_is_not_fitted_stays(points):
    free = np.tile([True, True, True, True, False], (4, 1))
    theta = fit_curves(points, points.usual() + [0, 0, 0, 0, 0.7], free, np.zeros(8), np.full(36, 0.05))
    assert (theta[:, 4] == 0).all()
    assert theta[1, 2] == pytest.approx(np.log(600), abs=0.1)
