"""Laboratory results over a study: grades only by the version it names, recoveries, and whom a fault costs."""

from dataclasses import replace

import polars as pl
import pytest

from tests.steps.clinical_study import TABLES, finish, make_study
from tilseq.clinical import lab_grades, worst_lab_grades
from tilseq.steps import labs, labs_figures
from tilseq.tables.inputs import LABS as LABS_TABLE

HEADER = "subject,day,test,value_text,unit,lower_limit,upper_limit,clinically_significant\n"
COUNTS = {-8: 4.0, 0: 0.3, 3: 0.2, 9: 0.8, 10: 1.2, 11: 1.4}
LABS = HEADER + "".join(f"S1,{day},ANC,{count},10^9/L,1.8,7.5,{count < 1}\n" for day, count in COUNTS.items())
LABS += "S2,-8,ANC,2.0,10^9/L,1.8,7.5,\nS2,2,ANC,1.9,10^9/L,1.8,7.5,\nS2,2,heart rate,120,/min,60,100,true\n"
GRADED = {"study.yaml": TABLES["study.yaml"] + "analysis: {clinical: {ctcae: 5}}\n", "clinical/labs.csv": LABS}
TERM = "Neutrophil count decreased"


@pytest.fixture
def written(tmp_path):
    return finish(make_study(tmp_path, GRADED), tmp_path, "labs")


def test_grades_shifts_and_worsening(written):
    graded = written["lab_grades"].filter(subject="S1").select("day", "grade", "baseline_grade", "version")
    assert graded.rows() == [
        (-8, 0, 0, "5"), (0, 4, 0, "5"), (3, 4, 0, "5"), (9, 3, 0, "5"), (10, 2, 0, "5"), (11, 2, 0, "5"),
    ]  # fmt: skip
    shifts = written["lab_shifts"].filter(period="any").select("baseline_grade", "worst_grade", "subjects")
    assert shifts.rows() == [(0, 0, 1), (0, 4, 1)]
    worst = f"direction=low;period=any;term={TERM};test=ANC;worst_grade=4"
    row = written["summaries"].filter(qualifier=worst).select("parameter", "numerator", "denominator")
    assert row.rows() == [("lab_worsening", 1, 2)]


def test_endpoints_of_each_subject(written):
    told = written["endpoints"].select("subject", "parameter", "qualifier", "day", "value", "value_text", "status")
    of_grade = f"term={TERM};test=ANC"
    assert told.filter(pl.col("qualifier").str.contains("ANC")).rows() == [
        # Back from day 9 on at 0.5; at 1 for two days, where three are asked.
        ("S1", "blood_count_recovery", "test=ANC;threshold=0.5", 9, 9.0, None, "quantified"),
        ("S1", "blood_count_recovery", "test=ANC;threshold=1", 11, None, "not by day 11", "above_range"),
        ("S1", "worst_lab_grade", of_grade, None, 4.0, None, "quantified"),
        ("S2", "blood_count_recovery", "test=ANC;threshold=0.5", None, None, "never below", "not_evaluable"),
        ("S2", "blood_count_recovery", "test=ANC;threshold=1", None, None, "never below", "not_evaluable"),
        ("S2", "worst_lab_grade", of_grade, None, 0.0, None, "quantified"),
    ]


def test_what_no_term_grades_is_excluded_but_held_against_its_limits(written):
    assert written["exclusions"].select("file", "rule", "rows").rows() == [
        ("clinical/labs.csv", "not graded: no term of CTCAE 5 is known for the test heart rate", 1)
    ]
    assert written["results_by_limits"].filter(test="heart rate")["position"].to_list() == ["high"]
    flagged = written["significant_results"].filter(period="follow_up_30").select("subject", "judged", "significant")
    assert flagged.rows() == [("S1", 4, 2), ("S2", 1, 1)]


FAULTS = LABS + "S2,4,ANC,clotted,10^9/L,1.8,7.5,\nS2,5,Neutrofils,0.1,10^9/L,1.8,7.5,\nS2,6,ANC,0.1,furlong,1.8,7.5,\n"


