"""What every writer of the study folder needs to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from tilseq.simulate.design import Design
from tilseq.simulate.streams import stream
from tilseq.simulate.subjects import Subject
from tilseq.simulate.vbeta import Choice, choose

Row = dict[str, object]
Rows = dict[str, list[Row]]  # name of a table → its rows


@dataclass(frozen=True)
class Context:
    """One subject of a trial that is being written.

    Attributes
    ----------
    folder
        Folder of the study.
    design
        Of the trial.
    subject
        As it truly is.
    """

    folder: Path
    design: Design
    subject: Subject

    def stream(self, *names: str) -> np.random.Generator:
        """Return the random stream of one purpose of this subject."""
        return stream(self.design.seed, self.subject.name, *names)

    @cached_property
    def vbeta(self) -> Choice:
        """The V-betas by which the laboratory follows this subject's infused cells."""
        return choose(self.stream("vbeta"), self.subject)


def add(rows: Rows, more: Mapping[str, list[Row]]) -> None:
    """Add rows to tables."""
    for name, new in more.items():
        rows.setdefault(name, []).extend(new)
