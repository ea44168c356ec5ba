"""Courses of clones against R's glm; figures are those of tests/oracles/trend.R."""

import numpy as np
import pytest

from tilseq.repertoire.log_linear import counts_of, courses, dispersion_of

DAYS = np.array([7.0, 14, 28, 42, 56, 84])
WORTH = np.array([40_000.0, 25_000, 60_000, 50_000, 30_000, 45_000])
CELLS = np.array(
    [
        [400, 130, 160, 60, 12, 3],
        [2, 3, 14, 20, 31, 120],
        [40, 28, 55, 52, 24, 50],
        [90, 20, 150, 20, 44, 15],
        [6, 1, 1, 0, 0, 0],
    ],
    float,
)
# dispersion → slope, lower, upper, signed root, a row a clone
OF_R = {
    0.0: [
        (-0.062253036029622, -0.06782173283815, -0.05689881987888, -29.173046703316),
        (0.044161177586502, 0.03794804229635, 0.05071907808098, 15.381150352416),
        (0.000667108753006, -0.00421527107567, 0.00544760181104, 0.270450719904),
        (-0.019696802331520, -0.02480623270205, -0.01477756602106, -8.276906205154),
        (-0.123397140464946, -0.25708289324687, -0.04891475078480, -4.134259064879),
    ],
    0.1: [
        (-6.30504294730e-02, -0.0776266778076, -0.04951606571415, -9.3695833066774),
        (4.71526869625e-02, 0.0339309998965, 0.06175424138122, 7.6328075823610),
        (8.32751099507e-05, -0.0104049820826, 0.01092738070236, 0.0153612621061),
        (-1.89084971247e-02, -0.0306880042712, -0.00706729778821, -3.1066160536634),
        (-1.22646277301e-01, -0.2615798233184, -0.04420021776902, -3.8473030044925),
    ],
}
QUANTILE = 1.959963984540054
SPAN = 77.0


@pytest.mark.parametrize("dispersion", OF_R)
def test_slopes_limits_and_roots_as_r(dispersion):
    found = courses(counts_of(CELLS, DAYS, WORTH), SPAN, dispersion, QUANTILE)
    np.testing.assert_allclose(np.column_stack(found), OF_R[dispersion], rtol=2e-5, atol=1e-9)


def test_the_dispersion_that_all_clones_have_in_common_as_r():
    dispersion, freedom = dispersion_of(counts_of(CELLS[:4], DAYS, WORTH))
    assert dispersion == pytest.approx(0.114550337154, rel=1e-6)
    assert freedom == 16


def test_counts_that_scatter_less_than_poisson_have_no_dispersion():
    even = np.outer([1.0, 2], WORTH / 500)
    assert dispersion_of(counts_of(even, DAYS, WORTH)) == (0, 8)
    assert dispersion_of(counts_of(CELLS[4:], DAYS, WORTH)) == (0, 0)  # fewer than a cell is expected at the end


def test_a_clone_seen_at_one_end_alone_has_no_finite_slope_and_a_limit_on_one_side():
    ends = np.array([[5.0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 5.0]])
    lost, new = (
        [
            getattr(courses(counts_of(ends, DAYS, WORTH), SPAN, 0.0, QUANTILE), name)[i]
            for name in ("slope", "lower", "upper")
        ]
        for i in range(2)
    )
    assert lost[:2] == [-np.inf, -np.inf] and -1 < lost[2] < 0
    assert new[0] == new[2] == np.inf and 0 < new[1] < 1


def test_a_slope_is_of_the_unit_of_days():
    one = courses(counts_of(CELLS, DAYS, WORTH), SPAN, 0.0, QUANTILE)
    ten = courses(counts_of(CELLS, 10 * DAYS, WORTH), 10 * SPAN, 0.0, QUANTILE)
    np.testing.assert_allclose(10 * ten.slope, one.slope, rtol=1e-9)
