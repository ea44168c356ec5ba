"""The usual cuts of a cohort's tubes: one job for the tubes of one panel, instrument and batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.io.cuts import GROUP
from tilseq.steps.flow_tubes import arguments_of, gate_file
from tilseq.steps.job import Job

if TYPE_CHECKING:
    import polars as pl

    from tilseq.io.fcs import Spill
    from tilseq.study import Study

STEP = "flow_cuts"


def plan(study: Study) -> list[Job]:
    """Return one job for each group of three tubes or more.

    Where the cuts to borrow are frozen in a file, or too few tubes have any, a group has a job for its blank tubes
    alone, if it has any.
    """
    from tilseq.flow.cuts import LEAST_TUBES

    frozen = study.settings.analysis.flow.cuts
    groups = _grouped(study, study.available("flow"))
    blanks = _grouped(study, study.available("flow", role="blank"))
    if frozen is not None:
        return [_job(study, key, [], blanks[key], frozen) for key in groups if key in blanks]
    lending = {key: samples if len(samples) >= LEAST_TUBES else [] for key, samples in groups.items()}
    return [
        _job(study, key, samples, blanks.get(key, []), None)
        for key, samples in lending.items()
        if samples or key in blanks
    ]


def _job(
    study: Study,
    key: tuple[Any, ...],
    samples: list[dict[str, Any]],
    blanks: list[dict[str, Any]],
    frozen: str | None,
) -> Job:
    """Return the job of one group; its files are the tubes, the blanks, then frozen cuts and a spillover."""
    panel = study.settings.panels.get(key[0])
    spill = panel.spill if panel else None
    further = [str(study.root / name) for name in (frozen, spill) if name is not None]
    return Job(
        step=STEP,
        unit=group_name(key),
        folder=folder_of(dict(zip(GROUP, key, strict=True))),
        paths=(*(str(study.files(s["sample"])[0]) for s in (*samples, *blanks)), *further),
        arguments={
            "cuts": frozen is not None,
            "spill": spill,
            "group": dict(zip(GROUP, key, strict=True)),
            "tubes": {s["sample"]: {"member": s["member"], **arguments_of(study, s)} for s in samples},
            "blanks": {s["sample"]: {"member": s["member"], **arguments_of(study, s)} for s in blanks},
        },
    )


def _grouped(study: Study, samples: list[dict[str, Any]]) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
    """Return group → its tubes, without those of which their own jobs refuse the number of files."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for sample in samples:
        if len(study.files(sample["sample"])) == 1:
            groups.setdefault(tuple(sample[name] for name in GROUP), []).append(sample)
    return groups


def group_name(key: tuple[Any, ...]) -> str:
    """Return what the job of a group is called."""
    told = [f"{name} {value}" for name, value in zip(GROUP, key, strict=True) if value is not None]
    return ", ".join(told) or "all tubes"


def folder_of(sample: dict[str, Any]) -> str:
    """Return the folder of the job of a sample's group."""
    from tilseq.study.names import safe_name

    return f"{STEP}/{safe_name(group_name(tuple(sample[name] for name in GROUP)))}"


def run(job: Job, folder: Path) -> None:
    """Gate each tube by itself and write the usual cuts, and what blank tubes show when they are gated with these.

    A tube that cannot be gated alone has no part in them. Why it cannot is told by its own job, which tries again with
    these cuts.
    """
    from tilseq.io.cuts import read_cohort_cuts
    from tilseq.steps.flow_spill import given_spill

    asked, number = job.arguments, len(job.arguments["tubes"])
    spill = given_spill(job.paths[-1], asked["spill"]) if asked["spill"] else None
    if asked["cuts"]:
        usual = read_cohort_cuts(job.paths[number + len(asked["blanks"])], asked["group"])
    else:
        usual = _usual_cuts(job, spill, folder)
    _write_blanks(job.paths[number:], asked["blanks"], usual, spill, folder)


def _usual_cuts(job: Job, spill: Spill | None, folder: Path) -> pl.DataFrame:
    import polars as pl

    from tilseq.errors import TilseqError
    from tilseq.flow.cuts import cohort_cuts, cuts_table
    from tilseq.io.write import write_parquet
    from tilseq.tables.outputs import COHORT_CUTS, CUTS

    frames = [CUTS.frame()]
    for path, (sample, arguments) in zip(job.paths, job.arguments["tubes"].items(), strict=False):
        try:
            frames.append(cuts_table(gate_file(path, sample, arguments, spill=spill)))
        except TilseqError:
            continue
    usual = cohort_cuts(pl.concat(frames))
    group = {name: pl.lit(value, dtype=pl.String) for name, value in job.arguments["group"].items()}
    write_parquet(usual.with_columns(**group), COHORT_CUTS, folder)
    return usual


def _write_blanks(
    paths: Sequence[str], blanks: Mapping[str, Any], usual: pl.DataFrame, spill: Spill | None, folder: Path
) -> None:
    from tilseq.errors import TilseqError
    from tilseq.flow.counts import blank_for
    from tilseq.flow.cuts import borrowed
    from tilseq.flow.quality import check
    from tilseq.io.write import write_parquet
    from tilseq.tables.outputs import BLANKS, QUALITY

    rows: list[dict[str, Any]] = []
    told = []
    for path, (sample, arguments) in zip(paths, blanks.items(), strict=False):
        try:
            gating = gate_file(path, sample, arguments, borrowed(usual), spill)
        except TilseqError as error:  # one blank that cannot be gated does not stop the others
            reason = f"left out of the limits of blank: {error}"
            told.append(check(sample, "blank", None, "a tube that can be gated", False, reason, worst="fail"))
            continue
        events, others = blank_for(gating)
        lymphocytes = gating.populations["lymphocytes"].events
        if lymphocytes:
            rows += [
                {"sample": sample, "population": name, "events": number, "lymphocytes": lymphocytes}
                for name, number in events.items()
            ]
        holds = f"; it is no blank of {', '.join(others)}, whose markers its cells bear" if others else ""
        told.append(check(sample, "blank", lymphocytes, "a tube that can be gated", lymphocytes > 0, f"taken{holds}"))
    write_parquet(rows, BLANKS, folder)
    write_parquet(told, QUALITY, folder)
