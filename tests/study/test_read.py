import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tilseq
from tilseq.errors import StudyError
from tilseq.study.read import examine, read_study


def problems_of(root):
    with pytest.raises(StudyError) as caught:
        read_study(root)
    return [str(problem) for problem in caught.value.problems]


def test_a_sound_study(make_study):
    study = tilseq.read_study(make_study())
    assert study.settings.study == "demo"
    assert study.subjects["subject"].to_list() == ["S01", "007"]
    assert study.samples["day"].to_list() == [-8, 0, 28, 29]
    assert study.lesions["diameter_mm"].to_list() == [20.0, 12.5]
    assert study.responses["response"].to_list() == ["PR"]
    assert study.exclusions.height == 0
    assert study.notes == []


def test_all_problems_of_all_tables_come_together(make_study):
    root = make_study(
        {
            "study.yaml": ("window: 3}\n  product", "windo: 3}\n  product"),
            "subjects.csv": ("melanoma", "melanom"),
            "infusions.csv": ("S01,1,0", "S01,1,1"),
            "samples.csv": ("raw/a.fcs", "raw/a.fc"),
            "clinical/lesions.csv": ("target,20", "target,twenty"),
            "clinical/responses.csv": ("PR", "pr"),
        }
    )
    assert problems_of(root) == [
        "study.yaml, row 3, column visits.baseline.windo: no such setting; did you mean 'window'?",
        "subjects.csv, row 2, column tumor_type: this value cannot stand here; found 'melanom'; "
        "expected melanoma, cervical, ovarian, nsclc, head_and_neck, other; did you mean 'melanoma'?",
        "infusions.csv, row 2, column day: days count from the first infusion; found 1; expected 0",
        "samples.csv, row 2, column path: there is no such file; found 'raw/a.fc'; did you mean 'a.fcs'?",
        "clinical/lesions.csv, row 2, column diameter_mm: this value cannot stand here; found 'twenty'; "
        "expected a number with a decimal point and without a unit",
        "clinical/responses.csv, row 2, column response: this value cannot stand here; found 'pr'; "
        "expected CR, PR, SD, NON-CR/NON-PD, PD, NE; did you mean 'PR'?",
    ]


def test_identifiers_that_spreadsheets_break_stay_as_they_are(make_study):
    names = ["007", "1E5", "NA", "None", "TRUE", "2024-03-01", "nan", "+1", "CON", "a/b", "..", "x" * 300, "🧬"]
    root = make_study(
        {
            "subjects.csv": "subject,tumor_type\n" + "".join(f"{name},other\n" for name in names),
            "infusions.csv": "subject,infusion,day\n" + "".join(f"{name},1,0\n" for name in names),
            "samples.csv": "sample,subject,visit,specimen,assay,status\n"
            + "".join(f"{name},{name},D28,blood,flow,failed\n" for name in names),
            "clinical/lesions.csv": None,
            "clinical/responses.csv": None,
        }
    )
    study = read_study(root)
    assert study.subjects["subject"].to_list() == names
    assert study.samples["sample"].to_list() == names
    assert study.lesions is None and study.responses is None


def test_dates_in_every_table_become_days_and_none_is_kept(make_study):
    root = make_study(
        {
            "subjects.csv": "subject,tumor_type,harvest_date,lymphodepletion_day\nS01,melanoma,2024-02-01,-7\n",
            "infusions.csv": "subject,infusion,date\nS01,1,2024-03-01\nS01,2,2024-03-15\n",
            "samples.csv": "sample,subject,visit,date,specimen,assay,path\n"
            "a,S01,D28,2024-03-30,blood,flow,raw/a.fcs\nb,S01,baseline,,blood,flow,raw/b.tsv\n",
            "clinical/lesions.csv": "subject,date,lesion,role\nS01,2024-02-20,T1,target\n",
            "clinical/responses.csv": "subject,day,response\nS01,28,PR\n",
        }
    )
    study = read_study(root)
    assert study.subjects["harvest_day"].to_list() == [-29]
    assert study.infusions["day"].to_list() == [0, 14]
    assert study.samples["day"].to_list() == [29, -7]
    assert study.lesions["day"].to_list() == [-10]
    assert not [
        name for frame in (study.subjects, study.samples, study.lesions) for name in frame.columns if "date" in name
    ]


