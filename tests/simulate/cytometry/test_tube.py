from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilseq.errors import RunError
from tilseq.intervals import clopper_pearson
from tilseq.io.fcs import read_fcs
from tilseq.simulate.cytometry.faults import Beads, Clog, Conditions, arrivals
from tilseq.simulate.cytometry.panels import T_STATE, TBNK
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.files import write_labels, write_tube
from tilseq.simulate.states import STATES
from tilseq.simulate.streams import stream

BLOOD = {"CD4+ T": 700.0, "CD8+ T": 400.0, "DN T": 40.0, "DP T": 10.0, "B": 250.0, "NK": 200.0}
BLOOD |= {"monocyte": 400.0, "granulocyte": 2_000.0}
BEADS = Beads(per_tube=50_000, sample_volume_ul=50)
EVENTS = 40_000
# Nothing drifts, and the file's spill is the true one.
STILL = Conditions(gain_drift=0, stain_drift=0, spill_error=0)


@pytest.fixture(scope="module")
def tube():
    return acquire(stream(1, "tube"), TBNK, BLOOD, EVENTS, beads=BEADS, conditions=STILL)


def of(tube, kind):
    return tube.labels == tube.kinds.index(kind)


def compensated(tube):
    """Return marker → compensated values, in the unit of a 16-bit detector."""
    places = [tube.panel.channels.index(dye.channel) for dye in tube.panel.dyes]
    values = tube.events[:, places].astype(float) / tube.panel.gain @ np.linalg.inv(tube.panel.spill)
    return dict(zip((dye.marker for dye in tube.panel.dyes), values.T, strict=True))


def channel(tube, name):
    return tube.events[:, tube.panel.channels.index(name)].astype(float)


# The truth --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "truth"),
    [
        ("debris", 0.06),
        ("doublet", 0.03),
        # 91 % are single particles: 4,000 living cells per µL, 3 dead beside each 97 of them, and 1,000 beads, which
        # are off by a few percent.
        ("dead", 0.91 * 4_000 * 3 / 97 / (4_000 / 0.97 + 1_000)),
        ("CD4+ T", 0.91 * 700 / (4_000 / 0.97 + 1_000)),
        ("bead", 0.91 * 1_000 / (4_000 / 0.97 + 1_000)),
    ],
)
def test_labels_are_as_common_as_they_should_be(tube, kind, truth):
    lower, upper = clopper_pearson(np.count_nonzero(of(tube, kind)), EVENTS, 0.999)
    slack = 1.1 if kind in ("dead", "CD4+ T", "bead") else 1.0
    assert lower / slack < truth < upper * slack


def test_among_single_living_cells_each_kind_is_as_common_as_given():
    made = acquire(stream(2), TBNK, BLOOD, 200_000, beads=BEADS)
    living = np.array([np.count_nonzero(of(made, kind)) for kind in BLOOD])
    for number, cells in zip(living, BLOOD.values(), strict=True):
        lower, upper = clopper_pearson(number, living.sum(), 0.9999)
        assert lower < cells / 4_000 < upper


def test_beads_give_back_the_cells_per_ul_with_the_error_of_lot_and_pipette():
    logs = []
    for number in range(400):
        made = acquire(stream(3, str(number)), TBNK, {"CD4+ T": 1_000.0}, 4_000, beads=BEADS)
        cells, beads = (np.count_nonzero(of(made, kind)) for kind in ("CD4+ T", "bead"))
        logs.append(np.log(cells / beads * 50_000 / 50 / 1_000))
    # 1,793 cells and as many beads: variance 2/1,793 of counting, 0.02² of the lot, 0.03² of the pipette; SD 0.0492.
    assert np.mean(logs) == pytest.approx(0, abs=4 * 0.0492 / 20)
    assert np.std(logs) == pytest.approx(0.0492, rel=0.15)


def test_a_kind_that_is_not_there_never_shows():
    made = acquire(stream(4), TBNK, {"B": 1.0, "NK": 0.0}, 5_000)
    names = {made.kinds[code] for code in np.unique(made.labels)}
    assert names == {"B", "dead", "debris", "doublet"}
    pure = acquire(stream(4), TBNK, {"B": 1.0}, 5_000, conditions=Conditions(dead=0, debris=0, doublets=0))
    assert of(pure, "B").all()


