"""What the commands of `tilseq flow` do with one tube, and the two passes over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilseq.cli.common import sample_name
from tilseq.cli.flow_pool import Outcome, Work, each_tube, processes

if TYPE_CHECKING:
    import polars as pl

    from tilseq.flow.gating import Gating
    from tilseq.flow.tube import Tube
    from tilseq.io.fcs import Spill
    from tilseq.study.settings import Panel

files = click.argument("paths", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
panel_option = click.option(
    "--panel",
    type=click.Path(path_type=Path),
    help="YAML with names of channels, thresholds, populations and a spillover.",
)
cuts_option = click.option(
    "--cuts",
    type=click.Path(path_type=Path),
    help="Table cohort_cuts.csv to borrow cuts from; by default those of the tubes given, from three on.",
)
spill_option = click.option(
    "--spill",
    type=click.Path(path_type=Path),
    help="CSV of a spillover matrix in place of the files' own; goes before that of --panel.",
)
gates_option = click.option(
    "--gates", type=click.Path(path_type=Path), help="A person's gates: GatingML 2.0 or a FlowJo 10 workspace."
)
names_option = click.option(
    "--name",
    "names",
    metavar="GATE=POPULATION",
    multiple=True,
    help="What a gate of --gates is here, such as 'T cells=CD3+'; may repeat.",
)


@dataclass(frozen=True)
class Tubes:
    """Settings for all tubes of a command; `gating` as the flow step takes them, `spill` in place of the files' own."""

    gating: dict[str, Any]
    spill: Spill | None = None
    gates: Path | None = None
    names: dict[str, str] = field(default_factory=dict)
    output: Path | None = None


def settings_of(panel: Path | None, spill: Path | None = None, **further: Any) -> Tubes:
    """Return the settings of a panel file, or of none, and the spillover matrix of a file or else of the panel."""
    from tilseq.steps.flow_spill import given_spill

    given = None if panel is None else _panel(panel)
    gating: dict[str, Any] = {"aliases": {}, "thresholds": {}, "populations": {}}
    if given is not None:
        populations = {name: one.model_dump() for name, one in given.populations.items()}
        gating = {"aliases": given.markers, "thresholds": given.thresholds, "populations": populations}
        if spill is None and given.spill is not None and panel is not None:
            spill = panel.parent / given.spill
    return Tubes(gating, None if spill is None else given_spill(spill, spill.name), **further)


def names_of(pairs: Sequence[str]) -> dict[str, str]:
    """Return gate → population of options ``GATE=POPULATION``."""
    names: dict[str, str] = {}
    for pair in pairs:
        gate, sign, population = pair.partition("=")
        if not (gate and sign and population):
            raise click.BadParameter(f"{pair!r} is not GATE=POPULATION", param_hint="--name")
        if names.setdefault(gate, population) != population:
            raise click.BadParameter(f"gate {gate!r} is given two populations", param_hint="--name")
    return names


def two_passes(
    paths: Sequence[Path], tubes: Tubes, work: Work, cuts: Path | None, cores: int
) -> tuple[list[Outcome], pl.DataFrame | None]:
    """Do the work on each tube, with the cuts of all where its own are not clear.

    Parameters
    ----------
    paths, cores
        As of `each_tube` and `processes`.
    tubes
        Settings, by which each tube is first gated by itself.
    work
        What to do with one tube and the cuts of others.
    cuts
        File of frozen cuts, in place of the first pass.

    Returns
    -------
    outcomes
        One a file.
    usual
        Table `cohort_cuts`; None for fewer than three tubes without frozen cuts.
    """
    from tilseq.flow.cuts import LEAST_TUBES, cohort_cuts
    from tilseq.io.cuts import read_cohort_cuts
    from tilseq.tables.outputs import CUTS

    usual = None if cuts is None else read_cohort_cuts(cuts)
    with processes(cores, len(paths)) as mapped:
        if usual is None and len(paths) >= LEAST_TUBES:
            import polars as pl

            # A tube that cannot be gated by itself has no part in the cuts; the second pass tells why it cannot.
            alone = each_tube(paths, partial(_cuts_alone, tubes), mapped)
            usual = cohort_cuts(pl.concat([CUTS.frame(), *(one.result for one in alone if one.error is None)]))
        return each_tube(paths, work, mapped, usual), usual


def gated(tubes: Tubes, path: Path, usual: pl.DataFrame | None) -> tuple[Tube, Gating]:
    """Read and gate one tube; return it with the spillover that was taken out."""
    from tilseq.flow.cuts import borrowed
    from tilseq.steps.flow import gate_tube, read_tube

    tube = read_tube(path, None, tubes.spill)
    lent = None if usual is None else borrowed(usual)
    return tube, gate_tube(tube, sample_name(path), tubes.gating, lent)


def _cuts_alone(tubes: Tubes, path: Path, usual: pl.DataFrame | None) -> tuple[pl.DataFrame, list[str]]:
    from tilseq.flow.cuts import cuts_table

    return cuts_table(gated(tubes, path, usual)[1]), []


def warnings_of(path: Path, tube: Tube) -> list[str]:
    """Return what the reader found odd in a file, as stderr tells it."""
    return [f"{path}: {warning}" for warning in tube.warnings]


def odd_cuts_of(gating: Gating, usual: pl.DataFrame | None) -> list[dict[str, Any]]:
    """Return a check that warns for each cut of a tube that lies far from those of other tubes."""
    from tilseq.flow.cuts import cuts_table, far_from_cohort
    from tilseq.steps.flow import odd_cuts

    return [] if usual is None else odd_cuts(far_from_cohort(cuts_table(gating), usual))


def _panel(path: Path) -> Panel:
    from tilseq.io.yaml_model import read_model
    from tilseq.study.settings import Panel

    expected = "markers: {CD3: [names]} and thresholds: {CD3: number}"
    panel, _, problems = read_model(path, Panel, file=str(path), expected=expected)
    if problems or panel is None:
        raise problems[0]
    return panel
