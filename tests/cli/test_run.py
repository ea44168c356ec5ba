from pathlib import Path

import pytest
from click.testing import CliRunner

from tilseq.cli import root
from tilseq.workflow.run import Outcome

SAMPLES = "5 samples: 2 ok, 1 with warnings, 1 failed quality, 1 not finished."


@pytest.mark.parametrize(("failed", "code"), [(0, 0), (1, 4)])
def test_a_run_ends_with_how_its_samples_went(
    failed: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = Outcome(tmp_path / "report.html", SAMPLES, 7, 2, failed)
    monkeypatch.setattr("tilseq.study.read_study", lambda path: None)
    monkeypatch.setattr("tilseq.workflow.run.run", lambda *args, **kwargs: outcome)
    result = CliRunner().invoke(root, ["run", "study", "-o", str(tmp_path)], standalone_mode=False)
    assert result.exception is None, result.exception
    assert result.return_value == code
    lines = result.stderr.splitlines()
    assert lines[:2] == [f"7 jobs: {7 - failed} done (2 from before), {failed} failed", SAMPLES]
    assert lines[-1] == f"every check of every sample: {tmp_path / 'tables' / 'quality.csv'}"
    assert result.stdout == f"{tmp_path / 'report.html'}\n"
