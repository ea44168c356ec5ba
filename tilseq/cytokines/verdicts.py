"""Whether beads are enough, and clear enough, to be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Verdict = Literal["pass", "warn", "fail"]

GOOD, FAILED = 50, 35
LEAST_SEPARATION = 3.0  # standard deviations
FURTHEST_SHIFT = 0.1  # natural logarithm
MOST_AT_HIGHEST = 0.05
SATURATED = 0.5  # share at the highest reporter from which the median is no more than a lower bound
DIMENSIONS = ("forward scatter", "side scatter", "classifier")


@dataclass(frozen=True)
class Well:
    """What is known of one analyte in one well.

    Attributes
    ----------
    beads
        Single beads.
    signal, error
        Their median reporter, None without a bead, and the standard error of its logarithm, None where it is not known.
    shift
        How far the well's beads lie off those of the plate, natural logarithms of `DIMENSIONS`.
    separation
        Standard deviations to the nearest other population of the plate.
    at_highest
        Share of the beads at the highest reporter of the plate.
    odd
        What is odd with its population on the whole plate, if anything.
    elsewhere
        What tells that the well's beads lie off the plate's, if anything.
    """

    beads: int
    signal: float | None
    error: float | None
    shift: NDArray[np.float64]
    separation: float
    at_highest: float
    odd: str | None = None
    elsewhere: str | None = None


def saturated(row: Mapping[str, Any]) -> bool:
    """Tell whether the median of a row of `bead_wells` stands at the detector's end: the signal may be any larger."""
    return (row.get("at_highest") or 0.0) >= SATURATED


def judge_well(well: Well) -> tuple[Verdict, str | None]:
    """Return the verdict on one analyte in one well, and why it is not a pass."""
    if well.beads < FAILED:
        return "fail", f"{well.beads} beads; {FAILED} are needed, and {GOOD} are good"
    if well.elsewhere is not None:
        return "fail", well.elsewhere
    # No curve can be put through these, nor a concentration read from them.
    if well.signal is not None and well.signal <= 0:
        return "fail", "the median reporter is not above 0: was a background taken off?"
    if well.error is None and well.at_highest < SATURATED:
        return "fail", "the error of the median reporter cannot be told from its beads"
    doubts = []
    if well.beads < GOOD:
        doubts.append(f"{well.beads} beads; {GOOD} are good")
    if well.odd is not None:
        doubts.append(well.odd)
    if well.at_highest > MOST_AT_HIGHEST:
        doubts.append(f"{100 * well.at_highest:.0f} % of the beads stand at the reporter's highest value")
    if well.separation < LEAST_SEPARATION:
        doubts.append(f"its population lies {well.separation:.1f} standard deviations from the next")
    furthest = int(np.argmax(np.abs(well.shift)))
    if abs(well.shift[furthest]) > FURTHEST_SHIFT:
        percent = 100 * np.expm1(well.shift[furthest])
        doubts.append(f"the well's beads lie {percent:+.0f} % off the plate's in {DIMENSIONS[furthest]}")
    return ("warn", "; ".join(doubts)) if doubts else ("pass", None)


def judge_population(
    counted: int, failed: int, rows: Sequence[Mapping[str, Any]], odd: str | None
) -> tuple[Verdict, str | None]:
    """Return the verdict on one population over the wells of a plate.

    Parameters
    ----------
    counted, failed
        Wells in which its beads could be counted, and those of them that fail.
    rows
        Its rows of `bead_wells`.
    odd
        What is odd with its place, if anything.
    """
    if not counted:
        return "fail", rows[0]["reason"] if rows else None
    if failed == counted:
        return "fail", "its beads fail in every well"
    doubts = [] if odd is None else [odd]
    if failed:
        doubts.append(f"its beads fail in {failed} of {counted} wells")
    return ("warn", "; ".join(doubts)) if doubts else ("pass", None)
