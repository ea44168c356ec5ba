from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tilseq.errors import RunError
from tilseq.io.fcs import read_fcs
from tilseq.simulate.beads.plate import PlateErrors, draw_plate, write_plate
from tilseq.simulate.beads.wells import CHANNELS, CROSSTALK, MULTIPLEX, TGFB1_SINGLEPLEX, Curve
from tilseq.simulate.streams import stream
from tilseq.tables import conform, parse
from tilseq.tables.inputs import PLATES

# Below the range, in it, and above it: IL-2 at 0.25 pg/mL and interferon at 20,000 pg/mL in the well.
PLASMA = {"IFN-gamma": 40_000, "TNF-alpha": 60, "IL-2": 0.5, "IL-6": 800, "IL-10": 40, "IL-15": 300}
NO_ERRORS = PlateErrors(step=0, level=0, sample=0, well=0, analyte=0, matrix=0, edge=0)


def plate(seed=1, kit=MULTIPLEX, samples=None, **more):
    return draw_plate(stream(seed, "plate"), "P1", kit, {"S1": PLASMA} if samples is None else samples, **more)


def test_sheet_of_a_multiplex():
    sheet = plate().sheet
    assert sheet.equals(conform(sheet, PLATES))
    assert sheet.height == 18
    assert sheet["kit"].unique().to_list() == ["multiplex"]
    assert sheet["analyte"].null_count() == 18
    columns = [
        "well",
        "path",
        "role",
        "sample",
        "level",
        "nominal_pg_per_ml",
        "dilution",
        "acid_activated",
        "replicate",
    ]
    rows = {row[0]: row[1:] for row in sheet.select(columns).iter_rows()}
    assert rows["A01"] == ("raw/cytokine/P1_A01.fcs", "standard", None, "C7", 10_000.0, None, False, "1")
    assert rows["G02"] == ("raw/cytokine/P1_G02.fcs", "standard", None, "C1", 2.44140625, None, False, "2")
    assert rows["H01"] == ("raw/cytokine/P1_H01.fcs", "blank", None, "C0", 0.0, None, False, "1")
    assert rows["A03"] == ("raw/cytokine/P1_A03.fcs", "sample", "S1", None, None, 2.0, False, "1")
    assert rows["A04"] == ("raw/cytokine/P1_A04.fcs", "sample", "S1", None, None, 2.0, False, "2")


def test_sheet_of_a_singleplex():
    sheet = plate(kit=TGFB1_SINGLEPLEX, samples={"S1": {"TGF-beta1": 5_000}}).sheet
    assert sheet["analyte"].unique().to_list() == ["TGF-beta1"]
    assert sheet.filter(pl.col("acid_activated"))["well"].to_list() == ["A03", "A04"]
    assert sheet.filter(pl.col("role") == "sample")["dilution"].to_list() == [20.0, 20.0]


def test_full_plate():
    wells = plate(samples={f"S{n}": PLASMA for n in range(40)}, beads_per_analyte=5).sheet["well"].to_list()
    assert wells == [f"{row}{column:02d}" for row in "ABCDEFGH" for column in range(1, 13)]


def test_without_errors_every_well_holds_what_it_should():
    drawn = plate(errors=NO_ERRORS, dilution=4)
    assert drawn.true_levels["factor"].to_list() == [1.0] * 7
    assert drawn.true_wells["signal_factor"].unique().to_list() == [1.0]
    given = {row["well"] + row["analyte"]: row for row in drawn.true_wells.iter_rows(named=True)}
    assert given["A03IFN-gamma"]["plasma_pg_per_ml"] == 40_000
    assert given["A03IFN-gamma"]["well_pg_per_ml"] == 10_000
    assert given["A04IL-2"]["well_pg_per_ml"] == 0.125
    assert given["B01IL-2"]["well_pg_per_ml"] == 2_500
    assert given["B01IL-2"]["plasma_pg_per_ml"] is None
    assert given["H02IL-2"]["well_pg_per_ml"] == 0
    assert drawn.true_wells["seen_pg_per_ml"].equals(drawn.true_wells["well_pg_per_ml"])


