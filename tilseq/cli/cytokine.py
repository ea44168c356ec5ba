"""`tilseq cytokine`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from tilseq.cli.common import (
    EXIT_INVALID,
    EXIT_SOME_FAILED,
    Examples,
    Laboratory,
    output_folder,
    output_table,
    tell_written,
    write_result,
)
from tilseq.cli.cytokine_intracellular import intracellular_command
from tilseq.cli.results import write_tables
from tilseq.cli.suggestions import ExistingPath

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl
    from matplotlib.figure import Figure

    from tilseq.cytokines import Beads, Quantified
    from tilseq.cytokines.curve import Model
    from tilseq.errors import TilseqError
    from tilseq.kits import Kit

PLATE = ExistingPath(dir_okay=False)
FOLDER = click.Path(file_okay=False, path_type=Path)
PLATES_FOLDER = "plates"


@click.group("cytokine", cls=Laboratory)
def cytokine_command() -> None:
    """Cytokines by bead array (beads, standard curves, concentrations) and within stimulated cells."""


cytokine_command.add_command(intracellular_command)


def _plate_options(drawn: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Return what adds the options that every command on a plate sheet takes; `drawn` says what its figures are of."""

    def add(command: Callable[..., object]) -> Callable[..., object]:
        for option in (
            click.option("--figures", type=FOLDER, help=f"Folder for {drawn}, as SVG and PNG; none by default."),
            click.option(
                "--root",
                type=ExistingPath(file_okay=False),
                help="Folder that the sheet's paths are relative to; by default the sheet's own, or the one above "
                "where the sheet stands in a folder `plates`.",
            ),
            click.option("--kit", "kits", multiple=True, type=PLATE, help="YAML of a kit of your own. Repeats."),
            click.argument("plate", metavar="PLATE.csv", type=PLATE),
        ):
            command = option(command)
        return command

    return add


MOST_NAMED = 6  # samples, in a message
QC_EXAMPLE = """\
on the sample study, in a clone; or with S the folder of yours:
  S=data/sample
  tilseq cytokine qc $S/plates/SIM-01_cytokine.csv -o beads.csv
with files of yours:
  tilseq cytokine qc plates/P1.csv --kit my_kit.yaml --figures maps -o beads.csv"""


@cytokine_command.command("qc", cls=Examples, example=QC_EXAMPLE)
@_plate_options("maps of the beads of each well")
@output_table
def qc_command(plate: Path, kits: Sequence[Path], root: Path | None, figures: Path | None, output: str) -> int:
    """Count the beads of each analyte in each well, with a verdict and the median reporter: table bead_wells."""
    from tilseq.tables.cytokines import BEAD_WELLS

    _, _, beads = beads_of(plate, kits, root)
    write_result(beads.wells, BEAD_WELLS, output)
    if figures is not None:
        _draw_maps(beads, figures)
    status = _tell_wells(beads)
    tell_written(output)
    return status


QUANTIFY_EXAMPLE = """\
on the sample study, in a clone; or with S the folder of yours:
  S=data/sample
  tilseq cytokine quantify $S/plates/SIM-01_cytokine.csv -o out
with files of yours:
  tilseq cytokine quantify plates/P1.csv --kit my_kit.yaml --figures figures -o out"""


@cytokine_command.command("quantify", cls=Examples, example=QUANTIFY_EXAMPLE)
@_plate_options("figures: maps of the beads of each well, of the plate, curves, recoveries")
@click.option("--model", type=click.Choice(["4PL", "5PL"]), help="Model of all curves; by default the better of both.")
@click.option(
    "--no-shared-dilution", "shared", is_flag=True, flag_value=False, default=True,
    help="Take every standard as diluted right; by default errors of a level that all analytes share are taken out.",
)  # fmt: skip
@output_folder
def quantify_command(
    plate: Path,
    kits: Sequence[Path],
    root: Path | None,
    figures: Path | None,
    model: str | None,
    shared: bool,
    output: Path,
) -> int:
    """Go from a plate's events to concentrations with intervals.

    Writes bead_wells, bead_populations, standard_curves, standard_recovery, dilution_errors, concentrations (by well),
    sample_concentrations and exclusions, each as CSV and Parquet.
    """
    from tilseq.cytokines import quantify
    from tilseq.cytokines.concentrations import unlike

    sheet, known, beads = beads_of(plate, kits, root)
    chosen: Model | None = None if model is None else "5PL" if model == "5PL" else "4PL"
    told = quantify(sheet, beads.wells, known, model=chosen, shared_dilution=shared)
    write_tables([*beads.tables(), *told.tables()], output)
    if figures is not None:
        _draw_maps(beads, figures)
        draw_plates(told, beads, figures)
    counts = told.samples["status"].value_counts().sort("status").iter_rows()
    statuses = ", ".join(f"{number} {status}" for status, number in counts)
    click.echo(f"analytes in samples: {statuses or 'none, as the sheet names no well of a sample'}", err=True)
    for (plate_name, sample), own in unlike(told.samples).group_by("plate", "sample", maintain_order=True):
        click.echo(f"tilseq: plate {plate_name}, {sample}: {', '.join(own['analyte'])}: {own['reason'][0]}", err=True)
    _tell_silent(told.samples)
    _tell_doubts(told.curves, "curves")
    status = _tell_wells(beads)
    tell_written(output)
    return max(status, exit_code(told.curves), key=(0, EXIT_SOME_FAILED, EXIT_INVALID).index)


