"""Clinical: one job a study, the response at every assessment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tilseq.steps.job import Job

if TYPE_CHECKING:
    import polars as pl

    from tilseq.study import Study

STEP = "clinical"


def plan(study: Study) -> list[Job]:
    """Return the one job, or none when the study has no lesions."""
    if study.lesions is None:
        return []
    tables = [study.root / name for name in ("study.yaml", "subjects.csv", "infusions.csv", "samples.csv")]
    paths = (*tables, *sorted((study.root / "clinical").glob("*.csv")))
    return [Job(STEP, "response", f"{STEP}/response", paths=tuple(map(str, paths)))]


def run(job: Job, folder: Path) -> None:
    """Derive RECIST 1.1 at every assessment and write it with its endpoints."""
    from tilseq.clinical.recist import response
    from tilseq.endpoints.rows import endpoint
    from tilseq.io.write import write_parquet
    from tilseq.study import read_study
    from tilseq.tables.outputs import ENDPOINTS, EXCLUSIONS, RESPONSE

    study = read_study(Path(job.paths[0]).parent)
    derived = response(study.lesions, study.responses, subjects=study.subjects)
    rows = []
    for row in _with_telling_visits(derived).iter_rows(named=True):
        at = {"reader": row["reader"]}
        rows.append(endpoint(row, "sum_of_diameters", row["sum_mm"], qualifiers=at, n=row["targets_measured"]))
        rows.append(endpoint(row, "change_from_baseline", row["change_from_baseline_pct"], qualifiers=at))
        rows.append(endpoint(row, "change_from_nadir", row["change_from_nadir_pct"], qualifiers=at))
        for name, word in (("response_derived", row["response"]), ("response_recorded", row["recorded"])):
            if word is not None:
                rows.append(endpoint(row, name, None, qualifiers=at, value_text=word, method="RECIST 1.1"))
    write_parquet(derived, RESPONSE, folder)
    write_parquet(study.exclusions, EXCLUSIONS, folder)
    write_parquet(ENDPOINTS.frame(rows), ENDPOINTS, folder)


def _with_telling_visits(derived: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with the day in the visit's name where the name alone does not tell two assessments apart."""
    import polars as pl

    twins = pl.struct("subject", "reader", "visit").is_duplicated() | pl.col("visit").is_null()
    day = pl.format("day {}", "day")
    named = pl.when(pl.col("visit").is_null()).then(day).otherwise(pl.format("{} ({})", "visit", day))
    return derived.with_columns(visit=pl.when(twins).then(named).otherwise("visit"))
