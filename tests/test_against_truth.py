"""How the benchmark of whole runs counts what holds, and which statuses it calls wrong."""

import numpy as np
import polars as pl
import pytest

from benchmarks.against_truth import left_out
from benchmarks.truth import NUMBERS, Run, clinic
from benchmarks.truth.bcells import isotype_shares
from benchmarks.truth.chains import shares
from benchmarks.truth.diversity import _at
from benchmarks.truth.summary import mean_of_subjects, share_held, table_of_numbers, wrong_statuses


def test_values_of_a_subject_that_fail_together_are_worth_few():
    # 2 of 4 subjects hold in all of their 25 values: variance of the mean 4/3 × 4 × 12.5² / 100² = 1/12, worth
    # w = 0.25 × 12 × (1.984217 / 3.182446)² = 1.166212 values; limits by R: qbeta(.025, w/2, w/2 + 1) and
    # qbeta(.975, w/2 + 1, w/2)
    held, subjects = np.repeat([True, True, False, False], 25), np.repeat(list("abcd"), 25)
    assert mean_of_subjects(held.astype(float), subjects) == (0.5, pytest.approx(12**-0.5), 4)
    assert share_held(held, subjects) == (0.5, pytest.approx(0.0010549957), pytest.approx(0.9989450043))


def test_where_all_hold_each_value_counts():
    share, low, high = share_held(np.ones(40, dtype=bool), np.repeat(list("abcd"), 10))
    assert (share, low, high) == (1.0, pytest.approx(0.025 ** (1 / 40)), 1.0)


def test_statuses_that_are_wrong():
    rows = pl.DataFrame(
        [
            ("quantified", 0.0, None),
            ("quantified", 1.0, None),
            ("detected_below_loq", 0.0, None),
            ("not_detected", 2.1, 1.0),
            ("not_detected", 1.9, 1.0),
            ("detected_below_loq", 21.0, 10.0),
            ("above_range", 400.0, 1000.0),
            ("above_range", 600.0, 1000.0),
        ],
        schema={"status": pl.String, "truth": pl.Float64, "limit": pl.Float64},
        orient="row",
    )
    assert wrong_statuses(rows.with_columns(scale=pl.lit("points")))["truth"].to_list() == [2.1, 21.0, 400.0]
    found = wrong_statuses(rows.with_columns(scale=pl.lit("ratio")))
    assert found["truth"].to_list() == [0.0, 2.1, 21.0, 400.0]
    assert found["wrong"].to_list() == [
        "quantified, truly absent",
        "below its limit, truly twice that or more",
        "below its limit, truly twice that or more",
        "above range, truly less than half its end",
    ]


def test_one_subject_is_worth_one_value():
    # Clopper and Pearson's limits of 1 of 1: 0.025 to 1
    assert share_held(np.ones(40, dtype=bool), np.repeat("a", 40)) == (1.0, pytest.approx(0.025), 1.0)


def cells_of(rows):
    frame = pl.DataFrame(
        rows,
        schema={"subject": pl.String} | dict.fromkeys(("value", "lower", "upper", "truth"), pl.Float64),
        orient="row",
    )
    frame = frame.with_columns(
        endpoint=pl.lit("x"), scale=pl.lit("ratio"), trial=pl.lit("t"), status=pl.lit("quantified")
    )
    missing = [pl.lit(None).cast(kind).alias(name) for name, kind in NUMBERS.items() if name not in frame.columns]
    head, _, line = table_of_numbers(frame.with_columns(missing))
    return dict(zip(*([cell.strip() for cell in row.split("|")[1:-1]] for row in (head, line)), strict=False))


def test_a_limit_alone_counts_and_what_should_not_be_told_is_told_of():
    told = cells_of(
        [
            ("a", 2.0, 1.0, 4.0, 2.0),
            ("b", None, 3.0, None, 2.0),  # at least 3, truly 2
            ("a", None, None, None, 2.0),
            ("b", 5.0, 4.0, 6.0, None),
            ("a", 0.0, 0.0, 3.0, 1.0),
        ]
    )
    assert (told["values"], told["no number"], told["no truth"], told["with limits"]) == ("4", "1", "1", "3")
    assert told["truth below, above"] == "1, 0"
    assert told[""] == "1 told though there is none, 1 told as 0, in no bias"


def test_the_width_is_that_of_half_of_the_values():
    assert (
        cells_of([("a", 2.0, 1.0, 4.0, 2.0), ("b", 2.0, 1.0, 2.5, 2.0), ("c", 2.0, 1.0, 8.0, 2.0)])["width"] == "4-fold"
    )
    assert (
        cells_of([("a", 2.0, 1.0, 4.0, 2.0), ("b", 2.0, 0.0, 2.5, 2.0), ("c", 2.0, 0.0, 8.0, 2.0)])["width"] == "open"
    )


