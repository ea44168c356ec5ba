"""The tree of a T-cell tube, gated by its own densities: lymphocytes, CD3+, CD4+ T, CD8+ T, DN, DP, B, NK."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from tilseq.errors import AnalysisError, did_you_mean
from tilseq.flow.beads import find_beads
from tilseq.flow.compensation import (
    are_compensated,
    compensate,
    condition_number,
    is_transformed,
    look_transformed,
)
from tilseq.flow.panel import describe, find_markers
from tilseq.flow.quality import assess, check, non_finite
from tilseq.flow.scatter import singlets
from tilseq.flow.transform import cofactor
from tilseq.flow.tree import Population, Tree
from tilseq.flow.tube import Floats, Mask, Tube

if TYPE_CHECKING:
    import polars as pl

NEEDED = ("FSC-A", "SSC-A", "CD3", "CD4", "CD8")
SCATTER = ("FSC-A", "FSC-H", "SSC-A")
STAINS = ("CD3", "CD4", "CD8", "CD19", "CD16", "CD56", "CD45", "viability")
GATES = ("FSC-A", "SSC-A", *STAINS)
BEADS = ("CD3", "CD4", "CD8", "CD19")
LEAST_T_CELLS = 10
MOST_BRIGHT = 0.02
WHERE_SET = "set analysis.flow.sample_thresholds in study.yaml, or thresholds of the panel file for flow count --panel"
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Gating:
    """One gated tube.

    Attributes
    ----------
    sample
        Name of the tube.
    populations
        Name → population, parents before children: `all events` (the finite ones), where counting beads are among
        them `beads` and `cells`, then where channels allow `singlets`, `live`, `lymphocytes`, `CD3+`, `CD3-`,
        `CD4+ T`, `CD8+ T`, `DN T`, `DP T`, `B`, `NK`.
    cuts
        Table `cuts`: the thresholds on the compensated linear scale and where they come from.
    quality
        Table `quality`: the checks of this tube.
    exclusions
        Events that take no part: `sample, rule, rows` (a caller who knows it adds `file`).
    markers
        Marker → channel ($PnN).
    values
        Marker → compensated linear values of all events, float32.
    cofactors
        Marker → cofactor of its arcsinh scale; scatter has none.
    """

    sample: str
    populations: Mapping[str, Population]
    cuts: pl.DataFrame
    quality: pl.DataFrame
    exclusions: pl.DataFrame
    markers: Mapping[str, str]
    values: Mapping[str, Floats]
    cofactors: Mapping[str, float]


def gate(
    tube: Tube,
    *,
    sample: str,
    aliases: Mapping[str, Sequence[str]] | None = None,
    thresholds: Mapping[str, float] | None = None,
) -> Gating:
    """Gate one tube into T cells and their subsets.

    Events are compensated with the file's own spillover unless they are compensated already. Counting beads are left
    out. Each cut lies in the
    valley between the two most prominent modes of its channel among the events of its parent; lymphocytes are
    bounded on side scatter, forward scatter and CD45 by the valleys next to the T cells. A cut without a valley is
    put above cells that lack the marker, marked `fallback`, and flagged; so is a tube of which nothing tells that it
    was compensated, and whatever its reader found odd.

    Parameters
    ----------
    tube
        Linear events with their channels, such as a reader of FCS files gives.
    sample
        Name that every table bears.
    aliases
        More names of channels: marker → names.
    thresholds
        Gate → threshold on the compensated linear scale, in place of the automatic one. Gates are `CD3`, `CD4`,
        `CD8`, `CD19`, `CD16`, `CD56`, `CD45`, `viability`, `FSC-A`, `SSC-A`.

    Returns
    -------
    Gating
        Populations nest in their parents; CD4+ T, CD8+ T, DN T and DP T add up to CD3+.

    Raises
    ------
    AnalysisError
        The tube holds no event, lacks FSC-A, SSC-A, CD3, CD4 or CD8, or one of these holds a single value; CD3, CD4
        or CD8 cannot be parted; the spillover cannot be used; some stains are compensated and some not; the panel
        contradicts the file; a threshold is not a gate's or not a number.
    """
    thresholds = _checked_thresholds(thresholds or {})
    if not len(tube.events):
        raise AnalysisError("the tube holds no event")
    markers = find_markers(tube.channels, tube.markers, aliases)
    missing = [marker for marker in NEEDED if marker not in markers]
    if missing:
        raise AnalysisError(
            f"no channel for {', '.join(missing)}",
            mend=f"name it among the panel's markers; the channels are {describe(tube.channels, tube.markers)}",
        )
    quality = [
        check(sample, f"input {number}", None, "nothing odd in the file", False, warning)
        for number, warning in enumerate(tube.warnings, start=1)
    ]
    values, finite, told = _values(tube, sample, markers)
    quality += told
    quality += [
        check(sample, f"threshold of {name}", None, "a channel to apply it to", False, "not used: no such channel")
        for name in thresholds
        if name not in values
    ]
    beads = find_beads({marker: values[marker] for marker in BEADS if marker in values}, finite)
    cells = finite & ~beads
    cofactors = {marker: cofactor(column[cells]) for marker, column in values.items() if marker in STAINS}
    tree = Tree(sample, markers, values, cofactors, thresholds)
    tree.add("all events", None, finite)
    if beads.any():
        tree.add("beads", "all events", beads)
        tree.add("cells", "all events", cells)
        quality.append(_beads_left_out(tree))
    parent, told = _cells(tree)
    _lymphocytes(tree, parent)
    _t_cells(tree)
    _other_lymphocytes(tree)
    lost = len(finite) - int(np.count_nonzero(finite))
    return _finish(tree, [*quality, non_finite(sample, lost, len(finite)), *told, *assess(tree)], lost)


def _beads_left_out(tree: Tree) -> dict[str, Any]:
    number, stains = tree.populations["beads"].events, [marker for marker in BEADS if marker in tree.values]
    reason = f"{number} events that are bright in {', '.join(stains)} at once, and alike, are counting beads, not cells"
    share = 100 * number / tree.populations["all events"].events
    return check(tree.sample, "beads left out", share, "told where there are any, % of events", True, reason)


def _checked_thresholds(thresholds: Mapping[str, float]) -> dict[str, float]:
    for name, value in thresholds.items():
        if name not in GATES:
            mend = did_you_mean(name, GATES) or f"gates are {', '.join(GATES)}"
            raise AnalysisError("a threshold is set for a gate that does not exist", found=name, mend=mend)
        if isinstance(value, bool) or not isinstance(value, Real) or not abs(value) <= LARGEST:
            raise AnalysisError(f"the threshold of {name} is not a number", found=value)
    return {name: float(value) for name, value in thresholds.items()}


def _values(
    tube: Tube, sample: str, markers: Mapping[str, str]
) -> tuple[dict[str, Floats], Mask, list[dict[str, Any]]]:
    """Return marker → compensated values of the channels that gates use, which events are finite in all, and checks."""
    events, quality = _compensated(tube, sample, [markers[marker] for marker in STAINS if marker in markers])
    channels = list(tube.channels)
    values = {
        marker: np.ascontiguousarray(events[:, channels.index(markers[marker])], dtype=np.float32)
        for marker in (*SCATTER, *STAINS)
        if marker in markers
    }
    quality += _drop_constant(values, np.ones(len(events), dtype=bool), sample, markers)
    finite = np.logical_and.reduce([np.isfinite(column) for column in values.values()])
    if not finite.any():
        raise AnalysisError("no event is finite in every channel of the panel")
    quality += _drop_constant(values, finite, sample, markers)
    return values, finite, quality


def _drop_constant(
    values: dict[str, Floats], among: Mask, sample: str, markers: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Take channels out whose finite values among some events are all the same, and tell of each.

    Raises
    ------
    AnalysisError
        Such a channel is needed.
    """
    quality = []
    for marker, column in list(values.items()):
        seen = column[among & np.isfinite(column)]
        if seen.size and seen.min() < seen.max():
            continue
        if marker in NEEDED:
            raise AnalysisError(
                f"the channel of {marker} holds one value only",
                column=markers[marker],
                found=float(seen[0]) if seen.size else None,
                expected="a spread of values",
            )
        del values[marker]
        quality.append(check(sample, f"channel of {marker}", None, "a spread of values", False, "not available"))
    return quality


