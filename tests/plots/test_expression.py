import numpy as np
import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.plots import score_heatmap, subject_heatmap, visit_heatmap
from tilseq.plots.style import INK


def scores():
    rows = [("s1", "a", 1.0), ("s2", "a", 3.0), ("s3", "a", 2.0), ("s1", "b", 0.5), ("s2", "b", 0.5), ("s3", "b", None)]
    return pl.DataFrame(rows, schema=["sample", "set", "value"], orient="row")


def hatched(axes):
    """Column and row of the cells that are hatched."""
    (cells,) = axes.collections
    assert cells.get_hatch() == "////"
    return [tuple(path.vertices[:4].mean(axis=0)) for path in cells.get_paths()]


def shown(axes):
    return np.ma.filled(axes.get_images()[0].get_array(), np.nan)


def test_one_scale_from_0_to_the_highest_score_holds_for_all_sets():
    axes = score_heatmap(scores())
    image = axes.get_images()[0]
    assert shown(axes) == pytest.approx(np.array([[1, 3, 2], [0.5, 0.5, np.nan]]), nan_ok=True)
    assert image.get_clim() == (0, 3)
    assert axes.figure.get_size_inches()[0] == pytest.approx(6.4)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["s1", "s2", "s3"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert [text.get_text() for text in axes.texts] == ["1.00", "3.00", "2.00", "0.50", "0.50"]


def test_a_set_that_was_not_scored_is_hatched():
    frame = pl.concat(
        [scores(), pl.DataFrame({"sample": ["s1"], "set": ["c"], "value": [None]}, schema=scores().schema)]
    )
    axes = score_heatmap(frame)
    assert np.isnan(shown(axes)[2]).all()
    assert hatched(axes) == [(2, 1), (0, 2), (1, 2), (2, 2)]
    assert [text.get_text() for text in axes.figure.legends[0].get_texts()] == ["no score"]


def test_samples_stand_in_the_order_asked_for():
    axes = score_heatmap(scores(), samples=["s3", "s1"])
    assert shown(axes) == pytest.approx(np.array([[2, 1], [np.nan, 0.5]]), nan_ok=True)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["s3", "s1"]
    with pytest.raises(AnalysisError, match="no score is of this sample"):
        score_heatmap(scores(), samples=["s4"])


def test_hundreds_of_samples_find_room_in_one_figure_without_their_names():
    rows = [(f"s{i:03}", "a", float(i)) for i in range(200)]
    axes = score_heatmap(pl.DataFrame(rows, schema=["sample", "set", "value"], orient="row"))
    assert axes.figure.get_size_inches()[0] == pytest.approx(14)
    assert [label.get_text() for label in axes.get_xticklabels()] == []
    assert axes.get_xlabel() == "200 samples, too many to be named"


def test_two_samples_that_hardly_differ_look_alike():
    frame = pl.DataFrame({"sample": ["s1", "s2"], "set": ["a", "a"], "value": [1.0, 1.01]})
    image = score_heatmap(frame).get_images()[0]
    low, high = image.cmap(image.norm([1.0, 1.01]))
    assert np.abs(low - high).max() < 0.02
    assert score_heatmap(frame.with_columns(value=pl.lit(0.0))).get_images()[0].get_clim() == (0, 1)


def test_a_pandas_frame_is_drawn():
    assert len(score_heatmap(scores().to_pandas()).texts) == 5


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(AnalysisError, match="nothing to draw"):
        score_heatmap(scores().filter(pl.col("value").is_null()))
    with pytest.raises(AnalysisError, match="stand twice"):
        score_heatmap(pl.concat([scores(), scores()]))
    with pytest.raises(AnalysisError, match="needs this column"):
        score_heatmap(scores().drop("set"))


def test_negative_scores_have_a_scale_on_both_sides_of_0_and_legible_letters():
    frame = pl.DataFrame({"sample": ["s1", "s2", "s3"], "set": ["a"] * 3, "value": [-0.5, 0.001, 0.25]})
    axes = score_heatmap(frame.with_columns(value=pl.col("value") - 0.003))
    assert axes.get_images()[0].get_clim() == (pytest.approx(-0.503), pytest.approx(0.503))
    assert [text.get_text() for text in axes.texts] == ["−0.50", "0.00", "0.25"]
    assert [text.get_color() for text in axes.texts] == ["white", INK, INK]


def test_scores_of_hundreds_are_written_whole():
    frame = pl.DataFrame({"sample": ["s1", "s2", "s3"], "set": ["a"] * 3, "value": [-512.53, -0.4, 98.31]})
    assert [text.get_text() for text in score_heatmap(frame).texts] == ["−513", "0", "98"]


def test_one_method_is_drawn():
    both = pl.concat([scores().with_columns(method=pl.lit(name)) for name in ("gsva", "ssgsea")])
    with pytest.raises(AnalysisError, match="several methods; found 'gsva, ssgsea'; choose one with method="):
        score_heatmap(both)
    assert score_heatmap(both, method="gsva").figure.axes[1].get_ylabel() == "score (gsva)"
    with pytest.raises(AnalysisError, match="no score is of this method; found 'gsav'; did you mean 'gsva'"):
        score_heatmap(both, method="gsav")


VISITS = [  # subject, visit, day, set a, set b
    ("S1", "D28", 28, 3.0, 1.0), ("S1", "product", 0, 1.0, 1.0), ("S1", "base", -7, 0.0, 0.5),
    ("S2", "D28", 28, 2.0, None), ("S2", "product", 0, 1.5, 0.0),
    ("S3", "D28", 28, 4.0, 2.0),
]  # fmt: skip


def over_visits(rows=VISITS):
    frame = pl.DataFrame(rows, schema=["subject", "visit", "day", "a", "b"], orient="row")
    frame = frame.with_columns(sample=pl.concat_str("subject", "visit"))
    values = frame.unpivot(["a", "b"], index="sample", variable_name="set", value_name="value")
    return values, frame.select("sample", "subject", "visit", "day")


def test_a_visit_is_the_mean_of_its_subjects():
    axes = visit_heatmap(*over_visits())
    assert [label.get_text() for label in axes.get_xticklabels()] == ["base\nn = 1", "product\nn = 2", "D28\nn = 3"]
    assert shown(axes) == pytest.approx(np.array([[0, 1.25, 3], [0.5, 0.5, 1.5]]))
    assert [text.get_text() for text in axes.texts][-1] == "n = 2"  # b of S2 is missing, not 0
    assert not axes.figure.legends


def test_a_change_is_of_subjects_that_have_both_visits():
    axes = visit_heatmap(*over_visits(), reference="product", visits=["D28", "base"])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["D28\nn = 2", "base\nn = 1"]
    # a: (3 - 1 + 2 - 1.5) / 2 and 0 - 1; b: 1 - 1 and 0.5 - 1
    assert shown(axes) == pytest.approx(np.array([[1.25, -1], [0, -0.5]]))
    assert axes.figure.axes[1].get_ylabel() == "mean change from product"


def test_each_subject_has_a_column_for_every_visit():
    axes = subject_heatmap(*over_visits(), sets=["b", "a"])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["base", "product", "D28"] * 3
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "a"]
    none = np.nan
    expected = [[0.5, 1, 1, none, 0, none, none, none, 2], [0, 1, 3, none, 1.5, 2, none, none, 4]]
    assert shown(axes) == pytest.approx(np.array(expected), nan_ok=True)
    assert hatched(axes) == [(3, 0), (5, 0), (6, 0), (7, 0), (3, 1), (6, 1), (7, 1)]
    assert [text.get_text() for text in axes.texts] == ["S1", "S2", "S3"]
    assert [line.get_xdata()[0] for line in axes.lines] == [2.5, 5.5]
    changed = subject_heatmap(*over_visits(), reference="product")
    assert shown(changed)[0] == pytest.approx([-1, 2, none, 0.5, none, none], nan_ok=True)
    assert changed.figure.legends[0].get_texts()[0].get_text() == "no score here or of product"


