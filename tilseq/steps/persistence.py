"""Persistence: one job a subject, what the reference's clones hold of each other sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps import repertoire
from tilseq.steps.job import Job, needed
from tilseq.steps.receptor_subjects import by_subject, subject_job

if TYPE_CHECKING:
    import polars as pl

    from tilseq.study import Study

STEP = "persistence"
PRODUCT = "infusion_product"
MATCHED_BY = "key: nucleotide junction"  # how clones match
OF_ROW = ("sample", "locus", "measure")  # of the table `persistence`
PARAMETERS = {"mass": "persistence_mass", "product_mass_kept": "product_mass_kept"}


def plan(study: Study) -> list[Job]:
    """Return one job for each subject with a sample of the reference, be it a failed one, and another to read."""
    reference = study.settings.analysis.repertoire.reference
    jobs = []
    for subject, needs in by_subject(study).items():
        is_reference = [(job.sample or {})["specimen"] == reference for job in needs]
        failed = _failed_references(study, subject, reference)
        if (any(is_reference) or failed) and not all(is_reference):
            infusions = _infusions(study, subject) if reference == PRODUCT else []
            further = {"reference": reference, "failed": failed, "infusions": infusions}
            jobs.append(subject_job(STEP, subject, needs, **further))
    return jobs


def run(job: Job, folder: Path) -> None:
    """Write persistence and its endpoints for every sample of the subject that is not a reference.

    A sample is held against the parts of the reference that count for it, see `_counts_for`. Where one of them left no
    clonotypes, what the sample holds of them would be told too low: its endpoints are then without a number. Of parts
    that count different things, some serve and the others are left aside, see `_serving`. A locus of which
    too little is known has no number, the others do, see `_held`.
    """
    import polars as pl

    from tilseq.errors import AnalysisError
    from tilseq.io.write import write_parquet
    from tilseq.tables.outputs import ENDPOINTS, QUALITY
    from tilseq.tables.repertoire import PERSISTENCE

    reference = job.arguments["reference"]
    clones = {need: pl.read_parquet(path) for need, path in needed(job, folder, "clonotypes").items()}
    frames, rows, quality = [PERSISTENCE.frame()], [], _not_infused(job)
    for need, sample in job.arguments["samples"].items():
        if sample["specimen"] == reference or need not in clones or not _has_reference(job, sample["assay"]):
            continue
        table = clones[need]
        parts = _parts(job, sample)
        lost = _why_no_reference(job, sample, parts, clones)
        if lost is not None:
            quality.append(_told(sample, "fail", lost))
            rows += _not_evaluable(sample, table, reference, lost)
            continue
        try:
            held, why, told = _held(job, sample, table, {part: clones[part] for part in parts})
        except AnalysisError as error:  # one sample that cannot be compared does not stop the others
            reason = f"cannot be compared: {error}"
            quality.append(_told(sample, "warn", reason))
            rows += _not_evaluable(sample, table, reference, reason)
            continue
        quality += told
        frames.append(held)
        rows += _endpoints(sample, held, reference, why)
        failed = _failed(job, sample)
        if failed:
            reason = f"{', '.join(failed)} of the reference failed and is left out: the numbers are too low"
            quality.append(_told(sample, "warn", reason))
    write_parquet(pl.concat(frames), PERSISTENCE, folder)
    write_parquet(ENDPOINTS.frame(rows), ENDPOINTS, folder)
    write_parquet(QUALITY.frame(quality), QUALITY, folder)


def _held(
    job: Job, sample: Mapping[str, Any], table: pl.DataFrame, parts: Mapping[str, pl.DataFrame]
) -> tuple[pl.DataFrame, dict[str, str], list[dict[str, Any]]]:
    """Return what the clones of a reference hold of a sample, why a locus has no number, and what to tell of it.

    The mass is that of the clones seen in any part. What is kept of the reference's own mass takes counts of one kind:
    where the parts count different things, as a product does that was sequenced in bulk and cell by cell, some of them
    serve, or none. Neither is told of a locus that is known of too small a part of the reference.
    """
    from tilseq.tables.repertoire import PERSISTENCE

    kinds = {part: repertoire.count_of(clones) for part, clones in parts.items()}
    serving = _serving(job, kinds, repertoire.count_of(table))
    loci = {part: set(clones["locus"]) for part, clones in parts.items()}
    short = {
        "mass": _short(job, loci, _deep(job, kinds), set.union(*loci.values())),
        "product_mass_kept": _short(job, loci, serving, set().union(*(loci[part] for part in serving))),
    }
    why = {
        locus: _only_in(job, kinds, loci, locus) for locus in sorted(set.union(*short.values()) & set(table["locus"]))
    }
    rows = _measures(sample, table, parts, serving).to_dicts()
    held = PERSISTENCE.frame(
        [{name: row[name] for name in OF_ROW} if row["locus"] in short[row["measure"]] else row for row in rows]
    )
    reasons = [] if len(set(kinds.values())) == 1 else [_of_kinds(job, kinds, serving)]
    reason = "; ".join([*reasons, *why.values()])
    told = {**_told(sample, "warn" if why else "pass", reason), "check": "reference"}
    return held, why, [told] if reason else []


def _measures(
    sample: Mapping[str, Any], table: pl.DataFrame, parts: Mapping[str, pl.DataFrame], serving: Sequence[str]
) -> pl.DataFrame:
    """Return the mass by all parts of a reference, and what is kept of its own mass by those that serve."""
    import polars as pl

    from tilseq.receptors import CLONE
    from tilseq.repertoire.cells import effective_numbers
    from tilseq.repertoire.persistence import persistence

    effective = effective_numbers(table, repertoire.count_of(table), repertoire.cells_behind(table, sample))

    def against(some: Sequence[str]) -> pl.DataFrame:
        clones = pl.concat([parts[part].select(*CLONE, "duplicate_count") for part in some])
        return persistence(table, clones, sample=sample["sample"], n_effective=effective)

    held, is_mass = against(list(parts)), pl.col("measure") == "mass"
    if len(serving) == len(parts):
        return held
    if any(set(parts[part]["locus"]) & set(table["locus"]) for part in serving):
        kept = against(serving).filter(~is_mass)
    else:
        kept = held.filter(~is_mass).with_columns(value=pl.lit(None, pl.Float64))
    return pl.concat([held.filter(is_mass), kept]).sort("locus", "measure")


def _deep(job: Job, kinds: Mapping[str, str]) -> list[str]:
    """Return the bulk libraries of each lot or lesion, and the single cells of those that have none.

    A few hundred cells show so few of the clones that beside a bulk library they are no reference by themselves.
    """
    bulk = [part for part, kind in kinds.items() if kind != "cells"]
    in_bulk = {_material(job, part) for part in bulk}
    return bulk + [part for part in kinds if _material(job, part) not in in_bulk]


def _short(job: Job, loci: Mapping[str, set[str]], parts: Sequence[str], every: set[str]) -> set[str]:
    """Return which of some loci these parts of a reference do not hold of each lot or lesion."""
    of_material: dict[tuple[str | None, ...], set[str]] = {}
    for part in parts:
        of_material.setdefault(_material(job, part), set()).update(loci[part])
    return every - every.intersection(*of_material.values())


def _only_in(job: Job, kinds: Mapping[str, str], loci: Mapping[str, set[str]], locus: str) -> str:
    """Return why a locus has no number."""
    holding = {part: kind for part, kind in kinds.items() if locus in loci[part]}
    return f"{locus} is only in {_with_kinds(job, holding)} of the reference: too small a part of it for a number"


def _of_kinds(job: Job, kinds: Mapping[str, str], serving: Sequence[str]) -> str:
    """Return which parts of a reference gave what, where they count different things."""
    kept = "not told, as no kind of count is had of the whole reference and is the sample's own"
    if serving:
        kept = f"that of {_with_kinds(job, {part: kinds[part] for part in serving})}"
    return f"mass of clones seen in any of {_with_kinds(job, kinds)}; product mass kept: {kept}"


def _failed_references(study: Study, subject: str, reference: str) -> list[dict[str, Any]]:
    """Return the samples of the reference that samples.csv itself calls failed: sample, assay and lot."""
    import polars as pl

    own = pl.col("role").fill_null("sample") == "sample"
    receptors = pl.col("assay").is_in(repertoire.ASSAYS)
    rows = study.samples.filter(own, receptors, subject=subject, specimen=reference, status="failed")
    return rows.select("sample", "assay", "lot").to_dicts()


def _infusions(study: Study, subject: str) -> list[dict[str, Any]]:
    return study.infusions.filter(subject=subject).select("day", "lot").sort("day", "lot").to_dicts()


def _counts_for(sample: Mapping[str, Any], lot: str | None, infusions: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a lot is part of the reference of a sample: it had been infused when the sample was taken.

    A sample from before the first infusion is held against every lot that was ever infused. Where the lot is not
    known, or no infusion names its lot, it counts.
    """
    if not _is_known(lot, infusions):
        return True
    days = [infusion["day"] for infusion in infusions if infusion["lot"] == lot]
    day, before = sample["day"], sample["timing"] == "pre"
    if day is None or day < 0 or (day == 0 and before):
        return bool(days)
    return any(infused < day or (infused == day and not before) for infused in days)


