import numpy as np
import polars as pl
import pytest

from tests.cytokines.curves import CURVES, plate, result
from tilseq.cytokines import quantify
from tilseq.cytokines.concentrations import Content, concentrations_of, tell_hooks
from tilseq.cytokines.curve import Curve
from tilseq.cytokines.curve_rows import CurveOf
from tilseq.cytokines.limits import Level, Limits
from tilseq.cytokines.standards import Spread

NOWHERE = {"conc_pg_per_ml": None, "lower": None, "upper": None}


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def test_concentrations_come_back(rng):
    told = quantify(*plate(rng, {"S1": 100.0, "S2": 1_000.0}))
    for sample, true in (("S1", 100), ("S2", 1_000)):
        rows = told.samples.filter(sample=sample)
        assert rows["status"].to_list() == ["quantified"] * 4
        assert rows["conc_pg_per_ml"].to_list() == pytest.approx([true] * 4, rel=0.12)
        assert ((rows["lower"] < true) & (rows["upper"] > true)).all()
        assert rows["wells"].to_list() == [2] * 4
    assert told.concentrations.height == 16
    assert set(told.curves["verdict"]) == {"pass"}
    assert told.recovery["recovery_pct"].drop_nulls().is_between(70, 140).all()
    assert told.dilution["level"].to_list() == [f"C{n}" for n in range(1, 8)]


def test_a_mean_of_two_wells_is_surer_than_one(rng):
    told = quantify(*plate(rng, {f"S{n}": 400.0 for n in range(6)}))
    wells, samples = ((frame["upper"] / frame["lower"]).log().mean() for frame in (told.concentrations, told.samples))
    assert samples < wells


@pytest.mark.parametrize(
    ("pg_per_ml", "status", "limit"),
    [
        (0.0, "not_detected", "llod_pg_per_ml"),
        (4.0, "detected_below_loq", "lloq_pg_per_ml"),
        (400_000.0, "above_range", "uloq_pg_per_ml"),
    ],
)
def test_out_of_range_there_is_no_number_but_a_limit(rng, pg_per_ml, status, limit):
    told = quantify(*plate(rng, {"S": pg_per_ml}, noise=0.01))
    row = result(told.samples, analyte="A")
    assert row["status"] == status
    assert {name: row[name] for name in NOWHERE} == NOWHERE
    assert row["limit_pg_per_ml"] == pytest.approx(2 * result(told.curves, analyte="A")[limit])


def test_a_dilution_multiplies(rng):
    told = quantify(*plate(rng, {"S": 4_000.0}, dilution=20.0))
    assert result(told.samples, analyte="B")["conc_pg_per_ml"] == pytest.approx(4_000, rel=0.12)
    assert set(told.concentrations["dilution"]) == {20.0}


def test_activation_is_told_and_parts_samples(rng):
    sheet, beads, kits = plate(rng, {"S": 100.0})
    wells = sheet.filter(role="sample")["well"].to_list()
    free = pl.when(pl.col("well") == wells[0]).then(True).when(pl.col("well") == wells[1]).then(False)
    told = quantify(sheet.with_columns(acid_activated=free), beads, kits)
    assert told.samples.filter(analyte="A")["acid_activated"].to_list() == [False, True]
    assert set(told.samples["wells"]) == {1}


def test_a_sample_without_a_dilution_is_not_evaluable(rng):
    sheet, beads, kits = plate(rng, {"S": 100.0})
    told = quantify(sheet.with_columns(dilution=pl.lit(None, pl.Float64)), beads, kits)
    assert set(told.samples["status"]) == {"not_evaluable"}
    assert set(told.samples["reason"]) == {"the sheet does not tell the dilution"}


def test_failed_beads_leave_the_other_well_and_the_other_analytes(rng):
    sheet, beads, kits = plate(rng, {"S": 100.0})
    well = sheet.filter(role="sample")["well"][0]
    failed = (pl.col("well") == well) & (pl.col("analyte") == "A")
    beads = beads.with_columns(
        verdict=pl.when(failed).then(pl.lit("fail")).otherwise("verdict"),
        reason=pl.when(failed).then(pl.lit("12 beads")),
    )
    told = quantify(sheet, beads, kits)
    assert result(told.concentrations, well=well, analyte="A")["reason"] == "12 beads"
    row = result(told.samples, analyte="A")
    assert (row["status"], row["wells"], row["wells_given"]) == ("quantified", 1, 2)
    assert set(told.samples["status"]) == {"quantified"}


def test_a_standard_left_out(rng):
    told = quantify(*plate(rng, {"S": 100.0}, levels=(0, 1, 2, 4, 5, 6)))
    assert set(told.curves["standards"]) == {6}
    assert told.dilution["level"].to_list() == ["C1", "C2", "C3", "C5", "C6", "C7"]
    assert set(told.samples["status"]) == {"quantified"}


@pytest.mark.parametrize("levels", [(), (0, 1, 2)])
def test_blanks_alone_and_too_few_standards(rng, levels):
    told = quantify(*plate(rng, {"S": 100.0}, levels=levels))
    assert set(told.curves["verdict"]) == {"fail"}
    assert told.curves["reason"][0] == (
        f"{len(levels)} standard levels with enough beads and a concentration; 4 are needed"
    )
    assert set(told.samples["status"]) == {"not_evaluable"}
    assert set(told.samples["reason"]) == {"no standard curve"}


