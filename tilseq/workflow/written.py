"""What a run has written: every file with its SHA-256, as `run.json` holds it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tilseq.errors import ReadError

FOLDERS = ("tables", "figures", "objects")
REPORT = "report.html"
RECORD = "run.json"


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

    found = [path for name in names for path in ((out / name), *(out / name).rglob("*")) if path.is_file()]
    return [
        {"path": str(path.relative_to(out)), "sha256": sha256_of_file(path), "bytes": path.stat().st_size}
        for path in sorted(found)
    ]


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
