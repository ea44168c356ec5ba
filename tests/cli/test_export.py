import shutil

import polars as pl

from tests.commands import tilseq
from tilseq.cli.export import export_command
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


def test_an_infusion_after_the_data_cut_is_none(small_run, tmp_path, monkeypatch):
    study = tmp_path / "study"
    shutil.copytree(small_run.study, study)
    infusions, followup = pl.read_csv(study / "infusions.csv"), pl.read_csv(study / "clinical/followup.csv")
    day = followup["data_cut_day"][0]
    late = infusions.head(1).with_columns(infusion=pl.lit(2), day=pl.lit(day + 1), cells=pl.lit(1e9))
    infusions.vstack(late.cast(dict(infusions.schema))).write_csv(study / "infusions.csv")
    monkeypatch.setattr("tilseq.workflow.verify.check_unaltered", lambda out, root: None)
    words = [small_run.out, "--format", "adam", "-o", tmp_path / "adam", "--study", study]
    export_command.main([str(word) for word in words], standalone_mode=False)
    assert pl.read_csv(tmp_path / "adam/adsl.csv")["INFCELLS"].to_list() == infusions["cells"].to_list()


def test_what_failed_in_the_run_is_told_as_it_has_no_row(small_run, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(small_run.out, out)
    row = {"step": "clinical", "unit": "SIM-01", "error": "e", "retry": "r"}
    write_table(FAILURES.frame([row]), FAILURES, out / "tables")
    record_outputs(out, "tables")
    done = tilseq("export", out, "--format", "adam", "-o", tmp_path / "adam")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == f"note: what failed in the run has no row: {out}/tables/failures.csv (1)"
