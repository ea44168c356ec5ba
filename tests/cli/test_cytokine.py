import csv
import shutil
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from tests.commands import exit_code as run
from tests.cytokines.curves import plate
from tilseq.cli.cytokine import _tell_silent, draw_plates
from tilseq.cytokines import quantify
from tilseq.steps.cytokine_plate_figures import draw_plate

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
PLATE = "SIM-01_tgfb1"
GONE = ("C7", "C5", "C3", "C1")


@pytest.fixture
def study(tmp_path):
    """A study folder of one plate."""
    (tmp_path / "plates").mkdir()
    (tmp_path / "raw/cytokine").mkdir(parents=True)
    shutil.copy(SAMPLE / f"plates/{PLATE}.csv", tmp_path / "plates")
    for path in (SAMPLE / "raw/cytokine").glob(f"{PLATE}_*.fcs"):
        shutil.copy(path, tmp_path / "raw/cytokine")
    return tmp_path


def edit(study, old, new):
    sheet = study / f"plates/{PLATE}.csv"
    text = sheet.read_text()
    assert old in text
    sheet.write_text(text.replace(old, new))


def test_qc(study, capsys):
    assert run("cytokine", "qc", study / f"plates/{PLATE}.csv", "--figures", study / "maps") == 0
    told = capsys.readouterr()
    rows = list(csv.DictReader(told.out.splitlines()))
    assert len(rows) == 26
    assert {row["verdict"] for row in rows} == {"pass"}
    assert told.err == "26 wells; analytes in wells: 26 pass, 0 warn, 0 fail\n"
    assert len(list((study / "maps").glob("*.svg"))) == len(list((study / "maps").glob("*.png"))) == 26


def test_a_sheet_without_samples_is_told_to_have_none(study, capsys):
    sheet = study / f"plates/{PLATE}.csv"
    header, *wells = sheet.read_text().splitlines()
    sheet.write_text("\n".join([header, *(well for well in wells if ",sample," not in well)]) + "\n")
    assert run("cytokine", "quantify", sheet, "-o", study / "out") == 0
    assert "analytes in samples: none, as the sheet names no well of a sample\n" in capsys.readouterr().err


def test_quantify_writes_every_table(study, capsys):
    out = study / "out"
    assert run("cytokine", "quantify", study / f"plates/{PLATE}.csv", "-o", out) == 0
    assert sorted(path.stem for path in out.glob("*.csv")) == [
        "bead_populations", "bead_wells", "concentrations", "dilution_errors", "exclusions", "sample_concentrations",
        "standard_curves", "standard_recovery",
    ]  # fmt: skip
    samples = pl.read_parquet(out / "sample_concentrations.parquet")
    truth = pl.read_csv(SAMPLE / "truth/wells.csv", schema_overrides={"sample": pl.String}).filter(plate=PLATE)
    true = truth.drop_nulls("sample").select("sample", "plasma_pg_per_ml").unique()
    both = samples.join(true, on="sample")
    assert both.height == samples.height > 0
    inside = both.filter(pl.col("plasma_pg_per_ml").is_between("lower", "upper"))
    assert inside.height >= both.height - 1
    assert "analytes in samples: " in capsys.readouterr().err


def test_a_sample_that_cannot_be_evaluated_is_told_with_the_reason(capsys):
    columns = {"plate": "P1", "status": "not_evaluable", "reason": "the sheet does not tell the dilution"}
    samples = [columns | {"sample": name} for name in ("a", "a", "b")]
    samples += [columns | {"sample": "c", "reason": None, "status": "quantified"}]
    _tell_silent(pl.DataFrame(samples))
    told = "tilseq: plate P1, a, b: not evaluable: the sheet does not tell the dilution\n"
    assert capsys.readouterr().err == told


def test_a_missing_well_fails_alone(study, capsys):
    (study / f"raw/cytokine/{PLATE}_A03.fcs").unlink()
    assert run("cytokine", "quantify", study / f"plates/{PLATE}.csv", "-o", study / "out") == 4
    assert f"{PLATE}_A03.fcs" in capsys.readouterr().err
    wells = pl.read_parquet(study / "out/bead_wells.parquet")
    assert wells.filter(verdict="fail")["well"].to_list() == ["A03"]
    one = pl.read_parquet(study / "out/concentrations.parquet").filter(well="A03").row(0, named=True)
    assert one["status"] == "not_evaluable"
    samples = pl.read_parquet(study / "out/sample_concentrations.parquet")
    assert set(samples["wells_given"] - samples["wells"]) == {0, 1}


