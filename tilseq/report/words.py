"""Numbers and names as a reader meets them on the page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tilseq.errors import plural as plural
from tilseq.plots.style import SUPERSCRIPTS, visible

DASH = "–"
LONGEST_TEXT = 400
SMALLEST_PLAIN, LARGEST_PLAIN = 1e-4, 1e15
MOST_DECIMALS = 6


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with so many significant digits, thousands parted; a whole number in full; null as a dash.

    >>> number(62.7931), number(1234567), number(0.0000213), number(None)
    ('62.8', '1,234,567', '2.13 × 10⁻⁵', '–')
    """
    if value is None or math.isnan(value):
        return DASH
    if _is_extreme(value):
        return _scientific(value, digits)
    return _plain(value, 0 if math.isinf(value) or value % 1 == 0 else decimals(value, digits))


def recorded(value: float | None) -> str:
    """Return a number with the digits that were written down; null as a dash.

    >>> recorded(5.0), recorded(0.51), recorded(None)
    ('5', '0.51', '–')
    """
    return DASH if value is None else f"{value:.10g}".replace("-", "−")


def fixed(value: float | None) -> str:
    """Return a number with three decimals, whole or not; null as a dash.

    >>> fixed(1.0), fixed(0.99987), fixed(None)
    ('1.000', '1.000', '–')
    """
    return DASH if value is None or math.isnan(value) else _plain(value, 3)


def interval(value: float | None, lower: float | None, upper: float | None) -> str:
    """Return a value with its limits, all with the same decimals: two digits of the interval's width.

    The value itself keeps at least two significant digits, so that a wide interval does not round it to nothing, unless
    the interval reaches from below 0 to above it.

    >>> interval(62.79, 61.71, 63.86), interval(0.0, 0.0, 0.0123), interval(2.5, 1.25, None)
    ('62.8 (61.7-63.9)', '0 (0-0.012)', '2.50 (1.25-–)')
    >>> interval(-0.00063, -0.8626, 0.86445)
    '0.0 (−0.9 to 0.9)'
    """
    value, lower, upper = (None if x is None or math.isnan(x) else x for x in (value, lower, upper))
    limits = [limit for limit in (lower, upper) if limit is not None]
    if value is None or not limits:
        return number(value)
    about_zero = limits[0] < 0 < limits[-1] and limits[0] <= value <= limits[-1]
    if _is_extreme(limits[-1] if about_zero else value or limits[-1]):
        texts = [number(x, 2) if not x or math.isinf(x) else _scientific(x, 2) for x in (value, lower, upper)]
    else:
        width = limits[-1] - limits[0]
        least = 0 if about_zero else decimals(value, 2 if width else 3)
        places = min(max(decimals(width, 2), least), MOST_DECIMALS)
        texts = [number(x) if not x or abs(x) >= LARGEST_PLAIN else _plain(x, places) for x in (value, lower, upper)]
    between = " to " if min(limits) < 0 else "-"
    return f"{texts[0]} ({texts[1]}{between}{texts[2]})"


def decimals(value: float, digits: int) -> int:
    """Return how many decimals give a number so many significant digits, never fewer than none."""
    if value == 0 or not math.isfinite(value):
        return 0
    return max(0, digits - 1 - math.floor(math.log10(abs(value))))


def share(value: float | None, lower: float | None = None, upper: float | None = None) -> str:
    """Return a fraction, with limits where there are any, as percent without the sign."""
    return interval(*(None if x is None else 100 * x for x in (value, lower, upper)))


def seconds(value: float) -> str:
    """Return a time span.

    >>> seconds(4.2), seconds(75), seconds(7384)
    ('4.2 s', '1 min 15 s', '2 h 3 min')
    """
    if value < 60:
        return f"{number(value, 2)} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(count: int) -> str:
    """Return a number of bytes.

    >>> size(512), size(12_345_678)
    ('512 B', '12.3 MB')
    """
    for unit, power in (("GB", 9), ("MB", 6), ("kB", 3)):
        if count >= 10**power:
            return f"{number(count / 10**power)} {unit}"
    return f"{count} B"


def shown(value: Any, longest: int = LONGEST_TEXT) -> Any:
    """Return what the page prints for a value: text made visible and of a length that a page can hold."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    text = visible(value[:longest])
    return text if len(value) <= longest else f"{text}… ({len(value):,} characters)"


def flat(settings: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Return nested settings as pairs of a dotted name and a value, sorted by name."""
    pairs: list[tuple[str, str]] = []
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            pairs += flat(value, f"{before}{name}.")
        else:
            pairs.append((f"{before}{name}", _setting(value)))
    return sorted(pairs)


def _setting(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_setting(item) for item in value) or "none"
    return str(value) if value != {} else "none"


def _is_extreme(value: float) -> bool:
    return 0 < abs(value) < SMALLEST_PLAIN or LARGEST_PLAIN <= abs(value) < math.inf


def _plain(value: float, places: int) -> str:
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:z,.{places}f}".replace("-", "−")


def _scientific(value: float, digits: int) -> str:
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa.replace('-', '−')} × 10{str(int(exponent)).translate(SUPERSCRIPTS)}"
