"""Cells per µL of the populations of one tube: by beads, by volume or by a blood count, whichever there is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tilseq.populations import COUNTED_BEADS

if TYPE_CHECKING:
    import polars as pl

    from tilseq.flow.absolute import AbsoluteCount
    from tilseq.flow.gated import Gating
    from tilseq.flow.tree import Population
    from tilseq.flow.tube import Mask, Tube
    from tilseq.study import Study

LARGEST_CV = 0.99  # of a blood count of less than its last digit
MOST_MISSED = 0.01  # of all events: less than the volume's own error
AMOUNTS = "amounts of the tube"
VOLUME_TAKEN = ("volume taken", "a volume of 1 µL to 5 mL in a known unit")

Counted = tuple[dict[str, "AbsoluteCount"], list[dict[str, Any]]]


def blood_count_of(study: Study, sample: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the lymphocyte count of a sample's subject and day: `value`, `unit`, and what rounding adds, `rounding`.

    None without one. Where there is one that cannot be used, as in an unknown unit, or several of one day differ, the
    dictionary holds `refused` alone: why. The rounding error is that of an even spread over the last digit, as a
    fraction of the value.
    """
    import polars as pl

    from tilseq.lab_tests import SHARES, lab_test, per_ul_of_unit

    labs = study.clinical.get("labs")
    if labs is None or sample["specimen"] != "blood" or sample["day"] is None:
        return None
    own = labs.filter(pl.col("subject") == sample["subject"], pl.col("day") == sample["day"])
    lymphocytes = lab_test("lymphocytes")
    rows = [row for row in own.iter_rows(named=True) if lab_test(row["test"]) == lymphocytes]
    counts = [row for row in rows if (row["unit"] or "").strip().casefold() not in SHARES]
    leucocytes = _most_leucocytes(own)
    read = [_as_count(row["value_text"], row["unit"], row["upper_limit"], leucocytes) for row in counts]
    found = [one for one in read if isinstance(one, dict)]
    if not found:
        return {"refused": "; ".join(map(str, read))} if read else None
    cells = [one["value"] * (per_ul_of_unit(one["unit"]) or math.nan) for one in found]
    if all(math.isclose(one, cells[0], rel_tol=1e-9) for one in cells):
        return found[0]
    told = ", ".join(f"{one['value']:g} {one['unit']}" for one in found)
    return {"refused": f"the lymphocyte counts of the day differ: {told}"}


def _most_leucocytes(labs: pl.DataFrame) -> float:
    """Return the most leucocytes (10^9/L) of the results of a subject and day, infinite where none can be read."""
    from tilseq.lab_tests import Result, lab_test, read_result

    most = []
    for row in labs.iter_rows(named=True):
        test, result = lab_test(row["test"]), read_result(row["value_text"], unit=row["unit"])
        factor = None if test is None or test.name != "WBC" else test.factor(row["unit"])
        if factor is not None and isinstance(result, Result):
            most.append(math.inf if (result.operator or "").startswith(">") else result.value * factor)
    return max(most, default=math.inf)


def _as_count(text: str | None, unit: str | None, upper_limit: float | None, leucocytes: float) -> dict[str, Any] | str:
    """Return a blood count, or why it is none."""
    from tilseq.lab_tests import (
        BLOOD_UNITS,
        MOST_IN_PARTS,
        lab_test,
        most_of_part,
        per_ul_of_unit,
        read_result,
    )

    told = f"{text or 'an empty value'} {unit or 'without a unit'}"
    if per_ul_of_unit(unit or "") is None:
        return f"the unit of the lymphocyte count {told} is not known: give it in {BLOOD_UNITS}"
    result = read_result(text, unit=unit)
    if isinstance(result, str):
        return f"the lymphocyte count {told} is no number from 0 on: {result}"
    if result.operator is not None:
        return f"the lymphocyte count {told} is no number but a limit"
    test = lab_test("lymphocytes")
    assert test is not None
    factor = test.factor(unit) or math.nan
    too_many = result.value * factor > (test.most or math.inf)
    parts = per_ul_of_unit(unit or "") == 1 and result.value < MOST_IN_PARTS and result.value % 1 != 0
    if too_many or parts:
        return f"{told} is hardly a count of lymphocytes: check the unit"
    if test.is_strange_limit(upper_limit, unit):
        return f"the lymphocyte count {told} has an upper limit of {upper_limit:g}: check the unit"
    if result.value * factor > most_of_part(leucocytes):
        return (
            f"the lymphocyte count {told} is above all leucocytes of the day, {leucocytes:g} 10^9/L: is it in percent?"
        )
    rounding = result.last_digit / math.sqrt(12) / result.value if result.value else 0.0
    return {"value": result.value, "unit": (unit or "").strip(), "rounding": rounding}


