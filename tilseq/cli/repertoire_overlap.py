"""`tilseq repertoire overlap` and `qc`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tilseq.cli.common import Examples, each_file, output_table, sample_name, sample_names, tell_written, write_result
from tilseq.cli.repertoire_depth import cells_of_replicates, depth_of, miscounted_in, replicates_option
from tilseq.cli.repertoire_files import (
    cells_given,
    cells_option,
    count_option,
    counted_by,
    dialect_option,
    files,
    joined,
    locus_option,
    read_file,
    some,
)
from tilseq.receptors import KEYS

if TYPE_CHECKING:
    import polars as pl

    from tilseq.io.clonotypes import Clonotypes

OVERLAP_EXAMPLE = """\
on the sample study, in a clone; or with S the folder of yours:
  S=data/sample/raw/tcr
  tilseq repertoire overlap $S/SIM-01_D7_tcr.tsv.gz $S/SIM-01_D28_tcr.tsv.gz $S/SIM-01_D84_tcr.tsv.gz \\
      --count-of templates -o overlap.csv
  tilseq repertoire overlap $S/SIM-01_D7_tcr.tsv.gz $S/SIM-01_D28_tcr.tsv.gz --key junction_aa+v \\
      --count-of templates --usage usage.csv -o by_amino_acids.csv"""
QC_EXAMPLE = """\
on the sample study, in a clone; or with S the folder of yours:
  S=data/sample/raw/tcr
  tilseq repertoire qc $S/SIM-01_D7_tcr.tsv.gz $S/SIM-01_D28_tcr.tsv.gz -o quality.csv"""


@click.command("overlap", cls=Examples, example=OVERLAP_EXAMPLE)
@files
@output_table
@click.option("--key", type=click.Choice(list(KEYS)), default="junction", show_default=True, help="What makes a clone.")
@click.option("--usage", "usage_file", help="Also write the use of genes and junction lengths to this CSV file.")
@click.option("--neighbours", "neighbours_file", help="Also write junctions one amino acid apart to this CSV file.")
@cells_option
@replicates_option
@dialect_option
@locus_option
@count_option
def overlap_command(
    paths: tuple[Path, ...],
    output: str,
    key: str,
    usage_file: str | None,
    neighbours_file: str | None,
    cells: tuple[str, ...],
    replicates: tuple[str, ...],
    dialect: str | None,
    locus: str | None,
    count_of: str | None,
) -> int:
    """Measure what each pair of FILEs has in common, locus by locus.

    One row an index: sample_a, sample_b, locus, key, parameter, value, lower, upper, n_a, n_b; how far the use of genes
    and lengths differs stands among them. All but morisita depend on the depth of both files, n_a and n_b. A file that
    cannot be read does not stop the others.
    """
    import polars as pl

    from tilseq.repertoire import lacking, neighbours, overlap, usage, usage_divergence
    from tilseq.tables.repertoire import NEIGHBOURS, OVERLAP, USAGE

    known = cells_given(cells, sample_names(paths))
    estimated = cells_of_replicates(replicates, paths, dialect, locus)

    def read(path: Path) -> tuple[str, Clonotypes]:
        sample = sample_name(path)
        clonotypes, _ = read_file(path, sample, dialect, locus)
        for rule, rows, counts in lacking(clonotypes.table, key).iter_rows():
            click.echo(f"{sample}: {some(rows, 'clonotype')} ({some(counts, 'count')}) left out: {rule}", err=True)
        counted_by(sample, clonotypes, count_of)  # raises where the file says otherwise
        return sample, clonotypes

    every, status = each_file(paths, read)
    if not every:
        return status
    miscounted, effective = miscounted_in(every, count_of), {}
    for sample, clonotypes in every:
        told = known.get(sample), estimated.get(sample)
        depth = depth_of(sample, clonotypes, count_of, *told, miscounted=miscounted)
        effective[sample] = dict(depth.select("locus", "n_effective").iter_rows())
    tables = {sample: clonotypes.table for sample, clonotypes in every}
    used = joined([usage(table, sample=name, n_effective=effective[name]) for name, table in tables.items()])
    shared = overlap(tables, key=key, n_effective=effective)
    write_result(pl.concat([shared, usage_divergence(used)]), OVERLAP, output)
    if usage_file:
        write_result(used, USAGE, usage_file)
    if neighbours_file:
        write_result(neighbours(tables), NEIGHBOURS, neighbours_file)
    tell_written(output)
    return status


@click.command("qc", cls=Examples, example=QC_EXAMPLE)
@files
@output_table
@dialect_option
@locus_option
@count_option
def qc_command(
    paths: tuple[Path, ...], output: str, dialect: str | None, locus: str | None, count_of: str | None
) -> int:
    """Check the clonotypes of each FILE.

    One row a check: sample, check, value, limit, verdict, reason; what was left out in reading by its rule, clones seen
    once, junctions without anchors, and whatever the reader of the file had to tell. A file that cannot be read
    does not stop the others.
    """
    from tilseq.tables.outputs import QUALITY

    sample_names(paths)

    def check(path: Path) -> pl.DataFrame:
        from tilseq.repertoire import qc
        from tilseq.steps.reading import reading_rows

        sample = sample_name(path)
        clonotypes, left_out = read_file(path, sample, dialect, locus)
        counted = counted_by(sample, clonotypes, count_of)
        kept = clonotypes.rows
        checks = qc(clonotypes.table, sample=sample, count_of=counted, exclusions=left_out, rows_kept=kept)
        return checks.vstack(QUALITY.frame(reading_rows(sample, clonotypes)))

    frames, status = each_file(paths, check)
    if frames:
        write_result(joined(frames), QUALITY, output)
        tell_written(output)
    return status
