"""Ranked genes in .rnk files."""

import gzip

import pytest

from tilseq.errors import ReadError
from tilseq.io import read_ranks


def read(tmp_path, content):
    path = tmp_path / "t.rnk"
    path.write_bytes(content)
    return read_ranks(path)


def test_genes_and_ranks_in_the_order_of_the_file(tmp_path):
    found = read(tmp_path, b"\xef\xbb\xbfB\t-1.5\r\n\r\n# by t\nA\t 2e1 \n007\t0\n")
    assert found.genes == ("B", "A", "007")
    assert found.values == (-1.5, 20, 0)
    assert read(tmp_path, gzip.compress(b"A\t1\n")).genes == ("A",)


@pytest.mark.parametrize(("first", "told"), [(1, "1 to 12"), (0, "0 to 11")])
def test_places_in_a_list_are_no_ranks(tmp_path, first, told):
    lines = "".join(f"G{i}\t{i + first}\n" for i in range(12))
    with pytest.raises(ReadError, match=f"these are places in a list.*the whole numbers {told}"):
        read(tmp_path, lines.encode())
    assert len(read(tmp_path, lines.replace(f"\t{first}\n", f"\t-{first + 1}\n").encode()).values) == 12


def test_quotes_of_r_are_no_part_of_a_gene(tmp_path):
    (tmp_path / "r.rnk").write_text('"gene"\t"t"\n"CD4"\t1.5\n"TOX"\t-2\n')
    assert read_ranks(tmp_path / "r.rnk").genes == ("CD4", "TOX")


@pytest.mark.parametrize("header", [b"gene\tt\n", b"#Gene\tRank\n", b"# a\ngene\trank\n"])
def test_a_header_is_no_gene(tmp_path, header):
    assert read(tmp_path, header + b"A\t1\n").genes == ("A",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"#\n\n", "the file holds no ranked gene"),
        (b"gene\trank\n", "the file holds no ranked gene"),
        (b"A\t1\nB\t2\nA\t3\n", "row 3: this gene stands in row 1 already; found 'A'"),
        (b"A\t1\n\nB\tNA\n", "row 3: a rank is missing; found 'NA'; expected a number; leave out a gene without one"),
        (b"A\tnan\nB\t1\n", "row 1: a rank is missing; found 'nan'"),
        (b"A\t1\nB\t\n", "row 2: a rank is missing"),
        (b"A\t1\nB\tInf\n", "row 2: this rank is infinite; found 'Inf'; expected a number; rank by a statistic that"),
        (b"A\t-inf\n", "row 1: this rank is infinite"),
        (b"A\t1\nB\thigh\n", "row 2: this rank is no number; found 'high'"),
        (b"A\t1\nB\t1_000\n", "row 2: this rank is no number"),
        (b"A\t1\nB,2\n", "row 2: this line is no ranked gene; found 'B,2'; expected a gene and its rank, parted by a"),
        (b"A\t1\t2\n", "row 1: this line is no ranked gene"),
        (b"\t1\n", "row 1: this line is no ranked gene"),
    ],
)
def test_a_faulty_file_is_refused_with_its_row(tmp_path, content, words):
    with pytest.raises(ReadError) as caught:
        read(tmp_path, content)
    assert words in str(caught.value)
