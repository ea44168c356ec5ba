"""The stimulated and unstimulated tubes of one subject: read, gated, held against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import polars as pl

    from tilseq.flow.cytokine_response import ResponseRule
    from tilseq.flow.gated import Gating
    from tilseq.flow.intracellular import Moved, Stained
    from tilseq.flow.stimulated import Pair
    from tilseq.io.fcs import Spill

OF_PAIR = ("subject", "visit", "day", "timing", "specimen", "specimen_id", "lot", "lesion", "stimulus", "panel")
ROLES = ("stimulated", "unstimulated")


@dataclass(frozen=True)
class ToRead:
    """One tube that is to be read.

    Attributes
    ----------
    row
        Its row of samples.csv.
    path
        Its file; None where it cannot be read, as `fault` tells.
    gating
        What `steps.flow_tubes.gate_tube` takes.
    spill
        A spillover matrix in place of the file's own.
    usual
        Frozen cuts to borrow; None: those of the subject's tubes of its panel, instrument and batch, from three on.
    fault
        Why it cannot be read, or None.
    """

    row: Mapping[str, Any]
    path: str | None
    gating: Mapping[str, Any]
    spill: Spill | None = None
    usual: pl.DataFrame | None = None
    fault: str | None = None


class Panels(NamedTuple):
    """What a figure of one pair and cytokine shows: its tubes and their threshold."""

    cytokine: str
    unstimulated: list[Stained]
    stimulated: list[Stained]
    threshold: float


@dataclass
class Read:
    """What the tubes of one subject tell.

    Attributes
    ----------
    counts
        Rows of the table `intracellular` without tests.
    quality, cuts
        Tables of these names, of all tubes that could be gated.
    exclusions
        Rows of the table `exclusions` of these tubes.
    faults
        Tube → why it could not be used.
    panels
        What figures show, one a pair and cytokine.
    """

    counts: list[dict[str, Any]] = field(default_factory=list)
    quality: list[pl.DataFrame] = field(default_factory=list)
    cuts: list[pl.DataFrame] = field(default_factory=list)
    exclusions: list[dict[str, Any]] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)
    panels: list[Panels] = field(default_factory=list)


def read_subject(tubes: Sequence[ToRead]) -> Read:
    """Read and gate the tubes of one subject, and count cytokines in each pair, with one threshold for both tubes.

    A tube that cannot be read or gated, and a stimulated one without its unstimulated, has a row that says so.
    """
    from tilseq.flow.stimulated import pair_tubes

    read = Read()
    pairs = pair_tubes([tube.row for tube in tubes])
    stained = _gate_all(tubes, pairs, read)
    rows = {str(tube.row["sample"]): tube for tube in tubes}
    for pair in pairs:
        read.counts += _pair_rows(pair, rows, stained, read)
    return read


def responses(
    reads: Sequence[Read], rule: ResponseRule, starts: Mapping[str, int | None] | None = None
) -> pl.DataFrame:
    """Return the table `intracellular` of what was read of one subject or more.

    Parameters
    ----------
    reads
        What was read.
    rule
        What makes a response.
    starts
        As of `flow.cytokine_changes`.
    """
    from tilseq.flow.cytokine_change import cytokine_changes
    from tilseq.flow.cytokine_response import cytokine_responses
    from tilseq.tables.intracellular import INTRACELLULAR

    waiting = [{"response": "not_evaluable", **row} for read in reads for row in read.counts]
    return cytokine_changes(cytokine_responses(INTRACELLULAR.frame(waiting), rule), starts)


def pair_checks(table: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the checks of each pair of the table `intracellular`: its tests, why there is none, roles if swapped."""
    from tilseq.errors import plural
    from tilseq.flow.cytokine_response import SWAPPED
    from tilseq.flow.quality import check

    rows = []
    for (stimulated,), own in table.group_by("stimulated", maintain_order=True):
        tests, why = own["p"].count(), "; ".join(own.filter(own["p"].is_null())["reason"].drop_nulls().unique().sort())
        limit, reason = "a test of each population", f"not tested: {why}" if why else "all populations are tested"
        worst = "warn" if tests else "fail"
        rows += [
            check(name, "against unstimulated", tests, limit, not why, reason, worst=worst)
            for name in str(stimulated).split(";")
        ]
        if swapped := own.filter(own["upper"] < 0).height:
            limit, reason = "no more cells unstimulated", f"of {plural(swapped, 'population')} {SWAPPED}"
            rows += [
                check(name, "roles of the pair", swapped, limit, False, reason) for name in str(stimulated).split(";")
            ]
    return rows


