"""The chance that a clone was in the product although the product's library does not show it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilseq.repertoire.cells import YIELD_CV2
from tilseq.repertoire.depth import is_cut_off

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Laws = Mapping[tuple[str, float], float]  # law and u → minus the logarithm of how likely it is beforehand

FEWEST_CLONES = 20  # of the product: with fewer their sizes cannot be told
GRID, LEAST = 70, 1e-3  # expected counts of a clone in the product
EXACT = 100  # counts up to which the compound Poisson is summed; see `on_grid`
# Sizes of clones spread by about e^1.7 and growth by about e^0.8; wide priors, which few data need and many overrule.
SPREAD, SPREAD_SD = np.log(1.7), 0.3
GROWTH, GROWTH_SD = np.log(0.8), 0.5
# The logarithm of growth is Student's t, as some clones grow beyond what a log-normal allows, of 1.4 to 6.6 degrees of
# freedom: deep products tell them, shallow ones leave the prior.
TAIL, TAIL_SD = np.log(3), 0.4
TAILS = np.log([1, 50])
PARTS = np.sinh(np.linspace(-5, 5, 34))  # ends of parts of growth, in scales: ever longer, as far as 74
LARGEST_SCALE = 1.4  # its logarithm
SHAPE_SD = 0.5  # of the logarithm of how far tails of sizes are from normal, see `_TailedSizes`
FIRST_STEP = 0.3  # of parameters, all logarithms
STARTS = np.arange(-12.0, 5.0, 2.0)  # of ln a
MODEL_ERROR = 0.25  # relative standard error of the number missed, see `kept_below_one`
# How a template may be counted, all as likely beforehand; see `counts_of_a_cell`.
OF_TEMPLATES: Laws = {
    **{("twice", u): 0.0 for u in (0.0, 0.15, 0.3, 0.5, 0.8, 0.95)},
    **{("poisson", u): 0.0 for u in (0.25, 0.5, 0.75, 1.0)},
}
STEP, ROUNDS = 0.3, 200  # of the mixture that smooths the clones not seen: of the logarithm of its means, and of EM
OUT_OF_QUESTION = 30.0  # logarithms of a law's likelihood below the likeliest
MOST_RATIO = 1e3  # beyond, the mean of `kept_below_one` is 0.5, and its terms are all rounding


@dataclass(frozen=True)
class Missed:
    """What the model says of clones that the product's library does not show.

    Attributes
    ----------
    cells
        Numbers of cells in the sample, rising.
    chance
        For each, the chance that a clone of so many cells was in the product.
    expected
        Counts expected in the product's library, a grid.
    likely
        How likely each of them is of such clones as were in it, shape (cells, grid); rows add up to 1.
    """

    cells: Integers
    chance: Floats
    expected: Floats
    likely: Floats

    def shown(self, times: float) -> Floats:
        """Return the chance that such clones show in a further library, of so many times the product's depth."""
        return np.asarray(1 - self.likely @ np.exp(-times * self.expected))


