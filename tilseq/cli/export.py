"""`tilseq export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tilseq.cli.common import Examples, output_folder
from tilseq.cli.suggestions import ExistingPath

if TYPE_CHECKING:
    from tilseq.exports.adam import Reference

REFERENCES = ("infusion", "lymphodepletion", "first_dose", "enrollment", "randomization")
EXAMPLE = """\
  tilseq export out --format adam -o adam
  tilseq export out --format adam --reference lymphodepletion -o adam"""


@click.command("export", cls=Examples, example=EXAMPLE)
@click.argument("out", type=ExistingPath(file_okay=False))
@click.option("--format", "form", type=click.Choice(["adam"]), required=True, help="CDISC's Analysis Data Model.")
@output_folder
@click.option(
    "--reference",
    type=click.Choice(REFERENCES),
    default=REFERENCES[0],
    show_default=True,
    help="What relative days count from, as day 1.",
)
@click.option("--study", type=ExistingPath(file_okay=False), help="The study's folder, if it has moved since the run.")
def export_command(out: Path, form: str, output: Path, reference: Reference, study: Path | None) -> int:
    """Write the results of a run in the form that statisticians take them.

    OUT is the folder that `tilseq run` wrote. ADSL, ADTTE, ADTR, ADRS, ADLB, ADAE and ADBM are written as Parquet and
    CSV. Results or a study that were changed since the run are refused.
    """
    from tilseq.cli.results import write_tables
    from tilseq.clinical.data_cut import up_to_data_cut
    from tilseq.exports.adam import adam
    from tilseq.report.results import read_results
    from tilseq.study import read_study
    from tilseq.workflow.verify import check_unaltered, study_of

    root = study or study_of(out)
    check_unaltered(out, root)
    loaded, results = read_study(root), read_results(out)
    infusions = up_to_data_cut(loaded.infusions, loaded.clinical.get("followup"))
    datasets = adam(results.tables, loaded.subjects, infusions, study=loaded.settings.study, reference=reference)
    write_tables(datasets, output)
    for frame, table in datasets:
        click.echo(f"{output / table.name}.csv: {frame.height} rows", err=True)
    unnamed = results.tables["adverse_event_rows"]["subject"].null_count()
    if unnamed:
        click.echo(f"note: {unnamed} adverse events that name no subject stand in no dataset", err=True)
    failures = results.tables["failures"].height
    if failures:
        click.echo(f"note: what failed in the run has no row: {out / 'tables' / 'failures.csv'} ({failures})", err=True)
    return 0