def test_curves_that_fail_are_told_and_no_success(study, capsys):
    sheet = study / f"plates/{PLATE}.csv"
    kept = [line for line in sheet.read_text().splitlines() if not any(f",{level}," in line for level in GONE)]
    sheet.write_text("\n".join(kept) + "\n")
    assert run("cytokine", "quantify", sheet, "-o", study / "out") == 3
    told = capsys.readouterr().err
    assert f"tilseq: plate {PLATE}, curves of TGF-beta1: fail: 3 standard levels with enough beads and" in told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (",C7,10000.0,", ",C7,10.0,", "a thousandth of what kit tgfb1_singleplex has at level C7"),
        (",C7,10000.0,", ",C7,9.0,", "about a thousandth of what kit tgfb1_singleplex has at level C7"),
        (",C7,10000.0,", ",C7,18.0,", "is it ng/mL?"),
        (
            f"{PLATE}_A02.fcs,standard,,tgfb1_singleplex,TGF-beta1,C7,10000.0,",
            f"{PLATE}_A02.fcs,standard,,tgfb1_singleplex,TGF-beta1,C7,1000.0,",
            "the same level as row 2, and another",
        ),
        (f"{PLATE}_A03.fcs", f"{PLATE}_A04.fcs", "row 4, column path: the file is named after well A04"),
        (",A03,", ",A02,", "this plate and well and analyte stands in row 3 already"),
        (",tgfb1_singleplex,", ",tgfb1_singelplex,", "did you mean 'tgfb1_singleplex'?"),
        (",20.0,true,", ",,true,", "column dilution: this kit needs the dilution of a sample"),
        (",20.0,true,", ",20.0,,", "must say whether the sample was activated"),
        (f"raw/cytokine/{PLATE}_A03", f"../raw/{PLATE}_A03", "a path may not climb by `..`"),
    ],
)
def test_a_sheet_that_does_not_hold_is_refused(study, capsys, old, new, told):
    edit(study, old, new)
    assert run("cytokine", "quantify", study / f"plates/{PLATE}.csv", "-o", study / "out") == 3
    assert told in capsys.readouterr().err
    assert not (study / "out").exists()


def test_a_sheet_without_a_well_is_refused(study, capsys):
    sheet = study / f"plates/{PLATE}.csv"
    sheet.write_text(sheet.read_text().splitlines()[0] + "\n")
    assert run("cytokine", "quantify", sheet, "-o", study / "out") == 3
    assert f"{PLATE}.csv, row 2: the plate sheet names no well" in capsys.readouterr().err
    assert not (study / "out").exists()


def test_a_sheet_that_names_levels_alone(study):
    sheet = study / f"plates/{PLATE}.csv"
    pl.read_csv(sheet, infer_schema=False).with_columns(nominal_pg_per_ml=None).write_csv(study / "plates/levels.csv")
    for name in (PLATE, "levels"):
        assert run("cytokine", "quantify", study / f"plates/{name}.csv", "-o", study / name) == 0
    one, other = (pl.read_parquet(study / f"{name}/sample_concentrations.parquet") for name in (PLATE, "levels"))
    assert one["conc_pg_per_ml"].to_list() == pytest.approx(other["conc_pg_per_ml"].to_list(), rel=1e-5)


def test_a_sheet_beside_its_files_and_a_kit_of_ones_own(study, capsys):
    kit = (files("tilseq.cytokines") / "kits/tgfb1_singleplex.yaml").read_text()
    (study / "mine.yaml").write_text(kit.replace("kit: tgfb1_singleplex", "kit: mine"))
    edit(study, ",tgfb1_singleplex,", ",mine,")
    shutil.move(study / f"plates/{PLATE}.csv", study / "sheet.csv")
    assert run("cytokine", "qc", study / "sheet.csv", "--kit", study / "mine.yaml", "-o", study / "qc.csv") == 0
    assert set(pl.read_csv(study / "qc.csv")["kit"]) == {"mine"}


def test_a_plate_has_its_map_curves_and_recoveries(tmp_path):
    sheet, wells, kits = plate(np.random.default_rng(11), {"S1": 100.0}, noise=0.01)
    draw_plates(quantify(sheet, wells, kits), SimpleNamespace(wells=wells), tmp_path)
    assert sorted(path.stem for path in tmp_path.glob("*.svg")) == ["P_curves", "P_recovery", "P_wells"]


def test_wells_that_no_plate_has_are_quantified_and_stand_on_no_map(tmp_path):
    sheet, wells, kits = plate(np.random.default_rng(11), {"S1": 100.0}, noise=0.01)
    sheet, wells = (frame.with_columns(well="tube " + pl.col("well")) for frame in (sheet, wells))
    draw_plates(quantify(sheet, wells, kits), SimpleNamespace(wells=wells), tmp_path)
    draw_plate(SimpleNamespace(wells=wells, maps=[]), quantify(sheet, wells, kits), tmp_path / "step")
    assert sorted(path.stem for path in tmp_path.glob("*.svg")) == ["P_curves", "P_recovery"]
    assert sorted(path.stem for path in tmp_path.glob("step/*.svg")) == ["2_curves", "3_recovery"]
