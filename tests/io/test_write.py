import resource
import subprocess
import sys

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.io.write import csv_text, harmless, write_parquet, write_table
from tilseq.tables.outputs import QUALITY


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


def test_rows_are_written_as_the_frame_of_their_table(tmp_path):
    rows = [{"sample": "a", "check": "c", "verdict": "pass"}]
    of_rows, of_frame = (
        write_parquet(one, QUALITY, tmp_path / str(i)) for i, one in enumerate((rows, QUALITY.frame(rows)))
    )
    assert of_rows.read_bytes() == of_frame.read_bytes()


def test_a_disk_that_is_full_is_told_by_name(tmp_path):
    """A limit on the size of files stands for a full disk."""
    code = (
        "import sys; from tilseq.io.write import write_table; from tilseq.tables.outputs import QUALITY\n"
        "from tilseq.errors import RunError\n"
        "rows = [{'sample': f's{i}', 'check': 'c', 'verdict': 'pass'} for i in range(5000)]\n"
        "try: write_table(QUALITY.frame(rows), QUALITY, sys.argv[1])\n"
        "except RunError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
    )
    assert done.stdout.startswith(f"{tmp_path}/quality.parquet: cannot write: File too large")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\ta", "\ra"])
def test_every_start_of_a_formula_is_made_harmless(text):
    assert harmless(pl.DataFrame({"a": [text, "plain", None]}))["a"].to_list() == ["'" + text, "plain", None]


def test_a_number_of_a_csv_has_ten_digits_unless_it_is_whole():
    numbers = [0.19999999999999973, 2.9999999999999996, 1739.2857142857142, -0.1 - 0.2, 12345678901.0, 1e-15 / 3, None]
    text = csv_text(pl.DataFrame({"number": numbers, "count": [1234567890123] * 7}))
    assert [line.split(",")[0] for line in text.splitlines()] == [
        "number", "0.2", "3.0", "1739.285714", "-0.3", "12345678901.0", "3.333333333e-16", "",
    ]  # fmt: skip
    assert text.count("1234567890123") == 7


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_of_a_csv_is_the_nearest_of_ten_digits(number):
    written = float(csv_text(pl.DataFrame({"a": [number]})).splitlines()[1])
    assert written == (number if number == round(number) else float(f"{number:.10g}"))
