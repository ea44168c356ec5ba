"""SHA-256 of files and of values, by which a run knows whether anything has changed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tilseq.errors import ReadError


def sha256_of_file(path: str | Path, start: int = 0) -> str:
    """Return the SHA-256 of a file's bytes, from one of them on, in hexadecimal.

    Raises
    ------
    ReadError
        The file is missing or cannot be read.
    """
    try:
        with open(path, "rb") as stream:
            stream.seek(start)
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ReadError(f"cannot read: {error.strerror or error}", file=path) from error


def sha256_of_value(value: Any) -> str:
    """Return the SHA-256 of a value's sorted JSON in hexadecimal."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, allow_nan=False).encode()).hexdigest()
