"""The deepest change of the sum of diameters, a bar a subject."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any, Literal

from tilseq.errors import AnalysisError
from tilseq.plots.clinic_words import (
    RESPONSE_COLOURS,
    RESPONSE_WORDS,
    THRESHOLDS,
    group_in_words,
    named_few,
    one_a_subject,
)
from tilseq.plots.rows import needing
from tilseq.plots.style import INK, MUTED, PALETTE, figure, filled, short

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes

COLUMNS = ("subject", "best_response", "depth_pct")
MOST_LABELLED = 40
LEAST_PLACES = 4
HIGHEST = 100.0  # %; a bar that grows further would flatten all others
LETTERS_AN_INCH = 13  # of the title; the legend and the vertical axis take two inches
MOST_LETTERS = 40  # of names that stand side by side
NOT_GIVEN = "not given"
MEND = "keep the rows of one reader, source and confirmation"


def waterfall(frame: Any, *, colour: Literal["best_response", "tumor_type"] = "best_response") -> Axes:
    """Draw the deepest change of the sum of target diameters from baseline, a bar a subject, from growth to shrinkage.

    Dashed lines stand at -30 % and +20 % of the baseline. A bar beyond +100 % ends there with an arrow and its number.
    Up to 40 subjects are named, with the best response at the end of each bar, which the colour alone need not tell. A
    subject without a sum after the baseline has no bar; the title names it. The change of the sum is not the response:
    a new lesion makes PD of any bar, and a response that was not confirmed may be as deep as one that was.

    Parameters
    ----------
    frame
        Table `best_response`, polars or pandas, one row a subject: `subject`, `best_response` (`CR`, `PR`, `SD`,
        `NON-CR/NON-PD`, `PD`, `NE`, `not_assessed`), `depth_pct` (%, deepest change from baseline, null without one).
    colour
        What the colour tells: the best response, or the column `tumor_type` that the caller has joined to the table.

    Returns
    -------
    Axes
        The only axes of a new figure.

    Raises
    ------
    AnalysisError
        A column is absent, a subject has several rows or no best response, or no subject has a change.
    """
    import polars as pl

    needed = COLUMNS if colour == "best_response" else (*COLUMNS, colour)
    rows = one_a_subject(needing(frame, needed), MEND)
    rows = rows.select("subject", pl.col("best_response", colour).cast(pl.String), pl.col("depth_pct").cast(pl.Float64))
    strange = rows.filter(~pl.col("best_response").is_in(list(RESPONSE_COLOURS)).fill_null(False))
    if strange.height:
        found = f"{strange['best_response'][0]} of {strange['subject'][0]}"
        expected = ", ".join(RESPONSE_COLOURS)
        raise AnalysisError("this is no best response", column="best_response", found=found, expected=expected)
    rows = rows.with_columns(pl.col(colour).fill_null(NOT_GIVEN))
    bars = rows.filter(pl.col("depth_pct").is_finite()).sort(["depth_pct", "subject"], descending=[True, False])
    if bars.is_empty():
        raise AnalysisError("nothing to draw: no subject has a sum after its baseline", column="depth_pct")
    without = rows.join(bars, on="subject", how="anti")["subject"].sort().to_list()
    named = bars.height <= MOST_LABELLED
    width = min(8.0, max(6.6, 2.4 + 0.27 * bars.height))
    with figure(width, 4.2) as axes:
        _draw_bars(axes, bars, colour, named)
        for threshold in THRESHOLDS:
            axes.axhline(threshold, color=MUTED, linestyle="--", linewidth=1)
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.set_ylabel("Sum of diameters,\ndeepest change from baseline (%)")
        middle, half = (bars.height - 1) / 2, max(bars.height, LEAST_PLACES) / 2 + 0.2
        axes.set_xlim(middle - half, middle + half)
        told = fill(_told(bars, without, named), int((width - 2) * LETTERS_AN_INCH))
        axes.set_title(told, fontweight="normal", fontsize=9, color=MUTED, pad=10)
        title = "Best response" if colour == "best_response" else "Tumour type"
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title=title, alignment="left")
    return axes


def _draw_bars(axes: Axes, bars: pl.DataFrame, colour: str, named: bool) -> None:
    height = bars["depth_pct"].clip(upper_bound=HIGHEST)
    looks = _looks(bars, colour)
    places = range(bars.height)
    for word, own in looks.items():
        at = [i for i in places if bars[colour][i] == word]
        label = RESPONSE_WORDS.get(word, word) if colour == "best_response" else group_in_words(word)
        axes.bar(at, [height[i] for i in at], width=0.8 if named else 1.0, **own, label=f"{label} ({len(at)})")
        # A change of 0 would be a bar of no height: the line tells that there is a subject, and of what colour.
        flat = [i for i in at if height[i] == 0]
        look: dict[str, Any] = {"linestyle": "none", "marker": "_", "markeredgewidth": 3, "zorder": 3}
        axes.plot(flat, [0] * len(flat), color=own["color"], label="_flat", **look)
    high = [i for i in places if bars["depth_pct"][i] > HIGHEST]
    axes.plot(high, [HIGHEST] * len(high), linestyle="none", marker="^", color=INK, label="_beyond")
    upright = _is_tight(bars)
    below, above = ((24, 24) if upright else (14, 14)) if named else (8, 8)
    above = 48 if high and upright else above
    axes.set_ylim(min(*height, THRESHOLDS[0]) - below, max(*height, THRESHOLDS[1]) + above)
    for i in places if named else ():
        _label(axes, i, height[i], bars["depth_pct"][i], bars["best_response"][i], upright=upright)
    axes.set_xticks(list(places) if named else [], [short(name, 14) for name in bars["subject"]] if named else [])
    letters = bars.height * max(len(short(name, 14)) for name in bars["subject"])
    axes.tick_params(axis="x", rotation=90 if bars.height > 6 or letters > MOST_LETTERS else 0, length=0)
    axes.grid(axis="y")


def _label(axes: Axes, place: int, end: float, value: float, word: str, *, upright: bool) -> None:
    """Write the best response at the end of a bar, and the number where the bar does not show it."""
    shown = "–" if word == "not_assessed" else word
    text = f"{shown} {value:+.0f}" if value > HIGHEST else shown
    up = value >= 0
    axes.annotate(
        text, (place, end), xytext=(0, 5 if up else -3), textcoords="offset points", ha="center",
        va="bottom" if up else "top", fontsize=7, rotation=90 if upright else 0,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
    )  # fmt: skip


def _is_tight(bars: pl.DataFrame) -> bool:
    """Return whether a word does not find room across its bar."""
    return bars.height > 14 or "NON-CR/NON-PD" in bars["best_response"]


def _looks(bars: pl.DataFrame, colour: str) -> dict[str, dict[str, Any]]:
    """Return how the bars of each response or tumour type are filled."""
    found = set(bars[colour])
    if colour == "best_response":
        return {word: {"color": own} for word, own in RESPONSE_COLOURS.items() if word in found}
    types = {name: filled(place, PALETTE[:-1]) for place, name in enumerate(sorted(found - {NOT_GIVEN}))}
    return types | ({NOT_GIVEN: {"color": MUTED}} if NOT_GIVEN in found else {})


def _told(bars: pl.DataFrame, without: list[str], named: bool) -> str:
    told = [] if named else [f"{bars.height} subjects"]
    told += [f"no bar for want of a sum after the baseline that counts: {named_few(without)}"] if without else []
    beyond = int((bars["depth_pct"] > HIGHEST).sum())
    told += [f"arrow: beyond +100 % ({beyond})"] if beyond else []
    return "; ".join(told)
