"""Which channel carries which marker, by the names that cytometers and people write."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tilseq.errors import AnalysisError, first_few
from tilseq.markers import CYTOKINES, LETTER, MARKERS, PATTERNS, RECEPTOR, SCATTER, bears_name, cytokine_of, plain_name

# A channel for several lineages at once (dump, lineage) marks none of them.
CLUSTER = re.compile(rf"(?<!{LETTER})cd ?(\d+)")
MOST_LISTED = 60
MEASURE = re.compile(r"[ _-]([AHW]|Area|Height|Width)$", re.IGNORECASE)


def find_markers(
    channels: Sequence[str], markers: Sequence[str], aliases: Mapping[str, Sequence[str]] | None = None
) -> dict[str, str]:
    """Find the channel of each marker that a T-cell panel can use.

    A channel's marker text ($PnS) and its name ($PnN) are both read, without regard to case or punctuation
    (``CD3 FITC``, ``CD3 - PerCP``, ``Leu-4``, ``CD8a``). Of one detector's area, height and width the area is taken.

    Parameters
    ----------
    channels, markers
        $PnN and $PnS of every channel, of one length.
    aliases
        More names: marker → names. A name given here is compared whole with $PnS and $PnN; a marker that is found
        by such a name is not looked for by the built-in ones. It may also name a marker that is not built in.

    Returns
    -------
    dict
        Marker → channel ($PnN), for the markers found: CD3, CD4, CD8, CD19, CD16, CD56, CD45, viability, FSC-A,
        FSC-H, FSC-W, SSC-A, SSC-H, Time and those of `aliases`. Where a cytometer gave heights of scatter alone,
        FSC-A and SSC-A are those.

    Raises
    ------
    AnalysisError
        Channels and markers are not of one length; two channels answer to one marker, one channel to two, the name of a
        channel occurs twice, a name of `aliases` leads to a channel whose other text names another marker, or none of
        them leads to a channel while one answers to the marker's own names.
    """
    if isinstance(channels, str) or isinstance(markers, str) or len(channels) != len(markers):
        given, mend = f"{len(channels)} and {len(markers)}", "of a tube `tube.channels` and `tube.markers`"
        raise AnalysisError(
            "each channel has its $PnN and its $PnS", found=given, expected="two lists of one length", mend=mend
        )
    texts = [(name, mark) for name, mark in zip(channels, markers, strict=True)]
    found: dict[str, str] = {}
    for marker, names in (aliases or {}).items():
        wanted = {plain_name(name) for name in names}
        hits = [name for name, mark in texts if plain_name(name) in wanted or plain_name(mark) in wanted]
        if hits:
            found[marker] = _only(marker, hits, texts)
            _refuse_contradiction(marker, found[marker], dict(texts)[found[marker]], wanted)
    for marker in MARKERS:
        if marker in found:
            continue
        matches = is_scatter if marker in SCATTER else _is_marker
        hits = [name for name, mark in texts if matches(marker, name) or matches(marker, mark)]
        if hits:
            _refuse_unknown(marker, hits, channels, markers, aliases)
            found[marker] = _only(marker, hits, texts)
    for area, height in (("FSC-A", "FSC-H"), ("SSC-A", "SSC-H")):
        if area not in found and height in found:
            found[area] = found.pop(height)
    _refuse_shared(found)
    _refuse_twins(found, channels)
    return found


def own_channels(
    markers: Sequence[str],
    channels: Sequence[str],
    texts: Sequence[str],
    aliases: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, str]:
    """Return marker → channel of markers that are a channel's very own name, $PnS or $PnN, without regard to case.

    Parameters
    ----------
    markers
        Markers without a channel so far.
    channels, texts
        $PnN and $PnS of every channel.
    aliases
        Names that a panel gives: marker → names.

    Raises
    ------
    AnalysisError
        Several channels bear the name, or the panel names others, none of which the tube has.
    """
    pairs = list(zip(channels, texts, strict=True))
    found = {}
    for marker in markers:
        wanted = plain_name(marker)
        hits = [name for name, text in pairs if wanted and wanted in (plain_name(name), plain_name(text))]
        if hits and marker not in MARKERS:
            _refuse_unknown(marker, hits, channels, texts, aliases)
            found[marker] = _only(marker, hits, pairs)
    _refuse_twins(found, channels)
    return found


def find_cytokines(
    channels: Sequence[str], markers: Sequence[str], aliases: Mapping[str, Sequence[str]] | None = None
) -> dict[str, str]:
    """Find the channel of each cytokine stain of `markers.CYTOKINES`, by $PnS and $PnN (``IFNg PE``, ``IFN-gamma``).

    Parameters
    ----------
    channels, markers
        $PnN and $PnS of every channel, of one length.
    aliases
        More names: marker → names. A name given here is compared whole and goes before the built-in ones; the marker
        may be written as the cytokine's names are.

    Returns
    -------
    dict
        Cytokine → channel ($PnN), for those found.

    Raises
    ------
    AnalysisError
        Several channels answer to one cytokine, one to two, the name of its channel occurs twice, or no name of
        `aliases` leads to a channel while one answers to the cytokine's own.
    """
    texts = list(zip(channels, markers, strict=True))
    found: dict[str, str] = {}
    for cytokine, pattern in CYTOKINES.items():
        own = [names for marker, names in (aliases or {}).items() if cytokine_of(marker) == cytokine]
        wanted = {plain_name(name) for names in own for name in names}
        hits = [name for name, mark in texts if plain_name(name) in wanted or plain_name(mark) in wanted]
        if not hits:
            own_name = f"({pattern})(?!{RECEPTOR})"
            hits = [name for name, mark in texts if bears_name(own_name, name) or bears_name(own_name, mark)]
            _refuse_unknown(cytokine, hits, channels, markers, {cytokine: sum(map(list, own), [])})
        if hits:
            found[cytokine] = _only(cytokine, hits, texts)
    _refuse_shared(found)
    _refuse_twins(found, channels)
    return found


def describe(channels: Sequence[str], markers: Sequence[str]) -> str:
    """Return the channels on one line, as an error lists them."""
    pairs = list(zip(channels, markers, strict=True))
    return first_few([name if mark.strip() in ("", name) else f"{name} ({mark})" for name, mark in pairs], MOST_LISTED)


def _is_marker(marker: str, text: str) -> bool:
    if not bears_name(PATTERNS[marker], text):
        return False
    clusters = set(CLUSTER.findall(plain_name(text)))
    return marker == "viability" or len(clusters) <= 1 or clusters == {"16", "56"}


def is_scatter(marker: str, text: str) -> bool:
    """Tell whether a name is one of a marker of `SCATTER`."""
    return re.fullmatch(SCATTER[marker], plain_name(text)) is not None


def _refuse_unknown(
    marker: str,
    hits: Sequence[str],
    channels: Sequence[str],
    markers: Sequence[str],
    aliases: Mapping[str, Sequence[str]] | None,
) -> None:
    """Refuse to take a channel by a marker's own name where the panel names others, none of which the tube has."""
    names = (aliases or {}).get(marker)
    if names and hits:
        raise AnalysisError(
            f"the tube has no channel of the name that the panel gives for {marker}",
            column=marker,
            found=", ".join(names),
            expected=f"a name of one of its channels: {describe(channels, markers)}",
            mend=f"mend the name in the panel; if {hits[0]} is {marker}, add it to the names there",
        )


