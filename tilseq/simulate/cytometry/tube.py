"""A flow cytometry tube: events of known kind as a panel and an instrument show them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilseq.errors import RunError, did_you_mean
from tilseq.simulate.cytometry.faults import Beads, Clog, Conditions, Floats, arrivals, true_spill
from tilseq.simulate.cytometry.panels import Look, Panel, Stain

Single = NDArray[np.float32]
Codes = NDArray[np.uint8]

TIME_STEP_S = 0.01
EVENTS_PER_S, SHORTEST_S, LONGEST_S = 2_000.0, 30.0, 600.0  # round figures; 600 s fit into 16 bits

# Light in the unit of a 16-bit detector; standard deviations of natural logarithms. Round figures where no source is
# named; those of scatter and stains are tuned to the ITN whole-blood tubes (RGLab/flowStats, Artistic-2.0).
FSC_SPREAD, SSC_SPREAD = 0.16, 0.34
TRIGGER = 4_000.0  # forward scatter below which the instrument records nothing
NEGATIVE, NEGATIVE_SPREAD = 30.0, 0.7  # antibody on a cell without the antigen
STICKY_SPREAD, GLOW_SPREAD = 0.4, 0.35  # between cells of a kind, the same for all dyes of a cell
DIM_TAIL = 0.7  # mean of the exponential tail to the dim side, in spreads of the stain
POOR_TAIL = 1.0  # by how much a cell that took a stain poorly is dimmer on average, natural logarithm
LOOK_DRIFT = 0.12  # of the median and of the spread of each stain on each kind of cell, between tubes
SIZE_LOADING = 0.5  # how much of a stain's spread goes with the size of the cell
# How much of a stain's spread, and of whether it is carried, goes with how activated a cell is.
ACTIVATION = {
    **{"CD3": -0.3, "CD4": -0.3, "CD8": -0.3, "CD27": -0.3, "CD28": -0.2, "CCR7": -0.3, "CD45RA": -0.2},
    **{"PD-1": 0.6, "TIM-3": 0.6, "LAG-3": 0.5, "CD39": 0.5, "CD69": 0.5},
}
PHOTON_GAIN = 6.0  # variance of the counted light per unit of light
ELECTRONIC_NOISE = 30.0  # standard deviation in every detector
SIZE_SHARE = 0.6  # correlation of scatter and autofluorescence with the size of the cell
HEIGHT_TO_AREA, PULSE_NOISE = 0.94, 0.015  # of a forward-scatter pulse; the noise relative
LARGEST_OVERLAP = 1.5  # height of two cells in a row over that of the larger one, at most
VBETA = Stain(5_000.0, spread=0.3)
BEAD_LIGHT, BEAD_SPREAD = 24_000.0, 0.05
BEAD = Look(14_000, 30_000, {}, glow=0.0, sticky=0.0, rough=0.2)
DEAD_VIABILITY = Stain(9_000.0, spread=0.6)
FADED, DEAD_STICKY, DEAD_GLOW = 0.6, 12.0, 3.0  # dead cells: their stains, what sticks to them, their own light


@dataclass(frozen=True)
class Tube:
    """One tube.

    Attributes
    ----------
    panel
        Panel of the tube.
    events
        Events × `panel.channels`, in order of time, not compensated; uint16 or float32 as `panel.number` says.
    labels
        For each event the place of its true kind in `kinds`.
    """

    panel: Panel
    events: NDArray[np.uint16] | Single
    labels: Codes

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of the kinds: the panel's cells, then `bead`, `debris`, `doublet`, `dead`."""
        return self.panel.kinds


def acquire(
    rng: np.random.Generator,
    panel: Panel,
    cells: Mapping[str, float],
    events: int,
    *,
    beads: Beads | None = None,
    conditions: Conditions | None = None,
    vbeta: Mapping[str, float] | None = None,
) -> Tube:
    """Run one tube.

    Events are drawn at random from the particles of the tube, so that among single living cells each kind is as common
    as `cells` says, and with beads the expected number of its events for each bead is its cells per µL over the beads
    per µL, which are drawn (`Beads.per_ul`) and not told.

    Parameters
    ----------
    rng
        Random stream.
    panel
        Panel, such as `panels.TBNK`.
    cells
        Living cells of each kind: per µL where there are beads, else in any unit. A kind that is left out is absent.
    events
        Events to record, of every kind.
    beads
        Counting beads, or None.
    conditions
        How well the tube was stained and run.
    vbeta
        Share of a kind's cells that carry the panel's V-beta; 0 for a kind that is left out.

    Returns
    -------
    Tube
        A dead cell bears the label `dead` and two particles that passed together (cells or beads) `doublet`, whatever
        kinds they are of.

    Raises
    ------
    RunError
        A kind or detector is not the panel's, an abundance or share is not a number in its range, no cell is there, no
        event is asked for, or the panel has no V-beta.
    """
    conditions, vbeta = conditions or Conditions(), vbeta or {}
    _check(panel, cells, events, conditions, vbeta)
    living = _living(rng, panel, cells, beads.per_ul(rng) if beads else 0.0, vbeta)
    groups = _singles(panel, living, conditions)
    *numbers, doublets = rng.multinomial(events, [*(group.weight for group in groups), conditions.doublets]).tolist()
    particles = np.concatenate(
        [_particles(rng, panel, groups, numbers), _pairs(rng, panel, living, doublets)], axis=1, dtype=np.float32
    )
    codes = [panel.kinds.index(name) for name in (*(group.label for group in groups), "doublet")]
    labels = np.repeat(np.array(codes, dtype=np.uint8), [*numbers, doublets])
    order = rng.permutation(events)
    return Tube(panel, _record(rng, panel, particles, order, conditions), labels[order])


