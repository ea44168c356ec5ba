"""`tilseq repertoire diversity`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilseq.cli.common import Examples, each_file, output_table, sample_name, sample_names, tell_written, write_result
from tilseq.cli.repertoire_depth import cells_of_replicates, depth_of, miscounted_in, replicates_option
from tilseq.cli.repertoire_files import (
    cells_given,
    cells_option,
    count_option,
    counted_by,
    dialect_option,
    files,
    joined,
    locus_option,
    read_file,
)

if TYPE_CHECKING:
    import polars as pl

    from tilseq.io.clonotypes import Clonotypes
    from tilseq.repertoire.observed import Observed

EXAMPLE = """\
on the sample study, in a clone; or with S the folder of yours:
  S=data/sample/raw/tcr
  tilseq repertoire diversity $S/SIM-01_baseline_tcr.tsv.gz $S/SIM-01_D7_tcr.tsv.gz $S/SIM-01_D28_tcr.tsv.gz \\
      --count-of templates --depth depth.csv -o diversity.csv
with files of yours, of 12,000 T cells:
  tilseq repertoire diversity a.tsv --count-of reads --cells a=12000 -o diversity.csv
with replicates of one specimen:
  tilseq repertoire diversity a.tsv b.tsv --replicates a,b --at-cells 5000 -o diversity.csv"""

LOST = "no limits, nothing of what is not seen (Chao1, coverage) and no common depth"


@click.command("diversity", cls=Examples, example=EXAMPLE)
@files
@output_table
@dialect_option
@locus_option
@count_option
@cells_option
@replicates_option
@click.option("--at-cells", type=click.IntRange(min=1), help="Common depth in cells, by default the shallowest file's.")
@click.option(
    "--at-coverage",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Common coverage, by default the least of any file.",
)
@click.option("--depth", "depth_file", metavar="FILE", help="Write the cells of each sample, and their source, as CSV.")
def diversity_command(
    paths: tuple[Path, ...],
    output: str,
    dialect: str | None,
    locus: str | None,
    count_of: str | None,
    cells: tuple[str, ...],
    replicates: tuple[str, ...],
    at_cells: int | None,
    at_coverage: float | None,
    depth_file: str | None,
) -> int:
    """Measure the diversity of each FILE, locus by locus; of several, also at a depth that they have in common.

    One row an index: sample, locus, parameter, value, lower, upper, n, depth, at_coverage, over (of runs alone). A
    file that cannot be read does not stop the others.
    """
    from tilseq.repertoire import diversity, effective_spectra, standardised
    from tilseq.tables.repertoire import DEPTH, DIVERSITY

    samples = sample_names(paths)
    known, estimated = cells_given(cells, samples), cells_of_replicates(replicates, paths, dialect, locus)
    frames, spectra, depths = [], {}, []

    def read(path: Path) -> tuple[str, Clonotypes]:
        sample = sample_name(path)
        clonotypes, _ = read_file(path, sample, dialect, locus)
        counted_by(sample, clonotypes, count_of)  # raises where the file says otherwise
        if clonotypes.table.is_empty():
            click.echo(f"{sample}: the file holds no clonotype, so that it has no rows", err=True)
        return sample, clonotypes

    every, status = each_file(paths, read)
    if not every:
        return status
    miscounted = miscounted_in(every, count_of)
    for sample, clonotypes in every:
        told = known.get(sample), estimated.get(sample)
        depth = depth_of(sample, clonotypes, count_of, *told, miscounted=miscounted, lost=LOST)
        behind: dict[str, Any] = {
            "count_of": counted_by(sample, clonotypes, count_of),
            "n_effective": dict(depth.select("locus", "n_effective").iter_rows()),
            "counting": dict(depth.select("locus", "counting").iter_rows()),
        }
        cells_told = dict(depth.select("locus", "cells").iter_rows())
        frames.append(diversity(clonotypes.table, sample=sample, **behind, cells=cells_told))
        spectra[sample] = effective_spectra(clonotypes.table, **behind)
        depths.append(depth)
    _tell_doubts(spectra)
    if len(paths) > 1 or at_cells or at_coverage:
        common = standardised(spectra, cells=at_cells, coverage=at_coverage)
        _tell_depths(joined(depths), common)
        _tell_too_few(joined(depths), spectra)
        _tell_out_of_reach(spectra, common)
        frames.append(common)
    write_result(joined(frames), DIVERSITY, output)
    if depth_file:
        write_result(joined(depths), DEPTH, depth_file)
    tell_written(output)
    return status


def _tell_depths(depths: pl.DataFrame, common: pl.DataFrame) -> None:
    """Say on stderr that raw values of unequal depth do not compare, and which rows do."""
    for locus in depths["locus"].unique().sort():
        cells = sorted(depths.filter(locus=locus)["n_effective"].drop_nulls().to_list())
        at = common.filter(locus=locus)
        if not cells or cells[0] == cells[-1] or at.is_empty():
            continue
        size, share = at.filter(at["at_coverage"].is_null())["depth"], at["at_coverage"].drop_nulls()
        rows = [f"at_n ({size[0]:.0f} cells)"] * (size.len() > 0) + [f"at_coverage ({share[0]:.4g})"] * (
            share.len() > 0
        )
        click.echo(
            f"{locus}: raw values are of {cells[0]:.0f} to {cells[-1]:.0f} cells and do not compare; the rows "
            f"{' and '.join(rows)} do",
            err=True,
        )


def _tell_doubts(spectra: Mapping[str, Mapping[str, Observed]]) -> None:
    """Say on stderr of which samples it is not known what fewer cells would show, or what the clones seen hold."""
    for sample, known in spectra.items():
        for locus, seen in known.items():
            if seen.doubt:
                click.echo(
                    f"{sample}: no coverage of {locus} and nothing at a common depth: its clones {seen.doubt}", err=True
                )
            elif seen.n > seen.furthest:
                alike = 1 / (1 / seen.effective - 1 / seen.counts.n)
                told = f"more counts ({seen.counts.n}) than cells that yield alike ({alike:.0f})"
                click.echo(f"{sample}: no coverage of {locus}: {told}", err=True)


def _tell_too_few(depths: pl.DataFrame, spectra: Mapping[str, Mapping[str, Observed]]) -> None:
    """Say on stderr which samples have no value at a common depth, of too few cells."""
    for sample, locus, cells in depths.select("sample", "locus", "n_effective").drop_nulls().iter_rows():
        if locus not in spectra[sample]:
            click.echo(f"{sample}: no rows at_n and at_coverage of {locus}, of {cells:.3g} effective cells", err=True)


def _tell_out_of_reach(spectra: Mapping[str, Mapping[str, Observed]], common: pl.DataFrame) -> None:
    """Say on stderr which samples have no rows at a common depth that was asked for."""
    for sample, known in spectra.items():
        for locus, seen in known.items():
            if seen.doubt:
                continue
            rows = common.filter(sample=sample, locus=locus)["parameter"]
            for name in ("at_n", "at_coverage"):
                if not rows.str.ends_with(name).any():
                    reach = (
                        f"twice its {seen.n} cells"
                        if seen.once
                        else f"{seen.furthest} of its cells, each counted several times"
                    )
                    click.echo(f"{sample}: no rows {name} of {locus}, out of reach of {reach}", err=True)
