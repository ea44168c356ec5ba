import numpy as np
import pytest

from tilseq.flow.transform import cofactor
from tilseq.flow.tree import Tree

RANDOM = np.random.default_rng(8)
DIM, BRIGHT = RANDOM.normal(0, 100, 3000), RANDOM.lognormal(9, 0.3, 1000)


def tree(thresholds: dict[str, float] | None = None, **values: np.ndarray) -> Tree:
    columns = {marker.replace("_", "-"): np.asarray(column, dtype=np.float32) for marker, column in values.items()}
    channels = {marker: f"{marker} channel" for marker in columns}
    cofactors = {marker: cofactor(column) for marker, column in columns.items() if "SC" not in marker}
    made = Tree("s1", channels, columns, cofactors, thresholds or {})
    made.add("all events", None, np.ones(len(next(iter(columns.values()))), dtype=bool))
    return made


def test_a_cut_is_recorded_on_the_linear_scale() -> None:
    made = tree(CD3=np.concatenate([DIM, BRIGHT]))
    assert made.find("CD3", "all events")
    (cut,) = made.cuts
    assert (cut["gate"], cut["channel"], cut["parent"], cut["source"]) == ("CD3", "CD3 channel", "all events", "valley")
    assert 400 < cut["threshold"] < 4000
    assert made.over("CD3").sum() == 1000


def test_a_set_threshold_is_taken_as_it_is() -> None:
    made = tree({"CD3": 123.0}, CD3=np.concatenate([DIM, BRIGHT]))
    assert made.find("CD3", "all events")
    assert (made.cuts[0]["threshold"], made.cuts[0]["separation"], made.cuts[0]["source"]) == (123.0, None, "settings")


def test_without_a_valley_nothing_is_recorded() -> None:
    made = tree(CD3=DIM)
    assert not made.find("CD3", "all events")
    assert made.cuts == []


def test_the_cut_beyond_cells_that_lack_the_marker() -> None:
    made = tree(CD8=DIM)
    assert made.beyond("CD8", "all events", np.ones(3000, dtype=bool))
    # A spread of 100 at a cofactor of 300: MAD arcsinh(0.2248), 4 × 1.4826 of it is 1.323, 300 sinh(1.323) = 523.
    assert made.cuts[0]["threshold"] == pytest.approx(523, rel=0.06)
    assert made.cuts[0]["source"] == "fallback"


def test_it_takes_fifty_cells_that_lack_the_marker() -> None:
    made = tree(CD8=DIM)
    assert not made.beyond("CD8", "all events", np.arange(3000) < 49)
    assert made.cuts == []


def test_dead_cells_are_the_brighter_even_where_they_are_most() -> None:
    for dim, bright in ((DIM, BRIGHT), (DIM[:800], np.tile(BRIGHT, 3))):
        made = tree(viability=np.concatenate([dim, bright]))
        assert made.find_dead("all events") is None
        assert made.over("viability").sum() == len(bright)


def test_without_dead_cells_the_share_of_bright_ones_is_told() -> None:
    made = tree(viability=DIM)
    assert made.find_dead("all events") == pytest.approx(0, abs=0.001)
    tail = tree(viability=np.concatenate([DIM, 600 * RANDOM.exponential(1, 600)]))
    # Five spreads of about 0.33 on the arcsinh scale are some 780: exp(-780 / 600) of 600 in 3,600 events.
    assert tail.find_dead("all events") == pytest.approx(0.045, abs=0.015)


def test_living_cells_on_the_floor_of_the_detector() -> None:
    made = tree(viability=np.concatenate([np.ones(3000), 1 + RANDOM.exponential(3, 500), BRIGHT]))
    assert made.find_dead("all events") is None
    assert made.over("viability").sum() == pytest.approx(1000, abs=10)


def test_events_at_the_end_of_a_scatter_detector_are_off_scale() -> None:
    made = tree(FSC_A=np.array([1, 2, 5, 5]), SSC_A=np.array([9, 3, 4, 9]))
    assert made.on_scale("all events").tolist() == [False, True, False, False]
