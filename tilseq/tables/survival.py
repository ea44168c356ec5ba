"""The tables of time to event: times, curves, estimates and contrasts."""

from __future__ import annotations

from tilseq.tables.outputs import SUBJECT
from tilseq.tables.schema import Column, Table

TIME_PARAMETERS = ("OS", "PFS", "TTP", "DOR", "TTR", "follow_up")
ORIGINS = ("infusion", "lymphodepletion", "first_dose", "enrollment", "randomization", "response")
QUANTITIES = ("median", "survival_at", "rmst", "follow_up_median", "time_range")
CONTRAST_METHODS = (
    "log_rank",
    "cox",
    "proportional_hazards",
    "rmst_difference",
    "landmark_log_rank",
    "landmark_cox",
    "cox_time_dependent",
)
WORDS = ("not reached", "cannot be estimated")
# Below these limits by log-log fall short (benchmarks/RESULTS.md): in cells of ten subjects down to 89 %, and where
# fewer than 5 are at risk on the day they hold 73 to 95 %.
FEW_SUBJECTS, FEW_AT_RISK = 20, 5
# Words in reasons that what they tell of is found by: of deaths, of rules without their table, of origins, of limits.
NEVER_SCANNED, OF_UNKNOWN_CAUSE = "without any adequate assessment", "of unknown cause"
NOT_LOOKED_FOR = "not looked for"
NOT_IN_STUDY = "in the study: counted from"
MAY_HOLD_LESS = "limits may hold less than they say, those of beta_product hold"
_PARAMETER = Column("parameter", "text", "Endpoint, such as OS or PFS.", needed=True)
_READER = Column("reader", "text", "Who read the scans; null where no scan is needed. Readers are never pooled.")
_GROUP = Column("group", "text", "`all`, or `column=value`; `column=not given` where the value is null.", needed=True)

TIME_TO_EVENT = Table(
    "time_to_event",
    "One endpoint of one subject and reader a row: from when, to when, and what ended it.",
    (
        SUBJECT,
        Column("parameter", "text", "Endpoint.", needed=True, allowed=TIME_PARAMETERS),
        Column("reader", "text", "Who read the scans; null where none is asked, as for OS, or none is named."),
        Column("origin", "text", "What the time counts from.", allowed=ORIGINS),
        Column("start_day", "integer", "Day of the origin.", unit="d"),
        Column("end_day", "integer", "Day of the event or of censoring.", unit="d"),
        Column("days", "integer", "end_day - start_day + 1.", unit="d", minimum=1),
        Column("event", "boolean", "The event was seen; false is censored, null cannot be evaluated."),
        Column("description", "text", "What ended the time, in words."),
        Column("rule", "text", "Event or censoring rule that fired, or `not_evaluable`.", needed=True),
        Column("source_table", "text", "Table that tells of the end."),
        Column("source_row_day", "integer", "Day in that table's row.", unit="d"),
        Column("reason", "text", "What else bears on the row: policies that were used, rules that could not be."),
    ),
    key=("parameter", "subject", "reader"),
)

SURVIVAL_CURVE = Table(
    "survival_curve",
    "One day of one Kaplan-Meier curve a row: day 0, and each day on which an event or a censoring falls.",
    (
        _PARAMETER,
        _READER,
        _GROUP,
        Column("day", "integer", "Days since the origin of the endpoint.", unit="d", needed=True, minimum=0),
        Column("at_risk", "integer", "Subjects at risk just before the day.", needed=True, minimum=0),
        Column("events", "integer", "Events on the day.", needed=True, minimum=0),
        Column("censored", "integer", "Censored on the day, after its events.", needed=True, minimum=0),
        Column("survival", "number", "Share without the event after the day.", needed=True, minimum=0, maximum=1),
        Column("lower", "number", "Lower limit of the interval from that day on; null where it has none.", minimum=0),
        Column("upper", "number", "Upper limit of the interval of that day; null where it has none.", maximum=1),
        Column("method", "text", "How the limits were found, and their level.", needed=True),
    ),
    key=("parameter", "reader", "group", "day"),
)

