"""The gates of one sample as a file gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tilseq.gates import LARGEST_CONDITION, Gate, Spectra


@dataclass(frozen=True)
class Tree:
    """Gates of one sample.

    Attributes
    ----------
    file, sample
        Where they stand, and of what sample they are.
    gates
        In the order of the file, each with a name of its own.
    time_step
        What ticks of the channel Time are multiplied by; None is the tube's own $TIMESTEP.
    underscores
        A `/` in a channel's name is written `_`, as FlowJo does.
    """

    file: Path
    sample: str
    gates: Sequence[Gate]
    time_step: float | None = None
    underscores: bool = False


def spectra_fault(spectra: Spectra) -> str | None:
    """Return why a matrix cannot be taken out, or None."""
    sizes = {len(row) for row in spectra.matrix}
    if len(spectra.matrix) != len(spectra.dyes) or sizes != {len(spectra.detectors)}:
        return f"{len(spectra.matrix)} × {', '.join(map(str, sorted(sizes)))} values for " + (
            f"{len(spectra.dyes)} dyes and {len(spectra.detectors)} detectors"
        )
    if len(set(spectra.dyes)) < len(spectra.dyes) or len(set(spectra.detectors)) < len(spectra.detectors):
        return "a channel that stands twice"
    matrix = np.array(spectra.matrix)
    if not np.isfinite(matrix).all():
        return "a value that is no finite number"
    condition = float(np.linalg.cond(matrix))
    if len(spectra.dyes) > len(spectra.detectors) or condition > LARGEST_CONDITION:
        return f"a matrix that is singular or nearly so, condition number {condition:.3g}"
    return None
