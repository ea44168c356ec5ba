"""The checks of one gated tube: each a value, what it is held against, a verdict and a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tilseq.flow.lymphocytes import Region
from tilseq.flow.tree import CLEAR_SEPARATION, Cut, Tree
from tilseq.flow.tube import Tube

# ICCS: above 50 events a population is quantified, below it is detected only.
LEAST_QUANTIFIED = 50
LEAST_SINGLETS = 0.7
LEAST_LIVE = 0.5
LEAST_KEPT = 0.7
LARGEST_DN_DP, FAILING_DN_DP = 15.0, 50.0
MOST_NON_FINITE = 5.0
MOST_AT_EDGE = 25.0  # clean simulated tubes with CD45 have at most 8 %, whole blood without CD45 24 %
LARGEST_DIFFERENCE = 10.0
LYMPHOSUM = (90.0, 110.0)
USUAL_CD3 = (5.0, 95.0)
MOST_OFF_SCATTER, FAILING_OFF_SCATTER = 30.0, 60.0
NO_CUT = "not available: no valley parts it, nor are there enough cells that lack it to put a cut above"
# What a share is of, and what one that is too small tells.
SINGLETS = "share of events that are single cells", "many doublets, or heights that do not fit their areas"
LIVING = "share of single cells that are alive", "most are dead, or the cut of the viability dye lies too low"
KEPT = (
    "share of events above the cut of CD3, on scale, that the gate holds",
    "the rest are T cells of other sizes, as activated ones, or, where many, monocytes that antibody sticks to",
)
LYMPHOCYTES_ADD_UP = (
    "T, B and NK cells do not add up to the lymphocytes: other cells lie in their gate, or B or NK are missed"
)
NO_SHARE = "not available: no events to divide by"
SCATTER_GATES = ("FSC-A", "SSC-A", "CD45")


def check(
    sample: str, name: str, value: float | None, limit: str, fine: bool, reason: str, *, worst: str = "warn"
) -> dict[str, Any]:
    """Return one row of the table `quality`; `reason` is kept whatever the verdict."""
    verdict = "pass" if fine else worst
    return {"sample": sample, "check": name, "value": value, "limit": limit, "verdict": verdict, "reason": reason}


def input_checks(sample: str, tube: Tube) -> list[dict[str, Any]]:
    """Return one row for each thing that the reader of a tube found odd."""
    return [
        check(sample, f"input {number}", None, "nothing odd in the file", False, warning)
        for number, warning in enumerate(tube.warnings, start=1)
    ]


def worst_of(verdicts: Iterable[str]) -> str:
    """Return the worst of some verdicts; of none `pass`."""
    from tilseq.tables.outputs import VERDICTS

    return max(verdicts, key=VERDICTS.index, default="pass")


def assess(tree: Tree, region: Region | None) -> list[dict[str, Any]]:
    """Return the rows of the table `quality` for one tube.

    The separation of each marker's cut, the share of singlets, of T cells that the lymphocyte gate keeps, of CD3+
    among lymphocytes, events in CD3+ (below 50 a share is not quantified and the tube fails), DN and DP among CD3+
    (below 15 %; from 50 % the tube fails), CD4 and CD8 against CD3 (within 10 points of lymphocytes), the lymphosum
    T + B + NK (90 to 110 %, when B and NK are gated), and T cells at the upper end of forward scatter. A gate on single
    or living cells that no channel allows is told, and passes.
    """
    events = {name: population.events for name, population in tree.populations.items()}
    rows = [_separation(tree, cut) for cut in tree.cuts.values() if cut.marker not in SCATTER_GATES]
    rows += _not_gated(tree)
    rows += _shares(tree.sample, events)
    rows.append(_kept(tree))
    rows += _region(tree, region)
    cut = {marker for marker, _ in tree.cuts}
    rows += [
        check(tree.sample, f"separation of {marker}", None, f"at least {CLEAR_SEPARATION:g}", False, NO_CUT)
        for marker in ("CD19", "CD16", "CD56")
        if marker in tree.values and marker not in cut
    ]
    rows.append(_scatter_off_scale(tree))
    return rows


def non_finite(sample: str, lost: int, events: int) -> dict[str, Any]:
    """Return the check of events left out because a value is NaN or infinite: fails above 5 % of all events."""
    share = 100.0 * lost / events
    reason = f"{lost} events with a value that is not a finite number are left out" if lost else "none"
    worst = "fail" if share > MOST_NON_FINITE else "warn"
    limit = f"none; more than {MOST_NON_FINITE:g} % of events fail"
    return check(sample, "non-finite events", share, limit, not lost, reason, worst=worst)


def _not_gated(tree: Tree) -> list[dict[str, Any]]:
    """Tell which of the gates on single and living cells was not applied for want of a channel."""
    wanted = (
        ("singlets", "FSC-H", f"at least {LEAST_SINGLETS:g}", "the file has no FSC-H beside FSC-A"),
        ("live", "viability", "a valley before the dead", "no viability dye: dead cells are counted"),
    )
    return [
        check(
            tree.sample,
            name,
            None,
            limit,
            True,
            f"not gated: {f'the channel of {marker} holds one value only' if marker in tree.channels else reason}",
        )
        for name, marker, limit, reason in wanted
        if marker not in tree.values
    ]


def _separation(tree: Tree, cut: Cut) -> dict[str, Any]:
    name = f"separation of {cut.marker}"
    # A marker is mostly cut once; where it parts several populations, each check names its own.
    if sum(marker == cut.marker for marker, _ in tree.cuts) > 1:
        name += f" among {cut.parent}"
    clear = cut.separation is not None and cut.separation >= CLEAR_SEPARATION
    reason = {
        "settings": "the threshold was set by hand",
        "fallback": f"no valley among {cut.parent}; cut above cells that lack {cut.marker}",
        "cohort": f"no clear valley among {cut.parent}; cut as other tubes of the panel are",
    }.get(
        cut.source,
        f"valley among {cut.parent}"
        if clear
        else f"the valley among {cut.parent} is shallow: both sides run into each other",
    )
    fine = cut.source == "settings" or (cut.source == "valley" and clear)
    return check(tree.sample, name, cut.separation, f"at least {CLEAR_SEPARATION:g}", fine, reason)


def _region(tree: Tree, region: Region | None) -> list[dict[str, Any]]:
    """Return the checks of the lymphocytes' region: whether it is the tube's own, and how much lies at its edge.

    A region without a clear valley before other cells is usual, and harmless where few events lie at its edge.
    """
    if region is None or tree.away is None:
        return []
    rows = []
    if region.source == "cohort":
        reason = "too few T cells to find the lymphocytes by; looked for where other tubes of the panel have them"
        rows.append(check(tree.sample, "lymphocytes", None, "found from the tube's own T cells", False, reason))
    name, limit = "edge of lymphocytes", f"a clear valley, or at most {MOST_AT_EDGE:g} % of them where they could end"
    if region.separation is not None and region.separation >= CLEAR_SEPARATION:
        return [*rows, check(tree.sample, name, None, limit, True, "a clear valley parts them from other cells")]
    away = np.compress(tree.mask(tree.populations["lymphocytes"].parent or "all events"), tree.away)
    least, own, most = (int(np.count_nonzero(away <= end)) for end in (region.lower, region.radius, region.upper))
    share = _ratio(100.0 * max(own - least, most - own), own)
    fine = share is not None and share <= MOST_AT_EDGE
    reason = "no clear valley parts them from other cells, " + (
        "but few lie at their edge" if fine else "and many lie at their edge: what is a lymphocyte hangs on it"
    )
    return [*rows, check(tree.sample, name, share, limit, fine, reason)]


def _shares(sample: str, events: Mapping[str, int]) -> list[dict[str, Any]]:
    lymphocytes, cd3 = events["lymphocytes"], events["CD3+"]
    rows = []
    if "singlets" in events:
        share = _ratio(events["singlets"], events.get("cells", events["all events"]))
        rows.append(_at_least(sample, "singlets", share, LEAST_SINGLETS, *SINGLETS))
    if "live" in events:
        share = _ratio(events["live"], events.get("singlets", events.get("cells", events["all events"])))
        rows.append(_at_least(sample, "living cells", share, LEAST_LIVE, *LIVING))
    rows.append(
        _between(
            sample,
            "CD3+ of lymphocytes",
            [cd3],
            lymphocytes,
            USUAL_CD3,
            "hardly a cell lies on one side of CD3: what lies there may be noise",
        )
    )
    return rows + check_t_cells(sample, events)


def check_t_cells(sample: str, events: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the checks of how T cells and lymphocytes add up, as far as their parts were gated.

    Parameters
    ----------
    sample
        Name of the tube.
    events
        Population → events. `CD3+`; with `DN T` and `DP T` they are held against it, with `lymphocytes` CD4 and CD8
        against CD3, and with `B` and `NK` as well the lymphosum.

    Returns
    -------
    list
        Rows of the table `quality`, see `assess`.
    """
    cd3, lymphocytes = events["CD3+"], events.get("lymphocytes")
    enough = cd3 >= LEAST_QUANTIFIED
    reason = "enough to quantify" if enough else "below the limit of quantification"
    rows = [check(sample, "events in CD3+", cd3, f"at least {LEAST_QUANTIFIED}", enough, reason, worst="fail")]
    if {"DN T", "DP T"} <= events.keys():
        rows.append(_dn_dp(sample, events["DN T"] + events["DP T"], cd3))
    if {"DN T", "DP T"} <= events.keys() and lymphocytes is not None:
        # CD4 and CD8 counted with their double positives: what they miss of CD3 is DN, what they count twice is DP.
        difference = [events["DP T"], -events["DN T"]]
        within = (-LARGEST_DIFFERENCE, LARGEST_DIFFERENCE)
        more = events["DP T"] > events["DN T"]
        reason = (
            f"CD4+ and CD8+ cells add up to {'more' if more else 'less'} than CD3+: many {'DP' if more else 'DN'} T"
        )
        rows.append(_between(sample, "CD4 and CD8 against CD3", difference, lymphocytes, within, reason))
    if {"B", "NK"} <= events.keys() and lymphocytes is not None:
        three = [cd3, events["B"], events["NK"]]
        rows.append(_between(sample, "lymphosum", three, lymphocytes, LYMPHOSUM, LYMPHOCYTES_ADD_UP, failing=70))
    return rows


