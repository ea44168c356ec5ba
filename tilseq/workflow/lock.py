"""One run at a time in an output folder."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tilseq.errors import RunError


@contextmanager
def only_run(folder: Path) -> Iterator[bool]:
    """Hold the lock of an output folder for the length of a block; yields whether a dead run's lock was cleared.

    Raises
    ------
    RunError
        Another run that may be alive holds the lock.
    """
    path = folder / "lock.json"
    cleared = False
    while not _take(path):
        owner = _owner(path)
        if owner is None:
            continue  # let go in between
        if not _is_dead(owner):
            raise RunError(
                f"another run works in this folder (process {owner.get('process')} on {owner.get('host')})",
                file=path,
                mend="wait for it, or remove this file if you know that it has ended",
            )
        path.unlink(missing_ok=True)
        cleared = True
    try:
        yield cleared
    finally:
        path.unlink(missing_ok=True)


def _take(path: Path) -> bool:
    me = {"process": os.getpid(), "started": _start_of(os.getpid()), "host": socket.gethostname(), "boot": _boot()}
    # Written aside and linked, so that no reader ever sees a lock without its owner.
    aside = path.with_name(f".lock-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(json.dumps(me))
        try:
            os.link(aside, path)
        except FileExistsError:
            return False
        finally:
            aside.unlink()
    except OSError as error:
        raise RunError(f"cannot write: {error.strerror}", file=path, mend="give another output folder") from error
    return True


def _owner(path: Path) -> dict[str, Any] | None:
    try:
        owner = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        owner = {}
    return owner if isinstance(owner, dict) else {}


def _is_dead(owner: dict[str, Any]) -> bool:
    """Whether the owner can be shown to be gone; on another host nothing can be shown."""
    if owner.get("host") != socket.gethostname():
        return False
    if owner.get("boot") != _boot():
        return True
    process = owner.get("process")
    return isinstance(process, int) and _start_of(process) != owner.get("started")


def _start_of(process: int) -> float | None:
    """Return when a process began, or None when there is none; a number used again has another start."""
    import psutil

    try:
        return float(psutil.Process(process).create_time())
    except psutil.Error:
        return None


def _boot() -> str | None:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