def test_the_share_with_the_vbeta_is_as_given():
    cells = {"CD4+ T naive": 1.0, "CD8+ T effector": 1.0, "B": 1.0}
    made = acquire(stream(5), T_STATE, cells, 60_000, vbeta={"CD4+ T naive": 0.09, "CD8+ T effector": 0.4})
    bright = compensated(made)["TCR Vb"] > 1_000
    for kind, share in (("CD4+ T naive", 0.09), ("CD8+ T effector", 0.4), ("B", 0.0)):
        own = of(made, kind)
        # A few cells take every stain poorly.
        assert np.mean(bright[own]) == pytest.approx(share * 0.99, abs=4 * np.sqrt(0.25 / own.sum()))


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(st.sampled_from(sorted(BLOOD)), st.floats(0.01, 1e4), min_size=1),
    st.integers(1, 300),
    st.floats(0, 0.9),
    st.sampled_from([TBNK, T_STATE]),
)
def test_any_tube_holds_as_many_events_as_asked_for_each_of_a_kind_given(cells, events, dead, panel):
    cells = {kind: number for kind, number in cells.items() if kind in panel.looks} or {"B": 1.0}
    made = acquire(stream(6), panel, cells, events, conditions=Conditions(dead=dead, clog=Clog()))
    assert made.events.shape == (events, len(panel.channels))
    assert made.labels.shape == (events,)
    assert {made.kinds[code] for code in made.labels} <= {*cells, "dead", "debris", "doublet"}
    assert np.isfinite(made.events).all()
    assert made.events.max() <= panel.largest
    assert (np.diff(channel(made, "Time")) >= 0).all()


def test_the_same_stream_gives_the_same_bytes_whatever_the_order_of_the_kinds():
    first, again, turned = (
        acquire(stream(7), TBNK, cells, 3_000, beads=BEADS)
        for cells in (BLOOD, BLOOD, dict(reversed(list(BLOOD.items()))))
    )
    other = acquire(stream(8), TBNK, BLOOD, 3_000, beads=BEADS)
    for made in (again, turned):
        assert made.events.tobytes() == first.events.tobytes()
        assert made.labels.tobytes() == first.labels.tobytes()
    assert other.events.tobytes() != first.events.tobytes()


# What cells look like ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "positive"),
    [
        ("CD4+ T", {"CD45", "CD3", "CD4"}),
        ("CD8+ T", {"CD45", "CD3", "CD8"}),
        ("DN T", {"CD45", "CD3"}),
        ("DP T", {"CD45", "CD3", "CD4", "CD8"}),
        ("B", {"CD45", "CD19"}),
        ("NK", {"CD45", "CD16+CD56"}),
        ("monocyte", {"CD45", "CD4"}),
        ("granulocyte", {"CD45", "CD16+CD56"}),
        ("debris", set()),
        ("bead", {"CD45", "CD3", "CD4", "CD8", "CD19", "CD16+CD56"}),
    ],
)
def test_compensated_each_kind_shows_its_markers(tube, kind, positive):
    medians = {marker: np.median(values[of(tube, kind)]) for marker, values in compensated(tube).items()}
    assert {marker for marker, median in medians.items() if median > 1_000} == positive
    assert all(median < 900 for marker, median in medians.items() if marker not in positive)


def test_without_compensation_cd3_shows_in_the_detector_of_cd16_and_cd56(tube):
    cd4 = of(tube, "CD4+ T")
    # 14 % of FITC; PE-Cy7 and what cells glow add a little.
    slope = np.polyfit(channel(tube, "FITC-A")[cd4], channel(tube, "PE-A")[cd4], 1)[0]
    assert slope == pytest.approx(0.14, abs=0.03)


def test_compensated_negatives_lie_on_both_sides_of_zero(tube):
    cd19 = compensated(tube)["CD19"][of(tube, "CD4+ T")]
    assert 0.02 < np.mean(cd19 < 0) < 0.5


def test_stains_of_t_cells_spread_and_skew_as_in_real_blood():
    # Ranges over the eight ITN whole-blood tubes of flowStats, gated by tilseq; see benchmarks/realism/flow.py.
    figures = []
    for number in range(8):
        made = acquire(stream(9, str(number)), TBNK, BLOOD, 10_000)
        values = compensated(made)
        logs = {m: np.log(np.maximum(values[m], 1)) for m in ("CD3", "CD4", "CD8")}
        helper, killer = of(made, "CD4+ T"), of(made, "CD8+ T")
        quantiles = [np.quantile(logs[m][kind], (0.16, 0.5, 0.84)) for m, kind in (("CD4", helper), ("CD8", killer))]
        spreads = [(high - low) / 2 for low, _, high in quantiles]
        skews = [(middle - low) / (high - middle) for low, middle, high in quantiles]
        figures.append([*spreads, *skews, np.corrcoef(logs["CD3"][helper], logs["CD4"][helper])[0, 1]])
    cd4, cd8, skew_cd4, skew_cd8, correlation = np.median(figures, axis=0)
    assert 0.17 < cd4 < 0.23
    assert 0.37 < cd8 < 0.88
    assert 1.0 < skew_cd4 < 1.22
    assert 1.0 < skew_cd8 < 2.31
    assert 0.09 < correlation < 0.37


