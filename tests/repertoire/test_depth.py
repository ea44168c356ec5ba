import numpy as np
import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.repertoire import (
    cells_from_pair,
    cells_from_replicates,
    depth,
    diversity,
    one_library,
    overlap,
    share_cells,
)
from tilseq.repertoire.depth import too_few_cells
from tilseq.repertoire.miscounting import Miscounting
from tilseq.repertoire.replicates import Estimate


def table(counts, locus="TRB"):
    return pl.DataFrame(
        {"locus": locus, "junction": [f"{locus}{i}" for i in range(len(counts))], "duplicate_count": counts}
    ).filter(pl.col("duplicate_count") > 0)


def row(count_of="reads", **known):
    return depth(table([600, 300]), sample="s", count_of=count_of, **known).row(0, named=True)


@pytest.mark.parametrize(
    ("count_of", "known", "cells", "source", "effective"),
    [
        ("cells", {"counted": {"TRB": 800}}, 800, "counted", 900),  # a hundred cells with two chains
        ("cells", {"cells": 5000}, 900, "counted", 900),
        # 1 / (2.4 / 100 + 1 / 900) of reads, 1 / (1.7 / 100 + 1 / 900) of UMIs: cells yield them unequally
        ("reads", {"cells": 100}, 100, "declared", 39.8230088),
        ("reads", {"cells": 200, "t_cell_fraction": 0.5, "input_ng": 1}, 100, "declared", 39.8230088),
        ("reads", {"input_ng": 1.32, "t_cell_fraction": 0.5}, 100, "input_ng", 39.8230088),
        ("unknown", {"cells": 100}, 100, "declared", 39.8230088),
        ("umis", {"cells": 100}, 100, "declared", 55.2147239),
        ("templates", {"cells": 1_700}, 1_700, "declared", 900),  # drawn without replacement: the cells do not matter
        ("templates", {"cells": 600}, 600, "declared", 600),
        ("umis", {}, None, "not_known", None),  # of how many a cell gave the clones tell nothing
        ("templates", {}, 900, "templates", 900),
        ("reads", {"replicates": {"TRB": Estimate(100, 80, 120)}}, 100, "replicates", 90),
        ("umis", {"replicates": {"TRB": Estimate(100, 80, 120)}}, 100, "replicates", 90),
        ("umis", {"pair": {"TRB": Estimate(100, 80, 120)}}, 100, "pair", 90),
        ("reads", {"pair": {"TRB": Estimate(100, 80, None)}}, 100, "pair", 90),
        ("reads", {"pair": {"TRB": Estimate(None, 800, None)}}, None, "pair", 900),
        ("reads", {"pair": {"TRA": Estimate(100, 80, 120)}}, None, "not_known", None),
        ("reads", {}, None, "not_known", None),
        ("unknown", {"input_ng": 5}, None, "not_known", None),
    ],
)
def test_the_source_of_the_cells_is_the_best_that_is_known(count_of, known, cells, source, effective):
    found = row(count_of, **known)
    assert (found["counts"], found["count_of"]) == (900, count_of)
    assert (found["cells"], found["cells_from"]) == (cells if cells is None else pytest.approx(cells), source)
    assert found["n_effective"] == (effective if effective is None else pytest.approx(effective))


@pytest.mark.parametrize(
    ("count_of", "known", "effective", "counting"),
    [
        ("templates", {"miscounted": {"TRB": Miscounting(0.5, True)}}, 600, "twice"),
        ("templates", {"miscounted": {"TRB": Miscounting(0.5, False)}, "cells": 9_000}, 600, "drawn"),
        ("templates", {"miscounted": {"TRB": Miscounting(0.5, True, False)}}, 600, "unsure"),
        ("templates", {"miscounted": {"TRA": Miscounting(0.5, True)}}, 900, "once"),
        # 450 or 599 cells do not give 900 templates, each counted 0, 1 or 2 times with a variance of 0.5: 600 may
        ("templates", {"miscounted": {"TRB": Miscounting(0.5, True)}, "cells": 450}, 450, "too_many"),
        ("templates", {"miscounted": {"TRB": Miscounting(0.5, True)}, "cells": 599}, 599, "too_many"),
        ("templates", {"miscounted": {"TRB": Miscounting(0.5, True)}, "cells": 601}, 600, "twice"),
        # more than twice on the average is no matter of counting twice
        (
            "templates",
            {"miscounted": {"TRB": Miscounting(0.5, True)}, "replicates": {"TRB": Estimate(450, 300, 600)}},
            300,
            "drawn",
        ),
        ("templates", {"replicates": {"TRB": Estimate(1_800, 900, 2_000)}}, 600, "drawn"),
        ("reads", {"cells": 100}, 39.8230088, "drawn"),
        ("umis", {"cells": 100}, 55.2147239, "drawn"),
        ("umis", {}, None, None),
        ("unknown", {"cells": 100}, 39.8230088, None),
        ("unknown", {}, None, None),
        ("cells", {"counted": {"TRB": 800}}, 900, "once"),
    ],
)
def test_how_often_a_cell_is_counted(count_of, known, effective, counting):
    found = row(count_of, **known)
    assert (found["n_effective"], found["counting"]) == (
        effective if effective is None else pytest.approx(effective),
        counting,
    )


