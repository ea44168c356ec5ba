"""`tilseq clinical`."""

from __future__ import annotations

import click

from tilseq.cli.clinical_labs import labs_command
from tilseq.cli.clinical_markers import markers_command
from tilseq.cli.clinical_response import response_command
from tilseq.cli.clinical_safety import safety_command
from tilseq.cli.clinical_survival import survival_command
from tilseq.cli.common import Laboratory


@click.group("clinical", cls=Laboratory)
def clinical_command() -> None:
    """Tumour response, rates, time to event, adverse events, laboratory grades, tumour markers."""


for command in (response_command, survival_command, safety_command, labs_command, markers_command):
    clinical_command.add_command(command)
