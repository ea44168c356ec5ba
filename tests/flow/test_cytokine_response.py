from datetime import date
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tilseq.errors import AnalysisError, TableError
from tilseq.flow.cytokine_response import (
    ResponseRule,
    cytokine_responses,
    dispersion,
    effective,
    told_of_replicates,
)
from tilseq.flow.intracellular import Counted

COUNTING, TENTH = ResponseRule(tube_cv=0), ResponseRule(tube_cv=0.1)


def row(counts, population="CD8+ T", subject="S1", **more):
    names = ("positive_stimulated", "cells_stimulated", "positive_unstimulated", "cells_unstimulated")
    own = {"subject": subject, "stimulated": "pma", "unstimulated": "none", "marker": "IFN-γ"}
    return {**own, "population": population, **dict(zip(names, counts, strict=True)), **more}


def called(*rows, rule=None):
    return {one["population"]: one for one in cytokine_responses(pl.DataFrame(rows), rule or TENTH).to_dicts()}


def test_shares_limits_and_p_are_those_of_r():
    # tests/oracles/intracellular.R; Holm of the three by hand: 3 x the least, 2 x the next, the last.
    found = called(
        row((50, 10000, 5, 10000), "CD3+"),
        row((12, 5000, 3, 8000), "CD4+ T"),
        row((7, 2000, 9, 2000), "CD8+ T"),
        rule=COUNTING,
    )
    first = found["CD3+"]
    assert (first["stimulated_pct"], first["unstimulated_pct"]) == pytest.approx((0.5, 0.05))
    assert (first["difference_pct"], first["lower"], first["upper"]) == pytest.approx(
        (0.45, 0.305095587667, 0.612215253207)
    )
    assert [found[name]["p"] for name in found] == pytest.approx(
        [1.01597729771e-10, 0.00127883779624, 0.773210167075], rel=1e-8
    )
    assert [found[name]["p_adjusted"] for name in found] == pytest.approx(
        [3 * 1.01597729771e-10, 2 * 0.00127883779624, 0.773210167075], rel=1e-8
    )
    assert [one["response"] for one in found.values()] == ["yes", "yes", "no"]
    assert first["family"] == "IFN-γ of S1: populations, stimuli and visits, 3 tests"
    assert first["verdict"] == "pass" and first["reason"] is None


def test_tubes_that_differ_beside_counting_tell_as_fewer_cells_do():
    # tests/oracles/intracellular.R
    assert effective(10000, 55 / 20000, 0.1) == pytest.approx(7838.47514246)
    one = called(row((50, 10000, 5, 10000)))["CD8+ T"]
    assert one["p"] == pytest.approx(1.49570161297e-08, rel=1e-8)
    assert (one["lower"], one["upper"]) == pytest.approx((0.280363313963, 0.653413630217))
    assert one["difference_pct"] == pytest.approx(0.45) and one["tube_cv"] == 0.1
    most = called(row((1400, 2000, 600, 2000)))["CD8+ T"]
    assert most["p"] == pytest.approx(6.21907270064e-08, rel=1e-8)
    assert (most["lower"], most["upper"]) == pytest.approx((30.5162448641, 48.6668214423))
    wide = called(row((50, 10000, 5, 10000)), rule=ResponseRule(tube_cv=0.5))["CD8+ T"]
    assert wide["p"] > one["p"] and wide["lower"] < one["lower"] and wide["upper"] > one["upper"]


def test_summed_replicates_vary_less_than_one_tube():
    # tests/oracles/intracellular.R
    one = called(row((50, 10000, 5, 10000), tubes_stimulated=2.0))["CD8+ T"]
    assert one["p"] == pytest.approx(1.1659917712e-08, rel=1e-8)
    assert (one["lower"], one["upper"]) == pytest.approx((0.291583563717, 0.633585347755))


def test_what_replicates_tell_takes_the_place_of_a_smaller_tube_cv():
    own = called(row((50, 10000, 5, 10000), tube_cv=0.5))["CD8+ T"]
    set_so = called(row((50, 10000, 5, 10000)), rule=ResponseRule(tube_cv=0.5))["CD8+ T"]
    assert own == set_so and own["tube_cv"] == 0.5
    assert called(row((50, 10000, 5, 10000), tube_cv=0.05))["CD8+ T"]["tube_cv"] == 0.1
    assert called(row((50, 10000, 5, 10000), tube_cv=0.5), rule=COUNTING)["CD8+ T"]["tube_cv"] == 0


