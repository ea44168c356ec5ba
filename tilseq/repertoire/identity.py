"""Whose clones a sample holds: samples that agree with another subject's samples and not with their own subject's.

Two samples *agree* at a locus where they share more clones than two people would by chance (`chance_sharing`): the
probability of as many is below 1 % shared out among all pairs of samples of different subjects (Bonferroni), so that in
a trial without a fault some pair is accused in at most 1 trial of 100. Clones that a leak within a run may have brought
(another subject's sample of the run holds ten times as many) take no part, whichever sample they are compared with.

That two samples of a person do not agree says something only where they would: their clones are so many that at the low
end of what agreeing samples of the study share (5 % quantile of shared / (n_a n_b)) they would agree with 99 %
probability. Others cannot be compared, nor can two that share somewhat more than people do (p below 1 %) and do not
agree: a failed library is never accused for being shallow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.repertoire.chance_sharing import MOST_SHARED, Chance, fit_chance, upper_tail
from tilseq.repertoire.libraries import Floats, Libraries, shared_clones

Flags = NDArray[np.bool_]

ALPHA = 0.01  # that any pair of a trial without a fault is accused
FEWEST_PAIRS = 10  # of different runs, so that these alone tell what is shared by chance
LOW_END = 0.05  # quantile of what agreeing samples share
SURE = 0.99  # with which two samples would agree if they were of one person
LEAST_CONTRAST = 10  # times what people share that samples of one person must, for a locus to tell that they do not


@dataclass(frozen=True)
class Locus:
    """What is shared at one locus; all arrays are libraries × libraries.

    Attributes
    ----------
    chance
        What people share.
    has
        Both libraries hold the locus.
    shared, tested
        Clones shared; those of them that no leak can have brought.
    expected, p
        Of `tested`, between two people.
    agree, compared
        More are shared than by chance; and whether it would show if the two were of one person.
    """

    chance: Chance
    has: Flags
    shared: Floats
    tested: Floats
    expected: Floats
    p: Floats
    agree: Flags
    compared: Flags


@dataclass(frozen=True)
class Support:
    """How many libraries of a subject a library agrees with, of how many that it could be compared with."""

    subject: str
    agree: int
    compared: int

    @property
    def most(self) -> bool:
        """Whether it agrees with more than half of them."""
        return 2 * self.agree > self.compared


def loci_of(libraries: Libraries, may_leak: pl.Series) -> dict[str, Locus]:
    """Return what each two libraries share, locus by locus.

    Parameters
    ----------
    libraries
        All libraries.
    may_leak
        For each row of `libraries.shared`, whether a leak may have brought it.
    """
    n = len(libraries.names)
    rows = libraries.shared.with_columns(may_leak=may_leak)
    drawn: dict[str, tuple[Flags, Floats, Floats, Floats]] = {}
    for locus in libraries.loci:
        here = rows.filter(locus=locus)
        clones = libraries.clones(locus)
        left_out = np.bincount(here.filter("may_leak")["sample"].to_numpy(), minlength=n)
        has = np.logical_and.outer(clones > 0, clones > 0) & ~np.eye(n, dtype=bool)
        kept = np.maximum(clones - left_out, 1)
        tested = shared_clones(here.filter(~here["may_leak"]), n)
        drawn[locus] = (has, shared_clones(here, n), tested, np.outer(kept, kept))
    across = ~_alike(libraries.subjects)
    pairs = sum(int((has & across).sum()) for has, *_ in drawn.values()) // 2
    threshold = ALPHA / max(pairs, 1)
    apart = across & ~_alike(libraries.runs)
    most = {locus: MOST_SHARED.get(locus, math.inf) for locus in drawn}
    return {locus: _locus(*parts, across, apart, threshold, most[locus]) for locus, parts in drawn.items()}


def _alike(words: Sequence[str | None]) -> Flags:
    """Return whether two libraries have the same word; one that is not known is like every other."""
    codes = np.array([hash(word) for word in words], np.int64)
    unknown = np.array([word is None for word in words], bool)
    return np.asarray(np.equal.outer(codes, codes) | np.logical_or.outer(unknown, unknown))


def _locus(
    has: Flags,
    shared: Floats,
    tested: Floats,
    products: Floats,
    across: Flags,
    apart: Flags,
    threshold: float,
    most: float,
) -> Locus:
    once = np.triu(has)
    null = once & apart if (once & apart).sum() >= FEWEST_PAIRS else once & across
    chance = fit_chance(tested[null], products[null], most=most)
    expected = chance.rate * products
    p = upper_tail(tested, expected, chance.dispersion) if chance.pairs else np.full(tested.shape, np.nan)
    agree = has & (p < threshold)
    rates = (tested / products)[np.triu(agree)]
    compared = agree.copy()
    if len(rates) and np.median(rates) >= LEAST_CONTRAST * chance.rate:
        needed = _needed(expected, chance.dispersion, threshold)
        compared |= has & (p >= ALPHA) & (_poisson_tail(needed, np.quantile(rates, LOW_END) * products) >= SURE)
    return Locus(chance, has, shared, tested, expected, p, agree, compared)


def _needed(expected: Floats, dispersion: float, threshold: float) -> Floats:
    """Return the smallest number of shared clones that agrees, searched by doubling and halving."""
    low, high = np.zeros_like(expected), np.ones_like(expected)
    while (wanting := upper_tail(high, expected, dispersion) >= threshold).any():
        low, high = np.where(wanting, high, low), np.where(wanting, 2 * high, high)
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        enough = upper_tail(middle, expected, dispersion) < threshold
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high


def _poisson_tail(count: Floats, mean: Floats) -> Floats:
    from scipy.special import gammainc

    return np.asarray(gammainc(count, mean))


def over_loci(loci: Sequence[Locus], libraries: int) -> tuple[Flags, Flags]:
    """Return whether two libraries agree at any locus, and whether they could be compared at any."""
    agree, compared = (np.zeros((libraries, libraries), bool) for _ in range(2))
    for locus in loci:
        agree |= locus.agree
        compared |= locus.compared
    return agree, compared


def supports(place: int, subjects: Sequence[str], agree: Flags, compared: Flags) -> tuple[Support, Support | None]:
    """Return the support that a library has of its own subject, and of the other that it agrees with most."""
    found: dict[str, list[int]] = {}
    for other, subject in enumerate(subjects):
        if other != place:
            both = found.setdefault(subject, [0, 0])
            both[0] += int(agree[place, other])
            both[1] += int(compared[place, other])
    own = Support(subjects[place], *found.pop(subjects[place], (0, 0)))
    others = [Support(subject, *numbers) for subject, numbers in found.items() if numbers[0]]
    return own, max(others, key=lambda one: (one.agree / one.compared, one.agree), default=None)


def true_subjects(subjects: Sequence[str], agree: Flags, compared: Flags) -> list[str]:
    """Return the subject of each library after every swap that the clones tell without doubt.

    A library is moved to another subject where it agrees with none of its own, with more than half of the other's, and
    either with two of these or against one of its own. The clearest goes first, each once, and all are judged anew: of
    two subjects that exchanged a sample each, the other samples then stand with their own.

    Parameters
    ----------
    subjects
        As the samples are labelled.
    agree, compared
        Libraries × libraries.
    """
    now, moved = list(subjects), set[int]()
    while True:
        best: tuple[tuple[int, float, int], int, str] | None = None
        for place in range(len(now)):
            own, other = supports(place, now, agree, compared)
            if place in moved or own.agree or other is None or not other.most:
                continue
            if own.compared or other.agree > 1:
                clear = (own.compared + other.agree, other.agree / other.compared, -place)
                best = max(best, (clear, place, other.subject)) if best else (clear, place, other.subject)
        if best is None:
            return now
        moved.add(best[1])
        now[best[1]] = best[2]
