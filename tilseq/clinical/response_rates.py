"""Rates of response and of disease control with exact limits, over all and by tumour type."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from tilseq.clinical.assessments import Row
from tilseq.clinical.best_response import DEFAULT
from tilseq.clinical.response_candidates import BestResponsePolicy
from tilseq.errors import AnalysisError, StudyError, TableError, first_few
from tilseq.intervals import clopper_pearson
from tilseq.tables import Table, as_polars, conform
from tilseq.tables.best_response import BEST_RESPONSE, BEST_RESPONSES
from tilseq.tables.inputs import SUBJECTS
from tilseq.tables.summaries import SUMMARIES

METHOD = "Clopper-Pearson, exact"
RESPONDERS = ("CR", "PR")
GROUPS = Table(
    "subjects",
    "Who is in the population, and of which kind.",
    tuple(c for c in SUBJECTS.columns if c.name in ("subject", "tumor_type")),
    key=("subject",),
)


def response_rates(
    best_response: Any,
    subjects: Any = None,
    infusions: Any = None,
    *,
    policy: BestResponsePolicy = DEFAULT,
    level: float = 0.95,
) -> pl.DataFrame:
    """Return the rates of response (ORR), of disease control (DCR) and of each best response (BOR).

    The denominator is every infused subject, assessed or not: one without an assessment is no responder.

    Parameters
    ----------
    best_response
        Table `best_response`.
    subjects
        Columns `subject` and `tumor_type`; other columns are ignored. Without it the population is every subject of
        `best_response`, and there are no rates by tumour type.
    infusions
        Table `infusions`. With it the population is the subjects with an infusion; without it who was infused is not
        known, all subjects are taken, and `denominator_text` says so.
    policy
        Its `disease_control` says which best responses are disease control.
    level
        Coverage of the limits.

    Returns
    -------
    polars.DataFrame
        Table `summaries`: for each reader, with confirmation and without, over all and by tumour type, ORR (CR or PR),
        DCR and BOR (a row a best response).

    Raises
    ------
    StudyError
        A subject of `best_response`, or an infused one, that is not in `subjects`.
    AnalysisError
        A subject, reader and confirmation that has two rows, from two sources.

    Notes
    -----
    Clopper and Pearson, Biometrika 1934;26:404: 48 of 153 are 24.1 to 39.4 %.
    """
    table = conform(as_polars(best_response), BEST_RESPONSE)
    population, kinds, words = _population(table, subjects, infusions)
    found: dict[tuple[str | None, str], dict[str, Row]] = defaultdict(dict)
    for row in table.iter_rows(named=True):
        one = found[row["reader"], row["confirmation"]]
        if row["subject"] in one:
            mend = "give the rows of one source"
            where = f"subject {row['subject']}, reader {row['reader']}"
            raise AnalysisError("two best responses of one subject and reader", found=where, mend=mend)
        one[row["subject"]] = row
    rows: list[Row] = []
    for (reader, confirmation), by_subject in found.items():
        for group, members in kinds.items():
            best = [by_subject.get(subject) for subject in members]
            text = "; ".join([f"{len(members)} {words[0]}", *_told(best), *words[1:]])
            for parameter, more, allowed in _parameters(policy):
                names = {"confirmation": confirmation, "reader": reader} | more
                rows.append(
                    {
                        "population": population,
                        "group": group,
                        "parameter": parameter,
                        "qualifier": _qualifier(names),
                        "numerator": sum(row is not None and row["best_response"] in allowed for row in best)
                        + (best.count(None) if "not_assessed" in allowed else 0),
                        "denominator": len(members),
                        "denominator_text": text,
                    }
                )
    return SUMMARIES.frame(_with_limits(rows, level))


def _parameters(policy: BestResponsePolicy) -> Iterator[tuple[str, dict[str, str], Sequence[str]]]:
    """Yield each parameter with its further qualifiers and the best responses that it counts."""
    yield "ORR", {}, RESPONDERS
    yield "DCR", {}, policy.disease_control
    for word in BEST_RESPONSES:
        yield "BOR", {"response": word}, (word,)


def _qualifier(names: Mapping[str, str | None]) -> str:
    return ";".join(f"{name}={value}" for name, value in sorted(names.items()) if value is not None)


def _told(best: Iterable[Row | None]) -> Iterator[str]:
    """Yield what the denominator holds that a reader may not expect."""
    rows = list(best)
    absent = sum(row is None or row["rule"] == "no_read" for row in rows)
    if absent:
        yield f"{absent} of them without an assessment that counts, so without response"
    sources = [row["source"] for row in rows if row is not None and row["rule"] != "no_read"]
    if "recorded" in sources and "derived" in sources:
        yield f"{sources.count('derived')} of them by derived responses, as none is recorded"
    elif "derived" in sources:
        yield "by derived responses"


def _population(
    table: pl.DataFrame, subjects: Any, infusions: Any
) -> tuple[str, dict[str, list[str]], tuple[str, ...]]:
    """Return the name of the population, its groups with their subjects, and words on it."""
    seen = set(table["subject"])
    infused = None if infusions is None else set(as_polars(infusions)["subject"].cast(pl.String))
    types: dict[str, str | None] = dict.fromkeys(sorted(seen | (infused or set())))
    if subjects is not None:
        frame = conform(as_polars(subjects).select(pl.selectors.by_name(*GROUPS.names, require_all=False)), GROUPS)
        types = dict(frame.select("subject", "tumor_type").iter_rows())
    problems = [
        TableError(f"a subject {what} is not in subjects", column="subject", found=subject)
        for what, names in (("with a best response", seen), ("with an infusion", infused or set()))
        for subject in sorted(names - set(types))
    ]
    if problems:
        raise StudyError(problems)
    members = [subject for subject in types if infused is None or subject in infused]
    groups = {"all": members}
    for kind in sorted({types[subject] or "" for subject in members} - {""}):
        groups[f"tumor_type={kind}"] = [subject for subject in members if types[subject] == kind]
    if infused is None:
        return "subjects", groups, ("subjects", "who was infused is not known: all are taken")
    left = sorted(seen - infused)
    words = [f"assessed but not infused, left out: {first_few(left, 5)}"] if left else []
    return "infused", groups, ("infused subjects", *words)


def _with_limits(rows: Sequence[Row], level: float) -> list[Row]:
    counts, totals = [row["numerator"] for row in rows], [row["denominator"] for row in rows]
    lower, upper = clopper_pearson(counts, totals, level)
    return [
        row
        | {"estimate": n / total if total else None, "lower": float(low), "upper": float(high)}
        | {"method": METHOD if level == 0.95 else f"{METHOD}, {100 * level:g} %"}
        for row, n, total, low, high in zip(rows, counts, totals, lower, upper, strict=True)
    ]
