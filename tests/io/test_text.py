import csv
import gzip
import io
import os

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.errors import ReadError
from tilseq.io import even_rows, row_checks, text
from tilseq.io.text import open_delimited, read_cells


def written(folder, content, name="table.csv"):
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "columns", "rows"),
    [
        ("plain.csv", b"a,b\n1,2\n", ["a", "b"], [("1", "2")]),
        ("quoted.csv", b'a,b\n"x, ""y""",\n"",3\n', ["a", "b"], [('x, "y"', None), (None, "3")]),
        ("break.csv", b'a,b\n"x\r\ny",2\n', ["a", "b"], [("x\ny", "2")]),
        ("mark.csv", b"\xef\xbb\xbfa,b\r\n1,2\r\n", ["a", "b"], [("1", "2")]),
        ("cr.tsv", b"a\tb\r1\t2\r", ["a", "b"], [("1", "2")]),
        ("little.csv", "a,é\n1,2\n".encode("utf-16"), ["a", "é"], [("1", "2")]),
        ("big.csv", b"\xfe\xff" + "a,é\n1,2\n".encode("utf-16-be"), ["a", "é"], [("1", "2")]),
        ("no_last_end.csv", b"a,b\n1,2", ["a", "b"], [("1", "2")]),
        ("blank_end.csv", b"a,b\n1,2\n\n\n", ["a", "b"], [("1", "2")]),
        ("header_only.csv", b"a,b", ["a", "b"], []),
        ("one.csv", b"a\n1\n\n2\n", ["a"], [("1",), (None,), ("2",)]),
        ("blanks.csv", b"a ,b\n 1,NA\n", ["a ", "b"], [(" 1", "NA")]),
        ("quote_in.tsv", b'a\tb\n5" x\t"2"\n', ["a", "b"], [('5" x', '"2"')]),
        ("tabs.csv", b"a\tb\n1,5\t2\n", ["a", "b"], [("1,5", "2")]),
        ("semicolons.csv", b"a;b\n1,5;2\n", ["a", "b"], [("1,5", "2")]),
        ("packed_whatever_suffix.csv", gzip.compress(b"a,b\n1,2\n", mtime=0), ["a", "b"], [("1", "2")]),
        (
            "two_members.tsv.gz",
            gzip.compress(b"a\tb\n", mtime=0) + gzip.compress(b"1\t2\n", mtime=0),
            ["a", "b"],
            [("1", "2")],
        ),
        ("ids.csv", b"id\n007\n1E5\nTRUE\nNone\n", ["id"], [("007",), ("1E5",), ("TRUE",), ("None",)]),
    ],
)
def test_what_is_sound_is_read_as_it_stands(tmp_path, name, content, columns, rows):
    frame = read_cells(written(tmp_path, content, name))
    assert frame.columns == columns
    assert frame.dtypes == [pl.String] * len(columns)
    assert frame.rows() == rows


@pytest.mark.parametrize(
    ("content", "row", "word"),
    [
        (b"", None, "empty"),
        (b"\n\n", 1, "header is empty"),
        (b"a,b,c\n1,2,3\n1,2\n", 3, "fewer cells"),
        (b"a,b\n1,2\n1,2,3", 3, "more cells .*expected 2 cells$"),
        (b"Lesions\na,b\n1,2\n", 2, "expected 1 cell; name every column in row 1, or delete it if it is a title"),
        (b"a,b\n1,2\n1", 3, "fewer cells"),
        (b"a,b\n\n1,2\n", 2, "fewer cells"),
        (b"a,b\n1,2\n1,\x00\n", 3, "NUL"),
        (b'a,b\n1,"2\n3,4\n', 2, "quote"),
        (b'a,b\n1,2\n5" x,4\n', 3, "quote"),
        (b'a,b\n"x\ny",2\n"b"c,4\n', 3, "quote"),
        (b'a,"b\n1,2\n', 1, "quote"),
        (b"a,b,a\n1,2,3\n", 1, "twice"),
        (b"a,b\n1,2\n1,\xe9\n", 3, "Latin-1"),
        (b"a,b\n1,2\n1,\x80\n", 3, "Windows-1252"),
        ("a,b\n1,2\n".encode("utf-16-le"), None, "UTF-16"),
        ("a,b\n1,2\n".encode("utf-32"), None, "UTF-32"),
        ("a,b\n1,2\n".encode("utf-16")[:-1], None, "UTF-16"),
        (b"PK\x03\x04....[Content_Types].xml....xl/workbook.xml", None, "Excel.*; save its sheet as CSV in UTF-8"),
        (b"PK\x03\x04....member.txt", None, "zip"),
        (b"\xef\xbb\xbf\r\n <!DOCTYPE html><html>", None, "HTML"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", None, "Git-LFS"),
        (b"PAR1\x15\x04", None, "Parquet"),
        (b"FCS3.1          58    1023    1024    5023       0       0", None, "an FCS file"),
        (gzip.compress(gzip.compress(b"a,b\n1,2\n", mtime=0), mtime=0), None, "gzip file within a gzip"),
        (gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-9], None, "cut"),
        (gzip.compress(b"a,b\n1,2\n" * 99, mtime=0) + b"rest", None, "cut or damaged"),
    ],
)
def test_what_is_faulty_is_refused_with_its_row(tmp_path, content, row, word):
    path = written(tmp_path, content)
    with pytest.raises(ReadError, match=word) as caught:
        read_cells(path)
    assert caught.value.row == row
    assert caught.value.file == str(path)


