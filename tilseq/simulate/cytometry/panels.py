"""Panels as data: what each detector sees, and how each kind of cell looks to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilseq.simulate.states import STATES

Floats = NDArray[np.float64]

# Light is given in the unit of a 16-bit detector (0 to 65,535); a panel's `gain` takes it to its own scale.
# Standard deviations are of natural logarithms.
SPREAD = 0.35  # of a stain that cells carry, without its dim tail; CD3 of the ITN tubes (flowStats, Artistic-2.0)
TIGHT = 0.17  # CD4 of T cells: of all stains the one with the narrowest peak, in the ITN tubes too
WIDE = 0.55  # stains that rise by degrees, such as PD-1 and TIM-3
POOR, POOR_CD8 = 0.02, 0.05  # of the cells that carry a marker take the stain poorly and fill the valley; ITN tubes
VBETA = "TCR Vb"  # whichever antibodies a subject's infused cells are followed by, all in one dye
MARKED = f"CD8+ {VBETA}+"  # the population that marks infused cells, of the CD3+ cells
DEBRIS_SPREAD = 3.0  # times the spread of a cell's scatter: debris has no size of its own


class Stain(NamedTuple):
    """How a kind of cell carries a marker.

    Attributes
    ----------
    median
        Its light in cells that carry it, in the unit of a 16-bit detector.
    share
        Share of the cells that do.
    spread
        Standard deviation of its natural logarithm between cells.
    poor
        Share of the cells that carry it but took the stain poorly.
    """

    median: float
    share: float = 1.0
    spread: float = SPREAD
    poor: float = POOR


@dataclass(frozen=True)
class Look:
    """Typical scatter and staining of one kind of event.

    Attributes
    ----------
    fsc, ssc
        Median of forward and side scatter (areas), in the unit of a 16-bit detector.
    stains
        Marker → stain; a marker that is not named is negative.
    glow, sticky
        Autofluorescence, and antibody taken up without its antigen, as a multiple of a lymphocyte's.
    rough
        Spread of scatter as a multiple of a lymphocyte's.
    """

    fsc: float
    ssc: float
    stains: Mapping[str, Stain]
    glow: float = 1.0
    sticky: float = 1.0
    rough: float = 1.0


class Dye(NamedTuple):
    """One fluorochrome with the detector made for it.

    Attributes
    ----------
    channel, marker, label
        Name of the detector ($PnN), what the dye stains, and how a laboratory writes that ($PnS).
    glow
        Median light of an unstained lymphocyte in the detector, in the unit of a 16-bit detector.
    spill
        Other detectors → share of the dye's light that they see, with its own detector's as 1.
    """

    channel: str
    marker: str
    label: str
    glow: float
    spill: Mapping[str, float]


@dataclass(frozen=True)
class Panel:
    """A panel with the instrument that reads it.

    Attributes
    ----------
    name
        Name as `samples.csv` gives it.
    dyes
        The dyes in the order of their detectors.
    looks
        Kind of cell → its look.
    debris
        Kinds of debris: share of it, look.
    number
        How the instrument stores a value: whole numbers from 0, or float32, which may be negative.
    largest
        Largest value of a detector, where events pile up.
    vbeta
        The marker that is a V-beta of the T-cell receptor, or None.
    """

    name: str
    dyes: tuple[Dye, ...]
    looks: Mapping[str, Look]
    debris: tuple[tuple[float, Look], ...]
    number: Literal["uint16", "float32"]
    largest: float
    vbeta: str | None = None
    kinds: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kinds", (*self.looks, "bead", "debris", "doublet", "dead"))

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of all channels ($PnN): light scatter, detectors, time."""
        return ("FSC-A", "FSC-H", "SSC-A", *(dye.channel for dye in self.dyes), "Time")

    @property
    def markers(self) -> tuple[str | None, ...]:
        """What a laboratory writes of each channel ($PnS), or None."""
        return (None, None, None, *(dye.label for dye in self.dyes), None)

    @property
    def spill(self) -> Floats:
        """Spillover matrix: row = dye, column = detector, diagonal 1."""
        own = [{dye.channel: 1.0, **dye.spill} for dye in self.dyes]
        return np.array([[row.get(dye.channel, 0.0) for dye in self.dyes] for row in own])

    @property
    def gain(self) -> float:
        """What the unit of a 16-bit detector is on this instrument."""
        return (self.largest + 1) / 65_536


