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


def test_persistence_over_orders_of_magnitude_is_on_a_logarithmic_axis_with_what_was_not_seen_at_its_limit():
    frame = pl.DataFrame(
        {
            "subject": ["A", "A", "A", "A"],
            "day": [7, 28, 84, 180],
            "value": [0.8, 0.02, 0.001, 0.0],
            "lower": [0.75, 0.015, 0.0005, 0.0],
            "upper": [0.85, 0.025, 0.002, 0.0009],
            "status": ["quantified", "quantified", "detected_below_loq", "not_detected"],
        }
    )
    axes = persistence_over_time(frame)
    assert axes.get_yscale() == "log"
    low, high = axes.get_ylim()
    assert 0 < low < 0.0005 and high == 1.1
    (unseen,) = (line for line in axes.lines if line.get_label() == "_below")
    assert unseen.get_xydata().tolist() == [[180, 0.0009]] and unseen.get_markerfacecolor() == "white"
    axes.figure.draw_without_rendering()
    ticks = {text.get_text() for text in axes.get_yticklabels() if low <= text.get_position()[1] <= high}
    assert {"0.1%", "1%", "10%", "100%"} <= ticks


@pytest.mark.parametrize(("lowest", "scale"), [(0.039, "log"), (0.041, "linear")])
def test_persistence_is_linear_where_the_lowest_share_is_a_twentieth_of_the_highest(lowest, scale):
    frame = pl.DataFrame({"subject": "A", "day": [7, 28], "value": [0.8, lowest], "lower": None, "upper": None})
    assert persistence_over_time(frame).get_yscale() == scale


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


def test_a_clone_without_amino_acids_goes_by_its_nucleotides():
    table = pl.DataFrame(
        {"locus": "TRB", "junction": ["TGT", "TGTT"], "junction_aa": ["C", None], "duplicate_count": [3, 1]}
    )
    assert [label.get_text() for label in top_clones(table).get_yticklabels()] == ["C", "TGTT"]


def test_the_locus_is_chosen_and_not_guessed():
    both = pl.concat([clones([1, 3]), clones([1], "TRA")])
    with pytest.raises(AnalysisError, match="several loci"):
        top_clones(both)
    assert [bar.get_width() for bar in top_clones(both, locus="TRB").patches] == [0.75, 0.25]
    with pytest.raises(AnalysisError, match="nothing of this locus"):
        top_clones(both, locus="TRG")
    with pytest.raises(AnalysisError, match="nothing of this locus"):
        top_clones(both.head(0))
