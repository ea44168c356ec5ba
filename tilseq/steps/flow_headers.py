"""What is told of a study's tubes before any event is read: channels that do not fit their panel, names of no gate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tilseq.io.fcs import Staining
    from tilseq.study import Study

Header = tuple[dict[str, Any], "Staining"]  # a row of samples.csv, and what its tube's header tells

MOST_NAMED = 5
UNBORNE = "markers for which tubes of their panel have no channel of the names in study.yaml"
UNSTAINED = "populations of tubes that have no channel for one of their markers, and will lack them"


def unlike_their_panel(study: Study, headers: Iterable[Header]) -> list[str]:
    """Say which tubes will fail as their channels cannot be told, and which markers and populations tubes cannot have.

    A tube with a person's gates is not looked at, nor a blank, which lacks a stain, nor one that cannot be read, which
    the run tells.
    """
    from tilseq.errors import AnalysisError, first_few
    from tilseq.study.notes import named

    faults: dict[str, list[str]] = {}
    unborne: dict[str, list[str]] = {}
    unstained: dict[str, list[str]] = {}
    for (tube, header), samples in _alike(study, headers):
        channels, texts = header.channels, header.markers
        for marker in _unborne(study, tube, (*channels, *texts)):
            unborne.setdefault(marker, []).extend(samples)
        try:
            for population in _unstained(study, tube, channels, texts):
                unstained.setdefault(population, []).extend(samples)
        except AnalysisError as error:
            faults.setdefault(str(error), []).extend(samples)
    notes = [f"flow tubes that will fail, {named(samples)}: {fault}" for fault, samples in faults.items()]
    for told, found in ((UNBORNE, unborne), (UNSTAINED, unstained)):
        each = [f"{what} of {named(samples)}" for what, samples in found.items()]
        notes += [f"{told}: {first_few(each, MOST_NAMED)}"] if each else []
    return notes


def _alike(study: Study, headers: Iterable[Header]) -> list[tuple[Header, list[str]]]:
    """Return a header of each kind of automatically gated tubes, and the samples whose tubes are alike in it."""
    from tilseq.study.notes import STIMULATION

    kinds: dict[tuple[Any, ...], tuple[Header, list[str]]] = {}
    for tube, header in headers:
        by_person = not {tube["sample"], tube["panel"]}.isdisjoint(study.settings.gates)
        if by_person and tube["role"] not in STIMULATION:
            continue
        looked_at = (tube[name] for name in ("panel", "role", "marked_population"))
        kind = (*looked_at, *header.channels, *header.markers)
        kinds.setdefault(kind, ((tube, header), []))[1].append(tube["sample"])
    return list(kinds.values())


def tube_headers(study: Study) -> Iterator[Header]:
    """Yield the tubes of samples and stimulations with what their headers tell; the run tells which cannot be read."""
    from tilseq.errors import ReadError
    from tilseq.io.fcs import staining_of
    from tilseq.study.model import OWN_ROLE, data_set_of
    from tilseq.study.notes import STIMULATION

    for role in (OWN_ROLE, *STIMULATION):
        for tube in study.available("flow", role=role):
            try:
                yield tube, staining_of(study.files(tube["sample"])[0], data_set=data_set_of(tube["member"]) or 0)
            except ReadError:
                continue


def _unborne(study: Study, tube: dict[str, Any], texts: tuple[str, ...]) -> list[str]:
    """Return markers of a tube's panel of which it bears none of the names, with these."""
    from tilseq.markers import plain_name

    panel = study.settings.panels.get(tube["panel"] or "")
    borne = {plain_name(text) for text in texts}
    given = panel.markers if panel is not None else {}
    return [
        f"{tube['panel']} {marker} ({', '.join(names)})"
        for marker, names in given.items()
        if borne.isdisjoint(map(plain_name, names))
    ]


def _unstained(study: Study, tube: dict[str, Any], channels: list[str], texts: list[str]) -> list[str]:
    """Return populations that study.yaml or samples.csv ask of a tube, and it has no channel for, with their markers.

    Raises
    ------
    AnalysisError
        The channels of its tree cannot be told, as its gates will find.
    """
    from tilseq.flow.tube_markers import markers_of_tube
    from tilseq.populations import markers_of, rule, with_further
    from tilseq.steps.flow_tubes import arguments_of
    from tilseq.study.notes import STIMULATION

    given = arguments_of(study, tube)
    rules = {name: rule(one["parent"], *one["markers"]) for name, one in given["populations"].items()}
    stimulated = tube["role"] in STIMULATION
    found = markers_of_tube(channels, texts, with_further(rules), given["aliases"], cytokines=stimulated).channels
    lacking = {
        name: [marker for marker in markers_of({name: one}) if marker not in found] for name, one in rules.items()
    }
    return [f"{name} ({', '.join(markers)})" for name, markers in lacking.items() if markers]


def names_of_no_gate(study: Study) -> list[str]:
    """Say which names study.yaml gives to gates that a person's file does not have, by the first tube that it is for.

    A file that cannot be read is left to the run.
    """
    from tilseq.errors import ReadError, did_you_mean
    from tilseq.io.gate_files import read_gates

    notes = []
    tubes = study.available("flow")
    for key, given in study.settings.gates.items():
        tube = next((one["sample"] for one in tubes if key in (one["sample"], one["panel"])), None)
        if tube is None or not given.names:
            continue
        try:
            known = read_gates(study.root / given.file, sample=study.files(tube)[0].name).parents
        except ReadError:
            continue
        for name in given.names.keys() - known.keys():
            mend = did_you_mean(name, list(known)) or f"gates are {', '.join(known)}"
            notes.append(f"gates.{key}.names: {given.file} has no gate {name!r} for {tube!r}, which will fail; {mend}")
    return sorted(notes)
