# %% [markdown]
# # Expression: what infused cells become
#
# TIL leave culture dividing, fed on sugar and IL-2. What are they a month later in blood? A trial of eight subjects,
# made here by tilseq's own simulator so that the truth is known: bulk RNA and single cells with their receptors, of the
# product and of blood. Definitions, and where they end, stand in [docs/transcriptome.md](../docs/transcriptome.md).
#
# Three rules run through all of it:
#
# 1. Subjects are the sample size, not cells.
# 2. Genes of a set go together in every subject, changed or not: a test that takes them for independent finds sets in
#    nothing.
# 3. A clone that the product does not show is not endogenous: it was not seen.

# %%
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import scanpy
from anndata import concat
from IPython.display import Image

import tilseq as ts
from tilseq.plots.style import save

pl.Config.set_tbl_rows(40)
pl.Config.set_tbl_cols(12)
pl.Config.set_float_precision(3)
pl.Config.set_fmt_str_lengths(70)
pl.Config.set_tbl_width_chars(140)
pl.Config.set_tbl_hide_dataframe_shape(True)
pl.Config.set_tbl_hide_column_data_types(True)
warnings.filterwarnings("ignore", message="IProgress not found")  # a bar of scanpy's, of no use here
folder = TemporaryDirectory()
STUDY = Path(folder.name) / "trial"
CONTRAST = "visit:D28/product"


def show(axes, name):
    """Show a figure as the report has it."""
    return Image(filename=save(axes.figure, folder.name, name)[1])


# %% [markdown]
# Eight subjects; of each a product, blood on day 28 with single cells, and blood on days 84 and 112.

# %%
design = ts.simulate.Design(
    seed=7,
    subjects=8,
    visits=["D28", "D84", "D112"],
    assays=["bulk_rna", "scrna", "tcr"],
    depth=4_000,
    single_cells=300,
)
ts.simulate.simulate_trial(STUDY, design)
manifest = pl.read_csv(STUDY / "samples.csv", infer_schema_length=None)

# %% [markdown]
# ## What a product and blood look like
#
# One file of bulk RNA a library. Libraries of two lots of one product are added up: a person has one product.

# %%
rna = manifest.filter(pl.col("assay") == "bulk_rna", pl.col("specimen") != "tumor")
read = {row["sample"]: ts.io.read_count_matrix(STUDY / row["path"]) for row in rna.iter_rows(named=True)}
genes = next(iter(read.values())).genes
bulk = rna.group_by("subject", "visit", maintain_order=True).agg(pl.col("day").first(), libraries=pl.col("sample"))
bulk = bulk.with_columns(sample=pl.col("subject") + " " + pl.col("visit"))
counts = np.vstack([sum(read[name].counts for name in names) for names in bulk["libraries"]])
bulk.group_by("visit", maintain_order=True).agg(subjects=pl.len(), first_day=pl.col("day").min())

# %% [markdown]
# SIM-06 died before day 84. First the genes that differ most surely within subjects (voom, moderated t: as limma).

# %%
of_bulk = ts.expression.differential_expression(counts, genes, bulk, CONTRAST)
of_bulk.table.sort("p").head(8).select("gene", "mean_log2_cpm", "log2_fold_change", "lower", "upper")

# %% [markdown]
# **Do not conclude** anything of T cells from these: S100A8, LYZ and CD14 are monocytes'. Bulk RNA of blood is of all
# its cells, the product is of T cells. For T cells take single cells.
#
# ## Single cells, with their receptors
#
# Every library of single cells comes with the contigs of the same cells. What is kept: cells with enough counts and
# genes (the simulator knows 1,800 genes, so that 150 are asked for, not 250), and those that are not two by their
# receptors. Type is called by transcripts, a cell's neighbours beside its own; other kinds of cells are `unclear`.

