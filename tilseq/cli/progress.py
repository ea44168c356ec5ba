"""How far a long command is, told on stderr."""

from __future__ import annotations

import sys
import time

import click

BAR_WIDTH = 40
SECONDS_A_LINE = 60


class Progress:
    """How far a command is: a bar on a terminal, elsewhere a line a minute.

    Parameters
    ----------
    noun
        What is counted.
    done
        What the counted ones have done, for the line.
    then
        What is told once all have; nothing when empty.
    """

    def __init__(self, noun: str, done: str, then: str = "") -> None:
        self.noun, self.done, self.then = noun, done, then
        self.told = time.monotonic()
        self.finished = False

    def __call__(self, done: int, total: int) -> None:
        """Tell how many are done."""
        if sys.stderr.isatty():
            filled = BAR_WIDTH * done // max(total, 1)
            end = "\n" if done == total else ""
            bar = f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}]"
            click.echo(f"\r{bar} {done}/{total} {self.noun}{end}", err=True, nl=False)
        elif done < total and time.monotonic() - self.told >= SECONDS_A_LINE:
            self.told = time.monotonic()
            click.echo(f"{done} of {total} {self.noun} {self.done}", err=True)
        if done == total and self.then and not self.finished:
            self.finished = True
            click.echo(self.then, err=True)
