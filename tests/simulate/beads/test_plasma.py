import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilseq.errors import RunError
from tilseq.simulate.beads.plasma import BASELINE, plasma_levels
from tilseq.simulate.streams import stream


def levels(subject, days, activated, burden):
    return plasma_levels(
        stream(1, subject, "cytokines"), days, activated, burden, noise=lambda day: stream(1, subject, str(day))
    )


@given(st.lists(st.integers(-60, 400), unique=True, max_size=8), st.integers(-60, 400))
@settings(max_examples=40, deadline=None)
def test_a_day_depends_on_no_other(days, day):
    days = [day, *(other for other in days if other != day)]
    some = levels("S", days, [50.0 + one / 10 for one in days], [80.0] * len(days))
    alone = levels("S", [day], [50.0 + day / 10], [80.0])
    assert list(some) == days
    assert some[day] == alone[day]
    assert alone[day].keys() == BASELINE.keys()
    assert all(np.isfinite(value) and value > 0 for one in some.values() for value in one.values())


@pytest.fixture(scope="module")
def cohort():
    days, activated = [-10, 0, 3, 7, 28, 180], [0, 20, 80, 300, 60, 10]
    people = [levels(f"S{n}", days, activated, [100.0] * 6) for n in range(300)]
    return {
        (analyte, day): np.array([person[day][analyte] for person in people]) for analyte in BASELINE for day in days
    }


def test_levels_before_treatment(cohort):
    assert np.median(cohort["IFN-gamma", -10]) == pytest.approx(2.0, rel=0.25)
    assert 0.1 < np.mean(cohort["IFN-gamma", -10] < 1) < 0.4
    assert np.mean(cohort["IL-2", -10] < 1) > 0.7
    total = cohort["TGF-beta1", -10]
    assert np.mean((total > 1_000) & (total < 20_000)) > 0.9  # usual range of platelet-poor plasma


def test_levels_over_time(cohort):
    usual = {key: np.median(values) for key, values in cohort.items()}
    assert usual["IFN-gamma", 7] > 50 * usual["IFN-gamma", -10]
    assert usual["IFN-gamma", 7] > usual["IFN-gamma", 28] > usual["IFN-gamma", 180]
    assert 1_500 < usual["IL-2", 3] < 6_000
    assert usual["IL-2", 28] < 5
    assert usual["IL-15", 0] > 5 * usual["IL-15", -10]
    assert usual["IL-15", 180] < 1.5 * usual["IL-15", -10]
    assert usual["TGF-beta1", 7] < 0.7 * usual["TGF-beta1", -10]
    for day in (-10, 180):
        assert 0.2 < np.corrcoef(np.log(cohort["IFN-gamma", day]), np.log(cohort["IL-6", day]))[0, 1] < 0.7


def test_burden_and_cells_drive_the_levels():
    with_lesions, without = levels("S", [28], [50], [100]), levels("S", [28], [50], [0])
    assert with_lesions[28]["TGF-beta1"] / without[28]["TGF-beta1"] == pytest.approx(1.3)
    many = levels("S", [28], [500], [100])[28]
    few = with_lesions[28]
    assert all(many[name] > few[name] for name in ("IFN-gamma", "TNF-alpha", "IL-2", "IL-6", "IL-10"))
    assert many["TGF-beta1"] == few["TGF-beta1"]


@pytest.mark.parametrize(
    ("days", "activated", "burden"),
    [([1, 1], [0, 0], [0, 0]), ([1, 2], [0], [0, 0]), ([1], [-1], [0]), ([1], [np.nan], [0]), ([1], [0], [-5])],
)
def test_impossible_courses_are_refused(days, activated, burden):
    with pytest.raises(RunError):
        levels("S", days, activated, burden)