# %%
single = manifest.filter(pl.col("assay") == "scrna", pl.col("specimen") != "tumor")
receptors = dict(manifest.filter(pl.col("assay") == "tcr").drop_nulls("library").select("library", "path").iter_rows())
chains, parts = [], []
for row in single.iter_rows(named=True):
    contigs = ts.io.read_contigs(STUDY / receptors[row["library"]])
    chains.append(ts.repertoire.chain_pairing(contigs.table, sample=row["sample"], cells=contigs.cells))
    one = ts.io.read_h5ad(STUDY / row["path"])
    of_sample = {name: row[name] for name in ("sample", "subject", "visit", "day")}
    one.obs = one.obs[[]].assign(cell_id=one.obs_names, **of_sample)
    parts.append(one)
chains, cells = pl.concat(chains), concat(parts, index_unique="|")
columns = list(cells.var_names)
status, overlap = ts.expression.cell_status(pl.DataFrame(cells.obs), chains=chains)
quality = ts.expression.cell_quality(
    cells.X,
    columns,
    cells.obs["sample"],
    cells.obs["cell_id"],
    rules=ts.expression.QualityRules(least_genes=150),
    doublets={"two cells by its receptors": (status["doublet"] == "likely").fill_null(False).to_numpy()},
)
cells = cells[quality.kept].copy()
quality.dropped.group_by("rule").agg(cells=pl.col("rows").sum(), samples=pl.len()).sort("rule")

# %%
near = ts.expression.embed(cells.X, columns, variable_genes=1000)
cells.obs["cell_type"] = ts.expression.call_cell_types(cells.X, columns, neighbours=near.connectivities).types
placed = pl.DataFrame(cells.obs).hstack(pl.DataFrame(ts.expression.umap(near), schema=["umap_1", "umap_2"]))
placed.group_by("visit", "cell_type").len().sort("visit", "cell_type").pivot("cell_type", values="len")

# %%
show(ts.plots.umap_cell_types(placed), "types")

# %% [markdown]
# The island on the right is monocytes, the grey cells below the T cells are NK cells. **Do not conclude** from
# distances on such a map: it is a picture. From here on T cells alone.
#
# ## Scores of curated axes
#
# A score is the mean of the set's genes. One object holds all samples here, so that with `controls` the mean of genes
# that are expressed as highly may be taken off, and a cell with much RNA does not score high in everything. A set of
# which fewer than half the genes are there is not scored: here many large ones, for want of genes.

# %%
cells = cells[cells.obs["cell_type"].isin(["CD4", "CD8"])].copy()
signatures = ts.expression.load_signatures()
scores = ts.expression.score(cells.X, columns, signatures, controls=50)
shown = scores.coverage.select("set", "axis", "genes_listed", "genes_found", "coverage", "scored", "reason")
shown.filter(pl.col("axis").is_in(["proliferation", "glycolysis", "hypoxia", "il2_stat5", "tumour_reactive"]))

# %%
controls = scores.control_genes("glycolysis")
print("glycolysis:", ", ".join(signatures["glycolysis"].up[:8]), "and", len(signatures["glycolysis"].up) - 8, "more")
print("controls:  ", ", ".join(controls[:8]), "and", len(controls) - 8, "more")

# %%
AXES = ("proliferation", "glycolysis", "activation", "cytotoxic_effector", "exhaustion_terminal", "stem_like_memory")
samples = bulk.filter(pl.col("visit").is_in(["product", "D28"]))
per_sample = ts.expression.summarise(scores, cells.obs["subject"] + " " + cells.obs["visit"])
show(ts.plots.visit_heatmap(per_sample, samples, sets=AXES), "axes")

# %% [markdown]
# **Conclude:** product cells divide and burn sugar. **Do not conclude** that one axis is higher than another: sets
# differ in how high their genes are. Compare within a row.
#
# ## Why a test over cells is wrong
#
# Cells of one person share that person's clones, culture, tube and day; a test over cells takes them for hundreds of
# independent witnesses. First one person: two lots of one product of SIM-02, where only tubes differ.

# %%
logged = cells.copy()
scanpy.pp.normalize_total(logged, target_sum=1e4)
scanpy.pp.log1p(logged)


