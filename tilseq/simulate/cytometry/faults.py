"""What goes wrong between a specimen and its file: drift, wrong spill, dead cells, debris, doublets, a clog, beads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tilseq.errors import RunError

Floats = NDArray[np.float64]

# Round figures. Standard deviations of natural logarithms, which for small values are coefficients of variation.
GAIN_DRIFT = 0.04  # of a detector between tubes, within what daily quality control lets pass
STAIN_DRIFT = 0.12  # of how well a dye took, between tubes
SPILL_ERROR = 0.05  # of each true spill against the one in the file
RATE_DRIFT = 0.06  # of the flow rate, between parts of a tube
RATE_PARTS = 64
BEAD_LOT_CV = 0.02  # of the number of beads that a lot states
PIPETTE_CV = 0.03  # of the volume of specimen in a tube


@dataclass(frozen=True)
class Clog:
    """A stretch of a tube's time in which less comes through and pulses are not centred on the laser.

    Attributes
    ----------
    start, length
        Where it begins and how long it lasts, as shares of the tube's time.
    rate
        Factor on the rate of events.
    signal
        Factor on all light.
    """

    start: float = 0.4
    length: float = 0.15
    rate: float = 0.3
    signal: float = 0.7

    def __post_init__(self) -> None:
        if not (0 <= self.start <= 1 and self.length >= 0 and self.rate > 0 and self.signal > 0):
            raise RunError("a clog begins within the tube's time and lets something through", found=self)


@dataclass(frozen=True)
class Conditions:
    """How well a tube was stained and run.

    Attributes
    ----------
    dead
        Share of dead ones among cells.
    debris, doublets
        Share of all events that are debris, and that are two particles which passed together.
    gain_drift, stain_drift, spill_error
        Standard deviations of natural logarithms with which a tube draws the gain of each detector, the intensity of
        each dye, and each true spill against the one that the file states.
    clog
        A clog, or None.
    batch_shift
        Detector → factor by which its stain is brighter or dimmer in this run; detectors as in `Panel.channels`.
    """

    dead: float = 0.03
    debris: float = 0.06
    doublets: float = 0.03
    gain_drift: float = GAIN_DRIFT
    stain_drift: float = STAIN_DRIFT
    spill_error: float = SPILL_ERROR
    clog: Clog | None = None
    batch_shift: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        together = {"debris": self.debris, "doublets": self.doublets, "both": self.debris + self.doublets}
        for name, share in {"dead": self.dead, **together}.items():
            if not 0 <= share < 1:
                raise RunError(f"the share of {name} must leave some cells", found=share, expected="0 to below 1")


@dataclass(frozen=True)
class Beads:
    """Counting beads of a tube.

    Attributes
    ----------
    per_tube
        Number that the lot states.
    sample_volume_ul
        Volume of specimen that was meant to be pipetted, in µL.
    """

    per_tube: float
    sample_volume_ul: float

    def __post_init__(self) -> None:
        for value in (self.per_tube, self.sample_volume_ul):
            if not 0 < value < np.inf:
                raise RunError("the number of beads and the volume must be above 0", found=value)

    def per_ul(self, rng: np.random.Generator) -> float:
        """Draw the beads that really come on 1 µL of specimen.

        Both the lot's number and the volume are off, log-normally with `BEAD_LOT_CV` and `PIPETTE_CV`.
        """
        return float(self.per_tube / self.sample_volume_ul * np.exp(rng.normal(0, np.hypot(BEAD_LOT_CV, PIPETTE_CV))))


def true_spill(rng: np.random.Generator, stated: Floats, error: float) -> Floats:
    """Draw the spill of a tube: each entry off the diagonal is the stated one times a log-normal factor."""
    factors = np.exp(rng.normal(0, error, stated.shape))
    np.fill_diagonal(factors, 1.0)
    return stated * factors


def arrivals(rng: np.random.Generator, events: int, clog: Clog | None) -> Floats:
    """Draw when events arrive, as shares of the tube's time, in order; the rate wanders, and sinks in a clog."""
    edges = np.linspace(0, 1, RATE_PARTS + 1)
    if clog is not None:
        edges = np.unique(np.concatenate([edges, [clog.start, clog.start + clog.length]]).clip(0, 1))
    rate = np.exp(rng.normal(0, RATE_DRIFT, len(edges) - 1))
    if clog is not None:
        middles = (edges[:-1] + edges[1:]) / 2
        rate[(middles > clog.start) & (middles < clog.start + clog.length)] *= clog.rate
    passed = np.concatenate([[0.0], np.cumsum(rate * np.diff(edges))])
    return np.asarray(np.interp(np.sort(rng.random(events)) * passed[-1], passed, edges))
