import pandas as pd
import pytest

from tilseq.errors import TableError
from tilseq.tables import Column, Table, known_columns

DAYS = Table("subjects", "S.", (Column("subject", "text", "S."), Column("harvest_day", "integer", "Day.", unit="d")))


def test_the_columns_of_a_table_are_taken_from_a_wider_frame():
    frame = pd.DataFrame({"arm": ["A"], "harvest_day": [-45], "harvest_date": ["2024-01-01"], "subject": ["S1"]})
    assert known_columns(frame, DAYS).rows(named=True) == [{"subject": "S1", "harvest_day": -45}]
    other = pd.DataFrame({"subject": ["S1"], "harvest_site": ["skin"], "day": [1]})
    assert known_columns(other, DAYS).rows(named=True) == [{"subject": "S1"}]
    empty = pd.DataFrame({"subject": ["S1"], "harvest_date": [pd.NaT]})
    assert known_columns(empty, DAYS).rows(named=True) == [{"subject": "S1"}]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Harvest_Day", "column Harvest_Day: table subjects calls this column otherwise; expected harvest_day; rename"),
        (" harvest_day", "column  harvest_day: table subjects calls this column otherwise"),
        ("harvest", "column harvest: table subjects calls this column otherwise; expected harvest_day"),
        ("harvset_day", "column harvset_day: table subjects calls this column otherwise; expected harvest_day"),
        ("harvest_date", "column harvest_date: dates where days are wanted; expected harvest_day; read the file by"),
        ("HARVEST_DATE", "column HARVEST_DATE: dates where days are wanted"),
    ],
)
def test_a_column_that_stands_for_one_of_a_table_is_not_passed_over(name, told):
    with pytest.raises(TableError, match=told):
        known_columns(pd.DataFrame({"subject": ["S1"], name: [pd.Timestamp("2024-01-01")]}), DAYS)
