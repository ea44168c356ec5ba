# %% [markdown]
# # Flow cytometry: from tubes to TIL survival
#
# One subject's blood before and after the infusion, and the infusion product. The tubes are simulated, so that every
# estimate can be held against the truth. How it all works, and where it ends, stands in
# [docs/flow.md](../docs/flow.md).

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from IPython.display import Image

from tilseq.endpoints.kinetics import kinetics
from tilseq.errors import AnalysisError
from tilseq.flow import cd4_cd8_ratio, count, gate
from tilseq.flow.absolute import budget_in_words, by_beads
from tilseq.flow.cuts import borrowed, cohort_cuts, cuts_table
from tilseq.flow.marked import CellsPerUl, Lot, infused_share, marked_events
from tilseq.flow.uncertainty import log_sds
from tilseq.io.fcs import read_fcs
from tilseq.plots.flow import gates
from tilseq.plots.style import figure, save
from tilseq.populations import rule
from tilseq.simulate.cytometry.faults import Beads
from tilseq.simulate.cytometry.panels import T_STATE
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.files import write_tube

pl.Config.set_tbl_rows(20)
pl.Config.set_float_precision(2)
pl.Config.set_fmt_str_lengths(100)
folder = TemporaryDirectory()

# %% [markdown]
# ## A simulated subject
#
# Cells per microlitre of blood: the subject's own, of which chemotherapy leaves little, and the infused T cells. Of
# these 40 % bear TCR Vβ2, which the dye `TCR Vb` stains, and of the subject's own 4 %. Each tube has 12,000 events and,
# but for the product, counting beads.

# %%
OWN = {"CD4+ T naive": 250, "CD4+ T central_memory": 350, "CD8+ T naive": 120, "CD8+ T effector": 200}
OTHERS = {"B": 150, "NK": 180, "monocyte": 350}
INFUSED = {"CD4+ T effector": 0.3, "CD8+ T effector": 0.5, "CD8+ T exhausted_progenitor": 0.2}
# Tube → day, share of the subject's own cells that are there, infused cells/µL.
TUBES = {
    "baseline": (-7, 1.0, 0.0),
    "D1": (1, 0.004, 0.3),
    "D7": (7, 0.05, 400.0),
    "D14": (14, 0.3, 900.0),
    "D28": (28, 0.5, 500.0),
    "D56": (56, 0.8, 250.0),
    "D84": (84, 0.9, 120.0),
    "product": (0, 0.02, 1000.0),
}
BEADS = Beads(per_tube=25_000, sample_volume_ul=50)
random = np.random.default_rng(2024)

for name, (_, left, infused) in TUBES.items():
    own = {kind: left * cells for kind, cells in OWN.items()}
    new = {kind: infused * share for kind, share in INFUSED.items()}
    t_cells = {kind: own.get(kind, 0) + new.get(kind, 0) for kind in {**OWN, **INFUSED}}
    bearing = {kind: 0.04 * own.get(kind, 0) + 0.4 * new.get(kind, 0) for kind in t_cells}
    vbeta = {kind: bearing[kind] / cells for kind, cells in t_cells.items() if cells}
    others = {kind: left * cells for kind, cells in OTHERS.items()}
    beads = None if name == "product" else BEADS
    tube = acquire(random, T_STATE, t_cells | others, events=12_000, beads=beads, vbeta=vbeta)
    write_tube(Path(folder.name, f"{name}.fcs"), tube, name)

# %% [markdown]
# ## Look at a tube
#
# `tilseq flow inspect` tells the same on the command line.

# %%
tube = read_fcs(Path(folder.name, "D14.fcs"))
print(f"{len(tube.events):,} events, {len(tube.spill.channels)} channels to compensate, {len(tube.warnings)} warnings")
pl.DataFrame({"channel": tube.channels, "marker": tube.markers})

# %% [markdown]
# ## Gate it, and look at the picture
#
# The panel says which channel bears which marker. Cuts find themselves. A band about a line shows where the cut could
# as well lie.

# %%
PANEL = {dye.marker: [dye.channel] for dye in T_STATE.dyes}
gating = gate(tube, sample="D14", aliases=PANEL)
Image(filename=save(gates(gating), folder.name, "D14")[1])

# %% [markdown]
# ## Count
#
# Limits are of counting and gating together; how much of them is counting alone stands beside.

# %%
columns = ["population", "parent", "events", "percent_of_parent", "lower", "upper", "counting_lower", "counting_upper"]
count(gating).select(columns)

# %%
ratio = cd4_cd8_ratio(gating)
print(f"CD4/CD8 {ratio.value:.2f} ({ratio.lower:.2f} to {ratio.upper:.2f}), {ratio.status}")
gating.quality.filter(pl.col("verdict") != "pass").select("check", "value", "verdict", "reason")

# %% [markdown]
# ## A tree of your own
#
# A population is its parent and the signs of its markers. In a study the same stands in `study.yaml`, below `panels:`.

# %%
TREE = {
    "CD3+/TCR Vb+": rule("CD3+", "TCR Vb+"),
    "CD8+ T/stem-like": rule("CD8+ T", "CD39-", "CD69-"),
    "CD8+ T/CD27 or CD28": rule("CD8+ T", "CD27+|CD28+"),
}
gating = gate(tube, sample="D14", aliases=PANEL, populations=TREE)
count(gating).filter(pl.col("population").is_in(list(TREE))).select(columns)