def over_cells(some, factor, level):
    """Return how many genes differ by the usual t test over cells, corrected by Benjamini and Hochberg."""
    scanpy.tl.rank_genes_groups(some, factor, groups=[level], method="t-test")
    return int((scanpy.get.rank_genes_groups_df(some, level)["pvals_adj"] < 0.05).sum())


LOTS = ["SIM-02_productA_sc", "SIM-02_productB_sc"]
of_one = logged[logged.obs["sample"].isin(LOTS)].copy()
print(over_cells(of_one, "sample", LOTS[0]), "genes differ between the lots, over cells")
own = cells[cells.obs["sample"].isin(LOTS)].copy()
sums_of_lots = ts.expression.pseudobulk(own, pl.DataFrame(own.obs).select("subject", visit="sample"))
lots_of_one = sums_of_lots.groups.select("subject", lot="visit", sample="group")
try:
    ts.expression.differential_expression(sums_of_lots.data.X, columns, lots_of_one, f"lot:{LOTS[0]}/{LOTS[1]}")
except ts.errors.AnalysisError as error:
    print("Within subjects:", error)

# %% [markdown]
# Then all subjects, the truth taken away: in four of eight, product and day 28 swap names. On average they now do not
# differ; whatever is found is false. The cells of each subject and visit are summed (`pseudobulk`), and the sums
# compared within subjects.

# %%
summed = ts.expression.pseudobulk(cells, pl.DataFrame(cells.obs).drop("cell_type"))
sums = summed.groups.filter("kept").select("subject", "visit", sample="group")
SWAP = {"product": "D28", "D28": "product"}
rows = []
for numbers in ((1, 2, 3, 4), (1, 2, 5, 6), (1, 3, 5, 7), ()):
    swapped = [f"SIM-0{number}" for number in numbers]
    renamed = pl.when(pl.col("subject").is_in(swapped)).then(pl.col("visit").replace(SWAP)).otherwise("visit")
    logged.obs["named"] = pl.DataFrame(logged.obs).select(renamed.cast(pl.Categorical)).to_series().to_list()
    logged.obs["named"] = logged.obs["named"].astype("category")
    within = ts.expression.differential_expression(summed.data.X, columns, sums.with_columns(visit=renamed), CONTRAST)
    rows.append(
        {
            "swapped": ", ".join(swapped) or "none: as it is",
            "over_cells": over_cells(logged, "named", "D28"),
            "within_subjects": (within.table["q"] < 0.05).sum(),
            "genes": within.table.height,
        }
    )
pl.DataFrame(rows)

# %% [markdown]
# **Conclude:** over cells, 200 to 470 genes are called where nothing is to be found; within subjects none, and
# 150 where there is something. **Do not conclude** that more cells mend the test over cells: they make it worse.
#
# ## Genes that change within subjects

# %%
of_cells = ts.expression.differential_expression(summed.data.X, columns, sums, CONTRAST)
show(ts.plots.volcano(of_cells.table), "volcano-cells")

# %% [markdown]
# On the left the cell cycle; V, D and J genes are left out, as they would tell clones. On the right monocytes' genes
# again, though these are T cells: blood's tubes hold the RNA of broken monocytes, and every drop a little of it.
# **Do not conclude** that T cells took to S100A8: what a T cell cannot make came with the tube.
#
# ## Gene sets, tested by flipping the signs of subjects
#
# If nothing changed, each subject's differences could as well have had the other sign, of all genes at once. So a set
# is held against all 2 to the power of 8 flips, however its genes go together. Eleven axes are declared before looking,
# one for each programme of the simulator; all other sets are a family of their own. Sets of 5 genes are let in, as the
# simulator has few. Beside them the truth: how the mean of each programme changed, and in how many subjects it rose.

