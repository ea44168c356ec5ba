"""`tilseq cytokine intracellular`: stimulated and unstimulated tubes in, responses out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from tilseq.cli.common import EXIT_INVALID, EXIT_SOME_FAILED, Examples, output_folder, tell_written
from tilseq.cli.flow_tubes import cuts_option, panel_option, settings_of, spill_option
from tilseq.cli.results import write_tables
from tilseq.cli.suggestions import ExistingPath

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from matplotlib.figure import Figure

    from tilseq.cli.flow_tubes import Tubes
    from tilseq.steps.stimulated_tubes import ToRead

EXAMPLE = """\
on the sample study, in a clone; or with S the folder of yours:
  S=data/sample
  tilseq cytokine intracellular $S/samples.csv -o out
with files of yours:
  tilseq cytokine intracellular samples.csv --panel ics.yaml --figures figures -o out

samples.csv, one row a tube; its paths are relative to its folder:
  sample,subject,visit,day,specimen,assay,path,role,stimulus
  S1_D28_pma,S1,D28,28,blood,flow,raw/S1_D28_pma.fcs,stimulated,PMA/ionomycin
  S1_D28_none,S1,D28,28,blood,flow,raw/S1_D28_none.fcs,unstimulated,

ics.yaml, where the built-in names, populations or the automatic threshold do not do:
  markers: {IFN-γ: [PE-A]}
  populations: {memory CD8: {parent: CD8+ T, markers: [CD45RA-]}}
  thresholds: {IFN-γ: 1200}"""


def _rule_options(command: Any) -> Any:
    """Add what makes a response, by the names of study.yaml's settings."""
    for option in (
        click.option("--most-background-pct", type=click.FloatRange(0, 100), default=1.0, show_default=True,
                     help="Background (%) above which a result is a warning."),
        click.option("--tube-cv", type=click.FloatRange(0, 1, max_open=True), default=0.15, show_default=True,
                     help="Variation of the share between tubes of one content beside counting, as a fraction of it."),
        click.option("--least-fold", type=click.FloatRange(1), default=1.0, show_default=True,
                     help="Times the background that the stimulated share must be; 2 is the historic rule."),
        click.option("--least-positive", type=click.IntRange(1), default=10, show_default=True,
                     help="Stimulated cells that must bear the cytokine."),
        click.option("--least-cells", type=click.IntRange(1), default=500, show_default=True,
                     help="Cells of the population that either tube must hold to be tested."),
        click.option("--alpha", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.05,
                     show_default=True, help="The p adjusted within the subject must lie below it."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command("intracellular", cls=Examples, example=EXAMPLE)
@click.argument("samples", metavar="SAMPLES.csv", type=ExistingPath(dir_okay=False))
@panel_option
@spill_option
@cuts_option
@click.option("--figures", type=click.Path(file_okay=False, path_type=Path),
              help="Folder for figures of responses and of each pair, as SVG and PNG; none by default.")  # fmt: skip
@_rule_options
@output_folder
def intracellular_command(
    samples: Path,
    panel: Path | None,
    spill: Path | None,
    cuts: Path | None,
    figures: Path | None,
    output: Path,
    **rule: Any,
) -> int:
    """Hold stimulated tubes against their unstimulated ones: which T cells make a cytokine.

    SAMPLES.csv is the table of a study folder, of which the rows of assay `flow` and role `stimulated` or
    `unstimulated` are read. Both tubes of a pair are gated into CD3+, CD4+ T, CD8+ T and the panel's populations within
    CD3+, and cut at one threshold, found in the unstimulated one. Writes intracellular (both counts, shares, difference
    with 95 % limits, p, adjusted p, response), quality, cuts and exclusions, each as CSV and Parquet. A tube that
    cannot be read and one without its pair have a row that says why; the others finish.
    """
    import polars as pl

    from tilseq.flow.cytokine_response import ResponseRule
    from tilseq.plots.style import save
    from tilseq.steps.intracellular import figures as draw
    from tilseq.steps.stimulated_tubes import pair_checks, read_subject, responses
    from tilseq.tables.intracellular import INTRACELLULAR
    from tilseq.tables.outputs import CUTS, EXCLUSIONS, QUALITY

    rows = stimulated_rows(samples)
    tubes = settings_of(panel, spill)
    subjects = dict.fromkeys(str(row["subject"]) for row in rows)
    reads = {
        subject: read_subject([to_read(row, samples.parent, tubes, cuts) for row in rows if row["subject"] == subject])
        for subject in subjects
    }
    table = responses(list(reads.values()), ResponseRule(**rule))
    every = list(reads.values())
    quality = pl.concat([QUALITY.frame(pair_checks(table)), *(frame for one in every for frame in one.quality)])
    thresholds = pl.concat([CUTS.frame(), *(frame for one in every for frame in one.cuts)])
    excluded = EXCLUSIONS.frame([row for one in every for row in one.exclusions])
    write_tables([(table, INTRACELLULAR), (quality, QUALITY), (thresholds, CUTS), (excluded, EXCLUSIONS)], output)
    for subject, read in reads.items():
        for sample, why in read.faults.items():
            click.echo(f"tilseq: {sample}: {why}", err=True)
        if figures is not None:
            for name, (axes, _) in draw(table.filter(subject=subject), read).items():
                save(cast("Figure", axes.figure), figures, name)
    status = _exit_code(table)
    tell_written(output)
    return status


def stimulated_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of stimulated and unstimulated tubes of a table of samples.

    Raises
    ------
    StudyError
        The table is at fault, or holds no stimulated tube.
    """
    import polars as pl

    from tilseq.errors import StudyError, TableError
    from tilseq.io.text import read_cells
    from tilseq.steps.stimulated_tubes import ROLES
    from tilseq.study.checks import check_identifiers, check_members, check_replicates
    from tilseq.study.files import check_owners
    from tilseq.study.model import Folder
    from tilseq.tables import parse
    from tilseq.tables.inputs import SAMPLES

    frame, problems = parse(read_cells(path), SAMPLES, file=path)
    folder = Folder(path.parent, samples=frame)
    found = [problem for check in (check_identifiers, check_members, check_replicates) for problem in check(folder)]
    of_tubes = pl.when(assay="flow").then(pl.when(pl.col("role").is_in(ROLES)).then("path"))
    found += check_owners(Folder(path.parent, samples=frame.with_columns(path=of_tubes)))
    for problem in found:
        problem.file = str(path)
    problems += found
    rows = [row for row in frame.to_dicts() if row["assay"] == "flow" and row["role"] in ROLES]
    if not problems and not any(row["role"] == ROLES[0] for row in rows):
        what, expected = "there is no stimulated tube", "rows of assay flow and role stimulated"
        problems = [TableError(what, file=path, column="role", expected=expected)]
    if problems:
        raise StudyError(problems, "the table of samples")
    return rows


def to_read(row: Mapping[str, Any], root: Path, tubes: Tubes, cuts: Path | None) -> ToRead:
    """Return what reads one tube."""
    from tilseq.io.cuts import read_cohort_cuts
    from tilseq.steps.stimulated_tubes import ToRead
    from tilseq.study.model import parts_of

    files, fault = parts_of(row["path"] or ""), None
    if row["status"] == "failed":
        fault = "it failed, by samples.csv"
    elif len(files) != 1 or not files[0]:
        fault = f"a tube is one file, and the table names {'none' if not files[0] else len(files)}"
    usual: pl.DataFrame | None = None if cuts is None else read_cohort_cuts(cuts, row)
    return ToRead(row, None if fault else str(root / files[0]), tubes.gating, tubes.spill, usual, fault)


def _exit_code(table: pl.DataFrame) -> int:
    """Tell stderr how many respond; return 0, 4 where some could not be counted, 3 where none could."""
    counts = dict(table["response"].value_counts().iter_rows())
    told = ", ".join(f"{counts.get(word, 0)} {word}" for word in ("yes", "no", "not_evaluable"))
    click.echo(f"responses: {told}", err=True)
    failed = int((table["verdict"] == "fail").sum())
    if not failed:
        return 0
    return EXIT_INVALID if failed == table.height else EXIT_SOME_FAILED
