import json
from types import SimpleNamespace

import polars as pl
import pytest

from tilseq.errors import ReadError, RunError
from tilseq.report.results import read_results
from tilseq.steps.job import Job
from tilseq.tables.inputs import SAMPLES
from tilseq.tables.outputs import EXCLUSIONS, FAILURES, QUALITY
from tilseq.tables.safety import listing_table
from tilseq.workflow.collect import collect

ROWS = [
    {"sample": name, "subject": "S", "visit": "D7", "specimen": "blood", "assay": assay, "path": path, "status": status}
    for name, assay, path, status in [
        ("whole", "flow", "raw/a.fcs", None),
        ("doubtful", "flow", "raw/b.fcs", None),
        ("broken", "flow", "raw/c.fcs", None),
        ("lost", "flow", "raw/d.fcs", None),
        ("later", "cytokine", "raw/e.csv", None),
        ("never", "flow", None, "failed"),
    ]
]
PLATED = {**ROWS[4], "sample": "plated", "path": None, "plate": "P1"}


EXCLUDED = [{"file": "clinical/tr.csv", "rule": "another test", "rows": 12}]


@pytest.fixture
def collected(tmp_path):
    """A run in which one job ended well, one with a warning, one failed and one left nothing."""
    study = SimpleNamespace(
        root=tmp_path / "home" / "study", samples=SAMPLES.frame([*ROWS, PLATED]), exclusions=EXCLUSIONS.frame(EXCLUDED)
    )
    jobs = [Job("flow", row["sample"], f"flow/{row['sample']}", sample=row) for row in ROWS[:4]]
    work, out = tmp_path / "work", tmp_path / "out"
    for name in ("whole", "doubtful"):
        folder = work / "flow" / name
        (folder / "figures").mkdir(parents=True)
        verdict = "warn" if name == "doubtful" else "pass"
        QUALITY.frame([{"sample": name, "check": "c", "verdict": verdict}]).write_parquet(folder / "quality.parquet")
        (folder / "figures" / "gates.svg").write_text("<svg/>")
        if name == "doubtful":
            (folder / "figures" / "captions.json").write_text('{"gates.svg": "what they hold"}')
        (folder / "gates.xml").write_text(name)
        if name == "whole":
            event = {"subject": "S", "term": "chills", "grade": 1, "counted": True, "pt": "Chills"}
            listing_table(list(event)).frame([event]).write_parquet(folder / "adverse_event_rows.parquet")
        (folder / "status.json").write_text('{"state": "ok"}')
    error = ReadError("the file is cut", file=study.root / "raw/c.fcs", byte=7, mend="export it again")
    (work / "flow" / "broken").mkdir()
    status = {"state": "failed", "error": error.as_dict()}
    (work / "flow" / "broken" / "status.json").write_text(json.dumps(status))
    (work / "flow" / "broken" / "gates.xml").write_text("half done")
    (out / "objects" / "gates").mkdir(parents=True)
    (out / "objects" / "gates" / "of-an-earlier-run.xml").write_text("old")
    (out / "figures" / "flow").mkdir(parents=True)
    (out / "figures" / "flow" / "of-an-earlier-run.svg").write_text("<svg/>")
    (out / "tables").mkdir()
    (out / "tables" / "of_an_earlier_version.csv").write_text("sample\nwhole\n")
    collect(study, jobs, work, out, "tilseq run study -o out")
    return out


def test_failures_tell_the_whole_error_without_anybodys_home(collected):
    failures = pl.read_parquet(collected / "tables" / "failures.parquet")
    assert failures.to_dicts() == [
        {
            "step": "flow",
            "unit": "broken",
            "sample": "broken",
            "error": "raw/c.fcs, byte 7: the file is cut; export it again",
            "file": "raw/c.fcs",
            "retry": "tilseq run study -o out",
        },
        {
            "step": "flow",
            "unit": "lost",
            "sample": "lost",
            "error": "the job was lost before it could say why; run again",
            "file": None,
            "retry": "tilseq run study -o out",
        },
    ]


