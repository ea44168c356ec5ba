"""Families of B cells found again: simulated ones with their truth, at several sizes and shares of memory.

Precision is the share of pairs of sequences put into one family that are of one, recall the share of pairs of one
family that are put into one. The threshold is the valley of the distances. Times are of `bcr` of the heavy chains, in
this process, without reading.
"""

import time

import numpy as np
import polars as pl

from tilseq.repertoire import bcr
from tilseq.simulate.receptors.families import draw_families

SEEDS = range(10)
DESIGNS = ((1_500, 0.1), (1_500, 0.5), (10_000, 0.1), (10_000, 0.5), (100_000, 0.1))


def agreement(found: pl.Series, truth: pl.Series) -> tuple[float, float]:
    """Return precision and recall of pairs."""

    def pairs(*columns: str) -> int:
        sizes = pl.DataFrame({"found": found, "truth": truth}).group_by(columns).len()["len"].cast(pl.Int64)
        return int((sizes * (sizes - 1)).sum())

    both = pairs("found", "truth")
    return both / pairs("found"), both / pairs("truth")


def main() -> None:
    """Print the table."""
    print("| families | memory | seeds | sequences | threshold | precision, least | recall, least | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for families, memory in DESIGNS:
        seeds = SEEDS if families < 100_000 else SEEDS[:1]
        rows = []
        for seed in seeds:
            truth = draw_families(np.random.default_rng(seed), families, memory_share=memory)
            named = {"sequence_id": pl.format("s{}", pl.int_range(pl.len())), "locus": pl.lit("IGH")}
            table = truth.with_columns(**named, duplicate_count=pl.lit(1))
            start = time.perf_counter()
            found = bcr(table, sample="s")
            taken = time.perf_counter() - start
            placed = table.join(found.mutation.select("sequence_id", "family_id"), on="sequence_id", how="left")
            rows.append((table.height, found.threshold, *agreement(placed["family_id"], placed["family"]), taken))
        sequences, thresholds, precision, recall, seconds = (np.array(column) for column in zip(*rows, strict=True))
        print(
            f"| {families:,} | {memory:.0%} | {len(rows)} | {sequences.mean():,.0f} | "
            f"{thresholds.min():.3f} to {thresholds.max():.3f} | {precision.min():.4f} | {recall.min():.4f} | "
            f"{seconds.mean():.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
