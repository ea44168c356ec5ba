"""The tree of a T-cell tube, gated by its own densities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np

from tilseq.errors import AnalysisError, did_you_mean
from tilseq.flow.backgating import add_lymphocytes, is_about_t_cells, is_near
from tilseq.flow.beads import find_beads, single_beads
from tilseq.flow.beside import Told
from tilseq.flow.dead import check_few, check_undyed, dead_among, number_dead
from tilseq.flow.exchanged import check_b_and_nk, check_exchanged
from tilseq.flow.gated import Borrowed, Gating
from tilseq.flow.lymphocytes import Region
from tilseq.flow.margins import check_lymphocytes
from tilseq.flow.purity import check_purity, monocytes_of
from tilseq.flow.quality import assess, check, input_checks, non_finite
from tilseq.flow.repeats import check_repeats
from tilseq.flow.residual import check_residuals, taken_from_common
from tilseq.flow.robust import thinned
from tilseq.flow.scatter import singlets
from tilseq.flow.shares_over_time import check_shares
from tilseq.flow.signs import add_by_rules
from tilseq.flow.time_quality import check_time
from tilseq.flow.transform import MOST_LOOKED_AT, cofactor
from tilseq.flow.tree import Tree
from tilseq.flow.tube import Mask, Tube
from tilseq.flow.tube_markers import markers_of_tube, name_it
from tilseq.flow.uncertainty import shifts
from tilseq.flow.values import SCATTER, compensated_values, hold_freed_memory
from tilseq.markers import cytokine_of
from tilseq.populations import KNOWN_BY, Rule, gate_names, with_further, without_stains

BEADS = ("CD3", "CD4", "CD8", "CD19")
ALIKE = (*BEADS, "FSC-A", "SSC-A")  # what two beads, or a bead with a cell, have more of than one bead
MOST_BRIGHT = 0.02
MOST_TOLD = 3
NOT_FINITE = "a value that is not a finite number"
NOT_STEADY = "a stretch of the run that a clog or a burst spoiled"
LARGEST = float(np.finfo(np.float32).max)


def gate(
    tube: Tube,
    *,
    sample: str,
    aliases: Mapping[str, Sequence[str]] | None = None,
    thresholds: Mapping[str, float] | None = None,
    populations: Mapping[str, Rule] | None = None,
    borrowed: Borrowed | None = None,
    cytokines: bool = False,
) -> Gating:
    """Gate one tube into T cells and their subsets.

    Events are compensated with the file's own spillover, or that of `with_spill`, unless they are compensated already.
    Stretches of the run that a clog spoiled are left out, see `time_quality`, and so are counting beads. Lymphocytes
    lie about the T cells on forward scatter, side scatter and CD45, see `lymphocytes.find_region`. Each further cut
    lies in the valley between the two most prominent modes of its channel among the events of its parent. A cut without
    a valley is borrowed from other tubes, or put above cells that lack the marker, and flagged; so is a tube of which
    nothing tells that it was compensated, and whatever its reader found odd.

    Parameters
    ----------
    tube
        Linear events with their channels, such as a reader of FCS files gives.
    sample
        Name that every table bears.
    aliases
        More names of channels: marker → names. A marker of the tree that is neither among them nor built in is that
        of the channel that bears its very name ($PnS or $PnN).
    thresholds
        Marker → threshold on the compensated linear scale, in place of the automatic one: of any marker of the tree,
        `viability`, and `FSC-A` (least), `SSC-A` (most), `CD45` (least) of lymphocytes. Those of cytokines are let be:
        no gate of the tree is theirs.
    populations
        Further populations, or others in place of the built-in ones (see `populations.T_CELLS`): name → rule.
    borrowed
        Cuts of other tubes.
    cytokines
        Hold the values of the tube's cytokine stains (`markers.CYTOKINES`), too; by themselves they part no population.
        Such a tube needs CD4 and CD8.

    Returns
    -------
    Gating
        Populations nest in their parents; by the built-in rules CD4+ T, CD8+ T, DN T and DP T add up to CD3+. In a
        tube without CD8 there is CD4+ T alone, with what of it bears CD8, too; without CD4 there is CD8+ T.

    Raises
    ------
    AnalysisError
        It is no tube; it holds no event, lacks FSC-A, SSC-A or CD3, or one of these, CD4 or CD8 holds a single value;
        CD3, CD4 or CD8 cannot be parted; a tenth of the events or more repeat another; the spillover cannot be used;
        some stains are compensated and some not; the panel contradicts the file; a threshold is not a marker's or not a
        number; the population tree is at fault.
    """
    if not hasattr(tube, "events"):
        given, mend = type(tube).__name__, "read the file first: `ts.io.read_fcs(path)`"
        raise AnalysisError("this is no tube", found=given, expected="what `read_fcs` returns", mend=mend)
    hold_freed_memory()
    rules = with_further(populations or {})
    thresholds = _checked_thresholds(thresholds or {}, gate_names(populations or {}))
    if not len(tube.events):
        raise AnalysisError("the tube holds no event")
    found = markers_of_tube(tube.channels, tube.markers, rules, aliases, cytokines=cytokines)
    markers, stains, missing = found.channels, found.stains, found.lacking
    rules = without_stains(rules, missing)
    repeated = check_repeats(sample, tube)
    values, finite, told = compensated_values(tube, sample, markers, stains)
    steady = check_time(tube, values, finite, sample=sample)
    kept = finite & steady.keep
    if not kept.any():
        raise AnalysisError("no stretch of the run was steady", mend="acquire the tube again")
    unfit = _unfit(sample, borrowed or Borrowed(), markers)
    borrowed = (borrowed or Borrowed()).of(markers)
    quality = [
        *input_checks(sample, tube),
        *_lacking(sample, tube, missing),
        *repeated,
        *told,
        *_unused(sample, thresholds, values),
        *unfit,
    ]
    tree = _planted(Tree(sample, markers, values, {}, thresholds, borrowed.cuts), kept)
    try:
        region, told = _grow(tree, rules, borrowed.region)
    except AnalysisError as error:
        error.mend = (
            "; ".join([*filter(None, [error.mend]), *(f"{row['check']}: {row['reason']}" for row in unfit)]) or None
        )
        raise
    no_number = int(np.count_nonzero(~finite))
    lost = {NOT_FINITE: no_number, NOT_STEADY: int(np.count_nonzero(finite & ~kept))}
    dead = dead_among(tree.populations, rules, values, markers)
    monocytes = monocytes_of(tree, region)
    quality += [
        *_beads_left_out(tree),
        non_finite(sample, no_number, len(finite)),
        *steady.quality,
        *told,
        *assess(tree, region),
        *_checks_of_populations(tree, rules, tube, number_dead(tree.populations, dead)),
        *_elsewhere(sample, region, borrowed.region),
        *check_purity(tree, region, monocytes),
    ]
    return replace(_finish(tree, rules, region, quality, lost, monocytes), dead=dead)


def _grow(tree: Tree, rules: Mapping[str, Rule], lent: Region | None) -> tuple[Region | None, list[dict[str, Any]]]:
    """Add the populations from cells on; return the region of the lymphocytes and what to tell."""
    parent, told = _cells(tree)
    before = dict(tree.populations), dict(tree.cuts)
    region = add_lymphocytes(tree, parent, lent)
    signs = add_by_rules(tree, rules)
    cut = tree.cuts.get(("CD3", "lymphocytes"))  # none where a panel has its T cells elsewhere
    if cut is not None and not is_about_t_cells(tree, region):
        tree.populations, tree.cuts = before
        region = add_lymphocytes(tree, parent, lent, cut.threshold)
        signs = add_by_rules(tree, rules)
    told += signs
    if "CD3+" not in tree.populations:
        raise AnalysisError("the population tree finds no CD3+", mend="give CD3+ markers that the panel stains")
    return region, told


def _checks_of_populations(
    tree: Tree, rules: Mapping[str, Rule], tube: Tube, dead: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    """Yield the checks of the populations of a tree, of which `dead` are the dead cells in each."""
    sample, populations, values = tree.sample, tree.populations, tree.values
    seen = [tree.channels[name] for name in values if name != "FSC-A"]  # which has a check of T cells of its own
    yield from check_lymphocytes(tube, tree.mask("lymphocytes"), seen, sample=sample)
    yield from check_residuals(sample, populations, values, taken_from_common(tree, rules))
    yield from check_undyed(sample, populations, values, tree.channels)
    yield from check_few(sample, populations, dead)
    yield from check_exchanged(sample, populations, tree.cuts, values)
    yield from check_b_and_nk(sample, populations, tree.cuts, values)
    yield check_shares(sample, tube, populations, [name for name in rules if name in populations])


def _planted(tree: Tree, kept: Mask) -> Tree:
    """Return a tree with the scale of each stain, the events that are kept, and the cells among them, beads apart."""
    values = tree.values
    beads = find_beads({marker: values[marker] for marker in BEADS if marker in values}, kept)
    cells = kept & ~beads
    some = np.flatnonzero(cells)
    some = thinned(some, MOST_LOOKED_AT)
    cofactors = {marker: cofactor(column[some]) for marker, column in values.items() if marker not in SCATTER}
    tree = replace(tree, cofactors=cofactors)
    tree.add("all events", None, kept)
    if beads.any():
        tree.add("beads", "all events", beads)
        tree.add("single beads", "beads", single_beads({name: values[name] for name in ALIKE if name in values}, beads))
        tree.add("cells", "all events", cells)
    return tree


def _unfit(sample: str, lent: Borrowed, markers: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the check that warns of cuts of other tubes that are of other channels than the tube's, if any are.

    Cuts of markers that the tube lacks are no fault unless there are none but these.
    """
    usable = lent.of(markers)
    none = not usable.cuts and usable.region is None
    apart = [
        f"of {marker} in {channel}, which this tube {f'bears in {markers[marker]}' if marker in markers else 'lacks'}"
        for marker, channel in lent.channels.items()
        if markers.get(marker, None if none else channel) != channel
    ]
    if not apart:
        return []
    more = [f"and of {len(apart) - MOST_TOLD} more markers"] if len(apart) > MOST_TOLD else []
    reason = f"{'none of them is used' if none else 'some are not used'}: they are "
    reason += ", ".join([*apart[:MOST_TOLD], *more])
    return [check(sample, "cuts of other tubes", None, "of the tube's own channels", False, reason)]


