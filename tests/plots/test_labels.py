import numpy as np
import pytest
from matplotlib.text import Text

from tilseq.plots.labels import place_labels
from tilseq.plots.style import figure


@pytest.fixture
def axes():
    with figure(4, 3) as axes:
        axes.set(xlim=(0, 10), ylim=(0, 10))
        yield axes


def boxes(axes):
    axes.figure.draw_without_rendering()
    return [Text.get_window_extent(text).extents for text in axes.texts]  # without the leader


def overlaps(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def test_names_of_one_point_do_not_overlap_and_stay_within_the_axes(axes):
    names = [f"gene {i}" for i in range(20)]
    placed = place_labels(axes, [(9.9, 9.9)] * 4 + [(5, 5)] * 16, names)
    assert placed[0] == "gene 0" and len(names) > len(placed) > 8  # not all find room
    assert placed == [text.get_text() for text in axes.texts]
    found = boxes(axes)
    assert not any(overlaps(a, b) for i, a in enumerate(found) for b in found[:i])
    frame = axes.get_window_extent().extents
    assert all((box[:2] >= frame[:2]).all() and (box[2:] <= frame[2:]).all() for box in found)


def test_a_name_keeps_off_points_where_it_can(axes):
    crowd = np.column_stack([np.linspace(5.05, 7, 40), np.full(40, 5.4)])  # where the name would stand first
    place_labels(axes, [(5, 5)], ["GZMB"], avoid=crowd)
    left, low, right, high = boxes(axes)[0]
    pixels = axes.transData.transform(crowd)
    inside = (pixels[:, 0] > left) & (pixels[:, 0] < right) & (pixels[:, 1] > low) & (pixels[:, 1] < high)
    assert not inside.any()


def test_names_do_not_move_the_axes_and_may_be_none(axes):
    assert place_labels(axes, [], []) == []
    before = axes.get_position().bounds
    place_labels(axes, [(0.1, 5)], ["a name that is longer than a label may be"])
    assert axes.texts[0].get_text() == "a name that …abel may be"
    axes.figure.draw_without_rendering()
    assert axes.get_position().bounds == before
