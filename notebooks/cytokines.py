# %% [markdown]
# # Cytokines: from the beads of a plate to IFN-γ and TGF-β over time
#
# A simulated trial whose truth is known: the beads of a plate, its standard curves with the dilution errors of their
# standards, concentrations with limits, and what became of each subject since before treatment. Definitions, and where
# they end, stand in [docs/cytokines.md](../docs/cytokines.md).

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from IPython.display import Image

import tilseq as ts
from tilseq.plots.style import save

pl.Config.set_tbl_rows(20)
pl.Config.set_tbl_cols(12)
pl.Config.set_float_precision(3)
pl.Config.set_fmt_str_lengths(40)
pl.Config.set_tbl_hide_dataframe_shape(True)
pl.Config.set_tbl_width_chars(140)
folder = TemporaryDirectory()
STUDY = Path(folder.name) / "trial"


def show(figure, name):
    """Show a figure as it is written."""
    return Image(save(figure, folder.name, name)[1])


# %% [markdown]
# ## Read
#
# Each subject has two plates: six cytokines on beads of two sizes, and TGF-β1 after acid activation. A sheet says what
# is in each well; events are of FCS files.

# %%
ts.simulate.simulate_trial(STUDY, ts.simulate.Design(subjects=2, assays=["cytokine"], memory_clones=200, seed=5))
study = ts.read_study(STUDY)
kits = ts.io.read_kits()
sheet = study.plates.filter(plate="SIM-01_cytokine")
wells = ts.io.read_wells(sheet, STUDY, kits)
truth = pl.read_csv(STUDY / "truth/wells.csv", infer_schema_length=None)
sheet.select("well", "role", "sample", "level", "nominal_pg_per_ml", "dilution").head(4)

# %% [markdown]
# ## Beads
#
# The size of a bead and its classifier dye tell its analyte, its reporter how much of it is bound. Grey is debris,
# doublets and what is not clearly of one population; it is counted in `exclusions`.

# %%
beads = ts.cytokines.find_beads(sheet, wells.events, kits)
print(beads.wells["verdict"].value_counts().rows(), "fewest beads:", beads.wells["beads"].min())
true_beads = truth.filter(plate="SIM-01_cytokine").select("well", "analyte", true_beads="beads")
both = beads.wells.join(true_beads, on=["well", "analyte"])
off = (both["beads"] / both["true_beads"] - 1).abs().max()
print(f"off the true number of single beads by at most {100 * off:.0f} %")
show(ts.plots.bead_map(beads.maps[2]), "beads")

# %% [markdown]
# ## Standard curves and the error that all of them share
#
# A standard that was diluted wrongly is wrong for all analytes at once. That tells its error from theirs: beside the
# error that was found, with its limits, stands the true one.

# %%
told = ts.cytokines.quantify(sheet, beads.wells, kits)
levels = pl.read_csv(STUDY / "truth/levels.csv").filter(plate="SIM-01_cytokine").select("level", truth="factor")
told.dilution.join(levels, on="level").select("level", "factor", "lower", "upper", "truth")

# %%
within = told.recovery["recovery_nominal_pct"].is_between(80, 120).sum()
print(f"standards within 20 %, as they are labelled: {within} of {told.recovery.height}")
print(f"less the shared error: {told.recovery['recovery_pct'].is_between(80, 120).sum()} of {told.recovery.height}")
show(ts.plots.recovery_dots(told.recovery).figure, "recovery")

# %%
show(ts.plots.standard_curves(told.curves, told.recovery, beads.wells, told.concentrations), "curves")

# %%
show(ts.plots.plate_map(beads.wells, told.concentrations, analytes=["IFN-gamma", "IL-6"]), "plate")

# %% [markdown]
# ## Concentrations
#
# In the undiluted plasma, beside the true ones. The limits hold beads, wells and curve.

# %%
of_samples = truth.drop_nulls("sample").select("plate", "sample", "analyte", truth="plasma_pg_per_ml").unique()
quantified = told.samples.filter(status="quantified").join(of_samples, on=["plate", "sample", "analyte"])
quantified.sort("analyte", "sample").select("sample", "analyte", "conc_pg_per_ml", "lower", "upper", "truth")

# %%
told.samples.group_by("status").agg(pl.len(), pl.col("limit_pg_per_ml").median().alias("median limit")).sort("status")

# %% [markdown]
# **Not to be concluded: that what is not detected is not there.** It lies about below a limit, and at the limit itself
# a sample is missed every second time.
#
# ## Over the study
#
# All plates, and each sample held against the last before lymphodepletion. Where one of both is out of range the fold
# change is a limit, where both are it is mostly unknown.

# %%
plates = []
for plate in study.plates["plate"].unique().sort():
    own = study.plates.filter(plate=plate)
    found = ts.cytokines.find_beads(own, ts.io.read_wells(own, STUDY, kits).events, kits)
    plates.append(ts.cytokines.quantify(own, found.wells, kits).samples)
starts = dict(study.subjects.select("subject", "lymphodepletion_day").iter_rows())
course = ts.cytokines.levels(pl.concat(plates), study.samples, starts)
ifn = course.filter(analyte="IFN-gamma", subject="SIM-01")
ifn.select("day", "conc_pg_per_ml", "status", "limit_pg_per_ml", "fold", "fold_lower", "fold_upper", "fold_status")

# %%
base = of_samples.join(course.filter("baseline"), on=["plate", "sample", "analyte"]).select(
    "subject", "analyte", true_base="truth"
)
folds = course.join(of_samples, on=["plate", "sample", "analyte"]).join(base, on=["subject", "analyte"])
folds = folds.with_columns(true_fold=pl.col("truth") / pl.col("true_base")).filter(pl.col("fold").is_not_null())
right = {
    "quantified": pl.col("true_fold").is_between("fold_lower", "fold_upper"),
    "at_least": pl.col("true_fold") >= pl.col("fold"),
}
for status, rule in right.items():
    own = folds.filter(fold_status=status)
    print(f"{status}: {own.filter(rule).height} of {own.height} fold changes are true")

# %%
some = ["IFN-gamma", "IL-6", "TGF-beta1"]
show(ts.plots.cytokine_trajectories(course, analytes=some, lymphodepletion_day=-7, il2_end_day=4), "courses")

# %% [markdown]
# **Not to be concluded: that IFN-γ comes of infused cells alone**, nor that the height of a peak is that of the true
# one: blood was drawn on one day about it. **Nor that two subjects differ** whose plates have another curve: what all
# wells of a sample share, its dilution and its matrix, is in no limit. Free TGF-β is not what acid activation
# measures: total is mostly latent, and platelets that burst in the tube give a good part of it.
