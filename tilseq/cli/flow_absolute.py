"""Options by which `tilseq flow count` gives cells per microlitre: the same for all tubes of a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tilseq.flow.tree import Population
    from tilseq.io.fcs import Fcs
    from tilseq.steps.flow_absolute import Counted

ABOVE_ZERO = click.FloatRange(min=0, min_open=True)
OPTIONS = (
    click.option("--beads-per-tube", type=ABOVE_ZERO, help="Counting beads in each tube, as their lot states."),
    click.option("--sample-volume-ul", type=ABOVE_ZERO, help="Specimen in each tube (µL); with --beads-per-tube."),
    click.option(
        "--dilution",
        type=click.FloatRange(min=1),
        help="Final over original volume; needed to count by the file's $VOL, with beads 1 by default.",
    ),
    click.option("--volume-unit", type=click.Choice(["uL", "nL"]), help="Unit of $VOL, where it is not known."),
)


def amounts_options[Command: Callable[..., Any]](command: Command) -> Command:
    """Add the options to a command, which takes them as keywords."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def check_amounts(amounts: Mapping[str, Any]) -> None:
    """Refuse options of which one lacks the other."""
    if (amounts["beads_per_tube"] is None) != (amounts["sample_volume_ul"] is None):
        raise click.UsageError("--beads-per-tube and --sample-volume-ul go together")


def count_absolute(
    sample: str,
    tube: Fcs,
    populations: Mapping[str, Population],
    names: list[str],
    gate_sds: Mapping[str, float],
    amounts: Mapping[str, Any],
) -> Counted:
    """Return cells per µL of these populations and the checks that go with them; see `steps.flow_absolute.absolute`.

    A file with a $VOL for which no dilution is given says so in place of numbers, as of blood in a study.
    """
    from tilseq.steps.flow import ERRORS
    from tilseq.steps.flow_absolute import absolute
    from tilseq.study.settings import Flow

    errors = Flow().model_dump(include=ERRORS) | {"volume_unit": amounts["volume_unit"]}
    row = {"sample": sample, "specimen": "blood", **amounts}
    events = {name: population.events for name, population in populations.items()}
    arguments = {"errors": errors, "blood_count": None}
    return absolute(row, tube, populations["all events"].mask, events, gate_sds, names, arguments)
