"""The scales of GatingML 2.0 on which populations are gated and shown: exact, back again, and fast.

Each scale shows its top, T, at 1. `exact` is the published definition in float64, `inverse` its closed-form inverse,
`fast` the same for a float32 channel of millions of events, within 1e-6. The definitions, names of parameters and
their limits are those of section 6 of the specification (Spidlen et al., Cytometry A 2015;87:683; version 2.0,
20130122).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from math import exp, expm1, isfinite, log, log10, sinh
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from tilseq.errors import AnalysisError
from tilseq.flow.curve import Curve, Doubles, doubles, falling_rate
from tilseq.flow.lookup import Table, look_up, tabulate
from tilseq.flow.tube import Floats

LN10 = log(10)
# Wider than any instrument, and narrow enough for float32.
SMALLEST_TOP, LARGEST_TOP = 1e-6, 1e30
FEWEST_DECADES, MOST_DECADES = 0.01, 20.0
NARROWEST_HYPERLOG = 1e-3
SMALLEST_FLOAT = np.finfo(np.float32).tiny


class Scale(Protocol):
    """What every scale can do."""

    def exact(self, values: ArrayLike) -> Doubles:
        """Return linear values of any shape on the displayed scale, float64."""

    def inverse(self, displayed: ArrayLike) -> Doubles:
        """Return the linear values of displayed ones of any shape, float64."""

    def fast(self, values: Floats, out: Floats | None = None) -> Floats:
        """Return one channel, float32, on the displayed scale, float32.

        Parameters
        ----------
        values
            Linear, compensated values, shape (events,); quickest where they are contiguous. NaN stays NaN.
        out
            Where to put the result; may be `values`. By default a new array.
        """


@dataclass(frozen=True)
class Linear:
    """``(x + a) / (t + a)``.

    Parameters
    ----------
    t
        The value shown at 1.
    a
        The negative of the value shown at 0; from 0 to `t`.

    Raises
    ------
    AnalysisError
        A parameter is outside its limits.
    """

    t: float
    a: float

    def __post_init__(self) -> None:
        _within("t", self.t, SMALLEST_TOP, LARGEST_TOP)
        _within("a", self.a, 0, self.t)

    def exact(self, values: ArrayLike) -> Doubles:
        """Return linear values on the displayed scale."""
        return (doubles(values) + self.a) / (self.t + self.a)

    def inverse(self, displayed: ArrayLike) -> Doubles:
        """Return the linear values of displayed ones."""
        return doubles(displayed) * (self.t + self.a) - self.a

    def fast(self, values: Floats, out: Floats | None = None) -> Floats:
        """Return one float32 channel on the displayed scale; see `Scale.fast`."""
        out = np.add(values, np.float32(self.a), out=out)
        out *= np.float32(1 / (self.t + self.a))
        return out


@dataclass(frozen=True)
class Log:
    """``log10(x / t) / m + 1``; what has no logarithm, 0 and below, is NaN, so that no gate takes it.

    Parameters
    ----------
    t
        The value shown at 1.
    m
        Number of decades from 0 to 1.

    Raises
    ------
    AnalysisError
        A parameter is outside its limits.
    """

    t: float
    m: float

    def __post_init__(self) -> None:
        _check(self.t, self.m)

    def exact(self, values: ArrayLike) -> Doubles:
        """Return linear values on the displayed scale."""
        linear = doubles(values)
        return np.log10(np.where(linear > 0, linear, np.nan) / self.t) / self.m + 1

    def inverse(self, displayed: ArrayLike) -> Doubles:
        """Return the linear values of displayed ones."""
        return self.t * 10 ** ((doubles(displayed) - 1) * self.m)

    def fast(self, values: Floats, out: Floats | None = None) -> Floats:
        """Return one float32 channel on the displayed scale; see `Scale.fast`."""
        below = ~(values > 0)
        # numpy is slow where it meets negative numbers.
        out = np.maximum(values, SMALLEST_FLOAT, out=out)
        np.log10(out, out=out)
        out *= np.float32(1 / self.m)
        out += np.float32(1 - log10(self.t) / self.m)
        out[below] = np.nan
        return out


@dataclass(frozen=True)
class Arcsinh:
    """``(arcsinh(x sinh(m ln 10) / t) + a ln 10) / ((m + a) ln 10)``, GatingML's fasinh.

    Parameters
    ----------
    t
        The value shown at 1.
    m
        Number of decades above the nearly linear part.
    a
        Number of negative decades; from 0 to `m`.

    Raises
    ------
    AnalysisError
        A parameter is outside its limits.
    """

    t: float
    m: float
    a: float

    def __post_init__(self) -> None:
        _check(self.t, self.m)
        _within("a", self.a, 0, self.m)

    @property
    def cofactor(self) -> float:
        """What linear values are divided by."""
        return self.t / sinh(self.m * LN10)

    def exact(self, values: ArrayLike) -> Doubles:
        """Return linear values on the displayed scale."""
        curved = np.arcsinh(doubles(values) / self.cofactor)
        return (curved + self.a * LN10) / ((self.m + self.a) * LN10)

    def inverse(self, displayed: ArrayLike) -> Doubles:
        """Return the linear values of displayed ones."""
        curved = doubles(displayed) * ((self.m + self.a) * LN10) - self.a * LN10
        return self.cofactor * np.sinh(curved)

    def fast(self, values: Floats, out: Floats | None = None) -> Floats:
        """Return one float32 channel on the displayed scale; see `Scale.fast`."""
        out = np.multiply(values, np.float32(1 / self.cofactor), out=out)
        np.arcsinh(out, out=out)
        out *= np.float32(1 / ((self.m + self.a) * LN10))
        out += np.float32(self.a / (self.m + self.a))
        return out


@dataclass(frozen=True)
class _AboutZero(ABC):
    """What logicle and hyperlog share: their four parameters, and a curve that is odd about where 0 is shown."""

    t: float
    w: float
    m: float
    a: float

    def __post_init__(self) -> None:
        _check(self.t, self.m)
        _within("w", self.w, 0, self.m / 2)
        _within("a", self.a, -self.w, self.m - 2 * self.w)

    @property
    def zero(self) -> float:
        """Where 0 is shown."""
        return (self.a + self.w) / (self.m + self.a)

    @property
    @abstractmethod
    def _curve(self) -> Curve:
        """The curve on the displayed scale, from where 0 is shown."""

    @cached_property
    def _table(self) -> Table:
        return tabulate(self._curve.displayed, self._curve.bend, self.t)

    def exact(self, values: ArrayLike) -> Doubles:
        """Return linear values on the displayed scale, by Newton's method to the precision of float64."""
        return self.zero + self._curve.displayed(doubles(values))

    def inverse(self, displayed: ArrayLike) -> Doubles:
        """Return the linear values of displayed ones."""
        return self._curve.linear(doubles(displayed) - self.zero)

    def fast(self, values: Floats, out: Floats | None = None) -> Floats:
        """Return one float32 channel on the displayed scale; see `Scale.fast`."""
        return look_up(self._table, self.zero, values, self.exact, out)


