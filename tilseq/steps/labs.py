"""Laboratory results: one job a study, grades by the CTCAE, shifts, worsening, recoveries, results by their limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.clinical_records import frame_of, il2_ends, refusals, whole_study_job
from tilseq.steps.job import Job
from tilseq.steps.labs_figures import draw_labs

if TYPE_CHECKING:
    import polars as pl

    from tilseq.study import Study

STEP = "labs"
UNGRADED = "not graded: study.yaml names no version of the CTCAE (analysis.clinical.ctcae: 5 or 6)"
RECOVERY = "first of {} days with results at or above, from the lowest count on"


def plan(study: Study) -> list[Job]:
    """Return one job over all subjects, none where the study has no laboratory result."""
    settings = study.settings.analysis.clinical
    own = {"ctcae": settings.ctcae, "symptoms": settings.symptoms, "il2_end_day": settings.il2_end_day}
    return whole_study_job(study, STEP, "labs", settings=own)


def run(job: Job, folder: Path) -> None:
    """Write grades with shifts and worsening, recoveries, results by their own limits, endpoints and figures.

    Without a version of the CTCAE nothing is graded, and `exclusions` says so. A subject whose records cannot be used
    becomes a row of `failures`, and is in no count and no denominator, whose words say so.
    """
    import polars as pl

    from tilseq.clinical import lab_shifts, recoveries, results_by_limits, significant_results
    from tilseq.clinical.lab_grades import worst_lab_grades
    from tilseq.clinical.lab_values import lab_faults
    from tilseq.io.write import write_parquet
    from tilseq.tables import lab_grades as tables
    from tilseq.tables.inputs import INFUSIONS, LABS, SUBJECTS
    from tilseq.tables.outputs import ENDPOINTS, EXCLUSIONS, FAILURES
    from tilseq.tables.summaries import SUMMARIES

    labs, subjects, infusions = (frame_of(job, table) for table in (LABS, SUBJECTS, INFUSIONS))
    refused, failures = refusals(STEP, "labs", lab_faults(labs, subjects["subject"].to_list()))
    labs = labs.filter(~pl.col("subject").is_in(refused))
    days: dict[str, Any] = {"subjects": subjects, "infusions": infusions}
    grades = _grades(job, labs, days)
    shifts, counts = lab_shifts(grades), recoveries(labs, **days)
    by_limits = results_by_limits(labs, il2_end=il2_ends(job), **days)
    worst = worst_lab_grades(grades).filter(period=tables.ANY_PERIOD)
    endpoints = [*_worst(worst, job.arguments["ctcae"]), *_recoveries(counts)]
    write_parquet(grades, tables.LAB_GRADES, folder)
    write_parquet(shifts, tables.LAB_SHIFTS, folder)
    write_parquet(_worsening(shifts, refused), SUMMARIES, folder)
    write_parquet(counts, tables.RECOVERIES, folder)
    write_parquet(by_limits, tables.RESULTS_BY_LIMITS, folder)
    write_parquet(significant_results(by_limits), tables.SIGNIFICANT_RESULTS, folder)
    write_parquet(EXCLUSIONS.frame(list(_excluded(job, labs))), EXCLUSIONS, folder)
    write_parquet(ENDPOINTS.frame(endpoints), ENDPOINTS, folder)
    write_parquet(failures, FAILURES, folder)
    draw_labs(job, labs, grades, shifts, folder)


def _grades(job: Job, labs: pl.DataFrame, days: Mapping[str, Any]) -> pl.DataFrame:
    from tilseq.clinical import lab_grades
    from tilseq.tables.lab_grades import LAB_GRADES

    given = job.arguments
    if given["ctcae"] is None:
        return LAB_GRADES.frame()
    return lab_grades(labs, version=given["ctcae"], symptoms=given["symptoms"], il2_end=il2_ends(job), **days)


def _worsening(shifts: pl.DataFrame, refused: list[str]) -> pl.DataFrame:
    """Return the shares of subjects that became worse; the words of the denominator tell who was left out."""
    import polars as pl

    from tilseq.clinical import lab_worsening

    told = f"; left out for faulty records: {len(refused)}" if refused else ""
    return lab_worsening(shifts).with_columns(denominator_text=pl.col("denominator_text") + told)


def _excluded(job: Job, labs: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield what no grade is of, counted by rule."""
    from tilseq.clinical.lab_grades import ungraded_tests

    version, file = job.arguments["ctcae"], "clinical/labs.csv"
    if version is None:
        yield {"file": file, "rule": UNGRADED, "rows": labs.height}
        return
    for test, count in ungraded_tests(labs, version).items():
        rule = f"not graded: no term of CTCAE {version} is known for the test {test}"
        yield {"file": file, "rule": rule, "rows": count}


def _worst(worst: pl.DataFrame, version: int) -> Iterator[dict[str, Any]]:
    """Yield the worst grade of each subject and term since treatment began; not evaluable where it cannot be told."""
    from tilseq.endpoints.rows import endpoint

    for row in worst.iter_rows(named=True):
        at = {"term": row["term"], "test": row["test"]}
        how = f"CTCAE {version}"
        own = {"subject": row["subject"]}
        yield endpoint(own, "worst_lab_grade", row["worst_grade"], qualifiers=at, n=row["results"], method=how)


def _recoveries(counts: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the day on which each count was back; one that was not is later than its last result."""
    from tilseq.clinical import RecoveryRule
    from tilseq.endpoints.rows import endpoint

    for row in counts.iter_rows(named=True):
        test, threshold = row["parameter"].removeprefix("recovery: ").split(" >= ")
        waits = row["rule"] == "not_recovered"
        words = {"not_recovered": f"not by day {row['end_day']}", "never_below": "never below"}
        yield endpoint(
            {"subject": row["subject"], "day": row["end_day"]},
            "blood_count_recovery",
            row["end_day"] if row["event"] else None,
            qualifiers={"test": test, "threshold": threshold},
            status="above_range" if waits else None if row["event"] else "not_evaluable",
            value_text=words.get(row["rule"]),
            method=RECOVERY.format(RecoveryRule().sustained),
        )
