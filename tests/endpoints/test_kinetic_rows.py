import math

import pytest

from tilseq.endpoints.kinetic_rows import kinetic_rows
from tilseq.endpoints.kinetics import PARAMETERS, SERIES, kinetics
from tilseq.endpoints.parameters import BY_NAME

SUBJECT = {"subject": "S1", "specimen": "blood", "assay": "flow"}
NAMES = ("infused_share_of_cd3", "infused_cells_per_ul", "cells_per_ul")


def point(day, value, factor=1.2):
    return {"day": day, "value": value, "lower": value / factor, "upper": value * factor, "status": "quantified"}


COURSE = [point(0, 10.0), point(7, 80.0), point(14, 40.0), point(21, 20.0), point(28, 10.0)]


def rows_of(series, label=None):
    rows = kinetic_rows(SUBJECT, "cells_per_ul", series, qualifiers={"population": "CD3+"}, seed=1, label=label)
    return {row["parameter"]: row for row in rows}


@pytest.mark.parametrize("name", NAMES)
def test_the_registry_holds_every_parameter_in_the_unit_of_kinetics(name):
    found = kinetics(SERIES.frame(COURSE), unit=BY_NAME[name].unit, seed=1)
    units = dict(found.select("parameter", "unit").iter_rows())
    assert {parameter: BY_NAME[f"{name}_{parameter}"].unit for parameter in units} == units
    assert {BY_NAME[f"{name}_{parameter}"].scope for parameter in units} == {"cohort"}


def test_a_row_for_each_parameter():
    rows = rows_of(COURSE)
    assert list(rows) == [f"cells_per_ul_{parameter}" for parameter in PARAMETERS]
    peak, half_life = rows["cells_per_ul_peak"], rows["cells_per_ul_half_life"]
    assert (peak["value"], peak["unit"], peak["subject"], peak["sample"]) == (80, "cells/µL", "S1", None)
    assert (peak["qualifier"], peak["scope"], peak["status"]) == ("population=CD3+", "cohort", "quantified")
    assert (peak["lower"], peak["upper"]) == pytest.approx((80 / 1.2, 96))
    assert half_life["value"] == pytest.approx(7)
    # 7 * (10 + 80) / 2, then (80 - 10) * 7 / ln 2
    assert rows["cells_per_ul_auc_0_28"]["value"] == pytest.approx(315 + 490 / math.log(2))


def test_why_there_is_no_number_or_none_yet_stands_in_the_method():
    rows = rows_of(COURSE[1:3], label="of a kind")
    assert rows["cells_per_ul_auc_0_28"]["method"] == "no value on day 0"
    assert rows["cells_per_ul_auc_0_28"]["status"] == "not_evaluable"
    assert rows["cells_per_ul_peak"]["method"] == "highest value measured; of a kind"
    loss = rows["cells_per_ul_time_to_loss"]
    assert (loss["value"], loss["status"], loss["value_text"]) == (14, "above_range", "> 14 d")
    assert loss["method"] == (
        "first day after the last detection that would have shown as much, and a tenth of the highest; "
        "still detected on day 14, the last measured; of a kind"
    )


def test_days_that_err_together_are_told():
    found = kinetic_rows(SUBJECT, "cells_per_ul", COURSE, qualifiers={}, seed=1, common_error=True)
    rows = {row["parameter"]: row for row in found}
    area = rows["cells_per_ul_auc_0_28"]
    assert area["interval_method"] == "every day at its limit"
    assert (area["lower"], area["upper"]) == pytest.approx((area["value"] / 1.2, area["value"] * 1.2))
    assert rows["cells_per_ul_peak"]["interval_method"] == "of its own measurement"


def test_a_series_of_nothing_has_rows_without_numbers():
    rows = rows_of([])
    assert {row["status"] for row in rows.values()} == {"not_evaluable"}
    assert {row["method"] for row in rows.values()} == {"no evaluable value from day 0 on"}
