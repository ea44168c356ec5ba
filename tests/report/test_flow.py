from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tilseq.io.write import write_table
from tilseq.report import flow
from tilseq.report.results import Results, read_results
from tilseq.report.view import View
from tilseq.tables import outputs
from tilseq.tables.intracellular import INTRACELLULAR

SAMPLE = {"sample": "a", "subject": "S1", "visit": "D7", "day": 7, "specimen": "blood", "assay": "flow", "state": "ok"}


def results_of(folder: Path, **tables: list[dict[str, Any]]) -> Results:
    by_name = {table.name: table for table in vars(outputs).values() if isinstance(table, outputs.Table)}
    (folder / "tables").mkdir(exist_ok=True)
    for name, rows in {"samples": [SAMPLE], **tables}.items():
        write_table(by_name[name].frame(rows), by_name[name], folder / "tables")
    return read_results(folder)


def told(view: View) -> list[dict[str, str]]:
    """Return each row as head → text and note."""
    heads = [head.text for head in view.heads]
    cells = [[" ".join(filter(None, (cell.text, cell.note))) for cell in row] for row in view.rows]
    return [dict(zip(heads, row, strict=True)) for row in cells]


def endpoint(parameter: str, value: float | None, population: str | None, **more: Any) -> dict[str, Any]:
    row = {name: SAMPLE[name] for name in ("sample", "subject", "visit", "day", "specimen", "assay")}
    of = f"population={population}" if population else None
    row |= {"parameter": parameter, "qualifier": of, "value": value, "unit": "u", "status": "quantified"}
    return row | {"scope": "sample", **more}


def test_the_key_numbers_hold_cells_per_microlitre_of_each_subset_with_their_limits(tmp_path: Path) -> None:
    shares = ((60.0, "CD3+"), (40.0, "CD4+ T"), (50.0, "CD8+ T"))
    rows = [endpoint("percent_of_parent", value, name, lower=value - 1, upper=value + 1) for value, name in shares]
    rows += [endpoint("cells_per_ul", 10 * v, name, lower=9 * v, upper=11 * v) for v, name in shares[:2]]
    rows.append(endpoint("cells_per_ul", 0.0, "CD8+ T", lower=0.0, upper=2.7, status="not_detected"))
    rows.append(endpoint("cd4_cd8_ratio", 0.8, None, lower=0.7, upper=0.9))
    view = flow.t_cells(results_of(tmp_path, endpoints=rows))
    assert [(head.text, head.note) for head in view.heads][5:] == [
        ("CD3+", "% of parent"), ("CD4+", "% of parent"), ("CD8+", "% of parent"), ("CD4/CD8", "ratio"),
        ("CD3+", "cells/µL"), ("CD4+", "cells/µL"), ("CD8+", "cells/µL"),
    ]  # fmt: skip
    assert [(cell.text, cell.note) for cell in view.rows[0][5:]] == [
        ("60.0", "(59.0-61.0)"), ("40.0", "(39.0-41.0)"), ("50.0", "(49.0-51.0)"), ("0.80", "(0.70-0.90)"),
        ("600", "(540-660)"), ("400", "(360-440)"), ("< 2.70", "not detected"),
    ]  # fmt: skip


def test_stimulated_tubes_have_no_row_among_the_t_cells(tmp_path: Path) -> None:
    samples = [{**SAMPLE, "sample": name} for name in ("a", "none", "pma1", "pma2", "lost")]
    samples[-1]["state"] = "failed"
    pair = {"subject": "S1", "specimen": "blood", "marker": "IFN-γ", "population": "CD3+"}
    pair |= {"stimulated": "pma1;pma2", "unstimulated": "none", "response": "no", "verdict": "pass"}
    rows = [endpoint("percent_of_parent", 60.0, "CD3+")]
    rows.append({**endpoint("cytokine_difference_pct", 3.2, "CD3+"), "sample": "pma1"})  # has no number of T cells
    results = results_of(tmp_path, samples=samples, endpoints=rows)
    held = replace(results, tables={**results.tables, "intracellular": INTRACELLULAR.frame([pair])})
    assert [row["Sample"] for row in told(flow.t_cells(held))] == ["a", "lost"]


