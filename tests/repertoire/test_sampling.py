"""Standard errors beside those of R (tests/oracles/diversity.R) and of samples drawn from known repertoires."""

import numpy as np
import pytest
from scipy.stats import norm, poisson

from tilseq.repertoire import indices
from tilseq.repertoire.chances import counted_often
from tilseq.repertoire.dominance import d50_clones, error_of_largest, held_by_largest, limits_of_d50
from tilseq.repertoire.observed import Observed
from tilseq.repertoire.sampling import Sampling, knows_clones, sampling_of
from tilseq.repertoire.spectrum import effective_spectrum, spectrum

W = [9000, 500, 300, 200]


def error(counts, index):
    sampling = Sampling(spectrum(np.array(counts)))
    found = index(spectrum(np.array(counts)), sampling.points)
    errors, freedom = sampling.errors(found.influence[None])
    return float(errors[0]), float(freedom[0])


def test_errors_of_clones_counted_often_are_the_multinomial_ones():
    found, freedom = error(W, indices.shannon_entropy_nats)
    assert found == pytest.approx(0.00974906636624551, rel=0.01)
    assert freedom > 100
    assert error(W, indices.gini_simpson)[0] == pytest.approx(0.00517260321308333, rel=0.01)
    assert error(W, indices.richness)[0] < 1e-9


@pytest.mark.parametrize(
    "share",
    [1 / np.arange(1, 20_001), np.exp(1.5 * np.random.default_rng(0).standard_normal(5_000)), 0.95 ** np.arange(400)],
    ids=["Zipf", "log-normal", "geometric"],
)
def test_errors_are_those_of_samples_drawn(share):
    share = share / share.sum()
    random = np.random.default_rng(4)
    names = ("richness", "shannon_entropy_nats", "gini_simpson", "gini", "clonality", "sample_coverage", "ace")
    values, errors = [], []
    for _ in range(150):
        counts = random.multinomial(5_000, share)
        whole = spectrum(counts[counts > 0])
        sampling = Sampling(whole)
        found = [getattr(indices, name)(whole, sampling.points) for name in names]
        scales = [index.value if index.scale == "log" else 1 for index in found]
        values.append([index.value for index in found] + [held_by_largest(whole, 10)])
        drawn = sampling.errors(np.array([index.influence for index in found]))[0] * scales
        errors.append([*drawn, error_of_largest(whole, sampling, 10)[0]])
    ratio = np.sqrt(np.mean(np.square(errors), axis=0)) / np.std(values, axis=0)
    # the standard deviation of 150 has an error of 6 %: three of it, and 7 % for the method
    assert ratio == pytest.approx(np.ones(len(ratio)), abs=0.25)


@pytest.mark.parametrize(("cells", "counts"), [(1_500, 3_000), (1_500, 40_000)])
def test_errors_of_cells_counted_several_times_are_those_of_samples_drawn(cells, counts):
    share = np.exp(1.5 * np.random.default_rng(0).standard_normal(5_000))
    share /= share.sum()
    random = np.random.default_rng(9)
    chances = counted_often(counts / cells)
    values, errors = [], []
    for _ in range(150):
        drawn = random.multinomial(counts, random.multinomial(cells, share) / cells)
        base = effective_spectrum(spectrum(drawn[drawn > 0]), chances.per_cell * cells)
        sampling = Sampling(base, chances)
        found = [indices.shannon_entropy_nats(base, sampling.points), indices.gini_simpson(base, sampling.points)]
        values.append([*(index.value for index in found), *(held_by_largest(base, n) for n in (3, 10, 100))])
        of_sums = sampling.errors(np.array([index.influence for index in found]))[0]
        errors.append([*of_sums, *(error_of_largest(base, sampling, n)[0] for n in (3, 10, 100))])
    ratio = np.sqrt(np.mean(np.square(errors), axis=0)) / np.std(values, axis=0)
    # the standard deviation of 150 has an error of 6 %: three of it, and 7 % for the method
    assert ratio == pytest.approx(np.ones(len(ratio)), abs=0.25)


