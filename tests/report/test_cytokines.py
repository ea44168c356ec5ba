"""Cytokines on the page: levels by visit, plates, and what is said where there is no number."""

from dataclasses import replace

import polars as pl
import pytest

from tests.report.cytokine_tables import cytokine_tables
from tests.report.made_results import made_results
from tilseq.report import cytokines
from tilseq.report.images import pictures
from tilseq.tables import outputs


@pytest.fixture
def results(tmp_path):
    rows = {table.name: rows for table, rows in cytokine_tables(("P1",), None).items()}
    return made_results(tmp_path, rows)


def read(cell):
    own = " | ".join(filter(None, (cell.text, cell.note))).replace("\N{NO-BREAK SPACE}", " ")
    return " / ".join(map(read, cell.stack)) if cell.stack else own


def lines(view):
    return [[read(cell) for cell in row] for row in view.rows]


def test_a_row_a_subject_and_analyte_and_a_column_a_visit(results):
    view = cytokines.levels(results)
    assert [(head.text, head.note) for head in view.heads[2:]] == [
        ("screening", "day −35"), ("week 1", "day 7"), ("month 1", "day 30"),
    ]  # fmt: skip
    assert lines(view) == [
        ["P1", "IFN-gamma", "< 3.20 | not detected, baseline", "80 | (53-120) / × ≥ 17", "12 | (8-18) / × ≥ 2.5"],
        [
            "P1", "TGF-beta1 | total", "12,000 | (8,000-18,000) / baseline",
            "6,000 | (4,000-9,000) / × 0.50 (0.30-0.80)", "> 50,000 | above the range",
        ],
    ]  # fmt: skip


def test_a_visit_without_a_day_comes_last(results):
    table = results.tables["cytokine_levels"]
    results.tables["cytokine_levels"] = table.with_columns(day=pl.when(pl.col("visit") != "week 1").then("day"))
    heads = [head.text for head in cytokines.levels(results).heads[2:]]
    assert heads == ["screening", "month 1", "week 1"]


def test_of_several_specimens_each_has_a_row(results):
    table = results.tables["cytokine_levels"]
    serum = table.filter(visit="week 1", analyte="IFN-gamma").with_columns(
        specimen=table["specimen"][:1].replace("plasma", "serum")
    )
    results.tables["cytokine_levels"] = table.vstack(serum)
    assert [row[1] for row in lines(cytokines.levels(results))[:2]] == [
        "IFN-gamma | plasma",
        "TGF-beta1 | total, plasma",
    ]


def test_plates_with_what_their_numbers_rest_on(results):
    failed = {"step": "cytokine_plates", "unit": "plate 2", "error": "no such kit", "retry": ""}
    results.tables["failures"] = outputs.FAILURES.frame([failed])
    assert lines(cytokines.plates(results)) == [
        [
            "plate 1", "3", "41 (9)", "1 warn, 1 fail | of 3", "1 of 1", "1 of 2 | 1, by nominal 1", "30 | (20-40), C6",
            "3 of 3",
        ],
        ["plate 2", "– | failed, see under failures", *["–"] * 6],
    ]  # fmt: skip
    assert lines(cytokines.curves(results)) == [["plate 1", "IFN-gamma", "4PL", "7", "1.50", "2.44 to 10,000", "pass"]]
    assert lines(cytokines.dilution_errors(results)) == [["plate 1", "C6", "1.30 (1.20-1.40)", "6"]]
    # What failed stands first.
    assert [row[1] for row in lines(cytokines.doubted_beads(results))] == ["B01", "A02"]


def test_both_concentrations_of_the_standards_are_counted_by_one_rule(results):
    # C7 is given back as 100 %, C6 as 130 % of its nominal and 100 % of its true concentration; wells of C7 disagree
    level = results.tables["standard_recovery"]["level"]
    results.tables["standard_recovery"] = results.tables["standard_recovery"].with_columns(
        recovery_pct=pl.lit(100.0),
        cv_pct=(level == "C7").replace_strict({True: 31.0, False: 5.0}),
        within=level == "C6",
    )
    assert read(cytokines.plates(results).rows[0][5]) == "1 of 2 | 2, by nominal 1"


def test_what_is_to_be_said_of_the_levels(results):
    assert cytokines.doubts(results) == []
    sample = {
        "sample": "x",
        "subject": "P2",
        "visit": "D7",
        "specimen": "plasma",
        "assay": "cytokine",
        "state": "failed",
    }
    results.tables["samples"] = outputs.SAMPLES_RUN.frame([sample])
    table = results.tables["cytokine_levels"]
    reason = "no baseline: no plasma from before lymphodepletion gave a number or a limit; other words"
    results.tables["cytokine_levels"] = table.with_columns(reason=table["subject"].replace("P1", reason))
    assert cytokines.doubts(results) == [
        "Without a number: x (not finished).",
        "P1: no specimen from before treatment gave a number or a limit, so there is no fold change.",
    ]


def test_the_figure_of_all_subjects_stands_apart_from_those_of_one(results, tmp_path):
    folder = tmp_path / "figures" / "cytokines"
    folder.mkdir(parents=True)
    for name in ("all-levels", "all-cytokines_P1"):
        (folder / f"{name}.svg").write_text("<svg/>")
    found = pictures(replace(results, folder=tmp_path))
    assert [picture.file for picture in found["cytokines:cohort"]] == ["figures/cytokines/all-levels.svg"]
    assert [picture.file for picture in found["cytokines"]] == ["figures/cytokines/all-cytokines_P1.svg"]


def test_without_a_plate_the_page_says_so(tmp_path):
    empty = made_results(tmp_path, {})
    assert (
        cytokines.levels(empty).empty
        == "No cytokine of a subject was measured. Samples that could have given some: none, as samples.csv lists none "
        "of cytokine."
    )
    assert cytokines.doubts(empty) == []
