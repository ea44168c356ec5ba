import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.plots import adverse_event_bars
from tilseq.plots.treatment import GRADE_COLOURS


def rows(*cells):
    names = ("subject", "counted_soc", "counted_term", "grade", "counted")
    return pl.DataFrame([dict(zip(names, cell, strict=True)) for cell in cells], infer_schema_length=None)


EVENTS = rows(
    ("A", "gut", "nausea", 1, True),
    ("A", "gut", "nausea", 3, True),
    ("B", "gut", "nausea", 2, True),
    ("C", "gut", "vomiting", 2, True),
    ("C", "infection", "sepsis", 5, True),
    ("D", "infection", "sepsis", 2, False),
    ("D", "skin", "rash", 4, True),
)


def bars(axes):
    """Return start and width of each bar by its colour and place, empty ones left out."""
    grades = {colour: grade for grade, colour in GRADE_COLOURS.items()}
    found = {}
    for container in axes.containers:
        for place, bar in enumerate(container):
            if bar.get_width():
                from matplotlib.colors import to_hex

                grade = grades.get(to_hex(bar.get_facecolor()).casefold())
                found[place, grade] = (bar.get_x(), bar.get_width())
    return found


def test_a_bar_is_the_share_of_subjects_by_worst_grade():
    axes = adverse_event_bars(EVENTS, subjects=10)
    # The commonest first, then those with more of grade 3 to 5, then by name.
    assert [label.get_text() for label in axes.get_yticklabels()] == ["nausea", "rash", "sepsis", "vomiting"]
    assert bars(axes) == {(0, 2): (0, 10), (0, 3): (10, 10), (1, 4): (0, 10), (2, 5): (0, 10), (3, 2): (0, 10)}
    assert [text.get_text() for text in axes.texts] == ["2 (1)", "1 (1)", "1 (1)", "1"]
    assert axes.get_xlabel().splitlines() == [
        "Subjects (% of 10 treated), by worst grade",
        "beside a bar: subjects (of grade 3 to 5)",
    ]
    assert axes.get_title(loc="left") == "without 1 event not counted"


def test_systems_count_each_subject_once():
    axes = adverse_event_bars(EVENTS, subjects=4, by="soc")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["gut", "infection", "skin"]
    assert bars(axes)[0, 2] == (0, 50)
    assert bars(axes)[0, 3] == (50, 25)


def test_of_many_terms_the_commonest_are_drawn_and_that_is_said():
    many = rows(*((f"S{i}", "x", f"term {j:02}", 1, True) for j in range(40) for i in range(j + 1)))
    axes = adverse_event_bars(many, subjects=40, most=5)
    assert [label.get_text() for label in axes.get_yticklabels()] == [f"term {j}" for j in (39, 38, 37, 36, 35)]
    assert axes.get_title(loc="left") == "the 5 commonest of 40 terms"


def test_where_few_would_be_left_all_are_drawn():
    many = rows(*(("S", "x", f"term {j}", 1, True) for j in range(12)), ("S", None, None, 1, True))
    assert len(adverse_event_bars(many, subjects=40, most=8).get_yticklabels()) == 13
    assert len(adverse_event_bars(many, subjects=40, most=7).get_yticklabels()) == 7


def test_what_has_no_system_is_not_coded():
    axes = adverse_event_bars(rows(("A", None, "nausea", 1, True)), subjects=4, by="soc")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["not coded"]


@pytest.mark.parametrize(
    ("frame", "subjects", "told"),
    [
        (EVENTS.drop("grade"), 10, "needs this column"),
        (EVENTS.filter(~pl.col("counted")), 10, "nothing to draw"),
        (EVENTS, 3, "more subjects have events"),
    ],
)
def test_what_cannot_be_drawn_is_refused(frame, subjects, told):
    with pytest.raises(AnalysisError, match=told):
        adverse_event_bars(frame, subjects=subjects)
