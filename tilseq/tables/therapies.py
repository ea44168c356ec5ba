"""Therapies that start so soon after the infusion that they may belong to the treatment itself, as IL-2 does."""

from __future__ import annotations

from typing import Any

import polars as pl

from tilseq.errors import first_few
from tilseq.tables import as_polars

SOONEST = 14  # days after the infusion by which nobody gives a new therapy against the tumour
MOST_NAMED = 5


def told_soon_therapies(therapies: Any) -> str:
    """Return in words which therapies start within 14 days after day 0, empty where none does.

    What is seen after a new therapy counts as its own and not the treatment's, so that IL-2 or a growth factor among
    them would leave a subject without any assessment that counts.

    Parameters
    ----------
    therapies
        Table `therapies`, polars or pandas; None is none.
    """
    if therapies is None:
        return ""
    soon = as_polars(therapies).filter(pl.col("start_day").is_between(1, SOONEST))
    named = [f"{subject} ({what}, day {day})" for subject, what, day in soon["subject", "therapy", "start_day"].rows()]
    if not named:
        return ""
    return (
        f"therapies that start within {SOONEST} days after the infusion, after which nothing counts: "
        f"{first_few(named, MOST_NAMED)}: leave out what belongs to the treatment, as IL-2 does"
    )
