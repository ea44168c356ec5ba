"""Diameters in centimetres at a later visit: refused where hardly anything else is likely, else told."""

import polars as pl
import pytest

from tilseq.clinical import response
from tilseq.errors import StudyError


def derived(*visits, **options):
    """Visits every 42 days, the first on day -8, each of the sizes of all targets."""
    rows = [
        {"subject": "S1", "day": -8 + 50 * at, "lesion": f"T{i}", "role": "target", "diameter_mm": size}
        for at, sizes in enumerate(visits)
        for i, size in enumerate(sizes, start=1)
        if size is not None
    ]
    return response(pl.DataFrame(rows), lesion_rows=list(range(2, 2 + len(rows))), **options)


def words(*visits, **options):
    table = derived(*visits, **options)
    return [(row["response"], row["reason"]) for row in table.iter_rows(named=True)][1:]


@pytest.mark.parametrize(
    ("visits", "row", "found"),
    [
        (((50.0, 40.0), (4.4, 3.5), (44.0, 35.0)), 4, "day 42: T1 50 to 4.4, T2 40 to 3.5"),
        (((50.0,), (3.0,), (3.0,)), 3, "day 42: T1 50 to 3"),
        (((60.0,), (6.0,), (58.0,)), 3, "day 42: T1 60 to 6"),
        # Before 16, 14 and 13 times as large, and 7 after, as the tumours had shrunk by then.
        (
            ((55.0, 26.0, 20.0), (3.4, 1.8, 1.5), (24.0, 14.0, 11.0)),
            5,
            "day 42: T1 55 to 3.4, T2 26 to 1.8, T3 20 to 1.5",
        ),
        (((50.0, 40.0), (None, 3.5)), 4, "day 42: T2 40 to 3.5"),
    ],
)
def test_a_visit_whose_targets_can_only_be_in_centimetres_is_refused(visits, row, found):
    with pytest.raises(StudyError) as caught:
        derived(*visits)
    problem = caught.value.problems[0]
    assert (problem.row, problem.column, problem.expected) == (row, "diameter_mm", "diameters in mm, not cm")
    assert problem.found == f"'subject S1, {found}'"
    assert derived(*visits, undersized="accept").height == len(visits)


@pytest.mark.parametrize(
    ("visits", "expected"),
    [
        (((50.0,), (6.0,)), [("PR", None)]),  # shrunk
        (((50.0,), (20.0,), (4.0,)), [("PR", None), ("PR", "T1 below 5 mm: is it in mm?")]),
        (((50.0, 40.0), (0.0, 3.0)), [("PR", "T2 below 5 mm: is it in mm?")]),  # one is gone: a response
        (((50.0,), (5.0,), (20.0,)), [("PR", "T1 a tenth of what it was: in cm?"), ("PD", None)]),
        (((50.0,), (5.0,), (39.0,)), [("PR", "T1 a tenth of what it was: in cm?"), ("PD", None)]),  # one may come back
        (
            ((50.0, 40.0), (5.0, 4.0), (25.0, 20.0)),  # 7.1 times in the mean of both
            [("PR", "T1, T2 a tenth of what it was: in cm?"), ("PD", None)],
        ),
        (
            ((65.0, 65.0), (5.0, 5.0), (24.9, 25.0)),  # one was not 5 times as large after
            [("PR", None), ("PD", None)],
        ),
        (((50.0, 40.0), (4.9, 40.0)), [("PR", "T1 a tenth of what it was: in cm?")]),
        (((50.0, 12.0), (50.0, 120.0)), [("PD", "T2 ten times what it was: is a comma lost?")]),
        (((50.0, 12.0), (50.0, 100.0)), [("PD", None)]),
        (((50.0, 40.0), (4.2, 40.0)), [("PR", "T1 below 5 mm: is it in mm?")]),
        (((30.0, 20.0), (6.0, 5.0)), [("PR", None)]),
        (((50.0,), (0.0,)), [("CR", None)]),
    ],
)
def test_a_visit_that_may_have_shrunk_is_told_and_goes_on(visits, expected):
    assert words(*visits) == expected
