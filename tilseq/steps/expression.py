"""Expression: one job a sample, which may be a part of a shared h5ad."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps import cell_expression
from tilseq.steps.counted_cells import obs_column, of_member, with_files_beside
from tilseq.steps.job import Job, needed, sample_jobs

if TYPE_CHECKING:
    import polars as pl
    from anndata import AnnData

    from tilseq.expression import CellScores
    from tilseq.expression.matrix import Counts
    from tilseq.expression.scores import Method
    from tilseq.expression.signatures import Signature
    from tilseq.io.gmt import GeneSets
    from tilseq.study import Study

STEP = "expression"
ONE_SAMPLE = "one sample"  # a check
# Columns of obs that tell samples or people apart, without their case, `_`, `.` and a final `id`.
TELLING = ("sample", "patient", "donor", "subject", "individual", "origident")


@dataclass(frozen=True)
class ScoredFile:
    """What one file gave.

    Attributes
    ----------
    scores, coverage, quality, exclusions
        Tables `scores`, `signature_coverage`, `quality` and `exclusions`.
    method
        How cells were scored, in words.
    told
        What a reader of the file should know.
    """

    scores: pl.DataFrame
    coverage: pl.DataFrame
    quality: pl.DataFrame
    exclusions: pl.DataFrame
    method: str
    told: tuple[str, ...]


def plan(study: Study) -> list[Job]:
    """Return one job for each single-cell sample with counts, which needs to know the cells that are kept."""
    settings = study.settings.analysis.expression
    arguments: dict[str, Any] = {"gene_sets": settings.gene_sets is not None, "layer": settings.layer}
    arguments |= {"method": settings.method, "controls": settings.controls}
    jobs = sample_jobs(study, STEP, study.available("scrna"), lambda sample: arguments)
    kept = {job.unit: (job.folder,) for job in cell_expression.plan(study)}
    jobs = [replace(with_files_beside(job), needs=kept[job.unit]) for job in jobs]
    if settings.gene_sets is None:
        return jobs
    return [replace(job, paths=(*job.paths, str(study.root / settings.gene_sets))) for job in jobs]


def run(job: Job, folder: Path) -> None:
    """Score the gene sets on one sample's kept cells and write scores, endpoints, quality and exclusions.

    The cells are those that are summed elsewhere; `exclusions` of the step `cell_expression` counts the others.
    """
    import polars as pl

    from tilseq.endpoints.rows import endpoint
    from tilseq.io.tenx import files_beside
    from tilseq.io.write import write_parquet
    from tilseq.tables.outputs import ENDPOINTS, EXCLUSIONS, QUALITY, SCORES
    from tilseq.tables.single_cells import SIGNATURE_COVERAGE

    sample = job.sample or {}
    given = job.arguments
    cells, gene_sets = (job.paths[:-1], job.paths[-1]) if given["gene_sets"] else (job.paths, None)
    how = {name: given[name] for name in ("layer", "method", "controls")}
    kept = _kept(job, folder)
    scored = score_file(cells[0], gene_sets, sample=job.unit, member=sample["member"], kept=kept, **how)
    rows = [
        endpoint(
            sample,
            "signature_score",
            row["value"],
            qualifiers={"set": row["set"]},
            n=row["n"],
            method=f"{scored.method}; {row['genes_found']} of {row['genes_listed']} genes",
        )
        for row in scored.scores.iter_rows(named=True)
    ]
    beside = {str(path) for path in files_beside(cells[0])}
    unread = ", ".join(Path(path).name for path in cells[1:] if path not in beside)
    told = [{"sample": job.unit, "check": "files", "verdict": "warn", "reason": f"not read: {unread}"}]
    write_parquet(scored.scores, SCORES, folder)
    write_parquet(scored.coverage, SIGNATURE_COVERAGE, folder)
    write_parquet(rows, ENDPOINTS, folder)
    write_parquet(pl.concat([scored.quality, QUALITY.frame(told if unread else [])]), QUALITY, folder)
    write_parquet(scored.exclusions.with_columns(file=pl.lit(sample["path"])), EXCLUSIONS, folder)


def _kept(job: Job, folder: Path) -> list[str]:
    """Return the cells of the sample that passed every rule of quality."""
    import polars as pl

    from tilseq.errors import AnalysisError
    from tilseq.tables.single_cells import CELL_EXPRESSION

    tables = list(needed(job, folder, CELL_EXPRESSION.name).values())
    if not tables:
        raise AnalysisError("which cells are kept is not known", mend="see why the step cell_expression failed")
    return pl.read_parquet(tables[0]).filter("kept")["cell_id"].to_list()


def score_file(
    path: str | Path,
    gene_sets: str | Path | None = None,
    *,
    sample: str,
    by: str | None = None,
    member: str | None = None,
    kept: Sequence[str] | None = None,
    layer: str | None = None,
    method: Method = "mean",
    controls: int = 0,
    seed: int = 0,
) -> ScoredFile:
    """Score gene sets on the cells of a file.

    Parameters
    ----------
    path
        An h5ad, or 10x's h5, folder or `matrix.mtx`; see `tilseq.io.single_cells.read_single_cells`.
    gene_sets
        A GMT file; None for the sets that come with the package.
    sample
        What the cells are a sample of, unless `by` tells.
    by
        Column of obs that names each cell's sample.
    member
        ``column=value`` of obs: only these cells are the sample.
    kept
        Only these cells of the sample are scored, by their names in obs; None for all.
    layer
        Where the raw counts stand; see `tilseq.expression.raw_counts`.
    method, controls, seed
        How cells are scored; see `tilseq.expression.score`.

    Raises
    ------
    ReadError
        A file cannot be read.
    AnalysisError
        There is no such column, value or layer, a cell has no sample, or the matrix does not hold raw counts.
    """
    from tilseq.errors import AnalysisError
    from tilseq.expression import as_signatures, load_signatures, raw_counts, score, summarise
    from tilseq.io.gmt import read_gmt
    from tilseq.io.single_cells import read_single_cells

    given = None if gene_sets is None else read_gmt(gene_sets)
    sets = as_signatures(load_signatures() if given is None else given)
    cells, told = read_single_cells(path)
    lost, of_sets = _told_of_sets(sets, given, cells.var_names)
    try:
        if member is not None:
            cells = of_member(cells, member)
        if kept is not None:
            cells = cells[list(kept)]
        groups = [sample] * cells.n_obs if by is None else _groups(cells, by)
        counts = raw_counts(cells, layer)
        scored = score(counts.matrix, counts.genes, sets, method=method, controls=controls, seed=seed)
    except AnalysisError as error:
        error.file = str(path)
        raise
    names = [sample] if by is None else sorted(set(groups))
    told_of = {"check": "reading of gene sets", "verdict": "warn" if lost else "pass", "reason": "; ".join(of_sets)}
    quality = [
        *_without_cells(scored, groups, names),
        *_names(counts, groups, names),
        *({"sample": name} | told_of for name in names if of_sets),
        *(_mixed(cells, sample) if by is None and member is None else ()),
    ]
    return ScoredFile(
        summarise(scored, groups),
        _coverage(scored, names),
        _quality(scored, names, quality),
        _without_counts(scored, groups, path),
        f"{_words(method, controls)} of {counts.place}",
        (*of_sets, *told),
    )


def _told_of_sets(
    sets: Mapping[str, Signature], given: GeneSets | None, genes: Iterable[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what sets lose of the genes of a file, and all that is to be told of how they were read."""
    from tilseq.gene_symbols import told_of_renamed, told_of_unfound

    listed = {name: (*one.up, *one.down) for name, one in sets.items()}
    lost = (*(() if given is None else given.told_beside(genes)), *told_of_unfound(genes, listed))
    return lost, (*lost, *told_of_renamed(listed))


