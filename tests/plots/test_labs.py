import numpy as np
import polars as pl
import pytest
from matplotlib.colors import to_hex

from tilseq.clinical import lab_grades, lab_shifts
from tilseq.errors import AnalysisError
from tilseq.plots import lab_shift_map, lab_trajectories
from tilseq.plots.treatment import GRADE_COLOURS

TERM = "Neutrophil count decreased"
BANDS = [(4, None, 0.5), (3, 0.5, 1.0), (2, 1.0, 1.5), (1, 1.5, 1.8)]
SUBJECTS = pl.DataFrame({"subject": ["A", "B"], "lymphodepletion_day": -7})


def result(day, text, subject="A", test="ANC", unit="10^9/L"):
    return {
        "subject": subject, "day": day, "test": test, "value_text": text, "unit": unit, "lower_limit": 1.8,
        "upper_limit": 7.5,
    }  # fmt: skip


ROWS = [
    result(-8, "4.0"), result(3, "0.2"), result(5, "<0.1"), result(9, "0.7"), result(12, "1.2"), result(20, "1.7"),
    result(-8, "1.6", "B"), result(3, "0.9", "B"),
]  # fmt: skip


def grades(rows=ROWS):
    return lab_grades(pl.DataFrame(rows), version=5, subjects=SUBJECTS)


def marks(axes):
    """Return the points of each grade, and which of them are open."""
    found = {}
    names = {colour: grade for grade, colour in GRADE_COLOURS.items()}
    for points in axes.lines:
        edge, face = to_hex(points.get_markeredgecolor()), to_hex(points.get_markerfacecolor())
        if points.get_marker() == "o":
            found[names[edge], face == "#ffffff"] = sorted(zip(*points.get_data(), strict=True))
    return found


def test_each_point_has_the_colour_of_its_grade_and_a_limit_is_open():
    axes = lab_trajectories(grades(), term=TERM)
    assert marks(axes) == {
        (0, False): [(-8, 4.0)],
        (1, False): [(-8, 1.6), (20, 1.7)],
        (2, False): [(12, 1.2)],
        (3, False): [(3, 0.9), (9, 0.7)],
        (4, False): [(3, 0.2)],
        (4, True): [(5, 0.1)],
    }
    assert axes.get_title(loc="left") == f"{TERM}, CTCAE 5; 2 subjects"
    assert axes.get_ylabel() == "ANC (10⁹/L)"


def test_bands_lie_behind_and_leave_the_axis_as_it_is():
    plain, shaded = (lab_trajectories(grades(), term=TERM, bands=bands) for bands in ([], BANDS))
    assert shaded.get_ylim() == plain.get_ylim()
    assert len(shaded.patches) == 4
    low = plain.get_ylim()[0]
    assert [(patch.get_y(), round(patch.get_y() + patch.get_height(), 9)) for patch in shaded.patches] == [
        (low, 0.5), (0.5, 1.0), (1.0, 1.5), (1.5, 1.8),
    ]  # fmt: skip


def test_the_legend_names_grades_and_treatment():
    axes = lab_trajectories(grades(), term=TERM, lymphodepletion_day=-7, il2_end_day=4)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "grade 0", "grade 1", "grade 2", "grade 3", "grade 4", "open: told as < or >", "lymphodepletion", "infusion",
        "IL-2",
    ]  # fmt: skip


def test_results_without_a_value_are_counted_and_logarithms_leave_out_0():
    more = [*ROWS, result(30, "x"), result(31, "0")]
    assert "results left out: 1" in lab_trajectories(grades(more), term=TERM).get_title(loc="left")
    log = lab_trajectories(grades(more), term=TERM, scale="log")
    assert "results left out: 2" in log.get_title(loc="left")
    assert [label.get_text() for label in log.get_yticklabels() if "$" in label.get_text()] == []


def test_shifts_from_each_grade_to_the_worst():
    axes = lab_shift_map(lab_shifts(grades()), term=TERM)
    image = axes.images[0].get_array()
    assert image.shape == (2, 5)  # before treatment 0 and 1, then up to 4
    assert (image[0, 4], image[1, 3], image.sum()) == (1, 1, 2)
    assert [text.get_text() for text in axes.texts if text.get_text()] == ["1", "1"]
    assert axes.get_title(loc="left") == f"{TERM}, 2 subjects; framed: no change"
    assert len(axes.figure.axes) == 1  # no bar of colours: every number is printed
    assert [patch.get_xy() for patch in axes.patches] == [(-0.5, -0.5), (0.5, 0.5)]
    assert axes.get_xlabel() == "Worst grade, since treatment began"


def test_a_grade_that_is_not_known_has_a_row_of_its_own():
    axes = lab_shift_map(lab_shifts(grades([result(3, "0.2")])), term=TERM)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0", "1", "not known"]
    assert axes.images[0].get_array()[2, 4] == 1


def test_lines_are_grey_and_break_at_limits():
    axes = lab_trajectories(grades(), term=TERM)
    lines = [line for line in axes.lines if line.get_label() in ("_A", "_B")]
    assert {to_hex(line.get_color()) for line in lines} == {"#9aa4ae"}
    assert np.isnan(lines[0].get_ydata()).tolist() == [False, False, True, False, False, False]


def test_bands_have_names():
    axes = lab_trajectories(grades([result(-8, "4.0"), result(3, "1.2")]), term=TERM, bands=BANDS)
    told = [text.get_text() for text in axes.get_legend().get_texts()]
    assert told == ["grade 0", "grade 2", "band of 1", "band of 2", "infusion"]


def test_the_strip_of_treatment_ends_with_the_axis():
    axes = lab_trajectories(
        grades([result(1, "0.2"), result(3, "0.3")]), term=TERM, lymphodepletion_day=-7, il2_end_day=9
    )
    low, high = axes.get_xlim()
    strips = [patch for patch in axes.patches if patch.get_y() > 1]
    assert [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in strips] == [(low, 0), (0, high)]


def test_one_subject_is_one():
    axes = lab_trajectories(grades([result(3, "0.3")]), term=TERM)
    assert axes.get_title(loc="left") == f"{TERM}, CTCAE 5; 1 subject"
    other = lab_trajectories(grades([result(3, "0.3", test="neut")]), term=TERM)
    assert other.get_ylabel() == "ANC (10⁹/L)"


def test_what_is_not_there_is_refused():
    with pytest.raises(AnalysisError, match="no such term") as caught:
        lab_trajectories(grades(), term="Neutrophil count decrease")
    assert caught.value.mend == f"did you mean {TERM!r}?"
    with pytest.raises(AnalysisError, match="no shift is of this period"):
        lab_shift_map(lab_shifts(grades()), term=TERM, period="latter")
    with pytest.raises(AnalysisError, match="needs this column"):
        lab_trajectories(grades().drop("grade"), term=TERM)
    with pytest.raises(AnalysisError, match="nothing to draw"):
        lab_trajectories(grades([result(3, "x")]), term=TERM)
