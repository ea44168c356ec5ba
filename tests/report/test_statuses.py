import pytest

from tilseq.report.results import STATUS_WORDS
from tilseq.report.rows import endpoint_cell, which
from tilseq.tables.outputs import VALUE_STATUSES


@pytest.mark.parametrize(
    ("value", "limits", "status", "value_text", "text", "note"),
    [
        (62.8, (61.7, 63.9), "quantified", None, "62.8 (61.7-63.9)", ""),
        (4.0, (1.0, 9.0), "detected_below_loq", None, "4.0 (1.0-9.0)", "below the limit of quantification"),
        (0.0, (0.0, 3.66), "not_detected", "< 3.66 %", "< 3.66 %", "not detected"),
        (0.0, (0.0, 12.4), "not_detected", None, "< 12.4", "not detected"),
        (None, (None, None), "not_evaluable", None, "–", "not evaluable"),
    ],
)
def test_a_status_stands_in_words(value, limits, status, value_text, text, note):
    row = {"value": value, "lower": limits[0], "upper": limits[1], "status": status, "value_text": value_text}
    cell = endpoint_cell(row, "ok")
    assert (cell.text, cell.note) == (text, note)


def test_every_status_has_its_words():
    assert tuple(STATUS_WORDS) == VALUE_STATUSES


@pytest.mark.parametrize(("sample", "told"), [
    ("S1_D7_tstate", "tstate"), ("S1-D7.tube 2", "tube 2"), ("S1_D70_flow", "D70_flow"), ("S10_D7_flow", "S10_D7_flow"),
    ("S1", "S1"), ("tube7", "tube7"),
])  # fmt: skip
def test_a_narrow_screen_has_of_a_name_what_subject_and_visit_do_not_say(sample, told):
    _, visit, _, name = which({"sample": sample, "subject": "S1", "visit": "D7", "day": 7})
    assert (visit.narrow, name.text) == (told, sample)
