"""`tilseq clinical markers`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilseq.cli.common import (
    EXIT_INVALID,
    EXIT_SOME_FAILED,
    Examples,
    of_subjects,
    output_folder,
    read_people,
    strange_subjects,
    tell_faults,
    tell_written,
)
from tilseq.cli.results import write_tables
from tilseq.cli.suggestions import CSV

if TYPE_CHECKING:
    import polars as pl

    from tilseq.clinical.gcig import Harvest
    from tilseq.clinical.tumor_markers import Thyroglobulin


EXAMPLE = """\
on the sample study, in a clone; or with S the folder of yours:
  S=data/sample
  tilseq clinical markers $S/clinical/tumor_markers.csv --subjects $S/subjects.csv -o out"""


@click.command("markers", cls=Examples, example=EXAMPLE)
@click.argument("records", metavar="M.csv", type=CSV)
@click.option("--subjects", type=CSV, required=True, help="Kinds of tumour, and when treatment starts.")
@click.option(
    "--infusions", type=CSV, help="Infusions: who was treated, and dates as days; without it dates are refused."
)
@click.option("--followup", type=CSV, help="Days of the data cut: later records take no part.")
@click.option("--therapies", type=CSV, help="Further anti-tumour therapies: GCIG takes no later sample.")
@click.option(
    "--tg",
    type=click.Choice(["thyroglobulin", "triglycerides"]),
    default="thyroglobulin",
    show_default=True,
    help="What TG means; triglycerides are no tumour marker.",
)
@click.option(
    "--harvest",
    type=click.Choice(["interferes", "ignored"]),
    default="interferes",
    show_default=True,
    help="GCIG: whether the resection for the product counts as surgery of peritoneum or pleura.",
)
@click.option(
    "--interference",
    type=(str, int),
    multiple=True,
    metavar="SUBJECT DAY",
    help="GCIG: surgery or drainage of peritoneum or pleura; may be repeated.",
)
@click.option("--mouse-antibodies", multiple=True, metavar="SUBJECT", help="GCIG: who was given any; may be repeated.")
@output_folder
@click.pass_context
def markers_command(
    context: click.Context,
    /,
    records: Path,
    subjects: Path,
    infusions: Path | None,
    followup: Path | None,
    therapies: Path | None,
    tg: Thyroglobulin,
    harvest: Harvest,
    interference: tuple[tuple[str, int], ...],
    mouse_antibodies: tuple[str, ...],
    output: Path,
) -> None:
    """Follow each tumour marker from its baseline, and write marker_courses and exclusions.

    With subjects of ovarian cancer also gcig: response and progression by CA-125, exploratory after cells.
    A subject with a faulty record is told with file and row and left out; the others go on.
    """
    import polars as pl

    from tilseq.clinical.data_cut import data_cuts, is_after_cut, up_to_data_cut
    from tilseq.clinical.gcig import gcig
    from tilseq.clinical.tumor_markers import markers
    from tilseq.identifiers import unknown_subjects
    from tilseq.io.clinical import parse_by_subject, read_followup, read_infusions, read_therapies
    from tilseq.tables.inputs import TUMOR_MARKERS
    from tilseq.tables.outputs import EXCLUSIONS
    from tilseq.tables.tumor_marker_course import GCIG, MARKER_COURSES

    people, wrong = read_people(subjects, infusions)
    names = people["subject"].to_list()
    followed = None if followup is None else read_followup(followup, infusions=infusions)
    given = None if therapies is None else read_therapies(therapies, infusions=infusions)
    infused = None if infusions is None else up_to_data_cut(read_infusions(infusions), followed)
    for path, frame in ((infusions, infused), (followup, followed), (therapies, given)):
        wrong += strange_subjects(path, frame, names)
    for fault in wrong:
        click.echo(f"tilseq: {fault}", err=True)
    recorded, faults = parse_by_subject(records, TUMOR_MARKERS, infusions=infusions)
    faults = tell_faults(records, faults, unknown_subjects(recorded, names))
    days = _interference_days(interference)
    _refuse_strangers({*days, *mouse_antibodies}, names)
    sound = ~pl.col("subject").is_in(list(faults))
    people = people.filter(sound)
    cuts = data_cuts(followed)
    courses = markers(recorded.filter(sound & ~is_after_cut(recorded, cuts)), subjects=people, tg=tg)
    ca125 = gcig(
        courses,
        subjects=people,
        infusions=of_subjects(infused, names),
        harvest=harvest,
        interference_days=days,
        mouse_antibodies=mouse_antibodies,
        therapies=given,
    )
    excluded = [{"file": str(records), **row} for row in _excluded(recorded, courses, faults, cuts)]
    of_ovary = [(ca125, GCIG)] if ca125.height else []
    write_tables([(courses, MARKER_COURSES), *of_ovary, (EXCLUSIONS.frame(excluded), EXCLUSIONS)], output)
    for line in _told(courses, ca125, faults):
        click.echo(line, err=True)
    tell_written(output)
    if courses.height and not courses["used"].any():
        context.exit(EXIT_INVALID)
    if wrong or faults:
        context.exit(EXIT_SOME_FAILED)


def _interference_days(given: Sequence[tuple[str, int]]) -> dict[str, list[int]]:
    days: dict[str, list[int]] = {}
    for name, day in given:
        days.setdefault(name, []).append(day)
    return days


def _excluded(
    recorded: pl.DataFrame, courses: pl.DataFrame, faults: Mapping[str, Any], cuts: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Return rows of `exclusions`: subjects with a faulty record, records after the data cut, and those not used."""
    import polars as pl

    from tilseq.clinical.data_cut import cut_exclusions
    from tilseq.clinical.left_out import subjects_left_out
    from tilseq.clinical.marker_exclusions import marker_exclusions

    numbered = recorded.with_row_index("place", offset=2).filter(~pl.col("subject").is_in(list(faults)))
    return [
        *subjects_left_out(recorded, faults, "left out for faulty records"),
        *cut_exclusions(numbered, cuts, "a record", numbered["place"].to_list()),
        *({"rule": rule, "rows": rows} for rule, rows in marker_exclusions(courses).items()),
    ]


def _told(courses: pl.DataFrame, ca125: pl.DataFrame, faults: Collection[str]) -> Iterator[str]:
    """Yield the lines that tell what was found, what was not used, and whose unit is in doubt."""
    import polars as pl

    from tilseq.clinical.marker_exclusions import unit_doubts
    from tilseq.errors import plural

    used = int(courses["used"].sum())
    yield f"{plural(courses.height, 'record')}, {used} used; {plural(ca125.height, 'subject')} by GCIG"
    others = courses.filter("used", ~pl.col("in_panel"))["test"].value_counts()
    for test, count in others.sort(-pl.col("count").cast(pl.Int64), "test").iter_rows():
        yield f"{test}: {plural(count, 'record')} of no panel of the tumour, in marker_courses alone"
    for row in courses.filter(~courses["used"]).iter_rows(named=True):
        yield f"subject {row['subject']}, day {row['day']}, {row['test']}: {row['reason']}"
    for subject, day, test, doubt in unit_doubts(courses):
        yield f"subject {subject}, day {day}, {test}: {doubt}"
    if faults:
        yield f"left out for faulty records: {', '.join(faults)}"


def _refuse_strangers(names: Collection[str], known: Collection[str]) -> None:
    """Refuse an option that names nobody of the table of subjects."""
    for name in sorted(set(names) - set(known)):
        raise click.BadParameter(f"no such subject: {name}", param_hint="--interference or --mouse-antibodies")
