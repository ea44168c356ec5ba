from pathlib import Path
from typing import Any

from tilseq.io.write import write_table
from tilseq.report import comparison
from tilseq.report.results import Results, read_results
from tilseq.tables.outputs import COMPARISON, SAMPLES_RUN

SAMPLE = {"sample": "a", "subject": "S1", "visit": "D7", "day": 7, "specimen": "blood", "assay": "flow", "state": "ok"}


def results_of(folder: Path, rows: list[dict[str, Any]]) -> Results:
    write_table(SAMPLES_RUN.frame([SAMPLE]), SAMPLES_RUN, folder / "tables")
    write_table(COMPARISON.frame([{"sample": "a", **row} for row in rows]), COMPARISON, folder / "tables")
    return read_results(folder)


def score(population: str, f1: float | None) -> dict[str, Any]:
    found = {"population": population, "events_a": 100, "events_b": 80, "events_both": 72}
    return found | {"precision": 0.72, "recall": 0.9, "f1": f1, "difference_pct": 25.0}


ROWS = [
    score("Treg", 0.5),
    score("CD3+", 0.98),
    score("CD4+ T", 0.95),
    {"population": "CD8+ T", "events_a": 10},
    {"population": "CD4+ T / CD8+ T", "ratio_a": 1.5, "ratio_b": 2.0, "difference_pct": -25.0},
]


def test_a_tube_has_the_f1_of_its_t_cells_the_smallest_and_both_ratios(tmp_path: Path) -> None:
    view = comparison.agreement(results_of(tmp_path, ROWS))
    (row,) = view.rows
    assert [(cell.text, cell.note) for cell in row[5:]] == [
        ("0.980", ""), ("0.950", ""), ("–", ""), ("0.500", "Treg"), ("1.50", ""), ("2", ""), ("−25", ""),
    ]  # fmt: skip
    assert [group for group, _ in view.groups] == ["", "F1 of automatic and a person’s gates", "CD4/CD8"]


def test_every_population_of_either_gating_stands_by_the_tree(tmp_path: Path) -> None:
    view = comparison.populations_of_both(results_of(tmp_path, ROWS))
    assert [row[4].text for row in view.rows] == ["CD3+", "CD4+ T", "CD8+ T", "CD4+ T / CD8+ T", "Treg"]
    heads = [head.text for head in view.heads]
    assert heads[5:] == ["Automatic", "A person’s", "In both", "Precision", "Recall", "F1", "Difference"]
    assert [cell.text for cell in view.rows[0][5:]] == ["100", "80", "72", "0.720", "0.900", "0.980", "25"]
    assert [cell.text for cell in view.rows[3][5:]] == ["1.50", "2", "–", "–", "–", "–", "−25"]
    assert (view.rows[2][6].text, view.rows[2][6].note) == ("–", "not gated")


def test_a_run_without_a_persons_gates_says_so(tmp_path: Path) -> None:
    view = comparison.agreement(results_of(tmp_path, []))
    assert not view.rows and view.empty == "No tube has a person’s gates beside automatic ones."
