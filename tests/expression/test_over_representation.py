"""Lists of genes against sets, by the hypergeometric distribution."""

import pytest

from tests.expression.gene_set_data import GENES
from tilseq.errors import AnalysisError
from tilseq.expression.over_representation import over_representation


def test_a_row_a_set_with_its_hits():
    sets = {"hit": GENES[:20], "missed": GENES[100:120], "lost": ["X"]}
    found = over_representation([*GENES[:4], *GENES[30:51]], GENES, sets, contrast="up at D28")
    rows = {row["set"]: row for row in found.table.iter_rows(named=True)}
    assert rows["hit"]["p"] == pytest.approx(7.27442108365e-02, rel=1e-9)
    assert rows["hit"]["fold"] == pytest.approx(4 / (20 * 25 / 300))
    assert rows["hit"]["leading_edge"] == "G001;G002;G003;G004"
    assert (rows["hit"]["exploratory"], rows["hit"]["method"]) == (True, "ora")
    assert rows["hit"]["reason"] == "genes taken as drawn one by one: ignores correlation of genes"
    assert (rows["missed"]["p"], rows["missed"]["leading_edge"]) == (pytest.approx(1), "")
    assert rows["lost"]["p"] is None


def test_rearranged_genes_are_neither_hits_nor_of_the_universe():
    universe = [*GENES, "TRBV9", "TRAV1-2"]
    found = over_representation([*GENES[:25], "TRBV9"], universe, {"s": [*GENES[:20], "TRBV9"]})
    assert found.table["size"].to_list() == [20]
    assert found.table["fold"].to_list() == pytest.approx([300 / 25])
    assert found.told == ("V(D)J genes left out of the universe: 2",)


@pytest.mark.parametrize(
    ("hits", "universe", "words"),
    [
        (["A", "X"], ["A", "B"], "hits that are not in the universe; found 'X'"),
        (["A"], ["A", "B", "A"], "a gene stands twice in the universe; found 'A'"),
        ([], ["A", "B"], "there is no hit to test"),
        (["TRBV9"], ["A", "TRBV9"], "there is no hit to test"),
    ],
)
def test_a_list_that_is_none_is_refused(hits, universe, words):
    with pytest.raises(AnalysisError) as caught:
        over_representation(hits, universe, {"s": ["A"]}, smallest=1)
    assert words in str(caught.value)