def _dn_dp(sample: str, rest: int, cd3: int) -> dict[str, Any]:
    share = _ratio(100.0 * rest, cd3)
    fine = share is not None and share < LARGEST_DN_DP
    worst = "fail" if share is not None and share >= FAILING_DN_DP else "warn"
    why = (
        "as expected"
        if fine
        else "more than usual: γδ T cells, a stain that failed, or a cut of CD4 or CD8 that lies wrong"
    )
    limit = f"below {LARGEST_DN_DP:g} %; fails from {FAILING_DN_DP:g} %"
    return check(sample, "DN and DP of CD3+", share, limit, fine, why if share is not None else NO_SHARE, worst=worst)


def _kept(tree: Tree) -> dict[str, Any]:
    name, limit = "CD3+ kept by lymphocytes", f"at least {LEAST_KEPT:g}"
    parent = tree.populations["lymphocytes"].parent or "all events"
    if ("CD3", "lymphocytes") not in tree.cuts:
        return check(tree.sample, name, None, limit, False, "not available: CD3 is not cut among lymphocytes")
    t_cells = tree.over("CD3", "lymphocytes") & tree.on_scale(parent)
    share = _ratio(int(np.count_nonzero(t_cells & tree.mask("lymphocytes"))), int(np.count_nonzero(t_cells)))
    return _at_least(tree.sample, name, share, LEAST_KEPT, *KEPT)