def _lymphocyte(stains: Mapping[str, Stain], fsc: float = 22_000, ssc: float = 6_000, glow: float = 1.0) -> Look:
    return Look(fsc, ssc, stains, glow)


# Round figures: bright, medium and dim as the textbooks have them (TBNK: Schnizlein-Bick and others, Clin Diagn Lab
# Immunol 2002;9:1253), with scatter, the height of CD3 on CD8+ against CD4+ T cells (about 0.6) and CD4 on monocytes
# (a third of a T cell's) as in the ITN whole-blood tubes.
_TBNK_DYES = (
    Dye("FITC-A", "CD3", "CD3 FITC", 180, {"PE-A": 0.14, "PerCP-Cy5-5-A": 0.02}),
    Dye("PE-A", "CD16+CD56", "CD16+CD56 PE", 140, {"FITC-A": 0.01, "PerCP-Cy5-5-A": 0.12, "PE-Cy7-A": 0.015}),
    Dye("PerCP-Cy5-5-A", "CD45", "CD45 PerCP-Cy5.5", 90, {"PE-Cy7-A": 0.16, "APC-A": 0.03, "APC-Cy7-A": 0.04}),
    Dye("PE-Cy7-A", "CD4", "CD4 PE-Cy7", 60, {"PE-A": 0.02, "PerCP-Cy5-5-A": 0.01, "APC-Cy7-A": 0.06}),
    Dye("APC-A", "CD19", "CD19 APC", 70, {"PerCP-Cy5-5-A": 0.01, "APC-Cy7-A": 0.09}),
    Dye("APC-Cy7-A", "CD8", "CD8 APC-Cy7", 50, {"PE-Cy7-A": 0.05, "APC-A": 0.05}),
)
_CD45 = Stain(9_000, spread=0.2, poor=0.0)
_TBNK_LOOKS = {
    "CD4+ T": _lymphocyte({"CD45": _CD45, "CD3": Stain(7_000), "CD4": Stain(6_500, spread=TIGHT)}),
    "CD8+ T": _lymphocyte(
        {
            "CD45": _CD45,
            "CD3": Stain(4_200),
            "CD8": Stain(12_000, spread=0.42, poor=POOR_CD8),
            "CD16+CD56": Stain(1_500, share=0.12),
        },
        ssc=6_400,
    ),
    "DN T": _lymphocyte({"CD45": _CD45, "CD3": Stain(9_000, spread=0.5), "CD16+CD56": Stain(1_500, share=0.2)}),
    "DP T": _lymphocyte(
        {"CD45": _CD45, "CD3": Stain(5_500), "CD4": Stain(5_500, spread=0.25), "CD8": Stain(4_500, spread=0.7)}
    ),
    "B": _lymphocyte({"CD45": _CD45._replace(median=6_500), "CD19": Stain(5_000)}, fsc=21_000),
    "NK": _lymphocyte(
        {"CD45": _CD45, "CD16+CD56": Stain(4_000, spread=0.5), "CD8": Stain(2_000, share=0.35, spread=0.5)},
        fsc=23_000,
        ssc=7_000,
    ),
    "monocyte": Look(
        *(38_000, 18_000),
        {"CD45": _CD45._replace(median=5_500), "CD4": Stain(1_500, spread=0.3), "CD16+CD56": Stain(2_000, share=0.1)},
        glow=4.0,
        sticky=3.0,
    ),
    "granulocyte": Look(
        *(34_000, 44_000),
        # Neutrophils bear CD16, eosinophils do not.
        {"CD45": _CD45._replace(median=1_600, spread=0.3), "CD16+CD56": Stain(5_000, share=0.95, spread=0.5)},
        glow=2.0,
        sticky=1.5,
    ),
}
_FRAGMENTS = Look(5_500, 1_600, {}, glow=0.4, sticky=0.5, rough=DEBRIS_SPREAD)
_TBNK_DEBRIS = (
    (0.65, _FRAGMENTS),  # platelets, fragments and ghosts of red cells
    (0.34, Look(11_000, 2_600, {}, glow=0.3, sticky=0.3, rough=1.6)),  # red cells that were not lysed
    (0.01, Look(8_000, 5_000, {}, glow=2.0, sticky=60.0, rough=DEBRIS_SPREAD)),  # clumps of antibody
)

