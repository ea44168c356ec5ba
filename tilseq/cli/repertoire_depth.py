"""The cells behind the counts of files: the option `--replicates`, and what `tilseq repertoire` knows of each file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilseq.cli.common import sample_name
from tilseq.cli.repertoire_files import counted_by, counts_of

if TYPE_CHECKING:
    import polars as pl

    from tilseq.io.clonotypes import Clonotypes
    from tilseq.repertoire.miscounting import Miscounting
    from tilseq.repertoire.replicates import Estimate

Estimates = dict[str, "dict[str, Estimate]"]

replicates_option = click.option(
    "--replicates",
    multiple=True,
    metavar="SAMPLE,SAMPLE...",
    help="Libraries of like parts of one specimen, from which their cells are estimated. Repeats.",
)


def cells_of_replicates(
    options: tuple[str, ...], paths: tuple[Path, ...], dialect: str | None, locus: str | None
) -> Estimates:
    """Return sample → locus → estimated cells, of the libraries that `SAMPLE,SAMPLE` name.

    A file that cannot be read is left to the command, which tells of it; the others of its option go on without it.
    """
    by_name = {sample_name(path): path for path in paths}
    found: Estimates = {}
    for option in options:
        names = _named(option, by_name, found)
        read = _readable({name: by_name[name] for name in names}, dialect, locus)
        kinds = sorted({clonotypes.count_of for clonotypes in read.values()})
        if len(kinds) > 1:
            raise click.UsageError(f"--replicates {option}: their counts are of {' and '.join(kinds)}, not of one kind")
        if len(read) < 2:
            click.echo(f"--replicates {option}: fewer than two can be read, so that they tell no cells", err=True)
            continue
        found |= dict.fromkeys(read, _estimate(option, read))
    return found


def depth_of(
    sample: str,
    clonotypes: Clonotypes,
    count_of: str | None,
    cells: float | None,
    replicates: dict[str, Estimate] | None,
    *,
    miscounted: Mapping[str, Miscounting] | None = None,
    mends: str = "--count-of, --cells, --replicates",
    lost: str = "no limits and no common depth",
) -> pl.DataFrame:
    """Return a sample's rows of the table `depth`; say on stderr where its cells are not known.

    How templates are `miscounted` files of one laboratory tell together. It says what is `lost` where the cells are not
    known, and what `mends` it.
    """
    from tilseq.repertoire import depth, one_library
    from tilseq.repertoire.depth import too_few_cells

    counted = counted_by(sample, clonotypes, count_of)
    found = depth(
        clonotypes.table,
        sample=sample,
        count_of=counted,
        counted=clonotypes.cells,
        cells=cells,
        replicates=replicates,
        miscounted=miscounted,
    )
    if cells is not None and (found["cells_from"] == "counted").any():
        click.echo(f"{sample}: --cells is not used, as the file itself counts cells", err=True)
    for row in found.filter(cells_from="declared").iter_rows(named=True):
        if replicates and row["locus"] in replicates:
            _tell_unused(row, replicates[row["locus"]])
    if found["n_effective"].null_count():
        click.echo(
            f"{sample}: {lost}, as the cells behind {counts_of(counted)} are not known (see {mends})",
            err=True,
        )
    _tell_odd_counts(sample, clonotypes.table, counted)
    few = too_few_cells(clonotypes.table, found)
    for reason in (*one_library(found)["reason"], *few["reason"]):
        click.echo(f"{sample}: {reason}", err=True)
    return found


def miscounted_in(samples: Iterable[tuple[str, Clonotypes]], count_of: str | None) -> dict[str, Miscounting]:
    """Return locus → how often templates are counted, as all files that count them tell it together."""
    from tilseq.repertoire.depth import miscounted_templates

    return miscounted_templates(
        clonotypes.table for sample, clonotypes in samples if counted_by(sample, clonotypes, count_of) == "templates"
    )


def _tell_odd_counts(sample: str, table: pl.DataFrame, counted: str) -> None:
    """Say on stderr which loci of a table seem to lack their small clones, or the counts of all."""
    from tilseq.repertoire.clones import clone_counts
    from tilseq.repertoire.depth import is_counted_once, is_cut_off

    for (locus,), clones in clone_counts(table).partition_by("locus", as_dict=True, maintain_order=True).items():
        counts = clones["duplicate_count"]
        if is_cut_off(counts):
            told = f"none of its {len(counts)} clones of {locus} was counted less than {counts.min()!s} times"
            asked = "was the table cut there, or its counts scaled? Shares, coverage or limits are then wrong"
            click.echo(f"{sample}: {told}: {asked}", err=True)
        if counted != "cells" and is_counted_once(f"{locus}", counts):
            told = f"each of its {len(counts)} clones of {locus} was counted once: were the counts lost?"
            click.echo(
                f"{sample}: {told} Shares are then those of clones (of sorted naive cells it may be so)", err=True
            )


def _tell_unused(row: Mapping[str, Any], estimate: Estimate) -> None:
    """Say on stderr that cells told go before those of replicates, and whether these allow so many."""
    from tilseq.repertoire.depth import worth_more_than

    told = f"{row['sample']}: --replicates is not used for {row['locus']}, as --cells tells {row['cells']:.0f} cells"
    if worth_more_than(row, estimate):
        told += (
            f"; the replicates differ as libraries of {estimate.upper:.0f} cells at most do: limits by --cells are too "
            "narrow; leave it out"
        )
    click.echo(told, err=True)


def _named(option: str, by_name: dict[str, Path], found: Estimates) -> list[str]:
    """Return the samples that an option names."""
    names = option.split(",")
    strange = [name for name in names if name not in by_name]
    if strange or len(set(names)) < 2:
        told = f"no such sample {strange[0]!r}" if strange else "two samples or more, a comma between them"
        raise click.UsageError(f"--replicates {option}: {told}; samples are {', '.join(by_name)}")
    twice = [name for name in names if name in found]
    if twice:
        raise click.UsageError(f"--replicates {option}: {twice[0]!r} is a replicate of others; give all in one option")
    return names


def _readable(paths: dict[str, Path], dialect: str | None, locus: str | None) -> dict[str, Clonotypes]:
    """Return the clonotypes of those files that can be read."""
    from tilseq.errors import TilseqError
    from tilseq.io.clonotypes import read_clonotypes

    found = {}
    for name, path in paths.items():
        try:
            found[name] = read_clonotypes(path, dialect=dialect, locus=locus)
        except TilseqError:
            continue
    return found


def _estimate(option: str, read: dict[str, Clonotypes]) -> dict[str, Estimate]:
    """Return locus → estimated cells; say on stderr of which loci they are not told."""
    from tilseq.repertoire import cells_from_replicates

    estimate = cells_from_replicates({name: clonotypes.table for name, clonotypes in read.items()})
    for at in sorted({at for clonotypes in read.values() for at in clonotypes.table["locus"]} - set(estimate)):
        click.echo(
            f"--replicates {option}: they do not tell the cells of {at}: too few clones of ten counts or more, or "
            "counts more alike than those of two libraries can be (is one a copy?)",
            err=True,
        )
    return estimate
