import numpy as np
import polars as pl
import pytest

from benchmarks.cytokine_real import sheet as real_sheet
from tests.cytokines.curves import CURVES, plate, renamed, result
from tests.cytokines.curves import signal as signal_of
from tilseq.cytokines import find_beads, quantify
from tilseq.cytokines.concentrations import Content, concentrations_of
from tilseq.cytokines.curve import Curve
from tilseq.cytokines.curve_rows import CurveOf
from tilseq.cytokines.limits import Level, Limits
from tilseq.cytokines.standards import Spread
from tilseq.errors import AnalysisError, TableError
from tilseq.io.kits import read_kits
from tilseq.io.plates import read_wells
from tilseq.kits import Kit, KitBead
from tilseq.tables.cytokines import BEAD_WELLS
from tilseq.tables.inputs import PLATES

NOWHERE = {"conc_pg_per_ml": None, "lower": None, "upper": None}


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
    # The limit of the range, or that of the sample's own interval where it says less; both are of the diluted sample.
    of_range = 2 * result(told.curves, analyte="A")[limit]
    assert of_range * 0.99 <= row["limit_pg_per_ml"] <= of_range * (1.01 if status == "above_range" else 1.5)


@pytest.mark.parametrize("in_range", [0.95, 1.6])
def test_limits_hold_for_samples_next_to_the_end_of_a_range(in_range):
    """A sample at a range's very end is out of it as often as not: its limit is that of its own interval."""
    held = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        true = {"llod": 2.1, "lloq": 2 * 2.44, "uloq": 2 * 10_000.0}
        samples = {f"{name} {n}": in_range * at for name, at in true.items() for n in range(6)}
        told = quantify(*plate(rng, samples, noise=0.03)).samples.filter(analyte="A")
        for name, status, limit in told.select("sample", "status", "limit_pg_per_ml").iter_rows():
            if status in ("not_detected", "detected_below_loq"):
                held.append(samples[name] <= limit)
            elif status == "above_range":
                held.append(samples[name] >= limit)
    assert len(held) > 20
    assert np.mean(held) > 0.95


def test_a_well_below_the_curve_has_no_concentration_to_vary_about(rng):
    sheet, beads, kits = plate(rng, {"S": 4.0}, noise=0.01)
    well = sheet.filter(role="sample")["well"][0]
    dark = pl.when(well=well).then(20.0).otherwise("signal")
    told = quantify(sheet, beads.with_columns(signal=dark), kits)
    assert told.samples["cv_pct"].null_count() == 4


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
    assert row["reason"] == f"without {well}: 12 beads"
    assert set(told.samples["status"]) == {"quantified"}


def test_what_is_odd_with_beads_and_curve_stands_beside_the_number(rng):
    sheet, beads, kits = renamed(plate(rng, {"S": 400.0}), {"C3": "C4", "C4": "C3"})
    wells = sheet.filter(role="sample")["well"]
    few = pl.when(pl.col("well").is_in(wells.to_list()), analyte="A").then(pl.lit("41 beads; 50 are good"))
    told = quantify(sheet, beads.with_columns(reason=few), kits)
    row = result(told.samples, analyte="A")
    assert row["status"] == "quantified"
    assert row["reason"].startswith("curve: C4 shines less than C3")
    assert row["reason"].endswith(f"; {wells[0]}, {wells[1]}: 41 beads; 50 are good")
    assert "beads" not in result(told.samples, analyte="B")["reason"]


def test_a_standard_left_out(rng):
    told = quantify(*plate(rng, {"S": 100.0}, levels=(0, 1, 2, 4, 5, 6)))
    assert set(told.curves["standards"]) == {6}
    assert told.dilution["level"].to_list() == ["C1", "C2", "C3", "C5", "C6", "C7"]
    assert set(told.samples["status"]) == {"quantified"}
    assert set(told.curves["verdict"]) == {"warn"}
    assert set(told.curves["reason"]) == {"no well holds C4 of kit k"}
    assert set(told.samples["reason"]) == {"curve: no well holds C4 of kit k"}


@pytest.mark.parametrize("dark", [["standard"], ["standard", "sample"]])
def test_standards_that_hold_nothing_say_so(rng, dark):
    sheet, beads, kits = plate(rng, {"S": 100.0})
    blank = [float(signal_of(name, 0)) * np.exp(0.02 * rng.standard_normal()) for name in beads["analyte"]]
    signal = pl.when(pl.col("role").is_in(dark)).then(pl.Series(blank)).otherwise("signal")
    told = quantify(sheet, beads.with_columns(signal=signal), kits)
    assert set(told.curves["verdict"]) == {"fail"}
    assert all(
        reason.endswith("no usable range; no standard shines clearly more than a blank")
        for reason in told.curves["reason"]
    )
    assert set(told.samples["status"]) == {"not_evaluable"}


