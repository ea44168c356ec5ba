"""Who is in the trial: visits, courses of disease, and one subject as it truly is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from tilseq.simulate import clinic, clones, compartments
from tilseq.simulate.streams import stream


@dataclass(frozen=True)
class Visit:
    """One planned visit: its day, the days either side that still count, what is taken."""

    day: int
    window: int | None
    specimen: str | None
    scan: bool


VISITS = {
    "baseline": Visit(-10, 4, "blood", True),
    "product": Visit(-1, None, "infusion_product", False),
    "D7": Visit(7, 2, "blood", False),
    "D28": Visit(28, 3, "blood", True),
    "D84": Visit(84, 7, "blood", True),
    "D168": Visit(168, 14, None, True),
}


@dataclass(frozen=True)
class Course:
    """What sets one subject's course apart from another's."""

    infused: compartments.Kinetics
    tumor: clinic.TumorKinetics
    product_cd4_to_cd8: float


# A response with long persistence, a stable disease, a progression with a new lesion and hardly any persistence.
COURSES = (
    Course(compartments.Kinetics(18, 0.45, 0.010), clinic.TumorKinetics(0.012, 0.0008), 0.30),
    Course(compartments.Kinetics(18, 0.35, 0.025), clinic.TumorKinetics(0.003, 0.0010), 0.55),
    Course(compartments.Kinetics(18, 0.20, 0.050), clinic.TumorKinetics(0.001, 0.0040, new_lesion_day=84), 0.80),
)
TUMOR_TYPES = ("melanoma", "cervical", "nsclc", "ovarian", "head_and_neck")
PRODUCT_CLONES, ENDOGENOUS_CLONES = 1_500, 12_000
PREEXISTING_SHARE = 0.1  # of the infused clones blood held before the infusion


@dataclass(frozen=True)
class Subject:
    """One subject as it truly is.

    Attributes
    ----------
    name, number
        Identifier, and its place in the trial from 1.
    course
        What sets its course apart.
    tumor_type, age, sex
        As in subjects.csv.
    clones
        One row a clone, infused ones first: `clone`, genes, junctions, `product_frequency`, `endogenous_frequency`,
        and `expansion_per_day`, `decay_per_day` (0 where not infused).
    lesions
        Lesions at baseline.
    """

    name: str
    number: int
    course: Course
    tumor_type: str
    age: int
    sex: str
    clones: pl.DataFrame
    lesions: list[clinic.Lesion]

    @property
    def lot(self) -> str:
        """Product lot."""
        return f"LOT-{self.number:02d}"


def draw_subject(number: int, seed: int) -> Subject:
    """Return a subject of the trial; the same number and seed give the same one.

    Parameters
    ----------
    number
        Place in the trial, from 1; the courses come in turn.
    seed
        Seed of the trial.
    """
    name = f"SIM-{number:02d}"
    course = COURSES[(number - 1) % len(COURSES)]
    tumor_type = TUMOR_TYPES[(number - 1) % len(TUMOR_TYPES)]
    person = stream(seed, name, "person")
    return Subject(
        name,
        number,
        course,
        tumor_type,
        age=int(person.integers(32, 71)),
        sex="female" if tumor_type in ("cervical", "ovarian") or person.random() < 0.5 else "male",
        clones=_draw_repertoire(name, seed, course.infused),
        lesions=clinic.draw_lesions(stream(seed, name, "lesions"), course.tumor),
    )


def blood_of(subject: Subject, day: int) -> compartments.Blood:
    """Return what a subject's blood holds on a day."""
    names = ("product_frequency", "endogenous_frequency", "expansion_per_day", "decay_per_day")
    product, endogenous, expansion, decay = (subject.clones[name].to_numpy() for name in names)
    rates = compartments.Rates(expansion, decay)
    return compartments.blood_at(day, subject.course.infused.start_per_ul, rates, product, endogenous)


def _draw_repertoire(name: str, seed: int, infused: compartments.Kinetics) -> pl.DataFrame:
    """Return all clones of a subject, the infused ones first."""
    every = clones.draw_clones(stream(seed, name, "clones"), PRODUCT_CLONES + ENDOGENOUS_CLONES)
    sizes = stream(seed, name, "sizes")
    product, endogenous = np.zeros(every.height), np.zeros(every.height)
    product[:PRODUCT_CLONES] = clones.draw_frequencies(sizes, PRODUCT_CLONES, exponent=1.1, shift=2, spread=0.4)
    shared = round(PREEXISTING_SHARE * PRODUCT_CLONES)
    native = clones.draw_frequencies(sizes, ENDOGENOUS_CLONES + shared, exponent=0.7, shift=10, spread=0.4)
    # Which infused clones blood held before, and at what rank, is chance; the 100 largest of blood are none of them.
    infused_place = sizes.choice(PRODUCT_CLONES, shared, replace=False)
    native_place = sizes.choice(np.arange(100, ENDOGENOUS_CLONES), shared, replace=False)
    endogenous[infused_place] = native[native_place]
    endogenous[PRODUCT_CLONES:] = np.delete(native, native_place)
    rates = compartments.draw_rates(stream(seed, name, "rates"), infused, PRODUCT_CLONES)
    none = np.zeros(ENDOGENOUS_CLONES)
    return every.with_row_index("clone", offset=1).with_columns(
        product_frequency=product,
        endogenous_frequency=endogenous,
        expansion_per_day=np.concatenate([rates.expansion_per_day, none]),
        decay_per_day=np.concatenate([rates.decay_per_day, none]),
    )
