import numpy as np
import polars as pl
import pytest

from tilseq.steps.cells_behind import cells_behind, known_cells, more_than_replicates

JUNCTIONS = [f"{a}{b}{c}AAA" for a in "ACGT" for b in "ACGT" for c in "ACGT"]


@pytest.fixture
def made(sample):
    """Return a function that makes rows and clonotypes: name → counts and cells of its row."""

    def make(**samples):
        rows, clones = [], {}
        for name, (counts, cells) in samples.items():
            rows.append(sample(name, assay="tcr", **{"visit": name, **cells}))
            clones[name] = pl.DataFrame(
                {"locus": "TRB", "junction": JUNCTIONS[: len(counts)], "duplicate_count": counts, "count_of": "reads",
                 "cells_of_locus": pl.Series([None] * len(counts), dtype=pl.Int64)}
            ).filter(pl.col("duplicate_count") > 0)  # fmt: skip
        return rows, clones

    return make


def reads_of(cells, reads, seed):
    random = np.random.default_rng(seed)
    return random.multinomial(reads, random.multinomial(cells, np.full(64, 1 / 64)) / cells)


def test_cells_that_were_told_stand_before_any_estimate(made):
    rows, clones = made(one=([600, 300], {"cells": 100}), other=([600, 300], {}))
    found = cells_behind(rows, clones)
    worth = pytest.approx(39.8230088)  # 1 / (2.4 / 100 + 1 / 900): cells yield reads unequally
    assert found.filter(sample="one").select("cells", "cells_from", "n_effective").row(0) == (100, "declared", worth)
    assert found.filter(sample="other")["n_effective"].to_list() == [None]


def test_replicates_tell_the_cells_of_both(made):
    alike = {"visit": "D28"}
    rows, clones = made(
        r1=(reads_of(2000, 50_000, 1), {**alike, "replicate": 1}),
        r2=(reads_of(2000, 50_000, 2), {**alike, "replicate": 2}),
    )
    found = known_cells(rows, clones)
    assert found["cells_from"].to_list() == ["replicates"] * 2
    assert found["cells"].n_unique() == 1
    assert 1200 < found["cells"][0] < 3400  # of 64 clones the variance is known to within a fifth


@pytest.mark.parametrize(("told", "warned"), [(20_000, ["r1"]), (2_000, [])])
def test_more_cells_told_than_replicates_allow_are_a_warning(made, told, warned):
    """2,000 cells were drawn: 20,000 would make limits a third as wide."""
    rows, clones = made(
        r1=(reads_of(2000, 50_000, 1), {"visit": "D28", "replicate": 1, "cells": told}),
        r2=(reads_of(2000, 50_000, 2), {"visit": "D28", "replicate": 2}),
    )
    assert cells_behind(rows, clones)["cells_from"].to_list() == ["declared", "replicates"]
    found = more_than_replicates(rows, clones, cells_behind(rows, clones))
    assert [row["sample"] for row in found] == warned
    for row in found:
        assert (row["check"], row["verdict"]) == ("cells told against replicates, TRB", "warn")
        assert row["reason"].startswith("samples.csv tells 20000 cells, and its replicates differ as libraries of ")


def test_cells_told_of_templates_do_not_make_their_limits_narrow(sample):
    """Each template is counted 0, 1 or 2 times, of variance 0.8: replicates differ as those of 19,000 cells would.

    However many cells are told, 15,000 templates are worth 15,000 / 1.8.
    """
    random = np.random.default_rng(5)
    size = random.lognormal(0, 2, 4000)
    rows = [sample(f"r{part}", assay="tcr", visit="D28", replicate=part, cells=10**6) for part in (1, 2)]
    clones = {}
    for row in rows:
        templates = np.append(random.poisson(10_500 * size / size.sum()), np.ones(4500, int))
        lost = random.binomial(templates, 0.4)
        counts = templates - lost + random.binomial(templates - lost, 0.4 / 0.6)
        names = [f"M{i}" for i in range(4000)] + [f"{row['sample']} N{i}" for i in range(4500)]
        table = pl.DataFrame({"locus": "TRB", "junction": names, "duplicate_count": counts})
        table = table.with_columns(count_of=pl.lit("templates"), cells_of_locus=pl.lit(None, pl.Int64))
        clones[row["sample"]] = table.filter(pl.col("duplicate_count") > 0)
    found = cells_behind(rows, clones)
    assert (found["n_effective"] / found["counts"]).to_list() == pytest.approx([1 / 1.8] * 2, rel=0.03)
    assert more_than_replicates(rows, clones, found) == []


def test_libraries_of_two_lots_are_no_replicates(made):
    product = {"specimen": "infusion_product", "visit": "product"}
    rows, clones = made(
        a=(reads_of(2000, 50_000, 1), {**product, "lot": "A", "replicate": 1}),
        b=(reads_of(2000, 50_000, 2), {**product, "lot": "B", "replicate": 2}),
    )
    assert "replicates" not in cells_behind(rows, clones)["cells_from"].to_list()


def test_a_pair_tells_cells_that_are_not_taken_for_known(made):
    rows, clones = made(d7=(reads_of(2000, 50_000, 1), {"day": 7}), d28=(reads_of(2000, 50_000, 2), {"day": 28}))
    assert cells_behind(rows, clones)["cells_from"].to_list() == ["pair", "pair"]
    assert known_cells(rows, clones).height == 0


def test_a_sample_without_a_clone_has_no_row(made):
    rows, clones = made(one=([5, 3], {"cells": 100}), none=([], {}))
    assert cells_behind(rows, clones)["sample"].to_list() == ["one"]
