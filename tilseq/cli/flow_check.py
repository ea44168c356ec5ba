"""`tilseq flow qc` and `compare`: how sound a tube is, and how well two gatings of it agree."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tilseq.cli.common import Examples, output_table, sample_name, sample_names, tell_written, write_result
from tilseq.cli.flow_pool import cores_option, tell, tell_verdicts
from tilseq.cli.flow_tubes import (
    Tubes,
    cuts_option,
    files,
    gated,
    gates_option,
    names_of,
    names_option,
    odd_cuts_of,
    panel_option,
    settings_of,
    spill_option,
    two_passes,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    import polars as pl

    from tilseq.flow.tube import Mask, Tube

QC_EXAMPLE = """\
on the sample study, in a clone; or with S the folder of yours:
  S=data/sample/raw/flow
  tilseq flow qc $S/SIM-01_D7_flow.fcs $S/SIM-01_D28_flow.fcs -o qc.csv
with files of yours:
  tilseq flow qc day0.fcs day28.fcs --spill spill.csv --cuts gates/cohort_cuts.csv -o qc.csv"""
COMPARE_EXAMPLE = """\
on the sample study, in a clone, whose automatic gates stand in for those of a person:
  S=data/sample/raw/flow
  tilseq flow gate $S/SIM-01_D28_flow.fcs -o gates
  tilseq flow compare $S/SIM-01_D28_flow.fcs --gates gates/SIM-01_D28_flow.xml -o comparison.csv
with files of yours:
  tilseq flow compare day0.fcs --labels labels.csv --name 'CD4 T cells=CD4+ T' -o comparison.csv"""


@click.command("qc", cls=Examples, example=QC_EXAMPLE)
@files
@panel_option
@spill_option
@cuts_option
@cores_option
@output_table
def qc_command(
    paths: tuple[Path, ...], panel: Path | None, spill: Path | None, cuts: Path | None, cores: int, output: str
) -> int:
    """Check each FILE: its run in time, the ends of its detectors, compensation, cells, and every gate.

    One row a check: sample, check, value, limit, verdict (pass, warn, fail) and the reason. Of a tube in which T cells
    cannot be gated the other checks are told. A file that cannot be read does not stop the others.
    """
    import polars as pl

    from tilseq.flow.quality import worst_of
    from tilseq.tables.outputs import QUALITY

    sample_names(paths)
    tubes = settings_of(panel, spill)
    outcomes, _ = two_passes(paths, tubes, partial(_qc, tubes), cuts, cores)
    status = tell(outcomes)
    frames = [one.result for one in outcomes if one.error is None]
    if frames:
        write_result(pl.concat(frames), QUALITY, output)
        tell_verdicts(output, [worst_of(frame["verdict"]) for frame in frames])
    return status


@click.command("compare", cls=Examples, example=COMPARE_EXAMPLE)
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@gates_option
@click.option(
    "--labels", type=click.Path(path_type=Path), help="CSV of one label an event, in place of --gates, in FILE's order."
)
@names_option
@panel_option
@spill_option
@cuts_option
@output_table
def compare_command(
    path: Path,
    gates: Path | None,
    labels: Path | None,
    names: tuple[str, ...],
    panel: Path | None,
    spill: Path | None,
    cuts: Path | None,
    output: str,
) -> int:
    """Set the automatic gates of FILE (a) against a person's (b).

    One row a population: events in each and in both, precision, recall, F1 and the difference of counts in percent;
    and one of the ratio CD4/CD8. Populations are matched by name; --name says what a gate or label is here. Names that
    do not match are listed on stderr.
    """
    from tilseq.flow.compare import compare
    from tilseq.io.cuts import read_cohort_cuts
    from tilseq.steps.flow_person import read_populations
    from tilseq.tables.outputs import COMPARISON

    if (gates is None) == (labels is None):
        raise click.UsageError("give either --gates or --labels")
    given = names_of(names)
    tube, gating = gated(settings_of(panel, spill), path, None if cuts is None else read_cohort_cuts(cuts))
    theirs: Any
    if gates is not None:
        theirs = {name: one.mask for name, one in read_populations(gates, tube, path, given).populations.items()}
    else:
        theirs = _labels(labels or Path(), len(tube.events), given)
    ours = {name: one.mask for name, one in gating.populations.items()}
    _tell_names(ours, theirs if gates is not None else set(filter(None, theirs)))
    write_result(compare(ours, theirs, sample=sample_name(path)), COMPARISON, output)
    tell_written(output)
    return 0


def _tell_names(ours: Iterable[str], theirs: Iterable[str]) -> None:
    """Tell which names only one of two gatings has, and how to match them; nothing can be said of their populations."""
    from tilseq.errors import shown
    from tilseq.flow.manual import ALL_EVENTS

    ours, theirs = set(ours) - {ALL_EVENTS}, set(theirs) - {ALL_EVENTS}
    if not theirs - ours:
        return
    lone = ", ".join(map(shown, sorted(theirs - ours)))
    here = ", ".join(map(shown, sorted(ours - theirs)))
    if ours & theirs:
        click.echo(f"not compared, as no automatic population bears the name: {lone}", err=True)
    else:
        click.echo(f"no name is that of an automatic population, so nothing is compared: {lone}", err=True)
    if here:
        click.echo(f"automatic populations without one: {here}; match them by --name 'GATE=POPULATION'", err=True)


def _labels(path: Path, events: int, names: dict[str, str]) -> list[str | None]:
    """Return the population of each event; a name for a label that no event bears is a mistake of the call."""
    from tilseq.io.labels import read_labels

    labels = read_labels(path, events)
    for name in names:
        if name not in labels:
            known = ", ".join(sorted({label for label in labels if label}))
            raise click.BadParameter(f"no event bears the label {name!r}; there are {known}", param_hint="--name")
    return [None if label is None else names.get(label, label) for label in labels]


def _qc(tubes: Tubes, path: Path, usual: pl.DataFrame | None) -> tuple[pl.DataFrame, list[str]]:
    import polars as pl

    from tilseq.errors import AnalysisError
    from tilseq.flow.margins import assess_margins, margins
    from tilseq.steps.flow_tubes import read_tube
    from tilseq.tables.outputs import QUALITY

    sample = sample_name(path)
    try:
        tube, gating = gated(tubes, path, usual)
        among = gating.populations["all events"].mask
        quality = pl.concat([gating.quality, QUALITY.frame(odd_cuts_of(gating, usual))])
    except AnalysisError as error:
        tube = read_tube(path, None)
        among, rows = _ungated(sample, tube, str(error))
        quality = QUALITY.frame(rows)
    ends = assess_margins(margins(tube, among), among, sample=sample)
    return pl.concat([quality, QUALITY.frame(ends)]), []


def _ungated(sample: str, tube: Tube, why: str) -> tuple[Mask, list[dict[str, Any]]]:
    """Return which events are finite, and what can be told of a tube in which T cells cannot be gated."""
    import numpy as np

    from tilseq.flow.quality import check, input_checks
    from tilseq.flow.time_quality import check_time

    finite = np.isfinite(tube.events).all(axis=1)
    rows = [check(sample, "gates", None, "T cells can be gated", False, why, worst="fail")]
    rows += input_checks(sample, tube)
    if finite.any():
        values = {
            name: np.ascontiguousarray(tube.events[:, place])
            for place, name in enumerate(tube.channels)
            if name.strip().casefold() != "time"
        }
        rows += check_time(tube, values, finite, sample=sample).quality
    return finite, rows
