"""Transcript counts of single cells and of bulk RNA: programmes, kinds of cells, sizes, bursts, ambient RNA, noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.errors import TableError
from tilseq.simulate.cells.genes import KINDS, Floats, Panel, panel, programme_names
from tilseq.simulate.cells.programmes import draw_specimen_shift, programme_levels

Places = NDArray[np.int64]

COLUMNS = ("clone", "state", "lineage", "trav", "trbv")  # of the cells

# UMIs of a resting T cell on these genes; they hold most of a transcriptome's 3,000 or so. Spreads are of the natural
# logarithm. Those of single cells were set beside scRepertoire's cells, the others are round figures.
MEDIAN_UMIS = 2_000.0
DEPTH_SPREAD = 0.35  # between samples
SIZE_SPREAD, SIZE_TAIL = 0.40, 0.35  # between cells of a sample: normal, and an exponential tail of large ones
POOR_SHARE, POOR_LOSS = 0.10, (0.5, 2.0)  # cells that lost a part of their RNA, and how much
DIVISION_GAIN, ACTIVATION_GAIN = 0.30, 0.10  # of RNA per level of the programme
KIND_GAIN = {"CD4": 0.0, "CD8": -0.05, "B": 0.1, "NK": -0.1, "monocyte": 0.6}
HIDDEN_SHIFT = 0.3  # of a specimen in what else moves genes together, beside the 1 of cells
BATCH_SPREAD = 0.15  # between libraries, gene by gene
AMBIENT_SHARE, AMBIENT_SPREAD, AMBIENT_SHAPE = 0.04, 0.4, 4.0  # median of samples, their spread, gamma shape of cells
MOST_AMBIENT = 0.5
V_GENE_SPREAD = 0.5  # of a receptor chain's expression between cells
BULK_COUNTS = 5e6
BULK_DEPTH_SPREAD, BULK_BATCH_SPREAD = 0.2, 0.20
BULK_DISPERSION = 0.02  # squared coefficient of variation of a gene between libraries of the same RNA
CELLS_AT_ONCE = 512
CELLS_OF_PROFILE = 1_000  # that stand for a sample in its ambient RNA


@dataclass(frozen=True)
class Counted:
    """Counts of single cells, and what is true of them.

    Attributes
    ----------
    counts
        Cells × genes, `scipy.sparse.csr_matrix` of int32.
    genes
        Symbol of each column.
    levels
        Cells × `programmes`: the level in the cell, for a doublet that of the row's own cell.
    programmes
        Name of each column of `levels`.
    """

    counts: Any
    genes: list[str]
    levels: Floats
    programmes: list[str]


@dataclass(frozen=True)
class Bulk:
    """Counts of bulk RNA (`gene`, `count`); the mean level of each programme over the T cells, empty without any."""

    counts: pl.DataFrame
    levels: dict[str, float]


@dataclass(frozen=True)
class _Cells:
    """What the expected expression of each cell follows from: level, kind and size, and the V genes it uses.

    `design` is cells × (programmes, kinds, deviation of the log size, hidden factors), `log_size` the log of the cell's
    expected UMIs, `v_genes` the columns of its two V genes (-1 for none) and `v_levels` their means per 10,000.
    """

    design: Floats
    log_size: Floats
    v_genes: Places
    v_levels: Floats

    def take(self, rows: Places | slice) -> _Cells:
        """Return some of the cells."""
        return _Cells(self.design[rows], self.log_size[rows], self.v_genes[rows], self.v_levels[rows])


def draw_counts(
    rng: np.random.Generator,
    cells: pl.DataFrame,
    specimen: str,
    day: int | None,
    *,
    sample_rng: np.random.Generator,
    clone_effects: Floats | None = None,
) -> Counted:
    """Draw the UMI counts of a sample's cells.

    A count is Poisson around library size × (expression × gamma noise × burst, diluted by ambient RNA). Expression is
    log-linear in programmes, kind of cell, size of the cell and library (batch), and sums to one over the genes.

    Parameters
    ----------
    rng
        Random stream of the sample: what cells and the laboratory do by chance.
    cells
        One row a droplet: what `programme_levels` asks for, and `trav`, `trbv` (V genes of its receptor, nullable),
        `doublet_of` (row, from 0, of the cell whose like is in the droplet too: state, levels and receptor of that
        row with counts of its own, which add; null for one cell). Other columns are left alone.
    specimen, day
        See `programme_levels`.
    sample_rng
        Random stream of the specimen: one of the same seed for each assay of it gives all the same biology.
    clone_effects
        From `draw_clone_effects`, the same for every sample of a subject; None for none.

    Returns
    -------
    Counted
        Rows as in `cells`.

    Raises
    ------
    TableError
        See `programme_levels`; also a column that is missing, an unknown V gene or a `doublet_of` that is no other row.
    """
    from scipy.sparse import csr_matrix, vstack

    _check_columns(cells, (*COLUMNS, "doublet_of"))
    genes = panel()
    shift = draw_specimen_shift(sample_rng)
    levels = programme_levels(rng, cells, specimen, day, shift=shift, clone_effects=clone_effects)
    first, second = _doublets(cells)
    rows = np.concatenate([np.arange(cells.height), second])
    drawn = _draw_cells(rng, genes, cells[rows], levels[rows], _draw_hidden(sample_rng, genes))
    log_base = _log_base(rng, genes, BATCH_SPREAD)
    soup = _mean_profile(genes, log_base, drawn.take(slice(0, cells.height)), CELLS_OF_PROFILE)
    soup_share = AMBIENT_SHARE * rng.lognormal(0, AMBIENT_SPREAD)
    blocks = [csr_matrix(block) for block in _draw_blocks(rng, genes, log_base, drawn, soup, soup_share)]
    counts = vstack([csr_matrix((0, len(genes.genes)), dtype=np.int32), *blocks], format="csr")
    if len(second):
        counts = _with_seconds(counts, first, cells.height)
    return Counted(counts, list(genes.genes), levels, list(programme_names()))


def bulk_counts(
    rng: np.random.Generator,
    cells: pl.DataFrame,
    specimen: str,
    day: int | None,
    *,
    sample_rng: np.random.Generator,
    clone_effects: Floats | None = None,
) -> Bulk:
    """Draw the counts of a bulk RNA library of about 5 million reads on these genes.

    Parameters
    ----------
    rng
        Random stream of the library.
    cells
        Cells that stand for the specimen, as in `draw_counts` (without `doublet_of`): some thousands, drawn from it.
    specimen, day, sample_rng, clone_effects
        See `draw_counts`.

    Returns
    -------
    Bulk
        `counts` has one row a gene, in the order of the single cells' columns.

    Raises
    ------
    TableError
        As `draw_counts`; also no cell at all.
    """
    if cells.is_empty():
        raise TableError("no cell stands for the specimen", found=0, expected="at least one row")
    _check_columns(cells, COLUMNS)
    genes = panel()
    shift = draw_specimen_shift(sample_rng)
    levels = programme_levels(rng, cells, specimen, day, shift=shift, clone_effects=clone_effects)
    drawn = _draw_cells(rng, genes, cells, levels, _draw_hidden(sample_rng, genes))
    profile = _mean_profile(genes, _log_base(rng, genes, BULK_BATCH_SPREAD), drawn, cells.height)
    noise = rng.gamma(1 / BULK_DISPERSION, BULK_DISPERSION, len(profile))
    counts = rng.poisson(BULK_COUNTS * rng.lognormal(0, BULK_DEPTH_SPREAD) * profile * noise)
    t_cells = levels[cells["state"].is_not_null().to_numpy()]
    means = dict(zip(programme_names(), t_cells.mean(axis=0).tolist(), strict=True)) if len(t_cells) else {}
    return Bulk(pl.DataFrame({"gene": list(genes.genes), "count": counts}), means)


def _check_columns(cells: pl.DataFrame, names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in cells.columns]
    if missing:
        raise TableError("a column is missing", column=missing[0], expected=f"columns {', '.join(names)}")


def _doublets(cells: pl.DataFrame) -> tuple[Places, Places]:
    """Return the rows of droplets with two cells, and the row that each second cell is like."""
    first = cells["doublet_of"].is_not_null().arg_true().to_numpy().astype(np.int64)
    second = cells["doublet_of"].drop_nulls().cast(pl.Int64).to_numpy()
    if ((second < 0) | (second >= cells.height) | (second == first)).any():
        raise TableError("a doublet of no other row", column="doublet_of", expected=f"0 to {cells.height - 1}, or null")
    return first, second


def _with_seconds(counts: Any, first: Places, cells: int) -> Any:
    """Return the counts of each droplet: those of the cells after row `cells` added to the rows `first`."""
    from scipy.sparse import csr_matrix

    ones = np.ones(len(first), dtype=np.int32)
    placed = csr_matrix((ones, (first, np.arange(len(first)))), shape=(cells, len(first)))
    summed = (counts[:cells] + placed @ counts[cells:]).tocsr()
    summed.sort_indices()
    return summed


def _draw_hidden(sample_rng: np.random.Generator, genes: Panel) -> Floats:
    """Draw by how much all cells of one specimen deviate alike in each hidden factor."""
    return np.asarray(sample_rng.normal(0, HIDDEN_SHIFT, len(genes.hidden)))


def _draw_cells(rng: np.random.Generator, genes: Panel, cells: pl.DataFrame, levels: Floats, shift: Floats) -> _Cells:
    """Draw what each cell is like beside its programmes: size, hidden factors, strength of its receptor's chains."""
    names, count = programme_names(), cells.height
    kind = _kinds(cells["lineage"])
    poor = np.where(rng.random(count) < POOR_SHARE, rng.uniform(*POOR_LOSS, count), 0)
    log_size = rng.normal(0, SIZE_SPREAD, count) + SIZE_TAIL * (rng.standard_exponential(count) - np.log(2)) - poor
    log_size += np.array(list(KIND_GAIN.values()))[kind]
    log_size += DIVISION_GAIN * levels[:, names.index("proliferation")]
    log_size += ACTIVATION_GAIN * levels[:, names.index("activation")]
    v_genes = np.stack([genes.columns_of(cells[name]) for name in ("trav", "trbv")], axis=1)
    strength = rng.lognormal(-(V_GENE_SPREAD**2) / 2, V_GENE_SPREAD, v_genes.shape)
    v_levels = np.where(v_genes < 0, 0.0, genes.per_10k[v_genes] * strength)
    hidden = shift + rng.standard_normal((count, len(shift)))
    design = np.hstack([levels, np.eye(len(KINDS))[kind], log_size[:, None], hidden])
    log_umis = np.log(MEDIAN_UMIS) + rng.normal(0, DEPTH_SPREAD) + log_size
    return _Cells(design, log_umis, v_genes, v_levels)