def test_the_lowest_standard_exchanged_with_the_blank_is_a_warning(rng):
    sheet, beads, kits = plate(rng, {"S": 400.0})
    wells = {"E2": "G2", "F2": "H2", "G2": "E2", "H2": "F2"}  # those of C1, 2.4 pg/mL, and the blanks
    assert sheet.filter(pl.col("well").is_in(list(wells)))["level"].to_list() == ["C1", "C1", "C0", "C0"]
    signals = beads.select("analyte", "signal", well=pl.col("well").replace(wells))
    told = quantify(sheet, beads.drop("signal").join(signals, on=["analyte", "well"]), kits)
    assert set(told.curves["verdict"]) == {"warn"}
    reason = "C1 shines less than the blanks: wells exchanged, or is the sheet wrong?"
    assert all(found.startswith(reason) for found in told.curves["reason"])


def test_the_two_highest_standards_exchanged_are_not_called_a_hook_alone(rng):
    told = quantify(*renamed(plate(rng, {"S": 400.0}), {"C7": "C6", "C6": "C7"}))
    assert set(told.curves["verdict"]) == {"warn"}
    assert all(found.startswith("hook effect, or wells exchanged: ") for found in told.curves["reason"])


@pytest.mark.parametrize("levels", [(), (0, 1, 2)])
def test_blanks_alone_and_too_few_standards(rng, levels):
    told = quantify(*plate(rng, {"S": 100.0}, levels=levels))
    assert set(told.curves["verdict"]) == {"fail"}
    reason = f"{len(levels)} standard levels with enough beads and a concentration; 4 are needed"
    assert told.curves["reason"][0] == reason
    assert set(told.samples["status"]) == {"not_evaluable"}
    assert set(told.samples["reason"]) == {f"no standard curve: {reason}"}


# Level, median reporter and its standard error of 14 standards and two blanks of one analyte whose wells differ.
SCATTERED = [
    ("C7", 87115.36, 0.0116), ("C7", 81215.30, 0.0094), ("C6", 50169.95, 0.0222), ("C6", 47744.45, 0.0230),
    ("C5", 10928.79, 0.0323), ("C5", 19032.04, 0.0192), ("C4", 4641.10, 0.0267), ("C4", 5023.14, 0.0225),
    ("C3", 1801.53, 0.0266), ("C3", 925.06, 0.0287), ("C2", 232.53, 0.0205), ("C2", 269.46, 0.0164),
    ("C1", 199.17, 0.0189), ("C1", 182.92, 0.0203), ("C0", 157.82, 0.0191), ("C0", 152.83, 0.0167),
]  # fmt: skip


def test_wells_of_one_analyte_that_scatter_have_one_curve_and_not_two_by_turns():
    """By maximum likelihood (scipy, Nelder-Mead): 155 to 99,800, slope 1.11, asymmetry 1.07, wells scatter by 0.29."""
    rows, beads = [], []
    for number, (level, signal, se) in enumerate([*SCATTERED, (None, 18797.4, 0.02)]):
        role = {None: "sample", "C0": "blank"}.get(level, "standard")
        sample = "S" if level is None else None
        own = {"plate": "P", "well": f"W{number}", "role": role, "sample": sample, "level": level, "kit": "k"}
        rows.append(own | {"path": "x", "dilution": 1.0})
        told = {"analyte": "A", "population": "x 1", "beads": 250, "verdict": "pass"}
        beads.append(own | told | {"signal": signal, "signal_se_log": se})
    one = Kit("k", "", ("x",), (KitBead("A", "x", 1, None, 10_000.0),), {}, 4.0, None, 7)
    told = quantify(PLATES.frame(rows), BEAD_WELLS.frame(beads), {"k": one})
    curve = result(told.curves)
    assert curve["residual_sd"] == pytest.approx(1, abs=0.2)
    assert curve["bottom"] == pytest.approx(155, rel=0.02)
    assert curve["top"] == pytest.approx(99_800, rel=0.1)
    assert curve["slope"] == pytest.approx(1.11, abs=0.12)
    assert curve["asymmetry"] == pytest.approx(1.07, abs=0.12)
    # 660 pg/mL by that curve.
    assert result(told.samples)["conc_pg_per_ml"] == pytest.approx(660, rel=0.1)


