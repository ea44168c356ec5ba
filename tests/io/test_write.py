import os
import stat

import polars as pl
import pytest

from tilseq.errors import RunError
from tilseq.io.write import atomic, harmless, write_json, write_table
from tilseq.tables.outputs import QUALITY


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic(path) as stream:
        stream.write(b"half")
        1 / 0  # noqa: B018
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path):
    with pytest.raises(RunError, match="No space left"), atomic(tmp_path / "a.bin") as stream:
        raise OSError(28, "No space left on device")
    assert stream.closed
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot write"), atomic(tmp_path / "file" / "a.txt"):
        pass


def test_files_get_the_permissions_of_ordinary_files(tmp_path):
    write_json(tmp_path / "a.json", {"a": 1})
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) & 0o400


def test_the_csv_twin_runs_no_formula_and_the_parquet_is_lossless(tmp_path):
    rows = [
        {"sample": "=cmd|' /C calc'!A0", "check": "share", "value": -1.5, "verdict": "pass"},
        {"sample": "+1", "check": "share", "value": 2.0, "verdict": "fail", "reason": "@sum"},
    ]
    write_table(QUALITY.frame(rows), QUALITY, tmp_path)
    assert (tmp_path / "quality.csv").read_text() == (
        "sample,check,value,limit,verdict,reason\n'+1,share,2.0,,fail,'@sum\n'=cmd|' /C calc'!A0,share,-1.5,,pass,\n"
    )
    assert pl.read_parquet(tmp_path / "quality.parquet")["sample"].to_list() == ["+1", "=cmd|' /C calc'!A0"]


def test_the_same_table_is_written_byte_by_byte_the_same(tmp_path):
    frame = QUALITY.frame([{"sample": f"s{i}", "check": "c", "verdict": "pass"} for i in range(1000)])
    write_table(frame, QUALITY, tmp_path / "a")
    write_table(frame.reverse(), QUALITY, tmp_path / "b")
    for name in ("quality.csv", "quality.parquet"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_nan_is_no_json(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"a": float("nan")})


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\ta", "\ra"])
def test_every_start_of_a_formula_is_made_harmless(text):
    assert harmless(pl.DataFrame({"a": [text, "plain", None]}))["a"].to_list() == ["'" + text, "plain", None]
