"""Files that hold their rows twice."""

from itertools import product

import pytest

from tilseq.errors import TableError
from tilseq.io import read_clonotypes
from tilseq.io.bcr import read_bcr

HEAD = "v_call\tj_call\tjunction\tduplicate_count\n"
ROWS = [
    f"{{0}}V2\t{{0}}J1\tTGT{first}{second}TTT\t{number}\n"
    for number, (first, second) in enumerate(product(("GCA", "GGA", "GTA", "GAA"), ("CCA", "CGA", "CTA")), 1)
]
READERS = [(read_clonotypes, "TRB"), (read_bcr, "IGH")]


@pytest.fixture
def read(tmp_path):
    def read(reader, locus, rows):
        (tmp_path / "c.tsv").write_text(HEAD + "".join(rows).format(locus))
        return reader(tmp_path / "c.tsv")

    return read


@pytest.mark.parametrize(("reader", "locus"), READERS)
@pytest.mark.parametrize("pasted", [ROWS[:10] * 2, [row for row in ROWS[:10] for _ in range(2)], ROWS[:10] * 3])
def test_a_file_joined_to_itself_is_refused(read, reader, locus, pasted):
    with pytest.raises(
        TableError, match="each of its 10 rows stands there again.*was the file joined to itself"
    ) as told:
        read(reader, locus, pasted)
    assert told.value.row == (3 if pasted[0] == pasted[1] else 12)


@pytest.mark.parametrize(("reader", "locus"), READERS)
def test_few_rows_and_a_part_of_them_may_be_there_twice(read, reader, locus):
    assert read(reader, locus, ROWS[:9] * 2).table["duplicate_count"].sum() == 90
    assert read(reader, locus, ROWS[:11] + ROWS[:10]).table["duplicate_count"].sum() == 66 + 55


@pytest.mark.parametrize(("reader", "locus"), READERS)
def test_a_part_that_was_pasted_again_is_told_by_its_large_counts(read, reader, locus):
    rows = [row.rpartition("\t")[0] + f"\t{10 + number}\n" for number, row in enumerate(ROWS)]
    told = read(reader, locus, rows + rows[2:]).warnings
    assert (
        "10 rows with a count of 10 or more are copies of earlier rows, the first in row 14, and are summed with them: "
        "was a part of the file pasted twice?"
    ) in told
    for parts in (rows + rows[3:], rows + [row.replace("J1", "J2") for row in rows[2:]], ROWS + ROWS[1:]):
        assert not any("copies" in line for line in read(reader, locus, parts).warnings)


@pytest.mark.parametrize(("second", "copies"), [("FR1b", 0), ("FR1a", 1)])
@pytest.mark.parametrize(("reader", "locus"), READERS)
def test_rows_that_differ_in_a_column_that_is_not_read_are_no_copies(reader, locus, second, copies, tmp_path):
    rows = ["{1}\t" + row.rpartition("\t")[0] + f"\t{10 + number}\n" for number, row in enumerate(ROWS)]
    text = "nSeqFR1\t" + HEAD + "".join(rows).format(locus, "FR1a") + "".join(rows[2:]).format(locus, second)
    (tmp_path / "c.tsv").write_text(text)
    assert sum("copies" in line for line in reader(tmp_path / "c.tsv").warnings) == copies


def test_rows_of_one_clonotype_that_differ_are_summed(read):
    found = read(read_clonotypes, "TRB", ROWS + [row.replace("J1", "J2") for row in ROWS])
    assert found.table["duplicate_count"].sum() == 2 * 78
