"""The clinic: lesions, responses, times, adverse events, laboratory grades, recoveries and tumour markers."""

from __future__ import annotations

import operator
from collections.abc import Iterator

import polars as pl

from benchmarks.truth import Run, numbers, words

ORDER = ("CR", "PR", "SD", "PD", "NE")
SD_FROM = 38  # days: the first scan planned less its window
CONFIRMED_AFTER = 28  # days
TREATED = -7  # day of the first dose, of lymphodepletion
# CTCAE 5.0: grade by value; of `x ULN` and `x LLN` by the laboratory's own limits. Those of symptoms or of treatment
# (potassium, calcium corrected by albumin) are left out, as no value tells them.
FALLS = {
    "White blood cell decreased": ("WBC", ("LLN", 3.0, 2.0, 1.0)),
    "Neutrophil count decreased": ("ANC", ("LLN", 1.5, 1.0, 0.5)),
    "Lymphocyte count decreased": ("lymphocytes", ("LLN", 0.8, 0.5, 0.2)),
    "Platelet count decreased": ("platelets", ("LLN", 75.0, 50.0, 25.0)),
    "Anemia": ("haemoglobin", ("LLN", 100.0, 80.0)),
    "Hypoalbuminemia": ("albumin", ("LLN", 30.0, 20.0)),
}
RISES = {
    "Alanine aminotransferase increased": ("ALT", (1.0, 3.0, 5.0, 20.0)),
    "Aspartate aminotransferase increased": ("AST", (1.0, 3.0, 5.0, 20.0)),
    "Blood bilirubin increased": ("bilirubin", (1.0, 1.5, 3.0, 10.0)),
}


def compare(run: Run) -> Iterator[pl.DataFrame]:
    """Yield the numbers of the clinic; readings of scans and of the laboratory have no limits."""
    yield from _sizes(run)
    yield from _times(run)
    recovered = run.truth("recoveries.csv").select(
        "subject", "test", threshold=pl.col("threshold").cast(pl.Float64), truth="recovered_day"
    )
    found = run.of("blood_count_recovery").with_columns(pl.col("threshold").cast(pl.Float64))
    rows = found.join(recovered, on=["subject", "test", "threshold"])
    # a subject who never fell below, or never came back, has no day
    yield numbers(run, "blood_count_recovery, day", rows.drop_nulls("truth"), scale="points", place="qualifier")
    true = run.truth("tumor_markers.csv").select("subject", "day", "test", truth="value")
    course = run.table("marker_courses").drop("unit").rename({"limit_value": "bound"}).drop_nulls("value")
    nothing = [pl.lit(None, dtype=pl.Float64).alias(name) for name in ("lower", "upper")]
    rows = course.join(true, on=["subject", "day", "test"]).with_columns(*nothing, status=pl.lit("quantified"))
    yield numbers(run, "tumour markers, value", rows.filter(pl.col("operator").is_null()), place="test")
    treated = rows.join(
        true.select("subject", "test", baseline_day="day", before="truth"), on=["subject", "test", "baseline_day"]
    )
    lowest = treated.filter("used", pl.col("change_pct").is_not_null()).with_columns(
        change=100 * (pl.col("truth") / pl.col("before") - 1)
    )
    lowest = lowest.group_by("subject", marker="test").agg(truth=pl.col("change").min())
    rows = run.of("marker_lowest_change").join(lowest, on=["subject", "marker"])
    yield numbers(run, "tumour markers, lowest change, points", rows, scale="points", place="marker")


def _sizes(run: Run) -> Iterator[pl.DataFrame]:
    """Yield the sum of targets, its change and depth, beside those of the true diameters."""
    targets = run.clinical("lesions").filter(role="target").select("subject", "lesion").unique()
    resected = run.clinical("lesions").filter("resected").select("subject", "lesion").unique()
    lesions = (
        run.truth("lesions.csv")
        .join(targets, on=["subject", "lesion"])
        .join(resected, on=["subject", "lesion"], how="anti")
    )
    sums = lesions.group_by("subject", "visit", "day").agg(truth=pl.col("diameter_mm").sum()).sort("subject", "day")
    sums = sums.with_columns(
        first=pl.col("truth").first().over("subject"), lowest=pl.col("truth").cum_min().shift(1).over("subject")
    )
    of_visit = ["subject", "visit"]
    yield numbers(
        run, "sum of diameters, mm", run.of("sum_of_diameters").join(sums.drop("day"), on=of_visit), place="visit"
    )
    for parameter, base in (("change_from_baseline", "first"), ("change_from_nadir", "lowest")):
        true = sums.select(*of_visit, truth=100 * (pl.col("truth") / pl.col(base) - 1)).drop_nulls()
        yield numbers(
            run, f"{parameter}, points", run.of(parameter).join(true, on=of_visit), scale="points", place="visit"
        )


