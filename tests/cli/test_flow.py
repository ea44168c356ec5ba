import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from tilseq.cli import root
from tilseq.tables.outputs import COUNTS


@pytest.fixture
def tubes(shared_data: Path) -> Path:
    return shared_data / "flow"


def run(*arguments: object) -> tuple[Result, int]:
    result = CliRunner().invoke(root, [str(part) for part in arguments], standalone_mode=False)
    assert result.exception is None, result.exception
    return result, result.return_value or 0


def test_counts_of_two_tubes(tubes: Path, tmp_path: Path) -> None:
    out = tmp_path / "counts.csv"
    result, code = run("flow", "count", tubes / "itn/itn_01.fcs", tubes / "itn/itn_02.fcs", "-o", out)
    assert code == 0
    frame = pl.read_csv(out)
    assert frame.columns == COUNTS.names
    assert frame["sample"].unique(maintain_order=True).to_list() == ["itn_01", "itn_02"]
    assert result.stdout == ""
    assert "itn_01: CD4:CD8 9.58, warn" in result.stderr


def test_one_bad_file_does_not_stop_the_others(tubes: Path) -> None:
    bad, good = tubes / "odd/corrupted.fcs", tubes / "itn/itn_03.fcs"
    result, code = run("flow", "count", bad, good)
    assert code == 4
    assert set(pl.read_csv(result.stdout.encode())["sample"]) == {"itn_03"}
    assert str(bad) in result.stderr


def test_a_tube_without_the_panel_is_told_with_its_name(tubes: Path) -> None:
    other = tubes / "odd/G11.fcs"
    result, code = run("flow", "count", other)
    assert code == 3
    assert result.stdout == ""
    assert f"tilseq: {other}: no channel for CD3, CD4, CD8" in result.stderr


def test_two_files_of_one_name_are_not_mixed(tubes: Path, tmp_path: Path) -> None:
    twin = tmp_path / "itn_01.fcs"
    shutil.copy(tubes / "itn/itn_02.fcs", twin)
    arguments = ["flow", "count", str(tubes / "itn/itn_01.fcs"), str(twin)]
    result = CliRunner().invoke(root, arguments)
    assert result.exit_code == 2
    assert "two files are both sample 'itn_01'" in result.stderr


def test_a_panel_names_channels_and_thresholds(tubes: Path, tmp_path: Path) -> None:
    panel = tmp_path / "panel.yaml"
    panel.write_text("markers: {CD4: [CD8], CD8: [CD4]}\nthresholds: {CD3: 60}\n")
    plain, _ = run("flow", "count", tubes / "itn/itn_03.fcs")
    swapped, code = run("flow", "count", tubes / "itn/itn_03.fcs", "--panel", panel)
    assert code == 0
    first, second = (pl.read_csv(result.stdout.encode()) for result in (plain, swapped))
    events = [dict(frame.select("population", "events").rows()) for frame in (first, second)]
    assert events[0]["CD4+ T"] == pytest.approx(events[1]["CD8+ T"], rel=0.05)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("markers: {CD3: CD3}\n", "row 1, column markers.CD3: the panel cannot be used"),
        ("marker: {}\n", "row 1, column marker: the panel cannot be used"),
        ("- CD3\n", "the panel cannot be used"),
        ("thresholds: {CD3: .nan}\n", "the panel cannot be used"),
        ("thresholds: {CD3: 1}\nthresholds: {CD3: 2}\n", "row 2"),
    ],
)
def test_a_faulty_panel_is_refused_by_row(tubes: Path, tmp_path: Path, text: str, message: str) -> None:
    from tilseq.errors import TilseqError

    panel = tmp_path / "panel.yaml"
    panel.write_text(text)
    arguments = ["flow", "count", str(tubes / "itn/itn_03.fcs"), "--panel", str(panel)]
    result = CliRunner().invoke(root, arguments, standalone_mode=False)
    assert isinstance(result.exception, TilseqError)
    assert message in str(result.exception)


def test_inspect_shows_channels_and_what_they_are_taken_for(tubes: Path) -> None:
    result, code = run("flow", "inspect", tubes / "flowsom_68983/68983.fcs")
    assert code == 0
    lines = result.stdout.splitlines()
    assert lines[0].endswith("68983.fcs: 19,225 events, 18 channels")
    assert "  PE-Cy7-A           CD3                   CD3" in lines
    assert lines[-1].startswith("  spillover: FITC-A, Pacific Blue-A")


def test_inspect_as_json_without_what_names_a_person(tubes: Path) -> None:
    from tilseq.io.fcs import read_fcs

    keywords = read_fcs(tubes / "flowsom_68983/68983.fcs").keywords
    result, code = run("flow", "inspect", "--json", tubes / "flowsom_68983/68983.fcs", tubes / "odd/corrupted.fcs")
    assert code == 4
    (tube,) = json.loads(result.stdout)
    assert tube["events"] == 19225
    assert {"channel": "Pacific Blue-A", "marker": "CD8", "taken_for": "CD8"} in tube["channels"]
    assert tube["compensated"] is False
    for keyword in ("EXPORT USER NAME", "EXPERIMENT NAME", "GUID"):
        assert keywords[keyword] not in result.stdout


@pytest.mark.parametrize("command", ["inspect", "count"])
def test_help_ends_with_an_example(command: str) -> None:
    result, _ = run("flow", command, "--help")
    assert f"Example:\n  tilseq flow {command} day0.fcs day28.fcs" in result.stdout
