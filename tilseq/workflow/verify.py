"""Whether a finished run is as it was left: its outputs, the files it was made from, and the numbers made once more."""

from __future__ import annotations

import stat
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tilseq.errors import ReadError, RunError
from tilseq.workflow.plan import Plan, study_tables
from tilseq.workflow.provenance import made_with
from tilseq.workflow.run import HOME, run
from tilseq.workflow.written import FOLDERS, REPORT, found_outputs, read_record, recorded_files

CLOSE = 1e-9  # as a share, of numbers above 1


def study_of(out: Path) -> Path:
    """Return the folder of the study that was run, where it was then.

    Raises
    ------
    RunError
        It is there no longer, or the plan of the run is not, as in a copy of the results alone.
    """
    plan = out / HOME / "plan.json"
    mend = "tell where the study is with --study"
    if not plan.is_file():
        raise RunError("the plan of the run is gone, which tells where its study was", file=plan, mend=mend)
    manifests = (Path(path) for path in Plan.read(plan).inputs if Path(path).name == "study.yaml")
    manifest = min(manifests, key=lambda path: len(path.parts), default=None)  # a sample's file may bear the name, too
    if manifest is None or not manifest.is_file():
        raise RunError("the study is no longer where it was", file=manifest and manifest.parent, mend=mend)
    return manifest.parent


def altered_outputs(out: Path) -> dict[str, str]:
    """Return what became of each file of a run's folder that is not as the run left it.

    Returns
    -------
    dict
        Path within the folder, and `is gone`, `was changed` or `is not of the run`.

    Raises
    ------
    ReadError
        `run.json` cannot be read, or does not name what was written: the run was stopped, or is of an earlier version.
    """
    recorded = recorded_files(out, "outputs")
    return _altered(recorded, {file["path"]: file["sha256"] for file in found_outputs(out, *FOLDERS, REPORT)})


def altered_inputs(out: Path, study: Path) -> dict[str, str]:
    """Return what became of each file of a study that is not as the run has read it.

    Returns
    -------
    dict
        Path within the study, and `is gone`, `was changed` or, of a table, `is not of the run`.

    Raises
    ------
    ReadError
        `run.json` cannot be read or does not name them, or a file cannot be read.
    """
    from tilseq.io.digest import sha256_of_file

    recorded = recorded_files(out, "inputs")
    paths = recorded.keys() | {str(path.relative_to(study)) for path in study_tables(study)}
    return _altered(recorded, {path: sha256_of_file(study / path) for path in paths if _is_file(study / path)})


def _is_file(path: Path) -> bool:
    """Tell whether a file is there; of one that may not be looked for nobody can say that it is gone."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        raise ReadError(f"cannot read: {getattr(error, 'strerror', None) or error}", file=path) from error


def check_unaltered(out: Path, study: Path) -> None:
    """Refuse tables of a run, or a study, that are not as they were at the run.

    Raises
    ------
    RunError
        A table or a file of the study was changed, is gone, or is not of the run.
    """
    outputs = {out / path: state for path, state in altered_outputs(out).items() if path.startswith("tables/")}
    inputs = {study / path: state for path, state in altered_inputs(out, study).items()}
    for path, state in (outputs | inputs).items():
        raise RunError(f"this {state}", file=path, mend="`tilseq verify` tells of all files; `tilseq run` makes anew")


def _altered(recorded: Mapping[str, str], found: Mapping[str, str]) -> dict[str, str]:
    def state(path: str) -> str:
        if path not in found:
            return "is gone"
        return "was changed" if path in recorded else "is not of the run"

    paths = sorted(recorded.keys() | found.keys())
    return {path: state(path) for path in paths if recorded.get(path) != found.get(path)}


def other_versions(out: Path) -> dict[str, str]:
    """Return what a run was made with and what stands here, by name, of all that is not the same."""
    now, then = (_flat(versions) for versions in (made_with(), read_record(out)))
    return {name: f"{then.get(name)}, now {here}" for name, here in now.items() if then.get(name) != here}


def _flat(versions: Mapping[str, Any]) -> dict[str, Any]:
    parts = (versions.get(part) for part in ("versions", "system"))
    named = {name: version for part in parts if isinstance(part, Mapping) for name, version in part.items()}
    return {"tilseq": versions.get("tilseq"), **named}


def other_results(out: Path, study: Path, *, cores: int, progress: Callable[[int, int], None]) -> dict[str, str]:
    """Run a study once more, in a folder that is then removed, and return where its results are not those of a run.

    Parameters
    ----------
    out
        Folder of the run.
    study
        Folder of its study.
    cores, progress
        As `tilseq.workflow.run.run` takes them.

    Returns
    -------
    dict
        Path within the folder, and how it differs. Numbers that agree to 1e-9 are the same: other versions and
        processors round otherwise. Of figures it is told which there are.
    """
    from tilseq.study import read_study

    with tempfile.TemporaryDirectory(prefix="tilseq-verify-") as folder:
        again = Path(folder) / "out"
        run(read_study(study), again, notes=[], command="tilseq verify", cores=cores, progress=progress)
        kept, made = ({file["path"] for file in found_outputs(place, *FOLDERS)} for place in (out, again))
        told = dict.fromkeys(kept - made, "is not made again") | dict.fromkeys(made - kept, "was not made then")
        for path in sorted(path for path in kept & made if path.endswith(".parquet")):
            if difference := _difference(out / path, again / path):
                told[path] = difference
    return dict(sorted(told.items()))


def _difference(kept: Path, made: Path) -> str | None:
    """Return where two tables first differ, its header being row 1; None where they do not."""
    import polars as pl

    try:
        kept_rows, made_rows = (pl.read_parquet(path, glob=False).drop("retry", strict=False) for path in (kept, made))
    except pl.exceptions.PolarsError:
        return "cannot be read as a table"
    if kept_rows.schema != made_rows.schema:
        return "has other columns when made again"
    if kept_rows.height != made_rows.height:
        return f"has {made_rows.height} rows when made again, and had {kept_rows.height}"
    for name in kept_rows.columns:
        then, now = kept_rows[name], made_rows[name]
        alike = then.eq_missing(now)
        if then.dtype.is_float():
            alike |= then.is_close(now, abs_tol=CLOSE, rel_tol=CLOSE).fill_null(value=False)
        if not alike.all():
            row = alike.arg_min() or 0
            return f"row {row + 2}, column {name}: {then[row]} then, {now[row]} when made again"
    return None
