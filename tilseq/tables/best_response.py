"""The tables of best overall response, of reads and responses that need a word, and of iRECIST."""

from __future__ import annotations

from tilseq.tables.inputs import RESPONSES
from tilseq.tables.outputs import SUBJECT
from tilseq.tables.schema import Column, Table

SOURCES = ("recorded", "derived")
CONFIRMATIONS = ("required", "not_required")
BEST_WORDS = (*RESPONSES, "not_assessed")
IRESPONSES = ("iCR", "iPR", "iSD", "NON-iCR/NON-iUPD", "iUPD", "iCPD", "NE")
DIFFERENCES = ("differs", "recorded_only", "derived_only")
_READER = Column("reader", "text", "Who read the scans.")


def _day(name: str, meaning: str) -> Column:
    return Column(name, "integer", meaning, unit="d")


BEST_RESPONSE = Table(
    "best_response",
    "The best overall response of one subject and reader a row, with and without confirmation.",
    (
        SUBJECT,
        _READER,
        Column("source", "text", "Whose responses: recorded by the reader, or derived.", needed=True, allowed=SOURCES),
        Column("confirmation", "text", "Whether CR and PR had to be confirmed.", needed=True, allowed=CONFIRMATIONS),
        Column("best_response", "text", "Best overall response.", needed=True, allowed=BEST_WORDS),
        _day("day", "Day of the assessment that gave it; null without one."),
        Column("visit", "text", "Visit of that assessment."),
        _day("response_day", "First CR or PR of the response that counts; null for a subject without response."),
        _day("confirmation_day", "Assessment that confirmed the best response; null where none did or had to."),
        _day("control_day", "First assessment that counts as disease control; null without it."),
        Column("rule", "text", "Name of the rule that gave it.", needed=True),
        Column("sd_min_days", "integer", "Least days to an SD that counts.", unit="d", minimum=0),
        _day("early_day", "Last SD or like read too early to count, where the best response is PD or NE."),
        Column(
            "depth_pct",
            "number",
            "Lowest change of the sum of diameters from baseline, up to the first PD or new therapy.",
            unit="%",
        ),
        _day("depth_day", "First day of that lowest change."),
        _day("new_therapy_day", "First day of a further therapy, after which no read counts; null if it is ignored."),
        _day("data_cut_day", "Day of the data cut, after which no read counts."),
        Column("reason", "text", "What was left out, what was nearly met, and what else a reader must know."),
    ),
    key=("subject", "reader", "source", "confirmation"),
)

IGNORED_READS = Table(
    "ignored_reads",
    "One read that a result does not rest on a row.",
    (
        SUBJECT,
        _READER,
        Column("day", "integer", "Day of the read.", unit="d", needed=True),
        Column("visit", "text", "Name of the visit."),
        Column("source", "text", "Whose response it is: recorded, or derived.", needed=True, allowed=SOURCES),
        Column("rule", "text", "Why it does not count.", needed=True),
    ),
    key=("subject", "reader", "day"),
)

RESPONSE_DIFFERENCES = Table(
    "response_differences",
    "One assessment where the recorded and the derived response are not the same a row.",
    (
        SUBJECT,
        _READER,
        Column("day", "integer", "Day of the assessment.", unit="d", needed=True),
        Column("visit", "text", "Name of the visit."),
        Column(
            "kind",
            "text",
            "They differ; or one of them is missing after treatment.",
            needed=True,
            allowed=DIFFERENCES,
        ),
        Column("recorded", "text", "What the reader recorded: the endpoint.", allowed=RESPONSES),
        Column("derived", "text", "What follows from the lesions.", allowed=RESPONSES),
        Column("derivation", "text", "How it follows: sums, thresholds, non-targets, new lesions."),
    ),
    key=("subject", "reader", "day"),
)

IRECIST = Table(
    "irecist",
    "iRECIST at one visit of one subject and reader.",
    (
        SUBJECT,
        _READER,
        Column("day", "integer", "Day of the assessment.", unit="d", needed=True),
        Column("visit", "text", "Name of the visit."),
        Column("sum_mm", "number", "Sum of diameters of the targets; null unless all are measured.", unit="mm"),
        Column("new_sum_mm", "number", "Sum of diameters of the measured new lesions; null without.", unit="mm"),
        Column("target_response", "text", "RECIST 1.1 response of the targets.", allowed=RESPONSES),
        Column("nontarget_response", "text", "RECIST 1.1 response of the non-targets.", allowed=RESPONSES),
        Column("new_lesions", "integer", "New lesions seen at this visit.", minimum=0),
        Column("response", "text", "Response by iRECIST; null after iCPD.", allowed=IRESPONSES),
        _day("unconfirmed_day", "First iUPD of those that await confirmation, that this visit confirms or sets aside."),
        Column("reason", "text", "What made it iUPD or iCPD, or why progression was not confirmed."),
    ),
    key=("subject", "reader", "day"),
)

IRECIST_BEST = Table(
    "irecist_best",
    "The best response by iRECIST of one subject and reader a row.",
    (
        SUBJECT,
        _READER,
        Column("best_response", "text", "Best response up to iCPD.", needed=True, allowed=IRESPONSES),
        _day("day", "First day of it."),
        _day("progression_day", "First iUPD that was confirmed, or that nothing followed but iUPD and NE."),
        Column("confirmed", "boolean", "That progression was confirmed; null without progression."),
    ),
    key=("subject", "reader"),
)
