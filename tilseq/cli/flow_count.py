"""`tilseq flow count` and `gate`: tubes in, counts or gates out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilseq.cli.common import Examples, output_folder, output_table, sample_name, sample_names, write_result
from tilseq.cli.flow_absolute import amounts_options, check_amounts, count_absolute, told_of
from tilseq.cli.flow_pool import Outcome, cores_option, each_tube, processes, tell, tell_verdicts
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
    warnings_of,
)
from tilseq.cli.results import write_tables

if TYPE_CHECKING:
    import polars as pl

    from tilseq.flow.absolute import AbsoluteCount
    from tilseq.flow.gated import Gating
    from tilseq.flow.tube import Tube

COUNT_EXAMPLE = """\
on the sample study, in a clone; or with S the folder of yours:
  S=data/sample/raw/flow
  tilseq flow count $S/SIM-01_D7_flow.fcs $S/SIM-01_D28_flow.fcs --cores 2 -o counts.csv
  tilseq flow count $S/SIM-01_D28_flow.fcs --beads-per-tube 50000 --sample-volume-ul 50 -o per_ul.csv
with files of yours and a panel:
  tilseq flow count tubes/*.fcs --panel panel.yaml -o counts.csv
with files of yours, by the volume of the file ($VOL):
  tilseq flow count day0.fcs --dilution 2 --volume-unit uL -o counts.csv
with a spillover matrix in place of that of the file:
  tilseq flow count day0.fcs --spill spill.csv -o counts.csv
with cuts borrowed from tubes gated before:
  tilseq flow count day0.fcs --cuts gates/cohort_cuts.csv -o counts.csv
with the gates of a person:
  tilseq flow count day0.fcs --gates gates.xml --name 'T cells=CD3+' -o counts.csv

panel.yaml, where the built-in names, populations or the automatic cuts do not do:
  markers: {CD3: [APC-R700-A], viability: [Dump]}
  populations: {CD4+ T: {parent: CD3+, markers: [CD4+, CD8-, TCRgd-]}}
  thresholds: {CD8: 450}
  spill: spill.csv"""
GATE_EXAMPLE = """\
on the sample study, in a clone; or with S the folder of yours:
  S=data/sample/raw/flow
  tilseq flow gate $S/SIM-01_D7_flow.fcs $S/SIM-01_D28_flow.fcs -o gates
with files of yours:
  tilseq flow gate day0.fcs day28.fcs --spill spill.csv --cuts earlier/cohort_cuts.csv -o gates

spill.csv, a fraction of each dye's own signal a row:
  dye,FITC-A,PE-A
  FITC-A,1,0.12
  PE-A,0.03,1"""


@click.command("count", cls=Examples, example=COUNT_EXAMPLE)
@files
@panel_option
@spill_option
@gates_option
@names_option
@cuts_option
@amounts_options
@click.option("--quality", type=click.Path(path_type=Path), help="CSV file for every check of every tube.")
@cores_option
@output_table
def count_command(
    paths: tuple[Path, ...],
    panel: Path | None,
    spill: Path | None,
    gates: Path | None,
    names: tuple[str, ...],
    cuts: Path | None,
    quality: Path | None,
    cores: int,
    output: str,
    **amounts: Any,
) -> int:
    """Gate each FILE into T cells and their subsets and count them.

    One row a population: sample, population, parent, events, percent_of_parent with 95 % limits, cells_per_ul with
    theirs where beads or a volume allow it, and in each row the tube's cd4_cd8_ratio with its limits, its verdict
    (pass, warn, fail) and the reason. A cut that is not clear in a tube is borrowed from the others with its markers in
    the same channels of the same cytometer, from three on, or from --cuts; one far from theirs is kept and told in the
    reason. With --gates a person's gates are counted instead. A file that cannot be read or gated does not stop the
    others; --quality names it, with why.
    """
    import polars as pl

    from tilseq.tables.outputs import COUNTS, QUALITY

    sample_names(paths)
    check_amounts(amounts)
    if gates is None and names or gates is not None and cuts is not None:
        raise click.UsageError("--name goes with --gates, --cuts without")
    if gates is not None:
        tubes = settings_of(panel, spill, gates=gates, names=names_of(names))
        with processes(cores, len(paths)) as mapped:
            outcomes = each_tube(paths, partial(_count_manual, tubes, amounts), mapped)
    else:
        tubes = settings_of(panel, spill)
        outcomes, _ = two_passes(paths, tubes, partial(_count, tubes, amounts), cuts, cores)
    status = tell(outcomes)
    if quality is not None:
        write_result(pl.concat([_checks(one) for one in outcomes]), QUALITY, str(quality))
    frames = [one.result[0] for one in outcomes if one.error is None]
    if frames:
        write_result(pl.concat(frames), COUNTS, output)
        tell_verdicts(output, [frame["verdict"][0] for frame in frames])
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

    Besides cuts.csv, the thresholds of all tubes, and, of three tubes or more, cohort_cuts.csv, the usual ones, which
    other tubes can borrow (--cuts). A file that cannot be read or gated does not stop the others.
    """
    import polars as pl

    from tilseq.tables.outputs import COHORT_CUTS, CUTS

    sample_names(paths)
    tubes = settings_of(panel, spill, output=output)
    outcomes, usual = two_passes(paths, tubes, partial(_gate, tubes), cuts, cores)
    status = tell(outcomes)
    done = [one.result for one in outcomes if one.error is None]
    if done:
        written = [(pl.concat([cuts for cuts, _ in done]), CUTS)]
        write_tables(written if usual is None else [*written, (usual, COHORT_CUTS)], output)
        tell_verdicts(output, [verdict for _, verdict in done], why="`tilseq flow qc`")
    return status


Counted = tuple[tuple["pl.DataFrame", "pl.DataFrame"], list[str]]  # tables counts and quality; sentences


def _count(tubes: Tubes, amounts: Mapping[str, Any], path: Path, usual: pl.DataFrame | None) -> Counted:
    import polars as pl

    from tilseq.flow.counts import count
    from tilseq.steps.flow_absolute import with_absolute
    from tilseq.tables.outputs import QUALITY

    tube, gating = gated(tubes, path, usual)
    absolute, checks = _absolute(gating, tube, amounts)
    odd = odd_cuts_of(gating, usual)
    quality = pl.concat([gating.quality, QUALITY.frame([*checks, *odd])])
    # The verdict beside the counts is that of all checks.
    counts = with_absolute(count(replace(gating, quality=quality)), absolute)
    told = [*warnings_of(path, tube), *(f"{gating.sample}: {row['check']}: {row['reason']}" for row in odd)]
    return (counts, quality), [*told, *told_of(checks), _in_short(counts)]


def _absolute(
    gating: Gating, tube: Tube, amounts: Mapping[str, Any]
) -> tuple[dict[str, AbsoluteCount], list[dict[str, Any]]]:
    names = [name for name in gating.populations if name in gating.rules or name == "lymphocytes"]
    return count_absolute(gating.sample, tube, gating.populations, names, amounts, gating)


def _count_manual(tubes: Tubes, amounts: Mapping[str, Any], path: Path, usual: pl.DataFrame | None) -> Counted:
    from tilseq.flow.manual import NAMES_OF_GATES, count_manual
    from tilseq.io.digest import sha256_of_file
    from tilseq.steps.flow_absolute import with_absolute
    from tilseq.steps.flow_person import cells_to_count, quality_of, read_populations
    from tilseq.steps.flow_tubes import read_tube
    from tilseq.tables.outputs import QUALITY

    assert tubes.gates is not None
    sample, tube = sample_name(path), read_tube(path, None, tubes.spill)
    person = read_populations(tubes.gates, tube, path, tubes.names)
    populations = person.populations
    names = cells_to_count(tube, person, amounts)
    absolute, checks = count_absolute(sample, tube, populations, names, amounts, None)
    source = f"{tubes.gates.name}, SHA-256 {sha256_of_file(tubes.gates)}"
    quality = [*quality_of(sample, tube, person, source, []), *checks]
    named = [f"{sample}: {row['reason']}" for row in quality if row["check"] == NAMES_OF_GATES]
    counts = with_absolute(count_manual(sample, populations, quality), absolute)
    told = [*warnings_of(path, tube), f"{sample}: gates of {source}", *named]
    return (counts, QUALITY.frame(quality)), [*told, *told_of(checks), _in_short(counts)]


def _checks(outcome: Outcome) -> pl.DataFrame:
    """Return the checks of one file; of one that could not be counted, why."""
    from tilseq.flow.quality import check
    from tilseq.tables.outputs import QUALITY

    if outcome.error is None:
        quality: pl.DataFrame = outcome.result[1]
        return quality
    sample, why = sample_name(outcome.path), str(outcome.error)
    return QUALITY.frame([check(sample, "gates", None, "T cells can be gated", False, why, worst="fail")])


def _gate(tubes: Tubes, path: Path, usual: pl.DataFrame | None) -> tuple[tuple[pl.DataFrame, str], list[str]]:
    from tilseq.flow.cuts import cuts_table
    from tilseq.flow.quality import worst_of
    from tilseq.plots.flow import gates
    from tilseq.plots.style import file_stem, save
    from tilseq.steps.flow import write_gates

    assert tubes.output is not None
    tube, gating = gated(tubes, path, usual)
    written = write_gates(gating, tube, tubes.output / f"{file_stem(gating.sample)}.xml")  # as the figure is named
    save(gates(gating), tubes.output, gating.sample)
    checks = [*written, *odd_cuts_of(gating, usual)]
    verdict = worst_of([*gating.quality["verdict"], *(row["verdict"] for row in checks)])
    told = [*warnings_of(path, tube), *(f"{path}: {row['reason']}" for row in written)]
    return (cuts_table(gating), verdict), told


def _in_short(counts: pl.DataFrame) -> str:
    row = counts.row(0, named=True)
    ratio, lower, upper = (row[f"cd4_cd8_ratio{limit}"] for limit in ("", "_lower", "_upper"))
    limits = "without limits" if lower is None or upper is None else f"({lower:.2f} to {upper:.2f})"
    told = "not available" if ratio is None else f"{ratio:.2f} {limits}"
    return f"{row['sample']}: CD4/CD8 {told}, {row['verdict']}"
