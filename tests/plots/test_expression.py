import numpy as np
import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.plots.expression import score_heatmap


def scores():
    rows = [("s1", "a", 1.0), ("s2", "a", 3.0), ("s3", "a", 2.0), ("s1", "b", 0.5), ("s2", "b", 0.5), ("s3", "b", None)]
    return pl.DataFrame(rows, schema=["sample", "set", "value"], orient="row")


def test_one_scale_from_0_to_the_highest_score_holds_for_all_sets():
    axes = score_heatmap(scores())
    image = axes.get_images()[0]
    shown = np.ma.filled(image.get_array(), np.nan)
    assert shown == pytest.approx(np.array([[1, 3, 2], [0.5, 0.5, np.nan]]), nan_ok=True)
    assert image.get_clim() == (0, 3)
    assert axes.figure.get_size_inches()[0] == pytest.approx(6.4)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["s1", "s2", "s3"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert [text.get_text() for text in axes.texts] == ["1.00", "3.00", "2.00", "0.50", "0.50"]


def test_a_set_that_was_not_scored_stays_white():
    frame = pl.concat(
        [scores(), pl.DataFrame({"sample": ["s1"], "set": ["c"], "value": [None]}, schema=scores().schema)]
    )
    shown = score_heatmap(frame).get_images()[0].get_array()
    assert np.ma.getmaskarray(np.ma.masked_invalid(shown))[2].all()


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
