import pytest

from tilseq.study.plates import note_plates_apart, note_undiluted
from tilseq.study.read import examine, read_study

HEADER = "plate,well,path,role,sample,analyte,level,nominal_pg_per_ml,dilution,acid_activated\n"
CONTROL = "P1,A1,raw/w1.fcs,control,,,,,,"


@pytest.fixture
def problems_of(make_study, further_texts):
    """Return what is wrong with a study whose sheet has these rows and whose samples.csv is changed so."""

    def problems(*rows, files=None, samples=("", "")):
        changes = further_texts | {"samples.csv": further_texts["samples.csv"].replace(*samples)}
        if rows:
            changes["plates/p1.csv"] = HEADER + "".join(f"{row}\n" for row in rows)
        return [str(problem) for problem in examine(make_study(changes | (files or {}))).problems]

    return problems


FAILED = ("S01_D28_il,S01,D28,,plasma,cytokine,,,P1", "")  # no sample stands on the plate


def test_all_sheets_are_one_table(make_study, further_texts):
    second = "well,plate,role,path,replicate\nH12,P2,control,raw/w5.fcs,1\n"
    study = read_study(make_study(further_texts | {"plates/p0.csv": second, "raw/w5.fcs": "w5", "plates/.x": "x"}))
    assert study.plates.select("plate", "well", "role", "nominal_pg_per_ml", "replicate").rows() == [
        ("P2", "H12", "control", None, "1"),
        ("P1", "A01", "standard", 10000.0, None),
        ("P1", "A02", "blank", 0.0, None),
        ("P1", "B01", "sample", None, None),
        ("P1", "B01", "sample", None, None),
        ("P1", "B02", "control", 500.0, None),
    ]


def test_cells_are_read_with_the_care_of_every_table(problems_of):
    # The cells that row 2 lacks are told once, not again as a content that differs from that of row 3.
    rows = ("P1,A1,,standrd,,,,ten,0.5,perhaps", "P1,A1,raw/w1.fcs,control,,,,,,", "p1,A2,raw/w2.fcs,control,,,,,,")
    assert problems_of(*rows, samples=FAILED) == [
        "plates/p1.csv, row 2, column path: a value is missing; expected File of the well's events, relative to the "
        "study folder",
        "plates/p1.csv, row 2, column role: this value cannot stand here; found 'standrd'; "
        "expected standard, blank, sample, control; did you mean 'standard'?",
        "plates/p1.csv, row 2, column nominal_pg_per_ml: this value cannot stand here; found 'ten'; "
        "expected a number with a decimal point and without a unit",
        "plates/p1.csv, row 2, column dilution: this value cannot stand here; found '0.5'; expected at least 1",
        "plates/p1.csv, row 2, column acid_activated: this value cannot stand here; found 'perhaps'; "
        "expected true or false",
        "plates/p1.csv, row 3, column analyte: this plate and well and analyte stands in row 2 already; "
        "found 'P1 · A1'",
        "plates/p1.csv, row 4, column plate: this looks like 'P1' in row 2 and differs only in case or Unicode form; "
        "found 'p1'; write both alike, or name one otherwise",
    ]


def test_one_sheet_a_plate(problems_of):
    again = HEADER + "P1,H1,raw/w5.fcs,control,,,,,,\nP1,H2,raw/w6.fcs,control,,,,,,\n"
    assert problems_of(files={"plates/p2.csv": again, "raw/w5.fcs": "w5", "raw/w6.fcs": "w6"}) == [
        "plates/p2.csv, row 2, column plate: this plate stands in plates/p1.csv already; found 'P1'; "
        "write one sheet a plate, or name one otherwise"
    ]


