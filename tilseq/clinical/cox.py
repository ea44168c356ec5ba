"""Cox's proportional hazards, with covariates that may change with time (Cox, J R Stat Soc B 1972;34:187)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilseq.clinical.log_rank import labels
from tilseq.clinical.partial_likelihood import WIDEST, Spans, maximised
from tilseq.clinical.survival_times import CANNOT, Flags, Floats, checked
from tilseq.errors import AnalysisError
from tilseq.intervals import Z95
from tilseq.masked import refuse_masked

Ties = Literal["efron", "breslow"]


@dataclass(frozen=True)
class Cox:
    """A fit of Cox's model; arrays hold one element a covariate.

    Attributes
    ----------
    names
        Of the covariates.
    coefficient, standard_error
        Logarithm of the hazard ratio for one more of the covariate, and its standard error; NaN where there is none.
    hazard_ratio, lower, upper
        With Wald's 95 % interval.
    z, p
        Wald's test.
    log_likelihood
        Of no effect and of the fit.
    score_test, score_p
        Test of all covariates together at no effect, with as many degrees of freedom; it needs no estimate.
    subjects, events
        Subjects (rows where none is named) and events.
    ties
        `efron` or `breslow`.
    reason
        Why there is no estimate; None where there is.
    """

    names: tuple[str, ...]
    coefficient: Floats
    standard_error: Floats
    hazard_ratio: Floats
    lower: Floats
    upper: Floats
    z: Floats
    p: Floats
    log_likelihood: tuple[float, float]
    score_test: float
    score_p: float
    subjects: int
    events: int
    ties: Ties
    reason: str | None = None


def cox(
    days: ArrayLike,
    event: ArrayLike,
    covariates: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    strata: ArrayLike | None = None,
    ties: Ties = "efron",
) -> Cox:
    """Fit Cox's model to one row a subject.

    Parameters
    ----------
    days, event
        As of `kaplan_meier`.
    covariates
        Shape (subjects,) or (subjects, covariates), numbers known at the origin.
    names
        Of the covariates, by default x1, x2 and so on.
    strata
        One for each subject: each stratum has a baseline hazard of its own.
    ties
        Efron's approximation (J Am Stat Assoc 1977;72:557), as R, or Breslow's (Biometrics 1974;30:89), as SAS.

    Returns
    -------
    Cox
        Without numbers but the score test where they cannot be estimated: no event, or a covariate that parts those
        with the event from the rest so that its hazard ratio has no end (complete separation). The reason says which.

    Raises
    ------
    AnalysisError
        A value cannot be, a covariate does not vary, or covariates follow from one another.
    """
    times, happened = checked(days, event)
    return _fit(np.zeros(len(times)), times, happened, covariates, names, strata, ties, len(times))


def cox_time_dependent(
    subject: ArrayLike,
    start: ArrayLike,
    stop: ArrayLike,
    event: ArrayLike,
    covariates: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    strata: ArrayLike | None = None,
    ties: Ties = "efron",
) -> Cox:
    """Fit Cox's model to spans of time during which covariates stand still (Andersen and Gill, Ann Stat 1982;10:1100).

    A subject is at risk after `start` and up to and with `stop`; an event belongs to the span that ends with it.

    Parameters
    ----------
    subject
        One dimension, the subject of each span. Spans of one subject may not overlap, and nothing may follow an event.
    start, stop
        As many, days since the origin, ``0 <= start < stop``.
    event
        As many: the event ends the span.
    covariates
        Shape (spans,) or (spans, covariates): what was known when the span began.
    names, strata, ties
        As of `cox`.

    Raises
    ------
    AnalysisError
        As `cox`; spans of a subject overlap, or one follows an event.
    """
    ends, happened = checked(stop, event)
    refuse_masked(start=start)
    begins = np.asarray(start, float)
    if begins.shape != ends.shape:
        raise AnalysisError("each span needs its start", column="start", found=begins.shape, expected=str(ends.shape))
    who, place = labels(subject, len(ends), "subject")
    _check_spans(who, place, begins, ends, happened)
    return _fit(begins, ends, happened, covariates, names, strata, ties, len(who))


def _check_spans(who: Sequence[str], place: NDArray[np.intp], start: Floats, stop: Floats, event: Flags) -> None:
    wrong = ~((start >= 0) & (start < stop))
    if wrong.any():
        at = int(np.argmax(wrong))
        found = f"{start[at]:g} to {stop[at]:g}"
        raise AnalysisError(f"a span of subject {who[place[at]]} cannot be", found=found, expected="0 <= start < stop")
    order = np.lexsort((stop, start, place))
    same = place[order][1:] == place[order][:-1]
    for wrong, what in (
        (same & (start[order][1:] < stop[order][:-1]), "spans of a subject overlap"),
        (same & event[order][:-1], "a span follows the event of a subject"),
    ):
        if wrong.any():
            raise AnalysisError(what, column="subject", found=who[place[order][1:][np.argmax(wrong)]])


def _fit(
    start: Floats,
    stop: Floats,
    event: Flags,
    covariates: ArrayLike,
    names: Sequence[str] | None,
    strata: ArrayLike | None,
    ties: Ties,
    subjects: int,
) -> Cox:
    from scipy.special import chdtrc, ndtr

    if ties not in get_args(Ties):
        raise AnalysisError("no such way with ties", found=ties, expected=", ".join(get_args(Ties)))
    x, named = _covariates(covariates, names, len(stop))
    stratum = np.zeros(len(stop), np.intp) if strata is None else labels(strata, len(stop), "strata")[1]
    scale = x.std(axis=0)
    spans = Spans(start, stop, event, (x - x.mean(axis=0)) / scale, stratum)
    fit = maximised(spans, named, efron=ties == "efron")
    coefficient, error = fit.coefficient / scale, np.sqrt(np.diag(fit.covariance)) / scale
    reason = fit.reason
    if np.any(np.abs(coefficient) + Z95 * error > WIDEST):
        reason = f"{CANNOT}: limits of a hazard ratio lie beyond all bounds; too few events, or too large a unit"
        coefficient, error = np.full(len(named), np.nan), np.full(len(named), np.nan)
    z = coefficient / error
    return Cox(
        named,
        coefficient,
        error,
        np.exp(coefficient),
        np.exp(coefficient - Z95 * error),
        np.exp(coefficient + Z95 * error),
        z,
        2 * ndtr(-np.abs(z)),
        fit.log_likelihood,
        fit.score_test,
        float(chdtrc(len(named), fit.score_test)),
        subjects,
        int(event.sum()),
        ties,
        reason,
    )


def _covariates(values: ArrayLike, names: Sequence[str] | None, many: int) -> tuple[Floats, tuple[str, ...]]:
    """Return covariates as columns and their names, or refuse those that no model can take."""
    refuse_masked(covariates=values)
    try:
        x = np.asarray(values, float)
    except (TypeError, ValueError) as error:
        raise AnalysisError("covariates are numbers", mend="code a group as 0 and 1", found=values) from error
    x = x[:, None] if x.ndim == 1 else x
    named = tuple(names) if names is not None else tuple(f"x{i + 1}" for i in range(x.shape[-1]))
    if x.ndim != 2 or x.shape != (many, len(named)) or not named:
        raise AnalysisError("covariates must be columns of one row a time", found=x.shape, expected=f"({many}, names)")
    if not np.isfinite(x).all():
        at = int(np.argmax(~np.isfinite(x).all(axis=0)))
        raise AnalysisError("a covariate has missing values", column=named[at], mend="leave these subjects out")
    still = np.ptp(x, axis=0) == 0
    if still.any():
        raise AnalysisError(
            "a covariate does not vary", column=named[int(np.argmax(still))], found=float(x[0, np.argmax(still)])
        )
    return x, named
