from dataclasses import replace

import polars as pl
import pytest

from tilseq.io.write import write_table
from tilseq.plots.style import short
from tilseq.report import repertoires
from tilseq.report.figures import drawings
from tilseq.report.results import read_results
from tilseq.tables.outputs import QUALITY
from tilseq.tables.repertoire import OVERLAP


def texts(view):
    return [[f"{cell.text}|{cell.note}" if cell.note else cell.text for cell in row] for row in view.rows]


@pytest.fixture
def results(good_out):
    return read_results(good_out)


def test_what_is_most_and_least_alike_stands_with_its_limits(results):
    # hand: 0.1 + 0.005 x the days between two samples: 91 give 0.555, none 0.1
    rows = texts(repertoires.in_common(results))
    assert len(rows) == 2
    assert rows[0] == [
        "P01", "TRB", "6", "Morisita",
        "infusion product – month 3 blood|21,400 and 21,400 cells", "0.555|(0.545-0.575)",
        "screening blood – screening tumor|21,400 and 21,400 cells", "0.100|(0.090-0.120)",
    ]  # fmt: skip


def test_without_cells_the_index_of_the_samples_says_that_depth_is_in_it(good_out):
    table = pl.read_parquet(good_out / "tables" / "overlap.parquet")
    write_table(table.filter(pl.col("parameter") != "morisita"), OVERLAP, good_out / "tables")
    row = texts(repertoires.in_common(read_results(good_out)))[0]
    assert row[3:6] == [
        "Morisita-Horn|grows with depth", "infusion product – month 3 blood|52,113 and 52,113 counts", "0.278",
    ]  # fmt: skip


def test_every_pair_stands_once_in_the_order_of_days(results):
    rows = [row for row in texts(repertoires.pairs(results)) if row[0] == "P01"]
    assert len(rows) == 15
    assert rows[0] == [
        "P01", "TRB", "screening blood", "screening tumor", "52,113, 52,113", "512", "–", "0.0500",
        "0.100|(0.090-0.120)", "0.0120", "–",
    ]  # fmt: skip


def test_genes_and_lengths(results):
    row = texts(repertoires.genes(results))[0]
    # hand: 0.2 x 13 + 0.6 x 14 + 0.2 x 15 = 14
    assert row[4:] == ["TRB", "100", "TRBV20-1 60, TRBV5-1 30, TRBV9 10", "TRBJ2-7 75, TRBJ1-1 25", "14.0", "13 to 15"]


def test_depth_says_where_it_is_from_and_checks_are_shown(good_out):
    checks = [("singletons TRB", 0.0, "warn"), ("anchors TRB", 0.02, "pass"), ("left out", 0.25, "pass")]
    rows = [{"sample": "P01_0_tcr", "check": c, "value": v, "verdict": verdict} for c, v, verdict in checks]
    write_table(QUALITY.frame(rows), QUALITY, good_out / "tables")
    first, second = texts(repertoires.depth(read_results(good_out)))[:2]
    assert first[5:] == ["52,113", "UMIs", "36,000|declared", "21,400", "0|see quality", "2", "25"]
    assert second[-3:] == ["–", "–", "–"]


def test_maps_take_the_locus_of_most_samples_and_of_two_alike_trb(results):
    twice = results.tables["overlap"]
    other = twice.with_columns(locus=pl.lit("TRA"))
    alike = next(repertoires.maps(_with(results, pl.concat([other, twice]))))
    assert alike[:2] == ("P01", "TRB")
    assert alike[4][:3] == ["screening blood", "screening tumor", "infusion product"]
    fewer = twice.filter(pl.col("sample_a") != "P01_0_tcr", pl.col("sample_b") != "P01_0_tcr")
    assert next(repertoires.maps(_with(results, pl.concat([other, fewer]))))[1] == "TRA"


