import polars as pl
import pytest

from tilseq.io.write import write_table
from tilseq.report.glance import glance
from tilseq.report.results import read_results
from tilseq.tables import Table, best_response, outputs, safety
from tilseq.tables import repertoire as repertoire_tables


def sample(name, subject, day, assay, state="ok", specimen="blood"):
    return {"sample": name, "subject": subject, "visit": f"D{day}", "day": day, "specimen": specimen, "assay": assay,
            "state": state}  # fmt: skip


def number(name, subject, day, parameter, value, lower=None, upper=None, **more):
    assay = "tcr" if parameter == "persistence_mass" else "flow"
    return {"sample": name, "subject": subject, "day": day, "parameter": parameter, "value": value, "lower": lower,
            "upper": upper, "specimen": "blood", "assay": assay, "unit": "u", "status": "quantified",
            "scope": "sample", **more}  # fmt: skip


def mass(name, subject, day, value, lower=None, upper=None, **more):
    qualifier = "locus=TRB;reference=infusion_product"
    return number(name, subject, day, "persistence_mass", value, lower, upper, **{"qualifier": qualifier, **more})


def table_of(folder, **tables):
    everything = (
        *vars(best_response).values(),
        *vars(outputs).values(),
        *vars(repertoire_tables).values(),
        *vars(safety).values(),
    )
    by_name = {table.name: table for table in everything if isinstance(table, Table)}
    (folder / "tables").mkdir(exist_ok=True)
    for name, rows in tables.items():
        write_table(by_name[name].frame(rows), by_name[name], folder / "tables")
    view = glance(read_results(folder))

    def read(cell):
        parts = cell.stack or (cell,)
        return "; ".join(" ".join([*(c.label for c in p.chips), p.text, p.note]).strip() for p in parts)

    heads = [" ".join(filter(None, (head.text, head.note))) for head in view.heads]
    return view, heads, {row[0].text: [read(cell).replace("\u00a0", " ") for cell in row[1:]] for row in view.rows}


def test_one_row_a_subject_tells_response_clones_t_cells_and_samples(tmp_path):
    at = {"subject": "S1", "reader": "r", "targets": 1, "targets_measured": 1}
    shares = {"qualifier": "parent=lymphocytes;population=CD3+"}
    view, heads, rows = table_of(
        tmp_path,
        samples=[
            sample("t0", "S1", -10, "tcr"), sample("t1", "S1", 7, "tcr"), sample("t2", "S1", 28, "tcr", "warn"),
            sample("f2", "S1", 28, "flow", "fail"), sample("f3", "S1", 84, "flow", "failed"),
            sample("x", "S2", 7, "flow"),
        ],
        response=[
            {**at, "day": -10, "baseline": True, "sum_mm": 80.0},
            {**at, "day": 42, "baseline": False, "recorded": "SD", "change_from_baseline_pct": 5.0},
            {**at, "day": 84, "baseline": False, "response": "PD", "change_from_baseline_pct": 31.0,
             "reason": "new lesion N1"},
        ],
        endpoints=[
            mass("tm", "S1", -30, 0.5), mass("t0", "S1", -10, 0.01, 0.005, 0.02), mass("t1", "S1", 7, 0.6, 0.5, 0.7),
            mass("t2", "S1", 28, 0.2, 0.15, 0.25),
            number("f2", "S1", 28, "percent_of_parent", 71.0, 70.0, 72.0, **shares),
            number("f1", "S1", 7, "percent_of_parent", 50.0, 49.0, 51.0, **shares),
            number("f2", "S1", 28, "cd4_cd8_ratio", 2.0, status="detected_below_loq"),
            number("f3", "S1", 84, "cd4_cd8_ratio", None, status="not_evaluable"),
        ],
    )  # fmt: skip
    assert heads == [
        "Subject", "Response last assessment; change of the sum", "Baseline last before day 0",
        "Highest after the infusion", "Latest after the infusion", "CD3+ latest, % of lymphocytes",
        "CD4/CD8 latest, ratio", "Samples not ok",
    ]  # fmt: skip
    assert [(group, len(below)) for group, below in view.groups] == [
        ("", 2), ("Blood repertoire held by clones of the infusion product, % of TRB", 3), ("", 3),
    ]  # fmt: skip
    assert rows == {
        "S1": [
            "PD  derived, day 84, +31.0 %: new lesion N1",
            "1.0 (0.5-2.0) day −10",
            "60 (50-70) day 7",
            "20 (15-25) day 28, with warnings",
            "71.0 (70.0-72.0) day 28, failed quality",
            "2 day 28, below the limit of quantification, failed quality",
            "3 of 5 1 with warnings, 1 failed quality, 1 not finished",
        ],
        "S2": ["–", "–", "–", "–", "–", "–", "0 of 1"],
    }


def test_days_after_the_infusion_without_a_number_stand_beside_the_highest_of_the_others(tmp_path):
    """Of S1 the tube of day 7 was another's; day 28 has a second library without a number, S2 lacks nothing."""
    _, _, rows = table_of(
        tmp_path,
        samples=[
            sample("a0", "S1", -10, "tcr"), sample("a1", "S1", 7, "tcr", "fail"), sample("a2", "S1", 28, "tcr"),
            sample("a3", "S1", 28, "tcr"), sample("b1", "S2", 7, "tcr"), sample("f", "S2", 84, "flow"),
        ],
        endpoints=[
            mass("a1", "S1", 7, None, status="not_evaluable"), mass("a2", "S1", 28, 0.2, 0.15, 0.25),
            mass("b1", "S2", 7, 0.6, 0.5, 0.7),
        ],
    )  # fmt: skip
    assert {name: cells[:3] for name, cells in rows.items()} == {
        "S1": ["–", "20 (15-25) day 28, day 7 without a number", "20 (15-25) day 28"],
        "S2": ["–", "60 (50-70) day 7", "60 (50-70) day 7"],
    }


