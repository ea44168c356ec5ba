import bisect
import csv
import itertools
import random
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tilseq.simulate.receptors
from tilseq.simulate.receptors.alias import alias
from tilseq.simulate.receptors.locus_model import LOCI, WITHOUT_TDT, locus_model
from tilseq.simulate.receptors.nucleotides import to_bases, translate
from tilseq.simulate.receptors.recombination import draw_chains

TABLES = Path(tilseq.simulate.receptors.__file__).parent / "germline"
# Standard genetic code as NCBI prints it (translation table 1), bases in the order TCAG.
NCBI = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
CODE = dict(zip(map("".join, itertools.product("TCAG", repeat=3)), NCBI, strict=True))


PINNED = [
    ["CAVSYDAGNMLTF", "CALNTDSWGKFEF"],
    ["CASRGGETQYF", "CASSLMSYWDEQFF"],
    ["CARQEFEYVLLWFGELSFRWFDPW", "CAREGSVVVPAAMQFLYFDYW"],
    ["CMQGTHWFF", "CQQYYSTPTF"],
    ["CSSYTSSSPWVF", "CVLYMGSGTVVF"],
]


def rng(seed=1):
    return np.random.Generator(np.random.PCG64(seed))


def rows(name, **wanted):
    with open(TABLES / f"{name}.tsv") as file:
        found = list(csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t"))
    return [row for row in found if all(row[key] == value for key, value in wanted.items())]


def read(sequence):
    return "".join(CODE[sequence[i : i + 3]] for i in range(0, len(sequence), 3))


def distance(one, other):
    """Return the total variation distance of two weighted counts."""
    sums = sum(one.values()), sum(other.values())
    return sum(abs(one[key] / sums[0] - other[key] / sums[1]) for key in {*one, *other}) / 2


class Naive:
    """V(D)J recombination of one locus in the plainest way, straight from the tables: the oracle of the fast one."""

    def __init__(self, locus, rng):
        self.locus, self.rng, self.reaches = locus, rng, {}
        self.germline = {row["gene"]: row["germline"] for row in rows("genes", locus=locus)}
        self.pairs = {(row["v"], row["j"]): float(row["share"]) for row in rows("pairs", locus=locus)}
        self.d_use = {}
        for row in rows("d_use", locus=locus):
            self.d_use.setdefault(row["j"], {})[row["d"]] = float(row["share"])
        self.trims = {
            (row["gene"], row["end"], row["given"]): self.counted(row["shares"], int(row["first"]))
            for row in rows("trims", locus=locus)
        }
        self.inserts = {row["join"]: self.counted(row["shares"]) for row in rows("insertions", locus=locus)}
        self.steps = {}
        for row in rows("steps", locus=locus):
            shares = dict(zip("ACGT", map(float, row["shares"].split()), strict=True))
            self.steps.setdefault(row["join"], {})[row["before"]] = shares
        self.selection = {row["what"]: float(row["factor"]) for row in rows("selection", locus=locus)}

    @staticmethod
    def counted(shares, first=0):
        return {first + number: float(share) for number, share in enumerate(shares.split())}

    def pick(self, weights):
        names, reach = self.reach(weights)
        return names[bisect.bisect_right(reach, self.rng.random() * reach[-1])]

    def reach(self, weights):
        if id(weights) not in self.reaches:
            self.reaches[id(weights)] = list(weights), list(itertools.accumulate(weights.values()))
        return self.reaches[id(weights)]

    def cut(self, gene, five=None, three=None):
        sequence = self.germline[gene]
        mirrored = sequence[::-1].translate(str.maketrans("ACGT", "TGCA"))
        if three is not None:
            sequence = sequence[: len(sequence) - three] if three >= 0 else sequence + mirrored[:-three]
        if five is not None:
            sequence = sequence[five:] if five >= 0 else mirrored[five:] + sequence
        return sequence

    def insertion(self, join, bare):
        bases = ""
        # Six steps before its first base the chain has forgotten where it began.
        for _ in range(0 if bare else self.pick(self.inserts[join]) + 6):
            bases += self.pick(self.steps[join][bases[-1] if bases else "A"])
        return bases[6:]

    def chain(self):
        """Return genes, junction and weight (0 if not productive)."""
        v, j = self.pick(self.pairs)
        v_lost, j_lost = self.pick(self.trims[v, "3", ""]), self.pick(self.trims[j, "5", ""])
        whole = v_lost <= len(self.germline[v]) - 3 and j_lost <= len(self.germline[j]) - 3
        bare = self.rng.random() < WITHOUT_TDT.get(self.locus, 0)
        left, right = self.cut(v, three=v_lost), self.cut(j, five=j_lost)
        if self.d_use:
            d = self.pick(self.d_use[j])
            five = self.pick(self.trims[d, "5", ""])
            three = self.pick(self.trims[d, "3", str(five)])
            middle = self.insertion("VD", bare) + self.cut(d, five, three) + self.insertion("DJ", bare)[::-1]
        else:
            d, middle = None, self.insertion("VJ", bare)
        junction = left + middle + right
        productive = whole and len(junction) % 3 == 0 and "*" not in read(junction)
        factors = [self.selection.get(gene, 1.0) for gene in (v, j)]
        if self.selection:
            factors.append(self.selection.get(str(len(junction) // 3), 0.0))
        return (v, d, j), junction, productive * float(np.prod(factors))


def summaries(chains):
    """Return weighted counts of what may differ: genes, lengths, and words of four bases at the left and the right."""
    counts = {name: Counter() for name in ("v", "d", "j", "length", "left", "right", "words")}
    for (v, d, j), junction, weight in chains:
        values = {"v": v, "d": d, "j": j, "length": len(junction), "left": junction[9:13], "right": junction[-16:-12]}
        for name, value in values.items():
            counts[name][value] += weight
        for start in range(9, len(junction) - 12):
            counts["words"][junction[start : start + 3]] += weight
    return counts


@pytest.mark.parametrize("locus", ["TRB", "IGK"])
def test_chains_are_those_of_plain_recombination_and_rejection(locus):
    naive = Naive(locus, random.Random(7))
    expected = summaries(chain for chain in (naive.chain() for _ in range(30_000)) if chain[2])
    drawn = draw_chains(rng(), locus, 60_000)
    names = [drawn[name].str.strip_suffix("*01").to_list() for name in ("v_call", "d_call", "j_call")]
    found = summaries(zip(zip(*names, strict=True), drawn["junction"], itertools.repeat(1.0)))
    # Just above what two samples of this size differ by. An insertion counted from the wrong side, a lost palindrome,
    # swapped ends of D and TRB without its bare rearrangements each go beyond one of them.
    limits = {"v": 0.035, "d": 0.01, "j": 0.02, "length": 0.02, "left": 0.068, "right": 0.065, "words": 0.0125}
    distances = {name: distance(expected[name], found[name]) for name in limits}
    assert all(distances[name] < limit for name, limit in limits.items()), distances


@given(st.sampled_from(LOCI), st.integers(0, 2**32), st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_every_chain_is_productive(locus, seed, chains):
    drawn = draw_chains(rng(seed), locus, chains)
    assert drawn.height == chains
    assert drawn.columns == ["v_call", "d_call", "j_call", "junction", "junction_aa"]
    assert set(drawn.dtypes) == {pl.String}
    ends = {f"{row['gene']}*01": row["germline"] for row in rows("genes", locus=locus)}
    for v, d, j, junction, amino_acids in drawn.iter_rows():
        assert len(junction) % 3 == 0
        assert read(junction) == amino_acids
        assert "*" not in amino_acids
        assert (junction[:3], junction[-3:]) == (ends[v][:3], ends[j][-3:])
        assert amino_acids[0] == "C" and amino_acids[-1] in "FW"
        assert (v[:4], j[:4]) == (f"{locus}V", f"{locus}J")
        assert d is None if locus in ("TRA", "IGK", "IGL") else d[:4] == f"{locus}D"


def test_the_same_generator_gives_the_same_chains():
    # Fixed, so that no version, process or hash seed moves them.
    drawn = [draw_chains(rng(), locus, 2)["junction_aa"].to_list() for locus in LOCI]
    assert drawn == PINNED
    assert draw_chains(rng(), "TRB", 5_000).equals(draw_chains(rng(), "TRB", 5_000))
    assert not draw_chains(rng(), "TRB", 5).equals(draw_chains(rng(2), "TRB", 5))


def test_no_chain_is_drawn_where_none_is_asked_for():
    assert draw_chains(rng(), "TRB", 0).schema == draw_chains(rng(), "TRB", 1).schema


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="no recombination model of 'TRG'; there are TRA, TRB, IGH, IGK, IGL"):
        draw_chains(rng(), "TRG", 1)
    with pytest.raises(ValueError, match="0 or more, not -1"):
        draw_chains(rng(), "TRB", -1)


def test_the_second_d_gene_joins_the_second_j_cluster_only():
    drawn = draw_chains(rng(), "TRB", 20_000)
    second = drawn.filter(d_call="TRBD2*01")
    assert second.height > 3_000
    assert second["j_call"].str.starts_with("TRBJ2").all()


def test_the_ends_of_genes_are_those_of_imgt():
    # IMGT/GENE-DB, human, allele *01; read off by eye.
    ends = {row["gene"]: row["germline"] for row in rows("genes")}
    known = {
        "TRBV20-1": "TGCAGTGCTAGAGA",
        "TRBV7-9": "TGTGCCAGCAGCTTAGC",
        "TRBD1": "GGGACAGGGGGC",
        "TRBD2": "GGGACTAGCGGGGGGG",
        "TRBJ2-7": "CTCCTACGAGCAGTACTTC",
        "TRBJ1-1": "TGAACACTGAAGCTTTCTTT",
        "TRAV1-2": "TGTGCTGTGAGAGA",
        "TRAJ33": "TGGATAGCAACTATCAGTTAATCTGG",
        "IGHV3-23": "TGTGCGAAAGA",
        "IGHJ4": "ACTACTTTGACTACTGG",
        "IGKJ1": "GTGGACGTTC",
    }
    assert {gene: ends[gene] for gene in known} == known


def test_gene_segments_carry_their_palindromes():
    # TRBJ2-7 begins with CTCCTA, so P nucleotides before it read TAGGAG; behind TRBV20-1 (...CTAGAGA) they read TCTCTA.
    for letter, gene, beside in (("j", "TRBJ2-7", "TAGGAG"), ("v", "TRBV20-1", "TCTCTA")):
        segment = getattr(locus_model("TRB"), letter)
        number = segment.names.index(gene)
        start = segment.start[number] + (-6 if letter == "j" else segment.length[number])
        assert segment.codes[start : start + 6].tolist() == to_bases(beside).tolist()


def test_translate():
    # CASSF and a stop, by hand from the genetic code.
    read = translate(pl.Series("junction", ["TGTGCCAGCAGCTTC", "TGCTAA", ""]))
    assert (read.name, read.to_list()) == ("junction", ["CASSF", "C*", ""])
    assert translate(pl.Series([], dtype=pl.String)).to_list() == []


@pytest.mark.parametrize("wrong", [["TGTG"], [None], ["TGN"], ["tgt"]])
def test_translate_refuses_what_it_cannot_read(wrong):
    with pytest.raises(ValueError, match="codon|letter"):
        translate(pl.Series(wrong, dtype=pl.String))


@given(st.lists(st.lists(st.floats(0, 100), min_size=3, max_size=3).filter(any), min_size=1, max_size=4))
def test_an_alias_table_holds_exactly_the_weights(weights):
    table = alias(np.array(weights))
    keep, other = table.keep.reshape(-1, 3), table.other.reshape(-1, 3)
    for row, shares in enumerate(weights):
        chances = np.zeros(3)
        for cell in range(3):
            chances[cell] += keep[row, cell] / 3
            chances[other[row, cell]] += (1 - keep[row, cell]) / 3
        assert chances == pytest.approx(np.array(shares) / sum(shares), abs=1e-12)


def test_an_alias_table_draws_from_the_row_asked_for():
    table = alias(np.array([[1.0, 0, 0], [0, 0, 0], [0, 1, 3]]))
    drawn = table.draw(rng(), np.array([0, 2] * 20_000))
    assert set(drawn[::2].tolist()) == {0}
    # 20,000 draws of chance 3/4: mean 15,000, standard deviation 61.
    assert set(drawn[1::2].tolist()) == {1, 2}
    assert abs((drawn[1::2] == 2).sum() - 15_000) < 4 * 61


def real_chains(paths, locus):
    table = pl.concat([pl.read_csv(path, infer_schema=False) for path in paths], how="diagonal")
    table = table.filter(pl.col("productive").str.to_lowercase() == "true", chain=locus)
    return table.unique(["v_gene", "j_gene", "cdr3_nt"]).with_columns(pl.col("v_gene").str.replace(r"(\d)DV", "$1/DV"))


@pytest.mark.parametrize("locus", ["TRA", "TRB"])
def test_lengths_and_genes_are_those_of_real_t_cells(shared_data, locus):
    drawn = draw_chains(rng(), locus, 50_000)
    ours = [Counter(drawn["v_call"].str.strip_suffix("*01")), Counter(drawn["junction_aa"].str.len_bytes())]
    fitted = sorted((shared_data / "screpertoire" / "contigs").glob("*.csv.gz"))
    other = [shared_data / "tcr" / "10x_pbmc3_t_filtered_contig_annotations.csv.gz"]
    # Between real subjects the distances are 0.10 to 0.14 and 0.02 to 0.05.
    for paths, v_limit, length_limit in ((fitted, 0.03, 0.02), (other, 0.17, 0.09)):
        real = real_chains(paths, locus)
        assert distance(ours[0], Counter(real["v_gene"])) < v_limit
        assert distance(ours[1], Counter(real["cdr3"].str.len_bytes())) < length_limit


@pytest.mark.parametrize("locus", ["TRA", "TRB"])
def test_sequences_are_shared_as_between_real_subjects(shared_data, locus):
    def shared(one, other):
        counts = [side.value_counts(name="n") for side in (one.alias("aa"), other.alias("aa"))]
        both = counts[0].join(counts[1], on="aa")
        return (both["n"] * both["n_right"]).sum() / len(one) / len(other)

    folder = shared_data / "screpertoire" / "contigs"
    people = [
        real_chains(sorted(folder.glob(f"{name}*.csv.gz")), locus)["cdr3"] for name in ("P17", "P18", "P19", "P20")
    ]
    real = np.mean([shared(a, b) for a, b in itertools.combinations(people, 2)])
    ours = shared(*(draw_chains(rng(seed), locus, 200_000)["junction_aa"] for seed in (1, 2)))
    assert 0.5 < ours / real < 2
