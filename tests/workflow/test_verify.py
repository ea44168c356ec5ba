import json
import shutil

import polars as pl
import pytest

from tilseq.errors import ReadError, RunError
from tilseq.workflow.plan import Plan
from tilseq.workflow.verify import (
    _difference,
    altered_inputs,
    altered_outputs,
    other_results,
    other_versions,
    study_of,
)
from tilseq.workflow.written import record_outputs


@pytest.fixture
def study(tmp_path):
    root = tmp_path / "study"
    (root / "clinical").mkdir(parents=True)
    for name in ("study.yaml", "samples.csv", "clinical/labs.csv", "tube.fcs"):
        (root / name).write_text("")
    return root


@pytest.fixture
def out(study, tmp_path):
    """Of a run that has read four empty files, and written two tables and a report."""
    folder = tmp_path / "out"
    (folder / "tables").mkdir(parents=True)
    for name in ("tables/depth.csv", "tables/cuts.csv", "report.html"):
        (folder / name).write_text("")
    nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    names = ("clinical/labs.csv", "samples.csv", "study.yaml", "tube.fcs")
    (folder / "run.json").write_text(json.dumps({"inputs": [{"path": name, "sha256": nothing} for name in names]}))
    record_outputs(folder, "tables", "report.html")
    inputs = {str(study / name): (nothing, 0) for name in names}
    Plan((), {}, inputs, seconds=1, gigabytes=1).write(folder / ".tilseq" / "plan.json")
    return folder


def test_what_is_as_it_was_is_not_told(study, out):
    assert study_of(out) == study
    assert altered_outputs(out) == {}
    assert altered_inputs(out, study) == {}


def test_outputs_that_were_changed_taken_or_added_are_told(out):
    (out / "tables" / "depth.csv").write_text("1")
    (out / "tables" / "cuts.csv").unlink()
    (out / "objects").mkdir()
    (out / "objects" / "mine.txt").touch()
    assert altered_outputs(out) == {
        "objects/mine.txt": "is not of the run",
        "tables/cuts.csv": "is gone",
        "tables/depth.csv": "was changed",
    }


def test_inputs_that_were_changed_taken_or_added_are_told(study, out):
    (study / "tube.fcs").write_text("1")
    (study / "samples.csv").unlink()
    (study / "clinical" / "followup.csv").touch()
    (study / "notes.txt").touch()  # which no run reads
    assert altered_inputs(out, study) == {
        "clinical/followup.csv": "is not of the run",
        "samples.csv": "is gone",
        "tube.fcs": "was changed",
    }


def test_a_file_that_cannot_be_looked_for_is_not_called_gone(study, out, tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    (study / "tube.fcs").unlink()
    (study / "tube.fcs").symlink_to(loop)
    with pytest.raises(ReadError, match="tube.fcs: cannot read: .*Too many levels of symbolic links"):
        altered_inputs(out, study)


def test_the_study_is_found_though_a_sample_is_called_like_its_settings(study, out):
    path = out / ".tilseq" / "plan.json"
    Plan((), {}, {str(study / "raw" / "study.yaml"): ("", 0), str(study / "study.yaml"): ("", 0)}, 1, 1).write(path)
    assert study_of(out) == study


def test_a_study_that_has_moved_must_be_told(study, out, tmp_path):
    moved = shutil.move(study, tmp_path / "moved")
    with pytest.raises(RunError, match="study: the study is no longer where it was; tell .* --study"):
        study_of(out)
    assert altered_inputs(out, moved) == {}
    shutil.rmtree(out / ".tilseq")
    with pytest.raises(RunError, match="plan.json: the plan of the run is gone"):
        study_of(out)


def test_a_record_without_outputs_is_refused(out):
    (out / "run.json").write_text('{"inputs": []}')
    with pytest.raises(ReadError, match="column outputs: it does not say what the run has written"):
        altered_outputs(out)


def test_versions_that_are_others_are_told(out, monkeypatch):
    now = {"tilseq": "2.0", "versions": {"numpy": "2.5", "polars": "2.1"}, "system": {"python": "3.13"}}
    monkeypatch.setattr("tilseq.workflow.verify.made_with", lambda: now)
    then = {"tilseq": "2.0", "versions": {"numpy": "2.4", "polars": "2.1"}, "system": []}
    (out / "run.json").write_text(json.dumps(then))
    assert other_versions(out) == {"numpy": "2.4, now 2.5", "python": "None, now 3.13"}


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({"a": [1.0, None, 3e12]}, None),
        ({"a": [1.0 + 9e-10, None, 3e12 + 2000]}, None),
        ({"a": [1.0 + 2e-9, None, 3e12]}, "row 2, column a: 1.0 then, 1.000000002 when made again"),
        ({"a": [1.0, 0.0, 3e12]}, "row 3, column a: None then, 0.0 when made again"),
        ({"a": [1.0, None, None]}, "row 4, column a: 3000000000000.0 then, None when made again"),
        ({"a": [1.0, None]}, "has 2 rows when made again, and had 3"),
        ({"b": [1.0, None, 3e12]}, "has other columns when made again"),
    ],
)
def test_the_first_number_that_differs_is_told(now, told, tmp_path):
    pl.DataFrame({"a": [1.0, None, 3e12]}).write_parquet(tmp_path / "then.parquet")
    pl.DataFrame(now).write_parquet(tmp_path / "now.parquet")
    assert _difference(tmp_path / "then.parquet", tmp_path / "now.parquet") == told


@pytest.mark.parametrize("now", [1.0, -float("inf"), None])
def test_what_has_no_end_is_near_to_no_other_number(now, tmp_path):
    pl.DataFrame({"a": [float("inf")]}).write_parquet(tmp_path / "then.parquet")
    pl.DataFrame({"a": [now]}, schema={"a": pl.Float64}).write_parquet(tmp_path / "now.parquet")
    told = f"row 2, column a: inf then, {now} when made again"
    assert _difference(tmp_path / "then.parquet", tmp_path / "now.parquet") == told


def test_a_table_that_is_none_any_more_is_told(tmp_path):
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "now.parquet")
    (tmp_path / "then.parquet").write_text("a\n1\n")
    assert _difference(tmp_path / "then.parquet", tmp_path / "now.parquet") == "cannot be read as a table"


def test_words_that_differ_are_told_and_the_command_that_retries_is_none_of_them(tmp_path):
    pl.DataFrame({"unit": ["a", "b"], "retry": "tilseq run x"}).write_parquet(tmp_path / "then.parquet")
    pl.DataFrame({"unit": ["a", "c"], "retry": "tilseq run y"}).write_parquet(tmp_path / "now.parquet")
    told = "row 3, column unit: b then, c when made again"
    assert _difference(tmp_path / "then.parquet", tmp_path / "now.parquet") == told


def test_a_study_run_again_gives_the_numbers_of_its_run_and_shows_one_that_was_altered(small_run, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(small_run.out, out)
    endpoints = pl.read_parquet(out / "tables" / "endpoints.parquet")
    altered = endpoints.with_columns(value=pl.when(pl.int_range(pl.len()) == 4).then(0.5).otherwise("value"))
    altered.write_parquet(out / "tables" / "endpoints.parquet")
    assert altered_outputs(out) == {"tables/endpoints.parquet": "was changed"}
    told = other_results(out, small_run.study, cores=2, progress=lambda done, total: None)
    then = endpoints["value"][4]
    assert told == {"tables/endpoints.parquet": f"row 6, column value: 0.5 then, {then} when made again"}