def test_an_ambiguous_date_is_told_once(make_study):
    root = make_study(
        {
            "infusions.csv": "subject,infusion,date\nS01,1,2024-03-01\n007,1,2024-03-01\n",
            "clinical/lesions.csv": "subject,date,lesion,role\nS01,03/04/2024,T1,target\n",
        }
    )
    assert problems_of(root) == [
        "clinical/lesions.csv, row 2, column date: no date that reads in one way only; found '03/04/2024'; "
        "expected year-month-day such as 2024-03-04; write it so, in a spreadsheet by the format of the cells"
    ]


def test_slips_get_a_mend(make_study):
    root = make_study({"samples.csv": ("-8,blood", "2024-02-22,blood"), "subjects.csv": ("cervical,,", "cervical,NA,")})
    assert problems_of(root) == [
        "subjects.csv, row 3, column harvest_day: this value cannot stand here; found 'NA'; "
        "expected a whole number; leave the cell empty where there is no value",
        "samples.csv, row 2, column day: this value cannot stand here; found '2024-02-22'; "
        "expected a whole number; call the column date to write dates",
    ]


def test_a_number_beyond_64_bits_is_a_problem_and_no_fault(make_study):
    root = make_study({"samples.csv": ("-8,blood", "99999999999999999999,blood")})
    assert problems_of(root) == [
        "samples.csv, row 2, column day: this value cannot stand here; found '99999999999999999999'; "
        "expected a whole number of at most 18 digits"
    ]


@pytest.mark.parametrize("name", ["subjects.csv", "infusions.csv", "samples.csv"])
def test_a_missing_table(make_study, name):
    assert f"{name}: this table is missing; write it; a header alone will do" in problems_of(make_study({name: None}))


def test_a_table_under_another_name(make_study):
    root = make_study()
    (root / "samples.csv").rename(root / "sample.csv")
    assert problems_of(root) == [
        "samples.csv: this table is missing; is it 'sample.csv'? It must be called samples.csv and be a CSV"
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the file is empty"),
        ("sample,subject\na\n", "this row has fewer cells than the header"),
        ("sample,sample\na,b\n", "this column stands twice in the header"),
        ("sample,subject,,,\na,b,,,\n", "several columns have no name"),
        ("sample,subject\na,\udcff\n", "the text is not UTF-8"),
        ("sample,subject\na,b\0\n", "the text holds a NUL"),
        ("PK\x03\x04", "this is not delimited text"),
        ("\x1f\udc8b", "packed by gzip"),
    ],
)
def test_an_unreadable_table_is_one_problem_that_names_it(make_study, text, what):
    folder = examine(make_study({"samples.csv": text}))
    assert [(problem.file, problem.what) for problem in folder.problems] == [("samples.csv", what)]


def test_a_huge_table_is_refused_before_it_is_read(make_study):
    root = make_study()
    os.truncate(root / "samples.csv", 33 << 20)
    assert [problem.what for problem in examine(root).problems] == ["too large for a table of a study folder"]


def test_too_many_rows(make_study):
    folder = examine(make_study({"samples.csv": "sample\n" + "x\n" * 500_001}))
    assert [problem.what for problem in folder.problems] == ["too many rows for a table of a study folder"]


def test_a_table_that_is_no_file(make_study):
    root = make_study({"samples.csv": None, "infusions.csv": None, "subjects.csv": None})
    os.mkfifo(root / "samples.csv")
    (root / "infusions.csv").mkdir()
    (root / "subjects.csv").symlink_to("none")
    assert [(problem.file, problem.what) for problem in examine(root).problems] == [
        ("subjects.csv", "cannot be read: No such file or directory"),
        ("infusions.csv", "not a regular file"),
        ("samples.csv", "not a regular file"),
    ]


TABLES = [
    "study.yaml",
    "subjects.csv",
    "infusions.csv",
    "samples.csv",
    "clinical/lesions.csv",
    "clinical/responses.csv",
    "clinical/adverse_events.csv",
    "clinical/followup.csv",
    "clinical/labs.csv",
    "clinical/schedule.csv",
    "clinical/therapies.csv",
    "plates/p1.csv",
]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(TABLES), at=st.floats(0, 1), cut=st.integers(0, 9), text=st.text(max_size=6))
def test_a_spoilt_file_is_read_or_refused_by_name(make_study, sound_texts, further_texts, name, at, cut, text):
    sound = (sound_texts | further_texts)[name]
    start = int(at * len(sound))
    folder = examine(make_study(further_texts | {name: sound[:start] + text + sound[start + cut :]}))
    assert all(problem.file is not None and str(problem) for problem in folder.problems)
    assert all(frame.height <= sound.count("\n") + 8 for frame in folder.tables().values())
    assert all(frame.height for file, frame in folder.tables().items() if file != name)


