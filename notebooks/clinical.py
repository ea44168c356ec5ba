# %% [markdown]
# # The clinic: from scans to response and survival
#
# A simulated trial whose truth is known: response by RECIST 1.1, best response and its rates, time to event by two
# sets of rules, survival curves, and three conclusions that must not be drawn. Definitions, and where they end, stand
# in [docs/clinical.md](../docs/clinical.md).

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from IPython.display import HTML, Image

import tilseq as ts
from tilseq.errors import AnalysisError
from tilseq.plots.style import save

pl.Config.set_tbl_rows(20)
pl.Config.set_tbl_cols(12)
pl.Config.set_float_precision(3)
pl.Config.set_fmt_str_lengths(90)
pl.Config.set_tbl_hide_dataframe_shape(True)
pl.Config.set_tbl_width_chars(140)
folder = TemporaryDirectory()
STUDY = Path(folder.name) / "trial"


def show(axes, name):
    """Show a figure as it is written."""
    return Image(save(axes.figure, folder.name, name)[1])


# %% [markdown]
# ## Read
#
# Twenty-four subjects, scanned every six and later every twelve weeks, followed for about a year. The truth stands
# beside the study: what the rules say of each visit, and the day of each death, known to the trial or not.

# %%
ts.simulate.simulate_trial(STUDY, ts.simulate.Design(subjects=24, assays=["clinic"], memory_clones=200, seed=3))
study = ts.read_study(STUDY)
followup, subjects = study.clinical["followup"], study.subjects
truth = {name: pl.read_csv(STUDY / f"truth/{name}.csv", infer_schema_length=None) for name in ("responses", "fates")}
study.lesions.select("subject", "day", "visit", "lesion", "role", "diameter_mm", "state").head(6)

# %% [markdown]
# ## Response at each visit
#
# Derived from the lesions, beside what the reader recorded. The recorded response is the endpoint; a difference is a
# question to the reader. The simulated reader deviates from the rules now and then: those visits are found, and no
# other.

# %%
responses = ts.clinical.response(study.lesions, study.responses, subjects=subjects)
differences = ts.clinical.response_differences(responses)
planted = truth["responses"].filter("deviates").select("subject", "day")
found = differences.filter(kind="differs").select("subject", "day")
print(
    f"{responses['agrees'].drop_nulls().len()} visits have both; {found.height} differ, {planted.height} were planted;"
)
print("the same ones:", found.sort("subject", "day").equals(planted.sort("subject", "day").cast(found.schema)))
differences.select("subject", "visit", "recorded", "derived", "derivation").head(4)

# %%
show(ts.plots.spider(responses), "spider")

# %% [markdown]
# ## Best response and its rates
#
# A CR or PR counts when a later visit confirms it, 28 days on or more. Whoever was infused stays in the denominator,
# also who died before the first scan.

# %%
bounds = {name: study.clinical[name] for name in ("followup", "schedule")}
best = ts.clinical.best_response(responses, study.clinical.get("therapies"), subjects, **bounds)
confirmed = best.filter(confirmation="required")
rates = ts.clinical.response_rates(best, subjects, study.infusions)
rates = rates.filter(population="infused")
of_all = rates.filter(pl.col("parameter").is_in(["ORR", "DCR"]), group="all")
of_all.select("parameter", "qualifier", "numerator", "denominator", "estimate", "lower", "upper")

# %%
print(of_all["denominator_text"][0])
show(ts.plots.waterfall(confirmed), "waterfall")

# %% [markdown]
# As a table for a paper: it shows here, and `.write_raw_html(path)` writes a page that opens offline.

# %%
table = ts.plots.rates_table(rates.filter(parameter="ORR", qualifier="confirmation=required;reader=investigator"))
HTML(table.as_raw_html())

# %% [markdown]
# **Not to be concluded: that one tumour type responds better.** The types have four to eight subjects each and their
# limits overlap widely. In this simulation the type does not decide who responds.
#
# ## Time to event
#
# Each time has its origin, its end, and the rule that fired. `lm103` counts as that protocol says: OS from the first
# dose (here of lymphodepletion), PFS from enrolment, TTP and TTR from randomisation, or where there is none from
# enrolment.

