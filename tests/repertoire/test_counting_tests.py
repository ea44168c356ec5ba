import pytest

from tilseq.repertoire.counting_tests import mid_p, overdispersion_of

# before, after, n before, n after, two-sided mid-p of the binomial (R's pbinom and dbinom), of the beta-binomial with
# an intra-class correlation of 0.02 (R's lchoose and lbeta, summed)
CASES = [
    (5, 20, 1000, 1000, 0.00249391794205, 0.0123085574374),
    (0, 8, 50000, 20000, 4.44074305427e-05, 0.000143252973442),
    (20, 5, 2000, 8000, 2.05306556999e-10, 4.66405958805e-07),
    (3, 3, 1000, 500, 0.41975308642, 0.438567115642),
    (100, 130, 10000, 10000, 0.0481630534407, 0.408028363),
]


@pytest.mark.parametrize(("before", "after", "n_before", "n_after", "binomial", "beta_binomial"), CASES)
def test_as_r(before, after, n_before, n_after, binomial, beta_binomial):
    share = n_after / (n_before + n_after)
    assert mid_p([after], [before + after], share)[0] == pytest.approx(binomial, rel=1e-9)
    assert mid_p([after], [before + after], share, 0.02)[0] == pytest.approx(beta_binomial, rel=1e-9)


# tests/oracles/overdispersion.R
FIRST = [12, 30, 7, 55, 20, 3, 90, 14, 25, 41]
SECOND = [20, 18, 9, 80, 8, 6, 60, 30, 22, 70]
AS_R = pytest.approx(0.0433102266641, rel=1e-5)


def test_overdispersion_of_replicates_as_r():
    assert overdispersion_of(FIRST, SECOND, 1000, 1200) == AS_R


def test_single_cells_that_yielded_several_counts_tell_no_overdispersion():
    """Each is wholly in one library, as is a single cell: taken for clones of two cells they would make it 0.5."""
    assert overdispersion_of(FIRST + [2.6, 0] * 50, SECOND + [0, 2.6] * 50, 1000, 1200) == AS_R


def test_replicates_far_from_alike_have_a_finite_likelihood(recwarn):
    first, second = [4000, 10] * 6, [1, 9] * 6
    assert 0 < overdispersion_of(first, second, 5000, 5000) < 1
    assert not recwarn.list
