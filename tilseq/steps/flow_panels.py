"""Whether tubes of one panel are stained alike: one job for all tubes of a study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.job import Job

if TYPE_CHECKING:
    from tilseq.study import Study

STEP = "flow_panels"


def plan(study: Study) -> list[Job]:
    """Return one job for all groups of tubes that should be stained alike, none without a group of two.

    Tubes are grouped by panel or, without one, by subject. Their headers are read here: what the job compares are
    arguments, so that it runs again only where a stain has changed.
    """
    groups: dict[str, dict[str, dict[str, Any]]] = {}
    for sample in study.available("flow"):
        stained = _stains(study, sample)
        if stained is not None:
            one = {"stains": stained, "instrument": sample["instrument"]}
            groups.setdefault(_group(sample), {})[sample["sample"]] = one
    groups = {name: tubes for name, tubes in groups.items() if len(tubes) > 1}
    return [Job(step=STEP, unit="all panels", folder=f"{STEP}/all", arguments={"groups": groups})] if groups else []


def run(job: Job, folder: Path) -> None:
    """Compare the tubes of each group, and write their differences and a check a tube."""
    import polars as pl

    from tilseq.flow.panels import Stained, compare_panels
    from tilseq.io.write import write_parquet
    from tilseq.tables.outputs import PANEL_DIFFERENCES, QUALITY

    compared = [
        compare_panels({sample: Stained(**one) for sample, one in tubes.items()}, name)
        for name, tubes in job.arguments["groups"].items()
    ]
    quality = [row for one in compared for row in one.quality]
    write_parquet(pl.concat([one.differences for one in compared]), PANEL_DIFFERENCES, folder)
    write_parquet(QUALITY.frame(quality), QUALITY, folder)


def _group(sample: Mapping[str, Any]) -> str:
    if sample["panel"] is not None:
        return f"panel {sample['panel']}"
    return f"subject {sample['subject']} (no panel named)"


def _stains(study: Study, sample: Mapping[str, Any]) -> dict[str, str] | None:
    """Return what a tube is stained with; None where its own job will tell why that cannot be said."""
    from tilseq.errors import TilseqError
    from tilseq.flow.panels import stains
    from tilseq.io.fcs import list_channels
    from tilseq.study.model import data_set_of

    panel = study.settings.panels.get(sample["panel"]) if sample["panel"] else None
    files = study.files(sample["sample"])
    if len(files) != 1:
        return None
    try:
        channels, markers = list_channels(files[0], data_set=data_set_of(sample["member"]) or 0)
        return stains(channels, markers, panel.markers if panel else None)
    except TilseqError:
        return None
