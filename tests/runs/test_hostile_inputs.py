"""What a study can be given that is hostile or faulty, through the command line as a person meets it."""

import json
import os
import resource
import shutil
import subprocess
import sys
import time

import polars as pl
import pytest

from tests.commands import tilseq
from tests.runs.conftest import write_csv

HOSTILE_NAMES = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "=cmd|' /C calc'!A0",
    "@sum",
    "CON",
    "a/b",
    "..",
    "x" * 300,
    "🧬",
    "007",
    "1E5",
    "NA",
    "None",
    "TRUE",
    "2024-03-01",
)


@pytest.fixture
def study(tmp_path, small_study):
    """A copy of the small study that a test may harm."""
    shutil.copytree(small_study, tmp_path / "study")
    return tmp_path / "study"


@pytest.fixture
def out_of_few_jobs(tmp_path, small_run):
    """A copy of the small run in which the cuts of a panel and the tubes that rest on them are to do."""
    out = shutil.copytree(small_run.out, tmp_path / "out")
    (cuts,) = (out / ".tilseq" / "work").glob("flow_cuts/panel-t_state-*")
    shutil.rmtree(cuts)
    return out


def samples(study):
    return pl.read_csv(study / "samples.csv", infer_schema=False)


# A sample or a file twice, a missing file, a path that leaves the study


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda frame: pl.concat([frame, frame[:1]]), "stands in row 2 already"),
        (lambda frame: frame.with_columns(path=pl.lit("raw/none.fcs")), "there is no such file"),
        (lambda frame: frame.with_columns(path=pl.lit("../secret.fcs")), "may not climb"),
        (lambda frame: frame.with_columns(path=pl.lit("/etc/passwd")), "/etc/passwd"),
        (lambda frame: frame.with_columns(path=pl.col("path").first()), "path"),
    ],
    ids=["sample twice", "missing", "climbs", "absolute", "file twice"],
)
def test_a_file_or_sample_that_cannot_be_is_refused_before_any_work(study, tmp_path, harm, told):
    harm(samples(study)).write_csv(study / "samples.csv")
    done = tilseq("run", study, "-o", tmp_path / "out")
    assert done.returncode == 3
    assert "samples.csv, row" in done.stderr
    assert told in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_link_that_leaves_the_study_is_refused(study, tmp_path):
    path = study / samples(study).filter(assay="flow", specimen="blood")["path"][0]
    path.rename(tmp_path / "outside.fcs")
    path.symlink_to(tmp_path / "outside.fcs")
    done = tilseq("check", study)
    assert done.returncode == 3
    assert "leaves the study" in done.stdout + done.stderr


def test_the_same_bytes_under_two_names_are_refused(study):
    frame = samples(study).filter(assay="flow")
    first, second = (study / path for path in frame["path"][:2])
    second.write_bytes(first.read_bytes())
    done = tilseq("check", study)
    assert done.returncode == 3
    assert "samples.csv" in done.stdout + done.stderr


# Identifiers that spreadsheets and programs break


