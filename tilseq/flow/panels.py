"""Tubes of one panel whose stains are not the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tilseq.flow.panel import MEASURE, find_markers, is_scatter
from tilseq.flow.quality import check
from tilseq.markers import SCATTER, plain_name

if TYPE_CHECKING:
    import polars as pl

    from tilseq.flow.tube import Tube

CHECK = "panel against other tubes"
MOST_TOLD = 5


@dataclass(frozen=True)
class Stained:
    """One tube to be compared with others.

    Attributes
    ----------
    stains
        Stain → its channel, see `stains`.
    instrument
        Only tubes of one instrument are expected to bear a stain in the same channel.
    """

    stains: Mapping[str, str]
    instrument: str | None = None


@dataclass(frozen=True)
class Compared:
    """Tubes that should be stained alike, and how they differ.

    Attributes
    ----------
    differences
        Table `panel_differences`.
    quality
        Rows of the table `quality`, one a tube.
    """

    differences: pl.DataFrame
    quality: list[dict[str, Any]] = field(default_factory=list)


def stains(
    channels: Sequence[str], markers: Sequence[str], aliases: Mapping[str, Sequence[str]] | None = None
) -> dict[str, str]:
    """Return what a tube is stained with and where, without scatter and time.

    Parameters
    ----------
    channels, markers
        $PnN and $PnS of every channel, of one length.
    aliases
        More names of channels: marker → names.

    Returns
    -------
    dict
        Stain → channel. A stain is called by the marker that its channel is taken for (see `find_markers`), else by
        $PnS or, without one, $PnN. Of one detector's area, height and width the area stands for all.

    Raises
    ------
    AnalysisError
        As `find_markers`.
    """
    taken = find_markers(channels, markers, aliases)
    scatter = {taken[marker] for marker in SCATTER if marker in taken}
    by_detector: dict[str, list[tuple[str, str]]] = {}
    for name, text in zip(channels, markers, strict=True):
        by_detector.setdefault(MEASURE.sub("", name), []).append((name, text))
    found: dict[str, list[str]] = {}
    for detector, measures in by_detector.items():
        names = [name for name, _ in measures]
        own = [marker for marker, channel in taken.items() if channel in names and marker not in SCATTER]
        if not own and (scatter.intersection(names) or any(is_scatter(one, n) for one in SCATTER for n in names)):
            continue
        areas = [name for name in names if (end := MEASURE.search(name)) and end[1].casefold() in ("a", "area")]
        text = next((text.strip() for _, text in measures if text.strip()), detector)
        for stain in own or [text]:
            found.setdefault(stain, []).append((areas or names)[0])
    return {stain: ", ".join(sorted(names)) for stain, names in found.items()}


def lending_group(tube: Tube, aliases: Mapping[str, Sequence[str]] | None = None) -> tuple[tuple[str, str], ...]:
    """Return what tubes must have in common to lend each other cuts: the channels of their markers, and the cytometer.

    Parameters
    ----------
    tube
        Its names of channels and keyword $CYT are read.
    aliases
        As for `find_markers`.

    Raises
    ------
    AnalysisError
        As `find_markers`.
    """
    found = find_markers(tube.channels, tube.markers, aliases)
    return (*sorted(found.items()), ("$CYT", tube.keywords.get("$CYT", "").strip()))


def compare_panels(tubes: Mapping[str, Stained], name: str) -> Compared:
    """Find where tubes that should be stained alike are not.

    What more than half of the tubes do is usual: whether they bear a stain, and in which channel those of one
    instrument do. Where no more than half do the same, every tube is told. Stains are the same whose names differ in
    case or punctuation alone.

    Parameters
    ----------
    tubes
        Sample → tube.
    name
        What the tubes have in common, such as ``panel tbnk``.

    Returns
    -------
    Compared
        Nothing for a single tube, which has none to be compared with.
    """
    from tilseq.tables.outputs import PANEL_DIFFERENCES

    if len(tubes) < 2:
        return Compared(PANEL_DIFFERENCES.frame())
    words: dict[str, str] = {}
    for stain in sorted({stain for tube in tubes.values() for stain in tube.stains}):
        words.setdefault(plain_name(stain) or stain, stain)
    rows = [row for key, stain in words.items() for row in _differences(tubes, key, stain)]
    rows = [{**row, "compared": name} for row in rows]
    quality = [_told(sample, [row for row in rows if row["sample"] == sample], len(tubes), name) for sample in tubes]
    return Compared(PANEL_DIFFERENCES.frame(rows), quality)


def _differences(tubes: Mapping[str, Stained], key: str, stain: str) -> list[dict[str, Any]]:
    """Return the rows of one stain: a row a tube that does not bear it as is usual."""
    borne = {
        sample: channel
        for sample, tube in tubes.items()
        for own, channel in tube.stains.items()
        if (plain_name(own) or own) == key
    }
    usually = len(borne) * 2 > len(tubes)
    rows = []
    for sample, tube in tubes.items():
        peers = [channel for other, channel in borne.items() if tubes[other].instrument == tube.instrument]
        usual = _usual(peers)
        if sample in borne:
            fine = usually and borne[sample] == usual
        else:
            fine = len(borne) * 2 < len(tubes)
        if not fine:
            shared = {"marker": stain, "bearing": len(borne), "tubes": len(tubes)}
            rows.append({**shared, "sample": sample, "channel": borne.get(sample), "usual_channel": usual})
    return rows


def _usual(channels: Iterable[str]) -> str | None:
    """Return the channel of more than half."""
    numbers = Counter(channels)
    channel, number = max(numbers.items(), key=lambda pair: pair[1], default=("", 0))
    return channel if number * 2 > numbers.total() else None


def _told(sample: str, rows: Sequence[Mapping[str, Any]], tubes: int, name: str) -> dict[str, Any]:
    limit = f"stained as most of the {tubes} tubes of {name}"
    if not rows:
        return check(sample, CHECK, 0.0, limit, True, "stained as most of them are")
    parts = [_in_words(row) for row in rows[:MOST_TOLD]]
    parts += [f"{len(rows) - MOST_TOLD} more"] if len(rows) > MOST_TOLD else []
    return check(sample, CHECK, float(len(rows)), limit, False, "; ".join(parts))


def _in_words(row: Mapping[str, Any]) -> str:
    marker, channel, usual = row["marker"], row["channel"], row["usual_channel"]
    share = f"{row['bearing']} of {row['tubes']} tubes"
    if channel is None:
        return f"{marker} is missing, which {share} bear"
    if usual is not None and channel != usual:
        return f"{marker} is in {channel}, mostly in {usual}"
    if usual is None:
        return f"{marker} is in {channel}, elsewhere in others"
    return f"{marker} is in {channel}, which {share} bear"
