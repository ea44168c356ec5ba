"""`tilseq clinical`."""

from __future__ import annotations

import click

from tilseq.cli.clinical_response import response_command
from tilseq.cli.clinical_survival import survival_command


@click.group("clinical")
def clinical_command() -> None:
    """Tumour response from lesions, best response and rates, and time to event."""


for command in (response_command, survival_command):
    clinical_command.add_command(command)