@pytest.mark.parametrize("share", [0.02, 0.4])
def test_limits_hold_where_shares_of_tubes_vary_as_much_as_is_allowed_for(share):
    random = np.random.default_rng(8)
    pairs = [random.binomial(5000, np.minimum(own * random.gamma(100, 0.01, 1000), 1)) for own in (share, 0.01)]
    rows = [row((a, 5000, b, 5000), subject=f"S{i}") for i, (a, b) in enumerate(zip(*map(list, pairs), strict=True))]
    found = cytokine_responses(pl.DataFrame(rows), TENTH)
    held = ((found["lower"] <= 100 * (share - 0.01)) & (found["upper"] >= 100 * (share - 0.01))).mean()
    assert held > 0.93


def test_each_subject_is_a_family_of_its_own():
    found = cytokine_responses(
        pl.DataFrame([row((12, 5000, 3, 8000), subject=name) for name in ("S1", "S2")]), COUNTING
    )
    assert found["p_adjusted"].to_list() == pytest.approx([0.00127883779624] * 2, rel=1e-8)
    assert found["family"][1] == "IFN-γ of S2: populations, stimuli and visits, 1 test"


def test_few_cells_are_not_evaluable_and_no_test_of_the_family():
    found = called(row((40, 400, 0, 5000), "CD8+ T"), row((12, 5000, 3, 8000), "CD4+ T"))
    few = found["CD8+ T"]
    assert (few["response"], few["p"], few["verdict"]) == ("not_evaluable", None, "warn")
    assert few["reason"] == "too few to test: 400 cells stimulated, 500 are needed"
    assert few["difference_pct"] == pytest.approx(10) and few["lower"] > 0
    assert found["CD4+ T"]["p_adjusted"] == found["CD4+ T"]["p"]
    assert called(row((40, 400, 0, 5000)), rule=ResponseRule(least_cells=400))["CD8+ T"]["response"] == "yes"


def test_a_response_needs_positives_and_the_folds_that_are_asked_for():
    one = called(row((9, 5000, 0, 8000)))["CD8+ T"]
    assert one["p_adjusted"] < 0.05 and one["lower"] > 0
    assert one["response"] == "no" and one["reason"] == "no response: 9 stimulated positives, fewer than 10"
    high = row((150, 5000, 100, 5000))
    assert called(high, rule=COUNTING)["CD8+ T"]["response"] == "yes"
    twofold = called(high, rule=ResponseRule(least_fold=2, tube_cv=0))["CD8+ T"]
    assert twofold["response"] == "no" and "below 2 times the background" in twofold["reason"]
    fewer = called(row((0, 5000, 40, 5000)))["CD8+ T"]
    assert fewer["response"] == "no" and fewer["p"] > 0.999 and fewer["upper"] < 0


def test_a_high_background_warns():
    one = called(row((150, 5000, 100, 5000)))["CD8+ T"]
    assert (one["verdict"], one["reason"]) == ("warn", "background of 2 % is above 1 %")
    assert called(row((5000, 5000, 5000, 5000)))["CD8+ T"]["reason"] == "background of 100 % is above 1 %"


def test_what_could_not_be_counted_stays_and_says_why():
    rows = [
        {"subject": "S1", "stimulated": "a", "response": "not_evaluable", "verdict": "fail", "reason": "no pair"},
        row((50, 10000, 5, 10000), verdict="fail", reason="none: events in CD3+: few"),
    ]
    found = cytokine_responses(pl.DataFrame(rows))
    assert found["response"].to_list() == ["not_evaluable"] * 2
    assert found["p"].to_list() == [None, None] and found["verdict"].to_list() == ["fail", "fail"]
    assert sorted(found["reason"].to_list()) == ["no pair", "none: events in CD3+: few"]
    assert found["difference_pct"].drop_nulls().to_list() == pytest.approx([0.45])


def test_more_positives_than_cells_are_refused():
    with pytest.raises(AnalysisError, match="more cells bear IFN-γ than CD8.* found 501; expected at most 500"):
        called(row((501, 500, 0, 500)))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"positive_stimulated": 50.5}, "a count of cells is no whole number; found 50.5"),
        ({"positive_stimulated": float("nan")}, "a count of cells is no whole number; found nan"),
        ({"marker": None}, "counts of pma are of no marker"),
    ],
)
def test_counts_that_are_none_are_refused(more, told):
    with pytest.raises(AnalysisError, match=told):
        called(row((50, 10000, 5, 10000)) | more)


@pytest.mark.parametrize(
    ("more", "column"),
    [
        ({"positive_stimulated": "50.7"}, "positive_stimulated"),
        ({"positive_stimulated": Decimal("50.7")}, "positive_stimulated"),
        ({"day": date(2024, 1, 1)}, "day"),
        ({"day": 26.5}, "day"),
    ],
)
def test_what_would_become_another_whole_number_is_refused(more, column):
    """Text and decimals were cut to 50, a date was day 19723."""
    with pytest.raises(TableError, match=f"column {column}: table intracellular may not hold this value"):
        called(row((50, 10000, 5, 10000)) | more)