def _is_known(lot: str | None, infusions: Sequence[Mapping[str, Any]]) -> bool:
    """Whether it can be told if a lot was infused."""
    return lot is not None and any(infusion["lot"] is not None for infusion in infusions)


def _not_infused(job: Job) -> list[dict[str, Any]]:
    """Return a warning for each sample of a lot that the subject never got."""
    infusions = job.arguments["infusions"]
    given = {infusion["lot"] for infusion in infusions}
    return [
        _told(sample, "warn", f"lot {sample['lot']} is not in infusions.csv: it is no part of the reference")
        for sample in job.arguments["samples"].values()
        if sample["specimen"] == job.arguments["reference"]
        and _is_known(sample["lot"], infusions)
        and sample["lot"] not in given
    ]


def _has_reference(job: Job, assay: str) -> bool:
    """Whether the subject's reference was meant to be measured by an assay."""
    wanted = (job.arguments["reference"], assay)
    measured = any((row["specimen"], row["assay"]) == wanted for row in job.arguments["samples"].values())
    return measured or any(row["assay"] == assay for row in job.arguments["failed"])


def _parts(job: Job, sample: Mapping[str, Any]) -> list[str]:
    """Return the jobs whose clones together are the reference of a sample."""
    return [
        need
        for need, row in job.arguments["samples"].items()
        if (row["specimen"], row["assay"]) == (job.arguments["reference"], sample["assay"])
        and _counts_for(sample, row["lot"], job.arguments["infusions"])
    ]


