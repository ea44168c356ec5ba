"""Which read of a series gives its best overall response: candidates by rank, the lowest and earliest wins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, NamedTuple

import polars as pl

from tilseq.errors import AnalysisError
from tilseq.tables import as_polars, conform
from tilseq.tables.inputs import SCHEDULE

Source = Literal["recorded", "derived"]
Reference = Literal["infusion", "first_dose", "lymphodepletion", "enrollment", "randomization"]
CHOICES: dict[str, tuple[object, ...]] = {
    "source": ("recorded", "derived"),
    "reference": ("infusion", "first_dose", "lymphodepletion", "enrollment", "randomization"),
    "new_therapy": ("stop", "ignore"),
    "reads_from": ("treatment", "any"),
    "unassessed": ("not_assessed", "NE"),
    "accept_sd": (True, False),
    "strict_table3": (True, False),
    "stop_at_progression": (True, False),
}
USUAL_SD_DAYS = 42
CONTROL = ("CR", "PR", "SD", "NON-CR/NON-PD")
CONFIRMING = {"CR": ("CR",), "PR": ("CR", "PR")}


@dataclass(frozen=True)
class BestResponsePolicy:
    """What a protocol leaves open about the best overall response.

    Attributes
    ----------
    source
        `recorded`: what the reader wrote down, and where a subject and reader have none the derived responses, which
        the row then says; `derived`: always the derived ones.
    confirmation_days
        Least days from a CR or PR to the assessment that confirms it.
    sd_min_days
        Least days from the reference day to an assessment that counts as SD or NON-CR/NON-PD. None: the first planned
        assessment after the infusion less its window, where a schedule is given and the infusion is the reference;
        else 42.
    reference
        Day that `sd_min_days` counts from: the first infusion (day 0) or a column of `subjects`.
    max_ne
        Assessments that were NE allowed between a response and the one that confirms it.
    accept_sd
        One SD is allowed between a PR and the assessment that confirms it.
    strict_table3
        Table 3 of Eisenhauer 2009 to the letter: disease that is seen after a CR (PR, SD, NON-CR/NON-PD) is PD on that
        day. Otherwise such a read stands as recorded, and the reason tells of it.
    stop_at_progression
        Reads after the first PD are ignored.
    new_therapy
        `stop`: reads after the day a further anti-tumour therapy starts are ignored; `ignore`: the therapy is.
    reads_from
        `treatment`: reads up to the start of treatment are ignored, as in `response`; `any`: none is.
    disease_control
        Best responses that count as disease control. The protocol names CR, PR and SD; NON-CR/NON-PD may be added.
    unassessed
        What a subject without a read is called.
    """

    source: Source = "recorded"
    confirmation_days: int = 28
    sd_min_days: int | None = None
    reference: Reference = "infusion"
    max_ne: int = 1
    accept_sd: bool = False
    strict_table3: bool = False
    stop_at_progression: bool = True
    new_therapy: Literal["stop", "ignore"] = "stop"
    reads_from: Literal["treatment", "any"] = "treatment"
    disease_control: tuple[str, ...] = ("CR", "PR", "SD")
    unassessed: Literal["not_assessed", "NE"] = "not_assessed"

    def __post_init__(self) -> None:
        """Refuse a setting that means nothing.

        Raises
        ------
        AnalysisError
            A number below 0 or not whole, or a word that is none of the choices.
        """
        for field in fields(self):
            value, allowed = getattr(self, field.name), CHOICES.get(field.name)
            if allowed is not None and value not in allowed:
                raise _refusal(field.name, value, "one of " + ", ".join(map(str, allowed)))
            whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
            whole = whole or (value is None and field.name == "sd_min_days")
            if field.name in ("confirmation_days", "sd_min_days", "max_ne") and not whole:
                raise _refusal(field.name, value, "a whole number, 0 or more")
        if not self.disease_control or not set(self.disease_control) <= set(CONTROL):
            raise _refusal("disease_control", self.disease_control, "some of " + ", ".join(CONTROL))

    @property
    def least_sd_days(self) -> int:
        """Least days to SD that hold: `sd_min_days`, else 42."""
        return USUAL_SD_DAYS if self.sd_min_days is None else self.sd_min_days

    def with_schedule(self, schedule: Any) -> BestResponsePolicy:
        """Return the policy with the minimum of SD that a schedule gives, where it has none of its own.

        Parameters
        ----------
        schedule
            Table `schedule`, or None.
        """
        if schedule is None or self.sd_min_days is not None or self.reference != "infusion":
            return self
        planned = conform(as_polars(schedule), SCHEDULE).filter(pl.col("day") > 0).sort("day")
        if planned.is_empty():
            return self
        first = planned.row(0, named=True)
        return replace(self, sd_min_days=max(0, first["day"] - (first["window"] or 0)))


def _refusal(name: str, value: object, expected: str) -> AnalysisError:
    return AnalysisError("this policy of best response cannot be", column=name, found=value, expected=expected)


class Read(NamedTuple):
    """One response that takes part."""

    day: int
    visit: str | None
    word: str


class Candidate(NamedTuple):
    """One way to a best response; the lowest rank wins, and of that rank the earliest read."""

    rank: int
    at: int  # position of the read
    word: str
    rule: str
    confirmed_at: int | None = None


def by_table_3(reads: Sequence[Read]) -> list[Read]:
    """Return the reads with disease that is seen after a CR as PD (Eisenhauer 2009, table 3, footnote)."""
    told: list[Read] = []
    complete = False
    for read in reads:
        back = complete and read.word in ("PR", "SD", "NON-CR/NON-PD")
        told.append(read._replace(word="PD") if back else read)
        complete = complete or read.word == "CR"
    return told


def confirmed_at(reads: Sequence[Read], start: int, policy: BestResponsePolicy) -> int | None:
    """Return the position of the read that confirms a CR or PR, or None."""
    later = _first_in_time(reads, start, policy.confirmation_days)
    return later if later is not None and not _in_the_way(reads, start, later, policy) else None


def _first_in_time(reads: Sequence[Read], start: int, days: int) -> int | None:
    """Return the position of the first later CR (for a PR also PR) at least so many days after a read."""
    for i in range(start + 1, len(reads)):
        if reads[i].word in CONFIRMING[reads[start].word] and reads[i].day - reads[start].day >= days:
            return i
    return None


def _in_the_way(reads: Sequence[Read], start: int, later: int, policy: BestResponsePolicy) -> str:
    """Return why the reads between a response and a later one do not let it be confirmed; empty if they do."""
    words = [read.word for read in reads[start + 1 : later + 1]]
    allowed = ("CR", "NE") if reads[start].word == "CR" else ("CR", "PR", "SD", "NE")
    other = next((word for word in words if word not in allowed), None)
    if other is not None:
        return f"{other} between"
    if words.count("NE") > policy.max_ne:
        return f"{words.count('NE')} NE between"
    if words.count("SD") > policy.accept_sd:
        return "SD between"
    if "CR" in words and "PR" in words[words.index("CR") :]:
        return "PR after CR between"
    return ""


def candidates(reads: Sequence[Read], reference: int, policy: BestResponsePolicy, confirm: bool) -> Iterator[Candidate]:
    """Yield every candidate of a series of reads in the order of days.

    Without confirmation each CR and PR is one; then SD, NON-CR/NON-PD, PD and NE by the same ranks. With confirmation
    a CR or PR that is not confirmed counts as SD where it lies late enough, else as NE.
    """
    for i, (day, _, word) in enumerate(reads):
        late = day - reference >= policy.least_sd_days
        if word in ("CR", "PR"):
            rank = 1 if word == "CR" else 2
            if not confirm:
                yield Candidate(rank, i, word, f"first_{word.lower()}")
                continue
            later = confirmed_at(reads, i, policy)
            if later is not None:
                yield Candidate(rank, i, word, f"confirmed_{word.lower()}", later)
            yield Candidate(3, i, "SD", "unconfirmed_response_as_sd") if late else Candidate(6, i, "NE", "too_early")
        elif word in ("SD", "NON-CR/NON-PD"):
            rank, rule = (3, "sd_minimum_met") if word == "SD" else (4, "non_cr_non_pd_minimum_met")
            yield Candidate(rank, i, word, rule) if late else Candidate(6, i, "NE", "too_early")
        elif word == "PD":
            yield Candidate(5, i, "PD", "progression")
        else:
            yield Candidate(6, i, "NE", "not_evaluable")


def near_misses(
    reads: Sequence[Read], reference: int, policy: BestResponsePolicy, confirm: bool, best: str
) -> Iterator[str]:
    """Yield what a better response than the one found failed by, one sentence a word."""
    for word in ("CR", "PR"):
        starts = [i for i, read in enumerate(reads) if read.word == word]
        if best == word or not confirm:
            break
        if starts:
            told = [_unconfirmed(reads, i, policy) for i in starts]
            yield next((text for text in told if "fewer than" in text), told[0])
    early = too_early(reads, reference, policy, best)
    if early is not None:
        since = f"{early.day - reference} days after the {policy.reference}"
        yield f"{early.word} of day {early.day}, {since}, before {policy.least_sd_days}"


def too_early(reads: Sequence[Read], reference: int, policy: BestResponsePolicy, best: str) -> Read | None:
    """Return the last read that came too early to count as SD, where the best response is PD or NE; else None."""
    if best not in ("PD", "NE"):
        return None
    early = [read for read in reads if read.word in CONTROL and read.day - reference < policy.least_sd_days]
    return early[-1] if early else None


def _unconfirmed(reads: Sequence[Read], start: int, policy: BestResponsePolicy) -> str:
    """Return why a CR or PR was not confirmed: seen again too soon, or something in the way, or nothing later."""
    read, least = reads[start], policy.confirmation_days
    words: list[str] = []
    again = [i for i in range(start + 1, len(reads)) if reads[i].word in CONFIRMING[read.word]]
    soon = [i for i in again if reads[i].day - read.day < least and not _in_the_way(reads, start, i, policy)]
    if soon:
        last = reads[soon[-1]]
        words.append(f"again on day {last.day}: {last.day - read.day} days, fewer than {least}")
    later = _first_in_time(reads, start, least)
    if later is not None:
        words.append(f"not confirmed on day {reads[later].day}: {_in_the_way(reads, start, later, policy)}")
    if not words and start + 1 == len(reads):
        words.append("not confirmed: no later read")
    elif not words:
        words.append(f"not confirmed: then {reads[start + 1].word} on day {reads[start + 1].day}")
    return f"{read.word} of day {read.day} " + ", ".join(words)
