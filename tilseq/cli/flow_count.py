"""`tilseq flow count` and `gate`: tubes in, counts or gates out."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tilseq.cli.common import Examples, output_folder, output_table, sample_name, sample_names, write_result
from tilseq.cli.flow_pool import cores_option, each_tube, processes, tell
from tilseq.cli.flow_tubes import (
    Tubes,
    cuts_option,
    files,
    gated,
    gates_option,
    names_of,
    names_option,
    panel_option,
    settings_of,
    spill_option,
    two_passes,
    warnings_of,
)

if TYPE_CHECKING:
    import polars as pl

COUNT_EXAMPLE = """\
tilseq flow count day0.fcs day28.fcs -o counts.csv
tilseq flow count tubes/*.fcs --panel panel.yaml --cores 2 -o counts.csv
tilseq flow count day0.fcs --gates gates.xml --name 'T cells=CD3+' -o counts.csv

panel.yaml, where the built-in names, populations or the automatic cuts do not do:
  markers: {CD3: [APC-R700-A], viability: [Dump]}
  populations: {CD4+ T: {parent: CD3+, markers: [CD4+, CD8-, TCRgd-]}}
  thresholds: {CD8: 450}
  spill: spill.csv"""
GATE_EXAMPLE = "tilseq flow gate day0.fcs day28.fcs -o gates"


@click.command("count", cls=Examples, example=COUNT_EXAMPLE)
@files
@panel_option
@spill_option
@gates_option
@names_option
@cuts_option
@cores_option
@output_table
def count_command(
    paths: tuple[Path, ...],
    panel: Path | None,
    spill: Path | None,
    gates: Path | None,
    names: tuple[str, ...],
    cuts: Path | None,
    cores: int,
    output: str,
) -> int:
    """Gate each FILE into T cells and their subsets and count them.

    One row a population: sample, population, parent, events, percent_of_parent with 95 % limits, and the tube's
    verdict with its reason. A cut that is not clear in a tube is borrowed from the others, from three on, or from
    --cuts. With --gates a person's gates are counted instead. A file that cannot be read or gated does not stop the
    others.
    """
    import polars as pl

    from tilseq.tables.outputs import COUNTS

    sample_names(paths)
    if gates is None and names or gates is not None and cuts is not None:
        raise click.UsageError("--name goes with --gates, --cuts without")
    if gates is not None:
        tubes = settings_of(panel, spill, gates=gates, names=names_of(names))
        with processes(cores, len(paths)) as mapped:
            outcomes = each_tube(paths, partial(_count_manual, tubes), mapped)
    else:
        tubes = settings_of(panel, spill)
        outcomes, _ = two_passes(paths, tubes, partial(_count, tubes), cuts, cores)
    status = tell(outcomes)
    frames = [one.result for one in outcomes if one.error is None]
    if frames:
        write_result(pl.concat(frames), COUNTS, output)
    return status


@click.command("gate", cls=Examples, example=GATE_EXAMPLE)
@files
@panel_option
@spill_option
@cuts_option
@cores_option
@output_folder
def gate_command(
    paths: tuple[Path, ...], panel: Path | None, spill: Path | None, cuts: Path | None, cores: int, output: Path
) -> int:
    """Gate each FILE and write its gates as GatingML 2.0, with a figure of them.

    Besides cuts.csv, the thresholds of all tubes, and cohort_cuts.csv, the usual ones, which other tubes can borrow
    (--cuts). A file that cannot be read or gated does not stop the others.
    """
    import polars as pl

    from tilseq.tables.outputs import COHORT_CUTS, CUTS

    sample_names(paths)
    tubes = settings_of(panel, spill, output=output)
    outcomes, usual = two_passes(paths, tubes, partial(_gate, tubes), cuts, cores)
    status = tell(outcomes)
    frames = [one.result for one in outcomes if one.error is None]
    if frames:
        write_result(pl.concat(frames), CUTS, str(output / "cuts.csv"))
        if usual is not None:
            write_result(usual, COHORT_CUTS, str(output / "cohort_cuts.csv"))
    return status


def _count(tubes: Tubes, path: Path, usual: pl.DataFrame | None) -> tuple[pl.DataFrame, list[str]]:
    from tilseq.flow.counts import cd4_cd8_ratio, count
    from tilseq.flow.cuts import cuts_table, far_from_cohort

    tube, gating = gated(tubes, path, usual)
    counts, ratio = count(gating), cd4_cd8_ratio(gating).value
    told = warnings_of(path, tube)
    if usual is not None:
        told += [
            f"{gating.sample}: the cut of {row['gate']} among {row['parent']} lies far from those of other tubes"
            for row in far_from_cohort(cuts_table(gating), usual).iter_rows(named=True)
        ]
    return counts, [*told, _in_short(gating.sample, ratio, counts)]


def _count_manual(tubes: Tubes, path: Path, usual: pl.DataFrame | None) -> tuple[pl.DataFrame, list[str]]:
    from tilseq.flow.manual import count_manual, manual_ratio
    from tilseq.io.digest import sha256_of_file
    from tilseq.steps.flow import read_tube
    from tilseq.steps.flow_person import quality_of, read_populations
    from tilseq.steps.flow_spill import with_spill

    assert tubes.gates is not None
    sample, tube = sample_name(path), with_spill(read_tube(path, None), tubes.spill)
    populations = read_populations(tubes.gates, tube, path, tubes.names)
    source = f"{tubes.gates.name}, SHA-256 {sha256_of_file(tubes.gates)}"
    counts = count_manual(sample, populations, quality_of(sample, tube, populations, source, []))
    ratio = manual_ratio(populations)
    told = [*warnings_of(path, tube), f"{sample}: gates of {source}"]
    return counts, [*told, _in_short(sample, None if ratio is None else ratio.value, counts)]


def _gate(tubes: Tubes, path: Path, usual: pl.DataFrame | None) -> tuple[pl.DataFrame, list[str]]:
    from tilseq.flow.cuts import cuts_table
    from tilseq.plots.flow import gates
    from tilseq.plots.style import save
    from tilseq.steps.flow import write_gates

    assert tubes.output is not None
    tube, gating = gated(tubes, path, usual)
    odd = write_gates(gating, tube, tubes.output / f"{gating.sample}.xml")
    save(gates(gating), tubes.output, gating.sample)
    return cuts_table(gating), [*warnings_of(path, tube), *(f"{path}: {row['reason']}" for row in odd)]


def _in_short(sample: str, ratio: float | None, counts: pl.DataFrame) -> str:
    told = "not available" if ratio is None else f"{ratio:.2f}"
    return f"{sample}: CD4:CD8 {told}, {counts['verdict'][0]}"
