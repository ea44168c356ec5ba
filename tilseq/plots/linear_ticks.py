"""Ticks of linear values on an arcsinh scale."""

from __future__ import annotations

from tilseq.flow.transform import arcsinh

TICKS_APART = 0.12
DECADES = range(8)


def ticks_of(cofactor: float, limits: tuple[float, float]) -> dict[float, float]:
    """Return place → linear value of 0 and the powers of ten; near 0 they crowd, so the far ones go first."""
    ticks: dict[float, float] = {}
    tens = [10.0**power for power in reversed(DECADES)]
    for value in (0.0, *tens, *(-ten for ten in tens)):
        place = float(arcsinh(value, cofactor))
        apart = TICKS_APART * (limits[1] - limits[0])
        if limits[0] <= place <= limits[1] and all(abs(place - other) > apart for other in ticks):
            ticks[place] = value
    return ticks


def brief(value: float) -> str:
    """Return a number as an axis bears it: 0, 100, −1k, 3M."""
    size, letter = next(((s, unit) for s, unit in ((1e6, "M"), (1e3, "k")) if abs(value) >= s), (1.0, ""))
    return f"{value / size:g}{letter}".replace("-", "\N{MINUS SIGN}")
