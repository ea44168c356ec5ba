"""Simulated tumours and blood counts beside real trials: course of the burden, best change, survival, counts.

Real: the trial INSPIRE (pembrolizumab in advanced solid tumours, published source data, Apache-2.0) for best change and
time to progression and death; the sample data of the R package tumgr (MIT) for a quantity of tumour over time, in a
unit that its authors do not give (it spans four decades, so it is no diameter). Neither is a trial of TIL: shapes
are compared, not rates. For rates the figures that C-144-01 published are given (Chesney and others, J Immunother
Cancer 2022;10:e005755: 153 subjects, 31 % responses, median survival 13.9 months, progression 4.1 months).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.realism import REAL, SIMULATED
from tilseq.simulate import compartments
from tilseq.simulate.clinic import labs
from tilseq.simulate.clinic.followup import Fate, draw_fate
from tilseq.simulate.clinic.lesions import FIRST_DAY, Disease, draw_lesions, follow
from tilseq.simulate.clinic.scans import Reading, read_scans
from tilseq.simulate.design import SCANS, TUMOR_VISIT, Design
from tilseq.simulate.streams import stream
from tilseq.simulate.subjects import draw_subject

Floats = NDArray[np.float64]

SUBJECTS, LAST_DAY, DATA_CUT = 200, 700, 690
PLAN = SCANS | {f"D{day}": (day, 14) for day in range(420, 680, 84)}
MONTH = 30.4375
MEMORY_CLONES = 2_000  # few, for speed: the clinic knows nothing of them one by one


@dataclass(frozen=True)
class Simulated:
    """One simulated subject."""

    disease: Disease
    fate: Fate
    reading: Reading
    course: labs.Course


def measure(shared_data: Path, folder: Path) -> list[str]:
    """Draw the picture `realism_clinic.png` and return the lines of a table of figures."""
    cohort = [_subject(number) for number in range(1, SUBJECTS + 1)]
    real = pl.read_csv(shared_data / "clinical" / "inspire_Fig1A.csv", infer_schema=False).with_columns(
        pl.col("BEST_RECIST_TM_TARGET").cast(pl.Float64, strict=False)  # a word where no scan was whole
    )
    best = [change for one in cohort if (change := best_change(one.reading)) is not None]
    real_best = real["BEST_RECIST_TM_TARGET"].drop_nulls().to_list()
    courses = _real_courses(shared_data)
    progression = _real_times(shared_data / "clinical" / "inspire_Fig1E.csv", "PFS")
    _picture(cohort, best, real_best, courses, progression, folder / "realism_clinic.png")
    return _table(cohort, best, real, courses)


def best_change(reading: Reading) -> float | None:
    """Return the best change of the sum of targets from baseline in per cent, over whole scans."""
    sums: dict[int, list[float | None]] = {}
    for row in reading.lesions:
        if row["role"] == "target" and not row["resected"]:
            sums.setdefault(row["day"], []).append(row["diameter_mm"])
    whole = [sum(mm or 0 for mm in found) for found in sums.values() if None not in found]
    return 100 * (min(whole[1:]) / whole[0] - 1) if len(whole) > 1 else None


def _subject(number: int) -> Simulated:
    """Return a subject as a whole trial has it, but followed for longer."""
    subject = draw_subject(number, Design(memory_clones=MEMORY_CLONES))
    name, reactive = subject.name, subject.clones["reactive"].to_numpy()
    cells = compartments.reactive_per_ul(subject.course, subject.traits, reactive, LAST_DAY + 1)

    def rng(*names: str) -> np.random.Generator:
        return stream(1, name, *names)

    disease = follow(draw_lesions(rng("lesions"), subject.tumor_type), cells, harvest_day=TUMOR_VISIT[1])
    fate = draw_fate(rng("fate"), disease, DATA_CUT)
    reading = read_scans(name, disease, PLAN, lambda visit: rng(visit, "scan"), last_day=fate.last_alive_day)
    return Simulated(disease, fate, reading, subject.laboratory)


def _real_courses(shared_data: Path) -> list[tuple[Floats, Floats]]:
    """Return days since the first and sizes of the real courses, those with at least four values."""
    rows = pl.read_csv(shared_data / "clinical" / "tumgr_sampleData.csv").sort("name", "date")
    parts = rows.partition_by("name", maintain_order=True)
    return [(part["date"].to_numpy() - part["date"][0], part["size"].to_numpy()) for part in parts if part.height > 3]


def _real_times(path: Path, kind: str) -> tuple[Floats, Floats]:
    rows = pl.read_csv(path).drop_nulls([f"{kind}TIME_Months_since_C3", f"{kind}event"])
    return rows[f"{kind}TIME_Months_since_C3"].to_numpy(), rows[f"{kind}event"].to_numpy()


def kaplan_meier(times: Any, events: Any) -> tuple[Floats, Floats]:
    """Return the steps of the Kaplan-Meier curve: times and shares left."""
    order = np.lexsort((1 - np.asarray(events), np.asarray(times)))
    left = len(order) - np.arange(len(order))
    share = np.cumprod(1 - np.asarray(events)[order] / left)
    return np.concatenate([[0.0], np.asarray(times)[order]]), np.concatenate([[1.0], share])


def median_time(times: Any, events: Any) -> float:
    """Return the first time at which half or fewer are left."""
    at, share = kaplan_meier(times, events)
    return float(at[np.argmax(share <= 0.5)])


def _deaths(cohort: list[Simulated]) -> tuple[Floats, Floats]:
    days = [(one.fate.death_day or LAST_DAY, one.fate.death_day is not None) for one in cohort]
    times, events = np.array(days, dtype=float).T
    return times / MONTH, events


def _progressions(cohort: list[Simulated]) -> tuple[Floats, Floats]:
    days = []
    for one in cohort:
        end = one.reading.progression_day or (one.fate.death_day if one.fate.known_death else None)
        days.append((end or max((row["day"] for row in one.reading.responses), default=0), end is not None))
    times, events = np.array(days, dtype=float).T
    return times / MONTH, events


def _slopes(courses: list[tuple[Floats, Floats]]) -> Floats:
    """Return the changes of the logarithm per day between visits, of all courses together."""
    return np.concatenate([np.diff(np.log(sizes)) / np.diff(days) for days, sizes in courses])


def _volumes(cohort: list[Simulated]) -> list[tuple[Floats, Floats]]:
    """Return courses of the living tumour at visits three weeks apart, as the real ones are."""
    days = np.arange(7, 200, 21)
    found = []
    for one in cohort:
        seen = days[days < (one.fate.death_day or LAST_DAY)]
        volumes = one.disease.viable_ml[seen - FIRST_DAY]
        found.append((seen[volumes > 1e-3].astype(float), volumes[volumes > 1e-3]))
    return found


def _table(
    cohort: list[Simulated], best: list[float], real: pl.DataFrame, courses: list[tuple[Floats, Floats]]
) -> list[str]:
    responses = [[row["response"] for row in one.reading.responses] for one in cohort]
    until = [found[: found.index("PD") + 1] if "PD" in found else found for found in responses]
    bests = [min(found, key=["CR", "PR", "SD", "PD", "NE"].index) if found else None for found in until]
    real_best = real["BEST_RECIST_TM_TARGET"].drop_nulls().to_numpy()
    recorded = real["BEST_OVERALL_RECIST"].to_list()
    lines = ["| figure | simulated | real | source of the real one |", "|---|---|---|---|"]

    def line(what: str, simulated: str, true: str, source: str) -> None:
        lines.append(f"| {what} | {simulated} | {true} | {source} |")

    def shares(found: list[Any]) -> str:
        return ", ".join(f"{name} {100 * found.count(name) / len(found):.0f}" for name in ("CR", "PR", "SD", "PD"))

    line("best response, unconfirmed, % of subjects", shares(bests), shares(recorded), "INSPIRE")
    ours = 100 * sum(found in ("CR", "PR") for found in bests) / len(bests)
    line("objective responses, %", f"{ours:.0f} (unconfirmed)", "31", "C-144-01")
    line("median months to progression or death", f"{median_time(*_progressions(cohort)):.1f}", "4.1", "C-144-01")
    line("median months to death", f"{median_time(*_deaths(cohort)):.1f}", "13.9", "C-144-01")
    for percent in (10, 25, 50, 75, 90):
        ours_at, real_at = (f"{np.percentile(part, percent):+.0f}" for part in (best, real_best))
        line(f"best change of the targets, %: {percent}th percentile", ours_at, real_at, "INSPIRE")
    for percent in (10, 50, 90):
        ours_at, real_at = (
            f"{100 * np.percentile(_slopes(part), percent):+.1f}" for part in (_volumes(cohort), courses)
        )
        line(f"change of the quantity of tumour, % a day: {percent}th percentile", ours_at, real_at, "tumgr")
    return lines


def _picture(
    cohort: list[Simulated],
    best: list[float],
    real_best: list[float],
    courses: list[tuple[Floats, Floats]],
    progression: tuple[Floats, Floats],
    path: Path,
) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(12, 7), layout="constrained")
    _draw_courses(axes[0], cohort, courses)
    _draw_waterfall(axes[0, 2], best, real_best)
    _draw_survival(axes[1, 0], cohort, progression)
    _draw_labs(axes[1, 1:], cohort)
    figure.savefig(path, dpi=72)
    plt.close(figure)


def _draw_courses(axes: Any, cohort: list[Simulated], courses: list[tuple[Floats, Floats]]) -> None:
    for one in cohort[:60]:
        until = min(one.fate.death_day or LAST_DAY, 300) - FIRST_DAY
        mm = one.disease.viable_ml[-FIRST_DAY:until]
        axes[0].plot(np.arange(len(mm)), np.maximum(mm / mm[0], 1e-3), color=SIMULATED, alpha=0.5, lw=0.8)
    for days, sizes in courses:
        axes[1].plot(days, sizes / sizes[0], color=REAL, alpha=0.5, lw=0.8)
    axes[0].set_title("simulated: living tumour (volume), 60 subjects", fontsize=10)
    axes[1].set_title(f"real: quantity of tumour, {len(courses)} subjects, tumgr", fontsize=10)
    for axis in axes[:2]:
        axis.set(yscale="log", ylim=(1e-3, 30), xlim=(0, 300), xlabel="days of treatment", ylabel="share of the first")
        axis.axhline(1, color="black", lw=0.5)


def _draw_waterfall(axis: Any, best: list[float], real_best: list[float]) -> None:
    for values, color, label in (
        (best, SIMULATED, f"simulated, {len(best)}"),
        (real_best, REAL, f"real: INSPIRE, {len(real_best)}"),
    ):
        place = (np.arange(len(values)) + 0.5) / len(values)
        axis.step(place, sorted(values, reverse=True), color=color, label=label, where="mid")
    for bound in (-30, 20):
        axis.axhline(bound, color="grey", lw=0.6, ls=":")
    axis.axhline(0, color="black", lw=0.5)
    axis.set(ylim=(-105, 120), xlabel="share of subjects, worst first", ylabel="best change of targets, %")
    axis.set_title("waterfall (other treatments: shape only)", fontsize=10)
    axis.legend(fontsize=8)


def _draw_survival(axis: Any, cohort: list[Simulated], progression: tuple[Floats, Floats]) -> None:
    axis.step(*kaplan_meier(*_deaths(cohort)), color=SIMULATED, ls="--", where="post", label="simulated: alive")
    axis.step(
        *kaplan_meier(*_progressions(cohort)), color=SIMULATED, where="post", label="simulated: without progression"
    )
    label = "real: without progression, INSPIRE\n(from the third cycle on)"
    axis.step(*kaplan_meier(*progression), color=REAL, where="post", label=label)
    axis.plot([4.1, 13.9], [0.5, 0.5], "k^", ms=6, label="C-144-01: medians 4.1 and 13.9")
    axis.set(xlim=(0, 22), ylim=(0, 1.6), yticks=np.arange(0, 1.1, 0.2), xlabel="months", ylabel="share of subjects")
    axis.set_title("time to progression or death, and to death", fontsize=10)
    axis.legend(fontsize=8, loc="upper right")


def _draw_labs(axes: Any, cohort: list[Simulated]) -> None:
    days = np.arange(-10, 43)
    for axis, test, levels, least in ((axes[0], "ANC", (0.5, 1.0), 1e-3), (axes[1], "platelets", (20.0, 50.0), 3.0)):
        values = np.array([one.course.values[test][days - FIRST_DAY] for one in cohort])
        low, middle, high = np.percentile(values, (5, 50, 95), axis=0)
        axis.fill_between(days, low, high, color=SIMULATED, alpha=0.25, label="simulated, 5th to 95th percentile")
        axis.plot(days, middle, color=SIMULATED, label="simulated, median")
        axis.plot(days, values[0], color="black", lw=0.7, label="one subject")
        for level in levels:
            axis.axhline(level, color="grey", lw=0.6, ls=":")
        axis.axvspan(-7, -3, color="grey", alpha=0.2)
        axis.axvspan(0, 4, color="tan", alpha=0.3)
        axis.set(yscale="log", xlabel="day (grey: lymphodepletion, tan: IL-2)", ylabel=f"{test}, 10⁹/L")
        axis.set_ylim(bottom=least)
        axis.set_title(f"simulated: {test}, true values", fontsize=10)
        axis.legend(fontsize=8, loc="lower right")
