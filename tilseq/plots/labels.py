"""Names set beside points so that no name lies on another."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tilseq.plots.style import INK, MUTED, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

FONT = 8
# Where a name may stand from its point: the nearest places first, to the right before the left; in points.
DISTANCES = (5.0, 12.0, 20.0, 30.0, 42.0)
ANGLES = tuple(pi * k / 8 for k in (1, -1, 7, -7, 0, 8, 3, -3, 5, -5, 4, -4))
LEADER = 8.0  # farther than this a line leads to the point
GAP = 1.5  # pixels around a name
STEPS = 12  # points of a leader that are held against other names


class _Place(NamedTuple):
    offset: tuple[float, float]  # of the anchor from the point, in points
    box: NDArray[np.float64]  # left, low, right, high, in pixels
    leader: NDArray[np.float64]  # points from the anchor to the point, in pixels


def place_labels(axes: Axes, points: ArrayLike, names: Sequence[str], *, avoid: ArrayLike = ()) -> list[str]:
    """Name points, first come first served; a name that finds no free place is left out.

    A name stays within the axes, off every other name and, if it can, off the points. Call it last: the layout is
    fixed here, and names do not change it.

    Parameters
    ----------
    axes
        Where the points are, with its limits and scales set.
    points
        n × 2, in data.
    names
        One a point; cut to 24 characters.
    avoid
        Further points to keep off, m × 2.

    Returns
    -------
    list of str
        The names that were placed, uncut.
    """
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]
    places = np.asarray(points, float).reshape(-1, 2)
    at = axes.transData.transform(places)
    taken = np.vstack([at, axes.transData.transform(np.asarray(avoid, float).reshape(-1, 2))])
    scale = axes.figure.dpi / 72
    frame = np.array(axes.get_window_extent().extents)
    boxes, leaders = np.empty((0, 4)), np.empty((0, 2))
    placed = []
    for point, pixel, name in zip(map(tuple, places), at, names, strict=True):
        text = axes.annotate(
            short(name), point, xytext=(0, 0), textcoords="offset points", fontsize=FONT, color=INK, zorder=5
        )
        text.set_in_layout(False)
        size = text.get_window_extent()
        candidates = _places(pixel, (size.width + 2 * GAP, size.height + 2 * GAP), scale)
        text.remove()
        free = [one for one in candidates if _is_free(one, frame, boxes, leaders)]
        found = next((one for one in free if not _holds(one.box, taken)), free[0] if free else None)
        if found is not None:
            boxes = np.vstack([boxes, found.box])
            leaders = np.vstack([leaders, found.leader])
            _write(axes, point, short(name), found.offset)
            placed.append(name)
    return placed


def _places(pixel: NDArray[np.float64], size: tuple[float, float], scale: float) -> list[_Place]:
    """Return where a name of a size in pixels may stand, the nearest first."""
    found = []
    for distance in DISTANCES:
        for angle in ANGLES:
            offset = distance * cos(angle), distance * sin(angle)
            anchor = pixel + scale * np.array(offset)
            low = anchor - [side * _share(part) for side, part in zip(size, offset, strict=True)]
            along = np.linspace(0, 1, STEPS)[:, None] if distance > LEADER else np.empty((0, 1))
            found.append(_Place(offset, np.array([*low, *(low + size)]), anchor + along * (pixel - anchor)))
    return found


def _is_free(
    place: _Place, frame: NDArray[np.float64], boxes: NDArray[np.float64], leaders: NDArray[np.float64]
) -> bool:
    """Tell whether a name stands within the frame, and neither it nor its leader meets another."""
    box = place.box
    if (box[:2] < frame[:2]).any() or (box[2:] > frame[2:]).any() or _holds(box, leaders):
        return False
    meets = ((boxes[:, :2] < box[2:]) & (boxes[:, 2:] > box[:2])).all(axis=1).any()
    return not meets and not any(_holds(other, place.leader) for other in boxes)


def _holds(box: NDArray[np.float64], points: NDArray[np.float64]) -> bool:
    return bool(((points > box[:2]) & (points < box[2:])).all(axis=1).any())


def _share(direction: float) -> float:
    """Return which share of a name's side lies before its anchor."""
    return 0.5 if abs(direction) < 1e-9 else 0.0 if direction > 0 else 1.0


def _write(axes: Axes, point: Any, name: str, offset: tuple[float, float]) -> None:
    from matplotlib.patheffects import Normal, Stroke

    across, up = (_share(part) for part in offset)
    far = float(np.hypot(*offset)) > LEADER
    arrow = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 2} if far else None
    text = axes.annotate(
        name,
        point,
        xytext=offset,
        textcoords="offset points",
        fontsize=FONT,
        color=INK,
        zorder=5,
        ha=("left", "center", "right")[int(2 * across)],
        va=("bottom", "center", "top")[int(2 * up)],
        arrowprops=arrow,
    )
    text.set_in_layout(False)
    text.set_path_effects([Stroke(linewidth=1.8, foreground="white"), Normal()])  # legible on a point, if it must be
