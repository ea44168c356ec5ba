"""The tree of a T-cell tube, gated by its own densities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from tilseq.errors import AnalysisError, did_you_mean
from tilseq.flow.beads import find_beads, single_beads
from tilseq.flow.density import density, next_valley, valley
from tilseq.flow.lymphocytes import CHANNELS, LEAST_T_CELLS, Region, distance, find_region, find_region_of_rare
from tilseq.flow.panel import describe, find_markers
from tilseq.flow.populations import Rule, by_parent, markers_of, with_further
from tilseq.flow.quality import assess, check, non_finite
from tilseq.flow.residual import check_residuals
from tilseq.flow.scatter import singlets
from tilseq.flow.time_quality import check_time
from tilseq.flow.transform import cofactor
from tilseq.flow.tree import Cut, Population, Tree
from tilseq.flow.tube import Floats, Mask, Tube
from tilseq.flow.values import NEEDED, SCATTER, compensated_values

if TYPE_CHECKING:
    import polars as pl

# Stains that gates use beside those of the population tree.
FURTHER_STAINS = ("CD3", "CD4", "CD8", "CD19", "CD16", "CD56", "CD45", "viability")
BEADS = ("CD3", "CD4", "CD8", "CD19")
ALIKE = (*BEADS, "FSC-A", "SSC-A")  # what two beads, or a bead with a cell, have more of than one bead
# T cells bear one of the two: those that bear the other lack this one.
OTHER_LINEAGE = {"CD4": "CD8", "CD8": "CD4"}
MOST_BRIGHT = 0.02
CORE = 0.75
NEAR = 0.7
WHERE_SET = "set analysis.flow.sample_thresholds in study.yaml, or thresholds of the panel file for flow count --panel"
NOT_FINITE = "a value that is not a finite number"
NOT_STEADY = "a stretch of the run that a clog or a burst spoiled"
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Borrowed:
    """Cuts of other tubes of the same panel and instrument, for a tube whose own are not clear.

    Attributes
    ----------
    cuts
        Marker and parent → cut.
    region
        Where lymphocytes lie, or None.
    """

    cuts: Mapping[tuple[str, str], Cut] = field(default_factory=dict)
    region: Region | None = None


@dataclass(frozen=True)
class Gating:
    """One gated tube.

    Attributes
    ----------
    sample
        Name of the tube.
    populations
        Name → population, parents before children: `all events` (the finite ones of the steady run), where counting
        beads are among them `beads`, of these `single beads`, and `cells`, then where channels allow `singlets`,
        `live`, `lymphocytes`, and those of the rules.
    rules
        Population → rule, of those that are found by their signs.
    cuts
        Marker and parent → cut.
    region
        Where lymphocytes lie on scatter and CD45; None where thresholds that were set say so alone.
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
    rules: Mapping[str, Rule]
    cuts: Mapping[tuple[str, str], Cut]
    region: Region | None
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
    populations: Mapping[str, Rule] | None = None,
    borrowed: Borrowed | None = None,
) -> Gating:
    """Gate one tube into T cells and their subsets.

    Events are compensated with the file's own spillover unless they are compensated already. Stretches of the run that
    a clog spoiled are left out, see `time_quality`, and so are counting beads. Lymphocytes lie about the T cells on
    forward scatter, side scatter and CD45, see `lymphocytes.find_region`. Each further cut lies in the valley between
    the two most prominent modes of its channel among the events of its parent. A cut without a valley is borrowed from
    other tubes, or put above cells that lack the marker, and flagged; so is a tube of which nothing tells that it was
    compensated, and whatever its reader found odd.

    Parameters
    ----------
    tube
        Linear events with their channels, such as a reader of FCS files gives.
    sample
        Name that every table bears.
    aliases
        More names of channels: marker → names.
    thresholds
        Marker → threshold on the compensated linear scale, in place of the automatic one: of any marker of the tree,
        `viability`, and `FSC-A` (least), `SSC-A` (most), `CD45` (least) of lymphocytes.
    populations
        Further populations, or others in place of the built-in ones (see `populations.T_CELLS`): name → rule.
    borrowed
        Cuts of other tubes.

    Returns
    -------
    Gating
        Populations nest in their parents; by the built-in rules CD4+ T, CD8+ T, DN T and DP T add up to CD3+.

    Raises
    ------
    AnalysisError
        The tube holds no event, lacks FSC-A, SSC-A, CD3, CD4 or CD8, or one of these holds a single value; CD3, CD4
        or CD8 cannot be parted; the spillover cannot be used; some stains are compensated and some not; the panel
        contradicts the file; a threshold is not a marker's or not a number; the population tree is at fault.
    """
    rules = with_further(populations or {})
    stains = list(dict.fromkeys([*FURTHER_STAINS, *markers_of(rules)]))
    thresholds = _checked_thresholds(thresholds or {}, ["FSC-A", "SSC-A", *stains])
    if not len(tube.events):
        raise AnalysisError("the tube holds no event")
    markers = find_markers(tube.channels, tube.markers, aliases)
    _refuse_missing(tube, markers)
    quality = [
        check(sample, f"input {number}", None, "nothing odd in the file", False, warning)
        for number, warning in enumerate(tube.warnings, start=1)
    ]
    values, finite, told = compensated_values(tube, sample, markers, stains)
    quality += told
    quality += [
        check(sample, f"threshold of {name}", None, "a channel to apply it to", False, "not used: no such channel")
        for name in thresholds
        if name not in values
    ]
    steady = check_time(tube, values, finite, sample=sample)
    kept = finite & steady.keep
    if not kept.any():
        raise AnalysisError("no stretch of the run was steady", mend="acquire the tube again")
    beads = find_beads({marker: values[marker] for marker in BEADS if marker in values}, kept)
    cells = kept & ~beads
    cofactors = {marker: cofactor(column[cells]) for marker, column in values.items() if marker not in SCATTER}
    borrowed = borrowed or Borrowed()
    tree = Tree(sample, markers, values, cofactors, thresholds, borrowed.cuts)
    tree.add("all events", None, kept)
    if beads.any():
        tree.add("beads", "all events", beads)
        tree.add("single beads", "beads", single_beads({name: values[name] for name in ALIKE if name in values}, beads))
        tree.add("cells", "all events", cells)
        quality.append(_beads_left_out(tree))
    parent, told = _cells(tree)
    region = _lymphocytes(tree, parent, borrowed.region)
    told += _by_rules(tree, rules)
    no_number = int(np.count_nonzero(~finite))
    lost = {NOT_FINITE: no_number, NOT_STEADY: int(np.count_nonzero(finite & ~kept))}
    quality += [non_finite(sample, no_number, len(finite)), *steady.quality, *told, *assess(tree, region)]
    quality += check_residuals(sample, tree.populations, values)
    return _finish(tree, rules, region, quality, lost)


