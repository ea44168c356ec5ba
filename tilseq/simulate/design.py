"""What a synthetic trial is to hold: size, visits, assays, depths, and what has gone wrong in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from tilseq.errors import ReadError, StudyError, TilseqError, did_you_mean
from tilseq.io.yaml_model import Part, held_against, read_model
from tilseq.simulate.calendar import BASELINE_DAY, HARVEST_DAY

# Name → day and days either side that still count. Blood is drawn at each.
BLOOD_VISITS = {
    "baseline": (BASELINE_DAY, 4),
    "D0": (0, 0),
    "D7": (7, 2),
    "D14": (14, 2),
    "D28": (28, 3),
    "D42": (42, 4),
    "D84": (84, 7),
    "D180": (180, 14),
}
# The same of the scans, which are done whatever the blood visits are.
SCANS = {
    "baseline": BLOOD_VISITS["baseline"],
    "D42": BLOOD_VISITS["D42"],
    "D84": BLOOD_VISITS["D84"],
    "D126": (126, 7),
    "D168": (168, 7),
    "D252": (252, 14),
    "D336": (336, 14),
}
TUMOR_VISIT, PRODUCT_VISIT = ("harvest", HARVEST_DAY), ("product", -1)
STIMULATED_VISITS = (PRODUCT_VISIT[0], "baseline", "D28", "D84")  # where a design names none
LAST_DAY = 400  # of the trial; a visit beyond it is refused
_DAY = re.compile(r"D([0-9]{1,3})")
Assay = Literal["flow", "ics", "cytokine", "tcr", "bcr", "scrna", "bulk_rna", "clinic"]
ALL_ASSAYS: tuple[Assay, ...] = get_args(Assay)
Stimulus = Literal["autologous tumour", "PMA/ionomycin"]
USUAL_STIMULUS: Stimulus = "autologous tumour"
Share = Annotated[float, Field(gt=0, lt=1)]
Name = Annotated[str, Field(min_length=1)]


class FailedLibrary(Part):
    """A library of which next to nothing was sequenced."""

    sample: Name = "SIM-02_D28_tcr"
    depth: int = Field(60, ge=1, description="Templates that were counted all the same.")


class SwappedPair(Part):
    """Two tubes that were mistaken for one another before they were sequenced."""

    samples: Annotated[list[Name], Field(min_length=2, max_length=2)] = ["SIM-03_D7_tcr", "SIM-04_D7_tcr"]

    @field_validator("samples")
    @classmethod
    def _are_two(cls, samples: list[str]) -> list[str]:
        if samples[0] == samples[1]:
            raise ValueError("two different samples")
        return samples


class IndexHopping(Part):
    """Molecules of one library that were read under the index of another of the same run."""

    source: Name = "SIM-01_D7_tcr"
    into: Name = "SIM-02_D7_tcr"
    rate: Share = Field(0.002, description="Share of the source's templates that arrive.")

    @model_validator(mode="after")
    def _are_two(self) -> IndexHopping:
        if self.source == self.into:
            raise ValueError("two different samples as `source` and `into`")
        return self


class PublicClone(Part):
    """A clone of one product whose receptor other subjects carry too."""

    subject: Name = "SIM-01"
    share: Share = Field(2e-3, description="Its share of the memory T cells of each other subject.")


class ConvergentClones(Part):
    """Large infused clones with a twin in blood: the same amino acids from other nucleotides."""

    subject: Name = "SIM-01"
    clones: int = Field(5, ge=1, le=50)
    share: float = Field(1e-3, gt=0, le=0.01, description="Share of each twin of the subject's memory T cells.")


class CloneInBaseline(Part):
    """An infused clone that was large in blood before the infusion."""

    subject: Name = "SIM-02"
    share: Share = Field(0.02, description="Its share of the memory T cells before lymphodepletion.")


class BatchShift(Part):
    """A flow run whose stains came out brighter or dimmer than ever before."""

    subject: Name = "SIM-03"
    visit: Name = "D28"
    log_shift: float = Field(
        -0.7, ge=-5, le=5, description="Natural logarithm of the factor on the stains of CD4 and CD8."
    )


class DepthByVisit(Part):
    """Libraries that differ in depth from visit to visit."""

    log_spread: float = Field(1.0, gt=0, le=3, description="Standard deviation of the natural logarithm of depth.")


class Confounders(Part):
    """What has gone wrong; each is absent unless it is named, with settings below its name or without."""

    @model_validator(mode="before")
    @classmethod
    def _named_is_on(cls, value: Any) -> Any:
        if isinstance(value, list):
            value = dict.fromkeys(map(str, value))
        return (
            {name: {} if below is None else below for name, below in value.items()}
            if isinstance(value, dict)
            else value
        )

    failed_library: FailedLibrary | None = None
    swapped_pair: SwappedPair | None = None
    index_hopping: IndexHopping | None = None
    public_clone: PublicClone | None = None
    convergent_clones: ConvergentClones | None = None
    clone_in_baseline: CloneInBaseline | None = None
    batch_shift: BatchShift | None = None
    depth_by_visit: DepthByVisit | None = None


class Stimulation(Part):
    """Whose cells were stimulated to make interferon-gamma, when, and with what."""

    subjects: list[Name] | None = Field(None, description="Subjects; all where it is left out.")
    visits: list[Name] = Field(
        default_factory=lambda: list(STIMULATED_VISITS),
        description="Visits of which cells were taken, with `product`; those that the trial lacks count for nothing.",
    )
    stimuli: list[Stimulus] = Field(
        default_factory=lambda: [USUAL_STIMULUS], min_length=1, description="One tube each."
    )
    cells: int | None = Field(None, ge=1, le=5_000_000, description="Events of each of these tubes, where not `cells`.")

    @field_validator("visits")
    @classmethod
    def _can_be(cls, visits: list[str]) -> list[str]:
        for name in visits:
            if name != PRODUCT_VISIT[0]:
                visit_day(name)
        return visits

    @field_validator("stimuli")
    @classmethod
    def _are_different(cls, stimuli: list[Stimulus]) -> list[Stimulus]:
        if len(set(stimuli)) < len(stimuli):
            raise ValueError("each stimulus once")
        return stimuli

    def takes(self, subject: str, visit: str) -> bool:
        """Return whether cells of a subject and visit are stimulated."""
        return visit in self.visits and (self.subjects is None or subject in self.subjects)


class Design(Part):
    """A whole synthetic trial.

    The raw files of a sample depend on the seed, on the names of subject and sample, on the settings of its own assay
    and on `memory_clones`, which makes other subjects of all: a further subject or visit changes none that exists.
    """

    seed: int = Field(1, ge=0, lt=10**18, description="Seed of all random streams.")
    subjects: int = Field(4, ge=1, le=10_000, description="How many subjects.")
    visits: list[Name] = Field(
        default_factory=lambda: list(BLOOD_VISITS),
        min_length=1,
        description="Visits at which blood is drawn: baseline, or D and the day.",
    )
    assays: list[Assay] = Field(default_factory=lambda: list(ALL_ASSAYS), min_length=1, description="What is measured.")
    ics: Stimulation = Field(default_factory=Stimulation, description="Whose cells are stimulated, when, with what.")
    depth: int = Field(20_000, ge=1, le=10_000_000, description="Templates counted of each bulk library.")
    cells: int = Field(20_000, ge=1, le=5_000_000, description="Events of each flow tube.")
    single_cells: int = Field(500, ge=1, le=100_000, description="Cells of each single-cell library.")
    beads: int = Field(300, ge=1, le=100_000, description="Beads of each analyte in each well.")
    cells_per_template: float = Field(2.0, gt=0, le=1e6, description="T cells put in for each template counted.")
    flavor: Literal["gdna", "umi", "reads"] = Field("gdna", description="How bulk libraries are made and counted.")
    replicates: int = Field(1, ge=1, le=20, description="Bulk TCR libraries of each specimen, of disjoint cells.")
    memory_clones: int = Field(
        12_000,
        ge=200,
        le=1_000_000,
        description="Memory clones that each blood holds; another number makes other subjects.",
    )
    confounders: Confounders = Field(default_factory=Confounders, description="What has gone wrong.")

    @field_validator("assays")
    @classmethod
    def _assays_can_be(cls, assays: list[Assay]) -> list[Assay]:
        if len(set(assays)) < len(assays):
            raise ValueError("each assay once")
        return assays

    @field_validator("visits")
    @classmethod
    def _visits_can_be(cls, visits: list[str]) -> list[str]:
        for name in visits:
            visit_day(name)
        if len(set(visits)) < len(visits):
            raise ValueError("a visit is named twice")
        for one, other in pairwise(sorted(visits, key=visit_day)):
            if visit_day(one) + window(one) >= visit_day(other) - window(other):
                raise ValueError(f"visits whose windows are apart; those of {one} and {other} overlap")
        return visits


def read_design(path: str | Path | None = None, given: Mapping[str, Any] | None = None) -> Design:
    """Return the design of a YAML file, with what is given besides in place of what stands there.

    Parameters
    ----------
    path
        YAML file, see `Design` for its settings; None for the usual design.
    given
        Setting → value. `confounders` are names, which add to those of the file.

    Raises
    ------
    StudyError
        The file cannot be read, or something in it or given besides cannot be; all faults together.
    """
    chosen: dict[str, Any] = {}
    options = dict(given or {})
    _, faults = held_against(options, Design, {})
    problems = [_of_option(fault) for fault in faults]
    if path is not None:
        read, _, faults = read_model(path, Design, file=str(path), expected="settings such as `subjects: 4`")
        problems = faults + problems
        chosen = {} if read is None else read.model_dump(exclude_unset=True)
    if problems:
        raise StudyError(problems, "the design")
    if "confounders" in options:  # a name adds to those of the file, whose settings stay
        options["confounders"] = {name: {} for name in options["confounders"]} | chosen.get("confounders", {})
    return Design.model_validate(chosen | options)


def _of_option(fault: TilseqError) -> TilseqError:
    """Return a fault of what was given besides the file under the name of the option."""
    option = (fault.column or "").split(".")[0].replace("_", "-").replace("confounders", "confounder")
    told = ReadError(f"option --{option}: {fault.what}", expected=fault.expected, mend=fault.mend)
    told.found = fault.found  # quoted already
    return told


def visit_day(name: str) -> int:
    """Return the nominal day of a blood visit.

    Raises
    ------
    ValueError
        No visit can be called so.
    """
    if name in BLOOD_VISITS:
        return BLOOD_VISITS[name][0]
    found = _DAY.fullmatch(name)
    if found is None or name != f"D{int(found[1])}" or int(found[1]) > LAST_DAY:
        near = None if found and int(found[1]) > LAST_DAY else did_you_mean(name, list(BLOOD_VISITS))
        hint = near or f"write baseline, or D and a day up to {LAST_DAY}"
        raise ValueError(f"there is no visit {name!r}; {hint}")
    return int(found[1])


def window(name: str) -> int:
    """Return the days either side of a blood visit that still count.

    Where none is agreed a tenth of its day, but at least one, and never back to the day of the infusion.
    """
    day = visit_day(name)
    agreed = BLOOD_VISITS | SCANS
    return agreed[name][1] if name in agreed else min(max(1, day // 10), day - 1)


def targets(confounders: Confounders) -> list[tuple[str, str, str]]:
    """Return what confounders concern: name of the confounder; `sample`, `subject` or `visit`; which."""
    kinds = {"samples": "sample", "source": "sample", "into": "sample"}
    found = []
    for name, confounder in confounders:
        for field, value in confounder or ():
            kind = kinds.get(field, field)
            if kind in ("sample", "subject", "visit"):
                found += [(name, kind, target) for target in (value if isinstance(value, list) else [value])]
    return found
