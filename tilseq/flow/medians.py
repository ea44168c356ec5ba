"""Median signals of the markers on each population, on the linear, compensated scale."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tilseq.flow.robust import median
from tilseq.flow.tree import Population
from tilseq.flow.tube import Floats

if TYPE_CHECKING:
    import polars as pl

TAIL = 0.025


def medians(
    populations: Mapping[str, Population],
    values: Mapping[str, Floats],
    channels: Mapping[str, str],
    *,
    sample: str,
    names: Collection[str],
) -> pl.DataFrame:
    """Return the median signal of every marker on some populations, of the events in which it is a finite number.

    The limits are of counting alone, and exact order statistics: the true median lies outside with a chance of at most
    5 % (Conover, Practical Nonparametric Statistics, 1999, 3.2). Six events are the fewest that have any. A median is
    of one instrument and its settings: it can be held against that of another tube only where both are the same.

    Parameters
    ----------
    populations
        Name → population.
    values
        Marker → compensated linear values of all events.
    channels
        Marker → channel ($PnN).
    sample
        Name that the rows bear.
    names
        The populations that are asked for; one without events has no row.

    Returns
    -------
    polars.DataFrame
        Table `medians`.
    """
    from tilseq.tables.outputs import MEDIANS

    rows: list[dict[str, Any]] = []
    for name in names:
        places = np.flatnonzero(populations[name].mask)
        if not len(places):
            continue
        for marker, column in values.items():
            signal = np.sort(column[places])
            signal = signal[np.isfinite(signal)]
            if not len(signal):
                continue
            rank = lower_rank(len(signal))
            row: dict[str, Any] = {"sample": sample, "population": name, "marker": marker, "channel": channels[marker]}
            row |= {"events": len(signal), "median": float(median(signal))}
            if rank:
                row |= {"lower": float(signal[rank - 1]), "upper": float(signal[-rank])}
            rows.append(row)
    return MEDIANS.frame(rows)


def lower_rank(number: int) -> int:
    """Return which order statistic, counted from the least (1), is the lower 95 % limit of a median; 0 is none.

    The upper limit is as far from the largest. It is the 2.5 % quantile of the binomial distribution of `number` and
    one half.
    """
    from scipy.special import bdtr

    rank = max(0, int(number / 2 - 2 * np.sqrt(number)))  # below it for sure
    while bdtr(rank, number, 0.5) < TAIL:
        rank += 1
    return rank
