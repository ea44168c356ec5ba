"""Whether tubes of one panel are stained alike, and of one cytometer: one job for all tubes of a study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.errors import shown
from tilseq.io.cuts import GROUP
from tilseq.steps.job import Job

if TYPE_CHECKING:
    from tilseq.study import Study

STEP = "flow_panels"
CYTOMETER = "cytometer against other tubes"


def plan(study: Study) -> list[Job]:
    """Return one job for all groups of tubes that should be stained alike, none without a group of two.

    Tubes are grouped by panel or, without one, by subject; those that lend each other cuts should be of one cytometer.
    Their headers are read here: what the job compares are arguments, so that it runs again only where a stain or a
    cytometer has changed.
    """
    from tilseq.flow.cuts import LEAST_TUBES
    from tilseq.steps.flow_cuts import group_name

    groups: dict[str, dict[str, dict[str, Any]]] = {}
    cytometers: dict[str, dict[str, str]] = {}
    for sample in study.available("flow"):
        read = _read(study, sample)
        if read is not None:
            one = {"stains": read[0], "instrument": sample["instrument"]}
            groups.setdefault(_group(sample), {})[sample["sample"]] = one
            lending = group_name(tuple(sample[name] for name in GROUP))
            cytometers.setdefault(lending, {})[sample["sample"]] = read[1]
    groups = {name: tubes for name, tubes in groups.items() if len(tubes) > 1}
    lend = {name: tubes for name, tubes in cytometers.items() if len(tubes) >= LEAST_TUBES}
    mixed = {name: tubes for name, tubes in lend.items() if len(set(tubes.values()) - {""}) > 1}
    arguments = {"groups": groups, "cytometers": mixed}
    return [Job(step=STEP, unit="all panels", folder=f"{STEP}/all", arguments=arguments)] if groups or mixed else []


def run(job: Job, folder: Path) -> None:
    """Compare the tubes of each group, and write their differences and the checks of each tube."""
    import polars as pl

    from tilseq.flow.panels import Stained, compare_panels
    from tilseq.io.write import write_parquet
    from tilseq.tables.outputs import PANEL_DIFFERENCES, QUALITY

    compared = [
        compare_panels({sample: Stained(**one) for sample, one in tubes.items()}, name)
        for name, tubes in job.arguments["groups"].items()
    ]
    quality = [row for one in compared for row in one.quality]
    for name, cytometers in job.arguments["cytometers"].items():
        quality += _of_several_cytometers(name, cytometers)
    differences = [PANEL_DIFFERENCES.frame(), *(one.differences for one in compared)]
    write_parquet(pl.concat(differences), PANEL_DIFFERENCES, folder)
    write_parquet(quality, QUALITY, folder)


def _group(sample: Mapping[str, Any]) -> str:
    if sample["panel"] is not None:
        return f"panel {sample['panel']}"
    return f"subject {sample['subject']} (no panel named)"


def _of_several_cytometers(name: str, cytometers: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the check that warns each tube of a group whose cuts are lent from one cytometer to another."""
    from tilseq.flow.quality import check

    known = sorted(set(cytometers.values()) - {""})
    reason = (
        f"tubes of {name} are of {len(known)} cytometers ($CYT: {', '.join(map(shown, known))}) and lend each other "
        "cuts: give each its `instrument` in samples.csv"
    )
    return [check(sample, CYTOMETER, None, "one, of tubes that lend cuts", False, reason) for sample in cytometers]


def _read(study: Study, sample: Mapping[str, Any]) -> tuple[dict[str, str], str] | None:
    """Return a tube's stains and cytometer; None where its own job will tell why these cannot be said."""
    from tilseq.errors import TilseqError
    from tilseq.flow.panels import stains
    from tilseq.io.fcs import staining_of
    from tilseq.study.model import data_set_of

    panel = study.settings.panels.get(sample["panel"]) if sample["panel"] else None
    files = study.files(sample["sample"])
    if len(files) != 1:
        return None
    try:
        found = staining_of(files[0], data_set=data_set_of(sample["member"]) or 0)
        cytometer = found.keywords.get("$CYT", "").strip()
        return stains(found.channels, found.markers, panel.markers if panel else None), cytometer
    except TilseqError:
        return None
