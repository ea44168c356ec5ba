"""Laboratory values over the treatment: what is true in the blood, and what the laboratory writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import erf, hypot

import numpy as np
from numpy.typing import NDArray

from tilseq.simulate.calendar import IL2_LAST_DAY, LYMPHODEPLETION_DAY, MOST_IL2_DOSES
from tilseq.simulate.clinic.lesions import FIRST_DAY

Floats = NDArray[np.float64]
Row = dict[str, object]

HOSPITAL_DAYS = range(LYMPHODEPLETION_DAY, 15)  # drawn daily

# Depths, days and spreads are round figures within what non-myeloablative lymphodepletion and high-dose IL-2 are known
# to do (neutrophils below 0.5 for about ten days, platelets below 50 for about as long; Dudley and others, J Clin Oncol
# 2008;26:5233).
ANC_FALL_DAY, ANC_RECOVERY_DAY, ANC_DEPTH = -2.5, 9.0, 4.8
PLATELET_FALL_DAY, PLATELET_RECOVERY_DAY, PLATELET_DEPTH = 1.0, 12.0, 3.2
HAEMOGLOBIN_LOSS = 0.40  # natural logarithm at the nadir
IL2_DOSES = 4.2  # usual number

# Transfusions: below which true value on a day in hospital, by how much it rises, and what is left a day later.
TRANSFUSED_DAYS = range(LYMPHODEPLETION_DAY, 31)
PLATELETS_BELOW, PLATELETS_GAIN, PLATELETS_LEFT = 12.0, 28.0, 0.65
HAEMOGLOBIN_BELOW, HAEMOGLOBIN_GAIN, HAEMOGLOBIN_LEFT = 75.0, 18.0, 0.985

CRP_MOST = 500.0  # mg/L that no inflammation goes beyond; round figure
LDH_PER_ML = 0.002  # rise by living tumour, as a share per ml
HAEMOLYSED_SHARE = 0.008  # of draws: potassium, LDH and AST read too high
HAEMOLYSIS = {"potassium": 1.18, "LDH": 1.5, "AST": 1.25}
THRESHOLDS = (("ANC", 0.5), ("ANC", 1.0), ("platelets", 20.0), ("platelets", 50.0))


@dataclass(frozen=True)
class LabTest:
    """One laboratory test.

    Attributes
    ----------
    name, unit, lower, upper
        Limits of normal are usual ones of adults (round figures); those of men where `LIMITS_OF_WOMEN` has others.
    usual, spread
        Median of subjects before treatment, and SD of its natural logarithm.
    day_cv, laboratory_cv
        Variation from day to day and of the measurement: round figures of the order that desirable-performance
        tables of laboratory medicine give.
    decimals, least
        How the value is written, and below what it is written as ``<least``.
    missing
        Share of the days on which it is not measured.
    il2
        Change of the natural logarithm at the height of IL-2's effect.
    """

    name: str
    unit: str
    lower: float
    upper: float
    usual: float
    spread: float
    day_cv: float
    laboratory_cv: float
    decimals: int
    least: float
    missing: float
    il2: float = 0.0


TESTS = (
    LabTest("WBC", "10^9/L", 4.0, 10.0, 6.4, 0.30, 0.08, 0.02, 2, 0.1, 0.01),
    LabTest("ANC", "10^9/L", 1.8, 7.5, 4.2, 0.35, 0.12, 0.03, 2, 0.1, 0.02),
    LabTest("lymphocytes", "10^9/L", 1.0, 4.0, 1.3, 0.35, 0.05, 0.06, 2, 0.1, 0.02),
    LabTest("haemoglobin", "g/L", 130.0, 170.0, 122.0, 0.11, 0.015, 0.01, 0, 20.0, 0.01),
    LabTest("platelets", "10^9/L", 150.0, 400.0, 255.0, 0.28, 0.05, 0.03, 0, 3.0, 0.01),
    LabTest("ALT", "U/L", 5.0, 40.0, 22.0, 0.40, 0.10, 0.03, 0, 5.0, 0.03, 0.9),
    LabTest("AST", "U/L", 5.0, 40.0, 23.0, 0.35, 0.08, 0.03, 0, 5.0, 0.03, 0.8),
    LabTest("bilirubin", "umol/L", 2.0, 21.0, 8.5, 0.35, 0.12, 0.03, 0, 3.0, 0.03, 0.8),
    LabTest("creatinine", "umol/L", 60.0, 105.0, 74.0, 0.18, 0.04, 0.02, 0, 10.0, 0.02, 0.45),
    LabTest("CRP", "mg/L", 0.0, 5.0, 6.0, 1.0, 0.30, 0.04, 1, 0.6, 0.15, 2.2),
    LabTest("LDH", "U/L", 120.0, 250.0, 175.0, 0.20, 0.06, 0.03, 0, 30.0, 0.15, 0.35),
    LabTest("albumin", "g/L", 35.0, 50.0, 40.0, 0.09, 0.02, 0.02, 0, 10.0, 0.10, -0.30),
    LabTest("sodium", "mmol/L", 135.0, 145.0, 139.5, 0.012, 0.006, 0.006, 0, 100.0, 0.02, -0.035),
    LabTest("potassium", "mmol/L", 3.5, 5.1, 4.2, 0.06, 0.04, 0.015, 1, 1.5, 0.02, -0.12),
    LabTest("calcium", "mmol/L", 2.15, 2.55, 2.33, 0.03, 0.012, 0.012, 2, 0.5, 0.05, -0.11),
)
NAMES = tuple(test.name for test in TESTS)
LIMITS_OF_WOMEN = {"haemoglobin": (115.0, 150.0), "creatinine": (45.0, 84.0)}
WOMEN_TO_MEN = {"haemoglobin": 0.92, "creatinine": 0.80}


@dataclass(frozen=True)
class Tolerance:
    """How a subject bears the treatment: the common cause of laboratory changes and adverse events.

    Attributes
    ----------
    marrow, il2
        Standard normal, correlated at 0.4; the higher, the worse.
    il2_doses
        Doses of IL-2 given; fewer where it is borne badly.
    """

    marrow: float
    il2: float
    il2_doses: int


@dataclass(frozen=True)
class Course:
    """True values, day by day from `FIRST_DAY`.

    Attributes
    ----------
    values
        Test → value in its unit, of each day.
    limits
        Test → lower and upper limit of normal of this subject's laboratory and sex.
    transfusions
        Day and product (`platelets`, `red cells`).
    noise
        Days × tests × 4, standard normal: what the laboratory makes of the true values.
    """

    values: dict[str, Floats]
    limits: dict[str, tuple[float, float]]
    transfusions: tuple[tuple[int, str], ...]
    noise: Floats

    def at(self, test: str, day: int) -> float:
        """Return the true value of a test on a day."""
        return float(self.values[test][day - FIRST_DAY])


def cv_of(name: str) -> float:
    """Return the error of what the laboratory writes of a test, from day to day and of the measurement together."""
    test = next(test for test in TESTS if test.name == name)
    return hypot(test.day_cv, test.laboratory_cv)


def draw_tolerance(rng: np.random.Generator) -> Tolerance:
    """Draw how a subject bears lymphodepletion and IL-2."""
    common, marrow, il2, dose = rng.standard_normal(4).tolist()
    il2 = 0.4**0.5 * common + 0.6**0.5 * il2
    doses = round(IL2_DOSES - 0.9 * il2 + 0.8 * dose)
    return Tolerance(0.4**0.5 * common + 0.6**0.5 * marrow, il2, min(max(doses, 1), MOST_IL2_DOSES))


def draw_course(
    rng: np.random.Generator,
    tolerance: Tolerance,
    lymphocytes_per_ul: Callable[[int], float],
    monocytes_per_ul: Callable[[int], float],
    viable_ml: Floats,
    *,
    sex: str,
) -> Course:
    """Draw the true laboratory values of a subject.

    Neutrophils and platelets fall to a nadir and come back on days that vary between subjects; haemoglobin falls and
    recovers over weeks; platelets and red cells are transfused where they are low; IL-2 moves liver, kidney,
    inflammation and salts for about ten days; LDH rises with the tumour. White cells are neutrophils, lymphocytes and
    monocytes.

    Parameters
    ----------
    rng
        Stream of the subject's laboratory.
    tolerance
        How the subject bears treatment.
    lymphocytes_per_ul, monocytes_per_ul
        True cells per µL of blood of a day.
    viable_ml
        Living tumour in ml, per day from `FIRST_DAY`; its length is the number of days simulated.
    sex
        `female`, or anything else for the limits of men.
    """
    own = rng.standard_normal(8)
    spread, strength = rng.standard_normal((2, len(TESTS)))
    base = {test.name: test.usual * float(np.exp(test.spread * z)) for test, z in zip(TESTS, spread, strict=True)}
    days = np.arange(FIRST_DAY, FIRST_DAY + len(viable_ml), dtype=float)
    if sex == "female":
        base = {name: value * WOMEN_TO_MEN.get(name, 1.0) for name, value in base.items()}
    il2 = _il2(days, tolerance)
    values = {
        test.name: base[test.name] * np.exp(test.il2 * np.exp(0.45 * tolerance.il2 + 0.3 * z) * il2)
        for test, z in zip(TESTS, strength, strict=True)
    }
    values["ANC"] = _neutrophils(days, base["ANC"], tolerance, own[:3])
    values["lymphocytes"] = np.array([lymphocytes_per_ul(int(day)) / 1000 for day in days])
    monocytes = np.array([monocytes_per_ul(int(day)) / 1000 for day in days])
    values["WBC"] = values["ANC"] + values["lymphocytes"] + monocytes
    values["CRP"] /= 1 + values["CRP"] / CRP_MOST
    values["LDH"] *= 1 + LDH_PER_ML * viable_ml
    values["platelets"], platelets = _transfused(
        _platelets(days, base["platelets"], tolerance, own[3:6]), PLATELETS_BELOW, PLATELETS_GAIN, PLATELETS_LEFT
    )
    values["haemoglobin"], red = _transfused(
        _haemoglobin(days, base["haemoglobin"], tolerance, own[6:]),
        HAEMOGLOBIN_BELOW,
        HAEMOGLOBIN_GAIN,
        HAEMOGLOBIN_LEFT,
    )
    given = sorted([(day, "platelets") for day in platelets] + [(day, "red cells") for day in red])
    limits = {test.name: (test.lower, test.upper) for test in TESTS} | (LIMITS_OF_WOMEN if sex == "female" else {})
    return Course(values, limits, tuple(given), rng.standard_normal((len(days), len(TESTS), 4)))


def lab_rows(subject: str, course: Course, days: Iterable[int]) -> list[Row]:
    """Return rows of table `labs`: what is written of the draws on some days.

    A value varies about the truth by a scale mixture of log-normals, so it has heavier tails than a normal one. Some
    results are missing, some draws haemolysed. What is written of a day does not depend on the other days asked for.

    Parameters
    ----------
    subject
        Identifier.
    course
        True values.
    days
        Days of the draws; a day given twice is drawn once.
    """
    rows: list[Row] = []
    for day in sorted(set(days)):
        noise = course.noise[day - FIRST_DAY]
        # One chance for the whole draw: the lower end of that by whose upper end the first test is missing.
        haemolysed = _share(noise[0, 2]) < HAEMOLYSED_SHARE
        for test, (error, scale, chance, flag) in zip(TESTS, noise.tolist(), strict=True):
            if _share(chance) >= 1 - test.missing:
                continue
            sd = hypot(test.day_cv, test.laboratory_cv) * np.exp(0.3 * scale - 0.09)
            value = course.at(test.name, day) * float(np.exp(sd * error))
            value *= HAEMOLYSIS.get(test.name, 1.0) if haemolysed else 1.0
            lower, upper = course.limits[test.name]
            rows.append(
                {
                    "subject": subject,
                    "day": day,
                    "test": test.name,
                    "value_text": written(value, test.decimals, test.least),
                    "unit": test.unit,
                    "lower_limit": lower,
                    "upper_limit": upper,
                    "clinically_significant": _is_significant(value, lower, upper, _share(flag)),
                }
            )
    return rows


def true_lab_rows(subject: str, course: Course, days: Iterable[int]) -> list[Row]:
    """Return the truth of some days: `subject, day, test, value, unit`."""
    return [
        {"subject": subject, "day": day, "test": test.name, "value": course.at(test.name, day), "unit": test.unit}
        for day in sorted(set(days))
        for test in TESTS
    ]


def recovery_rows(subject: str, course: Course, death_day: int | None = None) -> list[Row]:
    """Return when neutrophils and platelets truly fell below each threshold from day -7 on, and came back for good.

    Columns: `subject, test, threshold, nadir, nadir_day, below_day, recovered_day`. `below_day` is the first day below
    (empty: never), `recovered_day` the one after the last day below (empty: never below, or below to the last day);
    transfused platelets count.

    Parameters
    ----------
    subject
        Identifier.
    course
        True values.
    death_day
        Last day that counts; None for the last that is simulated.
    """
    rows: list[Row] = []
    end = None if death_day is None else death_day + 1 - FIRST_DAY
    for test, threshold in THRESHOLDS:
        values = course.values[test][HOSPITAL_DAYS[0] - FIRST_DAY : end]
        below = np.flatnonzero(values < threshold) + HOSPITAL_DAYS[0]
        last_day = HOSPITAL_DAYS[0] + len(values) - 1
        back = len(below) > 0 and int(below[-1]) < last_day
        rows.append(
            {
                "subject": subject,
                "test": test,
                "threshold": threshold,
                "nadir": float(values.min()),
                "nadir_day": HOSPITAL_DAYS[0] + int(values.argmin()),
                "below_day": int(below[0]) if len(below) else None,
                "recovered_day": int(below[-1]) + 1 if back else None,
            }
        )
    return rows


def transfusion_rows(subject: str, course: Course, death_day: int | None = None) -> list[Row]:
    """Return the transfusions up to the death, if there is one: `subject, day, product`."""
    return [
        {"subject": subject, "day": day, "product": product}
        for day, product in course.transfusions
        if death_day is None or day <= death_day
    ]


def written(value: float, decimals: int, least: float) -> str:
    """Return a result as a laboratory writes it: rounded, or ``<least`` where it is below what can be told."""
    return f"<{least:g}" if value < least else f"{value:.{decimals}f}"


def _sigmoid(x: Floats) -> Floats:
    return np.asarray((1 + np.tanh(x / 2)) / 2)


def _share(z: float) -> float:
    return (1 + erf(z / 2**0.5)) / 2


def _il2(days: Floats, tolerance: Tolerance) -> Floats:
    """Return the course of IL-2's effect, 1 at its height on the last day of doses for the usual number of doses."""
    since = np.maximum(days, 0) / IL2_LAST_DAY
    return np.asarray(since * np.exp(1 - since) * tolerance.il2_doses / IL2_DOSES)


