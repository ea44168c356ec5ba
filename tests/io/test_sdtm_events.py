"""SDTM's AE and LB as our tables of adverse events and laboratory results."""

import pytest

from tilseq.errors import StudyError
from tilseq.io.clinical import read_lab_results
from tilseq.io.clinical_events import read_adverse_events

# Day 0 of S1 is 11 March 2024; study day 1 of this trial is the first day of lymphodepletion, 4 March, our day -7.
INFUSIONS = "subject,infusion,date\nS1,1,2024-03-11\n"
DAY_ONE = {"S1": -7}
AE = "STUDYID,USUBJID,AETERM,AEDECOD,AEBODSYS,AETOXGR,AESER,AEREL,AESTDTC,AEENDTC,AESTDY,AEENDY,AEOUT\n"
LB = "USUBJID,LBTESTCD,LBTEST,LBCAT,LBSPEC,LBORRES,LBORRESU,LBORNRLO,LBORNRHI,LBSTRESC,LBSTRESU,LBSTNRLO,LBDTC,LBDY\n"


@pytest.fixture
def events(tmp_path):
    def read(rows, header=AE, **options):
        (tmp_path / "ae.csv").write_text(header + rows)
        return read_adverse_events(tmp_path / "ae.csv", **options)

    return read


@pytest.fixture
def labs(tmp_path):
    def read(rows, header=LB, **options):
        (tmp_path / "lb.csv").write_text(header + rows)
        return read_lab_results(tmp_path / "lb.csv", **options)

    return read


@pytest.fixture
def infusions(tmp_path):
    (tmp_path / "infusions.csv").write_text(INFUSIONS)
    return tmp_path / "infusions.csv"


def told(error):
    return [(problem.row, problem.column, problem.what) for problem in error.value.problems]


def test_an_adverse_event_keeps_its_reported_and_its_preferred_term(events, infusions):
    rows = (
        "T,S1,high temperature,Pyrexia,General disorders,2,N,POSSIBLE,2024-03-11,2024-03-12T08:00,8,9,RECOVERED\n"
        "T,S1,rash on arms,NA,NA,1.0,U,,2024-03-04T06:50,,1,,\n"
    )
    frame = events(rows, infusions=infusions)
    columns = ("subject", "term", "pt", "soc", "grade", "serious", "related", "start_day", "end_day")
    assert frame.select(columns).rows() == [
        ("S1", "high temperature", "Pyrexia", "General disorders", 2, False, "POSSIBLE", 0, 1),
        ("S1", "rash on arms", None, None, 1, None, None, -7, None),
    ]
    assert frame["immune_related"].to_list() == [None, None]


def test_study_days_have_no_0(events):
    """Study day 1 is our day -7: -1 is -8, 7 is -1 and 8 is the infusion."""
    rows = "".join(f"T,S1,x,X,,1,N,,,,{day},,\n" for day in (-2, -1, 1, 2, 7, 8, "9.0"))
    assert events(rows, day_one=DAY_ONE)["start_day"].to_list() == [-9, -8, -7, -6, -1, 0, 1]
    with pytest.raises(StudyError) as error:
        events("T,S1,x,X,,1,N,,,,0,,\nT,S1,x,X,,1,N,,,,1.5,,\n", day_one=DAY_ONE)
    assert told(error) == [(row, "AESTDY", "no day of SDTM, which has no day 0") for row in (2, 3)]


def test_study_days_count_where_there_is_no_date(events, infusions):
    rows = "T,S1,x,X,,1,N,,2024-03-20,,4,,\nT,S1,x,X,,1,N,,,,4,5,\nT,S1,x,X,,1,N,,2024-03,,4,,\n"
    frame = events(rows, infusions=infusions, day_one=DAY_ONE)
    assert frame.select("start_day", "end_day").rows() == [(9, None), (-4, -3), (-4, None)]


def test_what_day_1_is_is_not_guessed(events):
    with pytest.raises(StudyError) as error:
        events("T,S1,x,X,,1,N,,,,4,5,\nT,S1,x,X,,1,N,,,,4,,\n")
    assert told(error) == [
        (1, column, "study days without a date (the first in row 2), and nothing tells what day 1 is")
        for column in ("AESTDY", "AEENDY")
    ]
    assert "sdtm_day_1" in error.value.problems[0].mend


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2024-03", "2024-03-14", (3, 3)),  # not after the end
        ("2024-03", "2024-04-02", (20, 22)),
        ("2024-03-UN", "", (20, None)),
        ("2023", "", (-71, None)),
        ("2024-02", "2024-03", (-11, 20)),
        ("2024-03-12", "2024-03", (1, 20)),
        ("2024-03-12", "2024", (1, 295)),
    ],
)
def test_a_partial_date_is_the_last_day_that_it_can_be(events, infusions, start, end, days):
    frame = events(f"T,S1,x,X,,1,N,,{start},{end},,,\n", infusions=infusions, partial_dates="last_day")
    assert frame.select("start_day", "end_day").row(0) == days


def test_a_partial_date_is_refused_with_a_mend_that_can_be_done(events, infusions):
    with pytest.raises(StudyError) as error:
        events("T,S1,x,X,,1,N,,2024-03,,,,\n", infusions=infusions)
    assert told(error) == [(2, "AESTDTC", "a date without its day")]
    assert error.value.problems[0].mend.startswith("leave the cell empty: an event without a first day counts")
    with pytest.raises(StudyError) as error:  # no month of the calendar
        events("T,S1,x,X,,1,N,,2024-13,,,,\n", infusions=infusions, partial_dates="last_day")
    assert len(error.value.problems) == 1


