import gzip

import polars as pl
import pytest

from tilseq.simulate.files import write_gzip_table, write_input_table, write_truth
from tilseq.tables.inputs import INFUSIONS, LABS, SAMPLES, THERAPIES
from tilseq.tables.schema import parse


def test_an_input_table_is_written_as_a_person_would(tmp_path):
    rows = [
        {"subject": "B", "infusion": 1, "day": 0, "lot": "L2", "cells": 4.5e10},
        {"subject": "A", "infusion": 2, "day": 3, "lot": "L1", "cells": 2e10},
        {"subject": "A", "infusion": 1, "day": 0, "lot": "L1", "cells": 3e10},
    ]
    write_input_table(rows, INFUSIONS, tmp_path / "infusions.csv")
    assert (tmp_path / "infusions.csv").read_text() == (
        "subject,infusion,day,lot,cells\nA,1,0,L1,30000000000\nA,2,3,L1,20000000000\nB,1,0,L2,45000000000\n"
    )


def test_columns_that_hold_nothing_are_left_out_and_fractions_stay(tmp_path):
    row = {"subject": "A", "day": 7, "test": "ANC", "value_text": "<0.1", "unit": "10^9/L"}
    write_input_table([row | {"lower_limit": 1.8, "upper_limit": 7.0}], LABS, tmp_path / "labs.csv")
    assert (tmp_path / "labs.csv").read_text() == (
        "subject,day,test,value_text,unit,lower_limit,upper_limit\nA,7,ANC,<0.1,10^9/L,1.8,7\n"
    )


@pytest.mark.parametrize("table", [SAMPLES, THERAPIES], ids=lambda table: table.name)
def test_a_table_without_rows_is_still_that_table(tmp_path, table):
    path = tmp_path / "table.csv"
    write_input_table([], table, path)
    read = pl.read_csv(path, infer_schema_length=0)
    assert read.columns == [column.name for column in table.columns if column.needed]
    assert parse(read, table, file=path)[1] == []


def test_a_packed_table_holds_no_time_and_no_name(tmp_path):
    table = pl.DataFrame({"a": [1, 2], "b": [0.123456789, None], "c": ["x", "y"]})
    for name in ("one.csv.gz", "two.tsv.gz"):
        write_gzip_table(table, tmp_path / name)
    one, two = ((tmp_path / name).read_bytes() for name in ("one.csv.gz", "two.tsv.gz"))
    # RFC 1952: magic number, deflate, no flags (so no name), time 0.
    assert one[:8] == two[:8] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00"
    assert gzip.decompress(one).decode() == "a,b,c\n1,1.234568e-1,x\n2,,y\n"
    assert gzip.decompress(two).decode() == "a\tb\tc\n1\t1.234568e-1\tx\n2\t\ty\n"


def test_truth_is_written_with_seven_digits(tmp_path):
    write_truth([{"sample": "s", "value": 1 / 3}, {"sample": "t", "value": None}], tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == "sample,value\ns,3.333333e-1\nt,\n"
