"""Lesions on scans, and the response that the investigator writes down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

SITES = ("lung", "liver", "soft_tissue", "lymph_node", "adrenal")
SMALLEST_MEASURED_MM = 5


@dataclass(frozen=True)
class TumorKinetics:
    """How the tumour of one subject answers.

    Attributes
    ----------
    shrink_per_day, growth_per_day
        Mean rates of the part that dies and of the part that grows.
    new_lesion_day
        Day from which a scan shows a new lesion; None for never.
    """

    shrink_per_day: float
    growth_per_day: float
    new_lesion_day: int | None = None


@dataclass(frozen=True)
class Lesion:
    """One lesion as it truly is; for a node the diameter is the short axis."""

    lesion: str
    role: str
    site: str
    node: bool
    baseline_mm: float
    shrink_per_day: float
    growth_per_day: float

    def diameter_mm(self, days: int) -> float:
        """Return the true diameter a number of days after the baseline scan.

        Regression and growth at once: ``exp(-s t) + exp(g t) - 1`` times the diameter at baseline
        (Stein and others, Oncologist 2008;13:1046).
        """
        return self.baseline_mm * float(np.exp(-self.shrink_per_day * days) + np.exp(self.growth_per_day * days) - 1)


def draw_lesions(rng: np.random.Generator, kinetics: TumorKinetics) -> list[Lesion]:
    """Draw two to four target lesions, not two in one organ, and one non-target lesion."""
    targets = int(rng.integers(2, 5))
    sites = [SITES[i] for i in rng.permutation(len(SITES))[: targets + 1]]
    lesions = []
    for number, site in enumerate(sites):
        role = "target" if number < targets else "nontarget"
        smallest, largest = (18, 45) if role == "target" else (10, 14)
        shrink, growth = rng.lognormal(0, 0.1, 2) * (kinetics.shrink_per_day, kinetics.growth_per_day)
        name = f"T{number + 1}" if role == "target" else "NT1"
        node = site == "lymph_node"
        baseline = float(rng.uniform(smallest, largest))
        lesions.append(Lesion(name, role, site, node, baseline, float(shrink), float(growth)))
    return lesions


def scan(lesions: Sequence[Lesion], day: int, baseline_day: int, new_lesion_day: int | None) -> list[dict[str, object]]:
    """Return the rows that a reader writes about one scan: whole millimetres, 5 mm where hardly to be measured.

    Non-target lesions are described in words only, and so is a new lesion.
    """
    rows: list[dict[str, object]] = []
    for lesion in lesions:
        row: dict[str, object] = {
            "lesion": lesion.lesion,
            "role": lesion.role,
            "site": lesion.site,
            "node": lesion.node,
            "method": "CT",
        }
        if lesion.role == "target":
            row["diameter_mm"] = max(round(lesion.diameter_mm(day - baseline_day)), SMALLEST_MEASURED_MM)
        else:
            row["state"] = "present"
        rows.append(row)
    if new_lesion_day is not None and day >= new_lesion_day:
        rows.append({"lesion": "N1", "role": "new", "site": "bone", "node": False, "method": "CT", "state": "present"})
    return rows


def recorded_responses(scans: Mapping[int, Sequence[Mapping[str, object]]]) -> dict[int, str]:
    """Return the investigator's overall response at each scan after the first, by RECIST 1.1.

    Only for what `scan` gives: every target measured and none gone, non-target lesions neither gone nor progressed,
    whole millimetres. So neither CR nor NE can come about (Eisenhauer and others, Eur J Cancer 2009;45:228).

    Parameters
    ----------
    scans
        Day to rows; the first day is the baseline.
    """
    days = sorted(scans)
    sums = {day: sum(_millimetres(row) for row in scans[day] if row["role"] == "target") for day in days}
    responses = {}
    for number, day in enumerate(days[1:], start=1):
        nadir = min(sums[earlier] for earlier in days[:number])
        grown = 5 * sums[day] >= 6 * nadir and sums[day] - nadir >= 5
        if grown or any(row["role"] == "new" for row in scans[day]):
            responses[day] = "PD"
        else:
            responses[day] = "PR" if 10 * sums[day] <= 7 * sums[days[0]] else "SD"
    return responses


def _millimetres(row: Mapping[str, object]) -> int:
    diameter = row["diameter_mm"]
    if not isinstance(diameter, int):
        raise TypeError("a scan holds whole millimetres for every target")
    return diameter
