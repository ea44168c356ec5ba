import pytest

from tilseq.study import checks
from tilseq.study.read import examine


def found(root, check):
    """Return what one check says of a study, and see that all checks together say no less."""
    folder = examine(root)
    problems = [str(problem) for problem in check(folder)]
    assert set(problems) <= {str(problem) for problem in folder.problems}
    return problems


def test_a_sound_study_passes_every_check(make_study):
    folder = examine(make_study())
    assert [check.__name__ for check in checks.CHECKS if check(folder)] == []


def test_identifiers(make_study):
    root = make_study(
        {
            "subjects.csv": ("007,cervical", "007 ,cervical"),
            "samples.csv": ("S01_D28,S01,D28", "s01_base,S01,D28"),
            "study.yaml": ("  D28: {", '  "D28\\u200b": {day: 3}\n  D28: {'),
        }
    )
    assert found(root, checks.check_identifiers) == [
        "subjects.csv, row 3, column subject: this identifier holds a space at one end; found '007 '; "
        "type it again without",
        "samples.csv, row 4, column sample: this looks like 'S01_base' in row 2 and differs only in case or "
        "Unicode form; found 's01_base'; write both alike, or name one otherwise",
        "study.yaml, row 5, column visits.D28\u200b: this name holds an invisible character",
    ]


def test_composed_and_decomposed_letters_are_twins(make_study):
    root = make_study({"subjects.csv": "subject,tumor_type\nS\u00e9,other\nSe\u0301,other\n"})
    assert found(root, checks.check_identifiers) == [
        "subjects.csv, row 3, column subject: this looks like 'S\\xe9' in row 2 and differs only in case or "
        "Unicode form; found 'Se\\\\u0301'; write both alike, or name one otherwise"
    ]


def test_unknown_subjects_in_every_table(make_study):
    root = make_study(
        {
            "infusions.csv": ("007,1", "7,1"),
            "samples.csv": ("007_D28,007", "007_D28,S0l"),
            "clinical/lesions.csv": ("S01,28", "s01,28"),
            "clinical/responses.csv": ("S01", "patient"),
        }
    )
    what = "this subject is not in subjects.csv"
    assert found(root, checks.check_subjects) == [
        f"infusions.csv, row 4, column subject: {what}; found '7'; did you mean '007'? "
        "A spreadsheet may have taken the leading zeros",
        f"samples.csv, row 5, column subject: {what}; found 'S0l'",
        f"clinical/lesions.csv, row 3, column subject: {what}; found 's01'; did you mean 'S01'? "
        "They differ only in case or Unicode form",
        f"clinical/responses.csv, row 2, column subject: {what}; found 'patient'",
    ]


def test_unknown_visit_and_panel(make_study):
    root = make_study(
        {"samples.csv": ("baseline,-8,blood,flow,raw/a.fcs,tcell", "basline,-8,blood,flow,raw/a.fcs,tcel")}
    )
    assert found(root, checks.check_visits) == [
        "samples.csv, row 2, column visit: this visit is not in study.yaml; found 'basline'; did you mean 'baseline'?",
        "samples.csv, row 2, column panel: this panel is not in study.yaml; found 'tcel'; did you mean 'tcell'?",
    ]


def test_thresholds_of_an_unknown_sample(make_study):
    text = "study: d\nvisits: {baseline: {day: -7}, product: {day: 0}, D28: {day: 28}}\npanels: {tcell: {}}\n"
    text += "analysis:\n  flow:\n    sample_thresholds:\n      S01_base: {CD3: 1}\n      S01_bas: {CD3: 1}\n"
    assert found(make_study({"study.yaml": text}), checks.check_sample_thresholds) == [
        "study.yaml, row 8, column analysis.flow.sample_thresholds.S01_bas: this sample is not in samples.csv; "
        "did you mean 'S01_base'?"
    ]


