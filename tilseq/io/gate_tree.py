"""The gates of one sample as a file gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tilseq.gates import Gate


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
    events
        How many the tube holds that the gates were made on, where their file says so.
    """

    file: Path
    sample: str
    gates: Sequence[Gate]
    time_step: float | None = None
    underscores: bool = False
    events: int | None = None
