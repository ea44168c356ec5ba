"""A study of three subjects with follow-up, and its clinical jobs run as their processes run them."""

import json
import shutil
from importlib import import_module

import polars as pl

from tilseq.errors import TilseqError
from tilseq.steps import clinical
from tilseq.steps.job import Job
from tilseq.study import read_study

LESIONS = """\
subject,day,visit,lesion,role,diameter_mm
S1,-8,baseline,T1,target,40
S1,42,D42,T1,target,24
S1,84,D84,T1,target,20
S2,-8,baseline,T1,target,40
S2,42,D42,T1,target,50
"""
TABLES = {
    "study.yaml": "study: demo\nvisits: {D42: {day: 42}, D84: {day: 84}}\n",
    "subjects.csv": "subject,tumor_type,enrollment_day,lymphodepletion_day\n"
    "S1,melanoma,-60,-7\nS2,cervical,-60,-7\nS3,melanoma,-60,-7\n",
    "infusions.csv": "subject,infusion,day\nS1,1,0\nS2,1,0\nS3,1,0\n",
    "samples.csv": "sample,subject,visit,day,specimen,assay,path\n",
    "clinical/lesions.csv": LESIONS,
    "clinical/responses.csv": "subject,day,visit,response\nS1,42,D42,PR\nS1,84,D84,PR\nS2,42,D42,PD\n",
    "clinical/followup.csv": "subject,last_alive_day,death_day,death_cause,data_cut_day\n"
    "S1,300,,,365\nS2,99,100,tumor,365\nS3,29,30,other,365\n",
    "clinical/schedule.csv": "visit,day,window\nD42,42,4\nD84,84,7\n",
}


def make_study(tmp_path, changes=None):
    """Write the study and read it; a change is a file's text, None to leave it out, or (old, new) within it."""
    root = tmp_path / "demo"
    shutil.rmtree(root, ignore_errors=True)
    for name, text in (TABLES | (changes or {})).items():
        text = TABLES[name].replace(*text) if isinstance(text, tuple) else text
        if text is not None:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
    return read_study(root)


def finish(study, tmp_path, *steps):
    """Run the clinical jobs, of which some may fail, then those of the steps; return what the last wrote by table."""
    work = tmp_path / "work"
    shutil.rmtree(work, ignore_errors=True)
    for job in clinical.plan(study):
        try:
            _run(clinical, job, work)
        except TilseqError:
            shutil.rmtree(work / job.folder)
    for name in steps:
        step = import_module(f"tilseq.steps.{name}")
        (job,) = step.plan(study)
        _run(step, job, work)
    return {path.stem: pl.read_parquet(path) for path in (work / job.folder).glob("*.parquet")}


def _run(step, job, work):
    (work / job.folder).mkdir(parents=True)
    step.run(Job.from_dict(json.loads(json.dumps(job.as_dict()))), work / job.folder)
