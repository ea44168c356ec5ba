"""What a sequencer makes of a specimen: cells are drawn first, then the templates and the reads of those cells.

A clone can be missed at each step, so a count of 0 does not mean that the clone is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Literal

import numpy as np
from numpy.typing import NDArray

CountOf = Literal["templates", "umis", "reads"]
Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Flavor:
    """How a library is made and what its counts are.

    Attributes
    ----------
    name
        What the flavour is called.
    count_of
        What is counted, and what a depth is stated in.
    templates_per_cell
        Mean templates of a cell that get into the tube; at most 1 where `yield_shape` is None.
    yield_shape, yield_log_sd
        How unequal cells are in templates: a gamma of this shape times a log-normal whose logarithm has this standard
        deviation, both of mean 1. None: a cell holds one template or, when it is lost, none, as with genomic DNA.
    reads_per_template
        Mean reads behind a counted template; None where the depth is stated in reads.
    read_shape
        How unequal templates are in reads after PCR: shape of a gamma.
    miscounted
        Share of templates that are missed and, as many, that are counted twice, where templates are told from reads.
    """

    name: str
    count_of: CountOf
    templates_per_cell: float
    yield_shape: float | None
    yield_log_sd: float
    reads_per_template: float | None
    read_shape: float
    miscounted: float = 0.0

    @property
    def yield_cv2(self) -> float:
        """Squared coefficient of variation of the templates that cells would yield in the mean."""
        return 0.0 if self.yield_shape is None else (1 + 1 / self.yield_shape) * exp(self.yield_log_sd**2) - 1


# The spread of UMI yields was set so that replicates scatter as those of Minervina and others (eLife 2021;10:e63502,
# data MIT); 10 templates a cell is what 10x finds (contigs of BorchLab/scRepertoire, MIT). The rest: round figures.
GDNA = Flavor("gdna", "templates", 0.8, None, 0.0, 8.0, 2.0, miscounted=0.15)
UMI = Flavor("umi", "umis", 10.0, 3.0, 0.5, 4.0, 2.0)
READS = Flavor("reads", "reads", 3.0, 3.0, 0.5, None, 1.0)
FLAVORS = {flavor.name: flavor for flavor in (GDNA, UMI, READS)}


@dataclass(frozen=True)
class Library:
    """What a library shows of each clone; all arrays are over the clones, in their order.

    Attributes
    ----------
    templates
        Templates counted (`GDNA`, `UMI`), or templates in the tube, read or not (`READS`).
    reads
        Reads of these templates: at least one a counted template.
    count_of
        Which of the two the library's file counts.
    """

    templates: Counts
    reads: Counts
    count_of: CountOf

    @property
    def counted(self) -> Counts:
        """What the library's file counts of each clone."""
        return self.reads if self.count_of == "reads" else self.templates


def draw_cells(rng: np.random.Generator, frequencies: Floats, cells: int) -> Counts:
    """Draw cells from a repertoire (multinomial).

    Parameters
    ----------
    rng
        Random stream.
    frequencies
        Share of each clone; they sum to 1.
    cells
        Cells that go into the assay.

    Returns
    -------
    numpy.ndarray
        Cells of each clone; they sum to `cells`, and a clone with the share 0 has none.

    Raises
    ------
    ValueError
        A share is below 0, or they do not sum to 1 within 1e-6.
    """
    frequencies = np.asarray(frequencies, float)
    if not (frequencies >= 0).all() or abs(frequencies.sum() - 1) > 1e-6:
        raise ValueError("the shares of clones must be 0 or more and sum to 1")
    return _multinomial(rng, cells, frequencies)