class _Group(NamedTuple):
    """Particles of one look: their label, how they look, how common they are."""

    label: str
    look: Look
    weight: float


def _check(
    panel: Panel, cells: Mapping[str, float], events: int, conditions: Conditions, vbeta: Mapping[str, float]
) -> None:
    detectors = [dye.channel for dye in panel.dyes]
    named = ((cells, "kind of cell", panel.looks), (vbeta, "kind of cell", panel.looks))
    for given, what, known in (*named, (conditions.batch_shift, "detector", detectors)):
        for name in given:
            if name not in known:
                mend = did_you_mean(name, list(known)) or f"there are {', '.join(known)}"
                raise RunError(f"panel {panel.name} has no such {what}", found=name, mend=mend)
    for name, value in (*cells.items(), *conditions.batch_shift.items()):
        if not 0 <= value < np.inf:
            raise RunError(f"the number given for {name} must be finite and not below 0", found=value)
    for kind, share in vbeta.items():
        if not 0 <= share <= 1:
            raise RunError(f"the share of {kind} with the V-beta must be a share", found=share, expected="0 to 1")
    if vbeta and panel.vbeta is None:
        raise RunError(f"panel {panel.name} stains no V-beta")
    if not any(cells.values()):
        raise RunError("a tube must hold some cells", found=dict(cells))
    if events < 1:
        raise RunError("too small a number of events", found=events, expected="at least 1")


def _living(
    rng: np.random.Generator, panel: Panel, cells: Mapping[str, float], beads_per_ul: float, vbeta: Mapping[str, float]
) -> list[_Group]:
    """Return the living cells and the beads, in the panel's order, so that the caller's order changes nothing."""
    groups = []
    for kind, look in panel.looks.items():
        stains = dict(look.stains)
        if panel.vbeta is not None and vbeta.get(kind):
            stains[panel.vbeta] = VBETA._replace(share=vbeta[kind])
        for marker, stain in stains.items():
            brighter, wider = np.exp(rng.normal(0, LOOK_DRIFT, 2)).tolist()
            stains[marker] = stain._replace(median=stain.median * brighter, spread=stain.spread * wider)
        groups.append(_Group(kind, replace(look, stains=stains), cells.get(kind, 0.0)))
    bead = replace(BEAD, stains={dye.marker: Stain(BEAD_LIGHT, spread=BEAD_SPREAD, poor=0.0) for dye in panel.dyes})
    return [*groups, _Group("bead", bead, beads_per_ul)]


def _singles(panel: Panel, living: Sequence[_Group], conditions: Conditions) -> list[_Group]:
    """Return all particles that pass alone, weighted by their share of events."""
    per_living = conditions.dead / (1 - conditions.dead)
    alone = [*living, *(_Group("dead", _dead(look), per_living * weight) for _, look, weight in living[:-1])]
    whole = sum(group.weight for group in alone)
    left = 1 - conditions.debris - conditions.doublets
    groups = [group._replace(weight=left * group.weight / whole) for group in alone]
    return groups + [_Group("debris", look, conditions.debris * share) for share, look in panel.debris]


def _dead(look: Look) -> Look:
    """Return how a kind of cell looks when dead: shrunken and granular, its stains faded, antibody all over it."""
    stains = {marker: stain._replace(median=FADED * stain.median) for marker, stain in look.stains.items()}
    return replace(
        look,
        fsc=0.7 * look.fsc,
        ssc=1.3 * look.ssc,
        stains=stains | {"viability": DEAD_VIABILITY},
        glow=DEAD_GLOW * look.glow,
        sticky=DEAD_STICKY * look.sticky,
        rough=1.4,
    )


def _particles(rng: np.random.Generator, panel: Panel, groups: Sequence[_Group], numbers: Sequence[int]) -> Single:
    """Return particles one group after another: rows FSC-A, FSC-H, SSC-A, autofluorescence, and each dye."""
    out = np.empty((4 + len(panel.dyes), sum(numbers)), dtype=np.float32)
    start = 0
    for group, number in zip(groups, numbers, strict=True):
        _fill(rng, panel, group.look, out[:, start : start + number])
        start += number
    return out


