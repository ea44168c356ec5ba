"""`tilseq expression`."""

from __future__ import annotations

import click

from tilseq.cli.expression_score import score_command


@click.group("expression")
def expression_command() -> None:
    """Gene expression of single cells and bulk RNA."""


expression_command.add_command(score_command)
