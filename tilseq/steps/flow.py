"""Flow: one job a tube."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps import flow_cuts
from tilseq.steps.flow_tubes import arguments_of, gate_tube, read_tube
from tilseq.steps.job import Job, needed, only_path, read_needed, sample_jobs

if TYPE_CHECKING:
    import polars as pl

    from tilseq.endpoints.parameters import Scope
    from tilseq.flow.absolute import AbsoluteCount
    from tilseq.flow.gated import Gating
    from tilseq.flow.rare import Blank
    from tilseq.flow.tree import Population
    from tilseq.flow.tube import Tube
    from tilseq.study import Study

STEP = "flow"
ERRORS = {"bead_lot_cv", "pipette_cv", "volume_cv", "volume_unit", "blood_count_cv"}


def plan(study: Study) -> list[Job]:
    """Return one job for each tube that holds cells of a subject; it waits for the usual cuts of its group.

    Files that it reads are the tube, then the frozen cuts, a person's gates and a spillover where there are such.
    """
    from tilseq.steps.flow_absolute import blood_count_of
    from tilseq.steps.flow_person import gates_of

    settings = study.settings.analysis.flow
    groups = {job.folder for job in flow_cuts.plan(study)}

    def arguments(sample: dict[str, Any]) -> dict[str, Any]:
        return {
            **arguments_of(study, sample),
            "cuts": settings.cuts is not None,
            "gates": gates_of(study, sample),
            "blood_count": blood_count_of(study, sample),
            "errors": settings.model_dump(include=ERRORS),
        }

    planned = []
    for job in sample_jobs(study, STEP, study.available("flow"), arguments):
        group = flow_cuts.folder_of(dict(job.sample or {}))
        gates = job.arguments["gates"]
        further = [entry for entry in (settings.cuts, gates and gates["file"], job.arguments["spill"]) if entry]
        paths = (*job.paths, *(str(study.root / entry) for entry in further))
        planned.append(replace(job, paths=paths, needs=(group,) if group in groups else ()))
    return planned


def run(job: Job, folder: Path) -> None:
    """Gate one tube and write its counts, cuts, endpoints, quality, exclusions, comparison, gates and their figure."""
    from tilseq.flow.cuts import borrowed
    from tilseq.steps.flow_spill import given_spill

    asked = job.arguments
    number = len(job.paths) - sum(map(bool, (asked["cuts"], asked["gates"], asked["spill"])))
    path = only_path(replace(job, paths=job.paths[:number]))
    spill = given_spill(job.paths[-1], asked["spill"]) if asked["spill"] else None
    tube = read_tube(path, (job.sample or {})["member"], spill)
    usual = _usual_cuts(job, folder, number)
    lent = None if usual is None else borrowed(usual)
    automatic = partial(gate_tube, tube, job.unit, asked, lent)
    if asked["gates"]:
        _run_person(job, folder, tube, automatic, job.paths[number + bool(asked["cuts"])])
    else:
        _run_automatic(job, folder, tube, automatic(), usual)


def _run_automatic(job: Job, folder: Path, tube: Tube, gating: Gating, usual: pl.DataFrame | None) -> None:
    import polars as pl

    from tilseq.flow.counts import cd4_cd8_ratio, count
    from tilseq.flow.cuts import cuts_table, far_from_cohort
    from tilseq.flow.dead import number_dead, of_dead
    from tilseq.flow.medians import medians
    from tilseq.io.write import write_parquet
    from tilseq.plots.flow import gates
    from tilseq.plots.style import save
    from tilseq.steps.flow_absolute import with_absolute
    from tilseq.steps.flow_rows import WITH_GATES, endpoints
    from tilseq.tables.outputs import CUTS, EXCLUSIONS, MEDIANS, QUALITY

    sample = job.sample or {}
    cuts = cuts_table(gating)
    names = [name for name in gating.populations if name in gating.rules or name == "lymphocytes"]
    absolute, told = _absolute(job, tube, gating.populations, names, gating)
    told += write_gates(gating, tube, folder / "gates.xml")
    if usual is not None:
        told += odd_cuts(far_from_cohort(cuts, usual))
    elif job.needs:
        told += [_no_usual_cuts(job.unit)]
    quality = pl.concat([gating.quality, QUALITY.frame(told)])
    # The verdict beside the counts is that of all checks.
    counts = with_absolute(count(replace(gating, quality=quality), _blanks(job, folder)), absolute)
    # What other tubes lent a cut to depends on them.
    borrows = any(cut.source == "cohort" for cut in gating.cuts.values())
    borrows |= gating.region is not None and gating.region.source == "cohort"
    scope: Scope | None = "cohort" if borrows else None
    dead = number_dead(gating.populations, gating.dead)
    notes = {name: of_dead(gating.populations[name].events, number) for name, number in dead.items() if number}
    rows = endpoints(sample, counts, cd4_cd8_ratio(gating), absolute, intervals=WITH_GATES, scope=scope, notes=notes)
    _write(folder, counts, rows, quality)
    write_parquet(cuts, CUTS, folder)
    signals = medians(gating.populations, gating.values, gating.markers, sample=gating.sample, names=names)
    write_parquet(signals, MEDIANS, folder)
    write_parquet(gating.exclusions.with_columns(file=pl.lit(sample["path"])), EXCLUSIONS, folder)
    save(gates(gating), folder / "figures", "gates")


def _run_person(job: Job, folder: Path, tube: Tube, automatically: Callable[[], Gating], path: str) -> None:
    """Count what a person gated; the automatic gates, where they can be made, are set beside it."""
    import numpy as np

    from tilseq.errors import AnalysisError
    from tilseq.flow.gating import NOT_FINITE
    from tilseq.flow.manual import count_manual, manual_ratio
    from tilseq.flow.medians import medians
    from tilseq.io.digest import sha256_of_file
    from tilseq.io.write import write_parquet
    from tilseq.steps.flow_absolute import with_absolute
    from tilseq.steps.flow_person import beside_automatic, cells_to_count, quality_of, read_populations
    from tilseq.steps.flow_rows import COUNTING_ONLY, endpoints
    from tilseq.tables.outputs import COMPARISON, EXCLUSIONS, MEDIANS, QUALITY

    sample, given = job.sample or {}, job.arguments["gates"]
    person = read_populations(path, tube, job.paths[0], given["names"])
    populations = person.populations
    automatic: Gating | str
    try:
        automatic = automatically()
    except AnalysisError as error:
        automatic = str(error)
    comparison, beside = beside_automatic(job.unit, populations, automatic)
    names = cells_to_count(tube, person, sample)
    absolute, told = _absolute(job, tube, populations, names, None)
    source = f"{given['file']}, SHA-256 {job.digests.get(path) or sha256_of_file(path)}"
    told += _blanks_not_used(job.unit) if _blanks(job, folder) else []
    quality = [*quality_of(job.unit, tube, person, source, beside), *told]
    counts = with_absolute(count_manual(job.unit, populations, quality), absolute)
    rows = endpoints(sample, counts, manual_ratio(populations), absolute, intervals=COUNTING_ONLY)
    _write(folder, counts, rows, QUALITY.frame(quality))
    write_parquet(comparison, COMPARISON, folder)
    lost = int(np.count_nonzero(~person.finite))
    excluded = [{"sample": job.unit, "file": sample["path"], "rule": NOT_FINITE, "rows": lost}] if lost else []
    write_parquet(excluded, EXCLUSIONS, folder)
    if not isinstance(automatic, str):
        signals = medians(populations, automatic.values, automatic.markers, sample=job.unit, names=names)
        write_parquet(signals, MEDIANS, folder)


def _blanks_not_used(sample: str) -> list[dict[str, Any]]:
    from tilseq.flow.quality import check

    reason = "blank tubes are gated automatically: what they show is not taken for the background of a person's gates"
    return [check(sample, "limits of blank", None, "told where there are blank tubes", True, reason)]


def _write(folder: Path, counts: pl.DataFrame, rows: list[dict[str, Any]], quality: pl.DataFrame) -> None:
    from tilseq.io.write import write_parquet
    from tilseq.tables.outputs import COUNTS, ENDPOINTS, QUALITY

    write_parquet(counts, COUNTS, folder)
    write_parquet(rows, ENDPOINTS, folder)
    write_parquet(quality, QUALITY, folder)


def write_gates(gating: Gating, tube: Tube, path: Path) -> list[dict[str, Any]]:
    """Write the automatic gates as GatingML 2.0; return a check where that cannot be, or not for the very events."""
    from tilseq.errors import AnalysisError
    from tilseq.flow.export import export_gates
    from tilseq.flow.quality import check
    from tilseq.io.gatingml import write_gatingml

    exported = export_gates(gating, tube)
    name, limit = "gates written as GatingML", "the events of the counts"
    try:
        write_gatingml(path, exported.gates)
    except AnalysisError as error:
        return [check(gating.sample, name, None, limit, False, f"not written: {error}")]
    if not exported.misplaced:
        return []
    reason = f"gates on Time cannot part {exported.misplaced} events that were left out, or kept, from others"
    return [check(gating.sample, name, exported.misplaced, limit, False, reason)]


def _blanks(job: Job, folder: Path) -> dict[str, Blank]:
    """Return what the blank tubes of the tube's group show of each population."""
    import polars as pl

    from tilseq.flow.rare import blank_of

    frames = [*read_needed(job, folder, "blanks").values()]
    tubes = pl.concat(frames).partition_by("population") if frames else []
    return {one["population"][0]: blank_of(one["events"], one["lymphocytes"]) for one in tubes}


