"""Where a subject's T cells are: tumour, infusion product, blood; every clone in each state, on any day.

Days are days after the first infusion. Nothing here is drawn anew for a visit: a subject's course is fixed by its
traits, so that the blood of one day never depends on which other days are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.simulate.calendar import LYMPHODEPLETION_DAY
from tilseq.simulate.clones import Floats, Sizes, draw_shares
from tilseq.simulate.states import LINEAGES, OTHER_CELLS, STATES


class Inequality(NamedTuple):
    """How unequal clones are: `exponent`, median `shift` and `spread` of `draw_shares`.

    The natural logarithm of the shift varies between subjects with the standard deviation `between`.
    """

    exponent: float
    shift: float
    between: float
    spread: float


# Set so that the largest clones hold what they do in eight public 10x samples (BorchLab/scRepertoire, blood and lung
# tumour, MIT; 10x PBMC in scverse/scirpy, BSD-3), and vary as much between subjects.
IN_MEMORY = Inequality(exponent=0.9, shift=4.0, between=1.3, spread=0.9)
IN_TUMOR = Inequality(exponent=0.8, shift=5.0, between=1.4, spread=0.9)

# Share of each state, in the order of STATES, among cells of a clone: round figures after the usual phenotypes of TIL
# (tumour-reactive clones are exhausted in the tumour) and of blood memory. Clones scatter around them.
STATES_IN_TUMOR = {True: (0, 0.03, 0.02, 0.15, 0.35, 0.45), False: (0, 0.05, 0.35, 0.50, 0.07, 0.03)}
STATES_IN_PRODUCT = {True: (0, 0.10, 0.15, 0.45, 0.20, 0.10), False: (0, 0.08, 0.30, 0.55, 0.05, 0.02)}
STATES_IN_BLOOD = {"CD4": (0, 0.12, 0.50, 0.33, 0.03, 0.02), "CD8": (0, 0.08, 0.27, 0.58, 0.04, 0.03)}
STATE_CONCENTRATION = 8.0  # of the Dirichlet distribution by which clones scatter

# Natural logarithm of the fold by which a cell of a state outgrows an effector in the culture, and its scatter.
EXPANSION_BIAS = (0.0, 0.9, 0.5, 0.0, 0.1, -1.5)
EXPANSION_SPREAD = 1.2
CULTURED_CELLS = 60_000  # T cells of the tumour that found the culture

# Rates per day in blood after infusion, in the order of STATES; growth fades with a time constant of 7 days.
GROWTH_PER_DAY = np.array([0.0, 0.30, 0.27, 0.34, 0.22, 0.10])
DECAY_PER_DAY = np.array([0.0, 0.004, 0.012, 0.055, 0.030, 0.120])
GROWTH_DAYS = 7.0
RATE_SPREAD = 0.3  # standard deviation of the natural logarithm of a clone's rates
WAVE_DAYS = np.array([23.0, 61.0, 170.0])  # periods of the slow waves that every clone makes by itself
WAVE_SPREAD = 0.15

# Cells per µL of blood before lymphodepletion, and days in which each comes back after it: round figures within the
# usual ranges of adults and of blood counts after cyclophosphamide and fludarabine.
BEFORE_PER_UL = {"naive": 380.0, "memory": 700.0, "B": 200.0, "NK": 250.0, "monocyte": 450.0}
RECOVERY_DAYS = {"naive": 260.0, "memory": 35.0, "B": 90.0, "NK": 6.0, "monocyte": 10.0}
NADIR_SHARE = {"naive": 0.02, "memory": 0.03, "B": 0.02, "NK": 0.03, "monocyte": 0.05}
LOSS_PER_DAY = 0.8  # natural logarithm, from the start of lymphodepletion to the nadir
NAIVE_CD4_SHARE = 0.68
DN_SHARE, DP_SHARE = 0.03, 0.01  # of all T cells; they take no part in the clones
STATES_OF_EMERGENT = (0, 0.05, 0.25, 0.60, 0.06, 0.04)
EMERGENT_PER_UL = 0.25  # median size that an emergent clone grows to
OTHER_IN_PRODUCT = {"B": 0.004, "NK": 0.03}  # beside T cells
OTHER_IN_TUMOR = {"B": 0.08, "NK": 0.04, "monocyte": 0.20}


@dataclass(frozen=True)
class Traits:
    """What sets one subject's T cells apart from another's; 1 is the middle of the trial.

    Attributes
    ----------
    engrafted_per_ul
        Infused T cells per µL of blood just after the infusion.
    stemness
        How many stem-like cells the product holds.
    growth, decay
        How fast infused cells grow and are lost.
    recovery
        How fast the blood comes back.
    cells
        How many cells of each kind the blood holds before, by name as in `BEFORE_PER_UL`.
    """

    engrafted_per_ul: float
    stemness: float
    growth: float
    decay: float
    recovery: float
    cells: dict[str, float]


@dataclass(frozen=True)
class Course:
    """Everything that fixes where each clone is on each day; arrays are clones, or clones × `STATES`.

    Attributes
    ----------
    tumor
        Share of the tumour's T cells.
    lots
        Product lot → share of its T cells.
    infused
        Infused cells by clone and state: the lots together, as shares of all T cells infused.
    memory
        Share of the memory T cells of the blood before lymphodepletion.
    after
        Factor by which each memory clone comes back.
    pace
        Factors on growth and on decay: 2 × clones.
    waves
        Amplitudes and phases of the slow waves: 2 × clones × waves.
    emergent_day, emergent_per_ul
        Day by which an emergent clone is half grown, and its final cells per µL; 0 for all other clones.
    """

    tumor: Floats
    lots: dict[str, Floats]
    infused: Floats
    memory: Floats
    after: Floats
    pace: Floats
    waves: Floats
    emergent_day: Floats
    emergent_per_ul: Floats

    @cached_property
    def infused_places(self) -> NDArray[np.int64]:
        """Places of the clones that were infused."""
        return np.flatnonzero(self.infused.sum(axis=1) > 0)

    @cached_property
    def memory_share(self) -> Floats:
        """Share of each clone of the memory T cells of the blood before lymphodepletion."""
        return np.asarray(self.memory.sum(axis=1))

    @cached_property
    def wave_at_start(self) -> Floats:
        """Slow wave of each clone on day 0."""
        return _wave(self, 0)


@dataclass(frozen=True)
class Specimen:
    """What one specimen truly holds, per µL of blood or in any unit.

    Attributes
    ----------
    infused, endogenous
        T cells by clone and state: clones × `STATES`.
    naive
        Naive T cells, which have no clone of their own, by lineage.
    other
        Other kinds of cells, by name.
    """

    infused: Floats
    endogenous: Floats
    naive: dict[str, float]
    other: dict[str, float]

    @property
    def clones(self) -> Floats:
        """T cells of each clone."""
        return np.asarray((self.infused + self.endogenous).sum(axis=1))

    @property
    def clonal_t_cells(self) -> float:
        """All T cells with an alpha-beta receptor, naive ones too."""
        return float(self.clones.sum()) + sum(self.naive.values())

    @property
    def t_cells(self) -> float:
        """All T cells, with double-negative and double-positive ones."""
        return self.clonal_t_cells / (1 - DN_SHARE - DP_SHARE)

    @property
    def lymphocytes(self) -> float:
        """T, B and NK cells."""
        return self.t_cells + self.other.get("B", 0.0) + self.other.get("NK", 0.0)

    @property
    def frequencies(self) -> Floats:
        """Share of each clone among T cells with an alpha-beta receptor; they sum to less than 1 by the naive cells."""
        return np.asarray(self.clones / self.clonal_t_cells)


def draw_traits(rng: np.random.Generator) -> Traits:
    """Draw what sets a subject apart."""
    return Traits(
        engrafted_per_ul=float(rng.lognormal(np.log(100), 0.6)),
        stemness=float(rng.lognormal(0, 0.7)),
        growth=float(rng.lognormal(0, 0.2)),
        decay=float(rng.lognormal(0, 0.5)),
        recovery=float(rng.lognormal(0, 0.25)),
        cells={name: before * float(rng.lognormal(0, 0.25)) for name, before in BEFORE_PER_UL.items()},
    )


def draw_course(
    rng: np.random.Generator, clones: pl.DataFrame, sizes: Sizes, traits: Traits, lots: dict[str, float]
) -> Course:
    """Draw where each clone goes.

    Parameters
    ----------
    rng
        Random stream of the subject.
    clones
        As `clones.draw_clones` returns them.
    sizes
        The numbers they were drawn with.
    traits
        Of the subject.
    lots
        Product lot → share of the infused cells.
    """
    total, reactive = sizes.total, clones["reactive"].to_numpy()
    tumor_share = np.zeros(total)
    tumor_share[: sizes.tumor] = _unequal(rng, sizes.tumor, IN_TUMOR)
    tumor = tumor_share[:, None] * _states(rng, reactive, STATES_IN_TUMOR)
    inner = _states(rng, reactive, STATES_IN_PRODUCT, np.array([0, traits.stemness, 1, 1, 1, 1]))
    products = {lot: _expand(rng, tumor, inner) for lot in lots}
    infused = np.sum([share * products[lot] for lot, share in lots.items()], axis=0)
    cd8 = (clones["lineage"] == "CD8").to_numpy()
    in_blood = _states(rng, cd8, {True: STATES_IN_BLOOD["CD8"], False: STATES_IN_BLOOD["CD4"]})
    emergent = np.arange(total) >= sizes.tumor + sizes.memory
    return Course(
        tumor=tumor,
        lots=products,
        infused=infused,
        memory=_memory(rng, sizes, reactive)[:, None] * in_blood,
        after=rng.lognormal(0, 0.6, total),
        pace=rng.lognormal(0, RATE_SPREAD, (2, total)) * np.array([[traits.growth], [traits.decay]]),
        waves=np.stack(
            [rng.normal(0, WAVE_SPREAD, (total, len(WAVE_DAYS))), rng.uniform(0, 2 * np.pi, (total, len(WAVE_DAYS)))]
        ),
        emergent_day=rng.uniform(10, 60, total) * emergent,
        emergent_per_ul=rng.lognormal(np.log(EMERGENT_PER_UL), 1.2, total) * emergent,
    )


def _unequal(rng: np.random.Generator, clones: int, kind: Inequality) -> Floats:
    """Return shares of clones, largest expected first, with a shift that is the subject's own."""
    shift = kind.shift * float(rng.lognormal(0, kind.between))
    return draw_shares(rng, clones, exponent=kind.exponent, shift=shift, spread=kind.spread)