def sequence(rng: np.random.Generator, cells: Counts, depth: int, flavor: Flavor) -> Library:
    """Sequence cells to a depth.

    Each cell yields templates of its own number: none or one of genomic DNA, many and unequal of RNA. Of those in the
    tube `depth` are counted, without replacement, so no more than there are: ask `Library.counted.sum()`. With `GDNA`
    some are missed and as many others counted twice. With `READS` the templates multiply unequally and `depth` reads
    are drawn.

    Parameters
    ----------
    rng
        Random stream.
    cells
        Cells of each clone in the assay; fewer than 1e8 in all.
    depth
        Templates (`GDNA`), UMIs (`UMI`) or reads (`READS`) in all.
    flavor
        How the library is made.

    Returns
    -------
    Library
        A clone without cells has nothing; a clone with cells may have nothing.
    """
    if depth < 0:
        raise ValueError("a depth is 0 or more")
    tube = _templates(rng, np.asarray(cells, np.int64), flavor)
    if flavor.reads_per_template is None:
        reads = _multinomial(rng, depth if tube.any() else 0, rng.gamma(tube * flavor.read_shape))
        return Library(tube, reads, flavor.count_of)
    counted = _some_of(rng, tube, min(depth, int(tube.sum())))
    missed = _some_of(rng, counted, round(flavor.miscounted * int(counted.sum())))
    counted = counted - missed + _some_of(rng, counted - missed, int(missed.sum()))
    further = rng.gamma(counted * flavor.read_shape) * (flavor.reads_per_template - 1) / flavor.read_shape
    return Library(counted, counted + rng.poisson(further), flavor.count_of)


def n_effective(cells: float, depth: float, flavor: Flavor) -> float:
    """Return the number of cells that a library is truly worth.

    A clone's share in the counts varies about its true share ``p`` with the variance ``p (1 - p) / n_effective``, the
    draw of the cells included. With N cells of ``c2`` the squared coefficient of variation of their yields, D counted
    and T templates in the tube, to the first order in 1/N:

    - RNA counted by UMI: ``(1 + c2) / N + 1 / D``. A share is a mean of the cells' weights, and the templates counted
      of Poisson yields are a multinomial sample of them.
    - Reads: ``(1 + c2) / N + (1 + 1 / read_shape) / T + 1 / D``.
    - Genomic DNA: ``(1 + 2 m) / D`` with m the share miscounted. Templates drawn without replacement of cells drawn
      from ``p`` are a sample from ``p`` itself: ``1 / N + (1 / D) (1 - D / N)``, so what the first draw adds the
      second saves; a template counted 0, 1 or 2 times in place of once has the variance 2 m.

    Of a few cells that would fall below 1; but a share lies between 0 and 1, so its variance is never above
    ``p (1 - p)`` (Bhatia and Davis, Am Math Mon 2000;107:353), and the number never below 1.

    Parameters
    ----------
    cells
        Cells put into the assay.
    depth
        As in `sequence`.
    flavor
        How the library is made.
    """
    templates = flavor.templates_per_cell * cells
    if flavor.reads_per_template is None:
        after_cells = (1 + 1 / flavor.read_shape) / templates + 1 / depth
    else:
        after_cells = (1 + 2 * flavor.miscounted) / min(depth, templates)
    of_cells = 0.0 if flavor.yield_shape is None else (1 + flavor.yield_cv2) / cells
    return max(1 / (of_cells + after_cells), 1.0)


def _templates(rng: np.random.Generator, cells: Counts, flavor: Flavor) -> Counts:
    """Return the templates of each clone that are in the tube."""
    if flavor.yield_shape is None:
        return rng.binomial(cells, flavor.templates_per_cell)
    number = int(cells.sum())
    of_cells = rng.gamma(flavor.yield_shape, 1 / flavor.yield_shape, number)
    of_cells *= rng.lognormal(-(flavor.yield_log_sd**2) / 2, flavor.yield_log_sd, number)
    held = np.flatnonzero(cells)
    yields = np.zeros(len(cells))
    if held.size:
        yields[held] = np.add.reduceat(of_cells, np.cumsum(cells[held]) - cells[held])
    return rng.poisson(yields * flavor.templates_per_cell)


def _some_of(rng: np.random.Generator, counts: Counts, number: int) -> Counts:
    """Draw so many without replacement."""
    return rng.multivariate_hypergeometric(counts, number, method="marginals")


def _multinomial(rng: np.random.Generator, number: int, weights: Floats) -> Counts:
    """Share a number out by weight; what rounding leaves over can fall to no clone of weight 0."""
    counts = np.zeros(len(weights), np.int64)
    held = np.flatnonzero(weights)
    if held.size:
        counts[held] = rng.multinomial(number, weights[held] / weights[held].sum())
    return counts
