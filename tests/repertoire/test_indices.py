"""Literal values: vegan, alakazam (tests/oracles/diversity.R), iNEXT's by hillrep 0.4.0, the rest by hand."""

from functools import partial

import numpy as np
import pytest

from tilseq.repertoire import indices
from tilseq.repertoire.indices import Index, limits
from tilseq.repertoire.spectrum import spectrum

X = [10, 5, 3, 1, 1, 1, 2]
Y = [45, 20, 10, 8, 5, 4, 3, 2, 1, 1, 1]
Z = [7, 4, 1, 1, 1, 1]
V = (3000 // np.arange(1, 401)).tolist()
NOWHERE = np.empty(0, dtype=np.int64)
near = partial(pytest.approx, rel=1e-9, abs=1e-12)


def value(name, counts, **options):
    index = getattr(indices, name)(spectrum(np.array(counts)), NOWHERE, **options)
    return index and index.value


@pytest.mark.parametrize(
    ("name", "of_x", "of_y", "of_v"),
    [
        ("richness", 7, 11, 400),
        ("shannon_entropy_nats", 1.580921532484142, 1.71366679590911, 4.580858580445421),
        ("gini_simpson", 0.733459357277883, 0.7354, 0.961225515453215),
        ("chao1_bias_corrected", 8.5, 12.5, 400),
        ("ace", 11.0765909090909, 13.6110409007353, 400),
        ("sample_coverage", 0.873401534526854, 0.970200668896321, 1),
        # iNEXT's, by hillrep
        ("chao1_inext", 11.304347826086957, 15.455, 400),
    ],
)
def test_indices_are_those_of_vegan_and_alakazam(name, of_x, of_y, of_v):
    assert [value(name, counts) for counts in (X, Y, V)] == [near(of_x), near(of_y), near(of_v)]


@pytest.mark.parametrize(
    ("q", "of_x", "of_y", "of_v"),
    [
        (0, 7, 11, 400),
        (0.5, 5.79469653164401, 7.59188585198289, 223.3272376145006),
        (0.9999, 4.85959000195232, 5.54957283722230, 97.6153634975553),  # what alakazam takes for 1
        (1, 4.85943187282788, 5.54927226595238, 97.5981541112298),
        (2, 3.75177304964539, 3.77928949357521, 25.7901558637974),
        (3, 3.23446083410516, 3.14870451162424, 15.1362831290906),
    ],
)
def test_hill_numbers_are_those_of_vegan_and_alakazam(q, of_x, of_y, of_v):
    assert [value("hill", counts, q=q) for counts in (X, Y, V)] == [near(of_x), near(of_y), near(of_v)]


def test_asymptotic_hill_numbers_are_those_of_inext():
    assert value("hill_q1_asymptotic", V) == near(98.61264249963867)
    assert value("hill_q1_asymptotic", Z) == near(6.171580738515816)
    assert value("hill_q1_asymptotic", Y) == pytest.approx(5.99218, abs=5e-6)
    assert value("hill_q2_asymptotic", V) == near(25.82295573557835)
    assert value("hill_q2_asymptotic", Z) == near(35 / 9)
    assert value("hill_q2_asymptotic", [1, 1, 1]) is None
    assert value("hill_q1_asymptotic", [1]) is None


def test_entropy_beyond_the_sample_is_the_sum_of_its_series():
    # f1 / n Σ (1 - A)^j / (n - 1 + j), term by term
    for n, f1, f2 in [(20, 5, 2), (500, 300, 20), (10_000, 40, 900), (400, 3, 0)]:
        twice, once = (2 * f2, f1) if f2 else (2, f1 - 1)
        left = (n - 1) * once / ((n - 1) * once + twice)
        j = np.arange(1, 2_000_000)
        assert indices._entropy_beyond(n, f1, f2) == pytest.approx(f1 / n * np.sum(left**j / (n - 1 + j)), rel=1e-10)


def test_gini_clonality_and_what_has_no_value():
    assert value("gini", X) == near(74 / 161)
    assert value("clonality", X) == near(0.187567045040)
    assert value("clonality", [5]) is None
    assert value("sample_coverage", [1]) is None
    assert value("sample_coverage", Z) == near(0.7454545454545454)
    assert value("ace", [1, 1, 1]) is None
    assert value("ace", [20, 30]) == 2


@pytest.mark.parametrize(
    "name",
    ["richness", "chao1_bias_corrected", "chao1_inext", "ace", "shannon_entropy_nats", "gini_simpson"]
    + ["hill_q1_asymptotic", "hill_q2_asymptotic", "gini", "clonality", "sample_coverage"],
)
def test_influence_is_the_derivative_by_the_number_of_clones(name):
    """A clone more of a count, all else and n the same, changes an index by its influence, in the mean of both ways."""
    counts = np.array([50, 20, 12, 9, 5, 5, 3, 3, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    whole = spectrum(counts)
    index = getattr(indices, name)(whole, whole.sizes)
    for place in range(len(whole.sizes)):
        values = []
        for step in (1e-5, -1e-5):
            clones = whole.clones.copy()
            clones[place] += step
            changed = getattr(indices, name)(type(whole)(whole.sizes, clones, whole.n), NOWHERE).value
            values.append(np.log(changed) if index.scale == "log" else changed)
        assert index.influence[place] == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-4, abs=1e-8)


def test_limits_keep_to_their_scale():
    plain = Index(0.5, NOWHERE)
    assert limits(plain, 0.1, 2, 0) == (near(0.3), near(0.7))
    assert limits(plain._replace(value=8.0, scale="log"), np.log(2), 1, 0) == (near(4), near(16))
    lower, upper = limits(plain._replace(value=0.9, scale="share"), 0.5, 2, 0)
    assert 0 < lower < 0.9 < upper < 1
    # Chao 1987 with vegan's standard error of x: tests/oracles/repertoire.R
    chao = limits(plain._replace(value=8.5, scale="unseen"), 2.54662406288, 1.959963984540054, 7)
    assert chao == (near(7.15301280267879), near(21.704651902386))
    assert limits(plain, 0, 2, 0) is None
    assert limits(plain._replace(value=1.0, scale="share"), 0.1, 2, 0) is None
    assert limits(plain._replace(scale="log"), 30, 2, 0) is None
    assert limits(plain._replace(scale="log", order=2), 1, 2, 0, rise=15) is None  # the upper one a factor of e^34 away
    assert limits(plain._replace(value=7.0, scale="unseen"), 1, 2, 7) is None


def test_a_number_of_clones_has_no_limit_below_1():
    lower, upper = limits(Index(1.02, NOWHERE, "log"), 0.1, 2, 1)
    assert (lower, upper) == (1, near(1.02 * np.exp(0.2)))


@pytest.mark.parametrize(
    ("scale", "order", "rise"), [("plain", 1.0, 0.3), ("log", 1.0, 0.3), ("log", 2.0, 0.26), ("log", 0.5, -0.1)]
)
def test_limits_are_as_far_as_the_error_is_half_way_to_them(scale, order, rise):
    # (Σ p^q)^(1 / (1 - q)): beside its sum the logarithm has 2 (1 - q) error² less of a rise
    value, error, quantile = 40.0, 0.2, 1.96
    own = rise - 2 * (1 - order) * error**2 if scale == "log" else rise
    ends = limits(Index(value, NOWHERE, scale, order), error, quantile, 0, rise)
    for end, sign in zip(ends, (-1, 1), strict=True):
        away = np.log(end / value) if scale == "log" else end - value
        assert np.sign(away) == sign
        assert away**2 == near(quantile**2 * (error**2 + own * away / 2))


def test_limits_of_a_share_do_not_lean():
    share = Index(0.3, NOWHERE, "share")
    assert limits(share, 0.05, 1.96, 0, 0.4) == limits(share, 0.05, 1.96, 0)
