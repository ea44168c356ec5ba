import numpy as np
import polars as pl
import pytest

from tilseq.simulate.clones import BETA
from tilseq.simulate.compartments import Specimen
from tilseq.simulate.design import Confounders, DepthByVisit, Design, FailedLibrary
from tilseq.simulate.plan import Sample, samples_of
from tilseq.simulate.sequencing.libraries import (
    TcrLibrary,
    bcr_library,
    draw_b_cells,
    draw_counts_of_clones,
    draw_library,
    hopped,
    tcr_depth,
    tcr_library,
)
from tilseq.simulate.sequencing.sampling import FLAVORS, GDNA, READS, UMI
from tilseq.simulate.streams import stream
from tilseq.simulate.subjects import draw_subject

DESIGN = Design(memory_clones=400, depth=1_000, visits=["baseline", "D7", "D84"])
COLUMNS = [*BETA, "counted"]


@pytest.fixture(scope="module")
def subject():
    return draw_subject(2, DESIGN)


@pytest.fixture(scope="module")
def samples(subject):
    return {sample.name: sample for sample in samples_of(DESIGN, subject)}


@pytest.fixture(scope="module")
def specimen():
    """Half of the cells of one clone, a quarter of another, a quarter naive; a third clone is absent."""
    cells = np.zeros((3, 6))
    cells[0, 3], cells[1, 2] = 50.0, 25.0
    return Specimen(np.zeros((3, 6)), cells, {"CD4": 20.0, "CD8": 5.0}, {"B": 40.0})


def chains(*junctions, counted):
    return pl.DataFrame(
        {"v_call": "V", "d_call": None, "j_call": "J", "junction": junctions, "junction_aa": "C", "counted": counted},
        schema_overrides={"d_call": pl.String},
    ).select(COLUMNS)


@pytest.mark.parametrize("flavor", FLAVORS.values(), ids=FLAVORS)
def test_counts_and_cells_add_up(specimen, flavor):
    library = draw_library(stream(1), specimen, 4_000, 1_500, flavor)
    assert library.frequencies == pytest.approx([0.5, 0.25, 0])
    assert library.cells_put_in == library.cells.sum() + library.naive_cells == 4_000
    assert library.counted.sum() + library.naive["counted"].sum() == library.depth == 1_500
    assert library.cells[2] == library.counted[2] == 0
    assert library.cells[:2] == pytest.approx([2_000, 1_000], abs=4 * 32)
    assert library.naive.columns == COLUMNS
    assert library.naive["counted"].min() >= 1
    # A naive cell is a clone by itself: most chains are counted once or twice, and no more stand there than cells.
    assert 200 < library.naive.height <= library.naive_cells == pytest.approx(1_000, abs=4 * 28)


def test_clones_are_counted_in_proportion_with_the_spread_that_is_told(specimen):
    rng = stream(2)
    libraries = [draw_library(rng, specimen, 400, 300, UMI) for _ in range(300)]
    assert {library.n_effective for library in libraries} == {libraries[0].n_effective}
    share = np.array([library.counted[0] / library.depth for library in libraries])
    # Squared coefficient of variation of a cell's UMIs: 0.7120339; see the tests of the sampling.
    told = 1 / (1.7120339 / 400 + 1 / 300)
    assert libraries[0].n_effective == pytest.approx(told, rel=1e-6)
    assert share.mean() == pytest.approx(0.5, abs=4 * (0.25 / told / 300) ** 0.5)
    assert share.var() == pytest.approx(0.25 / told, rel=4 * (2 / 300) ** 0.5)


def test_the_effective_number_is_that_of_the_flavor(specimen):
    def told(cells, depth, flavor):
        return draw_library(stream(3), specimen, cells, depth, flavor).n_effective

    assert told(20_000, 5_000, GDNA) == pytest.approx(5_000 / 1.3)
    # More is asked for than the tube holds: what was counted counts.
    few = draw_library(stream(3), specimen, 500, 5_000, GDNA)
    assert few.depth == pytest.approx(400, abs=4 * 9)
    assert few.n_effective == pytest.approx(few.depth / 1.3, rel=0.1)
    by_hand = 1 / (1.7120339 / 50_000 + 2 / 150_000 + 1 / 90_000)
    assert told(50_000, 90_000, READS) == pytest.approx(by_hand, rel=1e-6)


def test_a_library_in_which_nothing_was_counted_is_worth_nothing(specimen):
    empty = draw_library(stream(4), specimen, 10, 0, GDNA)
    assert (empty.depth, empty.n_effective, empty.cells_put_in) == (0, 0.0, 10)
    assert empty.naive.height == 0
    # One molecule is worth one cell drawn: its share is 0 or 1.
    assert draw_library(stream(4), specimen, 1, 1, READS).n_effective == 1
    clones = pl.DataFrame({f"trb_{name}": ["a", "b", "c"] for name in BETA})
    assert empty.table(clones).height == 0
    assert empty.table(clones).columns == COLUMNS


