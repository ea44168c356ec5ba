"""Safety, laboratory results and tumour markers on the page: who is counted, and what is said where nothing is."""

import polars as pl

from tilseq.report import lab_results, safety, tumor_markers
from tilseq.report.rates import denominators
from tilseq.tables import outputs


def read(cell):
    return " | ".join(filter(None, (cell.text, cell.note))).replace("\N{NO-BREAK SPACE}", " ")


def lines(view):
    return [[read(cell) for cell in row] for row in view.rows]


def test_subjects_are_counted_once_with_their_worst_grade(results):
    # Exact limits of 2, 1 and 0 of 6 by R's binom.test.
    two, one, none = "2 of 6 | 33 % (4-78)", "1 of 6 | 17 % (0-64)", "0 of 6 | 0 % (0-46)"
    assert lines(safety.adverse_events(results)) == [
        ["Any adverse event", two, one, one, none],
        ["Serious", one, one, one, none],
        ["Immune-related", none, none, none, none],
        ["Related to the treatment", two, one, one, none],
        ["Related to IL-2", two, one, one, none],
    ]
    zero, single = "0 (0)", "1 (17)"
    assert lines(safety.by_term(results)) == [
        ["general", "any", two, single, zero, single, zero, zero, one],
        ["general", "chills", two, single, single, zero, zero, zero, none],
        ["general", "fever", one, zero, zero, single, zero, zero, one],
    ]
    assert safety.notes(results)[0].startswith("6 subjects treated: infused")
    assert denominators(results) == ["6 infused subjects."]  # of response, not of safety


def test_events_by_period_and_the_listing(results):
    view = safety.by_period(results)
    told = {
        head.group: cell for head, cell in zip(view.heads[1:], lines(view)[0][1:], strict=True) if "Any" in head.text
    }
    assert "before" not in told  # nobody can have a counted event there
    assert told["infusion, IL-2"] == "1 of 6 | 17 % (0-64)"
    assert told["later"] == "1 of 6 | 17 % (0-64)"
    # In the same order as the classes, and 0 of n where a cause has no event.
    assert [line[0] for line in lines(view)] == [
        "Any adverse event", "Serious", "Immune-related", "Related to the treatment", "Related to IL-2",
    ]  # fmt: skip
    assert "–" not in str(lines(view))
    # By subject and day; a column that says one thing of all is left out.
    every = lines(safety.listing(results))
    assert [line[:3] for line in every] == [
        ["P1", "chills | general", "2"], ["P1", "fever | general", "3"], ["P2", "chills | general", "1"],
    ]  # fmt: skip
    assert lines(safety.severe(results)) == [
        ["P1", "fever | general", "3", "yes", "no", "IL-2", "2", "4", "3", "30 days after"]
    ]


def test_days_of_onset_and_duration_are_medians_of_all_with_limits(results):
    # R's quantile(survfit): onset on days 8 and 48 of six, the others to day 108: NA (8-NA); durations 2 and 61+: 31.5,
    # the middle of a flat at a half (2-NA).
    assert lines(safety.onset(results))[0] == [
        "Any adverse event",
        "2 of 6",
        "NE (8-NE)",
        "0",
        "31.5 (0-NE)",
        "1",
    ]  # 4 subjects: no lower limit


def test_a_rate_stands_where_somebody_at_risk_had_no_event(results):
    rates = lines(safety.event_rates(results))
    assert [line[0] for line in rates[:3]] == ["Any adverse event", "Any adverse event | grade ≥ 3", "Serious"]
    assert rates[0][1:4] == ["3", "2", "2 of 6"]
    everybody = results.tables["adverse_event_rates"].with_columns(first_events=6)
    results.tables["adverse_event_rates"] = everybody
    assert lines(safety.event_rates(results))[0][-1] == "– | all had it"


def test_what_nobody_recorded_has_no_number_and_words_nobody_knows_are_told(results):
    summaries = results.tables["summaries"]
    serious = pl.col("parameter") == "ae_serious"
    numbers = ("numerator", "estimate", "lower", "upper")
    told = pl.col("denominator_text") + "; not recorded of 3 events of 2 subjects"
    results.tables["summaries"] = summaries.with_columns(
        *(pl.when(~serious).then(name).alias(name) for name in numbers),
        pl.when(serious).then(told).otherwise("denominator_text").alias("denominator_text"),
    )
    row = lines(safety.adverse_events(results))[1]
    assert row == ["Serious | not recorded of 3 events of 2 subjects", *["– | not recorded"] * 4]
    why = "related to 'radiotherapy', which is no known word, counted as unspecified"
    results.tables["adverse_event_rows"] = results.tables["adverse_event_rows"].with_columns(reason=pl.lit(why))
    assert safety.notes(results)[-1] == "Words of the relation that are not known count as unspecified: radiotherapy."


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
        ["ANC ≥ 0.5", "1", "0", "1", "9 (0 to NE)", "9 to 9", "0", "0"],
        ["ANC ≥ 1", "1", "0", "0", "NE (0 to NE)", "–", "1", "0"],
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
