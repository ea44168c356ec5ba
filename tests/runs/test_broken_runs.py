"""Runs that are killed, harmed or changed: what exists is whole, and the same command ends as an unbroken run."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import psutil
import pytest

from tests.runs.conftest import tilseq


def start(study, out):
    return subprocess.Popen(
        [sys.executable, "-m", "tilseq", "run", str(study), "-o", str(out), "--cores", "2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_for(condition, seconds=60):
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


def test_killing_the_driver_ends_its_children_and_the_same_command_goes_on(small_run, tmp_path):
    out = tmp_path / "out"
    driver = start(small_run.study, out)
    wait_for(lambda: len(statuses(out)) >= 2)
    children = psutil.Process(driver.pid).children(recursive=True)
    assert children
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []
    assert not (out / "report.html").exists()
    before = {path: path.stat().st_mtime_ns for path in statuses(out)}
    done = tilseq("run", small_run.study, "-o", out)
    assert done.returncode == 0, done.stderr
    assert results(out) == results(small_run.out)
    done_again = [path for path, was in before.items() if path.stat().st_mtime_ns != was]
    assert len(done_again) <= 2, "more than one job a core was done again"


def test_a_killed_worker_is_a_failure_and_the_same_command_mends_it(small_run, tmp_path):
    out = tmp_path / "out"
    driver = start(small_run.study, out)

    def workers():
        """Supervised children: their command line is their supervisor's, and so is their parent."""
        found = []
        for process in psutil.Process(driver.pid).children(recursive=True):
            try:
                parent = process.parent()
                if "step" in process.cmdline() and parent is not None and "step" in parent.cmdline():
                    found.append(process)
            except psutil.Error:
                continue
        return found

    wait_for(workers)
    workers()[0].kill()
    assert driver.wait(timeout=120) == 4
    failures = pl.read_csv(out / "tables" / "failures.csv")
    assert failures.height >= 1
    assert "lost (signal 9)" in failures["error"][0]
    assert (out / "report.html").exists()
    done = tilseq("run", small_run.study, "-o", out)
    assert done.returncode == 0, done.stderr
    assert results(out) == results(small_run.out)


def test_a_stopped_run_lets_go_of_its_lock_and_its_children(small_run, tmp_path):
    out = tmp_path / "out"
    driver = start(small_run.study, out)
    wait_for(lambda: statuses(out))
    children = psutil.Process(driver.pid).children(recursive=True)
    driver.send_signal(signal.SIGTERM)
    assert driver.wait(timeout=30) == 130
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []
    assert (out / ".tilseq" / "lock.json").read_text() == ""


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
        driver.wait()


def test_bad_samples_fail_alone_with_exit_4(small_run, tmp_path):
    study = tmp_path / "study"
    shutil.copytree(small_run.study, study)
    samples = pl.read_csv(study / "samples.csv", infer_schema=False)
    tube = samples.filter(assay="flow", specimen="blood")["sample", "path"].row(0)
    clones = samples.filter(assay="tcr", specimen="blood")["sample", "path"].row(1)
    whole = (study / tube[1]).read_bytes()
    (study / tube[1]).write_bytes(whole[: len(whole) // 2])
    table = pl.read_csv(study / clones[1], separator="\t", infer_schema=False)
    (study / clones[1]).unlink()
    named = Path(clones[1]).with_suffix("").with_suffix(".tsv")
    table.drop("duplicate_count").write_csv(study / named, separator="\t")
    samples.with_columns(path=pl.col("path").replace(clones[1], str(named))).write_csv(study / "samples.csv")

    done = tilseq("run", study, "-o", tmp_path / "out")
    assert done.returncode == 4, done.stderr
    assert " 2 not finished." in done.stderr
    failures = pl.read_parquet(tmp_path / "out" / "tables" / "failures.parquet")
    assert sorted(failures["sample"]) == sorted([tube[0], clones[0]])
    told = dict(failures.select("sample", "error").iter_rows())
    assert tube[1].split("/")[-1] in told[tube[0]]
    assert "count" in told[clones[0]]
    assert failures["retry"][0] == f"tilseq run {study} -o {tmp_path / 'out'}"
    page = (tmp_path / "out" / "report.html").read_text()
    assert f"tilseq run {study} -o {tmp_path / 'out'}" in page
    assert tube[1].split("/")[-1] in page

    def of_sample(out):
        endpoints = pl.read_parquet(out / "tables" / "endpoints.parquet")
        return endpoints.filter(
            pl.col("scope") == "sample", ~pl.col("sample").is_in([tube[0], clones[0]]) | pl.col("sample").is_null()
        )

    # Without the lost tube nobody may lend to one that borrowed before: its numbers are of the cohort in one run only.
    broken, whole_run = of_sample(tmp_path / "out"), of_sample(small_run.out)
    both = broken.join(whole_run, on="sample", how="semi", nulls_equal=True)
    assert both.equals(whole_run.join(broken, on="sample", how="semi", nulls_equal=True))
    assert both.height > 50


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
    assert sorted(again.stdout.split()) == sorted(jobs)
    settings = (study / "study.yaml").read_text()
    (study / "study.yaml").write_text(settings + "analysis: {flow: {thresholds: {CD3: 500}}}\n")
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


@pytest.mark.parametrize("cores", ["1", "2"])
def test_cores_and_hash_seed_change_no_byte(small_run, tmp_path, cores):
    environment = {**os.environ, "PYTHONHASHSEED": f"{cores}7"}
    done = tilseq("run", small_run.study, "-o", tmp_path / "out", "--cores", cores, env=environment)
    assert done.returncode == 0, done.stderr
    assert results(tmp_path / "out") == results(small_run.out)


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
