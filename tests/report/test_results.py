import pytest

from tilseq.errors import ReadError, RunError
from tilseq.io.write import write_table
from tilseq.report.results import read_results
from tilseq.tables import outputs, tracking
from tilseq.tables.of_run import GATHERED


def test_every_table_of_a_run_is_there_by_its_name(tmp_path):
    row = {"sample": "S1_D7", "locus": "TRB", "junction": "TGTTTT", "duplicate_count": 3, "call": "present"}
    write_table(tracking.CLONES.frame([row]), tracking.CLONES, tmp_path / "tables")
    results = read_results(tmp_path)
    assert results.tables["clones"]["duplicate_count"].to_list() == [3]
    assert set(results.tables) == {*(table.name for table in GATHERED), "samples", "failures"}
    assert "trend" in results.tables and "trend" in results.absent and results.tables["trend"].is_empty()
    assert results.tables["trend"].columns == list(tracking.TREND.names)
    assert "clones" not in results.absent and "neighbours" not in results.tables


def test_a_name_of_no_table_is_told(tmp_path):
    write_table(outputs.SAMPLES_RUN.frame(), outputs.SAMPLES_RUN, tmp_path / "tables")
    with pytest.raises(RunError, match="no run writes this table; found 'clonse'; did you mean 'clones'"):
        read_results(tmp_path).tables["clonse"]


def test_a_table_that_cannot_be_read_is_told_when_it_is_asked_for(tmp_path):
    write_table(outputs.SAMPLES_RUN.frame(), outputs.SAMPLES_RUN, tmp_path / "tables")
    (tmp_path / "tables" / "clones.parquet").write_bytes(b"PAR1")
    results = read_results(tmp_path)
    with pytest.raises(ReadError, match=r"clones.parquet: cannot read this table"):
        results.tables["clones"]


def test_results_at_the_end_of_a_cell_are_one_line(tmp_path):
    write_table(outputs.SAMPLES_RUN.frame(), outputs.SAMPLES_RUN, tmp_path / "tables")
    assert repr(read_results(tmp_path)) == f"Results({tmp_path}: 1 table, 80 not written)"


def test_a_table_without_samples_has_none_beside_it(tmp_path):
    write_table(outputs.SAMPLES_RUN.frame(), outputs.SAMPLES_RUN, tmp_path / "tables")
    with pytest.raises(RunError, match="this table names no sample; found 'origins'; its own columns say"):
        read_results(tmp_path).with_sample("origins")
