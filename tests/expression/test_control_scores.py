"""Scores less those of control genes, beside scanpy's and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from tilseq.expression import Signature, score
from tilseq.expression.controls import choose_controls
from tilseq.expression.mean_scores import NO_CONTROL

GENES = [f"G{number}" for number in range(300)]


def made(cells=60, seed=1, genes=300):
    rng = np.random.default_rng(seed)
    return rng.poisson(rng.gamma(0.6, 1.5, genes), (cells, genes))


def log_normalised(counts):
    return np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4)


def by_hand(counts, genes, members, controls):
    at = {gene: column for column, gene in enumerate(genes)}
    values = log_normalised(counts)
    return values[:, [at[g] for g in members]].mean(axis=1) - values[:, [at[g] for g in controls]].mean(axis=1)


def test_a_score_is_the_mean_less_that_of_the_controls_it_names():
    counts, sets = made(), {"one": GENES[:12], "two": GENES[40:47]}
    found = score(csr_array(counts), GENES, sets, controls=5)
    for column, (name, members) in enumerate(sets.items()):
        controls = found.control_genes(name)
        assert not set(controls) & set(members)
        assert found.values[:, column] == pytest.approx(by_hand(counts, GENES, members, controls), abs=1e-6)


def test_scores_are_scanpys_where_both_take_whole_bins_as_controls():
    import anndata
    import pandas as pd
    import scanpy

    counts, members = made(seed=3), GENES[5:160:11]
    cells = anndata.AnnData(log_normalised(counts), var=pd.DataFrame(index=GENES))
    scanpy.tl.score_genes(cells, members, ctrl_size=len(GENES))
    found = score(counts, GENES, {"s": members}, controls=len(GENES))
    assert found.values[:, 0] == pytest.approx(cells.obs["score"].to_numpy(), abs=1e-6)


def test_a_set_with_genes_against_it_is_one_score_less_the_other():
    counts = made(seed=5)
    signed = Signature("s", "axis", tuple(GENES[:10]), tuple(GENES[20:30]))
    found = score(counts, GENES, {"s": signed, "listed": [*GENES[:10], *(f"{g}-" for g in GENES[20:30])]}, controls=8)
    up, down = found.control_genes("s"), found.control_genes("s", "down")
    assert not {*up, *down} & {*signed.up, *signed.down}
    expected = by_hand(counts, GENES, signed.up, up) - by_hand(counts, GENES, signed.down, down)
    assert found.values[:, 0] == pytest.approx(expected, abs=1e-6)
    assert found.values[:, 1] == pytest.approx(expected, abs=1e-6)


def test_a_gene_listed_for_and_against_a_set_is_left_out_of_its_controls_once():
    counts = made(seed=6)
    signed = Signature("s", "axis", tuple(GENES[:3]), (GENES[2], GENES[7]))
    found = score(counts, GENES, {"s": signed}, controls=len(GENES))
    up, down = found.control_genes("s"), found.control_genes("s", "down")
    assert GENES[2] not in {*up, *down}
    expected = by_hand(counts, GENES, signed.up, up) - by_hand(counts, GENES, signed.down, down)
    assert found.values[:, 0] == pytest.approx(expected, abs=1e-6)


def test_bins_are_by_rank_of_the_mean():
    # Of 48 genes a bin holds round(48 / 24) = 2 ranks; the lowest holds rank 1 alone.
    choice = choose_controls(np.arange(48.0), [f"g{number}" for number in range(48)], size=1)
    assert choice.bins.tolist() == [rank // 2 for rank in range(1, 49)]
    assert choice.chosen.sum() == 25
    ties = choose_controls(np.zeros(48), [f"g{number}" for number in range(48)], size=50)
    assert set(ties.bins.tolist()) == {0}


def test_the_choice_follows_the_seed_and_not_the_order_of_the_genes():
    means = np.repeat([1.0, 2.0], 100)
    genes = [f"g{number}" for number in range(200)]

    def chosen(order, seed):
        choice = choose_controls(means[order], [genes[i] for i in order], size=10, seed=seed)
        return {genes[order[i]] for i in np.flatnonzero(choice.chosen)}

    forwards = np.arange(200)
    assert chosen(forwards, 0) == chosen(forwards[::-1], 0)
    assert chosen(forwards, 0) != chosen(forwards, 1)


def test_other_sets_change_no_score():
    counts = made(seed=7)
    alone = score(counts, GENES, {"s": GENES[:9]}).values[:, 0]
    beside = score(counts, GENES, {"t": GENES[4:30], "s": GENES[:9]}).values[:, 1]
    assert alone == pytest.approx(beside, abs=1e-7)


def test_a_set_without_a_gene_left_for_control_is_not_scored():
    found = score(np.array([[1, 9], [3, 3]]), ["A", "B"], {"s": ["A", "B"]}, controls=50)
    assert found.coverage["reason"].to_list() == [NO_CONTROL]
    assert np.isnan(found.values).all()


@settings(max_examples=20)
@given(st.integers(0, 99), st.integers(2, 9))
def test_depth_of_cells_and_order_of_genes_change_nothing(seed, times):
    counts = made(20, seed, 60)
    genes, sets = GENES[:60], {"s": GENES[:8]}
    first = score(counts, genes, sets, controls=4).values
    order = np.random.default_rng(seed).permutation(60)
    shuffled = score(counts[:, order] * times, [genes[i] for i in order], sets, controls=4).values
    assert shuffled == pytest.approx(first, abs=1e-5, nan_ok=True)


def test_blocks_of_cells_change_nothing(monkeypatch):
    counts, sets = csr_array(made(seed=9)), {"s": GENES[:9], "t": GENES[50:70]}
    whole = {method: score(counts, GENES, sets, method=method).values for method in ("mean", "ucell")}
    monkeypatch.setattr("tilseq.expression.blocks.ENTRIES", 700)
    for method, values in whole.items():
        assert score(counts, GENES, sets, method=method).values == pytest.approx(values, abs=1e-7)


def test_without_controls_files_scored_apart_compare_and_with_them_they_do_not():
    low, high = made(20, 1, 60), made(20, 2, 60)
    high[:, :8] += 40  # a programme that every cell of the second file runs
    sets = {"s": GENES[:8]}
    for controls, alike in ((0, True), (4, False)):
        apart = [score(one, GENES[:60], sets, controls=controls).values for one in (low, high)]
        both = score(np.vstack([low, high]), GENES[:60], sets, controls=controls).values
        assert np.allclose(np.vstack(apart), both, atol=1e-5) is alike
