import polars as pl
import pytest

from tilseq.steps import flow_replicates
from tilseq.steps.job import Job
from tilseq.study import read_study
from tilseq.tables.outputs import COUNTS

ROWS = """sample,subject,visit,replicate,specimen,assay,path,panel,marked_population
a1,S1,D7,1,blood,flow,raw/a1.fcs,tbnk,
a2,S1,D7,2,blood,flow,raw/a2.fcs,tbnk,
b1,S1,D28,1,blood,flow,raw/b1.fcs,tbnk,
b2,S1,D28,2,blood,flow,raw/b2.fcs,tbnk,
c1,S1,D7,1,blood,flow,raw/c1.fcs,state,
d1,S2,D7,,blood,flow,raw/d1.fcs,tbnk,Vb1
d2,S2,D7,,blood,flow,raw/d2.fcs,tbnk,Vb2
"""


@pytest.fixture
def study(tmp_path):
    root = tmp_path / "study"
    (root / "raw").mkdir(parents=True)
    for line in ROWS.splitlines()[1:]:
        (root / f"raw/{line[:2]}.fcs").write_text(line)
    (root / "samples.csv").write_text(ROWS)
    visits = "visits: {D7: {day: 7}, D28: {day: 28}}\n"
    (root / "study.yaml").write_text(f"study: demo\n{visits}panels: {{tbnk: {{}}, state: {{}}}}\n")
    (root / "subjects.csv").write_text("subject,tumor_type\nS1,melanoma\nS2,melanoma\n")
    (root / "infusions.csv").write_text("subject,infusion,day\nS1,1,0\nS2,1,0\n")
    return root


def test_tubes_told_apart_by_replicate_alone_are_compared(study, tmp_path):
    (job,) = flow_replicates.plan(read_study(study))
    assert job.arguments["groups"] == [{"flow/a1": "a1", "flow/a2": "a2"}, {"flow/b1": "b1", "flow/b2": "b2"}]
    assert job.needs == ("flow/a1", "flow/a2", "flow/b1", "flow/b2")
    work = tmp_path / "work"
    for name, events in (("a1", 600), ("a2", 700), ("b1", 600)):  # b2 could not be gated
        row = {"sample": name, "population": "CD3+", "parent": "lymphocytes", "events": events, "parent_events": 1000}
        row |= {"percent_of_parent": events / 10, "lower": events / 10 - 3, "upper": events / 10 + 3}
        (work / "flow" / name).mkdir(parents=True)
        COUNTS.frame([row]).write_parquet(work / "flow" / name / "counts.parquet")
    flow_replicates.run(Job.from_dict(job.as_dict()), work / job.folder)
    quality = pl.read_parquet(work / job.folder / "quality.parquet")
    # z is 10 / (3 / 1.96 x sqrt(2)) = 4.6
    assert quality.select("sample", "check", "verdict").rows() == [
        ("a1", "replicates: CD3+ of lymphocytes", "warn"),
        ("a1", "replicates: CD4+ T", "pass"),
        ("a1", "replicates: CD8+ T", "pass"),
        ("a2", "replicates: CD3+ of lymphocytes", "warn"),
        ("a2", "replicates: CD4+ T", "pass"),
        ("a2", "replicates: CD8+ T", "pass"),
        ("b1", "replicates", "pass"),
    ]


def test_without_replicates_there_is_no_job(study):
    (study / "samples.csv").write_text("\n".join(line for line in ROWS.splitlines() if ",2," not in line) + "\n")
    assert flow_replicates.plan(read_study(study)) == []
