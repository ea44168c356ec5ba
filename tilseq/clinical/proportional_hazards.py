"""Whether a hazard ratio stands still: the score test of Grambsch and Therneau (Biometrika 1994;81:515)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tilseq.clinical.kaplan_meier import kaplan_meier
from tilseq.clinical.log_rank import labels
from tilseq.clinical.survival_times import checked


def proportional_hazards(
    days: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    coefficient: float,
    *,
    strata: ArrayLike | None = None,
    efron: bool = True,
) -> tuple[float, float]:
    """Test whether the hazard ratio of a group changes with time, as R's ``cox.zph`` (package survival 3).

    Schoenfeld's residuals are weighted by 1 - S(t-), S being the Kaplan-Meier curve of all subjects; the test is the
    score test of that term beside the constant ratio. A small p speaks against one ratio for the whole time; a large
    one of few events says nothing.

    Parameters
    ----------
    days, event, strata
        As of `cox`.
    group
        One for each subject: true or 1 for the group, false or 0 for the rest.
    coefficient
        Logarithm of the hazard ratio, as fitted to the same subjects.
    efron
        Ties as Efron, else as Breslow; as fitted.

    Returns
    -------
    statistic, p
        Chi-square with one degree of freedom; NaN where all events fall on one day, so that there is no trend.
    """
    from scipy.special import chdtrc

    times, happened = checked(days, event)
    x = np.asarray(group, float)
    curve = kaplan_meier(times, happened)
    before = curve.survival[np.searchsorted(curve.day, times, side="left") - 1]
    clock = (1 - before) - (1 - before[happened]).mean()
    stratum = np.zeros(len(times), np.intp) if strata is None else labels(strata, len(times), "strata")[1]
    weight = np.exp(coefficient * x)
    slope, information = 0.0, np.zeros(3)  # of the constant, of both, of the trend
    for one, day in sorted({(int(s), float(t)) for s, t in zip(stratum[happened], times[happened], strict=True)}):
        here = stratum == one
        at_risk, tied = here & (times >= day), here & happened & (times == day)
        at = float(clock[tied][0])
        share = np.arange(tied.sum()) / tied.sum() if efron else np.zeros(tied.sum())
        both, of_group = (values[at_risk].sum() - share * values[tied].sum() for values in (weight, weight * x))
        mean = of_group / both
        slope += at * float(x[tied].sum() - mean.sum())
        information += float((mean * (1 - mean)).sum()) * np.array([1, at, at**2])
    constant, shared, trend = information
    left = trend - shared**2 / constant if constant > 0 else 0.0
    if left <= 1e-12 * max(trend, 1e-300):
        return float("nan"), float("nan")
    statistic = slope**2 / left
    return float(statistic), float(chdtrc(1, statistic))
