"""Safety, laboratory results and tumour markers on the page: who is counted, and what is said where nothing is."""

import polars as pl
import pytest

from tests.report.clinical_tables import clinical_tables
from tilseq.report import lab_results, safety, tumor_markers
from tilseq.report.rates import denominators
from tilseq.report.results import TABLES, Results
from tilseq.tables import outputs

NAMES = ("P1", "P2", "P3", "P4", "P5", "P6")


@pytest.fixture
def results(tmp_path):
    tables = {table.name: table.frame() for table in TABLES}
    tables |= {table.name: table.frame(rows) for table, rows in clinical_tables(NAMES, None).items()}
    return Results(tmp_path, tables, frozenset(), {}, {})


def read(cell):
    return " | ".join(filter(None, (cell.text, cell.note))).replace("\N{NO-BREAK SPACE}", " ")


def lines(view):
    return [[read(cell) for cell in row] for row in view.rows]


def test_subjects_are_counted_once_with_their_worst_grade(results):
    # Exact limits of 2, 1 and 0 of 6 by R's binom.test.
    two, one, none = "33 (4-78) | 2 of 6", "17 (0-64) | 1 of 6", "0 (0-46) | 0 of 6"
    assert lines(safety.adverse_events(results)) == [
        ["Any adverse event", two, one, none],
        ["Serious", one, one, none],
        ["Immune-related", none, none, none],
        ["Related to the treatment", two, one, none],
        ["Related to IL-2", two, one, none],
    ]
    assert lines(safety.by_term(results)) == [
        ["general", "any", two, one, none],
        ["general", "chills", two, none, none],
        ["general", "fever", one, one, none],
    ]
    assert safety.denominator(results).startswith("6 subjects treated: infused")
    assert denominators(results) == ["6 infused subjects."]  # of response, not of safety


def test_events_by_period_and_the_listing(results):
    view = safety.by_period(results)
    told = {
        head.group: cell for head, cell in zip(view.heads[1:], lines(view)[0][1:], strict=True) if "Any" in head.text
    }
    assert told["infusion, IL-2"] == "17 (0-64) | 1 of 6"
    assert told["later"] == "17 (0-64) | 1 of 6"
    first, *_ = lines(safety.listing(results))
    assert first == ["P1", "fever | general", "3", "yes", "no", "IL-2", "2", "4", "3", "30 days after", "yes"]
    assert lines(safety.onset(results))[0] == ["Any adverse event", "2", "28 (8 to 48)", "2 (2 to 2)", "1"]


def test_laboratory_terms_by_worst_grade(results):
    view = lab_results.worst_grades(results)
    assert view.title == "Laboratory terms by worst grade, CTCAE 5"
    # One subject, worse than before: exact limits of 1 of 1 from 2.5 % on.
    assert lines(view) == [
        ["Neutrophil count decreased | ANC", "1", "·", "·", "·", "·", "1", "·", *["100 (3-100) | 1 of 1"] * 2]
    ]
    assert ["Neutrophil count decreased | ANC", "all from treatment on", "0", "·", "·", "·", "·", "1", "·"] in lines(
        lab_results.shifts(results)
    )


def test_recoveries_and_what_was_called_significant(results):
    assert lines(lab_results.recoveries(results)) == [
        ["ANC ≥ 0.5", "1", "0", "1", "9 (NE to NE)", "9 to 9", "0", "0"],
        ["ANC ≥ 1", "1", "0", "0", "NE (NE to NE)", "–", "1", "0"],
    ]
    assert lab_results.significance(results) == (
        "A result since treatment began was called clinically significant in 1 of 1 subjects, 100 (3-100) % with exact "
        "95 % limits: subjects of whom the investigator judged a result of the period."
    )
    results.tables["summaries"] = results.tables["summaries"].clear()
    assert lab_results.significance(results) == ""


def test_what_rests_on_an_assumption_or_has_no_grade_is_said(results):
    assert lab_results.remarks(results) == ""
    term, why = "Neutrophil count decreased", "taken as symptomatic; not corrected"
    grades = results.tables["lab_grades"].with_columns(reason=pl.when(pl.col("grade") > 0).then(pl.lit(why)))
    results.tables["lab_grades"] = grades
    rules = ["not graded: no term of CTCAE 5 is known for the test CRP", "not read: ANC: the result is no number"]
    rows = [{"file": "clinical/labs.csv", "rule": rule, "rows": rows} for rule, rows in zip(rules, (2, 3), strict=True)]
    near = "not graded: no term of CTCAE 5 is known for the test Neutrofils; did you mean 'neutrophils'?"
    results.tables["exclusions"] = outputs.EXCLUSIONS.frame([*rows, {"file": "f", "rule": near, "rows": 1}])
    assert lab_results.remarks(results) == (
        f"* {term}: 4 results taken as symptomatic. No grade is of these tests, with their results: CRP (2), "
        "Neutrofils (1). 3 results could not be read, see exclusions."
    )
    assert lines(lab_results.worst_grades(results))[0][0] == f"{term}* | ANC"


def test_a_term_of_which_no_grade_is_known_stands_there(results):
    table = results.tables["lab_shifts"].with_columns(worst_grade=pl.lit(None, pl.Int64))
    results.tables["lab_shifts"] = table
    (row,) = lines(lab_results.worst_grades(results))
    assert row[1:8] == ["1", "·", "·", "·", "·", "·", "1"]
    assert lines(lab_results.significant(results)) == [["P1", "0 of 1", "2 of 5", "ANC, heart rate"]]


def test_without_a_version_it_is_said_why_nothing_is_graded(results):
    results.tables["lab_shifts"] = results.tables["lab_shifts"].clear()
    rule = "not graded: study.yaml names no version of the CTCAE (analysis.clinical.ctcae: 5 or 6)"
    results.tables["exclusions"] = outputs.EXCLUSIONS.frame([{"file": "clinical/labs.csv", "rule": rule, "rows": 9}])
    assert "names no version of the CTCAE" in lab_results.worst_grades(results).empty


def test_markers_and_ca125(results):
    (row,) = lines(tumor_markers.courses(results))
    assert row == [
        "P1", "CA125", "35 | U/mL", "200 | 5.7 × ULN, day −8", "80 | 2.3 × ULN, day 60", "−60.0 %",
        "<100 | day 90",
    ]  # fmt: skip
    assert tumor_markers.others(results) == "Of no panel of the tumour, in tables/marker_courses.csv alone: LDH (1)."
    # At most half of 200 on day 28 and on day 60, 32 days later.
    assert [line[:4] for line in lines(tumor_markers.ca125(results))] == [
        ["P1", "PR", "PR", "28"],
        ["P2", "NE", "–", "–"],
    ]
