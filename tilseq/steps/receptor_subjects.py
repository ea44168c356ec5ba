"""The receptor samples of each subject, and one job over all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tilseq.steps import repertoire
from tilseq.steps.job import Job

if TYPE_CHECKING:
    from tilseq.study import Study


def by_subject(study: Study) -> dict[str, list[Job]]:
    """Return subject → jobs of the step `repertoire`, subjects sorted."""
    found: dict[str, list[Job]] = {}
    for job in repertoire.plan(study):
        found.setdefault((job.sample or {})["subject"], []).append(job)
    return dict(sorted(found.items()))


def subject_job(step: str, subject: str, needs: list[Job], **further: Any) -> Job:
    """Return the job of a step over a subject's samples; ``samples`` in its arguments is folder → row of samples.csv.

    Parameters
    ----------
    step, subject
        Names of the step and of its unit.
    needs
        Jobs of the step `repertoire` of the subject.
    further
        More arguments of the job.
    """
    from tilseq.study.names import safe_name

    return Job(
        step=step,
        unit=subject,
        folder=f"{step}/{safe_name(subject)}",
        needs=tuple(job.folder for job in needs),
        arguments={"samples": {job.folder: dict(job.sample or {}) for job in needs}, **further},
    )


def in_time(sample: Mapping[str, Any]) -> tuple[float, bool, str]:
    """Return what puts samples in the order in which they were taken, those without a day last."""
    day = sample["day"]
    return float("inf") if day is None else day, sample["timing"] != "pre", sample["sample"]
