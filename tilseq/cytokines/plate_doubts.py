"""What is odd with the standards of a whole plate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tilseq.cytokines.limits import Level
from tilseq.cytokines.standards import Standard
from tilseq.kits import LEVEL, Kit

CLEARLY = 3.0  # standard deviations
MOST_APART = 0.8  # of the difference of ln signal between two levels: wells of one of them
BY_CHANCE = 5.0  # times what wells of half of the levels differ by
EXCHANGED = "wells of {} differ as two levels do: one of them exchanged with another well?"
SAME = 2.0  # factor within which a level is that of the kit's series
FEWEST_APART = 2  # levels that are not the kit's: of one, its wells tell
ROUNDED = 1.05  # factor within which multiples are one, of concentrations that a sheet rounds


def brighter_blanks(standards: Mapping[str, Standard], level_of: NDArray[np.intp], names: Sequence[str]) -> list[str]:
    """Return what is told of levels that shine clearly less than the blanks.

    Of one analyte beads seldom tell the lowest standard from a blank; all analytes together do (Stouffer's sum of
    their standardised differences). Their error is that of the beads, or what wells of one content differ by where
    that is more: the spread of the fitted curves does not serve, as exchanged wells widen it.

    Parameters
    ----------
    standards
        By analyte.
    level_of
        Level of each standard well of the plate, -1 for a blank.
    names
        Of the levels, from the top down.
    """
    told = []
    for place, name in enumerate(names):
        both = [_wells_of(one, level_of, place) for one in standards.values()]
        if _standardised([pair for pair in both if all(wells.any() for _, wells in pair)]) < -CLEARLY:
            told.append(f"{name} shines less than the blanks: wells exchanged, or is the sheet wrong?")
    return told


def _wells_of(one: Standard, level_of: NDArray[np.intp], place: int) -> list[tuple[Standard, NDArray[np.bool_]]]:
    """Return which wells of one analyte are of a level, and which are blanks."""
    return [(one, level_of[one.wells] == place), (one, np.isneginf(one.log_conc))]


def _standardised(both: Sequence[Sequence[tuple[Standard, NDArray[np.bool_]]]]) -> float:
    """Return by how many standard deviations a level shines more than the blanks, all analytes together."""
    groups = [one.log_signal[wells] for pair in both for one, wells in pair]
    freedom = sum(len(group) - 1 for group in groups)
    within = sum(float(np.sum((group - group.mean()) ** 2)) for group in groups) / max(freedom, 1)
    each = []
    for pair in both:
        (level, blank) = (float(one.log_signal[wells].mean()) for one, wells in pair)
        variance = sum(max(float(np.mean(one.se[wells] ** 2)), within) / wells.sum() for one, wells in pair)
        each.append((level - blank) / np.sqrt(variance))
    return float(sum(each) / np.sqrt(len(each))) if each else 0.0


def exchanged_wells(levels: Mapping[str, Sequence[Level]]) -> list[int]:
    """Return the places of levels whose wells differ nearly as much as the curve does to the next level.

    Most analytes must say so, as a well that was filled from another level is one for all; of single ones wells differ
    by chance. The flat ends of a curve tell nothing: there wells of one content differ as much. What these differ
    by is told by half of the levels, as the very well that is sought widens the spread of the plate.

    Parameters
    ----------
    levels
        What the curve of each analyte gives back, from the top down.
    """
    replicated = Counter(level.place for own in levels.values() for level in own if level.wells > 1)
    apart = Counter(place for own in levels.values() for place in _apart(own))
    return sorted(place for place, analytes in replicated.items() if 2 * apart[place] > analytes)


def _apart(levels: Sequence[Level]) -> list[int]:
    """Return the places of levels whose wells differ, by one analyte, as those of two levels do."""
    ranges = [level.log_apart for level in levels if level.wells > 1]
    usual = BY_CHANCE * float(np.median(ranges)) if ranges else 0.0
    signals = [np.inf, *(level.log_signal for level in levels), -np.inf]
    falls = -np.diff(signals)
    return [
        level.place
        for level, step in zip(levels, np.minimum(falls[:-1], falls[1:]), strict=True)
        if level.log_apart > max(MOST_APART * step, usual, CLEARLY * np.sqrt(2) * level.log_se)
    ]


def left_out(held: Mapping[str, Mapping[str, float | None]], kit: Kit | None) -> list[str]:
    """Return what is told of standards of the kit's series that no well of the plate holds.

    Nothing is told where levels are named or diluted otherwise than in the kit.

    Parameters
    ----------
    held
        By name of each level of the plate, pg/mL that it should hold of each analyte.
    kit
        That of the plate; None where it is not known.
    """
    if kit is None or kit.levels is None or not held or not all(_of_series(kit, *level) for level in held.items()):
        return []
    numbers = {int(found[1]) for name in held if (found := LEVEL.fullmatch(name))}
    letters = next(iter(held)).rstrip("0123456789")
    missing = [f"{letters}{number}" for number in range(kit.levels, 0, -1) if number not in numbers]
    return [f"no well holds {', '.join(missing)} of kit {kit.name}"] if missing else []


def multiplied(held: Mapping[str, Mapping[str, float | None]], kit: Kit | None) -> list[str]:
    """Return what is told of standards that all hold one multiple of what the kit has at their levels.

    A lot differs from its kit by less than `SAME`. All concentrations of the plate are such a multiple too, and the
    curves fit as well as before.

    Parameters
    ----------
    held, kit
        As for `left_out`.
    """
    if kit is None:
        return []
    both = [pair for level in held.items() for pair in _beside_kit(kit, *level)]
    factors = [told / wanted for told, wanted in both if told and wanted]
    if len(factors) < max(len(both), 1) or max(factors) > ROUNDED * min(factors):
        return []
    factor = float(np.median(factors))
    if 1 / SAME <= factor <= SAME:
        return []
    return [f"standards hold {factor:.3g} times what kit {kit.name} has at their levels: is the sheet right?"]


def other_series(held: Mapping[str, Mapping[str, float | None]], kit: Kit | None) -> list[str]:
    """Return what is told of standards of another series than the kit's: of another fold, or with another top.

    Another series is no fault, but the kit's with a wrong fold or unit looks the same, and the curves fit as well.
    Where levels bear names of their own, or count down, the highest alone can be held against the kit's.

    Parameters
    ----------
    held, kit
        As for `left_out`, from the top down.
    """
    if kit is None or multiplied(held, kit):
        return []
    named = [kit.nominal(kit.analytes[0], name) or 0.0 for name in held]
    if all(named) and named == sorted(named, reverse=True):
        what, fewest = "standards hold {} times what kit {} has at their levels", FEWEST_APART
        levels = [_beside_kit(kit, *level) for level in held.items()]
    else:
        what, fewest = "the highest standards hold {} times what those of kit {} do", 1
        levels = [_tops(held, kit)]
    factors = [[told / wanted for told, wanted in level if told and wanted] for level in levels]
    apart = [own for own in factors if own and not 1 / SAME <= min(own) <= max(own) <= SAME]
    if len(apart) < fewest:
        return []
    every = sorted(factor for own in factors for factor in own)
    times = f"{every[0]:.3g}" if every[-1] <= ROUNDED * every[0] else f"{every[0]:.3g} to {every[-1]:.3g}"
    return [f"{what.format(times, kit.name)}: is the sheet right?"]


def _tops(held: Mapping[str, Mapping[str, float | None]], kit: Kit) -> list[tuple[float | None, float | None]]:
    """Return what the highest standard of each analyte holds, and what the kit's does."""
    return [
        (max((level.get(bead.analyte) or 0.0 for level in held.values()), default=None), bead.top_pg_per_ml)
        for bead in kit.beads
    ]


def _of_series(kit: Kit, name: str, held: Mapping[str, float | None]) -> bool:
    """Tell whether a level holds about what the kit has at that name."""
    return all(told and wanted and 1 / SAME < told / wanted < SAME for told, wanted in _beside_kit(kit, name, held))


def _beside_kit(kit: Kit, name: str, held: Mapping[str, float | None]) -> list[tuple[float | None, float | None]]:
    """Return what a level holds of each analyte, and what the kit has at that name."""
    return [(told, kit.nominal(analyte, name)) for analyte, told in held.items()]
