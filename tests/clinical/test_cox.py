"""Cox's model against R's coxph, with entries and strata, and lifelines; and what has no estimate."""

import numpy as np
import polars as pl
import pytest

from tests.clinical.survival_sets import read
from tilseq.clinical import cox, cox_time_dependent
from tilseq.errors import AnalysisError

HEART = read("heart")
LUNG = read("lung")


def integers(text, separated=True):
    return np.array(text.split() if separated else list(text), int)


@pytest.mark.parametrize(
    ("ties", "coefficient", "error", "p"),
    [
        ("efron", -0.5310235376, 0.1671785832, 0.001491229205),
        ("breslow", -0.5303965745, 0.1671808374, 0.001510847216),
    ],
)
def test_lung_by_sex(ties, coefficient, error, p):
    fit = cox(LUNG["days"], LUNG["event"], LUNG["sex"], ties=ties)
    assert (fit.coefficient[0], fit.standard_error[0], fit.p[0]) == pytest.approx((coefficient, error, p), abs=1e-7)
    assert fit.hazard_ratio[0] == pytest.approx(np.exp(coefficient), abs=1e-7)
    assert (fit.lower[0], fit.upper[0]) == pytest.approx(
        (np.exp(coefficient - 1.959963985 * error), np.exp(coefficient + 1.959963985 * error)), abs=1e-8
    )


@pytest.mark.parametrize(
    ("ties", "coefficient", "error"),
    [
        ("efron", (-0.55351692580, 0.01077216112), (0.17087281318, 0.00925380366)),
        ("breslow", (-0.55274141692, 0.01076390399), (0.170882565857, 0.009250850518)),
    ],
)
def test_lung_by_sex_and_age_within_grades(ties, coefficient, error):
    known = LUNG.drop_nulls("ph_ecog")
    fit = cox(known["days"], known["event"], known[["sex", "age"]].to_numpy(), strata=known["ph_ecog"], ties=ties)
    assert fit.coefficient == pytest.approx(coefficient, abs=1e-7)
    assert fit.standard_error == pytest.approx(error, abs=1e-7)


@pytest.mark.parametrize(
    ("ties", "alone", "error", "together"),
    [
        ("efron", 0.1271411266, 0.3011411043, (0.01609560530, 0.03053631491, -0.77332764530)),
        ("breslow", 0.1256668916, 0.3010765377, (0.01441961661, 0.03053221055, -0.77160999578)),
    ],
)
def test_heart_transplants_in_time(ties, alone, error, together):
    spans = [HEART[name].to_numpy() for name in ("id", "start", "stop", "event")]
    fit = cox_time_dependent(*spans, HEART["transplant"], ties=ties)
    assert (fit.coefficient[0], fit.standard_error[0]) == pytest.approx((alone, error), abs=1e-7)
    assert (fit.subjects, fit.events) == (103, 75)
    fit = cox_time_dependent(*spans, HEART[["transplant", "age", "surgery"]].to_numpy(), ties=ties)
    assert fit.coefficient == pytest.approx(together, abs=1e-7)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_eighty_trials_with_ties(ties):
    for row in read("cox").iter_rows(named=True):
        expected = {name.removeprefix(f"{ties}_"): row[name] for name in row if name.startswith(f"{ties}_")}
        days, event = integers(row["days"]), integers(row["events"], False)
        a, group = integers(row["a"]), np.array(list(row["group"])) == "2"
        fit = cox(days, event, np.column_stack([a, group]), ties=ties)
        assert fit.coefficient == pytest.approx([expected["a"], expected["g"]], rel=1e-6, abs=1e-8)
        assert fit.standard_error == pytest.approx([expected["se_a"], expected["se_g"]], rel=1e-6)
        assert (*fit.log_likelihood, fit.score_test) == pytest.approx(
            (expected["null"], expected["fitted"], expected["score"]), rel=1e-9
        )


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_eighty_trials_in_time_and_strata(ties):
    without = 0
    for row in read("cox").iter_rows(named=True):
        expected = {name.removeprefix(f"{ties}_td_"): row[name] for name in row if name.startswith(f"{ties}_td_")}
        spans = []
        for who, cells in enumerate(zip(*map(integers, (row["days"], row["a"], row["switch"])), strict=True)):
            days, a, switch = cells
            event, stratum = int(row["events"][who]), row["stratum"][who]
            parts = [(0, days, event, 0)]
            if 0 < switch < days:
                parts = [(0, switch, 0, 0), (switch, days, event, 1)]
            spans += [(who, *part[:3], a, part[3], stratum) for part in parts]
        who, start, stop, event, a, b, stratum = map(np.array, zip(*spans, strict=True))
        if expected["b"] is None:  # R leaves b out, where it does not vary among those at risk: here that is refused
            without += 1
            continue
        fit = cox_time_dependent(who, start, stop, event, np.column_stack([a, b]), strata=stratum, ties=ties)
        assert fit.coefficient == pytest.approx([expected["a"], expected["b"]], rel=1e-6, abs=1e-8)
        assert fit.standard_error == pytest.approx([expected["se_a"], expected["se_b"]], rel=1e-6)
        assert fit.log_likelihood == pytest.approx((expected["null"], expected["fitted"]), rel=1e-9)
    assert without == 5


