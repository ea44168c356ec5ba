"""Whether tests of gene sets hold 5 % where nothing changes but genes are correlated, and what they find.

`python -m benchmarks.enrichment_calibration [RUNS]`: simulated trials a row (80). 3,000 genes, 60 sets of 50, of eight
subjects with a pair each; genes of a set are correlated, variances differ between genes (scaled inverse chi-squared, 6
degrees of freedom). Errors are standard errors over trials, as sets of one trial share its subjects. Planted: three
sets up and three down by the effect, in standard deviations of a gene, in a share of their genes. Background: every
gene outside them changes with a probability of 10 %, by one standard deviation, up or down. Last, sets of rare and of
common genes in counts of two visits of unequal depth (`unequal_depth`).
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
import polars as pl

from benchmarks.unequal_depth import sets_called, show
from tilseq.expression.camera import camera
from tilseq.expression.preranked import preranked
from tilseq.expression.sign_flip_gsea import sign_flip_gsea
from tilseq.expression.sign_flips import moderated_t

GENES = [f"G{i:04d}" for i in range(3000)]
SIZE, PLANTED = 50, 6
SETS = {f"S{i:02d}": GENES[i * SIZE : (i + 1) * SIZE] for i in range(len(GENES) // SIZE)}
SUBJECTS, SEED = 8, 11
RUNS, SLOW_RUNS = 80, 150
PERMUTATIONS = 499
METHODS = ("sign_flip", "sign_flip, es", "camera", "camera, 0.01", "preranked")


class Trial(NamedTuple):
    """What is simulated."""

    correlation: float
    subjects: int = SUBJECTS
    effect: float = 0.0
    share: float = 1.0
    background: float = 0.0


class Share(NamedTuple):
    """A share of tests and its standard error over trials."""

    share: float
    error: float


def differences(trial: Trial, run: int) -> np.ndarray:
    """Return subjects × genes."""
    rng = np.random.default_rng([SEED, trial.subjects, int(100 * trial.correlation), run])
    own = rng.standard_normal((trial.subjects, len(GENES)))
    common = np.repeat(rng.standard_normal((trial.subjects, len(SETS))), SIZE, axis=1)
    spread = np.sqrt(6 / rng.chisquare(6, len(GENES)))
    change = np.zeros(len(GENES))
    for i in range(PLANTED):
        change[i * SIZE : i * SIZE + int(SIZE * trial.share)] = trial.effect * (1 if i % 2 else -1)
    scattered = np.flatnonzero(rng.random(len(GENES)) < trial.background)
    scattered = scattered[scattered >= PLANTED * SIZE]
    change[scattered] = rng.choice([-1, 1], len(scattered))
    return spread * (change + np.sqrt(1 - trial.correlation) * own + np.sqrt(trial.correlation) * common)


def tests(data: np.ndarray, methods: tuple[str, ...]) -> dict[str, pl.DataFrame]:
    """Return the table of each method, sets in order."""
    given = {"contrast": "simulated"}
    found = {}
    for method in methods:
        if method == "sign_flip":
            found[method] = sign_flip_gsea(data, GENES, SETS, seed=1, **given).table
        elif method == "sign_flip, es":
            found[method] = sign_flip_gsea(data, GENES, SETS, seed=1, statistic="es", **given).table
        elif method == "preranked":
            t = next(moderated_t(data, np.ones((1, len(data)))))[0]
            found[method] = preranked(
                t, GENES, SETS, seed=1, engine="permutation", permutations=PERMUTATIONS, **given
            ).table
        else:
            given_correlation = 0.01 if method.endswith("0.01") else None
            found[method] = camera(data, GENES, SETS, correlation=given_correlation, **given).table
    return found


def one(job: tuple[Trial, int, tuple[str, ...]]) -> dict[str, tuple[float, ...]]:
    """Return of each method: shares of null, planted sets with p ≤ .05, of planted ones ≤ .01, right signs, cover."""
    trial, run, methods = job
    rows = {}
    for method, table in tests(differences(trial, run), methods).items():
        p = table["p"].to_numpy()
        planted, null = p[:PLANTED] <= 0.05, p[PLANTED:] <= 0.05
        first = table[:PLANTED]
        up = np.array([name == "up" for name in first["direction"]])
        right = up == (np.arange(PLANTED) % 2 == 1)
        strict = p[:PLANTED] <= max(0.01, (table["p_floor"][0] or 0) if method.startswith("sign") else 0)
        limits = table[PLANTED:] if method.startswith("sign") and not trial.background else table[:0]
        covered = ((limits["lower"] <= 0) & (limits["upper"] >= 0)).mean() if limits.height else np.nan
        signs = right[planted].mean() if planted.any() else np.nan
        rows[method] = (null.mean(), planted.mean(), strict.mean(), signs, covered)
    return rows


def measured(trial: Trial, runs: int, methods: tuple[str, ...], pool: ProcessPoolExecutor) -> dict[str, list[Share]]:
    """Return the mean of each measure of each method over trials."""
    told = list(pool.map(one, [(trial, run, methods) for run in range(runs)], chunksize=8))
    shares = {}
    for method in methods:
        values = np.array([rows[method] for rows in told], float)
        known = np.isfinite(values).sum(axis=0)
        with np.errstate(all="ignore"):
            mean = np.nansum(values, axis=0) / known
            error = np.sqrt(np.nansum((values - mean) ** 2, axis=0) / known / np.maximum(known - 1, 1))
        shares[method] = [Share(*pair) for pair in zip(mean, error, strict=True)]
    return shares


def false_positives(correlation: float, runs: int, methods: tuple[str, ...] = ("sign_flip",)) -> dict[str, Share]:
    """Return the share of null sets with p ≤ 0.05, of each method; nothing is planted."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        return {name: rows[0] for name, rows in measured(Trial(correlation), runs, methods, pool).items()}


