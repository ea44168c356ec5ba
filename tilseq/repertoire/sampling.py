"""How much a sum over clones varies from sample to sample of one repertoire, without a bootstrap.

The count of a clone is Poisson about its expected count, or as `chances` says where cells are counted several times.
Of clones counted often the expected count is the count; of the others the distribution of expected counts is estimated
by maximum likelihood, without a form (Norris and Pollock, Environ Ecol Stat 1998;5:391), on a grid. The variance of a
sum over clones is then summed, not drawn.
"""

from __future__ import annotations

import numpy as np

from tilseq.repertoire.chances import Chances, counted_often, counted_once, counted_twice
from tilseq.repertoire.spectrum import Floats, Integers, Spectrum, effective_spectrum

OFTEN = 50  # counts above it stand for themselves
ITERATIONS = 200
# With fewer pairs of cells of one clone a sample hardly knows any clone twice, and little of how it varies.
LEAST_PAIRS = 100


class Sampling:
    """Sampling of one repertoire, for variances of sums over clones.

    What a clone adds to a sum is a function of its count. It is wanted at `points`: whole numbers from 0 on, then
    numbers below all larger counts and numbers above them; where cells are counted several times these counts as well.

    Parameters
    ----------
    spectrum
        Counts of the clones.
    chances
        Chances of such counts; without them the counts are cells.

    Attributes
    ----------
    points
        Counts at which functions of the count are wanted.
    chances
        Chances of the counts of a clone.
    """

    def __init__(self, spectrum: Spectrum, chances: Chances | None = None) -> None:
        self.chances = chances = chances or counted_once()
        often = OFTEN * chances.spread
        seldom = spectrum.sizes <= often
        self._counts = spectrum.sizes[seldom]
        self._clones = spectrum.clones[seldom]
        self._worth = _worth(self._counts, self._clones, chances.chance, int(often))
        self._weights = self._worth @ self._clones
        self._large = spectrum.sizes[~seldom]
        self._large_clones = spectrum.clones[~seldom]
        step = np.sqrt(self._large * chances.spread).astype(np.int64)
        below, above = self._large - step, np.minimum(self._large + step, spectrum.n)
        self._down, self._up = (np.maximum(1.0, apart) for apart in (self._large - below, above - self._large))
        self._grid = chances.chance.shape[1]
        small = np.minimum(np.arange(self._grid), spectrum.n)
        # How functions bend at the large counts is asked where cells are counted several times.
        at = self._large[: 0 if chances.once else None]
        self.points: Integers = np.concatenate([small, below, above, at])

    def errors(self, functions: Floats) -> tuple[Floats, Floats]:
        """Return the standard error of sums over clones, and its degrees of freedom.

        A variance that few clones tell of is itself uncertain. Its degrees of freedom, by Satterthwaite (Biometrics
        Bulletin 1946;2:110), are 2 variance² / (variance of the variance).

        Parameters
        ----------
        functions
            What a clone of each of the `points` adds to each sum, shape (functions, points).

        Returns
        -------
        errors, freedom
            Shape (functions,) each.
        """
        small, slope, _, cells = self._free(functions)
        of_clone = np.hstack([self._own(small, cells) @ self._worth, self._own_large(slope, cells)])
        clones, counts = np.append(self._clones, self._large_clones), np.append(self._counts, self._large)
        variance = of_clone @ clones
        doubt = of_clone**2 @ (clones * np.minimum(1.0, 4 * self.chances.spread / counts))
        with np.errstate(divide="ignore", invalid="ignore"):
            freedom = np.where(doubt > 0, 2 * variance**2 / doubt, np.inf)
        return np.sqrt(variance), freedom

    def rises(self, functions: Floats) -> Floats:
        """Return how much the variance of sums over clones rises as the sum does, shape (functions,).

        Clones grow so that the sum rises with the least change in them: along the least favourable family (Stein, Proc
        3rd Berkeley Symp 1956;1:187), each by its expected count times what one count more of it adds. Not for counts
        that are cells, of which `points` do not tell.
        """
        expected, spread, per_cell = self.chances[:3]
        small, slope, bend, cells = self._free(functions)
        given = 0.0 if self.chances.once else cells / per_cell
        adds = small @ self.chances.with_cells.T / expected - given
        rise = np.gradient(self._own(small, cells), expected, axis=1)
        rise_large = spread * (slope**2 + 2 * slope * bend * self._large) + cells * (
            given - 2 * (slope + bend * self._large)
        )
        weights, large = expected * self._weights, self._large * self._large_clones
        adds_large = slope - given
        total = adds**2 @ weights + adds_large**2 @ large
        return ((adds * rise) @ weights + (adds_large * rise_large) @ large) / np.where(total > 0, total, 1.0)

    def repertoire(self) -> tuple[Floats, Floats]:
        """Return expected counts, and how many clones have each."""
        return np.append(self.chances.expected, self._large), np.append(self._weights, self._large_clones)

    def _free(self, functions: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the functions without what the fixed sums of counts and of cells take from them.

        At the small counts; their slopes and how these bend at the large ones; and what each cell takes, of shape
        (functions, 1).
        """
        expected, spread, per_cell, _, with_counts, with_cells = self.chances
        small, slope, bend = self._parts(functions)
        weights, each = self._weights, np.arange(self._grid)
        of_counts, of_cells = with_counts.T @ weights, with_cells.T @ weights
        large = self._large @ self._large_clones
        large_sums = slope @ (self._large * self._large_clones)
        counts = small @ of_counts + spread * large_sums
        if self.chances.once:
            counts, cells = counts / (expected @ weights + large), np.zeros(len(counts))
        else:
            # Moments of the chances themselves: counts in whole units scatter a little more than `spread` says, and
            # counts and cells lie so near one line that this would swell what is left of them.
            both = each @ of_cells + large
            whole = np.array([[each @ of_counts + spread * large, both], [both, both / per_cell]])
            counts, cells = np.linalg.solve(whole, [counts, small @ of_cells + large_sums])
        return small - np.outer(counts, each), slope - counts[:, None], bend, cells[:, None]

    def _own(self, small: Floats, cells: Floats) -> Floats:
        """Return the variance that a clone of each expected count adds, shape (functions, expected counts)."""
        expected, _, per_cell, chance, _, with_cells = self.chances
        own = np.maximum(0.0, small**2 @ chance.T - (small @ chance.T) ** 2)
        if not self.chances.once:
            own = np.maximum(0.0, own + cells * (cells * expected / per_cell - 2 * small @ with_cells.T))
        return np.asarray(own)

    def _own_large(self, slope: Floats, cells: Floats) -> Floats:
        """Return the variance that a clone of each large count adds, shape (functions, large counts)."""
        of_counts = slope**2 * self._large * self.chances.spread
        if self.chances.once:
            return np.asarray(of_counts)
        return np.asarray(of_counts + self._large * cells * (cells / self.chances.per_cell - 2 * slope))

    def _parts(self, functions: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the functions at the small counts, and their slopes and, where asked, bends at the large ones."""
        grid, large = self._grid, len(self._large)
        small, below, above, at = np.split(functions, [grid, grid + large, grid + 2 * large], axis=1)
        step = self._up + self._down
        bend = at if self.chances.once else ((above - at) / self._up - (at - below) / self._down) * 2 / step
        return small, (above - below) / step, bend


def _worth(counts: Integers, clones: Floats, every: Floats, often: int) -> Floats:
    """Return how many clones of each expected count a clone of each count stands for, those not seen with it.

    Shape (expected counts, counts). The maximum is climbed by expectation and maximisation from a flat start.
    """
    if not len(counts):
        return np.zeros((len(every), 0))
    chance = every[:, counts]
    seen = every[:, 1 : often + 1].sum(axis=1)
    weights = np.full(len(every), clones.sum() / len(every)) / seen
    of_seen = chance / seen[:, None]
    for _ in range(ITERATIONS):
        weights *= of_seen @ (clones / (weights @ chance))
    of_count = chance * weights[:, None] / (weights @ chance)
    return of_count * (1 + every[:, 0] / seen)[:, None]


def knows_clones(spectrum: Spectrum) -> bool:
    """Tell whether enough pairs of cells are of one clone for limits."""
    return spectrum.sum(spectrum.sizes * (spectrum.sizes - 1.0)) / 2 >= LEAST_PAIRS


def sampled(whole: Spectrum, cells: float | None, twice: bool = False) -> tuple[Spectrum | None, Sampling | None]:
    """Return what `sampling_of` does; None where the cells are not known, or too few pairs of them are of one clone.

    Parameters
    ----------
    whole
        Counts of the clones.
    cells
        Effective cells that they are worth.
    twice
        Whether a cell is counted no more than twice.
    """
    if cells is None or not knows_clones(effective_spectrum(whole, cells)):
        return None, None
    return sampling_of(whole, cells, twice)


def sampling_of(whole: Spectrum, cells: float, twice: bool = False) -> tuple[Spectrum, Sampling]:
    """Return the spectrum, in units of which a cell has no more than `chances.FINEST`, and the sampling of it."""
    if round(cells) >= whole.n:
        return whole, Sampling(whole)
    chances = (counted_twice if twice else counted_often)(whole.n / cells - 1)
    base = effective_spectrum(whole, chances.spread * cells)
    return base, Sampling(base, chances)
