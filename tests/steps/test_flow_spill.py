import json

import numpy as np
import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.io.fcs import read_fcs
from tilseq.io.fcs_write import write_fcs
from tilseq.simulate.cytometry.panels import TBNK
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.files import write_tube
from tilseq.steps import flow, flow_cuts
from tilseq.steps.job import Job
from tilseq.study import read_study
from tilseq.workflow.plan import make_plan

BLOOD = {"CD4+ T": 600.0, "CD8+ T": 400.0, "DN T": 40.0, "B": 200.0, "NK": 150.0, "monocyte": 300.0}
DYES = [dye.channel for dye in TBNK.dyes]
SETTINGS = "study: demo\nvisits: {D7: {day: 7}}\npanels: {tbnk: {spill: spill.csv}}\n"


def spill_text(matrix, channels=DYES):
    rows = [f"{name},{','.join(map(repr, map(float, row)))}" for name, row in zip(channels, matrix, strict=True)]
    return "\n".join([f"dye,{','.join(channels)}", *rows]) + "\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Three tubes of a panel whose files say that nothing spills over, and what spills in a table."""
    folder = tmp_path_factory.mktemp("study")
    rows = ["sample,subject,visit,replicate,specimen,assay,path,panel"]
    for number in range(3):
        path = folder / f"raw/t{number}.fcs"
        write_tube(path, acquire(np.random.default_rng(number), TBNK, BLOOD, 6000), path.stem)
        tube = read_fcs(path)
        write_fcs(path, tube.events, tube.channels, markers=tube.markers, spill=(DYES, np.eye(len(DYES))))
        rows.append(f"t{number},S1,D7,{number},blood,flow,raw/t{number}.fcs,tbnk")
    (folder / "samples.csv").write_text("\n".join(rows) + "\n")
    (folder / "study.yaml").write_text(SETTINGS)
    (folder / "subjects.csv").write_text("subject,tumor_type\nS1,melanoma\n")
    (folder / "infusions.csv").write_text("subject,infusion,day\nS1,1,0\n")
    (folder / "spill.csv").write_text(spill_text(TBNK.spill))
    return folder


def test_the_matrix_is_a_file_of_the_jobs_and_of_their_fingerprints(root):
    study = read_study(root)
    (cuts,) = flow_cuts.plan(study)
    for job in (cuts, *flow.plan(study)):
        assert job.paths[-1] == str(root / "spill.csv")
        assert job.arguments["spill"] == "spill.csv"
    before = make_plan(study).fingerprints
    (root / "spill.csv").write_text(spill_text(TBNK.spill * 1.0 + 0.001 * (1 - np.eye(len(DYES)))))
    after = make_plan(study).fingerprints
    (root / "spill.csv").write_text(spill_text(TBNK.spill))
    assert {name.split("/")[0] for name in before if before[name] != after[name]} == {
        *("flow_cuts", "flow", "flow_replicates", "til_survival"),
    }


def test_a_run_takes_the_given_matrix_out_and_tells_so(root, tmp_path):
    study = read_study(root)
    (cuts,) = flow_cuts.plan(study)
    flow_cuts.run(cuts, tmp_path / cuts.folder)
    job = Job.from_dict(json.loads(json.dumps(flow.plan(study)[0].as_dict())))
    flow.run(job, tmp_path / job.folder)
    tables = {path.stem: pl.read_parquet(path) for path in (tmp_path / job.folder).glob("*.parquet")}
    told = {row["check"]: row["reason"] for row in tables["quality"].iter_rows(named=True)}
    assert told["compensation"] == "the spillover of spill.csv is taken out; its condition number"
    assert told["spillover given"].startswith("that of spill.csv in place of the file's own, which differs by ")
    assert told["separation of CD4"] == "valley among CD3+"
    # the gates are written with the matrix that was taken out
    text = (tmp_path / job.folder / "gates.xml").read_text()
    assert "spectrumMatrix" in text and f"{TBNK.spill[0, 1]:g}"[:5] in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (spill_text(np.ones((2, 2)), DYES[:2]), "spill.csv: the spillover matrix cannot be taken out; .* is singular"),
        (
            spill_text(np.eye(2), ["FITC-A", "FL9-A"]),
            "spill.csv: the spillover matrix names a channel .* found 'FL9-A'",
        ),
    ],
)
def test_a_matrix_that_does_not_suit_the_tube_fails_its_job(root, tmp_path, text, message):
    job = flow.plan(read_study(root))[0]
    (tmp_path / "s.csv").write_text(text)
    job = Job.from_dict({**job.as_dict(), "paths": (job.paths[0], str(tmp_path / "s.csv")), "needs": ()})
    with pytest.raises(AnalysisError, match=message):
        flow.run(job, tmp_path / "work/flow/a")
