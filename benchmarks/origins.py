"""Origin classes against the truth: simulated subjects, three depths of the product and two of the baseline.

`python -m benchmarks.origins [SUBJECTS]`: subjects a cell (96), each with a tumour, a product, blood before the
infusion and four visits after it, taken together. Each sample is a draw of cells; a naive cell is a clone of one cell,
that no other sample shows, and stands in no table of figures.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import polars as pl

from tilseq.intervals import clopper_pearson, scalar
from tilseq.receptors import CLONE
from tilseq.repertoire import effective_clones, origin_classes, origins
from tilseq.repertoire.effective import summed
from tilseq.repertoire.origin import FEWEST_CELLS
from tilseq.simulate.calendar import BASELINE_DAY, HARVEST_DAY
from tilseq.simulate.design import Design
from tilseq.simulate.subjects import draw_subject

SUBJECTS, SEED = 96, 20_31
PRODUCTS, BASELINES = (1_000, 5_000, 50_000), (5_000, 50_000)  # effective cells
TUMOR_CELLS, LATER_CELLS, LATER_DAYS = 20_000, 20_000, (14, 28, 84, 168)
CLASSES = (
    "infused_and_preexisting",
    "infused_only",
    "preexisting_only",
    "tumor_resident",
    "emergent",
    "indeterminate",
)
Shares = np.ndarray


def sample(rng: np.random.Generator, shares: Shares, cells: int, name: str) -> pl.DataFrame:
    """Return the clones of a draw of cells; what the shares lack to 1 is naive."""
    naive = max(0.0, 1 - shares.sum())
    counts = rng.multinomial(cells, np.append(shares, naive) / (shares.sum() + naive))
    seen = np.flatnonzero(counts[:-1])
    junctions = [*(f"c{place}" for place in seen), *(f"{name}{number}" for number in range(counts[-1]))]
    table = pl.DataFrame({"junction": junctions, "duplicate_count": [*counts[seen].tolist(), *[1] * int(counts[-1])]})
    return effective_clones(table.with_columns(locus=pl.lit("TRB")), float(cells))


def of_subject(number: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return how many clones of each true origin are called each class, and how many are wrong at least."""
    subject = draw_subject(number, Design(seed=SEED))
    rng = np.random.default_rng([SEED, number])
    infused = subject.course.infused.sum(axis=1)
    tumor = sample(rng, subject.specimen("tumor", HARVEST_DAY).frequencies, TUMOR_CELLS, "t")
    before = subject.specimen("blood", BASELINE_DAY).frequencies
    visits = {day: subject.specimen("blood", day).frequencies for day in LATER_DAYS}
    later = summed([sample(rng, shares, LATER_CELLS, f"{day}_") for day, shares in visits.items()])
    truth = pl.DataFrame({"truth": subject.origin}).with_row_index("clone")
    truth = truth.select("truth", junction=pl.concat_str(pl.lit("c"), "clone"))
    often = later.filter(pl.col("cells") >= FEWEST_CELLS).select(*CLONE, often=pl.lit(True))
    found, classes = [], []
    for baseline_cells in BASELINES:
        baseline = sample(rng, before, baseline_cells, "b")
        for product_cells in PRODUCTS:
            product = sample(rng, infused, product_cells, "p")
            called = origins(product, baseline=baseline, tumor=tumor, later=later)
            place = {"baseline": pl.lit(baseline_cells), "product": pl.lit(product_cells), "subject": pl.lit(number)}
            told = called.join(truth, on="junction").join(often, on=CLONE, how="left")
            sizes = told.group_by("truth", "origin").agg(
                clones=pl.len().cast(pl.Int64), often=pl.col("often").sum().cast(pl.Int64)
            )
            found.append(sizes.with_columns(**place))
            known = called.join(truth, on="junction", how="semi")  # naive cells are left out
            classes.append(origin_classes(known, product, baseline).with_columns(**place))
    return pl.concat(found), pl.concat(classes)


def main() -> None:
    """Print the confusion table, that of emergent clones, and that of what is wrong at least."""
    subjects = int(sys.argv[1]) if len(sys.argv) > 1 else SUBJECTS
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        told = list(pool.map(of_subject, range(1, subjects + 1)))
    found, classes = pl.concat([one for one, _ in told]), pl.concat([one for _, one in told])
    places = [(b, p) for b in BASELINES for p in PRODUCTS]
    _confusion(found, places)
    _emergent(found, places)
    _at_least(found, classes, places)


def _confusion(found: pl.DataFrame, places: list[tuple[int, int]]) -> None:
    print("| baseline, cells | product, cells | truly | " + " | ".join(CLASSES) + " |")
    print("|" + "---|" * (3 + len(CLASSES)))
    for baseline, product in places:
        here = found.filter(baseline=baseline, product=product)
        for truth in CLASSES[:-1]:
            counts = [here.filter(truth=truth, origin=origin)["clones"].sum() for origin in CLASSES]
            print(f"| {baseline:,} | {product:,} | {truth} | " + " | ".join(f"{n:,}" for n in counts) + " |")
        rights = []
        for origin in CLASSES[:-1]:
            called = here.filter(origin=origin)
            right = called.filter(truth=origin)["clones"].sum()
            rights.append(f"{100 * right / called['clones'].sum():.1f}" if called.height else "-")
        print(f"| {baseline:,} | {product:,} | *right, %* | " + " | ".join(rights) + " | |")
    print()


def _emergent(found: pl.DataFrame, places: list[tuple[int, int]]) -> None:
    print(
        "| baseline, cells | product, cells | called emergent | wrong, % (95 % limits) | "
        f"wrong in the worst subject | emergent of {FEWEST_CELLS} cells and more | found, % |"
    )
    print("|" + "---|" * 7)
    for baseline, product in places:
        here = found.filter(baseline=baseline, product=product)
        called = here.filter(origin="emergent")
        wrong, number = called.filter(pl.col("truth") != "emergent"), int(called["clones"].sum())
        errors = int(wrong["clones"].sum())
        lower, upper = scalar(clopper_pearson(errors, number)) if number else (0.0, 1.0)
        worst = wrong.group_by("subject").agg(pl.col("clones").sum())["clones"].max() or 0
        true = here.filter(truth="emergent")
        often = int(true["often"].sum())
        seen = int(true.filter(origin="emergent")["often"].sum())
        share = f"{100 * errors / number:.1f} ({100 * lower:.1f} to {100 * upper:.1f})" if number else "-"
        print(f"| {baseline:,} | {product:,} | {number:,} | {share} | {worst} | {often:,} | {100 * seen / often:.0f} |")
    print()


def _at_least(found: pl.DataFrame, classes: pl.DataFrame, places: list[tuple[int, int]]) -> None:
    print("| baseline, cells | product, cells | class | called | truly wrong | wrong at least | subjects it holds in |")
    print("|" + "---|" * 7)
    for baseline, product in places:
        for origin in ("infused_only", "preexisting_only"):
            here = {"baseline": baseline, "product": product, "origin": origin}
            called = found.filter(**here)
            wrong = called.filter(pl.col("truth") != origin).group_by("subject").agg(wrong=pl.col("clones").sum())
            told = classes.filter(**here).join(wrong, on="subject", how="left")
            if told.is_empty():
                continue
            held = told.select(pl.col("wrong_at_least") <= pl.col("wrong").fill_null(0)).to_series()
            print(
                f"| {baseline:,} | {product:,} | {origin} | {called['clones'].sum():,} | {wrong['wrong'].sum():,} | "
                f"{told['wrong_at_least'].sum():,} | {held.sum()} of {len(held)} |"
            )


if __name__ == "__main__":
    main()