def test_every_sample_of_the_study_has_its_state(collected):
    samples = pl.read_parquet(collected / "tables" / "samples.parquet")
    assert dict(samples.select("sample", "state").iter_rows()) == {
        "whole": "ok",
        "doubtful": "warn",
        "broken": "failed",
        "lost": "failed",
        "later": "not_analysed",
        "never": "not_available",
        "plated": "not_analysed",
    }


def test_gates_are_those_of_this_runs_whole_jobs(collected):
    folder = collected / "objects" / "gates"
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "whole.xml": "whole",
        "doubtful.xml": "doubtful",
    }


def test_tables_nobody_wrote_are_there_and_empty(collected):
    assert pl.read_parquet(collected / "tables" / "scores.parquet").height == 0
    assert (collected / "tables" / "scores.csv").read_text().startswith("sample,set,value")


def test_tables_of_an_earlier_run_are_gone(collected):
    assert not (collected / "tables" / "of_an_earlier_version.csv").exists()


def test_a_run_cut_short_leaves_no_table_of_an_earlier_one(collected, monkeypatch):
    study, jobs = SimpleNamespace(root=collected, samples=SAMPLES.frame(), exclusions=EXCLUSIONS.frame()), []

    def full_disk(*_):
        raise RunError("cannot write: No space left on device")

    monkeypatch.setattr("tilseq.io.write.write_table", full_disk)
    with pytest.raises(RunError):
        collect(study, jobs, collected.parent / "work", collected, "tilseq run study -o out")
    assert not list(collected.glob("tables/*"))


def test_rows_left_out_when_the_study_was_read_are_among_the_exclusions(collected):
    exclusions = pl.read_parquet(collected / "tables" / "exclusions.parquet")
    assert exclusions.select("file", "rule", "rows").rows() == [("clinical/tr.csv", "another test", 12)]


def test_figures_are_copied_captioned_and_old_ones_gone(collected):
    assert sorted(path.name for path in (collected / "figures" / "flow").iterdir()) == [
        "doubtful-gates.svg",
        "whole-gates.svg",
    ]
    captions = json.loads((collected / "figures" / "captions.json").read_text())
    assert captions == {
        "flow/whole-gates.svg": "whole: gates",
        "flow/doubtful-gates.svg": "doubtful: what they hold",
    }


def test_a_caption_of_all_subjects_begins_with_a_capital(tmp_path):
    from tilseq.steps.job import Job
    from tilseq.workflow.collect import _copy_figures

    for folder in ("survival/all", "flow/all"):
        (tmp_path / "work" / folder / "figures").mkdir(parents=True)
        (tmp_path / "work" / folder / "figures" / "swimmer.svg").write_text("<svg/>")
    jobs = [Job("survival", "all subjects", "survival/all"), Job("flow", "all", "flow/all")]
    _copy_figures(jobs, tmp_path / "work", tmp_path / "figures")
    captions = json.loads((tmp_path / "figures" / "captions.json").read_text())
    assert captions == {"survival/all-swimmer.svg": "All subjects: swimmer", "flow/all-swimmer.svg": "all: swimmer"}


def test_a_caption_of_one_subject_drawn_beside_others_does_not_say_all(tmp_path):
    from tilseq.steps.job import Job
    from tilseq.workflow.collect import _copy_figures

    drawn = tmp_path / "work" / "markers/all" / "figures"
    drawn.mkdir(parents=True)
    (drawn / "one.svg").write_text("<svg/>")
    (drawn / "captions.json").write_text('{"one.svg": "Tumour markers of S1"}')
    _copy_figures([Job("markers", "all subjects", "markers/all")], tmp_path / "work", tmp_path / "figures")
    assert json.loads((tmp_path / "figures" / "captions.json").read_text()) == {
        "markers/all-one.svg": "Tumour markers of S1"
    }


def test_a_figure_without_a_caption_is_called_by_its_file(tmp_path):
    """A letter that a file may not bear is lost: `IFN-_-…` cannot be turned back into IFN-γ."""
    from tilseq.plots.style import file_stem
    from tilseq.steps.job import Job
    from tilseq.workflow.collect import _copy_figures

    drawn = tmp_path / "work" / "intracellular/s1" / "figures"
    drawn.mkdir(parents=True)
    stem = file_stem("IFN-\N{GREEK SMALL LETTER GAMMA}")
    assert stem.startswith("IFN-_-")
    (drawn / f"{stem}.svg").write_text("<svg/>")
    _copy_figures([Job("intracellular", "S1", "intracellular/s1")], tmp_path / "work", tmp_path / "figures")
    captions = json.loads((tmp_path / "figures" / "captions.json").read_text())
    assert captions == {f"intracellular/s1-{stem}.svg": f"S1: {stem}"}


