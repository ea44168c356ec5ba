import polars as pl
import pytest

from tilseq.errors import TableError
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