def _usual_cuts(job: Job, folder: Path, place: int) -> pl.DataFrame | None:
    """Return the cuts of the tube's group, or those frozen in the file at a place; None where there are neither."""
    import polars as pl

    from tilseq.io.cuts import read_cohort_cuts

    if job.arguments["cuts"]:
        return read_cohort_cuts(job.paths[place], job.sample or {})
    found = list(needed(job, folder, "cohort_cuts").values())
    return pl.read_parquet(found[0]) if found else None


def _no_usual_cuts(sample: str) -> dict[str, Any]:
    """Return the check that warns where the cuts of the other tubes were to be had and are not."""
    from tilseq.flow.quality import check

    reason = "the job that finds them failed: the tube was gated by itself, and what is not clear is not borrowed"
    return check(sample, "cuts of other tubes", None, "found before the tube is gated", False, reason)


def odd_cuts(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Return a check that warns for each cut that lies far from those of other tubes; it is never moved."""
    from tilseq.flow.quality import check

    return [
        check(
            row["sample"],
            f"cut of {row['gate']} among {row['parent']} against other tubes",
            row["threshold"],
            f"within three scaled MADs of {row['usual']:{',.0f' if row['usual'] >= 1000 else '.4g'}}",
            False,
            "the tube's own valley lies elsewhere than in other tubes of its panel; it is kept",
        )
        for row in rows.iter_rows(named=True)
    ]


def _absolute(
    job: Job, tube: Tube, populations: Mapping[str, Population], names: list[str], gating: Gating | None
) -> tuple[dict[str, AbsoluteCount], list[dict[str, Any]]]:
    from tilseq.steps.flow_absolute import absolute, held_against_blood_count, held_over_time

    sample = job.sample or {}
    events = {name: population.events for name, population in populations.items()}
    found = absolute(sample, tube, populations["all events"].mask, events, names, job.arguments, gating)
    found = held_over_time(sample, tube, populations, *found)
    return held_against_blood_count(sample, *found, job.arguments["blood_count"])
