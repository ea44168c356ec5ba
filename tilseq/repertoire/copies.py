"""Samples whose clonotypes and counts are those of another sample, whatever the bytes of their files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from tilseq.receptors import CLONE
from tilseq.repertoire.clones import clone_counts

FEWEST = 10  # clones: tables of fewer may be alike by chance


def copies(samples: Mapping[str, Any]) -> dict[str, str]:
    """Return which samples hold the same clones with the same counts as an earlier one.

    Two libraries never give that; one that was packed anew, saved with other line ends or in another order does, and
    its cells would count twice.

    Parameters
    ----------
    samples
        Sample → clonotype table, polars or pandas: `locus`, `junction`, `duplicate_count`. Tables of fewer than 10
        clones are not compared.

    Returns
    -------
    dict
        Sample → the first sample that it is a copy of.

    Raises
    ------
    TableError
        A table is not a clonotype table.
    """
    peers: dict[tuple[int, int], list[tuple[str, pl.DataFrame]]] = {}  # of as many clones and counts
    found = {}
    for name, table in samples.items():
        clones = clone_counts(table)
        if clones.height < FEWEST:
            continue
        others = peers.setdefault((clones.height, int(clones["duplicate_count"].sum())), [])
        first = next((other for other, theirs in others if _same(clones, theirs)), None)
        if first is None:
            others.append((name, clones))
        else:
            found[name] = first
    return found


def _same(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    """Whether two tables of as many clones hold the same ones with the same counts."""
    return one.join(other, on=(*CLONE, "duplicate_count"), how="semi").height == one.height
