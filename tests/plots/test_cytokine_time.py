import math

import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.plots import cytokine_trajectories
from tilseq.tables.cytokines import CYTOKINE_LEVELS


def level(day, conc=None, *, subject="S1", limit=None, status=None, used=True, **cells):
    ends = {} if conc is None else {"lower": conc / 2, "upper": conc * 2}
    own = {"subject": subject, "visit": f"D{day}", "day": day, "specimen": "plasma", "sample": f"{subject} {day}"}
    own |= {"plate": "P", "analyte": "IFN-gamma", "wells": 2, "wells_given": 2, "conc_pg_per_ml": conc, "used": used}
    own |= {"limit_pg_per_ml": limit, "status": status or "quantified", "baseline": False}
    return own | ends | cells


ROWS = [
    level(-8, limit=3.0, status="not_detected"),
    level(7, 80.0),
    level(7, 90.0, used=False, plate="Q"),
    level(28, status="not_evaluable"),
    level(84, 12.0),
    level(120, limit=5_000.0, status="above_range"),
]


def draw(rows, **options):
    return cytokine_trajectories(CYTOKINE_LEVELS.frame(rows), **options)


def lines(axes, name):
    return [[(day, None if math.isnan(value) else value) for day, value in line.get_xydata().tolist()]
            for line in axes.get_lines() if line.get_label() == name]  # fmt: skip


def test_numbers_are_joined_and_limits_are_open_marks_with_arrows():
    figure = draw(ROWS, il2_end_day=4)
    axes = figure.axes[0]
    # What is out of range, or could not be evaluated, breaks the line; of two measurements one is drawn.
    assert lines(axes, "_S1") == [[(-8, None), (7, 80.0), (28, None), (84, 12.0), (120, None)]]
    assert lines(axes, "_limit") == [[(-8, 3.0)], [(120, 5_000.0)]]
    arrows = [text.xyann[1] for text in axes.texts if hasattr(text, "arrow_patch")]
    assert arrows == [-9, 9]
    assert axes.get_yscale() == "log"
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == ["IL-2", "infusion", "S1", "open: below this", "open: above this"]
    below, above = (line.get_marker().vertices for line in figure.legends[0].get_lines()[-2:])
    # A ring with an arrow down, and one with an arrow up: the last corners are those of an arrow's head.
    assert [path[-2:, 1].tolist() for path in (below, above)] == [[-1.8, -0.9], [1.8, 0.9]]


def test_a_panel_an_analyte_and_form_and_a_line_a_specimen():
    total, free = (
        {"analyte": "TGF-beta1", "form": form, "acid_activated": form == "total"} for form in ("total", "free")
    )
    rows = [*ROWS, level(7, 9_000.0, **total), level(7, 20.0, **free), level(7, 30.0, specimen="serum", sample="x")]
    figure = draw(rows)
    titles = [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")]
    assert titles == ["IFN-gamma", "TGF-beta1, free", "TGF-beta1, total"]
    assert lines(figure.axes[0], "_S1, serum") == [[(7, 30.0)]]
    only = draw(rows, analytes=["TGF-beta1"])
    assert len([axes for axes in only.axes if axes.get_title(loc="left")]) == 2


def test_an_axis_spans_a_decade_and_intervals_do_not_stretch_it():
    axes = draw([level(7, 100.0, lower=1e-4, upper=None), level(28, 110.0)]).axes[0]
    low, high = axes.get_ylim()
    assert 10 < high / low < 100
    assert low > 10


def test_many_subjects_have_no_names():
    figure = draw([level(7, 10.0 + n, subject=f"S{n:02}") for n in range(20)])
    assert figure.legends[0].get_title().get_text() == "20 lines"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["infusion"]


def test_nothing_to_draw_and_a_column_that_is_absent():
    with pytest.raises(AnalysisError, match="no analyte of a sample has a concentration or a limit"):
        draw([level(7, status="not_evaluable")])
    with pytest.raises(AnalysisError, match="column conc_pg_per_ml: the figure needs this column"):
        cytokine_trajectories(pl.DataFrame({"subject": ["S"], "day": [1], "specimen": "x", "analyte": "A", "form": "x",
                                            "used": True}))  # fmt: skip