def absolute(
    sample: Mapping[str, Any],
    tube: Tube,
    kept: Mask,
    events: Mapping[str, int],
    names: list[str],
    arguments: Mapping[str, Any],
    gating: Gating | None,
) -> Counted:
    """Return cells per µL of some populations and the rows of `quality` that go with them.

    Beads go before the volume of the file, and that before a blood count.

    Parameters
    ----------
    sample
        Row of samples.csv.
    tube, kept
        The tube, and which of its events were kept.
    events
        Events of each population, `single beads` (or `beads`) and `lymphocytes` among them where there are such.
    names
        Populations to count.
    arguments
        `errors` and `blood_count` of the job.
    gating
        Gates whose placing adds to the limits; None where a person gated, of whose gates that is not known.
    """
    from tilseq.flow.uncertainty import lymphocytes_alone

    alone = {} if gating is None else lymphocytes_alone(gating)
    counted, told = _counted(sample, tube, kept, {**events, **alone}, names, arguments, gating)
    taken_off = events["lymphocytes"] - alone["lymphocytes"] if "lymphocytes" in alone else 0
    return (_without_monocytes(counted, taken_off, list(alone)) if taken_off else counted), told


def _without_monocytes(
    counted: dict[str, AbsoluteCount], taken_off: int, held: Sequence[str]
) -> dict[str, AbsoluteCount]:
    """Return counts whose method tells of the monocytes taken off: of what held them, and by a blood count of all."""
    words = f", without {taken_off} events among the lymphocytes that are monocytes by scatter"
    return {
        name: one._replace(method=one.method + words) if name in held or "blood count" in one.budget else one
        for name, one in counted.items()
    }


def _counted(
    sample: Mapping[str, Any],
    tube: Tube,
    kept: Mask,
    events: Mapping[str, int],
    names: list[str],
    arguments: Mapping[str, Any],
    gating: Gating | None,
) -> Counted:
    """Count by the first way that the tube allows."""
    from tilseq.flow.uncertainty import log_sds

    errors, gate_sds = arguments["errors"], {} if gating is None else log_sds(gating)
    if sample["beads_per_tube"] is not None:
        counted, told = _by_beads(sample, events, gate_sds, names, errors)
        return _of_t_cells(counted, gating), told
    volume, told = _volume(sample, tube, kept, errors["volume_unit"])
    count = arguments["blood_count"]
    if count is not None and "refused" in count:
        told, count = [*told, _refused(sample["sample"], count["refused"], sample["dilution"])], None
    if volume is not None and (sample["dilution"] is not None or (count is None and sample["specimen"] == "blood")):
        return _of_t_cells(_by_volume(sample, volume, events, gate_sds, names, errors), gating), told
    if count is not None and "lymphocytes" in events:
        return _by_blood_count(count, events, gate_sds, names, errors, gating), told
    if count is not None:
        why = "no gate is named lymphocytes, of which the blood count is"
        told = [*told, _refused(sample["sample"], why, sample["dilution"])]
    return {}, told


def held_over_time(
    sample: Mapping[str, Any],
    tube: Tube,
    populations: Mapping[str, Population],
    counted: dict[str, AbsoluteCount],
    told: list[dict[str, Any]],
) -> Counted:
    """Return cells per µL by beads held against the course of beads and cells over the run; others as they are."""
    from tilseq.flow.beads_over_time import hold_over_time

    beads = next((name for name in COUNTED_BEADS if name in populations), None)
    if sample["beads_per_tube"] is None or beads is None or not counted:
        return counted, told
    most = max(counted, key=lambda name: populations[name].events)
    found, checked = hold_over_time(
        sample["sample"], counted, tube, populations[beads].mask, (most, populations[most].mask)
    )
    return found, [*told, *checked]


