"""Dense spots of all wells' events together on the plane of forward scatter and classifier: where beads may be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BIN = 0.02  # natural logarithm, on both axes
SMOOTHING, AT_EVENTS = 0.04, 50_000  # standard deviation of the kernel, and the events at which it holds
SMALLEST_RATIO = 1.3  # of a spot's density to that of the saddle behind which a denser one lies
FEWEST_EVENTS = 20.0
# Beads of one size are alike, debris is not: events near a spot's forward scatter over those further off, as wide a
# band each, within a band of the classifier. All natural logarithms.
BESIDE, NEAR, FURTHER, LEAST_CONTRAST = 0.1, 0.1, (0.25, 0.35), 4.0
DOUBLET_TOLERANCE, DOUBLET_MOST = 0.15, 0.2  # natural logarithm; share of the lighter of the two


@dataclass(frozen=True)
class Spot:
    """A dense spot.

    Attributes
    ----------
    forward, classifier
        Natural logarithms at the densest place.
    events
        How many of the events given belong to it.
    ratio
        Its density over that of the saddle to the next denser spot; infinite for the densest.
    """

    forward: float
    classifier: float
    events: int
    ratio: float


def find_spots(forward: Floats, classifier: Floats) -> tuple[list[Spot], NDArray[np.intp]]:
    """Find dense spots that may be beads.

    Peaks of a kernel density are parted along their valleys by flooding from above; a peak whose saddle to a denser
    one is not clearly lower belongs to that one (topological persistence: Chazal et al., J ACM 2013;60(6):41). Spots
    about which events do not crowd, as in debris, and those that two beads passing together explain are left out.

    Parameters
    ----------
    forward, classifier
        Natural logarithms of events, of one length.

    Returns
    -------
    spots
        From the one of most events down.
    places
        For each event the place of its spot in that list, -1 for none.
    """
    density, bins = _density(forward, classifier)
    basin, ratio = _flood(density)
    own = basin[bins]
    found = [label for label, told in ratio.items() if told >= SMALLEST_RATIO]
    spots: list[tuple[Spot, int]] = []
    low = np.array([forward.min(), classifier.min()])
    for label in found:
        count = int((own == label).sum())
        u, v = (low + BIN * (np.array(divmod(label, density.shape[1])) + 0.5)).tolist()
        if count >= FEWEST_EVENTS and _is_compact(forward[np.abs(classifier - v) < BESIDE] - u):
            spots.append((Spot(u, v, count, ratio[label]), label))
    spots.sort(key=lambda one: -one[0].events)
    kept = [one for place, one in enumerate(spots) if not _is_doublet(one[0], [spot for spot, _ in spots[:place]])]
    places = np.full(len(forward), -1, dtype=np.intp)
    for place, (_, label) in enumerate(kept):
        places[own == label] = place
    return [spot for spot, _ in kept], places


def _density(forward: Floats, classifier: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Return smoothed counts on a grid, and the flat bin of each event."""
    shape, places = [], []
    for values in (forward, classifier):
        place = ((values - values.min()) / BIN).astype(np.intp)
        shape.append(int(place.max()) + 1)
        places.append(place)
    flat = places[0] * shape[1] + places[1]
    grid = np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    width = SMOOTHING * max(1.0, AT_EVENTS / len(forward)) ** (1 / 6) / BIN
    reach = int(np.ceil(3 * width))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        padded = np.apply_along_axis(np.convolve, axis, grid, kernel)
        grid = padded[reach:-reach] if axis == 0 else padded[:, reach:-reach]
    return grid, flat


def _flood(density: Floats) -> tuple[NDArray[np.intp], dict[int, float]]:
    """Return the peak (its flat bin) that each bin belongs to, and each kept peak's ratio to its saddle.

    A peak whose ratio is below `SMALLEST_RATIO` is merged into the one that it meets.
    """
    rows, columns = density.shape
    flat = density.ravel()
    floor = 1e-3 * float(flat.max())
    order = np.argsort(-flat, kind="stable")
    order = order[flat[order] > floor]
    root = np.full(flat.size, -1, dtype=np.intp)
    merged: dict[int, int] = {}
    ratio: dict[int, float] = {}

    def peak_of(label: int) -> int:
        while label in merged:
            label = merged[label]
        return label

    steps = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]
    for place in order.tolist():
        row, column = divmod(place, columns)
        near = set()
        for i, j in steps:
            if 0 <= row + i < rows and 0 <= column + j < columns:
                label = int(root[place + i * columns + j])
                if label >= 0:
                    near.add(peak_of(label))
        if not near:
            root[place] = place
            ratio[place] = np.inf
            continue
        highest = max(near, key=lambda label: flat[label])
        root[place] = highest
        for label in near - {highest}:
            told = float(flat[label] / max(flat[place], floor))
            if told < SMALLEST_RATIO:
                merged[label] = highest
                ratio.pop(label)
            else:
                ratio[label] = min(ratio[label], told)
    basin = root.copy()
    for label in np.unique(root[root >= 0]).tolist():
        basin[root == label] = peak_of(label)
    return basin, ratio


def _is_compact(gaps: Floats) -> bool:
    """Tell whether events crowd about a spot, by how far those of its classifier lie from it in forward scatter."""
    far = np.abs(gaps)
    near, further = (far < NEAR).sum(), ((far > FURTHER[0]) & (far < FURTHER[1])).sum()
    return bool(near >= LEAST_CONTRAST * further)


def _is_doublet(spot: Spot, heavier: list[Spot]) -> bool:
    """Tell whether two heavier spots' beads, or two of one, look like this one when they pass together."""
    for i, one in enumerate(heavier):
        for other in heavier[i:]:
            gaps = (
                np.logaddexp(one.forward, other.forward) - spot.forward,
                np.logaddexp(one.classifier, other.classifier) - spot.classifier,
            )
            few = spot.events <= DOUBLET_MOST * min(one.events, other.events)
            if few and max(abs(gap) for gap in gaps) < DOUBLET_TOLERANCE:
                return True
    return False
