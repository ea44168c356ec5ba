from pathlib import Path

import pytest

from tilseq.errors import RunError
from tilseq.workflow.plan import Plan
from tilseq.workflow.slurm import MARK, check_slurm, end_jobs, job_name, slurm_arguments

PLAN = Plan((), {}, {}, seconds=600, gigabytes=1.5)


@pytest.fixture
def no_commands(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))


def test_each_job_is_given_what_the_study_allows_it_and_five_minutes_to_start(monkeypatch):
    monkeypatch.delenv("SBATCH_ACCOUNT", raising=False)
    monkeypatch.setenv("SBATCH_PARTITION", "short")
    # The name is of the folder: `printf '"/home/me/out/.tilseq"' | sha256sum`.
    assert slurm_arguments(Path("/home/me/out/.tilseq"), PLAN, 7) == [
        "--jobs",
        "7",
        "--slurm-jobname-prefix",
        "tilseq-d37ae75641e79428",
        "--default-resources",
        "mem_mb=1536",
        "runtime=15",
        "slurm_partition=short",
    ]


def test_jobs_of_two_folders_have_names_of_their_own(tmp_path):
    assert job_name(tmp_path / "a") != job_name(tmp_path / "b")
    assert job_name(tmp_path / "a") == job_name(tmp_path / "b" / ".." / "a")


@pytest.mark.usefixtures("no_commands")
def test_a_machine_without_slurm_is_refused():
    with pytest.raises(RunError, match="no `sbatch` is found; start the run on a login node"):
        check_slurm(PLAN)


@pytest.mark.usefixtures("no_commands")
def test_slurm_is_asked_only_where_it_may_hold_jobs(tmp_path):
    end_jobs(tmp_path)
    (tmp_path / MARK).touch()
    with pytest.raises(RunError, match="squeue --me.*failed; found .*No such file"):
        end_jobs(tmp_path)
