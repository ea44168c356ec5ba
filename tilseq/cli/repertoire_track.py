"""`tilseq repertoire track`."""

from __future__ import annotations

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
    write_result,
)
from tilseq.cli.repertoire_depth import cells_of_replicates, depth_of, miscounted_in, replicates_option
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

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from tilseq.io.clonotypes import Clonotypes
    from tilseq.repertoire.track import Tracked

    Read = tuple[str, Clonotypes, pl.DataFrame]  # sample, clonotypes, exclusions
    Known = tuple[str, Clonotypes, pl.DataFrame, pl.DataFrame]  # clones with their effective cells before exclusions

LEAST_SHARED = 0.01  # of the counts of a sample of the subject
# What is lost where the cells behind a file's counts are not known.
LOST_OF_BLOOD = "no limits and no common depth"
LOST_OF_REFERENCE = "no clone is absent from it and none is tested for change"
TRACK_EXAMPLE = """\
S=data/sample/raw/tcr    # of the sample study, in a clone; or yours
tilseq repertoire track $S/SIM-01_D7_tcr.tsv.gz $S/SIM-01_D28_tcr.tsv.gz --product $S/SIM-01_product_tcr.tsv.gz \\
    --baseline $S/SIM-01_baseline_tcr.tsv.gz --count-of templates -o tracked"""


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
    Writes to the output folder
      persistence.csv   what infused clones hold of each blood sample, and what is kept of them, with limits
      clones.csv        each followed clone in each sample: share, limits, limit of detection, call
      origins.csv       each clone: where it was seen and where it comes from
      origin_classes.csv  how many clones come from where, and how many of those are wrong at least
      near_matches.csv  clones of blood that are near an infused one and are none of them
      change.csv        clones tested from the product to each sample of blood, and from each to the next as given
      exclusions.csv    rows of the files that took no part

    Limits and absence need the number of cells behind the counts: see --cells, --count-of and
    --replicates.
    """
    from tilseq.errors import AnalysisError
    from tilseq.repertoire import near_matches, pooled, track, with_depth
    from tilseq.repertoire.near_matches import whole_product
    from tilseq.repertoire.persistence import check_loci
    from tilseq.repertoire.track import changes
    from tilseq.tables.outputs import EXCLUSIONS

    files = (*paths, *products, *baselines, *tumors)
    known = cells_given(cells, sample_names(files))
    refuse_copies(files)
    estimated = cells_of_replicates(replicates, files, dialect, locus)

    def read(path: Path) -> Read:
        sample = sample_name(path)
        clonotypes, left_out = read_file(path, sample, dialect, locus)
        counted_by(sample, clonotypes, count_of)  # raises where the file says otherwise
        return sample, clonotypes, left_out

    def read_given(path: Path) -> Read:
        found = read(path)
        if not found[1].table.height:
            raise AnalysisError(f"{path} holds no clonotype: what it would show is not known, and no clone is absent")
        return found

    references = {name: [read_given(one) for one in some] for name, some in _named(products, baselines, tumors).items()}
    pooled([(one.table, counted_by(sample, one, count_of)) for sample, one, _ in references["product"]])
    lots = joined([one.table for _, one, _ in references["product"]])

    def read_later(path: Path) -> Read:
        found = read(path)
        check_loci(found[1].table, lots)
        return found

    after, status = each_file(paths, read_later)
    if not after:
        return status
    read_all = [one for some in (after, *references.values()) for one in some]
    miscounted = miscounted_in([(sample, one) for sample, one, _ in read_all], count_of)

    def known_cells(found: Read, lost: str) -> Known:
        sample, clonotypes, left_out = found
        told = known.get(sample), estimated.get(sample)
        depth = depth_of(sample, clonotypes, count_of, *told, miscounted=miscounted, lost=lost)
        return sample, clonotypes, with_depth(clonotypes.table, depth), left_out

    given = {name: [known_cells(one, LOST_OF_REFERENCE) for one in some] for name, some in references.items()}
    later = [known_cells(one, LOST_OF_BLOOD) for one in after]
    every = [one for some in (later, *given.values()) for one in some]
    refuse_same_clones({sample: one.table for sample, one, *_ in every})
    _tell_strangers(later, [*given["product"], *given["baseline"]])
    _tell_lots(given["product"])
    _tell_without_depth(later)
    samples = {name: {sample: clones for sample, _, clones, _ in some} for name, some in given.items()}
    blood = {sample: clones for sample, _, clones, _ in later}
    tracked = track(blood, **samples, threshold=threshold)
    product = whole_product(list(samples["product"].values()), [one.table for _, one, *_ in given["product"]])
    near = joined([near_matches(one.table, product, sample=sample) for sample, one, *_ in later])
    _write(tracked, near, changes(samples["product"], blood), output)
    left_out = joined([rows for *_, rows in every]).unique(maintain_order=True)
    write_result(left_out, EXCLUSIONS, str(output / "exclusions.csv"))
    _tell_mass(tracked.persistence, list(blood))
    tell_written(output)
    return status


def _write(tracked: Tracked, near: pl.DataFrame, change: pl.DataFrame, output: Path) -> None:
    from tilseq.tables.repertoire import PERSISTENCE
    from tilseq.tables.tracking import CHANGE, CLONES, NEAR_MATCHES, ORIGIN_CLASSES, ORIGINS

    write_result(tracked.persistence, PERSISTENCE, str(output / "persistence.csv"))
    write_result(tracked.clones, CLONES, str(output / "clones.csv"))
    write_result(tracked.origins, ORIGINS, str(output / "origins.csv"))
    write_result(tracked.origin_classes, ORIGIN_CLASSES, str(output / "origin_classes.csv"))
    write_result(change, CHANGE, str(output / "change.csv"))
    write_result(near, NEAR_MATCHES, str(output / "near_matches.csv"))


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
            click.echo(f"{sample}: clones of the product {told}", err=True)


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


def _tell_without_depth(later: list[Known]) -> None:
    """Say on stderr which of several samples are not compared at the depth that they have in common."""
    from tilseq.repertoire.still_seen import without_depth

    for sample, _, clones, _ in later if len(later) > 1 else ():
        reason = without_depth(clones)
        if reason is not None:
            click.echo(f"{sample}: {reason}", err=True)


def _named(
    products: tuple[Path, ...], baselines: tuple[Path, ...], tumors: tuple[Path, ...]
) -> dict[str, tuple[Path, ...]]:
    return {"product": products, "baseline": baselines, "tumor": tumors}