# %%
AXIS_OF = {
    "proliferation": "proliferation",
    "glycolysis": "glycolysis",
    "il2_response": "il2_stat5",
    "activation": "activation",
    "effector": "cytotoxic_effector",
    "exhaustion_terminal": "exhaustion_terminal",
    "exhaustion_progenitor": "exhaustion_progenitor",
    "oxphos": "oxidative_phosphorylation",
    "hypoxia": "hypoxia",
    "fatty_acid_oxidation": "fatty_acid_oxidation",
    "stem_like_memory": "stem_like_memory",
}
sets = ts.expression.gene_lists(signatures)
families = {name: "axes" if name in AXIS_OF.values() else "others" for name in sets}
HOW = {"families": families, "smallest": 5}
tested = ts.expression.gsea(summed.data.X, columns, sums["sample"].to_list(), sums, CONTRAST, sets, **HOW)
truth = pl.read_csv(STUDY / "truth" / "programmes.csv").join(rna.select("sample", "subject", "visit"), on="sample")
truth = truth.group_by("programme", "subject", "visit").agg(pl.col("mean_level").mean())
truth = truth.pivot("visit", values="mean_level").with_columns(change=pl.col("D28") - pl.col("product"))
truth = truth.group_by("programme").agg(true_change=pl.col("change").mean(), rose_in=(pl.col("change") > 0).sum())
beside = truth.with_columns(set=pl.col("programme").replace_strict(AXIS_OF)).join(tested.table, on="set")
beside.sort("true_change").select(
    "programme", "true_change", "rose_in", "size", "nes", "log2_fold_change", "lower", "upper", "p", "q"
)

# %% [markdown]
# **Conclude:** seven axes fall from product to blood, all seven as they truly do: cells stop dividing, burn less sugar,
# answer less to IL-2. Their p is the least that eight subjects can give. **Do not conclude** that stem-like memory did
# not rise, because its q is above 0.05: it did in all eight, and its limits leave 0 out. Nor what made a set fall:
# cells that stop dividing also need less sugar.

# %%
glycolysis = tested.table.row(by_predicate=pl.col("set") == "glycolysis", named=True)
show(ts.plots.running_enrichment(of_cells.table, sets["glycolysis"], name="glycolysis", result=glycolysis), "running")

# %% [markdown]
# The same, subject by subject: ssGSEA of the sums, raw, so that no score moves when a sample is added.

# %%
levels = ts.expression.log2_cpm(summed.data.X)
of_sums = ts.expression.sample_scores(levels, columns, sums["sample"].to_list(), sets, smallest=5)
show(ts.plots.paired_slopes(of_sums.table, sums, gene_set="glycolysis", contrast=CONTRAST, method="ssgsea"), "slopes")

# %% [markdown]
# ## Over the visits
#
# Later visits have bulk RNA alone. From day 84 to day 112 T cells change by next to nothing in the simulator. One
# family holds all three contrasts.

# %%
CONTRASTS = ["visit:D28/product", "visit:D84/product", "visit:D112/D84"]
given = (counts, genes, bulk["sample"].to_list(), bulk)
visits = ts.expression.gsea(*given, CONTRASTS, sets, **HOW)
show(ts.plots.enrichment_dots(visits.table, sets=list(AXIS_OF.values()), contrasts=CONTRASTS), "dots")

# %%
visits.left_out.select("contrast", "name", "reason")

# %% [markdown]
# **Conclude:** most of what day 28 shows is still there on day 84, and nothing moves from there to day 112. **Do not
# conclude** that progenitors of exhaustion fell, though a star says so: among T cells they rose in seven of eight
# subjects. Blood holds cells that are no T cells, so that genes of T cells fall in bulk RNA whatever T cells do. A test
# that is right of genes in a tube is not thereby right of cells.

# %%
levels = ts.expression.log2_cpm(counts)
of_bulk_samples = ts.expression.sample_scores(levels, genes, bulk["sample"].to_list(), sets, smallest=5)
show(
    ts.plots.visit_heatmap(
        of_bulk_samples.table, bulk, sets=list(AXIS_OF.values()), reference="product", method="ssgsea"
    ),
    "visits",
)

# %% [markdown]
# ## What a ranked list finds in nothing
#
# Preranked GSEA permutes genes. The same contrast of day 112 and day 84, in which next to nothing happens:

