"""Where the clones of a subject come from: the product, the blood before, the tumour, or none of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.receptors import CLONE
from tilseq.repertoire.clones import check_columns, listed
from tilseq.repertoire.effective import GIVEN, check_threshold, depths_of, limit_of_detection
from tilseq.repertoire.missed import fewest_missed, missed
from tilseq.repertoire.still_seen import distinct_cells
from tilseq.tables.schema import as_polars, conform
from tilseq.tables.tracking import ORIGIN_CLASSES, ORIGINS

Floats = NDArray[np.float64]

PLACES = ("product", "baseline", "tumor", "later")
# Of a class, the place that shows its clones, and the one that may have held and missed them.
PARTED = {"infused_only": ("product", "baseline"), "preexisting_only": ("baseline", "product")}
FEWEST_CELLS = 5  # later cells of an emergent clone: a naive cell and its few sisters are no clone that arose
# Expected share of wrong ones among emergent and tumour-resident clones. Users are promised 5 %; but most is called
# where the expectation errs low: beside a baseline of 5,000 cells 4 % were wrong where 2.5 % were expected.
MOST_WRONG = 0.015
# A lone clone is not called: where no clone is new, one subject in sixty would show one, and all such calls be wrong.
FEWEST_CALLED = 2
# Effective cells of what a clone is absent from. Few clones grow far, so that few cells do not tell how far: beside
# 5,000 a tenth to a half of those called were missed clones that had grown (benchmarks/origins_growth.py).
FEWEST_IN_REFERENCE = 20_000


def origins(
    product: Any,
    *,
    baseline: Any = None,
    tumor: Any = None,
    later: Any = None,
    suspicious: Any = None,
    before_lot: Any = None,
    threshold: float = 1e-3,
) -> pl.DataFrame:
    """Return the origin of every clone of a subject.

    | seen in product | in baseline blood | in the tumour | origin |
    |---|---|---|---|
    | yes | yes | | `infused_and_preexisting` |
    | yes | absent | | `infused_only` |
    | absent | yes | | `preexisting_only` |
    | absent | absent | yes | `tumor_resident`, see below, else `indeterminate` |
    | no | no | no | `emergent`, see below, else `indeterminate` |

    A clone that is not seen is absent only where the sample's limit of detection, ``1 - 0.05 ** (1 / n_effective)``, is
    at most `threshold`; else nothing is said: `indeterminate`. So "absent" means: held less than the threshold, but for
    a chance of 5 % a clone.

    That a clone has come up after the infusion, or stayed in the tumour, is a stronger claim, as most clones that a
    sample shows for the first time were there and missed. `emergent` are, locus by locus, the clones of most later
    cells, as many as leave the expected number of missed ones of the product and of the baseline (see `missed`) at
    1.5 % of them; `tumor_resident` likewise those of most cells in the tumour, against those that the product missed.
    Either needs five cells, two clones or more, effective numbers of all places, and 20,000 effective cells of those
    that must not hold it: fewer do not tell a clone that has come up from one that was missed and grew far. Of the
    classes `infused_only` and `preexisting_only` `origin_classes` tells how many are wrong at least.

    Parameters
    ----------
    product
        Clones of the infusion product, polars or pandas, as `effective_clones` gives them; several lots by `summed`.
    baseline, tumor, later
        Likewise: blood before the infusion, the tumour, blood after the infusion (all visits `summed`). None where
        there is none, of which nothing is absent.
    suspicious
        `locus, junction` of clones that may have leaked in from another subject (see `contamination`), which are never
        emergent or tumour-resident.
    before_lot
        `locus, junction` of clones that blood after the first infusion showed before a lot that holds them was infused,
        while no lot infused by then does. They may have come with a lot that missed them, or have been the subject's
        own, so that they are `indeterminate` where they would be `infused_only`.
    threshold
        Share of T cells.

    Returns
    -------
    polars.DataFrame
        The table `origins`: `locus, junction, origin, in_product, in_baseline, in_tumor, product_frequency,
        baseline_frequency, tumor_frequency, later_frequency`; a row for each clone seen anywhere.

    Raises
    ------
    TableError
        A table lacks a column of those that `effective_clones` gives.
    AnalysisError
        The threshold is no share above 0.
    """
    check_threshold(threshold)
    every = (product, baseline, tumor, later)
    given = {place: None if one is None else as_polars(one) for place, one in zip(PLACES, every, strict=True)}
    for one in given.values():
        if one is not None:
            check_columns(one, GIVEN, "a sample as `effective_clones` gives it")
    clones = _side_by_side(given)
    for name, marked in (("suspicious", suspicious), ("early", before_lot)):
        of_it = listed(clones.clear() if marked is None else marked).with_columns(pl.lit(True).alias(name))
        clones = clones.join(of_it, on=CLONE, how="left", maintain_order="left")
    found = [
        _of_locus(part, given, locus, threshold) for (locus,), part in clones.group_by("locus", maintain_order=True)
    ]
    return conform(pl.concat(found), ORIGINS) if found else ORIGINS.frame()


def _side_by_side(given: Mapping[str, pl.DataFrame | None]) -> pl.DataFrame:
    """Return every clone with its share and cells in each place; null where it is not seen."""
    columns = [f"{place}_{name}" for place in PLACES for name in ("frequency", "cells")]
    rows = [
        frame.select(
            *CLONE, pl.col("frequency").alias(f"{place}_frequency"), distinct_cells(frame).alias(f"{place}_cells")
        )
        for place, frame in given.items()
        if frame is not None
    ]
    every = pl.concat(rows, how="diagonal").group_by(CLONE).agg(pl.exclude(CLONE).drop_nulls().first())
    absent = [pl.lit(None, pl.Float64).alias(name) for name in columns if name not in every.columns]
    return every.with_columns(absent).sort(CLONE)


def _of_locus(
    clones: pl.DataFrame, given: Mapping[str, pl.DataFrame | None], locus: object, threshold: float
) -> pl.DataFrame:
    depths = {place: None if frame is None else depths_of(frame).get(str(locus)) for place, frame in given.items()}
    told = {place: n is not None and limit_of_detection(n) <= threshold for place, n in depths.items()}
    seen = {place: pl.col(f"{place}_frequency").is_not_null() for place in PLACES}
    absent = {place: ~seen[place] & pl.lit(told[place]) for place in PLACES}
    resident = _called(clones, "tumor", ("product",), depths)
    emergent = _called(clones, "later", ("product", "baseline"), depths)
    origin = (
        pl.when(seen["product"] & seen["baseline"])
        .then(pl.lit("infused_and_preexisting"))
        .when(seen["product"] & absent["baseline"] & pl.col("early").is_null())
        .then(pl.lit("infused_only"))
        .when(absent["product"] & seen["baseline"])
        .then(pl.lit("preexisting_only"))
        .when(absent["product"] & absent["baseline"] & seen["tumor"] & pl.Series(resident))
        .then(pl.lit("tumor_resident"))
        .when(~seen["product"] & ~seen["baseline"] & ~seen["tumor"] & pl.Series(emergent))
        .then(pl.lit("emergent"))
        .otherwise(pl.lit("indeterminate"))
    )
    flags = {f"in_{place}": seen[place] for place in PLACES[:3]}
    return clones.select(*CLONE, origin=origin, **flags, **{f"{p}_frequency": pl.col(f"{p}_frequency") for p in PLACES})


def _called(
    clones: pl.DataFrame, of: str, absent: Sequence[str], depths: Mapping[str, float | None]
) -> NDArray[np.bool_]:
    """Return which clones of a place are in none of some others, but for as many wrong ones as are allowed."""
    called = np.zeros(clones.height, bool)
    if depths[of] is None or any((depths[place] or 0) < FEWEST_IN_REFERENCE for place in absent):
        return called
    cells = {place: clones[f"{place}_cells"].fill_null(0).to_numpy() for place in (of, *absent)}
    large = cells[of] >= FEWEST_CELLS
    elsewhere = np.any([cells[place] > 0 for place in absent], axis=0)
    elsewhere |= clones["suspicious"].is_not_null().to_numpy()
    if of == "later":
        elsewhere |= clones["tumor_frequency"].is_not_null().to_numpy()
    candidates = np.flatnonzero(large & ~elsewhere)
    size = cells[of][candidates]
    expected = np.zeros(len(candidates))
    for place in absent:
        both = large & (cells[place] > 0)
        expected += _of_size(size, cells[of][both], missed(cells[of][both], cells[place][both]))
    rank = len(size) - np.searchsorted(np.sort(size), size)
    fitting = size[(expected <= MOST_WRONG * rank) & (rank >= FEWEST_CALLED)]
    if len(fitting):
        called[candidates[size >= fitting.min()]] = True
    return called


def _of_size(sizes: Floats, of: Floats, numbers: Floats) -> Floats:
    """Return the sum of the numbers of clones of at least each size; infinite where too few are seen."""
    if not len(of) or np.isinf(numbers).any():
        return np.full(len(sizes), np.inf)
    order = np.argsort(-of)
    sums = np.append(0.0, np.cumsum(numbers[order]))
    return np.asarray(sums[np.searchsorted(-of[order], -sizes, side="right")])


def origin_classes(origin: Any, product: Any, baseline: Any = None) -> pl.DataFrame:
    """Return how many clones each class holds, and how many of them are of another at least.

    A clone is wrongly `infused_only` where the baseline held and missed it, and wrongly `preexisting_only` where the
    product did. How many did so at least the clones seen in both tell, see `fewest_missed`; how many at most no sample
    can.

    Parameters
    ----------
    origin
        The table `origins`, polars or pandas.
    product, baseline
        As `origins` was given them.

    Returns
    -------
    polars.DataFrame
        The table `origin_classes`: `locus, origin, clones, wrong_at_least`; null for the other classes.
    """
    origin = as_polars(origin)
    sizes = origin.group_by("locus", "origin").agg(clones=pl.len().cast(pl.Int64))
    wrong: list[dict[str, Any]] = []
    if baseline is not None:
        counts = [
            as_polars(frame).select(*CLONE, pl.col("duplicate_count").alias(place))
            for place, frame in (("product", product), ("baseline", baseline))
        ]
        both = counts[0].join(counts[1], on=CLONE)
        for (locus,), clones in origin.partition_by("locus", as_dict=True).items():
            for name, (seen, missed_by) in PARTED.items():
                least = fewest_missed(both.filter(locus=locus)[missed_by])
                unseen = clones.filter(pl.col(f"in_{seen}") & ~pl.col(f"in_{missed_by}"))["origin"]
                called = int((unseen == name).sum())
                # Those that are not called so may be the very ones that were missed.
                told = min(max(least - (len(unseen) - called), 0), called)
                wrong.append({"locus": locus, "origin": name, "wrong_at_least": told})
    schema = {"locus": pl.String, "origin": pl.String, "wrong_at_least": pl.Int64}
    found = sizes.join(pl.DataFrame(wrong, schema=schema), on=("locus", "origin"), how="left")
    return conform(found, ORIGIN_CLASSES)
