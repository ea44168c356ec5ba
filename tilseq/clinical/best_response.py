"""Best overall response of each subject and reader, confirmed and not, with every policy a named setting."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from tilseq.clinical.counted_reads import Bounds, CountedReads
from tilseq.clinical.data_cut import data_cuts
from tilseq.clinical.response_candidates import BestResponsePolicy, candidates, near_misses, too_early
from tilseq.clinical.treated import STARTS
from tilseq.errors import StudyError, TableError, TilseqError, first_few
from tilseq.identifiers import same_identifier
from tilseq.tables import Row, Table, as_polars, conform, known_columns
from tilseq.tables.best_response import BEST_RESPONSE, IGNORED_READS
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
UNDERIVED = "its responses could not be derived"


def best_response(
    response_table: Any,
    therapies: Any = None,
    subjects: Any = None,
    policy: BestResponsePolicy = DEFAULT,
    *,
    followup: Any = None,
    schedule: Any = None,
    underived: Collection[str] = (),
) -> pl.DataFrame:
    """Find the best overall response of each subject and reader, with confirmation and without.

    Reads are taken up to and with the first PD, the day a new therapy starts and the data cut; a reader's two reads
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
    followup
        Columns `subject` and `data_cut_day`; other columns are ignored. Reads after the cut are.
    schedule
        Table `schedule`: where the policy has no `sd_min_days`, its first assessment less the window gives it.
    underived
        Subjects whose responses could not be derived: `not_assessed`, and the reason says why.

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
    policy = policy.with_schedule(schedule)
    gathered = _Gathered(response_table, therapies, subjects, policy, followup, underived)
    rows: list[Row] = []
    for subject, reader, counted in gathered.series():
        told = [gathered.before[subject]] if subject in gathered.before and policy.new_therapy == "stop" else []
        told += [UNDERIVED] if subject in underived else []
        best = _best(counted, gathered.references[subject], policy, told)
        therapy = gathered.bounds[subject].therapy if policy.new_therapy == "stop" else None
        key = {"subject": subject, "reader": reader, "new_therapy_day": therapy}
        key["data_cut_day"] = gathered.bounds[subject].cut
        rows += [key | row for row in best]
    return BEST_RESPONSE.frame(rows)


def ignored_reads(
    response_table: Any,
    therapies: Any = None,
    subjects: Any = None,
    policy: BestResponsePolicy = DEFAULT,
    *,
    followup: Any = None,
) -> pl.DataFrame:
    """List the reads that no best response rests on: before treatment, after PD, a new therapy or the data cut.

    Parameters
    ----------
    response_table, therapies, subjects, policy, followup
        As of `best_response`.

    Returns
    -------
    polars.DataFrame
        Table `ignored_reads`.

    Raises
    ------
    StudyError
        As of `best_response`.
    """
    gathered = _Gathered(response_table, therapies, subjects, policy, followup, ())
    return IGNORED_READS.frame(
        [
            {"subject": subject, "reader": reader} | row
            for subject, reader, counted in gathered.series()
            for row in counted.ignored_rows()
        ]
    )


