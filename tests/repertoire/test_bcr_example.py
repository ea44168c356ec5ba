"""B cells of alakazam's ExampleDb, 1,999 sequences of two samples: literal values are those of tests/oracles/bcr.R."""

import hashlib

import polars as pl
import pytest

from tilseq.repertoire import bcr, distance_to_nearest, diversity, families, family_threshold, hill_profile
from tilseq.repertoire import isotypes as isotypes_of
from tilseq.repertoire import mutations as mutations_of

SAMPLES = ("-1h", "+7d")


@pytest.fixture(scope="module")
def example(shared_data):
    """All sequences, the unproductive ones too, that shazam counts as well."""
    path = shared_data / "bcr" / "alakazam_ExampleDb.tsv.gz"
    raw = pl.read_csv(path, separator="\t", infer_schema=False)
    return raw.select(
        *("sequence_id", "sample_id", "clone_id", "c_call", "junction", "sequence_alignment"),
        pl.col("germline_alignment_d_mask").alias("germline_alignment"),
        pl.col("v_call").str.extract(r"(IGHV[^ ,]+)"),
        pl.col("j_call").str.extract(r"(IGHJ[^ ,]+)"),
        pl.col("duplicate_count").cast(pl.Int64),
        locus=pl.lit("IGH"),
    )


def told(table, column):
    lines = (f"{name}\t{value}" for name, value in sorted(table.select("sequence_id", column).iter_rows()))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def test_mutations_are_shazams_in_every_sequence(example):
    found = mutations_of(example)
    assert (found["mutations"].sum(), (found["mutations"] > 0).sum(), found["mutations"].max()) == (29696, 1557, 75)
    assert told(found, "mutations") == "f3605df203381226f28673dccbb8e9db603db5694e936de0ede4b8edf5d16b96"
    assert found["mutation_frequency"].sum() == pytest.approx(86.2718318196657, rel=1e-12)


def test_real_alignments_hold_their_junctions_and_those_without_gaps_do_not(example):
    one = example.filter(sample_id="-1h", locus="IGH")
    assert bcr(one, sample="a", threshold=0.1).doubts == []
    bare = one.with_columns(pl.col("sequence_alignment", "germline_alignment").str.replace_all(".", "", literal=True))
    told = bcr(bare, sample="a", threshold=0.1).doubts[-1]  # in a few more gaps are missing than in their germline
    assert told.startswith("999 of 1000 sequences do not have their junction from base 310 of their alignment on")
    other = one.with_columns(pl.col("junction").shift(1, fill_value=one["junction"][0]))
    assert len(bcr(other, sample="a", threshold=0.1).doubts) == 1  # junctions are of other rows


@pytest.mark.parametrize(
    ("part", "total", "frequencies", "digest"),
    [
        ("cdr_replacement", 5618, 107.382885703148, "179e3d5d43c44cd461dcddc1ccf321c45cbcd66ed31f49bf8954b6866bf8d7f8"),
        ("cdr_silent", 1747, 33.4656421138733, "73cd3e2df1aa4f3aa0c37cf47004e06ae0e21599ebdd2afdde260b79cbf93888"),
        ("fwr_replacement", 9770, 40.785411476197, "cb2fb67d8610f6346effdbe1ad22e6aed94db8e5aea9880e946b06cbc71affab"),
        ("fwr_silent", 7496, 31.2894823980447, "67beb7282f3ffac399d9500e2053d8de6d27ad0e75eead631561583ac70abff2"),
    ],
)
def test_mutations_of_each_region_are_shazams(example, part, total, frequencies, digest):
    found = mutations_of(example)
    assert found[part].sum() == total
    assert told(found, part) == digest
    bases = found[f"{part[:3]}_bases"]
    assert (found[part] / bases).fill_nan(None).sum() == pytest.approx(frequencies, rel=1e-12)


def test_distances_are_shazams_but_for_ambiguous_letters(example):
    nearest = distance_to_nearest(example)
    # Of 1,961 sequences. shazam has 442.5536, as it holds a letter such as R to be any base it may stand for.
    of_sequences = nearest.select(pl.col("distance") * pl.col("sequences"), "sequences").drop_nulls()
    assert of_sequences["sequences"].sum() == 1961
    assert of_sequences["distance"].sum() == pytest.approx(442.5536, abs=0.01)
    # shazam's density finds 0.174; both lie in the same valley, and families differ by six
    assert family_threshold(nearest["distance"]).threshold == pytest.approx(0.126)


@pytest.mark.parametrize(
    ("threshold", "number", "digest"),
    [
        (0, 1198, "832d6658ba9ae7c0a1352107a6e91de7267d7123c84def16b28fce8b6bd8813d"),
        (0.126, 1060, "a6f70f2a350952f7c89ecdb3aac6fc9ed1b9cb2b350d60682d7fb011f9fed90d"),
        (0.16, 1054, "8a9a89854efa6fc3f77c14559a6ed8e6708f4024711ca2cb8e213389ea274356"),
    ],
)
def test_families_are_those_of_hclust_on_alakazams_distances(example, threshold, number, digest):
    found = families(example, threshold=threshold)
    assert found["family_id"].n_unique() == number
    assert told(found.with_columns(first=pl.col("sequence_id").min().over("family_id")), "first") == digest