def test_what_could_not_be_read_is_excluded_by_row_and_leaves_no_grade_behind(tmp_path):
    written = finish(make_study(tmp_path, GRADED | {"clinical/labs.csv": FAULTS}), tmp_path, "labs")
    assert written["exclusions"].select("row", "rule", "rows").sort("row").rows() == [
        (10, "not graded: no term of CTCAE 5 is known for the test heart rate", 1),
        (11, "not read: ANC: the result is no number", 1),
        (12, "not graded: no term of CTCAE 5 is known for the test Neutrofils; did you mean 'neutrophils'?", 1),
        (13, "not read: ANC has no unit 'furlong', it may be 10^9/L, 10^3/uL, /uL or 10^6/L", 1),
    ]
    told = written["endpoints"].filter(subject="S2").select("parameter", "value", "value_text", "status")
    assert told.rows() == [
        ("blood_count_recovery", None, None, "not_evaluable"),
        ("blood_count_recovery", None, None, "not_evaluable"),
        ("worst_lab_grade", None, None, "not_evaluable"),
    ]
    assert written["recoveries"].filter(subject="S2")["rule"].to_list() == ["not_evaluable"] * 2


def test_a_worst_grade_that_is_known_within_limits_says_so(tmp_path):
    low = HEADER + "S1,-8,ANC,4,10^9/L,1.8,7.5,\nS1,3,ANC,<0.2,10^9/L,1.8,7.5,\n"
    changes = {"study.yaml": GRADED["study.yaml"].replace("ctcae: 5", "ctcae: 6"), "clinical/labs.csv": low}
    written = finish(make_study(tmp_path, changes), tmp_path, "labs")
    told = written["endpoints"].filter(parameter="worst_lab_grade").select("value", "value_text", "status")
    assert told.rows() == [(None, "at least 3", "not_evaluable")]
    drawn = {path.name[:26] for path in (tmp_path / "work/labs/all/figures").glob("*.svg")}
    assert drawn == {"Neutrophil_count_decreased"}


def test_recoveries_by_the_studys_rule_and_up_to_the_next_therapy(tmp_path):
    rule = "recovery: {thresholds: {ANC: [1.0]}, sustained: 2}"
    yaml = {"study.yaml": GRADED["study.yaml"].replace("ctcae: 5", f"ctcae: 5, {rule}")}
    written = finish(make_study(tmp_path, GRADED | yaml), tmp_path, "labs")
    assert written["recoveries"].filter(subject="S1").select("parameter", "rule", "end_day").rows() == [
        ("recovery: ANC >= 1", "recovered", 10)
    ]
    method = written["endpoints"].filter(pl.col("value") == 10)["method"][0]
    assert method.startswith("first of 2 days")
    median = written["recovery_estimates"].filter(quantity="median").select("estimate", "subjects", "left_out")
    assert median.rows() == [(11.0, 1, 1)]  # day 10 of the infusion; S2 was never below
    therapy = {"clinical/therapies.csv": "subject,therapy,start_day\nS1,x,10\n"}
    written = finish(make_study(tmp_path, GRADED | yaml | therapy), tmp_path, "labs")
    assert written["recoveries"].filter(subject="S1")["reason"][0].endswith("x from day 10 on")


def test_arms_have_shares_of_their_own(tmp_path):
    arms = (
        TABLES["subjects.csv"].replace("lymphodepletion_day", "lymphodepletion_day,arm").replace("-60,-7", "-60,-7,A")
    )
    changes = GRADED | {"subjects.csv": arms.replace("S2,cervical,-60,-7,A", "S2,cervical,-60,-7,B")}
    written = finish(make_study(tmp_path, changes), tmp_path, "labs")
    shares = written["summaries"].filter(pl.col("qualifier").str.contains("period=any"))
    worse = shares.filter(pl.col("qualifier").str.contains("worst_grade=any")).select(
        "group", "numerator", "denominator"
    )
    assert worse.rows() == [("all", 1, 2), ("arm=A", 1, 1), ("arm=B", 0, 1)]
    called = shares.filter(parameter="lab_clinically_significant").select("group", "numerator", "denominator")
    assert called.rows() == [("all", 2, 2), ("arm=A", 1, 1), ("arm=B", 1, 1)]
    assert set(written["recovery_estimates"]["group"]) == {"all", "arm=A", "arm=B"}


def test_a_term_of_grade_2_has_no_figure():
    rows = [
        {"subject": "S1", "day": day, "test": "ANC", "value_text": text, "unit": "10^9/L", "lower_limit": 1.8}
        for day, text in ((-8, "4"), (3, "1.2"))
    ]
    results = LABS_TABLE.frame(rows)
    people = pl.DataFrame({"subject": ["S1"], "lymphodepletion_day": -7, "first_dose_day": -7})
    for text, terms in (("1.2", 0), ("0.9", 1)):
        own = results.with_columns(value_text=pl.when(pl.col("day") > 0).then(pl.lit(text)).otherwise("value_text"))
        grades = lab_grades(own, version=5, subjects=people)
        assert len(list(labs_figures._severe(own, grades, worst_lab_grades(grades)))) == terms


