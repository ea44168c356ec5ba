"""How strongly each cell runs each programme of T cells: by state, specimen, clone and by itself."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl

from tilseq.errors import TableError, did_you_mean
from tilseq.simulate.cells.genes import Floats, programme_names, read_table
from tilseq.simulate.states import LINEAGES, STATES

# Standard deviations of the levels, in their own unit (levels.tsv); round figures.
SPECIMEN_SPREAD = 0.20
CLONE_SPREAD = 0.35
CELL_SPREAD = 0.45
CELL_SKEW = 0.4  # of the logarithm behind a cell's own deviation: a few cells run a programme much more than most

# Correlation between programmes of what is drawn, at every layer; pairs not named have 0. Round figures.
CORRELATED = {
    ("glycolysis", "hypoxia"): 0.45,
    ("glycolysis", "proliferation"): 0.4,
    ("glycolysis", "activation"): 0.3,
    ("oxphos", "proliferation"): 0.3,
    ("oxphos", "fatty_acid_oxidation"): 0.4,
    ("il2_response", "activation"): 0.4,
    ("il2_response", "proliferation"): 0.3,
    ("exhaustion_terminal", "activation"): 0.3,
    ("exhaustion_terminal", "exhaustion_progenitor"): 0.2,
    ("exhaustion_terminal", "stem_like_memory"): -0.4,
    ("effector", "stem_like_memory"): -0.4,
    ("effector", "exhaustion_terminal"): 0.2,
    ("fatty_acid_oxidation", "stem_like_memory"): 0.2,
}

# A cell divides or does not: its drive is turned into a level near 0 or near `DIVIDING`.
DIVIDING = 1.5
DRIVE_NEEDED, DRIVE_WIDTH = 1.6, 0.1

# Days in which infused cells in blood lose what the culture and the first week's IL-2 made of them, and in which they
# settle; round figures.
CULTURE_DAYS, EARLY_DAYS, LATE_DAYS = 3.0, 10.0, 40.0
ENDOGENOUS_SHARE = 0.3  # of what the first weeks do to infused cells
SPECIMENS = ("tumor", "infusion_product", "blood")
# What other kinds of cells do not have; the rest (division, metabolism, IL-2) they share with T cells.
T_CELLS_ONLY = ("stem_like_memory", "effector", "exhaustion_progenitor", "exhaustion_terminal")


def draw_clone_effects(rng: np.random.Generator, clones: int) -> Floats:
    """Draw by how much the cells of each clone deviate alike, in every sample of the subject.

    Parameters
    ----------
    rng
        Random stream of the subject.
    clones
        How many.

    Returns
    -------
    numpy.ndarray
        Clones × programmes (`genes.programme_names`); row 0 is clone 1.
    """
    return np.asarray(_correlated(rng, clones) * CLONE_SPREAD)


def draw_specimen_shift(rng: np.random.Generator) -> Floats:
    """Draw by how much all cells of one specimen deviate alike; one value a programme."""
    return np.asarray(_correlated(rng, 1)[0] * SPECIMEN_SPREAD)


def programme_levels(
    rng: np.random.Generator,
    cells: pl.DataFrame,
    specimen: str,
    day: int | None,
    *,
    shift: Floats | None = None,
    clone_effects: Floats | None = None,
) -> Floats:
    """Draw the level of each programme in each cell.

    Parameters
    ----------
    rng
        Random stream of the sample.
    cells
        One row a cell: `state` (of `STATES`; null but for T cells), `lineage` (of `genes.KINDS`), `clone` (from 1, or
        null) and, optionally, `infused`: whether the T cell descends from the infusion. Without that column every T
        cell that is not naive counts as infused; it matters in blood from day 0 only.
    specimen
        ``tumor``, ``infusion_product`` or ``blood``.
    day
        Day of a blood draw; of no meaning for the others.
    shift
        From `draw_specimen_shift`, so that two assays of one specimen share it; None for none.
    clone_effects
        From `draw_clone_effects`; None for none.

    Returns
    -------
    numpy.ndarray
        Cells × programmes (`genes.programme_names`); 0 is an average resting memory T cell of blood.

    Raises
    ------
    TableError
        A state, a kind of cell, a clone or the specimen is unknown, or a blood draw has no day.
    """
    levels = _state_levels(cells) + _specimen_levels(cells, specimen, day)
    levels += _skewed(_correlated(rng, cells.height)) * CELL_SPREAD
    if shift is not None:
        levels += shift
    if clone_effects is not None:
        levels += _of_clones(cells["clone"], clone_effects)
    names = programme_names()
    division = names.index("proliferation")
    levels[:, division] = DIVIDING / (1 + np.exp(-(levels[:, division] - DRIVE_NEEDED) / DRIVE_WIDTH))
    others = ~cells["lineage"].is_in(LINEAGES).to_numpy()
    levels[np.ix_(others, [names.index(name) for name in T_CELLS_ONLY])] = 0
    return np.asarray(levels)


def _state_levels(cells: pl.DataFrame) -> Floats:
    """Return what each cell's state implies: nothing for cells that are not T cells."""
    cells = cells.select(pl.col("state", "lineage").cast(pl.String))
    t_cell = cells["lineage"].is_in(LINEAGES).fill_null(False)
    stated = cells["state"].is_in(STATES).fill_null(False)
    if (t_cell != stated).any():
        state, lineage = cells.select("state", "lineage").row(int((t_cell != stated).arg_true()[0]))
        expected = f"one of {', '.join(STATES)} for T cells, null for others"
        mend = did_you_mean(str(state), STATES) if state else None
        raise TableError("unfit state", column="state", found=f"{state} of {lineage}", expected=expected, mend=mend)
    table = np.vstack([effect(state) for state in STATES] + [np.zeros(len(programme_names()))])
    codes = (
        cells["state"]
        .cast(pl.String)
        .replace_strict(STATES, range(len(STATES)), default=len(STATES), return_dtype=pl.Int64)
    )
    return np.asarray(table[codes.fill_null(len(STATES)).to_numpy()])