def _failed(job: Job, sample: Mapping[str, Any]) -> list[str]:
    """Return the samples that samples.csv calls failed and that would be part of a sample's reference."""
    return [
        row["sample"]
        for row in job.arguments["failed"]
        if row["assay"] == sample["assay"] and _counts_for(sample, row["lot"], job.arguments["infusions"])
    ]


def _why_no_reference(
    job: Job, sample: Mapping[str, Any], parts: Sequence[str], clones: Mapping[str, pl.DataFrame]
) -> str | None:
    """Return why there is no reference to hold a sample against, or None where there is one."""
    lost = [job.arguments["samples"][part]["sample"] for part in parts if part not in clones or not clones[part].height]
    if lost:
        return (
            f"{', '.join(lost)} of the reference left no clonotypes, so the numbers would be too low: mend its file, "
            "or write `failed` under its status to go on without it"
        )
    if parts:
        return None
    failed = _failed(job, sample)
    if failed:
        return f"no reference: {', '.join(failed)} failed"
    return f"no reference: no lot that was sampled had been infused by day {sample['day']}"


def _serving(job: Job, kinds: Mapping[str, str], kind: str) -> list[str]:
    """Return the parts of a reference whose counts can be summed, and nothing where there are none such.

    The parts that count what the sample counts serve, else the only ones of their kind, but never without a lot or
    lesion of which there are others.

    Parameters
    ----------
    kinds
        Part to what it counts.
    kind
        What the sample counts.
    """
    every = {_material(job, part) for part in kinds}
    whole = {}
    for one in dict.fromkeys(kinds.values()):
        parts = [part for part in kinds if kinds[part] == one]
        if {_material(job, part) for part in parts} == every:
            whole[one] = parts
    if kind in whole:
        return whole[kind]
    return next(iter(whole.values())) if len(whole) == 1 else []


def _material(job: Job, part: str) -> tuple[str | None, ...]:
    """Return what a part of the reference was taken from: its lot, else its lesion and visit."""
    row = job.arguments["samples"][part]
    return (row["lot"],) if row["lot"] is not None else (row["lesion"], row["visit"])


def _with_kinds(job: Job, kinds: Mapping[str, str]) -> str:
    """Return the samples of some parts, each with what it counts."""
    return ", ".join(f"{job.arguments['samples'][part]['sample']} ({kind})" for part, kind in kinds.items())


def _told(sample: Mapping[str, Any], verdict: str, reason: str) -> dict[str, Any]:
    return {"sample": sample["sample"], "check": "persistence", "verdict": verdict, "reason": reason}


def _not_evaluable(sample: Mapping[str, Any], table: pl.DataFrame, reference: str, reason: str) -> list[dict[str, Any]]:
    """Return the endpoints of a sample without a number, one a locus; `method` says why."""
    from tilseq.endpoints.rows import endpoint

    loci = table["locus"].unique().sort().to_list() or [None]
    return [
        endpoint(sample, name, None, qualifiers={"locus": locus, "reference": reference}, method=reason)
        for locus in loci
        for name in PARAMETERS.values()
    ]


def _endpoints(
    sample: Mapping[str, Any], held: pl.DataFrame, reference: str, why: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the endpoints of one sample; what is not seen is below the limit of detection, not 0.

    `why` says by locus why there is no number.
    """
    from tilseq.endpoints.rows import endpoint

    return [
        endpoint(
            sample,
            PARAMETERS[row["measure"]],
            row["value"],
            qualifiers={"locus": row["locus"], "reference": reference},
            lower=row["lower"],
            upper=row["upper"],
            interval_method="Clopper-Pearson on effective cells",
            n=row["n_effective"],
            status="not_detected" if row["value"] == 0 else None,
            value_text="< limit of detection" if row["value"] == 0 else None,
            method=MATCHED_BY if row["value"] is not None else why.get(row["locus"], MATCHED_BY),
        )
        for row in held.iter_rows(named=True)
    ]
