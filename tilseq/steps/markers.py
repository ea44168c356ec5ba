"""Tumour markers: one job a study, the course of each marker of each subject, and GCIG's criteria of CA-125."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.clinical_records import followup_of, frame_of, refusals, treatment_days, whole_study_job
from tilseq.steps.job import Job

if TYPE_CHECKING:
    import polars as pl

    from tilseq.study import Study

STEP = "markers"
CHANGE = "lowest change since treatment began, {}, from the last value before it, of one assay"
EXPLORATORY = "GCIG's criteria of CA-125 (Rustin 2011), made for chemotherapy: exploratory"


def plan(study: Study) -> list[Job]:
    """Return one job over all subjects, none where the study has no tumour marker."""
    settings = study.settings.analysis.clinical
    names = ("tg", "harvest", "il2_end_day", "ca125_interference", "mouse_antibodies")
    own = {name: getattr(settings, name) for name in names}
    own["new_therapy"] = settings.best_response.new_therapy
    return whole_study_job(study, STEP, "tumor_markers", "followup", "therapies", settings=own)


def run(job: Job, folder: Path) -> None:
    """Write courses of markers, CA-125 by GCIG, endpoints and a figure of each subject.

    A subject whose records cannot be used becomes a row of `failures`, and has no course. Records after the data cut
    take no part.
    """
    import polars as pl

    from tilseq.clinical import gcig, markers, up_to_data_cut
    from tilseq.clinical.best_response import new_therapies
    from tilseq.clinical.data_cut import cut_exclusions, data_cuts, is_after_cut
    from tilseq.clinical.left_out import subjects_left_out
    from tilseq.clinical.marker_exclusions import marker_exclusions
    from tilseq.clinical.periods import periods_of
    from tilseq.identifiers import unknown_subjects
    from tilseq.io.write import write_parquet
    from tilseq.tables.inputs import INFUSIONS, SUBJECTS, THERAPIES, TUMOR_MARKERS
    from tilseq.tables.outputs import ENDPOINTS, EXCLUSIONS, FAILURES
    from tilseq.tables.tumor_marker_course import GCIG, MARKER_COURSES

    given = job.arguments
    records, subjects = frame_of(job, TUMOR_MARKERS), frame_of(job, SUBJECTS)
    refused, failures = refusals(STEP, given["file"], unknown_subjects(records, subjects["subject"].to_list()))
    sound = ~pl.col("subject").is_in(refused)
    people = subjects.filter(sound)
    followup = followup_of(job)
    courses = markers(up_to_data_cut(records.filter(sound), followup), subjects=people, tg=given["tg"])
    stops = given["new_therapy"] == "stop" and given["therapies"] is not None
    therapies = frame_of(job, THERAPIES) if stops else None
    infusions = up_to_data_cut(frame_of(job, INFUSIONS), followup)
    treated = [name for name, periods in periods_of(people, infusions).items() if periods.treated]
    by_ca125 = gcig(
        courses,
        subjects=people,
        infusions=infusions,
        harvest=given["harvest"],
        interference_days=given["ca125_interference"],
        mouse_antibodies=given["mouse_antibodies"],
        therapies=therapies,
    )
    before_therapy = courses.filter(~is_after_cut(courses, new_therapies(therapies)[0]))
    numbered = records.with_row_index("place", offset=2).filter(sound)
    late = cut_exclusions(numbered, data_cuts(followup), "a record", numbered["place"].to_list())
    strangers = subjects_left_out(records, refused, "no such subject")
    excluded = [{"file": given["file"], **row} for row in (*strangers, *late)]
    excluded += [
        {"file": given["file"], "rule": rule, "rows": rows} for rule, rows in marker_exclusions(courses).items()
    ]
    write_parquet(courses, MARKER_COURSES, folder)
    write_parquet(by_ca125, GCIG, folder)
    changes = _changes(before_therapy.filter(pl.col("subject").is_in(treated)), _end_of_changes(job))
    write_parquet([*changes, *_categories(by_ca125)], ENDPOINTS, folder)
    write_parquet(excluded, EXCLUSIONS, folder)
    write_parquet(failures, FAILURES, folder)
    _draw(job, courses, folder)


def _end_of_changes(job: Job) -> str:
    """Return in words what new therapies are to changes of markers."""
    if job.arguments["new_therapy"] == "ignore":
        return "new therapies ignored"
    return "new therapies not looked for: no table" if job.arguments["therapies"] is None else "up to a new therapy"


def _changes(courses: pl.DataFrame, end: str) -> Iterator[dict[str, Any]]:
    """Yield the lowest change of each marker of each subject that has one."""
    import polars as pl

    from tilseq.endpoints.rows import endpoint

    changed = courses.filter("used", pl.col("change_pct").is_not_null()).sort("change_pct", "day")
    for (_, test), rows in changed.group_by("subject", "test", maintain_order=True):
        row = rows.row(0, named=True)
        own, at = {"subject": row["subject"], "day": row["day"]}, {"marker": f"{test}"}
        method = CHANGE.format(end)
        yield endpoint(own, "marker_lowest_change", row["change_pct"], qualifiers=at, n=rows.height, method=method)


def _categories(by_ca125: pl.DataFrame) -> Iterator[dict[str, Any]]:
    from tilseq.endpoints.rows import endpoint

    for row in by_ca125.iter_rows(named=True):
        word = row["category"]
        status = "not_evaluable" if word == "NE" else "quantified"
        own = {"subject": row["subject"]}
        yield endpoint(own, "gcig_ca125", None, value_text=word, status=status, method=EXPLORATORY)


def _draw(job: Job, courses: pl.DataFrame, folder: Path) -> None:
    """Draw the markers of each subject that has values and upper limits of its panel."""
    import polars as pl

    from tilseq.plots.tumor_markers import marker_courses
    from tilseq.steps.figures import save_figures

    number = pl.coalesce("value", "limit_value")
    drawn = courses.filter("used", "in_panel", number > 0, pl.col("upper_limit") > 0)
    figures = {}
    for (subject,), own in drawn.group_by("subject", maintain_order=True):
        axes = marker_courses(own, **treatment_days(job, f"{subject}")).axes[0]
        caption = f"Tumour markers of {subject}, of the panel of its tumour, as multiples of the upper limit of normal."
        figures[f"markers_{subject}"] = (axes, caption)
    save_figures(figures, folder / "figures")
