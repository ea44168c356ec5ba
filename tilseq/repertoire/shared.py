"""Sums over the clones that two samples share, for all pairs of many samples in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.uint64]

SEEDS = (1, 2)  # of the two halves of a clone's code
BUCKET_BITS = 6
BUCKETS = 2**BUCKET_BITS
PAIRS_AT_ONCE = 20_000  # their terms stay in the processor's cache
SUMS = ("clones", "xy", "xxy", "xyy", "root_xy", "least", "x", "y")


@dataclass(frozen=True)
class Coded:
    """The clones of one sample as numbers.

    Attributes
    ----------
    first, second
        The two halves of each clone's 128-bit hash. That two of 100 million clones have one code has a chance below
        1e-22.
    frequency
        Share of the sample's counts.
    bounds
        Clones ``bounds[k]`` to ``bounds[k + 1]`` are those whose first half starts with the bits of ``k``.
    counts
        Sum of the sample's counts.
    """

    first: Codes
    second: Codes
    frequency: Floats
    bounds: NDArray[np.int64]
    counts: int


@dataclass(frozen=True)
class SharedSums:
    """What all pairs of samples share; x and y are a clone's frequencies in the first and second sample.

    Attributes
    ----------
    of_pairs
        Name in `SUMS` → samples × samples: over shared clones, of 1, xy, x²y, xy², √(xy), min(x, y), x, y. The diagonal
        means nothing.
    richness, squares, cubes
        Of each sample: its clones, Σ x², Σ x³.
    """

    of_pairs: dict[str, Floats]
    richness: NDArray[np.int64]
    squares: Floats
    cubes: Floats


def coded(clones: pl.DataFrame) -> Coded:
    """Return the clones of one sample as numbers.

    Parameters
    ----------
    clones
        `duplicate_count` and beside it the columns that make a clone; rows of one clone are summed.
    """
    parts = pl.struct(pl.exclude("duplicate_count"))
    codes = clones.select(*(parts.hash(seed).alias(str(seed)) for seed in SEEDS), "duplicate_count")
    names = codes.columns[:2]
    ordered = np.sort(codes[names[0]].to_numpy())  # in a sixth of the time that polars needs to count distinct ones
    if (ordered[1:] == ordered[:-1]).any():
        codes = codes.group_by(names, maintain_order=True).sum()  # every run adds in one order
    first, second, counts = (codes[name].to_numpy() for name in codes.columns)
    bucket = (first >> np.uint64(64 - BUCKET_BITS)).astype(np.uint8)
    order = np.argsort(bucket, kind="stable")
    bounds = np.searchsorted(bucket[order], np.arange(BUCKETS + 1))
    total = int(counts.sum())
    return Coded(first[order], second[order], counts[order] / total, bounds, total)


def shared_sums(samples: Sequence[Coded]) -> SharedSums:
    """Return sums over shared clones for all pairs of samples.

    Clones are taken a bucket at a time, so that beside the samples themselves little memory is needed. Within a bucket
    equal codes are brought together, each pair of samples that have one is a column of a sparse matrix with a single 1,
    and its product with the terms of all pairs adds each up where its pair belongs. The work grows with the number of
    clones and with that of shared clones over all pairs.
    """
    n = len(samples)
    pairs = np.zeros((n * n, len(SUMS)))
    own = np.zeros((3, n))
    for bucket in range(BUCKETS):
        sample, frequency, following = _bucket(samples, bucket, own)
        for a, b in _pairs(following):
            _add(pairs, sample[a] * n + sample[b], frequency[a], frequency[b])
    cube = pairs.reshape(n, n, len(SUMS))
    one_way = {name: cube[:, :, i] for i, name in enumerate(SUMS)}
    mirror = {"xxy": "xyy", "xyy": "xxy", "x": "y", "y": "x"}
    both = {name: sums + one_way[mirror.get(name, name)].T for name, sums in one_way.items()}
    return SharedSums(both, own[0].astype(np.int64), own[1], own[2])


def _bucket(samples: Sequence[Coded], bucket: int, own: Floats) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Return the entries of clones that several samples have, clone by clone: sample, frequency, entries that follow.

    The last tells how many more of the same clone there are. What each sample has of its own is added to `own`.
    """
    parts = [(one, slice(one.bounds[bucket], one.bounds[bucket + 1])) for one in samples]
    first, second, frequency = (
        np.concatenate([getattr(one, name)[part] for one, part in parts]) for name in ("first", "second", "frequency")
    )
    sample = np.repeat(np.arange(len(samples)), [part.stop - part.start for _, part in parts])
    for power in range(3):
        own[power] += np.bincount(sample, frequency ** (power + 1) if power else None, len(samples))
    order = np.argsort(first)
    same = first[order[1:]] == first[order[:-1]]
    clash = same & (second[order[1:]] != second[order[:-1]])
    if clash.any():  # two clones share the first half of their code and may lie mixed
        order = np.lexsort((second, first))
        same = (first[order[1:]] == first[order[:-1]]) & (second[order[1:]] == second[order[:-1]])
    goes_on = np.zeros(len(order), bool)
    goes_on[:-1] = same
    several = goes_on.copy()
    several[1:] |= same
    order, goes_on = order[several], goes_on[several]
    last = np.flatnonzero(~goes_on)
    following = np.repeat(last, np.diff(last, prepend=-1)) - np.arange(len(order))
    return sample[order], frequency[order], following


def _pairs(following: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield entries and partners, so that each pair of entries of one clone comes once; about so many at once."""
    entries = np.arange(len(following))
    held: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    size = ahead = 0
    while len(entries):
        ahead += 1
        entries = entries[following[entries] >= ahead]
        held.append((entries, entries + ahead))
        size += len(entries)
        if size and (size > PAIRS_AT_ONCE or not len(entries)):
            yield np.concatenate([a for a, _ in held]), np.concatenate([b for _, b in held])
            held, size = [], 0


def _add(pairs: Floats, place: NDArray[np.int64], x: Floats, y: Floats) -> None:
    """Add the terms of pairs of entries to the rows of their pairs of samples."""
    from scipy.sparse import csc_array

    xy = x * y
    terms = np.empty((len(place), len(SUMS)))
    columns: dict[str, Any] = {
        "clones": 1,
        "xy": xy,
        "xxy": xy * x,
        "xyy": xy * y,
        "root_xy": np.sqrt(xy),
        "least": np.minimum(x, y),
        "x": x,
        "y": y,
    }
    for i, name in enumerate(SUMS):
        terms[:, i] = columns[name]
    ones, ends = np.ones(len(place)), np.arange(len(place) + 1)
    pairs += csc_array((ones, place, ends), shape=(len(pairs), len(place))) @ terms
