import numpy as np
import pytest

from tilseq.flow.transform import cofactor
from tilseq.flow.tree import Cut, Tree
from tilseq.populations import rule

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
    ((key, cut),) = made.cuts.items()
    assert key == (cut.marker, cut.parent) == ("CD3", "all events")
    assert cut.source == "valley"
    assert 400 < cut.threshold < 4000
    assert cut.lower < cut.threshold < cut.upper
    assert made.over("CD3", "all events").sum() == 1000


def test_a_set_threshold_is_taken_as_it_is() -> None:
    made = tree({"CD3": 123.0}, CD3=np.concatenate([DIM, BRIGHT]))
    assert made.find("CD3", "all events")
    assert made.cuts["CD3", "all events"] == Cut("CD3", "all events", 123.0, None, None, None, "settings")


def test_without_a_valley_nothing_is_recorded() -> None:
    made = tree(CD3=DIM)
    assert not made.find("CD3", "all events")
    assert made.cuts == {}


def test_the_cut_beyond_cells_that_lack_the_marker() -> None:
    made = tree(CD8=DIM)
    assert made.beyond("CD8", "all events", np.ones(3000, dtype=bool))
    # A spread of 100 at a cofactor of 300: MAD arcsinh(0.2248), 4 × 1.4826 of it is 1.323, 300 sinh(1.323) = 523.
    cut = made.cuts["CD8", "all events"]
    assert cut.threshold == pytest.approx(523, rel=0.06)
    # One spread of 0.333 less or more: 300 sinh(1.000) = 353 and 300 sinh(1.667) = 766.
    assert (cut.lower, cut.upper) == (pytest.approx(353, rel=0.06), pytest.approx(766, rel=0.06))
    assert cut.source == "fallback"


def test_it_takes_fifty_cells_that_lack_the_marker() -> None:
    made = tree(CD8=DIM)
    assert not made.beyond("CD8", "all events", np.arange(3000) < 49)
    assert made.cuts == {}


def test_dead_cells_are_the_brighter_even_where_they_are_most() -> None:
    for dim, bright in ((DIM, BRIGHT), (DIM[:800], np.tile(BRIGHT, 3))):
        made = tree(viability=np.concatenate([dim, bright]))
        assert made.find_dead("all events")
        assert made.over("viability", "all events").sum() == len(bright)


def test_without_dead_cells_the_share_of_bright_ones_is_told() -> None:
    made = tree(viability=DIM)
    assert not made.find_dead("all events")
    assert made.share_of_bright("all events") == pytest.approx(0, abs=0.001)
    tail = tree(viability=np.concatenate([DIM, 600 * RANDOM.exponential(1, 600)]))
    # Five spreads of about 0.33 on the arcsinh scale are some 780: exp(-780 / 600) of 600 in 3,600 events.
    assert not tail.find_dead("all events")
    assert tail.share_of_bright("all events") == pytest.approx(0.045, abs=0.015)


def test_living_cells_on_the_floor_of_the_detector() -> None:
    made = tree(viability=np.concatenate([np.ones(3000), 1 + RANDOM.exponential(3, 500), BRIGHT]))
    assert made.find_dead("all events")
    assert made.over("viability", "all events").sum() == pytest.approx(1000, abs=10)


def test_events_at_the_end_of_a_scatter_detector_are_off_scale() -> None:
    made = tree(FSC_A=np.array([1, 2, 5, 5]), SSC_A=np.array([9, 3, 4, 9]))
    assert made.on_scale("all events").tolist() == [False, True, False, False]


def test_a_valley_that_is_not_clear_gives_way_to_a_borrowed_cut() -> None:
    clear = np.concatenate([DIM, BRIGHT])
    shallow = np.concatenate([DIM, np.random.default_rng(9).normal(360, 110, 3000)])  # separation about 0.4
    lent = Cut("CD3", "all events", 2000.0, 1500.0, 2500.0, None, "cohort")
    for values, source in ((clear, "valley"), (shallow, "cohort"), (DIM, "cohort")):
        made = tree(CD3=values)
        assert made.find("CD3", "all events") == (values is not DIM)
        made.cuts.clear()
        made.borrowed = {("CD3", "all events"): lent}
        assert made.find("CD3", "all events")
        assert made.cuts["CD3", "all events"].source == source


def test_a_population_by_its_signs() -> None:
    made = tree({"A": 0.5, "B": 0.5, "C": 0.5}, A=np.array([1, 1, 0, 0, 1]), B=np.array([0, 1, 0, 1, 0]))
    for marker in ("A", "B"):
        made.set_by_hand(marker, "all events")
    for number, (conditions, expected) in enumerate(
        [
            (("A+",), [1, 1, 0, 0, 1]),
            (("A-", "B+"), [0, 0, 0, 1, 0]),
            (("A+|B+",), [1, 1, 0, 1, 1]),
            (("A+|C+", "B-"), [1, 0, 0, 0, 1]),  # no channel for C: the other will do
        ]
    ):
        assert made.add_by_rule(f"p{number}", rule("all events", *conditions))
        assert made.mask(f"p{number}").tolist() == [bool(one) for one in expected]
    assert not made.add_by_rule("q", rule("all events", "A+", "C+"))
    assert "q" not in made.populations
