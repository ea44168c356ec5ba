"""Cytokines within cells on the page."""

from tests.report.cytokine_tables import cytokine_tables
from tests.report.made_results import made_results
from tests.report.test_cytokines import lines
from tilseq.report import intracellular


def results(tmp_path, given=True):
    rows = {table.name: rows for table, rows in cytokine_tables(("P1",), None).items()}
    return made_results(tmp_path, rows if given else {})


def test_a_row_a_visit_and_stimulus_and_a_column_a_population(tmp_path):
    view = intracellular.responses(results(tmp_path))
    # The populations of the built-in tree stand first.
    assert [head.text for head in view.heads[5:]] == ["CD4+ T", "CD8+ T", "Treg"]
    assert lines(view) == [
        [
            "P1", "month 1", "30", "IFN-γ", "PMA", "0.05 | (−0.10 to 0.20) / no response",
            "4.0 | (3.4-4.6) / responds / change 3.1 (2.0-4.2)", "– | not evaluable",
        ],
        ["P1", "month 2", "60", "–", "PMA", "– | q: no unstimulated tube", "–", "–"],
    ]  # fmt: skip


def test_every_population_with_its_counts(tmp_path):
    view = intracellular.every_response(results(tmp_path))
    rows = lines(view)
    assert len(rows) == 4
    (of_cd8,) = (row for row in rows if "CD8+ T" in row)
    assert of_cd8 == [
        "P1", "month 1", "IFN-γ | PMA", "CD8+ T", "4.16 | of 5,100", "0.190 | of 4,700", "4.0 | (3.4-4.6)",
        "0.000100", "responds", "3.1 | (2.0-4.2)", "pass",
    ]  # fmt: skip


def test_without_stimulated_tubes_there_is_no_row(tmp_path):
    empty = intracellular.responses(results(tmp_path, given=False))
    assert (list(empty.rows), empty.empty) == ([], "No stimulated tube was held against an unstimulated one.")