@pytest.mark.parametrize(
    ("counts", "count_of", "locus", "cells", "shown"),
    [
        ([600, 300], "templates", "TRB", 899, ["900 templates"]),
        ([600, 300], "templates", "TRB", 900, []),
        ([600, 300], "templates", "TRA", 450, []),  # of two TRA each
        ([600, 300], "umis", "TRB", 10, []),  # a cell gives many
        ([1, 1, 1], "templates", "TRB", 2, ["3 clones"]),
    ],
)
def test_more_clones_or_templates_than_cells_told(counts, count_of, locus, cells, shown):
    clones = table(counts).with_columns(locus=pl.lit(locus))
    found = too_few_cells(clones, depth(clones, sample="s", count_of=count_of, cells=cells))
    assert found["shown"].to_list() == shown
    assert all(f"{locus}: {one} are more than {cells} cells can hold" in found["reason"][0] for one in shown)


def test_limits_of_estimated_cells_are_told():
    found = row(replicates={"TRB": Estimate(100, 80, None)})
    assert (found["cells_lower"], found["cells_upper"]) == (80, None)


def library(random, share, cells, reads):
    return random.multinomial(reads, random.multinomial(cells, share) / cells)


def test_replicates_tell_the_cells_behind_reads():
    random, share = np.random.default_rng(3), 1 / np.arange(1, 5_001)
    share /= share.sum()
    inside, found = 0, []
    for _ in range(60):
        tables = {name: table(library(random, share, 5_000, 100_000)) for name in "abc"}
        estimate = cells_from_replicates(tables)["TRB"]
        found.append(estimate.cells)
        inside += estimate.lower <= 5_000 <= estimate.upper
    assert np.median(found) == pytest.approx(5_000, rel=0.1)
    assert inside >= 50  # of 60: 95 %, and three standard errors below it are 52


def test_a_pair_of_which_clones_changed_tells_too_few_cells_not_too_many():
    random, share = np.random.default_rng(4), 1 / np.arange(1, 20_001)
    later = share * np.where(random.random(len(share)) < 0.02, 8, 1)
    share, later = share / share.sum(), later / later.sum()
    alike, changed, by_mean = [], [], []
    for _ in range(20):
        first, again, second = (table(library(random, p, 20_000, 400_000)) for p in (share, share, later))
        estimate = cells_from_pair(first, again)["TRB"]
        assert estimate.lower < 20_000 and estimate.upper is None
        alike.append(estimate.cells)
        changed.append(cells_from_pair(first, second)["TRB"].cells)
        by_mean.append(cells_from_replicates({"a": first, "b": second})["TRB"].cells)
    assert np.median(alike) == pytest.approx(20_000, rel=0.15)
    assert 0.4 * 20_000 < np.median(changed) < 1.1 * 20_000
    assert np.median(by_mean) < 0.3 * 20_000  # taken for replicates


def test_counts_that_are_cells_vary_no_more_than_cells():
    random, share = np.random.default_rng(5), 1 / np.arange(1, 2_001)
    share /= share.sum()
    tables = {name: table(random.multinomial(10_000, share)) for name in "ab"}
    estimate = cells_from_replicates(tables)["TRB"]
    assert estimate.upper is None and estimate.lower > 20_000


def test_what_replicates_cannot_tell_is_left_out():
    assert cells_from_replicates({"a": table([9, 8, 7]), "b": table([9, 8, 7])}) == {}
    assert cells_from_replicates({"a": table([900] * 20), "b": table([900] * 20, "TRA")}) == {}
    with pytest.raises(AnalysisError, match="one library"):
        cells_from_replicates({"a": table([9, 8, 7])})


def test_a_copy_of_a_table_tells_no_cells():
    reads = library(np.random.default_rng(7), np.full(500, 1 / 500), 3_000, 30_000)
    assert cells_from_replicates({"a": table(reads), "b": table(reads)}) == {}
    assert cells_from_pair(table(reads), table(reads)) == {}


