"""Persistence: one job a subject, what the reference's clones hold of each other sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tilseq.steps import contamination, repertoire
from tilseq.steps.job import Job, needed, read_needed
from tilseq.steps.receptor_subjects import by_subject, subject_job
from tilseq.steps.reference import (
    NEVER_INFUSED,
    PRODUCT,
    failed_of,
    failed_references,
    has_reference,
    holds_sort,
    infusions_of,
    is_after,
    is_before,
    lots_not_in_time,
    lots_without_library,
    material,
    not_infused,
    not_yet_infused,
    of_another_subject,
    parts_of,
    quality_row,
    serving_parts,
    why_no_reference,
    with_kinds,
)
from tilseq.steps.template_counting import after_counting, miscounted

if TYPE_CHECKING:
    import polars as pl

    from tilseq.repertoire.miscounting import Miscounting
    from tilseq.study import Study

STEP = "persistence"
MATCHED_BY = "key: nucleotide junction"  # how clones match
OF_KEPT = "Clopper-Pearson with the variance of rarefaction"
NO_KIND = "not told, as no kind of count is had of the whole reference and is the sample's own"
OTHER_SORT = "not told, as the sample's cells were sorted ({}) and those of {} were not"
OF_ROW = ("sample", "locus", "measure")  # of the table `persistence`
OF_POOR = "nothing is told of it at the depth that other samples have in common"
OF_OTHER_LOTS = "what is kept of the product, and shares of its clones, do not compare with those of later samples"
MOST_BEFORE = 0.1  # of blood of before the infusion: clones of a product of TIL hold a few percent of it
MASSES = ("mass", "mass_new")  # the other measures are of what is kept of the reference
PARAMETERS = {
    "mass": "persistence_mass",
    "mass_new": "persistence_mass_new",
    "product_mass_kept": "product_mass_kept",
    "product_mass_kept_at_n": "product_mass_kept_at_n",
    "clones_at_n": "persistence_clones_at_n",
    "frequent_clones_at_n": "persistence_frequent_clones_at_n",
}
NEEDED = ("persistence_mass", "product_mass_kept")  # which a sample without a number lacks


class Beside(NamedTuple):
    """What a sample is told with, beside its reference.

    Attributes
    ----------
    with_cells
        Need → clones of the sample as `effective_clones` gives them.
    baseline
        Clones of the subject's blood from before the infusion, by the sample's assay and of all cells or its sort; None
        where there are none.
    at_cells
        Locus → distinct cells that all later blood samples of its kind and sort show, but for those that failed a check
        or of which the cells are not known.
    apart
        Why the sample is not compared at that depth, though others of its kind are; None where it is.
    threshold
        Share of the reference from which on a clone is frequent.
    """

    with_cells: Callable[[str], pl.DataFrame]
    baseline: pl.DataFrame | None
    at_cells: Mapping[str, float]
    apart: str | None
    threshold: float


def plan(study: Study) -> list[Job]:
    """Return one job for each subject with a sample of the reference, be it a failed one, and another to read."""
    reference = study.settings.analysis.repertoire.reference
    jobs, subjects = [], by_subject(study)
    for subject, needs in subjects.items():
        is_reference = [(job.sample or {})["specimen"] == reference for job in needs]
        failed = failed_references(study, subject, reference)
        if (any(is_reference) or failed) and not all(is_reference):
            infusions = infusions_of(study, subject, reference)
            threshold = study.settings.analysis.repertoire.threshold
            further = {"reference": reference, "failed": failed, "infusions": infusions, "threshold": threshold}
            jobs.append(subject_job(STEP, subject, needs, **further))
    first = tuple(job.folder for job in contamination.plan(study))
    return after_counting(subjects, [replace(job, needs=job.needs + first) for job in jobs])


def run(job: Job, folder: Path) -> None:
    """Write persistence and its endpoints for every sample of the subject that is not a reference.

    A sample is held against the parts of the reference that count for it, see `reference.parts_of`. Where one of them
    left no clonotypes, what the sample holds of them would be told too low: its endpoints are then without a number.
    Of parts that count different things, some serve and the others are left aside, see `reference.serving_parts`.
    Cells that were sorted are told by themselves, their sort in the qualifier `population`, see `_of_own_sort`. A
    locus of which too little is known has no number, the others do, see `_held`. Nor is there a number of a product
    that the subject never got.
    """
    import polars as pl

    from tilseq.errors import AnalysisError
    from tilseq.io.write import write_parquet
    from tilseq.tables.outputs import ENDPOINTS, QUALITY
    from tilseq.tables.repertoire import PERSISTENCE

    reference, samples = job.arguments["reference"], job.arguments["samples"]
    clones = read_needed(job, folder, "clonotypes")
    strange = of_another_subject(job, folder)
    clones = {need: frame for need, frame in clones.items() if samples[need]["sample"] not in strange}
    poor = _of_poor_quality(job, folder)
    with_cells = _with_cells(job, clones, miscounted(job, folder))
    frames, rows, quality = [PERSISTENCE.frame()], [], not_infused(job) + lots_not_in_time(job)
    for need, sample in samples.items():
        if sample["specimen"] == reference or not has_reference(job, sample["assay"]):
            continue
        refused = _refused(job, need, clones, strange)
        if refused is None and need not in clones:
            continue  # its own `failures` tells why
        if refused is None:
            try:
                beside = _beside(job, need, clones, poor, with_cells)
                held, why, told = _held(job, need, clones, parts_of(job, sample), beside)
            except AnalysisError as error:  # one sample that cannot be compared does not stop the others
                refused = "warn", f"cannot be compared: {error}"
        if refused is not None:
            quality.append(quality_row(sample, *refused))
            rows += _not_evaluable(sample, clones.get(need), reference, refused[1])
            continue
        frames.append(held)
        rows += _endpoints(sample, held, reference, why)
        quality += [*told, *_doubts(job, sample, held, beside.apart), *_exchanged(job, need, clones, beside)]
    write_parquet(pl.concat(frames), PERSISTENCE, folder)
    write_parquet(rows, ENDPOINTS, folder)
    write_parquet(quality, QUALITY, folder)


def _refused(
    job: Job, need: str, clones: Mapping[str, pl.DataFrame], strange: Mapping[str, str]
) -> tuple[str, str] | None:
    """Return verdict and reason where a sample can have no number, whatever it holds; None where it may have one."""
    sample = job.arguments["samples"][need]
    if job.arguments["reference"] == PRODUCT and not job.arguments["infusions"]:
        return "warn", NEVER_INFUSED
    if sample["sample"] in strange:
        return "fail", f"of another subject: {strange[sample['sample']]}"
    lost = why_no_reference(job, sample, parts_of(job, sample), clones) if need in clones else None
    return None if lost is None else ("fail", lost)


def _doubts(job: Job, sample: Mapping[str, Any], held: pl.DataFrame, apart: str | None) -> list[dict[str, Any]]:
    """Return rows of `quality` on how far the numbers of a sample can be believed, and compared with others."""
    found = [] if apart is None else [("common depth", "warn", apart)]
    of_product = job.arguments["reference"] == PRODUCT
    if of_product and sample["specimen"] == "blood" and is_before(sample) and (there := _there_before(held)):
        found.append(("before the infusion", "warn", there))
    if yet := not_yet_infused(job, sample):
        reason = f"held against what had been infused by day {sample['day']}, which is without {', '.join(yet)}"
        found.append(("lots infused", "pass", f"{reason}: {OF_OTHER_LOTS}"))
    if failed := failed_of(job, sample):
        reason = f"{', '.join(failed)} of the reference failed and is left out: the numbers are too low"
        found.append(("persistence", "warn", reason))
    if unread := lots_without_library(job, sample):
        reason = f"lot {', '.join(unread)} was infused and has no library: the numbers are too low"
        found.append(("lots sequenced", "warn", reason))
    return [quality_row(sample, verdict, reason, check) for check, verdict, reason in found]


def _there_before(held: pl.DataFrame) -> str:
    """Say where blood of before the infusion holds so much of the product that samples may have been exchanged."""
    import polars as pl

    masses = held.filter(pl.col("measure") == "mass", pl.coalesce("lower", "value") > MOST_BEFORE)
    shares = [f"{value:.0%} of {locus}" for locus, value in masses.select("locus", "value").iter_rows()]
    if not shares:
        return ""
    return (
        f"clones of the product hold {', '.join(shares)} of this blood of before the infusion: were days, or this "
        "sample and another, exchanged? (Of a product that was grown from blood it may be so)"
    )


def _exchanged(job: Job, need: str, clones: Mapping[str, pl.DataFrame], beside: Beside) -> Iterator[dict[str, Any]]:
    """Yield a row of `quality` where blood and the product may have been exchanged."""
    import polars as pl

    from tilseq.repertoire.exchanged import exchanged_with_baseline, exchanged_with_product

    rows, sample = job.arguments["samples"], job.arguments["samples"][need]
    if job.arguments["reference"] != PRODUCT or sample["specimen"] != "blood":
        return
    columns = ("locus", "junction", "duplicate_count")
    product = pl.concat([clones[part].select(columns) for part in parts_of(job, sample)])
    of_tumor = [one for one in clones if (rows[one]["specimen"], rows[one]["assay"]) == ("tumor", sample["assay"])]
    reason = ""
    if beside.baseline is not None:
        reason = exchanged_with_product(clones[need], product, beside.baseline)
    elif is_before(sample) and of_tumor:
        tumor = pl.concat([clones[one].select(columns) for one in of_tumor])
        reason = exchanged_with_baseline(clones[need], product, tumor)
    if reason:
        yield quality_row(sample, "warn", reason, "exchanged with the product")


def _of_poor_quality(job: Job, folder: Path) -> set[str]:
    """Return the samples that failed a check of their own: a failed library must not set the depth of all others."""
    import polars as pl

    return {need for need, path in needed(job, folder, "quality").items() if "fail" in pl.read_parquet(path)["verdict"]}


def _with_cells(
    job: Job, clones: Mapping[str, pl.DataFrame], counting: Mapping[str, Miscounting] | None
) -> Callable[[str], pl.DataFrame]:
    """Return need → clones as `effective_clones` gives them, each worked out when it is first asked for, and once."""
    from tilseq.repertoire.depth import with_depth
    from tilseq.steps.cells_behind import known_cells

    rows = job.arguments["samples"]

    @cache
    def cells() -> pl.DataFrame:
        by_sample = {rows[one]["sample"]: clones[one] for one in clones}
        return known_cells(list(rows.values()), by_sample, counting)

    @cache
    def with_cells(need: str) -> pl.DataFrame:
        return with_depth(clones[need], cells().filter(sample=rows[need]["sample"]))

    return with_cells


def _beside(
    job: Job,
    need: str,
    clones: Mapping[str, pl.DataFrame],
    poor: set[str],
    with_cells: Callable[[str], pl.DataFrame],
) -> Beside:
    """Return what a sample is told with; those of `poor` quality take no part in the depth in common."""
    import polars as pl

    from tilseq.receptors import CLONE
    from tilseq.repertoire.still_seen import common_cells, without_depth

    rows, sample = job.arguments["samples"], job.arguments["samples"][need]
    blood = [one for one in clones if (rows[one]["specimen"], rows[one]["assay"]) == ("blood", sample["assay"])]
    early = [one for one in blood if is_before(rows[one]) and holds_sort(rows[one], sample) and clones[one].height]
    before = [clones[one].select(*CLONE, "duplicate_count") for one in early]
    kind = repertoire.count_of(clones[need])
    sort = sample["marked_population"]
    after = [one for one in blood if is_after(rows[one]) and rows[one]["marked_population"] == sort]
    alike = [one for one in after if repertoire.count_of(clones[one]) == kind]
    taken = {one: with_cells(one) for one in alike if clones[one].height}
    later = {one: table for one, table in taken.items() if one not in poor}
    apart = None
    if need in taken and len(taken) > 1:
        apart = f"it failed a check: {OF_POOR}" if need in poor else without_depth(taken[need])
    return Beside(
        with_cells,
        pl.concat(before) if before and not is_before(sample) else None,
        common_cells(later) if need in later else {},
        apart,
        job.arguments["threshold"],
    )


def _held(
    job: Job, need: str, clones: Mapping[str, pl.DataFrame], of_reference: Sequence[str], beside: Beside
) -> tuple[pl.DataFrame, dict[tuple[str, str], str], list[dict[str, Any]]]:
    """Return what the clones of a reference hold of a sample, why a locus and measure has no number, and what to tell.

    The mass is that of the clones seen in any part. What is kept of the reference's own mass takes counts of one kind:
    where the parts count different things, as a product does that was sequenced in bulk and cell by cell, some of them
    serve, or none; nor does a part that was not sorted as the sample's cells were. Neither is told of a locus that is
    known of too small a part of the reference.
    """
    from tilseq.tables.repertoire import PERSISTENCE

    sample, table = job.arguments["samples"][need], clones[need]
    parts = {part: clones[part] for part in of_reference}
    kinds = {part: repertoire.count_of(clones) for part, clones in parts.items()}
    of_sort = _of_own_sort(job, kinds, sample)
    serving = serving_parts(job, of_sort, repertoire.count_of(table))
    loci = {part: set(clones["locus"].unique()) for part, clones in parts.items()}
    short = {
        "mass": _short(job, loci, _deep(job, kinds), set.union(*loci.values())),
        "product_mass_kept": _short(job, loci, serving, set().union(*(loci[part] for part in serving))),
    }
    missing = set.union(*short.values()) & set(table["locus"].unique())
    why = {locus: _only_in(job, kinds, loci, locus) for locus in sorted(missing)}
    rows = []
    for row in _measures(sample["sample"], need, parts, serving, beside).iter_rows(named=True):
        known = row["locus"] not in short["mass" if row["measure"] in MASSES else "product_mass_kept"]
        if known:
            rows.append(row)
        elif row["measure"] in short:
            rows.append({name: row[name] for name in OF_ROW})
    held = PERSISTENCE.frame(rows)
    of_all = {part: kind for part, kind in kinds.items() if job.arguments["samples"][part]["marked_population"] is None}
    not_kept = NO_KIND if of_sort else OTHER_SORT.format(sample["marked_population"], with_kinds(job, of_all))
    reasons = [] if len(set(kinds.values())) == 1 else [_of_kinds(job, kinds, serving, not_kept)]
    if not of_sort and not reasons:
        reasons = [f"product mass kept: {not_kept}"]
    reason = "; ".join([*reasons, *why.values()])
    told = quality_row(sample, "warn" if why else "pass", reason, "reference")
    none = _why_none(held, set(table["locus"].unique()), set().union(*loci.values())) | why
    unsaid = {(locus, measure): reason for locus, reason in none.items() for measure in PARAMETERS}
    if not serving:
        unsaid = {(locus, "product_mass_kept"): not_kept for locus in held["locus"]} | unsaid
    return held, unsaid, [told] if reason else []


def _measures(
    sample: str,
    need: str,
    parts: Mapping[str, pl.DataFrame],
    serving: Sequence[str],
    beside: Beside,
) -> pl.DataFrame:
    """Return the masses by all parts of a reference, and what is kept of its own mass by those that serve."""
    import polars as pl

    from tilseq.repertoire.clones import clone_counts
    from tilseq.repertoire.effective import summed
    from tilseq.repertoire.persistence import persistence_of

    later = beside.with_cells(need)
    baseline = None if beside.baseline is None else clone_counts(beside.baseline)

    def against(some: Sequence[str]) -> pl.DataFrame:
        return persistence_of(
            later,
            summed([beside.with_cells(part) for part in some]),
            sample=sample,
            baseline=baseline,
            at_cells=beside.at_cells,
            threshold=beside.threshold,
        )

    held, is_mass = against(list(parts)), pl.col("measure").is_in(MASSES)
    if len(serving) == len(parts):
        return held
    if any(parts[part]["locus"].is_in(later["locus"].unique().implode()).any() for part in serving):
        kept = against(serving).filter(~is_mass)
    else:
        nothing = [pl.lit(None, pl.Float64).alias(name) for name in ("value", "lower", "upper")]
        kept = held.filter(measure="product_mass_kept").with_columns(nothing)
    return pl.concat([held.filter(is_mass), kept]).sort("locus", "measure")


def _deep(job: Job, kinds: Mapping[str, str]) -> list[str]:
    """Return the bulk libraries of each lot or lesion, and the single cells of those that have none.

    A few hundred cells show so few of the clones that beside a bulk library they are no reference by themselves.
    """
    bulk = [part for part, kind in kinds.items() if kind != "cells"]
    in_bulk = {material(job, part) for part in bulk}
    return bulk + [part for part in kinds if material(job, part) not in in_bulk]


def _short(job: Job, loci: Mapping[str, set[str]], parts: Sequence[str], every: set[str]) -> set[str]:
    """Return which of some loci these parts of a reference do not hold of each lot or lesion."""
    of_material: dict[tuple[str | None, ...], set[str]] = {}
    for part in parts:
        of_material.setdefault(material(job, part), set()).update(loci[part])
    return every - every.intersection(*of_material.values())


def _only_in(job: Job, kinds: Mapping[str, str], loci: Mapping[str, set[str]], locus: str) -> str:
    """Return why a locus has no number."""
    holding = {part: kind for part, kind in kinds.items() if locus in loci[part]}
    return f"{locus} is only in {with_kinds(job, holding)} of the reference: too small a part of it for a number"


def _why_none(held: pl.DataFrame, own: set[str], of_reference: set[str]) -> dict[str, str]:
    """Return why a locus of a sample has no mass, where enough is known of the reference."""
    import polars as pl

    reasons = {}
    for locus in held.filter(pl.col("value").is_null(), measure="mass")["locus"]:
        if locus in own & of_reference:
            reasons[locus] = "no clone of the reference is seen, and the cells behind the counts are not known"
        else:
            reasons[locus] = f"no clone of {locus} in the {'reference' if locus in own else 'sample'}"
    return reasons


def _of_own_sort(job: Job, kinds: Mapping[str, str], sample: Mapping[str, Any]) -> dict[str, str]:
    """Return the parts sorted as the sample's cells were, or not at all as they; none where a lot or lesion has none.

    Of a product of all cells those that were sorted out of blood can show a part alone, so that what is kept of it
    would be told too low.
    """
    sort = sample["marked_population"]
    own = {part: kind for part, kind in kinds.items() if job.arguments["samples"][part]["marked_population"] == sort}
    return own if {material(job, part) for part in own} == {material(job, part) for part in kinds} else {}


def _of_kinds(job: Job, kinds: Mapping[str, str], serving: Sequence[str], not_kept: str) -> str:
    """Return which parts of a reference gave what, where they count different things."""
    kept = not_kept
    if serving:
        kept = f"that of {with_kinds(job, {part: kinds[part] for part in serving})}"
    return f"mass of clones seen in any of {with_kinds(job, kinds)}; product mass kept: {kept}"


def _not_evaluable(
    sample: Mapping[str, Any], table: pl.DataFrame | None, reference: str, reason: str
) -> list[dict[str, Any]]:
    """Return the endpoints of a sample without a number, one a locus; `method` says why."""
    from tilseq.endpoints.rows import endpoint

    loci = ([] if table is None else table["locus"].unique().sort().to_list()) or [None]
    return [
        endpoint(sample, name, None, qualifiers=_qualifiers(sample, locus, reference), method=reason)
        for locus in loci
        for name in NEEDED
    ]


def _qualifiers(sample: Mapping[str, Any], locus: str | None, reference: str) -> dict[str, str | None]:
    """Return the qualifiers of a sample's endpoints; a sample of sorted cells is of their population alone."""
    return {"locus": locus, "reference": reference, "population": sample["marked_population"]}


def _endpoints(
    sample: Mapping[str, Any], held: pl.DataFrame, reference: str, why: Mapping[tuple[str, str], str]
) -> list[dict[str, Any]]:
    """Return the endpoints of one sample; what is not seen is below the limit of detection, not 0.

    `why` says by locus and measure why there is no number.
    """
    from tilseq.endpoints.rows import endpoint
    from tilseq.repertoire.effective import below_detection

    return [
        endpoint(
            sample,
            PARAMETERS[row["measure"]],
            row["value"],
            qualifiers=_qualifiers(sample, row["locus"], reference),
            lower=row["lower"],
            upper=row["upper"],
            interval_method="Clopper-Pearson on effective cells" if row["measure"] in MASSES else OF_KEPT,
            n=row["n_effective"] if row["at_cells"] is None else row["at_cells"],
            status="not_detected" if row["value"] == 0 else None,
            value_text=below_detection(row["limit_of_detection"])
            if row["value"] == 0 and row["measure"] in MASSES
            else None,
            method=MATCHED_BY if row["value"] is not None else why.get((row["locus"], row["measure"]), MATCHED_BY),
        )
        for row in held.iter_rows(named=True)
    ]
