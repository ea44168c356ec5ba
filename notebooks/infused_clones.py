# %% [markdown]
# # Infused clones: from the product through blood
#
# TIL are grown from a tumour and given back. Which of their clones are found again in blood, how much of it do they
# hold, and for how long? One subject of the synthetic trial in `data/sample`, whose truth is known, and at first all
# four. Definitions, and where they end, stand in [docs/infused-clones.md](../docs/infused-clones.md).
#
# Three rules run through all of it:
#
# 1. Cells are the sample size, not reads.
# 2. What is not seen is not absent: it is below a limit that the depth sets.
# 3. Before a clone is called infused, swapped tubes and leaks must be ruled out.

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from IPython.display import Image

import tilseq as ts
from tilseq.plots.style import save

pl.Config.set_tbl_rows(24)
pl.Config.set_tbl_cols(12)
pl.Config.set_float_precision(3)
pl.Config.set_fmt_str_lengths(80)
pl.Config.set_tbl_width_chars(140)
pl.Config.set_tbl_hide_dataframe_shape(True)
folder = TemporaryDirectory()
STUDY = Path("../data/sample")
manifest = pl.read_csv(STUDY / "samples.csv", infer_schema_length=None)
bulk = manifest.filter(pl.col("path").str.starts_with("raw/tcr/")).sort("subject", "day")


def show(axes, name):
    """Show a figure as the report has it."""
    return Image(filename=save(axes.figure, folder.name, name)[1])


# %% [markdown]
# ## Contamination first
#
# Nucleotide-identical clones in samples of two people are rare by chance. All bulk libraries of the study are held
# against each other; nothing is removed, each sample gets a verdict.

# %%
read = {row["sample"]: ts.io.read_clonotypes(STUDY / row["path"]) for row in bulk.iter_rows(named=True)}
told = {word: dict(bulk.select("sample", word).iter_rows()) for word in ("subject", "run", "day", "cells", "visit")}
found = ts.repertoire.contamination(
    {name: one.table for name, one in read.items()}, subjects=told["subject"], runs=told["run"]
)
suspect = found.samples.filter((pl.col("verdict") != "as_labelled") | (pl.col("depth") == "shallow"))
suspect.select("sample", "clones", "counts", "depth", "own_agree", "own_compared", "content_of", "verdict")

# %% [markdown]
# **Conclude:** the day 7 tubes of SIM-03 and SIM-04 were exchanged: neither shares clones with its own subject, each
# shares many with the other. Left as they are, SIM-03 would seem to have lost all its infused clones within a week.
# One library of SIM-02 failed: it is its own subject's, and says next to nothing.
#
# **Do not conclude** that the others are clean of every leak: the table below has the largest rate that could have
# escaped.

# %%
runs = found.rates.filter(pl.col("recipient").is_null())
runs.select("run", "large_clones", "seen", "verdict", largest_rate_per_million=1e6 * pl.col("upper"))

# %% [markdown]
# ## Depth, and what it lets us see
#
# From here on SIM-01 alone. The manifest says how many T cells went into each library, and that templates of DNA were
# counted. How often one is counted twice, or not at all, the libraries tell together; the effective number is what the
# counts are worth by that. A clone of the share f95 = 1 - 0.05^(1 / n) is missed with a chance of 5 %.

# %%
own = bulk.filter(subject="SIM-01")
visits = dict(own.select("visit", "sample").iter_rows())
day = {visit: told["day"][sample] for visit, sample in visits.items()}
tables = {visit: read[sample].table for visit, sample in visits.items()}
miscounted = ts.repertoire.miscounted_templates(tables.values())
depth = pl.concat(
    ts.repertoire.depth(
        table, sample=visit, count_of="templates", cells=told["cells"][visits[visit]], miscounted=miscounted
    )
    for visit, table in tables.items()
)
effective = dict(depth.select("sample", "n_effective").iter_rows())
clones = {visit: ts.repertoire.with_depth(table, depth.filter(sample=visit)) for visit, table in tables.items()}
depth.select("sample", "counts", "cells", "n_effective").with_columns(
    f95_percent=100 * (1 - 0.05 ** (1 / pl.col("n_effective")))
)

# %% [markdown]
# ## How much of the blood do infused clones hold?

