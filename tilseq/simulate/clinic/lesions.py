"""Lesions as they truly are: they grow, infused cells that know them kill them, and what resists grows back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tilseq.simulate.calendar import BASELINE_DAY, ENROLLMENT_DAY, HARVEST_DAY

Floats = NDArray[np.float64]

FIRST_DAY = ENROLLMENT_DAY
SIZES_DAY = BASELINE_DAY  # the sizes are drawn for this day, about that of the baseline scan

# Where tumours spread to, as relative weights: round figures.
SITES = {
    "melanoma": {"soft_tissue": 4, "lymph_node": 4, "lung": 4, "liver": 2, "brain": 1, "bone": 1},
    "cervical": {"lymph_node": 4, "pelvis": 3, "lung": 3, "liver": 2, "bone": 1},
    "ovarian": {"peritoneum": 5, "lymph_node": 3, "liver": 2, "pelvis": 3, "lung": 1},
    "nsclc": {"lung": 5, "lymph_node": 4, "adrenal": 2, "liver": 2, "brain": 1, "bone": 2},
    "head_and_neck": {"lymph_node": 5, "lung": 4, "soft_tissue": 3, "liver": 1, "bone": 1},
    "other": {"lymph_node": 3, "lung": 3, "liver": 3, "soft_tissue": 2, "bone": 1},
}
UNMEASURED_SITES = ("bone", "brain")  # never targets here
MOST_PER_ORGAN = 2  # targets; Eisenhauer and others, Eur J Cancer 2009;45:228
# Share of the circulating cells' effect that reaches a site; elsewhere 1. Round figures.
ACCESS = {"brain": 0.4, "bone": 0.5, "liver": 0.7, "peritoneum": 0.8}

# All of the following are round figures, set so that 500 subjects give an objective response rate, times to
# progression and to death as trials of TIL report them (C-144-01: 31 % of 153, median survival 13.9 months,
# Chesney and others, J Immunother Cancer 2022;10:e005755).
DOUBLING_DAYS = 50.0  # of a lesion's volume, median
DOUBLING_LIMITS_DAYS = (20.0, 500.0)
GROWTH_SPREAD = (0.5, 0.3)  # SD of the logarithm between subjects and between lesions of a subject
KILL_PER_DAY = 0.19  # at saturation, median
KILL_SPREAD = (0.8, 0.25)
IGNORED_SHARE = 0.38  # of subjects whose tumour hardly shows itself to T cells ...
IGNORED_KILL = 0.1  # ... and the share of the killing that is left
HALF_KILL_PER_UL = 300.0  # reactive cells per µL that kill at half the rate of saturation
REACH_DAYS, STAY_DAYS = 5.0, 90.0  # time constants: of cells that go from blood to tumour, of those that stay there
RESISTANT_LOG10 = (-4.0, 4.0, 0.3)  # share of resistant cells: mean, SD between subjects, SD between lesions
RESISTANT_LIMITS_LOG10 = (-9.0, -0.05)
RESISTANT_KILL = 0.03  # share of the killing that resistant cells still suffer
CLEARANCE_PER_DAY = 0.07  # of dead tissue: half in ten days
LARGEST_MM = 300.0  # growth stops there
CELL_MM3 = 1e-6  # a million cells per mm³; less than one cell is none
OCCULT_MEAN, OCCULT_SHAPE = 2.5, 0.8  # lesions too small to be seen at baseline: negative binomial
OCCULT_MM = (2.0, 7.5)
MOST_OCCULT = 6


@dataclass(frozen=True)
class Lesion:
    """One lesion, as it is before treatment.

    Attributes
    ----------
    lesion
        Name; `T1`… targets, `NT1`… non-targets, `N1`… too small to be seen at baseline, `R1` resected for the product.
    role
        `target`, `nontarget` or `new`, as table `lesions` has them.
    site, node
        Organ; whether it is a lymph node, whose diameter is the short axis.
    tumor_mm, normal_mm
        Diameter of the tumour tissue on day -10 and, in a node, of the tissue that is there without any tumour.
    growth_per_day, kill_per_day
        Rates of the volume: growth, and loss where reactive cells are many.
    resistant_share
        Share of tumour cells that the infused cells hardly kill.
    reader_bias
        What the reader's diameter of just this lesion is to the true one, at every scan.
    resected
        Taken out at the harvest.
    """

    lesion: str
    role: str
    site: str
    node: bool
    tumor_mm: float
    normal_mm: float
    growth_per_day: float
    kill_per_day: float
    resistant_share: float
    reader_bias: float = 1.0
    resected: bool = False


@dataclass(frozen=True)
class Disease:
    """All lesions of a subject, day by day from `FIRST_DAY` (index 0).

    Attributes
    ----------
    lesions
        As they were drawn.
    diameters_mm
        Lesions × days: what a perfect reader would measure; a node counts with its normal tissue, until it is resected.
    burden_mm
        Days: sum of the diameters of tumour tissue over all lesions, seen or not.
    viable_ml
        Days: volume of living tumour.
    """

    lesions: tuple[Lesion, ...]
    diameters_mm: Floats
    burden_mm: Floats
    viable_ml: Floats

    @property
    def last_day(self) -> int:
        """Last day that is simulated."""
        return FIRST_DAY + len(self.burden_mm) - 1


def draw_lesions(rng: np.random.Generator, tumor_type: str) -> list[Lesion]:
    """Draw the lesions of a subject: 2-4 targets, 0-2 non-targets, the resected one, and those not seen yet.

    Growth, killing and resistance vary between subjects and, less, between the lesions of a subject.

    Parameters
    ----------
    rng
        Stream of the subject's lesions.
    tumor_type
        One of `SITES`.

    Returns
    -------
    list of Lesion
        At most two targets an organ; a target node has a short axis of 15 mm and more, another target 10 mm and more.
    """
    weights = SITES[tumor_type]
    targets, nontargets = int(rng.integers(2, 5)), int(rng.integers(0, 3))
    occult = min(int(rng.poisson(rng.gamma(OCCULT_SHAPE, OCCULT_MEAN / OCCULT_SHAPE))), MOST_OCCULT)
    subject = rng.standard_normal(3)
    if rng.random() < IGNORED_SHARE:
        subject[1] += np.log(IGNORED_KILL) / KILL_SPREAD[0]
    names = [f"{kind}{i + 1}" for kind, n in (("T", targets), ("NT", nontargets), ("N", occult)) for i in range(n)]
    sites = _target_sites(rng, weights, targets) + _sites(rng, weights, nontargets + occult)
    resected = max(weights, key=lambda site: weights[site])
    return [
        _draw_lesion(rng, name, site, subject) for name, site in zip([*names, "R1"], [*sites, resected], strict=True)
    ]


def follow(lesions: Sequence[Lesion], reactive_per_ul: Floats, *, harvest_day: int = HARVEST_DAY) -> Disease:
    """Return the disease day by day, from `FIRST_DAY` to the last day of the reactive cells.

    Each lesion holds sensitive and resistant tumour cells and dead tissue (volumes S, R, D). Daily::

        S ← S exp(g (1 - d/300 mm) - k)      R ← R exp(g (1 - d/300 mm) - 0.03 k)
        D ← 0.93 D + what was killed         k = kill_per_day · access of the site · e/(e + 300 per µL)

    where d is the diameter of a sphere of volume S + R + D, and e follows the reactive cells with a time constant of
    5 days where they are more than e, and of 90 days where they are fewer: what reached the tumour stays on.
    Fewer than one cell is none, so a lesion can be gone for good.

    Parameters
    ----------
    lesions
        As `draw_lesions` gives them.
    reactive_per_ul
        Tumour-reactive infused T cells per µL of blood, from day 0.
    harvest_day
        Day on which the resected lesion leaves.
    """
    growth, kill, resistant, tumor_mm, normal_mm = np.array(
        [(one.growth_per_day, one.kill_per_day, one.resistant_share, one.tumor_mm, one.normal_mm) for one in lesions]
    ).T
    kills = np.outer([ACCESS.get(one.site, 1.0) for one in lesions] * kill, _effect(reactive_per_ul))
    start = _volume(tumor_mm * np.exp(-growth * (SIZES_DAY - FIRST_DAY) / 3))
    volumes = _grow(np.stack([start * (1 - resistant), start * resistant, np.zeros_like(start)]), growth, kills)
    resected = [i for i, one in enumerate(lesions) if one.resected]
    volumes[max(harvest_day - FIRST_DAY, 0) :, :, resected] = 0
    tumor = _diameter(volumes.sum(axis=1)).T
    seen = np.cbrt(tumor**3 + normal_mm[:, None] ** 3)
    seen[resected, max(harvest_day - FIRST_DAY, 0) :] = 0  # a node is taken out whole
    return Disease(
        tuple(lesions),
        seen,
        tumor.sum(axis=0),
        volumes[:, :2].sum(axis=(1, 2)) / 1000,
    )


def _draw_lesion(rng: np.random.Generator, name: str, site: str, subject: Floats) -> Lesion:
    own = rng.standard_normal(4)
    size, normal_size = rng.random(2)
    role = {"T": "target", "NT": "nontarget", "N": "new", "R": "target"}[name.rstrip("0123456789")]
    node = site == "lymph_node"
    normal = 4.5 + 3.5 * float(normal_size) if node else 0.0  # short axis of a healthy node
    if role == "new":
        tumor = OCCULT_MM[0] * (OCCULT_MM[1] / OCCULT_MM[0]) ** float(size)
        normal = min(normal, tumor)  # so that no node of 10 mm is hidden at baseline
    else:
        least, usual = ((16, 10) if node else (11, 16)) if role == "target" else ((10.5, 2) if node else (6, 9))
        # Skewed: many lesions are just large enough, a few are several centimetres.
        diameter = least + usual * -np.log1p(-0.99 * float(size))
        tumor = float(np.cbrt(diameter**3 - normal**3))
    doubling = DOUBLING_DAYS * np.exp(GROWTH_SPREAD[0] * subject[0] + GROWTH_SPREAD[1] * own[0])
    resistant = RESISTANT_LOG10[0] + RESISTANT_LOG10[1] * subject[2] + RESISTANT_LOG10[2] * own[2]
    return Lesion(
        name,
        role,
        site,
        node,
        float(tumor),
        float(normal),
        growth_per_day=float(np.log(2) / np.clip(doubling, *DOUBLING_LIMITS_DAYS)),
        kill_per_day=float(KILL_PER_DAY * np.exp(KILL_SPREAD[0] * subject[1] + KILL_SPREAD[1] * own[1])),
        resistant_share=float(10 ** np.clip(resistant, *RESISTANT_LIMITS_LOG10)),
        reader_bias=float(np.exp(0.03 * own[3])),
        resected=name == "R1",
    )


def _target_sites(rng: np.random.Generator, weights: Mapping[str, int], number: int) -> list[str]:
    """Draw the organs of the targets, each at most twice."""
    places = [site for site in weights if site not in UNMEASURED_SITES for _ in range(MOST_PER_ORGAN)]
    share = np.array([weights[site] for site in places], dtype=float)
    return [places[i] for i in rng.choice(len(places), number, replace=False, p=share / share.sum())]


def _sites(rng: np.random.Generator, weights: Mapping[str, int], number: int) -> list[str]:
    share = np.array(list(weights.values()), dtype=float)
    return [list(weights)[i] for i in rng.choice(len(share), number, p=share / share.sum())]


def _effect(reactive_per_ul: Floats) -> Floats:
    """Return the share of the killing at saturation, per day from `FIRST_DAY`."""
    effect, reached = np.zeros(len(reactive_per_ul) - FIRST_DAY), 0.0
    for day, cells in enumerate(reactive_per_ul.tolist()):
        reached += (cells - reached) / (REACH_DAYS if cells > reached else STAY_DAYS)
        effect[day - FIRST_DAY] = reached / (reached + HALF_KILL_PER_UL)
    return effect


def _grow(tissue: Floats, growth: Floats, kills: Floats) -> Floats:
    """Return the volumes (days × sensitive, resistant and dead × lesions, mm³) from those of the first day."""
    kept = np.exp(-np.stack([kills.T, RESISTANT_KILL * kills.T], axis=1))
    killed = 1 - kept
    uncleared = np.exp(-CLEARANCE_PER_DAY)
    volumes = np.empty((len(kept), *tissue.shape))
    for day, kept_today in enumerate(kept):
        volumes[day] = tissue
        living, dead = tissue[:2], tissue[2]
        room = np.maximum(1 - _diameter(living[0] + living[1] + dead) / LARGEST_MM, 0)
        later = np.empty_like(tissue)
        later[:2] = living * kept_today * np.exp(growth * room)
        killed_today = living * killed[day]
        later[2] = dead * uncleared + killed_today[0] + killed_today[1]
        tissue = later * (later >= CELL_MM3)
    return volumes


def _diameter(volume_mm3: Floats) -> Floats:
    return np.asarray(np.cbrt(volume_mm3 * (6 / np.pi)))


def _volume(diameter_mm: Floats) -> Floats:
    return np.asarray(diameter_mm**3 * (np.pi / 6))
