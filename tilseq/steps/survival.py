"""Survival: one job a study, time to event of each subject, curves and what is estimated of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps import clinical, response_rates, survival_exclusions
from tilseq.steps.clinical_exclusions import places
from tilseq.steps.job import Job, needed

if TYPE_CHECKING:
    import polars as pl

    from tilseq.clinical import TimeToEventRules
    from tilseq.clinical.clinical_records import Records
    from tilseq.clinical.contradictions import Contradiction
    from tilseq.errors import TilseqError
    from tilseq.study import Study
    from tilseq.tables import Table

STEP = "survival"
TABLES = ("therapies", "schedule")
# Tables that tell of days on which a subject lived, and the column that does.
CONTACTS = {"labs": "day", "tumor_markers": "day", "adverse_events": "start_day"}
OF_LESIONS = ("subject", "day", "visit", "reader", "lesion", "role", "state")  # what tells of a new lesion
OF_DERIVED = ("response", "best_response")  # whose rows are not those of any file
ROOT_TABLES = ("subjects", "infusions")
COMPARED = ("OS", "PFS", "TTP")  # between arms; only responders have DOR and TTR, whom no randomisation makes alike
READS = ("responses", "lesions")  # where the day of an assessment is looked up


def plan(study: Study) -> list[Job]:
    """Return one job over all subjects, none where nobody's follow-up is known."""
    jobs, rates = clinical.plan(study), response_rates.plan(study)
    if "followup" not in study.clinical:
        return []
    settings = study.settings.analysis.clinical
    return [
        Job(
            STEP,
            "all subjects",
            f"{STEP}/all",
            needs=tuple(job.folder for job in (*jobs, *rates)),
            arguments={
                "of": {job.folder: job.unit for job in jobs},
                "subjects": study.subjects.to_dicts(),
                "infusions": study.infusions.to_dicts(),
                "followup": study.clinical["followup"].to_dicts(),
                # Null is a table that the study does not have, which is told beside the times that want it.
                "lesions": None if study.lesions is None else study.lesions.select(OF_LESIONS).to_dicts(),
                **{name: study.clinical[name].to_dicts() if name in study.clinical else None for name in TABLES},
                "contacts": _contacts(study),
                "days_read": _days_read(study),
                "places": places(study),
                "rules": {"source": settings.source, **settings.time_to_event.model_dump()},
                "endpoint_reader": settings.endpoint_reader,
                **settings.survival.model_dump(),
            },
        )
    ]


def run(job: Job, folder: Path) -> None:
    """Write times to event, Kaplan-Meier curves and what is estimated, over all, by arm and by tumour type.

    Of a study without lesions and responses they are those that no scan decides: OS and the length of follow-up.
    Arms are told apart where there are two or more, and then compared; tumour types are not compared.

    A subject whose records contradict one another becomes a row of `failures` and cannot be evaluated; one of whom
    only scans do, or whose own job failed, cannot be by what scans decide. All keep their rows, so that those left out
    are counted. What else the times do not rest on becomes rows of `exclusions`.

    Raises
    ------
    AnalysisError
        Of no subject the responses could be derived, there is no best response, or the reader of the endpoint has not
        read.
    """
    from tilseq.clinical import clinical_records, survival_curve, survival_estimates, time_to_event, up_to_data_cut
    from tilseq.clinical.time_to_event import NOBODY_ASSESSED, without_scans
    from tilseq.io.write import write_parquet
    from tilseq.readers import endpoint_reader
    from tilseq.tables.outputs import EXCLUSIONS, FAILURES
    from tilseq.tables.survival import SURVIVAL_CONTRASTS, SURVIVAL_CURVE, SURVIVAL_ESTIMATES, TIME_TO_EVENT

    given = job.arguments
    rules = _rules(given["rules"]) if job.needs else _rules(given["rules"]).without_scans()
    responses, underived, best = _responses(job, folder)
    # Responses that could not be laid on scans tell that the subject lived; so do the scans, see `clinical_records`.
    seen = [row for row in given["places"]["responses"] if row["subject"] in underived]
    told = [{"subject": row["subject"], "day": row["day"], "table": "responses"} for row in seen]
    tables = _tables({**given, "contacts": given["contacts"] + told})
    unscanned = dict.fromkeys(underived, response_rates.UNDERIVED)
    records = clinical_records(responses, **tables, best_response=best, unscanned=unscanned)
    records, wrong = _without_contradictions(records, rules, given["days_read"])
    times = time_to_event(records, rules)
    if job.needs and not records.assessed:
        times = without_scans(times, dict.fromkeys(tables["subjects"]["subject"], NOBODY_ASSESSED), rules)
    reader = endpoint_reader(responses["reader"], given["endpoint_reader"])
    arms, groups = _groups(tables["subjects"])
    curves = survival_curve(times, groups=groups, interval=given["interval"])
    days = {"at_days": given["landmarks"], "rmst_days": given["rmst_days"]}
    estimates = survival_estimates(times, groups=groups, interval=given["interval"], **days)
    write_parquet(times, TIME_TO_EVENT, folder)
    write_parquet(curves, SURVIVAL_CURVE, folder)
    write_parquet(estimates, SURVIVAL_ESTIMATES, folder)
    write_parquet(_contrasts(times, arms, reader, given), SURVIVAL_CONTRASTS, folder)
    excluded = survival_exclusions.left_out(records, rules, times, given["places"])
    write_parquet(excluded, EXCLUSIONS, folder)
    followup, therapies = tables["followup"], tables["therapies"]
    given_by_then = None if therapies is None else up_to_data_cut(therapies, followup, day="start_day")
    _draw(times, up_to_data_cut(responses, followup), given_by_then, reader, folder)
    rows = [
        {"step": STEP, "unit": subject, "error": "\n".join(map(str, errors)), "file": errors[0].file, "retry": ""}
        for subject, errors in sorted(wrong.items())
    ]
    write_parquet(rows, FAILURES, folder)


