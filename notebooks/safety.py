# %% [markdown]
# # Safety: adverse events, laboratory results, tumour markers
#
# A simulated trial whose truth is known: who had which toxicity and how badly, when blood counts came back, what
# tumour markers did, and three conclusions that must not be drawn. Definitions, and where they end, stand in
# [docs/safety.md](../docs/safety.md).

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from IPython.display import Image

import tilseq as ts
from tilseq.clinical.grade_bands import grade_bands
from tilseq.errors import AnalysisError
from tilseq.plots.style import save
from tilseq.simulate.clinic.safety import EVENTS

pl.Config.set_tbl_rows(20)
pl.Config.set_tbl_cols(12)
pl.Config.set_float_precision(3)
pl.Config.set_fmt_str_lengths(60)
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
# Twenty-four subjects with lymphodepletion from day -7, one infusion on day 0 and IL-2 to day 4.

# %%
ts.simulate.simulate_trial(STUDY, ts.simulate.Design(subjects=24, assays=["clinic"], memory_clones=200, seed=3))
study = ts.read_study(STUDY)
days = {"subjects": study.subjects, "infusions": study.infusions}
il2_end = dict.fromkeys(study.subjects["subject"], study.settings.analysis.clinical.il2_end_day)
names = ("adverse_events", "recoveries")
truth = {name: pl.read_csv(STUDY / f"truth/{name}.csv", infer_schema_length=None) for name in names}
study.clinical["adverse_events"].head(4)

# %% [markdown]
# ## Subjects, not events
#
# Each subject counts once a line, with its worst grade; everybody treated is in the denominator.

# %%
safety = ts.clinical.safety(
    study.clinical["adverse_events"], followup=study.clinical["followup"], il2_end=il2_end, **days
)
counted = safety.rows.filter("counted")
print(f"{safety.rows.height} events recorded, {counted.height} of them begun since the first dose")
worst = counted.group_by("subject").agg(pl.col("grade").max()).sort("subject")
true = truth["adverse_events"].filter(pl.col("start_day") >= -7)
true_worst = true.group_by("subject").agg(pl.col("grade").max()).sort("subject")
print("the worst grade of each subject is the true one:", worst.equals(true_worst.cast(worst.schema)))
show(ts.plots.adverse_event_bars(safety.rows, subjects=24, most=20).figure, "bars")

# %% [markdown]
# The same to print: subjects (%) by system, term and worst grade.

# %%
ts.plots.adverse_event_table(safety.table.filter(pl.col("term").is_null()))

# %% [markdown]
# Of events of grade 3 or 4, the share of subjects beside the share that the simulator drew them with. The limits are
# exact, and of twenty-four subjects wide.

# %%
share = {event.term: event.shares[2] for event in EVENTS if event.shares[2] >= 0.06}
grade_3_4 = safety.summaries.filter(
    pl.col("qualifier").str.contains("term=") & ~pl.col("qualifier").str.contains("period="),
    pl.col("qualifier").str.contains("grade=3-4"),
    parameter="ae_any",
).with_columns(term=pl.col("qualifier").str.extract("term=(.*)"))
drawn_with = pl.DataFrame({"term": list(share), "truth": list(share.values())})
grade_3_4.join(drawn_with, on="term").select("term", "numerator", "denominator", "estimate", "lower", "upper", "truth")

# %% [markdown]
# **Not to be concluded: that one toxicity is commoner than another**, from a difference of two or three subjects. And a
# toxicity that nobody of twenty-four had is compatible with one in seven.
#
# ## Laboratory results by the CTCAE
#
# The version must be named: the same neutrophils are grade 4 in one and grade 3 in the other.

# %%
labs = study.clinical["labs"]
try:
    ts.clinical.lab_grades(labs, **days)
except AnalysisError as error:
    print(error)
for version in (5, 6):
    of_anc = ts.clinical.lab_grades(labs, version=version, **days).filter(term="Neutrophil count decreased")
    results = {grade: of_anc.filter(grade=grade).height for grade in (3, 4)}
    print(f"version {version}, results of neutrophils by grade: {results}")

# %%
grades = ts.clinical.lab_grades(labs, version=5, il2_end=il2_end, **days)
bands = grade_bands("Neutrophil count decreased", version=5, unit="10^9/L", lower_limit=1.8)
figure = ts.plots.lab_trajectories(
    grades,
    term="Neutrophil count decreased",
    bands=bands,
    scale="log",
    lymphodepletion_day=-7,
    il2_end_day=4,
).figure
show(figure, "neutrophils")

# %%
shifts = ts.clinical.lab_shifts(grades)
show(ts.plots.lab_shift_map(shifts, term="Creatinine increased").figure, "shifts")

# %% [markdown]
# ## When neutrophils came back
#
# Back is the first of three days with results at 0.5 or above. Measured counts vary about the true ones and are not
# drawn every day, so the day may be one off; whoever died before has no later result.

# %%
back = ts.clinical.recoveries(labs, **days).filter(parameter="recovery: ANC >= 0.5")
planted = truth["recoveries"].filter(test="ANC", threshold=0.5).select("subject", "recovered_day")
both = back.join(planted, on="subject")
later = (pl.col("end_day") - pl.col("recovered_day")).alias("days later than planted")
both.group_by("rule", later).len().sort("rule", later.meta.output_name())

# %%
curve = ts.clinical.survival_curve(back)
ts.clinical.survival_estimates(back).filter(quantity="median").select("parameter", "estimate", "lower", "upper")

# %% [markdown]
# **Not to be concluded: that the median of those who came back is the median of all.** Who died or was lost before is
# censored, as Kaplan-Meier has it. (Day 0 is the first of its days: ten of them end on day 9.)
#
# ## Tumour markers
#
# Each against the upper limit of its own record and the last value before treatment. Values below a limit stay limits,
# and a line breaks where the assay changes.

# %%
markers = ts.clinical.markers(study.clinical["tumor_markers"], subjects=study.subjects)
some = ["SIM-06", "SIM-12", "SIM-18", "SIM-24"]
own = markers.filter(pl.col("subject").is_in(some), test="CA125")
show(ts.plots.marker_courses(own, lymphodepletion_day=-7, il2_end_day=4), "markers")

# %%
ts.clinical.gcig(markers, subjects=study.subjects).select(
    "subject", "category", "response_day", "progression", "progression_day", "reason"
)

# %% [markdown]
# **Not to be concluded: that a response by CA-125 is one of the tumour.** GCIG's criteria are of chemotherapy;
# infusion, IL-2 and effusions move CA-125 by themselves. It is exploratory, and of ovarian cancer alone.