def missed(
    cells: ArrayLike,
    counts: ArrayLike,
    n_effective: float,
    *,
    count_of: str = "cells",
    of_templates: Laws = OF_TEMPLATES,
) -> Missed | None:
    """Return the chance that a clone of so many cells in a sample was in the product, though its library misses it.

    Empirical Bayes over the clones of one locus, without any training:

    1. *Sizes.* A clone of the product has an expected count μ in its library, log-normal over clones (the
       Poisson log-normal of Bulmer, Biometrics 1974;30:101). Its count is that of a Poisson number of cells, each
       counted as `counts_of_a_cell` says, with the variance ``μ (1 + u)``. Cells are counted once: u = 0, also where
       a barcode holds two. Of UMIs, reads and what is not known ``u = counts / n_effective - 1``, which is what
       `n_effective` says. How often a template is counted twice nobody tells: where it is not surely known, u is
       learnt with the sizes, as the mean over laws by how likely each makes the clones seen.
    2. *Growth.* Its cells in the sample are Poisson with the mean ``a μ G``; ln G is Student's t with a scale and
       degrees of freedom (about 3) of its own: clones grow unequally, but not by how large they were.
    3. Both are fitted by maximum a posteriori to the clones that the product shows, in the sample or not.
    4. They say how many clones of x cells were in the product and missed; beside the number n(x) of clones not seen,
       smoothed by a mixture of Poissons (Good, Biometrika 1953;40:237, by Robbins' empirical Bayes), that is the
       chance sought. Where it nears 1 its own error counts: see `kept_below_one`.

    Parameters
    ----------
    cells, counts
        Of the same clones, those that sample or product show: cells in the sample, counts in the product's library.
    n_effective
        Effective number of cells of the product's library; of cells and templates it is not asked.
    count_of
        What its counts count: `cells`, `umis`, `templates`, `reads` or `unknown`.
    of_templates
        Laws by which templates may be counted: the one that is surely known, or those of `law_costs`.

    Returns
    -------
    Missed or None
        None where the product shows fewer than 20 clones. It has no rows where no clone is missed.
    """
    x, y = np.asarray(cells, np.int64), np.asarray(counts, np.int64)
    seen = y > 0
    if seen.sum() < FEWEST_CLONES:
        return None
    unseen, times = np.unique(x[~seen], return_counts=True)
    if not len(unseen):
        return Missed(unseen, np.empty(0), np.empty(0), np.empty((0, 0)))
    laws = of_templates if count_of == "templates" else of_yields(count_of, float(y.sum()) / n_effective - 1)
    parts, expected = _parts(x[seen], y[seen], unseen, laws)
    number = parts.sum(axis=1)
    likely = parts / np.maximum(number, 1e-300)[:, None]
    return Missed(unseen, kept_below_one(number / smoothed(unseen, times)), expected, likely)


def of_yields(count_of: str, repeats: float) -> Laws:
    """Return the law by which cells are counted that yield unequally, or once."""
    return {(count_of, max(repeats, 0.0) if count_of in YIELD_CV2 else 0.0): 0.0}


def law_costs(libraries: Iterable[ArrayLike]) -> dict[tuple[str, float], float]:
    """Return minus the logarithm of how likely each of `OF_TEMPLATES` makes the counts of clones in some products.

    How templates are counted is the laboratory's, not the subject's: libraries of several products tell it together,
    each with sizes of its own. One of fewer than 20 clones, or whose clones of few counts were cut off, tells nothing.
    Their logarithm may have heavier or lighter tails than a normal one: sizes that do not fit tell laws that take up
    the misfit, a little in each library and surely in twenty.
    """
    total = np.zeros(len(OF_TEMPLATES))
    for library in libraries:
        counts = np.asarray(library, np.int64)
        if len(counts) >= FEWEST_CLONES and not is_cut_off(counts):
            sizes = [_TailedSizes(counts, repeats, law) for law, repeats in OF_TEMPLATES]
            total += [one.cost(one.fitted()) for one in sizes]
    return dict(zip(OF_TEMPLATES, total.tolist(), strict=True))


def _parts(cells: Integers, counts: Integers, unseen: Integers, laws: Laws) -> tuple[Floats, Floats]:
    """Return how many clones were missed, by cells and expected counts, and these: means over the laws.

    Laws that were out of question beforehand are left out.
    """
    found, costs, start = [], [], None
    likeliest = min(laws.values())
    for (law, repeats), before in laws.items():
        if before - likeliest < OUT_OF_QUESTION:
            model = _Model(cells, counts, repeats, law)
            start = model.fitted(start)
            found.append(model.missed(start, unseen))
            costs.append(model.cost(start) + before - likeliest)
    cost = np.array(costs)
    weight = np.exp(cost.min() - cost)
    return np.tensordot(weight / weight.sum(), found, 1), model.expected


