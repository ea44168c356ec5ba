"""Nucleotide sequences as arrays: bases are 0 to 3 for A, C, G, T, of one sequence behind the other."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

BASES = "ACGT"
CODON = 3
STOP = "*"
# Standard genetic code, codons in the order AAA, AAC, AAG, AAT, ACA...
AMINO_ACIDS = "KNKNTTTTRSRSIIMIQHQHPPPPRRRRLLLLEDEDAAAAGGGGVVVV*Y*YSSSS*CWCLFLF"


def to_bases(text: str) -> Bytes:
    """Return the bases of a sequence.

    Raises
    ------
    ValueError
        A letter is none of A, C, G, T.
    """
    letters = _letters(text)
    if not np.isin(letters, _letters(BASES)).all():
        raise ValueError("a nucleotide sequence holds another letter than A, C, G, T")
    return np.searchsorted(_letters(BASES), letters).astype(np.uint8)


def amino_acids(bases: Bytes) -> Bytes:
    """Return the ASCII letters of the amino acids of whole codons (standard genetic code; `*` is a stop codon)."""
    codons = bases.reshape(-1, CODON)
    return np.asarray(_letters(AMINO_ACIDS)[codons[:, 0] * 16 + codons[:, 1] * 4 + codons[:, 2]])


def nucleotide_strings(bases: Bytes, lengths: Integers) -> pl.Series:
    """Cut bases into strings of the given lengths."""
    return _cut(_letters(BASES)[bases], lengths)


def amino_acid_strings(bases: Bytes, lengths: Integers) -> pl.Series:
    """Translate bases and cut them into strings; `lengths` are in nucleotides, each a multiple of 3."""
    return _cut(amino_acids(bases), lengths // CODON)


def translate(sequences: pl.Series) -> pl.Series:
    """Return the amino acids of nucleotide sequences (standard genetic code; `*` is a stop codon).

    Parameters
    ----------
    sequences
        Upper-case A, C, G, T, each in frame from its first base.

    Raises
    ------
    ValueError
        A sequence is missing, is not a whole number of codons, or holds another letter.
    """
    lengths = sequences.str.len_bytes()
    if lengths.null_count() or (lengths % CODON != 0).any():
        raise ValueError("translate needs whole codons: a sequence is missing or its length is no multiple of 3")
    counts = lengths.to_numpy().astype(np.int64)
    return amino_acid_strings(to_bases("".join(sequences)), counts).alias(sequences.name)


def _cut(letters: Bytes, lengths: Integers) -> pl.Series:
    if len(lengths) == 0:
        return pl.Series([], dtype=pl.String)
    lined = np.insert(letters, np.cumsum(lengths)[:-1], ord("\n"))
    return pl.Series([lined.tobytes().decode()]).str.split("\n").explode()


def _letters(text: str) -> Bytes:
    return np.frombuffer(text.encode(), np.uint8)
