"""Files of 10x that hold several libraries, as Cell Ranger's aggr joins them: of one specimen, or of several."""

from __future__ import annotations

import polars as pl

from tilseq.errors import TableError, first_few
from tilseq.io.clonotype_rows import NO_VALUE, Rows

MOST_NAMED = 5
# aggr is told of each library whose it is and what of: https://support.10xgenomics.com, cellranger aggr for V(D)J.
OF_A_SPECIMEN = {"donor": "donors", "origin": "origins"}
WELL = "^[ACGTN]{14,}-([0-9]+)$"  # the barcode of a cell, and the number of its GEM well


def refuse_several_specimens(rows: Rows) -> None:
    """Raise where a file says itself that it is of several donors or origins: no sample is."""
    for name, several in OF_A_SPECIMEN.items():
        if name not in rows.table.columns:
            continue
        table = rows.table.filter(pl.col(name).is_not_null(), ~pl.col(name).is_in(NO_VALUE))
        found = table[name].unique(maintain_order=True)
        if len(found) > 1:
            raise TableError(
                f"the file is of {len(found)} {several}, and a sample is of one",
                file=rows.file,
                row=table.filter(pl.col(name) != found[0])["row"][0],
                column=rows.headers.get(name, name),
                found=first_few(found.to_list(), MOST_NAMED),
                mend=f"write the rows of each {name} into a file of its own, or give each library's own file",
            )


def several_wells(rows: Rows, cells: pl.Series) -> list[str]:
    """Say that barcodes are of several GEM wells, unless the file tells that all are of one donor and origin."""
    if set(OF_A_SPECIMEN) <= set(rows.table.columns):
        return []
    wells = cells.unique().str.extract(WELL).drop_nulls().value_counts().sort(pl.nth(0).cast(pl.Int64))
    if wells.height < 2:
        return []
    told = first_few([f"of -{well}: {number}" for well, number in wells.rows()], MOST_NAMED)
    return [f"barcodes of {wells.height} GEM wells, as aggr joins libraries: are all of one sample? Cells {told}"]
