"""The figures of the whole cohort: which there are, and the rows that each is drawn from."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import polars as pl

from tilseq.endpoints.rows import qualifier_pairs
from tilseq.io.files import write_json
from tilseq.plots.style import file_stem, house_style, save
from tilseq.report import clinical_figures
from tilseq.report.repertoires import INDICES, in_words, maps
from tilseq.report.results import Results, read_results
from tilseq.report.series import commonest, infused, repertoires, t_cells, ways_in_words, with_gaps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BY_SUBJECT = "subject"
KINDS = ("svg", "png")  # that a figure is written as
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


@dataclass(frozen=True)
class Drawing:
    """One figure to be drawn: its folder below ``figures``, file without extension, caption, and what draws it."""

    folder: str
    name: str
    caption: str
    draw: Callable[[], Axes | Figure]

    def save(self, results: Results) -> list[Path]:
        """Draw it, and return the files written."""
        with house_style():
            drawn = self.draw()
        return save(cast("Figure", drawn.figure), results.folder / "figures" / self.folder, self.name)


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
    planned = drawings(results)
    make_room(results, planned)
    return [path for drawing in planned for path in drawing.save(results)]


def drawings(results: Results) -> list[Drawing]:
    """Return every figure that a run's tables have rows for, always in the same order."""
    cohort = ((one, one.rows(results)) for one in FIGURES)
    return [
        *(Drawing(FOLDER, one.name, one.caption(rows), partial(one.draw, rows)) for one, rows in cohort if len(rows)),
        *_t_cells_of_subjects(results),
        *_repertoires_of_subjects(results),
    ]


def make_room(results: Results, planned: Sequence[Drawing]) -> None:
    """Take away the figures of an earlier call, and write the captions of those that are planned.

    One of them that cannot be drawn then leaves none, rather than that of earlier rows below a caption of the new.
    """
    figures = results.folder / "figures"
    shutil.rmtree(figures / BY_SUBJECT, ignore_errors=True)
    for name in (figure.name for figure in FIGURES):
        for kind in KINDS:
            (figures / FOLDER / f"{name}.{kind}").unlink(missing_ok=True)
    ours = {f"{FOLDER}/{figure.name}.svg" for figure in FIGURES}
    captions = {
        name: words
        for name, words in results.captions.items()
        if name not in ours and not name.startswith(f"{BY_SUBJECT}/")
    }
    for one in planned:
        kinds = KINDS if one.folder == BY_SUBJECT else ("svg",)
        captions |= {f"{one.folder}/{file_stem(one.name)}.{kind}": one.caption for kind in kinds}
    write_json(figures / "captions.json", captions)


def _draw_t_cells(rows: pl.DataFrame) -> Figure:
    from tilseq.plots.flow_time import subsets_of_cohort

    return subsets_of_cohort(rows)


def _draw_infused(rows: pl.DataFrame) -> Figure:
    from tilseq.plots.flow_time import infused_of_cohort

    return infused_of_cohort(rows)


def _t_cells_of_subjects(results: Results) -> Iterator[Drawing]:
    """Yield the T cells of each subject."""
    from tilseq.plots.flow_time import subsets_of_subject

    rows = t_cells(results)
    for subject in [] if rows.is_empty() else rows.drop_nulls("value")["subject"].unique().sort():
        own = rows.filter(subject=subject)
        caption = f"{subject}: T cells in blood over time, with 95 % limits.{ways_in_words(own)}"
        yield Drawing(BY_SUBJECT, f"flow_{subject}", caption, partial(subsets_of_subject, own))


def _repertoires_of_subjects(results: Results) -> Iterator[Drawing]:
    """Yield what the repertoires of each subject have in common and are made of."""
    from tilseq.plots.overlap import repertoire_maps

    for subject, locus, pairs, used, order in maps(results):
        index = pairs["parameter"][0]
        caption = (
            f"{subject}, {locus}: overlap of all pairs of samples ({INDICES[index]}), junction lengths and V genes by "
            f"clones. By overlap {in_words(pairs)}."
        )
        without = len(order) * (len(order) - 1) // 2 - pairs["value"].count()
        caption += " Grey is a pair without a value." if without else ""
        draw = partial(repertoire_maps, pairs, used, parameter=index, order=order)
        yield Drawing(BY_SUBJECT, f"repertoire_{subject}_{locus}", caption, draw)


def _masses(results: Results) -> pl.DataFrame:
    rows = commonest(repertoires(results), "assay", "qualifier", "way")
    return rows if rows.is_empty() else with_gaps(results, rows)


def _draw_masses(rows: pl.DataFrame) -> Axes:
    from tilseq.plots.repertoire import persistence_over_time

    reference = _qualifier(rows, "reference").replace("_", " ")
    return persistence_over_time(rows, held_by=f"clones of the {reference}")


def _mass_caption(rows: pl.DataFrame) -> str:
    reference = _qualifier(rows, "reference").replace("_", " ")
    population = qualifier_pairs(rows["qualifier"][0]).get("population")
    told = ", ".join(filter(None, (_qualifier(rows, "locus"), population, rows["assay"][0])))
    return f"Share of the blood repertoire held by clones of the {reference} ({told}), with 95 % limits."


def _scores(results: Results) -> pl.DataFrame:
    """Return the scores by subject, day and sample; none where no set was scored."""
    rows = results.with_sample("scores")
    return rows if rows["value"].count() else rows.clear()


def _draw_scores(rows: pl.DataFrame) -> Axes:
    from tilseq.plots.expression import score_heatmap

    scored = rows.drop_nulls("value")
    return score_heatmap(scored, samples=scored["sample"].unique(maintain_order=True).to_list(), method=_method(rows))


def _score_caption(rows: pl.DataFrame) -> str:
    by = f" ({_method(rows)})" if _method(rows) is not None else ""
    sets = rows["set"].n_unique()
    left = sets - rows.drop_nulls("value")["set"].n_unique()
    without = f" Not drawn: {left} of {sets} sets, of which too few genes are there." if left else ""
    return (
        f"Gene-set scores{by}, the mean over the cells of each sample; samples by subject and day. Sets differ in how "
        f"highly their genes are expressed: compare within a row.{without}"
    )


def _method(rows: pl.DataFrame) -> str | None:
    """Return how all of the rows were scored, as far as the table tells."""
    return rows["method"][0] if rows["method"].n_unique() == 1 else None


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
    CohortFigure("expression_scores", _scores, _draw_scores, _score_caption),
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
