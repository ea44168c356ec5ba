from typing import Any

import numpy as np
import pytest

from tilseq.flow.dead import check_undyed
from tilseq.flow.gating import gate
from tilseq.flow.tree import Population
from tilseq.simulate.cytometry.faults import Conditions
from tilseq.simulate.cytometry.panels import TBNK
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.files import as_read

CHANNELS = {"CD8": "a", "CD19": "b", "CD16": "c", "CD56": "c", "CD4": "d", "FSC-A": "f"}
BLOOD = {"CD4+ T": 600.0, "CD8+ T": 400.0, "DN T": 40.0, "B": 200.0, "NK": 150.0, "monocyte": 300.0}


def helpers(raised: int, *, size: float = 0.6, channels: tuple[str, ...] = ("CD8", "CD19", "CD16")) -> Any:
    """1,000 CD4+ T, of which the first few are raised by ten spreads in some channels and are of another size."""
    random = np.random.default_rng(3)
    values = {name: random.normal(100, 30, 1000).astype(np.float32) for name in CHANNELS}
    values["FSC-A"] = (20_000 * np.exp(0.15 * random.standard_normal(1000))).astype(np.float32)
    values["FSC-A"][:raised] *= size
    for name in channels:
        values[name][:raised] += 300
    values["CD56"] = values["CD16"]
    return {"CD4+ T": Population("CD4+ T", "CD3+", np.ones(1000, dtype=bool))}, values


def test_small_t_cells_with_antibody_of_every_kind_warn() -> None:
    (row,) = check_undyed("a", *helpers(200), CHANNELS)
    assert (row["check"], row["verdict"], row["value"]) == (
        "dead cells without a dye",
        "warn",
        pytest.approx(20, abs=0.2),
    )
    assert row["reason"] == (
        "20 % of T cells take up antibody of every kind and are smaller than the others: many are dead, and there is "
        "no viability dye, and dead cells that still stain are counted as living"
    )


def test_few_such_cells_larger_ones_and_a_single_marker_do_not_warn() -> None:
    counted = "there is no viability dye, and dead cells that still stain are counted as living"
    (row,) = check_undyed("a", *helpers(45), CHANNELS)
    assert (row["verdict"], row["value"]) == ("pass", pytest.approx(4.5, abs=0.2))
    assert row["reason"] == f"few to be seen, but {counted}"
    (row,) = check_undyed("a", *helpers(200, size=1.5), CHANNELS)  # monocytes
    assert row["verdict"] == "pass" and "not smaller than the others" in row["reason"]
    (row,) = check_undyed("a", *helpers(200, channels=("CD16",)), CHANNELS)  # T cells that bear CD56
    assert (row["verdict"], row["value"]) == ("pass", 0)


def test_without_markers_that_t_cells_lack_it_is_told_that_dead_cells_are_counted() -> None:
    populations, values = helpers(200)
    for missing in (("CD8", "CD19"), ("CD8", "CD16", "CD56")):
        fewer = {name: column for name, column in values.items() if name not in missing}
        (row,) = check_undyed("a", populations, fewer, CHANNELS)
        assert (row["verdict"], row["value"]) == ("pass", None)
        assert row["reason"].startswith("not available: too few T cells with two markers that they lack; there is no ")
    assert check_undyed("a", populations, {**values, "viability": values["CD4"]}, CHANNELS) == []


@pytest.mark.parametrize(("dead", "verdict"), [(0.03, "pass"), (0.25, "warn")])
def test_simulated_blood(dead: float, verdict: str) -> None:
    tube = acquire(np.random.default_rng(5), TBNK, BLOOD, 8_000, conditions=Conditions(dead=dead))
    quality = gate(as_read(tube), sample="a").quality.filter(check="dead cells without a dye")
    assert quality["verdict"].to_list() == [verdict]
