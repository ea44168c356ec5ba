"""SDTM's AE and LB in a study folder."""

from tilseq.study.read import examine, read_study

DATED = {"infusions.csv": "subject,infusion,day,lot,date\nS01,1,0,L1,2024-03-11\n007,1,0,L2,\n"}
AE = "USUBJID,AETERM,AEDECOD,AETOXGR,AESER,AESTDTC,AEENDTC,AESTDY\n"
PANEL = "  tcell: {markers: {CD3: [FL1-A]}, thresholds: {CD3: 900}}\n"
LB = "USUBJID,LBTESTCD,LBORRES,LBORRESU,LBORNRLO,LBORNRHI,LBDTC,LBDY\n"


def problems_of(root):
    return [(problem.file, problem.row, problem.what) for problem in examine(root).problems]


def test_ae_and_lb_take_the_place_of_our_tables(make_study):
    root = make_study(
        {
            **DATED,
            "clinical/ae.csv": AE + "S01,hot,Pyrexia,2,N,2024-03-12,2024-03-13,9\n",
            "clinical/lb.csv": LB + "S01,NEUT,0.4,10^9/L,1.8,7.5,2024-03-14T06:50,11\n",
        }
    )
    study = read_study(root)
    assert study.clinical["adverse_events"].select("subject", "term", "grade", "start_day", "end_day").rows() == [
        ("S01", "hot", 2, 1, 2)
    ]
    assert study.clinical["labs"].select("day", "test", "value_text", "upper_limit").rows() == [(3, "NEUT", "0.4", 7.5)]


def test_study_days_count_from_the_day_that_the_settings_name(make_study):
    """S01 has its lymphodepletion on day -7; of subject 007 no day is known, so that it has no date and no day."""
    lb = LB + "S01,ALT,40,U/L,,45,,1\nS01,ALT,40,U/L,,45,,8\n"
    root = make_study({"clinical/lb.csv": lb})
    assert problems_of(root) == [
        ("clinical/lb.csv", 1, "study days without a date (the first in row 2), and nothing tells what day 1 is")
    ]
    for word, days in (("lymphodepletion", [-7, 0]), ("infusion", [0, 7])):
        setting = f"  tcell: {{markers: {{CD3: [FL1-A]}}}}\nanalysis: {{clinical: {{sdtm_day_1: {word}}}}}\n"
        root = make_study({"study.yaml": (PANEL, setting), "clinical/lb.csv": lb})
        assert read_study(root).clinical["labs"]["day"].to_list() == days


def test_a_table_of_ours_without_a_row_stands_beside_that_of_sdtm(make_study):
    lb = LB + "S01,NEUT,0.4,10^9/L,1.8,7.5,2024-03-14,\n"
    study = read_study(make_study({**DATED, "clinical/labs.csv": "subject,day,test\n", "clinical/lb.csv": lb}))
    assert study.clinical["labs"]["day"].to_list() == [3]
    assert "clinical/labs.csv holds no row: clinical/lb.csv is read in its place" in study.notes


def test_problems_name_the_file_of_sdtm(make_study):
    ae = AE + "S01,hot,Pyrexia,2,N,2024-03-12,2024-03-10,\nS02,hot,,2,N,,,\n007,hot,,2,N,2024-03-12,,\n"
    root = make_study(
        {**DATED, "clinical/ae.csv": ae, "clinical/labs.csv": "subject,day,test\nS01,2,ANC\n", "clinical/lb.csv": LB}
    )
    assert problems_of(root) == [
        ("clinical/ae.csv", 2, "this is less than start_day"),
        ("clinical/ae.csv", 3, "this subject is not in subjects.csv"),
        ("clinical/ae.csv", 4, "this date cannot be turned into a day"),
        ("clinical/lb.csv", None, "the same records as in clinical/labs.csv, as SDTM has them"),
    ]
