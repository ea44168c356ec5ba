"""The standard curves of all analytes of a plate at once, with the dilution errors that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tilseq.cytokines.curve import PARAMETERS, Curve, Floats, Model, parts_of
from tilseq.cytokines.fit import start_of
from tilseq.cytokines.joint import VAGUE, Joint, Points, fit_curves, joint
from tilseq.cytokines.offsets import LevelErrors, Offsets, level_errors, offsets_of

ROUNDS, SETTLED = 30, 1e-4  # most, and natural logarithms by which offsets move less in the last
FEWEST_TO_SHARE = 3  # analytes from which an error of a level can be told from one of a curve
# Standard deviations of natural logarithms to start from and least ones: of each well's volume, of an analyte in a
# well, and of the reading.
WELL, OWN, READING = 0.05, 0.15, 0.02
LEAST = 0.01
MOST_LEVERAGE = 0.9
FIRST = 3  # rounds before a model is chosen
WHOLE = 12  # rounds after which spreads go half way, as what is one's can pass to the other and back without an end
CLEAR = 2.0  # evidence for a 4PL, as twice a logarithm, that is positive (Kass and Raftery 1995)


@dataclass(frozen=True)
class Standard:
    """The standard and blank wells of one analyte.

    Attributes
    ----------
    log_conc
        ln pg/mL as pipetted by the sheet, minus infinity for a blank.
    log_signal, se
        ln median reporter, and its standard error from the beads.
    wells
        For each its place among the plate's standard wells.
    """

    log_conc: Floats
    log_signal: Floats
    se: Floats
    wells: NDArray[np.intp]


@dataclass(frozen=True)
class Spread:
    """Standard deviations of natural logarithms on a plate.

    Attributes
    ----------
    well
        Of the volume of a well, shared by its analytes.
    own
        Of the concentration that one analyte's beads answer to in a well.
    reading
        Of the signal of a well, beside that of its beads.
    """

    well: float
    own: float
    reading: float


@dataclass(frozen=True)
class Fitted:
    """The curves of a plate.

    Attributes
    ----------
    curves
        By analyte.
    covariances
        Of the five parameters of each curve, all shared errors and what is not known of their spread included; that of
        the asymmetry also where a 4PL was chosen.
    criteria
        -2 ln of the marginal likelihood of each model (Laplace), up to a constant, by analyte.
    levels
        ln(true over nominal) of each level's wells at which the curves stand: drawn towards 0, so that they are steady.
    errors
        The same as estimates of their own, not drawn towards 0, with limits; None where levels share no error.
    spread
        How far wells and readings scatter.
    residual_sd
        Weighted residual standard deviation of each analyte; about 1 where the spread explains what is seen.
    """

    curves: dict[str, Curve]
    covariances: dict[str, Floats]
    criteria: dict[str, dict[Model, float]]
    levels: Floats
    errors: LevelErrors | None
    spread: Spread
    residual_sd: dict[str, float]


def fit_standards(
    standards: Mapping[str, Standard],
    level_of: Sequence[int],
    *,
    model: Model | None = None,
    shared: bool = True,
) -> Fitted:
    """Fit the curves of all analytes of a plate together with what went wrong with its standards.

    ln signal of an analyte in a well is its curve at ln nominal + the level's dilution error + the well's volume error,
    both shared by all analytes. A common factor of all levels, a power of it and, nearly, a bend look the same as other
    curves: only what levels are like a priori tells them, see `offsets_of`; the top level, from which all is diluted,
    is taken as right. What stays untold enters the covariances. Weights are one over the variance, which is
    that of the beads, the reading, and the analyte in the well times the square of the steepness; the last two are
    estimated from the plate.

    Curves are fitted at the mean of the offsets a posteriori, and offsets told anew from the curves to second order,
    until both stay. The asymmetry of a 5PL is near 1 a priori, so that a 5PL costs little where it is not needed, and a
    4PL where it is needed bends every concentration: a 4PL is chosen only on positive evidence, a criterion less by 2
    (Kass and Raftery, J Am Stat Assoc 1995;90:773).

    Parameters
    ----------
    standards
        By analyte.
    level_of
        For each standard well its level: 0 for the top, further ones from there down; -1 for a blank.
    model
        4PL or 5PL for all; by default chosen for each analyte.
    shared
        Whether to tell the dilution error of each level, for which three analytes are needed. Otherwise levels are
        taken as right, and what they may be off by is in the covariances alone.
    """
    plate = _Plate(dict(standards), np.asarray(level_of, np.intp), shared and len(standards) >= FEWEST_TO_SHARE)
    chosen: Model = model or "5PL"
    state = plate.start()
    free = plate.free(dict.fromkeys(standards, chosen))
    for turn in range(ROUNDS):
        new = plate.improve(state, free)
        if turn >= WHOLE:
            own, reading = np.sqrt([state.own * new.own, state.reading * new.reading]).tolist()
            new = replace(new, own=own, reading=reading)
        settled = turn > FIRST and np.abs(new.offsets.mean - state.offsets.mean).max() < SETTLED
        state = new
        if turn == FIRST and model is None:
            free = plate.free(plate.choose(state)[0])
        if settled:
            break
    return plate.finish(state, free)


@dataclass(frozen=True)
class _State:
    """Parameters so far, offsets of filled wells, and what is known of their spread."""

    theta: Floats
    offsets: Offsets
    own: float
    reading: float


class _Plate:
    """The standards of one plate, and the steps that improve a state."""

    def __init__(self, standards: dict[str, Standard], level_of: NDArray[np.intp], shared: bool) -> None:
        self.names, self.shared = list(standards), shared
        self.well_of = np.where(level_of >= 0, np.cumsum(level_of >= 0) - 1, -1)
        self.level_of = level_of[level_of >= 0]
        each = list(standards.values())
        self.points = Points(
            np.concatenate([one.log_conc for one in each]),
            np.concatenate([one.log_signal for one in each]),
            np.concatenate([one.se for one in each]),
            np.repeat(np.arange(len(each)), [len(one.wells) for one in each]),
            self.well_of[np.concatenate([one.wells for one in each])],
            len(self.level_of),
        )

    def start(self) -> _State:
        """Return curves by analyte alone, levels and wells taken as right."""
        points = self.points
        own = [points.analyte == k for k in range(len(self.names))]
        theta = np.array([start_of(points.log_conc[one], points.log_signal[one], "5PL") for one in own])
        zero = np.zeros(points.wells)
        return _State(theta, Offsets(zero, np.zeros((len(zero), len(zero))), WELL), OWN, READING)

    def free(self, models: Mapping[str, Model]) -> NDArray[np.bool_]:
        """Return which of the five parameters are fitted."""
        return np.array([np.arange(5) < PARAMETERS[models[name]] for name in self.names])

    def sd(self, state: _State) -> Floats:
        """Return the standard deviation of each ln signal about its curve."""
        points = self.points
        steep = parts_of(state.theta[points.analyte], points.at(state.offsets.mean))[1]
        return np.sqrt(points.se**2 + state.reading**2 + (steep * state.own) ** 2)

    def improve(self, state: _State, free: NDArray[np.bool_]) -> _State:
        """Fit curves at the offsets so far, then tell offsets and spread anew."""
        sd = self.sd(state)
        theta = fit_curves(self.points, state.theta, free, state.offsets.mean, sd)
        told = joint(self.points, theta, free, state.offsets.mean, sd)
        offsets = offsets_of(told.information, told.score, self.level_of, self.shared)
        own, reading = self._spread(told, offsets, sd, offsets.mean - state.offsets.mean)
        return _State(theta, offsets, own, reading)

    def _spread(self, told: Joint, offsets: Offsets, sd: Floats, moved: Floats) -> tuple[float, float]:
        """Return the spread of an analyte in a well, and of the reading, by the moments of residuals.

        `moved` is how far the offsets lie from those of the residuals, which follow them: the leverage is that of the
        new offsets, and with residuals of the old ones spreads of a kit of few analytes go to and fro without an end.
        """
        points, move = self.points, self._move(told)
        leverage = self._fit_variance(told, offsets, move) / sd**2
        squares = (told.residual + move @ moved) ** 2 / (1 - np.minimum(leverage, MOST_LEVERAGE))
        design = np.column_stack([told.steep**2, np.ones(len(squares))])
        own, reading = _not_negative(design, squares - points.se**2, sd**-4.0)
        return max(float(np.sqrt(own)), LEAST), max(float(np.sqrt(reading)), LEAST)

    def _move(self, told: Joint) -> Floats:
        """Return the change of each point of the fitted curves by offset, that of the curves included."""
        points = self.points
        move = np.einsum("np,npw->nw", told.gradient, told.cross[points.analyte])
        filled = np.flatnonzero(points.well >= 0)
        move[filled, points.well[filled]] += told.steep[filled]
        return np.asarray(move)

    def _fit_variance(self, told: Joint, offsets: Offsets, move: Floats) -> Floats:
        """Return the variance of each point of the fitted curves, offsets' share included."""
        points = self.points
        curve = np.einsum("np,npq,nq->n", told.gradient, told.inner[points.analyte], told.gradient)
        return np.asarray(curve + np.einsum("nw,wv,nv->n", move, offsets.covariance, move))

    def choose(self, state: _State) -> tuple[dict[str, Model], dict[str, dict[Model, float]]]:
        """Return the models chosen, and the criteria, at the offsets and weights so far."""
        points, sd = self.points, self.sd(state)
        told: dict[str, dict[Model, float]] = {name: {} for name in self.names}
        for model in PARAMETERS:
            free = self.free(dict.fromkeys(self.names, model))
            theta = fit_curves(points, state.theta, free, state.offsets.mean, sd)
            found = joint(points, theta, free, state.offsets.mean, sd)
            squares = points.summed((found.residual / sd) ** 2) + (((theta - points.usual()) / VAGUE) ** 2).sum(axis=1)
            for name, value in zip(self.names, squares - np.linalg.slogdet(found.inner)[1], strict=True):
                told[name][model] = float(value)
        return {name: "4PL" if one["4PL"] < one["5PL"] - CLEAR else "5PL" for name, one in told.items()}, told

    def finish(self, state: _State, free: NDArray[np.bool_]) -> Fitted:
        """Return the curves at the offsets and spreads that were told, with their errors."""
        points, sd = self.points, self.sd(state)
        theta = fit_curves(points, state.theta, free, state.offsets.mean, sd)
        told = joint(points, theta, np.ones_like(free), state.offsets.mean, sd)
        offsets = state.offsets
        if not self.shared:  # curves stand as if levels were right, but levels may be off
            offsets = offsets_of(told.information, told.score, self.level_of, True)
        shared = np.einsum("apw,wv,aqv->apq", told.cross, offsets.covariance, told.cross)
        squares = points.summed((told.residual / sd) ** 2)
        counts = np.bincount(points.analyte)
        curves, covariances, residual = {}, {}, {}
        for k, name in enumerate(self.names):
            size = int(free[k].sum())
            curves[name] = Curve("5PL" if free[k, 4] else "4PL", theta[k, :size])
            covariances[name] = told.inner[k] + shared[k]
            residual[name] = float(np.sqrt(squares[k] / max(counts[k] - size, 1)))
        mean = np.equal.outer(np.arange(self.level_of.max() + 1), self.level_of).astype(np.float64)
        mean /= mean.sum(axis=1, keepdims=True)
        return Fitted(
            curves,
            covariances,
            self.choose(replace(state, theta=theta))[1],
            mean @ state.offsets.mean,
            level_errors(told.information, told.score, self.level_of) if self.shared else None,
            Spread(state.offsets.well, state.own, state.reading),
            residual,
        )


def _not_negative(design: Floats, values: Floats, weight: Floats) -> tuple[float, float]:
    """Return two coefficients of weighted least squares, neither below 0."""
    both = np.linalg.lstsq(design * np.sqrt(weight)[:, None], values * np.sqrt(weight), rcond=None)[0]
    if (both >= 0).all():
        return float(both[0]), float(both[1])
    alone = [
        max(float((weight * design[:, k] * values).sum() / max((weight * design[:, k] ** 2).sum(), 1e-300)), 0.0)
        for k in (0, 1)
    ]
    misfits = [float((weight * (values - alone[k] * design[:, k]) ** 2).sum()) for k in (0, 1)]
    return (alone[0], 0.0) if misfits[0] <= misfits[1] else (0.0, alone[1])