@pytest.mark.parametrize("name", ["absent.csv", "."])
def test_a_path_that_is_no_file_is_refused(tmp_path, name):
    with pytest.raises(ReadError, match=r"No such file|not a regular file"):
        read_cells(tmp_path / name)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(ReadError, match="not a regular file"):
        read_cells(tmp_path / "pipe.csv")


def test_comment_lines_above_the_header_shift_the_rows_that_errors_give(tmp_path):
    path = written(tmp_path, b"# made by x\n# y\na\tb\n#1\t2\n1\n", "table.tsv")
    with pytest.raises(ReadError, match="fewer cells") as caught:
        read_cells(path, comment="#")
    assert caught.value.row == 5
    path = written(tmp_path, b"# made by x\na\tb\n#1\t2\n", "table.tsv")
    table = open_delimited(path, comment="#")
    assert table.header_row == 2
    assert table.cells().rows() == [("#1", "2")]
    with pytest.raises(ReadError, match="nothing but comments"):
        read_cells(written(tmp_path, b"# a\n# b"), comment="#")


def test_limits_stop_a_bomb_a_long_line_and_a_wide_header(tmp_path, monkeypatch):
    with pytest.raises(ReadError, match="unpacks to more"):
        read_cells(written(tmp_path, gzip.compress(b"a,b\n" * 10_000_000, 9)))
    monkeypatch.setattr(row_checks, "MAX_LINE_BYTES", 50)
    with pytest.raises(ReadError, match="too long") as caught:
        read_cells(written(tmp_path, b"a,b\n1,2\n" + b"x" * 60 + b",1\n1,2\n"))
    assert caught.value.row == 3
    with pytest.raises(ReadError, match="too long") as caught:
        read_cells(written(tmp_path, b"a,b\n1,2\n3,4\n1," + b"x" * 60))
    assert caught.value.row == 4
    with pytest.raises(ReadError, match="too long") as caught:
        read_cells(written(tmp_path, b"a\n1\n" + b"x" * 60 + b"\n2\n"))
    assert caught.value.row == 3
    monkeypatch.setattr(text, "MAX_COLUMNS", 3)
    with pytest.raises(ReadError, match="too many columns"):
        read_cells(written(tmp_path, b"a,b,c,d\n"))
    monkeypatch.setattr(text, "MAX_BYTES", 3)
    with pytest.raises(ReadError, match="too large"):
        read_cells(written(tmp_path, b"a,b\n"))


def test_some_columns_come_in_the_order_of_the_file(tmp_path):
    table = open_delimited(written(tmp_path, b"a,b,c\n1,2,3\n"))
    assert table.cells(["c", "a"]).to_dict(as_series=False) == {"a": ["1"], "c": ["3"]}


def test_a_fault_is_found_in_any_piece_of_a_large_file(tmp_path, monkeypatch):
    monkeypatch.setattr(row_checks, "PIECE", 7)
    for faulty in range(2, 40):
        lines = [b"a,b"] + [b'%d,"x\n"""' % row for row in range(2, 40)]
        assert read_cells(written(tmp_path, b"\n".join(lines))).height == 38
        lines[faulty - 1] = b"1,2,3"
        with pytest.raises(ReadError, match="more cells") as caught:
            read_cells(written(tmp_path, b"\n".join(lines)))
        assert caught.value.row == faulty


@pytest.mark.parametrize("last", [b"", b"x"])
@pytest.mark.parametrize("large", [1, 1 << 20])
def test_what_is_odd_is_found_in_any_piece_of_a_plain_file(tmp_path, monkeypatch, large, last):
    monkeypatch.setattr(even_rows, "PIECE", 7)
    monkeypatch.setattr(text, "LARGE_BYTES", large)
    path = tmp_path / "a.tsv"
    odd = {
        b"1\t2\t3\t4": "more cells",
        b"1\t2": "fewer cells",
        b"": "fewer cells",
        b"1\t\x00\tx": "NUL",
        b"1\t\xe9\tx": "Latin-1",
        b"\v\t2\tx": ("\v", "x"),
        b'1\t"\tx\r': ("1", "x"),
        "é\t2\tx".encode(): ("é", "x"),
    }
    for row in range(2, 12):
        for line, expected in odd.items():
            lines = [b"a\tb\tc"] + [b"1\t2\t" + last] * 12
            lines[row - 1] = line
            path.write_bytes(b"\n".join(lines))
            if isinstance(expected, tuple):
                rows = [("1", last.decode() or None)] * 12
                rows[row - 2] = expected
                assert open_delimited(path).cells(["c", "a"]).rows() == rows
                continue
            with pytest.raises(ReadError, match=expected) as caught:
                open_delimited(path).cells(["a"])
            assert caught.value.row == row


