import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilseq.simulate.beads.wells import (
    CROSSTALK,
    KITS,
    LARGEST,
    MULTIPLEX,
    TGFB1_SINGLEPLEX,
    Curve,
    draw_well,
    labels_of,
)

BEADS = MULTIPLEX.beads
DOUBLET, DEBRIS = len(BEADS), len(BEADS) + 1


def robust_sd(values):
    return 1.4826 * np.median(np.abs(values - np.median(values)))


def well(pg_per_ml=100.0, count=4_000, seed=1, **more):
    levels = np.full(len(BEADS), pg_per_ml)
    return draw_well(np.random.default_rng(seed), BEADS, levels, np.full(len(BEADS), count), **more)


@pytest.mark.parametrize(
    ("curve", "x", "y"),
    [
        (Curve(100, 1_100, 10, 1, 1), 0, 100),
        (Curve(100, 1_100, 10, 1, 1), 10, 600),
        (Curve(100, 1_100, 10, 1, 1), 30, 850),
        (Curve(100, 1_100, 10, 2, 1), 30, 1_000),  # 30²/10² = 9, nine tenths of 1,000
        (Curve(100, 1_100, 10, 1, 2), 10, 350),  # half squared
        (Curve(100, 1_100, 10, 1, 1, hook_pg_per_ml=10), 10, 350),
        (Curve(100, 1_100, 10, 1, 1, hook_pg_per_ml=10), 30, 175),  # 750 over 1 + 3²
    ],
)
def test_curve(curve, x, y):
    assert curve.signal(np.array([x], dtype=float)) == pytest.approx([y])


def test_standard_series():
    nominal = [0, 2.44140625, 9.765625, 39.0625, 156.25, 625, 2_500, 10_000]
    for kit in KITS.values():
        assert [kit.nominal_pg_per_ml(level) for level in range(8)] == nominal
    assert KITS.keys() == {"multiplex", "tgfb1_singleplex"}
    assert TGFB1_SINGLEPLEX.analytes == ("TGF-beta1",)
    assert {(bead.size) for bead in BEADS} == {"small", "large"}


def test_labels():
    assert labels_of(TGFB1_SINGLEPLEX.beads) == ("TGF-beta1", "doublet", "debris")


@pytest.mark.parametrize("pg_per_ml", [0.0, 10.0, 300.0, 10_000.0])
def test_median_reporter_follows_the_curve(pg_per_ml):
    drawn = well(pg_per_ml, 10_000)
    for code, bead in enumerate(BEADS):
        seen = np.median(drawn.events[drawn.labels == code, 3])
        due = bead.curve.signal(np.array([pg_per_ml]))[0] + CROSSTALK * bead.classifier
        assert seen == pytest.approx(due, rel=0.05), bead.analyte  # the well's gain and the median's own error


def test_brightness_lifts_the_reporter_of_beads_only():
    plain, bright = well(1_000.0), well(1_000.0, brightness=1.5)
    code = 1
    ratio = np.median(bright.events[bright.labels == code, 3]) / np.median(plain.events[plain.labels == code, 3])
    assert ratio == pytest.approx(1.5, rel=0.01)
    np.testing.assert_array_equal(bright.events[:, :3], plain.events[:, :3])
    dirt = plain.labels == DEBRIS
    np.testing.assert_array_equal(bright.events[dirt], plain.events[dirt])


def test_doublets_and_debris():
    drawn = well()
    beads = drawn.labels != DEBRIS
    assert beads.sum() == 4_000 * len(BEADS)
    assert np.mean(drawn.labels[beads] == DOUBLET) == pytest.approx(0.10, abs=0.008)  # 4 standard errors
    assert np.mean(drawn.labels == DEBRIS) == pytest.approx(0.16, abs=0.009)
    large = np.median(drawn.events[np.isin(drawn.labels, (3, 4, 5)), 0])
    small = np.median(drawn.events[np.isin(drawn.labels, (0, 1, 2)), 0])
    joined = drawn.events[drawn.labels == DOUBLET, 0]
    assert joined.min() > 1.4 * small
    # Half of all pairs are a small and a large one, a quarter are two of a kind.
    assert np.mean((joined > 1.3 * large) & (joined < 1.8 * large)) == pytest.approx(0.5, abs=0.08)


def test_populations_part_by_size_and_classifier():
    drawn = well()
    place = np.log(drawn.events[:, :3])
    for codes in ((0, 1, 2), (3, 4, 5)):
        for low, high in zip(codes, codes[1:], strict=False):
            assert place[drawn.labels == low, 2].max() < place[drawn.labels == high, 2].min()
    small, large = (place[np.isin(drawn.labels, codes), 0] for codes in ((0, 1, 2), (3, 4, 5)))
    assert np.mean(small < np.log(45_500)) > 0.995
    assert np.mean(large > np.log(45_500)) > 0.99


@given(
    levels=st.lists(st.floats(0, 1e6), min_size=6, max_size=6),
    counts=st.lists(st.integers(0, 60), min_size=6, max_size=6),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=60, deadline=None)
def test_any_well(levels, counts, seed):
    drawn = draw_well(np.random.default_rng(seed), BEADS, np.array(levels), np.array(counts))
    assert drawn.events.dtype == np.float32
    assert drawn.events.shape == (len(drawn.labels), 5)
    assert np.isfinite(drawn.events).all()
    assert drawn.events.size == 0 or drawn.events.max() <= LARGEST
    assert (np.diff(drawn.events[:, 4]) >= 0).all()
    told = np.bincount(drawn.labels, minlength=DEBRIS + 1)
    assert (told[:DOUBLET] <= counts).all()
    assert told[:DEBRIS].sum() == sum(counts)
    again = draw_well(np.random.default_rng(seed), BEADS, np.array(levels), np.array(counts))
    assert again.events.tobytes() == drawn.events.tobytes()
    assert again.labels.tobytes() == drawn.labels.tobytes()


@pytest.fixture(scope="module")
def real_spreads(shared_data):
    """Spread of side scatter and reporter of the clearest small and large population, in the blank and in C7."""
    told = {}
    for level in ("C0", "C7"):
        frame = pl.read_csv(shared_data / "cytokine" / "legendplex" / f"K3-{level}-1.csv.gz")
        forward, dye = frame["FSC-A"].to_numpy(), frame["FL6-H"].to_numpy()
        for size, ours in (
            ("small", (forward < 355_000) & (np.abs(dye - 10.73) < 0.17)),
            ("large", (forward > 355_000) & (np.abs(dye - 8.93) < 0.25)),
        ):
            side, reporter = np.log(frame["SSC-A"].to_numpy()[ours]), frame["FL2-H"].to_numpy()[ours]
            told[level, size] = (robust_sd(side), robust_sd(reporter))
    return told


@pytest.mark.parametrize(("level", "pg_per_ml"), [("C0", 0.0), ("C7", 10_000.0)])
@pytest.mark.parametrize(("size", "code"), [("small", 1), ("large", 4)])
def test_spreads_are_those_of_a_real_plate(real_spreads, level, pg_per_ml, size, code):
    drawn = well(pg_per_ml)
    events = np.log(drawn.events[drawn.labels == code])
    side, reporter = real_spreads[level, size]
    assert robust_sd(events[:, 1]) == pytest.approx(side, rel=0.25)
    assert reporter / 2.2 < robust_sd(events[:, 3]) < reporter * 2.2  # real populations differ by as much
