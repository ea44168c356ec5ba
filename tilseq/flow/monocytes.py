"""Monocytes among the lymphocytes of a tube without CD45: how many reach in, told by where the others of them lie."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilseq.flow.beside import Told
from tilseq.flow.lymphocytes import LARGER, LEAST_OF_CENTRE, RADII, Region
from tilseq.flow.robust import thinned
from tilseq.flow.tube import Floats, Mask

Plane = NDArray[np.float64]

# Spreads about the T cells that are looked at, on forward and side scatter: below lies debris, beyond granulocytes.
LOWEST, HIGHEST, STEP = (-3.0, -4.0), 9.0, 0.25
# B and NK cells lie about where T cells do, this far off; the T cells' own places count with a normal one of 50.
BLUR, FURTHEST_OFF, WEIGHT_OF_USUAL = 0.5, 1.0, 50
# With fewer cells beyond the usual radius, towards more of both scatters, where monocytes lie cannot be told: half as
# many are taken for within it, give or take as many again.
FEWEST, OF_FEW = 20, 0.5
ROUNDS, CHANGE, SMALLEST_VARIANCE = 200, 1e-6, 1e-3
LEAST_PART = 1e-9  # of the even rest, so that no square is without any
# How far off what is told can be, as a part of it: scatter is not quite normal.
OFF = 0.2
# Others whose middle lies nearer than this to that of the lymphocytes may be such: half of them are told, give or take
# as many.
NEAREST = 2.0
MOST_T_CELLS = 50_000  # looked at, to see where they lie
AT_LEAST_LEFT = 0.05  # of the lymphocytes, whatever is told


class _Others(NamedTuple):
    """Two normal distributions of cells that are no lymphocytes: monocytes, and granulocytes where there are such."""

    middles: Plane  # shape (2, 2)
    variances: Plane  # shape (2, 2, 2)


class _Mixture(NamedTuple):
    """Which part of the events of each square each kind is, and whether others may be lymphocytes by where they lie."""

    others: Plane  # shape (2, squares along each side)
    evenly: Plane
    near: NDArray[np.bool_]  # shape (2,)


def monocytes_within(values: Mapping[str, Floats], without_cd3: Mask, inside: Mask, region: Region) -> Told:
    """Tell how many of the cells without CD3 within the region of the lymphocytes are larger ones, as monocytes are.

    Scatter parts lymphocytes and monocytes incompletely, and where nothing else does monocytes count as lymphocytes.
    The logarithms of forward and side scatter of the cells without CD3 are taken for a mixture, fitted by expectation
    and maximisation on a grid of a quarter of a spread: of lymphocytes, which lie as the T cells do, of two normal
    distributions, and of an even rest. What lies within the region and is none of the lymphocytes' is told.

    Parameters
    ----------
    values
        FSC-A and SSC-A → linear values of all events.
    without_cd3
        Single, living events without CD3.
    inside
        Lymphocytes.
    region
        Where they lie, on both scatters.

    Returns
    -------
    Told
        Events, and their standard error: that of counting and 20 % of them, as scatter is not quite normal. Of those
        that lie so near to the lymphocytes that they may be such half are told, give or take as many.
    """
    place = _places(values, np.flatnonzero(without_cd3), region)
    beyond = _beyond(place)
    number = beyond.shape[1]
    if number < FEWEST:
        return Told(OF_FEW * number, OF_FEW * number)
    edges = [np.arange(low, HIGHEST + STEP / 2, STEP) for low in LOWEST]
    squares = _squares(place, edges)
    t_cells = np.flatnonzero(inside & ~without_cd3)
    t_cells = thinned(t_cells, MOST_T_CELLS)
    of_lymphocytes = _as_t_cells(_places(values, t_cells, region), edges)
    mixture = _fitted(_counts(squares, edges), of_lymphocytes, beyond, edges)
    within = _counts(np.compress(np.compress(without_cd3, inside), squares), edges)
    others = np.sum(within * mixture.others, axis=(1, 2))
    near = OF_FEW * float(others[mixture.near].sum())
    larger = float(others[~mixture.near].sum() + np.sum(within * mixture.evenly))
    return Told(larger + near, math.hypot(math.sqrt(larger + near), OFF * larger, near))


def part_left(monocytes: Told, events: int) -> float:
    """Return which part of some events is left without the monocytes told among them."""
    return max(AT_LEAST_LEFT, 1 - monocytes.mean / max(1, events))


def _places(values: Mapping[str, Floats], at: NDArray[np.intp], region: Region) -> Plane:
    """Return how many spreads events lie from the centre of a region, by their logarithms: shape (2, events)."""
    place = np.empty((len(LARGER), len(at)))
    for row, name in zip(place, LARGER, strict=True):
        row[:] = np.maximum(values[name][at] / np.float32(region.centre[name]), LEAST_OF_CENTRE)
        np.log(row, out=row)
        row /= region.spread[name]
    return place


def _beyond(place: Plane) -> Plane:
    """Return the places of events beyond the usual radius, towards more of both scatters."""
    towards = np.compress((place > 0).all(axis=0), place, axis=1)
    squared = np.sum(towards**2, axis=0)
    return np.compress((squared > RADII[2] ** 2) & (squared < HIGHEST**2), towards, axis=1)


def _squares(place: Plane, edges: list[Plane]) -> NDArray[np.int32]:
    """Return in which square of the grid, whose squares are all alike, each event lies; one more holds all beyond."""
    shape = (len(edges[0]) - 1, len(edges[1]) - 1)
    row, column = (
        np.clip(np.floor((along - low) / STEP), -1, size).astype(np.int32)
        for along, low, size in zip(place, LOWEST, shape, strict=True)
    )
    on_grid = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
    return np.where(on_grid, row * shape[1] + column, shape[0] * shape[1])


def _counts(squares: NDArray[np.int32], edges: list[Plane]) -> Plane:
    """Return how many events lie in each square of the grid."""
    shape = (len(edges[0]) - 1, len(edges[1]) - 1)
    counts = np.bincount(squares, minlength=shape[0] * shape[1] + 1)[:-1]
    return counts.reshape(shape).astype(np.float64)


def _grid(edges: list[Plane]) -> Plane:
    """Return the middles of the squares, shape (squares along each side, 2)."""
    return np.stack(np.meshgrid(*((one[1:] + one[:-1]) / 2 for one in edges), indexing="ij"), axis=-1)


def _as_t_cells(place: Plane, edges: list[Plane]) -> Plane:
    """Return the share of lymphocytes without CD3 that each square holds if they lie about where T cells do."""
    usual = np.exp(-np.sum(_grid(edges) ** 2, axis=-1) / 2)
    counts = _counts(_squares(place, edges), edges)
    rows, columns = (_blur(size) for size in counts.shape)
    # Not by `@`: OpenBLAS would wait on several threads for so small a product, and take their time.
    blurred = np.einsum("ij,kj->ik", np.einsum("ij,jk->ik", rows, counts), columns)
    share = blurred + WEIGHT_OF_USUAL * usual / usual.sum()
    return np.asarray(share / share.sum())


def _blur(size: int) -> Plane:
    """Return the weights that squares along a side have in each other's place, shape (size, size).

    Normal ones, as far as four of their spreads; what lies beyond an end is mirrored there.
    """
    reach = math.ceil(4 * BLUR / STEP)
    apart = np.arange(-reach, reach + 1)
    weights = np.exp(-((apart * STEP / BLUR) ** 2) / 2)
    from_where = np.arange(size)[:, None] + apart
    mirrored = np.where(from_where < 0, -1 - from_where, np.minimum(from_where, 2 * size - 1 - from_where))
    blur = np.zeros((size, size))
    np.add.at(blur, (np.arange(size)[:, None], mirrored), weights / weights.sum())
    return blur


def _moved(share: Plane, by: Plane) -> Plane:
    """Return what squares hold when all is moved by so many squares along each side, with nothing from beyond."""
    for axis, distance in enumerate(by.tolist()):
        last = share.shape[axis] - 1
        from_where = np.arange(last + 1) - distance
        below = np.clip(np.floor(from_where), 0, last).astype(np.intp)
        held = (from_where >= 0) & (from_where <= last)
        above = held * (from_where - below)  # linear between two squares
        weights = np.expand_dims([held - above, above], 2 - axis)
        share = weights[0] * share.take(below, axis) + weights[1] * share.take(np.minimum(below + 1, last), axis)
    return share


def _fitted(counts: Plane, of_lymphocytes: Plane, beyond: Plane, edges: list[Plane]) -> _Mixture:
    """Return the likeliest mixture; the middle of the lymphocytes is moved from the T cells', by a spread at most."""
    grid, usual = _grid(edges), of_lymphocytes
    middle = np.sum(usual[..., None] * grid, axis=(0, 1))
    evenly = np.full(counts.shape, 1 / counts.size)
    others = _Others(np.quantile(np.sort(beyond), [0.25, 0.75], axis=1), np.array([np.eye(2)] * 2))
    parts, last = np.array([0.5, 0.2, 0.2, 0.1]), -math.inf
    for _ in range(ROUNDS):
        density = parts[:, None, None] * np.stack([of_lymphocytes, *_densities(others, grid), evenly])
        whole = density.sum(axis=0)
        fit = float(np.sum(counts * np.log(whole))) / counts.sum()
        share = density / whole
        if fit - last < CHANGE:
            break
        last = fit
        parts = np.maximum(np.sum(counts * share, axis=(1, 2)) / counts.sum(), LEAST_PART)
        others = _likeliest(counts * share[1:3], grid)
        off = np.sum((counts * share[0])[..., None] * grid, axis=(0, 1)) / np.sum(counts * share[0]) - middle
        off /= max(1.0, float(np.hypot(*off)) / FURTHEST_OFF)
        of_lymphocytes = np.maximum(_moved(usual, off / STEP), usual.min())
        of_lymphocytes /= of_lymphocytes.sum()
    near = np.hypot(*(others.middles - np.sum(of_lymphocytes[..., None] * grid, axis=(0, 1))).T) < NEAREST
    return _Mixture(share[1:3], share[3], np.asarray(near))


def _likeliest(counts: Plane, grid: Plane) -> _Others:
    """Return the distributions of which so many events lie in each square: shape (2, squares along each side)."""
    sums = np.maximum(counts.sum(axis=(1, 2)), 1e-9)
    middles = np.einsum("kxy,xyi->ki", counts, grid) / sums[:, None]
    apart = grid - middles[:, None, None]
    variances = np.einsum("kxy,kxyi,kxyj->kij", counts, apart, apart) / sums[:, None, None]
    return _Others(middles, variances + SMALLEST_VARIANCE * np.eye(2))


def _densities(others: _Others, grid: Plane) -> Plane:
    """Return what each distribution holds of each square, shape (2, squares along each side)."""
    apart = grid - others.middles[:, None, None]
    squares = np.einsum("kxyi,kij,kxyj->kxy", apart, np.linalg.inv(others.variances), apart)
    scale = STEP**2 / (2 * np.pi * np.sqrt(np.linalg.det(others.variances)))
    return np.asarray(np.exp(-squares / 2) * scale[:, None, None])
