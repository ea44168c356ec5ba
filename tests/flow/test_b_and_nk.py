"""Exchanged names of CD19 and CD56, told by CD8 of NK cells: cells by hand, simulated tubes and a real one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tilseq.flow.exchanged import NAME_B_NK, check_b_and_nk
from tilseq.flow.gating import gate
from tilseq.flow.tree import Cut, Population
from tilseq.io.fcs import read_fcs

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "raw" / "flow"


def told(b: int, nk: int, *, of_each: int = 200) -> list[tuple[str, int, str]]:
    """Verdict, number and reason of a tube of B and NK cells, of each some with CD8."""
    kinds = np.repeat([0, 1], of_each)
    cd8 = np.concatenate([np.arange(of_each) < b, np.arange(of_each) < nk]) * 1_000.0
    populations = {name: Population(name, "CD3-", kinds == kind) for kind, name in enumerate(("B", "NK"))}
    cuts = {("CD8", "CD3+"): Cut("CD8", "CD3+", 500.0, None, None, None, "set")}
    rows = check_b_and_nk("a", populations, cuts, {"CD8": cd8.astype(np.float32)})
    return [(row["verdict"], row["value"], row["reason"]) for row in rows]


ASKED = "; NK cells do: are the names, or the antibodies, of CD19 and of CD16 or CD56 exchanged?"


def test_ten_b_cells_with_cd8_to_one_nk_cell_warn():
    assert told(0, 60) == [("pass", 0, "0 B cells and 60 NK cells bear CD8")]
    assert told(60, 0) == [("warn", 60, "60 B cells and 0 NK cells bear CD8" + ASKED)]
    assert told(60, 6) == [("warn", 60, "60 B cells and 6 NK cells bear CD8" + ASKED)]
    assert told(60, 7) == [("pass", 60, "60 B cells and 7 NK cells bear CD8")]
    assert told(9, 0) == []
    assert [verdict for verdict, *_ in told(10, 0)] == ["warn"]
    assert [verdict for verdict, *_ in told(10, 0, of_each=201)] == ["pass"]  # fewer than one of 20


def test_tubes_without_b_or_without_cd8_tell_nothing():
    everything = Population("NK", "CD3-", np.ones(20, dtype=bool))
    cuts = {("CD8", "CD3+"): Cut("CD8", "CD3+", 0.0, None, None, None, "set")}
    assert check_b_and_nk("a", {"NK": everything}, cuts, {"CD8": np.ones(20, np.float32)}) == []
    assert check_b_and_nk("a", {"NK": everything, "B": everything}, {}, {}) == []


@pytest.mark.parametrize("tube", ["baseline", "D7", "D28", "product"])
def test_a_tube_whose_names_are_exchanged_warns(tube):
    right = read_fcs(SAMPLE / f"SIM-01_{tube}_flow.fcs")
    markers = [
        {"CD19 APC": "CD16+CD56 APC", "CD16+CD56 PE": "CD19 PE"}.get(marker or "", marker) for marker in right.markers
    ]
    for one, verdict in ((right, "pass"), (replace(right, markers=markers), "warn")):
        assert gate(one, sample="a").quality.filter(pl.col("check") == NAME_B_NK)["verdict"].to_list() == [verdict]


def test_real_blood_whose_columns_are_exchanged_warns(shared_data: Path) -> None:
    tube = read_fcs(shared_data / "flow" / "pbmc_spectral_unmixed.fcs")
    cd19, cd56 = map(tube.channels.index, ("CD19", "CD56"))
    events = tube.events.copy()
    events[:, [cd19, cd56]] = events[:, [cd56, cd19]]
    for one, reason in (
        (tube, "1 B cells and 30 NK cells bear CD8"),
        (replace(tube, events=events), "30 B cells and 1 NK cells bear CD8" + ASKED),
    ):
        assert gate(one, sample="a").quality.filter(pl.col("check") == NAME_B_NK)["reason"].to_list() == [reason]
