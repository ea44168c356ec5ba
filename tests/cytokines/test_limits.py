"""Limits and intervals by hand: signal = 100 + 900 x / (50 + x), so x = 50 (signal - 100) / (1000 - signal)."""

from dataclasses import replace

import numpy as np
import pytest

from tilseq.cytokines.concentrations import Content, concentrations_of
from tilseq.cytokines.curve import Curve
from tilseq.cytokines.curve_rows import CurveOf
from tilseq.cytokines.limits import Level, Limits, limits_of
from tilseq.cytokines.standards import Spread, Standard

CURVE = Curve("4PL", np.log([100, 900, 50, 1]))
SPREAD = Spread(0.02, 0.03, 0.03)


def back(signal):
    return 50 * (signal - 100) / (1000 - signal)


def standard(*blanks):
    blank = [-np.inf] * len(blanks)
    return Standard(
        np.array([np.log(800), np.log(2), *blank]),
        np.log([950.0, 134.6, *blanks]),
        np.full(2 + len(blanks), 0.04),
        np.arange(2 + len(blanks)),
    )


def level(place, conc, *, recovery=1.0, cv=0.05, reading_cv=0.1):
    return Level(place, np.log(conc), np.log(conc), 2, np.log(recovery * conc), cv, reading_cv, np.log(conc), 0.0, 0.1)


def test_limit_of_detection_is_two_standard_deviations_above_the_blanks():
    told = limits_of(standard(101.0, 103.0), CURVE, [level(0, 800), level(1, 2)], SPREAD)
    # Beads 0.04 and reading 0.03 make 0.05; the geometric mean of the blanks is 102.0.
    signal = np.sqrt(101 * 103) * np.exp(0.1)
    assert np.exp(told.log_signal_lod) == pytest.approx(signal)
    assert np.exp(told.llod) == pytest.approx(back(signal))
    assert np.exp([told.lloq, told.uloq]) == pytest.approx([2, 800])


def test_without_blanks_it_is_the_lowest_standard_at_least():
    told = limits_of(standard(), CURVE, [level(0, 800), level(1, 4)], SPREAD)
    assert np.exp([told.llod, told.lloq]) == pytest.approx([4, 4])
    assert np.exp(told.log_signal_lod) == pytest.approx(100 + 900 * 4 / 54)


@pytest.mark.parametrize(
    "off",
    [{"recovery": 1.27}, {"recovery": 0.74}, {"recovery": np.inf}, {"cv": 0.21}, {"reading_cv": 0.26}],
)
def test_a_standard_that_fails_is_no_limit(off):
    inner = [level(1, 400), level(2, 8)]
    told = limits_of(standard(101.0), CURVE, [level(0, 800, **off), *inner, level(3, 2, **off)], SPREAD)
    assert np.exp([told.lloq, told.uloq]) == pytest.approx([8, 400])


def test_the_lowest_standard_may_be_off_by_a_quarter_and_lies_above_the_limit_of_detection():
    levels = [level(0, 800, recovery=1.23), level(1, 400), level(2, 8), level(3, 2, recovery=1.23), level(4, 0.4)]
    told = limits_of(standard(101.0), CURVE, levels, SPREAD)
    assert np.exp([told.lloq, told.uloq]) == pytest.approx([2, 400])


def test_no_range_with_one_standard_alone():
    told = limits_of(standard(101.0), CURVE, [level(0, 800, cv=0.5), level(1, 8)], SPREAD)
    assert (told.lloq, told.uloq) == (np.inf, -np.inf)


def wells(*signals, se=0.03):
    names = ("plate", "sample", "analyte", "role", "verdict", "beads", "reason", "level")
    row = dict(zip(names, ("P", "S", "A", "sample", "pass", 60, None, None), strict=True))
    return [
        Content(row | {"well": f"A{n}", "signal": signal, "signal_se_log": se}, 2.0, None, None)
        for n, signal in enumerate(signals)
    ]