def _gate_all(tubes: Sequence[ToRead], pairs: Sequence[Pair], read: Read) -> dict[str, Stained]:
    """Gate the tubes twice where there are enough to lend each other cuts, and keep what they show of cytokines.

    Tubes that are held against one unstimulated tube are kept within each other's cuts, see `cut_alike`.
    """
    from tilseq.errors import TilseqError
    from tilseq.flow.cuts import cuts_table
    from tilseq.flow.intracellular import cut_alike, stained

    lent = _usual_cuts(tubes)
    gated: dict[str, Gating] = {}
    for tube in tubes:
        sample = str(tube.row["sample"])
        try:
            gated[sample] = _gated(tube, lent.get(_group(tube)) if tube.usual is None else tube.usual)
        except TilseqError as error:
            error.file = tube.row["path"]  # as the table names it: nobody's home belongs into a result
            read.faults[sample] = str(error)
            continue
        read.quality.append(gated[sample].quality)
        read.cuts.append(cuts_table(gated[sample]))
        read.exclusions += [{**row, "file": tube.row["path"]} for row in gated[sample].exclusions.to_dicts()]
    together: dict[tuple[str, ...], dict[str, None]] = {}
    for pair in pairs:
        together.setdefault(pair.unstimulated or pair.stimulated, {}).update(dict.fromkeys(names_of(pair)))
    within = {
        name: limits
        for names in together.values()
        for limits in [cut_alike([gated[name] for name in names if name in gated])]
        for name in names
    }
    return {name: stained(gating, within.get(name)) for name, gating in gated.items()}


def _group(tube: ToRead) -> tuple[Any, ...]:
    from tilseq.io.cuts import GROUP

    return tuple(tube.row.get(name) for name in GROUP)


def _usual_cuts(tubes: Sequence[ToRead]) -> dict[tuple[Any, ...], pl.DataFrame]:
    """Return the usual cuts of each group of three tubes or more that have no frozen ones."""
    import polars as pl

    from tilseq.errors import TilseqError
    from tilseq.flow.cuts import LEAST_TUBES, cohort_cuts, cuts_table
    from tilseq.tables.outputs import CUTS

    groups: dict[tuple[Any, ...], list[ToRead]] = {}
    for tube in tubes:
        if tube.usual is None and tube.fault is None:
            groups.setdefault(_group(tube), []).append(tube)
    usual = {}
    for key, members in groups.items():
        if len(members) < LEAST_TUBES:
            continue
        frames = [CUTS.frame()]
        for tube in members:
            try:
                frames.append(cuts_table(_gated(tube, None)))
            except TilseqError:
                continue  # the second pass tells why it cannot be gated
        usual[key] = cohort_cuts(pl.concat(frames))
    return usual


def _gated(tube: ToRead, usual: pl.DataFrame | None) -> Gating:
    from tilseq.errors import AnalysisError
    from tilseq.flow.cuts import borrowed
    from tilseq.steps.flow_tubes import gate_tube, read_tube

    if tube.path is None:
        raise AnalysisError(tube.fault or "there is no file")
    read = read_tube(tube.path, tube.row.get("member"), tube.spill)
    lent = None if usual is None else borrowed(usual)
    return gate_tube(read, str(tube.row["sample"]), tube.gating, lent, cytokines=True)


def _pair_rows(
    pair: Pair, tubes: Mapping[str, ToRead], stained: Mapping[str, Stained], read: Read
) -> Iterator[dict[str, Any]]:
    """Yield the rows of one pair: one a cytokine and population, or one that says why there is none."""
    from tilseq.errors import AnalysisError
    from tilseq.flow.intracellular import told_of_moved

    first = tubes[pair.stimulated[0]].row
    names = {"stimulated": ";".join(pair.stimulated), "unstimulated": ";".join(pair.unstimulated) or None}
    row = {**{name: first.get(name) for name in OF_PAIR}, **names}
    used = [[name for name in part if name not in read.faults] for part in (pair.stimulated, pair.unstimulated)]
    lost = "; ".join(f"{name}: {read.faults[name]}" for name in names_of(pair) if name in read.faults)
    groups = [[stained[name] for name in part] for part in used]
    every = [tube for group in groups for tube in group]
    cytokines = dict.fromkeys(name for tube in every for name in tube.values)
    fault = pair.fault or ("" if all(groups) else lost)
    if not fault and not cytokines:
        fault = "no channel of a cytokine: name it among the panel's markers"
    if fault:
        yield {**row, "verdict": "fail", "reason": fault}
        return
    for cytokine in cytokines:
        lacking = [tube.sample for tube in every if cytokine not in tube.values]
        if lacking:
            why = f"no channel of {cytokine} in {', '.join(lacking)}: name it among the panel's markers"
            yield {**row, "marker": cytokine, "verdict": "fail", "reason": why}
            continue
        own = {tube.sample: tube.channels.get(cytokine) for tube in every}
        if len(set(own.values())) > 1:
            where = "; ".join(f"{name} {channel}" for name, channel in own.items())
            why = f"{cytokine} is in several channels within the pair: {where}"
            yield {**row, "marker": cytokine, "verdict": "fail", "reason": why}
            continue
        try:
            threshold, source, moved = _threshold([tubes[name] for part in used for name in part], cytokine, groups)
        except AnalysisError as error:
            yield {**row, "marker": cytokine, "verdict": "fail", "reason": str(error)}
            continue
        read.panels.append(Panels(cytokine, groups[1], groups[0], threshold))
        told = {**row, "marker": cytokine, "threshold": threshold, "threshold_source": source}
        of_pair = [told_of_moved(moved, source), ("warn", f"left out: {lost}") if lost else ("pass", None)]
        yield from (told | counted for counted in _counted(groups, cytokine, threshold, of_pair))