# %%
records = ts.clinical.clinical_records(
    responses,
    followup,
    subjects,
    therapies=study.clinical.get("therapies"),
    schedule=study.clinical["schedule"],
    infusions=study.infusions,
    lesions=study.lesions,
    best_response=best,
)
rules = ts.clinical.time_to_event_rules("lm103", first_dose="lymphodepletion")
print(len(ts.clinical.contradictions(records, rules)), "contradictions")
times = ts.clinical.time_to_event(records, rules)
times.filter(subject="SIM-01").select("parameter", "origin", "start_day", "end_day", "days", "event", "rule")

# %%
show(ts.plots.swimmer(times, responses, therapies=study.clinical.get("therapies")), "swimmer")

# %% [markdown]
# ## Survival
#
# Kaplan-Meier with R's rule for the median. The truth of these twenty-four is known beyond the end of follow-up: on
# each landmark, the share of them that lives.

# %%
overall = times.filter(parameter="OS")
curve = ts.clinical.survival_curve(overall)
estimates = ts.clinical.survival_estimates(overall, at_days=[91, 183, 274, 365])
show(ts.plots.survival(curve, estimates, since="first dose"), "survival")

# %%
starts = dict(overall.select("subject", "start_day").iter_rows())
deaths = dict(truth["fates"].select("subject", "death_day").iter_rows())


def lives(day):
    """Return the share of all subjects that truly live so many days after their first dose."""
    alive = [deaths[name] is None or deaths[name] - start + 1 > day for name, start in starts.items()]
    return sum(alive) / len(alive)


landmarks = estimates.filter(quantity="survival_at").select("at_day", "at_risk", "estimate", "lower", "upper")
landmarks.with_columns(truth=pl.col("at_day").map_elements(lives, return_dtype=pl.Float64))

# %% [markdown]
# The limits are of a trial's worth of chance, the truth that of these twenty-four: it lies well within them. Late
# the curve rests on the few at risk below it.
#
# ## The rules decide
#
# Of the same records, PFS by FDA-type and by EMA-type censoring: a new therapy, or two missed visits before a
# progression, end the time early under the one and are looked past under the other.

# %%
styles = {
    style: ts.clinical.time_to_event(records, ts.clinical.time_to_event_rules(censoring=style)).filter(parameter="PFS")
    for style in ("fda", "ema")
}
both = pl.concat(frame.with_columns(group=pl.lit(style)) for style, frame in styles.items())
both.group_by("group", "event", "rule").len().sort("group", "event", "rule")

# %%
curves = [ts.clinical.survival_curve(frame).with_columns(group=pl.lit(style)) for style, frame in styles.items()]
medians = [ts.clinical.survival_estimates(frame).with_columns(group=pl.lit(style)) for style, frame in styles.items()]
show(ts.plots.survival(pl.concat(curves), pl.concat(medians), since="infusion"), "styles")

# %% [markdown]
# **Not to be concluded: that the trial with the longer PFS was the better one**, unless both counted by the same rules.
#
# ## Do responders live longer?
#
# A subject must live to respond: to split the curve by who ever responded credits responders with that time. It is
# refused.

# %%
responders = confirmed.select("subject", response=pl.col("response_day").is_not_null().cast(pl.String))
try:
    ts.clinical.survival_curve(overall, groups=responders)
except AnalysisError as error:
    print(error)

# %% [markdown]
# What is offered counts nobody's waiting: those alive on a landmark, by whether they had responded by then; or all,
# each a responder from the day after the response on (Cox with a time-dependent covariate).

# %%
states = confirmed.select("subject", day="response_day")
contrasts = ts.clinical.state_contrasts(overall, states, state="response", landmarks=[84, 168])
contrasts.select("method", "at_day", "subjects", "events", "estimate", "p", "reason")

# %% [markdown]
# **Not to be concluded: that response is the cause.** The simulated hazard of death follows the burden of tumour, of
# which a response is one sign. Where no responder has died there is no hazard ratio at all, and its absence proves
# nothing.
