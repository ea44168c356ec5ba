"""`tilseq repertoire track`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilseq.cli.common import (
    Examples,
    each_file,
    output_folder,
    refuse_copies,
    refuse_same_clones,
    sample_name,
    sample_names,
    tell_written,
)
from tilseq.cli.repertoire_depth import Estimates, cells_of_replicates, depth_of, miscounted_in, replicates_option
from tilseq.cli.repertoire_files import (
    cells_given,
    cells_option,
    count_option,
    counted_by,
    dialect_option,
    joined,
    locus_option,
    read_file,
)
from tilseq.cli.results import write_tables

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from tilseq.io.clonotypes import Clonotypes
    from tilseq.tables import Table

    Read = tuple[str, Clonotypes, pl.DataFrame]  # sample, clonotypes, exclusions
    Known = tuple[str, Clonotypes, pl.DataFrame, pl.DataFrame]  # clones with their effective cells before exclusions

LEAST_SHARED = 0.01  # of the counts of a sample of the subject
# What is lost where the cells behind a file's counts are not known.
FEW_CELLS = 100  # behind a share, which then says little but its limits
LOST_OF_BLOOD = "no limits and no common depth"
LOST_OF_REFERENCE = "no clone is absent from it and none is tested for change"
TRACK_EXAMPLE = """\
on the sample study, in a clone; or with S the folder of yours:
  S=data/sample/raw/tcr
  tilseq repertoire track $S/SIM-01_D7_tcr.tsv.gz $S/SIM-01_D28_tcr.tsv.gz --product $S/SIM-01_product_tcr.tsv.gz \\
      --baseline $S/SIM-01_baseline_tcr.tsv.gz --count-of templates -o tracked"""


@dataclass(frozen=True)
class _How:
    """How files are read, and the cells behind their counts: as told, and as replicates tell them."""

    dialect: str | None
    locus: str | None
    count_of: str | None
    cells: dict[str, float]
    estimated: Estimates


def files_option(name: str, text: str, *, required: bool = False) -> Callable[[Any], Any]:
    """Return an option of files that may be given several times."""
    return click.option(
        f"--{name}", f"{name}s", required=required, multiple=True, type=click.Path(path_type=Path), help=text
    )


@click.command("track", cls=Examples, example=TRACK_EXAMPLE)
@click.argument("paths", metavar="BLOOD...", nargs=-1, required=True, type=click.Path(path_type=Path))
@files_option(
    "product",
    "Clonotypes of the infusion product. Repeats: several lots are taken together; give those infused before the first "
    "BLOOD.",
    required=True,
)
@files_option("baseline", "Clonotypes of blood before the infusion. Repeats.")
@files_option("tumor", "Clonotypes of the tumour. Repeats.")
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1, min_open=True),
    default=1e-3,
    show_default=True,
    help="Share of T cells: a clone not seen is absent only where a sample would show one of this share.",
)
@output_folder
@cells_option
@replicates_option
@dialect_option
@locus_option
@count_option
def track_command(
    paths: tuple[Path, ...],
    products: tuple[Path, ...],
    baselines: tuple[Path, ...],
    tumors: tuple[Path, ...],
    threshold: float,
    output: Path,
    cells: tuple[str, ...],
    replicates: tuple[str, ...],
    dialect: str | None,
    locus: str | None,
    count_of: str | None,
) -> int:
    """Follow the clones of one subject's infusion product through its BLOOD samples after the infusion.

    
    Writes to the output folder, each as CSV and Parquet
      persistence     what infused clones hold of each blood sample, and what is kept of them, with limits
      clones          each followed clone in each sample: share, limits, limit of detection, call
      origins         each clone: where it was seen and where it comes from
      origin_classes  how many clones come from where, and how many of those are wrong at least
      near_matches    clones of blood that are near an infused one and are none of them
      change          clones tested from the product to each sample of blood, and from each to the next as given
      exclusions      rows of the files that took no part

    Limits and absence need the number of cells behind the counts: see --cells, --count-of and
    --replicates.
    """
    from tilseq.tables.outputs import EXCLUSIONS
    from tilseq.tables.repertoire import PERSISTENCE

    files = (*paths, *products, *baselines, *tumors)
    known = cells_given(cells, sample_names(files))
    refuse_copies(files)
    how = _How(dialect, locus, count_of, known, cells_of_replicates(replicates, files, dialect, locus))
    named = {"product": products, "baseline": baselines, "tumor": tumors}
    references = {name: [_read_reference(one, how) for one in some] for name, some in named.items()}
    after, status = _read_blood(paths, references["product"], how)
    if not after:
        return status
    later, given = _with_cells(after, references, how)
    every = [one for some in (later, *given.values()) for one in some]
    refuse_same_clones({sample: one.table for sample, one, *_ in every})
    _tell_strangers(later, [*given["product"], *given["baseline"]])
    _tell_lots(given["product"])
    _tell_exchanged(later, given)
    _tell_without_depth(later)
    persistence, followed = _follow(later, given, threshold)
    left_out = joined([rows for *_, rows in every]).unique(maintain_order=True)
    write_tables([(persistence, PERSISTENCE), *followed, (left_out, EXCLUSIONS)], output)
    _tell_mass(persistence, [sample for sample, *_ in later])
    tell_written(output)
    return status


def _read(path: Path, how: _How) -> Read:
    sample = sample_name(path)
    clonotypes, left_out = read_file(path, sample, how.dialect, how.locus)
    counted_by(sample, clonotypes, how.count_of)  # raises where the file says otherwise
    return sample, clonotypes, left_out


def _read_reference(path: Path, how: _How) -> Read:
    """Read a file that clones are sought in; one without any is refused."""
    from tilseq.errors import AnalysisError

    found = _read(path, how)
    if not found[1].table.height:
        raise AnalysisError(f"{path} holds no clonotype: what it would show is not known, and no clone is absent")
    return found


def _read_blood(paths: tuple[Path, ...], products: list[Read], how: _How) -> tuple[list[Read], int]:
    """Read the samples of blood that share a locus with the product; return them, and the exit code."""
    from tilseq.repertoire import pooled
    from tilseq.repertoire.persistence import check_loci

    pooled([(one.table, counted_by(sample, one, how.count_of)) for sample, one, _ in products])  # raises for two kinds
    lots = joined([one.table for _, one, _ in products])

    def read(path: Path) -> Read:
        found = _read(path, how)
        check_loci(found[1].table, lots)
        return found

    return each_file(paths, read)


def _with_cells(
    after: list[Read], references: dict[str, list[Read]], how: _How
) -> tuple[list[Known], dict[str, list[Known]]]:
    """Return blood and references with the effective cells of their clones; how templates count all tell together."""
    from tilseq.repertoire import with_depth

    every = [one for some in (after, *references.values()) for one in some]
    miscounted = miscounted_in([(sample, one) for sample, one, _ in every], how.count_of)

    def known(found: Read, lost: str) -> Known:
        sample, clonotypes, left_out = found
        told = how.cells.get(sample), how.estimated.get(sample)
        depth = depth_of(sample, clonotypes, how.count_of, *told, miscounted=miscounted, lost=lost)
        return sample, clonotypes, with_depth(clonotypes.table, depth), left_out

    given = {name: [known(one, LOST_OF_REFERENCE) for one in some] for name, some in references.items()}
    return [known(one, LOST_OF_BLOOD) for one in after], given


def _follow(
    later: list[Known], given: dict[str, list[Known]], threshold: float
) -> tuple[pl.DataFrame, list[tuple[pl.DataFrame, Table]]]:
    """Return the table `persistence`, and the other tables of the clones."""
    from tilseq.repertoire import near_matches, track
    from tilseq.repertoire.near_matches import whole_product
    from tilseq.repertoire.track import changes
    from tilseq.tables.tracking import CHANGE, CLONES, NEAR_MATCHES, ORIGIN_CLASSES, ORIGINS

    samples = {name: {sample: clones for sample, _, clones, _ in some} for name, some in given.items()}
    blood = {sample: clones for sample, _, clones, _ in later}
    tracked = track(blood, **samples, threshold=threshold)
    product = whole_product(list(samples["product"].values()), [one.table for _, one, *_ in given["product"]])
    near = joined([near_matches(one.table, product, sample=sample) for sample, one, *_ in later])
    return tracked.persistence, [
        (tracked.clones, CLONES),
        (tracked.origins, ORIGINS),
        (tracked.origin_classes, ORIGIN_CLASSES),
        (changes(samples["product"], blood), CHANGE),
        (near, NEAR_MATCHES),
    ]


def _tell_mass(persistence: pl.DataFrame, samples: list[str]) -> None:
    """Say on stderr what clones of the product hold of each sample."""
    from tilseq.report.words import share

    held = persistence.filter(measure="mass")
    for sample in samples:
        for row in held.filter(sample=sample).iter_rows(named=True):
            if row["value"] is None:
                told = f"are not seen in {row['locus']}, of unknown cells: neither 0 nor a limit"
            elif row["value"] == 0:
                told = f"are not seen in {row['locus']}: below {share(row['limit_of_detection'])} %"
            else:
                told = f"hold {share(row['value'], row['lower'], row['upper'])} % of {row['locus']}"
            n = row["n_effective"]
            few = f", by {n:.0f} cells alone" if n is not None and n < FEW_CELLS else ""
            click.echo(f"{sample}: clones of the product {told}{few}", err=True)


def _tell_strangers(later: list[Known], own: list[Known]) -> None:
    """Say on stderr which samples hold next to nothing of what product and baseline show, as swapped tubes do."""
    known = joined([clones.select("locus", "junction") for _, _, clones, _ in own])
    for sample, _, clones, _ in later:
        shared = int(clones.join(known, on=("locus", "junction"), how="semi")["duplicate_count"].sum())
        if shared <= LEAST_SHARED * int(clones["duplicate_count"].sum()):
            click.echo(
                f"{sample}: clones of product and baseline hold {shared} of its counts: is it of this subject? See "
                "tilseq repertoire contamination; what it shows as emergent may be another subject's",
                err=True,
            )


def _tell_lots(lots: list[Known]) -> None:
    """Say on stderr which lots of the product hold next to nothing of the others: all are taken for the subject's."""
    from tilseq.repertoire.product_lots import lots_apart

    for sample, reason in lots_apart({sample: clones for sample, _, clones, _ in lots}).items():
        click.echo(f"{sample}: {reason}", err=True)


def _tell_exchanged(later: list[Known], given: dict[str, list[Known]]) -> None:
    """Say on stderr which samples of blood may be the product, and the product these."""
    from tilseq.repertoire.exchanged import exchanged_with_baseline, exchanged_with_product

    known = {name: joined([clones for _, _, clones, _ in some]) for name, some in given.items() if some}
    asked = [(later, exchanged_with_product, "baseline"), (given["baseline"], exchanged_with_baseline, "tumor")]
    for blood, exchanged, name in asked:
        for sample, _, clones, _ in blood if name in known else ():
            if reason := exchanged(clones, known["product"], known[name]):
                click.echo(f"{sample}: {reason}", err=True)


def _tell_without_depth(later: list[Known]) -> None:
    """Say on stderr which of several samples are not compared at the depth that they have in common."""
    from tilseq.repertoire.still_seen import without_depth

    for sample, _, clones, _ in later if len(later) > 1 else ():
        reason = without_depth(clones)
        if reason is not None:
            click.echo(f"{sample}: {reason}", err=True)
