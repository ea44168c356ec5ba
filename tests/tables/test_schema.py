from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.errors import TableError
from tilseq.tables import Column, Table, as_polars, conform, parse

TUBES = Table(
    "tubes",
    "For the tests.",
    (
        Column("tube", "text", "Name of the tube.", needed=True),
        Column("kind", "text", "Kind.", allowed=("blood", "tumor")),
        Column("cells", "integer", "Cells.", minimum=0),
        Column("share", "number", "Share.", minimum=0, maximum=1),
        Column("stained", "boolean", "Stained."),
    ),
    key=("tube",),
)


def test_parse_reads_every_kind():
    text = pl.DataFrame({"tube": ["007"], "kind": ["blood"], "cells": ["12"], "share": ["0.5"], "stained": ["Yes"]})
    frame, problems = parse(text, TUBES, file="tubes.csv")
    assert problems == []
    assert frame.row(0) == ("007", "blood", 12, 0.5, True)
    assert frame.schema == TUBES.schema


def test_parse_lists_every_fault_with_its_row():
    text = pl.DataFrame(
        {
            "tube": ["a", "a", None],
            "kind": ["blod", None, "tumor"],
            "cells": ["1.5", "-1", "1_000"],
            "share": ["2", "nan", "0.1"],
            "stain": ["yes", "no", "no"],
        }
    )
    _, problems = parse(text, TUBES, file="tubes.csv")
    assert [(problem.row, problem.column, problem.what) for problem in problems] == [
        (1, "stain", "tubes has no such column"),
        (2, "kind", "this value cannot stand here"),
        (2, "cells", "this value cannot stand here"),
        (2, "share", "this value cannot stand here"),
        (3, "cells", "this value cannot stand here"),
        (3, "share", "this value cannot stand here"),
        (3, "tube", "this tube stands in row 2 already"),
        (4, "tube", "a value is missing"),
        (4, "cells", "this value cannot stand here"),
    ]
    assert problems[0].mend == "did you mean 'stained'?"
    assert problems[1].mend == "did you mean 'blood'?"
    assert problems[4].expected == "at least 0"


def test_a_needed_column_that_is_absent_is_a_problem_of_the_header():
    _, problems = parse(pl.DataFrame({"kind": ["blood"]}), TUBES, file="tubes.csv")
    assert [(problem.row, problem.column) for problem in problems] == [(1, "tube")]


def test_a_header_of_other_words_is_one_problem_that_says_what_may_be_meant():
    text = pl.DataFrame({"Tubus": ["a"], "cell": ["1"], "colour": ["red"]})
    (problem,) = parse(text, TUBES, file="tubes.csv")[1]
    assert str(problem).startswith(
        "tubes.csv, row 1: no column of this header is one of tubes; found 'Tubus, cell, colour'; expected tube, "
    )
    assert problem.mend == (
        "delete a title above the header, or rename its columns "
        "(Tubus: did you mean 'tube'?; cell: did you mean 'cells'?)"
    )


def test_a_table_of_sdtm_is_told_where_it_is_read():
    (problem,) = parse(pl.DataFrame({"DOMAIN": ["TR"], "USUBJID": ["1"]}), TUBES, file="tr.csv")[1]
    assert problem.mend.startswith("SDTM's tables are read in clinical/ of a study, as tu.csv")


def test_an_optional_part_of_a_key_may_be_empty_and_still_tells_twins():
    table = Table("t", "", (TUBES.columns[0], Column("reader", "text", "")), key=("tube", "reader"))
    _, problems = parse(pl.DataFrame({"tube": ["a", "a"], "reader": [None, None]}), table, file="t.csv")
    assert [problem.row for problem in problems] == [3]


