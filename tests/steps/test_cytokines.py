"""Plates of beads within a study: one job a plate, then one over all."""

import json
import shutil
from importlib import import_module
from pathlib import Path

import polars as pl
import pytest

from tests.cytokines.plates import row
from tilseq.errors import StudyError, TilseqError
from tilseq.steps import cytokine_plates, cytokines
from tilseq.steps.job import Job
from tilseq.study import read_study

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
PLATES = ("SIM-01_tgfb1", "SIM-02_tgfb1", "SIM-03_tgfb1")
LOST = "raw/cytokine/SIM-01_tgfb1_B03.fcs"  # of day 7, whose other well is sound


def make_study(root):
    """Write three plates of one analyte: one well is empty, a plate names an unknown kit, a sample is said to fail."""
    (root / "plates").mkdir(parents=True)
    (root / "raw/cytokine").mkdir(parents=True)
    for name in ("study.yaml", "subjects.csv", "infusions.csv"):
        shutil.copy(SAMPLE / name, root)
    for plate in PLATES:
        shutil.copy(SAMPLE / f"plates/{plate}.csv", root / "plates")
        for path in (SAMPLE / "raw/cytokine").glob(f"{plate}_*.fcs"):
            shutil.copy(path, root / "raw/cytokine")
    lines = (SAMPLE / "samples.csv").read_text().splitlines()
    kept = [f"{lines[0]},status", *(f"{line}," for line in lines if any(f",{plate}," in line for plate in PLATES))]
    told = [f"{line}failed" if line.startswith("SIM-03_D84_tgfb1,") else line for line in kept]
    (root / "samples.csv").write_text("\n".join(told) + "\n")
    (root / LOST).write_bytes(b"")
    sheet = root / "plates" / f"{PLATES[1]}.csv"
    sheet.write_text(sheet.read_text().replace("tgfb1_singleplex", "tgfb1_simplex"))
    return root


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The study, what each job wrote by table, and the errors of those that failed, by unit."""
    folder = tmp_path_factory.mktemp("cytokines")
    study = read_study(make_study(folder / "study"))
    written, errors = {}, {}
    for name in ("cytokine_plates", "cytokines"):
        step = import_module(f"tilseq.steps.{name}")
        for job in step.plan(study):
            out = folder / "work" / job.folder
            out.mkdir(parents=True)
            try:
                step.run(Job.from_dict(json.loads(json.dumps(job.as_dict()))), out)
            except TilseqError as error:
                errors[job.unit] = error
                shutil.rmtree(out)
            written[job.unit] = {path.stem: pl.read_parquet(path) for path in out.glob("*.parquet")}
            written[job.unit]["figures"] = sorted(path.stem for path in out.glob("figures/*.svg"))
            captions = out / "figures" / "captions.json"
            written[job.unit]["captions"] = json.loads(captions.read_text()) if captions.is_file() else {}
    return study, written, errors


def test_one_job_a_plate_that_its_samples_stand_or_fall_with(ran):
    study, _, _ = ran
    first, second, third = cytokine_plates.plan(study)
    assert [job.unit for job in (first, second, third)] == list(PLATES)
    assert len(first.paths) == 26 and len(first.samples) == 5
    assert "SIM-01_D7_tgfb1" in first.samples
    (over_study,) = cytokines.plan(study)
    assert over_study.needs == (first.folder, second.folder, third.folder)


def test_every_table_and_figure_of_a_plate(ran):
    _, written, _ = ran
    told = written["SIM-03_tgfb1"]
    assert set(told) == {
        "bead_wells", "bead_populations", "standard_curves", "standard_recovery", "dilution_errors", "concentrations",
        "sample_concentrations", "quality", "exclusions", "figures", "captions",
    }  # fmt: skip
    # One analyte tells no dilution error, and the figures do not speak of one.
    assert told["captions"]["3_recovery.png"].endswith("by its nominal concentration; dashed are 80 and 120 %")
    assert "(dots), wells of samples that have a number (crosses)" in told["captions"]["2_curves.png"]
    assert told["figures"] == ["1_wells", "2_curves", "3_recovery", "4_beads_A03"]
    assert told["bead_wells"].height == 26
    assert set(told["quality"]["check"]) == {"beads", "standard_curves"}


def test_a_well_that_cannot_be_read_fails_alone(ran):
    _, written, _ = ran
    told = written["SIM-01_tgfb1"]
    lost = told["bead_wells"].filter(verdict="fail")
    assert lost["well"].to_list() == ["B03"]
    assert lost["reason"][0].startswith(LOST)  # and not the folder that the study is in
    day_7 = row(told["sample_concentrations"], sample="SIM-01_D7_tgfb1")
    assert (day_7["wells"], day_7["wells_given"], day_7["status"]) == (1, 2, "quantified")
    checks = told["quality"].filter(check="beads")
    assert dict(checks.select("sample", "verdict").iter_rows()) == {
        "SIM-01_D7_tgfb1": "warn",
        **{f"SIM-01_{visit}_tgfb1": "pass" for visit in ("baseline", "D28", "D84", "D180")},
    }
    assert row(checks, sample="SIM-01_D7_tgfb1")["reason"].startswith(
        "1 of 2 analytes in wells are in doubt; TGF-beta1 in B03: raw/cytokine/SIM-01_tgfb1_B03.fcs"
    )


def test_a_plate_of_an_unknown_kit_fails_alone_and_is_told_once(ran):
    _, written, errors = ran
    assert set(errors) == {"SIM-02_tgfb1"}
    error = errors["SIM-02_tgfb1"]
    assert isinstance(error, StudyError)
    assert [(problem.file, problem.row, problem.what) for problem in error.problems] == [
        ("plates/SIM-02_tgfb1.csv", 2, "no such kit")
    ]
    assert written["all subjects"]["cytokine_levels"]["subject"].unique().sort().to_list() == ["SIM-01", "SIM-03"]


def test_levels_and_endpoints_of_the_study(ran):
    _, written, _ = ran
    levels, endpoints = (written["all subjects"][name] for name in ("cytokine_levels", "endpoints"))
    own = levels.filter(subject="SIM-01")
    assert dict(own.select("visit", "baseline").iter_rows())["baseline"] is True
    assert (own["form"] == "total").all() and (own["plate"] == "SIM-01_tgfb1").all()
    day_7 = endpoints.filter(sample="SIM-01_D7_tgfb1").sort("parameter")
    level = row(own, visit="D7")
    assert day_7.select("parameter", "value", "unit").rows() == [
        ("cytokine_fold_from_baseline", level["fold"], "ratio"),
        ("cytokine_pg_per_ml", level["conc_pg_per_ml"], "pg/mL"),
    ]
    common = day_7.select("qualifier", "status", "scope", "day", "specimen").unique()
    assert common.rows() == [("analyte=TGF-beta1;form=total", "quantified", "cohort", 9, "plasma")]
    assert day_7["lower"].null_count() == day_7["upper"].null_count() == 0
    assert written["all subjects"]["figures"] == ["cytokines_SIM-01", "cytokines_SIM-03", "levels"]


def test_a_sample_that_failed_is_excluded_by_name(ran):
    _, written, _ = ran
    told = written["all subjects"]
    assert told["exclusions"].select("sample", "file", "rule", "rows").rows() == [
        ("SIM-03_D84_tgfb1", "samples.csv", "samples.csv calls the sample failed", 1)
    ]
    assert "SIM-03_D84_tgfb1" not in told["cytokine_levels"]["sample"].to_list()


def test_limits_stand_in_words():
    from tilseq.tables.cytokines import CYTOKINE_LEVELS

    common = {"subject": "S", "specimen": "plasma", "sample": "later", "plate": "P", "wells": 2, "wells_given": 2}
    common |= {"used": True, "baseline": False, "visit": "D7", "day": 7, "baseline_day": -8}
    found = CYTOKINE_LEVELS.frame(
        [
            {"analyte": "A", "status": "not_detected", "limit_pg_per_ml": 4.9078, "fold_status": "unknown"} | common,
            {"analyte": "B", "status": "above_range", "limit_pg_per_ml": 25_345.6, "fold": 12.34,
             "fold_status": "at_least"} | common,
            {"analyte": "C", "status": "not_evaluable"} | common,
        ]
    )  # fmt: skip
    told = [
        (one["parameter"].split("_")[1], one["value"], one["status"], one["value_text"])
        for one in cytokines._endpoints(found)
    ]
    assert told == [
        ("pg", None, "not_detected", "< 4.91 pg/mL"),
        ("fold", None, "not_evaluable", None),
        ("pg", None, "above_range", "> 25346 pg/mL"),
        ("fold", None, "above_range", "at least 12.3"),
        ("pg", None, "not_evaluable", None),
    ]


def test_without_a_plate_there_is_no_job(tmp_path):
    root = make_study(tmp_path / "study")
    shutil.rmtree(root / "plates")
    (root / "samples.csv").write_text("sample,subject,visit,specimen,assay\n")
    study = read_study(root)
    assert cytokine_plates.plan(study) == cytokines.plan(study) == []


def test_what_is_odd_in_the_file_of_a_well_is_told(ran, tmp_path):
    """An event of no number is left out and stands in `exclusions`; the samples read beside it bear the warning."""
    study, *_ = ran
    root = shutil.copytree(study.root, tmp_path / "study")
    spoiled = root / "raw/cytokine/SIM-03_tgfb1_A01.fcs"
    raw = bytearray(spoiled.read_bytes())
    begin = int(raw[26:34])
    raw[begin : begin + 4] = b"\x7f\xc0\x00\x01" if b"4,3,2,1" in raw[:2_000] else b"\x01\x00\xc0\x7f"
    spoiled.write_bytes(raw)
    job = next(job for job in cytokine_plates.plan(read_study(root)) if job.unit == "SIM-03_tgfb1")
    cytokine_plates.run(job, tmp_path)
    excluded = pl.read_parquet(tmp_path / "exclusions.parquet").filter(rule="a value that is not a finite number")
    assert excluded.select("file", "rows").rows() == [("raw/cytokine/SIM-03_tgfb1_A01.fcs", 1)]
    odd = pl.read_parquet(tmp_path / "quality.parquet").filter(check="files of wells")
    assert set(odd["sample"]) == set(job.samples)
    assert set(odd["verdict"]) == {"warn"}
    assert odd["reason"][0].endswith(
        "raw/cytokine/SIM-03_tgfb1_A01.fcs: 1 events with a value that is not finite are left out"
    )
    assert ran[1]["SIM-03_tgfb1"]["quality"].filter(check="files of wells").is_empty()


def test_a_standard_taken_for_a_replicate_is_told_among_the_checks_of_its_sample(ran, tmp_path):
    """Wells of 4,460, 3,171 and 272 pg/mL: their mean is 2,634 and their standard deviation 2,145, which is 81 %."""
    study, *_ = ran
    root = shutil.copytree(study.root, tmp_path / "study")
    sheet = root / "plates/SIM-03_tgfb1.csv"
    level = "F02.fcs,standard,,tgfb1_singleplex,TGF-beta1,C2,9.765625,,false,2"
    replicate = "F02.fcs,sample,SIM-03_D180_tgfb1,tgfb1_singleplex,TGF-beta1,,,20.0,true,3"
    assert level in sheet.read_text()
    sheet.write_text(sheet.read_text().replace(level, replicate))
    job = next(job for job in cytokine_plates.plan(read_study(root)) if job.unit == "SIM-03_tgfb1")
    cytokine_plates.run(job, tmp_path)
    told = pl.read_parquet(tmp_path / "quality.parquet").filter(check="wells of a sample")
    assert told.select("sample", "limit", "verdict", "reason").rows() == [
        (
            "SIM-03_D180_tgfb1",
            "a CV of 70 % between wells of one sample",
            "warn",
            "TGF-beta1: wells differ (CV 81 %): is one of another content?",
        )
    ]
    assert told["value"][0] == pytest.approx(81.4, abs=0.1)