def test_truth_says_what_the_beads_show():
    drawn = plate(beads_per_analyte=1_500)
    curves = {row.pop("analyte"): row for row in drawn.true_curves.iter_rows(named=True)}
    offs = []
    for row in drawn.true_wells.iter_rows(named=True):
        told = curves[row["analyte"]]
        curve = Curve(**{**told, "hook_pg_per_ml": told["hook_pg_per_ml"] or np.inf})
        bead = MULTIPLEX.beads[drawn.labels.index(row["analyte"])]
        due = curve.signal(np.array([row["seen_pg_per_ml"]]))[0] * row["signal_factor"] + CROSSTALK * bead.classifier
        well = drawn.wells[row["well"]]
        seen = well.events[well.labels == drawn.labels.index(row["analyte"]), 3]
        assert len(seen) == row["beads"]
        offs.append(np.log(np.median(seen) / due))
    # Median of 1,300 beads: standard error 0.02 at the steepest; gain of the well 0.01.
    assert np.abs(offs).max() < 0.08
    assert abs(np.mean(offs)) < 0.01


def test_a_level_is_wrong_in_all_analytes_alike():
    drawn = plate()
    standards = drawn.true_wells.join(drawn.true_levels, on="level")
    off = pl.col("well_pg_per_ml") / pl.col("nominal_pg_per_ml") / pl.col("factor")
    by_well = standards.group_by("well").agg(off.min().alias("least"), off.max().alias("most"))
    np.testing.assert_allclose(by_well["least"], by_well["most"], rtol=1e-12)
    assert by_well["least"].n_unique() == 14  # every well has a pipetting error of its own
    assert drawn.true_levels["factor"].n_unique() == 7


def test_errors_are_as_wide_as_stated():
    plates = [plate(seed, samples={}, beads_per_analyte=1) for seed in range(150)]
    factors = np.log(np.array([one.true_levels["factor"].to_numpy() for one in plates]))
    assert (factors[:, 6] == 0).all()  # the reconstituted standard anchors the series
    # C6: one step and its own mixing, √(0.03² + 0.25²) = 0.252; C1: six steps, √(6·0.03² + 0.25²) = 0.261; ± 4 errors.
    assert factors[:, 5].std() == pytest.approx(0.252, abs=0.06)
    assert factors[:, 0].std() == pytest.approx(0.261, abs=0.06)
    exact = plate(errors=replace(NO_ERRORS, step=0.1), beads_per_analyte=1)
    walk = np.log(exact.true_levels["factor"].to_numpy())
    assert len(set(np.round(walk, 6))) == 7
    assert np.abs(np.diff(walk)).max() < 0.5


def test_outermost_wells_are_brighter():
    drawn = plate(samples={f"S{n}": PLASMA for n in range(40)}, beads_per_analyte=1, errors=PlateErrors(edge=0.1))
    bright = set(drawn.true_wells.filter(pl.col("signal_factor") > 1)["well"])
    assert len(bright) == 36  # 96 wells without the 6 × 10 inside
    assert {"A05", "H07", "C01", "D12"} <= bright
    assert drawn.true_wells["signal_factor"].max() == pytest.approx(1.1051709)


def test_a_further_sample_changes_no_well_before_it():
    one, two = plate(), plate(samples={"S1": PLASMA, "S2": PLASMA})
    for well, drawn in one.wells.items():
        assert drawn.events.tobytes() == two.wells[well].events.tobytes()
    assert two.true_wells.head(one.true_wells.height).equals(one.true_wells)


@pytest.mark.parametrize(
    ("samples", "more", "message"),
    [
        ({f"S{n}": PLASMA for n in range(41)}, {}, "do not fit on one plate"),
        ({"S1": {"IL-2": 1.0}}, {}, "needs a concentration of IFN-gamma"),
        ({"S1": PLASMA | {"IL-2": -1.0}}, {}, "needs a concentration of IL-2"),
        ({"S1": PLASMA | {"IL-2": float("nan")}}, {}, "needs a concentration of IL-2"),
        ({}, {"dilution": 0.5}, "dilution"),
        ({}, {"beads_per_analyte": 0}, "beads"),
    ],
)
def test_what_cannot_be_is_refused(samples, more, message):
    with pytest.raises(RunError, match=message):
        plate(samples=samples, **more)


def test_written_plate(tmp_path):
    drawn = plate(beads_per_analyte=40)
    for folder in (tmp_path / "a", tmp_path / "b"):
        write_plate(folder, plate(beads_per_analyte=40))
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(files) == 19
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files)
    sheet = tmp_path / "a" / "plates" / "P1.csv"
    read, problems = parse(pl.read_csv(sheet, infer_schema=False), PLATES, file=sheet)
    assert problems == []
    assert conform(read, PLATES).equals(drawn.sheet)
    for well, path in read.select("well", "path").iter_rows():
        fcs = read_fcs(tmp_path / "a" / path)
        assert tuple(fcs.channels) == CHANNELS
        np.testing.assert_array_equal(fcs.events, drawn.wells[well].events)
