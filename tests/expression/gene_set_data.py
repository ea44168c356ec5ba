"""Numbers that R makes the same, as in tests/oracles/enrichment.R, and a walk along the ranks by hand."""

import numpy as np

GENES = [f"G{i:03d}" for i in range(1, 301)]
SETS = {"a": GENES[:20], "b": GENES[20:60], "c": GENES[:5] + GENES[99:120]}


def numbers(columns):
    """Return 300 genes × columns, numbers from 0 to 1."""
    g, s = np.arange(1, 301)[:, None], np.asarray(columns)
    return ((g * g * 17 + s * s * 5 + g * s * 131 + 7 * g + 3 * s) % 1009) / 1009


def differences():
    """Return five subjects × 300 genes, of which those of set a move together, and up."""
    x = (numbers(np.arange(1, 6)) - 0.5) * (1 + (np.arange(1, 301)[:, None] % 7) / 3)
    x[:20] += [0.9, 0.1, 0.5, 0.7, 0.2]
    return x.T


def walk_by_hand(ranks, members):
    """Return how far up and how far down the sum of one set goes, by walking along the genes."""
    genes = sorted(sorted(ranks), key=lambda gene: -ranks[gene])
    inside = [gene for gene in genes if gene in members]
    total = sum(abs(ranks[gene]) for gene in inside)
    walk, most, least = 0.0, 0.0, 0.0
    for gene in genes:
        if gene in members:
            walk += abs(ranks[gene]) / total if total else 1 / len(inside)
        else:
            walk -= 1 / (len(genes) - len(inside))
        most, least = max(most, walk), min(least, walk)
    return most, least


def score_by_hand(ranks, members):
    """Return the enrichment score of one set: 0 where its sum goes as far up as down."""
    most, least = walk_by_hand(ranks, members)
    if abs(most + least) < 1e-9:
        return 0.0
    return most if most > -least else least
