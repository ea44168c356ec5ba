import shutil

import polars as pl

from tests.commands import tilseq
from tilseq.io.write import write_table
from tilseq.tables.outputs import FAILURES
from tilseq.workflow.written import record_outputs


def test_a_run_is_exported_and_one_that_was_changed_since_is_refused(small_run, tmp_path):
    out, adam = tmp_path / "out", tmp_path / "adam"
    shutil.copytree(small_run.out, out)
    done = tilseq("export", out, "--format", "adam", "-o", adam)
    assert done.returncode == 0, done.stderr
    names = ["adsl", "adtte", "adtr", "adrs", "adlb", "adae", "adbm"]
    heights = [pl.read_parquet(adam / f"{name}.parquet").height for name in names]
    assert done.stderr.splitlines() == [f"{adam}/{name}.csv: {n} rows" for name, n in zip(names, heights, strict=True)]
    assert heights[0] == 1
    times = pl.read_csv(adam / "adtte.csv").filter(PARAMCD="OS")
    recorded = pl.read_csv(out / "tables" / "time_to_event.csv").filter(parameter="OS")
    assert times["AVAL"].to_list() == recorded["days"].to_list()
    assert (times["ADY"] - 1).to_list() == recorded["end_day"].to_list()

    with open(out / "tables" / "endpoints.csv", "a") as stream:
        stream.write("\n")
    done = tilseq("export", out, "--format", "adam", "-o", adam)
    assert done.returncode == 3
    assert "tables/endpoints.csv: this was changed; `tilseq verify` tells of all files" in done.stderr


def test_what_failed_in_the_run_is_told_as_it_has_no_row(small_run, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(small_run.out, out)
    row = {"step": "clinical", "unit": "SIM-01", "error": "e", "retry": "r"}
    write_table(FAILURES.frame([row]), FAILURES, out / "tables")
    record_outputs(out, "tables")
    done = tilseq("export", out, "--format", "adam", "-o", tmp_path / "adam")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == f"note: what failed in the run has no row: {out}/tables/failures.csv (1)"
