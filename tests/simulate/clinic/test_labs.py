from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.simulate.clinic.labs import (
    HOSPITAL_DAYS,
    NAMES,
    TESTS,
    draw_course,
    draw_tolerance,
    lab_rows,
    recovery_rows,
    transfusion_rows,
    true_lab_rows,
    written,
)
from tilseq.simulate.clinic.lesions import FIRST_DAY
from tilseq.simulate.streams import stream
from tilseq.tables.inputs import LABS

SMALL_TUMOR = np.full(401 - FIRST_DAY, 20.0)


def lymphocytes(day):
    return 1300.0 if day < -6 else 40.0 + 9 * max(day, 0)


def monocytes(day):
    return 450.0 if day < -6 else 20.0


def draw(number, viable_ml=SMALL_TUMOR, sex="male"):
    tolerance = draw_tolerance(stream(2, str(number), "tolerance"))
    return draw_course(stream(2, str(number), "labs"), tolerance, lymphocytes, monocytes, viable_ml, sex=sex)


@pytest.fixture(scope="module")
def courses():
    return [draw(number) for number in range(200)]


def on(day):
    return day - FIRST_DAY


@pytest.mark.parametrize(
    ("value", "decimals", "least", "text"),
    [
        (0.0999, 2, 0.1, "<0.1"),
        (0.1, 2, 0.1, "0.10"),
        (4.256, 2, 0.1, "4.26"),
        (88.4, 0, 20.0, "88"),
        (0.0, 1, 5, "<5"),
    ],
)
def test_a_result_as_it_is_written(value, decimals, least, text):
    assert written(value, decimals, least) == text


@given(st.floats(0, 1e6), st.integers(0, 3), st.floats(0.01, 100))
def test_what_is_written_is_a_number_near_the_value_or_a_bound(value, decimals, least):
    text = written(value, decimals, least)
    assert text.startswith("<") == (value < least)
    if value >= least:
        assert abs(float(text) - value) <= 0.5 * 10**-decimals * (1 + 1e-6) + 1e-9 * value


def test_counts_collapse_and_come_back(courses):
    def median(test, day):
        return np.median([course.at(test, day) for course in courses])

    assert median("ANC", -10) == pytest.approx(4.2, rel=0.1)  # the constant's own
    assert median("ANC", 3) < 0.1
    assert median("ANC", 14) > 2
    assert median("platelets", 6) < 50 < median("platelets", 15)
    assert median("haemoglobin", 8) < 0.75 * median("haemoglobin", -10)
    assert median("creatinine", 4) > 1.3 * median("creatinine", -10)
    assert median("albumin", 4) < 35 < median("albumin", -10)


def test_no_inflammation_goes_beyond_what_laboratories_see(courses):
    highest = [course.values["CRP"].max() for course in courses]
    assert max(highest) < 500
    assert np.median(highest) == pytest.approx(50, rel=0.3)
    assert np.median([course.at("CRP", -10) for course in courses]) == pytest.approx(6, rel=0.25)


def test_white_cells_are_the_sum_of_their_kinds(courses):
    for course in courses[:5]:
        values = course.values
        for day, others in ((-10, 1.3 + 0.45), (20, 0.22 + 0.02)):
            assert values["WBC"][on(day)] == pytest.approx(values["ANC"][on(day)] + others)
        assert values["lymphocytes"][on(-10)] == 1.3
        assert values["lymphocytes"][on(20)] == pytest.approx(0.22)


def test_recovery_days_by_hand(courses):
    values = {name: np.full(30 - FIRST_DAY, 100.0) for name in NAMES}
    values["ANC"] = values["ANC"].copy()
    values["ANC"][on(-3) : on(9)] = 0.4
    values["ANC"][on(2)] = 0.02
    values["ANC"][on(9) : on(12)] = [0.5, 0.99, 1.0]
    values["platelets"] = values["platelets"].copy()
    values["platelets"][on(2)], values["platelets"][on(5)], values["platelets"][on(29)] = 19.9, 20.0, 49.0
    found = recovery_rows("S1", replace(courses[0], values=values))
    assert [tuple(row.values())[1:] for row in found] == [
        ("ANC", 0.5, 0.02, 2, -3, 9),
        ("ANC", 1.0, 0.02, 2, -3, 11),
        ("platelets", 20.0, 19.9, 2, 2, 3),
        ("platelets", 50.0, 19.9, 2, 2, None),  # still below on the last day
    ]


def test_nothing_falls_or_comes_back_after_a_death(courses):
    values = {name: np.full(30 - FIRST_DAY, 100.0) for name in NAMES}
    values["ANC"] = values["ANC"].copy()
    values["ANC"][on(-3) : on(9)] = 0.4
    values["ANC"][on(6)] = 0.02
    course = replace(courses[0], values=values, transfusions=((3, "platelets"), (5, "red cells"), (6, "platelets")))
    rows = [tuple(row.values())[1:] for row in recovery_rows("S1", course, death_day=5)]
    assert rows[:2] == [("ANC", 0.5, 0.4, -3, -3, None), ("ANC", 1.0, 0.4, -3, -3, None)]
    assert [row[3:] for row in rows[2:]] == [(-7, None, None)] * 2
    assert [row["day"] for row in transfusion_rows("S1", course, death_day=5)] == [3, 5]


