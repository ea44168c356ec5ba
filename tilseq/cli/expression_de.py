"""`tilseq expression de`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tilseq.cli.common import EXIT_SOME_FAILED, Examples, output_table, tell_written, write_result
from tilseq.cli.expression_design import asked, design_of, naming, tell_counts, tell_handling, tell_sexes, where_option
from tilseq.cli.suggestions import ExistingPath

if TYPE_CHECKING:
    import polars as pl

    from tilseq.expression.differential import Differential

EXAMPLE = """\
with files of yours:
tilseq expression de counts.tsv --design design.csv --contrast visit:D28/product -o de.csv
tilseq expression de sums.h5ad --where cell_type=CD8 --where visit=D28 \\
    --contrast status:infused/not_seen_in_product -o status.csv
tilseq expression de sums.h5ad --where cell_type=CD8 \\
    --contrast "visit:D28/D14*status:infused/not_seen_in_product" -o interaction.csv"""

SHOWN = 5
FILE = ExistingPath(dir_okay=False)


@click.command("de", cls=Examples, example=EXAMPLE)
@click.argument("counts", metavar="COUNTS", type=FILE)
@click.option("--design", type=FILE, help="CSV: sample, subject and factors; else obs of an h5ad.")
@click.option(
    "--contrast",
    "contrasts",
    multiple=True,
    required=True,
    metavar="FACTOR:LEVEL/REFERENCE",
    help="LEVEL minus REFERENCE within subjects; two joined by * are an interaction. Repeats.",
)
@where_option
@click.option("--engine", type=click.Choice(["voom", "deseq2"]), default="voom", show_default=True)
@click.option(
    "--subjects",
    type=click.Choice(["fixed", "correlated"]),
    default="fixed",
    show_default=True,
    help="A level for each, or a correlation between their samples, where a subject without a pair still counts.",
)
@click.option("--pooled", is_flag=True, help="Fit all levels of the factor: more degrees, if all spread alike.")
@click.option("--covariate", "covariates", multiple=True, metavar="COLUMN", help="Taken into account. Repeats.")
@click.option("--layer", help="Layer of an h5ad with the raw counts; else X.")
@click.option("--left-out", type=click.Path(dir_okay=False), help="CSV file for what took no part, and why.")
@output_table
def de_command(
    counts: Path,
    design: Path | None,
    contrasts: tuple[str, ...],
    where: tuple[str, ...],
    engine: str,
    subjects: str,
    pooled: bool,
    covariates: tuple[str, ...],
    layer: str | None,
    left_out: str | None,
    output: str,
) -> int:
    """Test each gene for a difference within subjects: bulk RNA, or cells summed by `tilseq expression pseudobulk`.

    COUNTS are raw counts: CSV or TSV of genes x samples, featureCounts, or an h5ad of samples x genes.
    """
    from tilseq.expression.differential import differential_expression
    from tilseq.expression.sample_design import chosen_samples, match_samples
    from tilseq.io.count_matrix import read_count_matrix
    from tilseq.io.write import write_csv
    from tilseq.tables.differential import DIFFERENTIAL

    chosen = asked(where)
    matrix = read_count_matrix(counts, layer=layer)
    tell_counts(counts, matrix)
    with naming(design or counts):
        table = match_samples(design_of(counts, design), matrix.samples)
        tell_sexes(matrix, table)
        rows = chosen_samples(table, chosen)
        found = differential_expression(
            matrix.counts[rows],
            matrix.genes,
            _numbers(table[rows], covariates),
            contrasts,
            engine=engine,  # type: ignore[arg-type]
            subjects=subjects,  # type: ignore[arg-type]
            covariates=covariates,
            pooled=pooled,
        )
    _tell(found)
    tell_handling(table[rows], found.models["contrast"], covariates)
    if left_out is not None:
        write_csv(found.left_out, left_out)
    write_result(found.table, DIFFERENTIAL, output)
    tell_written(output)
    return EXIT_SOME_FAILED if (found.left_out["what"] == "contrast").any() else 0


def _numbers(design: pl.DataFrame, covariates: tuple[str, ...]) -> pl.DataFrame:
    """Return the design with covariates that are all numbers as numbers, and say so: batches may be numbered."""
    import polars as pl

    from tilseq.expression.sample_design import without_missing

    for name in covariates:
        if name in design.columns:
            known = without_missing(design[name])
            number = known.cast(pl.Float64, strict=False)
            if number.null_count() == known.null_count():
                design = design.with_columns(number)
                click.echo(f"covariate {name}: numbers, taken for one slope; write words for levels", err=True)
    return design


def _tell(found: Differential) -> None:
    """Say what each contrast rests on and what took no part."""
    from tilseq.errors import first_few

    for model in found.models.iter_rows(named=True):
        left_out = found.left_out.filter(found.left_out["contrast"] == model["contrast"])
        correlation = "" if model["correlation"] is None else f", correlation {model['correlation']:.3f}"
        click.echo(
            f"{model['contrast']}: {model['engine']}{correlation}, {model['subjects']} subjects, "
            f"{model['samples']} samples, {model['genes']} genes",
            err=True,
        )
        groups = left_out.group_by("what", "reason", maintain_order=True).agg("name")
        for what, reason, names in groups.iter_rows():
            told = first_few(names, SHOWN) if what != "gene" else ""
            click.echo(f"  {len(names)} {what}{'s' if len(names) > 1 else ''} left out: {reason}", err=True, nl=False)
            click.echo(f": {told}" if told else "", err=True)
    untested = found.left_out.filter(found.left_out["what"] == "contrast")
    for contrast, reason in untested.select("contrast", "reason").iter_rows():
        click.echo(f"{contrast}: contrast left out: {reason}", err=True)
