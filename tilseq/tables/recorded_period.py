"""Whether the recorded period of an adverse event and its first day contradict each other."""

from __future__ import annotations

BEFORE = ("screening", "lymphodepletion", "conditioning")
AFTER = "follow"  # follow-up, follow up
LATER = "post"  # than what it stands before


def denies_first_day(period: str | None, start_day: int | None) -> bool:
    """Whether a period of before the infusion begins after it, or follow-up before it, as by days from another day.

    >>> denies_first_day("conditioning", 1), denies_first_day("post lymphodepletion", 1), denies_first_day("IL-2", -1)
    (True, False, False)
    >>> denies_first_day("FOLLOW-UP", -1), denies_first_day("FOLLOW-UP", 0), denies_first_day("screening", 0)
    (True, False, False)
    """
    if period is None or start_day is None:
        return False
    words = period.casefold()
    before = LATER not in words and any(word in words for word in BEFORE)
    return (before and start_day > 0) or (AFTER in words and start_day < 0)
