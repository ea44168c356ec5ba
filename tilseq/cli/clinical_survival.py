"""`tilseq clinical survival`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilseq.cli.common import EXIT_INVALID, EXIT_SOME_FAILED, Examples, output_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from tilseq.clinical import TimeToEventRules
    from tilseq.errors import TilseqError

CSV = click.Path(exists=True, dir_okay=False, path_type=Path)
EXAMPLE = """\
tilseq clinical survival followup.csv --responses responses.csv --subjects subjects.csv -o out
tilseq clinical survival followup.csv --responses out/response.csv --subjects subjects.csv \\
    --therapies therapies.csv --schedule schedule.csv --preset lm103 --first-dose infusion -o out"""


# Setting of `time_to_event_rules`: its values, the usual one first unless there is none, and what it decides.
SETTINGS: dict[str, tuple[tuple[str, ...], str]] = {
    "preset": (("customary", "lm103"), "Origins and events: from the infusion, or as the protocol of LM103 has them."),
    "censoring": (("fda", "ema"), "Whether further therapy, missed visits and the like censor progression."),
    "first_dose": (("lymphodepletion", "infusion"), "Of what the first dose is that OS of lm103 counts from."),
    "death_in_ttp": (("last_adequate", "death"), "Where a death that is no event of TTP censors it."),
    "confirmation": (("required", "not_required"), "Who is a responder, for DOR and TTR."),
    "source": (("recorded", "derived"), "Responses that count; derived ones where none is recorded, or always."),
    "progression_day": (("new_lesion", "last_scan"), "Day of a PD: earliest scan of its new lesion, or its last scan."),
    "same_day": (("event", "censored"), "Progression on the day a further therapy begins."),
    "unknown_death_cause": (("tumor", "other"), "What a death of unknown cause counts as, where the cause decides."),
}
REQUIRED = ("first_dose",)  # where it is asked for, nobody may guess it


def _settings[Command: Callable[..., Any]](command: Command) -> Command:
    """Add an option for each setting."""
    for name, (values, text) in reversed(SETTINGS.items()):
        usual = None if name in REQUIRED else values[0]
        flag = f"--{name.replace('_', '-')}"
        command = click.option(flag, type=click.Choice(values), default=usual, show_default=True, help=text)(command)
    return command


@click.command("survival", cls=Examples, example=EXAMPLE)
@click.argument("followup", metavar="FOLLOWUP.csv", type=CSV)
@click.option("--responses", required=True, type=CSV, help="Recorded ones, or response.csv of `clinical response`.")
@click.option("--subjects", required=True, type=CSV, help="Days of enrolment, randomisation, lymphodepletion.")
@click.option("--therapies", type=CSV, help="Further anti-tumour therapies.")
@click.option("--schedule", type=CSV, help="Planned assessments, by which missed ones are told.")
@click.option("--infusions", type=CSV, help="Infusions; without it every subject was infused on day 0.")
@click.option("--lesions", type=CSV, help="Lesions, for the day on which a new one was seen.")
@click.option("--best-response", "best_response", type=CSV, help="Best responses; DOR and TTR are of responders.")
@_settings
@output_folder
@click.pass_context
def survival_command(context: click.Context, /, output: Path, **options: Any) -> None:
    """Derive OS, PFS, TTP, DOR, TTR and follow-up; write time_to_event.csv and time_to_event.parquet.

    A subject whose records contradict one another is told with file and row, and stands in the table as not evaluable;
    the others go on.
    """
    from tilseq.clinical import time_to_event, time_to_event_rules
    from tilseq.io.write import write_table
    from tilseq.tables.survival import TIME_TO_EVENT

    rules = time_to_event_rules(**{name: options.pop(name) for name in SETTINGS})
    tables, faults = _read({name: path for name, path in options.items() if path is not None})
    refused = _refuse(tables, faults, options, rules)
    derived = time_to_event(**tables, rules=rules, refused=refused)
    if not derived["days"].count():
        click.echo("tilseq: no time to event can be derived of any subject", err=True)
        context.exit(EXIT_INVALID)
    # Estimates of these times are derived from `derived` and written beside it.
    write_table(derived, TIME_TO_EVENT, output)
    _tell(derived, options["best_response"] is None)
    if refused:
        context.exit(EXIT_SOME_FAILED)


def _read(paths: dict[str, Path]) -> tuple[dict[str, pl.DataFrame], dict[str, list[TilseqError]]]:
    """Return the tables by name, and what is wrong with single subjects."""
    from tilseq.clinical.clinical_records import BEST_RESPONSES
    from tilseq.io.clinical import parse_by_subject, read_schedule
    from tilseq.io.text import read_cells
    from tilseq.tables.inputs import FOLLOWUP, INFUSIONS, LESIONS, RESPONSE_READS, SUBJECTS, THERAPIES
    from tilseq.tables.outputs import RESPONSE

    expected = {
        "followup": FOLLOWUP,
        "responses": RESPONSE_READS,
        "subjects": SUBJECTS,
        "therapies": THERAPIES,
        "infusions": INFUSIONS,
        "lesions": LESIONS,
        "best_response": BEST_RESPONSES,
    }
    tables: dict[str, pl.DataFrame] = {}
    faults: dict[str, list[TilseqError]] = {}
    for name, path in paths.items():
        if name == "schedule":
            tables[name] = read_schedule(path)
            continue
        derived = name == "responses" and "recorded" in read_cells(path).columns
        table = RESPONSE if derived else expected[name]
        tables[name], wrong = parse_by_subject(path, table, extra="keep" if name == "best_response" else "refuse")
        for subject, problems in wrong.items():
            faults[subject] = [*faults.get(subject, []), *problems]
    return tables, faults


def _refuse(
    tables: dict[str, pl.DataFrame],
    faults: dict[str, list[TilseqError]],
    paths: dict[str, Path | None],
    rules: TimeToEventRules,
) -> dict[str, str]:
    """Tell every fault with file and row, and return why each subject that has one cannot be evaluated."""
    from tilseq.clinical import contradictions

    told = {subject: list(problems) for subject, problems in faults.items()}
    for one in contradictions(**tables, rules=rules, refused=faults):
        one.error.file = str(paths["responses" if one.table == "response" else one.table])
        told.setdefault(one.subject, []).append(one.error)
    for problems in told.values():
        for problem in problems:
            click.echo(f"tilseq: {problem}", err=True)
    return {subject: "; ".join(_why(problem, subject) for problem in problems) for subject, problems in told.items()}


def _why(problem: TilseqError, subject: str) -> str:
    return f"{problem.column}: {problem.what.removeprefix(f'subject {subject}: ')}"


def _tell(derived: pl.DataFrame, without_best_response: bool) -> None:
    """Tell how many subjects, events and censored times each endpoint has."""
    import polars as pl

    counts = derived.group_by("parameter", maintain_order=True).agg(
        subjects=pl.col("subject").n_unique(),
        events=pl.col("event").sum(),
        censored=pl.col("event").not_().sum(),
        without=pl.col("event").null_count(),
    )
    for row in counts.iter_rows(named=True):
        click.echo("{parameter}: {events} events, {censored} censored, {without} not evaluable".format(**row), err=True)
    if without_best_response:
        click.echo("DOR and TTR are not derived: give --best-response", err=True)
