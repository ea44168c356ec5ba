import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.plots.kaplan_meier import survival

# Subjects of 30, 61 (censored), 91 and 152 days; Kaplan-Meier by hand: 3/4, 3/4, 3/8, 0.
CURVE = pl.DataFrame(
    [
        ("OS", "all", 30, 4, 1, 0, 0.75, 0.13, 0.96),
        ("OS", "all", 61, 3, 0, 1, 0.75, 0.13, 0.96),
        ("OS", "all", 91, 2, 1, 0, 0.375, 0.01, 0.81),
        ("OS", "all", 152, 1, 1, 0, 0.0, None, None),
    ],
    schema=["parameter", "group", "day", "at_risk", "events", "censored", "survival", "lower", "upper"],
    orient="row",
).with_columns(reader=pl.lit(None, pl.String), method=pl.lit("Kaplan-Meier, beta product (Fay 2013) 95 %"))
MEDIAN = {"parameter": "OS", "reader": None, "group": "all", "quantity": "median", "estimate": 91.0, "lower": 30.0,
          "upper": None, "estimate_text": None, "lower_text": None, "upper_text": "not reached",
          "unit": "d"}  # fmt: skip


def texts(axes):
    return [(round(text.xy[0], 3), text.get_text()) for text in axes.texts]


def test_steps_from_1_with_ticks_where_subjects_are_censored():
    line, censored = survival(CURVE).get_lines()
    assert line.get_drawstyle() == "steps-post"
    assert line.get_ydata().tolist() == [1, 0.75, 0.75, 0.375, 0]
    assert [round(month * 30.4375) for month in line.get_xdata()] == [0, 30, 61, 91, 152]
    assert [round(month * 30.4375) for month in censored.get_xdata()] == [61]


def test_numbers_at_risk_stand_below_the_ticks_of_the_same_axis():
    axes = survival(CURVE, since="first dose")
    ticks = [round(float(tick), 3) for tick in axes.get_xticks()]
    assert ticks == [0, 1, 2, 3, 4]
    assert texts(axes)[0] == (0.5, "Months since first dose")
    # A month is 30.4375 days: at month 1 the one of day 30 is gone, at month 2 the one of day 61 is still there.
    assert texts(axes)[2:] == [(0, "4"), (1, "3"), (2, "3"), (3, "1"), (4, "1")]


def test_a_short_study_has_ticks_within_months():
    axes = survival(CURVE.with_columns(day=pl.col("day") // 10))
    assert [round(float(tick), 3) for tick in axes.get_xticks()] == [0, 0.1, 0.2, 0.3, 0.4]
    assert [text for _, text in texts(axes)[2:]] == ["4", "3", "2", "1", "1"]


def test_the_legend_has_the_median_or_the_word_in_its_place():
    legend = survival(CURVE, pl.DataFrame([MEDIAN])).get_legend()
    assert legend.get_title().get_text() == "In brackets 95 % limits, beta product (Fay 2013)"
    (told,) = legend.get_texts()
    assert told.get_text() == "4 subjects, 3 events; median 3.0 months (1.0 to not reached)"
    none = MEDIAN | {"estimate": None, "estimate_text": "cannot be estimated", "lower": None, "upper_text": None}
    (told,) = survival(CURVE, pl.DataFrame([none])).get_legend().get_texts()
    assert told.get_text() == "4 subjects, 3 events; median cannot be estimated (no limits)"


def test_groups_have_a_line_and_a_row_at_risk_each():
    groups = [CURVE.with_columns(group=pl.lit(f"tumor_type={name}")) for name in ("nsclc", "head_and_neck")]
    axes = survival(pl.concat(groups).to_pandas())
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["NSCLC: 4 subjects, 3 events", "head and neck: 4 subjects, 3 events"]
    assert [text.strip() for _, text in texts(axes) if text.endswith("  ")] == ["NSCLC", "head and neck"]
    lines = [line for line in axes.get_lines() if not line.get_label().startswith("_")]
    assert len({line.get_color() for line in lines}) == 2


def test_more_groups_than_colours_change_the_dash():
    groups = [CURVE.with_columns(group=pl.lit(f"arm={i}")) for i in range(8)]
    lines = [line for line in survival(pl.concat(groups)).get_lines() if not line.get_label().startswith("_")]
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 8


def test_several_parameters_and_none_are_refused():
    with pytest.raises(AnalysisError, match="a curve is of one of these.*OS, PFS"):
        survival(pl.concat([CURVE, CURVE.with_columns(parameter=pl.lit("PFS"))]))
    with pytest.raises(AnalysisError, match="no row"):
        survival(CURVE.clear())
