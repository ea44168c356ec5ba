import polars as pl
import pytest

from tests.plots.clonotypes import clones
from tilseq.errors import AnalysisError
from tilseq.plots import gene_usage, junction_lengths, usage_heatmap
from tilseq.repertoire import usage


@pytest.fixture
def used():
    return pl.concat([usage(clones([6, 3, 1]), sample="s"), usage(clones([2]), sample="t", n_effective={"TRB": 2.0})])


def test_bars_are_shares_and_numbers_sort_as_numbers(used):
    axes = gene_usage(used, weight="counts")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["TRBV2", "TRBV10"]
    assert [bar.get_height() for bar in axes.patches] == [0.3, 0.7, 1]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["s", "t"]
    assert axes.get_ylabel() == "Share of TRB counts"


def test_a_length_that_a_sample_lacks_is_0(used):
    axes = junction_lengths(used)
    s, t = (line.get_xydata().tolist() for line in axes.lines)
    assert s == [[1, pytest.approx(1 / 3)], [2, 0], [3, pytest.approx(1 / 3)], [4, 0], [5, pytest.approx(1 / 3)]]
    assert t == [[1, 1]]
    assert axes.get_xlabel() == "Length of the junction, amino acids"
    assert junction_lengths(used, feature="junction_length").get_xlabel() == "Length of the junction, bases"


def test_what_cannot_be_drawn_is_told(used):
    with pytest.raises(AnalysisError, match="no row"):
        gene_usage(used, feature="d_call")
    with pytest.raises(AnalysisError, match="TRA, TRB"):
        junction_lengths(pl.concat([used, usage(clones([1], "TRA"), sample="s")]))
    with pytest.raises(AnalysisError, match="more samples than colours"):
        gene_usage(pl.concat([usage(clones([1]), sample=str(i)) for i in range(8)]))


def test_a_map_takes_any_number_of_samples_and_the_genes_most_used():
    many = clones([1] * 50).with_columns(v_call=pl.format("TRBV{}", pl.int_range(1, 51)))
    used = pl.concat([usage(many, sample="x"), usage(clones([1]), sample="y")])
    axes = usage_heatmap(used, order=["y", "x", "z"])
    # hand: y has TRBV10 alone, x all fifty alike, of which 39 others in the order of letters: 1, 11 to 19, 2, 20 to 29,
    # 3, 30 to 39, 4, 40 to 45; z is not known
    shown = axes.images[0].get_array()
    assert shown.shape == (3, 40)
    assert axes.get_xticklabels()[4].get_text() == "TRBV10"
    assert shown[0].tolist() == [0] * 4 + [1] + [0] * 35
    assert shown[1].tolist() == [0.02] * 40
    assert shown.mask[2].all() and not shown.mask[:2].any()
    assert axes.get_xlabel() == "V gene; the 40 most used of 50"


def test_bars_of_many_samples_show_fewer_genes():
    many = clones([1] * 50).with_columns(v_call=pl.format("TRBV{}", pl.int_range(1, 51)))
    axes = gene_usage(pl.concat([usage(many, sample=str(i)) for i in range(6)]))
    assert len(axes.get_xticklabels()) == 20 and axes.get_xlabel() == "V gene; the 20 most used of 50"


def test_lengths_in_frame_stand_next_to_each_other():
    in_frame = clones([1, 1]).with_columns(junction=pl.Series(["AAA", "AAAAAAAAA"]))
    line = junction_lengths(usage(in_frame, sample="s"), feature="junction_length").lines[0]
    assert line.get_xydata().tolist() == [[3, 0.5], [6, 0], [9, 0.5]]
