"""Repertoires: what infused clones hold, what of the product is still seen, where clones come from, cells' labels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from benchmarks.truth import Run, chains, numbers, words

FREQUENT = 1e-3  # of the product
BULK = r"^(.*)_tcr$"


def libraries(run: Run, subject: str) -> pl.DataFrame:
    """Return the TCR samples of a subject, bulk and of single cells."""
    return run.samples().filter(subject=subject, assay="tcr")


def reference(run: Run, subject: str) -> pl.DataFrame:
    """Return each clone's counts in the bulk libraries of product and baseline."""
    own = libraries(run, subject).filter(pl.col("sample").str.contains(BULK))
    table = run.truth(f"clones/{subject}.csv.gz").select("clone")
    for name, which in (
        ("in_product", pl.col("specimen") == "infusion_product"),
        ("in_baseline", pl.col("visit") == "baseline"),
    ):
        drawn = [chains.drawn_library(run, sample) for sample in own.filter(which)["sample"]]
        counts = pl.concat(drawn).group_by("clone").agg(pl.col("counted").sum().alias(name))
        table = table.join(counts, on="clone", how="left").with_columns(pl.col(name).fill_null(0))
    return table


def masses(run: Run) -> pl.DataFrame:
    """Return the true shares of T cells that clones hold which the bulk libraries of the product show.

    Columns: `sample, mass, mass_new`, of blood and tumours; those of single cells are those of their specimen.
    """
    rows = []
    for subject in run.subjects():
        clones = reference(run, subject)
        for sample in libraries(run, subject).filter(pl.col("specimen") != "infusion_product")["sample"]:
            held = clones.join(chains.drawn_library(run, chains.bulk_of(sample)), on="clone", how="left").fill_null(0)
            share, known = held["frequency"].to_numpy(), held["in_product"].to_numpy() > 0
            new = known & (held["in_baseline"].to_numpy() == 0)
            rows.append({"sample": sample, "mass": share[known].sum(), "mass_new": share[new].sum()})
    return pl.DataFrame(rows, infer_schema_length=None)


def kept(run: Run) -> pl.DataFrame:
    """Return what is truly kept of the product: `sample, locus, measure, truth`.

    What is kept is told by the product's libraries of the sample's own kind of count. At the run's common depth a clone
    counts with its chance to be among so many cells; without, a clone counts that the sample shows.
    """
    depths = run.table("persistence").drop_nulls("at_cells").select("sample", "locus", "at_cells").unique()
    rows = []
    for subject in run.subjects():
        of_all, product = libraries(run, subject), chains.of_product(run, subject)
        for sample, specimen in of_all.select("sample", "specimen").rows():
            if specimen == "infusion_product":
                continue
            bulk = sample == chains.bulk_of(sample)
            lots = of_all.filter(pl.col("sample").str.contains(BULK) == bulk, specimen="infusion_product")["sample"]
            for locus in ("TRB",) if bulk else tuple(chains.OF_LOCUS):

                def shown(name: str, locus: str = locus, bulk: bool = bulk, subject: str = subject) -> pl.DataFrame:
                    return chains.counted(run, subject, name) if bulk else chains.seen(run, name, locus)

                table = chains.shares(run, subject, product, locus).rename({"share": "product"})
                held = chains.shares(run, subject, chains.drawn_library(run, chains.bulk_of(sample)), locus)
                known = pl.concat(map(shown, lots)).group_by("junction").agg(known=pl.col("cells").sum())
                table = table.join(held, on="junction", how="left").join(known, on="junction", how="left")
                table = table.join(shown(sample), on="junction", how="left").fill_null(0)
                measures = {"product_mass_kept": table.filter(pl.col("cells") > 0)["product"].sum()}
                depth = depths.filter(sample=sample, locus=locus)["at_cells"]
                if len(depth):
                    measures |= _at_depth(table, depth.item())
                rows += [(sample, locus, measure, value) for measure, value in measures.items()]
    schema = dict.fromkeys(("sample", "locus", "measure"), pl.String) | {"truth": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _at_depth(table: pl.DataFrame, cells: float) -> dict[str, float]:
    chance, own = -np.expm1(-table["share"].to_numpy() * cells), table["known"].to_numpy()
    return {
        "persistence_clones_at_n": chance[own > 0].mean(),
        "persistence_frequent_clones_at_n": chance[own >= FREQUENT * own.sum()].mean(),
        "product_mass_kept_at_n": float(table["product"].to_numpy() @ chance),
    }


def compare(run: Run) -> Iterator[pl.DataFrame]:
    """Yield the numbers of persistence, of the fewest errors of origins, and of labels."""
    wide = masses(run)
    truth = pl.concat(
        wide.select("sample", locus=pl.lit("TRB"), measure=pl.lit(f"persistence_{name}"), truth=name)
        for name in ("mass", "mass_new")
    )
    truth = pl.concat([truth, kept(run)])
    kind = pl.when(pl.col("sample").str.contains(BULK)).then(pl.lit("bulk")).otherwise(pl.lit("single cells"))
    for parameter in truth["measure"].unique(maintain_order=True):
        rows = run.of(parameter).join(truth.filter(measure=parameter), on=["sample", "locus"])
        for (specimen, locus, of), own in rows.group_by("specimen", "locus", kind.alias("kind"), maintain_order=True):
            yield numbers(run, f"persistence: {parameter} of {locus} in {specimen}, {of}", own)
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
        for subject in run.subjects()
    ]
    return told.join(
        pl.concat(true).unique(["subject", "junction"], keep="first", maintain_order=True),
        on=["subject", "junction"],
        how="inner",
    )


def _origins(run: Run) -> Iterator[pl.DataFrame]:
    """Yield how many clones of a class are wrong at least, beside how many are; naive cells are left out."""
    called = _called(run)
    wrong = called.group_by("subject", origin="told").agg(
        truth=(pl.col("told") != pl.col("truth")).sum().cast(pl.Float64)
    )
    rows = (
        run.table("origin_classes")
        .filter(locus="TRB")
        .drop_nulls("wrong_at_least")
        .join(wrong, on=["subject", "origin"], how="left")
        .with_columns(pl.col("truth").fill_null(0.0))  # a class of naive cells alone has none that is known to be wrong
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
