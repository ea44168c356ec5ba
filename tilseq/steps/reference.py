"""The reference whose clones are followed, mostly the infusion product: which samples are of it, and for which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps import repertoire
from tilseq.steps.job import Job, needed

if TYPE_CHECKING:
    import polars as pl

    from tilseq.study import Study

PRODUCT = "infusion_product"
STRANGE = ("swapped", "duplicate")  # verdicts of contamination on a sample
NEVER_INFUSED = (
    "infusions.csv has no infusion of the subject in which cells were given: what was not infused cannot persist"
)


def failed_references(study: Study, subject: str, reference: str) -> list[dict[str, Any]]:
    """Return the samples of the reference that samples.csv itself calls failed: sample, assay, lot and sort."""
    import polars as pl

    receptors = pl.col("assay").is_in(repertoire.ASSAYS)
    rows = study.failed().filter(receptors, subject=subject, specimen=reference)
    return rows.select("sample", "assay", "lot", "marked_population").to_dicts()


def infusions_of(study: Study, subject: str, reference: str = PRODUCT) -> list[dict[str, Any]]:
    """Return the day and the lot of each infusion of a subject, but of those in which no cell was given.

    No lot is part of another reference than the product: of such a reference they are without.
    """
    import polars as pl

    from tilseq.tables.infusions import given_infusions

    given = given_infusions(study.infusions.filter(subject=subject)).select("day", "lot").sort("day", "lot")
    return (given if reference == PRODUCT else given.with_columns(lot=pl.lit(None, pl.String))).to_dicts()


def counts_for(sample: Mapping[str, Any], lot: str | None, infusions: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a lot is part of the reference of a sample: it had been infused when the sample was taken.

    A sample from before the first infusion is held against every lot that was ever infused. Where the lot is not
    known it counts.
    """
    if lot is None or not infusions:
        return True
    given = of_lot(lot, infusions)
    if sample["day"] is None or is_before(sample):
        return bool(given)
    return bool(infused_days_before(sample, given))


