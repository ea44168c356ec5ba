"""Do limits and calls of responses of stimulated cells hold what they promise? Exact sums and simulated tubes.

`python -m benchmarks.intracellular [FAMILIES]`: simulated subjects of each cell (2,000). Tubes are binomial, or
differ more than that, as real ones do. Then the threshold, on values whose bearing cells are known.
"""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from scipy.special import gammaln

from tilseq.flow import ResponseRule, Stained, count_positive, cytokine_responses, cytokine_threshold
from tilseq.intervals import difference_of_shares

FAMILIES, SEED, PROMISED = 2_000, 9, 93.0
CELLS = (500, 2_000, 10_000, 50_000)
BACKGROUNDS = (0.0, 0.0001, 0.0005, 0.002, 0.01)
DIFFERENCES = (0.0, 0.0002, 0.0005, 0.001, 0.003, 0.01, 0.05)
NAMES = ("CD4+ T", "CD8+ T")
VISITS, STIMULI = ("baseline", "D28", "D84"), ("PMA", "tumour")
TUBE_CV = (0.0, 0.1, 0.2, 0.3)  # of the true share between tubes of one content; 0 is binomial
ASSUMED = (0.1, 0.0)  # less than the default setting, and counting alone


def binomial(total: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the counts that matter and their chances."""
    most = min(total, int(total * share + 10 * np.sqrt(total * share * (1 - share)) + 12))
    count = np.arange(most + 1.0)
    if share == 0:
        return count[:1], np.ones(1)
    log = gammaln(total + 1) - gammaln(count + 1) - gammaln(total - count + 1)
    chance = np.exp(log + count * np.log(share) + (total - count) * np.log1p(-share))
    return count[chance > 1e-7], chance[chance > 1e-7]


def held(stimulated: int, unstimulated: int, background: float, difference: float) -> tuple[float, float]:
    """Return in how many of a hundred the limits hold the difference, and their mean width in percentage points."""
    (a, chance_a), (b, chance_b) = binomial(stimulated, background + difference), binomial(unstimulated, background)
    grid = np.broadcast_arrays(a[:, None], stimulated, b[None], unstimulated)
    lower, upper = difference_of_shares(*(part.astype(float) for part in grid))
    chance = chance_a[:, None] * chance_b[None] / (chance_a.sum() * chance_b.sum())
    inside = (lower <= difference + 1e-12) & (upper >= difference - 1e-12)
    return 100 * float((inside * chance).sum()), 100 * float(((upper - lower) * chance).sum())


def coverage() -> None:
    """Print how often limits of a difference of shares hold it."""
    print(
        f"95 % limits of the difference, exact sums over both counts; {len(DIFFERENCES)} differences of 0 to 5 points\n"
    )
    print("| cells stimulated, unstimulated | held least | most | cells below 93 | width at 0.05 % + 0.1, points |")
    print("|---|---|---|---|---|")
    below = 0
    for one, other in product(CELLS, repeat=2):
        cells = [held(one, other, *pair)[0] for pair in product(BACKGROUNDS, DIFFERENCES)]
        below += sum(value < PROMISED for value in cells)
        width = held(one, other, 0.0005, 0.001)[1]
        few = sum(value < PROMISED for value in cells)
        print(f"| {one:,}, {other:,} | {min(cells):.1f} | {max(cells):.1f} | {few} of {len(cells)} | {width:.2f} |")
    print(f"\nBelow {PROMISED:g} %: {below} of {len(CELLS) ** 2 * len(BACKGROUNDS) * len(DIFFERENCES)}.\n")


def draw(rng: np.random.Generator, total: int, share: float, cv: float) -> int:
    """Return positives of one tube, whose own share is gamma distributed."""
    own = share * rng.gamma(cv**-2, cv**2) if cv else share
    return int(rng.binomial(total, min(own, 1.0)))


def families(
    rng: np.random.Generator, cells: int, background: float, effect: float, cv: float, runs: int
) -> list[dict[str, object]]:
    """Return counts of subjects with one unstimulated tube a visit, and the same effect in every population."""
    rows: list[dict[str, object]] = []
    for subject, visit in product(range(runs), VISITS):
        none = [draw(rng, cells, background, cv) for _ in NAMES]
        for stimulus in STIMULI:
            made = [draw(rng, cells, background + effect, cv) for _ in NAMES]
            counted = [(n, m, cells, u) for n, m, u in zip(NAMES, made, none, strict=True)]
            counted.append(("CD3+", sum(made), 2 * cells, sum(none)))
            for name, positive, total, background_positive in counted:
                row = {"subject": f"{subject:05}", "visit": visit, "stimulus": stimulus, "marker": "IFN-γ"}
                row |= {"population": name, "stimulated": f"{visit} {stimulus}"}
                row |= {"positive_stimulated": positive, "cells_stimulated": total}
                rows.append(row | {"positive_unstimulated": background_positive, "cells_unstimulated": total})
    return rows


def calls(runs: int) -> None:
    """Print how many subjects without an effect are called."""
    rng = np.random.default_rng(SEED)
    print(f"Calls of {runs:,} subjects: 3 visits × 2 stimuli × CD3+, CD4+ T, CD8+ T, no effect\n")
    print(
        "| cells of each | background, % | CV of tubes, % | subjects called | of tube_cv 0 | calls, % | p < 0.05, % |"
    )
    print("|---|---|---|---|---|---|---|")
    for cells, background, cv in product((1_000, 20_000), (0.0005, 0.002, 0.01), TUBE_CV):
        rows = pl.DataFrame(families(rng, cells, background, 0.0, cv, runs))
        found, counting = (cytokine_responses(rows, ResponseRule(tube_cv=one)) for one in ASSUMED)
        subjects, of_counting = (
            100 * one.filter(response="yes")["subject"].n_unique() / runs for one in (found, counting)
        )
        calls, p = 100 * share(found["response"] == "yes"), 100 * share(found["p"] < 0.05)
        told = f"{subjects:.1f} | {of_counting:.1f} | {calls:.2f} | {p:.1f} |"
        print(f"| {cells:,} | {100 * background:g} | {100 * cv:g} | {told}")
    print("\nCalls where there is an effect, background 0.05 %, binomial\n")
    print("| cells | effect, points | CD8+ T called, % |\n|---|---|---|")
    for cells, effect in product((1_000, 5_000, 20_000), (0.001, 0.002, 0.005, 0.01)):
        rows = families(rng, cells, 0.0005, effect, 0.0, max(50, runs // 10))
        found = cytokine_responses(pl.DataFrame(rows)).filter(population="CD8+ T")
        print(f"| {cells:,} | {100 * effect:g} | {100 * share(found['response'] == 'yes'):.0f} |")


def tube_coverage(runs: int) -> None:
    """Print how often limits hold the difference where tubes differ beside counting."""
    rng = np.random.default_rng(SEED + 2)
    print("\nLimits by a tube_cv of 10 % where tubes differ so much: held, of simulated pairs\n")
    print("| cells of each | background, % | difference, points | held, % | tube_cv 0, % |\n|---|---|---|---|---|")
    for cells, background, effect in product((2_000, 20_000), (0.0005, 0.005), (0.001, 0.01, 0.1)):
        pairs = [
            (draw(rng, cells, background + effect, 0.1), draw(rng, cells, background, 0.1)) for _ in range(5 * runs)
        ]
        rows = [
            {
                "subject": f"{place:06}", "stimulated": "a", "marker": "IFN-γ", "population": "CD8+ T",
                "positive_stimulated": a, "cells_stimulated": cells, "positive_unstimulated": b,
                "cells_unstimulated": cells,
            }
            for place, (a, b) in enumerate(pairs)
        ]  # fmt: skip
        held = []
        for cv in ASSUMED:
            found = cytokine_responses(pl.DataFrame(rows), ResponseRule(tube_cv=cv))
            held.append(100 * share((found["lower"] <= 100 * effect) & (found["upper"] >= 100 * effect)))
        print(f"| {cells:,} | {100 * background:g} | {100 * effect:g} | {held[0]:.1f} | {held[1]:.1f} |")


def tubes(subjects: int, cells: int = 20_000, seed: int = 5) -> None:
    """Simulate a trial whose cells answer no stimulus, and call it."""
    from unittest.mock import patch

    from tilseq.cli.cytokine_intracellular import stimulated_rows, to_read
    from tilseq.cli.flow_tubes import settings_of
    from tilseq.simulate import Design, simulate_trial, stimulation
    from tilseq.steps.stimulated_tubes import read_subject, responses

    visits = ["baseline", "D28", "D84"]
    ics = {"visits": visits, "stimuli": ["autologous tumour"], "cells": cells}
    design = Design(seed=seed, subjects=subjects, visits=visits, assays=["ics"], memory_clones=300, ics=ics)
    with TemporaryDirectory() as folder, patch.object(stimulation, "answering", lambda *_: {}):
        root = Path(folder) / "trial"
        simulate_trial(root, design)
        rows = stimulated_rows(root / "samples.csv")
        names = dict.fromkeys(row["subject"] for row in rows)
        own = settings_of(None, None)
        reads = [
            read_subject([to_read(row, root, own, None) for row in rows if row["subject"] == name]) for name in names
        ]
    found = responses(reads, ResponseRule())
    called = found.filter(response="yes")["subject"].n_unique()
    low = 100 * share(found["p"].drop_nulls() < 0.05)
    print(
        f"\nSimulated tubes without an answer: {called} of {subjects} subjects called, p < 0.05 in {low:.1f} % of tests"
    )


def share(told: pl.Series) -> float:
    """Return the share that is true."""
    return float(told.fill_null(False).sum()) / len(told)


def negatives(rng: np.random.Generator, kind: str, size: int) -> np.ndarray:
    """Return values of cells that do not bear the cytokine."""
    if kind == "normal":
        return rng.normal(0, 100, size)
    if kind == "log-normal":
        return 300 * rng.lognormal(0, 0.5, size)
    return 100 * rng.standard_t(5, size)


def thresholds(runs: int) -> None:
    """Print what thresholds leave above of negatives, and find of cells that bear the cytokine."""
    rng = np.random.default_rng(SEED + 1)
    print("\nThe threshold: negatives of the stimulated tube above it, and stimulated cells found of 1 % that bear it,")
    print("six or more standard deviations bright; of the unstimulated cells none, or 1 in 100, bear it\n")
    print("| negatives | unstimulated cells | bear it, % | negatives above, % | most | of 1 % found |")
    print("|---|---|---|---|---|---|")
    for kind, size, own in product(("normal", "log-normal", "Student's t, 5"), (1_000, 20_000), (0.0, 0.01)):
        above, recall = [], []
        for _ in range(max(20, runs // 20)):
            dim = float(np.std(negatives(rng, kind, 5_000)))
            bright = lambda number, dim=dim: 10 * dim + 20 * dim * rng.lognormal(0, 0.6, number)  # noqa: E731
            none = np.r_[negatives(rng, kind, size), bright(int(size * own))].astype(np.float32)
            made = np.r_[negatives(rng, kind, 100_000), bright(1_000)].astype(np.float32)
            threshold = cytokine_threshold([tube(none)], "IFN-γ")
            above.append(100 * count_positive([tube(made[:100_000])], "IFN-γ", "CD3+", threshold)[0].positive / 100_000)
            recall.append(100 * count_positive([tube(made[100_000:])], "IFN-γ", "CD3+", threshold)[0].positive / 1_000)
        told = f"{np.mean(above):.3f} | {max(above):.3f} | {np.mean(recall):.1f} %"
        print(f"| {kind} | {size:,} | {100 * own:g} | {told} |")


def tube(values: np.ndarray) -> Stained:
    """Return a tube with these values of one cytokine."""
    return Stained("a", {"IFN-γ": {"CD3+": values}}, np.zeros_like(values), "pass", None)


def main() -> None:
    """Print all tables."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else FAMILIES
    coverage()
    tube_coverage(runs)
    calls(runs)
    thresholds(runs)
    tubes(max(3, runs * 60 // FAMILIES))


if __name__ == "__main__":
    main()
