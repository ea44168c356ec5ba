from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilseq.flow.time_quality import Steadiness, check_time
from tilseq.io.fcs import read_fcs
from tilseq.simulate.cytometry.faults import Clog, Conditions
from tilseq.simulate.cytometry.panels import PANELS
from tilseq.simulate.cytometry.tube import TIME_STEP_S, acquire

CELLS = {"CD4+ T": 700.0, "CD8+ T": 300.0, "DN T": 30.0, "DP T": 10.0, "B": 150.0, "NK": 200.0, "monocyte": 300.0}
CHECKS = ["flow rate", "signal over time", "drift over time", "events left out by time"]


def simulated(events: int, seed: int, clog: Clog | None = None) -> Any:
    tube = acquire(np.random.default_rng(seed), PANELS["tbnk"], CELLS, events, conditions=Conditions(clog=clog))
    keywords = {"$TIMESTEP": str(TIME_STEP_S)}
    return SimpleNamespace(events=tube.events.astype(np.float32), channels=tube.panel.channels, keywords=keywords)


def checked(tube: Any, among: np.ndarray | None = None) -> Steadiness:
    values = {
        f"{place} {name}": np.ascontiguousarray(tube.events[:, place])
        for place, name in enumerate(tube.channels)
        if name.casefold() != "time"
    }
    everything = np.ones(len(tube.events), dtype=bool)
    return check_time(tube, values, everything if among is None else among, sample="s1")


def row(found: Steadiness, name: str) -> dict[str, Any]:
    return next(row for row in found.quality if row["check"] == name)


def warned(found: Steadiness) -> bool:
    return any(row["verdict"] != "pass" for row in found.quality)


def inside(tube: Any, clog: Clog) -> np.ndarray:
    times = tube.events[:, -1] / tube.events[:, -1].max()
    return (times >= clog.start) & (times < clog.start + clog.length)


def test_a_clog_is_left_out_and_told() -> None:
    clog = Clog(start=0.4, length=0.15, rate=0.5, signal=0.5)
    tube = simulated(20_000, 1, clog)
    found = checked(tube)
    spoiled = inside(tube, clog)
    assert found.share_removed == pytest.approx(spoiled.mean(), abs=0.01)
    assert (~found.keep)[spoiled].mean() > 0.98
    rate, signal = sorted(found.stretches, key=lambda stretch: stretch.kind)
    # A run of 20,000 events lasts 30 s.
    for stretch in (rate, signal):
        assert (stretch.start_s, stretch.end_s) == pytest.approx((12.0, 16.5), abs=0.3)
        assert (stretch.start, stretch.end, stretch.removed) == (
            pytest.approx(0.4, abs=0.01),
            pytest.approx(0.55, abs=0.01),
            True,
        )
        assert stretch.events == pytest.approx(spoiled.sum(), abs=200)
    assert [row["check"] for row in found.quality] == CHECKS
    assert {row["sample"] for row in found.quality} == {"s1"}
    assert [row["verdict"] for row in found.quality] == ["warn", "warn", "pass", "warn"]
    assert row(found, "events left out by time")["value"] == pytest.approx(100 * found.share_removed)
    assert "times the usual rate" in row(found, "flow rate")["reason"]


# What a clog does at the least: half the rate, or half the light, over a twentieth of the run.
HARD = [
    Clog(0.4, 0.05, 0.5, 1.0),
    Clog(0.95, 0.05, 0.5, 1.0),
    Clog(0.0, 0.05, 1.0, 0.5),
    Clog(0.7, 0.05, 0.5, 0.7),
    Clog(0.0, 0.3, 0.5, 0.5),
    Clog(0.7, 0.3, 0.5, 0.5),
    Clog(0.4, 0.15, 1.0, 0.5),
]


def caught(events: int, seed: int, clog: Clog) -> bool:
    return any(
        stretch.removed and stretch.start < clog.start + clog.length and stretch.end > clog.start
        for stretch in checked(simulated(events, seed, clog)).stretches
    )


@pytest.mark.parametrize("clog", HARD, ids=str)
def test_clogs_of_several_lengths_and_strengths_are_caught(clog: Clog) -> None:
    assert all(caught(10_000, seed, clog) for seed in range(4))


