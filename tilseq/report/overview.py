"""How the run went as a whole: the verdict, the grid of samples, quality, failures, exclusions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import polars as pl

from tilseq.report.results import STATE_WORDS, Results
from tilseq.report.rows import own_part
from tilseq.report.view import Cell, Chip, Head, View, count, days_words, filled, measured, text
from tilseq.report.words import fixed, plural
from tilseq.tables.outputs import SAMPLE_STATES

VERDICT_STATES = {"pass": "ok", "warn": "warn", "fail": "fail"}
ORDER = {"fail": 0, "warn": 1, "pass": 2}


@dataclass(frozen=True)
class Tile:
    """One number of the page's head."""

    number: str
    words: str
    state: str = ""


CLINICAL = ("response", "best_response", "time_to_event", "adverse_event_rows", "lab_grades", "marker_courses")


def clinical_only(results: Results) -> bool:
    """Tell whether the study is of the clinic alone: it has no sample, and the clinic has results."""
    return results.tables["samples"].is_empty() and any(results.tables[name].height for name in CLINICAL)


def verdict(results: Results) -> str:
    """Return the run in one sentence."""
    states = Counter(results.tables["samples"]["state"].to_list())
    failures = results.tables["failures"].height
    if not states.total():
        told = f", and {plural(failures, 'failure')}" if failures else ""
        if clinical_only(results):
            subjects = {name for table in CLINICAL for name in results.tables[table]["subject"]}
            return f"The clinical data of {plural(len(subjects), 'subject')}, no samples{told}."
        return f"The run lists no samples{told}."
    told = ", ".join(f"{states[state]:,} {STATE_WORDS[state]}" for state in SAMPLE_STATES if states[state])
    return f"{plural(states.total(), 'sample')}: {told}."


def tiles(results: Results) -> list[Tile]:
    """Return the numbers of the page's head: subjects with samples, samples, and samples by how they went."""
    samples = results.tables["samples"]
    states = Counter(samples["state"].to_list())
    subjects = samples["subject"].n_unique()
    heads = [
        Tile(f"{subjects:,}", "subject with samples" if subjects == 1 else "subjects with samples"),
        Tile(f"{samples.height:,}", "sample" if samples.height == 1 else "samples"),
    ]
    return heads + [Tile(f"{states[state]:,}", STATE_WORDS[state], state) for state in SAMPLE_STATES]


def grid(results: Results) -> View:
    """Return subjects by visits and specimens, each cell with one chip a sample: which it is and how it went."""
    samples = results.tables["samples"].sort("subject", "assay", "sample")
    first = samples.group_by("visit").agg(first=pl.col("day").median(), days=pl.col("day").unique().sort())
    places = (
        samples.select("visit", "specimen")
        .unique()
        .join(first, on="visit", maintain_order="left")
        .sort("first", "visit", "specimen", nulls_last=True)
    )
    place = ["subject", "visit", "specimen"]
    chips: dict[tuple[str, str, str], list[Chip]] = {}
    for row in samples.with_columns(alike=pl.len().over(*place, "assay")).iter_rows(named=True):
        own = "" if row["alike"] == 1 or own_part(row) == row["assay"] else own_part(row)
        words = f"{row['sample']}: {row['assay']} of {row['specimen']}, {STATE_WORDS[row['state']]}"
        key = (row["subject"], row["visit"], row["specimen"])
        chips.setdefault(key, []).append(Chip(row["assay"], row["state"], words, own))
    columns = [(visit, specimen) for visit, specimen, *_ in places.iter_rows()]
    heads = [Head("Subject")]
    heads += [
        Head(visit, " · ".join(filter(None, (days_words(days), specimen.replace("_", " ")))))
        for visit, specimen, _, days in places.iter_rows()
    ]
    rows = [
        [Cell(subject, kind="name"), *(Cell(chips=tuple(chips.get((subject, *column), ()))) for column in columns)]
        for subject in samples["subject"].unique().sort()
    ]
    empty = results.nothing("samples", "The run lists no samples.")
    return View("Samples by subject and visit", heads, rows, empty, "tables/samples.csv")


