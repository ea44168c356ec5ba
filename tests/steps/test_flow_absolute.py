import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tilseq.flow.beside import Told
from tilseq.flow.gating import gate
from tilseq.simulate.cytometry.panels import PANELS
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.files import as_read
from tilseq.steps.flow_absolute import absolute, blood_count_of, held_against_blood_count
from tilseq.tables.inputs import LABS

ERRORS = {"bead_lot_cv": 0.03, "pipette_cv": 0.03, "volume_cv": 0.03, "blood_count_cv": 0.05, "volume_unit": None}
EVENTS = {"lymphocytes": 400, "CD3+": 200, "CD4+ T": 100}


def tube(**keywords):
    """Ten events, one a second."""
    return SimpleNamespace(
        events=np.arange(10, dtype=np.float32)[:, None],
        channels=["Time"],
        keywords={f"${name}": value for name, value in keywords.items()},
    )


def run(sample, one, *, kept=None, events=EVENTS, count=None, errors=None):
    row = {"sample": "a", "specimen": "blood", "beads_per_tube": None, "sample_volume_ul": None, "dilution": None}
    mask = np.ones(10, dtype=bool) if kept is None else np.array(kept, dtype=bool)
    arguments = {"errors": {**ERRORS, **(errors or {})}, "blood_count": count}
    found, told = absolute(row | sample, one, mask, events, ["lymphocytes", "CD3+", "CD4+ T"], arguments, None)
    return {name: counted.value for name, counted in found.items()}, told


def test_the_volume_is_that_of_the_time_kept():
    """Of nine seconds and 90 µL the last three are left out, and half of the one before: 55 µL are left."""
    kept = [1, 1, 1, 1, 1, 1, 0, 0, 0, 0]
    values, told = run({"dilution": 1.1}, tube(VOL="90", CYT="Aurora"), kept=kept)
    assert values == {
        "lymphocytes": pytest.approx(8.0),
        "CD3+": pytest.approx(4.0),
        "CD4+ T": pytest.approx(2.0),
    }
    assert told[0]["value"] == pytest.approx(55)
    assert told[0]["reason"] == "61.1 % of 90 µL, as of the run's time are kept"


def test_a_pause_beside_a_volume_warns():
    """300 events, one a second, and 300 s without any: 90 µL are those of the events, or half of them."""
    ticks = np.append(np.arange(150), np.arange(450, 600))
    paused = SimpleNamespace(**{**vars(tube(VOL="90", CYT="Aurora")), "events": np.float32(ticks)[:, None]})
    values, (told,) = run({"dilution": 1.0}, paused, kept=np.ones(300))
    assert values["CD3+"] == pytest.approx(200 / 90)
    assert told["verdict"] == "warn"
    assert told["reason"] == (
        "the file's; in 50.3 % of the run's time no event came: if specimen was drawn meanwhile, there are 2.01 times "
        "as many cells per µL"
    )


def test_a_few_events_after_a_long_pause_warn_beside_a_volume():
    """19 events 1,000 s after 300, one a second: stray times, or a pause; neither may go unsaid."""
    ticks = np.append(np.arange(300), np.arange(1300, 1319))
    late = SimpleNamespace(**{**vars(tube(VOL="90", CYT="Aurora")), "events": np.float32(ticks)[:, None]})
    values, (told,) = run({"dilution": 1.0}, late, kept=np.ones(319))
    assert values["CD3+"] == pytest.approx(200 / 90)
    assert told["verdict"] == "warn"
    assert told["reason"] == (
        "the file's; 19 events bear a time far from all others: if they came after a pause in which specimen was "
        "drawn, there are more cells per µL"
    )


