"""RECIST 1.1 of a published synthetic trial: 57 responses of eight subjects by three readers."""

import polars as pl
import pytest

from tilseq.clinical import overall_response, response
from tilseq.clinical.recist import target_response
from tilseq.io.sdtm import read_sdtm_recist


@pytest.fixture(scope="module")
def trial(shared_data):
    """The synthetic trial as its files have it; the one partial date, 2014-02, is the last day of that month."""
    files = (shared_data / f"clinical/{domain}_onco_recist.csv" for domain in ("tu", "tr", "rs"))
    return read_sdtm_recist(*files, baseline_visit="SCREENING", partial_dates="last_day")


def test_the_synthetic_trial_of_three_readers_is_reproduced_57_of_57(trial):
    found = response(trial[0], trial[1])
    with_targets = found.filter(pl.col("targets") > 0, ~pl.col("baseline"))
    assert with_targets.height == 57
    assert with_targets["agrees"].sum() == 57
    without = found.filter(pl.col("targets") == 0, ~pl.col("baseline"))
    assert (without.height, without["agrees"].sum()) == (9, 9)


def naive(lesions, readings):
    """Return the overall response of each visit from the sum of what was measured, whatever that is."""
    found = {}
    for (subject, reader), rows in lesions.filter(role="target").group_by("subject", "reader"):
        visits = {visit: part for (visit,), part in rows.group_by("visit")}
        sums = []
        for row in readings.filter(subject=subject, reader=reader).sort("day").iter_rows(named=True):
            part = visits.get(row["visit"], rows.clear()).drop_nulls("diameter_mm")
            sizes = [round(1000 * size) for size in part["diameter_mm"]]
            if sums:
                target = target_response(sizes, part["node"].fill_null(False).to_list(), sums[0], min(sums))
                found[subject, reader, row["day"]] = overall_response(
                    target, row["nontarget_response"], row["new_lesion"]
                )
            sums.append(sum(sizes))
    return found


def test_a_naive_sum_reproduces_47_of_57(trial):
    readings = response(trial[0], trial[1]).filter(pl.col("targets") > 0)
    words = naive(trial[0], readings)
    rows = readings.filter(~pl.col("baseline")).select("subject", "reader", "day", "recorded").rows()
    assert (len(rows), sum(words[row[:3]] == row[3] for row in rows)) == (57, 47)


def test_the_synthetic_trial_with_any_regrowth_as_progression_differs_once(trial):
    found = response(trial[0], trial[1], regrowth="pd").filter(~pl.col("agrees"))
    assert found.select("subject", "reader", "sum_mm", "response", "recorded").rows() == [
        ("01-701-1133", "RADIOLOGIST 2", 4.95, "PD", "PR")
    ]
