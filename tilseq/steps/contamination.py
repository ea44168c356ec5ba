"""Contamination: one job a study, over the receptor samples of all subjects."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.job import Job, needed
from tilseq.steps.receptor_subjects import by_subject
from tilseq.steps.repertoire import count_of

if TYPE_CHECKING:
    import polars as pl

    from tilseq.study import Study

STEP = "contamination"
VERDICTS = {"as_labelled": "pass", "cannot_tell": "pass", "swapped": "fail", "duplicate": "fail"}  # else warn


def plan(study: Study) -> list[Job]:
    """Return one job over all receptor samples, none where they are of fewer than two subjects."""
    subjects = by_subject(study)
    if len(subjects) < 2:
        return []
    jobs = [job for of_subject in subjects.values() for job in of_subject]
    words = ("sample", "subject", "run")
    samples = {job.folder: {word: (job.sample or {})[word] for word in words} for job in jobs}
    needs = tuple(job.folder for job in jobs)
    return [Job(step=STEP, unit="all subjects", folder=f"{STEP}/all", needs=needs, arguments={"samples": samples})]


def run(job: Job, folder: Path) -> None:
    """Write what samples share beyond chance, and the checks of each that follow.

    A sample whose own job failed takes no part: its own `failures` tells why.
    """
    import polars as pl

    from tilseq.io.write import write_parquet
    from tilseq.receptors import CLONE
    from tilseq.repertoire.contamination import contamination
    from tilseq.tables.contamination import LEAK_RATES, SAMPLE_IDENTITY, SHARED_PAIRS, SUSPICIOUS_CLONES
    from tilseq.tables.outputs import QUALITY

    rows = job.arguments["samples"]
    read = partial(pl.read_parquet, columns=[*CLONE, "duplicate_count"])  # all samples of the study are held at once
    paths = {rows[need]["sample"]: path for need, path in needed(job, folder, "clonotypes").items()}
    tables = {sample: read(path) for sample, path in paths.items()}
    counted = {
        sample: count_of(pl.read_parquet(path, columns=["count_of"], n_rows=1)) for sample, path in paths.items()
    }
    subjects, runs = (
        {row["sample"]: row[word] for row in rows.values() if row["sample"] in tables} for word in ("subject", "run")
    )
    found = contamination(tables, subjects=subjects, runs=runs, count_of=counted)
    write_parquet(found.samples, SAMPLE_IDENTITY, folder)
    write_parquet(found.pairs, SHARED_PAIRS, folder)
    write_parquet(found.rates, LEAK_RATES, folder)
    write_parquet(found.clones, SUSPICIOUS_CLONES, folder)
    write_parquet(_quality_rows(found.samples, found.rates), QUALITY, folder)


def _quality_rows(samples: pl.DataFrame, rates: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the checks that follow for each sample: `identity`, `leaks` and `depth in its run`.

    Parameters
    ----------
    samples
        The table `sample_identity`.
    rates
        The table `leak_rates`.
    """
    of_run = {row["run"]: row for row in rates.iter_rows(named=True) if row["recipient"] is None}
    rows: list[dict[str, Any]] = []
    for sample in samples.iter_rows(named=True):
        checks = [_identity(sample), _depth(sample), _leaks(sample, of_run.get(sample["run"]), rates)]
        rows += [{"sample": sample["sample"], **check} for check in checks if check]
    return rows


def _identity(sample: dict[str, Any]) -> dict[str, Any]:
    return {
        "check": "identity",
        "value": sample["own_agree"],
        "limit": "agrees with samples of its own subject, and of no other",
        "verdict": VERDICTS.get(sample["verdict"], "warn"),
        "reason": f"{sample['verdict']}: {sample['reason']}",
    }


def _depth(sample: dict[str, Any]) -> dict[str, Any] | None:
    if sample["depth"] != "shallow":
        return None
    return {
        "check": "depth in its run",
        "value": sample["counts"],
        "limit": f"at least a twentieth of the {sample['usual_counts']:g} that is usual beside it",
        "verdict": "warn",
        "reason": f"{sample['clones']} clones, {sample['counts']} counts: far shallower than the others",
    }


def _leaks(sample: dict[str, Any], run: dict[str, Any] | None, rates: pl.DataFrame) -> dict[str, Any] | None:
    if run is None or run["verdict"] == "cannot_tell":
        return None
    from_whom = rates.filter(recipient=sample["sample"], verdict="leak")
    told = [f"{row['donor_subject']} ({_rate(row)})" for row in from_whom.iter_rows(named=True)]
    none = f"no leak into it found in run {sample['run']}; of the whole run {_rate(run)}"
    return {
        "check": "leaks",
        "value": sample["arrived"],
        "limit": "no counts from another subject's sample of the run",
        "verdict": "warn" if told else "pass",
        "reason": f"clones of {', '.join(told)} leaked into it: see suspicious_clones" if told else none,
    }


def _rate(row: dict[str, Any]) -> str:
    unlike = f", in counts of {row['count_of']}, which are no share" if "," in (row["count_of"] or "") else ""
    return f"{row['rate']:.2g} of its counts, {row['lower']:.2g} to {row['upper']:.2g}{unlike}"