def test_one_analyte_without_standards_leaves_the_others(rng):
    sheet, beads, kits = plate(rng, {"S": 100.0})
    failed = (pl.col("role") == "standard") & (pl.col("analyte") == "C")
    told = quantify(sheet, beads.with_columns(verdict=pl.when(failed).then(pl.lit("fail")).otherwise("verdict")), kits)
    status = dict(told.samples.select("analyte", "status").iter_rows())
    assert status == {name: "not_evaluable" if name == "C" else "quantified" for name in CURVES}


def test_without_blanks_the_limit_of_detection_is_the_curves(rng):
    told = quantify(*plate(rng, {"S": 100.0}, blanks=0))
    assert told.curves["llod_pg_per_ml"].is_between(0.1, 20).all()


def test_standards_that_reach_neither_end_without_a_blank(rng):
    told = quantify(*plate(rng, {"low": 12.0, "S": 2_000.0}, levels=(0, 1, 2, 3), blanks=0))
    assert told.samples.filter(sample="S", status="quantified")["conc_pg_per_ml"].to_list() == [
        pytest.approx(2_000, rel=0.15)
    ] * 4
    # 6 pg/mL in the well, 26 times less than the lowest standard: no more is known than that it lies below that one.
    low = told.samples.filter(sample="low")
    assert set(low["status"]) <= {"detected_below_loq", "not_detected"}
    assert (low["limit_pg_per_ml"] > 100).all()


def test_a_blank_that_shines_is_no_traceback(rng):
    sheet, beads, kits = plate(rng, {"S": 100.0})
    bright = pl.when(role="blank").then(20_000.0).otherwise("signal")
    told = quantify(sheet, beads.with_columns(signal=bright), kits)
    assert set(told.curves["verdict"]) == {"fail"}
    assert set(told.samples["status"]) == {"not_evaluable"}


def test_a_hook_is_seen_and_its_standards_left_out(rng):
    sheet, beads, kits = plate(rng, {"S": 100.0})
    hooked = (pl.col("level") == "C7") & (pl.col("analyte") == "D")
    told = quantify(
        sheet, beads.with_columns(signal=pl.when(hooked).then(pl.col("signal") / 3).otherwise("signal")), kits
    )
    row = result(told.curves, analyte="D")
    assert (row["hook"], row["standards"], row["verdict"]) == (True, 6, "warn")
    assert row["uloq_pg_per_ml"] < 3_000
    assert "hook effect" in result(told.samples, analyte="D")["reason"]
    assert not told.curves.filter(pl.col("analyte") != "D")["hook"].any()


def test_nominal_concentrations_of_the_kit_where_the_sheet_has_none(rng):
    sheet, beads, kits = plate(rng, {"S": 100.0})
    one = quantify(sheet, beads, kits)
    other = quantify(sheet.with_columns(nominal_pg_per_ml=pl.lit(None, pl.Float64)), beads, kits)
    assert other.samples["conc_pg_per_ml"].to_list() == pytest.approx(one.samples["conc_pg_per_ml"].to_list(), rel=1e-9)


def test_pandas_gives_the_same(rng):
    sheet, beads, kits = plate(rng, {"S": 100.0})
    one, other = quantify(sheet, beads, kits), quantify(sheet.to_pandas(), beads.to_pandas(), kits)
    assert one.samples.equals(other.samples)


def test_a_sample_that_gives_more_where_it_is_diluted_further_is_told():
    rows = [
        {"role": "sample", "acid_activated": None, "status": "quantified", "sample": sample, "analyte": analyte}
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
    assert not any("reason" in row for row in rows[1:])


def test_a_signal_that_may_be_that_of_saturation_is_above_its_lower_limit():
    curve = Curve("4PL", np.log([100, 900, 50, 1]))
    levels = [
        Level(place, np.log(conc), np.log(conc), 2, np.log(conc), 0.0, 0.1) for place, conc in enumerate((1e3, 1))
    ]
    of = CurveOf(curve, np.zeros((5, 5)), levels, Limits(np.log(105), np.log(0.3), 0.0, np.log(1e3)), False)
    names = ("plate", "well", "sample", "analyte", "role", "verdict", "beads", "reason", "level")
    row = dict(zip(names, ("P", "A1", "S", "A", "sample", "pass", 60, None, None), strict=True))
    # The curve is 935.7 at 650 and 1000 at most: 1.96 standard errors of 0.04 reach beyond.
    contents = [Content(row | {"signal": 935.7, "signal_se_log": 0.04}, 2.0, None, None)]
    _, samples = concentrations_of(contents, {"A": of}, Spread(0.01, 0.01, 0.01))
    assert samples[0]["status"] == "above_range"
    assert "conc_pg_per_ml" not in samples[0]
    # The ends by hand: signal / exp(quantile * 0.0412), quantile 2.45 of Student's t, put into the inverse.
    assert 2 * 200 < samples[0]["limit_pg_per_ml"] < 2 * 300
