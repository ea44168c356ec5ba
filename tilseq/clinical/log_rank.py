"""The log-rank test of two or more groups, by chi-square or by permutation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilseq.clinical.survival_times import CANNOT, Flags, Floats, checked
from tilseq.errors import AnalysisError
from tilseq.masked import refuse_masked

FEWEST_EXPECTED = 5.0  # events of a group, below which chi-square finds too much
FEW_EXPECTED = f"as a group has fewer than {FEWEST_EXPECTED:g} expected events"
PERMUTATIONS = 9_999  # where chi-square finds too much
CHUNK = 1_000  # permutations at once


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
        Why there are none, or how p was found where not by chi-square, or why that is not to be relied on.
    sure
        There is a p, and it holds what it says.
    """

    groups: tuple[str, ...]
    observed: Floats
    expected: Floats
    statistic: float | None
    df: int | None
    p: float | None
    reason: str | None = None
    sure: bool = False


def log_rank(
    days: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    strata: ArrayLike | None = None,
    *,
    permutations: int | None = None,
    seed: int = 0,
) -> LogRank:
    """Test whether groups have one hazard: observed less expected events at each event's day (Mantel 1966; Peto 1972).

    The variance is hypergeometric, as R's ``survdiff``. A group that is at risk at no event's day does not count.
    With fewer than 5 expected events in a group p by chi-square is often too small (a group of two is found to differ
    in 10 of 100 trials without any difference, benchmarks/RESULTS.md): there p is by permutation, as the reason says.

    Parameters
    ----------
    days, event
        As of `kaplan_meier`.
    group
        As many: the group of each subject, as text; two or more.
    strata
        As many: subjects are compared within their stratum only, and the sums are added up.
    permutations
        Above 0, p is the share of so many random exchanges of subjects between groups, within strata, whose observed
        less expected events lie as far apart (the sum of their squares, each over its group's size); the statistic
        stays chi-square. It holds where groups are censored alike. 0 is chi-square always; None, the default, is 9,999
        where a group has fewer than 5 expected events, else chi-square.
    seed
        Of the permutations.

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
    few = expected[expected > 0].min() < FEWEST_EXPECTED
    found = (names, observed, expected, statistic, len(compared))
    draws = (PERMUTATIONS if few else 0) if permutations is None else permutations
    if draws > 0:
        p = _permuted(_scores(times, happened, stratum), place, stratum, draws, seed)
        why = (
            f"p by {draws:,} permutations{', ' + FEW_EXPECTED if few else ''}: it holds where groups are censored alike"
        )
        return LogRank(*found, p, why, sure=True)
    why = f"p by chi-square is unsure, {FEW_EXPECTED}"
    return LogRank(*found, float(chdtrc(len(compared), statistic)), why if few else None, sure=not few)


def _scores(times: Floats, happened: Flags, stratum: NDArray[np.intp]) -> Floats:
    """Return each subject's event less the hazard it has come through: their sum in a group is observed less expected.

    (Peto and Peto, J R Stat Soc A 1972;135:185.)
    """
    scores = happened.astype(float)
    for one in np.unique(stratum):
        here = stratum == one
        day, place, ending = np.unique(times[here], return_inverse=True, return_counts=True)
        at_risk = here.sum() - np.cumsum(ending) + ending
        events = np.bincount(place, weights=happened[here], minlength=len(day))
        scores[here] -= np.cumsum(events / at_risk)[place]
    return scores


def _permuted(
    scores: Floats, place: NDArray[np.intp], stratum: NDArray[np.intp], permutations: int, seed: int
) -> float:
    order = np.lexsort((place, scores, stratum))  # so that p does not hang on the order of the subjects
    scores, place, stratum = scores[order], place[order], stratum[order]
    group = np.eye(place.max() + 1)[place]
    sizes = group.sum(axis=0)
    apart = float(((scores @ group) ** 2 / sizes).sum())
    random, as_far = np.random.default_rng(seed), 0
    for start in range(0, permutations, CHUNK):
        drawn = np.tile(scores, (min(CHUNK, permutations - start), 1))
        for one in np.unique(stratum):
            here = stratum == one
            drawn[:, here] = random.permuted(drawn[:, here], axis=1)
        as_far += int((((drawn @ group) ** 2 / sizes).sum(axis=1) >= apart * (1 - 1e-9)).sum())
    return (as_far + 1) / (permutations + 1)


def labels(values: ArrayLike, many: int, name: str) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Return the names of groups in order and the place of each subject's among them.

    Raises
    ------
    AnalysisError
        They are not as many as the subjects, or one is missing or masked.
    """
    refuse_masked(**{name: values})
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
