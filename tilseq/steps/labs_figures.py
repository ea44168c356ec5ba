"""Figures of laboratory results: terms of the CTCAE that reached grade 3, over time and as shifts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tilseq.steps.clinical_records import treatment_days
from tilseq.steps.figures import save_figures
from tilseq.steps.job import Job

if TYPE_CHECKING:
    import polars as pl

    from tilseq.clinical.grade_bands import Band

SEVERE = 3
WIDE = 30.0  # highest over lowest value from which an axis is logarithmic


def draw_labs(job: Job, labs: pl.DataFrame, grades: pl.DataFrame, worst: pl.DataFrame, folder: Path) -> None:
    """Draw each term that a subject had at grade 3 or worse since treatment began, and of several subjects its shifts.

    Parameters
    ----------
    job
        Carries the days of the treatment.
    labs, grades, shifts
        Tables `labs`, `lab_grades` and `lab_shifts`.
    folder
        The job's folder.
    """
    import polars as pl

    from tilseq.plots.labs import lab_shift_map, lab_trajectories

    severe = shifts.filter(pl.col("worst_grade") >= SEVERE, period="any")["term"].unique(maintain_order=True)
    drawn: dict[str, tuple[Any, str]] = {}
    for term in severe:
        own = grades.filter(pl.col("value").is_not_null(), term=term)
        axes = lab_trajectories(own, term=term, bands=_bands(labs, own), scale=_scale(own), **treatment_days(job))
        told = f"{term}: every result, in the colour of its grade"
        drawn[f"{term} over time"] = (axes, f"{told}; shaded the grades of a normal baseline, where limits allow.")
        if own["subject"].n_unique() > 1:
            caption = f"{term}: subjects by the grade before treatment and the worst grade since."
            drawn[f"{term} shifts"] = (lab_shift_map(shifts, term=term), caption)
    save_figures(drawn, folder / "figures")


def _bands(labs: pl.DataFrame, grades: pl.DataFrame) -> list[Band]:
    """Return the bands of grades of a term, with limits of normal where all records of the test have the same ones."""
    import polars as pl

    from tilseq.clinical.grade_bands import grade_bands

    unit = grades["unit"].drop_nulls().mode().sort()
    if unit.is_empty():
        return []
    of_test = labs.filter(pl.col("test").is_in(grades["test"].unique().to_list()), unit=unit[0])
    limits = {}
    for name in ("lower_limit", "upper_limit"):
        known = of_test[name].unique()
        limits[name] = known[0] if known.len() == 1 else None
    return grade_bands(grades["term"][0], version=grades["version"][0], unit=unit[0], **limits)


def _scale(grades: pl.DataFrame) -> Literal["linear", "log"]:
    low, high = (float(value) for value in (grades["value"].min() or 0, grades["value"].max() or 0))  # type: ignore[arg-type]
    return "log" if 0 < low * WIDE < high else "linear"
