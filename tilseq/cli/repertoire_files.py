"""What the commands of `tilseq repertoire` share: their files and options, and how a file is read and told of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tilseq.receptors import LOCI

if TYPE_CHECKING:
    import polars as pl

    from tilseq.io.bcr import BcrSequences
    from tilseq.io.clonotypes import Clonotypes
    from tilseq.io.contigs import Contigs

CELLS = re.compile("0*[1-9][0-9]{0,9}")  # no library is of more

files = click.argument("paths", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
dialect_option = click.option(
    "--dialect",
    type=click.Choice(
        [
            "airr",
            "10x",
            "immunoseq",
            "mixcr",
            "trust4",
            "trust4-airr",
            "trust4-barcodes",
            "vdjtools",
            "immunarch",
            "imgt",
        ]
    ),
    help="Dialect, by default what the header says; trust4-airr must be named.",
)
locus_option = click.option("--locus", type=click.Choice(LOCI), help="Use this locus alone.")
count_option = click.option(
    "--count-of",
    type=click.Choice(["cells", "umis", "templates", "reads"]),
    help="What the counts count, where the files do not say. Cells and templates have limits; UMIs and reads have them "
    "where the cells that went in are told, too.",
)
cells_option = click.option(
    "--cells", multiple=True, metavar="SAMPLE=NUMBER", help="T cells that went into a sample's library. Repeats."
)


def read_file(path: Path, sample: str, dialect: str | None, locus: str | None) -> tuple[Clonotypes, pl.DataFrame]:
    """Return a file's clonotypes and its rows of the table `exclusions`; say on stderr what a reader should know."""
    import polars as pl

    from tilseq.io.clonotypes import read_clonotypes

    clonotypes = read_clonotypes(path, dialect=dialect, locus=locus)
    tell(sample, clonotypes)
    return clonotypes, clonotypes.exclusions.with_columns(sample=pl.lit(sample))


def tell(sample: str, read: Clonotypes | BcrSequences | Contigs) -> None:
    """Say on stderr what a reader of a file should know, and what was left out of it."""
    for sentence in (*read.warnings, *read.notes):
        click.echo(f"{sample}: {sentence}", err=True)
    for row in read.exclusions.iter_rows(named=True):
        rows, counts = some(row["rows"], "row"), some(row["counts"], "count")
        click.echo(f"{sample}: {rows} ({counts}) left out: {row['rule']}", err=True)


def some(number: float, one: str) -> str:
    """Return a number with its noun."""
    return f"{number:.0f} {one}" + "s" * (number != 1)


def counted_by(sample: str, clonotypes: Clonotypes | BcrSequences, said: str | None) -> str:
    """Return what the counts count: what the file says, else what the user says."""
    from tilseq.repertoire.clones import counts_are

    return counts_are(clonotypes.count_of, said, sample, "leave out --count-of")


def cells_given(options: tuple[str, ...], samples: list[str]) -> dict[str, float]:
    """Return the cells of each sample, from `SAMPLE=NUMBER`."""
    cells = {}
    for option in options:
        sample, _, number = option.rpartition("=")
        if sample not in samples:
            raise click.UsageError(f"--cells {option}: no such sample; they are {', '.join(samples)}")
        if not CELLS.fullmatch(number):
            raise click.UsageError(
                f"--cells {option}: {number!r} is not a whole number above 0 in at most 10 digits alone"
            )
        if sample in cells:
            raise click.UsageError(f"--cells {option}: the cells of {sample!r} are given twice")
        cells[sample] = float(number)
    return cells


def joined(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Return frames of one table, one below the other."""
    import polars as pl

    return pl.concat(frames)


def counts_of(count_of: str) -> str:
    """Return what counts are of, in words."""
    return "counts of unknown meaning" if count_of == "unknown" else f"counts of {count_of}"
