"""Reading an XML file that nobody vouches for: no document type, no entities, nothing too large."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

from tilseq.errors import ReadError
from tilseq.io.kinds import kind_of

MOST_BYTES = 100 << 20
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# In these a byte below 128 is always the ASCII character, so that a document type cannot hide from a search.
ENCODINGS = ("utf-8", "us-ascii", "ascii", "iso-8859-1", "windows-1252")
DECLARED = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([^\"']*)[\"']")
FORBIDDEN = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)


def read_xml(path: str | Path) -> Any:
    """Read an XML file and return its root element (lxml), without comments and processing instructions.

    A document type declaration is refused before any parser sees the file, and with it every entity: expanding and
    fetching entities are what a hostile file could do harm with.

    Raises
    ------
    ReadError
        The file is absent, empty, above 100 MiB, of another type, in an encoding other than UTF-8, ASCII, Latin-1 or
        Windows-1252, declares a document type or entities, or is no well-formed XML of sound depth.
    """
    from lxml import etree

    content = _read_bytes(path)
    _refuse_other_types(content, path)
    encoding = _encoding(content, path)
    forbidden = FORBIDDEN.search(content)
    if forbidden:
        raise ReadError(
            "the file declares a document type or an entity, which is never read",
            file=path,
            byte=forbidden.start(),
            found=forbidden[0].decode(),
            mend="take the declaration out; no file of gates needs it",
        )
    # The parser is told the encoding, so that it reads the very characters that were searched.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True, encoding=encoding
    )
    try:
        return etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise ReadError("the XML cannot be read", file=path, found=str(error), mend="export the file again") from error


def _read_bytes(path: str | Path) -> bytes:
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe could wait for ever
            raise ReadError("not a regular file", file=path)
        if status.st_size > MOST_BYTES:
            raise ReadError(
                "the file is too large", file=path, found=status.st_size, expected=f"at most {MOST_BYTES} bytes"
            )
        return Path(path).read_bytes()
    except OSError as error:
        raise ReadError(f"cannot be read: {error.strerror or error}", file=path) from error


def _refuse_other_types(content: bytes, path: str | Path) -> None:
    if not content.strip():
        raise ReadError("the file is empty", file=path)
    if b"\0" in content:
        raise ReadError(
            "the file is no text in UTF-8", file=path, byte=content.index(b"\0"), found="a NUL", mend="save it as UTF-8"
        )
    if not content.removeprefix(BYTE_ORDER_MARK).lstrip().startswith(b"<"):
        raise ReadError("the file is no XML", file=path, found=kind_of(content) or content[:40].decode("latin-1"))


def _encoding(content: bytes, path: str | Path) -> str:
    """Return the encoding that the file declares, however long its declaration is; UTF-8 where it declares none."""
    declared = DECLARED.match(content.removeprefix(BYTE_ORDER_MARK))
    name = declared[1].decode("latin-1") if declared else "utf-8"
    if name.casefold() not in ENCODINGS:
        raise ReadError(
            "an encoding that is not read", file=path, found=name, expected="UTF-8", mend="save it as UTF-8"
        )
    return name
