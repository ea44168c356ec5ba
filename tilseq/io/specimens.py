"""Files that hold several libraries or samples, as Cell Ranger's aggr and combined exports do."""

from __future__ import annotations

import polars as pl

from tilseq.errors import TableError, first_few
from tilseq.io.clonotype_rows import NO_VALUE, Rows
from tilseq.io.dialects import OF_SAMPLES

MOST_NAMED = 5
# aggr is told of each library whose it is and what of: https://support.10xgenomics.com, cellranger aggr for V(D)J.
OF_A_LIBRARY = {"donor": "donors", "origin": "origins"}
OF_A_SPECIMEN = {**OF_A_LIBRARY, "subject_id": "subjects", "sample_name": "samples"}
MAY_BE_REPLICATES = tuple(name for name in OF_SAMPLES if name not in OF_A_SPECIMEN)
WELL = "^[ACGTN]{14,}-([0-9]+)$"  # the barcode of a cell, and the number of its GEM well


def refuse_several_specimens(rows: Rows) -> None:
    """Raise where a file says itself that it is of several donors, origins, subjects or samples: no sample is."""
    for name, several in OF_A_SPECIMEN.items():
        found = _values(rows, name)
        if len(found) > 1:
            raise TableError(
                f"the file is of {len(found)} {several}, and a sample is of one",
                file=rows.file,
                row=rows.table.filter(pl.col(name) == found[1])["row"][0],
                column=rows.headers.get(name, name),
                found=first_few(found.to_list(), MOST_NAMED),
                mend=f"write the rows of each {name} into a file of its own, or give each library's own file",
            )


def several_samples(rows: Rows) -> list[str]:
    """Say that a file names several repertoires or samples, which may still be replicates of one."""
    found = {name: _values(rows, name) for name in MAY_BE_REPLICATES}
    return [
        f"rows of {len(values)} {rows.headers[name]} are read as one sample: {first_few(values.to_list(), MOST_NAMED)}"
        for name, values in found.items()
        if len(values) > 1
    ]


def _values(rows: Rows, name: str) -> pl.Series:
    """Return the distinct values of a column, in the order of the file; none where the file does not have it."""
    if name not in rows.table.columns:
        return pl.Series([], dtype=pl.String)
    values = rows.table[name].drop_nulls().unique(maintain_order=True)
    return values.filter(~values.is_in(NO_VALUE))


def several_wells(rows: Rows, cells: pl.Series) -> list[str]:
    """Say that barcodes are of several GEM wells, unless the file tells that all are of one donor and origin."""
    if set(OF_A_LIBRARY) <= set(rows.table.columns):
        return []
    wells = cells.unique().str.extract(WELL).drop_nulls().value_counts().sort(pl.nth(0).cast(pl.Int64))
    if wells.height < 2:
        return []
    told = first_few([f"of -{well}: {number}" for well, number in wells.rows()], MOST_NAMED)
    return [f"barcodes of {wells.height} GEM wells, as aggr joins libraries: are all of one sample? Cells {told}"]
