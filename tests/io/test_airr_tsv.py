"""What is written as AIRR reads back, whatever a file's cells hold."""

import csv
import io

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tilseq.errors import TableError
from tilseq.io.clonotypes import airr_tsv, read_clonotypes

HEADER = ("v_call", "j_call", "junction", "junction_aa", "duplicate_count", "locus", "productive")
KNOWN = ("TRBV28*01", "TRBJ2-7*01")
ANY = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=8)
LIKE_A_GENE = st.text(st.sampled_from("TRBVJ0123456789-*/,|;()=+@' \t\nFPor\u00e9\u03b2\U0001f9ec"), max_size=10)
JUNCTION = st.text(st.sampled_from("ACGTacgtN"), min_size=1, max_size=30)
AMINO = st.text(st.sampled_from("ACDEFGHIKLMNPQRSTVWYXc"), min_size=1, max_size=10)
FORMULA = ("=", "+", "-", "@")


def as_written(cell):
    """A cell as it is to stand in the file: on one line, and no formula."""
    if cell is None:
        return None
    cell = cell.replace("\t", " ").replace("\n", " ")
    return "'" + cell if cell.startswith(FORMULA) else cell


@settings(max_examples=40)
@given(
    st.lists(st.tuples(LIKE_A_GENE | ANY, LIKE_A_GENE | ANY, JUNCTION, AMINO, st.integers(0, 2**40)), max_size=6),
)
@example([("=TRBV28", "+TRBJ2-7", "ACG", "CAF", 1), ("a\tb", "c\nd", "ACT", "CAF", 2)])
@example([("", "", "Na", "A", 1)])
@example([("\U0001f9ec", "\u03b2-1", "ACG", "CAF", 1), ("TRBV28 F F", "TRBJ2-7 (F) P", "ACT", "CAF", 2)])
def test_what_is_written_reads_back_equal(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("airr")
    known = [(*KNOWN, "T" * (40 + i), "CAF", 1) for i in range(2 * len(rows) + 1)]  # most genes of a file must be known
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([HEADER, *((*row, "TRB", "T") for row in (*known, *rows))])
    (folder / "a.csv").write_text(stream.getvalue(), newline="")
    try:
        first = read_clonotypes(folder / "a.csv")
    except TableError as error:
        assume("mouse" not in str(error))
        raise
    text = airr_tsv(first)
    assert {line.count("\t") for line in text.removesuffix("\n").split("\n")} == {15}
    (folder / "out.tsv").write_text(text, newline="")
    again = read_clonotypes(folder / "out.tsv")
    expected = [tuple(as_written(c) if isinstance(c, str) else c for c in row) for row in first.table.rows()]
    assert again.table.rows() == expected
    assert again.exclusions.height == 0
    assert again.count_of == first.count_of