def of(covariance):
    limits = Limits(np.log(105), np.log(0.3), np.log(1), np.log(1e3))
    return CurveOf(CURVE, covariance, [level(0, 1e3), level(1, 1)], limits, False, ())


def half_width(signals, covariance, spread):
    _, samples = concentrations_of(wells(*signals), {"A": of(covariance)}, spread, {})
    assert samples[0]["status"] == "quantified"
    return np.log(samples[0]["upper"] / samples[0]["lower"]) / 2


def test_width_of_an_interval_by_hand():
    """At 550, in the middle, ln signal rises by 450 * 0.5 / 550 with ln x; one well has no replicate to tell more."""
    spread, rise = Spread(0.03, 0.04, 0.02), 450 * 0.5 / 550
    quantile = 2.446912  # of Student's t of 6 degrees of freedom, R: qt(0.975, 6)
    variance = 0.03**2 + 0.02**2 + rise**2 * (0.03**2 + 0.04**2)
    # The curve is not straight, and ends lie on a grid of steps of 0.007, outward.
    assert half_width([550.0], np.zeros((5, 5)), spread) == pytest.approx(quantile * np.sqrt(variance) / rise, rel=0.04)
    # ln midpoint known to 0.1 alone adds as much to ln x; the rest of the covariance is 0.
    middle = np.diag([0, 0, 0.01, 0, 0])
    wider = np.sqrt(variance / rise**2 + 0.01)
    assert half_width([550.0], middle, spread) == pytest.approx(quantile * wider, rel=0.04)


def test_width_of_the_mean_of_two_wells_by_hand():
    """Two wells alike leave the sum of squares below what is read of them; 6 + 1 degrees of freedom, qt(0.975, 7)."""
    spread, rise = Spread(0.03, 0.04, 0.02), 450 * 0.5 / 550
    read = (0.03**2 + 0.02**2) / rise**2
    between = (6 * (0.03**2 + 0.04**2) - read) / 7
    expected = 2.364624 * np.sqrt((read + between) / 2)
    assert half_width([550.0, 550.0], np.zeros((5, 5)), spread) == pytest.approx(expected, rel=0.04)


def test_analytes_of_one_sample_tell_its_volume_once():
    """A second analyte with the same signals tells nothing more of how wells differ: widths are those of one."""
    spread, one = Spread(0.03, 0.04, 0.02), wells(500.0, 620.0)
    other = [replace(well, row=well.row | {"analyte": "B"}) for well in one]
    curve = of(np.zeros((5, 5)))
    _, alone = concentrations_of(one, {"A": curve}, spread, {})
    _, both = concentrations_of([*one, *other], {"A": curve, "B": curve}, spread, {})
    assert [(row["lower"], row["upper"]) for row in both] == [(alone[0]["lower"], alone[0]["upper"])] * 2


@pytest.mark.parametrize(
    ("signal", "status", "limit"), [(116.0, "detected_below_loq", 1.555), (104.0, "not_detected", 0.774)]
)
def test_below_range_a_sample_lies_below_the_end_of_its_own_interval(signal, status, limit):
    """Limits of the range are 1 and 0.3; an end lies where the curve is 2.447 (qt(0.975, 6)) standard deviations above.

    Signal 116 is 0.905. At 1.555 the curve is 127.1, ln(127.1 / 116) = 0.0917 above, its steepness 0.208, and the
    standard deviation of a well sqrt(0.03^2 + 0.02^2 + 0.208^2 (0.03^2 + 0.04^2)) = 0.0375: 2.447 of these are 0.0917.
    At 0.774 it is 113.7, 0.0894 above 104, as are 2.447 of 0.0365.
    """
    _, samples = concentrations_of(wells(signal), {"A": of(np.zeros((5, 5)))}, Spread(0.03, 0.04, 0.02), {})
    assert samples[0]["status"] == status
    assert samples[0]["limit_pg_per_ml"] == pytest.approx(2 * limit, rel=0.01)
