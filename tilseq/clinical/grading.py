"""Grades of one test by the criteria of one term, for a whole table at once."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from tilseq.clinical.ctcae import ANTICOAGULATED, Criterion, Symptoms
from tilseq.clinical.lab_values import BLANK, EQUAL
from tilseq.lab_tests import lab_test, plain_unit
from tilseq.tables.lab_grades import TAKEN_AS, TAKEN_AS_NORMAL

GRADES = (4, 3, 2, 1)
REFERENCES = {"LLN": "lower_limit", "ULN": "upper_limit", "above ULN": "upper_limit", "baseline": "base_low"}
CONDITIONS = {"value high": "upper_limit", "value low": "lower_limit"}
MISSING = {"lower_limit": "no lower limit", "upper_limit": "no upper limit", "base_low": "no baseline"}


def graded(
    results: pl.DataFrame, rows: Sequence[Criterion], symptoms: Symptoms, *, anticoagulation: bool = False
) -> pl.DataFrame:
    """Return results of one test with their grades by one term.

    Criteria are looked at from grade 4 to 1, and the first that holds is the grade; 0 where all could be looked at and
    none holds. A criterion that needs a limit or baseline that is missing cannot hold: there is no grade where none
    does, nor where the lower one that does is no more than what it is at least, for want of a limit. For want of a
    baseline alone the lower one is the grade. The reason says what could not be looked at.
    A result beyond a limit of detection has a grade only where all that it can be has the same.
    A baseline that is not known counts as neither above nor below its limits; one without limits is held against those
    of the result.

    Parameters
    ----------
    results
        Columns `low`, `high`, `value`, `lower_limit`, `upper_limit` in the unit written, `unit`, `plain_unit`,
        `factor`, `refused`, `note` (see `lab_values`), and of the baseline in the test's own unit `base_low`,
        `base_high`, `base_lower`, `base_upper`.
    rows
        Criteria of one term, test and direction.
    symptoms
        `assumed`: what no laboratory knows is taken as the worse, as symptomatic; `not_assumed`: as the better.
    anticoagulation
        Whether subjects are on anticoagulation, so that INR counts by multiples of its baseline too.

    Returns
    -------
    polars.DataFrame
        The rows in another order, with columns `grade`, `grade_at_least`, `grade_at_most`, `reason`, and `value` and
        `unit` as graded. A result that cannot be read can have any grade of the term; one without a value has none.
    """
    applied = [row for row in rows if row.clinical in ("", symptoms, ANTICOAGULATED if anticoagulation else "")]
    own = lab_test(rows[0].test)
    units = list(dict.fromkeys(row.unit for row in rows))
    others = [unit for unit in units if own is not None and unit not in ("", own.unit)]
    elsewhere = pl.col("plain_unit").is_in([plain_unit(other) for other in others])
    parts = []
    for unit in units:
        part = results.filter(pl.col("plain_unit") == plain_unit(unit) if unit in others else ~elsewhere)
        parts.append(_by_unit(part, [row for row in applied if row.unit == unit], unit in others, own_unit=unit))
    return pl.concat(parts)


def _by_unit(part: pl.DataFrame, rows: Sequence[Criterion], as_written: bool, own_unit: str) -> pl.DataFrame:
    """Grade results by the criteria of one unit, in that unit; without one, in the unit written."""
    in_unit = own_unit != "" and not as_written
    scale = pl.col("factor") if in_unit else pl.lit(1.0)
    part = part.with_columns(
        *((pl.col(name) * scale).alias(name) for name in ("low", "high", "value", "lower_limit", "upper_limit")),
        *(
            (pl.col(name) * scale / pl.col("factor")).alias(name)
            for name in ("base_low", "base_high", "base_lower", "base_upper")
        ),
        pl.when(pl.col("factor").is_not_null()).then(pl.lit(own_unit)).otherwise("unit").alias("unit")
        if in_unit
        else pl.col("unit"),
    )
    part = part.with_columns(_scores(rows))
    certain, has_range = pl.col("_certain"), pl.col("low").is_not_null()
    same = certain == pl.col("_possible")
    looked_at = pl.when(certain > 0).then(pl.col("_unlimited") <= certain).otherwise(pl.col("_unknown") == 0)
    told = has_range & same & looked_at & ~pl.col("_ungraded")
    highest = pl.lit(max((row.grade for row in rows if row.grade is not None), default=0), pl.Int64)
    return part.with_columns(
        pl.when(has_range).then("value").alias("value"),  # a unit that is refused converts to no number
        pl.when(told).then(certain).alias("grade"),
        pl.when(told | (has_range & (certain > 0))).then(certain).alias("grade_at_least"),
        pl.when(told)
        .then(certain)
        .when(has_range & ~pl.col("_ungraded"))
        .then(pl.max_horizontal(pl.col("_possible"), pl.col("_unknown")))
        .when(pl.col("refused").ne_missing(BLANK))
        .then(highest)
        .alias("grade_at_most"),
        _reason(rows),
    ).drop("_certain", "_possible", "_unknown", "_unlimited", "_assumed", "_ungraded")


def _scores(rows: Sequence[Criterion]) -> list[pl.Expr]:
    """Return the highest grade that surely holds, can hold, cannot be looked at (or for want of a limit), and why."""
    holds = {row: _holds(row) for row in rows if row.grade is not None}
    bars = [_holds(row)[1] for row in rows if row.grade is None]
    certain = {row: sure for row, (sure, _) in holds.items()}
    possible = {row: may for row, (_, may) in holds.items()}
    unknown = {row: may.is_null() for row, may in possible.items() if row.of != "value" or row.condition}
    plain = {row: sure for row, sure in certain.items() if not row.clinical}
    return [
        _highest(certain).alias("_certain"),
        _highest(possible).alias("_possible"),
        _highest(unknown).alias("_unknown"),
        _highest({row: null for row, null in unknown.items() if row.of != "baseline"}).alias("_unlimited"),
        (_highest(certain) > _highest(plain) if len(plain) < len(certain) else pl.lit(False)).alias("_assumed"),
        (pl.any_horizontal(bars).fill_null(False) if bars else pl.lit(False)).alias("_ungraded"),
    ]


def _highest(holds: dict[Criterion, pl.Expr]) -> pl.Expr:
    """Return the highest grade of the criteria that hold, 0 without one; null counts as not holding."""
    found: pl.Expr = pl.lit(0, dtype=pl.Int64)
    for grade in reversed(GRADES):
        any_of = [expression for row, expression in holds.items() if row.grade == grade]
        if any_of:
            found = pl.when(pl.any_horizontal(any_of)).then(pl.lit(grade, dtype=pl.Int64)).otherwise(found)
    return found


def _holds(row: Criterion) -> tuple[pl.Expr, pl.Expr]:
    """Return whether a criterion holds for all that the result can be, and for some of it; null where it needs more."""
    if row.of == "value":
        least = most = pl.lit(row.threshold)
    elif row.of == "above ULN":
        least = most = pl.col("upper_limit") + row.threshold
    else:
        least = row.threshold * pl.col(REFERENCES[row.of])
        most = row.threshold * pl.col("base_high") if row.of == "baseline" else least
    sure, may = _compared(row.comparison, least, most)
    condition = _condition(row.condition)
    return (sure, may) if condition is None else (sure & condition[0], may & condition[1])


def _compared(comparison: str, least: pl.Expr, most: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Compare the range of a result with a threshold that is itself a range: for all of both, for some of both."""
    low, high = pl.col("low"), pl.col("high")
    under, over = 1 - EQUAL, 1 + EQUAL
    match comparison:
        case "<":
            return high < least * under, low < most * under
        case "<=":
            return high <= least * over, low <= most * over
        case ">":
            return low > most * over, high > least * over
        case _:
            return low >= most * under, high >= least * under


