import matplotlib
import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes

from tests.plots.clonotypes import clones
from tilseq.errors import AnalysisError
from tilseq.plots import overlap_heatmap, repertoire_maps
from tilseq.plots.style import FAINT
from tilseq.repertoire import overlap, usage


def test_the_map_is_symmetric_and_its_diagonal_empty():
    found = overlap({name: clones(counts) for name, counts in (("b", [2, 2]), ("a", [2]), ("c", [1, 3, 4]))})
    axes = overlap_heatmap(found, parameter="shared_clones", order=["b", "a", "c"])
    assert isinstance(axes, Axes)
    assert np.array_equal(axes.images[0].get_array().filled(-1), [[-1, 1, 2], [1, -1, 1], [2, 1, -1]])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["b", "a", "c"]
    assert axes.get_title(loc="left") == "TRB, key: junction"
    assert sorted(text.get_text() for text in axes.texts) == ["1", "1", "1", "1", "2", "2"]
    assert axes.images[0].get_cmap().get_bad()[:3] == pytest.approx(matplotlib.colors.to_rgb(FAINT))  # not as if 0
    no_cells = overlap_heatmap(found, parameter="morisita")
    assert no_cells.texts[:] == []


def test_the_map_takes_one_locus_and_key():
    both = {name: pl.concat([clones([1, 2]), clones([1], "TRA")]) for name in "ab"}
    with pytest.raises(AnalysisError, match="TRA by junction; TRB by junction"):
        overlap_heatmap(overlap(both))
    with pytest.raises(AnalysisError, match="no row"):
        overlap_heatmap(overlap({}))


def test_forty_samples_fit_and_bear_no_values():
    axes = overlap_heatmap(overlap({f"s{i:02}": clones([i + 1, 2]) for i in range(40)}))
    assert axes.texts[:] == [] and axes.figure.get_size_inches()[0] <= 14
    assert len(axes.get_xticklabels()) == 40


def test_small_indices_are_not_written_as_0():
    axes = overlap_heatmap(overlap({"a": clones([1000, 1]), "b": clones([1, 1000])}))
    assert [text.get_text() for text in axes.texts] == ["<0.01", "<0.01"]
    assert axes.images[0].get_clim() == (0, 1)  # nor drawn as dark as samples that are alike


def test_the_maps_of_a_subject_have_the_same_rows():
    tables = {"b": clones([3, 2]), "a": clones([1, 1, 1])}
    used = pl.concat([usage(table, sample=name) for name, table in tables.items()])
    drawn = repertoire_maps(overlap(tables), used, order=["b", "a"])
    maps = [axes for axes in drawn.axes if axes.images]
    assert [[label.get_text() for label in axes.get_yticklabels()] for axes in maps] == [["b", "a"]] * 3
    genes, lengths, shared = (axes.images[0].get_array().filled(-1).tolist() for axes in maps)
    # hand: of clones 0, 1, 2 the genes are TRBV10, TRBV2, TRBV10 and the lengths 1, 3, 5
    assert genes == [[0.5, 0.5], [pytest.approx(1 / 3), pytest.approx(2 / 3)]]
    assert lengths == [[0.5, 0.5, 0], [pytest.approx(1 / 3)] * 3]
    # x = (.6, .4), y = (1, 1, 1) / 3: 2 (1/3) / (.52 + 1/3)
    assert shared == [[-1, pytest.approx(0.78125)], [pytest.approx(0.78125), -1]]
    with pytest.raises(AnalysisError, match="no overlap or no use of genes"):
        repertoire_maps(overlap({}), used)


def test_samples_that_are_not_named_are_left_out():
    tables = {"b": clones([3, 2]), "a": clones([1, 1, 1]), "c": clones([5])}
    used = pl.concat([usage(table, sample=name) for name, table in tables.items()])
    axes = overlap_heatmap(overlap(tables), parameter="shared_clones", order=["b", "a"])
    assert axes.images[0].get_array().filled(-1).tolist() == [[-1, 2], [2, -1]]
    drawn = repertoire_maps(overlap(tables), used, order=["b", "a"])
    assert [len(axes.get_yticklabels()) for axes in drawn.axes if axes.images] == [2, 2, 2]


def test_the_maps_take_one_locus():
    tables = {"b": clones([3, 2]), "a": clones([1, 1, 1])}
    shared, used = overlap(tables), pl.concat([usage(table, sample=name) for name, table in tables.items()])
    with pytest.raises(AnalysisError, match="TRA by junction; TRB by junction"):
        repertoire_maps(pl.concat([shared, shared.with_columns(locus=pl.lit("TRA"))]), used)
    with pytest.raises(AnalysisError, match="not of one locus; found 'TRA'; expected TRB"):
        repertoire_maps(shared, used.with_columns(locus=pl.lit("TRA")))
