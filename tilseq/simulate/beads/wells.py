"""Bead-array kits and one well of them: coloured beads of two sizes whose reporter follows a five-parameter curve.

Shapes, spreads and shares are tuned by eye and by number to the LEGENDplex plate and the raw CytoFLEX well that come
with the R package beadplexr (MIT licence); `benchmarks/realism/beads.py` shows both beside each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

LEVELS = 8  # C0 (blank) to C7 (the reconstituted standard)

CHANNELS = ("FSC-A", "SSC-A", "APC-A", "PE-A", "Time")
MARKERS = (None, None, "classifier", "reporter", None)
LARGEST = 262_143.0  # 18-bit instrument; what is brighter stands at this value
TIME_STEP_S = 0.01
EVENTS_PER_S = 170.0  # 6,194 events in 36 s in the raw well

# Median forward and side scatter of the two bead sizes, in the instrument's units.
SCATTER = {"small": (34_000.0, 35_500.0), "large": (61_000.0, 65_000.0)}
# Standard deviations of natural logarithms between beads: forward, side.
SCATTER_SPREAD = {"small": (0.092, 0.170), "large": (0.083, 0.131)}
# Correlation between beads, in the order forward scatter, side scatter, classifier, reporter.
CORRELATION = (
    (1.00, 0.66, 0.74, 0.18),
    (0.66, 1.00, 0.50, 0.28),
    (0.74, 0.50, 1.00, 0.15),
    (0.18, 0.28, 0.15, 1.00),
)
# Forward scatter leans to the left: deviations below the median are stretched, those above it shrunk.
FORWARD_BELOW, FORWARD_ABOVE = 1.35, 0.62
CLASSIFIER_SPREAD = 0.050  # natural logarithm, before photon noise
LABEL_SPREAD = 0.13  # natural logarithm of the reporter bound per captured molecule
CAPTURE_SPREAD = 0.32  # natural logarithm of the concentration that a bead answers to ...
CAPTURE_TAIL = 5.0  # ... with Student's t of so many degrees of freedom
PHOTON_GAIN = {"APC-A": 12.0, "PE-A": 4.0}  # variance of the counted light per unit of signal
ELECTRONIC_NOISE = 8.0  # standard deviation in every fluorescence detector
CROSSTALK = 0.0006  # share of the classifier's light that the reporter's detector sees
# Standard deviation of the natural logarithm of the instrument's gain between wells, in the order of CHANNELS.
GAIN_SPREAD = (0.006, 0.012, 0.004, 0.010)

DOUBLET_SHARE = 0.10  # of bead events: two or more beads that passed together
TRIPLET_SHARE = 0.010  # of bead events: three
DEBRIS_SHARE = 0.16  # of all events
DEBRIS_MEDIAN = (21_000.0, 18_500.0, 330.0, 84.0)  # in the order of CHANNELS
DEBRIS_SPREAD = (0.85, 1.15, 0.18, 0.25)  # natural logarithm
DEBRIS_SCATTER_CORRELATION = 0.91
# Some debris carries reporter: share, and the most by which it is brighter, natural logarithm.
STAINED_DEBRIS_SHARE, STAINED_DEBRIS_MOST = 0.12, 7.0


@dataclass(frozen=True)
class Curve:
    """Median reporter signal of a bead by concentration, a five-parameter logistic curve.

    ``y = bottom + (top - bottom) * (r / (1 + r)) ** asymmetry / (1 + (x / hook) ** 2)`` with
    ``r = (x / midpoint) ** slope``. Without a hook and with asymmetry 1 it is the four-parameter curve.

    Attributes
    ----------
    bottom, top
        Signal without analyte and at saturation, in the instrument's units.
    midpoint_pg_per_ml
        Where ``r`` is 1.
    slope, asymmetry
        Exponents.
    hook_pg_per_ml
        Where excess analyte has halved the signal; infinite where there is no hook effect.
    """

    bottom: float
    top: float
    midpoint_pg_per_ml: float
    slope: float
    asymmetry: float
    hook_pg_per_ml: float = np.inf

    def signal(self, pg_per_ml: Floats) -> Floats:
        """Return the signal at concentrations from 0 upwards, of any shape."""
        ratio = (pg_per_ml / self.midpoint_pg_per_ml) ** self.slope
        bound = (ratio / (1 + ratio)) ** self.asymmetry / (1 + (pg_per_ml / self.hook_pg_per_ml) ** 2)
        return np.asarray(self.bottom + (self.top - self.bottom) * bound)


@dataclass(frozen=True)
class Bead:
    """One bead population of a kit.

    Attributes
    ----------
    analyte
        What it captures.
    size
        `small` or `large`.
    classifier
        Median of the dye that tells beads of one size apart, in the instrument's units.
    curve
        Its reporter signal by concentration.
    """

    analyte: str
    size: Literal["small", "large"]
    classifier: float
    curve: Curve


@dataclass(frozen=True)
class Kit:
    """A bead-array kit.

    Attributes
    ----------
    name
        Its name in the plate sheet.
    beads
        Its bead populations.
    top_pg_per_ml, fold
        Concentration of the standard C7, common to all analytes, and how many times weaker each level below is.
    dilution
        Final volume over original volume of the plasma, acid and neutraliser included.
    acid_activated
        Plasma is activated by acid, so that latent and free analyte are measured together.
    """

    name: str
    beads: tuple[Bead, ...]
    top_pg_per_ml: float
    fold: float
    dilution: float
    acid_activated: bool

    @property
    def analytes(self) -> tuple[str, ...]:
        """Analytes in the order of the beads."""
        return tuple(bead.analyte for bead in self.beads)

    def nominal_pg_per_ml(self, level: int) -> float:
        """Return what a standard should hold; level 0 is the blank."""
        return 0.0 if level == 0 else self.top_pg_per_ml / self.fold ** (LEVELS - 1 - level)


# Two sizes of three classifier levels each, and curves as steep, as high and as asymmetric as those of the LEGENDplex
# plate of beadplexr (MIT); which analyte has which is arbitrary. Series 1:4 from 10,000 pg/mL as in that package's
# panel files; dilutions are round figures.
MULTIPLEX = Kit(
    "multiplex",
    (
        Bead("IFN-gamma", "small", 7_000, Curve(85, 80_000, 2_500, 1.05, 1.2)),
        Bead("TNF-alpha", "small", 23_000, Curve(90, 55_000, 4_000, 1.20, 1.1)),
        Bead("IL-2", "small", 73_000, Curve(80, 60_000, 1_500, 1.10, 1.2)),
        Bead("IL-6", "large", 3_850, Curve(125, 95_000, 1_200, 0.95, 1.5, hook_pg_per_ml=30_000)),
        Bead("IL-10", "large", 23_000, Curve(80, 90_000, 1_800, 1.00, 1.4)),
        Bead("IL-15", "large", 135_000, Curve(120, 36_000, 5_000, 1.50, 0.8)),
    ),
    top_pg_per_ml=10_000,
    fold=4,
    dilution=2,
    acid_activated=False,
)
TGFB1_SINGLEPLEX = Kit(
    "tgfb1_singleplex",
    (Bead("TGF-beta1", "small", 23_000, Curve(110, 70_000, 3_000, 1.30, 0.9)),),
    top_pg_per_ml=10_000,
    fold=4,
    dilution=20,
    acid_activated=True,
)
KITS = {kit.name: kit for kit in (MULTIPLEX, TGFB1_SINGLEPLEX)}


@dataclass(frozen=True)
class Well:
    """The events of one well.

    Attributes
    ----------
    events
        float32, events × `CHANNELS`; time in steps of `TIME_STEP_S`.
    labels
        For each event the place of its bead in the list of beads; one further is a doublet, two further debris.
    """

    events: NDArray[np.float32]
    labels: NDArray[np.uint8]


def labels_of(beads: Sequence[Bead]) -> tuple[str, ...]:
    """Return what each label of a well means: the analytes, `doublet`, `debris`."""
    return (*(bead.analyte for bead in beads), "doublet", "debris")


def draw_well(
    rng: np.random.Generator, beads: Sequence[Bead], pg_per_ml: Floats, counts: Counts, *, brightness: float = 1.0
) -> Well:
    """Run one well through the instrument.

    Parameters
    ----------
    rng
        Random stream.
    beads
        Bead populations.
    pg_per_ml
        Concentration that each population answers to.
    counts
        Beads of each population; some of them end up in doublets. Debris comes on top.
    brightness
        Factor on the reporter of every bead.
    """
    codes = rng.permutation(np.repeat(np.arange(len(beads)), counts))
    light = _bead_light(rng, beads, pg_per_ml, codes)
    mates = _mates(rng, len(codes))
    for least in (1, 2):
        joined = np.flatnonzero(mates >= least)
        light[joined] += _bead_light(rng, beads, pg_per_ml, rng.choice(codes, len(joined)))
    light[:, 3] *= brightness
    labels = np.where(mates > 0, len(beads), codes)
    dirt = _debris_light(rng, rng.binomial(len(codes), DEBRIS_SHARE / (1 - DEBRIS_SHARE)))
    order = rng.permutation(len(codes) + len(dirt))
    seen = _detect(rng, np.concatenate([light, dirt])[order])
    labels = np.concatenate([labels, np.full(len(dirt), len(beads) + 1)])[order].astype(np.uint8)
    seconds = np.cumsum(rng.exponential(1 / EVENTS_PER_S, len(order)))
    events = np.column_stack([seen, np.floor(seconds / TIME_STEP_S)]).astype(np.float32)
    return Well(events, labels)


def _mates(rng: np.random.Generator, events: int) -> Counts:
    """Return how many further beads passed together with each."""
    chance = rng.random(events)
    return (chance < DOUBLET_SHARE).astype(np.int64) + (chance < TRIPLET_SHARE)


def _bead_light(rng: np.random.Generator, beads: Sequence[Bead], pg_per_ml: Floats, codes: Counts) -> Floats:
    """Return what beads scatter and shine: forward, side, classifier, reporter."""
    z = rng.standard_normal((len(codes), 4)) @ np.linalg.cholesky(np.array(CORRELATION)).T
    z[:, 0] *= np.where(z[:, 0] < 0, FORWARD_BELOW, FORWARD_ABOVE)
    spread = np.array([(*SCATTER_SPREAD[bead.size], CLASSIFIER_SPREAD, LABEL_SPREAD) for bead in beads])
    median = np.array([(*SCATTER[bead.size], bead.classifier, 1.0) for bead in beads])
    light = median[codes] * np.exp(spread[codes] * z)
    answered = pg_per_ml[codes] * np.exp(CAPTURE_SPREAD * rng.standard_t(CAPTURE_TAIL, len(codes)))
    for code, bead in enumerate(beads):
        ours = codes == code
        light[ours, 3] *= bead.curve.signal(answered[ours])
    return np.asarray(light)


def _debris_light(rng: np.random.Generator, events: int) -> Floats:
    z = rng.standard_normal((events, 4))
    shared = DEBRIS_SCATTER_CORRELATION
    z[:, 1] = shared * z[:, 0] + np.sqrt(1 - shared**2) * z[:, 1]
    light = np.array(DEBRIS_MEDIAN) * np.exp(np.array(DEBRIS_SPREAD) * z)
    stained = rng.random(events) < STAINED_DEBRIS_SHARE
    light[:, 3] *= np.exp(stained * rng.uniform(0, STAINED_DEBRIS_MOST, events))
    return np.asarray(light)


def _detect(rng: np.random.Generator, light: Floats) -> Floats:
    """Return what the detectors tell: the well's gain, cross-talk, photons counted, noise, and a largest value."""
    seen = light * np.exp(np.array(GAIN_SPREAD) * rng.standard_normal(4))
    seen[:, 3] += CROSSTALK * seen[:, 2]
    for column in (2, 3):
        variance = PHOTON_GAIN[CHANNELS[column]] * seen[:, column] + ELECTRONIC_NOISE**2
        seen[:, column] += np.sqrt(variance) * rng.standard_normal(len(seen))
    return np.minimum(seen, LARGEST)
