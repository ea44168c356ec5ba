"""Tubes of a command in several processes: results in the order of the files, whatever the number of cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilseq.cli.common import EXIT_INVALID, EXIT_SOME_FAILED
from tilseq.cli.suggestions import with_meant
from tilseq.errors import RunError, TilseqError

if TYPE_CHECKING:
    import polars as pl

THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")

cores_option = click.option(
    "--cores", type=click.IntRange(1, 1024), default=1, show_default=True, help="Processes at a time."
)


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes
    ----------
    path
        The file.
    result
        What the work returned; None where it failed.
    told
        Sentences for stderr.
    error
        Why it failed.
    """

    path: Path
    result: Any = None
    told: list[str] = field(default_factory=list)
    error: TilseqError | None = None


# What is done with one file, given the cuts of other tubes: its result, and sentences for stderr.
Work = Callable[[Path, "pl.DataFrame | None"], tuple[Any, list[str]]]
Map = Callable[[Callable[[Path], Outcome], Sequence[Path]], list[Outcome]]


@contextmanager
def processes(cores: int, tubes: int) -> Iterator[Map]:
    """Give a function that maps files in several processes, each of which imports but once.

    The results stand in the order of the files, and no number depends on how many processes there are. One process is
    this one.

    Raises
    ------
    RunError
        A process was lost.
    """
    cores = min(cores, tubes)
    if cores <= 1:
        yield lambda work, paths: [work(path) for path in paths]
        return
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    pool = ProcessPoolExecutor(cores, get_context("spawn"), _begin, (os.getpid(),))
    try:
        yield lambda work, paths: list(pool.map(work, paths))
    except BrokenProcessPool as error:
        raise RunError("a process was lost, perhaps for want of memory", mend="take fewer --cores") from error
    finally:
        pool.shutdown(cancel_futures=True)


def each_tube(
    paths: Sequence[Path], work: Work, mapped: Map, usual: Mapping[Path, pl.DataFrame] | None = None
) -> list[Outcome]:
    """Return what becomes of each file, in the order of the files.

    Parameters
    ----------
    paths
        Files.
    work
        What to do with one: a function of a module, with its settings bound by `functools.partial`.
    mapped
        See `processes`.
    usual
        File → cuts of other tubes.
    """
    return mapped(partial(_outcome, work, usual or {}), paths)


def tell(outcomes: Sequence[Outcome]) -> int:
    """Tell what is to be told of each file, and return the exit code."""
    for outcome in outcomes:
        for sentence in outcome.told:
            click.echo(sentence, err=True)
        if outcome.error is not None:
            place = "" if outcome.error.file else f"{outcome.path}: "
            click.echo(f"tilseq: {place}{with_meant(outcome.error)}", err=True)
    failed = sum(outcome.error is not None for outcome in outcomes)
    if not failed:
        return 0
    return EXIT_SOME_FAILED if failed < len(outcomes) else EXIT_INVALID


def tell_verdicts(output: object, verdicts: Sequence[str], *, why: str = "its column `reason`") -> None:
    """Tell what was written, how many tubes have each verdict and, if not all passed, what says why."""
    from tilseq.tables.outputs import VERDICTS

    where = "stdout" if output == "-" else output
    number = f"{len(verdicts)} tube{'' if len(verdicts) == 1 else 's'}"
    counts = ", ".join(f"{verdicts.count(one)} {one}" for one in VERDICTS)
    reasons = f"; why: {why}" if set(verdicts) - {"pass"} else ""
    click.echo(f"wrote {where}: {number}, {counts}{reasons}", err=True)


def _outcome(work: Work, usual: Mapping[Path, pl.DataFrame], path: Path) -> Outcome:
    try:
        result, told = work(path, usual.get(path))
    except TilseqError as error:
        return Outcome(path, error=error)
    return Outcome(path, result, told)


def _begin(parent: int) -> None:
    """Make a new process end with its parent and keep to one thread, before anything heavy is imported."""
    from tilseq.workflow.processes import die_with_parent

    die_with_parent(parent)
    os.environ.update(dict.fromkeys(THREAD_SETTINGS, "1"))
