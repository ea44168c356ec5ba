import numpy as np
import pytest

from tilseq.cytokines.fold import fold_change
from tilseq.errors import AnalysisError


def row(status, conc=None, lower=None, upper=None, limit=None, analyte="IL-2"):
    told = {"status": status, "conc_pg_per_ml": conc, "lower": lower, "upper": upper, "limit_pg_per_ml": limit}
    return told | {"analyte": analyte, "acid_activated": None}


LOW = row("quantified", 10.0, 5.0, 20.0)
HIGH = row("quantified", 80.0, 60.0, 120.0)
NONE = row("not_detected", limit=3.0)
FAINT = row("detected_below_loq", limit=6.0)
OVER = row("above_range", limit=5_000.0)


def test_two_numbers():
    told = fold_change(HIGH, LOW)
    assert (told.relation, told.fold) == ("=", pytest.approx(8))
    # ln(80 / 60) and ln(20 / 10) below, ln(120 / 80) and ln(10 / 5) above.
    assert told.lower == pytest.approx(8 * np.exp(-np.hypot(np.log(80 / 60), np.log(2))))
    assert told.upper == pytest.approx(8 * np.exp(np.hypot(np.log(1.5), np.log(2))))


def test_each_limit_rests_on_the_far_end_of_the_baseline():
    told = fold_change(HIGH, row("quantified", 10.0, 4.0, 30.0))
    # ln(80 / 60) and ln(30 / 10) below, ln(120 / 80) and ln(10 / 4) above.
    assert told.lower == pytest.approx(8 * np.exp(-np.hypot(np.log(80 / 60), np.log(3))))
    assert told.upper == pytest.approx(8 * np.exp(np.hypot(np.log(1.5), np.log(2.5))))


@pytest.mark.parametrize(
    ("later", "baseline", "relation", "fold"),
    [
        (OVER, LOW, ">", 5_000 / 20),
        (HIGH, NONE, ">", 60 / 3),
        (HIGH, FAINT, ">", 60 / 6),
        (OVER, NONE, ">", 5_000 / 3),
        (NONE, HIGH, "<", 3 / 60),
        (FAINT, OVER, "<", 6 / 5_000),
        (LOW, OVER, "<", 20 / 5_000),
        (NONE, FAINT, "unknown", None),
        (OVER, OVER, "unknown", None),
        (row("not_evaluable"), LOW, "unknown", None),
        (LOW, row("not_evaluable"), "unknown", None),
    ],
)
def test_limits(later, baseline, relation, fold):
    told = fold_change(later, baseline)
    assert told.relation == relation
    assert told.fold == (None if fold is None else pytest.approx(fold))


def test_open_intervals():
    told = fold_change(HIGH, row("quantified", 10.0, 0.0, None))
    assert (told.fold, told.lower, told.upper) == (pytest.approx(8), 0, None)


def test_two_analytes_are_refused():
    with pytest.raises(AnalysisError, match="two rows of one kind"):
        fold_change(HIGH, LOW | {"analyte": "IL-6"})
    with pytest.raises(AnalysisError, match="acid_activated"):
        fold_change(HIGH | {"acid_activated": True}, LOW | {"acid_activated": False})
