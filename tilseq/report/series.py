"""Numbers of blood over time, chosen so that like stands beside like."""

from __future__ import annotations

from collections import Counter

import polars as pl

from tilseq.endpoints.rows import qualifier_pairs
from tilseq.report.results import Results

# How an assay was done: by which panel of stains, or on single cells of a library.
CELLS = "cells"
PER_CENT = 100.0
WAY = pl.coalesce("panel", pl.when(pl.col("library").is_not_null()).then(pl.lit(CELLS)))
SUBSETS = ("CD3+", "CD4+ T", "CD8+ T")
T_CELLS: tuple[tuple[str, str | None], ...] = (
    *(("percent_of_parent", population) for population in SUBSETS),
    *(("cells_per_ul", population) for population in SUBSETS),
    ("cd4_cd8_ratio", None),
)


def in_blood(results: Results, parameter: str, qualifier: str = "") -> pl.DataFrame:
    """Return the numbers of one endpoint parameter in blood that can stand over time, with the sample's `state`.

    `way` tells apart how one assay was done: by which panel of stains, or on single cells of a library.

    Parameters
    ----------
    qualifier
        A ``name=value`` pair that the endpoint's qualifier must hold; empty for any.
    """
    rows = results.tables["endpoints"].filter(
        pl.col("parameter") == parameter,
        pl.col("specimen") == "blood",
        pl.col("value").is_finite(),
        pl.col("day").is_not_null(),
    )
    if qualifier:
        rows = rows.filter(pl.col("qualifier").str.split(";").list.contains(qualifier))
    samples = results.tables["samples"].select("sample", "state", way=WAY)
    return rows.join(samples, on="sample", how="left", maintain_order="left")


def t_cells(results: Results) -> pl.DataFrame:
    """Return the T cells of blood over time: shares, cells per microlitre and CD4/CD8, each of its commonest panel.

    Beside the columns of `in_blood` there are `population` and `parent`, and `drawn` and `left_out`: the way of these
    numbers, and those that other ways gave, in words (see `ways_in_words`). A visit at which a subject has no number of
    a kind has a row without a value, so that no line crosses it; see `with_gaps`.
    """
    frames = []
    for parameter, population in T_CELLS:
        of = f"population={population}" if population else ""
        every = in_blood(results, parameter, of)
        rows = commonest(every, "qualifier", "way")
        if rows.height:
            parent = qualifier_pairs(rows["qualifier"][0]).get("parent")
            told = {"parameter": parameter, "population": population, "parent": parent}
            others = sorted({_way(way) for way in every["way"]} - {_way(rows["way"][0])})
            told |= {"drawn": _way(rows["way"][0]), "left_out": "; ".join(others) or None}
            names = {name: pl.lit(value, dtype=pl.String) for name, value in told.items()}
            frames.append(with_gaps(results, rows).with_columns(**names))
    return pl.concat(frames) if frames else pl.DataFrame()


def infused(results: Results) -> pl.DataFrame:
    """Return the infused cells at each visit, as a share of CD3+ in per cent and per microlitre.

    Each subject has a mark of its own; where one has several, its mark stands behind its name. A visit that gave no
    number has a row without a value. Without any number there are no rows.
    """
    share = pl.col("parameter") == "infused_share_of_cd3"
    rows = results.tables["endpoints"].filter(share | (pl.col("parameter") == "infused_cells_per_ul")).drop_nulls("day")
    if rows["value"].null_count() == rows.height:
        return rows.clear()
    marks = pl.Series("mark", [qualifier_pairs(text).get("population", "") for text in rows["qualifier"]], pl.String)
    rows = rows.join(
        results.tables["samples"].select("sample", "state"), on="sample", how="left", maintain_order="left"
    )
    several = pl.col("qualifier").n_unique().over("subject") > 1
    return rows.with_columns(
        pl.col("value", "lower", "upper") * pl.when(share).then(PER_CENT).otherwise(1.0),
        subject=pl.when(several).then(pl.format("{}, {}", "subject", marks)).otherwise("subject"),
    )


def ways_in_words(rows: pl.DataFrame) -> str:
    """Return of which panels the rows of `t_cells` are, where others gave such numbers, too; else nothing."""
    others = rows["left_out"].drop_nulls()
    left_out = {way for text in others for way in text.split("; ")}
    if not left_out:
        return ""
    drawn = sorted(rows["drawn"].unique())
    rest = sorted(left_out - set(drawn))
    told = f" Drawn: {', '.join(drawn)}" + (", for each number that with most of it" if len(drawn) > 1 else "")
    return told + (f"; not drawn, but in the tables: {', '.join(rest)}." if rest else "; the rest is in the tables.")


def _way(way: str | None) -> str:
    return "no panel named" if way is None else "single cells" if way == CELLS else f"panel {way}"


def with_gaps(results: Results, rows: pl.DataFrame) -> pl.DataFrame:
    """Return numbers of one kind with a row without a value for each visit that has none.

    Such a visit is one of a sample of the same assay and way that gave no number, or one at which more than half of
    the subjects have a number and this one has no sample; its day is then their median day.

    Parameters
    ----------
    rows
        Numbers of one assay and way, of the columns of `in_blood`.
    """
    alike = [pl.col(name).eq_missing(rows[name][0]) for name in ("assay", "way")]
    samples = results.tables["samples"].with_columns(way=WAY).filter(*alike, pl.col("specimen") == "blood")
    place = ["subject", "visit", "day"]
    gaps = samples.join(rows, on="sample", how="anti", maintain_order="left").select(place)
    subjects = rows.select("subject").unique(maintain_order=True)
    visits = rows.drop_nulls("visit").group_by("visit", maintain_order=True)
    planned = visits.agg(pl.col("day").median().round().cast(rows["day"].dtype), n=pl.col("subject").n_unique())
    usual = planned.filter(pl.col("n") > subjects.height / 2).drop("n")
    absent = subjects.join(usual, how="cross").join(pl.concat([rows.select(place), gaps]), on=place[:2], how="anti")
    return pl.concat([rows, gaps, absent.select(place)], how="diagonal")


def repertoires(results: Results) -> pl.DataFrame:
    """Return the shares that a reference's clones hold of blood, of the locus measured most; of two alike, TRB.

    They are of cells that were not sorted where there are such, else of the sort measured most.
    """
    rows = in_blood(results, "persistence_mass")
    pairs = [qualifier_pairs(text) for text in rows["qualifier"]]
    kinds = [(one.get("population", ""), one.get("locus", "")) for one in pairs]
    counts = Counter(kinds)
    main = max(sorted(counts), key=lambda kind: (not kind[0], counts[kind], kind[1] == "TRB"), default=None)
    return rows.filter(pl.Series([kind == main for kind in kinds], dtype=pl.Boolean))


def commonest(rows: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Return the rows that hold the commonest values of these columns, so that a line joins only what is alike."""
    if rows.is_empty():
        return rows
    order = rows.group_by(names).len().sort("len", *names, descending=[True, *(False for _ in names)], nulls_last=True)
    return rows.join(order.head(1).select(names), on=names, how="semi", nulls_equal=True, maintain_order="left")


def reference_name(results: Results) -> str:
    """Return what the persistence of this run is held against, such as ``infusion product``."""
    qualifiers = results.tables["endpoints"].filter(parameter="persistence_mass")["qualifier"]
    return " or ".join(sorted(references(qualifiers))).replace("_", " ") or "reference"


def references(qualifiers: pl.Series) -> set[str]:
    """Return the specimens named as reference by these qualifiers."""
    return {name for text in qualifiers if (name := qualifier_pairs(text).get("reference")) is not None}
