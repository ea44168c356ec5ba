"""Bulk RNA: one job a sample, its counts by gene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.job import Job, only_path, sample_jobs
from tilseq.steps.sex import sex_checks, sex_recorded

if TYPE_CHECKING:
    import polars as pl

    from tilseq.io.count_matrix import CountMatrix
    from tilseq.study import Study

STEP = "bulk_rna"
COUNTS = "gene_counts"  # group, gene, count: of bulk RNA a group is a sample
LEAST_COUNTS = 1e6  # reads of genes of a library, below which its rarer genes are a matter of chance


def gene_counts() -> dict[str, Any]:
    """Return the columns of the counts that a job leaves for `transcriptome`, with their types."""
    import polars as pl

    return {"group": pl.String(), "gene": pl.String(), "count": pl.Int64()}


def plan(study: Study) -> list[Job]:
    """Return one job for each sample of bulk RNA; the table of transcripts, where the study has one, stands last."""
    transcripts = study.settings.analysis.expression.transcripts
    arguments = {"transcripts": transcripts is not None}
    jobs = sample_jobs(study, STEP, study.available("bulk_rna"), lambda sample: arguments | sex_recorded(study, sample))
    if transcripts is None:
        return jobs
    return [replace(job, paths=(*job.paths, str(study.root / transcripts))) for job in jobs]


def run(job: Job, folder: Path) -> None:
    """Write the counts of one sample, gene by gene, and what is to be said of its depth."""
    from tilseq.expression.ubiquitous import check_names
    from tilseq.io.write import write_frame, write_parquet
    from tilseq.tables.outputs import EXCLUSIONS, QUALITY

    sample = job.sample or {}
    matrix = _matrix(job, sample)
    rule = {"sample": job.unit, "file": sample["path"], "rule": "row of no gene"}
    left_out = [rule | {"rows": len(matrix.no_genes)}] if matrix.no_genes else []
    write_parquet(left_out, EXCLUSIONS, folder)
    counts = sample_counts(matrix, sample)
    write_frame(counts, folder / f"{COUNTS}.parquet")
    told = {"sample": job.unit, "check": "reading of counts", "verdict": "pass", "reason": "; ".join(matrix.told)}
    checks = [_depth(job.unit, float(counts["count"].sum())), *([told] if matrix.told else [])]
    doubt = matrix.doubts.get(sample["member"] or matrix.samples[0])
    checks += [{"sample": job.unit, "check": "reads of genes", "verdict": "warn", "reason": doubt}] if doubt else []
    genes, library = counts["gene"].to_list(), counts["count"].to_numpy()[None]
    checks += _names(job.unit, genes)
    checks += check_names(library, genes, [job.unit])
    checks += sex_checks(job, genes, library)
    write_parquet(checks, QUALITY, folder)


def _matrix(job: Job, sample: Mapping[str, Any]) -> CountMatrix:
    """Return the counts of the sample's file: of genes, or of transcripts summed by gene.

    Raises
    ------
    AnalysisError
        The file is Salmon's or kallisto's, and the study has no table of transcripts.
    """
    from tilseq.errors import AnalysisError
    from tilseq.io.count_matrix import read_count_matrix
    from tilseq.io.quantifications import is_quantification, read_quantifications

    known = job.arguments["transcripts"]
    path = only_path(replace(job, paths=job.paths[:-1]) if known else job)
    if not is_quantification(path):
        return read_count_matrix(path)
    if not known:
        mend = "name a table of transcript and gene under analysis.expression.transcripts in study.yaml"
        raise AnalysisError("estimated counts of transcripts, whose genes are not known", file=path, mend=mend)
    return read_quantifications({sample["sample"]: path}, job.paths[-1])


def sample_counts(matrix: CountMatrix, sample: Mapping[str, Any]) -> pl.DataFrame:
    """Return `group, gene, count` of one sample of a matrix, a row each gene of the file.

    Parameters
    ----------
    matrix
        The file's counts.
    sample
        Row of samples.csv: `sample`, and `member` where the file holds several samples.

    Raises
    ------
    AnalysisError
        The file holds several samples and `member` names none of them.
    """
    import numpy as np
    import polars as pl

    from tilseq.errors import AnalysisError, did_you_mean, first_few

    member = sample["member"]
    if member is None and len(matrix.samples) > 1:
        found = first_few(matrix.samples, 5)
        mend = "name the column of this sample under `member` in samples.csv"
        raise AnalysisError("the file holds several samples", file=sample["path"], found=found, mend=mend)
    if member is not None and member not in matrix.samples:
        mend = did_you_mean(member, matrix.samples) or f"it has {first_few(matrix.samples, 5)}"
        what = "the file has no such sample"
        raise AnalysisError(what, file=sample["path"], column="member", found=member, mend=mend)
    row = 0 if member is None else matrix.samples.index(member)
    own = matrix.counts[[row]]
    counts = np.asarray(own.toarray() if hasattr(own, "toarray") else own)[0]
    frame = pl.DataFrame({"gene": matrix.genes, "count": counts.astype(np.int64)})
    return frame.select(pl.lit(sample["sample"]).alias("group"), "gene", "count")


def _names(sample: str, genes: Sequence[str]) -> list[dict[str, Any]]:
    """Return a warning where most genes have no symbol: no gene set finds them, nor do files that name them by one."""
    from tilseq.gene_symbols import no_symbol

    ids = sum(no_symbol(gene) is not None for gene in genes)
    if 2 * ids <= len(genes):
        return []
    reason = f"{ids} of {len(genes)} genes have no symbol: no gene set finds them"
    limit = "symbols of half of the genes or more"
    row = {"check": "names of genes", "value": len(genes) - ids, "limit": limit, "verdict": "warn", "reason": reason}
    return [{"sample": sample} | row]


def _depth(sample: str, counts: float) -> dict[str, Any]:
    verdict, reason = "pass", None
    if counts < LEAST_COUNTS:
        verdict, reason = "warn", "few counts: rarer genes are a matter of chance"
    if counts == 0:
        verdict, reason = "fail", "no counts: the library holds nothing"
    return {
        "sample": sample,
        "check": "counts of genes",
        "value": counts,
        "limit": f"at least {LEAST_COUNTS:,.0f}",
        "verdict": verdict,
        "reason": reason,
    }
