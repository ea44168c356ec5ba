"""XML that nobody vouches for."""

import os
import pathlib

import pytest

from tilseq.errors import ReadError
from tilseq.io.xml_text import read_xml

LAUGHS = (
    b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>\n<a>&c;</a>',
    b'<?xml version="1.0"?>\n<!DOCTYPE a SYSTEM "http://127.0.0.1:9/evil.dtd"><a/>',
    b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    b"<a><!-- --></a><!doctype a>",
)


def test_a_sound_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?>\n<a b="\xce\xb3"><!-- c --><d/><?p q?></a>')
    root = read_xml(path)
    assert (root.tag, root.get("b"), [child.tag for child in root]) == ("a", "γ", ["d"])


@pytest.mark.parametrize("content", LAUGHS)
def test_a_document_type_is_refused_before_any_parser_sees_it(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(content)
    monkeypatch.setattr("lxml.etree.fromstring", lambda *_: pytest.fail("a parser saw it"))
    with pytest.raises(ReadError, match="declares a document type or an entity, which is never read") as caught:
        read_xml(path)
    assert (caught.value.file, caught.value.byte) == (str(path), content.lower().index(b"<!doctype"))


def test_a_document_type_cannot_hide_in_another_encoding(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.xml"
    text = '<?xml version="1.0" encoding="{}"?>' + LAUGHS[0].decode()
    for encoding in ("utf-16", "utf-32", "utf-7", "cp037"):
        path.write_bytes(text.format(encoding).encode(encoding))
        with pytest.raises(ReadError, match="UTF-8|no XML|never read"):
            read_xml(path)
    path.write_bytes(b'<?xml version="1.0" encoding="UTF-7"?><a>+ADwAIQ-DOCTYPE</a>')
    with pytest.raises(ReadError, match="an encoding that is not read; found 'UTF-7'"):
        read_xml(path)


HIDDEN = b"+ADwAIQ-DOCTYPE a +AFsAPAAh-ENTITY b +ACI-ha+ACIAPgBdAD4-<a>+ACY-b+ADs-</a>"  # UTF-7


@pytest.mark.parametrize(
    "declaration",
    [
        b'<?xml version="1.0"' + b" " * 2000 + b'encoding="UTF-7"?>',
        b"\xef\xbb\xbf<?xml version='1.0'\n" + b"\n" * 2000 + b"encoding = 'utf-7' ?>",
        b'<?xml version="1.0" encoding="HZ-GB-2312"?>',
        b'<?xml version="1.0" encoding="utf-8 "?>',
    ],
)
def test_an_encoding_is_refused_wherever_the_declaration_names_it(tmp_path: pathlib.Path, declaration: bytes) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(declaration + HIDDEN)
    with pytest.raises(ReadError, match="an encoding that is not read; found"):
        read_xml(path)


def test_the_parser_reads_in_the_encoding_that_was_searched(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.xml"
    # A second name is no declaration: the file is taken as UTF-8, in which these characters are text.
    path.write_bytes(b'<?xml version="1.0"?><?xml encoding="UTF-7"?>' + HIDDEN)
    with pytest.raises(ReadError, match="the XML cannot be read"):
        read_xml(path)
    for encoding in ("ISO-8859-1", "windows-1252"):
        path.write_bytes(f'<?xml version="1.0" encoding="{encoding}"?><a b="µ"/>'.encode(encoding))
        assert read_xml(path).get("b") == "µ"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b" \n", "the file is empty"),
        (b"PK\x03\x04abc", "the file is no XML; found 'a zip file'"),
        (b"sample,gate\n", "the file is no XML; found 'sample,gate"),
        (b"<a>\0</a>", "byte 3: the file is no text in UTF-8; found 'a NUL'"),
        (b"<a><b></a>", "the XML cannot be read; found 'Opening and ending tag mismatch"),
        (b"<a>&unknown;</a>", "the XML cannot be read"),
        (b"<a>" * 100_000, "the XML cannot be read; found 'Excessive depth"),
    ],
)
def test_a_faulty_file_is_refused(tmp_path: pathlib.Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(content)
    with pytest.raises(ReadError, match=message):
        read_xml(path)


def test_what_is_no_regular_file_or_too_large_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ReadError, match="cannot be read: No such file"):
        read_xml(tmp_path / "none.xml")
    os.mkfifo(tmp_path / "pipe.xml")
    with pytest.raises(ReadError, match="not a regular file"):
        read_xml(tmp_path / "pipe.xml")
    with (tmp_path / "large.xml").open("wb") as stream:
        stream.truncate((100 << 20) + 1)
    with pytest.raises(ReadError, match="too large; found 104857601; expected at most 104857600 bytes"):
        read_xml(tmp_path / "large.xml")
