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
folder = TemporaryDirectory()
STUDY = Path(folder.name) / "trial"
CONTRAST = "visit:D28/product"


def show(axes, name):
    """Show a figure as the report has it."""
    return Image(filename=save(axes.figure, folder.name, name)[1])


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
# SIM-0x died before day 84. First the genes, within subjects (voom and moderated t; equal to limma's).

# %%
of_bulk = ts.expression.differential_expression(counts, genes, bulk, CONTRAST)
show(ts.plots.volcano(of_bulk.table), "volcano-bulk")

# %% [markdown]
# **Do not conclude** anything of T cells from the genes on the right: S100A8, LYZ and CD14 are monocytes', CD79A is B
# cells'. Bulk RNA of blood is of all its cells, the product is of T cells. For T cells take single cells.
#
# ## Single cells, with their receptors
#
# The contigs of the same libraries say which cells are T cells, and of which clone. Cells without a receptor (monocytes,
# B and NK cells, and T cells whose receptor was lost) stay out here.

# %%
single = manifest.filter(pl.col("assay") == "scrna", pl.col("specimen") != "tumor")
contigs = dict(manifest.filter(pl.col("assay") == "tcr").drop_nulls("library").select("library", "path").iter_rows())
chains, parts = [], []
for row in single.iter_rows(named=True):
    found = ts.io.read_contigs(STUDY / contigs[row["library"]])
    chains.append(ts.repertoire.chain_pairing(found.table, sample=row["sample"], cells=found.cells))
    cells = ts.io.read_h5ad(STUDY / row["path"])
    cells = cells[cells.obs_names.isin(chains[-1]["cell_id"].to_list())].copy()
    cells.obs = cells.obs[[]].assign(**{name: row[name] for name in ("sample", "subject", "visit", "day")})
    parts.append(cells)
cells = concat(parts, index_unique="|")
pl.DataFrame(cells.obs[["subject", "visit"]]).group_by("visit", "subject").len().pivot("visit", values="len").sort("subject")

# %% [markdown]
# ## Scores of curated axes
#
# A score is the mean of the set's genes less that of control genes that are expressed as highly, so that a cell with
# much RNA does not score high in everything. A set of which fewer than half the genes are there is not scored; the
# simulator knows 1,800 genes, so that large sets fail here.

# %%
signatures = ts.expression.load_signatures()
scores = ts.expression.score(cells.X, list(cells.var_names), signatures)
scores.coverage.select("set", "genes_listed", "genes_found", "coverage", "reason").sort("coverage").head(14)

# %%
print("glycolysis:", ", ".join(signatures["glycolysis"].up[:8]), "...")
print("its controls:", len(scores.control_genes("glycolysis")), "genes, as", ", ".join(scores.control_genes("glycolysis")[:8]))
AXES = ("proliferation", "glycolysis", "activation", "cytotoxic_effector", "exhaustion_terminal", "stem_like_memory")
per_sample = ts.expression.summarise(scores, cells.obs["subject"] + " " + cells.obs["visit"])
twice = bulk.filter(pl.col("visit").is_in(["product", "D28"]))
show(ts.plots.visit_heatmap(per_sample, twice, sets=AXES), "axes")

# %% [markdown]
# **Conclude:** product cells divide and burn sugar. **Do not conclude** that one axis is higher than another: sets differ
# in how high their genes are expressed. Compare within a row.
#
# ## Why a test over cells is wrong
#
# Cells of one person share that person's genes, culture, tube and day. To a test over cells they are hundreds of
# independent witnesses. Let us take the truth away: in four of the eight subjects product and day 28 swap names. What is
# true on average of "product" and "D28" now is nothing; whatever is found is false. First the common test, over cells;
# then the sums of each subject's cells, compared within subjects.

# %%
summed = ts.expression.pseudobulk(cells)
sums = summed.groups.filter("kept").select("subject", "visit", sample="group")
logged = cells.copy()
scanpy.pp.normalize_total(logged, target_sum=1e4)
scanpy.pp.log1p(logged)
SWAP = {"product": "D28", "D28": "product"}
rows = []
for swapped in ((1, 2, 3, 4), (1, 2, 5, 6), (1, 3, 5, 7), ()):
    names = [f"SIM-0{number}" for number in swapped]
    logged.obs["named"] = np.where(
        logged.obs["subject"].isin(names), logged.obs["visit"].map(SWAP).astype(str), logged.obs["visit"].astype(str)
    )
    scanpy.tl.rank_genes_groups(logged, "named", groups=["D28"], reference="product", method="t-test")
    over_cells = (scanpy.get.rank_genes_groups_df(logged, "D28")["pvals_adj"] < 0.05).sum()
    renamed = pl.when(pl.col("subject").is_in(names)).then(pl.col("visit").replace(SWAP)).otherwise("visit")
    within = ts.expression.differential_expression(
        summed.data.X, list(summed.data.var_names), sums.with_columns(visit=renamed), CONTRAST
    )
    within_subjects = (within.table["q"] < 0.05).sum()
    rows.append({"names swapped in": ", ".join(names) or "none: the truth", "over cells": over_cells,
                 "within subjects": within_subjects, "of genes": within.table.height})  # fmt: skip
pl.DataFrame(rows)

# %% [markdown]
# **Conclude:** of nothing, the test over cells calls some hundreds of genes. **Do not conclude** that fewer or other cells
# would mend it, nor that within one person all is well: below, the two lots of one person's product, one day, one
# laboratory. What differs is tubes. Within subjects the question is refused, rightly: one person is one.

