from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from tilseq.flow import gate
from tilseq.flow.residual import check_residuals, residuals, taken_from_common
from tilseq.flow.tree import Cut, Population, Tree
from tilseq.populations import T_CELLS

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


def test_chance_among_few_cells_is_no_spillover() -> None:
    """200 CD4+ T cells whose dyes tell nothing of one another, in noisy detectors: a third of tubes lies beyond 5 %."""
    random, verdicts, beyond = np.random.default_rng(8), [], []
    population = {"CD4+ T": Population("CD4+ T", "CD3+", np.ones(200, dtype=bool))}
    for _ in range(100):
        values = {"CD3": random.lognormal(8.3, 0.35, 200), "CD4": random.lognormal(8, 0.2, 200)}
        values |= {marker: random.normal(0, 200, 200) for marker in ("CD8", "CD19", "CD16")}
        (row,) = check_residuals("s", population, {name: column.astype(np.float32) for name, column in values.items()})
        verdicts.append(row["verdict"])
        beyond.append(abs(row["value"]) > 5)
        assert not beyond[-1] or verdicts[-1] == "warn" or row["reason"].endswith(", no more than chance")
    assert np.mean(beyond) > 0.25
    assert verdicts.count("warn") <= 6


def killers(taken: float, number: int = 600) -> Tree:
    """CD8+ T cells that bear CD45, of which a share of CD8's light was taken too much; dim ones are no lymphocytes."""
    random = np.random.default_rng(9)
    cd8 = 12_000 * random.lognormal(0, 0.4, number)
    values = {
        "CD3": random.normal(5000, 800, number),
        "CD4": random.normal(0, 50, number),
        "CD8": cd8,
        "CD45": 12_000 * random.lognormal(0, 0.2, number) - taken * cd8,
    }
    columns = {marker: column.astype(np.float32) for marker, column in values.items()}
    tree = Tree("s", {marker: marker for marker in values}, columns, {}, {})
    tree.add("live", None, np.ones(number, dtype=bool))
    tree.add("lymphocytes", "live", columns["CD45"] > 6_000)
    for marker, parent in (("CD3", "lymphocytes"), ("CD4", "CD3+"), ("CD8", "CD3+")):
        tree.cuts[marker, parent] = Cut(marker, parent, 500.0, None, None, None, "settings")
    for name in ("CD3+", "CD8+ T"):
        tree.add_by_rule(name, T_CELLS[name])
    return tree


@pytest.mark.parametrize(("taken", "percent"), [(0.0, None), (-0.3, None), (0.2, -20), (0.5, -50)])
def test_what_is_taken_out_of_a_marker_of_all_cells_shows_where_it_falls(taken: float, percent: float | None) -> None:
    found = {(one.population, one.dye, one.detector): one.percent for one in taken_from_common(killers(taken), T_CELLS)}
    assert found.pop(("CD8+ T", "CD8", "CD45"), None) == (None if percent is None else pytest.approx(percent, abs=8))
    assert not found


def test_of_few_cells_or_without_the_marker_nothing_is_known_of_what_was_taken() -> None:
    assert taken_from_common(killers(0.5, 99), T_CELLS) == []
    assert taken_from_common(killers(0.5), T_CELLS, "CD56") == []


def test_what_is_taken_is_told_beside_what_is_left() -> None:
    (row,) = check_residuals("s", *cells(0.03), taken_from_common(killers(0.5), T_CELLS))
    assert row["verdict"] == "warn"
    assert row["reason"] == "of the light of CD8 on CD8+ T shows in the detector of CD45"


def test_a_tube_with_a_wrong_matrix_warns(simulate: Simulate) -> None:
    tube = simulate()
    matrix = np.eye(6)
    matrix[0, 2] = 0.1  # a tenth of CD3 is taken from CD8's detector that never got there
    wrong = SimpleNamespace(**vars(tube) | {"spill": SimpleNamespace(channels=tube.channels[3:9], matrix=matrix)})
    for one, verdict in ((tube, "pass"), (wrong, "warn")):
        quality = gate(one, sample="s").quality
        row = quality.row(by_predicate=pl.col("check") == "residual spillover", named=True)
        assert row["verdict"] == verdict, row
