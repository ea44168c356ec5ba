# %% [markdown]
# # Repertoires: from clonotype tables to what two samples share
#
# Depth, diversity, rarefaction, overlap and B cells of one subject of the synthetic trial in `data/sample`, and
# simulated repertoires whose truth is known. Definitions, and where they end, stand in
# [docs/repertoire.md](../docs/repertoire.md).

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from IPython.display import Image

import tilseq as ts
from tilseq.plots.style import figure, save

pl.Config.set_tbl_rows(20)
pl.Config.set_tbl_cols(12)
pl.Config.set_float_precision(3)
pl.Config.set_fmt_str_lengths(80)
pl.Config.set_tbl_hide_dataframe_shape(True)
folder = TemporaryDirectory()
STUDY = Path("../data/sample")

# %% [markdown]
# ## Read
#
# Blood of four visits and the infusion product. A reader tells what the counts count, as far as the file says so, and
# what it left out.

# %%
VISITS = ("baseline", "product", "D7", "D28", "D84")
paths = {visit: STUDY / f"raw/tcr/SIM-01_{visit}_tcr.tsv.gz" for visit in VISITS}
read = {visit: ts.io.read_clonotypes(path) for visit, path in paths.items()}
tables = {visit: one.table for visit, one in read.items()}
pl.DataFrame(
    [(visit, one.table.height, one.table["duplicate_count"].sum(), one.count_of) for visit, one in read.items()],
    schema=["sample", "clones", "counts", "counted"],
    orient="row",
)

# %% [markdown]
# ## Depth
#
# Counts are not cells. These are of templates of DNA (samples.csv says so, AIRR cannot), of which a cell gives one.
# Some are counted twice and some not at all; how often, the libraries tell together. By that they are worth so many
# effective cells; of UMIs, which cells yield unequally, it would be 1 / (1.7 / cells + 1 / counts).

# %%
samples = pl.read_csv(STUDY / "samples.csv", infer_schema_length=None)
cells = dict(samples.select("sample", "cells").iter_rows())
miscounted = ts.repertoire.miscounted_templates(tables.values())
depth = pl.concat(
    ts.repertoire.depth(
        table, sample=visit, count_of="templates", cells=cells[f"SIM-01_{visit}_tcr"], miscounted=miscounted
    )
    for visit, table in tables.items()
)
effective = {visit: {locus: number} for visit, locus, number in depth.select("sample", "locus", "n_effective").rows()}
behind = {
    row["sample"]: {
        "count_of": "templates",
        "n_effective": effective[row["sample"]],
        "counting": {row["locus"]: row["counting"]},
    }
    for row in depth.iter_rows(named=True)
}
depth.select("sample", "locus", "counts", "cells", "cells_from", "n_effective", "counting")

# %% [markdown]
# ## Diversity
#
# Of the clones seen, with limits where they are sound. Richness grows with depth; coverage tells how much of the
# repertoire was seen at all. Chao1 is null: some cells were counted twice, and such counts do not show which clones are
# of one cell.

# %%
indices = pl.concat(ts.repertoire.diversity(table, sample=visit, **behind[visit]) for visit, table in tables.items())
SHOWN = ("richness", "chao1_bias_corrected", "shannon_entropy_nats", "simpson_inverse", "clonality", "coverage")
indices.filter(pl.col("parameter").is_in(SHOWN)).pivot(on="parameter", index="sample", values="value")

# %% [markdown]
# ## Rarefaction
#
# Compare richness at a depth that all samples have: the curves are what fewer cells would have shown. Of templates that
# may be counted twice they end at the effective cells; of cells counted once they go on, dashed, to twice those seen.

# %%
curves = pl.concat(ts.repertoire.rarefaction(table, sample=visit, **behind[visit]) for visit, table in tables.items())
Image(filename=save(ts.plots.rarefaction_curves(curves).figure, folder.name, "rarefaction")[1])

# %%
spectra = {visit: ts.repertoire.effective_spectra(table, **behind[visit]) for visit, table in tables.items()}
common = ts.repertoire.standardised(spectra)
common.filter(pl.col("parameter").is_in(["richness_at_n", "hill_q2_at_n"])).select(
    "sample", "parameter", "value", "lower", "upper", "depth"
)

