"""`tilseq expression`."""

from __future__ import annotations

from pathlib import Path

import click

from tilseq.cli.common import Examples, output_table
from tilseq.cli.expression_de import de_command
from tilseq.cli.expression_gsea import gsea_command
from tilseq.cli.expression_pseudobulk import pseudobulk_command


@click.group("expression")
def expression_command() -> None:
    """Scores of single cells; cells summed by subject; genes and gene sets that differ within subjects."""


@expression_command.command(
    "score", cls=Examples, example="tilseq expression score cells.h5ad --by sample -o scores.csv\n"
)
@click.argument("h5ad", metavar="H5AD", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--gmt", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Gene sets; else built in.")
@click.option("--by", help="Column of obs that names each cell's sample; else the file is one sample.")
@click.option("--layer", help="Where the raw counts stand: a layer's name, or raw; else X.")
@output_table
def score_command(h5ad: Path, gmt: Path | None, by: str | None, layer: str | None, output: str) -> None:
    """Write the mean score of each gene set over the cells of each sample; the matrix must hold raw counts."""
    from tilseq.cli.common import sample_name, write_result
    from tilseq.steps.expression import score_file
    from tilseq.tables.outputs import SCORES

    scored = score_file(h5ad, gmt, sample=sample_name(h5ad), by=by, layer=layer)
    for check, reason in scored.quality.select("check", "reason").unique(maintain_order=True).iter_rows():
        click.echo(f"{check}: not scored: {reason}", err=True)
    for sample, empty in scored.exclusions.select("sample", "rows").iter_rows():
        click.echo(f"cells of {sample} without a count, left out: {empty}", err=True)
    write_result(scored.scores, SCORES, output)


expression_command.add_command(pseudobulk_command)
expression_command.add_command(de_command)
expression_command.add_command(gsea_command)
