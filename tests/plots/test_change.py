import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.plots import change_scatter
from tilseq.plots.style import PALETTE

# n of 100 cells before and 1,000 after: limits of detection 1 - 0.05^(1/100) and 1 - 0.05^(1/1000), by hand
LIMITS = (0.029513049607, 0.002991249553)


def changed(rows, sample_after="d7"):
    """Rows of the table `change`: share before, share after, call, p."""
    frame = pl.DataFrame(
        rows,
        schema={"share_before": pl.Float64, "share_after": pl.Float64, "call": pl.String, "p": pl.Float64},
        orient="row",
    )
    return frame.with_columns(
        sample_before=pl.lit("product"),
        sample_after=pl.lit(sample_after),
        locus=pl.lit("TRB"),
        cells_before=100 * pl.col("share_before"),
        cells_after=1000 * pl.col("share_after"),
    )


ROWS = [
    (0.1, 0.2, "expanded", 0.001),
    (0.2, 0.0, "contracted", 0.001),
    (0.0, 0.05, "cannot_tell", 0.4),
    (0.3, 0.3, "unchanged", 0.9),
    (0.01, 0.01, "cannot_tell", None),  # not tested
]


def drawn(axes, marker):
    lines = [line for line in axes.lines if line.get_marker() == marker and len(line.get_xdata())]
    return {line.get_color(): [pytest.approx(point) for point in line.get_xydata().tolist()] for line in lines}


def test_clones_stand_by_their_call_and_the_unseen_on_the_limit():
    axes = change_scatter(changed(ROWS), after="D7")
    assert drawn(axes, "o") == {PALETTE[1]: [[0.1, 0.2]], PALETTE[2]: [[0.3, 0.3]]}
    assert drawn(axes, "|") == {PALETTE[0]: [[0.2, LIMITS[1]]]}
    assert list(drawn(axes, "_").values()) == [[[LIMITS[0], 0.05]]]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "limit of detection", "tick: not seen in that sample", "cannot tell (1)", "unchanged (1)", "contracted (1)",
        "expanded (1)",
    ]  # fmt: skip
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Share of TRB, product", "Share of TRB, D7")
    assert axes.get_xscale() == axes.get_yscale() == "log" and axes.get_xlim() == axes.get_ylim()


def test_clones_of_the_product_stand_apart_from_blood_that_comes_back():
    rows = changed([(0.1, 0.2, "expanded", 0.001), (0.1, 0.3, "expanded", 0.001), (0.2, 0.1, "contracted", 0.01)])
    axes = change_scatter(rows.with_columns(in_product=pl.Series([True, False, True])))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "limit of detection", "contracted, of the product (1)", "expanded, not of the product (1)",
        "expanded, of the product (1)",
    ]  # fmt: skip
    faces = {line.get_label(): line.get_markerfacecolor() for line in axes.lines}
    assert faces["expanded, not of the product (1)"] == "none"
    assert faces["expanded, of the product (1)"] == PALETTE[1]


def test_the_legend_shows_a_tick_for_clones_that_one_sample_alone_shows():
    rows = changed([(0.1, 0.2, "unchanged", 0.5), (0.0, 0.05, "expanded", 0.001), (0.2, 0.0, "contracted", 0.01)])
    marks = {line.get_label(): line.get_marker() for line in change_scatter(rows).lines}
    assert [marks[label] for label in ("unchanged (1)", "expanded (1)", "contracted (1)")] == ["o", "|", "|"]


def test_a_legend_of_many_clones_lies_within_the_figure():
    rows = changed([(0.1, 0.2, "cannot_tell", 0.5)] * 12_345).with_columns(in_product=False)
    axes = change_scatter(rows, before="infusion product, day 0", after="blood, day 14")
    assert axes.get_legend().get_texts()[1].get_text() == "cannot tell, not of the product (12,345)"
    axes.figure.draw_without_rendering()
    assert axes.get_legend().get_window_extent().x1 < axes.figure.bbox.x1
    assert axes.yaxis.label.get_window_extent().x0 > 0


def test_a_figure_is_of_one_pair_of_samples():
    both = pl.concat([changed(ROWS), changed(ROWS, "d28")])
    with pytest.raises(AnalysisError, match="product to d28, TRB; product to d7, TRB"):
        change_scatter(both)
    with pytest.raises(AnalysisError, match="no row"):
        change_scatter(changed(ROWS[-1:]))
