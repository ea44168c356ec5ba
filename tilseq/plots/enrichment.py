"""Figure of gene-set enrichment: all sets in all contrasts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from tilseq.errors import AnalysisError
from tilseq.plots.contrast_rows import contrast_words
from tilseq.plots.maps import signed_colours
from tilseq.plots.rows import needing, of_names
from tilseq.plots.style import FAINT, INK, MUTED, figure, ink_on, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection

NEEDED = ("contrast", "set", "nes", "p_floor", "q", "method", "exploratory", "subjects")
ALPHA = 0.05
LEAST_Q = 0.001  # a dot of this or a lower q is as large as can be
SMALLEST, LARGEST = 26.0, 180.0  # area of a dot in square points
LEAST_SCALE = 3.0  # of NES: what chance gives, about 1, stays pale
HOLE = 0.42  # of a dot's area
NO_NES = "#9aa4ae"
DIRECTIONS = {"up": "^", "down": "v", None: "o"}
LONGEST_SET, LONGEST_LINE = 40, 16
EXPLORATORY = "exploratory, correlation of genes not estimated"
METHODS = {"sign_flip": "sign flip", "camera": "CAMERA", "preranked": "preranked", "ora": "over-representation"}


def enrichment_dots(
    frame: Any,
    *,
    sets: Sequence[str] | None = None,
    contrasts: Sequence[str] | None = None,
    method: str | None = None,
) -> Axes:
    """Draw the enrichment of all sets in all contrasts: colour is NES, size is -log10 q.

    Parameters
    ----------
    frame
        Table `enrichment`, polars or pandas; `direction` may be absent.
    sets
        Which sets, from above; by default all, that with the highest mean NES first.
    contrasts
        Which contrasts, from the left; by default all, as they stand in the table.
    method
        Which test; needed where a set and contrast have several.

    Returns
    -------
    Axes
        A star is q < 0.05. A dot with a hole proves nothing at 0.05: its test is exploratory, as it does not estimate
        the correlation of genes, or its p cannot come below 0.05 with so few subjects; the legend says which. A grey
        mark has a q but no NES, and points up or down where that is known. A cross was not tested: it has no q, or no
        row. Dots of q of 0.001 and below are of one size.

    Raises
    ------
    AnalysisError
        A column is absent, there is no such set, contrast or method, a set and contrast have several rows, or none
        has a q.
    """
    rows = _chosen(frame, sets, contrasts, method)
    across = list(contrasts or rows["contrast"].unique(maintain_order=True))
    down = list(sets or _by_nes(rows))
    x, y = ({name: place for place, name in enumerate(names)} for names in (across, down))
    tested = rows.drop_nulls("q").with_columns(
        hollow=pl.col("exploratory").fill_null(False) | (pl.col("p_floor") > ALPHA).fill_null(False),
        x=pl.col("contrast").replace_strict(x, return_dtype=pl.Int64),
        y=pl.col("set").replace_strict(y, return_dtype=pl.Int64),
        area=SMALLEST + (LARGEST - SMALLEST) * _strength(),
    )
    if tested.is_empty():
        raise AnalysisError("nothing to draw: no set has a q", found=f"{rows.height} rows")
    with figure(max(6.4, 4.4 + 1.15 * len(across)), 2.3 + 0.27 * len(down)) as axes:
        crosses = {(x[a], y[b]) for a in across for b in down} - set(tested.select("x", "y").iter_rows())
        dots = _draw_dots(axes, tested, sorted(crosses))
        if tested["nes"].count():
            axes.figure.colorbar(dots, ax=axes, label="NES", shrink=min(1.0, 0.4 + 2.4 / len(down)))
        turned: dict[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if len(across) > 5 else {}
        axes.set_xticks(range(len(across)), [_contrast_label(name, rows) for name in across], **turned)
        axes.set_yticks(range(len(down)), [short(name, LONGEST_SET) for name in down])
        axes.set(xlim=(-0.6, len(across) - 0.4), ylim=(len(down) - 0.4, -0.6))
        axes.grid()
        _legend(axes, tested, bool(crosses))
    return axes


def _chosen(
    frame: Any, sets: Sequence[str] | None, contrasts: Sequence[str] | None, method: str | None
) -> pl.DataFrame:
    rows = needing(frame, NEEDED)
    rows = rows.with_columns(
        *([] if "direction" in rows.columns else [pl.lit(None, pl.String).alias("direction")]),
        pl.col("contrast").cast(pl.String).fill_null("no contrast"),
        # A column of a CSV without a number is read as text.
        *(_finite(name) for name in ("nes", "p_floor", "q")),
    )
    for column, names in (("method", [method] if method else None), ("contrast", contrasts), ("set", sets)):
        rows = of_names(rows, column, names)
    twice = rows.filter(rows.select("contrast", "set").is_duplicated())
    if twice.height:
        methods = ", ".join(twice["method"].unique().sort())
        mend = f"choose one of {methods} with method=" if "," in methods else "give one row a set and contrast"
        raise AnalysisError("a set and contrast stand twice", column="set", found=twice["set"][0], mend=mend)
    return rows


def _finite(name: str) -> pl.Expr:
    number = pl.col(name).cast(pl.Float64)
    return pl.when(number.is_finite()).then(number).alias(name)


def _by_nes(rows: pl.DataFrame) -> list[str]:
    means = rows.group_by("set").agg(pl.col("nes").mean())
    return means.sort("nes", "set", descending=[True, False], nulls_last=True)["set"].to_list()


def _strength() -> pl.Expr:
    """Return -log10 q as a share of what the largest dot stands for."""
    from math import log10

    return pl.col("q").clip(LEAST_Q, 1).log10() / log10(LEAST_Q)


def _draw_dots(axes: Axes, tested: pl.DataFrame, crosses: Sequence[tuple[int, int]]) -> PathCollection:
    from matplotlib.colors import Normalize

    most = max([LEAST_SCALE, *tested["nes"].drop_nulls().abs()])
    scale = Normalize(-most, most)
    look: dict[str, Any] = {"edgecolors": MUTED, "linewidths": 0.5, "zorder": 2}
    with_nes, without = tested.drop_nulls("nes"), tested.filter(pl.col("nes").is_null())
    dots = axes.scatter(
        with_nes["x"], with_nes["y"], s=with_nes["area"], c=with_nes["nes"], cmap=signed_colours(), norm=scale, **look
    )
    for direction, marker in DIRECTIONS.items():
        own = without.filter(pl.col("direction").eq_missing(pl.lit(direction)))
        axes.scatter(own["x"], own["y"], s=own["area"], marker=marker, color=NO_NES, label="_no NES", **look)
    hollow = tested.filter("hollow")
    axes.scatter(hollow["x"], hollow["y"], s=hollow["area"] * HOLE, color="white", label="_hole", **look)
    colours = dots.cmap(scale(with_nes["nes"].to_numpy()))
    inks = with_nes.select("x", "y", ink=pl.Series([ink_on(colour[:3]) for colour in colours], dtype=pl.String))
    stars = tested.filter(pl.col("q") < ALPHA).join(inks, on=["x", "y"], how="left")
    ink = pl.when("hollow").then(pl.lit(INK)).otherwise(pl.col("ink").fill_null(INK))
    stars = stars.with_columns(ink=ink)
    axes.scatter(stars["x"], stars["y"], s=26, marker="*", color=stars["ink"], linewidths=0, zorder=3, label="_star")
    if crosses:
        axes.scatter(
            [x for x, _ in crosses],
            [y for _, y in crosses],
            s=18,
            marker="x",
            color=MUTED,
            linewidths=1,
            label="_cross",
        )
    return dots


def _contrast_label(contrast: str, rows: pl.DataFrame) -> str:
    """Return the levels of a contrast and how many subjects were tested."""
    numbers = rows.filter(contrast=contrast)["subjects"].drop_nulls().unique().sort().to_list()
    lines = [short(line, 28) for line in contrast_words(contrast, LONGEST_LINE).split("\n")]
    if numbers:
        told = f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
        lines.append(f"{told} subject{'s' if told != '1' else ''}")
    return "\n".join(lines)


def _legend(axes: Axes, tested: pl.DataFrame, crosses: bool) -> None:
    """Set the legend below: sizes, and what the marks mean that are drawn."""
    from matplotlib.lines import Line2D

    def dot(marker: str, size: float, words: str, **look: Any) -> Line2D:
        all_have: dict[str, Any] = {
            "linestyle": "none",
            "color": FAINT,
            "markeredgecolor": MUTED,
            "markeredgewidth": 0.5,
        }
        return Line2D([], [], marker=marker, markersize=size**0.5, label=words, **(all_have | look))

    sizes = pl.DataFrame({"q": [0.5, ALPHA, LEAST_Q]}).select("q", area=SMALLEST + (LARGEST - SMALLEST) * _strength())
    handles = [dot("o", area, f"q {'≤ ' if q == LEAST_Q else ''}{q:g}") for q, area in sizes.iter_rows()]
    if (tested["q"] < ALPHA).any():
        handles.append(dot("*", 50, f"q < {ALPHA:g}", color=INK, markeredgewidth=0))
    hollow = tested.filter("hollow")
    told = {
        f"hole: p cannot come below {ALPHA:g}, too few subjects": hollow.filter(pl.col("p_floor") > ALPHA),
        f"hole: {EXPLORATORY}": hollow.filter("exploratory"),
    }
    for words, own in told.items():
        if own.height:
            handles.append(dot("o", 70, words, color="white", markeredgecolor=MUTED, markeredgewidth=3))
    if tested["nes"].null_count():
        told_direction = tested.filter(pl.col("nes").is_null())["direction"].count()
        marker, words = ("^", "no NES; the triangle points up or down") if told_direction else ("o", "no NES")
        handles.append(dot(marker, 70, words, color=NO_NES))
    if crosses:
        handles.append(dot("x", 30, "not tested", color=MUTED, markeredgewidth=1))
    axes.figure.legend(handles=handles, loc="outside lower left", ncols=2)