def _beads_left_out(tree: Tree) -> dict[str, Any]:
    number, stains = tree.populations["beads"].events, [marker for marker in BEADS if marker in tree.values]
    reason = f"{number} events that are bright in {', '.join(stains)} at once, and alike, are counting beads, not cells"
    share = 100 * number / tree.populations["all events"].events
    return check(tree.sample, "beads left out", share, "told where there are any, % of events", True, reason)


def _checked_thresholds(thresholds: Mapping[str, float], gates: Sequence[str]) -> dict[str, float]:
    for name, value in thresholds.items():
        if name not in gates:
            mend = did_you_mean(name, gates) or f"gates are {', '.join(gates)}"
            raise AnalysisError("a threshold is set for a gate that does not exist", found=name, mend=mend)
        if isinstance(value, bool) or not isinstance(value, Real) or not abs(value) <= LARGEST:
            raise AnalysisError(f"the threshold of {name} is not a number", found=value)
    return {name: float(value) for name, value in thresholds.items()}


def _refuse_missing(tube: Tube, markers: Mapping[str, str]) -> None:
    missing = [marker for marker in NEEDED if marker not in markers]
    if missing:
        raise AnalysisError(
            f"no channel for {', '.join(missing)}",
            mend=f"name it among the panel's markers; the channels are {describe(tube.channels, tube.markers)}",
        )


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
        tree.add("live", parent, ~tree.over("viability", parent))
        return "live", []
    few = bright < MOST_BRIGHT
    reason = "no dead cells are seen, none are left out" + ("" if few else ", though many events are bright")
    return parent, [check(tree.sample, "live", bright, f"below {MOST_BRIGHT:g} bright without a valley", few, reason)]


def _lymphocytes(tree: Tree, parent: str, borrowed: Region | None) -> Region | None:
    """Add the lymphocytes: within their region, and on the right side of each threshold that was set."""
    if not tree.mask(parent).any():
        raise AnalysisError(f"no event is left in {parent}")
    inside = np.ones(len(tree.mask(parent)), dtype=bool)
    free = [name for name in CHANNELS if name in tree.values and not tree.set_by_hand(name, parent)]
    for name in CHANNELS:
        if (name, parent) in tree.cuts:
            inside &= ~tree.over(name, parent) if name == "SSC-A" else tree.over(name, parent)
    region = _region(tree, parent, free, borrowed) if free else None
    if region is not None:
        away = distance({name: tree.values[name] for name in region.centre}, region)
        inside &= away <= region.radius
        tree.far_from_others = away <= CORE * region.radius
    tree.add("lymphocytes", parent, inside)
    return region


def _region(tree: Tree, parent: str, free: Sequence[str], borrowed: Region | None) -> Region | None:
    """Find the region of lymphocytes on channels without a threshold, or borrow it where there are too few T cells."""
    seen = tree.on_scale(parent)
    cut = _first_cd3(tree, parent)
    t_cells = tree.values["CD3"] > cut if cut is not None else np.zeros(len(seen), dtype=bool)
    number = int(np.count_nonzero(t_cells & seen))
    own = _own_region(tree, seen, t_cells, free, borrowed)
    if own is not None:
        return own
    if not {"FSC-A", "SSC-A"}.isdisjoint(free):
        if cut is None:
            raise _not_parted(tree, "CD3", parent)
        raise AnalysisError(
            "too few CD3+ events to find the lymphocytes by",
            found=number,
            expected=f"at least {LEAST_T_CELLS}",
            mend=f"for FSC-A and SSC-A, {WHERE_SET}",
        )
    return None


