import dataclasses
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tilseq.errors import AnalysisError, ReadError
from tilseq.gates import Channel, Range, RectangleGate
from tilseq.io.gatingml import write_gatingml
from tilseq.io.write import write_csv
from tilseq.simulate.cytometry.panels import TBNK
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.files import write_tube
from tilseq.steps import flow, flow_cuts, flow_tubes
from tilseq.steps.job import Job
from tilseq.study import read_study

BLOOD = {"CD4+ T": 600.0, "CD8+ T": 400.0, "DN T": 40.0, "B": 200.0, "NK": 150.0, "monocyte": 300.0}
BLANK = {"CD4+ T": 600.0, "CD8+ T": 4.0, "DN T": 40.0, "B": 200.0, "NK": 150.0, "monocyte": 300.0}
NADIR = {"B": 300.0, "NK": 200.0, "monocyte": 300.0, "granulocyte": 500.0}
SETTINGS = "study: demo\nvisits: {D7: {day: 7}}\npanels: {tbnk: {}}\n"


@pytest.fixture(scope="module")
def study_folder(tmp_path_factory):
    """Four tubes of one panel, the last of a visit without T cells, and one of another instrument."""
    root = tmp_path_factory.mktemp("study")
    rows = ["sample,subject,visit,replicate,specimen,assay,path,panel,instrument"]
    for number in range(5):
        name, cells = f"t{number}", NADIR if number == 3 else BLOOD
        rows.append(f"{name},S1,D7,{number},blood,flow,raw/{name}.fcs,tbnk,{'two' if number == 4 else 'one'}")
        write_tube(root / f"raw/{name}.fcs", acquire(np.random.default_rng(number), TBNK, cells, 8000), name)
    (root / "samples.csv").write_text("\n".join(rows) + "\n")
    (root / "study.yaml").write_text(SETTINGS)
    (root / "subjects.csv").write_text("subject,tumor_type\nS1,melanoma\n")
    (root / "infusions.csv").write_text("subject,infusion,day\nS1,1,0\n")
    return root


def job_of(jobs: list[Job], unit: str) -> Job:
    (job,) = [job for job in jobs if job.unit == unit]
    return job


@pytest.fixture(scope="module")
def cohort(study_folder, tmp_path_factory):
    """The usual cuts of the four tubes, and the folder of work that holds them."""
    work = tmp_path_factory.mktemp("work")
    (job,) = flow_cuts.plan(read_study(study_folder))
    flow_cuts.run(job, work / job.folder)
    return pl.read_parquet(work / job.folder / "cohort_cuts.parquet"), work


def run(study_folder: Path, work: Path, unit: str) -> dict[str, pl.DataFrame]:
    job = job_of(flow.plan(read_study(study_folder)), unit)
    flow.run(job, work / job.folder)
    return {path.stem: pl.read_parquet(path) for path in (work / job.folder).glob("*.parquet")}


def test_a_job_for_each_group_of_three_tubes(study_folder):
    study = read_study(study_folder)
    (group,) = flow_cuts.plan(study)
    assert list(group.arguments["tubes"]) == ["t0", "t1", "t2", "t3"]
    assert group.arguments["group"] == {"panel": "tbnk", "instrument": "one", "batch": None}
    needs = {job.unit: job.needs for job in flow.plan(study)}
    assert needs == {**dict.fromkeys(("t0", "t1", "t2", "t3"), (group.folder,)), "t4": ()}


def test_the_usual_cuts_are_medians_whatever_the_order_of_tubes(study_folder, cohort, tmp_path):
    usual, _ = cohort
    assert set(usual["panel"]) == {"tbnk"}
    (job,) = flow_cuts.plan(read_study(study_folder))
    own = []
    for path, (sample, arguments) in zip(job.paths, job.arguments["tubes"].items(), strict=True):
        if sample != "t3":
            cut = flow_tubes.gate_file(path, sample, arguments).cuts["CD4", "CD3+"]
            assert cut.source == "valley" and cut.separation >= 0.5
            own.append(cut.threshold)
    row = usual.filter(gate="CD4", parent="CD3+").row(0, named=True)
    assert (row["threshold"], row["tubes"]) == (pytest.approx(sorted(own)[1]), 3)
    turned = dict(reversed(job.arguments["tubes"].items()))
    backwards = dataclasses.replace(job, paths=job.paths[::-1], arguments={**job.arguments, "tubes": turned})
    flow_cuts.run(backwards, tmp_path)
    assert pl.read_parquet(tmp_path / "cohort_cuts.parquet").equals(usual)


