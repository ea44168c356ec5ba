import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from tilseq.steps.job import Job
from tilseq.workflow import ask, warm
from tilseq.workflow.plan import STEPS, Plan

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is a warm process on Linux alone")

JOBS = tuple(Job("fake", unit, f"fake/{unit}") for unit in ("good", "bad", "dies"))
# A server whose one step does as its unit says; a second argument makes it start a thread first, or copy nothing once.
SERVER = textwrap.dedent(
    """
    import os, signal, sys, threading, time, types
    from tilseq.workflow import warm
    def run(job, folder):
        (folder / "modules.txt").write_text(" ".join(sorted(sys.modules)))
        open_files = [os.readlink(file.path) for file in os.scandir("/proc/self/fd") if os.path.islink(file.path)]
        (folder / "sockets.txt").write_text(str(sum(file.startswith("socket:") for file in open_files)))
        if job.unit == "bad":
            raise ValueError("no good")
        if job.unit == "dies":
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)
    sys.modules["tilseq.steps.fake"] = types.SimpleNamespace(run=run)
    if sys.argv[1:] == ["thread"]:
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    if sys.argv[1:] == ["no processes"]:
        fork = os.fork
        def fail_once():
            os.fork = fork
            raise BlockingIOError(11, "Resource temporarily unavailable")
        os.fork = fail_once
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


def test_a_job_does_not_hold_the_door_at_which_others_ask(served):
    assert _ask(served, "fake/good").returncode == 0
    assert (served / "work" / "fake" / "good" / "sockets.txt").read_text() == "1"  # that of who asked for it


def test_where_no_more_processes_may_be_made_the_server_goes_on(home):
    server = subprocess.Popen([sys.executable, "-c", SERVER, "no processes"], cwd=home, env=ONE_THREAD)
    _wait_for(home / ask.DOOR)
    assert _ask(home, "fake/good").returncode == 0
    assert "No module named 'tilseq.steps.fake'" in _status(home, "fake/good")["error"]["what"]  # went on alone
    assert _ask(home, "fake/good").returncode == 0
    assert _status(home, "fake/good")["state"] == "ok"
    server.kill()
    server.wait()


def test_ctrl_c_of_the_terminal_does_not_reach_the_warm_process(home):
    before = psutil.Process().children()  # other tests leave some
    with open(home / "log", "w") as log, warm.warm_process(home, log, ONE_THREAD):
        _wait_for(home / ask.DOOR)
        (server,) = set(psutil.Process().children()) - set(before)
        assert os.getpgid(server.pid) != os.getpgid(0)


def test_jobs_use_the_tilseq_of_the_run_that_asks_for_them(home, tmp_path):
    """A run in a clone, while another tilseq is installed: jobs start in the run's folder, where the clone is not."""
    clone = tmp_path / "clone"
    shutil.copytree(Path(ask.__file__).parents[1], clone / "tilseq", ignore=shutil.ignore_patterns("__pycache__"))
    (clone / "tilseq" / "steps" / "fake.py").write_text("def run(job, folder): pass\n")
    run = textwrap.dedent(
        """
        import os, subprocess, sys
        from pathlib import Path
        from tilseq.workflow import ask, engine, warm
        home, environment = Path(sys.argv[1]), {**os.environ, "PYTHONPATH": engine.module_folders()}
        def ask_for(folder):
            command = [sys.executable, "-IS", ask.__file__, folder]
            subprocess.run(command, cwd=home, env=environment, check=True)
        with open(home / "log", "w") as log, warm.warm_process(home, log, environment):
            ask_for("fake/good")
        ask_for("fake/bad")
        """
    )
    alone = {name: value for name, value in ONE_THREAD.items() if name != "PYTHONPATH"}
    subprocess.run([sys.executable, "-c", run, str(home)], cwd=clone, env=alone, check=True, timeout=120)
    assert [_status(home, f"fake/{unit}")["state"] for unit in ("good", "bad")] == ["ok", "ok"]


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
