"""Sums over the clones that two samples share, for all pairs of many samples in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.repertoire.in_turn import in_turn

Floats = NDArray[np.float64]
Codes = NDArray[np.uint64]
Places = NDArray[np.int64]

SEEDS = (1, 2)  # of the two halves of a clone's code
BUCKET_BITS = 6
BUCKETS = 2**BUCKET_BITS
PAIRS_AT_ONCE = 20_000  # their terms stay in the processor's cache
BUCKETS_AHEAD = 2  # one is added up while a thread brings together the next
SUMS = ("clones", "xy", "root_xy", "least", "x", "y")
OF_LIMITS = ("xxy", "xyy")


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
        Name in `SUMS` → samples × samples: over shared clones, of 1, xy, √(xy), min(x, y), x, y. Where they were asked
        for those in `OF_LIMITS`, too: of x²y, xy². The diagonal means nothing.
    richness, squares, cubes
        Of each sample: its clones, Σ x², Σ x³.
    """

    of_pairs: dict[str, Floats]
    richness: NDArray[np.int64]
    squares: Floats
    cubes: Floats


class _Bucket(NamedTuple):
    """The entries of clones of a bucket that several samples have, clone by clone.

    Attributes
    ----------
    sample, frequency
        Of each entry.
    following
        Of each entry, how many more of the same clone stand behind it.
    own
        Of each sample its clones of the bucket, shared or not, Σ x², Σ x³.
    """

    sample: Places
    frequency: Floats
    following: Places
    own: Floats


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


def shared_sums(samples: Sequence[Coded], *, of_limits: bool) -> SharedSums:
    """Return sums over shared clones for all pairs of samples, those that limits alone need only where asked for.

    Clones are taken a bucket at a time, so that beside the samples themselves little memory is needed. Within a bucket
    equal codes are brought together, and the terms of each pair of entries of one clone are added where its pair of
    samples belongs. The work grows with the number of clones and with that of shared clones over all pairs. Threads
    share it, and what they give is added in one order, so that every run has the same digits.
    """
    n = len(samples)
    names = (*SUMS, *OF_LIMITS) if of_limits else SUMS
    pairs = np.zeros((len(names), n * n))
    own = np.zeros((3, n))
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        for bucket in in_turn(pool, partial(_bucket, samples), range(BUCKETS), BUCKETS_AHEAD):
            own += bucket.own
            for place, x, y in _pairs(bucket, n):
                _add(pairs, place, x, y)
    one_way = {name: sums.reshape(n, n) for name, sums in zip(names, pairs, strict=True)}
    mirror = {"xxy": "xyy", "xyy": "xxy", "x": "y", "y": "x"}
    both = {name: sums + one_way[mirror.get(name, name)].T for name, sums in one_way.items()}
    return SharedSums(both, own[0].astype(np.int64), own[1], own[2])


def _bucket(samples: Sequence[Coded], bucket: int) -> _Bucket:
    """Bring together the clones of all samples that lie in a bucket."""
    parts = [(one, slice(one.bounds[bucket], one.bounds[bucket + 1])) for one in samples]
    first, second, frequency = (
        np.concatenate([getattr(one, name)[part] for one, part in parts]) for name in ("first", "second", "frequency")
    )
    clones = [part.stop - part.start for _, part in parts]
    sample = np.repeat(np.arange(len(samples)), clones)
    own = [clones, *(np.bincount(sample, frequency**power, len(samples)) for power in (2, 3))]
    order = np.argsort(first)
    ordered = first[order]
    same = ordered[1:] == ordered[:-1]
    again = np.flatnonzero(same)
    if (second[order[again + 1]] != second[order[again]]).any():
        # Two clones share the first half of their code and may lie mixed.
        order = np.lexsort((second, first))
        same = (first[order[1:]] == first[order[:-1]]) & (second[order[1:]] == second[order[:-1]])
    goes_on = np.zeros(len(order), bool)
    goes_on[:-1] = same
    several = goes_on.copy()
    several[1:] |= same
    order, goes_on = order[several], goes_on[several]
    last = np.flatnonzero(~goes_on)
    following = np.repeat(last, np.diff(last, prepend=-1)) - np.arange(len(order))
    return _Bucket(sample[order], frequency[order], following, np.array(own))


def _pairs(bucket: _Bucket, n: int) -> Iterator[tuple[Places, Floats, Floats]]:
    """Yield where the terms of pairs of entries of one clone belong, and x and y of each; about so many at once.

    Entries that have most behind them come first: those with another so far ahead are then the first so many.
    """
    following, sample, frequency = bucket.following, bucket.sample, bucket.frequency
    at_least = np.cumsum(np.bincount(following)[::-1])[::-1]
    ranked = np.argsort((following.max(initial=0) - following).astype(np.uint16), kind="stable")
    places, x = sample[ranked] * n, frequency[ranked]
    held: list[tuple[Places, Floats, Places]] = []
    size = 0
    for ahead, entries in enumerate(at_least[1:], 1):
        held.append((places[:entries], x[:entries], ranked[:entries] + ahead))
        size += entries
        if size > PAIRS_AT_ONCE or ahead == len(at_least) - 1:
            place, first, partner = (np.concatenate(parts) for parts in zip(*held, strict=True))
            yield place + sample[partner], first, frequency[partner]
            held, size = [], 0


def _add(pairs: Floats, place: Places, x: Floats, y: Floats) -> None:
    """Add the terms of pairs of entries to the columns of their pairs of samples."""
    xy = x * y
    terms = [None, xy, np.sqrt(xy), np.minimum(x, y), x, y]
    if len(pairs) > len(SUMS):
        terms += [xy * x, xy * y]
    for sums, term in zip(pairs, terms, strict=True):
        sums += np.bincount(place, term, len(sums))
