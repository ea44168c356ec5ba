"""What a run has written: every file with its SHA-256, as `run.json` holds it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NoReturn

from tilseq.errors import ReadError

FOLDERS = ("tables", "figures", "objects")
REPORT = "report.html"
RECORD = "run.json"
NOT_OURS = (".", "~$")  # begin the names of what file browsers, editors and open spreadsheets leave behind


def record_outputs(out: Path, *names: str) -> None:
    """Write into `run.json` which files of these folders, or of these names, there are, each with its SHA-256.

    What it holds of others stays: who makes the report anew vouches for the report, and not for the tables.
    """
    from tilseq.io.files import write_json

    record = read_record(out)
    kept = [file for file in record.get("outputs", []) if Path(file["path"]).parts[0] not in names]
    record["outputs"] = sorted(kept + found_outputs(out, *names), key=lambda file: str(file["path"]))
    write_json(out / RECORD, record)


def found_outputs(out: Path, *names: str) -> list[dict[str, Any]]:
    """Return path, SHA-256 and size of the files that there are of folders, or of names, in the folder of a run."""
    from tilseq.io.digest import sha256_of_file

    found = sorted(path for name in names for path in _files(out / name))
    return [
        {"path": str(path.relative_to(out)), "sha256": sha256_of_file(path), "bytes": path.stat().st_size}
        for path in found
    ]


def _files(place: Path) -> Iterator[Path]:
    """Yield a file, or those of a folder and of folders in it; one that may not be looked into is no empty one."""

    def refuse(error: OSError) -> NoReturn:
        raise ReadError(f"cannot read: {error.strerror}", file=error.filename) from error

    if place.is_file():
        yield place
    elif place.is_dir():
        for folder, inner, names in os.walk(place, onerror=refuse):
            inner[:] = (name for name in inner if not name.startswith(NOT_OURS))
            files = (Path(folder, name) for name in names if not name.startswith(NOT_OURS))
            yield from (path for path in files if path.is_file())


def recorded_files(out: Path, kind: Literal["inputs", "outputs"]) -> dict[str, str]:
    """Return the SHA-256 by path of the files that a run has read or written, as `run.json` holds them.

    Raises
    ------
    ReadError
        `run.json` cannot be read, or does not name the files: the run was stopped, or is of an earlier version.
    """
    given = read_record(out).get(kind)
    files = given if isinstance(given, list) else []
    try:
        digests = {file["path"]: file["sha256"] for file in files}
    except (KeyError, TypeError):
        digests = {}
    words = [word for pair in digests.items() for word in pair]
    if not words or len(digests) < len(files) or not all(isinstance(word, str) for word in words):
        what = f"it does not say what the run has {'read' if kind == 'inputs' else 'written'}"
        expected = "path and SHA-256 of each file"
        raise ReadError(what, file=out / RECORD, column=kind, expected=expected, mend="run `tilseq run` again")
    return digests


def read_record(out: Path) -> dict[str, Any]:
    """Return what `run.json` holds.

    Raises
    ------
    ReadError
        It is not there, or it is no JSON object.
    """
    path = out / RECORD
    try:
        record = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ReadError("no record of a finished run can be read", file=path, mend="run `tilseq run`") from error
    if not isinstance(record, dict):
        raise ReadError("this is no record of a run", file=path, expected="a JSON object", mend="run `tilseq run`")
    return record
