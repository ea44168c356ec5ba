"""Runs that are killed, harmed or changed: what exists is whole, and the same command ends as an unbroken run."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import polars as pl
import psutil

from tests.commands import tilseq

# Neither is that of the small run.
OTHER_CORES, OTHER_SEED = "1", {"PYTHONHASHSEED": "17"}


def start(study, out, cores=OTHER_CORES):
    """Start a run as a terminal does: in a group of processes of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "tilseq", "run", str(study), "-o", str(out), "--cores", cores],
        env={**os.environ, **OTHER_SEED},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(condition, seconds=300):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def statuses(out):
    return list((out / ".tilseq" / "work").glob("*/*/status.json"))


def results(out):
    """Every table and figure of a run, byte by byte."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for folder in ("tables", "figures")
        for path in sorted((out / folder).rglob("*"))
        if path.is_file()
    }


def stop_on_the_way(study, out, stop, **options):
    """Start a run, stop it when two more jobs are done; return its exit code and what it told. No child outlives it."""
    before = len(statuses(out))
    driver = start(study, out, **options)
    wait_for(lambda: len(statuses(out)) >= before + 2)
    children = psutil.Process(driver.pid).children(recursive=True)
    assert children
    stop(driver)
    _, told = driver.communicate(timeout=60)
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []
    assert not (out / "report.html").exists()
    return driver.returncode, told


def workers(driver):
    """Jobs at work: copies of the warm process that a supervisor, itself one, has made."""
    found = []
    for process in psutil.Process(driver.pid).children(recursive=True):
        try:
            line = process.cmdline()
            above = [parent.cmdline() for parent in process.parents()[:2]]
        except psutil.Error:
            continue
        if any("tilseq.workflow.warm" in word for word in line) and above == [line, line]:
            found.append(process)
    return found


def test_a_run_stopped_in_every_way_and_gone_on_with_ends_as_an_unbroken_one(small_run, tmp_path):
    """One folder, in which the driver is killed, ended, interrupted, and loses a worker, each time on the way.

    Most jobs are done one at a time and under another hash seed than the unbroken run's: neither changes a byte.
    """
    study, out = small_run.study, tmp_path / "out"
    stop_on_the_way(study, out, lambda driver: driver.send_signal(signal.SIGKILL), cores="2")
    done = {path: path.stat().st_mtime_ns for path in statuses(out)}

    assert stop_on_the_way(study, out, lambda driver: driver.send_signal(signal.SIGTERM))[0] == 130
    assert (out / ".tilseq" / "lock.json").read_text() == ""
    # A terminal sends its interruption to all of them.
    code, told = stop_on_the_way(study, out, lambda driver: os.killpg(driver.pid, signal.SIGINT))
    assert code == 130
    assert "Traceback" not in told

    # As a script starts it that goes on meanwhile: with Ctrl-C ignored, by all processes of the run.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    driver = start(study, out)
    signal.signal(signal.SIGINT, before)
    wait_for(lambda: workers(driver))
    os.killpg(driver.pid, signal.SIGINT)
    wait_for(lambda: workers(driver))
    workers(driver)[0].kill()
    driver.communicate(timeout=600)
    assert driver.returncode == 4
    failures = pl.read_csv(out / "tables" / "failures.csv")
    assert failures.height >= 1
    assert failures["error"].str.contains("lost (signal 9)", literal=True).sum() == 1
    assert not failures["error"].str.contains("before it could say why").any()
    assert (out / "report.html").exists()

    mended = tilseq("run", study, "-o", out, "--cores", OTHER_CORES, env={**os.environ, **OTHER_SEED})
    assert mended.returncode == 0, mended.stderr
    assert results(out) == results(small_run.out)
    done_again = [path for path, was in done.items() if path.stat().st_mtime_ns != was]
    assert len(done_again) <= 2, "more than one job a core was done again"


def test_a_run_in_a_folder_where_another_works_is_refused(small_run, tmp_path):
    out = tmp_path / "out"
    driver = start(small_run.study, out)
    try:
        wait_for((out / ".tilseq" / "plan.json").exists)
        second = tilseq("run", small_run.study, "-o", out)
        assert second.returncode == 3
        assert f"process {driver.pid}" in second.stderr
    finally:
        driver.kill()
        driver.communicate()


OF_SUBJECT = ("persistence", "persistence_kinetics", "tracking", "cell_labels", "overlap", "diversity")


def test_only_what_changed_is_done_again(small_run, tmp_path):
    study, out = tmp_path / "study", tmp_path / "out"
    shutil.copytree(small_run.study, study)
    shutil.copytree(small_run.out, out)
    untouched = tilseq("run", study, "-o", out, "--dry-run")
    assert untouched.returncode == 0
    assert "0 of" in untouched.stderr
    samples = pl.read_csv(study / "samples.csv", infer_schema=False)
    blood = samples.filter(assay="tcr", specimen="blood").row(0, named=True)
    path = study / blood["path"]
    before = path.stat()
    table = pl.read_csv(path, separator="\t", infer_schema=False)
    from tilseq.io.files import write_with

    write_with(path, lambda stream: table.slice(1).write_csv(stream, separator="\t"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # dates are not believed
    again = tilseq("run", study, "-o", out, "--dry-run")
    jobs = ["repertoire", blood["sample"]]
    jobs += [word for step in OF_SUBJECT for word in (step, blood["subject"])]
    jobs += ["template_counting", "all", "subjects"]
    assert sorted(again.stdout.split()) == sorted(jobs)
    settings = (study / "study.yaml").read_text()
    (study / "study.yaml").write_text(settings + "    thresholds: {CD3: 500}\n")  # below flow, its end
    again = tilseq("run", study, "-o", out, "--dry-run")
    assert again.stdout.count("flow\t") == samples.filter(assay="flow").height


def test_an_output_that_was_altered_is_made_again(small_run, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(small_run.out, out)
    harmed = next((out / ".tilseq" / "work" / "flow").glob("*/endpoints.parquet"))
    harmed.write_bytes(harmed.read_bytes()[:-1])
    done = tilseq("run", small_run.study, "-o", out)
    assert done.returncode == 0
    assert ", 0 failed\n" in done.stderr
    assert results(out) == results(small_run.out)


def test_neither_the_home_of_a_person_nor_their_snakemake_matters(small_run, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(small_run.out, out)
    next((out / ".tilseq" / "work" / "repertoire").glob("*/status.json")).unlink()
    away = {"HOME": "/dev/null/away", "XDG_CACHE_HOME": "/dev/null/away", "SNAKEMAKE_PROFILE": "of_other_work"}
    done = tilseq("run", small_run.study, "-o", out, env={**os.environ, **away})
    assert done.returncode == 0, done.stderr
    assert results(out) == results(small_run.out)


def test_a_folder_of_something_else_is_never_written_to(small_study, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    done = tilseq("run", small_study, "-o", tmp_path)
    assert done.returncode == 3
    assert "something else" in done.stderr
    assert sorted(os.listdir(tmp_path)) == ["thesis.txt"]
    assert tilseq("run", small_study, "-o", small_study).returncode == 3


def test_run_json_names_inputs_settings_and_versions(small_run):
    told = json.loads((small_run.out / "run.json").read_text())
    paths = [row["path"] for row in told["inputs"]]
    assert "study.yaml" in paths
    assert len([path for path in paths if path.startswith("raw/")]) >= 8
    assert all(len(row["sha256"]) == 64 for row in told["inputs"])
    assert told["settings"]["analysis"]["job_seconds"] == 600
    assert told["versions"]["polars"]
