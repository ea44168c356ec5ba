"""The log-rank test of two or more groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilseq.clinical.survival_times import CANNOT, Flags, Floats, checked
from tilseq.errors import AnalysisError


@dataclass(frozen=True)
class LogRank:
    """A log-rank test.

    Attributes
    ----------
    groups
        Their names, in order.
    observed, expected
        Events of each group, and those expected if all groups had one hazard.
    statistic, df, p
        Chi-square, its degrees of freedom and p; None where there are none.
    reason
        Why there are none.
    """

    groups: tuple[str, ...]
    observed: Floats
    expected: Floats
    statistic: float | None
    df: int | None
    p: float | None
    reason: str | None = None


def log_rank(days: ArrayLike, event: ArrayLike, group: ArrayLike, strata: ArrayLike | None = None) -> LogRank:
    """Test whether groups have one hazard: observed less expected events at each event's day (Mantel 1966; Peto 1972).

    The variance is hypergeometric, as R's ``survdiff``. A group that is at risk at no event's day does not count.

    Parameters
    ----------
    days, event
        As of `kaplan_meier`.
    group
        As many: the group of each subject, as text; two or more.
    strata
        As many: subjects are compared within their stratum only, and the sums are added up.

    Raises
    ------
    AnalysisError
        A time, event, group or stratum cannot be, or there is one group.
    """
    from scipy.special import chdtrc

    times, happened = checked(days, event)
    names, place = labels(group, len(times), "group")
    if len(names) < 2:
        raise AnalysisError("a comparison needs two groups", column="group", found=names[0])
    stratum = labels(strata, len(times), "strata")[1] if strata is not None else np.zeros(len(times), np.intp)
    expected, variance = np.zeros(len(names)), np.zeros((len(names), len(names)))
    for one in np.unique(stratum):
        here = stratum == one
        mean, spread = _expected(times[here], happened[here], place[here], len(names))
        expected += mean
        variance += spread
    observed = np.bincount(place, weights=happened, minlength=len(names))
    compared = np.flatnonzero(expected > 0)[:-1]  # one group follows from the others
    if not len(compared) or np.linalg.matrix_rank(variance[np.ix_(compared, compared)]) < len(compared):
        why = "no event" if not happened.any() else "no event while two groups were at risk"
        return LogRank(names, observed, expected, None, None, None, f"{CANNOT}: {why}")
    difference = (observed - expected)[compared]
    statistic = float(difference @ np.linalg.solve(variance[np.ix_(compared, compared)], difference))
    return LogRank(names, observed, expected, statistic, len(compared), float(chdtrc(len(compared), statistic)))


def labels(values: ArrayLike, many: int, name: str) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Return the names of groups in order and the place of each subject's among them.

    Raises
    ------
    AnalysisError
        They are not as many as the subjects, or one is missing.
    """
    given = np.asarray(values, object)
    if given.shape != (many,):
        raise AnalysisError(f"{name} must be one for each time", column=name, found=given.shape, expected=f"({many},)")
    missing = [at for at, value in enumerate(given) if value is None or value != value]
    if missing:
        mend = "leave the subject out, or give missing ones a name"
        raise AnalysisError(f"subject {missing[0] + 1} has none", column=name, mend=mend)
    names, place = np.unique(given.astype(str), return_inverse=True)
    return tuple(names.tolist()), place


def _expected(times: Floats, happened: Flags, place: NDArray[np.intp], groups: int) -> tuple[Floats, Floats]:
    """Return the expected events of each group and their covariance in one stratum."""
    day = np.unique(times[happened])
    # Subjects of each group at risk on each event's day: those whose time is not before it.
    at_risk = np.stack(
        [(place == one).sum() - np.searchsorted(np.sort(times[place == one]), day) for one in range(groups)], axis=1
    ).astype(float)
    all_at_risk = at_risk.sum(axis=1)
    events = np.bincount(np.searchsorted(day, times[happened]), minlength=len(day))
    share = at_risk / all_at_risk[:, None]
    weight = events * (all_at_risk - events) / np.maximum(all_at_risk - 1, 1)
    variance = np.diag(weight @ share) - (share * weight[:, None]).T @ share
    return events @ share, variance
