"""Diversity at a depth that samples have in common."""

from __future__ import annotations

from dataclasses import replace

from tilseq.report.repertoires import CELLS_FROM
from tilseq.report.results import Results
from tilseq.report.rows import BRIEFLY, who_briefly
from tilseq.report.view import Head, View, count, measured, missing, on_two_lines, text
from tilseq.report.words import number
from tilseq.tables.repertoire import STANDARDISED_PARAMETERS

AMONG = {"subject": "samples of one subject", "study": "samples of all subjects"}
NAMES = ("Richness", "Hill q1", "Hill q2")


def common_depth(results: Results, over: str) -> View:
    """Return diversity at equal cells and at equal coverage, a row a sample and locus.

    Parameters
    ----------
    results
        What the run left.
    over
        `subject` or `study`: whose samples have the depth in common.
    """
    table = results.with_sample("diversity").filter(over=over)
    depths = results.tables["depth"]
    source = {tuple(of): told for *of, told in depths.select("sample", "locus", "cells_from").iter_rows()}
    heads = [*BRIEFLY, Head("Locus"), Head("Effective cells", numeric=True)]
    for above, unit in (("At equal cells", "cells"), ("At equal coverage", "")):
        heads += [Head("At", unit, True, group=above), *(Head(name, "clones", True, group=above) for name in NAMES)]
    rows = []
    for _, group in table.group_by("sample", "locus", maintain_order=True):
        first = group.row(0, named=True)
        values = {row["parameter"]: row for row in group.iter_rows(named=True)}
        cells = [values.get(name) for name in STANDARDISED_PARAMETERS]
        found = [
            on_two_lines(measured(row["value"], row["lower"], row["upper"])) if row else missing() for row in cells
        ]
        size = next((row["depth"] for row in cells[:3] if row), None)
        share = next((row["at_coverage"] for row in cells[3:] if row), None)
        told = source.get((first["sample"], first["locus"]))
        rows.append(
            [
                *who_briefly(first),
                text(first["locus"]),
                replace(count(first["n"]), note=CELLS_FROM.get(told or "", "")),
                count(size),
                *found[:3],
                text(number(share)),
                *found[3:],
            ]
        )
    title = f"Diversity at the depth that {AMONG[over]} have in common"
    return View(title, heads, rows, "", "tables/diversity.csv")
