"""The clinic: lesions, responses, times, adverse events, laboratory grades, recoveries and tumour markers."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator

import polars as pl

from benchmarks.truth import Run, numbers, words

ORDER = ("CR", "PR", "SD", "PD", "NE")
SD_FROM = 38  # days: the first scan planned less its window
CONFIRMED_AFTER = 28  # days
TREATED = -7  # day of the first dose, of lymphodepletion
LLN, ULN = pl.col("lower_limit"), pl.col("upper_limit")  # the laboratory's own
# CTCAE 5.0: the edges beyond which a value's grade is one more; an edge that stands twice is of a grade that the term
# lacks. Left out are terms of symptoms, of treatment, of two tests or of the baseline: no value tells them.
FALLS: dict[str, tuple[str, tuple[pl.Expr | float, ...]]] = {
    "White blood cell decreased": ("WBC", (LLN, 3.0, 2.0, 1.0)),
    "Neutrophil count decreased": ("ANC", (LLN, 1.5, 1.0, 0.5)),
    "Lymphocyte count decreased": ("lymphocytes", (LLN, 0.8, 0.5, 0.2)),
    "Platelet count decreased": ("platelets", (LLN, 75.0, 50.0, 25.0)),
    "Anemia": ("haemoglobin", (LLN, 100.0, 80.0)),
    "Hypoalbuminemia": ("albumin", (LLN, 30.0, 20.0)),
}
RISES: dict[str, tuple[str, tuple[pl.Expr | float, ...]]] = {
    "Alanine aminotransferase increased": ("ALT", (ULN, 3 * ULN, 5 * ULN, 20 * ULN)),
    "Aspartate aminotransferase increased": ("AST", (ULN, 3 * ULN, 5 * ULN, 20 * ULN)),
    "Blood bilirubin increased": ("bilirubin", (ULN, 1.5 * ULN, 3 * ULN, 10 * ULN)),
    "Blood lactate dehydrogenase increased": ("LDH", (ULN,)),
    "Hemoglobin increased": ("haemoglobin", (ULN, ULN + 20, ULN + 40)),
    "Hyperkalemia": ("potassium", (ULN, 5.5, 6.0, 7.0)),
    "Hypernatremia": ("sodium", (ULN, 150.0, 155.0, 160.0)),
    "Leukocytosis": ("WBC", (100.0, 100.0, 100.0)),
    "Lymphocyte count increased": ("lymphocytes", (4.0, 4.0, 20.0)),
}
BY_BASELINE = ("ALT", "AST", "bilirubin")  # where the baseline is above its limit, multiples are of the baseline


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
    of_visit = ["subject", "visit"]
    sums = lesions.group_by("subject", "visit", "day").agg(truth=pl.col("diameter_mm").sum()).sort("subject", "day")
    # a scan on which some target was not read tells no sum, and so no lowest one either
    unread = (
        run.clinical("lesions")
        .join(targets, on=["subject", "lesion"])
        .join(resected, on=["subject", "lesion"], how="anti")
    )
    unread = unread.filter(pl.col("diameter_mm").is_null()).select(*of_visit, pl.lit(True).alias("unread")).unique()
    sums = sums.join(unread, on=of_visit, how="left").sort("subject", "day")
    seen = pl.when(pl.col("unread").is_null()).then("truth")
    sums = sums.with_columns(
        first=pl.col("truth").first().over("subject"), lowest=seen.cum_min().forward_fill().shift(1).over("subject")
    )
    yield numbers(
        run, "sum of diameters, mm", run.of("sum_of_diameters").join(sums.drop("day"), on=of_visit), place="visit"
    )
    for parameter, base in (("change_from_baseline", "first"), ("change_from_nadir", "lowest")):
        later = sums.filter(pl.col("day") > pl.col("day").min().over("subject"))
        true = later.select(*of_visit, truth=100 * (pl.col("truth") / pl.col(base) - 1))
        yield numbers(
            run, f"{parameter}, points", run.of(parameter).join(true, on=of_visit), scale="points", place="visit"
        )


def _times(run: Run) -> Iterator[pl.DataFrame]:
    """Yield times to events, in days: the first is 1. What censors is told in words below, and in `survival`."""
    told = (
        run.truth("fates.csv").cast({"death_day": pl.Int64, "progression_day": pl.Int64}).join(_ends(run), on="subject")
    )
    to_pd, to_true = (pl.min_horizontal(day, "died") for day in ("pd", "progression_day"))
    ends = {
        "OS, days to death": ("OS", pl.col("died") + 1),
        "PFS, days to the first PD read or death": ("PFS", to_pd + 1),
        "PFS, days to the true progression": ("PFS", to_true + 1),
        "TTP, days to the first PD read": ("TTP", pl.col("pd") + 1),
        "TTR, days to the first of confirmed responses read": ("TTR", pl.col("responded") + 1),
        "DOR, days from it to the first PD read or death": ("DOR", to_pd - pl.col("responded") + 1),
    }
    nothing = [pl.lit(None, dtype=pl.Float64).alias(name) for name in ("lower", "upper")]
    for name, (parameter, days) in ends.items():
        found = run.table("time_to_event").filter("event", parameter=parameter)
        rows = found.with_columns(*nothing, value=pl.col("days").cast(pl.Float64), status=pl.lit("quantified"))
        true = told.select("subject", truth=days.cast(pl.Float64))
        yield numbers(run, name, rows.join(true, on="subject", how="left"), scale="points", place="subject")


def _ends(run: Run) -> pl.DataFrame:
    """Return of each subject the days of its known death, of the first PD read, and of the first confirmed response."""
    progressed = run.truth("responses.csv").filter(recorded="PD").group_by("subject").agg(pd=pl.col("day").min())
    answers = pl.col("recorded").is_in(["CR", "PR"])
    first = _counted(run).group_by("subject").agg(responded=pl.col("day").filter(answers).min())
    confirmed = [subject for subject, word in _of_each(run, _confirmed).items() if word in ("CR", "PR")]
    ends = _deaths(run).rename({"known": "died"}).join(progressed, on="subject", how="left")
    return ends.join(first.filter(pl.col("subject").is_in(confirmed)), on="subject", how="left")


def _of_each(run: Run, best: Callable[[pl.DataFrame], str]) -> dict[str, str]:
    """Return the best response of each subject of the study by a rule."""
    read = {subject: best(part.sort("day")) for (subject,), part in _counted(run).group_by("subject")}
    return {subject: read.get(subject, "not_assessed") for subject in run.subjects()}


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
    best = _of_each(run, _best)
    for confirmation, of in (("not_required", best), ("required", _of_each(run, _confirmed))):
        found = run.of("best_response").filter(confirmation=confirmation).select("subject", told="value_text")
        true = pl.DataFrame(list(of.items()), schema=["subject", "truth"], orient="row")
        named = f"best_response, confirmation {confirmation.replace('_', ' ')}"
        yield words(run, named, true.join(found, on="subject", how="left"))
    response = pl.col("qualifier").str.extract(r"response=(\w+)")
    rates = run.table("summaries").filter(
        pl.col("qualifier").str.contains("not_required"), population="enrolled", parameter="BOR", group="all"
    )
    rates = rates.select(subject=response, told="numerator").drop_nulls()
    true = [list(best.values()).count(of) for of in rates["subject"]]
    yield words(run, "response rates: subjects with each best response", rates.with_columns(truth=pl.Series(true)))
    ended = {"OS": pl.col("died").is_not_null(), "TTP": pl.col("pd").is_not_null()}
    ended["PFS"] = pl.any_horizontal(ended.values())
    for parameter, event in ended.items():
        found = run.table("time_to_event").filter(parameter=parameter).select("subject", told="event")
        true = _ends(run).select("subject", truth=event)
        named = {"OS": "died", "TTP": "PD read", "PFS": "PD read or died"}[parameter]
        yield words(run, f"{parameter}: {named}, or censored", true.join(found, on="subject", how="left"))
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
        .unique(["subject", "day", "test"], keep="first", maintain_order=True)
    )
    true = run.truth("labs.csv").join(labs, on=["subject", "day", "test"])
    written = labs.with_columns(value=pl.col("value_text").str.strip_chars("<").cast(pl.Float64))
    found = run.table("lab_grades").select("subject", "day", "test", "term", told="grade")
    for name, values in (("written", written), ("true", true)):
        rows = _graded(values).join(found, on=["subject", "day", "test", "term"], how="left")
        yield words(run, f"laboratory grade of a result, by the {name} value", rows, "term")
    told = run.of("worst_lab_grade").with_columns(told=pl.col("value").cast(pl.Int64)).select("subject", "term", "told")
    for name, values in (("written", written), ("true", true)):
        worst = _graded(values).filter(pl.col("day") >= TREATED).group_by("subject", "term").agg(pl.col("truth").max())
        rows = worst.join(told, on=["subject", "term"], how="left")
        yield words(run, f"worst_lab_grade since treatment began, by the {name} values", rows, "term")


def _graded(values: pl.DataFrame) -> pl.DataFrame:
    """Return the grade of each value by the terms above; a result written as below a limit counts as that limit."""
    frames = []
    for term, (test, edges) in (FALLS | RISES).items():
        own = values.filter(test=test)
        if test in BY_BASELINE:
            above = own.filter(pl.col("day") < TREATED, pl.col("value") > pl.col("upper_limit"))
            own = own.join(above, on="subject", how="anti")
        beyond = operator.lt if term in FALLS else operator.gt
        grade = pl.sum_horizontal(beyond(pl.col("value"), edge).cast(pl.Int32) for edge in edges)
        frames.append(own.select("subject", "day", "test", term=pl.lit(term), truth=grade))
    return pl.concat(frames)
