"""`tilseq step`: one job of a planned run; Snakemake calls it."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command("step", hidden=True)
@click.argument("home", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("folder")
def step_command(home: Path, folder: str) -> None:
    """Run the job FOLDER of the plan in HOME in a supervised child, and leave its status whatever happens."""
    from tilseq.errors import RunError
    from tilseq.workflow.engine import ENGINE
    from tilseq.workflow.plan import Plan
    from tilseq.workflow.processes import die_with_parent
    from tilseq.workflow.supervise import supervise

    # By hand, or on a cluster's node, there is no engine to outlive.
    if ENGINE in os.environ:
        die_with_parent(int(os.environ[ENGINE]))
    plan = Plan.read(home / "plan.json")
    job = next((job for job in plan.jobs if job.folder == folder), None)
    if job is None:
        raise RunError("the plan has no such job", file=home / "plan.json", found=folder)
    supervise(job, plan.fingerprints[folder], home / "work", seconds=plan.seconds, gigabytes=plan.gigabytes)
