"""`tilseq clinical survival`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import click

from tilseq.cli.common import (
    EXIT_INVALID,
    EXIT_SOME_FAILED,
    Examples,
    output_folder,
    tell_odd_scan_days,
    tell_soon_therapies,
    tell_written,
)
from tilseq.cli.results import write_tables
from tilseq.cli.suggestions import CSV

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl
    from matplotlib.figure import Figure

    from tilseq.clinical import Records, TimeToEventRules
    from tilseq.clinical.contradictions import Contradiction
    from tilseq.clinical.survival_limits import Interval
    from tilseq.errors import TilseqError

    Faults = dict[str, list[TilseqError]]  # of each subject

EXAMPLE = """\
on the sample study, in a clone; or with S the folder of yours:
  S=data/sample
  tilseq clinical survival $S/clinical/followup.csv --responses $S/clinical/responses.csv \\
      --lesions $S/clinical/lesions.csv --subjects $S/subjects.csv --infusions $S/infusions.csv -o survival
  tilseq clinical survival $S/clinical/followup.csv --responses $S/clinical/responses.csv --subjects $S/subjects.csv \\
      --therapies $S/clinical/therapies.csv --schedule $S/clinical/schedule.csv --infusions $S/infusions.csv \\
      --preset lm103 --first-dose infusion -o lm103"""


# Setting of `time_to_event_rules`: its values, the usual one first unless there is none, and what it decides.
SETTINGS: dict[str, tuple[tuple[str, ...], str]] = {
    "preset": (("customary", "lm103"), "Origins and events: from the infusion, or as the protocol of LM103 has them."),
    "censoring": (("fda", "ema"), "Whether further therapy, missed visits and the like censor progression."),
    "first_dose": (
        ("lymphodepletion", "infusion", "recorded"),
        "Of what the first dose is that OS of lm103 counts from; or recorded: first_dose_day of the subjects.",
    ),
    "death_in_ttp": (("last_adequate", "death"), "Where a death that is no event of TTP censors it."),
    "confirmation": (("required", "not_required"), "Who is a responder, for DOR and TTR."),
    "source": (("recorded", "derived"), "Responses that count; derived ones where none is recorded, or always."),
    "progression_day": (("new_lesion", "last_scan"), "Day of a PD: earliest scan of its new lesion, or its last scan."),
    "same_day": (("event", "censored"), "Progression on the day a further therapy begins."),
    "unknown_death_cause": (("tumor", "other"), "What a death of unknown cause counts as, where the cause decides."),
    "early_progression": (
        ("not_counted", "event"),
        "Progression between enrolment and the treatment that followed it.",
    ),
}
# Table that tells of days on which a subject lived, and the column that does.
CONTACTS = {"labs": "day", "adverse_events": "start_day"}
SCANS = ("responses", "lesions", "best_response")  # tables on which what no scan decides does not rest
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
@click.option(
    "--responses",
    type=CSV,
    help="Recorded ones, or response.csv of `clinical response`; without it and --lesions OS and follow-up alone.",
)
@click.option("--subjects", required=True, type=CSV, help="Days of enrolment, randomisation, lymphodepletion.")
@click.option("--therapies", type=CSV, help="Further anti-tumour therapies.")
@click.option("--schedule", type=CSV, help="Planned assessments, by which missed ones are told.")
@click.option(
    "--infusions", type=CSV, help="Infusions; without it every subject was infused on day 0, and dates are refused."
)
@click.option("--lesions", type=CSV, help="Lesions, for the baseline and the day on which a new one was seen.")
@click.option(
    "--best-response",
    "best_response",
    type=CSV,
    help="Best responses, of whose responders DOR and TTR are; without it they are derived from the responses.",
)
@click.option("--labs", type=CSV, help="Laboratory results: days on which a subject lived.")
@click.option("--adverse-events", "adverse_events", type=CSV, help="Adverse events: days on which a subject lived.")
@_settings
@click.option(
    "--interval",
    type=click.Choice(["beta_product", "log-log", "log", "plain"]),
    default="beta_product",
    show_default=True,
    help="How the limits of a curve are found: those that hold in small trials; log-log is SAS's, log R's.",
)
@click.option(
    "--at-day",
    "at_days",
    type=click.IntRange(1),
    multiple=True,
    default=(91, 183, 274, 365),
    show_default=True,
    help="Day since the origin on which the share without the event is estimated; may be given again.",
)
@click.option("--group", "groups", multiple=True, help="Column of the subjects to estimate by too; may be given again.")
@click.option("--figures", is_flag=True, help="Also draw the curves of OS and PFS, as SVG and PNG.")
@output_folder
@click.pass_context
def survival_command(
    context: click.Context,
    /,
    output: Path,
    interval: Interval,
    at_days: tuple[int, ...],
    groups: tuple[str, ...],
    figures: bool,
    **options: Any,
) -> None:
    """Derive OS, PFS, TTP, DOR, TTR and follow-up, their Kaplan-Meier curves and estimates.

    Tables time_to_event, survival_curve and survival_estimates are written as .csv and .parquet, and best_response
    where it was derived. A subject whose records contradict one another is told with file and row, and stands in the
    table as not evaluable; rows of one who is not among the subjects are told and left out; the others go on.
    """
    from tilseq.clinical import survival_curve, survival_estimates, time_to_event, time_to_event_rules
    from tilseq.clinical.time_to_event import NOBODY_ASSESSED, without_scans
    from tilseq.tables.best_response import BEST_RESPONSE
    from tilseq.tables.inputs import RESPONSE_READS
    from tilseq.tables.outputs import RESPONSE
    from tilseq.tables.survival import SURVIVAL_CURVE, SURVIVAL_ESTIMATES, TIME_TO_EVENT

    rules = time_to_event_rules(**{name: options.pop(name) for name in SETTINGS})
    contacts = _contacts({name: options.pop(name) for name in CONTACTS}, options["infusions"])
    tables, faults, of_scans = _read({name: path for name, path in options.items() if path is not None})
    tell_soon_therapies(options["therapies"], tables.get("therapies"), tables["subjects"])
    tell_odd_scan_days(tables, options)
    by = _groups(tables["subjects"], groups)
    paths = {name: str(path) for name, path in options.items() if path is not None}
    if "responses" not in tables:
        tables["responses"] = RESPONSE_READS.frame() if "lesions" in tables else RESPONSE.frame()
        rules = rules if "lesions" in tables else rules.without_scans()
    if "lesions" in tables and "recorded" not in tables["responses"].columns:
        tables["responses"] = _beside_lesions(tables, faults, of_scans, paths)
        paths["response"] = paths.pop("responses", "")
    records, best, wrong = _gather({**tables, "contacts": contacts}, faults, of_scans, paths, rules)
    derived = time_to_event(records, rules)
    if not records.assessed:
        derived = without_scans(derived, dict.fromkeys(derived["subject"], NOBODY_ASSESSED), rules)
    if not derived["days"].count():
        click.echo("tilseq: no time to event can be derived of any subject", err=True)
        context.exit(EXIT_INVALID)
    curves = survival_curve(derived, groups=by, interval=interval)
    estimates = survival_estimates(derived, groups=by, at_days=at_days, interval=interval)
    written = [(derived, TIME_TO_EVENT), (curves, SURVIVAL_CURVE), (estimates, SURVIVAL_ESTIMATES)]
    write_tables([*written, *([] if best is None else [(best, BEST_RESPONSE)])], output)
    if figures:
        _draw(curves, estimates, output)
    _tell(derived, estimates)
    _tell_later(derived, tables["followup"], options["followup"])
    tell_written(output)
    if wrong:
        context.exit(EXIT_SOME_FAILED)


def _contacts(paths: dict[str, Path | None], infusions: Path | None) -> pl.DataFrame | None:
    """Return the days on which further tables tell that a subject lived; rows without a day tell nothing."""
    import polars as pl

    from tilseq.errors import StudyError
    from tilseq.io.clinical import read_lab_results
    from tilseq.io.clinical_events import read_adverse_events

    found = []
    for name, path in paths.items():
        if path is None:
            continue
        if name == "labs":
            frame, _, problems = read_lab_results(path, infusions=infusions)
            if problems:
                raise StudyError(problems)
        else:
            frame = read_adverse_events(path, infusions=infusions)
        days = frame.select("subject", day=CONTACTS[name]).drop_nulls()
        found.append(days.with_columns(table=pl.lit(name)))
    return pl.concat(found) if found else None


def _groups(subjects: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame | None:
    """Return subjects with the columns to group by, None without any; of numbers each would be a group."""
    import polars as pl

    known = [name for name, kind in subjects.schema.items() if kind == pl.String and name != "subject"]
    missing = [name for name in names if name not in known]
    if missing:
        what = f"subjects have no column {missing[0]!r} to group by; they have {', '.join(known)}"
        raise click.BadParameter(what, param_hint="--group")
    return subjects.select("subject", *dict.fromkeys(names)) if names else None


def _read(paths: dict[str, Path]) -> tuple[dict[str, pl.DataFrame], Faults, Faults]:
    """Return the tables by name, and what is wrong with single subjects, and with their scans alone."""
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
    faults: Faults = {}
    of_scans: Faults = {}
    for name, path in paths.items():
        if name == "schedule":
            tables[name] = read_schedule(path)
            continue
        derived = name == "responses" and "recorded" in read_cells(path).columns
        table = RESPONSE if derived else expected[name]
        extra: Literal["keep", "refuse"] = "keep" if name == "best_response" else "refuse"
        tables[name], wrong = parse_by_subject(path, table, extra=extra, infusions=paths.get("infusions"))
        of_table = of_scans if name in SCANS else faults
        for subject, problems in wrong.items():
            of_table[subject] = [*of_table.get(subject, []), *problems]
    return tables, faults, of_scans


def _beside_lesions(
    tables: Mapping[str, pl.DataFrame], faults: Faults, of_scans: Faults, paths: Mapping[str, str]
) -> pl.DataFrame:
    """Return recorded responses beside those of the lesions, which tell the baseline; add subjects with faults."""
    import polars as pl

    from tilseq.clinical import response
    from tilseq.errors import StudyError
    from tilseq.tables.outputs import RESPONSE

    both = [tables[name].with_row_index("row", offset=2) for name in ("lesions", "responses")]
    subjects = tables["subjects"].filter(~pl.col("subject").is_in(list(faults)))
    followup = tables["followup"].filter(~pl.col("subject").is_in(list(faults)))
    people: dict[str, Any] = {"subjects": subjects, "infusions": tables.get("infusions"), "followup": followup}
    derived = [RESPONSE.frame()]
    for subject in pl.concat([frame["subject"] for frame in both]).unique().sort():
        if subject in faults or subject in of_scans:
            continue
        lesions, reads = (frame.filter(subject=subject) for frame in both)
        own, numbers = (lesions.drop("row"), reads.drop("row")), [frame["row"].to_list() for frame in (lesions, reads)]
        try:
            rows = {"lesion_rows": numbers[0], "response_rows": numbers[1]}
            derived.append(response(*own, **people | rows))
        except StudyError as error:
            for problem in error.problems:
                problem.file = paths.get(getattr(problem, "table", None) or "", problem.file)
            of_scans[subject] = list(error.problems)
    return pl.concat(derived)


def _gather(
    tables: dict[str, Any], faults: Faults, of_scans: Faults, paths: dict[str, str], rules: TimeToEventRules
) -> tuple[Records, pl.DataFrame | None, list[str]]:
    """Return the records, with why a subject is refused, best responses where they were derived here, and who is wrong.

    Every fault is told with file and row; wrong are those refused, those whose scans are, and who is not among the
    subjects.
    """
    from tilseq.clinical import clinical_records, contradictions

    refused, unscanned = _told(faults), _told(of_scans)
    records = clinical_records(**tables, refused=refused, unscanned=unscanned)
    further, of_reads = _contradicting(contradictions(records, rules), paths)
    refused, unscanned = refused | further, unscanned | of_reads
    if tables.get("best_response") is not None:
        return records.without_scans(of_reads).refusing(further), None, sorted({*refused, *unscanned})
    best = _best_response(tables, {**unscanned, **refused}, rules)
    records = clinical_records(**{**tables, "best_response": best}, refused=refused, unscanned=unscanned)
    further, of_reads = _contradicting(contradictions(records, rules), paths)
    wrong = sorted({*refused, *unscanned, *further, *of_reads})
    return records.without_scans(of_reads).refusing(further), best, wrong


def _best_response(tables: dict[str, Any], refused: Mapping[str, str], rules: TimeToEventRules) -> pl.DataFrame:
    """Return the best responses of the subjects that are not refused, from the responses that count."""
    import polars as pl

    from tilseq.clinical import BestResponsePolicy, best_response, response
    from tilseq.tables.inputs import LESIONS

    sound = {
        name: frame.filter(~pl.col("subject").is_in(list(refused)))
        for name, frame in tables.items()
        if frame is not None and name != "schedule"
    }
    reads, subjects = sound["responses"], sound["subjects"]
    if "recorded" not in reads.columns:
        reads = response(LESIONS.frame(), reads, subjects=subjects)
    further = {"followup": sound["followup"], "schedule": tables.get("schedule")}
    policy = BestResponsePolicy(source=rules.source)
    return best_response(reads, sound.get("therapies"), subjects, policy, **further)


def _contradicting(found: list[Contradiction], paths: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Tell every contradiction with its file; return why a subject cannot be evaluated, and why its scans cannot."""
    told: dict[str, list[TilseqError]] = {}
    for one in found:
        given = "responses" if one.table == "response" and "responses" in paths else one.table
        one.error.file = paths.get(given)
        if one.error.file is None or given == "response":  # derived here: no file has its row
            one.error.row = None
        told.setdefault(one.subject, []).append(one.error)
    why, refused = _told(told), {one.subject for one in found if not one.of_scans}
    return {name: why[name] for name in why if name in refused}, {
        name: why[name] for name in why if name not in refused
    }


