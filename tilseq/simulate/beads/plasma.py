"""What a subject's plasma truly holds over time: cytokines in pg/mL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilseq.errors import RunError
from tilseq.simulate.calendar import il2_days

Floats = NDArray[np.float64]

# Plasma before treatment: median pg/mL, and standard deviation of its natural logarithm between subjects. Round
# figures of the order that sensitive assays give in patients; total TGF-beta1 of plasma is 1 to 20 ng/mL.
BASELINE = {
    "IFN-gamma": (2.0, 0.9),
    "TNF-alpha": (6.0, 0.5),
    "IL-2": (0.4, 0.8),
    "IL-6": (3.0, 0.9),
    "IL-10": (1.5, 0.8),
    "IL-15": (4.0, 0.4),
    "TGF-beta1": (5_000.0, 0.45),
}
# Interleukin-2: pg/mL that each dose adds of it and of others, and days in which that fades. Round figures.
PER_DOSE = {"IL-2": 4_000.0, "TNF-alpha": 40.0, "IL-6": 120.0, "IL-10": 60.0}
IL2_SPREAD, IL2_FADES_DAYS = 0.5, 0.6
# Each dose also makes infused cells secrete for some days: pg/mL that 100 of them per µL of blood add, and the spread
# of that between subjects. Round figures; without IL-2 cells in blood secrete next to nothing.
PER_DOSE_AND_100_CELLS = {"IFN-gamma": 55.0, "TNF-alpha": 9.0, "IL-2": 0.7, "IL-6": 22.0, "IL-10": 11.0}
SECRETION_POWER, SECRETION_SPREAD, SECRETION_FADES_DAYS = 0.8, 0.7, 3.0
# Interleukin-15 is not used up while lymphocytes are gone: pg/mL added at the infusion; days to it, and away from it.
IL15_PEAK, IL15_SPREAD, IL15_RISE_DAYS, IL15_FADES_DAYS = 40.0, 0.4, 7.0, 12.0
# Total TGF-beta1: share that platelets hold; their fall after chemotherapy (depth, day of the nadir, width in days);
# rise per 100 mm of lesions; draws in which platelets broke, and how much more they show. Round figures.
PLATELET_SHARE, PLATELET_FALL, PLATELET_NADIR_DAY, PLATELET_WIDTH_DAYS = 0.6, 0.8, 6.0, 6.0
BURDEN_PER_100_MM = 0.3
BROKEN_PLATELETS_SHARE, BROKEN_PLATELETS_FACTOR = 0.06, 2.5
# What subjects differ in, and what draws of one subject differ in, is partly shared by all analytes (inflammation).
VISIT_SPREAD = 0.35  # natural logarithm, between draws of one subject
SHARED_PART, LESS_SHARED = 0.6, {"IL-15": 0.2, "TGF-beta1": 0.2}  # correlation with the shared part


def plasma_levels(
    rng: np.random.Generator,
    days: Sequence[int],
    infused_per_ul: ArrayLike,
    burden_mm: ArrayLike,
    *,
    il2_doses: int,
    noise: Callable[[int], np.random.Generator],
) -> dict[int, dict[str, float]]:
    """Return the true concentrations in one subject's undiluted plasma.

    What holds on a day depends on the subject's stream, that day's own stream and that day's values alone, not on
    which other days are asked for.

    Parameters
    ----------
    rng
        Random stream of the subject.
    days
        Days of the blood draws, each once; day 0 is the infusion, and plasma of day 0 is drawn after it.
    infused_per_ul
        Infused T cells per µL of blood on each day that can still secrete.
    burden_mm
        Sum of lesion diameters on each day, in mm.
    il2_doses
        Doses of IL-2 that the subject got, 0 or more; from day 0 on, see `calendar.il2_days`.
    noise
        Gives the random stream of a day.

    Returns
    -------
    dict
        By day, pg/mL of each analyte of `BASELINE`.

    Raises
    ------
    RunError
        A day stands twice, the three lists differ in length or hold a negative or non-finite value, or the number of
        doses is negative.
    """
    infused, burden = np.asarray(infused_per_ul, np.float64), np.asarray(burden_mm, np.float64)
    if len(set(days)) != len(days) or infused.shape != (len(days),) or burden.shape != (len(days),):
        raise RunError("each day needs one number of infused cells and one burden", found=list(days))
    if not np.all(np.isfinite([infused, burden])) or np.any(infused < 0) or np.any(burden < 0):
        raise RunError("cells and burden must be finite and not negative", found=[infused.tolist(), burden.tolist()])
    if il2_doses < 0:
        raise RunError("the number of doses of IL-2 must not be negative", found=il2_doses)
    person = _Person.draw(rng)
    return {
        day: person.levels(noise(day), day, float(cells), float(lesions), il2_doses)
        for day, cells, lesions in zip(days, infused, burden, strict=True)
    }


@dataclass(frozen=True)
class _Person:
    """What stays the same in one subject: baseline and secretion by analyte in pg/mL, IL-2 as a factor, IL-15 peak."""

    baseline: dict[str, float]
    secretion: dict[str, float]
    il2_dose: float
    il15_peak: float

    @staticmethod
    def draw(rng: np.random.Generator) -> _Person:
        """Draw one subject."""
        usual, secreting = _deviations(rng), _deviations(rng)
        return _Person(
            {name: median * float(np.exp(spread * usual[name])) for name, (median, spread) in BASELINE.items()},
            {
                name: per * float(np.exp(SECRETION_SPREAD * secreting[name]))
                for name, per in PER_DOSE_AND_100_CELLS.items()
            },
            float(rng.lognormal(0, IL2_SPREAD)),
            IL15_PEAK * float(rng.lognormal(0, IL15_SPREAD)),
        )

    def levels(
        self, rng: np.random.Generator, day: int, infused: float, burden_mm: float, il2_doses: int
    ) -> dict[str, float]:
        """Return analyte → pg/mL on a day, by the infused cells, the burden and the doses of IL-2."""
        level = dict(self.baseline)
        stimulus = _doses_left(day, il2_doses, SECRETION_FADES_DAYS)
        for name, secreted in self.secretion.items():
            level[name] += secreted * stimulus * (infused / 100) ** SECRETION_POWER
        for name, added in PER_DOSE.items():
            level[name] += added * self.il2_dose * _doses_left(day, il2_doses, IL2_FADES_DAYS)
        level["IL-15"] += self.il15_peak * _il15_course(day)
        level["TGF-beta1"] *= (1 + BURDEN_PER_100_MM * burden_mm / 100) * _platelet_course(day)
        if rng.random() < BROKEN_PLATELETS_SHARE:
            level["TGF-beta1"] *= BROKEN_PLATELETS_FACTOR
        visit = _deviations(rng)
        return {name: value * float(np.exp(VISIT_SPREAD * visit[name])) for name, value in level.items()}


def _deviations(rng: np.random.Generator) -> dict[str, float]:
    """Return a standard normal number for each analyte; they are correlated through a shared part."""
    loading = np.array([LESS_SHARED.get(name, SHARED_PART) for name in BASELINE])
    own, shared = rng.standard_normal(len(BASELINE)), float(rng.standard_normal())
    mixed: Floats = loading * shared + np.sqrt(1 - loading**2) * own
    return dict(zip(BASELINE, mixed.tolist(), strict=True))


def _doses_left(day: int, doses: int, fades_days: float) -> float:
    """Return what is left of the doses given by a day, in doses."""
    return sum(float(np.exp(-(day - given) / fades_days)) for given in il2_days(doses) if given <= day)


def _il15_course(day: int) -> float:
    return max(1 + day / IL15_RISE_DAYS, 0.0) if day < 0 else float(np.exp(-day / IL15_FADES_DAYS))


def _platelet_course(day: int) -> float:
    """Return total TGF-beta1 relative to normal platelets."""
    gone = PLATELET_FALL * float(np.exp(-(((day - PLATELET_NADIR_DAY) / PLATELET_WIDTH_DAYS) ** 2) / 2))
    return 1 - PLATELET_SHARE * gone