@pytest.mark.slow
def test_lifelines_agrees_as_far_as_it_converges():
    lifelines = pytest.importorskip("lifelines")
    fit = lifelines.CoxPHFitter().fit(LUNG[["days", "event", "sex", "age"]].to_pandas(), "days", "event")
    ours = cox(LUNG["days"], LUNG["event"], LUNG[["sex", "age"]].to_numpy())
    assert ours.coefficient == pytest.approx(fit.params_.to_numpy(), abs=1e-5)
    assert ours.standard_error == pytest.approx(fit.standard_errors_.to_numpy(), abs=1e-5)


@pytest.mark.parametrize(
    "x",
    [[1, 1, 1, 1, 0, 0, 0, 0], [8, 7, 6, 5, 4, 3, 2, 1], [1, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 1]],
)
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_complete_separation_has_words_and_a_score_test(x, ties):
    fit = cox(range(1, 9), [1] * 8, x, ties=ties)
    assert np.isnan(fit.coefficient).all() and np.isnan(fit.upper).all()
    assert fit.reason.startswith("cannot be estimated: the hazard ratio has no end")
    assert 0 < fit.score_p < 0.2


def test_separation_by_a_sum_of_covariates_has_words():
    days, x = (
        np.arange(1, 11),
        np.array([[5, 5], [9, 0], [2, 6], [1, 6], [3, 3], [0, 5], [4, 0], [2, 1], [1, 1], [1, 0]]),
    )
    assert cox(days, np.ones(10, int), x).reason.startswith("cannot be estimated: the hazard ratio has no end")


def test_a_large_effect_that_ends_is_estimated():
    # As separated above, but for one subject.
    fit = cox(range(1, 13), [1] * 12, [1, 1, 1, 1, 1, 0, 1, 0, 0, 0, 0, 0])
    assert fit.reason is None
    assert 10 < fit.hazard_ratio[0] < 100 and fit.lower[0] > 1


def test_limits_beyond_all_bounds_and_outliers_have_words():
    # R: coefficient 13.96, standard error 15.59; its limits are 6e-08 to 2e+19.
    fit = cox([132, 104, 147], [1, 1, 1], [0.232, 0.421, 0.274])
    assert fit.reason.startswith("cannot be estimated: limits of a hazard ratio lie beyond all bounds")
    assert np.isnan(fit.hazard_ratio[0])
    # One value a thousand times the others: the hazards of a fit would lie 700 powers of e apart.
    fit = cox([59, 59, 55, 222, 196, 296], [1] * 6, [1e-6, 1, 0, 1, 0, 1000.5])
    assert np.isnan(fit.hazard_ratio[0])
    assert fit.reason.endswith("or an outlying value drowns it")


def test_without_an_event_there_are_words():
    assert cox([5, 6, 7], [0, 0, 0], [1, 0, 1]).reason == "cannot be estimated: no event"
    assert cox([1, 5, 6], [0, 1, 1], [1, 0, 0]).reason == (
        "cannot be estimated: at no event do those at risk differ in a covariate"
    )


@pytest.mark.parametrize(
    ("covariates", "options", "message"),
    [
        ([1, 1, 1], {"names": ["age"]}, "column age: a covariate does not vary; found 1.0"),
        ([[1, 2], [2, 4], [5, 10]], {}, "column x1, x2: covariates follow from one another"),
        ([1, float("nan"), 2], {"names": ["age"]}, "column age: a covariate has missing values"),
        (["a", "b", "a"], {}, "covariates are numbers"),
        ([1, 2], {}, "one row a time"),
        ([1, 2, 3], {"ties": "exact"}, "no such way with ties"),
    ],
)
def test_covariates_that_cannot_be_are_refused(covariates, options, message):
    with pytest.raises(AnalysisError, match=message):
        cox([5, 6, 7], [1, 0, 1], covariates, **options)


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([("a", 0, 5, 0), ("a", 4, 9, 1)], "spans of a subject overlap"),
        ([("a", 0, 5, 1), ("a", 5, 9, 0)], "a span follows the event of a subject"),
        ([("a", 5, 5, 0), ("b", 0, 9, 1)], "a span of subject a cannot be; found '5 to 5'"),
        ([("a", -1, 5, 0), ("b", 0, 9, 1)], "a span of subject a cannot be"),
    ],
)
def test_spans_that_cannot_be_are_refused(spans, message):
    with pytest.raises(AnalysisError, match=message):
        cox_time_dependent(*zip(*spans, strict=True), [0, 1])


def test_spans_without_a_change_are_the_fit_of_whole_times():
    spans = LUNG.with_row_index("id").with_columns(start=pl.lit(0), stop=pl.col("days"))
    half = spans.filter(pl.col("stop") > 100)
    first, second = half.with_columns(stop=pl.lit(100), event=pl.lit(0)), half.with_columns(start=pl.lit(100))
    parted = pl.concat([spans.filter(pl.col("stop") <= 100), first, second], how="vertical_relaxed")
    columns = (parted[name].to_numpy() for name in ("id", "start", "stop", "event"))
    fit, whole = cox_time_dependent(*columns, parted["sex"]), cox(LUNG["days"], LUNG["event"], LUNG["sex"])
    assert fit.coefficient == pytest.approx(whole.coefficient, abs=1e-10)
    assert fit.standard_error == pytest.approx(whole.standard_error, abs=1e-10)