def _fill(rng: np.random.Generator, panel: Panel, look: Look, out: Single) -> None:
    """Draw particles of one look, with the rows of `_particles`."""
    size, active, sticky = rng.standard_normal((3, out.shape[1]), dtype=np.float32)

    def with_size(median: float, spread: float) -> Single:
        drawn = SIZE_SHARE * size + math.sqrt(1 - SIZE_SHARE**2) * _normal(rng, len(size))
        scaled: Single = median * np.exp(spread * drawn)
        return scaled

    area = with_size(look.fsc, FSC_SPREAD * look.rough)
    # What lies below the trigger is not recorded; folding keeps many small particles just above it.
    out[0] = np.where(area < TRIGGER, TRIGGER**2 / area, area)
    out[1] = out[0] * (HEIGHT_TO_AREA + PULSE_NOISE * _normal(rng, len(size)))
    out[2] = with_size(look.ssc, SSC_SPREAD * look.rough)
    out[3] = with_size(look.glow, GLOW_SPREAD)
    background = NEGATIVE * look.sticky * np.exp(STICKY_SPREAD * sticky)
    for row, dye in zip(out[4:], panel.dyes, strict=True):
        row[:] = background * np.exp(NEGATIVE_SPREAD * _normal(rng, len(size)))
        stain = look.stains.get(dye.marker)
        if stain is not None and stain.share > 0:
            row += _stained(rng, stain, ACTIVATION.get(dye.marker, 0.0), size, active)


def _stained(rng: np.random.Generator, stain: Stain, activation: float, size: Single, active: Single) -> Single:
    """Draw the light of one stain on cells of which size and activation are known; 0 on those that do not carry it."""
    own = math.sqrt(1 - SIZE_LOADING**2 - activation**2)
    level = SIZE_LOADING * size + activation * active + own * _normal(rng, len(size))
    # The tail's median is taken off, so that the stain keeps its own.
    level -= DIM_TAIL * (rng.standard_exponential(len(size), dtype=np.float32) - math.log(2))
    level *= stain.spread
    poor = rng.random(len(size), dtype=np.float32) < stain.poor
    level[poor] -= rng.exponential(POOR_TAIL, np.count_nonzero(poor))
    light: Single = stain.median * np.exp(level)
    if stain.share < 1:
        latent = activation * active + math.sqrt(1 - activation**2) * _normal(rng, len(size))
        light *= latent > NormalDist().inv_cdf(1 - stain.share)
    return light


def _pairs(rng: np.random.Generator, panel: Panel, living: Sequence[_Group], doublets: int) -> Single:
    """Return doublets of living cells and beads, each of two drawn at random: twice the area but not the height."""
    weights = np.array([group.weight for group in living])
    first, second = (
        _particles(rng, panel, living, rng.multinomial(doublets, weights / weights.sum()).tolist()) for _ in range(2)
    )
    second = second[:, rng.permutation(doublets)]
    both: Single = first + second
    both[1] = np.maximum(first[1], second[1]) * rng.uniform(1.0, LARGEST_OVERLAP, doublets)
    return both


def _normal(rng: np.random.Generator, number: int) -> Single:
    return rng.standard_normal(number, dtype=np.float32)


def _record(
    rng: np.random.Generator, panel: Panel, particles: Single, order: NDArray[np.int64], conditions: Conditions
) -> NDArray[np.uint16] | Single:
    """Return what the instrument writes of particles that pass in the given order."""
    events, dyes = len(order), len(panel.dyes)
    spill = true_spill(rng, panel.spill, conditions.spill_error)
    gains = panel.gain * np.exp(rng.normal(0, conditions.gain_drift, 3 + dyes))
    takes = np.exp(rng.normal(0, conditions.stain_drift, dyes))
    takes *= [conditions.batch_shift.get(dye.channel, 1.0) for dye in panel.dyes]
    times = arrivals(rng, events, conditions.clog)
    clog = conditions.clog or Clog(1.0, 0.0)
    clogged = slice(*np.searchsorted(times, (clog.start, clog.start + clog.length)))
    out = np.empty((events, len(panel.channels)), dtype=panel.number)
    for column, gain in enumerate(gains.tolist()):
        detector = column - 3
        light = particles[column] if detector < 0 else _light(panel, particles, takes[:, None] * spill, detector)
        light = light[order]
        light[clogged] *= clog.signal
        if detector >= 0:
            light += _normal(rng, events) * np.sqrt(PHOTON_GAIN * light + ELECTRONIC_NOISE**2)
        light *= gain
        if panel.number == "uint16":
            light = np.maximum(np.rint(light), 0)
        out[:, column] = np.minimum(light, panel.largest)
    seconds = min(max(events / EVENTS_PER_S, SHORTEST_S), LONGEST_S)
    out[:, -1] = np.rint(times * (seconds / TIME_STEP_S))
    return out


def _light(panel: Panel, particles: Single, spill: Floats, detector: int) -> Single:
    """Return the light that one detector gets: the cells' own, and that of each dye in a fixed order."""
    light: Single = panel.dyes[detector].glow * particles[3]
    # A product of matrices would leave the order of the sum, and so the last digit, to the library.
    for dye, share in zip(particles[4:], spill[:, detector].tolist(), strict=True):
        if share:
            light += share * dye
    return light