def _neutrophils(days: Floats, base: float, tolerance: Tolerance, z: Floats) -> Floats:
    recovery = ANC_RECOVERY_DAY + 1.4 * tolerance.marrow + 1.0 * z[0]
    depth = ANC_DEPTH + 0.3 * tolerance.marrow + 0.5 * z[1]
    gone = _sigmoid((days - ANC_FALL_DAY) / 0.9) * _sigmoid((recovery - days) / 0.9)
    since = np.maximum(days - recovery, 0)
    # Growth factor drives the count above normal for some days; afterwards it is low for weeks.
    driven = (0.7 + 0.3 * z[2]) * np.exp(-(((days - recovery - 3) / 2.0) ** 2))
    low = 0.45 * _sigmoid((days - recovery - 5) / 1.5) * np.exp(-since / 50)
    return np.asarray(base * np.exp(driven - low - depth * gone))


def _platelets(days: Floats, base: float, tolerance: Tolerance, z: Floats) -> Floats:
    recovery = PLATELET_RECOVERY_DAY + 2.0 * tolerance.marrow + 1.5 * z[0]
    depth = PLATELET_DEPTH + 0.3 * tolerance.marrow + 0.3 * z[1]
    gone = _sigmoid((days - PLATELET_FALL_DAY) / 1.5) * _sigmoid((recovery - days) / (1.8 + 0.3 * np.abs(z[2])))
    low = 0.3 * _sigmoid((days - recovery) / 2) * np.exp(-np.maximum(days - recovery, 0) / 40)
    return np.asarray(base * np.exp(-depth * gone - low))


