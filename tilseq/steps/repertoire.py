"""Repertoire: one job a clonotype table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.job import Job, only_path, sample_jobs

if TYPE_CHECKING:
    import polars as pl

    from tilseq.io.clonotypes import Clonotypes
    from tilseq.study import Study

STEP = "repertoire"
KINDS = {"tcr": "TR", "bcr": "IG"}  # assay → how its loci begin
ASSAYS = tuple(KINDS)
MOLECULES = ("cells", "umis", "templates")  # each is of one cell; of one molecule may be many reads
LEAST_COUNTED = 100  # molecules, a round figure: with fewer a clone of 1 % is missed more often than every third time


def plan(study: Study) -> list[Job]:
    """Return one job for each T- or B-cell receptor sample."""

    def arguments(sample: dict[str, Any]) -> dict[str, Any]:
        settings = study.settings.analysis.repertoire
        locus = sample["locus"] or settings.locus
        told = {"dialect": sample["format"], "locus": locus, "least_yield": settings.least_yield}
        return told | ({"family_threshold": settings.family_threshold} if sample["assay"] == "bcr" else {})

    return sample_jobs(study, STEP, [row for assay in ASSAYS for row in study.available(assay)], arguments)


def run(job: Job, folder: Path) -> None:
    """Read one clonotype table and write its clones, quality and exclusions, and what files of some kinds tell besides.

    The cells behind its counts, and its diversity, wait for the other samples of its subject: the step `diversity`.
    """
    import polars as pl

    from tilseq.io.clonotypes import read_clonotypes
    from tilseq.io.write import write_frame, write_parquet
    from tilseq.repertoire.clones import counts_are
    from tilseq.repertoire.depth import depth
    from tilseq.steps.bcr import write_bcr
    from tilseq.steps.diversity_rows import diversity_rows
    from tilseq.steps.reading import reading_rows
    from tilseq.steps.single_cells import write_cells
    from tilseq.tables.outputs import ENDPOINTS, EXCLUSIONS, QUALITY
    from tilseq.tables.repertoire import DIVERSITY

    sample = job.sample or {}
    clonotypes = read_clonotypes(only_path(job), dialect=job.arguments["dialect"], locus=job.arguments["locus"])
    counts = counts_are(clonotypes.count_of, sample["count_of"], job.unit, "leave count_of empty in samples.csv")
    clonotypes = replace(clonotypes, count_of=counts)
    cells = depth(
        clonotypes.table,
        sample=job.unit,
        count_of=counts,
        counted=clonotypes.cells,
        cells=cells_in_library(sample),
    )
    excluded = clonotypes.exclusions.with_columns(sample=pl.lit(job.unit), file=pl.lit(sample["path"]))
    excluded = excluded.select(EXCLUSIONS.names)
    rows: list[dict[str, Any]] = []
    quality = reading_rows(job.unit, clonotypes) + _unusable_cells(sample)
    quality += _checks(job.unit, clonotypes, cells) + _of_the_other_kind(sample, clonotypes)
    quality += _depth(sample, clonotypes, job.arguments["least_yield"])
    if sample["assay"] == "bcr":
        told = (*clonotypes.warnings, *clonotypes.notes)
        rows, checks, of_t_cells = write_bcr(job, folder, told)
        quality += checks
        excluded = pl.concat([excluded, of_t_cells])
    if clonotypes.dialect == "10x":
        of_pairs, checks_of_cells, without_pair = write_cells(job, folder)
        rows = diversity_rows(sample, of_pairs, "key: nucleotide junctions of both chains; counts: cells")
        write_parquet(of_pairs, DIVERSITY, folder)
        quality += checks_of_cells.to_dicts()
        excluded = pl.concat([excluded, without_pair])
    clones = clonotypes.table.with_columns(
        count_of=pl.lit(counts),
        cells_of_locus=pl.col("locus").replace_strict(clonotypes.cells, default=None, return_dtype=pl.Int64),
    )
    write_frame(clones, folder / "clonotypes.parquet")
    write_parquet(rows, ENDPOINTS, folder)
    write_parquet(quality, QUALITY, folder)
    write_parquet(excluded, EXCLUSIONS, folder)


def _checks(sample: str, clonotypes: Clonotypes, depth: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the checks of a sample's clonotypes, but not those of single rules, which `exclusions` has."""
    import polars as pl

    from tilseq.repertoire.qc import LEFT_OUT_BY, qc

    checks = qc(
        clonotypes.table,
        sample=sample,
        count_of=clonotypes.count_of,
        exclusions=clonotypes.exclusions,
        rows_kept=clonotypes.rows,
        depth=depth,
    )
    return checks.filter(~pl.col("check").str.starts_with(LEFT_OUT_BY)).to_dicts()


