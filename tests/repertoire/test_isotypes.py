import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.errors import AnalysisError, TableError
from tilseq.repertoire import isotypes
from tilseq.repertoire.isotypes import isotype_class


def sequences(*calls, counts=1, families=None, locus="IGH"):
    frame = pl.DataFrame({"c_call": pl.Series(calls, dtype=pl.String), "locus": locus, "duplicate_count": counts})
    return frame if families is None else frame.with_columns(family_id=pl.Series(families, dtype=pl.String))


def numbers(table, **where):
    return {(row["level"], row["isotype"]): row["number"] for row in table.filter(**where).iter_rows(named=True)}


@pytest.mark.parametrize(
    ("call", "isotype"),
    [
        ("IGHG1*01", "IGHG"),
        ("IGHG1,IGHG2", "IGHG"),
        ("Homsap IGHA1*02 F", "IGHA"),
        ("IGHM", "IGHM"),
        ("ighm", "IGHM"),
        ("IGHM,IGHD", None),
        ("IGHGP", "IGHG"),
        ("", None),
        ("IGKC", None),
        (None, None),
    ],
)
def test_class_of_a_call(call, isotype):
    assert pl.DataFrame({"c": [call]}, schema={"c": pl.String}).select(isotype_class("c")).item() == isotype


def test_sequences_and_counts_are_shared_out():
    table = sequences("IGHM", "IGHM", "IGHG1*01", "IGHG2", "IGHG", None, counts=[5, 1, 3, 1, 2, 8])
    found = isotypes(table, sample="s", count_of="cells")
    assert numbers(found, unit="sequences") == {
        ("class", "IGHM"): 2, ("class", "IGHG"): 3, ("class", "unassigned"): 1, ("switched", "switched"): 3,
        ("subclass", "IGHM"): 2, ("subclass", "IGHG1"): 1, ("subclass", "IGHG2"): 1, ("subclass", "IGHG"): 1,
        ("subclass", "unassigned"): 1,
    }  # fmt: skip
    switched = found.filter(unit="counts", level="switched").row(0, named=True)
    assert (switched["number"], switched["total"], switched["share"]) == (6, 12, 0.5)
    # R: binom.test(6, 12)
    assert (switched["lower"], switched["upper"]) == pytest.approx((0.210944638239, 0.789055361761), abs=1e-9)
    unassigned = found.filter(unit="counts", level="class", isotype="unassigned").row(0, named=True)
    assert (unassigned["number"], unassigned["total"], unassigned["share"]) == (8, 20, None)
    assert found.filter(unit="sequences")["lower"].null_count() == found.filter(unit="sequences").height
    for count_of in ("umis", "reads"):  # of cells that are not known
        assert isotypes(table, sample="s", count_of=count_of).filter(unit="counts")["lower"].is_null().all()


@pytest.mark.parametrize("count_of", ["reads", "umis"])
def test_limits_of_counts_rest_on_the_cells_behind_them(count_of):
    table = sequences("IGHM", "IGHG1", None, counts=[30, 30, 20])
    found = isotypes(table, sample="s", count_of=count_of, n_effective=16)
    switched = found.filter(unit="counts", level="switched").row(0, named=True)
    assert (switched["number"], switched["total"], switched["share"]) == (30, 60, 0.5)
    # Of 16 cells a quarter has no isotype. R: binom.test(6, 12)
    assert (switched["lower"], switched["upper"]) == pytest.approx((0.210944638239, 0.789055361761), abs=1e-9)
    with pytest.raises(AnalysisError, match="cannot exceed its counts"):
        isotypes(table, sample="s", n_effective=81)
    assert not isotypes(table.clear(), sample="s", n_effective=16).height


def test_alleles_of_one_subclass_are_that_subclass():
    # IgBLAST parts alleles that fit as well by commas
    found = isotypes(sequences("IGHG1*01,IGHG1*02", "IGHG1*01,IGHG2*01", "IGHG1*01,IGHG", "IGHA2", "IGHE"), sample="s")
    assert numbers(found, unit="sequences", level="subclass") == {
        ("subclass", "IGHG1"): 1, ("subclass", "IGHG"): 2, ("subclass", "IGHA2"): 1, ("subclass", "IGHE"): 1,
    }  # fmt: skip


def test_counts_that_are_no_molecules_have_no_limits():
    found = isotypes(sequences("IGHM", "IGHG"), sample="s", count_of="reads")
    assert found.filter(unit="counts")["share"].to_list() == [0.5, 0.5, 0.5]
    assert found["lower"].null_count() == found.height
    assert "subclass" not in found["level"]  # no call names one


def test_a_family_counts_once_by_most_of_its_sequences():
    table = sequences(
        *("IGHM", "IGHG1", "IGHG1"),  # mixed, IGHG by number
        *("IGHG1", "IGHM"),  # mixed, as many of each: the first in the order of the genes
        *("IGHA1", "IGHA2"),  # switched
        None,  # unassigned
        "IGHM",
        families=["a"] * 3 + ["b"] * 2 + ["c"] * 2 + ["d", "e"],
    )
    found = isotypes(table, sample="s")
    assert numbers(found, unit="families") == {
        ("class", "IGHM"): 2, ("class", "IGHG"): 1, ("class", "IGHA"): 1, ("class", "unassigned"): 1,
        ("switched", "switched"): 2, ("mixed", "mixed"): 2,
        ("subclass", "IGHM"): 2, ("subclass", "IGHG1"): 1, ("subclass", "IGHA1"): 1, ("subclass", "unassigned"): 1,
    }  # fmt: skip
    assert found.filter(level="mixed")["total"].to_list() == [3]
    # R: binom.test(2, 4)
    limits = found.filter(unit="families", level="switched").select("lower", "upper").row(0)
    assert limits == pytest.approx((0.0675859864885, 0.9324140135115), abs=1e-9)


def test_light_chains_and_tables_without_isotypes():
    assert isotypes(sequences("IGKC", locus="IGK"), sample="s").height == 0
    assert isotypes(sequences("IGHM").clear(), sample="s").height == 0
    found = isotypes(sequences(None, None, families=["a", "a"]), sample="s")
    assert found.select("unit", "isotype", "number", "share").rows() == [
        ("counts", "unassigned", 2, None),
        ("families", "unassigned", 1, None),
        ("sequences", "unassigned", 2, None),
    ]
    with pytest.raises(TableError, match="column c_call"):
        isotypes(sequences("IGHM").drop("c_call"), sample="s")


@given(st.lists(st.tuples(st.sampled_from(["IGHM", "IGHG1", "IGHA", None]), st.integers(1, 9)), min_size=1))
def test_shares_of_a_level_sum_to_1_whatever_the_order(rows):
    table = sequences(*(call for call, _ in rows), counts=[count for _, count in rows])
    found = isotypes(table, sample="s")
    assert found.equals(isotypes(table.reverse(), sample="s"))
    for _, part in found.filter(pl.col("level") != "switched").group_by("unit", "level"):
        assigned = part.filter(pl.col("isotype") != "unassigned")
        assert assigned["number"].sum() in (0, assigned["total"].max())
        assert assigned.height == 0 or assigned["share"].sum() == pytest.approx(1)
