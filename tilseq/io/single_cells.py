"""Counts of single cells in whichever form they come."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.errors import ReadError, first_few
from tilseq.gene_symbols import gene_names, sum_by_gene
from tilseq.io.count_matrix import symbols_of_var
from tilseq.io.h5ad import read_h5ad
from tilseq.io.tenx import GENES, kept_apart, read_10x_h5, read_10x_mtx

if TYPE_CHECKING:
    from anndata import AnnData

OF_R = (".rds", ".rdata", ".rda")
OF_PYTHON = (".pkl", ".pickle", ".npy", ".joblib")
# As Seurat, scanpy, muon and 10x's kits of antibodies mark them; no symbol of a gene is like these.
OF_ANTIBODIES = re.compile(r"^(adt|ab|prot|protein|anti)[_:.-]|[_:.-](adt|prot)$|totalseq", re.IGNORECASE)
KINDS = "feature_types"  # the column of var by which scanpy tells 10x's kinds of features


def read_single_cells(path: str | Path) -> tuple[AnnData, tuple[str, ...]]:
    """Read an h5ad, 10x's HDF5 file, or 10x's folder or `matrix.mtx`, with the present symbols of its genes.

    Ensembl ids are named by the file's own column of symbols, as `feature_name` or `gene_symbols` of var, and retired
    symbols by the present ones. Columns of one gene are summed: in `X`, each layer and raw.

    Parameters
    ----------
    path
        A folder or file, told apart by its ending: `.h5` is 10x's, `.mtx` and `.mtx.gz` a matrix with its two files
        beside it, any other an h5ad.

    Returns
    -------
    tuple
        Cells × genes, and what a reader should know; of 10x's features only the genes, also of an h5ad whose var
        tells them apart in `feature_types`. Where genes of an h5ad were summed its var, varm and varp are empty, as
        what they told was of the single columns.

    Raises
    ------
    ReadError
        See `read_h5ad`, `read_10x_h5` and `read_10x_mtx`; files of R and pickles of Python are never read; features
        of an h5ad that tells no kinds of them bear names of antibodies.
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
        cells = read_h5ad(path)
        _check_kinds(cells, path)
        return _with_present_symbols(cells)
    return read.genes, read.told


def _check_kinds(cells: AnnData, path: Path) -> None:
    """Refuse antibodies among genes, told by their names alone: they would count among what a cell expresses."""
    if KINDS in cells.var:
        return
    antibodies = [name for name in map(str, cells.var_names) if OF_ANTIBODIES.search(name)]
    if antibodies:
        raise ReadError(
            "features bear names of antibodies, and nothing tells them from genes",
            file=path,
            column=f"var/{KINDS}",
            found=first_few(antibodies, 3),
            expected=f"'{GENES}' or 'Antibody Capture' of each feature",
            mend="write that column, or the genes alone",
        )


def _with_present_symbols(cells: AnnData) -> tuple[AnnData, tuple[str, ...]]:
    """Return the cells with one column a present symbol, and what was renamed and summed."""
    symbols = symbols_of_var(cells.var)
    raw = None if cells.raw is None else cells.raw.to_adata()
    cells, told = _renamed(cells, symbols)
    if raw is not None:
        raw, of_raw = _renamed(raw, symbols | symbols_of_var(raw.var))
        told += tuple(f"raw: {sentence}" for sentence in of_raw if sentence not in told)
        cells.raw = raw
    return cells, told


def _renamed(cells: AnnData, symbols: Mapping[str, str]) -> tuple[AnnData, tuple[str, ...]]:
    """Return the cells, without their raw, under the present symbols; the columns of one gene summed."""
    from anndata import AnnData

    cells, apart = _genes_alone(cells)
    names, told = gene_names(list(map(str, cells.var_names)), symbols)
    told = (*told, *apart)
    if len(set(names)) == len(names):
        cells.var_names = list(names)
        return cells, told
    matrix, genes, summed = _sums(cells.X, names)
    # anndata from 0.13 on lists X among the layers, under None.
    layers = {name: _sums(layer, names)[0] for name, layer in cells.layers.items() if name is not None}
    own = AnnData(matrix, obs=cells.obs, uns=cells.uns, obsm=dict(cells.obsm), layers=layers)
    own.var_names = list(genes)
    for name, pairs in cells.obsp.items():
        own.obsp[name] = pairs
    return own, (*told, *summed)


def _genes_alone(cells: AnnData) -> tuple[AnnData, tuple[str, ...]]:
    """Return the genes of cells whose var tells kinds of features: antibodies would count among what a cell expresses.

    Where no feature is called a gene by 10x's word, the file tells kinds in its own words, and all stay.
    """
    if KINDS not in cells.var:
        return cells, ()
    kinds = cells.var[KINDS].astype(str)
    genes = (kinds == GENES).to_numpy()
    if genes.all() or not genes.any():
        return cells, ()
    return cells[:, genes].copy(), kept_apart(kinds[~genes].value_counts().to_dict())


def _sums(matrix: Any, names: tuple[str, ...]) -> tuple[Any, tuple[str, ...], tuple[str, ...]]:
    """Return what `sum_by_gene` does, a sparse matrix as csr_matrix, which the file's own matrices are."""
    from scipy.sparse import csr_matrix, issparse

    summed, genes, told = sum_by_gene(matrix, names)
    return csr_matrix(summed) if issparse(summed) else summed, genes, told
