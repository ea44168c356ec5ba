import subprocess
import sys
from typing import get_args

import polars as pl
import pytest
from click.testing import CliRunner

from tests.commands import exit_code
from tilseq.cli import simulate as cli
from tilseq.simulate.design import Assay, Confounders, Design, read_design

SMALL = ["--subjects", "1", "--visits", "D7", "--assays", "tcr", "--depth", "50"]


def ends(capsys, *arguments):
    return exit_code("simulate", *arguments), capsys.readouterr().err


@pytest.fixture
def asked(monkeypatch):
    """Catch what would be simulated: folder, design and cores."""
    calls = []
    monkeypatch.setattr(
        "tilseq.simulate.trial.simulate_trial", lambda *given, progress, **named: calls.append((*given, named))
    )
    return calls


def test_a_study_is_written_and_named(tmp_path):
    result = CliRunner().invoke(cli.simulate_command, [str(tmp_path / "s"), *SMALL, "--seed", "3"])
    assert result.exit_code == 0
    assert result.stdout == ""
    folder = tmp_path / "s"
    assert result.stderr.splitlines() == [
        f"wrote a synthetic study of 1 subject to {folder}, its truth to {folder}/truth",
        f"next: tilseq check {folder}",
    ]
    samples = pl.read_csv(tmp_path / "s" / "samples.csv")
    assert samples["sample"].to_list() == ["SIM-01_harvest_tcr", "SIM-01_product_tcr", "SIM-01_D7_tcr"]
    assert read_design(tmp_path / "s" / "design.yaml") == Design(
        subjects=1, visits=["D7"], assays=["tcr"], depth=50, seed=3
    )


def test_the_design_that_a_study_keeps_writes_the_same_bytes(tmp_path):
    run = CliRunner().invoke
    assert run(cli.simulate_command, [str(tmp_path / "a"), *SMALL]).exit_code == 0
    again = [str(tmp_path / "b"), "--design", str(tmp_path / "a" / "design.yaml")]
    assert run(cli.simulate_command, again).exit_code == 0
    one, other = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in "ab"
    )
    assert len(one) > 10
    assert one == other


def test_without_options_the_default_trial_is_written(tmp_path, asked):
    result = CliRunner().invoke(cli.simulate_command, [str(tmp_path)])
    assert result.exit_code == 0
    assert asked == [(tmp_path, Design(), {"cores": 1})]
    assert result.stderr.startswith("wrote a synthetic study of 4 subjects to ")


def test_each_option_is_a_setting_of_the_design(tmp_path, asked):
    given = (
        "--subjects 6 --visits baseline,D7 --assays tcr,flow --depth 7 --cells 8 --single-cells 9 --seed 5 --cores 2"
    )
    confounders = "--confounder swapped_pair --confounder clone_in_baseline"
    CliRunner().invoke(cli.simulate_command, [str(tmp_path), *given.split(), *confounders.split()])
    design = Design(
        subjects=6,
        visits=["baseline", "D7"],
        assays=["tcr", "flow"],
        depth=7,
        cells=8,
        single_cells=9,
        seed=5,
        confounders=Confounders.model_validate({"swapped_pair": {}, "clone_in_baseline": {}}),
    )
    assert asked == [(tmp_path, design, {"cores": 2})]


def test_options_count_for_more_than_the_design(tmp_path, asked):
    path = tmp_path / "design.yaml"
    path.write_text("subjects: 2\nseed: 9\nbeads: 77\n")
    CliRunner().invoke(cli.simulate_command, [str(tmp_path / "s"), "--design", str(path), "--seed", "4"])
    assert asked[0][1] == Design(subjects=2, seed=4, beads=77)


def test_names_are_those_of_the_design():
    assert get_args(Assay) == cli.ASSAYS
    assert tuple(Confounders.model_fields) == cli.CONFOUNDERS


def test_the_defaults_that_help_tells_are_those_of_the_design():
    told = {option.name: option.help for option in cli.simulate_command.params if getattr(option, "help", None)}
    defaults = Design()
    for name in ("subjects", "depth", "cells", "single_cells", "seed"):
        assert f"({getattr(defaults, name)})" in told[name]
    assert "(all eight)" in told["visits"]
    assert len(defaults.visits) == 8


def test_an_occupied_folder_ends_with_3(tmp_path, capsys):
    (tmp_path / "x").touch()
    code, told = ends(capsys, tmp_path, *SMALL)
    assert code == 3
    assert "not an empty folder" in told
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--subjects", "0"], "option --subjects: this value cannot stand here; found 0"),
        (["--visits", "baseline,D07"], "there is no visit 'D07'; did you mean 'D7'?"),
        (["--visits", "D7,D7"], "a visit is named twice"),
        (
            ["--confounder", "swapped_pair", "--subjects", "3"],
            "found 'SIM-04_D7_tcr'; the trial has 3 subjects; name another sample in the design",
        ),
        (
            ["--confounder", "batch_shift", "--visits", "D7"],
            "no such visit for the confounder batch_shift; found 'D28'",
        ),
        (["--confounder", "public_clone", "--design", "none.yaml"], "none.yaml: cannot read"),
    ],
)
def test_what_cannot_be_simulated_ends_with_3(tmp_path, capsys, options, told):
    code, error = ends(capsys, tmp_path / "s", *options)
    assert code == 3
    assert told in error
    assert "Traceback" not in error
    assert not (tmp_path / "s").exists()


def test_a_confounder_of_libraries_concerns_no_other_sample(tmp_path, capsys):
    (tmp_path / "design.yaml").write_text("confounders: {failed_library: {sample: SIM-01_D7_flow}}\n")
    code, error = ends(capsys, tmp_path / "s", "--design", tmp_path / "design.yaml")
    assert code == 3
    assert "found 'SIM-01_D7_flow'; did you mean 'SIM-01_D7_tcr'?" in error


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--assays", "tcr,blod"], "'blod' is none of flow, ics, cytokine, tcr, bcr, scrna, bulk_rna, clinic."),
        (["--confounder", "swaped_pair"], "'swaped_pair' is not one of"),
        (["--subjects", "many"], "'many' is not a valid integer"),
        (["--cores", "0"], "0 is not in the range"),
        ([], "Missing argument 'DIR'"),
    ],
)
def test_a_slip_of_usage_ends_with_2(tmp_path, capsys, options, told):
    code, error = ends(capsys, *([tmp_path / "s"] if options else []), *options)
    assert code == 2
    assert told in error
    assert not (tmp_path / "s").exists()


def test_help_loads_nothing_heavy():
    heavy = {"numpy", "polars", "pydantic", "yaml", "scipy", "pandas", "h5py", "anndata"}
    code = (
        "import sys\nfrom tilseq.cli import main\n"
        "try: main(['simulate', '--help'])\n"
        f"finally: print({heavy!r} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "set()\n"
    assert "--confounder" in done.stdout
