"""Clinical tables of a study folder."""

import pytest

from tilseq.errors import StudyError
from tilseq.io.clinical import (
    parse_by_subject,
    read_followup,
    read_infusions,
    read_lesions,
    read_responses,
    read_schedule,
    read_subjects,
    read_therapies,
)
from tilseq.tables.inputs import FOLLOWUP, LESIONS, RESPONSE_READS


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


def test_an_identifier_with_a_space_at_an_end_is_refused_with_its_row(tmp_path):
    path = tmp_path / "l.csv"
    path.write_text(
        "subject,day,visit,reader,lesion,role,diameter_mm\n"
        "A,-5,BL,inv,T1,target,50\nA ,42,D42,inv,T1,target,30\nB,-5,BL,inv ,T1,target,50\nC,-5, BL,inv,T1,target,50\n"
    )
    with pytest.raises(StudyError) as caught:
        read_lesions(path)
    assert [(one.row, one.column, one.what) for one in caught.value.problems] == [
        (3, "subject", "a space at one end"),
        (4, "reader", "a space at one end"),
        (5, "visit", "a space at one end"),
    ]
    frame, faults = parse_by_subject(path, LESIONS)
    assert {subject: [one.row for one in problems] for subject, problems in faults.items()} == {
        "A": [3],
        "B": [4],
        "C": [5],
    }
    assert frame["subject"].to_list() == ["A", "A", "B", "C"]


def test_a_subject_reader_or_arm_that_differs_in_case_alone_is_refused_with_its_row(tmp_path):
    """It was another reader, who had read some of the scans, and nobody was told."""
    path = tmp_path / "r.csv"
    path.write_text(
        "subject,day,visit,reader,response\nA,42,D42,inv,PR\nA,84,d84,Inv,PR\nB,42,D42,INV,PD\na,9,,inv,SD\n"
    )
    with pytest.raises(
        StudyError, match="4, column reader: this looks like 'inv' in row 2 and differs only in case or"
    ):
        read_responses(path)
    _, faults = parse_by_subject(path, RESPONSE_READS)
    assert {subject: [(one.row, one.column) for one in problems] for subject, problems in faults.items()} == {
        "A": [(3, "reader")],
        "B": [(4, "reader")],
        "a": [(5, "subject")],
    }
    path.write_text("subject,tumor_type,arm\nA,other,TIL\na,other,TIL\nB,other,Til\n")
    with pytest.raises(
        StudyError, match=r"row 3, column subject: .*\n.*row 4, column arm: this looks like 'TIL' in row 2"
    ):
        read_subjects(path)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("A,1,1\nB,1,0\n", "row 2, column day: days count from the first infusion; found 1; expected 0"),
        ("A,2,7\nA,1,0\nA,3,5\n", "row 4, column day: a later infusion lies before an earlier one; found 5"),
    ],
)
def test_days_count_from_the_first_infusion(tmp_path, rows, told):
    (tmp_path / "infusions.csv").write_text("subject,infusion,day\n" + rows)
    with pytest.raises(StudyError, match=told):
        read_infusions(tmp_path / "infusions.csv")


INFUSIONS = "subject,infusion,date\nA,1,2024-03-01\nA,2,2024-03-15\nB,1,\n"


def test_dates_count_from_the_infusions(tmp_path):
    paths = {name: tmp_path / f"{name}.csv" for name in ("infusions", "followup")}
    paths["infusions"].write_text(INFUSIONS.replace("B,1,", "B,1,2024-05-01"))
    paths["followup"].write_text("subject,death_date,last_alive_day\nA,2024-04-10,\nB,,30\n")
    assert read_infusions(paths["infusions"])["day"].to_list() == [0, 14, 0]
    found = read_followup(paths["followup"], infusions=paths["infusions"])
    assert found.select("subject", "death_day", "last_alive_day").rows() == [("A", 40, None), ("B", None, 30)]
    with pytest.raises(StudyError, match="column death_date: dates, and no infusions that they count from"):
        read_followup(paths["followup"])


def test_a_date_that_cannot_be_turned_costs_its_subject_alone(tmp_path):
    (tmp_path / "infusions.csv").write_text(INFUSIONS)
    path = tmp_path / "followup.csv"
    path.write_text("subject,death_date\nA,2024-04-10\nB,2024-04-10\nC,2024-04-10\n")
    frame, faults = parse_by_subject(path, FOLLOWUP, infusions=tmp_path / "infusions.csv")
    assert frame["death_day"].to_list() == [40, None, None]
    assert {name: (one.row, one.expected) for name, (one,) in faults.items()} == {
        "B": (3, "the date of the subject's first infusion"),
        "C": (4, "an infusion of this subject, whose day is day 0"),
    }


def test_what_a_spreadsheet_has_made_of_an_identifier_is_refused(tmp_path):
    path = tmp_path / "followup.csv"
    path.write_text("subject,death_day\n1E+05,40\n1E5,40\n")
    with pytest.raises(StudyError) as caught:
        read_followup(path)
    assert [str(problem).partition("column ")[2] for problem in caught.value.problems] == [
        "subject: a number as a spreadsheet shortens it; found '1E+05'; write it whole, in a column of text"
    ]
