"""Cells per microlitre by counting beads, by volume or by a blood count, each with its error budget."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from tilseq.errors import AnalysisError, did_you_mean
from tilseq.flow.quality import check
from tilseq.flow.rare import status_of_counts
from tilseq.intervals import Z95, clopper_pearson, poisson, ratio_of_counts, scalar
from tilseq.lab_tests import BLOOD_UNITS, per_ul_of_unit, without_mu

LEAST_BEADS, FEWEST_BEADS = 1_000, 50
MOST_LOT_CVS = 3.0  # by which a lot may hold more beads than it states
LARGEST_LOG = 700.0  # of a number that a float holds
UL_PER_UNIT = {"uL": 1.0, "nL": 0.001}
# FCS 3.1 means nL, which not every instrument follows. Part of $CYT → unit of $VOL; each unit is the one in which the
# volume of a file is its flow rate times its time.
VOLUME_UNITS = {"Attune": "nL", "Aurora": "uL", "CytoFLEX": "nL", "MACSQuant": "nL"}
# What one takes from a tube, in µL; a volume read in the wrong of the two units lies outside for 5 µL to 1 mL.
LEAST_VOLUME, LARGEST_VOLUME = 1.0, 5_000.0
DENOMINATORS = ("lymphocytes", "leucocytes")


class AbsoluteCount(NamedTuple):
    """Cells per µL of specimen with 95 % limits; what has no number is None.

    Attributes
    ----------
    value, lower, upper
        Cells/µL. Of 0 cells the value and the lower limit are 0 and the upper limit tells what may be there.
    method
        How it was counted, in words.
    budget
        Part → its coefficient of variation as a fraction (`gates`: log standard deviation); None for a count of 0.
    status
        What the number of cells allows to say, see `rare.status_of_counts`; `not_evaluable` without a value.
    reason
        Why there is no value, or that beads are few.
    """

    value: float | None
    lower: float | None
    upper: float | None
    method: str
    budget: Mapping[str, float | None]
    status: str
    reason: str | None


def by_beads(
    cells: int,
    beads: int,
    *,
    beads_per_tube: float | None,
    sample_volume_ul: float | None,
    lot_cv: float,
    pipette_cv: float,
    dilution: float = 1.0,
    gate_sd: float | None = None,
) -> AbsoluteCount:
    """Count by beads in the same tube (single platform; CDC, MMWR 2003;52(RR-2)).

    Cells/µL = cells / beads × beads per tube / volume of specimen × dilution. The limits are the exact ones of a ratio
    of counts (`intervals.ratio_of_counts`), whose distances from the estimate are joined on the logarithmic scale with
    those of the log-normal errors of lot, pipette and gates (Zou and Donner, Stat Med 2008;27:1693).

    Parameters
    ----------
    cells, beads
        Events of the population and of the beads.
    beads_per_tube
        Beads in the tube, as the lot states; None where it is not known.
    sample_volume_ul
        Specimen in the tube, µL; None where it is not known.
    lot_cv, pipette_cv
        Coefficients of variation, as fractions, of the number of beads in a tube (with the pipetting of beads that do
        not come in the tube) and of the volume of specimen.
    dilution
        Final over original volume of a specimen that was diluted before it was pipetted.
    gate_sd
        Standard deviation of the natural logarithm of the population's count that gates add.

    Returns
    -------
    AbsoluteCount
        Without beads, or where their number or the volume is not known, there is no value; nor where more beads were
        counted than the tube is said to hold, as where the number is that of a µL.

    Raises
    ------
    AnalysisError
        A count, volume, dilution or error cannot be, or gives cells per µL that no float holds.
    """
    _refuse_negative(cells=cells, beads=beads)
    _refuse_unless_above_zero(beads_per_tube=beads_per_tube, sample_volume_ul=sample_volume_ul)
    _refuse_concentrated(dilution)
    errors = _errors({"lot": lot_cv, "pipette": pipette_cv}, gate_sd)
    budget = {"cells": _counting_cv(cells), "beads": _counting_cv(beads), **errors}
    method = "counting beads"
    if beads_per_tube is None:
        return _not_evaluable(method, budget, "the number of beads in the tube is not given")
    if sample_volume_ul is None:
        return _not_evaluable(method, budget, "the volume of specimen in the tube is not given")
    if beads == 0:
        return _not_evaluable(method, budget, "no bead was counted")
    factor = beads_per_tube / sample_volume_ul * dilution
    lower, upper = _widened((cells + 0.5) / (beads + 0.5), scalar(ratio_of_counts(cells, beads)), *_reach(errors))
    value = factor * cells / beads
    # A number that rests on a few beads is no more certain than one that rests on a few cells.
    status = status_of_counts(cells, beads) if cells else status_of_counts(cells)
    counted = _counted((value, factor * lower, factor * upper), method, budget, status, _few(beads))
    if beads > beads_per_tube * (1 + MOST_LOT_CVS * lot_cv):
        why = f"{beads} beads counted, more than the {beads_per_tube:g} that the tube is said to hold"
        return _not_evaluable(method, budget, why)
    return counted


def check_beads(sample: str, beads: int) -> dict[str, Any]:
    """Return the row of the table `quality` for the beads counted: below 1,000 warns, below 50 fails."""
    limit = f"at least {LEAST_BEADS}; fails below {FEWEST_BEADS}"
    reason = _few(beads)
    worst = "fail" if beads < FEWEST_BEADS else "warn"
    return check(sample, "beads counted", beads, limit, reason is None, reason or "enough to count by", worst=worst)


def by_volume(
    cells: int,
    *,
    volume_ul: float | None,
    dilution: float | None,
    volume_cv: float,
    pipette_cv: float,
    gate_sd: float | None = None,
) -> AbsoluteCount:
    """Count by the volume that the instrument took from the tube (volumetric).

    Cells/µL = cells / volume × dilution. The limits are Garwood's exact ones of a Poisson count, widened as in
    `by_beads`.

    Parameters
    ----------
    cells
        Events of the population.
    volume_ul
        Volume that the instrument took, µL, see `acquired_volume_ul`; None where it is not known.
    dilution
        Final volume in the tube over the volume of specimen in it; None where it is not known.
    volume_cv, pipette_cv
        Coefficients of variation, as fractions, of the volume taken and of the dilution.
    gate_sd
        As in `by_beads`.

    Returns
    -------
    AbsoluteCount
        Without volume or dilution there is no value.

    Raises
    ------
    AnalysisError
        A count, volume, dilution or error cannot be, or gives cells per µL that no float holds.
    """
    _refuse_negative(cells=cells)
    _refuse_unless_above_zero(volume_ul=volume_ul)
    errors = _errors({"volume": volume_cv, "pipette": pipette_cv}, gate_sd)
    budget = {"cells": _counting_cv(cells), **errors}
    method = "volumetric"
    if volume_ul is None:
        return _not_evaluable(method, budget, "the volume that the instrument took is not given")
    if dilution is None:
        return _not_evaluable(method, budget, "the dilution of the specimen in the tube is not given")
    _refuse_concentrated(dilution)
    factor = dilution / volume_ul
    lower, upper = _widened(cells + 0.5, scalar(poisson(cells)), *_reach(errors))
    return _counted((factor * cells, factor * lower, factor * upper), method, budget, status_of_counts(cells))


def acquired_volume_ul(keywords: Mapping[str, str], unit: str | None = None) -> float | None:
    """Return the volume that the instrument took, in µL, by $VOL; None where the file holds none.

    Parameters
    ----------
    keywords
        Keywords of the file.
    unit
        Unit of $VOL, `uL` or `nL` (also with µ), for an instrument that `VOLUME_UNITS` does not name; it goes before
        `VOLUME_UNITS`.

    Raises
    ------
    AnalysisError
        The unit is not known, or $VOL is no number or not 1 µL to 5 mL in this unit.
    """
    text = keywords.get("$VOL", "").strip()
    if not text:
        return None
    unit = without_mu(unit) if unit is not None else _unit_of_instrument(keywords.get("$CYT", ""))
    if unit not in UL_PER_UNIT:
        raise AnalysisError("$VOL has no such unit", column="$VOL", found=unit, expected="uL or nL")
    try:
        volume = float(text) * UL_PER_UNIT[unit]
    except ValueError:
        volume = math.nan
    if not LEAST_VOLUME <= volume <= LARGEST_VOLUME:
        raise AnalysisError(
            "$VOL cannot be the volume taken from a tube",
            column="$VOL",
            found=f"{text} {unit}",
            expected=f"{LEAST_VOLUME:g} to {LARGEST_VOLUME:g} µL",
            mend="give the unit of $VOL: uL or nL",
        )
    return volume


def by_blood_count(
    cells: int,
    denominator_cells: int,
    *,
    denominator: str,
    blood_count: float | None,
    unit: str,
    analytic_cv: float,
    gate_sd: float | None = None,
    share: tuple[float, float] | None = None,
) -> AbsoluteCount:
    """Count by the blood count of another instrument (dual platform; CDC, MMWR 2003;52(RR-2)).

    Cells/µL = cells / cells of the denominator × blood count of the denominator. The limits are those of the share,
    widened as in `by_beads`.

    Parameters
    ----------
    cells, denominator_cells
        Events of the population and of all lymphocytes, or of all CD45+ leucocytes.
    denominator
        What both the share and the blood count are of: `lymphocytes` or `leucocytes`.
    blood_count
        Blood count; None where there is none.
    unit
        Its unit, see `tilseq.lab_tests.per_ul_of_unit`.
    analytic_cv
        Coefficient of variation of the blood count as a fraction, with what a low count loses by rounding.
    gate_sd
        As in `by_beads`.
    share
        95 % limits of the share by counting and gating together; without them Clopper and Pearson's, widened by
        `gate_sd`.

    Returns
    -------
    AbsoluteCount
        There is no value without a blood count, with one of 0 (it has no upper limit), or without a cell of the
        denominator.

    Raises
    ------
    AnalysisError
        The denominator or unit is not known, or a count or error cannot be or gives cells per µL that no float holds.
    """
    if denominator not in DENOMINATORS:
        mend = did_you_mean(denominator, DENOMINATORS)
        raise AnalysisError("no such denominator", found=denominator, expected=" or ".join(DENOMINATORS), mend=mend)
    per_ul = per_ul_of_unit(unit)
    if per_ul is None:
        raise AnalysisError("a blood count has no such unit", found=unit, expected=BLOOD_UNITS)
    _refuse_negative(cells=cells, denominator_cells=denominator_cells, blood_count=blood_count)
    if cells > denominator_cells:
        raise AnalysisError(f"more cells than {denominator}", found=f"{cells} of {denominator_cells}")
    errors = _errors({"blood count": analytic_cv}, gate_sd)
    budget = {"cells": math.sqrt(1 / cells - 1 / denominator_cells) if cells else None, **errors}
    method = f"dual platform: share of {denominator} × blood count of {denominator}"
    if not blood_count:
        why = "none is given" if blood_count is None else "it is 0, which has no upper limit"
        return _not_evaluable(method, budget, f"blood count of {denominator}: {why}")
    if denominator_cells == 0:
        return _not_evaluable(method, budget, f"no {denominator} to divide by")
    factor = blood_count * per_ul
    limits = scalar(clopper_pearson(cells, denominator_cells)) if share is None else share
    apart = errors if share is None else {"blood count": analytic_cv}
    lower, upper = _widened((cells + 0.5) / (denominator_cells + 1), limits, *_reach(apart))
    value = factor * cells / denominator_cells
    return _counted((value, factor * lower, factor * upper), method, budget, status_of_counts(cells))


def part_of(own: AbsoluteCount, whole: AbsoluteCount, share: tuple[float, float]) -> AbsoluteCount:
    """Return a count with the limits that those of a population that holds it and of its share of that give.

    On the logarithmic scale distances from the values add as squares (MOVER; Zou and Donner, Stat Med 2008;27:1693):
    what misplaces cells of a part among those of others shows in its share, not in its own number. Without a value,
    or none of the whole, the count stays as it is.

    Parameters
    ----------
    own, whole
        Counts of the part and of what holds it, by the same beads or volume.
    share
        95 % limits of the share, as fractions, by counting and gating together.
    """
    if not own.value or not whole.value or not whole.lower or not whole.upper:
        return own
    apart = math.log(whole.value / whole.lower), math.log(whole.upper / whole.value)
    lower, upper = _widened(own.value / whole.value, share, *apart)
    return own._replace(lower=whole.value * lower, upper=whole.value * upper)


def without_value(count: AbsoluteCount, reason: str) -> AbsoluteCount:
    """Return a count whose number cannot stand, and why."""
    return _not_evaluable(count.method, count.budget, reason)


def budget_in_words(budget: Mapping[str, float | None]) -> str:
    """Return an error budget such as ``cells 2.1 %, beads 1.0 %, lot 2.0 %, pipette 3.0 %``."""
    return ", ".join(f"{part} {'none' if cv is None else f'{100 * cv:.1f} %'}" for part, cv in budget.items())


def _widened(centre: float, limits: tuple[float, float], down: float, up: float) -> tuple[float, float]:
    """Return limits widened by errors that reach so far down and up, as logarithms; a lower one of 0 stays 0.

    The centre is the estimate; one of counts has half an event added, so that a count of 0 has a logarithm.
    """
    below = max(0.0, math.log(centre / limits[0])) if limits[0] > 0 else math.inf
    above = math.hypot(max(0.0, math.log(limits[1] / centre)), up)
    lower = centre * math.exp(-math.hypot(below, down))
    return lower, centre * math.exp(above) if above < LARGEST_LOG else math.inf


def _reach(errors: Mapping[str, float]) -> tuple[float, float]:
    """Return how far errors reach down and up with 95 %, as logarithms."""
    apart = Z95 * math.hypot(*errors.values())
    return apart, apart


def _errors(cvs: Mapping[str, float], gate_sd: float | None) -> dict[str, float]:
    """Return part → log standard deviation of what is not counting."""
    for part, cv in cvs.items():
        if not 0 <= cv < 1:
            raise AnalysisError(f"the CV of {part} must be a fraction", found=cv, expected="0 to below 1")
    if gate_sd is None:
        return dict(cvs)
    if not 0 <= gate_sd < math.inf:
        raise AnalysisError("the uncertainty of gates must be a standard deviation", found=gate_sd)
    return {**cvs, "gates": gate_sd}


def _counted(
    numbers: tuple[float, float, float],
    method: str,
    budget: Mapping[str, float | None],
    status: str,
    reason: str | None = None,
) -> AbsoluteCount:
    """Return a count; refuse one that is beyond all numbers or, of some cells, so small that it became 0."""
    value, lower, upper = numbers
    if not all(map(math.isfinite, numbers)) or upper == 0 or (value == 0 and budget["cells"] is not None):
        raise AnalysisError(
            "the amounts give no number of cells per µL",
            found=f"{value:g} ({lower:g} to {upper:g})",
            expected="finite cells per µL",
            mend="mend the number of beads, the volume, the dilution or the blood count",
        )
    return AbsoluteCount(value, lower, upper, method, budget, status, reason)


def _not_evaluable(method: str, budget: Mapping[str, float | None], reason: str) -> AbsoluteCount:
    return AbsoluteCount(None, None, None, method, budget, "not_evaluable", reason)


def _counting_cv(count: int) -> float | None:
    return 1 / math.sqrt(count) if count else None


def _few(beads: int) -> str | None:
    """Return what is wrong with the number of beads, or None."""
    return None if beads >= LEAST_BEADS else f"{beads} beads counted, fewer than {LEAST_BEADS}"


def _unit_of_instrument(instrument: str) -> str:
    unit = next((unit for name, unit in VOLUME_UNITS.items() if name.casefold() in instrument.casefold()), None)
    if unit is None:
        raise AnalysisError(
            "the unit in which this instrument writes $VOL is not known",
            column="$CYT",
            found=instrument,
            expected=f"one of {', '.join(VOLUME_UNITS)}",
            mend="give the unit of $VOL: uL or nL",
        )
    return unit


def _refuse_negative(**values: float | None) -> None:
    for name, value in values.items():
        if value is not None and not 0 <= value < math.inf:
            raise AnalysisError("a count cannot be below 0", column=name, found=value)


def _refuse_unless_above_zero(**values: float | None) -> None:
    for name, value in values.items():
        if value is not None and not 0 < value < math.inf:
            raise AnalysisError("an amount must be above 0", column=name, found=value)


def _refuse_concentrated(dilution: float) -> None:
    if not 1 <= dilution < math.inf:
        raise AnalysisError("a dilution is final over original volume", column="dilution", found=dilution)
