"""Cox's partial likelihood of spans at risk, and Newton's way to its maximum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tilseq.clinical.survival_times import CANNOT, Flags, Floats
from tilseq.errors import AnalysisError

MOST_STEPS = 40
SMALL_STEP = 1e-10  # of standardised coefficients; Newton's error is then about its square
# Of the information at no effect: what is left of it on the way to a hazard ratio without end.
LEAST_INFORMATION = 1e-7
# Of the logarithm of the hazard between any two rows: beyond it sums over risk sets lose their digits.
WIDEST = 30.0


@dataclass(frozen=True)
class Spans:
    """Rows at risk after `start` up to and with `stop`, with standardised covariates `x` (rows, covariates)."""

    start: Floats
    stop: Floats
    event: Flags
    x: Floats
    stratum: NDArray[np.intp]


@dataclass(frozen=True)
class Maximum:
    """Where the partial likelihood is highest; coefficients are NaN where it has no highest point."""

    coefficient: Floats
    covariance: Floats
    log_likelihood: tuple[float, float]
    score_test: float
    reason: str | None = None


def maximised(spans: Spans, names: Sequence[str], *, efron: bool) -> Maximum:
    """Climb from no effect to the maximum by Newton's steps, halved where they would go down.

    Where the likelihood rises without end each step is as long as the last and the information dies away: there is no
    estimate, and the reason says so. The score test stands all the same.

    Raises
    ------
    AnalysisError
        Covariates follow from one another.
    """
    strata = [_Stratum(spans, spans.stratum == one, efron) for one in np.unique(spans.stratum)]
    many = len(names)
    none, nothing = np.full(many, np.nan), np.full((many, many), np.nan)
    if np.linalg.matrix_rank(spans.x) < many:
        mend = "leave one of them out"
        raise AnalysisError("covariates follow from one another", column=", ".join(names), mend=mend)
    if not spans.event.any():
        return Maximum(none, nothing, (np.nan, np.nan), np.nan, f"{CANNOT}: no event")
    beta = np.zeros(many)
    value, slope, information = _summed(strata, beta)
    null, first = value, information
    whole = np.linalg.eigvalsh(first)
    if whole[0] <= LEAST_INFORMATION * spans.event.sum():
        why = "at no event do those at risk differ in a covariate"
        return Maximum(none, nothing, (null, np.nan), np.nan, f"{CANNOT}: {why}")
    score_test = float(slope @ np.linalg.solve(first, slope))
    found = False
    for _ in range(MOST_STEPS):
        if np.linalg.eigvalsh(information)[0] < LEAST_INFORMATION * whole[0]:
            break
        step = np.linalg.solve(information, slope)
        higher, *rest = _summed(strata, beta + step)
        # Sums of weights that vanish beside the largest give inf or NaN: too far, as is any fall.
        while not value - 1e-9 * (1 + abs(value)) <= higher < np.inf and np.abs(step).max() > SMALL_STEP:
            step = step / 2
            higher, *rest = _summed(strata, beta + step)
        beta, value, (slope, information) = beta + step, higher, rest
        found = bool(np.abs(step).max() < SMALL_STEP)
        if found:
            break
    if not found:
        why = (
            "the hazard ratio has no end, as a covariate parts those with the event from the others at risk, "
            "or an outlying value drowns it"
        )
    elif np.ptp(spans.x @ beta) > WIDEST:
        why = "outlying values part hazards too far, give them as logarithms"
    else:
        return Maximum(beta, np.linalg.inv(information), (null, value), score_test)
    return Maximum(none, nothing, (null, np.nan), score_test, f"{CANNOT}: {why}")


def _summed(strata: Sequence[_Stratum], beta: Floats) -> tuple[float, Floats, Floats]:
    parts = [stratum.at(beta) for stratum in strata]
    return (
        float(sum(part[0] for part in parts)),
        np.sum([part[1] for part in parts], axis=0),
        np.sum([part[2] for part in parts], axis=0),
    )


class _Stratum:
    """The rows of one stratum, sorted once so that sums over any risk set are differences of running sums."""

    def __init__(self, spans: Spans, here: Flags, efron: bool) -> None:
        order = np.argsort(-spans.stop[here], kind="stable")  # from the last on
        self.x: Floats = spans.x[here][order]
        start: Floats = spans.start[here][order]
        stop: Floats = spans.stop[here][order]
        event: Flags = spans.event[here][order]
        self.event = event
        self.products = self.x[:, :, None] * self.x[:, None, :]
        self.late = np.argsort(-start, kind="stable")
        day, self.tie, tied = np.unique(stop[event], return_inverse=True, return_counts=True)
        self.ending = np.searchsorted(-stop, -day, side="right")  # rows with stop >= day
        self.entering = np.searchsorted(-start[self.late], -day, side="right")  # rows with start >= day
        # Of the n-th of d tied events Efron takes (n - 1) / d of the tied out of the risk set.
        ranks = np.arange(len(self.tie)) - (np.cumsum(tied) - tied)[np.sort(self.tie)]
        self.share = np.zeros(len(self.tie))
        self.share[np.argsort(self.tie, kind="stable")] = ranks / tied[np.sort(self.tie)] if efron else 0.0

    def at(self, beta: Floats) -> tuple[float, Floats, Floats]:
        """Return the log partial likelihood, its slope and the information; not finite where a step went too far."""
        if not self.event.any():
            many = self.x.shape[1]
            return 0.0, np.zeros(many), np.zeros((many, many))
        line = self.x @ beta
        highest = line.max()
        weight = np.exp(line - highest)
        zeroth, first, second = (
            self._at_risk(values)
            for values in (weight, weight[:, None] * self.x, weight[:, None, None] * self.products)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = first / zeroth[:, None]
            value = float(line[self.event].sum() - (np.log(zeroth) + highest).sum())
            information = (second / zeroth[:, None, None]).sum(axis=0) - mean.T @ mean
        return value, self.x[self.event].sum(axis=0) - mean.sum(axis=0), information

    def _at_risk(self, values: Floats) -> Floats:
        """Return for each event the sum over those at risk, less the share of the tied that Efron takes out."""
        padding = [(1, 0)] + [(0, 0)] * (values.ndim - 1)
        running, entered = (np.cumsum(np.pad(part, padding), axis=0) for part in (values, values[self.late]))
        tied = np.zeros((len(self.ending), *values.shape[1:]))
        np.add.at(tied, self.tie, values[self.event])
        sums = running[self.ending] - entered[self.entering]
        share = self.share.reshape(-1, *[1] * (values.ndim - 1))
        return np.asarray(sums[self.tie] - share * tied[self.tie])
