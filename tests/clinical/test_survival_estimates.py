"""Estimates of tables: R's figures of lung, words where there is no number, and who was left out."""

import numpy as np
import polars as pl
import pytest

from tests.clinical.survival_sets import read, table
from tilseq.clinical import survival_estimates
from tilseq.errors import AnalysisError

LOG_LOG = {"interval": "log-log"}


def one(estimates, quantity, at_day=None, **where):
    rows = estimates.filter(pl.col("quantity") == quantity, pl.col("at_day").eq_missing(at_day), **where)
    return rows.row(0, named=True)


def lung():
    rows = read("lung")
    return table(rows["days"], rows["event"] == 1, sex=rows["sex"].cast(pl.String))


def test_lung():
    found = survival_estimates(
        lung(), at_days=(180, 365), rmst_days=(180,), groups=lung().select("subject", "sex"), **LOG_LOG
    )
    median = one(found, "median", group="all")
    assert (median["estimate"], median["lower"], median["upper"]) == (310, 284, 361)
    assert (median["subjects"], median["events"], median["left_out"], median["unit"]) == (228, 165, 0, "d")
    follow_up = one(found, "follow_up_median", group="all")
    assert (follow_up["estimate"], follow_up["lower"], follow_up["upper"], follow_up["events"]) == (588, 511, 821, 63)
    at = one(found, "survival_at", 180, group="all")
    assert (at["estimate"], at["lower"], at["upper"]) == pytest.approx((0.7216706534, 0.6583045284, 0.7753146907))
    assert (at["at_risk"], at["unit"]) == (160, "fraction")
    mean = one(found, "rmst", 180, group="sex=2")
    assert mean["estimate"] == pytest.approx(168.0079726)
    spread = one(found, "time_range", group="all")
    assert (spread["lower"], spread["upper"], spread["estimate_text"]) == (5, 1022, "5 to 1022+")


def words(days, event, quantity="median", at_day=None, **options):
    row = one(survival_estimates(table(days, event), **options), quantity, at_day)
    return [row[name] if row[name] is not None else row[f"{name}_text"] for name in ("estimate", "lower", "upper")]


@pytest.mark.parametrize(
    ("days", "event", "expected"),
    [
        # No event at all: the median lies beyond, and no interval knows how far.
        ([5, 9, 12], [False] * 3, ["not reached", "cannot be estimated", "cannot be estimated"]),
        # The curve ends above a half; its lower limit has come down to it.
        ([5, 9, 12, 20], [True, False, False, False], ["not reached", 5, "not reached"]),
        # R: survfit(Surv(1:4, c(1, 1, 1, 1)) ~ 1, conf.type = "log-log") gives 2.5, 1, NA
        ([1, 2, 3, 4], [True] * 4, [2.5, 1, "cannot be estimated"]),
        ([7], [True], [7, "cannot be estimated", "cannot be estimated"]),
        ([7], [False], ["not reached", "cannot be estimated", "cannot be estimated"]),
    ],
)
def test_medians_are_numbers_or_words(days, event, expected):
    assert words(days, event, **LOG_LOG) == expected


def test_limits_are_by_beta_products_which_have_them_where_others_have_words():
    assert words([1, 2, 3, 4], [True] * 4) == [2.5, 0, "not reached"]
    assert words(list(range(1, 11)), [True] * 10)[2] == 9  # Clopper-Pearson: 1 of 10 to 0.445


def test_too_few_subjects_rule_no_early_median_out():
    # Clopper and Pearson: of 5 subjects all alive the lower limit is 0.025 ** (1 / 5) = 0.478, of 7 it is 0.590.
    few, more = (one(survival_estimates(table(range(9, 9 + n), [True] * n)), "median") for n in (5, 7))
    assert (few["estimate"], few["lower"]) == (11, 0)
    assert few["reason"] == "lower limit 0: 5 subjects are too few to rule any early median out"
    assert (more["lower"], more["reason"]) == (9, None)
    assert few["method"] == "Kaplan-Meier, beta product (Fay 2013) 95 %"