def test_empty_rows_at_the_end_are_passed_over(make_study):
    study = read_study(make_study({"infusions.csv": ("007,1,0,L2\n", "007,1,0,L2\n,,,\n,,,\n")}))
    assert study.infusions.height == 3
    assert any("row 4" in text for text in problems_of(make_study({"infusions.csv": ("007,1", ",,,\n007,1")})))


def test_clinical_folder(make_study):
    root = make_study({"clinical/lesion.csv": "x\n", "clinical/.DS_Store": "x"})
    folder = examine(root)
    assert folder.notes == []
    assert [str(problem) for problem in folder.problems] == [
        "clinical/lesion.csv: no table of this name is known; did you mean 'lesions.csv'?"
    ]


def test_a_workbook_among_the_clinical_tables(make_study):
    assert problems_of(make_study({"clinical/lesions.xlsx": "x"})) == [
        "clinical/lesions.xlsx: no table of this name is known; no workbook is read: save its sheet as CSV in UTF-8 "
        "and keep the workbook elsewhere; did you mean 'lesions.csv'?"
    ]


def test_no_folder(make_study, tmp_path):
    assert problems_of(tmp_path / "none") == [
        f"{tmp_path / 'none'}: not a study folder; `tilseq init` writes a template"
    ]
    root = make_study()
    assert problems_of(root / "study.yaml")[0].endswith("give the folder that holds study.yaml")


def test_settings_under_another_name_are_told_by_the_study_s_own_folder(make_study, tmp_path, monkeypatch):
    root = make_study()
    (root / "study.yaml").rename(root / "study.yml")
    (tmp_path / "study.yaml.txt").touch()  # in the folder that the command is called from: not of the study
    monkeypatch.chdir(tmp_path)
    (told,) = problems_of(root)
    assert told.endswith("did you mean 'study.yml'? It must be called study.yaml")


def test_a_folder_of_nothing(tmp_path):
    assert [problem.file for problem in examine(tmp_path).problems] == [
        "study.yaml",
        "subjects.csv",
        "infusions.csv",
        "samples.csv",
    ]


TU = "USUBJID,TULNKID,TUTESTCD,TUORRES,TULOC\nS01,T1,TUMIDENT,TARGET,LUNG\n"
TR = (
    "USUBJID,TRLNKID,TRTESTCD,TRORRES,TRORRESU,TRDTC\n"
    "S01,T1,LDIAM,20,mm,2024-02-20\nS01,T1,LDIAM,10,mm,2024-04-01\nS01,T1,SAXIS,9,mm,2024-04-01\n"
)
RS = "USUBJID,RSTESTCD,RSORRES,RSDTC\nS01,OVRLRESP,PR,2024-04-01\n"
SDTM = {"clinical/lesions.csv": None, "clinical/responses.csv": None, "clinical/tu.csv": TU, "clinical/tr.csv": TR}
DATED = {"infusions.csv": "subject,infusion,date\nS01,1,2024-03-01\n007,1,2024-03-01\n"}


def test_sdtm(make_study):
    study = read_study(make_study({**SDTM, **DATED, "clinical/rs.csv": RS}))
    assert study.lesions.select("day", "lesion", "diameter_mm").rows() == [(-10, "T1", 20.0), (31, "T1", 10.0)]
    assert study.responses.select("day", "response").rows() == [(31, "PR")]
    assert study.exclusions["file"].to_list() == ["clinical/tr.csv"]
    assert study.notes == [
        "rows of clinical/ that take no part: 1 (a test other than LDIAM, LPERP, DIAMETER, TUMSTATE, LNSTATE)"
    ]


def test_sdtm_without_dates_of_infusion(make_study):
    assert problems_of(make_study(SDTM)) == [
        "clinical/tr.csv: SDTM holds dates and no infusion has one; "
        "give infusions.csv a column `date`, or write clinical/lesions.csv with days"
    ]


