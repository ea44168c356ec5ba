"""One subject as it truly is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
import polars as pl

from tilseq.simulate import clones, compartments
from tilseq.simulate.calendar import HARVEST_DAY
from tilseq.simulate.clinic import followup, labs, lesions
from tilseq.simulate.clones import Floats, Sizes
from tilseq.simulate.compartments import Course, Specimen, Traits
from tilseq.simulate.design import LAST_DAY, Confounders, Design, PublicClone
from tilseq.simulate.receptors.convergence import twins
from tilseq.simulate.streams import stream

TUMOR_TYPES = ("melanoma", "cervical", "nsclc", "melanoma", "head_and_neck", "ovarian")
WOMEN_ONLY = ("cervical", "ovarian")
TWO_LOTS_EVERY = 3  # subjects 2, 5, 8 … got two lots
INFUSED_CELLS = 40e9  # median of the cells infused
STAGGERED, STAGGERED_DAYS = 10, 15  # subjects enter one after another, so that the data cut finds them on other days


@dataclass(frozen=True)
class Subject:
    """One subject as it truly is.

    Attributes
    ----------
    name, number
        Identifier, and its place in the trial from 1.
    tumor_type, age, sex
        As in subjects.csv.
    lots
        Product lot → cells infused.
    clones
        As `clones.draw_clones` returns them, and `convergent_with`: the infused clone of the same amino acids, or null.
    traits, course
        What fixes where each clone is on each day.
    seed
        Seed of the trial.
    """

    name: str
    number: int
    tumor_type: str
    age: int
    sex: str
    lots: dict[str, float]
    clones: pl.DataFrame
    traits: Traits
    course: Course
    seed: int

    def specimen(self, kind: str, day: int, lot: str | None = None) -> Specimen:
        """Return what a specimen holds; `kind` as in samples.csv, plasma as blood, day 0 after the infusion."""
        if kind == "tumor":
            return compartments.tumor(self.course)
        if kind == "infusion_product":
            return compartments.product(self.course, lot or next(iter(self.lots)))
        return self.blood(day)

    def blood(self, day: int) -> Specimen:
        """Return what the blood holds on a day; on day 0 after the infusion."""
        return compartments.blood(self.course, self.traits, day)

    @cached_property
    def reactive_per_ul(self) -> Floats:
        """Infused tumour-reactive cells per µL of blood on each day from 0."""
        reactive = self.clones["reactive"].to_numpy()
        return compartments.reactive_per_ul(self.course, self.traits, reactive, LAST_DAY + 1)

    @cached_property
    def disease(self) -> lesions.Disease:
        """All lesions, day by day: killed by the reactive cells."""
        drawn = lesions.draw_lesions(stream(self.seed, self.name, "lesions"), self.tumor_type)
        return lesions.follow(drawn, self.reactive_per_ul, harvest_day=HARVEST_DAY)

    @cached_property
    def fate(self) -> followup.Fate:
        """Until when the subject lives and is seen."""
        cut = LAST_DAY - STAGGERED_DAYS * ((self.number - 1) % STAGGERED)
        return followup.draw_fate(stream(self.seed, self.name, "fate"), self.disease, cut)

    @cached_property
    def tolerance(self) -> labs.Tolerance:
        """How the subject bears the treatment."""
        return labs.draw_tolerance(stream(self.seed, self.name, "tolerance"))

    @cached_property
    def laboratory(self) -> labs.Course:
        """True laboratory values, day by day."""
        return labs.draw_course(
            stream(self.seed, self.name, "labs"),
            self.tolerance,
            lambda day: compartments.lymphocytes_per_ul(self.course, self.traits, day),
            lambda day: compartments.cells_per_ul(self.traits, "monocyte", day),
            self.disease.viable_ml,
            sex=self.sex,
        )

    @cached_property
    def origin(self) -> list[str]:
        """Where each clone comes from, in the words of the endpoint tables; `absent` where it is nowhere any more."""
        infused = self.course.infused.sum(axis=1) > 0
        before = self.course.memory.sum(axis=1) > 0
        tumor = self.course.tumor.sum(axis=1) > 0
        emergent = self.course.emergent_per_ul > 0
        words = ["infused_and_preexisting", "infused_only", "preexisting_only", "emergent", "tumor_resident"]
        return list(np.select([infused & before, infused, before, emergent, tumor], words, "absent"))


def name_of(number: int) -> str:
    """Return the identifier of the subject in a place of the trial."""
    return f"SIM-{number:02d}"


def draw_subject(number: int, design: Design) -> Subject:
    """Return a subject of the trial; the same number, seed and number of memory clones give the same one.

    Parameters
    ----------
    number
        Place in the trial, from 1.
    design
        Of the trial.
    """
    name, seed = name_of(number), design.seed
    sizes = Sizes(memory=design.memory_clones)
    person = stream(seed, name, "person")
    tumor_type = TUMOR_TYPES[(number - 1) % len(TUMOR_TYPES)]
    lots = _lots(number, float(person.lognormal(np.log(INFUSED_CELLS), 0.4)))
    drawn = clones.draw_clones(stream(seed, name, "clones"), sizes, _public_chains(seed))
    traits = compartments.draw_traits(stream(seed, name, "traits"))
    shares = {lot: cells / sum(lots.values()) for lot, cells in lots.items()}
    course = compartments.draw_course(stream(seed, name, "course"), drawn, sizes, traits, shares)
    subject = Subject(
        name=name,
        number=number,
        tumor_type=tumor_type,
        age=int(person.integers(28, 72)),
        sex="female" if tumor_type in WOMEN_ONLY or person.random() < 0.45 else "male",
        lots=lots,
        clones=drawn.with_columns(convergent_with=pl.lit(None, pl.Int64)),
        traits=traits,
        course=course,
        seed=seed,
    )
    return _confound(subject, design, sizes)


@cache
def _public_chains(seed: int) -> pl.DataFrame:
    return clones.public_chains(stream(seed, "public"))


def _lots(number: int, cells: float) -> dict[str, float]:
    if number % TWO_LOTS_EVERY != 2:
        return {f"LOT-{number:02d}": cells}
    return {f"LOT-{number:02d}A": 0.65 * cells, f"LOT-{number:02d}B": 0.35 * cells}


def _confound(subject: Subject, design: Design, sizes: Sizes) -> Subject:
    """Return the subject with those confounders that change who carries which clone."""
    switched: Confounders = design.confounders
    if switched.clone_in_baseline is not None and switched.clone_in_baseline.subject == subject.name:
        largest = _largest_infused(subject, 1)
        subject = _with_memory(subject, largest, switched.clone_in_baseline.share)
    if switched.convergent_clones is not None and switched.convergent_clones.subject == subject.name:
        wanted = switched.convergent_clones
        rng = stream(design.seed, subject.name, "convergent")
        places = _last_memory(sizes, wanted.clones)
        replaced = twins(rng, subject.clones, _largest_infused(subject, wanted.clones), places)
        subject = _with_memory(replace(subject, clones=replaced), places, wanted.share)
    if switched.public_clone is not None:
        subject = _with_public_clone(subject, switched.public_clone, design, sizes)
    return subject


def _with_public_clone(subject: Subject, wanted: PublicClone, design: Design, sizes: Sizes) -> Subject:
    """Return the subject with the clone that all subjects carry: an infused one of its owner, in blood of the rest."""
    if wanted.subject == subject.name:
        place = _largest_infused(subject, 3)[-1:]
        return replace(subject, clones=_carry(subject.clones, place, subject.clones[place]))
    source = draw_subject(number_of(wanted.subject), design.model_copy(update={"confounders": Confounders()}))
    place = _last_memory(sizes, 60)[:1]
    row = source.clones[_largest_infused(source, 3)[-1:]]
    return _with_memory(replace(subject, clones=_carry(subject.clones, place, row)), place, wanted.share)


def _largest_infused(subject: Subject, clones: int) -> list[int]:
    order = np.argsort(-subject.course.infused.sum(axis=1), kind="stable")
    return [int(place) for place in order[:clones]]


def _last_memory(sizes: Sizes, clones: int) -> list[int]:
    """Return the places of the smallest memory clones: none that matters gives way."""
    end = sizes.tumor + sizes.memory
    return list(range(end - clones, end))


def _with_memory(subject: Subject, places: list[int], share: float) -> Subject:
    """Return the subject with each of some clones at a share of its memory T cells."""
    memory = subject.course.memory.copy()
    memory[places] = 0
    mix = np.array([compartments.STATES_IN_BLOOD[lineage] for lineage in subject.clones["lineage"].gather(places)])
    memory *= (1 - share * len(places)) / memory.sum()
    memory[places] = share * mix / mix.sum(axis=1, keepdims=True)
    return replace(subject, course=replace(subject.course, memory=memory))


def _carry(rows: pl.DataFrame, places: list[int], row: pl.DataFrame) -> pl.DataFrame:
    """Return clones of which those in some places carry a clone's receptor, which is public."""
    here = pl.int_range(pl.len()).is_in(places)
    names = [name for name in rows.columns if name.startswith("trb_")]
    carried = [pl.when(here).then(pl.lit(row[name].item())).otherwise(name).alias(name) for name in names]
    return rows.with_columns(*carried, public=pl.col("public") | here)


def number_of(name: str) -> int:
    """Return the place in the trial of a subject of that name."""
    return int(name.removeprefix("SIM-"))
