"""Infused cells in blood by a population that marks them: a V-beta, a multimer, or any population of the tree."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilseq.errors import AnalysisError
from tilseq.flow.quality import LEAST_QUANTIFIED
from tilseq.flow.rare import LARGEST_CV
from tilseq.intervals import Z95, log_normal

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]

WHOLE = "CD3+"
DRAWS = 10_000
OVERDISPERSION = 1e-4
LEAST_OVERDISPERSION = 1e-9  # below it the beta functions lose their digits
TAIL = 0.025
DETECTED = 0.95
ABOVE_PRODUCT = "marked cells are more frequent than in the product"
# The likelihood is laid out over 10 standard deviations to each side.
REACH, STEPS = 10, 2_000


class Marked(NamedTuple):
    """Marked events among the CD3+ events of one sample.

    Attributes
    ----------
    marked, cd3
        Events.
    relative_sd, absolute_sd
        Standard deviation of `marked` that placing the gate adds, as a share of it and in events.
    """

    marked: int
    cd3: int
    relative_sd: float = 0.0
    absolute_sd: float = 0.0


class Lot(NamedTuple):
    """One lot of the infusion product; None for what was not counted or is not known.

    Attributes
    ----------
    counted
        Its marked events.
    cells
        Cells infused of it. A single lot needs none.
    """

    counted: Marked | None
    cells: float | None = None


class CellsPerUl(NamedTuple):
    """Cells per microlitre of blood with their 95 % limits."""

    value: float
    lower: float
    upper: float


class InfusedShare(NamedTuple):
    """Infused cells as a share of CD3+ and per microlitre; what has no number is None.

    Attributes
    ----------
    value, lower, upper
        Share of the CD3+ cells of the visit, 0 to 1, with its 95 % limits.
    probability_above_blank
        Chance that the visit holds a larger share of marked cells than the baseline, which is its blank.
    cells_per_ul, cells_per_ul_lower, cells_per_ul_upper
        The share times the CD3+ cells per microlitre.
    n
        CD3+ events of the visit.
    status
        `not_detected` where the share is 0 or the chance above the blank is below 95 %; `quantified` with 50 marked
        events and a coefficient of variation of the share of at most 20 %; else `detected_below_loq`; or
        `not_evaluable`.
    reason
        Why it is not evaluable.
    upper_bound
        The mark is borne by cells that were not infused, too, as a V-beta is: no more than this share was infused.
    """

    value: float | None
    lower: float | None
    upper: float | None
    probability_above_blank: float | None
    cells_per_ul: float | None
    cells_per_ul_lower: float | None
    cells_per_ul_upper: float | None
    n: int
    status: str
    reason: str | None
    upper_bound: bool


def marked_population(mark: str, tree: Collection[str]) -> str:
    """Return the population that a mark names: one of the tree, else the CD3+ cells that bear the marker.

    Parameters
    ----------
    mark
        Population, such as `CD8+ T/CD39+`, or marker, such as `TCR Vb2`.
    tree
        Names of the tree's populations.
    """
    return mark if mark in tree else f"{WHOLE}/{mark}+"


def marked_events(counts: pl.DataFrame, population: str) -> Marked | None:
    """Return the events of a population among the CD3+ events of its tube, with the error that gates add.

    Limits of gating are taken for 95 % limits of a normal error. Those of the population itself, which may be empty,
    are an error in events; those of each parent below CD3+ are relative.

    Parameters
    ----------
    counts
        Table `counts` of one tube.
    population
        A population below CD3+.

    Returns
    -------
    Marked or None
        None where the tube has no such population, or it is no part of CD3+.
    """
    rows = {row["population"]: row for row in counts.iter_rows(named=True)}
    chain = []
    name: str | None = population
    while name in rows and name != WHOLE:
        chain.append(rows[name])
        name = rows[name]["parent"]
    if name != WHOLE or WHOLE not in rows or not chain:
        return None
    own, *parents = chain
    errors = [_gate_sd(row) * row["parent_events"] / row["events"] for row in parents if row["events"]]
    return Marked(own["events"], rows[WHOLE]["events"], math.hypot(*errors), _gate_sd(own) * own["parent_events"])


def _gate_sd(row: Mapping[str, Any]) -> float:
    """Return the standard deviation of a share of the parent, as a fraction, that its gate adds; 0 if none is told."""
    if row["gate_lower"] is None:
        return 0.0
    return float(row["gate_upper"] - row["gate_lower"]) / 100 / (2 * Z95)


def pooled(tubes: Sequence[Marked]) -> Marked:
    """Return the tubes of one specimen as one: their gates err alike, so that errors do not average out."""
    return Marked(
        sum(tube.marked for tube in tubes),
        sum(tube.cd3 for tube in tubes),
        max(tube.relative_sd for tube in tubes),
        sum(tube.absolute_sd for tube in tubes),
    )


def infused_share(
    product: Sequence[Lot],
    baseline: Marked | None,
    visit: Marked,
    *,
    upper_bound: bool,
    seed: int,
    cd3_per_ul: CellsPerUl | None = None,
    overdispersion: float = OVERDISPERSION,
) -> InfusedShare:
    """Return how much of the CD3+ cells of a visit was infused.

    With f the share of marked cells among CD3+ cells, the share is
    ``max(0, (f_visit - f_baseline) / (f_product - f_baseline))``: blood is a mixture of infused cells, marked as in
    the product, and of the subject's own, marked as at baseline. Marked cells that grow faster than the other infused
    ones break this; a share that lies clearly above 1 is refused, one that need not is told as 1.

    Limits are the 2.5 and 97.5 % points of 10,000 draws. Each f is drawn from its posterior given a beta-binomial count
    and Jeffreys' prior of a share; gate errors are added as normal, independent from sample to sample. Cells per
    microlitre are the share times a draw of the CD3+ cells that is normal in logarithms.

    Parameters
    ----------
    product
        The lots that were infused; their f are pooled by the cells infused of each.
    baseline
        Blood before lymphodepletion, None where there is none.
    visit
        Blood of the visit.
    upper_bound
        Whether the mark is borne by cells that were not infused, too: true for a V-beta.
    seed
        Seed of the draws.
    cd3_per_ul
        CD3+ cells per microlitre of the visit.
    overdispersion
        Correlation r of two events of a tube, 1e-9 to below 1: tubes of one specimen differ in f with variance
        ``r f (1 - f)``. The default, 1e-4, is a coefficient of variation between tubes of 10 % for a population of 1 %,
        which is what laboratories hold replicates to, of 32 % for one of 0.1 %, the 20 to 35 % that ICCS accepts at the
        limit of quantification, and of 1 % for one of 50 %. It decides where events are many. Where the true r is ten
        times as large, limits from 30,000 events or more cover about 50 %, from 3,000 about 75 %: replicates should
        tell it. One that is smaller leaves them wider than need be. The setting of a study is 0.005 by default, which
        V-betas need.

    Raises
    ------
    AnalysisError
        A count, a standard deviation, the cells of a lot, the CD3+ cells per microlitre or the over-dispersion cannot
        be. What is absent or cannot be told apart is no error but `not_evaluable`, with its reason.
    """
    _check(product, baseline, visit, cd3_per_ul, overdispersion)
    absent = _absent(product, baseline, visit)
    if absent is not None or baseline is None:
        return _not_evaluable(visit, absent, upper_bound)
    weights = _weights(product)
    counted = [lot.counted for lot in product if lot.counted is not None]
    random = np.random.default_rng(seed)
    before, after = (_draw(sample, overdispersion, random) for sample in (baseline, visit))
    infused = weights @ np.stack([_draw(sample, overdispersion, random) for sample in counted])
    cd3 = np.ones(DRAWS) if cd3_per_ul is None else log_normal(*cd3_per_ul, random, DRAWS)

    f_before, f_after = baseline.marked / baseline.cd3, visit.marked / visit.cd3
    f_infused = float(weights @ np.array([sample.marked / sample.cd3 for sample in counted]))
    if f_infused <= f_before or np.mean(infused > before) < 1 - TAIL:
        reason = "the product does not hold clearly more marked cells than the baseline"
        return _not_evaluable(visit, reason, upper_bound)
    # A draw in which the product holds no more than the baseline tells nothing: any share would do.
    told = infused > before
    shares = np.where(told, (after - before) / np.where(told, infused - before, 1), np.inf)
    if _limits(shares)[0] > 1:
        return _not_evaluable(visit, ABOVE_PRODUCT, upper_bound)
    value = min(1.0, max(0.0, (f_after - f_before) / (f_infused - f_before)))
    share = _with_limits(value, shares, visit, float(np.mean(after > before)), upper_bound)
    return share if cd3_per_ul is None else _with_cells(share, shares, cd3_per_ul, cd3)


def _with_limits(value: float, shares: Floats, visit: Marked, above: float, upper_bound: bool) -> InfusedShare:
    """Return a share with the limits that its draws give, and its status."""
    lowest, highest = _limits(shares)
    lower, upper = _limits(np.clip(shares, 0, 1))
    detected = value > 0 and above >= DETECTED
    precise = visit.marked >= LEAST_QUANTIFIED and (highest - lowest) / (2 * Z95) <= LARGEST_CV * value
    return InfusedShare(
        value=value,
        lower=min(lower, value),  # limits of draws need not hold a share of 0 or 1 (Brown, Cai and DasGupta 2001)
        upper=max(upper, value),
        probability_above_blank=above,
        cells_per_ul=None,
        cells_per_ul_lower=None,
        cells_per_ul_upper=None,
        n=visit.cd3,
        status="not_detected" if not detected else "quantified" if precise else "detected_below_loq",
        reason=None,
        upper_bound=upper_bound,
    )


def _with_cells(share: InfusedShare, shares: Floats, cd3_per_ul: CellsPerUl, cd3: Floats) -> InfusedShare:
    """Return a share with its cells per microlitre, by draws of the share and of the CD3+ cells."""
    cells = (share.value or 0.0) * cd3_per_ul.value
    lower, upper = _limits(np.clip(shares, 0, 1) * cd3)
    return share._replace(
        cells_per_ul=cells, cells_per_ul_lower=min(lower, cells), cells_per_ul_upper=max(upper, cells)
    )


def _draw(sample: Marked, overdispersion: float, random: np.random.Generator) -> Floats:
    """Draw the share of marked cells of a specimen given the count of its tube.

    On the scale arcsin √f Jeffreys' prior is flat, so that the posterior there is the beta-binomial likelihood.
    """
    from scipy.special import betaln

    k, n = sample.marked, sample.cd3
    middle = math.asin(math.sqrt((k + 0.5) / (n + 1)))
    reach = REACH / 2 * math.sqrt((1 + (n - 1) * overdispersion) / n)
    edges = np.linspace(max(0, middle - reach), min(math.pi / 2, middle + reach), STEPS + 1)
    marked = np.sin((edges[1:] + edges[:-1]) / 2) ** 2 * (1 / overdispersion - 1)
    unmarked = (1 / overdispersion - 1) - marked
    likelihood = betaln(k + marked, n - k + unmarked) - betaln(marked, unmarked)
    mass = np.append(0, np.cumsum(np.exp(likelihood - likelihood.max())))
    share = np.sin(np.interp(random.random(DRAWS), mass / mass[-1], edges)) ** 2
    relative, absolute = random.standard_normal((2, DRAWS))
    return np.asarray(share * (1 + sample.relative_sd * relative) + sample.absolute_sd / n * absolute)


def _limits(draws: Floats) -> tuple[float, float]:
    # Whole draws, as between a number and infinity there is none.
    lower, upper = np.quantile(draws, [TAIL, 1 - TAIL], method="inverted_cdf")
    return float(lower), float(upper)


def _weights(product: Sequence[Lot]) -> Floats:
    """Return the share of each lot in the cells infused."""
    if len(product) == 1:
        return np.ones(1)
    cells = np.array([lot.cells for lot in product], float)
    return np.asarray(cells / cells.sum())


def _absent(product: Sequence[Lot], baseline: Marked | None, visit: Marked) -> str | None:
    """Return what the share cannot be had without, or None."""
    counted = [lot.counted for lot in product]
    if not product or None in counted:
        return "a lot of the product was not counted" if product else "no infusion product"
    if len(product) > 1 and any(lot.cells is None for lot in product):
        return "the cells infused of each lot are not known"
    if baseline is None:
        return "no baseline: no tube is known to be from before lymphodepletion"
    for name, sample in (*(("product", lot) for lot in counted), ("baseline", baseline), ("visit", visit)):
        if sample is not None and sample.cd3 == 0:
            return f"no CD3+ events in the {name}"
    return None


def _not_evaluable(visit: Marked, reason: str | None, upper_bound: bool) -> InfusedShare:
    return InfusedShare(None, None, None, None, None, None, None, visit.cd3, "not_evaluable", reason, upper_bound)


def _check(
    product: Sequence[Lot],
    baseline: Marked | None,
    visit: Marked,
    cd3_per_ul: CellsPerUl | None,
    overdispersion: float,
) -> None:
    for sample in (*(lot.counted for lot in product), baseline, visit):
        if sample is None:
            continue
        if not 0 <= sample.marked <= sample.cd3:
            raise AnalysisError(
                "marked events must lie within the CD3+ events", found=f"{sample.marked} of {sample.cd3}"
            )
        if not (0 <= sample.relative_sd < math.inf and 0 <= sample.absolute_sd < math.inf):
            found = f"{sample.relative_sd} and {sample.absolute_sd}"
            raise AnalysisError("a standard deviation must be a number of 0 or more", found=found)
    for lot in product:
        if lot.cells is not None and not 0 < lot.cells < math.inf:
            raise AnalysisError("the cells infused of a lot must be above 0", found=lot.cells)
    value, lower, upper = cd3_per_ul or (1.0, 1.0, 1.0)
    if not (value > 0 and 0 <= lower <= value <= upper < math.inf):
        raise AnalysisError(
            "CD3+ cells per microlitre must be above 0 and lie within their limits", found=(value, lower, upper)
        )
    if not LEAST_OVERDISPERSION <= overdispersion < 1:
        raise AnalysisError(
            "this over-dispersion cannot be", found=overdispersion, expected=f"{LEAST_OVERDISPERSION:g} to below 1"
        )
