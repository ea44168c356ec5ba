"""Receptor chains: what share of a specimen's chains each junction truly is, and which ones a library shows."""

from __future__ import annotations

import polars as pl

from benchmarks.truth import Run

OF_LOCUS = {"TRA": ("tra_junction", "tra2_junction"), "TRB": ("trb_junction",)}


def bulk_of(sample: str) -> str:
    """Return the bulk library of the same specimen, whose truth has the shares of its clones."""
    return sample.replace("_sctcr", "_tcr")


def drawn_library(run: Run, sample: str) -> pl.DataFrame:
    """Return the clones of a bulk library, `clone, frequency, counted`, without naive cells, which are of none."""
    return run.truth(f"tcr/{sample}.csv.gz").drop_nulls("clone")


def of_clones(run: Run, subject: str, locus: str) -> pl.DataFrame:
    """Return the chains of a subject's clones, a row a clone and chain; some clones have two alpha chains."""
    clones = run.truth(f"clones/{subject}.csv.gz")
    return pl.concat(clones.select("clone", junction=column) for column in OF_LOCUS[locus]).drop_nulls("junction")


def shares(run: Run, subject: str, held: pl.DataFrame, locus: str) -> pl.DataFrame:
    """Return `junction, share`: of all chains of a specimen's T cells, of whose clones `held` has `clone, frequency`.

    Naive cells, each of its own, hold the rest; they have as many second chains as clones have.
    """
    chains = of_clones(run, subject, locus)
    naive = (1 - held["frequency"].sum()) * chains.height / chains["clone"].n_unique()
    own = held.join(chains, on="clone").group_by("junction").agg(pl.col("frequency").sum()).sort("junction")
    return own.select("junction", share=pl.col("frequency") / (pl.col("frequency").sum() + naive))


def of_product(run: Run, subject: str) -> pl.DataFrame:
    """Return `clone, frequency` of a subject's product, its lots alike, as their libraries are."""
    clones = run.truth(f"clones/{subject}.csv.gz")
    lots = [name for name in clones.columns if name.startswith("product_LOT")]
    share = pl.mean_horizontal(lots) if lots else pl.col("product_frequency")
    return clones.select("clone", frequency=share)


def counted(run: Run, subject: str, sample: str) -> pl.DataFrame:
    """Return `junction, cells` (of DNA templates) that a bulk library counts, naive cells left out."""
    own = drawn_library(run, sample).filter(pl.col("counted") > 0).join(of_clones(run, subject, "TRB"), on="clone")
    return own.group_by("junction").agg(cells=pl.col("counted").sum())


def seen(run: Run, sample: str, locus: str) -> pl.DataFrame:
    """Return `junction, cells` that a library of single cells shows."""
    contigs = pl.read_csv(run.study / "raw" / "sctcr" / f"{sample}.csv.gz", infer_schema_length=None)
    good = pl.col("is_cell", "high_confidence", "productive").cast(pl.String).str.to_lowercase() == "true"
    own = contigs.filter(pl.all_horizontal(good), chain=locus)
    return own.group_by("cdr3_nt").agg(cells=pl.col("barcode").n_unique()).rename({"cdr3_nt": "junction"})
