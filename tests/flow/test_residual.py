from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from tilseq.flow import gate
from tilseq.flow.residual import check_residuals, residuals
from tilseq.flow.tree import Population

Simulate = Callable[..., Any]
RANDOM = np.random.default_rng(4)


def cells(left: float) -> tuple[dict[str, Population], dict[str, np.ndarray]]:
    """CD4+ T cells of which a share of CD3's light is left in CD8's detector."""
    cd3 = RANDOM.normal(5000, 800, 3000)
    values = {"CD3": cd3, "CD4": RANDOM.lognormal(9, 0.2, 3000), "CD8": RANDOM.normal(0, 50, 3000) + left * cd3}
    population = Population("CD4+ T", "CD3+", np.ones(3000, dtype=bool))
    return {"CD4+ T": population}, {marker: column.astype(np.float32) for marker, column in values.items()}


@pytest.mark.parametrize("left", [-0.12, 0.0, 0.02, 0.3])
def test_the_share_that_is_left_is_measured(left: float) -> None:
    found = {(one.dye, one.detector): one.percent for one in residuals(*cells(left))}
    # The thirds are skewed, so that in a noisy detector a median is rather a mean: of a normal third 1.13 times as far.
    assert found["CD3", "CD8"] == pytest.approx(100 * left, rel=0.15, abs=0.4)
    assert found["CD4", "CD8"] == pytest.approx(0, abs=0.4)


def test_the_worst_pair_is_told() -> None:
    (row,) = check_residuals("s", *cells(0.08))
    assert (row["check"], row["verdict"]) == ("residual spillover", "warn")
    assert row["value"] == pytest.approx(8, rel=0.15, abs=0.4)
    assert row["reason"] == "of the light of CD3 on CD4+ T shows in the detector of CD8"
    assert check_residuals("s", *cells(0.03))[0]["verdict"] == "pass"


def test_few_cells_tell_nothing() -> None:
    populations, values = cells(0.3)
    few = Population("CD4+ T", "CD3+", np.arange(3000) < 199)
    assert check_residuals("s", {"CD4+ T": few}, values) == []
    assert residuals(populations, values)


def test_a_tube_with_a_wrong_matrix_warns(simulate: Simulate) -> None:
    tube = simulate()
    matrix = np.eye(6)
    matrix[0, 2] = 0.1  # a tenth of CD3 is taken from CD8's detector that never got there
    wrong = SimpleNamespace(**vars(tube) | {"spill": SimpleNamespace(channels=tube.channels[3:9], matrix=matrix)})
    for one, verdict in ((tube, "pass"), (wrong, "warn")):
        quality = gate(one, sample="s").quality
        row = quality.row(by_predicate=pl.col("check") == "residual spillover", named=True)
        assert row["verdict"] == verdict, row
