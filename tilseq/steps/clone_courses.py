"""How clones of a subject changed: from the product to each sample of blood, from visit to visit, and over visits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tilseq.steps import repertoire
from tilseq.steps.cells_behind import ALIKE
from tilseq.steps.reference import PRODUCT, counts_for, infused_days_before, is_after

if TYPE_CHECKING:
    import polars as pl

Rows = Sequence[Mapping[str, Any]]
Tables = Mapping[str, "pl.DataFrame"]
Effective = Mapping[str, Mapping[str, float | None]]

FEWEST_VISITS = 3


def changes(subject: str, rows: Rows, tables: Tables, effective: Effective, infusions: Rows = ()) -> pl.DataFrame:
    """Return the table `change`, of the clones that were tested.

    Compared are samples of one sort (`marked_population`) that count the same thing and whose cells are known: each lot
    of the product with each sample of blood after its infusion, and each sample of blood with the next, of those that
    hold a locus; one without a day is neither. Of replicates that of most effective cells is taken; they tell the
    over-dispersion. A clone is `in_product` where a lot shows it that had been infused by the later sample.

    Parameters
    ----------
    subject
        Identifier.
    rows
        Rows of samples.csv, in the order of their days.
    tables
        Sample → its clonotypes.
    effective
        Sample → locus → effective number of cells.
    infusions
        Day and lot of each; a lot that none names is of those that name none.
    """
    import polars as pl

    from tilseq.repertoire.change import change
    from tilseq.repertoire.track import with_product
    from tilseq.tables.tracking import CHANGE

    found = [CHANGE.frame()]
    for group in _alike(rows, tables, effective):
        more = _overdispersion(group, tables, effective)
        group = _one_a_visit(group, effective)
        loci = {row["sample"]: set(tables[row["sample"]]["locus"].unique()) for row in group}
        for locus in sorted(set().union(*loci.values())):  # libraries of single loci may stand between each other
            for pair in _pairs([row for row in group if locus in loci[row["sample"]]], infusions):
                first, second = (tables[name].filter(pl.col("locus") == locus) for name in pair)
                depths = (effective[pair[0]], effective[pair[1]])
                tested = change(first, second, samples=pair, n_effective=depths, subject=subject, overdispersion=more)
                found.append(with_product(tested.drop_nulls("p"), _infused_by(pair[1], rows, tables, infusions)))
    return pl.concat(found)


def _infused_by(sample: str, rows: Rows, tables: Tables, infusions: Rows) -> pl.DataFrame:
    """Return the clones of the lots that had been infused when a sample was taken."""
    import polars as pl

    from tilseq.receptors import CLONE

    (row,) = (one for one in rows if one["sample"] == sample)
    lots = [lot for lot in rows if lot["specimen"] == PRODUCT and counts_for(row, lot["lot"], infusions)]
    none = pl.DataFrame(schema=dict.fromkeys(CLONE, pl.String))
    return pl.concat([none, *(tables[lot["sample"]].select(CLONE) for lot in lots)])


def _pairs(group: Rows, infusions: Rows) -> list[tuple[str, str]]:
    """Return each lot with each sample of blood after its infusion, and each sample of blood with the next."""
    blood = [row for row in group if row["specimen"] == "blood" and row["day"] is not None]
    of_lots = [
        (lot["sample"], row["sample"])
        for lot in group
        for row in blood
        if lot["specimen"] == PRODUCT and is_after(row) and counts_for(row, lot["lot"], infusions)
    ]
    return of_lots + list(pairwise(row["sample"] for row in blood))


def trends(
    subject: str, rows: Rows, tables: Tables, effective: Effective, clones: pl.DataFrame, infusions: Rows = ()
) -> pl.DataFrame:
    """Return the table `trend` of those of some clones that were tested, over blood after the infusion.

    It takes three samples that count the same thing, between which no cells were given, from the visit on at which
    these clones together hold most, as a rise and a fall have no one slope; of several such groups, the one of most
    cells. Clones of the product that were not infused by then are no part of it.

    Parameters
    ----------
    subject, rows, tables, effective, infusions
        As for `changes`.
    clones
        `locus, junction` of the clones of the product.
    """
    import polars as pl

    from tilseq.repertoire.trend import trend
    from tilseq.steps.later_lots import before_their_lot
    from tilseq.tables.tracking import TREND

    early = before_their_lot(rows, tables, infusions)
    days = {row["sample"]: row["day"] for row in rows}
    groups = [_after(_one_a_visit(group, effective)) for group in _alike(rows, tables, effective)]
    found = [TREND.frame()]
    for locus in clones["locus"].unique().sort():
        own = {name: table.filter(pl.col("locus") == locus) for name, table in tables.items()}
        courses = [
            _of_infused([row for row in course if own[row["sample"]].height], own, clones.filter(locus=locus), early)
            for group in groups
            for course in _between_infusions(group, infusions)
        ]
        long = [course for course in courses if len(course[0]) >= FEWEST_VISITS]
        if long:
            names, infused = max(long, key=lambda course: sum(effective[name].get(locus) or 0 for name in course[0]))
            samples = {name: own[name] for name in names}
            found.append(trend(samples, days=days, n_effective=effective, subject=subject, clones=infused))
    told = pl.any_horizontal(pl.col("p", "slope_per_day").is_not_null())
    return pl.concat(found).filter(told)


def _of_infused(
    course: Rows, tables: Tables, clones: pl.DataFrame, early: pl.DataFrame
) -> tuple[list[str], pl.DataFrame]:
    """Return the samples of a course from its peak on, and the clones that had been infused by then."""
    names = [row["sample"] for row in course]
    not_yet = early.filter(early["sample"].is_in(names))
    infused = clones.join(not_yet, on=("locus", "junction"), how="anti")
    return _from_peak(names, tables, infused), infused


def _between_infusions(group: Rows, infusions: Rows) -> list[list[Mapping[str, Any]]]:
    """Return the samples between two infusions, as a further dose makes clones rise that would have fallen."""
    found: dict[tuple[int, ...], list[Mapping[str, Any]]] = {}
    for row in group:
        found.setdefault(tuple(infused_days_before(row, infusions)), []).append(row)
    return list(found.values())


def _after(group: Rows) -> list[Mapping[str, Any]]:
    return [row for row in group if row["specimen"] == "blood" and is_after(row)]


def _from_peak(names: list[str], tables: Tables, clones: pl.DataFrame) -> list[str]:
    """Return the samples from the one on of which some clones hold the largest share."""

    def held(name: str) -> float:
        of_clones = tables[name].join(clones, on=("locus", "junction"), how="semi")
        return int(of_clones["duplicate_count"].sum()) / int(tables[name]["duplicate_count"].sum())

    shares = [held(name) for name in names]
    return names[shares.index(max(shares)) :] if shares else names


def _alike(rows: Rows, tables: Tables, effective: Effective) -> list[list[Mapping[str, Any]]]:
    """Return samples that count the same thing, of all T cells or one sort, whose cells are known, group by group."""
    groups: dict[tuple[str, str | None], list[Mapping[str, Any]]] = {}
    for row in rows:
        depths = effective[row["sample"]].values()
        if depths and None not in depths:
            kind = repertoire.count_of(tables[row["sample"]]), row["marked_population"]
            groups.setdefault(kind, []).append(row)
    return list(groups.values())


def _one_a_visit(group: Rows, effective: Effective) -> list[Mapping[str, Any]]:
    """Return the sample of most effective cells of each specimen, visit and lot; of samples of as many the first."""

    def worth(row: Mapping[str, Any]) -> float:
        return sum(cells or 0 for cells in effective[row["sample"]].values())

    return [max(libraries, key=worth) for libraries in _visits(group).values()]


def _visits(group: Rows) -> dict[tuple[Any, ...], list[Mapping[str, Any]]]:
    """Return the libraries of each specimen, visit and lot."""
    found: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in group:
        found.setdefault(tuple(row[name] for name in ALIKE), []).append(row)
    return found


def _overdispersion(group: Rows, tables: Tables, effective: Effective) -> float:
    """Return the largest over-dispersion that libraries of one specimen show, 0 where there are no replicates."""
    from tilseq.errors import AnalysisError
    from tilseq.repertoire.counting_tests import overdispersion_of
    from tilseq.repertoire.effective import effective_clones

    largest = 0.0
    for libraries in _visits(group).values():
        names = [row["sample"] for row in libraries if row["replicate"] is not None]
        for pair in pairwise(names):
            first, second = (effective_clones(tables[name], effective[name]) for name in pair)
            both = first.join(second, on=("locus", "junction"), how="full", coalesce=True, suffix="_second")
            for (locus,), clones in both.partition_by("locus", as_dict=True).items():
                n, m = (effective[name].get(str(locus)) for name in pair)
                if n is None or m is None:
                    continue
                one, other = (clones[name].fill_null(0).to_numpy() for name in ("cells", "cells_second"))
                try:
                    largest = max(largest, overdispersion_of(one, other, n, m))
                except AnalysisError:  # too few clones to tell
                    continue
    return largest