def _times(run: Run) -> Iterator[pl.DataFrame]:
    """Yield overall and progression-free survival of subjects with an event, in days from the infusion (day 0 is 1)."""
    fates, seen = run.truth("fates.csv"), _deaths(run)
    progressed = run.truth("responses.csv").filter(recorded="PD").group_by("subject").agg(pd=pl.col("day").min())
    told = fates.cast({"death_day": pl.Int64, "progression_day": pl.Int64})
    told = told.join(seen, on="subject").join(progressed, on="subject", how="left")
    died = pl.when(pl.col("known").is_not_null()).then("death_day")
    ends = {
        "OS, days to death": ("OS", died),
        "PFS, days to the first PD read or death": ("PFS", pl.min_horizontal("pd", died)),
        "PFS, days to the true progression": ("PFS", pl.min_horizontal("progression_day", died)),
    }
    nothing = [pl.lit(None, dtype=pl.Float64).alias(name) for name in ("lower", "upper")]
    for name, (parameter, day) in ends.items():
        found = run.table("time_to_event").filter("event", parameter=parameter, origin="infusion")
        rows = found.with_columns(*nothing, value=pl.col("days").cast(pl.Float64), status=pl.lit("quantified"))
        true = told.select("subject", truth=day.cast(pl.Float64) + 1).drop_nulls()
        yield numbers(run, name, rows.join(true, on="subject"), scale="points", place="subject")


def compare_words(run: Run) -> Iterator[pl.DataFrame]:
    """Yield responses, events of survival, grades and what was recovered."""
    by_rule = run.truth("responses.csv")
    for parameter, column in (("response_derived", "by_rule"), ("response_recorded", "recorded")):
        found = run.of(parameter).select("subject", "visit", told="value_text")
        yield words(
            run,
            parameter,
            by_rule.select("subject", "visit", truth=column).join(found, on=["subject", "visit"], how="left"),
            "visit",
        )
    best = {subject: _best(part.sort("day")) for (subject,), part in _counted(run).group_by("subject")}
    found = run.of("best_response").filter(confirmation="not_required").select("subject", told="value_text")
    true = [best.get(subject, "not_assessed") for subject in found["subject"]]
    yield words(
        run, "best_response, confirmation not required", found.with_columns(truth=pl.Series(true, dtype=pl.String))
    )
    confirmed = {subject: _confirmed(part.sort("day")) for (subject,), part in _counted(run).group_by("subject")}
    found = run.of("best_response").filter(confirmation="required").select("subject", told="value_text")
    true = [confirmed.get(subject, "not_assessed") for subject in found["subject"]]
    yield words(run, "best_response, confirmation required", found.with_columns(truth=pl.Series(true, dtype=pl.String)))
    response = pl.col("qualifier").str.extract(r"response=(\w+)")
    rates = run.table("summaries").filter(
        pl.col("qualifier").str.contains("not_required"), population="enrolled", parameter="BOR", group="all"
    )
    rates = rates.select(subject=response, told="numerator").drop_nulls()
    every = [best.get(subject, "not_assessed") for subject in found["subject"]]
    true = [every.count(of) for of in rates["subject"]]
    yield words(run, "response rates: subjects with each best response", rates.with_columns(truth=pl.Series(true)))
    events = run.table("time_to_event").filter(parameter="OS", origin="infusion").select("subject", told="event")
    died = _deaths(run).select("subject", truth=pl.col("known").is_not_null())
    yield words(run, "OS, died or censored", events.join(died, on="subject"))
    yield from _adverse_events(run)
    yield from _grades(run)
    course = run.truth("recoveries.csv").with_columns(pl.col("threshold").cast(pl.Float64))
    course = course.join(run.clinical("followup").select("subject", "last_alive_day"), on="subject")
    unseen = pl.col("recovered_day").is_null() | (pl.col("recovered_day") > pl.col("last_alive_day"))
    found = run.of("blood_count_recovery").with_columns(pl.col("threshold").cast(pl.Float64))
    words_of = {"quantified": "back", "above_range": "not back", "not_evaluable": "no day"}
    told = pl.col("status").replace_strict(words_of)
    back = pl.when(pl.col("below_day").is_null()).then(pl.lit("no day")).when(unseen)
    back = back.then(pl.lit("not back")).otherwise(pl.lit("back"))
    rows = found.join(course, on=["subject", "test", "threshold"]).with_columns(told=told, truth=back)
    yield words(run, "blood_count_recovery: back, not back, or no day as it never fell", rows, "qualifier")


def _deaths(run: Run) -> pl.DataFrame:
    """Return the day on which each subject is known to have died; where nobody is, the trial writes no such column."""
    followup = run.clinical("followup")
    day = pl.col("death_day") if "death_day" in followup.columns else pl.lit(None, dtype=pl.Int64)
    return followup.select("subject", known=day)


