import polars as pl
import pytest

from tests.report.clinical_tables import clinical_tables
from tests.report.made_results import made_results
from tilseq.report.arms import arms
from tilseq.report.clinical_figures import change_caption, changes, curve, curve_caption, depth_caption, depths
from tilseq.report.readers import headline_reader, readers_in_words
from tilseq.report.times import (
    doubts,
    follow_up_in_words,
    further_estimates,
    limits_in_words,
    reasons,
    rules_in_words,
    subject_times,
    times,
    times_by_arm,
    times_by_group,
)
from tilseq.tables import outputs, survival

NAMES = ("P1", "P2", "P3", "P4", "P5", "P6")


@pytest.fixture
def results(tmp_path):
    rows = {table.name: rows for table, rows in clinical_tables(NAMES, None).items()}
    rules = {"preset": "lm103", "censoring": "fda", "first_dose": "lymphodepletion"}
    run = {"settings": {"analysis": {"clinical": {"time_to_event": rules}}}}
    return made_results(tmp_path, rows, run)


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
        "62 (14-89) | 3 at risk", "– | nobody followed so long", "1",
    ]  # fmt: skip
    assert [read(row[0]) for row in view.rows] == [
        "OS | first infusion", "PFS | first infusion", "DOR | first CR or PR", "follow-up | first infusion",
    ]  # fmt: skip
    assert [read(cell) for cell in view.rows[3]][3:6] == ["–", "7.3 (4.6-9.9)", "–"]
    assert {read(row[2]) for row in times_by_group(results).rows} == {"head and neck"}
    assert [read(cell) for cell in further_estimates(results).rows[0]][4:] == [
        "8.2 (5.3-10.5) | 0 at risk", "101 to 301+", "7.3 (4.6-9.9)",
    ]  # fmt: skip


def test_events_have_their_kinds_those_left_out_their_reasons_and_follow_up_stands_first(results):
    table = results.tables["time_to_event"]
    why = {"event": None, "days": None, "end_day": None, "rule": "not_evaluable", "reason": "no x; not infused"}
    lost = table.filter(parameter="PFS", subject="P6").with_columns(
        *(pl.lit(value, table.schema[name]).alias(name) for name, value in why.items())
    )
    dead = table.filter(parameter="PFS", subject="P5").with_columns(rule=pl.lit("death"))
    rest = table.filter(~((pl.col("parameter") == "PFS") & pl.col("subject").is_in(["P5", "P6"])))
    results.tables["time_to_event"] = pl.concat([rest, lost, dead])
    rows = {row[0].text: [read(cell) for cell in row] for row in times(results).rows}
    assert (rows["PFS"][3], rows["PFS"][-1]) == ("2 | 4 progressions, 1 death", "1 | 1 not infused")
    assert rows["OS"][3] == "2"
    assert follow_up_in_words(results) == (
        "Median follow-up 7.3 months (4.6 to 9.9) from the first infusion, by reverse Kaplan-Meier."
    )
    words = [read(row[5]) for row in subject_times(results).rows if read(row[1]) == "OS"]
    assert words == ["event", "alive"] * 3


def test_a_time_to_response_has_its_range(results):
    estimates = results.tables["survival_estimates"].filter(parameter="DOR", group="all")
    results.tables["survival_estimates"] = estimates.with_columns(parameter=pl.lit("TTR"))
    assert read(times(results).rows[0][4]) == "not reached | (3.3 to not reached), range 101 to 301+ days"


