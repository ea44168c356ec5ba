import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, poisson

from tilseq.errors import AnalysisError
from tilseq.flow.absolute import (
    AbsoluteCount,
    acquired_volume_ul,
    budget_in_words,
    by_beads,
    by_volume,
    check_beads,
)
from tilseq.intervals import ratio_of_counts
from tilseq.io.fcs import read_fcs
from tilseq.simulate.cytometry.faults import BEAD_LOT_CV, PIPETTE_CV, Beads
from tilseq.simulate.cytometry.panels import TBNK
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.streams import stream

OTHER_ERRORS = math.hypot(BEAD_LOT_CV, PIPETTE_CV)
Counted = tuple[float | None, float | None, float | None]


def beads_of(cells: int, beads: int, *, lot: float = BEAD_LOT_CV, pipette: float = PIPETTE_CV, gates=None):
    """50,000 beads and 50 µL: 1,000 beads per µL."""
    return by_beads(
        cells, beads, beads_per_tube=50_000, sample_volume_ul=50, lot_cv=lot, pipette_cv=pipette, gate_sd=gates
    )


def volume_of(cells: int, *, volume: float | None = 10, dilution: float | None = 1, cv=0.0, pipette=0.0, gates=None):
    return by_volume(cells, volume_ul=volume, dilution=dilution, volume_cv=cv, pipette_cv=pipette, gate_sd=gates)


def numbers(count: AbsoluteCount) -> Counted:
    return count[:3]


# Counting beads


def test_cells_over_beads_times_the_beads_per_ul() -> None:
    # By hand: 2,000 / 5,000 × 48,000 beads / 100 µL × 2.
    found = by_beads(
        2_000, 5_000, beads_per_tube=48_000, sample_volume_ul=100, lot_cv=0, pipette_cv=0, dilution=2, gate_sd=None
    )
    assert found.value == pytest.approx(384)
    assert (found.method, found.status, found.reason) == ("counting beads", "quantified", None)


# R: poisson.test(c(a, b))$conf.int
@pytest.mark.parametrize(
    ("cells", "beads", "lower", "upper"), [(10, 20, 0.209005965, 1.119183044), (300, 150, 1.638612263, 2.449609534)]
)
def test_without_other_errors_the_limits_are_exact(cells, beads, lower, upper) -> None:
    found = beads_of(cells, beads, lot=0, pipette=0)
    assert numbers(found) == pytest.approx((1_000 * cells / beads, 1_000 * lower, 1_000 * upper), rel=1e-6)


# Counting part, by hand from 1/cells + 1/beads: 5,000 cells with 1,000, 5,000 and 20,000 beads, 50 with 1,000.
@pytest.mark.parametrize(
    ("cells", "beads", "cv"),
    [(5_000, 1_000, 0.0346), (5_000, 5_000, 0.02), (5_000, 20_000, 0.0158), (50, 1_000, 0.145)],
)
def test_the_counting_part_of_the_budget(cells, beads, cv) -> None:
    budget = beads_of(cells, beads).budget
    assert math.hypot(budget["cells"], budget["beads"]) == pytest.approx(cv, rel=4e-3)


def test_the_limits_of_many_cells_are_those_of_the_sum_of_variances() -> None:
    # var(log) = 1/40,000 + 1/40,000 + 0.02² + 0.03² + 0.04² = 0.00295; 1.96 × 0.05431 = 0.10645.
    found = beads_of(40_000, 40_000, gates=0.04)
    assert numbers(found) == pytest.approx((1_000, 1_000 * math.exp(-0.10645), 1_000 * math.exp(0.10645)), rel=2e-4)
    assert found.budget == pytest.approx({"cells": 0.005, "beads": 0.005, "lot": 0.02, "pipette": 0.03, "gates": 0.04})


