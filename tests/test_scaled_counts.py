"""Whole numbers that were normalised and rounded are told from counts."""

import numpy as np
import pytest
from scipy.sparse import csr_array, csr_matrix

from tilseq.scaled_counts import MEND, WHAT, WHAT_LOGS, of_one_depth, sign_in_cells, sign_of_scaling

# 60 genes of each count from 1 to 12. Times 1.3: 1.3, 2.6, 3.9, 5.2, 6.5, 7.8, 9.1, 10.4, 11.7, 13, 14.3, 15.6, which
# are 1, 3, 4, 5, 6, 8, 9, 10, 12, 13, 14, 16: none is 2, 7, 11 or 15.
COUNTS = np.repeat(np.arange(1, 13), 60)
GAP = "no gene with a count of 2 in sample b, though many have one near it"


@pytest.mark.parametrize("kind", [np.asarray, csr_matrix])
def test_counts_that_were_scaled_up_leave_gaps(kind):
    scaled = np.rint(1.3 * COUNTS)
    assert sorted(set(scaled)) == [1, 3, 4, 5, 6, 8, 9, 10, 12, 13, 14, 16]
    sign = sign_of_scaling(kind(np.array([COUNTS, scaled])), ["a", "b"])
    assert (sign.what, sign.found, sign.mend) == (WHAT, GAP, MEND)
    assert sign_of_scaling(kind(np.array([COUNTS, COUNTS[::-1]])), ["a", "b"]) is None


@pytest.mark.parametrize("kind", [np.asarray, csr_matrix])
def test_counts_of_reads_in_pairs_are_told_as_counted_twice(kind):
    """Each fragment counted as its two reads, or a file summed with itself: no gene has 3, and nothing was rounded."""
    counts = np.tile(COUNTS, 2)  # 120 genes of 2 and of 4, and of 1, 3 and 5 none: 60 on average beside 3
    sign = sign_of_scaling(kind(np.array([2 * counts])), ["b"])
    assert sign.what == "these are no raw counts: those of a sample are all multiples of one number"
    assert sign.found == "multiples of 2 in sample b"
    assert sign.mend.startswith("count each molecule once")
    # A gene of 1 among them, and they are not.
    odd = sign_of_scaling(kind(np.array([np.append(2 * counts, 1)])))
    assert (odd.what, odd.found) == (WHAT, GAP.replace("of 2 in sample b", "of 3 in sample 1"))


def test_doubled_counts_of_few_genes_or_of_large_counts_are_told_without_a_gap():
    rng = np.random.default_rng(4)
    counts = rng.negative_binomial(5, 0.005, (3, 300))  # about 1,000 each: no value is held by many genes
    assert sign_of_scaling(counts) is None
    assert sign_of_scaling(2 * counts).found == "multiples of 2 in sample 1"
    assert sign_of_scaling(np.vstack([counts, 3 * counts[:1]])).found == "multiples of 3 in sample 4"
    assert sign_of_scaling(2 * counts[:, :59]) is None  # too few to tell


def test_genes_that_a_filter_took_away_leave_no_gap():
    assert sign_of_scaling(np.array([COUNTS[COUNTS >= 8], COUNTS[COUNTS >= 8]])) is None


def test_few_genes_tell_nothing():
    assert sign_of_scaling(np.rint(1.3 * np.repeat(np.arange(1, 13), 39))[None]) is None


@pytest.mark.parametrize(
    ("totals", "scaled"),
    [
        # Squares about the mean over it: 8.8 / 1e6, and 3,598,472 / 1e6. R: pchisq(8.8e-6, 4) is 9.7e-12,
        # pchisq(3.598472, 4) is 0.54.
        ([1_000_001, 999_998, 1_000_000, 1_000_002, 1_000_000], True),
        ([1_000_000, 1_001_000, 999_000, 1_000_894, 999_106], False),
        # Two alone may be alike by chance; libraries that are all equal were subsampled.
        ([1_000_001, 999_998], False),
        ([1_000_000] * 5, False),
        ([0, 0, 0], False),
        ([901, 900, 900, 899, 900], False),
        ([20_637_971, 18_809_481, 25_348_649, 15_163_415], False),
    ],
)
def test_libraries_that_differ_less_than_counting_makes_them(totals, scaled):
    assert of_one_depth(np.array(totals, float)) is scaled


def test_counts_per_million_that_were_rounded():
    rng = np.random.default_rng(2)
    counts = rng.poisson(rng.lognormal(4, 2, 3_000) * rng.uniform(0.5, 2, (5, 1)))
    per_million = np.rint(counts / counts.sum(axis=1, keepdims=True) * 1e6)
    assert sign_of_scaling(per_million).found == "library sizes that differ by rounding alone"
    assert sign_of_scaling(counts) is None


def test_counts_of_one_expected_depth_pass():
    rng = np.random.default_rng(3)
    means = rng.lognormal(2, 2, 2_000)
    assert [sign_of_scaling(rng.poisson(means, (4, 2_000))) for _ in range(200)] == [None] * 200
    drawn = rng.multinomial(1_000_000, means / means.sum(), 4)
    assert drawn.sum(axis=1).tolist() == [1_000_000] * 4
    assert sign_of_scaling(drawn) is None


@pytest.mark.parametrize("kind", [np.asarray, csr_matrix])
def test_logarithms_that_were_rounded_are_told(kind):
    """As where a program that asked for whole numbers was given rounded logs; of counts most genes have few."""
    rng = np.random.default_rng(1)
    counts = np.rint(np.exp(rng.normal(4, 2, (2, 2_000))))
    logs = np.rint(np.log2(counts + 1))
    assert sign_of_scaling(kind(counts)) is None
    sign = sign_of_scaling(kind(np.vstack([counts[0], logs[1]])), ["a", "b"])
    assert (sign.what, sign.found) == (WHAT_LOGS, "no value above 16 in sample b, and in half of its genes 6 or more")


def test_shallow_counts_are_no_logarithms():
    rng = np.random.default_rng(2)
    shallow = rng.poisson(np.exp(rng.normal(-1, 1.2, (1, 5_000))))
    assert shallow.max() == 30
    assert sign_of_scaling(shallow) is None
    assert sign_of_scaling(np.rint(rng.normal(9, 2, (1, 999)).clip(1))) is None  # too few genes to tell


@pytest.mark.parametrize("kind", [np.asarray, csr_array])
def test_counts_of_cells_that_only_say_which_genes_were_seen_or_are_of_a_file_added_to_itself(kind):
    counts = np.tile([3, 1, 0, 7, 1], (250, 1))  # 1,000 above 0
    counts[:, 3] += np.arange(250)  # cells of unlike depth
    assert sign_in_cells(kind(counts)) is None
    once = np.minimum(counts, 1)
    once[:9, 0] = 2  # as of two columns of one gene
    seen, doubled = sign_in_cells(kind(once)), sign_in_cells(kind(counts * 2))
    assert (seen.what, seen.found) == (
        "these are no raw counts, but which genes were seen", "9 of 1,000 values above 1",
    )  # fmt: skip
    assert doubled.found == "multiples of 2 in all cells"
    assert sign_in_cells(kind(np.minimum(counts[:249], 1))) is None  # too few to say