def test_the_rules_are_told_and_what_could_not_be_looked_for(results):
    assert rules_in_words(results) == (
        "Endpoints by preset lm103, the first dose being that of lymphodepletion; "
        "FDA-type censoring where scans decide."
    )
    assert limits_in_words(results) == (
        "Limits of medians and shares: beta product (Fay 2013); analysis.clinical.survival.interval sets others "
        "(beta_product holds in small trials, log-log is SAS’s, log R’s)."
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
    bare = made_results(tmp_path, {})
    assert times(bare).empty == "No time to an event was estimated: it needs clinical/followup.csv."
    assert (rules_in_words(bare), limits_in_words(bare), reasons(bare)) == ("", "", [])
    failure = {"step": "survival", "unit": "all subjects", "error": "x", "retry": "x"}
    bare.tables["failures"] = outputs.FAILURES.frame([failure])
    assert times(bare).empty == "No time to an event was estimated: see under failures why."
    assert curve("OS")(bare).is_empty() and depths(bare).is_empty()


def test_the_spider_ends_with_the_data_cut(tmp_path):
    seen = [(-8, 50.0, None), (42, 30.0, -40.0), (84, 60.0, 20.0)]
    rows = [{"subject": name, "day": day, "sum_mm": total, "change_from_baseline_pct": change,
             "baseline": day < 0, "targets": 1, "targets_measured": 1}
            for name in ("P1", "P2") for day, total, change in seen]  # fmt: skip
    best = [{"subject": name, "source": "derived", "confirmation": "required", "best_response": "SD", "rule": "x",
             "data_cut_day": cut} for name, cut in (("P1", 83), ("P2", None))]  # fmt: skip
    drawn = changes(made_results(tmp_path, {"response": rows, "best_response": best}))
    assert drawn.select("subject", "day").rows() == [("P1", -8), ("P1", 42), ("P2", -8), ("P2", 42), ("P2", 84)]


def read_by(results, *names):
    """Give every row of scans to each of these readers."""
    for name in ("survival_curve", "survival_estimates", "best_response", "time_to_event"):
        frame = results.tables[name]
        own = frame.drop_nulls("reader")
        twins = [own.with_columns(reader=pl.lit(reader)) for reader in names]
        results.tables[name] = pl.concat([frame.filter(pl.col("reader").is_null()), *twins])


def test_figures_are_of_the_endpoints_reader_and_others_are_for_sensitivity(results):
    read_by(results, "central", "investigator")
    rows = curve("PFS")(results)
    assert (rows["group"].unique().to_list(), rows["reader"].unique().to_list()) == (["all"], ["investigator"])
    assert curve_caption(rows).endswith("Read by investigator.")
    assert depths(results)["reader"].unique().to_list() == ["investigator"]
    assert depths(results)["subject"].to_list() == list(NAMES)
    assert depth_caption(depths(results)).endswith("so a CR may lie above -100 %. Read by investigator.")
    dashed = "Dashed are -30 %, where PR begins, and +20 %, where PD does of a sum that was never below the baseline."
    assert dashed in depth_caption(depths(results)) and dashed in change_caption(depths(results))
    assert [read(row[1]) for row in times(results).rows] == [
        "–", "investigator", "central | sensitivity", "investigator", "central | sensitivity", "–",
    ]  # fmt: skip
    assert readers_in_words(results) == (
        "The reading of investigator is the endpoint; numbers of other readers are for sensitivity."
    )
    results.run["settings"]["analysis"]["clinical"]["endpoint_reader"] = "central"
    assert headline_reader(results) == "central"
    assert depths(results)["reader"].unique().to_list() == ["central"]


def test_where_nobodys_reading_is_the_endpoint_readers_are_lines_and_bars_of_their_own(results):
    read_by(results, "A", "B")
    rows = curve("PFS")(results)
    assert sorted(rows["group"].unique()) == ["A", "B"] and rows["reader"].null_count() == rows.height
    assert rows["since"].unique().to_list() == ["first infusion"]
    assert depths(results)["subject"].to_list() == [f"{name} {reader}" for reader in ("A", "B") for name in NAMES]
    assert {read(row[1]) for row in times(results).rows} == {"–", "A", "B"}
    assert readers_in_words(results).startswith(
        "Nobody’s reading is the endpoint, as analysis.clinical.endpoint_reader"
    )


def test_one_reader_needs_no_words(results):
    assert (readers_in_words(results), headline_reader(results)) == ("", "investigator")


def in_two_arms(results):
    """Give all of all subjects to two arms as well."""
    for name in ("survival_curve", "survival_estimates"):
        of_all = results.tables[name].filter(group="all")
        arms = [of_all.with_columns(group=pl.lit(f"arm={arm}")) for arm in ("TIL", "control")]
        results.tables[name] = pl.concat([results.tables[name], *arms])
    common = {"parameter": "OS", "subjects": 6, "events": 2, "family": "exploratory", "exploratory": True}
    pair = common | {"contrast": "arm:control/TIL"}
    results.tables["survival_contrasts"] = survival.SURVIVAL_CONTRASTS.frame([
        common | {"contrast": "arm", "method": "log_rank", "statistic": 1.0, "df": 1, "p": 0.04, "q": 0.08},
        pair | {"method": "cox", "estimate": 2.0, "lower": 1.1, "upper": 3.6, "p": 0.03, "reason": "few; fewer"},
        pair | {"method": "proportional_hazards", "statistic": 0.1, "df": 1, "p": 0.7},
        pair | {"method": "rmst_difference", "at_day": 365, "estimate": -60.875, "lower": -121.75, "upper": 30.4375,
                "reason": "few"},
    ])  # fmt: skip


def test_arms_have_rows_lines_and_a_hazard_ratio(results):
    assert not arms(results).rows and not times_by_arm(results).rows
    in_two_arms(results)
    assert {read(row[2]) for row in times_by_arm(results).rows} == {"TIL", "control"}
    assert {read(row[2]) for row in times_by_group(results).rows} == {"head and neck"}
    assert sorted(curve("OS")(results)["group"].unique()) == ["arm=TIL", "arm=control"]
    assert [read(cell) for cell in arms(results).rows[0]] == [
        "OS | exploratory", "control | TIL", "6", "2", "2.0 (1.1-3.6)", "0.0400", "0.0800", "0.700",
        "−2.0 (−4.0 to 1.0)", "few; fewer",
    ]  # fmt: skip


def test_an_endpoint_of_which_no_two_arms_can_be_compared_has_a_row_of_its_own(results):
    in_two_arms(results)
    why = "cannot be estimated: nobody has a time to PFS"
    row = {"parameter": "PFS", "contrast": "arm", "method": "log_rank", "subjects": 0, "events": 0,
           "family": "primary", "exploratory": False, "reason": why}  # fmt: skip
    known = results.tables["survival_contrasts"]
    results.tables["survival_contrasts"] = pl.concat([known, survival.SURVIVAL_CONTRASTS.frame([row])])
    assert [read(cell) for cell in arms(results).rows[1]] == ["PFS | primary", "–", "0", "0", *["–"] * 5, why]


def test_what_the_estimates_say_against_themselves_is_told_once(results):
    assert doubts(results) == []
    few = "fewer than 20 subjects: log-log limits may hold less than they say, those of beta_product hold"
    told = [f"{few}; 2 of 5 TTP events are deaths of unknown cause", few]
    estimates = results.tables["survival_estimates"]
    reasons_of = pl.Series("reason", (told * estimates.height)[: estimates.height])
    method = pl.lit("Kaplan-Meier, log-log 95 %")
    results.tables["survival_estimates"] = estimates.with_columns(reasons_of, method=method)
    results.run["settings"]["analysis"]["clinical"]["time_to_event"]["unknown_death_cause"] = "tumor"
    unscanned = (
        "1 of 5 PFS events is a death without any adequate assessment, and 2 alive without one censored on the origin"
    )
    one = results.tables["survival_estimates"].head(1).with_columns(reason=pl.lit(unscanned))
    known = results.tables["survival_estimates"]
    results.tables["survival_estimates"] = one
    assert doubts(results) == [f"{unscanned}."]
    results.tables["survival_estimates"] = known
    assert doubts(results) == [
        "2 of 5 TTP events are deaths of unknown cause, counted as from the tumour.",
        "Where a group has fewer than 20 subjects, or fewer than 5 are at risk, limits by log-log may hold less than "
        "95 %; those of beta_product hold, and are wider.",
    ]