def test_a_severity_is_no_grade(events):
    with pytest.raises(StudyError) as error:
        events("S1,x,MILD\n", header="USUBJID,AETERM,AESEV\n")
    assert told(error) == [(1, "AETOXGR", "AE needs AETOXGR")]
    assert error.value.problems[0].mend.startswith("export the grade by CTCAE")


def test_faults_name_the_columns_of_the_file(events):
    rows = "T,S1,x,X,,GRADE 3,N,,,,,,\nT,,x,X,,6,maybe,,,,,,\n"
    with pytest.raises(StudyError) as error:
        events(rows)
    assert [(row, column) for row, column, _ in told(error)] == [
        (2, "AETOXGR"), (3, "USUBJID"), (3, "AETOXGR"), (3, "AESER"),
    ]  # fmt: skip
    with pytest.raises(StudyError) as error:
        events("S1,x,1,N\n", header="USUBJID,AETERM,AETOXGR,AEOCCUR\n")
    assert told(error) == [(2, "AEOCCUR", "an event that did not occur")]


def test_a_result_is_as_written_else_as_converted(labs, infusions):
    rows = (
        "S1,NEUT,Neutrophils,HEMATOLOGY,BLOOD,0.4,10^9/L,1.8,7.5,0.4,10^9/L,1.8,2024-03-14T07:15,11\n"
        "S1,HGB,Hemoglobin,HEMATOLOGY,,,,,,79,g/L,120,2024-03-14,11\n"
        "S1,ALT,Alanine Aminotransferase,CHEMISTRY,SERUM,<5,U/L,negative,45,<5,U/L,,2024-03-04,1\n"
        "S1,PHOS,Phosphate,CHEMISTRY,SERUM,NA,NA,NA,NA,NA,NA,NA,2024-03-04,1\n"
    )
    frame, numbers, faults = labs(rows, infusions=infusions)
    assert (numbers, faults) == ([2, 3, 4, 5], [])
    assert frame.select("day", "test", "value_text", "unit", "lower_limit", "upper_limit").rows() == [
        (3, "Neutrophils", "0.4", "10^9/L", 1.8, 7.5),
        (3, "Hemoglobin", "79", "g/L", 120.0, None),
        (-7, "Alanine Aminotransferase", "<5", "U/L", None, 45.0),
        (-7, "Phosphate", None, None, None, None),
    ]


@pytest.mark.parametrize(
    ("row", "test"),
    [
        ("GLUC,Glucose,URINALYSIS,", "Glucose (urine)"),
        ("GLUC,Glucose,CHEMISTRY,URINE", "Glucose (urine)"),
        ("PROT,Protein,,CEREBROSPINAL FLUID", "Protein (cerebrospinal fluid)"),
        ("K,Urine Potassium,,", "Urine Potassium"),
        ("K,Potassium (plasma),,", "Potassium (plasma)"),
        ("INR,Prothrombin Intl. Normalized Ratio,COAGULATION,PLASMA", "INR"),
        ("NEUTLE,Neutrophils/Leukocytes,HEMATOLOGY,BLOOD", "Neutrophils/Leukocytes"),
        (",Sodium,,", "Sodium"),
        ("XYZ,,,", "XYZ"),
    ],
)
def test_the_name_of_a_test_is_one_that_is_known(labs, row, test):
    frame, _, _ = labs(f"S1,{row},1,,,,,,,,1\n", day_one=DAY_ONE)
    assert frame["test"].to_list() == [test]


def test_glucose_of_the_fasting_is_a_test_of_its_own(labs):
    header = "USUBJID,LBTEST,LBFAST,LBORRES,LBDY,LBCLSIG\n"
    frame, _, _ = labs("S1,Glucose,Y,7,1,Y\nS1,Glucose,N,7,1,N\nS1,ALT,Y,7,1,U\n", header=header, day_one={"S1": 0})
    assert frame["test"].to_list() == ["fasting Glucose", "Glucose", "ALT"]
    assert frame["clinically_significant"].to_list() == [True, False, None]


def test_a_header_that_lacks_a_column_is_told_once(labs):
    with pytest.raises(StudyError) as error:
        labs("S1,ALT\n", header="USUBJID,LBTESTCD\n")
    assert told(error) == [(1, "LBORRES", "LB needs LBORRES or LBSTRESC"), (1, "LBDTC", "LB needs LBDTC or LBDY")]


def test_a_faulty_row_costs_itself_alone(labs):
    frame, numbers, faults = labs("S1,ALT,,,,5,U/L,,,,,,,0\nS1,ALT,,,,6,U/L,,,,,,,2\n", day_one={"S1": 0})
    assert (frame["day"].to_list(), numbers) == ([1], [3])
    assert {fault.row for fault in faults} == {2}


def test_a_result_of_a_test_that_was_not_done_is_refused(labs):
    header = "USUBJID,LBTEST,LBORRES,LBORRESU,LBSTRESC,LBSTAT,LBDY\n"
    rows = "S1,ALT,30,U/L,30,NOT DONE,8\nS1,ALT,,U/L,,NOT DONE,9\nS1,ALT,31,U/L,31,,10\n"
    frame, numbers, problems = labs(rows, header, day_one=DAY_ONE)
    assert frame.select("day", "value_text").rows() == [(1, None), (2, "31")]
    assert numbers == [3, 4]
    assert [(one.row, one.column, one.found) for one in problems] == [(2, "LBSTAT", "'30'")]
