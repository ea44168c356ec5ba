"""A smooth odd function of float32 values by table: numpy has no closed form of it that is as fast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor, log2

import numpy as np
from numpy.typing import NDArray

from tilseq.flow.curve import Doubles
from tilseq.flow.tube import Floats
from tilseq.masked import refuse_masked

# Binary digits of the fraction of a float32.
FRACTION = 23
# How far beyond the top of a scale the table goes; above that single values are calculated.
BEYOND_TOP = 8.0
# So many values at once stay in a processor's cache.
AT_ONCE = 16_384


@dataclass(frozen=True)
class Table:
    """The function at points that lie evenly within each doubling of ``|x| + offset``.

    So its points are dense about 0 and sparse far from it, as those of an inverse hyperbolic sine; but where a value
    stands among them is read off the bits of a float32, without a logarithm.

    Attributes
    ----------
    offset, limit
        Powers of two; the table ends at ``|x| = limit - offset``.
    rest
        Number of binary digits that say where a value lies between two points.
    start
        The function at each point, float32.
    step
        Its rise from there per unit in the last place of a float32.
    """

    offset: np.float32
    limit: np.float32
    rest: int
    start: Floats
    step: Floats


def tabulate(function: Callable[[Doubles], Doubles], bend: float, top: float, digits: int = 10) -> Table:
    """Tabulate an odd function.

    Parameters
    ----------
    function
        Takes float64 values of at least 0.
    bend
        The value about which it turns from straight to logarithmic, positive.
    top
        The largest value that is common.
    digits
        Binary digits of a fraction that have a point each: there are ``2 ** digits`` points in each doubling.
    """
    offset = np.float32(2.0 ** floor(log2(bend)))
    limit = np.float32(2.0 ** ceil(log2(BEYOND_TOP * top)))
    rest = FRACTION - digits
    bits = np.arange(offset.view(np.int32), limit.view(np.int32) + 1, 1 << rest, dtype=np.int32)
    points = bits.view(np.float32).astype(np.float64) - float(offset)
    values = function(points)
    step = np.diff(values) / (1 << rest)
    return Table(offset, limit, rest, values[:-1].astype(np.float32), step.astype(np.float32))


def look_up(
    table: Table, centre: float, values: Floats, exact: Callable[[Floats], Doubles], out: Floats | None = None
) -> Floats:
    """Return ``centre + function(values)`` by linear interpolation.

    Parameters
    ----------
    table
        Of the function.
    centre
        What is added.
    values
        float32, one dimension.
    exact
        Gives the result for values beyond the table, NaN and infinities.
    out
        Where to put the results; may be `values`.
    """
    refuse_masked(values=values)
    out = np.empty(len(values), dtype=np.float32) if out is None else out
    added, first, fraction = np.float32(centre), table.offset.view(np.int32), np.int32((1 << table.rest) - 1)
    sizes, places = np.empty(AT_ONCE, dtype=np.float32), np.empty(AT_ONCE, dtype=np.intp)
    for begin in range(0, len(values), AT_ONCE):
        part, put = values[begin : begin + AT_ONCE], out[begin : begin + AT_ONCE]
        size, place = sizes[: len(part)], places[: len(part)]
        np.abs(part, out=size)
        size += table.offset
        # NaN is no smaller than the limit either.
        far = None if size.max() < table.limit else ~(size < table.limit)
        beyond = None if far is None else exact(part[far])
        bits: NDArray[np.int32] = size.view(np.int32)
        bits -= first
        place[:] = bits >> table.rest
        bits &= fraction
        risen = bits.astype(np.float32)
        risen *= np.take(table.step, place, out=size, mode="clip")
        risen += np.take(table.start, place, out=size, mode="clip")
        np.copysign(risen, part, out=put)
        put += added
        if far is not None:
            put[far] = beyond
    return out