@dataclass(frozen=True)
class Logicle(_AboutZero):
    """The logicle scale of Parks, Roederer and Moore (Cytometry A 2006;69:541), odd about where 0 is shown.

    Above 0 it is the y at which ``a e^(b y) - c e^(-d y) - f`` is the linear value, in the form and with the
    parameters of Moore and Parks (Cytometry A 2012;81:273); below 0 it is mirrored.

    Parameters
    ----------
    t
        The value shown at 1.
    w
        Number of decades in the nearly linear part; from 0 to ``m / 2``.
    m
        Number of decades that a logarithmic scale would have.
    a
        Number of further negative decades; from ``-w`` to ``m - 2 w``.

    Raises
    ------
    AnalysisError
        A parameter is outside its limits.
    """

    @cached_property
    def _curve(self) -> Curve:
        b = (self.m + self.a) * LN10
        d = falling_rate(b, self.w / (self.m + self.a))
        # That the curvature is 0 where 0 is shown makes a b² e^(b x1) = c d² e^(-d x1).
        ratio = (b / d) ** 2
        above = 1 - self.zero
        rise = self.t / (expm1(b * above) - ratio * expm1(-d * above))
        return Curve(rise=rise, b=b, fall=rise * ratio, d=d)


@dataclass(frozen=True)
class Hyperlog(_AboutZero):
    """The hyperlog scale of Bagwell (Cytometry A 2005;64:34), as GatingML 2.0 has it, odd about where 0 is shown.

    Above 0 it is the y at which ``a e^(b y) + c y - f`` is the linear value; below 0 it is mirrored.

    Parameters
    ----------
    t
        The value shown at 1.
    w
        Number of decades in the nearly linear part; from 0.001 (GatingML: above 0) to ``m / 2``.
    m
        Number of decades that a logarithmic scale would have.
    a
        Number of further negative decades; from ``-w`` to ``m - 2 w``.

    Raises
    ------
    AnalysisError
        A parameter is outside its limits.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        _within("w", self.w, NARROWEST_HYPERLOG, self.m / 2)

    @cached_property
    def _curve(self) -> Curve:
        b = (self.m + self.a) * LN10
        width = self.w / (self.m + self.a)
        # c / a = e^(b x0) / w, and x0 lies `width` above where 0 is shown.
        ratio = exp(b * width) / width
        above = 1 - self.zero
        rise = self.t / (expm1(b * above) + ratio * above)
        return Curve(rise=rise, b=b, slope=rise * ratio)


def _check(t: float, m: float) -> None:
    _within("t", t, SMALLEST_TOP, LARGEST_TOP)
    _within("m", m, FEWEST_DECADES, MOST_DECADES)


def _within(name: str, value: float, lowest: float, highest: float) -> None:
    if not (isfinite(value) and lowest <= value <= highest):
        raise AnalysisError(
            f"the parameter {name} of a scale is outside its limits",
            found=value,
            expected=f"a number from {lowest:g} to {highest:g}",
        )
