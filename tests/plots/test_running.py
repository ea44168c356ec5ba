import math

import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.plots import running_enrichment
from tilseq.plots.origins import BLUE, VERMILION

RANKS = {"A": 4.0, "B": 3.0, "C": 2.0, "D": 1.0, "E": -1.0, "F": -2.0}
RESULT = {"es": 0.75, "nes": 1.6, "q": 0.0125, "p_floor": 0.0625, "method": "sign_flip", "exploratory": False,
          "subjects": 5}  # fmt: skip


def ranked(ranks=RANKS, contrast="visit:D28/product"):
    return pl.DataFrame({"gene": list(ranks), "t": list(ranks.values())}).with_columns(contrast=pl.lit(contrast))


def curve(axes):
    (line,) = [line for line in axes.lines if len(line.get_xdata()) > 2]
    return line.get_color(), [pytest.approx(point) for point in line.get_xydata().tolist()]


def ticks(axes):
    """Members by colour."""
    from matplotlib.colors import to_hex

    return {
        to_hex(lines.get_color()[0]): [segment[0, 0] for segment in lines.get_segments()]
        for lines in axes.figure.axes[1].collections
        if len(lines.get_segments())
    }


def test_the_sum_rises_by_shares_of_ranks_and_falls_evenly():
    # by hand: A and C hold 4/6 and 2/6 of the set's ranks; each of the four others takes 1/4
    axes = running_enrichment(ranked(), ["C", "A", "absent"], name="made up")
    assert curve(axes) == (
        VERMILION,
        [[0, 0], [0, 0], [1, 2 / 3], [2, 2 / 3 - 1 / 4], [3, 3 / 4], [6, 0]],
    )
    assert ticks(axes) == {VERMILION.lower(): [0.5, 2.5]}
    assert [text.get_text() for text in axes.texts] == ["Leading edge\n2 of 2 genes", "A\nC", "ES 0.75"]
    assert axes.get_title(loc="left") == "made up"
    ranks = axes.figure.axes[2]
    assert ranks.get_xlabel() == "Rank among 6 genes" and ranks.get_ylabel() == "t"
    assert [text.get_text() for text in ranks.texts] == ["higher in D28", "higher in product"]


def test_a_set_at_the_lower_end_has_its_edge_from_the_trough_on():
    axes = running_enrichment(ranked(), ["A", "E", "F"], name="low")
    # by hand: A 4/7, then to 4/7 - 1, E to 5/7 - 1, F to 0: the trough, -3/7, is nearer 0 than the peak 4/7
    assert axes.texts[2].get_text() == "ES 0.57" and ticks(axes)[VERMILION.lower()] == [0.5]
    axes = running_enrichment(ranked(), ["E", "F"], name="low")
    assert curve(axes)[0] == BLUE and axes.texts[2].get_text() == "ES −1.00"
    assert axes.texts[1].get_text() == "F\nE"  # the strongest first
    (peak,) = [c for c in axes.collections if hasattr(c, "get_segments")]
    assert peak.get_segments()[0].tolist() == [[4, 0], [4, -1]]


def test_the_title_tells_what_the_test_says_and_whether_it_can():
    axes = running_enrichment(ranked(), ["A", "C"], name="x", result=RESULT)
    assert axes.texts[2].get_text() == "ES 0.75; NES 1.60; q 0.013; sign flip, 5 subjects; p cannot come below 0.0625"
    other = RESULT | {"es": 0.5, "method": "preranked", "exploratory": True, "subjects": None, "nes": None, "q": None}
    told = running_enrichment(ranked(), ["A", "C"], name="x", result=other).texts[2].get_text()
    assert told.split("\n") == [
        "ES 0.75; tested on other ranks, where ES is 0.50; not tested; preranked;",
        "exploratory, correlation of genes not estimated",
    ]


def test_ties_and_genes_left_out_are_told():
    ranks = RANKS | {"B": 4.0, "G": math.nan, "TRAV1-2": 9.0}
    axes = running_enrichment(ranked(ranks, "made up"), ["A", "C"], name="x")
    assert axes.texts[2].get_text() == "ES 0.75; 1 genes have the rank of another and stand by their symbols"
    assert axes.figure.axes[2].get_xlabel() == "Rank among 6 genes; 2 without t or V(D)J left out"
    assert [text.get_text() for text in axes.figure.axes[2].texts] == ["high", "low"]


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(AnalysisError, match="cannot be drawn; found 'x'; none of its 1 genes is there"):
        running_enrichment(ranked(), ["Z"], name="x")
    with pytest.raises(AnalysisError, match="every gene is in it"):
        running_enrichment(ranked(), list(RANKS), name="x")
    with pytest.raises(AnalysisError, match="column score: the figure needs this column"):
        running_enrichment(ranked(), ["A"], name="x", statistic="score")