def test_identifiers_stay_text_and_hostile_names_stand_as_text(study, tmp_path):
    flow = samples(study).filter(assay="flow", specimen="blood").row(0, named=True)
    rows, subjects, infusions = [], [], []
    for i, name in enumerate(HOSTILE_NAMES):
        path = study / "raw" / f"copy{i}.fcs"
        path.write_bytes((study / flow["path"]).read_bytes() + bytes(i))  # bytes behind the data make each its own
        rows.append({**flow, "sample": name, "subject": name, "path": f"raw/copy{i}.fcs", "specimen_id": ""})
        subjects.append({"subject": name, "tumor_type": "melanoma"})
        infusions.append({"subject": name, "infusion": 1, "day": 0})
    shutil.rmtree(study / "clinical")
    write_csv(study / "samples.csv", rows)
    write_csv(study / "subjects.csv", subjects)
    write_csv(study / "infusions.csv", infusions)
    done = tilseq("run", study, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    table = pl.read_parquet(tmp_path / "out" / "tables" / "endpoints.parquet")
    assert set(table["subject"]) == set(HOSTILE_NAMES)
    twin = (tmp_path / "out" / "tables" / "endpoints.csv").read_text()
    assert "\n'=cmd" in twin and "\n=cmd" not in twin
    assert "\n'@sum" in twin
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<script" not in page and "<img src=x" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    files = [path.name for path in (tmp_path / "out" / "figures" / "flow").glob("*.svg")]
    assert len({name.casefold() for name in files}) == len(HOSTILE_NAMES)
    assert all(len(name) < 120 and name.isascii() for name in files)


@pytest.mark.parametrize("name", ["S1 ", " S1", "S\u200b1"])
def test_identifiers_that_look_alike_are_named(study, name):
    frame = pl.read_csv(study / "subjects.csv", infer_schema=False)
    twin = frame.with_columns(subject=pl.lit(name))
    pl.concat([frame, twin]).write_csv(study / "subjects.csv")
    done = tilseq("check", study)
    assert done.returncode == 3
    assert "subjects.csv, row 3, column subject" in done.stdout + done.stderr


def test_yaml_that_builds_objects_is_refused(study, tmp_path):
    (study / "study.yaml").write_text(f"study: !!python/object/apply:os.system ['touch {tmp_path}/evil']\n")
    done = tilseq("check", study)
    assert done.returncode == 3
    assert "study.yaml" in done.stdout + done.stderr
    assert not (tmp_path / "evil").exists()


# Disks and files that change


def test_a_disk_that_is_full_ends_in_a_sentence_and_nothing_half_written(study, out_of_few_jobs):
    """A limit on the size of files stands for a full disk: writing fails half way."""
    small = 20_000
    done = tilseq(
        "run",
        study,
        "-o",
        out_of_few_jobs,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (small, small)),
    )
    assert done.returncode in (3, 4)
    assert "Traceback" not in done.stderr
    assert not list(out_of_few_jobs.rglob("*.part"))
    for path in out_of_few_jobs.rglob("*.parquet"):
        pl.read_parquet(path)  # whole
    mended = tilseq("run", study, "-o", out_of_few_jobs)
    assert mended.returncode == 0, mended.stderr


def test_an_output_that_cannot_be_a_folder_is_told(study, tmp_path):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        done = tilseq("run", study, "-o", out)
        assert done.returncode == 3
        assert "file" in done.stderr and "Traceback" not in done.stderr


def test_an_input_that_changes_during_the_run_is_told(study, out_of_few_jobs):
    """A tube is written anew as soon as the plan, with its digests, stands."""
    out = out_of_few_jobs
    (out / ".tilseq" / "plan.json").unlink()
    driver = subprocess.Popen(
        [sys.executable, "-m", "tilseq", "run", str(study), "-o", str(out)], stderr=subprocess.PIPE, text=True
    )
    while not (out / ".tilseq" / "plan.json").exists():
        assert driver.poll() is None
        time.sleep(0.01)
    tube = samples(study).filter(panel="t_state", specimen="blood").row(0, named=True)
    path = study / tube["path"]
    path.write_bytes(path.read_bytes() + b"\0")
    _, told = driver.communicate(timeout=600)
    assert driver.returncode == 4, told
    failures = pl.read_parquet(out / "tables" / "failures.parquet")
    # The usual cuts, which rest on this tube among others, are not made of it either.
    assert set(failures["unit"]) == {tube["sample"], "panel t_state, instrument simulated"}
    assert all("changed while the run" in error for error in failures["error"])


def test_a_named_pipe_is_refused_instead_of_waited_for(study, tmp_path):
    path = next((study / "raw" / "flow").glob("*.fcs"))
    path.unlink()
    os.mkfifo(path)
    done = tilseq("run", study, "-o", tmp_path / "out")
    assert done.returncode == 3
    assert path.name in done.stderr


def test_check_prints_json_that_a_program_can_read(study):
    frame = samples(study)
    frame.with_columns(specimen=pl.lit("blod")).write_csv(study / "samples.csv")
    done = tilseq("check", study, "--json")
    assert done.returncode == 3
    told = json.loads(done.stdout)
    assert {problem["column"] for problem in told["problems"]} == {"specimen"}
    assert told["problems"][0]["mend"] == "did you mean 'blood'?"
