"""A flow cytometry tube: events of known kind, stained, with spillover, doublets, debris and noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CHANNELS = ("FSC-A", "FSC-H", "SSC-A", "FITC-A", "PE-Cy7-A", "APC-Cy7-A", "APC-A", "PE-A", "Time")
MARKERS = (None, None, None, "CD3", "CD4", "CD8", "CD19", "CD56", None)
DYES = CHANNELS[3:8]
# Row = fluorochrome, column = detector, both in the order of DYES.
SPILL = np.array(
    [
        [1.00, 0.01, 0.00, 0.00, 0.14],
        [0.005, 1.00, 0.06, 0.01, 0.02],
        [0.00, 0.02, 1.00, 0.05, 0.00],
        [0.00, 0.01, 0.09, 1.00, 0.00],
        [0.01, 0.03, 0.00, 0.00, 1.00],
    ]
)
LARGEST = 65_535  # 16-bit instrument
TIME_STEP_S = 0.01
TUBE_SECONDS = 60.0
DEBRIS_SHARE = 0.06
DOUBLET_SHARE = 0.03
LABELS = ("debris", "doublet", "CD4+ T", "CD8+ T", "DN T", "DP T", "B", "NK", "monocyte")


@dataclass(frozen=True)
class Look:
    """Typical scatter and staining of one kind of cell; a marker that is not named is negative.

    `partly` gives the share of cells that carry a marker besides, and how brightly.
    """

    fsc: float
    ssc: float
    stain: Mapping[str, float]
    partly: Mapping[str, tuple[float, float]] = field(default_factory=dict)


LOOKS = {
    "debris": Look(5_000, 1_600, {}),
    "CD4+ T": Look(22_000, 6_000, {"CD3": 7_000, "CD4": 8_000}),
    "CD8+ T": Look(22_000, 6_400, {"CD3": 6_500, "CD8": 12_000}, {"CD56": (0.12, 2_000)}),
    "DN T": Look(22_000, 6_200, {"CD3": 9_000}, {"CD56": (0.2, 2_000)}),
    "DP T": Look(22_500, 6_400, {"CD3": 7_000, "CD4": 6_000, "CD8": 7_000}),
    "B": Look(21_000, 6_000, {"CD19": 6_000}),
    "NK": Look(23_000, 7_000, {"CD56": 4_000}, {"CD8": (0.35, 1_500)}),
    "monocyte": Look(31_000, 18_000, {"CD4": 900}),
}
NEGATIVE = 40.0  # median of a marker that a cell does not carry
BACKGROUND = 160.0  # autofluorescence and offset of the detector
# Standard deviations of natural logarithms: between cells, and between tubes in how well each dye took.
POSITIVE_SPREAD, NEGATIVE_SPREAD, TUBE_SPREAD = 0.38, 0.8, 0.12
SCATTER_SPREAD = (0.13, 0.20)  # forward, side
PHOTON_GAIN = 6.0  # variance of the counted light per unit of signal
ELECTRONIC_NOISE = 30.0  # standard deviation in every detector


@dataclass(frozen=True)
class Tube:
    """One tube.

    Attributes
    ----------
    events
        uint16, events × `CHANNELS`, not compensated.
    labels
        For each event the place of its true kind in `LABELS`.
    """

    events: NDArray[np.uint16]
    labels: NDArray[np.uint8]


def acquire(rng: np.random.Generator, cells: Mapping[str, float], events: int) -> Tube:
    """Run one tube.

    Parameters
    ----------
    rng
        Random stream.
    cells
        How common each kind of cell is, in any unit; names as in `LABELS`, without debris and doublets.
    events
        Events to record; 6 % are debris and 3 % are two cells that passed together.
    """
    kinds = list(cells)
    weights = np.array([cells[kind] for kind in kinds], dtype=np.float64)
    codes = np.array([LABELS.index(kind) for kind in kinds])
    share = (1 - DEBRIS_SHARE) * weights / weights.sum()
    first = rng.choice(np.append(codes, LABELS.index("debris")), events, p=np.append(share, DEBRIS_SHARE))
    partner = rng.choice(codes, events, p=weights / weights.sum())
    doublet = (first != LABELS.index("debris")) & (rng.random(events) < DOUBLET_SHARE / (1 - DEBRIS_SHARE))
    scatter, dyes = _look(rng, first)
    second_scatter, second_dyes = _look(rng, partner)
    scatter[doublet] += second_scatter[doublet]
    dyes[doublet] += second_dyes[doublet]
    # Two cells in a row double the area of the pulse; its height stays that of the larger one, a little more.
    height = scatter[:, 0] / np.where(doublet, rng.uniform(1.7, 2.0, events), 1.0) * rng.normal(0.94, 0.015, events)
    time = np.sort(rng.uniform(0, TUBE_SECONDS, events)) / TIME_STEP_S
    staining = rng.lognormal(0, TUBE_SPREAD, len(DYES))
    matrix = np.column_stack([scatter[:, 0], height, scatter[:, 1], _detect(rng, dyes * staining), time])
    labels = np.where(doublet, LABELS.index("doublet"), first).astype(np.uint8)
    return Tube(np.clip(np.rint(matrix), 0, LARGEST).astype(np.uint16), labels)


def _look(rng: np.random.Generator, codes: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the scatter (forward, side) and the dyes of cells of the given kinds."""
    scatter = np.empty((len(codes), 2))
    dyes = np.full((len(codes), len(DYES)), NEGATIVE)
    chance = rng.random(dyes.shape)
    for kind, look in LOOKS.items():
        cells = codes == LABELS.index(kind)
        scatter[cells] = look.fsc, look.ssc
        carried = {marker: (1.0, median) for marker, median in look.stain.items()} | dict(look.partly)
        for marker, (share, median) in carried.items():
            dye = MARKERS.index(marker) - MARKERS.index("CD3")
            dyes[cells & (chance[:, dye] < share), dye] = median
    size = rng.lognormal(0, SCATTER_SPREAD, scatter.shape)
    debris = codes == LABELS.index("debris")
    size[debris] = size[debris] ** 2  # debris has no size of its own
    spread = np.where(dyes > NEGATIVE, POSITIVE_SPREAD, NEGATIVE_SPREAD)
    return scatter * size, dyes * np.exp(rng.normal(0, 1, dyes.shape) * spread)


def _detect(rng: np.random.Generator, dyes: Floats) -> Floats:
    """Return what the detectors see: light spilled over, counted photon by photon, on top of a background."""
    light: Floats = dyes @ SPILL + BACKGROUND
    return light + rng.normal(0, 1, light.shape) * np.sqrt(PHOTON_GAIN * light + ELECTRONIC_NOISE**2)
