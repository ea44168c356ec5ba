"""The enrichment score of all sets at once."""

import csv

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.expression.gene_set_data import score_by_hand
from tilseq.expression.enrichment_score import enrichment_scores, leading_edges
from tilseq.expression.gene_order import checked_ranks
from tilseq.expression.set_members import match_sets
from tilseq.io import read_gmt


def scored(ranks, sets):
    values = checked_ranks(list(ranks.values()), list(ranks))
    matched = match_sets(values.genes, sets, 1, 500)
    edges = leading_edges(values.values, matched, values.genes)
    return dict(zip(matched.names, enrichment_scores(values.values, matched), strict=True)), dict(
        zip(matched.names, edges, strict=True)
    )


def test_a_score_worked_by_hand():
    # A 3, B 2, C 1, D -1, E -4. Set {A, D}: up 3/4, down 1/3 to 5/12, down to 1/12, up 1/4 to 1/3, down to 0.
    ranks = {"C": 1, "A": 3, "E": -4, "B": 2, "D": -1}
    es, edges = scored(ranks, {"top": ["A", "D"], "end": ["E", "C"], "mid": ["C"]})
    assert es["top"] == pytest.approx(0.75, abs=1e-12)
    assert edges["top"] == ("A",)
    # Set {C, E}: 0, -1/3, -2/3, up 1/5 to -7/15, down to -4/5, up to 0.
    assert es["end"] == pytest.approx(-0.8, abs=1e-12)
    assert edges["end"] == ("E",)
    # As far up as down: -1/2 before C, 1/2 after it.
    assert es["mid"] == 0
    assert edges["mid"] == ()


def test_members_of_rank_0_weigh_the_same():
    # After two of four others: -1/2, +1/2 = 0, +1/2 = 1/2.
    es, _ = scored({"A": 2, "B": 1, "C": 0, "D": 0, "E": -1, "F": -2}, {"zero": ["C", "D"]})
    assert es["zero"] == 0  # -1/2 and +1/2
    es, _ = scored({"A": 2, "C": 0, "D": 0, "E": -1, "F": -2}, {"zero": ["C", "D"]})
    assert es["zero"] == pytest.approx(2 / 3)


def test_equal_to_fgsea_on_its_example(shared_data):
    folder = shared_data / "gsea_reference"
    lines = (folder / "fgsea_example.rnk").read_text().splitlines()
    ranks = {gene: float(rank) for gene, rank in (line.split("\t") for line in lines)}
    values = checked_ranks(list(ranks.values()), list(ranks))
    assert values.told == ()
    matched = match_sets(values.genes, read_gmt(folder / "fgsea_example.gmt"))
    with (folder / "fgsea_example_expected.tsv").open() as stream:
        expected = {row["pathway"]: row for row in csv.DictReader(stream, delimiter="\t")}
    assert set(matched.names) == set(expected)
    rows = [expected[name] for name in matched.names]
    assert matched.sizes.tolist() == [int(row["size"]) for row in rows]
    assert enrichment_scores(values.values, matched) == pytest.approx(
        np.array([float(row["ES"]) for row in rows]), abs=1e-9
    )
    edges = leading_edges(values.values, matched, values.genes)
    assert [",".join(edge) for edge in edges] == [row["leadingEdge"] for row in rows]


def test_one_huge_rank_does_not_drown_the_other_sets():
    ranks = {"A": 1e15} | {f"G{i}": float(20 - i) for i in range(40)}
    members = {f"G{i}" for i in (1, 2, 5, 30)}
    es, _ = scored(ranks, {"huge": ["A", "G3"], "small": sorted(members)})
    assert es["small"] == pytest.approx(score_by_hand(ranks, members), abs=1e-9)


def test_several_rankings_and_sets_of_all_sizes_at_once_are_each_walked_alone():
    genes, rng = [f"G{i:03d}" for i in range(80)], np.random.default_rng(1)
    rankings = rng.normal(size=(6, 80))
    rankings[4] = 0
    sets = {str(size): rng.choice(genes, size, replace=False).tolist() for size in (1, 2, 3, 20, 21, 22, 60, 79, 2)}
    found = enrichment_scores(rankings, match_sets(genes, sets, 1, 80))
    for ranks, row in zip(rankings, found, strict=True):
        table = dict(zip(genes, ranks, strict=True))
        assert row == pytest.approx([score_by_hand(table, set(members)) for members in sets.values()], abs=1e-9)


GENES = [f"G{i:02d}" for i in range(30)]
ranked = st.lists(st.integers(-8, 8), min_size=30, max_size=30)
members_of = st.lists(st.sets(st.sampled_from(GENES), min_size=1, max_size=20), min_size=1, max_size=5)


@given(ranked, members_of, st.randoms())
def test_the_walk_by_hand_whatever_the_order_of_genes_and_sets(ranks, sets, random):
    assume(len(set(ranks)) > 1)
    table = dict(zip(GENES, map(float, ranks), strict=True))
    named = {f"s{i}": sorted(one) for i, one in enumerate(sets)}
    es, edges = scored(table, named)
    for name, members in named.items():
        assert es[name] == pytest.approx(score_by_hand(table, set(members)), abs=1e-9)
        assert -1 - 1e-12 <= es[name] <= 1 + 1e-12
        assert set(edges[name]) <= set(members)
    shuffled = list(table.items())
    random.shuffle(shuffled)
    again, edges_again = scored(dict(shuffled), dict(reversed(named.items())))
    assert again == pytest.approx(es, abs=1e-9)
    assert edges_again == edges


@given(st.permutations(range(1, 31)), st.lists(st.booleans(), min_size=30, max_size=30), members_of)
def test_ranks_turned_round_turn_the_score_round(order, up, sets):
    ranks = {gene: float(i if sign else -i) for gene, i, sign in zip(GENES, order, up, strict=True)}
    named = {f"s{i}": sorted(one) for i, one in enumerate(sets)}
    es, _ = scored(ranks, named)
    turned, _ = scored({gene: -rank for gene, rank in ranks.items()}, named)
    assert turned == pytest.approx({name: -score for name, score in es.items()}, abs=1e-9)
