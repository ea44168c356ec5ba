import polars as pl

from tilseq.clinical.left_out import left_out, subjects_left_out


def test_of_one_row_its_number_stands_in_row_and_of_several_the_first_in_the_rule():
    assert left_out("no grade", [7]) == {"row": 7, "rule": "no grade", "rows": 1}
    assert left_out("no grade", [7, 9]) == {"row": None, "rule": "no grade, first in row 7", "rows": 2}


def test_subjects_are_told_with_the_rows_of_the_file():
    records = pl.DataFrame({"subject": ["1", "9", "1", "08", "9", None]})
    assert list(subjects_left_out(records, ["9", "08"], "no such subject")) == [
        {"row": None, "rule": "no such subject: 9, first in row 3", "rows": 2},
        {"row": 5, "rule": "no such subject: 08", "rows": 1},
    ]
    numbered = subjects_left_out(records, ["08"], "no such subject", [2, 3, 5, 8, 9, 10])
    assert list(numbered) == [{"row": 8, "rule": "no such subject: 08", "rows": 1}]