def _scatter_off_scale(tree: Tree) -> dict[str, Any]:
    """Return the check of T cells at the upper end of forward scatter: their size is not known, and they are lost."""
    name, limit = (
        "T cells off scale",
        f"at most {MOST_OFF_SCATTER:g} % of CD3+; more than {FAILING_OFF_SCATTER:g} % fail",
    )
    cut = tree.cuts.get(("CD3", "lymphocytes"))
    parent = tree.populations["lymphocytes"].parent or "all events"
    if cut is None or not tree.mask(parent).any():
        return check(tree.sample, name, None, limit, True, "not available: CD3 is not cut among lymphocytes")
    t_cells = tree.mask(parent) & (tree.values["CD3"] > cut.threshold)
    at_end = int(np.count_nonzero(t_cells & (tree.values["FSC-A"] == tree.largest("FSC-A", parent))))
    share = _ratio(100.0 * (at_end if at_end > 1 else 0), int(np.count_nonzero(t_cells)))
    fine = share is None or share <= MOST_OFF_SCATTER
    worst = "fail" if share is not None and share > FAILING_OFF_SCATTER else "warn"
    reason = "as expected" if fine else "they lie at the upper end of forward scatter: its gain was too high"
    return check(tree.sample, name, share, limit, fine, reason, worst=worst)


def _ratio(part: float, whole: int) -> float | None:
    return part / whole if whole else None


def _at_least(sample: str, name: str, share: float | None, least: float, reason: str, why: str) -> dict[str, Any]:
    fine = share is not None and share >= least
    told = NO_SHARE if share is None else reason if fine else f"{reason}: {why}"
    return check(sample, name, share, f"at least {least:g}", fine, told)


def _between(
    sample: str,
    name: str,
    parts: Sequence[int],
    whole: int,
    limits: tuple[float, float],
    reason: str,
    failing: float | None = None,
) -> dict[str, Any]:
    share = _ratio(100.0 * sum(parts), whole)
    fine = share is not None and limits[0] <= share <= limits[1]
    why = "as expected" if fine else reason if share is not None else NO_SHARE
    worst = "fail" if share is not None and failing is not None and share < failing else "warn"
    # A limit that began with a minus sign would be taken for a formula in a spreadsheet.
    limit = f"between {limits[0]:g} and {limits[1]:g} %" + ("" if failing is None else f"; below {failing:g} % fails")
    return check(sample, name, share, limit, fine, why, worst=worst)
