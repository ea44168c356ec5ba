"""What a sample shows, and what fewer or more cells than it has would show."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, sqrt

import numpy as np

from tilseq.repertoire.at_size import coverage_at_size, hill_at_size
from tilseq.repertoire.cells import ROUNDING
from tilseq.repertoire.counted_at_size import coverage_of_counted, coverage_of_seen, hill_of_counted
from tilseq.repertoire.indices import Index
from tilseq.repertoire.sampling import Sampling
from tilseq.repertoire.spectrum import Integers, Spectrum

LEAST_CELLS = 2  # effective cells: of fewer nothing is said
FURTHEST = 2  # times the cells seen: beyond, the extrapolation of the richness is a guess
CLEARLY = 3.0  # standard deviations by which pairs of counts are fewer than chance allows
UNTOLD = "have counts of unknown meaning, so that how often a cell was counted is not known; say what they count"
TOO_MANY = (
    "have more templates than the cells told can give, so that how often a cell was counted is not known; look at both"
)
ROUGH = "are of templates, and their libraries do not surely tell how often one is counted; more laid together may"
SELDOM = "repeat less often than counts drawn at random of so few cells would: how its cells were counted is not known"
UNKNOWN = {None: UNTOLD, "unsure": ROUGH, "too_many": TOO_MANY}  # how cells are counted → why it is not known
DOUBT = 2.0  # times by which the yields of cells may be more or less unequal than is assumed
DEEPEST = 0.5  # of cells counted several times: beyond, how unequally they are counted decides


@dataclass(frozen=True)
class Observed:
    """Counts of the clones of one locus of a sample.

    Attributes
    ----------
    counts
        Their spectrum.
    effective
        Effective cells that they are worth.
    counting
        How often a cell is counted, as in the table `depth`: `drawn` at random, `twice` at most, `unsure`, `too_many`,
        None for not known. It does not count where each count is a cell.
    yields
        Squared coefficient of variation of what cells yield, as far as it is known: where cells were told, and not
        estimated as so many that yield alike.
    """

    counts: Spectrum
    effective: float
    counting: str | None = "drawn"
    yields: float = 0.0

    @property
    def once(self) -> bool:
        """Whether each count is a cell."""
        return round(self.effective) >= self.counts.n

    @property
    def n(self) -> int:
        """Whole effective cells."""
        return self.counts.n if self.once else floor(self.effective * (1 + ROUNDING))

    @property
    def twice(self) -> bool:
        """Whether a cell is counted no more than twice."""
        return self.counting == "twice"

    @property
    def doubt(self) -> str | None:
        """Why it is not known how often a cell was counted, and so what fewer cells would show; None where it is.

        Pairs of counts of one clone are no fewer than those of one cell. Where they are, the cells were not counted so.
        """
        if self.once:
            return None
        if self.counting in UNKNOWN:
            return UNKNOWN[self.counting]
        of_one_cell = self.counts.n * (self.counts.n - 1) / 2 * (1 / self.effective - 1 / self.counts.n)
        pairs = self.counts.sum(self.counts.sizes * (self.counts.sizes - 1.0)) / 2
        return SELDOM if pairs < of_one_cell - CLEARLY * sqrt(of_one_cell) else None

    @property
    def furthest(self) -> int:
        """The most cells of which it can be said what they would show.

        Twice those seen; where cells were counted several times no more than the effective ones, and half of the cells,
        but where none was counted more than twice.
        """
        if self.once:
            return FURTHEST * self.n
        if self.twice:
            return self.n
        cells = 1 / (1 / self.effective - 1 / self.counts.n)
        return max(1, min(self.n, floor(DEEPEST * cells * (1 + ROUNDING))))

    @property
    def standing(self) -> int:
        """The cells that the sample stands for at a common depth: those seen, where they are in reach."""
        return min(self.n, self.furthest)

    def points(self, sampling: Sampling | None) -> Integers:
        """Return the counts at which `sampling` wants influences, whose unit may be larger; none without it."""
        if sampling is None:
            return np.empty(0, dtype=np.int64)
        if self.once:
            return sampling.points
        unit = self.counts.n / self.effective / sampling.chances.spread
        return np.minimum(np.rint(sampling.points * unit), self.counts.n).astype(np.int64)

    def hill(self, x: Integers, size: int, q: int) -> Index:
        """Return the Hill number of order 0, 1 or 2 of so many cells; x as in `indices.Index`."""
        if self.once:
            return hill_at_size(self.counts, x, size, q)
        return hill_of_counted(self.counts, self.effective, x, size, q, self.twice)

    def coverage(self, x: Integers, size: float) -> Index:
        """Return the mean coverage of so many cells."""
        if self.once:
            return coverage_at_size(self.counts, x, int(size))
        return coverage_of_counted(self.counts, self.effective, x, size, self.twice)

    def coverage_of_seen(self, x: Integers) -> tuple[Index, ...]:
        """Return the coverage of the clones seen, which are those of more cells than the effective ones.

        Cells that yield unequally are taken to yield as a gamma: N counts of C cells miss one with the chance
        ``(1 + y N / C) ** (-1 / y)``, and the next count is of one so missed with ``(1 + y N / C) ** (-1 / y - 1)``.
        As y is assumed, the coverages with half and twice as much of it follow, by which limits are widened.
        """
        if self.once:
            return (coverage_at_size(self.counts, x, self.n),)
        of_one = 1 / self.effective - 1 / self.counts.n  # the chance that two counts are of one cell
        if self.twice:
            left = [1 - self.counts.n * of_one]
        elif self.yields:
            of_cell = self.counts.n * of_one / (1 + self.yields)
            left = [(1 + y * of_cell) ** (-1 / y - 1) for y in (self.yields, self.yields / DOUBT, self.yields * DOUBT)]
        else:
            left = [(1 - of_one) ** self.counts.n]
        return tuple(coverage_of_seen(self.counts, x, one) for one in left)