def _told(found: Mapping[str, list[TilseqError]]) -> dict[str, str]:
    """Tell what is wrong with each subject, and return it in short."""
    for problems in found.values():
        for problem in problems:
            click.echo(f"tilseq: {problem}", err=True)
    return {subject: "; ".join(_why(problem, subject) for problem in problems) for subject, problems in found.items()}


def _why(problem: TilseqError, subject: str) -> str:
    return f"{problem.column}: {problem.what.removeprefix(f'subject {subject}: ')}"


def _draw(curves: pl.DataFrame, estimates: pl.DataFrame, output: Path) -> None:
    """Draw the curves of OS and PFS, of each reader."""
    import polars as pl

    from tilseq.plots import survival
    from tilseq.plots.style import save

    drawn = curves.filter(pl.col("parameter").is_in(("OS", "PFS")))
    for (parameter, reader), own in drawn.group_by("parameter", "reader", maintain_order=True):
        name = "-".join(str(word) for word in ("survival", parameter, reader) if word is not None)
        same = {"parameter": parameter} | ({} if reader is None else {"reader": reader})
        save(cast("Figure", survival(own, estimates.filter(**same)).figure), output, name)


def _tell(derived: pl.DataFrame, estimates: pl.DataFrame) -> None:
    """Tell how many subjects, events and censored times each endpoint has, and what the estimates rest on."""
    import polars as pl

    from tilseq.clinical.histories import AFTER_DEATH
    from tilseq.errors import plural
    from tilseq.tables.followed import told_short_followup
    from tilseq.tables.survival import NOT_LOOKED_FOR, OF_UNKNOWN_CAUSE

    counts = derived.group_by("parameter", maintain_order=True).agg(
        events=pl.col("event").sum(), censored=pl.col("event").not_().sum(), without=pl.col("event").null_count()
    )
    for row in counts.iter_rows(named=True):
        events, others = plural(row["events"], "event"), f"{row['censored']} censored, {row['without']} not evaluable"
        click.echo(f"{row['parameter']}: {events}, {others}", err=True)
    if told := told_short_followup(cast("int | None", derived["days"].max())):
        click.echo(f"tilseq: {told}", err=True)
    for subject, reason in derived.filter(parameter="OS").select("subject", "reason").drop_nulls().rows():
        for words in (part for part in reason.split("; ") if AFTER_DEATH in part):
            click.echo(f"tilseq: subject {subject}: {words}", err=True)
    reasons = derived["reason"].drop_nulls().unique(maintain_order=True).to_list()
    for words in dict.fromkeys(part for reason in reasons for part in reason.split("; ") if NOT_LOOKED_FOR in part):
        click.echo(words, err=True)
    medians = estimates.filter(pl.col("quantity") == "median", pl.col("group") == "all").drop_nulls("reason")
    for reader, reason in medians.select("reader", "reason").iter_rows():
        for words in reason.split("; "):
            if words.endswith(OF_UNKNOWN_CAUSE):
                click.echo(f"{words}, counted as from the tumour{f' ({reader})' if reader else ''}", err=True)


def _tell_later(derived: pl.DataFrame, followup: pl.DataFrame, path: Path) -> None:
    """Say on stderr how many of the living are told of after their last day alive, as where that is in weeks."""
    import polars as pl

    alive = derived.filter(parameter="OS", rule="last_alive")
    known = followup.select("subject", "last_alive_day")
    later = alive.join(known, on="subject", maintain_order="left").filter(pl.col("end_day") > pl.col("last_alive_day"))
    if later.is_empty():
        return
    subject, day, table, seen = later.select("subject", "last_alive_day", "source_table", "source_row_day").row(0)
    told = f"{later.height} of {alive.height} of the living are told of after last_alive_day, which then counts no more"
    click.echo(f"tilseq: {path}: {told}, as {subject} (day {day}; {table} tells of day {seen})", err=True)