@pytest.mark.parametrize("times", [100, 3_000])
def test_errors_of_cells_counted_very_often_are_those_of_the_cells(times):
    # so often counted that the counts tell the cells: errors of these, which come without a cell's counts, are known
    random = np.random.default_rng(1)
    share = np.arange(1, 200_001) ** -0.6
    cells = random.multinomial(3_000, share / share.sum())
    drawn = random.multinomial(3_000 * times, cells / 3_000)

    def found(counts, effective):
        seen = Observed(spectrum(counts[counts > 0]), effective)
        _, sampling = sampling_of(seen.counts, effective)
        x = seen.points(sampling)
        return sampling.errors(np.array([seen.hill(x, 750, q).influence for q in (0, 1, 2)]))[0]

    assert found(drawn, 1 / (1 / 3_000 + 1 / drawn.sum())) == pytest.approx(found(cells, 3_000.0), rel=0.1)


def test_a_variance_rises_with_the_sum_as_that_of_counts_does():
    # x² / n² of one clone of 4,000 has the variance spread 4 x³ / n⁴, that rises by spread 12 x² / n⁴ for each count
    # more, while the sum rises by 2 x / n².
    chances = counted_often(3.0)
    counts = spectrum(np.array([4_000, *[2_000] * 498]))
    sampling = Sampling(counts, chances)
    squares = np.where(sampling.points > 3_000, (sampling.points / counts.n) ** 2, 0.0)
    expected = chances.spread * 6 * 4_000 / counts.n**2
    assert sampling.rises(squares[None])[0] == pytest.approx(expected, rel=0.02)
    # That variance goes with x², a relative variance of 4 spread / x: 2 / (16 / 4,000) degrees of freedom.
    assert sampling.errors(squares[None])[1][0] == pytest.approx(500, rel=0.02)


@pytest.mark.parametrize(("per_cell", "cells", "counts", "power"), [(3.0, 120, 600, 2), (0.5, 300, 240, 0.3)])
def test_a_variance_rises_as_the_clones_grow_that_raise_the_sum(per_cell, cells, counts, power):
    """Each count is summed over the cells that it may be of; clones grow by a thousandth of what they add."""
    share = 1 / np.arange(1, 2_001)
    random = np.random.default_rng(14)
    drawn = random.multinomial(int(500 * per_cell), random.multinomial(500, share / share.sum()) / 500)
    whole = spectrum(drawn[(drawn > 0) & (drawn < 50 * (1 + per_cell))])
    sampling = Sampling(whole, counted_often(per_cell))
    cells, counts = np.arange(cells)[:, None], np.arange(counts)
    of_cells = poisson.pmf(counts, cells * per_cell)
    added = (counts / whole.n) ** power  # to the sum
    expected, clones = (each[:48] for each in sampling.repertoire())  # all are on the grid

    def moments(each):
        """Covariances of what a clone adds, its counts and its cells; and the first's mean."""
        chance = poisson.pmf(cells, each / per_cell) * of_cells
        three = np.array([np.broadcast_to(one, chance.shape) for one in (added, counts, cells)])
        means = (three * chance).sum(axis=(1, 2))
        return np.einsum("iab,jab,ab->ij", three, three, chance) - np.outer(means, means), means[0]

    both = [moments(each) for each in expected]
    total = sum(of * covariance for of, (covariance, _) in zip(clones, both, strict=True))
    fixed = np.append(1.0, -np.linalg.solve(total[1:, 1:], total[1:, 0]))  # without what the fixed sums take
    grow = []
    for each in expected:
        up, down = (moments(each * by)[1] for by in (1.001, 0.999))
        # a count more for each, per_cell of them a cell more
        grow.append((up - down) / (0.002 * each) + fixed[1] + fixed[2] / per_cell)
    risen = []
    for by in (1e-3, -1e-3):
        changed = [
            moments(each * (1 + by * more)) for each, more in zip(expected, np.array(grow) / max(grow), strict=True)
        ]
        risen.append(
            sum(of * (fixed @ covariance @ fixed) for of, (covariance, _) in zip(clones, changed, strict=True))
        )
    scale = 2e-3 * clones @ (expected * np.array(grow) ** 2) / max(grow)
    points = (sampling.points / whole.n) ** power
    assert sampling.rises(points[None])[0] == pytest.approx((risen[0] - risen[1]) / scale, rel=0.03)


