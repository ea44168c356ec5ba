"""A tree of populations while it grows: cuts are found, recorded and applied here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from tilseq.errors import AnalysisError
from tilseq.flow.cut_ends import cut_ends
from tilseq.flow.density import Density, Valley, density, modes, next_valley, valley
from tilseq.flow.robust import MAD_TO_SD, centre_and_spread, median
from tilseq.flow.scatter import NONE_BESIDE, Beside
from tilseq.flow.transform import arcsinh, square_root
from tilseq.flow.tube import Floats, Mask
from tilseq.populations import Rule

Source = Literal["valley", "fallback", "settings", "cohort"]

# A viability dye's dim end is skewed; a valley nearer than this is not the one before the dead.
DEAD_SPREADS, BRIGHT_SPREADS = 3.0, 5.0
FALLBACK_SPREADS, EITHER_WAY_SPREADS = 4.0, 1.0
LEAST_REFERENCE = 50
CLEAR_SEPARATION = 0.5
MOST_BETWEEN_CUTS = 0.02
WHERE_SET = "set analysis.flow.sample_thresholds in study.yaml, or thresholds of the panel file for flow count --panel"


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

    @cached_property
    def events(self) -> int:
        """How many events it holds."""
        return int(np.count_nonzero(self.mask))


class Cut(NamedTuple):
    """A threshold of one marker within one population, on the compensated linear scale.

    Attributes
    ----------
    marker, parent
        Marker, and the population in which the threshold parts it.
    threshold
        Cells above it bear the marker.
    lower, upper
        Thresholds between which it could as well lie; None where someone set it.
    separation
        1 - valley / lower peak of the density, None where no valley was found.
    source
        Where it comes from.
    close
        Of a valley the thresholds closer by that populations use which are small beside others, see `cut_ends`.
    """

    marker: str
    parent: str
    threshold: float
    lower: float | None
    upper: float | None
    separation: float | None
    source: Source
    close: tuple[float, float] | None = None


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
        Marker → linear threshold that someone set.
    borrowed
        Marker and parent → cut of other tubes, which takes the place of one that is not clear.
    populations, cuts
        What is found so far; cuts by marker and parent.
    away
        Spreads that each event lies from the middle of the lymphocytes' region; None where there is no region.
    far_from_others
        Events well within the region of the lymphocytes, by which the cuts of lymphocytes are found.
    beside_singlets
        Events beside the band of single cells.
    """

    sample: str
    channels: Mapping[str, str]
    values: Mapping[str, Floats]
    cofactors: Mapping[str, float]
    thresholds: Mapping[str, float]
    borrowed: Mapping[tuple[str, str], Cut] = field(default_factory=dict)
    populations: dict[str, Population] = field(default_factory=dict)
    cuts: dict[tuple[str, str], Cut] = field(default_factory=dict)
    away: Floats | None = None
    far_from_others: Mask | None = None
    beside_singlets: Beside = NONE_BESIDE

    def add(self, name: str, parent: str | None, mask: Mask) -> None:
        """Add a population: the events of its parent that a mask lets through."""
        self.populations[name] = Population(name, parent, mask if parent is None else self.mask(parent) & mask)

    def add_by_rule(self, name: str, rule: Rule) -> bool:
        """Add a population by its signs, as far as there are cuts for them; tell whether there are."""
        mask = self.by_rule(rule, self.mask(rule.parent))
        if mask is None:
            return False
        self.populations[name] = Population(name, rule.parent, mask)
        return True

    def by_rule(self, rule: Rule, among: Mask) -> Mask | None:
        """Return which of some events have the signs of a rule, as far as there are cuts for them; None without."""
        mask = among.copy()
        for condition in rule.conditions:
            signs = [sign for sign in condition if (sign.marker, rule.parent) in self.cuts]
            if not signs:
                return None
            over = [self.over(sign.marker, rule.parent) == sign.positive for sign in signs]
            mask &= np.logical_or.reduce(over)
        return mask

    def mask(self, name: str) -> Mask:
        """Return the events of a population."""
        return self.populations[name].mask

    def core(self, name: str) -> Mask:
        """Return the events of a population by which its cuts are found: of lymphocytes those far from other cells."""
        mask, above = self.mask(name), name
        while above != "lymphocytes":
            parent = self.populations[above].parent
            if parent is None:
                return mask
            above = parent
        return mask if self.far_from_others is None else mask & self.far_from_others

    def over(self, marker: str, parent: str) -> Mask:
        """Return the events, of all, above a marker's cut."""
        return np.asarray(self.values[marker] > self.cuts[marker, parent].threshold)

    def scaled(self, marker: str, events: Mask) -> Floats:
        """Return a marker's values of some events on the scale on which cuts are sought."""
        values = np.compress(events, self.values[marker])
        return arcsinh(values, self.cofactors[marker]) if marker in self.cofactors else square_root(values)

    def linear(self, marker: str, place: float) -> float:
        """Return the linear value of a place on a marker's scale."""
        return float(self.cofactors[marker] * np.sinh(place)) if marker in self.cofactors else max(place, 0.0) ** 2

    def find(self, marker: str, parent: str) -> bool:
        """Record a marker's cut in a population: as set, at the valley, or borrowed; tell whether there is one.

        One that is there already, as that of living cells, stays.

        A valley of a separation of at least 0.5 between the modes that other tubes part, too, comes before a borrowed
        cut, any other behind.
        """
        if (marker, parent) in self.cuts or self.set_by_hand(marker, parent):
            return True
        values = self.scaled(marker, self.core(parent))
        curve = density(values)
        found = None if curve is None else valley(values, curve)
        lent = self.borrowed.get((marker, parent))
        if lent is not None and not (found and found.separation >= CLEAR_SEPARATION and self.agrees(found, lent)):
            self.cuts[marker, parent] = lent
        elif found is not None and curve is not None:
            self._record(marker, parent, curve, found)
        return (marker, parent) in self.cuts

    def agrees(self, found: Valley, lent: Cut) -> bool:
        """Tell whether a cut of other tubes parts the same two modes as a valley.

        Where it does not, as among NK cells and monocytes of a tube without T cells, other tubes take both modes for
        one side, and the valley is not the marker's.
        """
        return self.linear(lent.marker, found.left) < lent.threshold < self.linear(lent.marker, found.right)

    def beyond(self, marker: str, parent: str, negatives: Mask) -> bool:
        """Record a cut four standard deviations above the median of cells known to lack the marker.

        Tell whether there is one: it takes 50 such cells.
        """
        if np.count_nonzero(negatives) < LEAST_REFERENCE:
            return False
        middle, spread = centre_and_spread(self.scaled(marker, negatives))
        place, either_way = middle + FALLBACK_SPREADS * spread, EITHER_WAY_SPREADS * spread
        threshold, lower, upper = (self.linear(marker, end) for end in (place, place - either_way, place + either_way))
        self.cuts[marker, parent] = Cut(marker, parent, threshold, lower, upper, None, "fallback")
        return True

    def find_dead(self, parent: str) -> bool:
        """Record the cut between living cells and brighter dead ones; tell whether there is one.

        It is the first valley three standard deviations or more above the living cells. Where more than 2 % of events
        lie between it and the cut of other tubes, as where monocytes shine by themselves and outnumber lymphocytes,
        theirs is borrowed.
        """
        if self.set_by_hand("viability", parent):
            return True
        values = self.scaled("viability", self.mask(parent))
        curve = density(values)
        if curve is None:
            return False
        living, spread = self._living(values, curve)
        found = next_valley(values, living + DEAD_SPREADS * spread, above=True, curve=curve)
        if found is None:
            return False
        self._record("viability", parent, curve, found)
        lent = self.borrowed.get(("viability", parent))
        if lent is not None:
            ends = sorted((self.cuts["viability", parent].threshold, lent.threshold))
            linear = self.values["viability"][self.mask(parent)]
            if np.mean((linear > ends[0]) & (linear <= ends[1])) > MOST_BETWEEN_CUTS:
                self.cuts["viability", parent] = lent
        return True

    def share_of_bright(self, parent: str) -> float:
        """Return the share of events that lie five standard deviations above the living ones."""
        values = self.scaled("viability", self.mask(parent))
        curve = density(values)
        if curve is None:
            return 0.0
        living, spread = self._living(values, curve)
        return float(np.mean(values > living + BRIGHT_SPREADS * spread))

    def _living(self, values: Floats, curve: Density) -> tuple[float, float]:
        """Return mode and standard deviation of living cells, the dimmer of the two most prominent modes or the one."""
        living = float(curve.grid[min(modes(curve.height)[: 1 if valley(values, curve) is None else 2])])
        # A part of a bandwidth more, as values on the detector's floor can lie just above the mode that they make.
        below = np.compress(values <= living + curve.bandwidth / 4, values)
        below -= living
        return living, MAD_TO_SD * float(median(np.abs(below, out=below)))

    def not_parted(self, marker: str, parent: str) -> AnalysisError:
        """Return the error that a needed marker has no cut."""
        values = self.values[marker][self.mask(parent)]
        places = ""
        if values.size:
            numbers = ", ".join(f"{place:.6g}" for place in np.percentile(values, (1, 50, 99)))
            places = f"; the channel's 1st, 50th and 99th percentile on the linear scale are {numbers}"
        return AnalysisError(
            f"{marker}+ and {marker}- events cannot be told apart among {parent}",
            column=self.channels[marker],
            found="no valley" if values.size else f"no event among {parent}",
            expected="two populations",
            mend=f"for {marker}, {WHERE_SET}{places}"
            if values.size or not self.thresholds
            else self.other_thresholds(),
        )

    def other_thresholds(self) -> str:
        """Return the mend where thresholds that someone set leave no cells."""
        told = ", ".join(f"{marker} {value:.6g}" for marker, value in self.thresholds.items())
        return f"mend the thresholds that are set: {told}"

    def on_scale(self, parent: str) -> Mask:
        """Return the events of a population whose scatter is below the detector's end, where events pile up."""
        on_scale = self.mask(parent)
        for marker in ("FSC-A", "SSC-A"):
            on_scale = on_scale & (self.values[marker] < self.largest(marker, parent))
        return on_scale

    def largest(self, marker: str, parent: str) -> float:
        """Return the largest value of a marker in a population that holds an event."""
        values, mask = self.values[marker], self.mask(parent)
        largest = values.max()
        own = (mask & (values == largest)).any()  # most often; not if it is NaN, which is in none
        return float(largest if own else np.compress(mask, values).max())

    def set_by_hand(self, marker: str, parent: str) -> bool:
        """Record a cut that someone set; tell whether there is one."""
        if marker not in self.thresholds:
            return False
        self.cuts[marker, parent] = Cut(marker, parent, self.thresholds[marker], None, None, None, "settings")
        return True

    def _record(self, marker: str, parent: str, curve: Density, found: Valley) -> None:
        threshold = self.linear(marker, found.threshold)
        wide, close = (
            (self.linear(marker, lower), self.linear(marker, upper)) for lower, upper in cut_ends(curve, found)
        )
        self.cuts[marker, parent] = Cut(marker, parent, threshold, *wide, found.separation, "valley", close)