def _specimen_levels(cells: pl.DataFrame, specimen: str, day: int | None) -> Floats:
    """Return what the specimen does to each cell."""
    if specimen not in SPECIMENS:
        raise TableError("no such specimen", column="specimen", found=specimen, expected=f"one of {SPECIMENS}")
    if specimen != "blood":
        return np.tile(effect(specimen), (cells.height, 1))
    if day is None:
        raise TableError("a blood draw needs its day", column="day")
    if day < 0:
        return np.zeros((cells.height, len(programme_names())))
    early = effect("blood_early") * np.exp(-day / EARLY_DAYS)
    ours = early + effect("infusion_product") * np.exp(-day / CULTURE_DAYS)
    ours += effect("blood_late") * (1 - np.exp(-day / LATE_DAYS))
    return np.asarray(np.where(_infused(cells)[:, None], ours, early * ENDOGENOUS_SHARE))


def _infused(cells: pl.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    if "infused" in cells.columns:
        return cells["infused"].fill_null(False).to_numpy()
    return (cells["lineage"].is_in(LINEAGES) & (cells["state"] != STATES[0]).fill_null(False)).to_numpy()


def _of_clones(clones: pl.Series, effects: Floats) -> Floats:
    """Return the effect of each cell's clone, 0 where it has none."""
    numbers = clones.cast(pl.Int64)
    if numbers.len() > numbers.null_count() and not numbers.drop_nulls().is_between(1, len(effects)).all():
        raise TableError("unknown clone", column="clone", expected=f"1 to {len(effects)}, or null")
    padded = np.vstack([np.zeros((1, effects.shape[1])), effects])
    return np.asarray(padded[numbers.fill_null(0).to_numpy()])


@cache
def _effects() -> dict[str, Floats]:
    table = read_table("levels.tsv")
    values = table.select(programme_names()).to_numpy().astype(np.float64)
    return dict(zip(table["effect"], values, strict=True))


def effect(name: str) -> Floats:
    """Return what a state or a specimen adds to the level of each programme (`tables/levels.tsv`)."""
    return _effects()[name]


@cache
def _root() -> Floats:
    """Return the lower triangle whose product with its transpose is the correlation between programmes."""
    names = programme_names()
    correlation = np.eye(len(names))
    for (one, other), value in CORRELATED.items():
        i, j = names.index(one), names.index(other)
        correlation[i, j] = correlation[j, i] = value
    return np.asarray(np.linalg.cholesky(correlation))


def _correlated(rng: np.random.Generator, rows: int) -> Floats:
    """Draw rows × programmes: standard normal, correlated across programmes."""
    return np.asarray(rng.standard_normal((rows, len(programme_names()))) @ _root().T)


def _skewed(normal: Floats) -> Floats:
    """Turn standard normal values into a shifted log-normal of mean 0 and standard deviation 1."""
    grown = np.exp(CELL_SKEW**2)
    return np.asarray((np.exp(CELL_SKEW * normal) - np.sqrt(grown)) / np.sqrt(grown * (grown - 1)))
