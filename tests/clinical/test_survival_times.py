"""What cannot be a time to event is refused with its row; what is not known is counted."""

import pandas as pd
import polars as pl
import pytest

from tests.clinical.survival_sets import table
from tilseq.clinical import kaplan_meier, landmark, rmst, survival_contrasts, survival_curve, survival_estimates
from tilseq.clinical.survival_times import by_group
from tilseq.errors import AnalysisError, StudyError, TableError


@pytest.mark.parametrize(
    ("days", "event", "message"),
    [
        ([5, 0], [1, 0], "the time of subject 2 cannot be; found 0.0; expected above 0"),
        ([-3, 4], [1, 0], "the time of subject 1 cannot be; found -3.0"),
        ([5, float("nan")], [1, 0], "the time of subject 2 cannot be; found nan"),
        ([5, float("inf")], [1, 0], "the time of subject 2 cannot be; found inf"),
        ([5, None], [1, 0], "the time of subject 2 cannot be"),
        (["5", "soon"], [1, 0], "times to event are numbers"),
        ([5, 6], ["yes", "no"], "the event of subject 1 cannot be; found 'yes'; expected true or 1, false or 0"),
        ([5, 6], [1, 2], "the event of subject 2 cannot be; found 2"),
        ([5, 6], [1, float("nan")], "the event of subject 2 cannot be; found nan"),
        ([5, 6], [True, None], "the event of subject 2 cannot be"),
        ([5, 6], [1], "must be of one length"),
        ([], [], "there is no subject"),
    ],
)
def test_arrays_that_cannot_be_are_refused(days, event, message):
    with pytest.raises(AnalysisError, match=message.replace("(", r"\(")):
        kaplan_meier(days, event)


@pytest.mark.parametrize(
    "days", [pd.Series(pd.to_timedelta([5, 6], unit="D")), pl.Series([5, 6], dtype=pl.Duration("us"))]
)
def test_lengths_of_time_are_no_days(days):
    """As death less origin of pandas: they counted in nanoseconds, and a mean to day 365 was 365."""
    with pytest.raises(
        AnalysisError, match=r"times to event are numbers of days; found 'timedelta64.*write `.dt.days`"
    ):
        rmst(days, [True, False], 365)
    with pytest.raises(AnalysisError, match="numbers of days; found 'datetime64"):
        kaplan_meier(pd.to_datetime(["2024-01-01", "2024-03-01"]), [True, False])


def test_an_interval_or_level_that_is_none_is_refused():
    with pytest.raises(AnalysisError, match="did you mean 'log-log'"):
        kaplan_meier([1], [1], interval="loglog")
    with pytest.raises(AnalysisError, match="between 0 and 1"):
        kaplan_meier([1], [1], level=95)


@pytest.mark.parametrize(
    ("days", "event", "column", "found"),
    [
        ([5, 0], [True, False], "days", "0"),
        ([5, -8], [True, False], "days", "-8"),
        ([5, 1.5], [True, False], "days", "1.5"),
        ([5, float("nan")], [True, False], "days", "nan"),
        ([5, None], [True, False], "days", None),
        ([5, 6], [True, None], "event", None),
        ([5, 6], [1, 2], "event", "2"),
        ([5, 6], ["true", "yes"], "event", "'yes'"),
    ],
)
def test_rows_that_cannot_be_are_told_with_row_and_subject(days, event, column, found):
    with pytest.raises(StudyError) as caught:
        survival_curve(table(days, event))
    problem = caught.value.problems[-1]
    assert (problem.row, problem.column, problem.found) == (3, column, found)
    assert "OS of subject 01" in problem.what


def test_every_wrong_row_is_told_at_once():
    with pytest.raises(StudyError, match="3 problems in the times to event"):
        survival_estimates(table([0, -1, 5, 9], [True, True, None, False]))


def test_tables_that_are_not_are_refused():
    rows = table([5, 9], [True, False])
    with pytest.raises(TableError, match="column event: table time_to_event lacks a column"):
        survival_curve(rows.drop("event"))
    with pytest.raises(TableError, match="holds a key twice; found 'parameter OS, .*subject .*'; give one row a key"):
        survival_curve(pl.concat([rows, rows]))
    with pytest.raises(TableError, match="a subject is in two groups"):
        survival_curve(rows, groups=pl.DataFrame({"subject": ["00", "00"], "arm": ["a", "b"]}))
    with pytest.raises(TableError, match="groups need"):
        survival_curve(rows, groups=pl.DataFrame({"subject": ["00"]}))


@pytest.mark.parametrize("column", ["response", "best_response", "Responder"])
def test_a_split_by_response_is_not_offered(column):
    rows = table([5, 9], [True, False])
    with pytest.raises(AnalysisError, match="favour those who lived.*use state_contrasts"):
        survival_curve(rows, groups=pl.DataFrame({"subject": ["00", "01"], column: ["PR", "PD"]}))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("BOR", ["melanoma", "ovarian"]),
        ("week12", ["PR", "PD"]),
        ("outcome", ["pr ", "pr"]),
        ("seen", ["CR/PR", "SD/PD"]),
    ]
    + [("group", ["Responder", "non-responder"]), ("read", ["CR", None])],
)
def test_a_column_of_responses_by_another_name_is_one(column, values):
    groups = pl.DataFrame({"subject": ["00", "01"], column: values})
    with pytest.raises(AnalysisError, match=f"column {column}: groups by what is known only later"):
        survival_contrasts(table([5, 9], [True, False]), groups)


@pytest.mark.parametrize(
    ("column", "values"),
    [("prior_response", ["PR", "PD"]), ("Previous PD-1", ["CR", "SD"]), ("gene", ["PD", "KRAS"]), ("arm", ["A", "B"])],
)
def test_what_was_known_at_the_start_is_a_group(column, values):
    groups = pl.DataFrame({"subject": ["00", "01"], column: values})
    assert survival_contrasts(table([5, 9], [True, False]), groups).height


def test_from_a_landmark_on_a_response_is_what_was_known():
    groups = pl.DataFrame({"subject": ["00", "01"], "response": ["PR", "PD"]})
    assert survival_contrasts(landmark(table([50, 90], [True, False]), 42), groups).height


def test_a_group_named_as_those_without_a_value_is_refused():
    groups = pl.DataFrame({"subject": ["00", "01"], "arm": ["not given", None]})
    with pytest.raises(AnalysisError, match="column arm: a group is named as those without a value"):
        survival_curve(table([5, 9], [True, False]), groups=groups)
    assert survival_curve(table([5, 9], [True, False]), groups=groups.fill_null("A")).height


def test_subjects_without_a_time_or_a_group_are_counted():
    rows = table([5, 9, None, 7], [True, False, None, True])
    groups = pd.DataFrame({"subject": ["00", "01", "02", "99"], "tumor_type": ["ovarian", None, "ovarian", "other"]})
    parts = {part.group: (len(part.subjects), part.left_out) for part in by_group(rows, groups)}
    assert parts == {
        "all": (3, 1),
        "tumor_type=ovarian": (1, 1),
        "tumor_type=not given": (2, 0),
    }


def test_a_group_called_as_those_without_one_is_refused():
    rows = table([5, 9], [True, False])
    groups = pd.DataFrame({"subject": ["00", "01"], "arm": ["not given", None]})
    with pytest.raises(AnalysisError, match="column arm.*named as those without a value"):
        by_group(rows, groups)
