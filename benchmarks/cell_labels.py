"""Are the chances that `cell_labels` tells true? Simulated subjects, preset seeds.

`python -m benchmarks.cell_labels [SUBJECTS [NAME …]]`: single cells of blood of 500 and 3,000 cells on days 14, 28 and
84, when about 65, 45 and 15 % of those with a TRB are of infused clones, against products sequenced to three depths in
bulk and as single cells. Names are of `LIBRARIES`, "single cells", and how templates are known to be counted, of
`LEARNT`; all where none is. The truth, which no method reads: whether any cell of the clone was infused.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache, partial
from multiprocessing import get_context

import numpy as np
import polars as pl

from tilseq.repertoire import Miscounting, ProductLot, cell_labels, chain_pairing, miscounting
from tilseq.repertoire import depth as cells_behind
from tilseq.repertoire.depth import share_cells
from tilseq.simulate.cells.capture import capture
from tilseq.simulate.design import Design
from tilseq.simulate.sequencing.contigs import draw_contigs, draw_doublets, true_clones
from tilseq.simulate.sequencing.libraries import draw_counts_of_clones, draw_library
from tilseq.simulate.sequencing.sampling import FLAVORS, n_effective
from tilseq.simulate.streams import stream
from tilseq.simulate.subjects import Subject, draw_subject

SUBJECTS, SEED = 48, 600
ALIKE = 20  # other subjects, whose libraries tell how templates are counted too
BULK_DAYS = (-10, 7, 14, 28, 84)  # on which a study sequences blood in bulk
DAYS, CELLS = (14, 28, 84), (500, 3_000)
BULK, SINGLE = (2_000, 6_000, 50_000), (500, 2_000, 8_000)
CELLS_PER_TEMPLATE = 2
BINS, LEAST_OF_BIN, CLONES_OF_BIN, LIMIT = 10, 500, 100, 0.05
# What the product was sequenced by. Of templates of DNA 15 % are missed and as many counted twice, or none, or each is
# one or the other, or each is counted a Poisson number of times.
LIBRARIES = {
    "gdna": FLAVORS["gdna"],
    "gdna, each once": replace(FLAVORS["gdna"], miscounted=0.0),
    "gdna, none or twice": replace(FLAVORS["gdna"], miscounted=0.5),
    "gdna, Poisson": replace(FLAVORS["gdna"], miscounted=0.0),
    "umi": FLAVORS["umi"],
}
# How its effective cells are known, of templates how these are counted.
ALONE, TOGETHER = "learnt from the product", f"learnt from {ALIKE} other products too"
STUDY = f"learnt from products and blood of {ALIKE + 1} subjects"
LEARNT = {"alone": ALONE, "products": TOGETHER, "study": STUDY}
KINDS = (
    ("single cells", "counted"),
    *((kind, known) for kind in LIBRARIES if kind != "umi" for known in LEARNT.values()),
    ("umi", "true"),
    ("umi", "declared"),
)


def subject_of(number: int) -> Subject:
    """Return a subject with one lot, each of a trial of its own."""
    return draw_subject(1, Design(seed=SEED + number, subjects=1))


def contigs_of(drawn: pl.DataFrame) -> pl.DataFrame:
    """Return the productive contigs of Cell Ranger's table as `chain_pairing` takes them."""
    return drawn.filter(productive="True").select(
        cell_id="barcode",
        locus="chain",
        v_call="v_gene",
        j_call="j_gene",
        junction="cdr3_nt",
        junction_aa="cdr3",
        umi_count="umis",
        consensus_count="reads",
    )