def names_of(pair: Pair) -> tuple[str, ...]:
    """Return the names of all tubes of a pair."""
    return (*pair.stimulated, *pair.unstimulated)


def _threshold(
    tubes: Sequence[ToRead], cytokine: str, groups: Sequence[Sequence[Stained]]
) -> tuple[float, str, Moved | None]:
    """Return the threshold of a pair, whose it is, and how negatives moved between its tubes.

    It is a person's for the tubes of the pair; else that of the unstimulated, or of the stimulated if that lies above.

    Raises
    ------
    AnalysisError
        It was set to several values within the pair, or cannot be found.
    """
    from tilseq.errors import AnalysisError
    from tilseq.flow.intracellular import cytokine_threshold, negatives_moved
    from tilseq.markers import cytokine_of

    given: dict[str, set[float]] = {}
    for tube in tubes:
        own = {value for marker, value in tube.gating["thresholds"].items() if cytokine_of(marker) == cytokine}
        given[str(tube.row["sample"])] = own
    values = set().union(*given.values())
    if len(values) > 1 or (values and not all(given.values())):
        told = "; ".join(f"{name} {', '.join(f'{one:g}' for one in own) or 'none'}" for name, own in given.items())
        mend = "set one for all tubes of the pair"
        raise AnalysisError(f"the tubes of the pair have several thresholds of {cytokine}", found=told, mend=mend)
    threshold = values.pop() if values else cytokine_threshold(groups[1], cytokine)
    moved = negatives_moved(groups[1], groups[0], cytokine, threshold)
    if any(given.values()):
        return threshold, "settings", moved
    if moved is not None and moved.threshold > threshold:
        return moved.threshold, "stimulated", moved
    return threshold, "unstimulated", moved


def _counted(
    groups: Sequence[Sequence[Stained]], cytokine: str, threshold: float, pair: Sequence[tuple[str, str | None]]
) -> Iterator[dict[str, Any]]:
    """Yield the counts of each population that all tubes have, replicates summed, with the worst verdict on them.

    `pair` is what is told of the pair as a whole: verdicts with their reasons.
    """
    from tilseq.flow.cytokine_response import told_of_replicates
    from tilseq.flow.intracellular import count_positive
    from tilseq.flow.quality import worst_of

    every = [tube for group in groups for tube in group]
    verdicts = [*(tube.verdict for tube in every), *(verdict for verdict, _ in pair)]
    reasons = [reason for _, reason in pair if reason]
    reasons += [f"{tube.sample}: {tube.reason}" for tube in every if tube.reason]
    for population in dict.fromkeys(name for tube in every for name in tube.values[cytokine]):
        if not all(population in tube.values[cytokine] for tube in every):
            yield {"population": population, "verdict": "fail", "reason": "not found in all tubes of the pair"}
            continue
        counts = [count_positive(group, cytokine, population, threshold) for group in groups]
        told = told_of_replicates(counts)
        row: dict[str, Any] = {"population": population, **told}
        for role, group in zip(ROLES, counts, strict=True):
            row[f"positive_{role}"] = sum(tube.positive for tube in group)
            row[f"cells_{role}"] = sum(tube.cells for tube in group)
        row["verdict"] = worst_of([*verdicts, told.get("verdict", "pass")])
        row["reason"] = "; ".join([*filter(None, [told.get("reason")]), *reasons]) or None
        yield row
