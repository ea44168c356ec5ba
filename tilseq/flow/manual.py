"""Populations that a person gated: counted, with limits of counting alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tilseq.errors import AnalysisError, did_you_mean
from tilseq.flow.counts import Ratio, certainty, ratio_columns
from tilseq.flow.quality import check, check_t_cells, worst_of
from tilseq.flow.rare import status_of_counts
from tilseq.flow.tree import Population
from tilseq.flow.tube import Mask
from tilseq.intervals import clopper_pearson, ratio_of_counts, scalar
from tilseq.populations import BUILT_IN, T_CELLS

if TYPE_CHECKING:
    import polars as pl

ALL_EVENTS, NAMES_OF_GATES = "all events", "names of gates"  # a population and a check
BEADS = ("beads", "single beads")
NEEDED = ("CD3+", "CD4+ T", "CD8+ T")
MOST_LISTED = 20
MOST_BEADS = 1.0  # % of a population of cells
MOST_BESIDE = 10.0  # % of CD4+ or CD8+ T that may lie beside CD3+, as where a person gates them among lymphocytes
LACKS = r"[\s_.^(]*([-−–⁻]|neg|minus|lo)"  # behind a marker: CD8-, CD8 (-), CD8_neg, CD8lo
# Population → how a gate of the other would be called; one that lacks that marker (non-CD8, too) may be the population.
OF_THE_OTHER = {
    f"{own}+ T": re.compile(rf"^(?!.*{own}(?!\d))(?!.*no[nt]?[\s_-]*{other}).*{other}(?!\d)(?!{LACKS})", re.IGNORECASE)
    for own, other in (("CD4", "CD8"), ("CD8", "CD4"))
}


def name_populations(
    gated: Mapping[str, tuple[str | None, Mask]], names: Mapping[str, str] | None = None, *, finite: Mask | None = None
) -> dict[str, Population]:
    """Return a person's gates as populations, those without a parent below `all events`.

    Parameters
    ----------
    gated
        Name of each gate → name of its parent, None for all events, and its events, at least one gate.
    names
        Name of a gate → name of the population; a gate that is not there keeps its own.
    finite
        Events that are finite in what gates look at, which are `all events` unless a gate is; by default all are.

    Returns
    -------
    dict
        Name → population.

    Raises
    ------
    AnalysisError
        A name is given to a gate that is not there or is called after the other of CD4 and CD8, or two gates get one
        name; a gate that is to be `all events` lies
        within another, or another gate holds events that it does not.
    """
    names = names or {}
    for name in names:
        if name not in gated:
            mend = did_you_mean(name, list(gated)) or f"gates are {', '.join(gated)}"
            raise AnalysisError("a name is given to a gate that the file does not have", found=name, mend=mend)
        given = names[name]
        if given in OF_THE_OTHER and OF_THE_OTHER[given].match(name.rpartition("/")[2]):
            mend = "exchange the names, or rename the gate"
            raise AnalysisError(f"the gate that is to be {given} is called otherwise", found=name, mend=mend)
    named = {gate: names.get(gate, gate) for gate in gated}
    twice = [name for name in named.values() if list(named.values()).count(name) > 1]
    if twice:
        raise AnalysisError("two gates would be one population", found=twice[0], mend="give each a name of its own")
    for gate, (parent, _) in gated.items():
        if parent is not None and named[gate] == ALL_EVENTS:
            mend = "give it another name"
            raise AnalysisError(f"the gate that is to be {ALL_EVENTS} lies within {parent}", found=gate, mend=mend)
    populations: dict[str, Population] = {}
    if ALL_EVENTS not in named.values():
        every = np.ones_like(next(iter(gated.values()))[1]) if finite is None else finite
        populations[ALL_EVENTS] = Population(ALL_EVENTS, None, every)
    whole = next((mask for gate, (_, mask) in gated.items() if named[gate] == ALL_EVENTS), None)
    for gate, (parent, mask) in gated.items():
        if parent is None and whole is not None and np.any(mask & ~whole):
            raise AnalysisError(
                f"a gate holds events that {ALL_EVENTS} does not", found=gate, mend="put it within that gate"
            )
        above = ALL_EVENTS if parent is None else named[parent]
        populations[named[gate]] = Population(named[gate], None if named[gate] == ALL_EVENTS else above, mask)
    return populations


def check_names(sample: str, populations: Mapping[str, Population]) -> list[dict[str, Any]]:
    """Return a warning where a population that the counts need may be a gate of another name.

    Without CD3+ nothing tells whether T cells add up, without CD4+ T and CD8+ T there is no ratio. Where every gate
    bears a name of the built-in tree, those that lack were not gated, and nothing is to be told.
    """
    lacking = [name for name in NEEDED if name not in populations]
    others = [name for name in populations if name not in BUILT_IN and name not in T_CELLS]
    if not lacking or not others:
        return []
    listed = [*others[:MOST_LISTED], *([f"{len(others) - MOST_LISTED} more"] if len(others) > MOST_LISTED else [])]
    lost = "no check of T cells" if lacking == ["CD3+"] else "no CD4/CD8 ratio"
    lost += " and no check of T cells" if "CD3+" in lacking and len(lacking) > 1 else ""
    reason = (
        f"no gate is named {', '.join(lacking)}, so there is {lost}; gates of other names are {', '.join(listed)}: say "
        f"which is meant by --name 'GATE={lacking[0]}', in study.yaml by names: {{GATE: {lacking[0]}}} beside the file"
    )
    found = len(NEEDED) - len(lacking)
    return [check(sample, NAMES_OF_GATES, found, f"{', '.join(NEEDED)} among them", False, reason)]


def check_t_cells_within(sample: str, populations: Mapping[str, Population]) -> list[dict[str, Any]]:
    """Return a warning for each of CD4+ T and CD8+ T of which much lies beside CD3+: it may be another gate."""
    rows = []
    for name in ("CD4+ T", "CD8+ T"):
        if not {name, "CD3+"} <= populations.keys() or not populations[name].events:
            continue
        own = populations[name]
        beside = int(np.count_nonzero(own.mask & ~populations["CD3+"].mask))
        share = 100 * beside / own.events
        if share > MOST_BESIDE:
            reason = f"{beside:,} of {own.events:,} events of {name} lie beside CD3+: is the name another gate's?"
            rows.append(
                check(sample, f"{name} among CD3+", share, f"at most {MOST_BESIDE:g} % beside it", False, reason)
            )
    return rows


def check_whole(sample: str, populations: Mapping[str, Population], finite: Mask) -> list[dict[str, Any]]:
    """Return a warning where a gate of the person's takes the place of `all events` and leaves finite ones out.

    Gates that tilseq wrote have such a gate where stretches of the run were left out; a person's may be another.
    """
    if ALL_EVENTS not in populations or not (finite & ~populations[ALL_EVENTS].mask).any():
        return []
    kept, total = populations[ALL_EVENTS].events, int(np.count_nonzero(finite))
    reason = (
        f"a gate of this name holds {kept} of {total} events: shares of {ALL_EVENTS} are of these; "
        "name it otherwise unless it leaves out stretches of the run"
    )
    return [check(sample, ALL_EVENTS, 100 * kept / total, "100 % of the tube's events", False, reason)]


def cells_of(populations: Mapping[str, Population], *, by_beads: bool) -> list[str]:
    """Return the populations to count per µL: the lymphocytes, and all that are not found by scatter or beads.

    Parameters
    ----------
    populations
        See `name_populations`.
    by_beads
        They are counted by the tube's beads: the gate `single beads`, or `beads`.

    Raises
    ------
    AnalysisError
        A population lies within the gate of the beads, which is then no gate of beads alone.
    """
    names = [name for name in populations if name == "lymphocytes" or name not in BUILT_IN]
    for name in names if by_beads else ():
        above = _within_beads(populations, name)
        if above is not None:
            raise AnalysisError(
                f"cells cannot be counted by beads: a gate lies within {above}, which is taken for counting beads",
                found=name,
                expected=f"no gate within {above} but single beads",
                mend=f"give the gate {above} another name if it is not of beads, else take {name} out of it",
            )
    return names


def told_by_stains(populations: Mapping[str, Population], on_time: Collection[str]) -> list[str]:
    """Return the populations that are told neither by scatter nor by beads nor, as those `on_time`, by the clock."""
    return [name for name in populations if name not in BUILT_IN and name not in on_time]


def check_beads_apart(sample: str, populations: Mapping[str, Population]) -> list[dict[str, Any]]:
    """Return the check of beads among cells, where a person gated beads.

    Gates beside that of the beads leave them in unless they are drawn to leave them out. Those within it, which
    `cells_of` refuses where beads are counted by, are no cells.
    """
    beads = next((populations[name].mask for name in BEADS if name in populations), None)
    if beads is None:
        return []
    shares = {}
    for name in cells_of(populations, by_beads=False):
        one = populations[name]
        if one.events and not _within_beads(populations, name):
            shares[name] = 100 * int(np.count_nonzero(one.mask & beads)) / one.events
    many = [f"{name} {share:.2g} %" for name, share in shares.items() if share > MOST_BEADS]
    reason = f"the gate of beads holds some of {', '.join(many)}: leave it out of them" if many else "apart from cells"
    limit = f"at most {MOST_BEADS:g} % of any population of cells"
    return [check(sample, "beads among cells", max(shares.values(), default=None), limit, not many, reason)]


def _within_beads(populations: Mapping[str, Population], name: str) -> str | None:
    """Return the gate of beads that a population lies in, None where it lies in none."""
    above = populations[name].parent
    while above is not None and above not in BEADS:
        above = populations[above].parent
    return above


def check_added_up(sample: str, populations: Mapping[str, Population]) -> list[dict[str, Any]]:
    """Return the checks of `quality.check_t_cells`, of those of a person's populations that lie where they should.

    `CD3+` must be there; `DN T` and `DP T` count that lie in it, `lymphocytes` that hold it, and `B` and `NK` within
    those.
    """
    if "CD3+" not in populations:
        return []
    held = {"CD3+": populations["CD3+"].mask}
    lymphocytes = populations.get("lymphocytes")
    if lymphocytes is not None and _within(held["CD3+"], lymphocytes.mask):
        held["lymphocytes"] = lymphocytes.mask
    for name, of in (("DN T", "CD3+"), ("DP T", "CD3+"), ("B", "lymphocytes"), ("NK", "lymphocytes")):
        if name in populations and of in held and _within(populations[name].mask, held[of]):
            held[name] = populations[name].mask
    return check_t_cells(sample, {name: int(np.count_nonzero(mask)) for name, mask in held.items()})


def _within(part: Mask, whole: Mask) -> bool:
    return not (part & ~whole).any()


def count_manual(
    sample: str, populations: Mapping[str, Population], quality: Sequence[Mapping[str, Any]]
) -> pl.DataFrame:
    """Count the populations that a person gated.

    Parameters
    ----------
    sample
        Name that the table bears.
    populations
        See `name_populations`.
    quality
        Rows of the table `quality` for this tube, at least one.

    Returns
    -------
    polars.DataFrame
        Table `counts`. The limits of a share are those of counting alone (Clopper and Pearson, 1934): how far a
        person would place a gate elsewhere is not known; so are those of the ratio. A share of a parent without events
        is null.
    """
    from tilseq.tables.outputs import COUNTS

    verdict = worst_of(row["verdict"] for row in quality)
    reason = "; ".join(f"{row['check']}: {row['reason']}" for row in quality if row["verdict"] != "pass") or None
    of_tube = {"verdict": verdict, "reason": reason, **ratio_columns(manual_ratio(populations))}
    rows = []
    for name, population in populations.items():
        row: dict[str, Any] = {"sample": sample, "population": name, "parent": population.parent}
        row |= {"events": population.events, **of_tube}
        if population.parent is not None:
            total = populations[population.parent].events
            row["parent_events"] = total
            row |= certainty(population.events, total)
            if total:
                lower, upper = (100 * limit for limit in scalar(clopper_pearson(population.events, total)))
                row |= {"percent_of_parent": 100 * population.events / total}
                row |= {"lower": lower, "upper": upper, "counting_lower": lower, "counting_upper": upper}
        rows.append(row)
    return COUNTS.frame(rows)


def manual_ratio(populations: Mapping[str, Population]) -> Ratio | None:
    """Return the ratio of CD4+ T to CD8+ T with limits of counting alone, or None where one of them was not gated.

    The limits are exact for two Poisson counts (Przyborowski and Wilenski, 1940).
    """
    if not {"CD4+ T", "CD8+ T"} <= populations.keys():
        return None
    helpers, killers = (populations[name].events for name in ("CD4+ T", "CD8+ T"))
    if not helpers or not killers:
        return Ratio(None, None, None, None, None, helpers + killers, "not_evaluable")
    lower, upper = scalar(ratio_of_counts(helpers, killers))
    return Ratio(helpers / killers, lower, upper, lower, upper, helpers + killers, status_of_counts(helpers, killers))
