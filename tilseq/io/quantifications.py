"""Estimated counts of transcripts, as Salmon and kallisto write them, summed by gene."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.errors import ReadError
from tilseq.gene_symbols import gene_names, sum_by_gene
from tilseq.io.count_matrix import CountMatrix
from tilseq.io.text import open_delimited, read_text

# Column of the transcript and that of its estimated counts.
SALMON, KALLISTO = ("Name", "NumReads"), ("target_id", "est_counts")
VERSION = re.compile(r"\.\d+$")
MOST_UNMAPPED = 0.5


def read_quantifications(paths: Mapping[str, str | Path], transcripts: str | Path) -> CountMatrix:
    """Read Salmon's `quant.sf` or kallisto's `abundance.tsv` of some samples, as counts of genes.

    Estimated counts are summed by gene and the sums rounded to whole numbers, halves to the even one. This is what
    tximport's ``countsFromAbundance="no"`` and then DESeq2 do (Soneson et al., F1000Research 2015;4:1521). The lengths
    of transcripts are not used: where samples use transcripts of other lengths, a gene's counts follow them.

    Parameters
    ----------
    paths
        Sample → its file, plain or gzip.
    transcripts
        A table parted by tabs or commas, with or without a header: transcript, gene and, where the gene is an id, its
        symbol. A transcript is also found without its version, and by the first of names parted by ``|``.

    Raises
    ------
    ReadError
        A file cannot be read or is neither program's; the transcripts of the samples are not the same; a number is
        missing or negative; most counts are of transcripts that the table does not have.
    """
    genes = _genes_of(transcripts)
    rows: list[NDArray[np.float64]] = []
    first: list[str] = []
    for sample, path in paths.items():
        names, counts = _estimated(path)
        if rows and names != first:
            mend = "quantify all samples with one index"
            raise ReadError("the transcripts are not those of the other samples", file=path, found=sample, mend=mend)
        first = names
        rows.append(counts)
    if not rows:
        raise ReadError("no file of a sample is given")
    estimated = np.vstack(rows)
    mapped = [genes.get(name) or genes.get(VERSION.sub("", name)) for name in first]
    known = np.array([gene is not None for gene in mapped])
    told = _unmapped(estimated, known, first, transcripts)
    named, more = gene_names([gene for gene in mapped if gene is not None])
    summed, symbols, _ = sum_by_gene(estimated[:, known], named)
    return CountMatrix(np.rint(summed).astype(np.int64), symbols, tuple(paths), (*told, *more))


def is_quantification(path: str | Path) -> bool:
    """Return whether a file has the columns of Salmon's or kallisto's; of one that is no table, False."""
    try:
        names = set(open_delimited(path).names)
    except ReadError:
        return False
    return any(set(columns) <= names for columns in (SALMON, KALLISTO))


def _estimated(path: str | Path) -> tuple[list[str], NDArray[np.float64]]:
    """Return the transcripts of a file and their estimated counts."""
    table = open_delimited(path)
    columns = next((one for one in (SALMON, KALLISTO) if set(one) <= set(table.names)), None)
    if columns is None:
        expected = "Name and NumReads of Salmon, or target_id and est_counts of kallisto"
        raise ReadError("neither Salmon's nor kallisto's", file=path, found=", ".join(table.names), expected=expected)
    cells = table.cells(columns)
    counts = cells[columns[1]].cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    wrong = ~(np.isfinite(counts) & (counts >= 0)) | cells[columns[0]].is_null().to_numpy()
    if wrong.any():
        at = int(np.argmax(wrong))
        row, found = table.header_row + 1 + at, cells[columns[1]][at]
        raise ReadError("no estimated count", file=path, row=row, column=columns[1], found=found, expected="0 or more")
    return [name.partition("|")[0] for name in cells[columns[0]]], counts


def _genes_of(path: str | Path) -> dict[str, str]:
    """Return transcript, with and without its version, → symbol or else id of its gene."""
    genes: dict[str, str] = {}
    for row, line in enumerate(read_text(path).splitlines(), start=1):
        cells = [cell.strip().strip('"') for cell in re.split(r"[\t,]", line)]
        if not line.strip():
            continue
        if len(cells) < 2 or not cells[0] or not any(cells[1:3]):
            expected = "transcript, gene and perhaps its symbol"
            raise ReadError("this row maps no transcript", file=path, row=row, found=line, expected=expected)
        gene = next(cell for cell in reversed(cells[1:3]) if cell)
        for name in (cells[0], VERSION.sub("", cells[0])):
            genes.setdefault(name, gene)
    return genes


def _unmapped(
    estimated: NDArray[np.float64], known: NDArray[np.bool_], names: list[str], path: str | Path
) -> tuple[str, ...]:
    """Return what is left out for want of a gene; refuse where it is most of the counts."""
    total = estimated.sum()
    share = float(estimated[:, ~known].sum() / total) if total else 0.0
    if not known.any() or share > MOST_UNMAPPED:
        example = next(name for name, one in zip(names, known, strict=True) if not one)
        mend = "is it of the same annotation?"
        raise ReadError(
            f"{share:.0%} of the counts are of transcripts without a gene", file=path, found=example, mend=mend
        )
    if known.all():
        return ()
    return (f"{int((~known).sum())} transcripts, {share:.1%} of the counts, have no gene and are left out",)
