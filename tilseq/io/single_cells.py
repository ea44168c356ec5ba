"""Counts of single cells in whichever form they come."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tilseq.errors import ReadError
from tilseq.io.h5ad import read_h5ad
from tilseq.io.tenx import read_10x_h5, read_10x_mtx

if TYPE_CHECKING:
    from anndata import AnnData

OF_R = (".rds", ".rdata", ".rda")
OF_PYTHON = (".pkl", ".pickle", ".npy", ".joblib")


def read_single_cells(path: str | Path) -> tuple[AnnData, tuple[str, ...]]:
    """Read an h5ad, 10x's HDF5 file, or 10x's folder or `matrix.mtx`.

    Parameters
    ----------
    path
        A folder or file, told apart by its ending: `.h5` is 10x's, `.mtx` and `.mtx.gz` a matrix with its two files
        beside it, any other an h5ad.

    Returns
    -------
    tuple
        Cells × genes, and what a reader should know; of 10x's features only the genes.

    Raises
    ------
    ReadError
        See `read_h5ad`, `read_10x_h5` and `read_10x_mtx`; files of R and pickles of Python are never read.
    """
    path = Path(path)
    ending = path.name.casefold().removesuffix(".gz")
    if ending.endswith((*OF_R, *OF_PYTHON)):
        kind = "R's own objects" if ending.endswith(OF_R) else "pickled Python objects"
        raise ReadError(f"{kind} are never read", file=path, expected="an h5ad, or 10x's h5 or mtx", mend="export it")
    if path.is_dir() or ending.endswith(".mtx"):
        read = read_10x_mtx(path)
    elif ending.endswith(".h5"):
        read = read_10x_h5(path)
    else:
        return read_h5ad(path), ()
    return read.genes, read.told
