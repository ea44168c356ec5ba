"""What the steps of safety, laboratory results and markers share: rows in a job, faults, days of the treatment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tilseq.steps.job import Job

if TYPE_CHECKING:
    import polars as pl

    from tilseq.errors import TilseqError
    from tilseq.study import Study
    from tilseq.tables import Table

PEOPLE = ("subjects", "infusions")


def whole_study_job(study: Study, step: str, *tables: str, settings: Mapping[str, Any]) -> list[Job]:
    """Return one job over all subjects that carries subjects, infusions and some tables of clinical/ whole.

    `file` is that of the first of these tables. There is none where that holds no row; another that the study does not
    have is null.
    """
    if tables[0] not in study.clinical:
        return []
    frames = {"subjects": study.subjects, "infusions": study.infusions, **study.clinical}
    # By column, as a laboratory's results are many.
    rows = {name: frames[name].to_dict(as_series=False) if name in frames else None for name in (*PEOPLE, *tables)}
    return [
        Job(step, "all subjects", f"{step}/all", arguments={"file": study.clinical_file(tables[0]), **rows, **settings})
    ]


def frame_of(job: Job, table: Table) -> pl.DataFrame:
    """Return a table that a job carries, in the order of its file; further columns stay, as text."""
    import polars as pl

    rows = job.arguments[table.name]
    return pl.DataFrame(rows, schema={name: table.schema.get(name, pl.String()) for name in rows})


def followup_of(job: Job) -> pl.DataFrame | None:
    """Return the follow-up that a job carries, which has the days of the data cut; None where the study has none."""
    from tilseq.tables.inputs import FOLLOWUP

    return None if job.arguments["followup"] is None else frame_of(job, FOLLOWUP)


def il2_ends(job: Job) -> dict[str, int] | None:
    """Return subject → last day of IL-2 by the setting, None where it names none; that of `subjects` goes before."""
    day = job.arguments["il2_end_day"]
    return None if day is None else dict.fromkeys(job.arguments["subjects"]["subject"], day)


def refusals(step: str, file: str, faults: Sequence[tuple[str, TilseqError]]) -> tuple[list[str], pl.DataFrame]:
    """Return the subjects whose records cannot be used, and for each a row of `failures`.

    Parameters
    ----------
    step, file
        Name of the step, and the file that the faults are of.
    faults
        Subject and what a laboratory finds wrong with a row.
    """
    from tilseq.tables.outputs import FAILURES

    found: dict[str, list[str]] = {}
    for subject, error in faults:
        error.file = file
        found.setdefault(subject, []).append(str(error))
    rows = [
        {"step": step, "unit": subject, "error": "\n".join(told), "file": file, "retry": ""}
        for subject, told in sorted(found.items())
    ]
    return sorted(found), FAILURES.frame(rows)


def treatment_days(job: Job, subject: str | None = None) -> dict[str, Any]:
    """Return the days that a figure's strip of the treatment shows: of one subject, or where all have the same ones."""
    from tilseq.tables.infusions import given_infusions
    from tilseq.tables.inputs import INFUSIONS

    people, infusions = job.arguments["subjects"], given_infusions(frame_of(job, INFUSIONS))
    starts = {
        day
        for name, day in zip(people["subject"], people["lymphodepletion_day"], strict=True)
        if subject in (None, name)
    }
    given: dict[str, list[int]] = {}
    for name, day in zip(infusions["subject"], infusions["day"], strict=True):
        if subject in (None, name):
            given.setdefault(name, []).append(day)
    days = {tuple(sorted(days)) for days in given.values()}
    common = job.arguments["il2_end_day"]
    ends = {
        common if day is None else day
        for name, day in zip(people["subject"], people["il2_end_day"], strict=True)
        if subject in (None, name)
    }
    return {
        "lymphodepletion_day": starts.pop() if len(starts) == 1 else None,
        "infusion_days": days.pop() if len(days) == 1 else (0,),
        "il2_end_day": ends.pop() if len(ends) == 1 else None,
    }
