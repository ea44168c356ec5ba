"""`run.json`: what a run was made from."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.workflow.plan import LIBRARIES, Plan

if TYPE_CHECKING:
    from tilseq.study import Study


def provenance(
    study: Study, plan: Plan, *, command: str, notes: Sequence[str], times: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the inputs with their SHA-256, the resolved settings, versions and times of a run, and the study's notes.

    Paths of inputs are relative to the study; the command is told as it was given.
    """
    return {
        "study": {"name": study.settings.study, "title": study.settings.title},
        "command": command,
        "settings": study.settings.model_dump(mode="json"),
        "inputs": [
            {"path": str(Path(path).relative_to(study.root)), "sha256": digest, "bytes": size}
            for path, (digest, size) in sorted(plan.inputs.items())
        ],
        **made_with(),
        "seed": None,
        "notes": list(notes),
        **times,
    }


def made_with() -> dict[str, Any]:
    """Return the versions of tilseq, of the libraries and of the system, by their names in `run.json`."""
    return {
        "tilseq": metadata.version("tilseq"),
        "versions": {name: metadata.version(name) for name in (*LIBRARIES, "snakemake")},
        "system": {"python": sys.version.split()[0], "os": platform.system(), "machine": platform.machine()},
    }
