"""Summed cells: one job a subject, over its single-cell samples."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tilseq.steps import cell_expression, cell_labels
from tilseq.steps.bulk_rna import COUNTS, gene_counts
from tilseq.steps.expression_levels import PRODUCT, with_levels
from tilseq.steps.job import Job, needed, read_needed
from tilseq.tables.cell_labels import INFUSED

if TYPE_CHECKING:
    import polars as pl
    from anndata import AnnData

    from tilseq.expression.pseudobulk import Pseudobulk
    from tilseq.study import Study

STEP = "pseudobulk"
SHOWN = 5
OF_SAMPLE = ("sample", "subject", "specimen", "day")  # columns of samples.csv that groups are made of


class Typed(NamedTuple):
    """The kept cells of one sample, and its rows of `cell_status` and `receptor_overlap`."""

    sample: str
    cells: AnnData
    status: pl.DataFrame
    overlap: pl.DataFrame


def plan(study: Study) -> list[Job]:
    """Return one job for each subject with single cells whose expression is read.

    It needs the cells of each sample, and the labels of the subject's cells where there are any.
    """
    from tilseq.study.names import safe_name

    settings = study.settings.analysis.expression
    labels = {job.unit: job.folder for job in cell_labels.plan(study)}
    tcr = [row for row in study.available("tcr") if row["library"] is not None]
    receptors = {(row["subject"], row["library"]): row["sample"] for row in tcr}  # subjects may number theirs alike
    jobs = cell_expression.plan(study)
    by_subject: dict[str, list[Job]] = {}
    rows: dict[str, dict[str, Any]] = {}
    for job, row in zip(jobs, with_levels([job.sample or {} for job in jobs]), strict=True):
        by_subject.setdefault(row["subject"], []).append(job)
        rows[job.folder] = {**row, "receptors": receptors.get((row["subject"], row["library"]))}
    return [
        Job(
            step=STEP,
            unit=subject,
            folder=f"{STEP}/{safe_name(subject)}",
            paths=tuple(job.paths[0] for job in own),
            needs=(*(job.folder for job in own), *filter(None, [labels.get(subject)])),
            arguments={
                "samples": {job.folder: rows[job.folder] for job in own},
                "layer": settings.layer,
                "minimum_cells": settings.minimum_cells,
            },
        )
        for subject, own in sorted(by_subject.items())
    ]


def run(job: Job, folder: Path) -> None:
    """Write the sums of the subject's cells by visit and type, and once more by what the product tells of them.

    Cells of the product are infused ones. A group of too few cells is left out, and so is a gene that some file lacks;
    both are told.
    """
    import polars as pl
    from anndata import concat

    from tilseq.expression.pseudobulk import pseudobulk
    from tilseq.io.write import write_frame, write_parquet
    from tilseq.tables.differential import PSEUDOBULK_GROUPS
    from tilseq.tables.outputs import QUALITY
    from tilseq.tables.single_cells import CELL_STATUS, RECEPTOR_OVERLAP

    quality: list[dict[str, Any]] = []
    typed = _samples(job, folder, quality)
    groups, counts = [PSEUDOBULK_GROUPS.frame()], [pl.DataFrame(schema=gene_counts())]
    every: Any = concat([one.cells for one in typed], join="inner", index_unique="|") if typed else None
    quality += _genes_left_out(typed)
    for by_label in (False, True) if typed else ():
        cells = every[every.obs["status"].notna()] if by_label else every
        obs = cells.obs if by_label else cells.obs.drop(columns="status")
        if not cells.n_obs:
            continue
        found = pseudobulk(cells, obs, minimum_cells=job.arguments["minimum_cells"])
        groups.append(found.groups)
        counts.append(_long(found))
    write_parquet(pl.concat(groups), PSEUDOBULK_GROUPS, folder)
    write_frame(pl.concat(counts), folder / f"{COUNTS}.parquet")
    write_parquet(pl.concat([CELL_STATUS.frame(), *(one.status for one in typed)]), CELL_STATUS, folder)
    write_parquet(pl.concat([RECEPTOR_OVERLAP.frame(), *(one.overlap for one in typed)]), RECEPTOR_OVERLAP, folder)
    write_parquet(quality, QUALITY, folder)


def _samples(job: Job, folder: Path, quality: list[dict[str, Any]]) -> list[Typed]:
    """Return the samples with a kept cell; one whose receptors are of other cells has no labels, and is told."""
    import polars as pl

    from tilseq.errors import AnalysisError
    from tilseq.steps.counted_cells import counted_cells
    from tilseq.tables.cell_labels import CELL_LABELS
    from tilseq.tables.single_cells import CELL_EXPRESSION

    known = needed(job, folder, CELL_EXPRESSION.name)
    labels = [*read_needed(job, folder, CELL_LABELS.name).values()]
    typed = []
    for need, path in zip(job.needs, job.paths, strict=False):  # the labels stand behind the samples
        sample = job.arguments["samples"][need]
        kept = pl.read_parquet(known[need]).filter("kept") if need in known else None
        if kept is None or kept.is_empty():
            continue
        cells, _ = counted_cells(path, member=sample["member"], layer=job.arguments["layer"])
        of_receptors = [table.filter(pl.col("sample") == sample["receptors"]) for table in labels]
        try:
            typed.append(_typed(cells, kept, sample, of_receptors))
        except AnalysisError as error:
            quality.append(_told(sample["sample"], str(error)))
            typed.append(_typed(cells, kept, sample, []))
    return typed


def _typed(cells: AnnData, kept: pl.DataFrame, sample: Mapping[str, Any], labels: list[pl.DataFrame]) -> Typed:
    """Return the kept cells of one sample, with what groups are made of in `obs`."""
    import pandas as pd
    import polars as pl

    from tilseq.expression.cell_status import cell_status
    from tilseq.tables.single_cells import CELL_STATUS, RECEPTOR_OVERLAP

    cells = cells[kept["cell_id"].to_list()]
    status, overlap = CELL_STATUS.frame(), RECEPTOR_OVERLAP.frame()
    words: list[str | None] = [INFUSED if sample["specimen"] == PRODUCT else None] * cells.n_obs
    if sample["specimen"] != PRODUCT and any(table.height for table in labels):
        named = labels[0].with_columns(sample=pl.lit(sample["sample"]))
        status, overlap = cell_status(kept.select("sample", "cell_id"), named)
        of_cell = dict(status.select("cell_id", "status").iter_rows())
        words = [of_cell[name] for name in kept["cell_id"]]
    same = {name: sample[name] for name in OF_SAMPLE} | {"visit": sample["level"]}
    cells.obs = pd.DataFrame({"cell_type": kept["cell_type"].to_list(), "status": words, **same}, cells.obs_names)
    return Typed(sample["sample"], cells, status, overlap)


def _long(found: Pseudobulk) -> pl.DataFrame:
    """Return `group, gene, count` of all groups, a row each gene, be it 0."""
    import numpy as np
    import polars as pl

    groups, genes = list(map(str, found.data.obs_names)), list(map(str, found.data.var_names))
    counts: Any = found.data.X
    return pl.DataFrame(
        {
            "group": np.repeat(groups, len(genes)),
            "gene": np.tile(genes, len(groups)),
            "count": counts.toarray().ravel(),
        },
        schema=gene_counts(),
    )


def _genes_left_out(typed: list[Typed]) -> list[dict[str, Any]]:
    """Return a warning for each sample where genes are left out, as another file of the subject does not have them."""
    from tilseq.errors import first_few

    held = [set(map(str, one.cells.var_names)) for one in typed]
    every, common = set().union(*held), set.intersection(*held) if held else set()
    if len(common) == len(every):
        return []
    lost = first_few(sorted(every - common), SHOWN)
    reason = f"{len(every) - len(common)} of {len(every)} genes are not in every file of the subject, so in no sum"
    row = {"check": "genes of summed cells", "value": len(common), "verdict": "warn", "reason": f"{reason}: {lost}"}
    return [{"sample": one.sample} | row for one in typed]


def _told(sample: str, why: str) -> dict[str, Any]:
    return {"sample": sample, "check": "summed cells by label", "verdict": "warn", "reason": f"not summed: {why}"}
