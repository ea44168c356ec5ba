"""Limits of the share of single cells."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tilseq.flow import gate
from tilseq.flow.beside import let_in
from tilseq.flow.counts import count
from tilseq.flow.gated import Gating
from tilseq.flow.scatter import Beside
from tilseq.flow.share_limits import share_limits
from tilseq.simulate.cytometry.faults import Conditions
from tilseq.simulate.cytometry.panels import PANELS
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.files import as_read

FLOOR = 1.959964 * 0.002  # of the logit


@pytest.mark.parametrize("name", list(PANELS))
def test_limits_of_single_cells_hold_the_truth_where_doublets_pass_for_such(name: str) -> None:
    """A tenth of 20,000 events are doublets, and more of unequal cells, as of TBNK, lie as a single cell does."""
    held, by_counting = 0, 0
    for seed in range(15):
        panel = PANELS[name]
        cells = dict.fromkeys(panel.looks, 200.0)
        tube = acquire(np.random.default_rng([3, seed]), panel, cells, 20_000, conditions=Conditions(doublets=0.1))
        single = np.array([kind != "doublet" for kind in tube.kinds])[tube.labels].mean()
        row = count(gate(as_read(tube), sample="s")).filter(population="singlets").row(0, named=True)
        held += row["lower"] <= 100 * single <= row["upper"]
        by_counting += row["counting_lower"] <= 100 * single <= row["counting_upper"]
        assert row["upper"] - row["lower"] < 2
    assert held >= 14
    assert by_counting <= (5 if name == "tbnk" else 15)


def test_single_cells_leave_out_half_to_all_as_many_doublets_as_lie_below_and_gain_none_above(gating: Gating) -> None:
    """Below lie 100: 75 are taken off, ± 1.96 · √(12.12² + 11.46²); above 40: from none to twice as many are single."""
    cells = gating.populations["singlets"]
    total = gating.populations["all events"].events
    bare = share_limits(replace(gating, beside_singlets=Beside(0, 0)), cells)
    assert let_in(100) == (75, pytest.approx(16.675, abs=1e-3))
    below, above = (
        share_limits(replace(gating, beside_singlets=beside), cells) for beside in (Beside(100, 0), Beside(0, 40))
    )
    own = (cells.events - 75) / total
    assert below[1][0] == pytest.approx(own - math.hypot(1.959964 * 16.675 / total, FLOOR * own * (1 - own)), rel=1e-4)
    assert below[0][0] < bare[0][0] - 75 / total
    assert below[1][1] == cells.events / total
    assert above[0][0] == bare[0][0]
    share = cells.events / total
    assert above[1][1] == pytest.approx(
        share + math.hypot(0.95 * 2 * 40 / total, FLOOR * share * (1 - share)), rel=1e-4
    )