def test_a_well_holds_one_thing(problems_of):
    rows = (
        "P1,A1,raw/w1.fcs,control,,IL-2,C1,5,2,yes",
        "P1,A1,raw/w2.fcs,blank,,IL-6,,,4,no",
        "P1,A1,raw/w1.fcs,control,,,C1,7,2,yes",
    )
    again = "the same well as row 2, and not the same content"
    assert problems_of(*rows, samples=FAILED) == [
        f"plates/p1.csv, row 3, column path: {again}; found 'raw/w2.fcs'; expected 'raw/w1.fcs'",
        f"plates/p1.csv, row 3, column role: {again}; found 'blank'; expected 'control'",
        f"plates/p1.csv, row 3, column level: {again}; expected 'C1'",
        f"plates/p1.csv, row 3, column dilution: {again}; found 4.0; expected 2.0",
        f"plates/p1.csv, row 3, column acid_activated: {again}; found False; expected True",
        "plates/p1.csv, row 4, column analyte: row 2 speaks of this well too; "
        "name the analyte of each row, or keep one row",
    ]


def test_a_well_twice_for_one_analyte(problems_of):
    rows = ("P1,A1,raw/w1.fcs,control,,IL-2,,,,", "P1,A1,raw/w1.fcs,control,,IL-2,,,,", CONTROL.replace("A1", "A2"))
    assert problems_of(*rows, CONTROL.replace("A1,raw/w1", "A2,raw/w2"), samples=FAILED) == [
        "plates/p1.csv, row 3, column analyte: this plate and well and analyte stands in row 2 already; "
        "found 'P1 · A1 · IL-2'",
        "plates/p1.csv, row 4, column path: this file is that of well A1 of plate 'P1' in row 2; found 'raw/w1.fcs'; "
        "name each well's file once, in the sheet",
        "plates/p1.csv, row 5, column analyte: this plate and well and analyte stands in row 4 already; "
        "found 'P1 · A2'",
        "plates/p1.csv, row 5, column path: the same well as row 4, and not the same content; found 'raw/w2.fcs'; "
        "expected 'raw/w1.fcs'",
    ]


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ("standard,,,C1,0.5", None),
        ("standard,,,C1,", "nominal_pg_per_ml: a standard needs its concentration; expected above 0"),
        ("standard,,,C1,0", "nominal_pg_per_ml: a standard needs its concentration; found 0.0; expected above 0"),
        ("standard,S01_D28_il,,C1,5", "sample: a standard is no sample; found 'S01_D28_il'; expected an empty cell"),
        ("blank,,,C0,0", None),
        ("blank,,,C0,", None),
        ("blank,,,C0,5", "nominal_pg_per_ml: a blank holds nothing; found 5.0; expected 0, or an empty cell"),
        ("sample,,,,", "sample: a well of a sample must name it; expected one of samples.csv"),
        ("control,,,,5", None),
    ],
)
def test_contents(problems_of, cells, problem):
    expected = [] if problem is None else [f"plates/p1.csv, row 3, column {problem}"]
    sample = "P1,B1,raw/w1.fcs,sample,S01_D28_il,,,,,"
    assert problems_of(sample, f"P1,A1,raw/w2.fcs,{cells},,") == expected


def test_wells_of_one_level_hold_the_same(problems_of):
    sample = "P1,B1,raw/w1.fcs,sample,S01_D28_il,,,,,"
    assert problems_of(
        sample,
        "P1,A1,raw/w2.fcs,standard,,,C4,156.25,,",
        "P1,A2,raw/w3.fcs,standard,,,C4,1562.5,,",
        "P1,A3,raw/w4.fcs,standard,,,C4,156.25,,",
    ) == [
        "plates/p1.csv, row 4, column nominal_pg_per_ml: the same level as row 3, and another concentration; "
        "found 1562.5; expected 156.25"
    ]


