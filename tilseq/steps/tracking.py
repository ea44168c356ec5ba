"""Tracking: one job a subject, the clones of the infusion product in its samples, and where clones come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps import contamination, persistence
from tilseq.steps.job import Job, needed
from tilseq.steps.receptor_subjects import in_time
from tilseq.steps.reference import is_before
from tilseq.steps.tracking_figures import draw_tracking

if TYPE_CHECKING:
    import polars as pl

    from tilseq.study import Study

STEP = "tracking"
ASSAY = "tcr"
STRANGE = ("swapped", "duplicate")  # verdicts on a sample
LEAKED = ("leak", "possible")  # verdicts on a clone of a sample


def plan(study: Study) -> list[Job]:
    """Return one job for each subject of whom persistence is told against an infusion product."""
    if study.settings.analysis.repertoire.reference != persistence.PRODUCT:
        return []
    first = tuple(job.folder for job in contamination.plan(study))
    return [
        replace(job, step=STEP, folder=job.folder.replace(persistence.STEP, STEP, 1), needs=job.needs + first)
        for job in persistence.plan(study)
    ]


def run(job: Job, folder: Path) -> None:
    """Write clones, origins, near matches, changes, trends and figures of the subject's T-cell clones.

    Bulk libraries and single cells of one kind of specimen are taken together, each by its effective cells. A sample
    whose own job failed, or left no clonotype, takes no part: its own `failures` or `quality` tells why. Nor does one
    that holds another subject's clones (see the step `contamination`), which a row of `quality` tells. Nothing is told
    without clones of a product and of blood after the infusion.
    """
    import polars as pl

    from tilseq.io.write import write_parquet
    from tilseq.repertoire.effective import effective_clones
    from tilseq.repertoire.near_matches import near_matches
    from tilseq.repertoire.track import follow
    from tilseq.steps.cells_behind import effective_by_sample
    from tilseq.steps.clone_courses import changes, trends
    from tilseq.tables.outputs import QUALITY
    from tilseq.tables.tracking import CHANGE, CLONES, NEAR_MATCHES, ORIGIN_CLASSES, ORIGINS, TREND

    tables_written = (CLONES, ORIGINS, ORIGIN_CLASSES, NEAR_MATCHES, CHANGE, TREND)

    read = needed(job, folder, "clonotypes")
    paths = {job.arguments["samples"][need]["sample"]: path for need, path in read.items()}
    rows = [row for need, row in job.arguments["samples"].items() if need in read and row["assay"] == ASSAY]
    tables = {row["sample"]: pl.read_parquet(paths[row["sample"]]) for row in sorted(rows, key=in_time)}
    strange = _of_another_subject(job, folder)
    rows = sorted((row for row in rows if tables[row["sample"]].height and row["sample"] not in strange), key=in_time)
    effective = effective_by_sample(rows, {row["sample"]: tables[row["sample"]] for row in rows})
    clones = {row["sample"]: effective_clones(tables[row["sample"]], effective[row["sample"]]) for row in rows}
    places = {place: {name: clones[name] for name in names} for place, names in _places(rows).items()}
    found = [table.frame() for table in tables_written]
    if places["product"] and places["later"]:
        suspicious = _suspicious(job, folder, list(tables))
        followed, *of_origin = follow(**places, threshold=job.arguments["threshold"], suspicious=suspicious)
        product = pl.concat([tables[name] for name in places["product"]], how="diagonal")
        near = pl.concat([near_matches(tables[name], product, sample=name) for name in places["later"]])
        of_product = pl.concat([clones[name].select("locus", "junction") for name in places["product"]]).unique()
        changed = changes(job.unit, rows, tables, effective)
        courses = trends(job.unit, rows, tables, effective, of_product)
        origins = [frame.with_columns(subject=pl.lit(job.unit)) for frame in of_origin]
        found = [followed, *origins, near, changed, courses]
        draw_tracking(rows, tables, followed, origins[0], changed, folder / "figures")
    for frame, table in zip(found, tables_written, strict=True):
        write_parquet(frame, table, folder)
    told = [
        {"sample": row["sample"], "check": "clones followed", "verdict": "warn", "reason": strange[row["sample"]]}
        for row in job.arguments["samples"].values()
        if row["sample"] in strange
    ]
    write_parquet(QUALITY.frame(told), QUALITY, folder)


def _of_another_subject(job: Job, folder: Path) -> dict[str, str]:
    """Return which samples hold another subject's clones, and what follows."""
    import polars as pl

    told = "takes no part in clones, origins, changes and trends of its subject"
    found: dict[str, str] = {}
    for path in needed(job, folder, "sample_identity").values():
        strange = pl.read_parquet(path).filter(pl.col("verdict").is_in(STRANGE))
        found |= {row["sample"]: f"{told}: {row['verdict']}, {row['reason']}" for row in strange.iter_rows(named=True)}
    return found


def _suspicious(job: Job, folder: Path, samples: Sequence[str]) -> pl.DataFrame | None:
    """Return the clones of some samples that may have leaked in from another subject's."""
    import polars as pl

    found = [pl.read_parquet(path) for path in needed(job, folder, "suspicious_clones").values()]
    if not found:
        return None
    leaked = pl.col("sample").is_in(samples) & pl.col("verdict").is_in(LEAKED)
    return pl.concat(found).filter(leaked).select("locus", "junction").unique()


def _places(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the samples of the product, of blood before and after the infusion, and of the tumour."""
    places: dict[str, list[str]] = {"product": [], "baseline": [], "tumor": [], "later": []}
    for row in rows:
        if row["specimen"] == persistence.PRODUCT:
            places["product"].append(row["sample"])
        elif row["specimen"] == "tumor":
            places["tumor"].append(row["sample"])
        elif row["specimen"] == "blood":
            places["baseline" if is_before(row) else "later"].append(row["sample"])
    return places