def test_counts_alone_are_those_of_the_library(specimen):
    library = draw_library(stream(5), specimen, 900, 300, GDNA)
    counts = draw_counts_of_clones(stream(5), specimen, 900, 300, GDNA)
    assert counts[:3].tolist() == library.counted.tolist()
    assert counts[3:][counts[3:] > 0].tolist() == library.naive["counted"].to_list()


def test_a_table_holds_no_junction_twice():
    clones = pl.DataFrame(
        {
            "trb_v_call": ["V1", "V2", "V3"],
            "trb_d_call": ["D", None, "D"],
            "trb_j_call": "J",
            "trb_junction": ["AAA", "CCC", "GGG"],
            "trb_junction_aa": ["K", "P", "G"],
        }
    )
    # One naive cell has by chance the junction of the first clone, two others that of one another.
    naive = chains("AAA", "TTT", "TTT", counted=[2, 3, 4])
    counts = np.array([5, 0, 7])
    library = TcrLibrary(np.zeros(3), counts, counts, 3, naive, 21, GDNA)
    table = library.table(clones)
    assert table.columns == COLUMNS
    assert table.select("v_call", "junction", "junction_aa", "counted").rows() == [
        ("V1", "AAA", "K", 7),
        ("V3", "GGG", "G", 7),
        ("V", "TTT", "C", 7),
    ]


def test_the_table_of_a_drawn_library_sums_to_its_depth(subject, samples):
    for name in ("SIM-02_harvest_tcr", "SIM-02_productB_tcr", "SIM-02_baseline_tcr", "SIM-02_D84_tcr"):
        library = tcr_library(DESIGN, subject, samples[name])
        table = library.table(subject.clones)
        assert table["junction"].n_unique() == table.height
        assert table["counted"].sum() == library.depth == 1_000
        assert library.cells_put_in == 2_000
        own = table.join(subject.clones, left_on="junction", right_on="trb_junction")
        seen = set(np.flatnonzero(library.counted) + 1)
        by_chance = set(own["clone"]) - seen  # a naive cell with the junction of a clone that was not counted
        assert seen <= set(own["clone"])
        assert len(by_chance) <= min(3, library.naive_cells)


def test_a_library_is_of_its_own_specimen(subject, samples):
    tumor, one, other, blood = (
        tcr_library(DESIGN, subject, samples[f"SIM-02_{name}_tcr"])
        for name in ("harvest", "productA", "productB", "baseline")
    )
    assert tumor.frequencies == pytest.approx(subject.course.tumor.sum(axis=1))
    assert one.frequencies == pytest.approx(subject.course.lots["LOT-02A"].sum(axis=1))
    assert other.frequencies == pytest.approx(subject.course.lots["LOT-02B"].sum(axis=1))
    assert blood.frequencies == pytest.approx(subject.blood(-10).frequencies)
    assert [library.naive_cells for library in (tumor, one, other)] == [0, 0, 0]
    assert blood.naive_cells > 400


def test_a_sample_is_drawn_the_same_in_every_design(subject, samples):
    sample = samples["SIM-02_D7_tcr"]
    one = tcr_library(DESIGN, subject, sample)
    other = tcr_library(DESIGN.model_copy(update={"subjects": 9, "cells": 7, "visits": ["D7"]}), subject, sample)
    assert np.array_equal(one.counted, other.counted)
    assert one.naive.equals(other.naive)
    again = tcr_library(DESIGN, subject, samples["SIM-02_baseline_tcr"])
    assert not np.array_equal(one.counted, again.counted)


def test_a_failed_library_is_shallow_though_its_cells_were_put_in(subject, samples):
    failed = Confounders(
        failed_library=FailedLibrary(sample="SIM-02_D7_tcr", depth=35), depth_by_visit=DepthByVisit(log_spread=1e-6)
    )
    design = DESIGN.model_copy(update={"confounders": failed})
    library = tcr_library(design, subject, samples["SIM-02_D7_tcr"])
    assert (library.depth, library.cells_put_in) == (35, 2_000)
    # Every other library is as deep as ever.
    assert tcr_depth(design, samples["SIM-02_D84_tcr"]) == 1_000


def test_depth_varies_from_visit_to_visit_only_where_it_is_asked_to():
    named = [Sample(f"SIM-{i}_D7_tcr", f"SIM-{i}", "D7", 7, "blood", "tcr") for i in range(400)]
    assert {tcr_depth(DESIGN, sample) for sample in named} == {1_000}
    varying = DESIGN.model_copy(update={"confounders": Confounders(depth_by_visit=DepthByVisit(log_spread=0.8))})
    depths = [tcr_depth(varying, sample) for sample in named]
    logs = np.log(depths)
    assert logs.mean() == pytest.approx(np.log(1_000), abs=4 * 0.8 / 20)
    assert logs.std() == pytest.approx(0.8, abs=4 * 0.8 / 800**0.5)
    assert [tcr_depth(varying, sample) for sample in named] == depths
    assert tcr_depth(varying.model_copy(update={"depth": 1}), named[0]) >= 1


