"""Do the limits of survival hold what they promise? Simulated trials of known hazards, preset seeds.

`python -m benchmarks.survival_coverage [RUNS]`: trials of each cell (2,000). Times are exponential, with or without a
share that is cured, in whole days; follow-up ends on a uniform day. Limits where there are none (`cannot be estimated`)
are told apart: shares that hold are of the limits given. An upper limit that is not reached is open.
Then trials without any effect of a response or group: how often naive and honest ways find one.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context

import numpy as np
import polars as pl

from tilseq.clinical import cox, kaplan_meier, log_rank, rmst_difference, state_contrasts
from tilseq.clinical.kaplan_meier import quantile, value_on
from tilseq.clinical.rmst import restricted_mean
from tilseq.clinical.survival_limits import INTERVALS
from tilseq.tables.survival import FEW_AT_RISK

RUNS, SEED = 2_000, 8
SIZES = (10, 20, 40, 80)
HAZARDS = {"median 104 d": 1 / 150, "median 277 d": 1 / 400}
CURED = {"": 0.0, ", 30 % cured": 0.3}
FOLLOWED = {"followed 365 to 900 d": (365, 900), "followed 60 to 600 d": (60, 600)}
LANDMARKS = (91, 183, 365)
ENDS = (183, 300)
PROMISED = 93.0
TOLD = ("log-log", "beta_product", "logit_t")  # whose cells are told one by one
SCANS, SHARES = (42, 84, 126), (0.5, 0.3, 0.2)  # when a response is first seen
Held = dict[str, list[float]]


def survival(day: np.ndarray | float, hazard: float, cured: float) -> np.ndarray:
    """Return the true share without the event after a whole day."""
    return cured + (1 - cured) * np.exp(-hazard * np.asarray(day))


def trial(rng: np.random.Generator, n: int, hazard: float, cured: float, followed: tuple[int, int]):
    """Return times and events of one group."""
    time = np.ceil(rng.exponential(1 / hazard, n))
    time[rng.random(n) < cured] = np.inf
    end = rng.integers(followed[0], followed[1] + 1, n)
    return np.minimum(time, end), time <= end


def _holds(found: Held, name: str, limits: tuple[float, float], truth: float, *, open_end: bool = False) -> None:
    lower, upper = limits
    if np.isnan(lower) or (np.isnan(upper) and not open_end):
        found[name].append(np.nan)
    else:
        found[name].append(float(lower <= truth and not upper < truth))


def one_cell(job: tuple[int, str, str, str, int]) -> tuple[tuple[int, str, str, str], Held]:
    """Return for each number of a cell, trial by trial: 1 its limits hold the truth, 0 they do not, NaN none given."""
    n, hazard_name, cured_name, followed_name, runs = job
    hazard, cured, followed = HAZARDS[hazard_name], CURED[cured_name], FOLLOWED[followed_name]
    places = [
        SIZES.index(n),
        [*HAZARDS].index(hazard_name),
        [*CURED].index(cured_name),
        [*FOLLOWED].index(followed_name),
    ]
    rng = np.random.default_rng([SEED, *places])
    days = np.arange(5000)
    shares = survival(days, hazard, cured)
    median = float(days[np.argmax(shares <= 0.5)])
    means = {end: float(shares[:end].sum()) for end in ENDS}
    middle = float(np.ceil((followed[0] + followed[1] - 1) / 2))  # half of the uniform days are not above it
    found: Held = defaultdict(list)
    for _ in range(runs):
        time, event = trial(rng, n, hazard, cured, followed)
        for interval in INTERVALS:
            curve = kaplan_meier(time, event, interval=interval)
            for day in LANDMARKS:
                _holds(found, f"S({day}) {interval}", value_on(curve, day)[1:], float(shares[day]))
            _holds(found, f"median {interval}", quantile(curve)[1:], median, open_end=True)
            back = kaplan_meier(time, ~event, interval=interval)
            _holds(found, f"follow-up {interval}", quantile(back)[1:], middle, open_end=True)
        for interval in ("logit_t", "normal"):
            for end in ENDS:
                mean = restricted_mean(curve, end, interval)
                _holds(found, f"RMST({end}) {interval}", (mean.lower, mean.upper), means[end])
    return job[:4], found


def by_at_risk(job: tuple[int, str, str, str, int]) -> Held:
    """Return for each landmark whether log-log limits hold, of trials with few and of those with more at risk on it."""
    n, hazard_name, cured_name, followed_name, runs = job
    hazard, cured, followed = HAZARDS[hazard_name], CURED[cured_name], FOLLOWED[followed_name]
    laws = ([*HAZARDS].index(hazard_name), [*CURED].index(cured_name), [*FOLLOWED].index(followed_name))
    rng = np.random.default_rng([SEED + 1, n, *laws])
    found: Held = defaultdict(list)
    for _ in range(runs):
        time, event = trial(rng, n, hazard, cured, followed)
        curve = kaplan_meier(time, event, interval="log-log")
        for day in LANDMARKS:
            few = (time >= day).sum() < FEW_AT_RISK
            limits = value_on(curve, day)[1:]
            _holds(found, f"S({day}) {'few' if few else 'more'}", limits, float(survival(day, hazard, cured)))
    return found


def _print_by_at_risk(cells: list[Held]) -> None:
    every: Held = defaultdict(list)
    for found in cells:
        for name, held in found.items():
            every[name] += [flag for flag in held if not np.isnan(flag)]
    print(f"| limits, log-log | fewer than {FEW_AT_RISK} at risk | of the limits given | {FEW_AT_RISK} or more |")
    print("|-|-|-|-|")
    for day in LANDMARKS:
        few, more = every[f"S({day}) few"], every[f"S({day}) more"]
        part = 100 * len(few) / (len(few) + len(more))
        print(f"| S({day}) | {100 * np.mean(few):.1f} | {part:.0f} % | {100 * np.mean(more):.1f} |")
    print()


def two_groups(job: tuple[int, float, str, int]) -> tuple[str, dict[str, str]]:
    """Return what holds in trials of two groups: hazard ratio, difference of means, and log-rank's errors."""
    n, ratio, followed_name, runs = job
    rng = np.random.default_rng([SEED, n, int(100 * ratio), [*FOLLOWED].index(followed_name)])
    hazard, followed = HAZARDS["median 277 d"], FOLLOWED[followed_name]
    group = np.arange(n) < n // 2
    days = np.arange(300)
    truth = float((np.exp(-hazard * ratio * days) - np.exp(-hazard * days)).sum())
    found: Held = defaultdict(list)
    for _ in range(runs):
        one, other = trial(rng, n // 2, hazard * ratio, 0, followed), trial(rng, n - n // 2, hazard, 0, followed)
        time, event = (np.concatenate(pair) for pair in zip(one, other, strict=True))
        fit = cox(time, event, group)
        _holds(found, "hazard ratio", (fit.lower[0], fit.upper[0]), ratio)
        difference = rmst_difference(time, event, group, 300)
        _holds(found, "RMST difference", (difference.lower, difference.upper), truth)
        found["log-rank p < 0.05"].append(float((log_rank(time, event, group, permutations=0).p or 1) < 0.05))
        found["difference p < 0.05"].append(float(difference.p < 0.05))
    told = {name: f"{100 * np.nanmean(rows):.1f}" for name, rows in found.items()}
    return f"{n // 2} + {n - n // 2}, HR {ratio:g}, {followed_name}", told


def no_effect(job: tuple[int, int]) -> tuple[str, dict[str, str]]:
    """Return how often a response that does nothing is found to matter: naive split, landmarks, Cox in time."""
    n, runs = job
    rng = np.random.default_rng([SEED, n])
    called: Held = defaultdict(list)
    for run in range(runs):
        time, event = trial(rng, n, 1 / 250, 0, (365, 900))
        day = np.where(rng.random(n) < 0.5, rng.choice(SCANS, n, p=SHARES), 10**6)
        seen = day <= time  # a response can only be seen in who is still there
        naive = log_rank(time, event, seen, permutations=0).p if 0 < seen.sum() < n else None
        called["naive split"].append(np.nan if naive is None else float(naive < 0.05))
        names = [f"{i:03}" for i in range(n)]
        table = pl.DataFrame({"parameter": "OS", "subject": names, "start_day": 0, "days": time, "event": event})
        states = pl.DataFrame(
            {"subject": names, "day": [int(d) if s else None for d, s in zip(day, seen, strict=True)]}
        )
        for way, permutations in (("", 0), (", permuted", 399)):
            found = state_contrasts(table, states, permutations=permutations, seed=run)
            for row in found.filter(pl.lit(not way) | (pl.col("method") == "landmark_log_rank")).iter_rows(named=True):
                name = row["method"] + ("" if row["at_day"] is None else f" {row['at_day']}") + way
                called[name].append(np.nan if row["p"] is None else float(row["p"] < 0.05))
    return f"{n} subjects", {name: f"{100 * np.nanmean(rows):.1f}" for name, rows in called.items()}


def small_group(job: tuple[int, int, int]) -> tuple[str, dict[str, str]]:
    """Return how often a group of few is found to differ though it does not, by chi-square, permutation and Wald."""
    few, n, runs = job
    rng = np.random.default_rng([SEED, few, n])
    group = np.arange(n) < few
    called: Held = defaultdict(list)
    for run in range(runs):
        time, event = trial(rng, n, 1 / 250, 0, (365, 900))
        called["log-rank, chi-square"].append(float((log_rank(time, event, group, permutations=0).p or 1) < 0.05))
        permuted = log_rank(time, event, group, permutations=399, seed=run)
        called["log-rank, permuted"].append(float((permuted.p or 1) < 0.05))
        called["Cox, Wald"].append(float(cox(time, event, group).p[0] < 0.05))
    return f"{few} of {n}", {name: f"{100 * np.mean(rows):.1f}" for name, rows in called.items()}


def _summary(cells: list[tuple[tuple[int, str, str, str], Held]]) -> None:
    """Print for each kind of number and size the least and middle share that holds over the laws, and those below."""
    kinds = list(dict.fromkeys(name for _, found in cells for name in found))
    print("| limits | " + " | ".join(f"n = {n}" for n in SIZES) + " | cells below 93 % | given, least % |")
    print("|-|" + "-|" * (len(SIZES) + 2))
    for kind in kinds:
        of_size = {n: [_share(found[kind]) for (size, *_), found in cells if size == n] for n in SIZES}
        parts = [f"{min(s for s, _ in of_size[n]):.1f} / {np.median([s for s, _ in of_size[n]]):.1f}" for n in SIZES]
        every = [share for n in SIZES for share in of_size[n]]
        below = sum(share < PROMISED for share, _ in every)
        print(f"| {kind} | " + " | ".join(parts) + f" | {below} of {len(every)} | {min(g for _, g in every):.0f} |")
    print()
    print("Cells below 93 %:\n\n| limits | n | law | holds, % | given, % |\n|-|-|-|-|-|")
    for kind in [kind for kind in kinds if kind.split()[1] in TOLD]:
        for (n, hazard, cured, followed), found in cells:
            share, given = _share(found[kind])
            if share < PROMISED:
                print(f"| {kind} | {n} | {hazard}{cured}, {followed} | {share:.1f} | {given:.0f} |")
    print()


def _share(rows: list[float]) -> tuple[float, float]:
    given = ~np.isnan(rows)
    return (100 * float(np.nanmean(rows)) if given.any() else np.nan), 100 * float(np.mean(given))


def _table(rows: list[tuple[str, dict[str, str]]]) -> None:
    names = list(dict.fromkeys(name for _, told in rows for name in told))
    print("| trials | " + " | ".join(names) + " |\n|-|" + "-|" * len(names))
    for title, told in rows:
        print(f"| {title} | " + " | ".join(told.get(name, "") for name in names) + " |")
    print()


def main() -> None:
    """Print the tables: one group, two groups, and a response without effect."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn")) as pool:
        jobs = [(n, *law, runs) for n, *law in product(SIZES, HAZARDS, CURED, FOLLOWED)]
        _summary(list(pool.map(one_cell, jobs)))
        _print_by_at_risk(list(pool.map(by_at_risk, jobs)))
        pairs = [(n, ratio, followed, runs) for n, ratio, followed in product((20, 40, 80), (1.0, 2.0), FOLLOWED)]
        _table(list(pool.map(two_groups, pairs)))
        _table(list(pool.map(no_effect, [(n, runs) for n in (30, 60)])))
        _table(list(pool.map(small_group, [(few, n, runs) for few, n in ((2, 30), (5, 30), (8, 30), (5, 60))])))


if __name__ == "__main__":
    main()
