"""`tilseq repertoire label`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
from tilseq.cli.repertoire_depth import depth_of
from tilseq.cli.repertoire_files import (
    cells_given,
    cells_option,
    count_option,
    counted_by,
    counts_of,
    joined,
    read_file,
    tell,
)
from tilseq.cli.results import write_tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from tilseq.io.clonotypes import Clonotypes
    from tilseq.io.contigs import Contigs
    from tilseq.repertoire import Miscounting, ProductLot

EXAMPLE = """\
on the sample study, in a clone; or with S the folder of yours:
  S=data/sample/raw
  tilseq repertoire label $S/sctcr/SIM-01_D28_sctcr.csv.gz --product $S/tcr/SIM-01_product_tcr.tsv.gz \\
      --count-of templates -o labels
  tilseq repertoire label $S/sctcr/SIM-02_D28_sctcr.csv.gz --product $S/sctcr/SIM-02_productA_sctcr.csv.gz \\
      --product $S/sctcr/SIM-02_productB_sctcr.csv.gz --h5ad SIM-02_D28_sctcr=$S/scrna/SIM-02_D28_sc.h5ad -o two_lots"""


MENDS = "--count-of, --cells"  # of cells that are not known
LOST = "no cell has a probability"


@click.command("label", cls=Examples, example=EXAMPLE)
@click.argument("paths", metavar="CELLS...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--product",
    "products",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path),
    help="Clonotypes of the infusion product, bulk or single cells. Repeats: lots, and libraries of one lot.",
)
@output_folder
@cells_option
@count_option
@click.option(
    "--alike",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Product of another subject, of templates of DNA that the same laboratory counted: together they tell how "
    "often it counts one twice. Repeats.",
)
@click.option(
    "--beside",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Any other library of templates that the same laboratory counted, such as blood of this subject or another: "
    "naive clones, of one cell each, tell surely what products leave open. Repeats.",
)
@click.option(
    "--h5ad",
    "h5ads",
    multiple=True,
    metavar="SAMPLE=FILE",
    help="AnnData of a sample's cells: a copy with the labels in obs is written to the output folder. Repeats.",
)
def label_command(
    paths: tuple[Path, ...],
    products: tuple[Path, ...],
    output: Path,
    cells: tuple[str, ...],
    count_of: str | None,
    alike: tuple[Path, ...],
    beside: tuple[Path, ...],
    h5ads: tuple[str, ...],
) -> int:
    """Say of each cell of CELLS whether the infusion product has its clone, and the chance that it had.

    CELLS are 10x contig annotations, or AIRR with cell_id, of one subject. A cell that is not seen in the product may
    be of a clone that was there and missed: its chance says so, and needs the product's depth (--cells NAME=NUMBER,
    with NAME that of a product's file, and --count-of).

    Writes cell_labels (a row a cell), quality and exclusions to the output folder, each as CSV and Parquet.
    """
    import polars as pl

    from tilseq.io.contigs import read_contigs
    from tilseq.repertoire import cell_labels, label_checks, miscounted_templates
    from tilseq.repertoire.cell_labels import unsure_templates
    from tilseq.repertoire.label_checks import COUNTING
    from tilseq.tables.cell_labels import CELL_LABELS
    from tilseq.tables.outputs import EXCLUSIONS, QUALITY

    objects = _objects(h5ads, sample_names(paths))
    known = cells_given(cells, sample_names(products))
    refuse_copies((*paths, *products, *alike, *beside))
    names = sample_names((*products, *alike, *beside))
    read = [_library(path, count_of) for path in products]
    others = [_of_templates(path, count_of, "--alike") for path in alike]
    others += [_of_templates(path, count_of, "--beside") for path in beside]
    other_tables = dict(zip(names[len(products) :], (table for table, _ in others), strict=True))
    of_templates = [one.table for _, one, counted, _ in read if counted == "templates"]
    miscounted = miscounted_templates([*of_templates, *other_tables.values()])
    lots = [_lot(path, clonotypes, counted, known, miscounted) for path, clonotypes, counted, _ in read]
    refuse_same_clones({lot.name: lot.table for lot in lots} | other_tables)
    of_products = [table for table, _ in others[: len(alike)]]

    def measure(path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
        sample = sample_name(path)
        contigs = read_contigs(path)
        tell(sample, contigs)
        labels = cell_labels(_paired(contigs, sample), lots, miscounted=miscounted, alike=of_products)
        if sample in objects:
            _write_object(labels, objects[sample], output / f"{sample}.h5ad")
        return labels, contigs.exclusions.with_columns(sample=pl.lit(sample))

    results, status = each_file(paths, measure)
    if results:
        labels = joined([found for found, _ in results])
        every = [*(rows for _, _, _, rows in read), *(rows for _, rows in (*others, *results))]
        left_out = joined(every).unique(maintain_order=True)
        checks = label_checks(labels, unsure=unsure_templates(lots, miscounted))
        write_tables([(labels, CELL_LABELS), (checks, QUALITY), (left_out, EXCLUSIONS)], output)
        for sample, reason in checks.filter(check=COUNTING).select("sample", "reason").iter_rows():
            click.echo(f"{sample}: {reason} (--beside)", err=True)
        tell_written(output)
    return status


def _objects(options: tuple[str, ...], samples: list[str]) -> dict[str, Path]:
    """Return the h5ad file of each sample, from `SAMPLE=FILE`."""
    found = {}
    for option in options:
        sample, equals, path = option.partition("=")
        if not equals or sample not in samples:
            raise click.UsageError(f"--h5ad {option}: write SAMPLE=FILE, with a sample of {', '.join(samples)}")
        if sample in found:
            raise click.UsageError(f"--h5ad {option}: the file of {sample!r} is given twice")
        found[sample] = Path(path)
    return found


def _paired(contigs: Contigs, sample: str) -> pl.DataFrame:
    from tilseq.repertoire import chain_pairing

    return chain_pairing(contigs.table, sample=sample, cells=contigs.cells)


def _library(path: Path, count_of: str | None) -> tuple[Path, Clonotypes, str, pl.DataFrame]:
    """Return a library of the product: its file, clonotypes, what they count, and its rows of `exclusions`."""
    name = sample_name(path)
    clonotypes, left_out = read_file(path, name, None, None)
    counted = "cells" if clonotypes.dialect == "10x" else counted_by(name, clonotypes, count_of)
    return path, clonotypes, counted, left_out


def _lot(
    path: Path, clonotypes: Clonotypes, counted: str, cells: dict[str, float], miscounted: Mapping[str, Miscounting]
) -> ProductLot:
    """Return a library of the product with the cells behind it."""
    from tilseq.io.contigs import read_contigs
    from tilseq.repertoire import ProductLot
    from tilseq.repertoire.depth import share_cells

    name = sample_name(path)
    depths = depth_of(name, clonotypes, counted, cells.get(name), None, miscounted=miscounted, mends=MENDS, lost=LOST)
    receptors = _paired(read_contigs(path), name) if clonotypes.dialect == "10x" else None
    return ProductLot(name, clonotypes.table, share_cells(depths), receptors, counted)


def _of_templates(path: Path, count_of: str | None, option: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the clonotypes of another library, whose counts must be templates, and its `exclusions`."""
    from tilseq.errors import AnalysisError
    from tilseq.repertoire.depth import is_cut_off

    name = sample_name(path)
    clonotypes, left_out = read_file(path, name, None, None)
    counted = counted_by(name, clonotypes, count_of)
    if counted != "templates":
        raise AnalysisError(
            f"{option} is for templates of DNA",
            found=f"{counts_of(counted)} in {path}",
            mend="say --count-of templates if that is what all files count, else leave it out",
        )
    for (locus,), of_locus in clonotypes.table.partition_by("locus", as_dict=True).items():
        if is_cut_off(of_locus["duplicate_count"]):
            least = of_locus["duplicate_count"].min()
            raise AnalysisError(
                f"{option} is for libraries with all of their clones",
                file=path,
                found=f"no clone of {locus} counted less than {least!s} times",
                mend="give the table before it was cut, or leave it out",
            )
    return clonotypes.table, left_out


def _write_object(labels: pl.DataFrame, source: Path, target: Path) -> None:
    from tilseq.io.cell_obs import write_cell_labels
    from tilseq.io.h5ad import read_h5ad

    data = read_h5ad(source)
    write_cell_labels(data, labels)
    target.parent.mkdir(parents=True, exist_ok=True)
    data.write_h5ad(target, compression="gzip")