def _haemoglobin(days: Floats, base: float, tolerance: Tolerance, z: Floats) -> Floats:
    loss = HAEMOGLOBIN_LOSS * np.exp(0.15 * tolerance.marrow + 0.15 * z[0])
    lasting = np.exp(-np.maximum(days - 10, 0) / (35 * np.exp(0.2 * z[1])))
    return np.asarray(base * np.exp(-loss * _sigmoid((days - 1) / 2.5) * lasting))


def _transfused(own: Floats, below: float, gain: float, left: float) -> tuple[Floats, list[int]]:
    """Return the values with what was transfused, seen from the next day on, and the days on which it was."""
    values, given, days = own.copy(), 0.0, []
    for index in range(len(own)):
        values[index] += given
        if index + FIRST_DAY in TRANSFUSED_DAYS and values[index] < below:
            given += gain
            days.append(index + FIRST_DAY)
        given *= left
    return values, days


def _is_significant(value: float, lower: float, upper: float, chance: float) -> bool:
    """Return whether the investigator calls a value clinically significant: the likelier the farther it is out."""
    limit = lower if value < lower else upper
    if lower <= value <= upper:
        return False
    beyond = abs(value - limit) / (upper - lower) + abs(float(np.log(value / limit)))
    return chance < 1 - float(np.exp(-1.5 * beyond))
