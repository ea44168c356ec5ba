import sys
import time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tilseq.errors import AnalysisError, TableError
from tilseq.repertoire import effective_clones, presence


def sample(counts, n, locus="TRB"):
    table = pl.DataFrame({"locus": locus, "junction": list(counts), "duplicate_count": list(counts.values())})
    return effective_clones(table, n)


WANTED = pl.DataFrame({"locus": "TRB", "junction": ["a", "z"]})


def test_calls_limits_and_limits_of_detection():
    found = presence({"deep": sample({"a": 7, "b": 4993}, 5000), "shallow": sample({"b": 100}, 100)}, WANTED)
    rows = {(row["sample"], row["junction"]): row for row in found.to_dicts()}
    assert {key: row["call"] for key, row in rows.items()} == {
        ("deep", "a"): "present",
        ("deep", "z"): "absent",
        ("shallow", "a"): "indeterminate",
        ("shallow", "z"): "indeterminate",
    }
    a = rows["deep", "a"]
    # 7 of 5000 by R's binom.test
    assert (a["lower"], a["frequency"], a["upper"]) == pytest.approx((0.00056305202429, 0.0014, 0.00288239435280))
    z = rows["shallow", "z"]
    assert (z["frequency"], z["lower"]) == (0, 0)
    assert z["upper"] == pytest.approx(1 - 0.025 ** (1 / 100))
    assert z["limit_of_detection"] == pytest.approx(1 - 0.05 ** (1 / 100))


def test_where_the_cells_are_not_known_nothing_is_absent_nor_zero():
    found = presence({"s": sample({"a": 7, "b": 93}, None)}, WANTED)
    assert found.select("junction", "frequency", "lower", "upper", "limit_of_detection", "call").rows() == [
        ("a", 0.07, None, None, None, "present"),
        ("z", None, None, None, None, "indeterminate"),
    ]


def test_the_threshold_decides_what_absent_means():
    for threshold, call in ((0.0005, "indeterminate"), (0.0006, "absent")):  # the limit of 5000 cells is 0.000599
        found = presence({"s": sample({"b": 5000}, 5000)}, WANTED, threshold=threshold)
        assert set(found["call"]) == {call}


def test_a_locus_that_the_sample_lacks_has_no_row():
    assert presence({"s": sample({"a": 5}, 5, "TRA")}, WANTED).height == 0
    assert presence({}, WANTED).height == 0
    with pytest.raises(TableError, match="needs this column"):
        presence({}, WANTED.drop("locus"))


class Loaded(dict):
    """Samples made as they are asked for, and how many were being made at once."""

    now = most = 0

    def __getitem__(self, name):
        self.now += 1
        self.most = max(self.most, self.now)
        time.sleep(0.002)
        self.now -= 1
        return super().__getitem__(name)


@pytest.mark.parametrize("processors", [None, 1, 3, 64])
def test_samples_are_shared_among_processors_and_made_one_at_a_time(processors, monkeypatch):
    monkeypatch.setattr(sys.modules["tilseq.repertoire.presence"], "cpu_count", lambda: processors)
    samples = Loaded({f"s{i}": sample({"a": i, "b": 100 - i}, 100) for i in range(1, 8)})
    found = presence(samples, WANTED)
    assert found.filter(junction="a").select("sample", "duplicate_count").rows() == [(f"s{i}", i) for i in range(1, 8)]
    assert found.height == 14
    assert samples.most == 1


def test_the_first_faulty_sample_is_told():
    samples = {"a": sample({"a": 1}, 1), "b": WANTED, "c": WANTED.drop("locus")}
    with pytest.raises(TableError, match=r"duplicate_count.*locus, junction"):
        presence(samples, WANTED)


def test_of_a_clonotype_table_rows_of_one_clone_are_summed():
    table = pl.DataFrame({"locus": "TRB", "junction": ["a", "b", "a"], "duplicate_count": [3, 4993, 4]})
    (found,) = presence({"s": table}, WANTED.head(1), n_effective={"s": 5000.0}).to_dicts()
    # 7 of 5000 by R's binom.test
    assert (found["duplicate_count"], found["frequency"]) == (7, 0.0014)
    assert (found["lower"], found["upper"]) == pytest.approx((0.00056305202429, 0.00288239435280))


def test_nucleotides_of_a_clonotype_table_are_found_in_either_case():
    table = pl.DataFrame({"locus": "TRB", "junction": ["tgtGCC", "TGTGCC", "TGTTTC"], "duplicate_count": [3, 4, 5]})
    clones = pl.DataFrame({"locus": "TRB", "junction": ["TGTgcc", "tgtttc"]})
    assert presence({"s": table}, clones, n_effective={"s": 12.0})["duplicate_count"].to_list() == [7, 5]


ROWS = st.tuples(st.sampled_from(("TRA", "TRB")), st.text("abc", min_size=1, max_size=2), st.integers(1, 9))
DEPTHS = st.one_of(st.none(), st.just(1.0), st.fixed_dictionaries({}, optional={"TRA": st.none(), "TRB": st.just(1)}))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.lists(ROWS), DEPTHS), max_size=3), st.lists(ROWS, min_size=1))
def test_clonotype_tables_and_their_effective_clones_give_the_same(samples, wanted):
    types = {"locus": pl.String, "junction": pl.String, "duplicate_count": pl.Int64}
    tables = {str(i): pl.DataFrame(rows, types, orient="row") for i, (rows, _) in enumerate(samples)}
    depths = {str(i): n for i, (_, n) in enumerate(samples)}
    looked_for = pl.DataFrame(wanted, types, orient="row")
    found = presence(tables, looked_for, n_effective=depths)
    assert_frame_equal(found, presence({s: effective_clones(tables[s], depths[s]) for s in tables}, looked_for))
    counted = {
        (s, *clone): sum(n for *own, n in rows.rows() if own == clone)
        for s, rows in tables.items()
        for clone in ([*row[:2]] for row in wanted)
        if clone[0] in set(rows["locus"])
    }
    assert {row[:3]: row[3] for row in found.iter_rows()} == counted


def test_junctions_of_one_hash_are_not_one_clone(monkeypatch):
    wanted = sys.modules["tilseq.repertoire.presence"]._Wanted
    monkeypatch.setattr(wanted, "_hashes_of", lambda _, junctions: junctions.str.len_bytes().cast(pl.Int64).to_numpy())
    table = pl.DataFrame({"locus": "TRB", "junction": ["b", "zz", "zzz"], "duplicate_count": [1, 2, 3]})
    clones = pl.DataFrame({"locus": "TRB", "junction": ["a", "zz"]})
    assert presence({"s": table}, clones, n_effective={"s": 6.0})["duplicate_count"].to_list() == [0, 2]


def test_samples_that_are_no_tables_and_depths_beyond_them_are_refused():
    table = pl.DataFrame({"locus": "TRB", "junction": ["a"], "duplicate_count": [3]})
    with pytest.raises(TableError, match="where `n_effective` is not given, needs this column"):
        presence({"s": table}, WANTED)
    with pytest.raises(AnalysisError, match="cannot exceed its counts"):
        presence({"s": table}, WANTED, n_effective={"s": 4.0})
    with pytest.raises(TableError, match="whole number above 0"):
        presence({"s": table.with_columns(duplicate_count=0)}, WANTED, n_effective={})
