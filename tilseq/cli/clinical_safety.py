"""`tilseq clinical safety`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tilseq.cli.common import EXIT_SOME_FAILED, Examples, output_folder, sdtm_day_1, tell_faults

if TYPE_CHECKING:
    from tilseq.io.dates import PartialDates
    from tilseq.io.sdtm_events import DayOne

CSV = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    "safety",
    cls=Examples,
    example="tilseq clinical safety adverse_events.csv --subjects subjects.csv --followup followup.csv -o out\n",
)
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
    "--il2-end-day", type=click.IntRange(min=0), help="Last day of IL-2: the infusion's period lasts so long."
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
    emergence: str,
    il2_end_day: int | None,
    sdtm_day_1: DayOne | None,
    partial_dates: PartialDates,
    output: Path,
) -> None:
    """Count subjects by adverse event and worst grade.

    AE.csv is our table adverse_events or SDTM's domain AE, which its header tells.
    Writes adverse_event_rows (the listing), summaries, adverse_event_rates and adverse_event_times, as .csv and
    .parquet.
    A subject with a faulty record is told with file and row and is left out of every count; the others go on.
    """
    from tilseq.clinical.adverse_events import event_faults
    from tilseq.clinical.safety import fatal_without_death, safety
    from tilseq.io.clinical import read_followup, read_infusions, read_subjects
    from tilseq.io.clinical_events import adverse_events_by_subject
    from tilseq.io.sdtm_events import day_ones
    from tilseq.io.write import write_table
    from tilseq.tables.safety import ADVERSE_EVENT_RATES, ADVERSE_EVENT_TIMES, listing_table
    from tilseq.tables.summaries import SUMMARIES

    people = read_subjects(subjects, infusions=infusions)
    names = people["subject"].to_list()
    day_one = None if sdtm_day_1 is None else day_ones(people, sdtm_day_1)
    recorded, faults = adverse_events_by_subject(
        events, infusions=infusions, day_one=day_one, partial_dates=partial_dates
    )
    faults = tell_faults(events, faults, event_faults(recorded, names))
    found = safety(
        recorded,
        subjects=people,
        infusions=None if infusions is None else read_infusions(infusions),
        followup=None if followup is None else read_followup(followup, infusions=infusions),
        emergence="all" if emergence == "all" else "from_first_dose",
        il2_end=None if il2_end_day is None else dict.fromkeys(names, il2_end_day),
        refused=faults,
    )
    write_table(found.rows, listing_table(found.rows.columns), output)
    write_table(found.summaries, SUMMARIES, output)
    write_table(found.rates, ADVERSE_EVENT_RATES, output)
    write_table(found.times, ADVERSE_EVENT_TIMES, output)
    counted = int(found.rows["counted"].sum())
    click.echo(f"{found.rows.height} adverse events, {counted} counted", err=True)
    for row in fatal_without_death(found.rows).iter_rows(named=True):
        click.echo(f"subject {row['subject']}, {row['term']}: {row['reason']}", err=True)
    if faults:
        click.echo(f"left out for faulty records: {', '.join(faults)}", err=True)
        context.exit(EXIT_SOME_FAILED)
