"""The sample trial: toxicities and recoveries that were planted come back from what the laboratory wrote."""

from pathlib import Path

import polars as pl
import pytest

from tilseq.clinical import lab_grades, lab_shifts, recoveries

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
TERMS = {
    "neutropenia": "Neutrophil count decreased",
    "lymphopenia": "Lymphocyte count decreased",
    "leukopenia": "White blood cell decreased",
    "thrombocytopenia": "Platelet count decreased",
    "anaemia": "Anemia",
    "ALT increased": "Alanine aminotransferase increased",
    "AST increased": "Aspartate aminotransferase increased",
    "bilirubin increased": "Blood bilirubin increased",
    "hypoalbuminaemia": "Hypoalbuminemia",
    "creatinine increased": "Creatinine increased",
}


@pytest.fixture(scope="module")
def trial():
    labs = pl.read_csv(SAMPLE / "clinical" / "labs.csv", schema_overrides={"value_text": pl.String})
    return labs, pl.read_csv(SAMPLE / "subjects.csv"), pl.read_csv(SAMPLE / "infusions.csv")


# Graded by the true values, day by day; measured values vary about them, and not every day is drawn.
def test_planted_toxicities_come_back(trial):
    labs, subjects, infusions = trial
    planted = pl.read_csv(SAMPLE / "truth" / "adverse_events.csv").filter(pl.col("term").is_in(list(TERMS)))
    worst = planted.group_by("subject", "term").agg(pl.col("grade").max())
    found = lab_grades(labs, version=5, subjects=subjects, infusions=infusions).filter(pl.col("day") >= -7)
    highest = found.group_by("subject", "term").agg(pl.col("grade").max().alias("found"))
    both = worst.with_columns(term=pl.col("term").replace(TERMS)).join(highest, on=["subject", "term"], how="left")
    apart = (both["found"] - both["grade"]).to_list()
    assert (both.height, apart.count(0), apart.count(1), apart.count(-1)) == (33, 31, 2, 0)


def test_planted_recoveries_come_back(trial):
    labs, subjects, infusions = trial
    planted = pl.read_csv(SAMPLE / "truth" / "recoveries.csv").with_columns(
        parameter=pl.format("recovery: {} >= {}", "test", pl.col("threshold").cast(pl.Int64).cast(pl.String))
    )
    planted = planted.with_columns(
        pl.when(pl.col("threshold") == 0.5)
        .then(pl.lit("recovery: ANC >= 0.5"))
        .otherwise("parameter")
        .alias("parameter")
    )
    found = recoveries(labs, subjects=subjects, infusions=infusions)
    both = planted.join(found, on=["subject", "parameter"])
    assert both.height == planted.height == 16
    never = both.filter(pl.col("below_day").is_null())
    assert never["rule"].to_list() == ["never_below"]
    back = both.filter(pl.col("below_day").is_not_null())
    assert back["event"].to_list() == [True] * 15
    late = (back["end_day"] - back["recovered_day"]).to_list()
    assert (late.count(0), [one for one in late if one]) == (12, [-1, 12, 11])
    # The two late ones came back between draws: on day 17 and 15, after a draw on 14 and before the next on 26 to 29.
    between = back.filter(pl.col("end_day") > pl.col("recovered_day")).select(
        "subject", "test", "recovered_day", "end_day"
    )
    for subject, test, true, seen in between.rows():
        drawn = labs.filter(pl.col("subject") == subject, pl.col("test") == test)["day"]
        assert not [day for day in drawn if true <= day < seen]


def test_shifts_of_the_trial_count_every_subject(trial):
    labs, subjects, infusions = trial
    shifts = lab_shifts(lab_grades(labs, version=5, subjects=subjects, infusions=infusions))
    whole = shifts.filter(pl.col("period") == "any").group_by("test", "term").agg(pl.col("subjects").sum())
    assert whole["subjects"].unique().to_list() == [4]
    anc = shifts.filter(pl.col("term") == "Neutrophil count decreased", pl.col("period") == "any")
    assert anc.select("baseline_grade", "worst_grade", "subjects").rows() == [(0, 4, 4)]
