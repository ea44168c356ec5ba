import pytest

from tilseq.errors import AnalysisError
from tilseq.study import read_study
from tilseq.study.model import data_set_of, parts_of


def test_files_and_available(make_study):
    study = read_study(make_study())
    assert study.files("S01_D28") == [study.root / "raw/c.tsv", study.root / "raw/d.tsv"]
    assert [row["sample"] for row in study.available("flow")] == ["S01_base", "007_D28"]
    assert study.available("bcr") == []
    with pytest.raises(AnalysisError, match=r"no such sample; found 's01_d28'; did you mean 'S01_D28'\?"):
        study.files("s01_d28")
    with pytest.raises(AnalysisError, match=r"column assay: no such setting; found 'flwo'; .*did you mean 'flow'\?"):
        study.available("flwo")
    with pytest.raises(
        AnalysisError, match=r"column role: no such setting; found 'stim'; .*did you mean 'stimulated'\?"
    ):
        study.available("flow", role="stim")


def test_a_study_at_the_end_of_a_cell_is_one_line(make_study):
    assert repr(read_study(make_study())) == "Study(demo: 2 subjects, 4 samples, 0 notes)"


def test_a_failed_sample_is_not_available(make_study):
    samples = """\
sample,subject,visit,specimen,assay,path,status
a,S01,D28,blood,flow,,failed
b,S01,D28,blood,tcr,raw/none.tsv,failed
c,S01,baseline,blood,flow,raw/a.fcs,ok
"""
    study = read_study(make_study({"samples.csv": samples}))
    assert study.files("a") == []
    assert [row["sample"] for row in study.available("flow")] == ["c"]
    assert study.available("tcr") == []


@pytest.mark.parametrize("assay", ["flow", "tcr", "bcr", "scrna"])
@pytest.mark.parametrize("role", ["stimulated", "unstimulated", "fmo", "compensation", "blank", "control"])
def test_a_blank_or_control_is_not_available(make_study, assay, role):
    samples = f"""\
sample,subject,visit,specimen,assay,path,role
a,S01,D28,blood,{assay},raw/a.fcs,{role}
b,S01,D28,blood,{assay},raw/b.tsv,sample
c,S01,baseline,blood,{assay},raw/c.tsv,
"""
    study = read_study(make_study({"samples.csv": samples}))
    assert [row["sample"] for row in study.available(assay)] == ["b", "c"]


@pytest.mark.parametrize(
    ("member", "number"),
    [(None, 0), ("0", 0), ("2", 2), ("dataset=1", None), ("-1", None), ("1.0", None), ("٣", None), ("9" * 7, None)],
)
def test_the_data_set_that_a_member_names(member, number):
    assert data_set_of(member) == number


def test_parts():
    assert parts_of("a; b/c.tsv") == ["a", "b/c.tsv"]
    assert parts_of("a;") == ["a", ""]
