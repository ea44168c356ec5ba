"""The figures of the whole cohort: which there are, and the rows that each is drawn from."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import polars as pl

from tilseq.endpoints.rows import qualifier_pairs
from tilseq.io.files import write_json
from tilseq.plots.style import house_style, save
from tilseq.report import clinical_figures
from tilseq.report.repertoires import INDICES, in_words, maps
from tilseq.report.results import Results, read_results
from tilseq.report.series import commonest, infused, repertoires, t_cells, ways_in_words, with_gaps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BY_SUBJECT = "subject"
FOLDER = "study"  # apart from figures named by samples, so that no sample's name can meet one of these


@dataclass(frozen=True)
class CohortFigure:
    """One figure of the cohort.

    Attributes
    ----------
    name
        File without extension; what stands before the first ``_`` is the part of the page it belongs to.
    rows
        Returns the rows it is drawn from; without rows there is no figure, and the page's table says why.
    draw
        Draws them.
    caption
        Says what of the rows it shows.
    """

    name: str
    rows: Callable[[Results], pl.DataFrame]
    draw: Callable[[pl.DataFrame], Axes | Figure]
    caption: Callable[[pl.DataFrame], str]


def make_figures(out: str | Path) -> list[Path]:
    """Draw the figures of the cohort and of each subject from a run's tables, as SVG and PNG.

    Those of the cohort go into ``figures/study``, those of the subjects into ``figures/subject``. A figure of an
    earlier run whose rows are gone is taken away, so that the page shows none that the tables do not bear out.

    Parameters
    ----------
    out
        Folder of a run.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    RunError
        The folder is not that of a run, or it cannot be written.
    ReadError, AnalysisError
        A table cannot be read, or cannot be drawn.
    """
    results = read_results(out)
    folder = results.folder / "figures" / FOLDER
    captions = dict(results.captions)
    written: list[Path] = []
    for one in FIGURES:
        key = f"{FOLDER}/{one.name}.svg"
        captions.pop(key, None)
        rows = one.rows(results)
        if rows.is_empty():
            for kind in ("svg", "png"):
                (folder / f"{one.name}.{kind}").unlink(missing_ok=True)
            continue
        with house_style():
            drawn = one.draw(rows)
        written += save(cast("Figure", drawn.figure), folder, one.name)
        captions[key] = one.caption(rows)
    captions = {name: words for name, words in captions.items() if not name.startswith(f"{BY_SUBJECT}/")}
    of_subjects = results.folder / "figures" / BY_SUBJECT
    shutil.rmtree(of_subjects, ignore_errors=True)  # what an earlier call drew
    for words, paths in (_draw_subjects(results, of_subjects) | _draw_repertoires(results, of_subjects)).items():
        captions |= {f"{BY_SUBJECT}/{path.name}": words for path in paths}
        written += paths
    write_json(results.folder / "figures" / "captions.json", captions)
    return written


def _draw_t_cells(rows: pl.DataFrame) -> Figure:
    from tilseq.plots.flow_time import subsets_of_cohort

    return subsets_of_cohort(rows)


def _draw_infused(rows: pl.DataFrame) -> Figure:
    from tilseq.plots.flow_time import infused_of_cohort

    return infused_of_cohort(rows)


def _draw_subjects(results: Results, folder: Path) -> dict[str, list[Path]]:
    """Draw the T cells of each subject; return caption → files."""
    from tilseq.plots.flow_time import subsets_of_subject

    rows = t_cells(results)
    drawn = {}
    for subject in [] if rows.is_empty() else rows.drop_nulls("value")["subject"].unique().sort():
        own = rows.filter(subject=subject)
        with house_style():
            figure = subsets_of_subject(own)
        drawn[f"{subject}: T cells in blood over time, with 95 % limits.{ways_in_words(own)}"] = save(
            figure, folder, f"flow_{subject}"
        )
    return drawn


def _draw_repertoires(results: Results, folder: Path) -> dict[str, list[Path]]:
    """Draw what the repertoires of each subject have in common and are made of; return caption → files."""
    from tilseq.plots.overlap import repertoire_maps

    drawn = {}
    for subject, locus, pairs, used, order in maps(results):
        index = pairs["parameter"][0]
        caption = (
            f"{subject}, {locus}: overlap of all pairs of samples ({INDICES[index]}), junction lengths and V genes by "
            f"clones. By overlap {in_words(pairs)}."
        )
        drawn[caption] = save(
            repertoire_maps(pairs, used, parameter=index, order=order), folder, f"repertoire_{subject}_{locus}"
        )
    return drawn


def _masses(results: Results) -> pl.DataFrame:
    rows = commonest(repertoires(results), "assay", "qualifier", "way")
    return rows if rows.is_empty() else with_gaps(results, rows)


def _draw_masses(rows: pl.DataFrame) -> Axes:
    from tilseq.plots.repertoire import persistence_over_time

    reference = _qualifier(rows, "reference").replace("_", " ")
    return persistence_over_time(rows, held_by=f"clones of the {reference}")


def _mass_caption(rows: pl.DataFrame) -> str:
    reference = _qualifier(rows, "reference").replace("_", " ")
    locus, assay = _qualifier(rows, "locus"), rows["assay"][0]
    return f"Share of the blood repertoire held by clones of the {reference} ({locus}, {assay}), with 95 % limits."


def _scores(results: Results) -> pl.DataFrame:
    return results.tables["scores"].drop_nulls("value")


def _draw_scores(rows: pl.DataFrame) -> Axes:
    from tilseq.plots.expression import score_heatmap

    return score_heatmap(rows)


def _qualifier(rows: pl.DataFrame, name: str) -> str:
    return qualifier_pairs(rows["qualifier"][0]).get(name, name)


FIGURES = (
    CohortFigure(
        "flow_t_cells",
        t_cells,
        _draw_t_cells,
        lambda rows: f"T cells in blood over time, with 95 % limits, all subjects.{ways_in_words(rows)}",
    ),
    CohortFigure(
        "flow_infused",
        infused,
        _draw_infused,
        lambda _: (
            "Cells in blood compatible with infused ones, as a share of CD3+ and per microlitre, with 95 % limits."
        ),
    ),
    CohortFigure("repertoire_mass", _masses, _draw_masses, _mass_caption),
    CohortFigure("expression_scores", _scores, _draw_scores, lambda rows: "Mean gene-set score of each sample."),
    CohortFigure(
        "clinical_spider",
        clinical_figures.changes,
        clinical_figures.draw_changes,
        clinical_figures.change_caption,
    ),
    CohortFigure(
        "clinical_waterfall", clinical_figures.depths, clinical_figures.draw_depths, clinical_figures.depth_caption
    ),
    *(
        CohortFigure(
            f"clinical_survival_{parameter}",
            clinical_figures.curve(parameter),
            clinical_figures.draw_curve,
            clinical_figures.curve_caption,
        )
        for parameter in clinical_figures.CURVES
    ),
)
