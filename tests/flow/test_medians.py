import numpy as np
import pytest

from tilseq.flow.medians import lower_rank, medians
from tilseq.flow.tree import Population


@pytest.mark.parametrize(
    # R: qbinom(0.025, n, 0.5)
    ("number", "rank"),
    [(1, 0), (5, 0), (6, 1), (8, 1), (10, 2), (20, 6), (100, 40), (1000, 469), (1_000_000, 499_020)],
)
def test_ranks_are_those_of_r(number: int, rank: int) -> None:
    assert lower_rank(number) == rank


def test_medians_by_hand() -> None:
    mask = np.array([True] * 10 + [False] * 5)
    populations = {
        "CD3+": Population("CD3+", None, mask),
        "B": Population("B", None, ~mask),
        "NK": Population("NK", None, np.zeros(15, dtype=bool)),
    }
    values = {"CD3": np.array([9, 1, 8, 2, 7, 3, 6, 4, 5, 10, 100, 300, 200, 500, 400], dtype=np.float32)}
    table = medians(populations, values, {"CD3": "FL1-A"}, sample="s1", names=["CD3+", "B", "NK"])
    assert table.rows() == [
        ("s1", "B", "CD3", "FL1-A", 5, 300.0, None, None),
        ("s1", "CD3+", "CD3", "FL1-A", 10, 5.5, 2.0, 9.0),
    ]


def test_the_limits_hold_the_median() -> None:
    draws = np.random.default_rng(5).lognormal(0, 1, (2000, 40)).astype(np.float32)
    every = {"CD3+": Population("CD3+", None, np.ones(40, dtype=bool))}
    found = [
        medians(every, {"CD4": draw}, {"CD4": "A"}, sample="s", names=["CD3+"]).row(0, named=True) for draw in draws
    ]
    held = np.mean([row["lower"] <= 1 <= row["upper"] for row in found])
    assert 0.95 <= held <= 0.975  # exact: 96.2 %


def test_events_without_a_number_do_not_count() -> None:
    every = {"CD3+": Population("CD3+", None, np.ones(3, dtype=bool))}
    values = {"CD4": np.array([1, np.nan, 3], dtype=np.float32), "CD8": np.full(3, np.nan, dtype=np.float32)}
    table = medians(every, values, {"CD4": "A", "CD8": "B"}, sample="s", names=["CD3+"])
    assert table.select("marker", "events", "median").rows() == [("CD4", 2, 2.0)]