# %%
LATER = ("D7", "D28", "D84", "D180")
tracked = ts.repertoire.track(
    {visit: clones[visit] for visit in LATER},
    {"product": clones["product"]},
    baseline={"baseline": clones["baseline"]},
    tumor={"harvest": clones["harvest"]},
)
held = tracked.persistence.select("sample", "measure", "value", "lower", "upper", "at_cells")
held.filter(pl.col("measure").is_in(["mass", "mass_new", "clones_at_n", "frequent_clones_at_n"]))

# %% [markdown]
# **Conclude:** on day 7 about 86 % of the blood's T cells are of clones that the product shows, on day 180 still a
# third. `mass` does not depend on the depth of the blood sample. `mass_new` leaves out clones that blood had before,
# which are few here. `clones_at_n` is told at a depth that all four visits have, so that they compare.
#
# **Do not conclude** that the cells of these clones all descend from infused ones: a clone that was in blood *and* in
# the product may have grown from either. Nor that 14 % on day 7 were not infused: clones of the product that its
# 4,600 cells did not show are missed, and the mass is a lower bound. Nor anything from the share of *clones* seen in
# samples of unlike depth.

# %%
mass = tracked.persistence.filter(measure="mass").with_columns(
    subject=pl.lit("SIM-01"), day=pl.col("sample").replace_strict(day)
)
show(ts.plots.persistence_over_time(mass, held_by="clones of the product"), "mass")

# %% [markdown]
# ## The same, clone by clone
#
# The six clones of the product that hold most of all samples together, and all its others, as parts of each sample.
# Below each bar the cells.

# %%
names = {"baseline": "baseline\nday -10", "product": "product", **{visit: f"{visit}" for visit in LATER}}
show(ts.plots.clone_tracking(tracked.clones, tracked.origins, samples=names, products=["product"]), "tracking")

# %% [markdown]
# **Conclude:** no clone dominates; what falls is the sum of many. **Do not conclude** that a thin band that vanishes
# was lost: look at the limits.
#
# ## Present, absent, or not to be told
#
# A clone that is not seen is `absent` only where the sample would show one of the threshold (here 0.1 % of the T
# cells) with 95 % probability; else it is `indeterminate`. Its upper limit stands in either case. In the figure an
# open mark is a clone that was not seen, at the limit of detection.

# %%
calls = tracked.clones.group_by("sample", "call").len().sort("call").pivot(on="call", index="sample", values="len")
calls.sort(pl.col("sample").replace_strict(day))

# %%
days = {visit: day[visit] for visit in ("baseline", *LATER)}
show(ts.plots.clone_courses(tracked.clones, tracked.origins, days=days), "courses")

# %% [markdown]
# ## Where do clones come from?
#
# By where they were seen. `wrong_at_least` is a lower limit of how many of a class are of another, as the product or
# the blood before held them and the sample missed them. An upper limit there is not.

# %%
tracked.origin_classes.select("origin", "clones", "wrong_at_least")

# %% [markdown]
# The trial is synthetic, so we can look at the truth (columns; `naive` are cells of no clone that the trial follows).
# Of the clones called `infused_only`, 92 were in blood before and too small to be seen; of `preexisting_only` 27 were
# infused. The 34 clones seen in both prove two of each, and no more: most of the missed are too small to leave a
# trace.

# %%
truth = pl.read_csv(STUDY / "truth/clones/SIM-01.csv.gz").select("origin", junction="trb_junction")
beside = tracked.origins.join(truth.rename({"origin": "truth"}), on="junction", how="left")
beside = beside.with_columns(pl.col("truth").fill_null("naive"))
KINDS = ("infused_only", "infused_and_preexisting", "preexisting_only", "emergent", "tumor_resident", "naive")
beside.group_by("origin").agg((pl.col("truth") == kind).sum().alias(kind) for kind in KINDS).sort("origin")

# %% [markdown]
# **Conclude:** `infused_only` means "infused, and not seen in blood before". **Do not conclude** that such a clone
# was new to blood: with one baseline of 4,600 cells that is not known of small clones. That no clone is called
# emergent is no proof that none arose: to call one takes a depth that would have shown it before.
#
# The same as a flow: each block is a whole repertoire, a flow is of the clones seen at both of its ends.

