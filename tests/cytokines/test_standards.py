from dataclasses import replace

import numpy as np
import pytest

from benchmarks import cytokine_coverage
from tests.cytokines.curves import CURVES, LEVELS, signal, standards
from tilseq.cytokines import quantify
from tilseq.cytokines.curve import parts_of
from tilseq.cytokines.standards import Standard, fit_standards
from tilseq.io.kits import read_kits


def test_a_level_off_by_a_tenth_is_found_within_two_points():
    found, others = [], []
    for seed in range(8):
        off = np.zeros(LEVELS)
        off[3] = np.log(1.1)
        told, level_of, true = standards(np.random.default_rng(seed), off)
        fitted = fit_standards(told, level_of)
        gap = np.exp(fitted.levels - true) - 1
        found.append(gap[3])
        others.append(np.delete(gap, 3))
    assert abs(np.mean(found)) < 0.02
    assert np.mean(np.abs(found)) < 0.03
    assert np.mean(np.abs(others)) < 0.03


@pytest.mark.parametrize("level", [1, 3, 6])
def test_an_error_that_is_told_vaguely_is_found_as_well(level):
    """Signals without noise that are said to have some: what is found differs from the truth by the priors alone."""
    off = np.zeros(LEVELS)
    off[level] = np.log(1.1)
    told, level_of, true = standards(np.random.default_rng(0), off, well=0, own=0, reading=0)
    vague = {name: replace(one, se=np.full(len(one.se), 0.03)) for name, one in told.items()}
    found = fit_standards(vague, level_of).errors
    assert np.exp(found.median[level]) == pytest.approx(1.1, abs=0.02)
    assert ((found.lower < true) & (true < found.upper)).all()


def test_intervals_of_dilution_errors_cover():
    hits = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        off = np.array([0, *(0.25 * rng.standard_normal(LEVELS - 1))])
        told, level_of, true = standards(rng, off, well=0.06, own=0.06)
        fitted = fit_standards(told, level_of)
        hits.append((fitted.errors.lower <= true) & (true <= fitted.errors.upper))
    assert np.mean(hits) > 0.8  # 84 levels, those of one plate together


def test_a_4pl_is_taken_on_positive_evidence_alone():
    gaps = []
    for seed in (2, 3):
        told, level_of, _ = standards(np.random.default_rng(seed), np.zeros(LEVELS))
        fitted = fit_standards(told, level_of)
        for name, curve in fitted.curves.items():
            gaps.append(fitted.criteria[name]["5PL"] - fitted.criteria[name]["4PL"])
            assert curve.model == ("4PL" if gaps[-1] > 2 else "5PL")
    assert any(0.5 < gap < 1.5 for gap in gaps)
    assert max(gaps) > 2


def test_what_readings_scatter_by_is_seen_and_explains_the_residuals():
    told, level_of, _ = standards(np.random.default_rng(3), np.zeros(LEVELS), well=0.005, own=0.005, reading=0.06)
    fitted = fit_standards(told, level_of)
    assert fitted.spread.reading == pytest.approx(0.06, abs=0.015)
    assert np.mean(list(fitted.residual_sd.values())) == pytest.approx(1, abs=0.2)


def test_what_beads_explain_is_not_that_of_the_reading():
    told, level_of, _ = standards(np.random.default_rng(3), np.zeros(LEVELS), well=0.005, own=0.005, reading=0.06)
    beads = {name: replace(one, se=np.full(len(one.se), 0.06)) for name, one in told.items()}
    assert fit_standards(beads, level_of).spread.reading < 0.03


@pytest.mark.parametrize(("own", "reading"), [(0.0, 0.06), (0.08, 0.0)])
def test_of_two_spreads_either_may_be_none(own, reading):
    for seed in range(6):
        told, level_of, _ = standards(np.random.default_rng(seed), np.zeros(LEVELS), own=own, reading=reading)
        spread = fit_standards(told, level_of).spread
        if own:
            assert spread.own == pytest.approx(own, abs=0.025)
        else:
            assert spread.reading == pytest.approx(reading, abs=0.02)


@pytest.mark.parametrize(("own", "well"), [(0.08, 0.02), (0.05, 0.15)])
def test_the_spread_of_an_analyte_is_not_that_of_residuals_which_fits_made_smaller(own, well):
    found = []
    for seed in range(16):
        told, level_of, _ = standards(np.random.default_rng(seed), np.zeros(LEVELS), own=own, well=well, reading=0.01)
        found.append(fit_standards(told, level_of).spread.own)
    # Of 16 points of an analyte the curve takes 5; levels, and volumes where these scatter most, 6 to 14 of 64.
    assert np.sqrt(np.mean(np.square(found))) == pytest.approx(own, rel=0.12)


def test_nor_where_the_curve_takes_more_than_half_of_the_points():
    """Nine wells, none twice, of one analyte: that a curve of five parameters lies near them tells little."""
    once = np.r_[0 : 2 * LEVELS : 2, 2 * LEVELS, 2 * LEVELS + 1]
    found = []
    for seed in range(40):
        told, level_of, _ = standards(np.random.default_rng(seed), np.zeros(LEVELS), own=0.1, well=0.005, reading=0.01)
        one = Standard(told["A"].log_conc[once], told["A"].log_signal[once], told["A"].se[once], np.arange(len(once)))
        found.append(fit_standards({"A": one}, np.array(level_of)[once].tolist(), model="5PL").spread.own)
    assert 0.09 < np.sqrt(np.mean(np.square(found))) < 0.15


