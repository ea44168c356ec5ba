"""A word that a setting does not have is refused: it counted as one of the others, unsaid."""

import polars as pl
import pytest

from tilseq.clinical import gcig, markers, response, safety
from tilseq.errors import AnalysisError

SUBJECTS = pl.DataFrame({"subject": ["S1"], "tumor_type": ["ovarian"]})
EVENTS = pl.DataFrame({"subject": ["S1"], "term": ["rash"], "grade": [2], "start_day": [-3]})
LESIONS = pl.DataFrame({"subject": ["S1"], "day": [-5], "lesion": ["T1"], "role": ["target"], "diameter_mm": [20.0]})
MARKERS = pl.DataFrame({"subject": ["S1"], "day": [-5], "test": ["TG"], "value_text": ["3"], "unit": ["ng/mL"]})


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (
            lambda: response(LESIONS, regrowth="PD"),
            "column regrowth: no such setting; found 'PD'; expected sum_rule, pd",
        ),
        (lambda: response(LESIONS, undersized="accepted"), "undersized: .*; did you mean 'accept'"),
        (lambda: safety(EVENTS, subjects=SUBJECTS, emergence="All"), "emergence: .*; did you mean 'all'"),
        (lambda: markers(MARKERS, subjects=SUBJECTS, tg="triglyceride"), "tg: .*; did you mean 'triglycerides'"),
        (
            lambda: gcig(markers(MARKERS, subjects=SUBJECTS), subjects=SUBJECTS, harvest="Interferes"),
            "harvest: .*; expected interferes, ignored; did you mean 'interferes'",
        ),
    ],
)
def test_a_word_that_is_none_is_refused(call, told):
    with pytest.raises(AnalysisError, match=told):
        call()
