import numpy as np
import pandas as pd
import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.plots.study import endpoint_over_time

FRAME = {
    "subject": ["B", "A", "A", "A"],
    "day": [3, 28, -7, None],
    "value": [1.5, 4.0, 2.0, 9.0],
    "lower": [None, 3.0, 1.5, 8.0],
    "upper": [None, 6.0, 2.5, 9.5],
}


def lines(axes):
    return {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}


@pytest.mark.parametrize("frame", [pl.DataFrame(FRAME), pd.DataFrame(FRAME)], ids=["polars", "pandas"])
def test_a_line_a_subject_in_order_of_days_with_interval_bars(frame):
    axes = endpoint_over_time(frame, label="CD4/CD8 ratio")
    assert list(lines(axes)) == ["A", "B"]
    assert lines(axes)["A"].get_xydata().tolist() == [[-7, 2.0], [28, 4.0]]
    bars = [bar.get_segments()[0].tolist() for bar in axes.collections]
    assert bars == [[[-7, 1.5], [-7, 2.5]], [[28, 3.0], [28, 6.0]], [[3, 1.5], [3, 1.5]]]
    assert axes.get_ylabel() == "CD4/CD8 ratio"
    assert axes.get_title(loc="left") == "1 without day or value left out"
    assert axes.get_ylim()[0] == 0


def test_day_0_is_marked_as_the_infusion():
    axes = endpoint_over_time(pl.DataFrame(FRAME), label="x")
    assert [text.get_text() for text in axes.texts] == ["infusion"]
    assert axes.texts[0].xy[0] == 0
    assert axes.lines[0].get_xdata() == [0, 0]


def test_limits_may_be_absent_and_negative_values_are_shown():
    frame = pl.DataFrame({"subject": ["A"], "day": [0], "value": [-12.0]})
    assert endpoint_over_time(frame, label="x").get_ylim()[0] < -12


def subject_of(days, values, lower, upper, **columns):
    return pl.DataFrame({"subject": "A", "day": days, "value": values, "lower": lower, "upper": upper, **columns})


def drawn(axes, label):
    return [line.get_xydata().tolist() for line in axes.lines if line.get_label() == label]


def test_a_limit_far_beyond_the_values_runs_out_of_the_axis_with_an_arrow():
    axes = endpoint_over_time(subject_of([1, 7, 28], [1.0, 2.0, 9.5], [0.8, 1.5, 1.1], [1.2, 2.5, 394.0]), label="x")
    bottom, top = axes.get_ylim()
    # values span 0 to 9.5, limits may add half of that (14.25), and 5 % of the whole is margin
    assert (bottom, top) == (0, pytest.approx(14.9625))
    assert drawn(axes, "_outside") == [[[28, 1]]]
    assert axes.collections[2].get_segments()[0].tolist() == [[28, 1.1], [28, top]]
    assert axes.get_title(loc="left") == "grey arrow: limit beyond the axis (1)"


@pytest.mark.parametrize(
    ("scale", "lower", "upper", "ends", "outside"),
    [
        ("linear", [9.0, -900.0], [11.0, float("inf")], (0, 15.75), [[[7, 0]], [[7, 1]]]),
        ("log", [9.0, 0.0], [11.0, float("inf")], (10**-0.6, 10**1.6), [[[7, 0]], [[7, 1]]]),
        ("log", [9.0, 0.9], [11.0, 1.1], None, []),
    ],
)
def test_a_limit_without_end_or_at_zero_leaves_the_axis_as_it_is(scale, lower, upper, ends, outside):
    axes = endpoint_over_time(subject_of([1, 7], [10.0, 1.0], lower, upper), label="x", scale=scale)
    assert drawn(axes, "_outside") == outside
    assert ends is None or axes.get_ylim() == pytest.approx(ends)


def test_values_that_are_all_alike_get_an_axis():
    for value in (0.0, 5.0, -5.0):
        low, high = endpoint_over_time(subject_of([1], [value], [None], [None]), label="x").get_ylim()
        assert low <= value < high


def test_the_ends_of_the_axis_may_be_given():
    axes = endpoint_over_time(subject_of([1], [0.1], [0.0], [0.9]), label="x", ends=(-0.02, 1.02))
    assert axes.get_ylim() == (-0.02, 1.02)
    assert drawn(axes, "_outside") == []


@pytest.mark.parametrize(
    "columns",
    [
        {"status": ["quantified", "detected_below_loq", None]},
        {"state": ["ok", "fail", "warn"]},
        {"status": ["quantified", "quantified", "quantified"], "state": [None, "fail", "ok"]},
    ],
)
def test_a_point_that_needs_care_is_hollow(columns):
    axes = endpoint_over_time(subject_of([1, 7, 28], [1.0, 2.0, 3.0], None, None, **columns), label="x")
    assert drawn(axes, "_hollow") == [[[7, 2.0]]]
    assert next(line for line in axes.lines if line.get_label() == "_hollow").get_markerfacecolor() == "white"
    assert axes.get_title(loc="left") == "hollow: failed quality or not quantified"


def test_a_null_value_is_a_gap_that_no_line_crosses_and_none_goes_to_zero():
    axes = endpoint_over_time(subject_of([1, 7, 28], [1.0, None, 3.0], [0.5, 0.0, 2.0], [2.0, 9.0, 4.0]), label="x")
    assert np.array_equal(drawn(axes, "A"), [[[1, 1.0], [7, np.nan], [28, 3.0]]], equal_nan=True)
    assert [bar.get_segments()[0].tolist()[0][0] for bar in axes.collections] == [1, 28]
    assert axes.get_title(loc="left") == "a line ends at a visit without a number"


