"""The examples below the options of `--help` that name the sample study (`$S`) run as they stand."""

import shlex
from pathlib import Path

import click
import pytest

from tests.commands import exit_code
from tilseq.cli import COMMANDS, root
from tilseq.cli.common import Examples

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
# What no file of the sample study can stand for: other studies, cells of several subjects in one file, and runs.
OWN = {"init", "check", "run", "report", "verify", "export", "simulate"} | {
    f"expression {it}" for it in ("de", "gsea", "pseudobulk")
}


def shown():
    """Yield name and example of every command."""
    for name in COMMANDS:
        command = root.get_command(None, name)
        if isinstance(command, click.Group):
            yield from ((f"{name} {below}", found.example) for below, found in command.commands.items())
        elif isinstance(command, Examples):
            yield name, command.example


def on_the_sample_study(example):
    """Return the arguments of each command of an example that names the sample study."""
    lines = [line.strip() for line in example.replace("\\\n", " ").splitlines()]
    below = next((line.removeprefix("S=data/sample").lstrip("/") for line in lines if line.startswith("S=data")), None)
    if below is None:
        return []
    return [shlex.split(line.replace("$S/", f"{SAMPLE / below}/"))[1:] for line in lines if "$S/" in line]


EXAMPLES = {name: on_the_sample_study(example) for name, example in shown()}


def test_every_command_that_can_has_an_example_on_the_sample_study():
    assert {name for name, commands in EXAMPLES.items() if not commands} == OWN


@pytest.mark.parametrize("name", sorted(EXAMPLES.keys() - OWN))
def test_an_example_runs_as_it_is_written(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for words in EXAMPLES[name]:
        assert exit_code(*words) in (0, None), (words, capsys.readouterr().err)
        assert "-o" not in words or (tmp_path / words[words.index("-o") + 1]).exists()


@pytest.mark.parametrize("example", [pytest.param(example, id=name) for name, example in shown()])
def test_commands_of_an_example_bear_no_comment(example):
    """In zsh, the shell of macOS, words behind `#` are arguments, and `S=...` before them sets nothing."""
    lines = [line.strip() for line in example.splitlines()]
    assert [line for line in lines if line.startswith(("S=", "tilseq ")) and "#" in line] == []


@pytest.mark.parametrize("name", ["flow", "cytokine", "repertoire", "expression", "clinical"])
def test_the_help_of_a_laboratory_says_where_the_examples_are(name, capsys):
    assert exit_code(name, "--help") in (0, None)
    said = f"The help of each command ends with an example: tilseq {name} COMMAND --help"
    assert said in " ".join(capsys.readouterr().out.split())