_STATE_DYES = (
    Dye("BV421-A", "CCR7", "CCR7 BV421", 120, {"BV510-A": 0.1, "BV605-A": 0.01}),
    Dye("BV510-A", "viability", "Live/Dead Aqua", 260, {"BV421-A": 0.02, "BV605-A": 0.16, "BV650-A": 0.04}),
    Dye("BV605-A", "PD-1", "PD-1 BV605", 160, {"BV650-A": 0.18, "BV711-A": 0.09, "PE-CF594-A": 0.1, "BV421-A": 0.03}),
    Dye("BV650-A", "CD27", "CD27 BV650", 110, {"BV711-A": 0.2, "APC-A": 0.12, "BV786-A": 0.07, "AF700-A": 0.04}),
    Dye("BV711-A", "TIM-3", "TIM-3 BV711", 80, {"BV786-A": 0.16, "AF700-A": 0.09, "PerCP-Cy5-5-A": 0.04}),
    Dye("BV786-A", "CD8", "CD8 BV786", 50, {"APC-Cy7-A": 0.06, "BV711-A": 0.03, "PE-Cy7-A": 0.02}),
    Dye("FITC-A", "CD45RA", "CD45RA FITC", 200, {"PE-A": 0.05, "BV510-A": 0.02}),
    Dye("PerCP-Cy5-5-A", "CD4", "CD4 PerCP-Cy5.5", 90, {"BV711-A": 0.1, "PE-Cy7-A": 0.12, "AF700-A": 0.04}),
    Dye("PE-A", VBETA, f"{VBETA} PE", 150, {"PE-CF594-A": 0.22, "PerCP-Cy5-5-A": 0.03, "FITC-A": 0.01}),
    Dye("PE-CF594-A", "CD39", "CD39 PE-CF594", 120, {"PE-A": 0.09, "PerCP-Cy5-5-A": 0.14, "BV605-A": 0.06}),
    Dye("PE-Cy7-A", "LAG-3", "LAG-3 PE-Cy7", 60, {"PE-A": 0.02, "APC-Cy7-A": 0.07, "BV786-A": 0.1}),
    Dye("APC-A", "CD69", "CD69 APC", 70, {"AF700-A": 0.14, "APC-Cy7-A": 0.06, "BV650-A": 0.05}),
    Dye("AF700-A", "CD3", "CD3 AF700", 60, {"APC-Cy7-A": 0.15, "BV711-A": 0.04, "BV786-A": 0.1}),
    Dye("APC-Cy7-A", "CD28", "CD28 APC-Cy7", 50, {"APC-A": 0.03, "BV786-A": 0.12, "AF700-A": 0.04}),
)
# Round figures after the textbooks. Memory by CD45RA and CCR7: Sallusto and others, Nature 1999;401:708. CD27 and CD28:
# Appay and others, Cytometry A 2008;73A:975. Stem-like CD39- CD69-: Krishna and others, Science 2020;370:1328.
# Progenitor and terminal exhaustion by PD-1, TIM-3, LAG-3, CD39: Thommen and Schumacher, Cancer Cell 2018;33:547.
# Share of cells with the marker, by state in the order of STATES.
_SHARES = {
    "CD45RA": (0.97, 0.30, 0.04, 0.45, 0.05, 0.06),
    "CCR7": (0.93, 0.60, 0.88, 0.03, 0.20, 0.02),
    "CD27": (0.97, 0.90, 0.85, 0.25, 0.75, 0.30),
    "CD28": (0.97, 0.92, 0.95, 0.35, 0.75, 0.25),
    "CD39": (0.01, 0.04, 0.06, 0.12, 0.35, 0.92),
    "CD69": (0.02, 0.06, 0.07, 0.25, 0.60, 0.85),
    "PD-1": (0.05, 0.35, 0.35, 0.50, 0.97, 0.98),
    "TIM-3": (0.01, 0.05, 0.05, 0.25, 0.30, 0.90),
    "LAG-3": (0.02, 0.05, 0.05, 0.20, 0.45, 0.80),
}
# Median light in cells that carry the marker, and its spread. PD-1 and TIM-3 rise by degrees from state to state.
_LIGHTS = {
    "CD45RA": ((6_000,) * 6, 0.45),
    "CCR7": ((1_200, 900, 1_000, 700, 700, 600), 0.40),
    "CD27": ((2_500, 2_500, 2_300, 1_500, 1_800, 1_300), 0.40),
    "CD28": ((1_800, 1_800, 1_900, 1_300, 1_400, 1_100), 0.35),
    "CD39": ((2_000, 2_000, 2_000, 2_500, 3_000, 5_500), 0.55),
    "CD69": ((1_000, 1_000, 1_000, 1_300, 1_600, 2_200), 0.50),
    "PD-1": ((350, 500, 500, 700, 1_700, 4_500), WIDE),
    "TIM-3": ((300, 350, 350, 500, 600, 2_200), WIDE),
    "LAG-3": ((300, 350, 350, 500, 600, 1_200), WIDE),
}
_CD4_KEEPS_CD28 = 0.85  # share of CD4+ effectors with CD28, which CD8+ ones lose sooner; round figure
_LINEAGE = {
    "CD4+ T": {"CD3": Stain(5_000), "CD4": Stain(6_000, spread=TIGHT)},
    "CD8+ T": {"CD3": Stain(3_500), "CD8": Stain(9_000, spread=0.42, poor=POOR_CD8)},
}
# Cells of these states are blasts: larger, with more side scatter and autofluorescence than a resting cell.
_BLAST = {"effector": 1.1, "exhausted_progenitor": 1.08, "exhausted_terminal": 1.18}


