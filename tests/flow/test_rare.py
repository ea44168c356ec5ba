import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.errors import AnalysisError
from tilseq.flow.rare import (
    NO_BLANK,
    Blank,
    blank_of,
    least_certain,
    limit_of_blank,
    limit_of_detection,
    limit_of_quantification,
    status_of,
    status_of_counts,
)

DEPTH = 100_000


def known(mean: float, dispersion: float = 0.0) -> Blank:
    """Return a background that is known: so many events in a tube of DEPTH events."""
    return Blank(mean / DEPTH, dispersion, 1_000)


def poisson(count: int, mean: float) -> float:
    return math.exp(count * math.log(mean) - mean - math.lgamma(count + 1)) if mean else float(count == 0)


def negative_binomial(count: int, mean: float, size: float) -> float:
    """Return the chance of a count, by factorials."""
    ways = math.lgamma(count + size) - math.lgamma(size) - math.lgamma(count + 1)
    return math.exp(ways + size * math.log(size / (size + mean)) + count * math.log(mean / (size + mean)))


# Means 0, 1, 3, 10: limits known from Poisson tables. The others by the sums below.
@pytest.mark.parametrize(
    ("mean", "of_blank", "of_detection"), [(0, 0, 2.9957), (1, 3, 7.7537), (3, 6, 11.8424), (10, 15, 23.0971)]
)
def test_poisson_limits_equal_sums_of_the_distribution(mean: float, of_blank: int, of_detection: float) -> None:
    blank = known(mean)
    assert limit_of_blank(DEPTH, blank) == of_blank
    assert limit_of_detection(DEPTH, blank) == pytest.approx(of_detection, abs=1e-4)
    assert math.fsum(poisson(k, mean) for k in range(of_blank + 1)) >= 0.95
    assert math.fsum(poisson(k, mean) for k in range(of_blank)) < 0.95
    assert math.fsum(poisson(k, limit_of_detection(DEPTH, blank)) for k in range(of_blank + 1)) == pytest.approx(0.05)


@pytest.mark.parametrize("mean", [0.2, 1, 4, 12.5])
@pytest.mark.parametrize("size", [0.5, 2, 7.5])
def test_limits_of_a_background_that_varies_equal_sums_of_the_negative_binomial(mean: float, size: float) -> None:
    blank = known(mean, 1 / size)
    most = limit_of_blank(DEPTH, blank)
    assert math.fsum(negative_binomial(k, mean, size) for k in range(most + 1)) >= 0.95
    assert math.fsum(negative_binomial(k, mean, size) for k in range(most)) < 0.95
    signal = limit_of_detection(DEPTH, blank) - mean
    missed = math.fsum(
        negative_binomial(k, mean, size) * poisson(j, signal) for k in range(most + 1) for j in range(most + 1 - k)
    )
    assert missed == pytest.approx(0.05)


def test_a_background_that_hardly_varies_is_poisson() -> None:
    assert limit_of_blank(DEPTH, known(10, 1e-9)) == 15
    assert limit_of_detection(DEPTH, known(10, 1e-9)) == pytest.approx(23.0971, abs=1e-4)


# Fewest N with sqrt(N + d b²) / (N - b) <= 0.2, and at least 50.
@pytest.mark.parametrize(
    ("mean", "dispersion", "fewest"), [(0, 0, 50), (10, 0, 50), (20, 0, 59), (100, 0, 165), (100, 0.25, 368)]
)
def test_fifty_events_are_quantified_or_more_where_the_blank_takes_precision(
    mean: float, dispersion: float, fewest: int
) -> None:
    def cv(events: int) -> float:
        return math.sqrt(events + dispersion * mean**2) / (events - mean)

    assert limit_of_quantification(DEPTH, known(mean, dispersion)) == fewest
    assert cv(fewest) <= 0.2
    assert fewest == 50 or cv(fewest - 1) > 0.2


@given(mean=st.floats(0, 300), dispersion=st.floats(0, 4))
def test_limits_stand_in_their_order(mean: float, dispersion: float) -> None:
    blank = known(mean, dispersion)
    most, detected = limit_of_blank(DEPTH, blank), limit_of_detection(DEPTH, blank)
    assert most < detected <= limit_of_quantification(DEPTH, blank)


def test_a_dispersion_that_is_rounding_is_none() -> None:
    # of Poisson variables, by scipy.stats: the 95 % point of mean 1 is 3, and P(X <= 3) of mean 7.7537 is 0.05
    blank = known(1.0, 3e-309)
    assert limit_of_blank(DEPTH, blank) == 3
    assert limit_of_detection(DEPTH, blank) == pytest.approx(7.7537, abs=1e-4)


