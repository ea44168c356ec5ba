"""`tilseq clinical response`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilseq.cli.common import (
    EXIT_INVALID,
    EXIT_SOME_FAILED,
    Examples,
    output_folder,
    tell_faults,
    tell_odd_scan_days,
    tell_soon_therapies,
    tell_written,
)
from tilseq.cli.results import write_tables
from tilseq.cli.suggestions import CSV

if TYPE_CHECKING:
    import polars as pl

    from tilseq.clinical import BestResponsePolicy, IrecistPolicy
    from tilseq.errors import TilseqError

FURTHER = ("subjects", "therapies", "infusions", "followup", "schedule")
BEST = ("CR", "PR", "SD", "NON-CR/NON-PD")


def _words(_context: click.Context, _option: click.Parameter, text: str) -> tuple[str, ...]:
    """Return the parts of a list, each one of the best responses that may be disease control."""
    words = tuple(word.strip() for word in text.split(","))
    for word in words:
        if word not in BEST:
            raise click.BadParameter(f"{word!r} is none of {', '.join(BEST)}")
    return words


EXAMPLE = """\
on the sample study, in a clone; or with S the folder of yours:
  S=data/sample
  tilseq clinical response $S/clinical/lesions.csv --responses $S/clinical/responses.csv --subjects $S/subjects.csv \\
      --therapies $S/clinical/therapies.csv --infusions $S/infusions.csv --schedule $S/clinical/schedule.csv \\
      --followup $S/clinical/followup.csv --irecist -o out"""


@click.command("response", cls=Examples, example=EXAMPLE)
@click.argument("lesions", metavar="LESIONS.csv", type=CSV)
@click.option("--responses", type=CSV, help="What the readers recorded: the endpoint, beside what is derived.")
@click.option("--subjects", type=CSV, help="Tumour types; days of harvest, lymphodepletion and first dose.")
@click.option("--therapies", type=CSV, help="Further anti-tumour therapies: later reads are ignored.")
@click.option(
    "--infusions", type=CSV, help="Who was infused: the denominator of the rates; its dates turn dates into days."
)
@click.option("--followup", type=CSV, help="Days of the data cut: later reads are ignored.")
@click.option("--schedule", type=CSV, help="Planned assessments: the first, less its window, is the least day of SD.")
@click.option(
    "--regrowth",
    type=click.Choice(["sum_rule", "pd"]),
    default="sum_rule",
    show_default=True,
    help="After a complete response: 5 mm above the nadir as always, or any lesion back is PD.",
)
@click.option(
    "--undersized",
    type=click.Choice(["refuse", "accept"]),
    default="refuse",
    show_default=True,
    help="A baseline whose targets are all below 10 mm, or a later visit that looks like centimetres.",
)
@click.option(
    "--source",
    type=click.Choice(["recorded", "derived"]),
    default="recorded",
    show_default=True,
    help="Responses that best response is of; without recorded ones the derived are taken, and it is said.",
)
@click.option(
    "--confirmation-days",
    type=click.IntRange(0),
    default=28,
    show_default=True,
    help="Least days from a CR or PR to its confirmation.",
)
@click.option(
    "--sd-min-days",
    type=click.IntRange(0),
    show_default="the first planned scan less its window, else 42",
    help="Least days from the reference day to an SD that counts.",
)
@click.option(
    "--reference",
    type=click.Choice(["infusion", "first_dose", "lymphodepletion", "enrollment", "randomization"]),
    default="infusion",
    show_default=True,
    help="Day that the minimum of SD counts from.",
)
@click.option(
    "--max-ne", type=click.IntRange(0), default=1, show_default=True, help="NE allowed before a confirmation."
)
@click.option("--accept-sd", is_flag=True, help="Allow one SD between a PR and its confirmation.")
@click.option("--strict-table3", is_flag=True, help="Disease that is seen after a CR is PD.")
@click.option(
    "--disease-control",
    callback=_words,
    default="CR,PR,SD",
    show_default=True,
    help="Best responses that are disease control; NON-CR/NON-PD may be added.",
)
@click.option("--irecist", "with_irecist", is_flag=True, help="Also derive iRECIST.")
@click.option(
    "--progression-days",
    type=(click.IntRange(0), click.IntRange(0)),
    default=(28, 56),
    show_default=True,
    help="iRECIST: days from iUPD between which it may be confirmed.",
)
@output_folder
def response_command(
    lesions: Path,
    responses: Path | None,
    output: Path,
    with_irecist: bool,
    progression_days: tuple[int, int],
    regrowth: str,
    undersized: str,
    **options: Any,
) -> int:
    """Derive RECIST 1.1 at every visit, the best response of each subject, and the rates of response.

    Each table is written as .csv and .parquet: response; response_differences (recorded and derived responses that
    are not the same, and why); best_response, with confirmation and without; summaries (ORR, DCR, over all, by arm and
    by tumour type, exact limits); with --irecist also irecist and irecist_best. A subject whose rows cannot be read or
    contradict one another is told with file and row and stays in the denominators, not assessed; the others are
    derived, and the exit code is 4.
    """
    from tilseq.clinical import BestResponsePolicy, IrecistPolicy

    further = {name: options.pop(name) for name in FURTHER}
    given, faulty = _read({"lesions": lesions, "responses": responses, **further})
    tell_soon_therapies(further["therapies"], given["therapies"], given["subjects"])
    tell_odd_scan_days(given, {"lesions": lesions, "responses": responses})
    rows = {"regrowth": regrowth, "undersized": undersized}
    settings = BestResponsePolicy(**options)
    confirmation = IrecistPolicy(*progression_days)
    paths = {"lesions": str(lesions), "responses": str(responses)}
    work = _Work(paths, given, rows, confirmation if with_irecist else None, faulty)
    work.derive()
    if work.failed and not any(frame.height for frame in work.derived):
        return EXIT_INVALID
    write_tables(work.tables(settings), output)
    tell_written(output)
    return EXIT_SOME_FAILED if work.failed else 0


def _read(paths: dict[str, Path | None]) -> tuple[dict[str, pl.DataFrame | None], list[str]]:
    """Return the tables by name and the subjects with a row that cannot be used; tell every such row.

    Lesions and responses have a column `row`, of their file. Of those subjects no lesion, response, therapy or
    follow-up is kept; of `subjects` and `infusions` what can be used is, as they stay in the denominators.
    """
    import polars as pl

    from tilseq.io.clinical import parse_by_subject, read_schedule
    from tilseq.tables.inputs import FOLLOWUP, INFUSIONS, LESIONS, RESPONSE_READS, SUBJECTS, THERAPIES

    given: dict[str, pl.DataFrame | None] = dict.fromkeys(paths)
    faults: dict[str, list[TilseqError]] = {}
    people: pl.DataFrame | None = None
    for table in (SUBJECTS, INFUSIONS, LESIONS, RESPONSE_READS, THERAPIES, FOLLOWUP):
        path = paths[table.name]
        if path is None:
            continue
        dated = path if table is INFUSIONS else paths["infusions"]
        frame, wrong = parse_by_subject(path, table, infusions=dated)
        if table in (INFUSIONS, THERAPIES, FOLLOWUP) and people is not None:
            frame = _of_known(frame, people["subject"], path, wrong)
        if table in (SUBJECTS, INFUSIONS):
            frame = frame.drop_nulls("subject").unique(table.key, keep="first", maintain_order=True)
        people = frame if table is SUBJECTS else people
        tell_faults(path, wrong, [])
        faults |= wrong
        given[table.name] = frame.with_row_index("row", offset=2) if table in (LESIONS, RESPONSE_READS) else frame
    for name in ("lesions", "responses", "therapies", "followup"):
        one = given[name]
        given[name] = None if one is None else one.filter(~pl.col("subject").is_in(list(faults)))
    if paths["schedule"] is not None:
        given["schedule"] = read_schedule(paths["schedule"])
    return given, sorted(faults)


def _of_known(frame: pl.DataFrame, known: pl.Series, path: Path, faults: dict[str, list[TilseqError]]) -> pl.DataFrame:
    """Return the rows of the subjects of `subjects`; add those of others to the faults."""
    import polars as pl

    from tilseq.errors import TableError

    strange = frame.with_row_index("row", offset=2).filter(~pl.col("subject").is_in(known.implode()))
    for row, subject in strange.select("row", "subject").iter_rows():
        problem = TableError("this subject is not in subjects", file=path, row=row, column="subject", found=subject)
        faults.setdefault(subject, []).append(problem)
    return frame.filter(pl.col("subject").is_in(known.implode()))


class _Work:
    """One call: what it was given, what each subject gave, and the subjects that failed."""

    def __init__(
        self,
        paths: dict[str, str],
        given: dict[str, Any],
        settings: dict[str, Any],
        irecist: IrecistPolicy | None,
        faulty: Sequence[str],
    ) -> None:
        self.paths, self.given, self.settings, self.irecist = paths, given, settings, irecist
        self.derived: list[pl.DataFrame] = []
        self.irecists: list[pl.DataFrame] = []
        self.failed = list(faulty)

    def derive(self) -> None:
        """Derive all subjects together or, where rows contradict one another, each alone; tell the errors."""
        import polars as pl

        from tilseq.clinical.reconcile import unsure_readers
        from tilseq.errors import StudyError, TableError

        lesions: pl.DataFrame = self.given["lesions"]
        responses: pl.DataFrame | None = self.given["responses"]
        try:
            self._one(lesions, responses)
            return
        except StudyError:
            self.derived, self.irecists = [], []
        problems: list[TableError] = []
        tables = {"lesions": lesions, "responses": lesions.clear() if responses is None else responses}
        unnamed = unsure_readers({name: frame.iter_rows(named=True) for name, frame in tables.items()}, problems)
        self._tell(problems)
        names = pl.concat([lesions["subject"], *([] if responses is None else [responses["subject"]])])
        for subject in names.unique().sort():
            one = None if responses is None else responses.filter(subject=subject)
            try:
                if subject in unnamed:
                    self.failed.append(subject)
                else:
                    self._one(lesions.filter(subject=subject), one)
            except StudyError as error:
                self.failed.append(subject)
                self._tell(error.problems)

    def _one(self, lesions: pl.DataFrame, responses: pl.DataFrame | None) -> None:
        """Derive the response, and iRECIST where it was asked for, of some subjects; `row` is that of the file."""
        from tilseq.clinical import irecist, response

        people = {name: self.given[name] for name in ("subjects", "infusions", "followup")}
        same = {**people, "lesion_rows": lesions["row"].to_list(), **self.settings}
        lesions = lesions.drop("row")
        if responses is None:
            derived = response(lesions, **same)
        else:
            rows = responses["row"].to_list()
            derived = response(lesions, responses.drop("row"), response_rows=rows, **same)
        if self.irecist is not None:
            further = {"policy": self.irecist, "followup": self.given["followup"]}
            self.irecists.append(irecist(lesions, derived, self.given["subjects"], **further))
        self.derived.append(derived)

    def _tell(self, problems: Sequence[Any]) -> None:
        for problem in problems:
            problem.file = self.paths.get(getattr(problem, "table", None) or "", problem.file)
            click.echo(f"tilseq: {problem}", err=True)

    def tables(self, policy: BestResponsePolicy) -> list[tuple[pl.DataFrame, Any]]:
        """Return each table that is written with its registry, and say on stderr what they hold."""
        import polars as pl

        from tilseq.clinical import best_response, irecist_best_response, response_differences, response_rates
        from tilseq.clinical.centimetres import odd_targets
        from tilseq.tables.best_response import BEST_RESPONSE, IRECIST, IRECIST_BEST, RESPONSE_DIFFERENCES
        from tilseq.tables.outputs import RESPONSE
        from tilseq.tables.summaries import SUMMARIES

        derived, subjects = pl.concat(self.derived), self.given["subjects"]
        known = self.failed if subjects is None else set(subjects["subject"])
        underived = [subject for subject in self.failed if subject in known]
        further = {name: self.given[name] for name in ("followup", "schedule")} | {"underived": underived}
        best = best_response(derived, self.given["therapies"], subjects, policy, **further)
        same = {"policy": policy, "underived": underived, "followup": self.given["followup"]}
        rates = response_rates(best, subjects, self.given["infusions"], **same)
        for subject, day, odd in odd_targets(derived):
            click.echo(f"tilseq: {self.paths['lesions']}: subject {subject}, day {day}: {odd}", err=True)
        _tell_results(derived, rates)
        tables = [
            (derived, RESPONSE),
            (response_differences(derived), RESPONSE_DIFFERENCES),
            (best, BEST_RESPONSE),
            (rates, SUMMARIES),
        ]
        if self.irecists:
            found = pl.concat(self.irecists)
            tables += [
                (found, IRECIST),
                (irecist_best_response(found, self.given["followup"], self.given["therapies"]), IRECIST_BEST),
            ]
        return tables


def _tell_results(derived: pl.DataFrame, rates: pl.DataFrame) -> None:
    """Say on stderr how many responses agree, and the confirmed rates over all."""
    import polars as pl

    agree, differ = (int((derived["agrees"] == word).sum() or 0) for word in (True, False))
    baselines = int(derived["baseline"].fill_null(False).sum())
    compared = (
        f"{agree + differ} compared, {differ} differ{'s' if differ == 1 else ''}"
        if agree + differ
        else "no recorded responses to compare"
    )
    click.echo(
        f"{derived.height} assessments: {baselines} baseline{'' if baselines == 1 else 's'}, {compared}", err=True
    )
    confirmed = rates.filter(pl.col("parameter") != "BOR", pl.col("qualifier").str.contains("=required"), group="all")
    # The enrolled are told where they are more than the infused.
    confirmed = confirmed.sort("qualifier", "parameter", "population", descending=[False, True, True])
    told = confirmed.unique(["qualifier", "parameter", "denominator"], keep="first", maintain_order=True)
    for row in told.iter_rows(named=True):
        limits = "" if row["lower"] is None else f" ({100 * row['lower']:.1f} to {100 * row['upper']:.1f})"
        share = "" if row["estimate"] is None else f"{100 * row['estimate']:.1f} %{limits}, "
        reader = row["qualifier"].partition("reader=")[2]
        of = f" by {reader}" if reader else ""
        counts = f"{row['numerator']} of {row['denominator_text']}"
        click.echo(f"{row['parameter']}{of}, confirmed: {share}{counts.strip()}", err=True)
