import pytest

from tilseq.errors import StudyError
from tilseq.study import clinical
from tilseq.study.read import examine, read_study

UNGRADED = (
    "results of clinical/labs.csv are not graded: study.yaml names no version of the CTCAE "
    "(analysis.clinical.ctcae: 5 or 6)"
)


def problems_of(root):
    return [str(problem) for problem in examine(root).problems]


def test_tables_are_typed_and_noted_once(make_study, further_texts):
    study = read_study(make_study(further_texts))
    assert list(study.clinical) == ["followup", "adverse_events", "labs", "tumor_markers", "therapies", "schedule"]
    assert study.clinical["followup"].rows() == [
        ("S01", 200, 210, "tumor", 300, None, None),
        ("007", 299, None, None, 300, None, None),
    ]
    assert study.clinical["adverse_events"].select("grade", "serious", "immune_related", "end_day").rows() == [
        (2, False, False, 3),
        (1, False, True, None),
    ]
    assert study.clinical["labs"].select("value_text", "upper_limit", "clinically_significant").rows() == [
        ("4.2", 7.5, None),
        ("<0.1", 7.5, True),
        ("7.4", 7.45, None),
    ]
    assert study.clinical["tumor_markers"]["value_text"].to_list() == ["<0.5"]
    assert study.clinical["therapies"].rows() == [("007", "pembrolizumab", 120, None)]
    assert study.clinical["schedule"].rows() == [("baseline", -7, 3), ("D28", 28, 7)]
    assert study.notes == [UNGRADED]


def test_a_table_without_a_row_is_as_good_as_none(make_study):
    study = read_study(make_study({"clinical/labs.csv": "subject,day,test\n"}))
    assert (study.clinical, study.plates, study.notes) == ({}, None, [])


def test_dates(make_study):
    infusions = {"infusions.csv": "subject,infusion,date\nS01,1,2024-03-01\n007,1,2024-03-01\n"}
    tables = {
        "clinical/followup.csv": "subject,last_alive_date,death_date,data_cut_date\n"
        "S01,2024-04-01,2024-04-02,2025-03-01\n",
        "clinical/therapies.csv": "subject,therapy,start_date\nS01,x,2024-03-31\n",
        "clinical/labs.csv": "subject,date,test\nS01,2024-02-29,pH\n",
    }
    study = read_study(make_study(infusions | tables))
    assert study.clinical["followup"].rows() == [("S01", 31, 32, None, 365, None, None)]
    assert study.clinical["therapies"]["start_day"].to_list() == [30]
    assert study.clinical["labs"]["day"].to_list() == [-1]


