import json
import signal
from types import SimpleNamespace

import polars as pl
import pytest

from tilseq.errors import RunError
from tilseq.steps.job import Job
from tilseq.study import read_study
from tilseq.tables.outputs import FAILURES
from tilseq.workflow.plan import Plan
from tilseq.workflow.run import _check_engine, _draw, _failed_jobs, _stopped_by_signals, check_folder, run


@pytest.fixture
def study(tmp_path):
    root = tmp_path / "home" / "study"
    root.mkdir(parents=True)
    return SimpleNamespace(root=root, settings=SimpleNamespace(study="mine"))


def finished_run(out, name):
    (out / ".tilseq").mkdir(parents=True)
    (out / "run.json").write_text(json.dumps({"study": {"name": name}}))
    return out


def test_a_new_an_empty_and_ones_own_folder_are_taken(study, tmp_path):
    check_folder(study, tmp_path / "new")
    (tmp_path / "empty").mkdir()
    check_folder(study, tmp_path / "empty")
    check_folder(study, study.root / "out")
    check_folder(study, finished_run(tmp_path / "own", "mine"))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda home: finished_run(home / "out", "theirs"), "another study; found 'theirs'"),
        (lambda home: home / "study", "holds the study"),
        (lambda home: home, "holds the study"),
    ],
    ids=["another's run", "the study", "around the study"],
)
def test_a_folder_in_which_something_would_be_lost_is_refused(study, make, told):
    with pytest.raises(RunError, match=told):
        check_folder(study, make(study.root.parent))


@pytest.mark.parametrize("name", ["tables", "figures", "objects"])
def test_a_file_where_a_folder_is_written_is_refused_before_any_work(study, tmp_path, name):
    out = finished_run(tmp_path / "own", "mine")
    (out / name).write_text("")
    with pytest.raises(RunError, match=f"{name}: the output must be a folder"):
        check_folder(study, out)


def test_an_engine_that_never_worked_is_told_with_its_last_words(tmp_path):
    log = tmp_path / "engine.log"
    log.write_text('  File "cli.py", line 14, in <module>\n\nModuleNotFoundError: snakemake\n\n')
    with pytest.raises(RunError, match="found 'ModuleNotFoundError: snakemake'"):
        _check_engine(1, 0, log)
    _check_engine(1, 3, log)  # some jobs ended: the others are told as failures
    _check_engine(0, 0, log)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_run_as_ctrl_c_does_unless_it_is_to_be_ignored(number):
    def handler(number, frame):
        pytest.fail("not told to the run")

    before = signal.signal(number, handler)
    try:
        with pytest.raises(KeyboardInterrupt), _stopped_by_signals():
            signal.raise_signal(number)
        assert signal.getsignal(number) is handler
        signal.signal(number, signal.SIG_IGN)
        with _stopped_by_signals():
            signal.raise_signal(number)
    finally:
        signal.signal(number, before)


def test_subjects_that_fail_within_a_job_are_no_failed_jobs():
    jobs = (Job("safety", "all subjects", "safety/all"), Job("flow", "a", "flow/a"))
    rows = [("safety", "S1"), ("safety", "S2"), ("safety", "S3"), ("flow", "a"), ("figures", "study")]
    failures = FAILURES.frame([{"step": step, "unit": unit, "error": "e", "retry": "r"} for step, unit in rows])
    assert _failed_jobs(Plan(jobs, {}, {}, 1, 1), failures) == 1


def test_a_figure_that_cannot_be_drawn_is_a_failure_and_no_end(tmp_path, monkeypatch):
    monkeypatch.setattr("tilseq.workflow.run.draw_figures", lambda out, cores: ["nothing to draw", "broken font"])
    failures = _draw(tmp_path, FAILURES.frame(), "tilseq run s -o o", 2)
    assert failures.select("step", "unit", "error", "retry").rows() == [
        ("figures", "study", "nothing to draw\nbroken font", "tilseq run s -o o")
    ]
    assert pl.read_parquet(tmp_path / "tables" / "failures.parquet").equals(failures)


def test_figures_are_of_the_reader_whose_reading_is_the_endpoint_and_notes_stand_in_the_report(tmp_path):
    """One setting decides tables and figures: where two have read, both show the reader that study.yaml names."""
    lesions = "subject,day,reader,lesion,role,diameter_mm\n" + "".join(
        f"S{number},{day},{reader},T1,target,{size}\n"
        for number in (1, 2)
        for reader, sizes in (("investigator", (40, 20, 18)), ("central", (40, 38, 36)))
        for day, size in zip((-8, 42, 84), sizes, strict=True)
    )
    root = tmp_path / "demo"
    (root / "clinical").mkdir(parents=True)
    for name, text in {
        "study.yaml": "study: demo\nvisits: {D42: {day: 42}}\nanalysis: {clinical: {endpoint_reader: central}}\n",
        "subjects.csv": "subject,tumor_type\nS1,melanoma\nS2,melanoma\n",
        "infusions.csv": "subject,infusion,day\nS1,1,0\nS2,1,0\n",
        "samples.csv": "sample,subject,visit,day,specimen,assay,path\n",
        "clinical/lesions.csv": lesions,
    }.items():
        (root / name).write_text(text)
    out = tmp_path / "out"
    given = {"notes": ["S1 <b> is odd"], "command": "tilseq run demo", "cores": 1}
    run(read_study(root), out, progress=lambda done, of: None, **given)
    page = (out / "report.html").read_text("utf-8")
    assert page.count("Read by central.") >= 2  # waterfall and spider
    assert "Read by investigator." not in page
    assert "<li>S1 &lt;b&gt; is odd</li>" in page
