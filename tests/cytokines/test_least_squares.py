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


def test_a_search_ends_where_no_step_is_a_gain():
    """Damping begins at 1e-3, is four times as much after each step in vain, and no more than 1e8: 20 steps."""
    asked = []

    def normal(at):
        asked.append(at)
        squares = np.full(1, 1.0 if len(asked) == 1 else np.nan)
        return squares, np.ones((1, 1)), np.ones((1, 1, 1))

    assert least_squares(normal, np.array([[3.0]]), gain=1e-12, steps=500).tolist() == [[3.0]]
    assert len(asked) == 1 + 20


def test_what_has_no_effect_stays():
    """Least of (x - 2) ** 2, whatever y is."""

    def normal(at):
        residual = at[:, 0] - 2
        products = np.array([[[1.0, 0.0], [0.0, 0.0]]])
        return residual**2, np.column_stack([residual, [0.0]]), products

    found = least_squares(normal, np.array([[50.0, 7.0]]), gain=1e-12, steps=100)
    assert found == pytest.approx(np.array([[2.0, 7.0]]), abs=1e-6)


def test_what_is_solved_stays_so_while_others_go_on():
    """The first gains nothing at its second step, then loses by rounding; the second halves six times."""
    first = [2.0, 1.0, 1.0] + [1.0 + 2e-16] * 60
    second = [0.5 ** min(step, 6) for step in range(60)]
    asked = []

    def normal(at):
        asked.append(at)
        squares = np.array([first[len(asked) - 1], second[len(asked) - 1]])
        return squares, np.ones((2, 1)), np.ones((2, 1, 1))

    least_squares(normal, np.zeros((2, 1)), gain=1e-12, steps=50)
    assert len(asked) == 8
