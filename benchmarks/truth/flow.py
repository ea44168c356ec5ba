"""Flow cytometry: shares, cells per microlitre, infused cells and intracellular cytokines."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from benchmarks.truth import STATE, Run, numbers, words

T_CELLS = ("CD4+ T", "CD8+ T", "DN T", "DP T")
BEARING = "CD8+ TCR Vb+"
SURE = 0.975


def specimens(run: Run) -> pl.DataFrame:
    """Return the true share of all cells of each population of a specimen, and its cells per microlitre, a tube a row.

    Tubes of stimulated cells stand in no table of shares: theirs are those of the specimen's other tube.
    """
    kinds = run.truth("populations.csv").with_columns(pl.col("population").str.replace(STATE, "$1"))
    kinds = kinds.with_columns(pl.col("cells_per_ul").cast(pl.Float64, strict=False))
    one = kinds.group_by("sample", "population").agg(
        share=pl.col("fraction_of_cells").sum(),
        per_ul=pl.col("cells_per_ul").sum(),
        known=pl.col("cells_per_ul").count(),
    )
    one = one.with_columns(per_ul=pl.when(pl.col("known") > 0).then("per_ul")).drop("known")
    t_cells, lymphocytes = pl.col("population").is_in(T_CELLS), pl.col("population").is_in([*T_CELLS, "B", "NK"])
    sums = {"CD3+": t_cells, "CD3-": lymphocytes & ~t_cells, "lymphocytes": lymphocytes}
    many = [
        one.filter(which).group_by("sample").agg(pl.col("share", "per_ul").sum()).with_columns(population=pl.lit(name))
        for name, which in sums.items()
    ]
    told = pl.concat([one, *(each.select(one.columns) for each in many)])
    blood = told.group_by("sample").agg(blood=pl.col("per_ul").max() > 0)
    told = told.join(blood, on="sample").with_columns(per_ul=pl.when("blood").then("per_ul")).drop("blood")
    marked = run.truth("marked.csv").join(told.filter(population="CD3+"), on="sample")
    marked = marked.select(
        "sample",
        pl.lit(BEARING).alias("population"),
        *((pl.col(name) * pl.col("marked_share")).alias(name) for name in ("share", "per_ul")),
    )
    return pl.concat([told, marked.select(told.columns)])


def compare(run: Run) -> Iterator[pl.DataFrame]:
    """Yield the numbers of flow."""
    truth = specimens(run)
    base = pl.col("sample").str.replace(r"_ics.*$", "_flow")
    found = run.of("percent_of_parent").with_columns(tube=base)
    own = truth.select(tube="sample", population="population", share="share")
    parents = truth.select(tube="sample", parent="population", whole="share")
    shares = found.join(own, on=["tube", "population"]).join(parents, on=["tube", "parent"])
    shares = shares.with_columns(truth=100 * pl.col("share") / pl.col("whole"))
    for (parent, population), rows in shares.group_by("parent", "population", maintain_order=True):
        yield numbers(run, f"flow: {population}, % of {parent}", rows)
    yield from _of_events(run, found)
    counted = run.of("cells_per_ul").join(truth.filter(pl.col("per_ul").is_not_null()), on=["sample", "population"])
    panel = pl.when(pl.col("sample").str.ends_with("_flow")).then(pl.lit("beads")).otherwise(pl.lit("a blood count"))
    counted = counted.with_columns(truth="per_ul", panel=panel)
    for (population, by), rows in counted.group_by("population", "panel", maintain_order=True):
        yield numbers(run, f"flow: {population}, cells/µL by {by}", rows)
    ratio = truth.pivot("population", index="sample", values="share").with_columns(
        truth=pl.col("CD4+ T") / pl.col("CD8+ T")
    )
    found = run.of("cd4_cd8_ratio").with_columns(tube=base)
    yield numbers(run, "flow: CD4/CD8", found.join(ratio.select("truth", tube="sample"), on="tube"))
    yield from _infused(run)
    yield from _cytokines(run)


def _of_events(run: Run, found: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield shares that debris, doublets and dead cells enter, by the labels of the tube's own events."""
    lost = ("doublet", "dead", "debris", "bead")
    steps = {  # what is in the population, of what its parent holds
        ("all events", "singlets"): (("doublet",), ()),
        ("singlets", "live"): (("doublet", "dead"), ("doublet",)),
        ("live", "lymphocytes"): ((*lost, "monocyte", "granulocyte"), ("doublet", "dead")),
    }
    rows = []
    for sample, parent, population in found.select("sample", "parent", "population").rows():
        if (parent, population) not in steps:
            continue
        label = run.truth(f"flow/{sample}.csv.gz")["label"]
        inside, whole = ((~label.is_in(list(without))).sum() for without in steps[parent, population])
        rows.append((sample, parent, population, 100 * inside / whole))
    keys = ["sample", "parent", "population"]
    truth = pl.DataFrame(rows, schema=[*keys, "truth"], orient="row")
    for (parent, population), part in found.join(truth, on=keys).group_by("parent", "population", maintain_order=True):
        yield numbers(run, f"flow: {population}, % of {parent} (of this tube's events)", part)