def held_against_blood_count(
    sample: Mapping[str, Any],
    counted: dict[str, AbsoluteCount],
    told: list[dict[str, Any]],
    count: Mapping[str, Any] | None,
) -> Counted:
    """Return cells per µL of blood by beads or volume held against a blood count; others as they are."""
    from tilseq.flow.lymphocyte_count import hold_against_blood
    from tilseq.lab_tests import per_ul_of_unit

    if sample["specimen"] != "blood" or any(one.budget.get("blood count") for one in counted.values()):
        return counted, told
    usable = count is not None and "refused" not in count
    per_ul = count["value"] * (per_ul_of_unit(count["unit"]) or math.nan) if count is not None and usable else None
    counted, checked = hold_against_blood(sample["sample"], counted, per_ul)
    return counted, [*told, *checked]


def _by_beads(
    sample: Mapping[str, Any],
    events: Mapping[str, int],
    gate_sds: Mapping[str, float],
    names: list[str],
    errors: Mapping[str, Any],
) -> Counted:
    from tilseq.flow.absolute import by_beads, check_beads
    from tilseq.flow.quality import check
    from tilseq.tables.amounts import odd_amounts

    beads = next((events[name] for name in COUNTED_BEADS if name in events), 0)
    counted = {
        name: by_beads(
            events[name],
            beads,
            beads_per_tube=sample["beads_per_tube"],
            sample_volume_ul=sample["sample_volume_ul"],
            lot_cv=errors["bead_lot_cv"],
            pipette_cv=errors["pipette_cv"],
            dilution=1.0 if sample["dilution"] is None else sample["dilution"],
            gate_sd=gate_sds.get(name),
        )
        for name in names
    }
    odd = odd_amounts(sample)
    amounts = check(sample["sample"], AMOUNTS, None, "what tubes usually hold", not odd, "; ".join(odd))
    return counted, [check_beads(sample["sample"], beads), *([amounts] if odd else [])]


def _refused(sample: str, why: str, dilution: float | None) -> dict[str, Any]:
    """Return the check of a blood count that cannot be used; it warns unless the tube is to be counted by volume."""
    from tilseq.flow.quality import check

    return check(
        sample, "blood count", None, "one lymphocyte count in a known unit", dilution is not None, f"not used: {why}"
    )


def _volume(
    sample: Mapping[str, Any], tube: Tube, kept: Mask, unit: str | None
) -> tuple[float | None, list[dict[str, Any]]]:
    """Return the volume in which events were kept, in µL; where the file's cannot be used, why.

    That is a warning only where samples.csv gives the dilution that one needs to count by volume.
    """
    from tilseq.errors import AnalysisError
    from tilseq.flow.absolute import acquired_volume_ul
    from tilseq.flow.quality import check
    from tilseq.flow.run_time import time_kept

    name, limit = VOLUME_TAKEN
    try:
        volume = acquired_volume_ul(tube.keywords, unit)
    except AnalysisError as error:
        return None, [check(sample["sample"], name, None, limit, sample["dilution"] is None, f"not used: {error}")]
    if volume is None:
        return None, [] if sample["dilution"] is None else [no_volume(sample["sample"])]
    share, paused, apart = time_kept(tube, kept)
    reason = "the file's" if share == 1 else f"{100 * share:.3g} % of {volume:.4g} µL, as of the run's time are kept"
    missed = _missed(tube)
    if missed:
        reason += (
            f"; the cytometer passed over {100 * missed:.2g} % of the events in it ($ABRT, $LOST): counts are too low"
        )
    if paused:
        reason += (
            f"; in {100 * paused:.3g} % of the run's time no event came: if specimen was drawn meanwhile, there are "
            f"{1 / (1 - paused):.3g} times as many cells per µL"
        )
    if apart:
        reason += (
            f"; {apart} events bear a time far from all others: if they came after a pause in which specimen was "
            "drawn, there are more cells per µL"
        )
    fine = missed <= MOST_MISSED and paused <= MOST_MISSED and not apart
    return volume * share, [check(sample["sample"], name, volume * share, limit, fine, reason)]


