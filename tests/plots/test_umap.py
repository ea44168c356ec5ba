import math

import matplotlib.colors as colours
import numpy as np
import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.plots import umap_cell_types, umap_labels, umap_scores
from tilseq.plots.origins import VERMILION
from tilseq.plots.style import MUTED, PALETTE


def cells(**columns):
    n = len(next(iter(columns.values())))
    return pl.DataFrame({"umap_1": [float(i) for i in range(n)], "umap_2": [0.0] * n, **columns})


def dots(axes):
    """Colour of each cell by where it is."""
    return {
        x: colours.to_hex(colour)
        for c in axes.collections
        if c.get_array() is None
        for (x, _), colour in zip(
            c.get_offsets().tolist(), np.resize(c.get_facecolors(), (len(c.get_offsets()), 4)), strict=True
        )
    }


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_a_score_has_colours_for_99_of_100_cells_on_either_side_and_grey_for_none():
    axes = umap_scores(cells(exhaustion=[*map(float, range(101)), None, math.nan]), score="exhaustion")
    (scored,) = [c for c in axes.collections if c.get_array() is not None]
    assert scored.get_clim() == (1, 99)
    across = scored.get_offsets()[:, 0].tolist()
    assert across == scored.get_array().tolist() and across != sorted(across)  # in random order
    assert dots(axes) == {101: "#b4bcc4", 102: "#b4bcc4"}
    assert axes.get_title(loc="left") == "103 cells; grey: no score (2)"
    assert axes.figure.axes[1].get_ylabel() == "exhaustion"


def test_one_score_for_all_is_drawn():
    axes = umap_scores(cells(x=[2.0, 2.0]), score="x")
    (scored,) = [c for c in axes.collections if c.get_array() is not None]
    assert scored.get_clim() == (2, 3)


def test_a_label_is_the_paler_the_less_sure():
    status = ["infused", "infused", "not_seen_in_product", "not_seen_in_product", "undecided", "no_receptor"]
    axes = umap_labels(cells(status=status, probability=[1.0, 0.5, 0.0, None, 0.5, None]))
    half = np.array(colours.to_rgb(VERMILION)) * 0.675 + 0.325  # half of the way to the palest, 65 % white
    palest = np.array(colours.to_rgb(PALETTE[4])) * 0.35 + 0.65
    assert dots(axes) == {
        0: VERMILION.lower(), 1: colours.to_hex(half), 2: PALETTE[4].lower(), 3: colours.to_hex(palest), 4: MUTED,
        5: "#b4bcc4",
    }  # fmt: skip
    assert legend(axes) == [
        "infused (2)\nmean P(infused) 0.75", "not seen in the product (2)\nmean P(infused) 0.00",
        "undecided (1)\nmean P(infused) 0.50", "no receptor (1)",
    ]  # fmt: skip
    assert not axes.get_xticks().size and axes.get_aspect() == 1


def test_types_have_the_colours_they_have_elsewhere():
    axes = umap_cell_types(cells(cell_type=["CD4", "CD8", None, "gd T"]))
    assert dots(axes) == {0: PALETTE[1].lower(), 1: PALETTE[2].lower(), 2: "#b4bcc4", 3: PALETTE[0].lower()}
    assert legend(axes) == ["CD4 (1)", "CD8 (1)", "unclear (1)", "gd T (1)"]


def test_cells_without_coordinates_are_counted():
    frame = cells(cell_type=["CD4", "CD8"]).with_columns(umap_1=pl.Series([None, 1.0]))
    assert umap_cell_types(frame).get_title(loc="left") == "1 cells; left out, without coordinates (1)"


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(AnalysisError, match="column status: no such status; found 'endogenous'"):
        umap_labels(cells(status=["endogenous"], probability=[0.1]))
    with pytest.raises(AnalysisError, match="more types than colours; found 9"):
        umap_cell_types(cells(cell_type=[f"type {i}" for i in range(9)]))
    with pytest.raises(AnalysisError, match="column x: nothing to draw: no cell has a score"):
        umap_scores(cells(x=[None]), score="x")
    with pytest.raises(AnalysisError, match="column y: the figure needs this column"):
        umap_scores(cells(x=[1.0]), score="y")
    with pytest.raises(AnalysisError, match="no cell has coordinates"):
        umap_scores(cells(x=[1.0]).with_columns(umap_2=pl.lit(math.nan)), score="x")