def test_a_tube_without_t_cells_borrows_and_is_of_the_cohort(study_folder, cohort):
    usual, work = cohort
    tables = run(study_folder, work, "t3")
    cuts = {(row["gate"], row["parent"]): row for row in tables["cuts"].iter_rows(named=True)}
    lent = usual.filter(gate="CD8", parent="CD3+").row(0, named=True)
    assert cuts["CD8", "CD3+"]["source"] == "cohort"
    assert cuts["CD8", "CD3+"]["threshold"] == lent["threshold"]
    assert set(tables["endpoints"]["scope"]) == {"cohort"}
    clear = run(study_folder, work, "t0")
    assert set(clear["cuts"]["source"]) <= {"valley", "fallback"}
    assert set(clear["endpoints"]["scope"]) == {"sample"}
    assert clear["cuts"].height and (work / "flow/t0/gates.xml").exists()


def test_frozen_cuts_go_in_place_of_the_runs_own(study_folder, cohort, tmp_path):
    usual, _ = cohort
    frozen = usual.with_columns(threshold=pl.col("threshold") * pl.when(pl.col("gate") == "CD8").then(1.5).otherwise(1))
    write_csv(frozen, study_folder / "cuts.csv")
    (study_folder / "study.yaml").write_text(SETTINGS + "analysis: {flow: {cuts: cuts.csv}}\n")
    try:
        study = read_study(study_folder)
        assert flow_cuts.plan(study) == []
        tables = run(study_folder, tmp_path, "t3")
        with pytest.raises(
            ReadError, match="the frozen cuts have none for this tube; found 'panel tbnk, instrument two"
        ):
            run(study_folder, tmp_path, "t4")
    finally:
        (study_folder / "study.yaml").write_text(SETTINGS)
    lent = usual.filter(gate="CD8", parent="CD3+")["threshold"][0]
    assert tables["cuts"].filter(gate="CD8", parent="CD3+")["threshold"].to_list() == [
        pytest.approx(1.5 * lent, rel=1e-9)
    ]


def test_a_tube_that_cannot_be_gated_alone_has_no_part_in_the_cuts(study_folder, cohort):
    usual, _ = cohort
    (job,) = flow_cuts.plan(read_study(study_folder))
    with pytest.raises(AnalysisError):
        flow_tubes.gate_file(job.paths[3], "t3", job.arguments["tubes"]["t3"])
    assert usual["tubes"].max() == 3


@pytest.fixture(scope="module")
def with_blanks(tmp_path_factory):
    """Three tubes and two blanks of one panel, the second blank of very few events; one tube is gated in full."""
    root, work = tmp_path_factory.mktemp("blanks"), tmp_path_factory.mktemp("work")
    rows = ["sample,subject,visit,replicate,specimen,assay,path,panel,role"]
    for number in range(5):
        role, cells = ("blank", BLANK) if number > 2 else ("sample", BLOOD)
        rows.append(f"b{number},S1,D7,{number},blood,flow,raw/b{number}.fcs,tbnk,{role}")
        size = 50 if number == 4 else 8000
        write_tube(root / f"raw/b{number}.fcs", acquire(np.random.default_rng(number), TBNK, cells, size), f"b{number}")
    (root / "samples.csv").write_text("\n".join(rows) + "\n")
    (root / "study.yaml").write_text(SETTINGS)
    (root / "subjects.csv").write_text("subject,tumor_type\nS1,melanoma\n")
    (root / "infusions.csv").write_text("subject,infusion,day\nS1,1,0\n")
    (job,) = flow_cuts.plan(read_study(root))
    flow_cuts.run(job, work / job.folder)
    return job, work / job.folder, run(root, work, "b0"), root


def test_blanks_are_no_tubes_of_the_cohort_and_have_no_job_of_their_own(with_blanks):
    job, folder, _, _ = with_blanks
    assert (list(job.arguments["tubes"]), list(job.arguments["blanks"])) == (["b0", "b1", "b2"], ["b3", "b4"])
    assert pl.read_parquet(folder / "cohort_cuts.parquet")["tubes"].max() == 3


