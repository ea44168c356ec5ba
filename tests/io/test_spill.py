"""Spillover matrices in tables."""

import numpy as np
import pytest

from tilseq.errors import ReadError
from tilseq.io.spill import read_spill


def written(tmp_path, text, name="spill.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_rows_are_bound_by_name_and_columns_give_the_order(tmp_path):
    spill = read_spill(written(tmp_path, "dye,FITC-A,PE-A,APC-A\nPE-A,0.1,1,0\nFITC-A,1,0.25, 2e-2\nAPC-A,0,-0.01,1\n"))
    assert spill.channels == ["FITC-A", "PE-A", "APC-A"]
    np.testing.assert_array_equal(spill.matrix, [[1, 0.25, 0.02], [0.1, 1, 0], [0, -0.01, 1]])
    assert spill.matrix.dtype == np.float64
    assert spill.source == "spill.csv"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (",A,B\nA,1,0.5\nB,0,1\n", "s.csv"),
        ("\tA\tB\nA\t1\t0.5\nB\t0\t1", "s.tsv"),
        ('"";"A";"B"\nA;1;0.5\nB;0;1', "s.csv"),
    ],
)
def test_other_separators_and_no_name_above_the_rows(tmp_path, text, name):
    spill = read_spill(written(tmp_path, text, name))
    assert spill.channels == ["A", "B"]
    np.testing.assert_array_equal(spill.matrix, [[1, 0.5], [0, 1]])


def test_a_channels_name_may_hold_the_separator(tmp_path):
    spill = read_spill(written(tmp_path, ',"FL1, area",B\n"FL1, area",1,0\nB,0.5,1\n'))
    assert spill.channels == ["FL1, area", "B"]
    np.testing.assert_array_equal(spill.matrix, [[1, 0], [0.5, 1]])


@pytest.mark.parametrize(
    ("text", "row", "column", "words"),
    [
        ("A,B\n1,0.5\n0,1\n", 2, "A", "the first column of the spillover matrix does not name the rows; found '1'"),
        (",A,B\nA,1,0\n", None, "B", "a column of the spillover matrix has no row; found '1 rows and 2 columns'"),
        (",A\nA,1\nB,0\n", 3, None, "a row of the spillover matrix has no column; found 'B'; expected one of A"),
        (",A,B\nA,1,0\nA,0,1\n", 3, None, "names a row twice; found 'A'"),
        (",A, A\nA,1,0\nB,0,1\n", 1, "A", "names a column twice"),
        (",A,A\nA,1,0\nB,0,1\n", 1, "A", "stands twice in the header"),
        (",A,B\nA,1,0\n,0,1\n", 3, None, "a row of the spillover matrix has no name"),
        ("dye,A,,B\nA,1,0,0\nB,0,0,1\n", 1, None, "a column of the spillover matrix has no name; found 'column 3'"),
        (",A,B\nA,1,0\nB,nan,1\n", 3, "A", "not a finite number; found 'nan'"),
        (",A,B\nA,1,-inf\nB,0,1\n", 2, "B", "not a finite number; found '-inf'"),
        (",A,B\nA,1,\nB,0,1\n", 2, "B", "not a finite number; found ''"),
        (",A;B\nA,1;0\nB,0;1\n", 2, None, "no column; found 'A'; expected one of A;B"),
        (",A,B\nA,1,5 %\nB,0,1\n", 2, "B", "not a finite number; found '5 %'"),
        (",A,B\nB,0,1\nA,0.9,0\n", 3, "A", "found 0.9; expected 1; divide each row by the value on its diagonal"),
        (",A,B\nA,100,0\nB,5,100\n", 2, "A", "the diagonal of a spillover matrix is 1"),
        (",A,B\nA,100,0\nB,5,100\n", 2, "A", "divide percentages by 100"),
        (",A,B\nA,1,0,0\nB,0,1\n", 2, None, "more cells than the header"),
        ("A\nA\n", 1, None, "without channels"),
        (",A,B\n", None, "A", "has no row"),
        ("", None, None, "the file is empty"),
    ],
)
def test_a_faulty_matrix_is_refused_with_its_place(tmp_path, text, row, column, words):
    path = written(tmp_path, text)
    with pytest.raises(ReadError) as caught:
        read_spill(path)
    assert words in str(caught.value)
    assert (caught.value.row, caught.value.column) == (row, column)
    assert caught.value.file == str(path)


def test_a_misspelt_row_is_told_what_it_may_be(tmp_path):
    with pytest.raises(ReadError, match="did you mean 'FITC-A'"):
        read_spill(written(tmp_path, ",FITC-A\nFITC,1\n"))


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "tube.csv").write_bytes(b"FCS3.1" + b" " * 60)
    with pytest.raises(ReadError):
        read_spill(tmp_path / "tube.csv")
