"""Options by which `tilseq flow count` gives cells per microlitre: the same for all tubes of a call."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tilseq.flow.gated import Gating
    from tilseq.flow.tree import Population
    from tilseq.flow.tube import Tube
    from tilseq.steps.flow_absolute import Counted

# What a tube can hold; the same in samples.csv.
BEADS = click.FloatRange(1, 1_000_000_000)
VOLUME = click.FloatRange(0.1, 1_000_000)
DILUTION = click.FloatRange(1, 1_000_000)
OPTIONS = (
    click.option("--beads-per-tube", type=BEADS, help="Counting beads in each tube, as their lot states."),
    click.option("--sample-volume-ul", type=VOLUME, help="Specimen in each tube (µL); with --beads-per-tube."),
    click.option(
        "--dilution",
        type=DILUTION,
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
    """Refuse options of which one lacks the other, and NaN, which lies in every range; say what a dilution does."""
    for name in ("beads_per_tube", "sample_volume_ul", "dilution"):
        if amounts[name] is not None and math.isnan(amounts[name]):
            raise click.UsageError(f"--{name.replace('_', '-')} is no number")
    if (amounts["beads_per_tube"] is None) != (amounts["sample_volume_ul"] is None):
        raise click.UsageError("--beads-per-tube and --sample-volume-ul go together")
    dilution = amounts["dilution"] or 1.0
    if amounts["beads_per_tube"] is not None and dilution > 1:
        told = (
            f"--dilution multiplies cells/µL by {dilution:g}: leave it out where --sample-volume-ul is of the specimen"
        )
        click.echo(f"{told} before it was diluted", err=True)


def count_absolute(
    sample: str,
    tube: Tube,
    populations: Mapping[str, Population],
    names: list[str],
    amounts: Mapping[str, Any],
    gating: Gating | None,
) -> Counted:
    """Return cells per µL of these populations and the checks that go with them; see `steps.flow_absolute.absolute`.

    A file with a $VOL for which no dilution is given says so in place of numbers, as of blood in a study.
    """
    if "$VOL" not in tube.keywords and not any(amounts.values()):
        return {}, []  # without the time that importing the settings of a study takes

    from tilseq.steps.flow import ERRORS
    from tilseq.steps.flow_absolute import absolute, held_over_time, no_volume
    from tilseq.study.settings import Flow

    errors = Flow().model_dump(include=ERRORS) | {"volume_unit": amounts["volume_unit"]}
    row = {"sample": sample, "specimen": "blood", **amounts}
    events = {name: population.events for name, population in populations.items()}
    arguments = {"errors": errors, "blood_count": None}
    found = absolute(row, tube, populations["all events"].mask, events, names, arguments, gating)
    counted, checks = held_over_time(row, tube, populations, *found)
    if amounts["volume_unit"] is not None and not checks and not counted:
        checks = [no_volume(sample)]
    return counted, checks


def told_of(checks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what stderr says of amounts that give no cells per µL, or uncertain ones."""
    return [f"{row['sample']}: {row['check']}: {row['reason']}" for row in checks if row["verdict"] != "pass"]
