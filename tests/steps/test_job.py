import json

import pytest

from tilseq.errors import TableError
from tilseq.steps.job import Job, needed, only_path


def test_a_job_survives_the_way_through_json():
    job = Job("flow", "a", "flow/a", paths=("x.fcs",), needs=("b/c",), arguments={"k": [1]}, sample={"sample": "a"})
    assert Job.from_dict(json.loads(json.dumps(job.as_dict()))) == job


def test_tables_of_the_jobs_that_ended_well(tmp_path):
    job = Job("persistence", "S1", "persistence/S1", needs=("repertoire/a", "repertoire/b"))
    there = tmp_path / "repertoire" / "b" / "clonotypes.parquet"
    there.parent.mkdir(parents=True)
    there.touch()
    assert needed(job, tmp_path / "persistence" / "S1", "clonotypes") == {"repertoire/b": there}


@pytest.mark.parametrize("paths", [(), ("a", "b")])
def test_several_files_where_one_is_read_are_refused(paths):
    job = Job("flow", "a", "flow/a", paths=paths, sample={"path": "a;b"})
    with pytest.raises(TableError, match=r"samples.csv, column path: this assay reads one file a sample; found 'a;b'"):
        only_path(job)
