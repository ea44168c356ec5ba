"""Which samples are taken of a subject: one row of samples.csv each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tilseq.simulate.design import PRODUCT_VISIT, TUMOR_VISIT, Design, visit_day, window
from tilseq.simulate.streams import stream
from tilseq.simulate.subjects import Subject

EARLY, LATE = 14, 80  # days: before the first too few cells for a large panel, after the second B cells are back
SINGLE_CELL_DAYS = range(14, 60)
ENDINGS = {"autologous tumour": "tumor", "PMA/ionomycin": "pma"}  # of the names of stimulated tubes


@dataclass(frozen=True)
class Sample:
    """One sample to be taken.

    Attributes
    ----------
    name, subject, visit, day, specimen, assay, lot, replicate, panel, role, stimulus
        As in samples.csv; `day` is the day on which it was truly taken.
    """

    name: str
    subject: str
    visit: str
    day: int
    specimen: str
    assay: str
    lot: str | None = None
    replicate: int | None = None
    panel: str | None = None
    role: str = "sample"
    stimulus: str | None = None

    @property
    def measured(self) -> str:
        """The assay as a design names it."""
        return "ics" if self.panel == "ics" else self.assay

    @property
    def drawn(self) -> str:
        """Name of the specimen: what was taken at once."""
        lot = "" if self.lot is None else f"_{self.lot}"
        return f"{self.subject}_{self.visit}{lot}"

    def row(self, **more: Any) -> dict[str, Any]:
        """Return its row of samples.csv."""
        shared = {
            "sample": self.name,
            "subject": self.subject,
            "visit": self.visit,
            "day": self.day,
            "specimen": self.specimen,
            "specimen_id": self.drawn,
            "assay": self.assay,
            "lot": self.lot,
            "replicate": None if self.replicate is None else str(self.replicate),
            "panel": self.panel,
            "role": self.role,
            "stimulus": self.stimulus,
            "timing": "post" if self.day == 0 else None,
        }
        return shared | more


def samples_of(design: Design, subject: Subject) -> list[Sample]:
    """Return all samples of a subject, in the order of the visits; none after it was last seen alive."""
    every = (sample for sample in _every(design, subject) if sample.measured in design.assays)
    return [sample for sample in every if sample.day <= max(0, subject.fate.last_alive_day)]


def _every(design: Design, subject: Subject) -> Iterator[Sample]:
    yield from _of(design, subject, TUMOR_VISIT[0], TUMOR_VISIT[1], "tumor", None)
    for lot in subject.lots:
        yield from _of(design, subject, PRODUCT_VISIT[0], PRODUCT_VISIT[1], "infusion_product", lot)
    for visit in sorted(design.visits, key=visit_day):
        yield from _of(design, subject, visit, true_day(subject, visit), "blood", None)


def _of(design: Design, subject: Subject, visit: str, day: int, specimen: str, lot: str | None) -> Iterator[Sample]:
    """Yield the samples of one specimen; where a subject has several lots, the second bears its letter."""
    suffix = "" if lot is None or len(subject.lots) == 1 else lot[-1]
    start = f"{subject.name}_{visit}{suffix}"
    blood = specimen == "blood"
    planned = visit_day(visit) if blood else day

    def sample(ending: str, assay: str, **more: Any) -> Sample:
        where = "plasma" if assay == "cytokine" else specimen
        return Sample(f"{start}_{ending}", subject.name, visit, day, where, assay, lot, **more)

    if specimen != "tumor":
        yield sample("flow", "flow", panel="tbnk")
    if specimen == "infusion_product" or (blood and (planned < 0 or planned >= EARLY)):
        yield sample("tstate", "flow", panel="t_state")
    if design.ics.takes(subject.name, visit):
        yield sample("icsnone", "flow", panel="ics", role="unstimulated")
        for stimulus in design.ics.stimuli:
            yield sample(f"ics{ENDINGS[stimulus]}", "flow", panel="ics", role="stimulated", stimulus=stimulus)
    if design.replicates == 1:
        yield sample("tcr", "tcr")
    else:
        yield from (sample(f"tcr{number}", "tcr", replicate=number) for number in range(1, design.replicates + 1))
    if specimen == "tumor" or (blood and (planned < 0 or planned >= LATE)):
        yield sample("bcr", "bcr")
    if blood:
        yield from (sample(kit, "cytokine") for kit in ("cytokine", "tgfb1"))
    if not blood or planned in SINGLE_CELL_DAYS:
        yield sample("sc", "scrna")
    if not blood or planned < 0 or planned >= EARLY:
        yield sample("rna", "bulk_rna")


def true_days(design: Design, subject: Subject) -> list[int]:
    """Return the days on which blood was to be drawn."""
    return [true_day(subject, visit) for visit in design.visits]


def true_day(subject: Subject, visit: str) -> int:
    """Return the day on which blood was drawn: within the visit's window; at baseline and on day 0 as planned."""
    day, slack = visit_day(visit), window(visit)
    if day <= 0:
        return day
    return day + int(stream(subject.seed, subject.name, visit, "day").integers(-slack, slack + 1))
