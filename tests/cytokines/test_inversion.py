import numpy as np
import pytest
from scipy.optimize import brentq

from tilseq.cytokines.curve import Curve
from tilseq.cytokines.inversion import Errors, Inversion

# bottom 100, rise 90,000, midpoint 1,500, slope 1.1, asymmetry 0.8
CURVE = Curve("5PL", np.log([100, 90_000, 1_500, 1.1, 0.8]))


def signal(log_conc):
    return np.log(100 + 90_000 / (1 + (1_500 / np.exp(log_conc)) ** 1.1) ** 0.8)


@pytest.mark.parametrize("pg_per_ml", [5.0, 200.0, 8_000.0])
@pytest.mark.parametrize("wells", [1, 8])
def test_limits_are_where_the_curve_leaves_the_signal_by_the_critical_number_of_errors(pg_per_ml, wells):
    """Limits of precise wells by bisection of the curve written out, its steepness by differences."""
    read, between, critical, se = 0.005, 0.01, 2.1, 0.003
    told = Inversion(CURVE, Errors(np.zeros((5, 5)), between**2, read**2, critical), np.log(2), np.log(1e4))
    seen = float(signal(np.log(pg_per_ml)))
    at, lower, upper = told.interval(np.full(wells, seen), np.full(wells, se))

    def beyond(log_conc):
        steep = (signal(log_conc + 1e-5) - signal(log_conc - 1e-5)) / 2e-5
        sd = np.sqrt((se**2 + read**2 + (between * steep) ** 2) / wells)
        return abs(seen - signal(log_conc)) - critical * sd

    middle = np.log(pg_per_ml)
    assert at == pytest.approx(middle, abs=1e-9)
    assert lower == pytest.approx(brentq(beyond, middle - 1, middle), abs=2e-4)
    assert upper == pytest.approx(brentq(beyond, middle, middle + 1), abs=2e-4)
