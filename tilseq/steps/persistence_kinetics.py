"""Kinetics of the infused mass: one job a subject, over its blood after the infusion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tilseq.endpoints.parameters import NO_MASS_KINETICS
from tilseq.steps import contamination, flow, persistence
from tilseq.steps.job import Job, needed
from tilseq.steps.receptor_subjects import in_time
from tilseq.steps.reference import (
    infused_days_before,
    is_after,
    is_before,
    of_another_subject,
    of_lot,
    told_of_course,
)
from tilseq.steps.til_survival import T_CELLS

if TYPE_CHECKING:
    import polars as pl

    from tilseq.study import Study

STEP = "persistence_kinetics"
NOTHING = {"day": 0, "value": 0.0, "lower": 0.0, "upper": 0.0, "limit_of_detection": None}  # before the infusion
OF_CD3 = ("TRA", "TRB")  # shares of them are about those of CD3+ cells
FEWEST = 2  # visits of a course
MEASURES = ("mass", "mass_new")
LIMITS = {"value": "", "lower": "_lower", "upper": "_upper"}
CELLS = "persistence_cells_per_ul"


class _Of(NamedTuple):
    """What a course is of.

    Attributes
    ----------
    locus
        Its locus.
    population
        How the cells were sorted, None where they were not.
    label
        What the reader of any of its numbers must know.
    every_lot
        Whether every lot ever infused had been by then: blood from before all is held against them all.
    """

    locus: str
    population: str | None
    label: str | None
    every_lot: bool


def plan(study: Study) -> list[Job]:
    """Return one job for each subject with two samples of blood from after the infusion; flow tells its T cells."""
    tubes: dict[str, dict[str, dict[str, Any]]] = {}
    for job in flow.plan(study):
        row = job.sample or {}
        if row["specimen"] == "blood":
            tubes.setdefault(row["subject"], {})[job.folder] = dict(row)
    first = [job.folder for job in contamination.plan(study)]
    jobs = []
    for job in persistence.plan(study):
        rows = job.arguments["samples"].values()
        samples = {row["sample"]: row for row in rows if row["assay"] == "tcr"}
        if len({row["day"] for row in samples.values() if _is_later(row)}) < FEWEST:
            continue
        of_flow = tubes.get(job.unit, {})
        arguments = {"samples": samples, "tubes": of_flow}
        arguments |= {name: job.arguments[name] for name in ("reference", "infusions")}
        folder = job.folder.replace(persistence.STEP, STEP, 1)
        jobs.append(Job(STEP, job.unit, folder, needs=(job.folder, *first, *of_flow), arguments=arguments))
    return jobs


def run(job: Job, folder: Path) -> None:
    """Write the kinetics of the mass, of that of clones that the baseline did not show, and of its cells per µL.

    Of several samples of a day the one of most effective cells counts; of those whose cells nobody knows, of which none
    is better than another, the mean, which has no limits; where one of them shows no clone, what it holds is neither 0
    nor known, and the day has no number, as that of the others would be too high. Areas start with the mass of the last
    blood before the infusion, which is no peak, on day 0; the new mass and the cells are 0 there. Cells per µL are the
    new mass, where there is a baseline, times the CD3+ cells that flow counts in blood of the same day. Of a subject
    one of whose visits holds another subject's clones there are none: a course without that visit would be told wrong.
    A further infusion ends the course, as what follows it is another; sorted cells have courses of their own.
    """
    import polars as pl

    from tilseq.io.write import write_parquet
    from tilseq.tables.outputs import ENDPOINTS, QUALITY

    rows: list[dict[str, Any]] = []
    samples, infusions = job.arguments["samples"], job.arguments["infusions"]
    sorts = {name: row["marked_population"] for name, row in samples.items()}
    later = [row for row in samples.values() if _is_later(row)]
    courses = {
        sort: _course([row for row in later if row["marked_population"] == sort], infusions)
        for sort in dict.fromkeys(row["marked_population"] for row in later)
    }
    strange = [name for name in of_another_subject(job, folder) if _is_later(samples[name])]
    told = f"{NO_MASS_KINETICS}: {', '.join(strange)} holds another subject's clones"
    reasons = dict.fromkeys(strange, told)
    if not strange:
        ends = {row["sample"]: courses[row["marked_population"]] for row in later}
        reasons = {
            name: f"no part of the kinetics of the mass, which end with the infusion of day {ended_by}"
            for name, (course, ended_by) in ends.items()
            if name not in course
        }
    before = [name for name, row in samples.items() if _is_blood_before(row)]
    own = pl.col("sample").is_in([*before, *(name for course, _ in courses.values() for name in course)])
    for path in needed(job, folder, "persistence").values() if not strange else ():
        held = pl.read_parquet(path).filter(own, pl.col("measure").is_in(MEASURES))
        reasons |= _half_seen(held, samples)
        held = held.with_columns(population=pl.col("sample").replace_strict(sorts, return_dtype=pl.String))
        for (locus, population), part in held.partition_by(
            "locus", "population", as_dict=True, maintain_order=True
        ).items():
            course, ended_by = courses.get(population, ([], None))
            first = [samples[name] for name in course[:1]]
            before_first = infused_days_before(first[0], infusions) if first else []
            label = "; ".join(told_of_course(before_first, ended_by)) or None
            lots = [of_lot(infusion["lot"], infusions) for infusion in infusions]
            every_lot = all(infused_days_before(row, given) for row in first for given in lots)
            rows += _of_locus(job, folder, _Of(str(locus), population, label, every_lot), part)
    check = STEP.replace("_", " ")
    quality = [{"sample": name, "check": check, "verdict": "warn", "reason": why} for name, why in reasons.items()]
    write_parquet(quality, QUALITY, folder)
    write_parquet(rows, ENDPOINTS, folder)


def _course(later: Sequence[Mapping[str, Any]], infusions: Sequence[Mapping[str, Any]]) -> tuple[list[str], int | None]:
    """Return the later samples between which no cells were given, from the first on, and the infusion that ends them.

    The day of that infusion is None where none, or none that a sample follows, comes after the first sample.
    """
    rows = sorted(later, key=in_time)
    given = [infused_days_before(row, infusions) for row in rows]
    names = [row["sample"] for row, days in zip(rows, given, strict=True) if days == given[0]]
    further = [day for days in given for day in days if day not in given[0]]
    return names, min(further, default=None)


def _of_locus(job: Job, folder: Path, of: _Of, held: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the kinetics of one locus, of all cells or of those sorted in one way."""
    import polars as pl

    from tilseq.endpoints.shares import cells_per_ul_series, share_series

    rows: list[dict[str, Any]] = []
    mass, new = (_by_day(job, held.filter(measure=measure)) for measure in MEASURES)
    before = _last_before(job, held.filter(measure="mass")) if of.every_lot else None
    for name, of_day, start in (("persistence_mass", mass, before), ("persistence_mass_new", new, NOTHING)):
        if len(of_day) >= FEWEST:
            first = [start] if start and 0 not in of_day else []
            course = share_series(_frame([*first, *of_day.values()]))
            rows += _kinetics(job, name, of, course.to_dicts(), carried=bool(first) and start is before)
    t_cells = _t_cells(job, folder)
    if of.locus in OF_CD3 and of.population is None and len(new.keys() & t_cells.keys()) >= FEWEST:
        shares = share_series(_frame(new.values()))
        course = cells_per_ul_series(shares, pl.DataFrame(list(t_cells.values())), seed=_seed(job, CELLS, of))
        course = course if 0 in new else pl.concat([share_series(_frame([NOTHING])), course])
        seen = [day for day, row in new.items() if row["value"] > 0 and day not in t_cells]
        rows += _kinetics(job, CELLS, of, _as_certain(course.to_dicts(), t_cells), seen=seen)
    return rows


