"""Clinical: one job a subject, the response at every assessment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.clinical_exclusions import of_late_lesions, of_resected
from tilseq.steps.job import Job

if TYPE_CHECKING:
    import polars as pl

    from tilseq.errors import TilseqError
    from tilseq.study import Study
    from tilseq.tables import Table

STEP = "clinical"
READS = ("lesions", "responses")
RECIST = "RECIST 1.1"
REGROWTH = {"sum_rule": RECIST, "pd": f"{RECIST}; any target back after a complete response is PD"}


def plan(study: Study) -> list[Job]:
    """Return one job for each subject with lesions or recorded responses.

    A job carries the rows that it works on: what was checked is what is used, it depends on nothing else, and a
    contradiction in one subject's rows stops that subject alone.
    """
    from tilseq.clinical.best_response import new_therapies
    from tilseq.clinical.data_cut import data_cuts
    from tilseq.clinical.treatment_days import TREATMENT_DAYS
    from tilseq.study.names import safe_name

    lesions, responses = (
        _by_subject(None if frame is None else frame.with_row_index("row", offset=2))
        for frame in (study.lesions, study.responses)
    )
    treatment, infusions = _by_subject(study.subjects.select(TREATMENT_DAYS.names)), _by_subject(study.infusions)
    cuts = data_cuts(study.clinical.get("followup"))
    stops = study.settings.analysis.clinical.best_response.new_therapy == "stop"
    started, _ = new_therapies(study.clinical.get("therapies") if stops else None)
    # Rows that were made from SDTM are not those of the files, which errors then do not name.
    files = {} if study.tumors_from_sdtm else {name: f"clinical/{name}.csv" for name in READS}
    settings = study.settings.analysis.clinical
    return [
        Job(
            STEP,
            subject,
            f"{STEP}/{safe_name(subject)}",
            arguments={
                "lesions": lesions.get(subject, []),
                "responses": responses.get(subject, []),
                "subjects": treatment[subject],
                "infusions": infusions.get(subject, []),
                "data_cut_day": cuts.get(subject),
                "new_therapy_day": started.get(subject),
                "undated": subject in study.undated,
                "files": files,
                "readers": _readers(study),
                "regrowth": settings.regrowth,
                "undersized": settings.undersized,
                "irecist": settings.irecist.model_dump(),
            },
        )
        for subject in sorted({*lesions, *responses, *study.undated})
    ]


def contradictions(study: Study) -> list[str]:
    """Say of each subject whose lesions or responses contradict one another why none of its responses will be told.

    Of the others name the targets that are tenfold or a tenth of what they were, or the sum of the others.
    """
    from tilseq.clinical.centimetres import odd_targets
    from tilseq.errors import StudyError

    told = []
    for job in plan(study):
        try:
            odd = odd_targets(_derived(job))
            told += [f"targets of {subject!r} on day {day}: {what}" for subject, day, what in odd]
        except StudyError as error:
            told += [f"a run can tell no response of {job.unit!r}: {problem}" for problem in _each_once(error.problems)]
    return told


def _each_once(problems: Sequence[TilseqError]) -> list[str]:
    """Return problems in words, of those alike, as of several readers, the first and how many more there are."""
    alike: dict[tuple[str, str | None], list[TilseqError]] = {}
    for problem in problems:
        alike.setdefault((problem.what, problem.column), []).append(problem)
    return [f"{first}" + (f"; and {len(more)} more alike" if more else "") for first, *more in alike.values()]


def run(job: Job, folder: Path) -> None:
    """Derive RECIST 1.1 and iRECIST at every assessment; write them with endpoints, what differs, and what is left out.

    Raises
    ------
    StudyError
        The subject's rows contradict one another, or name no reader where other subjects' do; each with file and row.
    AnalysisError
        Its scans by SDTM have no day.
    """
    from tilseq.clinical import IrecistPolicy, irecist, irecist_best_response, response_differences
    from tilseq.clinical.treatment_days import TREATMENT_DAYS, resected_targets
    from tilseq.errors import AnalysisError
    from tilseq.io.write import write_parquet
    from tilseq.tables.best_response import IRECIST, IRECIST_BEST, RESPONSE_DIFFERENCES
    from tilseq.tables.inputs import LESIONS, THERAPIES
    from tilseq.tables.outputs import ENDPOINTS, EXCLUSIONS, RESPONSE

    given = job.arguments
    if given["undated"]:
        what, mend = (
            "its scans have no day, as no date of its first infusion is known",
            "give the `date` of the infusion",
        )
        raise AnalysisError(what, file="infusions.csv", column="date", found=f"subject {job.unit}", mend=mend)
    lesions, subjects = _numbered(LESIONS, given)[0], TREATMENT_DAYS.frame(given["subjects"])
    cut, day, followup = given["data_cut_day"], given["new_therapy_day"], _followup(job)
    started = [] if day is None else [{"subject": job.unit, "therapy": "new therapy", "start_day": day}]
    therapies = THERAPIES.frame(started)
    derived = _derived(job)
    confirmation = IrecistPolicy(**given["irecist"])
    by_immune_criteria = irecist(lesions, derived, subjects, policy=confirmation, followup=followup)
    endpoints = [
        endpoint
        for row in _with_telling_visits(derived).iter_rows(named=True)
        for endpoint in _endpoints(row, REGROWTH[given["regrowth"]])
    ]
    write_parquet(derived, RESPONSE, folder)
    write_parquet(response_differences(derived), RESPONSE_DIFFERENCES, folder)
    write_parquet(by_immune_criteria, IRECIST, folder)
    write_parquet(irecist_best_response(by_immune_criteria, followup, therapies), IRECIST_BEST, folder)
    write_parquet(endpoints, ENDPOINTS, folder)
    resected = resected_targets(lesions, subjects)
    file = given["files"].get("lesions")
    excluded = [*of_resected(given["lesions"], resected, file), *of_late_lesions(given["lesions"], cut, day, file)]
    write_parquet(excluded, EXCLUSIONS, folder)


def _followup(job: Job) -> pl.DataFrame:
    """Return the subject with the day of its data cut."""
    from tilseq.clinical.data_cut import CUTS

    return CUTS.frame([{"subject": job.unit, "data_cut_day": job.arguments["data_cut_day"]}])


def _derived(job: Job) -> pl.DataFrame:
    """Return the table `response` of one subject; errors name files and rows."""
    from tilseq.clinical import response
    from tilseq.clinical.treatment_days import TREATMENT_DAYS
    from tilseq.errors import StudyError, TableError
    from tilseq.tables.inputs import INFUSIONS, LESIONS, RESPONSE_READS

    given = job.arguments
    (lesions, lesion_rows), (responses, response_rows) = (
        _numbered(table, given) for table in (LESIONS, RESPONSE_READS)
    )
    try:
        _check_readers(given)
        return response(
            lesions,
            responses,
            subjects=TREATMENT_DAYS.frame(given["subjects"]),
            followup=_followup(job),
            infusions=INFUSIONS.frame(given["infusions"]),
            regrowth=given["regrowth"],
            undersized=given["undersized"],
            lesion_rows=lesion_rows,
            response_rows=response_rows,
        )
    except StudyError as error:
        for problem in error.problems:
            if isinstance(problem, TableError) and problem.table is not None:
                problem.file = given["files"].get(problem.table)
        raise


def _readers(study: Study) -> list[str]:
    """Return the names of all readers of the study."""
    import polars as pl

    names = [frame["reader"] for frame in (study.lesions, study.responses) if frame is not None]
    return pl.concat(names).drop_nulls().unique().sort().to_list() if names else []


def _check_readers(given: Mapping[str, Any]) -> None:
    """Refuse rows without a reader, or of one who is written otherwise, where other subjects' rows name one."""
    from tilseq.clinical.reconcile import unsure_readers
    from tilseq.errors import StudyError, TableError

    problems: list[TableError] = []
    others = [{"subject": None, "reader": name} for name in given["readers"]]
    unsure_readers({"others": others} | {name: given[name] for name in READS}, problems)
    if problems:
        raise StudyError(problems)


