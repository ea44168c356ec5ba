"""The infused clones of one subject, followed from the product through its blood: every table of it at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import polars as pl

from tilseq.errors import AnalysisError
from tilseq.receptors import CLONE
from tilseq.repertoire.change import change
from tilseq.repertoire.clones import check_columns
from tilseq.repertoire.effective import depths_of, summed
from tilseq.repertoire.origin import origin_classes, origins
from tilseq.repertoire.persistence import persistence_of
from tilseq.repertoire.presence import WITH_SHARES, presence
from tilseq.repertoire.still_seen import common_cells
from tilseq.tables.schema import as_polars, conform
from tilseq.tables.tracking import CHANGE

Samples = Mapping[str, Any]  # polars or pandas


class Tracked(NamedTuple):
    """What is known of a subject's clones.

    Attributes
    ----------
    persistence
        The table `persistence`, of each blood sample.
    clones
        The table `clones`: the followed clones in every sample.
    origins
        The table `origins`, of every clone.
    origin_classes
        The table `origin_classes`.
    """

    persistence: pl.DataFrame
    clones: pl.DataFrame
    origins: pl.DataFrame
    origin_classes: pl.DataFrame


def track(
    later: Samples,
    product: Samples,
    *,
    baseline: Samples | None = None,
    tumor: Samples | None = None,
    threshold: float = 1e-3,
) -> Tracked:
    """Return persistence, presence and origins of the clones of one subject.

    Parameters
    ----------
    later, product, baseline, tumor
        Sample → its clones, polars or pandas, as `effective_clones` gives them: blood after the infusion, lots of the
        product, blood before, the tumour. Several of a kind are taken together, each by its cells.
    threshold
        Share of T cells: a clone not seen is absent where the limit of detection is no higher, and clones of the
        product that held as much are told of by themselves.

    Returns
    -------
    Tracked
        Persistence of blood before the infusion is told beside that after it, without `mass_new`. Followed are the
        clones of the product that blood shows, the emergent ones, and those that held the threshold of any sample; of
        the product's other clones no more is to be said than that no sample shows them.

    Raises
    ------
    TableError
        A sample lacks a column that `effective_clones` gives.
    AnalysisError
        There is no product, or no blood after it; a name is given twice; a sample has no locus in common with the
        product; the threshold is no share above 0.
    """
    for given, what in ((product, "of the product"), (later, "of blood after the infusion")):
        if not given:
            raise AnalysisError(f"no sample {what} is given: no clone can be followed")
    later, product, baseline, tumor = (
        {name: as_polars(clones) for name, clones in (given or {}).items()}
        for given in (later, product, baseline, tumor)
    )
    names = Counter([*later, *product, *baseline, *tumor])
    if twice := [name for name, times in names.items() if times > 1]:
        raise AnalysisError("two samples bear one name", found=", ".join(twice), mend="give each a name of its own")
    for clones in (*later.values(), *product.values(), *baseline.values(), *tumor.values()):
        check_columns(clones, WITH_SHARES, "a sample as `effective_clones` gives it")
    whole = summed(list(product.values()))
    before = summed(list(baseline.values())) if baseline else None
    at_cells = common_cells(later)
    held = [persistence_of(clones, whole, sample=sample, threshold=threshold) for sample, clones in baseline.items()]
    held += [
        persistence_of(clones, whole, sample=sample, baseline=before, at_cells=at_cells, threshold=threshold)
        for sample, clones in later.items()
    ]
    return Tracked(pl.concat(held), *follow(later, product, baseline, tumor, threshold=threshold))


def follow(
    later: Samples,
    product: Samples,
    baseline: Samples,
    tumor: Samples,
    *,
    threshold: float,
    suspicious: pl.DataFrame | None = None,
    before_lot: pl.DataFrame | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return the tables `clones`, `origins` and `origin_classes` of a subject, as `track` does.

    `suspicious` are clones that may have leaked in from another subject, `before_lot` those that blood showed before
    the only lots that hold them were infused, see `origins`.
    """
    whole = summed(list(product.values()))
    before = summed(list(baseline.values())) if baseline else None
    origin = origins(
        whole,
        baseline=before,
        tumor=summed(list(tumor.values())) if tumor else None,
        later=summed(list(later.values())) if later else None,
        suspicious=suspicious,
        before_lot=before_lot,
        threshold=threshold,
    )
    every = {**product, **tumor, **baseline, **later}
    large = pl.concat([clones.filter(pl.col("frequency") >= threshold).select(CLONE) for clones in every.values()])
    blood = pl.concat([clones.select(CLONE) for clones in (*baseline.values(), *later.values())])
    shown = whole.select(CLONE).join(blood, on=CLONE, how="semi")
    followed = pl.concat([shown, large, origin.filter(origin="emergent").select(CLONE)])
    return presence(every, followed, threshold=threshold), origin, origin_classes(origin, whole, before)


def changes(product: Samples, later: Samples, *, subject: str | None = None) -> pl.DataFrame:
    """Return which clones changed from the product to each later sample, and from each of these to the next, by locus.

    Most clones that expand from the product are not of it, but of blood that comes back: see `in_product`.

    Parameters
    ----------
    product, later
        As for `track`, `later` in the order of time. A sample takes no part in loci that it lacks, or of which its
        cells are not known.
    subject
        Identifier of the subject.

    Returns
    -------
    polars.DataFrame
        The table `change`, of the clones that were tested; several lots of a product are one sample named by all.
    """
    whole = ("+".join(product), summed(list(product.values())))
    found = [CHANGE.frame()]
    for locus in sorted(set().union(*(depths_of(clones) for clones in (whole[1], *later.values())))):
        # A sample that lacks the locus stands between no two that hold it.
        samples = {name: clones.filter(locus=locus) for name, clones in (whole, *later.items())}
        known = {name: own for name, own in samples.items() if depths_of(own).get(locus) is not None}
        visits = [name for name in known if name != whole[0]]
        pairs = [(whole[0], name) for name in visits if whole[0] in known] + list(pairwise(visits))
        for pair in pairs:
            before, after = (known[name] for name in pair)
            depths = depths_of(before), depths_of(after)
            found.append(change(before, after, samples=pair, n_effective=depths, subject=subject).drop_nulls("p"))
    return with_product(pl.concat(found), whole[1])


def with_product(changed: pl.DataFrame, product: pl.DataFrame) -> pl.DataFrame:
    """Return the table `change` with whether each clone was seen in the product, any lot of it.

    Parameters
    ----------
    changed
        The table `change`.
    product
        `locus, junction` of the clones of the product.
    """
    seen = product.select(*CLONE, in_product=pl.lit(True)).unique()
    found = changed.drop("in_product").join(seen, on=CLONE, how="left", maintain_order="left")
    return conform(found.with_columns(pl.col("in_product").fill_null(False)), CHANGE)