def test_what_failed_of_single_subjects_within_a_job_is_a_failure_too(tmp_path):
    folder = tmp_path / "work" / "survival" / "all"
    folder.mkdir(parents=True)
    (folder / "status.json").write_text('{"state": "ok"}')
    row = {"step": "survival", "unit": "S2", "error": "dead before the infusion", "file": "f.csv", "retry": ""}
    FAILURES.frame([row]).write_parquet(folder / "failures.parquet")
    study = SimpleNamespace(root=tmp_path, samples=SAMPLES.frame(), exclusions=EXCLUSIONS.frame())
    job = Job("survival", "all subjects", "survival/all")
    failures = collect(study, [job], tmp_path / "work", tmp_path / "out", "tilseq run study -o out")
    assert failures.to_dicts() == [row | {"sample": None, "retry": "tilseq run study -o out"}]
    assert pl.read_parquet(tmp_path / "out" / "tables" / "failures.parquet").to_dicts() == failures.to_dicts()


def test_a_folder_named_as_a_pattern_is_read_itself(tmp_path):
    study = SimpleNamespace(root=tmp_path, samples=SAMPLES.frame(), exclusions=EXCLUSIONS.frame())
    for out in ("out[1]", "out1"):
        folder = tmp_path / out / "work" / "flow" / "a"
        folder.mkdir(parents=True)
        (folder / "status.json").write_text('{"state": "ok"}')
        row = {"step": "flow", "unit": out, "error": "e", "retry": ""}
        FAILURES.frame([row]).write_parquet(folder / "failures.parquet")
        QUALITY.frame([{"sample": out, "check": "c", "verdict": "pass"}]).write_parquet(folder / "quality.parquet")
    out = tmp_path / "out[1]"
    failures = collect(study, [Job("flow", "a", "flow/a")], out / "work", out, "tilseq run study -o out")
    quality = read_results(out).tables["quality"]
    assert (failures["unit"].to_list(), quality["sample"].to_list()) == (["out[1]"], ["out[1]"])


def test_codes_of_adverse_events_pass_through_and_the_report_reads_the_table(collected):
    rows = pl.read_parquet(collected / "tables" / "adverse_event_rows.parquet")
    assert rows.select("term", "pt").rows() == [("chills", "Chills")]
    assert read_results(collected).tables["adverse_event_rows"]["term"].to_list() == ["chills"]


@pytest.mark.parametrize(
    ("state", "verdict", "told"), [("ok", "warn", "warn"), ("ok", "pass", "ok"), ("failed", "", "failed")]
)
def test_samples_of_a_plate_stand_and_fall_with_its_job(tmp_path, state, verdict, told):
    rows = SAMPLES.frame([PLATED])
    study = SimpleNamespace(root=tmp_path, samples=rows, exclusions=EXCLUSIONS.frame())
    folder = tmp_path / "work" / "cytokine_plates" / "p1"
    folder.mkdir(parents=True)
    status = {"state": state, "error": ReadError("no such kit").as_dict() if state == "failed" else None}
    (folder / "status.json").write_text(json.dumps(status))
    if verdict:
        check = {"sample": "plated", "check": "beads", "verdict": verdict}
        QUALITY.frame([check]).write_parquet(folder / "quality.parquet")
    job = Job("cytokine_plates", "P1", "cytokine_plates/p1", samples=("plated",))
    failures = collect(study, [Job.from_dict(job.as_dict())], tmp_path / "work", tmp_path / "out", "again")
    samples = pl.read_parquet(tmp_path / "out" / "tables" / "samples.parquet")
    assert dict(samples.select("sample", "state").iter_rows()) == {"plated": told}
    assert failures.select("unit", "sample").rows() == ([("P1", None)] if state == "failed" else [])
