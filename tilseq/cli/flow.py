"""`tilseq flow`, and its command `inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tilseq.cli.common import Examples, Laboratory, as_json, each_file
from tilseq.cli.flow_check import compare_command, qc_command
from tilseq.cli.flow_count import count_command, gate_command
from tilseq.cli.flow_tubes import files

INSPECT_EXAMPLE = """\
on the sample study, in a clone; or with S the folder of yours:
  S=data/sample/raw/flow
  tilseq flow inspect $S/SIM-01_D7_flow.fcs $S/SIM-01_D28_flow.fcs"""
# Technical keywords alone: others hold names, dates and free text.
SHOWN = ("$TOT", "$PAR", "$MODE", "$DATATYPE", "$BYTEORD", "$CYT", "$TIMESTEP", "$VOL")


@click.group("flow", cls=Laboratory)
def flow_command() -> None:
    """Flow cytometry (FCS): look at tubes, check them, gate and count T cells."""


@flow_command.command("inspect", cls=Examples, example=INSPECT_EXAMPLE)
@files
@as_json
def inspect(paths: tuple[Path, ...], as_json: bool) -> int:
    """Show the channels of each FILE, the markers they are taken for, events, technical keywords, spillover, warnings.

    Of several files it tells where one is not stained as most of them are. Keywords that could name a person or a date
    are not shown. A file that cannot be read does not stop the others.
    """
    import json

    tubes, status = each_file(paths, _described)
    _compare(tubes)
    if as_json:
        click.echo(json.dumps(tubes, indent=1, ensure_ascii=False))
    else:
        for tube in tubes:
            click.echo("\n".join(_lines(tube)))
    return status


def _described(path: Path) -> dict[str, Any]:
    from tilseq.errors import AnalysisError
    from tilseq.flow import find_markers
    from tilseq.flow.compensation import is_compensated
    from tilseq.io.fcs import read_fcs

    tube = read_fcs(path)
    warnings = list(tube.warnings)
    markers: dict[str, list[str]] = {}
    try:
        for marker, channel in find_markers(tube.channels, tube.markers).items():
            markers.setdefault(channel, []).append(marker)
    except AnalysisError as error:
        warnings.append(str(error))
    return {
        "file": str(path),
        "events": len(tube.events),
        "channels": [
            {"channel": channel, "marker": text, "taken_for": ", ".join(markers.get(channel, ())) or None}
            for channel, text in zip(tube.channels, tube.markers, strict=True)
        ],
        "keywords": {name: tube.keywords[name].strip() for name in SHOWN if name in tube.keywords},
        "spill": list(tube.spill.channels) if tube.spill else [],
        "compensated": is_compensated(tube),
        "warnings": warnings,
    }


def _compare(tubes: list[dict[str, Any]]) -> None:
    """Add to each tube under `differs` where it is not stained as most of the tubes are, None where it is."""
    from tilseq.errors import AnalysisError
    from tilseq.flow.panels import Stained, compare_panels, stains

    found = {}
    for place, tube in enumerate(tubes):
        names, texts = ([row[key] for row in tube["channels"]] for key in ("channel", "marker"))
        try:
            found[str(place)] = Stained(stains(names, texts))
        except AnalysisError:
            continue  # a warning of the tube says why
    told = {row["sample"]: row for row in compare_panels(found, "those given").quality}
    for place, tube in enumerate(tubes):
        row = told.get(str(place))
        tube["differs"] = None if row is None or row["verdict"] == "pass" else row["reason"]


def _lines(tube: dict[str, Any]) -> list[str]:
    channels = tube["channels"]
    wide = max((len(row["channel"]) for row in channels), default=0)
    state = "compensated already" if tube["compensated"] else ", ".join(tube["spill"]) or "none"
    return [
        f"{tube['file']}: {tube['events']:,} events, {len(channels)} channels",
        *(
            f"  {row['channel']:<{wide}}  {row['marker'] or '-':<20}  {row['taken_for'] or ''}".rstrip()
            for row in channels
        ),
        *(f"  {name}: {value}" for name, value in tube["keywords"].items()),
        f"  spillover: {state}",
        *([f"  differs from the other files: {tube['differs']}"] if tube["differs"] else []),
        *(f"  warning: {warning}" for warning in tube["warnings"]),
    ]


for command in (qc_command, gate_command, count_command, compare_command):
    flow_command.add_command(command)
