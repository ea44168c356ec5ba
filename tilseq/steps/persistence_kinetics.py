"""Kinetics of the infused mass: one job a subject, over its blood after the infusion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps import contamination, flow, persistence
from tilseq.steps.job import Job, needed
from tilseq.steps.reference import is_after, is_before, of_another_subject
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
        arguments = {"samples": samples, "tubes": of_flow, "reference": job.arguments["reference"]}
        folder = job.folder.replace(persistence.STEP, STEP, 1)
        jobs.append(Job(STEP, job.unit, folder, needs=(job.folder, *first, *of_flow), arguments=arguments))
    return jobs


def run(job: Job, folder: Path) -> None:
    """Write the kinetics of the mass, of that of clones that the baseline did not show, and of its cells per µL.

    Of several samples of a day the one of most effective cells counts. Areas start with the mass of the last blood
    before the infusion, which is no peak, on day 0; the new mass and the cells are 0 there. Cells per µL are the new
    mass, where there is a baseline, times the CD3+ cells that flow counts in blood of the same day. Of a subject one
    of whose visits holds another subject's clones there are none: a course without that visit would be told wrong.
    """
    import polars as pl

    from tilseq.io.write import write_parquet
    from tilseq.tables.outputs import ENDPOINTS, QUALITY

    rows: list[dict[str, Any]] = []
    strange = [name for name in of_another_subject(job, folder) if _is_later(job.arguments["samples"][name])]
    told = f"no kinetics of the mass: {', '.join(strange)} holds another subject's clones"
    quality = [{"sample": name, "check": STEP.replace("_", " "), "verdict": "warn", "reason": told} for name in strange]
    write_parquet(QUALITY.frame(quality), QUALITY, folder)
    for path in needed(job, folder, "persistence").values() if not strange else ():
        own = pl.col("sample").is_in(list(job.arguments["samples"]))
        held = pl.read_parquet(path).filter(own, pl.col("measure").is_in(MEASURES), pl.col("value").is_not_null())
        for (locus,), of_locus in held.partition_by("locus", as_dict=True, maintain_order=True).items():
            rows += _of_locus(job, folder, str(locus), of_locus)
    write_parquet(ENDPOINTS.frame(rows), ENDPOINTS, folder)


def _of_locus(job: Job, folder: Path, locus: str, held: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the kinetics of one locus."""
    import polars as pl

    from tilseq.endpoints.shares import cells_per_ul_series, share_series

    rows: list[dict[str, Any]] = []
    mass, new = (_by_day(job, held.filter(measure=measure)) for measure in MEASURES)
    before = _last_before(job, held.filter(measure="mass"))
    for name, of_day, start in (("persistence_mass", mass, before), ("persistence_mass_new", new, NOTHING)):
        if len(of_day) >= FEWEST:
            first = [start] if start and 0 not in of_day else []
            course = share_series(_frame([*first, *of_day.values()]))
            rows += _kinetics(job, name, locus, course.to_dicts(), carried=bool(first) and start is before)
    t_cells = _t_cells(job, folder)
    if locus in OF_CD3 and len(new.keys() & t_cells.keys()) >= FEWEST:
        shares = share_series(_frame(new.values()))
        course = cells_per_ul_series(shares, pl.DataFrame(list(t_cells.values())), seed=_seed(job, CELLS, locus))
        course = course if 0 in new else pl.concat([share_series(_frame([NOTHING])), course])
        seen = [day for day, row in new.items() if row["value"] > 0 and day not in t_cells]
        rows += _kinetics(job, CELLS, locus, course.to_dicts(), seen=seen)
    return rows


def _by_day(job: Job, held: pl.DataFrame) -> dict[int, dict[str, Any]]:
    """Return day → what is held of blood after the infusion, of several samples that of most effective cells."""
    found: dict[int, dict[str, Any]] = {}
    for row in held.sort("n_effective", nulls_last=False).iter_rows(named=True):
        sample = job.arguments["samples"][row["sample"]]
        if _is_later(sample):
            found[sample["day"]] = {**row, "day": sample["day"]}
    return dict(sorted(found.items()))


def _frame(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Return what is held on some days as a frame."""
    import polars as pl

    return pl.DataFrame(
        [{name: row[name] for name in NOTHING} for row in rows], schema_overrides=dict.fromkeys(NOTHING, pl.Float64())
    )


def _last_before(job: Job, held: pl.DataFrame) -> dict[str, Any] | None:
    """Return what is held of the last blood before the infusion, as of day 0."""
    samples = job.arguments["samples"]
    rows = [row for row in held.iter_rows(named=True) if _is_blood_before(samples[row["sample"]])]
    last = max(rows, key=lambda row: (samples[row["sample"]]["day"], row["n_effective"] or 0), default=None)
    return None if last is None else {**last, "day": 0}


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
    locus: str,
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
        qualifiers={"locus": locus, "reference": job.arguments["reference"]},
        seed=_seed(job, name, locus),
        carried=carried,
        common_error=name == CELLS,  # beads of one lot, one pipette
        seen=seen,
    )


def _seed(job: Job, name: str, locus: str) -> int:
    from tilseq.io.digest import sha256_of_value

    return int(sha256_of_value([STEP, job.unit, name, locus])[:15], 16)
