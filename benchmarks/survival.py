"""Survival beside lifelines: start-up, time, and how far each is from R (tests/oracles/survival.R)."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tilseq.clinical import cox, kaplan_meier, log_rank, survival_contrasts, survival_curve, survival_estimates
from tilseq.clinical.kaplan_meier import quantile

SUBJECTS, SEED, REPEATS = 1_000, 8, 9
ENDPOINTS = ("OS", "PFS", "TTP", "DOR", "TTR", "follow_up")
ORACLES = Path(__file__).parents[1] / "tests" / "oracles"


def trial() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return times of all endpoints, and a group of each subject."""
    rng = np.random.default_rng(SEED)
    names = [f"{i:04}" for i in range(SUBJECTS)]
    parts = []
    for endpoint in ENDPOINTS:
        days = np.ceil(rng.exponential(300, SUBJECTS)).astype(int)
        event = rng.random(SUBJECTS) < 0.7
        parts.append(
            pl.DataFrame({"parameter": endpoint, "subject": names, "start_day": 0, "days": days, "event": event})
        )
    kinds = np.array(["melanoma", "cervical", "ovarian", "nsclc", "head_and_neck"])
    return pl.concat(parts), pl.DataFrame({"subject": names, "tumor_type": kinds[rng.integers(0, 5, SUBJECTS)]})


def timed(call: Callable[[], Any]) -> float:
    """Return the median time of a call, in ms."""
    call()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def started(code: str) -> float:
    """Return the median time of a Python that imports, in s."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def lifelines_medians() -> tuple[int, int, int, int]:
    """Return of R's 1,000 small trials how many medians and limits by lifelines differ from R's, and ours."""
    from lifelines import KaplanMeierFitter
    from lifelines.utils import median_survival_times

    differ = [0, 0, 0, 0]
    sets = pl.read_csv(ORACLES / "survival_small.csv", schema_overrides={"days": pl.String, "events": pl.String})
    for row in sets.iter_rows(named=True):
        days, event = np.array(row["days"].split(), int), np.array(list(row["events"]), int)
        expected = [row["median"], row["median_lower_log_log"], row["median_upper_log_log"]]
        fit = KaplanMeierFitter().fit(days, event)
        limits = median_survival_times(fit.confidence_interval_).iloc[0].tolist()
        for at, (found, wanted) in enumerate(zip([fit.median_survival_time_, *limits], expected, strict=True)):
            differ[at] += found != (np.inf if wanted is None else wanted)
        ours = quantile(kaplan_meier(days, event, interval="log-log"))
        differ[3] += any(not np.isnan(a) if b is None else a != b for a, b in zip(ours, expected, strict=True))
    return differ[0], differ[1], differ[2], differ[3]


def cox_errors() -> dict[str, float]:
    """Return how far coefficients of R's 80 small trials with ties are from R's at most."""
    from lifelines import CoxPHFitter

    lists = dict.fromkeys(("days", "events", "a", "group", "stratum", "switch"), pl.String)
    worst = {"tilseq": 0.0, "lifelines": 0.0, "lifelines, precision 1e-12": 0.0}
    for row in pl.read_csv(ORACLES / "survival_cox.csv", schema_overrides=lists).iter_rows(named=True):
        days, event = np.array(row["days"].split(), int), np.array(list(row["events"]), int)
        x = np.column_stack([np.array(row["a"].split(), int), np.array(list(row["group"])) == "2"]).astype(float)
        expected = np.array([row["efron_a"], row["efron_g"]])
        frame = pl.DataFrame({"days": days, "event": event, "a": x[:, 0], "g": x[:, 1]}).to_pandas()
        found = {"tilseq": cox(days, event, x).coefficient}
        for name, options in (
            ("lifelines", {}),
            ("lifelines, precision 1e-12", {"precision": 1e-12, "r_precision": 1e-14}),
        ):
            fit = CoxPHFitter().fit(frame, "days", "event", fit_options=options)
            found[name] = fit.params_.to_numpy()
        for name, values in found.items():
            worst[name] = max(worst[name], float(np.abs(values - expected).max()))
    return worst


def main() -> None:
    """Print start-up, times and distances from R."""
    warnings.simplefilter("ignore")
    frame, groups = trial()
    one = frame.filter(parameter="OS")
    days, event = one["days"].to_numpy(), one["event"].to_numpy()
    kind = groups["tumor_type"].to_numpy()
    x = np.column_stack([kind == "melanoma", np.arange(SUBJECTS) % 60]).astype(float)

    bare, ours, theirs = (started(code) for code in ("import polars", "import tilseq.clinical", "import lifelines"))
    print(f"Start-up: polars {bare:.2f} s, tilseq.clinical {ours:.2f} s, lifelines {theirs:.2f} s.\n")

    print(f"{SUBJECTS:,} subjects, {len(ENDPOINTS)} endpoints, 5 tumour types:\n\n| table | ms |\n|-|-|")
    print(f"| `survival_curve` | {timed(lambda: survival_curve(frame, groups=groups)):.0f} |")
    print(f"| `survival_estimates` | {timed(lambda: survival_estimates(frame, groups=groups)):.0f} |")
    print(f"| `survival_contrasts` | {timed(lambda: survival_contrasts(frame, groups, rmst_day=365)):.0f} |\n")

    from lifelines import CoxPHFitter, KaplanMeierFitter
    from lifelines.statistics import multivariate_logrank_test
    from lifelines.utils import median_survival_times

    def lifelines_median() -> None:
        fit = KaplanMeierFitter().fit(days, event)
        median_survival_times(fit.confidence_interval_)

    columns = pl.DataFrame({"days": days, "event": event, "a": x[:, 0], "b": x[:, 1]}).to_pandas()
    pairs = {
        "Kaplan-Meier, median and limits": (
            lambda: quantile(kaplan_meier(days, event, interval="log-log")),
            lifelines_median,
        ),
        "log-rank of 5 groups": (
            lambda: log_rank(days, event, kind, permutations=0),
            lambda: multivariate_logrank_test(days, kind, event),
        ),
        "Cox, 2 covariates": (lambda: cox(days, event, x), lambda: CoxPHFitter().fit(columns, "days", "event")),
    }
    print(f"{SUBJECTS:,} subjects:\n\n| | tilseq, ms | lifelines, ms | ratio |\n|-|-|-|-|")
    for name, (own, peer) in pairs.items():
        mine, other = timed(own), timed(peer)
        print(f"| {name} | {mine:.2f} | {other:.2f} | {other / mine:.0f} |")

    median, lower, upper, own_differ = lifelines_medians()
    print(f"\n1,000 small trials, differing from R (log-log): lifelines {median} medians, {lower} lower, {upper} upper")
    print(f"limits; tilseq {own_differ} trials.\n\n80 small trials with ties, Cox (Efron), farthest from R:\n")
    for name, worst in cox_errors().items():
        print(f"- {name}: {worst:.1g}")
    separated = pl.DataFrame({"days": range(1, 9), "event": 1, "x": [1] * 4 + [0] * 4}).to_pandas()
    fit = CoxPHFitter().fit(separated, "days", "event")
    print(f"\nComplete separation: lifelines gives a hazard ratio of {np.exp(fit.params_['x']):.1g}; tilseq says")
    print(f"`{cox(separated['days'], separated['event'], separated['x']).reason}`.")


if __name__ == "__main__":
    main()
