"""The running enrichment score of one gene set along the ranked genes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tilseq.errors import AnalysisError
from tilseq.expression.contrasts import parse_contrast
from tilseq.expression.enrichment_score import RunningSum, running_sum
from tilseq.expression.gene_order import checked_ranks
from tilseq.expression.set_members import match_sets
from tilseq.plots.contrast_rows import one_contrast
from tilseq.plots.enrichment import ALPHA, EXPLORATORY, METHODS
from tilseq.plots.origins import BLUE, VERMILION
from tilseq.plots.style import FAINT, INK, MUTED, decimal, house_style, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 7.4, 5.2
LONGEST_NAME, LONGEST_LINE = 52, 92
OTHER_HITS = "#8a949e"
MOST_NAMED = 14
MOST_POINTS = 800  # of the ranks' curve
SAME_SCORE = 0.005
SPACE = "\N{NO-BREAK SPACE}"


def running_enrichment(
    frame: Any,
    genes: Collection[str],
    *,
    name: str,
    statistic: str = "t",
    contrast: str | None = None,
    engine: str | None = None,
    result: Mapping[str, Any] | None = None,
) -> Axes:
    """Draw the running sum of one gene set along the genes ranked by a statistic, its members and its leading edge.

    Parameters
    ----------
    frame
        Table `differential`, polars or pandas: `contrast, gene` and the statistic. Genes without it, and V(D)J genes,
        are not ranked.
    genes
        Symbols of the set.
    name
        Of the set.
    statistic
        Column that ranks the genes, high is up.
    contrast, engine
        Which; needed where the table holds several.
    result
        Row of the set in the table `enrichment`: the title then gives its NES and q, by which test and whether it can
        prove anything. Where its ES is not the one that is drawn, the title says so: it was tested on other ranks.

    Returns
    -------
    Axes
        Above the running sum, whose peak, the dashed line, is the enrichment score; below it a tick for each member,
        coloured in the leading edge, and the statistic. The strongest genes of the leading edge stand beside.

    Raises
    ------
    AnalysisError
        A column is absent; there are several contrasts or engines and none is chosen; a gene stands twice; no gene of
        the set is ranked, or every gene is in it.
    """
    rows = one_contrast(frame, contrast, engine, ("contrast", "gene", statistic))
    value = pl.col(statistic).cast(pl.Float64)
    ranked = rows.filter(value.is_finite())
    values = checked_ranks(ranked[statistic].to_numpy(), ranked["gene"].to_list())
    sets = match_sets(values.genes, {name: list(genes)}, 1, len(values.genes))
    if not sets.names:
        raise AnalysisError("the set cannot be drawn", found=name, mend=sets.left_out[0][2])
    run = running_sum(values.values, sets, values.genes)
    colour = BLUE if run.score < 0 else VERMILION
    with house_style():
        axes, hits, ranks = _panels()
        _draw_sum(axes, run, colour)
        _draw_hits(hits, run, colour)
        _draw_ranks(ranks, run, str(rows["contrast"][0]))
        ranks.set_ylabel(short(statistic))
        left_out = rows.height - len(run.ranks)
        told = f"; {left_out:,} without {short(statistic)} or V(D)J left out" if left_out else ""
        ranks.set_xlabel(f"Rank among {len(run.ranks):,} genes{told}")
        _name_edge(axes, run, colour)
        words = _in_lines(_words(run, result))
        axes.set_title(short(name, LONGEST_NAME), pad=8 + 12 * len(words.split("\n")))
        axes.annotate(
            words, (0, 1), xycoords="axes fraction", xytext=(0, 6), textcoords="offset points", fontsize=9,
            color=MUTED, va="bottom",
        )  # fmt: skip
    return axes


def _panels() -> list[Axes]:
    """Return the axes of the sum, of the members and of the ranks, one above the other."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(WIDTH, HEIGHT))
    FigureCanvasAgg(drawn)
    axes = drawn.subplots(3, 1, sharex=True, height_ratios=(3.4, 0.5, 1.4))
    return list(axes)


def _draw_sum(axes: Axes, run: RunningSum, colour: str) -> None:
    """Draw the sum from 0 over both sides of each member back to 0, a gene from one rank to the next, and its peak."""
    places = np.column_stack([run.places, run.places + 1]).ravel()
    sums = np.column_stack([run.before, run.after]).ravel()
    axes.axhline(0, color=MUTED, linewidth=0.8, zorder=1)
    axes.plot([0, *places, len(run.ranks)], [0, *sums, 0], color=colour, linewidth=1.6, zorder=3)
    if run.leading_edge:
        edge = len(run.leading_edge)
        at = run.places[edge - 1] + 1 if run.score > 0 else run.places[-edge]
        axes.vlines(at, 0, run.score, color=INK, linewidth=1, linestyle="--", zorder=2)
        ends = (0, at) if run.score > 0 else (at, len(run.ranks))
        axes.axvspan(*ends, color=colour, alpha=0.08, linewidth=0, zorder=0)
    axes.set_xlim(0, len(run.ranks))
    axes.margins(y=0.08)


