import numpy as np
import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.flow.cytokine_response import cytokine_responses
from tilseq.flow.intracellular import Stained
from tilseq.plots import intracellular, stimulated_pair


def table(*markers):
    rows = [
        {
            "subject": "S1", "visit": visit, "day": day, "stimulus": "PMA", "stimulated": f"pma{day}", "marker": marker,
            "population": "CD8+ T", "positive_stimulated": positive, "cells_stimulated": cells,
            "positive_unstimulated": 5, "cells_unstimulated": 1000,
        }
        for marker in markers
        for visit, day, positive, cells in (("D7", 7, 100, 1000), ("D28", 28, 6, 1000), ("D84", 84, 30, 300))
    ]  # fmt: skip
    return cytokine_responses(pl.DataFrame(rows))


def test_rows_bear_shares_differences_and_calls():
    figure = intracellular(table("IFN-γ").to_pandas())
    left, right = figure.axes
    assert [label.get_text() for label in left.get_yticklabels()] == [
        "D7 · PMA · CD8+ T", "D28 · PMA · CD8+ T", "D84 · PMA · CD8+ T",
    ]  # fmt: skip
    marks = [line for line in left.lines if line.get_marker() == "o"]
    assert [line.get_xdata()[0] for line in marks] == pytest.approx([0.5, 10, 0.5, 0.6, 0.5, 10])
    # An open mark shows behind a filled one at the same share.
    assert all(marks[i].get_markersize() > 1.4 * marks[i + 1].get_markersize() for i in (0, 2, 4))
    differences = [line for line in right.lines if line.get_marker() == "o"]
    assert [line.get_xdata()[0] for line in differences] == pytest.approx([9.5, 0.1, 9.5])
    faces = [line.get_markerfacecolor() for line in differences]
    assert faces[0] != "white" and faces[1:] == ["white", "white"]
    assert differences[2].get_markeredgecolor() != differences[1].get_markeredgecolor()  # too few cells
    assert left.get_xlabel() == "IFN-γ+ cells, %"


def labels_of(rows):
    return [label.get_text() for label in intracellular(rows).axes[0].get_yticklabels()]


def test_rows_go_by_the_key_of_the_table_in_whatever_order_they_are_given():
    mixed = table("IFN-γ")[[2, 0, 1]]
    assert labels_of(mixed) == ["D7 · PMA · CD8+ T", "D28 · PMA · CD8+ T", "D84 · PMA · CD8+ T"]


def test_a_specimen_is_named_where_it_alone_parts_rows_and_no_label_is_cut_off():
    named = table("IFN-γ").with_columns(specimen=pl.lit("blood"), specimen_id=pl.col("visit"))
    assert labels_of(named) == ["D7 · PMA · CD8+ T", "D28 · PMA · CD8+ T", "D84 · PMA · CD8+ T"]
    twice = pl.concat([named, named.with_columns(specimen=pl.lit("tumor"), specimen_id=pl.lit("lesion 1"))])
    assert labels_of(twice)[:2] == ["D7 · blood · PMA · CD8+ T", "D7 · tumor · PMA · CD8+ T"]
    figure = intracellular(named.with_columns(stimulus=pl.lit("PMA/ionomycin, brefeldin A, 6 h, anti-CD28/CD49d")))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()][0] == (
        "D7 · PMA/ionomycin…i-CD28/CD49d · CD8+ T"
    )
    figure.draw_without_rendering()
    for text in (*figure.axes[0].get_yticklabels(), figure.axes[1].xaxis.label):
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1


def test_one_of_several_cytokines_is_to_be_named():
    both = table("IFN-γ", "TNF")
    with pytest.raises(AnalysisError, match="several cytokines; found 'IFN-γ, TNF'"):
        intracellular(both)
    assert intracellular(both, marker="TNF").axes[0].get_xlabel() == "TNF+ cells, %"
    with pytest.raises(AnalysisError, match="no difference of this cytokine; found 'IL-2'"):
        intracellular(both, marker="IL-2")
    with pytest.raises(AnalysisError, match="nothing to draw"):
        intracellular(both.clear())


def test_a_pair_is_drawn_on_one_scale_with_its_threshold():
    random = np.random.default_rng(1)
    tubes = []
    for name, bearing in (("none", 2), ("pma", 100)):
        values = np.r_[random.normal(0, 100, 1000 - bearing), np.full(bearing, 5000.0)].astype(np.float32)
        cd8 = random.normal(0, 100, 1000).astype(np.float32)
        tubes.append(Stained(name, {"IFN-γ": {"CD3+": values}}, cd8, "pass", None))
    figure = stimulated_pair(tubes[:1], tubes[1:], "IFN-γ", 900.0)
    left, right = figure.axes
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["none\n0.20 % above", "pma\n10.00 % above"]
    assert left.lines[0].get_ydata()[0] == right.lines[0].get_ydata()[0]
    assert left.get_ylim() == right.get_ylim() and left.get_ylabel() == "IFN-γ of CD3+"
    empty = Stained("none", {"IFN-γ": {"CD3+": np.array([], np.float32)}}, np.array([], np.float32), "pass", None)
    with pytest.raises(AnalysisError, match="no CD3"):
        stimulated_pair([empty], [empty], "IFN-γ", 900.0)
