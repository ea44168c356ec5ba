"""Lots that a subject got later than its first: which clones of blood came before them, and what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tilseq.steps.reference import PRODUCT, counts_for, infusions_of, is_after, of_lot

if TYPE_CHECKING:
    import polars as pl

    from tilseq.expression.contrasts import Contrast
    from tilseq.study import Study

Rows = Sequence[Mapping[str, Any]]


def before_their_lot(rows: Rows, clones: Mapping[str, pl.DataFrame], infusions: Rows) -> pl.DataFrame:
    """Return the clones of blood that no lot infused by then shows, and a lot infused later does.

    Whether such a clone was the subject's own or came with an earlier lot, which missed it, no one can tell. It had not
    been infused as far as is known.

    Parameters
    ----------
    rows
        Rows of samples.csv of one subject.
    clones
        Sample → its clones, with `locus, junction`.
    infusions
        Day and lot of each.

    Returns
    -------
    polars.DataFrame
        `sample, locus, junction`, a row a clone and sample of blood from after the first infusion.
    """
    import polars as pl

    from tilseq.receptors import CLONE

    found = [pl.DataFrame(schema=dict.fromkeys(("sample", *CLONE), pl.String))]
    lots = [row for row in rows if row["specimen"] == PRODUCT]
    for row in rows:
        if row["specimen"] != "blood" or not is_after(row):
            continue
        given = {lot["sample"]: counts_for(row, lot["lot"], infusions) for lot in lots}
        by_then, later = ([name for name in given if given[name] is infused] for infused in (True, False))
        if not later:
            continue
        own = clones[row["sample"]].select(CLONE).unique(maintain_order=True)
        own = own.join(pl.concat([clones[name].select(CLONE) for name in later]), on=CLONE, how="semi")
        for name in by_then:
            own = own.join(clones[name], on=CLONE, how="anti")
        found.append(own.select(sample=pl.lit(row["sample"]), **{name: pl.col(name) for name in CLONE}))
    return pl.concat(found)


def told_of_lots(rows: Rows, early: pl.DataFrame, infusions: Rows) -> dict[str, str]:
    """Return what to tell of each sample of a lot that came after some blood from after the first infusion.

    Parameters
    ----------
    rows, infusions
        As for `before_their_lot`.
    early
        What it gives.
    """
    told = {}
    blood = [row for row in rows if row["specimen"] == "blood" and is_after(row)]
    clones = early.select("locus", "junction").n_unique()
    for row in rows:
        if row["specimen"] == PRODUCT and not all(counts_for(one, row["lot"], infusions) for one in blood):
            day = min(infusion["day"] for infusion in of_lot(row["lot"], infusions))
            told[row["sample"]] = (
                f"infused first on day {day}: origins take all lots as one product; clones of later lots alone that "
                f"blood showed before these came, and that are not told to be infused only: {clones}"
            )
    return told


def lots_to_come(study: Study, assay: str) -> dict[str, list[str]]:
    """Return sample → libraries of its subject's product, if any, whose lot had not been infused by then."""
    rows = study.available(assay)
    found = {}
    for row in rows:
        infusions = infusions_of(study, row["subject"])
        lots = [one for one in rows if one["subject"] == row["subject"] and one["specimen"] == PRODUCT]
        later = [lot["sample"] for lot in lots if not counts_for(row, lot["lot"], infusions)]
        if later and row["specimen"] != PRODUCT:
            found[row["sample"]] = later
    return found


def told_of_sums(rows: Rows, to_come: Mapping[str, Sequence[str]], contrast: Contrast) -> tuple[str, ...]:
    """Return a sentence on samples that a contrast holds against a product with a lot that came only after them.

    Parameters
    ----------
    rows
        Samples of expression: `subject, level`, their `status` where they have one, and `samples` (parted by `;`) or
        `sample`.
    to_come
        As `lots_to_come` gives it.
    contrast
        Of the levels, as the factor `visit`, or of statuses.
    """
    libraries: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        place = {"visit": row["level"], "status": row.get("status")}
        if tuple(place.get(factor) for factor in contrast.factors) in contrast.signs:
            names = (row.get("samples") or row.get("sample") or "").split(";")
            libraries.setdefault(row["subject"], {}).setdefault(row["level"], []).extend(names)
    early = [
        f"{subject} {level}"
        for subject, levels in sorted(libraries.items())
        for level, names in sorted(levels.items())
        if {lot for name in names for lot in to_come.get(name, ())} & {name for own in levels.values() for name in own}
    ]
    if not early:
        return ()
    return (f"held against a product with a lot that had not been infused by then: {', '.join(early)}",)