def _draw_hits(axes: Axes, run: RunningSum, colour: str) -> None:
    edge = len(run.leading_edge)
    leads = np.arange(len(run.places)) < edge if run.score > 0 else np.arange(len(run.places)) >= len(run.places) - edge
    for own, look in ((~leads, OTHER_HITS), (leads, colour)):
        axes.vlines(run.places[own] + 0.5, 0, 1, color=look, linewidth=0.8)
    axes.set(ylim=(0, 1), yticks=[])
    axes.spines[:].set_visible(False)
    axes.tick_params(bottom=False)


def _draw_ranks(axes: Axes, run: RunningSum, contrast: str) -> None:
    """Draw the statistic along the genes, with where it crosses 0 and what its ends mean."""
    at = np.unique(np.linspace(0, len(run.ranks) - 1, MOST_POINTS).astype(int))
    axes.fill_between(at + 0.5, run.ranks[at], color="#b4bcc4", linewidth=0)
    axes.axhline(0, color=FAINT, linewidth=0.8)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    high, low = _end_words(contrast)
    if run.ranks[0] > 0:
        axes.text(0.01, 0.04, high, transform=axes.transAxes, ha="left", va="bottom", fontsize=8, color=MUTED)
    if run.ranks[-1] < 0:
        axes.text(0.99, 0.94, low, transform=axes.transAxes, ha="right", va="top", fontsize=8, color=MUTED)
    if run.ranks[0] > 0 > run.ranks[-1]:
        axes.axvline(int((run.ranks > 0).sum()), color=MUTED, linewidth=0.8, linestyle=":")


def _end_words(contrast: str) -> tuple[str, str]:
    """Return what a high and what a low rank means."""
    try:
        terms = parse_contrast(contrast).terms
    except AnalysisError:
        return "high", "low"
    if len(terms) > 1:
        return "difference above 0", "below 0"
    return f"higher in {short(terms[0].level)}", f"higher in {short(terms[0].reference)}"


def _name_edge(axes: Axes, run: RunningSum, colour: str) -> None:
    """Write the strongest genes of the leading edge beside the axes."""
    edge = run.leading_edge
    lines = [short(gene, 16) for gene in edge[:MOST_NAMED]]
    lines += [f"and {len(edge) - MOST_NAMED} more"] if len(edge) > MOST_NAMED else []
    of = f"{len(edge)} of {len(run.places)} gene{'s' if len(run.places) > 1 else ''}"
    axes.annotate(
        f"Leading edge\n{of}", (1.02, 1), xycoords="axes fraction", va="top",
        fontsize=9, color=INK,
    )  # fmt: skip
    axes.annotate("\n".join(lines), (1.02, 0.86), xycoords="axes fraction", va="top", fontsize=8, color=colour)


def _in_lines(words: list[str]) -> str:
    """Return words joined by semicolons, in lines that end at one."""
    return fill("; ".join(word.replace(" ", SPACE) for word in words), LONGEST_LINE).replace(SPACE, " ")


def _words(run: RunningSum, result: Mapping[str, Any] | None) -> list[str]:
    """Return the score, what its test says, and how many ranks are tied."""
    words = [f"ES {decimal(run.score)}"]
    if result is not None:
        if result["es"] is not None and abs(result["es"] - run.score) > SAME_SCORE:
            words.append(f"tested on other ranks, where ES is {decimal(result['es'])}")
        words += [f"NES {decimal(result['nes'])}"] if result["nes"] is not None else []
        words.append("not tested" if result["q"] is None else f"q {result['q']:.2g}")
        subjects = "" if result["subjects"] is None else f", {result['subjects']} subjects"
        words.append(f"{METHODS.get(result['method'], result['method'])}{subjects}")
        if result["exploratory"]:
            words.append(EXPLORATORY)
        elif (result["p_floor"] or 0) > ALPHA:
            words.append(f"p cannot come below {result['p_floor']:.3g}")
    tied = len(run.ranks) - len(np.unique(run.ranks))
    return [*words, f"{tied:,} genes have the rank of another and stand by their symbols"] if tied else words
