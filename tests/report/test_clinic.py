import pytest

from tilseq.report.clinic import last_assessments, response_cell, responses
from tilseq.report.results import Results
from tilseq.tables import outputs

NOTHING = dict.fromkeys(outputs.RESPONSE.frame().columns)


def assessment(day, *, reader=None, **told):
    return {**NOTHING, "subject": "S1", "reader": reader, "day": day, "baseline": False, **told}


def read(cell):
    return [chip.label for chip in cell.chips], [chip.state for chip in cell.chips], cell.note.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("told", "label", "state", "note"),
    [
        ({"recorded": "PR", "response": "PR", "agrees": True, "change_from_baseline_pct": -47.6},
         "PR", "good", "recorded, −47.6 %"),
        ({"recorded": "PR", "response": "SD", "agrees": False, "change_from_baseline_pct": -27.38},
         "PR", "good", "recorded, −27.4 %; derived SD"),
        ({"recorded": "SD", "response": "NE", "agrees": False, "reason": "T02 not measured"},
         "SD", "neutral", "recorded; derived NE: T02 not measured"),
        ({"recorded": "PD", "response": "PD", "agrees": True, "reason": "new lesion N1"}, "PD", "bad", "recorded"),
        ({"response": "PD", "change_from_baseline_pct": -12.0, "reason": "new lesion N1"},
         "PD", "bad derived", "derived, −12.0 %: new lesion N1"),
        ({"response": "PD", "change_from_baseline_pct": -2.0, "change_from_nadir_pct": 25.04},
         "PD", "bad derived", "derived, −2.0 %: +25.0 % from nadir"),
        ({"response": "NE", "reason": "T02 not measured"}, "NE", "neutral derived", "derived: T02 not measured"),
        ({"response": "PR", "reason": "T01 back"}, "PR", "good derived", "derived"),
    ],
)  # fmt: skip
def test_a_response_says_who_said_so_and_a_derived_pd_or_ne_says_why(told, label, state, note):
    assert read(response_cell([assessment(42, **told)], with_day=False)) == ([label], [state], note)


def test_an_assessment_may_name_its_day_and_may_have_no_word():
    assert read(response_cell([assessment(42, recorded="CR")], with_day=True))[2] == "recorded, day 42"
    assert read(response_cell([assessment(-7, baseline=True, sum_mm=84.0)], with_day=True))[2] == (
        "baseline, day −7, 84 mm"
    )
    assert read(response_cell([assessment(9, change_from_baseline_pct=3.0)], with_day=False)) == (
        [], [], "not assessed, +3.0 %",
    )  # fmt: skip


def test_the_last_assessment_with_a_word_of_each_reader_stands_and_like_readers_share_a_cell():
    rows = [
        assessment(-7, baseline=True, reader="A"),
        assessment(28, reader="A", recorded="SD"),
        assessment(84, reader="A", recorded="PR", change_from_baseline_pct=-40.0),
        assessment(90, reader="A"),
        assessment(84, reader="B", recorded="PR", change_from_baseline_pct=-44.0),
        assessment(84, reader="C", response="PR"),
    ]
    assert [read(cell) for cell in last_assessments(rows)] == [
        (["PR"], ["good"], "A, B: recorded, day 84, −44.0 % to −40.0 %"),
        (["PR"], ["good derived"], "C: derived, day 84"),
    ]
    assert read(last_assessments(rows[:5])[0])[2] == "2 readers: recorded, day 84, −44.0 % to −40.0 %"
    assert read(last_assessments(rows[:3])[0])[2] == "recorded, day 84, −40.0 %"
    assert last_assessments(rows[:1]) == ()


def test_the_columns_tell_their_days_and_cells_do_where_days_differ(tmp_path):
    rows = [
        assessment(day, subject=subject, visit=visit, recorded="SD", targets=1, targets_measured=1)
        for subject, day, visit in (("S1", 28, "w4"), ("S2", 28, "w4"), ("S1", 84, "w12"), ("S2", 86, "w12"))
    ]
    rows += [assessment(99, subject="S2", recorded="SD", targets=1, targets_measured=1)]
    tables = {table.name: table.frame() for table in (outputs.SAMPLES_RUN, outputs.FAILURES)}
    view = responses(Results(tmp_path, {**tables, "response": outputs.RESPONSE.frame(rows)}, frozenset(), {}, {}))
    assert [(head.text, head.note) for head in view.heads[2:]] == [
        ("w4", "day 28"), ("w12", "day 84 to 86"), ("day 99", ""),
    ]  # fmt: skip
    assert [[part.note for cell in row[2:] for part in cell.stack] for row in view.rows] == [
        ["recorded", "recorded, day 84"],
        ["recorded", "recorded, day 86", "recorded"],
    ]
