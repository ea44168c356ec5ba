"""The course of one subject by iRECIST: unconfirmed progression, its confirmation, and the bar that is reset."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from tilseq.clinical.recist import LEAST_GROWTH, overall_response
from tilseq.errors import AnalysisError

WORDS = {"CR": "iCR", "PR": "iPR", "SD": "iSD", "NON-CR/NON-PD": "NON-iCR/NON-iUPD", "NE": "NE"}
TARGETS, NONTARGETS, NEW = "targets", "non-targets", "new lesions"


@dataclass(frozen=True)
class IrecistPolicy:
    """When a later assessment may confirm progression.

    Attributes
    ----------
    confirm_from_days
        Least days from the first iUPD.
    confirm_within_days
        Most days from the last iUPD; None for no limit, where a protocol allows later confirmation.
    """

    confirm_from_days: int = 28
    confirm_within_days: int | None = 56

    def __post_init__(self) -> None:
        """Refuse limits that no day lies between.

        Raises
        ------
        AnalysisError
            A number below 0, or an upper limit below the lower.
        """
        last = self.confirm_within_days
        if self.confirm_from_days < 0 or (last is not None and last < self.confirm_from_days):
            raise AnalysisError(
                "no day lies between these limits of confirmation",
                column="confirm_from_days",
                found=f"{self.confirm_from_days} to {last}",
                expected="0 <= confirm_from_days <= confirm_within_days",
            )


@dataclass(frozen=True)
class Visit:
    """What one assessment shows; sizes in micrometres.

    `targets` and `sizes` hold what was measured; `whole` tells that every target was. `further` holds the lesions, old
    and new, that the reader calls progressed, `unseen` those other than targets that were not evaluated.
    """

    day: int
    target: str | None
    nontarget: str | None
    targets: Mapping[str, int]
    whole: bool
    new: frozenset[str]
    sizes: Mapping[str, int]  # of new lesions and of non-targets, where measured
    further: frozenset[str]
    unseen: frozenset[str]

    @property
    def gone(self) -> set[str]:
        """Lesions other than targets of which nothing is left."""
        return {name for name, size in self.sizes.items() if size == 0}


@dataclass
class _Pending:
    """The first iUPD since the bar was set, and the last."""

    first: Visit
    last_day: int
    kinds: set[str]
    known: frozenset[str]  # new lesions seen up to and with the first iUPD, and not gone by it


@dataclass
class Course:
    """Assessments in order after the baseline; `add` gives the response of each and why."""

    policy: IrecistPolicy
    nontargets: frozenset[str]
    pending: _Pending | None = None
    known: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)  # new lesions, those that are gone too
    largest: dict[str, int] = field(default_factory=dict)
    earlier: list[Mapping[str, int]] = field(default_factory=list)  # sizes of each assessment
    confirmed_day: int | None = None

    def add(self, visit: Visit) -> tuple[str | None, int | None, list[str]]:
        """Return the response, the first iUPD that it belongs to, and why."""
        if self.confirmed_day is not None:
            return None, None, [f"after the iCPD of day {self.confirmed_day}"]
        found = self._first(visit) if self.pending is None else self._after(visit, self.pending)
        self.known |= visit.new
        self.known -= visit.gone  # new again if it comes back
        self.seen |= visit.new
        for name, size in visit.sizes.items():
            self.largest[name] = max(size, self.largest.get(name, size))
        self.earlier.append(visit.sizes)
        return found

    def _first(self, visit: Visit) -> tuple[str, int | None, list[str]]:
        """Return the response where no progression awaits confirmation."""
        kinds = set(self._kinds(visit))
        if not kinds:
            return self._word(visit), None, []
        self.pending = _Pending(visit, visit.day, kinds, frozenset((self.known | visit.new) - visit.gone))
        return "iUPD", visit.day, [f"progression of {kind}" for kind in sorted(kinds)]

    def _kinds(self, visit: Visit) -> Iterator[str]:
        """Yield the kinds of lesions that have progressed by RECIST 1.1.

        New lesions that were seen before the bar was reset have if another is seen, or if they meet the rule of
        targets against the least of their sums.
        """
        if visit.target == "PD":
            yield TARGETS
        if visit.nontarget == "PD":
            yield NONTARGETS
        if visit.new - self.known or self._new_grown(visit):
            yield NEW

    def _new_grown(self, visit: Visit) -> bool:
        """Return whether new lesions that are known have grown, by their sum or as the reader calls them."""
        return bool((visit.new and self._new_above_least(visit)) or visit.new & visit.further)

    def _new_above_least(self, visit: Visit) -> bool:
        """Return whether the sum of new lesions is 20 % and 5 mm above what it was at an earlier assessment.

        A lesion that was not measured then, or not there yet, counts as its largest size, so that it is no growth.
        """
        measured = self.seen & self.largest.keys()
        for sizes in self.earlier:
            then = {
                name: sizes.get(name, self.largest[name]) for name in measured & (sizes.keys() | visit.sizes.keys())
            }
            growth = _least_growth(visit.sizes, then)
            if growth >= LEAST_GROWTH and 10 * growth >= 2 * sum(then.values()):
                return True
        return False

    def _after(self, visit: Visit, pending: _Pending) -> tuple[str, int, list[str]]:
        """Return the response where an iUPD awaits confirmation (Seymour 2017, table 2)."""
        first = pending.first
        found = self._word(visit)
        why = list(self._confirmations(visit, pending))
        if why:
            late = self._untimely(visit.day, pending)
            if not late:
                self.confirmed_day = visit.day
                return "iCPD", first.day, why
            pending.last_day = visit.day
            return "iUPD", first.day, [*why, late]
        if "PD" in (visit.target, visit.nontarget):
            pending.last_day = visit.day
            return "iUPD", first.day, ["progression without further growth"]
        shrunk = visit.whole and _growth(visit.targets, first.targets) < 0
        if visit.new and not shrunk:
            pending.last_day = visit.day
            told = "targets not smaller" if visit.whole else "not all targets measured"
            return "iUPD", first.day, [f"new lesions without further growth, {told}"]
        if found == "NE":
            return "NE", first.day, []
        unseen = visit.unseen & self._progressed(pending)
        if unseen and not shrunk:
            return "NE", first.day, [f"{', '.join(sorted(unseen))} of the iUPD not evaluated, targets not smaller"]
        self.pending = None
        return found, first.day, [f"the iUPD of day {first.day} was not confirmed: the bar is reset"]

    def _progressed(self, pending: _Pending) -> frozenset[str]:
        """Return the lesions other than targets whose progression awaits confirmation."""
        new = pending.known if NEW in pending.kinds else frozenset()
        return new | (pending.first.further & self.nontargets if NONTARGETS in pending.kinds else frozenset())

    def _confirmations(self, visit: Visit, pending: _Pending) -> Iterator[str]:
        """Yield what confirms the progression: growth of what had progressed, or progression of another kind.

        Growth counts from the first iUPD, so that small steps add up.
        """
        first = pending.first
        if TARGETS in pending.kinds and _least_growth(visit.targets, first.targets) >= LEAST_GROWTH:
            yield "targets 5 mm or more above the iUPD"
        grown = _growth(visit.sizes, first.sizes, self.nontargets) > 0
        if NONTARGETS in pending.kinds and (visit.nontarget == "PD" or grown):
            yield "non-targets grown further"
        if visit.new - pending.known:
            yield "another new lesion" if NEW in pending.kinds else "a new lesion, progression of another kind"
        if NEW in pending.kinds:
            if visit.new & visit.further:
                yield "new lesions grown further"
            elif visit.new and _least_growth(visit.sizes, first.sizes, pending.known) >= LEAST_GROWTH:
                yield "new lesions 5 mm or more above the iUPD"
        elif self._new_grown(visit):
            yield f"{NEW}, progression of another kind"
        for kind, word in ((TARGETS, visit.target), (NONTARGETS, visit.nontarget)):
            if word == "PD" and kind not in pending.kinds:
                yield f"{kind}, progression of another kind"

    def _untimely(self, day: int, pending: _Pending) -> str:
        """Return why a day is too early or too late to confirm; empty where it is neither."""
        since, last = day - pending.first.day, self.policy.confirm_within_days
        if since < self.policy.confirm_from_days:
            return f"not confirmed: {since} days after the iUPD, fewer than {self.policy.confirm_from_days}"
        if last is not None and day - pending.last_day > last:
            return f"not confirmed: {day - pending.last_day} days after the last iUPD, more than {last}"
        return ""

    @staticmethod
    def _word(visit: Visit) -> str:
        """Return the response without regard to progression; a new lesion that is there allows no iCR."""
        found = overall_response(visit.target, visit.nontarget, False)
        if found == "CR" and visit.new:
            found = "NON-CR/NON-PD" if visit.target is None else "PR"
        return WORDS.get(found, "NE")


def _least_growth(now: Mapping[str, int], first: Mapping[str, int], names: Collection[str] | None = None) -> int:
    """Return the least that the sum of what was measured first can have grown: what is not measured now may be gone."""
    return sum(now.get(name, 0) - size for name, size in first.items() if names is None or name in names)


def _growth(now: Mapping[str, int], first: Mapping[str, int], names: Collection[str] | None = None) -> int:
    """Return the growth of those lesions that both assessments measure, of all or of those named."""
    both = [name for name in now if name in first and (names is None or name in names)]
    return sum(now[name] - first[name] for name in both)
