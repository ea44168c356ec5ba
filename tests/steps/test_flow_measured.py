"""Notes of tubes whose headers say that they were measured at another time, or of another subject or visit."""

import pytest

from tilseq.io.fcs_write import write_fcs
from tilseq.steps.flow_headers import tube_headers
from tilseq.steps.flow_measured import measured_otherwise
from tilseq.study import read_study

SETTINGS = (
    "study: d\npanels: {t: {}}\nvisits: {product: {day: 0}, D7: {day: 7}, D28: {day: 28}, D84: {day: 84, window: 14}}\n"
)
SAMPLES = "sample,subject,visit,specimen,assay,path,panel,role,stimulus,replicate\n"
DATED = "subject,infusion,date\nSIM-01,1,2024-01-01\nSIM-02,1,2024-01-01\n"
UNDATED = "subject,infusion,day\nSIM-01,1,0\nSIM-02,1,0\n001,1,0\n002,1,0\n"


@pytest.fixture
def told(tmp_path):
    """What is told of tubes, each `subject visit specimen-or-role [stimulus [replicate]]` and its keywords."""

    def of(*tubes, infusions=UNDATED):
        rows = []
        (tmp_path / "raw").mkdir(exist_ok=True)
        for number, (what, keywords) in enumerate(tubes):
            subject, visit, kind, stimulus, replicate = [*what.split(), "", ""][:5]
            role, specimen = ("sample", kind) if kind in ("blood", "infusion_product") else (kind, "blood")
            row = f"T{number},{subject},{visit},{specimen},flow,raw/{number}.fcs,t,{role},{stimulus},{replicate}"
            rows.append(row)
            events = [[1.0, 2.0, float(number)]]
            write_fcs(tmp_path / f"raw/{number}.fcs", events, ["FSC-A", "SSC-A", "B1-A"], keywords=keywords)
        for name, text in (
            ("study.yaml", SETTINGS),
            ("subjects.csv", "subject,tumor_type\nSIM-01,melanoma\nSIM-02,melanoma\n001,melanoma\n002,melanoma\n"),
            ("infusions.csv", infusions),
            ("samples.csv", SAMPLES + "\n".join(rows) + "\n"),
        ):
            (tmp_path / name).write_text(text)
        study = read_study(tmp_path)
        return measured_otherwise(study, list(tube_headers(study)))

    return of


def dated(day):
    return {"$DATE": day}


def test_tubes_measured_as_they_were_drawn_are_not_told(told):
    tubes = ("SIM-01 D28 blood", dated("29-JAN-2024")), ("SIM-01 D84 blood", dated("25-MAR-2024"))
    assert told(*tubes, infusions=DATED) == []


def test_tubes_thawed_together_or_without_a_day_are_not_told(told):
    assert told(("SIM-01 D28 blood", dated("29-JUN-2024")), ("SIM-01 D84 blood", dated("29-JUN-2024"))) == []
    assert told(("SIM-01 D28 blood", {}), ("SIM-01 D84 blood", dated("29-JAN-2024"))) == []


def test_exchanged_tubes_are_measured_in_another_order(told):
    assert told(("SIM-01 D28 blood", dated("25-MAR-2024")), ("SIM-01 D84 blood", dated("29-JAN-2024"))) == [
        "tubes measured in another order than they were drawn, by $DATE, as if exchanged: "
        "'T1 of day 84 (2024-01-29) before T0 of day 28 (2024-03-25)'"
    ]


def test_tubes_without_a_day_stand_between_no_others(told):
    exchanged = ("SIM-01 D7 blood", dated("25-MAR-2024")), ("SIM-01 D84 blood", dated("29-JAN-2024"))
    assert told(exchanged[0], ("SIM-01 D28 blood", {}), exchanged[1]) == [
        "tubes measured in another order than they were drawn, by $DATE, as if exchanged: "
        "'T2 of day 84 (2024-01-29) before T0 of day 7 (2024-03-25)'"
    ]


@pytest.mark.parametrize(("first", "second"), [("stimulated A", "stimulated B"), ("stimulated A 1", "stimulated A 2")])
def test_another_stimulus_or_replicate_of_all_visits_may_be_thawed_later(told, first, second):
    march, june = dated("25-MAR-2024"), dated("29-JUN-2024")
    tubes = [
        (f"SIM-01 {visit} {kind}", day) for visit in ("D28", "D84") for kind, day in ((first, march), (second, june))
    ]
    assert told(*tubes) == []


def test_the_order_is_that_of_one_subject_and_of_blood(told):
    others = ("SIM-01 D28 blood", dated("25-MAR-2024")), ("SIM-02 D84 blood", dated("29-JAN-2024"))
    assert told(*others) == []
    product = ("SIM-01 product infusion_product", dated("29-JUN-2024")), ("SIM-01 D84 blood", dated("29-JAN-2024"))
    assert told(*product) == []


