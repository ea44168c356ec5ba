"""`run.json`: what a run was made from."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.job import Job

if TYPE_CHECKING:
    from tilseq.study import Study

LIBRARIES = ("anndata", "h5py", "matplotlib", "numpy", "polars", "scipy", "snakemake")


def provenance(study: Study, jobs: Sequence[Job], *, command: str, times: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs with their SHA-256, the resolved settings, versions and times of a run.

    Paths are relative to the study; no name of a user or a host is told.
    """
    root = study.root
    digests = {path: digest for job in jobs for path, digest in job.digests.items()}
    tables = [root / name for name in ("study.yaml", "subjects.csv", "infusions.csv", "samples.csv")]
    from tilseq.io.digest import sha256_of_file

    digests |= {str(path): sha256_of_file(path) for path in tables if path.exists()}
    return {
        "study": {"name": study.settings.study, "title": study.settings.title},
        "tilseq": metadata.version("tilseq"),
        "command": command,
        "settings": study.settings.model_dump(mode="json"),
        "inputs": [
            {"path": str(Path(path).relative_to(root)), "sha256": digests[path], "bytes": Path(path).stat().st_size}
            for path in sorted(digests)
        ],
        "versions": {name: metadata.version(name) for name in LIBRARIES},
        "system": {"python": sys.version.split()[0], "os": platform.system(), "machine": platform.machine()},
        "seed": None,
        **times,
    }