def _responses(job: Job, folder: Path) -> tuple[pl.DataFrame, list[str], pl.DataFrame | None]:
    """Return the responses, the subjects of whom they could not be derived, and best responses; none without scans."""
    import polars as pl

    from tilseq.errors import AnalysisError
    from tilseq.tables.outputs import RESPONSE

    if not job.needs:
        return RESPONSE.frame(), [], None
    responses, underived = response_rates.derived_responses(job, folder)
    best = next(iter(needed(job, folder, "best_response").values()), None)
    if best is None:
        raise AnalysisError("there is no best response", mend="mend what the step response_rates failed of")
    return responses, underived, pl.read_parquet(best)


def _groups(subjects: pl.DataFrame) -> tuple[pl.DataFrame | None, pl.DataFrame]:
    """Return the arm of each subject, None where there are not several, and what to estimate by."""
    from tilseq.clinical.arms import several_arms

    arms = several_arms(subjects)
    return arms, subjects.select("subject", *([] if arms is None else ["arm"]), "tumor_type")


def _contrasts(
    times: pl.DataFrame, arms: pl.DataFrame | None, reader: str | None, given: Mapping[str, Any]
) -> pl.DataFrame:
    """Return the arms compared, no row where there are not several; means up to the first of the days."""
    import polars as pl

    from tilseq.clinical import survival_contrasts
    from tilseq.tables.survival import SURVIVAL_CONTRASTS

    if arms is None:
        return SURVIVAL_CONTRASTS.frame()
    compared = times.filter(pl.col("parameter").is_in(COMPARED))
    reference, primary = given["reference_arm"], given["primary"]
    return survival_contrasts(
        compared,
        arms,
        reference=None if reference is None else {"arm": reference},
        rmst_day=next(iter(given["rmst_days"]), None),
        families={"primary": primary} if primary else None,
        endpoint_reader=reader,
    )


def _draw(
    times: pl.DataFrame,
    responses: pl.DataFrame,
    therapies: pl.DataFrame | None,
    reader: str | None,
    folder: Path,
) -> None:
    """Draw the lanes of all subjects, by the endpoint's reader; none where nobody's survival is known."""
    import polars as pl

    from tilseq.plots.lanes import swimmer
    from tilseq.steps.figures import save_figures

    if times.filter(parameter="OS")["days"].drop_nulls().is_empty():
        return
    readers = responses["reader"].n_unique()
    own = (
        pl.col("reader").eq_missing(pl.lit(reader, pl.String)) if reader is not None or readers == 1 else pl.lit(False)
    )
    lanes = times.filter((pl.col("parameter") == "OS") | ((pl.col("parameter") == "DOR") & own))
    drawn = swimmer(lanes, responses.filter(own), therapies=therapies)
    named = f"Responses of reader {reader}, whose reading is the endpoint."
    unnamed = "Without responses: nobody's reading is the endpoint, as endpoint_reader is not set."
    by = "" if readers == 1 else f" {unnamed if reader is None else named}"
    caption = (
        f"a lane each, from the start of overall survival on, with the response as its duration counts it; "
        f"a response that was not confirmed is hollow, one after progression or a new therapy not shown.{by}"
    )
    save_figures({"swimmer": (drawn, caption)}, folder / "figures")


