"""Isotypes: which constant genes a repertoire of B cells uses, how much of it has switched, and families that did."""

from __future__ import annotations

from typing import Any

import polars as pl

from tilseq.intervals import clopper_pearson, scalar
from tilseq.repertoire.cells import checked_effective
from tilseq.repertoire.clones import INDEPENDENT, check_columns, check_count_of
from tilseq.tables import as_polars
from tilseq.tables.repertoire import ISOTYPES

UNSWITCHED = ("IGHM", "IGHD")
# Order of the constant genes on chromosome 14: of several that are alike, the first is the one a family began with.
ORDER = ("IGHM", "IGHD", "IGHG3", "IGHG1", "IGHA1", "IGHG2", "IGHG4", "IGHE", "IGHA2")
UNASSIGNED = "unassigned"
NEEDED = ("locus", "c_call", "duplicate_count")


def isotype_class(column: str) -> pl.Expr:
    """Return the class of a constant gene (IGHG of IGHG1*01), null where a call names none or several."""
    classes = pl.col(column).str.to_uppercase().str.extract_all(r"IGH[MDGAE]").list.unique()
    return pl.when(classes.list.len() == 1).then(classes.list.first())


def isotypes(table: Any, *, sample: str, count_of: str = "unknown", n_effective: float | None = None) -> pl.DataFrame:
    """Return how much of the heavy chains of a sample each isotype holds.

    Parameters
    ----------
    table
        polars or pandas, one row a sequence: `locus`, `c_call`, `duplicate_count`, and `family_id` where families are
        to be counted. Other loci than IGH are let be.
    sample
        Sample identifier.
    count_of
        What the counts count. Without `n_effective` shares of counts get limits for `cells` and `templates` alone.
    n_effective
        Effective number of B cells behind the counts of IGH (see `depth`), on which limits of shares of counts then
        rest.

    Returns
    -------
    polars.DataFrame
        The table `isotypes`: `sample, unit, level, isotype, number, total, share, lower, upper`.

        - `unit`: `sequences` (rows), `counts` (sum of `duplicate_count`), `families` (each once, by the isotype of most
          of its sequences; of several as frequent the first in the order of the genes).
        - `level`: `subclass` (IGHG1; IGHG of a call that does not tell; absent where none does), `class` (IGHG),
          `switched` (the isotype reads `switched`: any class but IGHM and IGHD), `mixed` (unit `families` alone: of
          families in which two sequences or more have a class, those with a switched and an unswitched one).
        - `total`: those with an isotype at that level; `unassigned` in their place counts the others and has no share.
        - Limits, 95 %, are Clopper and Pearson's, of counts (on effective cells, where these are known) and of
          families; sequences are no sample of anything, as copies of one were put together.

    Raises
    ------
    TableError
        A column is absent.
    AnalysisError
        Counts are not of that; the effective number is not above 0 or exceeds the counts of IGH.
    """
    check_count_of(count_of)
    frame = as_polars(table)
    check_columns(frame, NEEDED, "a table of isotypes")
    heavy = frame.filter(pl.col("locus") == "IGH").with_columns(isotype_class("c_call").alias("class"))
    named = pl.col("c_call").str.to_uppercase().str.extract_all(r"IGH[MDGAE][1-4]?").list.unique()
    subclass = pl.when(named.list.len() == 1).then(named.list.first().str.extract("(.*[1-4])"))
    levels = ["class"] + ["subclass"] * heavy.select(subclass.is_not_null().any()).item()
    heavy = heavy.with_columns(subclass=pl.coalesce(subclass, "class"))
    units: list[tuple[str, pl.DataFrame, float | None]] = [
        ("sequences", heavy.with_columns(weight=pl.lit(1)), None),
        ("counts", heavy.with_columns(weight="duplicate_count"), _worth(heavy, count_of, n_effective)),
    ]
    rows = []
    if "family_id" in heavy.columns:
        members = heavy.filter(pl.col("family_id").is_not_null())
        rows += _mixed(members)
        units += [("families", members, 1)]
    for unit, weighed, worth in units:
        for level in levels:
            of_unit = _of_families(weighed, level) if unit == "families" else weighed.select("weight", isotype=level)
            rows += _shares(of_unit, unit, level, worth)
    return ISOTYPES.frame([{"sample": sample, **row} for row in rows])


def _worth(heavy: pl.DataFrame, count_of: str, n_effective: float | None) -> float | None:
    """Return how many independent observations one count is worth, None where that is not known."""
    if n_effective is None or not heavy.height:
        return 1 if count_of in INDEPENDENT else None
    counts = int(heavy["duplicate_count"].sum())
    return (checked_effective(n_effective, counts, "IGH") or 0) / counts


def _of_families(members: pl.DataFrame, level: str) -> pl.DataFrame:
    """Return the isotype of each family, null where no sequence has one."""
    told = members.filter(pl.col(level).is_not_null()).group_by("family_id", isotype=level).len()
    place = place_of("isotype")
    most = told.sort("family_id", -pl.col("len").cast(pl.Int64), place, "isotype").unique("family_id", keep="first")
    return (
        members.select("family_id").unique().join(most, on="family_id", how="left").select("isotype", weight=pl.lit(1))
    )


def place_of(column: str) -> pl.Expr:
    """Return the place of a subclass in the order of the genes, of a class that of its first subclass."""
    subclasses = {name: place for place, name in enumerate(ORDER)}
    classes = {name[:4]: place for place, name in reversed(list(enumerate(ORDER)))}
    return pl.col(column).replace_strict(classes | subclasses, default=len(ORDER), return_dtype=pl.Int64)


def _shares(weighed: pl.DataFrame, unit: str, level: str, worth: float | None) -> list[dict[str, Any]]:
    """Return the rows of one unit and level, and at the level of classes the switched share."""
    numbers = dict(weighed.group_by("isotype").agg(pl.col("weight").sum()).iter_rows())
    unassigned = numbers.pop(None, 0)
    total = sum(numbers.values())
    if not total and not unassigned:
        return []
    entries = [(level, isotype, number) for isotype, number in numbers.items()]
    if level == "class" and total:
        switched = sum(number for isotype, number in numbers.items() if isotype not in UNSWITCHED)
        entries.append(("switched", "switched", switched))
    rows = [_share(unit, at, isotype, number, total, worth) for at, isotype, number in entries]
    if unassigned:
        whole = total + unassigned
        rows.append({"unit": unit, "level": level, "isotype": UNASSIGNED, "number": unassigned, "total": whole})
    return rows


def _mixed(members: pl.DataFrame) -> list[dict[str, Any]]:
    switched = ~pl.col("class").is_in(UNSWITCHED)
    told = members.filter(pl.col("class").is_not_null()).group_by("family_id")
    several = told.agg(pl.len(), mixed=switched.any() & (~switched).any()).filter(pl.col("len") > 1)
    if not several.height:
        return []
    return [_share("families", "mixed", "mixed", int(several["mixed"].sum()), several.height, 1)]


def _share(unit: str, level: str, isotype: str, number: int, total: int, worth: float | None) -> dict[str, Any]:
    limits = clopper_pearson(number * worth, total * worth) if worth is not None else None
    lower, upper = scalar(limits) if limits else (None, None)
    return {
        "unit": unit,
        "level": level,
        "isotype": isotype,
        "number": number,
        "total": total,
        "share": number / total,
        "lower": lower,
        "upper": upper,
    }
