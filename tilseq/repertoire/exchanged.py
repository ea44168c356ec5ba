"""Whether a library of the product and one of blood were exchanged, as the subject's other samples tell."""

from __future__ import annotations

import polars as pl

from tilseq.receptors import CLONE
from tilseq.repertoire.strangers import FEWEST_COUNTS, LEAST_SHARED

LEAST_OF_PRODUCT = 0.02  # of its counts in clones of the baseline that blood lacks; of simulated products mostly 0.01
LEAST_OF_BASELINE, LEAST_MORE = 0.1, 3.0  # of its counts in clones of the tumour, and times the product's; mostly 0.01
LEAST_TIMES = 5.0  # what blood holds of the baseline without the product; where exchanged 9 to 101 times


def exchanged_with_product(blood: pl.DataFrame, product: pl.DataFrame, baseline: pl.DataFrame) -> str:
    """Return what speaks for a product and later blood that were exchanged; empty where nothing does.

    Blood after the infusion shows clones of the product and again those of blood before it. A product of a tumour holds
    next to nothing of that blood but what later blood holds of it, too. Where it is the other way round, the product is
    likely blood and the blood the product. Blood that shares nothing with the product tells nothing, nor do few counts.

    Parameters
    ----------
    blood, product, baseline
        Clones after the infusion, of all lots infused by then, and of blood before the first: `locus, junction,
        duplicate_count`.
    """
    loci = set(blood["locus"]) & set(product["locus"]) & set(baseline["locus"])
    blood, product = (some.filter(pl.col("locus").is_in(sorted(loci))) for some in (blood, product))
    counts = [int(some["duplicate_count"].sum()) for some in (blood, product)]
    if min(counts) < FEWEST_COUNTS or _share(blood.join(product, on=CLONE, how="semi"), counts[0]) <= LEAST_SHARED:
        return ""
    of_blood, of_product = (
        _share(own.join(other, on=CLONE, how="anti").join(baseline, on=CLONE, how="semi"), total)
        for own, other, total in ((blood, product, counts[0]), (product, blood, counts[1]))
    )
    if of_product < LEAST_OF_PRODUCT or of_product < LEAST_TIMES * of_blood:
        return ""
    return (
        f"of blood before the infusion the product holds {of_product:.1%} in clones that this sample lacks, and this "
        f"sample {of_blood:.1%} in clones that the product lacks: were the two exchanged? (Of a product that was grown "
        "from blood it may be so)"
    )


def exchanged_with_baseline(baseline: pl.DataFrame, product: pl.DataFrame, tumor: pl.DataFrame) -> str:
    """Return what speaks for a product and blood of before the infusion that were exchanged; empty where nothing does.

    A product that was grown from a tumour holds its clones, of which blood holds few.

    Parameters
    ----------
    baseline, product, tumor
        Clones of blood before the infusion, of all lots, and of all tumours: `locus, junction, duplicate_count`.
    """
    loci = sorted(set(baseline["locus"]) & set(product["locus"]) & set(tumor["locus"]))
    baseline, product = (some.filter(pl.col("locus").is_in(loci)) for some in (baseline, product))
    counts = [int(some["duplicate_count"].sum()) for some in (baseline, product)]
    if min(counts) < FEWEST_COUNTS:
        return ""
    of_baseline, of_product = (
        _share(some.join(tumor, on=CLONE, how="semi"), total)
        for some, total in zip((baseline, product), counts, strict=True)
    )
    if of_baseline < LEAST_OF_BASELINE or of_baseline < LEAST_MORE * of_product:
        return ""
    return (
        f"clones of the tumour hold {of_baseline:.1%} of this blood of before the infusion and {of_product:.1%} of the "
        "product: were the two exchanged? (Of a product that was grown from blood it may be so)"
    )


def _share(clones: pl.DataFrame, total: int) -> float:
    return int(clones["duplicate_count"].sum()) / total
