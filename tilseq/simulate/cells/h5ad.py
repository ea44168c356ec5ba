"""AnnData files of the same bytes for the same counts: no times, no names of machines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tilseq.errors import TableError
from tilseq.io.files import atomic
from tilseq.simulate.cells.expression import Counted


def write_h5ad(path: str | Path, counted: Counted, obs: pl.DataFrame) -> None:
    """Write counts as an AnnData file: raw counts as X (csr), cells by `barcode`, genes by symbol.

    Parameters
    ----------
    path
        File to write.
    counted
        From `draw_counts`; only its counts and genes are written, never the truth.
    obs
        One row a cell: `barcode`, unique, and further columns of text such as `sample`.

    Raises
    ------
    TableError
        The table does not fit the counts, has no `barcode`, or a barcode stands twice.
    RunError
        The file cannot be written.
    """
    import h5py

    if obs.height != counted.counts.shape[0]:
        raise TableError("each cell needs its row", found=obs.height, expected=f"{counted.counts.shape[0]} rows")
    if "barcode" not in obs.columns or obs["barcode"].n_unique() != obs.height:
        raise TableError("each cell needs a barcode of its own", column="barcode")
    columns = {name: obs[name].cast(pl.String).to_list() for name in obs.columns if name != "barcode"}
    with h5py.File("memory", "w", driver="core", backing_store=False) as file:
        _describe(file, "anndata", "0.1.0")
        _write_matrix(file.create_group("X"), counted.counts)
        _write_frame(file.create_group("obs"), "barcode", obs["barcode"].to_list(), columns)
        _write_frame(file.create_group("var"), "gene", counted.genes, {})
        for name in ("layers", "obsm", "obsp", "uns", "varm", "varp"):
            _describe(file.create_group(name), "dict", "0.1.0")
        file.flush()
        image = file.id.get_file_image()
    with atomic(path) as stream:
        stream.write(image)


def _write_matrix(group: Any, matrix: Any) -> None:
    _describe(group, "csr_matrix", "0.1.0")
    group.attrs["shape"] = np.array(matrix.shape, dtype=np.int64)
    for name, values in (("data", matrix.data), ("indices", matrix.indices), ("indptr", matrix.indptr)):
        packing = {"compression": "gzip", "compression_opts": 4, "shuffle": True} if len(values) else {}
        group.create_dataset(name, data=values.astype(np.int32), track_times=False, **packing)


def _write_frame(group: Any, index: str, names: Sequence[str], columns: dict[str, list[str | None]]) -> None:
    import h5py

    _describe(group, "dataframe", "0.2.0")
    group.attrs["_index"] = index
    group.attrs.create("column-order", list(columns), dtype=h5py.string_dtype())
    for name, values in {index: names, **columns}.items():
        texts = np.array(["" if value is None else value for value in values], dtype=object)
        column = group.create_dataset(name, data=texts, dtype=h5py.string_dtype(), track_times=False)
        _describe(column, "string-array", "0.2.0")


def _describe(item: Any, encoding: str, version: str) -> None:
    item.attrs["encoding-type"] = encoding
    item.attrs["encoding-version"] = version
