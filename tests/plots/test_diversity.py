import polars as pl
import pytest
from matplotlib.axes import Axes

from tilseq.errors import AnalysisError
from tilseq.plots.diversity import hill_profiles, rank_abundance, rarefaction_curves


def profiles(samples=("b", "a"), locus="TRB"):
    rows = [(s, locus, q, 10 / (1 + q), 8 / (1 + q), 12 / (1 + q), 100) for s in samples for q in (0.0, 1.0, 2.0)]
    return pl.DataFrame(rows, schema=["sample", "locus", "q", "value", "lower", "upper", "depth"], orient="row")


def names(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_a_profile_is_a_line_and_a_band_a_sample():
    axes = hill_profiles(profiles())
    assert isinstance(axes, Axes)
    assert names(axes) == ["b", "a"]
    assert axes.lines[0].get_xydata().tolist() == [[0, 10], [1, 5], [2, pytest.approx(10 / 3)]]
    assert len(axes.collections) == 2
    assert axes.get_yscale() == "log"
    assert axes.get_ylabel() == "Effective clones, TRB"
    assert axes.yaxis.get_major_formatter()(1000) == "1,000"
    without = profiles().with_columns(lower=pl.lit(None), upper=pl.lit(None))
    assert names(hill_profiles(without)) == ["b", "a"]


@pytest.mark.parametrize(
    ("depth", "title"),
    [
        (100, ""),
        (4_000, "Of 100 to 4,000 cells: at low orders depth is part of what differs"),
        (None, "Of samples whose cells are not all known: depth may be what differs"),
    ],
)
def test_profiles_of_unlike_depth_say_so(depth, title):
    frame = pl.concat([profiles("a"), profiles("b").with_columns(depth=pl.lit(depth, pl.Int64))])
    assert hill_profiles(frame).get_title(loc="left") == title


def test_an_axis_of_less_than_ten_times_is_labelled_between_powers_of_ten():
    short = hill_profiles(profiles().with_columns(pl.col("value", "lower", "upper") / 10 + 4))
    long = hill_profiles(profiles().with_columns(pl.col("lower") / 100))
    assert short.yaxis.get_minor_formatter()(40) == "40" and long.yaxis.get_minor_formatter()(40) == ""


def test_a_second_seven_are_told_apart():
    axes = hill_profiles(profiles([f"s{i}" for i in range(14)]))
    assert len({(line.get_color(), line.get_linestyle()) for line in axes.lines}) == 14


def test_many_samples_are_one_grey_and_counted():
    axes = hill_profiles(profiles([f"s{i}" for i in range(15)]))
    assert axes.get_legend() is None
    assert axes.get_title(loc="left") == "15 samples."
    assert len({line.get_color() for line in axes.lines}) == 1


def curves():
    rows = [
        ("s", "TRB", q, cells, method, value, value - 1, value + 1, share)
        for q in (0, 1)
        for cells, method, value, share in [
            (10, "rarefied", 5.0, 0.5),
            (20, "observed", 8.0, 0.7),
            (40, "extrapolated", 10.0, 0.8),
        ]
    ]
    columns = ["sample", "locus", "q", "cells", "method", "value", "lower", "upper", "coverage"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def test_a_curve_is_dashed_beyond_its_cells():
    axes = rarefaction_curves(curves())
    seen, beyond = axes.lines
    assert seen.get_xydata().tolist() == [[10, 5], [20, 8]]
    assert beyond.get_xydata().tolist() == [[20, 8], [40, 10]]
    assert (seen.get_linestyle(), seen.get_marker(), seen.get_markevery()) == ("-", "o", [1])
    assert beyond.get_linestyle() != "-"
    assert axes.get_ylabel() == "Clones seen (q = 0), TRB"
    assert rarefaction_curves(curves().filter(pl.col("method") != "extrapolated")).get_xlabel() == "Cells"
    axes = rarefaction_curves(curves(), q=1, over="coverage")
    assert axes.lines[0].get_xydata().tolist() == [[0.5, 5], [0.7, 8]]
    assert axes.get_ylabel() == "Effective clones (q = 1), TRB"
    with pytest.raises(AnalysisError, match="cells or coverage"):
        rarefaction_curves(curves(), over="reads")
    with pytest.raises(AnalysisError, match="nothing of this locus"):
        rarefaction_curves(curves(), q=2)


def clones(counts, locus="TRB"):
    return pl.DataFrame({"locus": locus, "duplicate_count": counts})


def test_ranks_go_by_falling_count():
    axes = rank_abundance({"s": clones([1, 50, 30, 1, 16, 1, 1]), "t": clones([5])})
    assert names(axes) == ["s", "t"]
    drawn = axes.lines[0].get_xydata().tolist()
    assert drawn == [[1, 0.5], [2, 0.3], [3, 0.16], [4, 0.01], [7, 0.01]]
    assert axes.lines[1].get_xydata().tolist() == [[1, 1]]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")


def test_the_locus_is_chosen_and_not_guessed():
    both = {"s": pl.concat([clones([1, 3]), clones([4], "TRA")])}
    with pytest.raises(AnalysisError, match="several loci"):
        rank_abundance(both)
    assert rank_abundance(both, locus="TRA").get_ylabel() == "Share of counts, TRA"
    for nothing in ({}, {"s": clones([1]).head(0)}):
        with pytest.raises(AnalysisError, match="nothing of this locus"):
            rank_abundance(nothing)
