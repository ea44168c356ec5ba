"""What laboratories write: names of tests, units, and results such as ``4.2`` or ``<0.5``, read in one way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

# Units of a blood count, in cells/µL, written plainly as `per_ul_of_unit` does. g/l is a mass, G/l is 10^9/L.
GIGA = {"G/L": 1_000.0, "G/l": 1_000.0}
PER_UL = {"10^9/l": 1_000.0, "gpt/l": 1_000.0, "10^3/ul": 1_000.0, "k/ul": 1_000.0, "/nl": 1_000.0}
PER_UL |= {"gi/l": 1_000.0, "thou/ul": 1_000.0, "10^6/l": 1.0, "/ul": 1.0, "10^3/ml": 1.0}
BLOOD_UNITS = "10^9/L, 10^3/uL, /uL or 10^6/L"
COUNT_UNIT = "10^9/L"
SUPERSCRIPTS = str.maketrans("\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079", "0123456789")
LIMITS = "<=|>=|<|>|≤|≥"  # what a laboratory writes before the limit of what it can measure
RESULT = re.compile(rf"({LIMITS})?\s*(-?(?:\d+(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d{{1,3}}))?)", re.ASCII)
OPERATORS = {"≤": "<=", "≥": ">="}
LARGEST_RESULT = 1e15
MOST_OF_A_COUNT = 20.0  # times the usual upper limit: 200 x 10^9/L of leucocytes, as in leukaemia alone
# What nobody lives with below and above these parts of the usual upper limit: haemoglobin below 17 g/L is one in g/dL,
# glucose of 90 mmol/L one in mg/dL. The round figures lie beyond what is ever seen in the living.
STEADY = (0.1, 3.0)
BEYOND_LIFE = dict.fromkeys(("haemoglobin", "albumin", "sodium", "potassium", "calcium", "corrected calcium"), STEADY)
BEYOND_LIFE |= {"creatinine": (0.1, 40.0), "glucose": (0.1, 10.0), "fasting glucose": (0.1, 10.0)}
BEYOND_LIFE |= {"bilirubin": (0.06, 50.0), "urate": (0.02, 10.0)}
BEYOND_LIFE |= {"cholesterol": (0.1, 10.0), "triglycerides": (0.03, 60.0)}
FAR_FROM_USUAL = 3.0  # times the usual upper limit, or that part of it: the unit is another
MOST_IN_PARTS = 20.0  # nobody counts tenths of so few cells per uL: 5.1 is of 10^9/L
WHOLES = {"ANC": "WBC", "lymphocytes": "WBC", "CD4 lymphocytes": "lymphocytes"}  # cells → what they are a part of
ACTIVITY = ("u/l", "iu/l", "u/ml", "iu/ml", "ku/l", "kiu/l")  # of enzymes and CA 125, written plainly
THOUSANDS = re.compile(r"[1-9]\d{0,2}(\.\d{3})+", re.ASCII)
PUNCTUATION = re.compile(r"[\s.,;:_/()\[\]-]+")  # neither + nor %: those make another test
TWO_NAMES = re.compile(r"([^()\[\]]+)[(\[]([^()\[\]]+)[)\]]")
NEAR = 0.8  # ratio of difflib from which one name is near to another
SPECIMENS = {"serum", "plasma"}
WITHIN_CELLS = "haemoglobin"  # in plasma or serum it is that of destroyed cells, another test
SHARES = ("%", "percent", "fraction")  # of leucocytes: no count


@dataclass(frozen=True)
class Result:
    """A result as a number.

    Attributes
    ----------
    value
        The number that is written.
    operator
        ``<``, ``<=``, ``>`` or ``>=`` where the result is only known to lie beyond the number, else None.
    last_digit
        What one unit of the last digit written is worth: 0.01 of ``1.20``.
    """

    value: float
    operator: str | None
    last_digit: float


@dataclass(frozen=True)
class LabTest:
    """One test that the criteria know.

    Attributes
    ----------
    name
        Its plain name.
    unit
        Unit in which results are compared.
    factors
        Unit, written plainly → what one of it is in `unit`; of a blood count every unit of `per_ul_of_unit` serves.
    usual_upper_limit
        Customary upper limit of normal in `unit`, against which a record's own is held; it never stands in for it. None
        where methods differ too much, as of enzymes.
    units
        Its units as they are written, for messages.
    """

    name: str
    unit: str
    factors: Mapping[str, float]
    usual_upper_limit: float | None = None
    units: str = ""

    @property
    def most(self) -> float | None:
        """Value, in the test's unit, above which another unit is likelier than such a value; None: not known.

        >>> lab_test("ANC").most, lab_test("Hb").most, lab_test("ALT").most
        (150.0, 510.0, None)
        """
        times = MOST_OF_A_COUNT if self.unit == COUNT_UNIT else BEYOND_LIFE.get(self.name, (None, None))[1]
        return times * self.usual_upper_limit if times and self.usual_upper_limit else None

    @property
    def least(self) -> float | None:
        """Value, in the test's unit, below which another unit is likelier than such a value; None: not known.

        >>> lab_test("Hb").least, lab_test("ANC").least
        (17.0, None)
        """
        times = BEYOND_LIFE.get(self.name, (None, None))[0]
        return times * self.usual_upper_limit if times and self.usual_upper_limit else None

    def is_strange_limit(self, upper_limit: float | None, unit: str | None) -> bool:
        """Whether an upper limit of normal is so far from the usual one that its unit is another than is written.

        >>> lab_test("Hb").is_strange_limit(160, "g/dL"), lab_test("Hb").is_strange_limit(16, "g/dL")
        (True, False)
        """
        factor, usual = self.factor(unit), self.usual_upper_limit
        if upper_limit is None or factor is None or not usual:
            return False
        return not usual / FAR_FROM_USUAL <= upper_limit * factor <= usual * FAR_FROM_USUAL

    def factor(self, unit: str | None) -> float | None:
        """Return what one of a unit is in the test's own, None for a unit that it does not have.

        >>> lab_test("Hgb").factor("g/dL"), lab_test("NEUT").factor("/mm3"), lab_test("ALT").factor("mmol/L")
        (10.0, 0.001, None)
        """
        written = unit or "1"
        if self.unit == COUNT_UNIT:
            per_ul = per_ul_of_unit(written)
            return None if per_ul is None else per_ul / 1000
        return self.factors.get(plain_unit(written))


@cache
def lab_tests() -> Mapping[str, LabTest]:
    """Return every name and alias, in small letters → the test, as `lab_tests.tsv` lists them."""
    lines = files("tilseq").joinpath("lab_tests.tsv").read_text(encoding="utf-8").splitlines()
    found: dict[str, LabTest] = {}
    for name, aliases, unit, also, usual, _ in (line.split("\t") for line in lines[1:]):
        others = [part.split("=") for part in also.split("; ") if part]
        factors = {plain_unit(unit): 1.0} | {plain_unit(other): float(factor) for other, factor in others}
        written = BLOOD_UNITS if unit == COUNT_UNIT else ", ".join([unit, *(other for other, _ in others)])
        test = LabTest(name, unit, factors, float(usual) if usual else None, written)
        found |= {alias.casefold(): test for alias in [name, *aliases.split("; ")] if alias}
    return found


@cache
def lab_test(name: str) -> LabTest | None:
    """Return the test of a name or alias; None for one that is not known.

    Upper and lower case, the order of words, and commas, dots, hyphens and brackets are alike, and serum and plasma may
    stand beside, but for haemoglobin. What else is written, such as urine, direct or %, makes it another test. A name
    in brackets may stand behind another of the same test.

    >>> [lab_test(name).name for name in ("Bilirubin, total", "Neutrophils abs.", "GOT (AST)", "Serum sodium")]
    ['bilirubin', 'ANC', 'AST', 'sodium']
    >>> lab_test("Bilirubin (direct)"), lab_test("Potassium, urine"), lab_test("Neutrophils %")
    (None, None, None)
    """
    found = lab_tests().get(" ".join(name.split()).casefold()) or _by_words().get(_words(name))
    twice = TWO_NAMES.fullmatch(name.strip())
    if found is None and twice:
        one, other = (lab_tests().get(part.strip().casefold()) for part in twice.groups())
        found = one if one is not None and one == other else None
    if found is not None and found.name == WITHIN_CELLS and not SPECIMENS.isdisjoint(_split(name)):
        return None
    return found


def most_of_part(whole: Any) -> Any:
    """Return how many cells of a kind (10^9/L) can be counted where so many are of all that these are a part of.

    A day may have several draws, and counts are rounded. `whole` is a number or a column of polars.
    """
    return 1.5 * whole + 0.1


def near_test(name: str) -> str | None:
    """Return a mend such as ``did you mean 'sodium'?`` for a name of no known test, None where nothing is near.

    A further word is no slip of the pen: urine albumin is not near albumin.
    """
    from difflib import get_close_matches

    near = get_close_matches(" ".join(name.split()).casefold(), list(lab_tests()), n=1, cutoff=NEAR)
    return None if not near or _words(near[0]) < _words(name) else f"did you mean {near[0]!r}?"


@cache
def _by_words() -> Mapping[frozenset[str], LabTest]:
    """Return the words of every name and alias → the test."""
    return {_words(name): test for name, test in lab_tests().items()}


def _words(name: str) -> frozenset[str]:
    words = _split(name)
    return words - SPECIMENS or words


def _split(name: str) -> frozenset[str]:
    return frozenset(PUNCTUATION.sub(" ", name).casefold().split())


def read_result(text: str | None, *, signed: bool = False, unit: str | None = None) -> Result | str:
    """Return a result, or in words why it is none.

    A comma may be a decimal or a thousands mark, so it is refused, and so is every word. So may the point of ``1.200``
    where the `unit` is of cells per µL or of activity, of which nobody tells thousandths. A negative number is refused
    unless `signed`: no count or concentration can be one, but an axis of the heart can.

    >>> read_result("<0.5"), read_result("4,2")
    (Result(value=0.5, operator='<', last_digit=0.1), "the comma of '4,2' may be a decimal or a thousands mark")
    >>> read_result("1.200", unit="/uL"), read_result("1.200", unit="10^9/L")
    ("the point of '1.200' may be a thousands mark", Result(value=1.2, operator=None, last_digit=0.001))
    """
    plain = (text or "").strip()
    if not plain:
        return "no value"
    whole = unit and (per_ul_of_unit(unit) == 1 or plain_unit(unit) in ACTIVITY)
    if whole and THOUSANDS.fullmatch(plain.lstrip("<>=≤≥ ")):
        return f"the point of {plain!r} may be a thousands mark"
    match = RESULT.fullmatch(plain)
    if match is None:
        comma = "," in plain and RESULT.fullmatch(plain.replace(",", ""))
        if comma:
            return f"the comma of {plain!r} may be a decimal or a thousands mark"
        goes = ", its unit goes to `unit`" if RESULT.match(plain) and "/" in plain else ""
        return f"{plain!r} is no number{goes}"
    value = float(match[2])
    if value < 0 and not signed:
        return f"{plain!r} is below 0"
    if abs(value) > LARGEST_RESULT:
        return f"{plain!r} is no number that a result can be"
    decimals = len(match[3] or match[4] or "")
    return Result(value, OPERATORS.get(match[1], match[1]), 10.0 ** (int(match[5] or 0) - decimals))


def per_ul_of_unit(unit: str) -> float | None:
    """Return how many cells per µL one of a unit of blood counts is, None for a unit that is none.

    `10^9/L` is read as laboratories write it (10*9/L, x10E9/L, 10⁹/l, G/L, GI/L, Gpt/l, /nl), and so are 10^3/uL
    (K/µL, THOU/uL, 10^3/mm3), /uL (cells/µL, /mm3, /cumm) and 10^6/L.

    >>> per_ul_of_unit("×10⁹/L"), per_ul_of_unit("cells/mm3"), per_ul_of_unit("g/L")
    (1000.0, 1.0, None)
    """
    written = without_mu(unit)
    if written in GIGA:
        return GIGA[written]
    plain = plain_unit(unit).removeprefix("cells")
    plain = re.sub(r"^[x\u00d7*]?10(?:\^|\*\*?|e)([0-9]+)(?:cells)?/", r"10^\1/", plain)
    plain = re.sub(r"/(?:mm\^?3|cumm|cmm|mcl)$", "/ul", plain)
    plain = re.sub(r"^1/", "/", plain)
    return PER_UL.get(plain)


def plain_unit(unit: str) -> str:
    """Return a unit in small letters, with u for µ, ``^9`` for a raised 9, and without spaces."""
    digits = "[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+"
    return re.sub(digits, lambda match: f"^{match[0].translate(SUPERSCRIPTS)}", without_mu(unit)).casefold()


def without_mu(unit: str) -> str:
    """Return a unit with the letter u for either of Unicode's two µ, and without spaces."""
    return unit.replace("\u00b5", "u").replace("\u03bc", "u").replace(" ", "")