def infused_truth(run: Run) -> pl.DataFrame:
    """Return the true share of T cells of a tube that descend from the infusion, and these cells per microlitre."""
    t_cells = specimens(run).filter(population="CD3+").select("sample", "per_ul")
    return (
        run.truth("marked.csv")
        .join(t_cells, on="sample")
        .select("sample", "infused_share", "marked_share", infused_per_ul=pl.col("infused_share") * pl.col("per_ul"))
    )


def _infused(run: Run) -> Iterator[pl.DataFrame]:
    infused = infused_truth(run)
    for parameter, of in (("infused_share_of_cd3", "infused_share"), ("infused_cells_per_ul", "infused_per_ul")):
        rows = run.of(parameter).join(infused, on="sample").with_columns(truth=of, limit="upper")
        yield numbers(run, f"TIL survival: {parameter}", rows)


def compare_words(run: Run) -> Iterator[pl.DataFrame]:
    """Yield whether a visit is told to hold more marked cells than the baseline, or left open, and whether it does."""
    marked = run.truth("marked.csv")
    before = marked.filter(pl.col("sample").str.contains("_baseline_")).select(
        subject=pl.col("sample").str.extract(r"^(.*)_baseline_"), blank="marked_share"
    )
    rows = run.of("infused_probability_above_blank").join(marked, on="sample").join(before, on="subject")
    told = (
        pl.when(pl.col("value") >= SURE)
        .then(pl.lit("above"))
        .when(pl.col("value") <= 1 - SURE)
        .then(pl.lit("not above"))
    )
    true = pl.when(pl.col("marked_share") > pl.col("blank")).then(pl.lit("above")).otherwise(pl.lit("not above"))
    rows = rows.with_columns(told=told.otherwise(pl.lit("open")), truth=true)
    yield words(run, f"TIL survival: infused_probability_above_blank, {SURE} or more called above", rows, "sample")


def _cytokines(run: Run) -> Iterator[pl.DataFrame]:
    """Yield what a stimulus adds to the share that makes a cytokine, in the specimen."""
    truth = run.truth("intracellular.csv").with_columns(
        tube=pl.col("sample").str.extract(r"^(.*)_ics"), kind=pl.col("sample").str.extract(r"_ics(.*)$")
    )
    whole = (
        specimens(run)
        .with_columns(tube=pl.col("sample").str.extract(r"^(.*)_flow$"))
        .select("tube", "population", w="share")
    )
    truth = truth.join(whole, on=["tube", "population"])
    found = run.of("cytokine_difference_pct").with_columns(tube=pl.col("sample").str.extract(r"^(.*)_ics"))
    for population, kinds in {"CD3+": T_CELLS, "CD4+ T": ("CD4+ T",), "CD8+ T": ("CD8+ T",)}.items():
        share = (
            truth.filter(pl.col("population").is_in(kinds))
            .group_by("tube", "kind")
            .agg(share=100 * (pl.col("share") * pl.col("w")).sum() / pl.col("w").sum())
        )
        wide = share.pivot("kind", index="tube", values="share")
        rows = found.filter(population=population).join(wide, on="tube")
        rows = rows.with_columns(truth=pl.col("tumor") - pl.col("none"))
        yield numbers(run, f"intracellular IFN-γ: stimulated less unstimulated, {population}", rows, scale="points")
