"""The usual cuts of a cohort's tubes: one job for the tubes of one panel, instrument and batch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.io.cuts import GROUP
from tilseq.steps.job import Job

if TYPE_CHECKING:
    from tilseq.study import Study

STEP = "flow_cuts"


def plan(study: Study) -> list[Job]:
    """Return one job for each group of three tubes or more, unless the cuts to borrow are frozen in a file."""
    from tilseq.flow.cuts import LEAST_TUBES
    from tilseq.steps.flow import arguments_of

    if study.settings.analysis.flow.cuts is not None:
        return []
    groups = _grouped(study, study.available("flow"))
    panels = study.settings.panels
    spills = {name: panel.spill for name, panel in panels.items() if panel.spill is not None}
    blanks = _grouped(study, study.available("flow", role="blank"))
    return [
        Job(
            step=STEP,
            unit=group_name(key),
            folder=folder_of(dict(zip(GROUP, key, strict=True))),
            paths=(
                *(str(study.files(s["sample"])[0]) for s in (*samples, *blanks.get(key, []))),
                *([str(study.root / spills[key[0]])] if key[0] in spills else []),
            ),
            arguments={
                "spill": spills.get(key[0]),
                "group": dict(zip(GROUP, key, strict=True)),
                "tubes": {s["sample"]: {"member": s["member"], **arguments_of(study, s)} for s in samples},
                "blanks": {s["sample"]: {"member": s["member"], **arguments_of(study, s)} for s in blanks.get(key, [])},
            },
        )
        for key, samples in groups.items()
        if len(samples) >= LEAST_TUBES
    ]


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
    import polars as pl

    from tilseq.errors import TilseqError
    from tilseq.flow.counts import count
    from tilseq.flow.cuts import borrowed, cohort_cuts, cuts_table
    from tilseq.flow.quality import check
    from tilseq.io.write import write_parquet
    from tilseq.steps.flow import gate_file
    from tilseq.steps.flow_spill import given_spill
    from tilseq.tables.outputs import BLANKS, COHORT_CUTS, CUTS, QUALITY

    frames = [CUTS.frame()]
    tubes, blanks = job.arguments["tubes"], job.arguments["blanks"]
    spill = given_spill(job.paths[-1], job.arguments["spill"]) if job.arguments["spill"] else None
    for path, (sample, arguments) in zip(job.paths, tubes.items(), strict=False):
        try:
            frames.append(cuts_table(gate_file(path, sample, arguments, spill=spill)))
        except TilseqError:
            continue
    usual = cohort_cuts(pl.concat(frames))
    group = {name: pl.lit(value, dtype=pl.String) for name, value in job.arguments["group"].items()}
    write_parquet(usual.with_columns(**group), COHORT_CUTS, folder)
    rows: list[dict[str, Any]] = []
    told = []
    for path, (sample, arguments) in zip(job.paths[len(tubes) :], blanks.items(), strict=False):
        try:
            counts = count(gate_file(path, sample, arguments, borrowed(usual), spill))
        except TilseqError as error:  # one blank that cannot be gated does not stop the others
            reason = f"left out of the limits of blank: {error}"
            told.append(check(sample, "blank", None, "a tube that can be gated", False, reason, worst="fail"))
            continue
        rows += counts.filter(pl.col("parent_events") > 0).select(BLANKS.names).to_dicts()
    write_parquet(BLANKS.frame(rows), BLANKS, folder)
    write_parquet(QUALITY.frame(told), QUALITY, folder)
