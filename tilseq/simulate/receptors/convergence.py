"""Clones that nature made twice: the same amino acids from other nucleotides."""

from __future__ import annotations

from itertools import product

import numpy as np
import polars as pl

from tilseq.simulate.receptors.nucleotides import AMINO_ACIDS, BASES

CODONS = dict(zip(map("".join, product(BASES, repeat=3)), AMINO_ACIDS, strict=True))


def twins(rng: np.random.Generator, clones: pl.DataFrame, originals: list[int], places: list[int]) -> pl.DataFrame:
    """Return the clones with twins of some of them in the places of others.

    Parameters
    ----------
    rng
        Random stream.
    clones
        Table of clones, one row a clone.
    originals, places
        Rows of the clones to copy and, as many, of those that become their twins: same V and J gene and the same
        `trb_junction_aa`, another `trb_junction`; `convergent_with` names the original's `clone`.
    """
    rows = clones.to_dicts()
    for original, place in zip(originals, places, strict=True):
        source, twin = rows[original], rows[place]
        twin |= {name: value for name, value in source.items() if name.startswith("trb_")}
        twin["trb_junction"] = synonym(rng, source["trb_junction"])
        twin |= {"convergent_with": source["clone"], "lineage": source["lineage"], "public": False}
    return pl.DataFrame(rows, schema=clones.schema)


def synonym(rng: np.random.Generator, junction: str) -> str:
    """Return other nucleotides for the same amino acids: one to three codons of the middle are changed.

    Raises
    ------
    ValueError
        No codon of the middle has a synonym.
    """
    codons = [junction[i : i + 3] for i in range(0, len(junction), 3)]
    choices = {place: _synonyms(codons[place]) for place in range(3, len(codons) - 3)}
    free = [place for place, others in choices.items() if others]
    if not free:
        raise ValueError("no codon of this junction has a synonym")
    for place in rng.permutation(free)[: int(rng.integers(1, 4))].tolist():
        codons[place] = choices[place][int(rng.integers(len(choices[place])))]
    return "".join(codons)


def _synonyms(codon: str) -> list[str]:
    return [other for other, meaning in CODONS.items() if other != codon and meaning == CODONS[codon]]
