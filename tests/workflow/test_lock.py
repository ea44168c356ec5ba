import json
import os
import socket
import subprocess
import sys

import pytest

from tilseq.errors import RunError
from tilseq.workflow.lock import only_run


def test_a_second_run_is_refused_with_the_name_of_the_first(tmp_path):
    with only_run(tmp_path):
        with pytest.raises(RunError, match=f"process {os.getpid()}"), only_run(tmp_path):
            pass
        assert (tmp_path / "lock.json").exists()
    assert os.listdir(tmp_path) == []


def test_the_lock_of_a_dead_run_on_this_machine_is_cleared(tmp_path):
    code = (
        "import sys, os, pathlib; from tilseq.workflow.lock import only_run\n"
        "with only_run(pathlib.Path(sys.argv[1])): os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert (tmp_path / "lock.json").exists()
    with only_run(tmp_path) as cleared:
        assert cleared


def test_a_process_number_used_again_does_not_keep_a_lock(tmp_path):
    with only_run(tmp_path):
        owner = json.loads((tmp_path / "lock.json").read_text())
    (tmp_path / "lock.json").write_text(json.dumps({**owner, "started": owner["started"] - 1000}))
    with only_run(tmp_path) as cleared:
        assert cleared


@pytest.mark.parametrize("content", [{"host": "elsewhere", "process": 1, "started": 0.0, "boot": "b"}, None])
def test_a_lock_that_cannot_be_judged_is_named_not_cleared(tmp_path, content):
    (tmp_path / "lock.json").write_text("" if content is None else json.dumps(content))
    with pytest.raises(RunError, match=r"lock\.json"), only_run(tmp_path):
        pass
    assert socket.gethostname() != "elsewhere"


def test_of_many_runs_at_once_one_wins(tmp_path):
    code = (
        "import sys, time, pathlib; from tilseq.workflow.lock import only_run\n"
        "from tilseq.errors import RunError\n"
        "try:\n"
        "    with only_run(pathlib.Path(sys.argv[1])): print('won', flush=True); sys.stdin.read()\n"
        "except RunError: print('refused')"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    said = [run.stdout.readline().strip() for run in runs]
    for run in runs:
        run.communicate("")
    assert sorted(said) == ["refused"] * 5 + ["won"]
