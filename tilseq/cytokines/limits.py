"""What a standard curve may be used for: recovery of its standards, limits of detection and quantification."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tilseq.cytokines.curve import Curve, Floats
from tilseq.cytokines.standards import Spread, Standard

RECOVERY, RECOVERY_AT_LLOQ, MOST_CV = 0.20, 0.25, 0.20
MOST_READING_CV = 0.25  # of a concentration, by beads and reading alone
BLANK_SD = 2.0


@dataclass(frozen=True)
class Level:
    """What the curve gives back of one standard level.

    Attributes
    ----------
    place
        Of the level: 0 for the top.
    log_nominal, log_true
        ln pg/mL by the sheet, and with the level's shared error.
    wells
        How many were used.
    log_back
        ln pg/mL by the curve from the mean ln signal; infinite outside of the curve.
    cv
        Coefficient of variation of what the curve gives back of its wells; None with one.
    reading_cv
        That of a single well's concentration by beads and reading alone.
    log_signal
        ln signal of the curve at `log_true`.
    log_apart
        ln of the signal of its brightest well over that of its dimmest.
    log_se
        Standard error of the ln signal of a single well by beads alone.
    """

    place: int
    log_nominal: float
    log_true: float
    wells: int
    log_back: float
    cv: float | None
    reading_cv: float
    log_signal: float
    log_apart: float
    log_se: float

    def passes(self, recovery: float) -> bool:
        """Tell whether recovery and CV are within their limits."""
        if not np.isfinite(self.log_back) or abs(np.exp(self.log_back - self.log_true) - 1) > recovery:
            return False
        return (self.cv is None or self.cv <= MOST_CV) and self.reading_cv <= MOST_READING_CV


@dataclass(frozen=True)
class Limits:
    """The usable range of a curve, ln pg/mL in the well.

    Attributes
    ----------
    log_signal_lod
        ln signal above which there is analyte.
    llod, lloq, uloq
        Limits of detection and quantification; the last two are plus and minus infinity where no two standards pass.
    """

    log_signal_lod: float
    llod: float
    lloq: float
    uloq: float


def levels_of(
    one: Standard, level_of: NDArray[np.intp], curve: Curve, level_errors: Floats, spread: Spread
) -> list[Level]:
    """Return what the curve gives back of each level, from the top down.

    Parameters
    ----------
    one
        Standards of the analyte.
    level_of
        Level of each standard well of the plate, -1 for a blank.
    curve
        Its curve.
    level_errors
        ln(true over nominal) of each level.
    spread
        Of the plate.
    """
    own = level_of[one.wells]
    told = []
    for place in sorted(set(own[own >= 0].tolist())):
        wells = own == place
        back = curve.inverse(one.log_signal[wells])
        nominal = float(one.log_conc[wells][0])
        true = nominal + float(level_errors[place])
        steep = float(curve.steepness(true)[0])
        beads = float(np.mean(one.se[wells] ** 2))
        read = float(np.sqrt(beads + spread.reading**2))
        mean = float(curve.inverse(one.log_signal[wells].mean())[0])
        told.append(
            Level(
                place,
                nominal,
                true,
                int(wells.sum()),
                mean,
                _cv(back),
                read / max(steep, 1e-9),
                float(curve.log_signal(true)[0]),
                float(np.ptp(one.log_signal[wells])),
                float(np.sqrt(beads)),
            )
        )
    return told


def _cv(log_back: Floats) -> float | None:
    """Return the coefficient of variation of concentrations; infinite where one is outside of the curve."""
    if len(log_back) < 2:
        return None
    back = np.exp(log_back)
    return float(back.std(ddof=1) / back.mean()) if np.isfinite(log_back).all() else float("inf")


def limits_of(one: Standard, curve: Curve, levels: list[Level], spread: Spread) -> Limits:
    """Return the limits of a curve.

    The limit of detection is the concentration at the mean blank + 2 standard deviations of a blank (ln signal; those
    of beads and reading on this plate); without a blank it is that of the curve's bottom, and no less than the lowest
    standard, below which nothing was measured. The limits of quantification are the outermost standards whose recovery
    is within 20 % (25 % for the lowest), whose wells agree to a CV of 20 % and whose signal alone tells the
    concentration to 25 %; the lowest lies above the limit of detection.
    """
    blanks = np.isneginf(one.log_conc)
    sd = float(np.sqrt(np.mean(one.se[blanks] ** 2 if blanks.any() else one.se**2) + spread.reading**2))
    mean = float(one.log_signal[blanks].mean()) if blanks.any() else float(curve.theta[0])
    lod_signal = mean + BLANK_SD * sd
    llod = float(curve.inverse(lod_signal)[0])
    lowest = min(level.log_true for level in levels)
    if not blanks.any() and llod < lowest:
        lod_signal, llod = float(curve.log_signal(lowest)[0]), lowest
    low = [level.log_true for level in levels if level.passes(RECOVERY_AT_LLOQ) and level.log_true >= llod]
    high = [level.log_true for level in levels if level.passes(RECOVERY)]
    if not low or not high or max(high) <= min(low):
        return Limits(lod_signal, llod, np.inf, -np.inf)
    return Limits(lod_signal, llod, min(low), max(high))