def _elsewhere(sample: str, own: Region | None, lent: Region | None) -> list[dict[str, Any]]:
    """Return the check that warns where lymphocytes lie elsewhere than in other tubes; they are kept where they lie."""
    if own is None or lent is None or own.source == "cohort" or not set(own.centre) <= set(lent.centre):
        return []
    if is_near(own, lent.on(own.centre)):
        return []
    reason = (
        "the tube's T cells lie elsewhere on scatter and CD45 than those of other tubes: another gain, or instrument"
    )
    return [check(sample, "lymphocytes against other tubes", None, "where other tubes have them", False, reason)]


def _unused(sample: str, thresholds: Mapping[str, float], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        check(sample, f"threshold of {name}", None, "a channel to apply it to", False, "not used: no such channel")
        for name in thresholds
        if name not in values and cytokine_of(name) is None
    ]


def _beads_left_out(tree: Tree) -> list[dict[str, Any]]:
    if "beads" not in tree.populations:
        return []
    number, stains = tree.populations["beads"].events, [marker for marker in BEADS if marker in tree.values]
    reason = f"{number} events that are bright in {', '.join(stains)} at once, and alike, are counting beads, not cells"
    share = 100 * number / tree.populations["all events"].events
    return [check(tree.sample, "beads left out", share, "told where there are any, % of events", True, reason)]


