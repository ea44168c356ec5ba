"""Against nls of R, see tests/oracles/standard_curve.R."""

import numpy as np
import pytest

from tests.cytokines.curves import plate
from tilseq.cytokines import quantify
from tilseq.cytokines.curve import Curve
from tilseq.cytokines.fit import fit_curve
from tilseq.errors import AnalysisError

LOG_CONC = np.array([*[np.log(10_000 / 4**k) for k in range(7)] * 2, -np.inf, -np.inf])
LOG_SIGNAL = np.array(
    [10.798049, 10.064695, 8.807682, 7.117764, 5.450081, 4.734320, 4.502306]
    + [10.728049, 10.134695, 8.727682, 7.067764, 5.540081, 4.684320, 4.552306, 4.477337, 4.532599]
)
SD = np.array([*[0.03, 0.03, 0.05, 0.05, 0.08, 0.05, 0.03] * 2, 0.04, 0.04])
# Parameters (ln bottom, ln(top - bottom), ln midpoint, ln slope, ln asymmetry) and weighted sum of squares.
R = {
    "4PL": ([4.4819072885, 10.9304920349, 7.9936562607, 0.2907591568], 16.35524283),
    "5PL": ([4.498388990965, 11.074702839233, 7.804176277192, 0.007395663009, 0.363432464914], 11.28358084),
}


@pytest.mark.parametrize("model", ["4PL", "5PL"])
def test_parameters_are_those_of_r(model):
    curve = fit_curve(LOG_CONC, LOG_SIGNAL, SD, model)
    theta, squares = R[model]
    # Parameters themselves, not their logarithms, within 1e-4 of each other.
    assert np.exp(curve.theta) == pytest.approx(np.exp(theta), rel=1e-4)
    assert np.sum(((curve.log_signal(LOG_CONC) - LOG_SIGNAL) / SD) ** 2) == pytest.approx(squares, rel=1e-5)


def test_names_of_the_parameters():
    curve = Curve("5PL", np.log([100, 900, 50, 2, 3]))
    named = (curve.bottom, curve.top, curve.midpoint, curve.slope, curve.asymmetry)
    assert named == pytest.approx((100, 1000, 50, 2, 3))
    # At the midpoint the bound share is 1 / 2 ** asymmetry.
    assert np.exp(curve.log_signal(np.log(50))) == pytest.approx(100 + 900 / 8)
    assert np.exp(curve.log_signal(-np.inf)) == pytest.approx(100)
    assert Curve("4PL", np.log([100, 900, 50, 2])).asymmetry == 1


@pytest.mark.parametrize("model", ["4PL", "5PL"])
def test_derivatives_are_those_of_differences(model):
    theta, x, step = np.log([80, 60_000, 2_500, 1.2, 1.4])[: 4 + (model == "5PL")], np.log([1.0, 100.0, 8_000.0]), 1e-6
    curve = Curve(model, theta)
    rise = (curve.log_signal(x + step) - curve.log_signal(x - step)) / (2 * step)
    assert curve.steepness(x) == pytest.approx(rise, rel=1e-5)
    for k in range(len(theta)):
        moved = [Curve(model, theta + sign * step * np.eye(len(theta))[k]).log_signal(x) for sign in (1, -1)]
        assert curve.gradient(x)[:, k] == pytest.approx((moved[0] - moved[1]) / (2 * step), rel=1e-4, abs=1e-8)


def test_inverse():
    curve = Curve("5PL", np.log([80, 60_000, 2_500, 1.2, 1.4]))
    x = np.log([5.0, 200.0, 9_000.0])
    assert curve.inverse(curve.log_signal(x)) == pytest.approx(x, abs=1e-9)
    assert curve.inverse(np.log([79.0, 70_000.0])).tolist() == [-np.inf, np.inf]


@pytest.mark.parametrize(
    ("log_conc", "log_signal", "sd", "model", "told"),
    [
        ([0.0, np.nan, 2.0], [1.0, 2.0, 3.0], [0.1] * 3, "4PL", "cannot be fitted"),
        ([0.0, 1.0, 2.0], [1.0, np.nan, 3.0], [0.1] * 3, "4PL", "cannot be fitted"),
        ([0.0, 1.0, 2.0], [1.0, 2.0, 3.0], [0.1, 0.0, 0.1], "5PL", "cannot be fitted"),
        ([0.0, 1.0, 2.0], [1.0, 2.0], [0.1] * 3, "5PL", "cannot be fitted"),
        ([-np.inf] * 3, [1.0, 2.0, 3.0], [0.1] * 3, "5PL", "cannot be fitted"),
        ([0.0, 1.0, 2.0], [1.0, 2.0, 3.0], [0.1] * 3, "6PL", "no such model.*found '6PL'; expected 4PL, 5PL"),
    ],
)
def test_what_is_no_number_is_not_fitted(log_conc, log_signal, sd, model, told):
    with pytest.raises(AnalysisError, match=told):
        fit_curve(log_conc, log_signal, sd, model)


def test_a_model_that_is_not_there_is_refused():
    with pytest.raises(AnalysisError, match="no such model of a standard curve; found '6PL'; expected 4PL, 5PL"):
        quantify(*plate(np.random.default_rng(11), {"S": 400.0}), model="6PL")
