"""`tilseq simulate`."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Any

import click

from tilseq.cli.common import Examples
from tilseq.cli.progress import Progress

ASSAYS = ("flow", "ics", "cytokine", "tcr", "bcr", "scrna", "bulk_rna", "clinic")
CONFOUNDERS = (
    "failed_library",
    "swapped_pair",
    "index_hopping",
    "public_clone",
    "convergent_clones",
    "clone_in_baseline",
    "batch_shift",
    "depth_by_visit",
)
EXAMPLE = """\
tilseq simulate demo --subjects 6 --seed 7
tilseq simulate deep --assays tcr --visits baseline,D7,D28,D84 --depth 200000 --cores 2
tilseq simulate faulty --confounder swapped_pair --confounder failed_library
tilseq check demo
"""


def _names(context: click.Context, parameter: click.Parameter, value: str | None) -> list[str] | None:
    """Return the names that commas part; `--assays` knows its own."""
    if value is None:
        return None
    names = [name.strip() for name in value.split(",")]
    if parameter.name == "assays" and (unknown := [name for name in names if name not in ASSAYS]):
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(ASSAYS)}.")
    return names


@click.command("simulate", cls=Examples, example=EXAMPLE)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--subjects", type=int, help="Number of subjects (4).")
@click.option("--visits", callback=_names, metavar="A,B", help="Blood visits: baseline, or D and a day (all eight).")
@click.option("--assays", callback=_names, metavar="A,B", help=f"What is measured: {', '.join(ASSAYS)} (all).")
@click.option("--depth", type=int, help="Molecules counted of each bulk TCR library; a BCR library gets half (20000).")
@click.option("--cells", type=int, help="Events of each flow tube (20000).")
@click.option("--single-cells", type=int, help="Cells of each single-cell library (500).")
@click.option("--seed", type=int, help="Seed of all random numbers (1).")
@click.option(
    "--confounder",
    "confounders",
    multiple=True,
    type=click.Choice(CONFOUNDERS),
    help="What goes wrong; adds to a design. Defaults: docs/simulate.md.",
)
@click.option(
    "--design",
    type=click.Path(path_type=Path, dir_okay=False),
    help="YAML file with all of this but --cores, and more.",
)
@click.option("--cores", type=click.IntRange(1), default=1, show_default=True, help="Subjects to write at a time.")
def simulate_command(folder: Path, design: Path | None, cores: int, confounders: tuple[str, ...], **given: Any) -> None:
    """Write a synthetic trial to DIR, and what is really so to DIR/truth.

    The same options write the same bytes, on any number of cores. DIR must be absent or empty. Options count for more
    than the design; DIR/design.yaml keeps what was chosen.
    """
    from tilseq.simulate.design import read_design
    from tilseq.simulate.trial import simulate_trial

    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if confounders:
        chosen["confounders"] = {name: {} for name in confounders}
    made = read_design(design, chosen)
    simulate_trial(folder, made, cores=cores, progress=Progress("subjects", "are written"))
    many = "s" if made.subjects > 1 else ""
    click.echo(
        f"wrote a synthetic study of {made.subjects} subject{many} to {folder}, its truth to {folder}/truth", err=True
    )
    click.echo(f"next: tilseq check {quote(str(folder))}", err=True)
