"""What the commands share: options, where results go, and how an error ends a command."""

from __future__ import annotations

import sys
from os.path import isfile  # of a name that no file can have it says no, where `Path.is_file` raises
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilseq.cli.suggestions import with_meant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import polars as pl

    from tilseq.errors import TilseqError
    from tilseq.tables import Table

EXIT_FAULT, EXIT_USAGE, EXIT_INVALID, EXIT_SOME_FAILED = 1, 2, 3, 4
EXIT_STOPPED, EXIT_NO_READER = 130, 141  # as a shell tells of programs that Ctrl-C or a closed pipe ends

PACKED = (".gz",)
FORMATS = (".fcs", ".lmd", ".csv", ".tsv", ".txt", ".h5ad")

# Parameters that name a file to write; a folder takes several results, and all other paths are read.
WRITTEN = ("output", "quality", "usage_file", "neighbours_file", "depth_file")


def _no_stdout(ctx: click.Context, param: click.Parameter, value: Path) -> Path:
    """Refuse `-`, which is stdout elsewhere and would be made a folder of this name."""
    if str(value) == "-":
        raise click.BadParameter("several tables are written: give a folder, not -")
    return value


output_table = click.option(
    "-o", "--output", "output", default="-", show_default="stdout", help="CSV file to write, or - for stdout."
)
output_folder = click.option(
    "-o",
    "--output",
    "output",
    required=True,
    type=click.Path(path_type=Path),
    callback=_no_stdout,
    help="Folder to write to.",
)
sdtm_day_1 = click.option(
    "--sdtm-day-1",
    type=click.Choice(["infusion", "first_dose", "lymphodepletion"]),
    help="What study day 1 of a file of SDTM is, for rows without a date.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


class Examples(click.Command):
    """A command whose help ends with an example, kept as it is written."""

    def __init__(self, *args: Any, example: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.example = example

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command unless a name is no text, or it would write over what it reads or two results to one file."""
        _refuse_odd_names(ctx.params)
        _refuse_overwriting(ctx.params)
        return super().invoke(ctx)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example below the options."""
        with formatter.section("Example"):
            for line in self.example.splitlines():
                formatter.write(f"  {line}\n")


class Laboratory(click.Group):
    """A group whose help says where the examples are."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write below the commands how to come to their examples."""
        formatter.write_paragraph()
        formatter.write_text(f"The help of each command ends with an example: {ctx.command_path} COMMAND --help")


def _refuse_odd_names(params: Mapping[str, Any]) -> None:
    """Refuse files whose names are not UTF-8, as of archives from other systems: no table could hold them."""
    for one in (one for value in params.values() for one in _each(value) if isinstance(one, str | Path)):
        try:
            str(one).encode()
        except UnicodeEncodeError as error:
            raise click.UsageError(f"{str(one)!a}: this name is not UTF-8; rename the file") from error


def _refuse_overwriting(params: Mapping[str, Any]) -> None:
    """Refuse a call whose output is one of the files that it reads, or that writes two results to one file.

    Parameters
    ----------
    params
        Parameters of a command by name.
    """
    values = [one for name, value in params.items() if name not in WRITTEN for one in _each(value)]
    read = [one for one in values if isinstance(one, Path) and isfile(one)]
    written: set[Path] = set()
    for one in (params[name] for name in WRITTEN if params.get(name) not in (None, "-")):
        path = Path(one).resolve()
        if path.exists() and any(path.samefile(other) for other in read):
            raise click.UsageError(f"{one} is read by this command and would be lost: name another file")
        if path in written:
            raise click.UsageError(f"two results would be written to {one}: name another file for one of them")
        written.add(path)


def _each(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def write_result(frame: pl.DataFrame, table: Table, output: str) -> None:
    """Write one table as CSV to a file or to stdout, held against its registry."""
    from tilseq.io.write import csv_text, write_csv
    from tilseq.tables import conform

    frame = conform(frame, table)
    if output == "-":
        sys.stdout.write(csv_text(frame))
    else:
        write_csv(frame, output)


def tell_written(output: str | Path) -> None:
    """Say on stderr where the tables went; what went to stdout tells itself."""
    if output != "-":
        click.echo(f"wrote {output}", err=True)


def sample_name(path: Path) -> str:
    """Return a file's name without the extensions of its format, which is what a sample is called on the command line.

    A point that belongs to the name stays: `P1.d28.tsv.gz` is `P1.d28`.
    """
    name = path.name
    for extensions in (PACKED, FORMATS):
        ending = next((one for one in extensions if name.casefold().endswith(one)), "")
        name = name[: len(name) - len(ending)] or name
    return name


def sample_names(paths: Sequence[Path]) -> list[str]:
    """Return the sample of each file; two files of one name are a mistake of the call, as their rows would be mixed."""
    names = [sample_name(path) for path in paths]
    for name in names:
        if names.count(name) > 1:
            raise click.UsageError(f"two files are both sample {name!r}; rename one")
    return names


def refuse_copies(paths: Sequence[Path]) -> None:
    """Refuse files that are one and the same, byte for byte, under several names: their cells would count twice."""
    from tilseq.io.digest import sha256_of_file

    first: dict[str, Path] = {}
    for path in paths:
        if isfile(path) and path.stat().st_size:
            same = first.setdefault(sha256_of_file(path), path)
            if same is not path:
                raise click.UsageError(f"{same} and {path} are the same file, byte for byte; give it once")


def refuse_same_clones(tables: Mapping[str, pl.DataFrame]) -> None:
    """Refuse samples of the same clonotypes and shares: copies of one file, packed anew or with counts scaled."""
    from tilseq.repertoire.copies import copies

    for name, first in copies(tables).items():
        raise click.UsageError(f"{first} and {name} hold the same clonotypes in the same shares; give one of them")


def each_file[Result](paths: Sequence[Path], work: Callable[[Path], Result]) -> tuple[list[Result], int]:
    """Return the results of the files that went well, and the exit code; tell the errors of the others."""
    from tilseq.errors import TilseqError

    results = []
    for path in paths:
        try:
            results.append(work(path))
        except TilseqError as error:
            told = str(with_meant(error)) if error.file else f"{path}: {error}"
            click.echo(f"tilseq: {told}", err=True)
    if len(results) == len(paths):
        return results, 0
    return results, EXIT_SOME_FAILED if results else EXIT_INVALID


def tell_faults(
    path: Path, read: dict[str, list[TilseqError]], found: Sequence[tuple[str, TilseqError]]
) -> dict[str, list[TilseqError]]:
    """Tell every fault of a table with its file and row, and return them by the subject whose rows they are in.

    Parameters
    ----------
    path
        The file.
    read
        Subject → what is wrong with its cells.
    found
        Subject and what a laboratory, which knows of no file, finds wrong with a row.
    """
    faults = {subject: list(problems) for subject, problems in read.items()}
    for subject, problem in found:
        problem.file = str(path)
        faults.setdefault(subject, []).append(problem)
    every = [problem for problems in faults.values() for problem in problems]
    for problem in sorted(every, key=lambda problem: problem.row or 0):
        click.echo(f"tilseq: {problem}", err=True)
    return faults


def read_people(path: Path, infusions: Path | None) -> tuple[pl.DataFrame, list[TilseqError]]:
    """Return table `subjects` and its first days of treatment that cannot be, which are taken as not known."""
    import polars as pl

    from tilseq.clinical.periods import start_faults
    from tilseq.io.clinical import read_subjects

    people = read_subjects(path, infusions=infusions)
    faults: list[TilseqError] = [*start_faults(people)]
    for fault in faults:
        fault.file, fault.mend = str(path), f"{fault.mend}; it counts as not known here"
    start, dose = pl.col("lymphodepletion_day"), pl.col("first_dose_day")
    return people.with_columns(pl.when(start < 0).then(start), pl.when(dose <= 0).then(dose)), faults


def tell_soon_therapies(path: Path | None, therapies: pl.DataFrame | None, subjects: pl.DataFrame | None) -> None:
    """Say on stderr which therapies of the subjects may belong to the treatment itself."""
    from tilseq.tables.therapies import told_soon_therapies

    if therapies is not None and subjects is not None:
        therapies = therapies.join(subjects, on="subject", how="semi")
    if told := told_soon_therapies(therapies):
        click.echo(f"tilseq: {path}: {told}", err=True)


def tell_odd_scan_days(tables: Mapping[str, Any], paths: Mapping[str, Any]) -> None:
    """Say on stderr which assessments of `lesions` and `responses` are off the `schedule`, or too close to be days."""
    from tilseq.clinical.missed_visits import told_off_window
    from tilseq.tables.scan_days import told_close_scans

    schedule = tables.get("schedule")
    for name in ("lesions", "responses"):
        frame = tables.get(name)
        if frame is None:
            continue
        off_window = "" if schedule is None else told_off_window(frame, schedule)
        for told in filter(None, (off_window, told_close_scans(frame))):
            click.echo(f"tilseq: {paths[name]}: {told}", err=True)


def strange_subjects(path: Path | None, frame: pl.DataFrame | None, names: list[str]) -> list[TilseqError]:
    """Return a fault for each subject of a further table that is not among the subjects: nothing is known of it."""
    from tilseq.identifiers import unknown_subjects

    faults: list[TilseqError] = [] if frame is None else [fault for _, fault in unknown_subjects(frame, names)]
    for fault in faults:
        fault.file = str(path)
    return faults


def of_subjects(frame: pl.DataFrame | None, names: list[str]) -> pl.DataFrame | None:
    """Return the rows of a further table that are of these subjects, where it is given."""
    import polars as pl

    return None if frame is None else frame.filter(pl.col("subject").is_in(names))


def printable(text: str) -> str:
    """Return text without characters that a terminal would obey."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