def _words(method: Method, controls: int) -> str:
    """Return how cells were scored."""
    if method == "ucell":
        return "UCell on counts"
    return "mean less that of control genes, counts" if controls else "mean, counts"


def _coverage(scored: CellScores, names: list[str]) -> pl.DataFrame:
    """Return the coverage of sets, a row a sample and set."""
    import polars as pl

    from tilseq.tables.single_cells import SIGNATURE_COVERAGE

    rows = [scored.coverage.with_columns(sample=pl.lit(name)) for name in names]
    return pl.concat([SIGNATURE_COVERAGE.frame(), *(one.select(SIGNATURE_COVERAGE.frame().columns) for one in rows)])


def _without_cells(scored: CellScores, groups: list[str], names: list[str]) -> list[dict[str, Any]]:
    """Return a failed check for each sample of which no cell was scored."""
    known = {group for group, fine in zip(groups, scored.scored, strict=True) if fine}
    reason = "no cell has a count" if groups else "no cell, or none that is kept"
    return [
        {"sample": name, "check": "cells", "value": 0, "verdict": "fail", "reason": reason}
        for name in names
        if name not in known
    ]


def _names(counts: Counts, groups: list[str], names: list[str]) -> list[dict[str, Any]]:
    """Return a warning for each sample whose genes may bear each other's names, by the counts of all its cells."""
    import numpy as np

    from tilseq.expression.ubiquitous import check_names

    members = np.array(groups, object)
    sums = [np.asarray(counts.matrix[np.flatnonzero(members == name)].sum(axis=0)).ravel() for name in names]
    return check_names(np.array(sums), counts.genes, names)


