"""Tables of counts, genes by samples, of bulk RNA or of summed cells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.errors import ReadError, did_you_mean, first_few
from tilseq.gene_symbols import ensembl_gene, gene_id, gene_names, is_transcript, sum_by_gene, symbol_beside_id
from tilseq.io.h5ad import read_h5ad
from tilseq.io.kinds import HDF5
from tilseq.io.text import open_delimited, unquoted
from tilseq.scaled_counts import sign_of_scaling

FEATURE_COUNTS = ("Geneid", "Chr", "Start", "End", "Strand", "Length")
# Columns beside the gene's that are of no sample, without their case.
SYMBOL_COLUMNS = (
    "gene_name", "gene name", "gene_symbol", "symbol", "hgnc_symbol", "external_gene_name", "gene_symbols",
    "feature_name",
)  # fmt: skip
ABOUT_GENES = (
    *SYMBOL_COLUMNS, "gene id", "gene_id", "gene_ids", "ensembl_gene_id", "hgnc_id", "entrezgene",
    "entrezgene_id", "entrez_id", "entrez", "ncbi_gene_id", "gene_type", "gene_biotype", "biotype", "description",
    "gene_description", "length", "effective_length", "gene_length", "transcript_length", "gc_content",
    "percentage_gene_gc_content", "transcript_id(s)",
)  # fmt: skip
CHROMOSOMES = ("chr", "chrom", "chromosome", "chromosome_name", "seqnames")
OF_PLACE = ("start", "end", "width", "strand", "start_position", "end_position", "band")  # beside a chromosome
# What programs write beside or instead of counts, without the sample's name.
OF_ONE_SAMPLE = ("expected_count", "est_counts", "tpm", "fpkm", "rpkm", "isopct")
HEAD_OF_GENES = re.compile(r"|x|index|rows?|.*(gene|id|symbol|name|feature|target|probe).*", re.IGNORECASE)
ALIGNMENTS = (".sam", ".bam", ".cram")
# Rows that HTSeq and STAR set beside those of genes, and sums.
NO_GENES = re.compile(
    r"__.*|N_(unmapped|multimapping|noFeature|ambiguous)|no_feature|ambiguous|too_low_aQual|not_aligned"
    r"|alignment_not_unique|(grand[ _])?totals?([ _](counts|reads))?",
    re.IGNORECASE,
)
NO_FEATURE = re.compile(r"(__)?no_feature|N_noFeature", re.IGNORECASE)
MANY_OF_NO_FEATURE, TIMES_GENES = 10_000, 3  # reads; of a library counted on the wrong strand nine in ten or more
EXPECTED = "whole numbers, 0 or more"
MEND = "give raw counts, not normalised or logged values, nor TPM"
SHOWN = 5
MOST_TRANSCRIPTS = 0.5
LARGEST = 2**53  # beyond it a floating-point number no longer holds every whole number


@dataclass(frozen=True)
class CountMatrix:
    """Counts of genes in samples.

    Attributes
    ----------
    counts
        Samples × genes, int64: a numpy array, or a scipy csr_array where the file held a sparse matrix.
    genes
        Symbol of each column, unique; an Ensembl id where the file has no symbol.
    samples
        Name of each row, unique.
    told
        What a reader should know: symbols brought up to date, genes summed, rows and columns left out.
    no_genes
        Names of the rows, or columns of an h5ad, that are left out since they are of no gene.
    doubts
        Sample → what speaks against its counts.
    """

    counts: Any
    genes: tuple[str, ...]
    samples: tuple[str, ...]
    told: tuple[str, ...] = ()
    no_genes: tuple[str, ...] = ()
    doubts: Mapping[str, str] = field(default_factory=dict)


def read_count_matrix(path: str | Path, *, layer: str | None = None) -> CountMatrix:
    """Read a table of raw counts.

    Read are CSV and TSV, plain or gzip, of genes × samples, with the gene in the first column; the table of
    featureCounts, whose samples bear the names of their alignment files; and an h5ad of samples × genes. Columns such
    as `gene_name` or `length` are not taken for samples; a column of symbols names Ensembl ids and numbers. Of a name
    with an id and a symbol, as RSEM's `ENSG00000010610_CD4`, the symbol is taken. Retired symbols are brought up to
    date, rows of one gene are summed, and rows of no gene are left out, as HTSeq's `__no_feature` or a `Total`: `told`.

    Parameters
    ----------
    path
        The file.
    layer
        Layer of an h5ad that holds the counts, else `X`.

    Raises
    ------
    ReadError
        The file cannot be read; a value is no number, negative or not whole, as after normalisation or logarithm; whole
        numbers show that they were normalised and rounded (`sign_of_scaling`); a gene has no name; a sample stands
        twice; there is no header; the rows are of transcripts; there is no sample, no gene or no such layer.
    """
    is_hdf5 = _starts_with(path, HDF5)
    if layer is not None and not is_hdf5:
        raise ReadError("a text file has no layers", file=path, found=layer)
    matrix = _of_h5ad(path, layer) if is_hdf5 else _of_text(path)
    sign = sign_of_scaling(matrix.counts, matrix.samples)
    if sign is not None:
        raise ReadError(sign.what, file=path, found=sign.found, mend=sign.mend)
    return matrix


def _check_counts(values: NDArray[Any], place: Any, path: str | Path) -> None:
    """Refuse values of which one is not a count.

    Parameters
    ----------
    values
        Numbers in one or two dimensions.
    place
        Function from the index of a value to keywords of `ReadError`: `row`, `column`, `found`.
    path
        The file, for errors.
    """
    wrong = ~(np.isfinite(values) & (values >= 0) & (values == np.floor(values)) & (values <= LARGEST))
    if not wrong.any():
        return
    at = tuple(int(index) for index in np.argwhere(wrong)[0])
    value = float(values[at])
    if np.isnan(value):
        what = "a count is missing or no number"
    elif value < 0:
        what = "a count is negative"
    elif value > LARGEST:
        what = "a count is too large"
    else:
        what = "these are not raw counts"
    raise ReadError(what, file=path, expected=EXPECTED, mend=MEND, **({"found": f"{value:g}"} | place(at)))


def _starts_with(path: str | Path, magic: bytes) -> bool:
    try:
        if not Path(path).is_file():  # opening a pipe could wait for ever; the reader of texts says what it is
            return False
        with open(path, "rb") as stream:
            return stream.read(len(magic)) == magic
    except OSError:
        return False


def _of_text(path: str | Path) -> CountMatrix:
    table = open_delimited(path, comment="#")
    names = _names(table.names)
    gene, first = names[0], table.header_row + 1
    cells = _without_blanks(table.cells().rename(dict(zip(table.names, names, strict=True))), gene)
    nameless = cells[gene].is_null()
    if nameless.any():
        raise ReadError("a gene has no name", file=path, row=first + int(nameless.arg_true()[0]), column=gene)
    _refuse_headless(names, table.header_row, path)
    columns, about = _sample_columns(names)
    measures = [name for name in columns if name.casefold() in OF_ONE_SAMPLE]
    if measures:
        what = "a table of one sample's measures"
        join = "join the counts of all samples, one column each, named as the sample; estimated ones rounded"
        raise ReadError(what, file=path, column=measures[0], expected=EXPECTED, mend=join)
    if not columns:
        mend = "is the separator right?" if len(names) == 1 else None
        raise ReadError("the file has no column of a sample", file=path, found=", ".join(names), mend=mend)
    is_gene = np.array([NO_GENES.fullmatch(name) is None for name in cells[gene]], bool)
    every = _numbers(cells, columns, path, first)
    counts, samples = every[is_gene], _sample_names(columns, names, path)
    strayed = every[np.array([NO_FEATURE.fullmatch(name) is not None for name in cells[gene]], bool)].sum(axis=0)
    no_genes = tuple(cells[gene].filter(pl.Series(~is_gene)).to_list())
    cells = cells.filter(pl.Series(is_gene))
    if not len(cells):
        raise ReadError("the file has no row of a gene", file=path)
    _refuse_transcripts(cells[gene].to_list(), path)
    symbols, told = gene_names(cells[gene].to_list(), _symbols_of(cells, gene))
    summed, genes, twice = sum_by_gene(counts.T, symbols)
    left = [f"columns that are of no sample: {', '.join(about)}"] if about else []
    doubts = _of_no_feature(strayed, counts.sum(axis=0), samples)
    return CountMatrix(summed, genes, samples, (*left, *_left_out(no_genes), *told, *twice), no_genes, doubts)


def _refuse_transcripts(names: Sequence[str], path: str | Path) -> None:
    """Refuse rows of transcripts, each of which would be tested as if it were a gene."""
    found = [name for name in names if is_transcript(name)]
    if len(found) > MOST_TRANSCRIPTS * len(names):
        mend = "sum them by gene; Salmon's and kallisto's own files are summed by a table of transcript and gene"
        raise ReadError("these are counts of transcripts", file=path, found=found[0], expected="of genes", mend=mend)


def _refuse_headless(names: Sequence[str], row: int, path: str | Path) -> None:
    """Refuse a file whose first row is of a gene, as HTSeq and STAR write it: that gene would be lost as a header."""
    first = names[0].strip()
    is_gene = ensembl_gene(first) or is_transcript(first) or symbol_beside_id(first) or NO_GENES.fullmatch(first)
    numbers = len(names) > 1 and all(name.strip().isdecimal() for name in names[1:])
    if is_gene or (numbers and not HEAD_OF_GENES.fullmatch(first)):
        found, expected = "\t".join(names), "gene and the names of samples"
        mend = "put a row above that names the columns; if this one does, call the first gene"
        raise ReadError("the file has no header", file=path, row=row, found=found, expected=expected, mend=mend)


def _names(header: Sequence[str]) -> tuple[str, ...]:
    """Return the names of columns without quotes, where they stay apart."""
    bare = tuple(map(unquoted, header))
    return bare if len(set(bare)) == len(bare) else tuple(header)


def _without_blanks(cells: pl.DataFrame, gene: str) -> pl.DataFrame:
    """Return cells with the names of genes, and their symbols, without blanks and quotes; of a blank one null."""
    texts = [name for name in cells.columns if name == gene or name.casefold() in SYMBOL_COLUMNS]
    bare = (pl.col(name).str.strip_chars().str.replace(r'^"(.*)"$', "$1").alias(name) for name in texts)
    return cells.with_columns(pl.when(name != "").then(name) for name in bare)


def _left_out(no_genes: Sequence[str]) -> list[str]:
    return [f"left out, of no gene: {first_few(no_genes, SHOWN)}"] if no_genes else []


def _of_no_feature(strayed: NDArray[np.int64], counts: NDArray[np.int64], samples: Sequence[str]) -> dict[str, str]:
    """Say of which samples far more reads are of no gene than of genes, as those counted on the wrong strand."""
    return {
        sample: f"{of_none:,} reads of no feature and {of_genes:,} of genes: was another strand counted than sequenced?"
        for sample, of_none, of_genes in zip(samples, strayed, counts, strict=True)
        if of_none >= MANY_OF_NO_FEATURE and of_none > TIMES_GENES * of_genes
    }


def _sample_columns(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the columns of samples, and those that tell of the gene."""
    about = [name for name in names[1:] if name in FEATURE_COUNTS[1:]] if _feature_counts(names) else []
    lower = {name.casefold() for name in names}
    words = {*ABOUT_GENES, *CHROMOSOMES, *(OF_PLACE if lower & {*CHROMOSOMES} else ())}
    about += [name for name in names[1:] if name.casefold() in words and name not in about]
    return [name for name in names[1:] if name not in about], about