def test_all_problems_of_all_tables_come_together_in_the_order_of_the_files(make_study):
    root = make_study(
        {
            "clinical/followup.csv": "subject,last_alive_day,death_day,death_cause\nS0l,1,,\nS01,9,8,tumour\nS01,1,,\n",
            "clinical/adverse_events.csv": "subject,term,grade,serious,end_day\nS01,fever,6,maybe,NA\nS01,,1,,\n",
            "clinical/labs.csv": "subject,day,tests\nS01,2024-03-04,ALT\n",
            "clinical/tumor_markers.csv": "subject,day,test,lower_limit,upper_limit\nS01,1,CEA,5,0.5\n",
            "clinical/therapies.csv": "subject,therapy,start_day,end_day\nS01,x,8,7\nS01,x,,\n",
            "clinical/schedule.csv": "visit,day,window,date\nD82,28,7,2024-03-04\nD28,29,-1,\n",
        }
    )
    assert problems_of(root) == [
        "clinical/followup.csv, row 2, column subject: this subject is not in subjects.csv; found 'S0l'",
        "clinical/followup.csv, row 3, column death_cause: this value cannot stand here; found 'tumour'; "
        "expected tumor, other, unknown; did you mean 'tumor'?",
        "clinical/followup.csv, row 3, column death_day: this is less than last_alive_day; found 8; expected 9 or more",
        "clinical/followup.csv, row 3, column death_day: this lies before the subject's last infusion; found 8; "
        "expected day 14 or later",
        "clinical/followup.csv, row 4, column subject: this subject stands in row 3 already; found 'S01'",
        "clinical/adverse_events.csv, row 2, column grade: this value cannot stand here; found '6'; "
        "expected at most 5; write 1 to 5",
        "clinical/adverse_events.csv, row 2, column serious: this value cannot stand here; found 'maybe'; "
        "expected true or false",
        "clinical/adverse_events.csv, row 2, column end_day: this value cannot stand here; found 'NA'; "
        "expected a whole number; leave the cell empty where there is no value",
        "clinical/adverse_events.csv, row 3, column term: a value is missing; expected What happened",
        "clinical/labs.csv, row 1, column tests: labs has no such column; did you mean 'test'?",
        "clinical/labs.csv, row 1, column test: labs needs this column; rename the one that is meant, of tests",
        "clinical/labs.csv, row 2, column day: this value cannot stand here; found '2024-03-04'; "
        "expected a whole number; call the column date to write dates",
        "clinical/tumor_markers.csv, row 2, column upper_limit: this is less than lower_limit; found 0.5; "
        "expected 5 or more",
        "clinical/therapies.csv, row 2, column end_day: this is less than start_day; found 7; expected 8 or more",
        "clinical/therapies.csv, row 3, column start_day: a value is missing; expected First day",
        "clinical/schedule.csv, row 1, column date: schedule has no such column; "
        "delete it or rename it; the columns are visit, day, window",
        "clinical/schedule.csv, row 2, column visit: this visit is not in study.yaml; found 'D82'; did you mean 'D28'?",
        "clinical/schedule.csv, row 3, column window: this value cannot stand here; found '-1'; expected at least 0",
        "clinical/schedule.csv, row 3, column day: another nominal day than in study.yaml; found 29; expected 28",
    ]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("S01,200,200,tumor", None),
        ("S01,200,,", None),
        ("S01,14,14,", None),
        ("S01,200,199,", "this is less than last_alive_day; found 199; expected 200 or more"),
        ("S01,200,,unknown", "a cause of death without its day; expected the day"),
        ("S01,,13,", "this lies before the subject's last infusion; found 13; expected day 14 or later"),
    ],
)
def test_deaths(make_study, row, problem):
    text = f"subject,last_alive_day,death_day,death_cause\n{row}\n"
    expected = [] if problem is None else [f"clinical/followup.csv, row 2, column death_day: {problem}"]
    assert problems_of(make_study({"clinical/followup.csv": text})) == expected


def test_a_day_of_death_that_cannot_be_read_is_one_problem(make_study):
    for column, day in (("death_day", "D200"), ("death_date", "01.02.2024")):
        text = f"subject,last_alive_day,{column},death_cause\nS01,100,{day},tumor\n"
        (problem,) = problems_of(make_study({"clinical/followup.csv": text}))
        assert problem.startswith(f"clinical/followup.csv, row 2, column {column}: ")


def test_a_schedule_is_read_with_scans_or_followup(make_study):
    note = "read and checked, but not analysed yet: clinical/schedule.csv"
    schedule = {"clinical/schedule.csv": "visit,day,window\nD28,28,7\n"}
    no_scans = dict.fromkeys(("clinical/lesions.csv", "clinical/responses.csv"))
    assert note in examine(make_study(schedule | no_scans)).notes
    assert note not in examine(make_study(schedule)).notes


@pytest.mark.parametrize("column", ["onset_day", "day"])
def test_a_column_of_days_that_the_table_has_not_is_one_problem(make_study, further_texts, column):
    events = f"subject,term,grade,start_day,{column}\nS01,fever,2,1,1\n"
    (problem,) = problems_of(make_study(further_texts | {"clinical/adverse_events.csv": events}))
    assert problem.startswith(f"clinical/adverse_events.csv, row 1, column {column}: adverse_events has no such column")


def test_what_is_told_after_death_is_a_note(make_study):
    tables = {
        "clinical/followup.csv": "subject,death_day,data_cut_day\nS01,27,300\n007,29,300\n",
        "clinical/adverse_events.csv": "subject,term,grade,start_day,end_day\nS01,fever,1,5,90\n007,fever,1,5,29\n",
    }
    assert clinical.note_after_death(examine(make_study(tables))) == [
        "told of after death: 'S01 (died on day 27; samples.csv, row 4, has day 28)', "
        "'S01 (died on day 27; clinical/lesions.csv, row 3, has day 28)', "
        "'S01 (died on day 27; clinical/responses.csv, row 2, has day 28)', "
        "'S01 (died on day 27; clinical/adverse_events.csv, row 2, has day 90)'"
    ]


