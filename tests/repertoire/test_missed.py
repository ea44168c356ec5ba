import numpy as np
import pytest

from tilseq.repertoire.missed import fewest_missed, missed, poisson_log_normal

# tests/oracles/missed.R: centre, scatter, chances of 0, 1, 7, 300 and 20,000
CHANCES = [
    (-2, 0.3, (0.868807616255, 0.121385589306, 1.15090121754e-09)),
    (-2, 1, (0.823859481924, 0.141893335916, 9.08523483534e-05, 1.92552946077e-16, 3.41420546177e-36)),
    (-2, 2.5, (0.69943217223, 0.122837472487, 0.00698028831962, 4.63187719721e-06, 9.52969043236e-11)),
    (1, 0.3, (0.0788544136874, 0.180955403997, 0.0237936829246, 2.05183616231e-54)),
    (1, 1, (0.157004174921, 0.175733422691, 0.0379136933364, 2.17777923005e-08, 1.22211171253e-22)),
    (1, 2.5, (0.28961048584, 0.124629219028, 0.0212164932567, 9.07751502586e-05, 1.4053396653e-08)),
    (4, 0.3, (1.90260858137e-11, 2.80703214299e-10, 1.24246288611e-06, 8.00106098347e-10, 6.06795295223e-89)),
    (4, 1, (0.000375840762589, 0.00113501029943, 0.00741403295857, 0.000313357777058, 5.40103930064e-13)),
    (4, 2.5, (0.0485448636439, 0.037430390261, 0.0158254087706, 0.000421820437902, 4.91026312419e-07)),
]


@pytest.mark.parametrize(("centre", "scatter", "expected"), CHANCES)
def test_counts_of_log_normal_means_as_r(centre, scatter, expected):
    counts = np.array([0.0, 1, 7, 300, 20_000])[: len(expected)]
    found = poisson_log_normal(counts, np.full(len(counts), float(centre)), scatter)
    assert found == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("centre", [-2.0, 0.0, 1.5])
def test_as_many_as_were_missed(centre):
    found, truth = [], []
    for seed in (8, 9, 10):
        random = np.random.default_rng(seed)
        later = np.ceil(random.lognormal(3, 1, 4000))
        expected = np.exp(centre + 0.9 * (np.log(later) - 3) + 0.8 * random.standard_normal(4000))
        counts = random.poisson(expected)
        seen, large = counts > 0, later > 40
        numbers = missed(later[seen], counts[seen].astype(float))
        found.append([numbers.sum(), numbers[large[seen]].sum()])
        truth.append([np.count_nonzero(~seen), np.count_nonzero(~seen & large)])
    assert np.mean(found, axis=0) == pytest.approx(np.mean(truth, axis=0), rel=0.25, abs=5)


def test_as_many_as_were_missed_of_a_deep_reference():
    told, truth = [], []
    for seed in range(6):
        random = np.random.default_rng(seed)
        product = random.lognormal(0, 1.7, 5_000)
        grown = product * random.lognormal(0, 0.8, 5_000)
        later, reference = (random.multinomial(50_000, shares / shares.sum()) for shares in (grown, product))
        both = (later > 0) & (reference > 0)
        numbers = missed(later[both].astype(float), reference[both].astype(float))
        told.append(numbers[later[both] >= 5].sum())
        truth.append(np.count_nonzero((later >= 5) & (reference == 0)))
    assert np.mean(told) == pytest.approx(np.mean(truth), rel=0.25)
    assert max(told) < 1.6 * max(truth)


def test_the_fit_does_not_stop_before_the_greatest_likelihood():
    random = np.random.default_rng(17)
    product = random.lognormal(0, 1.7, 3_000)
    product /= product.sum()
    grown = product * np.exp(1.5 * random.standard_normal(3_000))
    later, reference = random.multinomial(20_000, grown / grown.sum()), random.multinomial(20_000, product)
    both = (later > 0) & (reference > 0)
    told = missed(later[both].astype(float), reference[both].astype(float)).sum()
    assert told == pytest.approx(np.count_nonzero((later > 0) & (reference == 0)), rel=0.15)


def test_of_few_clones_nothing_is_known():
    assert np.isinf(missed(np.full(9, 5.0), np.full(9, 2.0))).all()


# By awk: f1, f2, floor(f1 (f1 - 1) / (2 (f2 + 1)) * exp(-1.959963985 * sqrt(4 / f1 + 1 / (f2 + 1) + 1 / that)))
FEWEST = [(0, 0, 0), (1, 0, 0), (2, 0, 0), (9, 0, 3), (20, 4, 10), (60, 20, 42)]


@pytest.mark.parametrize(("once", "twice", "least"), FEWEST)
def test_the_fewest_that_were_missed_by_hand(once, twice, least):
    assert fewest_missed([1] * once + [2] * twice) == least
    assert fewest_missed([3, 700] + [2] * twice + [1] * once) == least


SIZES = {
    "equal": lambda random, clones: np.full(clones, 2.0),
    "equal, rare": lambda random, clones: np.full(clones, 0.4),
    "log-normal": lambda random, clones: 0.3 * random.lognormal(0, 1.2, clones),
    "power": lambda random, clones: np.minimum(0.1 / random.random(clones), 300.0),
}
# Counts of a number of cells.
COUNTED = {
    "once": lambda random, cells: cells,
    "some twice": lambda random, cells: cells + random.binomial(cells, 0.15),
    "unequally": lambda random, cells: random.poisson(random.standard_gamma(np.maximum(cells, 1e-12)) * (cells > 0)),
}


@pytest.mark.parametrize("counted", COUNTED)
@pytest.mark.parametrize("sizes", SIZES)
def test_fewer_are_told_than_were_missed_whatever_the_sizes_and_counts(sizes, counted):
    over, told = 0, []
    for seed in range(300):
        random = np.random.default_rng([31, seed])
        counts = COUNTED[counted](random, random.poisson(SIZES[sizes](random, random.poisson(200))))
        told.append(fewest_missed(counts[counts > 0]))
        over += told[-1] > np.count_nonzero(counts == 0)
    # One in forty is 7.5 of 300; up to 14 are chance (binomial, 1 %).
    assert over <= 14
    assert np.median(told) > 0