# %%
show(ts.plots.compartment_flow(tracked.origins), "compartments")

# %% [markdown]
# ## Which clones expanded?
#
# An exact test on effective cells, corrected within the pair of samples. Reads in place of cells would call many
# clones that did not change.

# %%
changed = ts.repertoire.change(
    tables["product"],
    tables["D180"],
    samples=("product", "D180"),
    n_effective=(effective["product"], effective["D180"]),
    subject="SIM-01",
)
changed.drop_nulls("p").group_by("call").agg(
    seen_in_product=(pl.col("share_before") > 0).sum(), not_seen_in_product=(pl.col("share_before") == 0).sum()
).sort("call")

# %%
show(ts.plots.change_scatter(changed), "change")

# %% [markdown]
# **Conclude:** 130 clones of the product hold a smaller share of blood on day 180 than of the product, a
# handful a larger one. The ticks at the left are clones of blood that the product does not show, those below clones
# of the product that blood does not. **Do not conclude** that the grey ones did not change: `cannot_tell` is not
# `unchanged`. Shares are parts of a whole: as the blood fills up after lymphodepletion, a clone that keeps its cells
# loses share.
#
# ## How fast do they fall?
#
# Over the four visits each clone of the product has a slope with limits; the dispersion is learnt from all of them.

# %%
courses = ts.repertoire.trend(
    {visit: tables[visit] for visit in LATER},
    days=days,
    n_effective={visit: effective[visit] for visit in LATER},
    clones=clones["product"],
    subject="SIM-01",
)
falling = courses.filter(pl.col("q") < 0.05).sort("cells", descending=True).head(6)
falling.select("cells", "slope_per_day", "half_life", "half_life_lower", "half_life_upper", "dispersion", "q")

# %% [markdown]
# `cells` are the effective cells of the clone in all four samples; `half_life` is in days, with its 95 % limits.
#
# **Conclude:** of the clones that surely fall the largest lose half of their share in about 50 to 80 days; the limits
# of a single clone reach from 36 to 173 days. **Do not conclude** a half-life from a course that rises first: give the
# visits from the peak on.
#
# ## Near, but not the same
#
# Clones of blood with the amino acids of an infused one by other nucleotides, or one letter apart. They may know the
# same antigen; they were not infused, and never stand in the mass. Matching by amino acids would take the first kind
# in.

# %%
near = pl.concat(ts.repertoire.near_matches(tables[visit], tables["product"], sample=visit) for visit in LATER)
kinds = near.group_by("sample", "kind").agg(clones=pl.len(), percent=100 * pl.col("frequency").sum())
kinds.sort(pl.col("sample").replace_strict(day), "kind")

# %% [markdown]
# ## Single cells of infused clones
#
# Each cell of day 28 is held against the product. A cell that is not seen there may be of a clone that the product
# missed: `probability` is the chance of that.

# %%
contigs = ts.io.read_contigs(STUDY / "raw/sctcr/SIM-01_D28_sctcr.csv.gz")
cells = ts.repertoire.chain_pairing(contigs.table, sample="D28", cells=contigs.cells)
lot = ts.repertoire.ProductLot("product", tables["product"], {"TRB": effective["product"]}, None, "templates")
labels = ts.repertoire.cell_labels(cells, [lot], miscounted=miscounted)
droplets = pl.read_csv(STUDY / "truth/cells/SIM-01_D28_sc.csv.gz").select("infused", cell_id="barcode")
labelled = labels.join(droplets, on="cell_id", how="left").group_by("label")
labelled.agg(
    cells=pl.len(),
    least_probability=pl.col("probability").min(),
    mean_probability=pl.col("probability").mean(),
    truly_infused=pl.col("infused").sum(),
).sort("label")

# %% [markdown]
# **Conclude:** 93 cells are of infused clones, with hardly a doubt. Of the 20 that the product does not show, each was
# in it with a chance of 0.43, and in truth 11 were infused. **Do not conclude** that cells which the product
# does not show are endogenous. To compare expression take cells above 0.9 against cells below 0.1; here none lies
# below 0.1, so this product, at 4,600 effective cells, leaves none to compare with.
#
# In a study `tilseq run` does all of this for every subject; `tilseq repertoire track` does it for files.

# %%
folder.cleanup()
