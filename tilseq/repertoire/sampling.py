"""How much a sum over clones varies from sample to sample of one repertoire, without a bootstrap.

The count of a clone is Poisson about its expected count. Of clones counted often the expected count is the count; of
the others the distribution of expected counts is estimated by maximum likelihood, without a form (Norris and Pollock,
Environ Ecol Stat 1998;5:391), on a grid. The variance of a sum over clones is then summed, not drawn.
"""

from __future__ import annotations

from functools import cache
from math import isqrt

import numpy as np

from tilseq.repertoire.spectrum import Floats, Integers, Spectrum

OFTEN = 50  # counts above it stand for themselves
EXPECTED = np.geomspace(0.005, 70, 48)  # the grid of expected counts of the other clones
LARGEST_POINT = 160  # a clone of the largest of them is never counted more often
ITERATIONS = 200
# With fewer pairs of cells of one clone a sample hardly knows any clone twice, and little of how it varies.
LEAST_PAIRS = 100


class Sampling:
    """Sampling of one repertoire, for variances of sums over clones.

    What a clone adds to a sum is a function of its count. It is wanted at `points`: whole numbers from 0 on, then
    for each larger count one number below and one above.

    Attributes
    ----------
    points
        Counts at which functions of the count are wanted.
    """

    def __init__(self, spectrum: Spectrum) -> None:
        seldom = spectrum.sizes <= OFTEN
        self._counts = spectrum.sizes[seldom]
        self._clones = spectrum.clones[seldom]
        self._worth = _worth(self._counts, self._clones)
        self._large = spectrum.sizes[~seldom]
        self._large_clones = spectrum.clones[~seldom]
        step = np.array([isqrt(count) for count in self._large], dtype=np.int64)
        below, above = self._large - step, np.minimum(self._large + step, spectrum.n)
        self._step = (above - below).astype(float)
        self.points: Integers = np.concatenate([np.minimum(np.arange(LARGEST_POINT + 1), spectrum.n), below, above])

    def errors(self, functions: Floats) -> tuple[Floats, Floats]:
        """Return the standard error of sums over clones, and its degrees of freedom.

        A variance that few clones tell of is itself uncertain. Its degrees of freedom, by Satterthwaite (Biometrics
        Bulletin 1946;2:110), are 2 variance² / (variance of the variance).

        Parameters
        ----------
        functions
            As for `covariance`.

        Returns
        -------
        errors, freedom
            Shape (functions,) each.
        """
        probability, centred = _poisson()
        small, slope = self._parts(functions)
        # The sum of counts is fixed, so that what runs along with it does not vary.
        weights = self._worth @ self._clones
        along = small @ (centred.T @ weights) + slope @ (self._large * self._large_clones)
        along /= EXPECTED @ weights + self._large @ self._large_clones
        small, slope = small - np.outer(along, np.arange(LARGEST_POINT + 1)), slope - along[:, None]
        own = np.maximum(0.0, small**2 @ probability.T - (small @ probability.T) ** 2)
        of_clone = np.hstack([own @ self._worth, slope**2 * self._large])
        clones, counts = np.append(self._clones, self._large_clones), np.append(self._counts, self._large)
        variance = of_clone @ clones
        doubt = of_clone**2 @ (clones * np.minimum(1.0, 4 / counts))
        with np.errstate(divide="ignore", invalid="ignore"):
            freedom = np.where(doubt > 0, 2 * variance**2 / doubt, np.inf)
        return np.sqrt(variance), freedom

    def repertoire(self) -> tuple[Floats, Floats]:
        """Return expected counts, and how many clones have each."""
        weights = self._worth @ self._clones
        return np.append(EXPECTED, self._large), np.append(weights, self._large_clones)

    def _parts(self, functions: Floats) -> tuple[Floats, Floats]:
        """Return the functions at the small counts, and their slopes at the large ones."""
        grid = LARGEST_POINT + 1
        small, below, above = np.split(functions, [grid, grid + len(self._large)], axis=1)
        return small, (above - below) / self._step


@cache
def _poisson() -> tuple[Floats, Floats]:
    """Return the chance of each count for each expected count, and it times the count's distance from its mean."""
    from scipy.special import gammaln

    counts = np.arange(LARGEST_POINT + 1)
    chance = np.exp(counts * np.log(EXPECTED[:, None]) - EXPECTED[:, None] - gammaln(counts + 1.0))
    chance /= chance.sum(axis=1, keepdims=True)
    return chance, chance * (counts - EXPECTED[:, None])


def _worth(counts: Integers, clones: Floats) -> Floats:
    """Return how many clones of each expected count a clone of each count stands for, those not seen with it.

    Shape (expected counts, counts). The maximum is climbed by expectation and maximisation from a flat start.
    """
    if not len(counts):
        return np.zeros((len(EXPECTED), 0))
    every = _poisson()[0]
    chance = every[:, counts]
    seen = every[:, 1 : OFTEN + 1].sum(axis=1)
    weights = np.full(len(EXPECTED), clones.sum() / len(EXPECTED)) / seen
    for _ in range(ITERATIONS):
        weights *= chance @ (clones / (weights @ chance)) / seen
    of_count = chance * weights[:, None] / (weights @ chance)
    return of_count * (1 + every[:, 0] / seen)[:, None]


def knows_clones(spectrum: Spectrum) -> bool:
    """Tell whether enough pairs of cells are of one clone for limits."""
    return spectrum.sum(spectrum.sizes * (spectrum.sizes - 1.0)) / 2 >= LEAST_PAIRS
