"""The figures of the cohort, drawn when all jobs are done by as many processes as the run has cores.

Each process draws every so-manyth figure. The run's own is one of them; the others are new, as a process that has
polars has threads and must not be copied.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tilseq.errors import TilseqError
from tilseq.workflow.engine import module_folders
from tilseq.workflow.processes import die_with_parent

if TYPE_CHECKING:
    from tilseq.report.figures import Drawing
    from tilseq.report.results import Results

LEAST_EACH = 4  # figures of a process: fewer take no longer than its start
STARTER = "import sys; from tilseq.workflow.figures import main; main(*map(int, sys.argv[1:4]), sys.argv[4])"


def draw_figures(out: Path, *, cores: int) -> list[str]:
    """Draw the figures of a run as `tilseq.report.make_figures` does, but all that can be drawn.

    Parameters
    ----------
    out
        Folder of the run.
    cores
        Processes at a time.

    Returns
    -------
    list of str
        What went wrong, once where it did so in several figures.
    """
    try:
        told = _draw_in_parts(out, cores)
    except Exception as error:  # noqa: BLE001 - a figure must not cost the report
        told = [_told(error)]
    return list(dict.fromkeys(told))


def _draw_in_parts(out: Path, cores: int) -> list[str]:
    from tilseq.report.figures import drawings, make_room
    from tilseq.report.results import read_results

    results = read_results(out)
    planned = drawings(results)
    make_room(results, planned)
    parts = max(1, min(cores, len(planned) // LEAST_EACH))
    helpers: list[subprocess.Popen[str]] = []
    try:
        for part in range(1, parts):
            helpers.append(_start(out, part, parts))
        told = _draw_each(results, planned[::parts])
        return [*told, *(words for helper in helpers for words in _told_by(helper))]
    finally:
        for helper in helpers:
            helper.kill()  # nothing happens when it has ended
            helper.wait()


def main(parent: int, part: int, parts: int, out: str) -> None:
    """Draw one part of the figures, in the process that `draw_figures` starts, and tell what went wrong as JSON."""
    die_with_parent(parent)
    from tilseq.report.figures import drawings
    from tilseq.report.results import read_results

    results = read_results(out)
    print(json.dumps(_draw_each(results, drawings(results)[part::parts])))


def _start(out: Path, part: int, parts: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", STARTER, str(os.getpid()), str(part), str(parts), str(out)]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": module_folders()},
        start_new_session=True,  # Ctrl-C is the run's to answer
    )


def _told_by(helper: subprocess.Popen[str]) -> list[str]:
    """Wait for a process that draws, and return what it tells went wrong."""
    told, _ = helper.communicate()
    if helper.returncode:
        lost = f"a process that draws figures was lost (exit {helper.returncode})"
        return [_told(TilseqError(lost, mend="run again"))]
    wrong: list[str] = json.loads(told.splitlines()[-1])  # above it what a library may have printed
    return wrong


def _draw_each(results: Results, drawings: Sequence[Drawing]) -> list[str]:
    told = []
    for drawing in drawings:
        try:
            drawing.save(results)
        except Exception as error:  # noqa: BLE001 - one figure must not cost the others
            told.append(_told(error))
    return told


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, TilseqError) else f"{type(error).__name__}: {error}"