def test_very_many_columns_fit_and_are_named_once():
    rows = [
        (f"S{i:02}", visit, day, 1.0, 2.0) for i in range(60) for visit, day in (("product", 0), ("D7", 7), ("D28", 28))
    ]
    axes = subject_heatmap(*over_visits(rows))
    assert axes.figure.get_size_inches()[0] == pytest.approx(14)
    assert axes.get_xlabel() == "Of each subject, from the left: product, D7, D28" and not len(axes.get_xticks())


def test_visits_that_cannot_be_drawn_are_refused():
    values, design = over_visits()
    with pytest.raises(AnalysisError, match="no sample is of this visit; found 'D82'; did you mean 'D28'"):
        visit_heatmap(values, design, reference="D82")
    apart = design.filter(pl.concat_str("subject", "visit").is_in(["S1base", "S2product"]))
    with pytest.raises(AnalysisError, match="no subject has a score of both visits; found 'base'"):
        visit_heatmap(values, apart, reference="base")
    with pytest.raises(AnalysisError, match="row 3, column visit: the design lacks a value"):
        visit_heatmap(values, design.with_columns(visit=pl.Series(["D28", None, *"abcd"])))
    with pytest.raises(AnalysisError, match="no sample of the design has a score"):
        visit_heatmap(values, design.with_columns(sample=pl.lit("other") + pl.col("sample")))