def _as_certain(course: Sequence[dict[str, Any]], t_cells: Mapping[int, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a course of cells no day of which is more certain than the events that its T cells were counted by."""
    from tilseq.flow.rare import least_certain, status_of_counts

    return [
        {**row, "status": least_certain(row["status"], status_of_counts(t_cells[row["day"]]["events"]))}
        if row["day"] in t_cells
        else row
        for row in course
    ]


def _by_day(job: Job, held: pl.DataFrame) -> dict[int, dict[str, Any]]:
    """Return day → what is held of blood after the infusion."""
    samples = job.arguments["samples"]
    found: dict[int, list[dict[str, Any]]] = {}
    for row in held.sort("sample").iter_rows(named=True):
        if _is_later(samples[row["sample"]]):
            found.setdefault(samples[row["sample"]]["day"], []).append(row)
    of_days = ((day, _of_several(rows)) for day, rows in sorted(found.items()))
    return {day: {**row, "day": day} for day, row in of_days if row is not None}


def _of_several(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return what the sample of most effective cells holds; where none is known the mean, without limits.

    None where one of those that make the mean has no value: it showed no clone, and is neither 0 nor to be left out.
    """
    known = [row for row in rows if None not in (row["n_effective"], row["value"])]
    if known:
        return max(known, key=lambda row: (row["n_effective"], row["sample"]))
    if any(row["value"] is None for row in rows):
        return None
    if len(rows) == 1:
        return rows[0]
    unknown = dict.fromkeys(("lower", "upper", "limit_of_detection"))
    return {**rows[0], **unknown, "value": sum(row["value"] for row in rows) / len(rows)}


def _half_seen(held: pl.DataFrame, samples: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return sample → why it takes no part, of those whose fellows of the day show no clone, of unknown cells."""
    found: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in held.sort("sample").iter_rows(named=True):
        sample = samples[row["sample"]]
        key = sample["day"], sample["marked_population"], row["locus"], row["measure"]
        found.setdefault(key, []).append(row)
    reasons: dict[str, str] = {}
    for (_, _, locus, _), rows in found.items():
        seen = [row["sample"] for row in rows if row["value"] is not None]
        if seen and _of_several(rows) is None:
            unseen = ", ".join(row["sample"] for row in rows if row["value"] is None)
            why = f"of the same day {unseen} shows none, of unknown cells, so that the mean is not known"
            reasons |= dict.fromkeys(seen, f"no part of the kinetics of the mass of {locus}: {why}")
    return reasons


def _frame(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Return what is held on some days as a frame."""
    import polars as pl

    return pl.DataFrame(
        [{name: row[name] for name in NOTHING} for row in rows], schema_overrides=dict.fromkeys(NOTHING, pl.Float64())
    )


def _last_before(job: Job, held: pl.DataFrame) -> dict[str, Any] | None:
    """Return what is held of the last blood before the infusion, as of day 0."""
    samples = job.arguments["samples"]
    rows = [row for row in held.sort("sample").iter_rows(named=True) if _is_blood_before(samples[row["sample"]])]
    last = max((samples[row["sample"]]["day"] for row in rows), default=None)
    own = [row for row in rows if samples[row["sample"]]["day"] == last]
    held_last = _of_several(own) if own else None
    return None if held_last is None else {**held_last, "day": 0}


def _is_blood_before(sample: Mapping[str, Any]) -> bool:
    return sample["specimen"] == "blood" and is_before(sample)


def _is_later(sample: Mapping[str, Any]) -> bool:
    return sample["specimen"] == "blood" and is_after(sample)


def _t_cells(job: Job, folder: Path) -> dict[int, dict[str, Any]]:
    """Return day → CD3+ cells per µL of blood after the infusion, of several tubes that of most events."""
    import polars as pl

    found: dict[int, dict[str, Any]] = {}
    for need, path in needed(job, folder, "counts").items():
        tube = job.arguments["tubes"].get(need)
        if tube is None or not _is_later(tube):
            continue
        counted = pl.read_parquet(path).filter(population=T_CELLS).drop_nulls(["cells_per_ul", "cells_per_ul_upper"])
        for row in counted.filter(pl.col("cells_per_ul") > 0).iter_rows(named=True):
            if row["events"] > found.get(tube["day"], {"events": 0})["events"]:
                limits = {name: row[f"cells_per_ul{of}"] for name, of in LIMITS.items()}
                found[tube["day"]] = {"day": tube["day"], "events": row["events"], **limits}
    return found


def _kinetics(
    job: Job,
    name: str,
    of: _Of,
    series: Sequence[Mapping[str, Any]],
    *,
    carried: bool = False,
    seen: Sequence[int] = (),
) -> list[dict[str, Any]]:
    from tilseq.endpoints.kinetic_rows import kinetic_rows

    return kinetic_rows(
        {"subject": job.unit, "specimen": "blood", "assay": "tcr"},
        name,
        series,
        qualifiers={"locus": of.locus, "reference": job.arguments["reference"], "population": of.population},
        seed=_seed(job, name, of),
        label=of.label,
        carried=carried,
        common_error=name == CELLS,  # beads of one lot, one pipette
        seen=seen,
    )


def _seed(job: Job, name: str, of: _Of) -> int:
    from tilseq.io.digest import sha256_of_value

    of_sort = [] if of.population is None else [of.population]
    return int(sha256_of_value([STEP, job.unit, name, of.locus, *of_sort])[:15], 16)
