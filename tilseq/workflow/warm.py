"""A process that has imported what jobs need, and becomes the supervisor of each job that is asked of it.

Half of a short job is the start of Python and its imports; a copy of a process that has them (a fork) has them at once.
A process with threads must not be copied: the copy has none of them, and may wait for ever for what one of them held.
So nothing is imported here that starts a thread, as polars does: that is left to the job.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import traceback
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import IO

from tilseq.steps.job import Job
from tilseq.workflow.ask import DONE, DOOR, TAKEN
from tilseq.workflow.plan import Plan
from tilseq.workflow.processes import die_with_parent
from tilseq.workflow.supervise import read_status, supervise

WORK = Path("work")
# What is imported beforehand: for every job, and what only jobs of some steps need and takes long, or of many jobs.
LIBRARIES = (
    "asyncio",
    "numpy",
    "scipy.special",
    "scipy.sparse",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "PIL.PngImagePlugin",
    "psutil",
    "pydantic",
    "tilseq.io.digest",
)
LIBRARIES_OF = {
    "cell_expression": ("anndata", "pydantic_settings"),
    "expression": ("anndata", "pydantic_settings"),
    "flow": ("lxml.etree", "tilseq.flow.cuts", "tilseq.io.fcs", "tilseq.plots.flow"),
    "pseudobulk": ("anndata", "pydantic_settings"),
    "transcriptome": ("gseapy", "scipy.stats"),
}
NO_THREADS = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}  # pyarrow's, which pandas imports


@contextmanager
def warm_process(home: Path, log: IO[str], environment: Mapping[str, str]) -> Iterator[None]:
    """Keep a warm process for the length of a block, on Linux; elsewhere every job starts its own interpreter.

    Parameters
    ----------
    home
        The run's own folder, which holds `plan.json`.
    log
        Where the process says what it has to say.
    environment
        Its environment, and that of all jobs.
    """
    if sys.platform != "linux":
        yield
        return
    starter = "import sys; from tilseq.workflow.warm import main; main(int(sys.argv[1]))"
    command = [sys.executable, "-c", starter, str(os.getpid())]
    process = Popen(
        command,
        cwd=home,
        stdin=DEVNULL,
        stdout=log,
        stderr=log,
        env={**environment, **NO_THREADS},
        start_new_session=True,  # Ctrl-C is the run's to answer
    )
    try:
        yield
    finally:
        process.kill()  # jobs die with it
        process.wait()
        (home / DOOR).unlink(missing_ok=True)  # a folder that holds a socket cannot be copied by every program


def main(parent: int) -> None:
    """Be the warm process, in the folder of the run; what is asked before all is imported waits."""
    die_with_parent(parent)
    Path(DOOR).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(DOOR)
        door.listen(socket.SOMAXCONN)
        plan = Plan.read(Path("plan.json"))
        warm_up({job.step for job in plan.jobs if read_status(WORK / job.folder) is None})
        serve(door, plan)


def warm_up(steps: Set[str]) -> None:
    """Import what jobs of these steps need."""
    for module in (*LIBRARIES, *(module for step in steps for module in LIBRARIES_OF.get(step, ()))):
        import_module(module)
    gc.freeze()  # what is here stays: no job need look through it for garbage


def serve(door: socket.socket, plan: Plan) -> None:
    """Become the supervisor of each job asked for, until killed; a process with threads does not begin."""
    if threads() > 1:
        print("the warm process has threads, so that every job starts alone", file=sys.stderr)
        return
    jobs = {job.folder: job for job in plan.jobs}
    signal.signal(signal.SIGCHLD, _reap)
    server = os.getpid()
    while True:
        line, _ = door.accept()
        with line, suppress(OSError):  # no more processes or memory: whoever asks goes on alone, and all others too
            if os.fork() == 0:
                try:
                    door.close()  # or, with the server gone, the next would wait at a door that nobody opens
                    _answer(line, jobs, plan, server)
                except Exception:  # noqa: BLE001 - the copy must not go on as the server
                    traceback.print_exc()
                finally:
                    os._exit(0)


def _answer(line: socket.socket, jobs: Mapping[str, Job], plan: Plan, server: int) -> None:
    die_with_parent(server)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    line.sendall(TAKEN)
    with line.makefile("r") as asked:
        folder = asked.readline().rstrip("\n")
    job = jobs[folder]
    supervise(job, plan.fingerprints[folder], WORK, seconds=plan.seconds, gigabytes=plan.gigabytes)
    line.sendall(DONE)


def _reap(number: int, frame: object) -> None:
    """Take note of supervisors that have ended; what they took counts as this process's."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def threads() -> int:
    """Return the number of threads of this process, also those that Python knows nothing of."""
    return len(os.listdir("/proc/self/task"))