def _numbered(table: Table, given: Mapping[str, Any]) -> tuple[pl.DataFrame, list[int] | None]:
    """Return the rows of an input table in their order, and where they stand in its file; None for those of SDTM."""
    import polars as pl

    rows = given[table.name]
    frame = pl.DataFrame([{name: row[name] for name in table.names} for row in rows], schema=table.schema)
    return frame, [row["row"] for row in rows] if table.name in given["files"] else None


def _by_subject(frame: pl.DataFrame | None) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each subject."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in [] if frame is None else frame.to_dicts():
        rows.setdefault(row["subject"], []).append(row)
    return rows


def _endpoints(row: dict[str, Any], derivation: str) -> Iterator[dict[str, Any]]:
    """Yield the endpoints of one assessment; sums only where there are targets, words only where there is one."""
    from tilseq.endpoints.rows import endpoint

    at = {"reader": row["reader"]}
    if row["targets"]:
        yield endpoint(row, "sum_of_diameters", row["sum_mm"], qualifiers=at, n=row["targets_measured"], method=RECIST)
        for name in ("change_from_baseline", "change_from_nadir"):
            yield endpoint(row, name, row[f"{name}_pct"], qualifiers=at, method=RECIST)
    words = (
        ("response", "response_derived", derivation),
        ("recorded", "response_recorded", "as recorded by the reader"),
    )
    for column, name, how in words:
        word = row[column]
        if word is not None:
            status = "not_evaluable" if word == "NE" else "quantified"
            yield endpoint(row, name, None, qualifiers=at, value_text=word, status=status, method=how)


def _with_telling_visits(derived: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with the day in the visit's name where the name alone does not tell two assessments apart."""
    import polars as pl

    twins = pl.struct("subject", "reader", "visit").is_duplicated() | pl.col("visit").is_null()
    day = pl.format("day {}", "day")
    named = pl.when(pl.col("visit").is_null()).then(day).otherwise(pl.format("{} ({})", "visit", day))
    return derived.with_columns(visit=pl.when(twins).then(named).otherwise("visit"))
