"""What kind of file it is, HEADER, TEXT and the chain of data sets."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.errors import ReadError
from tilseq.io.fcs import list_data_sets, read_fcs
from tilseq.io.fcs_header import LARGEST_TEXT, split_text

ONE = [{"N": "FL1", "B": 32}]
FOUR_ZEROS = bytes(16)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "the file is empty"),
        (b"oi21j08cn\n", "too short for an FCS file; found '10 bytes'; expected at least 58 bytes"),
        (b"PK\x03\x04" + bytes(100), "found 'a zip file'"),
        (b"\x1f\x8b" + bytes(100), "found 'a gzip file'"),
        (b"\n<!DOCTYPE html><html><body>Sign in</body></html>" + bytes(100), "found 'an HTML or XML page'"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "found 'a Git-LFS pointer"),
        (b"sample,FL1\n" * 10, "no FCS HEADER"),
        (b"FCS1.0" + b" " * 100, "unknown FCS version; found 'FCS1.0'; expected FCS2.0, FCS3.0, FCS3.1, FCS3.2"),
        (b"FCS3.1    " + b" " * 100, "HEADER gives no place for TEXT"),
        (b"FCS3.1    " + b"      58     abc" + b" " * 100, "HEADER holds no offset; found 'abc'"),
        (b"FCS3.1    " + b"      58-     57" + b" " * 100, "HEADER holds no offset"),
    ],
)
def test_another_kind_of_file_is_named(tmp_path: Path, content: bytes, named: str) -> None:
    path = tmp_path / "tube.fcs"
    path.write_bytes(content)
    for read in (read_fcs, list_data_sets):
        with pytest.raises(ReadError) as refused:
            read(path)
        assert str(path) in str(refused.value)
        assert named in str(refused.value)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="No such file"):
        read_fcs(tmp_path / "absent.fcs")
    with pytest.raises(ReadError, match="not a regular file"):
        read_fcs(tmp_path)
    os.mkfifo(tmp_path / "pipe.fcs")
    with pytest.raises(ReadError, match="not a regular file"):
        read_fcs(tmp_path / "pipe.fcs")
    with pytest.raises(ReadError, match="null"):
        read_fcs("a\0b.fcs")


@pytest.mark.parametrize("kept", [1, 57, 58, 300, 4095, 4096, 4097, 4111])
def test_a_cut_file_is_refused(make_fcs, kept: int) -> None:
    path = make_fcs(FOUR_ZEROS, ONE)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ReadError, match=r"too short|cut inside (TEXT|DATA); found '\d+ bytes'; expected \d+ bytes"):
        read_fcs(path)


def test_text_of_any_size_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.fcs"
    with path.open("wb") as stream:
        stream.write(f"FCS3.1    {58:>8}{99_000_000:>8}{0:>8}{0:>8}{0:>8}{0:>8}".encode())
        stream.truncate(100_000_000)
    with pytest.raises(ReadError, match=f"TEXT is too large.*expected at most {LARGEST_TEXT}"):
        read_fcs(path)


@pytest.mark.parametrize(
    ("text", "pairs", "empty", "rest"),
    [
        ("/A/1/B/2/", [("A", "1"), ("B", "2")], 0, ""),
        ("/A/1/B/2/   \0", [("A", "1"), ("B", "2")], 0, ""),
        ("/A/561////10 nm/B/2/", [("A", "561//10 nm"), ("B", "2")], 0, ""),
        ("/A/GFP//FITC/B//C/3/", [("A", "GFP/FITC"), ("B", ""), ("C", "3")], 1, ""),
        ("\\A\\1\\B\\\\", [("A", "1"), ("B", "")], 1, ""),
        ("|A|x||||B|2|", [("A", "x||B")], 0, "2"),
        ("/A/1//", [], 0, "A/1"),
        ("/A/1/B/cut off", [("A", "1")], 0, "B/cut off"),
        ("^A^1^", [("A", "1")], 0, ""),
        ("/", [], 0, ""),
    ],
)
def test_split_text(text: str, pairs: list[tuple[str, str]], empty: int, rest: str) -> None:
    assert split_text(text) == (pairs, empty, rest)


@given(
    st.sampled_from("/\\|*\f^]-$. "),
    st.lists(st.tuples(st.text("ab$/\\|*-] ", min_size=1, max_size=4), st.text("ab$/\\|*-] ", max_size=6)), min_size=1),
)
def test_any_value_survives_its_delimiter(delimiter: str, pairs: list[tuple[str, str]]) -> None:
    pairs = [(key.replace(delimiter, "") or "K", value) for key, value in pairs]
    text = "".join(delimiter + key + delimiter + value.replace(delimiter, delimiter * 2) for key, value in pairs)
    assert split_text(text + delimiter) == (pairs, sum(not value for _, value in pairs), "")


def test_empty_and_escaped_values_do_not_shift_keywords(make_fcs) -> None:
    channels = [{"N": "FL1", "B": 32, "S": ""}, {"N": "FL2", "B": 32, "S": "GFP/FITC"}, {"N": "FL3", "B": 32, "S": "|"}]
    read = read_fcs(make_fcs(bytes(24), channels, keywords={"NOTE": "a/b//c"}))
    assert read.channels == ["FL1", "FL2", "FL3"]
    assert read.markers == ["", "GFP/FITC", "|"]
    assert read.keywords["NOTE"] == "a/b//c"
    assert read.warnings == [
        "1 keywords have no value, which FCS does not allow; a doubled delimiter right after a keyword was read as an "
        "empty value."
    ]


@pytest.mark.parametrize("delimiter", ["|", "\\", "*", "\f", "!", "^"])
def test_any_delimiter(make_fcs, delimiter: str) -> None:
    read = read_fcs(make_fcs(FOUR_ZEROS, ONE, delimiter=delimiter, keywords={"NOTE": f"a{delimiter}b"}))
    assert read.channels == ["FL1"]
    assert read.keywords["NOTE"] == f"a{delimiter}b"


def test_an_unescaped_delimiter_is_refused_where_it_shifts_keywords(make_fcs) -> None:
    path = make_fcs(FOUR_ZEROS, ONE, text="$DATE/1/2024/$SPILLOVER/1,FL1,1/")
    with pytest.raises(ReadError, match=r"keywords and values of TEXT are shifted; found '\$SPILLOVER'"):
        read_fcs(path)
    with pytest.raises(ReadError, match=r"column \$P1N: a required keyword is missing"):
        read_fcs(make_fcs(FOUR_ZEROS, [{"N": None, "B": 32}]))


def test_a_value_cut_off_by_the_end_of_text(make_fcs) -> None:
    with pytest.raises(ReadError, match=r"TEXT ends inside the value of \$P1G; found '10'"):
        read_fcs(make_fcs(FOUR_ZEROS, ONE, text="$P1G/10"))
    read = read_fcs(make_fcs(FOUR_ZEROS, ONE, text="NOTE/10"))
    assert read.warnings == ["TEXT ends inside a keyword: 7 characters at its end were not read."]


def test_bytes_at_the_end_that_belong_to_no_segment(make_fcs) -> None:
    # as when a header was edited and all behind it moved
    path = make_fcs(FOUR_ZEROS, ONE)
    raw = path.read_bytes()
    for checksum in (b"00000000", b"0000A3F1", b"\r\n", bytes(100)):
        path.write_bytes(raw + checksum)
        assert read_fcs(path).warnings == []
    path.write_bytes(raw + b"00000")
    assert read_fcs(path).warnings == [
        "5 bytes at the end of the file belong to no segment; if the header was edited, DATA may have moved and its "
        "values be wrong."
    ]


@pytest.mark.parametrize("keyword", ["$ENDANALYSIS", "$BEGINANALYSIS"])
def test_an_offset_of_analysis_is_not_followed(make_fcs, keyword: str) -> None:
    assert read_fcs(make_fcs(FOUR_ZEROS, ONE, keywords={keyword: "9" * 20})).events.shape == (4, 1)


def test_text_that_goes_on_behind_its_end(make_fcs) -> None:
    path = make_fcs(FOUR_ZEROS, ONE, text="$SPILLOVER/1,FL1,1/")
    raw = path.read_bytes()
    end = int(raw[18:26])
    path.write_bytes(raw.replace(b"%8d" % end, b"%8d" % (end - len("$SPILLOVER/1,FL1,1/")), 1))
    read = read_fcs(path)
    assert read.spill is None
    assert read.warnings == [f"TEXT ends at byte {end - 19} but goes on; keywords behind it were not read."]


def test_a_keyword_given_twice(make_fcs) -> None:
    with pytest.raises(ReadError, match=r"column \$TOT: a keyword is given twice.*found '4 and 3'"):
        read_fcs(make_fcs(FOUR_ZEROS, ONE, text="$TOT/3/"))
    read = read_fcs(make_fcs(FOUR_ZEROS, ONE, text="NOTE/a/note/b/$TOT/4/"))
    assert read.keywords["NOTE"] == "a"
    assert read.warnings == ["1 keywords are given twice with different values; the first is kept."]


def test_keywords_in_any_case_and_names_in_utf8_or_latin1(make_fcs) -> None:
    path = make_fcs(FOUR_ZEROS, [{"N": "FL1", "B": 32, "S": "Alexa Fluor™"}], text="$SmNo/T1/")
    read = read_fcs(path)
    assert read.markers == ["Alexa Fluor™"]
    assert read.keywords["$SMNO"] == "T1"
    path.write_bytes(path.read_bytes().replace("™".encode(), b"\xb5\xb5\xb5"))
    assert read_fcs(path).markers == ["Alexa Fluorµµµ"]


def test_supplemental_text(make_fcs) -> None:
    more = b"/$SPILLOVER/1,FL1,1/"
    places = {"$BEGINSTEXT": 4096, "$ENDSTEXT": 4096 + len(more) - 1, "$BEGINDATA": 4200, "$ENDDATA": 4215, "$TOT": 4}
    path = make_fcs(more.ljust(104) + FOUR_ZEROS, ONE, keywords=places, header=(4200, 4215))
    spill = read_fcs(path).spill
    assert spill is not None and spill.channels == ["FL1"]
    path.write_bytes(path.read_bytes().replace(more, b"PK\x03\x04" + more[4:]))
    read = read_fcs(path)
    assert read.spill is None
    assert read.warnings == ["The supplemental TEXT does not start with TEXT's delimiter; it was not read."]
    with pytest.raises(ReadError, match="cut inside supplemental TEXT"):
        read_fcs(make_fcs(FOUR_ZEROS, ONE, keywords={"$BEGINSTEXT": 4000, "$ENDSTEXT": 9000}))


def _several(path: Path, one: bytes, steps: list[int]) -> Path:
    """Write copies of a file of 4,112 bytes with $NEXTDATA 4112 behind each other, each with its own $NEXTDATA."""
    path.write_bytes(b"".join(one.replace(b"$NEXTDATA/4112/", b"$NEXTDATA/%4d/" % step) for step in steps))
    return path


def test_several_data_sets(make_fcs) -> None:
    path = make_fcs(FOUR_ZEROS, ONE, keywords={"$NEXTDATA": 4112})
    one = path.read_bytes()
    _several(path, one, [4112, 4112, 0])
    assert list_data_sets(path) == [0, 4112, 8224]
    assert read_fcs(path).data_sets == 3
    assert read_fcs(path).warnings == ["The file holds 3 data sets; the first was read."]
    assert read_fcs(path, data_set=2).events.shape == (4, 1)
    for absent in (3, -1):
        with pytest.raises(ReadError, match="no such data set; found .*expected 0 to 2"):
            read_fcs(path, data_set=absent)


def test_nextdata_counted_from_the_start_of_the_file(make_fcs) -> None:
    path = make_fcs(FOUR_ZEROS, ONE, keywords={"$NEXTDATA": 4112})
    assert list_data_sets(_several(path, path.read_bytes(), [4112, 8224, 0])) == [0, 4112, 8224]


def test_a_loop_of_data_sets_is_named(make_fcs) -> None:
    path = make_fcs(FOUR_ZEROS, ONE, keywords={"$NEXTDATA": 4112})
    _several(path, path.read_bytes(), [4112, 8224, 4112])
    with pytest.raises(ReadError, match=r"column \$NEXTDATA: \$NEXTDATA of data set 2 makes a loop back to byte 4112"):
        list_data_sets(path)
    read = read_fcs(path, data_set=1)
    assert read.data_sets == 3
    assert read.warnings == [
        "Further data sets cannot be reached: $NEXTDATA of data set 2 makes a loop back to byte 4112."
    ]


@pytest.mark.parametrize("step", ["9000000000", "4112", "-1", "x"])
def test_a_chain_that_leads_nowhere(make_fcs, step: str) -> None:
    path = make_fcs(FOUR_ZEROS, ONE, keywords={"$NEXTDATA": step})
    with pytest.raises(ReadError, match=r"\$NEXTDATA"):
        list_data_sets(path)
    assert len(read_fcs(path).warnings) == 1
    with pytest.raises(ReadError, match=r"\$NEXTDATA"):
        read_fcs(path, data_set=1)
