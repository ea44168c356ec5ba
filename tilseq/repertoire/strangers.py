"""Samples that hold next to nothing of what others of their subject show, as where tubes were mistaken."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import polars as pl

from tilseq.receptors import CLONE

LEAST_SHARED = 0.01  # of the counts of a sample with the others
FEWEST_COUNTS = 300  # of fewer a share of 1 % may show nothing: 0.99 ** 300 is 5 %


def next_to_nothing(tables: Mapping[str, pl.DataFrame]) -> Iterator[tuple[str, int, int]]:
    """Yield each table of whose counts the clones of all others hold a hundredth or less: name, those held, all.

    Loci that none of the others has say nothing.

    Parameters
    ----------
    tables
        Name → its clones: `locus, junction, duplicate_count`.
    """
    for name, clones in tables.items():
        others = pl.concat(
            [clones.select(CLONE).clear(), *(tables[one].select(CLONE) for one in tables if one != name)]
        )
        alike = clones.join(others, on="locus", how="semi")
        counts, shared = (
            int(some["duplicate_count"].sum()) for some in (alike, alike.join(others, on=CLONE, how="semi"))
        )
        if counts and shared <= LEAST_SHARED * counts:
            yield name, shared, counts


def strange_blood(
    tables: Mapping[str, pl.DataFrame], *, blood: Collection[str], later: Collection[str]
) -> dict[str, str]:
    """Return which samples of later blood hold next to nothing of the subject's other samples, and what to make of it.

    Blood after the infusion shows infused clones, or where these were lost those of other blood of the person, which
    hold tenths of it. So nothing is told where there is no other blood, nor of blood before the infusion, whose clones
    depletion and the product may have displaced.

    Parameters
    ----------
    tables
        Sample → its clones: `locus, junction, duplicate_count`, of cells sorted alike.
    blood
        Which of them are of blood.
    later
        Which of these were taken after the infusion.
    """
    large = {name: clones for name, clones in tables.items() if clones["duplicate_count"].sum() >= FEWEST_COUNTS}
    return {
        name: f"clones of the subject's other samples hold {shared} of its {counts} counts: is it of this subject?"
        for name, shared, counts in next_to_nothing(large)
        if name in later and any(one in large for one in blood if one != name)
    }
