"""What a later sample still shows of the infused clones, and of what they held of the product, at a common depth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.errors import AnalysisError
from tilseq.intervals import clopper_pearson, scalar
from tilseq.receptors import CLONE
from tilseq.repertoire.clones import check_columns
from tilseq.repertoire.effective import GIVEN, depths_of
from tilseq.repertoire.observed import Observed
from tilseq.repertoire.spectrum import spectrum
from tilseq.tables import as_polars

Floats = NDArray[np.float64]

TWICE = ("twice", "unsure")
NOTHING = "nothing at the depth that other samples have in common"
GRID = 60  # expected cells of a clone that are thought of
LEAST_EXPECTED = 1e-3
ROUNDING = 1e-9  # of sums of many shares
ITERATIONS = 300


@dataclass(frozen=True)
class Depth:
    """The counts of a sample, and how they are of cells.

    Attributes
    ----------
    counts
        Their sum.
    cells
        Cells that they are drawn from; infinitely many where each count is a cell.
    variance
        Of how often a cell is counted, where that is 0, 1 or 2 times, as templates of DNA may be; it is not asked for
        the cells then.
    chains
        Counts of a cell that is counted once: above 1 where cells show two chains of the locus.
    """

    counts: float
    cells: float
    variance: float = 0.0
    chains: float = 1.0

    @classmethod
    def of(cls, counts: float, n_effective: float, counting: str | None = None) -> Depth:
        """Return the depth of counts that are worth so many cells.

        Of cells counted no more than twice ``n_effective = counts / (1 + variance)``, which templates are that nobody
        surely knows about, too; else ``1 / (1 / cells + 1 / counts)``. Of cells counted once they are the cells, fewer
        than the counts where some show two chains.
        """
        if n_effective >= counts:
            return cls(counts, inf)
        if counting == "once":
            return cls(counts, inf, chains=counts / n_effective)
        if counting in TWICE:
            return cls(counts, inf, counts / n_effective - 1)
        return cls(counts, 1 / (1 / n_effective - 1 / counts))

    def distinct(self, counts: float) -> float:
        """Return how many distinct cells so many of the counts are expected to show."""
        if self.cells < inf:
            return float(self.cells * -np.expm1(-counts / self.cells))
        return counts / self.chains * (1 - self.variance * counts / self.counts / 2)

    def thinned(self, distinct: float) -> float:
        """Return the share of the counts that shows so many distinct cells."""
        if distinct >= self.distinct(self.counts):
            return 1.0
        if self.cells < inf:
            return float(-self.cells * np.log1p(-distinct / self.cells) / self.counts)
        share = self.chains * distinct / self.counts  # t - u t² / 2, of a share t and the variance u
        return float(2 * share / (1 + np.sqrt(1 - 2 * self.variance * share)))


def common_cells(samples: Mapping[str, Any]) -> dict[str, float]:
    """Return locus → distinct cells that every sample of known depth shows, the least of them.

    A sample of which the cells, or how they were counted, are not known takes no part in it, see `without_depth`.

    Parameters
    ----------
    samples
        Sample → its clones, polars or pandas, as `effective_clones` gives them.
    """
    least: dict[str, float] = {}
    for clones in map(as_polars, samples.values()):
        check_columns(clones, GIVEN, "a sample as `effective_clones` gives it")
        doubts = doubts_of(clones)
        for locus, depth in _depths_in(clones).items():
            if depth is not None and doubts[locus] is None:
                least[locus] = min(least.get(locus, inf), depth.distinct(depth.counts))
    return least


def check_at_cells(later: pl.DataFrame, cells: float) -> None:
    """Raise an AnalysisError where a sample, of one locus and of known depth, does not show so many distinct cells."""
    (depth,) = _depths_in(later).values()
    shown = inf if depth is None else depth.distinct(depth.counts)
    if not 0 < cells <= shown * (1 + ROUNDING):
        raise AnalysisError(
            "a sample cannot be told at this number of distinct cells",
            found=cells,
            expected=f"above 0, at most the {shown:g} that it shows",
        )


def without_depth(clones: pl.DataFrame) -> str | None:
    """Return why a sample is not compared at a common depth, None where it is.

    Parameters
    ----------
    clones
        As `effective_clones` gives them.
    """
    unknown = sorted(locus for locus, n in depths_of(clones).items() if n is None)
    told = [f"the cells behind {', '.join(unknown)} are not known: no limits, and {NOTHING}"] if unknown else []
    told += [f"clones of {locus} {doubt}: {NOTHING}" for locus, doubt in sorted(doubts_of(clones).items()) if doubt]
    return "; ".join(told) or None


def doubts_of(clones: pl.DataFrame) -> dict[str, str | None]:
    """Return locus → why what fewer cells would show is not known though its cells are, None where it is.

    Parameters
    ----------
    clones
        As `effective_clones` gives them.
    """
    found: dict[str, str | None] = {}
    for (locus,), own in clones.partition_by("locus", as_dict=True).items():
        n, counting = own["n_effective"][0], own["counting"][0]
        known = n is None or counting == "once"
        found[str(locus)] = None if known else Observed(spectrum(own["duplicate_count"].to_numpy()), n, counting).doubt
    return found


def _depths_in(clones: pl.DataFrame) -> dict[str, Depth | None]:
    """Return locus → depth of a sample, None where its effective number is not known."""
    sums = dict(clones.group_by("locus").agg(pl.col("duplicate_count").sum()).iter_rows())
    counting = dict(clones.select("locus", "counting").unique().iter_rows())
    return {
        locus: None if n is None else Depth.of(sums[locus], n, counting[locus])
        for locus, n in depths_of(clones).items()
    }


def distinct_cells(clones: pl.DataFrame) -> pl.Series:
    """Return how many distinct cells the counts of each clone are likely to be of, null where no depth is known.

    A share is worth the effective cells of the sample; its counts are of more distinct cells than that, and how often a
    clone is missed goes by these.

    Parameters
    ----------
    clones
        As `effective_clones` gives them.
    """
    known = {locus: float(depth.distinct(depth.counts)) for locus, depth in _depths_in(clones).items() if depth}
    of_locus = pl.col("locus").replace_strict(known, default=None, return_dtype=pl.Float64)
    return clones.select(cells=pl.col("frequency") * of_locus).to_series()


def still_seen(later: pl.DataFrame, product: pl.DataFrame, cells: float | None = None) -> dict[str, dict[str, float]]:
    """Return what a later sample would show of a product's clones in so many distinct cells.

    - `clones`: share of the product's clones of which at least one cell would be seen;
    - `product_mass_kept`: share of the product that the clones held of which one would be seen.

    A clone of k counts is seen after the counts are thinned to a share t of themselves with the chance
    ``1 - (1 - t)^k`` (rarefaction; Hurlbert, Ecology 1971;52:577), so that its mean over samples is that of a sample of
    so many cells. Counts of few cells are thinned to the number of distinct cells, not of counts: m counts of C cells
    show ``C (1 - exp(-m / C))`` of them, m of D templates that are counted 0, 1 or 2 times with the variance u
    ``m (1 - u m / D / 2)``.

    The variance of the sum is the sum over clones of that of the chance, over samples of a clone whose expected cells
    are as likely as all clones together tell (nonparametric maximum likelihood, those not seen among them). Beside it
    stands that of the product's own sample. Limits are Clopper and Pearson's of a share with this variance.

    Parameters
    ----------
    later, product
        Clones of one locus, as `effective_clones` gives them; the effective number of the later sample must be known.
    cells
        Distinct cells, at most those that the later sample shows; None for these.

    Returns
    -------
    dict
        Name → `value, lower, upper`.
    """
    (depth,) = _depths_in(later).values()
    assert depth is not None
    counts = _counts(later, product)
    thinned = 1.0 if cells is None else depth.thinned(cells)
    chance = 1 - (1 - thinned) ** counts
    variance = _variance(counts, depth, thinned)
    held, product_cells = product["frequency"].to_numpy(), product["n_effective"][0]
    return {
        "clones": _kept(np.full(len(counts), 1 / len(counts)), chance, variance, None),
        "product_mass_kept": _kept(held / held.sum(), chance, variance, product_cells),
    }


def _counts(later: pl.DataFrame, product: pl.DataFrame) -> Floats:
    """Return the counts of each clone of the product in the later sample, 0 where it is not seen."""
    seen = later.select(*CLONE, seen="duplicate_count")
    counts = product.join(seen, on=CLONE, how="left", maintain_order="left")["seen"]
    return counts.fill_null(0).to_numpy().astype(float)


def _kept(weights: Floats, chance: Floats, variance: Floats, product_cells: float | None) -> dict[str, float]:
    """Return a weighted mean of chances with its limits."""
    value = min(1.0, float(weights @ chance))
    squares = weights**2
    if product_cells is not None:  # a square of a share of so many cells is too large in the mean
        squares = np.maximum(0, squares - weights / product_cells)
    if value > 1 - ROUNDING:
        value = 1.0
    spread = float(squares @ variance)
    if product_cells is not None:
        spread += float(weights @ chance**2 - value**2) / product_cells
    evenness = 1 / float(weights @ weights)  # clones of one size that would weigh as these
    # Of chances p, sum w² p (1 - p) is at most max w (sum w p) (1 - sum w p); a likely spread may exceed that.
    least = 1 / float(weights.max() + (0 if product_cells is None else 1 / product_cells))
    size = max(least, value * (1 - value) / spread) if 0 < value < 1 and spread > 0 else evenness
    lower, upper = scalar(clopper_pearson(value * size, size))
    return {"value": value, "lower": lower, "upper": upper}


def _variance(counts: Floats, depth: Depth, thinned: float) -> Floats:
    """Return the variance over samples of ``1 - (1 - t)^k`` for a clone of each count.

    With p the share of a clone, ``E s^k = exp(-p d(D (1 - s)))``, with d(m) the distinct cells of m of the D counts.
    """
    per_count = depth.distinct(depth.counts) / depth.counts
    values, back, times = np.unique(counts, return_inverse=True, return_counts=True)
    scaled = values * per_count
    expected = np.append(0.0, np.geomspace(LEAST_EXPECTED, max(1.0, scaled.max()) * 1.5 + 5, GRID - 1))
    likely = _likely(scaled, times, expected)
    share = expected / depth.distinct(depth.counts)
    twice = depth.distinct(depth.counts * (1 - (1 - thinned) ** 2))
    once = depth.distinct(depth.counts * thinned)
    of_expected = np.exp(-share * twice) - np.exp(-2 * share * once)
    return np.asarray((likely @ of_expected)[back.reshape(-1)])


def _likely(counts: Floats, clones: NDArray[np.int64], expected: Floats) -> Floats:
    """Return how likely each number of expected cells is of a clone of each count; rows add up to 1."""
    from scipy.special import gammaln, xlogy

    logs = xlogy(counts[:, None], expected) - expected - gammaln(counts[:, None] + 1)
    chance = np.exp(logs - logs.max(axis=1, keepdims=True))
    weights = np.full(len(expected), 1 / len(expected))
    for _ in range(ITERATIONS):
        weights *= (clones / (chance @ weights)) @ chance / clones.sum()
    of_count = chance * weights
    return np.asarray(of_count / of_count.sum(axis=1, keepdims=True))
