import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes

from tilseq.errors import AnalysisError
from tilseq.plots import gene_usage, junction_lengths, overlap_heatmap
from tilseq.repertoire import overlap, usage


def clones(counts, locus="TRB"):
    return pl.DataFrame(
        {
            "locus": locus,
            "junction": ["TGT" + "A" * (3 * i) for i in range(len(counts))],
            "junction_aa": ["C" + "K" * (2 * i) for i in range(len(counts))],
            "v_call": [f"TRBV{10 - 8 * (i % 2)}" for i in range(len(counts))],
            "j_call": "TRBJ1-1",
            "duplicate_count": counts,
        }
    )


def test_the_map_is_symmetric_and_its_diagonal_empty():
    found = overlap({name: clones(counts) for name, counts in (("b", [2, 2]), ("a", [2]), ("c", [1, 3, 4]))})
    axes = overlap_heatmap(found, parameter="shared_clones", order=["b", "a", "c"])
    assert isinstance(axes, Axes)
    assert np.array_equal(axes.images[0].get_array().filled(-1), [[-1, 1, 2], [1, -1, 1], [2, 1, -1]])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["b", "a", "c"]
    assert axes.get_title(loc="left") == "TRB, key: junction"
    assert sorted(text.get_text() for text in axes.texts) == ["1", "1", "1", "1", "2", "2"]
    no_cells = overlap_heatmap(found, parameter="morisita")
    assert no_cells.texts[:] == []


def test_the_map_takes_one_locus_and_key():
    both = {name: pl.concat([clones([1, 2]), clones([1], "TRA")]) for name in "ab"}
    with pytest.raises(AnalysisError, match="TRA by junction; TRB by junction"):
        overlap_heatmap(overlap(both))
    with pytest.raises(AnalysisError, match="no row"):
        overlap_heatmap(overlap({}))


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
