import pytest

from tests.report.clinical_tables import clinical_tables
from tilseq.report.clinical_figures import curve, depths
from tilseq.report.results import TABLES, Results
from tilseq.report.times import further_estimates, reasons, rules_in_words, subject_times, times, times_by_group
from tilseq.tables import outputs

NAMES = ("P1", "P2", "P3", "P4", "P5", "P6")


@pytest.fixture
def results(tmp_path):
    tables = {table.name: table.frame() for table in TABLES}
    tables |= {table.name: table.frame(rows) for table, rows in clinical_tables(NAMES, None).items()}
    rules = {"preset": "lm103", "censoring": "fda", "first_dose": "lymphodepletion"}
    run = {"settings": {"analysis": {"clinical": {"time_to_event": rules}}}}
    return Results(tmp_path, tables, frozenset(), run, {})


def read(cell):
    return " | ".join(filter(None, (cell.text, cell.note)))


def test_a_number_has_its_limits_and_those_at_risk_and_a_word_stands_where_there_is_none(results):
    view = times(results)
    assert [(head.text, head.note) for head in view.heads[4:]] == [
        ("Median", "months (limits)"), ("Day 91", "3 months"), ("Day 183", "6 months"), ("Day 365", "12 months"),
        ("Left out", ""),
    ]  # fmt: skip
    assert [read(cell) for cell in view.rows[0]] == [
        "OS | first infusion", "–", "6", "2", "not reached | (3.3 to not reached)", "100.0 | no limits, 6 at risk",
        "62 (14-89) | 3 at risk", "– | cannot be estimated", "1",
    ]  # fmt: skip
    assert [read(row[0]) for row in view.rows] == [
        "OS | first infusion", "PFS | first infusion", "DOR | first CR or PR", "follow-up | first infusion",
    ]  # fmt: skip
    assert [read(cell) for cell in view.rows[3]][3:6] == ["–", "7.3 (4.6-9.9)", "–"]
    assert {read(row[2]) for row in times_by_group(results).rows} == {"head and neck"}
    assert [read(cell) for cell in further_estimates(results).rows[0]][4:] == [
        "8.2 (5.3-10.5) | 0 at risk", "101 to 301+", "7.3 (4.6-9.9)",
    ]  # fmt: skip


def test_the_rules_are_told_and_what_could_not_be_looked_for(results):
    assert rules_in_words(results) == (
        "Endpoints by preset lm103, the first dose being that of lymphodepletion; "
        "FDA-type censoring where scans decide."
    )
    assert reasons(results) == ["Missed visits not looked for: no schedule."]


def test_each_time_tells_what_ended_it(results):
    rows = [[read(cell) for cell in row] for row in subject_times(results).rows]
    assert rows[:3] == [
        ["P1", name, origin, to, days, "event", "progression on a scan | progression; responses day " + to,
         "missed visits not looked for: no schedule"]
        for name, origin, to, days in (
            ("OS", "first infusion | day 0", "100", "101"),
            ("PFS | investigator", "first infusion | day 0", "60", "61"),
            ("DOR | investigator", "first CR or PR | day 42", "60", "19"),
        )
    ]  # fmt: skip


def test_a_study_without_follow_up_is_told_what_is_missing(tmp_path):
    tables = {table.name: table.frame() for table in TABLES}
    bare = Results(tmp_path, tables, frozenset(), {}, {})
    assert times(bare).empty == "No time to an event was estimated: it needs clinical/followup.csv."
    assert (rules_in_words(bare), reasons(bare)) == ("", [])
    failure = {"step": "survival", "unit": "all subjects", "error": "x", "retry": "x"}
    bare.tables["failures"] = outputs.FAILURES.frame([failure])
    assert times(bare).empty == "No time to an event was estimated: see under failures why."
    assert curve("OS")(bare).is_empty() and depths(bare).is_empty()


def test_readers_are_lines_of_one_curve_and_bars_of_their_own(results):
    estimates, curves = results.tables["survival_estimates"], results.tables["survival_curve"]
    other = {"investigator": "central"}
    for name, frame in (("survival_curve", curves), ("survival_estimates", estimates)):
        twin = frame.filter(parameter="PFS").with_columns(reader=frame.filter(parameter="PFS")["reader"].replace(other))
        results.tables[name] = frame.vstack(twin)
    rows = curve("PFS")(results)
    assert sorted(rows["group"].unique()) == ["central", "investigator"] and rows["reader"].null_count() == rows.height
    assert rows["since"].unique().to_list() == ["first infusion"]
    best = results.tables["best_response"]
    results.tables["best_response"] = best.vstack(best.with_columns(reader=best["reader"].replace(other)))
    assert depths(results)["subject"].to_list() == [
        f"{name} {reader}" for reader in ("investigator", "central") for name in NAMES
    ]
