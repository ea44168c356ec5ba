"""Clinical: one job a subject, the response at every assessment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.job import Job

if TYPE_CHECKING:
    import polars as pl

    from tilseq.study import Study

STEP = "clinical"
RECIST = "RECIST 1.1"
REGROWTH = {"sum_rule": RECIST, "pd": f"{RECIST}; any target back after a complete response is PD"}


def plan(study: Study) -> list[Job]:
    """Return one job for each subject with lesions or recorded responses.

    A job carries the rows that it works on: what was checked is what is used, it depends on nothing else, and a
    contradiction in one subject's rows stops that subject alone.
    """
    from tilseq.clinical.recist import TREATMENT_DAYS
    from tilseq.study.names import safe_name

    lesions, responses = _by_subject(study.lesions), _by_subject(study.responses)
    treatment = _by_subject(study.subjects.select(TREATMENT_DAYS.names))
    return [
        Job(
            STEP,
            subject,
            f"{STEP}/{safe_name(subject)}",
            arguments={
                "lesions": lesions.get(subject, []),
                "responses": responses.get(subject, []),
                "subjects": treatment[subject],
                "regrowth": study.settings.analysis.clinical.regrowth,
            },
        )
        for subject in sorted({*lesions, *responses})
    ]


def run(job: Job, folder: Path) -> None:
    """Derive RECIST 1.1 at every assessment and write it with its endpoints."""
    from tilseq.clinical.recist import TREATMENT_DAYS, response
    from tilseq.io.write import write_parquet
    from tilseq.tables.inputs import LESIONS, RESPONSE_READS
    from tilseq.tables.outputs import ENDPOINTS, RESPONSE

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
        for endpoint in _endpoints(row, REGROWTH[given["regrowth"]])
    ]
    write_parquet(derived, RESPONSE, folder)
    write_parquet(ENDPOINTS.frame(rows), ENDPOINTS, folder)


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
