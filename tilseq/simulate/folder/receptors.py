"""Bulk receptor libraries of a subject, and what they truly are of."""

from __future__ import annotations

import polars as pl

from tilseq.simulate import files
from tilseq.simulate.design import Design
from tilseq.simulate.folder.context import Context, Row, Rows
from tilseq.simulate.plan import Sample, samples_of
from tilseq.simulate.sequencing.libraries import TcrLibrary, bcr_library, draw_b_cells, hopped, tcr_depth, tcr_library
from tilseq.simulate.sequencing.rearrangements import rearrangements
from tilseq.simulate.sequencing.sampling import FLAVORS
from tilseq.simulate.subjects import Subject, draw_subject, number_of


def write_tcr(context: Context, samples: list[Sample]) -> Rows:
    """Write the bulk TCR libraries of a subject; return rows of `samples`, `libraries` and `infused_mass`."""
    rows: Rows = {"samples": [], "libraries": [], "infused_mass": []}
    seen = pl.Series([False] * context.subject.clones.height)
    for sample in samples:
        whose, content, library = _content(context.design, context.subject, sample)
        table = library.table(whose.clones)
        arrived = 0
        hopping = context.design.confounders.index_hopping
        if hopping is not None and hopping.into == sample.name:
            owner, _, source = _content(context.design, *_find(context.design, hopping.source))
            strange = source.table(owner.clones)
            table, arrived = hopped(context.stream(sample.name, "hopping"), table, strange, hopping.rate)
        path = f"raw/tcr/{sample.name}.tsv.gz"
        counts = rearrangements(table.with_columns(locus=pl.lit("TRB")), sample.name, library.flavor.count_of)
        files.write_gzip_table(counts, context.folder / path)
        truth = true_clones(library)
        files.write_gzip_table(truth, context.folder / "truth" / "tcr" / f"{sample.name}.csv.gz")
        run = f"seq-{sample.visit}"
        cells = library.cells_put_in
        rows["samples"].append(
            sample.row(path=path, locus="TRB", run=run, cells=cells, count_of=library.flavor.count_of)
        )
        rows["libraries"].append(
            {
                "sample": sample.name,
                "content_of": content.name,
                "cells": cells,
                "counted": int(table["counted"].sum()),
                "n_effective": library.n_effective,
                "arrived_from_another": arrived,
            }
        )
        if sample.specimen == "infusion_product" and content.subject == sample.subject:
            seen |= pl.Series(library.counted > 0)
    blood = {sample.visit: sample for sample in samples if sample.specimen == "blood"}
    for sample in blood.values():
        rows["infused_mass"] += _masses(context.subject, sample, seen)
    return rows


def true_clones(library: TcrLibrary) -> pl.DataFrame:
    """Return what a library truly is of: `clone`, its `frequency` among T cells, its `cells` put in, its `counted`.

    Clones that the specimen does not hold are left out; the last row, without a clone, is the cells that are of none.
    """
    own = pl.DataFrame({"frequency": library.frequencies, "cells": library.cells, "counted": library.counted})
    own = own.select(pl.int_range(1, pl.len() + 1).alias("clone"), pl.all())
    naive = {
        "clone": [None],
        "frequency": [max(0.0, 1 - float(library.frequencies.sum()))],
        "cells": [library.naive_cells],
        "counted": [int(library.naive["counted"].sum())],
    }
    return pl.concat([own.filter(pl.col("frequency") > 0), pl.DataFrame(naive, schema=own.schema)])


def write_bcr(context: Context, samples: list[Sample]) -> Rows:
    """Write the bulk BCR libraries of a subject, heavy and light chains in one file; return rows of `samples`."""
    rows: Rows = {"samples": []}
    if not samples:
        return rows
    members = draw_b_cells(context.design, context.subject)
    for sample in samples:
        table, cells = bcr_library(context.design, context.subject, sample, members)
        path = f"raw/bcr/{sample.name}.tsv.gz"
        count_of = FLAVORS[context.design.flavor].count_of
        counts = rearrangements(_one_row_a_chain(table), sample.name, count_of)
        files.write_gzip_table(counts, context.folder / path)
        truth = table.select("locus", "junction", "v_call", "j_call", "family", "cells", "counted")
        files.write_gzip_table(truth, context.folder / "truth" / "bcr" / f"{sample.name}.csv.gz")
        row = sample.row(path=path, run=f"seq-{sample.visit}", cells=cells, count_of=count_of)
        rows["samples"].append(row)
    return rows


def _one_row_a_chain(table: pl.DataFrame) -> pl.DataFrame:
    """Return chains with equal locus, genes, isotype and junction as one row."""
    names = ["locus", "v_call", "d_call", "j_call", "c_call", "junction", "junction_aa"]
    return table.group_by(names, maintain_order=True).agg(pl.col("counted").sum())


def _content(design: Design, subject: Subject, sample: Sample) -> tuple[Subject, Sample, TcrLibrary]:
    """Return what is really in a sample's file: whose cells, of which sample, sequenced how.

    Tubes are swapped before they are sequenced, so the depth is that of the file's own library.
    """
    depth = tcr_depth(design, sample)
    swapped = design.confounders.swapped_pair
    if swapped is not None and sample.name in swapped.samples:
        subject, sample = _find(design, swapped.samples[1 - swapped.samples.index(sample.name)])
    return subject, sample, tcr_library(design, subject, sample, depth=depth)


def _find(design: Design, name: str) -> tuple[Subject, Sample]:
    """Return a sample of the trial by its name, and its subject."""
    subject = draw_subject(number_of(name.split("_")[0]), design)
    return subject, next(sample for sample in samples_of(design, subject) if sample.name == name)


def _masses(subject: Subject, sample: Sample, seen: pl.Series) -> list[Row]:
    """Return the share of T cells in blood that infused clones hold, in the four ways it can be meant."""
    blood = subject.blood(sample.day)
    shares = blood.frequencies
    infused = subject.course.infused.sum(axis=1) > 0
    before = subject.course.memory.sum(axis=1) > 0
    values = {
        "mass": shares[infused].sum(),
        "mass_of_seen": shares[infused & seen.to_numpy()].sum(),
        "mass_new": shares[infused & ~before].sum(),
        "infused_share": blood.infused.sum() / blood.clonal_t_cells,
    }
    key: Row = {"subject": subject.name, "visit": sample.visit, "day": sample.day}
    return [key | {"measure": measure, "value": float(value)} for measure, value in values.items()]