COUNT = {
    "sample": "a", "population": "CD3+", "parent": "lymphocytes", "events": 510, "parent_events": 735,
    "percent_of_parent": 69.39, "lower": 65.03, "upper": 73.2, "counting_lower": 65.91, "counting_upper": 72.7,
    "gate_lower": 66.81, "gate_upper": 71.32, "cells_per_ul": 1042.9, "cells_per_ul_lower": 892.2,
    "cells_per_ul_upper": 1219.2, "cells_per_ul_method": "counting beads",
    "error_budget": "cells 4.4 %, beads 4.5 %, lot 3.0 %, pipette 3.0 %, gates 2.0 %",
}  # fmt: skip


def test_a_share_has_the_limits_of_counting_and_of_gates_apart(tmp_path: Path) -> None:
    undetected = {**dict.fromkeys(COUNT), "sample": "a", "population": "B", "parent": "CD3-", "events": 0}
    undetected |= {"parent_events": 80, "percent_of_parent": 0.0, "lower": 0.0, "upper": 4.5}
    status = endpoint("percent_of_parent", 0.0, "B", status="not_detected")
    table = told(flow.populations(results_of(tmp_path, counts=[COUNT, undetected], endpoints=[status])))
    assert table[0]["Share"] == "69.4 (65.0-73.2)"
    assert (table[0]["By counting"], table[0]["By gates"]) == ("65.9-72.7", "66.8-71.3")
    assert (table[1]["Share"], table[1]["By counting"], table[1]["By gates"]) == ("< 4.50 not detected", "–", "–")


def test_cells_per_microlitre_stand_with_how_they_were_counted_and_what_adds_to_their_error(tmp_path: Path) -> None:
    why = "counting beads: no bead was counted"
    none = {**COUNT, "population": "NK", "cells_per_ul_method": why, "error_budget": "cells 4.4 %, beads none"}
    none |= dict.fromkeys(("cells_per_ul", "cells_per_ul_lower", "cells_per_ul_upper"))
    not_counted = {"sample": "a", "population": "B", "events": 3}
    status = endpoint("cells_per_ul", None, "NK", status="not_evaluable")
    table = told(flow.absolute_counts(results_of(tmp_path, counts=[COUNT, none, not_counted], endpoints=[status])))
    assert [(row["Population"], row["Cells per µL"], row["Counted by"]) for row in table] == [
        ("CD3+", "1,043 (892-1,219)", "counting beads"),
        ("NK", "– not evaluable", why),
    ]
    assert table[0]["What adds to the error"] == COUNT["error_budget"]


@pytest.mark.parametrize("column", ["counts", "cohort_cuts", "cuts"])
def test_a_table_without_rows_says_so(column: str, tmp_path: Path) -> None:
    results = results_of(tmp_path, **{column: []})
    views = {"counts": flow.populations, "cohort_cuts": flow.usual_thresholds, "cuts": flow.thresholds}
    view = views[column](results)
    assert not view.rows and view.empty.startswith("No ")


def test_stains_that_differ_within_a_panel(tmp_path: Path) -> None:
    shared = {"compared": "panel tbnk", "sample": "a", "bearing": 3, "tubes": 4}
    rows = [{**shared, "marker": "CD4", "channel": "R1-A", "usual_channel": "B2-A"}, {**shared, "marker": "CD45"}]
    view = flow.panel_differences(results_of(tmp_path, panel_differences=rows))
    assert [(row["Stain"], row["Channel"], row["Mostly in"], row["Borne by"]) for row in told(view)] == [
        ("CD4", "R1-A", "B2-A", "3 of 4"),
        ("CD45", "missing", "–", "3 of 4"),
    ]


def test_thresholds_tell_where_they_could_as_well_lie_and_the_usual_ones_what_they_rest_on(tmp_path: Path) -> None:
    cut = {"sample": "a", "gate": "CD8", "parent": "CD3+", "channel": "APC-A", "threshold": 905.0, "lower": 810.0,
           "upper": 1000.0, "separation": 0.93, "source": "valley"}  # fmt: skip
    usual = {"panel": "tbnk", "instrument": "Lyric", "gate": "CD8", "parent": "CD3+",
             "channel": "APC-A", "threshold": 900.0, "lower": 800.0, "upper": 1000.0,
             "mad": 12.5, "tubes": 9}  # fmt: skip
    results = results_of(tmp_path, cuts=[cut], cohort_cuts=[usual])
    assert told(flow.thresholds(results))[0]["Threshold"] == "905 (810-1,000)"
    assert told(flow.usual_thresholds(results)) == [
        {"Panel": "tbnk", "Instrument": "Lyric", "Gate": "CD8", "Channel": "APC-A", "Within": "CD3+",
         "Threshold": "900 (800-1,000)", "MAD": "12.5", "Tubes": "9"},
    ]  # fmt: skip