def _missed(tube: Tube) -> float:
    """Return the share of events that the cytometer saw and did not write, by its keywords."""
    told = (tube.keywords.get(name, "").strip() for name in ("$ABRT", "$LOST"))
    missed = sum(int(text) for text in told if text.isdecimal())
    return missed / (missed + len(tube.events)) if missed else 0.0


def no_volume(sample: str) -> dict[str, Any]:
    """Return the check that warns of a dilution, or a unit of $VOL, given for a file that has no $VOL."""
    from tilseq.flow.quality import check

    name, limit = VOLUME_TAKEN
    return check(sample, name, None, limit, False, "not available: the file holds no $VOL to count by")


def _by_volume(
    sample: Mapping[str, Any],
    volume: float,
    events: Mapping[str, int],
    gate_sds: Mapping[str, float],
    names: list[str],
    errors: Mapping[str, Any],
) -> dict[str, AbsoluteCount]:
    from tilseq.flow.absolute import by_volume

    return {
        name: by_volume(
            events[name],
            volume_ul=volume,
            dilution=sample["dilution"],
            volume_cv=errors["volume_cv"],
            pipette_cv=errors["pipette_cv"],
            gate_sd=gate_sds.get(name),
        )
        for name in names
    }


def _of_t_cells(counted: dict[str, AbsoluteCount], gating: Gating | None) -> dict[str, AbsoluteCount]:
    """Return counts, those of parts of the T cells with the limits that their share of these has."""
    from tilseq.flow.absolute import part_of
    from tilseq.flow.share_limits import share_of

    if gating is None or "CD3+" not in counted:
        return counted
    shares = {name: share_of(gating, gating.populations[name], "CD3+") for name in counted if name != "CD3+"}
    parts = {name: part_of(counted[name], counted["CD3+"], share[0]) for name, share in shares.items() if share}
    return counted | parts


def _by_blood_count(
    count: Mapping[str, Any],
    events: Mapping[str, int],
    gate_sds: Mapping[str, float],
    names: list[str],
    errors: Mapping[str, Any],
    gating: Gating | None,
) -> dict[str, AbsoluteCount]:
    """Count the parts of the lymphocytes; what holds more events than these is not one."""
    from tilseq.flow.absolute import by_blood_count
    from tilseq.flow.share_limits import share_of

    counted = {}
    for name in names:
        if events[name] > events["lymphocytes"]:
            continue
        found = None if gating is None else share_of(gating, gating.populations[name], "lymphocytes")
        share, gate_sd = (None, gate_sds.get(name)) if found is None else found
        counted[name] = by_blood_count(
            events[name],
            events["lymphocytes"],
            denominator="lymphocytes",
            blood_count=count["value"],
            unit=count["unit"],
            analytic_cv=min(math.hypot(errors["blood_count_cv"], count["rounding"]), LARGEST_CV),
            gate_sd=gate_sd,
            share=share,
        )
    return counted


def with_absolute(counts: pl.DataFrame, found: Mapping[str, AbsoluteCount]) -> pl.DataFrame:
    """Return the table `counts` with cells per µL, how they were counted and their error budget."""
    import polars as pl

    from tilseq.flow.absolute import budget_in_words

    rows = [
        {
            "population": name,
            "cells_per_ul": one.value,
            "cells_per_ul_lower": one.lower,
            "cells_per_ul_upper": one.upper,
            "cells_per_ul_method": method_of(one),
            "error_budget": budget_in_words(one.budget),
        }
        for name, one in found.items()
    ]
    if not rows:
        return counts
    new = [name for name in rows[0] if name != "population"]
    return counts.drop(new).join(pl.DataFrame(rows, infer_schema_length=None), on="population", how="left")


def method_of(found: AbsoluteCount) -> str:
    """Return how cells per µL were counted, with what is wrong with it."""
    return found.method if found.reason is None else f"{found.method}: {found.reason}"
