"""B-cell receptors: families and isotypes that are told of a library, beside the true families of its sequences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from benchmarks.truth import Run, numbers
from benchmarks.truth.diversity import indices

UNSWITCHED = ("IGHM", "IGHD")
FAMILIES = "IGH families"


def families(run: Run, sample: str) -> pl.DataFrame:
    """Return each heavy chain of a library: true `family` (of a naive cell its own), `isotype`, `counted`."""
    genes = ["v_call", "j_call", "junction"]
    true = run.truth(f"bcr/{sample}.csv.gz").filter(locus="IGH").unique(genes, keep="first", maintain_order=True)
    written = pl.read_csv(run.study / "raw" / "bcr" / f"{sample}.tsv.gz", separator="\t", infer_schema_length=None)
    chains = written.filter(locus="IGH").join(true.select(*genes, "family"), on=genes, how="left")
    own = pl.concat_str(pl.lit("naive"), pl.int_range(pl.len()).cast(pl.String))
    return chains.select(
        family=pl.coalesce(pl.col("family").cast(pl.String), own),
        isotype=pl.col("c_call").str.slice(0, 4),
        counted=pl.col("duplicate_count"),
    )


def isotype_shares(chains: pl.DataFrame) -> dict[str, float]:
    """Return the share of families of each isotype, each family once, by most of its sequences; ties count in part."""
    of_family = chains.group_by("family", "isotype").len()
    most = of_family.filter(pl.col("len") == pl.col("len").max().over("family"))
    weight = most.with_columns(weight=1 / pl.len().over("family"))
    total = chains["family"].n_unique()
    shares = {name: part["weight"].sum() / total for (name,), part in weight.group_by("isotype")}
    several = (
        chains.group_by("family")
        .agg(pl.len(), switched=(~pl.col("isotype").is_in(UNSWITCHED)).mean())
        .filter(pl.col("len") > 1)
    )
    shares["switched"] = sum(share for name, share in shares.items() if name not in UNSWITCHED)
    shares["mixed"] = float(several.select(pl.col("switched").is_between(0, 1, closed="none").mean()).item() or 0.0)
    return shares


def compare(run: Run) -> Iterator[pl.DataFrame]:
    """Yield shares of isotypes and indices of families; limits are of the specimen, of which no shares are written."""
    rows = []
    for sample in run.samples().filter(assay="bcr")["sample"]:
        chains = families(run, sample)
        rows += [(sample, "isotype_share", name, share) for name, share in isotype_shares(chains).items()]
        counts = chains.group_by("family").agg(pl.col("counted").sum())["counted"].to_numpy()
        rows += [(sample, name, None, value) for name, value in indices(np.asarray(counts)).items()]
    keys = ["sample", "parameter", "isotype"]
    schema = dict.fromkeys(keys, pl.String) | {"truth": pl.Float64}
    truth = pl.DataFrame(rows, schema=schema, orient="row")
    told = (
        run.endpoints()
        .filter(assay="bcr")
        .filter((pl.col("locus") == FAMILIES) | (pl.col("parameter") == "isotype_share"))
    )
    told = told.filter(pl.col("over").is_null()).drop("lower", "upper")
    for (parameter, isotype), part in told.join(truth, on=keys, nulls_equal=True).group_by(
        "parameter", "isotype", maintain_order=True
    ):
        yield numbers(run, f"B cells, beside the library's true families: {isotype or parameter}", part)