def test_a_column_of_counts_must_be_there_and_an_unknown_count_is_told():
    with pytest.raises(AnalysisError, match="the counts lack a column; expected cells_unstimulated"):
        cytokine_responses(pl.DataFrame([row((50, 10000, 5, 10000))]).drop("cells_unstimulated"))
    one = called(row((50, 10000, 5, 10000)), row((50, None, 5, 10000), "CD4+ T"))["CD4+ T"]
    assert (one["response"], one["verdict"], one["reason"]) == ("not_evaluable", "warn", "not all counts are known")


def test_former_tests_are_made_anew():
    first = cytokine_responses(pl.DataFrame([row((50, 10000, 5, 10000))]))
    again = cytokine_responses(first.with_columns(verdict=pl.lit("fail")))
    assert again.select("p", "p_adjusted", "family", "response").rows() == [(None, None, None, "not_evaluable")]


@pytest.mark.parametrize(
    "setting", [{"alpha": 0}, {"least_cells": 0}, {"least_fold": 0.5}, {"tube_cv": -0.1}, {"tube_cv": float("nan")}]
)
def test_a_rule_beyond_its_range_is_refused(setting):
    with pytest.raises(AnalysisError, match=f"{next(iter(setting))} of what makes a response is out of range"):
        ResponseRule(**setting)


def test_more_unstimulated_positives_warn_of_swapped_roles():
    one = called(row((3, 5000, 45, 5000)))["CD8+ T"]
    assert (one["response"], one["verdict"]) == ("no", "warn")
    assert one["reason"] == "more cells bear it unstimulated than stimulated: are the roles of the tubes swapped?"


def test_dispersion_of_replicates_is_that_of_r():
    unlike, alike = [Counted(5, 10000), Counted(25, 10000)], [Counted(40, 5000), Counted(44, 5000), Counted(38, 5000)]
    assert dispersion([unlike]) == pytest.approx((13.3533633784, 0.000257959564939, 0.906819840003))
    assert dispersion([alike]) == pytest.approx((0.231390170105, 0.793429833033, 0))
    assert dispersion([unlike, alike])[:2] == pytest.approx((4.60538123954, 0.00316640061045))
    assert dispersion([[Counted(5, 100)], [Counted(1, 100)]]) is None
    assert dispersion([[Counted(0, 100), Counted(0, 100), Counted(0, 0)]]) is None


def test_replicates_that_differ_warn():
    told = told_of_replicates([[Counted(5, 10000), Counted(25, 10000)], [Counted(3, 9000)]])
    assert told["verdict"] == "warn" and told["tube_cv"] == pytest.approx(0.906819840003)
    assert (told["tubes_stimulated"], told["tubes_unstimulated"]) == (2, 1)
    assert told["reason"] == "replicates vary 13 times as much as counting does, as by a tube_cv of 0.91"
    alike = told_of_replicates([[Counted(40, 5000), Counted(44, 5000)], [Counted(0, 0)]])
    assert not {"tube_cv", "verdict"} & alike.keys() and alike["tubes_unstimulated"] is None
    few = told_of_replicates([[Counted(594, 1992)], [Counted(3, 1993), Counted(0, 1995)]])
    assert few["replicate_dispersion"] == pytest.approx(3, rel=0.01) and "tube_cv" not in few  # by counting in 8 of 100
    # By hand: 12,000 squared by the sum of the squares of 10,000 and 2,000
    unequal = told_of_replicates([[Counted(0, 10000), Counted(0, 2000)], [Counted(0, 5)]])
    assert unequal == {"tubes_stimulated": pytest.approx(144 / 104), "tubes_unstimulated": 1}


counts = st.integers(500, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(st.lists(st.tuples(counts, counts), min_size=1, max_size=6))
@example([((0, 500), (851, 851))])
def test_a_response_is_never_called_against_its_own_numbers(pairs):
    rows = [row((*one, *other), population=str(i)) for i, (one, other) in enumerate(pairs)]
    found = cytokine_responses(pl.DataFrame(rows))
    assert found.height == len(pairs)
    for one in found.iter_rows(named=True):
        assert one["lower"] <= one["difference_pct"] <= one["upper"] and one["p_adjusted"] >= one["p"]
        if one["response"] == "yes":
            assert one["p_adjusted"] < 0.05 and one["lower"] > 0 and one["positive_stimulated"] >= 10