def _own_region(tree: Tree, seen: Mask, t_cells: Mask, free: Sequence[str], borrowed: Region | None) -> Region | None:
    """Find the region about the tube's own T cells, if they lie where other tubes have lymphocytes, or near those.

    Where T cells are rare, what is bright in CD3 may be other cells: then T cells are sought in the middle of the
    region of other tubes, which is borrowed itself when even these are too few.
    """
    values = {name: tree.values[name] for name in free}
    own = find_region(values, seen, t_cells) if np.count_nonzero(t_cells & seen) >= LEAST_T_CELLS else None
    if borrowed is None or not set(free) <= set(borrowed.centre):
        return own
    lent = replace(borrowed, centre={name: borrowed.centre[name] for name in free})
    if own is not None and _is_near(own, lent):
        return own
    cut = tree.borrowed.get(("CD3", "lymphocytes"))
    middle = distance(values, lent) <= CORE * lent.radius
    t_cells = middle & (tree.values["CD3"] > (np.inf if cut is None else cut.threshold))
    return find_region_of_rare(values, seen, t_cells, lent)


def _is_near(own: Region, lent: Region) -> bool:
    """Tell whether the centre of a region lies where other tubes have lymphocytes: what is further off are others."""
    centre = {name: np.array([middle], dtype=np.float32) for name, middle in own.centre.items()}
    return float(distance(centre, lent)[0]) <= NEAR * lent.radius


def _first_cd3(tree: Tree, parent: str) -> float | None:
    """Return a CD3 cut among all cells, which serves only to find the lymphocytes: the valley below the T cells.

    T cells are the brighter of the two most prominent modes, unless other tubes take both for one side.
    """
    if "CD3" in tree.thresholds:
        return tree.thresholds["CD3"]
    values = tree.scaled("CD3", tree.mask(parent))
    curve, lent = density(values), tree.borrowed.get(("CD3", "lymphocytes"))
    parted = None if curve is None else valley(values, curve)
    if parted is None or (lent is not None and not tree.agrees(parted, lent)):
        return None if lent is None else lent.threshold
    nearest = next_valley(values, float(np.median(values[values > parted.threshold])), above=False, curve=curve)
    return tree.linear("CD3", (nearest or parted).threshold)


def _by_rules(tree: Tree, rules: Mapping[str, Rule]) -> list[dict[str, Any]]:
    """Add the populations of the rules, as far as channels and cuts allow, and tell of those that they do not."""
    told = []
    for parent, names in by_parent(rules).items():
        if parent in tree.populations:
            _find_cuts(tree, parent, list(dict.fromkeys(marker for name in names for marker in rules[name].markers)))
        for name in names:
            if parent in tree.populations and tree.add_by_rule(name, rules[name]):
                continue
            if name in tree.populations or name in OPTIONAL:
                continue
            told.append(check(tree.sample, f"population {name}", None, "a cut for each marker", False, "not available"))
    return told


OPTIONAL = ("B", "NK")


def _find_cuts(tree: Tree, parent: str, markers: Sequence[str]) -> None:
    """Find the cuts that part one population: by valleys first, then above cells that lack the marker."""
    there = [marker for marker in markers if marker in tree.values]
    found = {marker: tree.find(marker, parent) for marker in there}
    for marker in there:
        if found[marker]:
            continue
        other = OTHER_LINEAGE.get(marker, "")
        has_other = found.get(other, False)
        negatives = tree.mask(parent) & tree.over(other, parent) if has_other else _other_side(tree, parent)
        if not (negatives is not None and tree.beyond(marker, parent, negatives)) and marker in ("CD3", "CD4", "CD8"):
            raise _not_parted(tree, marker, parent)


def _other_side(tree: Tree, parent: str) -> Mask | None:
    """Return lymphocytes on the other side of CD3 than a population."""
    if not {"CD3+", "CD3-"} <= tree.populations.keys():
        return None
    in_t_cells = np.count_nonzero(tree.mask(parent) & tree.mask("CD3+"))
    return tree.mask("CD3-" if in_t_cells else "CD3+")


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


def _finish(
    tree: Tree,
    rules: Mapping[str, Rule],
    region: Region | None,
    quality: list[dict[str, Any]],
    lost: Mapping[str, int],
) -> Gating:
    import polars as pl

    from tilseq.tables.outputs import QUALITY

    exclusions = [{"sample": tree.sample, "rule": rule, "rows": rows} for rule, rows in lost.items() if rows]
    return Gating(
        sample=tree.sample,
        populations=tree.populations,
        rules={name: one for name, one in rules.items() if name in tree.populations},
        cuts=tree.cuts,
        region=region,
        quality=QUALITY.frame(quality),
        exclusions=pl.DataFrame(exclusions, schema={"sample": pl.String, "rule": pl.String, "rows": pl.Int64}),
        markers=tree.channels,
        values=tree.values,
        cofactors=tree.cofactors,
    )
