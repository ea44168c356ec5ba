import numpy as np
import pytest

from tilseq.cytokines.least_squares import least_squares


def test_steps_that_overshoot_are_taken_back():
    """Least of arctan(x) ** 2 and of (x - 2) ** 2: from 3 the first step leads to -9.4, which is worse."""
    asked = []

    def normal(at):
        asked.append(at)
        x = at[:, 0]
        residual = np.array([np.arctan(x[0]), x[1] - 2])
        slope = np.array([1 / (1 + x[0] ** 2), 1.0])
        return residual**2, (slope * residual)[:, None], (slope**2)[:, None, None]

    found = least_squares(normal, np.array([[3.0], [50.0]]), gain=1e-12, steps=100)
    assert found == pytest.approx(np.array([[0.0], [2.0]]), abs=1e-6)
    assert asked[1][0, 0] < -9
    one = least_squares(
        lambda at: tuple(part[:1] for part in normal(np.vstack([at, [[2.0]]]))),
        np.array([[3.0]]),
        gain=1e-12,
        steps=100,
    )
    assert one == pytest.approx(np.array([[0.0]]), abs=1e-6)
