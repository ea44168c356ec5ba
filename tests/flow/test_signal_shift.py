import numpy as np
import pytest

from tilseq.flow.signal_shift import Drift, shifts_and_drift

RANDOM = np.random.default_rng(8)
NUMBER = 10_000
ORDER = np.arange(NUMBER)


def scatter(number: int = NUMBER) -> np.ndarray:
    return RANDOM.lognormal(10, 0.3, number).astype(np.float32)


def stain(number: int = NUMBER, positive: float = 0.3) -> np.ndarray:
    bright = RANDOM.random(number) < positive
    values = np.where(bright, RANDOM.lognormal(8, 0.4, number), 0) + RANDOM.normal(0, 100, number)
    return values.astype(np.float32)


def test_a_halved_signal_is_found_where_it_is() -> None:
    values = {"CD3": stain(), "FSC-A": scatter()}
    values["FSC-A"][3000:3500] /= 2
    values["CD3"][3000:3500] /= 2
    told = shifts_and_drift(values, ORDER)
    assert told is not None
    ((shift,), drift) = told
    assert (shift.first, shift.end) == pytest.approx((3000, 3500), abs=50)
    assert (shift.channel, shift.strong, drift) == ("FSC-A", True, None)
    # The logarithm is shifted by ln 2 = 2.31 of its spreads of 0.3; R: pnorm(2.31) = 0.9896
    assert shift.below == pytest.approx(0.99, abs=0.02)


def test_the_order_is_that_of_the_run_not_of_the_file() -> None:
    values = scatter()
    values[3000:3500] /= 2
    shuffled = RANDOM.permutation(NUMBER)
    told = shifts_and_drift({"FSC-A": values[shuffled]}, np.argsort(shuffled))
    assert told is not None
    assert (told[0][0].first, told[0][0].end) == pytest.approx((3000, 3500), abs=50)


def test_a_small_shift_is_told_only() -> None:
    values = scatter()
    values[3000:5000] *= 1.12
    told = shifts_and_drift({"FSC-A": values}, ORDER)
    assert told is not None
    ((shift,), _) = told
    assert (shift.first, shift.end) == pytest.approx((3000, 5000), abs=100)
    assert not shift.strong
    assert shift.below < 0.5


def test_two_modes_of_like_size_are_steady() -> None:
    # The median of a segment falls now into one mode, now into the other.
    flagged = 0
    for _ in range(20):
        told = shifts_and_drift({"CD4": stain(3000, 0.5), "CD8": stain(3000, 0.48)}, np.arange(3000))
        assert told is not None
        flagged += bool(told[0]) or told[1] is not None
    assert flagged <= 2


def test_values_that_are_alike_are_no_shift_however_they_are_sorted() -> None:
    values = np.where(RANDOM.random(NUMBER) < 0.6, 0, scatter()).astype(np.float32)
    assert shifts_and_drift({"CD4": values}, ORDER) == ([], None)


@pytest.mark.parametrize("end", [1.25, 0.6])
def test_drift_is_told_with_its_size_and_removes_nothing(end: float) -> None:
    gain = np.linspace(1, end, NUMBER)
    told = shifts_and_drift({"SSC-A": scatter(), "CD3": (stain(positive=0.8) * gain).astype(np.float32)}, ORDER)
    assert told is not None
    # The middle of the last fifth over that of the first.
    change = (1 + 0.9 * (end - 1)) / (1 + 0.1 * (end - 1)) - 1
    assert told == ([], Drift("CD3", pytest.approx(change, abs=0.04)))


def test_drift_of_scatter_by_a_half_removes_nothing() -> None:
    values = (scatter() * np.geomspace(1, 0.5, NUMBER)).astype(np.float32)
    told = shifts_and_drift({"FSC-A": values}, ORDER)
    assert told == ([], Drift("FSC-A", pytest.approx(0.5**0.8 - 1, abs=0.03)))


def test_drift_is_that_of_the_events_that_stay() -> None:
    values = scatter()
    values[9000:] /= 3
    told = shifts_and_drift({"FSC-A": values}, ORDER)
    assert told is not None
    assert ([shift.strong for shift in told[0]], told[1]) == ([True], None)


@pytest.mark.parametrize(
    ("values", "number"),
    [({"FSC-A": scatter(199)}, 199), ({"FSC-A": np.ones(500, np.float32)}, 500), ({}, 500)],
    ids=["few events", "one value", "no channel"],
)
def test_what_cannot_be_known_is_none(values: dict[str, np.ndarray], number: int) -> None:
    assert shifts_and_drift(values, np.arange(number)) is None
