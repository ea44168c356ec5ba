"""How long blood counts took to come back: Kaplan-Meier medians of recoveries."""

from __future__ import annotations

from typing import Any

import polars as pl

from tilseq.clinical.survival_estimates import survival_estimates
from tilseq.tables import as_polars, conform
from tilseq.tables.lab_grades import RECOVERY_ESTIMATES


def recovery_estimates(recoveries: Any, *, subjects: Any = None, level: float = 0.95) -> pl.DataFrame:
    """Estimate the median time to each recovery by Kaplan-Meier, with limits by beta product.

    Those who did not recover count as long as they were seen; those never below a threshold have no time and are
    counted in `left_out`. Who died before recovery is censored there, so that the curve tells of recovery were there no
    death.

    Parameters
    ----------
    recoveries
        Table `recoveries`.
    subjects
        Columns `subject` and `arm`; more than one arm gives each its rows beside `all`.
    level
        Coverage of the limits.

    Returns
    -------
    polars.DataFrame
        Table `recovery_estimates`: quantities `median` and `time_range`, in days of which the first is that of the
        origin: a median of 10 is day 9 of the infusion. See `survival_estimates`.
    """
    groups = None
    if subjects is not None:
        arms = as_polars(subjects).select("subject", pl.col("arm").cast(pl.String)).drop_nulls()
        groups = arms if arms["arm"].n_unique() > 1 else None
    days: dict[str, Any] = {"at_days": (), "rmst_days": ()}
    found = survival_estimates(recoveries, groups=groups, level=level, **days)
    return conform(found, RECOVERY_ESTIMATES)
