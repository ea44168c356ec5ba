"""Endpoints of T-cell therapy trials, from the raw files to one report.

Subpackages are imported when they are first asked for, so that `import tilseq` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tilseq.report.results import read_results
    from tilseq.study import read_study

PACKAGES = (
    "clinical",
    "cytokines",
    "endpoints",
    "exports",
    "expression",
    "flow",
    "io",
    "plots",
    "repertoire",
    "simulate",
    "study",
    "tables",
)
FUNCTIONS = {"read_study": "tilseq.study", "read_results": "tilseq.report.results"}

__all__ = ["read_results", "read_study"]


def __getattr__(name: str) -> Any:
    if name in PACKAGES:
        return import_module(f"tilseq.{name}")
    if name in FUNCTIONS:
        return getattr(import_module(FUNCTIONS[name]), name)
    if name == "__version__":
        return import_module("importlib.metadata").version("tilseq")
    raise AttributeError(f"module 'tilseq' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *PACKAGES, *FUNCTIONS]
