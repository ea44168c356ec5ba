"""Pairs of junctions with the same genes and length, and how many bases they differ by."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Words = NDArray[np.uint64]

BASES = b"ACGT"
BITS_OF_WORD = 64
PAIRS_AT_ONCE = 1 << 20


def junction_pairs(nodes: pl.DataFrame) -> Iterator[tuple[Integers, Integers, Integers]]:
    """Yield all pairs of distinct junctions of one group, in pieces: rows of the one, of the other, mismatches.

    A letter other than A, C, G, T matches nothing: what was not read joins nobody.

    Parameters
    ----------
    nodes
        `group` (integer, rising) and `junction`, of one length within a group; each junction once in its group.
    """
    numbered = nodes.select("group", "junction", length=pl.col("junction").str.len_bytes()).with_row_index("node")
    sizes = numbered.group_by("length").agg("node", "group", "junction").sort("length")
    for length, node, group, junctions in sizes.iter_rows():
        rows = np.array(node, np.int64)
        bits = _one_hot(junctions, length)
        for one, other in _within(np.array(group, np.int64)):
            matches = np.bitwise_count(bits[:, one] & bits[:, other]).sum(axis=0, dtype=np.int64)
            yield rows[one], rows[other], length - matches


def _one_hot(junctions: list[str], length: int) -> Words:
    """Return four bits a base, one of them set, as words: shape (words, junctions)."""
    letters = np.frombuffer("".join(junctions).encode("ascii"), np.uint8).reshape(len(junctions), length)
    bits = (letters[:, :, None] == np.frombuffer(BASES, np.uint8)).reshape(len(junctions), -1)
    filled = np.pad(bits, ((0, 0), (0, -bits.shape[1] % BITS_OF_WORD)))
    return np.ascontiguousarray(np.packbits(filled, axis=1).view(np.uint64).T)


def _within(group: Integers) -> Iterator[tuple[Integers, Integers]]:
    """Yield positions of all pairs of equal entries of a rising array, at most about `PAIRS_AT_ONCE` at a time."""
    at = np.arange(len(group))
    further = np.searchsorted(group, group, "right") - at - 1
    reach = np.cumsum(further)
    for piece in range(0, int(reach[-1]) // PAIRS_AT_ONCE + 1):
        start, end = np.searchsorted(reach, [piece * PAIRS_AT_ONCE, (piece + 1) * PAIRS_AT_ONCE], "right")
        here, counts = at[start:end], further[start:end]
        one = np.repeat(here, counts)
        yield one, one + 1 + np.arange(len(one)) - np.repeat(np.cumsum(counts) - counts, counts)
