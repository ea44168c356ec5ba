"""`tilseq expression`."""

from __future__ import annotations

import click

from tilseq.cli.common import Laboratory
from tilseq.cli.expression_de import de_command
from tilseq.cli.expression_gsea import gsea_command
from tilseq.cli.expression_pseudobulk import pseudobulk_command
from tilseq.cli.expression_score import score_command


@click.group("expression", cls=Laboratory)
def expression_command() -> None:
    """Scores of single cells; cells summed by subject; genes and gene sets that differ within subjects."""


for command in (score_command, pseudobulk_command, de_command, gsea_command):
    expression_command.add_command(command)