def test_follow_up_in_months_is_told(make_study):
    def notes(rows):
        return clinical.note_short_followup(examine(make_study({"clinical/followup.csv": rows})))

    assert notes("subject,last_alive_day,death_day\nS01,13,\n007,9,60\n") == [
        "clinical/followup.csv: no subject was followed for more than 60 days: the tables hold days; "
        "are these months? Then multiply them by 30.4375"
    ]
    assert notes("subject,last_alive_day,death_day\nS01,13,\n007,9,61\n") == []
    assert notes("subject,data_cut_day\nS01,13\n") == notes("subject,last_alive_day\n") == []


def test_an_infusion_of_no_cells_after_death_was_none(make_study):
    tables = {
        "infusions.csv": "subject,infusion,day,cells\nS01,1,0,5e10\n007,1,0,0\n",
        "samples.csv": "sample,subject,visit,day,specimen,assay,path\n",
        "clinical/followup.csv": "subject,last_alive_day,death_day\nS01,300,\n007,-9,-4\n",
    }
    folder = examine(make_study(tables))
    assert clinical.note_after_death(folder) + clinical.note_after_last_alive(folder) == []


def test_what_is_told_after_the_last_day_alive_is_a_note(make_study, further_texts):
    """Follow-up in weeks, which ended before the last visit of S01, and a sample of 007 on day 29."""
    tables = further_texts | {"clinical/followup.csv": "subject,last_alive_day\nS01,8\n007,20\n"}
    told = "told of after the last day alive, as where that is in weeks: "
    assert clinical.note_after_last_alive(examine(make_study(tables))) == [
        f"{told}'S01 (followed to day 8; infusions.csv, row 3, has day 14)', "
        "'007 (followed to day 20; samples.csv, row 5, has day 29)', "
        "'S01 (followed to day 8; clinical/lesions.csv, row 3, has day 28)', "
        "'S01 (followed to day 8; clinical/responses.csv, row 2, has day 28)', "
        "'S01 (followed to day 8; clinical/adverse_events.csv, row 3, has day 60)' and 1 more"
    ]
    sound = {
        "subject,last_alive_day\nS01,60\n007,120\n",  # on the day itself
        "subject,last_alive_day,death_day\nS01,8,61\n007,20,121\n",  # the death is told by others
        "subject,last_alive_day,data_cut_day\nS01,14,27\n007,20,28\n",  # what is after the cut counts nowhere
        "subject,data_cut_day\nS01,300\n007,300\n",
    }
    for text in sound:
        assert (
            clinical.note_after_last_alive(examine(make_study(further_texts | {"clinical/followup.csv": text}))) == []
        )


def test_the_nominal_day_of_a_sample_is_not_held_against_the_last_day_alive(make_study):
    tables = {"clinical/followup.csv": "subject,last_alive_day\nS01,300\n007,26\n", "samples.csv": ("D28,29", "D28,")}
    assert clinical.note_after_last_alive(examine(make_study(tables))) == []
    tables["samples.csv"] = ("D28,29", "D28,27")
    assert len(clinical.note_after_last_alive(examine(make_study(tables)))) == 1


def test_rows_after_the_data_cut_are_counted_by_table(make_study):
    tables = {
        "clinical/followup.csv": "subject,last_alive_day,data_cut_day\nS01,90,28\n007,90,\n",
        "clinical/adverse_events.csv": "subject,term,grade,start_day,end_day\nS01,fever,1,28,90\n007,fever,1,95,\n",
        "clinical/labs.csv": "subject,day,test,value_text,unit\nS01,28,ANC,4,10^9/L\nS01,29,ANC,4,10^9/L\n",
    }
    folder = examine(make_study(tables))
    told = "rows after the data cut of their subject, which count nowhere: "
    assert clinical.note_after_cut(folder) == [f"{told}clinical/labs.csv 1"]
    earlier = {**tables, "clinical/followup.csv": tables["clinical/followup.csv"].replace("90,28", "90,27")}
    assert clinical.note_after_cut(examine(make_study(earlier))) == [
        f"{told}clinical/lesions.csv 1, clinical/responses.csv 1, clinical/adverse_events.csv 1, clinical/labs.csv 2"
    ]
    before = {**tables, "clinical/followup.csv": tables["clinical/followup.csv"].replace("90,28", "-9,-9")}
    assert "infusions.csv 2, clinical/lesions.csv" in clinical.note_after_cut(examine(make_study(before)))[0]
    uncut = {**tables, "clinical/followup.csv": "subject,last_alive_day\nS01,90\n"}
    assert clinical.note_after_cut(examine(make_study(uncut))) == []


