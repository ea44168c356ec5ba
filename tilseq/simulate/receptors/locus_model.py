"""The statistics of V(D)J recombination of one locus: the tables of `germline/`, made ready to draw from.

The source, papers and licence of every table stand in its first lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.simulate.receptors.alias import Alias, alias
from tilseq.simulate.receptors.nucleotides import CODON, Bytes, Integers, to_bases

Locus = Literal["TRA", "TRB", "IGH", "IGK", "IGL"]
LOCI: tuple[Locus, ...] = get_args(Locus)
Floats = NDArray[np.float64]

ANCHOR = CODON  # bases of the codon at either end of a junction, which stays whole
# Share of rearrangements made without TdT, so without non-templated bases, as before birth; such clones persist in
# adults (Pogorelyy and others, PLoS Comput Biol 2017;13:e1005572). Fitted: how many TRB junctions of scRepertoire have
# few bases between the germline of V and J. TRA showed none beyond what the model has.
WITHOUT_TDT: dict[str, float] = {"TRB": 0.05}
LONGEST = 60  # amino acids of a junction, where selection sets no limit
PALINDROME = 6  # most palindromic (P) nucleotides at an end in any of the models


@dataclass(frozen=True)
class Segment:
    """The genes of one segment; all arrays are by number of the gene.

    Attributes
    ----------
    names
        IMGT gene names, without allele.
    codes
        Germline of all genes, one behind the other (0 to 3 for A, C, G, T), each between its palindromes.
    start
        Where a gene's own first base stands in `codes`.
    length
        Bases of the gene that can lie in the junction.
    """

    names: tuple[str, ...]
    codes: Bytes
    start: Integers
    length: Integers


@dataclass(frozen=True)
class Trims:
    """Nucleotides that genes lose at one end; below 0, palindromic ones that they gain.

    Attributes
    ----------
    first
        What the first outcome of `choice` stands for.
    choice
        One row a gene.
    """

    first: int
    choice: Alias

    def draw(self, rng: np.random.Generator, genes: Integers) -> Integers:
        """Draw the nucleotides lost by each gene."""
        return self.choice.draw(rng, genes) + self.first


@dataclass(frozen=True)
class DGenes:
    """D genes, and the non-templated bases between V and D.

    Attributes
    ----------
    given_j
        D gene: one row a J gene.
    first, span, trims
        Both ends together, one row a gene: outcome ``(five - first) * span + three - first``.
    inserted
        How many bases stand between V and D; a single row.
    steps
        Which bases: see `LocusModel.steps`.
    """

    segment: Segment
    given_j: Alias
    first: int
    span: int
    trims: Alias
    inserted: Alias
    steps: Alias


@dataclass(frozen=True)
class LocusModel:
    """What is drawn from for one locus.

    Attributes
    ----------
    pairs
        V and J gene together, a single row: V number × number of J genes + J number.
    d
        None for TRA, IGK and IGL.
    bare
        How often to try a rearrangement without any non-templated base; so much more often than these come about as
        `passing` lets fewer of them through.
    passing
        Kind (with insertions, bare) × length before the last insertion (that before J; the last column is for all
        that is longer): chance that the insertion gives a junction that is in frame and passes selection by length,
        relative to the highest of its kind.
    inserted
        How many bases the last insertion has, given that; a row for each cell of `passing`.
    steps
        Each inserted base given the one before; the last row is for the first. Counted from V, or from J if there
        is a D.
    """

    v: Segment
    j: Segment
    pairs: Alias
    v_trims: Trims
    j_trims: Trims
    d: DGenes | None
    bare: float
    passing: Floats
    inserted: Alias
    steps: Alias


@cache
def locus_model(locus: Locus) -> LocusModel:
    """Read the model of one locus.

    Raises
    ------
    ValueError
        `locus` is none of `LOCI`.
    """
    if locus not in LOCI:
        raise ValueError(f"no recombination model of {locus!r}; there are {', '.join(LOCI)}")
    v, j = _segment(locus, "V"), _segment(locus, "J")
    selection = dict(_table("selection").filter(locus=locus).select("what", "factor").iter_rows())
    v_first, v_trims = _trims(locus, v.names, 3)
    j_first, j_trims = _trims(locus, j.names, 5)
    pairs = _matrix(_table("pairs").filter(locus=locus), "v", v.names, "j", j.names)
    for axis, segment, first, trims in ((0, v, v_first, v_trims), (1, j, j_first, j_trims)):
        # A gene counts as often as its anchor survives trimming; selection then weighs it.
        trims[first + np.arange(trims.shape[1]) > (segment.length - ANCHOR)[:, None]] = 0
        factor = trims.sum(axis=1) * [selection.get(name, 1.0) for name in segment.names]
        pairs *= np.expand_dims(factor, 1 - axis)
    d = _d_genes(locus, j.names) if locus in ("TRB", "IGH") else None
    last = "DJ" if d else "VJ"
    bare, passing, endings = _endings(WITHOUT_TDT.get(locus, 0.0), _insertions(locus, last), _length_factors(selection))
    return LocusModel(
        v=v,
        j=j,
        pairs=alias(pairs.reshape(1, -1)),
        v_trims=Trims(v_first, alias(v_trims)),
        j_trims=Trims(j_first, alias(j_trims)),
        d=d,
        bare=bare,
        passing=passing,
        inserted=alias(endings),
        steps=_steps(locus, last),
    )


@cache
def _table(name: str) -> pl.DataFrame:
    path = files("tilseq.simulate.receptors") / "germline" / f"{name}.tsv"
    return pl.read_csv(path.read_bytes(), separator="\t", comment_prefix="#", infer_schema_length=None)


def _segment(locus: Locus, letter: str) -> Segment:
    genes = _table("genes").filter(pl.col("gene").str.starts_with(locus + letter))
    flanked = [_with_palindromes(sequence) for sequence in genes["germline"]]
    lengths = genes["germline"].str.len_bytes().to_numpy().astype(np.int64)
    before = np.cumsum(lengths + 2 * PALINDROME) - lengths - 2 * PALINDROME
    return Segment(tuple(genes["gene"]), to_bases("".join(flanked)), before + PALINDROME, lengths)


def _with_palindromes(sequence: str) -> str:
    mirrored = sequence[::-1].translate(str.maketrans("ACGT", "TGCA"))
    return mirrored[-PALINDROME:] + sequence + mirrored[:PALINDROME]


def _matrix(table: pl.DataFrame, rows: str, row_names: tuple[str, ...], columns: str, names: tuple[str, ...]) -> Floats:
    matrix = np.zeros((len(row_names), len(names)))
    for row, column, share in table.select(rows, columns, "share").iter_rows():
        matrix[row_names.index(row), names.index(column)] = share
    return matrix


def _numbers(text: str) -> list[float]:
    return [float(word) for word in text.split()]


def _trims(locus: Locus, genes: tuple[str, ...], end: int) -> tuple[int, Floats]:
    """Return the number that the first column stands for, and shares as genes × nucleotides."""
    table = _table("trims").filter(pl.col("locus") == locus, pl.col("end") == end, pl.col("gene").is_in(genes))
    by_gene = {gene: _numbers(shares) for gene, shares in table.select("gene", "shares").iter_rows()}
    first: int = table["first"][0]
    return first, np.array([by_gene[gene] for gene in genes])


def _d_genes(locus: Locus, j_names: tuple[str, ...]) -> DGenes:
    segment = _segment(locus, "D")
    first, five = _trims(locus, segment.names, 5)
    threes = _table("trims").filter(pl.col("locus") == locus, pl.col("given").is_not_null())
    span = five.shape[1]
    trims = np.zeros((len(segment.names), span, span))
    for gene, given, shares in threes.select("gene", "given", "shares").iter_rows():
        number = segment.names.index(gene)
        trims[number, given - first] = np.array(_numbers(shares)) * five[number, given - first]
    lost = first + np.arange(span)
    over = np.maximum(lost, 0)[:, None] + lost > segment.length[:, None, None]
    trims[over] = 0
    return DGenes(
        segment=segment,
        given_j=alias(_matrix(_table("d_use").filter(locus=locus), "j", j_names, "d", segment.names)),
        first=first,
        span=span,
        trims=alias(trims.reshape(len(trims), -1)),
        inserted=alias(_insertions(locus, "VD")[None]),
        steps=_steps(locus, "VD"),
    )


def _insertions(locus: Locus, join: str) -> Floats:
    return np.array(_numbers(_table("insertions").filter(locus=locus, join=join)["shares"].item()))


def _steps(locus: Locus, join: str) -> Alias:
    """Return the chain of inserted bases; the first base is drawn from its stationary distribution."""
    table = _table("steps").filter(locus=locus, join=join).sort("before")
    steps = np.array([_numbers(shares) for shares in table["shares"]])
    steps /= steps.sum(axis=1, keepdims=True)
    stationary = np.linalg.matrix_power(steps, 64)[0]
    return alias(np.vstack([steps, stationary]))


def _length_factors(selection: dict[str, float]) -> Floats:
    """Return the factor of each junction length in amino acids; the last is 0."""
    factors = {int(what): factor for what, factor in selection.items() if what.isdigit()}
    if not factors:
        return np.append(np.ones(LONGEST + 1), 0.0)
    return np.array([factors.get(length, 0.0) for length in range(max(factors) + 2)])


def _endings(bare: float, insertions: Floats, factors: Floats) -> tuple[float, Floats, Floats]:
    """Return `bare`, `passing` and the weights of `inserted` of `LocusModel` for a share of bare rearrangements."""
    nothing = np.zeros(len(insertions))
    nothing[0] = insertions.sum()
    weights = np.stack([_finishing(insertions, factors), _finishing(nothing, factors)])
    passing = weights.sum(axis=2)
    highest = passing.max(axis=1)
    tried = highest * (1 - bare, bare)
    return float(tried[1] / tried.sum()), passing / highest[:, None], weights.reshape(-1, len(insertions))


def _finishing(insertions: Floats, factors: Floats) -> Floats:
    """Return the weight of each last insertion (columns) by the length without it (rows; nothing fits the last).

    A weight is the share of the insertion times the factor of the length that results, and 0 out of frame.
    """
    before = np.arange(CODON * (len(factors) - 1) + 1)
    total = before[:, None] + np.arange(len(insertions))
    amino_acids = np.minimum(total // CODON, len(factors) - 1)
    return np.where(total % CODON == 0, insertions * factors[amino_acids], 0.0)
