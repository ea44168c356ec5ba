"""Adverse events row by row: emergence, period, onset, duration, and what speaks against a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any, Literal

import polars as pl

from tilseq.clinical.attribution import TYPESET, UNSPECIFIED, attribution
from tilseq.clinical.data_cut import AFTER_CUT
from tilseq.clinical.periods import Periods, period_of
from tilseq.clinical.treated import Subject
from tilseq.errors import TableError, TilseqError
from tilseq.identifiers import unknown_subjects
from tilseq.tables import Row, as_polars, conform, known_columns
from tilseq.tables.inputs import ADVERSE_EVENTS
from tilseq.tables.recorded_period import denies_first_day
from tilseq.tables.safety import listing_table

Emergence = Literal["from_first_dose", "all"]
FATAL = 5
OF_FATAL = f"grade {FATAL}"
END_COLUMNS = ("end_day", "end_date", "AEENDTC", "AEENDY")  # as a file may call the last day
OCCURRED = "AEOCCUR"  # SDTM's column of a row that asks after an event; a fault there is one that did not occur
RECORDED = "period_recorded"  # what the input calls `period`; ours is derived from the day
PREFERRED_TERM = "pt"
# British spelling as American: of whole words nothing else comes to be alike.
SPELLINGS = (("ae", "e"), ("oe", "e"), ("leuco", "leuko"), ("tumour", "tumor"))
NOT_COUNTED = "not counted: "
DENIED = "recorded as of"  # a period that its first day denies
# A row may lack what cannot be read: it stays in the listing and says so.
FLAWED = replace(ADVERSE_EVENTS, columns=tuple(replace(column, needed=False) for column in ADVERSE_EVENTS.columns))


def event_rows(
    adverse_events: Any,
    subjects: Mapping[str, Subject],
    periods: Mapping[str, Periods],
    *,
    emergence: Emergence = "from_first_dose",
    followup_known: bool = True,
    unread: Sequence[TilseqError] = (),
) -> pl.DataFrame:
    """Return table `adverse_event_rows`: every recorded event with what is derived of it.

    An event is emergent where it begins on or after the first dose; one without a first day counts as emergent, unless
    it ended before the first dose. Not counted is a row that repeats another in every column, one of a subject who was
    not treated, one without a known subject, a term or a grade, one that began after the subject's data cut, and one of
    an event that SDTM says did not occur; the reason says so. A last day that cannot be read or lies before the first
    is not used, and costs nothing else. An event that ended after the data cut was going on by then.

    Parameters
    ----------
    adverse_events
        Table `adverse_events`, polars or pandas; further columns, such as codes of a dictionary, pass through as text.
        Where a row has a preferred term (`pt`) it counts under it. Ways to write one term or system that differ in
        case, blanks or hyphens, or as British and American spelling do, are one, called by the commonest.
    subjects
        Every subject of the study, see `subjects_of`.
    periods
        Boundaries of each subject, see `periods_of`.
    emergence
        Which events are counted: emergent ones, or `all`.
    followup_known
        Whether grade 5 can be held against the days of death.
    unread
        What a reader could not read, with `row` and `column`; of one whose cell is not null nothing is lost.

    Raises
    ------
    TableError
        The table breaks its registry.
    """
    given = as_polars(adverse_events)
    further = [name for name in given.columns if name not in ADVERSE_EVENTS.names]
    known = conform(known_columns(given, ADVERSE_EVENTS), FLAWED)
    rows = known.with_columns(given[name].cast(pl.String) for name in further).to_dicts()
    faulty = _by_row(unread)
    terms, systems = _commonest([_term(row) for row in rows]), _commonest([row["soc"] for row in rows])
    repeats = _repeats(rows, set(faulty))
    derived = []
    for number, (row, repeated) in enumerate(zip(rows, repeats, strict=True), start=2):
        named = {
            "row": number,
            "counted_term": terms.get(_key(_term(row))),
            "counted_soc": systems.get(_key(row["soc"])),
        }
        problems = [problem for problem in faulty.get(number, []) if row.get(problem.column or "") is None]
        derived.append(_derived(row | named, subjects, periods, emergence, followup_known, repeated, problems))
    table = listing_table([*([RECORDED] if known["period"].null_count() < known.height else []), *further])
    frame = table.frame([{name: row.get(name) for name in table.names} for row in derived])
    return frame.sort("subject", "start_day", "term", "grade", nulls_last=True, maintain_order=True)


def event_faults(adverse_events: pl.DataFrame, subjects: Collection[str]) -> list[tuple[str, TableError]]:
    """Return the first row of each unknown subject, and each that ends before it begins, with its subject.

    Parameters
    ----------
    adverse_events
        Table `adverse_events`.
    subjects
        Every subject of the study.
    """
    faults = unknown_subjects(adverse_events, subjects)
    for number, row in enumerate(adverse_events.select("subject", "start_day", "end_day").iter_rows(), start=2):
        name, start, end = row
        if start is not None and end is not None and end < start:
            what, expected = "the event ends before it begins", f"day {start} or later"
            mend = "its end is not used"
            faults.append(
                (name, TableError(what, row=number, column="end_day", found=end, expected=expected, mend=mend))
            )
    return faults


def uncounted_events(rows: pl.DataFrame) -> list[Row]:
    """Return `row`, `rule` and `rows` (1) of `exclusions` for each event of the listing that is not counted."""
    left_out = rows.filter(~pl.col("counted")).sort("row")
    return [{"row": row, "rule": _rule(reason), "rows": 1} for row, reason in left_out.select("row", "reason").rows()]


def unknown_causes(rows: pl.DataFrame) -> list[str]:
    """Return the words of `related` that are no known ones, sorted, of events that are counted."""
    cells = rows.filter("counted")["related"].drop_nulls().unique()
    return sorted({word for cell in cells for word in attribution(cell)[1]})


def denied_periods(rows: pl.DataFrame) -> list[int]:
    """Return the rows of the file, sorted, of events that begin on a day that their recorded period denies."""
    denied = rows.filter(pl.col("reason").str.contains(DENIED, literal=True))
    return denied["row"].sort().to_list()


def _rule(reason: str) -> str:
    return "; ".join(takewhile(lambda part: part.startswith(NOT_COUNTED), reason.split("; ")))


def _by_row(problems: Sequence[TilseqError]) -> dict[int, list[TilseqError]]:
    found: dict[int, list[TilseqError]] = {}
    for problem in problems:
        if problem.row is not None:
            found.setdefault(problem.row, []).append(problem)
    return found


def _term(row: Row) -> str | None:
    """Return what a row counts under: its preferred term, unless there is none or it is a code."""
    preferred = (row.get(PREFERRED_TERM) or "").strip()
    return preferred if preferred and not preferred.isdigit() else row["term"]


def _key(text: str | None) -> str:
    key = " ".join((text or "").translate(TYPESET).replace("-", " ").split()).casefold()
    for british, american in SPELLINGS:
        key = key.replace(british, american)
    return key


def _commonest(texts: Sequence[str | None]) -> dict[str, str]:
    """Return for the `_key` of each text how it is written most often; of equals the first by letters."""
    ways: dict[str, Counter[str]] = {}
    for text in texts:
        if _key(text):
            ways.setdefault(_key(text), Counter())[" ".join((text or "").split())] += 1
    return {key: min(written, key=lambda way: (-written[way], way)) for key, written in ways.items()}


def _repeats(rows: list[Row], faulty: Collection[int]) -> list[int | None]:
    """Return for each row the number of the row that it repeats; None for the first of its kind and for faulty ones."""
    first: dict[tuple[Any, ...], int] = {}
    repeats: list[int | None] = []
    for number, row in enumerate(rows, start=2):
        if number in faulty:
            repeats.append(None)
            continue
        key = tuple(row.values())
        repeats.append(first.get(key))
        first.setdefault(key, number)
    return repeats


def _derived(
    row: Row,
    subjects: Mapping[str, Subject],
    periods: Mapping[str, Periods],
    emergence: Emergence,
    followup_known: bool,
    repeats: int | None,
    unread: Sequence[TilseqError],
) -> Row:
    subject = subjects.get(row["subject"])
    first_dose = 0 if subject is None else subject.first_dose
    start, end = row["start_day"], row["end_day"]
    reversed_end = start is not None and end is not None and end < start
    told_end = not reversed_end and all(problem.column not in END_COLUMNS for problem in unread)
    cut = None if subject is None else subject.cut_day
    late, late_end = (cut is not None and day is not None and day > cut for day in (start, end))
    end = None if reversed_end or late_end else end
    emergent = start >= first_dose if start is not None else end is None or end >= first_dose
    causes, _ = attribution(row["related"])
    against = [
        *_unusable(row, subject),
        *(["it did not occur"] if any(problem.column == OCCURRED for problem in unread) else []),
        *([] if repeats is None else [f"repeats row {repeats}"]),
        *([] if emergent or emergence == "all" else ["began before the first dose"]),
        *([f"{AFTER_CUT} (day {cut})"] if late else []),
    ]
    told = [
        *_told(row | {"end_day": end}, emergent, cut, unread),
        *(_deadly(row | {"end_day": end}, subject, followup_known) if subject else ()),
    ]
    if reversed_end:
        told.append(f"ends on day {row['end_day']}, before it begins on day {start}: the end is not used")
    elif late_end and not late:
        told.append(f"ends on day {row['end_day']}, after the data cut (day {cut}): going on by then")
    return row | {
        "arm": None if subject is None else subject.arm,
        "attribution": ";".join(causes) or None,
        "end_day": end,
        "period": None if subject is None else period_of(start, periods[row["subject"]]),
        RECORDED: row["period"],
        "onset_days": None if start is None or subject is None else start - first_dose + 1,
        "duration_days": None if start is None or end is None else end - start + 1,
        "ongoing": end is None if start is not None and told_end else None,
        "emergent": emergent,
        "counted": not against,
        "reason": "; ".join([*(NOT_COUNTED + why for why in against), *told]) or None,
    }


def _unusable(row: Row, subject: Subject | None) -> Iterator[str]:
    """Yield why a row cannot be counted whatever its days."""
    if row["subject"] is None:
        yield "no subject"
    elif subject is None:
        yield "no such subject"
    elif not subject.treated:
        yield "the subject was not treated"
    if row["counted_term"] is None:
        yield "no term"
    if row["grade"] is None:
        yield "no grade that can be read"


def _told(row: Row, emergent: bool, cut: int | None, unread: Sequence[TilseqError]) -> Iterator[str]:
    """Yield what bears on a row beside its being counted."""
    for problem in (one for one in unread if one.column != OCCURRED):
        yield f"{problem.column} cannot be read" + (f": {problem.found}" if problem.found else "")
    if row["start_day"] is None:
        taken = ["emergent"] if emergent else []
        taken += [f"not {AFTER_CUT} (day {cut})"] if cut is not None and row["end_day"] is None else []
        yield f"no first day: taken to be {' and '.join(taken)}" if taken else "no first day"
    if denies_first_day(row["period"], row["start_day"]):
        yield f"{DENIED} {row['period']}, and begins on day {row['start_day']}: counted from another day?"
    for name in ("serious", "immune_related"):
        if row[name] is None:
            yield f"not recorded: {name}"
    causes, unknown = attribution(row["related"])
    if not causes:
        yield "not recorded: related"
    for word in unknown:
        counted = f", counted as {UNSPECIFIED}" if UNSPECIFIED in causes else ""
        yield f"related to {word!r}, which is no known word{counted}"


def _deadly(row: Row, subject: Subject, followup_known: bool) -> Iterator[str]:
    """Yield what does not fit between an event and the day of death."""
    death, start, end, fatal = subject.death_day, row["start_day"], row["end_day"], row["grade"] == FATAL
    what = OF_FATAL if fatal else "it"
    if fatal and row["serious"] is False:
        yield f"{OF_FATAL}, but not serious"
    if fatal and not followup_known:
        yield f"{OF_FATAL}: no follow-up to hold it against"
    elif fatal and death is None:
        yield f"{OF_FATAL}, but the follow-up has no death"
    elif fatal and death is not None and subject.cut_day is not None and death > subject.cut_day:
        yield f"{OF_FATAL} as recorded: the death on day {death} is after the data cut (day {subject.cut_day})"
    elif death is not None and start is not None and start > death:
        yield f"{what} begins on day {start}, after the death on day {death}"
    elif fatal and end is not None and end != death:
        yield f"{OF_FATAL} ends on day {end}, the death is on day {death}"