def test_beads_are_tight_and_brighter_than_any_cell(tube):
    values, bead = compensated(tube), of(tube, "bead")
    for marker in ("CD3", "CD4", "CD8", "CD19"):
        light = values[marker][bead]
        assert np.std(light) / np.mean(light) < 0.1
    cells = ~bead & ~of(tube, "doublet") & ~of(tube, "debris")
    least = np.min([values[marker] for marker in ("CD3", "CD4", "CD8", "CD19")], axis=0)
    assert least[bead].min() > 10_000
    assert np.mean(least[cells] > 10_000) < 1e-3


def test_some_granulocytes_scatter_beyond_the_detector(tube):
    at_end = channel(tube, "SSC-A")[of(tube, "granulocyte")] == 65_535
    assert 0.02 < np.mean(at_end) < 0.3


def test_doublets_have_more_area_for_their_height(tube):
    ratio = channel(tube, "FSC-A") / channel(tube, "FSC-H")
    seen = channel(tube, "FSC-A") < 65_535
    single = ~of(tube, "doublet")
    assert np.quantile(ratio[single & seen], 0.999) < 1.15
    assert np.median(ratio[~single & seen]) > 1.25


def test_states_are_told_apart_by_what_textbooks_name():
    cells = dict.fromkeys([f"CD8+ T {state}" for state in STATES], 1.0)
    made = acquire(stream(10), T_STATE, cells, 30_000, conditions=STILL)
    # FITC, that of CD45RA, is bright, as cells glow there.
    positive = {marker: values > (1_000 if marker == "CD45RA" else 300) for marker, values in compensated(made).items()}

    def share(state, *markers):
        own = of(made, f"CD8+ T {state}")
        wanted = [positive[name[:-1]] if name.endswith("+") else ~positive[name[:-1]] for name in markers]
        return np.mean(np.logical_and.reduce(wanted)[own])

    assert share("naive", "CD45RA+", "CCR7+") > 0.8
    assert share("stem_like_memory", "CD39-", "CD69-") > 0.8
    assert share("central_memory", "CD45RA-", "CCR7+") > 0.7
    assert share("exhausted_terminal", "PD-1+", "TIM-3+", "CD39+") > 0.7
    assert share("exhausted_progenitor", "PD-1+", "TIM-3-") > 0.5
    pd1 = compensated(made)["PD-1"]
    medians = [np.median(pd1[of(made, f"CD8+ T {state}")]) for state in ("naive", "effector", "exhausted_terminal")]
    assert medians[0] < medians[1] < medians[2]


def test_dead_cells_take_up_the_viability_dye_and_every_antibody():
    cells = {"CD4+ T effector": 1.0}
    made = acquire(stream(11), T_STATE, cells, 10_000, conditions=replace(STILL, dead=0.4))
    values, dead, living = compensated(made), of(made, "dead"), of(made, "CD4+ T effector")
    assert np.quantile(values["viability"][dead], 0.05) > np.quantile(values["viability"][living], 0.99)
    assert np.median(values["CD8"][dead]) > 4 * np.median(values["CD8"][living])


# What goes wrong --------------------------------------------------------------------------------------------------


def test_a_clog_lets_less_through_and_dims_what_comes():
    clog = Clog(start=0.4, length=0.2, rate=0.25, signal=0.5)
    cells, conditions = {"CD4+ T": 1.0}, replace(STILL, dead=0, debris=0, doublets=0, clog=clog)
    made = acquire(stream(12), TBNK, cells, 40_000, conditions=conditions)
    time, cd4 = channel(made, "Time"), channel(made, "PE-Cy7-A")
    # 40,000 events take 30 s at the least, in steps of 10 ms.
    inside = (time > 0.41 * 3_000) & (time < 0.59 * 3_000)
    before = time < 0.38 * 3_000
    assert np.mean(inside) / 0.18 == pytest.approx(0.25 * np.mean(before) / 0.38, rel=0.15)
    assert np.median(cd4[inside]) == pytest.approx(0.5 * np.median(cd4[before]), rel=0.05)


def test_arrivals_are_in_order_and_within_the_tube():
    for clog in (None, Clog(), Clog(0.9, 0.5), Clog(0.0, 1.0)):
        times = arrivals(stream(13), 5_000, clog)
        assert (np.diff(times) >= 0).all()
        assert 0 <= times[0] < 0.01
        assert 0.99 < times[-1] <= 1