def _compensated(tube: Tube, sample: str, stains: Sequence[str]) -> tuple[Floats, list[dict[str, Any]]]:
    def told(value: float | None, reason: str, fine: bool = True) -> list[dict[str, Any]]:
        return [check(sample, "compensation", value, "once, on the linear scale", fine, reason)]

    transformed = is_transformed(tube)
    if are_compensated(stains):
        return tube.events, told(None, "the file's channels are compensated already")
    if tube.spill is None or np.array_equal(tube.spill.matrix, np.eye(len(tube.spill.channels))):
        if transformed:
            return tube.events, told(None, "the file's values are transformed", False)
        # A tube bears three stains at least, and no three dyes keep apart by themselves.
        if tube.spill is None:
            return tube.events, told(None, "the file holds no spillover and nothing tells that it was taken out", False)
        return tube.events, told(None, "the file says that nothing spills over")
    if transformed:
        raise AnalysisError(
            "the file's values are transformed, so its spillover cannot be taken out any more",
            column="transformation",
            found="custom",
            mend="export linear values",
        )
    events = compensate(tube.events, list(tube.channels), tube.spill.channels, tube.spill.matrix)
    odd = look_transformed(tube, stains)
    reason = "the file's spillover is taken out; its condition number"
    if odd:
        reason = "the stains' values look transformed, from which a spillover cannot be taken out: export linear values"
    return events, told(condition_number(tube.spill.matrix), reason, not odd)


