"""B cells: families that descend from one recombined cell, and the variants that somatic hypermutation makes of it.

A naive cell is a family by itself. A memory family is a tree: its first member is the ancestor of those that are seen,
already mutated since recombination; each further member hangs on a random earlier one, mutated once more and sometimes
switched to another class. Mutation is drawn base by base, as AID aims: often at WRC, rarely at SYC (and the same on the
other strand), more often a transition than not. What gives a stop codon or hits the codon at an end is not taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.simulate.receptors.nucleotides import (
    CODON,
    STOP,
    Bytes,
    Integers,
    amino_acid_strings,
    nucleotide_strings,
    to_bases,
)
from tilseq.simulate.receptors.nucleotides import amino_acids as translated
from tilseq.simulate.receptors.recombination import draw_chains

Floats = NDArray[np.float64]

KAPPA_SHARE = 0.6  # human light chains are kappa to lambda about 60 to 40 (round figure)
MEMORY_SHARE = (
    0.1  # of the families of all B cells; round figure that gives memory about 40 % of cells, as in adults' blood
)
SIZE_TAIL = 1.2  # exponent of the Pareto tail of memory families' sizes in cells; round figure
MEMBERS_PER_CELL = 0.5  # further members for each cell above the first, on average; round figure
MOST_MEMBERS = 60
MEMBER_SPREAD = 1.0  # standard deviation of the logarithm of the shares within a family; round figure
# Mutations per base between recombination and the ancestor of a memory family that is unswitched or switched, and on
# each branch of its tree; round figures that put IgM memory near 3 % and IgG near 6 %, as in V genes.
TRUNK_RATE, SWITCHED_TRUNK_RATE, BRANCH_RATE = 0.02, 0.05, 0.02
RATE_SHAPE = 2.0  # of the gamma distribution of families around these means; round figure
LIGHT_RATE = 0.6  # times the rate of the heavy chain; round figure
TRANSITIONS = 0.6  # share of mutations A<->G and C<->T, where a third would be chance; round figure
# How much oftener than elsewhere WRC, WA and SYC are hit (W: A or T, R: A or G, S: C or G, Y: C or T) and the same on
# the other strand; round figures after the mutabilities of Yaari and others, Front Immunol 2013;4:358.
HOT, WARM, COLD = 4.0, 2.0, 0.3
# Classes in the order of their genes, for switching runs only forward; share among naive and among memory families:
# round figures after blood of adults.
CLASSES = ("IGHM", "IGHD", "IGHG3", "IGHG1", "IGHA1", "IGHG2", "IGHG4", "IGHA2")
NAIVE_CLASSES = (0.85, 0.15, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
MEMORY_CLASSES = (0.34, 0.02, 0.05, 0.26, 0.14, 0.11, 0.02, 0.06)
UNSWITCHED = 2  # the first classes
SWITCHING = 0.1  # chance on a branch; round figure
A, C, G, T, NONE = range(5)  # bases, and what stands beyond the end


def draw_families(rng: np.random.Generator, families: int, *, memory_share: float = MEMORY_SHARE) -> pl.DataFrame:
    """Draw families of B cells.

    Parameters
    ----------
    rng
        Random stream.
    families
        How many.
    memory_share
        Share of the families that are memory; the rest is one naive cell each.

    Returns
    -------
    polars.DataFrame
        One row a member, sorted by family and member: `family` (from 0), `member` (0 is the ancestor of the others),
        `v_call`, `d_call`, `j_call`, `c_call`, `junction`, `junction_aa` (IGH), `mutations` (nucleotides of the
        heavy junction that differ from member 0), `light_locus`, `light_v_call`, `light_j_call`, `light_junction`,
        `light_junction_aa`, and `frequency` (share of all cells; sums to 1). Calls are those of the recombined cell,
        allele *01. Junctions are in frame, without stop codon, of one length in a family. Members of a family
        differ as cells do: two may have the same junction, for mutations elsewhere in the V gene are not drawn.

    Raises
    ------
    ValueError
        `families` is below 0, or `memory_share` no share.
    """
    if families < 0:
        raise ValueError(f"draw_families needs a number of families of 0 or more, not {families}")
    if not 0 <= memory_share <= 1:
        raise ValueError(f"draw_families needs a share of memory from 0 to 1, not {memory_share}")
    heavy = draw_chains(rng, "IGH", families)
    light = _light_chains(rng, families)
    memory = rng.random(families) < memory_share
    cells = np.where(memory, 1 + rng.pareto(SIZE_TAIL, families), 1.0)
    tree = _trees(rng, cells)
    founders = np.where(memory, _choose(rng, MEMORY_CLASSES, families), _choose(rng, NAIVE_CLASSES, families))
    rates = _rates(rng, memory, founders, tree)
    bases, lengths = _matrix(heavy["junction"])
    light_bases, light_lengths = _matrix(light["junction"])
    grown = _grow(rng, bases, tree, rates)
    light_grown = _grow(rng, light_bases, tree, LIGHT_RATE * rates)
    calls = heavy[tree.family].select("v_call", "d_call", "j_call")
    classes = _classes(rng, founders, tree)
    return calls.select(
        pl.Series("family", tree.family),
        pl.Series("member", tree.member),
        pl.all(),
        pl.Series("c_call", CLASSES, dtype=pl.String).gather(classes),
        *_strings(grown, lengths[tree.family], "junction"),
        pl.Series("mutations", (grown != grown[tree.first]).sum(axis=1)),
        *light[tree.family].select(light_locus="locus", light_v_call="v_call", light_j_call="j_call"),
        *_strings(light_grown, light_lengths[tree.family], "light_junction"),
        pl.Series("frequency", _frequencies(rng, cells, tree)),
    )


@dataclass(frozen=True)
class _Tree:
    """Members of all families, one behind the other: family, number within it, and rows of first member and parent."""

    family: Integers
    member: Integers
    first: Integers
    parent: Integers

    @property
    def generations(self) -> list[Integers]:
        """Rows of the members 0, 1, 2... of all families that have them; a parent comes before its children."""
        order = np.argsort(self.member, kind="stable")
        return np.split(order, np.flatnonzero(np.diff(self.member[order])) + 1) if len(order) else []


def _trees(rng: np.random.Generator, cells: Floats) -> _Tree:
    """Draw how many members each family has, and from which earlier one each stems; large families have more."""
    further = np.minimum(rng.poisson(MEMBERS_PER_CELL * (cells - 1)), MOST_MEMBERS - 1)
    family = np.repeat(np.arange(len(cells)), 1 + further)
    first = (np.cumsum(1 + further) - 1 - further)[family]
    member = np.arange(len(family)) - first
    return _Tree(family, member, first, first + (rng.random(len(family)) * member).astype(np.int64))


def _light_chains(rng: np.random.Generator, chains: int) -> pl.DataFrame:
    kappa = rng.random(chains) < KAPPA_SHARE
    drawn = [draw_chains(rng, "IGK", int(kappa.sum())), draw_chains(rng, "IGL", int((~kappa).sum()))]
    order = np.argsort(np.concatenate([np.flatnonzero(kappa), np.flatnonzero(~kappa)]))
    return pl.concat(drawn)[order].with_columns(locus=pl.col("v_call").str.head(3))


def _choose(rng: np.random.Generator, shares: tuple[float, ...], size: int) -> Integers:
    return rng.choice(len(shares), size, p=shares)


def _rates(rng: np.random.Generator, memory: NDArray[np.bool_], founders: Integers, tree: _Tree) -> Floats:
    """Return how many mutations a base of the heavy junction is to take on its way from the parent to each member."""
    trunk = np.where(founders < UNSWITCHED, TRUNK_RATE, SWITCHED_TRUNK_RATE)
    age = rng.gamma(RATE_SHAPE, 1 / RATE_SHAPE, len(founders)) * memory
    return age[tree.family] * np.where(tree.member == 0, trunk[tree.family], BRANCH_RATE)


def _classes(rng: np.random.Generator, founders: Integers, tree: _Tree) -> Integers:
    """Return the class of each member: that of its parent, or one further on."""
    classes = founders[tree.family]
    target = _choose(rng, MEMORY_CLASSES, len(classes))
    switching = (rng.random(len(classes)) < SWITCHING) & (target >= UNSWITCHED)
    for rows in tree.generations[1:]:
        inherited = classes[tree.parent[rows]]
        classes[rows] = np.where(switching[rows], np.maximum(target[rows], inherited), inherited)
    return classes


def _frequencies(rng: np.random.Generator, cells: Floats, tree: _Tree) -> Floats:
    shares = rng.lognormal(0, MEMBER_SPREAD, len(tree.family))
    within = np.bincount(tree.family, shares, len(cells))
    return np.asarray(shares * (cells / within)[tree.family] / cells.sum())


def _matrix(junctions: pl.Series) -> tuple[Bytes, Integers]:
    """Return junctions as rows of bases, filled up with `NONE`, and their lengths."""
    lengths = junctions.str.len_bytes().to_numpy().astype(np.int64)
    bases = np.full((len(lengths), int(lengths.max(initial=0))), NONE, np.uint8)
    bases[np.arange(bases.shape[1]) < lengths[:, None]] = to_bases("".join(junctions))
    return bases, lengths


def _strings(bases: Bytes, lengths: Integers, name: str) -> tuple[pl.Series, pl.Series]:
    letters = bases[bases != NONE]
    return nucleotide_strings(letters, lengths).alias(name), amino_acid_strings(letters, lengths).alias(f"{name}_aa")


def _grow(rng: np.random.Generator, bases: Bytes, tree: _Tree, rates: Floats) -> Bytes:
    """Return the junction of each member, mutated along the tree from the rearrangement of its family."""
    grown = bases[tree.family]
    inner = np.maximum((grown != NONE).sum(axis=1) - 2 * CODON, 0)
    numbers = rng.poisson(rates * inner)
    for generation, rows in enumerate(tree.generations):
        start = grown[tree.parent[rows]] if generation else grown[rows]
        grown[rows] = _mutate(rng, start, numbers[rows])
    return grown


def _mutate(rng: np.random.Generator, bases: Bytes, numbers: Integers) -> Bytes:
    """Return rows of bases after the given numbers of mutations, one after the other."""
    bases, left = bases.copy(), numbers.copy()
    while (rows := np.flatnonzero(left)).size:
        reach = _targeting(bases[rows]).cumsum(axis=1)
        place = (reach <= (rng.random(len(rows)) * reach[:, -1])[:, None]).sum(axis=1)
        # A is 0, C 1, G 2, T 3: the other bit pattern of 2 is the transition, 1 and 3 are the transversions.
        change = np.where(rng.random(len(rows)) < TRANSITIONS, 2, rng.choice([1, 3], len(rows)))
        codon = (place // CODON * CODON)[:, None] + np.arange(CODON)
        new = bases[rows[:, None], codon]
        new[np.arange(len(rows)), place % CODON] ^= change.astype(np.uint8)
        good = translated(new) != ord(STOP)
        bases[rows[good, None], codon[good]] = new[good]
        left[rows[good]] -= 1
    return bases


def _targeting(bases: Bytes) -> Floats:
    """Return how often each base is hit, relative to a base in no special place; 0 in the codons at either end."""
    around = np.pad(bases, ((0, 0), (2, 2)), constant_values=NONE)
    two_before, before, after, two_after = (around[:, shift : shift + bases.shape[1]] for shift in (0, 1, 3, 4))
    # The second line of each pair is the first on the other strand.
    hot = (bases == C) & _in(before, A, G) & _in(two_before, A, T)
    hot |= (bases == G) & _in(after, C, T) & _in(two_after, A, T)
    cold = (bases == C) & _in(before, C, T) & _in(two_before, C, G)
    cold |= (bases == G) & _in(after, A, G) & _in(two_after, C, G)
    warm = (bases == A) & _in(before, A, T)
    warm |= (bases == T) & _in(after, A, T)
    weights = np.select([hot, cold, warm], [HOT, COLD, WARM], 1.0)
    inner = (bases != NONE).sum(axis=1)[:, None] - CODON
    weights[:, :CODON] = 0
    weights[np.arange(bases.shape[1]) >= inner] = 0
    return weights


def _in(bases: Bytes, one: int, other: int) -> NDArray[np.bool_]:
    return np.asarray((bases == one) | (bases == other))
