"""What a subject's blood holds over time: infused clones beside recovering endogenous cells, per microlitre."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Cells per µL of blood before lymphodepletion, and days in which each comes back after it; round figures within the
# usual ranges of adults and of blood counts after cyclophosphamide and fludarabine.
BEFORE_PER_UL = {"T": 1100.0, "B": 200.0, "NK": 250.0, "monocyte": 450.0}
RECOVERY_DAYS = {"T": 45.0, "B": 90.0, "NK": 6.0, "monocyte": 10.0}
NADIR_SHARE = 0.03
EXPANSION_DAYS = 7.0
T_SUBSETS = ("CD4+ T", "CD8+ T", "DN T", "DP T")


@dataclass(frozen=True)
class Kinetics:
    """How the infused clones of one subject grow and are lost.

    Attributes
    ----------
    start_per_ul
        Infused T cells per µL of blood that still circulate just after the infusion.
    expansion_per_day
        Mean rate of growth at the infusion; it fades with a time constant of 7 days.
    decay_per_day
        Mean rate of loss.
    rate_spread
        Standard deviation of the natural logarithm of both rates between clones.
    """

    start_per_ul: float
    expansion_per_day: float
    decay_per_day: float
    rate_spread: float = 0.25


@dataclass(frozen=True)
class Rates:
    """Growth and loss per day of each infused clone."""

    expansion_per_day: Floats
    decay_per_day: Floats


@dataclass(frozen=True)
class Blood:
    """One blood draw as it truly is.

    Attributes
    ----------
    infused_per_ul, endogenous_per_ul
        T cells per µL of each clone; the two arrays list the same clones.
    other_per_ul
        B cells, NK cells and monocytes per µL.
    """

    infused_per_ul: Floats
    endogenous_per_ul: Floats
    other_per_ul: dict[str, float]

    @property
    def frequencies(self) -> Floats:
        """Share of each clone among all T cells."""
        both = self.infused_per_ul + self.endogenous_per_ul
        return np.asarray(both / both.sum())

    @property
    def infused_share(self) -> float:
        """Share of T cells that descend from the infusion."""
        infused = float(self.infused_per_ul.sum())
        return infused / (infused + float(self.endogenous_per_ul.sum()))


def draw_rates(rng: np.random.Generator, kinetics: Kinetics, clones: int) -> Rates:
    """Draw the rates of each infused clone around the subject's mean (log-normal, mean as given)."""
    spread = kinetics.rate_spread
    noise = rng.lognormal(-(spread**2) / 2, spread, (2, clones))
    return Rates(kinetics.expansion_per_day * noise[0], kinetics.decay_per_day * noise[1])


def blood_at(day: int, start_per_ul: float, rates: Rates, product: Floats, endogenous: Floats) -> Blood:
    """Return what the blood holds on a day.

    An infused clone of share ``p`` in the product stands at ``start * p * exp(r * τ * (1 - exp(-t/τ)) - d * t)``, with
    τ = 7 days; endogenous T cells fall to 3 % and come back along ``1 - exp(-(t/45)²)``, all clones alike.

    Parameters
    ----------
    day
        Day; before 0 there is nothing infused and no depletion.
    start_per_ul
        Infused T cells per µL just after the infusion.
    rates
        Rates of the infused clones; they matter only where `product` is above 0.
    product, endogenous
        Share of each clone in the infusion product and in the endogenous repertoire, over the same list of clones.
    """
    infused = np.zeros_like(product)
    if day >= 0:
        grown = rates.expansion_per_day * EXPANSION_DAYS * (1 - np.exp(-day / EXPANSION_DAYS))
        infused = start_per_ul * product * np.exp(grown - rates.decay_per_day * day)
    other = {name: _cells_per_ul(name, day) for name in BEFORE_PER_UL if name != "T"}
    return Blood(infused, _cells_per_ul("T", day) * endogenous, other)


def t_subsets(cd4_to_cd8: float, dn: float = 0.03, dp: float = 0.01) -> dict[str, float]:
    """Return the shares of CD4, CD8, double-negative and double-positive T cells for a ratio."""
    cd8 = (1 - dn - dp) / (1 + cd4_to_cd8)
    return dict(zip(T_SUBSETS, (1 - dn - dp - cd8, cd8, dn, dp), strict=True))


def blood_cells(blood: Blood, infused: dict[str, float], endogenous: dict[str, float]) -> dict[str, float]:
    """Return cells per µL of each kind of cell.

    Parameters
    ----------
    blood
        One blood draw.
    infused, endogenous
        Shares of the T-cell subsets among infused and among endogenous T cells, as `t_subsets` gives them.
    """
    ours, theirs = float(blood.infused_per_ul.sum()), float(blood.endogenous_per_ul.sum())
    cells = {name: ours * infused[name] + theirs * endogenous[name] for name in T_SUBSETS}
    return cells | blood.other_per_ul


def _cells_per_ul(kind: str, day: int) -> float:
    before = BEFORE_PER_UL[kind]
    if day < 0:
        return before
    recovered = 1 - float(np.exp(-((day / RECOVERY_DAYS[kind]) ** 2)))
    return before * (NADIR_SHARE + (1 - NADIR_SHARE) * recovered)