def test_a_therapy_that_ends_after_the_last_day_alive_or_the_data_cut_is_a_note(make_study):
    tables = {
        "clinical/followup.csv": "subject,last_alive_day,death_day,data_cut_day\nS01,100,,300\n007,99,120,110\n",
        "clinical/therapies.csv": "subject,therapy,start_day,end_day\nS01,x,90,100\nS01,y,95,9999\n007,x,90,115\n",
    }
    assert clinical.note_therapy_ends(examine(make_study(tables))) == [
        "a therapy ends after the last day alive or the data cut, no day alive: "
        "'S01 (day 9999, followed to day 100)', '007 (day 115, followed to day 110)'"
    ]


@pytest.mark.parametrize(
    ("a_day", "days", "test", "told"),
    [(5, 3, "PLT", True), (4, 3, "PLT", False), (5, 2, "PLT", False), (5, 3, "potassium", False)],
)
def test_days_with_more_blood_counts_than_anybody_draws_are_told(make_study, further_texts, a_day, days, test, told):
    rows = [f"S01,{day},{test},{20 + one},10^9/L\n" for day in range(days) for one in (*range(a_day), 0)]
    tables = further_texts | {"clinical/labs.csv": "subject,day,test,value_text,unit\n" + "".join(rows)}
    assert (
        clinical.note_crowded_days(examine(make_study(tables)))
        == [
            "5 results of a blood count or more on one day of clinical/labs.csv, as of days in weeks: "
            "'S01 (day 0)', 'S01 (day 1)', 'S01 (day 2)'"
        ]
        * told
    )


def test_assessments_with_days_in_weeks_are_told(make_study):
    days = (-1, 6, 12, 18)
    tables = {
        "clinical/lesions.csv": "subject,day,lesion,role,diameter_mm\n"
        + "".join(f"S01,{day},T1,target,20\nS01,{day},T2,target,20\n" for day in days),
        "clinical/responses.csv": "subject,day,response\n" + "".join(f"S01,{day * 7},SD\n" for day in days[1:]),
    }
    assert clinical.note_close_scans(examine(make_study(tables))) == [
        "lesions: 3 of 3 assessments lie less than 14 days after the one before, as S01, days -1, 6, 12, 18: "
        "are these weeks or months?"
    ]
    assert clinical.note_close_scans(examine(make_study())) == []


def course(*days, subjects=("S01", "007", "S03")):
    """A result of each subject on each day."""
    return "subject,day,test,value_text\n" + "".join(f"{one},{day},CEA,5\n" for one in subjects for day in days)


@pytest.mark.parametrize(
    ("markers", "scans", "told"),
    [
        (course(-1, 6, 12, 18), course(-8, 42, 84, 126), True),
        (course(-1, 6, 12, 25), course(-8, 42, 84, 126), True),  # 25.2 is a fifth
        (course(-1, 6, 12, 26), course(-8, 42, 84, 126), False),
        (course(-7, 42, 84, 126), course(-8, 42, 84, 126), False),
        (course(-1, 6, 12), course(-8, 42, 84, 126), False),  # twice: may be all that was planned
        (course(-1, 6, 12, 15), course(-8, 42, 83), False),  # short
        (course(-1, 6, 12, 18, subjects=("S01", "007")), course(-8, 42, 84, 126), False),
        (course(-1, 6, 12, 18) + "S03,60,CEA,5\n", course(-8, 42, 84, 126), False),  # not in everybody
    ],
)
def test_markers_that_end_early_in_everybody_are_told(make_study, markers, scans, told):
    people = "subject,tumor_type\nS01,other\n007,other\nS03,other\n"
    tables = {"subjects.csv": people, "clinical/tumor_markers.csv": markers, "clinical/labs.csv": scans}
    last = markers.splitlines()[4].split(",")[1]
    of = ", ".join(f"'{one} (day {last}, seen to day 126)'" for one in ("S01", "007", "S03"))
    expected = [f"clinical/tumor_markers.csv ends early in everybody, as of days in weeks: {of}"]
    assert clinical.note_early_markers(examine(make_study(tables))) == expected * told


