"""The plates of the simulated study against their truth."""

from pathlib import Path

import polars as pl
import pytest

from tests.cytokines.plates import row
from tilseq.cytokines import find_beads, levels, quantify
from tilseq.io.kits import read_kits
from tilseq.io.plates import read_plate, read_wells
from tilseq.study.read import read_study

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
KEY = ["plate", "sample", "analyte"]


@pytest.fixture(scope="module")
def against_truth():
    """Levels of all plates beside the true concentrations in plasma."""
    kits = read_kits()
    parts = []
    for path in sorted((SAMPLE / "plates").glob("*.csv")):
        sheet = read_plate(path)
        wells = read_wells(sheet, SAMPLE, kits)
        beads = find_beads(sheet, wells.events, kits, wells.lost)
        parts.append(quantify(sheet, beads.wells, kits).samples)
    study = read_study(SAMPLE)
    starts = dict(study.subjects.select("subject", "lymphodepletion_day").iter_rows())
    told = levels(pl.concat(parts), study.samples, starts)
    truth = pl.read_csv(SAMPLE / "truth" / "wells.csv", infer_schema_length=None).drop_nulls("sample")
    return told.join(truth.select(*KEY, truth="plasma_pg_per_ml").unique(), on=KEY, validate="1:1")


def test_intervals_hold_the_true_concentrations(against_truth):
    known = against_truth.filter(status="quantified")
    held = known.filter(pl.col("truth").is_between("lower", "upper")).height
    # Of 20 intervals of 95 % that are independent more than 5 miss with a probability of 0.0003 (binomial); those of a
    # plate share its curve, so the floor is no higher.
    assert known.height >= 20
    assert held / known.height >= 0.75


def test_what_is_out_of_range_lies_beyond_its_limit(against_truth):
    below = against_truth.filter(pl.col("status").is_in(["not_detected", "detected_below_loq"]))
    held = below.filter(pl.col("truth") <= pl.col("limit_pg_per_ml")).height
    assert below.height >= 60
    assert held / below.height >= 0.9  # of limits of 97.5 %, some of one curve


def test_fold_changes_hold_the_true_ones(against_truth):
    base = against_truth.filter("baseline").select("subject", "analyte", base="truth")
    both = against_truth.join(base, on=["subject", "analyte"]).with_columns(true_fold=pl.col("truth") / pl.col("base"))
    known = both.filter(fold_status="quantified")
    held = known.filter(pl.col("true_fold").is_between("fold_lower", "fold_upper")).height
    assert known.height >= 10
    assert held / known.height >= 0.7  # of 10 independent ones more than 3 miss with a probability of 0.001


def test_interferon_rises_after_the_infusion_and_tgf_is_total(against_truth):
    of_sim_01 = against_truth.filter(subject="SIM-01")
    assert row(of_sim_01, analyte="IFN-gamma", visit="D7")["fold_lower"] > 1
    assert row(of_sim_01, analyte="TGF-beta1", visit="D7")["form"] == "total"
    assert against_truth["used"].all()
