"""Counts of cells summed: one sample for each subject, visit, specimen, cell type and status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.errors import AnalysisError, did_you_mean
from tilseq.expression.matrix import raw_counts
from tilseq.expression.normalise import refuse_moved
from tilseq.expression.sample_design import FEWEST_ALIKE, days_of, is_told_by, refuse_twins, without_missing
from tilseq.tables.differential import PSEUDOBULK_GROUPS
from tilseq.tables.schema import conform

if TYPE_CHECKING:
    from anndata import AnnData

FACTORS = ("subject", "visit", "specimen", "cell_type", "status")
BESIDE = ("sample", "day")
MINIMUM_CELLS = 10
CELLS_AT_ONCE = 50_000
JOINT = "|"


class Pseudobulk(NamedTuple):
    """Summed counts.

    Attributes
    ----------
    data
        Groups × genes, AnnData: `X` the sums (csr, int64), `obs` the columns of the table that are there.
    groups
        Table `pseudobulk_groups`: every group, those that were left out too.
    """

    data: AnnData
    groups: pl.DataFrame


def pseudobulk(
    cells: Any,
    obs: Any = None,
    *,
    genes: Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
    minimum_cells: int = MINIMUM_CELLS,
    layer: str | None = None,
) -> Pseudobulk:
    """Sum the raw counts of cells by subject, visit, specimen, cell type and status.

    Cells of one subject are no replicates of each other, so that their sum, not they, is what subjects are compared
    by. One sparse product sums all groups. A group with fewer cells than the minimum, or of cells that lack one of
    the columns, is left out with its reason.

    Parameters
    ----------
    cells
        AnnData, or a matrix of cells × genes, dense, sparse or of pandas, of raw counts.
    obs
        What is known of each cell, polars or pandas, else the AnnData's own: in the order of the cells, or, where its
        index or column `cell_id` has their names, in any. Words such as ``NA`` are missing values.
    genes
        Symbol of each column of a matrix.
    columns
        `subject`, `visit`, `specimen`, `cell_type`, `status`, `sample` or `day` → the column of obs that holds it,
        else the one of that name if there is one. A subject is needed; a factor that is not there parts nothing. A
        status is a label of the table `cell_labels`.
    minimum_cells
        Fewest cells of a group that is kept.
    layer
        Layer of the AnnData that holds raw counts, or ``raw``; else `X`.

    Raises
    ------
    AnalysisError
        The matrix does not hold raw counts, or two cells hold the same; obs does not fit it, names other cells or
        lacks a column; a day is no whole number; or two words of a factor differ only in case or blanks.
    """
    named = hasattr(cells, "obs_names") or hasattr(cells, "index")
    if not hasattr(cells, "obs_names"):
        cells = _as_anndata(cells, genes)
    if named and obs is not None:
        obs = _of_cells(obs, cells)
    counts = raw_counts(cells, layer)
    _refuse_copies(counts.matrix, cells.obs_names)
    known = _known(cells.obs if obs is None else obs, columns or {}, counts.matrix.shape[0])
    factors = [name for name in FACTORS if name in known.columns]
    groups = _groups(known, factors)
    codes = known.join(groups, on=factors, how="left", nulls_equal=True, maintain_order="left")["code"].to_numpy()
    sums = _sums(counts.matrix, codes, groups.height)
    groups = _judged(groups, factors, sums, minimum_cells)
    kept = groups["kept"].to_numpy()
    return Pseudobulk(_assembled(sums[kept], counts.genes, groups.filter("kept")), conform(groups, PSEUDOBULK_GROUPS))


def _as_anndata(matrix: Any, genes: Sequence[str] | None) -> AnnData:
    from anndata import AnnData

    if genes is None or len(genes) != matrix.shape[1]:
        found = None if genes is None else len(genes)
        raise AnalysisError("a matrix needs the symbol of each column", found=found, expected=str(matrix.shape[1]))
    refuse_moved(matrix, None, genes)
    data = AnnData(matrix)
    data.var_names = list(genes)
    return data


def _known(obs: Any, columns: Mapping[str, str], cells: int) -> pl.DataFrame:
    """Return the columns that are there, under their own names, as text; the day as a number."""
    strange = [name for name in columns if name not in (*FACTORS, *BESIDE)]
    if strange:
        raise AnalysisError("no such part of a group", found=strange[0], expected=", ".join((*FACTORS, *BESIDE)))
    if len(obs) != cells:
        raise AnalysisError("obs does not fit the cells", found=f"{len(obs)} rows", expected=f"{cells}")
    here = [str(name) for name in obs.columns]
    found = {}
    for name in (*FACTORS, *BESIDE):
        column = columns.get(name, name)
        if column in here:
            found[name] = _text(obs[column])
        elif name in columns or name == "subject":
            mend = did_you_mean(column, here) or f"name one for `{name}`: obs has {', '.join(here) or 'no column'}"
            raise AnalysisError(f"no column of obs tells the {name}", found=column, mend=mend)
    for name in found.keys() & set(FACTORS):
        refuse_twins(found[name].alias(name))
    if "day" in found:
        found["day"] = days_of(found["day"].alias("day"))
    return pl.DataFrame(found)


def _text(values: Any) -> pl.Series:
    """Return a polars or pandas column as text; what is missing is null."""
    if isinstance(values, pl.Series):
        return without_missing(values)
    missing = values.isna().to_numpy()
    text = [None if gone else str(one) for one, gone in zip(values, missing, strict=True)]
    return without_missing(pl.Series(text, dtype=pl.String))


def _of_cells(obs: Any, cells: AnnData) -> Any:
    """Return obs in the order of the cells, where it names them.

    Raises
    ------
    AnalysisError
        It names some of the cells and others, or some twice; or cells have numbers for names, and it has the same in
        another order, so that they may be meant by place as well.
    """
    names = [str(name) for name in cells.obs_names]
    if isinstance(obs, pl.DataFrame):
        listed = obs["cell_id"].cast(pl.String).to_list() if "cell_id" in obs.columns else []
    else:
        listed = [str(name) for name in obs.index]
    held = set(names) & set(listed)
    if listed == names or not held:
        return obs
    if names == [str(place) for place in range(len(names))]:
        if len(held) == len(names) == len(listed):
            found, mend = "the cells' numbers in another order", "name the cells, or reset the index of obs"
            raise AnalysisError("rows of obs may be meant by place or by number", found=found, mend=mend)
        return obs
    if len(held) < len(names) or len(listed) != len(names):
        found = f"{len(held)} of {len(names)} cells in {len(listed)} rows"
        raise AnalysisError("obs is of other cells", found=found, expected="one row a cell, named as the cell is")
    place = {name: row for row, name in enumerate(listed)}
    rows = [place[name] for name in names]
    return obs[rows] if isinstance(obs, pl.DataFrame) else obs.iloc[rows]


def _refuse_copies(matrix: Any, names: Sequence[str]) -> None:
    """Refuse two cells of the same counts, as of a file that was joined twice: each would count as two.

    Cells of the same counts have the same sum by random weights, so that few are looked at closer.
    """
    from scipy.sparse import csr_array

    weights = np.random.default_rng(0).random(matrix.shape[1])
    rows, marks = [np.empty(0, int)], [np.empty(0)]
    for start in range(0, matrix.shape[0], CELLS_AT_ONCE):
        piece = csr_array(matrix[start : start + CELLS_AT_ONCE])
        enough = np.flatnonzero(np.diff(piece.indptr) >= FEWEST_ALIKE)
        rows.append(start + enough)
        marks.append((piece @ weights)[enough])
    cells, sums = np.concatenate(rows), np.concatenate(marks)
    order = np.argsort(sums, kind="stable")
    for place in np.flatnonzero(np.diff(sums[order]) == 0):
        one, other = cells[order[place : place + 2]]
        own, beside = (csr_array(matrix[[row]]).toarray().ravel() for row in (one, other))
        if np.array_equal(own, beside) and is_told_by(own):
            what, mend = "two cells hold the same counts", "give each cell once: was a file joined twice?"
            raise AnalysisError(what, found=f"{names[one]} and {names[other]}", mend=mend)


def _groups(known: pl.DataFrame, factors: Sequence[str]) -> pl.DataFrame:
    """Return one row a group, in order, with its code, samples and day."""
    day = pl.when(pl.col("day").n_unique() == 1).then(pl.col("day").first()) if "day" in known.columns else pl.lit(None)
    samples = pl.col("sample").drop_nulls().unique().sort().str.join(";") if "sample" in known.columns else pl.lit(None)
    groups = known.group_by(factors).agg(cells=pl.len().cast(pl.Int64), samples=samples, day=day.cast(pl.Int64))
    return groups.sort(factors, nulls_last=True).with_row_index("code")


def _sums(matrix: Any, codes: NDArray[Any], groups: int) -> Any:
    """Return the sums of each group, groups × genes, csr of int64."""
    from scipy.sparse import csr_array

    sums = csr_array((groups, matrix.shape[1]), dtype=np.float64)
    for start in range(0, matrix.shape[0], CELLS_AT_ONCE):
        rows = csr_array(matrix[start : start + CELLS_AT_ONCE], dtype=np.float64)
        here = codes[start : start + CELLS_AT_ONCE]
        which = csr_array((np.ones(len(here)), (here, np.arange(len(here)))), shape=(groups, len(here)))
        sums = sums + which @ rows
    return sums.astype(np.int64)


def _judged(groups: pl.DataFrame, factors: Sequence[str], sums: Any, minimum_cells: int) -> pl.DataFrame:
    """Return the groups with their names and counts, and which are kept or why not."""
    parts = [pl.col(name).fill_null(f"(no {name})") for name in factors]
    few = pl.format(
        "{} cell{}, fewer than {}",
        "cells",
        pl.when(pl.col("cells") > 1).then(pl.lit("s")).otherwise(pl.lit("")),
        pl.lit(minimum_cells),
    )
    reason = pl.coalesce(
        *(pl.when(pl.col(name).is_null()).then(pl.lit(f"cells without a {name}")) for name in factors),
        pl.when(pl.col("cells") < minimum_cells).then(few),
        pl.when(pl.col("counts") == 0).then(pl.lit("no counts")),
    )
    counted = groups.with_columns(
        group=pl.concat_str(parts, separator=JOINT), counts=pl.Series(np.asarray(sums.sum(axis=1)), dtype=pl.Int64)
    )
    return counted.drop("code").with_columns(reason=reason).with_columns(kept=pl.col("reason").is_null())


def _assembled(sums: Any, genes: Sequence[str], groups: pl.DataFrame) -> AnnData:
    from anndata import AnnData

    shown = groups.drop("group", "kept", "reason")
    shown = shown.select(name for name in shown.columns if shown[name].null_count() < shown.height)
    data = AnnData(sums, obs=shown.to_dict(as_series=False))
    data.obs_names = groups["group"].to_list()
    data.var_names = list(genes)
    return data
