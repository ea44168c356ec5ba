"""What figures of the treatment share: the axis of days, the strip of what was given, the colours of grades."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tilseq.plots.style import INK, MUTED, PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Blue to grade 2, orange and brown for what is severe, ink for death: told apart with any kind of colour vision.
GRADE_COLOURS = {0: "#b8c0c8", 1: "#a6cbe3", 2: "#3f7fb5", 3: "#f0a04b", 4: "#a63603", 5: INK}
LYMPHODEPLETION, IL2 = PALETTE[3], PALETTE[2]
EVEN_DAYS = 30  # up to here, on both sides of 0, a day is as long as any other
LATEST_EVEN = 75
TICKS = (-360, -180, -90, -60, -30, -14, -7, 0, 7, 14, 30, 60, 90, 180, 360, 720, 1440)
STRIP_LOW, STRIP_HEIGHT = 1.015, 0.035  # of the axes' height


def set_days(axes: Axes, days: Sequence[int]) -> None:
    """Set the axis of days: even where all are near the infusion, else logarithmic beyond day 30.

    Parameters
    ----------
    axes
        Where to draw.
    days
        All days that are drawn.
    """
    first, last = min([*days, 0]), max([*days, 0])
    room = max(1.0, 0.02 * (last - first))
    label = "Day (0 = first infusion)"
    if last - first > LATEST_EVEN:
        axes.set_xscale("symlog", linthresh=EVEN_DAYS, linscale=1.0, subs=[])
        ticks = [tick for tick in TICKS if first - room <= tick <= last + room]
        axes.set_xticks(ticks, [f"{tick}".replace("-", "−") for tick in ticks])
        axes.minorticks_off()
        label += f", logarithmic beyond day {EVEN_DAYS}"
        last += last // 20
    axes.set_xlim(first - room, last + room)
    axes.set_xlabel(label)


def draw_treatment(
    axes: Axes,
    *,
    lymphodepletion_day: int | None = None,
    infusion_days: Sequence[int] = (0,),
    il2_end_day: int | None = None,
) -> list[Any]:
    """Draw the strip of the treatment above the axes, and a line down each infusion.

    Parameters
    ----------
    axes
        Where to draw; its axis of days is set.
    lymphodepletion_day
        First day of lymphodepletion, which lasts to the day before the first infusion.
    infusion_days
        Days of the infusions.
    il2_end_day
        Last day of IL-2, which begins with the first infusion.

    Returns
    -------
    list
        Handles of a legend, in the order of the treatment.
    """
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    first = min(infusion_days, default=0)
    handles: list[Any] = []
    spans = [
        ("lymphodepletion", lymphodepletion_day, first, LYMPHODEPLETION),
        ("IL-2", None if il2_end_day is None else first, (il2_end_day or 0) + 1, IL2),
    ]
    for name, start, end, colour in spans:
        if start is not None:
            # The strip ends where the axis does: days of it may lie beyond all results.
            low, high = axes.get_xlim()
            first_shown, last_shown = max(float(start), low), min(float(end), high)
            if last_shown > first_shown:
                _band(axes, first_shown, last_shown, colour)
            handles.append(Patch(color=colour, label=name))
    for day in infusion_days:
        axes.axvline(day, color=MUTED, linewidth=0.9, linestyle=":", zorder=0)
        axes.plot(
            [day], [STRIP_LOW + STRIP_HEIGHT / 2], marker="v", color=INK, markersize=6, linestyle="none",
            label="_infusion", transform=axes.get_xaxis_transform(), clip_on=False, zorder=4,
        )  # fmt: skip
    if infusion_days:
        handles.insert(min(1, len(handles)), Line2D([], [], marker="v", color=INK, linestyle="none", label="infusion"))
    return handles


def _band(axes: Axes, start: float, end: float, colour: str) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(
        Rectangle(
            (start, STRIP_LOW), end - start, STRIP_HEIGHT, facecolor=colour, edgecolor="none",
            transform=axes.get_xaxis_transform(), clip_on=False, zorder=3,
        )
    )  # fmt: skip
