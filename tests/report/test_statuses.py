import pytest

from tilseq.report.results import STATUS_WORDS
from tilseq.report.rows import endpoint_cell
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
