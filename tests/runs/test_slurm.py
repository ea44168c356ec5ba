"""Runs whose jobs Slurm has run: the same tables, byte by byte, and no job that outlives its run."""

import os
import shutil
import signal
import subprocess
import sys

import polars as pl
import pytest

from tests.commands import tilseq
from tests.runs.slurm_cluster import cluster, slurm, wait_until

pytestmark = pytest.mark.slurm
HEADER = "junction\tjunction_aa\tv_call\tj_call\tlocus\tproductive\tduplicate_count\n"
SAMPLES = """sample,subject,visit,specimen,assay,path,cells
product1,S1,D0,infusion_product,tcr,raw/product1.tsv,1000
blood1,S1,D7,blood,tcr,raw/blood1.tsv,1000
broken2,S2,D7,blood,tcr,raw/broken2.tsv,1000
"""


@pytest.fixture(scope="module", autouse=True)
def slurm_cluster(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("slurm")):
        yield


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Two tables of three clones, and one that is none."""
    root = tmp_path_factory.mktemp("study")
    (root / "raw").mkdir()
    for name, counts in (("product1", (50, 30, 20)), ("blood1", (5, 60, 35))):
        clones = zip(("TGTGCCTTC", "TGTGCATTC", "TGTGCGTTC"), counts, strict=True)
        rows = (f"{junction}\tCAF\tTRBV6-1*01\tTRBJ1-1*01\tTRB\tT\t{count}\n" for junction, count in clones)
        (root / "raw" / f"{name}.tsv").write_text(HEADER + "".join(rows))
    (root / "raw" / "broken2.tsv").write_text("no\tclonotypes\n")
    (root / "samples.csv").write_text(SAMPLES)
    (root / "subjects.csv").write_text("subject,tumor_type\nS1,melanoma\nS2,melanoma\n")
    (root / "infusions.csv").write_text("subject,infusion,day\nS1,1,0\nS2,1,0\n")
    (root / "study.yaml").write_text(
        "study: cluster\nvisits: {D0: {day: 0}, D7: {day: 7}}\nanalysis: {job_gigabytes: 2}\n"
    )
    return root


@pytest.fixture(scope="module")
def local_run(study, tmp_path_factory):
    out = tmp_path_factory.mktemp("local") / "out"
    assert tilseq("run", study, "-o", out).returncode == 4
    return out


def start(study, out):
    return subprocess.Popen(
        [sys.executable, "-m", "tilseq", "run", str(study), "-o", str(out), "--profile", "slurm"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def held():
    """Numbers of the jobs that Slurm holds."""
    return slurm("squeue", "--noheader", "--format=%i").split()


def results(out):
    """Every table and figure of a run but the table of failures, whose commands are not the same."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for folder in ("tables", "figures")
        for path in sorted((out / folder).rglob("*"))
        if path.is_file() and path.stem != "failures"
    }


def test_a_run_that_is_killed_and_gone_on_with_ends_as_one_on_this_machine(study, local_run, tmp_path):
    out = tmp_path / "out"
    driver = start(study, out)
    wait_until(held)
    driver.kill()
    driver.communicate()
    left = held()
    assert left  # nobody could end them

    driver = start(study, out)
    wait_until(lambda: not set(left) & set(held()))  # its first deed
    wait_until(held)
    driver.send_signal(signal.SIGTERM)
    driver.communicate(timeout=60)
    assert driver.returncode == 130
    assert held() == []

    done = tilseq("run", study, "-o", out, "--profile", "slurm")
    assert done.returncode == 4, done.stderr
    assert results(out) == results(local_run)
    failures = pl.read_csv(out / "tables" / "failures.csv")
    assert failures["unit"].to_list() == pl.read_csv(local_run / "tables" / "failures.csv")["unit"].to_list()
    assert failures["retry"].unique().to_list() == [f"tilseq run {study} -o {out} --profile slurm"]
    assert held() == []


def test_a_job_that_slurm_ends_is_a_failure_and_done_by_the_next_run_on_this_machine(study, local_run, tmp_path):
    out = tmp_path / "out"
    driver = start(study, out)
    wait_until(lambda: len(held()) >= 2)
    slurm("scancel", held()[0])
    _, told = driver.communicate(timeout=300)
    assert driver.returncode == 4, told
    assert pl.read_csv(out / "tables" / "failures.csv")["error"].str.contains("lost before it could say why").any()

    assert tilseq("run", study, "-o", out).returncode == 4
    assert results(out) == results(local_run)


@pytest.mark.parametrize(
    ("settings", "environment", "told"),
    [
        ("job_gigabytes: 2", {"SBATCH_PARTITION": "nowhere"}, "Invalid partition name"),
        ("job_gigabytes: 4000", {}, "Requested node configuration is not available"),
    ],
    ids=["partition", "memory"],
)
def test_what_slurm_would_not_take_is_refused_before_any_job(study, tmp_path, settings, environment, told):
    root = tmp_path / "study"
    shutil.copytree(study, root)
    (root / "study.yaml").write_text((root / "study.yaml").read_text().replace("job_gigabytes: 2", settings))
    arguments = ("run", root, "-o", tmp_path / "out", "--profile", "slurm")
    done = tilseq(*arguments, env={**os.environ, **environment})
    assert done.returncode == 3
    assert told in done.stderr
    assert held() == []
