"""`tilseq clinical safety`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilseq.cli.common import (
    EXIT_SOME_FAILED,
    Examples,
    of_subjects,
    output_folder,
    read_people,
    sdtm_day_1,
    strange_subjects,
    tell_written,
)
from tilseq.cli.results import write_tables
from tilseq.cli.suggestions import CSV

if TYPE_CHECKING:
    from tilseq.clinical.adverse_events import Emergence
    from tilseq.clinical.safety import Safety
    from tilseq.errors import TilseqError
    from tilseq.io.dates import PartialDates
    from tilseq.io.sdtm_events import DayOne

# What the screen shows of the summaries: words, parameter, grade.
TOLD = (
    ("any adverse event", "ae_any", "any"),
    ("grade 3 to 5", "ae_any", "3-5"),
    ("grade 5", "ae_any", "5"),
    ("serious", "ae_serious", "any"),
    ("immune-related", "ae_immune_related", "any"),
    ("related", "ae_related", "any"),
)
COMMONEST = 5


EXAMPLE = """\
on the sample study, in a clone; or with S the folder of yours:
  S=data/sample
  tilseq clinical safety $S/clinical/adverse_events.csv --subjects $S/subjects.csv \\
      --infusions $S/infusions.csv --followup $S/clinical/followup.csv -o out"""


@click.command("safety", cls=Examples, example=EXAMPLE)
@click.argument("events", metavar="AE.csv", type=CSV)
@click.option("--subjects", type=CSV, required=True, help="Every subject, with or without an event; arms, first doses.")
@click.option("--infusions", type=CSV, help="Who was infused, and when last; its dates turn dates into days.")
@click.option("--followup", type=CSV, help="Ends the time at risk; a death must stand behind every grade 5.")
@click.option(
    "--emergence",
    type=click.Choice(["from_first_dose", "all"]),
    default="from_first_dose",
    show_default=True,
    help="Count events that begin on or after the first dose (or whose first day is not known), or all.",
)
@click.option(
    "--il2-end-day",
    type=click.IntRange(min=0),
    help="Last day of IL-2 of those of whom --subjects has none: the infusion's period lasts so long.",
)
@sdtm_day_1
@click.option(
    "--partial-dates",
    type=click.Choice(["refuse", "last_day"]),
    default="refuse",
    show_default=True,
    help="A first or last day of which only the month is known: an error, or the last day that it can be.",
)
@output_folder
@click.pass_context
def safety_command(
    context: click.Context,
    /,
    events: Path,
    subjects: Path,
    infusions: Path | None,
    followup: Path | None,
    emergence: Emergence,
    il2_end_day: int | None,
    sdtm_day_1: DayOne | None,
    partial_dates: PartialDates,
    output: Path,
) -> None:
    """Count subjects by adverse event and worst grade.

    AE.csv is our table adverse_events or SDTM's domain AE, which its header tells.
    Writes adverse_event_rows (the listing), adverse_event_table, summaries, adverse_event_rates, adverse_event_times,
    adverse_event_estimates and exclusions, as .csv and .parquet. A faulty cell is told with file and row: a row without
    a known subject, term or grade is listed and not counted, any other counts without the cell.
    """
    from tilseq.clinical.adverse_events import event_faults
    from tilseq.clinical.safety import safety
    from tilseq.io.clinical import read_followup, read_infusions
    from tilseq.io.clinical_events import adverse_events_by_row
    from tilseq.io.sdtm_events import day_ones

    people, wrong = read_people(subjects, infusions)
    names = people["subject"].to_list()
    day_one = None if sdtm_day_1 is None else day_ones(people, sdtm_day_1)
    recorded, unread = adverse_events_by_row(events, infusions=infusions, day_one=day_one, partial_dates=partial_dates)
    infused = None if infusions is None else read_infusions(infusions)
    followed = None if followup is None else read_followup(followup, infusions=infusions)
    faults = [*wrong, *unread, *_placed(events, [fault for _, fault in event_faults(recorded, names)])]
    faults += [*strange_subjects(infusions, infused, names), *strange_subjects(followup, followed, names)]
    found = safety(
        recorded,
        subjects=people,
        infusions=of_subjects(infused, names),
        followup=followed,
        emergence=emergence,
        il2_end=None if il2_end_day is None else dict.fromkeys(names, il2_end_day),
        unread=unread,
    )
    _write(found, events, output)
    for fault in sorted(faults, key=lambda fault: (fault.file or "", fault.row or 0)):
        click.echo(f"tilseq: {fault}", err=True)
    for line in [*_results(found), *_doubts(found)]:
        click.echo(line, err=True)
    tell_written(output)
    if faults:
        context.exit(EXIT_SOME_FAILED)


def _write(found: Safety, events: Path, output: Path) -> None:
    from tilseq.clinical.adverse_events import uncounted_events
    from tilseq.tables import safety as tables
    from tilseq.tables.outputs import EXCLUSIONS
    from tilseq.tables.summaries import SUMMARIES

    excluded = [{"file": str(events), **row} for row in uncounted_events(found.rows)]
    written = [
        (found.rows, tables.listing_table(found.rows.columns)),
        (found.table, tables.ADVERSE_EVENT_TABLE),
        (found.summaries, SUMMARIES),
        (found.rates, tables.ADVERSE_EVENT_RATES),
        (found.times, tables.ADVERSE_EVENT_TIMES),
        (found.estimates, tables.ADVERSE_EVENT_ESTIMATES),
        (EXCLUSIONS.frame(excluded), EXCLUSIONS),
    ]
    write_tables(written, output)


def _placed[Fault: TilseqError](path: Path | None, faults: list[Fault]) -> list[Fault]:
    """Return the faults with the file that they are of."""
    for fault in faults:
        fault.file = str(path)
    return faults


def _results(found: Safety) -> Iterator[str]:
    """Yield the lines that tell what was found."""
    import polars as pl

    from tilseq.clinical.adverse_events import NOT_COUNTED, uncounted_events
    from tilseq.errors import first_few, plural

    why = Counter(row["rule"].removeprefix(NOT_COUNTED).partition("; ")[0] for row in uncounted_events(found.rows))
    reasons: Counter[str] = Counter()
    for rule, count in why.items():
        reasons["repeats another" if rule.startswith("repeats") else rule] += count
    told = f"; not counted: {', '.join(f'{count} {rule}' for rule, count in reasons.items())}" if reasons else ""
    yield f"{plural(found.rows.height, 'adverse event')}, {int(found.rows['counted'].sum())} counted{told}"
    of_all = found.summaries.filter(group="all")
    for words, parameter, grade in TOLD:
        row = of_all.filter(parameter=parameter, qualifier=f"grade={grade}").row(0, named=True)
        if parameter == "ae_any" and grade == "any":
            yield f"of {row['denominator']} {row['denominator_text']}"
        yield f"  {words:<18} {_share(row)}"
    terms = found.table.filter(pl.col("term").is_not_null(), group="all", period="any")
    terms = terms.sort("n_any", "n_3_5", "term", descending=[True, True, False])
    named = [f"{term} {n} ({severe})" for term, n, severe in terms.select("term", "n_any", "n_3_5").iter_rows()]
    if named:
        yield f"commonest, subjects (of grade 3 to 5): {first_few(named, COMMONEST)}"


def _share(row: dict[str, Any]) -> str:
    if row["numerator"] is None:
        return "not recorded"
    count = f"{row['numerator']:>3} of {row['denominator']}"
    without = f"{row['denominator_text']}".partition("; not recorded ")[2]
    estimate, lower, upper = (100 * row[name] for name in ("estimate", "lower", "upper"))
    limits = f"{estimate:5.1f} % ({lower:.1f}-{upper:.1f})"
    return f"{count} {limits}" + (f"; not recorded {without}" if without else "")


def _doubts(found: Safety) -> Iterator[str]:
    """Yield what a reader of the numbers should look at."""
    from tilseq.clinical.adverse_events import denied_periods, unknown_causes
    from tilseq.clinical.safety import fatal_without_death
    from tilseq.errors import first_few, plural

    for row in fatal_without_death(found.rows).iter_rows(named=True):
        yield f"subject {row['subject']}, {row['term']}: {row['reason']}"
    if denied := denied_periods(found.rows):
        told = f"{len(denied)} of {plural(found.rows.height, 'event')}, the first of row {denied[0]}"
        yield f"first days that deny the recorded period: {told}: are days counted from another day?"
    words = [repr(word) for word in unknown_causes(found.rows)]
    if words:
        yield f"words of `related` that are not known, counted as unspecified: {first_few(words, 10)}"