@pytest.mark.parametrize(
    ("days", "event", "at_day", "expected", "reason"),
    [
        ([5, 9], [True, False], 10, ["cannot be estimated"] * 3, "cannot be estimated: nobody is followed to day 10"),
        (
            [5, 9],
            [True, False],
            4,
            [1.0, "cannot be estimated", "cannot be estimated"],
            "limits cannot be estimated: a survival of 1 has none by this interval",
        ),
        (
            [5, 9],
            [True, True],
            10,
            [0.0, "cannot be estimated", "cannot be estimated"],
            "limits cannot be estimated: a survival of 0 has none by this interval",
        ),
    ],
)
def test_survival_on_a_day_is_a_number_or_words(days, event, at_day, expected, reason):
    assert words(days, event, "survival_at", at_day, at_days=(at_day,), **LOG_LOG) == expected
    row = one(survival_estimates(table(days, event), at_days=(at_day,), **LOG_LOG), "survival_at", at_day)
    assert row["reason"] == reason


def test_an_endpoint_of_which_nobody_can_be_evaluated():
    row = one(survival_estimates(table([None, None], [None, None], "DOR")), "median")
    assert (row["subjects"], row["left_out"], row["estimate"]) == (0, 2, None)
    assert (row["estimate_text"], row["reason"]) == ("cannot be estimated", "nobody could be evaluated")


def test_those_left_out_are_counted_by_group():
    rows = table([5, 9, None, 7], [True, False, None, True])
    groups = pl.DataFrame({"subject": ["00", "01", "02", "03"], "arm": ["a", "a", "b", "b"]})
    found = survival_estimates(rows, groups=groups).filter(quantity="median")
    assert found.select("group", "subjects", "left_out").rows() == [("all", 3, 1), ("arm=a", 2, 0), ("arm=b", 1, 1)]


def test_the_endpoint_of_follow_up_has_its_median_alone():
    # Its events are ends of follow-up, a death censors: no curve is turned round again.
    found = survival_estimates(table([100, 200, 300], [True, False, True], "follow_up"))
    assert found["quantity"].to_list() == ["follow_up_median", "time_range"]
    assert found["estimate"][0] == 300


def test_numbers_are_never_words_and_words_never_numbers():
    frames = [table([5, 9, 12, 20], [True, False, True, False]), table([5, 9], [False, False], "PFS")]
    found = survival_estimates(pl.concat(frames), at_days=(1, 9, 30), rmst_days=(9, 30))
    for name in ("estimate", "lower", "upper"):
        both = found.filter(pl.col(name).is_not_null() & pl.col(f"{name}_text").is_not_null())
        neither = found.filter(pl.col(name).is_null() & pl.col(f"{name}_text").is_null())
        assert both.is_empty() and neither.is_empty()


@pytest.mark.parametrize("days", [(0,), (-5,), (1.5,)])
def test_landmarks_are_whole_days_above_0(days):
    with pytest.raises(AnalysisError, match="a landmark is a whole day above 0"):
        survival_estimates(table([5], [True]), at_days=days)


def test_time_to_response_has_a_median_and_a_range_and_only_os_and_pfs_a_follow_up():
    times = {name: table([42, 42, 84], [True] * 3, name) for name in ("OS", "PFS", "TTP", "DOR", "TTR", "follow_up")}
    found = survival_estimates(pl.concat(times.values()), at_days=(91,), rmst_days=(42,))
    quantities = {name: found.filter(parameter=name)["quantity"].to_list() for name in times}
    assert quantities == {
        "OS": ["follow_up_median", "median", "rmst", "survival_at", "time_range"],
        "PFS": ["follow_up_median", "median", "rmst", "survival_at", "time_range"],
        "TTP": ["median", "rmst", "survival_at", "time_range"],
        "DOR": ["median", "rmst", "survival_at", "time_range"],
        "TTR": ["median", "time_range"],
        "follow_up": ["follow_up_median", "time_range"],
    }


HOLD_LESS = "log-log limits may hold less than they say, those of beta_product hold"


@pytest.mark.parametrize(
    ("many", "at_day", "reason"),
    [
        (19, 5, f"fewer than 20 subjects: {HOLD_LESS}"),
        (20, 5, None),
        (20, 16, None),  # 5 at risk just before it
        (20, 17, f"fewer than 5 at risk: {HOLD_LESS}"),
        (19, 16, f"fewer than 20 subjects and fewer than 5 at risk: {HOLD_LESS}"),
    ],
)
def test_limits_that_rest_on_few_are_told(many, at_day, reason):
    rows = table(list(range(1, many + 1)), [True] * many)
    assert one(survival_estimates(rows, at_days=(at_day,), **LOG_LOG), "survival_at", at_day)["reason"] == reason
    assert one(survival_estimates(rows, at_days=(at_day,)), "survival_at", at_day)["reason"] is None


