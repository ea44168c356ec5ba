import numpy as np
import pytest

from tilseq.simulate.clinic.lesions import FIRST_DAY
from tilseq.simulate.clinic.markers import PANELS, draw_markers, marker_rows, true_marker_rows
from tilseq.simulate.streams import stream
from tilseq.tables.inputs import TUMOR_MARKERS

DAYS = [-10, 28, 84, 180, 360]
NONE = np.zeros(401 - FIRST_DAY)
SHRINKING = np.where(np.arange(FIRST_DAY, 401) < 0, 80.0, 80.0 * 0.5 ** (np.arange(FIRST_DAY, 401) / 15))


def draw(number, tumor_type, viable_ml=SHRINKING):
    return draw_markers(stream(6, str(number)), tumor_type, viable_ml)


def on(day):
    return day - FIRST_DAY


def test_the_panels_are_the_protocols():
    assert PANELS["melanoma"] == ("CA50", "CA199", "CEA")
    assert PANELS["cervical"] == PANELS["ovarian"] == ("CA125", "SCC", "CA199")
    assert PANELS["nsclc"] == ("CYFRA21-1", "SCC", "CEA")
    assert PANELS["head_and_neck"] == ("CEA", "TG", "SCC")


@pytest.mark.parametrize("tumor_type", PANELS)
def test_rows_are_those_of_the_table(tumor_type):
    rows = marker_rows("S1", draw(1, tumor_type), DAYS)
    assert TUMOR_MARKERS.frame(rows).height == len(rows) == len(PANELS[tumor_type]) * len(DAYS)
    assert {row["test"] for row in rows} == set(PANELS[tumor_type])


def test_shares_that_follow_the_tumour():
    follows = {test: [] for test in PANELS["ovarian"]}
    for number in range(600):
        for marker in draw(number, "ovarian"):
            follows[marker.test].append(marker.follows_tumor)
    assert np.mean(follows["CA125"]) == pytest.approx(0.80, abs=0.065)
    assert np.mean(follows["SCC"]) == pytest.approx(0.05, abs=0.04)
    assert not any(marker.follows_tumor for number in range(100) for marker in draw(number, "head_and_neck")[1:2])


def test_those_that_follow_fall_with_the_tumour_and_the_others_do_not():
    for number in range(100):
        with_tumor, without = draw(number, "ovarian"), draw(number, "ovarian", NONE)
        for marker, healthy in zip(with_tumor, without, strict=True):
            made = marker.values - healthy.values
            if marker.follows_tumor:
                assert made[on(-10)] > 20 * made[on(84)] > 0
                assert made[on(-10)] / made[on(-30)] == pytest.approx(1)
            else:
                assert not made.any()


def test_what_is_cleared_lags_behind_by_its_half_life():
    gone = np.where(np.arange(FIRST_DAY, 401) < 10, 100.0, 0.0)
    numbers = range(50)
    markers = [(draw(i, "ovarian", gone)[0], draw(i, "ovarian", NONE)[0]) for i in numbers]
    made = next(one.values - other.values for one, other in markers if one.follows_tumor)
    assert made[on(9) + 6] / made[on(9)] == pytest.approx(0.5)  # CA125: six days
    assert made[on(9) + 60] / made[on(9)] == pytest.approx(2**-10)


def test_lewis_negative_subjects_make_no_ca199():
    negative = 0
    for number in range(600):
        marker = draw(number, "cervical")[2]
        assert marker.test == "CA199"
        if marker.lewis_negative:
            negative += 1
            assert not marker.follows_tumor
            assert {row["value_text"] for row in marker_rows("S", [marker], DAYS)} == {"<0.6"}
    assert 0.04 < negative / 600 < 0.11


def test_day_to_day_variation_is_that_of_ca125():
    # A reference change of 34 % is 2.77 times a CV of 12 %.
    logs = []
    for number in range(40):
        marker = draw(number, "melanoma")[2]
        if marker.new_assay_day is None:
            for row in marker_rows("S", [marker], range(-20, 300, 3)):
                if row["value_text"][0] not in "<>":
                    logs.append(np.log(float(row["value_text"]) / marker.values[on(row["day"])]))
    assert np.median(logs) == pytest.approx(0, abs=0.01)
    assert np.percentile(np.abs(logs), 68) == pytest.approx(0.12, abs=0.015)


def test_a_new_assay_brings_its_own_limit_and_scale():
    changed = [marker for i in range(400) for marker in draw(i, "nsclc") if marker.new_assay_day is not None]
    assert 0.05 < len(changed) / 1200 < 0.11
    for marker in changed:
        day = marker.new_assay_day
        before, after = marker_rows("S", [marker], [day - 1, day])
        assert before["upper_limit"] == {"CEA": 5.0, "CYFRA21-1": 3.3, "SCC": 1.5}[marker.test]
        assert after["upper_limit"] == {"CEA": 4.6, "CYFRA21-1": 3.0, "SCC": 1.4}[marker.test]
    scale = np.log([marker.new_assay_factor for marker in changed])
    assert 0.15 < scale.std() < 0.30


def test_beyond_the_range_a_bound_is_written():
    texts = {
        row["value_text"]
        for number in range(60)
        for row in marker_rows("S", draw(number, "ovarian", np.full(401 - FIRST_DAY, 4000.0)), DAYS)
    }
    assert ">5000" in texts


def test_the_rows_of_a_day_depend_on_nothing_else():
    markers = draw(3, "nsclc")
    many = marker_rows("S", markers, range(-20, 100))
    assert [row for row in many if row["day"] == 28] == marker_rows("S", markers, [28, 28])
    longer = draw(3, "nsclc", np.append(SHRINKING, np.zeros(300)))
    assert marker_rows("S", longer, DAYS) == marker_rows("S", markers, DAYS)


def test_the_truth_is_the_marker():
    markers = draw(2, "melanoma")
    rows = true_marker_rows("S", markers, [28])
    assert [row["value"] for row in rows] == [marker.values[on(28)] for marker in markers]
    assert [row["follows_tumor"] for row in rows] == [marker.follows_tumor for marker in markers]