def test_saturated_standards_make_no_curve_and_saturated_samples_are_above_it(rng):
    sheet, beads, kits = plate(rng, {"S": 400.0, "bright": 60_000.0})
    # A detector that ends at 20,000: by the literal curves C7 and C6 of A and C stand there, C5 of B and D besides.
    at_highest = pl.col("signal") >= 20_000
    capped = beads.with_columns(
        signal=pl.col("signal").clip(upper_bound=20_000.0),
        signal_se_log=pl.when(at_highest).then(None).otherwise("signal_se_log"),
        at_highest=at_highest.cast(pl.Float64),
    )
    told = quantify(sheet, capped, kits)
    left_out = {"A": "C7, C6", "B": "C7, C6, C5", "C": "C7, C6", "D": "C7, C6, C5"}
    assert told.curves["reason"].to_list() == [
        f"{left_out[name]} left out: wells stand at the reporter's highest value" for name in "ABCD"
    ]
    assert told.curves["standards"].to_list() == [5, 4, 5, 4]
    bright = told.samples.filter(sample="bright")
    assert bright["status"].to_list() == ["above_range"] * 4
    # D answers with 19,600 to C4, hardly less than the detector's end: its own interval says less than the range.
    of_range = (bright["limit_pg_per_ml"] / (2 * told.curves["uloq_pg_per_ml"])).to_list()
    assert of_range == pytest.approx([1, 1, 1, 0.85], abs=0.1)
    assert bright["cv_pct"].to_list() == [None] * 4
    within = told.samples.filter(pl.col("sample") == "S", pl.col("analyte").is_in(["A", "C"]))
    assert within["conc_pg_per_ml"].to_list() == pytest.approx([400.0] * 2, rel=0.12)
    assert ((within["lower"] < 400) & (within["upper"] > 400)).all()


def test_a_well_that_failed_tells_no_saturated_level(rng):
    """Of three beads two may stand at the highest reporter; the level's other well stays."""
    sheet, beads, kits = plate(rng, {"S": 400.0})
    failed = pl.col("well") == beads.filter(level="C7")["well"][0]
    few = beads.with_columns(
        verdict=pl.when(failed).then(pl.lit("fail")).otherwise("verdict"),
        at_highest=pl.when(failed).then(2 / 3).otherwise(0.0),
    )
    told = quantify(sheet, few, kits)
    assert told.curves["standards"].to_list() == [7] * 4
    assert told.curves["reason"].to_list() == [None] * 4


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
    assert (
        told.samples.filter(sample="S", status="quantified")["conc_pg_per_ml"].to_list()
        == [pytest.approx(2_000, rel=0.15)] * 4
    )
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


def test_a_top_standard_that_shines_five_percent_less_is_no_hook(rng):
    sheet, beads, kits = plate(rng, {"S": 100.0}, noise=0.002)
    top = 0.95 * beads.filter(level="C6", analyte="D")["signal"].max()
    signal = pl.when(level="C7", analyte="D").then(top).otherwise("signal")
    assert not result(quantify(sheet, beads.with_columns(signal=signal), kits).curves, analyte="D")["hook"]


def test_a_control_without_a_dilution_is_undiluted(rng):
    sheet, beads, kits = plate(rng, {"S": 200.0}, dilution=2.0)
    control = pl.when(role="sample").then(pl.lit("control")).otherwise("role")
    undiluted = pl.lit(None, pl.Float64)
    told = quantify(sheet.with_columns(role=control, dilution=undiluted), beads.with_columns(role=control), kits)
    assert set(told.samples["role"]) == {"control"}
    assert told.samples["conc_pg_per_ml"].to_list() == pytest.approx([100] * 4, rel=0.12)


def test_nominal_concentrations_of_the_kit_where_the_sheet_has_none(rng):
    sheet, beads, kits = plate(rng, {"S": 100.0})
    one = quantify(sheet, beads, kits)
    other = quantify(sheet.with_columns(nominal_pg_per_ml=pl.lit(None, pl.Float64)), beads, kits)
    assert other.samples["conc_pg_per_ml"].to_list() == pytest.approx(one.samples["conc_pg_per_ml"].to_list(), rel=1e-9)


def test_levels_of_the_kit_hold_where_the_highest_was_left_out(rng):
    sheet, beads, kits = plate(rng, {"S": 100.0}, levels=range(1, 7))
    told = quantify(sheet.with_columns(nominal_pg_per_ml=pl.lit(None, pl.Float64)), beads, kits)
    assert told.recovery.filter(analyte="A", level="C6")["nominal_pg_per_ml"][0] == pytest.approx(2_500)
    assert told.samples["conc_pg_per_ml"].to_list() == pytest.approx([100] * 4, rel=0.15)