def test_what_the_largest_clones_hold():
    whole = spectrum(np.array([45, 20, 10, 8, 5, 4, 3, 2, 1, 1, 1]))
    assert [held_by_largest(whole, n) for n in (1, 2, 9, 10, 11, 20)] == [0.45, 0.65, 0.98, 0.99, 1, 1]
    assert [d50_clones(whole, share) for share in (0.01, 0.45, 0.5, 0.98, 0.985, 1)] == [1, 1, 2, 8 + 1, 10, 11]
    lower, upper = limits_of_d50(whole, Sampling(whole), 1.96)
    assert 1 <= lower <= 2 <= upper <= 5
    # the largest of clones far apart hold a binomial share, sqrt(p (1 - p) / n), and half a count
    apart = spectrum(np.array([6000, 3000, 1000]))
    expected = np.sqrt(10_000 * 0.9 * 0.1 + 0.25) / 10_000
    error, freedom = error_of_largest(apart, Sampling(apart), 2)
    assert error == pytest.approx(expected, rel=0.01)
    # each adds its count times its distance from 0.9 squared: 60, 30 and 810, known from its count alone
    assert freedom == pytest.approx(2 * 900**2 / (4 * (60**2 / 6000 + 30**2 / 3000 + 810**2 / 1000)), rel=0.01)


@pytest.mark.parametrize(("power", "cells", "n"), [(0.6, 3_000, 100), (0.6, 3_000, 3), (1, 500, 10)])
def test_the_error_of_the_largest_is_that_of_every_count_about_their_border(power, cells, n):
    """Of many rare clones the hundredth has three counts: whether it is taken at 3 or at 4 of them decides."""
    share = np.arange(1.0, 200_001) ** -power
    random = np.random.default_rng(8)
    drawn = random.multinomial(2 * cells, random.multinomial(cells, share / share.sum()) / cells)
    counts = spectrum(drawn[drawn > 0])
    chances = counted_often(2.0)
    sampling = Sampling(counts, chances)
    assert counts.sizes.max() < 150  # all on the grid
    clones = sampling.repertoire()[1][: len(chances.expected)]
    # The sum of the largest is the sum over c of min(n, clones counted c times or more), projected on each clone.
    tails = np.cumsum(chances.chance[:, ::-1], axis=1)[:, ::-1]
    variance, along, total = 0.0, 0.0, clones @ chances.expected
    parts = []
    for own, expected in enumerate(chances.expected):
        others = np.array([clones @ tails[:, c] - tails[own, c] for c in range(1, 481)])
        apart = np.array([clones @ (t := tails[:, c] * (1 - tails[:, c])) - t[own] for c in range(1, 481)])
        added = np.append(0.0, np.cumsum(norm.cdf((n - 0.5 - others) / np.sqrt(np.maximum(apart, 1e-12)))))
        pmf, c = chances.chance[own], np.arange(481)
        mean = pmf @ added
        parts.append((pmf @ added**2 - mean**2, pmf @ (added * (c - expected)), expected))
        along += clones[own] * parts[-1][1]
    taken = along / (chances.spread * total)
    for of, (own, with_counts, expected) in zip(clones, parts, strict=True):
        variance += of * (own - 2 * taken * with_counts + taken**2 * chances.spread * expected)
    found, _ = error_of_largest(counts, sampling, n)
    assert found * counts.n == pytest.approx(np.sqrt(variance + chances.spread**2 / 4), rel=0.005)


def test_pairs_of_cells_of_one_clone():
    assert not knows_clones(spectrum(np.array([14, *[1] * 500])))  # 91 pairs
    assert knows_clones(spectrum(np.array([15])))  # 105
