import math

import polars as pl
import pytest
from matplotlib.axes import Axes

from tilseq.errors import AnalysisError
from tilseq.plots.repertoire import persistence_over_time, top_clones


def test_persistence_is_a_line_a_subject_in_percent():
    frame = pl.DataFrame(
        {
            "subject": ["B", "A", "A", "A"],
            "day": [7, 28, 7, 84],
            "value": [0.9, 0.2, 0.5, None],
            "lower": [None, 0.1, 0.4, None],
            "upper": [None, 0.3, 0.6, None],
        }
    )
    axes = persistence_over_time(frame, held_by="clones of the tumor")
    assert isinstance(axes, Axes)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["A", "B"]
    drawn = [line.get_xydata().tolist() for line in axes.lines if line.get_label() in ("A", "B")]
    assert drawn[0][:2] == [[7, 0.5], [28, 0.2]] and math.isnan(drawn[0][2][1])  # day 84 has no number
    assert drawn[1:] == [[[7, 0.9]]]
    assert axes.get_ylabel() == "Repertoire held by clones of the tumor"
    assert axes.yaxis.get_major_formatter()(0.25) == "25%"


def clones(counts, locus="TRB"):
    return pl.DataFrame(
        {
            "locus": locus,
            "junction": [f"{locus}{i}" for i in range(len(counts))],
            "junction_aa": [f"CAS{i}F" for i in range(len(counts))],
            "duplicate_count": counts,
        }
    )


def test_the_largest_clones_and_all_others_are_shares_of_the_locus():
    axes = top_clones(clones([10, 50, 30, 4, 6]), n=2)
    assert [bar.get_width() for bar in axes.patches] == [0.5, 0.3, pytest.approx(0.2)]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["CAS1F", "CAS2F", "all others (3)"]
    assert [text.get_text() for text in axes.texts] == ["50.0 %", "30.0 %", "20.0 %"]
    assert [bar.get_width() for bar in top_clones(clones([5])).patches] == [1]


def test_the_locus_is_chosen_and_not_guessed():
    both = pl.concat([clones([1, 3]), clones([1], "TRA")])
    with pytest.raises(AnalysisError, match="several loci"):
        top_clones(both)
    assert [bar.get_width() for bar in top_clones(both, locus="TRB").patches] == [0.75, 0.25]
    with pytest.raises(AnalysisError, match="no clone"):
        top_clones(both, locus="TRG")
    with pytest.raises(AnalysisError, match="no clone"):
        top_clones(both.head(0))
