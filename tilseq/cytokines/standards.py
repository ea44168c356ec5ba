"""The standard curves of all analytes of a plate at once, with the dilution errors that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tilseq.cytokines.curve import PARAMETERS, Curve, Floats, Model
from tilseq.cytokines.fit import corrected_aic, start_of
from tilseq.cytokines.least_squares import least_squares

ROUNDS = 12
GAIN = 1e-7
FEWEST_TO_SHARE = 3  # analytes from which an error of a level can be told from one of a curve
# Dilution errors of a plate follow Student's t of so few degrees of freedom that one level may be far off while the
# others are right; its scale is the plate's, natural logarithm, of at least so much.
DILUTION_FREEDOM, LEAST_DILUTION = 2.0, 0.05
# Standard deviations of natural logarithms to start from and least ones: of each well's volume, of an analyte in a
# well, and of the reading.
WELL, OWN, READING = 0.05, 0.05, 0.02
LEAST = 0.01
NORMAL = 1.959964
LOST_LEVELS = 3  # the top, and what a common factor and a power of all levels hide
# What curves look like a priori, so that standards that do not reach the top still give one: standard deviations of
# ln(top - bottom) about the highest signal, of ln midpoint about the middle of the standards, of ln slope about 0.1 and
# of ln asymmetry about 0.
VAGUE = np.array([np.inf, 1.0, 3.0, 0.3, 0.3])
USUAL_SLOPE = 0.1


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
        Of each curve's parameters; the shared errors' uncertainty is in them. As the scale of those errors is known
        from a few levels only, covariances are widened by the square of Student's quantile over the normal one.
    criteria
        Corrected Akaike criterion of each model tried, by analyte.
    offsets
        ln(true over nominal concentration) of each standard well, the part shared by all analytes.
    levels
        ln(true over nominal) of each level; that of the top level is 0.
    level_se
        Standard error of each, widened likewise; a common factor and a power take two degrees of freedom more.
    spread
        How far wells and readings scatter.
    residual_sd
        Weighted residual standard deviation of each analyte; about 1 where the spread explains what is seen.
    """

    curves: dict[str, Curve]
    covariances: dict[str, Floats]
    criteria: dict[str, dict[Model, float]]
    offsets: Floats
    levels: Floats
    level_se: Floats
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
    both shared by all analytes. Curves alone cannot tell a common factor of all levels, nor a power of it, from another
    midpoint and slope: the top level, from which all is diluted, is taken as right, and dilution errors are near 0 a
    priori (Student's t). What stays untold enters the covariances. Weights are one over the variance, which is
    that of the beads, the reading, and the analyte in the well times the square of the steepness; the last two and
    that of the volume are estimated from the plate.

    Parameters
    ----------
    standards
        By analyte.
    level_of
        For each standard well its level: 0 for the top, further ones from there down; -1 for a blank.
    model
        4PL or 5PL for all; by default the one of the lesser corrected Akaike criterion, for each analyte.
    shared
        Whether levels have a shared dilution error. With fewer than three analytes none is fitted.
    """
    plate = _Plate(dict(standards), np.asarray(level_of, np.intp), shared and len(standards) >= FEWEST_TO_SHARE)
    models: dict[str, Model] = dict.fromkeys(standards, model or "5PL")
    state = plate.start(models)
    for turn in range(ROUNDS):
        state = plate.improve(state)
        if turn == ROUNDS // 2 and model is None:
            models = {name: plate.choose(name, state)[0] for name in standards}
            state = plate.with_models(state, models)
    return plate.finish(plate.improve(state))


@dataclass
class _State:
    """Parameters so far: of each curve, of levels, of wells; and what is known of their spread."""

    models: dict[str, Model]
    theta: dict[str, Floats]
    levels: Floats
    wells: Floats
    level_variance: Floats
    spread: Spread
    covariance: Floats


class _Plate:
    """The standards of one plate, and the steps that improve a state."""

    def __init__(self, standards: dict[str, Standard], level_of: NDArray[np.intp], shared: bool) -> None:
        self.standards, self.level_of, self.shared = standards, level_of, shared
        self.level_count = int(level_of.max(initial=-1)) + 1
        self.filled = level_of >= 0

    def start(self, models: dict[str, Model]) -> _State:
        theta = {name: start_of(one.log_conc, one.log_signal, models[name]) for name, one in self.standards.items()}
        size = sum(len(one) for one in theta.values()) + self.level_count + len(self.level_of)
        return _State(
            models,
            theta,
            np.zeros(self.level_count),
            np.zeros(len(self.level_of)),
            np.full(self.level_count, 0.1**2),
            Spread(WELL, 3 * OWN, READING),
            np.zeros((size, size)),
        )

    def with_models(self, state: _State, models: dict[str, Model]) -> _State:
        theta = {name: one[: PARAMETERS[models[name]]] for name, one in state.theta.items()}
        return _State(models, theta, state.levels, state.wells, state.level_variance, state.spread, state.covariance)

    def offsets(self, levels: Floats, wells: Floats) -> Floats:
        """Return ln(true over nominal) of each standard well."""
        return np.where(self.filled, levels[np.maximum(self.level_of, 0)] + wells, 0.0)

    def sd(self, name: str, state: _State) -> Floats:
        """Return the standard deviation of each ln signal of an analyte about its curve."""
        one = self.standards[name]
        curve = Curve(state.models[name], state.theta[name])
        steep = curve.steepness(one.log_conc + self.offsets(state.levels, state.wells)[one.wells])
        spread = state.spread
        return np.sqrt(one.se**2 + spread.reading**2 + (steep * spread.own) ** 2)

    def improve(self, state: _State) -> _State:
        """Fit all parameters at the spread so far, then estimate the spread anew."""
        sds = {name: self.sd(name, state) for name in self.standards}
        names = list(self.standards)
        sizes = [len(state.theta[name]) for name in names]
        ends = np.cumsum(sizes)

        def unpack(packed: Floats) -> tuple[dict[str, Floats], Floats, Floats]:
            parts = np.split(packed[: ends[-1]], ends[:-1])
            rest = packed[ends[-1] :]
            return dict(zip(names, parts, strict=True)), rest[: self.level_count], rest[self.level_count :]

        def misfit(packed: Floats) -> tuple[Floats, Floats]:
            theta, levels, wells = unpack(packed)
            return self._misfit(state, sds, theta, levels, wells)

        packed = np.concatenate([*(state.theta[name] for name in names), state.levels, state.wells])
        packed, information = least_squares(misfit, packed, GAIN)
        theta, levels, wells = unpack(packed)
        covariance = np.linalg.inv(information)
        new = _State(state.models, theta, levels, wells, state.level_variance, state.spread, covariance)
        return self._spread_anew(new)

    def _misfit(
        self, state: _State, sds: dict[str, Floats], theta: dict[str, Floats], levels: Floats, wells: Floats
    ) -> tuple[Floats, Floats]:
        size = sum(len(one) for one in theta.values()) + len(levels) + len(wells)
        first_level = size - len(levels) - len(wells)
        first_well = size - len(wells)
        offsets = self.offsets(levels, wells)
        residuals, slopes, place = [], [], 0
        for name, one in self.standards.items():
            curve = Curve(state.models[name], theta[name])
            value, steep, gradient = curve.parts(one.log_conc + offsets[one.wells])
            rows = np.zeros((len(value), size))
            rows[:, place : place + gradient.shape[1]] = gradient
            own = np.flatnonzero(self.filled[one.wells])
            rows[own, first_level + self.level_of[one.wells[own]]] = steep[own]
            rows[own, first_well + one.wells[own]] = steep[own]
            residuals.append((value - one.log_signal) / sds[name])
            slopes.append(rows / sds[name][:, None])
            vague = VAGUE[: gradient.shape[1]]
            usual = self._usual(one)[: gradient.shape[1]]
            residuals.append((theta[name] - usual) / vague)
            prior = np.zeros((len(vague), size))
            prior[np.arange(len(vague)), place + np.arange(len(vague))] = 1 / vague
            slopes.append(prior)
            place += gradient.shape[1]
        shared = np.concatenate(
            [np.sqrt(self._level_variance(state)), np.full(len(wells), max(state.spread.well, LEAST))]
        )
        residuals.append(np.concatenate([levels, wells]) / shared)
        prior = np.zeros((len(shared), size))
        prior[np.arange(len(shared)), first_level + np.arange(len(shared))] = 1 / shared
        slopes.append(prior)
        return np.concatenate(residuals), np.concatenate(slopes)

    def _level_variance(self, state: _State) -> Floats:
        """Return the prior variance of each level's error: none for the top, or where none is shared."""
        variance = state.level_variance.copy() if self.shared else np.full(self.level_count, 1e-12)
        if len(variance):
            variance[0] = 1e-12
        return variance

    @staticmethod
    def _usual(one: Standard) -> Floats:
        told = one.log_conc[np.isfinite(one.log_conc)]
        return np.array([0.0, float(one.log_signal.max()) + 0.5, float(np.median(told)) + 2, USUAL_SLOPE, 0.0])

    def _spread_anew(self, state: _State) -> _State:
        """Estimate dilution errors' variances and the spread from what is left over."""
        count, wells = self.level_count, len(self.level_of)
        variance = np.diag(state.covariance)
        level_part = variance[-wells - count : -wells]
        level_variance = self._level_variance_anew(state, state.levels**2 + level_part)
        well = self._well_spread(state)
        own, reading = self._residual_spread(state)
        spread = Spread(max(float(well), LEAST), own, reading)
        return _State(state.models, state.theta, state.levels, state.wells, level_variance, spread, state.covariance)

    def _level_variance_anew(self, state: _State, squares: Floats) -> Floats:
        """Return each level's variance as a scale mixture of normals, its scale from all but the top."""
        if self.level_count < 2:
            return state.level_variance
        freedom, scale = DILUTION_FREEDOM, float(np.median(state.level_variance[1:]))
        weight = (freedom + 1) / (freedom + squares / scale)
        scale = max(float(np.mean((weight * squares)[1:])), LEAST_DILUTION**2)
        return scale * (freedom + squares / scale) / (freedom + 1)

    def _well_spread(self, state: _State) -> float:
        """Return the spread of wells' volumes, from wells of one level against each other; `WELL` without a pair."""
        squares, freedom, wells = 0.0, 0, len(self.level_of)
        covariance = state.covariance[-wells:, -wells:]
        for level in range(self.level_count):
            own = np.flatnonzero(self.level_of == level)
            centred = np.eye(len(own)) - 1 / len(own)
            squares += float(((state.wells[own] - state.wells[own].mean()) ** 2).sum())
            squares += float(np.trace(centred @ covariance[np.ix_(own, own)]))
            freedom += len(own) - 1
        return float(np.sqrt(squares / freedom)) if freedom else WELL

    def _residual_spread(self, state: _State) -> tuple[float, float]:
        """Return the spread of an analyte in a well, and of the reading, by the moments of weighted residuals."""
        squares, steeps, beads, weights = [], [], [], []
        for name, one in self.standards.items():
            curve = Curve(state.models[name], state.theta[name])
            value, steep, _ = curve.parts(one.log_conc + self.offsets(state.levels, state.wells)[one.wells])
            left = max(len(value) - len(state.theta[name]) - self._lost(), 1.0) / len(value)
            squares.append((value - one.log_signal) ** 2 / left)
            steeps.append(steep**2)
            beads.append(one.se**2)
            weights.append(1 / self.sd(name, state) ** 4)
        excess = np.concatenate(squares) - np.concatenate(beads)
        design = np.column_stack([np.concatenate(steeps), np.ones(len(excess))])
        weight = np.concatenate(weights)
        own, reading = _not_negative(design, excess, weight)
        return max(float(np.sqrt(own)), LEAST), max(float(np.sqrt(reading)), LEAST)

    def _lost(self) -> float:
        """Return the degrees of freedom that shared errors cost each analyte."""
        return (self.level_count * self.shared + int(self.filled.sum()) / 2) / max(len(self.standards), 1)

    def choose(self, name: str, state: _State) -> tuple[Model, dict[Model, float]]:
        """Return the model of the lesser corrected criterion, at the shared errors and weights so far."""
        one = self.standards[name]
        x = one.log_conc + self.offsets(state.levels, state.wells)[one.wells]
        sd, usual = self.sd(name, state), self._usual(one)
        told: dict[Model, float] = {}
        for model, number in PARAMETERS.items():

            def misfit(theta: Floats, model: Model = model, number: int = number) -> tuple[Floats, Floats]:
                value, _, gradient = Curve(model, theta).parts(x)
                residual = np.concatenate([(value - one.log_signal) / sd, (theta - usual[:number]) / VAGUE[:number]])
                return residual, np.concatenate([gradient / sd[:, None], np.diag(1 / VAGUE[:number])])

            theta, _ = least_squares(misfit, state.theta[name][:number] if len(state.theta[name]) >= number else usual)
            left = (Curve(model, theta).log_signal(x) - one.log_signal) / sd
            told[model] = corrected_aic(float(left @ left), len(x), number)
        return ("5PL" if told["5PL"] < told["4PL"] else "4PL"), told

    def finish(self, state: _State) -> Fitted:
        curves, covariances, residual, place = {}, {}, {}, 0
        inflation, wider = (_student(max(self.level_count - lost, 1)) / NORMAL for lost in (1, LOST_LEVELS))
        for name, one in self.standards.items():
            size = len(state.theta[name])
            curves[name] = Curve(state.models[name], state.theta[name])
            covariances[name] = inflation**2 * state.covariance[place : place + size, place : place + size]
            value = curves[name].log_signal(one.log_conc + self.offsets(state.levels, state.wells)[one.wells])
            left = (value - one.log_signal) / self.sd(name, state)
            residual[name] = float(np.sqrt(left @ left / max(len(value) - size, 1)))
            place += size
        wells, count = len(self.level_of), self.level_count
        in_level = np.array([state.wells[self.level_of == level].mean() for level in range(count)])
        return Fitted(
            curves,
            covariances,
            {name: self.choose(name, state)[1] for name in self.standards},
            self.offsets(state.levels, state.wells),
            state.levels + in_level,
            wider * np.sqrt(np.maximum(self._level_error(state.covariance, wells, count), 0)),
            state.spread,
            residual,
        )

    def _level_error(self, covariance: Floats, wells: int, count: int) -> Floats:
        """Return the variance of each level's error, the mean of its wells' included."""
        told = []
        for level in range(count):
            pick = np.zeros(len(covariance))
            pick[len(covariance) - wells - count + level] = 1
            own = np.flatnonzero(self.level_of == level)
            pick[len(covariance) - wells + own] = 1 / len(own)
            told.append(float(pick @ covariance @ pick))
        return np.array(told)


def _student(freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.975))


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