def test_first_days_that_deny_the_recorded_period_are_told(make_study, further_texts):
    rows = "S01,fever,1,8,lymphodepletion\nS01,rash,1,-3,follow-up\nS01,chills,1,1,IL-2\n"
    tables = further_texts | {"clinical/adverse_events.csv": "subject,term,grade,start_day,period\n" + rows}
    assert clinical.note_periods(examine(make_study(tables))) == [
        "first days of clinical/adverse_events.csv that deny the recorded period: 2, the first of row 2"
    ]
    assert clinical.note_periods(examine(make_study(further_texts))) == []


def test_therapies_of_the_treatment_itself_are_told(make_study, further_texts):
    rows = "S01,IL-2,1,5\n007,filgrastim,14,20\nS01,carboplatin,15,\nS01,fludarabine,0,\n"
    tables = further_texts | {"clinical/therapies.csv": "subject,therapy,start_day,end_day\n" + rows}
    assert clinical.note_soon_therapies(examine(make_study(tables))) == [
        "clinical/therapies.csv: therapies that start within 14 days after the infusion, after which nothing counts: "
        "S01 (IL-2, day 1), 007 (filgrastim, day 14): leave out what belongs to the treatment, as IL-2 does"
    ]
    assert clinical.note_soon_therapies(examine(make_study(further_texts))) == []


@pytest.mark.parametrize(("wanted", "told"), [("investigator", None), ("inv", "investigator"), ("x", "central")])
def test_the_reader_of_the_endpoint_has_read(make_study, wanted, told):
    responses = "subject,day,reader,response\nS01,28,investigator,PR\nS01,28,central,PR\n"
    settings = f"analysis:\n  clinical:\n    endpoint_reader: {wanted}\n"
    root = make_study({"clinical/lesions.csv": None, "clinical/responses.csv": responses})
    with (root / "study.yaml").open("a") as file:
        file.write(settings)
    found = [problem for problem in problems_of(root) if "endpoint_reader" in problem]
    assert bool(found) == (told is not None)
    if told:
        assert "column analysis.clinical.endpoint_reader: no reader of this name" in found[0] and told in found[0]
        assert ", row " in found[0]


@pytest.mark.parametrize(
    ("wanted", "told"), [("TIL", None), ("TlL", "did you mean 'TIL'"), ("x", "expected TIL, control")]
)
def test_the_reference_arm_has_subjects(make_study, wanted, told):
    root = make_study({"subjects.csv": "subject,tumor_type,arm\nS01,melanoma,TIL\n007,melanoma,control\n"})
    with (root / "study.yaml").open("a") as file:
        file.write(f"analysis:\n  clinical:\n    survival: {{reference_arm: {wanted}}}\n")
    found = [problem for problem in problems_of(root) if "reference_arm" in problem]
    assert bool(found) == (told is not None)
    if told:
        assert "column analysis.clinical.survival.reference_arm: no arm of this name" in found[0] and told in found[0]


def test_rows_that_repeat_others_are_a_note(make_study):
    tables = {
        "clinical/labs.csv": "subject,day,test,value_text\nS01,1,K,4\nS01,1,Na,4\nS01,1,Na,5\nS01,1,Na,4\nS01,1,Na,4\n",
        "clinical/therapies.csv": "subject,therapy,start_day\nS01,x,1\nS01,x,1\n007,x,1\n",
        "clinical/adverse_events.csv": "subject,term,grade\nS01,fever,1\nS01,fever,2\n",
    }
    assert clinical.note_alike(examine(make_study(tables))) == [
        "rows of clinical/labs.csv that repeat an earlier one: 2, the first of row 3",
        "rows of clinical/therapies.csv that repeat an earlier one: 1, the first of row 2",
    ]