SURVIVAL_ESTIMATES = Table(
    "survival_estimates",
    "One number of one endpoint and group a row, with its limits or the words that stand for them.",
    (
        _PARAMETER,
        _READER,
        _GROUP,
        Column("quantity", "text", "What is estimated.", needed=True, allowed=QUANTITIES),
        Column("at_day", "integer", "Day of `survival_at`, end of `rmst`, since the origin.", unit="d", minimum=1),
        Column("subjects", "integer", "Subjects with a time.", needed=True, minimum=0),
        Column("events", "integer", "Of those, with the event; of follow_up_median, censored.", needed=True, minimum=0),
        Column("at_risk", "integer", "Subjects at risk just before `at_day`.", minimum=0),
        Column("estimate", "number", "The number; null where a word stands for it.", minimum=0),
        Column("lower", "number", "Lower limit; of time_range the shortest time.", minimum=0),
        Column("upper", "number", "Upper limit; of time_range the longest time.", minimum=0),
        Column("estimate_text", "text", "Words in place of the estimate; of time_range both ends, + where censored."),
        Column("lower_text", "text", "Words in place of the lower limit.", allowed=WORDS),
        Column("upper_text", "text", "Words in place of the upper limit.", allowed=WORDS),
        Column("unit", "text", "`d`, or `fraction` of subjects.", needed=True, allowed=("d", "fraction")),
        Column("method", "text", "How estimate and limits were found, and their level.", needed=True),
        Column("left_out", "integer", "Subjects of the group that could not be evaluated.", needed=True, minimum=0),
        Column("reason", "text", "Why a word stands in place of a number."),
    ),
    key=("parameter", "reader", "group", "quantity", "at_day"),
)

SURVIVAL_CONTRASTS = Table(
    "survival_contrasts",
    "One comparison of groups or of a state in one endpoint a row.",
    (
        _PARAMETER,
        _READER,
        Column(
            "contrast",
            "text",
            "The column alone for a test of all its groups; COLUMN:LEVEL/REFERENCE for LEVEL against REFERENCE.",
            needed=True,
        ),
        Column("method", "text", "What was done.", needed=True, allowed=CONTRAST_METHODS),
        Column("at_day", "integer", "Landmark by the study's day, or end of the mean time since the origin.", unit="d"),
        Column("estimate", "number", "Hazard ratio; of rmst_difference days."),
        Column("lower", "number", "Lower limit of its 95 % interval."),
        Column("upper", "number", "Upper limit of its 95 % interval."),
        Column("statistic", "number", "Chi-square of log-rank tests and of proportional_hazards, else z."),
        Column("df", "integer", "Degrees of freedom of a chi-square.", minimum=1),
        Column(
            "p",
            "number",
            "Two-sided p; of proportional_hazards small where the hazard ratio changes with time.",
            minimum=0,
            maximum=1,
        ),
        Column(
            "q",
            "number",
            "False discovery rate in the family; null but for the one test of a hypothesis.",
            minimum=0,
            maximum=1,
        ),
        Column(
            "family",
            "text",
            "Tests that q is over: a declared family, of readers but the endpoint's by name.",
            needed=True,
        ),
        Column("subjects", "integer", "Subjects compared.", needed=True, minimum=0),
        Column("events", "integer", "Their events.", needed=True, minimum=0),
        Column("exploratory", "boolean", "The endpoint stands in no declared family.", needed=True),
        Column("reason", "text", "Who was left out, and why there is no number."),
    ),
    key=("parameter", "reader", "contrast", "method", "at_day"),
)

SURVIVAL_TABLES = (SURVIVAL_CURVE, SURVIVAL_ESTIMATES, SURVIVAL_CONTRASTS)
