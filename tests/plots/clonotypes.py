"""Clonotypes for figures."""

import polars as pl


def clones(counts, locus="TRB"):
    return pl.DataFrame(
        {
            "locus": locus,
            "junction": ["TGT" + "A" * (3 * i) for i in range(len(counts))],
            "junction_aa": ["C" + "K" * (2 * i) for i in range(len(counts))],
            "v_call": [f"TRBV{10 - 8 * (i % 2)}" for i in range(len(counts))],
            "j_call": "TRBJ1-1",
            "duplicate_count": counts,
        }
    )
