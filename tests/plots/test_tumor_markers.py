import math

import polars as pl
import pytest

from tilseq.clinical import markers
from tilseq.errors import AnalysisError
from tilseq.plots import marker_courses


def record(day, text, test="CEA", subject="A", upper=5.0):
    return {
        "subject": subject, "day": day, "test": test, "value_text": text, "unit": "ng/mL", "upper_limit": upper,
    }  # fmt: skip


def courses(records, names=("A",)):
    people = pl.DataFrame({"subject": list(names), "tumor_type": "nsclc", "lymphodepletion_day": -7})
    return markers(pl.DataFrame(records), subjects=people)


ROWS = [record(-8, "10"), record(14, "5"), record(28, "<0.5"), record(200, "2"), record(210, "4", upper=4.0)]


def lines(axes):
    return [
        [(day, None if math.isnan(value) else value) for day, value in line.get_xydata().tolist()]
        for line in axes.get_lines()
        if line.get_label() == "_A"
    ]


def test_values_are_multiples_of_the_limit_and_limits_are_open_marks():
    axes = marker_courses(courses(ROWS)).axes[0]
    # Another limit is another assay: a line of its own. The result below a limit breaks the line.
    assert lines(axes) == [[(-8, 2.0), (14, 1.0), (28, None), (200, 0.4)], [(210, 1.0)]]
    (limit,) = (line for line in axes.get_lines() if line.get_label() == "_limit")
    assert limit.get_xydata().tolist() == [[28, 0.1]]
    assert limit.get_markerfacecolor() == "white"
    assert axes.get_yscale() == "log"
    assert axes.get_title(loc="left") == "a line breaks where the assay changes"


def test_a_panel_a_marker_and_the_strip_of_the_treatment():
    drawn = marker_courses(
        courses([*ROWS, record(5, "2", "SCC", upper=1.5)]), lymphodepletion_day=-7, infusion_days=(0, 14), il2_end_day=4
    )
    assert [axes.get_ylabel() for axes in drawn.axes] == ["CEA\n(× ULN)", "SCC\n(× ULN)"]
    spans = [(patch.get_x(), patch.get_width()) for patch in drawn.axes[0].patches]
    assert spans == [(-7, 7), (0, 5)]
    labels = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert labels == ["lymphodepletion", "infusion", "IL-2", "A", "upper limit (ULN)", "open: below this"]
    triangles = [line for line in drawn.axes[0].get_lines() if line.get_label() == "_infusion"]
    assert [line.get_xdata()[0] for line in triangles] == [0, 14]


def test_many_subjects_are_grey_without_names():
    names = [f"S{i:02}" for i in range(20)]
    drawn = marker_courses(courses([record(day, "4", subject=name) for name in names for day in (-8, 9)], names))
    assert drawn.axes[0].get_title(loc="left") == "20 subjects"
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == ["infusion", "upper limit (ULN)"]


def test_what_has_no_place_is_counted():
    frame = courses([*ROWS[:2], record(20, "3", "SCC", upper=None), record(30, "0"), record(40, "x")])
    assert marker_courses(frame).axes[0].get_title(loc="left") == "records left out: 3"


def test_nothing_to_draw_and_a_missing_column_are_refused():
    with pytest.raises(AnalysisError, match="nothing to draw"):
        marker_courses(courses([record(5, "x")]))
    with pytest.raises(AnalysisError, match="column test: no row of the table is of this; found 'SCC'"):
        marker_courses(courses(ROWS), tests=["CEA", "SCC"])
    with pytest.raises(AnalysisError, match="needs this column"):
        marker_courses(courses(ROWS).drop("assay"))
