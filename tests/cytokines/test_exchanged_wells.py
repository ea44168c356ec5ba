"""Standards whose wells or levels were exchanged, or differ as if they were."""

import polars as pl
import pytest

from tests.cytokines.curves import plate, renamed, result
from tests.cytokines.curves import signal as signal_of
from tilseq.cytokines import quantify


@pytest.mark.parametrize("analytes", [["A"], list("ABCD")])
def test_two_standards_exchanged_are_a_warning(rng, analytes):
    sheet, beads, kits = renamed(plate(rng, {"S": 400.0}), {"C3": "C4", "C4": "C3"})
    told = quantify(sheet, beads.filter(pl.col("analyte").is_in(analytes)), kits)
    assert set(told.curves["verdict"]) == {"warn"}
    reason = "C4 shines less than C3, which should hold less: wells exchanged, or is the sheet wrong?"
    assert all(reason in found for found in told.curves["reason"])


@pytest.mark.parametrize(("analytes", "verdict"), [(["A"], "warn"), (["A", "B"], "warn"), (list("ABCD"), "pass")])
def test_a_level_at_half_of_what_the_sheet_says_is_a_warning_where_no_dilution_error_tells_it(rng, analytes, verdict):
    sheet, beads, kits = plate(rng, {"S": 400.0})
    nominal = pl.when(level="C4").then(pl.col("nominal_pg_per_ml") / 2).otherwise("nominal_pg_per_ml")
    beads = beads.filter(pl.col("analyte").is_in(analytes))
    assert set(quantify(sheet, beads, kits).curves["verdict"]) == {"pass"}
    told = quantify(sheet.with_columns(nominal.alias("nominal_pg_per_ml")), beads, kits)
    assert set(told.curves["verdict"]) == {verdict}
    for reason in told.curves["reason"].drop_nulls():
        assert reason.startswith("C4 gives back 1")
        assert reason.endswith(" % of what the sheet says: is it wrong, or the dilution?")


def test_one_well_exchanged_with_one_of_the_next_level_is_a_warning(rng):
    sheet, beads, kits = plate(rng, {"S": 400.0})
    wells = {"C1": "E1", "E1": "C1"}  # the first wells of C6, 2,500 pg/mL, and of C5, 625
    assert sheet.filter(pl.col("well").is_in(list(wells)))["level"].to_list() == ["C6", "C5"]
    signals = beads.select("analyte", "signal", well=pl.col("well").replace(wells))
    told = quantify(sheet, beads.drop("signal").join(signals, on=["analyte", "well"]), kits)
    assert set(told.curves["verdict"]) == {"warn"}
    reason = "wells of C6, C5 differ as two levels do: one of them exchanged with another well?"
    assert all(of_curve.startswith(reason) for of_curve in told.curves["reason"])


@pytest.mark.parametrize(("fold", "wells"), [(2.0, 2), (2.0, 3), (3.0, 3), (4.0, 2), (4.0, 3)])
@pytest.mark.parametrize("other", ["C3", "C5"])
@pytest.mark.parametrize("analytes", [["B"], list("ABCD")])
def test_one_well_filled_from_the_level_beside_it_is_a_warning(rng, fold, wells, other, analytes):
    sheet, beads, kits = plate(rng, {"S": 400.0}, fold=fold, wells=wells)
    beads = beads.filter(pl.col("analyte").is_in(analytes))
    assert set(quantify(sheet, beads, kits).curves["verdict"]) == {"pass"}
    of_level = sheet.group_by("level").agg(pl.col("well").first())
    first, wrong = (of_level.filter(level=name)["well"].item() for name in ("C4", other))
    theirs = beads.filter(well=wrong).select("analyte", theirs="signal")
    signal = pl.when(well=first).then("theirs").otherwise("signal")
    mixed = beads.join(theirs, on="analyte").with_columns(signal=signal).drop("theirs")
    told = quantify(sheet, mixed, kits)
    assert set(told.curves["verdict"]) == {"warn"}
    reason = "wells of C4 differ as two levels do: one of them exchanged with another well?"
    assert all(of_curve.startswith(reason) for of_curve in told.curves["reason"])


def test_wells_that_differ_by_one_analyte_are_not_exchanged(rng):
    sheet, beads, kits = plate(rng, {"S": 400.0}, fold=2.0)
    well = sheet.filter(level="C4")["well"][0]
    signal = pl.when(well=well, analyte="B").then(pl.col("signal") / 1.3).otherwise("signal")
    assert "exchanged" not in "".join(
        quantify(sheet, beads.with_columns(signal=signal), kits).curves["reason"].drop_nulls()
    )
    # Of all analytes it is: the well then holds about what the level below does.
    signal = pl.when(well=well).then(pl.col("signal") / 1.6).otherwise("signal")
    reasons = quantify(sheet, beads.with_columns(signal=signal), kits).curves["reason"]
    assert all(reason.startswith("wells of C4 differ as two levels do") for reason in reasons)


def test_wells_of_a_saturated_standard_may_differ(rng):
    """Of D the top standard shines 5 % less than at saturation: signals 7 % apart are amounts twice as large."""
    sheet, beads, kits = plate(rng, {"S": 400.0})
    top, (first, second) = float(signal_of("D", 10_000)), sheet.filter(level="C7")["well"]
    signal = pl.when(well=first, analyte="D").then(0.965 * top).when(well=second, analyte="D").then(1.035 * top)
    told = quantify(sheet, beads.with_columns(signal=signal.otherwise("signal")), kits)
    assert told.recovery.filter(analyte="D", level="C7")["cv_pct"][0] > 70
    assert result(told.curves, analyte="D")["verdict"] == "pass"


def test_a_wrong_concentration_in_the_sheet_is_a_warning(rng):
    sheet, beads, kits = plate(rng, {"S": 400.0}, levels=(0, 1, 3, 5, 6))
    wrong = pl.when(level="C4").then(10 * pl.col("nominal_pg_per_ml")).otherwise("nominal_pg_per_ml")
    told = quantify(sheet.with_columns(nominal_pg_per_ml=wrong), beads, kits)
    assert set(told.curves["verdict"]) == {"warn"}
    assert all(" times what the sheet says: wells exchanged, or" in reason for reason in told.curves["reason"])
    assert all(reason.startswith("C4 holds 0.") for reason in told.curves["reason"])


def test_standards_in_the_opposite_order_say_so(rng):
    told = quantify(*renamed(plate(rng, {"S": 400.0}), {f"C{n}": f"C{8 - n}" for n in range(1, 8)}))
    assert set(told.curves["verdict"]) == {"fail"}
    assert told.curves["reason"][0] == (
        "1 standard level with enough beads and a concentration; 4 are needed; 6 above the brightest shine less and "
        "are left out: a hook effect, or wells exchanged"
    )
    assert told.samples["reason"][0] == f"no standard curve: {told.curves['reason'][0]}"