def test_conform_orders_types_sorts_and_turns_nan_into_null():
    frame = pl.DataFrame({"share": [float("nan"), 0.25], "tube": ["b", "a"]})
    result = conform(frame, TUBES)
    assert result.columns == TUBES.names
    assert result["tube"].to_list() == ["a", "b"]
    assert result["share"].to_list() == [0.25, None]
    assert result["cells"].to_list() == [None, None]


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([{"tube": "a", "colour": "red"}], "no such column"),
        ([{"tube": None}], "null"),
        ([{"tube": "a", "kind": "urine"}], "may not hold this value"),
        ([{"tube": "a", "share": 1.5}], "may not hold this value"),
        ([{"tube": "a", "cells": -1}], "may not hold this value"),
        ([{"tube": "a"}, {"tube": "a"}], "key twice"),
    ],
)
def test_conform_refuses_what_the_registry_does_not_allow(rows, what):
    with pytest.raises(TableError, match=what):
        TUBES.frame(rows)


@given(st.lists(st.tuples(st.sampled_from([None, "a", "b"]), st.integers(0, 1), st.integers(0, 3)), max_size=6))
def test_conform_sorts_any_order_and_finds_any_twin(rows):
    columns = Column("a", "text", "A."), Column("b", "integer", "B."), Column("c", "integer", "C.")
    table = Table("t", "For the tests.", columns, key=("a", "b", "c"))
    frame = pl.DataFrame(rows, schema=table.schema, orient="row")
    if len(set(rows)) < len(rows):
        with pytest.raises(TableError, match="key twice"):
            conform(frame, table)
    else:
        assert conform(frame, table).rows() == sorted(rows, key=lambda row: (row[0] is None, row[0] or "", row[1:]))


def test_pandas_nullable_columns_become_nulls():
    frame = pd.DataFrame({"n": pd.array([1, None], dtype="Int64"), "b": pd.array([True, None], dtype="boolean")})
    assert as_polars(frame).to_dict(as_series=False) == {"n": [1, None], "b": [True, None]}


def test_empty_rows_at_the_end_are_no_rows_and_those_between_are():
    text = pl.DataFrame({"tube": ["a", None, "b", None], "kind": [None] * 4}, schema_overrides={"kind": pl.String})
    frame, problems = parse(text, TUBES, file="tubes.csv")
    assert frame.height == 3
    assert [problem.row for problem in problems] == [3]


def test_an_empty_table_has_its_columns():
    assert TUBES.frame().schema == TUBES.schema


def test_pandas_becomes_polars_with_nulls_for_nan():
    frame = as_polars(pd.DataFrame({"a": ["x", None], "b": [1.5, float("nan")]}))
    assert frame.to_dict(as_series=False) == {"a": ["x", None], "b": [1.5, None]}


def test_text_beside_numbers_is_text():
    """As a spreadsheet has it of results; it ended in a traceback."""
    frame = pd.DataFrame({"value_text": [1.5, "<0.5", 7, None, float("nan")], "day": [1, 2, 3, 4, 5]})
    assert as_polars(frame)["value_text"].to_list() == ["1.5", "<0.5", "7", None, None]
    assert as_polars(frame)["day"].to_list() == [1, 2, 3, 4, 5]
    frame = pd.DataFrame({"day": [1, date(2024, 1, 1)]})
    with pytest.raises(TableError, match="column day: this column holds values of several kinds"):
        as_polars(frame)


SINGLE = pd.DataFrame({"n": [1.2, float("nan"), 1e-9]}, dtype="float32")


@pytest.mark.parametrize(
    "frame",
    [SINGLE, SINGLE.astype("Float32"), pl.DataFrame({"n": [1.2, None, 1e-9]}, schema={"n": pl.Float32})],
)
def test_numbers_of_single_precision_are_those_that_were_written(frame):
    """As Stata's are; 1.2 was 1.2000000476837158."""
    assert as_polars(frame)["n"].to_list() == [1.2, None, 1e-9]


@given(st.lists(st.tuples(st.text(min_size=1), st.integers(0, 10**12)), unique_by=lambda row: row[0]))
def test_whatever_text_was_written_is_read_back(rows):
    text = pl.DataFrame(
        {"tube": [name for name, _ in rows], "cells": [str(cells) for _, cells in rows]},
        schema={"tube": pl.String, "cells": pl.String},
    )
    frame, problems = parse(text, TUBES, file="tubes.csv")
    assert problems == []
    assert list(frame.select("tube", "cells").iter_rows()) == rows