# %% [markdown]
# ## What other tubes tell: the cohort's cuts
#
# On day 1 there are hardly any T cells, and in the product hardly any others: some cuts have no valley. First each tube
# is gated alone, as far as it can be. The medians of the clear cuts are the cohort's.

# %%
tubes = {name: read_fcs(Path(folder.name, f"{name}.fcs")) for name in TUBES}
alone = {}
for name, tube in tubes.items():
    try:
        alone[name] = gate(tube, sample=name, aliases=PANEL, populations=TREE)
    except AnalysisError as error:
        print(f"{name}: {error}")
cohort = cohort_cuts(pl.concat([cuts_table(gating) for gating in alone.values()]))
cohort.select("gate", "parent", "threshold", "lower", "upper", "mad", "tubes")

# %% [markdown]
# Then a tube without a clear cut borrows the cohort's, and it is told. A tube whose own cuts are clear keeps them.

# %%
lent = borrowed(cohort)
gated = {name: gate(tube, sample=name, aliases=PANEL, populations=TREE, borrowed=lent) for name, tube in tubes.items()}
checks = pl.concat([gated[name].quality for name in ("D1", "product")])
checks.filter(pl.col("verdict") != "pass").select("sample", "check", "value", "verdict", "reason")

# %%
Image(filename=save(gates(gated["D1"]), folder.name, "D1")[1])

# %% [markdown]
# ## Cells per microlitre
#
# By the counting beads of each tube. The limits join both counts with the errors of the lot, the pipette and the gates;
# the budget says what each adds.


# %%
def per_ul(name, population):
    """Return the cells of a population in 1 µL of the blood of a tube."""
    events = {name: population.events for name, population in gated[name].populations.items()}
    return by_beads(
        events[population],
        events["single beads"],
        beads_per_tube=BEADS.per_tube,
        sample_volume_ul=BEADS.sample_volume_ul,
        lot_cv=0.02,
        pipette_cv=0.03,
        gate_sd=log_sds(gated[name])[population],
    )


blood = [name for name in TUBES if name != "product"]
cd3 = {name: per_ul(name, "CD3+") for name in blood}
truth = {name: TUBES[name][1] * sum(OWN.values()) + TUBES[name][2] for name in blood}
pl.DataFrame(
    {
        "tube": blood,
        "CD3+ per µL": [cd3[name].value for name in blood],
        "lower": [cd3[name].lower for name in blood],
        "upper": [cd3[name].upper for name in blood],
        "truth": [truth[name] for name in blood],
        "error budget": [budget_in_words(cd3[name].budget) for name in blood],
    }
)

# %% [markdown]
# ## TIL survival
#
# How much of the CD3+ cells was infused, by a mark that many of them bear, baseline subtracted. Vβ2 is borne by cells
# that were not infused, too, so the result is labelled an upper bound: cells *compatible with* infused ones.

# %%
marked = {name: marked_events(count(gating), "CD3+/TCR Vb+") for name, gating in gated.items()}
after = [name for name in blood if TUBES[name][0] > 0]
shares = {
    name: infused_share(
        [Lot(marked["product"])],
        marked["baseline"],
        marked[name],
        upper_bound=True,
        seed=1,
        cd3_per_ul=CellsPerUl(cd3[name].value, cd3[name].lower, cd3[name].upper),
    )
    for name in after
}
survival = pl.DataFrame(
    {
        "day": [TUBES[name][0] for name in after],
        "value": [shares[name].cells_per_ul for name in after],
        "lower": [shares[name].cells_per_ul_lower for name in after],
        "upper": [shares[name].cells_per_ul_upper for name in after],
        "truth": [TUBES[name][2] for name in after],
        "above blank": [shares[name].probability_above_blank for name in after],
        "status": [shares[name].status for name in after],
    }
)
survival.select("day", pl.exclude("day"))

# %%
with figure(5, 3) as axes:
    away = (survival["value"] - survival["lower"], survival["upper"] - survival["value"])
    axes.errorbar(survival["day"], survival["value"], yerr=away, fmt="o-", capsize=3, label="estimate, 95 % limits")
    axes.plot(survival["day"], survival["truth"], "k_", markersize=14, label="truth")
    axes.set(xlabel="Day (0 = first infusion)", ylabel="Infused cells/µL")
    axes.legend()
Image(filename=save(axes.figure, folder.name, "survival")[1])

# %% [markdown]
# Peak, area under the curve and half-life, each with its limits; what the visits cannot tell is empty, and says why.

# %%
before = pl.DataFrame({"day": [0], "value": [0.0], "lower": [0.0], "upper": [0.0], "status": ["not_detected"]})
series = pl.concat([before, survival.select(before.columns)])
kinetics(series, unit="cells/µL", seed=1).select("parameter", "value", "lower", "upper", "unit", "status", "reason")

# %% [markdown]
# A whole trial takes one command, `tilseq run STUDY -o OUT`: the same numbers for every subject, in the table of
# endpoints and in the report.

# %%
folder.cleanup()
