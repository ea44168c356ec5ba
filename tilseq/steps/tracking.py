"""Tracking: one job a subject, the clones of the infusion product in its samples, and where clones come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps import contamination, persistence
from tilseq.steps.job import Job, needed, read_needed
from tilseq.steps.receptor_subjects import in_time
from tilseq.steps.reference import (
    NEVER_INFUSED,
    PRODUCT,
    is_after,
    is_before,
    lots_without_library,
    of_another_subject,
    of_lot,
)
from tilseq.steps.template_counting import miscounted
from tilseq.steps.tracking_figures import draw_tracking

if TYPE_CHECKING:
    import polars as pl

    from tilseq.study import Study

STEP = "tracking"
ASSAY, BLOOD = "tcr", "blood"
PART = {"specimen": PRODUCT}  # what a row of a failed sample leaves unsaid
CLONE_OF = ("sample", "locus", "junction")  # the key of `clones` and of `suspicious_clones`
NOT_ABSENT = "no clone is told to be absent from the product"
NO_PART = "takes no part in clones, origins and trends of its subject"
LEAKED = ("leak", "possible")  # verdicts on a clone of a sample


def plan(study: Study) -> list[Job]:
    """Return one job for each subject of whom persistence is told against an infusion product."""
    if study.settings.analysis.repertoire.reference != PRODUCT:
        return []
    return [
        replace(job, step=STEP, folder=job.folder.replace(persistence.STEP, STEP, 1)) for job in persistence.plan(study)
    ]


def run(job: Job, folder: Path) -> None:
    """Write clones, origins, near matches, changes, trends and figures of the subject's T-cell clones.

    Bulk libraries and single cells of one kind of specimen are taken together, each by its effective cells. A sample
    whose own job failed, or left no clonotype, takes no part: its own `failures` or `quality` tells why. Nor does one
    that holds another subject's clones (see the step `contamination`), which a row of `quality` tells, or one of cells
    sorted otherwise than the others, which has a part in changes alone. Nothing is told without clones of a product and
    of blood after the infusion, or of a subject who was never infused. Of several lots a clone of a later one was not
    infused in blood from before it, see `later_lots`.
    """
    from tilseq.io.write import write_parquet
    from tilseq.steps.later_lots import before_their_lot
    from tilseq.tables.outputs import QUALITY
    from tilseq.tables.tracking import CHANGE, CLONES, NEAR_MATCHES, ORIGIN_CLASSES, ORIGINS, TREND

    written = (CLONES, ORIGINS, ORIGIN_CLASSES, NEAR_MATCHES, CHANGE, TREND)
    every, tables = _taking_part(job, folder)
    rows, of_other_sort = _of_one_sort(every)
    lost, early = _lost_of_product(job, rows), before_their_lot(rows, tables, job.arguments["infusions"])
    places = _places(rows)
    found = [table.frame() for table in written]
    if places["product"] and places["later"]:
        found = _followed(job, folder, every, rows, tables, early, whole=not lost)
    for frame, table in zip(found, written, strict=True):
        write_parquet(frame, table, folder)
    left_out = {**of_other_sort, **lost, **_taking_no_part(job, folder), **_not_checked(job, folder, rows)}
    told = {"clones followed": left_out, **_checks(job, rows, tables, early)}
    quality = [
        {"sample": name, "check": check, "verdict": "warn", "reason": reason}
        for check, reasons in told.items()
        for name, reason in reasons.items()
    ]
    write_parquet(quality, QUALITY, folder)


def _followed(
    job: Job,
    folder: Path,
    every: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    tables: Mapping[str, pl.DataFrame],
    early: pl.DataFrame,
    *,
    whole: bool,
) -> list[pl.DataFrame]:
    """Return clones, origins, their classes, near matches, changes and trends of a subject, and draw figures.

    Parameters
    ----------
    job, folder
        Of this step.
    every, rows
        Rows of samples.csv of all samples that take part, and of those of one sort, product and later blood among them.
    tables
        Sample → clonotypes.
    early
        Clones of blood from before the only lots that hold them, as `before_their_lot` gives them.
    whole
        Whether every part of the product is known; else no clone is absent from it.
    """
    import polars as pl

    from tilseq.repertoire.depth import with_depth
    from tilseq.repertoire.effective import depths_of, effective_clones
    from tilseq.repertoire.near_matches import near_matches, whole_product
    from tilseq.repertoire.track import follow
    from tilseq.steps.cells_behind import known_cells
    from tilseq.steps.clone_courses import changes, trends

    infusions = job.arguments["infusions"]
    cells = known_cells(every, tables, miscounted(job, folder))
    clones = {name: with_depth(table, cells.filter(sample=name)) for name, table in tables.items()}
    effective = {name: depths_of(own) for name, own in clones.items()}
    places = {place: {name: clones[name] for name in names} for place, names in _places(rows).items()}
    if not whole:
        places["product"] = {name: effective_clones(tables[name], None) for name in places["product"]}
    listed = _suspicious(job, folder)
    leaked = None if listed is None else _leaked(listed, list(tables))
    threshold = job.arguments["threshold"]
    followed, *of_origin = follow(**places, threshold=threshold, suspicious=leaked, before_lot=early)
    if listed is not None:
        verdicts = listed.select(*CLONE_OF, suspicious="verdict")
        followed = followed.drop("suspicious").join(verdicts, on=CLONE_OF, how="left")
    product = whole_product(list(places["product"].values()), [tables[name] for name in places["product"]])
    near = pl.concat([near_matches(tables[name], product, sample=name) for name in places["later"]])
    changed = changes(job.unit, every, tables, effective, infusions)
    of_product = product.select("locus", "junction").unique()
    courses = trends(job.unit, rows, tables, effective, of_product, infusions)
    origins, classes = (frame.with_columns(subject=pl.lit(job.unit)) for frame in of_origin)
    drawn = sorted(_of_t_cells(job), key=in_time)
    draw_tracking(drawn, tables, followed, origins, changed, early, infusions, folder / "figures")
    return [followed, origins, classes, near, changed, courses]


def _taking_no_part(job: Job, folder: Path) -> dict[str, str]:
    """Return why samples of another subject, or all of one who was never infused, take no part."""
    strange = {
        name: f"takes no part in clones, origins, changes and trends of its subject: {why}"
        for name, why in of_another_subject(job, folder).items()
    }
    infused = job.arguments["infusions"]
    never = {} if infused else {row["sample"]: f"{NO_PART}: {NEVER_INFUSED}" for row in _of_t_cells(job)}
    return never | strange


def _checks(
    job: Job,
    rows: Sequence[Mapping[str, Any]],
    tables: Mapping[str, pl.DataFrame],
    early: pl.DataFrame,
) -> dict[str, Mapping[str, str]]:
    """Return check → sample → what is odd with it; parameters as of `_followed`."""
    from tilseq.repertoire.copies import copies
    from tilseq.repertoire.product_lots import lots_apart
    from tilseq.repertoire.strangers import strange_blood
    from tilseq.steps.later_lots import told_of_lots

    places = _places(rows)
    alike = {row["sample"]: tables[row["sample"]] for row in rows}
    blood = [*places["baseline"], *places["later"]]
    same = copies(tables).items()
    return {
        "lots in time": told_of_lots(rows, early, job.arguments["infusions"]),
        "lots of the product": lots_apart({name: tables[name] for name in places["product"]}),
        "of this subject": strange_blood(alike, blood=blood, later=places["later"]),
        "copies": {name: f"holds the same clones in the same shares as {first}" for name, first in same},
    }


def _taking_part(job: Job, folder: Path) -> tuple[list[Mapping[str, Any]], dict[str, pl.DataFrame]]:
    """Return the rows of samples.csv of samples that take part, in the order of their days, and their clonotypes.

    Left out are lots that the subject never got, and other subjects' cells; all of a subject who was never infused.
    """
    import polars as pl

    read = needed(job, folder, "clonotypes")
    strange = of_another_subject(job, folder)
    rows, tables = [], {}
    for need, row in sorted(job.arguments["samples"].items(), key=lambda item: in_time(item[1])):
        if not job.arguments["infusions"] or need not in read or row["assay"] != ASSAY:
            continue
        if row["sample"] in strange or not _was_given(job, row):
            continue
        table = pl.read_parquet(read[need])
        if table.height:
            rows.append(row)
            tables[row["sample"]] = table
    return rows, tables


def _of_t_cells(job: Job) -> list[Mapping[str, Any]]:
    return [row for row in job.arguments["samples"].values() if row["assay"] == ASSAY]


def _of_one_sort(rows: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], dict[str, str]]:
    """Return the rows whose cells were sorted alike, or not sorted at all, and what to tell of the others.

    Of sorted cells others are absent that blood holds, so that neither shares nor absence compare. Cells that were not
    sorted go first, then the first sort by name of which there are a product and later blood.
    """
    sorts = sorted({row["marked_population"] for row in rows}, key=lambda sort: (sort is not None, sort or ""))
    parted = {sort: [row for row in rows if row["marked_population"] == sort] for sort in sorts}
    of = [sort for sort, own in parted.items() if (places := _places(own))["product"] and places["later"]]
    taken = of[0] if of else None
    words = {sort: "not sorted" if sort is None else f"sorted ({sort})" for sort in (*sorts, taken)}
    others = {
        row["sample"]: f"{NO_PART}: its cells are {words[row['marked_population']]}, and theirs {words[taken]}"
        for row in rows
        if row["marked_population"] != taken
    }
    return parted.get(taken, []), others


def _was_given(job: Job, row: Mapping[str, Any]) -> bool:
    """Whether a sample is not of a product, or of one that was infused."""
    infusions = job.arguments["infusions"]
    return row["specimen"] != PRODUCT or row["lot"] is None or not infusions or bool(of_lot(row["lot"], infusions))


def _lost_of_product(job: Job, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return which samples of the infused product have no clonotypes that serve, and what follows."""
    told = f"of the product takes no part: {NOT_ABSENT}"
    here = {row["sample"] for row in rows}
    every = [*job.arguments["samples"].values(), *job.arguments["failed"]]
    of_product = [row for row in every if row.get("specimen", PRODUCT) == PRODUCT]
    expected = [row for row in of_product if row["assay"] == ASSAY and _was_given(job, {**PART, **row})]
    # A library of sorted cells is missed where its lot has no other.
    sorts = {row["marked_population"] for row in rows} or {None}
    lots = {row["lot"] for row in rows if row["specimen"] == PRODUCT}
    lost = [row["sample"] for row in expected if row["marked_population"] in sorts or row["lot"] not in lots]
    found = {name: f"{name} {told}" for name in lost if name not in here}
    unread = {lot for row in rows if is_after(row) for lot in lots_without_library(job, row)}
    for row in rows if unread else ():
        if row["specimen"] == PRODUCT:
            found[row["sample"]] = f"lot {', '.join(sorted(unread))} of the product has no library: {NOT_ABSENT}"
    return found


