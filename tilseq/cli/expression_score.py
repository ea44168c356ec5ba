"""`tilseq expression score`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tilseq.cli.common import Examples, output_table
from tilseq.cli.suggestions import ExistingPath

EXAMPLE = """\
on the sample study, in a clone; or with S the folder of yours:
  S=data/sample
  tilseq expression score $S/raw/scrna/SIM-01_D28_sc.h5ad --by sample -o scores.csv"""


@click.command("score", cls=Examples, example=EXAMPLE)
@click.argument("file", metavar="FILE", type=ExistingPath())
@click.option("--gmt", type=ExistingPath(dir_okay=False), help="Gene sets; else built in.")
@click.option("--by", help="Column of obs that names each cell's sample; else the file is one sample.")
@click.option("--layer", help="Where the raw counts stand: a layer's name, or raw; else X.")
@click.option("--method", type=click.Choice(["mean", "ucell"]), default="mean", show_default=True, help="Of scoring.")
@click.option(
    "--controls",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Control genes a bin, where one file holds all samples; 0: none.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the choice of control genes.")
@output_table
def score_command(file: Path, gmt: Path | None, by: str | None, layer: str | None, output: str, **how: Any) -> None:
    """Write the mean score of each gene set over the cells of each sample.

    FILE is an h5ad, or 10x's h5, folder or matrix.mtx; it must hold raw counts. A cell's score is the mean of its
    log-normalised expression, with --controls less that of control genes, or by ranks (UCell).
    """
    import polars as pl

    from tilseq.cli.common import sample_name, tell_written, write_result
    from tilseq.expression.ubiquitous import NAME
    from tilseq.steps.expression import ONE_SAMPLE, score_file
    from tilseq.tables.outputs import SCORES

    scored = score_file(file, gmt, sample=sample_name(file), by=by, layer=layer, **how)
    for sentence in scored.told:
        click.echo(sentence, err=True)
    for name, reason in scored.coverage.drop_nulls("reason").select("set", "reason").unique(maintain_order=True).rows():
        click.echo(f"{name}: not scored: {reason}", err=True)
    for name, reason in scored.quality.filter(check="cells").select("sample", "reason").iter_rows():
        click.echo(f"{name}: not scored: {reason}", err=True)
    of_sample = pl.col("check").is_in([ONE_SAMPLE, NAME])
    for name, reason in scored.quality.filter(of_sample).select("sample", "reason").iter_rows():
        click.echo(f"{name}: {reason}", err=True)
    for sample, empty in scored.exclusions.select("sample", "rows").iter_rows():
        click.echo(f"cells of {sample} without a count, left out: {empty}", err=True)
    write_result(scored.scores, SCORES, output)
    tell_written(output)
