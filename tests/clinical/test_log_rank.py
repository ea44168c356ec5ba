"""The log-rank test against R's survdiff, and permutations against all there are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clinical.survival_sets import read
from tilseq.clinical import log_rank
from tilseq.errors import AnalysisError

LUNG = read("lung")
EIGHT = [3, 5, 5, 8, 10, 12, 12, 15], [1, 1, 0, 1, 1, 1, 0, 1], ["a"] * 3 + ["b"] * 5


def test_lung_by_sex():
    test = log_rank(LUNG["days"], LUNG["event"], LUNG["sex"])
    assert test.observed.tolist() == [112, 53]
    assert test.expected == pytest.approx([91.58173903, 73.41826097], abs=1e-8)
    assert (test.statistic, test.df, test.p) == pytest.approx((10.32674195, 1, 0.00131116), abs=5e-9)
    assert test.reason is None


def test_lung_by_four_grades_one_of_a_single_subject():
    known = LUNG.drop_nulls("ph_ecog")
    test = log_rank(known["days"], known["event"], known["ph_ecog"])
    assert test.expected == pytest.approx([54.1526970189, 83.5275645751, 26.1473530653, 0.1723853407], abs=1e-9)
    assert (test.statistic, test.df) == pytest.approx((21.96213168, 3), abs=1e-8)
    assert 6.63e-05 < test.p < 0.005 and test.sure  # chi-square's is too small where one subject is a group
    assert test.reason == (
        "p by 9,999 permutations, as a group has fewer than 5 expected events: it holds where groups are censored alike"
    )
    plain = log_rank(known["days"], known["event"], known["ph_ecog"], permutations=0)
    assert (plain.p, plain.sure) == (pytest.approx(6.63e-05, abs=1e-6), False)
    assert plain.reason == "p by chi-square is unsure, as a group has fewer than 5 expected events"


def test_lung_by_sex_within_grades():
    known = LUNG.drop_nulls("ph_ecog")
    test = log_rank(known["days"], known["event"], known["sex"], known["ph_ecog"])
    assert test.statistic == pytest.approx(10.79505963, abs=1e-8)


def test_eighty_trials_of_three_groups_with_and_without_strata():
    for row in read("cox").iter_rows(named=True):
        days, event = [int(day) for day in row["days"].split()], list(map(int, row["events"]))
        test = log_rank(days, event, list(row["group"]))
        within = log_rank(days, event, list(row["group"]), list(row["stratum"]))
        assert (test.statistic, within.statistic) == pytest.approx(
            (row["log_rank"], row["log_rank_stratified"]), rel=1e-9
        )


def test_permutations_come_to_the_share_of_all_ways():
    test = log_rank(*EIGHT, permutations=20_000, seed=1)
    assert test.statistic == pytest.approx(4.090909091, abs=1e-9)
    assert test.p == pytest.approx(0.25, abs=0.01)  # R: 14 of 56 ways; chi-square says 0.043
    assert test.p == log_rank(*EIGHT, permutations=20_000, seed=1).p


def test_permutations_stay_within_strata():
    # Within each stratum one of two: four ways, and none is farther apart than another of its kind.
    test = log_rank([1, 2, 10, 20], [1, 1, 1, 1], ["a", "b", "a", "b"], ["x", "x", "y", "y"], permutations=4000)
    assert test.p == pytest.approx(0.5, abs=0.03)


def test_where_there_is_nothing_to_test_words_stand():
    assert log_rank([5, 6], [0, 0], ["a", "b"]).reason == "cannot be estimated: no event"
    apart = log_rank([1, 5], [0, 1], ["a", "b"])
    assert (apart.statistic, apart.p) == (None, None)
    assert apart.reason == "cannot be estimated: no event while two groups were at risk"


def test_what_is_no_comparison_is_refused():
    with pytest.raises(AnalysisError, match="needs two groups"):
        log_rank([5, 6], [1, 0], ["a", "a"])
    with pytest.raises(AnalysisError, match="column group: subject 2 has none"):
        log_rank([5, 6], [1, 0], ["a", None])
    with pytest.raises(AnalysisError, match="column group: group must be one for each time"):
        log_rank([5, 6], [1, 0], ["a"])
    with pytest.raises(AnalysisError, match="column strata"):
        log_rank([5, 6], [1, 0], ["a", "b"], ["x", float("nan")])


@given(st.lists(st.tuples(st.integers(1, 9), st.booleans(), st.sampled_from("abc")), min_size=2, max_size=20))
def test_observed_and_expected_add_up_and_names_do_not_matter(rows):
    days, event, group = zip(*rows, strict=True)
    if len(set(group)) < 2:
        return
    test = log_rank(days, event, group)
    assert test.observed.sum() == pytest.approx(test.expected.sum())
    other = log_rank(days[::-1], event[::-1], [{"a": "z", "b": "y", "c": "x"}[name] for name in group[::-1]])
    if test.statistic is None:
        assert other.statistic is None
    else:
        assert np.isclose(test.statistic, other.statistic, rtol=1e-6, atol=1e-9)