def test_gates_of_what_is_neither_a_tube_nor_a_panel(make_study):
    text = "study: d\nvisits: {baseline: {day: -7}, product: {day: 0}, D28: {day: 28}}\n"
    text += "panels: {tcell: {}, 007_D28: {}}\ngates:\n"
    text += "".join(f"  {name}: {{file: g.xml}}\n" for name in ("tcell", "S01_base", "S01_bas", "S01_prod", "007_D28"))
    assert found(make_study({"study.yaml": text, "g.xml": "x"}), checks.check_gates) == [
        "study.yaml, row 7, column gates.S01_bas: this is neither a sample of flow nor a panel; "
        "did you mean 'S01_base'?",
        "study.yaml, row 8, column gates.S01_prod: this is neither a sample of flow nor a panel",
        "study.yaml, row 9, column gates.007_D28: this is the name of both a sample and a panel; rename the panel",
    ]


@pytest.mark.parametrize(
    ("infusions", "problems"),
    [
        ("S01,1,0\nS01,2,0\n007,1,0\n", []),
        (
            "S01,1,3\n007,1,0\n",
            ["infusions.csv, row 2, column day: days count from the first infusion; found 3; expected 0"],
        ),
        (
            "S01,2,14\n007,1,0\n",
            ["infusions.csv, row 2, column day: days count from the first infusion; found 14; expected 0"],
        ),
        (
            "S01,3,7\nS01,1,0\nS01,2,14\n007,1,0\n",
            [
                "infusions.csv, row 2, column day: a later infusion lies before an earlier one; found 7; "
                "expected day 14 or later"
            ],
        ),
    ],
)
def test_infusions(make_study, infusions, problems):
    root = make_study({"infusions.csv": "subject,infusion,day\n" + infusions})
    assert found(root, checks.check_infusions) == problems


def test_a_second_infusion_dated_before_the_first_is_told(make_study):
    dated = "subject,infusion,date\nS01,1,2024-03-15\nS01,2,2024-03-01\n007,1,2024-03-01\n"
    (problem,) = examine(make_study({"infusions.csv": dated})).problems
    assert str(problem) == (
        "infusions.csv, row 3, column day: this value cannot stand here; found '-14'; expected at least 0; "
        "days count from the infusion numbered 1: number infusions in the order of their days"
    )


@pytest.mark.parametrize(
    ("column", "cells", "problem"),
    [
        ("lymphodepletion_day", "-7", None),
        ("lymphodepletion_day", "0", "lymphodepletion_day: this must come before the first infusion; found 0; "
         "expected day -1 or earlier"),
        ("harvest_day", "5", "harvest_day: this must come before the first infusion; found 5; "
         "expected day -1 or earlier"),
        ("harvest_day,lymphodepletion_day", "-7,-7", None),
        ("harvest_day,lymphodepletion_day", "-6,-7", "harvest_day: this must come before lymphodepletion_day; "
         "found -6; expected day -7 or earlier"),
        ("enrollment_day,randomization_day", "-20,-21", "enrollment_day: this must come before randomization_day; "
         "found -20; expected day -21 or earlier"),
        ("first_dose_day", "0", None),
        ("first_dose_day", "1", "first_dose_day: this must come before the first infusion; found 1; "
         "expected day 0 or earlier"),
    ],
)  # fmt: skip
def test_order_of_treatment(make_study, column, cells, problem):
    root = make_study(
        {"subjects.csv": f"subject,tumor_type,{column}\nS01,other,{cells}\n007,other{',' * len(column.split(','))}\n"}
    )
    expected = [] if problem is None else [f"subjects.csv, row 2, column {problem}"]
    assert found(root, checks.check_order) == expected


def test_days_of_another_century(make_study):
    root = make_study({"samples.csv": ("-8,blood", "-45350,blood"), "clinical/responses.csv": ("28", "36526")})
    what = "column day: this value cannot stand here; found"
    assert [str(problem) for problem in examine(root).problems if problem.column == "day"] == [
        f"samples.csv, row 2, {what} '-45350'; expected at least -36525; a day lies within a century of the infusion",
        f"clinical/responses.csv, row 2, {what} '36526'; expected at most 36525; "
        "as spreadsheets number dates this is 2000-01-01: write it so, in a column of dates",
    ]


HEADER = (
    "sample,subject,visit,day,specimen,assay,status,timing,locus,lot,lesion,replicate,role,specimen_id,panel,plate,"
    "stimulus\n"
)