def test_sdtm_faults_name_the_file_within_the_study(make_study):
    root = make_study({**SDTM, **DATED, "clinical/tr.csv": TR.replace("20,mm", "2,cm")})
    assert [text.split(":")[0] for text in problems_of(root)] == ["clinical/tr.csv, row 2, column TRORRESU"]
    root = make_study({**SDTM, **DATED, "clinical/tu.csv": "USUBJID\n"})
    assert {text.split(",")[0] for text in problems_of(root)} == {"clinical/tu.csv"}


def test_sdtm_subjects_are_known(make_study):
    both = {name: text.replace("S01", "X9") for name, text in SDTM.items() if text}
    dates = {"infusions.csv": DATED["infusions.csv"] + "X9,1,2024-03-01\n"}
    assert problems_of(make_study({**SDTM, **both, **dates})) == [
        "infusions.csv, row 4, column subject: this subject is not in subjects.csv; found 'X9'",
        "clinical/tr.csv, column USUBJID: this subject is not in subjects.csv; found 'X9'",
    ]


def test_sdtm_is_all_or_nothing(make_study):
    assert problems_of(make_study({**SDTM, **DATED, "clinical/tu.csv": None}))[0].startswith("clinical/tu.csv: SDTM's")
    root = make_study({**SDTM, **DATED, "clinical/responses.csv": "subject,day,response\nS01,28,PR\n"})
    assert problems_of(root)[0].startswith("clinical: tumours are recorded twice")


def test_tables_of_ours_without_a_row_stand_beside_those_of_sdtm(make_study):
    bare = {"clinical/responses.csv": "subject,day,response\n", "clinical/lesions.csv": "subject,day,lesion,role\n"}
    study = read_study(make_study({**SDTM, **DATED, "clinical/rs.csv": RS, **bare}))
    assert study.lesions.select("day", "diameter_mm").rows() == [(-10, 20.0), (31, 10.0)]
    assert study.responses.select("day", "response").rows() == [(31, "PR")]
    assert study.tumors_from_sdtm
    told = [
        f"clinical/{name}.csv holds no row: SDTM's tables are read in its place" for name in ("lesions", "responses")
    ]
    assert [note for note in study.notes if "holds no row" in note] == told


def test_scans_by_sdtm_of_an_undated_infusion_cost_their_subject_alone(make_study):
    both = {
        "clinical/tu.csv": TU + "007,T1,TUMIDENT,TARGET,LIVER\n",
        "clinical/tr.csv": TR + "007,T1,LDIAM,30,mm,2024-02-21\n007,T1,LDIAM,15,mm,2024-04-02\n",
        "clinical/rs.csv": RS + "007,OVRLRESP,PR,2024-04-02\n",
    }
    infused = {"infusions.csv": "subject,infusion,day,date\nS01,1,0,2024-03-01\n007,1,0,\n"}
    study = read_study(make_study({**SDTM, **both, **infused}))
    assert study.lesions.select("subject", "day").rows() == [("S01", -10), ("S01", 31)]
    assert study.responses["subject"].to_list() == ["S01"]
    assert study.undated == ("007",)
    rule = "no date of the first infusion of 007: its scans have no day"
    assert study.exclusions.filter(rule=rule).select("file", "rows").rows() == [
        ("clinical/rs.csv", 1), ("clinical/tr.csv", 2),
    ]  # fmt: skip
    (note,) = (note for note in study.notes if rule in note)
    assert note.startswith("rows of clinical/ that take no part: 4 (")


def test_real_sdtm(make_study, shared_data):
    root = make_study({**SDTM, **DATED})
    for domain in ("tu", "tr", "rs"):
        (root / f"clinical/{domain}.csv").write_bytes((shared_data / f"clinical/{domain}_onco_recist.csv").read_bytes())
    folder = examine(root)
    assert {problem.file for problem in folder.problems} <= {f"clinical/{name}.csv" for name in ("tu", "tr", "rs")}
    assert folder.problems  # its subjects have no infusion here


def test_a_column_subject_of_another_name_is_told_once(make_study):
    assert problems_of(make_study({"subjects.csv": ("subject,", "Subject,")})) == [
        "subjects.csv, row 1, column Subject: subjects has no such column; did you mean 'subject'?",
        "subjects.csv, row 1, column subject: subjects needs this column; rename the one that is meant, of Subject",
    ]
