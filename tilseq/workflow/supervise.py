"""One job in a supervised child: whatever becomes of the child, a status is left and the other jobs go on."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from tilseq.errors import TilseqError
from tilseq.steps.job import Job
from tilseq.workflow.processes import die_with_parent

STATUS = "status.json"
SECONDS_BETWEEN_LOOKS = 0.01  # a look takes 25 µs; until the next one a job that has ended keeps its core from others
GIGABYTE = 1024**3


def supervise(job: Job, fingerprint: str, work: Path, *, seconds: float, gigabytes: float) -> bool:
    """Run a job in a child process and leave `status.json` beside its outputs.

    Parameters
    ----------
    job
        What to do; its folder below `work` is emptied first.
    fingerprint
        Digest of everything the job depends on, kept in the status so that a later run can trust or drop it.
    work
        The run's work folder.
    seconds, gigabytes
        Limits of time and of resident memory; a child over one of them is killed and is a failure.

    Returns
    -------
    bool
        Whether the job ended well.
    """
    from tilseq.io.digest import sha256_of_file
    from tilseq.io.files import write_json

    folder = work / job.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    started, used = time.monotonic(), _processor_seconds()
    error = _run_child(job, folder, started + seconds, seconds, gigabytes)
    if error is not None:
        for path in folder.iterdir():  # a failed job leaves its status and its log, nothing half done
            if path.name != "log.txt":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    outputs = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "log.txt")
    status = {
        "step": job.step,
        "unit": job.unit,
        "state": "ok" if error is None else "failed",
        "error": error,
        "fingerprint": fingerprint,
        "seconds": round(time.monotonic() - started, 3),
        "processor_seconds": round(_processor_seconds() - used, 3),
        "outputs": {str(path.relative_to(folder)): sha256_of_file(path) for path in outputs},
    }
    write_json(folder / STATUS, status)
    return error is None


def _processor_seconds() -> float:
    """Return what the children of this process that have ended took of processors."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def read_status(folder: Path) -> dict[str, Any] | None:
    """Return a job's status, or None when it has none that can be read."""
    try:
        status = json.loads((folder / STATUS).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return status if isinstance(status, dict) else None


def _run_child(job: Job, folder: Path, deadline: float, seconds: float, gigabytes: float) -> dict[str, Any] | None:
    """Return None when the child ended well, else the error as `TilseqError.as_dict` gives it."""
    told = folder / "error.json"
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _work(job, folder, told, parent)
        finally:
            os._exit(code)  # whatever happens, the child never goes on as its supervisor
    while True:
        ended, code = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        reason = _over_limit(child, deadline, seconds, gigabytes)
        if reason:
            _kill(child)
            os.waitpid(child, 0)
            return TilseqError(reason, mend="raise the limit in study.yaml or look at the file").as_dict()
        time.sleep(SECONDS_BETWEEN_LOOKS)
    if code == 0:
        return None
    try:
        error: dict[str, Any] = json.loads(told.read_text())
    except (OSError, ValueError):
        end = f"signal {os.WTERMSIG(code)}" if os.WIFSIGNALED(code) else f"exit {os.WEXITSTATUS(code)}"
        error = TilseqError(f"the job's process was lost ({end})", mend="run again").as_dict()
    return error


def _kill(child: int) -> None:
    """Kill the child with all it has started; one that has only just begun leads no group yet."""
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(child, signal.SIGKILL)


def _work(job: Job, folder: Path, told: Path, parent: int) -> int:
    """Do the job, in the child; every way it can fail ends in a file that says why."""
    os.setsid()
    die_with_parent(parent)
    log = open(folder / "log.txt", "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    sys.stdout = sys.stderr = log  # line by line: what a buffer holds is lost when the child is killed or leaves
    try:
        import_module(f"tilseq.steps.{job.step}").run(job, folder)
        _check_inputs(job)
    except TilseqError as error:
        told.write_text(json.dumps(error.as_dict()))
        return 1
    except BaseException as error:  # noqa: BLE001 - one bad sample must not stop a batch, and Rust panics are no Exceptions
        traceback.print_exc(file=log)
        what = f"internal fault: {type(error).__name__}: {error}"
        told.write_text(json.dumps(TilseqError(what, mend="report it with the job's log.txt").as_dict()))
        return 1
    return 0


def _check_inputs(job: Job) -> None:
    from tilseq.errors import ReadError
    from tilseq.io.digest import sha256_of_file

    planned: Mapping[str, str] = job.digests
    for path, digest in planned.items():
        if sha256_of_file(path) != digest:
            raise ReadError("the file changed while the run was going on", file=path, mend="run again")


def _over_limit(child: int, deadline: float, seconds: float, gigabytes: float) -> str | None:
    if time.monotonic() > deadline:
        return f"the job took more than {seconds:g} s (analysis.job_seconds)"
    import psutil

    try:
        resident = psutil.Process(child).memory_info().rss
    except psutil.Error:
        return None
    if resident > gigabytes * GIGABYTE:
        return f"the job needed more than {gigabytes:g} GB of memory (analysis.job_gigabytes)"
    return None
