import re

import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.plots.reading import adverse_event_table, rates_table, survival_table

RATES = pl.DataFrame(
    [
        ("infused", group, "ORR", "confirmation=required", k, n, "subjects who were infused", k / n, low, high, "exact")
        for group, k, n, low, high in (("all", 48, 153, 0.2411, 0.3936), ("tumor_type=nsclc", 0, 10, 0.0, 0.3085))
    ],
    schema=["population", "group", "parameter", "qualifier", "numerator", "denominator", "denominator_text", "estimate",
            "lower", "upper", "method"],
    orient="row",
)  # fmt: skip
ESTIMATES = pl.DataFrame(
    [
        ("OS", "all", "median", None, 30, 12, None, None, 190.0, None, "not reached", None, "not reached", "d"),
        ("OS", "all", "survival_at", 183, 30, 12, 20, 0.7, 0.6, 0.8, None, None, None, "fraction"),
    ],
    schema=["parameter", "group", "quantity", "at_day", "subjects", "events", "at_risk", "estimate", "lower", "upper",
            "estimate_text", "lower_text", "upper_text", "unit"],
    orient="row",
    infer_schema_length=None,
).with_columns(reader=pl.lit(None, pl.String), method=pl.lit("Kaplan-Meier, beta product (Fay 2013) 95 %"))  # fmt: skip


def cells(table):
    html = table.as_raw_html()
    body = html[html.index('<tbody class="gt_table_body">') :]
    return [re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", body, re.S)]


def test_rates_with_limits_and_what_they_are_of():
    assert cells(rates_table(RATES)) == [
        "ORR (confirmation: required)",
        "all", "48 of 153", "31.4", "24.1 to 39.4",
        "NSCLC", "0 of 10", "0.0", "0.0 to 30.9",
        "subjects who were infused.", "Limits: exact.",
    ]  # fmt: skip


def test_confirmed_orr_and_dcr_stand_above_best_responses():
    kinds = [("BOR", "required"), ("DCR", "not_required"), ("ORR", "not_required"), ("DCR", "required"),
             ("ORR", "required")]  # fmt: skip
    rows = [
        RATES.head(1).with_columns(parameter=pl.lit(name), qualifier=pl.lit(f"confirmation={how}"))
        for name, how in kinds
    ]
    assert [cell for cell in cells(rates_table(pl.concat(rows))) if "confirmation" in cell] == [
        "ORR (confirmation: required)", "DCR (confirmation: required)", "ORR (confirmation: not required)",
        "DCR (confirmation: not required)", "BOR (confirmation: required)",
    ]  # fmt: skip


def test_a_rate_of_nobody_is_no_number():
    nobody = RATES.head(1).with_columns(
        numerator=0, denominator=0, estimate=pl.lit(None, pl.Float64), lower=pl.lit(0.0), upper=pl.lit(1.0)
    )
    assert cells(rates_table(nobody))[1:5] == ["all", "0 of 0", "–", "0.0 to 100.0"]


def test_rows_of_two_populations_are_told_apart():
    enrolled = RATES.head(1).with_columns(population=pl.lit("enrolled"))
    assert cells(rates_table(pl.concat([RATES.head(1), enrolled])))[1:7:4] == ["all, infused", "all, enrolled"]


def test_words_stand_where_there_is_no_number():
    assert cells(survival_table(ESTIMATES.to_pandas())) == [
        "OS",
        "all", "30", "12", "median", "", "not reached", "6.2 to not reached",
        "all", "30", "12", "without an event at day 183", "20", "70.0 %", "60.0 to 80.0",
        "Limits: Kaplan-Meier, beta product (Fay 2013) 95 %.",
    ]  # fmt: skip


def test_the_page_is_the_same_each_time_asks_nothing_of_any_other_and_runs_nothing():
    hostile = RATES.with_columns(group=pl.lit("<script>alert(1)</script>"), denominator_text=pl.lit("<img src=x>"))
    once, again = (rates_table(hostile).as_raw_html() for _ in range(2))
    assert once == again
    assert not re.search(r"https?:|@import|<script|<img|<link", once)


def test_a_table_without_rows_or_a_column_is_refused():
    with pytest.raises(AnalysisError, match="nothing to show"):
        rates_table(RATES.clear())
    with pytest.raises(AnalysisError, match="needs this column"):
        survival_table(ESTIMATES.drop("unit"))


def test_adverse_events_by_system_term_and_worst_grade():
    shares = {"any": 2, "1": 0, "2": 1, "3": 0, "4": 0, "5": 1, "3_5": 1}
    cell = {f"n_{grade}": n for grade, n in shares.items()} | {f"pct_{grade}": 25.0 * n for grade, n in shares.items()}
    place = {"population": "treated", "group": "all", "period": "any", "subjects": 4}
    table = pl.DataFrame(
        [
            {**place, "soc": None, "term": None, **cell},
            {**place, "soc": "gut", "term": None, **cell},
            {**place, "soc": "gut", "term": "nausea", **cell},
            {**place, "soc": None, "term": "ache", **cell},
            {**place, "period": "later", "soc": None, "term": None, **cell},
        ],
        infer_schema_length=None,
    )
    row = ["2 (50)", "0 (0)", "1 (25)", "0 (0)", "0 (0)", "1 (25)", "1 (25)"]
    assert cells(adverse_event_table(table)) == [
        "Any", "any", *row, "gut", "any", *row, "nausea", *row, "Not coded", "ache", *row,
        "Subjects (%) of 4 treated, each once a line. Grades 1 to 5 are those of the worst event.",
    ]  # fmt: skip
    assert cells(adverse_event_table(table, period="later"))[-1] == "Begun in the period later."
    with pytest.raises(AnalysisError, match="no row"):
        adverse_event_table(table, group="arm=A")


def test_one_subject_of_many_is_not_no_per_cent():
    counts = {"any": 299, "1": 299, "2": 0, "3": 0, "4": 0, "5": 0, "3_5": 1}
    cell = {f"n_{grade}": n for grade, n in counts.items()} | {f"pct_{g}": n / 3 for g, n in counts.items()}
    row = {"population": "treated", "group": "all", "period": "any", "subjects": 300, "soc": "gut", "term": "ache"}
    shown = cells(adverse_event_table(pl.DataFrame([row | cell])))
    assert shown[2:9] == ["299 (&gt;99)"] * 2 + ["0 (0)"] * 4 + ["1 (&lt;1)"]  # escaped
