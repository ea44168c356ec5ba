"""Gene sets in GMT files."""

import os

import pytest

from tilseq.errors import ReadError
from tilseq.io import read_gmt


def test_a_gmt_file(tmp_path):
    path = tmp_path / "s.gmt"
    path.write_bytes(b"\xef\xbb\xbfone\tsomething\tA\tB\tA\t\r\n\r\ntwo\t\tC\r\n")
    assert read_gmt(path) == {"one": ("A", "B"), "two": ("C",)}


def test_hallmark_has_50_sets(shared_data):
    sets = read_gmt(shared_data / "genesets/h.all.v2025.1.Hs.symbols.gmt")
    assert len(sets) == 50
    assert len(sets["HALLMARK_OXIDATIVE_PHOSPHORYLATION"]) == 200


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no gene set"),
        (
            b"one\tx\tA\none\tx\tB\n",
            "row 2: this gene set stands twice; found 'one'; expected a GMT file, a line a set",
        ),
        (b"one\tx\tA\ntwo\tx\n", "row 2: this line is no gene set"),
        (b"\tx\tA\n", "row 1: this line is no gene set"),
        (b"one,x,A\n", "row 1: this line is no gene set"),
        (b"one\tx\t\xff\n", "byte 6: the text is not UTF-8"),
    ],
)
def test_a_faulty_gmt_file_is_refused(tmp_path, content, words):
    path = tmp_path / "s.gmt"
    path.write_bytes(content)
    with pytest.raises(ReadError) as caught:
        read_gmt(path)
    assert words in str(caught.value)


def test_a_gmt_file_that_is_too_large_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "s.gmt"
    with path.open("wb") as stream:
        stream.truncate((200 << 20) + 1)
    with pytest.raises(ReadError, match="too large"):
        read_gmt(path)


def test_a_named_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "s.gmt")
    with pytest.raises(ReadError, match="not a regular file"):
        read_gmt(tmp_path / "s.gmt")


def test_an_absent_gmt_file_is_refused(tmp_path):
    with pytest.raises(ReadError, match="cannot be read"):
        read_gmt(tmp_path / "none.gmt")


def test_lines_of_an_old_mac_end_too(tmp_path):
    (tmp_path / "mac.gmt").write_bytes(b"UP\tx\tA\tB\rDOWN\tx\tC\r")
    assert read_gmt(tmp_path / "mac.gmt") == {"UP": ("A", "B"), "DOWN": ("C",)}


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("one\tCD4\tA\tB\ntwo\tx\tCD4\tC\n", "one (CD4)"),  # a gene of another set
        ("one\tPCLAF\tA\tB\n", "one (PCLAF)"),  # a gene that HGNC has renamed
        ("one\tKIAA0101\tA\tB\n", "one (KIAA0101)"),  # and by the name that it had
        ("one\tCD4+\tA\tB\ntwo\tx\tCD4-\tC\n", "one (CD4+)"),  # of a signed set
        ("one\tENSG00000010610.9\tA\tB\n", "one (ENSG00000010610.9)"),
    ],
)
def test_a_gene_where_the_description_should_stand_is_told(tmp_path, content, named):
    path = tmp_path / "s.gmt"
    path.write_text(content)
    found = read_gmt(path)
    assert found["one"] == ("A", "B")
    assert found.told == (
        f"s.gmt: a gene stands where the description should, and is not in the set: {named}; "
        "part name and genes by a description, be it empty",
    )


def test_a_gene_of_the_data_where_the_description_should_stand_is_told(tmp_path):
    path = tmp_path / "s.gmt"
    path.write_text("one\tTOX\tA\tB\n")
    found = read_gmt(path)
    assert found.told_beside(["CD3E", "A"]) == found.told == ()
    assert found.told_beside(["CD3E", "TOX"]) == (
        "s.gmt: a gene stands where the description should, and is not in the set: one (TOX); "
        "part name and genes by a description, be it empty",
    )


def test_a_description_is_not_told(tmp_path):
    path = tmp_path / "s.gmt"
    path.write_text("one\tgenes of a paper\tA\ntwo\t\tB\nthree\tna\tC\n")
    assert read_gmt(path).told == ()
