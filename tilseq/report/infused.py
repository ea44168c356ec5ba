"""Where each subject's clones come from, which of them changed, and the single cells held against the product."""

from __future__ import annotations

from collections import Counter

import polars as pl

from tilseq.plots.origins import ORIGINS
from tilseq.report.repertoires import labels
from tilseq.report.results import Results
from tilseq.report.rows import BRIEFLY, who_briefly
from tilseq.report.view import Cell, Head, View, count, missing, text
from tilseq.report.words import number, share
from tilseq.tables.cell_labels import INFUSED, LABELS, NO_RECEPTOR, NOT_SEEN, UNDECIDED
from tilseq.tables.tracking import CHANGE_CALLS

ORIGIN_HEADS = {
    "infused_only": Head("Infused", "not seen in blood before", True),
    "infused_and_preexisting": Head("Infused", "and in blood before", True),
    "preexisting_only": Head("In blood before", "not seen in the product", True),
    "emergent": Head("Emergent", "in none, then in blood", True),
    "tumor_resident": Head("Tumour", "not infused", True),
    "indeterminate": Head("Cannot be told", numeric=True),
}
# Called where samples are deep enough to know a missed clone; of none called it is not known that there are none.
CALLED = {"emergent", "tumor_resident"}
WHOSE: dict[object, str] = {True: "infused", False: "others"}
CALL_WORDS = {"cannot_tell": "Cannot tell"}
LABEL_HEADS = {
    INFUSED: Head("In the product", numeric=True),
    NOT_SEEN: Head("Not seen in it", numeric=True),
    UNDECIDED: Head("Undecided", numeric=True),
    NO_RECEPTOR: Head("No receptor", numeric=True),
}


def origins(results: Results) -> View:
    """Return how many clones of a subject come from where, and how many of them are of another at least.

    A row a subject and locus; a locus of which nothing can be told has none.
    """
    table = results.tables["origin_classes"].sort("subject", "locus", nulls_last=True)
    tumors = results.with_sample("depth").filter(specimen="tumor")
    with_tumor = set(tumors.select("subject", "locus").iter_rows())
    told = table.filter((pl.col("origin") != "indeterminate").any().over("subject", "locus"))
    rows = []
    for (subject, locus), group in told.group_by("subject", "locus", maintain_order=True):
        of = {row["origin"]: row for row in group.iter_rows(named=True)}
        cells = [_origin_cell(origin, of.get(origin, {})) for origin in ORIGINS]
        if (subject, locus) not in with_tumor:
            cells[list(ORIGINS).index("tumor_resident")] = missing("no tumour")
        rows.append([text(str(subject) if subject is not None else None, "name"), text(str(locus)), *cells])
    heads = [Head("Subject"), Head("Locus"), *(ORIGIN_HEADS[origin] for origin in ORIGINS)]
    empty = results.nothing("origin_classes", "No clones were followed from an infusion product.", "tcr")
    return View("Where the clones come from", heads, rows, empty, "tables/origin_classes.csv")


def _origin_cell(origin: str, row: dict[str, object]) -> Cell:
    if not row:
        return missing("none called") if origin in CALLED else Cell("0", kind="number")
    wrong = row["wrong_at_least"]
    note = f"at least {number(float(str(wrong)))} wrong" if wrong else ""
    return Cell(number(float(str(row["clones"]))), note=note, kind="number")


def changes(results: Results) -> View:
    """Return how many clones expanded and contracted between two samples: a row a pair, locus and kind of clone.

    Clones of the product stand apart from all others, as most that expand from it are of blood that comes back.
    """
    names = labels(results)
    samples = results.tables["samples"].select("sample", "subject", "day", "specimen")
    table = results.tables["change"].drop_nulls("p").drop("subject")
    for side in ("before", "after"):
        of = samples.select(pl.all().name.suffix(f"_{side}"))
        table = table.join(of, on=f"sample_{side}", how="left")
    order = (
        "subject_after",
        pl.col("specimen_before") != "infusion_product",
        "day_before",
        "day_after",
        "sample_after",
        "sample_before",
        "locus",
        pl.col("in_product").not_(),
    )
    rows = []
    keys = ["subject_after", "sample_before", "sample_after", "locus", "in_product"]
    for (subject, before, after, locus, infused), group in table.sort(*order, nulls_last=True).group_by(
        keys, maintain_order=True
    ):
        calls = Counter(group["call"].to_list())
        who = [text(None if subject is None else str(subject), "name")]
        who += [text(names.get(str(name), str(name))) for name in (before, after)]
        whose = [text(str(locus)), text(WHOSE.get(infused))]
        rows.append([*who, *whose, count(group.height), *(count(calls[call]) for call in CHANGE_CALLS)])
    heads = [Head("Subject"), Head("From"), Head("To"), Head("Locus"), Head("Clones", "of the product, or not")]
    heads += [Head("Tested", "clones", True)]
    heads += [Head(CALL_WORDS.get(call, call.capitalize()), numeric=True) for call in CHANGE_CALLS]
    return View("Clones that expanded or contracted", heads, rows, "", "tables/change.csv")


def cell_labels(results: Results) -> View:
    """Return how many single cells of each sample are of clones of the product; of those not seen, how many may be."""
    table = results.with_sample("cell_labels")
    heads = [*BRIEFLY, Head("Cells", numeric=True), *(LABEL_HEADS[label] for label in LABELS)]
    rows = []
    for _, group in table.group_by("sample", maintain_order=True):
        found = Counter(group["label"].to_list())
        cells = {label: count(found[label]) for label in LABELS}
        unseen = group.filter(label=NOT_SEEN)["probability"]
        if found[NOT_SEEN]:
            known = unseen.drop_nulls().to_list()
            note = f"about {number(sum(known), 2)} of infused clones" if known else "chance not known"
            cells[NOT_SEEN] = Cell(number(found[NOT_SEEN]), note=note, kind="number")
        with_receptor = group.height - found[NO_RECEPTOR]
        if with_receptor:
            of = f"{share(found[INFUSED] / with_receptor)} % of those with a receptor"
            cells[INFUSED] = Cell(number(found[INFUSED]), note=of, kind="number")
        rows.append([*who_briefly(group.row(0, named=True)), count(group.height), *cells.values()])
    empty = "" if rows else "No single cells were held against a product."
    return View("Single cells held against the product", heads, rows, empty, "tables/cell_labels.csv")
