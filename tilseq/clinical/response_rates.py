"""Rates of response and of disease control with exact limits, over all, by arm and by tumour type."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from tilseq.clinical.assessments import of_reader
from tilseq.clinical.best_response import DEFAULT
from tilseq.clinical.clinical_records import RESPONDERS
from tilseq.clinical.data_cut import up_to_data_cut
from tilseq.clinical.response_candidates import BestResponsePolicy
from tilseq.clinical.treated import infused_subjects
from tilseq.errors import AnalysisError, StudyError, TableError, first_few, plural
from tilseq.identifiers import same_identifier
from tilseq.intervals import clopper_pearson
from tilseq.tables import Row, Table, as_polars, conform, known_columns
from tilseq.tables.best_response import BEST_RESPONSE, BEST_WORDS
from tilseq.tables.inputs import SUBJECTS
from tilseq.tables.summaries import SUMMARIES

METHOD = "Clopper-Pearson, exact"
# Whose kind of tumour cannot be read stays in every denominator that does not ask for it.
GROUPS = Table(
    "subjects",
    "Who is in the population, and of which kind.",
    tuple(
        replace(c, needed=c.name == "subject") for c in SUBJECTS.columns if c.name in ("subject", "arm", "tumor_type")
    ),
    key=("subject",),
)


def response_rates(
    best_response: Any,
    subjects: Any = None,
    infusions: Any = None,
    *,
    policy: BestResponsePolicy = DEFAULT,
    level: float = 0.95,
    underived: Collection[str] = (),
    followup: Any = None,
) -> pl.DataFrame:
    """Return the rates of response (ORR), of disease control (DCR) and of each best response (BOR).

    The denominator is every infused subject, assessed or not: one without an assessment is no responder. Where
    `subjects` tells who was enrolled, the same rates are given over all of these as well.

    Parameters
    ----------
    best_response
        Table `best_response`.
    subjects
        Columns `subject`, `arm` and `tumor_type`; other columns are ignored. Without it the population is every subject
        of `best_response`, and there are no rates by arm or tumour type.
    infusions
        Table `infusions`. With it the populations are `infused`, the subjects with an infusion, and `enrolled`, all of
        `subjects`; without it who was infused is not known, all subjects are taken, and `denominator_text` says so.
    policy
        Its `disease_control` says which best responses are disease control.
    level
        Coverage of the limits.
    underived
        Subjects whose responses could not be derived. They stay in the denominators, and `denominator_text` names them.
    followup
        Columns `subject` and `data_cut_day`: who was infused after the cut only is not infused, and `denominator_text`
        names it.

    Returns
    -------
    polars.DataFrame
        Table `summaries`: for each population, reader, with confirmation and without, over all, by arm where there are
        several, and by tumour type, ORR (CR or PR), DCR and BOR (a row a best response).

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
    people, infused = _people(table, subjects, infusions, underived), infused_subjects(infusions)
    bounded = infused is not None and followup is not None
    in_time = infused_subjects(up_to_data_cut(infusions, followup)) if bounded else infused
    late = (infused or frozenset()) - (in_time or frozenset())
    populations = _populations(people, subjects is not None, in_time, late)
    rows: list[Row] = []
    for (reader, confirmation), by_subject in _by_reader(table).items():
        for population in populations:
            for group, members in population.groups().items():
                best = [by_subject.get(subject) for subject in members]
                words = [*_told(best), *population.words(group, members, by_subject), *_lost(members, underived)]
                text = "; ".join([population.counted(members), *words])
                for parameter, more, allowed in _parameters(policy):
                    names = {"confirmation": confirmation, "reader": reader} | more
                    rows.append(
                        {
                            "population": population.name,
                            "group": group,
                            "parameter": parameter,
                            "qualifier": _qualifier(names),
                            "numerator": _count(best, allowed),
                            "denominator": len(members),
                            "denominator_text": text,
                        }
                    )
    return SUMMARIES.frame(_with_limits(rows, level))


def _by_reader(table: pl.DataFrame) -> dict[tuple[str | None, str], dict[str, Row]]:
    """Return the row of each subject by reader and confirmation."""
    found: dict[tuple[str | None, str], dict[str, Row]] = defaultdict(dict)
    for row in table.iter_rows(named=True):
        one = found[row["reader"], row["confirmation"]]
        if row["subject"] in one:
            mend = "give the rows of one source"
            where = of_reader(row["subject"], row["reader"])
            raise AnalysisError("two best responses of one subject and reader", found=where, mend=mend)
        one[row["subject"]] = row
    return found


def _count(best: Sequence[Row | None], allowed: Sequence[str]) -> int:
    """Return how many have one of some best responses; a subject without a row is not assessed."""
    found = sum(row is not None and row["best_response"] in allowed for row in best)
    return found + (best.count(None) if "not_assessed" in allowed else 0)


def _parameters(policy: BestResponsePolicy) -> Iterator[tuple[str, dict[str, str], Sequence[str]]]:
    """Yield each parameter with its further qualifiers and the best responses that it counts."""
    yield "ORR", {}, RESPONDERS
    yield "DCR", {}, policy.disease_control
    for word in BEST_WORDS:
        yield "BOR", {"response": word}, (word,)


def _qualifier(names: Mapping[str, str | None]) -> str:
    return ";".join(f"{name}={value}" for name, value in sorted(names.items()) if value is not None)


