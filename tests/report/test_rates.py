from dataclasses import replace

import polars as pl

from tilseq.report.rates import best_cells, best_responses, denominators, differences, rates, unconfirmed_rates
from tilseq.tables import outputs


def read(cell):
    return " ".join(filter(None, (cell.text, *(chip.label for chip in cell.chips), cell.note)))


def test_rates_with_their_exact_limits_over_all_and_by_tumour_type(results):
    view = rates(results)
    assert [head.text for head in view.heads] == [
        "Group", "Reader", "Responses", "Subjects", "ORR", "DCR", "CR", "PR", "SD", "PD", "NE", "not assessed",
    ]  # fmt: skip
    assert [[read(cell) for cell in row[:6]] for row in view.rows] == [
        ["all", "investigator", "confirmed", "6", "33 (4-78) 2 of 6", "50 (4-78) 3 of 6"],
        ["all", "investigator", "confirmed or not", "6", "33 (4-78) 2 of 6", "50 (4-78) 3 of 6"],
        ["head and neck", "investigator", "confirmed", "6", "33 (4-78) 2 of 6", "50 (4-78) 3 of 6"],
    ]
    assert {read(cell) for cell in view.rows[0][6:]} == {"1 (17)"}  # each best response of one of the six
    assert [read(row[0]) for row in unconfirmed_rates(results).rows] == ["head and neck"]
    assert denominators(results) == ["6 infused subjects."]


def test_enrolled_stand_beside_the_infused_where_some_were_never_infused(results):
    infused = results.tables["summaries"]
    enrolled = infused.with_columns(population=pl.lit("enrolled"), denominator_text=pl.lit("7 enrolled subjects"))
    results.tables["summaries"] = pl.concat([infused, enrolled])
    assert len(rates(results).rows) == 3  # all of them were
    assert denominators(results) == ["6 infused subjects."]
    results.tables["summaries"] = pl.concat([infused, enrolled.with_columns(denominator=pl.lit(7, pl.Int64))])
    assert [[read(row[0]), read(row[2]), read(row[3])] for row in rates(results).rows] == [
        ["all infused", "confirmed", "6"],
        ["all enrolled", "confirmed", "7"],
        ["all infused", "confirmed or not", "6"],
        ["head and neck infused", "confirmed", "6"],
    ]
    assert denominators(results) == ["6 infused subjects.", "7 enrolled subjects."]


def test_rates_of_other_readers_come_last_as_sensitivity(results):
    own = results.tables["summaries"]
    other = own.with_columns(qualifier=pl.col("qualifier").str.replace("investigator", "central"))
    results.tables["summaries"] = pl.concat([other, own])
    best = results.tables["best_response"]
    results.tables["best_response"] = pl.concat([best, best.with_columns(reader=pl.lit("central"))])
    assert [read(row[1]) for row in rates(results).rows] == ["investigator"] * 3 + ["central sensitivity"] * 3


def test_denominators_that_differ_between_readers_say_whose_they_are(results):
    own = results.tables["summaries"]
    other = own.with_columns(qualifier=pl.col("qualifier").str.replace("investigator", "central"))
    results.tables["summaries"] = pl.concat([own, other])
    assert denominators(results) == ["6 infused subjects."]
    fewer = other.with_columns(denominator_text=pl.lit("6 infused subjects; 1 of them not read"))
    results.tables["summaries"] = pl.concat([own, fewer])
    assert denominators(results) == [
        "By investigator: 6 infused subjects.",
        "By central: 6 infused subjects; 1 of them not read.",
    ]


def test_best_responses_have_their_words_and_why(results):
    rows = [[read(cell) for cell in row] for row in best_responses(results).rows]
    assert rows[0] == [
        "P1", "investigator", "PR", "PR", "42", "+30.0\N{NO-BREAK SPACE}%", "recorded",
        "ignored after the PD of day 39: day 89",
    ]  # fmt: skip
    assert rows[5][2] == "not assessed"
    both = [{"best_response": word, "source": "recorded", "reader": who} for word, who in (("PR", "A"), ("SD", "B"))]
    assert [read(cell) for cell in best_cells(both)] == ["PR A", "SD B"]
    assert [read(cell) for cell in best_cells(both[:1] * 2)] == ["PR"]


def test_differences_are_listed_with_their_derivation_or_it_is_told_that_there_is_none(results):
    assert [[read(cell) for cell in row] for row in differences(results).rows] == [
        ["P1", "investigator", "week 6", "42", "PR", "SD", "targets SD: sum 61 mm"]
    ]
    agreeing = {"subject": "P1", "day": 42, "baseline": False, "targets": 1, "targets_measured": 1, "agrees": True}
    results.tables["response"] = outputs.RESPONSE.frame([agreeing])
    results.tables["response_differences"] = results.tables["response_differences"].clear()
    assert differences(results).empty == "Recorded and derived responses agree in all 1 assessments that have both."


def test_one_of_many_is_not_no_per_cent(results):
    many = pl.col("parameter") == "BOR"  # 1 of 300 is 0.33 %
    summaries = results.tables["summaries"].with_columns(estimate=pl.when(many).then(1 / 300).otherwise("estimate"))
    view = rates(replace(results, tables=results.tables | {"summaries": summaries}))
    assert {read(cell) for cell in view.rows[0][6:]} == {"1 (<1)"}
