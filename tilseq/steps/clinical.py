"""Clinical: one job a study, the response at every assessment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.job import Job

if TYPE_CHECKING:
    import polars as pl

    from tilseq.study import Study

STEP = "clinical"
METHODS = {
    "sum_rule": "RECIST 1.1",
    "pd": "RECIST 1.1; any target back after a complete response is PD",
}


def plan(study: Study) -> list[Job]:
    """Return the one job, or none when the study has neither lesions nor recorded responses.

    The job carries the rows that it works on: what was checked is what is used, and it depends on nothing else.
    """
    from tilseq.clinical.recist import TREATMENT_DAYS
    from tilseq.study.model import LESIONS_FILE, RESPONSES_FILE
    from tilseq.study.read import SDTM_FILES

    if study.lesions is None and study.responses is None and study.exclusions.is_empty():
        return []
    arguments = {
        "lesions": _rows(study.lesions),
        "responses": _rows(study.responses),
        "subjects": _rows(study.subjects.select(TREATMENT_DAYS.names)),
        "exclusions": _rows(study.exclusions),
        "regrowth": study.settings.analysis.clinical.regrowth,
    }
    paths = [study.root / name for name in (LESIONS_FILE, RESPONSES_FILE, *SDTM_FILES)]
    return [
        Job(
            STEP,
            "response",
            f"{STEP}/response",
            paths=tuple(str(path) for path in paths if path.exists()),
            arguments=arguments,
        )
    ]


def run(job: Job, folder: Path) -> None:
    """Derive RECIST 1.1 at every assessment and write it with its endpoints."""
    from tilseq.clinical.recist import TREATMENT_DAYS, response
    from tilseq.io.write import write_parquet
    from tilseq.tables.inputs import LESIONS, RESPONSE_READS
    from tilseq.tables.outputs import ENDPOINTS, EXCLUSIONS, RESPONSE

    given = job.arguments
    derived = response(
        LESIONS.frame(given["lesions"]),
        RESPONSE_READS.frame(given["responses"]),
        subjects=TREATMENT_DAYS.frame(given["subjects"]),
        regrowth=given["regrowth"],
    )
    rows = [
        endpoint
        for row in _with_telling_visits(derived).iter_rows(named=True)
        for endpoint in _endpoints(row, METHODS[given["regrowth"]])
    ]
    write_parquet(derived, RESPONSE, folder)
    write_parquet(EXCLUSIONS.frame(given["exclusions"]), EXCLUSIONS, folder)
    write_parquet(ENDPOINTS.frame(rows), ENDPOINTS, folder)


def _rows(frame: pl.DataFrame | None) -> list[dict[str, Any]]:
    return [] if frame is None else frame.to_dicts()


def _endpoints(row: dict[str, Any], method: str) -> Iterator[dict[str, Any]]:
    """Yield the endpoints of one assessment; sums only where there are targets, words only where there is one."""
    from tilseq.endpoints.rows import endpoint

    at = {"reader": row["reader"]}
    if row["targets"]:
        yield endpoint(row, "sum_of_diameters", row["sum_mm"], qualifiers=at, n=row["targets_measured"], method=method)
        for name in ("change_from_baseline", "change_from_nadir"):
            yield endpoint(row, name, row[f"{name}_pct"], qualifiers=at, method=method)
    words = (("response", "response_derived", method), ("recorded", "response_recorded", "as recorded by the reader"))
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
