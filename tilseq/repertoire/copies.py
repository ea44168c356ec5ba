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
    alike: dict[tuple[int, int], list[str]] = {}
    tables: dict[str, pl.DataFrame] = {}
    found = {}
    for name, table in samples.items():
        clones = clone_counts(table)
        if clones.height < FEWEST:
            continue
        peers = alike.setdefault((clones.height, int(clones["duplicate_count"].sum())), [])
        tables[name] = clones.sort(CLONE)
        first = next((peer for peer in peers if tables[peer].equals(tables[name])), None)
        if first is None:
            peers.append(name)
        else:
            found[name] = first
    return found
