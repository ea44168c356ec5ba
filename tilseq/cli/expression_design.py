"""Which samples the commands of expression are told to take, and what a design says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import polars as pl

    from tilseq.io.count_matrix import CountMatrix


@contextmanager
def naming(design: Path) -> Iterator[None]:
    """Name the file in errors that are of a column of the design."""
    from tilseq.errors import AnalysisError

    try:
        yield
    except AnalysisError as error:
        if error.file is None and error.column is not None:
            error.file = str(design)
        raise


def tell_counts(file: Path, matrix: CountMatrix) -> None:
    """Say what a reader should know of a table of counts."""
    from tilseq.expression.ubiquitous import check_names
    from tilseq.gene_symbols import PLAIN, no_symbol

    for sentence in matrix.told:
        click.echo(f"{file.name}: {sentence}", err=True)
    if 2 * sum(no_symbol(gene) in PLAIN for gene in matrix.genes) > len(matrix.genes):
        told = "V, D and J genes are not known by their ids and stay among the others: give symbols beside the ids"
        click.echo(f"{file.name}: {told}", err=True)
    for sample, doubt in matrix.doubts.items():
        click.echo(f"{sample}: {doubt}", err=True)
    for check in check_names(matrix.counts, matrix.genes, matrix.samples):
        click.echo(f"{check['sample']}: {check['reason']}", err=True)


def tell_sexes(matrix: CountMatrix, design: pl.DataFrame) -> None:
    """Say whose samples are of either sex; the design is in the order of the matrix."""
    from tilseq.expression.sample_design import without_missing
    from tilseq.expression.sex_genes import told_of_either_sex

    subjects = without_missing(design["subject"]).to_list() if "subject" in design.columns else [None] * design.height
    for sentence in told_of_either_sex(matrix.counts, matrix.genes, matrix.samples, subjects):
        click.echo(sentence, err=True)


def tell_handling(design: pl.DataFrame, contrasts: Iterable[str], covariates: tuple[str, ...] = ()) -> None:
    """Say of each contrast that was made where a batch or run cannot be told from it."""
    from tilseq.expression.confounding import told_of_handling
    from tilseq.expression.contrasts import parse_contrast

    for contrast in contrasts:
        for sentence in told_of_handling(design, parse_contrast(contrast), covariates):
            click.echo(sentence, err=True)


where_option = click.option(
    "--where", multiple=True, metavar="COLUMN=VALUE[,VALUE]", help="Only these samples. Repeats."
)


def asked(where: tuple[str, ...]) -> dict[str, list[str]]:
    """Return column → values, from `COLUMN=VALUE,VALUE`."""
    chosen: dict[str, list[str]] = {}
    for one in where:
        column, equals, values = one.partition("=")
        if not (column and equals and values):
            raise click.UsageError(f"--where {one}: write COLUMN=VALUE, as cell_type=CD8")
        chosen.setdefault(column, []).extend(values.split(","))
    return chosen


def design_of(counts: Path, design: Path | None) -> pl.DataFrame:
    """Return the design as text: a file, or what an h5ad says of its samples."""
    import polars as pl

    if design is not None:
        from tilseq.io.text import read_cells

        return read_cells(design)
    if counts.suffix != ".h5ad":
        raise click.UsageError("a text file of counts needs --design")
    import pandas as pd

    from tilseq.io.h5ad import read_h5ad

    obs = read_h5ad(counts).obs
    columns = {str(name): [None if pd.isna(value) else str(value) for value in obs[name]] for name in obs}
    return pl.DataFrame(columns | {"sample": list(map(str, obs.index))}, schema_overrides={"sample": pl.String})
