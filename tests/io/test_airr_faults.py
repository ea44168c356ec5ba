"""Eight faults of rearrangement tables that `airr` 2.0.0's validator lets pass (see tests/oracles/airr_validate.py)."""

import runpy
from pathlib import Path

import pytest

from tilseq.errors import ReadError, TableError
from tilseq.io.clonotypes import read_clonotypes

ORACLE = runpy.run_path(str(Path(__file__).parents[1] / "oracles" / "airr_validate.py"))
FAULTS, rearrangements = ORACLE["FAULTS"], ORACLE["rearrangements"]


@pytest.mark.parametrize(
    ("fault", "kind", "word", "row"),
    [
        ("a row is short", ReadError, "fewer cells", 3),
        ("a column stands twice", ReadError, "stands twice", 1),
        ("a count is negative", TableError, "counts cannot be read", 3),
        ("a count is written with an underscore", TableError, "counts cannot be read", 3),
        ("a locus is unknown", TableError, "no such locus", 3),
    ],
)
def test_faults_that_are_refused(tmp_path, fault, kind, word, row):
    path = tmp_path / "a.tsv"
    path.write_text(FAULTS[fault])
    with pytest.raises(kind, match=word) as caught:
        read_clonotypes(path)
    assert caught.value.row == row


def test_faults_that_are_told(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text(FAULTS["a sequence_id stands twice"])
    assert "1 row bears the sequence_id of an earlier row: was a file joined twice?" in read_clonotypes(path).warnings
    path.write_text(FAULTS["junction_aa is not what the junction codes for"])
    assert read_clonotypes(path).warnings == ("1 junctions do not code for their amino acids, the first in row 3",)


def test_faults_that_are_left_out(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text(FAULTS["V and J are of two loci"])
    assert read_clonotypes(path).exclusions.select("rule", "rows").rows() == [("no locus or several", 1)]


def test_the_table_they_are_made_from_is_sound(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text(rearrangements())
    read = read_clonotypes(path)
    assert (read.table.height, read.warnings, read.exclusions.height) == (2, (), 0)
    assert set(FAULTS) >= {"a row is short"} and len(FAULTS) == 8
