"""The figures of a subject's infused clones."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps import repertoire
from tilseq.steps.figures import save_figures

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes

Row = Mapping[str, Any]

PRODUCT, BLOOD = "infusion_product", "blood"
EARLIER = {"tumor": "the tumour", "baseline": "blood before the infusion"}  # column of `origins` and its words
ENDS = " No line crosses such a visit."
FIRST = "TRB"  # the locus to draw, where it is there: its junctions tell clones apart best


def draw_tracking(
    rows: Sequence[Row],
    tables: Mapping[str, pl.DataFrame],
    clones: pl.DataFrame,
    origins: pl.DataFrame,
    changed: pl.DataFrame,
    early: pl.DataFrame,
    infusions: Sequence[Row],
    folder: Path,
) -> None:
    """Draw the largest infused clones, single clones over days, the last change from the product, and compartments.

    Of one locus, and of the libraries that count one kind of thing, as the hundred cells of one sample beside the
    thousands of another would show what depth does.

    Parameters
    ----------
    rows
        Rows of samples.csv of the subject, in the order of their days; those without clones are told of.
    tables
        Sample → its clonotypes.
    clones, origins, changed
        The tables `clones`, `origins` and `change` of the subject.
    early
        Clones of blood from before their lot was infused, see `later_lots.before_their_lot`.
    infusions
        Day and lot of each.
    folder
        Where to write.
    """
    import polars as pl

    loci = sorted(clones["locus"].unique(), key=lambda locus: (locus != FIRST, locus))
    if not loci:
        return
    locus = loci[0]
    shown = clones.filter(locus=locus)
    with_clones = set(shown["sample"].unique())
    drawn_rows = _of_one_kind([row for row in rows if row["sample"] in with_clones], tables)
    named = {row["sample"]: _name(row) for row in drawn_rows}
    products = [row["sample"] for row in drawn_rows if row["specimen"] == PRODUCT]
    blood = {row["sample"]: row["day"] for row in drawn_rows if row["specimen"] == BLOOD}
    infused = origins.filter(pl.col("in_product"), locus=locus).select("junction")
    given = sorted({infusion["day"] for infusion in infusions})
    left_out = _left_out([row for row in rows if row["sample"] not in with_clones], named)
    without = _without(left_out)
    drawn: dict[str, tuple[Axes, str]] = {}
    if blood and not shown.filter(pl.col("sample").is_in([*products, *blood])).join(infused, on="junction").is_empty():
        gone = {row["sample"] for row in left_out}
        samples = {row["sample"]: _name(row) for row in rows if row["sample"] in {*products, *blood, *gone}}
        drawn["1-tracking"] = _largest(shown, origins, samples, products, gone, early, without)
    days = {sample: day for sample, day in blood.items() if day is not None}
    if not shown.filter(pl.col("sample").is_in(list(days)), pl.col("frequency") > 0).is_empty():
        gaps = [row["day"] for row in left_out if row["specimen"] == BLOOD and row["day"] is not None]
        drawn["2-courses"] = _courses(shown, origins, days, given, gaps, without)
    for number, (before, after) in enumerate(_last_changes(changed.filter(locus=locus), products, blood)):
        drawn[f"3-change-{number + 1}"] = _change(changed.filter(locus=locus), before, after, named)
    drawn["4-compartments"] = _compartments(origins, locus, given, without)
    save_figures(drawn, folder)


def _of_one_kind(rows: Sequence[Row], tables: Mapping[str, pl.DataFrame]) -> list[Row]:
    """Return the bulk libraries of product and blood; where either has none, all libraries."""
    bulk = [row for row in rows if repertoire.count_of(tables[row["sample"]]) != "cells"]
    return bulk if {PRODUCT, BLOOD} <= {row["specimen"] for row in bulk} else list(rows)


def _left_out(rows: Sequence[Row], named: Mapping[str, str]) -> list[Row]:
    """Return those samples without clones of product and blood whose visit no other sample shows, one a visit."""
    left = [row for row in rows if row["specimen"] in (PRODUCT, BLOOD) and _name(row) not in named.values()]
    return list({_name(row): row for row in left}.values())


def _without(rows: Sequence[Row]) -> str:
    """Say of which products and visits nothing is drawn, as of a sample that is another subject's."""
    left = [_name(row).replace("\n", ", ") for row in rows]
    return f" Not drawn, as their samples take no part (see quality): {'; '.join(left)}." if left else ""


