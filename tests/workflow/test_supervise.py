import json
import os
import select
import signal
import subprocess
import sys
import textwrap
import time
from types import SimpleNamespace

import pytest

from tilseq.errors import ReadError
from tilseq.steps.job import Job
from tilseq.workflow.supervise import read_status, supervise


@pytest.fixture
def behave(monkeypatch, tmp_path):
    """Run one job whose step does what a function says, and return its status."""

    def run(action, seconds=30, gigabytes=8, **job):
        monkeypatch.setitem(sys.modules, "tilseq.steps.fake", SimpleNamespace(run=action))
        planned = Job("fake", "unit", "fake/unit", **job)
        supervise(planned, "print", tmp_path, seconds=seconds, gigabytes=gigabytes)
        return read_status(tmp_path / "fake" / "unit")

    return run


def test_a_job_that_ends_well_names_its_outputs_with_their_digests(behave):
    status = behave(lambda job, folder: (folder / "a.txt").write_text("abc"))
    assert status["state"] == "ok"
    assert status["fingerprint"] == "print"
    # SHA-256 of "abc", FIPS 180-2 appendix B.1
    assert status["outputs"] == {"a.txt": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}


def test_a_refusal_is_kept_with_all_its_parts_and_no_output_stays(behave, tmp_path):
    def refuse(job, folder):
        (folder / "half.parquet").write_text("half")
        raise ReadError("the file is cut", file="a.fcs", byte=12, found=3, expected="10 bytes")

    status = behave(refuse)
    assert status["state"] == "failed"
    assert status["error"]["what"] == "the file is cut"
    assert status["error"]["byte"] == 12
    assert sorted(os.listdir(tmp_path / "fake" / "unit")) == ["log.txt", "status.json"]


def test_a_fault_of_our_own_is_a_failure_with_its_traceback_in_the_log(behave, tmp_path):
    status = behave(lambda job, folder: 1 / 0)
    assert status["error"]["what"] == "internal fault: ZeroDivisionError: division by zero"
    assert "Traceback" in (tmp_path / "fake" / "unit" / "log.txt").read_text()


def test_what_a_job_says_is_in_its_log(behave, tmp_path):
    def say(job, folder):
        print("to stdout, ü")
        print("to stderr", file=sys.stderr)
        subprocess.run(["echo", "from a child"], check=True)

    behave(say)
    log = (tmp_path / "fake" / "unit" / "log.txt").read_text("utf-8")
    assert log.splitlines() == ["to stdout, ü", "to stderr", "from a child"]


def test_a_panic_that_is_no_exception_is_caught(behave):
    class Panic(BaseException):
        pass

    def panic(job, folder):
        raise Panic("in Rust")

    assert "Panic: in Rust" in behave(panic)["error"]["what"]


def test_a_hanging_job_is_killed_at_its_limit(behave):
    def hang(job, folder):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen(["sleep", "60"])
        time.sleep(60)

    begun = time.monotonic()
    assert "more than 0.5 s" in behave(hang, seconds=0.5)["error"]["what"]
    assert time.monotonic() - begun < 5


def test_the_end_of_a_long_job_is_seen_as_soon_as_that_of_a_short_one(behave, monkeypatch):
    waits, sleep = [], time.sleep
    monkeypatch.setattr("tilseq.workflow.supervise.time.sleep", lambda seconds: (waits.append(seconds), sleep(seconds)))
    behave(lambda job, folder: select.select([], [], [], 0.5))
    assert len(waits) > 5
    assert max(waits) <= 0.02


def test_a_greedy_job_is_killed_at_its_limit(behave):
    def eat(job, folder):
        block = bytearray(400 * 1024**2)
        time.sleep(30)
        return block

    assert "more than 0.3 GB" in behave(eat, gigabytes=0.3)["error"]["what"]


def test_a_job_that_is_killed_is_told_as_lost(behave):
    def die(job, folder):
        os.kill(os.getpid(), signal.SIGKILL)

    assert "signal 9" in behave(die)["error"]["what"]


def test_an_input_that_changed_during_the_run_is_a_failure(behave, tmp_path):
    path = tmp_path / "input.csv"
    path.write_text("after")
    status = behave(lambda job, folder: None, paths=(str(path),), digests={str(path): "0" * 64})
    assert "changed while the run" in status["error"]["what"]
    assert status["error"]["file"] == str(path)


def test_a_damaged_status_is_no_status(tmp_path):
    (tmp_path / "status.json").write_text('{"state": "o')
    assert read_status(tmp_path) is None


def test_the_job_dies_with_its_supervisor(tmp_path):
    script = textwrap.dedent(
        """
        import sys, time, pathlib, types, os
        from tilseq.steps.job import Job
        from tilseq.workflow.supervise import supervise
        def work(job, folder):
            pathlib.Path(sys.argv[1], "pid").write_text(str(os.getpid()))
            time.sleep(60)
        sys.modules["tilseq.steps.fake"] = types.SimpleNamespace(run=work)
        supervise(Job("fake", "u", "fake/u"), "", pathlib.Path(sys.argv[1]), seconds=60, gigabytes=8)
        """
    )
    supervisor = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)])
    pid = tmp_path / "pid"
    deadline = time.monotonic() + 20
    while not (pid.exists() and pid.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    worker = int(pid.read_text())
    supervisor.kill()
    supervisor.wait()
    deadline = time.monotonic() + 5
    while _alive(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(worker)


def _alive(process):
    try:
        with open(f"/proc/{process}/stat") as stat:
            return stat.read().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_a_job_is_the_same_after_json(tmp_path):
    job = Job("flow", "a", "flow/a", paths=("x",), needs=("y/z",), arguments={"k": [1]}, sample={"sample": "a"})
    assert Job.from_dict(json.loads(json.dumps(job.as_dict()))) == job