def kept_below_one(ratio: Floats) -> Floats:
    """Return the mean of a share that is estimated with a relative standard error of 0.25 and lies between 0 and 1.

    The mean of a normal distribution cut off at both ends. A small ratio stays as it is; one near or above 1, which
    chance and the model's error make now and then, does not become certainty, and one far above 1 tells nothing.
    """
    from scipy.special import ndtr

    mean = np.clip(ratio, 1e-9, MOST_RATIO)
    scale = MODEL_ERROR * mean
    low, high = -1 / MODEL_ERROR, (1 - mean) / scale

    def density(z: Floats | float) -> Floats:
        return np.asarray(np.exp(-np.square(z) / 2) / np.sqrt(2 * np.pi))

    return np.asarray(mean + scale * (density(low) - density(high)) / (ndtr(high) - ndtr(low)))


def smoothed(cells: Integers, clones: Integers) -> Floats:
    """Return the expected numbers of clones of so many cells, by the likeliest mixture of Poissons (EM).

    A few large clones lie far apart; each is taken for one of its neighbourhood, not of its very size.
    """
    log_means = np.arange(np.log(0.02), np.log(max(1.2 * cells.max(), 2)) + STEP, STEP)
    chance = cell_chances(cells, log_means, STEP) / -np.expm1(-np.exp(log_means))
    weight = np.full(len(log_means), 1 / len(log_means))
    for _ in range(ROUNDS):
        part = chance * weight
        part /= part.sum(axis=1, keepdims=True)
        weight = clones @ part / clones.sum()
    return np.asarray(clones.sum() * (chance @ weight))


def counts_of_a_cell(most: int, repeats: float, law: str) -> tuple[Floats, float]:
    """Return the chances of 0, 1 … `most` counts of a cell, and its mean, so that counts of clones vary 1 + u times.

    - `umis`, `reads`, `unknown`: cells yield unequally, as a gamma of the squared coefficient of variation c of
      `YIELD_CV2`: negative binomial with the mean ``u / (1 + c)``.
    - `twice`: counted 0, 1 or 2 times with the chances ``u / 2, 1 - u, u / 2``.
    - `poisson`: with the mean u (Neyman's type A).

    Counts of one mean and variance, but another of these shapes, would tell others to be missed: of UMIs 12 % more as
    Neyman's type A, of templates counted twice 10 % fewer.
    """
    from scipy.special import gammaln

    steps = np.arange(most + 1)
    if law == "twice":
        return np.array([repeats / 2, 1 - repeats, repeats / 2, *np.zeros(most)])[: most + 1], 1.0
    if law == "poisson":
        return np.exp(steps * np.log(repeats) - repeats - gammaln(steps + 1)), repeats
    shape, mean = 1 / YIELD_CV2[law], repeats / (1 + YIELD_CV2[law])
    ways = gammaln(steps + shape) - gammaln(shape) - gammaln(steps + 1)
    return np.exp(ways + steps * np.log(mean / (shape + mean)) - shape * np.log1p(mean / shape)), mean


def count_chances(counts: Integers, expected: Floats, repeats: float, law: str) -> tuple[Floats, Floats]:
    """Return the chances of counts, and of none, given expected counts: of a Poisson number of cells, u = `repeats`.

    By Panjer's recursion (ASTIN Bull 1981;12:22).

    Returns
    -------
    chances
        Shape (counts, expected).
    none
        Shape (expected,).
    """
    if repeats < 1e-6:
        return _poisson(counts, np.log(expected)), np.exp(-expected)
    top = int(counts.max(initial=0))
    of_cell, mean = counts_of_a_cell(top, repeats, law)
    cells, each = expected / mean, np.arange(top + 1) * of_cell
    table = np.empty((top + 1, len(expected)))
    table[0] = np.exp(cells * (of_cell[0] - 1))
    for count in range(1, top + 1):
        table[count] = cells / count * (each[1 : count + 1, None] * table[count - 1 :: -1]).sum(axis=0)
    return table[counts], table[0]


