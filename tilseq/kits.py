"""Bead-array kits as data, for the laboratory that finds their beads and the files that hold them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Role = Literal["forward", "side", "classifier", "reporter"]
ROLES: tuple[Role, ...] = ("forward", "side", "classifier", "reporter")
LATENT = re.compile(r"\btgf[- ]?(β|b(eta)?)[- ]?\d?\b", re.IGNORECASE)


def is_latent(analyte: str) -> bool:
    """Whether an analyte is latent in part, so that acid activation decides what of it is measured: TGF-β, by name."""
    return LATENT.search(analyte) is not None


@dataclass(frozen=True)
class KitBead:
    """One bead population of a kit.

    Attributes
    ----------
    analyte
        What it captures.
    size
        Its size group, one of the kit's.
    place
        Its place among the beads of its size, counted from 1, from the dimmest classifier dye up.
    classifier
        Relative brightness of the dye, in any unit that is the same for all beads of the kit; None where not told.
    top_pg_per_ml
        Concentration of the highest standard; None where not told.
    """

    analyte: str
    size: str
    place: int
    classifier: float | None
    top_pg_per_ml: float | None

    @property
    def population(self) -> str:
        """Size group and place, such as `small 3`."""
        return f"{self.size} {self.place}"


@dataclass(frozen=True)
class Kit:
    """A bead-array kit.

    Attributes
    ----------
    name
        What the plate sheet calls it.
    title
        What it is, in words.
    sizes
        Its size groups, from the least forward scatter up.
    beads
        Its bead populations, by size group and then from the dimmest classifier up.
    channels
        For each of `ROLES` the names of its channel ($PnN or $PnS), the first that a file has is taken.
    fold
        How many times weaker each standard is than the one above; None where not told.
    activation_dilution
        For a kit that measures a latent analyte: final over original volume of the acid activation (acid and
        neutraliser). Such a kit's wells must say whether they were activated. None for any other kit.
    """

    name: str
    title: str
    sizes: tuple[str, ...]
    beads: tuple[KitBead, ...]
    channels: Mapping[Role, tuple[str, ...]]
    fold: float | None
    activation_dilution: float | None

    @property
    def analytes(self) -> tuple[str, ...]:
        """Analytes in the order of the beads."""
        return tuple(bead.analyte for bead in self.beads)

    def of_size(self, size: str) -> tuple[KitBead, ...]:
        """Return the beads of one size, from the dimmest classifier up."""
        return tuple(bead for bead in self.beads if bead.size == size)
