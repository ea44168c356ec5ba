import json
import os
import subprocess
import sys
import textwrap
import time

import pytest

from tilseq.steps.job import Job
from tilseq.workflow import ask, warm
from tilseq.workflow.plan import STEPS, Plan

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is a warm process on Linux alone")

JOBS = tuple(Job("fake", unit, f"fake/{unit}") for unit in ("good", "bad", "dies"))
# A server whose one step does as its unit says; a second argument makes it start a thread first.
SERVER = textwrap.dedent(
    """
    import os, signal, sys, threading, time, types
    from tilseq.workflow import warm
    def run(job, folder):
        (folder / "modules.txt").write_text(" ".join(sorted(sys.modules)))
        if job.unit == "bad":
            raise ValueError("no good")
        if job.unit == "dies":
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)
    sys.modules["tilseq.steps.fake"] = types.SimpleNamespace(run=run)
    if len(sys.argv) > 1:
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    warm.main(os.getppid())
    """
)
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **warm.NO_THREADS}


@pytest.fixture
def home(tmp_path):
    plan = Plan(JOBS, {job.folder: "print" for job in JOBS}, {}, seconds=30, gigabytes=8)
    plan.write(tmp_path / "plan.json")
    return tmp_path


@pytest.fixture
def served(home):
    server = subprocess.Popen([sys.executable, "-c", SERVER], cwd=home, env=ONE_THREAD)
    _wait_for(home / ask.DOOR)
    yield home
    server.kill()
    server.wait()


def _wait_for(path):
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def _ask(home, folder):
    return subprocess.run([sys.executable, "-IS", ask.__file__, folder], cwd=home, timeout=120, capture_output=True)


def _status(home, folder):
    return json.loads((home / "work" / folder / "status.json").read_text())


def test_a_job_starts_with_the_libraries_at_hand_and_without_polars(served):
    assert _ask(served, "fake/good").returncode == 0
    status = _status(served, "fake/good")
    assert (status["state"], status["fingerprint"]) == ("ok", "print")
    modules = (served / "work" / "fake" / "good" / "modules.txt").read_text().split()
    assert set(warm.LIBRARIES) <= set(modules)
    assert "polars" not in modules


def test_a_job_that_fails_or_loses_its_supervisor_stops_no_other(served):
    assert _ask(served, "fake/bad").returncode == 0
    assert "no good" in _status(served, "fake/bad")["error"]["what"]
    assert _ask(served, "fake/dies").returncode == 1  # lost, with no status
    assert not (served / "work" / "fake" / "dies" / "status.json").exists()
    assert _ask(served, "no/such").returncode == 1
    assert _ask(served, "fake/good").returncode == 0


def test_where_nobody_answers_a_job_has_an_interpreter_of_its_own(home):
    done = _ask(home, "fake/good")
    assert done.returncode == 0, done.stderr
    assert "No module named 'tilseq.steps.fake'" in _status(home, "fake/good")["error"]["what"]


def test_a_warm_process_ends_with_its_block_and_leaves_no_socket(home):
    with open(home / "log", "w") as log, warm.warm_process(home, log, ONE_THREAD):
        _wait_for(home / ask.DOOR)
        assert _ask(home, "fake/good").returncode == 0
        assert _status(home, "fake/good")["state"] == "failed"  # it knows no step "fake"
    assert not (home / ask.DOOR).exists()


def test_a_process_with_threads_is_not_copied_and_whoever_waits_for_it_goes_on_alone(home):
    server = subprocess.Popen([sys.executable, "-c", SERVER, "thread"], cwd=home, env=ONE_THREAD)
    _wait_for(home / ask.DOOR)
    assert _ask(home, "fake/good").returncode == 0  # asked while the process is still importing
    assert server.wait(timeout=60) == 0
    assert "No module named 'tilseq.steps.fake'" in _status(home, "fake/good")["error"]["what"]
    assert _ask(home, "fake/good").returncode == 0
    assert "No module named 'tilseq.steps.fake'" in _status(home, "fake/good")["error"]["what"]


def test_what_any_step_has_imported_beforehand_starts_no_thread():
    told = "from tilseq.workflow import warm; warm.warm_up({*warm.LIBRARIES_OF}); print(warm.threads())"
    done = subprocess.run([sys.executable, "-c", told], env=ONE_THREAD, capture_output=True, text=True)
    assert done.stdout == "1\n"
    assert set(STEPS) >= set(warm.LIBRARIES_OF)
