import subprocess
import sys

import pytest
from click.testing import CliRunner

from tilseq.cli import main
from tilseq.cli.simulate import simulate_command

SMALL = ["--subjects", "1", "--cells", "50", "--depth", "50"]


def test_a_study_is_written_and_named(tmp_path):
    result = CliRunner().invoke(simulate_command, [str(tmp_path / "s"), *SMALL])
    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr == f"wrote a synthetic study of 1 subject to {tmp_path / 's'}\n"
    assert (tmp_path / "s" / "study.yaml").is_file()
    assert "--seed 1 --cells 50 --depth 50" in (tmp_path / "s" / "README.md").read_text()


def test_an_occupied_folder_ends_with_3(tmp_path, capsys):
    (tmp_path / "x").touch()
    with pytest.raises(SystemExit) as stop:
        main(["simulate", str(tmp_path), *SMALL])
    assert stop.value.code == 3
    assert "not an empty folder" in capsys.readouterr().err


def test_a_number_out_of_range_is_a_usage_error(tmp_path):
    result = CliRunner().invoke(simulate_command, [str(tmp_path / "s"), "--subjects", "0"])
    assert result.exit_code == 2
    assert not (tmp_path / "s").exists()


def test_help_loads_nothing_heavy():
    code = "import sys; from tilseq.cli.simulate import simulate_command; print({'numpy', 'polars'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
