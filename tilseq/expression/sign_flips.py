"""Flips of subjects' signs, and the moderated t of every gene under each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tilseq.errors import AnalysisError
from tilseq.expression.enrichment_score import RANKINGS
from tilseq.expression.gene_order import Floats
from tilseq.expression.moderated import squeeze_variances

MOST_EXACT = 12  # subjects of whom all flips are taken
RANDOM_FLIPS = 9_999


class Flips(NamedTuple):
    """Signs of subjects.

    Attributes
    ----------
    signs
        Flips × subjects, 1 or -1; the first row is the data as they are.
    exact
        Whether these are all flips there are: half of them, as the other half gives the negative of each statistic.
    """

    signs: Floats
    exact: bool

    @property
    def floor(self) -> float:
        """Smallest two-sided p: 1 over the number of flips, the data as they are among them."""
        return 1 / len(self.signs)


def sign_flips(subjects: int, seed: int, random: int = RANDOM_FLIPS) -> Flips:
    """Return all flips of up to 12 subjects, the last kept as it is; of more, random ones behind the data as they are.

    Parameters
    ----------
    subjects
        How many, 2 or more.
    seed
        Of the random flips.
    random
        How many there are of more than 12 subjects.
    """
    if random < 1:
        raise AnalysisError("too few flips", found=random, expected="1 or more")
    if subjects <= MOST_EXACT:
        codes = np.arange(2 ** (subjects - 1))[:, None]
        return Flips(np.asarray(1.0 - 2.0 * (codes >> np.arange(subjects) & 1), float), True)
    drawn = np.random.default_rng(seed).integers(0, 2, (random, subjects))
    signs = np.concatenate([np.ones((1, subjects)), 1.0 - 2.0 * drawn])
    return Flips(np.asarray(signs, float), False)


def moderated_t(differences: Floats, signs: Floats) -> Iterator[Floats]:
    """Yield blocks of flips × genes: the moderated t of every gene as each flip of the subjects gives it.

    The sum of squares of a gene is the same under all flips, so that one matrix product gives all means and all
    variances. The prior is estimated anew for each flip: a test by flips is exact if the data as they are and the
    flipped go through one and the same calculation, which a prior kept from the data as they are would not be; and the
    t of the data as they are is limma's.

    Parameters
    ----------
    differences
        Subjects × genes.
    signs
        Flips × subjects.
    """
    n = len(differences)
    squares = np.einsum("sg,sg->g", differences, differences)
    for start in range(0, len(signs), RANKINGS):
        means = signs[start : start + RANKINGS] @ differences / n
        variances = np.maximum(squares - n * means**2, 0) / (n - 1)
        # What is left of a difference of two equal numbers is rounding, not variance.
        variances[variances <= squares / (n - 1) * n * np.finfo(float).eps] = 0
        posterior = squeeze_variances(variances, n - 1).posterior
        yield means * np.sqrt(n) / np.sqrt(posterior)
