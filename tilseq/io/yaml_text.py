"""YAML read as plain data: no tags, no aliases, no octal numbers, each key's line kept."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tilseq.errors import ReadError, TilseqError

LARGEST_BYTES = 1 << 20
DEEPEST = 12
INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")
WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}

Path_ = tuple[str, ...]
Lines = dict[Path_, int]


def read_yaml(path: str | Path, *, file: str) -> tuple[Any, Lines, list[TilseqError]]:
    """Read a YAML file as mappings, lists, text, numbers, true, false and null.

    Scalars are read as YAML 1.2 does, more narrowly: ``yes`` and ``2024-03-01`` are text, ``010`` is ten.
    Keys are text always.

    Parameters
    ----------
    path
        File to read, at most 1 MB of UTF-8.
    file
        The name that errors give.

    Returns
    -------
    value
        The document; None when the file is empty.
    lines
        Line of each key, by its path of keys; a place in a list counts as a key from ``"0"``.
    problems
        Keys written twice. The first one is kept in `value`.

    Raises
    ------
    ReadError
        The file is missing, too large, not UTF-8, not YAML, nested too deep, or holds a tag, an anchor, an alias or
        a second document.
    """
    import yaml

    text = _text(Path(path), file)
    try:
        return _Builder(yaml.parse(text, Loader=yaml.SafeLoader), file).document()
    except yaml.reader.ReaderError as error:
        row = text.count("\n", 0, error.position) + 1
        raise ReadError("a control character cannot stand in YAML", file=file, row=row) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ReadError(
            f"not valid YAML: {error.problem or error.context}",
            file=file,
            row=None if mark is None else mark.line + 1,
            mend="look for a missing colon, a tab or an unclosed quote here or in the line above",
        ) from error


def _text(path: Path, file: str) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe could wait for ever
            raise ReadError("not a regular file", file=file)
        with open(path, "rb") as stream:
            raw = stream.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise ReadError(f"cannot read: {error.strerror or error}", file=file) from error
    if len(raw) > LARGEST_BYTES:
        raise ReadError("too large for a file of settings", file=file, expected="at most 1 MB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReadError("not UTF-8 text", file=file, byte=error.start, mend="save it as UTF-8") from error


class _Builder:
    """Builds plain data from YAML's events; what an event may not carry is refused where it stands."""

    def __init__(self, events: Iterator[Any], file: str) -> None:
        self.events = events
        self.file = file
        self.lines: Lines = {}
        self.problems: list[TilseqError] = []

    def document(self) -> tuple[Any, Lines, list[TilseqError]]:
        """Return the only document, the line of each key, and keys that stand twice."""
        value: Any = None
        documents = 0
        for event in self.events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                documents += 1
                if documents > 1:
                    raise self.refusal("a second document", event)
                value = self.value(self.next(), ())
        return value, self.lines, self.problems

    def next(self) -> Any:
        """Return the next event, without an anchor, an alias or a tag."""
        event = next(self.events)
        if type(event).__name__ == "AliasEvent" or getattr(event, "anchor", None):
            raise self.refusal("an anchor or alias (& or *)", event)
        if getattr(event, "tag", None):
            raise self.refusal("a tag (!)", event)
        return event

    def value(self, event: Any, path: Path_) -> Any:
        """Return the value that begins with an event, below the keys of its path."""
        kind = type(event).__name__
        if len(path) > DEEPEST:
            raise self.refusal(f"more than {DEEPEST} levels", event)
        if kind == "MappingStartEvent":
            return self.mapping(path)
        if kind == "SequenceStartEvent":
            return self.sequence(path)
        return _scalar(event.value) if event.style is None else event.value

    def mapping(self, path: Path_) -> dict[str, Any]:
        """Return a mapping; of a key that stands twice the first value counts."""
        built: dict[str, Any] = {}
        while type(key := self.next()).__name__ != "MappingEndEvent":
            if type(key).__name__ != "ScalarEvent":
                raise self.refusal("a key that is not text", key)
            here = (*path, key.value)
            row = key.start_mark.line + 1
            self.lines.setdefault(here, row)
            value = self.value(self.next(), here)
            if key.value in built:
                self.problems.append(
                    ReadError(
                        f"this key stands in line {self.lines[here]} already",
                        file=self.file,
                        row=row,
                        column=".".join(here),
                        mend="keep one of them",
                    )
                )
            built.setdefault(key.value, value)
        return built

    def sequence(self, path: Path_) -> list[Any]:
        """Return a list."""
        built: list[Any] = []
        while type(event := self.next()).__name__ != "SequenceEndEvent":
            here = (*path, str(len(built)))
            self.lines[here] = event.start_mark.line + 1
            built.append(self.value(event, here))
        return built

    def refusal(self, what: str, event: Any) -> ReadError:
        """Return the error of what is not read, with its line."""
        row = event.start_mark.line + 1
        return ReadError(f"{what} is not read here", file=self.file, row=row, mend="write the value itself")


def _scalar(text: str) -> Any:
    if text.casefold() in WORDS:
        return WORDS[text.casefold()]
    if INTEGER.fullmatch(text):
        return int(text)
    return float(text) if NUMBER.fullmatch(text) else text
