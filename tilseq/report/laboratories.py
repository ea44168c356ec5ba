"""What the repertoires and the expression of genes came to: one table a question."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Set
from dataclasses import replace

import polars as pl

from tilseq.endpoints.rows import qualifier_pairs
from tilseq.report.results import REPERTOIRES, STATE_WORDS, Results
from tilseq.report.rows import BRIEFLY, WHO, unfinished, who, who_briefly
from tilseq.report.series import reference_name, references
from tilseq.report.view import Cell, Head, View, count, doubt, measured, missing, on_two_lines, text
from tilseq.report.words import number, plural, share
from tilseq.tables import Row
from tilseq.tables.repertoire import STANDARDISED_PARAMETERS

COMMON = "Of the reference, at a common depth"
# Measure → its head, below those of what it is of; what a sample keeps at its own depth is in the file alone.
MEASURES = {
    "mass": Head("Mass", "%", True, "Of this sample"),
    "mass_new": Head("Of which new", "%", True, "Of this sample"),
    "clones_at_n": Head("Clones seen", "%", True, COMMON),
    "product_mass_kept_at_n": Head("Reference kept", "%", True, COMMON),
}
INDICES = {  # the others of the table are in its file
    "cells_or_counts": "Counts",
    "richness": "Richness",
    "chao1_bias_corrected": "Chao1",
    "hill_q1": "Hill q1",
    "simpson_inverse": "Inverse Simpson",
    "clonality": "Clonality",
    "d50_clones": "D50",
    "coverage": "Coverage",
}
INDEX_NOTES = {
    "chao1_bias_corrected": "clones",
    "hill_q1": "clones",
    "simpson_inverse": "clones",
    "d50_clones": "clones",
}
RECEPTORS = (*REPERTOIRES, "scrna")
STEP_PERSISTENCE = "persistence"


def persistence(results: Results) -> View:
    """Return how much of each other sample the clones of the reference, mostly the infusion product, hold.

    A sample that should stand here and gave no number keeps a row, which says why. A locus without a number of a sample
    that has one at another, and an assay without any, are left to `not_evaluable`.
    """
    table = _with_a_number(results.with_sample("persistence"))
    assays = set(REPERTOIRES) & set(table["assay"])
    masses = results.endpoints.filter(parameter="persistence_mass")
    named = references(masses["qualifier"])
    sorts = {name: qualifier_pairs(of).get("population", "") for name, of in masses["sample", "qualifier"].iter_rows()}
    heads = [*WHO, Head("Locus"), *MEASURES.values(), Head("At", "distinct cells", True, COMMON)]
    heads.append(Head("Effective cells", numeric=True))
    rows = []
    for first, values in _groups(_with_unmeasured(results, table, named, assays), "measure"):
        at = [row["at_cells"] for row in values.values() if row["at_cells"] is not None]
        effective = [row["n_effective"] for row in values.values() if row["n_effective"] is not None]
        cells = [on_two_lines(_share_cell(values.get(name))) for name in MEASURES]
        if not values:
            cells[0] = missing(_why_not_compared(results, first, named))
        depths = (max((round(n) for n in some), default=None) for some in (at, effective))
        locus = replace(text(first["locus"]), note=sorts.get(first["sample"], ""))
        rows.append([*who(first), locus, *cells, *map(count, depths)])
    failed = STEP_PERSISTENCE in results.tables["failures"]["step"]
    told = "No sample was compared with an infusion product or another reference."
    empty = results.nothing("persistence", f"{told} See under failures why." if failed else told, *RECEPTORS)
    title = f"Persistence of clones of the {reference_name(results)}"
    return View(title, heads, rows, empty, "tables/persistence.csv")


def not_evaluable(results: Results) -> str:
    """Return which loci and assays have no number while another has one, and why; nothing where there is none."""
    table = results.tables["persistence"].join(results.tables["depth"], on=["sample", "locus"], how="semi")
    left_out = table.join(_with_a_number(table), on=["sample", "locus"], how="anti")
    told = []
    reasons = results.endpoints.filter(pl.col("parameter") == "persistence_mass", pl.col("value").is_null())
    for locus in left_out["locus"].unique().sort():
        own = left_out.filter(locus=locus)["sample"].unique().sort()
        why = reasons.filter(
            pl.col("sample") == own[0], pl.col("qualifier").str.contains(f"locus={locus}", literal=True)
        )
        reason = why["method"].drop_nulls().to_list()
        told.append(f"{locus} of {plural(len(own), 'sample')}" + (f" ({own[0]}: {reason[0]})" if reason else ""))
    sentence = f"Without a number: {'; '.join(told)}. The table endpoints tells why, sample by sample." if told else ""
    return " ".join(filter(None, (sentence, _without_reference(results))))


def _without_reference(results: Results) -> str:
    """Return which assays hold no sample that was compared while another does; nothing where each has one."""
    compared = set(results.with_sample("persistence")["assay"])
    lacking = [assay for assay in REPERTOIRES if assay not in compared]
    counts = [(results.tables["samples"].filter(assay=assay).height, assay) for assay in lacking]
    told = ", ".join(f"{plural(number, 'sample')} of {assay}" for number, assay in counts if number)
    return f"Not held against a reference: {told}." if compared and told else ""


def _with_a_number(table: pl.DataFrame) -> pl.DataFrame:
    """Return persistence without the loci that have no number, of samples that have one at another."""
    known = (pl.col("value").is_not_null() & (pl.col("measure") == "mass")).any()
    return table.filter(known.over("sample", "locus") | ~known.over("sample"))


def diversity(results: Results) -> View:
    """Return the indices of diversity, a row a sample and locus; a sample without any keeps a row, which says why."""
    raw = results.with_sample("diversity").filter(~pl.col("parameter").is_in(STANDARDISED_PARAMETERS))
    table = _with_unmeasured(results, raw)
    heads = [
        *BRIEFLY,
        Head("Locus"),
        *(Head(name, INDEX_NOTES.get(index, ""), True) for index, name in INDICES.items()),
    ]
    rows = []
    for first, values in _groups(table, "parameter"):
        cells = [on_two_lines(_measured_row(values.get(name))) for name in INDICES]
        if not values:
            cells[0] = missing(unfinished(first["state"]))
        elif first["depth"] != first["n"]:
            told = "cells unknown" if first["depth"] is None else f"{first['depth']:,.0f} cells"
            cells[0] = replace(cells[0], note=told, kind="limits")
        rows.append([*who_briefly(first), text(first["locus"]), *cells])
    empty = results.nothing("diversity", "No repertoire was measured.", *RECEPTORS)
    return View("Diversity, each sample at its own depth", heads, rows, empty, "tables/diversity.csv")


def scores(results: Results) -> View:
    """Return gene-set scores, a row a set and a column a sample."""
    table = results.with_sample("scores")
    samples = table.unique("sample", keep="first", maintain_order=True)
    heads = [Head("Gene set"), Head("Genes found", numeric=True)]
    for row in samples.iter_rows(named=True):
        who = [row["subject"], row["visit"], f"{number(row['n'])} cells", doubt(row["state"])]
        heads.append(Head(row["sample"], " · ".join(filter(None, who)), True))
    rows = []
    for name in table["set"].unique().sort():
        values = {row["sample"]: row for row in table.filter(set=name).iter_rows(named=True)}
        found = sorted({row["genes_found"] for row in values.values()})
        listed = max(row["genes_listed"] for row in values.values())
        span = f"{found[0]}" if len(found) == 1 else f"{found[0]} to {found[-1]}"
        cells = [_measured_row(values.get(sample)) for sample in samples["sample"]]
        rows.append([Cell(name, kind="name"), Cell(f"{span} of {listed}", kind="number"), *cells])
    empty = results.nothing("scores", "No gene set was scored.", "scrna", "bulk_rna")
    return View("Gene-set scores", heads, rows, empty, "tables/scores.csv")


def _with_unmeasured(
    results: Results, table: pl.DataFrame, specimens: Set[str] = frozenset(), assays: Collection[str] = REPERTOIRES
) -> pl.DataFrame:
    """Return a table with a row for each receptor sample it lacks, but of these specimens; an empty one as it is."""
    if table.is_empty():
        return table
    known = results.tables["samples"].filter(
        pl.col("assay").is_in(list(assays)), ~pl.col("specimen").is_in(sorted(specimens))
    )
    lacking = known.join(table, on="sample", how="anti", maintain_order="left")
    both = pl.concat([table, lacking], how="diagonal")
    return both.sort(["subject", "day", "visit", "sample"], nulls_last=True, maintain_order=True)


def _groups(table: pl.DataFrame, column: str) -> Iterator[tuple[Row, dict[str, Row]]]:
    """Yield the first row of each sample and locus with its rows by this column; none for an unmeasured sample."""
    for _, group in table.group_by("sample", "locus", maintain_order=True):
        yield (
            group.row(0, named=True),
            {row[column]: row for row in group.iter_rows(named=True) if row[column] is not None},
        )


def _why_not_compared(results: Results, row: Row, named: Set[str]) -> str:
    """Return why a sample was not held against the reference."""
    if told := unfinished(row["state"]):
        return told
    failures, samples = results.tables["failures"], results.tables["samples"]
    if not failures.filter(step=STEP_PERSISTENCE, unit=row["subject"]).is_empty():
        return STATE_WORDS["failed"]
    own = samples.filter(pl.col("subject") == row["subject"], pl.col("specimen").is_in(sorted(named)))
    return "not compared" if own.height else "no reference"


def _measured_row(row: Row | None) -> Cell:
    return missing() if row is None else measured(row["value"], row["lower"], row["upper"])


def _share_cell(row: Row | None) -> Cell:
    if row is None or row["value"] is None:
        return missing("" if row is None else "not evaluable")
    limit = row["limit_of_detection"]
    if row["value"] == 0:
        return Cell("not seen", note="" if limit is None else f"below {share(limit)} %", kind="number")
    return Cell(share(row["value"], row["lower"], row["upper"]), kind="number")
