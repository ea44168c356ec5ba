"""Files that are not what they should be, all in one run: each fails alone, with a sentence, and the others do not."""

import gzip
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from tests.archives import tarred, zipped
from tests.commands import tilseq

# Sample that is added → what its file holds, and what of the error is expected beside the file's name.
CLONOTYPES = {
    "zip": (zipped, "zip"),
    "tar": (tarred, "tar archive"),
    "bomb": (lambda: gzip.compress(bytes(2_000_000_000 // 8), 9), "unpacks to more than it may"),
    "twice": (lambda: gzip.compress(gzip.compress(b"junction\n")), "gzip"),
    "cut": (lambda: gzip.compress(b"junction\tduplicate_count\n" * 1000)[:-9], "cut or damaged"),
    "pointer": (lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "LFS"),
    "page": (lambda: b"<!DOCTYPE html><html></html>", "HTML"),
    "pickle": (lambda: b"\x80\x04\x95 pickle", "pickle, which is never read"),
}
TUBES = {
    "cut": lambda: b"FCS3.1    ",
    "empty": lambda: b"",
    "zip": lambda: zipped() + b"of a tube",  # the same bytes under two names are refused
    "page": lambda: b"<!DOCTYPE html>",
}
SECONDS = 60


def add_bad_samples(study):
    """Give the study a sample of each bad file, beside its first sample of blood of that assay."""
    samples = pl.read_csv(study / "samples.csv", infer_schema=False)
    added = []

    def add(assay, name, ending, content):
        sample, path = f"{assay}_{name}", f"raw/{assay}/{name}{ending}"
        (study / path).write_bytes(content)
        like = samples.filter(assay=assay, specimen="blood").row(0, named=True)
        added.append({**like, "sample": sample, "specimen_id": sample, "path": path})

    for name, (content, _) in CLONOTYPES.items():
        add("tcr", name, ".tsv.gz", content())
    for name, content in TUBES.items():
        add("flow", name, ".fcs", content())
    pl.concat([samples, pl.DataFrame(added, schema=samples.schema)]).write_csv(study / "samples.csv")


def harm_samples(study):
    """Cut a tube of the study in half and take the counts from a clonotype table; return the samples and the files."""
    samples = pl.read_csv(study / "samples.csv", infer_schema=False)
    tube, tube_path = samples.filter(assay="flow", specimen="blood")["sample", "path"].row(0)
    clones, clones_path = samples.filter(assay="tcr", specimen="blood")["sample", "path"].row(1)
    whole = (study / tube_path).read_bytes()
    (study / tube_path).write_bytes(whole[: len(whole) // 2])
    table = pl.read_csv(study / clones_path, separator="\t", infer_schema=False)
    (study / clones_path).unlink()
    named = clones_path.removesuffix(".gz")
    table.drop("duplicate_count").write_csv(study / named, separator="\t")
    samples.with_columns(path=pl.col("path").replace(clones_path, named)).write_csv(study / "samples.csv")
    return [[tube, Path(tube_path).name], [clones, "count"]]


@pytest.fixture(scope="module")
def bad_run(made_once, small_study):
    """The run of the small study with bad files beside its own, of which two are harmed."""

    def run(folder):
        study = shutil.copytree(small_study, folder / "study")
        harmed = harm_samples(study)
        add_bad_samples(study)
        done = tilseq("run", study, "-o", folder / "out")
        (folder / "told.json").write_text(json.dumps([done.returncode, done.stderr, harmed]))

    folder = made_once("bad_run", run)
    code, told, harmed = json.loads((folder / "told.json").read_text())
    bad = [*(f"tcr_{name}" for name in CLONOTYPES), *(f"flow_{name}" for name in TUBES), *(name for name, _ in harmed)]
    return SimpleNamespace(
        folder=folder, study=folder / "study", out=folder / "out", code=code, told=told, harmed=harmed, bad=bad
    )


def error_of(run, sample):
    """Return what is told of a sample that failed, which took no long time."""
    failures = pl.read_parquet(run.out / "tables" / "failures.parquet").filter(unit=sample)
    assert failures["sample"].to_list() == [sample]
    statuses = [json.loads(path.read_text()) for path in (run.out / ".tilseq" / "work").glob("*/*/status.json")]
    (seconds,) = (status["seconds"] for status in statuses if status["unit"] == sample)
    assert seconds < SECONDS
    return failures["error"][0]


@pytest.mark.parametrize("name", CLONOTYPES)
def test_what_is_no_clonotype_table_is_told(bad_run, name):
    error = error_of(bad_run, f"tcr_{name}")
    assert f"{name}.tsv.gz" in error
    assert CLONOTYPES[name][1].casefold() in error.replace(f"{name}.tsv.gz", "").casefold()


@pytest.mark.parametrize("name", TUBES)
def test_what_is_no_fcs_file_is_told(bad_run, name):
    assert f"{name}.fcs" in error_of(bad_run, f"flow_{name}")


def test_half_a_tube_and_a_table_without_counts_are_told(bad_run):
    for sample, told in bad_run.harmed:
        assert told in error_of(bad_run, sample)


def test_they_fail_alone_with_exit_4(bad_run):
    assert bad_run.code == 4, bad_run.told
    assert f" {len(bad_run.bad)} not finished." in bad_run.told
    assert "Traceback" not in bad_run.told
    failures = pl.read_parquet(bad_run.out / "tables" / "failures.parquet")
    assert sorted(failures["sample"]) == sorted(bad_run.bad)
    retry = f"tilseq run {bad_run.study} -o {bad_run.out}"
    assert set(failures["retry"]) == {retry}
    page = (bad_run.out / "report.html").read_text()
    assert retry in page
    assert bad_run.harmed[0][1] in page
    assert not list(bad_run.folder.rglob("evil*"))


def test_the_numbers_of_the_others_are_those_of_a_run_without_bad_files(bad_run, small_run):
    def of_sample(out):
        endpoints = pl.read_parquet(out / "tables" / "endpoints.parquet")
        return endpoints.filter(
            pl.col("scope") == "sample", ~pl.col("sample").is_in(bad_run.bad) | pl.col("sample").is_null()
        )

    # Without the lost tube nobody may lend to one that borrowed before: its numbers are of the cohort in one run only.
    broken, whole_run = of_sample(bad_run.out), of_sample(small_run.out)
    both = broken.join(whole_run, on="sample", how="semi", nulls_equal=True)
    assert both.equals(whole_run.join(broken, on="sample", how="semi", nulls_equal=True))
    assert both.height > 50
