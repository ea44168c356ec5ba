import ast
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import tilseq
from tilseq.errors import RunError
from tilseq.io.digest import sha256_of_file
from tilseq.steps.job import Job
from tilseq.study import read_study
from tilseq.workflow.plan import LIBRARIES, Plan, make_plan, pending

TUBE = Job("flow", "a", "flow/a")
CLONES = Job("repertoire", "b", "repertoire/b")
SUBJECT = Job("persistence", "s", "persistence/s", needs=("repertoire/b",))
PLAN = Plan(
    (TUBE, CLONES, SUBJECT), {"flow/a": "1", "repertoire/b": "2", "persistence/s": "3"}, {}, seconds=60, gigabytes=4
)


@pytest.fixture
def work(tmp_path):
    """A work folder in which every job has ended well."""
    for job in PLAN.jobs:
        folder = tmp_path / job.folder
        folder.mkdir(parents=True)
        (folder / "out.txt").write_text(job.unit)
        status = {
            "state": "ok",
            "fingerprint": PLAN.fingerprints[job.folder],
            "outputs": {"out.txt": sha256_of_file(folder / "out.txt")},
        }
        (folder / "status.json").write_text(json.dumps(status))
    return tmp_path


def _folders(jobs):
    return [job.folder for job in jobs]


def test_jobs_that_ended_well_are_trusted(work):
    assert pending(PLAN, work) == []


def test_another_fingerprint_makes_the_job_and_those_that_need_it_run_again(work):
    changed = replace(PLAN, fingerprints={**PLAN.fingerprints, "repertoire/b": "other"})
    assert _folders(pending(changed, work)) == ["repertoire/b", "persistence/s"]
    assert not (work / "persistence" / "s").exists()
    assert (work / "flow" / "a" / "status.json").exists()


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder: (folder / "out.txt").write_text("altered"),
        lambda folder: (folder / "out.txt").unlink(),
        lambda folder: (folder / "status.json").unlink(),
        lambda folder: (folder / "status.json").write_text('{"state": "ok", "finger'),
        lambda folder: (folder / "status.json").write_text('{"state": "failed", "fingerprint": "1"}'),
    ],
    ids=["altered", "output gone", "status gone", "status cut", "failed"],
)
def test_what_is_not_whole_is_run_again(work, harm):
    harm(work / "flow" / "a")
    assert _folders(pending(PLAN, work)) == ["flow/a"]


def test_a_look_at_what_would_be_run_removes_nothing(work):
    (work / "flow" / "a" / "out.txt").write_text("altered")
    assert _folders(pending(PLAN, work, remove=False)) == ["flow/a"]
    assert (work / "flow" / "a" / "status.json").exists()


def test_a_plan_is_the_same_when_it_is_read_again(tmp_path):
    PLAN.write(tmp_path / "plan.json")
    assert Plan.read(tmp_path / "plan.json") == PLAN


def test_names_in_a_plan_are_the_same_in_every_locale(tmp_path):
    replace(PLAN, jobs=(Job("flow", "Jürgen", "flow/a"),)).write(tmp_path / "plan.json")
    read = "import sys, pathlib; from tilseq.workflow.plan import *; print(ascii(Plan.read(pathlib.Path(sys.argv[1]))))"
    other = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-c", read, str(tmp_path / "plan.json")]
    done = subprocess.run(command, env={**os.environ, **other}, capture_output=True, text=True, check=False)
    assert r"unit='J\xfcrgen'" in done.stdout, done.stderr


# They read or draw what others count: nothing of theirs is in a number.
WITHOUT_NUMBERS = {"cycler", "great_tables", "lxml", "networkx", "pydantic", "yaml"}


def test_a_job_is_done_again_when_a_library_whose_numbers_it_passes_on_changes():
    package = Path(tilseq.__file__).parent
    used = set()
    for path in package.rglob("*.py"):
        if path.relative_to(package).parts[0] in ("cli", "report", "simulate", "workflow"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                used |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                used.add(str(node.module).partition(".")[0])
    others = used - sys.stdlib_module_names - {"tilseq"} - WITHOUT_NUMBERS
    assert {name.replace("PIL", "pillow") for name in others} == set(LIBRARIES)


@pytest.mark.parametrize("content", [None, "", "{}", "[1]"])
def test_a_plan_that_cannot_be_read_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "plan.json").write_text(content)
    with pytest.raises(RunError, match="tilseq run"):
        Plan.read(tmp_path / "plan.json")


def test_every_table_of_the_study_is_an_input(tmp_path):
    tables = {
        "study.yaml": "study: s\n",
        "subjects.csv": "subject,tumor_type\n",
        "infusions.csv": "subject,infusion,day\n",
        "samples.csv": "sample,subject,visit,specimen,assay\n",
        "clinical/labs.csv": "subject,day,test\n",
        "plates/p1.csv": "plate,well,path,role\n",
    }
    for name, text in tables.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "clinical" / ".#labs.csv").symlink_to("somebody@here.7")  # of Emacs, while the table is open
    assert {str(Path(path).relative_to(tmp_path)) for path in make_plan(read_study(tmp_path)).inputs} == set(tables)