@pytest.mark.parametrize(
    ("column", "value"),
    [("timing", "pre"), ("locus", "TRA"), ("lot", "L9"), ("lesion", "T1"), ("replicate", "2"), ("role", "fmo"),
     ("specimen_id", "x"), ("panel", "tcell"), ("plate", "P1"), ("stimulus", "PMA")],
)  # fmt: skip
def test_samples_that_differ_in_one_thing_are_two(make_study, column, value):
    columns = HEADER.strip().split(",")[7:]
    one = "a,S01,D28,28,blood,tcr,failed" + "," * len(columns)
    other = "b,S01,D28,28,blood,tcr,failed," + ",".join(value if name == column else "" for name in columns)
    assert found(make_study({"samples.csv": f"{HEADER}{one}\n{other}\n"}), checks.check_replicates) == []


def test_samples_alike_in_everything(make_study):
    rows = "a,S01,D28,,blood,tcr,failed,,,,,,,,,,\nb,S01,D28,28,blood,tcr,failed,,,,,,,,,,\n"
    assert found(make_study({"samples.csv": HEADER + rows}), checks.check_replicates) == [
        "samples.csv, row 3, column sample: same subject, specimen, visit and assay as 'a' in row 2; found 'b'; "
        "tell them apart by `locus` or `replicate`, or by timing, lot, lesion or specimen_id"
    ]


def test_tubes_of_one_specimen_are_told_apart_by_their_panel(make_study):
    rows = "a,S01,D28,,blood,flow,failed,,,,,,,,,,\nb,S01,D28,28,blood,flow,failed,,,,,,,,,,\n"
    (message,) = found(make_study({"samples.csv": HEADER + rows}), checks.check_replicates)
    assert "tell them apart by `panel` where their stains differ, `replicate` where they do not" in message


def test_a_specimen_is_taken_on_one_day(make_study):
    header = "sample,subject,visit,day,specimen,assay,path,specimen_id\n"
    rows = "a,S01,D28,28,blood,flow,a,NA\nb,S01,D28,28,plasma,flow,b,NA\nc,007,D28,29,blood,flow,c,NA\n"
    assert found(make_study({"samples.csv": header + rows}), checks.check_specimens) == []
    other = "d,S01,D28,29,blood,flow,d,NA\ne,S01,D28,30,blood,flow,e,\n"
    assert found(make_study({"samples.csv": header + rows + other}), checks.check_specimens) == [
        "samples.csv, row 5, column specimen_id: the specimen of row 2, and taken on another day; found 'NA, day 29'; "
        "expected day 28; name each specimen by itself, or leave the cell empty"
    ]


def test_a_sample_twice_is_told_once(make_study):
    rows = "a,S01,D28,,blood,tcr,failed,,,,,,,,,,\na,S01,D28,,blood,tcr,failed,,,,,,,,,,\n"
    assert [str(problem) for problem in examine(make_study({"samples.csv": HEADER + rows})).problems] == [
        "samples.csv, row 3, column sample: this sample stands in row 2 already; found 'a'"
    ]


@pytest.mark.parametrize(
    ("infusions", "one", "other", "problems"),
    [
        ("L1", "L1,", "L1,2", []),
        ("L1", ",1", ",2", []),
        ("L1", "L1,", "L2,", []),
        ("L1", ",", "L2,", ["3: a second product of this subject beside row 2, and not both name their lot"]),
        ("L1", ",", ",", ["3: a second product of this subject beside row 2, and not both name their lot"]),
        ("L1,L2", "L1,", "L2,", []),
        ("L1,L2", "L1,", ",2", ["3: this subject had products of several lots"]),
    ],
)
def test_products(make_study, infusions, one, other, problems):
    lots = infusions.split(",")
    rows = "".join(f"S01,{number},{number - 1},{lot}\n" for number, lot in enumerate(lots, start=1))
    samples = "sample,subject,visit,day,specimen,assay,status,lot,replicate\n"
    samples += (
        f"a,S01,product,0,infusion_product,tcr,failed,{one}\nb,S01,product,1,infusion_product,tcr,failed,{other}\n"
    )
    root = make_study({"infusions.csv": "subject,infusion,day,lot\n" + rows, "samples.csv": samples})
    problems_ = checks.check_products(examine(root))
    assert [f"{problem.row}: {problem.what}" for problem in problems_] == problems


