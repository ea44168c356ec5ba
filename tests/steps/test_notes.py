from tests.commands import exit_code as run
from tilseq.io.fcs_write import write_fcs
from tilseq.steps.notes import notes_of
from tilseq.study import read_study


def test_notes_are_of_tables_lesions_and_headers(tmp_path):
    run("init", tmp_path)
    (tmp_path / "subjects.csv").write_text("subject,tumor_type\nS01,other\nS02,other\n")
    (tmp_path / "infusions.csv").write_text("subject,infusion,day\nS01,1,0\n")
    rows = "S01,-5,T1,target,30\nS01,42,T1,nontarget,\n"
    (tmp_path / "clinical/lesions.csv").write_text(f"subject,day,lesion,role,diameter_mm\n{rows}")
    (tmp_path / "study.yaml").write_text("study: s\nvisits: {D7: {day: 7}}\n")
    (tmp_path / "samples.csv").write_text(
        "sample,subject,visit,specimen,assay,path,marked_population\nT1,S02,D7,blood,flow,t.fcs,CD99\n"
    )
    write_fcs(tmp_path / "t.fcs", [[1.0, 2.0, 3.0]], ["FSC-A", "SSC-A", "B1-A"], markers=["", "", "CD3"])
    notes = notes_of(read_study(tmp_path))
    assert [note.split(":")[0] for note in notes] == [
        "no infusion of 'S02'",
        "no sample of 'S01'",
        "a run can tell no response of 'S01'",
        "populations of tubes that have no channel for one of their markers, and will lack them",
    ]