def shown(one: Share) -> str:
    """Return a share in per cent with its standard error; nothing where there is none."""
    return "" if not np.isfinite(one.share) else f"{100 * one.share:.1f} ± {100 * one.error:.1f}"


def main() -> None:
    """Print false positives, power and coverage."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        print("| null sets with p ≤ 0.05, %: subjects | correlation | " + " | ".join(METHODS) + " |")
        print("|" + "-|" * (2 + len(METHODS)))
        for subjects, correlation in ((8, 0), (8, 0.05), (8, 0.1), (8, 0.39), (4, 0), (4, 0.1), (4, 0.39)):
            methods = METHODS if subjects == SUBJECTS else METHODS[2:]
            found = measured(Trial(correlation, subjects), runs, methods, pool)
            cells = [shown(found[name][0]) if name in found else "" for name in METHODS]
            print(f"| {subjects} | {correlation} | " + " | ".join(cells) + " |", flush=True)
            if subjects == SUBJECTS:
                covered = found["sign_flip"][4]
                print(f"| | limits of fold change cover, % | {shown(covered)} |" + " |" * (len(METHODS) - 1))
        print(
            "\n| correlation | effect, SD | of the set's genes | background | method | planted with p ≤ 0.05, % "
            "| p ≤ 0.01, % | sign right, % | null sets with p ≤ 0.05, % |"
        )
        print("|" + "-|" * 9)
        for trial in (
            Trial(0.1, effect=0.5),
            Trial(0.1, effect=1),
            Trial(0.1, effect=1, share=0.4),
            Trial(0.1, effect=2, share=0.2),
            Trial(0.1, effect=10),
            Trial(0.39, effect=1),
            Trial(0.1, background=0.1),
            Trial(0.1, effect=1, background=0.1),
        ):
            for method, rows in measured(trial, runs // 4, METHODS[:3], pool).items():
                cells = [shown(rows[i]) if trial.effect or i == 0 else "" for i in (1, 2, 3, 0)]
                print(
                    f"| {trial.correlation} | {trial.effect:g} | {trial.share:.0%} | {trial.background:.0%} | {method} "
                    + "| "
                    + " | ".join(cells)
                    + " |",
                    flush=True,
                )
    show(sets_called, "null sets with p ≤ 0.05, %, sign flips", runs)


if __name__ == "__main__":
    main()
