import polars as pl
import pytest

from tilseq.errors import TableError
from tilseq.repertoire import cell_checks, cell_quality, chain_pairing


def called(single=0, alone=0, twice=0, many=0, sample="s"):
    """So many cells with a pair, a beta chain alone, an alpha and two beta chains, three beta chains."""
    loci = {"single": ("A", "B"), "alone": ("B",), "twice": ("A", "B", "B"), "many": ("B", "B", "B")}
    numbers = {"single": single, "alone": alone, "twice": twice, "many": many}
    rows = [
        {"cell_id": f"{kind}{i}", "locus": f"TR{locus}", "junction": f"AA{'ACG'[place]}", "junction_aa": "CAF"}
        for kind, number in numbers.items()
        for i in range(number)
        for place, locus in enumerate(loci[kind])
    ]
    return chain_pairing(pl.DataFrame(rows), sample=sample)


def test_each_kind_is_counted_with_exact_limits():
    found = cell_quality(called(single=15, alone=3))
    pairing = found.filter(call="chain_pairing").select("category", "cells", "total", "share", "lower", "upper").rows()
    assert [row[:3] for row in pairing] == [("orphan VDJ", 3, 18), ("single pair", 15, 18)]
    # R: binom.test(15, 18)
    assert pairing[1][3:] == pytest.approx((15 / 18, 0.585822508605226, 0.964214916878425))
    assert found.filter(call="doublet", category="no")["share"].to_list() == [1]
    assert found.filter(call="dual_alpha", category="not")["cells"].to_list() == [18]


def test_samples_are_counted_apart():
    both = pl.concat([called(single=2), called(single=1, alone=1, sample="t")])
    found = cell_quality(both.to_pandas()).filter(call="receptor_type")
    assert found.select("sample", "category", "cells", "total").rows() == [("s", "TCR", 2, 2), ("t", "TCR", 2, 2)]
    assert cell_quality(both.clear()).height == cell_checks(both.clear()).height == 0


@pytest.mark.parametrize(
    ("cells", "pairs", "doublets"),
    [
        ({"single": 1, "alone": 1}, (0.5, "pass"), (0, "pass")),
        ({"single": 49, "alone": 51}, (0.49, "warn"), (0, "pass")),
        ({"single": 90, "twice": 10}, (1, "pass"), (0.1, "pass")),
        ({"single": 89, "twice": 9, "many": 2}, (0.98, "pass"), (0.11, "warn")),
    ],
)
def test_few_pairs_and_many_doublets_warn(cells, pairs, doublets):
    found = cell_checks(called(**cells)).select("check", "value", "verdict").rows()
    assert found == [("doublets", *doublets), ("full pairs", *pairs)]


def test_the_reason_tells_the_numbers():
    reasons = cell_checks(called(single=89, alone=1, twice=8, many=2)).select("check", "reason").rows()
    assert reasons == [
        ("doublets", "by their chains 2 of 100 cells are likely two and 8 possibly"),
        ("full pairs", "97 of 100 cells have a chain of each arm"),
    ]
    with pytest.raises(TableError, match="column doublet"):
        cell_checks(called(single=1).drop("doublet"))