class _Gathered:
    """The responses of every subject and reader, and the days that bound them."""

    def __init__(
        self,
        response_table: Any,
        therapies: Any,
        subjects: Any,
        policy: BestResponsePolicy,
        followup: Any,
        underived: Collection[str],
    ) -> None:
        table = conform(as_polars(response_table), RESPONSE)
        problems: list[TilseqError] = []
        days = _subject_days(subjects, {*table["subject"], *underived}, policy, problems)
        starts, self.before = new_therapies(therapies)
        for subject in sorted(({*starts, *self.before}) - set(days)) if subjects is not None else ():
            what, mend = "a subject with a therapy is not in subjects", same_identifier(subject, days)
            problems.append(TableError(what, column="subject", found=subject, mend=mend))
        self.policy = policy
        self.readers = _readers(table, problems)
        if problems:
            raise StudyError(problems, "the records")
        cuts = data_cuts(followup)
        self.references = {subject: reference for subject, (_, reference) in days.items()}
        # Nobody knew by the data cut of a therapy that began after it.
        known = {subject: day for subject, day in starts.items() if day <= cuts.get(subject, day)}
        self.bounds = {
            subject: Bounds(treated, known.get(subject), cuts.get(subject)) for subject, (treated, _) in days.items()
        }
        self.rows: dict[tuple[str, str | None], list[Row]] = defaultdict(list)
        for row in table.iter_rows(named=True):
            self.rows[row["subject"], row["reader"]].append(row)

    def series(self) -> Iterator[tuple[str, str | None, CountedReads]]:
        """Yield the reads that count of every subject and reader."""
        for subject, bounds in self.bounds.items():
            for reader in self.readers:
                yield subject, reader, CountedReads(self.rows.get((subject, reader), []), bounds, self.policy)


def _readers(table: pl.DataFrame, problems: list[TilseqError]) -> list[str | None]:
    """Return the readers, one None where none is named; list responses without one beside those of one."""
    readers = table["reader"].unique().sort(nulls_last=True).to_list() or [None]
    if None in readers and len(readers) > 1:
        without = table.filter(pl.col("reader").is_null())["subject"].unique().sort().to_list()
        found = f"none for {first_few(without, 5)}, beside {first_few(readers[:-1], 5)}"
        mend = "name the reader of every row"
        problems.append(TableError("responses without a reader stand beside those of one", found=found, mend=mend))
    return readers


def _best(counted: CountedReads, reference: int, policy: BestResponsePolicy, told: Sequence[str]) -> Iterator[Row]:
    """Yield the row with confirmation and the one without."""
    reads = counted.reads
    for confirm in (True, False):
        found = list(candidates(reads, reference, policy, confirm))
        responses = [one for one in found if one.rank <= 2]
        control = [one for one in found if one.word in policy.disease_control]
        winner = min(found, default=None)
        word = winner.word if winner else policy.unassessed
        read = reads[winner.at] if winner else None
        confirmed = winner.confirmed_at if winner else None
        near = near_misses(reads, reference, policy, confirm, word)
        early = too_early(reads, reference, policy, word)
        yield {
            "source": counted.source,
            "confirmation": "required" if confirm else "not_required",
            "best_response": word,
            "day": read.day if read else None,
            "visit": read.visit if read else None,
            "response_day": reads[responses[0].at].day if responses else None,
            "confirmation_day": None if confirmed is None else reads[confirmed].day,
            "control_day": reads[control[0].at].day if control else None,
            "rule": winner.rule if winner else "no_read",
            "sd_min_days": policy.least_sd_days,
            "early_day": early.day if early else None,
            "depth_pct": counted.depth[0],
            "depth_day": counted.depth[1],
            "reason": "; ".join([*near, *counted.words, *told]) or None,
        }


def _subject_days(
    subjects: Any, names: Collection[str], policy: BestResponsePolicy, problems: list[TilseqError]
) -> dict[str, tuple[int, int]]:
    """Return the last day before treatment and the reference day of each subject."""
    seen = sorted(names)
    if subjects is None:
        rows: Iterable[Row] = ({"subject": subject} for subject in seen)
    else:
        rows = conform(known_columns(subjects, SUBJECT_DAYS), SUBJECT_DAYS).rows(named=True)
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
        what, meant = "a subject with responses is not in subjects", same_identifier(subject, days)
        problems.append(TableError(what, column="subject", found=subject, mend=meant))
    return days


def new_therapies(therapies: Any) -> tuple[dict[str, int], Mapping[str, str]]:
    """Return the first day of new therapy of each subject after day 0, and a word on those that started before.

    Parameters
    ----------
    therapies
        Table `therapies`; None is none.
    """
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
