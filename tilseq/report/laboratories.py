"""What each laboratory found: one table a question, a row a sample or a subject."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from typing import Any

import polars as pl

from tilseq.endpoints.rows import qualifier_pairs
from tilseq.report.results import STATE_WORDS, STATUS_WORDS, Results
from tilseq.report.series import reference_name, references
from tilseq.report.view import Cell, Head, View, count, doubt, filled, measured, missing, text
from tilseq.report.words import fixed, number, share
from tilseq.tables.outputs import DIVERSITY_PARAMETERS

Row = dict[str, Any]

# Columns of the table of T cells: endpoint parameter, its population, name, unit.
T_CELLS = (
    ("percent_of_parent", "CD3+", "CD3+", "%"),
    ("percent_of_parent", "CD4+ T", "CD4+", "%"),
    ("percent_of_parent", "CD8+ T", "CD8+", "%"),
    ("cd4_cd8_ratio", None, "CD4/CD8", "ratio"),
    ("cells_per_ul", "CD3+", "CD3+", "cells/µL"),
)
MEASURES = {
    "mass": "Mass",
    "mass_new": "Mass, not in baseline",
    "clones": "Clones seen",
    "product_mass_kept": "Reference kept",
}
INDICES = {
    "cells_or_counts": "Counts",
    "richness": "Richness",
    "chao1_bias_corrected": "Chao1",
    "shannon_entropy_nats": "Shannon",
    "hill_q1": "Hill q1",
    "simpson_inverse": "Inverse Simpson",
    "gini": "Gini",
    "clonality": "Clonality",
    "d50_clones": "D50",
    "coverage": "Coverage",
}
INDEX_NOTES = {
    "shannon_entropy_nats": "nats",
    "chao1_bias_corrected": "clones",
    "hill_q1": "clones",
    "simpson_inverse": "clones",
    "d50_clones": "clones",
}
RECEPTORS = ("tcr", "bcr", "scrna")
REPERTOIRES = ("tcr", "bcr")
STEP_PERSISTENCE = "persistence"
WHEN = [Head("Subject"), Head("Visit"), Head("Day", numeric=True)]
WHO = [*WHEN, Head("Specimen", aside=True), Head("Sample", aside=True)]
# Populations as the tree is read, parents first; any other stands after them.
TREE = (
    "all events",
    "beads",
    "cells",
    "singlets",
    "live",
    "lymphocytes",
    "CD3+",
    "CD4+ T",
    "CD8+ T",
    "DN T",
    "DP T",
    "CD3-",
    "B",
    "NK",
)


def t_cells(results: Results) -> View:
    """Return the key numbers of flow cytometry: a row a tube, CD3+, CD4+, CD8+, their ratio and absolute counts."""
    endpoints = results.tables["endpoints"].filter(pl.col("assay") == "flow")
    found: dict[tuple[str, str, str | None], Row] = {}
    for row in endpoints.filter(pl.col("sample").is_not_null()).iter_rows(named=True):
        found[(row["sample"], row["parameter"], qualifier_pairs(row["qualifier"]).get("population"))] = row
    columns = [column for column in T_CELLS if column[0] != "cells_per_ul" or _any(found, column)]
    parents = [
        {qualifier_pairs(row["qualifier"]).get("parent", "") for key, row in found.items() if key[1:] == c[:2]}
        for c in columns
    ]
    heads = [Head(name, _unit(unit, parent), True) for (*_, name, unit), parent in zip(columns, parents, strict=True)]
    rows = []
    for sample in sample_rows(results, endpoints, "flow"):
        cells = []
        for (parameter, population, *_), parent in zip(columns, parents, strict=True):
            endpoint = found.get((sample["sample"], parameter, population))
            of = qualifier_pairs(endpoint["qualifier"]).get("parent") if endpoint and len(parent) > 1 else None
            cells.append(endpoint_cell(endpoint, sample["state"], f"of {of}" if of else ""))
        rows.append([*_who(sample), *cells])
    return View(
        "T cells by subject and visit",
        [*WHO, *heads],
        rows,
        results.nothing("endpoints", "No tube was measured.", "flow"),
        "tables/endpoints.csv",
    )


def populations(results: Results) -> View:
    """Return every population of every tube; a share too rare to be quantified says so."""
    shares = results.endpoints.filter(parameter="percent_of_parent").select("sample", "qualifier", "status")
    statuses = {(sample, qualifier_pairs(of).get("population")): status for sample, of, status in shares.iter_rows()}
    heads = [*WHEN, Head("Sample", aside=True), Head("Population"), Head("Parent"), Head("Events", numeric=True)]
    heads += [Head("Share", "% of parent", True), Head("Concentration", "cells/µL", True), Head("Verdict")]
    rows = [
        [
            *_when(row),
            Cell(row["sample"], kind="name"),
            text(row["population"]),
            text(row["parent"]),
            count(row["events"]),
            measured(
                row["percent_of_parent"],
                row["lower"],
                row["upper"],
                STATUS_WORDS[statuses.get((row["sample"], row["population"]), "quantified")],
            ),
            measured(row["cells_per_ul"], row["cells_per_ul_lower"], row["cells_per_ul_upper"]),
            Cell(row["verdict"] or "–", note=row["reason"] or ""),
        ]
        for row in _as_tree(results.with_sample("counts"), "population").iter_rows(named=True)
    ]
    empty = results.nothing("counts", "No tube was counted.")
    return filled(View("Every population of every tube", heads, rows, empty, "tables/counts.csv"))


def thresholds(results: Results) -> View:
    """Return the thresholds that the gates used."""
    heads = [*WHEN, Head("Sample", aside=True), Head("Gate"), Head("Channel"), Head("Within")]
    heads += [Head("Threshold", numeric=True)]
    heads += [Head("Separation", numeric=True), Head("Source")]
    rows = [
        [
            *_when(row),
            Cell(row["sample"], kind="name"),
            text(row["gate"]),
            text(row["channel"]),
            text(row["parent"]),
            measured(row["threshold"]),
            missing() if row["separation"] is None else Cell(fixed(row["separation"]), kind="number"),
            text(row["source"]),
        ]
        for row in _as_tree(results.with_sample("cuts"), "parent").iter_rows(named=True)
    ]
    empty = results.nothing("cuts", "No threshold was recorded.")
    return filled(View("Thresholds of the gates", heads, rows, empty, "tables/cuts.csv"))


def persistence(results: Results) -> View:
    """Return how much of each other sample the clones of the reference, mostly the infusion product, hold.

    A sample that should stand here and gave no number keeps a row, which says why.
    """
    table = results.with_sample("persistence")
    measures = sorted(table["measure"].unique(), key=lambda name: (list(MEASURES) + [name]).index(name))
    named = references(results.endpoints.filter(parameter="persistence_mass")["qualifier"])
    heads = [*WHO, Head("Locus"), *(Head(MEASURES.get(name, name), "%", True) for name in measures)]
    heads += [Head("Seen if above", "%", True), Head("Effective cells", numeric=True)]
    rows = []
    for first, values in _groups(_with_unmeasured(results, table, named), "measure"):
        limits = [row["limit_of_detection"] for row in values.values() if row["limit_of_detection"] is not None]
        effective = [row["n_effective"] for row in values.values() if row["n_effective"] is not None]
        cells = [_share_cell(values.get(name)) for name in measures]
        if not values:
            cells[0] = missing(_why_not_compared(results, first, named))
        limit = Cell(share(max(limits)), kind="number") if limits else missing()
        rows.append([*_who(first), text(first["locus"]), *cells, limit, count(max(effective, default=None))])
    failed = STEP_PERSISTENCE in results.tables["failures"]["step"]
    told = "No sample was compared with an infusion product or another reference."
    empty = results.nothing("persistence", f"{told} See under failures why." if failed else told, *RECEPTORS)
    title = f"Persistence of clones of the {reference_name(results)}"
    return View(title, heads, rows, empty, "tables/persistence.csv")


def diversity(results: Results) -> View:
    """Return the indices of diversity, a row a sample and locus; a sample without any keeps a row, which says why."""
    table = _with_unmeasured(results, results.with_sample("diversity"))
    heads = [*WHEN, Head("Sample", aside=True), Head("Locus")]
    heads += [Head(INDICES[name], INDEX_NOTES.get(name, ""), True) for name in DIVERSITY_PARAMETERS]
    rows = []
    for first, values in _groups(table, "parameter"):
        cells = [_on_two_lines(_measured_row(values.get(name))) for name in DIVERSITY_PARAMETERS]
        if not values:
            cells[0] = missing(_unfinished(first["state"]))
        subject, visit, day, specimen, sample = _who(first)
        # The table is wide as it is: what is not blood says so below the visit.
        visit = replace(visit, note="" if first["specimen"] == "blood" else specimen.text, narrow=sample.note)
        rows.append([subject, visit, day, sample, text(first["locus"]), *cells])
    empty = results.nothing("diversity", "No repertoire was measured.", *RECEPTORS)
    return View("Diversity", heads, rows, empty, "tables/diversity.csv")


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


def sample_rows(results: Results, endpoints: pl.DataFrame, assay: str) -> list[Row]:
    """Return the samples of an assay, whether or not they gave a number, by subject, day, visit and name."""
    columns = ("sample", "subject", "visit", "day", "specimen")
    known = results.tables["samples"].filter(pl.col("assay") == assay).select(*columns, "state")
    others = (
        endpoints.filter(pl.col("sample").is_not_null())
        .select(*columns, state=pl.lit("ok"))
        .unique("sample", keep="first", maintain_order=True)
        .join(known, on="sample", how="anti", maintain_order="left")
    )
    return pl.concat([known, others]).sort("subject", "day", "visit", "sample", nulls_last=True).to_dicts()


def endpoint_cell(row: Row | None, state: str, note: str = "") -> Cell:
    """Return the cell of one endpoint; where there is no number it says why, as far as that is known."""
    if row is None:
        return missing(_unfinished(state))
    told = STATUS_WORDS[row["status"]]
    if row["value"] is None and row["value_text"] is None:
        return missing(told)
    if row["value"] is None or (row["status"] == "not_detected" and row["value_text"] is not None):
        return Cell(row["value_text"], note=told or note)
    return measured(row["value"], row["lower"], row["upper"], note=", ".join(filter(None, (told, note))))


def _any(found: dict[tuple[str, str, str | None], Row], column: Sequence[str | None]) -> bool:
    return any(key[1:] == tuple(column[:2]) for key in found)


def _unit(unit: str, parents: set[str]) -> str:
    if unit != "%":
        return unit
    return f"% of {next(iter(parents))}" if len(parents) == 1 and "" not in parents else "% of parent"


def _who(row: Row) -> list[Cell]:
    subject, visit, day = _when(row)
    specimen = None if row["specimen"] is None else row["specimen"].replace("_", " ")
    told = doubt(row["state"])
    narrow = ", ".join(filter(None, (specimen, told)))
    return [subject, replace(visit, narrow=narrow), day, text(specimen), Cell(row["sample"], note=told, kind="name")]


def _when(row: Row) -> list[Cell]:
    return [text(row["subject"], "name"), text(row["visit"]), count(row["day"])]


def _as_tree(table: pl.DataFrame, population: str) -> pl.DataFrame:
    """Return rows of samples in their order, those of one sample by the tree of populations."""
    place = pl.col(population).replace_strict(dict(zip(TREE, range(len(TREE)), strict=True)), default=len(TREE))
    names = [name for name in ("population", "gate") if name in table.columns]
    by = ["subject", "day", "visit", "sample", "place", *names]
    return table.with_columns(place=place).sort(by, nulls_last=True, maintain_order=True)


def _with_unmeasured(results: Results, table: pl.DataFrame, specimens: Set[str] = frozenset()) -> pl.DataFrame:
    """Return a table with a row for each receptor sample it lacks, but of these specimens; an empty one as it is."""
    if table.is_empty():
        return table
    known = results.tables["samples"].filter(
        pl.col("assay").is_in(REPERTOIRES), ~pl.col("specimen").is_in(sorted(specimens))
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


def _unfinished(state: str) -> str:
    """Return why a sample gave no number, as far as its state tells."""
    return STATE_WORDS[state] if state in ("failed", "not_analysed", "not_available") else ""


def _why_not_compared(results: Results, row: Row, named: Set[str]) -> str:
    """Return why a sample was not held against the reference."""
    if told := _unfinished(row["state"]):
        return told
    failures, samples = results.tables["failures"], results.tables["samples"]
    if not failures.filter(step=STEP_PERSISTENCE, unit=row["subject"]).is_empty():
        return STATE_WORDS["failed"]
    own = samples.filter(pl.col("subject") == row["subject"], pl.col("specimen").is_in(sorted(named)))
    return "not compared" if own.height else "no reference"


def _measured_row(row: Row | None) -> Cell:
    return missing() if row is None else measured(row["value"], row["lower"], row["upper"])


def _on_two_lines(cell: Cell) -> Cell:
    """Return the cell of a number with its limits below it, for a table of many columns."""
    value, _, limits = cell.text.partition(" (")
    return replace(cell, text=value, note=f"({limits}" if limits else cell.note)


def _share_cell(row: Row | None) -> Cell:
    if row is None or row["value"] is None:
        return missing("" if row is None else "not evaluable")
    limit = row["limit_of_detection"]
    if row["value"] == 0:
        return Cell("not seen", note="" if limit is None else f"below {share(limit)} %", kind="number")
    return Cell(share(row["value"], row["lower"], row["upper"]), kind="number")
