"""The root command: help, start-up, exit codes."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.commands import exit_code
from tilseq.cli import COMMANDS, main, root

ROOT = Path(__file__).parents[2]
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
    assert exit_code("gait") == 2
    assert "gait" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("chek", "Did you mean 'tilseq check'?"),
        ("repertoir", "Did you mean 'tilseq repertoire'?"),
        ("track", "Did you mean 'tilseq repertoire track'?"),
        ("qc", "Did you mean 'tilseq flow qc' or 'tilseq cytokine qc' or 'tilseq repertoire qc'?"),
    ],
)
def test_a_mistyped_command_is_told_the_one_that_was_meant(typed, meant, capsys):
    assert exit_code(typed, "x") == 2
    assert f"No such command '{typed}'. {meant}\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["check", "data/sampel"], "did you mean 'sample'?"),
        (["flow", "count", "data/sample/raw/flow/SIM-01_D7_flw.fcs"], "raw/flow/SIM-01_D7_flow.fcs'?"),
        (["repertoire", "diversity", "data/sample/raw/tcr/SIM-01_D7_tcr.tsv"], "raw/tcr/SIM-01_D7_tcr.tsv.gz'?"),
        (
            ["clinical", "labs", "data/sample/clinical/lab.csv", "-o", "x"],
            "Did you mean 'data/sample/clinical/labs.csv'?",
        ),
        (["flow", "count", "data/sample/nothing_alike_at_all"], "No such file or directory\n"),
    ],
)
def test_a_mistyped_file_is_told_the_one_that_was_meant(words, meant, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert exit_code(*words) in (2, 3)
    assert meant in capsys.readouterr().err


TCR = "data/sample/raw/tcr/SIM-01_D7_tcr.tsv.gz"
WORDS = [
    ["--help"],
    ["--version"],
    ["flow", "count", "--help"],
    ["check", "data/sample"],
    ["repertoire", "convert", TCR],
]


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_a_command_whose_reader_has_gone_ends_quietly_with_141(words):
    reading, writing = os.pipe()
    os.close(reading)  # as `head` leaves it
    done = subprocess.run(
        [sys.executable, "-m", "tilseq", *words], stdout=writing, stderr=subprocess.PIPE, cwd=ROOT, check=False
    )
    os.close(writing)
    assert done.returncode == 141
    assert b"fault" not in done.stderr and b"Broken" not in done.stderr and b"ignored" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_output_to_a_full_disk_is_told_in_a_sentence(words):
    with open("/dev/full", "wb") as full:
        line = [sys.executable, "-m", "tilseq", *words]
        done = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    assert done.returncode == 3
    assert "tilseq: cannot write: No space left on device; free space or write to another place\n" in done.stderr
    assert "fault" not in done.stderr and "Traceback" not in done.stderr and "ignored" not in done.stderr


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_a_command_whose_stdout_is_closed_runs_and_says_nothing_of_it(words):
    line = f'"{sys.executable}" -m tilseq {" ".join(words)} >&-'
    done = subprocess.run(line, shell=True, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert "fault" not in done.stderr and "ignored" not in done.stderr


def test_the_help_tells_the_exit_codes(capsys):
    exit_code("--help")
    told = " ".join(capsys.readouterr().out.split())
    for words in (
        "0 when all is well",
        "1 by a fault of tilseq itself",
        "2 when called wrongly",
        "4 when a part could",
    ):
        assert words in told


def test_invalid_input_ends_with_3_and_a_sentence(tmp_path, capsys):
    assert exit_code("run", tmp_path, "-o", tmp_path / "out") == 3
    told = capsys.readouterr().err
    assert "study.yaml" in told
    assert "Traceback" not in told


def test_a_disk_that_is_read_only_is_no_fault_of_our_own(monkeypatch, capsys):
    def fail(*args, **kwargs):
        raise OSError(errno.EROFS, "Read-only file system", "out/figures/study/a.svg")

    monkeypatch.setattr(root, "main", fail)
    assert exit_code("--help") == 3
    told = capsys.readouterr().err
    assert told == "tilseq: cannot write: Read-only file system; free space or write to another place\n"


def test_a_fault_of_our_own_ends_with_1_and_no_traceback(monkeypatch, capsys):
    def fail(*args, **kwargs):
        raise ZeroDivisionError("boom")

    monkeypatch.setattr(root, "main", fail)
    assert exit_code("--help") == 1
    assert "internal fault: ZeroDivisionError: boom" in capsys.readouterr().err
    with pytest.raises(ZeroDivisionError):
        main(["--debug", "--help"])
