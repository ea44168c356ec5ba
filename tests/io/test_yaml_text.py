import os

import pytest

from tilseq.errors import ReadError
from tilseq.io.yaml_text import read_yaml


def read(tmp_path, text):
    path = tmp_path / "study.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(path, file="study.yaml")


def test_scalars_are_read_narrowly(tmp_path):
    text = "a: 010\nb: 1e3\nc: yes\nd: 2024-03-01\ne: '7'\nf: 12:30\ng: .nan\nh: null\ni: True\n1: x\non: y\nj: 0x10\n"
    value, lines, problems = read(tmp_path, text)
    assert value == {
        "a": 10, "b": 1000.0, "c": "yes", "d": "2024-03-01", "e": "7", "f": "12:30", "g": ".nan", "h": None,
        "i": True, "1": "x", "on": "y", "j": "0x10",
    }  # fmt: skip
    assert lines[("1",)] == 10
    assert problems == []


def test_lists_and_lines(tmp_path):
    value, lines, _ = read(tmp_path, "\ufeffa:\n  b:\n    - x\n    - {c: 1}\n")
    assert value == {"a": {"b": ["x", {"c": 1}]}}
    assert lines == {("a",): 1, ("a", "b"): 2, ("a", "b", "0"): 3, ("a", "b", "1"): 4, ("a", "b", "1", "c"): 4}


def test_an_empty_file_is_none(tmp_path):
    assert read(tmp_path, "# nothing\n") == (None, {}, [])


def test_every_key_written_twice_is_told(tmp_path):
    value, _, problems = read(tmp_path, "a: 1\nb: {c: 1, c: 2}\na: 3\n")
    assert value == {"a": 1, "b": {"c": 1}}
    assert [(p.row, p.column, p.what) for p in problems] == [
        (2, "b.c", "this key stands in line 2 already"),
        (3, "a", "this key stands in line 1 already"),
    ]


@pytest.mark.parametrize(
    ("text", "row", "what"),
    [
        ("a: 1\nb: !!python/object/apply:os.system ['true']\n", 2, "a tag (!) is not read here"),
        ("!!python/object:os.system {}\n", 1, "a tag (!) is not read here"),
        ("a: !!str 1\n", 1, "a tag (!) is not read here"),
        ("a: &x [1]\nb: *x\n", 1, "an anchor or alias (& or *) is not read here"),
        ("a: 1\n---\nb: 2\n", 2, "a second document is not read here"),
        ("a: 1\nb: [1\n", 3, "not valid YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: 1\n\tb: 2\n", 2, "not valid YAML: found character '\\t' that cannot start any token"),
        ("a: 1\nb: \x01\n", 2, "a control character cannot stand in YAML"),
        ("? [a]\n: 1\n", 1, "a key that is not text is not read here"),
        ("[" * 500_000, 1, "more than 12 levels is not read here"),
        ("{a: " * 13 + "1" + "}" * 13, 1, "more than 12 levels is not read here"),
    ],
)
def test_refused(tmp_path, text, row, what):
    with pytest.raises(ReadError) as caught:
        read(tmp_path, text)
    assert (caught.value.row, caught.value.what) == (row, what)


def test_size_and_encoding(tmp_path):
    with pytest.raises(ReadError, match="too large"):
        read(tmp_path, "a: " + "x" * (1 << 20))
    with pytest.raises(ReadError, match="byte 3: not UTF-8"):
        read(tmp_path, b"a: \xe9\n")
    with pytest.raises(ReadError, match="cannot read: No such file"):
        read_yaml(tmp_path / "none.yaml", file="study.yaml")
    with pytest.raises(ReadError, match="not a regular file"):
        read_yaml(tmp_path, file="study.yaml")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ReadError, match="not a regular file"):
        read_yaml(tmp_path / "pipe", file="study.yaml")


def test_an_alias_bomb_ends_at_its_first_anchor(tmp_path):
    bomb = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
    with pytest.raises(ReadError, match="row 1"):
        read(tmp_path, bomb)