def on_grid(counts: Integers, log_expected: Floats, repeats: float) -> Floats:
    """Return the chances of large counts on an even grid of the logarithm of expected counts: shape (counts, grid).

    They are narrower than the grid, whose points would give them by how near they happen to lie, the more so the less
    counts scatter. So each is a normal density of the variance ``(1 + u) / count`` of the sum 1 / count, its integral.
    """
    number = counts[:, None].astype(float)
    logs = -np.square(np.log(number) - log_expected) * number / (2 * (1 + repeats))
    share = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(share / share.sum(axis=1, keepdims=True) / (number * (log_expected[1] - log_expected[0])))


def cell_chances(cells: Integers, log_mean: Floats, width: float) -> Floats:
    """Return the chances of numbers of cells, given logarithms of means: shape (cells, *means).

    Poisson's, but none narrower than a width of the logarithm: normal densities of it stand for those. Of means on a
    grid, half a step is enough: without it a number that lies between two of them would have next to no chance.
    """
    narrow = cells * width**2 > 1
    number = cells[narrow].reshape(-1, *[1] * log_mean.ndim).astype(float)
    apart = (np.log(number) - log_mean) / width
    chances = np.empty((len(cells), *log_mean.shape))
    chances[~narrow] = _poisson(cells[~narrow], log_mean)
    chances[narrow] = np.exp(-np.square(apart) / 2) / (number * width * np.sqrt(2 * np.pi))
    return chances


def _poisson(counts: Integers, log_mean: Floats) -> Floats:
    """Return the Poisson chances of counts: shape (counts, *means)."""
    from scipy.special import gammaln

    number = counts.reshape(-1, *[1] * log_mean.ndim).astype(float)
    return np.asarray(np.exp(number * log_mean - np.exp(log_mean) - gammaln(number + 1)))


class _Sizes:
    """Likelihood of the counts of a product's clones; parameters are ln median and ln spread of μ.

    Attributes
    ----------
    expected, log_expected, step
        Grid of μ, its logarithm, and the even step of that.
    chances, none
        Of the distinct counts, and of none, at each μ.
    place, times
        Of each count its place among the distinct, and of these the clones.
    """

    def __init__(self, counts: Integers, repeats: float, law: str) -> None:
        self.log_expected, self.step = np.linspace(
            np.log(LEAST), np.log(max(3 * int(counts.max()), 30)), GRID, retstep=True
        )
        self.expected = np.exp(self.log_expected)
        distinct, self.place, self.times = np.unique(counts, return_inverse=True, return_counts=True)
        small = distinct <= EXACT
        self.chances = on_grid(distinct, self.log_expected, repeats)
        self.chances[small], self.none = count_chances(distinct[small], self.expected, repeats, law)
        self.clones = len(counts)
        self.start = np.array([np.log(counts.mean()) - 1.5, SPREAD])

    def fitted(self, start: Floats | None = None) -> Floats:
        """Return the likeliest parameters, sought from some."""
        from scipy.optimize import minimize

        start = self.start if start is None else start
        corners = start + np.vstack([np.zeros(len(start)), FIRST_STEP * np.eye(len(start))])
        options = {"maxiter": 1_500, "xatol": 1e-3, "fatol": 1e-2, "adaptive": True, "initial_simplex": corners}
        return np.asarray(minimize(self.cost, start, method="Nelder-Mead", options=options).x)

    def cost(self, parameters: Floats) -> float:
        """Return minus the logarithm of likelihood and prior."""
        weight = self.weight(parameters)
        return self.cost_of_unseen(parameters, weight) - float(self.times @ np.log(self.chances @ weight + 1e-300))

    def cost_of_unseen(self, parameters: Floats, weight: Floats) -> float:
        """Return the part of it that is of clones being seen at all, and of the prior."""
        shown = 1 - float(weight @ self.none)
        if not shown > 1e-4:
            return 1e12
        return float(((parameters[1] - SPREAD) / SPREAD_SD) ** 2 / 2 + self.clones * np.log(shown))

    def weight(self, parameters: Floats) -> Floats:
        """Return the share of the product's clones at each μ."""
        weight = np.exp(-(((self.log_expected - parameters[0]) / np.exp(parameters[1])) ** 2) / 2)
        return np.asarray(weight / max(weight.sum(), 1e-300))