def test_curves_are_those_of_one_more_round(monkeypatch):
    """On this plate spreads of wells and of the reading took turns, and the top with them: 79,400, 79,900, 79,400."""
    sheet, beads = cytokine_coverage.plate(np.random.default_rng([2024, 150]), 150, tuple(cytokine_coverage.CURVES)[:1])
    tops = []
    for rounds in (30, 31):
        monkeypatch.setattr("tilseq.cytokines.standards.ROUNDS", rounds)
        tops += quantify(sheet, beads, read_kits()).curves["top"].to_list()
    assert tops[1] == pytest.approx(tops[0], rel=1e-4)


def test_covariances_hold_what_volumes_do_to_all_concentrations():
    """The mean of the 14 volumes shifts every concentration, and nothing tells it."""
    told, level_of, _ = standards(np.random.default_rng(4), np.zeros(LEVELS), well=0.1, own=0.02)
    fitted = fit_standards(told, level_of, model="5PL", shared=False)
    for analyte, curve in fitted.curves.items():
        middle = curve.theta[2]
        gradient = curve.gradient(middle)[0]
        variance = gradient @ fitted.covariances[analyte] @ gradient / curve.steepness(middle)[0] ** 2
        assert np.sqrt(variance) > fitted.spread.well / np.sqrt(14)


@pytest.mark.parametrize("analytes", ["A", "AB"])
def test_covariances_hold_what_levels_may_be_off_by_where_none_is_told(analytes):
    gaps = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        own, steps = 0.25 * rng.standard_normal(LEVELS - 1), 0.1 * rng.standard_normal(LEVELS - 1)
        told, level_of, _ = standards(rng, np.array([0, *(own + np.cumsum(steps))]), own=0.06)
        fitted = fit_standards({name: told[name] for name in analytes}, level_of)
        for conc in (30.0, 300.0):
            at, curve = np.log(conc), fitted.curves["A"]
            gradient = parts_of(np.resize(np.append(curve.theta, 0), (1, 5)), np.array([at]))[2][0]
            variance = gradient @ fitted.covariances["A"] @ gradient
            gaps.append((curve.log_signal(at)[0] - np.log(signal("A", conc))) / np.sqrt(variance))
    # As if levels were right 2.8 and 2.5. Not 1: a level of one analyte that is off looks like scatter of its own,
    # which is in the intervals of samples.
    assert 0.8 < np.sqrt(np.mean(np.square(gaps))) < 1.6


def test_covariances_hold_an_error_of_one_step_that_carries_on():
    """One step of the series 10 % off makes all levels below it so: limits of levels and curves hold it."""
    hits, gaps = [], []
    for seed in range(15):
        rng = np.random.default_rng(seed)
        off = np.where(np.arange(LEVELS) >= 2 + seed % 4, np.log(1.1), 0)
        told, level_of, true = standards(rng, off)
        fitted = fit_standards(told, level_of)
        hits.append((fitted.errors.lower <= true) & (true <= fitted.errors.upper))
        for analyte, curve in fitted.curves.items():
            at = np.log(30.0)
            gradient = parts_of(np.resize(np.append(curve.theta, 0), (1, 5)), np.array([at]))[2][0]
            variance = gradient @ fitted.covariances[analyte] @ gradient
            gaps.append((curve.log_signal(at)[0] - np.log(signal(analyte, 30.0))) / np.sqrt(variance))
    assert np.mean(hits) > 0.9
    # Where no error that carries on was allowed for: 0.73 of the levels, and 3.2.
    assert np.sqrt(np.mean(np.square(gaps))) < 1.3


def test_without_a_shared_error_levels_are_right():
    off = np.log([1, 1.4, 0.7, 1.3, 0.8, 1, 1])
    told, level_of, true = standards(np.random.default_rng(1), off)
    apart, shared = fit_standards(told, level_of, shared=False), fit_standards(told, level_of)
    assert apart.levels == pytest.approx(np.zeros(LEVELS), abs=0.06)
    # Each step from a level to the next, of which a common power takes nothing that matters here.
    assert np.diff(shared.levels[1:5]) == pytest.approx(np.diff(true[1:5]), abs=0.2)
    assert shared.spread.own < apart.spread.own


def test_one_analyte_tells_no_shared_error():
    off = np.log([1, 1.4, 0.7, 1.3, 0.8, 1, 1])
    told, level_of, _ = standards(np.random.default_rng(1), off)
    fitted = fit_standards({"A": told["A"]}, level_of)
    assert fitted.levels == pytest.approx(np.zeros(LEVELS), abs=0.05)


def test_curves_come_back_and_the_criterion_takes_the_simpler():
    told, level_of, _ = standards(np.random.default_rng(2), np.zeros(LEVELS), well=0.005, own=0.005, reading=0.005)
    fitted = fit_standards(told, level_of)
    assert fitted.curves["B"].model == "4PL"
    for analyte, (bottom, rise, *_) in CURVES.items():
        curve = fitted.curves[analyte]
        assert curve.bottom == pytest.approx(bottom, rel=0.05)
        assert curve.top == pytest.approx(bottom + rise, rel=0.15)
    set_by_hand = fit_standards(told, level_of, model="5PL")
    assert {curve.model for curve in set_by_hand.curves.values()} == {"5PL"}