def test_wells_of_one_level_that_should_hold_different_concentrations_are_refused(rng):
    sheet, beads, kits = plate(rng, {"S": 100.0})
    well = sheet.filter(level="C4")["well"][1]
    wrong = pl.when(well=well).then(1_562.5).otherwise("nominal_pg_per_ml")
    with pytest.raises(AnalysisError, match=f"plate P, well {well}: wells of level C4 hold different concentrations"):
        quantify(sheet.with_columns(nominal_pg_per_ml=wrong), beads, kits)


def test_a_blank_that_is_called_a_standard_is_refused(rng):
    sheet, beads, kits = plate(rng, {"S": 100.0})
    well = sheet.filter(role="blank")["well"][0]
    called = pl.when(role="blank").then(pl.lit("standard")).otherwise("role")
    with pytest.raises(AnalysisError, match=f"plate P, well {well}: a standard of 0 pg/mL is a blank"):
        quantify(sheet.with_columns(role=called), beads.with_columns(role=called), kits)


@pytest.mark.parametrize("by", ["sheet", "kit"])
def test_a_standard_that_is_called_a_blank_is_refused(rng, by):
    sheet, beads, kits = plate(rng, {"S": 100.0})
    well = sheet.filter(level="C4")["well"][0]
    called = pl.when(well=well).then(pl.lit("blank")).otherwise("role")
    sheet, beads = sheet.with_columns(role=called), beads.with_columns(role=called)
    if by == "kit":
        sheet = sheet.with_columns(nominal_pg_per_ml=pl.lit(None, pl.Float64))
    told = f"plate P, well {well}: a blank holds nothing.*found '156.25 pg/mL by"
    with pytest.raises(AnalysisError, match=told):
        quantify(sheet, beads, kits)


def told_of_dilution(told):
    """What is told of each level without a factor."""
    assert told.dilution.filter(pl.col("factor").is_null() != pl.col("reason").is_not_null()).is_empty()
    unknown = told.dilution.filter(pl.col("reason").is_not_null())
    assert unknown.select(pl.col("factor", "lower", "upper").null_count()).row(0) == (unknown.height,) * 3
    return {row["level"]: (row["analytes"], row["reason"]) for row in unknown.iter_rows(named=True)}


@pytest.mark.parametrize("level", ["C1", "C4", "C7"])
def test_of_a_level_whose_beads_failed_no_dilution_error_is_told(rng, level):
    sheet, beads, kits = plate(rng, {"S": 100.0})
    failed = pl.when(level=level).then(pl.lit("fail")).otherwise("verdict")
    told = quantify(sheet, beads.with_columns(verdict=failed), kits)
    assert told_of_dilution(told) == {
        level: (0, "in no curve: too few beads in its wells, or left out as a hook effect or saturated")
    }
    one = pl.when(level=level, analyte="B").then(pl.lit("fail")).otherwise("verdict")
    told = quantify(sheet, beads.with_columns(verdict=one), kits)
    assert told.dilution["analytes"].to_list() == [3 if name == level else 4 for name in told.dilution["level"]]
    assert told_of_dilution(told) == {}


@pytest.mark.parametrize("analytes", ["A", "AB"])
def test_two_analytes_tell_no_dilution_error(rng, analytes):
    """C4 holds 0.7 times what it should: a factor near 1 with narrow limits would be wrong."""
    sheet, beads, kits = plate(rng, {"S": 100.0})
    off = pl.when(level="C4").then(0.7 * pl.col("signal")).otherwise("signal")
    told = quantify(sheet, beads.with_columns(signal=off).filter(pl.col("analyte").is_in(list(analytes))), kits)
    reason = "not fitted: the level is taken as right; 3 analytes are needed to tell its error from their curves"
    assert told_of_dilution(told) == {f"C{n}": (len(analytes), reason) for n in range(1, 8)}
    assert told.samples.filter((pl.col("lower") < 100) & (pl.col("upper") > 100)).height == len(analytes)


def test_without_shared_errors_none_is_told(rng):
    told = quantify(*plate(rng, {"S": 100.0}), shared_dilution=False)
    assert told_of_dilution(told) == {f"C{n}": (4, "not fitted: the level is taken as right") for n in range(1, 8)}