def _counted(run: Run) -> pl.DataFrame:
    """Return the responses that the reader recorded up to the first PD and before any other therapy."""
    read = run.truth("responses.csv").join(
        run.clinical("therapies").group_by("subject").agg(next=pl.col("start_day").cast(pl.Int64).min()),
        on="subject",
        how="left",
    )
    read = read.filter(pl.col("next").is_null() | (pl.col("day") < pl.col("next")))
    before = (pl.col("recorded") == "PD").cast(pl.Int64).cum_sum().over("subject", order_by="day")
    return read.filter((before == 0) | ((before == 1) & (pl.col("recorded") == "PD")))


def _best(read: pl.DataFrame) -> str:
    """Return the best of one subject's responses; stable disease counts from `SD_FROM` days on."""
    words_read = [word for word, day in read.select("recorded", "day").rows() if word != "SD" or day >= SD_FROM]
    return min(words_read, key=ORDER.index, default="NE")


def _confirmed(read: pl.DataFrame) -> str:
    """Return the best of one subject's responses, of which CR and PR ask for one as good at least 28 days later."""
    told = read.select("recorded", "day").rows()
    for word, as_good in (("CR", ("CR",)), ("PR", ("CR", "PR"))):
        days = [day for one, day in told if one in as_good]
        if days and max(days) - min(days) >= CONFIRMED_AFTER:
            return word
    return _best(read.with_columns(pl.col("recorded").replace({"CR": "SD", "PR": "SD"})))


def _adverse_events(run: Run) -> Iterator[pl.DataFrame]:
    """Yield each reported event's grade, and each subject's worst."""
    true = run.truth("adverse_events.csv").filter(pl.col("start_day") >= TREATED, reported=True)
    found = run.table("adverse_event_rows").filter("counted").select("subject", "term", "start_day", told="grade")
    rows = true.select("subject", "term", "start_day", truth="grade").join(
        found, on=["subject", "term", "start_day"], how="full", coalesce=True
    )
    yield words(run, "adverse events that are reported, grade", rows, "term")
    worst = run.of("worst_adverse_event_grade").select("subject", told=pl.col("value").cast(pl.Int64))
    for name, events in (("reported", true), ("that truly were", run.truth("adverse_events.csv"))):
        most = worst.join(
            events.filter(pl.col("start_day") >= TREATED).group_by("subject").agg(truth=pl.col("grade").max()),
            on="subject",
            how="left",
        )
        yield words(
            run, f"worst_adverse_event_grade, of events {name}", most.with_columns(pl.col("truth").fill_null(0))
        )
    missed = run.truth("adverse_events.csv").group_by("subject").agg(truth=pl.len(), told=pl.col("reported").sum())
    yield words(run, "adverse events, number reported beside all that were (a matter of the trial)", missed)


def _grades(run: Run) -> Iterator[pl.DataFrame]:
    """Yield the grade of each result whose value alone tells it, beside that of the true value, and the worst."""
    labs = (
        run.clinical("labs")
        .select("subject", "day", "test", "value_text", "lower_limit", "upper_limit")
        .unique(["subject", "day", "test"])
    )
    true = run.truth("labs.csv").join(labs, on=["subject", "day", "test"])
    written = labs.with_columns(value=pl.col("value_text").str.strip_chars("<").cast(pl.Float64))
    found = run.table("lab_grades").select("subject", "day", "test", "term", told="grade")
    for name, values in (("written", written), ("true", true)):
        rows = _graded(values).join(found, on=["subject", "day", "test", "term"])
        yield words(run, f"laboratory grade of a result, by the {name} value", rows, "term")
    told = run.of("worst_lab_grade").with_columns(told=pl.col("value").cast(pl.Int64)).select("subject", "term", "told")
    for name, values in (("written", written), ("true", true)):
        worst = _graded(values).filter(pl.col("day") >= TREATED).group_by("subject", "term").agg(pl.col("truth").max())
        rows = told.join(worst, on=["subject", "term"])
        yield words(run, f"worst_lab_grade since treatment began, by the {name} values", rows, "term")


def _graded(values: pl.DataFrame) -> pl.DataFrame:
    """Return the grade of each value by the terms above; a result written as below a limit counts as that limit."""
    frames = []
    for term, (test, steps) in (FALLS | RISES).items():
        own, falls = values.filter(test=test), term in FALLS
        if not falls:  # where the baseline is above its limit, multiples are of the baseline: left out
            above = own.filter(pl.col("day") < TREATED, pl.col("value") > pl.col("upper_limit"))
            own = own.join(above, on="subject", how="anti")
        grade = pl.lit(0)
        for step in steps:
            edge = pl.col("lower_limit") if step == "LLN" else pl.lit(step) if falls else step * pl.col("upper_limit")
            grade = grade + (operator.lt if falls else operator.gt)(pl.col("value"), edge).cast(pl.Int32)
        frames.append(own.select("subject", "day", "test", term=pl.lit(term), truth=grade))
    return pl.concat(frames)
