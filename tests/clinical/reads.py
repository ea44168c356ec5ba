"""Recorded responses as the table `response` holds them, from literal reads."""

from datetime import date

from tilseq.tables.outputs import RESPONSE


def recorded(reads, reader=None):
    """Return the table from rows of subject, day and word."""
    return RESPONSE.frame(
        [
            {"subject": subject, "day": day, "recorded": word, "reader": reader, "baseline": False}
            | {"targets": 0, "targets_measured": 0}
            for subject, day, word in reads
        ]
    )


def days_from(starts, rows):
    """Return rows of subject, ISO date and word with the days since each subject's start."""
    return [(subject, day_of(starts, subject, text), word) for subject, text, word in rows]


def day_of(starts, subject, text):
    """Return the day of an ISO date, None for None."""
    return None if text is None else (date.fromisoformat(text) - date.fromisoformat(starts[subject])).days