def _checked_thresholds(thresholds: Mapping[str, float], gates: Sequence[str]) -> dict[str, float]:
    for name, value in thresholds.items():
        if name not in gates and cytokine_of(name) is None:
            mend = did_you_mean(name, gates) or f"gates are {', '.join(gates)}"
            raise AnalysisError("a threshold is set for a gate that does not exist", found=name, mend=mend)
        if isinstance(value, bool) or not isinstance(value, Real) or not abs(value) <= LARGEST:
            raise AnalysisError(f"the threshold of {name} is not a number", found=value)
    return {name: float(value) for name, value in thresholds.items()}


def _lacking(sample: str, tube: Tube, missing: Sequence[str]) -> list[dict[str, Any]]:
    """Return the warning of a tube that lacks CD4 or CD8."""
    if not missing:
        return []
    left = [name for name, marker in KNOWN_BY.items() if marker not in missing]
    more = f", the latter with DP T, which {missing[0]} would tell" if len(missing) == 1 else ""
    reason = (
        f"no channel for {', '.join(missing)}: of T cells only {' and '.join(left)} are counted{more}, and no ratio"
    )
    reason += f"; {name_it(tube.channels, tube.markers)}"
    return [check(sample, "CD4 and CD8", None, "both stained", False, reason)]


def _cells(tree: Tree) -> tuple[str, list[dict[str, Any]]]:
    """Add single and living cells where channels allow; return the name of the last population and what to tell."""
    parent = "cells" if "cells" in tree.populations else "all events"
    if "FSC-H" in tree.values:
        events = np.flatnonzero(tree.mask(parent))
        single = np.zeros(len(tree.mask(parent)), dtype=bool)
        single[events], tree.beside_singlets = singlets(tree.values["FSC-A"][events], tree.values["FSC-H"][events])
        tree.add("singlets", parent, single)
        parent = "singlets"
    if "viability" not in tree.values:
        return parent, []
    if tree.find_dead(parent):
        tree.add("live", parent, ~tree.over("viability", parent))
        return "live", []
    bright = tree.share_of_bright(parent)
    few = bright < MOST_BRIGHT
    reason = "no dead cells are seen, none are left out" + ("" if few else ", though many events are bright")
    return parent, [check(tree.sample, "live", bright, f"below {MOST_BRIGHT:g} bright without a valley", few, reason)]


def _finish(
    tree: Tree,
    rules: Mapping[str, Rule],
    region: Region | None,
    quality: list[dict[str, Any]],
    lost: Mapping[str, int],
    monocytes: Told,
) -> Gating:
    import polars as pl

    from tilseq.tables.outputs import QUALITY

    exclusions = [{"sample": tree.sample, "rule": rule, "rows": rows} for rule, rows in lost.items() if rows]
    gating = Gating(
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
        monocytes=monocytes,
        beside_singlets=tree.beside_singlets,
    )
    return replace(gating, moved=shifts(gating, tree.away))