def _feature_counts(names: Sequence[str]) -> bool:
    return tuple(names[: len(FEATURE_COUNTS)]) == FEATURE_COUNTS


def _sample_names(columns: Sequence[str], header: Sequence[str], path: str | Path) -> tuple[str, ...]:
    """Return the names of samples: of alignment files, which featureCounts names, without folder and suffix."""
    nameless = [header.index(column) + 1 for column in columns if not column.strip()]
    if nameless:
        raise ReadError("a sample has no name", file=path, found=f"column {nameless[0]} of the header")
    names = [PurePosixPath(name).stem if name.endswith(ALIGNMENTS) else name for name in columns]
    for column, name in zip(columns, names, strict=True):
        if names.count(name) > 1:
            raise ReadError("a sample stands twice", file=path, column=column, found=name)
    return tuple(names)


def _numbers(cells: pl.DataFrame, columns: Sequence[str], path: str | Path, first: int) -> NDArray[np.int64]:
    """Return columns as whole numbers, rows × columns, or an error with the row and column of the first that is not."""
    texts = cells.select(columns)
    numbers = texts.select(pl.all().str.strip_chars().cast(pl.Float64, strict=False))
    values = numbers.fill_null(np.nan).to_numpy()

    def place(at: tuple[int, ...]) -> dict[str, Any]:
        row, column = at
        cell = texts[columns[column]][row]
        return {"row": first + row, "column": columns[column], "found": "an empty cell" if cell is None else cell}

    _check_counts(values, place, path)
    return values.astype(np.int64)


