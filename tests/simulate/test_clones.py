import gzip
from collections import Counter

import numpy as np
import polars as pl
import pytest

from tilseq.simulate.clones import J_GENES, V_GENES, draw_clones, draw_frequencies, translate
from tilseq.simulate.streams import stream


@pytest.fixture(scope="module")
def drawn():
    return draw_clones(stream(1, "clones"), 4_000)


def test_translate_reads_the_standard_code():
    # First clone of the vdjtools table in the shared data.
    assert translate("TGTGCCAGCAGCCCAAGGGCAGGGAAGGGTGAGCAGTTCTTC") == "CASSPRAGKGEQFF"
    assert translate("ATGTAATAGTGA") == "M***"


def test_every_clone_is_productive_and_its_own(drawn):
    assert drawn.height == drawn["junction"].n_unique() == 4_000
    assert (drawn["junction"].str.len_chars() % 3 == 0).all()
    assert drawn["junction_aa"].str.contains(r"^C[ACDEFGHIKLMNPQRSTVWY]{7,23}F$").all()
    assert drawn["junction_aa"].to_list() == [translate(junction) for junction in drawn["junction"]]


def test_names_are_those_of_imgt_with_an_allele(drawn):
    assert drawn["v_call"].str.contains(r"^TRBV\d+(-\d)?\*01$").all()
    assert drawn["d_call"].str.contains(r"^TRBD[12]\*01$").all()
    assert drawn["j_call"].str.contains(r"^TRBJ[12]-[1-7]\*01$").all()


def test_the_second_d_gene_never_joins_the_first_j_cluster(drawn):
    pairs = drawn.select(pl.col("d_call").str.head(5), pl.col("j_call").str.head(5)).unique().sort("d_call", "j_call")
    assert pairs.rows() == [("TRBD1", "TRBJ1"), ("TRBD1", "TRBJ2"), ("TRBD2", "TRBJ2")]


def test_lengths_are_those_of_real_repertoires(drawn):
    # 18,638 junctions of the scRepertoire contigs: mean 14.6, standard deviation 1.8 amino acids.
    lengths = drawn["junction_aa"].str.len_chars()
    assert lengths.mean() == pytest.approx(14.6, abs=0.4)
    assert lengths.std() == pytest.approx(1.8, abs=0.4)


def test_gene_ends_are_those_of_real_junctions(shared_data):
    contigs = [
        pl.read_csv(gzip.decompress(path.read_bytes()), infer_schema_length=0)
        for path in sorted((shared_data / "screpertoire" / "contigs").glob("*.csv.gz"))
    ]
    real = pl.concat(contigs).filter(pl.col("chain") == "TRB", pl.col("productive") == "True")
    for gene, (end, _) in V_GENES.items():
        starts = Counter(real.filter(pl.col("v_gene") == gene)["cdr3_nt"].str.head(8))
        assert starts.most_common(1)[0][0] == end[:8], gene
    for gene, (start, _) in J_GENES.items():
        ends = Counter(real.filter(pl.col("j_gene") == gene)["cdr3_nt"].str.tail(12))
        assert ends.most_common(1)[0][0] == start[-12:], gene


def test_frequencies_follow_the_power_law():
    assert draw_frequencies(stream(1), 3, exponent=1, shift=1, spread=0) == pytest.approx([6 / 13, 4 / 13, 3 / 13])


def test_noise_keeps_the_sum_and_unsettles_the_order():
    shares = draw_frequencies(stream(1), 1_000, exponent=1.1, shift=2, spread=0.4)
    assert shares.sum() == pytest.approx(1)
    assert (np.diff(shares) > 0).any()
    assert shares.min() > 0
