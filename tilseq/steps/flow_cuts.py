"""The usual cuts of a cohort's tubes: one job for the tubes of one panel, instrument and batch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.job import Job

if TYPE_CHECKING:
    from tilseq.study import Study

STEP = "flow_cuts"
GROUP = ("panel", "instrument", "batch")


def plan(study: Study) -> list[Job]:
    """Return one job for each group of three tubes or more, unless the cuts to borrow are frozen in a file."""
    from tilseq.flow.cuts import LEAST_TUBES
    from tilseq.steps.flow import arguments_of

    if study.settings.analysis.flow.cuts is not None:
        return []
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for sample in study.available("flow"):
        if len(study.files(sample["sample"])) == 1:  # its own job refuses any other number
            groups.setdefault(tuple(sample[name] for name in GROUP), []).append(sample)
    return [
        Job(
            step=STEP,
            unit=group_name(key),
            folder=folder_of(dict(zip(GROUP, key, strict=True))),
            paths=tuple(str(study.files(sample["sample"])[0]) for sample in samples),
            arguments={
                "group": dict(zip(GROUP, key, strict=True)),
                "tubes": {s["sample"]: {"member": s["member"], **arguments_of(study, s)} for s in samples},
            },
        )
        for key, samples in groups.items()
        if len(samples) >= LEAST_TUBES
    ]


def group_name(key: tuple[Any, ...]) -> str:
    """Return what the job of a group is called."""
    told = [f"{name} {value}" for name, value in zip(GROUP, key, strict=True) if value is not None]
    return ", ".join(told) or "all tubes"


def folder_of(sample: dict[str, Any]) -> str:
    """Return the folder of the job of a sample's group."""
    from tilseq.study.names import safe_name

    return f"{STEP}/{safe_name(group_name(tuple(sample[name] for name in GROUP)))}"


def run(job: Job, folder: Path) -> None:
    """Gate each tube by itself and write the usual cuts. A tube that cannot be gated alone has no part in them.

    Why it cannot is told by its own job, which tries again with these cuts.
    """
    import polars as pl

    from tilseq.errors import TilseqError
    from tilseq.flow.cuts import cohort_cuts, cuts_table
    from tilseq.io.write import write_parquet
    from tilseq.steps.flow import gate_file
    from tilseq.tables.outputs import COHORT_CUTS, CUTS

    frames = [CUTS.frame()]
    for path, (sample, arguments) in zip(job.paths, job.arguments["tubes"].items(), strict=True):
        try:
            frames.append(cuts_table(gate_file(path, sample, arguments)))
        except TilseqError:
            continue
    usual = cohort_cuts(pl.concat(frames))
    group = {name: pl.lit(value, dtype=pl.String) for name, value in job.arguments["group"].items()}
    write_parquet(usual.with_columns(**group), COHORT_CUTS, folder)
