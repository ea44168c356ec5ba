import numpy as np
import pytest

from tilseq.intervals import clopper_pearson
from tilseq.simulate.flow import CHANNELS, DYES, LABELS, MARKERS, SPILL, acquire
from tilseq.simulate.streams import stream

CELLS = {"CD4+ T": 400.0, "CD8+ T": 300.0, "NK": 100.0, "B": 100.0, "monocyte": 100.0}


@pytest.fixture(scope="module")
def tube():
    return acquire(stream(1, "tube"), CELLS, 20_000)


def share(tube, label):
    return np.count_nonzero(tube.labels == LABELS.index(label))


def test_a_tube_is_sixteen_bit_integers_in_order_of_time(tube):
    assert tube.events.shape == (20_000, len(CHANNELS))
    assert tube.events.dtype == np.uint16
    assert (np.diff(tube.events[:, CHANNELS.index("Time")].astype(int)) >= 0).all()
    assert tube.events[-1, CHANNELS.index("Time")] <= 6_000


@pytest.mark.parametrize(("label", "truth"), [("debris", 0.06), ("doublet", 0.03), ("CD4+ T", 0.4 * 0.91)])
def test_labels_are_as_common_as_they_should_be(tube, label, truth):
    lower, upper = clopper_pearson(share(tube, label), 20_000, 0.999)
    assert lower < truth < upper


def test_a_kind_that_is_not_there_never_shows(tube):
    assert share(tube, "DP T") == 0


@pytest.mark.parametrize(
    ("label", "positive"),
    [
        ("CD4+ T", {"CD3", "CD4"}),
        ("CD8+ T", {"CD3", "CD8"}),
        ("B", {"CD19"}),
        ("NK", {"CD56"}),
        ("debris", set()),
    ],
)
def test_compensation_with_the_files_own_matrix_leaves_each_kind_its_markers(tube, label, positive):
    raw = tube.events[tube.labels == LABELS.index(label)][:, [CHANNELS.index(dye) for dye in DYES]]
    medians = np.median(raw @ np.linalg.inv(SPILL), axis=0)
    markers = [MARKERS[CHANNELS.index(dye)] for dye in DYES]
    assert {marker for marker, median in zip(markers, medians, strict=True) if median > 2_000} == positive
    assert all(median < 300 for marker, median in zip(markers, medians, strict=True) if marker not in positive)


def test_without_compensation_cd3_shows_in_the_cd56_detector(tube):
    cd4 = tube.events[tube.labels == LABELS.index("CD4+ T")]
    cd3, cd56 = (np.median(cd4[:, MARKERS.index(marker)].astype(float)) - 200 for marker in ("CD3", "CD56"))
    assert cd56 / cd3 == pytest.approx(0.14 + 0.02 * 8 / 7, abs=0.03)


def test_doublets_have_twice_the_area_for_their_height(tube):
    ratio = tube.events[:, CHANNELS.index("FSC-A")] / tube.events[:, CHANNELS.index("FSC-H")]
    doublet = tube.labels == LABELS.index("doublet")
    unclipped = tube.events[:, CHANNELS.index("FSC-A")] < 65_535
    assert ratio[doublet & unclipped].min() > 1.5
    assert ratio[~doublet].max() < 1.3