def test_a_sample_of_two_cells_of_two_clones():
    # of one clone or of both, as likely: 1.5 clones; mean entropy ln(2) / 2; mean sum of squared shares 0.75
    told = _at(np.array([0.5, 0.5]), 2)
    assert [told[name] for name in ("richness", "hill_q1", "hill_q2")] == pytest.approx([1.5, 2**0.5, 4 / 3])
    # half of the cells are naive: 1 - 0.25 clones + 2 x 0.5; entropy 0 for two of the clone (1/4), else ln 2
    told = _at(np.array([0.5]), 2)
    assert [told[name] for name in ("richness", "hill_q1")] == pytest.approx([1.75, 2**0.75])


def test_isotypes_of_families_count_each_family_once():
    rows = [("a", "IGHM"), ("a", "IGHG"), ("a", "IGHG"), ("b", "IGHM"), ("c", "IGHM"), ("c", "IGHD"), ("d", "IGHA")]
    told = isotype_shares(pl.DataFrame(rows, schema=["family", "isotype"], orient="row"))
    assert told == pytest.approx(
        {"IGHM": 0.375, "IGHD": 0.125, "IGHG": 0.25, "IGHA": 0.25, "switched": 0.5, "mixed": 0.5}
    )


def test_chains_of_a_locus_are_shares_of_all_its_chains(tmp_path):
    (tmp_path / "truth" / "clones").mkdir(parents=True)
    clones = [(1, "B1", "A1", None), (2, "B2", "A2", "A3"), (3, "B3", "A1", None)]
    names = ["clone", "trb_junction", "tra_junction", "tra2_junction"]
    pl.DataFrame(clones, schema=names, orient="row").write_csv(
        tmp_path / "truth" / "clones" / "S.csv.gz", compression="gzip"
    )
    held = pl.DataFrame({"clone": [1, 2, 3], "frequency": [0.3, 0.2, 0.1]})
    run = Run(tmp_path, tmp_path)
    assert shares(run, "S", held, "TRB").rows() == [("B1", 0.3), ("B2", 0.2), ("B3", pytest.approx(0.1))]
    # 0.8 chains of clones and, of the 0.4 naive cells, 4/3 each
    of_alpha = dict(shares(run, "S", held, "TRA").rows())
    total = 0.3 + 0.2 + 0.2 + 0.1 + 0.4 * 4 / 3
    assert of_alpha == pytest.approx({"A1": 0.4 / total, "A2": 0.2 / total, "A3": 0.2 / total})


def test_a_scan_that_was_not_read_sets_no_nadir(tmp_path):
    for folder in ("truth", "clinical", "tables"):
        (tmp_path / folder).mkdir()
    visits = [("baseline", -8, 50.0, 50), ("D42", 42, 20.0, 21), ("D84", 84, 10.0, None), ("D126", 126, 30.0, 31)]
    true = pl.DataFrame([("S", day, visit, "T1", "target", mm) for visit, day, mm, _ in visits], orient="row")
    true.columns = ["subject", "day", "visit", "lesion", "role", "diameter_mm"]
    true.write_csv(tmp_path / "truth" / "lesions.csv")
    read = true.drop("diameter_mm").with_columns(diameter_mm=pl.Series([mm for *_, mm in visits]), resected=False)
    read.write_csv(tmp_path / "clinical" / "lesions.csv")
    changes = {"D42": -58.0, "D126": 47.6}
    told = pl.DataFrame(
        [("S", visit, "change_from_nadir", value, "quantified", None, 1) for visit, value in changes.items()],
        schema=["subject", "visit", "parameter", "value", "status", "qualifier", "day"],
        orient="row",
    )
    told = told.with_columns(pl.col("qualifier").cast(pl.String), sample=pl.lit(None, dtype=pl.String))
    told.write_parquet(tmp_path / "tables" / "endpoints.parquet")
    found = pl.concat(clinic._sizes(Run(tmp_path, tmp_path))).filter(parameter="change_from_nadir")
    assert dict(found.select("place", "truth").rows()) == {"D42": pytest.approx(-60), "D126": pytest.approx(50)}


def test_a_parameter_that_nothing_compares_is_named():
    assert left_out({"peak", "new_one", "ace", "x_last_day_quantified"}, {"peak"}, ["kinetics: y"]) == ["new_one"]