def _not_checked(job: Job, folder: Path, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return what to tell of each sample where the contamination of the study should be known and is not."""
    wanted = any(need.startswith(f"{contamination.STEP}/") for need in job.needs)
    if not wanted or needed(job, folder, "sample_identity"):
        return {}
    return {row["sample"]: "contamination could not be told: it may hold another subject's clones" for row in rows}


def _suspicious(job: Job, folder: Path) -> pl.DataFrame | None:
    """Return the table `suspicious_clones` of the study, None where there is none."""
    import polars as pl

    found = [*read_needed(job, folder, "suspicious_clones").values()]
    return pl.concat(found) if found else None


def _leaked(listed: pl.DataFrame, samples: Sequence[str]) -> pl.DataFrame:
    """Return the clones of some samples that may have leaked in from another subject's."""
    import polars as pl

    leaked = pl.col("sample").is_in(samples) & pl.col("verdict").is_in(LEAKED)
    return listed.filter(leaked).select("locus", "junction").unique()


def _places(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the samples of the product, of blood before and after the infusion, and of the tumour."""
    places: dict[str, list[str]] = {"product": [], "baseline": [], "tumor": [], "later": []}
    for row in rows:
        if row["specimen"] == PRODUCT:
            places["product"].append(row["sample"])
        elif row["specimen"] == "tumor":
            places["tumor"].append(row["sample"])
        elif row["specimen"] == BLOOD:
            if is_before(row) or is_after(row):
                places["baseline" if is_before(row) else "later"].append(row["sample"])
    return places