def test_a_tube_is_not_measured_before_it_is_drawn(told):
    week_early, eight_days_early = dated("22-JAN-2024"), dated("21-JAN-2024")
    assert told(("SIM-01 D28 blood", week_early), infusions=DATED) == []
    assert told(("SIM-01 D28 blood", eight_days_early)) == []
    assert told(("SIM-01 D28 blood", eight_days_early), infusions=DATED) == [
        "tubes measured before they were drawn, by $DATE and infusions.csv: 'T0 (2024-01-21, drawn 2024-01-29)'"
    ]


def test_a_visit_may_be_as_early_as_its_window_has_it(told):
    # Day 84 of an infusion on 2024-01-01 is 2024-03-25.
    assert told(("SIM-01 D84 blood", dated("11-MAR-2024")), infusions=DATED) == []
    assert told(("SIM-01 D84 blood", dated("10-MAR-2024")), infusions=DATED) == [
        "tubes measured before they were drawn, by $DATE and infusions.csv: 'T0 (2024-03-10, drawn 2024-03-25)'"
    ]


def test_a_stimulated_tube_and_its_unstimulated_are_measured_together(told):
    stimulated = "SIM-01 D28 stimulated peptides", dated("30-JAN-2024")
    assert told(stimulated, ("SIM-01 D28 unstimulated", dated("29-JAN-2024"))) == []
    assert told(stimulated, ("SIM-01 D84 unstimulated", dated("26-MAR-2024"))) == []
    assert told(stimulated, ("SIM-01 D28 unstimulated", dated("28-JAN-2024"))) == [
        "stimulated tubes measured days apart from their unstimulated one, by $DATE: "
        "'T0 (2024-01-30) and T1 (2024-01-28)'"
    ]


@pytest.mark.parametrize("keyword", ["$FIL", "$SRC", "$SMNO", "TUBE NAME", "SAMPLE ID", "PATIENT ID"])
def test_headers_that_name_another_subject(told, keyword):
    assert told(("SIM-01 D28 blood", {keyword: "sim-02_tube 3.fcs"})) == [
        f"tubes whose headers name another subject: 'T0 of SIM-01 ({keyword} sim-02_tube 3.fcs)'"
    ]
    assert told(("SIM-01 D28 blood", {keyword: "SIM-02 and SIM-01.fcs"})) == []
    assert told(("SIM-01 D28 blood", {keyword: "SIM-020.fcs"})) == []


def test_numbers_that_facsdiva_counts_are_no_subjects(told):
    counted = {"$FIL": "Specimen_002_Tube_002_002.fcs", "$SRC": "Specimen_002", "TUBE NAME": "Tube_002"}
    assert told(("001 D28 blood", counted)) == []
    assert told(("001 D28 blood", {"TUBE NAME": "Tube_001", "PATIENT ID": "002"})) == [
        "tubes whose headers name another subject: 'T0 of 001 (TUBE NAME Tube_001, PATIENT ID 002)'"
    ]


def test_numbers_of_a_renamed_specimen_are_no_subjects(told):
    # As of a real file: 'Olfactory Bulb_Tube_001_001.fcs'.
    assert told(("001 D28 blood", {"$FIL": "PBMC_Tube_001_002.fcs", "$SRC": "PBMC", "TUBE NAME": "Tube_001"})) == []


@pytest.mark.parametrize(
    "keywords",  # as headers of real plates have them, but for the well
    [
        {"$FIL": "Specimen_001_D7_D07.fcs", "$SRC": "Specimen_001", "TUBE NAME": "D7", "WELL ID": "D07"},
        {"$FIL": "D7.FCS", "$SRC": "NA", "$SMNO": "Plate 1", "$WELLID": "D7"},
        {"$FIL": "SG_2014-09-26_092314_1.11_Well_D7.001.mqd", "$SRC": "D07", "$WELLID": "D7"},
    ],
)
def test_wells_are_no_visits(told, keywords):
    assert told(("SIM-01 D28 blood", keywords)) == []
    assert told(("SIM-01 D28 blood", {**keywords, "SAMPLE ID": "D84"})) != []


def test_headers_that_name_another_visit(told):
    assert told(("SIM-01 D28 blood", {"$FIL": "SIM-01_D84.fcs", "TUBE NAME": "tcells"})) == [
        "tubes whose headers name another visit: 'T0 of D28 ($FIL SIM-01_D84.fcs, TUBE NAME tcells)'"
    ]
    assert told(("SIM-01 D28 blood", {"$FIL": "SIM-01_D84.fcs", "TUBE NAME": "D28"})) == []


def test_a_tube_that_cannot_be_read_is_left_to_the_run(told, tmp_path):
    told(("SIM-01 D28 blood", dated("25-MAR-2024")), ("SIM-01 D84 blood", dated("29-JAN-2024")))
    (tmp_path / "raw/0.fcs").write_text("no tube")
    study = read_study(tmp_path)
    assert measured_otherwise(study, list(tube_headers(study))) == []
