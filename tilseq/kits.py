"""Bead-array kits as data, for the laboratory that finds their beads and the files that hold them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tilseq.errors import AnalysisError

Role = Literal["forward", "side", "classifier", "reporter"]
ROLES: tuple[Role, ...] = ("forward", "side", "classifier", "reporter")
LEVEL = re.compile(r"[A-Za-z]*0*(\d+)")
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
    levels
        How many standards lie above the blank: with 7 the highest is C7; None where not told.
    """

    name: str
    title: str
    sizes: tuple[str, ...]
    beads: tuple[KitBead, ...]
    channels: Mapping[Role, tuple[str, ...]]
    fold: float | None
    activation_dilution: float | None
    levels: int | None = None

    @property
    def analytes(self) -> tuple[str, ...]:
        """Analytes in the order of the beads."""
        return tuple(bead.analyte for bead in self.beads)

    def of_size(self, size: str) -> tuple[KitBead, ...]:
        """Return the beads of one size, from the dimmest classifier up."""
        return tuple(bead for bead in self.beads if bead.size == size)

    def nominal(self, analyte: str, level: str) -> float | None:
        """Return what a standard should hold of an analyte by the kit's series.

        Parameters
        ----------
        analyte
            One of the kit's.
        level
            Such as C7; its number counts from 0, the blank, up to the kit's highest.

        Returns
        -------
        float or None
            pg/mL, 0 for a blank; None where the kit does not tell, or has no such level.
        """
        found = LEVEL.fullmatch(level)
        top = next((bead.top_pg_per_ml for bead in self.beads if bead.analyte == analyte), None)
        if found is None or top is None or self.fold is None or self.levels is None or int(found[1]) > self.levels:
            return None
        return top / self.fold ** (self.levels - int(found[1])) if int(found[1]) else 0.0


def refuse_unnamed(kits: object) -> None:
    """Refuse kits that are not given by the names that a sheet gives them.

    Raises
    ------
    AnalysisError
        They are a kit, a list or the like, or one of them is no kit.
    """
    strange = [kit for kit in kits.values() if not isinstance(kit, Kit)] if isinstance(kits, Mapping) else [kits]
    if strange:
        found, mend = type(strange[0]).__name__, "write {kit.name: kit}; `ts.io.read_kits()` gives those that ship"
        raise AnalysisError(
            "kits are given by their names", column="kits", found=found, expected="name → Kit", mend=mend
        )


def refuse_no_kit(kit: object) -> None:
    """Refuse what is no kit, as the name of one.

    Raises
    ------
    AnalysisError
        It is none.
    """
    if not isinstance(kit, Kit):
        mend = "read it first: `ts.io.read_kit('multiplex')`"
        raise AnalysisError("this is no kit", column="kit", found=type(kit).__name__, expected="a Kit", mend=mend)
