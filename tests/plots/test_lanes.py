import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.plots.lanes import swimmer

TIMES = pl.DataFrame(
    [
        ("A", "OS", -7, 300, True),
        ("A", "DOR", 42, 200, True),
        ("B", "OS", -7, 400, False),
        ("B", "DOR", None, None, None),
        ("C", "OS", None, None, None),
        ("A", "PFS", -7, 200, True),
    ],
    schema=["subject", "parameter", "start_day", "end_day", "event"],
    orient="row",
)
READS = pl.DataFrame(
    [
        ("A", -8, None, None, True),
        ("A", 42, "SD", "PR", False),
        ("A", 84, "PR", "CR", False),
        ("A", 200, "PD", "PD", False),
        ("A", 250, "PD", "PD", False),
        ("B", 42, "PR", None, False),
        ("C", 42, "PR", None, False),
    ],
    schema=["subject", "day", "response", "recorded", "baseline"],
    orient="row",
)
THERAPIES = pl.DataFrame({"subject": ["A", "A"], "start_day": [230, 210]})


def bars(axes):
    return {
        one.get_label(): [(round(b.get_y() + b.get_height() / 2), b.get_x(), b.get_x() + b.get_width()) for b in one]
        for one in axes.containers
    }


def marks(axes):
    return {
        line.get_label(): line.get_xydata().tolist()
        for line in axes.get_lines()
        if not line.get_label().startswith("_")
    }


def test_lanes_responses_and_marks():
    axes = swimmer(TIMES, READS, therapies=THERAPIES)
    assert bars(axes) == {
        "followed": [(0, -7, 300), (1, -7, 400)],
        "PR, up to its end or the last scan": [(0, 42, 84)],
        "CR, up to its end or the last scan": [(0, 84, 200)],
    }
    assert marks(axes) == {
        "first PR": [[42, 0], [42, 1]],
        "first CR": [[84, 0]],
        "PD": [[200, 0]],
        "new therapy": [[210, 0]],
        "death": [[300, 0]],
        "alive when last seen": [[400, 1]],
    }
    assert [label.get_text() for label in axes.get_yticklabels()] == ["A", "B"]
    assert axes.get_title(loc="left") == "no lane for want of follow-up: C"


def test_a_response_whose_first_assessment_is_its_last_is_a_bar_of_a_day():
    short = TIMES.with_columns(end_day=pl.when(parameter="DOR").then("start_day").otherwise("end_day"))
    assert bars(swimmer(short, READS.filter(pl.col("day") < 50)))["PR, up to its end or the last scan"] == [(0, 42, 43)]


def test_a_censored_response_of_one_alive_goes_on_hatched_but_not_after_a_new_therapy():
    rows = [("B", "DOR", 42, 126, False), ("D", "DOR", 42, 84, False), ("D", "OS", 0, 200, False)]
    times = pl.concat(
        [TIMES.filter(subject="B", parameter="OS"), pl.DataFrame(rows, schema=TIMES.schema, orient="row")]
    )
    reads = pl.concat([READS.filter(subject="B"), READS.filter(subject="B").with_columns(subject=pl.lit("D"))])
    axes = swimmer(times, reads, therapies=pl.DataFrame({"subject": ["D"], "start_day": [90]}))
    assert bars(axes)["after the last scan, no end seen"] == [(1, 126, 400)]


def test_a_response_that_is_not_confirmed_is_hollow_and_one_after_pd_or_a_new_therapy_has_no_mark():
    os = pl.DataFrame([(name, "OS", 0, 300, False) for name in "UTP"], schema=TIMES.schema, orient="row")
    rows = [("U", 42, "PR"), ("T", 84, "PR"), ("P", 42, "PD"), ("P", 84, "CR")]
    reads = pl.DataFrame(rows, schema=["subject", "day", "response"], orient="row")
    reads = reads.with_columns(recorded=pl.lit(None, pl.String), baseline=False)
    therapies = pl.DataFrame({"subject": ["T", "U"], "start_day": [50, -20]})  # that before the infusion is no new one
    assert marks(swimmer(os, reads, therapies=therapies)) == {
        "first PR, not confirmed": [[42, 0]],
        "PD": [[42, 2]],
        "new therapy": [[50, 1]],
        "alive when last seen": [[300, 2], [300, 1], [300, 0]],
    }


def test_many_lanes_have_no_names_and_very_many_no_marks():
    def trial(n):
        return pl.DataFrame({"subject": [f"S{i:03}" for i in range(n)], "parameter": "OS", "start_day": 0,
                             "end_day": list(range(1, n + 1)), "event": True})  # fmt: skip

    some, many = (swimmer(trial(n), READS) for n in (61, 121))
    assert some.get_yticks().size == many.get_yticks().size == 0
    assert "death" in {line.get_label() for line in some.get_lines()}
    assert "death" not in {line.get_label() for line in many.get_lines()}
    assert many.get_title(loc="left") == "121 subjects"


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(AnalysisError, match="nothing to draw"):
        swimmer(TIMES.filter(subject="C"), READS)
    with pytest.raises(AnalysisError, match="needs this column"):
        swimmer(TIMES, READS.drop("recorded"))
    with pytest.raises(AnalysisError, match="an event was seen or was not"):
        swimmer(TIMES.with_columns(event=pl.lit("yes")), READS)
    with pytest.raises(AnalysisError, match="one place in the figure"):
        swimmer(pl.concat([TIMES, TIMES]), READS)
