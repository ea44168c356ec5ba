"""`tilseq repertoire`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tilseq.cli.common import (
    Examples,
    each_file,
    output_folder,
    sample_name,
    sample_names,
    write_result,
)
from tilseq.cli.repertoire_bcr import bcr_command
from tilseq.cli.repertoire_cells import cells_command
from tilseq.cli.repertoire_diversity import diversity_command
from tilseq.cli.repertoire_files import (
    cells_given,
    cells_option,
    count_option,
    counts_of,
    dialect_option,
    effective_of,
    joined,
    locus_option,
    read_file,
)
from tilseq.cli.repertoire_label import label_command
from tilseq.cli.repertoire_overlap import overlap_command, qc_command

if TYPE_CHECKING:
    import polars as pl

CONVERT_EXAMPLE = "tilseq repertoire convert filtered_contig_annotations.csv -o product.tsv"
TRACK_EXAMPLE = """\
tilseq repertoire track day7.tsv day28.tsv --product product.tsv -o persistence
tilseq repertoire track day28.tsv --product product.tsv --cells day28=40000 -o persistence"""


@click.group("repertoire")
def repertoire_command() -> None:
    """Clonotypes of TCR and BCR: convert, check, measure diversity and overlap, track infused clones.

    Reads AIRR rearrangements, 10x contig annotations (CSV, JSON), immunoSEQ, MiXCR, TRUST4, VDJtools, immunarch and
    IMGT/HighV-QUEST, plain or gzip.
    """


@repertoire_command.command("convert", cls=Examples, example=CONVERT_EXAMPLE)
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("-o", "--output", default="-", show_default="stdout", help="AIRR TSV file to write, or - for stdout.")
@dialect_option
@locus_option
def convert(path: Path, output: str, dialect: str | None, locus: str | None) -> None:
    """Write the functional clonotypes of FILE as AIRR rearrangements, one row a clonotype."""
    from tilseq.io.clonotypes import airr_tsv
    from tilseq.io.files import write_text

    clonotypes, _ = read_file(path, path.name, dialect, locus)
    text = airr_tsv(clonotypes)
    if output == "-":
        sys.stdout.write(text)
    else:
        write_text(output, text)
    click.echo(f"{path.name}: {clonotypes.table.height} clonotypes, {counts_of(clonotypes.count_of)}", err=True)
    if clonotypes.count_of in ("cells", "templates"):  # UMIs have a column of their own in AIRR
        click.echo(f"AIRR does not say so: read what was written with --count-of {clonotypes.count_of}", err=True)


@repertoire_command.command("track", cls=Examples, example=TRACK_EXAMPLE)
@click.argument("paths", metavar="BLOOD...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--product",
    "products",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path),
    help="Clonotypes of the infusion product. Repeats: several lots are summed.",
)
@output_folder
@cells_option
@dialect_option
@locus_option
@count_option
def track(
    paths: tuple[Path, ...],
    products: tuple[Path, ...],
    output: Path,
    cells: tuple[str, ...],
    dialect: str | None,
    locus: str | None,
    count_of: str | None,
) -> int:
    """Measure what the clones of an infusion product, of one lot or several, hold of each later BLOOD sample.

    Writes persistence.csv (sample, locus, measure, value, lower, upper, n_effective, limit_of_detection) and
    exclusions.csv to the output folder. Limits need the number of cells behind the counts: see --cells and --count-of.
    """
    from tilseq.repertoire import persistence, pooled
    from tilseq.tables.outputs import EXCLUSIONS
    from tilseq.tables.repertoire import PERSISTENCE

    known = cells_given(cells, sample_names(paths))
    sample_names(products)
    lots = [read_file(product, sample_name(product), dialect, locus) for product in products]
    reference = pooled([(lot.table, lot.count_of) for lot, _ in lots])

    def measure(path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
        sample = sample_name(path)
        clonotypes, left_out = read_file(path, sample, dialect, locus)
        effective = effective_of(sample, clonotypes, count_of, known)
        return persistence(clonotypes.table, reference, sample=sample, n_effective=effective), left_out

    results, status = each_file(paths, measure)
    if results:
        left_out = [*(rows for _, rows in lots), *(rows for _, rows in results)]
        write_result(joined([held for held, _ in results]), PERSISTENCE, str(output / "persistence.csv"))
        write_result(joined(left_out).unique(maintain_order=True), EXCLUSIONS, str(output / "exclusions.csv"))
    return status


for command in (diversity_command, overlap_command, qc_command, bcr_command, cells_command, label_command):
    repertoire_command.add_command(command)