def single_cells(subject: Subject, name: str, specimen: str, day: int, cells: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the receptors of single cells of a specimen, and what clone each barcode truly is of."""
    rng = stream(SEED, str(subject.seed), subject.name, name)
    drawn = draw_doublets(rng, capture(rng, subject, subject.specimen(specimen, day), cells))
    receptors = chain_pairing(contigs_of(draw_contigs(rng, drawn)), sample=name)
    return receptors, true_clones(drawn).rename({"barcode": "cell_id"})


def library(subject: Subject, kind: str, depth: int) -> pl.DataFrame:
    """Return the clonotypes of a bulk library of a subject's product."""
    rng = stream(SEED, str(subject.seed), kind, str(depth))
    specimen = subject.specimen("infusion_product", -1)
    drawn = draw_library(rng, specimen, depth * CELLS_PER_TEMPLATE, depth, LIBRARIES[kind])
    table = drawn.table(subject.clones).rename({"counted": "duplicate_count"}).with_columns(locus=pl.lit("TRB"))
    if kind == "gdna, Poisson":
        often = pl.Series(rng.poisson(table["duplicate_count"].to_numpy()), dtype=pl.Int64)
        table = table.with_columns(duplicate_count=often).filter(pl.col("duplicate_count") > 0)
    return table


@cache
def library_of(number: int, kind: str, depth: int) -> pl.DataFrame:
    """Return the library of a subject by its number."""
    return library(subject_of(number), kind, depth).select("locus", "junction", "duplicate_count")


@cache
def blood_of(number: int, kind: str, depth: int) -> list[np.ndarray]:
    """Return the counts of clones in the bulk libraries of a subject's blood, of the depth of the product's."""
    subject, counts = subject_of(number), []
    for day in BULK_DAYS:
        rng = stream(SEED, str(subject.seed), kind, str(depth), f"blood {day}")
        cells = depth * CELLS_PER_TEMPLATE
        counted = draw_counts_of_clones(rng, subject.specimen("blood", day), cells, depth, LIBRARIES[kind])
        counted = rng.poisson(counted) if kind == "gdna, Poisson" else counted
        counts.append(counted[counted > 0])
    return counts


def counting_of(numbers: Iterable[int], kind: str, depth: int) -> Miscounting:
    """Return how templates are counted, as all bulk libraries of some subjects tell it."""
    libraries: list[np.ndarray] = []
    for number in numbers:
        libraries += [library_of(number, kind, depth)["duplicate_count"].to_numpy(), *blood_of(number, kind, depth)]
    return miscounting(libraries)


def products(subject: Subject, kinds: Collection[str]) -> Iterator[tuple[str, str, int, ProductLot]]:
    """Yield what a product was sequenced by, how its effective cells are known, its depth, and its library."""
    for kind, flavor in LIBRARIES.items():
        for depth in BULK if kind in kinds else ():
            cells = depth * CELLS_PER_TEMPLATE
            table = library(subject, kind, depth)
            counted = cells_behind(table, sample="product", count_of=flavor.count_of, cells=cells)
            of_templates = flavor.count_of == "templates"
            behind = dict.fromkeys(LEARNT.values() if of_templates else ("declared",), share_cells(counted))
            if kind == "umi":
                behind["true"] = {"TRB": min(n_effective(cells, depth, flavor), float(table["duplicate_count"].sum()))}
            for known, effective in behind.items():
                yield kind, known, depth, ProductLot(f"{kind} {depth}", table, effective, count_of=flavor.count_of)
    for cells in SINGLE if "single cells" in kinds else ():
        receptors, _ = single_cells(subject, f"product {cells}", "infusion_product", -1, cells)
        yield "single cells", "counted", cells, lot_of(receptors)


def lot_of(receptors: pl.DataFrame) -> ProductLot:
    """Return single cells of a product as a lot."""
    places = ("vj_1", "vj_2", "vdj_1", "vdj_2")
    chains = pl.concat(
        receptors.select("cell_id", locus=f"{place}_locus", junction=f"{place}_junction") for place in places
    ).drop_nulls()
    cells = dict(chains.group_by("locus").agg(pl.col("cell_id").n_unique()).iter_rows())
    table = chains.group_by("locus", "junction").agg(duplicate_count=pl.len())
    return ProductLot("cells", table, {locus: float(number) for locus, number in cells.items()}, receptors, "cells")


def labelled(
    number: int, kinds: Collection[str] = (*LIBRARIES, "single cells"), learnt: Collection[str] = tuple(LEARNT)
) -> pl.DataFrame:
    """Return the labels of one subject's cells: against what, the label, its chance, and the truth."""
    left_out = {known for name, known in LEARNT.items() if name not in learnt}
    subject = subject_of(number)
    infused = pl.DataFrame({"clone": subject.clones["clone"], "true": subject.course.infused.sum(axis=1) > 0})
    samples = [(f"D{day} {cells}", day, cells) for day in DAYS for cells in CELLS]
    drawn = {name: single_cells(subject, name, "blood", day, cells) for name, day, cells in samples}
    receptors = pl.concat(receptors for receptors, _ in drawn.values())
    truth = pl.concat(true.with_columns(sample=pl.lit(name)) for name, (_, true) in drawn.items())
    of_sample = pl.DataFrame(samples, schema=["sample", "day", "cells"], orient="row")
    truth = truth.join(of_sample, on="sample").join(infused, on="clone", how="left")
    frames = []
    for kind, known, depth, lot in products(subject, kinds):
        if known in left_out:
            continue
        others = [other % SUBJECTS for other in range(number + 1, number + 1 + ALIKE)]
        alike = [library_of(other, kind, depth) for other in others] if known == TOGETHER else []
        miscounted = {"TRB": counting_of((number, *others), kind, depth)} if known == STUDY else {}
        joined = cell_labels(receptors, [lot], miscounted=miscounted, alike=alike).join(truth, on=["sample", "cell_id"])
        told = joined.select("label", "probability", "matched_by", "cells_of_clone", "day", "cells", "true")
        against = {"kind": kind, "known": known, "depth": depth, "subject": number}
        frames.append(told.with_columns(pl.col("true").fill_null(False), **{k: pl.lit(v) for k, v in against.items()}))
    return pl.concat(frames)


def reliability(labels: pl.DataFrame, *, by_clone: bool = False) -> pl.DataFrame:
    """Return by tenth of the stated chance: cells, mean stated, true share, and the standard error of their difference.

    The error is that of a ratio of sums over subjects, as cells of a clone and a subject are not independent. By clone
    each cell counts as the part of its clone in the sample that it is, so that a clone of many counts once.
    """
    place = (pl.col("probability") * BINS).floor().clip(0, BINS - 1).cast(pl.Int64).alias("bin")
    weight = 1 / pl.col("cells_of_clone") if by_clone else pl.lit(1.0)
    told = labels.drop_nulls("probability").with_columns(place, weight=weight)
    sums = told.group_by("bin", "subject").agg(
        n=pl.col("weight").sum(),
        stated=(pl.col("probability") * pl.col("weight")).sum(),
        true=(pl.col("true") * pl.col("weight")).sum(),
    )
    total = sums.group_by("bin").agg(pl.col("n", "stated", "true").sum())
    total = total.with_columns(stated=pl.col("stated") / pl.col("n"), true=pl.col("true") / pl.col("n"))
    off = pl.col("true") - pl.col("stated") - pl.col("n") * pl.col("off")
    spread = (
        sums.join(total.select("bin", off=pl.col("true") - pl.col("stated")), on="bin")
        .group_by("bin")
        .agg(error=off.pow(2).sum().sqrt() / pl.col("n").sum())
    )
    return total.join(spread, on="bin").sort("bin").select("bin", "n", "stated", "true", "error")


def main() -> None:
    """Print a reliability table for each kind of product and the largest difference at each depth."""
    subjects = int(sys.argv[1]) if len(sys.argv) > 1 else SUBJECTS
    kinds = [one for one in (*LIBRARIES, "single cells") if one in sys.argv[2:]] or (*LIBRARIES, "single cells")
    learnt = [name for name in LEARNT if name in sys.argv[2:]] or tuple(LEARNT)
    with ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn")) as pool:
        labels = pl.concat(pool.map(partial(labelled, kinds=kinds, learnt=learnt), range(subjects)))
    for kind, known in KINDS:
        of_kind = labels.filter(kind=kind, known=known)
        if not of_kind.height:
            continue
        depths = of_kind["depth"].unique().sort().to_list()
        tables = {depth: reliability(of_kind.filter(depth=depth)) for depth in depths}
        print(f"### {kind}, effective cells {known}: stated → true, % (standard error; cells)\n")
        print("| stated, % | " + " | ".join(f"{depth:,}" for depth in depths) + " |\n|" + "-|" * (len(depths) + 1))
        for place in range(BINS):
            cells = []
            for table in tables.values():
                row = table.filter(bin=place)
                if row.height:
                    _, n, stated, true, error = row.row(0)
                    cells.append(f"{100 * stated:.1f} → {100 * true:.1f} ({100 * error:.1f}; {n:,.0f})")
                else:
                    cells.append("")
            print(f"| {place * 10} to {place * 10 + 10} | " + " | ".join(cells) + " |")
        for depth, table in tables.items():
            by_clone = reliability(of_kind.filter(depth=depth), by_clone=True)
            print(f"\n{depth:,}: by cell {_off(table, LEAST_OF_BIN)}; by clone {_off(by_clone, CLONES_OF_BIN)}", end="")
        print("\n")
    _labels(labels)


def _off(table: pl.DataFrame, least: int) -> str:
    """Return the mean difference, the largest of tenths of so many or more, and the tenths that are surely off by 5."""
    off, error, n = (table[name].to_numpy() for name in ("true", "error", "n"))
    off = off - table["stated"].to_numpy()
    many = n >= least
    surely = many & (np.abs(off) > LIMIT) & (np.abs(off) - LIMIT > 2 * error)
    mean, largest = np.average(np.abs(off), weights=n), np.abs(off[many]).max()
    beyond = many & (np.abs(off) > LIMIT)
    return (
        f"mean {100 * mean:.1f} points, largest {100 * largest:.1f}, off by more than 5 {beyond.sum()} of {many.sum()} "
        f"tenths, {surely.sum()} of them by 5 and two standard errors"
    )


def _labels(labels: pl.DataFrame) -> None:
    """Print how many cells have each label and match, and how many of them are truly of infused clones."""
    told = (
        labels.filter(~pl.col("known").is_in(["declared", ALONE, TOGETHER]))
        .group_by("kind", "label", "matched_by")
        .agg(n=pl.len(), true=pl.col("true").mean(), stated=pl.col("probability").mean())
    )
    print("| product | label | matched by | cells | stated, % | true, % |\n|-|-|-|-|-|-|")
    for kind, label, by, n, true, stated in told.sort("kind", "label", "matched_by").iter_rows():
        said = "" if stated is None else f"{100 * stated:.1f}"
        print(f"| {kind} | {label} | {by or ''} | {n:,} | {said} | {100 * true:.1f} |")


if __name__ == "__main__":
    main()