# %%
ranked = ts.expression.gsea(*given, CONTRASTS[2], sets, method="preranked", **HOW)
both = pl.concat([visits.table.filter(contrast=CONTRASTS[2]), ranked.table]).drop_nulls("p")
both.group_by("method", maintain_order=True).agg(
    sets=pl.len(),
    p_below_5_percent=(pl.col("p") < 0.05).sum(),
    q_below_5_percent=(pl.col("q") < 0.05).sum(),
    exploratory=pl.col("exploratory").any(),
)

# %% [markdown]
# **Conclude:** a ranked list is for looking, and each of its rows is marked `exploratory`. **Do not conclude** a change
# from it: where genes go together, a quarter and more of all sets in which nothing changed can have p below 0.05.
#
# ## How many subjects?
#
# The first three, four, and so on, and what the flips can tell of them; CAMERA beside it, which estimates how genes go
# together and has no floor.

# %%
rows = []
for number in range(3, 9):
    own = bulk["subject"].is_in(bulk["subject"].unique().sort().head(number).to_list())
    some = bulk.filter(own)
    few = (counts[own.to_numpy()], genes, some["sample"].to_list(), some, CONTRAST, sets)
    flips, beside = (
        ts.expression.gsea(*few, method=method, **HOW).table.filter(family="axes") for method in ("sign_flip", "camera")
    )
    found = {"p_floor": flips["p_floor"][0], "least_p": flips["p"].min(), "least_q": flips["q"].min()}
    rows.append(
        {"subjects": number, **found, "axes": (flips["q"] < 0.05).sum(), "axes_camera": (beside["q"] < 0.05).sum()}
    )
pl.DataFrame(rows)

# %% [markdown]
# **Conclude:** below six subjects the flips cannot give p of 0.05, and each row says so in `reason`. With many sets q
# asks for more: one set alone among 33 needs p of 0.0015, 11 subjects; it is easier where many sets change, as here.
# **Do not conclude** from CAMERA's figures that fewer subjects do: it rests on the correlation that it estimates from
# them.
#
# ## Infused, and not seen in the product
#
# Each T cell of day 28 is held against the bulk TCR library of the product. Its `status` is joined to its expression by
# barcode; the depth of the product stands beside it.

# %%
product = manifest.filter(pl.col("visit") == "product", pl.col("assay") == "tcr", pl.col("library").is_null())
libraries = {row["sample"]: (row, ts.io.read_clonotypes(STUDY / row["path"])) for row in product.iter_rows(named=True)}
blood = pl.DataFrame(cells.obs).filter(pl.col("visit") == "D28")
true = pl.concat(
    pl.read_csv(STUDY / f"truth/cells/{name}.csv.gz").select(pl.lit(name).alias("sample"), "infused", cell_id="barcode")
    for name in blood["sample"].unique().sort()
)


def labelled(most):
    """Return the status of each T cell of day 28 if the product had shown so many cells, and its truth."""
    chance, lots = np.random.default_rng(1), {}
    for name, (row, library) in libraries.items():
        found = ts.repertoire.depth(library.table, sample=name, count_of=row["count_of"], cells=row["cells"])
        seen = library.table["duplicate_count"].to_numpy()
        drawn = chance.multivariate_hypergeometric(seen, min(most, seen.sum()), method="marginals")
        table = library.table.with_columns(duplicate_count=pl.Series(drawn)).filter(pl.col("duplicate_count") > 0)
        depth = {"TRB": min(float(most), found["n_effective"][0])}
        lots.setdefault(row["subject"], []).append(ts.repertoire.ProductLot(name, table, depth, None, row["count_of"]))
    subjects = dict(blood.select("sample", "subject").unique().sort("sample").iter_rows())
    labels = pl.concat(
        ts.repertoire.cell_labels(chains.filter(sample=sample), lots[subject]) for sample, subject in subjects.items()
    )
    status, _ = ts.expression.cell_status(blood, labels, chains.filter(pl.col("sample").is_in(list(subjects))))
    return status.join(true, on=["sample", "cell_id"], how="left")


