"""The genes of the simulated transcriptome: their means, and how programmes and kinds of cells move them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.errors import TableError, did_you_mean

Floats = NDArray[np.float64]
# Kinds of cells that have a transcriptome here; granulocytes do not survive the preparation.
KINDS = ("CD4", "CD8", "B", "NK", "monocyte")
# What moves genes together beside the programmes, and is in no gene set: each factor moves half of the genes.
HIDDEN_FACTORS, HIDDEN_SPREAD, HIDDEN_SEED = 6, 0.25, 20_26
HIDDEN_IN_RIBOSOMES = 0.3  # ribosomal genes move this much as far


@dataclass(frozen=True)
class Panel:
    """Genes and what moves them.

    Attributes
    ----------
    genes
        Symbols, sorted.
    per_10k
        Mean of each gene per 10,000 UMIs in an average resting T cell; of a V gene, where the receptor uses it.
    dispersion
        Squared coefficient of variation between cells alike in everything else.
    on_share
        Share of cells in which the gene is on at all; it comes in bursts where this is below 1.
    variable
        Which are V genes of T-cell receptors.
    size_exponent
        How much more than in proportion the gene gains in large cells.
    programmes
        Programmes × genes: natural log of the ratio by which the gene moves when the level rises by 1.
    kinds
        `KINDS` × genes: natural log of the ratio to the average T cell.
    hidden
        Hidden factors × genes: natural log of the ratio when the factor rises by 1.
    """

    genes: tuple[str, ...]
    per_10k: Floats
    dispersion: Floats
    on_share: Floats
    variable: NDArray[np.bool_]
    size_exponent: Floats
    programmes: Floats
    kinds: Floats
    hidden: Floats

    def columns_of(self, names: pl.Series) -> NDArray[np.int64]:
        """Return the column of each V gene, -1 for null.

        Parameters
        ----------
        names
            As IMGT or Ensembl write them: ``TRAV38-2/DV8*01`` and ``TRAV38-2DV8`` are the same.

        Raises
        ------
        TableError
            A name is not that of a V gene of the panel.
        """
        place = {gene: column for column, gene in enumerate(self.genes) if self.variable[column]}
        plain = names.cast(pl.String).str.replace(r"\*.*$", "").str.replace("/", "", literal=True)
        found = {gene: place.get(gene, -2) for gene in plain.unique(maintain_order=True).drop_nulls()}
        unknown = [gene for gene, column in found.items() if column == -2]
        if unknown:
            mend = did_you_mean(unknown[0], list(place))
            raise TableError("not a V gene of the panel", column=names.name, found=unknown[0], mend=mend)
        return np.array([-1 if gene is None else found[gene] for gene in plain], dtype=np.int64)


def read_table(name: str) -> pl.DataFrame:
    """Read one of the simulator's tab-separated tables; lines that start with ``#`` tell its source."""
    place = files("tilseq.simulate.cells") / "tables" / name
    return pl.read_csv(place.read_bytes(), separator="\t", comment_prefix="#")


@cache
def panel() -> Panel:
    """Return the genes of the simulator, read once."""
    table = read_table("genes.tsv")
    genes = tuple(table["gene"])
    numbers = {name: table[name].to_numpy() for name in ("per_10k", "dispersion", "on_share", "size_exponent")}
    return Panel(
        genes=genes,
        variable=(table["class"] == "v_gene").to_numpy(),
        programmes=_log_folds(read_table("programmes.tsv"), "programme", programme_names(), genes),
        hidden=_hidden((table["class"] == "ribosomal").to_numpy()),
        kinds=_log_folds(read_table("kinds.tsv"), "kind", KINDS, genes),
        **numbers,
    )


@cache
def programme_names() -> tuple[str, ...]:
    """Return the names of the programmes, in the order of every array of levels."""
    return tuple(read_table("programmes.tsv")["programme"].unique(maintain_order=True))


def _hidden(ribosomal: NDArray[np.bool_]) -> Floats:
    """Return how the hidden factors move each gene: drawn once for all from a seed of their own."""
    rng = np.random.Generator(np.random.PCG64(HIDDEN_SEED))
    size = (HIDDEN_FACTORS, len(ribosomal))
    drawn = rng.normal(0, HIDDEN_SPREAD, size) * (rng.random(size) < 0.5)
    return np.asarray(np.where(ribosomal, HIDDEN_IN_RIBOSOMES * drawn, drawn))


def _log_folds(table: pl.DataFrame, key: str, names: tuple[str, ...], genes: tuple[str, ...]) -> Floats:
    """Return names × genes: the log fold of each row, 0 where there is none."""
    folds = np.zeros((len(names), len(genes)))
    rows = {name: row for row, name in enumerate(names)}
    columns = {gene: column for column, gene in enumerate(genes)}
    for name, gene, fold in table.select(key, "gene", "log_fold").iter_rows():
        folds[rows[name], columns[gene]] = fold
    return folds
