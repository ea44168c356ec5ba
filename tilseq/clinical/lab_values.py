"""Results of laboratories as numbers: what each can be, in which unit, and the baseline of each subject and test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from tilseq.clinical.periods import Periods, with_periods
from tilseq.errors import StudyError
from tilseq.identifiers import unknown_subjects
from tilseq.lab_tests import (
    COUNT_UNIT,
    FAR_FROM_USUAL,
    MOST_IN_PARTS,
    SHARES,
    WHOLES,
    LabTest,
    lab_test,
    lab_tests,
    most_of_part,
    plain_unit,
    read_result,
)
from tilseq.tables import as_polars, conform
from tilseq.tables.inputs import LABS

# Numbers that agree to 15 significant digits are equal; what lies beyond a limit is one step of twice that away.
EQUAL = 5e-15
BEYOND = 2 * EQUAL
CROSSED = "limits not used: the lower is above the upper"
NOT_ABOVE_0 = "limits not used: the upper is not above 0"
CORRECTED = {"calcium": "corrected calcium"}  # what was measured → what criteria are of
BLANK = "no value"  # what `read_result` says of a result that was not written
NORMAL_ALBUMIN = 40.0  # g/L
SCHEMA_OF_STARTS = {"subject": pl.String, "start": pl.Int64}
MMOL_PER_ALBUMIN, MG_PER_ALBUMIN = 0.02, 0.08  # mmol/L and mg/dL of calcium per g/L, as each is customary
PER_UL_IN_COUNT_UNIT = 0.001
# Parts of the lower and the upper limit below which all results of a series are of another unit, and the fewest of one.
LOW_PARTS, HIGH_PARTS, FEWEST_IN_SERIES = 10, 20, 5


def lab_values(labs: Any, periods: Mapping[str, Periods] | None = None, *, check_units: bool = True) -> pl.DataFrame:
    """Return each result as the range of numbers that it can be.

    A result such as ``<0.5`` is a range from 0, or from below for a test that is not known; ``>1000`` one without end.
    What cannot be read, or has a unit that its test does not have, has no range and says why. Limits that cannot be
    count as missing.

    Parameters
    ----------
    labs
        Table `labs`, polars or pandas.
    periods
        Subject → boundaries of its treatment; must then hold every subject of the results.
    check_units
        Refuse a known test in a unit that it does not have. A result and the limits of its record share their unit, so
        that they can be compared in any.

    A record whose upper limit of normal, in the unit that it names, is less than a third or more than three times the
    usual one is of another unit, and is refused: haemoglobin of 120 to 160 "g/dL".
    A value that nobody lives with, neutrophils of 450 "10^9/L" or haemoglobin of 8.5 "g/L", or that nobody counts, such
    as 5.1 leucocytes "/uL", stands as it is and `note` says so. So it does of a subject's results of a test, five or
    more, that all lie below a tenth of their lower limits, or a twentieth of the upper where the lower is small or
    none: platelets of 0.2 "10^9/L" beside limits of 150 to 400, ALT of 0.4 "U/L". And so it does of neutrophils or
    lymphocytes of more than one and a half times all leucocytes of the subject and day, which they are a part of.

    Returns
    -------
    polars.DataFrame
        In the order given: the columns of `labs`, `row` (from 0), `name` (plain name of a test that is known),
        `plain_unit`, `factor` (to the test's own unit), `low`, `high` (of what the result can be, in the unit written),
        `value` (the number written), `period`, `refused` (why there is no range), `note` (what
        else a reader should know).

    Raises
    ------
    TableError
        A table breaks its registry.
    StudyError
        A subject of the results is not among those given.
    """
    frame = conform(as_polars(labs), LABS).with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    if periods is not None:
        faults = [error for _, error in unknown_subjects(frame, periods)]
        if faults:
            raise StudyError(faults, "the laboratory results")
    frame = _with_limits(_with_units(_read(frame), check_units))
    if check_units:
        frame = _with_parts(_with_low_series(_with_strange_values(_without_strange_limits(frame))))
    return with_periods(frame, periods or {})


def by_test(values: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the results of `lab_values` by the plain name of their test, in which total calcium is corrected.

    What is corrected stands with `corrected calcium`, as criteria are of that: by 0.02 mmol/L, or 0.08 mg/dL, for each
    g/L that the albumin of the same subject and day is below 40. Without such an albumin it stands as it was measured.
    `note` says which.
    """
    known = values.filter(pl.col("name").is_not_null()).partition_by("name", as_dict=True)
    found = {str(name): part for (name,), part in known.items()}
    for total, name in CORRECTED.items():
        if total in found:
            corrected = _corrected(found.pop(total), found.get("albumin", values.clear()))
            found[name] = pl.concat([corrected, found.get(name, values.clear())])
    return found


def baselines(results: pl.DataFrame, periods: Mapping[str, Periods] | None = None) -> pl.DataFrame:
    """Return the baseline of each subject from the results of one test: the last with a number before treatment.

    Treatment starts with lymphodepletion, or with the infusion where the day of lymphodepletion is not known; a result
    of the starting day itself is no baseline. Results of one day count as one: the mean of them and of their limits, in
    the test's own unit where they are written in several.

    Returns
    -------
    polars.DataFrame
        Columns `subject`, `day`, `plain_unit`, `factor`, `low`, `high`, `lower_limit`, `upper_limit`.
    """
    bounds = periods or {}
    before = results.filter(pl.col("low").is_not_null() & (pl.col("day") < 0))
    own = None if before.is_empty() else lab_test(before["name"][0])
    names = before["subject"].unique()
    starts = [bounds.get(name, Periods()).start_day for name in names]
    before = before.join(pl.DataFrame({"subject": names, "start": starts}, SCHEMA_OF_STARTS), on="subject")
    before = before.filter(pl.col("day") < pl.col("start"))
    last = before.filter(pl.col("day") == pl.col("day").max().over("subject"))
    same = pl.col("plain_unit").n_unique() == 1
    factor = pl.when(same).then(pl.col("factor").first()).otherwise(1.0)
    numbers = ("low", "high", "lower_limit", "upper_limit")
    whole = last.group_by("subject").agg(
        pl.col("day").first(),
        pl.when(same)
        .then(pl.col("plain_unit").first())
        .otherwise(pl.lit(own and plain_unit(own.unit)))
        .alias("plain_unit"),
        factor.alias("factor"),
        *((pl.col(name) * pl.col("factor")).mean() / factor for name in numbers),
    )
    # A mean of several results rounds; a single one stays what it is.
    single = last.filter(pl.len().over("subject") == 1)
    return pl.concat([whole.join(single, on="subject", how="anti"), single.select(whole.columns)])


def _read(frame: pl.DataFrame) -> pl.DataFrame:
    """Add `value`, `low`, `high` and `refused`; each distinct text and unit is read once."""
    pairs = frame.select("value_text", "unit").unique()
    rows: list[tuple[str, str, float | None, float | None, float | None, str | None]] = []
    for text, unit in pairs.iter_rows():
        one = read_result(text, signed=True, unit=unit)
        if isinstance(one, str):
            rows.append((text, unit, None, None, None, one))
            continue
        step = BEYOND * abs(one.value)
        low = {">": one.value + step, ">=": one.value, None: one.value}.get(one.operator, float("-inf"))
        high = {"<": one.value - step, "<=": one.value, None: one.value}.get(one.operator, float("inf"))
        rows.append((text, unit, one.value, low, high, None))
    names = {"value_text": pl.String, "unit": pl.String}
    numbers = {"value": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    known = pl.DataFrame(rows, schema=names | numbers | {"refused": pl.String}, orient="row")
    return frame.join(known, on=list(names), how="left", nulls_equal=True, maintain_order="left")


def _with_limits(frame: pl.DataFrame) -> pl.DataFrame:
    """Add `note`; limits that cannot be count as missing, and it says so."""
    crossed = pl.col("lower_limit") > pl.col("upper_limit")
    none = pl.col("name").is_not_null() & (pl.col("upper_limit") <= 0)
    wrong = (crossed | none).fill_null(False)
    why = pl.when(crossed).then(pl.lit(CROSSED)).when(none).then(pl.lit(NOT_ABOVE_0))
    limits = [pl.when(~wrong).then(name).alias(name) for name in ("lower_limit", "upper_limit")]
    return frame.with_columns(*limits, pl.when(wrong).then(why).alias("note"))


def _with_units(frame: pl.DataFrame, check: bool) -> pl.DataFrame:
    """Add `name`, `plain_unit` and `factor`; a known test in a unit that it does not have, or below 0, is refused."""
    pairs = frame.select("test", "unit").unique()
    rows = []
    for written, unit in pairs.iter_rows():
        test = _test_of(written, unit)
        factor = None if test is None else test.factor(unit)
        why = None
        if check and test is not None and factor is None:
            why = f"{test.name} has no unit {unit!r}, it may be {test.units}" if unit else f"{test.name} without a unit"
        rows.append((written, unit, test and test.name, plain_unit(unit or ""), factor, why))
    names = ["test", "unit", "name", "plain_unit", "factor", "why"]
    schema = dict.fromkeys(names, pl.String) | {"factor": pl.Float64}
    known = pl.DataFrame(rows, schema=schema, orient="row")
    frame = frame.join(known, on=["test", "unit"], how="left", nulls_equal=True, maintain_order="left")
    below_0 = (pl.col("value") == 0) & pl.col("value_text").str.contains(r"^\s*<\s*[^=]")
    below = pl.when(pl.col("name").is_not_null() & ((pl.col("value") < 0) | below_0)).then(
        pl.format("'{}' is below 0", pl.col("value_text").str.strip_chars())
    )
    frame = frame.with_columns(pl.coalesce("refused", below, "why").alias("refused")).drop("why")
    kept = pl.col("refused").is_null()
    low = pl.when(pl.col("name").is_not_null()).then(pl.col("low").clip(0)).otherwise("low")
    return frame.with_columns(pl.when(kept).then(low).alias("low"), pl.when(kept).then("high").alias("high"))


def _test_of(written: str, unit: str | None) -> LabTest | None:
    """Return the test of a name; that of a count in % is another, of a share."""
    test = lab_test(written)
    share = test is not None and test.unit == COUNT_UNIT and plain_unit(unit or "") in SHARES
    return None if share else test


def _without_strange_limits(frame: pl.DataFrame) -> pl.DataFrame:
    """Refuse results whose upper limit is far from the usual one: their unit is another than the record says."""
    usual = {test.name: test.usual_upper_limit for test in lab_tests().values() if test.usual_upper_limit}
    limit = pl.col("name").replace_strict(usual, default=None, return_dtype=pl.Float64) / pl.col("factor")
    times = pl.col("upper_limit") / limit
    far = ((times > FAR_FROM_USUAL) | (times < 1 / FAR_FROM_USUAL)).fill_null(False) & pl.col("low").is_not_null()
    upper, about = pl.col("upper_limit").round_sig_figs(6), limit.round_sig_figs(2)
    told = pl.format("upper limit {} {}, usually about {}: check the unit", upper, pl.col("unit").fill_null(""), about)
    return frame.with_columns(
        pl.when(far).then(told).otherwise("refused").alias("refused"),
        *(pl.when(~far).then(name).alias(name) for name in ("low", "high")),
    )


def _with_strange_values(frame: pl.DataFrame) -> pl.DataFrame:
    """Note values such that their unit is likely another than the record says; they are graded as they stand."""
    tests = {test.name: test for test in lab_tests().values()}

    def limit(known: Mapping[str, float | None]) -> pl.Expr:
        found = {name: value for name, value in known.items() if value}
        return pl.col("name").replace_strict(found, default=None, return_dtype=pl.Float64) / pl.col("factor")

    above = pl.col("low") > limit({name: test.most for name, test in tests.items()})
    below = pl.col("high") < limit({name: test.least for name, test in tests.items()})
    told = pl.format(
        "{} {} is hardly a value of {}: check the unit", "value_text", pl.col("unit").fill_null(""), "name"
    )
    counts = [name for name, test in tests.items() if test.unit == COUNT_UNIT]
    per_ul = pl.col("name").is_in(counts) & (pl.col("factor") == PER_UL_IN_COUNT_UNIT)
    parts = per_ul & (pl.col("value") < MOST_IN_PARTS) & (pl.col("value") % 1 != 0)
    strange = pl.when(above | below | parts).then(told)
    notes = pl.concat_str("note", strange, separator="; ", ignore_nulls=True)
    return frame.with_columns(pl.when(notes != "").then(notes).alias("note"))


def _with_low_series(frame: pl.DataFrame) -> pl.DataFrame:
    """Note the results of a subject and known test that all lie far below their limits, as in another unit.

    One such count may be of a nadir, all of them are not.
    """
    lower, upper = pl.col("lower_limit"), pl.col("upper_limit")
    wide = (lower < upper / LOW_PARTS).fill_null(lower.is_null())  # as of enzymes, whose lower limit says little
    far = pl.col("high") < pl.when(wide).then(upper / HIGH_PARTS).otherwise(lower / LOW_PARTS)
    number = pl.col("low").is_not_null() & far.is_not_null()
    series = ("subject", "name", "plain_unit")
    all_far = (far | ~number).all().over(series) & (number.sum().over(series) >= FEWEST_IN_SERIES)
    told = pl.format(
        "all {} results of the subject lie far below their limits: check the unit", number.sum().over(series)
    )
    notes = pl.concat_str("note", pl.when(all_far & number).then(told), separator="; ", ignore_nulls=True)
    named = pl.col("name").is_not_null()
    return frame.with_columns(pl.when(named & (notes != "")).then(notes).otherwise("note").alias("note"))


def _with_parts(frame: pl.DataFrame) -> pl.DataFrame:
    """Note counts of cells above those of all cells that they are a part of, as of exchanged names or of percent."""
    day = ("subject", "day")
    wholes = frame.filter(pl.col("name").is_in(sorted(set(WHOLES.values()))))
    most = wholes.group_by(*day, whole="name").agg((pl.col("high") * pl.col("factor")).max().alias("most"))
    whole = pl.col("name").replace_strict(WHOLES, default=None, return_dtype=pl.String)
    joined = frame.with_columns(whole=whole).join(most, on=[*day, "whole"], how="left", maintain_order="left")
    above = pl.col("low") * pl.col("factor") > most_of_part(pl.col("most"))
    told = pl.when(above).then(pl.format("above the {} of the day, of which it is a part: check both", "whole"))
    notes = pl.concat_str("note", told, separator="; ", ignore_nulls=True)
    return joined.with_columns(pl.when(notes != "").then(notes).alias("note")).drop("whole", "most")


def _corrected(total: pl.DataFrame, albumin: pl.DataFrame) -> pl.DataFrame:
    """Return total calcium as corrected by the albumin of the day, see `by_test`."""
    exact = albumin.filter(pl.col("low") == pl.col("high"))
    g_per_l = exact.group_by("subject", "day").agg((pl.col("low") * pl.col("factor")).mean().alias("g"))
    joined = total.join(g_per_l, on=["subject", "day"], how="left")
    one_g = pl.when(pl.col("plain_unit") == "mg/dl").then(MG_PER_ALBUMIN).otherwise(MMOL_PER_ALBUMIN / pl.col("factor"))
    shift = (one_g * (NORMAL_ALBUMIN - pl.col("g"))).fill_null(0)
    told = (
        pl.when(pl.col("low").is_null())
        .then(None)
        .when(pl.col("g").is_not_null())
        .then(pl.format("corrected by albumin of {} g/L", pl.col("g").round_sig_figs(3)))
        .otherwise(pl.lit("not corrected: no albumin of the day"))
    )
    moved = [pl.col(name) + shift for name in ("low", "high", "value")]
    notes = pl.concat_str("note", told, separator="; ", ignore_nulls=True)
    return joined.with_columns(*moved, pl.when(notes != "").then(notes).alias("note")).drop("g")
