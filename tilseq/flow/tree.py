"""A tree of populations while it grows: cuts are found, recorded and applied here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from tilseq.flow.density import density, modes, next_valley, valley
from tilseq.flow.robust import MAD_TO_SD, centre_and_spread
from tilseq.flow.scatter import edge
from tilseq.flow.transform import arcsinh, square_root
from tilseq.flow.tube import Floats, Mask

# A viability dye's dim end is skewed; a valley nearer than this is not the one before the dead.
DEAD_SPREADS, BRIGHT_SPREADS = 3.0, 5.0
FALLBACK_SPREADS = 4.0
LEAST_REFERENCE = 50


@dataclass(frozen=True)
class Population:
    """Events of one population.

    Attributes
    ----------
    name, parent
        Its name and that of the population its share is of; the root has no parent.
    mask
        One boolean an event of the tube.
    """

    name: str
    parent: str | None
    mask: Mask

    @property
    def events(self) -> int:
        """How many events it holds."""
        return int(np.count_nonzero(self.mask))


@dataclass
class Tree:
    """Populations and cuts of one tube, found one after another.

    Attributes
    ----------
    sample
        Name of the tube.
    channels
        Marker → channel.
    values
        Marker → compensated linear values of all events.
    cofactors
        Marker → cofactor of its arcsinh scale; scatter has none.
    thresholds
        Gate → linear threshold that someone set.
    populations, cuts
        What is found so far; cuts are rows of the table `cuts`.
    """

    sample: str
    channels: Mapping[str, str]
    values: Mapping[str, Floats]
    cofactors: Mapping[str, float]
    thresholds: Mapping[str, float]
    populations: dict[str, Population] = field(default_factory=dict)
    cuts: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, parent: str | None, mask: Mask) -> None:
        """Add a population: the events of its parent that a mask lets through."""
        self.populations[name] = Population(name, parent, mask if parent is None else self.mask(parent) & mask)

    def mask(self, name: str) -> Mask:
        """Return the events of a population."""
        return self.populations[name].mask

    def over(self, marker: str) -> Mask:
        """Return the events above a marker's cut."""
        threshold = next(cut["threshold"] for cut in self.cuts if cut["gate"] == marker)
        return np.asarray(self.values[marker] > threshold)

    def scaled(self, marker: str, events: Mask) -> Floats:
        """Return a marker's values of some events on the scale on which cuts are sought."""
        values = self.values[marker][events]
        return arcsinh(values, self.cofactors[marker]) if marker in self.cofactors else square_root(values)

    def linear(self, marker: str, place: float) -> float:
        """Return the linear value of a place on a marker's scale."""
        return float(self.cofactors[marker] * np.sinh(place)) if marker in self.cofactors else max(place, 0.0) ** 2

    def find(self, marker: str, parent: str) -> bool:
        """Record a marker's cut in a population, as set or at the valley; tell whether there is one."""
        if self._set(marker, parent):
            return True
        found = valley(self.scaled(marker, self.mask(parent)))
        if found is None:
            return False
        self._record(marker, parent, found.threshold, found.separation, "valley")
        return True

    def beyond(self, marker: str, parent: str, negatives: Mask) -> bool:
        """Record a cut four standard deviations above the median of cells known to lack the marker.

        Tell whether there is one: it takes 50 such cells.
        """
        if np.count_nonzero(negatives) < LEAST_REFERENCE:
            return False
        middle, spread = centre_and_spread(self.scaled(marker, negatives))
        self._record(marker, parent, middle + FALLBACK_SPREADS * spread, None, "fallback")
        return True

    def find_dead(self, parent: str) -> float | None:
        """Record the cut between living cells and brighter dead ones.

        Living cells are the dimmer of the two most prominent modes, or the only one. Return None when there is a cut,
        otherwise the share of events that lie five standard deviations above the living ones all the same.
        """
        if self._set("viability", parent):
            return None
        values = self.scaled("viability", self.mask(parent))
        curve = density(values)
        if curve is None:
            return 0.0
        grid, height = curve
        living = float(grid[min(modes(height)[: 1 if valley(values) is None else 2])])
        # A step of the grid more, as values on the detector's floor can lie just above the mode that they make.
        spread = MAD_TO_SD * float(np.median(np.abs(living - values[values <= living + (grid[1] - grid[0])])))
        found = next_valley(values, living + DEAD_SPREADS * spread, above=True)
        if found is None:
            return float(np.mean(values > living + BRIGHT_SPREADS * spread))
        self._record("viability", parent, found.threshold, found.separation, "valley")
        return None

    def on_scale(self, parent: str) -> Mask:
        """Return the events of a population whose scatter is below the detector's end, where events pile up."""
        on_scale = self.mask(parent)
        for marker in ("FSC-A", "SSC-A"):
            values = self.values[marker]
            on_scale = on_scale & (values < values[self.mask(parent)].max())
        return on_scale

    def find_edge(self, marker: str, parent: str, t_cells: Mask, *, upper: bool) -> None:
        """Record where lymphocytes end on one channel, seen from T cells among the events on scale."""
        if not self._set(marker, parent):
            events = self.on_scale(parent)
            found = edge(self.scaled(marker, events), t_cells[events], upper=upper)
            self._record(marker, parent, found.threshold, found.separation, found.source)

    def _set(self, marker: str, parent: str) -> bool:
        if marker not in self.thresholds:
            return False
        self._row(marker, parent, float(self.thresholds[marker]), None, "settings")
        return True

    def _record(
        self, marker: str, parent: str, place: float, separation: float | None, source: Literal["valley", "fallback"]
    ) -> None:
        self._row(marker, parent, self.linear(marker, place), separation, source)

    def _row(self, marker: str, parent: str, threshold: float, separation: float | None, source: str) -> None:
        self.cuts.append(
            {
                "sample": self.sample,
                "gate": marker,
                "channel": self.channels[marker],
                "parent": parent,
                "threshold": threshold,
                "separation": separation,
                "source": source,
            }
        )