def _kinds(lineages: pl.Series) -> Places:
    """Return the place of each cell's kind in `KINDS`."""
    unknown = set(lineages) - set(KINDS)
    if unknown:
        found = sorted(map(str, unknown))[0]
        raise TableError("no such kind of cell", column="lineage", found=found, expected=f"one of {', '.join(KINDS)}")
    return np.array([KINDS.index(lineage) for lineage in lineages], dtype=np.int64)


def _log_base(rng: np.random.Generator, genes: Panel, batch_spread: float) -> Floats:
    """Return each gene's log mean in this library; V genes stand apart, since only the receptor's own are on."""
    batch = rng.normal(0, batch_spread, len(genes.genes))
    return np.where(genes.variable, -np.inf, np.log(genes.per_10k) + batch)


def _profiles(genes: Panel, log_base: Floats, cells: _Cells) -> Floats:
    """Return cells × genes: the share of the cell's transcripts that each gene is expected to hold."""
    folds = np.vstack([genes.programmes, genes.kinds, genes.size_exponent, genes.hidden])
    # Not a product of matrices: its last digits depend on the library's threads, which also wait for one another.
    expected: Floats = np.einsum("ck,kg->cg", cells.design, folds)
    expected += log_base
    np.exp(expected, out=expected)
    for chain in range(2):
        rows = np.flatnonzero(cells.v_genes[:, chain] >= 0)
        expected[rows, cells.v_genes[rows, chain]] = cells.v_levels[rows, chain]
    expected /= expected.sum(axis=1, keepdims=True)
    return expected