@pytest.mark.parametrize(
    ("keywords", "verdict", "words"),
    [
        ({"ABRT": "1", "LOST": "4"}, "warn", "the file's; the cytometer passed over 33 % of the events in it ($ABRT"),
        ({"LOST": " 0 ", "ABRT": "none"}, "pass", "the file's"),
    ],
)
def test_events_that_the_cytometer_passed_over_are_told_beside_a_volume(keywords, verdict, words):
    """Ten events are written and five more were seen: 5 of 15 are missing in 90 µL."""
    _, (told,) = run({"dilution": 1.0}, tube(VOL="90", CYT="Aurora", **keywords))
    assert told["verdict"] == verdict and told["reason"].startswith(words)


def test_the_unit_of_a_volume_can_be_set():
    values, _ = run({"dilution": 1.0}, tube(VOL="40000", CYT="?"), errors={"volume_unit": "nL"})
    assert values["lymphocytes"] == pytest.approx(10)


def test_beads_that_passed_alone_are_counted():
    """400 lymphocytes to 1,000 single beads of 50,000 in 50 µL: 400 cells/µL."""
    sample = {"beads_per_tube": 50_000.0, "sample_volume_ul": 50.0}
    values, told = run(sample, tube(), events={**EVENTS, "beads": 1100, "single beads": 1000})
    assert values["lymphocytes"] == pytest.approx(400)
    assert told[0]["value"] == 1000
    values, _ = run(sample, tube(), events={**EVENTS, "beads": 1100})
    assert values["lymphocytes"] == pytest.approx(400 / 1.1)


def test_a_blood_count_needs_lymphocytes_and_counts_only_their_parts():
    count = {"value": 2.0, "unit": "10^9/L", "rounding": 0.0}
    values, _ = run({}, tube(), count=count)
    assert values == {"lymphocytes": 2000, "CD3+": 1000, "CD4+ T": 500}
    more, _ = run({}, tube(), count=count, events={**EVENTS, "CD3+": 500})
    assert set(more) == {"lymphocytes", "CD4+ T"}
    none, told = run({}, tube(), count=count, events={"CD3+": 5, "CD4+ T": 2})
    assert none == {}
    why = "not used: no gate is named lymphocytes, of which the blood count is"
    assert [(row["check"], row["verdict"], row["reason"]) for row in told] == [("blood count", "warn", why)]


def test_monocytes_that_are_taken_off_are_told():
    """Without CD45 some of the lymphocytes are monocytes: 100 of them here."""
    cells = {"CD4+ T central_memory": 500.0, "CD8+ T effector": 250.0, "B": 100.0, "NK": 150.0}
    one = as_read(acquire(np.random.default_rng(4), PANELS["t_state"], cells, 3_000))
    gating = replace(gate(one, sample="a"), monocytes=Told(100.0, 20.0))
    events = {name: population.events for name, population in gating.populations.items()}
    row = {"sample": "a", "specimen": "blood", "beads_per_tube": None, "sample_volume_ul": None, "dilution": None}
    kept, names = gating.populations["all events"].mask, ["lymphocytes", "CD3+", "CD3-"]
    count = {"value": 2.0, "unit": "10^9/L", "rounding": 0.0}
    arguments = {"errors": ERRORS, "blood_count": count}
    found, _ = absolute(row, one, kept, events, names, arguments, gating)
    assert found["CD3+"].value == pytest.approx(2000 * events["CD3+"] / (events["lymphocytes"] - 100))
    words = "without 100 events among the lymphocytes that are monocytes by scatter"
    method = f"dual platform: share of lymphocytes × blood count of lymphocytes, {words}"
    assert {counted.method for counted in found.values()} == {method}
    beads = {"beads_per_tube": 50_000.0, "sample_volume_ul": 50.0}
    found, _ = absolute(row | beads, one, kept, {**events, "beads": 1000}, names, arguments, gating)
    assert found["CD3-"].value == pytest.approx(events["CD3-"] - 100)
    assert {name: words in counted.method for name, counted in found.items()} == {
        "lymphocytes": True,
        "CD3+": False,
        "CD3-": True,
    }


