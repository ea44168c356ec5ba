"""Rows of the study's files that responses and rates do not rest on, as rows of the table `exclusions`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from tilseq.study import Study
    from tilseq.tables import Row

OUR_FILES = {"lesions": "clinical/lesions.csv", "responses": "clinical/responses.csv"}
# Where the rows of our tables come from SDTM; which of its rows each was is not kept.
SDTM_FILES = {"lesions": "clinical/tr.csv", "responses": "clinical/rs.csv"}
SUBJECTS_FILE = "subjects.csv"
TABLE_OF = {"recorded": "responses", "derived": "lesions"}


def places(study: Study) -> dict[str, list[Row]]:
    """Return file, row, subject, reader, day and visit of the rows of lesions and responses; no row for SDTM's."""
    found: dict[str, list[Row]] = {}
    for name, frame in (("lesions", study.lesions), ("responses", study.responses)):
        ours = not study.tumors_from_sdtm
        file = (OUR_FILES if ours else SDTM_FILES)[name]
        rows = [] if frame is None else frame.select("subject", "reader", "day", "visit").to_dicts()
        found[name] = [row | {"file": file, "row": i if ours else None} for i, row in enumerate(rows, start=2)]
    return found


def of_reads(
    ignored: pl.DataFrame, where: Mapping[str, Sequence[Row]], effect: str = "no best response rests on it"
) -> list[Row]:
    """Return rows of `exclusions` for the reads that a result does not rest on.

    Parameters
    ----------
    ignored
        Table `ignored_reads`.
    where
        As `places` returns it.
    effect
        What comes of it.
    """
    told = []
    for read in ignored.iter_rows(named=True):
        rule = f"a {read['source']} response {read['rule']}: {effect}"
        own = [row for row in where[TABLE_OF[read["source"]]] if _same(row, read, "subject", "reader")]
        find = _recorded if read["source"] == "recorded" else _scans
        told += [(row["file"], row["row"], rule) for row in find(own, read)]
    return counted(told)


def of_subjects(subjects: pl.DataFrame, infusions: pl.DataFrame, in_time: pl.DataFrame) -> list[Row]:
    """Return rows of `exclusions` for subjects that were not infused, whom the rates of the infused leave out.

    Parameters
    ----------
    subjects, infusions
        Tables `subjects`, in the order of its file, and `infusions`.
    in_time
        The infusions up to the data cut.
    """
    from tilseq.tables.infusions import given_infusions

    ever, infused = set(given_infusions(infusions)["subject"]), set(given_infusions(in_time)["subject"])
    rows = [(row, name) for row, name in enumerate(subjects["subject"], start=2) if name not in infused]
    why = {name: "infused after the data cut" if name in ever else "not infused" for _, name in rows}
    return counted((SUBJECTS_FILE, row, f"{why[name]}: in no rate of the infused") for row, name in rows)


def of_resected(lesions: Sequence[Row], resected: pl.DataFrame, file: str | None) -> list[Row]:
    """Return rows of `exclusions` for targets that were resected for the product.

    Parameters
    ----------
    lesions
        Rows of the table with `row`.
    resected
        As `resected_targets` returns it.
    file
        File of the rows, None for SDTM's.
    """
    gone = set(resected.iter_rows())
    rule = "a target resected for the product: in no sum"
    rows = (row for row in lesions if (row["subject"], row["reader"], row["lesion"]) in gone)
    return counted((file or SDTM_FILES["lesions"], row["row"] if file else None, rule) for row in rows)


def of_late_lesions(lesions: Sequence[Row], cut: int | None, therapy: int | None, file: str | None) -> list[Row]:
    """Return rows of `exclusions` for lesions on which no best response by iRECIST rests, as they were seen too late.

    Parameters
    ----------
    lesions
        Rows of one subject with `row`.
    cut
        Day of its data cut; None where there is none.
    therapy
        First day of a new therapy; None where there is none.
    file
        File of the rows, None for SDTM's.
    """
    told = []
    for row in lesions:
        bounds = (("the data cut", cut), ("a new therapy", therapy))
        after = next((f"{name} (day {day})" for name, day in bounds if day is not None and row["day"] > day), None)
        if after is not None:
            rule = f"a lesion seen after {after}: no best response by iRECIST rests on it"
            told.append((file or SDTM_FILES["lesions"], row["row"] if file else None, rule))
    return counted(told)


def counted(told: Iterable[tuple[str, int | None, str]]) -> list[Row]:
    """Return rows of `exclusions` from file, row and rule."""
    return [{"file": file, "row": row, "rule": rule, "rows": rows} for (file, row, rule), rows in Counter(told).items()]


def _recorded(rows: Sequence[Row], read: Row) -> Iterator[Row]:
    """Yield the row of a recorded response: that of its visit, else the nearest in time."""
    nearest = min(rows, key=lambda row: (not _same_visit(row, read), abs(row["day"] - read["day"])), default=None)
    if nearest is not None:
        yield nearest


def _scans(rows: Sequence[Row], read: Row) -> Iterator[Row]:
    """Yield the rows of lesions that make up a derived response."""
    from tilseq.clinical.assessments import LONGEST_VISIT

    for row in rows:
        before = read["day"] - row["day"]
        if before == 0 or (_same_visit(row, read) and 0 < before <= LONGEST_VISIT):
            yield row


def _same(row: Row, read: Row, *names: str) -> bool:
    return all(row[name] == read[name] for name in names)


def _same_visit(row: Row, read: Row) -> bool:
    return read["visit"] is not None and _same(row, read, "visit")