# %%
lots = logged[logged.obs["subject"] == "SIM-02"]
lots = lots[lots.obs["visit"] == "product"].copy()
scanpy.tl.rank_genes_groups(lots, "sample", method="t-test")
lot = lots.obs["sample"].iloc[0]
print((scanpy.get.rank_genes_groups_df(lots, lot)["pvals_adj"] < 0.05).sum(), "genes between the lots of SIM-02")
try:
    ts.expression.differential_expression(
        ts.expression.pseudobulk(lots, columns={"visit": "sample"}).data.X,
        list(lots.var_names),
        pl.DataFrame({"sample": ["A", "B"], "subject": ["SIM-02"] * 2, "lot": ["A", "B"]}),
        "lot:A/B",
    )
except ts.errors.AnalysisError as error:
    print(error)

# %% [markdown]
# ## Genes that change within subjects

# %%
columns = list(summed.data.var_names)
of_cells = ts.expression.differential_expression(summed.data.X, columns, sums, CONTRAST)
of_cells.models.select("contrast", "subjects", "samples", "genes", "residual_df", "prior_df")

# %%
show(ts.plots.volcano(of_cells.table), "volcano-cells")

# %% [markdown]
# V, D and J genes are not among them: a clone that grows carries them along, and they would tell clones, not states.
#
# ## Gene sets, tested by flipping the signs of subjects
#
# If nothing changed, each subject's differences could as well have had the other sign, all genes at once. So the score
# of a set is held against those under all 2 to the power 8 flips, however its genes are correlated. Eleven axes are
# declared before looking, one for each programme of the simulator; all others are another family.

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
GSEA = {"families": families, "smallest": 5}
tested = ts.expression.gsea(summed.data.X, columns, sums["sample"].to_list(), sums, CONTRAST, sets, **GSEA)
truth = pl.read_csv(STUDY / "truth" / "programmes.csv").join(rna.select("sample", "subject", "visit"), on="sample")
truth = truth.group_by("programme", "subject", "visit").agg(pl.col("mean_level").mean())
truth = truth.pivot("visit", values="mean_level").with_columns(change=pl.col("D28") - pl.col("product"))
truth = truth.group_by("programme").agg(true_change=pl.col("change").mean(), rose_in=(pl.col("change") > 0).sum())
beside = truth.with_columns(set=pl.col("programme").replace_strict(AXIS_OF)).join(tested.table, on="set")
beside.sort("true_change").select(
    "programme", "true_change", "rose_in", "size", "nes", "log2_fold_change", "lower", "upper", "p", "q"
)

# %%
row = tested.table.row(by_predicate=pl.col("set") == "glycolysis", named=True)
show(ts.plots.running_enrichment(of_cells.table, sets["glycolysis"], name="glycolysis", result=row), "running")

# %% [markdown]
# The same in each subject: ssGSEA of the sums, which does not move when a sample is added.

# %%
levels = ts.expression.log2_cpm(summed.data.X)
of_samples = ts.expression.sample_scores(levels, columns, sums["sample"].to_list(), sets, smallest=5)
show(ts.plots.paired_slopes(of_samples.table, sums, gene_set="glycolysis", contrast=CONTRAST), "slopes")

# %% [markdown]
# ## Over the visits, and when nothing changes
#
# Later visits have bulk RNA alone. From day 84 to day 112 the simulator lets T cells change by next to nothing. What
# could not be paired is told.

# %%
CONTRASTS = ["visit:D28/product", "visit:D84/product", "visit:D112/D84"]
given = (counts, genes, bulk["sample"].to_list(), bulk)
visits = ts.expression.gsea(*given, CONTRASTS, sets, **GSEA)
visits.left_out

# %%
show(ts.plots.enrichment_dots(visits.table, sets=list(AXIS_OF.values())), "dots")

# %%
bulk_scores = ts.expression.sample_scores(
    ts.expression.log2_cpm(counts), genes, bulk["sample"].to_list(), sets, smallest=5
)
show(ts.plots.visit_heatmap(bulk_scores.table, bulk, sets=list(AXIS_OF.values()), reference="product"), "visits")

# %% [markdown]
# ## What a ranked list says of nothing

# %%
ranked = ts.expression.gsea(*given, CONTRASTS[2], sets, method="preranked", **GSEA)
both = pl.concat([visits.table.filter(contrast=CONTRASTS[2]), ranked.table]).drop_nulls("p")
both.group_by("method", maintain_order=True).agg(
    sets=pl.len(), p_below_005=(pl.col("p") < 0.05).sum(), q_below_005=(pl.col("q") < 0.05).sum(), least_p=pl.col("p").min()
)

# %% [markdown]
# ## How many subjects?

# %%
fewer = []
for n in range(3, 9):
    first = bulk["subject"].unique().sort().head(n).to_list()
    own = (bulk["subject"].is_in(first)).to_numpy()
    some = bulk.filter(own)
    for method in ("sign_flip", "camera"):
        table = ts.expression.gsea(
            counts[own], genes, some["sample"].to_list(), some, CONTRAST, sets, method=method, **GSEA
        ).table.filter(family="axes")
        fewer.append({"subjects": n, "method": method, "p_floor": table["p_floor"].max(), "least_p": table["p"].min(), 
                      "axes": table["p"].count(), "found": (table["q"] < 0.05).sum(), "reason": table["reason"][0]})
pl.DataFrame(fewer)
