from itertools import product

import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.repertoire import ProductLot
from tilseq.repertoire.product_lots import lots_apart, product_of


def table(locus="TRB", **counts):
    return pl.DataFrame({"locus": locus, "junction": list(counts), "duplicate_count": list(counts.values())})


def test_lots_put_together_by_hand():
    lots = [ProductLot("a", table(AAA=30, CCC=10), {"TRB": 40}), ProductLot("b", table(AAA=5, GGG=15), {"TRB": 20})]
    found = product_of(lots)
    clones = found.of("TRB").sort("junction")
    assert clones.select("junction", "product_count", "product_lots").rows() == [
        ("AAA", 35, "a;b"), ("CCC", 10, "a"), ("GGG", 15, "b"),
    ]  # fmt: skip
    # the mean of the shares: (30/40 + 5/20) / 2, (10/40) / 2, (15/20) / 2
    assert clones["product_share"].to_list() == [0.5, 0.125, 0.375]
    assert found.n_effective == {"TRB": 60}


def test_libraries_that_count_different_things_count_what_is_not_known():
    umis = ProductLot("a", table(AAA=3), {"TRB": 3}, count_of="umis")
    alpha = ProductLot("b", table("TRA", CCC=3), {"TRA": 3}, count_of="templates")
    assert product_of([umis, alpha]).count_of == {"TRB": "umis", "TRA": "templates"}
    other = ProductLot("c", table(AAA=3), {"TRB": 3}, count_of="templates")
    assert product_of([umis, other]).count_of == {"TRB": "unknown"}
    with pytest.raises(AnalysisError, match="counts are not of that"):
        product_of([ProductLot("a", table(AAA=3), count_of="umi")])


def test_where_the_cells_of_one_lot_are_not_known_those_of_the_product_are_not():
    found = product_of([ProductLot("a", table(AAA=3), {"TRB": 3}), ProductLot("b", table(AAA=3))])
    assert found.n_effective == {"TRB": None}
    assert found.why == {"TRB": "the cells behind TRB of b are not known"}


def test_a_library_without_its_small_clones_does_not_tell_what_it_lacks():
    """Of 100 clones and more none counted once: the same table with them would show some of what seems absent."""
    junctions = ["".join(letters) for letters in product("ACGT", repeat=4)][:100]
    many = pl.DataFrame({"locus": "TRB", "junction": junctions, "duplicate_count": [5 + n for n in range(100)]})
    cells = float(many["duplicate_count"].sum())
    cut = product_of([ProductLot("a", many, {"TRB": cells}, count_of="templates")])
    assert (cut.n_effective, cut.count_of) == ({"TRB": None}, {"TRB": "templates"})
    told = "a has no clone of TRB counted less than 5 times: was it cut there? What such a table lacks cannot be told"
    assert cut.why == {"TRB": told}
    assert product_of([ProductLot("a", many, {"TRB": cells / 2})]).why == cut.why
    for whole, worth in (
        (many.with_columns(duplicate_count=pl.Series([1, *range(6, 105)])), None),
        (many.head(99), None),  # of few clones all may be large
        (many, cells / 3),  # cells that were counted thrice each
    ):
        counts = float(whole["duplicate_count"].sum())
        assert product_of([ProductLot("a", whole, {"TRB": worth or counts})]).n_effective == {"TRB": worth or counts}


def test_a_lot_without_a_clonotype_is_refused_by_name():
    given = [ProductLot("a", table(AAA=3)), ProductLot("b", table().cast({"duplicate_count": pl.Int64}))]
    with pytest.raises(AnalysisError, match="no clonotype of TRA or TRB: what it would show is not known; found 'b'"):
        product_of(given)
    with pytest.raises(AnalysisError, match="no clonotype of TRA or TRB; found 'no library'"):
        product_of([])
    with pytest.raises(AnalysisError, match="bear one name; found 'a, a'"):
        product_of([given[0], given[0]])


def test_lots_that_share_next_to_nothing_are_told():
    one, other = table(AAA=990, CCC=10), table(CCC=500, GGG=500)
    assert list(lots_apart({"one": one, "other": other})) == ["one"]
    reason = lots_apart({"one": one, "other": other})["one"]
    assert reason.startswith("clones of the other lots hold 10 of its 1000 counts: is it a product of this subject?")
    assert lots_apart({"one": table(AAA=989, CCC=11), "other": other}) == {}
    assert lots_apart({"one": one}) == lots_apart({}) == {}
    assert lots_apart({"one": one, "alpha": table("TRA", AAA=5)}) == {}