def test_two_kits_of_a_plate_share_no_dilution_errors(rng):
    sheet, beads, kits = plate(rng, {"S": 100.0})
    other = Kit("l", "", (), tuple(KitBead(name, "x", 1, None, None) for name in "EFGH"), {}, None, None)
    wells = pl.col("well").str.to_lowercase()
    moved = sheet.with_columns(kit=pl.lit("l"), well=wells)
    off = pl.when(level="C4").then(0.7 * pl.col("signal")).otherwise("signal")
    twin = beads.with_columns(
        kit=pl.lit("l"),
        well=wells,
        signal=off,
        analyte=pl.col("analyte").replace(dict(zip("ABCD", "EFGH", strict=True))),
    )
    told = quantify(pl.concat([sheet, moved]), pl.concat([beads, twin]), kits | {"l": other})
    alone = quantify(sheet, beads, kits)
    assert told.dilution.filter(kit="k").equals(alone.dilution)
    assert told.dilution.filter(kit="l", level="C4")["factor"][0] < 0.8
    assert told.samples.filter(pl.col("analyte").is_in(list("ABCD"))).equals(alone.samples)


def test_pandas_gives_the_same(rng):
    sheet, beads, kits = plate(rng, {"S": 100.0})
    one, other = quantify(sheet, beads, kits), quantify(sheet.to_pandas(), beads.to_pandas(), kits)
    assert one.samples.equals(other.samples)


def test_a_signal_that_may_be_that_of_saturation_is_above_its_lower_limit():
    curve = Curve("4PL", np.log([100, 900, 50, 1]))
    levels = [
        Level(place, np.log(conc), np.log(conc), 2, np.log(conc), 0.0, 0.1, np.log(conc), 0.0, 0.1)
        for place, conc in enumerate((1e3, 1))
    ]
    of = CurveOf(curve, np.zeros((5, 5)), levels, Limits(np.log(105), np.log(0.3), 0.0, np.log(1e3)), False, ())
    names = ("plate", "well", "sample", "analyte", "role", "verdict", "beads", "reason", "level")
    row = dict(zip(names, ("P", "A1", "S", "A", "sample", "pass", 60, None, None), strict=True))
    # The curve is 935.7 at 650 and 1000 at most: 1.96 standard errors of 0.04 reach beyond.
    contents = [Content(row | {"signal": 935.7, "signal_se_log": 0.04}, 2.0, None, None)]
    _, samples = concentrations_of(contents, {"A": of}, Spread(0.01, 0.01, 0.01), {})
    assert samples[0]["status"] == "above_range"
    assert "conc_pg_per_ml" not in samples[0]
    # The ends by hand: signal / exp(quantile * 0.0412), quantile 2.45 of Student's t, put into the inverse.
    assert 2 * 200 < samples[0]["limit_pg_per_ml"] < 2 * 300


@pytest.mark.parametrize(
    ("sheet_of", "beads_of", "told"),
    [
        (lambda sheet: sheet.drop("role"), None, "column role: table plates lacks a column"),
        (lambda sheet: sheet.head(3), None, "a well that the sheet does not name; found 'well B1 of plate P'"),
        (lambda sheet: sheet.with_columns(dilution=pl.lit(0.5)), None, "column dilution.*found 0.5"),
        (lambda sheet: sheet.with_columns(nominal_pg_per_ml=pl.lit(-1.0)), None, "column nominal_pg_per_ml.*found -1"),
        (None, lambda beads: beads.with_columns(signal=-pl.col("signal")), "column signal: beads that did not fail"),
        (None, lambda beads: beads.with_columns(signal=pl.lit(np.nan)), "a signal above 0; found 'none'"),
        (None, lambda beads: pl.concat([beads, beads]), "table bead_wells holds a key twice"),
    ],
)
def test_tables_that_are_none_are_refused(rng, sheet_of, beads_of, told):
    sheet, beads, kits = plate(rng, {"S": 400.0})
    sheet, beads = (sheet_of or (lambda one: one))(sheet), (beads_of or (lambda one: one))(beads)
    with pytest.raises(TableError, match=told):
        quantify(sheet, beads, kits)


def test_the_real_plate_gives_back_its_standards_once_shared_errors_are_out(shared_data):
    """Of 91 levels of analytes; the plate's own zig-zag is one and the same in all 13."""
    kits, names = read_kits(), real_sheet(shared_data / "cytokine").filter(plate="K3")
    read = read_wells(names, "/", kits)
    told = quantify(names, find_beads(names, read.events, kits).wells, kits)
    near = {
        name: int(((told.recovery[name] - 100).abs() <= 20).sum()) for name in ("recovery_pct", "recovery_nominal_pct")
    }
    assert told.recovery.height == 91
    assert near["recovery_pct"] >= 78
    assert near["recovery_nominal_pct"] <= 40
    assert set(told.curves["verdict"]) == {"pass"}
