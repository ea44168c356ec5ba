import pytest
from click.testing import CliRunner

from tilseq.cli import root


@pytest.fixture
def verify(tmp_path, monkeypatch):
    """Call `tilseq verify` on a run of which the functions tell what is given."""
    (tmp_path / "run.json").write_text("")

    def call(*arguments, outputs=(), inputs=(), results=()):
        told = {"altered_outputs": outputs, "altered_inputs": inputs, "other_results": results}
        for name, states in told.items():
            monkeypatch.setattr(f"tilseq.workflow.verify.{name}", lambda *a, states=states, **k: dict(states))
        monkeypatch.setattr("tilseq.workflow.verify.study_of", lambda out: tmp_path / "study")
        monkeypatch.setattr("tilseq.workflow.verify.other_versions", lambda out: {"numpy": "2.4, now 2.5"})
        return CliRunner().invoke(root, ["verify", str(tmp_path), *arguments], standalone_mode=False)

    return call


EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_run_that_is_as_it_was(verify, tmp_path):
    done = verify()
    assert (done.return_value, done.stderr) == (0, "all is as it was\n")
    assert done.stdout == f"{EMPTY}  {tmp_path / 'run.json'}\n"


def test_every_number_made_again(verify):
    done = verify("--rerun")
    assert (done.return_value, done.stderr) == (
        0,
        "note: numpy was 2.4, now 2.5\nall is as it was, and every number comes out again\n",
    )
    done = verify("--rerun", results={"tables/depth.parquet": "is not made again"})
    assert done.return_value == 4
    assert "tables/depth.parquet: is not made again\n" in done.stdout


def test_what_was_altered_is_told_with_its_place(verify, tmp_path):
    done = verify(outputs={"tables/a.csv": "is gone"}, inputs={"b\x1b.csv": "was changed"})
    assert done.return_value == 4
    first, second, _ = done.stdout.splitlines()
    assert first == f"{tmp_path}/tables/a.csv: is gone"
    assert second == f"{tmp_path}/study/b\\x1b.csv: was changed"


def test_an_altered_study_is_not_run_again(verify):
    done = verify("--rerun", inputs={"subjects.csv": "was changed"}, results={"tables/a.parquet": "is not made again"})
    assert done.return_value == 4
    assert done.stderr == "it is not run again: the study is not that of the run\n"
    assert "not made again" not in done.stdout
