"""What a sample of single cells has beside its clonotypes: the receptor of each cell, and clonotypes of both chains."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tilseq.steps.job import Job, only_path

if TYPE_CHECKING:
    import polars as pl


def write_cells(job: Job, folder: Path) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Write a sample's cells, how many are of each kind, and its clonotypes of both chains.

    All loci of the file count, whatever locus the study uses: a pair takes two.

    Returns
    -------
    diversity, quality, exclusions
        Rows of these tables: the indices of paired clonotypes, the checks of cells, the cells without a pair.
    """
    import polars as pl

    from tilseq.io.contigs import read_contigs
    from tilseq.io.write import write_parquet
    from tilseq.repertoire.cell_quality import cell_checks, cell_quality
    from tilseq.repertoire.chains import chain_pairing
    from tilseq.repertoire.diversity import diversity
    from tilseq.repertoire.paired_clones import paired_clones
    from tilseq.tables.outputs import EXCLUSIONS
    from tilseq.tables.repertoire import CELL_QUALITY, CELLS, PAIRED_CLONES

    contigs = read_contigs(only_path(job), dialect=job.arguments["dialect"])
    cells = chain_pairing(contigs.table, sample=job.unit, cells=contigs.cells)
    clones, alone = paired_clones(cells)
    write_parquet(cells, CELLS, folder)
    write_parquet(cell_quality(cells), CELL_QUALITY, folder)
    write_parquet(clones, PAIRED_CLONES, folder)
    indices = diversity(clones, sample=job.unit, count_of="cells")
    left_out = alone.with_columns(file=pl.lit((job.sample or {})["path"]), row=pl.lit(None, pl.Int64))
    return indices, cell_checks(cells), left_out.select(EXCLUSIONS.names)
