"""A spillover matrix that a panel gives in place of those in the files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tilseq.io.fcs import Spill


def given_spill(path: str | Path, name: str) -> Spill:
    """Read a spillover matrix, called as the settings call its file."""
    from tilseq.io.spill import read_spill

    return replace(read_spill(path), source=name)
