import pytest

from tilseq.errors import StudyError
from tilseq.io import read_adverse_events, read_tumor_markers
from tilseq.io.clinical_events import adverse_events_by_row

EVENTS = "subject,term,grade,serious,pt_code,MedDRA_version\n"


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "t.csv"
        path.write_text(text)
        return path

    return write


def test_coded_columns_pass_through_as_text(table):
    frame = read_adverse_events(table(EVENTS + "007,fever,3,yes,0016558,27.0\n"))
    assert frame.row(0, named=True)["pt_code"] == "0016558"
    assert frame["MedDRA_version"].to_list() == ["27.0"]
    assert frame["subject"].to_list() == ["007"]


def test_every_fault_is_told_at_once(table):
    text = EVENTS + "1,fever,3,maybe,,\n1,fever,severe,no,,\n2,fever,6,no,,\n2,,1,no,,\n"
    with pytest.raises(StudyError) as caught:
        read_adverse_events(table(text))
    assert [(problem.row, problem.column, problem.found) for problem in caught.value.problems] == [
        (2, "serious", "'maybe'"), (3, "grade", "'severe'"), (4, "grade", "'6'"), (5, "term", None),
    ]  # fmt: skip


def test_a_faulty_cell_costs_itself_alone(table):
    frame, faults = adverse_events_by_row(table(EVENTS + "1,fever,3,maybe,,\n2,fever,1,no,,\n"))
    assert ([(one.row, one.column) for one in faults], frame.height) == ([(2, "serious")], 2)


@pytest.mark.parametrize(
    ("cells", "mend"),
    [
        ("G2,,1,2", "write 2"), ("severe,,1,2", "write 1 to 5"),
        (",,1,2", "find it out; an event without a grade can be counted nowhere"),
        ("2,,1,ongoing", "leave it empty while the event lasts"), ("2,maybe,1,2", None),
    ],
)  # fmt: skip
def test_slips_of_exports_say_how_to_mend_them(table, cells, mend):
    _, (fault,) = adverse_events_by_row(table(f"subject,term,grade,serious,start_day,end_day\n1,fever,{cells}\n"))
    assert fault.mend == mend


def test_a_column_that_is_neither_known_nor_coded_is_refused(table):
    with pytest.raises(StudyError) as caught:
        read_adverse_events(table("subject,term,grade,gravity\n1,fever,3,x\n"))
    assert [(problem.row, problem.column) for problem in caught.value.problems] == [(1, "gravity")]


def test_markers_keep_what_the_laboratory_wrote(table):
    text = "subject,day,test,value_text,unit,upper_limit\n007,-8,CA-125,<0.5,U/mL,35\n"
    frame = read_tumor_markers(table(text))
    assert frame.row(0, named=True)["value_text"] == "<0.5"
    with pytest.raises(StudyError, match="a value is missing"):
        read_tumor_markers(table(text.replace("-8", "")))