def _condition(condition: str) -> tuple[pl.Expr, pl.Expr] | None:
    """Return a condition as `_compared` does; those of the baseline are sure, but need the record's own ULN as well."""
    limited = pl.col("upper_limit").is_not_null()
    upper, lower = (pl.coalesce(f"base_{side}", f"{side}_limit") for side in ("upper", "lower"))
    high = (pl.col("base_low") > upper * (1 + EQUAL)).fill_null(False)
    low = (pl.col("base_high") < lower * (1 - EQUAL)).fill_null(False)
    match condition:
        case "baseline high":
            return (found := pl.when(limited).then(high)), found
        case "baseline not high":
            return (found := pl.when(limited).then(~high)), found
        case "baseline low":
            return low, low
        case "baseline not low":
            return ~low, ~low
        case "value high":
            return _compared(">", pl.col("upper_limit"), pl.col("upper_limit"))
        case "value low":
            return _compared("<", pl.col("lower_limit"), pl.col("lower_limit"))
    return None


def _reason(rows: Sequence[Criterion]) -> pl.Expr:
    """Return why there is no grade, or what it rests on."""
    certain, possible = pl.col("_certain"), pl.col("_possible")
    barred = next((row.note for row in rows if row.grade is None), "")
    parts = [
        pl.when(certain != possible).then(pl.format("can be grade {} to {}", certain, possible)),
        pl.when(pl.col("_unknown") > certain).then(
            pl.concat_str(
                _missing(rows),
                pl.when(certain > 0).then(pl.lit(": a higher grade cannot be told")).otherwise(pl.lit("")),
            )
        ),
        pl.when(pl.col("_assumed")).then(pl.lit(_assumption(rows))),
        pl.when(pl.col("_ungraded")).then(pl.lit(barred)),
        pl.col("note"),
    ]
    if any(row.condition == "baseline not high" for row in rows):
        without, limit = pl.col("base_low").is_null(), pl.col("upper_limit").is_not_null()
        parts.append(pl.when((certain > 0) & without).then(pl.lit(f"no baseline: {TAKEN_AS_NORMAL}")))
        borrowed = ~without & pl.col("base_upper").is_null() & limit
        parts.append(pl.when(borrowed).then(pl.lit("no upper limit of the baseline: held against that of the result")))
    whole = pl.concat_str(parts, separator="; ", ignore_nulls=True)
    told = pl.when(pl.col("low").is_not_null() & (whole != "")).then(whole)
    return pl.coalesce("refused", told).alias("reason")


def _missing(rows: Sequence[Criterion]) -> pl.Expr:
    """Return what the criteria need and a result does not have, in words."""
    needed = {REFERENCES[row.of] for row in rows if row.of != "value" and row.condition != "baseline high"}
    needed |= {CONDITIONS[row.condition] for row in rows if row.condition in CONDITIONS}
    found = [pl.when(pl.col(name).is_null()).then(pl.lit(MISSING[name])) for name in sorted(needed)]
    return pl.concat_str(found, separator=", ", ignore_nulls=True) if found else pl.lit("")


def _assumption(rows: Sequence[Criterion]) -> str:
    notes = [row.note for row in rows if row.clinical in ("assumed", ANTICOAGULATED)]
    return f"{TAKEN_AS} {notes[0].partition(';')[0]}" if notes else ""
