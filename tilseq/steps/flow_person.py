"""A person's gates of one tube, and what the automatic ones say beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import polars as pl

    from tilseq.flow.gated import Gating
    from tilseq.flow.tree import Population
    from tilseq.flow.tube import Mask, Tube
    from tilseq.gates import Channel
    from tilseq.study import Study

WORKSPACE = ".wsp"


class Gated(NamedTuple):
    """What a person gated.

    Attributes
    ----------
    populations
        Name → population.
    channels
        What the gates look at.
    finite
        Which events are finite there.
    on_time
        Populations whose own gate is on Time.
    """

    populations: dict[str, Population]
    channels: list[Channel]
    finite: Mask
    on_time: Sequence[str] = ()


def gates_of(study: Study, sample: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the file of a person's gates for one sample and its names, or None.

    GatingML goes before a FlowJo workspace, and then the sample's own before those of its panel.
    """
    given = study.settings.gates
    found = [given[key] for key in (sample["sample"], sample["panel"]) if key in given]
    if not found:
        return None
    return min(found, key=lambda one: Path(one.file).suffix.casefold() == WORKSPACE).model_dump()


def read_populations(
    path: str | Path, tube: Tube, tube_path: str | Path, names: Mapping[str, str] | None = None
) -> Gated:
    """Return the populations that a file of gates finds in a tube, by the names they are given, and its channels.

    In a FlowJo workspace the tube is looked up by the name of its file.

    Raises
    ------
    ReadError, AnalysisError
        The file cannot be read, is not of this tube, or its gates cannot be applied; a name is at fault.
    """
    from tilseq.flow.manual import name_populations
    from tilseq.flow.manual_checks import finite_events
    from tilseq.io.gate_files import read_gates

    gates = read_gates(path, sample=Path(tube_path).name)
    found = {name: (one.parent, one.mask) for name, one in gates.populations(tube).items()}
    finite = finite_events(tube, gates.channels)
    on_time = [(names or {}).get(name, name) for name in gates.on_time]
    return Gated(name_populations(found, names, finite=finite), gates.channels, finite, on_time)


def cells_to_count(tube: Tube, gated: Gated, amounts: Mapping[str, Any]) -> list[str]:
    """Return the populations that are counted per µL, as `amounts` (`beads_per_tube`, `dilution`) allow.

    Raises
    ------
    AnalysisError
        They cannot be: see `manual.cells_of`, and `refuse_other_part` and `refuse_root_off_time` of `part_of_run`.
    """
    from tilseq.flow.manual import cells_of
    from tilseq.flow.part_of_run import refuse_other_part, refuse_root_off_time

    by_beads = amounts["beads_per_tube"] is not None
    names = cells_of(gated.populations, by_beads=by_beads)
    if by_beads or (amounts["dilution"] is not None and "$VOL" in tube.keywords):
        if not by_beads:
            refuse_root_off_time(gated.populations, gated.on_time, gated.finite)
        refuse_other_part(tube, gated.populations, gated.on_time, names, by_beads=by_beads)
    return names


def quality_of(
    sample: str, tube: Tube, gated: Gated, source: str, beside: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the rows of `quality` for a tube with a person's gates.

    Parameters
    ----------
    sample
        Name of the tube.
    tube
        The tube.
    gated
        What the person gated.
    source
        The file of the gates and its SHA-256.
    beside
        What the automatic gates say, see `beside_automatic`.
    """
    from tilseq.flow.manual import (
        check_added_up,
        check_beads_apart,
        check_names,
        check_t_cells_within,
        check_whole,
        told_by_stains,
    )
    from tilseq.flow.manual_checks import check_tube
    from tilseq.flow.quality import check, input_checks
    from tilseq.flow.shares_over_time import check_shares

    return [
        *input_checks(sample, tube),
        check(sample, "gates", None, "a person's go before automatic ones", True, f"a person's, {source}"),
        *check_names(sample, gated.populations),
        *check_tube(sample, tube, gated.channels, gated.populations),
        check_shares(sample, tube, gated.populations, told_by_stains(gated.populations, gated.on_time)),
        *check_whole(sample, gated.populations, gated.finite),
        *check_beads_apart(sample, gated.populations),
        *check_t_cells_within(sample, gated.populations),
        *check_added_up(sample, gated.populations),
        *beside,
    ]


def beside_automatic(
    sample: str, populations: Mapping[str, Population], automatic: Gating | str
) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    """Set the automatic gates (a) against a person's (b).

    Parameters
    ----------
    sample
        Name of the tube.
    populations
        What the person gated.
    automatic
        The automatic gating, or why there is none.

    Returns
    -------
    comparison
        Table `comparison`; empty without an automatic gating.
    quality
        How well the two agree.
    """
    from tilseq.flow.compare import compare
    from tilseq.flow.quality import check
    from tilseq.tables.outputs import COMPARISON

    name, limit = "automatic gates", "told, smallest F1 of a population of both"
    if isinstance(automatic, str):
        return COMPARISON.frame(), [check(sample, name, None, limit, True, f"not available: {automatic}")]
    ours = {one.name: one.mask for one in automatic.populations.values()}
    table = compare(ours, {one.name: one.mask for one in populations.values()}, sample=sample)
    scores = {row["population"]: row["f1"] for row in table.iter_rows(named=True) if row["f1"] is not None}
    told = ", ".join(f"{population} {f1:.3f}" for population, f1 in scores.items()) or "no population of both"
    crossed = _crossed({name: one.mask for name, one in populations.items()}, ours)
    told += (
        "; CD4+ T and CD8+ T hold more of each other's events than of their own: names exchanged?" if crossed else ""
    )
    return table, [check(sample, name, min(scores.values(), default=None), limit, not crossed, told)]


def _crossed(one: Mapping[str, Mask], other: Mapping[str, Mask]) -> bool:
    """Tell whether CD4+ T and CD8+ T of one gating hold more events of each other's of the other than of their own."""
    if not all({"CD4+ T", "CD8+ T"} <= masks.keys() for masks in (one, other)):
        return False
    four, eight = ("CD4+ T", "CD8+ T"), ("CD8+ T", "CD4+ T")
    own, crossed = (
        sum(int((one[a] & other[b]).sum()) for a, b in zip(four, order, strict=True)) for order in (four, eight)
    )
    return crossed > own
