import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilseq.errors import RunError
from tilseq.simulate.beads.plasma import BASELINE, plasma_levels
from tilseq.simulate.streams import stream

SECRETED = ("IFN-gamma", "TNF-alpha", "IL-2", "IL-6", "IL-10")


def levels(subject, days, infused, burden, doses=4):
    return plasma_levels(
        stream(1, subject, "cytokines"),
        days,
        infused,
        burden,
        il2_doses=doses,
        noise=lambda day: stream(1, subject, str(day)),
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
    days, infused = [-10, 0, 3, 7, 28, 180], [0, 20, 80, 300, 60, 10]
    people = [levels(f"S{n}", days, infused, [100.0] * 6) for n in range(300)]
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
    assert usual["IFN-gamma", 7] > 20 * usual["IFN-gamma", -10]
    assert usual["IL-6", 3] > 20 * usual["IL-6", -10]
    for analyte in SECRETED:
        for day in (28, 180):
            assert usual[analyte, day] == pytest.approx(usual[analyte, -10], rel=0.2)
    assert 1_500 < usual["IL-2", 3] < 6_000
    assert usual["IL-15", 0] > 5 * usual["IL-15", -10]
    assert usual["IL-15", 180] < 1.5 * usual["IL-15", -10]
    assert usual["TGF-beta1", 7] < 0.7 * usual["TGF-beta1", -10]
    for day in (-10, 180):
        assert 0.2 < np.corrcoef(np.log(cohort["IFN-gamma", day]), np.log(cohort["IL-6", day]))[0, 1] < 0.7


def test_burden_and_cells_drive_the_levels():
    with_lesions, without = levels("S", [28], [50], [100]), levels("S", [28], [50], [0])
    assert with_lesions[28]["TGF-beta1"] / without[28]["TGF-beta1"] == pytest.approx(1.3)
    many, few = (levels("S", [7], [cells], [100])[7] for cells in (500, 50))
    assert all(many[name] > few[name] for name in SECRETED)
    assert many["TGF-beta1"] == few["TGF-beta1"]


def test_what_a_dose_adds_does_not_know_of_later_doses():
    alone, other, none = (levels("S", [-10, 0], [0, 100], [80, 80], doses) for doses in (1, 6, 0))
    assert alone == other
    assert alone[-10] == none[-10]
    assert all(alone[0][name] > none[0][name] for name in SECRETED)


def test_interleukin_2_follows_the_doses():
    # Doses every 0.8 days, each gone by a factor e in 0.6 days: on day 5 six doses have left
    # 1 + r + ... + r^5 of what the first alone has, with r = e^(4/3) = 3.7937, and two 1 + r = 4.7937.
    left = {doses: levels("S", [5], [0], [80], doses)[5] for doses in (0, 1, 2, 6)}
    for name in ("IL-2", "TNF-alpha", "IL-6", "IL-10"):
        added = {doses: level[name] - left[0][name] for doses, level in left.items()}
        assert added[2] / added[1] == pytest.approx(4.7937, rel=1e-4)
        assert added[6] / added[1] == pytest.approx(1066.7, rel=1e-4)
    assert left[6]["IFN-gamma"] == left[0]["IFN-gamma"]
    # Cells are stimulated for longer: e in 3 days, so that r = e^(0.8/3) = 1.30561 and six doses leave 12.9351.
    made = {doses: levels("S", [5], [100], [80], doses)[5]["IFN-gamma"] for doses in (0, 1, 6)}
    assert (made[6] - made[0]) / (made[1] - made[0]) == pytest.approx(12.9351, rel=1e-4)


@given(st.integers(0, 6), st.integers(0, 200), st.floats(0, 1_000))
@settings(max_examples=40, deadline=None)
def test_everything_has_faded_a_month_after_the_last_dose(doses, number, infused):
    later = levels(f"S{number}", [35], [infused], [80], doses)[35]
    none = levels(f"S{number}", [35], [0], [80], 0)[35]
    assert all(none[name] <= later[name] <= 1.5 * none[name] for name in SECRETED)


@pytest.mark.parametrize(
    ("days", "infused", "burden"),
    [([1, 1], [0, 0], [0, 0]), ([1, 2], [0], [0, 0]), ([1], [-1], [0]), ([1], [np.nan], [0]), ([1], [0], [-5])],
)
def test_impossible_courses_are_refused(days, infused, burden):
    with pytest.raises(RunError):
        levels("S", days, infused, burden)


def test_a_negative_number_of_doses_is_refused():
    with pytest.raises(RunError, match="doses of IL-2"):
        levels("S", [1], [1], [1], -1)
