"""Arms of a study compared in time to event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilseq.plots.clinic_words import MONTH
from tilseq.report.readers import is_sensitivity, reader_cell
from tilseq.report.results import Results
from tilseq.report.times import MEANINGS
from tilseq.report.view import Cell, Head, View, count, filled, missing, text
from tilseq.report.words import interval
from tilseq.tables import Row


def arms(results: Results) -> View:
    """Return the comparisons of arms: the test of all, and of each pair hazard ratio and difference of means."""
    table = results.tables["survival_contrasts"]
    found: dict[tuple[str, str | None], dict[str, dict[str, Row]]] = {}
    for row in table.iter_rows(named=True):
        of_endpoint = found.setdefault((row["parameter"], row["reader"]), {})
        of_endpoint.setdefault(row["contrast"], {})[row["method"]] = row
    ends = table.filter(method="rmst_difference")["at_day"].unique().to_list()
    to = f" to day {ends[0]}" if ends else ""
    heads = [Head("Endpoint", "family"), Head("Reader"), Head("Arm", "against"), Head("Subjects", numeric=True)]
    heads += [Head("Events", numeric=True), Head("Hazard ratio", "(limits)", True)]
    heads += [Head("Log-rank", "p, of all arms", True), Head("q", numeric=True)]
    heads += [
        Head("Ratio in time", "p of a change", True),
        Head(f"Difference of means{to}", "months (limits)", True),
    ]
    heads += [Head("Remarks")]
    rows = []
    for (parameter, reader), contrasts in sorted(found.items(), key=lambda item: _place(results, *item[0])):
        of_all = contrasts["arm"]["log_rank"]
        pairs = {contrast: own for contrast, own in contrasts.items() if "cox" in own}
        if not pairs:
            rows.append(_no_pair(results, of_all))
        for contrast, own in pairs.items():
            level, _, reference = contrast.partition(":")[2].partition("/")
            rows.append(
                [
                    Cell(parameter, note=of_all["family"].partition(",")[0], kind="name"),
                    reader_cell(results, reader),
                    Cell(level, note=reference),
                    count(own["cox"]["subjects"]),
                    count(own["cox"]["events"]),
                    _estimate(own["cox"], 1),
                    count(of_all["p"]),
                    count(of_all["q"]),
                    count(own["proportional_hazards"]["p"]),
                    _estimate(own.get("rmst_difference"), MONTH),
                    text("; ".join(_reasons(of_all, *own.values())) or None, "prose"),
                ]
            )
    return filled(View("Arms compared", heads, rows, "No arms were compared.", "tables/survival_contrasts.csv"))


def _no_pair(results: Results, of_all: Row) -> list[Cell]:
    """Return the row of an endpoint of which no two arms can be compared."""
    return [
        Cell(of_all["parameter"], note=of_all["family"].partition(",")[0], kind="name"),
        reader_cell(results, of_all["reader"]),
        missing(),
        count(of_all["subjects"]),
        count(of_all["events"]),
        *(missing() for _ in range(5)),
        text(of_all["reason"], "prose"),
    ]


def _estimate(row: Mapping[str, Any] | None, scale: float) -> Cell:
    if row is None or row["estimate"] is None:
        return Cell("–", kind="missing")
    numbers = (None if row[name] is None else row[name] / scale for name in ("estimate", "lower", "upper"))
    return Cell(interval(*numbers), kind="number")


def _reasons(*rows: Mapping[str, Any]) -> list[str]:
    """Return what the rows remark, each part once."""
    return list(dict.fromkeys(word for row in rows for word in (row["reason"] or "").split("; ") if word))


def _place(results: Results, parameter: str, reader: str | None) -> tuple[int, bool, str]:
    return list(MEANINGS).index(parameter), is_sensitivity(results, reader), reader or ""
