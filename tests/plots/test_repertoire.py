import polars as pl
import pytest
from matplotlib.axes import Axes

from tilseq.errors import AnalysisError
from tilseq.plots.repertoire import persistence_over_time, top_clones
from tilseq.plots.style import PALETTE


def visits(subjects, days=(7, 28)):
    return pl.DataFrame(
        [
            {"subject": subject, "day": day, "value": 0.5, "lower": 0.4, "upper": 0.6}
            for subject in subjects
            for day in days
        ]
    )


def names(axes):
    legend = axes.get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


def lines(axes):
    return [line for line in axes.lines if len(line.get_xdata()) and list(line.get_xdata()) != [0, 0]]


def test_a_line_a_subject_through_the_values_there_are():
    frame = pl.DataFrame(
        {
            "subject": ["B", "A", "A", "A"],
            "day": [7, 28, 7, 84],
            "value": [0.9, 0.2, 0.5, None],
            "lower": [None, 0.1, 0.4, None],
            "upper": [None, 0.3, 0.6, None],
        }
    )
    axes = persistence_over_time(frame)
    assert isinstance(axes, Axes)
    assert names(axes) == ["A", "B"]
    assert [line.get_xydata().tolist() for line in lines(axes)] == [[[7, 0.5], [28, 0.2]], [[7, 0.9]]]
    bars = [segment.tolist() for bars in axes.collections for segment in bars.get_segments()]
    assert bars == [[[7, 0.4], [7, 0.6]], [[28, 0.1], [28, 0.3]]]
    assert axes.get_xlabel() == "Day from infusion"
    assert persistence_over_time(frame.to_pandas()).get_legend() is not None


def test_lines_of_one_colour_differ_in_their_marker():
    axes = persistence_over_time(visits([f"S{i:02}" for i in range(14)]))
    looks = [(line.get_color(), line.get_marker()) for line in lines(axes)]
    assert len(set(looks)) == 14
    assert {colour for colour, _ in looks} == set(PALETTE)


def test_too_many_subjects_are_counted_and_not_named():
    axes = persistence_over_time(visits([f"S{i:02}" for i in range(15)]))
    assert names(axes) == []
    assert [text.get_text() for text in axes.texts] == ["15 subjects"]


def test_nothing_to_draw_says_so():
    axes = persistence_over_time(visits(["A"]).head(0))
    assert [text.get_text() for text in axes.texts] == ["no values"]


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
