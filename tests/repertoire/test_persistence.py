import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.errors import AnalysisError, TableError
from tilseq.io.clonotypes import read_clonotypes
from tilseq.repertoire import effective_cells, persistence, pooled


def clones(counts, locus="TRB"):
    return pl.DataFrame(
        {"locus": locus, "junction": list(counts), "duplicate_count": list(counts.values())},
        schema={"locus": pl.String, "junction": pl.String, "duplicate_count": pl.Int64},
    )


LATER = clones({"a": 10, "b": 5, "c": 3})
PRODUCT = clones({"a": 70, "b": 10, "d": 20})


def test_mass_and_product_mass_kept_by_hand():
    found = persistence(LATER, PRODUCT, sample="s", n_effective=18)
    assert found.columns == [
        "sample",
        "locus",
        "measure",
        "value",
        "lower",
        "upper",
        "n_effective",
        "limit_of_detection",
        "at_cells",
    ]
    mass, kept = found.rows()
    assert mass[:3] == ("s", "TRB", "mass")
    # 15 of 18: limits by R's binom.test; 1 - 0.05 ** (1 / 18).
    assert mass[3:8] == pytest.approx((15 / 18, 0.585822508605226, 0.964214916878425, 18, 0.1533175539573), rel=1e-9)
    assert kept[:3] == ("s", "TRB", "product_mass_kept")
    assert kept[3] == pytest.approx(0.8)
    assert kept[4] < 0.8 < kept[5]
    assert kept[6:] == (18, None, None)


def test_mass_of_new_clones_leaves_out_those_of_the_baseline():
    found = persistence(LATER, PRODUCT, sample="s", n_effective=18, baseline_table=clones({"b": 2, "c": 1}))
    row = found.row(by_predicate=pl.col("measure") == "mass_new", named=True)
    # 10 of 18: limits by R's binom.test
    assert [row[name] for name in ("value", "lower", "upper")] == pytest.approx(
        [10 / 18, 0.307571658999, 0.784698492613]
    )


def test_at_a_common_depth_clones_are_rarefied():
    found = persistence(LATER, PRODUCT, sample="s", n_effective=18, at_cells={"TRB": 9}, threshold=0.15)
    values = {row["measure"]: row["value"] for row in found.iter_rows(named=True) if row["at_cells"] == 9}
    a, b = 1 - 0.5**10, 1 - 0.5**5  # chances of a clone of 10 and of 5 counts, half of all counts left
    assert values == {
        "clones_at_n": pytest.approx((a + b) / 3),
        "product_mass_kept_at_n": pytest.approx(0.7 * a + 0.1 * b),
        "frequent_clones_at_n": pytest.approx(a / 2),
    }


def test_limits_follow_the_effective_number_and_not_the_reads():
    found = persistence(clones({"a": 7000, "z": 4_993_000}), PRODUCT, sample="s", n_effective=5000).row(0, named=True)
    assert found["value"] == 0.0014
    # 7 of 5000 by R's binom.test
    assert found["lower"] == pytest.approx(0.000563052024289576, rel=1e-9)
    assert found["upper"] == pytest.approx(0.002882394352803331, rel=1e-9)


def test_without_an_effective_number_there_are_values_and_no_limits():
    found = persistence(LATER, PRODUCT, sample="s")
    assert found["value"].to_list() == pytest.approx([15 / 18, 0.8])
    assert found.select("lower", "upper", "n_effective", "limit_of_detection").null_count().row(0) == (2, 2, 2, 2)


def test_a_mass_of_nothing_has_an_upper_limit_and_a_limit_of_detection():
    found = persistence(clones({"x": 500}), PRODUCT, sample="s", n_effective=500).row(0, named=True)
    assert (found["value"], found["lower"]) == (0, 0)
    assert found["upper"] == pytest.approx(1 - 0.025 ** (1 / 500), rel=1e-9)
    assert found["limit_of_detection"] == pytest.approx(0.0059735514, rel=1e-7)  # about 3 / 500
    deep = persistence(clones({"x": 500_000}), PRODUCT, sample="s", n_effective=500_000).row(0, named=True)
    assert deep["limit_of_detection"] == pytest.approx(5.9914466e-06, rel=1e-7)


def test_nothing_seen_without_an_effective_number_is_null_not_zero():
    found = persistence(clones({"x": 500}), PRODUCT, sample="s")
    assert found["value"].to_list() == [None, None]
    told = persistence(clones({"x": 500}), PRODUCT, sample="s", n_effective=500)
    assert told["value"].to_list() == [0, 0]


def test_lots_are_pooled_when_they_count_alike():
    lots = [(clones({"a": 60, "d": 20}), "umis"), (clones({"a": 10, "b": 10}), "umis")]
    assert pooled(lots).sort("junction").rows() == [("TRB", "a", 70), ("TRB", "b", 10), ("TRB", "d", 20)]
    with pytest.raises(AnalysisError, match="count different things cannot be summed; found 'cells, umis'"):
        pooled([lots[0], (lots[1][0], "cells")])
    with pytest.raises(AnalysisError, match="no clonotype table"):
        pooled([])


def test_clones_match_within_a_locus_and_a_locus_of_one_table_alone_has_no_value():
    later = pl.concat([LATER, clones({"a": 6}, "TRA"), clones({"g": 1}, "TRG")])
    product = pl.concat([PRODUCT, clones({"b": 9}, "TRA")])
    found = persistence(later, product, sample="s", n_effective={"TRA": 6.0, "TRB": 10.0})
    values = {(row[1], row[2]): (row[3], row[6]) for row in found.rows()}
    assert values == {
        ("TRA", "mass"): (0, 6),
        ("TRA", "product_mass_kept"): (0, 6),
        ("TRB", "mass"): (15 / 18, 10),
        ("TRB", "product_mass_kept"): (pytest.approx(0.8), 10),
        ("TRG", "mass"): (None, None),
        ("TRG", "product_mass_kept"): (None, None),
    }


