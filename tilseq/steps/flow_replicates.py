"""Whether replicate tubes of one specimen agree: one job for all replicates of a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps import flow
from tilseq.steps.job import Job, read_needed

if TYPE_CHECKING:
    from tilseq.study import Study

STEP = "flow_replicates"
# Tubes alike in all of these, and told apart by `replicate`, are of one specimen and one panel.
ALIKE = ("subject", "specimen", "visit", "day", "timing", "lot", "lesion", "specimen_id", "panel")


def plan(study: Study) -> list[Job]:
    """Return one job that reads the counts of all tubes that have a replicate, none where there is no such."""
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for job in flow.plan(study):
        sample = dict(job.sample or {})
        groups.setdefault(tuple(sample[name] for name in ALIKE), {})[job.folder] = sample
    replicates = [tubes for tubes in groups.values() if len({one["replicate"] for one in tubes.values()}) > 1]
    if not replicates:
        return []
    needs = tuple(folder for tubes in replicates for folder in tubes)
    arguments = {"groups": [{folder: one["sample"] for folder, one in tubes.items()} for tubes in replicates]}
    return [Job(step=STEP, unit="all replicates", folder=f"{STEP}/all", needs=needs, arguments=arguments)]


def run(job: Job, folder: Path) -> None:
    """Compare the replicates of each specimen, and write checks of each tube."""
    from tilseq.flow.replicates import compare_replicates
    from tilseq.io.write import write_parquet
    from tilseq.tables.outputs import QUALITY

    counts = read_needed(job, folder, "counts")
    rows = []
    for group in job.arguments["groups"]:
        rows += compare_replicates({sample: counts[need] for need, sample in group.items() if need in counts})
    write_parquet(rows, QUALITY, folder)