@pytest.mark.parametrize(
    ("test", "unit", "values", "told"),
    [
        ("potassium", "mmol/L", ("4.0", "2.8"), "; grade 2 shaded as if there were symptoms"),
        ("lipase", "U/L", ("20", "400"), "; grade 3 and 4 shaded as if there were symptoms"),
        ("ANC", "10^9/L", ("4", "0.3"), ""),
    ],
)
def test_grades_that_need_symptoms_are_told(test, unit, values, told):
    rows = [
        {"subject": "S1", "day": day, "test": test, "value_text": text, "unit": unit}
        | {"lower_limit": 3.5, "upper_limit": 60.0}
        for day, text in zip((-8, 3), values, strict=True)
    ]
    people = pl.DataFrame({"subject": ["S1"], "lymphodepletion_day": -7, "first_dose_day": -7})
    own = lab_grades(LABS_TABLE.frame(rows), version=5, subjects=people)
    own = own.filter(direction="high" if test == "lipase" else "low")
    assert labs_figures._by_symptoms(own, test) == told


ALT_LIMITS = (40, 50)


def test_terms_of_multiples_are_drawn_in_them_where_limits_differ():
    rows = [
        {
            "subject": f"S{upper}",
            "day": day,
            "test": "ALT",
            "value_text": text,
            "unit": "U/L",
            "upper_limit": float(upper),
        }
        for upper in ALT_LIMITS
        for day, text in ((-8, "20"), (3, "400"))
    ]
    results = LABS_TABLE.frame(rows)
    people = pl.DataFrame({"subject": ["S40", "S50"], "lymphodepletion_day": -7, "first_dose_day": -7})
    grades = lab_grades(results, version=5, subjects=people)
    ((name, term, test, own),) = labs_figures._severe(results, grades, worst_lab_grades(grades))
    shown, bands, told = labs_figures._with_bands(own, test)
    assert (name, term, test) == ("Alanine aminotransferase increased",) * 2 + ("ALT",)
    assert shown["value"].to_list() == [0.5, 10.0, 0.4, 8.0]
    assert shown["unit"].unique().to_list() == ["× ULN"]
    assert bands == [(4, 20, None), (3, 5, 20), (2, 3, 5), (1, 1, 3)]
    assert told == "as multiples of each record's own ULN; shaded: the grades of a normal baseline"


def test_of_creatinine_what_rests_on_the_baseline_is_said_to_be_in_the_colour_alone():
    """90 is below the limit of 100, and twice the baseline: grade 2 by the CTCAE above 1.5 to 3 times of it."""
    rows = [
        {"subject": "S1", "day": day, "test": "creatinine", "value_text": text, "unit": "umol/L", "upper_limit": 100.0}
        for day, text in ((-8, "45"), (3, "90"), (4, "140"))
    ]
    results = LABS_TABLE.frame(rows)
    grades = lab_grades(results, version=5, subjects=pl.DataFrame({"subject": ["S1"], "lymphodepletion_day": -7}))
    ((_, _, test, own),) = labs_figures._severe(results, grades, worst_lab_grades(grades))
    assert own.sort("day")["grade"].to_list() == [0, 2, 3]
    _, bands, told = labs_figures._with_bands(own, test)
    assert bands == [(4, 600, None), (3, 300, 600), (2, 150, 300), (1, 100, 150)]
    assert told == (
        "shaded: the grades by limits of normal; a grade by the rise over the baseline shows in the colour alone"
    )


def test_calcium_that_is_ionised_has_a_figure_of_its_own():
    limits = {"calcium": (2.1, 2.6, "3.2"), "ionised calcium": (1.1, 1.3, "1.7")}
    rows = [
        {
            "subject": "S1",
            "day": 3,
            "test": test,
            "value_text": text,
            "unit": "mmol/L",
            "lower_limit": low,
            "upper_limit": up,
        }
        for test, (low, up, text) in limits.items()
    ]
    results = LABS_TABLE.frame(rows)
    grades = lab_grades(results, version=5)
    found = {
        test: (name, labs_figures._with_bands(own, test)[1])
        for name, _, test, own in labs_figures._severe(results, grades, worst_lab_grades(grades))
    }
    total, free = "calcium", "ionized calcium"
    assert found[total] == (f"Hypercalcemia, {total}", [(4, 3.4, None), (3, 3.1, 3.4), (2, 2.9, 3.1), (1, 2.6, 2.9)])
    assert found[free] == (f"Hypercalcemia, {free}", [(4, 1.8, None), (3, 1.6, 1.8), (2, 1.5, 1.6), (1, 1.3, 1.5)])


