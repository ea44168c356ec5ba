"""The page's answer in one table: what became of each subject."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from tilseq.endpoints.rows import qualifier_pairs
from tilseq.report.clinic import last_assessments
from tilseq.report.rates import best_cells
from tilseq.report.readers import of_headline
from tilseq.report.results import STATE_WORDS, STATUS_WORDS, Results
from tilseq.report.series import commonest, in_blood, reference_name, repertoires, with_gaps
from tilseq.report.view import Cell, Head, View, doubt, missing
from tilseq.report.words import interval, number, share
from tilseq.tables import Row
from tilseq.tables.outputs import SAMPLE_STATES

SUBJECTS_OF = ("samples", "response", "endpoints", "time_to_event")


@dataclass(frozen=True)
class Column:
    """One column of the table: its head, and the cell of a subject."""

    head: Head
    cell: Callable[[str], Cell]


def glance(results: Results) -> View:
    """Return one row a subject: response, worst adverse event, clones in blood, T cells, samples that are not ok.

    A column stands only where the study has data for it; a subject without any shows a dash.
    """
    tables = results.tables
    subjects = sorted({subject for name in SUBJECTS_OF for subject in tables[name]["subject"]})
    columns = [*_responses(results), *_best(results), *_adverse_events(results), *_shares(results), *_t_cells(results)]
    columns += _samples(results)
    rows = [[Cell(subject, kind="name"), *(column.cell(subject) for column in columns)] for subject in subjects]
    empty = "No table of the run names a subject."
    heads = [Head("Subject"), *(column.head for column in columns)]
    return View("Subjects at a glance", heads, rows, empty, "tables/endpoints.csv")


def _responses(results: Results) -> list[Column]:
    found = _by_subject(results.tables["response"])

    def cell(subject: str) -> Cell:
        last = last_assessments(found.get(subject, ()))
        return Cell(stack=last) if last else missing()

    head = Head("Response", "last assessment; change of the sum")
    return [Column(head, cell)] if found else []


def _best(results: Results) -> list[Column]:
    """Return the confirmed best response by the endpoint's reader; where that is nobody, of several a part each."""
    found = _by_subject(of_headline(results, results.tables["best_response"]).filter(confirmation="required"))

    def cell(subject: str) -> Cell:
        return Cell(stack=best_cells(found[subject])) if subject in found else missing()

    return [Column(Head("Best response", "CR and PR confirmed"), cell)] if found else []


def _adverse_events(results: Results) -> list[Column]:
    """Return the worst grade of each subject treated, and how many of its events are serious."""
    worst = dict(results.endpoints.filter(parameter="worst_adverse_event_grade").select("subject", "value").iter_rows())
    counted = results.tables["adverse_event_rows"].filter("counted")
    recorded = counted["serious"].count() > 0 or counted.is_empty()
    serious = Counter(counted.filter("serious")["subject"])

    def cell(subject: str) -> Cell:
        if worst.get(subject) is None:
            return missing()
        told = (
            f"{serious[subject]} serious" if serious[subject] else "none serious" if recorded and worst[subject] else ""
        )
        return Cell(number(worst[subject]) if worst[subject] else "none", note=told)

    return [Column(Head("Adverse events", "worst grade"), cell)] if worst else []


def _shares(results: Results) -> list[Column]:
    """Return the share of the blood repertoire that the reference's clones hold: before, highest after, latest."""
    masses = repertoires(results)
    if masses.is_empty():
        return []
    found = {subject: _alike(rows) for subject, rows in _frames(masses).items()}
    limits = {
        (row["sample"], row["locus"]): row["limit_of_detection"]
        for row in results.tables["persistence"].filter(measure="mass").iter_rows(named=True)
    }
    of = what_is_shared(masses["qualifier"][0])
    group = f"Blood repertoire held by clones of the {reference_name(results)}, % of {of}"
    without = {subject: _days_without(results, rows) for subject, rows in _frames(masses).items()}
    assays = masses["assay"].n_unique()

    def column(name: tuple[str, str], pick: Callable[[list[Row]], Row | None], *, of_all: bool = False) -> Column:
        def cell(subject: str) -> Cell:
            row = pick(found.get(subject, []))
            if row is None:
                return missing()
            limit = limits.get((row["sample"], qualifier_pairs(row["qualifier"]).get("locus")))
            below = [f"below {share(limit)} %"] if row["value"] == 0 and limit is not None else []
            words = [
                *below,
                *_when(row),
                *([row["assay"]] if assays > 1 else []),
                *(without[subject] if of_all else []),
            ]
            told = share(row["value"], row["lower"], row["upper"]) if row["value"] else "not seen"
            return Cell(told, note=", ".join(words), kind="number")

        return Column(Head(*name, numeric=True, group=group), cell)

    return [
        column(("Baseline", "last before day 0"), lambda rows: _last(rows, _is_before)),
        column(("Highest", "after the infusion"), _highest, of_all=True),
        column(("Latest", "after the infusion"), lambda rows: _last(rows, _is_after)),
    ]