def _symbols_of(cells: pl.DataFrame, gene: str) -> Mapping[str, str]:
    """Return id → symbol by the table's own column of symbols."""
    column = next((name for name in cells.columns if name != gene and name.casefold() in SYMBOL_COLUMNS), None)
    if column is None:
        return {}
    return _symbols_by_id(cells[gene].to_list(), cells[column].to_list())


def _symbols_by_id(names: Sequence[str], symbols: Sequence[str | None]) -> dict[str, str]:
    """Return id → symbol, of Ensembl without version; a name that is no `gene_id`, or has no symbol, gives none."""
    pairs = zip(names, symbols, strict=True)
    return {identifier: symbol for name, symbol in pairs if symbol and (identifier := gene_id(name))}


def symbols_of_var(var: Any) -> dict[str, str]:
    """Return id → symbol, as `_symbols_by_id`, by the column of symbols of an AnnData's var, if it has one."""
    column = next((name for name in var.columns if str(name).casefold() in SYMBOL_COLUMNS), None)
    if column is None:
        return {}
    symbols = [str(symbol) if known else None for symbol, known in zip(var[column], var[column].notna(), strict=True)]
    return _symbols_by_id(list(map(str, var.index)), symbols)


def _of_h5ad(path: str | Path, layer: str | None) -> CountMatrix:
    from scipy.sparse import csr_array

    data = read_h5ad(path)
    if layer is not None and layer not in data.layers:
        layers = [str(name) for name in data.layers.keys() if name is not None]
        mend = did_you_mean(layer, layers) or f"it has {', '.join(layers) or 'none'}"
        raise ReadError("the file has no such layer", file=path, found=layer, mend=mend)
    matrix: Any = data.X if layer is None else data.layers[layer]
    samples, listed = [str(name) for name in data.obs_names], [str(name) for name in data.var_names]
    if not samples or not listed:
        raise ReadError("the file has no sample or no gene", file=path, found=data.shape)
    counts: Any
    if hasattr(matrix, "tocsr"):
        rows = csr_array(matrix.tocsr(), dtype=np.float64)
        rows.sum_duplicates()

        def place(at: tuple[int, ...]) -> dict[str, Any]:
            sample = int(np.searchsorted(rows.indptr, at[0], side="right")) - 1
            return {"column": f"gene {listed[rows.indices[at[0]]]}, sample {sample + 1}"}

        _check_counts(rows.data, place, path)
        counts = rows.astype(np.int64)
    else:
        values = np.asarray(matrix, dtype=np.float64)
        _check_counts(values, lambda at: {"column": f"gene {listed[at[1]]}, sample {at[0] + 1}"}, path)
        counts = values.astype(np.int64)
    is_gene = np.array([NO_GENES.fullmatch(name.strip()) is None for name in listed], bool)
    no_genes = tuple(name for name, known in zip(listed, is_gene, strict=True) if not known)
    if not is_gene.any():
        raise ReadError("the file has no column of a gene", file=path, found=first_few(listed, SHOWN))
    _refuse_transcripts(listed, path)
    names, told = gene_names([name for name in listed if name not in no_genes], symbols_of_var(data.var))
    summed, genes, twice = sum_by_gene(counts[:, is_gene], names)
    return CountMatrix(summed, genes, tuple(samples), (*_left_out(no_genes), *told, *twice), no_genes)