@pytest.mark.slow
@pytest.mark.parametrize("clog", HARD, ids=str)
@pytest.mark.parametrize("events", [4_000, 20_000])
def test_95_of_100_clogs_are_caught(events: int, clog: Clog) -> None:
    runs = 100
    assert sum(caught(events, seed, clog) for seed in range(runs)) >= 95


@pytest.mark.slow
@pytest.mark.parametrize(("events", "tubes"), [(300, 400), (1_000, 300), (5_000, 200), (50_000, 40)])
def test_at_most_5_of_100_clean_tubes_are_warned(events: int, tubes: int) -> None:
    assert sum(warned(checked(simulated(events, seed))) for seed in range(tubes)) <= 0.05 * tubes


def test_clean_tubes_keep_all() -> None:
    for seed in range(20):
        found = checked(simulated(5_000, seed))
        assert (found.share_removed, warned(found)) == (0, False)


def test_drift_is_a_warning_and_removes_nothing() -> None:
    tube = simulated(20_000, 2)
    tube.events[:, :-1] *= np.linspace(1, 0.7, 20_000, dtype=np.float32)[:, None]
    found = checked(tube)
    assert found.share_removed == 0
    drift = row(found, "drift over time")
    # The middle of the last fifth over that of the first.
    assert (drift["value"], drift["verdict"]) == (pytest.approx(100 * (0.73 / 0.97 - 1), abs=4), "warn")


def test_events_out_of_order_are_found_by_their_time() -> None:
    tube = simulated(10_000, 3, Clog(0.4, 0.1, 1.0, 0.5))
    tube.events[:, -1] = np.arange(10_000)
    shuffled = np.random.default_rng(1).permutation(10_000)
    mixed = SimpleNamespace(events=tube.events[shuffled], channels=tube.channels, keywords={})
    in_order, out_of_order = checked(tube), checked(mixed)
    assert in_order.share_removed > 0.09
    np.testing.assert_array_equal(out_of_order.keep, in_order.keep[shuffled])


def test_without_the_length_of_a_tick_places_are_shares_of_the_run() -> None:
    tube = simulated(10_000, 3, Clog(0.4, 0.1, 1.0, 0.5))
    for keywords in ({}, {"$TIMESTEP": "none"}, {"$TIMESTEP": "0"}):
        (stretch,) = checked(SimpleNamespace(events=tube.events, channels=tube.channels, keywords=keywords)).stretches
        assert (stretch.start_s, stretch.end_s) == (None, None)
        assert stretch.start == pytest.approx(0.4, abs=0.01)
        assert "% of the run" in str(stretch)


def test_a_clock_that_begins_anew_makes_two_runs_each_held_against_itself() -> None:
    first, second = simulated(8_000, 4), simulated(8_000, 5, Clog(0.5, 0.1, 1.0, 0.5))
    # A person turned the gain up between the two.
    second.events[:, :-1] *= 1.5
    both = np.concatenate([first.events, second.events])
    found = checked(SimpleNamespace(events=both, channels=first.channels, keywords=first.keywords))
    assert found.keep[:8_000].all()
    assert (~found.keep[8_000:]).mean() == pytest.approx(0.1, abs=0.01)
    # Each run lasts 30 s; the clog begins in the middle of the second.
    assert [stretch.start_s for stretch in found.stretches] == [pytest.approx(45.0, abs=0.4)]
    assert "2 runs" in row(found, "events left out by time")["reason"]


def test_a_tube_of_which_more_than_half_is_spoiled_fails() -> None:
    tube = simulated(20_000, 6)
    third = np.arange(20_000) % 20_000 // 4_000
    tube.events[np.isin(third, (0, 4)), :-1] *= 0.4
    tube.events[third == 2, :-1] *= 2.5
    left_out = row(checked(tube), "events left out by time")
    assert (left_out["value"], left_out["verdict"]) == (pytest.approx(60, abs=3), "fail")


