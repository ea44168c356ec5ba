import numpy as np
import pytest

from tilseq.simulate.clinic.followup import draw_fate, followup_row, schedule_rows, therapy_rows, true_fate_row
from tilseq.simulate.clinic.followup import true_progression_day as progression
from tilseq.simulate.clinic.lesions import FIRST_DAY, Disease, Lesion, draw_lesions, follow
from tilseq.simulate.clinic.scans import read_scans
from tilseq.simulate.streams import stream
from tilseq.tables.inputs import FOLLOWUP, THERAPIES

PLAN = {"baseline": (-10, 4), "D28": (28, 3), "D84": (84, 7), "D126": (126, 7), "D180": (180, 14), "D252": (252, 14)}
PLAN["D336"] = (336, 14)
TYPES = ("melanoma", "cervical", "ovarian", "nsclc", "head_and_neck", "other")
LATE = 620
CUT = 500


def typical(rng, days=LATE + 1):
    """Return reactive cells: peak 200 per µL, log-normal between subjects, day 10-14, half-lives of 20-300 days."""
    peak, top, half_life = 200 * rng.lognormal(0, 1.2), rng.uniform(10, 14), 20 * 15 ** rng.random()
    day = np.arange(days)
    return peak * np.where(day < top, (day / top) ** 2, 0.5 ** ((day - top) / half_life))


def subject(number):
    name = f"S{number}"
    cells = typical(stream(5, name, "cells"))
    disease = follow(draw_lesions(stream(5, name, "lesions"), TYPES[number % 6]), cells)
    fate = draw_fate(stream(5, name, "fate"), disease, CUT)
    reading = read_scans(name, disease, PLAN, lambda v: stream(5, name, v), last_day=fate.last_alive_day)
    return disease, fate, reading


@pytest.fixture(scope="module")
def cohort():
    return [subject(number) for number in range(320)]


def steady(burden_mm, days=401):
    burden = np.full(days - FIRST_DAY, float(burden_mm))
    return Disease((), np.empty((0, len(burden))), burden, burden)


def fates(disease, number=4000, cut=CUT):
    rng = stream(9, "fates")
    return [draw_fate(rng, disease, cut) for _ in range(number)]


def alive(found, day):
    return np.mean([fate.death_day is None or fate.death_day > day for fate in found])


def best(reading):
    """Return the best of the responses up to progression, confirmed or not."""
    found = [row["response"] for row in reading.responses]
    until = found[: found.index("PD") + 1] if "PD" in found else found
    return min(until, key=["CR", "PR", "SD", "PD", "NE"].index) if until else None


def median(times, events):
    """Return the Kaplan-Meier median."""
    share = 1.0
    for left, (time, event) in enumerate(sorted(zip(times, events, strict=True))):
        share *= 1 - event / (len(times) - left)
        if share <= 0.5:
            return time
    return None


def test_without_a_tumour_only_treatment_and_chance_kill():
    found = fates(steady(0))
    # exp(-(30 * 0.0008 + 400 * 0.00003)) = 0.9646
    assert alive(found, 400) == pytest.approx(0.9646, abs=0.012)
    assert {fate.death_cause for fate in found} == {"treatment", "other", None}
    assert max(fate.death_day for fate in found if fate.death_cause == "treatment") <= 30


def test_survival_with_a_steady_tumour_is_that_of_the_gamma_frailty():
    # Laplace transform of a gamma of mean 1 and shape 2: (1 + H/2)^-2 with H = 200 * 0.0016 = 0.32; times the rest.
    assert alive(fates(steady(150)), 200) == pytest.approx((1 + 0.16) ** -2 * np.exp(-0.03), abs=0.025)


def test_more_tumour_kills_sooner():
    assert alive(fates(steady(300), 500), 200) < alive(fates(steady(150), 500), 200) - 0.2


def test_what_is_known_agrees_with_what_is_true(cohort):
    for disease, fate, reading in cohort:
        row = FOLLOWUP.frame([followup_row("S", fate)]).row(0, named=True)
        truth = true_fate_row("S", fate, disease)
        assert 0 <= fate.last_alive_day <= fate.data_cut_day == row["data_cut_day"] == CUT
        assert all(scan["day"] <= fate.last_alive_day for scan in reading.lesions)
        if fate.known_death:
            assert row["death_day"] == truth["death_day"] <= CUT
            assert fate.last_alive_day < row["death_day"] <= fate.last_alive_day + 8
            assert row["death_cause"] in ("unknown", "tumor" if truth["death_cause"] == "tumor" else "other")
        else:
            assert (row["death_day"], row["death_cause"]) == (None, None)
            assert truth["death_day"] is None or fate.last_alive_day < truth["death_day"]
        if truth["progression_day"] and truth["death_day"]:
            assert truth["progression_day"] <= truth["death_day"]
    unseen = [fate for _, fate, _ in cohort if fate.death_day and not fate.known_death]
    assert any(fate.death_day > CUT for fate in unseen)
    assert any(fate.death_day < CUT for fate in unseen)  # lost before