def _state(subset: str, state: str) -> Look:
    place = STATES.index(state)
    shares = {marker: shares[place] for marker, shares in _SHARES.items()}
    if (subset, state) == ("CD4+ T", "effector"):
        shares["CD28"] = _CD4_KEEPS_CD28
    stains = {marker: Stain(medians[place], shares[marker], spread) for marker, (medians, spread) in _LIGHTS.items()}
    size = _BLAST.get(state, 1.0)
    return _lymphocyte(_LINEAGE[subset] | stains, 22_000 * size, 6_000 * size**2, size**3)


_STATE_LOOKS = {f"{subset} {state}": _state(subset, state) for subset in _LINEAGE for state in STATES} | {
    "DN T": _lymphocyte(
        {
            "CD3": Stain(7_500, spread=0.45),
            "CD45RA": Stain(5_000, 0.4, 0.5),
            "CD27": Stain(2_000, 0.6, 0.4),
            "CD28": Stain(1_500, 0.5, 0.4),
            "CD69": Stain(1_000, 0.2, 0.5),
            "PD-1": Stain(600, 0.3, WIDE),
        }
    ),
    "DP T": _lymphocyte(
        {
            "CD3": Stain(4_200),
            "CD4": Stain(5_000, spread=0.25),
            "CD8": Stain(3_500, spread=0.7),
            "CD27": Stain(2_000, 0.6, 0.4),
            "CD28": Stain(1_500, 0.6, 0.4),
            "CD39": Stain(3_000, 0.3, WIDE),
            "CD69": Stain(1_500, 0.4, 0.5),
            "PD-1": Stain(1_200, 0.6, WIDE),
        }
    ),
    "B": _lymphocyte(
        {"CD45RA": Stain(7_000), "CD27": Stain(2_500, 0.3, 0.4), "CD39": Stain(3_500), "CCR7": Stain(700, 0.8, 0.4)},
        fsc=21_000,
    ),
    "NK": _lymphocyte(
        {
            "CD45RA": Stain(6_000),
            "CD8": Stain(1_500, 0.35, 0.5),
            "CD69": Stain(1_000, 0.15, 0.5),
            "TIM-3": Stain(700, 0.6, WIDE),
            "CD27": Stain(1_200, 0.15, 0.4),
        },
        fsc=23_000,
        ssc=7_000,
    ),
    "monocyte": Look(
        *(38_000, 18_000),
        {"CD4": Stain(1_300, spread=0.3), "CD39": Stain(6_000), "CD45RA": Stain(1_000, 0.6, 0.5), "TIM-3": Stain(900)},
        glow=4.0,
        sticky=3.0,
    ),
}