@given(events=st.integers(0, 200), less=st.integers(1, 10**6))
def test_without_a_blank_the_status_is_that_of_the_count_alone(events: int, less: int) -> None:
    assert status_of(events, events + less) == status_of_counts(events)


@pytest.mark.parametrize(
    ("events", "status"),
    [(6, "not_detected"), (7, "detected_below_loq"), (49, "detected_below_loq"), (50, "quantified")],
)
def test_the_blank_decides_what_is_detected(events: int, status: str) -> None:
    assert status_of(events, DEPTH, known(3)) == status


def test_the_limit_follows_the_depth_of_the_tube() -> None:
    assert status_of(5, DEPTH, known(3)) == "not_detected"
    assert status_of(5, DEPTH // 3, known(3)) == "detected_below_loq"  # 1 event expected: limit of blank 3


def test_without_a_blank_none_is_not_detected_and_50_are_quantified() -> None:
    assert status_of(0, 10_000) == "not_detected"
    assert (limit_of_blank(10_000), limit_of_quantification(10_000)) == (0, 50)
    assert status_of(7, 5_000, Blank(3 / 5_000, 0, 60)) == "detected_below_loq"


def test_a_share_of_nothing_is_not_evaluable() -> None:
    assert status_of(0, 0) == "not_evaluable"


def test_a_number_of_several_counts_is_as_certain_as_the_least_certain() -> None:
    assert least_certain("quantified", "detected_below_loq", "quantified") == "detected_below_loq"
    assert least_certain("not_detected", "not_evaluable") == "not_evaluable"


def test_blanks_by_hand() -> None:
    # 6.5 / 400; one rate for all, squared error of the rate 1 / 6.5
    assert blank_of([1, 2, 3], [100, 100, 200]) == pytest.approx((0.01625, 1 / 6.5, 3))
    # Mean 10, squares 64 + 0 + 64 over 10 + d 100 are 2 at d = 0.54; with the rate's 1 / 30.5 + 0.54 / 3.
    assert blank_of([2, 10, 18], [500] * 3).dispersion == pytest.approx(1.54 * (1 + 1 / 30.5 + 0.18) - 1)


def test_few_blanks_do_not_show_that_there_is_no_background() -> None:
    # Half an event expected with dispersion 2: chances 0.7071, 0.1768, 0.0663 are the first to pass 0.95.
    assert blank_of([0], [1_000]) == (0.0005, 2.0, 1)
    assert limit_of_blank(1_000, blank_of([0], [1_000])) == 2
    assert limit_of_blank(1_000, blank_of([0] * 10, [1_000] * 10)) == 0
    assert limit_of_blank(1_000, NO_BLANK) == 0


def test_many_blanks_tell_the_known_limit() -> None:
    assert limit_of_blank(DEPTH, blank_of([3] * 2_000, [DEPTH] * 2_000)) == 6


@pytest.mark.parametrize(
    ("events", "denominators"), [([], []), ([1], [10, 10]), ([-1], [10]), ([11], [10]), ([0], [0]), ([1], [math.nan])]
)
def test_blanks_that_cannot_be_are_refused(events: list[float], denominators: list[float]) -> None:
    with pytest.raises(AnalysisError, match="blanks"):
        blank_of(events, denominators)


@pytest.mark.parametrize("events", [-1, 11])
def test_events_beyond_their_denominator_are_refused(events: int) -> None:
    with pytest.raises(AnalysisError, match="within their denominator; found"):
        status_of(events, 10)


@pytest.mark.parametrize(
    ("mean", "dispersion", "tubes"),
    [(0.3, 0, 1), (1, 0, 3), (5, 0, 3), (30, 0, 5), (0.3, 1, 20), (5, 0.3, 20), (5, 1, 20), (30, 0.3, 20)],
)
def test_few_blanks_are_called_detected_and_few_at_the_limit_are_missed(
    mean: float, dispersion: float, tubes: int
) -> None:
    # Both chances 5 %; of 600 a count above 46 has a chance of 0.1 %.
    random = np.random.default_rng([tubes, round(10 * mean)])
    detected = missed = 0
    for _ in range(600):
        rates = mean * (random.gamma(1 / dispersion, dispersion, tubes + 2) if dispersion else np.ones(tubes + 2))
        seen = random.poisson(rates)
        blank = blank_of(seen[:tubes], [DEPTH] * tubes)
        detected += seen[tubes] > limit_of_blank(DEPTH, blank)
        signal = limit_of_detection(DEPTH, blank) - blank.rate * DEPTH
        missed += seen[tubes + 1] + random.poisson(signal) <= limit_of_blank(DEPTH, blank)
    assert detected <= 46
    assert missed <= 46