def _name(row: Row) -> str:
    """Return what a sample is called, on two lines: its visit, and its lot or day."""
    lot = row["lot"] if row["specimen"] == PRODUCT else None
    below = lot or ("" if row["day"] is None else f"day {row['day']}")
    return "\n".join(filter(None, (row["visit"] or row["sample"], below)))


def _largest(
    shown: pl.DataFrame,
    origins: pl.DataFrame,
    samples: Mapping[str, str],
    products: Sequence[str],
    gaps: Collection[str],
    early: pl.DataFrame,
    without: str,
) -> tuple[Axes, str]:
    from tilseq.plots.tracking import clone_tracking

    return (
        clone_tracking(shown, origins, samples=samples, products=products, not_yet=early, gaps=gaps),
        "what the largest clones of the infusion product, all its other clones, and those it does not show hold of "
        "each sample. Mind the cells below a bar: of a shallow sample the parts are a matter of chance." + without,
    )


def _courses(
    shown: pl.DataFrame,
    origins: pl.DataFrame,
    days: Mapping[str, float],
    given: Sequence[int],
    gaps: Sequence[int],
    without: str,
) -> tuple[Axes, str]:
    from tilseq.plots.tracking import clone_courses

    return (
        clone_courses(shown, origins, days=days, infusions=given, gaps=gaps),
        "the largest clones of each origin in blood. An open mark was not seen: the clone may hold up to about the "
        "limit of detection, and a thin dotted line to it is no course." + without + (ENDS if gaps else ""),
    )


def _last_changes(
    changed: pl.DataFrame, products: Sequence[str], blood: Mapping[str, float | None]
) -> list[tuple[str, str]]:
    """Return of each product sample the last sample of blood with tested clones; rows of blood are in time."""
    pairs = set(changed.drop_nulls("p").select("sample_before", "sample_after").iter_rows())
    last = [[(product, sample) for sample in blood if (product, sample) in pairs][-1:] for product in products]
    return [pair for found in last for pair in found]


def _change(changed: pl.DataFrame, before: str, after: str, named: Mapping[str, str]) -> tuple[Axes, str]:
    from tilseq.plots.change import change_scatter

    first, second = (named[name].replace("\n", ", ") for name in (before, after))
    pair = changed.filter(sample_before=before, sample_after=after)
    return (
        change_scatter(pair, before=first, after=second),
        f"clones in {first} and in {second}, called at a false discovery rate of 5 %. A tick on a dotted line was not "
        "seen in that sample. Most clones are too small to tell.",
    )


def _compartments(origins: pl.DataFrame, locus: str, given: Sequence[int], without: str) -> tuple[Axes, str]:
    from tilseq.plots.compartments import compartment_flow

    days = ", ".join(map(str, given))
    several = f" Lots stand together, though cells were given on days {days}." if len(given) > 1 else ""
    held = origins.filter(locus=locus)
    earlier = [words for place, words in EARLIER.items() if held[f"{place}_frequency"].count()]
    told = f"what of {' and of '.join(earlier)} went into the product, and " if earlier else ""
    bypass = " What bypasses the product was not seen in it, which depends on its depth." if earlier else ""
    caption = (
        f"{told}what blood after the infusion, all visits together, holds of {'each' if earlier else 'the product'}. "
        "A number is what the clones of a flow hold at that end, all its colours together."
    )
    return compartment_flow(origins, locus=locus), caption + bypass + several + without
