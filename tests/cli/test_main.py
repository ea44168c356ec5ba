"""The root command: help, start-up, exit codes."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from tilseq.cli import COMMANDS, main, root

HEAVY = ("numpy", "polars", "pydantic", "pandas", "scipy", "matplotlib", "anndata", "snakemake", "yaml", "jinja2")


@pytest.mark.parametrize("arguments", [["--help"], ["flow", "--help"], ["run", "--help"], ["repertoire", "--help"]])
def test_help_imports_nothing_heavy(arguments):
    code = (
        "import sys; sys.argv = ['tilseq', *sys.argv[1:]]\n"
        "from tilseq.cli import main\n"
        "try: main()\n"
        "finally: print([name for name in " + repr(HEAVY) + " if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == "[]"
    assert "Usage: tilseq" in done.stdout


def test_importing_tilseq_imports_nothing_heavy():
    code = f"import sys, tilseq; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def _commands():
    for name in COMMANDS:
        command = root.get_command(None, name)
        assert command is not None
        if hasattr(command, "commands"):
            yield from (((name, below), command.commands[below]) for below in command.commands)
        elif not command.hidden:
            yield (name,), command


@pytest.mark.parametrize("path", [path for path, _ in _commands()], ids=" ".join)
def test_the_help_of_every_command_shows_an_example(path):
    result = CliRunner().invoke(root, [*path, "--help"])
    assert result.exit_code == 0
    assert "Example" in result.output
    assert f"tilseq {' '.join(path)}" in result.output.split("Example")[1]


def test_an_unknown_command_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as end:
        main(["gait"])
    assert end.value.code == 2
    assert "gait" in capsys.readouterr().err


def test_invalid_input_ends_with_3_and_a_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(["run", str(tmp_path), "-o", str(tmp_path / "out")])
    assert end.value.code == 3
    told = capsys.readouterr().err
    assert "study.yaml" in told
    assert "Traceback" not in told


def test_a_fault_of_our_own_ends_with_1_and_no_traceback(monkeypatch, capsys):
    def fail(*args, **kwargs):
        raise ZeroDivisionError("boom")

    monkeypatch.setattr(root, "main", fail)
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 1
    assert "internal fault: ZeroDivisionError: boom" in capsys.readouterr().err
    with pytest.raises(ZeroDivisionError):
        main(["--debug", "--help"])
