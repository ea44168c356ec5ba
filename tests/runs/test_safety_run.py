"""A whole run beside the simulated trial's truth: worst grades of toxicities, recovery of neutrophils, what is told."""

import polars as pl
import pytest


@pytest.fixture
def tables(small_run):
    return lambda name: pl.read_parquet(small_run.out / "tables" / f"{name}.parquet")


@pytest.fixture
def truth(small_run):
    return lambda name: pl.read_csv(small_run.study / "truth" / f"{name}.csv", infer_schema_length=None)


def test_every_toxicity_has_its_true_worst_grade(tables, truth):
    # Events before lymphodepletion are not counted, nor can be those that nobody reported, which are of grade 1.
    true = truth("adverse_events").filter("reported", pl.col("start_day") >= -7)
    worst = true.group_by("subject", "term").agg(pl.col("grade").max()).sort("subject", "term")
    counted = tables("adverse_event_rows").filter("counted")
    found = counted.group_by("subject", "term").agg(pl.col("grade").max()).sort("subject", "term")
    assert found.rows() == worst.rows()
    assert found.height > 5
    of_subject = tables("endpoints").filter(parameter="worst_adverse_event_grade").select("subject", "value")
    assert of_subject.rows() == worst.group_by("subject").agg(pl.col("grade").max()).rows()


def test_neutrophils_come_back_when_they_truly_did(tables, truth):
    planted = truth("recoveries").filter(test="ANC").select("subject", "threshold", "recovered_day")
    found = tables("endpoints").filter(
        pl.col("qualifier").str.starts_with("test=ANC;"), parameter="blood_count_recovery"
    )
    threshold = pl.col("qualifier").str.extract("threshold=(.*)").cast(pl.Float64)
    both = found.with_columns(threshold=threshold).join(planted, on=["subject", "threshold"])
    assert both.height == planted.height == 2
    # Measured counts vary about the true ones by a tenth.
    assert all(abs(day - true) <= 1 for day, true in both.select("value", "recovered_day").iter_rows())


def test_the_report_has_the_section_with_its_figures(small_run, tables):
    page = (small_run.out / "report.html").read_text()
    assert "Subjects with adverse events, by worst grade" in page
    assert "Laboratory terms by worst grade, CTCAE 5" in page
    drawn = {path.parent.name for path in (small_run.out / "figures").glob("*/*.svg")}
    assert {"safety", "labs", "markers"} <= drawn
    assert tables("failures").is_empty()
