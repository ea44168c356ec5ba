"""Writing a file so that what exists is whole: beside the target first, then renamed over it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from tilseq.errors import RunError


@contextmanager
def atomic(path: str | Path) -> Iterator[BinaryIO]:
    """Open a file for writing that appears under its name only when the block ends without an error.

    What a link points to is written, not the link; a device or a pipe is written straight.

    Raises
    ------
    RunError
        The disk is full, the folder cannot be written, or the device fails.
    """
    path = Path(path).resolve()
    temporary = None
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            with open(path, "wb") as stream:
                yield stream
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as stream:
            yield cast(BinaryIO, stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise RunError(
            f"cannot write: {error.strerror or error}", file=path, mend="free space or give another output folder"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_with(path: str | Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file atomically through a function that takes an open binary stream."""
    with atomic(path) as stream:
        write(stream)


def write_text(path: str | Path, text: str) -> None:
    """Write a UTF-8 text file atomically."""
    with atomic(path) as stream:
        stream.write(text.encode())


def write_json(path: str | Path, value: Any) -> None:
    """Write sorted, indented JSON atomically; NaN is refused."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
