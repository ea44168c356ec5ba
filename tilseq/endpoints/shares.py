"""Courses of clones as `kinetics` takes them: shares of a repertoire, and cells per microlitre."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl

from tilseq.endpoints.kinetics import DRAWS, SERIES, TAILS
from tilseq.errors import AnalysisError
from tilseq.intervals import log_normal
from tilseq.tables import Table, as_polars, conform, known_columns

LARGEST_CV = 0.2  # of a share that is quantified
FEWEST_QUANTIFIED = 1 / LARGEST_CV**2
NUMBERS = ("value", "lower", "upper")
T_CELLS = Table("t_cells_per_ul", "T cells per microlitre of one day a row.", SERIES.columns[: 1 + len(NUMBERS)])


def share_series(shares: Any) -> pl.DataFrame:
    """Return the course of a share of the repertoire, as `kinetics` takes it, in the unit `fraction`.

    A share is `quantified` where it stands for 25 effective cells, of which the coefficient of variation is 20 %; fewer
    are `detected_below_loq`, none `not_detected`. Effective cells are told from the limit of detection, which is
    ``1 - 0.05 ** (1 / n)``. A share without a limit of detection is `quantified`, and has no limits; 0 without an upper
    limit is `not_evaluable`.

    Parameters
    ----------
    shares
        polars or pandas, one row a day: `day, value, lower, upper, limit_of_detection`, such as rows of `mass` of the
        table `persistence` with the days of their samples.

    Returns
    -------
    polars.DataFrame
        `day, value, lower, upper, status`. Areas need a row of day 0, of value 0 where there was nothing before.

    Raises
    ------
    AnalysisError
        A value, limit or limit of detection is no share, as NaN is not; what is not known is null.
    """
    table = as_polars(shares).select(pl.col("day", *NUMBERS, "limit_of_detection").cast(pl.Float64))
    for name in (*NUMBERS, "limit_of_detection"):
        strange = table.filter(~pl.col(name).is_between(0, 1))
        if strange.height:
            raise AnalysisError(
                f"a share of the repertoire is from 0 to 1, and null where it is not known: {name}",
                found=strange[name][0],
                expected="0 to 1",
                mend=f"leave out day {strange['day'][0]:g}, or give null",
            )
    cells = pl.col("value") * math.log(0.05) / (1 - pl.col("limit_of_detection")).log()
    nothing = pl.col("value") == 0
    status = (
        pl.when(pl.col("value").is_null() | (nothing & pl.col("upper").is_null()))
        .then(pl.lit("not_evaluable"))
        .when(nothing)
        .then(pl.lit("not_detected"))
        .when(cells < FEWEST_QUANTIFIED * (1 - 1e-9))
        .then(pl.lit("detected_below_loq"))
        .otherwise(pl.lit("quantified"))
    )
    return table.with_columns(status=status).select(SERIES.names)


def cells_per_ul_series(series: Any, t_cells_per_ul: Any, *, seed: int) -> pl.DataFrame:
    """Return the course of cells per microlitre of blood: shares of T cells times T cells per microlitre.

    Limits are 2.5 and 97.5 % points of 10,000 products, both factors log-normal with their own limits. Of what was not
    detected the upper limits are multiplied, which is never too low.

    Parameters
    ----------
    series
        As `share_series` returns it; shares of T cells.
    t_cells_per_ul
        polars or pandas, one row a day: `day, value, lower, upper`, cells per microlitre with 95 % limits.
    seed
        Seed of the draws.

    Returns
    -------
    polars.DataFrame
        `day, value, lower, upper, status`, in cells per microlitre, of the days of the series. Those without T cells
        per microlitre are `not_evaluable`, and a product of which a factor has no limits has none. `kinetics` of it
        should be told of a `common_error` where the same beads or volume enter all days.

    Raises
    ------
    TableError
        The series is none, see `kinetics`, or T cells per microlitre lack a column.
    AnalysisError
        T cells per microlitre are given twice for a day, are not above 0, or lie beyond their limits.
    """
    shares = conform(known_columns(series, SERIES), SERIES)
    counted = conform(known_columns(t_cells_per_ul, T_CELLS), T_CELLS)
    value, beyond = pl.col("value"), (pl.col("lower") > pl.col("value")) | (pl.col("upper") < pl.col("value"))
    strange = counted.filter(pl.col("day").is_duplicated() | ~(value > 0) | beyond.fill_null(False))
    if strange.height:
        what = "T cells per microlitre must be above 0 and within their limits, once a day"
        raise AnalysisError(what, found=strange.row(0, named=True))
    both = shares.join(counted, on="day", how="left", suffix="_t_cells", maintain_order="left")
    share, t_cells = ([both[f"{name}{of}"].to_numpy() for name in NUMBERS] for of in ("", "_t_cells"))
    value, lower, upper = (one * other for one, other in zip(share, t_cells, strict=True))
    evaluable = (both["status"] != "not_evaluable").to_numpy() & np.isfinite(value)
    drawn, random = evaluable & (value > 0), np.random.default_rng(seed)
    shares_drawn, cells_drawn = (
        log_normal(centre[drawn], low[drawn], high[drawn], random, DRAWS) for centre, low, high in (share, t_cells)
    )
    lower[drawn], upper[drawn] = np.quantile(shares_drawn * cells_drawn, TAILS, axis=0)
    numbers = [pl.Series(name, of, nan_to_null=True) for name, of in zip(NUMBERS, (value, lower, upper), strict=True)]
    told = pl.Series(evaluable)
    status = pl.when(told).then("status").otherwise(pl.lit("not_evaluable"))
    return both.with_columns(*(pl.when(told).then(of).alias(of.name) for of in numbers), status=status).select(
        SERIES.names
    )