def _refuse_contradiction(marker: str, name: str, mark: str, wanted: set[str]) -> None:
    """Refuse a channel that the panel knows by one of its texts while the other text names another marker."""
    for keyword, text in (("$PnS", mark), ("$PnN", name)):
        if plain_name(text) in wanted:
            continue
        # Dyes of dead cells name detectors, too: a channel DAPI-A may hold any stain.
        markers = [other for other in PATTERNS if keyword == "$PnS" or other != "viability"]
        told = [other for other in markers if _is_marker(other, text)]
        told += [other for other in SCATTER if marker not in SCATTER and is_scatter(other, text)]
        if told and marker not in told:
            raise AnalysisError(
                f"the file and the panel contradict each other: {marker} by the panel, "
                f"{' and '.join(told)} by the file's {keyword}",
                column=name,
                found=text,
                expected=f"a name of {marker}",
                mend=f"mend the panel; if it is right, name {text} there for {marker} as well",
            )


def _refuse_shared(found: Mapping[str, str]) -> None:
    """Refuse one channel for two markers, but for the one stain that CD16 and CD56 may share."""
    by_channel: dict[str, list[str]] = {}
    for marker, channel in found.items():
        by_channel.setdefault(channel, []).append(marker)
    for channel, markers in by_channel.items():
        if len(markers) > 1 and set(markers) != {"CD16", "CD56"}:
            raise AnalysisError(
                f"one channel answers to several markers: {', '.join(markers)}",
                column=channel,
                mend="name their channels among the panel's markers",
            )


def _refuse_twins(found: Mapping[str, str], channels: Sequence[str]) -> None:
    """Refuse a channel whose name another one bears too: which of the two carries the marker cannot be said by it."""
    for marker, name in found.items():
        if list(channels).count(name) > 1:
            raise AnalysisError(
                f"more than one channel bears the name of the channel of {marker}",
                column=name,
                found=name,
                expected="a name of one channel",
                mend="give each channel a name of its own and export the file again",
            )


def _only(marker: str, hits: Sequence[str], texts: Sequence[tuple[str, str]]) -> str:
    """Return the one channel, or the area where the hits are measures of one detector."""
    if len(hits) > 1 and len({MEASURE.sub("", name) for name in hits}) == 1:
        areas = [name for name in hits if (found := MEASURE.search(name)) and found[1].casefold() in ("a", "area")]
        hits = areas or hits
    if len(hits) > 1:
        raise AnalysisError(
            f"several channels answer to {marker}: {describe(hits, [dict(texts)[name] for name in hits])}",
            mend=f"name the channel of {marker} among the panel's markers",
        )
    return hits[0]