def test_a_volume_that_cannot_be_warns_only_where_it_is_needed():
    wanted, idle = (run({"dilution": dilution}, tube(VOL="0.01", CYT="Aurora"))[1] for dilution in (1.0, None))
    assert [(row["verdict"], row["value"]) for row in (*wanted, *idle)] == [("warn", None), ("pass", None)]
    assert "not used: column $VOL: $VOL cannot be the volume taken from a tube" in wanted[0]["reason"]


def test_a_dilution_for_a_file_without_a_volume_warns():
    values, told = run({"dilution": 4.0}, tube(CYT="Aurora"))
    assert values == {}
    assert [(row["check"], row["verdict"], row["reason"]) for row in told] == [
        ("volume taken", "warn", "not available: the file holds no $VOL to count by"),
    ]
    assert run({}, tube(CYT="Aurora")) == ({}, [])
    beads = {"beads_per_tube": 50_000.0, "sample_volume_ul": 50.0, "dilution": 4.0}
    _, told = run(beads, tube(), events={**EVENTS, "beads": 1000})
    assert [row["check"] for row in told] == ["beads counted"]


def blood_count(*rows, upper=None, leucocytes=()):
    """The blood count of day 28 from rows of value and unit, and a share of leucocytes, which is none."""
    named = [
        {"subject": "S1", "day": 28, "test": test, "value_text": text, "unit": unit, "upper_limit": upper}
        for test, several in (("LYM", rows), ("WBC", leucocytes))
        for text, unit in several
    ]
    share = {"subject": "S1", "day": 28, "test": "lymphocytes", "value_text": "21", "unit": "%"}
    other = {"subject": "S1", "day": 28, "test": "WBC", "value_text": "5", "unit": "furlong"}
    study = SimpleNamespace(clinical={"labs": LABS.frame([*named, share, other])})
    return blood_count_of(study, {"subject": "S1", "day": 28, "specimen": "blood"})


def test_counts_in_several_units_are_one_where_they_agree():
    assert blood_count(("1.20", "10^9/L"), ("1200", "/µL")) == {
        "value": 1.2, "unit": "10^9/L", "rounding": pytest.approx(0.01 / math.sqrt(12) / 1.2),
    }  # fmt: skip
    assert blood_count() is None
    assert blood_count(("3", "furlong"), ("900", "cells/mm3"))["value"] == 900


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([("1.2", "g/L")], "the unit of the lymphocyte count 1.2 g/L is not known: give it in 10^9/L, 10^3/uL, "),
        ([("1.2", None)], "the unit of the lymphocyte count 1.2 without a unit is not known"),
        ([("<0.1", "10^9/L")], "the lymphocyte count <0.1 10^9/L is no number"),
        ([("-1", "/uL")], "the lymphocyte count -1 /uL is no number from 0 on"),
        ([("1500", "10^9/L")], "1500 10^9/L is hardly a count of lymphocytes: check the unit"),
        ([("1.2", "/uL")], "1.2 /uL is hardly a count of lymphocytes: check the unit"),
        ([("1.200", "/uL")], "the lymphocyte count 1.200 /uL is no number from 0 on: the point of '1.200' may be a "),
        ([("1.2", "10^9/L"), ("1300", "/uL")], "the lymphocyte counts of the day differ: 1.2 10^9/L, 1300 /uL"),
    ],
)  # fmt: skip
def test_a_count_that_cannot_be_used_says_why_in_quality(rows, why):
    count = blood_count(*rows)
    assert count["refused"].startswith(why)
    values, told = run({}, tube(), count=count)
    assert values == {}
    assert [(row["check"], row["verdict"]) for row in told] == [("blood count", "warn")]
    assert told[0]["reason"] == f"not used: {count['refused']}"