# Peripheral mononuclear cells after some hours with a stimulus and a block of secretion, fixed and permeabilised.
_ICS_DYES = (
    Dye("BV421-A", "CD3", "CD3 BV421", 120, {"BV510-A": 0.1}),
    Dye("BV510-A", "viability", "Live/Dead Aqua", 260, {"BV421-A": 0.02, "FITC-A": 0.02}),
    Dye("FITC-A", "CD4", "CD4 FITC", 200, {"BV510-A": 0.02, "PerCP-Cy5-5-A": 0.02}),
    Dye("PerCP-Cy5-5-A", "CD8", "CD8 PerCP-Cy5.5", 90, {"APC-A": 0.03}),
    Dye("APC-A", "IFN-gamma", "IFN-gamma APC", 70, {"PerCP-Cy5-5-A": 0.01}),
)
_ICS_LOOKS = {
    "CD4+ T": _lymphocyte({"CD3": Stain(6_000), "CD4": Stain(6_500, spread=TIGHT)}),
    "CD8+ T": _lymphocyte({"CD3": Stain(4_000), "CD8": Stain(10_000, spread=0.42, poor=POOR_CD8)}),
    "DN T": _lymphocyte({"CD3": Stain(8_000, spread=0.45)}),
    "DP T": _lymphocyte({"CD3": Stain(5_000), "CD4": Stain(5_500, spread=0.25), "CD8": Stain(4_000, spread=0.7)}),
    "B": _lymphocyte({}, fsc=21_000),
    "NK": _lymphocyte({"CD8": Stain(1_800, share=0.35, spread=0.5)}, fsc=23_000, ssc=7_000),
    "monocyte": Look(38_000, 18_000, {"CD4": Stain(1_500, spread=0.3)}, glow=4.0, sticky=3.0),
}
MADE = " IFN-gamma+"  # after the kind of a cell that made interferon
# Interferon varies widely from cell to cell, and a cell that was set off takes up receptors with their CD3 (Valitutti
# and others, Nature 1995;375:148); round figures.
_INTERFERON, _CD3_LEFT = Stain(4_000, spread=0.7), 0.7


def _making(look: Look) -> Look:
    stains = dict(look.stains)
    if "CD3" in stains:
        stains["CD3"] = stains["CD3"]._replace(median=_CD3_LEFT * stains["CD3"].median)
    return replace(look, fsc=1.1 * look.fsc, stains=stains | {"IFN-gamma": _INTERFERON})


_ICS_LOOKS |= {f"{kind}{MADE}": _making(_ICS_LOOKS[kind]) for kind in ("CD4+ T", "CD8+ T", "DN T", "DP T", "NK")}

TBNK = Panel("tbnk", _TBNK_DYES, _TBNK_LOOKS, _TBNK_DEBRIS, "uint16", 65_535)
T_STATE = Panel("t_state", _STATE_DYES, _STATE_LOOKS, ((1.0, _FRAGMENTS),), "float32", 262_143, VBETA)
ICS = Panel("ics", _ICS_DYES, _ICS_LOOKS, ((1.0, _FRAGMENTS),), "uint16", 65_535)
PANELS = {panel.name: panel for panel in (TBNK, T_STATE, ICS)}
