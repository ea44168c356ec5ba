"""Stretches of a run in which some events are more or fewer; the expected shares are by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from tilseq.flow.uneven import course_of, parts_of, uneven

THIRDS = np.tile([True, False, False], 300)


def test_the_stretch_is_found_where_it_is():
    """A third of 900 events but for those of the ninth tenth: 270, and of the 630 others 540 beside them."""
    is_one = THIRDS & ~((np.arange(900) >= 720) & (np.arange(900) < 810))
    found = uneven(np.arange(900) / 899, is_one, 10)
    assert found is not None
    assert (found.start, found.end) == (720 / 899, 809 / 899)
    assert (found.some, found.others) == (0, 90 / 630)
    assert (found.greater_some, found.greater_others) == (270.5 / 270, 540.5 / 630)


def test_the_greater_part_is_the_stretch_where_it_holds_more_events():
    """All of the some lie in seven tenths, from the second to the eighth; 90 of 690 others before, 180 behind."""
    is_one = THIRDS & (np.arange(900) >= 90) & (np.arange(900) < 720)
    found = uneven(np.linspace(0, 1, 900), is_one, 10)
    assert found is not None
    assert (found.some, found.others) == (1, 420 / 690)
    assert (found.greater_some, found.greater_others) == (210.5 / 210, 420.5 / 690)


def test_an_even_run_has_no_such_stretch_by_chance_but_rarely():
    """Of random orders of 200 among 400 others 1 in 10,000 should hold a stretch that is surely different."""
    random, times = np.random.default_rng(1), np.linspace(0, 1, 600)
    is_one = np.arange(600) < 200
    assert sum(uneven(times, random.permutation(is_one), 10) is not None for _ in range(2_000)) <= 2


@pytest.mark.parametrize(("more", "tests", "told"), [(20, 1, False), (26, 1, True), (26, 1_000, False)])
def test_of_many_questions_each_must_be_answered_more_surely(more, tests, told):
    """Of the last tenth 30 and some more of 90: roots of G 4.08 and 5.29 (scipy, chi2_contingency, log-likelihood).

    Bonferroni at 1 % of 100 × 10 × log2(10) stretches asks for 4.67, of a thousand questions for 5.93.
    """
    is_one = THIRDS.copy()
    is_one[810 + np.flatnonzero(~is_one[810:])[:more]] = True
    assert (uneven(np.linspace(0, 1, 900), is_one, 10, tests=tests) is not None) == told


@pytest.mark.parametrize(
    ("some", "others", "parts"), [(79, 900, 0), (80, 900, 4), (900, 99, 4), (900, 100, 5), (10**6, 10**6, 100)]
)
def test_a_part_holds_twenty_of_either(some, others, parts):
    assert parts_of(some, others) == parts


def test_the_course_is_that_of_the_clock():
    """A run of 299 ticks and one of 199 after it; an event without a time is left out, those out of order are put."""
    ticks = np.concatenate([np.arange(300), [np.nan], np.arange(200)]).astype(np.float32)
    ticks[[7, 8]] = ticks[[8, 7]]
    course = course_of(SimpleNamespace(events=ticks[:, None], channels=[" time "]))
    assert course is not None
    assert course.places.tolist() == [*range(7), 8, 7, *range(9, 300), *range(301, 501)]
    assert course.times[[0, 1, 299, 300, 499]].tolist() == pytest.approx([0, 1 / 498, 299 / 498, 299 / 498, 1])


@pytest.mark.parametrize("channel", ["FSC-A", "Time"])
def test_without_a_clock_that_moves_there_is_no_course(channel):
    assert course_of(SimpleNamespace(events=np.ones((500, 1), dtype=np.float32), channels=[channel])) is None
