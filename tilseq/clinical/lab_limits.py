"""Results of any test held against their own limits, and what the investigator called clinically significant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from tilseq.clinical.arms import EXACT, members_by_arm, with_exact_limits
from tilseq.clinical.lab_values import EQUAL, lab_values
from tilseq.clinical.periods import PERIODS, Periods, periods_of_results
from tilseq.tables import as_polars, conform
from tilseq.tables.lab_grades import ANY_PERIOD, RESULTS_BY_LIMITS, SIGNIFICANT_RESULTS
from tilseq.tables.qualifiers import qualifier_text


def results_by_limits(
    labs: Any, *, subjects: Any = None, infusions: Any = None, il2_end: Mapping[str, int] | None = None
) -> pl.DataFrame:
    """Hold each result against the limits of normal of its own record: vital signs, ECG and every laboratory test.

    A result on a limit is normal. One side alone tells that a result is beyond it; that it is normal takes both limits.
    The baseline is the last position before treatment of the subject and test, as for grades; of several results of
    that day one that is not normal counts. A test that no criterion knows is taken by its own name, in any unit.

    Parameters
    ----------
    labs
        Table `labs`, or a table of other tests with the same columns.
    subjects, infusions, il2_end
        As in `lab_grades`.

    Returns
    -------
    polars.DataFrame
        Table `results_by_limits`, in the order of the results.
    """
    periods = periods_of_results(labs, subjects, infusions, il2_end=il2_end)
    values = lab_values(labs, periods, check_units=False)
    low, high, lower, upper = (pl.col(name) for name in ("low", "high", "lower_limit", "upper_limit"))
    least, most = lower - EQUAL * lower.abs(), upper + EQUAL * upper.abs()
    below, above, within = high < least, low > most, (low >= least) & (high <= most)
    position = pl.when(below).then(pl.lit("low")).when(above).then(pl.lit("high")).when(within).then(pl.lit("normal"))
    values = values.with_columns(position.alias("position"))
    missing = (
        pl.when(lower.is_null() & upper.is_null())
        .then(pl.lit("no limits"))
        .when(lower.is_null())
        .then(pl.lit("no lower limit"))
        .when(upper.is_null())
        .then(pl.lit("no upper limit"))
        .otherwise(pl.lit("what the result can be spans a limit"))
    )
    why = pl.coalesce("refused", "note", missing)
    values = values.with_columns(pl.when(pl.col("position").is_null()).then(why).alias("reason"))
    names = values["subject"].unique()
    starts = pl.DataFrame({"subject": names, "start": [(periods or {}).get(n, Periods()).start_day for n in names]})
    key = pl.coalesce("name", pl.col("test").str.strip_chars().str.to_lowercase()).alias("key")
    values = values.with_columns(key).join(starts, on="subject", how="left", maintain_order="left")
    before = values.filter(pl.col("position").is_not_null() & (pl.col("day") < pl.col("start")))
    last = before.filter(pl.col("day") == pl.col("day").max().over("subject", "key"))
    # "low" and "high" stand before "normal" in the alphabet.
    base = last.group_by("subject", "key").agg(pl.col("position").min().alias("baseline_position"))
    found = values.join(base, on=["subject", "key"], how="left", maintain_order="left")
    return conform(found.select(RESULTS_BY_LIMITS.names), RESULTS_BY_LIMITS)


def significant_results(results: Any) -> pl.DataFrame:
    """Count the results that the investigator called clinically significant, by subject and period.

    What nobody judged is not counted as judged, and nothing is inferred from a value. A row that repeats another counts
    once.

    Parameters
    ----------
    results
        Table `results_by_limits`, polars or pandas.

    Returns
    -------
    polars.DataFrame
        Table `significant_results`; every subject and period with a result has a row.
    """
    results = conform(as_polars(results), RESULTS_BY_LIMITS)
    flag = pl.col("clinically_significant")
    counted = (
        results.unique(maintain_order=True)
        .group_by("subject", "period")
        .agg(
            pl.len().cast(pl.Int64).alias("results"),
            flag.is_not_null().sum().cast(pl.Int64).alias("judged"),
            flag.fill_null(False).sum().cast(pl.Int64).alias("significant"),
            pl.col("test").filter(flag.fill_null(False)).unique().sort().str.join("; ").alias("tests"),
        )
    )
    named = pl.when(pl.col("significant") > 0).then(pl.col("tests")).alias("tests")
    return conform(counted.with_columns(named), SIGNIFICANT_RESULTS)


def significant_shares(results: Any, *, subjects: Any = None, level: float = 0.95) -> pl.DataFrame:
    """Return the share of subjects with a result that the investigator called clinically significant.

    Parameters
    ----------
    results
        Table `results_by_limits`, polars or pandas.
    subjects
        Columns `subject` and `arm`; more than one arm gives each its rows beside `all`.
    level
        Coverage of the limits (exact, Clopper and Pearson).

    Returns
    -------
    polars.DataFrame
        Table `summaries`, parameter `lab_clinically_significant`, qualifier `period`: each period of the treatment, and
        `any` from its start on. The denominator is subjects of whom a result of the period was judged; its words say
        how many others have results that nobody judged.
    """
    results = conform(as_polars(results), RESULTS_BY_LIMITS)
    flag = pl.col("clinically_significant")
    since = results.filter(pl.col("period").is_in(PERIODS[1:])).with_columns(pl.lit(ANY_PERIOD).alias("period"))
    every = pl.concat([results.filter(pl.col("period").is_not_null()), since])
    by_subject = every.group_by("subject", "period").agg(flag.any().alias("found"), flag.count().alias("judged"))
    rows: list[dict[str, Any]] = []
    for group, members in members_by_arm(results["subject"], subjects):
        own = by_subject.filter(pl.col("subject").is_in(members))
        for period in (*PERIODS, ANY_PERIOD):
            within = own.filter(period=period)
            judged = within.filter(pl.col("judged") > 0)
            others = within.height - judged.height
            told = "subjects of whom the investigator judged a result of the period"
            if within.height:
                rows.append(
                    {
                        "population": "judged in the period",
                        "group": group,
                        "parameter": "lab_clinically_significant",
                        "qualifier": qualifier_text({"period": period}),
                        "numerator": judged.filter("found").height,
                        "denominator": judged.height,
                        "denominator_text": told + (f"; with results that nobody judged: {others}" if others else ""),
                        "method": EXACT,
                    }
                )
    return with_exact_limits(rows, level)
