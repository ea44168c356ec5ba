"""Late collection: whatever the jobs have left becomes the run's tables and figures."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.errors import TilseqError
from tilseq.steps.figures import CAPTIONS
from tilseq.steps.job import Job
from tilseq.workflow.supervise import read_status

if TYPE_CHECKING:
    import polars as pl

    from tilseq.study import Study


def collect(study: Study, jobs: Sequence[Job], work: Path, out: Path, retry: str) -> pl.DataFrame:
    """Write every table of a run, empty ones too, copy the jobs' figures and gates, and return the table of failures.

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
    from tilseq.tables import repertoire as repertoire_tables
    from tilseq.tables.best_response import BEST_RESPONSE, IRECIST, IRECIST_BEST, RESPONSE_DIFFERENCES
    from tilseq.tables.cell_labels import CELL_LABELS
    from tilseq.tables.characteristics import CHARACTERISTICS_TABLE
    from tilseq.tables.contamination import CONTAMINATION_TABLES
    from tilseq.tables.cytokines import CYTOKINE_TABLES
    from tilseq.tables.differential import DIFFERENTIAL, PSEUDOBULK_GROUPS
    from tilseq.tables.enrichment import ENRICHMENT_TABLES
    from tilseq.tables.intracellular import INTRACELLULAR
    from tilseq.tables.lab_grades import LAB_TABLES
    from tilseq.tables.safety import ADVERSE_EVENT_ROWS, SAFETY_TABLES, listing_table
    from tilseq.tables.single_cells import (
        CELL_EXPRESSION,
        CELL_STATUS,
        QUALITY_LIMITS,
        RECEPTOR_OVERLAP,
        SIGNATURE_COVERAGE,
    )
    from tilseq.tables.summaries import SUMMARIES
    from tilseq.tables.survival import SURVIVAL_TABLES, TIME_TO_EVENT
    from tilseq.tables.tracking import TRACKING_TABLES
    from tilseq.tables.transcriptome import TRANSCRIPTOME
    from tilseq.tables.tumor_marker_course import GCIG, MARKER_COURSES

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
    gathered = (
        outputs.ENDPOINTS,
        outputs.QUALITY,
        outputs.EXCLUSIONS,
        outputs.COUNTS,
        outputs.CUTS,
        outputs.COHORT_CUTS,
        outputs.PANEL_DIFFERENCES,
        outputs.COMPARISON,
        outputs.MEDIANS,
        *CYTOKINE_TABLES,
        INTRACELLULAR,
        repertoire_tables.DEPTH,
        repertoire_tables.DIVERSITY,
        repertoire_tables.HILL_PROFILE,
        repertoire_tables.RAREFACTION,
        repertoire_tables.FAMILIES,
        repertoire_tables.MUTATION,
        repertoire_tables.MUTATION_LOAD,
        repertoire_tables.ISOTYPES,
        repertoire_tables.CELLS,
        repertoire_tables.CELL_QUALITY,
        repertoire_tables.PAIRED_CLONES,
        repertoire_tables.PERSISTENCE,
        CELL_LABELS,
        repertoire_tables.OVERLAP,
        repertoire_tables.USAGE,
        *TRACKING_TABLES,
        *CONTAMINATION_TABLES,
        outputs.SCORES,
        PSEUDOBULK_GROUPS,
        TRANSCRIPTOME,
        DIFFERENTIAL,
        *ENRICHMENT_TABLES,
        SIGNATURE_COVERAGE,
        CELL_EXPRESSION,
        QUALITY_LIMITS,
        CELL_STATUS,
        RECEPTOR_OVERLAP,
        outputs.RESPONSE,
        RESPONSE_DIFFERENCES,
        IRECIST,
        IRECIST_BEST,
        BEST_RESPONSE,
        CHARACTERISTICS_TABLE,
        SUMMARIES,
        TIME_TO_EVENT,
        *SURVIVAL_TABLES,
        ADVERSE_EVENT_ROWS,
        *SAFETY_TABLES,
        *LAB_TABLES,
        MARKER_COURSES,
        GCIG,
    )
    read_with_the_study = {outputs.EXCLUSIONS.name: study.exclusions}
    frames: dict[str, pl.DataFrame] = {}
    for table in gathered:
        paths = [path for job in whole if (path := work / job.folder / f"{table.name}.parquet").exists()]
        parts = [read_with_the_study.get(table.name, table.frame()), *(pl.read_parquet(path) for path in paths)]
        # Adverse events keep the further columns of their file.
        frames[table.name] = pl.concat(parts, how="diagonal" if table is ADVERSE_EVENT_ROWS else "vertical")
        own = listing_table(frames[table.name].columns) if table is ADVERSE_EVENT_ROWS else table
        write_table(frames[table.name], own, tables)
    write_table(failures, outputs.FAILURES, tables)
    lost = {name for job in failed for name in job.samples}
    write_table(_samples(study, jobs, failures, lost, frames["quality"]), outputs.SAMPLES_RUN, tables)
    _copy_figures(whole, work, out / "figures")
    _copy_gates(whole, work, out / "objects" / "gates")
    return failures


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
    return [pl.read_parquet(path).with_columns(retry=pl.lit(retry)) for path in paths]


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
        told = json.loads((drawn / CAPTIONS).read_text()) if (drawn / CAPTIONS).exists() else {}
        for path in sorted(set(drawn.glob("*")) - {drawn / CAPTIONS}):
            target = figures / step / f"{unit}-{path.name}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            who = f"A{job.unit[1:]}" if unit == "all" != job.unit else job.unit  # such as "all subjects", no name
            captions[str(target.relative_to(figures))] = f"{who}: {told.get(path.name) or _shown(path.stem)}"
    write_json(figures / "captions.json", captions)


def _shown(stem: str) -> str:
    """Return the words that a figure was named by: a name with spaces was written with `_` and a digest at its end."""
    words, digest = stem[:-11], stem[-11:]
    return words.replace("_", " ") if re.fullmatch("-[0-9a-f]{10}", digest) else stem


def _copy_gates(jobs: Sequence[Job], work: Path, target: Path) -> None:
    """Copy the gates that the jobs wrote to `objects/gates/<unit>.xml`; those of an earlier run go."""
    shutil.rmtree(target, ignore_errors=True)
    for job in jobs:
        path = work / job.folder / "gates.xml"
        if path.exists():
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / f"{path.parent.name}.xml")
