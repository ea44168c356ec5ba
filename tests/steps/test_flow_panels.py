import numpy as np
import polars as pl
import pytest

from tilseq.io.fcs_write import write_fcs
from tilseq.steps import flow_panels
from tilseq.steps.job import Job
from tilseq.study import read_study

ROWS = """sample,subject,visit,replicate,specimen,assay,path,panel
a,S1,D7,1,blood,flow,raw/a.fcs,tbnk
b,S1,D28,1,blood,flow,raw/b.fcs,tbnk
c,S2,D7,1,blood,flow,raw/c.fcs,tbnk
d,S2,D7,2,blood,flow,raw/d.fcs,
e,S2,D28,2,blood,flow,raw/e.fcs,
f,S1,D28,3,blood,flow,raw/f.fcs,
g,S1,D7,3,blood,flow,raw/g.fcs,tbnk
"""
CHANNELS = {
    **dict.fromkeys("abe", {"FSC-A": "", "B1-A": "CD3", "B2-A": "CD4"}),
    "c": {"FSC-A": "", "B1-A": "CD4", "B2-A": "CD3"},
    "d": {"FSC-A": "", "B1-A": "CD3"},
    "f": {"FSC-A": "", "R1-A": "CD3"},
}


@pytest.fixture
def study(tmp_path):
    """Three tubes of a panel and one that is no FCS file, two of a subject without a panel, one of another."""
    root = tmp_path / "study"
    (root / "raw").mkdir(parents=True)
    for name, channels in CHANNELS.items():
        events = np.full((1, len(channels)), ord(name))
        write_fcs(root / f"raw/{name}.fcs", events, list(channels), markers=list(channels.values()))
    (root / "raw/g.fcs").write_text("no tube")
    (root / "samples.csv").write_text(ROWS)
    (root / "study.yaml").write_text("study: demo\nvisits: {D7: {day: 7}, D28: {day: 28}}\npanels: {tbnk: {}}\n")
    (root / "subjects.csv").write_text("subject,tumor_type\nS1,melanoma\nS2,melanoma\n")
    (root / "infusions.csv").write_text("subject,infusion,day\nS1,1,0\nS2,1,0\n")
    return root


def test_tubes_of_a_panel_and_of_a_subject_without_one_are_compared(study, tmp_path):
    (job,) = flow_panels.plan(read_study(study))
    assert {name: list(tubes) for name, tubes in job.arguments["groups"].items()} == {
        "panel tbnk": ["a", "b", "c"],
        "subject S2 (no panel named)": ["d", "e"],
    }
    flow_panels.run(Job.from_dict(job.as_dict()), tmp_path / "out")
    rows = pl.read_parquet(tmp_path / "out/panel_differences.parquet")
    assert rows.select("compared", "marker", "sample", "channel", "usual_channel", "bearing", "tubes").rows() == [
        ("panel tbnk", "CD3", "c", "B2-A", "B1-A", 3, 3),
        ("panel tbnk", "CD4", "c", "B1-A", "B2-A", 3, 3),
        ("subject S2 (no panel named)", "CD4", "d", None, "B2-A", 1, 2),
        ("subject S2 (no panel named)", "CD4", "e", "B2-A", "B2-A", 1, 2),
    ]
    quality = pl.read_parquet(tmp_path / "out/quality.parquet")
    assert dict(quality.select("sample", "verdict").rows()) == {
        **dict.fromkeys("ab", "pass"),
        **dict.fromkeys("cde", "warn"),
    }


def test_the_job_runs_again_where_a_stain_has_changed_not_where_events_have(study):
    (before,) = flow_panels.plan(read_study(study))
    write_fcs(study / "raw/a.fcs", [[1.0, 2.0, 3.0]], list(CHANNELS["a"]), markers=list(CHANNELS["a"].values()))
    assert flow_panels.plan(read_study(study)) == [before]
    write_fcs(study / "raw/a.fcs", [[1.0, 2.0, 3.0]], list(CHANNELS["a"]), markers=["", "CD3", "CD8"])
    assert flow_panels.plan(read_study(study)) != [before]


def test_without_two_tubes_to_compare_there_is_no_job(study):
    (study / "samples.csv").write_text("\n".join(ROWS.splitlines()[:2]) + "\n")
    assert flow_panels.plan(read_study(study)) == []


def test_tubes_of_two_cytometers_that_lend_each_other_cuts_are_told(study, tmp_path):
    for name, cytometer in zip("abc", ("Aurora", "LSRFortessa", "Aurora"), strict=True):
        channels = CHANNELS["a"]
        events = np.full((1, len(channels)), ord(name) + 50.0)
        keywords = {"$CYT": cytometer}
        write_fcs(study / f"raw/{name}.fcs", events, list(channels), markers=list(channels.values()), keywords=keywords)
    (job,) = flow_panels.plan(read_study(study))
    flow_panels.run(Job.from_dict(job.as_dict()), tmp_path / "out")
    quality = pl.read_parquet(tmp_path / "out/quality.parquet").filter(check="cytometer against other tubes")
    told = (
        "tubes of panel tbnk are of 2 cytometers ($CYT: 'Aurora', 'LSRFortessa') and lend each other cuts: "
        "give each its `instrument` in samples.csv"
    )
    assert quality.select("sample", "verdict", "reason").rows() == [(name, "warn", told) for name in "abc"]
    rows = [
        f"{row},{'' if row[0] not in 'abc' else 'one' if row[0] != 'b' else 'two'}" for row in ROWS.splitlines()[1:]
    ]
    (study / "samples.csv").write_text("\n".join([f"{ROWS.splitlines()[0]},instrument", *rows]) + "\n")
    (apart,) = flow_panels.plan(read_study(study))
    assert apart.arguments["cytometers"] == {}
