"""Until when a subject lives and is seen, when the tumour truly progresses, and what treatment comes next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tilseq.simulate.clinic.lesions import FIRST_DAY, SIZES_DAY, Disease, Floats
from tilseq.simulate.clinic.scans import NEW_MM, NORMAL_NODE_MM, UNEQUIVOCAL_FACTOR, UNEQUIVOCAL_MM, Planned

Row = dict[str, object]

# Deaths. Round figures, set with those of `lesions` to a median survival as trials of TIL report it.
TUMOR_HAZARD = 0.0016  # per day at the reference burden
REFERENCE_MM = 150.0
HAZARD_POWER = 1.8
FRAILTY_SHAPE = 2.0  # of the gamma-distributed factor between subjects, whose mean is 1
TREATMENT_HAZARD, TREATMENT_DAYS = 0.0008, 30  # per day, after the infusion: about 2 % die of the treatment
OTHER_HAZARD = 0.00003  # per day: about 1 % a year
UNKNOWN_SHARE = 0.06  # of known deaths whose cause is not written down

LOST_PER_DAY = 0.00015  # about 5 % a year
CONTACT_DAYS = 28  # the last contact before the data cut is at most so long ago

# What follows a recorded progression; round figures.
NEXT_SHARE, EARLY_SHARE = 0.55, 0.02  # of subjects with it, of subjects without
THERAPIES = ("chemotherapy", "anti-PD-1", "kinase inhibitor", "radiotherapy", "investigational agent")


@dataclass(frozen=True)
class Fate:
    """What becomes of a subject.

    Attributes
    ----------
    death_day, death_cause
        True day of death, after the data cut too, and true cause (`tumor`, `treatment`, `other`); None where the
        subject outlives the simulated days.
    known_death
        The death stands in the data: it comes before the data cut and before the subject is lost.
    last_alive_day
        Last day on which anything is seen of the subject.
    data_cut_day
        Day of the data cut.
    recorded_cause
        Cause as the site writes it: `tumor`, `other` or `unknown`; None for a death not known.
    """

    death_day: int | None
    death_cause: str | None
    known_death: bool
    last_alive_day: int
    data_cut_day: int
    recorded_cause: str | None


def draw_fate(rng: np.random.Generator, disease: Disease, data_cut_day: int) -> Fate:
    """Draw death, loss to follow-up and last contact of a subject who is alive at the infusion.

    The hazard of a death from the tumour is ``0.0016 z (burden / 150 mm)^1.8`` a day, with z gamma-distributed (mean 1,
    shape 2) between subjects; that of the treatment holds for 30 days, any other always.

    Parameters
    ----------
    rng
        Stream of the subject's fate.
    disease
        The true lesions.
    data_cut_day
        Day of the data cut, on which the study's data end.
    """
    frailty = float(rng.gamma(FRAILTY_SHAPE, 1 / FRAILTY_SHAPE))
    threshold, lost = rng.exponential(1, 2).tolist()
    which, unknown, gap = rng.random(3).tolist()
    hazards = _hazards(disease, frailty)
    total = np.cumsum(hazards.sum(axis=0))
    death_day = int(np.searchsorted(total, threshold)) + 1 if total[-1] >= threshold else None
    lost_day = 1 + int(lost / LOST_PER_DAY)
    last_contact = max(data_cut_day - int(gap * (CONTACT_DAYS + 1)), 0)
    if death_day is None:
        return Fate(None, None, False, min(lost_day, last_contact), data_cut_day, None)
    share = np.cumsum(hazards[:, death_day - 1]) / hazards[:, death_day - 1].sum()
    cause = ("tumor", "treatment", "other")[int(np.searchsorted(share, which))]
    known = death_day <= min(data_cut_day, lost_day)
    if not known:
        return Fate(death_day, cause, False, min(lost_day, last_contact, death_day - 1), data_cut_day, None)
    recorded = "unknown" if unknown < UNKNOWN_SHARE else "tumor" if cause == "tumor" else "other"
    return Fate(death_day, cause, True, max(death_day - 1 - int(gap * 8), 0), data_cut_day, recorded)


def true_progression_day(disease: Disease) -> int | None:
    """Return the first day on which a perfect daily scan would show progression, or None.

    Progression is a sum of targets at least 20 % and 5 mm above its lowest since the baseline, a new lesion of 8 mm
    (a node of 10 mm), or a non-target 1.5 times its smallest and 8 mm above it.
    """
    roles = np.array([one.role for one in disease.lesions])
    resected = np.array([one.resected for one in disease.lesions])
    mm = disease.diameters_mm[:, SIZES_DAY - FIRST_DAY :]
    targets = mm[(roles == "target") & ~resected].sum(axis=0)
    days = [_grown(targets, 1.2, 5.0)]
    for lesion, course in zip(disease.lesions, mm, strict=True):
        if lesion.role == "new":
            days.append(course >= (NORMAL_NODE_MM if lesion.node else NEW_MM))
        elif lesion.role == "nontarget":
            days.append(_grown(course, UNEQUIVOCAL_FACTOR, UNEQUIVOCAL_MM))
    progressed = np.any(days, axis=0)
    return SIZES_DAY + int(np.argmax(progressed)) if progressed.any() else None


def followup_row(subject: str, fate: Fate) -> Row:
    """Return the row of table `followup`."""
    return {
        "subject": subject,
        "last_alive_day": fate.last_alive_day,
        "death_day": fate.death_day if fate.known_death else None,
        "death_cause": fate.recorded_cause,
        "data_cut_day": fate.data_cut_day,
    }


def true_fate_row(subject: str, fate: Fate, disease: Disease) -> Row:
    """Return the truth: `subject, death_day, death_cause, progression_day, last_simulated_day`.

    What is empty happens after the last simulated day, if ever; a progression may come after the death only in the
    days that are simulated on, so it is left out then.
    """
    progression = true_progression_day(disease)
    if progression is not None and fate.death_day is not None and progression > fate.death_day:
        progression = None
    return {
        "subject": subject,
        "death_day": fate.death_day,
        "death_cause": fate.death_cause,
        "progression_day": progression,
        "last_simulated_day": disease.last_day,
    }


def therapy_rows(rng: np.random.Generator, subject: str, progression_day: int | None, fate: Fate) -> list[Row]:
    """Return rows of table `therapies`: what some subjects get after a recorded progression, and a few without one.

    The further therapy changes nothing about the simulated tumour.
    """
    given, delay, early, length = rng.random(4).tolist()
    therapy = THERAPIES[int(rng.integers(len(THERAPIES)))]
    if progression_day is None:
        start, share = 30 + int(early * 150), EARLY_SHARE
    else:
        start, share = progression_day + 10 + int(delay * 50), NEXT_SHARE
    if given >= share or start > fate.last_alive_day:
        return []
    end = start + 20 + int(length * 160)
    last = end if end <= fate.last_alive_day else None
    return [{"subject": subject, "therapy": therapy, "start_day": start, "end_day": last}]


def schedule_rows(planned: Planned) -> list[Row]:
    """Return the rows of table `schedule`."""
    return [{"visit": visit, "day": day, "window": window} for visit, (day, window) in planned.items()]


def _hazards(disease: Disease, frailty: float) -> Floats:
    """Return the hazards of death per day from day 1 on (rows: tumour, treatment, other)."""
    burden = disease.burden_mm[1 - FIRST_DAY :]
    tumor = TUMOR_HAZARD * frailty * (burden / REFERENCE_MM) ** HAZARD_POWER
    treatment = np.where(np.arange(1, len(burden) + 1) <= TREATMENT_DAYS, TREATMENT_HAZARD, 0.0)
    return np.stack([tumor, treatment, np.full(len(burden), OTHER_HAZARD)])


def _grown(course: Floats, factor: float, least_mm: float) -> NDArray[np.bool_]:
    smallest = np.minimum.accumulate(course)
    return np.asarray((course >= factor * smallest) & (course - smallest >= least_mm))