def pairs(table, *columns):
    sizes = table.group_by(columns).len()["len"].cast(pl.Int64)
    return int((sizes * (sizes - 1)).sum()) // 2


def test_families_against_the_files_clone_id(example):
    """The file's clones are sequences of one junction: families at a threshold of 0. The valley joins some of them."""
    same = families(example, threshold=0)
    assert pairs(same, "family_id") == pairs(same, "clone_id") == pairs(same, "family_id", "clone_id") == 10984
    found = families(example, threshold=0.126)
    assert pairs(found, "family_id", "clone_id") == 10984  # no clone is split
    clones = found.group_by("family_id").agg(pl.col("clone_id").n_unique())["clone_id"]
    assert (len(clones), (clones > 1).sum(), clones.max(), clones.filter(clones > 1).sum()) == (1060, 32, 86, 170)
    largest = found.filter(family_id="IGHV3-49.IGHJ5.60.1")  # grown by day 7, after a vaccine
    assert set(largest["sample_id"]) == {"+7d"} and largest["clone_id"].n_unique() == 86


# calcDiversity at q = 0, 0.5, 0.9999, 2, 3 (alakazam takes 0.9999 for 1), calcCoverage
ALAKAZAM = {
    "-1h": ([852, 819.227009831550, 773.965825244963, 629.722921914358, 441.338757321916], 0.24114011426974),
    "+7d": ([348, 227.6101218791214, 125.1659213259227, 44.6512907699879, 27.0008292092242], 0.741801908142417),
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_diversity_of_clones_is_alakazams(example, sample):
    clones = example.filter(sample_id=sample).select("locus", junction="clone_id", duplicate_count=pl.lit(1))
    hill, coverage = ALAKAZAM[sample]
    found = hill_profile(clones, sample=sample, orders=(0, 0.5, 0.9999, 2, 3))
    assert found["value"].to_list() == pytest.approx(hill, rel=1e-9)
    indices = diversity(clones, sample=sample, count_of="cells")
    assert indices.filter(parameter="coverage")["value"].to_list() == pytest.approx([coverage], rel=1e-9)


# countGenes: of sequences, of their copies
ISOTYPES = {
    "-1h": {"IGHM": (563, 648), "IGHD": (209, 227), "IGHG": (122, 214), "IGHA": (106, 222)},
    "+7d": {"IGHM": (155, 180), "IGHD": (50, 51), "IGHG": (528, 1613), "IGHA": (266, 1309)},
}
# countGenes with clone_id
OF_CLONES = {"-1h": [530, 192, 63, 67], "+7d": [147, 46, 101, 54]}


@pytest.mark.parametrize("sample", SAMPLES)
def test_isotype_shares_are_alakazams(example, sample):
    table = example.filter(sample_id=sample).with_columns(family_id="clone_id")
    found = isotypes_of(table, sample=sample, count_of="umis").filter(level="class")
    sizes = [sum(numbers[place] for numbers in ISOTYPES[sample].values()) for place in (0, 1)]
    for isotype, numbers in ISOTYPES[sample].items():
        for place, unit in enumerate(("sequences", "counts")):
            row = found.filter(unit=unit, isotype=isotype).row(0, named=True)
            assert row["number"] == numbers[place]
            assert row["share"] == pytest.approx(numbers[place] / sizes[place], abs=1e-15)
    of_clones = [found.filter(unit="families", isotype=name)["number"].item() for name in ISOTYPES[sample]]
    told = table.group_by("clone_id", "c_call").len().filter(pl.col("len") == pl.col("len").max().over("clone_id"))
    ties = told.filter(pl.len().over("clone_id") > 1).height // 2
    # Of classes as frequent alakazam takes the file's first, we the first in the order of the genes.
    moved = {"-1h": 2, "+7d": 0}[sample]
    assert of_clones == [OF_CLONES[sample][0] + moved, OF_CLONES[sample][1] - moved, *OF_CLONES[sample][2:]]
    assert ties >= moved


def test_switched_share_after_a_vaccine(example):
    found = bcr(example.filter(sample_id="+7d").drop("sample_id", "clone_id"), sample="+7d", count_of="umis")
    row = found.isotypes.filter(unit="counts", level="switched").row(0, named=True)
    assert (row["number"], row["total"]) == (1613 + 1309, 1613 + 1309 + 180 + 51)
    assert found.threshold_source == "valley"
    assert found.families["sequences"].sum() == 999
    assert found.mutation["mutations"].sum() == mutations_of(example.filter(sample_id="+7d"))["mutations"].sum()
