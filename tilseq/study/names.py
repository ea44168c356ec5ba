"""Identifiers: what may not stand in one, which two are twins, and the file name of each."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection

from tilseq.errors import did_you_mean
from tilseq.identifiers import same_identifier

LONGEST_FILE_NAME = 80
HASH_LENGTH = 10
PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]*")
HASHED = re.compile(rf".*-[0-9a-f]{{{HASH_LENGTH}}}")
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
# Letters that show as nothing though Unicode does not class them as format characters.
BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def safe_name(identifier: str) -> str:
    """Return a file name for an identifier that is safe and unique on every file system.

    A name of lower-case ASCII letters, digits, ``-`` and ``_`` stays as it is. Any other becomes its readable part
    and a short hash of the whole, so that ``S1`` and ``s1`` do not meet where file systems ignore case.

    Parameters
    ----------
    identifier
        Any text: ``CON``, ``a/b``, ``..``, an emoji, 300 characters.

    Returns
    -------
    str
        At most 80 ASCII letters, digits, ``-`` and ``_``, starting with a letter or digit. Add the extension to it.
    """
    stays = PLAIN.fullmatch(identifier) and identifier not in RESERVED and len(identifier) <= LONGEST_FILE_NAME
    if stays and not HASHED.fullmatch(identifier):
        return identifier
    plain = unicodedata.normalize("NFKD", identifier).encode("ascii", "ignore").decode()
    readable = re.sub(r"[^A-Za-z0-9_]+", "-", plain).strip("-_")[: LONGEST_FILE_NAME - HASH_LENGTH - 1]
    digest = hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()[:HASH_LENGTH]
    return f"{readable or 'x'}-{digest}"


def fault_of(identifier: str) -> str | None:
    """Return what makes an identifier untrustworthy, or None.

    A line break inside is odd but kept; a space at an end, a control or an invisible character is a fault,
    for two identifiers could then look the same and be different.
    """
    if identifier != identifier.strip():
        return "a space at one end"
    if any(unicodedata.category(letter) == "Cc" and letter != "\n" for letter in identifier):
        return "a control character"
    if any(unicodedata.category(letter) == "Cf" or letter in BLANKS for letter in identifier):
        return "an invisible character"
    return None


def nearest(word: str, known: Collection[str]) -> str | None:
    """Return a mend that names the identifier which `word` was meant to be, or None.

    One that is the same but for case, blanks or leading zeros comes first, then what is spelt alike.
    """
    return same_identifier(word, known) or did_you_mean(word, list(known))
