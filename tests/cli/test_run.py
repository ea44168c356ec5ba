from pathlib import Path

import pytest
from click.testing import CliRunner

from tilseq.cli import root
from tilseq.workflow.run import Outcome
from tilseq.workflow.verify import altered_outputs
from tilseq.workflow.written import record_outputs

SAMPLES = "5 samples: 2 ok, 1 with warnings, 1 failed quality, 1 not finished."


@pytest.mark.parametrize(("failed", "failures", "code"), [(0, 0, 0), (1, 1, 4), (0, 9, 4)])
def test_a_run_ends_with_how_its_samples_went(
    failed: int, failures: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = Outcome(tmp_path / "report.html", SAMPLES, 7, 2, failed, failures)
    monkeypatch.setattr("tilseq.study.read_study", lambda path: None)
    monkeypatch.setattr("tilseq.steps.notes.notes_of", lambda study: ["a \x1b[31mnote"])
    monkeypatch.setattr("tilseq.workflow.run.run", lambda *args, **kwargs: outcome)
    result = CliRunner().invoke(root, ["run", "study", "-o", str(tmp_path)], standalone_mode=False)
    assert result.exception is None, result.exception
    assert result.return_value == code
    first, *lines = result.stderr.splitlines()
    assert first == "note: a \\x1b[31mnote"
    assert lines[:2] == [f"7 jobs: {7 - failed} done (2 from before), {failed} failed", SAMPLES]
    told = [f"what failed, and why: {tmp_path / 'tables' / 'failures.csv'}"] if failures else []
    assert lines[2:-1] == told
    assert lines[-1] == f"every check of every sample: {tmp_path / 'tables' / 'quality.csv'}"
    assert result.stdout == f"{tmp_path / 'report.html'}\n"


def test_without_a_folder_the_run_is_written_to_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {}

    def run(study, out, **options):
        given.update(out=out, **options)
        return Outcome(out / "report.html", SAMPLES, 1, 0, 0, 0)

    monkeypatch.setattr("tilseq.study.read_study", lambda path: None)
    monkeypatch.setattr("tilseq.steps.notes.notes_of", lambda study: ["a \x1b[31mnote"])
    monkeypatch.setattr("tilseq.workflow.run.run", run)
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 5, 7})
    CliRunner().invoke(root, ["run", "my study"], standalone_mode=False)
    assert (given["out"], given["command"]) == (Path("out"), "tilseq run 'my study' -o out")
    assert given["notes"] == ["a \x1b[31mnote"]
    assert given["cores"] == 3  # those that a scheduler gave, not all of the machine


@pytest.mark.parametrize(("table", "vouches"), [("a", True), ("b", False)])
def test_a_report_made_again_is_recorded_unless_tables_were_changed(
    table: str, vouches: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that is changed, shown in a report and then put back would leave a report that passes for the run's."""
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "depth.csv").write_text("a")
    (tmp_path / "run.json").write_text("{}")
    record_outputs(tmp_path, "tables")
    (tmp_path / "tables" / "depth.csv").write_text(table)
    report = tmp_path / "report.html"
    monkeypatch.setattr("tilseq.report.figures.make_figures", lambda out: None)
    monkeypatch.setattr("tilseq.report.render", lambda out: report.write_text("new") and report)
    result = CliRunner().invoke(root, ["report", str(tmp_path)], standalone_mode=False)
    assert result.exception is None, result.exception
    (tmp_path / "tables" / "depth.csv").write_text("a")
    assert altered_outputs(tmp_path) == ({} if vouches else {"report.html": "is not of the run"})
    note = "note: run.json does not vouch for this report: tables were changed since the run\n"
    assert result.stderr == ("" if vouches else note)