@pytest.mark.parametrize(
    ("name", "samples", "problem"),
    [
        ("S01_D28_il", ("", ""), None),
        ("S01_D28_li", ("", ""), "this sample is not in samples.csv; found 'S01_D28_li'; did you mean 'S01_D28_il'?"),
        ("S01_base", ("", ""), "samples.csv calls this a sample of flow, not of cytokine; found 'S01_base'"),
        (
            "S01_D28_il",
            ("plasma,cytokine,,,P1", "plasma,cytokine,raw/x,,"),
            "samples.csv has this sample on no plate; found 'S01_D28_il'; write the same plate in both",
        ),
        (
            "S01_D28_il",
            ("plasma,cytokine,,,P1", "plasma,cytokine,,,P2"),
            "samples.csv has this sample on plate 'P2'; found 'S01_D28_il'; write the same plate in both",
        ),
    ],
)
def test_the_sample_of_a_well(problems_of, name, samples, problem):
    found = problems_of(f"P1,A1,raw/w1.fcs,sample,{name},,,,,", samples=samples, files={"raw/x": "x"})
    expected = [] if problem is None else [f"plates/p1.csv, row 2, column sample: {problem}"]
    assert [text for text in found if text.startswith("plates/")] == expected


@pytest.mark.parametrize(
    ("plate", "status", "files", "problem"),
    [
        ("P1", "", {}, "plates/p1.csv has no well of this sample; found 'P1'; "
         "add its wells, or write `failed` under status"),
        ("p1", "", {}, "no sheet of plates/ holds this plate; found 'p1'; did you mean 'P1'? "
         "They differ only in case or Unicode form"),
        ("P1", "", {"plates/p1.csv": None}, "no sheet of plates/ holds this plate; found 'P1'"),
        ("P1", "failed", {}, None),
    ],
)  # fmt: skip
def test_a_cytokine_sample_stands_on_its_plate(problems_of, plate, status, files, problem):
    samples = "sample,subject,visit,specimen,assay,plate,status\n" + f"a,S01,D28,plasma,cytokine,{plate},{status}\n"
    found = problems_of(CONTROL, files={"samples.csv": samples} | files)
    assert found == ([] if problem is None else [f"samples.csv, row 2, column plate: {problem}"])


def test_of_a_sheet_that_cannot_be_read_no_sample_is_missed(problems_of):
    assert problems_of(files={"plates/p1.csv": ""}) == ["plates/p1.csv: the file is empty"]


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("raw/w1.fc", "there is no such file; found 'raw/w1.fc'; did you mean 'w1.fcs'?"),
        ("../demo/raw/w1.fcs", "a path may not climb by `..`; found '../demo/raw/w1.fcs'; "
         "put the file into the study folder and name it from there"),
        ("raw/w1.fcs;raw/w2.fcs", "there is no such file; found 'raw/w1.fcs;raw/w2.fcs'; "
         "there is no folder 'raw/w1.fcs;raw'"),
        ("raw/copy.fcs", "the same content as 'raw/w2.fcs' of well A2 of plate 'P1' in row 2; found 'raw/copy.fcs'; "
         "one of them is the wrong file"),
        ("raw/a.fcs", None),  # of a flow sample, whose assay tells whose part is whose
    ],
)  # fmt: skip
def test_files(problems_of, path, problem):
    rows = ("P1,A2,raw/w2.fcs,control,,,,,,", f"P1,A1,{path},control,,,,,,")
    found = problems_of(*rows, samples=FAILED, files={"raw/copy.fcs": "well 2"})
    assert found == ([] if problem is None else [f"plates/p1.csv, row 3, column path: {problem}"])


def test_a_wells_file_is_no_samples_own(problems_of):
    assert problems_of(samples=("plasma,cytokine,,,P1", "plasma,cytokine,raw/w3.fcs,,P1")) == [
        "plates/p1.csv, row 4, column path: this file is that of 'S01_D28_il' in row 6 of samples.csv; "
        "found 'raw/w3.fcs'; name each well's file once, in the sheet"
    ]


def test_other_files_in_the_folder_are_refused(problems_of):
    files = {"plates/p1.xlsx": "x", "plates/wells/A1.fcs": "x", "plates/~$p1.xlsx": "x"}
    assert problems_of(files=files) == [
        "plates/p1.xlsx: no sheet of a plate; expected a file .csv; "
        "save a sheet as CSV; keep other files elsewhere, such as in a folder below"
    ]


