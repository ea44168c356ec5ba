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
        ("A", 84, "CR", None, False),
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


def test_lanes_responses_and_marks():
    axes = swimmer(TIMES, READS, therapies=THERAPIES)
    assert bars(axes) == {
        "followed": [(0, -7, 300), (1, -7, 400)],
        "PR, lasting": [(0, 42, 84)],
        "CR, lasting": [(0, 84, 200)],
    }
    marks = {line.get_label(): line.get_xydata().tolist() for line in axes.get_lines() if len(line.get_label()) > 1}
    assert {name: at for name, at in marks.items() if not name.startswith("_")} == {
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
    assert bars(swimmer(short, READS.filter(pl.col("day") < 50)))["PR, lasting"] == [(0, 42, 43)]


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
