"""`tilseq simulate`."""

from __future__ import annotations

from pathlib import Path

import click

from tilseq.cli.common import Examples


@click.command("simulate", cls=Examples, example="tilseq simulate demo --subjects 6 --seed 7\ntilseq check demo\n")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--subjects", type=click.IntRange(1, 10_000), default=3, show_default=True, help="Number of subjects.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Seed of all random numbers.")
@click.option(
    "--cells", type=click.IntRange(1, 5_000_000), default=20_000, show_default=True, help="Events of each flow tube."
)
@click.option(
    "--depth",
    type=click.IntRange(1, 100_000_000),
    default=20_000,
    show_default=True,
    help="Templates of each sequenced sample.",
)
def simulate_command(folder: Path, subjects: int, seed: int, cells: int, depth: int) -> None:
    """Write a synthetic trial to DIR, and what is really so to DIR/truth.

    The same options write the same bytes. DIR must be absent or empty.
    """
    from tilseq.simulate.trial import simulate_trial

    simulate_trial(folder, subjects=subjects, seed=seed, cells=cells, depth=depth)
    click.echo(f"wrote a synthetic study of {subjects} subject{'s' if subjects > 1 else ''} to {folder}", err=True)
