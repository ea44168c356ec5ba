"""Whether a library of the product and one of later blood were exchanged, as blood of before the infusion tells."""

from __future__ import annotations

import polars as pl

from tilseq.receptors import CLONE
from tilseq.repertoire.strangers import FEWEST_COUNTS, LEAST_SHARED

LEAST_OF_PRODUCT = 0.02  # of its counts in clones of the baseline that blood lacks; of simulated products mostly 0.01
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


def _share(clones: pl.DataFrame, total: int) -> float:
    return int(clones["duplicate_count"].sum()) / total
