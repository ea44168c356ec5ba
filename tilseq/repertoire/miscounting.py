"""How often a template of DNA is counted: learnt from the clones of libraries, as nobody tells it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from tilseq.errors import AnalysisError
from tilseq.masked import refuse_masked
from tilseq.repertoire.spectrum import Floats

VARIANCES = np.array([0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8, 1.0])
MOST = 12  # counts of a clone that are looked at: more of them hardly tell how one template is counted
MEANS = np.geomspace(0.02, 40, 30)  # expected templates of a clone, a grid
LENGTH = 256  # of the transform: far beyond what clones of these means are counted
KNOTS, DEGREE = 4, 3  # of the spline
RIDGE = 0.05  # weak: stronger, it tells of u itself, the same wrong thing in each library
START = -0.8  # slope of the density of sizes over their logarithm that the ascent starts from
STEPS = 120  # of the ascent: in none of 96 simulated libraries would more have risen by 0.1
DAMPING, EASED = 0.01, 4.0  # of its steps, and how fast that changes
MISFIT = 0.2  # log likelihood by which sizes of clones that are not quite such a density speak against the truth
FEWEST_CLONES = 100  # of a library of so few counts: fewer hardly tell
NEXT_TO_NONE = 0.05  # a variance that moves the effective cells by less than other things do
SURE, LIKELY = 0.03, 0.8  # standard deviation of the variance, and chance of the law, that are good enough
UNSURE = 0.9  # chance that the variance is no larger than told, where it is not sure


class Miscounting(NamedTuple):
    """How often templates are counted.

    Attributes
    ----------
    variance
        Variance of the counts of a template, whose mean is 1; where it is not sure, one that limits can rest on.
    twice
        Whether a template is counted no more than twice; else some are as often as chance has it.
    sure
        Whether that is known well enough to tell what fewer cells would show.
    libraries
        How many libraries told it; where none did, each template is taken to be counted once.
    """

    variance: float
    twice: bool
    sure: bool = True
    libraries: int = 0


ONCE = Miscounting(0.0, False)


def miscounting(libraries: Iterable[ArrayLike]) -> Miscounting:
    """Return how often a template is counted, as the libraries of one laboratory tell it together.

    A cell gives one template of DNA at most. Its count has the mean 1 and a variance u, by one of two laws that are as
    likely beforehand, as is each u from 0 to 1: 0, 1 or 2 with the chances ``u / 2, 1 - u, u / 2``; or counts drawn at
    random from ``counts / u`` templates (Neyman's type A, see `chances`). A clone of a Poisson number of templates has
    the sum of theirs. Of how many clones have which expected number, nothing is known but that their density runs
    smoothly over its logarithm: the exponential of a cubic spline of 6 terms with a ridge, of the greatest likelihood
    for each law and u (Efron, Biometrika 2016;103:1, "g-modeling"), given that clones are seen. Clones of one template
    are what tells: counted twice they are more than a smooth density has, and hardly any of them thrice. Sizes that are
    log-normal or a power can speak against the true u by 0.2 a library in the mean, so that what all libraries say
    together counts as far as it is more than that.

    Parameters
    ----------
    libraries
        Templates of each clone of one locus, shape (clones,) each, above 0. One with fewer than 100 clones of 1 to 12
        counts, or none of one (clones were cut off), tells nothing.

    Returns
    -------
    Miscounting
        The mean of u over laws by how likely each makes all libraries, and the likelier law. It is sure where u has a
        standard deviation of 0.03 at most and the likelier law a chance of 0.8: few libraries seldom tell as much.
        Where it is not sure, u is in place of the mean one that is exceeded with a chance of a tenth, so that limits
        are rather too wide. Where nothing tells, or u is surely next to 0, each template is counted once.

    Raises
    ------
    AnalysisError
        A library is no list of whole numbers above 0.
    """
    cost, told = np.zeros((2, len(VARIANCES))), 0
    for library in libraries:
        refuse_masked(libraries=library)
        given = np.asarray(library, float)
        if given.ndim != 1 or not (given >= 1).all() or (given % 1).any():
            expected = "whole numbers above 0, one a clone, in a list for each library"
            raise AnalysisError("a library is counts of its clones", found=library, expected=expected)
        counts = np.minimum(np.asarray(library, np.int64), MOST + 1)  # else the largest count takes memory
        clones = np.bincount(counts, minlength=MOST + 2)[1 : MOST + 1].astype(float)
        if clones.sum() >= FEWEST_CLONES and clones[0]:
            cost, told = cost + _cost(clones), told + 1
    if not told:
        return ONCE
    against = np.maximum(cost - cost.min() - MISFIT * told, 0)
    weight = np.exp(-against) * np.gradient(VARIANCES)
    twice, drawn = weight / weight.sum()
    both, of_law = twice + drawn, max(twice.sum(), drawn.sum())
    variance = float(both @ VARIANCES)
    known = bool(np.sqrt(both @ (VARIANCES - variance) ** 2) <= SURE)
    if known and variance < NEXT_TO_NONE:
        return ONCE._replace(libraries=told)
    sure = known and bool(of_law >= LIKELY)
    if not sure:
        variance = float(VARIANCES[np.searchsorted(both.cumsum(), UNSURE)])
    return Miscounting(variance, bool(twice.sum() == of_law), sure, told)


def _cost(clones: Floats) -> Floats:
    """Return minus the log likelihood of clones of 1, 2 … `MOST` counts: shape (laws, variances).

    The penalised likelihood is climbed by Fisher's scoring, all laws at once, with steps damped as each law needs
    (Levenberg and Marquardt).
    """
    chance, terms = _chances(), _terms()
    slopes = np.linalg.lstsq(terms, START * np.log(MEANS), rcond=None)[0]
    at = np.tile(slopes, (len(chance), 1))
    damping, own = np.full(len(chance), DAMPING), np.eye(terms.shape[1])
    weight, shown, height = _at(at, clones)
    for _ in range(STEPS):
        change = np.einsum("jd,mj,mjk->mkd", terms, weight, chance) - shown[:, :, None] * (weight @ terms)[:, None]
        rise = np.einsum("mkd,mk->md", change, clones / shown) - RIDGE * at
        curve = np.einsum("mkd,mke,mk->mde", change, change, clones.sum() / shown) + RIDGE * own
        held = damping[:, None, None] * own * np.einsum("mdd->md", curve)[:, :, None]
        further = at + np.linalg.solve(curve + held, rise[..., None])[..., 0]
        *found, higher = _at(further, clones)
        better = higher >= height
        at, weight, shown = (
            np.where(better[:, None], new, old) for new, old in ((further, at), (found[0], weight), (found[1], shown))
        )
        height, damping = np.where(better, higher, height), damping * np.where(better, 1 / EASED, EASED)
    return -height.reshape(2, -1)


def _at(parameters: Floats, clones: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the density of sizes, the chances of counts, and the penalised log likelihood, each by law."""
    logs = parameters @ _terms().T
    weight = np.exp(logs - logs.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    shown = np.einsum("mj,mjk->mk", weight, _chances())
    return weight, shown, np.log(shown) @ clones - RIDGE / 2 * np.square(parameters).sum(axis=1)


@cache
def _terms() -> Floats:
    """Return the terms of the spline on the grid of sizes, orthogonal, of mean 0 and mean square 1: (sizes, terms)."""
    from scipy.interpolate import BSpline

    ends = [0.0] * DEGREE, [1.0] * DEGREE
    knots = np.concatenate([ends[0], np.linspace(0, 1, KNOTS), ends[1]])
    design = BSpline.design_matrix(np.linspace(0, 1 - 1e-9, len(MEANS)), knots, DEGREE).toarray()
    terms, _, _ = np.linalg.svd(design - design.mean(axis=0), full_matrices=False)
    return np.asarray(terms[:, :-1] * np.sqrt(len(MEANS)))


@cache
def _chances() -> Floats:
    """Return the chances of 1, 2 … `MOST` counts of a clone that has one of them: (laws and variances, sizes, counts).

    The generating function of a clone's count is ``exp(mean * (h(z) - 1) / h'(1))``, that of one template's count h.
    """
    turn = np.exp(-2j * np.pi * np.arange(LENGTH // 2 + 1) / LENGTH)
    u = VARIANCES[:, None]
    twice = u / 2 + (1 - u) * turn + u / 2 * turn**2 - 1
    drawn = np.where(u > 0, np.expm1(u * (turn - 1)) / np.where(u > 0, u, 1), turn - 1)
    transform = np.exp(MEANS[:, None] * np.concatenate([twice, drawn])[:, None])
    chance = np.maximum(np.fft.irfft(transform, LENGTH)[..., 1 : MOST + 1], 1e-300)
    return np.asarray(chance / chance.sum(axis=-1, keepdims=True))