def test_what_speaks_against_a_sample_stands_beside_it_in_pairs_and_maps(results):
    states = pl.col("sample").replace_strict({"P01_0_tcr": "fail", "P01_5_tcr": "warn"}, default="ok")
    samples = results.tables["samples"].with_columns(state=states)
    doubted = replace(results, tables={**results.tables, "samples": samples})
    row = texts(repertoires.in_common(doubted))[0]
    assert row[4] == "infusion product – month 3 blood|21,400 and 21,400 cells; month 3 blood with warnings"
    assert row[6] == "screening blood – screening tumor|21,400 and 21,400 cells; screening blood failed quality"
    assert texts(repertoires.pairs(doubted))[0][2:4] == ["screening blood|failed quality", "screening tumor"]
    drawn = next(repertoires.maps(doubted))[4][:2]
    assert drawn == ["screening blood (failed)", "screening tumor"]
    assert short(drawn[0]) == drawn[0]
    assert repertoires.failed(doubted) == "In figures of diversity as measured, though they failed quality: P01_0_tcr."
    fine = replace(results, tables={**results.tables, "samples": samples.with_columns(state=pl.lit("ok"))})
    assert repertoires.failed(fine) == ""


def test_a_map_says_what_is_grey_where_a_pair_has_no_value(results):
    shared = results.tables["overlap"]
    of_pair = (pl.col("sample_a") == "P01_0_tcr") & (pl.col("sample_b") == "P01_1_tcr")
    shared = shared.with_columns(value=pl.when(~of_pair).then("value"))
    captions = {one.name: one.caption for one in drawings(_with(results, shared))}
    grey = "Grey is a pair without a value."
    assert captions["repertoire_P01_TRB"].endswith(grey) and grey not in captions["repertoire_P02_TRB"]


def test_a_map_in_words():
    pairs = pl.DataFrame(
        {"sample_a": ["a", "a", "b"], "sample_b": ["b", "c", "c"], "value": [0.5, 0.25, None],
         "lower": [0.4, None, None], "upper": [0.6, None, None]}
    )  # fmt: skip
    assert repertoires.in_words(pairs) == "most in common have a and b 0.50 (0.40-0.60), least a and c 0.250"
    assert repertoires.in_words(pairs.filter(sample_a="b")) == "no pair has a value"


def test_most_in_common_is_what_is_surely_so():
    pairs = pl.DataFrame(
        {"sample_a": ["a", "a", "b"], "sample_b": ["b", "c", "c"], "value": [1.0, 0.9, 0.2],
         "lower": [0.56, 0.85, None], "upper": [1.0, 0.95, None]}
    )  # fmt: skip
    told = "most in common have a and c 0.90 (0.85-0.95), whose lower limit is highest, least b and c 0.200"
    assert repertoires.in_words(pairs) == told


def test_an_overlap_of_repertoires_is_at_most_1(results):
    shared = results.tables["overlap"]
    first = pl.int_range(pl.len()) == shared.with_row_index().filter(parameter="morisita")["index"][0]
    above = shared.with_columns(
        value=pl.when(first).then(1.06).otherwise("value"),
        lower=pl.when(first).then(0.56).otherwise("lower"),
        upper=pl.when(first).then(1.06).otherwise("upper"),
    )
    row = above.filter(first).row(0, named=True)
    changed = _with(results, above)
    locus, own = next((locus, pairs) for _, locus, pairs, *_ in repertoires.maps(changed))
    assert own.filter(value=1)["upper"].to_list() == [1] and row["value"] == 1.06
    assert "1.00" in [cell.text for view in repertoires.pairs(changed).rows for cell in view]


def test_a_run_without_repertoires_says_so(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    empty = read_results(tmp_path)
    views = [getattr(repertoires, name)(empty) for name in ("depth", "in_common", "pairs", "genes")]
    assert [len(view.rows) for view in views] == [0] * 4
    assert views[1].empty == "The run wrote no table `overlap`."


def _with(results, shared):
    return replace(results, tables={**results.tables, "overlap": shared})
