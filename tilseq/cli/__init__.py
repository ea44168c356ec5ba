"""The command line: `tilseq`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, ENOSPC, EROFS
from importlib import import_module
from typing import Any

import click

from tilseq.cli.common import EXIT_FAULT, EXIT_INVALID, EXIT_NO_READER, EXIT_STOPPED
from tilseq.cli.suggestions import with_meant

# The module of each command; all are light, so that help is quick.
COMMANDS = {
    "init": "tilseq.cli.study",
    "check": "tilseq.cli.study",
    "run": "tilseq.cli.run",
    "report": "tilseq.cli.run",
    "verify": "tilseq.cli.verify",
    "export": "tilseq.cli.export",
    "simulate": "tilseq.cli.simulate",
    "flow": "tilseq.cli.flow",
    "cytokine": "tilseq.cli.cytokine",
    "repertoire": "tilseq.cli.repertoire",
    "expression": "tilseq.cli.expression",
    "clinical": "tilseq.cli.clinical",
    "step": "tilseq.cli.step",
}


class NoReaderError(Exception):
    """Whoever read what a command tells has gone, as `head` does."""


@contextmanager
def _no_reader_told() -> Iterator[None]:
    """Raise a NoReaderError for a closed pipe, of which click would make an exit code of 1."""
    try:
        yield
    except BrokenPipeError as error:
        raise NoReaderError from error


class LazyGroup(click.Group):
    """A group that imports a command's module only when the command is asked for."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Return the context of a call, or print its help."""
        with _no_reader_told():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that is asked for."""
        with _no_reader_told():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order a study meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name]), f"{cmd_name}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is asked for; of one that is not there the error names the one that was meant."""
        if args and args[0] not in COMMANDS and args[0].isidentifier():
            raise click.UsageError(f"No such command {args[0]!r}.{self._meant_by(ctx, args[0])}", ctx)
        return super().resolve_command(ctx, args)

    def _meant_by(self, ctx: click.Context, name: str) -> str:
        """Return words for the command that is nearly this one, or for that of a group with this very name."""
        from difflib import get_close_matches

        groups = {group: self.get_command(ctx, group) for group in COMMANDS}
        below = [g for g, group in groups.items() if isinstance(group, click.Group) and name in group.commands]
        near = [f"{group} {name}" for group in below] or get_close_matches(name, [*COMMANDS.keys() - {"step"}], n=1)
        return " Did you mean " + " or ".join(f"'tilseq {one}'" for one in near) + "?" if near else ""


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tilseq")
@click.option("--debug", is_flag=True, help="Show a traceback when something goes wrong.")
def root(debug: bool) -> None:
    """Endpoints of T-cell therapy trials, from the raw files to one report.

    \b
    tilseq init my_study          a commented template of a study folder
    tilseq check my_study         everything that is wrong with it, at once
    tilseq run my_study -o out    tables of endpoints and out/report.html

    \b
    A command ends with 0 when all is well, 1 by a fault of tilseq itself, 2 when
    called wrongly, 3 when nothing could be done, 4 when a part could not; 130
    when stopped, 141 when whoever read its output had gone.
    """  # noqa: D301 - click reads the control character


def main(arguments: list[str] | None = None) -> None:
    """Run a command, and end with the code that the help of `tilseq` tells of."""
    _open_closed_streams()
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments  # wherever it stands, as it is added to a command that has just failed
    try:
        code = _run([argument for argument in arguments if argument != "--debug"], debug)
        sys.stdout.flush()
    except (NoReaderError, BrokenPipeError):
        _write_nowhere()
        code = EXIT_NO_READER
    except OSError as error:
        if debug or not _no_room(error):
            raise
        click.echo(f"tilseq: cannot write: {error.strerror}; free space or write to another place", err=True)
        _write_nowhere()
        code = EXIT_INVALID
    sys.exit(code)


def _run(arguments: list[str], debug: bool) -> int:
    """Run a command and return its exit code."""
    from tilseq.errors import TilseqError

    try:
        result: Any = root.main(args=arguments, prog_name="tilseq", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("stopped", err=True)
        return EXIT_STOPPED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except TilseqError as error:
        if debug:
            raise
        click.echo(f"tilseq: {with_meant(error)}", err=True)
        return EXIT_INVALID
    except (NoReaderError, BrokenPipeError):
        raise
    except Exception as error:  # the last place that can turn a fault into a sentence
        if debug or _no_room(error):
            raise
        click.echo(f"tilseq: internal fault: {type(error).__name__}: {error}; run again with --debug", err=True)
        return EXIT_FAULT
    return result if isinstance(result, int) else 0


def _no_room(error: Exception) -> bool:
    """Return whether a disk is full, or what one may take of it, or whether nobody may write to it."""
    return isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT, EROFS)


def _open_closed_streams() -> None:
    """Give a caller's closed stdout and stderr a place to write to, as Python has none for them."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))


def _write_nowhere() -> None:
    """Let what finds no reader or no room be lost, so that Python says nothing of it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            os.dup2(nowhere, stream.fileno())
