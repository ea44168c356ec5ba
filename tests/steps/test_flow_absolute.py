from types import SimpleNamespace

import numpy as np
import pytest

from tilseq.steps.flow_absolute import absolute

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
    found, told = absolute(row | sample, one, mask, events, {}, ["lymphocytes", "CD3+", "CD4+ T"], arguments)
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
    none, _ = run({}, tube(), count=count, events={"CD3+": 5, "CD4+ T": 2})
    assert none == {}


def test_a_volume_that_cannot_be_warns_only_where_it_is_needed():
    wanted, idle = (run({"dilution": dilution}, tube(VOL="0.01", CYT="Aurora"))[1] for dilution in (1.0, None))
    assert [(row["verdict"], row["value"]) for row in (*wanted, *idle)] == [("warn", None), ("pass", None)]
    assert "not used: column $VOL: $VOL cannot be the volume taken from a tube" in wanted[0]["reason"]
