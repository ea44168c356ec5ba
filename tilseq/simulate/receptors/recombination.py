"""Receptor chains by V(D)J recombination: what the thymus or the marrow makes and lets out, before any antigen.

Genes are drawn, trimmed and joined by non-templated bases with the human statistics of `locus_model`; what is out of
frame or holds a stop codon is thrown away. For TRA and TRB each gene and each junction length counts by a factor that
stands for selection in thymus and blood, fitted to T cells of blood and tumour (see `germline/selection.tsv`). Part of
TRB is made without any non-templated base, which is where most sequences that unrelated people share come from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from tilseq.simulate.receptors.alias import Alias
from tilseq.simulate.receptors.locus_model import Locus, LocusModel, Segment, locus_model
from tilseq.simulate.receptors.nucleotides import (
    BASES,
    CODON,
    STOP,
    Bytes,
    Integers,
    amino_acid_strings,
    amino_acids,
    nucleotide_strings,
)

LARGEST_BATCH = 1 << 16  # rearrangements at a time; about what stays in a processor's cache


@dataclass(frozen=True)
class _Batch:
    """Rearrangements: numbers of their genes, and their bases (0 to 3) one behind the other."""

    genes: Integers  # V, D and J, or V and J × rearrangements
    lengths: Integers
    bases: Bytes


def draw_chains(rng: np.random.Generator, locus: Locus, chains: int) -> pl.DataFrame:
    """Draw productive rearrangements, independent of each other.

    Parameters
    ----------
    rng
        Random stream.
    locus
        TRA, TRB, IGH, IGK or IGL.
    chains
        How many.

    Returns
    -------
    polars.DataFrame
        One row a rearrangement, in the order drawn: `v_call`, `d_call` (null where the locus has no D), `j_call`
        (IMGT, allele *01), `junction` (nucleotides, in frame, no stop codon, from the codon of the cysteine to that of
        the phenylalanine or tryptophan) and `junction_aa`. The same junction may come more than once, as in nature.

    Raises
    ------
    ValueError
        `locus` has no model, or `chains` is below 0.
    """
    if chains < 0:
        raise ValueError(f"draw_chains needs a number of chains of 0 or more, not {chains}")
    model = locus_model(locus)
    batches, found = [], 0
    while found < chains:
        batch = _productive(_rearrange(rng, model, min(4 * (chains - found) + 64, LARGEST_BATCH)))
        batches.append(batch)
        found += len(batch.lengths)
    segments = [model.v, model.d.segment, model.j] if model.d else [model.v, model.j]
    genes = np.concatenate([np.empty((len(segments), 0), np.int64), *(batch.genes for batch in batches)], axis=1)
    lengths = np.concatenate([np.empty(0, np.int64), *(batch.lengths for batch in batches)])[:chains]
    bases = np.concatenate([np.empty(0, np.uint8), *(batch.bases for batch in batches)])[: int(lengths.sum())]
    calls = [_calls(segment, numbers[:chains]) for segment, numbers in zip(segments, genes, strict=True)]
    d_call = calls[1] if model.d else pl.Series([None] * chains, dtype=pl.String)
    return pl.DataFrame(
        {
            "v_call": calls[0],
            "d_call": d_call,
            "j_call": calls[-1],
            "junction": nucleotide_strings(bases, lengths),
            "junction_aa": amino_acid_strings(bases, lengths),
        }
    )


def _rearrange(rng: np.random.Generator, model: LocusModel, tries: int) -> _Batch:
    """Draw rearrangements that are in frame; fewer than `tries`.

    The last insertion is drawn so that the frame is right, after a rearrangement has been kept with the chance that
    its insertion would have come out so: the same as throwing away what is out of frame, in a third of the time.
    """
    single = np.zeros(tries, np.int64)
    v, j = np.divmod(model.pairs.draw(rng, single), len(model.j.names))
    j_lost = model.j_trims.draw(rng, j)
    genes = [v, j]
    starts = [model.v.start[v], model.j.start[j] + j_lost]
    lengths = [model.v.length[v] - model.v_trims.draw(rng, v), model.j.length[j] - j_lost]
    bare = rng.random(tries) < model.bare
    if model.d:
        d = model.d.given_j.draw(rng, j)
        five, three = np.divmod(model.d.trims.draw(rng, d), model.d.span)
        five, three = five + model.d.first, three + model.d.first
        genes.insert(1, d)
        starts.insert(1, model.d.segment.start[d] + five)
        inserted = np.where(bare, 0, model.d.inserted.draw(rng, single))
        lengths[1:1] = [inserted, model.d.segment.length[d] - five - three]
    span = model.passing.shape[1]
    ending = bare * span + np.minimum(np.sum(lengths, axis=0), span - 1)
    kept = np.flatnonzero(rng.random(tries) < model.passing.ravel()[ending])
    lengths = [part[kept] for part in lengths]
    lengths.insert(-1, model.inserted.draw(rng, ending[kept]))
    bases = _join(rng, model, [part[kept] for part in starts], lengths)
    return _Batch(np.stack(genes)[:, kept], np.sum(lengths, axis=0), bases)


def _join(rng: np.random.Generator, model: LocusModel, starts: list[Integers], lengths: list[Integers]) -> Bytes:
    """Return the bases of V, (insertion, D,) insertion and J, of one rearrangement behind the other."""
    last = _insert(rng, model.steps, lengths[-2], backwards=model.d is not None)
    if model.d:
        first = _insert(rng, model.d.steps, lengths[1], backwards=False)
        pools = [model.v.codes, first, model.d.segment.codes, last, model.j.codes]
    else:
        pools = [model.v.codes, last, model.j.codes]
    for number in range(1, len(pools), 2):
        starts.insert(number, np.arange(len(lengths[0])) * pools[number].shape[1])
    ahead = np.cumsum([0, *(pool.size for pool in pools[:-1])])
    source = np.stack(starts, axis=1) + ahead
    length = np.stack(lengths, axis=1).ravel()
    ends = np.cumsum(length)
    # Each base is read from where its part begins in the pools plus how far it stands behind the part's first base.
    shift = (source.ravel() - ends + length).astype(np.int32)
    place = np.repeat(shift, length) + np.arange(int(length.sum()), dtype=np.int32)
    return np.asarray(np.concatenate([pool.ravel() for pool in pools])[place])


def _insert(rng: np.random.Generator, steps: Alias, lengths: Integers, *, backwards: bool) -> Bytes:
    """Draw non-templated bases by a chain of base steps: rearrangements × the longest insertion, filled from the left.

    `backwards` for a chain that begins at the right end of each insertion.
    """
    bases = np.zeros((len(lengths), int(lengths.max(initial=0))), np.uint8)
    growing = np.flatnonzero(lengths)
    state = np.full(len(growing), len(BASES), np.int64)
    for number in range(bases.shape[1]):
        state = steps.draw(rng, state)
        bases[growing, lengths[growing] - 1 - number if backwards else number] = state
        more = lengths[growing] > number + 1
        growing, state = growing[more], state[more]
    return bases


def _productive(batch: _Batch) -> _Batch:
    """Leave out what holds a stop codon."""
    codons = batch.lengths // CODON
    stops = np.append(0, np.cumsum(amino_acids(batch.bases) == ord(STOP)))
    ends = np.cumsum(codons)
    good = stops[ends] == stops[ends - codons]
    return _Batch(batch.genes[:, good], batch.lengths[good], batch.bases[np.repeat(good, batch.lengths)])


def _calls(segment: Segment, numbers: Integers) -> pl.Series:
    return pl.Series([f"{name}*01" for name in segment.names], dtype=pl.String).gather(numbers)
