"""`tilseq repertoire`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tilseq.cli.common import Examples, Laboratory, tell_written
from tilseq.cli.repertoire_bcr import bcr_command
from tilseq.cli.repertoire_cells import cells_command
from tilseq.cli.repertoire_contamination import contamination_command
from tilseq.cli.repertoire_diversity import diversity_command
from tilseq.cli.repertoire_files import (
    counts_of,
    dialect_option,
    locus_option,
    read_file,
)
from tilseq.cli.repertoire_label import label_command
from tilseq.cli.repertoire_overlap import overlap_command, qc_command
from tilseq.cli.repertoire_track import track_command

CONVERT_EXAMPLE = """\
on the sample study, in a clone; or with S the folder of yours:
  S=data/sample/raw/sctcr
  tilseq repertoire convert $S/SIM-01_product_sctcr.csv.gz -o product.tsv"""


@click.group("repertoire", cls=Laboratory)
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
    tell_written(output)


COMMANDS = (
    track_command,
    diversity_command,
    overlap_command,
    qc_command,
    contamination_command,
    bcr_command,
    cells_command,
    label_command,
)
for command in COMMANDS:
    repertoire_command.add_command(command)