def quality(results: Results) -> tuple[View, View]:
    """Return the checks that failed or warned, worst first, and the checks that passed."""
    checks = results.with_sample("quality")
    heads = [
        Head("Sample"),
        Head("Subject"),
        Head("Visit"),
        Head("Check"),
        Head("Verdict"),
        Head("Value", numeric=True),
        Head("Limit"),
        Head("Reason"),
    ]
    rows: dict[bool, list[tuple[int, list[Cell]]]] = {True: [], False: []}
    for row in checks.iter_rows(named=True):
        state = VERDICT_STATES[row["verdict"]]
        chip = Chip(row["verdict"], state, f"{row['check']}: {row['verdict']}")
        cells = [
            Cell(row["sample"], kind="name"),
            text(row["subject"], "name"),
            text(row["visit"]),
            text(row["check"].replace("_", " ")),
            Cell(chips=(chip,)),
            _checked(row["check"], row["value"]),
            text(row["limit"]),
            text(row["reason"], "prose"),
        ]
        rows[row["verdict"] == "pass"].append((ORDER[row["verdict"]], cells))
    none = "No check was made." if checks.is_empty() else "No check warned or failed."
    worst = [cells for _, cells in sorted(rows[False], key=lambda pair: pair[0])]
    passed = [cells for _, cells in rows[True]]
    return (
        View("Checks that failed or warned", heads, worst, results.nothing("quality", none), "tables/quality.csv"),
        View(f"{plural(len(passed), 'check')} passed", heads, passed, "No check passed.", "tables/quality.csv"),
    )


def failures(results: Results) -> View:
    """Return what could not be finished, with the command that tries again."""
    heads = [Head("Sample or unit"), Head("Step"), Head("What went wrong"), Head("Try again")]
    rows = [
        [
            Cell(row["unit"], note=row["file"] or "", kind="name"),
            text(row["step"]),
            Cell(row["error"], kind="lines"),
            Cell(row["retry"], kind="code"),
        ]
        for row in results.tables["failures"].iter_rows(named=True)
    ]
    empty = results.nothing("failures", "Every step was finished.")
    return View("Steps that could not be finished", heads, rows, empty, "tables/failures.csv")


def exclusions(results: Results) -> tuple[View, View]:
    """Return how much each rule left out, and every exclusion."""
    left_out = results.with_sample("exclusions")
    by_rule = (
        left_out.group_by("rule")
        .agg(pl.col("file").n_unique().alias("files"), pl.col("rows").sum(), pl.col("counts").sum(), n=pl.len())
        .sort(["rows", "rule"], descending=[True, False])
    )
    # A sum over nothing but nulls is 0 in polars; a rule that knows no counts must show a dash.
    known = dict(left_out.group_by("rule").agg(pl.col("counts").count()).iter_rows())
    heads = [
        Head("Rule"),
        Head("Files", numeric=True),
        Head("Rows or events", numeric=True),
        Head("Counts held", "reads, UMIs or cells", numeric=True),
    ]
    rules = [
        [text(rule, "prose"), count(files), count(n_rows), count(counts if known[rule] else None)]
        for rule, files, n_rows, counts, _ in by_rule.iter_rows()
    ]
    each = [
        [
            text(row["sample"], "name"),
            text(row["file"], "name"),
            text(row["row"]),
            text(row["rule"], "prose"),
            count(row["rows"]),
            count(row["counts"]),
        ]
        for row in left_out.iter_rows(named=True)
    ]
    names = [Head("Sample"), Head("File"), Head("Row"), Head("Rule"), Head("Rows", numeric=True)]
    empty = results.nothing("exclusions", "Nothing was left out.")
    return (
        View("What took no part, by rule", heads, rules, empty, "tables/exclusions.csv"),
        filled(
            View(
                f"{plural(len(each), 'exclusion')}, one by one",
                [*names, Head("Counts", numeric=True)],
                each,
                empty,
                "tables/exclusions.csv",
            )
        ),
    )


def _checked(check: str, value: float | None) -> Cell:
    """Return the value of a check; separations are set alike, so that 1 and 0.9996 can be compared."""
    return Cell(fixed(value), kind="number") if check.startswith("separation of ") else measured(value)