def test_a_failed_replicate_beside_a_number_of_the_same_day_is_no_gap():
    axes = endpoint_over_time(subject_of([1, 1, 28], [None, 2.0, 3.0], None, None), label="x")
    assert drawn(axes, "A") == [[[1, 2.0], [28, 3.0]]]


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_what_was_not_detected_stands_at_its_upper_limit_with_an_arrow_down_and_no_line(scale):
    status = ["quantified", "not_detected", "quantified"]
    frame = subject_of([1, 7, 28], [40.0, 0.0, 30.0], [35.0, 0.0, 25.0], [45.0, 3.7, 35.0], status=status)
    axes = endpoint_over_time(frame, label="x", scale=scale)
    assert np.array_equal(drawn(axes, "A"), [[[1, 40.0], [7, np.nan], [28, 30.0]]], equal_nan=True)
    assert drawn(axes, "_below") == [[[7, 3.7]]]
    assert next(line for line in axes.lines if line.get_label() == "_below").get_markerfacecolor() == "white"
    (arrow,) = (text for text in axes.texts if text.arrow_patch is not None)
    assert arrow.xy == (7, 3.7) and arrow.xyann[1] < 0
    assert [bar.get_segments()[0].tolist()[0][0] for bar in axes.collections] == [1, 28]
    assert axes.get_title(loc="left") == "hollow with an arrow down: not detected, below this"
    low, high = axes.get_ylim()
    assert low < 3.7 < high


def test_not_detected_without_an_upper_limit_is_left_out_and_told():
    frame = subject_of([1, 7], [40.0, 0.0], None, None, status=["quantified", "not_detected"])
    axes = endpoint_over_time(frame, label="x")
    assert drawn(axes, "A") == [[[1, 40.0]]]
    assert axes.get_title(loc="left") == "1 without day or value left out"


def test_a_logarithmic_axis_has_plain_numbers():
    axes = endpoint_over_time(subject_of([1, 7], [0.6, 1800.0], None, None), label="x", scale="log")
    axes.figure.canvas.draw()
    assert [t.get_text() for t in axes.get_yticklabels()][1:-1] == ["1", "10", "100", "1,000"]


def test_fourteen_subjects_are_told_apart_and_more_are_drawn_without_names():
    def frame(n):
        return pl.DataFrame({"subject": [f"S{i:02}" for i in range(n)], "day": [1] * n, "value": [1.0] * n})

    few = endpoint_over_time(frame(14), label="x")
    assert len({(line.get_color(), line.get_marker()) for line in lines(few).values()}) == 14
    assert few.get_legend() is not None
    many = endpoint_over_time(frame(15), label="x")
    assert len(lines(many)) == 15
    assert many.get_legend() is None
    assert many.get_title(loc="left") == "15 subjects"


def test_every_subject_of_a_large_cohort_is_drawn():
    frame = pl.DataFrame({"subject": [f"S{i:03}" for i in range(60)], "day": [1] * 60, "value": [1.0] * 60})
    assert len(lines(endpoint_over_time(frame, label="x"))) == 60


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(AnalysisError, match="column day"):
        endpoint_over_time(pl.DataFrame({"subject": ["A"], "value": [1.0]}), label="x")
    empty = pl.DataFrame({"subject": ["A"], "day": [None], "value": [1.0]})
    with pytest.raises(AnalysisError, match="nothing to draw"):
        endpoint_over_time(empty, label="x")
    with pytest.raises(AnalysisError, match="logarithmic"):
        endpoint_over_time(pl.DataFrame({"subject": ["A"], "day": [1], "value": [0.0]}), label="x", scale="log")


@pytest.mark.parametrize("kind", [pl.DataFrame, pd.DataFrame], ids=["polars", "pandas"])
def test_rows_of_several_parameters_have_no_axis_in_common(kind):
    endpoints = kind({**FRAME, "parameter": ["cd4_cd8_ratio", "cells_per_ul", None, "cells_per_ul"]})
    with pytest.raises(
        AnalysisError, match="column parameter: the figure is of one of these; found 'cd4_cd8_ratio, cel"
    ):
        endpoint_over_time(endpoints, label="x")


def test_a_scale_that_is_none_is_refused():
    with pytest.raises(AnalysisError, match=r"column scale: no such setting; found 'logg'; .* did you mean 'log'\?"):
        endpoint_over_time(pl.DataFrame(FRAME), label="x", scale="logg")


def ticks_of(values):
    """Return the labels of the vertical axis within its ends."""
    frame = pl.DataFrame({"subject": ["A"] * len(values), "day": list(range(len(values))), "value": values})
    axes = endpoint_over_time(frame, label="CD4/CD8 ratio", scale="log")
    axes.figure.draw_without_rendering()
    low, high = axes.get_ylim()
    return [
        tick.label1.get_text() for tick in axes.yaxis.get_major_ticks() if low <= tick.get_loc() <= high
    ]  # fmt: skip


def test_a_short_logarithmic_axis_has_more_than_one_tick():
    assert ticks_of([0.62, 1.58]) == ["0.6", "0.8", "1", "1.2", "1.4", "1.6"]  # of 1, 2 and 5 only 1 would be there
    assert ticks_of([0.8, 8.0]) == ["1", "2", "5"]
    assert ticks_of([0.8, 600.0]) == ["1", "10", "100"]
