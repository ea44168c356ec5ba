"""Response rates: one job a study, the best response of each subject and the rates over all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps import clinical
from tilseq.steps.clinical_exclusions import of_reads, of_subjects, places
from tilseq.steps.job import Job, needed

if TYPE_CHECKING:
    import polars as pl

    from tilseq.study import Study

STEP = "response_rates"
UNDERIVED = "its responses could not be derived, see failures"


def plan(study: Study) -> list[Job]:
    """Return one job over all subjects, none where no subject has lesions or recorded responses."""
    jobs = clinical.plan(study)
    if not jobs:
        return []
    settings = study.settings.analysis.clinical
    return [
        Job(
            STEP,
            "all subjects",
            f"{STEP}/all",
            needs=tuple(job.folder for job in jobs),
            arguments={
                "of": {job.folder: job.unit for job in jobs},
                "subjects": study.subjects.to_dicts(),
                "infusions": study.infusions.to_dicts(),
                **{name: _rows(study.clinical.get(name)) for name in ("therapies", "followup", "schedule")},
                "places": places(study),
                "policy": {"source": settings.source, **settings.best_response.model_dump()},
            },
        )
    ]


def run(job: Job, folder: Path) -> None:
    """Write best responses, their endpoints, ORR and DCR, who the subjects are, and the rows that these do not rest on.

    A subject whose own job failed stays in every denominator, without a response, and the words of the denominator
    name it. What was read or done after the data cut does not count.

    Raises
    ------
    AnalysisError
        No subject's responses could be derived.
    """
    import polars as pl

    from tilseq.clinical import (
        BestResponsePolicy,
        best_response,
        characteristics,
        ignored_reads,
        response_rates,
        up_to_data_cut,
    )
    from tilseq.io.write import write_parquet
    from tilseq.tables.best_response import BEST_RESPONSE
    from tilseq.tables.characteristics import CHARACTERISTICS_TABLE
    from tilseq.tables.inputs import FOLLOWUP, INFUSIONS, SCHEDULE, SUBJECTS, THERAPIES
    from tilseq.tables.outputs import ENDPOINTS, EXCLUSIONS
    from tilseq.tables.summaries import SUMMARIES

    given = job.arguments
    responses, underived = derived_responses(job, folder)
    settings = given["policy"]
    policy = BestResponsePolicy(**{**settings, "disease_control": tuple(settings["disease_control"])})
    subjects, infusions = SUBJECTS.frame(given["subjects"]), INFUSIONS.frame(given["infusions"])
    own = (responses, THERAPIES.frame(given["therapies"]), subjects, policy)
    followup, schedule = FOLLOWUP.frame(given["followup"]), SCHEDULE.frame(given["schedule"])
    best = best_response(*own, followup=followup, schedule=schedule, underived=underived)
    rates = response_rates(best, subjects, infusions, policy=policy, underived=underived, followup=followup)
    excluded = of_reads(ignored_reads(*own, followup=followup), given["places"])
    in_time = up_to_data_cut(infusions, followup)
    excluded += of_subjects(pl.DataFrame(given["subjects"]), infusions, in_time)
    rows = [endpoint for row in best.iter_rows(named=True) for endpoint in _endpoints(row)]
    write_parquet(best, BEST_RESPONSE, folder)
    write_parquet(rates, SUMMARIES, folder)
    write_parquet(characteristics(subjects, in_time, best), CHARACTERISTICS_TABLE, folder)
    write_parquet(rows, ENDPOINTS, folder)
    write_parquet(excluded, EXCLUSIONS, folder)


def derived_responses(job: Job, folder: Path) -> tuple[pl.DataFrame, list[str]]:
    """Return the table `response` of all subjects whose own job ended well, and the names of the others.

    Parameters
    ----------
    job
        Its argument `of` names the subject of each folder of the step `clinical`.
    folder
        The job's folder.

    Raises
    ------
    AnalysisError
        None ended well.
    """
    import polars as pl

    from tilseq.errors import AnalysisError

    of = job.arguments["of"]
    paths = {need: path for need, path in needed(job, folder, "response").items() if need in of}
    if not paths:
        raise AnalysisError("no subject's responses could be derived", mend="mend what the step clinical failed of")
    return pl.concat(map(pl.read_parquet, paths.values())), sorted({of[need] for need in of if need not in paths})


def _rows(frame: pl.DataFrame | None) -> list[dict[str, Any]]:
    return [] if frame is None else frame.to_dicts()


def _endpoints(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the best response of a subject and reader, and how far the sum of diameters fell."""
    from tilseq.endpoints.rows import endpoint

    word = row["best_response"]
    at = {"reader": row["reader"], "confirmation": row["confirmation"]}
    rule = f"{row['source']} responses; {row['rule'].replace('_', ' ')}"
    status = "not_evaluable" if word in ("NE", "not_assessed") else "quantified"
    own = {"subject": row["subject"], "day": row["day"]}
    yield endpoint(own, "best_response", None, qualifiers=at, value_text=word, status=status, method=rule)
    if row["confirmation"] == "required" and row["depth_pct"] is not None:
        own = {"subject": row["subject"], "day": row["depth_day"]}
        how = "RECIST 1.1, lowest up to progression or new therapy"
        yield endpoint(own, "depth_of_response", row["depth_pct"], qualifiers={"reader": row["reader"]}, method=how)
