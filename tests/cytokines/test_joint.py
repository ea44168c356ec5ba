"""Derivatives of the joint fit against differences, and the fit against nls of R: see tests/oracles/joint_curves.R."""

import numpy as np
import pytest

from tests.cytokines.curves import CURVES, signal
from tilseq.cytokines.curve import parts_of
from tilseq.cytokines.joint import VAGUE, Points, fit_curves, joint

NOMINAL = np.log([10_000 / 4**k for k in range(7)] + [0.5])
FREE = np.ones((4, 5), bool)
ERRORS = np.array([0, 0.1, -0.05, 0.2, 0, -0.1, 0.05])
SD = np.array([*[0.03, 0.03, 0.05, 0.05, 0.08, 0.05, 0.03] * 2, 0.04, 0.04])
LOG_SIGNAL = np.array(
    [10.789971, 10.102530, 8.654576, 7.220312, 5.295242, 4.656367, 4.492728]
    + [10.719971, 10.172530, 8.574576, 7.170312, 5.385242, 4.606367, 4.542728, 4.509810, 4.469810]
    + [10.514250, 10.517679, 10.105857, 9.522389, 8.483832, 7.199086, 6.307727]
    + [10.584250, 10.447679, 10.185857, 9.572389, 8.393832, 7.249086, 6.257727, 4.777492, 4.817492]
)
# Parameters as of `Curve`, and their standard errors.
R = np.array(
    [
        [4.4902898684543, 11.0478647647711, 7.8521195033401, 0.0615835093159, 0.3321246372189],
        [4.7966334159198, 10.5826403333873, 6.0671257990647, 0.0548312368542, -0.1743000537344],
    ]
)
R_ERRORS = np.array(
    [
        [0.0177035583103, 0.0748327303742, 0.1114863561265, 0.1073168120395, 0.1428660322248],
        [0.0282480738093, 0.0266829485109, 0.1231768140393, 0.1081235303463, 0.1328145111908],
    ]
)


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(3)
    conc = np.array([*NOMINAL, -np.inf])
    logs = np.concatenate([np.log(signal(name, np.exp(conc))) for name in CURVES]) + 0.02 * rng.standard_normal(36)
    well = np.array([*range(8), -1])
    return Points(np.tile(conc, 4), logs, np.full(36, 0.02), np.repeat(np.arange(4), 9), np.tile(well, 4), 8)


def test_curves_at_known_errors_are_those_of_r():
    conc, well = np.array([*NOMINAL[:7], *NOMINAL[:7], -np.inf, -np.inf]), np.array([*range(14), -1, -1])
    plate = Points(np.tile(conc, 2), LOG_SIGNAL, np.zeros(32), np.repeat([0, 1], 16), np.tile(well, 2), 14)
    sd, errors, free = np.tile(SD, 2), np.tile(ERRORS, 2), FREE[:2]
    theta = fit_curves(plate, plate.usual(), free, errors, sd)
    # A search ends where a step gains less than a ten millionth: parameters themselves, not their logarithms.
    assert np.exp(theta) == pytest.approx(np.exp(R), rel=1e-3)
    variances = np.diagonal(joint(plate, R, free, errors, sd).inner, axis1=1, axis2=2)
    assert np.sqrt(variances) == pytest.approx(R_ERRORS, rel=1e-4)


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