def test_codes_of_a_dictionary_pass_through_and_other_columns_do_not(make_study):
    coded = "subject,term,grade,pt,pt_code\nS01,chills,2,Chills,10008531\n"
    study = read_study(make_study({"clinical/adverse_events.csv": coded}))
    assert study.clinical["adverse_events"].select("term", "pt", "pt_code").row(0) == ("chills", "Chills", "10008531")
    strange = make_study({"clinical/adverse_events.csv": "subject,term,grade,sock\nS01,chills,2,x\n"})
    assert [str(problem) for problem in examine(strange).problems] == [
        "clinical/adverse_events.csv, row 1, column sock: adverse_events has no such column; did you mean 'soc'?"
    ]
    strange = make_study({"clinical/adverse_events.csv": "subject,term,grade,outcome\nS01,chills,2,x\n"})
    assert examine(strange).problems[0].mend == (
        "delete it or rename it; the columns are subject, term, soc, grade, serious, immune_related, related, "
        "start_day (or start_date), end_day (or end_date), period; coded columns: llt, pt, hlt, hlgt, meddra…, …_code, "
        "…_version"
    )


@pytest.mark.parametrize(("version", "told"), [("null", True), ("5", False), ("6", False)])
def test_results_without_a_version_of_the_criteria_are_told_to_be_ungraded(make_study, version, told):
    changes = {
        "study.yaml": ("study: demo\n", f"study: demo\nanalysis: {{clinical: {{ctcae: {version}}}}}\n"),
        "clinical/labs.csv": "subject,day,test\nS01,1,pH\n",
    }
    assert (UNGRADED in read_study(make_study(changes)).notes) is told


LABS = "subject,day,test,value_text,unit\n"


def test_laboratory_results_that_no_grade_is_of_are_noted(make_study):
    rows = "S01,1,Neutrofils,0.1,G/L\nS01,1,CRP,5,mg/L\nS01,2,CRP,6,mg/L\nS01,1,Neutrophils abs.,0.3,G/L\nS01,1,pH,,\n"
    rows += (
        'S01,3,ANC,"0,05",G/L\nS01,3,ALT,hemolysed,U/L\nS01,3,ANC,1,furlong\nS01,3,neutrophils,55,%\nS01,4,ALT,,U/L\n'
    )
    graded = {"study.yaml": ("study: demo\n", "study: demo\nanalysis: {clinical: {ctcae: 5}}\n")}
    notes = read_study(make_study(graded | {"clinical/labs.csv": LABS + rows})).notes
    told = "Neutrofils (1; did you mean 'neutrophils'?), CRP (2), pH (1)"
    assert f"tests of clinical/labs.csv that no grade is of, with their rows: {told}" in notes
    comma = "the comma of '0,05' may be a decimal or a thousands mark"
    assert f"results of clinical/labs.csv that cannot be read: 3, the first of row 7 ({comma})" in notes


def test_a_result_without_a_unit_is_noted(make_study):
    notes = read_study(make_study({"clinical/labs.csv": LABS + "S01,1,WBC,4,\n"})).notes
    assert "results of clinical/labs.csv that cannot be read: 1, the first of row 2 (WBC without a unit)" in notes


def test_many_unknown_tests_are_counted(make_study):
    rows = "".join(f"S01,1,T{number},1,x\n" for number in range(12))
    graded = {"study.yaml": ("study: demo\n", "study: demo\nanalysis: {clinical: {ctcae: 5}}\n")}
    (note,) = [n for n in read_study(make_study(graded | {"clinical/labs.csv": LABS + rows})).notes if "no grade" in n]
    assert note.endswith("T8 (1), T9 (1) and 2 more")


def test_subjects_of_settings_stand_in_subjects(make_study):
    clinical = "analysis: {clinical: {ca125_interference: {S01: [30], S09: [3]}, mouse_antibodies: [S08]}}\n"
    with pytest.raises(StudyError) as caught:
        read_study(make_study({"study.yaml": ("study: demo\n", f"study: demo\n{clinical}")}))
    assert [(one.column, one.found) for one in caught.value.problems] == [
        ("analysis.clinical.ca125_interference", "'S09'"), ("analysis.clinical.mouse_antibodies", "'S08'"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("recovery", "why"),
    [
        ("{thresholds: {ANC: [.inf]}}", "found .\\.inf"),
        ("{thresholds: {ALT: [40]}}", "ALT is no blood count"),
        ("{sustained: 0}", "found 0"),
        ("{thresholds: {ANC: [0]}}", "found 0"),
    ],
)
def test_recovery_is_of_blood_counts(make_study, recovery, why):
    text = f"study: demo\nanalysis: {{clinical: {{recovery: {recovery}}}}}\n"
    with pytest.raises(StudyError, match=why):
        read_study(make_study({"study.yaml": ("study: demo\n", text)}))
