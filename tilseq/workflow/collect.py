"""Late collection: whatever the jobs have left becomes the run's tables and figures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tilseq.errors import TilseqError
from tilseq.steps.figures import CAPTIONS
from tilseq.steps.job import Job
from tilseq.workflow.supervise import read_status

if TYPE_CHECKING:
    import polars as pl

    from tilseq.study import Study


def collect(study: Study, jobs: Sequence[Job], work: Path, out: Path, retry: str) -> pl.DataFrame:
    """Write every table of a run, empty ones too, copy the jobs' figures and gates, and return the table of failures.

    The tables of an earlier run go first: what a run leaves that is cut short here must not stand beside them.

    Parameters
    ----------
    study
        The study, for its samples.
    jobs
        The jobs of the plan; one without a status counts as lost.
    work, out
        The run's work folder and its output folder.
    retry
        The command that runs failed jobs again.
    """
    import polars as pl

    from tilseq.io.write import write_table
    from tilseq.tables import outputs

    states = {job.folder: _state(work / job.folder) for job in jobs}
    whole = [job for job in jobs if states[job.folder]["state"] == "ok"]
    failed = [job for job in jobs if states[job.folder]["state"] == "failed"]
    failures = pl.concat(
        [
            outputs.FAILURES.frame([_failure(job, states[job.folder], f"{study.root}/", retry) for job in failed]),
            *_failures_within(whole, work, retry),
        ]
    )
    tables = out / "tables"
    shutil.rmtree(tables, ignore_errors=True)
    quality = _write_tables(study, whole, work, tables)
    write_table(failures, outputs.FAILURES, tables)
    lost = {name for job in failed for name in job.samples}
    write_table(_samples(study, jobs, failures, lost, quality), outputs.SAMPLES_RUN, tables)
    _copy_figures(whole, work, out / "figures")
    _copy_gates(whole, work, out / "objects" / "gates")
    return failures


def _write_tables(study: Study, jobs: Sequence[Job], work: Path, tables: Path) -> pl.DataFrame:
    """Write what the jobs left of each table, and return that of quality."""
    import polars as pl

    from tilseq.io.write import write_table
    from tilseq.tables.of_run import GATHERED
    from tilseq.tables.outputs import EXCLUSIONS, QUALITY
    from tilseq.tables.safety import ADVERSE_EVENT_ROWS, listing_table

    quality = QUALITY.frame()
    for table in GATHERED:
        paths = [path for job in jobs if (path := work / job.folder / f"{table.name}.parquet").exists()]
        read_with_the_study = study.exclusions if table is EXCLUSIONS else table.frame()
        # Adverse events keep the further columns of their file.
        how: Literal["diagonal", "vertical"] = "diagonal" if table is ADVERSE_EVENT_ROWS else "vertical"
        frame = pl.concat([read_with_the_study, *(pl.read_parquet(path, glob=False) for path in paths)], how=how)
        write_table(frame, listing_table(frame.columns) if table is ADVERSE_EVENT_ROWS else table, tables)
        quality = frame if table is QUALITY else quality
    return quality


def _state(folder: Path) -> dict[str, Any]:
    lost = TilseqError("the job was lost before it could say why", mend="run again")
    return read_status(folder) or {"state": "failed", "error": lost.as_dict()}


def _failure(job: Job, status: Mapping[str, Any], root: str, retry: str) -> dict[str, Any]:
    """Return one row of failures; its paths are relative to the study, as nobody's home belongs into a table."""
    parts: dict[str, Any] = {
        name: part.replace(root, "") if isinstance(part, str) else part for name, part in status["error"].items()
    }
    told = {name: part for name, part in parts.items() if name not in ("what", "found")}
    error = TilseqError(parts["what"], **told)
    error.found = parts["found"]
    return {
        "step": job.step,
        "unit": job.unit,
        "sample": job.unit if job.sample else None,
        "error": str(error),
        "file": parts["file"],
        "retry": retry,
    }


def _failures_within(jobs: Sequence[Job], work: Path, retry: str) -> list[pl.DataFrame]:
    """Return what failed of single subjects within jobs over all of them, which themselves ended well."""
    import polars as pl

    paths = [path for job in jobs if (path := work / job.folder / "failures.parquet").exists()]
    return [pl.read_parquet(path, glob=False).with_columns(retry=pl.lit(retry)) for path in paths]


def _samples(
    study: Study, jobs: Sequence[Job], failures: pl.DataFrame, lost: Set[str], quality: pl.DataFrame
) -> pl.DataFrame:
    """Return one row a sample of the study with the worst that can be said of it; those lost fell with their job."""
    from tilseq.tables.outputs import SAMPLES_RUN

    failed = {*failures["sample"].to_list(), *lost}
    planned = {job.unit for job in jobs if job.sample} | {name for job in jobs for name in job.samples}
    verdicts: dict[str, set[str]] = {}
    for sample, verdict in quality.select("sample", "verdict").iter_rows():
        verdicts.setdefault(sample, set()).add(verdict)

    def state(row: Mapping[str, Any]) -> str:
        name = row["sample"]
        if name in failed:
            return "failed"
        if name not in planned:
            absent = row["path"] is None and row["plate"] is None
            return "not_available" if absent or row["status"] == "failed" else "not_analysed"
        return next((word for word in ("fail", "warn") if word in verdicts.get(name, ())), "ok")

    columns = ("sample", "subject", "visit", "day", "specimen", "assay", "panel", "library")
    rows = [{**{c: row[c] for c in columns}, "state": state(row)} for row in study.samples.iter_rows(named=True)]
    return SAMPLES_RUN.frame(rows)


def _copy_figures(jobs: Sequence[Job], work: Path, figures: Path) -> None:
    """Copy what the jobs drew to `figures/<step>/<unit>-<name>`, with its caption; what an earlier run drew goes."""
    from tilseq.io.files import write_json

    shutil.rmtree(figures, ignore_errors=True)
    captions = {}
    for job in jobs:
        step, unit = job.folder.split("/")
        drawn = work / job.folder / "figures"
        told = json.loads((drawn / CAPTIONS).read_text("utf-8")) if (drawn / CAPTIONS).exists() else {}
        for path in sorted(set(drawn.glob("*")) - {drawn / CAPTIONS}):
            target = figures / step / f"{unit}-{path.name}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            words = told.get(path.name) or path.stem
            captions[str(target.relative_to(figures))] = _caption(words, job.unit, of_all=unit == "all" != job.unit)
    write_json(figures / "captions.json", captions)


def _caption(words: str, unit: str, *, of_all: bool) -> str:
    """Return a caption with whose figure it is; of a job of all subjects one with a capital says so itself."""
    if of_all and words[:1].isupper():
        return words
    return f"{unit[:1].upper() if of_all else unit[:1]}{unit[1:]}: {words}"


def _copy_gates(jobs: Sequence[Job], work: Path, target: Path) -> None:
    """Copy the gates that the jobs wrote to `objects/gates/<unit>.xml`; those of an earlier run go."""
    shutil.rmtree(target, ignore_errors=True)
    for job in jobs:
        path = work / job.folder / "gates.xml"
        if path.exists():
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / f"{path.parent.name}.xml")
