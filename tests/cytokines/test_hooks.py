"""Samples that give more where they are diluted further, and those whose wells differ."""

import polars as pl
import pytest

from tilseq.cytokines.concentrations import tell_hooks, tell_unlike, unlike


def test_a_sample_that_gives_more_where_it_is_diluted_further_is_told():
    rows = [
        {
            "role": "sample",
            "acid_activated": None,
            "status": "quantified",
            "reason": None,
            "sample": sample,
            "analyte": analyte,
        }
        | {"dilution": dilution, "conc_pg_per_ml": middle, "lower": lower, "upper": upper}
        for sample, analyte, dilution, middle, lower, upper in (
            ("S1", "A", 2.0, 100.0, 80.0, 130.0),
            ("S1", "A", 50.0, 420.0, 300.0, 600.0),
            ("S2", "A", 2.0, 100.0, 80.0, 130.0),
            ("S2", "A", 50.0, 140.0, 90.0, 220.0),
            ("S1", "B", 2.0, 100.0, 80.0, None),
            ("S1", "B", 50.0, 420.0, 300.0, None),
        )
    ]
    tell_hooks(rows)
    assert rows[0]["reason"] == "diluted 50-fold it gives 4.2 times as much: a hook effect, or the matrix"
    assert not any(row["reason"] for row in rows[1:])


@pytest.mark.parametrize(
    ("near", "further", "told"),
    [
        (
            {"status": "detected_below_loq", "limit_pg_per_ml": 50.0},
            {"status": "quantified", "conc_pg_per_ml": 900.0, "lower": 700.0, "upper": 1_200.0},
            "diluted 50-fold it gives 900 pg/mL: a hook effect, or the matrix",
        ),
        (
            {"status": "quantified", "conc_pg_per_ml": 900.0, "lower": 700.0, "upper": 1_200.0},
            {"status": "above_range", "limit_pg_per_ml": 40_000.0},
            "diluted 50-fold it gives > 4e+04 pg/mL: a hook effect, or the matrix",
        ),
        (
            {"status": "detected_below_loq", "limit_pg_per_ml": 50.0},
            {"status": "detected_below_loq", "limit_pg_per_ml": 900.0},
            None,
        ),
        (
            {"status": "not_evaluable"},
            {"status": "quantified", "conc_pg_per_ml": 900.0, "lower": 700.0, "upper": 1_200.0},
            None,
        ),
    ],
)
def test_a_hook_is_told_where_one_of_both_dilutions_is_out_of_range(near, further, told):
    names = {"role": "sample", "sample": "S", "acid_activated": None, "analyte": "A", "reason": None}
    rows = [names | {"dilution": 2.0} | near, names | {"dilution": 50.0} | further]
    tell_hooks(rows)
    assert [row["reason"] for row in rows] == [told, None]


def test_a_number_of_wells_that_differ_several_fold_is_told():
    # Wells of 30, 30 and 10,000 pg/mL have a CV of 171.6 %; of 30 and 45 one of 28.3 %.
    rows = [
        {"sample": "S", "analyte": "A", "status": "quantified", "cv_pct": 171.6, "reason": "curve: odd"},
        {"sample": "S", "analyte": "B", "status": "quantified", "cv_pct": 28.3, "reason": None},
        {"sample": "S", "analyte": "C", "status": "detected_below_loq", "cv_pct": 171.6, "reason": None},
        {"sample": "S", "analyte": "D", "status": "quantified", "cv_pct": None, "reason": None},
        {"sample": "T", "analyte": "A", "status": "quantified", "cv_pct": 80.4, "reason": None},
    ]
    tell_unlike(rows)
    told = "wells differ (CV 172 %): is one of another content?"
    assert [row["reason"] for row in rows] == [
        f"{told}; curve: odd", None, None, None, told.replace("172", "80"),
    ]  # fmt: skip
    assert unlike(pl.DataFrame(rows)).select("sample", "analyte").rows() == [("S", "A"), ("T", "A")]
