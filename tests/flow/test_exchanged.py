"""Exchanged names of CD4 and CD8, told by monocytes: cells by hand, simulated tubes and a real one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tilseq.flow.exchanged import NAME, check_exchanged
from tilseq.flow.gating import gate
from tilseq.flow.tree import Cut, Population
from tilseq.flow.tube import Tube
from tilseq.io.fcs import read_fcs
from tilseq.simulate.cytometry.panels import PANELS
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.files import as_read

T_CELLS = 100  # of 150 lymphocytes: 50 with CD4, then 50 with CD8, then 50 without CD3


def told(with_cd4: int, with_cd8: int, *, size: float = 1.7, t_cells: int = T_CELLS) -> list[tuple[str, int]]:
    """Verdict and number of a tube of lymphocytes and large cells with a third of a T cell's CD4, or CD8."""
    large = with_cd4 + with_cd8
    kinds = np.repeat([0, 1, 2, 3, 4], [50, t_cells - 50, 50, with_cd4, with_cd8])
    light = {
        "CD3": np.array([900.0, 900.0, 0.0, 0.0, 0.0])[kinds],
        "CD4": np.array([1_000.0, 0.0, 0.0, 330.0, 0.0])[kinds],
        "CD8": np.array([0.0, 2_000.0, 0.0, 0.0, 660.0])[kinds],
        "FSC-A": np.array([100.0, 100.0, 100.0, 100 * size, 100 * size])[kinds],
        "SSC-A": np.array([50.0, 50.0, 50.0, 50 * size, 50 * size])[kinds],
    }
    lymphocytes = np.arange(len(kinds)) < len(kinds) - large
    populations = {
        "live": Population("live", None, np.ones(len(kinds), dtype=bool)),
        "lymphocytes": Population("lymphocytes", "live", lymphocytes),
        "CD3+": Population("CD3+", "lymphocytes", light["CD3"] > 500),
    }
    parents = {"CD3": "lymphocytes", "CD4": "CD3+", "CD8": "CD3+"}
    cuts = {(name, of): Cut(name, of, 500.0, None, None, None, "set") for name, of in parents.items()}
    rows = check_exchanged("a", populations, cuts, {name: values.astype(np.float32) for name, values in light.items()})
    return [(row["verdict"], int(row["value"])) for row in rows]


@pytest.mark.parametrize(
    ("with_cd4", "with_cd8", "expected"),
    [
        (200, 0, [("pass", 0)]),
        (200, 200, [("pass", 200)]),
        (0, 29, []),
        (0, 30, [("warn", 30)]),
        (2, 39, [("pass", 39)]),
        (2, 40, [("warn", 40)]),
        (30, 0, [("pass", 0)]),
    ],
)
def test_twenty_with_cd8_to_one_with_cd4_warn(with_cd4, with_cd8, expected):
    assert told(with_cd4, with_cd8) == expected


def test_large_cells_alone_tell():
    """NK cells bear CD8 dimly and are of the size of T cells; of T cells of one kind no scale is known."""
    assert told(0, 100, size=1.1) == []
    assert told(0, 100, t_cells=60) == []


def exchanged(tube: Tube) -> Tube:
    """The tube with what it says of CD4 and CD8 exchanged."""
    places = [next(i for i, name in enumerate(tube.markers) if name and name.startswith(m)) for m in ("CD4 ", "CD8 ")]
    markers = list(tube.markers)
    markers[places[0]], markers[places[1]] = markers[places[1]], markers[places[0]]
    return replace(tube, markers=markers)


OTHERS = {"DN T": 20.0, "DP T": 10.0, "B": 100.0, "NK": 150.0}
CELLS = {
    "tbnk": {"CD4+ T": 500.0, "CD8+ T": 250.0, "granulocyte": 1_500.0},
    "ics": {"CD4+ T": 250.0, "CD8+ T": 500.0},
    "t_state": {"CD4+ T central_memory": 500.0, "CD8+ T effector": 250.0},
}


@pytest.mark.parametrize("panel", sorted(CELLS))
def test_a_tube_with_exchanged_names_warns(panel):
    for seed in (1, 2, 3):
        tube = as_read(
            acquire(np.random.default_rng(seed), PANELS[panel], {**CELLS[panel], **OTHERS, "monocyte": 200.0}, 5_000)
        )
        for one, verdict in ((tube, "pass"), (exchanged(tube), "warn")):
            quality = gate(one, sample="a").quality.filter(pl.col("check") == NAME)
            assert quality["verdict"].to_list() == [verdict]


def test_a_tube_without_monocytes_tells_nothing():
    tube = as_read(acquire(np.random.default_rng(1), PANELS["ics"], {**CELLS["ics"], **OTHERS}, 5_000))
    for one in (tube, exchanged(tube)):
        assert NAME not in gate(one, sample="a").quality["check"]


def test_real_blood_whose_columns_are_exchanged_warns(shared_data: Path) -> None:
    """Unmixed light of 8,000 mononuclear cells, of which some 1,200 are monocytes."""
    tube = read_fcs(shared_data / "flow" / "pbmc_spectral_unmixed.fcs")
    cd4, cd8 = map(tube.channels.index, ("CD4", "CD8a"))
    events = tube.events.copy()
    events[:, [cd4, cd8]] = events[:, [cd8, cd4]]
    for one, verdict in ((tube, "pass"), (replace(tube, events=events), "warn")):
        quality = gate(one, sample="a").quality.filter(pl.col("check") == NAME)
        assert quality["verdict"].to_list() == [verdict]
