"""Limits of the share that the largest clone holds.

A sample in which the largest clone comes out small shows it beside others of its size, and so the largest count seems
to vary less than it does: the error and the value go together. So the limits do not rest on an error. They are those of
an exact test of how many cells are expected of the largest clone.
"""

from __future__ import annotations

import numpy as np

from tilseq.repertoire.sampling import Sampling
from tilseq.repertoire.spectrum import Floats, Spectrum

OUTSIDE = 0.025  # chance of a largest count beyond either limit
FAR = 5.0  # between square roots of cells, which vary by 1/2: a clone that much smaller is never the largest
STEPS = 65  # numbers of cells between which the mean is summed
EXACT = 1e-3  # cells
CERTAIN = 1 - 1e-15


def limits_of_largest_clone(spectrum: Spectrum, sampling: Sampling, share: float) -> tuple[float, float]:
    """Return limits of the mean share that the largest clone of such samples holds.

    Cells of a clone are binomial, of the effective number of cells. The largest clone has an expected number k of them,
    and no other has more: of the others as `Sampling.repertoire` has them, those above k have k. The k are sought at
    which as many cells as seen of the largest, or fewer, and as many or more have a chance of 2.5 %, of just as many
    half (Lancaster's mid-P, JASA 1961;56:223). Limits are the means of the largest share there.

    Parameters
    ----------
    spectrum, sampling
        As `sampled` returns them.
    share
        Of all counts that the largest clone holds, below 1.
    """
    from scipy.optimize import brentq

    spread = sampling.chances.spread
    cells = spectrum.n / spread
    most = share * cells
    expected, clones = sampling.repertoire()
    near = np.sqrt(expected / spread) > np.sqrt(most) - FAR
    others = _Others(cells, *_without_largest(expected[near] / spread, clones[near]))

    def end(chance: float) -> float:
        k = brentq(lambda k: others.chance_of_fewer(most, k) - chance, 0.0, cells, xtol=EXACT)
        return others.mean_of_largest(k) / cells

    return end(1 - OUTSIDE), end(OUTSIDE)


def _without_largest(expected: Floats, clones: Floats) -> tuple[Floats, Floats]:
    """Return expected cells, and how many clones have each, without one clone, the largest."""
    down = np.argsort(-expected)
    before = np.cumsum(clones[down]) - clones[down]
    return expected[down], clones[down] - np.clip(1 - before, 0, clones[down])


class _Others:
    """Clones beside the largest: of each their expected cells, how many, and of how many cells in all."""

    def __init__(self, cells: float, expected: Floats, clones: Floats) -> None:
        self.cells = cells
        self.expected = expected
        self.clones = np.append(1.0, clones)  # and the largest itself

    def chance_of_fewer(self, most: float, k: float) -> float:
        """Return the chance that no clone has so many cells, and half that of just so many, where k are expected."""
        below, reached = self._chance_of_less(np.array([most, most + 1]), k)
        return float(below + reached) / 2

    def mean_of_largest(self, k: float) -> float:
        """Return the mean cells of the largest clone, where k are expected: the sum of its chances of c or more."""
        far = 7 * (np.sqrt(k) + 1)
        steps = np.unique(np.rint(np.linspace(max(1.0, k - far), min(self.cells, k + far), STEPS)))
        reach = 1 - self._chance_of_less(steps, k)
        return float(steps[0] - 1 + np.trapezoid(reach, steps) + (reach[0] + reach[-1]) / 2)

    def _chance_of_less(self, counts: Floats, k: float) -> Floats:
        """Return the chances that no clone has so many cells."""
        from scipy.special import betainc

        shares = np.append(k, np.minimum(self.expected, k)) / self.cells
        reach = betainc(counts, self.cells - counts + 1, shares[:, None])
        return np.asarray(np.exp(self.clones @ np.log1p(-np.minimum(reach, CERTAIN))))
