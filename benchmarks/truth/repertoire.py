"""Repertoires: what infused clones hold, what of the product is still seen, where clones come from, cells' labels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from benchmarks.truth import Run, numbers, words

FREQUENT = 1e-3  # of the product
BULK = r"^(.*)_tcr$"


def subjects(run: Run) -> list[str]:
    """Return the subjects of the study."""
    return sorted(run.samples()["subject"].unique())


def library(run: Run, sample: str) -> pl.DataFrame:
    """Return the clones of a bulk library, `clone, frequency, counted`, without naive cells, which are of none."""
    return run.truth(f"tcr/{sample}.csv.gz").drop_nulls("clone")


def reference(run: Run, subject: str) -> pl.DataFrame:
    """Return each clone's counts in product and baseline, and its share of the product, lots by their counts."""
    own = run.samples().filter(subject=subject, assay="tcr").filter(pl.col("sample").str.contains(BULK))
    clones = run.truth(f"clones/{subject}.csv.gz")
    table = clones.select("clone", "origin", infused="product_frequency", junction="trb_junction")
    lots = [name for name in clones.columns if name.startswith("product_LOT")]
    share = clones.select(pl.mean_horizontal(lots)).to_series() if lots else clones["product_frequency"]
    table = table.with_columns(product=share)
    for name, which in (
        ("in_product", pl.col("specimen") == "infusion_product"),
        ("in_baseline", pl.col("visit") == "baseline"),
    ):
        drawn = [library(run, sample) for sample in own.filter(which)["sample"]]
        counts = pl.concat(drawn).group_by("clone").agg(pl.col("counted").sum().alias(name))
        table = table.join(counts, on="clone", how="left").with_columns(pl.col(name).fill_null(0))
    names = run.samples().filter(pl.col("sample").str.ends_with("_sctcr"), subject=subject, specimen="infusion_product")
    cells = pl.concat(_cells_of_clones(run, name) for name in names["sample"])
    counts = cells.group_by("junction").agg(in_cells=pl.col("barcode").n_unique())
    return table.join(counts, on="junction", how="left").with_columns(pl.col("in_cells").fill_null(0))


def _cells_of_clones(run: Run, sample: str) -> pl.DataFrame:
    """Return each cell of a library of single cells and its TRB junctions."""
    contigs = pl.read_csv(run.study / "raw" / "sctcr" / f"{sample}.csv.gz", infer_schema_length=None)
    good = contigs.filter(
        pl.all_horizontal(
            pl.col("is_cell", "high_confidence", "productive").cast(pl.String).str.to_lowercase() == "true"
        )
    )
    return good.filter(chain="TRB").select("barcode", junction="cdr3_nt")


def masses(run: Run) -> pl.DataFrame:
    """Return the true shares of each specimen's T cells that clones of the product hold, as its libraries show them.

    Columns: `sample, mass, mass_new, clones_at_n, frequent_clones_at_n, product_mass_kept_at_n, product_mass_kept`,
    the latter for the run's common depth, as the mean chance of a clone to be among so many cells.
    """
    rows = []
    depths = (
        run.table("persistence")
        .filter(locus="TRB")
        .drop_nulls("at_cells")
        .group_by("sample")
        .agg(pl.col("at_cells").first())
    )
    for subject in subjects(run):
        clones = reference(run, subject)
        for sample in run.samples().filter(subject=subject, assay="tcr", specimen="blood")["sample"]:
            bulk = sample.replace("_sctcr", "_tcr")  # the same specimen
            held = clones.join(library(run, bulk), on="clone", how="left").fill_null(0)
            share, known = held["frequency"].to_numpy(), held["in_product"].to_numpy()
            new = (known > 0) & (held["in_baseline"].to_numpy() == 0)
            row = {"sample": sample, "mass": share[known > 0].sum(), "mass_new": share[new].sum()}
            # what is kept of the product is told by its libraries of the sample's own kind of count
            own = known if sample == bulk else held["in_cells"].to_numpy()
            depth = depths.filter(sample=sample)["at_cells"]
            if len(depth):
                chance = -np.expm1(-share * depth[0])
                row["clones_at_n"] = chance[own > 0].mean()
                row["frequent_clones_at_n"] = chance[own >= FREQUENT * own.sum()].mean()
                row["product_mass_kept_at_n"] = float(held["product"].to_numpy() @ chance)
            if sample == bulk:
                row["product_mass_kept"] = held.filter(pl.col("counted") > 0)["product"].sum()
            rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)


