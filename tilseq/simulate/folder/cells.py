"""Single-cell libraries and bulk RNA of a subject, and what each cell truly is."""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict

import numpy as np
import polars as pl

from tilseq.io.files import write_text
from tilseq.simulate import files
from tilseq.simulate.cells.capture import capture
from tilseq.simulate.cells.expression import Counted, bulk_counts, draw_counts
from tilseq.simulate.cells.h5ad import write_h5ad
from tilseq.simulate.cells.programmes import draw_clone_effects
from tilseq.simulate.clones import Floats
from tilseq.simulate.folder.context import Context, Rows
from tilseq.simulate.plan import Sample
from tilseq.simulate.sequencing import contigs

CELLS_OF_BULK = 2_000  # cells that stand for the specimen of a bulk library
TUMOR_UMIS = 0.65  # receptor UMIs of a tumour's cells beside those of blood, as in the public contigs


def write_single_cells(context: Context, sample: Sample, *, receptors: bool) -> Rows:
    """Write the counts of one library as AnnData and, if wanted, the contigs of the same cells; return their rows."""
    rng = context.stream(sample.name, "cells")
    specimen = context.subject.specimen(sample.specimen, sample.day, sample.lot)
    cells = capture(rng, context.subject, specimen, context.design.single_cells)
    cells = contigs.draw_doublets(rng, cells)
    counted = _counts(context, sample, cells)
    first = cells["barcode"].is_first_distinct()
    kept = first.arg_true().to_numpy()
    counted = replace(counted, counts=counted.counts[kept], levels=counted.levels[kept])
    library: dict[str, object] = {"library": sample.name, "run": f"sc-{sample.visit}"}
    path = f"raw/scrna/{sample.name}.h5ad"
    obs = cells.filter(first).select("barcode", sample=pl.lit(sample.name))
    write_h5ad(context.folder / path, counted, obs)
    rows: Rows = {"samples": [sample.row(path=path, **library)]}
    if receptors:
        efficiency = TUMOR_UMIS if sample.specimen == "tumor" else 1.0
        found = contigs.draw_contigs(context.stream(sample.name, "contigs"), cells, efficiency=efficiency)
        name, path = f"{sample.name}tcr", f"raw/sctcr/{sample.name}tcr.csv.gz"
        files.write_gzip_table(found, context.folder / path)
        rows["samples"].append(replace(sample, name=name, assay="tcr").row(path=path, **library))
    files.write_gzip_table(_truth(cells, counted), context.folder / "truth" / "cells" / f"{sample.name}.csv.gz")
    return rows


def write_bulk_rna(context: Context, sample: Sample) -> Rows:
    """Write the counts of one bulk library; return its rows of `samples` and of the true `programmes`."""
    rng = context.stream(sample.name, "rna")
    specimen = context.subject.specimen(sample.specimen, sample.day, sample.lot)
    cells = _with_v_genes(capture(rng, context.subject, specimen, CELLS_OF_BULK))
    bulk = bulk_counts(rng, cells, sample.specimen, sample.day, **_shared(context, sample))
    path = f"raw/rna/{sample.name}.tsv"
    write_text(context.folder / path, bulk.counts.write_csv(separator="\t"))
    truth: list[dict[str, object]] = [
        {"sample": sample.name, "programme": name, "mean_level": level} for name, level in bulk.levels.items()
    ]
    return {"samples": [sample.row(path=path, run=f"rna-{sample.visit}")], "programmes": truth}


def _counts(context: Context, sample: Sample, cells: pl.DataFrame) -> Counted:
    rng = context.stream(sample.name, "counts")
    return draw_counts(rng, _with_v_genes(cells), sample.specimen, sample.day, **_shared(context, sample))


class _Shared(TypedDict):
    sample_rng: np.random.Generator
    clone_effects: Floats


def _shared(context: Context, sample: Sample) -> _Shared:
    """Return what all expression assays of one specimen, and all specimens of a subject, have in common."""
    return {
        "sample_rng": context.stream(sample.drawn, "expression"),
        "clone_effects": draw_clone_effects(context.stream("clone effects"), context.subject.clones.height),
    }


def _with_v_genes(cells: pl.DataFrame) -> pl.DataFrame:
    """Add the names of each cell's V genes, without allele."""
    return cells.with_columns(
        pl.col(f"{chain}_v_call").str.replace(r"\*.*$", "").alias(name)
        for chain, name in (("tra", "trav"), ("trb", "trbv"))
    )


def _truth(cells: pl.DataFrame, counted: Counted) -> pl.DataFrame:
    """Return what each droplet holds: of a doublet the second cell's clone too; levels are of the first cell."""
    first = cells.filter(pl.col("barcode").is_first_distinct()).select("barcode", "state", "lineage", "infused")
    levels = {name: counted.levels[:, place] for place, name in enumerate(counted.programmes)}
    clones = contigs.true_clones(cells)
    return first.join(clones, on="barcode", maintain_order="left").with_columns(**levels)
