"""Figures of laboratory results: terms of the CTCAE that reached grade 3, over time and as shifts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tilseq.steps.clinical_records import treatment_days
from tilseq.steps.figures import save_figures
from tilseq.steps.job import Job

if TYPE_CHECKING:
    import polars as pl

    from tilseq.clinical.grade_bands import Band

SEVERE = 3
FEWEST_MAPPED = 10  # subjects: a map of fewer tells what the table does
WIDE = 30.0  # highest over lowest value from which an axis is logarithmic
LIMITS = {"low": "lower_limit", "high": "upper_limit"}
NAMES = {"low": "LLN", "high": "ULN"}
BY_BASELINE = "a grade by the rise over the baseline shows in the colour alone"


def draw_labs(job: Job, labs: pl.DataFrame, grades: pl.DataFrame, worst: pl.DataFrame, folder: Path) -> None:
    """Draw each term that a subject had at grade 3 or worse since treatment began, and of ten subjects its shifts.

    Parameters
    ----------
    job
        Carries the days of the treatment.
    labs, grades
        Tables `labs` and `lab_grades`.
    worst
        As `worst_lab_grades` returns it.
    folder
        The job's folder.
    """
    from tilseq.clinical import lab_shifts
    from tilseq.plots.labs import lab_shift_map, lab_trajectories

    drawn: dict[str, tuple[Any, str]] = {}
    shifts = lab_shifts(grades)
    for name, term, test, own in _severe(labs, grades, worst):
        shown, bands, told = _with_bands(own, test)
        axes = lab_trajectories(shown, term=term, bands=bands, scale=_scale(shown), **treatment_days(job))
        told += _by_symptoms(own, test)
        drawn[f"{name} over time"] = (axes, f"{name}: every result, in the colour of its grade; {told}.")
        if own["subject"].n_unique() >= FEWEST_MAPPED:
            caption = f"{name}: subjects by the grade before treatment and the worst grade since."
            drawn[f"{name} shifts"] = (lab_shift_map(shifts.filter(test=test), term=term), caption)
    save_figures(drawn, folder / "figures")


def _severe(
    labs: pl.DataFrame, grades: pl.DataFrame, worst: pl.DataFrame
) -> Iterator[tuple[str, str, str, pl.DataFrame]]:
    """Yield each severe term: a name for its figures, the term, its test, and its results with their limits."""
    import polars as pl

    from tilseq.lab_tests import lab_test

    severe = worst.filter(pl.col("worst_at_least") >= SEVERE, period="any")
    pairs = severe.select("term", "test").unique(maintain_order=True).sort("term", "test")
    plain = {name: test.name for name in grades["test"].unique() if (test := lab_test(name)) is not None}
    known = grades.filter(pl.col("value").is_not_null()).with_columns(plain=pl.col("test").replace(plain))
    keys = ["subject", "day", "test", "value_text"]
    limits = labs.select(*keys, *LIMITS.values(), pl.col("unit").alias("written")).unique(keys, maintain_order=True)
    for term, test in pairs.rows():
        shared = pairs.filter(term=term).height > 1
        own = known.filter(term=term, plain=test).join(limits, on=keys, how="left", maintain_order="left")
        yield (f"{term}, {test}" if shared else term), term, test, own


def _with_bands(own: pl.DataFrame, test: str) -> tuple[pl.DataFrame, list[Band], str]:
    """Return the results as they are drawn, their bands of grades, and what is said of these.

    Where limits differ between records, as between sexes, a term of multiples is drawn in these.
    """
    import polars as pl

    from tilseq.clinical.ctcae import criteria
    from tilseq.clinical.grade_bands import NORMAL_BASELINE, grade_bands
    from tilseq.clinical.lab_values import CORRECTED

    test = CORRECTED.get(test, test)
    term, side, version = own["term"][0], own["direction"][0], own["version"][0]
    unit = own["unit"].drop_nulls().mode().sort()
    limit = LIMITS[side]
    # Limits in the unit of the figure are told of by the results that were written in it.
    same = own.filter(pl.col("unit").eq_missing(pl.col("written")))
    known = same[limit].drop_nulls().unique()
    normal = "shaded: the grades of a normal baseline"
    rows = [row for row in criteria(version) if row.term == term and row.test == test]
    if any(row.of == "baseline" and row.condition in NORMAL_BASELINE for row in rows):
        normal = f"shaded: the grades by limits of normal; {BY_BASELINE}"
    if unit.is_empty() or known.len() == 1:
        one = {limit: known[0] if known.len() else None}
        bands = grade_bands(term, test=test, version=version, unit=unit[0] if unit.len() else "", **one)
        return own, bands, normal if bands else "no bands, as its criteria are in another unit or hang on a baseline"
    if any(row.of == "value" for row in rows):
        bands = grade_bands(term, test=test, version=version, unit=unit[0])
        return own, bands, f"{normal}, but for grades that hang on limits of normal, which differ between records"
    in_multiples = same.filter(pl.col(limit) > 0).with_columns(
        pl.col("value") / pl.col(limit), unit=pl.lit(f"× {NAMES[side]}")
    )
    if in_multiples.is_empty():
        return own, [], "no bands, as no record has a limit of normal"
    told = f"as multiples of each record's own {NAMES[side]}; {normal}"
    return in_multiples, grade_bands(term, test=test, version=version, unit="", **{limit: 1.0}), told


def _by_symptoms(own: pl.DataFrame, test: str) -> str:
    """Say which shaded grades of a term hold only with symptoms, which no laboratory knows."""
    from tilseq.clinical.ctcae import criteria
    from tilseq.clinical.lab_values import CORRECTED

    rows = [row for row in criteria(own["version"][0]) if row.term == own["term"][0]]
    assumed = {row.grade for row in rows if row.test == CORRECTED.get(test, test) and row.clinical == "assumed"}
    grades = " and ".join(str(grade) for grade in sorted(filter(None, assumed)))
    return f"; grade {grades} shaded as if there were symptoms" if grades else ""


def _scale(grades: pl.DataFrame) -> Literal["linear", "log"]:
    low, high = (float(value) for value in (grades["value"].min() or 0, grades["value"].max() or 0))  # type: ignore[arg-type]
    return "log" if 0 < low * WIDE < high else "linear"
