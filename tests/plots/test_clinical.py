import polars as pl
import pytest

from tilseq.clinical import response
from tilseq.errors import AnalysisError
from tilseq.plots.clinical import spider


def lesion(subject, day, size, **cells):
    return {"subject": subject, "day": day, "lesion": "T1", "role": "target", "diameter_mm": size} | cells


def drawn():
    rows = [lesion("A", day, size) for day, size in ((-3, 50.0), (30, 25.0), (60, 40.0), (90, None))]
    rows += [lesion("B", -3, 40.0), lesion("B", 30, 40.0), lesion("C", -3, 40.0)]
    rows.append(lesion("B", 30, None, state="present") | {"lesion": "X", "role": "new"})
    return response(pl.DataFrame(rows, infer_schema_length=None))


def test_a_line_a_subject_from_0_at_baseline():
    axes = spider(drawn())
    lines = {line.get_label(): line.get_xydata().tolist() for line in axes.get_lines()[:2]}
    assert lines == {"A": [[-3, 0], [30, -50], [60, -20]], "B": [[-3, 0], [30, 0]]}
    assert axes.get_title(loc="left") == (
        "assessments without a complete sum: 1, of them PD: 0; no line for want of a sum\nafter the baseline: C"
    )


def test_thresholds_and_marks():
    axes = spider(drawn())
    dashed = [line.get_ydata()[0] for line in axes.get_lines() if line.get_linestyle() == "--"]
    assert dashed == [-30, 20]
    marks = {c.get_label(): c.get_offsets().tolist() for c in axes.collections}
    assert marks == {"PD": [[60, -20], [30, 0]], "new lesion": [[30, 0]]}
    (infusion,) = (text for text in axes.texts if text.get_text() == "infusion")
    assert infusion.xy[0] == 0


def test_the_ring_is_of_the_response_that_counts_and_a_line_is_dotted_after_a_new_therapy():
    recorded = pl.when(subject="A", day=60).then(pl.lit("SD")).cast(drawn().schema["recorded"])
    axes = spider(
        drawn().with_columns(recorded=recorded), therapies=pl.DataFrame({"subject": ["A"], "start_day": [40]})
    )
    assert {c.get_label(): c.get_offsets().tolist() for c in axes.collections}["PD"] == [[30, 0]]
    dotted = [line.get_xydata().tolist() for line in axes.get_lines() if line.get_linestyle() == ":"]
    assert dotted == [[[30, -50], [60, -20]]]


def test_many_subjects_are_one_grey_without_a_legend_of_lines():
    rows = [lesion(f"S{i:02}", day, 20.0 + i) for i in range(20) for day in (-3, 30)]
    axes = spider(response(pl.DataFrame(rows)))
    assert len({line.get_color() for line in axes.get_lines()[:20]}) == 1
    assert axes.get_legend().get_texts() == []


def test_nothing_to_draw_and_a_missing_column_are_refused():
    with pytest.raises(AnalysisError, match="nothing to draw"):
        spider(drawn().filter(pl.col("subject") == "C"))
    with pytest.raises(AnalysisError, match="needs this column"):
        spider(drawn().drop("day"))
