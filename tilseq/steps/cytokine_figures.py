"""Figures of cytokines over time, of all subjects and of each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.clinical_records import treatment_days
from tilseq.steps.figures import save_figures
from tilseq.steps.job import Job

if TYPE_CHECKING:
    import polars as pl

COHORT = "levels"
WORDS = "with 95 % limits; what is out of range stands at its limit, with an arrow."
CAPTION = "Cytokines of {}, " + WORDS
CAPTION_OF_ALL = "cytokines over time, " + WORDS


def draw_levels(job: Job, levels: pl.DataFrame, folder: Path) -> None:
    """Draw every analyte of all subjects that have a concentration or a limit, and of each of them.

    The treatment stands above: of all subjects as far as its days are the same for all.

    Parameters
    ----------
    job
        Carries the days of the treatment.
    levels
        Table `cytokine_levels`.
    folder
        Where figures go.
    """
    import polars as pl

    from tilseq.plots.cytokine_time import cytokine_trajectories

    known = levels.filter("used", pl.coalesce("conc_pg_per_ml", "limit_pg_per_ml") > 0, pl.col("day").is_not_null())
    drawn: dict[str, tuple[Any, str]] = {}
    if known.height:
        drawn[COHORT] = (cytokine_trajectories(levels, **treatment_days(job)).axes[0], CAPTION_OF_ALL)
    for subject in known["subject"].unique().sort():
        figure = cytokine_trajectories(levels.filter(subject=subject), **treatment_days(job, subject))
        drawn[f"cytokines_{subject}"] = (figure.axes[0], CAPTION.format(subject))
    save_figures(drawn, folder)