def test_a_median_of_follow_up_of_few_is_told():
    rows = table(list(range(1, 20)), [i % 2 == 0 for i in range(19)])
    found = survival_estimates(rows, **LOG_LOG)
    assert one(found, "follow_up_median")["reason"] == f"fewer than 20 subjects: {HOLD_LESS}"
    assert "fewer than" not in one(found, "median")["reason"]  # held in every simulated cell


def test_deaths_of_subjects_never_scanned_are_counted_beside_the_living():
    """Two die without a scan, one after one; two live without a scan and are censored on the origin."""
    told = "a death without any adequate assessment before it is an event"
    rows = table(
        [10, 20, 30, 1, 1, 90], [True, True, True, False, False, False], "PFS",
        rule=["death", "death", "death", "no_post_baseline", "no_post_baseline", "last_adequate"],
        reason=[f"{told} up to day 91, before two planned ones were missed", f"x; {told}; y", None, None, "z", None],
    )  # fmt: skip
    words = (
        "2 of 3 PFS events are deaths without any adequate assessment, and 2 alive without one censored on the origin"
    )
    found = survival_estimates(rows, at_days=(20,), rmst_days=())
    for quantity, day in (("median", None), ("survival_at", 20)):
        assert (one(found, quantity, day)["reason"] or "").split("; ")[-1] == words
    assert words not in (one(found, "follow_up_median")["reason"] or "")
    scanned = survival_estimates(rows.filter(pl.col("reason").is_null()), at_days=(), rmst_days=())
    assert "adequate" not in (one(scanned, "median")["reason"] or "")


def test_events_that_are_deaths_of_unknown_cause_are_counted():
    unknown = "cause of death unknown: counted as from the tumour; missed visits not looked for: no schedule"
    rows = table(
        [10, 20, 30, 40], [True, True, True, False], "TTP",
        rule=["tumor_death", "progression", "tumor_death", "other_death"], reason=[unknown, unknown, None, unknown],
    )  # fmt: skip
    told = survival_estimates(rows, at_days=(), rmst_days=(), **LOG_LOG)["reason"].to_list()
    assert [words.split("; ")[-1] for words in told] == ["1 of 3 TTP events is a death of unknown cause"] * 2
    two = rows.with_columns(reason=pl.lit(unknown))
    assert one(survival_estimates(two), "median")["reason"].endswith("; 2 of 3 TTP events are deaths of unknown cause")


@pytest.mark.slow
@pytest.mark.parametrize(("interval", "least"), [("log-log", 0.93), ("beta_product", 0.95)])
def test_limits_without_a_warning_hold(interval, least):
    # Exponential times of median 277 days, followed 365 to 900 days, 300 trials of 20: three standard errors are 3.8 %.
    random = np.random.default_rng(11)
    truth = {day: np.exp(-day / 400) for day in (91, 183, 365)}
    held = {day: [] for day in truth}
    for _ in range(300):
        end, time = random.integers(365, 901, 20), np.ceil(random.exponential(400, 20))
        rows = table(np.minimum(time, end).astype(int), time <= end)
        found = survival_estimates(rows, at_days=tuple(truth), rmst_days=(), interval=interval)
        told = found.filter(pl.col("reason").is_null(), quantity="survival_at").drop_nulls("lower")
        for row in told.iter_rows(named=True):
            held[row["at_day"]].append(row["lower"] <= truth[row["at_day"]] <= row["upper"])
    assert min(map(len, held.values())) > 200
    assert all(np.mean(flags) > least - 0.038 for flags in held.values())


def test_a_median_in_the_middle_of_a_flat_says_so():
    # R: quantile(survfit(Surv(c(43, 128, 211), c(0, 1, 0)) ~ 1), 0.5) is 169.5, where print() has 128
    row = one(survival_estimates(table([43, 128, 211], [False, True, False])), "median")
    assert row["estimate"] == 169.5
    assert row["reason"].split("; ")[-1] == "flat at a half from day 128 to 211: the midpoint, as R's quantile has it"
    assert one(survival_estimates(table([5, 9, 12], [True] * 3)), "median")["estimate"] == 9