# %% [markdown]
# ## Overlap
#
# All pairs in one pass. Shared clones and Jaccard grow with depth. `morisita` is of the repertoires behind the samples,
# at any depth, with 95 % limits.

# %%
shared = ts.repertoire.overlap(tables, n_effective=effective)
held = shared.filter(pl.col("parameter").is_in(["shared_clones", "morisita"]), sample_a="product")
held.select("sample_a", "sample_b", "parameter", "value", "lower", "upper", "n_a", "n_b")

# %%
usage = pl.concat(
    ts.repertoire.usage(table, sample=visit, n_effective=effective[visit]) for visit, table in tables.items()
)
maps = ts.plots.repertoire_maps(shared, usage, parameter="morisita", order=VISITS)
Image(filename=save(maps, folder.name, "maps")[1])

# %% [markdown]
# ## What depth does, where the truth is known
#
# Two simulated repertoires of 10,000 clones each, half of them in both and as large in either. Samples of 500 to 8,000
# cells: shared clones and Morisita-Horn follow the depth, `morisita` stays about the truth.

# %%
random = np.random.default_rng(7)
sizes = random.lognormal(0, 1, 15_000)
clones = {"a": np.arange(10_000), "b": np.arange(5_000, 15_000)}
truth = {name: sizes[own] / sizes[own].sum() for name, own in clones.items()}
known = 2 * (truth["a"][5_000:] * truth["b"][:5_000]).sum() / sum((share**2).sum() for share in truth.values())


def drawn(name, cells):
    """Return a clonotype table of so many cells of one of the repertoires."""
    counts = random.multinomial(cells, truth[name])
    table = pl.DataFrame({"junction": clones[name].astype(str), "duplicate_count": counts})
    return table.filter(pl.col("duplicate_count") > 0).with_columns(locus=pl.lit("TRB"))


rows = []
for size in (500, 1000, 2000, 4000, 8000):
    pair = {name: drawn(name, size) for name in clones}
    found = ts.repertoire.overlap(pair, n_effective={name: {"TRB": size} for name in clones})
    row = {name: limits for name, *limits in found.select("parameter", "value", "lower", "upper").iter_rows()}
    rows.append((size, row["shared_clones"][0], row["morisita_horn"][0], *row["morisita"], known))
simulated = pl.DataFrame(
    rows, schema=["cells", "shared clones", "Morisita-Horn", "Morisita", "lower", "upper", "truth"], orient="row"
)
simulated.head(5)

# %%
with figure(5, 3) as axes:
    away = (simulated["Morisita"] - simulated["lower"], simulated["upper"] - simulated["Morisita"])
    axes.errorbar(simulated["cells"], simulated["Morisita"], yerr=away, fmt="o-", capsize=3, label="Morisita, 95 %")
    axes.plot(simulated["cells"], simulated["Morisita-Horn"], "s--", label="Morisita-Horn")
    axes.axhline(known, color="k", linewidth=1, label="truth")
    axes.set(xlabel="Cells of each sample", ylabel="Overlap", ylim=(0, None))
    axes.legend()
Image(filename=save(axes.figure, folder.name, "depth")[1])

# %% [markdown]
# ## B cells
#
# Heavy chains of one V gene, J gene and junction length whose junctions differ little are a family.

# %%
sequences = ts.io.read_bcr(STUDY / "raw/bcr/SIM-01_baseline_bcr.tsv.gz")
b_cells = ts.repertoire.bcr(sequences.table, sample="baseline", count_of=sequences.count_of)
print(f"{b_cells.families.height:,} families; threshold {b_cells.threshold:.2f} ({b_cells.threshold_source})")
b_cells.families.sort("duplicate_count", "family_id", descending=[True, False]).head(5).select(
    "family_id", "sequences", "junctions", "duplicate_count", "mutation_frequency"
)

# %% [markdown]
# In a study `tilseq run` does all this for every subject, and puts it into the report. What infused clones hold of
# blood is `ts.repertoire.persistence`, see [docs/repertoire.md](../docs/repertoire.md).

# %%
folder.cleanup()
