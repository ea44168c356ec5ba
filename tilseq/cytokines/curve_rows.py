"""Rows of the tables of standard curves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from tilseq.cytokines.curve import Curve, Floats
from tilseq.cytokines.limits import RECOVERY, RECOVERY_AT_LLOQ, Level, Limits
from tilseq.cytokines.standards import FEWEST_TO_SHARE, Fitted, Standard

Row = dict[str, Any]

MOST_RESIDUAL = 2.0
MOST_OFF = 3.0  # fold: a level further off what the sheet says is hardly pipetting
MOST_CV_OF_WELLS = 0.7  # of one level: two wells about as many times apart
MOST_PASSED_BY = 4 / 3  # times; of kits of one analyte with levels 10 % off one curve in 150 has a level so far off it
NOT_SEEN = "in no curve: too few beads in its wells, or left out as a hook effect or saturated"
HOOK = "hook effect, or wells exchanged: the highest standards shine less than a lower one and are left out"
ALL_DARK = "no standard shines clearly more than a blank"
LEFT_OUT = "not fitted: the level is taken as right"
CLEARLY = 3.0  # standard deviations of what is read of two levels


@dataclass(frozen=True)
class CurveOf:
    """A fitted curve with what may be done with it.

    Attributes
    ----------
    curve, covariance, levels, limits
        The curve, the covariance of its five parameters, and what it gives back.
    hook
        Whether the highest standards shine less than a lower one.
    doubts
        What is odd with it, each in a clause.
    """

    curve: Curve
    covariance: Floats
    levels: list[Level]
    limits: Limits
    hook: bool
    doubts: tuple[str, ...]


def unusable(plate: str, analyte: str, reason: str) -> Row:
    """Return the row of an analyte without a curve."""
    none = {"standards": 0, "standard_wells": 0, "blank_wells": 0}
    return {"plate": plate, "analyte": analyte, **none, "verdict": "fail", "reason": reason}


def curve_row(of: CurveOf, one: Standard, fitted: Fitted, analyte: str) -> Row:
    """Return the row of a curve, without plate and analyte."""
    curve, limits = of.curve, of.limits
    blanks = int(np.isneginf(one.log_conc).sum())
    verdict, reason = _judge(of)
    return {
        "model": curve.model,
        "bottom": curve.bottom,
        "top": curve.top,
        "midpoint_pg_per_ml": curve.midpoint,
        "slope": curve.slope,
        "asymmetry": curve.asymmetry,
        "criterion_4pl": finite(fitted.criteria[analyte]["4PL"]),
        "criterion_5pl": finite(fitted.criteria[analyte]["5PL"]),
        "standards": len(of.levels),
        "standard_wells": len(one.wells) - blanks,
        "blank_wells": blanks,
        "residual_sd": fitted.residual_sd[analyte],
        "llod_pg_per_ml": _exp(limits.llod),
        "lloq_pg_per_ml": _exp(limits.lloq),
        "uloq_pg_per_ml": _exp(limits.uloq),
        "hook": of.hook,
        "verdict": verdict,
        "reason": reason,
    }


def recovery_rows(of: CurveOf, names: Sequence[str]) -> Iterator[Row]:
    """Yield a row a level, without plate and analyte."""
    for level in of.levels:
        at_limit = level.log_true <= of.limits.lloq
        yield {
            "level": names[level.place],
            "nominal_pg_per_ml": float(np.exp(level.log_nominal)),
            "wells": level.wells,
            "offset_factor": float(np.exp(level.log_true - level.log_nominal)),
            "back_calculated_pg_per_ml": _exp(level.log_back),
            "recovery_pct": _exp(level.log_back - level.log_true, 100),
            "recovery_nominal_pct": _exp(level.log_back - level.log_nominal, 100),
            "cv_pct": None if level.cv is None else finite(100 * level.cv),
            "within": level.passes(RECOVERY_AT_LLOQ if at_limit else RECOVERY),
        }


def dilution_rows(fitted: Fitted, names: Sequence[str], analytes: Sequence[int]) -> Iterator[Row]:
    """Yield a row a level, without the plate; `analytes` are those with wells of each level."""
    errors, few = fitted.errors, len(fitted.curves) < FEWEST_TO_SHARE
    left_out = LEFT_OUT + f"; {FEWEST_TO_SHARE} analytes are needed to tell its error from their curves" * few
    for place, (name, telling) in enumerate(zip(names, analytes, strict=True)):
        row: Row = {"level": name, "analytes": telling}
        if errors is None:
            yield row | {"reason": left_out}
        elif not telling:
            yield row | {"reason": NOT_SEEN}
        else:
            ends = {"factor": errors.median, "lower": errors.lower, "upper": errors.upper}
            yield row | {column: float(np.exp(of_levels[place])) for column, of_levels in ends.items()}


def finite(value: float) -> float | None:
    """Return a number, or None for one that is not finite."""
    return value if np.isfinite(value) else None


def _exp(logarithm: float, times: float = 1.0) -> float | None:
    """Return the exponential; None outside of the curve."""
    return float(times * np.exp(logarithm)) if np.isfinite(logarithm) else None


def doubts_of(
    levels: Sequence[Level],
    names: Sequence[str],
    limits: Limits,
    residual: float,
    hook: bool,
    exchanged: Collection[int],
) -> tuple[str, ...]:
    """Return what is odd with a curve.

    Parameters
    ----------
    levels
        What it gives back, from the top down.
    names
        Of the plate's levels.
    limits
        Of the curve.
    residual
        Weighted residual standard deviation.
    hook
        Whether the highest standards shine less than a lower one.
    exchanged
        Places of levels that are told on the whole plate, see `exchanged_wells`.
    """
    doubts = [HOOK] if hook else []
    if all(level.log_back <= limits.llod for level in levels):
        return *doubts, ALL_DARK  # which of them shines less is chance
    misplaced = ", ".join(_misplaced(levels, names))
    if misplaced:
        doubts.append(f"{misplaced}: wells exchanged, or is the sheet wrong?")
    apart = ", ".join(_apart([level for level in levels if level.place not in exchanged], names, limits))
    if apart:
        doubts.append(f"{apart}: one of them exchanged with another well?")
    if residual > MOST_RESIDUAL:
        doubts.append(f"standards lie {residual:.1f} times as far off the curve as the plate's spread explains")
    return tuple(doubts)


def passed_by(levels: Sequence[Level], names: Sequence[str], limits: Limits) -> list[str]:
    """Return what is told of levels inside of the range far from which a curve passes, as of one diluted otherwise.

    Where dilution errors are fitted they take that up. Levels at the ends pass, or the range would end elsewhere.
    """
    off = [
        f"{names[level.place]} gives back {100 * np.exp(level.log_back - level.log_true):.0f} %"
        for level in levels
        if limits.lloq < level.log_true < limits.uloq and abs(level.log_back - level.log_true) > np.log(MOST_PASSED_BY)
    ]
    return [f"{', '.join(off)} of what the sheet says: is it wrong, or the dilution?"] if off else []


def _judge(of: CurveOf) -> tuple[str, str | None]:
    if of.limits.lloq == np.inf:
        return "fail", "; ".join(("no two standards give back what they should: no usable range", *of.doubts))
    return ("warn", "; ".join(of.doubts)) if of.doubts else ("pass", None)


def _misplaced(levels: Sequence[Level], names: Sequence[str]) -> list[str]:
    """Return what is told of levels that hold less than the next weaker one, or far from what the sheet says."""
    fallen = [
        f"{names[high.place]} shines less than {names[low.place]}, which should hold less"
        for high, low in pairwise(levels)
        if low.log_back - high.log_back > CLEARLY * np.hypot(high.reading_cv, low.reading_cv)
    ]
    if fallen:
        return fallen
    return [
        f"{names[level.place]} holds {np.exp(level.log_true - level.log_nominal):.2g} times what the sheet says"
        for level in levels
        if abs(level.log_true - level.log_nominal) > np.log(MOST_OFF)
    ]


def _apart(levels: Sequence[Level], names: Sequence[str], limits: Limits) -> list[str]:
    """Return what is told of levels of the range, or above it, whose wells hold too different amounts.

    Near saturation small differences of the signal are large ones of the amount, and tell nothing.
    """
    return [
        f"wells of {names[level.place]} differ (CV {100 * level.cv:.0f} %)"
        for level in levels
        if level.cv is not None
        and max(MOST_CV_OF_WELLS, CLEARLY * level.reading_cv) < level.cv < np.inf
        and level.log_true > limits.lloq
    ]
