"""What a job is: one step's work on one unit, with all it depends on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.errors import TableError

if TYPE_CHECKING:
    import polars as pl

    from tilseq.study import Study


@dataclass(frozen=True)
class Job:
    """One step's work on one unit.

    Attributes
    ----------
    step
        Name of the step: the `STEP` of its module.
    unit
        What it works on: a sample, a subject, or the name of a table.
    folder
        Folder of its outputs below the run's work folder, safe as a file name and unique.
    paths
        Files it reads.
    needs
        Folders of the jobs whose outputs it reads.
    arguments
        Everything else that its outputs depend on, as JSON values.
    sample
        Row of `samples.csv`, where the unit is a sample.
    samples
        Names of the samples that stand or fall with it, where it is not of one alone.
    digests
        SHA-256 of each file in `paths`, as it was when the run was planned.
    """

    step: str
    unit: str
    folder: str
    paths: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    sample: Mapping[str, Any] | None = None
    samples: tuple[str, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the job as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Job:
        """Return the job that `as_dict` was made from."""
        listed = {name: tuple(values.get(name, ())) for name in ("paths", "needs", "samples")}
        return cls(**{**values, **listed})


def needed(job: Job, folder: Path, table: str) -> dict[str, Path]:
    """Return the tables of one name that the jobs this one needs have left: folder of the job → path.

    A needed job that failed has left none and is absent: the caller says whether it can do without.
    """
    work = folder.parents[1]
    return {need: path for need in job.needs if (path := work / need / f"{table}.parquet").exists()}


def read_needed(job: Job, folder: Path, table: str) -> dict[str, pl.DataFrame]:
    """Return the tables of one name that the jobs this one needs have left, by the job's folder; see `needed`."""
    import polars as pl

    return {need: pl.read_parquet(path) for need, path in needed(job, folder, table).items()}


def only_path(job: Job) -> str:
    """Return the one file of a job.

    Raises
    ------
    TableError
        The sample names several files, of which all but one would go unread.
    """
    if len(job.paths) != 1:
        found = (job.sample or {}).get("path")
        raise TableError("this assay reads one file a sample", file="samples.csv", column="path", found=found)
    return job.paths[0]


def sample_jobs(
    study: Study,
    step: str,
    samples: Sequence[dict[str, Any]],
    arguments: Callable[[dict[str, Any]], dict[str, Any]],
) -> list[Job]:
    """Return one job a sample, with the sample's files and what `arguments` says of it."""
    from tilseq.study.names import safe_name

    return [
        Job(
            step=step,
            unit=sample["sample"],
            folder=f"{step}/{safe_name(sample['sample'])}",
            paths=tuple(map(str, study.files(sample["sample"]))),
            arguments=arguments(sample),
            sample=sample,
        )
        for sample in samples
    ]