def test_severe_terms_are_drawn(written, tmp_path):
    drawn = {path.name[:-15] for path in (tmp_path / "work/labs/all/figures").glob("*.svg")}
    assert drawn == {"Neutrophil_count_decreased_over_time"}  # a map of two subjects tells what the table does


def test_without_a_version_nothing_is_graded_and_it_is_said(tmp_path):
    study = make_study(tmp_path, {"clinical/labs.csv": LABS})
    assert any("are not graded" in note for note in study.notes)
    written = finish(study, tmp_path, "labs")
    assert written["lab_grades"].is_empty()
    assert written["exclusions"].select("rule", "rows").rows() == [
        ("not graded: study.yaml names no version of the CTCAE (analysis.clinical.ctcae: 5 or 6)", 9)
    ]
    assert written["recoveries"].height == 4
    assert written["results_by_limits"].height == 9
    assert not (tmp_path / "work/labs/all/figures").exists()


def test_an_unknown_subject_is_a_failure_and_the_others_go_on(tmp_path):
    study = make_study(tmp_path, GRADED)
    stranger = pl.when(subject="S2").then(pl.lit("S22")).otherwise("subject").alias("subject")
    tables = {**study.clinical, "labs": study.clinical["labs"].with_columns(stranger)}
    written = finish(replace(study, clinical=tables), tmp_path, "labs")
    (failure,) = written["failures"].iter_rows(named=True)
    assert failure["unit"] == "S22"
    assert failure["error"].startswith("clinical/labs.csv, row 8, column subject: no such subject; found 'S22'")
    assert written["lab_grades"]["subject"].unique().to_list() == ["S1"]
    assert "left out for faulty records: 1" in written["summaries"]["denominator_text"][0]


def test_what_took_no_part_of_sdtm_names_its_file(tmp_path):
    dated = {"infusions.csv": "subject,infusion,day,date\nS1,1,0,2024-03-11\nS2,1,0,2024-03-11\nS3,1,0,2024-03-11\n"}
    lb = "USUBJID,LBTESTCD,LBORRES,LBORRESU,LBDTC\nS1,NEUT,0.4,10^9/L,2024-03-14\nS2,NEUT,0.4,furlong,2024-03-14\n"
    yaml = {"study.yaml": GRADED["study.yaml"], "clinical/lb.csv": lb}
    study = make_study(tmp_path, dated | yaml)
    assert finish(study, tmp_path, "labs")["exclusions"].select("file", "row").rows() == [("clinical/lb.csv", 3)]
    stranger = {"labs": study.clinical["labs"].with_columns(subject=pl.lit("S22"))}
    (failure,) = finish(replace(study, clinical=stranger), tmp_path, "labs")["failures"].iter_rows(named=True)
    assert failure["file"] == "clinical/lb.csv" and failure["error"].startswith(
        "clinical/lb.csv, row 2, column subject"
    )


def test_without_results_there_is_no_job(tmp_path):
    assert labs.plan(make_study(tmp_path)) == []


def test_results_after_the_data_cut_count_nowhere(tmp_path):
    follow = TABLES["clinical/followup.csv"].replace("S1,300,,,365", "S1,300,,,10").replace("tumor,365", "tumor,10")
    late = LABS + "S2,12,ANC,0.1,10^9/L,1.8,7.5,true\n"
    written = finish(
        make_study(tmp_path, GRADED | {"clinical/labs.csv": late, "clinical/followup.csv": follow}), tmp_path, "labs"
    )
    assert written["lab_grades"].select("subject", "day").rows() == [
        ("S1", -8), ("S1", 0), ("S1", 3), ("S1", 9), ("S1", 10), ("S2", -8), ("S2", 2),
    ]  # fmt: skip
    # 0.5 was there on days 9 and 10, and asks for three; the 0.1 of S2, grade 4, is of nobody.
    told = written["endpoints"].select("subject", "parameter", "qualifier", "value", "value_text")
    back = told.filter(subject="S1", qualifier="test=ANC;threshold=0.5")
    assert back["value_text"].to_list() == ["not by day 10"]
    assert told.filter(subject="S2", parameter="worst_lab_grade")["value"].to_list() == [0.0]
    flagged = written["significant_results"].filter(subject="S2", period="follow_up_30")
    assert flagged.select("results", "judged", "significant").rows() == [(2, 1, 1)]
    assert written["exclusions"].select("file", "row", "rule", "rows").rows() == [
        ("clinical/labs.csv", 7, "a result after the data cut of S1 (day 10)", 1),
        ("clinical/labs.csv", 11, "a result after the data cut of S2 (day 10)", 1),
        ("clinical/labs.csv", 10, "not graded: no term of CTCAE 5 is known for the test heart rate", 1),
    ]
