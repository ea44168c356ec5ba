"""A row of sums beside the lesions: refused where it is called so, told where it is always the sum of the others."""

import polars as pl
import pytest

from tilseq.clinical import response
from tilseq.errors import StudyError

TOLD = "always the sum of the other targets: a row of sums?"


def derived(names, *visits):
    """Visits every 42 days, the first on day -8, each of the sizes of all targets; None is not measured."""
    rows = [
        {"subject": "S1", "day": -8 + 50 * at, "lesion": name, "role": "target", "diameter_mm": size}
        for at, sizes in enumerate(visits)
        for name, size in zip(names.split(","), sizes, strict=True)
        if size is not None
    ]
    return response(pl.DataFrame(rows), lesion_rows=list(range(2, 2 + len(rows))))


@pytest.mark.parametrize(
    "name",
    ["SUM", "Total", "sum_mm", "SLD", "SoD", "SUMDIAM", "Sum of target lesions (mm)", "Sum of diameters", "total TL"],
)
def test_a_target_that_is_called_a_sum_is_refused(name):
    with pytest.raises(StudyError) as caught:
        derived(f"T1,T2,{name}", (30.0, 20.0, 50.0), (15.0, 10.0, 25.0))
    (problem,) = caught.value.problems
    assert str(problem) == (
        f"row 4, column lesion: a target that is called a sum, beside those that it sums up; found 'subject S1, lesion "
        f"{name}'; leave its rows out, as sums are made here; give a lesion another name"
    )


@pytest.mark.parametrize(
    "name", ["T3", "total spleen", "Summers node", "sum 2", "subtotal gastrectomy bed", "L-total-3"]
)
def test_other_names_are_not(name):
    assert derived(f"T1,{name}", (30.0, 20.0), (15.0, 10.0))["sum_mm"].to_list() == [50.0, 25.0]


def test_a_sum_that_stands_alone_is_counted_once():
    assert derived("SUM", (50.0,), (25.0,))["sum_mm"].to_list() == [50.0, 25.0]


@pytest.mark.parametrize(
    ("visits", "expected"),
    [
        ([(30, 20, 50), (15, 10, 25)], "T3"),
        ([(30.1, 20.2, 50.3), (15.3, 10.1, 25.4), (0, 0, 0)], "T3"),  # in floating point 30.1 + 20.2 is no 50.3
        ([(50, 30, 20), (None, 14, 10), (28, 18, 10)], "T1"),  # of two visits at which all are measured
        ([(30, 20, 50), (15, 10, 25), (15, 10, 26)], None),  # not always
        ([(30, 20, 50), (30, 20, 50)], None),  # nothing changed: one coincidence, not two
        ([(30, 20, 50), (25, 0, 25)], None),  # as large as the only one left
        ([(30, 20, 50), (0, 0, 0)], None),  # all are gone
        ([(30, 20, 50), (15, 10, None)], None),  # measured once
    ],
)
def test_a_target_that_is_always_the_sum_of_the_others_is_told(visits, expected):
    reason = derived("T1,T2,T3", *visits)["reason"][0]
    assert reason == (None if expected is None else f"{expected} {TOLD}")


def test_two_equal_lesions_are_no_sums():
    assert derived("T1,T2", (30, 30), (20, 20), (12, 12))["reason"].to_list() == [None] * 3


def test_each_reader_is_judged_alone():
    rows = [
        {"subject": "S1", "day": day, "reader": reader, "lesion": name, "role": "target", "diameter_mm": size}
        for reader, at_once in (
            ("A", {-8: (30, 20, 50), 42: (15, 10, 25)}),
            ("B", {-8: (30, 20, 49), 42: (15, 10, 25)}),
        )
        for day, sizes in at_once.items()
        for name, size in zip(("T1", "T2", "T3"), sizes, strict=True)
    ]
    table = response(pl.DataFrame(rows)).filter(pl.col("reason").is_not_null())
    assert table.select("reader", "day", "reason").rows() == [("A", -8, f"T3 {TOLD}")]
