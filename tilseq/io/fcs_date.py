"""The day on which an FCS file says that it was measured."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
# FCS asks for dd-mmm-yyyy; programs write the year first, too, and FCS 2.0 had years of two digits.
DAY_FIRST = re.compile(r"(?P<day>[0-9]{1,2})-(?P<month>[A-Z]{3})-(?P<year>[0-9]{4}|[0-9]{2})")
YEAR_FIRST = re.compile(r"(?P<year>[0-9]{4})-(?P<month>[A-Z]{3}|[0-9]{2})-(?P<day>[0-9]{1,2})")
CENTURY_ENDS = 70  # FCS is of 1984


def measured_on(keywords: Mapping[str, str]) -> date | None:
    """Return the day of $DATE; None where there is none, or one that reads in more than one way, as 03/04/2024 does.

    >>> measured_on({"$DATE": "02-JUL-2013"}), measured_on({"$DATE": "03/04/2024"})
    (datetime.date(2013, 7, 2), None)
    """
    told = keywords.get("$DATE", "").strip().upper()
    found = DAY_FIRST.fullmatch(told) or YEAR_FIRST.fullmatch(told)
    if found is None:
        return None
    year, month = int(found["year"]), found["month"]
    if len(found["year"]) == 2:
        year += 1900 if year >= CENTURY_ENDS else 2000
    try:
        return date(year, MONTHS.index(month) + 1 if month.isalpha() else int(month), int(found["day"]))
    except ValueError:  # no day of the calendar
        return None