def test_t_cells_that_were_not_seen_are_below_a_limit_and_unlike_parents_are_told(tmp_path):
    of = "parent={};population=CD3+"
    _, heads, rows = table_of(
        tmp_path,
        samples=[sample("a", "S1", 28, "flow"), sample("b", "S2", 28, "flow")],
        endpoints=[
            number("a", "S1", 28, "percent_of_parent", 0.0, 0.0, 0.6, status="not_detected",
                   qualifier=of.format("lymphocytes")),
            number("b", "S2", 28, "percent_of_parent", 50.0, 49.0, 51.0, qualifier=of.format("live")),
        ],
    )  # fmt: skip
    assert heads[1] == "CD3+ latest, % of parent"
    assert [rows[name][0] for name in ("S1", "S2")] == [
        "< 0.600 not detected, of lymphocytes, day 28",
        "50.0 (49.0-51.0) of live, day 28",
    ]


def test_the_confirmed_best_response_stands_beside_the_last_one_of_each_reader_who_differs(tmp_path):
    own = {"subject": "S1", "source": "recorded", "rule": "confirmed_pr"}
    told = [("A", "required", "PR"), ("A", "not_required", "CR"), ("B", "required", "not_assessed")]
    best = [{**own, "reader": who, "confirmation": how, "best_response": word} for who, how, word in told]
    _, heads, rows = table_of(tmp_path, samples=[sample("t", "S1", 7, "tcr"), sample("u", "S2", 7, "tcr")],
                              best_response=best)  # fmt: skip
    assert heads[1] == "Best response CR and PR confirmed"
    assert (rows["S1"][0], rows["S2"][0]) == ("PR  A; not assessed  B", "–")


@pytest.mark.parametrize(
    ("days", "timing", "baseline", "latest"),
    [((-3, 0), "pre", "day 0", "–"), ((-3, 0), "post", "day −3", "day 0"), ((-3, 0), None, "day −3", "–")],
)
def test_blood_of_day_0_is_before_or_after_only_where_it_says_so(days, timing, baseline, latest, tmp_path):
    rows = [mass(f"t{day}", "S1", day, 0.5, timing=timing if day == 0 else None) for day in days]
    _, _, told = table_of(tmp_path, endpoints=rows)
    assert [cell.removeprefix("50 ") for cell in told["S1"]] == [baseline, latest, latest]


def test_what_was_not_seen_is_told_with_its_limit_and_never_as_0(tmp_path):
    held = {"sample": "t", "locus": "TRB", "measure": "mass", "value": 0.0, "limit_of_detection": 0.0004}
    rows = [mass("t", "S1", 7, 0.0, 0.0, 0.0005, status="not_detected")]
    _, _, told = table_of(tmp_path, endpoints=rows, persistence=[held])
    assert told["S1"] == ["–", "not seen below 0.0400 %, day 7", "not seen below 0.0400 %, day 7"]


def test_numbers_of_another_locus_or_assay_are_not_mixed_in(tmp_path):
    other = {"qualifier": "locus=TRA;reference=infusion_product"}
    rows = [mass("a", "S1", 7, 0.5), mass("a", "S1", 7, 0.9, **other), mass("b", "S1", 28, 0.4),
            mass("c", "S1", 28, 0.8, assay="scrna")]  # fmt: skip
    _, _, told = table_of(tmp_path, endpoints=rows)
    assert told["S1"] == ["–", "50 day 7, tcr", "40 day 28, tcr"]


def test_a_study_without_any_data_of_a_kind_has_no_column_for_it(tmp_path):
    assert table_of(tmp_path, samples=[sample("f", "S1", 7, "flow")])[1] == ["Subject", "Samples not ok"]


def test_it_is_the_first_thing_after_the_headline(good_out):
    from tilseq.report import render

    html = render(good_out).read_text(encoding="utf-8")
    assert html.index("</nav>") < html.index("Subjects at a glance") < html.index('id="study"')
    assert pl.read_parquet(good_out / "tables" / "samples.parquet")["subject"].n_unique() == html[
        html.index('id="subjects"') : html.index('id="study"')
    ].count('<th scope="row"')


def test_adverse_events_of_each_subject_are_told(tmp_path):
    worst = {"parameter": "worst_adverse_event_grade", "unit": "grade", "status": "quantified", "scope": "sample"}
    event = {"subject": "S1", "term": "x", "grade": 3, "counted": True}
    _, heads, rows = table_of(
        tmp_path,
        endpoints=[{**worst, "subject": f"S{i}", "value": grade} for i, grade in ((1, 3.0), (2, 0.0), (3, 1.0))],
        adverse_event_rows=[
            {**event, "serious": True}, {**event, "serious": False}, {**event, "serious": True, "counted": False},
            {**event, "subject": "S3", "grade": 1, "serious": False},
        ],
    )  # fmt: skip
    assert heads == ["Subject", "Adverse events worst grade"]
    assert rows == {"S1": ["3 1 serious"], "S2": ["none"], "S3": ["1 none serious"]}