@pytest.mark.parametrize("module", ["inputs", "outputs"])
def test_every_column_of_the_registry_says_what_it_means(module):
    from importlib import import_module

    tables = [t for t in vars(import_module(f"tilseq.tables.{module}")).values() if isinstance(t, Table)]
    assert len(tables) > 4
    for table in tables:
        assert len(set(table.names)) == len(table.names)
        assert set(table.key) <= set(table.names)
        assert all(column.meaning.endswith(".") for column in table.columns), table.name


def test_digits_of_other_scripts_and_values_not_above_a_limit_are_refused():
    table = Table("t", "T.", (Column("n", "number", "N.", above=0), Column("i", "integer", "I.")))
    text = pl.DataFrame({"n": ["0", "-0.0", "0.5", "\u0663"], "i": ["1", "\u0661", "\uff12", "3"]})
    frame, problems = parse(text, table, file="t.csv")
    assert frame.rows() == [(None, 1), (None, None), (0.5, None), (None, 3)]
    assert [(problem.row, problem.column, problem.expected) for problem in problems] == [
        (2, "n", "above 0"),
        (3, "n", "above 0"),
        (3, "i", "a whole number"),
        (4, "i", "a whole number"),
        (5, "n", "a number with a decimal point and without a unit"),
    ]
    with pytest.raises(TableError, match="column n: .*found 0.0; expected above 0"):
        table.frame([{"n": 0.0}])


def test_a_number_beyond_one_limit_is_told_that_limit():
    share = Table("t", "T.", (Column("n", "number", "N.", above=0, maximum=1),))
    with pytest.raises(TableError, match="found 1.5; expected at most 1$"):
        share.frame([{"n": 1.5}])
    day = Table("t", "T.", (Column("n", "integer", "N.", minimum=1),))
    with pytest.raises(TableError, match="found 0; expected at least 1$"):
        day.frame([{"n": 0}])


@pytest.mark.parametrize(
    ("name", "cell", "expected"),
    [
        ("cells", "0", "above 0"),
        ("t_cell_fraction", "0", "above 0"),
        ("input_ng", "0", "above 0"),
        ("sample_volume_ul", "0.05", "at least 0.1"),
        ("cells", "1e15", "at most 1e+10"),
        ("sample_volume_ul", "1e7", "at most 1e+06"),
        ("beads_per_tube", "0", "at least 1"),
        ("beads_per_tube", "1e10", "at most 1e+09"),
        ("dilution", "0.5", "at least 1"),
        ("dilution", "1e7", "at most 1e+06"),
    ],
)
def test_an_amount_of_a_sample_is_one_that_can_be(name, cell, expected):
    from tilseq.tables.inputs import SAMPLES

    row = dict.fromkeys(SAMPLES.names) | {"sample": "a", "subject": "S", "visit": "v"}
    row |= {"specimen": "blood", "assay": "tcr"}
    text = pl.DataFrame([row | {name: cell}], schema=dict.fromkeys(SAMPLES.names, pl.String))
    _, (problem,) = parse(text, SAMPLES, file="samples.csv")
    assert (problem.row, problem.column, problem.found, problem.expected) == (2, name, f"'{cell}'", expected)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("cells", "twelve", "a whole number"),
        ("cells", 42.9, "a whole number"),
        ("cells", Decimal("42.9"), "a whole number"),
        ("cells", float("inf"), "a whole number"),
        ("cells", date(2024, 5, 1), "a whole number"),
        ("share", "12 mm", "a number with a decimal point and without a unit"),
        ("share", [0.5], "a number with a decimal point and without a unit"),
        ("stained", 2, "true or false"),
        ("stained", 0.5, "true or false"),
        ("stained", "perhaps", "true or false"),
    ],
)
def test_conform_refuses_a_value_of_another_kind_and_names_it(column, value, expected):
    frame = pl.DataFrame({"tube": ["a", "b"], column: [None, value]})
    with pytest.raises(TableError) as caught:
        conform(frame, TUBES)
    assert (caught.value.column, caught.value.expected) == (column, expected)
    assert caught.value.found is not None


