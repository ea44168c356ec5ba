"""What readers recorded beside what follows from the lesions, and every difference with its derivation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import polars as pl

from tilseq.clinical.assessments import LONGEST_VISIT, Assessment, Series, of_reader, problem
from tilseq.errors import TableError
from tilseq.identifiers import twin_key
from tilseq.tables import Row, as_polars, conform
from tilseq.tables.best_response import RESPONSE_DIFFERENCES
from tilseq.tables.inputs import RESPONSE_READS
from tilseq.tables.outputs import RESPONSE


def unsure_readers(tables: Mapping[str, Iterable[Row]], problems: list[TableError]) -> set[str]:
    """List, and return, subjects with rows of which it is not known whose they are.

    They have no reader where other rows name one, or one who differs from another in case alone.
    """
    named: dict[str, str] = {}
    without: dict[str, tuple[str, Row]] = {}
    twins: dict[str, tuple[str, Row]] = {}
    for table, rows in tables.items():
        for row in rows:
            if row["reader"] is None:
                without.setdefault(row["subject"], (table, row))
            elif named.setdefault(twin_key(row["reader"]), row["reader"]) != row["reader"] and row["subject"]:
                twins.setdefault(row["subject"], (table, row))
    mend = "name the reader in lesions and responses"
    for subject, (table, row) in without.items() if named else ():
        place = f"subject {subject}, day {row['day']}; others are of {', '.join(sorted(named.values()))}"
        what = "a row without a reader stands beside rows of one"
        problems.append(problem(what, "reader", place, mend, row=row["row"], table=table))
    for subject, (table, row) in twins.items():
        other = named[twin_key(row["reader"])]
        place = f"subject {subject}, day {row['day']}, reader {row['reader']}; others are of {other}"
        what = "this reader's name differs from another only in case or Unicode form"
        problems.append(problem(what, "reader", place, f"{mend} alike", row=row["row"], table=table))
    return {*(without if named else ()), *twins}


def reconcile(
    rows: list[Row],
    series: Series,
    recorded: Iterable[Row],
    problems: list[TableError],
    starts: Mapping[str, int],
) -> list[Row]:
    """Lay each recorded response beside the derived one of its assessment, or in a row of its own.

    Parameters
    ----------
    rows
        Rows of table `response` so far, one an assessment; they are completed in place.
    series
        The assessments of each subject and reader.
    recorded
        Rows of table `responses`, with `row`.
    problems
        Every contradiction met is added here.
    starts
        Subject → last day before treatment, 0 where it is not given.
    """
    place = {(row["subject"], row["reader"], row["day"]): row for row in rows}
    for read in recorded:
        who = (read["subject"], read["reader"])
        match, words = _assessment(series.get(who, ()), read)
        row = place.get((*who, match.day)) if match else None
        if match and row and row["baseline"]:
            if read["day"] > max(match.day, starts.get(who[0], 0)):
                words = [f"named {read['visit']} as the baseline of day {match.day}"]
                other = _on_day(series[who], read["day"])
                row = place.get((*who, other.day)) if other else None
            else:
                words.append(f"the {read['response']} recorded at the baseline does not count")
        if row is None:
            row = {name: read[name] for name in ("subject", "reader", "day", "visit")}
            row |= {"baseline": False, "targets": 0, "targets_measured": 0, "reason": "no lesion was assessed"}
            rows.append(row)
            place.setdefault((*who, read["day"]), row)
        if "recorded" in row:
            where = f"{of_reader(*who)}, day {row['day']}"
            what = "two recorded responses belong to one assessment"
            problems.append(problem(what, "response", where, row=read["row"], table=RESPONSE_READS.name))
        row["recorded"] = read["response"]
        row["reason"] = "; ".join(word for word in (row.get("reason"), *words) if word) or None
        row["agrees"] = None if row.get("response") is None else row["response"] == read["response"]
    return rows


def _assessment(assessments: Iterable[Assessment], read: Row) -> tuple[Assessment | None, list[str]]:
    """Return the assessment that a recorded response is of, by visit and else by day, and what to say of it.

    A visit's name says nothing of scans more than 14 days away: names are used twice, and days are mistyped.
    """
    every = list(assessments)
    named = [one for one in every if one.visit is not None and one.visit == read["visit"]]
    # Two visits of one name: the nearer, by the days from its first to its last scan.
    named.sort(key=lambda one: _days_off(one, read["day"]))
    if named and _days_off(named[0], read["day"]) <= LONGEST_VISIT:
        return named[0], []
    far = [f"recorded for {read['visit']} on day {read['day']}, whose scans are of day {one.day}" for one in named[:1]]
    return _on_day(every, read["day"]), far


def _on_day(assessments: Iterable[Assessment], day: int) -> Assessment | None:
    """Return the first assessment whose scans a day is of, or lies between."""
    return next((one for one in assessments if _days_off(one, day) == 0), None)


def _days_off(assessment: Assessment, day: int) -> int:
    """Return how many days lie between a day and the scans of an assessment."""
    return max(assessment.first_day - day, day - assessment.day, 0)


def response_differences(response_table: Any) -> pl.DataFrame:
    """List every assessment where the recorded and the derived response are not the same, with how the latter follows.

    The recorded response remains the endpoint; the list is for the person who asks the reader.

    Parameters
    ----------
    response_table
        Table `response`, as `response` returns it.

    Returns
    -------
    polars.DataFrame
        Table `response_differences`. Without any recorded response of a subject and reader its derived ones are no
        differences.
    """
    table = conform(as_polars(response_table), RESPONSE)
    readers = set(table.filter(pl.col("recorded").is_not_null()).select("subject", "reader").iter_rows())
    rows: list[Row] = []
    nadirs: dict[tuple[str, str | None], float] = {}
    for row in table.sort("subject", "reader", "day", nulls_last=True).iter_rows(named=True):
        who = (row["subject"], row["reader"])
        kind = _kind(row) if who in readers else None
        if kind is not None:
            words = "; ".join(_derivation(row, nadirs.get(who)))
            same = {name: row[name] for name in ("subject", "reader", "day", "visit", "recorded")}
            rows.append(same | {"kind": kind, "derived": row["response"], "derivation": words})
        if row["sum_mm"] is not None and (row["baseline"] or who in nadirs):
            nadirs[who] = min(row["sum_mm"], nadirs.get(who, row["sum_mm"]))
    return RESPONSE_DIFFERENCES.frame(rows)


def _kind(row: Row) -> str | None:
    if row["recorded"] is None:
        return None if row["response"] is None else "derived_only"
    if row["response"] is None:
        return "recorded_only"
    return None if row["agrees"] else "differs"


def _derivation(row: Row, nadir: float | None) -> Iterator[str]:
    """Yield how the derived response follows, in the order in which a reader would check it."""
    if row["target_response"] is not None:
        numbers = []
        if row["sum_mm"] is not None:
            numbers.append(f"sum {row['sum_mm']:g} mm")
        if row["change_from_baseline_pct"] is not None:
            numbers.append(f"{row['change_from_baseline_pct']:+.1f} % from baseline (PR from -30)")
        if row["change_from_nadir_pct"] is not None and nadir is not None:
            grown = row["sum_mm"] - nadir
            numbers.append(f"{row['change_from_nadir_pct']:+.1f} % and {grown:+g} mm from the nadir (PD from 20 and 5)")
        yield f"targets {row['target_response']}" + (": " if numbers else "") + ", ".join(numbers)
    if row["nontarget_response"] is not None:
        yield f"non-targets {row['nontarget_response']}"
    if row["baseline"]:
        yield "the baseline has no response"
    if row["reason"]:
        yield row["reason"]