def _told(best: Sequence[Row | None]) -> Iterator[str]:
    """Yield what the denominator holds that a reader may not expect."""
    read = [row for row in best if row is not None and row["rule"] != "no_read"]
    absent = len(best) - len(read)
    if absent:
        yield f"{absent} of them without an assessment that counts, so without response"
    sources = [row["source"] for row in read]
    if "recorded" in sources and "derived" in sources:
        yield f"{sources.count('derived')} of them by derived responses, as none is recorded"
    elif "derived" in sources:
        yield "by derived responses"
    minimum = next((row["sd_min_days"] for row in read if row["sd_min_days"] is not None), None)
    if minimum is not None:
        early = sum(row["early_day"] is not None for row in read)
        yield f"SD counts from {minimum} days on, {early or 'none'} fell short of it"


def _lost(members: Collection[str], underived: Collection[str]) -> Iterator[str]:
    """Yield the subjects of a denominator that could not be derived."""
    lost = sorted(set(members) & set(underived))
    if lost:
        yield f"of these {first_few(lost, 5)} could not be derived: not assessed"


@dataclass(frozen=True)
class _Population:
    """Subjects with their arms and tumour types, of whom some were infused (None: not known)."""

    name: str
    people: Mapping[str, Row]
    infused: frozenset[str] | None
    enrolled: bool  # whether `people` are all who were enrolled
    late: frozenset[str] = frozenset()  # infused after the data cut only

    @property
    def members(self) -> list[str]:
        """Return who belongs to it."""
        every = list(self.people)
        return every if self.name != "infused" else [name for name in every if name in (self.infused or ())]

    def groups(self) -> dict[str, list[str]]:
        """Return the subjects of each group: all, arms where there are several, tumour types."""
        groups = {"all": self.members}
        for column, least in (("arm", 2), ("tumor_type", 1)):
            kinds = sorted({self.people[name][column] or "" for name in self.members} - {""})
            for kind in kinds if len(kinds) >= least else ():
                groups[f"{column}={kind}"] = [name for name in self.members if self.people[name][column] == kind]
        return groups

    def counted(self, members: Collection[str]) -> str:
        """Return how many subjects a denominator holds."""
        adjective = "" if self.name == "subjects" else f"{self.name} "
        return plural(len(members), f"{adjective}subject")

    def words(self, group: str, members: Collection[str], assessed: Collection[str]) -> Iterator[str]:
        """Yield what the denominator pools, and whom it leaves out or holds beside those infused."""
        arms = sorted({self.people[name]["arm"] or "" for name in members} - {""})
        if len(arms) > 1:
            yield f"arms pooled: {', '.join(arms)}"
        if self.infused is None:
            yield "who was infused is not known: all are taken"
            return
        column, _, kind = group.partition("=")
        alike = [name for name, row in self.people.items() if group == "all" or row[column] == kind]
        without = sorted(name for name in alike if name not in self.infused)
        read = [name for name in without if name in assessed]
        if without and self.name == "enrolled":
            yield f"{len(without)} of them never infused: {first_few(without, 5)}"
        elif without and self.enrolled:
            yield f"{len(without)} enrolled and never infused left out: {first_few(without, 5)}"
        elif read:
            yield f"assessed but not infused, left out: {first_few(read, 5)}"
        late = [name for name in without if name in self.late]
        if late:
            yield f"infused after the data cut, so not infused: {first_few(late, 5)}"


def _people(table: pl.DataFrame, subjects: Any, infusions: Any, underived: Collection[str]) -> dict[str, Row]:
    """Return arm and tumour type of each subject, of `subjects` or of whom the other tables name."""
    seen = {*table["subject"], *underived}
    infused = infused_subjects(infusions) or frozenset()
    if subjects is None:
        return {name: {"arm": None, "tumor_type": None} for name in sorted(seen | infused)}
    frame = conform(known_columns(subjects, GROUPS), GROUPS)
    people = {row["subject"]: row for row in frame.iter_rows(named=True)}
    problems = [
        TableError(
            f"a subject {what} is not in subjects",
            column="subject",
            found=subject,
            mend=same_identifier(subject, people),
        )
        for what, names in (("with a best response", seen), ("with an infusion", infused))
        for subject in sorted(names - set(people))
    ]
    if problems:
        raise StudyError(problems, "the subjects")
    return people


def _populations(
    people: Mapping[str, Row], enrolled: bool, infused: frozenset[str] | None, late: frozenset[str]
) -> list[_Population]:
    """Return the infused and the enrolled as far as they are known, else all subjects."""
    if infused is None:
        return [_Population("subjects", people, None, enrolled)]
    names = ("infused", "enrolled") if enrolled else ("infused",)
    return [_Population(name, people, infused, enrolled, late) for name in names]


def _with_limits(rows: Sequence[Row], level: float) -> list[Row]:
    counts, totals = [row["numerator"] for row in rows], [row["denominator"] for row in rows]
    lower, upper = clopper_pearson(counts, totals, level)
    return [
        row
        | {"estimate": n / total if total else None, "lower": float(low), "upper": float(high)}
        | {"method": METHOD if level == 0.95 else f"{METHOD}, {100 * level:g} %"}
        for row, n, total, low, high in zip(rows, counts, totals, lower, upper, strict=True)
    ]