def test_kits_of_the_study_are_read_and_faults_told_with_their_file(make_study):
    kit = "kit: mine\nunit: pg/mL\nchannels: {forward: [F], side: [S], classifier: [C], reporter: [R]}\n"
    kit += "beads: {all: [{analyte: A}]}\n"
    own = {
        "plates/p1.csv": "plate,well,path,role,kit\nP,A1,wells/w.fcs,blank,mine\n",
        "wells/w.fcs": "w",
        "study.yaml": ("panels:", "analysis: {cytokines: {kits: [mine.yaml]}}\npanels:"),
    }
    (problem,) = examine(make_study(own)).problems
    assert (
        str(problem) == "study.yaml, row 6, column analysis.cytokines.kits.0: there is no such file; found 'mine.yaml'"
    )
    sound = examine(make_study(own | {"mine.yaml": kit}))
    assert (sound.problems, sound.notes) == ([], [])
    (problem,) = examine(make_study(own | {"mine.yaml": kit.replace("[C]", "[]")})).problems
    assert str(problem).startswith("mine.yaml, row 3, column channels.classifier: ")
    both = {"study.yaml": ("panels:", "analysis: {cytokines: {kits: [mine.yaml, lot_2.yaml]}}\npanels:")}
    (problem,) = examine(make_study(own | both | {"mine.yaml": kit, "lot_2.yaml": kit + "title: lot 2\n"})).problems
    assert str(problem).startswith("lot_2.yaml, column kit: another kit bears this name; found 'mine'")


@pytest.mark.parametrize(
    ("top", "dilutions", "told"),
    [
        ("30000", ["6"], []),
        ("30001", ["6"], ["multiplex: highest standards, pg/mL differ between plates: P1 (10000), P2 (30001)"]),
        ("3000", ["2"], ["multiplex: highest standards, pg/mL differ between plates: P2 (3000), P1 (10000)"]),
        ("10000", ["20"], ["multiplex: dilutions of samples differ between plates: P1 (2), P2 (20)"]),
        ("10000", ["20", "2"], []),  # a sample that was diluted further
    ],
)
def test_plates_of_one_kit_that_are_apart_are_told(make_study, further_texts, top, dilutions, told):
    sheets = {}
    for plate, high, several in (("P1", "10000", ["2"]), ("P2", top, dilutions)):
        rows = [f"A01,standard,,C7,{high},", "A02,standard,,C6,2500,"]
        rows += [f"B{place},sample,x,,,{n}" for place, n in enumerate(several, start=1)]
        lines = [f"{plate},raw/{plate}{i}.fcs,multiplex,{row}\n" for i, row in enumerate(rows)]
        header = "plate,path,kit,well,role,sample,level,nominal_pg_per_ml,dilution\n"
        sheets[f"plates/{plate.lower()}.csv"] = header + "".join(lines)
    assert note_plates_apart(examine(make_study(further_texts | sheets))) == told


def test_samples_without_a_dilution_are_told(make_study, further_texts):
    header = "plate,path,kit,well,role,sample,dilution\n"
    rows = ("A01,sample,a,", "A02,sample,a,", "A03,sample,b,2", "A04,sample,c,", "A05,blank,,")
    lines = [f"P1,raw/x{i}.fcs,multiplex,{row}\n" for i, row in enumerate(rows)]
    folder = examine(make_study(further_texts | {"plates/p1.csv": header + "".join(lines)}))
    assert note_undiluted(folder) == [
        "samples of plates without a dilution, of which nothing can be told: a (P1), c (P1)"
    ]


def test_medians_of_an_instrument_are_refused(problems_of):
    told = problems_of(files={"plates/p1.csv": "Program,xPONENT,,MAGPIX\nBuild,4.2\nDataType:,Median\n"})
    assert told[0].startswith("plates/p1.csv: an instrument's table of medians is no sheet of wells; found 'xPONENT'")
