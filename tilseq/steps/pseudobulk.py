"""Summed cells: one job a subject, over its single-cell samples."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps import cell_labels, expression
from tilseq.steps.bulk_rna import COUNTS, gene_counts
from tilseq.steps.expression_levels import INFUSED, PRODUCT, with_levels
from tilseq.steps.job import Job, needed

if TYPE_CHECKING:
    import polars as pl
    from anndata import AnnData

    from tilseq.expression.pseudobulk import Pseudobulk
    from tilseq.study import Study

STEP = "pseudobulk"
NO_LABEL = "no_receptor"  # of a cell that the library of receptors does not show
OF_GROUP = ("subject", "specimen", "day")  # columns of samples.csv


def plan(study: Study) -> list[Job]:
    """Return one job for each subject with single cells whose expression is read.

    It needs the cells of each sample, and the labels of the subject's cells where there are any.
    """
    from tilseq.study.names import safe_name

    settings = study.settings.analysis.expression
    labels = {job.unit: job.folder for job in cell_labels.plan(study)}
    receptors = {row["library"]: row["sample"] for row in study.available("tcr") if row["library"] is not None}
    jobs = expression.plan(study)
    by_subject: dict[str, list[Job]] = {}
    rows: dict[str, dict[str, Any]] = {}
    for job, row in zip(jobs, with_levels([job.sample or {} for job in jobs]), strict=True):
        by_subject.setdefault(row["subject"], []).append(job)
        rows[job.folder] = {**row, "receptors": receptors.get(row["library"])}
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
    """Write the sums of the subject's cells, by visit and type, and once more by what the product tells of them.

    Cells of the product are infused ones. A group of too few cells is left out, and told.
    """
    import polars as pl

    from tilseq.errors import AnalysisError
    from tilseq.expression.pseudobulk import pseudobulk
    from tilseq.io.write import write_frame, write_parquet
    from tilseq.tables.differential import PSEUDOBULK_GROUPS
    from tilseq.tables.outputs import QUALITY

    cells = _cells(job, folder)
    groups, counts, quality = [PSEUDOBULK_GROUPS.frame()], [pl.DataFrame(schema=gene_counts())], []
    for obs in (cells.obs.drop(columns="status"), cells.obs[cells.obs["status"].notna()]):
        try:
            own = cells[obs.index]
            found = pseudobulk(own, obs, minimum_cells=job.arguments["minimum_cells"])
        except AnalysisError as error:  # a subject with too few cells is no failure
            quality += [_told(sample, str(error)) for sample in obs["sample"].unique()]
            continue
        groups.append(found.groups)
        counts.append(_long(found))
    write_parquet(pl.concat(groups), PSEUDOBULK_GROUPS, folder)
    write_frame(pl.concat(counts), folder / f"{COUNTS}.parquet")
    write_parquet(QUALITY.frame(quality), QUALITY, folder)


def _cells(job: Job, folder: Path) -> AnnData:
    """Return the cells of all samples that passed their quality, with what is known of each in `obs`."""
    import polars as pl
    from anndata import concat

    from tilseq.steps.expression import counted_cells
    from tilseq.tables.cell_labels import CELL_LABELS
    from tilseq.tables.single_cells import CELL_EXPRESSION

    cells = needed(job, folder, CELL_EXPRESSION.name)
    labels = list(needed(job, folder, CELL_LABELS.name).values())
    label = pl.read_parquet(labels[0]) if labels else None
    parts = []
    for path, (need, sample) in zip(job.paths, job.arguments["samples"].items(), strict=True):
        if need in cells:
            counted = counted_cells(path, member=sample["member"], layer=job.arguments["layer"])
            parts.append(_of_sample(counted, sample, pl.read_parquet(cells[need]), label))
    return concat(parts, join="inner", index_unique="|")


def _of_sample(
    counted: AnnData, sample: Mapping[str, Any], cells: pl.DataFrame, labels: pl.DataFrame | None
) -> AnnData:
    """Return the kept cells of one sample, with what groups are made of in `obs`."""
    import pandas as pd
    import polars as pl

    kept = dict(cells.filter("kept").select("cell_id", "cell_type").iter_rows())
    counted = counted[[name in kept for name in counted.obs_names]]
    names = [str(name) for name in counted.obs_names]
    status: list[str | None] = [None] * len(names)
    if sample["specimen"] == PRODUCT:
        status = [INFUSED] * len(names)
    elif labels is not None and sample["receptors"] is not None:
        own = labels.filter(pl.col("sample") == sample["receptors"])
        of = dict(own.select("cell_id", "label").iter_rows())
        status = [of.get(name, NO_LABEL) for name in names] if of else status
    same = {name: sample[name] for name in OF_GROUP} | {"visit": sample["level"], "sample": sample["sample"]}
    counted.obs = pd.DataFrame({"cell_type": [kept[name] for name in names], "status": status, **same}, index=names)
    return counted


def _long(found: Pseudobulk) -> pl.DataFrame:
    """Return `group, gene, count` of all groups, a row each gene, be it 0."""
    import polars as pl

    groups, genes = list(map(str, found.data.obs_names)), list(map(str, found.data.var_names))
    counts = found.data.X.toarray()
    return pl.DataFrame(
        {
            "group": [group for group in groups for _ in genes],
            "gene": genes * len(groups),
            "count": counts.ravel(),
        },
        schema=gene_counts(),
    )


def _told(sample: str, why: str) -> dict[str, Any]:
    return {"sample": sample, "check": "summed cells", "verdict": "warn", "reason": f"not summed: {why}"}
