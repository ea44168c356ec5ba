"""The plan of a run: every job with a fingerprint of all it depends on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.errors import RunError
from tilseq.steps.job import Job
from tilseq.workflow.supervise import STATUS, read_status

if TYPE_CHECKING:
    from tilseq.study import Study

STEPS = (
    "flow_panels",
    "flow_cuts",
    "flow",
    "flow_replicates",
    "til_survival",
    "intracellular",
    "cytokine_plates",
    "cytokines",
    "repertoire",
    "contamination",
    "template_counting",
    "persistence",
    "persistence_kinetics",
    "tracking",
    "cell_labels",
    "overlap",
    "diversity",
    "diversity_over_study",
    "cell_expression",
    "expression",
    "bulk_rna",
    "pseudobulk",
    "transcriptome",
    "clinical",
    "response_rates",
    "survival",
    "safety",
    "labs",
    "markers",
)
STUDY_TABLES = ("study.yaml", "subjects.csv", "infusions.csv", "samples.csv", "clinical/*.csv", "plates/*.csv")
# Whose numbers tilseq passes on.
LIBRARIES = (
    "anndata",
    "flowkit",
    "flowutils",
    "gseapy",
    "h5py",
    "matplotlib",
    "numpy",
    "pandas",
    "pillow",
    "polars",
    "pydeseq2",
    "scanpy",
    "scipy",
    "symscan",
)


@dataclass(frozen=True)
class Plan:
    """Jobs in an order in which each stands behind those it needs, their fingerprints and limits.

    `inputs` holds the SHA-256 and the size of every file that the study consists of, as planned.
    """

    jobs: tuple[Job, ...]
    fingerprints: Mapping[str, str]
    inputs: Mapping[str, Sequence[Any]]
    seconds: float
    gigabytes: float

    def write(self, path: Path) -> None:
        """Write the plan where the jobs' processes will read it."""
        from tilseq.io.files import write_json

        values = {
            "jobs": [job.as_dict() for job in self.jobs],
            "fingerprints": dict(self.fingerprints),
            "inputs": dict(self.inputs),
            "seconds": self.seconds,
            "gigabytes": self.gigabytes,
        }
        write_json(path, values)

    @classmethod
    def read(cls, path: Path) -> Plan:
        """Read a plan.

        Raises
        ------
        RunError
            There is no plan, or it is not whole.
        """
        try:
            values = json.loads(path.read_text("utf-8"))
            return cls(
                jobs=tuple(Job.from_dict(job) for job in values["jobs"]),
                fingerprints=values["fingerprints"],
                inputs=values["inputs"],
                seconds=values["seconds"],
                gigabytes=values["gigabytes"],
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError("no plan of a run can be read", file=path, mend="start with `tilseq run`") from error


def make_plan(study: Study) -> Plan:
    """Return every job of a study; all input files are hashed here."""
    from tilseq.io.digest import sha256_of_value

    planned = [job for step in STEPS for job in import_module(f"tilseq.steps.{step}").plan(study)]
    paths = sorted({*map(str, study_tables(study.root)), *(path for job in planned for path in job.paths)})
    with ThreadPoolExecutor() as pool:
        inputs = dict(zip(paths, pool.map(_sha256_and_size, paths), strict=True))
    jobs = [replace(job, digests={path: inputs[path][0] for path in job.paths}) for job in planned]
    fingerprints: dict[str, str] = {}
    code = _code_digest()
    for job in jobs:
        # Content and settings, not places: a study that has moved is the same study.
        content = [job.step, job.unit, job.arguments, job.sample, [job.digests[path] for path in job.paths]]
        fingerprints[job.folder] = sha256_of_value([content, [fingerprints[need] for need in job.needs], code])
    limits = study.settings.analysis
    return Plan(tuple(jobs), fingerprints, inputs, limits.job_seconds, limits.job_gigabytes)


def study_tables(root: Path) -> set[Path]:
    """Return the tables of a study's folder that are there."""
    found = {path for name in STUDY_TABLES for path in root.glob(name)}
    return {path for path in found if not path.name.startswith(".")}  # which an editor holds; the study reads none


def _sha256_and_size(path: str) -> tuple[str, int]:
    from tilseq.io.digest import sha256_of_file

    return sha256_of_file(path), Path(path).stat().st_size


def _code_digest() -> str:
    """Return a digest of tilseq's own files and the versions of the libraries whose numbers it passes on."""
    from tilseq.io.digest import sha256_of_file, sha256_of_value

    package = Path(__file__).parents[1]
    files = [path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    sources = {str(path.relative_to(package)): sha256_of_file(path) for path in files}
    return sha256_of_value([sources, {name: metadata.version(name) for name in LIBRARIES}])


def pending(plan: Plan, work: Path, *, remove: bool = True) -> list[Job]:
    """Return the jobs whose outputs cannot be trusted, and remove those outputs unless told not to.

    A job is trusted when its status says `ok` under today's fingerprint, every output has the content that the
    status names, and all jobs it needs are trusted. Dates and mere existence are never believed.
    """
    untrusted: dict[str, Job] = {}
    for job in plan.jobs:
        trusted = not any(need in untrusted for need in job.needs)
        if not (trusted and _is_whole(work / job.folder, plan.fingerprints[job.folder])):
            untrusted[job.folder] = job
            if remove:
                shutil.rmtree(work / job.folder, ignore_errors=True)
    return list(untrusted.values())


def _is_whole(folder: Path, fingerprint: str) -> bool:
    from tilseq.errors import ReadError
    from tilseq.io.digest import sha256_of_file

    status = read_status(folder)
    if status is None or status.get("state") != "ok" or status.get("fingerprint") != fingerprint:
        return False
    try:
        return all(sha256_of_file(folder / name) == digest for name, digest in status["outputs"].items())
    except ReadError:
        return False


def ended(jobs: Sequence[Job], work: Path) -> int:
    """Return how many of the jobs have left a status."""
    return sum((work / job.folder / STATUS).exists() for job in jobs)
