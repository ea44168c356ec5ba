import polars as pl
import pytest

from tilseq.clinical import recoveries, safety
from tilseq.clinical.treated import columns_of
from tilseq.errors import TableError
from tilseq.tables.inputs import FOLLOWUP

ELSE = pl.DataFrame({"patient": ["S1"], "died_on": [40]})
SUBJECTS = pl.DataFrame({"subject": ["S1"], "tumor_type": ["melanoma"], "first_dose_day": [-7]})
EVENTS = pl.DataFrame({"subject": ["S1"], "term": ["fever"], "grade": [2], "start_day": [1]})
LABS = pl.DataFrame({"subject": ["S1"], "day": [1], "test": ["ANC"], "value_text": ["0.3"], "unit": ["10^9/L"]})


def test_a_table_that_has_none_of_the_columns_does_not_pass_for_an_empty_one():
    """Its rows are gone once no column is left: the follow-up, or further therapies, were not looked at, unsaid."""
    what = "column subject: table {} lacks a column; found 'patient, died_on'"
    with pytest.raises(TableError, match=what.format("followup")):
        safety(EVENTS, subjects=SUBJECTS, followup=ELSE)
    with pytest.raises(TableError, match=what.format("subjects")):
        safety(EVENTS, subjects=ELSE)
    with pytest.raises(TableError, match=what.format("therapies")):
        recoveries(LABS, subjects=SUBJECTS, therapies=ELSE)
    assert columns_of(ELSE.clear(), FOLLOWUP, ("subject", "death_day")).height == 0
