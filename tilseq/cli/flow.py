"""`tilseq flow`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilseq.cli.common import Examples, as_json, each_file, output_table, sample_name, sample_names, write_result

if TYPE_CHECKING:
    import polars as pl

    from tilseq.study.settings import Panel

INSPECT_EXAMPLE = "tilseq flow inspect day0.fcs day28.fcs"
COUNT_EXAMPLE = """\
tilseq flow count day0.fcs day28.fcs -o counts.csv
tilseq flow count tubes/*.fcs --panel panel.yaml -o counts.csv

panel.yaml, where the built-in names or the automatic cuts do not do:
  markers: {CD3: [APC-R700-A], viability: [Dump]}
  thresholds: {CD8: 450}"""

files = click.argument("paths", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))


@click.group("flow")
def flow_command() -> None:
    """Flow cytometry (FCS): look at tubes, gate and count T cells."""


@flow_command.command("inspect", cls=Examples, example=INSPECT_EXAMPLE)
@files
@as_json
def inspect(paths: tuple[Path, ...], as_json: bool) -> int:
    """Show the channels of each FILE, the markers they are taken for, events, spillover and warnings.

    A file that cannot be read does not stop the others.
    """
    import json

    tubes, status = each_file(paths, _described)
    if as_json:
        click.echo(json.dumps(tubes, indent=1, ensure_ascii=False))
    else:
        for tube in tubes:
            click.echo("\n".join(_lines(tube)))
    return status


@flow_command.command("count", cls=Examples, example=COUNT_EXAMPLE)
@files
@click.option("--panel", type=click.Path(path_type=Path), help="YAML with names of channels and thresholds; see below.")
@output_table
def count(paths: tuple[Path, ...], panel: Path | None, output: str) -> int:
    """Gate each FILE into T cells and their subsets and count them.

    One row a population: sample, population, parent, events, percent_of_parent with 95 % limits, and the tube's
    verdict with its reason. A file that cannot be read or gated does not stop the others.
    """
    from tilseq.flow import cd4_cd8_ratio, gate
    from tilseq.flow import count as count_of
    from tilseq.io.fcs import read_fcs
    from tilseq.tables.outputs import COUNTS

    settings = None if panel is None else _panel(panel)
    sample_names(paths)

    def measure(path: Path) -> pl.DataFrame:
        sample = sample_name(path)
        tube = read_fcs(path)
        for warning in tube.warnings:
            click.echo(f"{path}: {warning}", err=True)
        gating = gate(
            tube,
            sample=sample,
            aliases=settings.markers if settings else None,
            thresholds=settings.thresholds if settings else None,
        )
        counts = count_of(gating)
        ratio = cd4_cd8_ratio(counts).value
        told = "not available" if ratio is None else f"{ratio:.2f}"
        click.echo(f"{sample}: CD4:CD8 {told}, {counts['verdict'][0]}", err=True)
        return counts

    frames, status = each_file(paths, measure)
    if frames:
        import polars as pl

        write_result(pl.concat(frames), COUNTS, output)
    return status


def _panel(path: Path) -> Panel:
    from pydantic import ValidationError

    from tilseq.errors import ReadError
    from tilseq.io.yaml_model import line_of
    from tilseq.io.yaml_text import read_yaml
    from tilseq.study.settings import Panel

    value, lines, problems = read_yaml(path, file=str(path))
    if problems:
        raise problems[0]
    try:
        return Panel.model_validate({} if value is None else value)
    except ValidationError as error:
        fault = error.errors()[0]
        keys = [str(part) for part in fault["loc"]]
        raise ReadError(
            f"the panel cannot be used: {fault['msg']}",
            file=path,
            row=line_of(keys, lines),
            column=".".join(keys) or None,
            expected="markers: {CD3: [names]} and thresholds: {CD3: number}",
        ) from error


def _described(path: Path) -> dict[str, Any]:
    from tilseq.errors import AnalysisError
    from tilseq.flow import find_markers
    from tilseq.flow.compensation import is_compensated
    from tilseq.io.fcs import read_fcs

    tube = read_fcs(path)
    warnings = list(tube.warnings)
    try:
        markers = {channel: marker for marker, channel in find_markers(tube.channels, tube.markers).items()}
    except AnalysisError as error:
        markers = {}
        warnings.append(str(error))
    return {
        "file": str(path),
        "events": len(tube.events),
        "channels": [
            {"channel": channel, "marker": text, "taken_for": markers.get(channel)}
            for channel, text in zip(tube.channels, tube.markers, strict=True)
        ],
        "spill": list(tube.spill.channels) if tube.spill else [],
        "compensated": is_compensated(tube),
        "warnings": warnings,
    }


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
        f"  spillover: {state}",
        *(f"  warning: {warning}" for warning in tube["warnings"]),
    ]