def _rules(settings: Mapping[str, Any]) -> TimeToEventRules:
    from tilseq.clinical import time_to_event_rules

    named = {name: value for name, value in settings.items() if name not in ("preset", "censoring")}
    return time_to_event_rules(settings["preset"], settings["censoring"], **named)


def _tables(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the job's tables by name in the order of their files, None for one that the study does not have."""
    import polars as pl

    from tilseq.clinical.clinical_records import CONTACTS as CONTACT_DAYS
    from tilseq.tables.inputs import FOLLOWUP, INFUSIONS, LESIONS, SCHEDULE, SUBJECTS, THERAPIES

    registry = (FOLLOWUP, INFUSIONS, LESIONS, SCHEDULE, SUBJECTS, THERAPIES, CONTACT_DAYS)

    def in_order(table: Table) -> pl.DataFrame | None:
        rows = given[table.name]
        return None if rows is None else pl.DataFrame(rows, schema=table.schema)

    return {table.name: in_order(table) for table in registry}


def _contacts(study: Study) -> list[dict[str, Any]]:
    """Return the last day of each subject in each table that tells of days on which it lived."""
    import polars as pl

    rows = []
    for name, column in CONTACTS.items():
        if name in study.clinical:
            last = study.clinical[name].drop_nulls(column).group_by("subject").agg(pl.col(column).max().alias("day"))
            rows += last.sort("subject").with_columns(table=pl.lit(name)).to_dicts()
    return rows


def _days_read(study: Study) -> list[list[Any]]:
    """Return subject, day, file and row of every assessment as our own files have it; of SDTM's nothing."""
    import polars as pl

    found = []
    for name, frame in zip(READS, (study.responses, study.lesions), strict=True):
        file = f"clinical/{name}.csv"
        if frame is not None and not study.tumors_from_sdtm:
            rows = frame.with_row_index("row", offset=2).unique(["subject", "day"], keep="first", maintain_order=True)
            found += [[*row[:2], file, row[2]] for row in rows.select("subject", "day", pl.col("row")).iter_rows()]
    return found


def _without_contradictions(
    records: Records, rules: TimeToEventRules, days_read: Sequence[Sequence[Any]]
) -> tuple[Records, dict[str, list[Any]]]:
    """Return records without what contradicts itself, a subject or its scans alone, and subject → errors."""
    from tilseq.clinical import contradictions

    found = contradictions(records, rules)
    wrong = _by_subject(found, days_read)
    why = {name: _in_words(name, errors) for name, errors in wrong.items()}
    refused = {one.subject for one in found if not one.of_scans}
    records = records.without_scans({name: words for name, words in why.items() if name not in refused})
    return records.refusing({name: words for name, words in why.items() if name in refused}), wrong


def _by_subject(found: Sequence[Contradiction], days_read: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
    """Return the errors of each subject, each with the file and row that it is about."""
    from tilseq.errors import TableError

    where: dict[tuple[str, str | None], tuple[str, int | None]]
    where = {(subject, str(day)): (file, row) for subject, day, file, row in reversed(days_read)}
    errors: dict[str, list[TableError]] = {}
    for one in found:
        error = one.error
        file = f"{one.table}.csv" if one.table in ROOT_TABLES else f"clinical/{one.table}.csv"
        place: tuple[str | None, int | None] = (file, error.row)
        if one.table in OF_DERIVED:
            place = where.get((one.subject, error.found), (None, None))
        told = {name: getattr(error, name) for name in ("column", "expected", "mend")}
        named = TableError(error.what, file=place[0], row=place[1], **told)
        named.found = error.found
        errors.setdefault(one.subject, []).append(named)
    return errors


def _in_words(subject: str, errors: Sequence[TilseqError]) -> str:
    """Return why a subject is refused, without its name, so that those of one reason are counted together."""
    return "; ".join(error.what.removeprefix(f"subject {subject}: ") for error in errors)
