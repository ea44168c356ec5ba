"""`tilseq repertoire contamination`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tilseq.cli.common import Examples, each_file, output_folder, sample_name, sample_names, tell_written
from tilseq.cli.repertoire_files import dialect_option, files, joined, locus_option, read_file
from tilseq.cli.results import write_tables

if TYPE_CHECKING:
    import polars as pl

    from tilseq.io.clonotypes import Clonotypes

EXAMPLE = """\
on the sample study, in a clone; or with S the folder of yours:
  S=data/sample/raw/tcr
  tilseq repertoire contamination $S/SIM-01_D28_tcr.tsv.gz $S/SIM-01_D84_tcr.tsv.gz \\
      $S/SIM-03_D28_tcr.tsv.gz $S/SIM-03_D84_tcr.tsv.gz \\
      --subject SIM-01_D28_tcr=SIM-01 --subject SIM-01_D84_tcr=SIM-01 \\
      --subject SIM-03_D28_tcr=SIM-03 --subject SIM-03_D84_tcr=SIM-03 \\
      --run SIM-01_D28_tcr=run1 --run SIM-03_D28_tcr=run1 --run SIM-01_D84_tcr=run2 --run SIM-03_D84_tcr=run2 \\
      -o contamination"""
ONE_RUN = "all files"


@click.command("contamination", cls=Examples, example=EXAMPLE)
@files
@click.option(
    "--subject", "subjects", multiple=True, required=True, metavar="SAMPLE=SUBJECT", help="Whose sample it is. Repeats."
)
@click.option(
    "--run",
    "runs",
    multiple=True,
    metavar="SAMPLE=RUN",
    help="Sequencing run of a sample. Repeats. Without any all files are taken for one run.",
)
@output_folder
@dialect_option
@locus_option
def contamination_command(
    paths: tuple[Path, ...],
    subjects: tuple[str, ...],
    runs: tuple[str, ...],
    output: Path,
    dialect: str | None,
    locus: str | None,
) -> int:
    """Tell what FILEs of different subjects share beyond chance: leaks within a run, swapped samples, twin files.

    Writes sample_identity (whose clones each file holds), shared_pairs, leak_rates, suspicious_clones and exclusions to
    the output folder, each as CSV and Parquet. Nothing is removed. A sample is called as its file, without extensions.
    """
    from tilseq.repertoire import contamination
    from tilseq.tables.contamination import CONTAMINATION_TABLES
    from tilseq.tables.outputs import EXCLUSIONS

    names = sample_names(paths)
    subject_of = _told("--subject", subjects, paths)
    lacking = [name for name in names if name not in subject_of]
    if lacking:
        raise click.UsageError(f"--subject: {', '.join(lacking)} has none; write --subject {lacking[0]}=SUBJECT")
    run_of = _told("--run", runs, paths) if runs else dict.fromkeys(names, ONE_RUN)

    def read(path: Path) -> tuple[str, Clonotypes, pl.DataFrame]:
        sample = sample_name(path)
        clonotypes, left_out = read_file(path, sample, dialect, locus)
        return sample, clonotypes, left_out

    results, status = each_file(paths, read)
    if not results:
        return status
    tables = {sample: clonotypes.table for sample, clonotypes, _ in results}
    found = contamination(
        tables,
        subjects={sample: subject_of[sample] for sample in tables},
        runs={sample: run_of.get(sample) for sample in tables},
        count_of={sample: clonotypes.count_of for sample, clonotypes, _ in results},
    )
    frames = (found.pairs, found.rates, found.clones, found.samples)
    left_out = joined([rows for *_, rows in results])
    write_tables([*zip(frames, CONTAMINATION_TABLES, strict=True), (left_out, EXCLUSIONS)], output)
    for sample, verdict, reason in found.samples.select("sample", "verdict", "reason").iter_rows():
        if verdict != "as_labelled":
            click.echo(f"{sample}: {verdict}: {reason}", err=True)
    for row in found.rates.filter(verdict="leak").drop_nulls("recipient").iter_rows(named=True):
        told = f"clones of {row['donor_subject']} leaked into it in run {row['run']}, {row['rate']:.2g} of their counts"
        unlike = f" ({row['count_of']}: no share)" if "," in (row["count_of"] or "") else ""
        click.echo(f"{row['recipient']}: {told}{unlike}", err=True)
    right = found.samples.filter(verdict="as_labelled").height
    leaks = found.rates.filter(verdict="leak").drop_nulls("recipient").height
    click.echo(f"{right} of {len(tables)} samples as labelled; {leaks} leak{'' if leaks == 1 else 's'} found", err=True)
    tell_written(output)
    return status


def _told(option: str, given: tuple[str, ...], paths: tuple[Path, ...]) -> dict[str, str]:
    """Return what is told of each sample, from `SAMPLE=WORD`; a file's own name does for its sample."""
    samples = {word: sample_name(path) for path in paths for word in (sample_name(path), path.name, str(path))}
    found: dict[str, str] = {}
    for one in given:
        name, _, word = one.rpartition("=")
        if name not in samples:
            told = ", ".join(dict.fromkeys(samples.values()))
            raise click.UsageError(f"{option} {one}: no such sample; they are {told}")
        if not word:
            raise click.UsageError(f"{option} {one}: nothing stands behind =")
        if found.setdefault(samples[name], word) != word:
            raise click.UsageError(f"{option}: {samples[name]} is told twice, {found[samples[name]]} and {word}")
    return found
