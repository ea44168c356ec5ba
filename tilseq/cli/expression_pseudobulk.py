"""`tilseq expression pseudobulk`."""

from __future__ import annotations

from pathlib import Path

import click

from tilseq.cli.common import Examples, tell_written, write_result
from tilseq.cli.suggestions import ExistingPath

MINIMUM_CELLS = 10  # as in tilseq.expression.pseudobulk, which is too heavy for help
PARTS = ("subject", "visit", "specimen", "cell_type", "status", "sample", "day")

EXAMPLE = """\
with files of yours:
tilseq expression pseudobulk cells.h5ad --subject patient --status product_label -o sums.h5ad
tilseq expression de sums.h5ad --where cell_type=CD8 --where status=infused --contrast visit:D28/product -o cd8.csv"""


@click.command("pseudobulk", cls=Examples, example=EXAMPLE)
@click.argument("h5ad", metavar="H5AD", type=ExistingPath(dir_okay=False))
@click.option("--subject", metavar="COLUMN", help="Column of obs with each cell's subject; else subject.")
@click.option("--visit", metavar="COLUMN", help="With its visit; else visit, if it is there. So with the others.")
@click.option("--specimen", metavar="COLUMN", help="With its specimen.")
@click.option("--cell-type", metavar="COLUMN", help="With CD4, CD8 or unclear.")
@click.option("--status", metavar="COLUMN", help="With infused, not_seen_in_product, and so on.")
@click.option("--sample", metavar="COLUMN", help="With its sample, named for each group.")
@click.option("--day", metavar="COLUMN", help="With its study day.")
@click.option("--minimum-cells", default=MINIMUM_CELLS, show_default=True, type=click.IntRange(min=1), metavar="N")
@click.option("--layer", help="Where the raw counts stand: a layer's name, or raw; else X.")
@click.option("--groups", type=click.Path(dir_okay=False), help="CSV file for all groups, those left out too.")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="h5ad to write.")
def pseudobulk_command(
    h5ad: Path, minimum_cells: int, layer: str | None, groups: str | None, output: Path, **columns: str | None
) -> None:
    """Sum the raw counts of cells by subject, visit, specimen, cell type and status: groups x genes.

    Groups of fewer cells than the minimum are left out and told; so is what cells are summed over for want of a column.
    """
    from tilseq.errors import AnalysisError
    from tilseq.expression.pseudobulk import FACTORS, pseudobulk
    from tilseq.expression.ubiquitous import check_names
    from tilseq.io.single_cells import read_single_cells
    from tilseq.tables.differential import PSEUDOBULK_GROUPS

    asked = {name: column for name in PARTS if (column := columns[name]) is not None}
    cells, told = read_single_cells(h5ad)
    for sentence in told:
        click.echo(sentence, err=True)
    try:
        made = pseudobulk(cells, columns=asked, minimum_cells=minimum_cells, layer=layer)
    except AnalysisError as error:
        error.file = str(h5ad)
        raise
    if absent := [name for name in FACTORS if asked.get(name, name) not in cells.obs.columns]:
        options = ", ".join("--" + name.replace("_", "-") for name in absent)
        click.echo(f"summed over every {', '.join(absent)}: obs has no such column ({options} name another)", err=True)
    for name, reason in made.groups.filter(~made.groups["kept"]).select("group", "reason").iter_rows():
        click.echo(f"{name}: left out: {reason}", err=True)
    if not made.data.n_obs:
        raise AnalysisError("no group of cells is kept", file=h5ad, found=f"{made.groups.height} groups")
    kept = list(map(str, made.data.obs_names))
    for check in check_names(made.data.X, list(map(str, made.data.var_names)), kept):
        click.echo(f"{check['sample']}: {check['reason']}", err=True)
    click.echo(f"{made.data.n_obs} groups of {made.groups.height} kept", err=True)
    output.parent.mkdir(parents=True, exist_ok=True)
    made.data.write_h5ad(output, compression="gzip")
    if groups is not None:
        write_result(made.groups, PSEUDOBULK_GROUPS, groups)
    tell_written(output)