@pytest.mark.parametrize("broken", ["absent", "constant", "not a number"])
def test_without_a_clock_all_is_kept_and_told(broken: str) -> None:
    tube = simulated(5_000, 7, Clog(0.4, 0.2, 0.5, 0.5))
    channels, events = list(tube.channels), tube.events
    if broken == "absent":
        channels, events = channels[:-1], events[:, :-1]
    else:
        events[:, -1] = 7 if broken == "constant" else np.nan
    found = checked(SimpleNamespace(events=events, channels=channels, keywords=tube.keywords))
    assert found.keep.all()
    assert (found.share_removed, list(found.stretches)) == (0, [])
    assert [row["check"] for row in found.quality] == CHECKS
    for told in found.quality:
        assert (told["value"], told["verdict"], told["reason"][:13]) == (None, "pass", "not available")


def test_too_few_events_are_kept_and_told() -> None:
    found = checked(simulated(150, 8))
    assert found.keep.all()
    assert [row["value"] for row in found.quality] == [None, None, None, 0]


def test_only_the_events_asked_for_are_looked_at() -> None:
    tube = simulated(10_000, 9)
    among = np.ones(10_000, dtype=bool)
    among[4_000:5_000] = False
    tube.events[4_000:5_000, :-1] = np.nan
    tube.events[0, -1], among[0] = np.nan, True
    found = checked(tube, among)
    assert found.keep[4_000:5_000].all()
    assert found.keep[0]


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 1500), st.sampled_from([1, 2, 10, 60]), st.floats(0, 6))
def test_whatever_the_run_each_event_is_kept_or_told(seed: int, events: int, blocks: int, wild: float) -> None:
    random = np.random.default_rng(seed)
    block = np.arange(events) * blocks // events
    waits = random.exponential(1, events) * np.exp(wild * random.normal(size=blocks))[block]
    light = random.lognormal(8, 0.5, (events, 2)) * np.exp(wild * random.normal(size=blocks))[block][:, None]
    columns = np.column_stack([light, np.floor(np.cumsum(waits))]).astype(np.float32)
    found = checked(SimpleNamespace(events=columns, channels=["FSC-A", "CD3", "Time"], keywords={}))
    assert found.share_removed == pytest.approx((~found.keep).mean())
    removed = [stretch.events for stretch in found.stretches if stretch.removed]
    assert max(removed, default=0) <= (~found.keep).sum() <= sum(removed)
    for stretch in found.stretches:
        assert 0 <= stretch.start <= stretch.end <= 1


@pytest.mark.parametrize("number", range(1, 9))
def test_whole_blood_loses_less_than_a_hundredth(shared_data: Path, number: int) -> None:
    found = checked(read_fcs(shared_data / f"flow/itn/itn_0{number}.fcs"))
    assert found.share_removed < 0.01
    assert not warned(found)


@pytest.mark.parametrize("path", ["flowsom_68983/68983.fcs", "pbmc_spectral_unmixed.fcs", "gatingml_suite/data1.fcs"])
def test_steady_files_lose_nothing(shared_data: Path, path: str) -> None:
    found = checked(read_fcs(shared_data / "flow" / path))
    assert found.keep.all()
    assert not warned(found)


def test_a_real_hiccup_of_the_flow_is_found(shared_data: Path) -> None:
    # Of 5,785 events in 13.6 s, 425 a second, 7 come in the 130 ms from 6.49 s, where the mean is 55, and many at once
    # thereafter.
    found = checked(read_fcs(shared_data / "flow/odd/G11.fcs"))
    stop, burst = (stretch for stretch in found.stretches if stretch.removed)
    assert (stop.start_s, stop.end_s) == pytest.approx((6.5, 6.65), abs=0.1)
    assert stop.events < 20
    assert burst.start_s == pytest.approx(6.7, abs=0.1)
    assert found.share_removed < 0.04


def test_a_real_loss_of_signal_is_found(shared_data: Path) -> None:
    # In ticks 270 to 289 and 370 to 379 of 500, 58 to 69 % of events lie on the floor of FSC-H; before tick 260 never
    # more than 49 % do.
    tube = read_fcs(shared_data / "flow/odd/Sample_Well_A02.fcs")
    found = checked(tube)
    times = tube.events[:, tube.index("Time")]
    for begin, end in ((272, 288), (372, 377)):
        assert not found.keep[(times >= begin) & (times < end)].any()
    assert found.keep[times < 260].mean() > 0.97
    assert "FSC-H" in row(found, "signal over time")["reason"]
