"""New lesions: not there at the baseline, equivocal ones, and what is back after a complete response."""

import polars as pl

from tests.clinical.lesion_rows import lesion
from tilseq.clinical import irecist, response


def found(*rows, **options):
    table = response(pl.DataFrame(list(rows), infer_schema_length=None), **options)
    return [(row["response"], row["reason"]) for row in table.iter_rows(named=True)]


def other(day, state, name="N1"):
    return lesion(day, name, role="nontarget", state=state)


def test_a_non_target_that_is_not_there_at_baseline_is_no_lesion_of_it_and_new_where_it_is_seen():
    alone = found(other(-8, "absent"), other(42, "absent"))
    assert alone == [(None, "N1 not there: no lesion of it"), ("NE", "no lesion at baseline")]
    rows = [lesion(-8, "T1", 50.0), lesion(42, "T1", 30.0), other(-8, "absent")]
    assert found(*rows, other(42, "present"))[1] == ("PD", "new lesion N1, not there at baseline")
    assert found(*rows, other(42, "absent"))[1] == ("PR", None)
    assert found(*rows, other(42, "equivocal"))[1] == ("PR", "N1 equivocal: not counted as a new lesion")


def test_a_target_of_0_mm_at_baseline_is_new_where_it_is_seen():
    rows = [lesion(-8, "T1", 50.0), lesion(-8, "T2", 0.0), lesion(42, "T1", 50.0), lesion(42, "T2", 8.0)]
    assert found(*rows) == [(None, "T2 not there: no lesion of it"), ("PD", "new lesion T2, not there at baseline")]
    table = response(pl.DataFrame(rows))
    assert table.select("targets", "sum_mm", "new_lesion").rows()[1] == (1, 50.0, True)
    assert irecist(pl.DataFrame(rows), table).select("response", "new_lesions").rows() == [("iUPD", 1)]


def test_a_node_of_normal_size_at_baseline_is_new_from_10_mm_on():
    rows = [lesion(-8, "T1", 50.0), lesion(-8, "L1", 8.0, node=True), lesion(42, "T1", 50.0)]
    assert found(*rows, lesion(42, "L1", 9.9, node=True))[1] == ("SD", None)
    assert found(*rows, lesion(42, "L1", 10.0, node=True))[1] == ("PD", "new lesion L1, not there at baseline")
    nodes = [lesion(day, "L1", size, "nontarget", node=True) for day, size in ((-8, 9.0), (42, 15.0))]
    assert found(rows[0], rows[2], *nodes)[1][0] == "PD"
    # One of 10 to 15 mm is pathological: a lesion of the baseline, that may grow.
    nodes = [lesion(day, "L1", size, "nontarget", node=True) for day, size in ((-8, 12.0), (42, 15.0))]
    assert found(rows[0], rows[2], *nodes)[1] == ("SD", None)


def test_an_equivocal_lesion_that_a_scan_shows_absent_counts_from_its_confirmation():
    rows = [lesion(day, "T1", 50.0) for day in (-8, 42, 84, 126)]
    seen = [lesion(day, "X", role="new", state=word) for day, word in ((42, "equivocal"), (126, "present"))]
    absent = lesion(84, "X", role="new", state="absent")
    assert found(*rows, *seen, absent)[1:] == [
        ("SD", "X equivocal here, not there on day 84: new from day 126"),
        ("SD", None),
        ("PD", "new lesion X"),
    ]
    assert [word for word, _ in found(*rows, *seen)] == [None, "PD", "SD", "PD"]  # not listed is not absent


def test_a_non_target_back_after_a_complete_response_follows_the_setting_and_is_told():
    rows = [lesion(-8, "T1", 50.0), other(-8, "present"), lesion(42, "T1", 0.0), other(42, "absent")]
    rows += [lesion(84, "T1", 0.0), other(84, "present")]
    told = "N1 back after a complete response"
    assert found(*rows)[1:] == [("CR", None), ("PR", told)]
    assert found(*rows, regrowth="pd")[1:] == [("CR", None), ("PD", told)]
    alone = [row for row in rows if row["role"] == "nontarget"]
    assert found(*alone)[1:] == [("CR", None), ("NON-CR/NON-PD", told)]
    assert found(*alone, regrowth="pd")[1:] == [("CR", None), ("PD", told)]
    # It was no complete response of all: the target was still there.
    part = [row | {"diameter_mm": 20.0} if row["day"] > 0 and row["lesion"] == "T1" else row for row in rows]
    assert found(*part, regrowth="pd")[1:] == [("PR", None), ("PR", None)]


def test_a_new_lesion_counts_without_a_word_and_what_does_not_count_is_told():
    rows = [lesion(-8, "T1", 50.0), lesion(42, "T1", 50.0)]
    assert found(*rows, lesion(42, "X", role="new", state=None))[1] == ("PD", "new lesion X")
    for state in ("equivocal", "not evaluable"):
        seen = lesion(42, "X", role="new", state=state.replace(" ", "_"))
        assert found(*rows, seen)[1] == ("SD", f"X {state}: not counted as a new lesion")
