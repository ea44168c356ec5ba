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
    output_table,
    sample_name,
    sample_names,
    write_result,
)
from tilseq.receptors import LOCI

if TYPE_CHECKING:
    import polars as pl

    from tilseq.io.bcr import BcrSequences
    from tilseq.io.clonotypes import Clonotypes

CONVERT_EXAMPLE = "tilseq repertoire convert filtered_contig_annotations.csv -o product.tsv"
DIVERSITY_EXAMPLE = "tilseq repertoire diversity day0.tsv.gz day28.tsv.gz -o diversity.csv"
BCR_EXAMPLE = "tilseq repertoire bcr igh_day0.tsv.gz igh_day28.tsv.gz -o bcr"
TRACK_EXAMPLE = """\
tilseq repertoire track day7.tsv day28.tsv --product product.tsv -o persistence
tilseq repertoire track day28.tsv --product product.tsv --cells day28=40000 -o persistence"""
BCR_TABLES = ("families", "mutation", "mutation_load", "isotypes", "diversity")

files = click.argument("paths", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
dialect_option = click.option(
    "--dialect",
    type=click.Choice(["airr", "10x", "immunoseq", "mixcr", "trust4", "trust4-airr", "vdjtools", "immunarch", "imgt"]),
    help="Dialect, by default what the header says; trust4-airr must be named.",
)
locus_option = click.option("--locus", type=click.Choice(LOCI), help="Use this locus alone.")
count_option = click.option(
    "--count-of",
    type=click.Choice(["cells", "umis", "templates", "reads"]),
    help="What the counts count, where the files do not say. Limits are given for cells, UMIs and templates.",
)


@click.group("repertoire")
def repertoire_command() -> None:
    """Clonotypes of TCR and BCR: convert, measure diversity, track infused clones.

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

    clonotypes, _ = _read(path, path.name, dialect, locus)
    text = airr_tsv(clonotypes)
    if output == "-":
        sys.stdout.write(text)
    else:
        write_text(output, text)
    click.echo(f"{path.name}: {clonotypes.table.height} clonotypes, counts of {clonotypes.count_of}", err=True)


@repertoire_command.command("diversity", cls=Examples, example=DIVERSITY_EXAMPLE)
@files
@output_table
@dialect_option
@locus_option
@count_option
def diversity(
    paths: tuple[Path, ...], output: str, dialect: str | None, locus: str | None, count_of: str | None
) -> int:
    """Measure the diversity of each FILE, locus by locus.

    One row an index: sample, locus, parameter, value, lower, upper, n. A file that cannot be read does not stop the
    others.
    """
    from tilseq.repertoire import diversity as diversity_of
    from tilseq.tables.outputs import DIVERSITY

    sample_names(paths)

    def measure(path: Path) -> pl.DataFrame:
        sample = sample_name(path)
        clonotypes, _ = _read(path, sample, dialect, locus)
        counted = _count_of(sample, clonotypes, count_of)
        if counted in ("reads", "unknown"):
            click.echo(f"{sample}: no limits, as counts of {counted} are not independent (see --count-of)", err=True)
        return diversity_of(clonotypes.table, sample=sample, count_of=counted)

    frames, status = each_file(paths, measure)
    if frames:
        write_result(_joined(frames), DIVERSITY, output)
    return status


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
@click.option(
    "--cells", multiple=True, metavar="SAMPLE=NUMBER", help="T cells that went into a sample's library. Repeats."
)
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
    from tilseq.repertoire import effective_numbers, persistence, pooled
    from tilseq.tables.outputs import EXCLUSIONS, PERSISTENCE

    known = _cells(cells, sample_names(paths))
    sample_names(products)
    lots = [_read(product, sample_name(product), dialect, locus) for product in products]
    reference = pooled([(lot.table, lot.count_of) for lot, _ in lots])

    def measure(path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
        sample = sample_name(path)
        clonotypes, left_out = _read(path, sample, dialect, locus)
        counted = _count_of(sample, clonotypes, count_of)
        effective = effective_numbers(clonotypes.table, counted, clonotypes.cells or known.get(sample))
        if None in effective.values():
            click.echo(
                f"{sample}: no limits, as the cells behind counts of {counted} are not known (see --cells)", err=True
            )
        return persistence(clonotypes.table, reference, sample=sample, n_effective=effective), left_out

    results, status = each_file(paths, measure)
    if results:
        left_out = [*(rows for _, rows in lots), *(rows for _, rows in results)]
        write_result(_joined([held for held, _ in results]), PERSISTENCE, str(output / "persistence.csv"))
        write_result(_joined(left_out).unique(maintain_order=True), EXCLUSIONS, str(output / "exclusions.csv"))
    return status


@repertoire_command.command("bcr", cls=Examples, example=BCR_EXAMPLE)
@files
@output_folder
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    help="Largest share of a junction's bases in which neighbours in a family differ; by default the valley of the "
    "distances to the nearest.",
)
@dialect_option
@count_option
def bcr(
    paths: tuple[Path, ...], output: Path, threshold: float | None, dialect: str | None, count_of: str | None
) -> int:
    """Find the families of B cells in each FILE, their isotypes and mutations.

    Writes families.csv, mutation.csv (a row a sequence), mutation_load.csv, isotypes.csv, diversity.csv (of families)
    and exclusions.csv to the output folder. Isotypes need the column c_call, mutations the alignments of AIRR.
    """
    import polars as pl

    from tilseq.io.bcr import read_bcr
    from tilseq.repertoire import bcr as bcr_of
    from tilseq.tables import outputs

    sample_names(paths)

    def measure(path: Path) -> dict[str, pl.DataFrame]:
        sample = sample_name(path)
        sequences = read_bcr(path, dialect=dialect)
        _tell(sample, sequences)
        found = bcr_of(
            sequences.table, sample=sample, count_of=_count_of(sample, sequences, count_of), threshold=threshold
        )
        click.echo(f"{sample}: threshold of families {found.threshold:g} ({found.threshold_source})", err=True)
        tables = {name: getattr(found, name) for name in BCR_TABLES}
        return tables | {"exclusions": sequences.exclusions.with_columns(sample=pl.lit(sample))}

    results, status = each_file(paths, measure)
    for name in (*BCR_TABLES, "exclusions") if results else ():
        frame = _joined([tables[name] for tables in results])
        write_result(frame, getattr(outputs, name.upper()), str(output / f"{name}.csv"))
    return status


def _read(path: Path, sample: str, dialect: str | None, locus: str | None) -> tuple[Clonotypes, pl.DataFrame]:
    """Return a file's clonotypes and its rows of the table `exclusions`; say on stderr what a reader should know."""
    import polars as pl

    from tilseq.io.clonotypes import read_clonotypes

    clonotypes = read_clonotypes(path, dialect=dialect, locus=locus)
    _tell(sample, clonotypes)
    return clonotypes, clonotypes.exclusions.with_columns(sample=pl.lit(sample))


def _tell(sample: str, read: Clonotypes | BcrSequences) -> None:
    """Say on stderr what a reader of a file should know, and what was left out of it."""
    for warning in read.warnings:
        click.echo(f"{sample}: {warning}", err=True)
    for row in read.exclusions.iter_rows(named=True):
        click.echo(f"{sample}: {row['rows']} rows ({row['counts']:.0f} counts) left out: {row['rule']}", err=True)


def _count_of(sample: str, clonotypes: Clonotypes | BcrSequences, said: str | None) -> str:
    """Return what the counts count: what the file says, else what the user says."""
    from tilseq.errors import AnalysisError

    if said is None or said == clonotypes.count_of:
        return clonotypes.count_of
    if clonotypes.count_of == "unknown":
        return said
    raise AnalysisError(f"the counts of {sample} are {clonotypes.count_of}", found=said, mend="leave out --count-of")


def _cells(options: tuple[str, ...], samples: list[str]) -> dict[str, float]:
    """Return the cells of each sample, from `SAMPLE=NUMBER`."""
    cells = {}
    for option in options:
        sample, _, number = option.rpartition("=")
        if sample not in samples:
            raise click.UsageError(f"--cells {option}: no such sample; they are {', '.join(samples)}")
        if not number.isdecimal() or int(number) == 0:
            raise click.UsageError(f"--cells {option}: {number!r} is not a whole number above 0")
        cells[sample] = float(number)
    return cells


def _joined(frames: list[pl.DataFrame]) -> pl.DataFrame:
    import polars as pl

    return pl.concat(frames)