def of_lot(lot: str | None, infusions: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the infusions of a lot: those that name it, or where none does those that name none."""
    named = [infusion for infusion in infusions if infusion["lot"] == lot]
    return named or [infusion for infusion in infusions if infusion["lot"] is None]


def holds_sort(part: Mapping[str, Any], sample: Mapping[str, Any]) -> bool:
    """Whether a library can show the clones of a sample: it is of all cells, or of those sorted as the sample's were.

    Of cells sorted otherwise it lacks the others, so that shares held of the two do not compare.
    """
    return part["marked_population"] in (None, sample["marked_population"])


def not_infused(job: Job) -> list[dict[str, Any]]:
    """Return a warning for each sample of a lot that the subject never got."""
    infusions = job.arguments["infusions"]
    return [
        quality_row(
            sample, "warn", f"lot {sample['lot']} was not infused, by infusions.csv: it is no part of the reference"
        )
        for sample in job.arguments["samples"].values()
        if sample["specimen"] == job.arguments["reference"]
        and infusions
        and sample["lot"] is not None
        and not of_lot(sample["lot"], infusions)
    ]


def not_yet_infused(job: Job, sample: Mapping[str, Any]) -> list[str]:
    """Return the samples of lots of a sample's assay that the subject got after the sample was taken."""
    infusions = job.arguments["infusions"]
    return [
        row["sample"]
        for row in job.arguments["samples"].values()
        if (row["specimen"], row["assay"]) == (job.arguments["reference"], sample["assay"])
        and of_lot(row["lot"], infusions)
        and not counts_for(sample, row["lot"], infusions)
    ]


def lots_not_in_time(job: Job) -> list[dict[str, Any]]:
    """Return a warning for each lot of which it cannot be told on which of several days it was infused.

    A lot that no infusion names is told beside infusions that name another.
    """
    infusions = job.arguments["infusions"]
    days = sorted({infusion["day"] for infusion in infusions})
    unnamed = sorted({infusion["day"] for infusion in infusions if infusion["lot"] is None})
    own = [row for row in job.arguments["samples"].values() if row["specimen"] == job.arguments["reference"]]
    several = len(days) > 1 and len({row["lot"] for row in own}) > 1
    given = f"cells were given on days {', '.join(map(str, days))}"
    held = "names no lot: blood from between them is held against lots that may have come later"
    named = {infusion["lot"] for infusion in infusions} - {None}
    told = []
    for row in own:
        if row["lot"] is None or not named:
            file = "samples.csv" if row["lot"] is None else "infusions.csv"
            told += [quality_row(row, "warn", f"{given} and {file} {held}")] if several else []
        elif row["lot"] not in named and unnamed:
            told.append(_taken_for(row, unnamed))
    return told


def _taken_for(row: Mapping[str, Any], days: Sequence[int]) -> dict[str, Any]:
    """Return what to tell of a lot that no infusion names, where those of some days name none and others do."""
    one = len(days) == 1
    given = f"what was given on day{'' if one else 's'} {', '.join(map(str, days))}, whose lot is not named"
    reason = f"no infusion names lot {row['lot']}: it is taken for {given}"
    return quality_row(row, "pass" if one else "warn", reason + ("" if one else ", from the first of them on"))


def has_reference(job: Job, assay: str) -> bool:
    """Whether the subject's reference was meant to be measured by an assay."""
    wanted = (job.arguments["reference"], assay)
    measured = any((row["specimen"], row["assay"]) == wanted for row in job.arguments["samples"].values())
    return measured or any(row["assay"] == assay for row in job.arguments["failed"])


def of_another_subject(job: Job, folder: Path) -> dict[str, str]:
    """Return which samples of a job's subject hold another subject's clones, and why that is held.

    The job needs that of the step `contamination`; where that is missing or failed, none is known.
    """
    import polars as pl

    own = {row["sample"] for row in job.arguments["samples"].values()}
    found: dict[str, str] = {}
    for path in needed(job, folder, "sample_identity").values():
        others = pl.col("content_of").is_null() | (pl.col("content_of") != job.unit)
        strange = pl.read_parquet(path).filter(pl.col("verdict").is_in(STRANGE), pl.col("sample").is_in(own), others)
        found |= {row["sample"]: f"{row['verdict']}, {row['reason']}" for row in strange.iter_rows(named=True)}
    return found


def is_before(sample: Mapping[str, Any]) -> bool:
    """Whether a sample was taken before the first infusion."""
    day = sample["day"]
    return day is not None and (day < 0 or (day == 0 and sample["timing"] == "pre"))


def is_after(sample: Mapping[str, Any]) -> bool:
    """Whether a sample is known to be taken after the first infusion."""
    return sample["day"] is not None and not is_before(sample)


def infused_days_before(sample: Mapping[str, Any], infusions: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the days of infusion that came before a sample of a known day; blood of a day says if it came before."""
    day, early = sample["day"], sample["timing"] == "pre"
    days = sorted({infusion["day"] for infusion in infusions})
    return [infused for infused in days if infused < day or (infused == day and not early)]


def told_of_course(before: Sequence[int], further: int | None) -> list[str]:
    """Return what the reader of a course must know of infusions: several that came before it, and one that ends it."""
    told = [f"after the infusions of days {', '.join(map(str, before))}"] if len(before) > 1 else []
    return told if further is None else [*told, f"up to the infusion of day {further}"]


def parts_of(job: Job, sample: Mapping[str, Any]) -> list[str]:
    """Return the jobs whose clones together are the reference of a sample, see `counts_for` and `holds_sort`."""
    return [need for need in _infused_parts(job, sample) if holds_sort(job.arguments["samples"][need], sample)]


def _infused_parts(job: Job, sample: Mapping[str, Any]) -> list[str]:
    """Return the jobs of the reference that count for a sample, be they of all cells or of sorted ones."""
    return [
        need
        for need, row in job.arguments["samples"].items()
        if (row["specimen"], row["assay"]) == (job.arguments["reference"], sample["assay"])
        and counts_for(sample, row["lot"], job.arguments["infusions"])
    ]


def failed_of(job: Job, sample: Mapping[str, Any]) -> list[str]:
    """Return the samples that samples.csv calls failed and that would be part of a sample's reference.

    One of cells sorted otherwise is missed where its lot has no other library.
    """
    lots = {job.arguments["samples"][part]["lot"] for part in parts_of(job, sample)}
    return [
        row["sample"]
        for row in job.arguments["failed"]
        if row["assay"] == sample["assay"]
        and counts_for(sample, row["lot"], job.arguments["infusions"])
        and (holds_sort(row, sample) or row["lot"] not in lots)
    ]


def lots_without_library(job: Job, sample: Mapping[str, Any]) -> list[str]:
    """Return the lots infused by the time of a sample of which samples.csv names no library of its assay.

    Nothing is told where a library names no lot, as of the only product of a subject. A lot that an infusion does not
    name is called by its day, where every library is of a lot that another names.
    """
    wanted = (job.arguments["reference"], sample["assay"])
    libraries = [row for row in job.arguments["samples"].values() if (row["specimen"], row["assay"]) == wanted]
    known = {row["lot"] for row in libraries}
    known |= {row["lot"] for row in job.arguments["failed"] if row["assay"] == sample["assay"]}
    infusions = job.arguments["infusions"]
    if None in known:
        return []
    lots = dict.fromkeys(infusion["lot"] for infusion in infusions if counts_for(sample, infusion["lot"], infusions))
    without = [lot for lot in lots if lot is not None and lot not in known]
    if not known or not known <= {infusion["lot"] for infusion in infusions}:
        return without
    early = sample["day"] is None or is_before(sample)
    unnamed = [infusion for infusion in infusions if infusion["lot"] is None]
    days = [infusion["day"] for infusion in unnamed] if early else infused_days_before(sample, unnamed)
    return [*without, *(f"of day {day} (not named)" for day in dict.fromkeys(days))]


def why_no_reference(
    job: Job, sample: Mapping[str, Any], parts: Sequence[str], clones: Mapping[str, pl.DataFrame]
) -> str | None:
    """Return why there is no reference to hold a sample against, or None where there is one."""
    lost = [job.arguments["samples"][part]["sample"] for part in parts if part not in clones or not clones[part].height]
    if lost:
        return (
            f"{', '.join(lost)} of the reference left no clonotypes, so the numbers would be too low: mend its file, "
            "or write `failed` under its status to go on without it"
        )
    whole = {material(job, part) for part in parts}
    rows = [job.arguments["samples"][part] for part in _infused_parts(job, sample) if material(job, part) not in whole]
    rows = [row for row in rows if not holds_sort(row, sample)]
    if rows:
        of_sorts = ", ".join(f"{row['sample']} ({row['marked_population']})" for row in rows)
        own = sample["marked_population"] or "not sorted"
        return f"no reference: {of_sorts} of it is of sorted cells, and the sample's are {own}: shares do not compare"
    if parts:
        return None
    failed = failed_of(job, sample)
    if failed:
        return f"no reference: {', '.join(failed)} failed"
    told = f"no reference: no lot that was sampled had been infused by day {sample['day']}"
    named = all(infusion["lot"] is not None for infusion in job.arguments["infusions"])
    return told if named else f"{told}, as far as lots are named"


def serving_parts(job: Job, kinds: Mapping[str, str], kind: str) -> list[str]:
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
    every = {material(job, part) for part in kinds}
    whole = {}
    for one in dict.fromkeys(kinds.values()):
        parts = [part for part in kinds if kinds[part] == one]
        if {material(job, part) for part in parts} == every:
            whole[one] = parts
    if kind in whole:
        return whole[kind]
    return next(iter(whole.values())) if len(whole) == 1 else []


def material(job: Job, part: str) -> tuple[str | None, ...]:
    """Return what a part of the reference was taken from: its lot, else its lesion and visit."""
    row = job.arguments["samples"][part]
    return (row["lot"],) if row["lot"] is not None else (row["lesion"], row["visit"])


def with_kinds(job: Job, kinds: Mapping[str, str]) -> str:
    """Return the samples of some parts, each with what it counts."""
    return ", ".join(f"{job.arguments['samples'][part]['sample']} ({kind})" for part, kind in kinds.items())


def quality_row(sample: Mapping[str, Any], verdict: str, reason: str, check: str = "persistence") -> dict[str, Any]:
    """Return a row of the table `quality`."""
    return {"sample": sample["sample"], "check": check, "verdict": verdict, "reason": reason}