def _of_the_other_kind(sample: Mapping[str, Any], clonotypes: Clonotypes) -> list[dict[str, Any]]:
    """Return a failed check where a sample of T cells holds receptors of B cells alone, or the reverse."""
    loci = clonotypes.table["locus"].unique().sort().to_list()
    if not loci or any(locus.startswith(KINDS[sample["assay"]]) for locus in loci):
        return []
    reason = f"a sample of {sample['assay']} that holds {', '.join(loci)} alone: is it another's file?"
    return [{"sample": sample["sample"], "check": "receptors of the assay", "verdict": "fail", "reason": reason}]


def cells_in_library(sample: Mapping[str, Any]) -> float | None:
    """Return the cells of the receptor's kind that went into a sample's library, or None where they are not known.

    A share of T cells says nothing of B cells, so that for `bcr` only `cells` itself serves.
    """
    from tilseq.repertoire.cells import cells_of

    if sample["assay"] == "bcr":
        return cells_of(sample["cells"], None, None)
    return cells_of(sample["cells"], sample["t_cell_fraction"], sample["input_ng"])


def count_of(clones: pl.DataFrame) -> str:
    """Return what a table's counts count; of a table without rows nothing is known."""
    return str(clones["count_of"][0]) if clones.height else "unknown"


def _depth(sample: Mapping[str, Any], clonotypes: Clonotypes, least_yield: float) -> list[dict[str, Any]]:
    """Return what can be said of a library's depth: of molecules counted for each cell put in, and of very few.

    Molecules are those of the locus with the most, for a cell has one chain or two of each of several loci. Reads, and
    counts whose meaning is not known, are no fewer than the molecules: too few of them fail a library, and many say
    nothing.
    """
    sums = clonotypes.table.select("locus", "duplicate_count").group_by("locus").sum()
    counts = clonotypes.cells or dict(sums.iter_rows())
    if not counts:
        return []
    counted, cells = max(counts.values()), cells_in_library(sample)
    said = f"{counted} {'' if clonotypes.count_of == 'unknown' else clonotypes.count_of + ' '}counted"
    rows: list[dict[str, Any]] = []
    if counted < LEAST_COUNTED:
        limit, reason = f"at least {LEAST_COUNTED}", f"{said}, too few to tell much of"
        rows.append({"check": "counted", "value": counted, "limit": limit, "verdict": "warn", "reason": reason})
    enough = cells is not None and counted / cells >= least_yield
    if cells is not None and (clonotypes.count_of in MOLECULES or not enough):
        rows.append(
            {
                "check": "depth",
                "value": counted / cells,
                "limit": f"at least {least_yield:g} for each cell put in",
                "verdict": "pass" if enough else "fail",
                "reason": f"{said} of {cells:.0f} cells" + ("" if enough else ", far too shallow for its input"),
            }
        )
    return [{"sample": sample["sample"], **row} for row in rows]


def _unusable_cells(sample: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a warning where samples.csv tells of the input and the number of cells cannot be had from it."""
    given = [name for name in ("cells", "input_ng") if sample[name] is not None]
    if not given or cells_in_library(sample) is not None:
        return []
    if sample["cells"] is not None or sample["t_cell_fraction"] is not None:
        reason = f"{given[0]} cannot be used: no cell of the receptor's kind comes of it"
    else:
        reason = "input_ng cannot be used: the cells in it take t_cell_fraction"
    return [{"sample": sample["sample"], "check": "cells of the library", "verdict": "warn", "reason": reason}]