def test_hopped_molecules_are_added_and_the_own_stay():
    into = chains("AAA", "CCC", counted=[5, 6])
    source = chains("CCC", "GGG", "TTT", counted=[400, 2_000, 0])
    mixed, arrived = hopped(stream(6), into, source, 0.01)
    found = dict(mixed.select("junction", "counted").iter_rows())
    assert list(found) == ["AAA", "CCC", "GGG"]
    assert found["AAA"] == 5
    assert found["CCC"] >= 6
    assert sum(found.values()) == 11 + arrived
    assert arrived == pytest.approx(24, abs=4 * 24**0.5)
    untouched, none = hopped(stream(6), into, source, 1e-9)
    assert none == 0
    assert untouched.equals(into)


def test_molecules_hop_at_the_rate():
    into, source = chains("AAA", counted=[10]), chains(*map(str, range(2_000)), counted=[50] * 2_000)
    arrived = [hopped(stream(seed), into, source, 0.002)[1] for seed in range(50)]
    assert np.mean(arrived) == pytest.approx(200, abs=4 * (200 / 50) ** 0.5)
    assert np.var(arrived, ddof=1) == pytest.approx(200, rel=4 * (2 / 49) ** 0.5)


@pytest.fixture(scope="module")
def members(subject):
    return draw_b_cells(DESIGN, subject)


def test_b_cells_are_shared_out_otherwise_in_the_tumour(members):
    assert members["frequency"].sum() == pytest.approx(1)
    assert members["tumor_frequency"].sum() == pytest.approx(1)
    assert members["family"].n_unique() == 400
    by_family = members.group_by("family").agg(pl.col("frequency", "tumor_frequency").sum())
    fold = (by_family["tumor_frequency"] / by_family["frequency"]).log()
    assert fold.std() == pytest.approx(1.5, rel=0.15)
    # Within a family the members keep their shares.
    within = members.with_columns(fold=pl.col("tumor_frequency") / pl.col("frequency")).group_by("family")
    spread = within.agg(pl.col("fold").max() / pl.col("fold").min())
    assert spread["fold"].max() == pytest.approx(1)


def test_the_pool_is_memory_and_no_naive_cell(members):
    # Nearly two thirds of the memory families of adults' blood have switched class; naive cells are IgM and IgD.
    first = members.filter(member=0)
    assert first["c_call"].is_in(["IGHM", "IGHD"]).not_().mean() == pytest.approx(
        0.64, abs=4 * (0.64 * 0.36 / 400) ** 0.5
    )
    # A naive cell would be a family of one cell, all of one and the same share.
    by_family = members.group_by("family").agg(pl.col("frequency").sum())
    assert by_family["frequency"].round(12).n_unique() == 400


def test_as_many_heavy_as_light_chains_are_counted(subject, samples, members):
    for name in ("SIM-02_harvest_bcr", "SIM-02_baseline_bcr", "SIM-02_D84_bcr"):
        table, cells = bcr_library(DESIGN, subject, samples[name], members)
        assert cells == 1_000
        assert table["counted"].min() >= 1
        counted = dict(table.group_by("locus").agg(pl.col("counted").sum()).iter_rows())
        assert set(counted) == {"IGH", "IGK", "IGL"}
        assert counted["IGH"] == counted["IGK"] + counted["IGL"] == 500
        assert counted["IGK"] == pytest.approx(300, abs=120)
        assert (table["v_call"].str.head(3) == table["locus"]).all()
        assert (table["j_call"].str.head(3) == table["locus"]).all()
        heavy = pl.col("locus") == "IGH"
        assert table.filter(heavy)["c_call"].null_count() == 0
        assert table.filter(~heavy)["c_call"].count() == table.filter(~heavy)["d_call"].count() == 0
        assert (table["counted"] <= 2 * table["cells"]).all()  # genomic DNA: a template counts twice at most


def test_naive_b_cells_are_few_in_tumours_and_come_back_first(subject, samples, members):
    shares = {}
    for visit in ("harvest", "baseline", "D84"):
        table, _ = bcr_library(DESIGN, subject, samples[f"SIM-02_{visit}_bcr"], members)
        heavy = table.filter(locus="IGH")
        naive = heavy.filter(pl.col("family").is_null())
        shares[visit] = naive["counted"].sum() / heavy["counted"].sum()
        assert set(naive["c_call"]) <= {"IGHM", "IGHD"}
        assert set(naive["cells"]) == {1}
    # Of 500 templates, within four standard errors.
    for visit, share in (("harvest", 0.05), ("baseline", 0.70), ("D84", 0.93)):
        assert shares[visit] == pytest.approx(share, abs=4 * (1.3 * share * (1 - share) / 500) ** 0.5)


def test_chains_of_a_family_are_those_of_its_members(subject, samples, members):
    table, _ = bcr_library(DESIGN, subject, samples["SIM-02_harvest_bcr"], members)
    own = table.filter(pl.col("family").is_not_null())
    heavy = own.filter(locus="IGH").join(members, on=["family", "junction", "v_call", "c_call"], how="anti")
    light = own.filter(pl.col("locus") != "IGH").join(
        members,
        left_on=["family", "locus", "junction"],
        right_on=["family", "light_locus", "light_junction"],
        how="anti",
    )
    assert heavy.height == light.height == 0
    assert own["locus"].n_unique() == 3
