"""The run of a tube in time: which events a clog or a bubble spoiled, and what else was not steady."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from tilseq.flow.flow_rate import Rate, Run, read_runs, unusual_rates
from tilseq.flow.quality import check
from tilseq.flow.scan import Departure
from tilseq.flow.signal_shift import Drift, Shift, shifts_and_drift
from tilseq.flow.tube import Floats, Mask, Tube, time_channel

Kind = Literal["flow rate", "signal"]
RATE: Literal["flow rate"] = "flow rate"
SIGNAL: Literal["signal"] = "signal"
LARGEST_DRIFT = 10.0
MOST_REMOVED = 50.0
MOST_TOLD = 3
RATE_LIMIT = "between 2/3 and 2 times the usual rate"
SIGNAL_LIMIT = "no segment's mean rank off by 0.15 of all events"
DRIFT_LIMIT = f"within {LARGEST_DRIFT:g} % from the first to the last fifth of the run"
LEFT_OUT_LIMIT = f"none; more than {MOST_REMOVED:g} % of events fail"


@dataclass(frozen=True)
class Stretch:
    """A stretch of a run that departs from the rest.

    Attributes
    ----------
    kind
        What departs: the flow rate or the signal.
    start_s, end_s
        When it began and ended, in seconds of the run; None where the file does not say how long a tick is.
    start, end
        The same as shares of the run's time.
    events
        Events in it; a stop has none.
    removed
        Whether they are left out; a small departure is told only.
    reason
        What departs and by how much.
    """

    kind: Kind
    start_s: float | None
    end_s: float | None
    start: float
    end: float
    events: int
    removed: bool
    reason: str

    def __str__(self) -> str:
        place = f"{100 * self.start:.3g} to {100 * self.end:.3g} % of the run"
        if self.start_s is not None and self.end_s is not None:
            place = f"{self.start_s:.3g} to {self.end_s:.3g} s"
        return f"{place}: {self.reason}"


@dataclass(frozen=True)
class Steadiness:
    """How steady a tube ran.

    Attributes
    ----------
    keep
        One an event: False in stretches that are left out.
    share_removed
        Share of events left out.
    stretches
        All stretches that depart, in order of time.
    quality
        Rows of the table `quality`: `flow rate` and `signal over time` (% of events left out for it), `drift over
        time` (% of change) and `events left out by time` (% of events).
    """

    keep: Mask
    share_removed: float
    stretches: Sequence[Stretch]
    quality: Sequence[dict[str, Any]]


def check_time(tube: Tube, values: Mapping[str, Floats], among: Mask, *, sample: str) -> Steadiness:
    """Find the events of a tube that a clog, a bubble or a burst spoiled.

    A stretch is left out where its rate is below 2/3 of the usual one or above twice of it, or where the mean rank of
    its events in any channel is off by 0.15 of all events or more; smaller departures, and slow drift, are told only.
    See `flow_rate.unusual_rates` and `signal_shift.shifts_and_drift` for how they are found. Where the clock began anew
    each part is held against itself alone.

    Parameters
    ----------
    tube
        Tube with a channel named `Time`, in ticks of $TIMESTEP seconds. Without one, or with a clock that stands
        still, nothing is known of the run: the checks say so and every event is kept.
    values
        Channel or marker → values of all events, compensated or not.
    among
        Events to look at, finite in all of `values`. Those left out must be few, for they are missed in the flow rate.
    sample
        Name that the rows bear.

    Returns
    -------
    Steadiness
        Events that are not `among` those to look at are kept.
    """
    keep = np.ones(len(among), dtype=bool)
    column = time_channel(tube)
    if column is None:
        return Steadiness(keep, 0.0, (), _unknown(sample, "the file has no Time channel"))
    ticks = np.ascontiguousarray(tube.events[:, column])
    timed = among & np.isfinite(ticks)
    runs = read_runs(ticks if timed.all() else ticks[timed])
    if not timed.all():
        places = np.flatnonzero(timed)
        runs = [run._replace(order=places[run.order]) for run in runs]
    if not runs:
        return Steadiness(keep, 0.0, (), _unknown(sample, "the Time channel stands still"))
    looks = [_look(run, values) for run in runs]
    for run, look in zip(runs, looks, strict=True):
        for found in (*(look.rates or ()), *(look.signals or ())):
            if found.removed:
                keep[run.order[found.first : found.end]] = False
    share = 1 - np.count_nonzero(keep) / len(keep)
    stretches = _stretches(runs, looks, _seconds_per_tick(tube))
    coarse, few = "too few events, or ticks too coarse", "too few events"
    rates = None if all(look.rates is None for look in looks) else [item for item in stretches if item.kind == RATE]
    signals = None if all(look.signals is None for look in looks) else [item for item in stretches if item.kind != RATE]
    quality = [
        _departed(sample, "flow rate", RATE_LIMIT, rates, len(keep), coarse),
        _departed(sample, "signal over time", SIGNAL_LIMIT, signals, len(keep), few),
        _drifted(
            sample,
            [look.drift for look in looks if look.drift],
            f"not available: {few}" if signals is None else "none to be seen",
        ),
        _left_out(sample, share, len(runs), int(np.count_nonzero(timed)) - sum(len(run.order) for run in runs)),
    ]
    return Steadiness(keep, share, stretches, quality)


class _Found(NamedTuple):
    """A stretch of one run: its events in the order of the run, its ticks, and what a `Stretch` tells of it."""

    kind: Kind
    first: int
    end: int
    ticks: tuple[float, float]
    removed: bool
    reason: str


class _Look(NamedTuple):
    """What is found in one run; None where it cannot be known."""

    rates: list[_Found] | None
    signals: list[_Found] | None
    drift: Drift | None


def _look(run: Run, values: Mapping[str, Floats]) -> _Look:
    rate, signal = unusual_rates(run.ticks), shifts_and_drift(values, run.order)
    return _Look(
        None if rate is None else [_by_rate(run, rate, found) for found in rate.stretches],
        None if signal is None else [_by_signal(run, shift) for shift in signal[0]],
        None if signal is None else signal[1],
    )


def _by_rate(run: Run, rate: Rate, found: Departure) -> _Found:
    start, end = float(rate.edges[found.first]), float(rate.edges[found.end])
    first, last = np.searchsorted(run.ticks, (start, end)).tolist()
    reason = f"{1 + found.effect:.2g} times the usual rate" if last > first else "no event came"
    return _Found(RATE, first, last, (start, end), found.level == 0, reason)


def _by_signal(run: Run, shift: Shift) -> _Found:
    share, side = (shift.below, "below") if shift.below >= 0.5 else (1 - shift.below, "above")
    reason = f"{100 * share:.0f} % of events lie {side} the usual median of {shift.channel}"
    start, end = run.ticks[shift.first], run.ticks[shift.end - 1]
    # Events of one tick go together: nothing else can part them again.
    first, after = int(np.searchsorted(run.ticks, start)), int(np.searchsorted(run.ticks, end, side="right"))
    return _Found(SIGNAL, first, after, (float(start), float(end)), shift.strong, reason)


def _seconds_per_tick(tube: Tube) -> float | None:
    try:
        step = float(tube.keywords.get("$TIMESTEP", ""))
    except ValueError:
        return None
    return step if 0 < step < np.inf else None


def _stretches(runs: Sequence[Run], looks: Sequence[_Look], step: float | None) -> list[Stretch]:
    """Return what is found in all runs, one run after the other."""
    whole, before = sum(float(run.ticks[-1]) for run in runs), 0.0
    stretches = []
    for run, look in zip(runs, looks, strict=True):
        for found in (*(look.rates or ()), *(look.signals or ())):
            start, end = (before + tick for tick in found.ticks)
            start_s, end_s = (None, None) if step is None else (start * step, end * step)
            events = found.end - found.first
            stretches.append(
                Stretch(found.kind, start_s, end_s, start / whole, end / whole, events, found.removed, found.reason)
            )
        before += float(run.ticks[-1])
    return sorted(stretches, key=lambda stretch: (stretch.start, stretch.end))


def _departed(
    sample: str, name: str, limit: str, stretches: Sequence[Stretch] | None, events: int, why: str
) -> dict[str, Any]:
    """Return a check that warns of each stretch that is left out, and tells of the others."""
    if stretches is None:
        return _not_available(sample, name, limit, why)
    removed = [stretch for stretch in stretches if stretch.removed]
    told = [*removed, *(stretch for stretch in stretches if not stretch.removed)]
    parts = [str(stretch) for stretch in told[:MOST_TOLD]]
    parts += [f"and {len(told) - MOST_TOLD} more"] if len(told) > MOST_TOLD else []
    share = 100 * sum(stretch.events for stretch in removed) / events
    return check(sample, name, share, limit, not removed, "; ".join(parts) or "steady")


def _drifted(sample: str, drifts: Sequence[Drift], otherwise: str) -> dict[str, Any]:
    if not drifts:
        return check(sample, "drift over time", None, DRIFT_LIMIT, True, otherwise)
    drift = max(drifts, key=lambda drift: abs(drift.change))
    change = 100 * drift.change
    fine = abs(change) <= LARGEST_DRIFT
    return check(sample, "drift over time", change, DRIFT_LIMIT, fine, f"the signal of {drift.channel} changes most")


def _left_out(sample: str, share: float, runs: int, strays: int) -> dict[str, Any]:
    percent = 100 * share
    reason = f"{percent:.2g} % of events" if share else "none"
    if runs > 1:
        reason += f"; the clock began anew, and each of {runs} runs is held against itself"
    if strays:
        reason += f"; {strays} with a time far from all others, stray or after a pause, are kept, and not looked at"
    worst = "fail" if percent > MOST_REMOVED else "warn"
    return check(sample, "events left out by time", percent, LEFT_OUT_LIMIT, not share, reason, worst=worst)


def _unknown(sample: str, why: str) -> list[dict[str, Any]]:
    named = (
        ("flow rate", RATE_LIMIT),
        ("signal over time", SIGNAL_LIMIT),
        ("drift over time", DRIFT_LIMIT),
        ("events left out by time", LEFT_OUT_LIMIT),
    )
    return [_not_available(sample, name, limit, why) for name, limit in named]


def _not_available(sample: str, name: str, limit: str, why: str) -> dict[str, Any]:
    return check(sample, name, None, limit, True, f"not available: {why}")
