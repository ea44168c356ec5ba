"""What the commands of `tilseq flow` do with one tube, and the two passes over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilseq.cli.common import refuse_copies, sample_name
from tilseq.cli.flow_pool import Outcome, Work, each_tube, processes

if TYPE_CHECKING:
    import polars as pl

    from tilseq.flow.gated import Gating
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
    """Do the work on each tube, with the cuts of tubes like it where its own are not clear.

    Alike are tubes with their markers in the same channels of the same cytometer.

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
        Table `cohort_cuts`, of several panels with names for them; None for fewer than three tubes without frozen cuts.
    """
    from tilseq.flow.cuts import LEAST_TUBES
    from tilseq.io.cuts import read_cohort_cuts

    refuse_copies(paths)  # a tube given twice would count twice among those that lend cuts
    usual = None if cuts is None else read_cohort_cuts(cuts)
    lent = {} if usual is None else dict.fromkeys(paths, usual)
    with processes(cores, len(paths)) as mapped:
        if usual is None and len(paths) >= LEAST_TUBES:
            lent, usual = _usual_cuts(each_tube(paths, partial(_cuts_alone, tubes), mapped))
        return each_tube(paths, work, mapped, lent), usual


def _usual_cuts(alone: Sequence[Outcome]) -> tuple[dict[Path, pl.DataFrame], pl.DataFrame]:
    """Return the cuts that each tube can borrow, and all of them in one table; tell of several panels."""
    import polars as pl

    from tilseq.flow.cuts import cohort_cuts
    from tilseq.tables.outputs import COHORT_CUTS

    # A tube that cannot be read has no part in the cuts; the second pass tells why it cannot.
    groups: dict[Any, list[Outcome]] = {}
    for one in alone:
        if one.error is None:
            groups.setdefault(one.result[0], []).append(one)
    lent: dict[Path, pl.DataFrame] = {}
    tables = [COHORT_CUTS.frame()]
    for number, (key, members) in enumerate(groups.items(), start=1):
        found = cohort_cuts(pl.concat([one.result[1] for one in members]))
        lent |= dict.fromkeys((one.path for one in members), found)
        if len(groups) > 1:
            found = found.with_columns(panel=pl.lit(f"panel_{number}"))
            click.echo(_panel_in_words(number, key, members), err=True)
        tables.append(found)
    return lent, pl.concat(tables)


def _panel_in_words(number: int, key: Sequence[tuple[str, str]], members: Sequence[Outcome]) -> str:
    from tilseq.markers import SCATTER

    where = ", ".join(f"{name} {channel}" for name, channel in key if name not in SCATTER and channel)
    tubes = f"{len(members)} tube{'' if len(members) == 1 else 's'} such as {sample_name(members[0].path)}"
    return f"panel_{number}, which lends cuts to its own tubes alone: {tubes}: {where}"


def gated(tubes: Tubes, path: Path, usual: pl.DataFrame | None) -> tuple[Tube, Gating]:
    """Read and gate one tube; return it with the spillover that was taken out."""
    from tilseq.flow.cuts import borrowed
    from tilseq.steps.flow_tubes import gate_tube, read_tube

    tube = read_tube(path, None, tubes.spill)
    lent = None if usual is None else borrowed(usual)
    return tube, gate_tube(tube, sample_name(path), tubes.gating, lent)


def _cuts_alone(tubes: Tubes, path: Path, usual: pl.DataFrame | None) -> tuple[tuple[Any, pl.DataFrame], list[str]]:
    """Return which tubes a tube is like, and its cuts: none where it cannot be gated by itself."""
    from tilseq.errors import AnalysisError
    from tilseq.flow.cuts import cuts_table
    from tilseq.flow.panels import lending_group
    from tilseq.steps.flow_tubes import gate_tube, read_tube
    from tilseq.tables.outputs import CUTS

    tube = read_tube(path, None, tubes.spill)
    key = lending_group(tube, tubes.gating["aliases"])
    try:
        return (key, cuts_table(gate_tube(tube, sample_name(path), tubes.gating, None))), []
    except AnalysisError:
        return (key, CUTS.frame()), []


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
