"""The cells of one sample with their raw counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.job import Job

if TYPE_CHECKING:
    from anndata import AnnData


def with_files_beside(job: Job) -> Job:
    """Return a job that also names the barcodes and features beside its `matrix.mtx`, to be done anew with them."""
    from tilseq.io.tenx import files_beside

    beside = [str(path) for path in files_beside(job.paths[0])]
    return replace(job, paths=tuple(dict.fromkeys([*job.paths, *beside])))


def counted_cells(path: str | Path, *, member: str | None, layer: str | None) -> tuple[AnnData, tuple[str, ...]]:
    """Return the cells of one sample, `X` being their raw counts, and what a reader of the file should know.

    Parameters
    ----------
    path
        An h5ad, or 10x's h5, folder or `matrix.mtx`.
    member
        ``column=value`` of obs: only these cells are the sample.
    layer
        Where the raw counts stand; see `tilseq.expression.raw_counts`.

    Raises
    ------
    ReadError
        The file cannot be read.
    AnalysisError
        There is no such column, value or layer, or the matrix does not hold raw counts.
    """
    from anndata import AnnData

    from tilseq.errors import AnalysisError
    from tilseq.expression import raw_counts
    from tilseq.io.single_cells import read_single_cells

    cells, told = read_single_cells(path)
    try:
        own = cells if member is None else of_member(cells, member)
        counts = raw_counts(own, layer)
    except AnalysisError as error:
        error.file = str(path)
        raise
    counted = AnnData(counts.matrix)
    counted.obs_names, counted.var_names = own.obs_names, list(counts.genes)
    return counted, told


def of_member(cells: AnnData, member: str) -> Any:
    """Return the cells of one `column=value` of obs.

    Raises
    ------
    AnalysisError
        It is no column and value, or there is no such column or value.
    """
    from tilseq.errors import AnalysisError, did_you_mean

    column, equals, value = member.partition("=")
    if not equals:
        raise AnalysisError("not a column and a value", column="member", found=member, expected="column=value")
    values = obs_column(cells, column, "member")
    chosen = values.notna() & (values.astype(str) == value)
    if not chosen.any():
        # Not the values themselves: they may name people.
        known = sorted(set(values.dropna().astype(str)))
        mend = did_you_mean(value, known) or f"the column has {len(known)} other values"
        raise AnalysisError("no cell of this member", column="member", found=member, mend=mend)
    return cells[chosen.to_numpy()]


def obs_column(cells: AnnData, name: str, where: str) -> Any:
    """Return a column of obs, as a pandas series.

    Raises
    ------
    AnalysisError
        There is none; the error stands at `where`.
    """
    from tilseq.errors import AnalysisError, did_you_mean

    if name not in cells.obs:
        columns = [str(column) for column in cells.obs.columns]
        mend = did_you_mean(name, columns) or f"obs has {', '.join(columns) or 'no column'}"
        raise AnalysisError("no such column in obs", column=where, found=name, mend=mend)
    return cells.obs[name]