def test_conform_takes_what_is_the_same_value_of_another_type():
    frame = pl.DataFrame({"tube": [7], "cells": [42.0], "share": [1], "stained": [1]})
    assert conform(frame, TUBES).row(0) == ("7", None, 42, 1.0, True)
    assert conform(pl.DataFrame({"tube": ["a"], "cells": ["42"], "share": [None]}), TUBES).row(0)[2:] == (
        42,
        None,
        None,
    )


def test_a_whole_number_may_be_written_with_a_point_and_zeros():
    table = Table("t", "T.", (Column("i", "integer", "I."),))
    frame, problems = parse(pl.DataFrame({"i": ["3.0", "-7.00", "3.5", "3.", ".0", "1e3"]}), table, file="t.csv")
    assert frame["i"].to_list() == [3, -7, None, None, None, None]
    assert [problem.row for problem in problems] == [4, 5, 6, 7]


def test_a_date_may_stand_for_a_day_of_a_subject():
    columns = [Column(name, "integer", "Day.") for name in ("day", "harvest_day", "holiday")]
    assert Table("t", "T.", (Column("subject", "text", "S."), *columns)).dates == {
        "day": "date",
        "harvest_day": "harvest_date",
    }
    assert Table("t", "T.", tuple(columns)).dates == {}


def test_a_column_that_is_not_known_is_told_with_its_mend():
    subject, day, arm = Column("subject", "text", "S.", needed=True), Column("start_day", "integer", "D."), "arm"
    table = Table("t", "T.", (subject, day, Column(arm, "text", "A.")))
    text = pl.DataFrame(schema=dict.fromkeys(["Subject ID", "outcome", "startdate", arm], pl.String))
    _, problems = parse(text, table, file="t.csv")
    assert [(problem.column, problem.mend) for problem in problems] == [
        ("Subject ID", "did you mean 'subject'?"),
        ("outcome", "delete it or rename it; the columns are subject, start_day (or start_date), arm"),
        ("startdate", "did you mean 'start_date'?"),
        ("subject", "rename the one that is meant, of Subject ID, outcome, startdate"),
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("clones.tsv", "this is no table; found 'str'; expected a DataFrame of polars or pandas"),
        (None, "found 'NoneType'"),
        ([{"locus": "TRB"}], "found 'list'"),
        (pd.Series([1]), "found 'Series'"),
        (pl.LazyFrame({"a": [1]}), "found 'LazyFrame'.*collect it first"),
        (SimpleNamespace(table=pl.DataFrame()), "found 'SimpleNamespace'.*give its `.table`"),
        (pd.DataFrame([[1, 2]], columns=["n", "n"]), "column n: this column stands twice"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), "column 1: this column stands twice"),
    ],
)
def test_what_is_no_frame_is_refused(given, told):
    with pytest.raises(TableError, match=told):
        as_polars(given)


def test_rows_that_hold_a_part_of_a_whole_number_are_refused():
    assert TUBES.frame([{"tube": "a", "cells": 30.0}, {"tube": "b"}])["cells"].to_list() == [30, None]
    assert TUBES.frame([{"tube": "a"}]).schema == TUBES.schema
    with pytest.raises(TableError, match="column cells: .*found 30.7; expected a whole number"):
        TUBES.frame([{"tube": "a", "cells": 30}, {"tube": "b", "cells": 30.7}])


def test_subjects_that_pandas_made_decimals_of_are_whole_again():
    table = Table("t", "x", (Column("subject", "text", "x"), Column("note", "text", "x")))
    frame = as_polars(pd.DataFrame({"subject": [7.0, None, 12.0], "note": [7.0, None, 12.0]}))
    assert conform(frame, table).to_dict(as_series=False) == {
        "subject": ["7", None, "12"],
        "note": ["7.0", None, "12.0"],
    }
    assert conform(pl.DataFrame({"subject": [7.5], "note": ["x"]}), table)["subject"].to_list() == ["7.5"]
