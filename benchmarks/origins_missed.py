"""How many clones of the product a baseline missed at least, held against the truth of known laws.

`python -m benchmarks.origins_missed [SUBJECTS]`: subjects a cell (400), each with about 200 clones (a Poisson number)
that product and blood hold. Their shares of blood follow one of several laws, cells are Poisson, and each is counted in
one of several ways. None of tilseq's simulator is in it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import numpy as np

from tilseq.repertoire.missed import fewest_missed

SUBJECTS, SEED, CLONES = 400, 20_31, 200
BASELINES = (5_000, 20_000, 50_000)  # cells
LARGEST = 0.02
Draw = Callable[[np.random.Generator, int], np.ndarray]
Count = Callable[[np.random.Generator, np.ndarray], np.ndarray]
SHARES: Mapping[str, Draw] = {
    "log-normal, median 1.7e-5, scatter 1.2": lambda random, n: 1.7e-5 * random.lognormal(0, 1.2, n),
    "log-normal, median 1.7e-5, scatter 2": lambda random, n: 1.7e-5 * random.lognormal(0, 2, n),
    "power law (1 / share) above 1e-6": lambda random, n: np.minimum(1e-6 / random.random(n), LARGEST),
    "power law (1 / share) above 1e-5": lambda random, n: np.minimum(1e-5 / random.random(n), LARGEST),
    "gamma, shape 0.5, mean 3e-5": lambda random, n: random.gamma(0.5, 6e-5, n),
    "half 1e-4, half 2e-6": lambda random, n: np.where(random.random(n) < 0.5, 1e-4, 2e-6),
    "all 4e-5": lambda random, n: np.full(n, 4e-5),
    "all 1.2e-4": lambda random, n: np.full(n, 1.2e-4),
}
COUNTED: Mapping[str, Count] = {
    "once": lambda random, cells: cells,
    "half of them, 15 % of these twice": lambda random, cells: _some_twice(random, random.binomial(cells, 0.5)),
    "Poisson, mean 1": lambda random, cells: random.poisson(cells),
    "Poisson of exponential, mean 1": lambda random, cells: random.poisson(_exponential(random, cells)),
    "Poisson of exponential, mean 4": lambda random, cells: random.poisson(4 * _exponential(random, cells)),
}


def _some_twice(random: np.random.Generator, cells: np.ndarray) -> np.ndarray:
    return cells + random.binomial(cells, 0.15)


def _exponential(random: np.random.Generator, cells: np.ndarray) -> np.ndarray:
    return random.standard_gamma(np.maximum(cells, 1e-12)) * (cells > 0)


def told(draw: Draw, count: Count, cells: int, subjects: int) -> tuple[np.ndarray, np.ndarray]:
    """Return of each subject how many clones were missed at least, and how many were."""
    least, missed = [], []
    for subject in range(subjects):
        random = np.random.default_rng([SEED, subject])
        counts = count(random, random.poisson(cells * draw(random, random.poisson(CLONES))))
        least.append(fewest_missed(counts[counts > 0]))
        missed.append(np.count_nonzero(counts == 0))
    return np.array(least), np.array(missed)


def main() -> None:
    """Print a row for each law and way of counting: at least, and truly, missed (medians), and how often it holds."""
    subjects = int(sys.argv[1]) if len(sys.argv) > 1 else SUBJECTS
    print("| shares of clones | each cell is counted | " + " | ".join(f"{n:,} cells" for n in BASELINES) + " |")
    print("|" + "---|" * (2 + len(BASELINES)))
    for law, draw in SHARES.items():
        for how, count in COUNTED.items():
            row = []
            for cells in BASELINES:
                least, missed = told(draw, count, cells, subjects)
                row.append(f"{np.median(least):.0f} of {np.median(missed):.0f}: {100 * np.mean(least <= missed):.1f}")
            print(f"| {law} | {how} | {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
