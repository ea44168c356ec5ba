"""Commands of the README and of docs/ on the sample study (`$S`): their files are there; those of some pages run."""

import re
import shlex
from pathlib import Path

import pytest

from tests.commands import exit_code

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SAMPLE = ROOT / "data" / "sample"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FOLDER = re.compile(r"^S=data/sample(\S*)", re.MULTILINE)  # what `$S` stands for in a block; else the study


def commands():
    """Yield page and arguments of each command on the sample study."""
    for page in PAGES:
        for language, block in BLOCK.findall(page.read_text()):
            below = FOLDER.search(block)
            folder = f"{SAMPLE}{below.group(1) if below else ''}"
            for line in [] if language == "python" else block.replace("\\\n", " ").splitlines():
                if line.startswith("tilseq ") and "$S/" in line:
                    yield page.name, shlex.split(line.replace("$S/", f"{folder}/"), comments=True)[1:]


COMMANDS = list(commands())
PAGES_IN_ORDER = ("flow.md", "repertoire.md", "infused-clones.md", "cell-labels.md", "contamination.md")
CLINICAL = [(page, words) for page, words in COMMANDS if words[0] == "clinical"]


def test_the_files_of_the_commands_are_there():
    named = [word for _, words in COMMANDS for word in words if word.startswith(f"{SAMPLE}/")]
    assert len(named) > 40
    assert [name for name in named if not Path(name).is_file()] == []


@pytest.mark.parametrize("words", [words for _, words in CLINICAL], ids=[f"{page} {w[1]}" for page, w in CLINICAL])
def test_a_clinical_command_runs_as_it_is_written(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert exit_code(*words) in (0, None)
    assert list((tmp_path / words[-1]).glob("*.csv"))


@pytest.mark.parametrize("name", PAGES_IN_ORDER)
def test_the_commands_of_a_page_run_in_their_order(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    written = [words for page, words in COMMANDS if page == name]
    assert written
    for words in written:
        assert exit_code(*words) in (0, None), (words, capsys.readouterr().err)
        assert "-o" not in words or (tmp_path / words[-1]).exists()
    if name == "contamination.md":
        assert "4 of 4 samples as labelled; 0 leaks found" in capsys.readouterr().err