def _cells(tree: Tree) -> tuple[str, list[dict[str, Any]]]:
    """Add single and living cells where channels allow; return the name of the last population and what to tell."""
    parent = "cells" if "cells" in tree.populations else "all events"
    if "FSC-H" in tree.values:
        events = tree.mask(parent)
        single = np.zeros(len(events), dtype=bool)
        single[events] = singlets(tree.values["FSC-A"][events], tree.values["FSC-H"][events])
        tree.add("singlets", parent, single)
        parent = "singlets"
    if "viability" not in tree.values:
        return parent, []
    bright = tree.find_dead(parent)
    if bright is None:
        tree.add("live", parent, ~tree.over("viability"))
        return "live", []
    few = bright < MOST_BRIGHT
    reason = "no dead cells are seen, none are left out" + ("" if few else ", though many events are bright")
    return parent, [check(tree.sample, "live", bright, f"below {MOST_BRIGHT:g} bright without a valley", few, reason)]


def _lymphocytes(tree: Tree, parent: str) -> None:
    if not tree.mask(parent).any():
        raise AnalysisError(f"no event is left in {parent}")
    first = _first_cd3(tree, parent)
    seen = tree.on_scale(parent)
    t_cells = first & tree.mask(parent) & seen
    if np.count_nonzero(t_cells) < LEAST_T_CELLS and not {"FSC-A", "SSC-A"} <= tree.thresholds.keys():
        raise AnalysisError(
            "too few CD3+ events to find the lymphocytes by",
            found=int(np.count_nonzero(t_cells)),
            expected=f"at least {LEAST_T_CELLS}",
            mend=f"for FSC-A and SSC-A, {WHERE_SET}",
        )
    inside = np.ones(len(first), dtype=bool)
    for marker, upper in (("SSC-A", True), ("FSC-A", False), ("CD45", False)):
        if marker in tree.values and (np.count_nonzero(t_cells) >= LEAST_T_CELLS or marker in tree.thresholds):
            tree.find_edge(marker, parent, t_cells, upper=upper)
            inside &= ~tree.over(marker) if upper else tree.over(marker)
    tree.add("lymphocytes", parent, inside)


