"""A spillover matrix that a panel gives in place of those in the files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tilseq.io.fcs import Fcs, Spill


def given_spill(path: str | Path, name: str) -> Spill:
    """Read a spillover matrix, called as the settings call its file."""
    from tilseq.io.spill import read_spill

    return replace(read_spill(path), source=name)


def with_spill(tube: Fcs, spill: Spill | None) -> Fcs:
    """Return a tube with a spillover in place of its own, or as it is where none is given.

    Raises
    ------
    AnalysisError
        The tube is compensated already, or the matrix cannot be taken out of it.
    """
    from tilseq.flow.given_spill import refuse_given

    if spill is None:
        return tube
    refuse_given(tube, spill)
    return replace(tube, spill=spill)