@pytest.mark.parametrize(
    ("text", "upper", "leucocytes", "why"),
    [
        ("25", None, [("5.1", "10^9/L")], "is above all leucocytes of the day, 5.1 10^9/L: is it in percent?"),
        ("7.7", None, [("5.1", "10^9/L")], None),  # 1.5 times and 0.1 more: of another draw of the day
        ("7.76", None, [("5.1", "10^9/L")], "is above all leucocytes of the day, 5.1 10^9/L: is it in percent?"),
        ("7.76", None, [("5100", "/uL"), ("5200", "/uL")], None),
        ("25", None, [("5.1", "furlong")], None),
        ("25", None, [(">5", "10^9/L")], None),
        ("25", 40.0, [], "has an upper limit of 40: check the unit"),
        ("1.2", 4.8, [], None),
    ],
)
def test_a_count_in_percent_is_none(text, upper, leucocytes, why):
    count = blood_count((text, "10^9/L"), upper=upper, leucocytes=leucocytes)
    assert count.get("refused") == (why and f"the lymphocyte count {text} 10^9/L {why}")


def test_a_count_that_cannot_be_used_warns_only_where_it_is_needed():
    count = {"refused": "why"}
    values, told = run({"dilution": 1.0}, tube(VOL="40", CYT="Aurora"), count=count)
    assert values["lymphocytes"] == pytest.approx(10)
    assert [(row["check"], row["verdict"]) for row in told] == [("volume taken", "pass"), ("blood count", "pass")]
    beads = {"beads_per_tube": 50_000.0, "sample_volume_ul": 50.0}
    _, told = run(beads, tube(), count=count, events={**EVENTS, "beads": 1000})
    assert [row["check"] for row in told] == ["beads counted"]


@pytest.mark.parametrize(
    ("sample", "count", "verdicts"),
    [
        ({}, {"value": 1.2, "unit": "10^9/L", "rounding": 0.0}, ["pass"]),  # 400/µL of 1,000 beads
        ({}, {"value": 190.0, "unit": "10^9/L", "rounding": 0.0}, ["fail"]),
        ({"specimen": "infusion_product"}, {"value": 1.9, "unit": "10^9/L", "rounding": 0.0}, []),
        ({"beads_per_tube": 5e7}, None, ["fail"]),  # 400,000/µL
        ({"beads_per_tube": 5e7, "specimen": "infusion_product"}, None, []),
        ({}, {"refused": "why"}, []),
        ({}, None, []),
    ],
)
def test_lymphocytes_of_blood_by_beads_are_held_against_the_blood_count(sample, count, verdicts):
    row = {"sample": "a", "specimen": "blood", "beads_per_tube": 5e4, "sample_volume_ul": 50.0, "dilution": None}
    arguments = {"errors": ERRORS, "blood_count": count}
    events, mask = {**EVENTS, "beads": 1000}, np.ones(10, dtype=bool)
    found = absolute(row | sample, tube(), mask, events, ["lymphocytes", "CD3+"], arguments, None)
    _, told = held_against_blood_count(row | sample, *found, count)
    assert [one["verdict"] for one in told if one["check"] == "lymphocytes per µL"] == verdicts


def test_a_number_by_the_blood_count_is_not_held_against_it():
    count = {"value": 2.0, "unit": "10^9/L", "rounding": 0.0}
    row = {"sample": "a", "specimen": "blood", "beads_per_tube": None, "sample_volume_ul": None, "dilution": None}
    arguments = {"errors": ERRORS, "blood_count": count}
    found = absolute(row, tube(), np.ones(10, dtype=bool), EVENTS, ["lymphocytes"], arguments, None)
    assert held_against_blood_count(row, *found, count) == found


def test_beads_in_thousands_are_told():
    _, told = run({"beads_per_tube": 5e7, "sample_volume_ul": 50.0}, tube(), events={**EVENTS, "beads": 1000})
    assert [(row["check"], row["verdict"], row["reason"]) for row in told[1:]] == [
        ("amounts of the tube", "warn", "beads_per_tube 50,000,000 (usually 1,000 to 1,000,000)")
    ]