def beads_of(plate: Path, kits: Sequence[Path], root: Path | None) -> tuple[pl.DataFrame, dict[str, Kit], Beads]:
    """Read a plate sheet and its wells; return sheet, kits and the beads found, and tell stderr what was odd.

    A well whose file is missing or cannot be read fails alone; anything else that is wrong with the sheet is refused.
    """
    from tilseq.cytokines import find_beads
    from tilseq.errors import StudyError, TableError
    from tilseq.io.kits import read_kits
    from tilseq.io.plates import check_kits, read_plate, read_wells

    known = read_kits(kits)
    sheet = read_plate(plate)
    if sheet.is_empty():
        raise TableError("the plate sheet names no well", file=plate, row=2, expected="a row for each well")
    if root is None:
        root = plate.parent.parent if plate.parent.name == PLATES_FOLDER else plate.parent
    problems = check_kits(sheet, known, file=plate) + _sheet_problems(sheet, plate, root)
    if problems:
        raise StudyError(problems, "the plate sheet")
    wells = read_wells(sheet, root, known)
    for told in (*wells.warnings, *wells.lost.values()):
        click.echo(f"tilseq: {told}", err=True)
    return sheet, known, find_beads(sheet, wells.events, known, wells.lost, wells.not_finite)


def _sheet_problems(sheet: pl.DataFrame, plate: Path, root: Path) -> list[TilseqError]:
    """Return what is wrong with a sheet by the rules of a study, but for files that are missing."""
    from tilseq.study.checks import check_identifiers
    from tilseq.study.files import ABSENT, check_files
    from tilseq.study.model import Folder
    from tilseq.study.plates import check_contents, check_levels, check_sheets, check_wells

    folder = Folder(root, plates={str(plate): sheet})
    checks = (check_identifiers, check_sheets, check_wells, check_contents, check_levels, check_files)
    return [problem for check in checks for problem in check(folder) if problem.what != ABSENT]


def _draw_maps(beads: Beads, folder: Path) -> None:
    """Write the bead map of each well that holds events."""
    from tilseq.plots.cytokines import bead_map
    from tilseq.plots.style import save

    for one in beads.maps:
        if len(one.events):
            save(bead_map(one), folder, f"{one.plate}_{one.well}")


def draw_plates(told: Quantified, beads: Beads, folder: Path) -> None:
    """Write the map of each plate, and the standard curves and recoveries of each that has a curve."""
    import polars as pl

    from tilseq.errors import AnalysisError
    from tilseq.plots.curves import recovery_dots, standard_curves
    from tilseq.plots.plate import plate_map
    from tilseq.plots.style import save

    for plate in beads.wells["plate"].unique().sort():
        on_plate = (frame.filter(plate=plate) for frame in (beads.wells, told.concentrations))
        with suppress(AnalysisError):  # wells that are named otherwise than those of a plate have no place on a map
            save(plate_map(*on_plate), folder, f"{plate}_wells")
    for plate in told.curves.filter(pl.col("model").is_not_null())["plate"].unique().sort():
        tables = (frame.filter(plate=plate) for frame in (told.curves, told.recovery, beads.wells, told.concentrations))
        save(standard_curves(*tables), folder, f"{plate}_curves")
        recovery, dilution = (frame.filter(plate=plate) for frame in (told.recovery, told.dilution))
        if recovery["recovery_pct"].drop_nulls().len():
            save(cast("Figure", recovery_dots(recovery, dilution).figure), folder, f"{plate}_recovery")


def _tell_wells(beads: Beads) -> int:
    """Tell stderr how the beads are, and which populations are doubtful; return the exit code."""
    _tell_doubts(beads.populations, "beads")
    wells = beads.wells
    counts = {word: int((wells["verdict"] == word).sum()) for word in ("pass", "warn", "fail")}
    told = ", ".join(f"{number} {word}" for word, number in counts.items())
    click.echo(f"{wells['well'].n_unique()} wells; analytes in wells: {told}", err=True)
    return exit_code(wells)


def _tell_silent(samples: pl.DataFrame) -> None:
    """Tell stderr which samples have analytes that cannot be evaluated, by reason."""
    from tilseq.errors import first_few

    silent = samples.filter(samples["status"] == "not_evaluable")
    for (plate, reason), own in silent.group_by("plate", "reason", maintain_order=True):
        named = first_few(own["sample"].unique(maintain_order=True).to_list(), MOST_NAMED)
        click.echo(f"tilseq: plate {plate}, {named}: not evaluable: {reason}", err=True)


def _tell_doubts(rows: pl.DataFrame, what: str) -> None:
    """Tell stderr which analytes of a plate do not pass, by reason."""
    doubtful = rows.filter(rows["verdict"] != "pass")
    for (plate, verdict, reason), own in doubtful.group_by("plate", "verdict", "reason", maintain_order=True):
        click.echo(f"tilseq: plate {plate}, {what} of {', '.join(own['analyte'])}: {verdict}: {reason}", err=True)


def exit_code(rows: pl.DataFrame) -> int:
    """Return 0, 4 where some of the rows failed, 3 where all did."""
    failed = int((rows["verdict"] == "fail").sum())
    if not failed:
        return 0
    return EXIT_INVALID if failed == rows.height else EXIT_SOME_FAILED