def test_recovery_is_later_for_some(courses):
    days = [recovery_rows("S", course)[0]["recovered_day"] for course in courses]
    assert 8 <= np.median(days) <= 11
    assert np.percentile(days, 90) - np.percentile(days, 10) >= 4


def test_transfusions_lift_what_is_low(courses):
    assert any(row["product"] == "red cells" for course in courses for row in transfusion_rows("S", course))
    for course in courses:
        for day, product in course.transfusions:
            test, below, gain = ("platelets", 12, 28) if product == "platelets" else ("haemoglobin", 75, 18)
            assert course.at(test, day) < below
            assert course.at(test, day + 1) > course.at(test, day) + gain * 0.4


def test_results_scatter_about_the_truth(courses):
    for test in ("haemoglobin", "lymphocytes", "ALT"):
        cv = {"haemoglobin": 0.018, "lymphocytes": 0.078, "ALT": 0.104}[test]
        logs = [
            np.log(float(row["value_text"]) / course.at(test, row["day"]))
            for course in courses
            for row in lab_rows("S", course, [-10, 60, 61, 62])
            if row["test"] == test and row["value_text"][0] != "<"
        ]
        assert np.median(logs) == pytest.approx(0, abs=0.1 * cv + 0.005)
        assert np.percentile(np.abs(logs), 68) == pytest.approx(cv, rel=0.25)
        assert np.mean(np.abs(logs) > 3 * cv) > 0.0035  # heavier than normal (0.0027)


def test_rows_are_those_of_the_table(courses):
    rows = lab_rows("S1", courses[0], [*HOSPITAL_DAYS, -10, 28, 28])
    assert LABS.frame(rows).height == len(rows)
    assert len({(row["day"], row["test"]) for row in rows}) == len(rows)
    assert {row["test"] for row in rows} == set(NAMES)
    assert any(row["value_text"] == "<0.1" for row in rows)
    for row in rows:
        if row["value_text"][0] != "<" and row["clinically_significant"]:
            assert not row["lower_limit"] < float(row["value_text"]) < row["upper_limit"]


def test_the_rows_of_a_day_do_not_depend_on_the_others(courses):
    many = lab_rows("S", courses[1], range(-20, 60))
    assert [row for row in many if row["day"] == 28] == lab_rows("S", courses[1], [28])


def test_a_longer_trial_has_the_same_beginning():
    longer = draw(4, np.full(800 - FIRST_DAY, 20.0))
    assert lab_rows("S", longer, [-10, 5, 84]) == lab_rows("S", draw(4), [-10, 5, 84])


def test_some_results_are_missing_and_some_draws_haemolysed(courses):
    days = [30, 60, 90]
    done = {test.name: 0 for test in TESTS}
    high = 0
    for course in courses:
        rows = {(row["day"], row["test"]): row for row in lab_rows("S", course, days)}
        for _, test in rows:
            done[test] += 1
        for day in days:
            if (day, "LDH") in rows:
                high += float(rows[day, "LDH"]["value_text"]) > 1.35 * course.at("LDH", day)
    assert {name: 1 - number / 600 for name, number in done.items()}["LDH"] == pytest.approx(0.15, abs=0.05)
    assert done["WBC"] > 580
    assert 1 <= high <= 15  # 0.8 % of 600, of which 15 % are missing


def test_limits_and_values_differ_between_the_sexes():
    her, him = draw(1, sex="female"), draw(1)
    limits = {row["test"]: row["lower_limit"] for row in lab_rows("S", her, [-10, -9, -8])}
    assert limits["haemoglobin"] == 115.0
    assert him.limits["haemoglobin"] == (130.0, 170.0)
    assert her.at("haemoglobin", -10) == pytest.approx(0.92 * him.at("haemoglobin", -10))


def test_ldh_rises_with_the_tumour():
    large = draw(1, SMALL_TUMOR + 500)
    assert large.at("LDH", -10) / draw(1).at("LDH", -10) == pytest.approx(2.04 / 1.04)


def test_the_truth_is_the_course(courses):
    rows = true_lab_rows("S", courses[0], [7])
    assert [(row["test"], row["value"]) for row in rows] == [(name, courses[0].at(name, 7)) for name in NAMES]


def test_tolerances_are_correlated():
    drawn = [draw_tolerance(stream(3, str(i))) for i in range(3000)]
    marrow, il2 = np.array([(one.marrow, one.il2) for one in drawn]).T
    assert np.corrcoef(marrow, il2)[0, 1] == pytest.approx(0.4, abs=0.06)
    assert marrow.std() == pytest.approx(1, abs=0.05)
    assert {one.il2_doses for one in drawn} == {1, 2, 3, 4, 5, 6}
