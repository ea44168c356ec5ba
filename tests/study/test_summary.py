import json

from tilseq.study.read import examine
from tilseq.study.summary import as_json, summary


def test_one_line_a_table(make_study):
    assert summary(examine(make_study())) == [
        "2 subjects: 1 melanoma, 1 cervical",
        "3 infusions of 2 subjects",
        "4 samples: 2 flow, 2 tcr",
        "2 rows of lesions, 2 assessments",
        "1 recorded response: 1 PR",
    ]


def test_what_is_not_there_has_no_line(make_study):
    root = make_study({"clinical/lesions.csv": None, "clinical/responses.csv": None, "samples.csv": None})
    assert summary(examine(root)) == ["2 subjects: 1 melanoma, 1 cervical", "3 infusions of 2 subjects"]


def test_further_tables(make_study, further_texts):
    folder = examine(make_study(further_texts))
    assert summary(folder)[5:] == [
        "2 subjects followed up, 1 died",
        "2 adverse events of 1 subject",
        "3 laboratory results of 2 subjects, 2 tests",
        "1 result of 1 subject, 1 tumour marker",
        "1 further therapy of 1 subject",
        "2 scheduled assessments",
        "1 plate, 4 wells: 1 standard, 1 blank, 1 sample, 1 control",
    ]
    assert (as_json(folder)["rows"]["labs"], as_json(folder)["rows"]["plates"]) == (3, 5)


def test_json(make_study):
    told = as_json(examine(make_study({"samples.csv": ("raw/e.fcs", "raw/")})))
    assert json.loads(json.dumps(told)) == told
    assert told["study"] == "demo"
    assert told["sound"] is False
    rows = {"subjects": 2, "infusions": 3, "samples": 4, "lesions": 2, "responses": 1}
    absent = ("followup", "adverse_events", "labs", "tumor_markers", "therapies", "schedule", "plates")
    assert told["rows"] == rows | dict.fromkeys(absent)
    assert told["notes"] == []
    assert told["problems"] == [
        {
            "what": "a folder, not a file",
            "file": "samples.csv",
            "row": 5,
            "byte": None,
            "column": "path",
            "found": "'raw/'",
            "expected": None,
            "mend": None,
            "message": "samples.csv, row 5, column path: a folder, not a file; found 'raw/'",
        }
    ]