def test_the_trial_is_like_trials_of_til(cohort):
    responses = [best(reading) for _, _, reading in cohort]
    share = {name: responses.count(name) / len(cohort) for name in ("CR", "PR", "SD", "PD", None)}
    assert 0.30 <= share["CR"] + share["PR"] <= 0.45
    assert 0.03 <= share["CR"] <= 0.15
    assert share["SD"] > 0.2 and share["PD"] > 0.1 and 0.01 < share[None] < 0.1
    assert any(row["response"] == "NE" for _, _, reading in cohort for row in reading.responses)
    deaths = [(fate.death_day or disease.last_day, fate.death_day is not None) for disease, fate, _ in cohort]
    assert 14 <= median(*zip(*deaths, strict=True)) / 30.4375 <= 18
    free = []
    for _, fate, reading in cohort:
        end = reading.progression_day or (fate.death_day if fate.known_death else None)
        free.append((end or max((row["day"] for row in reading.responses), default=0), end is not None))
    assert 4 <= median(*zip(*free, strict=True)) / 30.4375 <= 6.5


def test_responders_had_more_reactive_cells_and_live_longer(cohort):
    peaks = [typical(stream(5, f"S{i}", "cells")).max() for i in range(len(cohort))]
    ours = np.array([best(reading) in ("CR", "PR") for _, _, reading in cohort])
    alive_at_year = np.array([fate.death_day is None or fate.death_day > 365 for _, fate, _ in cohort])
    assert np.median(np.log(peaks)[ours]) > np.median(np.log(peaks)[~ours]) + 0.4
    assert alive_at_year[ours].mean() > alive_at_year[~ours].mean() + 0.2


def test_true_progression_by_hand():
    def of(courses, **role):
        usual = {"role": "target", "site": "lung", "node": False, "tumor_mm": 1.0, "normal_mm": 0.0}
        rest = {"growth_per_day": 0.0, "kill_per_day": 0.0, "resistant_share": 0.0}
        mm = np.array(courses, dtype=float)
        lesions = [Lesion(f"L{i}", **usual | (role if i else {}) | rest) for i in range(len(mm))]
        whole = np.concatenate([np.repeat(mm[:, :1], 50, axis=1), mm], axis=1)  # day -60 to -11 as day -10
        return progression(Disease(tuple(lesions), whole, whole.sum(axis=0), whole.sum(axis=0)))

    assert of([[50, 40, 47, 48, 60]]) == -7  # 48 of 40 is 20 %
    assert of([[20, 20, 24, 24.9, 25]]) == -6  # 20 % is 4 mm only, so 5 mm decide
    assert of([[20] * 4, [0, 7.9, 8, 9]], role="new") == -8
    assert of([[20] * 4, [9, 9.9, 10, 10]], role="new", node=True) == -8
    assert of([[20] * 4, [20, 27, 29.9, 30]], role="nontarget") == -7
    assert of([[20] * 4, [20, 27, 29.9, 29.9]], role="nontarget") is None
    assert of([[20] * 4, [20, 40, 60, 80]], role="target", resected=True) is None


def test_further_therapy_follows_progression(cohort):
    given = []
    for number, (_, fate, reading) in enumerate(cohort):
        rows = therapy_rows(stream(5, str(number)), "S", reading.progression_day, fate)
        assert THERAPIES.frame(rows).height == len(rows) <= 1
        for row in rows:
            assert row["start_day"] <= fate.last_alive_day
            assert row["end_day"] is None or row["start_day"] < row["end_day"] <= fate.last_alive_day
            assert reading.progression_day is None or row["start_day"] > reading.progression_day
        given.append((reading.progression_day is not None, len(rows)))
    after, without = ([rows for progressed, rows in given if progressed is kind] for kind in (True, False))
    assert 0.35 < np.mean(after) < 0.6
    assert 0 < np.mean(without) < 0.06


def test_the_schedule():
    assert schedule_rows({"D28": (28, 3)}) == [{"visit": "D28", "day": 28, "window": 3}]
