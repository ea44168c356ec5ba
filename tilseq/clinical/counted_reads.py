"""Which reads of one subject and reader count for the best response, and why the others do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from tilseq.clinical.data_cut import is_by_cut
from tilseq.clinical.response_candidates import BestResponsePolicy, Read, by_table_3
from tilseq.tables import Row

Rule = Literal["by the start of treatment", "after the data cut", "after a new therapy", "after the first progression"]


@dataclass(frozen=True)
class Bounds:
    """The days that bound the reads of one subject.

    Attributes
    ----------
    treated
        Last day before treatment.
    therapy, cut
        Day on which a new therapy starts, day of the data cut; None where there is none.
    """

    treated: int = 0
    therapy: int | None = None
    cut: int | None = None


class Ignored(NamedTuple):
    """A read that does not count."""

    day: int
    visit: str | None
    rule: Rule


class CountedReads:
    """The reads of one subject and reader that count.

    Attributes
    ----------
    source
        `recorded` or `derived`.
    reads
        Those that count, in the order of their days.
    ignored
        Those that do not, each with the rule.
    words
        What the row must say.
    depth
        Lowest change of the sum from baseline, in percent, and its day.
    """

    def __init__(self, rows: Sequence[Row], bounds: Bounds, policy: BestResponsePolicy) -> None:
        self.words: list[str] = []
        self.ignored: list[Ignored] = []
        known = [row for row in rows if is_by_cut(row["day"], bounds.cut)]
        recorded = any(row["recorded"] for row in known if not row["baseline"])
        self.source = policy.source if recorded or not any(row["response"] for row in known) else "derived"
        if self.source != policy.source:
            self.words.append("no response is recorded: derived from the lesions")
        self._column = "recorded" if self.source == "recorded" else "response"
        missing = [str(row["day"]) for row in known if row["response"] and not row[self._column]]
        if missing:
            self.words.append(f"nothing recorded on {_days(missing)}")
        rows = self._within(list(rows), bounds, policy)
        reads = [Read(row["day"], row["visit"], row[self._column]) for row in rows if row[self._column]]
        reads = self._told_by_table_3(reads, policy)
        progression = next((read.day for read in reads if read.word == "PD"), None)
        if progression is not None and policy.stop_at_progression:
            why = f"after the PD of day {progression}"
            rows = self._keep(rows, lambda row: row["day"] <= progression, "after the first progression", why)
            reads = [read for read in reads if read.day <= progression]
        self.reads = reads
        changes = [(row["change_from_baseline_pct"], row["day"]) for row in rows]
        self.depth = min((one for one in changes if one[0] is not None), default=(None, None))

    def _within(self, rows: list[Row], bounds: Bounds, policy: BestResponsePolicy) -> list[Row]:
        """Return the rows after the start of treatment and up to the cut and to a new therapy."""
        rule: Rule = "by the start of treatment"
        anyway = policy.reads_from == "any"
        rows = self._keep(rows, lambda row: not row["baseline"] and (anyway or row["day"] > bounds.treated), rule, rule)
        cut, therapy = bounds.cut, bounds.therapy
        if cut is not None:
            rows = self._keep(
                rows, lambda row: row["day"] <= cut, "after the data cut", f"after the data cut of day {cut}"
            )
        if therapy is not None and policy.new_therapy == "stop":
            why = f"after the new therapy of day {therapy}"
            rows = self._keep(rows, lambda row: row["day"] <= therapy, "after a new therapy", why)
        return rows

    def _keep(self, rows: list[Row], counts: Callable[[Row], bool], rule: Rule, why: str) -> list[Row]:
        gone = [Ignored(row["day"], row["visit"], rule) for row in rows if not counts(row) and row[self._column]]
        if gone:
            self.words.append(f"ignored {why}: {_days([str(one.day) for one in gone])}")
        self.ignored += gone
        return [row for row in rows if counts(row)]

    def _told_by_table_3(self, reads: list[Read], policy: BestResponsePolicy) -> list[Read]:
        told = by_table_3(reads)
        changed = [str(read.day) for read, new in zip(reads, told, strict=True) if read != new]
        if changed and policy.strict_table3:
            self.words.append(f"disease after CR is PD on {_days(changed)}")
            return told
        if changed:
            self.words.append(f"disease after CR on {_days(changed)}: PD there, or the CR was none (table 3)")
        return reads

    def ignored_rows(self) -> Iterator[Row]:
        """Yield the reads that do not count as rows of the table `ignored_reads`."""
        for one in self.ignored:
            yield {"source": self.source, **one._asdict()}


def _days(days: Sequence[str]) -> str:
    return f"day{'s' if len(days) > 1 else ''} {', '.join(days)}"
