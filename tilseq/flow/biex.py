"""FlowJo's biexponential scale."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import exp, isfinite, log, log10

import numpy as np
from numpy.typing import ArrayLike

from tilseq.errors import AnalysisError
from tilseq.flow.curve import Curve, Doubles, doubles, falling_rate
from tilseq.flow.lookup import Table, look_up, tabulate
from tilseq.flow.tube import Floats

# With fewer channels the straight pieces are so long that the table needs more points where they meet.
FEW_CHANNELS = 1024


@dataclass(frozen=True)
class Biex:
    """FlowJo's biexponential scale in channels, 0 to `channel_range`.

    It is the logicle curve with FlowJo's parameters, linear between whole channels, as FlowJo has it in a table. The
    formulas are those of cytolib and of FlowKit's ``generate_biex_lut`` (BSD-3). FlowJo and FlowKit show what lies
    beyond the table in the first and the last channel; here the scale goes on, so clip to `channel_range` to have
    the same.

    Parameters
    ----------
    width_basis
        -1 or less; the further from 0, the wider the nearly linear part.
    negative
        Number of further negative decades; below 0 counts as 0.
    positive
        Number of decades.
    max_value
        The value at the top of the scale.
    channel_range
        Number of channels, from 256.

    Raises
    ------
    AnalysisError
        A parameter is outside its limits.
    """

    width_basis: float = -10.0
    negative: float = 0.0
    positive: float = 4.418540
    max_value: float = 262144.000029
    channel_range: int = 4096

    def __post_init__(self) -> None:
        limits = {
            "width_basis": (self.width_basis, -1e6, -1),
            "negative": (self.negative, -20, 20),
            "positive": (self.positive, 0, 20),
            "max_value": (self.max_value, 1e-6, 1e30),
            "channel_range": (self.channel_range, 256, 65_536),
        }
        for name, (value, lowest, highest) in limits.items():
            if not (isfinite(value) and lowest <= value <= highest):
                raise AnalysisError(
                    f"the parameter {name} of a biexponential scale is outside its limits",
                    found=value,
                    expected=f"a number from {lowest:g} to {highest:g}",
                )
        if self.positive <= self._half_width:
            raise AnalysisError(
                "a biexponential scale whose width leaves no decade",
                found=self.width_basis,
                expected=f"above -{10 ** (2 * self.positive):g} with {self.positive:g} positive decades",
            )

    @property
    def _half_width(self) -> float:
        return log10(-self.width_basis) / 2

    @cached_property
    def zero(self) -> int:
        """The channel of 0."""
        below = max(self.negative, 0) + self._half_width
        return int(min(below * self.channel_range / (below + self.positive - self._half_width), self.channel_range / 2))

    @cached_property
    def _curve(self) -> Curve:
        below = max(self.negative, 0) + self._half_width
        decades = below * self.channel_range / self.zero if self.zero else self.positive - self._half_width
        width = self._half_width / decades
        rising = log(10) * decades
        falling = falling_rate(rising, width)
        share = self.zero / (self.channel_range + 1)
        # e^(b y) - s e^(-d y), about the channel of 0.
        lowest = self.max_value / exp(rising)
        ratio = exp((rising + falling) * (width + below / decades) - falling * share)
        return Curve(
            rise=lowest * exp(rising * share),
            b=rising / (self.channel_range + 1),
            fall=lowest * ratio,
            d=falling / (self.channel_range + 1),
        )

    @cached_property
    def _table(self) -> Table:
        digits = 10 if self.channel_range >= FEW_CHANNELS else 12
        return tabulate(self._displayed, self._curve.bend, self.max_value, digits)

    def _displayed(self, values: Doubles) -> Doubles:
        """Return how many channels linear values lie from that of 0."""
        size = np.abs(values)
        with np.errstate(invalid="ignore"):  # infinities
            whole = np.floor(self._curve.displayed(size))
            low, high = self._curve.linear(whole), self._curve.linear(whole + 1)
            distance = whole + (size - low) / (high - low)
        return np.copysign(np.where(np.isinf(size), size, distance), values)

    def exact(self, values: ArrayLike) -> Doubles:
        """Return the channels of linear values of any shape, float64."""
        return self.zero + self._displayed(doubles(values))

    def inverse(self, displayed: ArrayLike) -> Doubles:
        """Return the linear values of channels of any shape, float64."""
        distance = doubles(displayed) - self.zero
        whole = np.floor(np.abs(distance))
        low, high = self._curve.linear(whole), self._curve.linear(whole + 1)
        return np.copysign(low + (np.abs(distance) - whole) * (high - low), distance)

    def fast(self, values: Floats, out: Floats | None = None) -> Floats:
        """Return the channels of one float32 channel of linear values, float32, within 1e-6 of `channel_range`.

        See `Scale.fast` for the parameters.
        """
        return look_up(self._table, self.zero, values, self.exact, out)