def test_cells_with_two_chains_are_as_many_observations_of_clones_as_chains():
    # 200 cells, each of one of 100 even clones, a fifth of which have two alpha chains: 1 / Σ p² of the chains is 120.
    random, chains = np.random.default_rng(8), [[f"a{i}"] + [f"b{i}"] * (i < 20) for i in range(100)]
    by_cells, by_chains, morisita = [], [], []
    for _ in range(300):
        tables = {}
        for name in "ab":
            seen = [chain for cell in random.integers(0, 100, 200) for chain in chains[cell]]
            tables[name] = pl.DataFrame({"junction": seen}).group_by("junction").agg(duplicate_count=pl.len())
            tables[name] = tables[name].with_columns(pl.col("duplicate_count").cast(pl.Int64), locus=pl.lit("TRA"))
        known = {
            name: depth(each, sample=name, count_of="cells", counted={"TRA": 200}).row(0, named=True)
            for name, each in tables.items()
        }
        assert {row["cells"] for row in known.values()} == {200}
        effective = {name: {"TRA": row["n_effective"]} for name, row in known.items()}
        found = overlap(tables, n_effective=effective)
        morisita.append(found.filter(parameter="morisita")["value"][0])
        for n, values in ((effective["a"], by_chains), ({"TRA": 200}, by_cells)):
            rows = diversity(tables["a"], sample="a", count_of="cells", n_effective=n)
            values.append(1 / rows.filter(parameter="hill_q2_asymptotic")["value"][0])
    assert 1 / np.mean(by_chains) == pytest.approx(120, rel=0.02)
    assert 1 / np.mean(by_cells) > 130
    assert np.mean(morisita) == pytest.approx(1, abs=0.02)


def test_one_library_sequenced_twice_is_told_from_two():
    random, share = np.random.default_rng(9), 1 / np.arange(1, 2_001)
    share /= share.sum()
    cells = [random.multinomial(2_000, share) for _ in range(2)]
    told, worth, known_of = [], [], []
    for first, second in ((0, 1), (0, 0)):
        tables = {
            name: table(random.multinomial(50_000, cells[at] / 2_000)) for name, at in (("a", first), ("b", second))
        }
        known = cells_from_replicates(tables)
        known_of.append(known)
        for count_of in ("reads", "umis"):
            found = depth(tables["a"], sample="a", count_of=count_of, replicates=known)
            told.append(one_library(found).select("sample", "locus").rows())
            worth.append(found["n_effective"][0])
        templates = depth(tables["a"], sample="a", count_of="templates", replicates=known)
        assert one_library(templates).is_empty() and templates["n_effective"].null_count() == 0  # a cell gives one
    assert told == [[], [], [("a", "TRB")], [("a", "TRB")]]
    cells_told = known_of[0]["TRB"].cells
    assert worth[:2] == [pytest.approx(1 / (1 / cells_told + 1 / 50_000))] * 2
    assert worth[2:] == [None, None]  # 2,000 cells, which the counts cannot tell, are not worth 50,000


def test_shares_of_cells_counted_are_worth_their_number_and_no_more():
    table = pl.DataFrame(
        {"locus": ["TRA", "TRA", "TRB"], "junction": ["a", "b", "c"], "duplicate_count": [60, 50, 100]}
    )
    cells = depth(table, sample="s", count_of="cells", counted={"TRA": 100, "TRB": 100})
    assert share_cells(cells) == {"TRA": 100, "TRB": 100}  # ten cells have two TRA
    reads = depth(table, sample="s", count_of="reads", cells=100)
    # 1 / (2.4 / 100 + 1 / 110), 1 / (2.4 / 100 + 1 / 100)
    assert share_cells(reads) == {"TRA": pytest.approx(30.2197802), "TRB": pytest.approx(29.4117647)}
    assert share_cells(depth(table, sample="s", count_of="reads")) == {"TRA": None, "TRB": None}


def test_a_b_cell_bears_kappa_or_lambda():
    # Of 1,000 B cells 3 in 5 counts of light chains are kappa: 600 cells, 1 / (2.4 / 600 + 1 / 300) = 136.4.
    counts = {"IGH": 1000, "IGK": 300, "IGL": 200}
    table = pl.DataFrame({"locus": list(counts), "junction": "AAA", "duplicate_count": list(counts.values())})
    found = depth(table, sample="s", count_of="reads", cells=1000).rows_by_key("locus", named=True, unique=True)
    assert {locus: row["cells"] for locus, row in found.items()} == {"IGH": 1000, "IGK": 600, "IGL": 400}
    worth = {locus: row["n_effective"] for locus, row in found.items()}
    assert worth == pytest.approx({"IGH": 294.117647, "IGK": 136.363636, "IGL": 90.9090909})
    alone = depth(table.filter(locus="IGL"), sample="s", count_of="reads", cells=1000)
    assert alone["cells"].to_list() == [1000]  # how many of them bear lambda is not known
