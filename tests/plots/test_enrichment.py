import matplotlib.colors as colours
import numpy as np
import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.plots import enrichment_dots
from tilseq.plots.enrichment import LARGEST, SMALLEST
from tilseq.plots.maps import signed_colours

D28, D7 = "visit:D28/product", "visit:D7/product"
SCHEMA = {
    "contrast": pl.String, "set": pl.String, "nes": pl.Float64, "q": pl.Float64, "p_floor": pl.Float64,
    "method": pl.String, "exploratory": pl.Boolean, "subjects": pl.Int64,
}  # fmt: skip
ROWS = [
    (D28, "cytotoxic", 2.0, 0.001, 0.0078, "sign_flip", False, 8),
    (D28, "naive", -4.0, 1.0, 0.0078, "sign_flip", False, 8),
    (D28, "hypoxia", None, None, None, "sign_flip", False, 8),  # too few genes
    (D7, "cytotoxic", 1.0, 0.5, 0.125, "sign_flip", False, 4),
    (D7, "naive", -1.0, 0.01, 1e-50, "preranked", True, 4),
]


def enrichment(rows=ROWS):
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def marks(axes, label=None):
    """Offset and area of what is drawn under a label; without one, the dots of NES."""
    drawn = [c for c in axes.collections if (c.get_label() == label if label else c.get_array() is not None)]
    return [
        (tuple(at), size)
        for c in drawn
        for at, size in zip(c.get_offsets().tolist(), np.resize(c.get_sizes(), len(c.get_offsets())), strict=True)
    ]


def words(axes):
    return [text.get_text() for text in axes.figure.legends[0].get_texts()]


def test_colour_is_nes_and_size_is_q():
    axes = enrichment_dots(enrichment())
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cytotoxic", "naive", "hypoxia"]
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "D28/product\n8 subjects",
        "D7/product\n4 subjects",
    ]
    (dots,) = [c for c in axes.collections if c.get_array() is not None]
    assert dots.get_array().tolist() == [2, -4, 1, -1] and dots.get_clim() == (-4, 4)
    half = SMALLEST + (LARGEST - SMALLEST) * 0.30103 / 3  # -log10 of 0.5, of 3 at 0.001
    tenth = SMALLEST + (LARGEST - SMALLEST) * 2 / 3
    assert marks(axes) == [
        ((0, 0), pytest.approx(LARGEST)), ((0, 1), pytest.approx(SMALLEST)),
        ((1, 0), pytest.approx(half, rel=1e-5)), ((1, 1), pytest.approx(tenth)),
    ]  # fmt: skip
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first above


def test_a_star_is_significant_a_hole_proves_nothing_and_a_cross_was_not_tested():
    axes = enrichment_dots(enrichment())
    assert [at for at, _ in marks(axes, "_star")] == [(0, 0), (1, 1)]
    assert [at for at, _ in marks(axes, "_hole")] == [(1, 0), (1, 1)]
    assert [at for at, _ in marks(axes, "_cross")] == [(0, 2), (1, 2)]  # no q; no row
    assert words(axes) == [
        "q 0.5", "q 0.05", "q ≤ 0.001", "q < 0.05", "hole: p cannot come below 0.05, too few subjects",
        "hole: exploratory, correlation of genes not estimated", "not tested",
    ]  # fmt: skip


def test_the_legend_tells_only_what_is_drawn():
    axes = enrichment_dots(enrichment(ROWS[1:2]))
    assert words(axes) == ["q 0.5", "q 0.05", "q ≤ 0.001"]
    assert marks(axes, "_cross") == marks(axes, "_hole") == []


def test_a_test_without_nes_is_grey_and_points_where_it_goes():
    rows = enrichment(
        [(D28, "naive", None, 0.01, None, "camera", False, 3), (D28, "MYC", None, 0.2, None, "camera", False, 3)]
    )
    axes = enrichment_dots(rows.with_columns(direction=pl.Series(["down", None], dtype=pl.String)))
    drawn = [c for c in axes.collections if c.get_label() == "_no NES"]
    assert [len(c.get_offsets()) for c in drawn] == [0, 1, 1]  # up, down, not known
    assert words(axes)[-1] == "no NES; the triangle points up or down"
    assert len(axes.figure.axes) == 1  # no scale of colours
    assert words(enrichment_dots(rows))[-1] == "no NES"


def test_a_table_read_from_a_csv_whose_columns_hold_no_number_is_drawn_too(tmp_path):
    enrichment([(D28, "naive", None, 0.01, None, "camera", False, 3)]).write_csv(tmp_path / "camera.csv")
    axes = enrichment_dots(pl.read_csv(tmp_path / "camera.csv"))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["naive"]


def test_sets_and_contrasts_stand_as_asked_and_a_long_contrast_is_broken():
    long = f"{D28}*status:infused/not_seen_in_product"
    axes = enrichment_dots(
        enrichment([*ROWS, (long, "naive", 1.0, 0.2, 0.0078, "sign_flip", False, 8)]),
        sets=["naive", "cytotoxic"],
        contrasts=[long, D28],
    )
    assert [label.get_text() for label in axes.get_yticklabels()] == ["naive", "cytotoxic"]
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "D28/product ×\ninfused/\nnot_seen_in_product\n8 subjects", "D28/product\n8 subjects",
    ]  # fmt: skip
    assert [at for at, _ in marks(axes)] == [(1, 1), (1, 0), (0, 0)]


def test_the_place_of_a_contrast_stands_below_it_and_nothing_is_cut():
    at_harvest = "status:infused/not_seen_in_product at harvest"
    axes = enrichment_dots(enrichment([(at_harvest, "naive", 1.0, 0.2, 0.0078, "sign_flip", False, 8)]))
    (label,) = axes.get_xticklabels()
    assert label.get_text() == "infused/\nnot_seen_in_product\nat harvest\n8 subjects"


def test_what_cannot_be_drawn_is_refused():
    twice = enrichment([*ROWS, (D28, "naive", -1.0, 0.3, 1e-50, "preranked", True, 8)])
    with pytest.raises(AnalysisError, match="stand twice; found 'naive'; choose one of preranked, sign_flip"):
        enrichment_dots(twice)
    assert len(marks(enrichment_dots(twice, method="preranked"))) == 2
    with pytest.raises(AnalysisError, match="column set: no row of the table is of this; found 'niave'; did you mean"):
        enrichment_dots(enrichment(), sets=["niave"])
    with pytest.raises(AnalysisError, match="no set has a q; found '1 rows'"):
        enrichment_dots(enrichment(ROWS[2:3]))
    with pytest.raises(AnalysisError, match="column q: the figure needs this column"):
        enrichment_dots(enrichment().drop("q"))


def test_signed_colours_are_pale_at_0_and_of_one_lightness_on_both_sides():
    low, middle, high = (colours.to_rgb(signed_colours()(value)) for value in (0.25, 0.5, 0.75))
    assert min(middle) > 0.94 and low[2] > low[0] and high[0] > high[2]
