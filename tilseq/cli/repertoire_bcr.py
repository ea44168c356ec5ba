"""`tilseq repertoire bcr`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tilseq.cli.common import Examples, each_file, output_folder, sample_name, sample_names, tell_written
from tilseq.cli.repertoire_files import (
    cells_given,
    count_option,
    counted_by,
    dialect_option,
    files,
    joined,
    tell,
)
from tilseq.cli.results import write_tables

if TYPE_CHECKING:
    from tilseq.io.bcr import BcrSequences

EXAMPLE = """\
on the sample study, in a clone; or with S the folder of yours:
  S=data/sample/raw/bcr
  tilseq repertoire bcr $S/SIM-01_baseline_bcr.tsv.gz $S/SIM-01_D84_bcr.tsv.gz --count-of templates -o bcr
  tilseq repertoire bcr $S/SIM-01_D84_bcr.tsv.gz --threshold 0.15 --count-of templates -o families"""


@click.command("bcr", cls=Examples, example=EXAMPLE)
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
@click.option(
    "--cells", multiple=True, metavar="SAMPLE=NUMBER", help="B cells that went into a sample's library. Repeats."
)
def bcr_command(
    paths: tuple[Path, ...],
    output: Path,
    threshold: float | None,
    dialect: str | None,
    count_of: str | None,
    cells: tuple[str, ...],
) -> int:
    """Find the families of B cells in each FILE, their isotypes and mutations.

    Writes families, mutation (a row a sequence), mutation_load, isotypes, diversity (of families) and exclusions to the
    output folder, each as CSV and Parquet. Isotypes need the column c_call, mutations the alignments of AIRR.
    """
    import polars as pl

    from tilseq.io.bcr import read_bcr
    from tilseq.repertoire import bcr, depth, miscounted_templates
    from tilseq.tables.outputs import EXCLUSIONS
    from tilseq.tables.repertoire import DIVERSITY, FAMILIES, ISOTYPES, MUTATION, MUTATION_LOAD

    written = (FAMILIES, MUTATION, MUTATION_LOAD, ISOTYPES, DIVERSITY)
    known = cells_given(cells, sample_names(paths))

    def read(path: Path) -> tuple[Path, BcrSequences, str]:
        sample = sample_name(path)
        sequences = read_bcr(path, dialect=dialect)
        tell(sample, sequences)
        return path, sequences, counted_by(sample, sequences, count_of)

    every, status = each_file(paths, read)
    miscounted = miscounted_templates(sequences.table for _, sequences, counted in every if counted == "templates")
    of_path = {path: (sequences, counted) for path, sequences, counted in every}

    def measure(path: Path) -> dict[str, pl.DataFrame]:
        sample, (sequences, counted) = sample_name(path), of_path[path]
        depths = depth(
            sequences.table, sample=sample, count_of=counted, cells=known.get(sample), miscounted=miscounted
        ).filter(locus="IGH")
        if sample in known and (depths["cells_from"] == "counted").any():
            click.echo(f"{sample}: --cells is not used, as the file itself counts cells", err=True)
        behind = next(depths.select("n_effective", "counting", "cells").iter_rows(named=True), {})
        found = bcr(sequences.table, sample=sample, count_of=counted, threshold=threshold, **behind)
        click.echo(f"{sample}: threshold of families {found.threshold:g} ({found.threshold_source})", err=True)
        for sentence in found.lacking(counted, " (see --count-of, --cells)"):
            click.echo(f"{sample}: {sentence}", err=True)
        tables = {table.name: getattr(found, table.name) for table in written}
        return tables | {"exclusions": sequences.exclusions.with_columns(sample=pl.lit(sample))}

    results, of_measuring = each_file(list(of_path), measure)
    if results:
        tables = (*written, EXCLUSIONS)
        write_tables([(joined([found[table.name] for found in results]), table) for table in tables], output)
        tell_written(output)
    return of_measuring or status
