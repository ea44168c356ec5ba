"""Tables of laboratory grades: grades by the CTCAE, shifts, results against their own limits."""

from __future__ import annotations

from tilseq.tables.outputs import SUBJECT
from tilseq.tables.schema import Column, Table
from tilseq.tables.survival import SURVIVAL_ESTIMATES, TIME_TO_EVENT

DIRECTIONS = ("low", "high")
ANY_PERIOD = "any"  # of a shift: all periods from the start of treatment on
POSITIONS = ("low", "normal", "high")
# Words in reasons, and in rules of `exclusions`, that what they tell of is found by.
TAKEN_AS = "taken as"
TAKEN_AS_NORMAL = f"{TAKEN_AS} not above its limit"
NOT_READ = "not read: "
NOT_GRADED = "not graded: "
NO_TERM, FOR_THE_TEST = "no term of CTCAE", "for the test"
UNGRADED = f"{NOT_GRADED}study.yaml names no version of the CTCAE (analysis.clinical.ctcae: 5 or 6)"

_DAY = Column("day", "integer", "Day; 0 is the first infusion.", unit="d", needed=True)
_PERIOD = Column("period", "text", "Period of the treatment that the day belongs to; null where it cannot be told.")


def _grade(name: str, meaning: str) -> Column:
    return Column(name, "integer", meaning, minimum=0, maximum=4)


LAB_GRADES = Table(
    "lab_grades",
    "One row a result and term of the CTCAE that it can be graded by, in the order of the results, low before high.",
    (
        SUBJECT,
        _DAY,
        Column("test", "text", "What was measured, as the laboratory names it.", needed=True),
        Column("term", "text", "Term of the CTCAE.", needed=True),
        Column("direction", "text", "Side on which the term is abnormal.", needed=True, allowed=DIRECTIONS),
        Column("value", "number", "Result in `unit`; of <0.5 the 0.5; null where it or its unit is refused."),
        Column("value_text", "text", "Result as the laboratory wrote it."),
        Column("unit", "text", "Unit in which the result was graded."),
        Column("version", "text", "Version of the CTCAE.", needed=True),
        _grade("grade", "Grade; null where it cannot be told, never 0 for that."),
        _grade("grade_at_least", "The grade, or the least that it can be where it cannot be told."),
        _grade("grade_at_most", "The grade, or the most that it can be; null where no result was written."),
        _grade("baseline_grade", "Grade of the subject's last result before treatment."),
        _grade("baseline_at_least", "That grade, or the least that it can be."),
        _grade("baseline_at_most", "That grade, or the most that it can be; null where there is no such result."),
        Column("baseline_day", "integer", "Day of that result.", unit="d"),
        _PERIOD,
        Column("reason", "text", "Why there is no grade, or what it rests on."),
    ),
)

LAB_SHIFTS = Table(
    "lab_shifts",
    "Subjects by the grade before treatment and the worst in a period; each subject once a test, term and period.",
    (
        Column("test", "text", "Plain name of the test.", needed=True),
        Column("term", "text", "Term of the CTCAE.", needed=True),
        Column("direction", "text", "Side on which the term is abnormal.", needed=True, allowed=DIRECTIONS),
        Column("period", "text", f"Period of the treatment; `{ANY_PERIOD}`: every one from its start on.", needed=True),
        _grade("baseline_grade", "Grade before treatment; null where there is none."),
        _grade("worst_grade", "Highest grade in the period; null where none can be told."),
        Column("subjects", "integer", "Subjects.", needed=True, minimum=0),
    ),
    key=("test", "term", "direction", "period", "baseline_grade", "worst_grade"),
)

RESULTS_BY_LIMITS = Table(
    "results_by_limits",
    "One row a result of any test, held against the limits of normal of its own record.",
    (
        SUBJECT,
        _DAY,
        Column("test", "text", "What was measured, as it is named.", needed=True),
        Column("value", "number", "Result in `unit`; of one such as <0.5 the number."),
        Column("value_text", "text", "Result as it was written."),
        Column("unit", "text", "Unit of the result and its limits."),
        Column("lower_limit", "number", "Lower limit of normal of the record; null where it cannot be."),
        Column("upper_limit", "number", "Upper limit of normal of the record; null where it cannot be."),
        Column("position", "text", "Below, within or above the limits; null: cannot be told.", allowed=POSITIONS),
        Column("baseline_position", "text", "That of the subject's last result before treatment.", allowed=POSITIONS),
        Column("clinically_significant", "boolean", "What the investigator called it; never inferred."),
        _PERIOD,
        Column("reason", "text", "Why the position cannot be told."),
    ),
)

SIGNIFICANT_RESULTS = Table(
    "significant_results",
    "Results that the investigator called clinically significant, by subject and period.",
    (
        SUBJECT,
        _PERIOD,
        Column("results", "integer", "Results.", needed=True, minimum=0),
        Column("judged", "integer", "Results that the investigator judged.", needed=True, minimum=0),
        Column("significant", "integer", "Results called clinically significant.", needed=True, minimum=0),
        Column("tests", "text", "Tests with such a result, parted by ';'."),
    ),
    key=("subject", "period"),
)

_OWN = {
    "parameter": Column("parameter", "text", "What came back, such as `recovery: ANC >= 0.5` (10^9/L).", needed=True),
    "origin": Column("origin", "text", "What the time counts from.", needed=True, allowed=("infusion", "nadir")),
    "rule": Column(
        "rule",
        "text",
        "What ended the time, or why there is none.",
        needed=True,
        allowed=("recovered", "not_recovered", "never_below", "not_evaluable"),
    ),
}
RECOVERIES = Table(
    "recoveries",
    "One recovery of a blood count of one subject a row, in the columns of `time_to_event`.",
    tuple(_OWN.get(column.name, column) for column in TIME_TO_EVENT.columns),
    key=TIME_TO_EVENT.key,
)

RECOVERY_ESTIMATES = Table(
    "recovery_estimates",
    "One number of one recovery and group a row, in the columns of `survival_estimates`.",
    SURVIVAL_ESTIMATES.columns,
    key=SURVIVAL_ESTIMATES.key,
)

LAB_TABLES = (LAB_GRADES, LAB_SHIFTS, RECOVERIES, RECOVERY_ESTIMATES, RESULTS_BY_LIMITS, SIGNIFICANT_RESULTS)
