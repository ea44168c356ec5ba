"""Whether the populations, thresholds and frozen cuts of study.yaml are such as the flow laboratory can use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tilseq.errors import AnalysisError, ReadError, TilseqError, did_you_mean, shown
from tilseq.io.yaml_model import line_of
from tilseq.study.model import Folder, data_set_of, parts_of
from tilseq.study.settings import FILE as SETTINGS_FILE
from tilseq.study.settings import Panel

if TYPE_CHECKING:
    from tilseq.populations import Rule

Place = tuple[str, ...]


class Threshold(NamedTuple):
    """A threshold that study.yaml sets: where, of what, and for which tubes and panel."""

    place: Place
    marker: str
    tubes: Sequence[Mapping[str, Any]]
    panel: str | None


def check_populations(folder: Folder) -> list[TilseqError]:
    """Check that the populations of each panel have signs, parents and markers that a tube of it can have."""
    problems: list[TilseqError] = []
    for name, panel in _panels(folder).items():
        if not panel.populations:
            continue
        rules, faults = _rules(folder, name, panel)
        problems += faults
        if not faults:
            problems += _tree_faults(folder, name, rules)
        problems += _unknown_markers(folder, name, panel, rules)
    return problems


def check_thresholds(folder: Folder) -> list[TilseqError]:
    """Check that each threshold is of a gate that the trees of the tubes that it is for have."""
    found = list(_thresholds(folder))
    if not found:
        return []
    from tilseq.markers import cytokine_of
    from tilseq.populations import gate_names

    problems: list[TilseqError] = []
    trees = {name: gate_names(_rules(folder, name, panel)[0]) for name, panel in _panels(folder).items()}
    built_in = gate_names({})
    for one in found:
        panels = [one.panel] if one.panel is not None else list(trees)
        known = [_gates(tube, trees, built_in) for tube in one.tubes]
        known = known or [[*built_in, *(gate for name in panels for gate in trees[name])]]
        if cytokine_of(one.marker) is not None:
            continue  # of stimulated tubes, no gate of the tree
        lacking = [gates for gates in known if one.marker not in gates]
        if not lacking:
            continue
        what, mend = "no population tree has a gate of this name", did_you_mean(one.marker, lacking[0])
        mend = mend or f"gates are {', '.join(dict.fromkeys(lacking[0]))}"
        if len(lacking) < len(known):
            what = f"{len(lacking)} of the {len(known)} tubes that this threshold is for have no gate of its name"
            mend = "set it for the panels or samples alone whose tree has it"
        problems.append(_problem(folder, what, one.place, mend, found=one.marker))
    return problems


def check_cuts(folder: Folder) -> list[TilseqError]:
    """Check that frozen cuts can be read, and say of which panel they are where tubes are of several."""
    from tilseq.io.cuts import FIRST_ROW, cuts_of_all_groups

    entry = folder.settings.analysis.flow.cuts if folder.settings else None
    if entry is None or folder.samples is None or not (folder.root / entry).is_file():
        return []  # a missing file is told already
    try:
        panels = cuts_of_all_groups(folder.root / entry)["panel"].to_list()
    except TilseqError as error:
        error.file = entry
        return [error]
    stained = dict.fromkeys(tube["panel"] for tube in _tubes(folder))
    if len(stained) < 2 or None not in panels:
        return []
    named = ", ".join(name for name in stained if name is not None)
    return [
        ReadError(
            "cuts without a panel would be lent to the tubes of every panel",
            file=entry,
            row=panels.index(None) + FIRST_ROW,
            column="panel",
            expected=f"the panel that the cuts are of, as the tubes are of {len(stained)}: {named}"
            + (", and none" if None in stained else ""),
            mend="name in each row the panel whose tubes gave the cut; cuts of a run name it already",
        )
    ]


def _panels(folder: Folder) -> Mapping[str, Panel]:
    return folder.settings.panels if folder.settings else {}


def _tubes(folder: Folder) -> list[dict[str, Any]]:
    return [] if folder.samples is None else folder.samples.filter(assay="flow").to_dicts()


def _rules(folder: Folder, name: str, panel: Panel) -> tuple[dict[str, Rule], list[TilseqError]]:
    """Return the rules of a panel that can be read, and what is wrong with the others."""
    from tilseq.populations import rule

    rules: dict[str, Rule] = {}
    problems: list[TilseqError] = []
    for population, one in panel.populations.items():
        try:
            rules[population] = rule(one.parent, *one.markers)
        except AnalysisError as error:
            place = ("panels", name, "populations", population, "markers")
            problems.append(_of(folder, error, place))
    return rules, problems


def _tree_faults(folder: Folder, name: str, rules: Mapping[str, Rule]) -> list[TilseqError]:
    """Return what is wrong with names and parents, at the population that it is about."""
    from tilseq.populations import with_further

    try:
        with_further(rules)
    except AnalysisError as error:
        about = [one for one, of in rules.items() if error.found in (shown(one), shown(of.parent))]
        return [_of(folder, error, ("panels", name, "populations", *about[:1]))]
    return []


def _unknown_markers(folder: Folder, name: str, panel: Panel, rules: Mapping[str, Rule]) -> Iterator[TilseqError]:
    """Yield each marker of a sign that is not built in, that the panel does not name, and no channel bears as its name.

    Where no tube of the panel can be read nothing is known of its channels.
    """
    from tilseq.markers import MARKERS, PATTERNS, plain_name

    known = {*MARKERS, *panel.markers}
    open_ones = [(of, marker) for of, one in rules.items() for marker in one.markers if marker not in known]
    own = _channel_names(folder, name) if open_ones else []
    plain = {plain_name(text) for text in own}
    for population, marker in open_ones if own else ():
        if plain_name(marker) not in plain:
            mend = did_you_mean(marker, [*PATTERNS, *panel.markers, *own])
            other = f"name its channel: panels.{name}.markers: {{{marker}: [channel]}}"
            yield _problem(
                folder,
                "no tube of the panel has this marker",
                ("panels", name, "populations", population, "markers"),
                f"{mend} Else {other}" if mend else other,
                found=marker,
            )


def _channel_names(folder: Folder, panel: str) -> list[str]:
    """Return $PnN and $PnS of the channels of all tubes of a panel that can be read."""
    from tilseq.io.fcs import staining_of

    names: dict[str, None] = {}
    for tube in _tubes(folder):
        if tube["panel"] != panel or tube["path"] is None or tube["status"] == "failed":
            continue
        try:
            found = staining_of(folder.root / parts_of(tube["path"])[0], data_set=data_set_of(tube["member"]) or 0)
        except ReadError:  # its job tells it
            continue
        names |= dict.fromkeys(text for text in (*found.channels, *found.markers) if text.strip())
    return list(names)


def _thresholds(folder: Folder) -> Iterator[Threshold]:
    """Yield every threshold of study.yaml."""
    if folder.settings is None:
        return
    tubes, flow = _tubes(folder), folder.settings.analysis.flow
    for marker in flow.thresholds:
        yield Threshold(("analysis", "flow", "thresholds", marker), marker, tubes, None)
    for sample, thresholds in flow.sample_thresholds.items():
        own = [tube for tube in tubes if tube["sample"] == sample]
        for marker in thresholds if own else ():  # of an unknown sample it is told already
            yield Threshold(("analysis", "flow", "sample_thresholds", sample, marker), marker, own, None)
    for name, panel in folder.settings.panels.items():
        own = [tube for tube in tubes if tube["panel"] == name]
        for marker in panel.thresholds:
            yield Threshold(("panels", name, "thresholds", marker), marker, own, name)


def _gates(tube: Mapping[str, Any], trees: Mapping[str, Sequence[str]], built_in: Sequence[str]) -> list[str]:
    """Return the gates of a tube's tree; the marker of infused cells is one."""
    mark = [] if tube["marked_population"] is None else [tube["marked_population"]]
    return [*trees.get(tube["panel"], built_in), *mark]


def _of(folder: Folder, error: AnalysisError, place: Place) -> TilseqError:
    """Return a fault of the population tree at its place in study.yaml."""
    problem = _problem(folder, error.what, place, error.mend)
    problem.found = error.found
    return problem


def _problem(folder: Folder, what: str, place: Place, mend: str | None, found: str | None = None) -> ReadError:
    row, column = line_of(place, folder.lines), ".".join(place)
    return ReadError(what, file=SETTINGS_FILE, row=row, column=column, found=found, mend=mend)


FLOW_CHECKS = (check_populations, check_thresholds, check_cuts)
