"""Clinical tables of a study folder."""

import pytest

from tilseq.errors import StudyError
from tilseq.io.clinical import (
    parse_by_subject,
    read_followup,
    read_lesions,
    read_responses,
    read_schedule,
    read_subjects,
    read_therapies,
)
from tilseq.tables.inputs import FOLLOWUP


def test_lesions_responses_and_subjects_of_a_study(tmp_path):
    (tmp_path / "l.csv").write_text(
        "subject,day,lesion,role,node,diameter_mm\n007,-3,T1,target,no,21.5\n007,-3,T2,target,,\n"
    )
    lesions = read_lesions(tmp_path / "l.csv")
    columns = ["subject", "day", "lesion", "node", "diameter_mm"]
    assert lesions.select(columns).rows() == [("007", -3, "T1", False, 21.5), ("007", -3, "T2", None, None)]
    (tmp_path / "r.csv").write_text("subject,day,response\n007,40,PR\n")
    assert read_responses(tmp_path / "r.csv").select("subject", "day", "response").rows() == [("007", 40, "PR")]
    (tmp_path / "s.csv").write_text("subject,tumor_type,harvest_day\n007,melanoma,-30\n")
    assert read_subjects(tmp_path / "s.csv")["harvest_day"].to_list() == [-30]


def test_every_fault_of_a_table_is_told_with_its_row(tmp_path):
    path = tmp_path / "l.csv"
    path.write_text("subject,day,lesion,role,diameter_mm\nS1,x,T1,target,20\nS1,0,T2,targte,-4\n")
    with pytest.raises(StudyError) as caught:
        read_lesions(path)
    assert [(p.row, p.column) for p in caught.value.problems] == [(2, "day"), (3, "role"), (3, "diameter_mm")]
    assert all(p.file == str(path) for p in caught.value.problems)


def test_a_recorded_response_that_recist_does_not_know_is_refused(tmp_path):
    (tmp_path / "r.csv").write_text("subject,day,response\nS1,40,partial\n")
    with pytest.raises(StudyError, match="row 2, column response"):
        read_responses(tmp_path / "r.csv")


def test_follow_up_therapies_and_schedule_are_read_by_their_tables(tmp_path):
    texts = {
        "followup": "subject,last_alive_day,death_day,death_cause,data_cut_day\n007,200,,,400\n",
        "therapies": "subject,therapy,start_day\n007,anti-PD-1,90\n",
        "schedule": "visit,day,window\nD42,42,4\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_text(text)
    assert read_followup(tmp_path / "followup.csv").row(0) == ("007", 200, None, None, 400, None, None)
    assert read_therapies(tmp_path / "therapies.csv").row(0) == ("007", "anti-PD-1", 90, None)
    assert read_schedule(tmp_path / "schedule.csv").row(0) == ("D42", 42, 4)


def test_a_faulty_row_is_told_of_its_subject(tmp_path):
    path = tmp_path / "followup.csv"
    path.write_text("subject,last_alive_day\nS1,9\nS2,nine\nS1,8\n")
    frame, faults = parse_by_subject(path, FOLLOWUP)
    assert frame["last_alive_day"].to_list() == [9, None, 8]
    assert {subject: [problem.row for problem in problems] for subject, problems in faults.items()} == {
        "S2": [3],
        "S1": [4],
    }
    path.write_text("subject,last_alive_day\nS1,9\n,nine\n")
    with pytest.raises(StudyError, match="row 3, column subject"):
        parse_by_subject(path, FOLLOWUP)
    path.write_text("subject,alive\nS1,9\n")
    with pytest.raises(StudyError, match="column alive"):
        parse_by_subject(path, FOLLOWUP)