def _states(
    rng: np.random.Generator,
    group: NDArray[np.bool_],
    means: Mapping[bool, tuple[float, ...]],
    favoured: Floats | float = 1.0,
) -> Floats:
    """Return each clone's shares of the states: a Dirichlet draw around the means of its group."""
    centre = np.where(group[:, None], np.array(means[True]), np.array(means[False])) * favoured
    centre /= centre.sum(axis=1, keepdims=True)
    drawn = rng.standard_gamma(STATE_CONCENTRATION * centre)
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))


def _expand(rng: np.random.Generator, tumor: Floats, inner: Floats) -> Floats:
    """Return the product of one culture: few cells found it, and clones outgrow one another by state and by chance."""
    share = tumor.sum(axis=1)
    founders = rng.poisson(CULTURED_CELLS * share)
    mix = np.divide(tumor, share[:, None], out=np.zeros_like(tumor), where=share[:, None] > 0)
    grown = founders * np.exp(mix @ np.array(EXPANSION_BIAS) + rng.normal(0, EXPANSION_SPREAD, len(share)))
    return np.asarray((grown / grown.sum())[:, None] * inner)


def _memory(rng: np.random.Generator, sizes: Sizes, reactive: NDArray[np.bool_]) -> Floats:
    """Return each clone's share of blood memory: its own clones, and some of the tumour's, more often bystanders.

    The hundred largest clones of the blood are none of the tumour's.
    """
    chance = np.where(reactive[: sizes.tumor], 0.03, 0.12)
    shared = np.flatnonzero(rng.random(sizes.tumor) < chance)
    share = _unequal(rng, sizes.memory + len(shared), IN_MEMORY)
    places = rng.choice(np.arange(min(100, sizes.memory - 1), len(share)), len(shared), replace=False)
    memory = np.zeros(sizes.total)
    memory[shared] = share[places]
    memory[sizes.tumor : sizes.tumor + sizes.memory] = np.delete(share, places)
    return memory / memory.sum()


