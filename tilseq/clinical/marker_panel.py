"""The protocol's panel of tumour markers, and the names that laboratories give them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from tilseq.errors import did_you_mean
from tilseq.lab_tests import plain_unit
from tilseq.tables.tumor_marker_course import CHECK_UNIT

SEPARATING = re.compile(r"[\s\-_./()]+")
# One unit written in several ways: the number is the same.
SAME_UNIT = {"ug/l": "ng/ml", "mcg/l": "ng/ml", "ku/l": "u/ml", "kiu/l": "u/ml", "iu/ml": "u/ml"}
FAR_FROM_USUAL = 3.0  # times the usual upper limit, or that part of it: another unit rather than another assay
# Of the upper limit: below it no assay counts, and above it hardly anybody has a marker.
LEAST_TIMES, MOST_TIMES = 0.01, 1000.0
MAY_BE_NONE = ("CA199", "CA50", "TG")  # of Lewis-negative people, and of those without a thyroid
LEAP = 300.0  # times, from one result of an assay to the next: a half-life of days needs months for it


@dataclass(frozen=True)
class Marker:
    """One marker of the panel.

    Attributes
    ----------
    name
        Its name in our tables.
    tumor_types
        Those whose panel it belongs to.
    unit, usual_upper_limit
        Usual unit and limit, against which a record's own are held; they never stand in for it.
    note
        What else changes it.
    """

    name: str
    tumor_types: tuple[str, ...]
    unit: str
    usual_upper_limit: float
    note: str


@cache
def marker_panel() -> Mapping[str, Marker]:
    """Return the markers of the panel by name, as `marker_panel.tsv` lists them."""
    return {row[1]: _marker(row[1]) for row in _lines()}


@cache
def _names() -> Mapping[str, str]:
    """Return every name and alias without its separators → the name of the marker."""
    return {_plain(alias): row[1] for row in _lines() for alias in (row[1], *row[2].split("; "))}


def marker_name(written: str) -> tuple[str, str | None]:
    """Return the name of a marker, and what must be said of a name that is not known.

    Upper and lower case, spaces, hyphens and dots are alike. A name that is not known stays as it is written, so that
    it mixes with nothing; that it is near to a known one is only said.

    >>> marker_name("ca 19-9"), marker_name("SCCA")
    (('CA199', None), ('SCC', None))
    """
    found = _names().get(_plain(written))
    if found is not None:
        return found, None
    near = did_you_mean(_plain(written), list(marker_panel()))
    return written.strip(), f"no marker of the panel; {near}" if near else "no marker of the panel"


def same_unit(unit: str | None) -> str | None:
    """Return a unit such that two ways to write one are alike: ng/mL is µg/L, U/mL is kU/L."""
    plain = None if unit is None else plain_unit(unit)
    return None if plain is None else SAME_UNIT.get(plain, plain)


def implausible(marker: Marker, unit: str | None, upper_limit: float | None) -> list[str]:
    """Return what is strange about the unit or the upper limit of a record of a marker."""
    if same_unit(unit) != same_unit(marker.unit):
        return [f"unit {unit or 'missing'}, usually {marker.unit}"]
    if upper_limit is None or upper_limit <= 0:
        return []
    times = upper_limit / marker.usual_upper_limit
    if 1 / FAR_FROM_USUAL <= times <= FAR_FROM_USUAL:
        return []
    return [f"upper limit {upper_limit:g}, usually {marker.usual_upper_limit:g} {marker.unit}: {CHECK_UNIT}"]


def hardly_a_value(test: str, times_upper_limit: float) -> bool:
    """Whether a result, as a multiple of its upper limit, is one that a marker of the panel hardly has."""
    least = 0.0 if test in MAY_BE_NONE else LEAST_TIMES
    return test in marker_panel() and not least <= times_upper_limit <= MOST_TIMES


def leapt(before: float, now: float) -> bool:
    """Whether two results of one assay, one after the other, differ as those in two units do."""
    return 0 < min(before, now) * LEAP <= max(before, now)


def _marker(name: str) -> Marker:
    rows = [row for row in _lines() if row[1] == name]
    _, _, _, unit, limit, note, _ = rows[0]
    return Marker(name, tuple(row[0] for row in rows), unit, float(limit), note)


@cache
def _lines() -> tuple[tuple[str, ...], ...]:
    text = files("tilseq.clinical").joinpath("marker_panel.tsv").read_text(encoding="utf-8")
    return tuple(tuple(line.split("\t")) for line in text.splitlines()[1:])


def _plain(name: str) -> str:
    return SEPARATING.sub("", name).casefold()
