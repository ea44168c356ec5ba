"""Limits of Morisita's index hold the overlap of the repertoires that two samples were drawn from."""

import numpy as np
import pytest

from tilseq.repertoire.morisita import Moments, morisita, morisita_limits

# Clones, exponent of their Pareto sizes, share of them that both repertoires have.
REPERTOIRES = {
    "few large clones, half in common": (300, 1.2, 0.5),
    "blood, half in common": (2000, 1.0, 0.5),
    "blood, a tenth in common": (2000, 1.5, 0.1),
    "diverse, half in common": (20_000, 1.2, 0.5),
    "nearly the same": (2000, 1.5, 0.9),
}
DEPTHS = {"500, 500": (500, 500, None), "2000, 10,000": (2000, 10_000, None), "1000 cells read 3-fold": (1000, 2000, 3)}


def repertoires(random, clones, exponent, common):
    """Frequencies of two repertoires; those of a clone in common differ by half a natural logarithm."""
    ours, others = random.pareto(exponent, (2, clones)) + 1
    both = random.random(clones) < common
    theirs = np.where(both, ours * np.exp(random.normal(0, 0.5, clones)), 0)
    p = np.concatenate([ours, np.zeros(clones)])
    q = np.concatenate([theirs, np.where(both, 0, others)])
    return p / p.sum(), q / q.sum()


def drawn(random, p, cells, fold, runs):
    """Frequencies of samples, and their effective number of cells; reads are drawn from the cells."""
    counts = random.multinomial(cells, p, runs)
    if fold is None:
        return counts / cells, cells
    reads = random.multinomial(fold * cells, counts / cells)
    return reads / (fold * cells), 1 / (1 / cells + 1 / (fold * cells))


def moments(x, y, n, m):
    sums = [x * y, x**2 * y, x * y**2, x**2, x**3, y**2, y**3]
    return Moments(np.full(len(x), n), np.full(len(x), m), *(terms.sum(axis=1) for terms in sums))


def covered(seed, repertoire, depth, runs):
    """Return in which share of the samples with limits they hold the truth, and their mean width in logarithms."""
    random = np.random.default_rng(seed)
    p, q = repertoires(random, *repertoire)
    truth = 2 * (p * q).sum() / ((p**2).sum() + (q**2).sum())
    held, width = [], []
    for _ in range(0, runs, 100):
        (x, n), (y, m) = (drawn(random, share, cells, depth[2], 100) for share, cells in ((p, depth[0]), (q, depth[1])))
        value, error = morisita(moments(x, y, n, m))
        known = ((x > 0) & (y > 0)).sum(axis=1) >= 10
        lower, upper = morisita_limits(value, np.where(known, error, np.nan))
        given = np.isfinite(lower)
        held += ((lower <= truth) & (truth <= upper))[given].tolist()
        width += np.log(upper / lower)[given].tolist()
    return np.array(held), np.mean(width)


@pytest.mark.parametrize("depth", DEPTHS.values(), ids=DEPTHS)
def test_limits_cover_the_overlap_of_the_repertoires(depth):
    # 300 samples: 93 % less three standard errors of a share of 300 go down to 0.886.
    held, _ = covered(11, (2000, 1.0, 0.5), depth, 300)
    assert len(held) > 250
    assert 0.886 < held.mean()


@pytest.mark.slow
@pytest.mark.parametrize("depth", DEPTHS.values(), ids=DEPTHS)
@pytest.mark.parametrize("repertoire", REPERTOIRES.values(), ids=REPERTOIRES)
def test_limits_cover_the_overlap_of_many_repertoires(repertoire, depth):
    held, width = covered(12, repertoire, depth, 2000)
    print(f"\n{repertoire} {depth}: given {len(held) / 2000:.3f}, cover {held.mean():.4f}, mean width {width:.3f}")
    assert len(held) > 1000
    assert 0.93 <= held.mean() <= 0.98


def test_reads_taken_for_cells_would_not_cover():
    random = np.random.default_rng(13)
    p, q = repertoires(random, 2000, 1.0, 0.5)
    truth = 2 * (p * q).sum() / ((p**2).sum() + (q**2).sum())
    x, y = (drawn(random, share, 300, 100, 200)[0] for share in (p, q))
    value, error = morisita(moments(x, y, 30_000, 30_000))
    lower, upper = morisita_limits(value, error)
    assert np.mean((lower <= truth) & (truth <= upper)) < 0.5


def test_two_samples_of_one_repertoire_cannot_be_told_from_the_same():
    random = np.random.default_rng(14)
    p, _ = repertoires(random, 2000, 1.2, 0.5)
    (x, n), (y, m) = (drawn(random, p, 2000, None, 300) for _ in range(2))
    value, error = morisita(moments(x, y, n, m))
    lower, upper = morisita_limits(value, error)
    assert np.mean(upper >= 1) > 0.95
    assert np.mean(lower <= 1) == 1
    assert abs(value.mean() - 1) < 0.01  # Morisita and Horn's own is lower, the more so the fewer cells


def test_no_clone_seen_twice_gives_no_index():
    x = np.array([[0.5, 0.5, 0, 0]])
    value, error = morisita(moments(x, x[:, ::-1], 2, 2))
    assert np.isnan(value).all() and np.isnan(morisita_limits(value, error)).all()