@pytest.mark.parametrize("columns", [["a"], ["a", "b", "c"], None])
@pytest.mark.parametrize("piece", [7, 64, 4 << 20])
def test_a_long_row_is_found_beside_a_short_one(tmp_path, monkeypatch, piece, columns):
    """Together they hold as many separators as two rows should."""
    monkeypatch.setattr(even_rows, "PIECE", piece)
    for body, row in [
        (b"1\t2\t3\n1\t2\n1\t2\t3\t4\n", 3),
        (b"1\t2\t3\t4\n1\t2\n", 2),
        (b"1\t2\t3\n\n1\t2\t3\t4\t5\n", 3),
        (b"1\t2\t\n1\t\n1\t2\t3\t\n", 3),
        (b"1\t2\t3\t\n1\t2", 2),
    ]:
        path = tmp_path / "a.tsv"
        path.write_bytes(b"a\tb\tc\n" + body)
        with pytest.raises(ReadError, match="cells than the header") as caught:
            open_delimited(path).cells(columns)
        assert caught.value.row == row


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=6)


@given(table=st.integers(2, 4).flatmap(lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width))))
def test_any_csv_that_python_writes_is_read_back(tmp_path_factory, table):
    width = len(table[0]) if table else 2
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows([[f"c{i}" for i in range(width)], *table])
    path = written(tmp_path_factory.mktemp("csv"), stream.getvalue().encode())
    assert read_cells(path, separator=",").rows() == [tuple(cell or None for cell in row) for row in table]


@given(content=st.text(st.sampled_from('ab,"\n'), max_size=40))
def test_any_text_is_read_as_strict_csv_or_refused(tmp_path_factory, content):
    path = written(tmp_path_factory.mktemp("csv"), b"a,b\n" + content.encode())
    try:
        rows = read_cells(path).rows()
    except ReadError:
        return
    expected = list(csv.reader(io.StringIO(content.rstrip("\n")), strict=True))
    assert rows == [tuple(cell or None for cell in row) for row in expected]


def test_real_tables_hold_what_an_independent_reader_finds(shared_data):
    for path, separator in [
        ("tcr/mira_YLQ_610.csv", ","),
        ("tcr/minervina_Table_S3.tsv", "\t"),
        ("tcr/10x_pbmc3_t_filtered_contig_annotations.csv.gz", ","),
        ("bcr/alakazam_ExampleDb.tsv.gz", "\t"),
    ]:
        raw = (shared_data / path).read_bytes()
        plain = gzip.decompress(raw) if path.endswith(".gz") else raw
        header, *rows = csv.reader(io.StringIO(plain.decode()), delimiter=separator)
        frame = read_cells(shared_data / path)
        assert frame.columns == header
        assert frame.rows() == [tuple(cell or None for cell in row) for row in rows]


def test_large_plain_files_are_read_in_pieces_or_refused_alike(tmp_path, monkeypatch):
    bodies = [
        "a\tb\n1\t\n\tx y\n",
        "# c\na\tb\n1\t2",
        'a,b\n"1\n2",3\n',
        "a\tb\r\n1\t2\r\n",
        "a\tb\n1\té\n",
        "a\tb\n1\t2\n\n\n",
        "a\tb\r1\t2\r",
        "\ufeffa\tb\n1\t2\n",
        "é\tb\n1\t2\n",
        "a\tb\n1\t2\v\x1f\n",
        "a,b\n1,2\t3\n",
    ]
    faults = ["a\tb\n1\t2\n3\n", "a\tb\n1\t2\t3\n4\n", "a\tb\n1\t\x00\n", "<html>", "a\ta\n1\t2\n", "a\tb\n1\t\xff\n"]
    path = tmp_path / "a.txt"
    for body in (*bodies, *faults):
        path.write_bytes(body.encode("latin-1" if "\xff" in body else "utf-8"))
        found = []
        for large, beginning in ((1, 4), (1, 1 << 20), (1 << 20, 4)):
            monkeypatch.setattr("tilseq.io.text.LARGE_BYTES", large)
            monkeypatch.setattr("tilseq.io.text.BEGINNING", beginning)
            try:
                found.append(read_cells(path, comment="# ").to_dict(as_series=False))
            except ReadError as error:
                found.append(str(error))
        assert found[0] == found[1] == found[2], body
        assert isinstance(found[0], str) == (body in faults)