def _mean_profile(genes: Panel, log_base: Floats, cells: _Cells, most: int) -> Floats:
    """Return the share that each gene holds in the RNA of all cells together, or of `most` spread evenly over them."""
    height = len(cells.log_size)
    chosen = np.unique(np.linspace(0, height - 1, min(most, height)).round().astype(np.int64))
    total = np.zeros(len(genes.genes))
    for start in range(0, len(chosen), CELLS_AT_ONCE):
        some = cells.take(chosen[start : start + CELLS_AT_ONCE])
        total += (np.exp(some.log_size)[:, None] * _profiles(genes, log_base, some)).sum(axis=0)
    return np.asarray(total / total.sum()) if height else total


def _draw_blocks(
    rng: np.random.Generator, genes: Panel, log_base: Floats, cells: _Cells, soup: Floats, soup_share: float
) -> Iterator[NDArray[np.int32]]:
    """Yield the counts of some cells after the others."""
    shape = (1 / genes.dispersion).astype(np.float32)  # single precision draws in two thirds of the time
    bursting = np.flatnonzero(genes.on_share < 1)
    chance = genes.on_share[bursting]
    for start in range(0, len(cells.log_size), CELLS_AT_ONCE):
        some = cells.take(slice(start, start + CELLS_AT_ONCE))
        mean = _profiles(genes, log_base, some)
        height = len(mean)
        mean *= rng.standard_gamma(shape, mean.shape, dtype=np.float32)
        mean *= genes.dispersion
        mean[:, bursting] *= (rng.random((height, len(bursting))) < chance) / chance
        ambient = np.minimum(soup_share * rng.gamma(AMBIENT_SHAPE, 1 / AMBIENT_SHAPE, height), MOST_AMBIENT)[:, None]
        mean *= 1 - ambient
        mean += ambient * soup
        mean *= np.exp(some.log_size)[:, None]
        yield rng.poisson(mean).astype(np.int32)
