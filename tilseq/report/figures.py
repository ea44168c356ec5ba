"""The figures of the whole cohort: which there are, and the rows that each is drawn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import polars as pl

from tilseq.endpoints.rows import qualifier_pairs
from tilseq.io.files import write_json
from tilseq.plots.style import house_style, save
from tilseq.report.results import Results, read_results
from tilseq.report.series import commonest, in_blood, repertoires

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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
    draw: Callable[[pl.DataFrame], Axes]
    caption: Callable[[pl.DataFrame], str]


def make_figures(out: str | Path) -> list[Path]:
    """Draw the figures of the whole cohort from a run's tables, as SVG and PNG, into ``figures/study``.

    A figure of an earlier run whose rows are gone is taken away, so that the page shows none that the tables do not
    bear out.

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
            axes = one.draw(rows)
        written += save(cast("Figure", axes.figure), folder, one.name)
        captions[key] = one.caption(rows)
    write_json(results.folder / "figures" / "captions.json", captions)
    return written


def _shares(results: Results) -> pl.DataFrame:
    return commonest(in_blood(results, "percent_of_parent", "population=CD3+"), "qualifier", "way")


def _draw_shares(rows: pl.DataFrame) -> Axes:
    from tilseq.plots.study import endpoint_over_time

    return endpoint_over_time(rows, label=f"CD3+ T cells (% of {_qualifier(rows, 'parent')})")


def _ratios(results: Results) -> pl.DataFrame:
    return commonest(in_blood(results, "cd4_cd8_ratio"), "way")


def _draw_ratios(rows: pl.DataFrame) -> Axes:
    from tilseq.plots.study import endpoint_over_time

    return endpoint_over_time(rows, label="CD4/CD8 ratio")


def _masses(results: Results) -> pl.DataFrame:
    return commonest(repertoires(results), "assay", "qualifier", "way")


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


def _changes(results: Results) -> pl.DataFrame:
    return results.tables["response"].filter(
        pl.col("change_from_baseline_pct").is_not_null().any().over("subject", "reader")
    )


def _draw_changes(rows: pl.DataFrame) -> Axes:
    from tilseq.plots.clinical import spider

    return spider(rows)


def _qualifier(rows: pl.DataFrame, name: str) -> str:
    return qualifier_pairs(rows["qualifier"][0]).get(name, name)


FIGURES = (
    CohortFigure(
        "flow_cd3_percent", _shares, _draw_shares, lambda rows: "CD3+ T cells in blood over time, with 95 % limits."
    ),
    CohortFigure(
        "flow_cd4_cd8_ratio", _ratios, _draw_ratios, lambda rows: "CD4/CD8 ratio in blood over time, with 95 % limits."
    ),
    CohortFigure("repertoire_mass", _masses, _draw_masses, _mass_caption),
    CohortFigure("expression_scores", _scores, _draw_scores, lambda rows: "Mean gene-set score of each sample."),
    CohortFigure(
        "clinical_spider",
        _changes,
        _draw_changes,
        lambda rows: "Change of the sum of target-lesion diameters from baseline.",
    ),
)
