"""Taking each dye's spill out of the other detectors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilseq.errors import AnalysisError
from tilseq.flow.robust import ERROR_OF_MEDIAN, MAD_TO_SD, median
from tilseq.flow.tube import Floats, Tube
from tilseq.gates import COMPENSATED_PREFIXES, LARGEST_CONDITION, Spectra, in_percent, spectra_fault
from tilseq.masked import refuse_masked

# So many events stay in a processor's cache while they are laid out by channel and multiplied. A product of more terms
# is for OpenBLAS one of several threads, which on so small a piece work less than they wait for each other.
ROWS_AT_ONCE, LARGEST_PRODUCT = 4096, 1 << 18
NOT_STAINS = ("fsc", "ssc", "time")
# Even log2 of the largest number of a 24-bit cytometer is below 25; on the linear scale that is noise.
LARGEST_LOGARITHM, LARGEST_SHARE_OF_RANGE, SMALLEST_RANGE = 25.0, 0.01, 1024.0
# A dye's brightest events: this share of all, but not so few that their median says nothing.
BRIGHTEST, FEWEST_BRIGHTEST = 0.02, 50
MOST_BELOW_ZERO, STANDARD_ERRORS = 5.0, 4.0
# Where most of these bear the detector's dye, too, the others are the lowest: a tenth, further below than dyes spread.
LOWEST, MOST_BELOW_ZERO_OF_LOWEST, STANDARD_DEVIATIONS = 0.1, 20.0, 5.0
NOISE_LOOKED_AT, FEWEST_FOR_NOISE = 5_000, 20
ENOUGH_EVENTS = 50_000


class TooMuch(NamedTuple):
    """How far below zero the events brightest in a dye lie in another detector, in percent of their light.

    It is the median of them all, or the end of the lowest tenth: `part` is 0.5 or 0.1.
    """

    dye: str
    detector: str
    percent: float
    part: float

    def __str__(self) -> str:
        whose = "the events that are" if self.part != LOWEST else "a tenth of the events that are"
        end = "" if self.part != LOWEST else ", or lower"
        return (
            f"it takes too much of {self.dye} out of {self.detector}, where {whose} brightest in {self.dye} lie at "
            f"{self.percent:.2g} % of their light{end}"
        )


def compensate(
    events: Floats, channels: Sequence[str], spill_channels: Sequence[str], spill_matrix: ArrayLike
) -> Floats:
    """Compensate events: ``events @ inv(spill)`` over the channels of the spill (Bagwell and Adams, 1993).

    Parameters
    ----------
    events
        Events × channels on the linear scale.
    channels
        Name of each column of `events`.
    spill_channels
        Names of the rows and columns of the matrix.
    spill_matrix
        n × n; row i is what the dye of channel i puts into each detector.

    Returns
    -------
    ndarray
        A float32 copy of the events; channels outside the spill are as they were. Each channel is contiguous in
        memory (Fortran order), as what follows goes by channel.

    Raises
    ------
    AnalysisError
        The matrix is not n × n, not finite, in percent (100 all along the diagonal), is singular or nearly so (the
        condition number is told), or names a channel that is absent or occurs twice. Events are masked, or not
        as many columns as channels.
    """
    return _compensated(events, channels, spill_channels, spill_matrix, list(range(len(channels))))


def compensate_some(
    events: Floats,
    channels: Sequence[str],
    spill_channels: Sequence[str],
    spill_matrix: ArrayLike,
    wanted: Sequence[str],
) -> Floats:
    """Compensate as `compensate` does, but return the channels that are wanted alone, in their order.

    Raises
    ------
    AnalysisError
        As `compensate`; a wanted channel that is absent is no channel's name.
    """
    return _compensated(events, channels, spill_channels, spill_matrix, checked_columns(channels, wanted))


def _compensated(
    events: Floats,
    channels: Sequence[str],
    spill_channels: Sequence[str],
    spill_matrix: ArrayLike,
    wanted: Sequence[int],
) -> Floats:
    """Return compensated columns, each contiguous."""
    refuse_masked(events=events)
    events = np.asarray(events)
    if events.ndim != 2 or events.shape[1] != len(channels):
        expected = f"events × {len(channels)}"
        raise AnalysisError("each channel needs its column of events", found=events.shape, expected=expected)
    inverse = np.linalg.inv(checked_matrix(spill_channels, spill_matrix)).astype(np.float32)
    dyes, inverse = _in_order(checked_columns(channels, spill_channels), inverse)
    places = np.arange(len(channels))[dyes].tolist()
    stained = [row for row, column in enumerate(wanted) if column in places]
    rows = np.ascontiguousarray(inverse.T[[places.index(wanted[row]) for row in stained]])
    plain = [row for row, column in enumerate(wanted) if column not in places]
    by_channel = np.empty((len(wanted), len(events)), dtype=np.float32)
    at_once = max(1, min(ROWS_AT_ONCE, LARGEST_PRODUCT // max(1, rows.size)))
    with np.errstate(over="ignore", invalid="ignore"):  # an event that is not finite comes out not finite
        for start in range(0, len(events), at_once):
            block = events[start : start + at_once]
            part = by_channel[:, start : start + at_once]
            for row in plain:
                part[row] = block[:, wanted[row]]
            part[stained] = rows @ np.asarray(block[:, dyes].T, dtype=np.float32)
    return by_channel.T


def checked_matrix(channels: Sequence[str], matrix: ArrayLike) -> NDArray[np.float64]:
    """Return a spillover matrix as float64 when it can be inverted with sense.

    Raises
    ------
    AnalysisError
        As `compensate`.
    """
    values, size = np.asarray(matrix, dtype=np.float64), len(channels)
    if values.ndim == 2:
        fault = spectra_fault(Spectra.of(channels, channels, values))
    else:
        fault = f"values of {values.ndim} dimensions"
    if fault:
        raise AnalysisError(
            "the spillover matrix cannot be taken out",
            found=fault,
            expected=f"{size} × {size} finite numbers, a condition number of at most {LARGEST_CONDITION:g}",
            mend="give the matrix that the instrument wrote, or compensate before export",
        )
    if in_percent(values):
        raise AnalysisError(
            "the spillover matrix is in percent: all it is taken out of would come out 100 times too small",
            found="100 all along the diagonal",
            expected="1 all along the diagonal, a dye's signal in its own detector",
            mend="divide the matrix by 100",
        )
    return values


def condition_number(matrix: ArrayLike) -> float:
    """Return the 2-norm condition number, infinite for a singular matrix."""
    return float(np.linalg.cond(np.asarray(matrix, dtype=np.float64)))


def too_much(events: Floats, channels: Sequence[str], spill_channels: Sequence[str]) -> TooMuch | None:
    """Find the dye of which most too much was taken out of the detector of another.

    Light cannot be negative: where the spillover is right, the events that are brightest in one dye lie about zero in
    another detector, or above it if they bear its dye as well. If more than half of them lie clearly below it, or a
    tenth of them very clearly, the matrix says more than what spilled. Too little taken out does not show by this; see
    `residual`.

    Parameters
    ----------
    events
        Compensated events × channels. Of more than 50,000 some, evenly spaced, are looked at.
    channels
        Name of each column of `events`.
    spill_channels
        Names of the rows and columns of the matrix.

    Returns
    -------
    TooMuch or None
        The worst pair, if the median of the brightest 2 % (50 events at least) in the dye lies below -5 % of their
        light, and below zero by more than four standard errors; or else if their lowest tenth lies below -20 % of their
        light, and below zero by more than five standard deviations of what is dim in the dye (by what of it lies below
        zero).
    """
    some = events[:: 1 + len(events) // ENOUGH_EVENTS].T[checked_columns(channels, spill_channels)]
    finite = np.isfinite(some).all(axis=0)
    some = some if finite.all() else np.compress(finite, some, axis=1)
    number = max(FEWEST_BRIGHTEST, int(BRIGHTEST * some.shape[1]))
    if some.shape[1] <= number:
        return None
    found: list[TooMuch] = []
    dim = some[:, :: 1 + some.shape[1] // NOISE_LOOKED_AT]
    for place, dye in enumerate(spill_channels):
        # Sorted, as quantiles are found in half the time then.
        brightest = np.sort(some[:, np.argpartition(some[place], -number)[-number:]].astype(np.float64))
        lowest, middle = np.quantile(brightest, (LOWEST, 0.5), axis=1)
        if middle[place] <= 0:  # not a light of the dye, of which something could be taken out
            continue
        spread = MAD_TO_SD * median(np.abs(brightest - middle[:, np.newaxis]))
        for part, values, most, noise in (
            (0.5, middle, MOST_BELOW_ZERO, STANDARD_ERRORS * ERROR_OF_MEDIAN * spread / np.sqrt(number)),
            (LOWEST, lowest, MOST_BELOW_ZERO_OF_LOWEST, STANDARD_DEVIATIONS * _noise(dim, place)),
        ):
            percent = 100 * values / middle[place]
            others = np.flatnonzero((percent < -most) & (values < -noise)).tolist()
            found += [TooMuch(dye, spill_channels[other], float(percent[other]), part) for other in others]
    # What half of the events tell is surer than what a tenth does.
    return min(found, key=lambda one: (-one.part, one.percent), default=None)


def _noise(events: Floats, place: int) -> NDArray[np.float64]:
    """Return each detector's standard deviation among the quarter of events dimmest in a dye.

    It is the root mean square of what lies below zero; infinite where fewer than 20 events do.
    """
    dimmest = np.compress(events[place] <= np.quantile(events[place], 0.25), events, axis=1)
    below = np.minimum(dimmest, 0).astype(np.float64)
    number = np.count_nonzero(below, axis=1)
    squares = (below**2).sum(axis=1) / np.maximum(number, 1)
    return np.where(number >= FEWEST_FOR_NOISE, np.sqrt(squares), np.inf)


def is_compensated(tube: Tube) -> bool:
    """Tell whether every channel but scatter and time bears FlowJo's name for a compensated one."""
    names = [name.casefold() for name in tube.channels]
    stains = [name for name in names if not re.sub(r"^((fj)?comp-|<)", "", name).startswith(NOT_STAINS)]
    return bool(stains) and all(name.startswith(COMPENSATED_PREFIXES) for name in stains)


