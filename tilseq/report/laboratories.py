"""What each laboratory found: one table a question, a row a sample or a subject."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from tilseq.report.results import STATE_WORDS, Results, qualifiers
from tilseq.report.view import Cell, Chip, Head, View, count, doubt, measured, missing, text
from tilseq.report.words import number, share
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
    "chao1_bias_corrected": "bias-corrected",
    "hill_q1": "clones",
    "simpson_inverse": "clones",
    "d50_clones": "clones",
}
RESPONSE_STATES = {"CR": "good", "PR": "good", "PD": "bad"}
RECEPTORS = ("tcr", "bcr", "scrna")
WHO = [Head("Subject"), Head("Visit"), Head("Day", numeric=True), Head("Specimen"), Head("Sample")]


def t_cells(results: Results) -> View:
    """Return the key numbers of flow cytometry: a row a tube, CD3+, CD4+, CD8+, their ratio and absolute counts."""
    endpoints = results.tables["endpoints"].filter(pl.col("assay") == "flow")
    found: dict[tuple[str, str, str | None], Row] = {}
    for row in endpoints.filter(pl.col("sample").is_not_null()).iter_rows(named=True):
        found[(row["sample"], row["parameter"], qualifiers(row["qualifier"]).get("population"))] = row
    columns = [column for column in T_CELLS if column[0] != "cells_per_ul" or _any(found, column)]
    parents = [
        {qualifiers(row["qualifier"]).get("parent", "") for key, row in found.items() if key[1:] == c[:2]}
        for c in columns
    ]
    heads = [Head(name, _unit(unit, parent), True) for (*_, name, unit), parent in zip(columns, parents, strict=True)]
    rows = []
    for sample in sample_rows(results, endpoints, "flow"):
        cells = []
        for (parameter, population, *_), parent in zip(columns, parents, strict=True):
            endpoint = found.get((sample["sample"], parameter, population))
            of = qualifiers(endpoint["qualifier"]).get("parent") if endpoint and len(parent) > 1 else None
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
    """Return every population of every tube."""
    heads = [Head("Sample"), Head("Population"), Head("Parent"), Head("Events", numeric=True)]
    heads += [Head("Share", "% of parent", True), Head("Concentration", "cells/µL", True), Head("Verdict")]
    rows = [
        [
            Cell(row["sample"], kind="name"),
            text(row["population"]),
            text(row["parent"]),
            count(row["events"]),
            measured(row["percent_of_parent"], row["lower"], row["upper"]),
            measured(row["cells_per_ul"], row["cells_per_ul_lower"], row["cells_per_ul_upper"]),
            Cell(row["verdict"] or "–", note=row["reason"] or ""),
        ]
        for row in results.tables["counts"].iter_rows(named=True)
    ]
    return View(
        "Every population of every tube",
        heads,
        rows,
        results.nothing("counts", "No tube was counted."),
        "tables/counts.csv",
    )


def thresholds(results: Results) -> View:
    """Return the thresholds that the gates used."""
    heads = [Head("Sample"), Head("Gate"), Head("Channel"), Head("Within"), Head("Threshold", numeric=True)]
    heads += [Head("Separation", numeric=True), Head("Source")]
    rows = [
        [
            Cell(row["sample"], kind="name"),
            text(row["gate"]),
            text(row["channel"]),
            text(row["parent"]),
            measured(row["threshold"]),
            measured(row["separation"]),
            text(row["source"]),
        ]
        for row in results.tables["cuts"].iter_rows(named=True)
    ]
    return View(
        "Thresholds of the gates", heads, rows, results.nothing("cuts", "No threshold was recorded."), "tables/cuts.csv"
    )


def persistence(results: Results) -> View:
    """Return how much of each other sample the clones of the reference, mostly the infusion product, hold."""
    endpoints = results.tables["endpoints"].filter(parameter="persistence_mass")
    references = {qualifiers(text).get("reference", "reference") for text in endpoints["qualifier"]} or {"reference"}
    reference = " or ".join(sorted(references)).replace("_", " ")
    table = results.with_sample("persistence")
    measures = sorted(table["measure"].unique(), key=lambda name: (list(MEASURES) + [name]).index(name))
    heads = [*WHO, Head("Locus"), *(Head(MEASURES.get(name, name), "%", True) for name in measures)]
    heads += [Head("Seen if above", "%", True), Head("Effective cells", numeric=True)]
    rows = []
    for _, group in table.group_by("sample", "locus", maintain_order=True):
        first = group.row(0, named=True)
        values = {row["measure"]: row for row in group.iter_rows(named=True)}
        limits = [row["limit_of_detection"] for row in values.values() if row["limit_of_detection"] is not None]
        effective = [row["n_effective"] for row in values.values() if row["n_effective"] is not None]
        cells = [_share_cell(values.get(name)) for name in measures]
        limit = Cell(share(max(limits)), kind="number") if limits else missing()
        rows.append([*_who(first), text(first["locus"]), *cells, limit, count(max(effective, default=None))])
    told = "No sample was compared with an infusion product or another reference."
    empty = results.nothing("persistence", told, *RECEPTORS)
    return View(f"Persistence of clones of the {reference}", heads, rows, empty, "tables/persistence.csv")


def diversity(results: Results) -> View:
    """Return the indices of diversity, a row a sample and locus."""
    table = results.with_sample("diversity")
    heads = [*WHO, Head("Locus")]
    heads += [Head(INDICES[name], INDEX_NOTES.get(name, ""), True) for name in DIVERSITY_PARAMETERS]
    rows = []
    for _, group in table.group_by("sample", "locus", maintain_order=True):
        first = group.row(0, named=True)
        values = {row["parameter"]: row for row in group.iter_rows(named=True)}
        cells = [_measured_row(values.get(name)) for name in DIVERSITY_PARAMETERS]
        rows.append([*_who(first), text(first["locus"]), *cells])
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


def responses(results: Results) -> View:
    """Return the response of each subject and reader, a column a visit; the recorded one leads, the derived one notes.

    The reader's record is the endpoint; where the derived response differs, both are told.
    """
    table = results.tables["response"].with_columns(
        place=pl.col("visit").fill_null(pl.format("day {}", "day")),
    )
    places = table.group_by("place").agg(pl.col("day").median()).sort("day", "place")["place"].to_list()
    found: dict[tuple[str, str | None], dict[str, list[Row]]] = {}
    for row in table.sort("subject", "reader", "day", nulls_last=True).iter_rows(named=True):
        found.setdefault((row["subject"], row["reader"]), {}).setdefault(row["place"], []).append(row)
    rows = [
        [Cell(subject, kind="name"), text(reader), *(_response_cell(visits.get(place, [])) for place in places)]
        for (subject, reader), visits in found.items()
    ]
    heads = [Head("Subject"), Head("Reader"), *(Head(place) for place in places)]
    failed = "clinical" in results.tables["failures"]["step"]
    told = "No response was derived." + (" See under failures why." if failed else "")
    return View("Response by visit", heads, rows, results.nothing("response", told), "tables/response.csv")


def assessments(results: Results) -> View:
    """Return every assessment with the sums and the reason behind its response."""
    heads = [Head("Subject"), Head("Reader"), Head("Visit"), Head("Day", numeric=True), Head("Targets", numeric=True)]
    heads += [Head("Sum", "mm", True), Head("From baseline", "%", True), Head("From nadir", "%", True)]
    heads += [Head("Target"), Head("Non-target"), Head("New lesion"), Head("Derived"), Head("Recorded"), Head("Reason")]
    rows = [
        [
            Cell(row["subject"], kind="name"),
            text(row["reader"]),
            text(row["visit"]),
            count(row["day"]),
            Cell(f"{row['targets_measured']} of {row['targets']}", kind="number"),
            measured(row["sum_mm"]),
            measured(row["change_from_baseline_pct"]),
            measured(row["change_from_nadir_pct"]),
            text(row["target_response"]),
            text(row["nontarget_response"]),
            text(None if row["new_lesion"] is None else "yes" if row["new_lesion"] else "no"),
            text("baseline" if row["baseline"] else row["response"]),
            text(row["recorded"]),
            text(row["reason"], "prose"),
        ]
        for row in results.tables["response"].iter_rows(named=True)
    ]
    empty = results.nothing("response", "No lesion was assessed.")
    return View("Every assessment", heads, rows, empty, "tables/response.csv")


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
        return missing(STATE_WORDS[state] if state in ("failed", "not_analysed", "not_available") else "")
    if row["value"] is None and row["value_text"] is None:
        return missing(row["status"].replace("_", " "))
    told = "" if row["status"] == "quantified" else row["status"].replace("_", " ")
    if row["value"] is None:
        return Cell(row["value_text"], note=told or note)
    return measured(row["value"], row["lower"], row["upper"], note=", ".join(filter(None, (told, note))))


def _any(found: dict[tuple[str, str, str | None], Row], column: Sequence[str | None]) -> bool:
    return any(key[1:] == tuple(column[:2]) for key in found)


def _unit(unit: str, parents: set[str]) -> str:
    if unit != "%":
        return unit
    return f"% of {next(iter(parents))}" if len(parents) == 1 and "" not in parents else "% of parent"


def _who(row: Row) -> list[Cell]:
    return [
        text(row["subject"], "name"),
        text(row["visit"]),
        count(row["day"]),
        text(None if row["specimen"] is None else row["specimen"].replace("_", " ")),
        Cell(row["sample"], note=doubt(row["state"]), kind="name"),
    ]


def _measured_row(row: Row | None) -> Cell:
    return missing() if row is None else measured(row["value"], row["lower"], row["upper"])


def _share_cell(row: Row | None) -> Cell:
    if row is None or row["value"] is None:
        return missing("" if row is None else "not evaluable")
    limit = row["limit_of_detection"]
    if row["value"] == 0:
        return Cell("not seen", note="" if limit is None else f"below {share(limit)} %", kind="number")
    return Cell(share(row["value"], row["lower"], row["upper"]), kind="number")


def _response_cell(rows: Sequence[Row]) -> Cell:
    chips, notes = [], []
    for row in rows:
        word = row["recorded"] or row["response"]
        if row["baseline"]:
            notes.append("baseline" + ("" if row["sum_mm"] is None else f", {number(row['sum_mm'])} mm"))
            continue
        change = row["change_from_baseline_pct"]
        told = [] if change is None else [f"{change:+.1f} %".replace("-", "−")]
        if row["agrees"] is False:
            told.append(f"derived {row['response']}")
        if word is not None:
            chips.append(Chip(word, RESPONSE_STATES.get(word, "neutral"), f"{word} on day {row['day']}"))
        notes.append(", ".join(told) or ("" if word else "not assessed"))
    return Cell(chips=tuple(chips), note="; ".join(filter(None, notes)))
