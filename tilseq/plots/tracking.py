"""Clones followed from the infusion product through blood: the largest as parts of a whole, and one by one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import polars as pl

from tilseq.errors import AnalysisError
from tilseq.plots.origins import ORIGINS
from tilseq.plots.rows import needing
from tilseq.plots.style import FAINT, INK, MUTED, PALETTE, figure, short
from tilseq.plots.timeline import mark_infusion
from tilseq.receptors import CLONE
from tilseq.tables import as_polars

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_COLOURED = len(PALETTE) - 1  # black is the colour of text
REST_COLOUR = "#9fb6c6"
BAR = 0.34  # width, of the distance between two samples
NAN = float("nan")
STEPS = 40  # of a ribbon's edge
LONGEST_NAME = 18
WIDTH, HEIGHT = 7.6, 4.0
COLUMNS = ("sample", *CLONE, "frequency", "n_effective", "limit_of_detection")


def clone_tracking(
    clones: Any,
    origins: Any,
    *,
    samples: Mapping[str, str],
    products: Sequence[str],
    locus: str | None = None,
    n: int = 6,
    not_yet: Any = None,
    gaps: Collection[str] = (),
) -> Axes:
    """Draw what the largest infused clones hold of each sample, all other infused ones, and the rest: stacked bars.

    Parameters
    ----------
    clones
        Table `clones`, polars or pandas, of one subject.
    origins
        Table `origins` of the subject.
    samples
        Sample → what it is called, in the order to draw them in: the product, then blood by its days.
    products
        Those of them that are of the product, all of whose clones were infused.
    locus
        Which locus; needed where the samples hold several.
    n
        Infused clones to draw by themselves, at most six: those that hold most of all samples together, each sample by
        its effective cells.
    not_yet
        `sample, locus, junction` of clones that had not been infused when a sample was taken, as those of a later lot:
        polars or pandas. In that sample they are drawn with what was not infused.
    gaps
        Those of the samples of which nothing is known, as they are another subject's: an empty place that no band
        crosses.

    Returns
    -------
    Axes
        A bar a sample, its effective cells below it; bands join the parts of neighbours. A clone goes by its amino-acid
        junction.

    Raises
    ------
    AnalysisError
        A sample has no row, the samples hold several loci and none is chosen, none of the clones was infused, or more
        than six are asked for.
    """
    if n > MOST_COLOURED:
        raise AnalysisError("there are more clones than colours", found=n, expected=f"at most {MOST_COLOURED}")
    known = [sample for sample in samples if sample not in gaps]
    rows = _of_samples(clones, dict.fromkeys(known), locus)
    infused = needing(origins, (*CLONE, "in_product")).filter(pl.col("in_product")).select(CLONE)
    held = rows.join(infused, on=CLONE, how="semi")
    others = "not seen in the product"
    if not_yet is not None and (early := as_polars(not_yet)).height:
        of_later = early.select("sample", *CLONE, later=pl.lit(True))
        held = held.join(of_later, on=("sample", *CLONE), how="left", maintain_order="left")
        held = held.with_columns(frequency=pl.when(pl.col("later").is_null()).then("frequency").otherwise(0.0))
        others = "not seen in what was infused by then"
    if held.is_empty():
        raise AnalysisError("none of the clones was infused: nothing to draw")
    largest = _largest(held)["junction"].head(n).to_list()
    parts = {sample: _parts(held.filter(sample=sample), largest, sample in products) for sample in known}
    names = [*_names(largest), "all other clones of the product", others]
    colours = [*PALETTE[: len(largest)], REST_COLOUR, FAINT]
    with figure(WIDTH + 0.6 * max(0, len(samples) - 5), HEIGHT) as axes:
        _draw_parts(axes, [parts.get(sample) for sample in samples], colours)
        _name_samples(axes, rows, samples)
        handles = [_patch(colour, name) for colour, name in zip(colours, names, strict=True)]
        axes.legend(handles=handles[::-1], loc="center left", bbox_to_anchor=(1.0, 0.5))
        axes.set_ylabel(f"Share of the {rows['locus'][0]} repertoire")
    return axes


def clone_courses(
    clones: Any,
    origins: Any,
    *,
    days: Mapping[str, float],
    locus: str | None = None,
    n: int = 5,
    infusions: Iterable[float] = (0,),
    gaps: Iterable[float] = (),
) -> Axes:
    """Draw the shares of single clones over days, coloured by origin, with the limit of detection of each sample.

    Parameters
    ----------
    clones
        Table `clones`, polars or pandas, of one subject.
    origins
        Table `origins` of the subject.
    days
        Sample of blood → its day. Two samples of one day are both drawn.
    locus
        Which locus; needed where the samples hold several.
    n
        Clones of each origin to draw: those that hold most of all samples together, each by its effective cells.
    infusions
        Days of infusion, which are marked.
    gaps
        Days of visits of which nothing is known, as their samples are another subject's: no line crosses them.

    Returns
    -------
    Axes
        A line a clone, on a logarithmic scale. The dotted step is the limit of detection, where a clone is missed with
        a chance of 5 %; a clone that was not seen stands there, as an open mark at the end of a thin dotted line. Where
        the effective cells of a sample are not known there is no limit, and the line ends.

    Raises
    ------
    AnalysisError
        A sample has no row, the samples hold several loci and none is chosen, or they show none of the clones.
    """
    rows = _of_samples(clones, days, locus).with_columns(
        day=pl.col("sample").replace_strict(days, return_dtype=pl.Float64)
    )
    rows = rows.join(needing(origins, (*CLONE, "origin")).select(*CLONE, "origin"), on=CLONE)
    largest = _largest(rows, "origin").group_by("origin", maintain_order=True).head(n)
    if largest.is_empty():
        raise AnalysisError("no sample shows any of the clones: nothing to draw")
    drawn = rows.join(largest.select("junction"), on="junction", how="semi").sort("day", "sample", "junction")
    unknown = pl.DataFrame({"day": sorted({*gaps} - {*days.values()})}, schema={"day": pl.Float64})
    with figure(WIDTH, HEIGHT) as axes:
        mark_infusion(axes, infusions)
        limits = drawn.unique(["sample"], maintain_order=True).drop_nulls("limit_of_detection")
        _draw_limits(axes, limits)
        # What cannot be told lies below the others.
        for origin in sorted(set(largest["origin"]), key=list(ORIGINS).index, reverse=True):
            for (_,), clone in drawn.filter(origin=origin).group_by("junction", maintain_order=True):
                _draw_course(axes, pl.concat([clone, unknown], how="diagonal").sort("day"), ORIGINS[origin][0])
        axes.set_yscale("log")
        axes.set_ylim(bottom=_lowest(drawn))
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
        axes.set_xlabel("Day (0 = first infusion)")
        axes.set_ylabel(f"Share of the {rows['locus'][0]} repertoire")
        _course_legend(axes, largest)
    return axes


def _of_samples(clones: Any, samples: Mapping[str, Any], locus: str | None) -> pl.DataFrame:
    """Return the rows of some samples and one locus."""
    rows = needing(clones, COLUMNS).filter(pl.col("sample").is_in(list(samples)))
    loci = rows["locus"].unique().sort().to_list()
    if locus is None and len(loci) > 1:
        raise AnalysisError("the samples hold several loci", found=", ".join(loci), mend="choose one with locus=")
    rows = rows.filter(pl.col("locus") == (locus or (loci[0] if loci else "")))
    present = set(rows["sample"].unique())
    absent = [name for name in samples if name not in present]
    if absent or rows.is_empty():
        raise AnalysisError("the table holds no clone of a sample", found=", ".join(absent) or "no sample")
    return rows


def _largest(rows: pl.DataFrame, *by: str) -> pl.DataFrame:
    """Return the clones seen, those first that hold most of all samples together."""
    cells = pl.col("n_effective").fill_null(1.0)
    held = rows.group_by(*by, "junction").agg(share=(pl.col("frequency") * cells).sum() / cells.sum())
    return held.filter(pl.col("share") > 0).sort("share", "junction", descending=[True, False])


def _parts(held: pl.DataFrame, largest: Sequence[str], of_product: bool) -> list[float]:
    """Return what each of the largest clones, all other infused ones and the rest hold of a sample."""
    # Of a sample whose cells are not known a clone that was not counted has no share; no part of its counts is drawn.
    shares = dict(held.select("junction", pl.col("frequency").fill_null(0.0)).iter_rows())
    single = [shares.get(name, 0.0) for name in largest]
    infused = 1.0 if of_product else min(1.0, sum(shares.values()))
    return [*single, max(0.0, infused - sum(single)), 1 - infused]


def _names(junctions: Sequence[str]) -> list[str]:
    """Return the amino acids of junctions; two clones of the same ones bear a number."""
    from tilseq.io.junctions import translated

    names = [short(name, LONGEST_NAME) for name in translated(pl.Series(junctions, dtype=pl.String))]
    return [f"{name} ({names[: i + 1].count(name)})" if names.count(name) > 1 else name for i, name in enumerate(names)]


def _draw_parts(axes: Axes, parts: Sequence[Sequence[float] | None], colours: Sequence[str]) -> None:
    """Draw a bar of parts for each sample that has them, the first at the bottom, and the bands between neighbours."""
    import numpy as np

    known = {place: part for place, part in enumerate(parts) if part is not None}
    ends = np.cumsum(np.pad(np.array(list(known.values())), ((0, 0), (1, 0))), axis=1)
    neighbours = [(i, left) for i, (left, right) in enumerate(pairwise(known)) if right == left + 1]
    steps = np.linspace(0, 1, STEPS)
    bend = steps**2 * (3 - 2 * steps)
    for part, colour in enumerate(colours):
        low, high = ends[:, part], ends[:, part + 1]
        axes.bar(list(known), high - low, BAR, low, color=colour, edgecolor="white", linewidth=0.5)
        for i, left in neighbours:
            x = left + BAR / 2 + (1 - BAR) * steps
            edges = (side[i] + (side[i + 1] - side[i]) * bend for side in (low, high))
            axes.fill_between(x, *edges, color=colour, alpha=0.35, linewidth=0)


def _name_samples(axes: Axes, rows: pl.DataFrame, samples: Mapping[str, str]) -> None:
    from matplotlib.ticker import PercentFormatter

    cells = dict(rows.select("sample", "n_effective").unique().iter_rows())
    known = {name: "cells not known" if n is None else f"{n:,.0f} cells" for name, n in cells.items()}
    labels = [
        "\n".join([*(short(line, LONGEST_NAME) for line in label.split("\n")), known.get(name, "takes no part")])
        for name, label in samples.items()
    ]
    axes.set_xticks(range(len(samples)), labels)
    axes.set_xlim(-0.5 * BAR - 0.1, len(samples) - 0.9 + 0.5 * BAR)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def _patch(colour: str, name: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(color=colour, label=name)


def _draw_limits(axes: Axes, limits: pl.DataFrame) -> None:
    """Shade what lies below the limit of detection of each sample, from half-way to its neighbours."""
    days, values = limits["day"].to_list(), limits["limit_of_detection"].to_list()
    if not days:
        return
    between = [(first + second) / 2 for first, second in zip(days, days[1:], strict=False)]
    reach = max(3.0, 0.03 * (days[-1] - days[0]))
    starts, stops = [days[0] - reach, *between], [*between, days[-1] + reach]
    for start, stop, value in zip(starts, stops, values, strict=True):
        axes.fill_between([start, stop], value, 1e-12, color=FAINT, alpha=0.45, linewidth=0, zorder=0)
        axes.hlines(value, start, stop, color=MUTED, linewidth=0.8, linestyle=":", zorder=1)


def _draw_course(axes: Axes, clone: pl.DataFrame, colour: str) -> None:
    """Draw one clone: a filled mark where it was seen, an open one at the limit where not, no line where neither."""
    is_seen = pl.col("frequency") > 0
    points = clone.with_columns(seen=pl.when(is_seen).then("frequency"))
    at = points.select(pl.coalesce("seen", "limit_of_detection")).to_series()
    days, seen, either = (
        column.cast(pl.Float64).fill_null(NAN).to_list() for column in (points["day"], points["seen"], at)
    )
    axes.plot(days, either, color=colour, linewidth=0.7, linestyle=":", alpha=0.5)
    axes.plot(days, seen, color=colour, linewidth=1.2, alpha=0.85, marker="o", markersize=3.5)
    missed = points.filter(~is_seen).drop_nulls("limit_of_detection")
    axes.plot(
        missed["day"].to_list(), missed["limit_of_detection"].to_list(), linestyle="none", marker="o", markersize=4.5,
        markerfacecolor="white", markeredgecolor=colour, zorder=3,
    )  # fmt: skip


def _lowest(drawn: pl.DataFrame) -> float:
    """Return where the axis starts: below every share and every limit."""
    found = pl.concat([drawn.filter(pl.col("frequency") > 0)["frequency"], drawn["limit_of_detection"].drop_nulls()])
    return float(min(found)) / 2


def _course_legend(axes: Axes, largest: pl.DataFrame) -> None:
    from matplotlib.lines import Line2D

    drawn = dict(largest.group_by("origin").len().iter_rows())
    handles = [
        Line2D([], [], color=colour, marker="o", markersize=4, label=f"{words} ({drawn[origin]})")
        for origin, (colour, words) in ORIGINS.items()
        if origin in drawn
    ]
    handles.append(
        Line2D([], [], linestyle="none", marker="o", markersize=4.5, markerfacecolor="white", markeredgecolor=INK,
               label="not seen: at the limit")
    )  # fmt: skip
    handles.append(Line2D([], [], color=MUTED, linewidth=0.8, linestyle=":", label="limit of detection"))
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5), title="Largest clones", alignment="left")