def compare(run: Run) -> Iterator[pl.DataFrame]:
    """Yield the numbers of persistence, of the fewest errors of origins, and of labels."""
    truth = masses(run)
    measures = {
        "persistence_mass": "mass",
        "persistence_mass_new": "mass_new",
        "persistence_clones_at_n": "clones_at_n",
    }
    measures |= {"persistence_frequent_clones_at_n": "frequent_clones_at_n"}
    measures |= {name: name for name in ("product_mass_kept_at_n", "product_mass_kept")}
    for parameter, measure in measures.items():
        rows = run.of(parameter).filter(locus="TRB", specimen="blood")
        rows = rows.join(truth.select("sample", truth=measure).drop_nulls(), on="sample")
        for library_of, part in (("bulk", r"_tcr$"), ("single cells", r"_sctcr$")):
            own = rows.filter(pl.col("sample").str.contains(part))
            if own.height:
                yield numbers(run, f"persistence: {parameter} of TRB, {library_of}", own)
    stated = run.truth("infused_mass.csv")
    for parameter, measure in (("persistence_mass", "mass"), ("persistence_mass_new", "mass_new")):
        all_clones = stated.filter(measure=measure).select("subject", "visit", truth="value")
        rows = run.of(parameter).filter(pl.col("sample").str.contains(BULK), locus="TRB", specimen="blood")
        rows = rows.filter(pl.col("visit") != "baseline").join(all_clones, on=["subject", "visit"])
        what = "all infused clones" if measure == "mass" else "all clones new with the infusion"
        yield numbers(
            run,
            f"persistence: {parameter} of TRB, bulk, beside {what}",
            rows,
        )
    yield from _origins(run)
    yield from _labels(run)


def _called(run: Run) -> pl.DataFrame:
    """Return each TRB clone that was called something, and its true origin, without naive cells, which have none."""
    told = run.table("origins").filter(locus="TRB").select("subject", "junction", told="origin")
    true = [
        run.truth(f"clones/{subject}.csv.gz").select(subject=pl.lit(subject), junction="trb_junction", truth="origin")
        for subject in subjects(run)
    ]
    return told.join(pl.concat(true).unique(["subject", "junction"]), on=["subject", "junction"], how="inner")


def _origins(run: Run) -> Iterator[pl.DataFrame]:
    """Yield how many clones of a class are wrong at least, beside how many are; naive cells are left out."""
    called = _called(run)
    wrong = called.group_by("subject", origin="told").agg(
        truth=(pl.col("told") != pl.col("truth")).sum().cast(pl.Float64)
    )
    rows = (
        run.table("origin_classes")
        .filter(locus="TRB")
        .join(wrong, on=["subject", "origin"])
        .drop_nulls("wrong_at_least")
    )
    rows = rows.with_columns(value=pl.lit(None), lower="wrong_at_least", upper="clones", status=pl.lit("at least"))
    for (origin,), part in rows.group_by("origin", maintain_order=True):
        yield numbers(run, f"origins: wrong_at_least of {origin}", part, scale="points", place="subject")


def compare_words(run: Run) -> Iterator[pl.DataFrame]:
    """Yield the origin of each clone that is told one, class by class."""
    called = _called(run)
    for (origin,), part in called.filter(pl.col("told") != "indeterminate").group_by("told", maintain_order=True):
        yield words(run, f"origins: clones called {origin}", part)


def _labels(run: Run) -> Iterator[pl.DataFrame]:
    """Yield the stated chance of each single cell that its clone was infused, beside whether it was, label by label."""
    told = run.table("cell_labels").drop_nulls("probability")
    library_of = run.samples().filter(assay="tcr").select("sample", "subject", "library", "specimen")
    told = told.join(library_of, on="sample").filter(specimen="blood")
    frames = []
    for (sample, subject, of), part in told.group_by("sample", "subject", "library"):
        cells = run.truth(f"cells/{of}.csv.gz").select("clone", "infused", cell_id="barcode")
        clones = run.truth(f"clones/{subject}.csv.gz").select("clone", share="product_frequency")
        joined = part.join(cells, on="cell_id").join(clones, on="clone", how="left")
        frames.append(
            joined.with_columns(truth=(pl.col("share").fill_null(0) > 0).cast(pl.Float64), day=pl.lit(sample))
        )
    rows = pl.concat(frames).with_columns(
        pl.lit(None, dtype=pl.Float64).alias("lower"),
        pl.lit(None, dtype=pl.Float64).alias("upper"),
        value="probability",
        status=pl.lit("chance"),
    )
    for (label,), part in rows.group_by("label", maintain_order=True):
        yield numbers(
            run,
            f"single cells labelled {label}: the chance that their clone was infused",
            part,
            scale="points",
            place="cell_id",
        )
