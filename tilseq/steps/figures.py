"""The figures of a job, each with the sentence that stands below it in the report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CAPTIONS = "captions.json"


def save_figures(drawn: Mapping[str, tuple[Axes, str]], folder: Path) -> None:
    """Write figures, and `captions.json`: file → caption; without figures nothing.

    Parameters
    ----------
    drawn
        Name → axes and caption.
    folder
        The job's folder `figures`.
    """
    from tilseq.io.files import write_json
    from tilseq.plots.style import save

    captions: dict[str, str] = {}
    for name, (axes, caption) in drawn.items():
        captions |= {path.name: caption for path in save(cast("Figure", axes.figure), folder, name)}
    if captions:
        write_json(folder / CAPTIONS, captions)