class _TailedSizes(_Sizes):
    """Sizes whose logarithm has a density as ``exp(-|z|^b / 2)`` (Subbotin, Mat Sbornik 1923;31:296).

    The third parameter is ln (b / 2): 0 where it is normal.
    """

    def __init__(self, counts: Integers, repeats: float, law: str) -> None:
        super().__init__(counts, repeats, law)
        self.start = np.append(self.start, 0.0)

    def cost_of_unseen(self, parameters: Floats, weight: Floats) -> float:
        """Return the part of the cost that is of clones being seen at all, and of the priors."""
        return super().cost_of_unseen(parameters, weight) + float((parameters[2] / SHAPE_SD) ** 2 / 2)

    def weight(self, parameters: Floats) -> Floats:
        """Return the share of the product's clones at each μ."""
        apart = np.abs(self.log_expected - parameters[0]) / np.exp(parameters[1])
        weight = np.exp(-(apart ** (2 * np.exp(parameters[2]))) / 2)
        return np.asarray(weight / max(weight.sum(), 1e-300))


class _Model(_Sizes):
    """Likelihood of the clones that a product shows, with their cells in the sample.

    Parameters beside those of sizes: ln a, and ln scale and ln degrees of freedom of the logarithm of growth.
    """

    def __init__(self, cells: Integers, counts: Integers, repeats: float, law: str) -> None:
        super().__init__(counts, repeats, law)
        pairs, self.times = np.unique(np.column_stack([self.place, cells]), axis=0, return_counts=True)
        self.place = pairs[:, 0]
        self.cells, self.cells_place = np.unique(pairs[:, 1], return_inverse=True)
        self.growth = (PARTS[1:] + PARTS[:-1]) / 2
        # A clone that holds most cells says little of a: the likeliest of a few is where to start.
        self.start = min((np.append(self.start, [log, GROWTH, TAIL]) for log in STARTS), key=self.cost)

    def cost(self, parameters: Floats) -> float:
        """Return minus the logarithm of likelihood and prior; that of a is Jeffreys' of a Poisson mean."""
        weight = self.weight(parameters)
        of_cells = self.of_cells(parameters, self.cells)[self.cells_place]
        likely = ((self.chances * weight)[self.place] * of_cells).sum(axis=1)
        prior = ((parameters[3] - GROWTH) / GROWTH_SD) ** 2 / 2 + ((parameters[4] - TAIL) / TAIL_SD) ** 2 / 2
        prior -= parameters[2] / 2
        return self.cost_of_unseen(parameters, weight) + float(prior - self.times @ np.log(likely + 1e-300))

    def of_cells(self, parameters: Floats, cells: Integers) -> Floats:
        """Return the chance of each number of cells in the sample, given μ: shape (cells, μ)."""
        from scipy.special import stdtr

        grown = np.exp(np.minimum(parameters[3], LARGEST_SCALE)) * self.growth
        log_mean = np.clip(parameters[2] + self.log_expected[:, None] + grown, -30, 20)
        parts = np.diff(stdtr(np.exp(np.clip(parameters[4], *TAILS)), PARTS))
        return np.asarray(cell_chances(cells, log_mean, self.step / 2) @ (parts / parts.sum()))

    def missed(self, parameters: Floats, cells: Integers) -> Floats:
        """Return how many clones of so many cells and of each μ were in the product and missed: shape (cells, μ)."""
        weight = self.weight(parameters)
        clones = self.clones / (1 - float(weight @ self.none))
        return np.asarray(clones * weight * self.none * self.of_cells(parameters, cells))
