"""Samples whose clonotypes and shares are those of another sample, whatever the bytes of their files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from tilseq.receptors import CLONE
from tilseq.repertoire.clones import clone_counts

FEWEST = 10  # clones: tables of fewer may be alike by chance
FEWEST_SCALED = 100  # clones, where counts are not the same but in one proportion, up to rounding


def copies(samples: Mapping[str, Any]) -> dict[str, str]:
    """Return which samples hold the same clones in the same shares as an earlier one.

    Two libraries never give that; one that was packed anew, saved with other line ends or in another order does, and
    its cells would count twice. So does one whose counts were scaled, to a million say, and rounded.

    Parameters
    ----------
    samples
        Sample → clonotype table, polars or pandas: `locus`, `junction`, `duplicate_count`. Tables of fewer than 10
        clones are not compared, and those of fewer than 100 for the same counts alone.

    Returns
    -------
    dict
        Sample → the first sample that it is a copy of.

    Raises
    ------
    TableError
        A table is not a clonotype table.
    """
    peers: dict[tuple[int, int], list[tuple[str, pl.DataFrame]]] = {}  # of as many clones, of the same hashes
    found = {}
    for name, table in samples.items():
        clones = clone_counts(table)
        if clones.height < FEWEST:
            continue
        others = peers.setdefault((clones.height, int(clones.select(CLONE).hash_rows().sum())), [])
        first = next((other for other, theirs in others if _same(clones, theirs)), None)
        if first is None:
            others.append((name, clones))
        else:
            found[name] = first
    return found


def _same(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    """Whether two tables of as many clones hold the same ones, each in the same share."""
    both = one.join(other, on=CLONE, suffix="_other").select("duplicate_count", "duplicate_count_other")
    if both.height < one.height:
        return False
    few, many = sorted((both.to_series(0), both.to_series(1)), key=pl.Series.sum)
    if both.height < FEWEST_SCALED:
        return bool((few == many).all())
    # The factors by which each smaller count, rounded, may have become the larger: is there one for all?
    lowest, highest = ((many - 0.5) / few).max(), ((many + 0.5) / few).min()
    return float(lowest) <= float(highest)  # type: ignore[arg-type]
