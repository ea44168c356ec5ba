"""Clonotypes of cells by both of their chains."""

from __future__ import annotations

from typing import Any

import polars as pl

from tilseq.repertoire.cell_quality import FULL_PAIR
from tilseq.repertoire.keys import paired
from tilseq.tables import as_polars, conform
from tilseq.tables.repertoire import PAIRED_CLONES

PARTS = ("locus", "junction", "junction_aa", "v_call", "j_call")


def paired_clones(cells: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the clonotypes of each sample's cells by both of their chains, and the cells that have no pair.

    The pair is the first VJ and the first VDJ chain, as in scirpy's `primary_only`: a cell with a second alpha chain is
    of the clone that its first one tells. `tilseq.repertoire.keys.paired` leaves such cells out.

    Parameters
    ----------
    cells
        polars or pandas, table of `tilseq.repertoire.chains.chain_pairing`.

    Returns
    -------
    clones
        The table `paired_clones`: `sample, locus` (`TRA+TRB`, `TRG+TRD`, `IGH+IGK`, `IGH+IGL`), `junction, junction_aa,
        v_call, j_call` (of both chains, parted by `+`; null where one has no gene), `duplicate_count` (cells). Of one
        sample it can be given to `diversity` and `overlap`, with ``count_of="cells"``.
    left_out
        `sample, rule, rows, counts`, for the table `exclusions`: cells by the `chain_pairing` that leaves them without
        a pair; `rows` are chains, `counts` cells.

    Raises
    ------
    TableError
        A column is absent.
    """
    frame = as_polars(cells)
    whole = pl.col("chain_pairing").is_in(FULL_PAIR)
    clones = []
    by_loci = frame.filter(whole).partition_by("sample", "vj_1_locus", "vdj_1_locus", as_dict=True)
    for (sample, vj, vdj), of_loci in by_loci.items():
        chains = pl.concat(
            of_loci.select("cell_id", *(pl.col(f"{place}_{name}").alias(name) for name in PARTS))
            for place in ("vj_1", "vdj_1")
        )
        found, _ = paired(chains, (vdj, vj) if vdj == "IGH" else (vj, vdj))
        clones.append(found.with_columns(sample=pl.lit(sample)))
    alone = frame.filter(~whole).group_by("sample", "chain_pairing")
    left_out = (
        alone.agg(rows=pl.col("chains").sum(), counts=pl.len().cast(pl.Float64))
        .with_columns(rule=pl.format("cell without a pair of chains: {}", "chain_pairing"))
        .select("sample", "rule", "rows", "counts")
        .sort("sample", "rule")
    )
    return conform(pl.concat(clones), PAIRED_CLONES) if clones else PAIRED_CLONES.frame(), left_out
