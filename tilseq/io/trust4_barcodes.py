"""TRUST4's report of barcodes, one row a cell: its chains as rows of their own.

The layout is that of TRUST4's README: `#barcode, cell_type, chain1, chain2, secondary_chain1, secondary_chain2`. A
chain is V, D, J, C, nucleotides and amino acids of its CDR3, reads, name of the contig and, by version, similarity to
the germline and whether it is of full length, parted by commas; `*` stands for none, `;` parts several.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from tilseq.errors import TableError

CHAINS = {"chain1": False, "chain2": False, "secondary_chain1": True, "secondary_chain2": True}
FIELDS = {"v_call": 0, "j_call": 2, "c_call": 3, "junction": 4, "junction_aa": 5, "sequence_id": 7}
FEWEST, MOST = 8, 10
NO_CHAIN = ("*", "")


def chains_of(cells: pl.DataFrame, file: str, headers: Mapping[str, str]) -> pl.DataFrame:
    """Return one row a chain of rows that are cells.

    Parameters
    ----------
    cells
        `row`, `barcode`, and of `CHAINS` what the file has, text.
    file, headers
        The file, and what it calls these columns, for errors.

    Returns
    -------
    polars.DataFrame
        `row, barcode`, the columns of `FIELDS` and `secondary` (whether TRUST4 took another chain of this kind for the
        cell's), in the order of the file.

    Raises
    ------
    TableError
        A chain has fewer fields than 8 or more than 10.
    """
    kinds = [
        cells.select("row", "barcode", column=pl.lit(name), chain=pl.col(name).str.split(";"), secondary=pl.lit(second))
        for name, second in CHAINS.items()
        if name in cells.columns
    ]
    chains = pl.concat(kinds).explode("chain").with_columns(pl.col("chain").str.strip_chars())
    chains = chains.filter(~pl.col("chain").is_in(NO_CHAIN)).sort("row", maintain_order=True)
    fields = chains["chain"].str.split(",")
    wrong = chains.filter(~fields.list.len().is_between(FEWEST, MOST))
    if wrong.height:
        raise TableError(
            "this chain cannot be read",
            file=file,
            row=wrong["row"][0],
            column=headers[wrong["column"][0]],
            found=wrong["chain"][0],
            expected=f"{FEWEST} to {MOST} fields parted by commas, or *",
        )
    return chains.select(
        "row", "barcode", *(fields.list.get(place).alias(name) for name, place in FIELDS.items()), "secondary"
    )
