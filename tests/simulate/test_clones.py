from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from tilseq.simulate.clones import ALPHA, BETA, Sizes, distinct_chains, draw_clones, draw_shares, public_chains
from tilseq.simulate.receptors.recombination import draw_chains
from tilseq.simulate.streams import stream

WHOLE = Sizes()  # 2,500 of the tumour, 12,000 of the memory, 120 emergent


@pytest.fixture(scope="module")
def public():
    return public_chains(stream(1, "public"))


@pytest.fixture(scope="module")
def drawn(public):
    return [draw_clones(stream(1, name), WHOLE, public) for name in ("one", "other")]


def test_there_are_as_many_of_each_origin_as_asked_for(public):
    clones = draw_clones(stream(2), Sizes(tumor=150, memory=220, emergent=7), public)
    assert clones["clone"].to_list() == list(range(1, 378))
    assert clones["origin"].rle().struct.unnest().rows() == [(150, "tumor"), (220, "memory"), (7, "emergent")]


def test_no_beta_chain_stands_twice(drawn):
    # As nature draws them some would.
    assert draw_chains(stream(1), "TRB", WHOLE.total)["junction"].n_unique() < WHOLE.total
    for clones in drawn:
        assert clones["trb_junction"].n_unique() == clones.height == 14_620


def test_chains_that_are_taken_are_not_drawn():
    taken = draw_chains(stream(3), "TRB", 400).select(BETA)
    # The first draw of the same stream gives the very chains that are taken.
    chains = distinct_chains(stream(3), 300, taken)
    assert chains.height == chains["junction"].n_unique() == 300
    assert chains.join(taken, on="junction").height == 0


def test_the_public_pool_is_what_is_made_most_easily(public):
    assert public.height == public["junction"].n_unique() == 400
    lengths = public["junction"].str.len_bytes()
    usual = draw_chains(stream(1), "TRB", 2_000)["junction"].str.len_bytes()
    assert lengths.max() <= usual.quantile(0.1) < lengths.min() + 9
    assert all(one <= other for one, other in pairwise(lengths))


def test_subjects_share_public_clones_and_hardly_any_others(drawn, public):
    carried = [clones.filter("public") for clones in drawn]
    for own in carried:
        # 15 % of 400, within four standard deviations.
        assert own.height == pytest.approx(60, abs=4 * 7.2)
        assert set(own["origin"]) == {"memory"}
        beta = own.select(pl.col(f"trb_{name}").alias(name) for name in BETA)
        assert beta.join(public, on=BETA, nulls_equal=True).height == own.height
    both = set(carried[0]["trb_junction"]) & set(carried[1]["trb_junction"])
    assert len(both) == pytest.approx(9, abs=9)
    assert both
    private = set(drawn[0].filter(~pl.col("public"))["trb_junction"])
    # What nature makes most easily it also makes twice by chance.
    assert len(private & set(drawn[1].filter(~pl.col("public"))["trb_junction"])) < 0.01 * WHOLE.total


def test_public_clones_never_outnumber_the_memory(public):
    clones = draw_clones(stream(4), Sizes(tumor=5, memory=10, emergent=2), public)
    assert clones["public"].to_list() == [False] * 5 + [True] * 10 + [False] * 2


def test_one_clone_in_ten_has_two_alpha_chains(drawn):
    clones = pl.concat(drawn)
    second = clones.select(pl.col(f"tra2_{name}").is_not_null() for name in ALPHA)
    assert second.n_unique() == 2  # all of a chain or nothing of it
    share = second["tra2_junction"].mean()
    assert share == pytest.approx(0.1, abs=4 * (0.09 / clones.height) ** 0.5)
    assert clones.select(pl.col(f"tra_{name}").is_not_null() for name in ALPHA).n_unique() == 1
    assert (clones["tra_junction"] == clones["tra2_junction"]).sum() == 0


def test_only_clones_of_the_tumour_know_it_the_large_ones_more_often(drawn):
    clones = pl.concat(drawn)
    assert set(clones.filter("reactive")["origin"]) == {"tumor"}
    large = clones.filter(pl.col("clone") <= 100)["reactive"].mean()
    small = clones.filter(pl.col("clone").is_between(101, 2_500))["reactive"].mean()
    assert large == pytest.approx(0.55, abs=4 * (0.25 / 200) ** 0.5)
    assert small == pytest.approx(0.20, abs=4 * (0.16 / 4_800) ** 0.5)


def test_lineage_goes_with_what_a_clone_is(drawn):
    clones = pl.concat(drawn).with_columns(cd8=pl.col("lineage") == "CD8")
    assert set(clones["lineage"]) == {"CD4", "CD8"}
    tumor = pl.col("origin") == "tumor"
    kinds = {0.8: pl.col("reactive"), 0.55: tumor & ~pl.col("reactive"), 0.45: ~tumor}
    for share, kind in kinds.items():
        found = clones.filter(kind)["cd8"]
        assert found.mean() == pytest.approx(share, abs=4 * (share * (1 - share) / len(found)) ** 0.5)


def test_a_stream_gives_the_same_clones_and_another_one_others(drawn, public):
    assert draw_clones(stream(1, "one"), WHOLE, public).equals(drawn[0])
    assert drawn[0]["trb_junction"].is_in(drawn[1]["trb_junction"].implode()).mean() < 0.02


def test_shares_follow_the_power_law():
    shares = draw_shares(stream(1), 3, exponent=1, shift=1, spread=0)
    assert shares == pytest.approx([6 / 13, 4 / 13, 3 / 13])
    steeper = draw_shares(stream(1), 2, exponent=2, shift=0, spread=0)
    assert steeper == pytest.approx([4 / 5, 1 / 5])


def test_noise_keeps_the_sum_and_unsettles_the_order():
    shares = draw_shares(stream(1), 1_000, exponent=1.1, shift=2, spread=0.4)
    assert shares.sum() == pytest.approx(1)
    assert shares.min() > 0
    assert (np.diff(shares) > 0).any()
    noise = np.log(shares * (np.arange(1, 1_001) + 2) ** 1.1)
    assert noise.std() == pytest.approx(0.4, abs=4 * 0.4 / (2 * 1_000) ** 0.5)