def _first_cd3(tree: Tree, parent: str) -> Mask:
    """Return events above a CD3 cut found among all cells, which serves only to find the lymphocytes."""
    draft = Tree(tree.sample, tree.channels, tree.values, tree.cofactors, tree.thresholds, dict(tree.populations))
    if not draft.find("CD3", parent):
        raise _not_parted(tree, "CD3", parent)
    return draft.over("CD3")


def _t_cells(tree: Tree) -> None:
    if not tree.find("CD3", "lymphocytes"):
        raise _not_parted(tree, "CD3", "lymphocytes")
    over_cd3 = tree.over("CD3")
    tree.add("CD3+", "lymphocytes", over_cd3)
    tree.add("CD3-", "lymphocytes", ~over_cd3)
    found = {marker: tree.find(marker, "CD3+") for marker in ("CD4", "CD8")}
    for marker, other in (("CD4", "CD8"), ("CD8", "CD4")):
        # T cells of the other kind lack the marker; without a cut for these, so do most lymphocytes but T cells.
        negatives = tree.mask("CD3+") & tree.over(other) if found[other] else tree.mask("CD3-")
        if not found[marker] and not tree.beyond(marker, "CD3+", negatives):
            raise _not_parted(tree, marker, "CD3+")
    cd4, cd8 = tree.over("CD4"), tree.over("CD8")
    tree.add("CD4+ T", "CD3+", cd4 & ~cd8)
    tree.add("CD8+ T", "CD3+", cd8 & ~cd4)
    tree.add("DN T", "CD3+", ~cd4 & ~cd8)
    tree.add("DP T", "CD3+", cd4 & cd8)


def _other_lymphocytes(tree: Tree) -> None:
    """Add B and NK cells where their channels are there and can be cut."""
    cut = {
        marker
        for marker in ("CD19", "CD16", "CD56")
        if marker in tree.values and (tree.find(marker, "CD3-") or tree.beyond(marker, "CD3-", tree.mask("CD3+")))
    }
    rest = np.ones(len(tree.mask("CD3-")), dtype=bool)
    if "CD19" in cut:
        rest = ~tree.over("CD19")
        tree.add("B", "CD3-", ~rest)
    killers = [tree.over(marker) for marker in ("CD16", "CD56") if marker in cut]
    if killers:
        tree.add("NK", "CD3-", np.logical_or.reduce(killers) & rest)


def _not_parted(tree: Tree, marker: str, parent: str) -> AnalysisError:
    values = tree.values[marker][tree.mask(parent)]
    places = ""
    if values.size:
        numbers = ", ".join(f"{place:.6g}" for place in np.percentile(values, (1, 50, 99)))
        places = f"; the channel's 1st, 50th and 99th percentile on the linear scale are {numbers}"
    return AnalysisError(
        f"{marker}+ and {marker}- events cannot be told apart among {parent}",
        column=tree.channels[marker],
        found="no valley",
        expected="two populations",
        mend=f"for {marker}, {WHERE_SET}{places}",
    )


def _finish(tree: Tree, quality: list[dict[str, Any]], lost: int) -> Gating:
    import polars as pl

    from tilseq.tables.outputs import CUTS, QUALITY

    exclusions = [{"sample": tree.sample, "rule": "a value that is not a finite number", "rows": lost}] if lost else []
    return Gating(
        sample=tree.sample,
        populations=tree.populations,
        cuts=CUTS.frame(tree.cuts),
        quality=QUALITY.frame(quality),
        exclusions=pl.DataFrame(exclusions, schema={"sample": pl.String, "rule": pl.String, "rows": pl.Int64}),
        markers=tree.channels,
        values=tree.values,
        cofactors=tree.cofactors,
    )
