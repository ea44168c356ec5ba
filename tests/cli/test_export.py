import shutil

import polars as pl

from tests.commands import tilseq


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