def blood(course: Course, traits: Traits, day: int, *, infused: bool = True) -> Specimen:
    """Return what the blood holds on a day.

    Infused cells of clone c in state s stand at ``engrafted * share * exp(g τ (1 - exp(-t/τ)) - d t + w(t) - w(0))``
    with rates of clone and state and a slow wave w of the clone's own. The rest falls from the start of
    lymphodepletion and comes back along ``1 - exp(-(t/T)²)``, each clone by a factor of its own; emergent clones grow
    along a logistic curve after that.

    Parameters
    ----------
    course, traits
        Of the subject.
    day
        Day; on day 0 `infused` tells whether the infusion has been given.
    infused
        False for blood drawn before the infusion on day 0.
    """
    given = np.zeros_like(course.infused)
    if day > 0 or (day == 0 and infused):
        places = course.infused_places
        given[places] = traits.engrafted_per_ul * course.infused[places] * _fold(course, day, places)
    memory, emergent = _endogenous(course, traits, day)
    return Specimen(
        infused=given,
        endogenous=course.memory * memory[:, None] + emergent[:, None] * np.array(STATES_OF_EMERGENT),
        naive=_naive(cells_per_ul(traits, "naive", day)),
        other={name: cells_per_ul(traits, name, day) for name in OTHER_CELLS},
    )