@pytest.mark.parametrize(
    ("assay", "member", "problem"),
    [
        ("flow", "1", None),
        ("scrna", "sample=a", None),
        ("flow", "dataset=1", "no data set of an FCS file; found 'dataset=1'; expected its number, from 0"),
        ("flow", "-1", "no data set of an FCS file; found '-1'; expected its number, from 0"),
        ("tcr", "a", "a file of clonotypes is read whole; found 'a'; split the file, or tell its parts by `locus`"),
    ],
)
def test_a_member_is_one_that_the_assay_can_tell(make_study, assay, member, problem):
    rows = f"sample,subject,visit,specimen,assay,path,member\na,S01,D28,blood,{assay},raw/a.fcs,{member}\n"
    problems = [] if problem is None else [f"samples.csv, row 2, column member: {problem}"]
    assert found(make_study({"samples.csv": rows}), checks.check_members) == problems


def test_many_unknown_subjects_do_not_hang(make_study):
    rows = "".join(f"x{i},y{i},D28,blood,flow,failed\n" for i in range(5000))
    subjects = "subject,tumor_type\n" + "".join(f"z{i},other\n" for i in range(5000))
    changes = {"subjects.csv": subjects, "samples.csv": "sample,subject,visit,specimen,assay,status\n" + rows}
    assert len(checks.check_subjects(examine(make_study(changes)))) == 5000 + 3 + 2 + 1


WHOLE_TRIAL = """\
sample,subject,visit,specimen,assay,path,timing,lot,lesion,library,panel,locus,plate
tumor,S01,harvest,tumor,tcr,raw/1,,,T1,,,TRB,
tumor10x,S01,harvest,tumor,tcr,raw/2,,,T1,L1,,,
product,S01,product,infusion_product,tcr,raw/3,,A,,,,TRB,
product10x,S01,product,infusion_product,tcr,raw/4,,A,,L2,,,
cells,S01,product,infusion_product,scrna,raw/5,,A,,L2,,,
rna,S01,product,infusion_product,bulk_rna,raw/6,,A,,,,,
igh,S01,product,infusion_product,bcr,raw/7,,A,,,,IGH,
day0,S01,day0,blood,tcr,raw/8,post,,,,,TRB,
day0_10x,S01,day0,blood,tcr,raw/9,post,,,L3,,,
day0_cells,S01,day0,blood,scrna,raw/10,post,,,L3,,,
day0_rna,S01,day0,blood,bulk_rna,raw/11,post,,,,,,
day0_igh,S01,day0,blood,bcr,raw/12,post,,,,,IGH,
day0_tbnk,S01,day0,blood,flow,raw/13,post,,,,tbnk,,
day0_state,S01,day0,blood,flow,raw/14,post,,,,t_state,,
day0_il,S01,day0,plasma,cytokine,,post,,,,,,P1
day0_tgfb,S01,day0,plasma,cytokine,,post,,,,,,P2
"""


def test_all_assays_of_one_visit_stand_beside_one_another(make_study):
    changes = {
        "study.yaml": "study: d\nvisits: {harvest: {day: -45}, product: {day: -1}, day0: {day: 0}}\n"
        "panels: {tbnk: {}, t_state: {}}\n",
        "subjects.csv": "subject,tumor_type,harvest_day,lymphodepletion_day\nS01,melanoma,-45,-7\n",
        "infusions.csv": "subject,infusion,day,lot\nS01,1,0,A\n",
        "samples.csv": WHOLE_TRIAL,
        "plates/all.csv": "plate,well,path,role,sample,kit,dilution\n"
        "P1,A1,raw/15,sample,day0_il,multiplex,2\nP2,A1,raw/16,sample,day0_tgfb,multiplex,2\n",
        "raw/a.fcs": None,
        "raw/e.fcs": None,
        **{f"raw/{number}": f"file {number}" for number in range(1, 17)},
    }
    folder = examine(make_study(changes))
    assert [str(problem) for problem in folder.problems] == []
    assert [note for note in folder.notes if "filled but" not in note and "not analysed" not in note] == []