def what_is_shared(qualifier: str) -> str:
    """Return what the share of a repertoire is of, by its endpoint's qualifier.

    >>> what_is_shared("locus=TRB;population=CD8+ T;reference=tumor")
    'TRB of CD8+ T'
    """
    of = qualifier_pairs(qualifier)
    return " of ".join(filter(None, (of.get("locus", "counts"), of.get("population"))))


def latest_masses(results: Results) -> list[Row]:
    """Return of each subject the last share of its blood after the infusion that clones of the reference hold.

    `before` is the last one of its blood before the infusion, None where there is none.
    """
    found = []
    for rows in map(_alike, _frames(repertoires(results)).values()):
        if (last := _last(rows, _is_after)) is not None:
            before = _last(rows, _is_before)
            found.append(last | {"before": before and before["value"]})
    return sorted(found, key=lambda row: str(row["subject"]))


def _days_without(results: Results, rows: pl.DataFrame) -> list[str]:
    """Return the days on which blood of one subject was drawn after the infusion and gave no number, in words.

    The highest of the others may not be the highest: a course mostly peaks early, and a swapped tube has no mass.
    """
    known = commonest(rows, "assay", "qualifier", "way")
    own = with_gaps(results, known).filter(subject=rows["subject"][0])
    days = {row["day"] for row in own.iter_rows(named=True) if row["value"] is None and _is_after(row)}
    return [f"day {number(day)} without a number" for day in sorted(days - set(known["day"]))]


def _t_cells(results: Results) -> list[Column]:
    shares = in_blood(results, "percent_of_parent", "population=CD3+")
    parents = {qualifier_pairs(text).get("parent", "parent") for text in shares["qualifier"]}
    parent = next(iter(parents)) if len(parents) == 1 else "parent"
    ratios = in_blood(results, "cd4_cd8_ratio")
    return [
        *_latest(shares, Head("CD3+", f"latest, % of {parent}", True), with_parent=len(parents) > 1),
        *_latest(ratios, Head("CD4/CD8", "latest, ratio", True)),
    ]


def _latest(rows: pl.DataFrame, head: Head, *, with_parent: bool = False) -> list[Column]:
    found = {subject: _alike(own) for subject, own in _frames(rows).items()}

    def cell(subject: str) -> Cell:
        row = _last(found.get(subject, []), lambda _: True)
        if row is None:
            return missing()
        of = [f"of {qualifier_pairs(row['qualifier']).get('parent', 'parent')}"] if with_parent else []
        told = ", ".join([*of, *_when(row)])
        if row["status"] == "not_detected" and row["value_text"] is not None:
            return Cell(row["value_text"], note=told)
        if row["status"] == "not_detected" and row["upper"] is not None:
            return Cell(f"< {number(row['upper'])}", note=f"{STATUS_WORDS['not_detected']}, {told}", kind="number")
        return Cell(interval(row["value"], row["lower"], row["upper"]), note=told, kind="number")

    return [Column(head, cell)] if found else []


def _samples(results: Results) -> list[Column]:
    found = {subject: Counter(rows["state"]) for subject, rows in _frames(results.tables["samples"]).items()}

    def cell(subject: str) -> Cell:
        states = found.get(subject)
        if states is None:
            return missing()
        told = [f"{states[state]:,} {STATE_WORDS[state]}" for state in SAMPLE_STATES if state != "ok" and states[state]]
        return Cell(
            f"{states.total() - states['ok']:,} of {states.total():,}",
            note=", ".join(told),
            kind="number" if told else "missing",
        )

    return [Column(Head("Samples not ok", numeric=True), cell)] if found else []


def _when(row: Row) -> list[str]:
    status = "" if row["status"] == "not_detected" else STATUS_WORDS[row["status"]]
    return [word for word in (f"day {number(row['day'])}", status, doubt(row["state"])) if word]


def _highest(rows: Sequence[Row]) -> Row | None:
    return max(filter(_is_after, rows), key=lambda row: row["value"], default=None)


def _last(rows: Sequence[Row], wanted: Callable[[Row], bool]) -> Row | None:
    return max(filter(wanted, rows), key=lambda row: row["day"], default=None)


def _is_before(row: Row) -> bool:
    return bool(row["day"] < 0 or (row["day"] == 0 and row["timing"] == "pre"))


def _is_after(row: Row) -> bool:
    return bool(row["day"] > 0 or (row["day"] == 0 and row["timing"] == "post"))


def _alike(rows: pl.DataFrame) -> list[Row]:
    """Return what can be set side by side of one subject's numbers: of one assay, done one way, and one qualifier."""
    return commonest(rows, "assay", "qualifier", "way").to_dicts()


def _by_subject(frame: pl.DataFrame) -> Mapping[str, list[Row]]:
    return {subject: rows.to_dicts() for subject, rows in _frames(frame).items()}


def _frames(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    return {f"{subject}": rows for (subject,), rows in frame.group_by("subject", maintain_order=True)}