def are_compensated(channels: Iterable[str]) -> bool:
    """Tell whether the channels of the stains that are gated are compensated already, by FlowJo's names.

    Raises
    ------
    AnalysisError
        Some are and some are not.
    """
    names = list(dict.fromkeys(channels))
    done = [name for name in names if name.casefold().startswith(COMPENSATED_PREFIXES)]
    if done and len(done) < len(names):
        raw = [name for name in names if name not in done]
        raise AnalysisError(
            f"of the channels to gate {', '.join(done)} are compensated and {', '.join(raw)} are not",
            expected="channels of one kind",
            mend="name channels of one kind among the panel's markers",
        )
    return bool(done)


def look_transformed(tube: Tube, channels: Iterable[str]) -> bool:
    """Tell whether the stored values of stains look like logarithms or the like, not like linear values.

    That is so when the 99.9th percentile of every channel with a $PnR of at least 1,024 lies below 25 and below 1 % of
    $PnR, and there is such a channel. Of more than 50,000 events some, evenly spaced, are looked at.
    """
    seen = False
    for name in dict.fromkeys(channels):
        place = list(tube.channels).index(name)
        span = _number(tube.keywords.get(f"$P{place + 1}R", ""))
        values = tube.events[:: 1 + len(tube.events) // ENOUGH_EVENTS, place]
        values = values[np.isfinite(values)]
        if span < SMALLEST_RANGE or not values.size:
            continue
        if np.quantile(values, 0.999) >= min(LARGEST_LOGARITHM, LARGEST_SHARE_OF_RANGE * span):
            return False
        seen = True
    return seen


def is_transformed(tube: Tube) -> bool:
    """Tell whether flowCore transformed the stored events, as it notes when it writes them back."""
    keywords = {name.casefold(): value.strip().casefold() for name, value in tube.keywords.items()}
    return keywords.get("transformation") == "custom"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _in_order(columns: list[int], inverse: Floats) -> tuple[list[int] | slice, Floats]:
    """Sort the columns and the matrix with them; columns side by side become a slice, which needs no copy."""
    order = np.argsort(columns)
    first, last = columns[order[0]], columns[order[-1]]
    together = last - first + 1 == len(columns)
    ordered = slice(first, last + 1) if together else [columns[place] for place in order]
    return ordered, np.ascontiguousarray(inverse[np.ix_(order, order)])


def checked_columns(channels: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Return the place of each channel of a matrix among a tube's.

    Raises
    ------
    AnalysisError
        One is absent or occurs twice.
    """
    places: dict[str, list[int]] = {}
    for place, name in enumerate(channels):
        places.setdefault(name, []).append(place)
    for name in wanted:
        if len(places.get(name, [])) != 1:
            raise AnalysisError(
                "the spillover matrix names a channel that the tube does not have exactly once",
                found=name,
                expected=f"one of {', '.join(channels)}",
            )
    if len(set(wanted)) != len(wanted):
        raise AnalysisError("the spillover matrix names a channel twice", found=", ".join(wanted))
    return [places[name][0] for name in wanted]
