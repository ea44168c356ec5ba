from pathlib import Path

import pytest

from tilseq.errors import RunError
from tilseq.workflow.plan import Plan
from tilseq.workflow.slurm import MARK, check_slurm, end_jobs, job_name, slurm_arguments, watch

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


def test_a_run_does_not_wait_for_jobs_that_slurm_no_longer_holds(monkeypatch, tmp_path):
    """Asked once a minute; a quarter of an hour counts from the last job, and no answer is no absence."""
    clock, asked = [0.0], []
    answers = {60: ["7"], 120: RunError("no answer")}

    def held(name):
        asked.append(clock[0])
        answer = answers.get(clock[0], [])
        if isinstance(answer, RunError):
            raise answer
        return answer

    monkeypatch.setattr("tilseq.workflow.slurm._held", held)
    monkeypatch.setattr("tilseq.workflow.slurm.time.monotonic", lambda: clock[0])
    look = watch(tmp_path)
    for clock[0] in range(0, 1021, 30):
        look()
    assert asked == list(range(60, 1021, 60))
    clock[0] = 1080
    with pytest.raises(RunError, match="engine.log: Snakemake waits, and Slurm holds no job of this run; run again"):
        look()