def _mixed(cells: AnnData, sample: str) -> list[dict[str, Any]]:
    """Return a warning where columns of obs speak of several samples or people, all of which are taken for one."""
    plain = {str(name): str(name).casefold().replace("_", "").replace(".", "") for name in cells.obs.columns}
    telling = [name for name, word in plain.items() if word.removesuffix("id") in TELLING]
    several = {name: number for name in telling if (number := int(cells.obs[name].nunique())) > 1}
    if not several:
        return []
    named = ", ".join(f"{name} ({number} values)" for name, number in several.items())
    reason = (
        f"all cells are taken for one sample, but obs tells them apart by {named}: "
        f"write {next(iter(several))}=VALUE under `member` in samples.csv to take those of one, "
        f"or score each by --by {next(iter(several))}"
    )
    return [{"sample": sample, "check": ONE_SAMPLE, "verdict": "warn", "reason": reason}]


def _quality(scored: CellScores, names: list[str], others: list[dict[str, Any]]) -> pl.DataFrame:
    """Return a warning for each sample where sets were not scored, below the other checks."""
    from tilseq.errors import first_few
    from tilseq.tables.outputs import QUALITY

    refused = scored.coverage.drop_nulls("reason")
    sets = [f"{name} ({found} of {listed} genes)" for name, found, listed in
            refused.select("set", "genes_found", "genes_listed").iter_rows()]  # fmt: skip
    share = 1 - len(sets) / max(scored.coverage.height, 1)
    reason = f"{len(sets)} of {scored.coverage.height} gene sets are not scored: {first_few(sets, 5)}"
    row = {"check": "coverage of gene sets", "value": share, "limit": "all", "verdict": "warn", "reason": reason}
    return QUALITY.frame(others + [{"sample": sample} | row for sample in names if sets])


def _without_counts(scored: CellScores, groups: list[str], path: str | Path) -> pl.DataFrame:
    """Return how many cells of each sample were left out because they have no count."""
    from tilseq.tables.outputs import EXCLUSIONS

    empty = Counter(group for group, known in zip(groups, scored.scored, strict=True) if not known)
    rule = {"file": str(path), "rule": "cell without counts"}
    return EXCLUSIONS.frame([{"sample": group, "rows": cells} | rule for group, cells in empty.items()])


def _groups(cells: AnnData, by: str) -> list[str]:
    """Return the sample of each cell."""
    import polars as pl

    from tilseq.errors import AnalysisError
    from tilseq.expression.sample_design import refuse_twins

    names = obs_column(cells, by, by)
    if names.isna().any():
        found = f"{names.isna().sum()} of {cells.n_obs}"
        raise AnalysisError("cells without a sample", column=by, found=found, mend="name it, or leave these cells out")
    told = [str(name) for name in names]
    refuse_twins(pl.Series(by, told))
    return told
