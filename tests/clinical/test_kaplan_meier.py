"""Kaplan-Meier against R: 1,000 small trials, lung, aml; and what must hold of any trial."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tilseq as ts
from tests.clinical.survival_sets import AML_DAYS, AML_EVENT, aml, read, table
from tilseq.clinical import kaplan_meier, survival_curve
from tilseq.clinical.kaplan_meier import quantile, value_on

TIMES = st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=25)


def same(number, expected):
    return math.isnan(number) if expected is None else number == expected


@pytest.mark.parametrize("interval", ["log-log", "log", "plain"])
def test_median_and_limits_of_a_thousand_small_trials_are_those_of_r(interval):
    name = interval.replace("-", "_")
    differing = []
    for row in read("small").iter_rows(named=True):
        curve = kaplan_meier(
            [int(day) for day in row["days"].split()], list(map(int, row["events"])), interval=interval
        )
        expected = (row["median"], row[f"median_lower_{name}"], row[f"median_upper_{name}"])
        if not all(map(same, quantile(curve), expected)):
            differing.append((row["set"], quantile(curve), expected))
    assert differing == []


def test_the_thousand_trials_hold_what_is_hard():
    sets = read("small")
    assert sets.height == 1000
    assert set(sets["kind"]) == {"any", "ties", "heavy", "none", "all", "last", "half"}
    assert sets["median"].null_count() > 200
    assert sets.filter(pl.col("median") % 1 == 0.5).height > 20  # in the middle of a flat


@pytest.mark.parametrize("interval", ["log-log", "log", "plain"])
def test_survival_on_a_day_and_its_limits_are_those_of_r(interval):
    name = interval.replace("-", "_")
    for row in read("small").iter_rows(named=True):
        curve = kaplan_meier(
            [int(day) for day in row["days"].split()], list(map(int, row["events"])), interval=interval
        )
        survival, *limits = value_on(curve, row["day"])
        assert survival == pytest.approx(row["at"], rel=1e-10)
        if row["at"] in (0, 1):  # R gives 1 to 1 by log and plain; a variance of 0 is no interval
            assert np.isnan(limits).all()
        else:
            assert limits == pytest.approx([float(row[f"at_{end}_{name}"]) for end in ("lower", "upper")], rel=1e-9)


@pytest.mark.parametrize(
    ("interval", "median", "at_180", "at_365"),
    [
        ("log-log", (310, 284, 361), (0.6583045284, 0.7753146907), (0.3387142691, 0.4783807676)),
        ("log", (310, 285, 363), (0.6655423071, 0.7825325699), (0.3447215818, 0.4858376035)),
        ("plain", (310, 284, 361), (0.6632393850, 0.7801019219), (0.3390285838, 0.4794546651)),
    ],
)
def test_lung(interval, median, at_180, at_365):
    lung = read("lung")
    curve = kaplan_meier(lung["days"], lung["event"], interval=interval)
    assert quantile(curve) == median
    assert value_on(curve, 180) == pytest.approx((0.7216706534, *at_180), abs=1e-9)
    assert value_on(curve, 365) == pytest.approx((0.4092416245, *at_365), abs=1e-9)


def test_median_follow_up_of_lung_by_reverse_kaplan_meier():
    lung = read("lung")
    assert quantile(kaplan_meier(lung["days"], 1 - lung["event"], interval="log-log")) == (588, 511, 821)


def test_medians_of_aml():
    maintained, others = ((AML_DAYS[part], AML_EVENT[part]) for part in (slice(0, 11), slice(11, None)))
    assert quantile(kaplan_meier(*maintained, interval="log-log")) == pytest.approx((31, 13, math.nan), nan_ok=True)
    assert quantile(kaplan_meier(*others, interval="log-log")) == (23, 5, 33)
    assert quantile(kaplan_meier(*others, interval="log")) == pytest.approx((23, 8, math.nan), nan_ok=True)


def test_a_curve_flat_at_a_half_has_its_median_in_the_middle():
    assert quantile(kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1]))[0] == 2.5
    assert quantile(kaplan_meier([1, 2, 3, 4], [1, 1, 0, 0]))[0] == 3  # to the last time
    # 12 of 24: 0.5 + 1e-16 in floating point, where R's own quantile is lost and its print is not
    assert quantile(kaplan_meier(range(1, 25), [1] * 12 + [0] * 12))[0] == 18


def test_limits_of_a_curve_of_beta_products():
    curve = kaplan_meier(AML_DAYS[:11], AML_EVENT[:11])
    # By a million draws of each product in R; moments come within 0.002 of them, at the end within 0.01.
    for day, lower, upper, near in (
        (0, 0.7152591347, 1, 0.001),
        (9, 0.5869388517, 0.9976957062, 0.001),
        (13, 0.4653808965, 0.9773196665, 0.001),
        (31, 0.1580807839, 0.812647696, 0.003),
        (161, 0, 0.6041659294, 0.01),
    ):
        at = curve.day.tolist().index(day)
        assert (curve.lower[at], curve.upper[at]) == pytest.approx((lower, upper), abs=near)


def test_beta_products_without_censoring_are_clopper_and_pearsons():
    curve = kaplan_meier(range(1, 11), [True] * 10)
    assert value_on(curve, 6) == pytest.approx((0.4, 0.1215522581, 0.7376219234), abs=1e-9)  # R: binom.test(4, 10)
    assert value_on(curve, 0.5) == pytest.approx((1, 0.6915028922, 1), abs=1e-9)
    assert value_on(curve, 10) == pytest.approx((0, 0, 0.3084971078), abs=1e-9)


def test_who_is_censored_on_a_day_counts_for_the_limits_on_it():
    # All who live are followed to one day and no further: R's binom.test(5, 8) and binom.test(34, 40).
    for events, alive, expected in ((3, 5, (0.2448632164, 0.9147665859)), (6, 34, (0.7016473332, 0.9428977418))):
        days, event = [50] * events + [100] * alive, [True] * events + [False] * alive
        curve = kaplan_meier(days, event)
        for day in (50, 99, 100):
            assert value_on(curve, day)[1:] == pytest.approx(expected, abs=1e-9)
    # One of ten is lost on day 60 and nobody else: until then 9 of 10 live, after it 8 are at risk.
    curve = kaplan_meier([20, 60, *[200] * 8], [True] + [False] * 9)
    lower = [value_on(curve, day)[1] for day in (59, 60, 61)]
    assert lower[0] == lower[1] == pytest.approx(0.5549838830, abs=1e-9)  # R: binom.test(9, 10)
    assert lower[2] < 0.55


def test_survival_after_the_last_time_is_known_only_when_nobody_is_left():
    assert np.isnan(value_on(kaplan_meier([5, 9], [1, 0]), 10)).all()
    assert value_on(kaplan_meier([5, 9], [0, 1]), 10)[0] == 0


@given(TIMES)
def test_what_holds_of_any_curve(rows):
    days, event = zip(*rows, strict=True)
    for interval in ("log-log", "log", "plain", "beta_product"):
        curve = kaplan_meier(days, event, interval=interval)
        assert curve.at_risk[0] == len(rows)
        assert curve.events.sum() + curve.censored.sum() == len(rows)
        assert np.all(np.diff(curve.survival) <= 0)
        given = ~np.isnan(curve.lower)
        assert np.all((curve.lower <= curve.survival + 1e-12)[given] & (curve.survival <= curve.upper + 1e-12)[given])
        assert np.all((curve.lower[given] >= 0) & (curve.upper[given] <= 1))
        estimate, lower, upper = quantile(curve)
        assert np.isnan(lower) or np.isnan(estimate) or lower <= estimate
        assert np.isnan(upper) or np.isnan(estimate) or estimate <= upper


@given(TIMES, st.integers(2, 50))
def test_days_in_another_unit_change_the_median_alone(rows, unit):
    days, event = (np.array(values) for values in zip(*rows, strict=True))
    one, other = kaplan_meier(days, event), kaplan_meier(days * unit, event)
    assert np.array_equal(one.survival, other.survival)
    assert quantile(other) == pytest.approx(np.array(quantile(one)) * unit, nan_ok=True)


def test_table_of_curves_by_group():
    table = survival_curve(aml(), groups=aml().select("subject", "arm"))
    assert set(table["group"]) == {"all", "arm=maintained", "arm=not"}
    row = table.filter(pl.col("group") == "arm=maintained", pl.col("day") == 31).row(0, named=True)
    # R: summary(survfit(Surv(time, status) ~ x, aml), times = 31)
    assert (row["at_risk"], row["events"], row["censored"]) == (5, 1, 0)
    assert row["survival"] == pytest.approx(0.4909090909, abs=1e-9)
    assert row["method"] == "Kaplan-Meier, beta product (Fay 2013) 95 %"


def test_rows_in_any_order_give_the_same_table():
    shuffled = aml().sample(fraction=1, shuffle=True, seed=3)
    assert survival_curve(shuffled).equals(survival_curve(aml()))
    assert survival_curve(aml().to_pandas()).equals(survival_curve(aml()))


def test_readers_are_never_pooled():
    rows = pl.concat([table([5, 9], [True, False], "PFS", reader=reader) for reader in ("A", "B")])
    curves = survival_curve(rows)
    assert curves.filter(pl.col("day") == 0)["at_risk"].to_list() == [2, 2]
    assert set(curves["reader"]) == {"A", "B"}


def test_a_table_without_rows_has_no_curve():
    assert ts.clinical.survival_curve(table([], [])).is_empty()
