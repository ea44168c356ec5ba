"""Best overall response of each subject and reader, confirmed and not, with every policy a named setting."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from tilseq.clinical.assessments import Row
from tilseq.clinical.treated import STARTS
from tilseq.clinical.response_candidates import BestResponsePolicy, Read, by_table_3, candidates, near_misses
from tilseq.errors import StudyError, TableError, TilseqError, first_few
from tilseq.tables import Table, as_polars, conform
from tilseq.tables.best_response import BEST_RESPONSE
from tilseq.tables.inputs import SUBJECTS, THERAPIES
from tilseq.tables.outputs import RESPONSE

REFERENCE_DAYS = tuple(f"{name}_day" for name in ("first_dose", "lymphodepletion", "enrollment", "randomization"))
SUBJECT_DAYS = Table(
    "subjects",
    "Days that reads are held against.",
    tuple(c for c in SUBJECTS.columns if c.name in ("subject", *REFERENCE_DAYS)),
    key=("subject",),
)
DEFAULT = BestResponsePolicy()


def best_response(
    response_table: Any, therapies: Any = None, subjects: Any = None, policy: BestResponsePolicy = DEFAULT
) -> pl.DataFrame:
    """Find the best overall response of each subject and reader, with confirmation and without.

    Reads are taken up to and with the first PD, and up to and with the day a new therapy starts; a reader's two reads
    of one day are refused by the table `response`. Of what remains every read is a candidate, ranked CR, PR, SD,
    NON-CR/NON-PD, PD, NE; the lowest rank wins, and of it the earliest read.

    CR is confirmed by the first later CR of at least `confirmation_days`, with CR and at most `max_ne` NE between. PR
    is by the first later CR or PR, with at most `max_ne` NE, one SD if `accept_sd`, and no PR after a CR between. All
    starts are tried: PR on days 0, 14 and 30 is confirmed by the third.

    Parameters
    ----------
    response_table
        Table `response`, as `response` returns it.
    therapies
        Table `therapies`: further anti-tumour therapies. One that starts by day 0 is no new one.
    subjects
        Columns `subject` and the days that `policy` refers to; other columns are ignored. Each of its subjects gets a
        row for every reader of the responses, `not_assessed` where there is no read.
    policy
        See `BestResponsePolicy`.

    Returns
    -------
    polars.DataFrame
        Table `best_response`: two rows a subject and reader.

    Raises
    ------
    StudyError
        A subject of the responses or therapies that is not in `subjects`, a reference day that is missing, or responses
        without a reader beside responses with one.
    AnalysisError
        A policy that cannot be.

    Notes
    -----
    Eisenhauer et al., Eur J Cancer 2009;45:228, table 3. The ranks and the confirmation are those of admiralonco
    (Apache-2.0), whose results the settings reproduce.
    """
    table = conform(as_polars(response_table), RESPONSE)
    problems: list[TilseqError] = []
    days = _subject_days(subjects, table, policy, problems)
    starts, before = _new_therapies(therapies)
    for subject in sorted(({*starts, *before}) - set(days)) if subjects is not None else ():
        problems.append(TableError("a subject with a therapy is not in subjects", column="subject", found=subject))
    readers = table["reader"].unique().sort(nulls_last=True).to_list() or [None]
    if None in readers and len(readers) > 1:
        without = table.filter(pl.col("reader").is_null())["subject"].unique().sort().to_list()
        found = f"none for {first_few(without, 5)}, beside {first_few(readers[:-1], 5)}"
        mend = "name the reader of every row"
        problems.append(TableError("responses without a reader stand beside those of one", found=found, mend=mend))
    if problems:
        raise StudyError(problems)
    series: dict[tuple[str, str | None], list[Row]] = defaultdict(list)
    for row in table.iter_rows(named=True):
        series[row["subject"], row["reader"]].append(row)
    rows: list[Row] = []
    for subject, (treated, reference) in days.items():
        for reader in readers:
            one = _Series(series.get((subject, reader), []), treated, starts.get(subject), policy)
            told = [before[subject]] if subject in before and policy.new_therapy == "stop" else []
            rows += [{"subject": subject, "reader": reader} | row for row in one.best(reference, told)]
    return BEST_RESPONSE.frame(rows)


class _Series:
    """The rows of one subject and reader: the reads that take part, and what was left out of them."""

    def __init__(self, rows: Sequence[Row], treated: int, therapy: int | None, policy: BestResponsePolicy) -> None:
        self.policy = policy
        self.words: list[str] = []
        rows = [row for row in rows if not row["baseline"]]
        recorded = any(row["recorded"] for row in rows)
        self.source = policy.source if recorded or not any(row["response"] for row in rows) else "derived"
        if self.source != policy.source:
            self.words.append("no response is recorded: derived from the lesions")
        column = "recorded" if self.source == "recorded" else "response"
        missing = [str(row["day"]) for row in rows if row["response"] and not row[column]]
        if missing:
            self.words.append(f"nothing recorded on {_days(missing)}")
        if policy.reads_from == "treatment":
            self._leave_out(rows, (row for row in rows if row["day"] <= treated), column, "by the start of treatment")
            rows = [row for row in rows if row["day"] > treated]
        if therapy is not None and policy.new_therapy == "stop":
            late = (row for row in rows if row["day"] > therapy)
            self._leave_out(rows, late, column, f"after the new therapy of day {therapy}")
            rows = [row for row in rows if row["day"] <= therapy]
        reads = [Read(row["day"], row["visit"], row[column]) for row in rows if row[column]]
        told = by_table_3(reads)
        changed = [str(read.day) for read, new in zip(reads, told, strict=True) if read != new]
        if changed and policy.strict_table3:
            self.words.append(f"disease after CR is PD on {_days(changed)}")
            reads = told
        elif changed:
            self.words.append(f"disease after CR on {_days(changed)}: PD there, or the CR was none (table 3)")
        progression = next((read.day for read in reads if read.word == "PD"), None)
        if progression is not None and policy.stop_at_progression:
            late = (row for row in rows if row["day"] > progression)
            self._leave_out(rows, late, column, f"after the PD of day {progression}")
            reads = [read for read in reads if read.day <= progression]
            rows = [row for row in rows if row["day"] <= progression]
        self.reads = reads
        self.depth = min(
            ((row["change_from_baseline_pct"], row["day"]) for row in rows if row["sum_mm"] is not None
             and row["change_from_baseline_pct"] is not None),
            default=(None, None),
        )  # fmt: skip

    def _leave_out(self, rows: Sequence[Row], gone: Iterable[Row], column: str, why: str) -> None:
        days = [str(row["day"]) for row in gone if row[column]]
        if days:
            self.words.append(f"ignored {why}: {_days(days)}")

    def best(self, reference: int, told: Sequence[str]) -> Iterator[Row]:
        """Yield the row with confirmation and the one without."""
        for confirm in (True, False):
            found = list(candidates(self.reads, reference, self.policy, confirm))
            responses = [one for one in found if one.rank <= 2]
            control = [one for one in found if one.word in self.policy.disease_control]
            winner = min(found, default=None)
            word = winner.word if winner else self.policy.unassessed
            read = self.reads[winner.at] if winner else None
            confirmed = winner.confirmed_at if winner else None
            near = near_misses(self.reads, reference, self.policy, confirm, word)
            yield {
                "source": self.source,
                "confirmation": "required" if confirm else "not_required",
                "best_response": word,
                "day": read.day if read else None,
                "visit": read.visit if read else None,
                "response_day": self.reads[responses[0].at].day if responses else None,
                "confirmation_day": None if confirmed is None else self.reads[confirmed].day,
                "control_day": self.reads[control[0].at].day if control else None,
                "rule": winner.rule if winner else "no_read",
                "depth_pct": self.depth[0],
                "depth_day": self.depth[1],
                "reason": "; ".join([*near, *self.words, *told]) or None,
            }


def _days(days: Sequence[str]) -> str:
    return f"day{'s' if len(days) > 1 else ''} {', '.join(days)}"


def _subject_days(
    subjects: Any, table: pl.DataFrame, policy: BestResponsePolicy, problems: list[TilseqError]
) -> dict[str, tuple[int, int]]:
    """Return the last day before treatment and the reference day of each subject."""
    seen = table["subject"].unique().sort().to_list()
    if subjects is None:
        rows: Iterable[Row] = ({"subject": subject} for subject in seen)
    else:
        frame = as_polars(subjects).select(pl.selectors.by_name(*SUBJECT_DAYS.names, require_all=False))
        rows = conform(frame, SUBJECT_DAYS).rows(named=True)
    column = None if policy.reference == "infusion" else f"{policy.reference}_day"
    days: dict[str, tuple[int, int]] = {}
    for row in rows:
        reference = 0 if column is None else row.get(column)
        if reference is None:
            what = f"the day that the minimum of stable disease counts from is not known: {policy.reference}"
            mend = "give it in subjects, or count from the infusion"
            problems.append(TableError(what, column=column, found=f"subject {row['subject']}", mend=mend))
        treated = min([0, *(row[name] for name in STARTS if row.get(name) is not None)])
        days[row["subject"]] = (treated, reference or 0)
    for subject in sorted(set(seen) - set(days)):
        problems.append(TableError("a subject with responses is not in subjects", column="subject", found=subject))
    return days


def _new_therapies(therapies: Any) -> tuple[dict[str, int], Mapping[str, str]]:
    """Return the first day of new therapy of each subject after day 0, and a word on those that started before."""
    starts: dict[str, int] = {}
    before: dict[str, str] = {}
    if therapies is None:
        return starts, before
    for row in conform(as_polars(therapies), THERAPIES).rows(named=True):
        subject, day = row["subject"], row["start_day"]
        if day > 0:
            starts[subject] = min(day, starts.get(subject, day))
        else:
            before[subject] = f"{row['therapy']} of day {day} is no new therapy: it starts by the infusion"
    return starts, before
