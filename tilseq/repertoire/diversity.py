"""Diversity of a repertoire: how many clones, how even, how much of it the sample has seen."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import partial
from math import inf
from typing import Any

import numpy as np
import polars as pl

from tilseq.errors import AnalysisError, did_you_mean, refuse_lone
from tilseq.intervals import Z95
from tilseq.repertoire import indices
from tilseq.repertoire.cells import checked_effective, effective_number, refuse_no_loci
from tilseq.repertoire.clones import check_count_of, clone_counts
from tilseq.repertoire.dominance import d50_clones, error_of_largest, held_by_largest, limits_of_d50
from tilseq.repertoire.indices import Index, limits
from tilseq.repertoire.largest_clone import limits_of_largest_clone
from tilseq.repertoire.observed import LEAST_CELLS, Observed
from tilseq.repertoire.sampling import Sampling, sampled
from tilseq.repertoire.spectrum import Floats, Integers, Spectrum, spectrum
from tilseq.tables.repertoire import COUNTING, DIVERSITY, HILL_PROFILE

Cells = float | Mapping[str, float | None] | None
Counting = Mapping[str, str | None] | None
Limits = tuple[float, float] | None

ROUNDING = 1e-12  # of a sum of squares of shares
LEAST_YIELDS = 1e-6  # less is rounding
TOPS = (1, 10, 100)
NOWHERE: Floats = np.empty(0)
COUNTLESS: Integers = np.empty(0, dtype=np.int64)
ORDERS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0)

INDICES: Mapping[str, Callable[[Spectrum, Integers], Index | None]] = {
    "richness": indices.richness,
    "chao1_bias_corrected": indices.chao1_bias_corrected,
    "chao1_inext": indices.chao1_inext,
    "ace": indices.ace,
    "shannon_entropy_nats": indices.shannon_entropy_nats,
    "gini_simpson": indices.gini_simpson,
    "hill_q0_5": partial(indices.hill, q=0.5),
    "hill_q1": partial(indices.hill, q=1),
    "simpson_inverse": partial(indices.hill, q=2),
    "hill_q3": partial(indices.hill, q=3),
    "hill_q1_asymptotic": indices.hill_q1_asymptotic,
    "hill_q2_asymptotic": indices.hill_q2_asymptotic,
    "gini": indices.gini,
    "clonality": indices.clonality,
    "coverage": indices.sample_coverage,
}
# These rest on clones of one cell and of two, which cells counted several times do not tell apart well enough.
OF_RARE = ("chao1_bias_corrected", "chao1_inext", "ace", "hill_q1_asymptotic")
# These say what is not seen, or what is behind the counts: not without knowing which counts are of one cell.
ESTIMATED = (*OF_RARE, "hill_q2_asymptotic", "coverage")
OF_SHARES = ("shannon_entropy_nats", "gini_simpson", "hill_q1", "simpson_inverse", "hill_q3")


def diversity(
    table: Any,
    *,
    sample: str,
    count_of: str = "unknown",
    n_effective: Cells = None,
    counting: Counting = None,
    cells: Cells = None,
) -> pl.DataFrame:
    """Return the diversity of each locus of a sample.

    Indices are of the clones seen, their share ``p = count / sum of counts`` (N counts, S clones, f1 and f2 of them
    seen once and twice):

    - `richness` S; `chao1_bias_corrected` S + f1 (f1 - 1) / (2 (f2 + 1)) and `chao1_inext`
      S + (N - 1) / N f1² / (2 f2), lower bounds of the clones there are (Chao 1984; vegan's and iNEXT's form); `ace`
      (Chao and Lee 1992);
    - `shannon_entropy_nats` H = -Σ p ln p; `gini_simpson` 1 - Σ p²; Hill numbers (Σ p^q)^(1 / (1 - q)): `hill_q0_5`,
      `hill_q1` exp(H), `simpson_inverse` (q = 2), `hill_q3`; `hill_q1_asymptotic` and `hill_q2_asymptotic`, iNEXT's
      estimates for a sample without end (Chao, Wang and Jost 2013; Chao et al. 2014);
    - `gini` of the counts of the clones seen; `clonality` 1 - H / ln S, null for a single clone;
    - `d50_clones` the fewest clones that hold at least half of the counts; `top_1_share`, `top_10_share`,
      `top_100_share` what the largest clones hold, null where there are no more clones than that;
    - `coverage` the share of the repertoire that belongs to clones seen (Chao and Jost, Ecology 2012;93:2533, eq. 4a,
      without clones seen twice as in iNEXT), null for a single count;
    - `cells_or_counts` N.

    Limits, 95 %, are of the mean that the index has over samples of as many cells of the same repertoire, not of what
    a sample without end would show; for that `hill_q2_asymptotic` alone has no bias. Of `d50_clones`, a whole number,
    they are of the median. They are analytic: the delta method, with the variance of sums over clones of
    `tilseq.repertoire.sampling` and Student's t for what that variance does not know; symmetric in the index, the
    logarithm of Hill numbers, the logit of shares, the logarithm of the clones not seen (Chao 1987). Those of
    `top_1_share` are of an exact test, see `tilseq.repertoire.largest_clone`. There are none where fewer than 100 pairs
    of cells are of one clone.

    Parameters
    ----------
    table
        polars or pandas: `locus`, `junction`, `duplicate_count`; rows of one clone are summed.
    sample
        Sample identifier.
    count_of
        What the counts count. Without `n_effective` limits are given for `cells` and `templates` alone: UMIs or reads
        of one cell are not independent, and limits drawn from them would be far too narrow.
    n_effective
        Effective number of cells, for all loci or by locus, see `depth`. Where it is below the counts, limits are given
        for indices of shares and the coverage alone, not for `d50_clones`, and as far away as the standard error is
        half way to them. Chao1, ACE and `hill_q1_asymptotic` are null, as such counts do not show which clones are of
        one cell and which of two; so is the coverage where there are more counts than cells (so many as would be worth
        as much if all yielded alike), or no two counts of a clone are of two cells, and this and `hill_q2_asymptotic`
        where how often a cell was counted is not known. All are null, too, where no number of cells is known.
    counting
        How often a cell is counted, by locus, see `depth`; it matters where the effective cells are fewer than the
        counts. `drawn`, the default but for counts of unknown meaning: cells are drawn from the repertoire and counts
        from the cells (1 / effective = 1 / cells + 1 / counts). `twice`: 0, 1 or 2 times. `unsure`, None: not known, as
        where clones repeat less often than counts would that are drawn so of so few cells.
    cells
        Cells that were told, for all loci or by locus, see `depth`. By them and `n_effective` the coverage knows how
        unequally cells yield; without them they are taken to yield alike.

    Returns
    -------
    polars.DataFrame
        The table `diversity`: `sample, locus, parameter, value, lower, upper, n, depth, at_coverage`. `depth` is the
        cells that the value stands for, null where they are not known: values of unlike depth do not compare.

    Raises
    ------
    TableError
        The table is not a clonotype table.
    AnalysisError
        An effective number of cells is not above 0, exceeds the counts of its locus or is of no locus; counts are not
        of that, or cells not counted so.
    """
    refuse_no_loci(cells=cells)
    rows: list[dict[str, Any]] = []
    for locus, counts, effective, how in by_locus(table, count_of, n_effective, counting):
        whole = spectrum(counts)
        told = cells.get(locus) if isinstance(cells, Mapping) else cells
        yields = _yields(whole.n, effective, told)
        for parameter, (value, ends) in measured(whole, effective, how, yields).items():
            lower, upper = ends or (None, None)
            row = {"sample": sample, "locus": locus, "parameter": parameter, "value": value}
            rows.append({**row, "lower": lower, "upper": upper, "n": whole.n, "depth": effective})
    return DIVERSITY.frame(rows)


def hill_profile(
    table: Any,
    *,
    sample: str,
    count_of: str = "unknown",
    n_effective: Cells = None,
    counting: Counting = None,
    orders: Sequence[float] = ORDERS,
) -> pl.DataFrame:
    """Return Hill numbers of the clones seen over their order (Hill, Ecology 1973;54:427), with limits.

    Parameters
    ----------
    table, sample, count_of, n_effective, counting
        As for `diversity`, and so are the limits.
    orders
        Orders q from 0 on. The larger, the less rare clones weigh: 0 counts clones, 1 is exp of the entropy, 2 the
        inverse Simpson index.

    Returns
    -------
    polars.DataFrame
        The table `hill_profile`: `sample, locus, q, value, lower, upper, depth`.

    Raises
    ------
    TableError
        The table is not a clonotype table.
    AnalysisError
        As for `diversity`; an order is no number from 0 on.
    """
    refuse_lone(orders=orders)
    wrong = [q for q in orders if not 0 <= q < inf]
    if wrong:
        raise AnalysisError("a Hill number has no such order", found=wrong[0], expected="a number, 0 or above")
    rows: list[dict[str, Any]] = []
    for locus, counts, cells, how in by_locus(table, count_of, n_effective, counting):
        whole = spectrum(counts)
        wanted = {str(q): partial(indices.hill, q=q) for q in orders}
        of_shares = {str(q) for q in orders if q >= 1}
        found = _with_limits(whole, wanted, *sampled(whole, cells, how == "twice"), of_shares)
        for q, (value, ends) in zip(orders, found.values(), strict=True):
            lower, upper = ends or (None, None)
            row = {"sample": sample, "locus": locus, "q": float(q), "value": value}
            rows.append({**row, "lower": lower, "upper": upper, "depth": cells})
    return HILL_PROFILE.frame(rows)


def by_locus(
    table: Any, count_of: str, n_effective: Cells, counting: Counting
) -> list[tuple[str, Integers, float | None, str | None]]:
    """Return locus, counts of its clones, effective number of cells and how often one is counted, of each locus."""
    check_count_of(count_of)
    refuse_no_loci(n_effective=n_effective, counting=counting)
    found = []
    clones = clone_counts(table).select("locus", "duplicate_count")
    for (locus,), group in clones.group_by("locus", maintain_order=True):
        counts = group["duplicate_count"].to_numpy()
        total = float(counts.sum())
        cells = n_effective.get(str(locus)) if isinstance(n_effective, Mapping) else n_effective
        cells = effective_number(total, count_of) if cells is None else checked_effective(cells, total, str(locus))
        how = counting.get(str(locus)) if counting is not None else None if count_of == "unknown" else "drawn"
        _check_counting(how, total, cells, str(locus))
        found.append((str(locus), counts, cells, how))
    return found


def _yields(counts: int, effective: float | None, told: float | None) -> float:
    """Return the squared coefficient of variation of what cells yield: 1 / effective = (1 + it) / told + 1 / counts."""
    if effective is None or told is None:
        return 0.0
    yields = told * (1 / effective - 1 / counts) - 1
    return yields if yields > LEAST_YIELDS else 0.0


def _check_counting(how: str | None, counts: float, cells: float | None, locus: str) -> None:
    """Raise an AnalysisError unless this is a word for how often a cell is counted, and can be so.

    A word that nobody knows would otherwise pass for `drawn`.
    """
    if how is not None and how not in COUNTING:
        expected, mend = ", ".join(COUNTING), did_you_mean(str(how), COUNTING)
        raise AnalysisError(f"cells of {locus} are not counted so", found=how, expected=expected, mend=mend)
    if how == "twice" and cells is not None and 2 * cells <= counts:
        raise AnalysisError(
            f"cells of {locus} are counted more than twice in the mean",
            found=f"{counts:.0f} counts worth {cells:.0f} cells, counted twice at most",
            expected=f"more than {counts / 2:g} cells, or another counting",
        )


def measured(
    whole: Spectrum, cells: float | None, counting: str | None = "drawn", yields: float = 0.0
) -> dict[str, tuple[float | None, Limits]]:
    """Return each index of a spectrum with its limits, which are those of so many cells, counted so.

    `yields` is as in `Observed`.
    """
    found: dict[str, tuple[float | None, Limits]] = {"cells_or_counts": (whole.n, None)}
    base, sampling = sampled(whole, cells, counting == "twice")
    found |= _with_limits(whole, INDICES, base, sampling, OF_SHARES)
    if cells is None:  # UMIs, reads or what nobody told: as many of one cell as one likes
        found |= dict.fromkeys(ESTIMATED, (None, None))
    elif round(cells) < whole.n:
        found |= dict.fromkeys(OF_RARE, (None, None))
        seen = Observed(whole, cells, counting, yields)
        pairs = None if seen.doubt else _order_two_of_cells(whole, cells)
        found["hill_q2_asymptotic"] = (pairs and pairs.value, None)
        found["coverage"] = _coverage(seen, sampling) if cells >= LEAST_CELLS else (None, None)
    # Fewer cells than counts hold half in fewer clones: limits of the one are none of the other.
    half = limits_of_d50(base, sampling, Z95) if base and sampling and sampling.chances.once else None
    found["d50_clones"] = (d50_clones(whole), half)
    for number in TOPS:
        value = held_by_largest(whole, number) if whole.richness > number else None
        ends = _limits_of_largest(base, sampling, number, value) if value is not None and base and sampling else None
        found[f"top_{number}_share"] = (value, ends)
    return found


def _coverage(seen: Observed, sampling: Sampling | None) -> tuple[float | None, Limits]:
    """Return the coverage of the clones seen, and its limits; None where their cells are out of reach.

    So it is, too, where hardly two counts of a clone are of two cells: the clones seen hold something, not 0.
    """
    if seen.n > seen.furthest or seen.doubt:
        return None, None
    index, *otherwise = seen.coverage_of_seen(seen.points(sampling))
    if not index.value:
        return None, None
    if sampling is None:
        return index.value, None
    ends = _limits_of_share(index, sampling)
    if ends is None:
        return index.value, None
    every = [ends, *(_limits_of_share(one, sampling) or (one.value, one.value) for one in otherwise)]
    return index.value, (min(lower for lower, _ in every), max(upper for _, upper in every))


def _limits_of_share(index: Index, sampling: Sampling) -> Limits:
    (error,), (quantile,) = error_and_quantile(sampling, [index])
    return limits(index, float(error), float(quantile), 0)


def _limits_of_largest(base: Spectrum, sampling: Sampling, number: int, value: float) -> Limits:
    """Return limits of the share that the so many largest clones hold."""
    from scipy.special import stdtrit

    if base.richness <= number:
        return None
    if number == 1:
        return limits_of_largest_clone(base, sampling, value)
    error, freedom = error_of_largest(base, sampling, number)
    ends = limits(Index(value, NOWHERE, "share"), error, float(stdtrit(max(1.0, freedom), 0.975)), 0)
    # The largest are counted in whole cells: half a cell more each way.
    half = sampling.chances.spread / base.n / 2
    return ends and (max(0.0, ends[0] - half), min(1.0, ends[1] + half))


def _order_two_of_cells(whole: Spectrum, cells: float) -> Index | None:
    """Return the inverse of (Σ p² - 1 / cells) cells / (cells - 1), without the bias of counts scaled to cells."""
    if cells <= 1:
        return None
    pairs = (whole.sum((whole.sizes / whole.n) ** 2) - 1 / cells) * cells / (cells - 1)
    return Index(1 / pairs, NOWHERE, "log") if pairs > ROUNDING else None


def _with_limits(
    whole: Spectrum,
    wanted: Mapping[str, Callable[[Spectrum, Integers], Index | None]],
    base: Spectrum | None,
    sampling: Sampling | None,
    of_shares: Container[str],
) -> dict[str, tuple[float | None, Limits]]:
    """Return each index wanted; with limits all where the counts are cells, else those of shares."""
    values = {name: index(whole, COUNTLESS) for name, index in wanted.items()}
    found: dict[str, tuple[float | None, Limits]] = {n: (i.value if i else None, None) for n, i in values.items()}
    if base is None or sampling is None:
        return found
    once = sampling.chances.once
    drawn = {name: wanted[name](base, sampling.points) for name in wanted if once or name in of_shares}
    known = {name: index for name, index in drawn.items() if index is not None}
    errors, quantiles = error_and_quantile(sampling, list(known.values()))
    rises = [None] * len(known) if once else sampling.rises(influences(known.values())).tolist()
    for (name, index), error, quantile, rise in zip(known.items(), errors, quantiles, rises, strict=True):
        value = found[name][0]
        if value is not None:
            ends = limits(index._replace(value=value), float(error), float(quantile), whole.richness, rise)
            found[name] = (value, ends)
    return found


def error_and_quantile(sampling: Sampling, found: Sequence[Index]) -> tuple[Floats, Floats]:
    """Return standard errors of indices and the quantiles of Student's t that go with them."""
    from scipy.special import stdtrit

    errors, freedom = sampling.errors(influences(found))
    with np.errstate(invalid="ignore"):
        return errors, np.where(np.isfinite(freedom), stdtrit(np.clip(freedom, 1, 1e9), 0.975), Z95)


def influences(found: Iterable[Index]) -> Floats:
    """Return the influences of several indices, shape (indices, counts)."""
    return np.array([index.influence for index in found])
