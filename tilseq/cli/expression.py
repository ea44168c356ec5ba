"""`tilseq expression`."""

from __future__ import annotations

from pathlib import Path

import click

from tilseq.cli.common import Examples, output_table


@click.group("expression")
def expression_command() -> None:
    """Gene-set scores of single cells."""


@expression_command.command(
    "score", cls=Examples, example="tilseq expression score cells.h5ad --by sample -o scores.csv\n"
)
@click.argument("h5ad", metavar="H5AD", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--gmt", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Gene sets; else built in.")
@click.option("--by", help="Column of obs that names each cell's sample; else the file is one sample.")
@output_table
def score_command(h5ad: Path, gmt: Path | None, by: str | None, output: str) -> None:
    """Write the mean score of each gene set over the cells of each sample; X must hold raw counts."""
    from tilseq.cli.common import sample_name, write_result
    from tilseq.errors import ReadError, did_you_mean
    from tilseq.expression import load_signatures, read_gmt, score, summarise
    from tilseq.io.h5ad import read_h5ad
    from tilseq.tables.outputs import SCORES

    cells = read_h5ad(h5ad)
    if by is not None and by not in cells.obs:
        mend = did_you_mean(by, [str(name) for name in cells.obs.columns])
        raise ReadError("obs has no such column", file=h5ad, column=by, mend=mend)
    if by is not None and cells.obs[by].isna().any():
        raise ReadError("cells without a sample", file=h5ad, column=by, found=int(cells.obs[by].isna().sum()))
    scores = score(cells.X, list(cells.var_names), load_signatures() if gmt is None else read_gmt(gmt))
    groups = [sample_name(h5ad)] * cells.n_obs if by is None else [str(name) for name in cells.obs[by]]
    for row in scores.coverage.drop_nulls("reason").iter_rows(named=True):
        click.echo(f"not scored: {row['set']}: {row['reason']}", err=True)
    empty = int((~scores.scored).sum())
    if empty:
        click.echo(f"left out: {empty} of {len(groups)} cells have no count", err=True)
    write_result(summarise(scores, groups), SCORES, output)
