"""One run at a time in an output folder."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tilseq.errors import RunError


@contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Hold the lock of an output folder for the length of a block.

    On this machine the kernel holds the lock and lets it go when the process ends, however it ends, so that the lock of
    a run that was killed stands in nobody's way. What another machine wrote on a shared folder cannot be judged from
    here: it is named, not cleared.

    Raises
    ------
    RunError
        Another run holds the lock, or the folder cannot be written.
    """
    path = folder / "lock.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise _unwritable(path, error) from error
    with os.fdopen(handle, "r+") as stream:
        owner = _owner(stream.read())
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _taken(path, owner) from None
        if owner and owner.get("host") != socket.gethostname():
            raise _taken(path, owner)
        try:
            _write(stream.fileno(), json.dumps({"process": os.getpid(), "host": socket.gethostname()}))
        except OSError as error:
            raise _unwritable(path, error) from error
        try:
            yield
        finally:
            _write(stream.fileno(), "")


def _unwritable(path: Path, error: OSError) -> RunError:
    return RunError(f"cannot write: {error.strerror}", file=path, mend="free space or give another output folder")


def _taken(path: Path, owner: dict[str, Any]) -> RunError:
    return RunError(
        f"another run works in this folder (process {owner.get('process')} on {owner.get('host')})",
        file=path,
        mend="wait for it, or remove this file if you know that it has ended",
    )


def _owner(text: str) -> dict[str, Any]:
    """Return who wrote the lock; nobody when it is empty, as a run leaves it, or was cut short."""
    try:
        owner = json.loads(text)
    except ValueError:
        return {}
    return owner if isinstance(owner, dict) else {}


def _write(handle: int, text: str) -> None:
    os.ftruncate(handle, 0)
    os.pwrite(handle, text.encode(), 0)
