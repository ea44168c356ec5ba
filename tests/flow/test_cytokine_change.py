import math

import polars as pl
import pytest

from tilseq.flow.cytokine_change import cytokine_changes

COMMON = {"subject": "S1", "specimen": "blood", "stimulus": "PMA", "marker": "IFN-γ", "population": "CD8+ T"}


def row(day, difference=None, lower=None, upper=None, response="yes", **more):
    numbers = {"difference_pct": difference, "lower": lower, "upper": upper}
    own = {"visit": f"D{day}", "day": day, "stimulated": f"pma{day}", "response": response, "verdict": "pass"}
    return {**COMMON, **own, **numbers, **more}


def changes(*rows, starts=None):
    found = cytokine_changes(pl.DataFrame(rows, infer_schema_length=None), starts)
    return {one["stimulated"]: one for one in found.to_dicts()}


def test_the_change_is_from_the_last_visit_before_treatment():
    found = changes(row(-20, 9, 8, 10), row(-8, 2, 1.5, 2.8), row(28, 5, 4, 6.5), row(84, 1, 0.6, 1.6))
    late = found["pma28"]
    # By hand: 3 less the root of 1 and 0.8 squared, more the root of 1.5 and 0.5 squared.
    assert (late["baseline_visit"], late["change_pct"]) == ("D-8", 3)
    assert late["change_lower"] == pytest.approx(3 - math.sqrt(1 + 0.64))
    assert late["change_upper"] == pytest.approx(3 + math.sqrt(2.25 + 0.25))
    assert found["pma84"]["change_pct"] == -1
    assert found["pma-8"]["change_pct"] is None and found["pma-20"]["change_pct"] is None


def test_the_day_of_treatment_is_the_subjects_own():
    rows = row(-20, 9, 8, 10), row(-5, 2, 1, 3), row(28, 5, 4, 6)
    assert changes(*rows, starts={"S1": -7})["pma28"]["baseline_visit"] == "D-20"
    assert changes(*rows, starts={"S1": None})["pma28"]["baseline_visit"] == "D-5"
    assert changes(*rows, starts={"S1": -30})["pma28"]["baseline_visit"] is None
    numbered = [one | {"subject": 101} for one in rows]  # as pandas reads it
    assert changes(*numbered, starts={101: -7})["pma28"]["baseline_visit"] == "D-20"
    assert changes(*numbered, starts={101: float("nan")})["pma28"]["baseline_visit"] == "D-5"


def test_without_a_like_evaluable_baseline_there_is_no_change():
    for other in (
        row(-8, 2, 1, 3, stimulus="tumour"),
        row(-8, 2, 1, 3, response="not_evaluable"),
        row(-8, 2, 1, 3, specimen="tumor"),
        row(-8, 2, 1, 3, lesion="L1"),
        row(-8, 2, 1, 3, lot="A"),
    ):
        assert changes(other, row(28, 5, 4, 6))["pma28"]["change_pct"] is None
    twins = row(-8, 2, 1, 3), row(-8, 3, 2, 4, stimulated="other"), row(28, 5, 4, 6)
    assert changes(*twins)["pma28"]["change_pct"] is None
    assert changes(row(-8, 2, 1, 3), row(28, response="not_evaluable"))["pma28"]["change_pct"] is None
