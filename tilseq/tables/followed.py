"""Follow-up so short in everybody that its days may be weeks or months."""

from __future__ import annotations

from tilseq.errors import plural

LONGEST = 61  # days: of subjects that were all followed for less, days may have been written in another unit


def told_short_followup(longest: int | None) -> str:
    """Return in words that nobody was followed for 61 days, empty where somebody was, or nobody's days are known.

    Parameters
    ----------
    longest
        Days of who was followed longest.

    Examples
    --------
    >>> told_short_followup(52)  # doctest: +ELLIPSIS
    'no subject was followed for more than 52 days: the tables hold days; are these months? Then multiply ... 30.4375'
    >>> told_short_followup(61), told_short_followup(None)
    ('', '')
    """
    if longest is None or longest >= LONGEST:
        return ""
    asked = "the tables hold days; are these months? Then multiply them by 30.4375"
    return f"no subject was followed for more than {plural(longest, 'day')}: {asked}"