def lymphocytes_per_ul(course: Course, traits: Traits, day: int) -> float:
    """Return the lymphocytes per µL of blood on a day, on day 0 after the infusion; as `blood` does, but faster."""
    infused = 0.0
    if day >= 0:
        places = course.infused_places
        infused = traits.engrafted_per_ul * float((course.infused[places] * _fold(course, day, places)).sum())
    memory, emergent = _endogenous(course, traits, day)
    # Not a product of vectors: its last digit depends on the library's threads, which also wait for one another.
    endogenous = float((course.memory_share * memory).sum() + emergent.sum())
    clonal = infused + endogenous + cells_per_ul(traits, "naive", day)
    others = cells_per_ul(traits, "B", day) + cells_per_ul(traits, "NK", day)
    return clonal / (1 - DN_SHARE - DP_SHARE) + others


def product(course: Course, lot: str) -> Specimen:
    """Return what a product lot holds, as shares of its T cells."""
    return Specimen(course.lots[lot], np.zeros_like(course.tumor), _naive(0.0), dict(OTHER_IN_PRODUCT))


def tumor(course: Course) -> Specimen:
    """Return what the leucocytes of the tumour are, as shares of its T cells."""
    return Specimen(np.zeros_like(course.tumor), course.tumor, _naive(0.0), dict(OTHER_IN_TUMOR))


def reactive_per_ul(course: Course, traits: Traits, reactive: NDArray[np.bool_], days: int) -> Floats:
    """Return the infused tumour-reactive cells per µL of blood on each day from 0; terminally exhausted ones not."""
    places = course.infused_places[reactive[course.infused_places]]
    able = course.infused[places] * (np.array(STATES) != "exhausted_terminal")
    return np.array([traits.engrafted_per_ul * float((able * _fold(course, day, places)).sum()) for day in range(days)])


def cells_per_ul(traits: Traits, kind: str, day: int) -> float:
    """Return how many cells of a kind of `BEFORE_PER_UL` a µL of blood holds."""
    lowest = NADIR_SHARE[kind]
    falling = float(np.exp(-LOSS_PER_DAY * max(day - LYMPHODEPLETION_DAY, 0)))
    recovered = 1 - float(np.exp(-((max(day, 0) / (RECOVERY_DAYS[kind] * traits.recovery)) ** 2)))
    return traits.cells[kind] * max(lowest + (1 - lowest) * recovered, falling)


def _naive(cells: float) -> dict[str, float]:
    return dict(zip(LINEAGES, (NAIVE_CD4_SHARE * cells, (1 - NAIVE_CD4_SHARE) * cells), strict=True))


def _fold(course: Course, day: int, places: NDArray[np.int64]) -> Floats:
    """Return by what factor the infused cells of clones (places × states) have changed since the infusion."""
    growth = GROWTH_PER_DAY * course.pace[0, places, None] * GROWTH_DAYS * (1 - np.exp(-day / GROWTH_DAYS))
    change = growth - DECAY_PER_DAY * course.pace[1, places, None] * day
    wave = _wave(course, day, places) - course.wave_at_start[places]
    return np.asarray(np.exp(change + wave[:, None]))


def _wave(course: Course, day: int, places: NDArray[np.int64] | slice = slice(None)) -> Floats:
    amplitude, phase = course.waves[:, places]
    return np.asarray((amplitude * np.sin(2 * np.pi * day / WAVE_DAYS + phase)).sum(axis=1))


def _endogenous(course: Course, traits: Traits, day: int) -> tuple[Floats, Floats]:
    """Return the cells per µL that come on one share of the memory, by clone, and those of the emergent clones.

    Emergent clones grow along a logistic curve over about two weeks.
    """
    wave = np.exp(_wave(course, day))
    recovered = 1 - np.exp(-((max(day, 0) / (60 * traits.recovery)) ** 2))
    memory = cells_per_ul(traits, "memory", day) * (1 + recovered * (course.after - 1)) * wave
    if day <= 0:
        return memory, np.zeros_like(memory)
    rise = 1 / (1 + np.exp(-(day - course.emergent_day) / 4)) - 1 / (1 + np.exp(course.emergent_day / 4))
    return memory, np.asarray(course.emergent_per_ul * rise * wave)
