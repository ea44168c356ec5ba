import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.flow.flow_rate import pauses, read_runs, unusual_rates


def ticks(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def arrivals(rates: list[float], seed: int = 1) -> np.ndarray:
    """Return whole ticks, ascending from 0: 100 ticks for each rate, Poisson numbers of events a tick."""
    counts = np.random.default_rng(seed).poisson(np.repeat(rates, 100))
    counts[0] += 1
    return np.repeat(np.arange(len(counts)), counts).astype(np.float64)


def stretches(times: np.ndarray) -> list[tuple[float, float, float, int]]:
    """Return begin, end, rate relative to the usual one, and level."""
    rate = unusual_rates(times)
    assert rate is not None
    return [(rate.edges[one.first], rate.edges[one.end], 1 + one.effect, one.level) for one in rate.stretches]


def test_a_clock_in_order() -> None:
    (run,) = read_runs(ticks(3, 3, 4, 9))
    assert (run.order.tolist(), run.ticks.tolist()) == ([0, 1, 2, 3], [0, 0, 1, 6])


def test_a_clock_that_runs_over_or_begins_anew_makes_runs() -> None:
    first, second = read_runs(ticks(65_000, 65_500, 65_535, 10, 400))
    assert (first.order.tolist(), first.ticks.tolist()) == ([0, 1, 2], [0, 500, 535])
    assert (second.order.tolist(), second.ticks.tolist()) == ([3, 4], [0, 390])


def test_shuffled_events_are_sorted_and_equal_ticks_keep_their_order() -> None:
    values = np.random.default_rng(1).permutation(np.repeat(np.arange(100), 2)).astype(np.float32)
    (run,) = read_runs(values)
    assert run.ticks.tolist() == np.repeat(np.arange(100), 2).tolist()
    assert (np.diff(run.order.reshape(100, 2), axis=1) > 0).all()


def test_small_disorder_is_no_new_beginning() -> None:
    (run,) = read_runs(ticks(0, 500, 499, 1000, 998))
    assert run.order.tolist() == [0, 2, 1, 4, 3]


@pytest.mark.parametrize("stray", [600, 5000, 2**31])
def test_stray_stamps_at_an_end_are_no_part_of_the_run(stray: int) -> None:
    """One and 19 at the end, one at the beginning of 400 events; 20 tell a rate, and are."""
    steady = [*range(400)]
    for last in ([stray], [*range(stray, stray + 19)]):
        (run,) = read_runs(ticks(*steady, *last))
        assert (run.order.tolist(), run.ticks[-1]) == (steady, 399)
    (run,) = read_runs(ticks(0, *range(5000, 5400)))
    assert (run.order[0], run.ticks[0], len(run.order)) == (1, 0, 400)
    (run,) = read_runs(ticks(*steady, *range(600, 620)))
    assert len(run.order) == 420


def test_a_trickle_at_the_end_is_part_of_the_run() -> None:
    """Of 60 events that come 400 ticks apart none bears a stray time, though pauses part the last from the others."""
    (run,) = read_runs(ticks(*range(2000), *range(2400, 26_400, 400)))
    assert (len(run.order), run.ticks[-1]) == (2060, 26_000)
    (run,) = read_runs(ticks(*range(0, 24_000, 400), *range(24_000, 26_000)))
    assert (len(run.order), run.ticks[-1]) == (2060, 25_999)


def test_a_stray_stamp_within_a_run_parts_it_in_two() -> None:
    runs = read_runs(ticks(*range(300), 1e6, *range(300, 600)))
    assert [run.order[[0, -1]].tolist() for run in runs] == [[0, 299], [301, 600]]


def test_a_pause_is_twenty_times_what_is_usual_and_a_part_of_the_run() -> None:
    even = np.arange(1000.0)
    assert not pauses(even).any()
    assert np.flatnonzero(pauses(np.append(even, 1030 + even))).tolist() == [999]
    # 0.9 % of the run, though 18 times what is usual; and 4.8 % of one of 21 ticks, which is usual there.
    assert not pauses(np.append(even, 1018 + even)).any()
    assert not pauses(np.arange(22.0)).any()


@pytest.mark.parametrize("values", [[], [7], [7, 7, 7]])
def test_a_clock_that_stands_still_has_no_run(values: list[float]) -> None:
    assert read_runs(ticks(*values)) == []


@given(st.lists(st.floats(0, 2**20, width=32), max_size=60))
def test_runs_hold_each_event_once_and_ascend_from_nought(values: list[float]) -> None:
    runs = read_runs(ticks(*values))
    places = [place for run in runs for place in run.order.tolist()]
    assert len(set(places)) == len(places)
    for run in runs:
        assert run.ticks[0] == 0 < run.ticks[-1]
        assert (np.diff(run.ticks) >= 0).all()
        # Counted from the first tick, a step can be rounded in its last digit.
        steps = np.diff(np.asarray(values, dtype=np.float64)[run.order])
        np.testing.assert_allclose(np.diff(run.ticks), steps, rtol=0, atol=1e-9)


def test_a_clog_a_burst_and_a_stop_are_found_where_they_are() -> None:
    rates = [5.0] * 40
    rates[8:12], rates[20:22], rates[30:31] = [2.0] * 4, [15.0] * 2, [0.0]
    found = sorted(stretches(arrivals(rates)))
    expected = [(800, 1200, 0.4), (2000, 2200, 3.0), (3000, 3100, 0.0)]
    assert [level for *_, level in found] == [0, 0, 0]
    for (begin, end, rate, _), (true_begin, true_end, true_rate) in zip(found, expected, strict=True):
        assert (begin, end) == pytest.approx((true_begin, true_end), abs=25)
        assert rate == pytest.approx(true_rate, abs=0.15 * max(true_rate, 1))


def test_a_small_change_is_told_only() -> None:
    ((begin, end, rate, level),) = stretches(arrivals([20.0] * 15 + [26.0] * 6 + [20.0] * 15))
    assert (begin, end) == pytest.approx((1500, 2100), abs=40)
    assert (rate, level) == (pytest.approx(1.3, abs=0.05), 1)


def test_a_rate_that_slowly_sinks_is_no_clog() -> None:
    assert stretches(arrivals(np.linspace(20, 8, 50).tolist())) == []


def test_a_stop_of_more_than_half_the_run_does_not_make_the_rest_a_burst() -> None:
    ((begin, end, rate, _),) = stretches(arrivals([10.0] * 10 + [0.0] * 30 + [10.0] * 10))
    assert (begin, end) == pytest.approx((1000, 4000), abs=30)
    assert rate < 0.01


def test_even_arrivals_are_hardly_ever_flagged() -> None:
    flagged = sum(bool(stretches(arrivals([rate] * 20, seed))) for rate in (0.15, 1.0, 10.0) for seed in range(100))
    assert flagged <= 10  # 1 % promised; of 300, more than 10 come by chance once in 1,000 times


def test_the_first_and_the_last_tick_are_not_whole() -> None:
    # Twelve whole ticks of about 500 events, and a few events before and after.
    counts = [20, *np.random.default_rng(2).poisson(500, 12).tolist(), 30]
    assert stretches(np.repeat(np.arange(14.0), counts)) == []


@pytest.mark.parametrize(
    "times",
    [
        np.linspace(0, 1000, 199),
        np.repeat(np.arange(9.0), 500),
        np.repeat(np.arange(0, 40_000, 1000.0), 30),
    ],
    ids=["few events", "few ticks", "one time for a batch"],
)
def test_a_clock_that_cannot_tell(times: np.ndarray) -> None:
    assert unusual_rates(times) is None
