"""How often templates of DNA are counted, learnt from 1, 8 and 40 simulated libraries, beside what is true.

`python -m benchmarks template_counting`: clones of seven kinds of sizes, 80 libraries of each, preset seed; parted into
groups of that many. A template is counted 0, 1 or 2 times (`twice`) or as often as chance has it (`drawn`); by neither
law a clone's reads, a gamma of its templates, are rounded (`rounded`). A second table tells how wide limits are where a
group is not sure.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tilseq.repertoire import Miscounting, miscounting

SEED, LIBRARIES, GROUPS = 11, 80, (1, 8, 40)
LAWS = (
    ("twice", 0.0),
    ("twice", 0.1),
    ("twice", 0.3),
    ("twice", 0.5),
    ("drawn", 0.3),
    ("drawn", 0.6),
    ("rounded", 0.63),
)
Sizes = Callable[[np.random.Generator], np.ndarray]


def log_normal(random: np.random.Generator) -> np.ndarray:
    """Return the expected templates of 1,000 to 6,000 clones, of one template in the median."""
    return random.lognormal(random.normal(0, 0.4), random.uniform(0.8, 1.5), int(random.uniform(1_000, 6_000)))


def power(slope: float, templates: int) -> Sizes:
    """Return the expected templates of 20,000 clones by rank, of a slope that differs between libraries."""

    def drawn(random: np.random.Generator) -> np.ndarray:
        return at_depth(np.arange(1.0, 20_001) ** -random.normal(slope, 0.06), templates, random)

    return drawn


def blood(templates: int) -> Sizes:
    """Return the expected templates of 50,000 to 200,000 naive clones of a cell each, and of memory."""

    def drawn(random: np.random.Generator) -> np.ndarray:
        memory = random.lognormal(1.5, random.uniform(1.5, 2.2), int(random.uniform(1_000, 4_000)))
        return at_depth(np.append(np.ones(int(random.uniform(5e4, 2e5))), memory), templates, random)

    return drawn


def product(templates: int) -> Sizes:
    """Return the expected templates of 300 to 3,000 clones that grew."""

    def drawn(random: np.random.Generator) -> np.ndarray:
        grown = random.lognormal(0, random.uniform(1.8, 2.6), int(random.uniform(300, 3_000)))
        return at_depth(grown, templates, random)

    return drawn


def at_depth(sizes: np.ndarray, templates: int, random: np.random.Generator) -> np.ndarray:
    """Return sizes that sum up to half as many templates to twice as many."""
    return np.asarray(sizes / sizes.sum() * templates * random.uniform(0.5, 2))


KINDS: dict[str, Sizes] = {
    "blood, 6,000 templates": blood(6_000),
    "blood, 20,000": blood(20_000),
    "power 1, 20,000": power(1, 20_000),
    "power 0.6, 6,000": power(0.6, 6_000),
    "log-normal": log_normal,
    "product, 6,000": product(6_000),
    "product, 20,000": product(20_000),
}


def library(sizes: Sizes, law: str, variance: float, random: np.random.Generator) -> np.ndarray:
    """Return the counts of the clones seen in a library."""
    expected = sizes(random)
    if law == "drawn":
        counts = random.poisson(variance * random.poisson(expected / variance))
    elif law == "rounded":
        counts = np.rint(random.gamma(random.poisson(expected) / variance, variance)).astype(int)
    else:
        templates = random.poisson(expected)
        missed = random.binomial(templates, variance / 2)
        counts = templates - missed + random.binomial(templates - missed, variance / 2 / (1 - variance / 2))
    return np.asarray(counts[counts > 0])


def told(groups: list[Miscounting], law: str, variance: float) -> str:
    """Return how many groups are sure, how far off the worst of them is, and how many of them tell the other law."""
    sure = [found for found in groups if found.sure]
    if not sure:
        return f"0 of {len(groups)}"
    off = max(abs(found.variance - variance) for found in sure)
    other = sum(found.twice != (law == "twice") for found in sure if found.variance) if variance else 0
    return f"{len(sure)} of {len(groups)}, {off:.2f}" + (f", {other} by the other law" if other else "")


def widths(groups: list[Miscounting], variance: float) -> str:
    """Return how wide limits are beside those that know the variance, of groups that are not sure: mean, and range."""
    wide = [np.sqrt((1 + found.variance) / (1 + variance)) for found in groups if not found.sure]
    return f"{np.mean(wide):.2f} ({min(wide):.2f} to {max(wide):.2f}; {len(wide)})" if wide else ""


def table(rows: list[tuple[str, ...]]) -> None:
    """Print rows of clones, law, variance, and a cell for each number of libraries."""
    heads = ("clones", "counted", "variance", *(f"{of} together" for of in GROUPS))
    print(f"| {' | '.join(heads)} |\n|{'-|' * len(heads)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def main() -> None:
    """Print, of each kind of sizes and each law, what sure groups are off by and how wide limits of others are."""
    sure, unsure = [], []
    for kind, sizes in KINDS.items():
        for law, variance in LAWS:
            random = np.random.default_rng(SEED)
            libraries = [library(sizes, law, variance, random) for _ in range(LIBRARIES)]
            head = kind, law if variance else "once", f"{variance:g}"
            groups = [[miscounting(libraries[at : at + of]) for at in range(0, LIBRARIES, of)] for of in GROUPS]
            sure.append((*head, *(told(found, law, variance) for found in groups)))
            unsure.append((*head, *(widths(found, variance) for found in groups)))
    table(sure)
    print()
    table(unsure)


if __name__ == "__main__":
    main()
