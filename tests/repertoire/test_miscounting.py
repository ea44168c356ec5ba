"""How often templates are counted, learnt from libraries that were drawn with a known law."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilseq.repertoire.miscounting import ONCE, Miscounting, miscounting


def templates(random, naive, spread, number):
    """Templates of clones: some of one naive cell each, the others of log-normal clones."""
    memory = random.lognormal(0, spread, 4_000)
    of_clones = random.multinomial(round(number * (1 - naive)), memory / memory.sum())
    return np.concatenate([of_clones, np.ones(round(number * naive), int)])


def twice(u):
    """Each template counted 0, 1 or 2 times."""
    return lambda random, drawn: (
        drawn
        - (missed := random.binomial(drawn, u / 2))
        + random.binomial(drawn - missed, u / 2 / (1 - u / 2) if u else 0)
    )


def drawn_of_fewer(u):
    """Counts drawn at random from fewer templates, of 1 / u of them each."""
    return lambda random, drawn: random.poisson(random.binomial(drawn, 1 / u) * u) if u > 1 else random.poisson(drawn)


def shown(counts):
    return counts[counts > 0]


LIBRARIES = [(naive, spread, number) for naive in (0.4, 0.1) for spread in (1.5, 2.2) for number in (6_000, 20_000)]


@pytest.mark.parametrize(
    ("counted", "variance", "at_most_twice", "of_each"),
    [
        (twice(0.0), 0.0, None, 1),
        (twice(0.3), 0.3, True, 1),
        (twice(0.5), 0.5, True, 1),
        (drawn_of_fewer(1), 1.0, False, 2),
    ],
)
def test_libraries_together_tell_how_templates_are_counted(counted, variance, at_most_twice, of_each):
    random = np.random.default_rng(41)
    found = miscounting(shown(counted(random, templates(random, *library))) for library in of_each * LIBRARIES)
    assert found.variance == pytest.approx(variance, abs=0.06)
    assert at_most_twice is None or (found.twice, found.sure) == (at_most_twice, True)


def test_one_library_of_large_clones_is_not_sure_how_its_templates_are_counted():
    random = np.random.default_rng(43)
    for naive in (0.0, 0.05):
        counts = twice(0.3)(random, templates(random, naive, 2.2, 6_000))
        found = miscounting([counts[counts > 0]])
        assert found.variance == pytest.approx(0.3, abs=0.06) if found.sure else 0.3 <= found.variance <= 1


@pytest.mark.parametrize("of_each", [1, 3])
def test_templates_counted_by_another_law_are_not_sure(of_each):
    # the reads of a template are gamma, and its count is what they round to: 0 to 5
    random = np.random.default_rng(42)
    made = []
    for library in of_each * LIBRARIES:
        drawn = templates(random, *library)
        each = np.rint(random.gamma(2, 0.5, drawn.sum())).astype(int)
        made.append(shown(np.bincount(np.repeat(np.arange(len(drawn)), drawn), each, len(drawn)).astype(int)))
    assert not miscounting(made).sure


@pytest.mark.parametrize("variance", [0.0, 0.3])
def test_many_libraries_of_clones_whose_sizes_do_not_tell_are_not_sure(variance):
    # of log-normal sizes around one template any variance fits nearly as well
    random = np.random.default_rng(0)
    made = []
    for _ in range(40):
        sizes = random.lognormal(random.normal(0, 0.5), random.uniform(0.8, 1.5), 4_000)
        made.append(shown(twice(variance)(random, random.poisson(sizes))))
    assert not miscounting(made).sure


def test_limits_of_rounded_reads_are_hardly_too_narrow():
    # a clone's reads are a gamma of its templates with a variance of 0.63 each, rounded: by neither law
    random = np.random.default_rng(44)
    for library in LIBRARIES:
        reads = np.rint(random.gamma(templates(random, *library) / 0.63, 0.63)).astype(int)
        found = miscounting([reads[reads > 0]])
        assert not found.sure
        assert np.sqrt((1 + found.variance) / 1.63) > 0.95  # by the median variance 0.86 to 0.93


@pytest.mark.parametrize("library", [[], [1] * 99, [5] * 300, [40] * 5_000])
def test_a_library_that_tells_nothing(library):
    assert miscounting([library]) == miscounting([]) == ONCE == Miscounting(0.0, False)


def test_libraries_that_tell_are_counted():
    naive = [1] * 900 + [3] * 100
    found = miscounting([naive, naive, [1] * 99])
    assert (found.variance, found.libraries) == (0.0, 2)


def test_clones_of_any_count_take_no_memory():
    assert miscounting([[2**50] + [1] * 200]) == miscounting([[13] + [1] * 200])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(1, 10**9), max_size=300), max_size=3))
def test_any_counts_have_a_variance(libraries):
    assert 0 <= miscounting(libraries).variance <= 1
    assert miscounting(libraries) == miscounting(libraries[::-1])