def left_out(count: int, other: int, ratio: float, spread: float) -> tuple[float, float]:
    """Chance of at least and of at most this count, averaged over a log-normal error of the true ratio."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(41)
    ratios = ratio * np.exp(spread * nodes)
    share, whole = ratios / (1 + ratios), weights / weights.sum()
    at_least = binom.sf(count - 1, count + other, share)
    return float(whole @ at_least), float(whole @ binom.cdf(count, count + other, share))


@pytest.mark.parametrize("beads", [20, 50, 1_000, 20_000])
@pytest.mark.parametrize("cells", [0, 1, 2, 5, 50, 5_000])
def test_the_limits_leave_out_as_much_as_the_exact_test_averaged_over_the_errors(cells, beads) -> None:
    found = beads_of(cells, beads)
    if cells:
        assert left_out(cells, beads, found.lower / 1_000, OTHER_ERRORS)[0] == pytest.approx(0.025, abs=3e-4)
    else:
        assert found.lower == 0
    assert left_out(cells, beads, found.upper / 1_000, OTHER_ERRORS)[1] == pytest.approx(0.025, abs=3e-4)


@pytest.mark.parametrize(("cells", "beads"), [(0, 1_000), (1, 1_000), (5, 50), (50, 1_000), (5_000, 20_000)])
def test_uncertain_gates_widen_the_limits_as_much_as_they_should(cells, beads) -> None:
    spread = math.hypot(OTHER_ERRORS, 0.2)
    found = beads_of(cells, beads, gates=0.2)
    if cells:
        assert left_out(cells, beads, found.lower / 1_000, spread)[0] == pytest.approx(0.025, abs=1.5e-3)
    assert left_out(cells, beads, found.upper / 1_000, spread)[1] == pytest.approx(0.025, abs=1.5e-3)


def test_no_cells_are_0_with_an_upper_limit() -> None:
    # Of the exact limit by hand: 0.025 ** (1 / 1,000) = 0.996318, so 3.69569 per 1,000 beads.
    found = beads_of(0, 1_000, lot=0, pipette=0)
    assert numbers(found) == pytest.approx((0, 0, 3.69569), rel=1e-5)
    assert beads_of(0, 1_000).upper == pytest.approx(3.7, abs=5e-3)
    assert (found.status, found.budget["cells"]) == ("not_detected", None)


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ({"beads_per_tube": None}, "the number of beads in the tube is not given"),
        ({"sample_volume_ul": None}, "the volume of specimen in the tube is not given"),
        ({"beads": 0}, "no bead was counted"),
    ],
)
def test_what_is_not_known_gives_no_number(missing, reason) -> None:
    known = {"cells": 500, "beads": 2_000, "beads_per_tube": 50_000, "sample_volume_ul": 50}
    found = by_beads(**{**known, **missing}, lot_cv=0.02, pipette_cv=0.03)
    assert (*numbers(found), found.status, found.reason) == (None, None, None, "not_evaluable", reason)


# A lot that states 1,000 beads with a CV of 2 % may hold 1,060.
@pytest.mark.parametrize(("beads", "status"), [(1_060, "quantified"), (1_061, "not_evaluable")])
def test_more_beads_than_the_tube_is_said_to_hold_give_no_number(beads, status) -> None:
    found = by_beads(500, beads, beads_per_tube=1_000, sample_volume_ul=50, lot_cv=0.02, pipette_cv=0.03)
    assert found.status == status
    if status == "not_evaluable":
        assert numbers(found) == (None, None, None)
        assert found.reason == "1061 beads counted, more than the 1000 that the tube is said to hold"


@pytest.mark.parametrize(
    ("beads", "verdict"), [(0, "fail"), (49, "fail"), (50, "warn"), (999, "warn"), (1_000, "pass"), (9_000, "pass")]
)
def test_few_beads_are_told(beads, verdict) -> None:
    row = check_beads("s1", beads)
    assert (row["sample"], row["check"], row["value"], row["verdict"]) == ("s1", "beads counted", beads, verdict)
    told = f"{beads} beads counted, fewer than 1000"
    assert row["reason"] == (told if verdict != "pass" else "enough to count by")
    if beads:
        assert beads_of(500, beads).reason == (told if verdict != "pass" else None)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"cells": -1}, "column cells: a count cannot be below 0; found -1"),
        ({"beads": -1}, "column beads: a count cannot be below 0"),
        ({"beads_per_tube": 0}, "column beads_per_tube: an amount must be above 0"),
        ({"sample_volume_ul": math.nan}, "column sample_volume_ul: an amount must be above 0"),
        ({"dilution": 0.5}, "column dilution: a dilution is final over original volume"),
        ({"lot_cv": 3}, "the CV of lot must be a fraction; found 3"),
        ({"pipette_cv": -0.01}, "the CV of pipette must be a fraction"),
        ({"gate_sd": math.inf}, "the uncertainty of gates must be a standard deviation"),
    ],
)
def test_what_cannot_be_is_refused(wrong, told) -> None:
    known = {"cells": 500, "beads": 2_000, "beads_per_tube": 5e4, "sample_volume_ul": 50, "lot_cv": 0, "pipette_cv": 0}
    with pytest.raises(AnalysisError, match=told):
        by_beads(**{**known, **wrong})


@pytest.mark.parametrize(
    ("beads_per_tube", "volume", "dilution", "found"),
    [
        (1e300, 1e-10, 1.0, "inf"),
        (1e9, 1e-300, 1e10, "inf"),
        (1e-300, 1e300, 1.0, "0 \\(0 to 0\\)"),
    ],
)
@pytest.mark.parametrize("cells", [0, 500])
def test_amounts_that_give_no_number_are_refused(cells, beads_per_tube, volume, dilution, found) -> None:
    amounts = {"beads_per_tube": beads_per_tube, "sample_volume_ul": volume, "dilution": dilution}
    told = found if cells or found != "inf" else "nan"
    with pytest.raises(AnalysisError, match=f"the amounts give no number of cells per µL; found '{told}"):
        by_beads(cells, 2_000, **amounts, lot_cv=0.02, pipette_cv=0.03)


def test_a_number_without_an_upper_limit_is_refused() -> None:
    with pytest.raises(AnalysisError, match=r"found '50 \(0 to inf\)'"):
        volume_of(500, gates=1e3)
    with pytest.raises(AnalysisError, match="no number of cells per µL; found 'inf"):
        volume_of(500, volume=1e-305, dilution=1e10)


@given(
    cells=st.integers(0, 10**6),
    beads=st.integers(1, 50_000),  # no more than the tube holds
    lot=st.floats(0, 0.5),
    pipette=st.floats(0, 0.5),
    gates=st.floats(0, 2),
)
def test_the_limits_hold_the_value_and_errors_only_widen_them(cells, beads, lot, pipette, gates) -> None:
    found = beads_of(cells, beads, lot=lot, pipette=pipette, gates=gates)
    exact = beads_of(cells, beads, lot=0, pipette=0)
    assert 0 <= found.lower <= found.value <= found.upper < math.inf
    assert found.upper > 0
    assert found.lower <= exact.lower * (1 + 1e-9)
    assert found.upper >= exact.upper * (1 - 1e-9)


# Coverage


@cache
def bead_limits(cells: int, beads: int) -> tuple[float, float]:
    found = beads_of(cells, beads)
    return found.lower, found.upper


def mean_log_width(lower: np.ndarray, upper: np.ndarray) -> float:
    """Return the mean width of those that do not begin at 0, on natural logarithms."""
    some = lower > 0
    return float(np.mean(np.log(upper[some] / lower[some]))) if some.any() else 0.0


@pytest.mark.parametrize("beads", [50, 1_000, 20_000])
@pytest.mark.parametrize("cells", [0, 1, 5, 50, 5_000])
def test_bead_counts_cover_the_truth_and_no_wider_than_they_must(cells, beads) -> None:
    runs, truth = 4_000, cells / beads
    rng = stream(5, "absolute", f"{cells} {beads}")
    drawn = rng.poisson(cells * np.exp(rng.normal(0, BEAD_LOT_CV, runs) + rng.normal(0, PIPETTE_CV, runs)))
    seen = rng.poisson(beads, runs)
    lower, upper = np.array([bead_limits(c, b) for c, b in zip(drawn.tolist(), seen.tolist(), strict=True)]).T
    # What the discreteness of counts forces: exact limits of tubes without other errors.
    low, high = ratio_of_counts(rng.poisson(cells, 20_000), rng.poisson(beads, 20_000))
    forced = np.mean((low <= truth) & (truth <= high))
    covered = np.mean((lower <= 1_000 * truth) & (1_000 * truth <= upper))
    # Above the exact one by no more than three standard errors of a coverage of 98 %.
    assert 0.94 <= covered <= max(0.98, forced) + 0.0066
    # Independent parts of a normal logarithm add by their squares.
    exact = mean_log_width(*ratio_of_counts(drawn, seen))
    assert mean_log_width(lower, upper) <= 1.002 * math.hypot(exact, 2 * 1.96 * OTHER_ERRORS)


# Cells per µL
BLOOD = {"CD4+ T": 700.0, "CD8+ T": 350.0, "DN T": 40.0, "B": 200.0, "NK": 200.0, "granulocyte": 2_500.0}
NADIR = {"CD4+ T": 12.0, "CD8+ T": 30.0, "DN T": 2.0, "NK": 5.0, "monocyte": 20.0}


def counted_by_label(cells, beads, events, runs) -> dict[str, np.ndarray]:
    """Kind → value, lower and upper of each simulated tube whose events are counted by their true kinds."""
    found = {kind: np.empty((runs, 3)) for kind in cells}
    for run in range(runs):
        tube = acquire(stream(7, str(sorted(cells)), str(events), str(run)), TBNK, cells, events, beads=beads)
        number = dict(zip(tube.kinds, np.bincount(tube.labels, minlength=len(tube.kinds)).tolist(), strict=True))
        for kind in cells:
            found[kind][run] = by_beads(
                number[kind],
                number["bead"],
                beads_per_tube=beads.per_tube,
                sample_volume_ul=beads.sample_volume_ul,
                lot_cv=BEAD_LOT_CV,
                pipette_cv=PIPETTE_CV,
            )[:3]
    return found


def tubes_hold(cells, beads, events, runs, largest_bias) -> None:
    for kind, (value, lower, upper) in (
        (kind, rows.T) for kind, rows in counted_by_label(cells, beads, events, runs).items()
    ):
        truth = cells[kind]
        covered = np.mean((lower <= truth) & (truth <= upper))
        slack = 3 * math.sqrt(0.05 * 0.95 / runs)
        assert 0.95 - slack <= covered <= 0.985 + slack / 2, (kind, covered)
        # What chance leaves of a mean.
        assert abs(value.mean() / truth - 1) < largest_bias + 3 * value.std() / truth / math.sqrt(runs), kind


@pytest.mark.parametrize(
    ("cells", "events"), [(BLOOD, 3_000), (NADIR, 1_500)], ids=["blood", "nadir, almost all of it beads"]
)
def test_simulated_tubes_give_back_their_cells(cells, events) -> None:
    tubes_hold(cells, Beads(50_000, 50), events, 300, 0.01)


@pytest.mark.slow
@pytest.mark.parametrize("events", [1_000, 5_000, 20_000])
@pytest.mark.parametrize("cells", [BLOOD, NADIR], ids=["blood", "nadir"])
def test_many_simulated_tubes_give_back_their_cells(cells, events) -> None:
    tubes_hold(cells, Beads(50_000, 50), events, 1_500, 0.01)


# Volume


# R: poisson.test(x)$conf.int
@pytest.mark.parametrize(("cells", "lower", "upper"), [(5, 1.623486, 11.668332), (100, 81.36399125, 121.62679379)])
def test_a_volume_and_its_exact_limits(cells, lower, upper) -> None:
    found = volume_of(cells, volume=20, dilution=10)
    assert numbers(found) == pytest.approx((cells / 2, lower / 2, upper / 2), rel=1e-6)
    assert (found.method, found.reason) == ("volumetric", None)


def test_a_volumetric_count_as_another_program_has_it() -> None:
    # R, flowWorkspace, of an Aurora's file: 525 cells in 30.99 µL diluted 100 times are 1,694,095 per mL.
    volume = acquired_volume_ul({"$CYT": "Aurora", "$VOL": "30.99"})
    assert volume_of(525, volume=volume, dilution=100).value == pytest.approx(1_694.095, abs=5e-4)


@pytest.mark.parametrize("cells", [0, 1, 5, 50, 5_000])
def test_limits_by_volume_leave_out_as_much_as_poisson_averaged_over_the_errors(cells) -> None:
    found = volume_of(cells, volume=1, cv=0.05, pipette=0.02, gates=0.1)
    nodes, weights = np.polynomial.hermite_e.hermegauss(41)
    factors, whole = np.exp(math.hypot(0.05, 0.02, 0.1) * nodes), weights / weights.sum()
    assert whole @ poisson.cdf(cells, found.upper * factors) == pytest.approx(0.025, abs=1e-3)
    if cells:
        assert whole @ poisson.sf(cells - 1, found.lower * factors) == pytest.approx(0.025, abs=1e-3)


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ({"volume": None}, "the volume that the instrument took is not given"),
        ({"dilution": None}, "the dilution of the specimen in the tube is not given"),
    ],
)
def test_without_volume_or_dilution_there_is_no_number(missing, reason) -> None:
    found = volume_of(500, **missing)
    assert (*numbers(found), found.status, found.reason) == (None, None, None, "not_evaluable", reason)


# A CytoFLEX that took 30 µL a minute for 36.0 s; an Attune NxT that took 200 µL a minute for 13.8 s; a MACSQuant's
# 46 s at about 25 µL a minute.
@pytest.mark.parametrize(
    ("name", "volume", "within"),
    [
        ("cytokine/K2-C07-A7_raw.fcs", 30 / 60 * 36.0, 0.01),
        ("flow/odd/G11.fcs", 200 / 60 * 13.8, 0.01),
        ("flow/odd/SG_2014-09-26_Duplicate_Names.fcs", 25 / 60 * 46, 0.1),
    ],
)
def test_the_volume_of_real_files_is_their_flow_rate_times_their_time(shared_data: Path, name, volume, within) -> None:
    assert acquired_volume_ul(read_fcs(shared_data / name).keywords) == pytest.approx(volume, rel=within)


def test_an_unknown_instrument_is_refused_unless_the_unit_is_given() -> None:
    keywords = {"$CYT": "Cube_15", "$VOL": "99000"}
    with pytest.raises(AnalysisError, match="column \\$CYT: .*found 'Cube_15'.*give the unit of \\$VOL: uL or nL"):
        acquired_volume_ul(keywords)
    assert acquired_volume_ul(keywords, "nL") == pytest.approx(99)
    for unit in ("uL", "\u00b5L", "\u03bcL"):
        assert acquired_volume_ul({"$VOL": "99"}, unit) == 99


def test_a_given_unit_goes_before_the_instrument_s() -> None:
    assert acquired_volume_ul({"$CYT": "Aurora", "$VOL": "30990"}, "nL") == pytest.approx(30.99)


@pytest.mark.parametrize(
    ("instrument", "text", "unit", "told"),
    [
        ("Aurora", "30990", None, r"found '30990 uL'; expected 1 to 5000 µL; give the unit"),
        ("CytoFLEX", "17.98", None, r"found '17.98 nL'"),
        ("Aurora", "0", None, r"\$VOL cannot be the volume"),
        ("Aurora", "30,99", None, r"\$VOL cannot be the volume"),
        ("Aurora", "nan", None, r"\$VOL cannot be the volume"),
        ("Aurora", "30.99", "mL", r"\$VOL has no such unit; found 'mL'"),
    ],
)
def test_a_volume_that_cannot_be_is_refused(instrument, text, unit, told) -> None:
    with pytest.raises(AnalysisError, match=told):
        acquired_volume_ul({"$CYT": instrument, "$VOL": text}, unit)


@pytest.mark.parametrize("keywords", [{}, {"$CYT": "Aurora"}, {"$CYT": "Cube_15", "$VOL": " "}])
def test_a_file_without_a_volume_gives_none(keywords) -> None:
    assert acquired_volume_ul(keywords) is None


# Words


def test_the_budget_in_words() -> None:
    # 2,268 cells: 2.1 %; 10,000 beads: 1.0 %.
    found = beads_of(2_268, 10_000, lot=0.03, pipette=0.02, gates=0.015)
    assert budget_in_words(found.budget) == "cells 2.1 %, beads 1.0 %, lot 3.0 %, pipette 2.0 %, gates 1.5 %"
    assert budget_in_words(beads_of(0, 1).budget) == "cells none, beads 100.0 %, lot 2.0 %, pipette 3.0 %"


@pytest.mark.parametrize(
    ("cells", "beads", "status"),
    [(500, 500, "quantified"), (500, 20, "detected_below_loq"), (20, 500, "detected_below_loq")],
)
def test_few_beads_are_as_uncertain_as_few_cells(cells: int, beads: int, status: str) -> None:
    assert beads_of(cells, beads).status == status


def test_no_cells_beside_few_beads_are_not_detected() -> None:
    assert beads_of(0, 20).status == "not_detected"
