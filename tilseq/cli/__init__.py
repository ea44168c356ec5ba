"""The command line: `tilseq`."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from tilseq.cli.common import EXIT_FAULT, EXIT_INVALID

# The module of each command; all are light, so that help is quick.
COMMANDS = {
    "init": "tilseq.cli.study",
    "check": "tilseq.cli.study",
    "run": "tilseq.cli.run",
    "report": "tilseq.cli.run",
    "simulate": "tilseq.cli.simulate",
    "flow": "tilseq.cli.flow",
    "cytokine": "tilseq.cli.cytokine",
    "repertoire": "tilseq.cli.repertoire",
    "expression": "tilseq.cli.expression",
    "clinical": "tilseq.cli.clinical",
    "step": "tilseq.cli.step",
}


class LazyGroup(click.Group):
    """A group that imports a command's module only when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order a study meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name]), f"{cmd_name}_command")
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tilseq")
@click.option("--debug", is_flag=True, help="Show a traceback when something goes wrong.")
def root(debug: bool) -> None:
    """Endpoints of T-cell therapy trials, from the raw files to one report.

    \b
    tilseq init my_study          a commented template of a study folder
    tilseq check my_study         everything that is wrong with it, at once
    tilseq run my_study -o out    tables of endpoints and out/report.html
    """  # noqa: D301 - click reads the control character


def main(arguments: list[str] | None = None) -> None:
    """Run a command; end with 0, 1 internal fault, 2 usage, 3 invalid input or 4 some samples failed."""
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments  # wherever it stands, as it is added to a command that has just failed
    arguments = [argument for argument in arguments if argument != "--debug"]
    from tilseq.errors import TilseqError

    try:
        result: Any = root.main(args=arguments, prog_name="tilseq", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("stopped", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except TilseqError as error:
        if debug:
            raise
        click.echo(f"tilseq: {error}", err=True)
        sys.exit(EXIT_INVALID)
    except BrokenPipeError:
        sys.exit(EXIT_FAULT)
    except Exception as error:  # the last place that can turn a fault into a sentence
        if debug:
            raise
        click.echo(f"tilseq: internal fault: {type(error).__name__}: {error}; run again with --debug", err=True)
        sys.exit(EXIT_FAULT)
    sys.exit(result if isinstance(result, int) else 0)
