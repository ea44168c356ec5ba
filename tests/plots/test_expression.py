import numpy as np
import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.plots.expression import score_heatmap


def scores():
    rows = [("s1", "a", 1.0), ("s2", "a", 3.0), ("s3", "a", 2.0), ("s1", "b", 0.5), ("s2", "b", 0.5), ("s3", "b", None)]
    return pl.DataFrame(rows, schema=["sample", "set", "value"], orient="row")


def test_colours_run_from_the_lowest_to_the_highest_sample_of_each_set():
    axes = score_heatmap(scores())
    shown = np.ma.filled(axes.get_images()[0].get_array(), np.nan)
    assert shown == pytest.approx(np.array([[0, 1, 0.5], [0.5, 0.5, np.nan]]), nan_ok=True)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["s1", "s2", "s3"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert [text.get_text() for text in axes.texts] == ["1.00", "3.00", "2.00", "0.50", "0.50"]


def test_a_set_that_was_not_scored_stays_white():
    frame = pl.concat(
        [scores(), pl.DataFrame({"sample": ["s1"], "set": ["c"], "value": [None]}, schema=scores().schema)]
    )
    shown = score_heatmap(frame).get_images()[0].get_array()
    assert np.ma.getmaskarray(np.ma.masked_invalid(shown))[2].all()


def test_a_pandas_frame_is_drawn():
    assert len(score_heatmap(scores().to_pandas()).texts) == 5


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(AnalysisError, match="nothing to draw"):
        score_heatmap(scores().filter(pl.col("value").is_null()))
    with pytest.raises(AnalysisError, match="stand twice"):
        score_heatmap(pl.concat([scores(), scores()]))
    with pytest.raises(AnalysisError, match="needs this column"):
        score_heatmap(scores().drop("set"))
