"""What figures of the clinic have in common: colours and words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tilseq.errors import AnalysisError
from tilseq.plots.rows import needing
from tilseq.plots.style import MUTED, short

if TYPE_CHECKING:
    import polars as pl

# Colours of Okabe and Ito, so that none of them meets another of like hue with any kind of colour vision.
RESPONSE_COLOURS = {
    "CR": "#009E73",
    "PR": "#56B4E9",
    "SD": "#E69F00",
    "NON-CR/NON-PD": "#CC79A7",
    "PD": "#D55E00",
    "NE": MUTED,
    "not_assessed": "#c4cad1",
}
MONTH = 30.4375  # days
THRESHOLDS = (-30, 20)  # % of change, of partial response and of progression
RESPONSE_WORDS = {"not_assessed": "not assessed"}


def whole_percent(share: float | None) -> str:
    """Return a fraction in whole per cent, in which some are neither none nor all; null as a dash.

    >>> [whole_percent(share) for share in (0.0, 1 / 300, 0.25, 299 / 300, 1.0, None)]
    ['0', '<1', '25', '>99', '100', '–']
    """
    if share is None:
        return "–"
    text = f"{100 * share:.0f}"
    return "<1" if share > 0 and text == "0" else ">99" if share < 1 and text == "100" else text


def one_a_subject(rows: pl.DataFrame, mend: str) -> pl.DataFrame:
    """Return rows of which each subject has one.

    Raises
    ------
    AnalysisError
        A subject has several.
    """
    twice = rows.filter(rows["subject"].is_duplicated())
    if twice.height:
        found = f"{twice.filter(subject=twice['subject'][0]).height} rows of {twice['subject'][0]}"
        raise AnalysisError("a subject has one place in the figure", column="subject", found=found, mend=mend)
    return rows


def response_that_counts(*who: str) -> pl.Expr:
    """Return the response of each assessment: of those who recorded any the recorded, of others the derived.

    Parameters
    ----------
    *who
        Columns that tell whose responses are of one kind, such as `subject` and `reader`.
    """
    import polars as pl

    recorded, derived = (pl.col(name).cast(pl.String) for name in ("recorded", "response"))
    told = recorded.is_not_null() & ~pl.col("baseline").fill_null(False)
    return pl.when(told.any().over(who)).then(recorded).otherwise(derived)


def first_new_therapy(therapies: Any) -> pl.DataFrame:
    """Return `subject, day` of each subject's first further therapy after day 0; what bridges to it is none."""
    import polars as pl

    if therapies is None:
        return pl.DataFrame(schema={"subject": pl.String, "day": pl.Int64})
    given = needing(therapies, ("subject", "start_day")).select("subject", day=pl.col("start_day").cast(pl.Int64))
    return given.filter(pl.col("day") > 0).group_by("subject").agg(pl.col("day").min()).sort("subject")


def group_in_words(group: str) -> str:
    """Return a group as a reader knows it.

    >>> group_in_words("tumor_type=head_and_neck"), group_in_words("nsclc"), group_in_words("all")
    ('head and neck', 'NSCLC', 'all')
    """
    name = group.partition("=")[2] or group
    return "NSCLC" if name == "nsclc" else short(name.replace("_", " "))


def in_words(row: Mapping[str, Any], name: str) -> str:
    """Return one number of a row of `survival_estimates`, or the word that stands for it.

    Days are told in months of 30.4375 days, a share in percent; the unit stands beside neither.

    >>> row = {"lower": 200.0, "upper": None, "upper_text": "not reached", "unit": "d"}
    >>> in_words(row, "lower"), in_words(row, "upper")
    ('6.6', 'not reached')
    """
    value = row[name]
    if value is None:
        return row[f"{name}_text"] or "no limit"
    return f"{value / MONTH if row['unit'] == 'd' else 100 * value:.1f}"


def median_words(row: Mapping[str, Any]) -> str:
    """Return a median of `survival_estimates` with its limits.

    >>> median_words({"estimate": 280.0, "lower": 200.0, "upper": None, "upper_text": "not reached", "unit": "d"})
    'median 9.2 months (6.6 to not reached)'
    """
    unit = "" if row["estimate"] is None else " months"
    if row["lower"] is None and row["upper"] is None:
        return f"median {in_words(row, 'estimate')}{unit} (no limits)"
    return f"median {in_words(row, 'estimate')}{unit} ({in_words(row, 'lower')} to {in_words(row, 'upper')})"


def limits_words(methods: Iterable[str | None]) -> str:
    """Return how the limits of Kaplan-Meier curves were found, by the methods of their rows; nothing where none says.

    >>> limits_words(["area under Kaplan-Meier, logit t 95 %", "reverse Kaplan-Meier, log-log 95 %"])
    'log-log'
    """
    found = (re.fullmatch(r"(?:reverse )?Kaplan-Meier, (.+) [\d.]+ %", method or "") for method in methods)
    return " and ".join(dict.fromkeys(match[1] for match in found if match))


def named_few(names: Sequence[str], most: int = 6) -> str:
    """Return names in words, at most so many of them.

    >>> named_few(["A", "B"]), named_few(list("ABCDE"), 2)
    ('A, B', 'A, B and 3 more')
    """
    shown = ", ".join(short(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
