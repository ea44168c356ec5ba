"""Laboratory results: one job a study, grades by the CTCAE, shifts, worsening, recoveries, results by their limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.clinical_records import followup_of, frame_of, il2_ends, refusals, whole_study_job
from tilseq.steps.job import Job
from tilseq.steps.labs_figures import draw_labs

if TYPE_CHECKING:
    import polars as pl

    from tilseq.study import Study

STEP = "labs"
RECOVERY = "first of {} days with results at or above, from the last day of the lowest count of the treatment on"


def plan(study: Study) -> list[Job]:
    """Return one job over all subjects, none where the study has no laboratory result."""
    settings = study.settings.analysis.clinical
    own = {name: getattr(settings, name) for name in ("ctcae", "symptoms", "anticoagulation", "il2_end_day")}
    return whole_study_job(
        study, STEP, "labs", "therapies", "followup", settings=own | {"recovery": settings.recovery.model_dump()}
    )


def run(job: Job, folder: Path) -> None:
    """Write grades with shifts and worsening, recoveries, results by their own limits, endpoints and figures.

    Without a version of the CTCAE nothing is graded, and `exclusions` says so. A subject whose records cannot be used
    becomes a row of `failures`, and is in no count and no denominator, whose words say so. Results after the data cut
    take no part.
    """
    import polars as pl

    from tilseq.clinical import (
        lab_shifts,
        recovery_estimates,
        results_by_limits,
        significant_results,
        up_to_data_cut,
    )
    from tilseq.clinical.lab_worsening import worst_lab_grades
    from tilseq.identifiers import unknown_subjects
    from tilseq.io.write import write_parquet
    from tilseq.tables import lab_grades as tables
    from tilseq.tables.inputs import INFUSIONS, LABS, SUBJECTS
    from tilseq.tables.outputs import ENDPOINTS, EXCLUSIONS, FAILURES
    from tilseq.tables.summaries import SUMMARIES

    every, subjects, infusions = (frame_of(job, table) for table in (LABS, SUBJECTS, INFUSIONS))
    refused, failures = refusals(STEP, job.arguments["file"], unknown_subjects(every, subjects["subject"].to_list()))
    followup = followup_of(job)
    labs = up_to_data_cut(every.filter(~pl.col("subject").is_in(refused)), followup)
    days: dict[str, Any] = {"subjects": subjects, "infusions": up_to_data_cut(infusions, followup)}
    grades = _grades(job, labs, days)
    worst = worst_lab_grades(grades)
    shifts, counts = lab_shifts(grades), _recoveries(job, labs, days)
    by_limits = results_by_limits(labs, il2_end=il2_ends(job), **days)
    endpoints = [*_worst(worst.filter(period=tables.ANY_PERIOD), job.arguments["ctcae"]), *_recovery_days(job, counts)]
    write_parquet(grades, tables.LAB_GRADES, folder)
    write_parquet(shifts, tables.LAB_SHIFTS, folder)
    write_parquet(_shares(worst, by_limits, subjects, refused), SUMMARIES, folder)
    write_parquet(counts, tables.RECOVERIES, folder)
    write_parquet(recovery_estimates(counts, subjects=subjects), tables.RECOVERY_ESTIMATES, folder)
    write_parquet(by_limits, tables.RESULTS_BY_LIMITS, folder)
    write_parquet(significant_results(by_limits), tables.SIGNIFICANT_RESULTS, folder)
    write_parquet([*_excluded(job, every, refused, grades)], EXCLUSIONS, folder)
    write_parquet(endpoints, ENDPOINTS, folder)
    write_parquet(failures, FAILURES, folder)
    draw_labs(job, labs, grades, worst, folder)


def _grades(job: Job, labs: pl.DataFrame, days: Mapping[str, Any]) -> pl.DataFrame:
    from tilseq.clinical import lab_grades
    from tilseq.tables.lab_grades import LAB_GRADES

    given = job.arguments
    if given["ctcae"] is None:
        return LAB_GRADES.frame()
    policies = {"symptoms": given["symptoms"], "anticoagulation": given["anticoagulation"]}
    return lab_grades(labs, version=given["ctcae"], il2_end=il2_ends(job), **policies, **days)


def _recoveries(job: Job, labs: pl.DataFrame, days: Mapping[str, Any]) -> pl.DataFrame:
    from tilseq.clinical import RecoveryRule, recoveries
    from tilseq.tables.inputs import THERAPIES

    given = job.arguments["recovery"]
    pairs = tuple((test, threshold) for test, thresholds in given["thresholds"].items() for threshold in thresholds)
    therapies = None if job.arguments["therapies"] is None else frame_of(job, THERAPIES)
    rule = RecoveryRule(thresholds=pairs, sustained=given["sustained"])
    return recoveries(labs, therapies=therapies, rule=rule, **days)


def _shares(worst: pl.DataFrame, by_limits: pl.DataFrame, subjects: pl.DataFrame, refused: list[str]) -> pl.DataFrame:
    """Return the shares of subjects that became worse, and of those with what was called significant.

    The words of the denominator tell who was left out.
    """
    import polars as pl

    from tilseq.clinical import lab_worsening, significant_shares

    told = f"; left out for faulty records: {len(refused)}" if refused else ""
    shares = pl.concat([lab_worsening(worst, subjects=subjects), significant_shares(by_limits, subjects=subjects)])
    return shares.with_columns(denominator_text=pl.col("denominator_text") + told)


def _excluded(job: Job, every: pl.DataFrame, refused: list[str], grades: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield what took no part, counted by rule: refused subjects, what is after the cut, what no grade is of."""
    import polars as pl

    from tilseq.clinical.data_cut import cut_exclusions, data_cuts, is_after_cut
    from tilseq.clinical.lab_exclusions import lab_exclusions, rule_in_words
    from tilseq.clinical.left_out import subjects_left_out
    from tilseq.tables.lab_grades import UNGRADED

    version, file = job.arguments["ctcae"], job.arguments["file"]
    for stranger in subjects_left_out(every, refused, "no such subject"):
        yield {"file": file, **stranger}
    sound = every.with_row_index("place").filter(~pl.col("subject").is_in(refused))
    cuts = data_cuts(followup_of(job))
    for late in cut_exclusions(sound, cuts, "a result", (sound["place"] + 2).to_list()):
        yield {"file": file, **late}
    labs = sound.filter(~is_after_cut(sound, cuts))
    if version is None:
        yield {"file": file, "rule": UNGRADED, "rows": labs.height}
    left_out = lab_exclusions(labs.drop("place"), None if version is None else grades, version=version)
    for row in left_out.iter_rows(named=True):
        number = None if row["first"] is None else labs["place"][row["first"]] + 2
        single = number if row["rows"] == 1 else None
        yield {"file": file, "row": single, "rule": rule_in_words(row, number), "rows": row["rows"]}


def _worst(worst: pl.DataFrame, version: int) -> Iterator[dict[str, Any]]:
    """Yield the worst grade of each subject and term since treatment began; not evaluable where it cannot be told."""
    from tilseq.endpoints.rows import endpoint

    for row in worst.iter_rows(named=True):
        grade, least = row["worst_grade"], row["worst_at_least"]
        yield endpoint(
            {"subject": row["subject"]},
            "worst_lab_grade",
            grade,
            qualifiers={"term": row["term"], "test": row["test"]},
            status="not_evaluable" if grade is None else None,
            value_text=f"at least {least}" if grade is None and least else None,
            n=row["results"],
            method=f"CTCAE {version}",
        )


def _recovery_days(job: Job, counts: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the day on which each count was back; one that was not is later than its last result."""
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
            method=RECOVERY.format(job.arguments["recovery"]["sustained"]),
        )