def test_a_blank_limits_what_it_hardly_holds(with_blanks):
    _, folder, tables, _ = with_blanks
    blanks = pl.read_parquet(folder / "blanks.parquet").filter(sample="b3")
    assert {"CD8+ T", "DP T"} <= set(blanks["population"])
    assert {"CD4+ T", "CD3+", "B", "NK", "DN T", "CD3-", "singlets"}.isdisjoint(blanks["population"])
    shown = blanks.filter(population="CD8+ T").row(0, named=True)
    counts = {row["population"]: row for row in tables["counts"].iter_rows(named=True)}
    lymphocytes = counts["lymphocytes"]["events"]
    # 4 of 994 lymphocytes per µL are CD8+ T; the limit is of as many lymphocytes, not of as many CD3+ cells.
    assert 5 <= shown["events"] <= 40
    expected = lymphocytes * shown["events"] / shown["lymphocytes"]
    assert expected < counts["CD8+ T"]["limit_of_blank"] < 4 * expected + 20
    assert {counts[name]["status"] for name in ("CD8+ T", "CD4+ T", "singlets", "B")} == {"quantified"}
    assert counts["CD4+ T"]["limit_of_blank"] == 0
    told = pl.read_parquet(folder / "quality.parquet").filter(sample="b3", check="blank")["reason"][0]
    assert told.startswith("taken; it is no blank of CD3+, CD4+ T, ")


def test_a_blank_limits_the_tubes_of_a_group_too_small_to_lend_cuts(with_blanks, tmp_path):
    root = tmp_path / "study"
    shutil.copytree(with_blanks[3], root)
    (root / "study.yaml").write_text(SETTINGS)
    lines = (root / "samples.csv").read_text().splitlines()
    (root / "samples.csv").write_text("\n".join([lines[0], lines[1], lines[4]]) + "\n")  # b0 and the blank b3
    (job,) = flow_cuts.plan(read_study(root))
    assert (job.arguments["tubes"], list(job.arguments["blanks"])) == ({}, ["b3"])
    flow_cuts.run(job, tmp_path / job.folder)
    tables = run(root, tmp_path, "b0")
    counts = {row["population"]: row for row in tables["counts"].iter_rows(named=True)}
    assert counts["CD8+ T"]["limit_of_blank"] > 0 and counts["CD4+ T"]["limit_of_blank"] == 0
    assert "cuts of other tubes" not in set(tables["quality"]["check"])


def test_blanks_do_not_limit_a_persons_gates_which_is_told(with_blanks, tmp_path):
    group, group_folder, _, root = with_blanks
    gates, work = tmp_path / "gates.xml", group_folder.parents[1]
    write_gatingml(gates, [RectangleGate("CD3+", None, (Range(Channel("FSC-A"), 10.0),))])
    job = job_of(flow.plan(read_study(root)), "b0")
    arguments = {**job.arguments, "cuts": False, "gates": {"file": "gates.xml", "names": {}}}
    paths = (job.paths[0], str(gates))
    folder = work / "flow" / "person"
    flow.run(dataclasses.replace(job, paths=paths, arguments=arguments, needs=(group.folder,)), folder)
    (told,) = pl.read_parquet(folder / "quality.parquet").filter(check="limits of blank").to_dicts()
    assert told["verdict"] == "pass" and told["reason"].endswith("taken for the background of a person's gates")
    assert set(pl.read_parquet(folder / "counts.parquet")["limit_of_blank"].drop_nulls()) == {0}


def test_blanks_are_gated_with_frozen_cuts_too(with_blanks, tmp_path):
    _, folder, tables, root = with_blanks
    write_csv(pl.read_parquet(folder / "cohort_cuts.parquet"), root / "cuts.csv")
    (root / "study.yaml").write_text(SETTINGS + "analysis: {flow: {cuts: cuts.csv}}\n")
    (job,) = flow_cuts.plan(read_study(root))
    assert (job.arguments["tubes"], list(job.arguments["blanks"])) == ({}, ["b3", "b4"])
    flow_cuts.run(job, tmp_path / job.folder)
    assert pl.read_parquet(tmp_path / job.folder / "blanks.parquet").equals(pl.read_parquet(folder / "blanks.parquet"))
    assert not (tmp_path / job.folder / "cohort_cuts.parquet").exists()
    assert job_of(flow.plan(read_study(root)), "b0").needs == (job.folder,)
    limits = ["population", "limit_of_blank", "status"]
    assert run(root, tmp_path, "b0")["counts"].select(limits).equals(tables["counts"].select(limits))