@pytest.mark.parametrize("n", [0, -1, 19, float("nan"), float("inf")])
def test_an_effective_number_that_cannot_be_is_refused(n):
    with pytest.raises(AnalysisError, match="effective number"):
        persistence(LATER, PRODUCT, sample="s", n_effective=n)


def test_tables_without_a_common_locus_are_refused():
    with pytest.raises(AnalysisError, match="no locus in common.*TRB against TRA"):
        persistence(LATER, clones({"a": 1}, "TRA"), sample="s")
    with pytest.raises(AnalysisError, match="no clone"):
        persistence(LATER, clones({}), sample="s")
    with pytest.raises(TableError, match="needs this column"):
        persistence(LATER, PRODUCT.drop("locus"), sample="s")


def test_several_products_may_stand_one_below_the_other():
    lots = pl.concat([clones({"a": 60, "d": 20}), clones({"a": 10, "b": 10})])
    assert persistence(LATER, lots, sample="s").equals(persistence(LATER, PRODUCT, sample="s"))


COUNTS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 1000), min_size=1)


@given(COUNTS, COUNTS)
def test_the_masses_are_shares_and_swap_with_the_tables(ours, theirs):
    there = persistence(clones(ours), clones(theirs), sample="s", n_effective=sum(ours.values()))
    back = persistence(clones(theirs), clones(ours), sample="s", n_effective=sum(theirs.values()))
    assert there["value"].to_list() == pytest.approx(back["value"].to_list()[::-1])
    value, lower, upper = there.select("value", "lower", "upper").row(0)
    assert 0 <= lower <= value <= upper <= 1
    assert value == sum(n for clone, n in ours.items() if clone in theirs) / sum(ours.values())


def test_mass_is_unbiased_under_down_sampling_and_its_limits_cover():
    random, size = np.random.default_rng(5), 2000
    share = 1 / np.arange(1, size + 1)
    share /= share.sum()
    product = clones({str(i): 1 for i in range(0, size, 3)})
    truth = share[::3].sum()
    for cells in (10_000, 200):
        values, hits = [], []
        for _ in range(150):
            counts = random.multinomial(cells, share)
            later = clones({str(i): int(counts[i]) for i in np.flatnonzero(counts)})
            value, lower, upper = persistence(later, product, sample="s", n_effective=cells).row(0)[3:6]
            values.append(value)
            hits.append(lower <= truth <= upper)
        error = np.sqrt(truth * (1 - truth) / cells / 150)
        assert abs(np.mean(values) - truth) < 4 * error
        assert np.mean(hits) > 0.9


def test_limits_of_reads_cover_on_effective_cells_alone():
    random, cells, reads = np.random.default_rng(6), 500, 50_000
    share = np.full(100, 0.01)
    product = clones({str(i): 1 for i in range(40)})
    hits = {"effective": [], "reads": []}
    for _ in range(100):
        drawn = random.multinomial(cells, share)
        counts = random.multinomial(reads, drawn / cells)
        later = clones({str(i): int(counts[i]) for i in np.flatnonzero(counts)})
        for name, n in (("effective", effective_cells(cells, reads)), ("reads", reads)):
            lower, upper = persistence(later, product, sample="s", n_effective=n).row(0)[4:6]
            hits[name].append(lower <= 0.4 <= upper)
    assert np.mean(hits["effective"]) > 0.88
    assert np.mean(hits["reads"]) < 0.4


def test_real_blood_and_tumour_of_one_subject_share_what_python_finds(shared_data):
    folder = shared_data / "screpertoire/contigs"
    blood, tumour = (read_clonotypes(folder / f"P17{s}_filtered_contig_annotations.csv.gz").table for s in "BL")
    found = persistence(blood, tumour, sample="P17B")
    for locus in ("TRA", "TRB"):
        b = dict(blood.filter(locus=locus).select("junction", "duplicate_count").iter_rows())
        t = dict(tumour.filter(locus=locus).select("junction", "duplicate_count").iter_rows())
        mass, kept = found.filter(locus=locus)["value"]
        assert mass == pytest.approx(sum(n for clone, n in b.items() if clone in t) / sum(b.values()), rel=1e-12)
        assert kept == pytest.approx(sum(n for clone, n in t.items() if clone in b) / sum(t.values()), rel=1e-12)
        assert mass > 0.5  # a blood of tumour-shared clones, unlike another subject's:
    other = read_clonotypes(folder / "P18L_filtered_contig_annotations.csv.gz").table
    strange = persistence(blood, other, sample="P17B", n_effective=100).filter(measure="mass")
    assert strange["value"].null_count() == 0
    assert strange["value"].max() < 0.05


@pytest.mark.parametrize("cells", [0, -1, 18.1, float("nan"), float("inf")])
def test_a_depth_that_the_sample_does_not_have_is_refused(cells):
    with pytest.raises(AnalysisError, match="cannot be told at this number of distinct cells.*at most the 18"):
        persistence(LATER, PRODUCT, sample="s", n_effective=18, at_cells={"TRB": cells})


@pytest.mark.parametrize("threshold", [0, -1, 5, float("nan")])
def test_a_threshold_that_is_no_share_is_refused(threshold):
    with pytest.raises(AnalysisError, match="a threshold must be a share above 0"):
        persistence(LATER, PRODUCT, sample="s", threshold=threshold)
