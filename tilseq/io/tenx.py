"""Counts of single cells as 10x's Cell Ranger writes them: one HDF5 file, or a folder of three."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.errors import ReadError, first_few
from tilseq.gene_symbols import gene_names, sum_by_gene
from tilseq.io.h5ad import check_hdf5
from tilseq.io.text import read_text, unpacked

if TYPE_CHECKING:
    from anndata import AnnData

GENES = "Gene Expression"
GENOME = re.compile(r"(GRC[hm]\d\d|hg\d\d|mm\d\d)_+")  # before each gene of a reference of several
MATRIX = re.compile(r"^(?P<before>.*)matrix\.mtx(?P<packed>\.gz)?$")
BESIDE = (("barcodes.tsv",), ("features.tsv", "genes.tsv"))  # of a matrix
EXPECTED = "10x's filtered_feature_bc_matrix.h5"
VERSION_3, VERSION_2 = ("barcodes", "data", "indices", "indptr", "shape"), ("genes", "gene_names")
MANY_BARCODES = 100_000  # more than a lane of 10x yields cells; an unfiltered matrix has some millions of barcodes


@dataclass(frozen=True)
class TenX:
    """Counts of the cells of one file or folder.

    Attributes
    ----------
    genes
        Cells × genes: raw counts as csr, `obs` by barcode, `var` by present symbol with `gene_ids`. Rows of one symbol
        are summed, their ids joined by ``;``.
    others
        Kind of feature, such as `Antibody Capture`, → cells × features of that kind, by id with their `name`.
    told
        What a reader should know.
    """

    genes: AnnData
    others: Mapping[str, AnnData]
    told: tuple[str, ...]


@dataclass(frozen=True)
class _Parts:
    """Cells × features, and what each row and column is."""

    counts: Any
    barcodes: list[str]
    identifiers: list[str]
    names: list[str]
    kinds: list[str]
    genomes: list[str]


def read_10x_h5(path: str | Path, *, seconds: float = 60, gigabytes: float = 16) -> TenX:
    """Read `filtered_feature_bc_matrix.h5`, of Cell Ranger 3 or later, or 2.

    A child process reads the file first, as `tilseq.io.h5ad.read_h5ad` says.

    Parameters
    ----------
    path
        The file.
    seconds, gigabytes
        As for `read_h5ad`.

    Raises
    ------
    ReadError
        The file is no sound HDF5 file or not 10x's; its parts do not fit together; a count is negative or not whole; a
        barcode stands twice; its genes are of several genomes.
    """
    check_hdf5(path, EXPECTED, seconds=seconds, gigabytes=gigabytes, matrix="")
    import h5py

    try:
        with h5py.File(path, "r") as file:
            parts = _of_h5(file, path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReadError("not a sound 10x file", file=path, found=f"{type(error).__name__}: {error}") from error
    return _tenx(parts, path)


def _of_h5(file: Any, path: str | Path) -> _Parts:
    """Return the parts of an open file."""
    if "matrix" in file:
        group, features = file["matrix"], file["matrix/features"]
        identifiers, names, kinds = (_texts(features[name]) for name in ("id", "name", "feature_type"))
        genomes = _texts(features["genome"]) if "genome" in features else [""] * len(names)
    else:
        groups = [name for name in file if {*VERSION_3, *VERSION_2} <= set(file[name])]
        if not groups:
            found = ", ".join(list(file)[:10])
            mend = "an AnnData file ends in .h5ad" if "X" in file else None
            raise ReadError("the file holds no matrix of 10x", file=path, found=found, expected=EXPECTED, mend=mend)
        if len(groups) > 1:
            raise _several_genomes(groups, path)
        group = file[groups[0]]
        identifiers, names = _texts(group["genes"]), _texts(group["gene_names"])
        kinds, genomes = [GENES] * len(names), groups * len(names)
    barcodes = _texts(group["barcodes"])
    shape = tuple(int(size) for size in group["shape"][()])
    if shape != (len(names), len(barcodes)):
        found = f"{shape[0]} × {shape[1]}"
        expected = f"{len(names)} features × {len(barcodes)} barcodes"
        raise ReadError("the matrix does not fit its features and barcodes", file=path, found=found, expected=expected)
    data, indices, indptr = (group[name][()] for name in ("data", "indices", "indptr"))
    counts = _csr(data, indices, indptr, shape[::-1], path)
    return _Parts(counts, barcodes, identifiers, names, kinds, genomes)


def _texts(data: Any) -> list[str]:
    return [value.decode() if isinstance(value, bytes) else str(value) for value in data[()].tolist()]


def _csr(
    data: NDArray[Any], indices: NDArray[Any], indptr: NDArray[Any], shape: tuple[int, ...], path: str | Path
) -> Any:
    """Return cells × features; 10x writes features × cells by columns, which is the same."""
    from scipy.sparse import csr_matrix

    if len(indptr) != shape[0] + 1 or len(data) != len(indices):
        raise ReadError("a sparse matrix is damaged", file=path, found="parts of unequal length")
    if data.dtype.kind not in "iuf" or not np.all((data >= 0) & (data == np.floor(data))):
        raise ReadError("these are not raw counts", file=path, expected="whole numbers, 0 or more")
    try:
        counts = csr_matrix((data.astype(np.int64), indices, indptr), shape=shape)
        counts.check_format(full_check=True)
    except ValueError as error:
        raise ReadError("a sparse matrix is damaged", file=path, found=str(error)) from error
    counts.sum_duplicates()
    return counts


def read_10x_mtx(path: str | Path) -> TenX:
    """Read a folder `filtered_feature_bc_matrix`, or the `matrix.mtx` in it; plain or gzip.

    Beside `matrix.mtx` stand `features.tsv` (`genes.tsv` of Cell Ranger 2) and `barcodes.tsv`; their names may begin
    with the same word, as `GSM1_matrix.mtx.gz` and `GSM1_barcodes.tsv.gz`.

    Parameters
    ----------
    path
        The folder or the matrix.

    Raises
    ------
    ReadError
        A file is absent, holds two matrices or is damaged; the matrix does not fit the others; a count is negative or
        not whole; a barcode stands twice; the genes are of several genomes.
    """
    matrix = _matrix_of(Path(path))
    barcodes_file, features_file = (_beside(matrix, names) for names in BESIDE)
    barcodes = [row[0] for row in _rows(barcodes_file, 1)]
    features = _rows(features_file, 2)
    kinds = [row[2] if len(row) > 2 else GENES for row in features]
    counts = _counts_of(matrix, len(features), len(barcodes))
    names = [row[1].strip() or row[0] for row in features]
    genomes = [found[1] if (found := GENOME.match(name)) else "" for name in names]
    return _tenx(_Parts(counts, barcodes, [row[0] for row in features], names, kinds, genomes), matrix)


def _matrix_of(path: Path) -> Path:
    """Return the matrix of a folder, or the file that is one."""
    if not path.is_dir():
        return path
    found = sorted(one for one in path.iterdir() if MATRIX.match(one.name))
    if len(found) != 1:
        names = ", ".join(one.name for one in found) or ", ".join(sorted(one.name for one in path.iterdir())[:5])
        what = "the folder holds several matrices" if found else "the folder holds no matrix.mtx"
        raise ReadError(what, file=path, found=names, expected="one matrix.mtx or matrix.mtx.gz")
    return found[0]


def _beside(matrix: Path, names: Sequence[str]) -> Path:
    """Return the file of one of some names beside a matrix."""
    found = next((one for one in _candidates(matrix, names) if one.exists()), None)
    if found is None:
        raise ReadError("a file is missing beside the matrix", file=matrix, expected=" or ".join(names))
    return found


def _candidates(matrix: Path, names: Sequence[str]) -> list[Path]:
    before = MATRIX.match(matrix.name)
    prefix = before["before"] if before else ""
    return [matrix.with_name(prefix + name + end) for name in names for end in ("", ".gz")]


def files_beside(path: str | Path) -> list[Path]:
    """Return the files that are read beside a `matrix.mtx`, as far as they are there; none of another file."""
    path = Path(path)
    if not path.name.casefold().removesuffix(".gz").endswith(".mtx"):
        return []
    found = (next((one for one in _candidates(path, names) if one.exists()), None) for names in BESIDE)
    return [one for one in found if one is not None]


def _rows(path: Path, least: int) -> list[list[str]]:
    rows = [line.split("\t") for line in read_text(path).split("\n")]
    while rows and rows[-1] == [""]:
        rows.pop()
    for number, row in enumerate(rows, start=1):
        if len(row) < least or not row[0].strip():
            expected = f"{least} or more cells parted by tabs"
            raise ReadError("this row lacks a cell", file=path, row=number, found="\t".join(row), expected=expected)
    return rows


def _counts_of(path: Path, features: int, barcodes: int) -> Any:
    """Return cells × features of a Matrix Market file."""
    from scipy.sparse import csr_matrix

    content, _ = unpacked(path)
    if not content.startswith(b"%%MatrixMarket matrix coordinate"):
        expected = "%%MatrixMarket matrix coordinate"
        raise ReadError("not a sparse Matrix Market file", file=path, byte=0, found=content[:40], expected=expected)
    start, row = content.find(b"\n") + 1, 2
    while content[start : start + 1] == b"%":
        start, row = content.find(b"\n", start) + 1, row + 1
    end = content.find(b"\n", start)
    sizes = content[start : end if end >= 0 else None].split()
    if len(sizes) != 3 or not all(size.isdigit() for size in sizes):
        raise ReadError("the sizes are missing", file=path, row=row, expected="features, barcodes and entries")
    if (int(sizes[0]), int(sizes[1])) != (features, barcodes):
        found = f"{int(sizes[0])} × {int(sizes[1])}"
        expected = f"{features} features × {barcodes} barcodes"
        raise ReadError("the matrix does not fit its features and barcodes", file=path, found=found, expected=expected)
    entries = _entries(content[end + 1 :] if end >= 0 else b"", int(sizes[2]), path)
    gene, cell, number = entries.T
    wrong = (gene < 1) | (gene > features) | (cell < 1) | (cell > barcodes) | (number < 0) | (number % 1 != 0)
    if wrong.any():
        at = int(np.argmax(wrong))
        expected = f"a feature up to {features}, a barcode up to {barcodes}, a whole count"
        found = " ".join(f"{value:g}" for value in entries[at])
        raise ReadError("this entry cannot be", file=path, row=row + 1 + at, found=found, expected=expected)
    places = (cell.astype(np.int64) - 1, gene.astype(np.int64) - 1)
    counts = csr_matrix((number.astype(np.int64), places), shape=(barcodes, features))
    if counts.nnz < len(entries):  # scipy adds up the entries of one place
        found = f"{len(entries) - counts.nnz} of {len(entries)}"
        raise ReadError(
            "entries stand twice", file=path, found=found, mend="was the file joined to itself? export it again"
        )
    return counts


def _entries(content: bytes, number: int, path: Path) -> NDArray[np.float64]:
    """Return the entries of a matrix, one a row."""
    if number == 0 and not content.strip():
        return np.zeros((0, 3))
    schema = {"feature": pl.Float64, "barcode": pl.Float64, "count": pl.Float64}
    try:
        table = pl.read_csv(io.BytesIO(content), has_header=False, separator=" ", quote_char=None, schema=schema)
    except pl.exceptions.PolarsError as error:
        raise ReadError("the entries cannot be read", file=path, found=str(error).partition("\n")[0]) from error
    if table.height != number or any(table.null_count().row(0)):
        raise ReadError(
            "the matrix is cut or damaged", file=path, found=f"{table.height} entries", expected=f"{number}"
        )
    return table.to_numpy()


def _tenx(parts: _Parts, path: str | Path) -> TenX:
    """Return genes and other features apart."""
    if len(set(parts.barcodes)) < len(parts.barcodes):
        raise ReadError("a barcode stands twice", file=path, mend="give each lane's file by itself")
    kinds = np.array(parts.kinds, dtype=object)
    genes = np.flatnonzero(kinds == GENES)
    genomes = sorted({parts.genomes[column] for column in genes} - {""})
    if len(genomes) > 1:
        raise _several_genomes(genomes, path)
    if not len(genes):
        found = first_few(sorted(set(parts.kinds)), 5)
        raise ReadError("the file holds no genes", file=path, found=found, expected=GENES)
    names, told = gene_names([parts.names[column] for column in genes])
    counts, symbols, summed = sum_by_gene(parts.counts[:, genes], names)
    ids: dict[str, list[str]] = {symbol: [] for symbol in symbols}
    for column, name in zip(genes, names, strict=True):
        ids[name].append(parts.identifiers[column])
    cells = _cells(counts, parts.barcodes, symbols)
    cells.var["gene_ids"] = [";".join(ids[symbol]) for symbol in symbols]
    others = {}
    for kind in sorted(set(parts.kinds) - {GENES}):
        at = np.flatnonzero(kinds == kind)
        others[kind] = _cells(parts.counts[:, at], parts.barcodes, [parts.identifiers[column] for column in at])
        others[kind].var["name"] = [parts.names[column] for column in at]
    apart = kept_apart({kind: one.n_vars for kind, one in others.items()})
    return TenX(cells, others, (*told, *summed, *apart, *_unfiltered(cells)))


def kept_apart(features: Mapping[str, int]) -> tuple[str, ...]:
    """Say how many features there are of each kind that is no gene."""
    return tuple(f"{number} features of {kind} are kept apart" for kind, number in sorted(features.items()))


def _unfiltered(cells: AnnData) -> tuple[str, ...]:
    if cells.n_obs <= MANY_BARCODES:
        return ()
    return (f"{cells.n_obs} barcodes are more than a lane has cells: is it the unfiltered matrix?",)


def _cells(counts: Any, barcodes: Sequence[str], features: Sequence[str]) -> AnnData:
    from anndata import AnnData
    from scipy.sparse import csr_matrix

    cells = AnnData(csr_matrix(counts))
    cells.obs_names, cells.var_names = list(barcodes), list(features)
    return cells


def _several_genomes(genomes: Sequence[str], path: str | Path) -> ReadError:
    mend = "give a file of one genome"
    return ReadError("the genes are of several genomes", file=path, found=", ".join(genomes), mend=mend)