def test_a_batch_shift_brightens_one_dye():
    plain, shifted = (
        acquire(stream(14), TBNK, BLOOD, 20_000, conditions=replace(STILL, batch_shift=shift))
        for shift in ({}, {"APC-Cy7-A": 1.6})
    )
    killer = of(plain, "CD8+ T")
    assert np.array_equal(plain.labels, shifted.labels)
    for marker, factor in (("CD8", 1.6), ("CD3", 1.0)):
        medians = [np.median(compensated(made)[marker][killer]) for made in (plain, shifted)]
        assert medians[1] / medians[0] == pytest.approx(factor, rel=0.05)


def test_visits_drift_and_the_files_spill_is_not_quite_the_true_one():
    settled = Conditions(gain_drift=0, stain_drift=0, spill_error=0.3)
    slopes = []
    for number in range(30):
        made = acquire(stream(15, str(number)), TBNK, {"B": 1.0}, 4_000, conditions=settled)
        values, own = compensated(made), of(made, "B")
        slopes.append(np.polyfit(values["CD19"][own], values["CD8"][own], 1)[0])
    # CD19's APC spills 9 % into CD8's detector, give or take 30 % of that.
    assert np.std(slopes) == pytest.approx(0.3 * 0.09, rel=0.4)
    drifts = [
        np.median(compensated(acquire(stream(16, str(number)), TBNK, {"B": 1.0}, 500))["CD19"]) for number in range(60)
    ]
    # Dyes 0.12, the look of a kind 0.12, gains 0.04.
    assert np.std(np.log(drifts)) == pytest.approx(np.sqrt(0.12**2 + 0.12**2 + 0.04**2), rel=0.3)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"cells": {"CD4 T": 1.0}}, "no such kind of cell; found 'CD4 T'; did you mean 'CD4[+] T'"),
        ({"cells": {"CD4+ T naive": 1.0}}, "no such kind of cell"),
        ({"cells": {"debris": 1.0}}, "no such kind of cell"),
        ({"cells": {"B": -1.0}}, "number given for B must be finite and not below 0"),
        ({"cells": {"B": float("nan")}}, "number given for B must be finite"),
        ({"cells": {"B": float("inf")}}, "number given for B must be finite"),
        ({"cells": {"B": 0.0}}, "must hold some cells"),
        ({"cells": {}}, "must hold some cells"),
        ({"events": 0}, "too small a number of events"),
        ({"vbeta": {"CD4+ T": 0.1}}, "panel tbnk stains no V-beta"),
        ({"panel": T_STATE, "vbeta": {"B": 1.1}}, "share of B with the V-beta must be a share"),
        ({"conditions": Conditions(batch_shift={"CD8": 2.0})}, "no such detector; found 'CD8'"),
    ],
)
def test_what_cannot_be_meant_is_refused(changed, message):
    asked = {"panel": TBNK, "cells": {"B": 1.0}, "events": 10} | changed
    with pytest.raises(RunError, match=message):
        acquire(stream(17), **asked)


@pytest.mark.parametrize("shares", [{"dead": 1.0}, {"debris": 0.6, "doublets": 0.4}, {"dead": -0.1}, {"debris": -0.1}])
def test_conditions_leave_some_cells(shares):
    with pytest.raises(RunError, match="must leave some cells"):
        Conditions(**shares)


def test_beads_and_clogs_that_cannot_be_are_refused():
    for beads in ((0, 50), (50_000, float("nan")), (50_000, -1)):
        with pytest.raises(RunError, match="beads and the volume must be above 0"):
            Beads(*beads)
    for clog in ({"rate": 0.0}, {"start": 1.1}, {"signal": -1.0}):
        with pytest.raises(RunError, match="a clog begins within"):
            Clog(**clog)


# Files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("panel", [TBNK, T_STATE], ids=["uint16", "float32"])
def test_a_tube_comes_back_from_its_file(tmp_path, panel):
    made = acquire(stream(18), panel, {"B": 3.0, "NK": 1.0}, 500)
    assert made.events.dtype == panel.number
    write_tube(tmp_path / "tube.fcs", made, "S1")
    write_labels(tmp_path / "truth.csv.gz", made)
    read = read_fcs(tmp_path / "tube.fcs")
    np.testing.assert_array_equal(read.events, made.events)
    assert list(read.channels) == list(panel.channels)
    assert list(read.markers) == [text or "" for text in panel.markers]
    assert list(read.spill.channels) == [dye.channel for dye in panel.dyes]
    np.testing.assert_array_equal(read.spill.matrix, panel.spill)
    assert not read.warnings
