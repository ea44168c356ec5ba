"""`tilseq repertoire cells`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tilseq.cli.common import Examples, each_file, output_folder, sample_name, sample_names, tell_written
from tilseq.cli.repertoire_files import files, joined, tell
from tilseq.cli.results import write_tables

if TYPE_CHECKING:
    import polars as pl

EXAMPLE = """\
on the sample study, in a clone; or with S the folder of yours:
  S=data/sample/raw/sctcr
  tilseq repertoire cells $S/SIM-01_product_sctcr.csv.gz $S/SIM-01_D28_sctcr.csv.gz -o cells"""


@click.command("cells", cls=Examples, example=EXAMPLE)
@files
@output_folder
@click.option("--dialect", type=click.Choice(["10x", "airr"]), help="Dialect, by default what the header says.")
def cells_command(paths: tuple[Path, ...], output: Path, dialect: str | None) -> int:
    """Pair the chains of the single cells of each FILE (10x contig annotations, or AIRR with cell_id).

    Writes to the output folder cells (a row a cell: its chains, how they pair, whether it may be two cells),
    cell_quality (cells of each kind, with limits), quality and exclusions; of clonotypes by both chains paired_clones,
    diversity and, of several files, overlap; each as CSV and Parquet. A file that cannot be read does not stop the
    others.
    """
    import polars as pl

    from tilseq.io.contigs import read_contigs
    from tilseq.repertoire import cell_checks, cell_quality, chain_pairing, diversity, paired_clones
    from tilseq.tables.outputs import EXCLUSIONS, QUALITY
    from tilseq.tables.repertoire import CELL_QUALITY, CELLS, DIVERSITY, OVERLAP, PAIRED_CLONES

    sample_names(paths)

    def measure(path: Path) -> dict[str, pl.DataFrame]:
        sample = sample_name(path)
        contigs = read_contigs(path, dialect=dialect)
        tell(sample, contigs)
        cells = chain_pairing(contigs.table, sample=sample, cells=contigs.cells)
        clones, alone = paired_clones(cells)
        left_out = alone.with_columns(file=pl.lit(str(path)), row=pl.lit(None, pl.Int64))
        return {
            CELLS.name: cells,
            CELL_QUALITY.name: cell_quality(cells),
            QUALITY.name: cell_checks(cells),
            PAIRED_CLONES.name: clones,
            DIVERSITY.name: diversity(clones, sample=sample, count_of="cells"),
            EXCLUSIONS.name: pl.concat(
                [contigs.exclusions.with_columns(sample=pl.lit(sample)), left_out], how="diagonal"
            ),
        }

    results, status = each_file(paths, measure)
    if results:
        tables = (CELLS, CELL_QUALITY, QUALITY, PAIRED_CLONES, DIVERSITY, EXCLUSIONS)
        written = [(joined([found[table.name] for found in results]), table) for table in tables]
        if len(results) > 1:
            written.append((_overlap([found[PAIRED_CLONES.name] for found in results]), OVERLAP))
        write_tables(written, output)
        tell_written(output)
    return status


def _overlap(clones: list[pl.DataFrame]) -> pl.DataFrame:
    """Return the overlap of all pairs of samples by the paired clonotype."""
    from tilseq.repertoire import depth, overlap

    tables = {of_sample["sample"][0]: of_sample for of_sample in clones if of_sample.height}
    depths = {sample: depth(of_sample, sample=sample, count_of="cells") for sample, of_sample in tables.items()}
    effective = {sample: dict(known.select("locus", "n_effective").iter_rows()) for sample, known in depths.items()}
    return overlap(tables, n_effective=effective)
