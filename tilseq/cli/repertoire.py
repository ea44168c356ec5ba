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

    from tilseq.io.clonotypes import Clonotypes
    from tilseq.repertoire.replicates import Estimate

CONVERT_EXAMPLE = "tilseq repertoire convert filtered_contig_annotations.csv -o product.tsv"
DIVERSITY_EXAMPLE = """\
tilseq repertoire diversity day0.tsv.gz day28.tsv.gz -o diversity.csv
tilseq repertoire diversity day0.tsv day28.tsv --cells day0=30000 --cells day28=8000 -o diversity.csv"""
TRACK_EXAMPLE = """\
tilseq repertoire track day7.tsv day28.tsv --product product.tsv -o persistence
tilseq repertoire track day28.tsv --product product.tsv --cells day28=40000 -o persistence"""

files = click.argument("paths", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
dialect_option = click.option(
    "--dialect", type=click.Choice(["airr", "10x", "vdjtools"]), help="Dialect, by default what the header says."
)
locus_option = click.option("--locus", type=click.Choice(LOCI), help="Use this locus alone.")
count_option = click.option(
    "--count-of",
    type=click.Choice(["cells", "umis", "templates", "reads"]),
    help="What the counts count, where the files do not say. Limits are given for cells, UMIs and templates.",
)

cells_option = click.option(
    "--cells", multiple=True, metavar="SAMPLE=NUMBER", help="T cells that went into a sample's library. Repeats."
)


@click.group("repertoire")
def repertoire_command() -> None:
    """Clonotypes of TCR and BCR: convert, measure diversity, track infused clones.

    Reads AIRR rearrangements (TSV), 10x contig annotations (CSV) and VDJtools tables, plain or gzip.
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
@cells_option
@click.option(
    "--replicates",
    multiple=True,
    metavar="SAMPLE,SAMPLE...",
    help="Libraries of like parts of one specimen, from which their cells are estimated. Repeats.",
)
@click.option("--at-cells", type=click.IntRange(min=1), help="Common depth in cells, by default the shallowest file's.")
@click.option(
    "--at-coverage",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Common coverage, by default the least of any file.",
)
@click.option("--depth", "depth_file", metavar="FILE", help="Write the cells of each sample, and their source, as CSV.")
def diversity(
    paths: tuple[Path, ...],
    output: str,
    dialect: str | None,
    locus: str | None,
    count_of: str | None,
    cells: tuple[str, ...],
    replicates: tuple[str, ...],
    at_cells: int | None,
    at_coverage: float | None,
    depth_file: str | None,
) -> int:
    """Measure the diversity of each FILE, locus by locus; of several, also at a depth that they have in common.

    One row an index: sample, locus, parameter, value, lower, upper, n, depth, at_coverage. A file that cannot be read
    does not stop the others.
    """
    from tilseq.repertoire import diversity as diversity_of
    from tilseq.repertoire import effective_spectra, standardised
    from tilseq.tables.outputs import DEPTH, DIVERSITY

    samples = sample_names(paths)
    known, estimated = _cells(cells, samples), _replicates(replicates, paths, dialect, locus)
    spectra, depths = {}, []

    def measure(path: Path) -> pl.DataFrame:
        sample = sample_name(path)
        clonotypes, _ = _read(path, sample, dialect, locus)
        counted = _count_of(sample, clonotypes, count_of)
        depth = _depth(sample, clonotypes, counted, known.get(sample), estimated.get(sample))
        effective = dict(depth.select("locus", "n_effective").iter_rows())
        measured = diversity_of(clonotypes.table, sample=sample, count_of=counted, n_effective=effective)
        spectra[sample] = effective_spectra(clonotypes.table, count_of=counted, n_effective=effective)
        depths.append(depth)
        return measured

    frames, status = each_file(paths, measure)
    if not frames:
        return status
    if len(paths) > 1 or at_cells or at_coverage:
        common = standardised(spectra, cells=at_cells, coverage=at_coverage)
        _tell_depths(_joined(depths), common)
        frames.append(common)
    write_result(_joined(frames), DIVERSITY, output)
    if depth_file:
        write_result(_joined(depths), DEPTH, depth_file)
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


def _read(path: Path, sample: str, dialect: str | None, locus: str | None) -> tuple[Clonotypes, pl.DataFrame]:
    """Return a file's clonotypes and its rows of the table `exclusions`; say on stderr what a reader should know."""
    import polars as pl

    from tilseq.io.clonotypes import read_clonotypes

    clonotypes = read_clonotypes(path, dialect=dialect, locus=locus)
    for warning in clonotypes.warnings:
        click.echo(f"{sample}: {warning}", err=True)
    for row in clonotypes.exclusions.iter_rows(named=True):
        click.echo(f"{sample}: {row['rows']} rows ({row['counts']:.0f} counts) left out: {row['rule']}", err=True)
    return clonotypes, clonotypes.exclusions.with_columns(sample=pl.lit(sample))


def _count_of(sample: str, clonotypes: Clonotypes, said: str | None) -> str:
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


def _replicates(
    options: tuple[str, ...], paths: tuple[Path, ...], dialect: str | None, locus: str | None
) -> dict[str, dict[str, Estimate]]:
    """Return sample → locus → estimated cells, of the libraries that `SAMPLE,SAMPLE` name."""
    from tilseq.repertoire import cells_from_replicates

    by_name = {sample_name(path): path for path in paths}
    found: dict[str, dict[str, Estimate]] = {}
    for option in options:
        names = option.split(",")
        strange = [name for name in names if name not in by_name]
        if strange or len(set(names)) < 2:
            told = f"no such sample {strange[0]!r}" if strange else "two samples or more, a comma between them"
            raise click.UsageError(f"--replicates {option}: {told}; samples are {', '.join(by_name)}")
        estimate = cells_from_replicates({name: _read(by_name[name], name, dialect, locus)[0].table for name in names})
        found |= dict.fromkeys(names, estimate)
    return found


def _depth(
    sample: str, clonotypes: Clonotypes, count_of: str, cells: float | None, replicates: dict[str, Estimate] | None
) -> pl.DataFrame:
    """Return a sample's rows of the table `depth`; say on stderr where its cells are not known."""
    from tilseq.repertoire import depth

    found = depth(
        clonotypes.table,
        sample=sample,
        count_of=count_of,
        counted=clonotypes.cells,
        cells=cells,
        replicates=replicates,
    )
    if found["n_effective"].null_count():
        click.echo(
            f"{sample}: no limits, as counts of {count_of} are not independent, nor a common depth: the cells behind "
            "them are not known (see --count-of, --cells, --replicates)",
            err=True,
        )
    return found


def _tell_depths(depths: pl.DataFrame, common: pl.DataFrame) -> None:
    """Say on stderr that raw values of unequal depth do not compare, and which rows do."""
    for locus in depths["locus"].unique().sort():
        cells = sorted(depths.filter(locus=locus)["n_effective"].drop_nulls().to_list())
        at = common.filter(locus=locus)
        if not cells or cells[0] == cells[-1] or at.is_empty():
            continue
        size = at.filter(at["at_coverage"].is_null())["depth"].to_list() or [float("nan")]
        share = at["at_coverage"].drop_nulls().to_list() or [float("nan")]
        click.echo(
            f"{locus}: raw values are of {cells[0]:.0f} to {cells[-1]:.0f} cells and do not compare; the rows at_n "
            f"({size[0]:.0f} cells) and at_coverage ({share[0]:.4g}) do",
            err=True,
        )


def _joined(frames: list[pl.DataFrame]) -> pl.DataFrame:
    import polars as pl

    return pl.concat(frames)