depths = {most: labelled(most) for most in (10_000, 400, 100)}
rows = []
for told in depths.values():
    missed = told.filter(status="not_seen_in_product")
    rows.append(
        {
            "product_n_effective": told["product_n_effective"].median(),
            **{
                name: (told["status"] == name).sum()
                for name in ("infused", "not_seen_in_product", "undecided", "no_receptor")
            },
            "told_percent": 100 * missed["probability"].mean(),
            "truly_infused_percent": 100 * missed["infused"].mean(),
        }
    )
pl.DataFrame(rows)

# %%
of_blood = cells[cells.obs["visit"] == "D28"].copy()
of_one = of_blood[of_blood.obs["subject"] == "SIM-04"]
near = ts.expression.embed(of_one.X, columns, variable_genes=1000)
mapped = pl.DataFrame(of_one.obs).hstack(pl.DataFrame(ts.expression.umap(near), schema=["umap_1", "umap_2"]))
show(ts.plots.umap_labels(mapped.join(depths[10_000], on=["sample", "cell_id"])), "labels")

# %% [markdown]
# **Conclude:** of the cells not seen in a product of 4,000, one in eight was infused; of 100, one in two. The mean
# chance that is told goes along. On the map, of SIM-04, a cell is the paler the less sure it is. **Do not conclude**
# that blue cells are endogenous.
#
# What this does to a comparison: the cells of day 28 by status, summed, within subjects; by the full product, by one
# of 100 cells, and by the truth. Mean change of each set's genes, log2, with 95 % limits.

# %%
by_truth = pl.when("infused").then(pl.lit("infused")).otherwise(pl.lit("not_seen_in_product")).alias("status")
statuses = {
    "product of 4,000": depths[10_000],
    "product of 100": depths[100],
    "truth": depths[10_000].filter(pl.col("status").is_in(["infused", "not_seen_in_product"])).with_columns(by_truth),
}
results, summed_by = [], {}
for name, told in statuses.items():
    known = blood.drop("cell_type").join(
        told.select("sample", "cell_id", "status"), on=["sample", "cell_id"], how="left"
    )
    kept = known["status"].is_in(["infused", "not_seen_in_product"]).fill_null(False)
    summed_by[name] = ts.expression.pseudobulk(of_blood[kept.to_numpy()], known.filter(kept))
    own = summed_by[name].groups.filter("kept").select("subject", "visit", "status", sample="group")
    contrast = "status:infused/not_seen_in_product"
    arguments = (summed_by[name].data.X, columns, own["sample"].to_list(), own, contrast, sets)
    results.append(ts.expression.gsea(*arguments, **HOW).table.with_columns(labels=pl.lit(name)))
chosen = pl.concat(results).filter(
    pl.col("set").is_in(
        ["activation", "cytotoxic_effector", "exhaustion_terminal", "glycolysis", "oxidative_phosphorylation"]
    )
)
numbers = [pl.col(name).round(2) for name in ("log2_fold_change", "lower", "upper")]
chosen = chosen.with_columns(change=pl.format("{} ({} to {})", *numbers))
print("least q:", *(f"{name} {table['q'].min():.2f}" for name, table in zip(statuses, results, strict=True)), sep="  ")
chosen.pivot("labels", index="set", values="change")

# %% [markdown]
# **Conclude:** labels by the full product come near the truth. By 100 cells differences shrink (activation, oxidative
# phosphorylation), and one turns round: a shallow product shows its largest clones, and compares large clones with all
# others. **Do not conclude** from q that infused cells are like the rest: eight subjects with some hundred cells each
# leave wide limits.

# %%
groups = summed_by["product of 4,000"].groups.filter("kept").select("subject", "visit", "status", sample="group")
levels = ts.expression.log2_cpm(summed_by["product of 4,000"].data.X)
by_status = ts.expression.sample_scores(levels, columns, groups["sample"].to_list(), sets, smallest=5)
show(ts.plots.infused_scatter(by_status.table, groups, gene_set="activation", method="ssgsea"), "status")

# %% [markdown]
# In a study `tilseq run` sums, compares and tests for every subject (it takes no doublets out and draws no map);
# `tilseq expression pseudobulk`, `de` and `gsea` do it for files.

# %%
folder.cleanup()
