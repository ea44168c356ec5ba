"""How to mend the slips that are common in tables that a person has typed, or a spreadsheet has changed."""

from __future__ import annotations

import re
from datetime import date, timedelta

from tilseq.errors import TilseqError
from tilseq.tables.schema import NO_THOUSANDS

LASTING_WORDS = ("ongoing", "on-going", "continuing", "continues", "still ongoing", "persistent", "not resolved")
MISSING_WORDS = ("na", "n/a", "n.a.", "#n/a", "nd", "n.d.", "nan", "null", "none", ".", "-", "--", "?")
NUMBERS = ("a whole number", "a number with a decimal point and without a unit")
GRADE = re.compile(r"(?:g|gr|grade|ctcae)?[\s.]*([1-5])", re.IGNORECASE)
DECIMAL = re.compile(r"[-+]?[0-9]+\.[0-9]+")
COMMA = re.compile(r"[-+]?[0-9]*,[0-9]+(E[-+]?[0-9]+)?", re.IGNORECASE)
THOUSANDS_MARK = r"(?: |'|\u2019|\\xa0|\\u2009|\\u202f)"  # errors show unusual blanks by their codes
PARTED = re.compile(rf"[0-9]{{1,3}}({THOUSANDS_MARK}[0-9]{{3}})+")
COMMA_OR_THOUSAND = re.compile(r"[-+]?[1-9][0-9]{0,2},[0-9]{3}")
MARKS = str.maketrans("", "", ".,")
OUT_OF_ORDER = "days count from the infusion numbered 1: number infusions in the order of their days"
SHORTENED = re.compile(r"[0-9](\.[0-9]+)?E\+[0-9]{2,3}")
# Days since the last of 1899, as spreadsheets number the dates of 1950 to 2099.
SPREADSHEET_ZERO, SPREADSHEET_DATES = date(1899, 12, 30), (18264, 73050)


def advise(fault: TilseqError) -> None:
    """Add the mend of a common slip to a fault that has none.

    A date or a part of a day in a column of days, a word where a cell should be empty, an end that has not come, a
    grade with its name, a decimal comma, thousands that are parted, a spreadsheet's number of a date, a merged cell,
    infusions that are not numbered in their order.
    """
    found = (fault.found or "").strip("'\"").strip()
    column = fault.column or ""
    if fault.mend is not None:
        return
    if fault.expected == "a whole number" and column.endswith("day") and found.count("-") == 2:
        fault.mend = f"call the column {column[:-3]}date to write dates"
    elif fault.expected == "a whole number" and column.endswith("day") and _in_part(found):
        fault.mend = "write whole days; is it a time in months?"
    elif column == "subject" and fault.found is None and (fault.row or 0) > 2:
        fault.mend = "write it in every row; of merged cells the first alone holds it"
    elif column == "grade" and fault.found is None:
        fault.mend = "find it out; an event without a grade can be counted nowhere"
    elif column.startswith("end_") and lasting(found) is not None:
        fault.mend = lasting(found)
    elif column == "grade":
        named = GRADE.fullmatch(found)
        fault.mend = f"write {named[1]}" if named else "write 1 to 5"
    elif found.casefold() in MISSING_WORDS:
        fault.mend = "leave the cell empty where there is no value"
    elif fault.expected == "a whole number" and _in_part(found):
        fault.mend = "write a whole number"
    elif fault.expected == NO_THOUSANDS:
        fault.mend = f"is it {found.translate(MARKS)}? write it so"
    elif fault.expected in NUMBERS and COMMA_OR_THOUSAND.fullmatch(found):
        point, none = found.replace(",", "."), found.replace(",", "")
        fault.mend = f"write {point} where the comma is a decimal one, {none} where it parts thousands"
    elif fault.expected in NUMBERS and COMMA.fullmatch(found):
        fault.mend = f"write a decimal point: {found.replace(',', '.')}"
    elif fault.expected in NUMBERS and PARTED.fullmatch(found):
        fault.mend = f"is it {re.sub(THOUSANDS_MARK, '', found)}? write it so"
    elif column == "day" and fault.expected == "at least 0":  # infusions alone have no day before 0
        fault.mend = OUT_OF_ORDER
    elif column.endswith("day") and (fault.expected or "").startswith("at "):
        fault.mend = serial_date(found) or ("a day lies within a century of the infusion" if len(found) > 4 else None)


def _in_part(cell: str) -> bool:
    """Tell whether a cell holds a number that is not whole, with a decimal point or comma."""
    number = cell.replace(",", ".", 1)
    return DECIMAL.fullmatch(number) is not None and not float(number).is_integer()


def lasting(cell: str) -> str | None:
    """Return the mend of a word for an event that has not ended, None for another cell."""
    return "leave it empty while the event lasts" if cell.strip().casefold() in LASTING_WORDS else None


def serial_date(cell: str) -> str | None:
    """Return the mend of a date that a spreadsheet has turned into its number, None for what is none.

    >>> serial_date("45000")
    'as spreadsheets number dates this is 2023-03-15: write it so, in a column of dates'
    """
    if not re.fullmatch("[0-9]{5}", cell) or not SPREADSHEET_DATES[0] <= int(cell) <= SPREADSHEET_DATES[1]:
        return None
    when = SPREADSHEET_ZERO + timedelta(days=int(cell))
    return f"as spreadsheets number dates this is {when}: write it so, in a column of dates"


def shortened_number(identifier: str) -> bool:
    """Tell whether an identifier looks as a spreadsheet writes long numbers.

    >>> shortened_number("1E+05"), shortened_number("1.2E+11"), shortened_number("1E5")
    (True, True, False)
    """
    return SHORTENED.fullmatch(identifier) is not None
