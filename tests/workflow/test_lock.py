import json
import os
import subprocess
import sys

import pytest

from tilseq.errors import RunError
from tilseq.workflow.lock import only_run

TRY = (
    "import sys, pathlib; from tilseq.workflow.lock import only_run\n"
    "from tilseq.errors import RunError\n"
    "try:\n"
    "    with only_run(pathlib.Path(sys.argv[1])): print('won', flush=True); sys.stdin.read()\n"
    "except RunError: print('refused')"
)


def die_with_the_lock(folder):
    """Leave the lock as a killed run does."""
    code = (
        "import sys, os, pathlib; from tilseq.workflow.lock import only_run\n"
        "with only_run(pathlib.Path(sys.argv[1])): os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=False)
    assert json.loads((folder / "lock.json").read_text())["process"]


def test_a_second_run_is_refused_with_the_name_of_the_first(tmp_path):
    with only_run(tmp_path):
        done = subprocess.run([sys.executable, "-c", TRY, str(tmp_path)], capture_output=True, text=True, check=False)
        assert done.stdout == "refused\n"
        with pytest.raises(RunError, match=f"process {os.getpid()}"), only_run(tmp_path):
            pass
    with only_run(tmp_path):
        pass


def test_the_lock_of_a_dead_run_on_this_machine_stands_in_nobodys_way(tmp_path):
    die_with_the_lock(tmp_path)
    with only_run(tmp_path):
        assert json.loads((tmp_path / "lock.json").read_text())["process"] == os.getpid()


def test_a_lock_of_another_machine_is_named_not_cleared(tmp_path):
    content = json.dumps({"host": "elsewhere", "process": 17})
    (tmp_path / "lock.json").write_text(content)
    with pytest.raises(RunError, match=r"lock\.json.*process 17 on elsewhere"), only_run(tmp_path):
        pass
    assert (tmp_path / "lock.json").read_text() == content


def test_a_lock_that_was_cut_short_is_nobodys(tmp_path):
    (tmp_path / "lock.json").write_text('{"host": "elsew')
    with only_run(tmp_path):
        assert json.loads((tmp_path / "lock.json").read_text())["process"] == os.getpid()


def test_where_nothing_can_be_written_the_lock_is_refused(tmp_path):
    # Every write fails, as on a full disk.
    code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
    refused = f"{code}{TRY}".replace("print('refused')", "raise")
    done = subprocess.run([sys.executable, "-c", refused, str(tmp_path)], capture_output=True, text=True, check=False)
    assert "RunError" in done.stderr.splitlines()[-1]
    assert "lock.json: cannot write" in done.stderr


@pytest.mark.parametrize("stale", [False, True])
def test_of_many_runs_at_once_one_wins(tmp_path, stale):
    if stale:
        die_with_the_lock(tmp_path)
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", TRY, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    said = [run.stdout.readline().strip() for run in runs]
    for run in runs:
        run.communicate("")
    assert sorted(said) == ["refused"] * 5 + ["won"]
