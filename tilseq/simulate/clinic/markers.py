"""Serum tumour markers: the protocol's panel of each tumour type, some of them following the tumour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tilseq.simulate.clinic.labs import written
from tilseq.simulate.clinic.lesions import FIRST_DAY

Floats = NDArray[np.float64]
Row = dict[str, object]

# The protocol's panel of each tumour type; `other` takes CEA and CA199.
PANELS = {
    "melanoma": ("CA50", "CA199", "CEA"),
    "cervical": ("CA125", "SCC", "CA199"),
    "ovarian": ("CA125", "SCC", "CA199"),
    "nsclc": ("CYFRA21-1", "SCC", "CEA"),
    "head_and_neck": ("CEA", "TG", "SCC"),
    "other": ("CEA", "CA199"),
}


@dataclass(frozen=True)
class Kind:
    """What is known of a marker.

    Attributes
    ----------
    unit, lower, upper
        Unit and usual limits: CEA 5, CYFRA 21-1 3.3, SCC 1.5 ng/mL, CA125 35, CA19-9 37 U/mL are customary;
        CA50 25 U/mL and thyroglobulin 1.4-78 ng/mL are round figures.
    usual, spread
        Median of what healthy tissue gives, and SD of its natural logarithm between subjects: round figures.
    secreted_per_ml
        Median rise per ml of living tumour where the tumour makes it: round figure.
    half_life_days
        Of its clearance: round figure (CA125 and CA19-9 some days, SCC and CYFRA hours).
    decimals, least, most
        How it is written, and what the assay can tell.
    """

    unit: str
    lower: float
    upper: float
    usual: float
    spread: float
    secreted_per_ml: float
    half_life_days: float
    decimals: int
    least: float
    most: float


KINDS = {
    "CA125": Kind("U/mL", 0.0, 35.0, 12.0, 0.40, 6.0, 6.0, 1, 2.0, 5000.0),
    "CA199": Kind("U/mL", 0.0, 37.0, 8.0, 0.60, 3.0, 5.0, 1, 0.6, 12000.0),
    "CA50": Kind("U/mL", 0.0, 25.0, 6.0, 0.50, 2.0, 5.0, 1, 0.5, 500.0),
    "CEA": Kind("ng/mL", 0.0, 5.0, 1.8, 0.50, 0.5, 3.0, 2, 0.5, 1500.0),
    "CYFRA21-1": Kind("ng/mL", 0.0, 3.3, 1.6, 0.35, 0.25, 0.5, 2, 0.3, 500.0),
    "SCC": Kind("ng/mL", 0.0, 1.5, 0.7, 0.35, 0.10, 0.5, 2, 0.1, 70.0),
    "TG": Kind("ng/mL", 1.4, 78.0, 12.0, 0.80, 0.0, 3.0, 1, 0.2, 500.0),
}
# Share of subjects whose tumour makes the marker, by tumour type: round figures; elsewhere `SECRETING_ELSEWHERE`.
SECRETING = {
    ("ovarian", "CA125"): 0.80,
    ("ovarian", "CA199"): 0.25,
    ("cervical", "SCC"): 0.60,
    ("cervical", "CA125"): 0.25,
    ("nsclc", "CYFRA21-1"): 0.60,
    ("nsclc", "CEA"): 0.50,
    ("nsclc", "SCC"): 0.25,
    ("head_and_neck", "SCC"): 0.40,
    ("head_and_neck", "CEA"): 0.10,
    ("head_and_neck", "TG"): 0.0,
}
SECRETING_ELSEWHERE = 0.05
SECRETION_SPREAD = 0.9  # SD of the natural logarithm between tumours: round figure
DAY_CV = 0.12  # within a subject, assay included; two values of CA125 differ truly from 34 % on, that is 2.8 such CVs
# Slow drift of the healthy level, a sine of the day: amplitude of the logarithm, days of a radian.
WANDER_SPREAD, WANDER_DAYS = 0.10, 60
LEWIS_NEGATIVE_SHARE = 0.07  # make no CA19-9; 5-10 %
SKIN_SHARE, SKIN_FACTOR = 0.08, 2.5  # skin disease raises SCC without a tumour: round figures
PERITONEUM_DAYS = ((-45, 2.0), (4, 1.6))  # surgery and leaking capillaries raise CA125: day and factor at most
PERITONEUM_FADES_DAYS = 12.0
NEW_ASSAY_SHARE = 0.08  # of subjects whose laboratory changes an assay in the study: round figure
NEW_ASSAY_SPREAD, NEW_ASSAY_DAYS = 0.22, (20, 200)
NEW_ASSAY_LIMIT = 0.92  # its upper limit, as a share of the old one


@dataclass(frozen=True)
class Marker:
    """One marker of a subject.

    Attributes
    ----------
    test
        Name, one of `KINDS`.
    follows_tumor
        The tumour makes it.
    lewis_negative
        The subject cannot make it at all.
    new_assay_day, new_assay_factor
        From which day another assay is used and what its values are to those of the old one; None for never.
    values
        True value per day from `FIRST_DAY`, in the unit and scale of the first assay.
    noise
        Two standard normals per day: what the laboratory makes of it.
    """

    test: str
    follows_tumor: bool
    lewis_negative: bool
    new_assay_day: int | None
    new_assay_factor: float
    values: Floats
    noise: Floats


def draw_markers(rng: np.random.Generator, tumor_type: str, viable_ml: Floats) -> list[Marker]:
    """Draw the markers of a subject's panel.

    A marker is what healthy tissue gives, drifting slowly, and what living tumour gives where it secretes it, cleared
    with the marker's half-life. CA125 also rises by surgery and capillary leakage, SCC by skin disease.

    Parameters
    ----------
    rng
        Stream of the subject's markers.
    tumor_type
        One of `PANELS`.
    viable_ml
        Living tumour in ml, per day from `FIRST_DAY`.
    """
    panel = PANELS[tumor_type]
    lewis_negative = bool(rng.random() < LEWIS_NEGATIVE_SHARE)
    normal, chance = rng.standard_normal((len(panel), 4)), rng.random((len(panel), 4))
    noise = rng.standard_normal((len(viable_ml), len(panel), 2))  # last, so that a longer trial changes nothing else
    return [
        _marker(test, tumor_type, viable_ml, lewis_negative, normal[i], chance[i], noise[:, i])
        for i, test in enumerate(panel)
    ]


def marker_rows(subject: str, markers: Iterable[Marker], days: Iterable[int]) -> list[Row]:
    """Return rows of table `tumor_markers` for some days; those of a day do not depend on the other days.

    Below the assay's range a value is written ``<0.6``, above it ``>500``.
    """
    rows: list[Row] = []
    days = sorted(set(days))
    for marker in markers:
        kind = KINDS[marker.test]
        for day in days:
            error, scale = marker.noise[day - FIRST_DAY].tolist()
            value = marker.values[day - FIRST_DAY] * np.exp(DAY_CV * np.exp(0.3 * scale - 0.09) * error)
            changed = marker.new_assay_day is not None and day >= marker.new_assay_day
            value = float(value) * (marker.new_assay_factor if changed else 1.0)
            rows.append(
                {
                    "subject": subject,
                    "day": day,
                    "test": marker.test,
                    "value_text": f">{kind.most:g}" if value > kind.most else written(value, kind.decimals, kind.least),
                    "unit": kind.unit,
                    "lower_limit": kind.lower,
                    "upper_limit": round(kind.upper * NEW_ASSAY_LIMIT, 1) if changed else kind.upper,
                }
            )
    return rows


def true_marker_rows(subject: str, markers: Iterable[Marker], days: Iterable[int]) -> list[Row]:
    """Return the truth: `subject, day, test, value, follows_tumor, lewis_negative, new_assay_day, new_assay_factor`.

    `value` is in the scale of the first assay; the factor is 1 and the day empty where no assay changes.
    """
    days = sorted(set(days))
    return [
        {
            "subject": subject,
            "day": day,
            "test": marker.test,
            "value": float(marker.values[day - FIRST_DAY]),
            "follows_tumor": marker.follows_tumor,
            "lewis_negative": marker.lewis_negative,
            "new_assay_day": marker.new_assay_day,
            "new_assay_factor": marker.new_assay_factor,
        }
        for marker in markers
        for day in days
    ]


def _marker(
    test: str,
    tumor_type: str,
    viable_ml: Floats,
    lewis_negative: bool,
    normal: Floats,
    chance: Floats,
    noise: Floats,
) -> Marker:
    kind = KINDS[test]
    level, secretion, factor, phase = normal.tolist()
    secretes, changes, when, skin = chance.tolist()
    follows = secretes < SECRETING.get((tumor_type, test), SECRETING_ELSEWHERE)
    none = test == "CA199" and lewis_negative
    days = np.arange(FIRST_DAY, FIRST_DAY + len(viable_ml))
    healthy = kind.usual * np.exp(kind.spread * level + WANDER_SPREAD * np.sin(days / WANDER_DAYS + 3 * phase))
    if test == "SCC" and skin < SKIN_SHARE:
        healthy = healthy * SKIN_FACTOR
    if test == "CA125":
        healthy = healthy * _peritoneum(days)
    per_ml = kind.secreted_per_ml * float(np.exp(SECRETION_SPREAD * secretion))
    values = healthy + (per_ml * _cleared(viable_ml, kind.half_life_days) if follows else 0.0)
    changed = changes < NEW_ASSAY_SHARE
    first, last = NEW_ASSAY_DAYS
    return Marker(
        test,
        follows and not none,
        none,
        first + int(when * (last - first)) if changed else None,
        float(np.exp(NEW_ASSAY_SPREAD * factor)) if changed else 1.0,
        np.zeros(len(days)) if none else values,
        noise,
    )


def _peritoneum(days: NDArray[np.int64]) -> Floats:
    factor = np.ones(len(days))
    for day, most in PERITONEUM_DAYS:
        factor += (most - 1) * np.where(days >= day, np.exp(-np.maximum(days - day, 0) / PERITONEUM_FADES_DAYS), 0.0)
    return factor


def _cleared(volume: Floats, half_life_days: float) -> Floats:
    """Return the volume as the marker shows it: what was made on a day leaves with the marker's half-life."""
    left, shown, level = 0.5 ** (1 / half_life_days), np.empty(len(volume)), float(volume[0])
    for day, value in enumerate(volume.tolist()):
        level = left * level + (1 - left) * value
        shown[day] = level
    return shown
