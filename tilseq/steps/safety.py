"""Safety: one job a study, subjects by adverse event and worst grade, rates and times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.clinical_records import followup_of, frame_of, il2_ends, refusals, whole_study_job
from tilseq.steps.job import Job

if TYPE_CHECKING:
    import polars as pl

    from tilseq.clinical.adverse_events import Emergence
    from tilseq.study import Study

STEP = "safety"
WORST = "worst grade by CTCAE as recorded, of the events that are counted; 0 for none"


def plan(study: Study) -> list[Job]:
    """Return one job over all subjects, none where the study has no adverse event."""
    settings = study.settings.analysis.clinical
    own = {"emergence": settings.emergence, "il2_end_day": settings.il2_end_day}
    return whole_study_job(study, STEP, "adverse_events", "followup", settings=own)


def run(job: Job, folder: Path) -> None:
    """Write the listing of adverse events, shares, rates and times, and the worst grade of each subject.

    A row that cannot be used is listed and not counted, and becomes a row of `failures` with its file and row; its
    subject stays in every denominator, whose words say so. What is not counted becomes rows of `exclusions`.
    """
    from tilseq.clinical.adverse_events import event_faults, uncounted_events
    from tilseq.clinical.safety import safety
    from tilseq.io.write import write_parquet
    from tilseq.tables import safety as tables
    from tilseq.tables.inputs import ADVERSE_EVENTS, INFUSIONS, SUBJECTS
    from tilseq.tables.outputs import ENDPOINTS, EXCLUSIONS, FAILURES
    from tilseq.tables.summaries import SUMMARIES

    given = job.arguments
    events, subjects, infusions = (frame_of(job, table) for table in (ADVERSE_EVENTS, SUBJECTS, INFUSIONS))
    followup = followup_of(job)
    _, failures = refusals(STEP, given["file"], event_faults(events, subjects["subject"].to_list()))
    found = safety(
        events,
        subjects=subjects,
        infusions=infusions,
        followup=followup,
        emergence=given["emergence"],
        il2_end=il2_ends(job),
    )
    treated = _treated(subjects, infusions, followup)
    excluded = [{"file": given["file"], **row} for row in uncounted_events(found.rows)]
    write_parquet(found.rows, tables.listing_table(found.rows.columns), folder)
    write_parquet(found.table, tables.ADVERSE_EVENT_TABLE, folder)
    write_parquet(found.summaries, SUMMARIES, folder)
    write_parquet(found.rates, tables.ADVERSE_EVENT_RATES, folder)
    write_parquet(found.times, tables.ADVERSE_EVENT_TIMES, folder)
    write_parquet(found.estimates, tables.ADVERSE_EVENT_ESTIMATES, folder)
    write_parquet(list(_endpoints(found.rows, treated)), ENDPOINTS, folder)
    write_parquet(excluded, EXCLUSIONS, folder)
    write_parquet(failures, FAILURES, folder)
    _draw(found.rows, len(treated), given["emergence"], folder)


def _treated(subjects: pl.DataFrame, infusions: pl.DataFrame, followup: pl.DataFrame | None) -> list[str]:
    from tilseq.clinical.treated import subjects_of

    people, _ = subjects_of(subjects, infusions, followup)
    return sorted(name for name, subject in people.items() if subject.treated)


def _endpoints(rows: pl.DataFrame, treated: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the worst grade of each subject treated: 0 for one without an event, as all treated were watched."""
    import polars as pl

    from tilseq.endpoints.rows import endpoint

    worst = rows.filter("counted").group_by("subject").agg(pl.col("grade").max(), pl.len().alias("events"))
    known = {row["subject"]: row for row in worst.to_dicts()}
    for name in treated:
        own = known.get(name, {"grade": 0, "events": 0})
        yield endpoint(
            {"subject": name}, "worst_adverse_event_grade", float(own["grade"]), n=own["events"], method=WORST
        )


def _draw(rows: pl.DataFrame, treated: int, emergence: Emergence, folder: Path) -> None:
    from tilseq.plots.safety import adverse_event_bars
    from tilseq.steps.figures import save_figures

    if rows.filter("counted").is_empty():
        return
    which = "that began on or after the first dose" if emergence == "from_first_dose" else "of any day"
    caption = f"adverse events {which}, by worst grade; each of the {treated} treated counts once a term."
    save_figures({"bars": (adverse_event_bars(rows, subjects=treated), caption)}, folder / "figures")
